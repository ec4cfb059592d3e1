/* load.h - configurations from texts, and what was told of them. */
#ifndef TESTS_CONFIG_LOAD_H
#define TESTS_CONFIG_LOAD_H

#include "config/provenance.h"

/* cmocka set-up and tear-down of a group: a directory of its own, in which files are written. */
int load_enter(void **state);
int load_leave(void **state);

/* Writes file NAME with TEXT in that directory. */
void load_write(const char *name, const char *text);

/* Loads one text as "1.cfg"; two as "1.cfg" and "2.cfg". */
struct config *load_text(const char *text);
struct config *load_texts(const char *first, const char *second);

/* Loads one text with a profile and a strictness.  The result of config_load() must be EXPECTED. */
struct load {
	const char *text, *profile;
	bool strict;
	int expected;
};
struct config *load_with(struct load load);

/* Loads by any options.  The result of config_load() must be EXPECTED. */
struct config *load_options(struct config_options options, int expected);

/* The same, of one path. */
struct config *load_path(const char *path, int expected);

/* A Yealink file of these lines. */
#define YEALINK(lines) "#!version:1.0.0.1\n" lines

/* One element with these attributes. */
#define XML(attributes) "<polycomConfig " attributes "/>"

/* All diagnostics must be TEXT: one a line, without an end of line at the last; "" is none. */
void assert_told(const struct config *config, const char *text);

/* The policy value of a line's entry, both counted from 0. */
uint32_t policy_of(const struct config *config, uint32_t line, uint32_t entry,
		   enum kl_policy_field field);

/* "NAME = VALUE (FROM)" of the value that rules a field. */
void assert_ruled(const struct config *config, uint32_t entry, enum kl_policy_field field,
		  const char *text);

#endif
