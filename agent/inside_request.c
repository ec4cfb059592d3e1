/* inside_request.c - requests of endpoints: who asks, what is answered here, what goes on. */
#include <stdio.h>
#include <string.h>

#include "agent/inside_private.h"
#include "phone/request.h"

enum { HELD_S = AGENT_GUARD_WRONG_MS / 1000 };

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
	agent_inside_transmit(inside, back, answer->bytes);
	agent_inside_set_alarm(inside);
}

void agent_inside_reply(struct agent_inside *inside, const struct agent_incoming *incoming,
			unsigned status, const char *reason)
{
	struct sip_builder builder;

	begin(inside, incoming, status, reason, &builder);
	finish(inside, incoming, status, &builder);
}

void agent_inside_refuse(struct agent_inside *inside, const struct agent_incoming *incoming,
			 unsigned status, unsigned retry_after_s)
{
	struct sip_builder builder;

	begin(inside, incoming, status, NULL, &builder);
	if (status == 503)
		sip_builder_header(&builder, "Retry-After", "%u", retry_after_s);
	finish(inside, incoming, status, &builder);
}

/* ---- requests that we answer --------------------------------------------------------------- */

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
	struct agent_register order = agent_inside_register(inside);
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
	case AGENT_USED: /* RFC 7616 5.5: what is sent again over UDP is no replay */
		if (sip_transactions_holds(inside->servers, request))
			return true;
		challenge(inside, incoming, true);
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
		 agent_directory_config_line(inside->directory, incoming->line)->domain);
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

void agent_inside_take_request(struct agent_inside *inside, const struct sip_message *request,
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
	const struct sip_peer peer = agent_peer_of(&back);
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
			agent_inside_transmit(inside, &back, receipt.again);
		break;
	case SIP_RECEIPT_ACKED:
		break;
	case SIP_RECEIPT_FULL:
		inside->counters.overflow++;
		agent_inside_reply(inside, &incoming, 503, NULL);
		break;
	}
	agent_inside_set_alarm(inside);
}
