/* json.c - JSON values put together. */
#include "cli/json.h"

#include <err.h>
#include <stdlib.h>

void cli_json_put(json_t *object, const char *key, json_t *value)
{
	if (json_object_set_new(object, key, value))
		errx(EXIT_FAILURE, "out of memory");
}

void cli_json_append(json_t *array, json_t *value)
{
	if (json_array_append_new(array, value))
		errx(EXIT_FAILURE, "out of memory");
}

json_t *cli_json_text(const char *words)
{
	json_t *value = json_string(words);

	return value ? value : json_string("(not UTF-8)");
}

json_t *cli_json_number(uint64_t value)
{
	return json_integer((json_int_t)value);
}

int cli_json_print(FILE *to, json_t *root)
{
	int error = json_dumpf(root, to, JSON_INDENT(2)) || fputc('\n', to) == EOF;

	json_decref(root);
	return error ? -1 : 0;
}
