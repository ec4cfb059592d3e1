/* call_change.c - what becomes of a call that is up: hold, resume, refreshes (RFC 4028), and what
 * is in their way (RFC 3261 14.1). */
#include <errno.h>

#include "phone/private.h"
#include "phone/request.h"

enum {
	RETRY_MS = 10000, /* a refresh that was refused is tried again after that */
};
/* A dialog without session timer that nobody says anything in.  AGENT-12 has the same bound. */
#define SILENCE_MAX_MS (12ull * 3600 * 1000)

/* ---- answers --------------------------------------------------------------------------------- */

static void tell(const struct phone_call *call, enum phone_call_event_type type, const char *text)
{
	struct phone_call_event event = {.type = type, .text = text};

	phone_call_tell(call, &event);
}

/* RFC 3261 12.2.1.2: no answer, and "no such dialog", end the dialog. */
static bool is_fatal(unsigned status)
{
	return status == 408 || status == 481;
}

static void break_off(struct phone_call *call, unsigned status)
{
	phone_call_break(call,
			 status == 408 ? "SIP;cause=408;text=\"Request Timeout\""
				       : "SIP;cause=481;text=\"Call Does Not Exist\"",
			 status == 408 ? "the far end does not answer any more"
				       : "the far end does not know the call any more");
}

static void take_accepted(struct phone_call *call, const struct phone_ask_end *end)
{
	struct phone_dialog *dialog = call->dialog;

	sip_dialog_refresh(&dialog->sip, end->response);
	sip_session_take_answer(&dialog->session, end->response, net_now_ms());
}

static void take_refused(struct phone_call *call, const struct phone_ask_end *end)
{
	struct phone_dialog *dialog = call->dialog;
	uint64_t now = net_now_ms();

	if (end->status == 491)
		call->change_at_ms = now + sip_dialog_glare_ms(&dialog->sip, phone_draw());
	else if (dialog->session.is_refresher && dialog->session.interval_s)
		dialog->session.refresh_at = now + RETRY_MS;
	if (end->status == 422)
		sip_session_take_refusal(&dialog->session, end->response);
}

/* A glare is waited out and tried again; any other refusal leaves the call as it was. */
static void take_hold_refused(struct phone_call *call, const struct phone_ask_end *end)
{
	sip_offer_abandon(&call->dialog->offer);
	take_refused(call, end);
	if (end->status == 491 || call->change_holds == call->is_held)
		return;
	call->wants_hold = call->is_held;
	tell(call, PHONE_CALL_UNCHANGED, "the far end does not agree: all is as before");
}

static void take_hold_accepted(struct phone_call *call, const struct phone_ask *ask,
			       const struct phone_ask_end *end)
{
	bool changed = call->is_held != call->change_holds;

	take_accepted(call, end);
	phone_dialog_acknowledge(call->dialog, &ask->request);
	phone_call_take_description(call, call->dialog, end->response);
	if (sip_offer_is_open(&call->dialog->offer)) {
		phone_call_break(call, "SIP;cause=488;text=\"Not Acceptable Here\"",
				 "the far end answered with audio that cannot be had here");
		return;
	}
	call->is_held = call->change_holds;
	if (changed)
		tell(call, call->is_held ? PHONE_CALL_HELD : PHONE_CALL_RESUMED,
		     call->is_held ? "the call is on hold" : "the call goes on");
	phone_call_apply(call, call->dialog);
	phone_call_settle(call);
}

static void take_invite_end(struct phone_ask *ask, const struct phone_ask_end *end)
{
	struct phone_dialog *dialog = ask->dialog;
	struct phone_call *call = dialog->call;

	if (!call) { /* it was hung up meanwhile */
		if (end->status / 100 == 2)
			phone_dialog_acknowledge(dialog, &ask->request);
		return;
	}
	call->change = NULL;
	if (end->status / 100 == 2) {
		take_hold_accepted(call, ask, end);
	} else if (is_fatal(end->status)) {
		break_off(call, end->status);
	} else {
		take_hold_refused(call, end);
		phone_call_settle(call);
	}
}

/* Who refuses UPDATE as such is asked by INVITE. */
static void take_update_end(struct phone_ask *ask, const struct phone_ask_end *end)
{
	struct phone_dialog *dialog = ask->dialog;
	struct phone_call *call = dialog->call;

	if (!call)
		return;
	call->change = NULL;
	if (is_fatal(end->status)) {
		break_off(call, end->status);
		return;
	}
	if (end->status / 100 == 2)
		take_accepted(call, end);
	else
		take_refused(call, end);
	if (end->status == 405 || end->status == 501) {
		dialog->takes_updates = false;
		dialog->session.refresh_at = net_now_ms();
	}
	phone_call_settle(call);
}

/* ---- requests -------------------------------------------------------------------------------- */

static void write_change(const struct phone_ask *ask, struct sip_builder *builder)
{
	const struct phone_dialog *dialog = ask->dialog;
	struct phone_self self = {.transport = KL_UDP};

	phone_self_toward(dialog->phone, &dialog->hop.route, &self);
	phone_write_identity(dialog->phone, builder, dialog->account, &self);
	sip_session_write_request(&dialog->session, builder);
}

static const struct phone_ask_kind invite_kind = {SIP_INVITE, write_change, take_invite_end};
static const struct phone_ask_kind update_kind = {SIP_UPDATE, write_change, take_update_end};

static void send_invite(struct phone_call *call)
{
	struct phone_dialog *dialog = call->dialog;
	char text[SIP_OFFER_TEXT_MAX];

	sip_offer_want(&dialog->offer, call->wants_hold ? SIP_SDP_SENDONLY : SIP_SDP_SENDRECV);
	if (sip_offer_make(&dialog->offer, text, sizeof text) < 0)
		return;
	call->change_holds = call->wants_hold;
	call->change = phone_ask_new(dialog, &invite_kind, text);
	if (!call->change)
		sip_offer_abandon(&dialog->offer);
}

static void send_update(struct phone_call *call)
{
	call->change = phone_ask_new(call->dialog, &update_kind, NULL);
}

/* ---- what is due ----------------------------------------------------------------------------- */

/* RFC 3261 14.1: one INVITE at a time, from either side; RFC 3311 5.1: one offer. */
static bool is_busy(const struct phone_call *call, uint64_t now)
{
	return call->change || call->dialog->unacked || call->change_at_ms > now ||
	       sip_offer_is_open(&call->dialog->offer);
}

static uint64_t earlier(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static void set_clock(const struct phone_call *call, uint64_t now)
{
	const struct phone_dialog *dialog = call->dialog;
	uint64_t at = earlier(dialog->session.expire_at, dialog->heard_at_ms + SILENCE_MAX_MS);

	if (call->change_at_ms > now)
		at = earlier(at, call->change_at_ms);
	else if (!is_busy(call, now))
		at = earlier(at, dialog->session.refresh_at);
	net_timer_set(call->clock, at);
}

/* RFC 4028 10: nobody refreshed.  A dialog without a timer ends when nothing is heard in it. */
static bool has_ended(struct phone_call *call, uint64_t now)
{
	const struct phone_dialog *dialog = call->dialog;

	if (now < dialog->session.expire_at && now < dialog->heard_at_ms + SILENCE_MAX_MS)
		return false;
	phone_call_break(call, "SIP;cause=408;text=\"Session expired\"",
			 "nobody refreshed the session");
	return true;
}

/* A refresh is an UPDATE without an offer where the far end takes that (RFC 4028 7.4).  FAIL-5: a
 * call whose server lost the registration ends when it has to signal. */
static void send_due(struct phone_call *call, uint64_t now)
{
	bool changes = call->wants_hold != call->is_held;

	if (!changes && now < call->dialog->session.refresh_at)
		return;
	if (!phone_dialog_may_signal(call->dialog)) {
		phone_call_break(call, NULL, "its server has not the registration any more");
		return;
	}
	if (changes || !call->dialog->takes_updates)
		send_invite(call);
	else
		send_update(call);
	if (call->change)
		phone_dialog_send_owed(call->dialog);
}

void phone_call_settle(struct phone_call *call)
{
	struct phone *phone = call->phone;
	uint64_t id = call->id, now = net_now_ms();

	if (call->state != PHONE_CALL_STATE_UP || has_ended(call, now))
		return;
	if (!is_busy(call, now))
		send_due(call, now);
	if (phone_call_find(phone, id))
		set_clock(call, now);
}

/* ---- from outside ---------------------------------------------------------------------------- */

static int want(struct phone *phone, uint64_t id, bool hold)
{
	struct phone_call *call = phone_call_find(phone, id);

	if (!call || call->state != PHONE_CALL_STATE_UP)
		return -ENOENT;
	call->wants_hold = hold;
	phone_call_settle(call);
	return 0;
}

int phone_call_hold(struct phone *phone, uint64_t id)
{
	return want(phone, id, true);
}

int phone_call_resume(struct phone *phone, uint64_t id)
{
	return want(phone, id, false);
}
