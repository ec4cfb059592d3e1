/* fleet_server.c - a server with a capacity: sim/server.h answers, behind a queue of given length.
 *
 * It serves one request after the other, each in 1/capacity of a second, first come, first served.
 * So the queue is a point in time: that at which it will be done with all that it has taken. */
#include <string.h>

#include "sim/fleet_private.h"

enum {
	SECOND_NS = 1000000000,
	NS = 1000,          /* of a microsecond */
	RESENT_US = 500000, /* a 2xx to INVITE is sent again after T1 (RFC 3261 13.3.1.4) */
};

void fleet_server_set_capacity(struct fleet_server *server, uint32_t capacity)
{
	server->service_ns = capacity ? SECOND_NS / capacity : 0;
}

void fleet_servers_init(struct sim_fleet *fleet)
{
	for (uint32_t i = 0; i < fleet->plan->server_count; i++) {
		const struct sim_plan_server *plan = &fleet->plan->servers[i];
		struct fleet_server *server = &fleet->servers[i];

		server->plan = plan;
		server->seconds = sim_results_server(fleet->results, i);
		sim_server_init(&server->sip, plan->name);
		fleet_server_heal(fleet, server);
	}
}

void fleet_server_heal(const struct sim_fleet *fleet, struct fleet_server *server)
{
	const struct sim_plan_server *plan = server->plan;

	sim_server_heal(&server->sip);
	server->sip.scripts[KL_INVITE] =
		(struct sim_script){3, {{100, 0}, {180, 0}, {200, fleet->plan->calls.ring_ms}}};
	server->sip.challenge = plan->nonces == SIM_NONCE_NONE ? SIM_TRUSTS : SIM_CHALLENGES;
	if (plan->grant_max_ms)
		server->sip.grant_max_ms = plan->grant_max_ms;
	server->sip.min_expires_ms = plan->min_expires_ms;
	fleet_server_set_capacity(server, plan->capacity);
}

uint32_t fleet_server_at(const struct sim_fleet *fleet, const struct kl_route *route)
{
	for (uint32_t i = 0; i < fleet->plan->server_count; i++) {
		const struct sim_plan_server *server = &fleet->plan->servers[i];

		if (!memcmp(server->ip, route->ip, sizeof(server->ip)) &&
		    (!server->port || server->port == route->port))
			return i;
	}
	return FLEET_NONE;
}

/* ---- the queue ------------------------------------------------------------------------------- */

struct turn {
	bool taken;
	bool refused;   /* the queue was full: 503 at once */
	uint64_t at_us; /* served by then */
	kl_ms slow_ms;
};

/* The request of this moment gets its turn, if there is room. */
static struct turn take_turn(const struct sim_fleet *fleet, struct fleet_server *server,
			     struct sim_server_second *second, struct sim_server_totals *totals)
{
	uint64_t now_ns = fleet->now_us * NS;
	struct turn turn = {.taken = true, .at_us = fleet->now_us};
	uint64_t waits_ns = server->busy_until_ns > now_ns ? server->busy_until_ns - now_ns : 0;

	if (!server->service_ns)
		return turn;
	uint64_t inside = (waits_ns + server->service_ns - 1) / server->service_ns;
	if (inside > server->plan->queue) {
		turn.taken = server->plan->when_full == SIM_OVERFLOW_SLOW;
		turn.refused = server->plan->when_full == SIM_OVERFLOW_503;
		turn.slow_ms = turn.taken ? server->plan->slow_ms : 0;
		second->dropped += server->plan->when_full == SIM_OVERFLOW_DROP;
		totals->dropped += server->plan->when_full == SIM_OVERFLOW_DROP;
		if (!turn.taken)
			return turn;
	}
	if (inside > second->queue)
		second->queue = (uint32_t)inside;
	server->busy_until_ns = now_ns + waits_ns + server->service_ns;
	turn.at_us = server->busy_until_ns / NS;
	totals->waits_us += waits_ns / NS;
	totals->served++;
	return turn;
}

/* ---- answers --------------------------------------------------------------------------------- */

static void fill_reply(struct fleet_message *reply, const struct fleet_message *request,
		       const struct sim_reply *from, const struct fleet_server *server)
{
	reply->what = FLEET_REPLY;
	reply->tx = request->tx;
	reply->token = request->token;
	reply->server = request->server;
	reply->transport = request->transport;
	reply->port = request->port;
	reply->entry = request->entry;
	reply->method = request->method;
	reply->nonce = request->nonce;
	reply->epoch = server->epoch;
	reply->status = from->status;
	reply->stale = from->stale;
	reply->min_expires_ms = (uint32_t)from->min_expires_ms;
	reply->retry_after_ms = (uint32_t)from->retry_after_ms;
	reply->expires_ms = (uint32_t)sim_server_grants(&server->sip, request->expires_ms);
}

static void send_reply(struct sim_fleet *fleet, const struct fleet_message *request,
		       const struct sim_reply *from, uint64_t leaves_us)
{
	struct fleet_server *server = &fleet->servers[request->server];
	uint32_t site = fleet->phones[request->phone].site;
	bool final_call = request->method == KL_INVITE && from->status / 100 == 2;
	uint64_t us = fleet_path_us(fleet, site);

	if (server->sip.reach == SIM_UNHEARD)
		return;
	while (fleet_lost(fleet, site)) {
		if (request->transport == KL_UDP && !final_call)
			return;
		us += RESENT_US;
	}
	struct fleet_message *reply = fleet_message_new(fleet, request->phone);
	fill_reply(reply, request, from, server);
	reply->boots = request->boots;
	reply->leaves_us = leaves_us + from->after_ms * FLEET_US;
	fleet_message_send(fleet, reply, reply->leaves_us + us);
}

static void answer(struct sim_fleet *fleet, const struct fleet_message *message, struct turn turn)
{
	struct fleet_server *server = &fleet->servers[message->server];
	struct fleet_phone *phone = &fleet->phones[message->phone];
	struct sim_reply replies[SIM_REPLIES_MAX];
	size_t count = sim_server_answer(&server->sip,
					 &(struct sim_request){
						 .method = (enum kl_method)message->method,
						 .expires_ms = message->expires_ms,
						 .nonce = message->nonce ? server->sip.nonce : 0,
					 },
					 replies);

	for (size_t i = 0; i < count; i++) {
		replies[i].after_ms += turn.slow_ms;
		send_reply(fleet, message, &replies[i], turn.at_us);
		server->seconds[fleet->second].refused += replies[i].status == 503;
		fleet->results->totals[message->server].refused += replies[i].status == 503;
	}
	if (message->nonce && server->plan->nonces == SIM_NONCE_EACH)
		phone->nonces &= ~(1u << message->server);
}

static void refuse(struct sim_fleet *fleet, const struct fleet_message *message, struct turn turn)
{
	struct fleet_server *server = &fleet->servers[message->server];

	server->seconds[fleet->second].refused++;
	fleet->results->totals[message->server].refused++;
	send_reply(
		fleet, message,
		&(struct sim_reply){.status = 503, .retry_after_ms = server->plan->retry_after_ms},
		turn.at_us);
}

/* ---- requests -------------------------------------------------------------------------------- */

/* Is the server still at the same request? */
static bool is_copy(const struct sim_fleet *fleet, const struct fleet_message *request)
{
	uint32_t i = fleet->phones[request->phone].first_message;

	for (; i != FLEET_NONE; i = fleet->messages[i].next) {
		const struct fleet_message *other = &fleet->messages[i];

		if (other->what == FLEET_REPLY && other->tx == request->tx &&
		    other->server == request->server && other->leaves_us > fleet->now_us)
			return true;
	}
	return false;
}

static void count(struct sim_server_second *second, struct sim_server_totals *totals,
		  uint8_t method)
{
	second->registers += method == KL_REGISTER;
	second->calls += method == KL_INVITE;
	second->others += method != KL_REGISTER && method != KL_INVITE;
	totals->requests++;
	totals->registers += method == KL_REGISTER;
	totals->calls += method == KL_INVITE;
}

void fleet_server_take(struct sim_fleet *fleet, struct fleet_message *message)
{
	const struct fleet_message request = *message;
	struct fleet_server *server = &fleet->servers[request.server];
	struct sim_server_totals *totals = &fleet->results->totals[request.server];
	struct sim_server_second *second = &server->seconds[fleet->second];
	bool cut = fleet->phones[request.phone].flags & FLEET_CUT;

	fleet_message_free(fleet, message);
	if (cut)
		return;
	if (!sim_server_hears(&server->sip)) {
		second->unheard++;
		totals->unheard++;
		return;
	}
	if (is_copy(fleet, &request)) {
		second->copies++;
		totals->copies++;
		return;
	}
	count(second, totals, request.method);
	struct turn turn = take_turn(fleet, server, second, totals);
	if (turn.taken)
		answer(fleet, &request, turn);
	else if (turn.refused)
		refuse(fleet, &request, turn);
}
