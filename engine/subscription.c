#include "engine/subscription.h"

#include "engine/outcome.h"
#include "engine/registration.h"
#include "engine/request.h"
#include "engine/route.h"
#include "engine/schedule.h"
#include "engine/seize.h"
#include "engine/timing.h"
#include "engine/walk.h"

enum { OWES_SUBSCRIPTION = 1 };

/* A request that finds no place is tried again so long after, if none has become free before. */
static const kl_ms place_wait_ms = 1000;

/* A dialog that lived so long is no sign of a server that takes subscriptions only to end them. */
static const kl_ms lived_ms = 10000;

/* Whatever a server grants, it is not asked more often than this. */
static const kl_ms granted_least_ms = 1000;

static const struct reason registration_moved = {
	.why = KL_WHY_REGISTRATION_MOVED, .rule = KL_POLICY_resubscribe_on_move, .pos = NO_POS};

/* ---- places ---- */

void subscription_init(struct kl_engine *e)
{
	e->free_subscription = NONE;
	for (uint32_t s = e->config->limits.subscriptions; s-- > 0;) {
		subscription_at(e, s)->next = e->free_subscription;
		subscription_at(e, s)->state = KL_SUB_ENDED;
		e->free_subscription = s;
	}
}

static void subscription_free(struct kl_engine *e, uint32_t s)
{
	struct subscription *sub = subscription_at(e, s);
	uint32_t *at = &line_at(e, sub->line)->first_subscription;
	while (*at != s)
		at = &subscription_at(e, *at)->next;
	*at = sub->next;
	sub->next = e->free_subscription;
	e->free_subscription = s;
}

/* ---- states ---- */

static void subscription_schedule(struct kl_engine *e, uint32_t s)
{
	const struct subscription *sub = subscription_at(e, s);
	bool waits = sub->state == KL_SUB_WAITING || sub->state == KL_SUB_ACTIVE;
	kl_ms at = waits ? sub->due_at : KL_NEVER;
	/* RFC 6665 4.1.2.2: one that is not refreshed in time is over, whatever is on its way. */
	if (sub->state == KL_SUB_REFRESHING)
		at = sub->expires_at;
	schedule_set(e, subscription_node(e, s),
		     registration_frozen(e, sub->registration) ? KL_NEVER : at);
}

/* REASON is what people are told; NULL: what led to the state before goes on. */
static void subscription_enter(struct kl_engine *e, uint32_t s, enum kl_subscription_state state,
			       kl_ms due_at, const struct reason *reason)
{
	struct subscription *sub = subscription_at(e, s);
	sub->state = (uint8_t)state;
	sub->due_at = due_at;
	if (reason)
		sub->reason = *reason;
	owe(e, subscription_node(e, s), OWES_SUBSCRIPTION);
	subscription_schedule(e, s);
}

/* Takes back the SUBSCRIBE that is under way, if there is one. */
static void subscription_stop(struct kl_engine *e, uint32_t s)
{
	struct subscription *sub = subscription_at(e, s);
	uint32_t w = sub->walk;
	if (w == NONE)
		return;
	sub->walk = NONE;
	sub->cseq = walk_at(e, w)->cseq;
	request_at(e, w)->owned = NONE;
	request_finish(e, w, &(struct reason){.why = KL_WHY_CANCELLED, .pos = NO_POS});
}

static void subscription_end(struct kl_engine *e, uint32_t s, const struct reason *reason)
{
	subscription_stop(e, s);
	subscription_at(e, s)->made_at = KL_NEVER;
	subscription_enter(e, s, KL_SUB_ENDED, KL_NEVER, reason);
}

/* Its dialog, if it has one, is dead: a new one is made at DUE_AT. */
static void subscription_void(struct kl_engine *e, uint32_t s, kl_ms due_at,
			      const struct reason *reason)
{
	subscription_stop(e, s);
	subscription_at(e, s)->made_at = KL_NEVER;
	subscription_enter(e, s, KL_SUB_WAITING, due_at, reason);
}

/* RFC 6665 leaves the wait between tries open: it is the back-off of a registration.  BACK-1 */
static kl_ms subscription_backoff_ms(struct kl_engine *e, uint32_t s, kl_ms retry_after_ms)
{
	struct subscription *sub = subscription_at(e, s);
	const struct kl_policy *policy = registration_policy(e, sub->registration);
	kl_ms least_ms, most_ms;
	kl_policy_backoff(policy, sub->failures++, &least_ms, &most_ms);
	if (retry_after_ms)
		return earlier(retry_after_ms, policy->retry_after_max_ms);
	return random_between(e, least_ms, most_ms);
}

/* ---- where it belongs ---- */

/* A subscription waits for the registration that it goes by, and starts none in a back-off: only a
 * user's call does that (FALL-4).  FAIL-2 */
static bool registration_carries(const struct kl_engine *e, uint32_t r)
{
	const struct registration *reg = registration_at(e, r);
	if (!registration_config(e, r)->registers)
		return true;
	if (!registration_reregisters(e, r))
		return reg->active;
	return reg->active && (reg->state == KL_REGISTERED || reg->state == KL_REFRESHING);
}

/* Was its last SUBSCRIBE to another route than the one that R is registered with?  With shared
 * servers a dialog stays where it was made, unless the registration follows calls.  FAIL-6, SUBS-1,
 * OWN-8 */
static bool subscription_elsewhere(const struct kl_engine *e, uint32_t s, uint32_t r)
{
	const struct subscription *sub = subscription_at(e, s);
	if (sub->registration != r)
		return true;
	return (registration_reregisters(e, r) || registration_policy(e, r)->register_follows) &&
	       !sub->redirected && sub->pos != registration_at(e, r)->current;
}

static bool subscription_left_behind(const struct kl_engine *e, uint32_t s, uint32_t r)
{
	return subscription_has_dialog(subscription_at(e, s)) && registration_carries(e, r) &&
	       subscription_elsewhere(e, s, r);
}

/* Yealink: failback_subscribe.enable: at once; else when its refresh is due.  SUBS-1 */
static bool subscription_follows(const struct kl_engine *e, uint32_t s, uint32_t r)
{
	return registration_policy(e, r)->resubscribe_on_move && subscription_left_behind(e, s, r);
}

/* ---- SUBSCRIBE ---- */

/* Half of the walks are left to the host's own requests. */
static uint32_t subscription_open(struct kl_engine *e, uint32_t s, uint32_t r)
{
	struct subscription *sub = subscription_at(e, s);
	uint32_t places = e->config->limits.walks - e->registration_count;
	if (e->walk_count >= (places + 1) / 2)
		return NONE;
	uint32_t w = walk_open_request(e, r, KL_SUBSCRIBE);
	if (w == NONE)
		return NONE;
	struct request *request = request_at(e, w);
	request->owner = OWNER_SUBSCRIPTION;
	request->owned = s;
	request->token = sub->token;
	request->first_entry = registration_at(e, r)->entry;
	walk_at(e, w)->cseq = sub->cseq + 1;
	if (sub->registration != r)
		sub->reason.pos = NO_POS; /* it was a place in another set */
	sub->walk = w;
	sub->registration = r;
	return w;
}

static void subscription_make(struct kl_engine *e, uint32_t s)
{
	struct subscription *sub = subscription_at(e, s);
	uint32_t r = request_first_entry(e, sub->line, KL_SUBSCRIBE);
	if (!registration_carries(e, r)) {
		subscription_enter(e, s, KL_SUB_WAITING, KL_NEVER, NULL);
		return;
	}
	uint32_t w = subscription_open(e, s, r);
	if (w == NONE) {
		e->without_walk = true;
		subscription_enter(e, s, KL_SUB_WAITING, e->now + place_wait_ms,
				   &(struct reason){.why = KL_WHY_NO_WALK, .pos = NO_POS});
		return;
	}
	sub->pos = NO_POS;
	sub->redirected = false;
	subscription_enter(e, s, KL_SUB_SUBSCRIBING, KL_NEVER, NULL);
	request_enter(e, w, r);
}

/* In its dialog: to its own route, with RFC 3261's clock.  False: no walk is free. */
static bool subscription_signal(struct kl_engine *e, uint32_t s, enum kl_subscription_state state,
				const struct reason *reason)
{
	struct subscription *sub = subscription_at(e, s);
	uint32_t w = subscription_open(e, s, sub->registration);
	if (w == NONE)
		return false;
	subscription_enter(e, s, state, KL_NEVER, reason);
	request_enter_dialog(e, w, sub->pos);
	return true;
}

/* Where nothing may be sent to its server any more, a new dialog takes the place of the refresh.
 * FAIL-5 */
static void subscription_refresh(struct kl_engine *e, uint32_t s)
{
	const struct subscription *sub = subscription_at(e, s);
	struct reason due = {
		.why = KL_WHY_REFRESH_DUE, .rule = KL_POLICY_subscribe_overlap_ms, .pos = NO_POS};
	if (sub->reason.why == KL_WHY_ADDRESS_CHANGED)
		due = sub->reason;
	const struct kl_binding binding = subscription_binding(e, s);
	uint32_t r = request_first_entry(e, sub->line, KL_SUBSCRIBE);
	if (sub->expires_at <= e->now) {
		subscription_void(e, s, e->now,
				  &(struct reason){.why = KL_WHY_EXPIRED, .pos = NO_POS});
	} else if (subscription_left_behind(e, s, r)) {
		subscription_void(e, s, e->now, &registration_moved);
	} else if (!kl_may_signal(e, &binding)) {
		subscription_void(e, s, e->now,
				  &(struct reason){.why = KL_WHY_NOT_REGISTERED,
						   .rule = KL_POLICY_only_signal_with_registered,
						   .pos = NO_POS});
	} else if (!subscription_signal(e, s, KL_SUB_REFRESHING, &due)) {
		subscription_at(e, s)->due_at = earlier(e->now + place_wait_ms, sub->expires_at);
		subscription_schedule(e, s);
	}
}

void subscription_time(struct kl_engine *e, uint32_t s)
{
	if (subscription_at(e, s)->state == KL_SUB_WAITING)
		subscription_make(e, s);
	else
		subscription_refresh(e, s);
}

/* ---- answers ---- */

static void subscription_accepted(struct kl_engine *e, uint32_t s, kl_ms granted_ms,
				  const struct reason *reason)
{
	struct subscription *sub = subscription_at(e, s);
	const struct kl_policy *policy = registration_policy(e, sub->registration);
	if (granted_ms == 0)
		granted_ms = sub->asks_ms;
	if (granted_ms < granted_least_ms)
		granted_ms = granted_least_ms;
	if (subscription_has_dialog(sub))
		sub->failures = 0;
	else
		sub->made_at = e->now;
	sub->expires_at = e->now + granted_ms;
	kl_ms due_at = e->now + timing_refresh_after_ms(granted_ms, policy->subscribe_overlap_ms);
	/* Its line has moved while it was on its way. */
	if (subscription_follows(e, s, request_first_entry(e, sub->line, KL_SUBSCRIBE)))
		due_at = e->now;
	subscription_enter(e, s, KL_SUB_ACTIVE, due_at, reason);
}

/* RFC 6665 8.3.2: 489: the server does not know what is asked for, and never will. */
static void subscription_failed(struct kl_engine *e, uint32_t s, uint32_t w,
				const struct reason *reason)
{
	const struct walk *walk = walk_at(e, w);
	const struct subscription *sub = subscription_at(e, s);
	bool dialog = subscription_has_dialog(sub);
	uint32_t r = sub->registration;
	if (walk->status == 489) {
		subscription_end(e, s, reason);
		return;
	}
	/* A refresh answered 481, or not at all, ends the subscription; a new one is made at once.
	 * SUBS-2 */
	kl_ms wait_ms = dialog && (walk->local || walk->status == 481)
				? 0
				: subscription_backoff_ms(e, s, walk->retry_after_ms);
	subscription_void(e, s, e->now + wait_ms, reason);
	/* A request inside a dialog found its route dead: the line fails over, if it does not wait
	 * for the end of a back-off.  TRIG-10, FALL-4 */
	const struct registration *reg = registration_at(e, r);
	if (dialog && reg->active && reg->state != KL_BACKING_OFF &&
	    request_at(e, w)->telling.why != KL_WHY_NONE)
		registration_dialog_failed(e, r, sub->pos, reason);
}

/* Somebody else's request may have waited for the place that has become free.  As long as nobody
 * was without one no line is looked at. */
static void subscription_next(struct kl_engine *e)
{
	bool waiting = false;
	for (uint32_t i = 0; e->without_walk && i < e->config->line_count; i++)
		for (uint32_t s = line_at(e, i)->first_subscription; s != NONE;
		     s = subscription_at(e, s)->next) {
			struct subscription *sub = subscription_at(e, s);
			if (sub->state != KL_SUB_WAITING || sub->reason.why != KL_WHY_NO_WALK)
				continue;
			waiting = true;
			if (sub->due_at == e->now)
				continue;
			sub->due_at = e->now;
			subscription_schedule(e, s);
			return;
		}
	e->without_walk = waiting;
}

void subscription_walk_ended(struct kl_engine *e, uint32_t w, const struct reason *reason)
{
	const struct walk *walk = walk_at(e, w);
	uint32_t s = request_at(e, w)->owned;
	if (s == NONE)
		return;
	struct subscription *sub = subscription_at(e, s);
	bool dialog = subscription_has_dialog(sub);
	sub->walk = NONE;
	sub->cseq = walk->cseq;
	if (!dialog) {
		sub->registration = walk->registration;
		sub->pos = walk->pos;
		sub->redirected = walk->hops > 0;
	}
	if (sub->state == KL_SUB_LEAVING || reason->why == KL_WHY_LEFT)
		subscription_end(e, s, reason);
	else if (walk->status >= 200 && walk->status < 300)
		subscription_accepted(e, s, request_at(e, w)->granted_ms, reason);
	else if (reason->why == KL_WHY_LINK_DOWN)
		/* Without a network nothing ends: it goes on where it was.  PROBE-9 */
		subscription_enter(e, s, dialog ? KL_SUB_ACTIVE : KL_SUB_WAITING, e->now, reason);
	else
		subscription_failed(e, s, w, reason);
	subscription_next(e);
}

/* ---- the line ---- */

void subscription_registered(struct kl_engine *e, uint32_t r)
{
	const struct registration *reg = registration_at(e, r);
	const struct kl_policy *policy = registration_policy(e, r);
	kl_ms at = e->now;
	if (request_first_entry(e, reg->line, KL_SUBSCRIBE) != r)
		return;
	for (uint32_t s = line_at(e, reg->line)->first_subscription; s != NONE;
	     s = subscription_at(e, s)->next) {
		const struct subscription *sub = subscription_at(e, s);
		bool waits = sub->state == KL_SUB_WAITING &&
			     (sub->due_at == KL_NEVER || subscription_elsewhere(e, s, r));
		bool serves = sub->state == KL_SUB_ACTIVE || sub->state == KL_SUB_REFRESHING;
		if (!waits && !(serves && subscription_follows(e, s, r)))
			continue;
		subscription_void(e, s, at, serves ? &registration_moved : &sub->reason);
		at += policy->resubscribe_gap_ms;
	}
}

void subscription_drop(struct kl_engine *e, uint32_t r)
{
	const struct reason dropped = {
		.why = KL_WHY_DROPPED, .rule = KL_POLICY_fail_registration_on, .pos = NO_POS};
	for (uint32_t s = line_at(e, registration_at(e, r)->line)->first_subscription; s != NONE;
	     s = subscription_at(e, s)->next) {
		const struct subscription *sub = subscription_at(e, s);
		if (sub->registration != r || !subscription_has_dialog(sub))
			continue;
		if (sub->state == KL_SUB_LEAVING)
			subscription_end(e, s, &dropped);
		else
			subscription_void(e, s, KL_NEVER, &dropped);
	}
}

void subscription_end_all(struct kl_engine *e, uint32_t line)
{
	for (uint32_t s = line_at(e, line)->first_subscription; s != NONE;
	     s = subscription_at(e, s)->next)
		if (subscription_at(e, s)->state != KL_SUB_ENDED)
			subscription_end(e, s, &(struct reason){.why = KL_WHY_LEFT, .pos = NO_POS});
}

/* RFC 3261 12.2.1: SUBSCRIBE is a target refresh.  REG-6 */
void subscription_address_changed(struct kl_engine *e)
{
	const struct reason changed = {.why = KL_WHY_ADDRESS_CHANGED, .pos = NO_POS};
	for (uint32_t i = 0; i < e->config->line_count; i++)
		for (uint32_t s = line_at(e, i)->first_subscription; s != NONE;
		     s = subscription_at(e, s)->next) {
			struct subscription *sub = subscription_at(e, s);
			if (sub->state == KL_SUB_SUBSCRIBING || sub->state == KL_SUB_REFRESHING)
				subscription_stop(e, s);
			if (sub->state == KL_SUB_SUBSCRIBING)
				subscription_enter(e, s, KL_SUB_WAITING, e->now, &changed);
			else if (sub->state == KL_SUB_ACTIVE || sub->state == KL_SUB_REFRESHING)
				subscription_enter(e, s, KL_SUB_ACTIVE, e->now, &changed);
		}
}

void subscription_link_changed(struct kl_engine *e)
{
	for (uint32_t i = 0; i < e->config->line_count; i++)
		for (uint32_t s = line_at(e, i)->first_subscription; s != NONE;
		     s = subscription_at(e, s)->next)
			subscription_schedule(e, s);
}

/* ---- the host ---- */

int subscription_ask(struct kl_engine *e, uint32_t line, const struct kl_event_subscribe *event)
{
	uint32_t s = e->free_subscription;
	if (!line_at(e, line)->started || event->expires_ms < granted_least_ms ||
	    event->expires_ms > INT32_MAX || subscription_find(e, event->token) != NONE)
		return KL_EINVAL;
	if (s == NONE)
		return KL_EFULL;
	struct subscription *sub = subscription_at(e, s);
	e->free_subscription = sub->next;
	*sub = (struct subscription){.token = event->token,
				     .made_at = KL_NEVER,
				     .expires_at = KL_NEVER,
				     .line = line,
				     .next = line_at(e, line)->first_subscription,
				     .registration = request_first_entry(e, line, KL_SUBSCRIBE),
				     .walk = NONE,
				     .asks_ms = (uint32_t)event->expires_ms,
				     .pos = NO_POS,
				     .reported = KL_SUB_WAITING};
	line_at(e, line)->first_subscription = s;
	subscription_enter(e, s, KL_SUB_WAITING, e->now,
			   &(struct reason){.why = KL_WHY_ASKED, .pos = NO_POS});
	return KL_OK;
}

/* RFC 6665 4.1.2.3: a SUBSCRIBE with Expires 0 in its dialog, where that may be sent. */
int subscription_leave(struct kl_engine *e, const struct kl_event_subscribe *event)
{
	const struct reason unasked = {.why = KL_WHY_UNASKED, .pos = NO_POS};
	uint32_t s = subscription_find(e, event->token);
	if (s == NONE || subscription_at(e, s)->state == KL_SUB_LEAVING)
		return KL_IGNORED;
	const struct kl_binding binding = subscription_binding(e, s);
	bool dialog = subscription_has_dialog(subscription_at(e, s));
	subscription_stop(e, s);
	if (!dialog || !kl_may_signal(e, &binding) ||
	    !subscription_signal(e, s, KL_SUB_LEAVING, &unasked))
		subscription_end(e, s, &unasked);
	return KL_OK;
}

/* RFC 6665 4.1.3: what each reason says of a new try.  Decision: of a server that goes on ending
 * what it has just accepted only the first word is taken, then the back-off rules. */
static void subscription_terminated(struct kl_engine *e, uint32_t s,
				    const struct kl_event_notify *event)
{
	struct subscription *sub = subscription_at(e, s);
	const struct reason ended = {.why = KL_WHY_TERMINATED, .pos = NO_POS};
	kl_ms retry_after_ms = 0, wait_ms = 0;
	sub->ending = (uint8_t)event->ending;
	if (subscription_has_dialog(sub) && e->now - sub->made_at >= lived_ms)
		sub->failures = 0;
	bool again = sub->failures > 0;
	switch (event->ending) {
	case KL_ENDING_REJECTED:
	case KL_ENDING_NORESOURCE:
	case KL_ENDING_INVARIANT:
		subscription_end(e, s, &ended);
		return;
	case KL_ENDING_PROBATION:
		again = true;
		retry_after_ms = event->retry_after_ms;
		break;
	case KL_ENDING_GIVEUP:
	case KL_ENDING_NONE:
		retry_after_ms = event->retry_after_ms;
		break;
	case KL_ENDING_DEACTIVATED:
	case KL_ENDING_TIMEOUT:
		break;
	}
	if (again || retry_after_ms)
		wait_ms = subscription_backoff_ms(e, s, retry_after_ms);
	else
		sub->failures++;
	subscription_void(e, s, e->now + wait_ms, &ended);
}

int subscription_notified(struct kl_engine *e, const struct kl_event_notify *event)
{
	if ((uint32_t)event->state >= KL_NOTIFIED_STATES_MAX ||
	    (uint32_t)event->ending >= KL_ENDINGS_MAX)
		return KL_EINVAL;
	uint32_t s = subscription_find(e, event->token);
	if (s == NONE || subscription_at(e, s)->state == KL_SUB_WAITING)
		return KL_IGNORED;
	struct subscription *sub = subscription_at(e, s);
	if (event->state == KL_NOTIFIED_TERMINATED && sub->state == KL_SUB_LEAVING) {
		subscription_end(e, s, &(struct reason){.why = KL_WHY_TERMINATED, .pos = NO_POS});
	} else if (event->state == KL_NOTIFIED_TERMINATED) {
		subscription_terminated(e, s, event);
	} else if (sub->state == KL_SUB_ACTIVE && event->expires_ms >= granted_least_ms &&
		   event->expires_ms < sub->expires_at - e->now) {
		/* RFC 6665 4.1.3: its expires is the authoritative time. */
		kl_ms overlap_ms = registration_policy(e, sub->registration)->subscribe_overlap_ms;
		sub->expires_at = e->now + event->expires_ms;
		sub->due_at =
			earlier(sub->due_at,
				e->now + timing_refresh_after_ms(event->expires_ms, overlap_ms));
		subscription_schedule(e, s);
	}
	return KL_OK;
}

bool subscription_act(struct kl_engine *e, uint32_t s, struct kl_action *action)
{
	struct subscription *sub = subscription_at(e, s);
	const struct reason *reason = &sub->reason;
	node_at(e, subscription_node(e, s))->owes = 0;
	if (sub->state == sub->reported)
		return false;
	action->type = KL_DO_SUBSCRIPTION;
	action->subscription =
		(struct kl_action_subscription){.token = sub->token,
						.from = (enum kl_subscription_state)sub->reported,
						.to = (enum kl_subscription_state)sub->state,
						.why = (enum kl_cause)reason->why,
						.rule = (enum kl_policy_field)reason->rule,
						.fault = (enum kl_fault)reason->fault,
						.ending = (enum kl_ending)sub->ending,
						.status = reason->status,
						.ms = reason->ms,
						.due_at = sub->due_at,
						.binding = subscription_binding(e, s)};
	if (reason->pos != NO_POS)
		action->subscription.route =
			route_slot(e, registration_at(e, sub->registration)->set, reason->pos)
				->route;
	sub->reported = sub->state;
	if (sub->state == KL_SUB_ENDED)
		subscription_free(e, s);
	return true;
}
