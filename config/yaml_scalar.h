/* yaml_scalar.h - the values at the ends of a YAML document, by the type of their row. */
#ifndef CONFIG_YAML_SCALAR_H
#define CONFIG_YAML_SCALAR_H

#include "config/yaml.h"

/* Reads TEXT as ROW permits.  *NUMBER is set for types that have one.  False: not permitted. */
bool yaml_read_scalar(const struct yaml_row *row, const char *text, uint32_t *number);

#endif
