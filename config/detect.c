/* detect.c - the first line, or the first name that is known, tells the vendor. */
#include "config/detect.h"

#include <stdbool.h>
#include <string.h>

#include "config/parameter.h"

static const char BLANKS[] = " \t\r\n";

enum { NAME_MAX_BYTES = 96 }; /* of a name that is looked up: the longest known has 60 */

/* One line without the blanks at its ends. */
struct line {
	const char *start;
	size_t length;
};

static bool starts_with(struct line line, const char *text)
{
	size_t length = strlen(text);
	return line.length >= length && memcmp(line.start, text, length) == 0;
}

static bool is_blank(char c)
{
	return c && strchr(BLANKS, c);
}

static struct line trim(const char *start, size_t length)
{
	while (length > 0 && is_blank(*start))
		start++, length--;
	while (length > 0 && is_blank(start[length - 1]))
		length--;
	return (struct line){start, length};
}

/* The kind that a line NAME = VALUE tells.  *GUESS is what it looks like if NAME is unknown. */
static enum config_kind judge(struct line line, enum config_kind *guess)
{
	static const enum config_kind kinds[DIALECTS] = {
		[DIALECT_POLY] = CONFIG_KIND_FLAT,
		[DIALECT_YEALINK] = CONFIG_KIND_YEALINK,
		[DIALECT_VERSITY] = CONFIG_KIND_VERSITY,
	};
	const char *equals = memchr(line.start, '=', line.length);
	if (!equals)
		return CONFIG_KIND_UNKNOWN;
	struct line left = trim(line.start, (size_t)(equals - line.start));
	struct line right = trim(equals + 1, line.length - (size_t)(equals + 1 - line.start));
	char name[NAME_MAX_BYTES + 1] = "";
	struct parameter_key key;
	if (left.length > NAME_MAX_BYTES || memchr(left.start, '\0', left.length))
		return CONFIG_KIND_UNKNOWN;
	memcpy(name, left.start, left.length);
	if (parameter_find(name, &key) != MATCH_NONE)
		return kinds[parameter_dialect(key.id)];
	if (*guess == CONFIG_KIND_UNKNOWN && strchr(name, '.') && !strpbrk(name, BLANKS))
		*guess = starts_with(right, "\"") ? CONFIG_KIND_FLAT : CONFIG_KIND_YEALINK;
	return CONFIG_KIND_UNKNOWN;
}

static enum config_kind detect_lines(const char *bytes, size_t size)
{
	enum config_kind guess = CONFIG_KIND_UNKNOWN;
	for (const char *end = bytes + size; bytes < end;) {
		const char *line_end = memchr(bytes, '\n', (size_t)(end - bytes));
		size_t length = (size_t)((line_end ? line_end : end) - bytes);
		struct line line = trim(bytes, length);
		bytes += length + (line_end ? 1 : 0);
		if (starts_with(line, "#!version"))
			return CONFIG_KIND_YEALINK;
		if (starts_with(line, "#"))
			continue;
		if (memmem(line.start, line.length, "include:config", strlen("include:config")))
			return CONFIG_KIND_YEALINK;
		enum config_kind kind = judge(line, &guess);
		if (kind != CONFIG_KIND_UNKNOWN)
			return kind;
	}
	return guess;
}

enum config_kind config_detect(const char *bytes, size_t size)
{
	static const char BOM[] = "\xef\xbb\xbf";
	if (size >= 3 && memcmp(bytes, BOM, 3) == 0)
		bytes += 3, size -= 3;
	struct line all = trim(bytes, size);
	if (all.length == 0)
		return CONFIG_KIND_EMPTY;
	bool utf_16 = size >= 2 &&
		      (memcmp(bytes, "\xff\xfe", 2) == 0 || memcmp(bytes, "\xfe\xff", 2) == 0);
	if (*all.start == '<' || utf_16 || memchr(bytes, '\0', size < 4 ? size : 4))
		return CONFIG_KIND_XML;
	return detect_lines(all.start, all.length);
}
