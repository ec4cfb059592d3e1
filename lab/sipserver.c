/* sipserver.c - a small SIP server: requests outside of calls, and its life. */
#include "lab/sipserver_private.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

enum {
	TRANSACTIONS_MAX = 65536, /* 1,000 requests a second for 64*T1, twice */
	SIP_PORT = 5060,
};

static const char allowed_methods[] = "INVITE, ACK, BYE, CANCEL, OPTIONS, REGISTER";

/* ---- answers ---- */

static void show(struct lab_sipserver *server, const struct lab_sip_sight *sight)
{
	if (server->config.on_sight)
		server->config.on_sight(server->config.user, sight);
}

static void draw_tag(char tag[LAB_TAG_SIZE])
{
	uint64_t drawn = 0;

	if (getrandom(&drawn, sizeof drawn, 0) < 0)
		drawn = net_now_ms();
	snprintf(tag, LAB_TAG_SIZE, "%016" PRIx64, drawn);
}

/* RFC 3581, 4: to the source address, and to its port if that was asked for. */
struct lab_hop lab_answer_destination(const struct sip_message *request,
				      const struct lab_hop *source)
{
	struct lab_hop to = *source;

	if (!request->via.wants_rport && request->via.transport == SIP_UDP)
		to.far.port = request->via.port ? request->via.port : SIP_PORT;
	return to;
}

void lab_answer_begin(struct lab_sipserver *server, const struct lab_answering *a, unsigned status,
		      struct sip_builder *answer)
{
	char host[NET_ADDRESS_TEXT_MAX];
	const struct sip_reply reply = {
		.request = a->request,
		.status = status,
		.to_tag = a->tag,
		.source = net_address_format_host(&a->source.far, host),
		.source_port = a->source.far.port,
	};

	sip_builder_init(answer, server->answer, sizeof server->answer);
	sip_builder_reply(answer, &reply);
}

int lab_answer_send(struct lab_sipserver *server, const struct lab_answering *a, unsigned status,
		    int length)
{
	const struct lab_hop to = lab_answer_destination(a->request, &a->source);
	struct sip_answer answer = {.status = status};
	struct lab_sip_sight sight = {.at_ms = a->now, .request = a->request, .status = status};

	if (length < 0) {
		server->dropped++;
		return length;
	}
	answer.bytes = (struct sip_span){server->answer, (size_t)length};
	if (a->id)
		sip_transactions_respond(server->transactions, a->id, &answer, a->now);
	sight.swallowed = !lab_send(server, &to, a->request->method, answer.bytes);
	show(server, &sight);
	return length;
}

void lab_answer_plainly(struct lab_sipserver *server, const struct lab_answering *a,
			unsigned status)
{
	const struct lab_fault *fault = lab_fault_find(server, LAB_STATUS, a->request->method);
	struct sip_builder answer;

	lab_answer_begin(server, a, status, &answer);
	if (status == 405 || (status == 200 && a->request->method == SIP_OPTIONS))
		sip_builder_header(&answer, "Allow", "%s", allowed_methods);
	if (fault && fault->retry_after_s && status == fault->value)
		sip_builder_header(&answer, "Retry-After", "%u", (unsigned)fault->retry_after_s);
	lab_answer_send(server, a, status, sip_builder_finish(&answer));
}

/* A challenge that no credentials satisfy: they are wrong, or their nonce is STALE. */
static void answer_challenge(struct lab_sipserver *server, const struct lab_answering *a,
			     bool stale)
{
	const struct lab_registration refused = {.status = 401, .stale = stale};
	struct sip_builder answer;

	lab_answer_begin(server, a, refused.status, &answer);
	lab_registrar_write(&server->registrar, &refused, &answer, a->now);
	lab_answer_send(server, a, refused.status, sip_builder_finish(&answer));
}

/* Faults that are answers.  False: there is none for this request.  RFC 3261 22.1: ACK and CANCEL
 * can't be challenged. */
static bool answer_fault(struct lab_sipserver *server, const struct lab_answering *a)
{
	const enum sip_method method = a->request->method;
	const struct lab_fault *status = lab_fault_find(server, LAB_STATUS, method);
	bool credentials = sip_message_header(a->request, SIP_AUTHORIZATION, 0);

	if (method == SIP_ACK)
		return false;
	if (status) {
		lab_answer_plainly(server, a, status->value);
		return true;
	}
	if (method == SIP_CANCEL)
		return false;
	if (lab_fault_find(server, LAB_CHALLENGES, method)) {
		answer_challenge(server, a, false);
		return true;
	}
	if (lab_fault_find(server, LAB_STALE, method)) {
		answer_challenge(server, a, credentials);
		return true;
	}
	return false;
}

static void answer_register(struct lab_sipserver *server, const struct lab_answering *a)
{
	struct sip_peer peer = {.length = sizeof a->source};
	struct lab_registration done;
	struct sip_builder answer;

	memcpy(peer.bytes, &a->source, sizeof a->source);
	done = lab_registrar_take(&server->registrar, a->request, &peer, a->now);
	lab_answer_begin(server, a, done.status, &answer);
	lab_registrar_write(&server->registrar, &done, &answer, a->now);
	lab_answer_send(server, a, done.status, sip_builder_finish(&answer));
}

/* ---- what arrives, and what falls due ---- */

static void answer_request(struct lab_sipserver *server, const struct lab_answering *a)
{
	if (answer_fault(server, a))
		return;
	switch (a->request->method) {
	case SIP_REGISTER:
		answer_register(server, a);
		break;
	case SIP_INVITE:
		lab_call_answer_invite(server, a);
		break;
	case SIP_ACK:
		lab_call_take_ack(server, a->request);
		break;
	case SIP_BYE:
		lab_call_answer_bye(server, a);
		break;
	case SIP_CANCEL:
		lab_call_answer_cancel(server, a);
		break;
	case SIP_OPTIONS:
		lab_answer_plainly(server, a, 200);
		break;
	case SIP_SUBSCRIBE:
	case SIP_NOTIFY:
	case SIP_REFER:
	case SIP_INFO:
	case SIP_UPDATE:
	case SIP_PRACK:
	case SIP_MESSAGE:
	case SIP_PUBLISH:
	case SIP_METHOD_OTHER:
	case SIP_METHODS_MAX:
		lab_answer_plainly(server, a, 405);
		break;
	}
}

/* When the next call, transaction or message that was held back wants attention. */
static void set_timer(struct lab_sipserver *server)
{
	uint64_t at = lab_held_deadline(server), calls_at = lab_calls_deadline(server);
	uint64_t transactions_at = NET_NEVER;

	if (server->transactions)
		transactions_at = sip_transactions_deadline(server->transactions);
	if (calls_at < at)
		at = calls_at;
	net_timer_set(server->timer, transactions_at < at ? transactions_at : at);
}

static void take_request(struct lab_sipserver *server, const struct sip_message *request,
			 const struct lab_hop *source, uint64_t now)
{
	const struct lab_hop to = lab_answer_destination(request, source);
	struct lab_sip_sight sight = {.at_ms = now, .request = request};
	struct sip_peer peer = {.length = sizeof to};
	struct sip_receipt receipt;
	char tag[LAB_TAG_SIZE];
	struct lab_answering a = {.request = request, .source = *source, .tag = tag, .now = now};

	memcpy(peer.bytes, &to, sizeof to);
	if (sip_transactions_receive(server->transactions, request, &peer, &receipt, now)) {
		server->dropped++;
		return;
	}
	sight.repeat = receipt.kind == SIP_RECEIPT_REPEAT;
	show(server, &sight);
	draw_tag(tag);
	switch (receipt.kind) {
	case SIP_RECEIPT_NEW:
		a.id = receipt.id;
		answer_request(server, &a);
		break;
	case SIP_RECEIPT_REPEAT:
		lab_send(server, &to, request->method, receipt.again);
		break;
	case SIP_RECEIPT_ACKED:
		break;
	case SIP_RECEIPT_FULL:
		server->dropped++;
		lab_answer_plainly(server, &a, 503);
		break;
	}
}

/* What no fault kept from coming. */
static void take_heard(struct lab_sipserver *server, const struct sip_message *message,
		       const struct lab_hop *source, uint64_t now)
{
	if (message->is_request)
		server->requests++;
	if (server->config.proxies && lab_proxy_take(server, message, source, now))
		return;
	if (!message->is_request)
		server->dropped++;
	else
		take_request(server, message, source, now);
}

void lab_take_message(void *user, const struct net_address *source, struct sip_span bytes)
{
	const struct lab_place *place = user;
	struct lab_sipserver *server = place->server;
	const struct lab_hop hop = {*source, (unsigned)(place - server->places)};
	uint64_t now = net_now_ms();
	struct sip_message message;
	bool lost;

	if (sip_message_parse(&message, bytes.at, bytes.length)) {
		server->dropped++;
		return;
	}
	lost = lab_fault_loses(server, true, message.method);
	lab_show_arrival(place, source, &message, lost);
	if (!lost) {
		take_heard(server, &message, &hop, now);
		set_timer(server);
	} else if (message.is_request) {
		server->requests++;
		show(server,
		     &(struct lab_sip_sight){.at_ms = now, .request = &message, .swallowed = true});
	}
	sip_message_clear(&message);
}

static void take_time(void *user)
{
	struct lab_sipserver *server = user;
	uint64_t now = net_now_ms();
	struct lab_hop to;
	struct sip_due due;

	while (server->transactions && sip_transactions_next(server->transactions, &due, now)) {
		memcpy(&to, due.peer.bytes, sizeof to);
		if (due.kind == SIP_DUE_SEND)
			lab_send(server, &to, SIP_INVITE,
				 due.bytes); /* a refusal, unacknowledged */
	}
	lab_calls_step(server, now);
	lab_held_step(server, now);
	set_timer(server);
}

/* ---- opening and closing ---- */

int lab_sipserver_start(struct lab_sipserver *server)
{
	int error;

	server->transactions = sip_transactions_new(TRANSACTIONS_MAX);
	error = server->transactions ? lab_places_open(server) : -ENOMEM;
	if (error) {
		sip_transactions_free(server->transactions);
		server->transactions = NULL;
	}
	return error;
}

void lab_sipserver_stop(struct lab_sipserver *server)
{
	lab_calls_end(server);
	lab_held_drop(server);
	sip_transactions_free(server->transactions);
	server->transactions = NULL;
	lab_places_close(server);
	set_timer(server);
}

static void set_places(struct lab_sipserver *server)
{
	const struct lab_sipserver_config *config = &server->config;

	server->place_count = 1 + config->more_count;
	server->places[0] = (struct lab_place){
		.server = server, .transport = config->transport, .local = config->local};
	for (unsigned i = 0; i < config->more_count; i++) {
		server->places[i + 1] = (struct lab_place){.server = server,
							   .transport = config->more[i].transport,
							   .local = config->local};
		server->places[i + 1].local.port = config->more[i].port;
	}
}

int lab_sipserver_open(struct lab_sipserver **out, struct net_loop *loop,
		       const struct lab_sipserver_config *config)
{
	struct lab_sipserver *server = calloc(1, sizeof *server);
	int error;

	if (!server)
		return -ENOMEM;
	server->config = *config;
	server->loop = loop;
	server->dice = config->seed ? config->seed : 1;
	TAILQ_INIT(&server->held);
	set_places(server);
	error = lab_registrar_init(&server->registrar, &config->registrar);
	if (!error && getrandom(server->secret, sizeof server->secret, 0) < 0)
		error = -errno;
	if (!error)
		error = net_timer_create(&server->timer, loop,
					 (struct net_callback){take_time, server});
	if (!error)
		error = lab_sipserver_start(server);
	if (error) {
		lab_registrar_clear(&server->registrar);
		net_timer_free(server->timer);
		free(server);
		return error;
	}
	*out = server;
	return 0;
}

void lab_sipserver_close(struct lab_sipserver *server)
{
	if (!server)
		return;
	if (server->transactions)
		lab_sipserver_stop(server);
	lab_registrar_clear(&server->registrar);
	net_timer_free(server->timer);
	free(server);
}

struct net_address lab_sipserver_local_of(const struct lab_sipserver *server, unsigned nth)
{
	return server->places[nth].local;
}

struct net_address lab_sipserver_local(const struct lab_sipserver *server)
{
	return lab_sipserver_local_of(server, 0);
}

const struct lab_registrar *lab_sipserver_registrar(const struct lab_sipserver *server)
{
	return &server->registrar;
}

struct lab_sipserver_counters lab_sipserver_counters(const struct lab_sipserver *server)
{
	struct lab_sipserver_counters counters = {
		.requests = server->requests,
		.dropped = server->dropped,
		.bindings = lab_registrar_count(&server->registrar, net_now_ms()),
	};

	for (unsigned i = 0; i < server->place_count; i++) {
		const struct lab_port *port = server->places[i].port;

		if (port) {
			counters.connections += lab_port_connections(port);
			counters.pings += lab_port_pings(port);
		}
	}
	for (size_t i = 0; i < LAB_CALLS_MAX; i++)
		counters.calls += server->calls[i].state != LAB_CALL_FREE;
	return counters;
}
