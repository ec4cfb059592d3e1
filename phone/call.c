/* call.c - the table of calls, what is told of them, how they end. */
#include "phone/call.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "phone/log.h"
#include "phone/private.h"
#include "phone/request.h"
#include "phone/seize.h"

/* ---- telling --------------------------------------------------------------------------------- */

void phone_call_tell(const struct phone_call *call, struct phone_call_event *event)
{
	event->id = call->id;
	event->line = call->line;
	event->incoming = call->incoming;
	event->peer = call->target;
	event->after_ms = net_now_ms() - call->began_at;
	phone_event_call(call->phone, event);
	if (call->incoming)
		phone_log(PHONE_LOG_INFO, "call %llu from %s: %s", (unsigned long long)call->id,
			  call->target, event->text);
	if (call->on_event)
		call->on_event(call->user, event);
}

/* Is an action of the engine news for a call on its way?  Its own sends are, and what happens to
 * its line, for a registration may have to come first (FAIL-2). */
static bool concerns(const struct phone_call *call, const struct kl_action *action)
{
	if (call->state != PHONE_CALL_STATE_WALKING)
		return false;
	switch (action->type) {
	case KL_DO_SEND:
		return action->send.token == call->id ||
		       (action->send.method == KL_REGISTER && action->send.line == call->line);
	case KL_DO_REPORT:
		return action->report.line == call->line &&
		       action->report.type != KL_REPORT_ROUTES &&
		       action->report.type != KL_REPORT_LOOKUP;
	case KL_DO_QUERY:
	case KL_DO_ABANDON:
	case KL_DO_CLOSE:
	case KL_DO_KEEPALIVE:
	case KL_DO_SUBSCRIPTION:
	case KL_DO_OUTCOME:
		break;
	}
	return false;
}

void phone_calls_note(struct phone *phone, const struct kl_action *action)
{
	struct phone_call *call;
	char text[KL_TEXT_MAX];

	LIST_FOREACH(call, &phone->calls.all, others)
	{
		struct phone_call_event event = {.type = PHONE_CALL_ACTION, .action = action};

		if (!concerns(call, action))
			continue;
		event.text = phone_action_text(phone, action, text);
		phone_call_tell(call, &event);
	}
}

static const char *state_text(enum phone_call_state state)
{
#define STATE_TEXT(name, text) text,
	static const char *const texts[] = {PHONE_CALL_STATES(STATE_TEXT)};
#undef STATE_TEXT

	return texts[state];
}

bool phone_get_call(const struct phone *phone, uint32_t index, struct phone_call_view *view)
{
	const struct phone_call *call = LIST_FIRST(&phone->calls.all);

	for (; call && index; index--)
		call = LIST_NEXT(call, others);
	if (!call)
		return false;
	*view = (struct phone_call_view){
		.id = call->id,
		.line = call->line,
		.incoming = call->incoming,
		.state = state_text(call->state),
		.held = call->is_held,
		.far_held = call->is_far_held,
		.after_ms = net_now_ms() - call->began_at,
	};
	snprintf(view->peer, sizeof view->peer, "%s", call->target);
	if (!call->dialog)
		return true;
	view->route = call->dialog->binding.route;
	view->session_s = call->dialog->session.interval_s;
	return true;
}

/* ---- life ------------------------------------------------------------------------------------ */

static void take_clock(void *user)
{
	phone_call_settle(user);
}

struct phone_call *phone_call_new(struct phone *phone, uint32_t line)
{
	struct phone_call *call = calloc(1, sizeof *call);

	if (!call)
		return NULL;
	call->phone = phone;
	call->id = ++phone->calls.last_id;
	call->line = line;
	call->began_at = net_now_ms();
	sip_session_init(&call->session, phone->config->lines[line].calls.session_ms / 1000);
	LIST_INSERT_HEAD(&phone->calls.all, call, others);
	if (!net_timer_create(&call->clock, phone->loop, (struct net_callback){take_clock, call}))
		return call;
	phone_call_free(call);
	return NULL;
}

/* Early dialogs that a fork left behind are nobody's any more. */
void phone_call_free(struct phone_call *call)
{
	struct phone_dialog *dialog;

	LIST_FOREACH(dialog, &call->phone->dialogs.all, others)
	if (dialog->call == call)
		dialog->call = NULL;
	LIST_REMOVE(call, others);
	if (call->ringing)
		call->phone->calls.ringing--;
	phone_ringing_free(call->ringing);
	phone_call_close_media(call);
	net_timer_free(call->clock);
	free(call->description);
	free(call);
}

struct phone_call *phone_call_find(const struct phone *phone, uint64_t id)
{
	struct phone_call *call;

	LIST_FOREACH(call, &phone->calls.all, others)
	if (call->id == id)
		return call;
	return NULL;
}

void phone_calls_clear(struct phone *phone)
{
	while (!LIST_EMPTY(&phone->calls.all))
		phone_call_free(LIST_FIRST(&phone->calls.all));
}

void phone_calls_carry(struct phone *phone, const struct phone_reload *reload)
{
	struct phone_call *call;

	LIST_FOREACH(call, &phone->calls.all, others)
	call->line = phone_reload_line(reload, call->line);
}

/* ---- ends ------------------------------------------------------------------------------------ */

void phone_call_finish(struct phone_call *call, unsigned status, const char *text)
{
	struct phone *phone = call->phone;
	const struct kl_event ended = {.type = KL_EV_CALL_ENDED, .line = call->line};
	bool counted = call->state != PHONE_CALL_STATE_WALKING;
	struct phone_call_event event = {
		.type = PHONE_CALL_OVER,
		.status = (uint16_t)status,
		.was_up = call->state == PHONE_CALL_STATE_UP,
		.text = text,
	};

	phone_call_tell(call, &event);
	if (call->state == PHONE_CALL_STATE_WALKING)
		phone_seize_release(phone, call->id);
	phone_call_free(call);
	if (counted)
		phone_feed(phone, &ended);
}

void phone_call_ended(struct phone_call *call, const struct phone_dialog *dialog)
{
	if (call->dialog == dialog)
		phone_call_finish(call, 0, "the far end hung up, or is gone");
}

void phone_call_break(struct phone_call *call, const char *reason, const char *text)
{
	struct phone_dialog *dialog = call->dialog;

	dialog->call = NULL;
	phone_dialog_hang_up(dialog, reason);
	phone_call_finish(call, 0, text);
}

static void cancel(struct phone_call *call)
{
	const struct kl_event event = {
		.type = KL_EV_CANCEL, .line = call->line, .request = {.token = call->id}};
	int error;

	call->hangs_up = true;
	error = phone_feed(call->phone, &event); /* its outcome is the call's last event */
	assert(!error);
}

void phone_call_hang_up(struct phone *phone, uint64_t id)
{
	struct phone_call *call = phone_call_find(phone, id);

	if (!call)
		return;
	switch (call->state) {
	case PHONE_CALL_STATE_WALKING:
		cancel(call);
		break;
	case PHONE_CALL_STATE_RINGING:
	case PHONE_CALL_STATE_ANSWERING:
		phone_call_refuse(call, 486, "refused");
		break;
	case PHONE_CALL_STATE_UP:
		phone_call_break(call, NULL, "hung up");
		break;
	}
}

/* Any call of a line that leaves; NULL: there is none. */
static const struct phone_call *find_leaving(const struct phone *phone)
{
	const struct phone_call *call;

	LIST_FOREACH(call, &phone->calls.all, others)
	if (phone_account_find(&phone->accounts, call->line, 0)->leaves)
		return call;
	return NULL;
}

void phone_calls_hang_up(struct phone *phone)
{
	const struct phone_call *call;

	while ((call = find_leaving(phone)))
		phone_call_hang_up(phone, call->id);
}
