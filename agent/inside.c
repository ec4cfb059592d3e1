/* inside.c - the side of the endpoints. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/inside_private.h"
#include "phone/log.h"
#include "phone/request.h"

enum { SECOND_MS = 1000 };

_Static_assert(sizeof(struct phone_hop) <= SIP_PEER_MAX, "a transaction keeps the way back");

/* ---- sending ------------------------------------------------------------------------------- */

struct sip_peer agent_peer_of(const struct phone_hop *hop)
{
	struct sip_peer peer = {.length = sizeof(*hop)};

	memcpy(peer.bytes, hop, sizeof(*hop));
	return peer;
}

struct phone_hop agent_hop_of(const struct sip_peer *peer)
{
	struct phone_hop hop;

	memcpy(&hop, peer->bytes, sizeof(hop));
	return hop;
}

int agent_inside_transmit(struct agent_inside *inside, const struct phone_hop *hop,
			  struct sip_span bytes)
{
	int error = phone_transport_send(inside->transport, hop, bytes.at, bytes.length);
	char text[KL_TEXT_MAX];

	if (error)
		phone_log(PHONE_LOG_INFO, "inside: cannot send to %s: %s",
			  kl_format_route(text, sizeof(text), &hop->route), strerror(-error));
	return error;
}

void agent_inside_pass(struct agent_inside *inside, const struct phone_hop *hop,
		       struct sip_span bytes)
{
	agent_inside_transmit(inside, hop, bytes);
}

void agent_inside_set_alarm(struct agent_inside *inside)
{
	uint64_t servers = sip_transactions_deadline(inside->servers);
	uint64_t clients = sip_clients_deadline(inside->clients);

	net_timer_set(inside->alarm, servers < clients ? servers : clients);
}

/* ---- requests of ours ---------------------------------------------------------------------- */

void agent_inside_draw_branch(char branch[PHONE_ID_MAX])
{
	char id[PHONE_ID_MAX];

	phone_draw_id(id);
	snprintf(branch, PHONE_ID_MAX, SIP_BRANCH_COOKIE "%.32s", id);
}

static int self_toward(const struct agent_inside *inside, const struct phone_hop *hop,
		       struct phone_self *self)
{
	self->transport = (enum kl_transport)hop->route.transport;
	return phone_transport_local(inside->transport, &hop->route, &self->address);
}

int agent_inside_write_via(const struct agent_inside *inside, const struct phone_hop *hop,
			   const char *branch, char to[PHONE_URI_MAX])
{
	struct phone_self self;
	int error = self_toward(inside, hop, &self);

	if (!error)
		phone_write_via(to, &self, branch);
	return error;
}

int agent_inside_write_route(const struct agent_inside *inside, const struct phone_hop *hop,
			     char to[PHONE_URI_MAX])
{
	static const char *const params[] = {
		[KL_UDP] = "", [KL_TCP] = ";transport=tcp", [KL_TLS] = ";transport=tls"};
	char host[NET_ADDRESS_TEXT_MAX];
	struct phone_self self;
	int error = self_toward(inside, hop, &self);

	if (!error)
		snprintf(to, PHONE_URI_MAX, "<sip:%s%s;lr>",
			 net_address_format(&self.address, host), params[self.transport]);
	return error;
}

static void tell(struct agent_inside *inside, const struct agent_answer *answer)
{
	inside->config.hooks.on_answer(inside->config.hooks.user, answer);
}

/* A way that breaks ends the request as silence does (RFC 3261 16.9). */
static void send_due(struct agent_inside *inside, const struct sip_client_due *due)
{
	const struct phone_hop hop = agent_hop_of(&due->peer);
	const struct agent_answer silence = {due->id, due->owner, SIP_CLIENT_REFUSED, NULL};

	if (due->kind == SIP_CLIENT_SEND && !agent_inside_transmit(inside, &hop, due->bytes))
		return;
	if (due->kind == SIP_CLIENT_SILENT || sip_clients_drop(inside->clients, due->id))
		tell(inside, &silence);
}

static void take_time(void *user)
{
	struct agent_inside *inside = user;
	struct sip_client_due client;
	struct sip_due server;

	while (sip_clients_next(inside->clients, &client, net_now_ms()))
		send_due(inside, &client);
	while (sip_transactions_next(inside->servers, &server, net_now_ms())) {
		const struct phone_hop back = agent_hop_of(&server.peer);

		if (server.kind == SIP_DUE_SEND)
			agent_inside_transmit(inside, &back, server.bytes);
	}
	agent_inside_set_alarm(inside);
}

/* Its first send comes from the loop, so that no answer comes before this returns. */
int agent_inside_send(struct agent_inside *inside, const struct agent_outgoing *outgoing,
		      sip_client_id *client)
{
	const struct sip_client_start start = {
		.method = outgoing->method,
		.branch = sip_span_of(outgoing->branch),
		.bytes = outgoing->bytes,
		.is_reliable = outgoing->hop.route.transport != KL_UDP,
		.peer = agent_peer_of(&outgoing->hop),
		.owner = outgoing->owner,
	};
	int error = sip_clients_open(inside->clients, &start, client, net_now_ms());

	if (error)
		inside->counters.overflow++;
	agent_inside_set_alarm(inside);
	return error;
}

void agent_inside_cancel(struct agent_inside *inside, sip_client_id client)
{
	if (sip_clients_cancel(inside->clients, client, net_now_ms()))
		inside->counters.overflow++;
	agent_inside_set_alarm(inside);
}

/* ---- what comes ---------------------------------------------------------------------------- */

static void take_response(struct agent_inside *inside, const struct sip_message *response)
{
	struct sip_client_receipt receipt;
	struct agent_answer answer = {.response = response};
	struct phone_hop hop;

	sip_clients_receive(inside->clients, response, &receipt, net_now_ms());
	hop = agent_hop_of(&receipt.peer);
	if (receipt.ack.length)
		agent_inside_transmit(inside, &hop, receipt.ack);
	answer.client = receipt.id;
	answer.owner = receipt.owner;
	answer.news = receipt.news;
	switch (receipt.news) {
	case SIP_CLIENT_PROVISIONAL:
	case SIP_CLIENT_ACCEPTED:
	case SIP_CLIENT_REFUSED:
		tell(inside, &answer);
		break;
	case SIP_CLIENT_STRAY:
		inside->counters.stray++;
		break;
	case SIP_CLIENT_ABSORBED:
		break;
	}
	agent_inside_set_alarm(inside);
}

static void take_packet(void *user, const struct phone_packet *packet)
{
	struct agent_inside *inside = user;
	const struct net_address source = phone_route_address(&packet->source);
	struct sip_message message;
	int error;

	if (!agent_guard_admit(inside->guard, &source, net_now_ms())) {
		inside->counters.flooded++;
		return;
	}
	error = sip_message_parse(&message, packet->bytes, packet->length);
	if (error) {
		inside->counters.dropped += error != SIP_EEMPTY;
		return;
	}
	if (message.is_request)
		agent_inside_take_request(inside, &message, packet);
	else
		take_response(inside, &message);
	sip_message_clear(&message);
}

/* ---- the transport's questions -------------------------------------------------------------- */

static void take_error(void *user, const struct net_udp_error *error)
{
	(void)user;
	(void)error; /* the request is sent again, and then given up: RFC 3261 18.4 leaves it open
		      */
}

static bool is_toward(const void *route, const struct sip_peer *peer)
{
	const struct phone_hop hop = agent_hop_of(peer);

	return phone_route_equal(&hop.route, route);
}

/* An endpoint that can't be connected to won't answer (RFC 3261 16.9). */
static void take_stream_end(void *user, const struct phone_stream_end *end)
{
	struct agent_inside *inside = user;

	sip_clients_lose(inside->clients, is_toward, &end->route, net_now_ms());
	agent_inside_set_alarm(inside);
}

static bool waits(void *user, const struct kl_route *route)
{
	(void)user;
	(void)route;
	return true;
}

static bool admits(void *user, const struct kl_route *source)
{
	struct agent_inside *inside = user;
	const struct net_address address = phone_route_address(source);

	return agent_guard_admit(inside->guard, &address, net_now_ms());
}

struct agent_register agent_inside_register(const struct agent_inside *inside)
{
	return (struct agent_register){.on_change = inside->config.hooks.on_binding,
				       .user = inside->config.hooks.user};
}

/* ---- life ----------------------------------------------------------------------------------- */

static void take_second(void *user)
{
	struct agent_inside *inside = user;
	const struct agent_register order = agent_inside_register(inside);

	agent_registrar_sweep(inside->registrar, &order, net_now_ms());
	inside->config.hooks.on_second(inside->config.hooks.user);
	net_timer_set(inside->second, net_now_ms() + SECOND_MS);
}

/* Endpoints keep their streams for as long as they like; ours toward them stay, too. */
int agent_inside_listen(struct agent_inside *inside, struct phone_transport **transport,
			char why[PHONE_WHY_MAX])
{
	const struct phone_transport_config config = {
		.loop = inside->config.loop,
		.bind = inside->listen,
		.dscp = inside->config.dscp,
		.tls = inside->config.tls,
		.policy = &inside->policy,
		.on_packet = take_packet,
		.on_error = take_error,
		.on_stream_end = take_stream_end,
		.waits = waits,
		.admits = admits,
		.user = inside,
	};

	return phone_transport_open(transport, &config, why);
}

static int open_transport(struct agent_inside *inside, char why[PHONE_WHY_MAX])
{
	const char *listen = inside->config.config->inside.listen;

	kl_policy_profile(&inside->policy, KL_PROFILE_KEEPLINE);
	inside->policy.persistent_connection = true;
	if (net_address_parse(&inside->listen, listen, CONFIG_INSIDE_PORT)) {
		snprintf(why, PHONE_WHY_MAX, "%s is no address to listen at", listen);
		return -EINVAL;
	}
	return agent_inside_listen(inside, &inside->transport, why);
}

static int open_tables(struct agent_inside *inside)
{
	const struct config *config = inside->config.config;
	struct net_loop *loop = inside->config.loop;
	int error;

	inside->directory = agent_directory_new(&(struct agent_directory_order){.config = config});
	inside->guard = agent_guard_new(AGENT_SOURCES_MAX);
	inside->nonces = agent_nonces_new(AGENT_NONCES_MAX);
	inside->registrar = agent_registrar_new(config->engine.line_count);
	inside->servers = sip_transactions_new(AGENT_TRANSACTIONS_MAX);
	inside->clients = sip_clients_new(AGENT_TRANSACTIONS_MAX);
	if (!inside->directory || !inside->guard || !inside->nonces || !inside->registrar ||
	    !inside->servers || !inside->clients)
		return -ENOMEM;
	agent_prover_init(&inside->prover, inside->guard, inside->nonces);
	agent_prover_set(&inside->prover, &config->inside, inside->directory);
	error = net_timer_create(&inside->alarm, loop, (struct net_callback){take_time, inside});
	if (!error)
		error = net_timer_create(&inside->second, loop,
					 (struct net_callback){take_second, inside});
	return error;
}

int agent_inside_open(struct agent_inside **out, const struct agent_inside_config *config,
		      char why[PHONE_WHY_MAX])
{
	struct agent_inside *inside = calloc(1, sizeof(*inside));
	int error = -ENOMEM;

	if (inside) {
		inside->config = *config;
		error = open_tables(inside);
	}
	if (error) {
		snprintf(why, PHONE_WHY_MAX, "%s", strerror(-error));
		agent_inside_close(inside);
		return error;
	}
	error = open_transport(inside, why);
	if (error) {
		agent_inside_close(inside);
		return error;
	}
	net_timer_set(inside->second, net_now_ms() + SECOND_MS);
	*out = inside;
	return 0;
}

void agent_inside_close(struct agent_inside *inside)
{
	if (!inside)
		return;
	phone_transport_close(inside->transport);
	net_timer_free(inside->alarm);
	net_timer_free(inside->second);
	sip_clients_free(inside->clients);
	sip_transactions_free(inside->servers);
	agent_registrar_free(inside->registrar);
	agent_nonces_free(inside->nonces);
	agent_guard_free(inside->guard);
	agent_directory_free(inside->directory);
	free(inside);
}

/* ---- looking -------------------------------------------------------------------------------- */

const struct agent_directory *agent_inside_directory(const struct agent_inside *inside)
{
	return inside->directory;
}

struct agent_registrar *agent_inside_registrar(struct agent_inside *inside)
{
	return inside->registrar;
}

struct agent_inside_counters agent_inside_counters(const struct agent_inside *inside)
{
	return inside->counters;
}

struct net_address agent_inside_local(const struct agent_inside *inside)
{
	struct kl_route anyone = {.transport = KL_UDP};
	struct net_address local = {.port = 0};

	memcpy(anyone.ip, inside->listen.ip, sizeof(anyone.ip));
	phone_transport_local(inside->transport, &anyone, &local);
	return local;
}
