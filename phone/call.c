/* call.c - the calls that somebody placed. */
#include "phone/call.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "phone/private.h"

/* ---- telling --------------------------------------------------------------------------------- */

static void tell(const struct phone_call *call, struct phone_call_event *event)
{
	event->after_ms = net_now_ms() - call->began_at;
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
		tell(call, &event);
	}
}

/* ---- life ------------------------------------------------------------------------------------ */

void phone_call_begin_anew(struct phone_call *call, uint32_t number)
{
	for (; call->call_ids < number; call->call_ids++) {
		phone_draw_id(call->call_id);
		phone_draw_id(call->tag);
	}
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
	struct phone_call *call;

	while ((call = LIST_FIRST(&phone->calls.all))) {
		LIST_REMOVE(call, others);
		free(call);
	}
}

void phone_calls_carry(struct phone *phone, const struct phone_reload *reload)
{
	struct phone_call *call;

	LIST_FOREACH(call, &phone->calls.all, others)
	call->line = phone_reload_line(reload, call->line);
}

/* The last word on a call. */
static void finish(struct phone_call *call, uint16_t status, const char *text)
{
	struct phone_call_event event = {
		.type = PHONE_CALL_OVER,
		.status = status,
		.was_up = call->state == PHONE_CALL_STATE_UP,
		.text = text,
	};

	LIST_REMOVE(call, others);
	tell(call, &event);
	free(call);
}

/* An answered call ends: the engine's count of them, and who listens, are told. */
static void finish_answered(struct phone_call *call, const char *text)
{
	struct phone *phone = call->phone;
	const struct kl_event event = {.type = KL_EV_CALL_ENDED, .line = call->line};

	finish(call, 0, text);
	phone_feed(phone, &event);
}

void phone_call_ended(struct phone_call *call)
{
	finish_answered(call, "the far end hung up, or is gone");
}

void phone_call_outcome(struct phone *phone, const struct kl_action_outcome *outcome)
{
	struct phone_call *call = phone_call_find(phone, outcome->token);
	struct phone_call_event up = {.type = PHONE_CALL_UP,
				      .route = outcome->binding.route,
				      .status = outcome->status,
				      .text = "the call is up"};
	char text[KL_TEXT_MAX];

	if (!call)
		return;
	if (outcome->status / 100 == 2 && call->dialog) {
		call->state = PHONE_CALL_STATE_UP;
		call->dialog->binding = outcome->binding;
		tell(call, &up);
		return;
	}
	finish(call, outcome->status, kl_format_outcome(text, sizeof text, outcome, NULL));
}

void phone_call_answered(struct phone *phone, uint64_t id, const struct kl_route *route,
			 const struct sip_message *response)
{
	const struct phone_call *call = phone_call_find(phone, id);
	char place[KL_TEXT_MAX], text[KL_TEXT_MAX + 128];
	struct phone_call_event event = {.type = PHONE_CALL_ANSWER,
					 .route = *route,
					 .status = response->status,
					 .text = text};

	if (!call)
		return;
	snprintf(text, sizeof text, "%u %.64s from %s", response->status,
		 sip_reason_phrase(response->status), phone_route_text(route, place));
	tell(call, &event);
}

const char *phone_call_uri(const struct phone_call *call, const struct kl_route *route)
{
	return phone_route_equal(&call->redirect.route, route) ? call->redirect.uri : call->target;
}

/* ---- from outside ---------------------------------------------------------------------------- */

static bool make_target(struct phone_call *call, const struct phone_account *account,
			const char *target)
{
	bool has_scheme = !strncasecmp(target, "sip:", 4);
	bool other_scheme = !has_scheme && target[strcspn(target, ":@")] == ':';
	char aor[PHONE_URI_MAX];
	const char *domain;
	struct sip_uri uri;
	int length;

	phone_account_aor(account, aor);
	domain = strchr(target, '@') || has_scheme ? "" : strchr(aor, '@');
	length = snprintf(call->target, sizeof call->target, "%s%s%s",
			  has_scheme ? "" : "sip:", target, domain);
	return *target && !other_scheme && phone_is_uri_text(target) && length > 0 &&
	       (size_t)length < sizeof call->target &&
	       !sip_uri_parse(&uri, sip_span_of(call->target)) && uri.is_sip && !uri.is_secure &&
	       !uri.headers.at;
}

static int refuse(int error, struct phone_call *call, const char *why_text, char why[PHONE_WHY_MAX])
{
	free(call);
	snprintf(why, PHONE_WHY_MAX, "%s", why_text);
	return error;
}

int phone_call_place(struct phone *phone, const struct phone_call_order *order, uint64_t *id,
		     char why[PHONE_WHY_MAX])
{
	struct phone_call *call;
	struct kl_event event = {.type = KL_EV_REQUEST, .line = order->line};
	int error;

	*id = 0;
	if (order->line >= phone->config->engine.line_count)
		return refuse(-EINVAL, NULL, "there is no such line", why);
	call = calloc(1, sizeof *call);
	if (!call)
		return refuse(-ENOMEM, NULL, "out of memory", why);
	if (!make_target(call, phone_account_find(&phone->accounts, order->line, 0), order->target))
		return refuse(-EINVAL, call, "the target is no SIP URI", why);
	call->phone = phone;
	call->id = *id = ++phone->calls.last_id;
	call->line = order->line;
	call->began_at = net_now_ms();
	call->session = phone_draw() >> 1;
	call->on_event = order->on_event;
	call->user = order->user;
	phone_call_begin_anew(call, 1);
	LIST_INSERT_HEAD(&phone->calls.all, call, others);
	event.request = (struct kl_event_request){.token = call->id, .method = KL_INVITE};
	error = phone_feed(phone, &event);
	if (error >= 0)
		return 0;
	LIST_REMOVE(call, others);
	*id = 0;
	return refuse(error == KL_EFULL ? -EBUSY : -EINVAL, call,
		      error == KL_EFULL ? "too many requests are under way"
					: "the line is not started",
		      why);
}

void phone_call_hang_up(struct phone *phone, uint64_t id)
{
	struct phone_call *call = phone_call_find(phone, id);
	struct kl_event cancel = {.type = KL_EV_CANCEL, .request = {.token = id}};
	struct phone_dialog *dialog;

	if (!call)
		return;
	if (call->state == PHONE_CALL_STATE_WALKING) {
		cancel.line = call->line;
		int error = phone_feed(phone, &cancel); /* its outcome is the call's last event */

		assert(!error);
		return;
	}
	dialog = call->dialog;
	dialog->call = NULL;
	phone_dialog_hang_up(dialog);
	finish_answered(call, "hung up");
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
