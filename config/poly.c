/* poly.c - attributes of an XML file, each with its own line and column. */
#include "config/poly.h"

#include <errno.h>
#include <expat.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { DEPTH_MAX = 64 }; /* elements inside each other; real files have 6 */

struct reader {
	struct config_store *store;
	struct position at; /* of the file; line and column of what was last looked at */
	XML_Parser parser;
	const char *bytes; /* the whole file */
	size_t size;
	uint32_t depth;
	bool text_told;
	const char *refusal; /* why the document is refused, besides not being well-formed */
};

/* Walks over the raw bytes of a start tag, in step with the attributes that expat makes of it:
 * expat itself tells only where the tag begins. */
struct tag_walk {
	const char *next, *end;
	uint32_t line, column;
};

static void walk_byte(struct tag_walk *walk)
{
	char byte = *walk->next++;
	walk->column++;
	if (byte == '\n' || (byte == '\r' && (walk->next == walk->end || *walk->next != '\n'))) {
		walk->line++;
		walk->column = 1;
	}
}

/* Goes on to a byte that is in SET, or, if not WANTED, to one that is not. */
static void walk_to(struct tag_walk *walk, const char *set, bool wanted)
{
	while (walk->next < walk->end && (strchr(set, *walk->next) != NULL) != wanted)
		walk_byte(walk);
}

/* From the end of one attribute, or of the element's name, to the start of the next. */
static void walk_to_attribute(struct tag_walk *walk)
{
	walk_to(walk, " \t\r\n", true);
	walk_to(walk, " \t\r\n", false);
}

/* From the start of an attribute to behind its value. */
static void walk_over_attribute(struct tag_walk *walk)
{
	walk_to(walk, "\"'", true);
	if (walk->next == walk->end)
		return;
	const char quote[] = {*walk->next, '\0'};
	walk_byte(walk);
	walk_to(walk, quote, true);
}

static void locate(struct reader *reader)
{
	reader->at.line = (uint32_t)XML_GetCurrentLineNumber(reader->parser);
	reader->at.column = (uint32_t)XML_GetCurrentColumnNumber(reader->parser) + 1;
}

/* In UTF-16 every other byte is NUL; there all attributes stand where their tag does. */
static struct tag_walk start_walk(const struct reader *reader)
{
	size_t offset = (size_t)XML_GetCurrentByteIndex(reader->parser);
	size_t length = (size_t)XML_GetCurrentByteCount(reader->parser);
	const char *tag = reader->bytes + offset;
	if (memchr(reader->bytes, '\0', reader->size < 4 ? reader->size : 4))
		length = 0;
	return (struct tag_walk){tag, tag + length, reader->at.line, reader->at.column};
}

/* Stops at a construct: expat knows its line, and its column only about. */
static void refuse(struct reader *reader, const char *why)
{
	locate(reader);
	reader->at.column = 0;
	reader->refusal = why;
	XML_StopParser(reader->parser, XML_FALSE);
}

static void XMLCALL on_start(void *context, const XML_Char *element, const XML_Char **attributes)
{
	(void)element;
	struct reader *reader = context;
	locate(reader);
	if (++reader->depth > DEPTH_MAX) {
		refuse(reader, "elements are nested too deeply");
		return;
	}
	struct tag_walk walk = start_walk(reader);
	for (; attributes[0]; attributes += 2) {
		walk_to_attribute(&walk);
		reader->at.line = walk.line;
		reader->at.column = walk.column;
		if (strchr(attributes[0], '.'))
			store_set(reader->store, attributes[0], attributes[1], &reader->at);
		walk_over_attribute(&walk);
	}
}

static void XMLCALL on_end(void *context, const XML_Char *element)
{
	(void)element;
	struct reader *reader = context;
	reader->depth--;
}

/* name="value" lines, as the guides print them, do nothing between tags. */
static void XMLCALL on_text(void *context, const XML_Char *text, int length)
{
	struct reader *reader = context;
	if (reader->text_told || !memchr(text, '=', (size_t)length))
		return;
	reader->text_told = true;
	locate(reader);
	store_tell(reader->store, (struct subject){CONFIG_WARNING, &reader->at, NULL},
		   "text between tags is not read: parameters stand inside a tag, "
		   "as in <polycomConfig name=\"value\"/>");
}

/* No declarations: so there is no entity to expand, and no other file to fetch. */
static void XMLCALL on_doctype(void *context, const XML_Char *name, const XML_Char *system_id,
			       const XML_Char *public_id, int has_internal_subset)
{
	(void)name, (void)system_id, (void)public_id, (void)has_internal_subset;
	refuse(context, "a document type declaration (DTD) is not allowed");
}

/* Says what is wrong, and where.  The guides print bare name="value" lines, which people paste. */
static const char *explain_error(struct reader *reader)
{
	const char *start = reader->bytes, *end = reader->bytes + reader->size;
	while (start < end && strchr(" \t\r\n", *start))
		start++;
	if (start < end && (*start == '<' || *start & 0x80)) {
		locate(reader);
		return XML_ErrorString(XML_GetErrorCode(reader->parser));
	}
	reader->at.line = reader->at.column = 1;
	if (start == end)
		return "the file is empty";
	const char *line_end = memchr(start, '\n', (size_t)(end - start));
	size_t length = (size_t)((line_end ? line_end : end) - start);
	if (memchr(start, '=', length) && *start != '#')
		return "not an XML file; name=\"value\" lines must stand inside a tag: "
		       "put <polycomConfig before the first and /> after the last";
	return "not an XML file";
}

static bool parse(struct reader *reader)
{
	reader->parser = XML_ParserCreate(NULL);
	if (!reader->parser)
		abort();
	XML_SetUserData(reader->parser, reader);
	XML_SetElementHandler(reader->parser, on_start, on_end);
	XML_SetCharacterDataHandler(reader->parser, on_text);
	XML_SetStartDoctypeDeclHandler(reader->parser, on_doctype);
	bool good = XML_Parse(reader->parser, reader->bytes, (int)reader->size, XML_TRUE) ==
		    XML_STATUS_OK;
	if (!good) {
		if (!reader->refusal)
			reader->refusal = explain_error(reader);
		store_tell(reader->store, (struct subject){CONFIG_ERROR, &reader->at, NULL},
			   "%s; nothing of this file is used", reader->refusal);
	}
	XML_ParserFree(reader->parser);
	return good;
}

/* Reads up to CONFIG_FILE_MAX bytes of FD into BYTES (of one more).  NULL, or why not. */
static const char *read_all(int fd, char *bytes, size_t *size)
{
	ssize_t got;
	for (*size = 0; *size <= CONFIG_FILE_MAX; *size += (size_t)got) {
		got = read(fd, bytes + *size, CONFIG_FILE_MAX + 1 - *size);
		if (got < 0)
			return strerror(errno);
		if (got == 0)
			return NULL;
	}
	return "larger than 4 MiB";
}

bool poly_read(struct config_store *store, const char *path, uint32_t file_index)
{
	struct reader reader = {
		.store = store,
		.at = {.file = arena_copy(&store->arena, path, strlen(path)),
		       .file_index = file_index},
	};
	size_t settings_before = store->setting_count;
	char *bytes = malloc(CONFIG_FILE_MAX + 1);
	if (!bytes)
		abort();
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	const char *why = fd < 0 ? strerror(errno) : read_all(fd, bytes, &reader.size);
	if (fd >= 0)
		close(fd);

	bool good = false;
	if (why) {
		store_tell(store, (struct subject){CONFIG_ERROR, &reader.at, NULL},
			   "the file cannot be read: %s", why);
	} else {
		reader.bytes = bytes;
		good = parse(&reader);
	}
	if (!good)
		store->setting_count = settings_before;
	free(bytes);
	return good;
}
