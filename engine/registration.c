#include "engine/registration.h"

#include "engine/failback.h"
#include "engine/fallback.h"
#include "engine/health.h"
#include "engine/hedge.h"
#include "engine/outcome.h"
#include "engine/pace.h"
#include "engine/probe.h"
#include "engine/request.h"
#include "engine/route.h"
#include "engine/schedule.h"
#include "engine/walk.h"

const struct start start_anew = {
	.first = NO_POS, .origin = NO_POS, .allowed = UINT32_MAX, .clock_at = KL_NEVER};

/* ---- states ---- */

#define STATE(state) (UINT16_C(1) << (state))

/* Where each state may go. */
static const uint16_t moves[KL_STATES_MAX] = {
	[KL_OFF] = STATE(KL_RESOLVING) | STATE(KL_REGISTERING) | STATE(KL_BACKING_OFF) |
		   STATE(KL_STANDBY),
	[KL_RESOLVING] = STATE(KL_REGISTERING) | STATE(KL_REGISTERED) | STATE(KL_BACKING_OFF) |
			 STATE(KL_OFF) | STATE(KL_STANDBY),
	[KL_REGISTERING] =
		STATE(KL_REGISTERED) | STATE(KL_BACKING_OFF) | STATE(KL_OFF) | STATE(KL_STANDBY),
	[KL_REGISTERED] = STATE(KL_REFRESHING) | STATE(KL_FAILING_OVER) | STATE(KL_CLEARING) |
			  STATE(KL_FAILING_BACK) | STATE(KL_BACKING_OFF) | STATE(KL_LEAVING) |
			  STATE(KL_OFF) | STATE(KL_STANDBY) | STATE(KL_DOUBTING),
	[KL_REFRESHING] = STATE(KL_REGISTERING) | STATE(KL_REGISTERED) | STATE(KL_FAILING_OVER) |
			  STATE(KL_BACKING_OFF) | STATE(KL_LEAVING) | STATE(KL_OFF) |
			  STATE(KL_STANDBY),
	[KL_FAILING_OVER] = STATE(KL_REGISTERED) | STATE(KL_BACKING_OFF) | STATE(KL_LEAVING) |
			    STATE(KL_OFF) | STATE(KL_STANDBY),
	[KL_CLEARING] =
		STATE(KL_FAILING_BACK) | STATE(KL_LEAVING) | STATE(KL_OFF) | STATE(KL_STANDBY),
	[KL_FAILING_BACK] = STATE(KL_REGISTERED) | STATE(KL_FAILING_OVER) | STATE(KL_BACKING_OFF) |
			    STATE(KL_LEAVING) | STATE(KL_OFF) | STATE(KL_STANDBY),
	[KL_BACKING_OFF] = STATE(KL_RESOLVING) | STATE(KL_REGISTERING) | STATE(KL_REGISTERED) |
			   STATE(KL_FAILING_OVER) | STATE(KL_LEAVING) | STATE(KL_OFF) |
			   STATE(KL_STANDBY),
	[KL_LEAVING] = STATE(KL_OFF),
	[KL_STANDBY] = STATE(KL_RESOLVING) | STATE(KL_REGISTERING) | STATE(KL_REFRESHING) |
		       STATE(KL_BACKING_OFF) | STATE(KL_LEAVING) | STATE(KL_OFF),
	[KL_DOUBTING] = STATE(KL_REGISTERED) | STATE(KL_FAILING_OVER) | STATE(KL_LEAVING) |
			STATE(KL_OFF) | STATE(KL_STANDBY),
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
						       .flow = NO_POS,
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
	case KL_CLEARING:
	case KL_FAILING_BACK:
	case KL_LEAVING:
	case KL_DOUBTING:
		at = reg->expires_at;
		break;
	case KL_BACKING_OFF: /* after a 403 to a request the binding lives on (TRIG-6) */
		at = earlier(reg->retry_at, reg->expires_at);
		break;
	case KL_OFF: /* with shared servers a preference may end */
		at = reg->failback_at;
		break;
	case KL_STANDBY:
		at = earlier(reg->expires_at, reg->failback_at);
		break;
	case KL_RESOLVING:
	case KL_REGISTERING:
		break;
	}
	schedule_set(e, registration_node(e, r), registration_frozen(e, r) ? KL_NEVER : at);
}

/* With one entry its state says it all. */
static void registration_owe_working(struct kl_engine *e, uint32_t r)
{
	if (e->config->lines[registration_at(e, r)->line].entry_count > 1)
		owe(e, registration_node(e, r), OWES_WORKING);
}

void registration_set_active(struct kl_engine *e, uint32_t r, bool active)
{
	registration_at(e, r)->active = active;
	registration_owe_working(e, r);
	if (!active && registration_reregisters(e, r))
		request_hold_all(e, r);
}

bool registration_in_failover(const struct kl_engine *e, uint32_t r)
{
	const struct registration *reg = registration_at(e, r);
	return reg->current != NO_POS && reg->primary != NO_POS && reg->current != reg->primary;
}

/* ---- the open REGISTER ---- */

bool registration_walking(const struct kl_engine *e, uint32_t r)
{
	return walk_at(e, r)->state != WALK_FREE;
}

void registration_walk_stop(struct kl_engine *e, uint32_t r)
{
	if (registration_walking(e, r))
		walk_end(e, r);
}

/* Sends the REGISTER to FIRST or, if that is none, to the walk's next route. */
void registration_send(struct kl_engine *e, uint32_t r, uint8_t first, const struct reason *none)
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
	walk->over = start->over;
	walk->tried = start->tried;
	walk->allowed = start->allowed;
	walk->clock_at = start->clock_at;
	walk->retry_after_ms = start->retry_after_ms;
	registration_send(e, r, start->first, &none);
}

static bool route_listed(const struct kl_engine *e, uint32_t r, uint8_t pos)
{
	return pos != NO_POS && member_at(e, registration_at(e, r)->set, pos)->listed;
}

/* Poly guide: once its address is in no answer any more, a route is left at once; but a lookup that
 * failed ends nothing, and a route that a redirection led to never was in one.  CS-18-10: the phone
 * stays until the active server fails.  DNS-11, DNS-16, PROBE-8 */
static bool registration_route_gone(const struct kl_engine *e, uint32_t r)
{
	const struct registration *reg = registration_at(e, r);
	return reg->current != NO_POS && !registration_policy(e, r)->stays_when_gone &&
	       !route_listed(e, r, reg->current) &&
	       member_at(e, reg->set, reg->current)->record != NO_RECORD &&
	       set_at(e, reg->set)->complete && reg->order_count > 0;
}

/* The first route of the order or, by health, the best one (PROBE-5); NO_POS: there is none. */
static uint8_t registration_head(const struct kl_engine *e, uint32_t r)
{
	if (registration_policy(e, r)->order_by_health)
		return health_best(e, r, UINT32_MAX, NO_POS);
	return order_first(e, r);
}

uint8_t registration_first(const struct kl_engine *e, uint32_t r)
{
	const struct registration *reg = registration_at(e, r);
	const struct kl_policy *policy = registration_policy(e, r);
	uint8_t head = reg->order_count ? registration_head(e, r) : reg->current;
	if (reg->current == NO_POS)
		return head;
	/* FAIL-2: where it is registered, until it is registered elsewhere. */
	if (registration_reregisters(e, r))
		return reg->try_better && reg->former_expires_at > e->now ? reg->former
									  : reg->current;
	if (registration_route_gone(e, r) || health_shuns(e, r))
		return head;
	/* EA 66546: newRequests: the primary first, whatever server was used last; a line that is
	 * on its primary stays there when records are reordered.  FAIL-7, FAIL-16, DNS-10 */
	if (kl_policy_failback_mode(policy) == KL_FAILBACK_NEW_REQUESTS)
		return registration_in_failover(e, r) ? head : reg->current;
	return reg->try_better && reg->primary != NO_POS ? reg->primary : reg->current;
}

void registration_go(struct kl_engine *e, uint32_t r)
{
	struct registration *reg = registration_at(e, r);
	const struct reason none = {.why = (uint8_t)route_none_why(e, reg->set), .pos = NO_POS};
	struct walk *walk = walk_at(e, r);
	uint8_t first =
		registration_route_gone(e, r) ? registration_head(e, r) : registration_first(e, r);
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
	struct set *set = set_at(e, reg->set);
	reg->left_why = KL_WHY_NONE;
	reg->left = NO_POS;
	walk_open_register(e, r);
	route_demand(e, reg->set);
	order_refresh(e, r);
	bool wait = set->pending || set->stale;
	set->due |= wait;
	registration_enter(e, r, wait ? KL_RESOLVING : KL_REGISTERING, reason);
	/* CS-18-10: a spec without an answer leaves the others as they are.  PROBE-1 */
	if (wait && registration_config(e, r)->more_count)
		walk_wait_names(e, r);
	else if (!wait)
		registration_go(e, r);
}

/* With no route at all there is nothing to do but wait until the DNS has said its last. */
void registration_waited(struct kl_engine *e, uint32_t r)
{
	probe_look(e, r);
	if (registration_at(e, r)->order_count || registration_at(e, r)->state != KL_RESOLVING)
		registration_go(e, r);
	else
		schedule_set(e, walk_node(e, r), KL_NEVER);
}

/* What set the time of a refresh that is due.  REG-1, PROBE-10 */
static enum kl_policy_field refresh_rule(const struct kl_engine *e, uint32_t r)
{
	kl_ms most_ms = registration_policy(e, r)->refresh_max_ms;
	bool longest = most_ms && registration_at(e, r)->since_at + most_ms <= e->now;
	return longest ? KL_POLICY_refresh_max_ms : KL_POLICY_expires_overlap_ms;
}

void registration_refresh(struct kl_engine *e, uint32_t r, const struct reason *reason)
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

void registration_forget(struct kl_engine *e, uint32_t r)
{
	struct registration *reg = registration_at(e, r);
	failback_disarm(e, r);
	registration_set_active(e, r, false);
	reg->stream_lost = false;
	reg->current = reg->primary = reg->former = reg->flow = NO_POS;
	reg->expires_at = reg->refresh_at = reg->former_expires_at = KL_NEVER;
}

void registration_off(struct kl_engine *e, uint32_t r, const struct reason *reason)
{
	struct registration *reg = registration_at(e, r);
	registration_forget(e, r);
	reg->resume = NO_POS;
	reg->failures = 0;
	reg->retry_at = KL_NEVER;
	reg->lost = false;
	reg->failed = reg->held_off = 0;
	registration_enter(e, r, KL_OFF, reason);
}

void registration_needed(struct kl_engine *e, uint32_t r)
{
	assert(registration_at(e, r)->state == KL_BACKING_OFF);
	registration_begin(e, r,
			   &(struct reason){.why = KL_WHY_NEEDED,
					    .rule = KL_POLICY_reregister_on,
					    .pos = NO_POS});
}

/* Told to register: at random within the time that a fleet is given which was told so at once.
 * OWN-5 */
static void registration_begin_spread(struct kl_engine *e, uint32_t r)
{
	struct reason reason = {.why = KL_WHY_STARTED, .pos = NO_POS};
	kl_ms most_ms = pace_boot_ms(registration_policy(e, r));
	if (!most_ms) {
		registration_begin(e, r, &reason);
		return;
	}
	reason.rule = KL_POLICY_boot_spread_ms;
	registration_at(e, r)->retry_at = e->now + random_between(e, 0, most_ms);
	registration_at(e, r)->retry_rule = KL_POLICY_boot_spread_ms;
	registration_enter(e, r, KL_BACKING_OFF, &reason);
}

void registration_start(struct kl_engine *e, uint32_t r)
{
	struct registration *reg = registration_at(e, r);
	const struct reason again = {.why = KL_WHY_STARTED, .pos = NO_POS};
	route_use(e, reg->set);
	if (reg->state == KL_LEAVING) {
		registration_walk_stop(e, r);
		registration_off(e, r, &again);
	}
	probe_look(e, r);
	if (!registration_config(e, r)->registers)
		route_demand(e, reg->set);
	else if (fallback_successive(e, reg->line))
		registration_stand_by(e, r, KL_WHY_ONE_AT_A_TIME);
	else
		registration_begin_spread(e, r);
}

void registration_take_turn(struct kl_engine *e, uint32_t r, enum kl_cause why)
{
	struct reason reason = {.why = (uint8_t)why, .pos = NO_POS};
	if (why == KL_WHY_TURN)
		reason.rule = KL_POLICY_successive;
	if (registration_at(e, r)->active)
		registration_refresh(e, r, &reason);
	else if (why == KL_WHY_STARTED)
		registration_begin_spread(e, r);
	else
		registration_begin(e, r, &reason);
}

void registration_stand_by(struct kl_engine *e, uint32_t r, enum kl_cause why)
{
	struct registration *reg = registration_at(e, r);
	bool clearing = reg->state == KL_CLEARING;
	const struct reason reason = {
		.why = (uint8_t)why, .rule = KL_POLICY_successive, .pos = NO_POS};
	if (!registration_config(e, r)->registers || reg->state == KL_STANDBY ||
	    reg->state == KL_LEAVING)
		return;
	registration_walk_stop(e, r);
	failback_disarm(e, r);
	if (clearing || !reg->active)
		registration_forget(e, r);
	reg->former = reg->resume = NO_POS;
	reg->refresh_at = reg->retry_at = reg->former_expires_at = KL_NEVER;
	reg->lost = false;
	registration_enter(e, r, KL_STANDBY, &reason);
	request_follow_all(e, r);
}

void registration_retry_at(struct kl_engine *e, uint32_t r, kl_ms at, enum kl_policy_field rule)
{
	registration_at(e, r)->retry_at = at;
	registration_at(e, r)->retry_rule = (uint8_t)rule;
	registration_schedule(e, r);
}

/* REG-5: leaving unregisters what is registered. */
void registration_stop(struct kl_engine *e, uint32_t r)
{
	struct registration *reg = registration_at(e, r);
	const struct reason reason = {.why = KL_WHY_STOPPED, .pos = NO_POS};
	request_end_all(e, r);
	route_leave(e, reg->set);
	if (reg->state == KL_OFF)
		return;
	registration_walk_stop(e, r);
	if (!reg->active || reg->expires_at <= e->now) {
		registration_off(e, r, &reason);
		return;
	}
	struct start start = start_anew;
	start.first = reg->current;
	start.allowed = bit(reg->current);
	start.more = start.clears = true;
	registration_enter(e, r, KL_LEAVING, &reason);
	registration_owe_working(e, r);
	registration_walk(e, r, &start);
}

/* ---- names changed, time passed ---- */

void registration_routes_changed(struct kl_engine *e, uint32_t r)
{
	struct registration *reg = registration_at(e, r);
	bool failover = registration_in_failover(e, r);
	order_refresh(e, r);
	probe_look(e, r);
	if (reg->current == NO_POS)
		return;
	/* A lookup that failed says nothing of routes: what was primary still is. */
	if (!set_at(e, reg->set)->complete)
		return;
	/* Poly guide: sticky: a line that is on its primary does not react to a new order.  DNS-10.
	 * With failback by probes a better route is one, wherever the line is.  PROBE-6 */
	bool probed = kl_policy_failback_mode(registration_policy(e, r)) == KL_FAILBACK_PROBED;
	reg->primary = reg->current;
	if (probed || (failover && route_listed(e, r, reg->current)))
		reg->primary = order_primary(e, r, reg->current);
	if (!registration_in_failover(e, r))
		failback_disarm(e, r);
	if (registration_route_gone(e, r) && reg->state == KL_REGISTERED)
		registration_refresh(
			e, r, &(struct reason){.why = KL_WHY_ROUTE_GONE, .pos = reg->current});
}

void registration_lapse(struct kl_engine *e, uint32_t r, const struct reason *reason)
{
	struct registration *reg = registration_at(e, r);
	if (reg->state == KL_STANDBY) {
		registration_forget(e, r);
		return;
	}
	registration_set_active(e, r, false);
	reg->expires_at = KL_NEVER;
	if (reg->state == KL_REFRESHING)
		registration_enter(e, r, KL_REGISTERING, reason);
	else if (reg->state == KL_BACKING_OFF)
		registration_forget(e, r);
	else
		registration_schedule(e, r);
	reg->lost = true;
	fallback_lost(e, r);
}

/* A back-off ends; so does the binding that lived on after a 403 to a request.  TRIG-6 */
static void registration_retry(struct kl_engine *e, uint32_t r, const struct reason *reason)
{
	registration_at(e, r)->retry_at = KL_NEVER;
	registration_forget(e, r);
	registration_begin(e, r, reason);
}

void registration_time(struct kl_engine *e, uint32_t r)
{
	const struct reason due = {
		.why = KL_WHY_REFRESH_DUE, .rule = (uint8_t)refresh_rule(e, r), .pos = NO_POS};
	/* Nothing could be said of a stream that was lost without a network.  PROBE-9 */
	static const struct reason link_up = {
		.why = KL_WHY_LINK_UP, .rule = KL_POLICY_freeze_without_link, .pos = NO_POS};
	struct registration *reg = registration_at(e, r);
	if (reg->state == KL_BACKING_OFF && reg->retry_at <= e->now) {
		registration_retry(e, r,
				   &(struct reason){.why = KL_WHY_RETRY_DUE,
						    .rule = reg->retry_rule,
						    .pos = NO_POS});
	} else if (reg->state == KL_DOUBTING) { /* ends while it was waited for */
		hedge_end(e, r, KL_WHY_REFRESH_DUE);
	} else if (reg->state != KL_REGISTERED && reg->expires_at <= e->now) {
		registration_lapse(e, r, &(struct reason){.why = KL_WHY_EXPIRED, .pos = NO_POS});
	} else if (reg->refresh_at <= e->now) {
		/* Before a failback that is due, too: the current route must go on serving while
		 * better ones are tried.  FAIL-12 */
		if (!registration_leave_dead(e, r) && !failback_by_refresh(e, r))
			registration_refresh(e, r, reg->stream_lost ? &link_up : &due);
	} else {
		reg->failback_at = KL_NEVER;
		registration_schedule(e, r);
		failback_due(e, r);
	}
}

bool registration_leave_dead(struct kl_engine *e, uint32_t r)
{
	const struct registration *reg = registration_at(e, r);
	const struct reason reason = {
		.why = KL_WHY_ROUTE_DOWN, .rule = KL_POLICY_health_shared, .pos = reg->current};
	return reg->state == KL_REGISTERED && registration_reregisters(e, r) &&
	       health_shuns(e, r) && registration_dialog_failed(e, r, reg->current, &reason);
}

void registration_catch_up(struct kl_engine *e, uint32_t r)
{
	while (registration_at(e, r)->expires_at <= e->now && !registration_frozen(e, r))
		registration_time(e, r);
}

/* ---- this side's network ---- */

void registration_address_changed(struct kl_engine *e, uint32_t r)
{
	struct registration *reg = registration_at(e, r);
	const struct reason reason = {.why = KL_WHY_ADDRESS_CHANGED, .pos = NO_POS};
	if (reg->state == KL_DOUBTING)
		hedge_end(e, r, KL_WHY_ADDRESS_CHANGED);
	reg->former = NO_POS; /* it knows the old Contact */
	reg->former_expires_at = KL_NEVER;
	switch ((enum kl_state)reg->state) {
	case KL_REGISTERED:
		registration_refresh(e, r, &reason);
		break;
	case KL_REGISTERING:
	case KL_REFRESHING:
	case KL_FAILING_OVER:
	case KL_FAILING_BACK:
		walk_renew(e, r);
		break;
	case KL_BACKING_OFF:
		registration_retry(e, r, &reason);
		break;
	case KL_STANDBY:
		registration_forget(e, r);
		break;
	case KL_OFF:
	case KL_RESOLVING:
	case KL_CLEARING:
	case KL_LEAVING:
	case KL_DOUBTING:
		break;
	}
}

/* CS-18-10: the line goes on where it was; what had failed is tried at once.  REG-6, PROBE-9 */
void registration_link_up(struct kl_engine *e, uint32_t r)
{
	struct registration *reg = registration_at(e, r);
	if (walk_at(e, r)->state == WALK_LINK)
		walk_renew(e, r);
	if (reg->state != KL_BACKING_OFF) {
		registration_schedule(e, r);
		return;
	}
	registration_retry(e, r, &(struct reason){.why = KL_WHY_LINK_UP, .pos = NO_POS});
}
