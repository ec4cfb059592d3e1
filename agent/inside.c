/* inside.c - the side of the endpoints. */
#include "agent/inside.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "phone/log.h"
#include "phone/request.h"

enum { SECOND_MS = 1000, HELD_S = AGENT_GUARD_WRONG_MS / 1000 };

_Static_assert(sizeof(struct phone_hop) <= SIP_PEER_MAX, "a transaction keeps the way back");

struct agent_inside {
	struct agent_inside_config config;
	struct kl_policy policy; /* of its streams */
	struct phone_transport *transport;
	struct agent_directory *directory;
	struct agent_guard *guard;
	struct agent_prover prover;
	struct agent_registrar *registrar;
	struct sip_transactions *servers;
	struct sip_clients *clients;
	struct net_timer *alarm;  /* of the transactions */
	struct net_timer *second; /* of what runs out slowly */
	struct agent_inside_counters counters;
	char scratch[SIP_MESSAGE_MAX + 1]; /* an answer being written */
};

/* ---- sending ------------------------------------------------------------------------------- */

static struct sip_peer peer_of(const struct phone_hop *hop)
{
	struct sip_peer peer = {.length = sizeof(*hop)};

	memcpy(peer.bytes, hop, sizeof(*hop));
	return peer;
}

static struct phone_hop hop_of(const struct sip_peer *peer)
{
	struct phone_hop hop;

	memcpy(&hop, peer->bytes, sizeof(hop));
	return hop;
}

static int send_to(struct agent_inside *inside, const struct phone_hop *hop, struct sip_span bytes)
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
	send_to(inside, hop, bytes);
}

static void set_alarm(struct agent_inside *inside)
{
	uint64_t servers = sip_transactions_deadline(inside->servers);
	uint64_t clients = sip_clients_deadline(inside->clients);

	net_timer_set(inside->alarm, servers < clients ? servers : clients);
}

/* ---- answers ------------------------------------------------------------------------------- */

static void begin(struct agent_inside *inside, const struct agent_incoming *incoming,
		  unsigned status, const char *reason, struct sip_builder *builder)
{
	char host[NET_ADDRESS_TEXT_MAX];
	const struct sip_reply reply = {
		.request = incoming->packet.request,
		.status = status,
		.reason = reason,
		.to_tag = incoming->packet.tag,
		.source = phone_write_host(&incoming->packet.source, host),
		.source_port = incoming->packet.source.port,
	};

	sip_builder_init(builder, inside->scratch, sizeof(inside->scratch));
	sip_builder_reply(builder, &reply);
}

static void finish(struct agent_inside *inside, const struct agent_incoming *incoming,
		   unsigned status, struct sip_builder *builder)
{
	const struct phone_hop back = phone_reply_hop(&incoming->packet);
	int length = sip_builder_finish(builder);
	const struct sip_answer answer = {status, {inside->scratch, (size_t)length}};

	if (length > 0)
		agent_inside_respond(inside, incoming->packet.id, &back, &answer);
}

void agent_inside_respond(struct agent_inside *inside, sip_transaction_id id,
			  const struct phone_hop *back, const struct sip_answer *answer)
{
	if (id && sip_transactions_respond(inside->servers, id, answer, net_now_ms()))
		return; /* it has its answer */
	send_to(inside, back, answer->bytes);
	set_alarm(inside);
}

void agent_inside_reply(struct agent_inside *inside, const struct agent_incoming *incoming,
			unsigned status, const char *reason)
{
	struct sip_builder builder;

	begin(inside, incoming, status, reason, &builder);
	finish(inside, incoming, status, &builder);
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
	const struct phone_hop hop = hop_of(&due->peer);
	const struct agent_answer silence = {due->id, due->owner, SIP_CLIENT_REFUSED, NULL};

	if (due->kind == SIP_CLIENT_SEND && !send_to(inside, &hop, due->bytes))
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
		const struct phone_hop back = hop_of(&server.peer);

		if (server.kind == SIP_DUE_SEND)
			send_to(inside, &back, server.bytes);
	}
	set_alarm(inside);
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
		.peer = peer_of(&outgoing->hop),
		.owner = outgoing->owner,
	};
	int error = sip_clients_open(inside->clients, &start, client, net_now_ms());

	if (error)
		inside->counters.overflow++;
	set_alarm(inside);
	return error;
}

void agent_inside_cancel(struct agent_inside *inside, sip_client_id client)
{
	if (sip_clients_cancel(inside->clients, client, net_now_ms()))
		inside->counters.overflow++;
	set_alarm(inside);
}

/* ---- requests that we answer --------------------------------------------------------------- */

static struct agent_register register_of(const struct agent_inside *inside)
{
	return (struct agent_register){.on_change = inside->config.hooks.on_binding,
				       .user = inside->config.hooks.user};
}

/* Where an endpoint is reached: over UDP where it sends from, which leads back through a NAT; on
 * its stream, and where that is gone, where it says that it listens. */
static struct phone_hop reach_of(const struct agent_incoming *incoming)
{
	struct phone_hop hop = phone_reply_hop(&incoming->packet);
	struct sip_address contact;
	struct kl_route said;

	if (incoming->packet.transport != KL_UDP &&
	    !sip_message_address(incoming->packet.request, SIP_CONTACT, 0, &contact) &&
	    !phone_route_of_uri(contact.uri, &said) && said.transport == hop.route.transport)
		hop.route = said;
	return hop;
}

static void take_register(struct agent_inside *inside, const struct agent_incoming *incoming)
{
	const struct agent_inside_hooks *hooks = &inside->config.hooks;
	struct agent_register order = register_of(inside);
	struct sip_builder builder;
	unsigned status = 503;

	order.request = incoming->packet.request;
	order.line = incoming->line;
	order.endpoint = incoming->endpoint;
	order.hop = reach_of(incoming);
	if (hooks->may_register(hooks->user, incoming->line))
		status = agent_registrar_take(inside->registrar, &order, net_now_ms());
	begin(inside, incoming, status, NULL, &builder);
	if (status == 200)
		agent_registrar_write(inside->registrar, incoming->line, incoming->endpoint,
				      &builder, net_now_ms());
	if (status == 423)
		sip_builder_header(&builder, "Min-Expires", "%d", AGENT_EXPIRES_MIN_S);
	if (status == 200)
		sip_builder_copy(&builder, incoming->packet.request, SIP_PATH);
	finish(inside, incoming, status, &builder);
}

/* RFC 3261 9.2, 16.10: a CANCEL is answered here, and taken on. */
static void take_cancel(struct agent_inside *inside, const struct agent_incoming *incoming)
{
	const struct agent_inside_hooks *hooks = &inside->config.hooks;
	sip_transaction_id invite =
		sip_transactions_cancelled(inside->servers, incoming->packet.request);

	agent_inside_reply(inside, incoming, invite ? 200 : 481, NULL);
	if (invite)
		hooks->on_cancel(hooks->user, invite);
}

static bool is_for_us(const struct agent_inside *inside, const struct agent_incoming *incoming)
{
	const struct sip_message *request = incoming->packet.request;
	const struct net_address local = agent_inside_local(inside);
	struct sip_uri uri;
	struct net_address host;

	if (sip_uri_parse(&uri, request->request_uri) || !uri.is_sip || uri.user.at)
		return false;
	return !net_address_parse(&host, uri.host, 0) &&
	       (net_address_is_wildcard(&local) || !memcmp(host.ip, local.ip, sizeof(host.ip)));
}

/* ---- who asks ------------------------------------------------------------------------------- */

static void challenge(struct agent_inside *inside, const struct agent_incoming *incoming,
		      bool stale)
{
	const struct sip_message *request = incoming->packet.request;
	unsigned status = agent_prover_status(request);
	struct sip_builder builder;

	inside->counters.refused++;
	begin(inside, incoming, status, NULL, &builder);
	agent_prover_challenge(&inside->prover, request, stale, &builder, net_now_ms());
	finish(inside, incoming, status, &builder);
}

static void hold(struct agent_inside *inside, const struct agent_incoming *incoming)
{
	struct sip_builder builder;

	inside->counters.refused++;
	begin(inside, incoming, 403, "Too many wrong passwords: wait", &builder);
	sip_builder_header(&builder, "Retry-After", "%d", HELD_S);
	finish(inside, incoming, 403, &builder);
}

/* Is it from an endpoint?  If not it is answered, without a transaction: nobody unknown takes room
 * (RFC 3261 26.3.2.4). */
static bool is_known(struct agent_inside *inside, struct agent_incoming *incoming)
{
	const struct agent_inside_hooks *hooks = &inside->config.hooks;
	const struct sip_message *request = incoming->packet.request;

	if (request->to.tag.at) {
		incoming->endpoint =
			hooks->whose_dialog(hooks->user, request, &incoming->packet.source);
		if (incoming->endpoint != AGENT_NONE)
			return true;
	}
	if (request->method == SIP_CANCEL)
		return true; /* it has the branch of its INVITE, or is answered 481 */
	if (request->method == SIP_ACK)
		return false;
	switch (agent_prove(&inside->prover, request, &incoming->packet.source, &incoming->endpoint,
			    net_now_ms())) {
	case AGENT_PROVEN:
		return true;
	case AGENT_UNPROVEN:
		challenge(inside, incoming, false);
		break;
	case AGENT_STALE:
		challenge(inside, incoming, true);
		break;
	case AGENT_HELD:
		hold(inside, incoming);
		break;
	}
	return false;
}

/* AGENT-9: which line it is for.  A REGISTER names it in To, other requests in From. */
static bool find_line(struct agent_inside *inside, struct agent_incoming *incoming)
{
	const struct sip_message *request = incoming->packet.request;
	const struct sip_address *names =
		request->method == SIP_REGISTER ? &request->to : &request->from;
	char reason[2 * CONFIG_TEXT_MAX];

	incoming->line = agent_directory_line(inside->directory, incoming->endpoint, names->uri);
	if (incoming->line == AGENT_NONE) {
		agent_inside_reply(inside, incoming, 403,
				   request->method == SIP_REGISTER
					   ? "To names none of this endpoint's lines"
					   : "From names none of this endpoint's lines");
		return false;
	}
	if (request->method == SIP_REGISTER ||
	    agent_directory_is_ours(inside->directory, incoming->line, request->request_uri))
		return true;
	snprintf(reason, sizeof(reason),
		 "Use the line's domain %s, with Keepline as outbound proxy",
		 inside->config.config->lines[incoming->line].domain);
	agent_inside_reply(inside, incoming, 403, reason);
	return false;
}

/* ---- what comes ---------------------------------------------------------------------------- */

/* A request that is new, of an endpoint. */
static void take_new(struct agent_inside *inside, struct agent_incoming *incoming)
{
	const struct agent_inside_hooks *hooks = &inside->config.hooks;
	const struct sip_message *request = incoming->packet.request;

	if (request->method == SIP_CANCEL)
		take_cancel(inside, incoming);
	else if (request->method == SIP_OPTIONS && is_for_us(inside, incoming))
		agent_inside_reply(inside, incoming, 200, NULL);
	else if (!request->max_forwards && request->method != SIP_ACK) /* AGENT-10 */
		agent_inside_reply(inside, incoming, 483, NULL);
	else if (!request->to.tag.at && !find_line(inside, incoming))
		return;
	else if (request->method == SIP_REGISTER)
		take_register(inside, incoming);
	else
		hooks->on_request(hooks->user, incoming);
}

static void take_request(struct agent_inside *inside, const struct sip_message *request,
			 const struct phone_packet *packet)
{
	struct agent_incoming incoming = {
		.packet = {.request = request,
			   .source = phone_route_address(&packet->source),
			   .local = packet->local,
			   .transport = (enum kl_transport)packet->source.transport,
			   .stream = packet->stream},
		.endpoint = AGENT_NONE,
		.line = AGENT_NONE,
	};
	const struct phone_hop back = phone_reply_hop(&incoming.packet);
	const struct sip_peer peer = peer_of(&back);
	struct sip_receipt receipt;

	phone_draw_id(incoming.packet.tag);
	if (!is_known(inside, &incoming) && request->method != SIP_ACK)
		return;
	if (sip_transactions_receive(inside->servers, request, &peer, &receipt, net_now_ms()))
		return;
	switch (receipt.kind) {
	case SIP_RECEIPT_NEW:
		incoming.packet.id = receipt.id;
		if (request->method != SIP_ACK || incoming.endpoint != AGENT_NONE)
			take_new(inside, &incoming);
		break;
	case SIP_RECEIPT_REPEAT:
		if (receipt.again.length)
			send_to(inside, &back, receipt.again);
		break;
	case SIP_RECEIPT_ACKED:
		break;
	case SIP_RECEIPT_FULL:
		inside->counters.overflow++;
		agent_inside_reply(inside, &incoming, 503, NULL);
		break;
	}
	set_alarm(inside);
}

static void take_response(struct agent_inside *inside, const struct sip_message *response)
{
	struct sip_client_receipt receipt;
	struct agent_answer answer = {.response = response};
	struct phone_hop hop;

	sip_clients_receive(inside->clients, response, &receipt, net_now_ms());
	hop = hop_of(&receipt.peer);
	if (receipt.ack.length)
		send_to(inside, &hop, receipt.ack);
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
	set_alarm(inside);
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
		take_request(inside, &message, packet);
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

static void take_stream_end(void *user, const struct phone_stream_end *end)
{
	(void)user;
	(void)end; /* who waits for it is told at the next send, or by the clock */
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

/* ---- life ----------------------------------------------------------------------------------- */

static void take_second(void *user)
{
	struct agent_inside *inside = user;
	const struct agent_register order = register_of(inside);

	agent_registrar_sweep(inside->registrar, &order, net_now_ms());
	inside->config.hooks.on_second(inside->config.hooks.user);
	net_timer_set(inside->second, net_now_ms() + SECOND_MS);
}

/* Endpoints keep their streams for as long as they like; ours toward them stay, too. */
static int open_transport(struct agent_inside *inside, char why[PHONE_WHY_MAX])
{
	struct phone_transport_config transport = {
		.loop = inside->config.loop,
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

	kl_policy_profile(&inside->policy, KL_PROFILE_KEEPLINE);
	inside->policy.persistent_connection = true;
	if (net_address_parse(&transport.bind, inside->config.config->inside.listen,
			      CONFIG_INSIDE_PORT)) {
		snprintf(why, PHONE_WHY_MAX, "%s is no address to listen at",
			 inside->config.config->inside.listen);
		return -EINVAL;
	}
	return phone_transport_open(&inside->transport, &transport, why);
}

static int open_tables(struct agent_inside *inside)
{
	const struct config *config = inside->config.config;
	struct net_loop *loop = inside->config.loop;
	int error;

	inside->directory = agent_directory_new(config);
	inside->guard = agent_guard_new(AGENT_SOURCES_MAX);
	inside->registrar = agent_registrar_new(config->engine.line_count);
	inside->servers = sip_transactions_new(AGENT_TRANSACTIONS_MAX);
	inside->clients = sip_clients_new(AGENT_TRANSACTIONS_MAX);
	if (!inside->directory || !inside->guard || !inside->registrar || !inside->servers ||
	    !inside->clients)
		return -ENOMEM;
	agent_prover_init(&inside->prover, &config->inside, inside->directory, inside->guard);
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
	struct net_address local = {.port = 0}, listen;

	net_address_parse(&listen, inside->config.config->inside.listen, CONFIG_INSIDE_PORT);
	memcpy(anyone.ip, listen.ip, sizeof(anyone.ip));
	phone_transport_local(inside->transport, &anyone, &local);
	return local;
}
