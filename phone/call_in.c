/* call_in.c - calls that come: they ring, are answered, refused, cancelled. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "phone/log.h"
#include "phone/private.h"
#include "phone/request.h"
#include "sip/reliable.h"
#include "sip/transaction.h"

enum {
	RINGING_MAX = 256, /* calls that ring at one time: each has a dialog and two media ports */
	AGAIN_MS = 60000,  /* RFC 3261 13.3.1.1: a proxy forgets what rings for three minutes */
	UNACKED_STATUS = 504, /* nobody acknowledges a reliable answer (RFC 3262 3) */
};

/* ---- what may ring --------------------------------------------------------------------------- */

static uint32_t calls_of(const struct phone *phone, uint32_t line)
{
	const struct phone_call *call;
	uint32_t count = 0;

	LIST_FOREACH(call, &phone->calls.all, others)
	count += call->line == line;
	return count;
}

/* RFC 3261 8.2.3, 13.3.1: descriptions are spoken, and nothing else.  0, or what to refuse it with.
 */
static unsigned judge_content(const struct sip_message *invite)
{
	const struct sip_header *encoding = sip_message_header(invite, SIP_CONTENT_ENCODING, 0);

	if (invite->body.length && (!phone_description(invite).at ||
				    (encoding && !sip_span_is(encoding->value, "identity"))))
		return 415;
	if (sip_message_header(invite, SIP_ACCEPT, 0) &&
	    !phone_accepts(invite, "application", "sdp"))
		return 406;
	return 0;
}

/* 0, or what to refuse it with. */
static unsigned judge(struct phone *phone, const struct sip_message *invite, uint32_t line)
{
	const struct config_calls *settings = &phone->config->lines[line].calls;
	unsigned status = judge_content(invite);
	struct sip_session session;

	sip_session_init(&session, 0);
	if (status)
		return status;
	if (!sip_session_admits(&session, invite))
		return 422;
	if (settings->incoming == CONFIG_INCOMING_REJECT)
		return settings->reject_status;
	if (phone_account_find(&phone->accounts, line, 0)->leaves)
		return 480;
	if (calls_of(phone, line) >= settings->calls_max)
		return 486;
	if (phone->calls.ringing < RINGING_MAX)
		return 0;
	phone_count_overflow(phone);
	return 486;
}

/* ---- provisional answers --------------------------------------------------------------------- */

/* RFC 3261 13.2.1: an offer of ours stands in the first reliable answer. */
static int make_offer(struct phone_call *call)
{
	char text[SIP_OFFER_TEXT_MAX];
	int length;

	if (call->description)
		return 0;
	length = sip_offer_make(&call->dialog->offer, text, sizeof text);
	if (length < 0)
		return length;
	call->description = strdup(text);
	return call->description ? 0 : SIP_EMEMORY;
}

/* Does the provisional answer that is due hold our description?  Once is enough if that is reliable
 * (RFC 3261 13.2.1); if not, the caller may have missed it. */
static bool is_described(const struct phone_ringing *ringing)
{
	bool offered = ringing->invite.body.length;

	return !ringing->described && (offered ? ringing->early : ringing->reliable);
}

static unsigned ringing_status(const struct phone_ringing *ringing)
{
	return ringing->early ? 183 : 180;
}

static int write_ringing(struct phone_call *call)
{
	struct phone_ringing *ringing = call->ringing;
	const struct phone_self self = phone_incoming_self(call->phone, &ringing->incoming);
	bool describes = is_described(ringing);
	struct sip_builder builder;

	if (describes && make_offer(call))
		return SIP_EMEMORY;
	phone_reply_begin(call->phone, &ringing->incoming, ringing_status(ringing), &builder);
	phone_write_self(&builder, call->dialog->account, &self);
	if (ringing->reliable) {
		ringing->rseq = ringing->rseq ? ringing->rseq + 1
					      : 1 + (uint32_t)(phone_draw() % SIP_RSEQ_FIRST_MAX);
		sip_builder_header(&builder, "Require", "100rel");
		sip_builder_header(&builder, "RSeq", "%u", ringing->rseq);
		ringing->described |= describes;
	}
	return describes ? sip_builder_finish_body(&builder, "application/sdp",
						   sip_span_of(call->description))
			 : sip_builder_finish(&builder);
}

/* RFC 3262 3: a second one waits for the PRACK of the first. */
static void ring(struct phone_call *call)
{
	struct phone_ringing *ringing = call->ringing;
	struct phone *phone = call->phone;
	const struct phone_hop hop = phone_reply_hop(&ringing->incoming);
	int length;

	ringing->again_at_ms = net_now_ms() + AGAIN_MS;
	if (ringing->unacknowledged || !phone_dialog_may_signal(call->dialog))
		return;
	length = write_ringing(call);
	if (!ringing->reliable) {
		phone_reply_send(phone, &ringing->incoming, ringing_status(ringing), length);
		return;
	}
	phone_reply_note(phone, &ringing->incoming, ringing_status(ringing), length);
	if (length < 0)
		return;
	ringing->unacknowledged = true;
	phone_repeat_start(&ringing->repeat, &hop,
			   (struct sip_span){phone->scratch, (size_t)length});
}

static void take_unacknowledged(void *user)
{
	phone_call_refuse(user, UNACKED_STATUS, "the caller did not acknowledge that it rings");
}

/* ---- the clock ------------------------------------------------------------------------------- */

static void set_clock(const struct phone_ringing *ringing)
{
	uint64_t at = ringing->end_at_ms;

	if (ringing->again_at_ms < at)
		at = ringing->again_at_ms;
	if (ringing->answer_at_ms < at)
		at = ringing->answer_at_ms;
	net_timer_set(ringing->clock, at);
}

static void take_clock(void *user)
{
	struct phone_call *call = user;
	struct phone_ringing *ringing = call->ringing;
	uint64_t now = net_now_ms();

	if (now >= ringing->answer_at_ms) {
		ringing->answer_at_ms = NET_NEVER;
		set_clock(ringing);
		phone_call_accept(call);
	} else if (now >= ringing->end_at_ms) {
		phone_call_refuse(call, ringing->end_status, "nobody answered");
	} else {
		ring(call);
		set_clock(ringing);
	}
}

/* RFC 3261 13.3.1: the INVITE's Expires bounds it, too. */
static void plan(struct phone_call *call)
{
	const struct config_calls *settings = &call->phone->config->lines[call->line].calls;
	struct phone_ringing *ringing = call->ringing;
	uint64_t now = net_now_ms(), ring_ms = settings->ring_ms;
	uint32_t expires_s;

	ringing->end_status = 480;
	if (!sip_message_seconds(&ringing->invite, SIP_EXPIRES, &expires_s) &&
	    (uint64_t)expires_s * 1000 < ring_ms) {
		ring_ms = (uint64_t)expires_s * 1000;
		ringing->end_status = 487;
	}
	ringing->end_at_ms = now + ring_ms;
	ringing->answer_at_ms = settings->incoming == CONFIG_INCOMING_ANSWER
					? now + settings->answer_after_ms
					: NET_NEVER;
	ringing->again_at_ms = now + AGAIN_MS;
	set_clock(ringing);
}

/* ---- a call comes ---------------------------------------------------------------------------- */

void phone_ringing_free(struct phone_ringing *ringing)
{
	if (!ringing)
		return;
	phone_repeat_clear(&ringing->repeat);
	net_timer_free(ringing->clock);
	sip_message_clear(&ringing->invite);
	free(ringing);
}

/* What is kept of an INVITE.  False: out of memory. */
static bool keep_invite(struct phone_call *call, const struct phone_incoming *incoming)
{
	const struct config_calls *settings = &call->phone->config->lines[call->line].calls;
	const struct sip_message *invite = incoming->request;
	struct phone_ringing *ringing = calloc(1, sizeof *ringing);

	if (!ringing)
		return false;
	call->ringing = ringing;
	call->phone->calls.ringing++;
	sip_message_share(&ringing->invite, invite);
	ringing->incoming = *incoming;
	ringing->incoming.request = &ringing->invite;
	ringing->reliable =
		sip_message_lists(invite, SIP_REQUIRE, "100rel") ||
		(settings->prefer_100rel && sip_message_lists(invite, SIP_SUPPORTED, "100rel"));
	ringing->early = settings->early_media && (settings->play || settings->tone_hz) &&
			 (invite->body.length || ringing->reliable);
	return !phone_repeat_init(&ringing->repeat, call->phone,
				  (struct net_callback){take_unacknowledged, call}) &&
	       !net_timer_create(&ringing->clock, call->phone->loop,
				 (struct net_callback){take_clock, call});
}

/* Opens dialog, audio and negotiation.  0, or what to refuse the INVITE with. */
static unsigned open_dialog(struct phone_call *call, const struct kl_binding *binding)
{
	struct phone *phone = call->phone;
	const struct sip_message *invite = &call->ringing->invite;
	struct phone_dialog_origin origin = phone_dialog_origin_of(phone, binding);
	char text[SIP_OFFER_TEXT_MAX];
	int error;

	origin.invite = invite;
	origin.call = call;
	if (phone_call_open_media(call, &call->ringing->incoming.local))
		return 500;
	call->dialog =
		phone_dialog_from_invite(phone, &origin, call->ringing->incoming.tag, &error);
	if (!call->dialog)
		return error ? 400 : 503;
	call->dialog->binding = *binding;
	call->dialog->takes_updates = sip_message_lists(invite, SIP_ALLOW, "UPDATE");
	if (!invite->body.length)
		return 0;
	error = sip_offer_answer(&call->dialog->offer, phone_description(invite), text,
				 sizeof text);
	if (error >= 0)
		call->description = strdup(text);
	return error >= 0 ? 0 : 488;
}

static bool set_audio(struct phone_call *call)
{
	const struct config_calls *settings = &call->phone->config->lines[call->line].calls;
	const struct phone_audio audio = {.play = settings->play, .tone_hz = settings->tone_hz};

	return phone_call_set_audio(call, &audio);
}

static unsigned begin(struct phone_call *call, const struct phone_incoming *incoming,
		      const struct kl_binding *binding)
{
	call->state = PHONE_CALL_STATE_RINGING;
	call->incoming = true;
	call->on_event = call->phone->on_call;
	call->user = call->phone->user;
	phone_printable(incoming->request->from.uri, call->target, sizeof call->target);
	return keep_invite(call, incoming) && set_audio(call) ? open_dialog(call, binding) : 500;
}

static void drop(struct phone_call *call)
{
	struct phone_dialog *dialog = call->dialog;

	phone_call_free(call);
	if (dialog)
		phone_dialog_end(dialog);
}

void phone_call_take_invite(struct phone *phone, const struct phone_incoming *incoming,
			    const struct kl_binding *binding)
{
	const struct kl_event began = {.type = KL_EV_CALL_BEGAN, .line = binding->line};
	unsigned status = judge(phone, incoming->request, binding->line);
	struct phone_call_event event = {
		.type = PHONE_CALL_INCOMING, .route = binding->route, .text = "it rings"};
	struct phone_call *call = status ? NULL : phone_call_new(phone, binding->line);

	if (!status)
		status = call ? begin(call, incoming, binding) : 500;
	if (status && call)
		drop(call);
	if (status) {
		phone_reply(phone, incoming, status);
		return;
	}
	phone_feed(phone, &began);
	phone_call_tell(call, &event);
	ring(call);
	if (call->ringing->early)
		phone_call_apply(call, call->dialog);
	plan(call);
}

/* ---- answers --------------------------------------------------------------------------------- */

static int write_accept(struct phone_call *call)
{
	const struct phone_ringing *ringing = call->ringing;
	const struct phone_self self = phone_incoming_self(call->phone, &ringing->incoming);
	struct sip_builder builder;

	if (make_offer(call))
		return SIP_EMEMORY;
	phone_reply_begin(call->phone, &ringing->incoming, 200, &builder);
	phone_write_self(&builder, call->dialog->account, &self);
	sip_session_write_answer(&call->dialog->session, &builder);
	return ringing->described ? sip_builder_finish(&builder)
				  : sip_builder_finish_body(&builder, "application/sdp",
							    sip_span_of(call->description));
}

/* The 200 is repeated until its ACK (RFC 3261 13.3.1.4). */
static void come_up(struct phone_call *call)
{
	struct phone *phone = call->phone;
	struct phone_dialog *dialog = call->dialog;
	struct phone_ringing *ringing = call->ringing;
	const struct phone_hop hop = phone_reply_hop(&ringing->incoming);
	struct phone_call_event up = {.type = PHONE_CALL_UP,
				      .route = dialog->binding.route,
				      .status = 200,
				      .text = "the call is up"};
	int length;

	sip_session_take_request(&dialog->session, &ringing->invite, net_now_ms());
	length = write_accept(call);
	if (length < 0) {
		phone_call_refuse(call, 500, "the answer can't be written");
		return;
	}
	phone_reply_note(phone, &ringing->incoming, 200, length);
	sip_dialog_confirm(&dialog->sip, NULL);
	dialog->state = PHONE_DIALOG_UP;
	dialog->unacked = ringing->invite.cseq.number;
	dialog->waits_for_ack = true;
	phone_repeat_start(&dialog->repeat, &hop,
			   (struct sip_span){phone->scratch, (size_t)length});
	call->state = PHONE_CALL_STATE_UP;
	call->ringing = NULL;
	phone->calls.ringing--;
	phone_ringing_free(ringing);
	phone_call_tell(call, &up);
	phone_call_apply(call, dialog);
	phone_call_settle(call);
}

/* RFC 3262 3: where a reliable answer holds a description, no 2xx goes before its PRACK.  FAIL-5:
 * to a server that lost the registration nothing goes. */
void phone_call_accept(struct phone_call *call)
{
	if (!phone_dialog_may_signal(call->dialog)) {
		phone_call_refuse(call, 408, "its server has not the registration any more");
		return;
	}
	call->state = PHONE_CALL_STATE_ANSWERING;
	if (!call->ringing->unacknowledged || !call->ringing->described)
		come_up(call);
}

void phone_call_refuse(struct phone_call *call, unsigned status, const char *text)
{
	struct phone_dialog *dialog = call->dialog;
	struct phone *phone = call->phone;

	if (phone_dialog_may_signal(dialog))
		phone_reply(phone, &call->ringing->incoming, status);
	else
		sip_transactions_forget(phone->server.transactions, call->ringing->incoming.id);
	dialog->call = NULL;
	phone_dialog_end(dialog);
	phone_call_finish(call, status, text);
}

/* A call that rings and that nobody answered; NULL: there is none. */
static struct phone_call *find_ringing(const struct phone *phone, uint64_t id)
{
	struct phone_call *call = phone_call_find(phone, id);

	return call && call->state == PHONE_CALL_STATE_RINGING ? call : NULL;
}

int phone_call_answer(struct phone *phone, uint64_t id)
{
	struct phone_call *call = find_ringing(phone, id);

	if (!call)
		return -ENOENT;
	phone_call_accept(call);
	return 0;
}

int phone_call_reject(struct phone *phone, uint64_t id, unsigned status)
{
	struct phone_call *call = find_ringing(phone, id);

	if (status < 300 || status > 699)
		return -EINVAL;
	if (!call)
		return -ENOENT;
	phone_call_refuse(call, status, "refused");
	return 0;
}

/* ---- what the caller says meanwhile ---------------------------------------------------------- */

static struct phone_call *find_invite(const struct phone *phone, sip_transaction_id invite)
{
	struct phone_call *call;

	LIST_FOREACH(call, &phone->calls.all, others)
	if (call->ringing && call->ringing->incoming.id == invite)
		return call;
	return NULL;
}

/* Both answers have one tag; one that comes too late changes nothing (RFC 3261 9.2). */
void phone_call_take_cancel(struct phone *phone, const struct phone_incoming *cancel)
{
	sip_transaction_id invite =
		sip_transactions_cancelled(phone->server.transactions, cancel->request);
	const struct sip_header *reason = sip_message_header(cancel->request, SIP_REASON, 0);
	struct phone_call *call = invite ? find_invite(phone, invite) : NULL;
	struct phone_incoming answer = *cancel;
	char text[128] = "the caller gave up";

	if (!invite) {
		phone_reply(phone, cancel, 481);
		return;
	}
	if (call)
		memcpy(answer.tag, call->ringing->incoming.tag, sizeof answer.tag);
	phone_reply(phone, &answer, 200);
	if (!call)
		return;
	if (reason)
		snprintf(text, sizeof text, "the caller gave up: %.80s",
			 phone_printable(reason->value, (char[81]){""}, 81));
	phone_call_refuse(call, 487, text);
}

/* What a PRACK says to our offer in a reliable answer.  False: it ended the call. */
static bool take_prack_answer(struct phone_call *call, const struct phone_incoming *incoming)
{
	const struct sip_message *prack = incoming->request;

	if (prack->body.length && !phone_call_take_description(call, call->dialog, prack)) {
		phone_reply(call->phone, incoming, 200);
		return true;
	}
	phone_reply(call->phone, incoming, 488);
	phone_call_refuse(call, 488, "the caller's audio can't be had here");
	return false;
}

/* RFC 3262 5: once the first offer has its answer a PRACK may hold one more, which the 200 answers.
 * One that can't be taken leaves things as they were. */
static void take_prack_offer(struct phone_call *call, const struct phone_incoming *incoming)
{
	int length = phone_dialog_accept(call->dialog, incoming);

	if (length)
		phone_reply_send(call->phone, incoming, 200, length);
}

void phone_call_take_prack(struct phone_call *call, const struct phone_incoming *incoming)
{
	struct phone_ringing *ringing = call->ringing;
	struct sip_rack rack;

	if (sip_rack_read(incoming->request, &rack)) {
		phone_reply(call->phone, incoming, 400);
		return;
	}
	if (!ringing || !ringing->unacknowledged || rack.rseq != ringing->rseq ||
	    rack.method != SIP_INVITE || rack.cseq != ringing->invite.cseq.number) {
		phone_reply(call->phone, incoming, 481);
		return;
	}
	ringing->unacknowledged = false;
	phone_repeat_stop(&ringing->repeat);
	if (!sip_offer_is_open(&call->dialog->offer))
		take_prack_offer(call, incoming);
	else if (!take_prack_answer(call, incoming))
		return;
	if (call->state == PHONE_CALL_STATE_ANSWERING)
		come_up(call);
	else if (ringing->early)
		phone_call_apply(call, call->dialog);
}
