/* poly.c - attributes of an XML file, each with its own line and column. */
#include "config/poly.h"

#include <expat.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "config/text.h"

enum {
	DEPTH_MAX = 64,  /* elements inside each other; real files have 6 */
	LIST_MAX = 2047, /* bytes of CONFIG_FILES (Polycom) */
};

/* One attribute of a master file, where it stands. */
struct named {
	const char *name, *value; /* NULL: not there */
	struct position at;
};

struct reader {
	struct source *source;
	XML_Parser parser;
	uint32_t depth;
	struct named files, files_of_model, overrides;
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
	reader->source->at.line = (uint32_t)XML_GetCurrentLineNumber(reader->parser);
	reader->source->at.column = (uint32_t)XML_GetCurrentColumnNumber(reader->parser) + 1;
}

/* In UTF-16 every other byte is NUL; there all attributes stand where their tag does. */
static struct tag_walk start_walk(const struct reader *reader)
{
	size_t offset = (size_t)XML_GetCurrentByteIndex(reader->parser);
	size_t length = (size_t)XML_GetCurrentByteCount(reader->parser);
	const char *tag = reader->source->bytes + offset;
	if (memchr(reader->source->bytes, '\0',
		   reader->source->size < 4 ? reader->source->size : 4))
		length = 0;
	return (struct tag_walk){tag, tag + length, reader->source->at.line,
				 reader->source->at.column};
}

/* Stops at a construct: expat knows its line, and its column only about. */
static void refuse(struct reader *reader, const char *why)
{
	locate(reader);
	reader->source->at.column = 0;
	reader->refusal = why;
	XML_StopParser(reader->parser, XML_FALSE);
}

/* Notes what makes a file a master file. */
static void take_master(struct reader *reader, const char *name, const char *value)
{
	static const char FILES[] = "CONFIG_FILES";
	const struct source *source = reader->source;
	struct named *taken = NULL;
	if (strcasecmp(name, "OVERRIDES_DIRECTORY") == 0)
		taken = &reader->overrides;
	else if (strcasecmp(name, FILES) == 0)
		taken = &reader->files;
	else if (source->options->model && strncasecmp(name, FILES, strlen(FILES)) == 0 &&
		 name[strlen(FILES)] == '_' &&
		 strcasecmp(name + strlen(FILES) + 1, source->options->model) == 0)
		taken = &reader->files_of_model;
	if (!taken || taken->value)
		return;
	struct arena *arena = &source->store->arena;
	taken->name = arena_copy(arena, name, strlen(name));
	taken->value = text_copy_trimmed(arena, value);
	taken->at = source->at;
}

/* What a master file names, in order. */
static void include_files(struct reader *reader)
{
	struct source *source = reader->source;
	struct arena *arena = &source->store->arena;
	struct named *files =
		reader->files_of_model.value ? &reader->files_of_model : &reader->files;
	if (!files->value)
		return;
	source->at = files->at;
	if (strlen(files->value) > LIST_MAX) {
		struct subject subject = {CONFIG_ERROR, &source->at, files->name};
		store_tell(source->store, subject, "a list of more than %d bytes", LIST_MAX);
		return;
	}
	for (const char *name = files->value; *name; name += *name == ',') {
		size_t length = strcspn(name, ",");
		char *one = text_copy_trimmed(arena, arena_copy(arena, name, length));
		if (*one)
			source_include(source, (struct source_include){.name = one,
								       .parameter = files->name});
		name += length;
	}
}

/* The files that the phone wrote for itself; there need not be any. */
static void include_overrides(struct reader *reader)
{
	static const char *const kinds[] = {"phone", "system", "web"};
	struct source *source = reader->source;
	const char *mac = source_mac(source);
	bool is_master = reader->files.value || reader->files_of_model.value;
	if (!mac || !is_master)
		return;
	struct arena *arena = &source->store->arena;
	const char *folder = reader->overrides.value ? reader->overrides.value : "";
	size_t length = strlen(folder);
	const char *slash = length > 0 && folder[length - 1] != '/' ? "/" : "";
	if (reader->overrides.value)
		source->at = reader->overrides.at;
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		source_include(source, (struct source_include){
					       .name = arena_format(arena, "%s%s%s-%s.cfg", folder,
								    slash, mac, kinds[i]),
					       .parameter = "OVERRIDES_DIRECTORY",
					       .optional = true});
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
		reader->source->at.line = walk.line;
		reader->source->at.column = walk.column;
		if (strchr(attributes[0], '.'))
			store_set(reader->source->store, attributes[0], attributes[1],
				  &reader->source->at);
		else
			take_master(reader, attributes[0], attributes[1]);
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
	store_tell(reader->source->store,
		   (struct subject){CONFIG_WARNING, &reader->source->at, NULL},
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

bool poly_read(struct source *source)
{
	struct reader reader = {.source = source, .parser = XML_ParserCreate(NULL)};
	if (!reader.parser)
		abort();
	XML_SetUserData(reader.parser, &reader);
	XML_SetElementHandler(reader.parser, on_start, on_end);
	XML_SetCharacterDataHandler(reader.parser, on_text);
	XML_SetStartDoctypeDeclHandler(reader.parser, on_doctype);
	bool good = XML_Parse(reader.parser, source->bytes, (int)source->size, XML_TRUE) ==
		    XML_STATUS_OK;
	if (good) {
		include_files(&reader);
		include_overrides(&reader);
	} else {
		if (!reader.refusal) {
			locate(&reader);
			reader.refusal = XML_ErrorString(XML_GetErrorCode(reader.parser));
		}
		source_refuse(source, reader.refusal);
	}
	XML_ParserFree(reader.parser);
	return good;
}
