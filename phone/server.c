/* server.c - requests that others send to the phone. */
#include "phone/server.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "phone/log.h"
#include "phone/private.h"
#include "phone/relay_private.h"
#include "phone/request.h"
#include "sip/refusal.h"

enum { GLARE_MAX_S = 10 };

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
	struct phone_self self = {incoming->local, incoming->transport, source};
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

/* Extensions that a request may require (RFC 3261 8.2.2.3). */
static bool is_supported(struct sip_span option)
{
	return sip_span_is(option, "100rel") || sip_span_is(option, "timer");
}

static void write_unsupported(struct sip_builder *builder, const struct sip_message *request)
{
	struct sip_cursor cursor = {0};
	struct sip_span element;

	while (sip_message_next(request, SIP_REQUIRE, &cursor, &element))
		if (!is_supported(element))
			sip_builder_header(builder, "Unsupported", "%.*s", SIP_SPAN(element));
}

/* What a status says nothing without (RFC 3261 20, 21; RFC 4028 6): a 500 that comes of bad timing
 * names a time of up to 10 s (14.2). */
static void write_demanded(struct sip_builder *builder, const struct sip_message *request,
			   unsigned status)
{
	if (status == 405 || status == 501 || status == 200)
		sip_builder_header(builder, "Allow", "%s", PHONE_ALLOW);
	if (status == 200 && request->method == SIP_OPTIONS)
		sip_builder_header(builder, "Supported", "%s", PHONE_SUPPORTED);
	if (status == 415 || status == 406 || (status == 200 && request->method == SIP_OPTIONS))
		sip_builder_header(builder, "Accept", "application/sdp, multipart/mixed");
	if (status == 415)
		sip_builder_header(builder, "Accept-Encoding", "identity");
	if (status == 420)
		write_unsupported(builder, request);
	if (status == 422)
		sip_builder_header(builder, "Min-SE", "%u", SIP_MIN_SE_S);
	if (status == 500)
		sip_builder_header(builder, "Retry-After", "%u",
				   (unsigned)(phone_draw() % (GLARE_MAX_S + 1)));
}

void phone_reply(struct phone *phone, const struct phone_incoming *incoming, unsigned status)
{
	struct sip_builder builder;

	phone_reply_begin(phone, incoming, status, &builder);
	write_demanded(&builder, incoming->request, status);
	sip_builder_header(&builder, "User-Agent", "%s", PHONE_USER_AGENT);
	phone_reply_send(phone, incoming, status, sip_builder_finish(&builder));
}

/* ---- who may ask -------------------------------------------------------------------------------
 */

/* A request outside dialogs: whom it is for, and what is said to it at once. */
struct verdict {
	enum kl_acceptance acceptance;
	unsigned status;           /* what it is refused with; 0: it is not */
	struct kl_binding binding; /* ACCEPT: the line, and the server that it came from */
};

/* CALL-2, FAIL-5: it comes from a route of the line that it is for, and from one that has the
 * registration where nothing is accepted from others. */
static struct verdict judge_stranger(const struct phone *phone,
				     const struct phone_incoming *incoming)
{
	const struct kl_route source = phone_route_of(&incoming->source, incoming->transport);
	/* RFC 3261 8.2.1 goes before 8.2.2. */
	const bool is_known = incoming->request->method != SIP_METHOD_OTHER;
	struct verdict verdict = {KL_REFUSE, is_known ? 404 : 501, {0}};
	struct sip_uri uri;

	if (sip_uri_parse(&uri, incoming->request->request_uri) || !uri.is_sip) {
		verdict.status = 416;
		return verdict;
	}
	for (uint32_t i = 0;
	     i < phone->engine_config->line_count && verdict.acceptance != KL_ACCEPT; i++) {
		const char *user = phone->config->lines[i].user;
		enum kl_acceptance acceptance;

		if (uri.user.at && !sip_user_equal(uri.user, sip_span_of(user)))
			continue;
		acceptance = kl_may_accept(phone->engine, i, &source, &verdict.binding);
		if (acceptance != KL_REFUSE)
			verdict.acceptance = acceptance;
		verdict.status = verdict.acceptance == KL_REFUSE ? 403 : 0;
	}
	return verdict;
}

/* ---- requests -------------------------------------------------------------------------------- */

/* A request outside dialogs, from a server of its line. */
static void take_new(struct phone *phone, const struct phone_incoming *incoming,
		     const struct kl_binding *binding)
{
	switch (incoming->request->method) {
	case SIP_INVITE:
		phone_call_take_invite(phone, incoming, binding);
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
	case SIP_CANCEL:
		phone_call_take_cancel(phone, incoming);
		break;
	case SIP_ACK:
		break;
	case SIP_REGISTER:
	case SIP_SUBSCRIBE:
	case SIP_REFER:
	case SIP_MESSAGE:
	case SIP_PUBLISH:
	case SIP_METHODS_MAX:
		phone_reply(phone, incoming, 405);
		break;
	case SIP_METHOD_OTHER: /* RFC 3261 21.5.2 */
		phone_reply(phone, incoming, 501);
		break;
	}
}

static bool wants_extension(const struct sip_message *request)
{
	struct sip_cursor cursor = {0};
	struct sip_span element;

	if (request->method == SIP_ACK || request->method == SIP_CANCEL)
		return false;
	while (sip_message_next(request, SIP_REQUIRE, &cursor, &element))
		if (!is_supported(element))
			return true;
	return false;
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

/* Is it for who stands behind the line?  Then it is taken there. */
static bool relay(struct phone *phone, const struct phone_incoming *incoming,
		  const struct home *home, const struct verdict *verdict)
{
	const struct phone_relay_request request = {
		.incoming = incoming,
		.is_inside_dialog = incoming->request->to.tag.at != NULL,
		.binding = verdict->binding,
	};

	if (home->dialog || home->subscription)
		return false;
	if (incoming->request->method != SIP_CANCEL)
		return phone_relay_take_request(phone, &request);
	if (!phone_relay_take_cancel(phone, sip_transactions_cancelled(phone->server.transactions,
								       incoming->request)))
		return false;
	phone_reply(phone, incoming, 200);
	return true;
}

/* Where it belongs was found, or outside of all there is a verdict. */
static void answer(struct phone *phone, const struct phone_incoming *incoming,
		   const struct home *home, const struct verdict *verdict)
{
	struct phone_dialog *dialog = home->dialog;
	bool is_ack = incoming->request->method == SIP_ACK;

	if (relay(phone, incoming, home, verdict))
		return;
	if (dialog && is_ack)
		phone_dialog_take_request(dialog, incoming);
	else if (is_ack)
		return;
	else if (wants_extension(incoming->request))
		phone_reply(phone, incoming, 420);
	else if (dialog)
		phone_dialog_take_request(dialog, incoming);
	else if (home->subscription)
		phone_notify_take(home->subscription, incoming);
	else if (incoming->request->to.tag.at)
		phone_reply(phone, incoming, 481);
	else
		take_new(phone, incoming, &verdict->binding);
}

static void set_timer(struct phone *phone)
{
	net_timer_set(phone->server.timer, sip_transactions_deadline(phone->server.transactions));
}

/* FAIL-5: what comes of a server that lost the registration is counted and forgotten; but for a
 * CANCEL, which belongs to a request that came before. */
static struct verdict judge(const struct phone *phone, const struct phone_incoming *incoming,
			    const struct home *home)
{
	const struct kl_route source = phone_route_of(&incoming->source, incoming->transport);
	const struct sip_message *request = incoming->request;
	const struct phone_dialog *dialog = home->dialog;
	struct verdict verdict = {KL_ACCEPT, 0, {0}};

	if (home->subscription) {
		verdict.acceptance =
			kl_may_accept(phone->engine, home->subscription->line, &source, NULL);
		verdict.status = verdict.acceptance == KL_REFUSE ? 403 : 0;
		return verdict;
	}

	if (dialog && dialog->state <= PHONE_DIALOG_UP)
		verdict.acceptance = phone_dialog_may_signal(dialog) ? KL_ACCEPT : KL_DROP;
	else if (!dialog && !request->to.tag.at && request->method != SIP_ACK &&
		 !(request->method == SIP_CANCEL &&
		   sip_transactions_cancelled(phone->server.transactions, request)))
		verdict = judge_stranger(phone, incoming);
	return verdict;
}

static uint64_t mix(uint64_t hash, struct sip_span span)
{
	for (size_t i = 0; i < span.length; i++)
		hash = (hash ^ (unsigned char)span.at[i]) * 0x100000001b3;
	return hash;
}

/* RFC 3261 8.2.7: who is refused anyway costs no memory.  The same request gets the same tag, made
 * from it and a secret. */
static void refuse_stranger(struct phone *phone, struct phone_incoming *incoming, unsigned status)
{
	const struct sip_message *request = incoming->request;
	uint64_t hash = mix(phone->server.secret, request->call_id);

	hash = mix(mix(hash, request->from.tag), request->via.branch);
	snprintf(incoming->tag, sizeof incoming->tag, "%016" PRIx64, hash);
	if (request->method != SIP_ACK)
		phone_reply(phone, incoming, status);
}

/* No room for a transaction: it is answered, and forgotten. */
static void turn_away(struct phone *phone, const struct phone_incoming *incoming)
{
	phone_count_overflow(phone);
	if (incoming->request->method != SIP_ACK)
		phone_reply(phone, incoming, 503);
}

/* A request that may be answered. */
static void take_admitted(struct phone *phone, struct phone_incoming *incoming,
			  const struct home *home, const struct verdict *verdict)
{
	const struct phone_hop back = phone_reply_hop(incoming);
	struct sip_peer peer = {.length = sizeof back};
	_Static_assert(sizeof back <= sizeof peer.bytes, "a hop is a peer");
	struct sip_receipt receipt;

	memcpy(peer.bytes, &back, sizeof back);
	if (sip_transactions_receive(phone->server.transactions, incoming->request, &peer, &receipt,
				     net_now_ms()))
		return;
	phone_draw_id(incoming->tag);
	switch (receipt.kind) {
	case SIP_RECEIPT_NEW:
		incoming->id = receipt.id;
		if (receipt.is_merged)
			phone_reply(phone, incoming, 482);
		else
			answer(phone, incoming, home, verdict);
		break;
	case SIP_RECEIPT_REPEAT:
		if (receipt.again.length)
			phone_send(phone, &back, receipt.again);
		break;
	case SIP_RECEIPT_ACKED:
		break;
	case SIP_RECEIPT_FULL:
		turn_away(phone, incoming);
		break;
	}
	set_timer(phone);
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
	const struct verdict verdict = judge(phone, &incoming, &home);

	if (verdict.acceptance != KL_ACCEPT)
		phone_count_refused(phone);
	if (verdict.acceptance == KL_DROP)
		return;
	if (verdict.status)
		refuse_stranger(phone, &incoming, verdict.status);
	else if (!home.subscription || phone_notify_has_room(home.subscription))
		take_admitted(phone, &incoming, &home, &verdict);
}

static bool is_of_server(const struct phone *phone, const struct kl_route *source)
{
	for (uint32_t i = 0; i < phone->engine_config->line_count; i++)
		if (kl_may_accept(phone->engine, i, source, NULL) == KL_ACCEPT)
			return true;
	return false;
}

/* It goes back to where it came from, since its Via is not to be trusted. */
void phone_server_refuse(struct phone *phone, const struct phone_packet *packet, int error)
{
	const struct sip_span received = {(const char *)packet->bytes, packet->length};
	const struct phone_hop back = {
		.route = packet->source, .stream = packet->stream, .local = packet->local};
	char tag[PHONE_ID_MAX];
	const struct sip_refusal refusal = {received, error, tag};
	int length;

	if (!is_of_server(phone, &packet->source))
		return;
	snprintf(tag, sizeof tag, "%016" PRIx64, mix(phone->server.secret, received));
	length = sip_refusal_write(&refusal, phone->scratch, sizeof phone->scratch);
	if (length > 0)
		phone_send(phone, &back, (struct sip_span){phone->scratch, (size_t)length});
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
	phone->server.secret = phone_draw();
	phone->server.transactions =
		sip_transactions_new(phone->config->inside.is_set ? PHONE_SERVER_RELAYED_MAX
								  : PHONE_SERVER_TRANSACTIONS_MAX);
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
