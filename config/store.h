/* store.h - what is read of all files: settings, and what is wrong with them. */
#ifndef CONFIG_STORE_H
#define CONFIG_STORE_H

#include <stddef.h>
#include <stdint.h>

#include "config/arena.h"
#include "config/config.h"
#include "config/parameter.h"

/* A place in a file. */
struct position {
	const char *file;    /* NULL: of no file */
	uint32_t file_index; /* in the order read */
	uint32_t line, column;
	uint8_t layer; /* enum store_layer */
};

/* Polycom's kinds of files, the strongest first (CONF-2). */
enum store_layer { LAYER_PHONE, LAYER_SYSTEM, LAYER_WEB, LAYER_PROVISIONED };

/* One parameter as one place of a file sets it. */
struct setting {
	struct parameter_key key;
	struct parameter_value value; /* unless `check` is CHECK_WRONG */
	enum parameter_check check;
	const char *shown; /* what the file says, for messages */
	struct position at;
	uint32_t precedence;    /* of those of one key the lowest rules */
	bool told;              /* a wrong one, that it is */
	struct setting *passed; /* the next of a list of wrong ones */
	const char *name;       /* as its file calls it; NULL: as its row does */
};

struct native;

struct config_store {
	struct config config; /* what config_load() hands out */
	struct arena arena;
	bool strict;
	struct native *natives; /* the native files, in the order given (config/native.h) */
	struct setting *settings;
	size_t setting_count, setting_room;
	struct told *told; /* CONFIG_DIAGNOSTICS_MAX, told_count of them used */
	uint32_t told_count, told_left_out;
	uint32_t unknown, unlisted; /* names that no row has, and those not told one by one */
};

void store_init(struct config_store *store, bool strict);
void store_free(struct config_store *store); /* and what is in it, STORE included */

/* What a problem is about. */
struct subject {
	enum config_severity severity;
	const struct position *at; /* NULL: of no file */
	const char *parameter;     /* NULL: of none; not copied */
};

/* Notes one problem. */
void store_tell(struct config_store *store, struct subject subject, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* Was anything told of PARAMETER, or in words that contain TEXT? */
bool store_has_told(const struct config_store *store, const char *parameter, const char *text);

/* Hands the diagnostics to the config, by file and line; nothing is told after this. */
void store_finish(struct config_store *store);

/* Takes NAME="TEXT" from a file.  Unknown names are told, empty values are not set.  Polycom's
 * first of a name rules (CONF-1), Yealink's last (CONF-3): there "%NULL%" takes back what came
 * before, and so does the -1 of an outbound proxy (7.36 of docs/vendors.md). */
void store_set(struct config_store *store, const char *name, const char *text,
	       const struct position *at);

/* Takes a setting that is read and checked; its precedence is set here. */
void store_put(struct config_store *store, const struct setting *setting);

/* What SETTING is called, in its file's words. */
const char *store_name(struct config_store *store, const struct setting *setting);

/* After the last file: sorts the settings, keeps the good one of each that rules, tells what
 * was set twice, replaced, or has no effect. */
void store_seal(struct config_store *store);

/* The setting of KEY, or NULL.  Wrong ones before it are put in front of the list *PASSED. */
struct setting *store_find(struct config_store *store, const struct parameter_key *key,
			   struct setting **passed);

/* The value of KEY; where no file sets it, the one that its row has then. */
struct parameter_value store_value(struct config_store *store, const struct parameter_key *key);

/* Index of the first setting whose row is ID or a later one: those of a row are neighbours. */
size_t store_find_first(const struct config_store *store, size_t id);

/* Tells once that a wrong value is out of range, and what is used instead (PROF-4). */
void store_tell_wrong(struct config_store *store, struct setting *setting, const char *instead);

/* Tells so of those that nothing has looked for. */
void store_tell_unused(struct config_store *store);

/* "FILE:LINE", or what stands for a file that has no lines */
const char *store_where(struct config_store *store, const struct position *at);

#endif
