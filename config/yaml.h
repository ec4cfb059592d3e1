/* yaml.h - YAML files read by tables of keys.
 *
 * A table says which keys a mapping may have, what each may be, and where in a struct it goes:
 *
 *	struct house { struct position at; struct yaml_leaf doors; };
 *	static const struct yaml_row rows[] = {
 *		{.key = "doors", .type = YAML_NUMBER, .offset = offsetof(struct house, doors),
 *		 .least = 1, .most = 9, .meaning = "ways out"},
 *	};
 *	static const struct yaml_table table = {rows, 1, sizeof(struct house)};
 *
 *	yaml_read(store, &file, &table, &house)     house.doors.number, and where it stands
 *
 * Everything that is wrong is told in one run, with line and column, what it is and what was
 * expected.  What is wrong is not set.  Aliases and anchors are refused, and size, depth and number
 * of nodes are bounded before the document is built: so memory goes with the size of the file.
 *
 * Ownership  What is read lives in the store's arena.
 */
#ifndef CONFIG_YAML_H
#define CONFIG_YAML_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "config/file.h"
#include "config/store.h"

enum {
	YAML_DEPTH_MAX = 16,      /* collections inside each other; the native file needs 6 */
	YAML_NODES_MAX = 1 << 19, /* 1,024 lines with four servers each and every policy row */
};

enum yaml_type {
	YAML_BOOL,     /* true or false: also yes, no, on, off */
	YAML_NUMBER,   /* digits */
	YAML_DURATION, /* a number with a unit, ms s m h d, as in 3.5s; 0 needs none */
	YAML_WORD,     /* one of `words`; its number is the place among them */
	YAML_TEXT,
	YAML_SECRET,   /* a text that no message shows */
	YAML_MAP,      /* by `table` */
	YAML_LIST,     /* each item by `item`; one item may stand without the list */
	YAML_RESERVED, /* refused: `expected` says why */
};

/* One value.  `text` is NULL where the file doesn't set it. */
struct yaml_leaf {
	const char *text;
	uint32_t number;  /* BOOL 0 or 1, NUMBER, DURATION in milliseconds, WORD */
	const char *name; /* its way through the file: "lines.1.servers.2.port" */
	struct position at;
};

struct yaml_list {
	void *items; /* of struct yaml_leaf, or of the struct of `item`'s table */
	uint32_t count;
	struct position at;
};

struct yaml_row {
	const char *key;
	enum yaml_type type;
	/* Of a struct yaml_leaf, a struct yaml_list, or for a YAML_MAP of a pointer to a struct,
	 * which is made where the file has it. */
	size_t offset;
	/* NUMBER and DURATION (in milliseconds): the range, both included.  TEXT: its length in
	 * bytes.  LIST: its length.  Up to UINT32_MAX. */
	uint32_t least, most;
	const char *const *words;          /* WORD: `most` + 1 of them */
	bool (*accepts)(const char *text); /* TEXT: NULL accepts all */
	const char *expected;              /* what `accepts` wants */
	const struct yaml_table *table;    /* MAP */
	const struct yaml_row *item;       /* LIST: LEAF types or MAP; key and offset don't count */
	const char *meaning;               /* one sentence, for the documentation */
};

/* The struct that a table fills begins with a struct position: where the mapping starts. */
struct yaml_table {
	const struct yaml_row *rows;
	size_t count;
	size_t size; /* of the struct */
};

/* Reads FILE into TO, a zeroed struct of TABLE.  False: it can't be parsed or is refused as a
 * whole, which is told. */
bool yaml_read(struct config_store *store, const struct file *file, const struct yaml_table *table,
	       void *to);

/* "500ms", "3.5s", "5m", "1h": in the largest unit that gives a short number. */
const char *yaml_show_duration(struct arena *arena, uint32_t ms);

/* What ROW permits: "0 to 65535", "500ms to 64s", "true or false". */
const char *yaml_range(struct arena *arena, const struct yaml_row *row);

#endif
