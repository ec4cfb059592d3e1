/* subscription.c - subscriptions: which there are, and their dialogs. */
#include "phone/subscription.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "phone/event.h"
#include "phone/log.h"
#include "phone/private.h"
#include "phone/request.h"

/* RFC 6665 4.1.2.4: how long a NOTIFY is waited for after a SUBSCRIBE. */
enum { TIMER_N_MS = 64 * 500 };

/* ---- the table ------------------------------------------------------------------------------- */

static void subscription_free(struct phone_subscription *subscription)
{
	LIST_REMOVE(subscription, others);
	if (!subscription->seizes)
		subscription->phone->subscriptions.count--;
	net_timer_free(subscription->end);
	free(subscription->dialog);
	free(subscription);
}

void phone_subscriptions_clear(struct phone *phone)
{
	while (!LIST_EMPTY(&phone->subscriptions.all))
		subscription_free(LIST_FIRST(&phone->subscriptions.all));
}

struct phone_subscription *phone_subscription_find(const struct phone *phone, uint64_t id,
						   bool seizes)
{
	struct phone_subscription *subscription;

	LIST_FOREACH(subscription, &phone->subscriptions.all, others)
	if (subscription->id == id && subscription->seizes == seizes)
		return subscription;
	return NULL;
}

struct phone_subscription *phone_subscription_of(const struct phone *phone,
						 const struct sip_message *notify)
{
	struct phone_subscription *subscription;

	LIST_FOREACH(subscription, &phone->subscriptions.all, others)
	if (sip_span_equal(notify->to.tag, sip_span_of(subscription->tag)) &&
	    sip_span_equal(notify->call_id, sip_span_of(subscription->call_id)))
		return subscription;
	return NULL;
}

/* Names of a dialog that is to be made: what comes for the one before gets 481. */
static void renew(struct phone_subscription *subscription)
{
	free(subscription->dialog);
	subscription->dialog = NULL;
	subscription->notified = false;
	phone_draw_id(subscription->call_id);
	phone_draw_id(subscription->tag);
	subscription->proof = phone_draw();
}

/* RFC 6665 4.1.2.4: a server that accepted a subscription and says nothing in it has none. */
static void tell_silent(const struct phone_subscription *subscription)
{
	const struct kl_event event = {.type = KL_EV_NOTIFY,
				       .notify = {.token = subscription->id,
						  .state = KL_NOTIFIED_TERMINATED,
						  .ending = KL_ENDING_TIMEOUT}};

	phone_log(PHONE_LOG_NOTICE, "no NOTIFY came for %s of %s", subscription->event,
		  subscription->target);
	phone_feed(subscription->phone, &event);
}

static void take_end(void *user)
{
	struct phone_subscription *subscription = user;

	if (subscription->seizes)
		subscription_free(subscription);
	else
		tell_silent(subscription);
}

static struct phone_subscription *subscription_new(struct phone *phone, uint32_t line,
						   const char *event)
{
	struct phone_subscription *subscription = calloc(1, sizeof *subscription);

	if (!subscription)
		return NULL;
	subscription->phone = phone;
	subscription->line = line;
	snprintf(subscription->event, sizeof subscription->event, "%s", event);
	renew(subscription);
	if (net_timer_create(&subscription->end, phone->loop,
			     (struct net_callback){take_end, subscription})) {
		free(subscription);
		return NULL;
	}
	LIST_INSERT_HEAD(&phone->subscriptions.all, subscription, others);
	return subscription;
}

/* SUBS-3: the dialog of a line-seize lasts as long as its server was asked for. */
static struct phone_subscription *seize_for(struct phone *phone, const struct kl_action_send *send)
{
	struct phone_subscription *seize = phone_subscription_find(phone, send->token, true);

	if (!seize) {
		seize = subscription_new(phone, send->line, "line-seize");
		if (!seize)
			return NULL;
		seize->seizes = true;
		seize->id = send->token;
		if (!phone_write_target(
			    phone_account_find(&phone->accounts, send->line, send->entry), "",
			    seize->target)) {
			subscription_free(seize);
			return NULL;
		}
	}
	if (send->attempt == 1 && seize->dialog)
		renew(seize); /* the call asks once more (RFC 4028 7.3) */
	seize->binding = (struct kl_binding){.line = send->line, .entry = send->entry};
	seize->cseq = send->cseq;
	seize->runs_out_at_ms = net_now_ms() + send->expires_ms;
	net_timer_set(seize->end, seize->runs_out_at_ms + TIMER_N_MS);
	return seize;
}

struct phone_subscription *phone_subscription_for(struct phone *phone,
						  const struct kl_action_send *send)
{
	return send->purpose == KL_FOR_SEIZE ? seize_for(phone, send)
					     : phone_subscription_find(phone, send->token, false);
}

/* ---- asking and leaving ---------------------------------------------------------------------- */

static int refuse(int error, const char *text, char why[PHONE_WHY_MAX])
{
	snprintf(why, PHONE_WHY_MAX, "%s", text);
	return error;
}

int phone_subscribe(struct phone *phone, const struct phone_subscribe_order *order, uint64_t *id,
		    char why[PHONE_WHY_MAX])
{
	struct kl_event event = {.type = KL_EV_SUBSCRIBE, .line = order->line};
	struct phone_subscription *subscription;
	const struct phone_account *account;
	int error;

	*id = 0;
	if (order->line >= phone->config->engine.line_count)
		return refuse(-EINVAL, "there is no such line", why);
	if (!sip_span_is_token(sip_span_of(order->event)) || strlen(order->event) > PHONE_EVENT_MAX)
		return refuse(-EINVAL, "the event is no word of at most 63 letters", why);
	account = phone_account_find(&phone->accounts, order->line, 0);
	if (phone->subscriptions.count >= PHONE_SUBSCRIPTIONS_MAX)
		return refuse(-EBUSY, "too many subscriptions are there", why);
	subscription = subscription_new(phone, order->line, order->event);
	if (!subscription)
		return refuse(-ENOMEM, "out of memory", why);
	phone->subscriptions.count++;
	subscription->configured = order->configured;
	subscription->owner = order->owner;
	subscription->id = *id = ++phone->calls.last_id;
	subscription->state = KL_SUB_WAITING;
	event.subscribe = (struct kl_event_subscribe){
		.token = subscription->id,
		.expires_ms = order->expires_ms ? order->expires_ms
						: account->line->subscribe_expires_ms};
	if (!phone_write_target(account, order->target, subscription->target))
		error = refuse(-EINVAL, "the target is no SIP URI", why);
	else if (phone_feed(phone, &event) == KL_OK)
		return 0;
	else
		error = refuse(-EBUSY, "the line is not started, or the engine has no room", why);
	*id = 0;
	subscription_free(subscription);
	return error;
}

static void leave(struct phone_subscription *subscription)
{
	const struct kl_event event = {.type = KL_EV_UNSUBSCRIBE,
				       .line = subscription->line,
				       .subscribe = {.token = subscription->id}};

	subscription->configured = false;
	subscription->unasked = true;
	phone_feed(subscription->phone, &event);
}

int phone_unsubscribe(struct phone *phone, uint64_t id)
{
	struct phone_subscription *subscription = phone_subscription_find(phone, id, false);

	if (!subscription)
		return -ENOENT;
	if (subscription->state == KL_SUB_ENDED)
		subscription_free(subscription);
	else
		leave(subscription);
	return 0;
}

/* The first one that is still asked for, and of which IS is true.  To end it may end others, too:
 * so who ends several looks anew each time. */
static struct phone_subscription *
find_asked(const struct phone *phone,
	   bool (*is)(const struct phone_subscription *subscription, const void *context),
	   const void *context)
{
	struct phone_subscription *subscription;

	LIST_FOREACH(subscription, &phone->subscriptions.all, others)
	if (!subscription->seizes && !subscription->unasked && is(subscription, context))
		return subscription;
	return NULL;
}

static bool is_owned(const struct phone_subscription *subscription, const void *owner)
{
	return subscription->owner == owner;
}

void phone_unsubscribe_all(struct phone *phone, const void *owner)
{
	const struct phone_subscription *subscription;

	while ((subscription = find_asked(phone, is_owned, owner)))
		phone_unsubscribe(phone, subscription->id);
}

static bool is_leaving(const struct phone_subscription *subscription, const void *nothing)
{
	(void)nothing;
	return phone_account_find(&subscription->phone->accounts, subscription->line, 0)->leaves;
}

void phone_subscriptions_leave(struct phone *phone)
{
	const struct phone_subscription *subscription;

	while ((subscription = find_asked(phone, is_leaving, NULL)))
		phone_unsubscribe(phone, subscription->id);
}

bool phone_subscriptions_busy(const struct phone *phone)
{
	const struct phone_subscription *subscription;

	LIST_FOREACH(subscription, &phone->subscriptions.all, others)
	if (subscription->state == KL_SUB_LEAVING && is_leaving(subscription, NULL))
		return true;
	return false;
}

/* ---- what a file asks for -------------------------------------------------------------------- */

/* Without a resource it is the line's own. */
static bool is_what(const struct phone_subscription *subscription,
		    const struct config_subscription *wanted, const struct phone_account *account)
{
	char target[sizeof subscription->target];

	return subscription->configured && !strcmp(subscription->event, wanted->event) &&
	       phone_write_target(account, wanted->resource, target) &&
	       !strcmp(subscription->target, target);
}

/* Does a file have it no more?  ACCOUNT is one of its line. */
static bool is_surplus(const struct phone_subscription *subscription, const void *account_of_line)
{
	const struct phone_account *account = account_of_line;

	if (!subscription->configured || subscription->line != account->line_index)
		return false;
	for (uint32_t i = 0; i < account->line->subscription_count; i++)
		if (is_what(subscription, &account->line->subscriptions[i], account))
			return false;
	return true;
}

static bool is_there(const struct phone *phone, uint32_t line,
		     const struct config_subscription *wanted, const struct phone_account *account)
{
	const struct phone_subscription *subscription;

	LIST_FOREACH(subscription, &phone->subscriptions.all, others)
	if (subscription->line == line && is_what(subscription, wanted, account))
		return true;
	return false;
}

void phone_subscriptions_reconcile(struct phone *phone, uint32_t line)
{
	const struct phone_account *account = phone_account_find(&phone->accounts, line, 0);
	const struct phone_subscription *subscription;
	char why[PHONE_WHY_MAX];
	uint64_t id;

	while ((subscription = find_asked(phone, is_surplus, account)))
		phone_unsubscribe(phone, subscription->id);
	for (uint32_t i = 0; i < account->line->subscription_count; i++) {
		const struct config_subscription *wanted = &account->line->subscriptions[i];
		const struct phone_subscribe_order order = {.line = line,
							    .event = wanted->event,
							    .target = wanted->resource,
							    .expires_ms = wanted->expires_ms,
							    .configured = true};

		if (!is_there(phone, line, wanted, account) &&
		    phone_subscribe(phone, &order, &id, why))
			phone_log(PHONE_LOG_WARNING, "line %u is not subscribed to %s of %s: %s",
				  account->line->number, wanted->event, wanted->resource, why);
	}
}

void phone_subscriptions_carry(struct phone *phone, const struct phone_reload *reload)
{
	struct phone_subscription *subscription, *next;

	for (subscription = LIST_FIRST(&phone->subscriptions.all); subscription;
	     subscription = next) {
		next = LIST_NEXT(subscription, others);
		subscription->line = phone_reload_line(reload, subscription->line);
		if (subscription->line == KL_NO_LINE)
			subscription_free(subscription);
	}
}

/* ---- what the engine decides ----------------------------------------------------------------- */

void phone_subscription_act(struct phone *phone, const struct kl_action_subscription *action)
{
	struct phone_subscription *subscription =
		phone_subscription_find(phone, action->token, false);

	if (!subscription)
		return;
	subscription->state = action->to;
	subscription->last = *action;
	subscription->has_last = true;
	net_timer_set(subscription->end, action->to == KL_SUB_ACTIVE && !subscription->notified
						 ? net_now_ms() + TIMER_N_MS
						 : NET_NEVER);
	switch (action->to) {
	case KL_SUB_WAITING:
	case KL_SUB_SUBSCRIBING:
		renew(subscription);
		break;
	case KL_SUB_REFRESHING:
	case KL_SUB_LEAVING: /* TRIG-8: its challenges are first ones */
		subscription->proof = phone_draw();
		break;
	case KL_SUB_ACTIVE:
		break;
	case KL_SUB_ENDED:
		renew(subscription);
		break;
	}
	phone_event_subscription(phone, subscription);
	if (action->to == KL_SUB_ENDED && !subscription->configured)
		subscription_free(subscription);
}

/* ---- dialogs --------------------------------------------------------------------------------- */

/* The dialog of a 2xx; one that a NOTIFY made before it stays, if that came from the same server:
 * then this one is of a fork (RFC 6665 4.4.1). */
static int make_dialog(struct phone_subscription *subscription, const struct phone_hop *hop,
		       const struct sip_message *request, const struct sip_message *response)
{
	struct sip_dialog made;
	int error = sip_dialog_from_response(&made, request, response);
	bool same_server =
		!memcmp(subscription->dialog_from.ip, hop->route.ip, sizeof hop->route.ip);

	if (subscription->dialog && (error || same_server))
		return 0;
	if (error)
		return error;
	if (!subscription->dialog)
		subscription->dialog = malloc(sizeof made);
	if (!subscription->dialog)
		return SIP_EMEMORY;
	*subscription->dialog = made;
	subscription->dialog_from = hop->route;
	subscription->notified = false;
	return 0;
}

bool phone_subscription_accept(struct phone_subscription *subscription, const struct phone_hop *hop,
			       const struct sip_message *request,
			       const struct sip_message *response)
{
	char route[KL_TEXT_MAX];
	int error;

	if (request->to.tag.at) {
		if (subscription->dialog)
			sip_dialog_refresh(subscription->dialog, response);
		return true;
	}
	error = make_dialog(subscription, hop, request, response);
	if (error)
		phone_log(PHONE_LOG_WARNING, "the %u from %s makes no subscription: %s",
			  response->status, phone_route_text(&hop->route, route),
			  sip_strerror(error));
	subscription->binding.route = hop->route;
	return !error;
}
