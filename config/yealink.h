/* yealink.h - files of KEY = VALUE lines: Yealink's, and those of a Versity's settings.
 *
 * "#" begins a comment line; blanks around key and value do not count; a value is not quoted and
 * goes to the end of its line.  A Yealink file begins with #!version:1.0.0.1.  Lines
 * include:config "FILE", with quotes, <> or nothing around the name, are those of a boot file; one
 * that begins with [MODEL] is for phones of that model.
 */
#ifndef CONFIG_YEALINK_H
#define CONFIG_YEALINK_H

#include <stdbool.h>

#include "config/source.h"

/* Reads SOURCE into its store.  A line that is none of the above is told, and the rest is read.
 * HAS_VERSION: the first line must be #!version:1.0.0.1, or that is told. */
void yealink_read(struct source *source, bool has_version);

#endif
