/* yealink.c - one line at a time. */
#include "config/yealink.h"

#include <string.h>
#include <strings.h>

#include "config/text.h"

static const char VERSION[] = "#!version:1.0.0.1";
static const char INCLUDE[] = "include:config";
static const char BLANKS[] = " \t";

static void tell(struct source *source, enum config_severity severity, const char *text)
{
	store_tell(source->store, (struct subject){severity, &source->at, NULL}, "%s", text);
}

/* TEXT without the blanks at its ends, cut in place. */
static char *trim(char *text)
{
	text += strspn(text, BLANKS);
	size_t length = strlen(text);
	while (length > 0 && strchr(BLANKS, text[length - 1]))
		length--;
	text[length] = '\0';
	return text;
}

/* The name of include:config TEXT, without what is around it; NULL: there is none. */
static char *unquote(char *text)
{
	static const char *const pairs[] = {"\"\"", "<>", "''"};
	size_t length = strlen(text);
	for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
		if (text[0] != pairs[i][0])
			continue;
		if (length < 3 || text[length - 1] != pairs[i][1])
			return NULL;
		text[length - 1] = '\0';
		return text + 1;
	}
	return length > 0 ? text : NULL;
}

/* Is a line that begins with [MODEL] for this phone?  TEXT is moved behind it. */
static bool is_for_model(struct source *source, char **text)
{
	if (**text != '[')
		return true;
	char *end = strchr(*text, ']');
	if (!end)
		return true; /* told as a line that is none */
	const char *model = source->options->model;
	size_t length = (size_t)(end - *text - 1);
	bool same = model && strlen(model) == length && strncasecmp(model, *text + 1, length) == 0;
	if (!model)
		tell(source, CONFIG_WARNING,
		     "for one model only, and the phone's is not given; it is not read");
	*text = end + 1;
	return same;
}

static void read_include(struct source *source, char *text)
{
	char *name = unquote(trim(text));
	if (name)
		source_include(source, (struct source_include){.name = name, .parameter = INCLUDE});
	else
		tell(source, CONFIG_ERROR, "expected include:config \"FILE\"");
}

/* LINE begins with neither a blank nor a "#", and is not empty. */
static void read_line(struct source *source, char *line)
{
	if (!is_for_model(source, &line))
		return;
	line += strspn(line, BLANKS);
	if (strncmp(line, INCLUDE, strlen(INCLUDE)) == 0) {
		read_include(source, line + strlen(INCLUDE));
		return;
	}
	char *equals = strchr(line, '=');
	if (!equals || equals == line) {
		tell(source, CONFIG_ERROR, "expected KEY = VALUE; the line is not read");
		return;
	}
	*equals = '\0';
	store_set(source->store, trim(line), trim(equals + 1), &source->at);
}

/* The phone takes no file that begins otherwise. */
static void check_version(struct source *source, const char *line)
{
	if (source->at.line != 1 || strcmp(line, VERSION) == 0)
		return;
	source->at.column = 1;
	tell(source, CONFIG_WARNING,
	     "the first line must be #!version:1.0.0.1, or a phone does not take the file");
}

void yealink_read(struct source *source, bool has_version)
{
	static const char BOM[] = "\xef\xbb\xbf";
	const char *next = source->bytes, *end = next + source->size;
	if (source->size >= strlen(BOM) && memcmp(next, BOM, strlen(BOM)) == 0)
		next += strlen(BOM);
	for (source->at.line = 1; next < end; source->at.line++) {
		const char *line_end = memchr(next, '\n', (size_t)(end - next));
		size_t length = (size_t)((line_end ? line_end : end) - next);
		char *line = arena_copy(&source->store->arena, next, length);
		bool whole = strlen(line) == length;
		next += length + (line_end ? 1 : 0);
		line[strcspn(line, "\r")] = '\0';
		if (has_version)
			check_version(source, line);
		size_t blanks = strspn(line, BLANKS);
		source->at.column = (uint32_t)blanks + 1;
		if (!whole || !text_is_utf8(line))
			tell(source, CONFIG_ERROR, "no text in UTF-8; the line is not read");
		else if (line[blanks] && line[blanks] != '#')
			read_line(source, line + blanks);
	}
}
