/* plan.c - the scenario's file read, the parts of a plan put together, and judged as a whole. */
#include "sim/plan.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim/plan_private.h"

enum {
	RUN_MS = 24 * 3600 * 1000,
	BOOT_SPREAD_MS = 60 * 1000,
	SEED = 1,
	SECOND_MS = 1000,
	PROBES_PART = 10, /* the part of a server's capacity that probes stay below */
};

bool plan_is_mistaken(const struct plan_draft *draft, const char *key)
{
	const char *dot = strrchr(key, '.');
	char meant[KL_TEXT_MAX];

	snprintf(meant, sizeof(meant), "did you mean %s?", dot ? dot + 1 : key);
	return store_has_told(draft->store, key, meant);
}

/* A fleet that renews more often than all servers can serve never comes to rest: told, since that
 * may be what the run is to show. */
static void judge_capacity(struct plan_draft *draft)
{
	const struct sim_plan *plan = draft->plan;
	uint64_t served = 0;
	double asked = 0, shares = 0;

	for (uint32_t i = 0; i < plan->server_count; i++) {
		if (!plan->servers[i].capacity)
			return;
		served += plan->servers[i].capacity;
	}
	for (uint32_t i = 0; i < plan->class_count; i++)
		shares += plan->classes[i].share;
	for (uint32_t i = 0; i < plan->class_count; i++) {
		const struct kl_policy *policy = &plan->classes[i].policies[0];
		double gap_ms = policy->expires_ms > policy->expires_overlap_ms
					? policy->expires_ms - policy->expires_overlap_ms
					: policy->expires_ms;

		asked += plan->lines * (plan->classes[i].share / shares) * SECOND_MS / gap_ms;
	}
	if (plan->server_count && asked > (double)served)
		plan_warn(draft, &draft->rows->servers.at, "servers",
			  "%u lines renew %.0f registrations in a second, and all servers "
			  "together serve %llu: the fleet can't come to rest",
			  plan->lines, asked, (unsigned long long)served);
}

/* Phones by themselves that probe as if they were alone bring a server down: told, with what helps.
 * OWN-5 */
static void judge_probes(struct plan_draft *draft)
{
	const struct sim_plan *plan = draft->plan;
	double asked = 0, shares = 0;

	for (uint32_t i = 0; i < plan->class_count; i++)
		shares += plan->classes[i].share;
	for (uint32_t i = 0; i < plan->class_count; i++) {
		const struct kl_policy *policy = &plan->classes[i].policies[0];
		double gap_ms = policy->probe_ms;

		if (policy->probe_ms && !policy->fleet_capacity)
			asked += plan->lines * (plan->classes[i].share / shares) * SECOND_MS /
				 gap_ms;
	}
	for (uint32_t i = 0; i < plan->server_count; i++) {
		const struct sim_plan_server *server = &plan->servers[i];

		if (server->capacity && asked * PROBES_PART > server->capacity) {
			plan_warn(draft, &draft->rows->servers.at, "servers",
				  "%.0f probes in a second reach \"%s\", which serves %u: tell the "
				  "phones fleet_lines and fleet_capacity",
				  asked, server->name, server->capacity);
			return;
		}
	}
}

static const char *folder_of(struct arena *arena, const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? arena_copy(arena, path, (size_t)(slash - path) + 1) : "";
}

static void make_whole(struct plan_draft *draft)
{
	struct sim_plan *plan = draft->plan;
	const struct rows_file *rows = draft->rows;
	const struct sim_plan_options *options = draft->options;

	plan->title = rows->title.text ? rows->title.text : options->path;
	plan->run_ms = plan_number(&rows->run, RUN_MS);
	plan->seed = options->has_seed ? options->seed : plan_number(&rows->seed, SEED);
	plan->boot_spread_ms = BOOT_SPREAD_MS;
	if (rows->phones) {
		plan->lines = rows->phones->lines.number;
		plan->boot_spread_ms = plan_number(&rows->phones->boot_spread, BOOT_SPREAD_MS);
	}
	if (options->lines)
		plan->lines = options->lines;
	if (!plan->lines && !plan_is_mistaken(draft, "phones.lines") &&
	    !plan_is_mistaken(draft, "phones"))
		plan_tell(draft, &rows->at, "phones", "it does not say how many lines there are");
}

static void take_set(struct plan_draft *draft)
{
	const char *text = draft->options->set, *equals = text ? strchr(text, '=') : NULL;

	if (!text)
		return;
	draft->set.key =
		equals ? arena_copy(&draft->store->arena, text, (size_t)(equals - text)) : text;
	draft->set.value = equals ? equals + 1 : "";
}

static void make(struct plan_draft *draft)
{
	take_set(draft);
	make_whole(draft);
	plan_make_servers(draft);
	plan_make_sites(draft);
	plan_make_names(draft);
	plan_make_calls(draft);
	plan_make_faults(draft);
	plan_make_classes(draft);
	plan_set(draft);
	for (uint32_t i = 0; i < draft->plan->class_count; i++)
		if (draft->plan->classes[i].config->error_count)
			return;
	if (draft->store->config.error_count)
		return;
	judge_capacity(draft);
	judge_probes(draft);
}

/* The scenario's own diagnostics, and the errors of what its phones are provisioned with. */
static void gather_diagnostics(struct plan_draft *draft)
{
	struct sim_plan *plan = draft->plan;
	struct config *own = &draft->store->config;
	struct config_diagnostic *all;
	uint32_t room = own->diagnostic_count;

	plan->error_count = own->error_count;
	for (uint32_t i = 0; i < plan->class_count; i++)
		room += plan->classes[i].config->diagnostic_count;
	all = arena_alloc(&draft->store->arena, room * sizeof(*all));
	memcpy(all, own->diagnostics, own->diagnostic_count * sizeof(*all));
	plan->diagnostic_count = own->diagnostic_count;
	for (uint32_t i = 0; i < plan->class_count; i++) {
		const struct config *config = plan->classes[i].config;

		plan->error_count += config->error_count;
		for (uint32_t j = 0; j < config->diagnostic_count; j++)
			if (config->diagnostics[j].severity == CONFIG_ERROR)
				all[plan->diagnostic_count++] = config->diagnostics[j];
	}
	plan->diagnostics = all;
}

int sim_plan_load(const struct sim_plan_options *options, struct sim_plan **to)
{
	struct config_store *store = calloc(1, sizeof(*store));
	struct rows_file rows = {0};
	struct file file;

	if (!store)
		abort();
	store_init(store, false);
	struct sim_plan *plan = *to = arena_alloc(&store->arena, sizeof(*plan));
	plan->store = store;
	sim_names_init(&plan->names);
	struct plan_draft draft = {
		.plan = plan,
		.options = options,
		.store = store,
		.rows = &rows,
		.folder = folder_of(&store->arena, options->path),
	};
	const char *why = file_read(&file, options->path);
	struct position at = {.file = options->path};
	if (why) {
		store_tell(store, (struct subject){CONFIG_ERROR, &at, NULL}, "%s", why);
	} else {
		if (yaml_read(store, &file, sim_plan_table(), &rows))
			make(&draft);
		file_free(&file);
	}
	store_finish(store);
	gather_diagnostics(&draft);
	return plan->error_count ? KL_EINVAL : KL_OK;
}

void sim_plan_free(struct sim_plan *plan)
{
	if (!plan)
		return;
	for (uint32_t i = 0; i < plan->class_count; i++)
		config_free(plan->classes[i].config);
	sim_names_free(&plan->names);
	store_free(plan->store);
}
