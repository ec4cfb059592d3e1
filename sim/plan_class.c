/* plan_class.c - what the phones are provisioned with, and how much their engines must hold. */
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "config/text.h"
#include "sim/plan_private.h"

enum {
	FILES_MAX = 32,
	NAME_HEAD = 8,    /* bytes that a kept name takes beside its letters, at most */
	SERVICE_MAX = 11, /* bytes of "_sips._tcp." */
	SERVICES = 3,     /* SRV questions for one name: UDP, TCP, TLS */
	REQUESTS = 2,     /* of the user at one time */
};

/* ---- limits ---------------------------------------------------------------------------------- */

static uint32_t count_addresses(const struct sim_names *names, const char *owner)
{
	uint32_t count = 0;

	for (size_t i = 0; i < names->record_count; i++)
		count += (names->records[i].type == KL_A || names->records[i].type == KL_AAAA) &&
			 !strcasecmp(names->records[i].owner, owner);
	return count;
}

/* What an engine needs to remember of all that the scenario's DNS says. */
struct need {
	uint32_t routes, queries, records, name_bytes;
};

static struct need need_of_records(const struct sim_names *names, uint32_t families)
{
	struct need need = {.records = (uint32_t)names->record_count};

	for (size_t i = 0; i < names->record_count; i++) {
		const struct sim_record *record = &names->records[i];

		if (record->type == KL_SRV) {
			need.routes += count_addresses(names, record->name);
			need.queries += families;
		}
		need.queries += record->type == KL_NAPTR;
		if (record->type == KL_SRV || record->type == KL_NAPTR)
			need.name_bytes += (uint32_t)strlen(record->name) + NAME_HEAD;
	}
	return need;
}

static uint32_t larger(uint32_t a, uint32_t b)
{
	return a > b ? a : b;
}

static uint32_t smaller(uint32_t a, uint32_t b)
{
	return a < b ? a : b;
}

/* Adds the names of one entry, and what they lead to by themselves. */
static void add_entry(struct need *need, const struct kl_entry_config *entry,
		      const struct sim_names *names, uint32_t families)
{
	bool one_transport = entry->transport_choice == KL_CHOOSE_UDP ||
			     entry->transport_choice == KL_CHOOSE_TCP ||
			     entry->transport_choice == KL_CHOOSE_TLS;
	uint32_t services = one_transport ? 1 : SERVICES;

	for (uint32_t i = 0; i <= entry->more_count; i++) {
		const char *name = i ? entry->more_names[i - 1] : entry->name;
		uint32_t bytes = (uint32_t)strlen(name) + NAME_HEAD;

		need->routes += larger(count_addresses(names, name), 1) * (one_transport ? 1 : 2);
		need->queries += families + services + !one_transport;
		need->name_bytes += bytes + services * (bytes + SERVICE_MAX);
	}
}

void plan_set_limits(struct sim_plan_class *class, const struct sim_names *names)
{
	struct kl_config *engine = &class->engine;
	uint32_t families = engine->families == (KL_IPV4 | KL_IPV6) ? 2 : 1;
	struct need need = need_of_records(names, families);
	bool probes = false;

	/* The servers of a fleet keep no flows apart: no phone needs the room for them.  OWN-6 */
	for (uint32_t i = 0; i < class->line.entry_count; i++)
		class->policies[i].flows_max = 1;
	kl_limits_default(engine);
	for (uint32_t i = 0; i < class->line.entry_count; i++) {
		add_entry(&need, &class->entries[i], names, families);
		probes |= class->policies[i].probe_ms > 0 || class->policies[i].first_silence;
	}
	need.routes += engine->static_record_count;
	need.records += engine->static_record_count;
	need.queries += engine->static_record_count;
	for (uint32_t i = 0; i < engine->static_record_count; i++)
		need.name_bytes += (uint32_t)strlen(engine->static_records[i].owner) + KL_NAME_MAX;
	struct kl_limits *limits = &engine->limits;
	limits->set_routes = smaller(limits->set_routes, need.routes);
	limits->routes = smaller(limits->routes, limits->sets * limits->set_routes);
	limits->queries = smaller(limits->queries, need.queries);
	limits->records = smaller(limits->records, larger(need.records, 1));
	limits->name_bytes = smaller(limits->name_bytes, larger((need.name_bytes + 3) & ~3u, 64));
	if (!probes)
		limits->walks = class->line.entry_count + REQUESTS;
	limits->subscriptions = 0;
}

/* ---- configurations -------------------------------------------------------------------------- */

/* A record of the scenario, or one that the phone has itself, must lead on from NAME. */
static bool is_known(const struct sim_plan *plan, const struct kl_config *engine, const char *name)
{
	if (text_is_ip(name))
		return true;
	for (size_t i = 0; i < plan->names.record_count; i++) {
		const char *owner = plan->names.records[i].owner, *part = strstr(owner, name);

		if (part && !strcmp(part, name) && (part == owner || part[-1] == '.'))
			return true;
	}
	for (uint32_t i = 0; i < engine->static_record_count; i++)
		if (!strcasecmp(engine->static_records[i].owner, name))
			return true;
	return false;
}

/* The first line of a configuration, in structs of its own, which `set` may change. */
static void take_line(struct plan_draft *draft, struct sim_plan_class *class,
		      const struct position *at)
{
	const struct kl_config *from = &class->config->engine;
	const struct kl_line_config *line = &from->lines[0];
	bool ipv6 = false;

	class->engine = *from;
	class->line = *line;
	for (uint32_t i = 0; i < line->entry_count; i++) {
		class->entries[i] = line->entries[i];
		class->policies[i] = *line->entries[i].policy;
		class->entries[i].policy = &class->policies[i];
		if (!is_known(draft->plan, from, line->entries[i].name))
			plan_tell(draft, at, "phones.configurations",
				  "the line's server \"%s\" has no record in dns.records",
				  line->entries[i].name);
	}
	class->line.entries = class->entries;
	class->line.group = 0;
	class->engine.lines = &class->line;
	class->engine.line_count = 1;
	for (size_t i = 0; i < draft->plan->names.record_count; i++)
		ipv6 |= draft->plan->names.records[i].type == KL_AAAA;
	class->engine.families = ipv6 ? KL_IPV4 | KL_IPV6 : KL_IPV4;
	if (from->line_count > 1)
		plan_warn(draft, at, "phones.configurations",
			  "%u lines are configured; a phone of the fleet has the first of them",
			  from->line_count);
}

static void load_class(struct plan_draft *draft, struct sim_plan_class *class,
		       const struct config_options *options, const struct position *at)
{
	char why[KL_TEXT_MAX];

	if (config_load(options, &class->config)) {
		if (at || !class->config->error_count) /* else those say it all */
			plan_tell(draft, at, "phones.configurations", "\"%s\" can't be used",
				  options->files[0]);
		return;
	}
	take_line(draft, class, at);
	plan_set_limits(class, &draft->plan->names);
	if (kl_config_check(&class->engine, why, sizeof(why)))
		plan_tell(draft, at, "phones.configurations", "%s", why);
}

/* The last part of a path, without what follows its point. */
static const char *short_name(struct arena *arena, const char *path)
{
	const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
	const char *point = strrchr(name, '.');

	return arena_copy(arena, name,
			  point && point > name ? (size_t)(point - name) : strlen(name));
}

static void make_class(struct plan_draft *draft, const struct rows_class *row)
{
	struct arena *arena = &draft->store->arena;
	const struct yaml_leaf *leaves = row->files.items;
	const char *files[FILES_MAX];
	uint32_t count = 0;

	for (uint32_t i = 0; i < row->files.count; i++)
		if (leaves[i].text)
			files[count++] = leaves[i].text[0] == '/'
						 ? leaves[i].text
						 : arena_format(arena, "%s%s", draft->folder,
								leaves[i].text);
	if (!count) {
		plan_tell(draft, &row->at, "phones.configurations", "a configuration needs files");
		return;
	}
	struct sim_plan_class *class = &draft->plan->classes[draft->plan->class_count++];
	class->share = plan_number(&row->share, 1);
	class->name = row->name.text ? row->name.text : short_name(arena, files[0]);
	load_class(
		draft, class,
		&(struct config_options){
			.files = files,
			.file_count = count,
			.profile = row->profile.text
					   ? kl_profile_name((enum kl_profile)row->profile.number)
					   : NULL,
		},
		&row->at);
}

/* The one configuration that the command line gives. */
static void make_given(struct plan_draft *draft)
{
	struct arena *arena = &draft->store->arena;
	const char *files[FILES_MAX], *rest = draft->options->phones;
	uint32_t count = 0;

	while (count < FILES_MAX) {
		size_t length = strcspn(rest, ",");

		files[count++] = arena_copy(arena, rest, length);
		if (!rest[length])
			break;
		rest += length + 1;
	}
	struct sim_plan_class *class = &draft->plan->classes[draft->plan->class_count++];
	class->share = 1;
	class->name = short_name(arena, files[0]);
	load_class(draft, class, &(struct config_options){.files = files, .file_count = count},
		   NULL);
}

void plan_make_classes(struct plan_draft *draft)
{
	const struct rows_phones *rows = draft->rows->phones;
	uint32_t count = rows ? rows->configurations.count : 0;

	draft->plan->classes =
		arena_alloc(&draft->store->arena, (count + 1) * sizeof(*draft->plan->classes));
	if (draft->options->phones) {
		make_given(draft);
		return;
	}
	for (uint32_t i = 0; i < count; i++)
		make_class(draft, &((const struct rows_class *)rows->configurations.items)[i]);
	if (!count && !plan_is_mistaken(draft, "phones") &&
	    !plan_is_mistaken(draft, "phones.configurations"))
		plan_tell(draft, &draft->rows->at, "phones",
			  "it does not say what the phones are provisioned with");
}
