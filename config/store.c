/* store.c - settings sorted so that the first of each is found, and problems told in order. */
#include "config/store.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "config/text.h"

enum {
	WARNINGS_MAX = CONFIG_DIAGNOSTICS_MAX * 3 / 4, /* the rest is kept for errors */
	UNKNOWN_LISTED_MAX = 20,     /* unknown names told one by one: real files have hundreds */
	UNKNOWN_COMPARED_MAX = 2000, /* unknown names that a hostile file can have compared */
	LAYER_SHIFT = 28, /* settings of one layer are fewer: config/source.c bounds the bytes */
};

/* The lower half of precedences; older names stand in the upper one. */
static const uint32_t NEWER_MAX = UINT32_MAX / 2;

/* A diagnostic, and what it is sorted by beside its line. */
struct told {
	struct config_diagnostic diagnostic;
	uint32_t file_index, sequence;
};

void store_init(struct config_store *store, bool strict)
{
	store->config.store = store;
	store->strict = strict;
	store->told = arena_alloc(&store->arena, CONFIG_DIAGNOSTICS_MAX * sizeof(*store->told));
}

void store_free(struct config_store *store)
{
	free(store->settings);
	arena_free(&store->arena);
	free(store);
}

static const char *severity_name(enum config_severity severity)
{
	return severity == CONFIG_ERROR ? "error" : "warning";
}

void store_tell(struct config_store *store, struct subject subject, const char *format, ...)
{
	bool error = subject.severity == CONFIG_ERROR;
	if (error)
		store->config.error_count++;
	if (store->told_count >= (error ? CONFIG_DIAGNOSTICS_MAX : WARNINGS_MAX)) {
		store->told_left_out++;
		return;
	}

	char text[KL_TEXT_MAX];
	va_list arguments;
	va_start(arguments, format);
	int length = vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	if (length >= (int)sizeof(text))
		length = sizeof(text) - 1;

	static const struct position nowhere = {.file_index = UINT32_MAX};
	const struct position *at = subject.at ? subject.at : &nowhere;
	store->told[store->told_count] = (struct told){
		.diagnostic = {.severity = subject.severity,
			       .file = at->file,
			       .line = at->line,
			       .column = at->column,
			       .parameter = subject.parameter,
			       .text = arena_copy(&store->arena, text, (size_t)length)},
		.file_index = at->file_index,
		.sequence = store->told_count,
	};
	store->told_count++;
}

bool store_has_told(const struct config_store *store, const char *parameter, const char *text)
{
	for (uint32_t i = 0; i < store->told_count; i++) {
		const struct config_diagnostic *told = &store->told[i].diagnostic;
		if ((told->parameter && strcmp(told->parameter, parameter) == 0) ||
		    strstr(told->text, text))
			return true;
	}
	return false;
}

static int compare_numbers(uint32_t a, uint32_t b)
{
	return (a > b) - (a < b);
}

static int compare_told(const void *left, const void *right)
{
	const struct told *a = left, *b = right;
	int order = compare_numbers(a->file_index, b->file_index);
	if (order == 0)
		order = compare_numbers(a->diagnostic.line, b->diagnostic.line);
	if (order == 0)
		order = compare_numbers(a->diagnostic.column, b->diagnostic.column);
	return order ? order : compare_numbers(a->sequence, b->sequence);
}

void store_finish(struct config_store *store)
{
	qsort(store->told, store->told_count, sizeof(*store->told), compare_told);
	struct config_diagnostic *diagnostics =
		arena_alloc(&store->arena, (store->told_count + 1) * sizeof(*diagnostics));
	uint32_t count = 0;
	for (; count < store->told_count; count++)
		diagnostics[count] = store->told[count].diagnostic;
	if (store->told_left_out)
		diagnostics[count++] = (struct config_diagnostic){
			.severity = CONFIG_WARNING,
			.text = arena_format(&store->arena, "%u more problems are not listed",
					     store->told_left_out)};
	store->config.diagnostics = diagnostics;
	store->config.diagnostic_count = count;
}

char *config_format_diagnostic(char *to, size_t size, const struct config_diagnostic *diagnostic)
{
	char place[32] = "";
	if (diagnostic->column)
		snprintf(place, sizeof(place), "%u:%u:", diagnostic->line, diagnostic->column);
	else if (diagnostic->line)
		snprintf(place, sizeof(place), "%u:", diagnostic->line);
	snprintf(to, size, "%s%s%s%s%s: %s%s%s", diagnostic->file ? diagnostic->file : "",
		 diagnostic->file ? ":" : "", place, *place || diagnostic->file ? " " : "",
		 severity_name(diagnostic->severity),
		 diagnostic->parameter ? diagnostic->parameter : "",
		 diagnostic->parameter ? ": " : "", diagnostic->text);
	return to;
}

const char *store_where(struct config_store *store, const struct position *at)
{
	if (at->line == 0)
		return at->file;
	return arena_format(&store->arena, "%s:%u", at->file, at->line);
}

/* Names that look like a known one are told one by one; of the others the first few. */
static void tell_unknown(struct config_store *store, const char *name, const struct position *at)
{
	const char *meant = NULL;
	if (store->unknown++ < UNKNOWN_COMPARED_MAX)
		meant = parameter_suggest(name, &store->arena);
	struct subject subject = {CONFIG_WARNING, at, text_show(&store->arena, name)};
	if (meant)
		store_tell(store, subject, "unknown parameter; did you mean %s?", meant);
	else if (store->unknown - store->unlisted <= UNKNOWN_LISTED_MAX)
		store_tell(store, subject, "unknown parameter; it is not read");
	else
		store->unlisted++;
}

static struct setting *add_setting(struct config_store *store)
{
	if (store->setting_count == store->setting_room) {
		store->setting_room = store->setting_room ? 2 * store->setting_room : 64;
		store->settings = reallocarray(store->settings, store->setting_room,
					       sizeof(*store->settings));
		if (!store->settings)
			abort();
	}
	return &store->settings[store->setting_count++];
}

static uint32_t precedence_of(const struct config_store *store, const struct parameter_key *key,
			      const struct position *at)
{
	uint32_t sequence = (uint32_t)store->setting_count;
	if (parameter_dialect(key->id) != DIALECT_YEALINK)
		return (uint32_t)at->layer << LAYER_SHIFT | sequence;
	return (key->older ? UINT32_MAX : NEWER_MAX) - sequence;
}

/* Does TEXT give back what was set before? */
static bool is_reset(const struct parameter_key *key, const char *text)
{
	if (parameter_dialect(key->id) != DIALECT_YEALINK)
		return false;
	bool inherits = key->place == PLACE_ACCOUNT_PROXY &&
			parameter_get(key->id)->use == USE_POLICY && strcmp(text, "-1") == 0;
	return inherits || strcmp(text, "%NULL%") == 0;
}

void store_set(struct config_store *store, const char *name, const char *text,
	       const struct position *at)
{
	struct parameter_key key;
	enum parameter_match match = parameter_find(name, &key);
	if (match == MATCH_NONE) {
		tell_unknown(store, name, at);
		return;
	}
	if (match == MATCH_INDEX) {
		struct subject subject = {CONFIG_WARNING, at, text_show(&store->arena, name)};
		store_tell(store, subject, "a number in its name is out of range; it is not read");
		return;
	}
	if (text[strspn(text, " \t\r\n")] == '\0')
		return;

	struct setting setting = {.key = key, .at = *at};
	setting.check = parameter_read(key.id, text, &store->arena, &setting.value);
	if (is_reset(&key, text))
		setting.check = CHECK_RESET;
	bool secret = parameter_get(key.id)->kind == KIND_SECRET;
	setting.shown = secret ? "the value" : text_show(&store->arena, text);
	store_put(store, &setting);
}

void store_put(struct config_store *store, const struct setting *setting)
{
	struct setting *to = add_setting(store);
	*to = *setting;
	to->precedence = precedence_of(store, &setting->key, &setting->at);
}

const char *store_name(struct config_store *store, const struct setting *setting)
{
	return setting->name ? setting->name : parameter_name(&setting->key, &store->arena);
}

static int compare_keys(const struct parameter_key *a, const struct parameter_key *b)
{
	int order = compare_numbers(a->id, b->id);
	if (order == 0)
		order = compare_numbers(a->place, b->place);
	if (order == 0)
		order = compare_numbers(a->x, b->x);
	return order ? order : compare_numbers(a->y, b->y);
}

static int compare_settings(const void *left, const void *right)
{
	const struct setting *a = left, *b = right;
	int order = compare_keys(&a->key, &b->key);
	return order ? order : compare_numbers(a->precedence, b->precedence);
}

void store_tell_wrong(struct config_store *store, struct setting *setting, const char *instead)
{
	if (setting->told)
		return;
	setting->told = true;
	enum config_severity severity = store->strict ? CONFIG_ERROR : CONFIG_WARNING;
	struct subject subject = {severity, &setting->at, store_name(store, setting)};
	store_tell(store, subject, "%s is out of range (permitted: %s); %s", setting->shown,
		   parameter_range(setting->key.id, &store->arena), instead);
}

void store_tell_unused(struct config_store *store)
{
	for (size_t i = 0; i < store->setting_count; i++)
		if (store->settings[i].check == CHECK_WRONG)
			store_tell_wrong(store, &store->settings[i], "it counts as not set");
}

static void tell_clamped(struct config_store *store, const struct setting *setting)
{
	struct subject subject = {CONFIG_WARNING, &setting->at, store_name(store, setting)};
	store_tell(store, subject, "%s is out of range (permitted: %s); %u is used", setting->shown,
		   parameter_range(setting->key.id, &store->arena), setting->value.number);
}

/* Drops AGAIN, which GOOD rules over.  Across files that is how overriding works; inside one file
 * it is a slip, unless a reset says that it is meant. */
static void drop(struct config_store *store, const struct setting *good, struct setting *again)
{
	const char *where = store_where(store, &good->at);
	bool last_rules = parameter_dialect(good->key.id) == DIALECT_YEALINK;
	if (again->check == CHECK_WRONG) {
		const char *instead = arena_format(&store->arena, "%s sets it %s", where,
						   last_rules ? "after it" : "first");
		store_tell_wrong(store, again, instead);
	} else if (again->at.file_index == good->at.file_index && again->check != CHECK_RESET &&
		   good->check != CHECK_RESET && strcmp(again->value.text, good->value.text) != 0) {
		struct subject subject = {CONFIG_WARNING, &again->at, store_name(store, again)};
		store_tell(store, subject, "set twice; the %s counts, at %s",
			   last_rules ? "last" : "first", where);
	}
}

static bool is_unset_value(struct config_store *store, const struct setting *setting)
{
	struct parameter_value unset;
	const char *text = parameter_get(setting->key.id)->unset;
	parameter_read(setting->key.id, text, &store->arena, &unset);
	if (parameter_get(setting->key.id)->kind == KIND_TEXT)
		return strcasecmp(unset.text, setting->value.text) == 0;
	return unset.number == setting->value.number;
}

static bool is_inert(struct config_store *store, const struct setting *setting)
{
	if (setting->check == CHECK_WRONG)
		return false;
	if (setting->key.place == PLACE_TEMPLATE_SERVER)
		return true;
	return parameter_get(setting->key.id)->use == USE_INERT && !is_unset_value(store, setting);
}

/* One warning for a row, however many lines or records it is set for. */
static void tell_inert(struct config_store *store)
{
	size_t last = SIZE_MAX;
	for (size_t i = 0; i < store->setting_count; i++) {
		struct setting *setting = &store->settings[i];
		if (setting->key.id == last || !is_inert(store, setting))
			continue;
		last = setting->key.id;
		struct subject subject = {CONFIG_WARNING, &setting->at, store_name(store, setting)};
		store_tell(store, subject, "read but has no effect in this version");
	}
}

void store_seal(struct config_store *store)
{
	if (store->setting_count > 0)
		qsort(store->settings, store->setting_count, sizeof(*store->settings),
		      compare_settings);
	size_t kept = 0;
	struct setting good = {.check = CHECK_WRONG};
	for (size_t i = 0; i < store->setting_count; i++) {
		struct setting *setting = &store->settings[i];
		if (good.check != CHECK_WRONG && compare_keys(&good.key, &setting->key) == 0) {
			drop(store, &good, setting);
			continue;
		}
		good = *setting;
		if (good.check == CHECK_CLAMPED)
			tell_clamped(store, &good);
		if (good.check != CHECK_RESET)
			store->settings[kept++] = good;
	}
	store->setting_count = kept;
	tell_inert(store);
	if (store->unlisted > 0)
		store_tell(store, (struct subject){.severity = CONFIG_WARNING},
			   "%u more unknown parameters are not read", store->unlisted);
}

/* Index of the first setting that is not before KEY. */
static size_t lower_bound(const struct config_store *store, const struct parameter_key *key)
{
	size_t low = 0, high = store->setting_count;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (compare_keys(&store->settings[middle].key, key) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

size_t store_find_first(const struct config_store *store, size_t id)
{
	return lower_bound(store, &(struct parameter_key){.id = (uint16_t)id});
}

struct setting *store_find(struct config_store *store, const struct parameter_key *key,
			   struct setting **passed)
{
	for (size_t i = lower_bound(store, key); i < store->setting_count; i++) {
		struct setting *setting = &store->settings[i];
		if (compare_keys(&setting->key, key) != 0)
			break;
		if (setting->check != CHECK_WRONG)
			return setting;
		setting->passed = *passed;
		*passed = setting;
	}
	return NULL;
}

struct parameter_value store_value(struct config_store *store, const struct parameter_key *key)
{
	struct setting *passed = NULL;
	const struct setting *setting = store_find(store, key, &passed);
	struct parameter_value value;
	if (setting)
		return setting->value;
	parameter_read(key->id, parameter_get(key->id)->unset, &store->arena, &value);
	return value;
}
