/* yaml.c - a document is measured first, then built, then read by a table. */
#include "config/yaml.h"

#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#include "config/text.h"
#include "config/yaml_scalar.h"

enum { SUGGESTIONS_MAX = 100 }; /* unknown keys compared: a hostile file may have many */

/* The way from the root to a node: a key, or the number of an item. */
struct step {
	const struct step *from; /* NULL: the root */
	const char *key;         /* NULL: `item` */
	uint32_t item;           /* from 1 */
};

struct reader {
	struct config_store *store;
	struct position at; /* of the file */
	yaml_document_t document;
	uint32_t suggestions;
};

/* Where something is read to, and how it is called. */
struct target {
	const struct yaml_row *row;
	void *to;
	const struct step *step;
};

static struct position position_of(const struct reader *reader, const yaml_mark_t *mark)
{
	struct position at = reader->at;
	at.line = (uint32_t)mark->line + 1;
	at.column = (uint32_t)mark->column + 1;
	return at;
}

static const char *name_step(struct arena *arena, const struct step *step)
{
	if (!step)
		return NULL;
	const char *before = name_step(arena, step->from);
	const char *dot = before ? "." : "";
	if (!before)
		before = "";
	return step->key ? arena_format(arena, "%s%s%s", before, dot, step->key)
			 : arena_format(arena, "%s%s%u", before, dot, step->item);
}

static struct subject subject_of(const struct reader *reader, const struct position *at,
				 const struct step *step)
{
	return (struct subject){CONFIG_ERROR, at, name_step(&reader->store->arena, step)};
}

/* ---- measuring ------------------------------------------------------------------------------- */

static bool has_anchor(const yaml_event_t *event)
{
	return (event->type == YAML_SCALAR_EVENT && event->data.scalar.anchor) ||
	       (event->type == YAML_SEQUENCE_START_EVENT && event->data.sequence_start.anchor) ||
	       (event->type == YAML_MAPPING_START_EVENT && event->data.mapping_start.anchor);
}

/* Goes over the events of the whole file without building anything.  NULL, or why it is refused;
 * *MARK is where. */
static const char *measure(yaml_parser_t *parser, yaml_mark_t *mark)
{
	uint32_t depth = 0, nodes = 0, documents = 0;
	const char *why = NULL;
	bool ended = false;

	while (!why && !ended) {
		yaml_event_t event;
		if (!yaml_parser_parse(parser, &event)) {
			*mark = parser->problem_mark;
			return parser->problem ? parser->problem : "not UTF-8 or UTF-16 text";
		}
		*mark = event.start_mark;
		if (has_anchor(&event))
			why = "an anchor (&name) is not allowed: nothing may refer to it";
		switch (event.type) {
		case YAML_ALIAS_EVENT:
			why = "an alias (*name) is not allowed: write the value out";
			break;
		case YAML_SEQUENCE_START_EVENT:
		case YAML_MAPPING_START_EVENT:
			nodes++;
			if (++depth > YAML_DEPTH_MAX)
				why = "nested too deeply";
			break;
		case YAML_SEQUENCE_END_EVENT:
		case YAML_MAPPING_END_EVENT:
			depth--;
			break;
		case YAML_SCALAR_EVENT:
			nodes++;
			break;
		case YAML_DOCUMENT_START_EVENT:
			if (++documents > 1)
				why = "a second document (---) is not allowed";
			break;
		case YAML_STREAM_END_EVENT:
			ended = true;
			break;
		case YAML_NO_EVENT:
		case YAML_STREAM_START_EVENT:
		case YAML_DOCUMENT_END_EVENT:
			break;
		}
		if (nodes > YAML_NODES_MAX)
			why = "too many values";
		yaml_event_delete(&event);
	}
	return why ? why : documents ? NULL : "the file is empty";
}

static void start_parser(yaml_parser_t *parser, const struct file *file)
{
	if (!yaml_parser_initialize(parser))
		abort();
	yaml_parser_set_input_string(parser, (const unsigned char *)file->bytes, file->size);
}

/* Builds the document.  False: it is refused, which is told. */
static bool build(struct reader *reader, const struct file *file)
{
	yaml_parser_t parser;
	yaml_mark_t mark = {0};

	start_parser(&parser, file);
	const char *why = measure(&parser, &mark);
	yaml_parser_delete(&parser);
	if (!why) {
		start_parser(&parser, file);
		if (!yaml_parser_load(&parser, &reader->document)) {
			why = parser.problem ? parser.problem : "out of memory";
			mark = parser.problem_mark;
		}
		yaml_parser_delete(&parser);
	}
	if (why) {
		struct position at = position_of(reader, &mark);
		store_tell(reader->store, (struct subject){CONFIG_ERROR, &at, NULL},
			   "not a good YAML file: %s; nothing of it is used", why);
	}
	return !why;
}

/* ---- reading --------------------------------------------------------------------------------- */

static void read_node(struct reader *reader, yaml_node_t *node, struct target target);

static yaml_node_t *get_node(struct reader *reader, int index)
{
	return yaml_document_get_node(&reader->document, index);
}

/* The text of a scalar without NUL bytes; NULL: it is another kind of node. */
static const char *text_of(const yaml_node_t *node)
{
	const char *text = (const char *)node->data.scalar.value;
	if (node->type != YAML_SCALAR_NODE || strlen(text) != node->data.scalar.length)
		return NULL;
	return text;
}

/* "key:" with nothing behind it sets nothing, as an empty value of a vendor's file. */
static bool is_nothing(const yaml_node_t *node)
{
	return node->type == YAML_SCALAR_NODE && node->data.scalar.length == 0 &&
	       node->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
}

static void tell_unexpected(struct reader *reader, const yaml_node_t *node, struct target target)
{
	struct arena *arena = &reader->store->arena;
	struct position at = position_of(reader, &node->start_mark);
	const char *text = text_of(node);
	const char *found = node->type == YAML_MAPPING_NODE    ? "a mapping"
			    : node->type == YAML_SEQUENCE_NODE ? "a list"
			    : !text || target.row->type == YAML_SECRET
				    ? "the value"
				    : arena_format(arena, "\"%s\"", text_show(arena, text));
	store_tell(reader->store, subject_of(reader, &at, target.step),
		   "%s is not right here; expected %s", found, yaml_range(arena, target.row));
}

static void read_leaf(struct reader *reader, yaml_node_t *node, struct target target)
{
	struct yaml_leaf *leaf = target.to;
	struct arena *arena = &reader->store->arena;
	const char *text = text_of(node);
	if (!text || !yaml_read_scalar(target.row, text, &leaf->number)) {
		tell_unexpected(reader, node, target);
		return;
	}
	leaf->text = arena_copy(arena, text, strlen(text));
	leaf->name = name_step(arena, target.step);
	leaf->at = position_of(reader, &node->start_mark);
}

/* A near key of the table, for "did you mean". */
static const char *suggest(struct reader *reader, const struct yaml_table *table, const char *key)
{
	uint32_t most = (uint32_t)strlen(key) / 4, best = most + 1;
	const char *nearest = NULL;
	if (reader->suggestions++ >= SUGGESTIONS_MAX)
		return NULL;
	for (size_t i = 0; i < table->count; i++) {
		uint32_t distance = text_distance(table->rows[i].key, key, most);
		if (distance < best) {
			best = distance;
			nearest = table->rows[i].key;
		}
	}
	return nearest;
}

static void tell_unknown(struct reader *reader, const struct yaml_table *table,
			 const yaml_node_t *node, const struct step *from)
{
	struct position at = position_of(reader, &node->start_mark);
	const char *key = text_of(node);
	const char *meant = key ? suggest(reader, table, key) : NULL;
	struct step step = {from, key ? text_show(&reader->store->arena, key) : "?", 0};
	struct subject subject = subject_of(reader, &at, &step);
	if (meant)
		store_tell(reader->store, subject, "unknown key; did you mean %s?", meant);
	else
		store_tell(reader->store, subject, "unknown key; it is not read");
}

static size_t find_row(const struct yaml_table *table, const char *key)
{
	size_t i = 0;
	while (i < table->count && (!key || strcmp(table->rows[i].key, key) != 0))
		i++;
	return i;
}

static void read_pairs(struct reader *reader, yaml_node_t *node, const struct yaml_table *table,
		       struct target target)
{
	uint32_t *seen = calloc(table->count, sizeof(*seen)); /* the line of each key */
	if (!seen)
		abort();
	*(struct position *)target.to = position_of(reader, &node->start_mark);
	for (yaml_node_pair_t *pair = node->data.mapping.pairs.start;
	     pair < node->data.mapping.pairs.top; pair++) {
		yaml_node_t *key = get_node(reader, pair->key);
		yaml_node_t *value = get_node(reader, pair->value);
		struct position at = position_of(reader, &key->start_mark);
		size_t i = find_row(table, text_of(key));
		if (i == table->count) {
			tell_unknown(reader, table, key, target.step);
			continue;
		}
		struct target inner = {
			.row = &table->rows[i],
			.to = (char *)target.to + table->rows[i].offset,
			.step = &(struct step){.from = target.step, .key = table->rows[i].key},
		};
		if (seen[i])
			store_tell(reader->store, subject_of(reader, &at, inner.step),
				   "set twice in one mapping; the first counts, at line %u",
				   seen[i]);
		else if (!is_nothing(value))
			read_node(reader, value, inner);
		if (!seen[i])
			seen[i] = at.line;
	}
	free(seen);
}

/* A map of its own is made anew; one in a list is filled where it stands. */
static void read_map(struct reader *reader, yaml_node_t *node, struct target target)
{
	void **to = target.to;
	const struct yaml_table *table = target.row->table;
	if (node->type != YAML_MAPPING_NODE) {
		tell_unexpected(reader, node, target);
		return;
	}
	target.to = *to = arena_alloc(&reader->store->arena, table->size);
	read_pairs(reader, node, table, target);
}

static void read_item(struct reader *reader, yaml_node_t *node, struct target target)
{
	if (target.row->type == YAML_MAP && node->type == YAML_MAPPING_NODE)
		read_pairs(reader, node, target.row->table, target);
	else if (target.row->type == YAML_MAP)
		tell_unexpected(reader, node, target);
	else
		read_leaf(reader, node, target);
}

static void read_list(struct reader *reader, yaml_node_t *node, struct target target)
{
	struct yaml_list *list = target.to;
	const struct yaml_row *row = target.row;
	size_t size =
		row->item->type == YAML_MAP ? row->item->table->size : sizeof(struct yaml_leaf);
	bool alone = node->type != YAML_SEQUENCE_NODE;
	size_t count =
		alone ? 1
		      : (size_t)(node->data.sequence.items.top - node->data.sequence.items.start);
	list->at = position_of(reader, &node->start_mark);
	if (count < row->least || count > row->most) {
		store_tell(reader->store, subject_of(reader, &list->at, target.step),
			   "%zu items; expected %s", count, yaml_range(&reader->store->arena, row));
		count = count > row->most ? row->most : count;
	}
	list->items = arena_alloc(&reader->store->arena, count * size);
	list->count = (uint32_t)count;
	for (uint32_t i = 0; i < count; i++) {
		yaml_node_t *item =
			alone ? node : get_node(reader, node->data.sequence.items.start[i]);
		struct step step = {.from = target.step, .item = i + 1};
		read_item(reader, item,
			  (struct target){row->item, (char *)list->items + i * size, &step});
	}
}

static void read_node(struct reader *reader, yaml_node_t *node, struct target target)
{
	switch (target.row->type) {
	case YAML_MAP:
		read_map(reader, node, target);
		break;
	case YAML_LIST:
		read_list(reader, node, target);
		break;
	case YAML_RESERVED: {
		struct position at = position_of(reader, &node->start_mark);
		store_tell(reader->store, subject_of(reader, &at, target.step), "%s",
			   target.row->expected);
		break;
	}
	case YAML_BOOL:
	case YAML_NUMBER:
	case YAML_DURATION:
	case YAML_WORD:
	case YAML_TEXT:
	case YAML_SECRET:
		read_leaf(reader, node, target);
		break;
	}
}

bool yaml_read(struct config_store *store, const struct file *file, const struct yaml_table *table,
	       void *to)
{
	struct reader reader = {.store = store, .at = file->at};
	static const struct yaml_row root_row = {.type = YAML_RESERVED};
	if (!build(&reader, file))
		return false;
	yaml_node_t *root = yaml_document_get_root_node(&reader.document);
	bool good = root && root->type == YAML_MAPPING_NODE;
	if (good) {
		read_pairs(&reader, root, table, (struct target){&root_row, to, NULL});
	} else {
		struct position at = file->at;
		at.line = at.column = 1;
		store_tell(store, (struct subject){CONFIG_ERROR, &at, NULL},
			   "not a good YAML file: expected \"key: value\" lines; nothing of it is "
			   "used");
	}
	yaml_document_delete(&reader.document);
	return good;
}
