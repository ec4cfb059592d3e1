/* server.c - requests that others send to the phone. */
#include "phone/server.h"

#include <errno.h>
#include <string.h>

#include "phone/log.h"
#include "phone/private.h"
#include "phone/request.h"

_Static_assert(sizeof(struct phone_hop) <= SIP_PEER_MAX, "a transaction keeps the way back");

/* ---- answers --------------------------------------------------------------------------------- */

struct phone_hop phone_reply_hop(const struct phone_incoming *incoming)
{
	const struct sip_via *via = &incoming->request->via;
	struct phone_hop hop = {
		.route = phone_route_of(&incoming->source, incoming->transport),
		.stream = incoming->stream,
		.local = incoming->local,
	};

	if (!via->wants_rport || incoming->transport != KL_UDP)
		hop.route.port = via->port ? via->port : phone_default_port(incoming->transport);
	return hop;
}

/* On a stream that we opened the local port is none that anybody listens on. */
struct phone_self phone_incoming_self(const struct phone *phone,
				      const struct phone_incoming *incoming)
{
	const struct kl_route source = phone_route_of(&incoming->source, incoming->transport);
	struct phone_self self = {incoming->local, incoming->transport};
	struct net_address listening;

	if (incoming->stream && !phone_transport_local(phone->transport, &source, &listening))
		self.address.port = listening.port;
	return self;
}

void phone_reply_begin(struct phone *phone, const struct phone_incoming *incoming, unsigned status,
		       struct sip_builder *builder)
{
	char host[NET_ADDRESS_TEXT_MAX];
	const struct sip_reply reply = {
		.request = incoming->request,
		.status = status,
		.to_tag = incoming->tag,
		.source = phone_write_host(&incoming->source, host),
		.source_port = incoming->source.port,
	};

	sip_builder_init(builder, phone->scratch, sizeof phone->scratch);
	sip_builder_reply(builder, &reply);
}

void phone_reply_note(struct phone *phone, const struct phone_incoming *incoming, unsigned status,
		      int length)
{
	const struct sip_answer answer = {.status = status,
					  .bytes = {phone->scratch, (size_t)length}};

	if (length > 0 && incoming->id)
		sip_transactions_respond(phone->server.transactions, incoming->id, &answer,
					 net_now_ms());
}

/* TRIG-7: an answer that can't be delivered moves nothing. */
void phone_reply_send(struct phone *phone, const struct phone_incoming *incoming, unsigned status,
		      int length)
{
	const struct phone_hop hop = phone_reply_hop(incoming);

	phone_reply_note(phone, incoming, status, length);
	if (length > 0)
		phone_send(phone, &hop, (struct sip_span){phone->scratch, (size_t)length});
}

void phone_reply(struct phone *phone, const struct phone_incoming *incoming, unsigned status)
{
	struct sip_builder builder;
	struct sip_cursor cursor = {0};
	struct sip_span element;

	phone_reply_begin(phone, incoming, status, &builder);
	if (status == 405 || status == 200)
		sip_builder_header(&builder, "Allow", "%s", PHONE_ALLOW);
	while (status == 420 && sip_message_next(incoming->request, SIP_REQUIRE, &cursor, &element))
		sip_builder_header(&builder, "Unsupported", "%.*s", SIP_SPAN(element));
	sip_builder_header(&builder, "User-Agent", "%s", PHONE_USER_AGENT);
	phone_reply_send(phone, incoming, status, sip_builder_finish(&builder));
}

/* ---- who may ask -------------------------------------------------------------------------------
 */

/* CALL-2, FAIL-5: a request outside dialogs comes from a route of the line that it is for, and from
 * one that has the registration where nothing is accepted from others.  Gives the status that it is
 * refused with, 0 if with none. */
static unsigned judge_stranger(const struct phone *phone, const struct phone_incoming *incoming,
			       enum kl_acceptance *best)
{
	const struct kl_route source = phone_route_of(&incoming->source, incoming->transport);
	struct sip_uri uri;
	bool found = false;

	*best = KL_REFUSE;
	if (sip_uri_parse(&uri, incoming->request->request_uri) || !uri.is_sip)
		return 416;
	for (uint32_t i = 0; i < phone->engine_config->line_count && *best != KL_ACCEPT; i++) {
		const char *user = phone->config->lines[i].user;
		enum kl_acceptance acceptance;

		if (uri.user.at && !sip_span_equal(uri.user, sip_span_of(user)))
			continue;
		found = true;
		acceptance = kl_may_accept(phone->engine, i, &source, NULL);
		if (acceptance != KL_REFUSE)
			*best = acceptance;
	}
	if (!found)
		return 404;
	return *best == KL_REFUSE ? 403 : 0;
}

/* ---- requests -------------------------------------------------------------------------------- */

/* A request outside dialogs, from a server of its line. */
static void take_new(struct phone *phone, const struct phone_incoming *incoming)
{
	switch (incoming->request->method) {
	case SIP_INVITE:
		phone_reply(phone, incoming, 480);
		break;
	case SIP_OPTIONS:
		phone_reply(phone, incoming, 200);
		break;
	case SIP_BYE:
	case SIP_UPDATE:
	case SIP_INFO:
	case SIP_PRACK:
		phone_reply(phone, incoming, 481);
		break;
	case SIP_NOTIFY: /* nobody asked for it */
		phone_reply(phone, incoming, phone_notify_refusal(incoming->request));
		break;
	case SIP_CANCEL: /* every INVITE is answered at once, so it comes too late (9.2) */
		phone_reply(phone, incoming, 200);
		break;
	case SIP_ACK:
		break;
	case SIP_REGISTER:
	case SIP_SUBSCRIBE:
	case SIP_REFER:
	case SIP_MESSAGE:
	case SIP_PUBLISH:
	case SIP_METHOD_OTHER:
	case SIP_METHODS_MAX:
		phone_reply(phone, incoming, 405);
		break;
	}
}

static bool wants_extension(const struct sip_message *request)
{
	return request->method != SIP_ACK && request->method != SIP_CANCEL &&
	       sip_message_header(request, SIP_REQUIRE, 0);
}

/* Where a request belongs: to one of the two, or to none of them. */
struct home {
	struct phone_dialog *dialog;             /* of a call */
	struct phone_subscription *subscription; /* for a NOTIFY */
};

static struct home find_home(const struct phone *phone, const struct sip_message *request)
{
	struct home home = {NULL, NULL};

	if (!request->to.tag.at)
		return home;
	if (request->method == SIP_NOTIFY)
		home.subscription = phone_subscription_of(phone, request);
	if (!home.subscription)
		home.dialog = phone_dialog_find(phone, request);
	return home;
}

/* STATUS: what to refuse it with; 0: nothing. */
static void answer(struct phone *phone, const struct phone_incoming *incoming,
		   const struct home *home, unsigned status)
{
	struct phone_dialog *dialog = home->dialog;
	bool is_ack = incoming->request->method == SIP_ACK;

	if (dialog && is_ack)
		phone_dialog_take_request(dialog, incoming);
	else if (is_ack)
		return;
	else if (!incoming->id)
		phone_reply(phone, incoming, 503);
	else if (wants_extension(incoming->request))
		phone_reply(phone, incoming, 420);
	else if (dialog)
		phone_dialog_take_request(dialog, incoming);
	else if (status)
		phone_reply(phone, incoming, status);
	else if (home->subscription)
		phone_notify_take(home->subscription, incoming);
	else if (incoming->request->to.tag.at)
		phone_reply(phone, incoming, 481);
	else
		take_new(phone, incoming);
}

static void set_timer(struct phone *phone)
{
	net_timer_set(phone->server.timer, sip_transactions_deadline(phone->server.transactions));
}

/* May it be answered at all?  Else it is counted and forgotten (FAIL-5).  STATUS: what to refuse it
 * with. */
static bool admit(struct phone *phone, const struct phone_incoming *incoming,
		  const struct home *home, unsigned *status)
{
	const struct kl_route source = phone_route_of(&incoming->source, incoming->transport);
	const struct phone_dialog *dialog = home->dialog;
	enum kl_acceptance acceptance = KL_ACCEPT;

	*status = 0;
	if (home->subscription) {
		acceptance = kl_may_accept(phone->engine, home->subscription->line, &source, NULL);
		*status = acceptance == KL_REFUSE ? 403 : 0;
		if (acceptance == KL_ACCEPT && !phone_notify_has_room(home->subscription))
			return false;
	} else if (dialog && dialog->state == PHONE_DIALOG_UP)
		acceptance = kl_may_signal(phone->engine, &dialog->binding) ? KL_ACCEPT : KL_DROP;
	else if (!dialog && !incoming->request->to.tag.at)
		*status = judge_stranger(phone, incoming, &acceptance);
	if (acceptance != KL_ACCEPT)
		phone->counters.refused++;
	return acceptance != KL_DROP;
}

void phone_server_receive(struct phone *phone, const struct sip_message *request,
			  const struct phone_packet *packet)
{
	struct phone_incoming incoming = {
		.request = request,
		.source = phone_route_address(&packet->source),
		.local = packet->local,
		.transport = (enum kl_transport)packet->source.transport,
		.stream = packet->stream,
	};
	const struct home home = find_home(phone, request);
	const struct phone_hop back = phone_reply_hop(&incoming);
	struct sip_peer peer = {.length = sizeof back};
	_Static_assert(sizeof back <= sizeof peer.bytes, "a hop is a peer");
	struct sip_receipt receipt;
	unsigned status;

	if (!admit(phone, &incoming, &home, &status))
		return;
	memcpy(peer.bytes, &back, sizeof back);
	if (sip_transactions_receive(phone->server.transactions, request, &peer, &receipt,
				     net_now_ms()))
		return;
	phone_draw_id(incoming.tag);
	switch (receipt.kind) {
	case SIP_RECEIPT_NEW:
		incoming.id = receipt.id;
		answer(phone, &incoming, &home, status);
		break;
	case SIP_RECEIPT_REPEAT:
		if (receipt.again.length)
			phone_send(phone, &back, receipt.again);
		break;
	case SIP_RECEIPT_ACKED:
		break;
	case SIP_RECEIPT_FULL:
		phone->counters.overflow++;
		answer(phone, &incoming, &(struct home){NULL, NULL}, 503);
		break;
	}
	set_timer(phone);
}

static void take_time(void *user)
{
	struct phone *phone = user;
	struct sip_due due;
	struct phone_hop back;

	while (sip_transactions_next(phone->server.transactions, &due, net_now_ms())) {
		memcpy(&back, due.peer.bytes, sizeof back);
		if (due.kind == SIP_DUE_SEND)
			phone_send(phone, &back, due.bytes);
	}
	set_timer(phone);
}

int phone_server_init(struct phone *phone)
{
	phone->server.transactions = sip_transactions_new(PHONE_SERVER_TRANSACTIONS_MAX);
	if (!phone->server.transactions)
		return -ENOMEM;
	return net_timer_create(&phone->server.timer, phone->loop,
				(struct net_callback){take_time, phone});
}

void phone_server_clear(struct phone *phone)
{
	net_timer_free(phone->server.timer);
	sip_transactions_free(phone->server.transactions);
}
