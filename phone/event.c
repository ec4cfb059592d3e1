/* event.c - what happens to a phone, as JSON for whoever listens. */
#include "phone/event.h"

#include <stdlib.h>
#include <time.h>

#include "phone/private.h"

void phone_listen(struct phone *phone, struct phone_listener *listener)
{
	LIST_INSERT_HEAD(&phone->listeners.all, listener, others);
}

void phone_unlisten(struct phone_listener *listener)
{
	LIST_REMOVE(listener, others);
}

/* ---- telling --------------------------------------------------------------------------------- */

static void put(json_t *object, const char *key, json_t *value)
{
	json_object_set_new(object, key, value);
}

/* Null for what is no UTF-8. */
static void put_text(json_t *object, const char *key, struct sip_span text)
{
	json_t *value = text.at ? json_stringn(text.at, text.length) : NULL;

	put(object, key, value ? value : json_null());
}

static void put_route(json_t *object, const char *key, const struct kl_route *route)
{
	char text[KL_TEXT_MAX];

	if (route->port)
		put(object, key, json_string(phone_route_text(route, text)));
}

/* NULL: there is no memory. */
static json_t *event_new(const struct phone *phone, const char *name, uint32_t line)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return json_pack("{s:s, s:I, s:I}", "event", name, "time_ms",
			 (json_int_t)now.tv_sec * 1000 + now.tv_nsec / 1000000, "line",
			 (json_int_t)phone->config->lines[line].number);
}

json_t *phone_event_begin(const struct phone *phone, const char *name, uint32_t line)
{
	return LIST_EMPTY(&phone->listeners.all) ? NULL : event_new(phone, name, line);
}

void phone_event_tell(const struct phone *phone, json_t *event)
{
	json_int_t line = json_integer_value(json_object_get(event, "line"));
	char *text = json_dumps(event, JSON_COMPACT);
	struct phone_listener *listener, *next;

	json_decref(event);
	for (listener = LIST_FIRST(&phone->listeners.all); listener && text; listener = next) {
		next = LIST_NEXT(listener, others);
		if (!listener->number || listener->number == line)
			listener->on_event(listener->user, text);
	}
	free(text);
}

/* ---- what the engine decided ----------------------------------------------------------------- */

static const char *report_name(enum kl_report_type type)
{
	switch (type) {
	case KL_REPORT_STATE:
		return "registration";
	case KL_REPORT_MOVE:
	case KL_REPORT_ENTRY:
	case KL_REPORT_CURRENT:
		return "move";
	case KL_REPORT_WORKING:
		return "working";
	case KL_REPORT_FAILBACK:
		return "failback";
	case KL_REPORT_HEALTH:
		return "health";
	case KL_REPORT_WAIT:
	case KL_REPORT_ROUTES:
	case KL_REPORT_LOOKUP:
	case KL_REPORT_LATE:
		break;
	}
	return "report";
}

void phone_event_report(struct phone *phone, const struct kl_action *action)
{
	const struct kl_report *report = &action->report;
	char text[KL_TEXT_MAX];
	json_t *event = phone_event_begin(phone, report_name(report->type), report->line);

	if (!event)
		return;
	put(event, "entry", json_integer(report->entry + 1));
	if (report->type == KL_REPORT_STATE) {
		put(event, "from", json_string(kl_state_name(report->from)));
		put(event, "to", json_string(kl_state_name(report->to)));
		put(event, "registered", json_boolean(report->active));
		put(event, "in_failover", json_boolean(report->in_failover));
	}
	if (report->type == KL_REPORT_MOVE) {
		put(event, "method", json_string(kl_method_name(report->method)));
		put_route(event, "left", &report->left);
	}
	if (report->type == KL_REPORT_HEALTH)
		put(event, "candidate", json_string(kl_candidate_status_name(report->candidate)));
	put_route(event, "route", &report->route);
	put(event, "text", json_string(phone_action_text(phone, action, text)));
	phone_event_tell(phone, event);
}

/* ---- subscriptions --------------------------------------------------------------------------- */

/* NULL: nobody listens, or there is no memory. */
static json_t *subscription_event(const struct phone *phone, const char *name,
				  const struct phone_subscription *subscription)
{
	json_t *event = phone_event_begin(phone, name, subscription->line);

	if (!event)
		return NULL;
	put(event, "subscription", json_integer((json_int_t)subscription->id));
	put(event, "package", json_string(subscription->event));
	put(event, "resource", json_string(subscription->target));
	return event;
}

void phone_event_subscription(struct phone *phone, const struct phone_subscription *subscription)
{
	const struct kl_action action = {.type = KL_DO_SUBSCRIPTION,
					 .subscription = subscription->last};
	json_t *event = subscription_event(phone, "subscription", subscription);
	char text[KL_TEXT_MAX];

	if (!event)
		return;
	put(event, "from", json_string(kl_subscription_state_name(subscription->last.from)));
	put(event, "to", json_string(kl_subscription_state_name(subscription->last.to)));
	put_route(event, "route", &subscription->last.binding.route);
	put(event, "text", json_string(phone_action_text(phone, &action, text)));
	phone_event_tell(phone, event);
}

void phone_event_notify(struct phone *phone, const struct phone_subscription *subscription,
			const struct sip_message *notify, const struct kl_event_notify *told)
{
	const struct sip_header *type = sip_message_header(notify, SIP_CONTENT_TYPE, 0);
	json_t *event = subscription_event(phone, "notify", subscription);

	if (!event)
		return;
	put(event, "state", json_string(kl_notified_state_name(told->state)));
	if (told->ending != KL_ENDING_NONE)
		put(event, "reason", json_string(kl_ending_name(told->ending)));
	phone_notice_put(&subscription->notice, event);
	if (notify->body.length) {
		put_text(event, "content_type", type ? type->value : (struct sip_span){NULL, 0});
		put(event, "length", json_integer((json_int_t)notify->body.length));
	}
	if (notify->body.length && notify->body.length <= PHONE_EVENT_BODY_MAX)
		put_text(event, "body", notify->body);
	phone_event_tell(phone, event);
}

/* ---- calls ----------------------------------------------------------------------------------- */

json_t *phone_event_of_call(const struct phone *phone, const struct phone_call_event *event)
{
	static const char *const steps[] = {
#define STEP_NAME(name, text) text,
		PHONE_CALL_EVENTS(STEP_NAME)
#undef STEP_NAME
	};
	json_t *told = event_new(phone, "call", event->line);

	if (!told)
		return NULL;
	put(told, "call", json_integer((json_int_t)event->id));
	put(told, "incoming", json_boolean(event->incoming));
	put_text(told, "peer", sip_span_of(event->peer));
	put(told, "step", json_string(steps[event->type]));
	put(told, "after_ms", json_integer((json_int_t)event->after_ms));
	if (event->status)
		put(told, "status", json_integer(event->status));
	if (event->type == PHONE_CALL_OVER)
		put(told, "was_up", json_boolean(event->was_up));
	if (event->type == PHONE_CALL_DIGIT)
		put(told, "digit", json_stringn(&event->digit, 1));
	put_route(told, "route", &event->route);
	put_text(told, "text", sip_span_of(event->text));
	return told;
}

/* What happens to its line meanwhile is told by phone_event_report(), once for all. */
void phone_event_call(struct phone *phone, const struct phone_call_event *event)
{
	bool is_of_line = event->type == PHONE_CALL_ACTION && event->action->type == KL_DO_REPORT;

	if (!is_of_line && !LIST_EMPTY(&phone->listeners.all))
		phone_event_tell(phone, phone_event_of_call(phone, event));
}
