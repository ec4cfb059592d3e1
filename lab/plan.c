/* plan.c - what a lab is to be: the built-in plan, or that of a file. */
#include "lab/plan.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lab/plan_rows.h"

enum {
	SIP_PORT = 5060,
	SIPS_PORT = 5061,
	DNS_PORT = 5353,
	RING_MS = 150, /* a person needs time to answer */
	ANSWER_MS = 700,
	NOBODY = -2,
};

static const char domain_default[] = "lab.example";
static const char password_default[] = "lab-only";
static const char dns_default[] = "127.0.1.53";

static void tell(struct lab_plan *plan, const struct position *at, const char *what,
		 const char *why)
{
	store_tell(plan->store, (struct subject){CONFIG_ERROR, at, what}, "%s", why);
}

static uint32_t number_of(const struct yaml_leaf *leaf, uint32_t otherwise)
{
	return leaf->text ? leaf->number : otherwise;
}

/* ---- servers --------------------------------------------------------------------------------- */

static uint8_t transports_of(const struct yaml_list *list)
{
	const struct yaml_leaf *leaves = list->items;
	uint8_t found = 0;

	for (uint32_t i = 0; i < list->count; i++)
		if (leaves[i].text)
			found |= (uint8_t)(1u << plan_transports[leaves[i].number]);
	return found ? found : 1u << SIP_UDP | 1u << SIP_TCP | 1u << SIP_TLS;
}

/* What two servers must not have in common. */
static void check_twins(struct lab_plan *plan, const struct lab_plan_server *servers,
			unsigned index)
{
	const struct lab_plan_server *server = &servers[index];

	for (unsigned i = 0; i < index; i++) {
		if (!strcmp(servers[i].name, server->name))
			tell(plan, &server->at, "servers", "another server has this name");
		if (!net_address_compare(&servers[i].address, &server->address))
			tell(plan, &server->at, "servers",
			     "another server has this address and port");
	}
}

static void fill_server(struct lab_plan *plan, struct lab_plan_server *to, unsigned index,
			const struct plan_server_rows *rows)
{
	uint16_t port = (uint16_t)number_of(&rows->port, SIP_PORT);

	*to = (struct lab_plan_server){
		.name = rows->name.text,
		.tls_port = (uint16_t)number_of(&rows->tls_port, SIPS_PORT),
		.transports = transports_of(&rows->transports),
		.priority = (uint16_t)number_of(&rows->priority, 10 * (index + 1)),
		.weight = (uint16_t)number_of(&rows->weight, 0),
		.at = rows->address.text ? rows->address.at : rows->at,
	};
	if (!to->name)
		to->name = arena_format(&plan->store->arena, "server%u", index + 1);
	if (!rows->address.text)
		tell(plan, &rows->at, "servers", "a server needs an address");
	else
		net_address_parse(&to->address, rows->address.text, 0);
	to->address.port = port;
	if (to->tls_port == port && to->transports & 1u << SIP_TCP &&
	    to->transports & 1u << SIP_TLS)
		tell(plan, &to->at, "servers", "TCP and TLS need ports of their own");
}

static void fill_servers(struct lab_plan *plan, const struct plan_rows *rows)
{
	const struct plan_server_rows *given = rows->servers.items;
	struct plan_server_rows own[] = {{.address = {.text = "127.0.1.1"}},
					 {.address = {.text = "127.0.1.2"}},
					 {.address = {.text = "127.0.1.3"}}};
	unsigned count = rows->servers.count ? rows->servers.count : sizeof own / sizeof *own;
	struct lab_plan_server *servers = arena_alloc(&plan->store->arena, count * sizeof *servers);

	for (unsigned i = 0; i < count; i++) {
		fill_server(plan, &servers[i], i, rows->servers.count ? &given[i] : &own[i]);
		check_twins(plan, servers, i);
	}
	plan->servers = servers;
	plan->server_count = count;
}

int lab_plan_find(const struct lab_plan *plan, const char *name)
{
	if (!strcmp(name, "dns"))
		return LAB_DNS;
	for (unsigned i = 0; i < plan->server_count; i++)
		if (!strcmp(plan->servers[i].name, name))
			return (int)i;
	return NOBODY;
}

/* ---- the time line --------------------------------------------------------------------------- */

static bool fill_cue(struct lab_plan *plan, struct lab_cue *cue, const struct plan_cue_rows *rows)
{
	char why[LAB_FAULT_WHY_MAX];

	if (!rows->at.text || !rows->server.text || !rows->fault.text) {
		tell(plan, &rows->started, "timeline", "an entry needs at, server and fault");
		return false;
	}
	cue->at_ms = rows->at.number;
	cue->server = lab_plan_find(plan, rows->server.text);
	if (cue->server == NOBODY) {
		tell(plan, &rows->server.at, rows->server.name, "there is no such server");
		return false;
	}
	if (!lab_fault_parse(&cue->fault,
			     cue->server == LAB_DNS ? LAB_CULPRIT_DNS : LAB_CULPRIT_SIP,
			     rows->fault.text, why)) {
		tell(plan, &rows->fault.at, rows->fault.name, why);
		return false;
	}
	return true;
}

static int compare_cues(const void *a, const void *b)
{
	const struct lab_cue *left = a, *right = b;

	return (left->at_ms > right->at_ms) - (left->at_ms < right->at_ms);
}

static void fill_cues(struct lab_plan *plan, const struct plan_rows *rows)
{
	const struct plan_cue_rows *given = rows->timeline.items;
	struct lab_cue *cues =
		arena_alloc(&plan->store->arena, (rows->timeline.count + 1) * sizeof *cues);

	for (uint32_t i = 0; i < rows->timeline.count; i++)
		plan->cue_count += fill_cue(plan, &cues[plan->cue_count], &given[i]);
	qsort(cues, plan->cue_count, sizeof *cues, compare_cues);
	plan->cues = cues;
}

/* ---- the rest -------------------------------------------------------------------------------- */

static void fill_dns(struct lab_plan *plan, const struct plan_dns_rows *rows)
{
	static const struct plan_dns_rows none;

	rows = rows ? rows : &none;
	net_address_parse(&plan->dns.address, rows->address.text ? rows->address.text : dns_default,
			  DNS_PORT);
	plan->dns.at = rows->address.at;
	plan->dns.ttl_s = number_of(&rows->ttl, LAB_TTL_DEFAULT_S * 1000) / 1000;
	plan->dns.naptr = number_of(&rows->naptr, true);
}

static void fill_calls(struct lab_plan *plan, const struct plan_calls_rows *rows)
{
	static const struct plan_calls_rows none;

	rows = rows ? rows : &none;
	plan->calls.ring_ms = number_of(&rows->ring_after, RING_MS);
	plan->calls.answer_ms = number_of(&rows->answer_after, ANSWER_MS);
	plan->calls.members_only = number_of(&rows->members_only, true);
	plan->calls.proxied = number_of(&rows->proxied, true);
}

/* Whoever reaches the page can press its buttons: it stays on this machine. */
static void fill_page(struct lab_plan *plan, const struct yaml_leaf *page)
{
	static const uint8_t ip6_loopback[16] = {[15] = 1};

	plan->page_at = page->at;
	if (!page->text)
		return;
	net_address_parse(&plan->page, page->text, 0);
	if (!plan->page.port)
		tell(plan, &page->at, page->name, "the page needs a port");
	if (!(net_address_is_ipv4(&plan->page) && plan->page.ip[12] == 127) &&
	    memcmp(plan->page.ip, ip6_loopback, sizeof ip6_loopback) != 0)
		tell(plan, &page->at, page->name, "the page is for loopback addresses only");
}

static void fill(struct lab_plan *plan, const struct plan_rows *rows)
{
	plan->domain = rows->domain.text ? rows->domain.text : domain_default;
	plan->user = rows->user.text;
	plan->password = rows->password.text ? rows->password.text : password_default;
	plan->algorithms = plan_digests[rows->digest.number];
	plan->expires_max_s = rows->expires_max.number / 1000;
	plan->ca_file = rows->ca.text;
	plan->expect = rows->expect.text;
	plan->run_ms = rows->run.number;
	plan->seed = number_of(&rows->seed, 1);
	fill_dns(plan, rows->dns);
	fill_calls(plan, rows->calls);
	fill_page(plan, &rows->page);
	fill_servers(plan, rows);
	fill_cues(plan, rows);
}

/* False: it can't be read, which is told. */
static bool read_rows(struct lab_plan *plan, const char *path, struct plan_rows *rows)
{
	struct file file;
	const char *why = file_read(&file, path);
	bool read;

	if (why) {
		const struct position at = {
			.file = arena_copy(&plan->store->arena, path, strlen(path))};

		tell(plan, &at, NULL, why);
		return false;
	}
	read = yaml_read(plan->store, &file, lab_plan_table(), rows);
	file_free(&file);
	return read;
}

bool lab_plan_load(const char *path, struct lab_plan **out)
{
	struct config_store *store = calloc(1, sizeof *store);
	struct lab_plan *plan;
	struct plan_rows rows = {0};

	if (!store)
		abort();
	store_init(store, false);
	plan = arena_alloc(&store->arena, sizeof *plan);
	plan->store = store;
	if (!path || read_rows(plan, path, &rows))
		fill(plan, &rows);
	store_finish(store);
	plan->diagnostics = store->config.diagnostics;
	plan->diagnostic_count = store->config.diagnostic_count;
	*out = plan;
	return !store->config.error_count;
}

void lab_plan_free(struct lab_plan *plan)
{
	if (plan)
		store_free(plan->store);
}
