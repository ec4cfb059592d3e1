#include "engine/request.h"

#include "engine/dialog.h"
#include "engine/failback.h"
#include "engine/fallback.h"
#include "engine/health.h"
#include "engine/line.h"
#include "engine/outcome.h"
#include "engine/probe.h"
#include "engine/registration.h"
#include "engine/route.h"
#include "engine/schedule.h"
#include "engine/seize.h"
#include "engine/subscription.h"
#include "engine/walk.h"

/* ---- the registration's list of requests ---- */

void request_link(struct kl_engine *e, uint32_t w, uint32_t r)
{
	walk_at(e, w)->registration = r;
	request_at(e, w)->next = registration_at(e, r)->first_request;
	registration_at(e, r)->first_request = w;
}

static void request_unlink(struct kl_engine *e, uint32_t w)
{
	uint32_t *at = &registration_at(e, walk_at(e, w)->registration)->first_request;
	while (*at != w)
		at = &request_at(e, *at)->next;
	*at = request_at(e, w)->next;
}

uint32_t request_open(struct kl_engine *e, uint32_t r, enum kl_method method)
{
	uint32_t w = walk_open_request(e, r, method);
	if (w != NONE)
		request_link(e, w, r);
	return w;
}

bool request_is_probe(const struct kl_engine *e, uint32_t w)
{
	return walk_at(e, w)->method != KL_REGISTER &&
	       (request_at(e, w)->owner == OWNER_PROBE || request_at(e, w)->owner == OWNER_DOUBT);
}

/* ---- the end ---- */

/* Whoever owns the request learns of its end; the host by an outcome, which is owed. */
static void request_tell_owner(struct kl_engine *e, uint32_t w, const struct reason *reason)
{
	const struct request *request = request_at(e, w);
	switch ((enum request_owner)request->owner) {
	case OWNER_HOST:
	case OWNER_DOUBT: /* it looks by itself what came */
		break;
	case OWNER_PROBE:
		probe_ended(e, w, reason);
		break;
	case OWNER_SUBSCRIPTION:
		subscription_walk_ended(e, w, reason);
		break;
	case OWNER_SEIZE:
		seize_walk_ended(e, w, reason);
		break;
	}
}

void request_finish(struct kl_engine *e, uint32_t w, const struct reason *reason)
{
	struct walk *walk = walk_at(e, w);
	uint32_t line = registration_at(e, walk->registration)->line;
	bool answered = walk->status >= 200 && walk->status < 300;
	uint32_t seizes = walk->state == WALK_SEIZE ? request_at(e, w)->owned : NONE;
	request_unlink(e, w);
	walk->reason = *reason;
	owe_no_more(e, walk_node(e, w), OWES_REPORT); /* the outcome says more */
	if (request_at(e, w)->owner == OWNER_HOST)
		owe(e, walk_node(e, w), OWES_OUTCOME);
	walk_end(e, w);
	if (walk->method == KL_INVITE)
		line_invite_ended(e, line, answered);
	if (seizes != NONE)
		seize_stop(e, seizes);
	request_tell_owner(e, w, reason);
}

/* A 503 that a route did answer says more than silence, silence more than that an entry has no
 * route.  Not so where the line left, or has no network.  FALL-4 */
static bool request_told_more(const struct request *request, const struct reason *reason)
{
	return (request->telling.why == KL_WHY_STATUS_503 && reason->why != KL_WHY_LEFT &&
		reason->why != KL_WHY_LINK_DOWN) ||
	       (request->telling.why != KL_WHY_NONE &&
		(reason->why == KL_WHY_NO_ROUTE || reason->why == KL_WHY_NO_NAMES));
}

/* The answer shown is the most telling one; without any, the status that stands for what happened
 * on this side (RFC 3261 8.1.3.1).  The Retry-After of a route that was not the last is ignored.
 * FALL-4, TRIG-2 */
static void request_fail(struct kl_engine *e, uint32_t w, const struct reason *reason)
{
	struct walk *walk = walk_at(e, w);
	const struct request *request = request_at(e, w);
	bool more = request_told_more(request, reason), last = reason->why == KL_WHY_STATUS_503;
	struct reason shown = more ? request->telling : *reason;
	bool answered = shown.why == KL_WHY_STATUS_503;
	bool silent = shown.why == KL_WHY_NO_ANSWER || shown.why == KL_WHY_WALK_ENDED;
	walk->local = !answered;
	walk->status = silent ? 408 : 503;
	if (!last)
		walk->retry_after_ms = 0;
	if (answered && !last)
		shown.why = KL_WHY_REFUSED;
	request_finish(e, w, &shown);
	if (more) {
		walk->registration = request->told;
		walk->pos = shown.pos;
	}
}

void request_end_all(struct kl_engine *e, uint32_t r)
{
	while (registration_at(e, r)->first_request != NONE)
		request_fail(e, registration_at(e, r)->first_request,
			     &(struct reason){.why = KL_WHY_LEFT, .pos = NO_POS});
}

/* The request of LINE that TOKEN names and that has not ended; NONE: there is none. */
static uint32_t request_find(const struct kl_engine *e, uint32_t line, uint64_t token)
{
	uint32_t first = line_at(e, line)->first_registration;
	for (uint32_t r = first; r < first + e->config->lines[line].entry_count; r++)
		for (uint32_t w = registration_at(e, r)->first_request; w != NONE;
		     w = request_at(e, w)->next)
			if (request_at(e, w)->owner == OWNER_HOST &&
			    request_at(e, w)->token == token)
				return w;
	return NONE;
}

int request_cancel(struct kl_engine *e, uint32_t line, const struct kl_event_request *event)
{
	uint32_t w = request_find(e, line, event->token);
	if (w == NONE)
		return KL_IGNORED;
	walk_at(e, w)->local = true;
	walk_at(e, w)->status = 487;
	request_finish(e, w, &(struct reason){.why = KL_WHY_CANCELLED, .pos = NO_POS});
	return KL_OK;
}

/* Inside a dialog there is no other route; a seize has used up its sends.  TRIG-10, SUBS-3 */
static bool request_has_one_route(const struct kl_engine *e, uint32_t w)
{
	return subscription_in_dialog(e, w) || seize_used_up(e, w);
}

/* ---- entries ---- */

/* The entry after that of R, round to where INVITE W began; NONE: all were tried. */
static uint32_t request_next_entry(const struct kl_engine *e, uint32_t w, uint32_t r)
{
	const struct registration *reg = registration_at(e, r);
	uint8_t next = (uint8_t)((reg->entry + 1) % e->config->lines[reg->line].entry_count);
	if (next == request_at(e, w)->first_entry)
		return NONE;
	return line_at(e, reg->line)->first_registration + next;
}

bool request_has_entry(const struct kl_engine *e, uint32_t w)
{
	const struct walk *walk = walk_at(e, w);
	uint32_t r = walk->hops ? NONE : request_next_entry(e, w, walk->registration);
	for (; r != NONE; r = request_next_entry(e, w, r)) {
		const struct set *set = set_at(e, registration_at(e, r)->set);
		if (set->listed || set->pending)
			return true;
	}
	return false;
}

void request_enter(struct kl_engine *e, uint32_t w, uint32_t r)
{
	struct walk *walk = walk_at(e, w);
	const struct set *set = set_at(e, registration_at(e, r)->set);
	registration_catch_up(e, r);
	request_link(e, w, r);
	walk->state = WALK_NAMES;
	route_demand(e, registration_at(e, r)->set);
	order_refresh(e, r);
	/* TB 5844: without a registration of its own to hold on to, a call waits for names that ran
	 * out, but not for ever.  DNS-16 */
	if ((set->pending || set->stale) && !registration_reregisters(e, r))
		walk_wait_names(e, w);
	else
		request_go(e, w);
}

static void request_move(struct kl_engine *e, uint32_t w, uint32_t r)
{
	struct walk *walk = walk_at(e, w);
	request_unlink(e, w);
	walk->clock_at = KL_NEVER;
	walk->tried = 0;
	walk->over = false;
	walk->pos = walk->origin = NO_POS;
	request_enter(e, w, r);
}

/* Where a new request of LINE begins.  TB 5844: the working server is the first one tried for a
 * call; everything else goes to the primary entry.  Yealink: with one registration at a time, to
 * whichever is registered, or is about to be.  FALL-4, FALL-5 */
uint32_t request_first_entry(const struct kl_engine *e, uint32_t line, enum kl_method method)
{
	uint32_t first = line_at(e, line)->first_registration, working = line_working(e, line);
	bool successive = fallback_successive(e, line);
	uint32_t turn = successive ? fallback_turn(e, line) : NONE;
	if (working != NONE && (method == KL_INVITE || successive))
		return working;
	return turn != NONE ? turn : first;
}

void request_enter_dialog(struct kl_engine *e, uint32_t w, uint8_t pos)
{
	request_link(e, w, walk_at(e, w)->registration);
	walk_at(e, w)->allowed = bit(pos);
	walk_send(e, w, pos);
}

void request_begin(struct kl_engine *e, uint32_t w)
{
	struct walk *walk = walk_at(e, w);
	uint32_t line = registration_at(e, walk->registration)->line;
	uint32_t to = request_first_entry(e, line, (enum kl_method)walk->method);
	request_at(e, w)->first_entry = registration_at(e, to)->entry;
	request_move(e, w, to);
}

/* Poly guide: no message is sent to a server without the registration; where that does not count,
 * none that has not been there yet.  An INVITE that proceeds sends nothing by itself; a redirected
 * request never was at a route of the entry.  FAIL-5, FAIL-2 */
static bool request_is_held(const struct kl_engine *e, uint32_t w)
{
	const struct walk *walk = walk_at(e, w);
	bool strict = dialog_strict(e, walk->registration);
	const struct registration *reg = registration_at(e, walk->registration);
	bool sends = walk->state == WALK_SENDING ||
		     (walk->state == WALK_PROCEEDING && walk->method != KL_INVITE);
	return sends && (strict || !walk->seen) && !walk->hops && !request_is_probe(e, w) &&
	       reg->entry == request_at(e, w)->first_entry;
}

void request_hold_all(struct kl_engine *e, uint32_t r)
{
	for (uint32_t w = registration_at(e, r)->first_request; w != NONE;
	     w = request_at(e, w)->next) {
		struct walk *walk = walk_at(e, w);
		if (!request_is_held(e, w))
			continue;
		walk->over = walk_is_over(e, walk);
		walk->reason =
			(struct reason){.why = KL_WHY_NOT_REGISTERED,
					.rule = walk->seen ? KL_POLICY_only_signal_with_registered
							   : KL_POLICY_reregister_on,
					.pos = walk->pos};
		if (!walk->seen)
			walk->tried &= ~bit(walk->pos);
		walk->state = WALK_REGISTRATION;
		walk_leave_route(e, w);
		schedule_set(e, walk_node(e, w), KL_NEVER);
	}
}

void request_follow_all(struct kl_engine *e, uint32_t r)
{
	for (uint32_t w = registration_at(e, r)->first_request, next; w != NONE; w = next) {
		next = request_at(e, w)->next;
		if (walk_at(e, w)->state != WALK_REGISTRATION)
			continue;
		if (request_has_one_route(e, w))
			request_fail(e, w, &walk_at(e, w)->reason);
		else
			request_begin(e, w);
	}
}

/* All routes of an entry are used up: on to the next one, where the clock starts anew (TIME-4).
 * Its registration is not waited for: FAIL-2 does not apply between entries.  FALL-4 */
static void request_used_up(struct kl_engine *e, uint32_t w, const struct reason *reason)
{
	struct walk *walk = walk_at(e, w);
	uint32_t next =
		walk->method == KL_INVITE ? request_next_entry(e, w, walk->registration) : NONE;
	if (next == NONE) {
		request_fail(e, w, reason);
		return;
	}
	request_move(e, w, next);
	if (walk->state != WALK_ENDED && walk->state != WALK_FREE)
		walk_report(e, w, KL_REPORT_ENTRY, reason);
}

static uint8_t request_none_why(const struct kl_engine *e, uint32_t w)
{
	return (uint8_t)route_none_why(e, registration_at(e, walk_at(e, w)->registration)->set);
}

/* ---- on its way ---- */

static void request_send(struct kl_engine *e, uint32_t w, uint8_t first)
{
	struct walk *walk = walk_at(e, w);
	walk->origin = first;
	uint8_t pos = first != NO_POS && !(walk->tried & bit(first)) ? first : walk_next(e, w);
	if (pos == NO_POS)
		request_used_up(e, w,
				&(struct reason){.why = request_none_why(e, w), .pos = NO_POS});
	else
		walk_send(e, w, pos);
}

/* Waits for the registration; if that still waits for names, not for ever.  DNS-16 */
static void request_wait(struct kl_engine *e, uint32_t w)
{
	uint32_t r = walk_at(e, w)->registration;
	bool names = registration_at(e, r)->state == KL_RESOLVING;
	kl_ms most_ms = registration_policy(e, r)->dns_wait_max_ms;
	walk_at(e, w)->state = WALK_REGISTRATION;
	schedule_set(e, walk_node(e, w), names ? e->now + most_ms : KL_NEVER);
}

void request_waited(struct kl_engine *e, uint32_t w)
{
	uint32_t r = walk_at(e, w)->registration;
	const struct registration *reg = registration_at(e, r);
	schedule_set(e, walk_node(e, w), KL_NEVER);
	if (reg->state != KL_RESOLVING)
		return;
	route_settle(e, reg->set);
	order_refresh(e, r);
	if (reg->order_count)
		registration_go(e, r);
	else
		request_used_up(e, w,
				&(struct reason){.why = request_none_why(e, w), .pos = NO_POS});
}

/* EA 66546, Poly guide: the phone registers with a server before it sends it anything else.  FAIL-2
 */
static void request_go_registered(struct kl_engine *e, uint32_t w)
{
	uint32_t r = walk_at(e, w)->registration;
	struct registration *reg = registration_at(e, r);
	switch ((enum kl_state)reg->state) {
	case KL_REGISTERED:
		if (registration_leave_dead(e, r) ||
		    failback_by_request(e, r, walk_at(e, w)->method == KL_INVITE))
			request_wait(e, w);
		else
			request_send(e, w, registration_first(e, r));
		break;
	case KL_REFRESHING:
	case KL_DOUBTING:
		request_send(e, w, reg->current);
		break;
	case KL_FAILING_BACK:
		if (reg->active && !health_shuns(e, r) &&
		    kl_policy_failback_mode(registration_policy(e, r)) != KL_FAILBACK_NEW_REQUESTS)
			request_send(e, w, reg->current);
		else
			request_wait(e, w);
		break;
	case KL_BACKING_OFF:
		if (reg->active) {
			request_send(e, w, reg->current);
			break;
		}
		walk_at(e, w)->state = WALK_REGISTRATION;
		registration_needed(e, r);
		if (walk_at(e, w)->state == WALK_REGISTRATION)
			request_wait(e, w);
		break;
	case KL_RESOLVING:
	case KL_REGISTERING:
	case KL_FAILING_OVER:
	case KL_CLEARING:
		request_wait(e, w);
		break;
	case KL_STANDBY:
		request_send(e, w, registration_first(e, r));
		break;
	case KL_OFF:
	case KL_LEAVING:
		request_fail(e, w, &(struct reason){.why = KL_WHY_LEFT, .pos = NO_POS});
		break;
	}
}

/* Spectralink 84-Series guide: a DNS failure is a signalling failure.  A call goes on to the next
 * entry, if there is one; else the route that it has is better than none.  DNS-16 */
static bool request_names_failed(const struct kl_engine *e, uint32_t w)
{
	const struct walk *walk = walk_at(e, w);
	const struct set *set = set_at(e, registration_at(e, walk->registration)->set);
	return registration_policy(e, walk->registration)->dns_failure_fails &&
	       walk->method == KL_INVITE && request_has_entry(e, w) &&
	       (!set->listed || set->pending || set->stale);
}

/* A subscription follows its line, whatever route new requests try first.  OWN-8 */
static uint8_t request_first(const struct kl_engine *e, uint32_t w)
{
	uint32_t r = walk_at(e, w)->registration;
	const struct registration *reg = registration_at(e, r);
	bool follows = registration_policy(e, r)->register_follows &&
		       request_at(e, w)->owner == OWNER_SUBSCRIPTION;
	return follows && order_index(e, r, reg->current) >= 0 ? reg->current
							       : registration_first(e, r);
}

void request_go(struct kl_engine *e, uint32_t w)
{
	const struct walk *walk = walk_at(e, w);
	const struct registration *reg = registration_at(e, walk->registration);
	if (registration_reregisters(e, walk->registration) &&
	    reg->entry == request_at(e, w)->first_entry)
		request_go_registered(e, w);
	else if (request_names_failed(e, w))
		request_used_up(e, w,
				&(struct reason){.why = KL_WHY_NAMES_FAILED,
						 .rule = KL_POLICY_dns_failure_fails,
						 .pos = NO_POS});
	else
		request_send(e, w, request_first(e, w));
}

void request_registered(struct kl_engine *e, uint32_t w)
{
	struct walk *walk = walk_at(e, w);
	const struct registration *reg = registration_at(e, walk->registration);
	uint8_t left = walk->pos;
	if (request_has_one_route(e, w)) {
		request_fail(e, w, &walk->reason);
		return;
	}
	/* The routes that its REGISTER found dead count in the request's walk.  FAIL-2 */
	if (left != NO_POS) {
		walk->tried |= walk_at(e, walk->registration)->tried & ~bit(reg->current);
		walk->over = walk_is_over(e, walk);
	}
	if (walk->tried & bit(reg->current)) {
		request_used_up(
			e, w, &(struct reason){.why = KL_WHY_ROUTES_USED_UP, .pos = reg->current});
		return;
	}
	/* A challenge gave the REGISTER a clock of its own; the call's may be over.  TIME-11 */
	if (!walk_may_try(e, w, reg->current)) {
		request_used_up(e, w,
				&(struct reason){.why = KL_WHY_WALK_ENDED,
						 .rule = KL_POLICY_walk_bounded,
						 .pos = reg->current,
						 .ms = (uint32_t)(e->now - walk->clock_at)});
		return;
	}
	walk->origin = reg->current;
	if (left != NO_POS)
		walk_report_move(e, w, left, &walk->reason);
	walk_send(e, w, reg->current);
}

void request_unregistered(struct kl_engine *e, uint32_t w, const struct reason *reason)
{
	struct walk *walk = walk_at(e, w);
	struct reason failed = {
		.why = KL_WHY_REGISTRATION_FAILED, .rule = KL_POLICY_reregister_on, .pos = NO_POS};
	/* What the request itself met says more than that of its REGISTER. */
	if (walk->pos != NO_POS &&
	    (reason->why == KL_WHY_NO_ANSWER || reason->why == KL_WHY_WALK_ENDED))
		failed = *reason;
	request_used_up(e, w, &failed);
}

/* A subscription starts no registration in a back-off: only what a user wants does.  FALL-4 */
static bool request_may_not_register(const struct kl_engine *e, uint32_t w)
{
	return request_at(e, w)->owner == OWNER_SUBSCRIPTION &&
	       registration_at(e, walk_at(e, w)->registration)->state == KL_BACKING_OFF;
}

void request_route_failed(struct kl_engine *e, uint32_t w, const struct reason *reason)
{
	struct walk *walk = walk_at(e, w);
	uint32_t r = walk->registration;
	uint8_t left = walk->pos;
	walk->reason = *reason;
	struct request *request = request_at(e, w);
	if (request_is_probe(e, w)) { /* it asks after this one route */
		request_finish(e, w, reason);
		return;
	}
	if (reason->why == KL_WHY_STATUS_503 || request->telling.why != KL_WHY_STATUS_503) {
		request->telling = *reason;
		request->told = r;
	}
	/* No other phone may ring, or nothing can be sent: the call fails.  And where a redirection
	 * led is no route of the line.  TIME-7, PROBE-9, TRIG-9 */
	if (walk->ringing || walk->hops || reason->why == KL_WHY_LINK_DOWN ||
	    request_has_one_route(e, w) || request_may_not_register(e, w)) {
		request_fail(e, w, reason);
		return;
	}
	/* An entry that stands by is not registered for a request's sake.  FALL-2 */
	if (registration_reregisters(e, r) && registration_at(e, r)->state != KL_STANDBY) {
		registration_request_failed(e, r, w, reason);
		/* Its 64*T1 are up: the line moves on, the request does not.  TIME-4 */
		if (walk->state == WALK_REGISTRATION && walk->over && walk_next(e, w) == NO_POS)
			request_used_up(e, w, reason);
		return;
	}
	uint8_t next = walk_next(e, w);
	registration_request_left(e, r, reason);
	if (next == NO_POS) {
		request_used_up(e, w, reason);
		return;
	}
	walk_report_move(e, w, left, reason);
	walk_send(e, w, next);
}

int request_place(struct kl_engine *e, uint32_t line, const struct kl_event_request *event)
{
	if (event->method == KL_REGISTER || (uint32_t)event->method >= KL_METHODS_MAX ||
	    !line_at(e, line)->started)
		return KL_EINVAL;
	uint32_t r = request_first_entry(e, line, event->method);
	uint32_t w = walk_open_request(e, r, event->method);
	if (w == NONE)
		return KL_EFULL;
	request_at(e, w)->token = event->token;
	request_at(e, w)->first_entry = registration_at(e, r)->entry;
	if (event->method == KL_INVITE)
		line_invite_began(e, line);
	request_enter(e, w, r);
	return KL_OK;
}
