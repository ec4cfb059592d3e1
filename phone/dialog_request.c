/* dialog_request.c - what the far end asks for inside a call. */
#include "phone/log.h"
#include "phone/private.h"
#include "phone/request.h"

/* Our answer to an offer, or our offer where a re-INVITE has none (RFC 3264 5, 6).  An UPDATE
 * without an offer only refreshes the target (RFC 3311 5.2): length 0.  Else its length, or a
 * SIP_E*. */
static int describe(const struct phone_dialog *dialog, const struct phone_incoming *incoming,
		    char text[PHONE_SDP_MAX])
{
	struct sip_sdp ours, offer, answer;
	int error;

	if (!incoming->request->body.length && incoming->request->method == SIP_UPDATE)
		return 0;
	phone_describe(&ours, &incoming->local, dialog->session);
	if (!incoming->request->body.length)
		return sip_sdp_write(&ours, text, PHONE_SDP_MAX);
	error = sip_sdp_parse(&offer, incoming->request->body);
	if (!error)
		error = sip_sdp_answer(&answer, &offer, &ours);
	return error ? error : sip_sdp_write(&answer, text, PHONE_SDP_MAX);
}

/* A 200 with our description, if it has one.  Its length in the phone's scratch, or a SIP_E*. */
static int write_accept(struct phone_dialog *dialog, const struct phone_incoming *incoming)
{
	char text[PHONE_SDP_MAX];
	int length = describe(dialog, incoming, text);
	const struct phone_self self = phone_incoming_self(dialog->phone, incoming);
	struct sip_builder builder;

	if (length < 0)
		return length;
	phone_reply_begin(dialog->phone, incoming, 200, &builder);
	phone_write_self(&builder, dialog->account, &self);
	if (!length)
		return sip_builder_finish(&builder);
	return sip_builder_finish_body(&builder, "application/sdp",
				       (struct sip_span){text, (size_t)length});
}

/* A re-INVITE changes nothing here, for there is no media: it is accepted as inactive.  The 200 is
 * repeated until its ACK (RFC 3261 14.2, 13.3.1.4). */
static void take_invite(struct phone_dialog *dialog, const struct phone_incoming *incoming)
{
	struct phone *phone = dialog->phone;
	const struct phone_hop hop = phone_reply_hop(incoming);
	int length = write_accept(dialog, incoming);

	if (length < 0) {
		phone_reply(phone, incoming, 488);
		return;
	}
	phone_reply_note(phone, incoming, 200, length);
	dialog->unacked = incoming->request->cseq.number;
	phone_repeat_start(&dialog->repeat, &hop,
			   (struct sip_span){phone->scratch, (size_t)length});
}

static void take_update(struct phone_dialog *dialog, const struct phone_incoming *incoming)
{
	int length = write_accept(dialog, incoming);

	if (length < 0)
		phone_reply(dialog->phone, incoming, 488);
	else
		phone_reply_send(dialog->phone, incoming, 200, length);
}

static void take_ack(struct phone_dialog *dialog, const struct sip_message *ack)
{
	if (!dialog->unacked || ack->cseq.number != dialog->unacked)
		return;
	dialog->unacked = 0;
	phone_repeat_stop(&dialog->repeat);
}

static void take_bye(struct phone_dialog *dialog, const struct phone_incoming *incoming)
{
	phone_reply(dialog->phone, incoming, 200);
	phone_dialog_end(dialog);
}

/* The requests of a call that is up. */
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
	case SIP_OPTIONS:
		phone_reply(phone, incoming, 200);
		break;
	case SIP_INFO: /* RFC 6086 4.2.2: what is in it is not understood */
		phone_reply(phone, incoming, has_body ? 415 : 200);
		break;
	case SIP_CANCEL: /* every re-INVITE is answered at once, so it comes too late (9.2) */
		phone_reply(phone, incoming, 200);
		break;
	case SIP_ACK:
	case SIP_REGISTER:
	case SIP_SUBSCRIBE:
	case SIP_NOTIFY:
	case SIP_REFER:
	case SIP_PRACK:
	case SIP_MESSAGE:
	case SIP_PUBLISH:
	case SIP_METHOD_OTHER:
	case SIP_METHODS_MAX:
		phone_reply(phone, incoming, 405);
		break;
	}
}

void phone_dialog_take_request(struct phone_dialog *dialog, const struct phone_incoming *incoming)
{
	const struct sip_message *request = incoming->request;

	if (request->method == SIP_ACK)
		take_ack(dialog, request);
	else if (dialog->state == PHONE_DIALOG_OVER)
		phone_reply(dialog->phone, incoming, 481);
	else if (sip_dialog_receive(&dialog->sip, request))
		phone_reply(dialog->phone, incoming, 500);
	else if (dialog->state == PHONE_DIALOG_UP || request->method == SIP_BYE)
		take_by_method(dialog, incoming);
	else
		phone_reply(dialog->phone, incoming, 481);
}
