/* json.h - JSON values put together; running out of memory ends the program.
 *
 * Values are given away to their parent.
 */
#ifndef CLI_JSON_H
#define CLI_JSON_H

#include <jansson.h>
#include <stdint.h>
#include <stdio.h>

void cli_json_put(json_t *object, const char *key, json_t *value);
void cli_json_append(json_t *array, json_t *value);

/* JSON is UTF-8; text that is not (from a zone file) can't be shown. */
json_t *cli_json_text(const char *words);
json_t *cli_json_number(uint64_t value);

/* Prints ROOT, indented, and frees it.  0, or -1 if TO can't be written. */
int cli_json_print(FILE *to, json_t *root);

#endif
