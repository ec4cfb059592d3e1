/* source.h - the files given, and the files that those name.
 *
 * What kind a file is, is found from its content.  Polycom's master files and Yealink's boot files
 * name others; those are read after them, in order.
 */
#ifndef CONFIG_SOURCE_H
#define CONFIG_SOURCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "config/store.h"

/* One name of another file, where a file has it. */
struct source_include {
	const char *name;
	struct position at;
	const char *parameter; /* what names it, for messages */
	bool optional;         /* nothing is told if there is no such file */
	struct source_include *next;
};

/* One file while its reader goes over it. */
struct source {
	struct config_store *store;
	const struct config_options *options;
	struct position at; /* line and column: of what the reader looks at */
	const char *bytes;
	size_t size;
	struct source_include *includes, *last_include; /* in order */
};

/* Has another file read after SOURCE: NAME, relative to its folder, with the phone's own values in
 * the place of [PHONE_MAC_ADDRESS] and [PHONE_MODEL].  What the parameter of INCLUDE is, and the
 * name, are copied; `at` is where SOURCE is now. */
void source_include(struct source *source, struct source_include include);

/* The phone's MAC address that OPTIONS give: 12 digits, lower case.  NULL: they give none, or it is
 * no MAC address. */
const char *source_given_mac(struct arena *arena, const struct config_options *options);

/* The phone's MAC address as the names of its files have it: 12 digits, lower case; from the
 * options, or from SOURCE's own name.  NULL: neither tells it. */
const char *source_mac(const struct source *source);

/* Tells an error about the file as a whole, or at where the reader is. */
void source_refuse(struct source *source, const char *why);

/* Reads all files of OPTIONS into STORE.  False: one of them can't be read to its end; an error is
 * told, and nothing of that one is kept. */
bool source_read_all(struct config_store *store, const struct config_options *options);

#endif
