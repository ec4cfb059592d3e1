/* fleet_phone.c - one phone of the fleet: its engine fed, its actions carried out. */
#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim/fleet_private.h"
#include "sim/invariants.h"

enum {
	TCP_TRIPS = 1, /* there and back, to connect */
	TLS_TRIPS = 2,
	RESEND_US = 200000, /* what a lost segment costs at least */
};

/* ---- judged by the safety checker ------------------------------------------------------------ */

static struct sim_invariants **checker_of(struct sim_fleet *fleet, uint32_t phone)
{
	if (!fleet->judged || phone % fleet->judged != 0)
		return NULL;
	return &fleet->checkers[phone / fleet->judged];
}

static void judge_begin(struct sim_fleet *fleet, uint32_t phone, const struct kl_config *config)
{
	struct sim_invariants **checker = checker_of(fleet, phone);

	if (!checker)
		return;
	if (!*checker)
		*checker = malloc(sim_invariants_size(config));
	if (!*checker)
		err(EXIT_FAILURE, "the simulation");
	sim_invariants_init(*checker, config);
}

static void judge_end(struct sim_fleet *fleet, uint32_t phone, struct sim_invariants *checker)
{
	const char *broken = sim_invariants_settled(checker, fleet_engine(fleet, phone));

	fleet->results->judged++;
	if (broken && !fleet->results->broken[0])
		snprintf(fleet->results->broken, sizeof(fleet->results->broken),
			 "phone %u at %llu ms: %s", phone, (unsigned long long)fleet_now(fleet),
			 broken);
}

/* ---- service --------------------------------------------------------------------------------- */

/* Does the server that holds a registration of PHONE serve, as far as the phone is concerned? */
static bool has_service(const struct sim_fleet *fleet, const struct fleet_phone *phone)
{
	if (!(phone->flags & FLEET_ON) ||
	    phone->flags & (FLEET_LINK_DOWN | FLEET_CUT | FLEET_ASLEEP))
		return false;
	for (uint32_t i = 0; i < KL_ENTRIES_MAX; i++)
		if (phone->active & 1u << i && phone->bound[i] &&
		    fleet->servers[phone->bound[i] - 1].sip.reach == SIM_UP)
			return true;
	return false;
}

void fleet_phone_judge(struct sim_fleet *fleet, uint32_t p)
{
	struct fleet_phone *phone = &fleet->phones[p];
	bool served = has_service(fleet, phone);

	if (served == !!(phone->flags & FLEET_SERVED))
		return;
	phone->flags ^= FLEET_SERVED;
	if (served) {
		fleet->current.in_service++;
		phone->flags |= FLEET_EVER;
		phone->out_ms += (uint32_t)fleet_now(fleet) - phone->out_since_ms;
	} else {
		fleet->current.in_service--;
		phone->out_since_ms = (uint32_t)fleet_now(fleet);
	}
}

void fleet_phone_judge_all(struct sim_fleet *fleet)
{
	for (uint32_t p = 0; p < fleet->plan->lines; p++)
		fleet_phone_judge(fleet, p);
}

static void set_active(struct sim_fleet *fleet, struct fleet_phone *phone, uint8_t active)
{
	fleet->current.registered += !phone->active && active;
	fleet->current.registered -= phone->active && !active;
	phone->active = active;
}

/* ---- out ------------------------------------------------------------------------------------- */

static void send_fault(struct sim_fleet *fleet, uint32_t p, const struct kl_action_send *send,
		       uint32_t server, enum kl_fault fault, uint64_t after_us)
{
	struct fleet_message *message = fleet_message_new(fleet, p);

	message->what = FLEET_FAULT;
	message->tx = send->tx;
	message->server = (uint8_t)server;
	message->transport = send->route.transport;
	message->port = send->route.port;
	message->fault = (uint8_t)fault;
	fleet_message_send(fleet, message, fleet->now_us + after_us);
}

/* What a stream adds to the way of a request: it is opened, and what gets lost is sent again. */
static uint64_t stream_us(struct sim_fleet *fleet, struct fleet_phone *phone, uint32_t server,
			  enum kl_transport transport)
{
	uint64_t trip_us = 2 * fleet_path_us(fleet, phone->site), us = 0;

	if (!(phone->streams & 1u << server))
		us = trip_us * (transport == KL_TLS ? TLS_TRIPS + TCP_TRIPS : TCP_TRIPS);
	phone->streams |= 1u << server;
	while (fleet_lost(fleet, phone->site))
		us += RESEND_US + trip_us;
	return us;
}

/* The fault that a send to SERVER meets, if any comes back. */
static enum kl_fault fault_of(const struct fleet_server *server, enum kl_transport transport)
{
	if (server->sip.reach == SIM_UNREACHABLE)
		return server->sip.fault;
	if (server->sip.reach == SIM_REFUSING)
		return transport == KL_UDP ? KL_FAULT_PORT : KL_FAULT_REFUSED;
	if (server->sip.tls_fails && transport == KL_TLS)
		return KL_FAULT_TLS;
	return KL_FAULT_NONE;
}

static void send_request(struct sim_fleet *fleet, uint32_t p, const struct kl_action_send *send,
			 uint32_t server)
{
	struct fleet_phone *phone = &fleet->phones[p];
	enum kl_transport transport = (enum kl_transport)send->route.transport;
	uint64_t us = fleet_path_us(fleet, phone->site);

	if (transport == KL_UDP && fleet_lost(fleet, phone->site))
		return;
	if (transport != KL_UDP)
		us += stream_us(fleet, phone, server, transport);
	struct fleet_message *message = fleet_message_new(fleet, p);
	message->what = FLEET_REQUEST;
	message->tx = send->tx;
	message->token = send->token;
	message->server = (uint8_t)server;
	message->transport = send->route.transport;
	message->port = send->route.port;
	message->entry = (uint8_t)send->entry;
	message->method = (uint8_t)send->method;
	message->expires_ms = (uint32_t)send->expires_ms;
	message->nonce = phone->nonces >> server & 1;
	fleet_message_send(fleet, message, fleet->now_us + us);
}

static void do_send(struct sim_fleet *fleet, uint32_t p, const struct kl_action_send *send)
{
	const struct fleet_phone *phone = &fleet->phones[p];
	uint32_t server = fleet_server_at(fleet, &send->route);

	fleet->results->requests++;
	fleet->results->copies += send->attempt > 1;
	fleet->results->probes += send->method == KL_OPTIONS;
	if (phone->flags & FLEET_LINK_DOWN) {
		struct sim_invariants **checker = checker_of(fleet, p);
		const struct kl_event event = {.type = KL_EV_TRANSPORT,
					       .transport = {send->route, KL_FAULT_SEND, send->tx}};
		int result = kl_feed(fleet_engine(fleet, p), &event, fleet_now(fleet));

		if (checker)
			sim_invariants_fed(*checker, &event, result, fleet_now(fleet));
		return;
	}
	if (phone->flags & FLEET_CUT || server == FLEET_NONE)
		return;
	enum kl_fault fault =
		fault_of(&fleet->servers[server], (enum kl_transport)send->route.transport);
	if (fault)
		send_fault(fleet, p, send, server, fault, 2 * fleet_path_us(fleet, phone->site));
	else
		send_request(fleet, p, send, server);
}

/* Its registration was accepted, which may be by another server than before. */
static void settle(struct sim_fleet *fleet, uint32_t p, const struct kl_report *report)
{
	struct fleet_phone *phone = &fleet->phones[p];
	uint32_t server = fleet_server_at(fleet, &report->route);
	uint8_t *home = &phone->home[report->entry];

	if (server == FLEET_NONE || *home == server + 1)
		return;
	if (*home && phone->moves < UINT16_MAX)
		phone->moves++;
	*home = (uint8_t)(server + 1);
	if (report->from == KL_FAILING_BACK && phone->probed == *home)
		sim_histogram_add(&fleet->results->returns_ms, fleet_now(fleet) - phone->probed_ms);
	phone->probed = 0;
	if (fleet->watch.on_home)
		fleet->watch.on_home(fleet->watch.user, p, server, fleet->now_us);
}

static void do_report(struct sim_fleet *fleet, uint32_t p, const struct kl_report *report)
{
	struct fleet_phone *phone = &fleet->phones[p];
	uint8_t bit = (uint8_t)(1u << report->entry);

	if (report->type == KL_REPORT_STATE) {
		set_active(fleet, phone,
			   report->active ? phone->active | bit : phone->active & (uint8_t)~bit);
		if (report->to == KL_REGISTERED && report->why == KL_WHY_ACCEPTED)
			settle(fleet, p, report);
	} else if (report->why == KL_WHY_CUT) {
		fleet->results->cut_routes++;
	}
}

static void perform(struct sim_fleet *fleet, uint32_t p, const struct kl_action *action)
{
	uint32_t server;

	switch (action->type) {
	case KL_DO_QUERY:
		fleet_names_ask(fleet, p, &action->query);
		break;
	case KL_DO_SEND:
		do_send(fleet, p, &action->send);
		break;
	case KL_DO_OUTCOME:
		fleet_call_outcome(fleet, p, &action->outcome);
		break;
	case KL_DO_REPORT:
		do_report(fleet, p, &action->report);
		break;
	case KL_DO_CLOSE:
		server = fleet_server_at(fleet, &action->close.route);
		if (server != FLEET_NONE)
			fleet->phones[p].streams &= ~(1u << server);
		break;
	case KL_DO_ABANDON:
	case KL_DO_KEEPALIVE:
	case KL_DO_SUBSCRIPTION:
		break;
	}
}

/* ---- in -------------------------------------------------------------------------------------- */

void fleet_phone_wake(struct sim_fleet *fleet, uint32_t p, uint64_t at_us)
{
	struct fleet_phone *phone = &fleet->phones[p];

	phone->due_us = at_us;
	if (at_us >= phone->queued_us)
		return;
	phone->queued_us = at_us > fleet->now_us ? at_us : fleet->now_us;
	sim_radix_put(&fleet->queue, (struct sim_due){phone->queued_us, p, FLEET_NONE});
}

static int feed(struct sim_fleet *fleet, uint32_t p, const struct kl_event *event)
{
	struct sim_invariants **checker = checker_of(fleet, p);
	struct kl_engine *engine = fleet_engine(fleet, p);
	int result = kl_feed(engine, event, fleet_now(fleet));
	struct kl_action action;

	fleet->results->events++;
	if (checker)
		sim_invariants_fed(*checker, event, result, fleet_now(fleet));
	while (kl_next_action(engine, &action)) {
		if (checker)
			sim_invariants_action(*checker, engine, &action);
		perform(fleet, p, &action);
	}
	if (checker)
		judge_end(fleet, p, *checker);
	fleet_phone_judge(fleet, p);
	kl_ms deadline = kl_deadline(engine);
	fleet_phone_wake(fleet, p, deadline == KL_NEVER ? UINT64_MAX : deadline * FLEET_US);
	return result;
}

void fleet_phone_feed(struct sim_fleet *fleet, uint32_t p, const struct kl_event *event)
{
	feed(fleet, p, event);
}

int fleet_phone_request(struct sim_fleet *fleet, uint32_t p, uint64_t token)
{
	return feed(fleet, p,
		    &(struct kl_event){.type = KL_EV_REQUEST, .request = {token, KL_INVITE}});
}

void fleet_phone_start(struct sim_fleet *fleet, uint32_t p)
{
	struct fleet_phone *phone = &fleet->phones[p];
	const struct kl_config *config = &fleet->plan->classes[phone->class].engine;
	uint64_t seed = fleet->plan->seed << 32 ^ (uint64_t)p << 8 ^ phone->boots;

	if (kl_engine_init(fleet_engine(fleet, p), fleet->stride, config, seed, fleet_now(fleet)))
		errx(EXIT_FAILURE, "the engine does not take the configuration");
	judge_begin(fleet, p, config);
	if (!(phone->flags & FLEET_ONCE))
		phone->out_since_ms = (uint32_t)fleet_now(fleet);
	phone->flags |= FLEET_ON | FLEET_ONCE;
	fleet->current.powered++;
	if (phone->flags & FLEET_LINK_DOWN)
		feed(fleet, p, &(struct kl_event){.type = KL_EV_LINK_DOWN});
	feed(fleet, p, &(struct kl_event){.type = KL_EV_LINE_START});
}

void fleet_phone_stop(struct sim_fleet *fleet, uint32_t p)
{
	struct fleet_phone *phone = &fleet->phones[p];

	phone->due_us = phone->queued_us = UINT64_MAX; /* nor does it start as it was going to */
	if (!(phone->flags & FLEET_ON))
		return;
	phone->boots++;
	phone->nonces = phone->streams = 0;
	set_active(fleet, phone, 0);
	memset(phone->bound, 0, sizeof(phone->bound));
	phone->flags &= (uint8_t) ~(FLEET_ON | FLEET_FRESH);
	fleet->current.powered--;
	fleet_phone_judge(fleet, p);
}

void fleet_phone_due(struct sim_fleet *fleet, uint32_t p, uint64_t at_us)
{
	struct fleet_phone *phone = &fleet->phones[p];
	uint64_t due_us = phone->due_us;

	if (at_us != phone->queued_us)
		return;
	phone->queued_us = UINT64_MAX;
	if (due_us > fleet->now_us) {
		if (due_us != UINT64_MAX)
			fleet_phone_wake(fleet, p, due_us);
	} else if (!(phone->flags & FLEET_ON)) {
		fleet_phone_start(fleet, p);
	} else if (!(phone->flags & FLEET_ASLEEP)) {
		feed(fleet, p, &(struct kl_event){.type = KL_EV_TIME});
	}
}

/* ---- what comes back ------------------------------------------------------------------------- */

/* The same server refused credentials that were made from its own challenge to this very request:
 * only that is a refusal (TRIG-8). */
static enum kl_challenge challenge_of(struct fleet_phone *phone,
				      const struct fleet_message *message)
{
	enum kl_challenge challenge = message->stale ? KL_CHALLENGE_STALE
				      : message->nonce && phone->flags & FLEET_FRESH
					      ? KL_CHALLENGE_REFUSED
					      : KL_CHALLENGE_NEW;

	phone->nonces |= 1u << message->server;
	phone->flags |= FLEET_FRESH;
	return challenge;
}

/* A server that was dead answered a probe: the way back to it begins there (OWN-1). */
static void take_probe(struct sim_fleet *fleet, struct fleet_phone *phone, uint32_t server)
{
	uint32_t back_ms = fleet->servers[server].back_ms;
	bool known = phone->probed && phone->probed_ms >= fleet->servers[phone->probed - 1].back_ms;

	if (!back_ms || known || phone->home[0] == server + 1)
		return;
	phone->probed = (uint8_t)(server + 1);
	phone->probed_ms = (uint32_t)fleet_now(fleet);
}

static void take_reply(struct sim_fleet *fleet, const struct fleet_message *message)
{
	struct fleet_phone *phone = &fleet->phones[message->phone];
	struct kl_event event = {
		.type = KL_EV_RESPONSE,
		.response = {.tx = message->tx,
			     .status = message->status,
			     .min_expires_ms = message->min_expires_ms,
			     .retry_after_ms = message->retry_after_ms},
	};

	if (message->status == 401 || message->status == 407)
		event.response.challenge = challenge_of(phone, message);
	else if (message->status >= 200)
		phone->flags &= (uint8_t)~FLEET_FRESH;
	if (message->status / 100 == 2 && message->method == KL_REGISTER) {
		uint8_t *bound = &phone->bound[message->entry];

		event.response.granted_ms = message->expires_ms;
		fleet->results->registrations += message->expires_ms > 0;
		if (message->expires_ms)
			*bound = (uint8_t)(message->server + 1);
		else if (*bound == message->server + 1)
			*bound = 0;
	}
	if (message->method == KL_OPTIONS && message->status != 503)
		take_probe(fleet, phone, message->server);
	if (message->status == 180)
		fleet_call_ring(fleet, message->token);
	fleet->results->exchanges += message->status >= 200;
	fleet_phone_feed(fleet, message->phone, &event);
}

static void take_fault(struct sim_fleet *fleet, const struct fleet_message *message)
{
	const struct fleet_server *server = &fleet->servers[message->server];
	enum kl_fault fault = (enum kl_fault)message->fault;
	struct kl_event event = {
		.type = fault == KL_FAULT_STREAM_LOST ? KL_EV_STREAM_LOST : KL_EV_TRANSPORT,
		.transport = {.route = {.port = message->port, .transport = message->transport},
			      .fault = fault,
			      .tx = message->tx},
	};

	memcpy(event.transport.route.ip, server->plan->ip, sizeof(server->plan->ip));
	fleet_phone_feed(fleet, message->phone, &event);
}

/* Did it get lost on its way, or with the life of the server or the phone? */
static bool is_gone(const struct sim_fleet *fleet, const struct fleet_message *message)
{
	const struct fleet_phone *phone = &fleet->phones[message->phone];

	return message->boots != phone->boots || !(phone->flags & FLEET_ON) ||
	       phone->flags & (FLEET_LINK_DOWN | FLEET_CUT | FLEET_ASLEEP) ||
	       (message->what == FLEET_REPLY &&
		message->epoch != fleet->servers[message->server].epoch);
}

void fleet_phone_take(struct sim_fleet *fleet, struct fleet_message *message)
{
	const struct fleet_message taken = *message;

	if (taken.what == FLEET_NAMES) {
		fleet_names_answer(fleet, message);
		return;
	}
	bool gone = is_gone(fleet, &taken);
	fleet_message_free(fleet, message);
	if (taken.what == FLEET_HANG_UP)
		fleet_call_hang_up(fleet, &taken);
	else if (!gone && taken.what == FLEET_REPLY)
		take_reply(fleet, &taken);
	else if (!gone)
		take_fault(fleet, &taken);
}
