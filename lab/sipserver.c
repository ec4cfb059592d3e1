/* sipserver.c - a small SIP server: its port, and the requests outside of calls. */
#include "lab/sipserver_private.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

enum {
	TRANSACTIONS_DEFAULT = 256,
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
struct net_address lab_answer_destination(const struct sip_message *request,
					  const struct net_address *source)
{
	struct net_address to = *source;

	if (!request->via.wants_rport && request->via.transport == SIP_UDP)
		to.port = request->via.port ? request->via.port : SIP_PORT;
	return to;
}

void lab_send(struct lab_sipserver *server, const struct net_address *to, struct sip_span bytes)
{
	if (bytes.length && server->fault != LAB_SIP_SILENT)
		lab_port_send(server->port, to, bytes);
}

void lab_answer_begin(struct lab_sipserver *server, const struct lab_answering *a, unsigned status,
		      struct sip_builder *answer)
{
	char host[NET_ADDRESS_TEXT_MAX];
	const struct sip_reply reply = {
		.request = a->request,
		.status = status,
		.to_tag = a->tag,
		.source = net_address_format_host(&a->source, host),
		.source_port = a->source.port,
	};

	sip_builder_init(answer, server->answer, sizeof server->answer);
	sip_builder_reply(answer, &reply);
}

int lab_answer_send(struct lab_sipserver *server, const struct lab_answering *a, unsigned status,
		    int length)
{
	const struct net_address to = lab_answer_destination(a->request, &a->source);
	struct sip_answer answer = {.status = status};
	struct lab_sip_sight sight = {.at_ms = a->now, .request = a->request, .status = status};

	if (length < 0) {
		server->dropped++;
		return length;
	}
	answer.bytes = (struct sip_span){server->answer, (size_t)length};
	if (a->id)
		sip_transactions_respond(server->transactions, a->id, &answer, a->now);
	lab_send(server, &to, answer.bytes);
	sight.swallowed = server->fault == LAB_SIP_SILENT;
	show(server, &sight);
	return length;
}

void lab_answer_plainly(struct lab_sipserver *server, const struct lab_answering *a,
			unsigned status)
{
	struct sip_builder answer;

	lab_answer_begin(server, a, status, &answer);
	if (status == 405 || (status == 200 && a->request->method == SIP_OPTIONS))
		sip_builder_header(&answer, "Allow", "%s", allowed_methods);
	if (status == 503 && server->config.retry_after_s)
		sip_builder_header(&answer, "Retry-After", "%u",
				   (unsigned)server->config.retry_after_s);
	lab_answer_send(server, a, status, sip_builder_finish(&answer));
}

static void answer_register(struct lab_sipserver *server, const struct lab_answering *a)
{
	const struct lab_registration done =
		lab_registrar_take(&server->registrar, a->request, a->now);
	struct sip_builder answer;

	lab_answer_begin(server, a, done.status, &answer);
	lab_registrar_write(&server->registrar, &done, &answer, a->now);
	lab_answer_send(server, a, done.status, sip_builder_finish(&answer));
}

/* ---- what arrives, and what falls due ---- */

static void answer_request(struct lab_sipserver *server, const struct lab_answering *a)
{
	if (a->request->method != SIP_ACK && server->fault == LAB_SIP_503) {
		lab_answer_plainly(server, a, 503);
		return;
	}
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

/* When the next call or transaction wants attention. */
static void set_timer(struct lab_sipserver *server)
{
	uint64_t at = NET_NEVER, calls_at = lab_calls_deadline(server);

	if (server->transactions)
		at = sip_transactions_deadline(server->transactions);
	net_timer_set(server->timer, at < calls_at ? at : calls_at);
}

static void take_request(struct lab_sipserver *server, const struct sip_message *request,
			 const struct net_address *source, uint64_t now)
{
	const struct net_address to = lab_answer_destination(request, source);
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
		lab_send(server, &to, receipt.again);
		break;
	case SIP_RECEIPT_ACKED:
		break;
	case SIP_RECEIPT_FULL:
		server->dropped++;
		lab_answer_plainly(server, &a, 503);
		break;
	}
}

static void take_message(void *user, const struct net_address *source, struct sip_span bytes)
{
	struct lab_sipserver *server = user;
	uint64_t now = net_now_ms();
	struct sip_message message;

	if (sip_message_parse(&message, bytes.at, bytes.length)) {
		server->dropped++;
		return;
	}
	if (!message.is_request) {
		server->dropped++;
	} else if (server->fault == LAB_SIP_SILENT) {
		server->requests++;
		show(server,
		     &(struct lab_sip_sight){.at_ms = now, .request = &message, .swallowed = true});
	} else {
		server->requests++;
		take_request(server, &message, source, now);
		set_timer(server);
	}
	sip_message_clear(&message);
}

static void take_time(void *user)
{
	struct lab_sipserver *server = user;
	uint64_t now = net_now_ms();
	struct net_address to;
	struct sip_due due;

	while (sip_transactions_next(server->transactions, &due, now)) {
		memcpy(&to, due.peer.bytes, sizeof to);
		if (due.kind == SIP_DUE_SEND)
			lab_send(server, &to, due.bytes);
	}
	lab_calls_step(server, now);
	set_timer(server);
}

/* ---- opening and closing ---- */

static int open_port(struct lab_sipserver *server)
{
	const struct lab_port_config port = {
		.local = server->config.local,
		.transport = server->config.transport,
		.tls = server->config.tls,
		.size_max = LAB_REQUEST_MAX,
		.on_message = take_message,
		.user = server,
	};
	int error;

	server->transactions = sip_transactions_new(server->config.transactions_max
							    ? server->config.transactions_max
							    : TRANSACTIONS_DEFAULT);
	error = server->transactions ? lab_port_open(&server->port, server->loop, &port) : -ENOMEM;
	if (!error) {
		server->config.local = lab_port_local(server->port);
		return 0;
	}
	sip_transactions_free(server->transactions);
	server->transactions = NULL;
	return error;
}

/* As when the server's process dies: its calls and transactions are gone with it. */
static void close_port(struct lab_sipserver *server)
{
	lab_calls_end(server);
	sip_transactions_free(server->transactions);
	server->transactions = NULL;
	lab_port_close(server->port);
	server->port = NULL;
	set_timer(server);
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
	error = lab_registrar_init(&server->registrar, &config->registrar);
	if (!error)
		error = net_timer_create(&server->timer, loop,
					 (struct net_callback){take_time, server});
	if (!error)
		error = open_port(server);
	if (error) {
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
	if (server->port)
		close_port(server);
	net_timer_free(server->timer);
	free(server);
}

struct net_address lab_sipserver_local(const struct lab_sipserver *server)
{
	return server->config.local;
}

int lab_sipserver_set_fault(struct lab_sipserver *server, enum lab_sip_fault fault)
{
	int error = 0;

	if (fault == LAB_SIP_CLOSED && server->port)
		close_port(server);
	else if (fault != LAB_SIP_CLOSED && !server->port)
		error = open_port(server);
	if (!error)
		server->fault = fault;
	return error;
}

void lab_sipserver_forget(struct lab_sipserver *server)
{
	lab_registrar_forget(&server->registrar);
}

struct lab_sipserver_counters lab_sipserver_counters(const struct lab_sipserver *server)
{
	struct lab_sipserver_counters counters = {
		.requests = server->requests,
		.dropped = server->dropped,
		.bindings = lab_registrar_count(&server->registrar, net_now_ms()),
	};

	if (server->port) {
		counters.connections = lab_port_connections(server->port);
		counters.pings = lab_port_pings(server->port);
	}
	for (size_t i = 0; i < LAB_CALLS_MAX; i++)
		counters.calls += server->calls[i].state != LAB_CALL_FREE;
	return counters;
}
