#include "sim/settings.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#define TEXT(name, text) text,
#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const char *const profiles[] = {KL_PROFILES_TABLE(TEXT)};
static const char *const transports[] = {KL_TRANSPORTS(TEXT)};
static const char *const choices[] = {KL_TRANSPORT_CHOICES(TEXT)};
static const char *const last_routes[] = {KL_LAST_ROUTE_TABLE(TEXT)};
static const char *const fast_windows[] = {KL_FAST_WINDOW_TABLE(TEXT)};
static const char *const failback_modes[] = {KL_FAILBACK_MODE_TABLE(TEXT)};
static const char *const idle_scopes[] = {KL_IDLE_SCOPE_TABLE(TEXT)};
static const char *const weight_orders[] = {KL_WEIGHT_ORDER_TABLE(TEXT)};
static const char *const static_firsts[] = {KL_STATIC_FIRST_TABLE(TEXT)};
static const char *const family_orders[] = {KL_FAMILY_ORDER_TABLE(TEXT)};

/* The words that a policy value of an enum's type may be. */
static const struct {
	const char *type;
	const char *const *words;
	size_t count;
} enums[] = {
	{"kl_last_route", last_routes, COUNT(last_routes)},
	{"kl_fast_window", fast_windows, COUNT(fast_windows)},
	{"kl_failback_mode", failback_modes, COUNT(failback_modes)},
	{"kl_idle_scope", idle_scopes, COUNT(idle_scopes)},
	{"kl_weight_order", weight_orders, COUNT(weight_orders)},
	{"kl_static_first", static_firsts, COUNT(static_firsts)},
	{"kl_family_order", family_orders, COUNT(family_orders)},
};

/* The place of WORD among WORDS, or -1. */
static int find_word(const char *word, const char *const *words, size_t count)
{
	for (size_t i = 0; word && i < count; i++) {
		if (strcmp(word, words[i]) == 0)
			return (int)i;
	}
	return -1;
}

void sim_settings_init(struct sim_settings *settings)
{
	*settings = (struct sim_settings){.seed = 1};
	kl_policy_profile(&settings->policy, KL_PROFILE_POLY);
	settings->config.transports = 1 << KL_UDP;
	settings->config.families = KL_IPV4;
}

bool sim_settings_profile(struct sim_settings *settings, struct sim_words *words,
			  char reason[SIM_REASON_MAX])
{
	const char *word = sim_words_take(words);
	int profile = find_word(word, profiles, COUNT(profiles));

	if (profile < 0) {
		snprintf(reason, SIM_REASON_MAX, "no profile \"%s\"", word ? word : "");
		return false;
	}
	kl_policy_profile(&settings->policy, (enum kl_profile)profile);
	return true;
}

const char *sim_settings_word(const struct kl_policy_info *info, uint32_t value)
{
	for (size_t i = 0; i < COUNT(enums); i++) {
		if (strcmp(info->type, enums[i].type) == 0 && value < enums[i].count)
			return enums[i].words[value];
	}
	return NULL;
}

static bool parse_value(const struct kl_policy_info *info, const char *word, uint64_t *value)
{
	for (size_t i = 0; i < COUNT(enums); i++) {
		if (strcmp(info->type, enums[i].type) == 0) {
			int place = find_word(word, enums[i].words, enums[i].count);

			*value = (uint64_t)place;
			return place >= 0;
		}
	}
	return sim_parse_number(word, UINT32_MAX, value);
}

/* Reads "FIELD VALUE" into POLICY. */
static bool set_field(struct kl_policy *policy, struct sim_words *words,
		      char reason[SIM_REASON_MAX])
{
	const char *name = sim_words_take(words);
	const char *word = sim_words_take(words);
	uint64_t value;

	for (uint32_t i = 1; name && i < KL_POLICY_FIELDS; i++) {
		enum kl_policy_field field = (enum kl_policy_field)i;
		const struct kl_policy_info *info = kl_policy_describe(field);

		if (strcmp(info->name, name) != 0)
			continue;
		if (parse_value(info, word, &value) &&
		    kl_policy_set(policy, field, (uint32_t)value) == 0)
			return true;
		snprintf(reason, SIM_REASON_MAX, "%s can't be \"%s\"", name, word ? word : "");
		return false;
	}
	snprintf(reason, SIM_REASON_MAX, "no policy value \"%s\"", name ? name : "");
	return false;
}

bool sim_settings_set(struct sim_settings *settings, struct sim_words *words,
		      char reason[SIM_REASON_MAX])
{
	return set_field(&settings->policy, words, reason);
}

/* Adds entries up to ENTRY (from 0) to LINE, each a registrar at example.test over UDP. */
static void add_entries(struct sim_settings *settings, uint32_t line, uint32_t entry)
{
	struct kl_line_config *config = &settings->lines[line];

	config->entries = settings->entries[line];
	while (config->entry_count <= entry) {
		uint32_t i = config->entry_count++;
		struct sim_entry_settings *own = &settings->own[line][i];

		own->policy = settings->policy;
		snprintf(own->name, sizeof(own->name), "example.test");
		settings->entries[line][i] = (struct kl_entry_config){
			.name = own->name,
			.transport_choice = KL_CHOOSE_UDP,
			.registers = true,
			.policy = &own->policy,
		};
	}
}

static bool add_name(struct kl_entry_config *config, struct sim_entry_settings *own,
		     const char *name)
{
	uint8_t i = config->more_count;

	if (!name || i == KL_SPECS_MAX - 1)
		return false;
	snprintf(own->more[i], sizeof(own->more[i]), "%s", name);
	own->more_names[i] = own->more[i];
	config->more_names = own->more_names;
	config->more_count++;
	return true;
}

/* Reads what a line's entry is like: words of its own, else a policy value. */
static bool set_entry(struct sim_settings *settings, uint32_t line, uint32_t entry,
		      struct sim_words *words, char reason[SIM_REASON_MAX])
{
	struct kl_entry_config *config = &settings->entries[line][entry];
	struct sim_entry_settings *own = &settings->own[line][entry];
	uint64_t number;
	int choice;

	if (sim_words_skip(words, "name") && sim_words_peek(words)) {
		snprintf(own->name, sizeof(own->name), "%s", sim_words_take(words));
		return true;
	}
	if (sim_words_skip(words, "and")) {
		snprintf(reason, SIM_REASON_MAX, "an entry has 1 to %d names", KL_SPECS_MAX);
		return add_name(config, own, sim_words_take(words));
	}
	if (sim_words_skip(words, "transport")) {
		choice = find_word(sim_words_take(words), choices, COUNT(choices));
		config->transport_choice = (uint8_t)choice;
		snprintf(reason, SIM_REASON_MAX,
			 "the transport is naptr, udp, tcp, tls or tcp-preferred");
		return choice >= 0;
	}
	if (sim_words_skip(words, "port")) {
		snprintf(reason, SIM_REASON_MAX, "a port is 0 to 65535");
		if (!sim_parse_number(sim_words_take(words), UINT16_MAX, &number))
			return false;
		config->port = (uint16_t)number;
		return true;
	}
	if (sim_words_skip(words, "unregistered")) {
		config->registers = false;
		return true;
	}
	return set_field(&own->policy, words, reason);
}

bool sim_settings_line(struct sim_settings *settings, struct sim_words *words,
		       char reason[SIM_REASON_MAX])
{
	uint64_t line, entry = 1, group, key;

	snprintf(reason, SIM_REASON_MAX, "lines count from 1 to %d", SIM_LINES_MAX);
	if (!sim_parse_number(sim_words_take(words), SIM_LINES_MAX, &line) || line == 0)
		return false;
	if (sim_words_skip(words, "group")) {
		snprintf(reason, SIM_REASON_MAX, "a group is 0 to 65535");
		if (!sim_parse_number(sim_words_take(words), UINT16_MAX, &group))
			return false;
		settings->lines[line - 1].group = (uint16_t)group;
	}
	if (sim_words_skip(words, "key")) {
		snprintf(reason, SIM_REASON_MAX, "a key is a number from 1");
		if (!sim_parse_number(sim_words_take(words), UINT64_MAX, &key) || key == 0)
			return false;
		settings->lines[line - 1].key = key;
	}
	if (sim_words_skip(words, "entry")) {
		snprintf(reason, SIM_REASON_MAX, "entries count from 1 to %d", KL_ENTRIES_MAX);
		if (!sim_parse_number(sim_words_take(words), KL_ENTRIES_MAX, &entry) || entry == 0)
			return false;
	}
	for (uint32_t i = settings->config.line_count; i < line; i++)
		add_entries(settings, i, 0);
	if (settings->config.line_count < line)
		settings->config.line_count = (uint32_t)line;
	add_entries(settings, (uint32_t)line - 1, (uint32_t)entry - 1);
	while (sim_words_peek(words)) {
		if (!set_entry(settings, (uint32_t)line - 1, (uint32_t)entry - 1, words, reason))
			return false;
	}
	return true;
}

bool sim_settings_transports(struct sim_settings *settings, struct sim_words *words,
			     char reason[SIM_REASON_MAX])
{
	settings->config.transports = 0;
	while (sim_words_peek(words)) {
		int place = find_word(sim_words_take(words), transports, COUNT(transports));

		if (place < 0) {
			snprintf(reason, SIM_REASON_MAX, "transports are udp, tcp and tls");
			return false;
		}
		settings->config.transports |= (uint8_t)(1 << place);
	}
	return true;
}

bool sim_settings_families(struct sim_settings *settings, struct sim_words *words,
			   char reason[SIM_REASON_MAX])
{
	static const char *const families[] = {"ipv4", "ipv6", "both"};
	int place = find_word(sim_words_take(words), families, COUNT(families));

	snprintf(reason, SIM_REASON_MAX, "families are ipv4, ipv6 or both");
	settings->config.families = (uint8_t)(place + 1);
	return place >= 0;
}

bool sim_settings_seed(struct sim_settings *settings, struct sim_words *words,
		       char reason[SIM_REASON_MAX])
{
	snprintf(reason, SIM_REASON_MAX, "a seed is a number");
	return sim_parse_number(sim_words_take(words), UINT64_MAX, &settings->seed);
}

bool sim_settings_limit(struct sim_settings *settings, struct sim_words *words,
			char reason[SIM_REASON_MAX])
{
	const struct {
		const char *name;
		uint32_t *value;
	} limits[] = {
		{"sets", &settings->limits.sets},
		{"routes", &settings->limits.routes},
		{"set_routes", &settings->limits.set_routes},
		{"queries", &settings->limits.queries},
		{"records", &settings->limits.records},
		{"name_bytes", &settings->limits.name_bytes},
		{"walks", &settings->limits.walks},
		{"subscriptions", &settings->limits.subscriptions},
	};
	const char *name = sim_words_take(words);
	uint64_t value;

	snprintf(reason, SIM_REASON_MAX, "a limit is the name of one and a number");
	if (!name || !sim_parse_number(sim_words_take(words), UINT32_MAX, &value))
		return false;
	for (size_t i = 0; i < COUNT(limits); i++) {
		if (strcmp(limits[i].name, name) == 0) {
			*limits[i].value = (uint32_t)value;
			return true;
		}
	}
	return false;
}

static bool shelf_add(struct sim_shelf *shelf, uint32_t *count, const struct sim_record *record)
{
	struct sim_record *own = &shelf->own[*count];

	if (*count == SIM_STATICS_MAX)
		return false;
	*own = *record;
	shelf->rows[*count] = (struct kl_static_record){
		.owner = own->owner, .type = own->type, .data = own->data};
	shelf->rows[*count].data.name = own->name;
	shelf->rows[*count].data.service = own->service;
	++*count;
	return true;
}

bool sim_settings_static(struct sim_settings *settings, const struct sim_record *record)
{
	settings->config.static_records = settings->statics.rows;
	return shelf_add(&settings->statics, &settings->config.static_record_count, record);
}

bool sim_settings_remember(struct sim_settings *settings, const struct sim_record *record)
{
	settings->config.remembered_records = settings->remembered.rows;
	return shelf_add(&settings->remembered, &settings->config.remembered_record_count, record);
}

/* A limit that the scenario gives, else the default. */
static void limit(uint32_t *value, uint32_t given)
{
	if (given)
		*value = given;
}

bool sim_settings_finish(struct sim_settings *settings, char reason[SIM_REASON_MAX])
{
	struct kl_config *config = &settings->config;
	const struct kl_limits *given = &settings->limits;

	if (config->line_count == 0) {
		config->line_count = 1;
		add_entries(settings, 0, 0);
	}
	config->lines = settings->lines;
	kl_limits_default(config);
	limit(&config->limits.sets, given->sets);
	limit(&config->limits.routes, given->routes);
	limit(&config->limits.set_routes, given->set_routes);
	limit(&config->limits.queries, given->queries);
	limit(&config->limits.records, given->records);
	limit(&config->limits.name_bytes, given->name_bytes);
	limit(&config->limits.walks, given->walks);
	limit(&config->limits.subscriptions, given->subscriptions);
	return kl_config_check(config, reason, SIM_REASON_MAX) == 0;
}
