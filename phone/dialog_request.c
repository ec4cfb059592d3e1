/* dialog_request.c - what the far end asks for inside a call. */
#include "phone/log.h"
#include "phone/private.h"
#include "phone/request.h"

/* ---- offers ---------------------------------------------------------------------------------- */

/* RFC 3261 14.2, RFC 3311 5.2: an INVITE, UPDATE or PRACK that can't be looked at now.  0, or what
 * to answer it with. */
static unsigned judge_time(const struct phone_dialog *dialog, const struct sip_message *request)
{
	const struct phone_call *call = dialog->call;
	bool offers = request->body.length || request->method == SIP_INVITE;

	if (dialog->state == PHONE_DIALOG_EARLY && request->method == SIP_INVITE)
		return 500;
	if (offers && (call->change || sip_offer_is_open(&dialog->offer)))
		return 491;
	if (offers && call->ringing && call->ringing->invite.body.length &&
	    !call->ringing->described)
		return 500;
	return 0;
}

static unsigned judge(const struct phone_dialog *dialog, const struct sip_message *request)
{
	unsigned status = judge_time(dialog, request);

	if (status)
		return status;
	if (!sip_session_admits(&dialog->session, request))
		return 422;
	return request->body.length && !phone_description(request).at ? 415 : 0;
}

/* Our answer to an offer, or our offer where a re-INVITE has none (RFC 3261 14.2).  An UPDATE
 * without an offer only refreshes (RFC 3311 5.2): length 0.  Else its length, or a SIP_E*. */
static int describe(struct phone_dialog *dialog, const struct sip_message *request,
		    char text[SIP_OFFER_TEXT_MAX])
{
	if (request->body.length)
		return sip_offer_answer(&dialog->offer, phone_description(request), text,
					SIP_OFFER_TEXT_MAX);
	text[0] = '\0';
	return request->method == SIP_INVITE
		       ? sip_offer_make(&dialog->offer, text, SIP_OFFER_TEXT_MAX)
		       : 0;
}

/* A 200 in the phone's scratch: its length, or a SIP_E*.  That to a PRACK has neither Contact nor
 * session timer (RFC 3262 table 1, RFC 4028 table 1). */
static int write_accept(struct phone_dialog *dialog, const struct phone_incoming *incoming)
{
	const struct phone_self self = phone_incoming_self(dialog->phone, incoming);
	char text[SIP_OFFER_TEXT_MAX];
	int length = describe(dialog, incoming->request, text);
	struct sip_builder builder;

	if (length < 0)
		return length;
	if (dialog->state == PHONE_DIALOG_UP)
		sip_session_take_request(&dialog->session, incoming->request, net_now_ms());
	phone_reply_begin(dialog->phone, incoming, 200, &builder);
	if (incoming->request->method != SIP_PRACK) {
		phone_write_self(&builder, dialog->account, &self);
		sip_session_write_answer(&dialog->session, &builder);
	}
	return length ? sip_builder_finish_body(&builder, "application/sdp", sip_span_of(text))
		      : sip_builder_finish(&builder);
}

int phone_dialog_accept(struct phone_dialog *dialog, const struct phone_incoming *incoming)
{
	unsigned status = judge(dialog, incoming->request);
	int length = status ? 0 : write_accept(dialog, incoming);

	if (!status && length < 0)
		status = 488;
	if (status)
		phone_reply(dialog->phone, incoming, status);
	return status ? 0 : length;
}

/* The 200 to a re-INVITE is repeated until its ACK (RFC 3261 14.2, 13.3.1.4). */
static void take_invite(struct phone_dialog *dialog, const struct phone_incoming *incoming)
{
	struct phone *phone = dialog->phone;
	const struct phone_hop hop = phone_reply_hop(incoming);
	int length = phone_dialog_accept(dialog, incoming);

	if (!length)
		return;
	phone_reply_note(phone, incoming, 200, length);
	dialog->unacked = incoming->request->cseq.number;
	phone_repeat_start(&dialog->repeat, &hop,
			   (struct sip_span){phone->scratch, (size_t)length});
	phone_call_apply(dialog->call, dialog);
	phone_call_settle(dialog->call);
}

static void take_update(struct phone_dialog *dialog, const struct phone_incoming *incoming)
{
	int length = phone_dialog_accept(dialog, incoming);

	if (!length)
		return;
	phone_reply_send(dialog->phone, incoming, 200, length);
	phone_call_apply(dialog->call, dialog);
	phone_call_settle(dialog->call);
}

/* The ACK holds the answer where our 2xx held an offer (RFC 3261 13.2.2.4). */
static void take_ack(struct phone_dialog *dialog, const struct sip_message *ack)
{
	struct phone_call *call = dialog->call;
	bool answers = sip_offer_is_open(&dialog->offer);

	if (!dialog->unacked || ack->cseq.number != dialog->unacked)
		return;
	phone_dialog_take_ack(dialog);
	if (!call)
		return;
	if (answers && phone_call_take_description(call, dialog, ack)) {
		phone_call_break(call, "SIP;cause=488;text=\"Not Acceptable Here\"",
				 "the far end answered with audio that cannot be had here");
		return;
	}
	phone_call_apply(call, dialog);
	phone_call_settle(call);
}

/* ---- the rest -------------------------------------------------------------------------------- */

/* RFC 3261 15.1.2: of a call that was not answered yet the INVITE gets 487. */
static void take_bye(struct phone_dialog *dialog, const struct phone_incoming *incoming)
{
	const struct sip_header *reason = sip_message_header(incoming->request, SIP_REASON, 0);
	char text[81];

	if (reason)
		phone_log(PHONE_LOG_INFO, "BYE: %s",
			  phone_printable(reason->value, text, sizeof text));
	phone_reply(dialog->phone, incoming, 200);
	if (dialog->call && dialog->call->ringing)
		phone_call_refuse(dialog->call, 487, "the caller gave up");
	else
		phone_dialog_end(dialog);
}

static void take_prack(struct phone_dialog *dialog, const struct phone_incoming *incoming)
{
	if (dialog->call->incoming)
		phone_call_take_prack(dialog->call, incoming);
	else
		phone_reply(dialog->phone, incoming, 481);
}

/* The requests of a call. */
static void take_by_method(struct phone_dialog *dialog, const struct phone_incoming *incoming)
{
	struct phone *phone = dialog->phone;
	bool has_body = incoming->request->body.length;

	switch (incoming->request->method) {
	case SIP_BYE:
		take_bye(dialog, incoming);
		break;
	case SIP_INVITE:
		take_invite(dialog, incoming);
		break;
	case SIP_UPDATE:
		take_update(dialog, incoming);
		break;
	case SIP_PRACK:
		take_prack(dialog, incoming);
		break;
	case SIP_OPTIONS:
		phone_reply(phone, incoming, 200);
		break;
	case SIP_INFO: /* RFC 6086 4.2.2: what is in it is not understood */
		phone_reply(phone, incoming, has_body ? 415 : 200);
		break;
	case SIP_CANCEL: /* every re-INVITE is answered at once, so it comes too late (9.2) */
		phone_call_take_cancel(phone, incoming);
		break;
	case SIP_NOTIFY: /* RFC 6665 4.1.3: of no subscription */
		phone_reply(phone, incoming, 481);
		break;
	case SIP_ACK:
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

void phone_dialog_take_request(struct phone_dialog *dialog, const struct phone_incoming *incoming)
{
	const struct sip_message *request = incoming->request;

	dialog->heard_at_ms = net_now_ms();
	if (request->method == SIP_ACK)
		take_ack(dialog, request);
	else if (dialog->state == PHONE_DIALOG_OVER)
		phone_reply(dialog->phone, incoming, 481);
	else if (sip_dialog_receive(&dialog->sip, request))
		phone_reply(dialog->phone, incoming, 500);
	else if (dialog->call || request->method == SIP_BYE)
		take_by_method(dialog, incoming);
	else
		phone_reply(dialog->phone, incoming, 481);
}
