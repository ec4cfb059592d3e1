/* notify.c - NOTIFY requests: checked, answered, told to the engine and to who listens. */
#include <stdlib.h>
#include <string.h>

#include "phone/event.h"
#include "phone/log.h"
#include "phone/private.h"
#include "phone/request.h"

enum {
	/* A subscription may send so many at once, and so many each second on the average.  RFC
	 * 4235 3.10 and the like have one in a second at most. */
	BURST_MAX = 40,
	EACH_SECOND = 4,
};

/* ---- how many -------------------------------------------------------------------------------- */

bool phone_notify_has_room(struct phone_subscription *subscription)
{
	uint64_t now_ms = net_now_ms();
	uint64_t more = (now_ms - subscription->room_at_ms) * EACH_SECOND / 1000;

	if (!subscription->room_at_ms || subscription->room + more >= BURST_MAX) {
		subscription->room = BURST_MAX;
		subscription->room_at_ms = now_ms;
	} else if (more) {
		subscription->room += (unsigned)more;
		subscription->room_at_ms = now_ms;
	}
	if (subscription->room) {
		subscription->room--;
		return true;
	}
	phone_count_flooded(subscription->phone);
	return false;
}

/* ---- what it says ---------------------------------------------------------------------------- */

static kl_ms seconds_of(struct sip_span params, const char *name)
{
	struct sip_span text;
	uint32_t seconds = 0;

	if (sip_param_find(params, name, &text) && text.at)
		sip_span_number(text, UINT32_MAX, &seconds);
	return (kl_ms)seconds * 1000;
}

static enum kl_ending ending_of(struct sip_span params)
{
	struct sip_span word;

	if (sip_param_find(params, "reason", &word) && word.at)
		for (int i = 0; i < KL_ENDINGS_MAX; i++)
			if (sip_span_is(word, kl_ending_name((enum kl_ending)i)))
				return (enum kl_ending)i;
	return KL_ENDING_NONE;
}

/* RFC 6665 4.1.3.  Of a state that nobody knows no more is taken than that there is something to
 * come: as of one that is pending.  False: there is no Subscription-State. */
static bool read_state(const struct sip_message *notify, struct kl_event_notify *event)
{
	const struct sip_header *header = sip_message_header(notify, SIP_SUBSCRIPTION_STATE, 0);
	struct sip_span params, word;

	if (!header)
		return false;
	word = sip_span_trim(sip_span_cut(header->value, ';', &params));
	event->state = KL_NOTIFIED_PENDING;
	if (sip_span_is(word, "active"))
		event->state = KL_NOTIFIED_ACTIVE;
	else if (sip_span_is(word, "terminated"))
		event->state = KL_NOTIFIED_TERMINATED;
	if (event->state == KL_NOTIFIED_TERMINATED) {
		event->ending = ending_of(params);
		event->retry_after_ms = seconds_of(params, "retry-after");
	} else {
		event->expires_ms = seconds_of(params, "expires");
	}
	return true;
}

/* RFC 6665 8.2.1: byte by byte, with the id; ours have none. */
static bool is_of_event(const struct sip_message *notify, const char *event)
{
	const struct sip_header *header = sip_message_header(notify, SIP_EVENT, 0);
	struct sip_span params, name;

	if (!header)
		return false;
	name = sip_span_trim(sip_span_cut(header->value, ';', &params));
	return sip_span_equal(name, sip_span_of(event)) &&
	       !(params.at && sip_param_find(params, "id", NULL));
}

/* ---- dialogs --------------------------------------------------------------------------------- */

/* RFC 6665 4.4.1: a NOTIFY makes the dialog; until one came, that of the 2xx gives way.
 * 0, or the status to refuse it with. */
static unsigned enter_dialog(struct phone_subscription *subscription,
			     const struct phone_incoming *incoming)
{
	const struct sip_message *notify = incoming->request;
	struct sip_dialog made;

	if (subscription->dialog && sip_dialog_matches(subscription->dialog, notify))
		return sip_dialog_receive(subscription->dialog, notify) ? 500 : 0;
	/* RFC 6665 5.4.9: the first one is kept, every other one of a fork is ended. */
	if (subscription->notified ||
	    (!subscription->seizes && subscription->state != KL_SUB_SUBSCRIBING &&
	     subscription->state != KL_SUB_ACTIVE))
		return 481;
	if (sip_dialog_from_request(&made, notify, subscription->tag))
		return 400;
	if (!subscription->dialog)
		subscription->dialog = malloc(sizeof made);
	if (!subscription->dialog)
		return 500;
	*subscription->dialog = made;
	subscription->dialog_from = phone_route_of(&incoming->source, incoming->transport);
	return 0;
}

/* ---- one NOTIFY ------------------------------------------------------------------------------ */

static void refuse(struct phone *phone, const struct phone_incoming *incoming, unsigned status)
{
	struct sip_builder builder;

	phone_reply_begin(phone, incoming, status, &builder);
	if (status == 489)
		sip_builder_header(&builder, "Allow-Events", "%s", PHONE_EVENTS_KNOWN);
	sip_builder_header(&builder, "User-Agent", "%s", PHONE_USER_AGENT);
	phone_reply_send(phone, incoming, status, sip_builder_finish(&builder));
}

unsigned phone_notify_refusal(const struct sip_message *notify)
{
	return sip_message_header(notify, SIP_EVENT, 0) ? 481 : 489;
}

/* The answer goes first: what the engine makes of it may end the dialog. */
static void take_good(struct phone_subscription *subscription,
		      const struct phone_incoming *incoming, const struct kl_event_notify *told)
{
	struct phone *phone = subscription->phone;
	const struct kl_event event = {.type = KL_EV_NOTIFY, .notify = *told};

	subscription->notified = true;
	if (!subscription->seizes)
		net_timer_set(subscription->end, NET_NEVER);
	subscription->notified_state = told->state;
	subscription->notifies++;
	phone_notice_read(&subscription->notice, subscription->event, incoming->request);
	phone_reply(phone, incoming, 200);
	phone_event_notify(phone, subscription, incoming->request, told);
	if (!subscription->seizes)
		phone_feed(phone, &event);
}

void phone_notify_take(struct phone_subscription *subscription,
		       const struct phone_incoming *incoming)
{
	struct phone *phone = subscription->phone;
	struct kl_event_notify told = {.token = subscription->id};
	unsigned status;

	if (!is_of_event(incoming->request, subscription->event)) {
		refuse(phone, incoming, 489);
		return;
	}
	if (!read_state(incoming->request, &told)) {
		phone_reply(phone, incoming, 400);
		return;
	}
	status = enter_dialog(subscription, incoming);
	if (status)
		phone_reply(phone, incoming, status);
	else
		take_good(subscription, incoming, &told);
}
