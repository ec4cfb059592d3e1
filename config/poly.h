/* poly.h - Polycom and Poly XML files.
 *
 * Any well-formed XML: a parameter is an attribute with a dot in its name; element names and
 * nesting mean nothing, and attributes without a dot are no parameters.  Documents with a DTD,
 * with deep nesting or of more than CONFIG_FILE_MAX bytes are refused.
 */
#ifndef CONFIG_POLY_H
#define CONFIG_POLY_H

#include <stdbool.h>
#include <stdint.h>

#include "config/store.h"

/* Reads PATH, the FILE_INDEX-th file given, into STORE.  False: it can't be read to its end, an
 * error is told, and nothing of it is kept. */
bool poly_read(struct config_store *store, const char *path, uint32_t file_index);

#endif
