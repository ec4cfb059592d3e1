#include "engine/registration.h"

#include "engine/failback.h"
#include "engine/request.h"
#include "engine/route.h"
#include "engine/schedule.h"
#include "engine/walk.h"

/* A refresh comes so long before the end at the latest, however short the grant (REG-1). */
static const kl_ms refresh_half_max_ms = 30000;

const struct start start_anew = {
	.first = NO_POS, .origin = NO_POS, .allowed = UINT32_MAX, .clock_at = KL_NEVER};

/* ---- states ---- */

#define STATE(state) (UINT16_C(1) << (state))

/* Where each state may go. */
static const uint16_t moves[KL_STATES_MAX] = {
	[KL_OFF] = STATE(KL_RESOLVING) | STATE(KL_REGISTERING),
	[KL_RESOLVING] = STATE(KL_REGISTERING) | STATE(KL_REGISTERED) | STATE(KL_BACKING_OFF) |
			 STATE(KL_OFF),
	[KL_REGISTERING] = STATE(KL_REGISTERED) | STATE(KL_BACKING_OFF) | STATE(KL_OFF),
	[KL_REGISTERED] = STATE(KL_REFRESHING) | STATE(KL_FAILING_OVER) | STATE(KL_CLEARING) |
			  STATE(KL_FAILING_BACK) | STATE(KL_LEAVING),
	[KL_REFRESHING] = STATE(KL_REGISTERING) | STATE(KL_REGISTERED) | STATE(KL_FAILING_OVER) |
			  STATE(KL_BACKING_OFF) | STATE(KL_LEAVING),
	[KL_FAILING_OVER] =
		STATE(KL_REGISTERED) | STATE(KL_BACKING_OFF) | STATE(KL_LEAVING) | STATE(KL_OFF),
	[KL_CLEARING] = STATE(KL_FAILING_BACK) | STATE(KL_LEAVING),
	[KL_FAILING_BACK] = STATE(KL_REGISTERED) | STATE(KL_FAILING_OVER) | STATE(KL_BACKING_OFF) |
			    STATE(KL_LEAVING) | STATE(KL_OFF),
	[KL_BACKING_OFF] =
		STATE(KL_RESOLVING) | STATE(KL_REGISTERING) | STATE(KL_REGISTERED) | STATE(KL_OFF),
	[KL_LEAVING] = STATE(KL_OFF),
};

void registration_init(struct kl_engine *e, uint32_t r, uint32_t line, uint8_t entry)
{
	*registration_at(e, r) = (struct registration){.line = line,
						       .first_request = NONE,
						       .call_id = 1,
						       .entry = entry,
						       .state = KL_OFF,
						       .reported = KL_OFF,
						       .current = NO_POS,
						       .primary = NO_POS,
						       .former = NO_POS,
						       .resume = NO_POS,
						       .left = NO_POS,
						       .moved_from = NO_POS,
						       .since_at = e->now,
						       .expires_at = KL_NEVER,
						       .refresh_at = KL_NEVER,
						       .failback_at = KL_NEVER,
						       .retry_at = KL_NEVER,
						       .former_expires_at = KL_NEVER,
						       .moved_at = KL_NEVER};
}

void registration_enter(struct kl_engine *e, uint32_t r, enum kl_state state,
			const struct reason *reason)
{
	struct registration *reg = registration_at(e, r);
	assert(moves[reg->state] & STATE(state));
	reg->state = (uint8_t)state;
	reg->since_at = e->now;
	reg->reason = *reason;
	owe(e, registration_node(e, r), OWES_STATE);
	registration_schedule(e, r);
}

static kl_ms earlier(kl_ms a, kl_ms b)
{
	return a < b ? a : b;
}

void registration_schedule(struct kl_engine *e, uint32_t r)
{
	const struct registration *reg = registration_at(e, r);
	kl_ms at = KL_NEVER;
	switch ((enum kl_state)reg->state) {
	case KL_REGISTERED:
		at = earlier(reg->refresh_at, reg->failback_at);
		break;
	case KL_REFRESHING:
	case KL_FAILING_OVER:
	case KL_FAILING_BACK:
		at = reg->expires_at;
		break;
	case KL_BACKING_OFF:
		at = reg->retry_at;
		break;
	case KL_OFF: /* with shared servers a preference may end */
		at = reg->failback_at;
		break;
	case KL_RESOLVING:
	case KL_REGISTERING:
	case KL_CLEARING:
	case KL_LEAVING:
		break;
	}
	schedule_set(e, registration_node(e, r), at);
}

bool registration_in_failover(const struct kl_engine *e, uint32_t r)
{
	const struct registration *reg = registration_at(e, r);
	return reg->current != NO_POS && reg->primary != NO_POS && reg->current != reg->primary;
}

/* ---- the open REGISTER ---- */

static bool registration_walking(const struct kl_engine *e, uint32_t r)
{
	return walk_at(e, r)->state != WALK_FREE;
}

static void walk_stop(struct kl_engine *e, uint32_t r)
{
	if (registration_walking(e, r))
		walk_end(e, r);
}

static void registration_exhausted(struct kl_engine *e, uint32_t r, const struct reason *reason);

/* Sends the REGISTER to FIRST or, if that is none, to the walk's next route. */
static void registration_send(struct kl_engine *e, uint32_t r, uint8_t first,
			      const struct reason *none)
{
	uint8_t pos = first != NO_POS ? first : walk_next(e, r);
	if (pos == NO_POS)
		registration_exhausted(e, r, none);
	else
		walk_send(e, r, pos);
}

void registration_walk(struct kl_engine *e, uint32_t r, const struct start *start)
{
	struct registration *reg = registration_at(e, r);
	const struct reason none = reg->reason;
	walk_open_register(e, r);
	struct walk *walk = walk_at(e, r);
	walk->origin = start->origin;
	walk->exact = start->exact;
	walk->more = start->more;
	walk->clears = start->clears;
	walk->tried = start->tried;
	walk->allowed = start->allowed;
	walk->clock_at = start->clock_at;
	registration_send(e, r, start->first, &none);
}

static bool route_listed(const struct kl_engine *e, uint32_t r, uint8_t pos)
{
	return pos != NO_POS && member_at(e, registration_at(e, r)->set, pos)->listed;
}

/* 002: once its address is in no answer any more, a route is left at once; but a lookup that
 * failed ends nothing.  DNS-11, DNS-16 */
static bool registration_route_gone(const struct kl_engine *e, uint32_t r)
{
	const struct registration *reg = registration_at(e, r);
	return reg->current != NO_POS && !route_listed(e, r, reg->current) &&
	       set_at(e, reg->set)->complete && reg->order_count > 0;
}

uint8_t registration_first(const struct kl_engine *e, uint32_t r)
{
	const struct registration *reg = registration_at(e, r);
	const struct kl_policy *policy = registration_policy(e, r);
	uint8_t head = reg->order_count ? order_of(e, r)[0] : reg->current;
	if (reg->current == NO_POS || registration_route_gone(e, r))
		return head;
	if (registration_reregisters(e, r))
		return reg->try_better ? reg->former : reg->current;
	/* 001: newRequests: the primary first, whatever server was used last; a line that is on
	 * its primary stays there when records are reordered.  FAIL-7, FAIL-16, DNS-10 */
	if (kl_policy_failback_mode(policy) == KL_FAILBACK_NEW_REQUESTS)
		return registration_in_failover(e, r) ? head : reg->current;
	return reg->try_better && reg->primary != NO_POS ? reg->primary : reg->current;
}

void registration_go(struct kl_engine *e, uint32_t r)
{
	struct registration *reg = registration_at(e, r);
	const struct reason none = {.why = KL_WHY_NO_ROUTE, .pos = NO_POS};
	struct walk *walk = walk_at(e, r);
	uint8_t first = registration_first(e, r);
	walk->origin = first;
	/* BACK-4: every route is tried before any is tried twice. */
	if (reg->resume != NO_POS && route_listed(e, r, reg->resume)) {
		first = walk->origin = reg->resume;
		walk->exact = true;
	}
	if (reg->state == KL_RESOLVING && first != NO_POS)
		registration_enter(e, r, KL_REGISTERING,
				   &(struct reason){.why = KL_WHY_NAMES_FOUND,
						    .pos = NO_POS,
						    .count = reg->order_count});
	registration_send(e, r, first, &none);
}

/* Registers from the head of the order, once names are known. */
static void registration_begin(struct kl_engine *e, uint32_t r, const struct reason *reason)
{
	struct registration *reg = registration_at(e, r);
	const struct set *set = set_at(e, reg->set);
	reg->left_why = KL_WHY_NONE;
	reg->left = NO_POS;
	walk_open_register(e, r);
	route_demand(e, reg->set);
	order_refresh(e, r);
	bool wait = set->pending || set->stale;
	registration_enter(e, r, wait ? KL_RESOLVING : KL_REGISTERING, reason);
	/* With no route at all there is nothing to do but wait until the DNS has said its last. */
	if (!wait)
		registration_go(e, r);
}

static void registration_refresh(struct kl_engine *e, uint32_t r, const struct reason *reason)
{
	struct registration *reg = registration_at(e, r);
	const struct set *set = set_at(e, reg->set);
	reg->left_why = KL_WHY_NONE;
	reg->left = NO_POS;
	walk_open_register(e, r);
	route_demand(e, reg->set);
	order_refresh(e, r);
	registration_enter(e, r, KL_REFRESHING, reason);
	/* A registered route needs no names. */
	if (!registration_reregisters(e, r) && (set->pending || set->stale))
		walk_wait_names(e, r);
	else
		registration_go(e, r);
}

static void registration_forget(struct kl_engine *e, uint32_t r)
{
	struct registration *reg = registration_at(e, r);
	failback_disarm(e, r);
	reg->active = false;
	reg->current = reg->primary = reg->former = NO_POS;
	reg->expires_at = reg->refresh_at = reg->former_expires_at = KL_NEVER;
}

static void registration_off(struct kl_engine *e, uint32_t r, const struct reason *reason)
{
	struct registration *reg = registration_at(e, r);
	registration_forget(e, r);
	reg->resume = NO_POS;
	reg->failures = 0;
	registration_enter(e, r, KL_OFF, reason);
}

void registration_start(struct kl_engine *e, uint32_t r)
{
	struct registration *reg = registration_at(e, r);
	const struct reason again = {.why = KL_WHY_STARTED, .pos = NO_POS};
	set_at(e, reg->set)->users++;
	if (reg->state == KL_LEAVING) {
		walk_stop(e, r);
		registration_off(e, r, &again);
	}
	if (registration_config(e, r)->registers)
		registration_begin(e, r, &again);
	else
		route_demand(e, reg->set);
}

/* REG-5: leaving unregisters what is registered. */
void registration_stop(struct kl_engine *e, uint32_t r)
{
	struct registration *reg = registration_at(e, r);
	const struct reason reason = {.why = KL_WHY_STOPPED, .pos = NO_POS};
	request_end_all(e, r);
	set_at(e, reg->set)->users--;
	if (reg->state == KL_OFF)
		return;
	walk_stop(e, r);
	if (!reg->active) {
		registration_off(e, r, &reason);
		return;
	}
	struct start start = start_anew;
	start.first = reg->current;
	start.allowed = bit(reg->current);
	start.more = start.clears = true;
	registration_enter(e, r, KL_LEAVING, &reason);
	registration_walk(e, r, &start);
}

/* ---- what became of it ---- */

/* 002: refresh `overlap` seconds before the end, at half the time if that is less.  REG-1 */
static kl_ms refresh_after_ms(kl_ms granted_ms, kl_ms overlap_ms)
{
	kl_ms early = granted_ms > overlap_ms ? granted_ms - overlap_ms : 0;
	kl_ms half = earlier(granted_ms / 2, refresh_half_max_ms);
	return early > half ? early : half;
}

void registration_wake_requests(struct kl_engine *e, uint32_t r)
{
	for (uint32_t w = registration_at(e, r)->first_request, next; w != NONE; w = next) {
		next = walk_at(e, w)->next;
		if (walk_at(e, w)->state == WALK_REGISTRATION)
			request_registered(e, w);
	}
}

/* The registration that a failover leaves behind lives on, unless it is dropped.  FAIL-4 */
static void registration_keep_former(struct kl_engine *e, uint32_t r, uint8_t pos)
{
	struct registration *reg = registration_at(e, r);
	bool keeps = reg->active && reg->state == KL_FAILING_OVER && reg->current != pos;
	reg->former = keeps ? reg->current : NO_POS;
	reg->former_expires_at = keeps ? reg->expires_at : KL_NEVER;
}

/* Goes over to the route at POS, as current. */
static void registration_move(struct kl_engine *e, uint32_t r, uint8_t pos)
{
	struct registration *reg = registration_at(e, r);
	bool again = reg->current == pos && reg->state != KL_FAILING_BACK;
	if (reg->left_why != KL_WHY_NONE && reg->left != pos) {
		reg->moved_from = reg->left;
		reg->moved_why = reg->left_why;
		reg->moved_fault = reg->left_fault;
		reg->moved_at = e->now;
	}
	reg->current = pos;
	reg->try_better = false;
	if (again)
		return;
	reg->primary = order_primary(e, r, pos);
	failback_arm(e, r);
}

static void registration_connect(struct kl_engine *e, uint32_t r, kl_ms granted_ms,
				 const struct reason *reason)
{
	struct registration *reg = registration_at(e, r);
	registration_keep_former(e, r, reason->pos);
	registration_move(e, r, reason->pos);
	reg->active = true;
	reg->failures = 0;
	reg->resume = NO_POS;
	reg->expires_at = e->now + granted_ms;
	reg->refresh_at = e->now + refresh_after_ms(granted_ms,
						    registration_policy(e, r)->expires_overlap_ms);
	registration_enter(e, r, KL_REGISTERED, reason);
	registration_wake_requests(e, r);
	registration_routes_changed(e, r);
}

void registration_accepted(struct kl_engine *e, uint32_t r,
			   const struct kl_event_response *response)
{
	struct registration *reg = registration_at(e, r);
	struct walk *walk = walk_at(e, r);
	struct reason reason = {
		.why = KL_WHY_ACCEPTED, .pos = walk->pos, .status = response->status};
	if (!walk->clears && response->granted_ms == 0) {
		/* REG-2: a 200 that grants nothing is a denial. */
		reason.why = KL_WHY_NOTHING_GRANTED;
		registration_denied(e, r, &reason, 0);
		return;
	}
	walk_end(e, r);
	if (reg->state == KL_LEAVING)
		registration_off(e, r, &(struct reason){.why = KL_WHY_CLEARED, .pos = NO_POS});
	else if (reg->state == KL_CLEARING)
		failback_cleared(e, r);
	else
		registration_connect(e, r, response->granted_ms, &reason);
}

/* RFC 5626 4.5 as the Poly guide has it: W = min(max, base * 2^failures), the wait at random
 * between W/2 and W.  BACK-1, T7.  A Retry-After takes its place.  BACK-3, T14 */
static kl_ms backoff_ms(struct kl_engine *e, uint32_t r, kl_ms retry_after_ms)
{
	const struct registration *reg = registration_at(e, r);
	const struct kl_policy *policy = registration_policy(e, r);
	kl_ms wait = policy->backoff_base_ms;
	if (retry_after_ms)
		return earlier(retry_after_ms, policy->retry_after_max_ms);
	for (uint32_t i = 0; i < reg->failures && wait < policy->backoff_max_ms; i++)
		wait *= 2;
	wait = earlier(wait, policy->backoff_max_ms);
	return random_between(e, wait / 2, wait);
}

/* Registration loss: unregistered on this entry; waits, then registers again.  TRIG-6, REG-4 */
static void registration_lose(struct kl_engine *e, uint32_t r, const struct reason *reason,
			      kl_ms retry_after_ms)
{
	struct registration *reg = registration_at(e, r);
	walk_stop(e, r);
	registration_forget(e, r);
	if (registration_policy(e, r)->new_call_id_on_loss) {
		reg->call_id++;
		reg->cseq = 0;
	}
	reg->retry_at = e->now + backoff_ms(e, r, retry_after_ms);
	reg->failures++;
	registration_enter(e, r, KL_BACKING_OFF, reason);
	for (uint32_t w = reg->first_request, next; w != NONE; w = next) {
		next = walk_at(e, w)->next;
		if (walk_at(e, w)->state == WALK_REGISTRATION)
			request_unregistered(e, w, reason);
	}
}

static void registration_exhausted(struct kl_engine *e, uint32_t r, const struct reason *reason)
{
	struct registration *reg = registration_at(e, r);
	struct walk *walk = walk_at(e, r);
	reg->resume = walk->over ? walk_next(e, r) : NO_POS;
	if (reg->state == KL_FAILING_BACK && reg->active && !(walk->tried & bit(reg->current))) {
		walk_stop(e, r);
		failback_failed(e, r, reason);
		return;
	}
	/* A record set may be gone while the last walk was under way: the wait says why. */
	registration_lose(e, r, reason, reason->status == 503 ? walk->retry_after_ms : 0);
}

void registration_denied(struct kl_engine *e, uint32_t r, const struct reason *reason,
			 kl_ms retry_after_ms)
{
	struct registration *reg = registration_at(e, r);
	struct walk *walk = walk_at(e, r);
	bool returning = reg->state == KL_FAILING_BACK && walk->pos != reg->current;
	if (reg->state == KL_LEAVING) {
		walk_stop(e, r);
		registration_off(e, r, reason);
	} else if (reg->state == KL_CLEARING) {
		walk_stop(e, r);
		failback_cleared(e, r);
	} else if (returning && reg->active) {
		walk_stop(e, r);
		failback_failed(e, r, reason);
	} else if (returning) {
		/* FAIL-13: already unregistered; at once back at the former route. */
		walk_report_move(e, r, walk->pos, reason);
		walk_send(e, r, reg->current);
	} else {
		registration_lose(e, r, reason, retry_after_ms);
	}
}

/* 001, 002: the old registration is dropped, with nothing sent, when failover begins.  FAIL-3 */
static void registration_drop(struct kl_engine *e, uint32_t r)
{
	struct registration *reg = registration_at(e, r);
	if (!registration_reregisters(e, r) || !registration_policy(e, r)->fail_registration_on)
		return;
	reg->active = false;
	reg->expires_at = KL_NEVER;
	registration_schedule(e, r);
}

static void registration_note_left(struct registration *reg, uint8_t pos,
				   const struct reason *reason)
{
	if (reg->left_why != KL_WHY_NONE && pos != reg->current)
		return;
	reg->left = pos;
	reg->left_why = reason->why;
	reg->left_fault = reason->fault;
}

void registration_route_failed(struct kl_engine *e, uint32_t r, const struct reason *reason)
{
	struct registration *reg = registration_at(e, r);
	struct walk *walk = walk_at(e, r);
	uint8_t left = walk->pos;
	if (reg->state == KL_LEAVING || reg->state == KL_CLEARING) {
		registration_denied(e, r, reason, 0);
		return;
	}
	registration_note_left(reg, left, reason);
	uint8_t next = walk->over ? NO_POS : walk_next(e, r);
	if (left == reg->current)
		registration_drop(e, r);
	if (next == NO_POS) {
		registration_exhausted(e, r, reason);
		return;
	}
	bool fails_over = reg->state == KL_REFRESHING ||
			  (reg->state == KL_FAILING_BACK && left == reg->current);
	if (fails_over)
		registration_enter(e, r, KL_FAILING_OVER, reason);
	walk_report_move(e, r, left, reason);
	walk_send(e, r, next);
}

int registration_late(struct kl_engine *e, uint32_t r, uint8_t pos,
		      const struct kl_event_response *response)
{
	struct registration *reg = registration_at(e, r);
	bool wanted = reg->state == KL_REGISTERING || reg->state == KL_FAILING_OVER ||
		      reg->state == KL_BACKING_OFF;
	if (reg->active || !wanted || response->granted_ms == 0)
		return KL_IGNORED;
	walk_stop(e, r);
	registration_connect(e, r, response->granted_ms,
			     &(struct reason){.why = KL_WHY_LATE_ACCEPTED,
					      .pos = pos,
					      .status = response->status});
	return KL_OK;
}

/* ---- with requests ---- */

/* The route that a failback wants to leave is dead: the failback becomes a failover. */
static void registration_failback_to_failover(struct kl_engine *e, uint32_t r,
					      const struct reason *reason)
{
	struct registration *reg = registration_at(e, r);
	struct walk *walk = walk_at(e, r);
	walk->allowed = UINT32_MAX;
	walk->more = false;
	walk->tried |= bit(reg->current);
	registration_note_left(reg, reg->current, reason);
	registration_drop(e, r);
	registration_enter(e, r, KL_FAILING_OVER, reason);
}

static void registration_fail_over(struct kl_engine *e, uint32_t r, const struct walk *request,
				   const struct reason *reason)
{
	struct registration *reg = registration_at(e, r);
	struct start start = start_anew;
	start.origin = request->pos;
	start.tried = request->tried;
	/* A request that was given up for its time lends none of it. */
	start.clock_at = request->over ? KL_NEVER : request->clock_at;
	reg->left_why = KL_WHY_NONE;
	registration_note_left(reg, request->pos, reason);
	if (reg->state == KL_BACKING_OFF) {
		registration_enter(e, r, KL_REGISTERING, reason);
	} else {
		registration_drop(e, r);
		registration_enter(e, r, KL_FAILING_OVER, reason);
	}
	registration_walk(e, r, &start);
}

void registration_request_failed(struct kl_engine *e, uint32_t r, uint32_t w,
				 const struct reason *reason)
{
	struct registration *reg = registration_at(e, r);
	struct walk *own = walk_at(e, r), *request = walk_at(e, w);
	bool walking = registration_walking(e, r);
	bool sending = own->state == WALK_SENDING || own->state == WALK_PROCEEDING;
	request->state = WALK_REGISTRATION;
	if (reg->try_better && request->pos == reg->former)
		failback_direct_failed(e, r);
	if (walking && sending && own->pos == request->pos) {
		/* One detection serves both. */
		walk_fail(e, r,
			  &(struct reason){.why = KL_WHY_REQUEST_FAILED, .pos = request->pos});
	} else if (reg->state == KL_FAILING_BACK && reg->active && reg->current == request->pos) {
		registration_failback_to_failover(e, r, reason);
	} else if (walking && reg->state != KL_REFRESHING) {
		return; /* it is on its way to another route */
	} else if (reg->active && reg->current != request->pos &&
		   !(request->tried & bit(reg->current))) {
		request_registered(e, w);
	} else if (!walking) {
		registration_fail_over(e, r, request, reason);
	}
}

void registration_needed(struct kl_engine *e, uint32_t r)
{
	assert(registration_at(e, r)->state == KL_BACKING_OFF);
	registration_begin(e, r, &(struct reason){.why = KL_WHY_NEEDED, .pos = NO_POS});
}

void registration_request_left(struct kl_engine *e, uint32_t r, const struct reason *reason)
{
	registration_note_left(registration_at(e, r), reason->pos, reason);
}

/* FAIL-1, FAIL-10: without re-registration the route that answers is the current one. */
void registration_answered(struct kl_engine *e, uint32_t r, uint8_t pos, uint16_t status)
{
	struct registration *reg = registration_at(e, r);
	if (registration_reregisters(e, r)) {
		if (reg->try_better && pos == reg->former)
			failback_direct_done(e, r, status);
		return;
	}
	if (reg->current == pos && reg->try_better) {
		/* FAIL-12: none better answered; the timer starts again. */
		reg->try_better = false;
		failback_arm(e, r);
	}
	if (reg->current == pos)
		return;
	reg->reason_current = (struct reason){.why = KL_WHY_ANSWERED, .pos = pos, .status = status};
	owe(e, registration_node(e, r), OWES_CURRENT);
	registration_move(e, r, pos);
	reg->left_why = KL_WHY_NONE;
	registration_schedule(e, r);
}

/* ---- names changed, time passed ---- */

void registration_routes_changed(struct kl_engine *e, uint32_t r)
{
	struct registration *reg = registration_at(e, r);
	bool failover = registration_in_failover(e, r);
	order_refresh(e, r);
	if (reg->current == NO_POS)
		return;
	/* 002: sticky: a line that is on its primary does not react to a new order.  DNS-10 */
	if (route_listed(e, r, reg->current))
		reg->primary = failover ? order_primary(e, r, reg->current) : reg->current;
	if (!registration_in_failover(e, r))
		failback_disarm(e, r);
	if (registration_route_gone(e, r) && reg->state == KL_REGISTERED)
		registration_refresh(
			e, r, &(struct reason){.why = KL_WHY_ROUTE_GONE, .pos = reg->current});
}

static void registration_expire(struct kl_engine *e, uint32_t r)
{
	struct registration *reg = registration_at(e, r);
	reg->active = false;
	reg->expires_at = KL_NEVER;
	if (reg->state == KL_REFRESHING)
		registration_enter(e, r, KL_REGISTERING,
				   &(struct reason){.why = KL_WHY_EXPIRED, .pos = NO_POS});
	else
		registration_schedule(e, r);
}

void registration_time(struct kl_engine *e, uint32_t r)
{
	struct registration *reg = registration_at(e, r);
	if (reg->state == KL_BACKING_OFF) {
		reg->retry_at = KL_NEVER;
		registration_begin(e, r, &(struct reason){.why = KL_WHY_RETRY_DUE, .pos = NO_POS});
	} else if (reg->state != KL_REGISTERED && reg->expires_at <= e->now) {
		registration_expire(e, r);
	} else if (reg->refresh_at <= e->now) {
		if (!failback_by_refresh(e, r))
			registration_refresh(
				e, r, &(struct reason){.why = KL_WHY_REFRESH_DUE, .pos = NO_POS});
	} else {
		reg->failback_at = KL_NEVER;
		registration_schedule(e, r);
		failback_due(e, r);
	}
}

/* ---- actions ---- */

static struct kl_report registration_report(const struct kl_engine *e, uint32_t r,
					    const struct reason *reason)
{
	const struct registration *reg = registration_at(e, r);
	struct kl_report report = {.why = (enum kl_cause)reason->why,
				   .rule = (enum kl_policy_field)reason->rule,
				   .line = reg->line,
				   .entry = reg->entry,
				   .fault = (enum kl_fault)reason->fault,
				   .status = reason->status,
				   .count = reason->count,
				   .ms = reason->ms,
				   .active = reg->active,
				   .in_failover = registration_in_failover(e, r),
				   .failback_at = reg->failback_at,
				   .retry_at = reg->retry_at};
	if (reason->pos != NO_POS)
		report.route = route_slot(e, reg->set, reason->pos)->route;
	return report;
}

bool registration_act(struct kl_engine *e, uint32_t r, struct kl_action *action)
{
	struct registration *reg = registration_at(e, r);
	struct node *node = node_at(e, registration_node(e, r));
	uint16_t what = node->owes & (uint16_t)-node->owes;
	node->owes &= (uint16_t)~what;
	action->type = KL_DO_REPORT;
	if (what == OWES_STATE) {
		action->report = registration_report(e, r, &reg->reason);
		action->report.type = KL_REPORT_STATE;
		action->report.from = (enum kl_state)reg->reported;
		action->report.to = (enum kl_state)reg->state;
		reg->reported = reg->state;
	} else if (what == OWES_FAILBACK) {
		action->report = registration_report(e, r, &reg->reason_failback);
		action->report.type = KL_REPORT_FAILBACK;
	} else {
		action->report = registration_report(e, r, &reg->reason_current);
		action->report.type = KL_REPORT_CURRENT;
	}
	return true;
}
