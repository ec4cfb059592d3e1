/* plan_build.c - servers, sites, names, calls and faults of a plan, from what the file says. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "config/native_rows.h"
#include "config/text.h"
#include "sim/plan_private.h"

enum {
	QUEUE = 1000,
	SLOW_MS = 2000,
	DELAY_MS = 10,
	DNS_DELAY_MS = 5,
	DNS_SILENCE_MS = 10000,
	LENGTH_MS = 180000,
	RING_MS = 5000,
	BOOT_SPREAD_MS = 30000,
	STATUS = 503,
	US = 1000, /* of a millisecond */
};

static void *make_items(struct plan_draft *draft, uint32_t count, size_t size)
{
	return arena_alloc(&draft->store->arena, count * size);
}

/* ---- servers --------------------------------------------------------------------------------- */

static void check_server(struct plan_draft *draft, const struct rows_server *row, uint32_t index)
{
	const struct sim_plan_server *servers = draft->plan->servers, *self = &servers[index];

	if (!row->name.text || !row->address.text)
		plan_tell(draft, &row->at, "servers", "a server needs name and address");
	for (uint32_t i = 0; i < index; i++) {
		if (row->name.text && servers[i].name && !strcmp(servers[i].name, row->name.text))
			plan_tell(draft, &row->name.at, row->name.name,
				  "there is a server of this name already");
		if (row->address.text && !memcmp(servers[i].ip, self->ip, sizeof(self->ip)) &&
		    (servers[i].port == self->port || !servers[i].port || !self->port))
			plan_tell(draft, &row->address.at, row->address.name,
				  "server %u has this address already", i + 1);
	}
}

void plan_make_servers(struct plan_draft *draft)
{
	const struct yaml_list *list = &draft->rows->servers;
	const struct rows_server *rows = list->items;
	struct sim_plan *plan = draft->plan;

	plan->servers = make_items(draft, list->count, sizeof(*plan->servers));
	plan->server_count = list->count;
	for (uint32_t i = 0; i < list->count; i++) {
		struct sim_plan_server *server = &plan->servers[i];

		*server = (struct sim_plan_server){
			.name = rows[i].name.text,
			.port = (uint16_t)rows[i].port.number,
			.capacity = rows[i].capacity.number,
			.queue = plan_number(&rows[i].queue, QUEUE),
			.when_full = (enum sim_overflow)rows[i].when_full.number,
			.slow_ms = plan_number(&rows[i].slow, SLOW_MS),
			.retry_after_ms = rows[i].retry_after.number,
			.nonces = (enum sim_nonces)plan_number(&rows[i].nonces, SIM_NONCE_CACHED),
			.grant_max_ms = rows[i].expires_max.number,
			.min_expires_ms = rows[i].expires_min.number,
		};
		if (rows[i].address.text)
			text_read_ip(rows[i].address.text, server->ip);
		check_server(draft, &rows[i], i);
	}
	if (!list->count && !plan_is_mistaken(draft, "servers"))
		plan_tell(draft, &draft->rows->at, "servers", "there is no server");
}

/* ---- sites ----------------------------------------------------------------------------------- */

static uint32_t percent_of(const struct yaml_leaf *leaf)
{
	uint32_t millionths = 0;

	if (leaf->text)
		sim_plan_read_percent(leaf->text, &millionths);
	return millionths;
}

void plan_make_sites(struct plan_draft *draft)
{
	static const struct rows_site only = {.name = {.text = "all"}};
	const struct yaml_list *list = &draft->rows->sites;
	const struct rows_site *rows = list->count ? list->items : &only;
	struct sim_plan *plan = draft->plan;

	plan->site_count = list->count ? list->count : 1;
	plan->sites = make_items(draft, plan->site_count, sizeof(*plan->sites));
	for (uint32_t i = 0; i < plan->site_count; i++) {
		plan->sites[i] = (struct sim_plan_site){
			.name = rows[i].name.text,
			.share = plan_number(&rows[i].share, 1),
			.delay_us = plan_number(&rows[i].delay, DELAY_MS) * US,
			.jitter_us = rows[i].jitter.number * US,
			.loss = percent_of(&rows[i].loss),
		};
		if (!rows[i].name.text)
			plan_tell(draft, &rows[i].at, "sites", "a site needs a name");
		for (uint32_t j = 0; j < i; j++)
			if (rows[i].name.text && plan->sites[j].name &&
			    !strcmp(plan->sites[j].name, rows[i].name.text))
				plan_tell(draft, &rows[i].name.at, rows[i].name.name,
					  "there is a site of this name already");
	}
}

/* ---- names ----------------------------------------------------------------------------------- */

static void copy_text(char *to, size_t size, const char *from)
{
	if (from)
		strncpy(to, from, size - 1);
}

static bool serves(const struct sim_plan *plan, const uint8_t ip[16])
{
	for (uint32_t i = 0; i < plan->server_count; i++)
		if (!memcmp(plan->servers[i].ip, ip, sizeof(plan->servers[i].ip)))
			return true;
	return false;
}

void plan_make_names(struct plan_draft *draft)
{
	const struct rows_dns *rows = draft->rows->dns;
	struct sim_plan *plan = draft->plan;

	plan->names.delay_ms = DNS_DELAY_MS;
	plan->names.silence_ms = DNS_SILENCE_MS;
	if (!rows)
		return;
	plan->names.delay_ms = plan_number(&rows->delay, DNS_DELAY_MS);
	plan->names.silence_ms = plan_number(&rows->silence, DNS_SILENCE_MS);
	for (uint32_t i = 0; i < rows->records.count; i++) {
		const struct native_record *row =
			&((const struct native_record *)rows->records.items)[i];
		struct kl_static_record from = {0};
		struct sim_record record = {0};

		if (!native_read_record(draft->store, row, &from))
			continue;
		record.type = from.type;
		record.data = from.data;
		copy_text(record.owner, sizeof(record.owner), from.owner);
		copy_text(record.name, sizeof(record.name), from.data.name);
		copy_text(record.service, sizeof(record.service), from.data.service);
		sim_names_add(&plan->names, &record);
		if ((record.type == KL_A || record.type == KL_AAAA) &&
		    !serves(plan, record.data.ip))
			plan_warn(draft, &row->address.at, row->address.name,
				  "no server has this address: what goes there is lost");
	}
}

/* ---- calls ----------------------------------------------------------------------------------- */

void plan_make_calls(struct plan_draft *draft)
{
	const struct rows_calls *rows = draft->rows->calls;
	struct sim_plan_calls *calls = &draft->plan->calls;

	if (!rows)
		return;
	const struct yaml_leaf *hours = rows->per_hour.items;
	if (rows->per_hour.count != 1 && rows->per_hour.count != SIM_HOURS)
		plan_tell(draft, rows->per_hour.count ? &rows->per_hour.at : &rows->at,
			  "calls.per_hour", "expected one number, or %d", SIM_HOURS);
	for (uint32_t i = 0; i < SIM_HOURS && rows->per_hour.count; i++)
		calls->per_hour[i] = hours[i % rows->per_hour.count].number;
	calls->length_ms = plan_number(&rows->length, LENGTH_MS);
	calls->ring_ms = plan_number(&rows->ring, RING_MS);
	calls->day_starts_ms = rows->day_starts.number;
	draft->plan->has_calls = true;
}

/* ---- faults ---------------------------------------------------------------------------------- */

static uint32_t find_server(const struct sim_plan *plan, const char *name)
{
	for (uint32_t i = 0; i < plan->server_count; i++)
		if (plan->servers[i].name && !strcmp(plan->servers[i].name, name))
			return i;
	return UINT32_MAX;
}

static uint32_t find_site(const struct sim_plan *plan, const char *name)
{
	for (uint32_t i = 0; i < plan->site_count; i++)
		if (plan->sites[i].name && !strcmp(plan->sites[i].name, name))
			return i;
	return UINT32_MAX;
}

static void take_subject(struct plan_draft *draft, const struct rows_fault *row,
			 struct sim_plan_fault *fault)
{
	static const char *const kinds[] = {"server", "site", "name"};
	const struct yaml_leaf *leaves[] = {&row->server, &row->site, &row->name};
	enum sim_trouble_of of = sim_trouble_of(fault->what);

	for (uint32_t i = 0; i < sizeof(leaves) / sizeof(leaves[0]); i++)
		if (leaves[i]->text && i != of)
			plan_tell(draft, &leaves[i]->at, leaves[i]->name,
				  "\"%s\" befalls no %s, but a %s", row->what.text, kinds[i],
				  kinds[of]);
	fault->subject = leaves[of]->text;
	fault->index = UINT32_MAX;
	if (!fault->subject || of == SIM_OF_NAME)
		return;
	fault->index = of == SIM_OF_SERVER ? find_server(draft->plan, fault->subject)
					   : find_site(draft->plan, fault->subject);
	if (fault->index == UINT32_MAX)
		plan_tell(draft, &leaves[of]->at, leaves[of]->name, "there is no %s \"%s\"",
			  kinds[of], fault->subject);
}

/* What the fault can't do without. */
static const char *find_lack(const struct rows_fault *row)
{
	switch ((enum sim_trouble)row->what.number) {
	case SIM_TROUBLE_SLOW:
	case SIM_TROUBLE_DELAY:
	case SIM_TROUBLE_SHORTENS:
		return row->by.text ? NULL : "by";
	case SIM_TROUBLE_CAPACITY:
		return row->capacity.text ? NULL : "capacity";
	case SIM_TROUBLE_LOSS:
		return row->loss.text ? NULL : "loss";
	case SIM_TROUBLE_POWER_CUT:
	case SIM_TROUBLE_LINK_DOWN:
	case SIM_TROUBLE_ASLEEP:
		return row->lasts.text ? NULL : "for";
	case SIM_TROUBLE_RECORD_GONE:
		return row->name.text ? NULL : "name";
	case SIM_TROUBLE_SILENT:
	case SIM_TROUBLE_UNHEARD:
	case SIM_TROUBLE_ICMP:
	case SIM_TROUBLE_REFUSES:
	case SIM_TROUBLE_MUTE:
	case SIM_TROUBLE_TLS:
	case SIM_TROUBLE_ANSWERS:
	case SIM_TROUBLE_CHALLENGES:
	case SIM_TROUBLE_PASSWORD:
	case SIM_TROUBLE_FORGETS:
	case SIM_TROUBLE_RESETS:
	case SIM_TROUBLE_CUT:
	case SIM_TROUBLE_ADDRESS:
	case SIM_TROUBLE_DNS_SILENT:
	case SIM_TROUBLE_DNS_SERVFAIL:
	case SIM_TROUBLE_DNS_NXDOMAIN:
	case SIM_TROUBLE_REORDERED:
	case SIM_TROUBLE_COUNT:
		break;
	}
	return NULL;
}

static void check_fault(struct plan_draft *draft, const struct rows_fault *row)
{
	if (!row->begins.text || !row->what.text) {
		plan_tell(draft, &row->at, "faults", "a fault needs at and what");
		return;
	}
	const char *lack = find_lack(row);
	if (lack)
		plan_tell(draft, &row->what.at, row->what.name, "\"%s\" needs \"%s\" beside it",
			  row->what.text, lack);
	if (row->begins.number >= draft->plan->run_ms)
		plan_tell(draft, &row->begins.at, row->begins.name,
			  "the run has ended by then, after %s",
			  yaml_show_duration(&draft->store->arena, draft->plan->run_ms));
	if (row->every.text && (!row->lasts.text || row->lasts.number >= row->every.number))
		plan_tell(draft, &row->every.at, row->every.name,
			  "what comes again must last shorter: \"for\" is less than \"every\"");
	if (row->times.text && !row->every.text)
		plan_tell(draft, &row->times.at, row->times.name, "needs \"every\" beside it");
}

static struct sim_plan_fault read_fault(struct plan_draft *draft, const struct rows_fault *row)
{
	struct sim_plan_fault fault = {
		.what = (enum sim_trouble)row->what.number,
		.row = row->at.line,
		.at_us = (uint64_t)row->begins.number * US,
		.ends_us = UINT64_MAX,
		.status = plan_number(&row->status, STATUS),
		.by_ms = row->by.number,
		.retry_after_ms = row->retry_after.number,
		.capacity = row->capacity.number,
		.loss = percent_of(&row->loss),
		.spread_ms = plan_number(&row->boot_spread, BOOT_SPREAD_MS),
	};

	if (row->lasts.text)
		fault.ends_us = fault.at_us + (uint64_t)row->lasts.number * US;
	if (row->address.text)
		text_read_ip(row->address.text, fault.address);
	take_subject(draft, row, &fault);
	return fault;
}

/* How often it comes within the run. */
static uint32_t count_times(const struct sim_plan *plan, const struct rows_fault *row)
{
	uint32_t room_ms = plan->run_ms - row->begins.number;

	if (!row->every.text || row->begins.number >= plan->run_ms)
		return 1;
	uint32_t most = (room_ms + row->every.number - 1) / row->every.number;
	return row->times.text && row->times.number < most ? row->times.number : most;
}

static int compare_faults(const void *a, const void *b)
{
	const struct sim_plan_fault *left = a, *right = b;

	if (left->at_us != right->at_us)
		return left->at_us < right->at_us ? -1 : 1;
	return left->row < right->row ? -1 : left->row > right->row;
}

/* Puts FAULT into the plan as often as it comes. */
static void add_fault(struct sim_plan *plan, struct sim_plan_fault fault,
		      const struct rows_fault *row)
{
	for (uint32_t times = count_times(plan, row); fault.repeat < times; fault.repeat++) {
		fault.last = fault.repeat + 1 == times;
		plan->faults[plan->fault_count++] = fault;
		fault.at_us += (uint64_t)row->every.number * US;
		if (fault.ends_us != UINT64_MAX)
			fault.ends_us += (uint64_t)row->every.number * US;
	}
}

void plan_make_faults(struct plan_draft *draft)
{
	const struct yaml_list *list = &draft->rows->faults;
	const struct rows_fault *rows = list->items;
	struct sim_plan *plan = draft->plan;
	struct sim_plan_fault *once = make_items(draft, list->count, sizeof(*once));
	uint64_t total = 0;

	for (uint32_t i = 0; i < list->count; i++) {
		check_fault(draft, &rows[i]);
		once[i] = read_fault(draft, &rows[i]);
		total += count_times(plan, &rows[i]);
	}
	if (total > SIM_FLEET_FAULTS_MAX) {
		plan_tell(draft, &list->at, "faults",
			  "they come %llu times in all; expected %d at most",
			  (unsigned long long)total, SIM_FLEET_FAULTS_MAX);
		return;
	}
	plan->faults = make_items(draft, (uint32_t)total, sizeof(*plan->faults));
	for (uint32_t i = 0; i < list->count; i++)
		add_fault(plan, once[i], &rows[i]);
	qsort(plan->faults, plan->fault_count, sizeof(*plan->faults), compare_faults);
}
