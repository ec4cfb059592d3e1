/* yaml_scalar.c - numbers, durations and words. */
#include "config/yaml_scalar.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "config/text.h"

enum { DIGITS_MAX = 10 }; /* on either side of a duration's point */

static const struct {
	const char *word;
	bool value;
} bools[] = {{"true", true},   {"yes", true}, {"on", true},
	     {"false", false}, {"no", false}, {"off", false}};

static const struct {
	const char *name;
	uint64_t ms;
} units[] = {{"d", 86400000}, {"h", 3600000}, {"m", 60000}, {"s", 1000}, {"ms", 1}};

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

static bool read_bool(const char *text, uint32_t *number)
{
	for (size_t i = 0; i < COUNT_OF(bools); i++) {
		if (strcasecmp(bools[i].word, text) == 0) {
			*number = bools[i].value;
			return true;
		}
	}
	return false;
}

/* Digits, a point and digits if need be, and a unit; what is finer than a millisecond is refused.
 */
static bool read_duration(const char *text, uint32_t *number)
{
	size_t whole_digits = strspn(text, "0123456789"), part_digits = 0;
	const char *rest = text + whole_digits;
	uint64_t whole = strtoull(text, NULL, 10), part = 0, scale = 1;
	if (strcmp(text, "0") == 0) {
		*number = 0;
		return true;
	}
	if (*rest == '.') {
		part_digits = strspn(++rest, "0123456789");
		part = strtoull(rest, NULL, 10);
		if (part_digits == 0)
			return false;
		rest += part_digits;
	}
	if (whole_digits == 0 || whole_digits > DIGITS_MAX || part_digits > DIGITS_MAX)
		return false;
	for (size_t i = 0; i < part_digits; i++)
		scale *= 10;
	for (size_t i = 0; i < COUNT_OF(units); i++) {
		if (strcmp(units[i].name, rest) != 0)
			continue;
		uint64_t ms = whole * units[i].ms + part * units[i].ms / scale;
		*number = (uint32_t)ms;
		return ms <= UINT32_MAX && part * units[i].ms % scale == 0;
	}
	return false;
}

static bool read_word(const struct yaml_row *row, const char *text, uint32_t *number)
{
	for (uint32_t i = 0; i <= row->most; i++) {
		if (strcasecmp(row->words[i], text) == 0) {
			*number = i;
			return true;
		}
	}
	return false;
}

static bool is_within(const struct yaml_row *row, size_t number)
{
	return number >= row->least && number <= row->most;
}

bool yaml_read_scalar(const struct yaml_row *row, const char *text, uint32_t *number)
{
	switch (row->type) {
	case YAML_BOOL:
		return read_bool(text, number);
	case YAML_NUMBER:
		return text_read_number(text, number) && is_within(row, *number);
	case YAML_DURATION:
		return read_duration(text, number) && is_within(row, *number);
	case YAML_WORD:
		return read_word(row, text, number);
	case YAML_TEXT:
	case YAML_SECRET:
		return is_within(row, strlen(text)) && text_is_printable(text) &&
		       (!row->accepts || row->accepts(text));
	case YAML_MAP:
	case YAML_LIST:
	case YAML_RESERVED:
		break;
	}
	return false;
}

const char *yaml_show_duration(struct arena *arena, uint32_t ms)
{
	if (ms == 0)
		return "0";
	for (size_t i = 0; i < COUNT_OF(units); i++)
		if (units[i].ms > 1000 && ms % units[i].ms == 0)
			return arena_format(arena, "%llu%s", (unsigned long long)(ms / units[i].ms),
					    units[i].name);
	if (ms < 1000)
		return arena_format(arena, "%ums", ms);
	return arena_format(arena, "%.10gs", ms / 1000.0);
}

static const char *list_words(struct arena *arena, const struct yaml_row *row)
{
	const char *list = row->words[0];
	for (uint32_t i = 1; i <= row->most; i++)
		list = arena_format(arena, "%s%s%s", list, i < row->most ? ", " : " or ",
				    row->words[i]);
	return list;
}

static const char *list_range(struct arena *arena, const struct yaml_row *row)
{
	if (row->most == 1)
		return "one mapping or value";
	return arena_format(arena, "a list of %u to %u items", row->least, row->most);
}

const char *yaml_range(struct arena *arena, const struct yaml_row *row)
{
	switch (row->type) {
	case YAML_BOOL:
		return "true or false";
	case YAML_NUMBER:
		return arena_format(arena, "a number, %u to %u", row->least, row->most);
	case YAML_DURATION:
		return arena_format(arena, "a duration, %s to %s, as in 500ms, 3.5s, 5m, 1h",
				    yaml_show_duration(arena, row->least),
				    yaml_show_duration(arena, row->most));
	case YAML_WORD:
		return list_words(arena, row);
	case YAML_TEXT:
	case YAML_SECRET:
		if (row->expected)
			return row->expected;
		return arena_format(arena, "text of %u to %u bytes without control characters",
				    row->least, row->most);
	case YAML_MAP:
		return "a mapping of \"key: value\"";
	case YAML_LIST:
		return list_range(arena, row);
	case YAML_RESERVED:
		break;
	}
	return row->expected;
}
