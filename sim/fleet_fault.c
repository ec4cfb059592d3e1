/* fleet_fault.c - what goes wrong: faults are state, and what they befall is healed and then broken
 * anew by all that last, whenever one begins or ends. */
#include <string.h>
#include <strings.h>

#include "sim/fleet_private.h"

enum { TCP_PORT = 5060, TLS_PORT = 5061 };

void fleet_faults_begin(struct sim_fleet *fleet)
{
	for (uint32_t i = 0; i < fleet->plan->fault_count; i++) {
		const struct sim_plan_fault *fault = &fleet->plan->faults[i];

		fleet_plan(fleet, fault->at_us, 2 * i);
		if (fault->ends_us != UINT64_MAX)
			fleet_plan(fleet, fault->ends_us, 2 * i + 1);
	}
}

/* The I-th of the faults that last, in the order in which they began. */
static const struct sim_plan_fault *active_at(const struct sim_fleet *fleet, uint32_t i)
{
	return &fleet->plan->faults[fleet->active[i]];
}

static void set_active(struct sim_fleet *fleet, uint32_t fault, bool active)
{
	uint32_t kept = 0;

	for (uint32_t i = 0; i < fleet->active_count; i++)
		if (fleet->active[i] != fault)
			fleet->active[kept++] = fleet->active[i];
	if (active)
		fleet->active[kept++] = fault;
	fleet->active_count = kept;
}

/* ---- servers --------------------------------------------------------------------------------- */

static void answer_all(struct sim_server *server, const struct sim_plan_fault *fault)
{
	for (int i = 0; i < KL_METHODS_MAX; i++)
		server->scripts[i] = (struct sim_script){1, {{(uint16_t)fault->status, 0}}};
	server->retry_after_ms = fault->retry_after_ms;
}

static void break_server(struct fleet_server *server, const struct sim_plan_fault *fault)
{
	struct sim_server *sip = &server->sip;

	if (fault->what == SIM_TROUBLE_SILENT)
		sip->reach = SIM_SILENT;
	else if (fault->what == SIM_TROUBLE_UNHEARD)
		sip->reach = SIM_UNHEARD;
	else if (fault->what == SIM_TROUBLE_REFUSES)
		sip->reach = SIM_REFUSING;
	else if (fault->what == SIM_TROUBLE_MUTE)
		sip->reach = SIM_MUTE;
	else if (fault->what == SIM_TROUBLE_TLS)
		sip->tls_fails = true;
	else if (fault->what == SIM_TROUBLE_ANSWERS)
		answer_all(sip, fault);
	else if (fault->what == SIM_TROUBLE_SLOW)
		sip->slow_ms += fault->by_ms;
	else if (fault->what == SIM_TROUBLE_CAPACITY)
		fleet_server_set_capacity(server, fault->capacity);
	else if (fault->what == SIM_TROUBLE_CHALLENGES)
		sip->challenge = SIM_DISTRUSTS;
	else if (fault->what == SIM_TROUBLE_PASSWORD)
		sip->challenge = SIM_REFUSES;
	else if (fault->what == SIM_TROUBLE_SHORTENS)
		sip->grant_max_ms = fault->by_ms;
	if (fault->what != SIM_TROUBLE_ICMP)
		return;
	sip->reach = SIM_UNREACHABLE;
	sip->fault = KL_FAULT_PORT;
}

/* A server of any port has its streams on those of RFC 3261 19.1.2. */
static uint16_t stream_port(const struct fleet_server *server, uint8_t transport)
{
	if (server->plan->port)
		return server->plan->port;
	return transport == KL_TLS ? TLS_PORT : TCP_PORT;
}

/* The streams to a server that will not have them any more end. */
static void end_streams(struct sim_fleet *fleet, uint32_t server)
{
	for (uint32_t p = 0; p < fleet->plan->lines; p++) {
		struct fleet_phone *phone = &fleet->phones[p];

		if (!(phone->streams >> server & 1))
			continue;
		phone->streams &= ~(1u << server);
		for (uint8_t transport = KL_TCP; transport <= KL_TLS; transport++) {
			struct fleet_message *message = fleet_message_new(fleet, p);

			message->what = FLEET_FAULT;
			message->server = (uint8_t)server;
			message->transport = transport;
			message->port = stream_port(&fleet->servers[server], transport);
			message->fault = KL_FAULT_STREAM_LOST;
			fleet_message_send(fleet, message,
					   fleet->now_us + fleet_path_us(fleet, phone->site));
		}
	}
}

/* It starts anew: who was registered with it, and its nonces, are forgotten. */
static void forget(struct sim_fleet *fleet, uint32_t server)
{
	for (uint32_t p = 0; p < fleet->plan->lines; p++) {
		struct fleet_phone *phone = &fleet->phones[p];

		phone->nonces &= ~(1u << server);
		for (int i = 0; i < KL_ENTRIES_MAX; i++)
			if (phone->bound[i] == server + 1)
				phone->bound[i] = 0;
	}
	fleet->servers[server].epoch++;
	fleet->servers[server].busy_until_ns = 0;
}

/* Of SERVER: what lasts is as it is, what happens once happens if FAULT begins. */
static void change_server(struct sim_fleet *fleet, uint32_t index,
			  const struct sim_plan_fault *fault, bool ends)
{
	struct fleet_server *server = &fleet->servers[index];
	bool heard = sim_server_hears(&server->sip);

	fleet_server_heal(fleet, server);
	for (uint32_t i = 0; i < fleet->active_count; i++) {
		const struct sim_plan_fault *other = active_at(fleet, i);

		if (sim_trouble_of(other->what) == SIM_OF_SERVER &&
		    (other->index == index || other->index == UINT32_MAX))
			break_server(server, other);
	}
	if (!ends && fault->what == SIM_TROUBLE_FORGETS)
		forget(fleet, index);
	if (!ends && (fault->what == SIM_TROUBLE_RESETS || fault->what == SIM_TROUBLE_REFUSES ||
		      fault->what == SIM_TROUBLE_FORGETS))
		end_streams(fleet, index);
	if (!heard && sim_server_hears(&server->sip))
		server->back_ms = (uint32_t)fleet_now(fleet);
	if (heard && !sim_server_hears(&server->sip)) {
		server->epoch++;
		server->busy_until_ns = 0;
		fleet_calls_cut_server(fleet, index);
	}
}

static void change_servers(struct sim_fleet *fleet, const struct sim_plan_fault *fault, bool ends)
{
	for (uint32_t i = 0; i < fleet->plan->server_count; i++)
		if (fault->index == i || fault->index == UINT32_MAX)
			change_server(fleet, i, fault, ends);
	fleet_phone_judge_all(fleet);
}

/* ---- sites ----------------------------------------------------------------------------------- */

static void change_path(struct sim_fleet *fleet, uint32_t index)
{
	const struct sim_plan_site *plan = &fleet->plan->sites[index];
	struct fleet_site *site = &fleet->sites[index];

	*site = (struct fleet_site){plan->delay_us, plan->jitter_us, plan->loss};
	for (uint32_t i = 0; i < fleet->active_count; i++) {
		const struct sim_plan_fault *fault = active_at(fleet, i);

		if (fault->index != index && fault->index != UINT32_MAX)
			continue;
		if (fault->what == SIM_TROUBLE_DELAY)
			site->delay_us += fault->by_ms * FLEET_US;
		else if (fault->what == SIM_TROUBLE_LOSS)
			site->loss = fault->loss;
	}
}

/* Does a fault of that kind last at SITE? */
static bool lasts(const struct sim_fleet *fleet, enum sim_trouble what, uint32_t site)
{
	for (uint32_t i = 0; i < fleet->active_count; i++) {
		const struct sim_plan_fault *fault = active_at(fleet, i);

		if (fault->what == what && (fault->index == site || fault->index == UINT32_MAX))
			return true;
	}
	return false;
}

static void change_power(struct sim_fleet *fleet, uint32_t p, uint32_t spread_ms, bool off)
{
	uint64_t spread_us = (uint64_t)spread_ms * FLEET_US;

	if (off)
		fleet_phone_stop(fleet, p);
	else if (!(fleet->phones[p].flags & FLEET_ON))
		fleet_phone_wake(fleet, p,
				 fleet->now_us + (spread_us ? fleet_draw(fleet, spread_us) : 0));
}

static uint8_t flag_of(enum sim_trouble what)
{
	return what == SIM_TROUBLE_CUT         ? FLEET_CUT
	       : what == SIM_TROUBLE_LINK_DOWN ? FLEET_LINK_DOWN
	       : what == SIM_TROUBLE_ASLEEP    ? FLEET_ASLEEP
					       : 0;
}

/* The phone's site has a fault, LASTING, or is rid of it. */
static void change_phone(struct sim_fleet *fleet, uint32_t p, const struct sim_plan_fault *fault,
			 bool lasting)
{
	struct fleet_phone *phone = &fleet->phones[p];
	uint8_t flag = flag_of(fault->what);
	bool changed = !!(phone->flags & flag) != lasting, on = phone->flags & FLEET_ON;

	phone->flags = (uint8_t)(lasting ? phone->flags | flag : phone->flags & ~flag);
	if (fault->what == SIM_TROUBLE_POWER_CUT)
		change_power(fleet, p, fault->spread_ms, lasting);
	else if (on && changed && fault->what == SIM_TROUBLE_LINK_DOWN)
		fleet_phone_feed(
			fleet, p,
			&(struct kl_event){.type = lasting ? KL_EV_LINK_DOWN : KL_EV_LINK_UP});
	else if (on && lasting && fault->what == SIM_TROUBLE_ADDRESS)
		fleet_phone_feed(fleet, p, &(struct kl_event){.type = KL_EV_ADDRESS_CHANGED});
	else if (on && !lasting && fault->what == SIM_TROUBLE_ASLEEP && phone->due_us != UINT64_MAX)
		fleet_phone_wake(fleet, p, phone->due_us);
	fleet_phone_judge(fleet, p);
}

static void change_sites(struct sim_fleet *fleet, const struct sim_plan_fault *fault, bool ends)
{
	bool lasting[SIM_FLEET_SITES_MAX];

	for (uint32_t i = 0; i < fleet->plan->site_count; i++)
		if (fault->index == i || fault->index == UINT32_MAX)
			change_path(fleet, i);
	if (fault->what == SIM_TROUBLE_LOSS || fault->what == SIM_TROUBLE_DELAY)
		return;
	for (uint32_t i = 0; i < fleet->plan->site_count; i++)
		lasting[i] = lasts(fleet, fault->what, i);
	for (uint32_t p = 0; p < fleet->plan->lines; p++) {
		uint16_t site = fleet->phones[p].site;

		if (fault->index == site || fault->index == UINT32_MAX)
			change_phone(fleet, p, fault, lasting[site]);
	}
	if (!ends && fault->what == SIM_TROUBLE_POWER_CUT)
		fleet_calls_cut_stopped(fleet);
}

/* ---- names ----------------------------------------------------------------------------------- */

static void break_names(struct sim_fleet *fleet, const char *owner, enum kl_dns_status status)
{
	if (owner)
		sim_names_break(&fleet->names, owner, status);
	else
		fleet->names.status = status;
}

/* All records but those that a fault which lasts took away. */
static bool is_gone(const struct sim_fleet *fleet, const struct sim_record *record)
{
	static const uint8_t any[16];

	for (uint32_t i = 0; i < fleet->active_count; i++) {
		const struct sim_plan_fault *fault = active_at(fleet, i);
		bool all = !memcmp(fault->address, any, sizeof(any));

		if (fault->what == SIM_TROUBLE_RECORD_GONE &&
		    (!strcasecmp(fault->subject, record->owner) ||
		     (all && !strcasecmp(fault->subject, record->name))) &&
		    (all || !memcmp(fault->address, record->data.ip, sizeof(any))))
			return true;
	}
	return false;
}

/* Do answers come with their records the other way round? */
static bool is_reordered(const struct sim_fleet *fleet, const struct sim_record *record)
{
	for (uint32_t i = 0; i < fleet->active_count; i++) {
		const struct sim_plan_fault *fault = active_at(fleet, i);

		if (fault->what == SIM_TROUBLE_REORDERED &&
		    (!fault->subject || !strcasecmp(fault->subject, record->owner)))
			return true;
	}
	return false;
}

/* The records that are left: those in their order, then the others from the last to the first. */
static void take_records(struct sim_fleet *fleet)
{
	const struct sim_names *plan = &fleet->plan->names;

	fleet->names.record_count = 0;
	for (size_t i = 0; i < plan->record_count; i++)
		if (!is_gone(fleet, &plan->records[i]) && !is_reordered(fleet, &plan->records[i]))
			sim_names_add(&fleet->names, &plan->records[i]);
	for (size_t i = plan->record_count; i-- > 0;)
		if (!is_gone(fleet, &plan->records[i]) && is_reordered(fleet, &plan->records[i]))
			sim_names_add(&fleet->names, &plan->records[i]);
}

static void change_names(struct sim_fleet *fleet)
{
	fleet->names.status = KL_DNS_ANSWER;
	fleet->names.fault_count = 0;
	take_records(fleet);
	for (uint32_t i = 0; i < fleet->active_count; i++) {
		const struct sim_plan_fault *fault = active_at(fleet, i);

		if (fault->what == SIM_TROUBLE_DNS_SILENT)
			break_names(fleet, fault->subject, KL_DNS_SILENT);
		else if (fault->what == SIM_TROUBLE_DNS_SERVFAIL)
			break_names(fleet, fault->subject, KL_DNS_FAILED);
		else if (fault->what == SIM_TROUBLE_DNS_NXDOMAIN)
			break_names(fleet, fault->subject, KL_DNS_NEGATIVE);
	}
	fleet->names_version++;
}

void fleet_fault_happen(struct sim_fleet *fleet, uint32_t index, bool ends)
{
	const struct sim_plan_fault *fault = &fleet->plan->faults[index];

	set_active(fleet, index, !ends);
	switch (sim_trouble_of(fault->what)) {
	case SIM_OF_SERVER:
		change_servers(fleet, fault, ends);
		break;
	case SIM_OF_SITE:
		change_sites(fleet, fault, ends);
		break;
	case SIM_OF_NAME:
		change_names(fleet);
		break;
	}
}
