/* config.c - what a configuration must be, and the limits that fit it. */
#include "engine/doubt.h"
#include "engine/flow.h"
#include "engine/names.h"
#include "engine/route.h"

#include <stdio.h>
#include <string.h>

/* Probes of one route set that the default limits have room for at one time. */
enum { PROBES_AT_ONCE = 4 };

/* Routes and queries are numbered in 16 bits. */
enum { NUMBERED_MAX = 0xfffe };

/* Is entry ENTRY of line LINE the first of its route set?  Lines of one
 * device mostly share one, so the search ends early. */
static bool first_of_set(const struct kl_config *config, uint32_t line, uint8_t entry)
{
	const struct kl_entry_config *self = &config->lines[line].entries[entry];
	for (uint32_t i = 0; i <= line; i++)
		for (uint8_t j = 0; j < config->lines[i].entry_count; j++) {
			if (i == line && j == entry)
				return true;
			if (route_same_set(&config->lines[i].entries[j], self))
				return false;
		}
	return true;
}

static bool is_any(const struct kl_policy *policy)
{
	return policy;
}

static bool is_probing(const struct kl_policy *policy)
{
	return policy->probe_ms;
}

static bool is_doubting(const struct kl_policy *policy)
{
	return policy->first_silence;
}

/* The route sets of the entries whose policy COUNTS. */
static uint32_t set_count_of(const struct kl_config *config,
			     bool (*counts)(const struct kl_policy *policy))
{
	uint32_t count = 0;
	for (uint32_t i = 0; i < config->line_count; i++)
		for (uint8_t j = 0; j < config->lines[i].entry_count; j++)
			if (counts(config->lines[i].entries[j].policy))
				count += first_of_set(config, i, j);
	return count;
}

/* As many for each set as it can have, unless there are very many sets: few have so many. */
static uint32_t numbered(uint32_t sets, uint32_t of_each)
{
	return sets < NUMBERED_MAX / of_each ? sets * of_each : NUMBERED_MAX;
}

void kl_limits_default(struct kl_config *config)
{
	uint32_t sets = set_count_of(config, is_any), registrations = flow_registrations(config);
	uint32_t probes = PROBES_AT_ONCE * set_count_of(config, is_probing) +
			  2 * DOUBT_ASKS_MAX * set_count_of(config, is_doubting);
	config->limits = (struct kl_limits){
		.sets = sets,
		.routes = numbered(sets, KL_SET_ROUTES_MAX),
		.set_routes = KL_SET_ROUTES_MAX,
		.queries = numbered(sets, KL_SET_ROUTES_MAX * 2 + 4 * KL_SPECS_MAX),
		.records = sets * KL_DNS_RECORDS_MAX * 2,
		.name_bytes = sets * 2048,
		.walks = registrations + config->line_count * 2 + probes + 4,
		.subscriptions = config->line_count * 8};
}

/* A name can be asked for: not empty, labels of 1 to 63 bytes, no white space. */
static bool name_fits(const char *name)
{
	uint8_t ip[16];
	size_t label = 0;
	if (address_parse(ip, name))
		return true;
	for (const char *c = name; *c; c++) {
		if ((unsigned char)*c <= ' ' || *c == 0x7f || *c == ':' || *c == '[')
			return false;
		label = *c == '.' ? 0 : label + 1;
		if ((*c == '.' && c == name) || (*c == '.' && c[1] == '.') || label > 63)
			return false;
	}
	return name[0] && strlen(name) <= KL_NAME_MAX;
}

static int check_policy(const struct kl_policy *policy, char *why, size_t size)
{
	for (int i = KL_POLICY_none + 1; i < KL_POLICY_FIELDS; i++) {
		const struct kl_policy_info *info = kl_policy_describe((enum kl_policy_field)i);
		uint32_t value = kl_policy_get(policy, (enum kl_policy_field)i);
		if (value >= info->least && value <= info->most)
			continue;
		snprintf(why, size, "%s is %u, expected %u to %u", info->name, (unsigned)value,
			 (unsigned)info->least, (unsigned)info->most);
		return KL_EINVAL;
	}
	return KL_OK;
}

/* Of these transports the host must have one. */
static const uint8_t transports_of[KL_TRANSPORT_CHOICES_MAX] = {
	[KL_CHOOSE_NAPTR] = UINT8_MAX,           [KL_CHOOSE_UDP] = 1 << KL_UDP,
	[KL_CHOOSE_TCP] = 1 << KL_TCP,           [KL_CHOOSE_TLS] = 1 << KL_TLS,
	[KL_CHOOSE_TCP_PREFERRED] = 1 << KL_TCP,
};

bool kl_transports_allow(uint8_t transports, enum kl_transport_choice choice)
{
	return transports & transports_of[choice];
}

static int check_name(const char *name, char *why, size_t size)
{
	if (name && name_fits(name))
		return KL_OK;
	snprintf(why, size, "'%.200s' is neither a domain name nor an IP address",
		 name ? name : "");
	return KL_EINVAL;
}

static int check_names(const struct kl_entry_config *entry, char *why, size_t size)
{
	if (entry->more_count >= KL_SPECS_MAX || (entry->more_count && !entry->more_names)) {
		snprintf(why, size, "an entry has %u names, expected 1 to %d",
			 entry->more_count + 1u, KL_SPECS_MAX);
		return KL_EINVAL;
	}
	for (uint8_t i = 0; i < entry->more_count; i++)
		if (check_name(entry->more_names[i], why, size))
			return KL_EINVAL;
	return check_name(entry->name, why, size);
}

static int check_entry(const struct kl_config *config, const struct kl_entry_config *entry,
		       char *why, size_t size)
{
	if (check_names(entry, why, size))
		return KL_EINVAL;
	if (entry->transport_choice >= KL_TRANSPORT_CHOICES_MAX || !entry->policy) {
		snprintf(why, size, "an entry has no policy, or an unknown transport");
		return KL_EINVAL;
	}
	if (!kl_transports_allow(config->transports,
				 (enum kl_transport_choice)entry->transport_choice)) {
		snprintf(why, size, "%.200s wants transport %s, which this host cannot use",
			 entry->name,
			 kl_transport_choice_name(
				 (enum kl_transport_choice)entry->transport_choice));
		return KL_EINVAL;
	}
	return check_policy(entry->policy, why, size);
}

/* What the arithmetic of the block and of transaction ids can hold. */
static bool limits_fit(const struct kl_config *config)
{
	const struct kl_limits *limits = &config->limits;
	static const uint32_t most = UINT32_C(1) << 26;
	return limits->sets >= set_count_of(config, is_any) && limits->sets < most &&
	       limits->routes && limits->routes <= NUMBERED_MAX && limits->set_routes &&
	       limits->set_routes <= KL_SET_ROUTES_MAX && limits->queries &&
	       limits->queries <= NUMBERED_MAX && limits->records && limits->records < most &&
	       limits->name_bytes >= 64 && limits->name_bytes < most &&
	       limits->name_bytes % 4 == 0 && limits->walks > flow_registrations(config) &&
	       limits->walks < most && limits->subscriptions < most;
}

struct check_records {
	const struct kl_static_record *rows;
	uint32_t count, type_max;
	const char *kind;
};

/* DNS-15, OWN-9 */
static int check_records(const struct check_records *records, char *why, size_t size)
{
	uint32_t counts[KL_NAPTR + 1] = {0};
	for (uint32_t i = 0; i < records->count; i++) {
		const struct kl_static_record *row = &records->rows[i];
		bool named = row->type == KL_SRV || row->type == KL_NAPTR;
		if (!named && row->type != KL_A && row->type != KL_AAAA) {
			snprintf(why, size, "%s record %u has no type", records->kind,
				 (unsigned)i + 1);
			return KL_EINVAL;
		}
		if (!row->owner || !name_fits(row->owner) ||
		    (named && (!row->data.name || !name_fits(row->data.name)))) {
			snprintf(why, size, "%s record %u has no domain name", records->kind,
				 (unsigned)i + 1);
			return KL_EINVAL;
		}
		if (++counts[row->type] > records->type_max) {
			snprintf(why, size, "more than %u %s records of one type",
				 (unsigned)records->type_max, records->kind);
			return KL_EINVAL;
		}
	}
	return KL_OK;
}

static int check_all_records(const struct kl_config *config, char *why, size_t size)
{
	const struct check_records given = {.rows = config->static_records,
					    .count = config->static_record_count,
					    .type_max = KL_STATIC_RECORDS_MAX,
					    .kind = "static"};
	const struct check_records remembered = {.rows = config->remembered_records,
						 .count = config->remembered_record_count,
						 .type_max = UINT32_MAX,
						 .kind = "remembered"};
	int error = check_records(&given, why, size);
	return error ? error : check_records(&remembered, why, size);
}

int kl_config_check(const struct kl_config *config, char *why, size_t size)
{
	if (!config->lines || config->line_count == 0) {
		snprintf(why, size, "there is no line");
		return KL_EINVAL;
	}
	for (uint32_t i = 0; i < config->line_count; i++) {
		const struct kl_line_config *line = &config->lines[i];
		if (line->entry_count == 0 || line->entry_count > KL_ENTRIES_MAX) {
			snprintf(why, size, "line %u has %u server entries, expected 1 to %d",
				 (unsigned)i + 1, line->entry_count, KL_ENTRIES_MAX);
			return KL_EINVAL;
		}
		for (uint8_t j = 0; j < line->entry_count; j++)
			if (check_entry(config, &line->entries[j], why, size))
				return KL_EINVAL;
	}
	if (check_all_records(config, why, size))
		return KL_EINVAL;
	if (!config->transports || !config->families || config->families > (KL_IPV4 | KL_IPV6)) {
		snprintf(why, size, "no transport, or no address family, can be used");
		return KL_EINVAL;
	}
	if (!limits_fit(config)) {
		snprintf(why, size, "the limits do not fit %u lines", (unsigned)config->line_count);
		return KL_EINVAL;
	}
	return KL_OK;
}
