/* poly.h - Polycom and Poly XML files.
 *
 * Any well-formed XML: a parameter is an attribute with a dot in its name; element names and
 * nesting mean nothing, and attributes without a dot are no parameters.  Documents with a DTD,
 * or with deep nesting are refused.
 *
 * A master file names others in CONFIG_FILES, from the left to the right, or in CONFIG_FILES_MODEL
 * for the phone's own model.  After them come the files that the phone wrote for itself, from
 * OVERRIDES_DIRECTORY or beside the master file: MAC-phone.cfg, MAC-system.cfg, MAC-web.cfg.
 */
#ifndef CONFIG_POLY_H
#define CONFIG_POLY_H

#include <stdbool.h>

#include "config/source.h"

/* Reads SOURCE into its store.  False: it can't be read to its end, and an error is told. */
bool poly_read(struct source *source);

#endif
