#include "engine/outcome.h"

#include "engine/failback.h"
#include "engine/fallback.h"
#include "engine/flow.h"
#include "engine/health.h"
#include "engine/hedge.h"
#include "engine/keepalive.h"
#include "engine/registration.h"
#include "engine/request.h"
#include "engine/route.h"
#include "engine/schedule.h"
#include "engine/subscription.h"
#include "engine/timing.h"
#include "engine/walk.h"

/* Poly guide: refresh `overlap` seconds before the end.  CS-18-10: at least every 5 minutes. REG-1,
 * PROBE-10 */
static kl_ms refresh_after_ms(kl_ms granted_ms, const struct kl_policy *policy)
{
	kl_ms after_ms = timing_refresh_after_ms(granted_ms, policy->expires_overlap_ms);
	return policy->refresh_max_ms ? earlier(after_ms, policy->refresh_max_ms) : after_ms;
}

void registration_wake_requests(struct kl_engine *e, uint32_t r)
{
	for (uint32_t w = registration_at(e, r)->first_request, next; w != NONE; w = next) {
		next = request_at(e, w)->next;
		if (walk_at(e, w)->state == WALK_REGISTRATION)
			request_registered(e, w);
	}
}

/* The registration that a failover leaves behind lives on, unless it is dropped.  FAIL-4 */
static void registration_keep_former(struct kl_engine *e, uint32_t r, uint8_t pos)
{
	struct registration *reg = registration_at(e, r);
	bool keeps = reg->active && reg->state == KL_FAILING_OVER && reg->current != pos &&
		     !registration_policy(e, r)->fail_registration_on;
	reg->former = keeps ? reg->current : NO_POS;
	reg->former_expires_at = keeps ? reg->expires_at : KL_NEVER;
}

/* Goes over to the route at POS, as current. */
static void registration_move(struct kl_engine *e, uint32_t r, uint8_t pos)
{
	struct registration *reg = registration_at(e, r);
	bool again = reg->current == pos && reg->state != KL_FAILING_BACK && !reg->try_better;
	if (reg->left_why != KL_WHY_NONE && reg->left != pos) {
		reg->moved_from = reg->left;
		reg->moved_why = reg->left_why;
		reg->moved_fault = reg->left_fault;
		reg->moved_at = e->now;
	}
	reg->current = pos;
	reg->try_better = false;
	if (again) {
		/* A refresh does not start the timer again; a failback that came to nothing does.
		 * FAIL-10, FAIL-12 */
		if (reg->failback_at == KL_NEVER && !reg->held)
			failback_arm(e, r);
		return;
	}
	reg->primary = order_primary(e, r, pos);
	failback_arm(e, r);
}

void registration_connect(struct kl_engine *e, uint32_t r, kl_ms granted_ms,
			  const struct reason *reason)
{
	struct registration *reg = registration_at(e, r);
	bool anew = !reg->active;
	registration_keep_former(e, r, reason->pos);
	if (reg->active && reg->current != reason->pos)
		request_hold_all(e, r);
	registration_move(e, r, reason->pos);
	registration_set_active(e, r, true);
	reg->flow = reason->pos;
	reg->lost = reg->stream_lost = false;
	reg->failures = 0;
	reg->resume = NO_POS;
	reg->retry_at = KL_NEVER;
	reg->expires_at = e->now + granted_ms;
	reg->refresh_at = e->now + refresh_after_ms(granted_ms, registration_policy(e, r));
	health_accepted(e, r, reg->current);
	keepalive_begin(e, r);
	registration_enter(e, r, KL_REGISTERED, reason);
	fallback_connected(e, r, anew);
	registration_wake_requests(e, r);
	subscription_registered(e, r);
	registration_routes_changed(e, r);
	flow_look(e, r);
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
	if (!walk->clears && flow_is_second(e, r) && !response->outbound) {
		reason.why = KL_WHY_NO_OUTBOUND;
		registration_denied(e, r, &reason, 0);
		return;
	}
	walk_end(e, r);
	reg->outbound = response->outbound && flow_reg_id(e, r, reason.pos);
	if (walk->clears)
		reason.why = KL_WHY_CLEARED;
	if (reg->state == KL_LEAVING)
		registration_off(e, r, &reason);
	else if (reg->state == KL_CLEARING)
		failback_cleared(e, r, &reason);
	else if (reg->state == KL_DOUBTING)
		hedge_accepted(e, r, reason.pos, response->granted_ms);
	else
		registration_connect(e, r, response->granted_ms, &reason);
}

/* A Retry-After takes the place of the random wait.  BACK-3, T14 */
static kl_ms backoff_ms(struct kl_engine *e, uint32_t r, kl_ms retry_after_ms)
{
	const struct kl_policy *policy = registration_policy(e, r);
	kl_ms least_ms, most_ms;
	if (retry_after_ms)
		return retry_after_ms;
	if (flow_is_second(e, r))
		kl_policy_flow_backoff(policy, registration_at(e, r)->failures, &least_ms,
				       &most_ms);
	else
		kl_policy_backoff(policy, registration_at(e, r)->failures, &least_ms, &most_ms);
	return random_between(e, least_ms, most_ms);
}

/* Yealink: REGISTER to the first server once in each fallback.timeout, counted from its first send.
 * YEA-5 */
static kl_ms probe_at(const struct kl_engine *e, uint32_t r, kl_ms probe_ms)
{
	kl_ms sent_at = walk_at(e, r)->clock_at;
	bool late = sent_at == KL_NEVER || sent_at + probe_ms <= e->now;
	return (late ? e->now : sent_at) + probe_ms;
}

/* What rules the wait that backoff_ms() or probe_at() gives; a Retry-After is the server's word. */
static enum kl_policy_field retry_rule(const struct kl_engine *e, uint32_t r, kl_ms retry_after_ms)
{
	const struct kl_policy *policy = registration_policy(e, r);
	kl_ms least_ms, most_ms;
	if (retry_after_ms)
		return retry_after_ms > policy->retry_after_max_ms ? KL_POLICY_retry_after_max_ms
								   : KL_POLICY_none;
	if (flow_is_second(e, r)) {
		kl_policy_flow_backoff(policy, registration_at(e, r)->failures, &least_ms,
				       &most_ms);
		return most_ms == policy->flow_backoff_max_ms ? KL_POLICY_flow_backoff_max_ms
							      : KL_POLICY_flow_backoff_base_ms;
	}
	if (fallback_probe_ms(e, r))
		return KL_POLICY_fallback_probe_ms;
	if (policy->backoff_fixed_ms)
		return KL_POLICY_backoff_fixed_ms;
	kl_policy_backoff(policy, registration_at(e, r)->failures, &least_ms, &most_ms);
	return most_ms == policy->backoff_max_ms && most_ms != policy->backoff_base_ms
		       ? KL_POLICY_backoff_max_ms
		       : KL_POLICY_backoff_base_ms;
}

void registration_hurry(struct kl_engine *e, uint32_t r)
{
	kl_ms at = e->now + backoff_ms(e, r, 0);
	if (at < registration_at(e, r)->retry_at)
		registration_retry_at(e, r, at, retry_rule(e, r, 0));
}

/* A try that a request made in the midst of a back-off does not begin another: the timer goes on.
 * FALL-4 */
static void registration_back_off(struct kl_engine *e, uint32_t r, kl_ms retry_after_ms)
{
	struct registration *reg = registration_at(e, r);
	/* One that is not obeyed at all leaves the random wait: no back-off is 0.  BACK-3 */
	kl_ms obeyed_ms = earlier(retry_after_ms, registration_policy(e, r)->retry_after_max_ms);
	kl_ms probe_ms = obeyed_ms ? 0 : fallback_probe_ms(e, r);
	if (reg->retry_at != KL_NEVER && reg->retry_at > e->now && !obeyed_ms)
		return;
	reg->retry_at = probe_ms ? probe_at(e, r, probe_ms) : e->now + backoff_ms(e, r, obeyed_ms);
	reg->retry_rule = (uint8_t)retry_rule(e, r, obeyed_ms ? retry_after_ms : 0);
	reg->failures++;
}

/* Registration loss: waits, then registers again.  TRIG-6, REG-4 */
static void registration_retire(struct kl_engine *e, uint32_t r, const struct reason *reason,
				kl_ms retry_after_ms)
{
	struct registration *reg = registration_at(e, r);
	registration_walk_stop(e, r);
	if (registration_policy(e, r)->new_call_id_on_loss) {
		reg->call_id++;
		reg->cseq = 0;
	}
	registration_back_off(e, r, retry_after_ms);
	reg->lost = true;
	registration_enter(e, r, KL_BACKING_OFF, reason);
}

/* ... and until then is unregistered on this entry. */
static void registration_lose(struct kl_engine *e, uint32_t r, const struct reason *reason,
			      kl_ms retry_after_ms)
{
	struct registration *reg = registration_at(e, r);
	if (flow_take_over(e, r, 0, reason))
		return;
	registration_forget(e, r);
	registration_retire(e, r, reason, retry_after_ms);
	for (uint32_t w = reg->first_request, next; w != NONE; w = next) {
		next = request_at(e, w)->next;
		if (walk_at(e, w)->state == WALK_REGISTRATION)
			request_unregistered(e, w, reason);
	}
	fallback_lost(e, r);
	flow_wait(e, r);
}

void registration_exhausted(struct kl_engine *e, uint32_t r, const struct reason *reason)
{
	struct registration *reg = registration_at(e, r);
	struct walk *walk = walk_at(e, r);
	bool untried = walk->over;
	walk->over = false;
	reg->resume = untried ? walk_next(e, r) : NO_POS;
	if (reg->state == KL_FAILING_BACK && reg->active && !(walk->tried & bit(reg->current))) {
		registration_walk_stop(e, r);
		failback_failed(e, r, reason);
		return;
	}
	if (reg->state == KL_DOUBTING) { /* its own route may answer yet */
		registration_walk_stop(e, r);
		return;
	}
	registration_lose(e, r, reason, reason->status == 503 ? walk->retry_after_ms : 0);
}

/* EA 66546, Poly guide: the old registration is dropped, with nothing sent, when failover begins.
 * FAIL-3 */
static void registration_drop(struct kl_engine *e, uint32_t r)
{
	struct registration *reg = registration_at(e, r);
	if (!registration_reregisters(e, r) || !registration_policy(e, r)->fail_registration_on)
		return;
	registration_set_active(e, r, false);
	reg->expires_at = KL_NEVER;
	registration_schedule(e, r);
	subscription_drop(e, r);
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

void registration_break_off(struct kl_engine *e, uint32_t r, uint8_t pos,
			    const struct reason *reason)
{
	registration_note_left(registration_at(e, r), pos, reason);
	registration_drop(e, r);
	registration_enter(e, r, KL_FAILING_OVER, reason);
	flow_wait(e, r);
}

/* The open REGISTER leaves its route for the next. */
static void registration_move_on(struct kl_engine *e, uint32_t r, const struct reason *reason)
{
	struct registration *reg = registration_at(e, r);
	uint8_t left = walk_at(e, r)->pos;
	if (reg->state != KL_DOUBTING)
		registration_note_left(reg, left, reason);
	if (reg->state == KL_FAILING_BACK && left != reg->current)
		health_hold_off(e, r, left);
	if ((left == reg->current || reg->state == KL_REFRESHING) &&
	    flow_take_over(e, r, walk_at(e, r)->tried, reason))
		return;
	uint8_t next = walk_next(e, r);
	if (left == reg->current)
		registration_drop(e, r);
	if (next == NO_POS) {
		registration_exhausted(e, r, reason);
		return;
	}
	bool fails_over = reg->state == KL_REFRESHING ||
			  (reg->state == KL_FAILING_BACK && left == reg->current);
	if (fails_over) {
		registration_enter(e, r, KL_FAILING_OVER, reason);
		flow_wait(e, r);
	}
	walk_report_move(e, r, left, reason);
	walk_send(e, r, next);
}

void registration_denied(struct kl_engine *e, uint32_t r, const struct reason *reason,
			 kl_ms retry_after_ms)
{
	struct registration *reg = registration_at(e, r);
	struct walk *walk = walk_at(e, r);
	bool returning = reg->state == KL_FAILING_BACK && walk->pos != reg->current;
	bool ends = reg->state == KL_LEAVING || reg->state == KL_CLEARING;
	bool moves_on =
		registration_policy(e, r)->denial_moves_on || reason->why == KL_WHY_NO_OUTBOUND;
	if (!ends && moves_on) {
		health_denied(e, r, reason);
		registration_move_on(e, r, reason);
	} else if (reg->state == KL_LEAVING) {
		registration_walk_stop(e, r);
		registration_off(e, r, reason);
	} else if (reg->state == KL_CLEARING) {
		registration_walk_stop(e, r);
		failback_cleared(e, r, reason);
	} else if (reg->state == KL_DOUBTING) {
		registration_walk_stop(e, r);
	} else if (returning && reg->active) {
		registration_walk_stop(e, r);
		failback_failed(e, r, reason);
	} else if (returning && !(walk->tried & bit(reg->current))) {
		/* FAIL-13: already unregistered; at once back at the former route. */
		walk_report_move(e, r, walk->pos, reason);
		walk_send(e, r, reg->current);
	} else {
		/* BACK-4: a denial ends a walk, too. */
		walk->over = false;
		reg->resume = walk_next(e, r);
		registration_lose(e, r, reason, retry_after_ms);
	}
}

void registration_route_failed(struct kl_engine *e, uint32_t r, const struct reason *reason)
{
	const struct registration *reg = registration_at(e, r);
	if (reg->state == KL_LEAVING || reg->state == KL_CLEARING)
		registration_denied(e, r, reason, 0);
	else
		registration_move_on(e, r, reason);
}

int registration_late(struct kl_engine *e, uint32_t r, uint8_t pos,
		      const struct kl_event_response *response)
{
	struct registration *reg = registration_at(e, r);
	bool wanted = reg->state != KL_OFF && reg->state != KL_LEAVING &&
		      reg->state != KL_CLEARING && reg->state != KL_STANDBY &&
		      !flow_bars(e, r, pos) && (response->outbound || !flow_is_second(e, r));
	if (response->granted_ms == 0 || (reg->active && reg->current == pos))
		return KL_IGNORED;
	if (reg->active || !wanted) {
		reg->late_pos = pos;
		reg->late_status = response->status;
		owe(e, registration_node(e, r), OWES_LATE);
		return KL_IGNORED;
	}
	registration_walk_stop(e, r);
	reg->outbound = response->outbound && flow_reg_id(e, r, pos);
	health_answered_late(e, r, pos, response->status);
	registration_connect(e, r, response->granted_ms,
			     &(struct reason){.why = KL_WHY_LATE_ACCEPTED,
					      .pos = pos,
					      .status = response->status});
	return KL_OK;
}

/* Poly guide: a stream drop from the far end, or a keep-alive without answer, triggers no failover
 * but a back-off.  A REGISTER that is on its way elsewhere goes on.  Without a network the line
 * stays as it is, and is refreshed once there is one.  TRIG-6, KEEP-4, PROBE-9 */
void registration_flow_lost(struct kl_engine *e, uint32_t r, enum kl_fault fault)
{
	struct registration *reg = registration_at(e, r);
	const struct reason reason = {
		.why = KL_WHY_FAULT, .fault = (uint8_t)fault, .pos = reg->flow};
	if (reg->state == KL_DOUBTING)
		hedge_end(e, r, KL_WHY_HEARD);
	if (registration_frozen(e, r)) {
		reg->stream_lost = true;
		reg->refresh_at = e->now;
	} else if (flow_is_second(e, r) && reg->state != KL_STANDBY && reg->state != KL_LEAVING &&
		   reg->state != KL_FAILING_OVER) {
		flow_lost(e, r, &reason);
	} else if (reg->state == KL_REGISTERED) {
		registration_lose(e, r, &reason, 0);
	} else {
		registration_lapse(e, r, &reason);
	}
}

void registration_former_lost(struct kl_engine *e, uint32_t r)
{
	struct registration *reg = registration_at(e, r);
	reg->former = NO_POS;
	if (!registration_reregisters(e, r) || !reg->try_better)
		return;
	reg->try_better = false;
	reg->failback_at = e->now;
	registration_schedule(e, r);
}

/* ---- with requests ---- */

/* Poly guide: 403 to any request triggers no failover but a back-off.  Decision: the server's
 * binding is kept, and calls in both directions work until the line registers again.  TRIG-6 */
void registration_request_denied(struct kl_engine *e, uint32_t r, const struct reason *reason)
{
	const struct registration *reg = registration_at(e, r);
	if (reg->state == KL_DOUBTING) /* a 403 is an answer, too */
		hedge_end(e, r, KL_WHY_HEARD);
	if (!registration_policy(e, r)->loss_on_403 || !reg->active ||
	    (reg->state != KL_REGISTERED && reg->state != KL_REFRESHING))
		return;
	struct reason denied = *reason;
	denied.rule = KL_POLICY_loss_on_403;
	failback_disarm(e, r);
	registration_retire(e, r, &denied, 0);
	fallback_lost(e, r);
}

/* The route that a failback wants to leave is dead: the failback becomes a failover. */
static void registration_failback_to_failover(struct kl_engine *e, uint32_t r,
					      const struct reason *reason)
{
	uint8_t left = registration_at(e, r)->current;
	struct walk *walk = walk_at(e, r);
	if (flow_take_over(e, r, 0, reason))
		return;
	walk->allowed = UINT32_MAX;
	walk->more = false;
	walk->tried |= bit(left);
	registration_break_off(e, r, left, reason);
}

/* START leads away from the dead route: its origin. */
static void registration_fail_over(struct kl_engine *e, uint32_t r, const struct start *start,
				   const struct reason *reason)
{
	struct registration *reg = registration_at(e, r);
	if (flow_take_over(e, r, start->tried, reason))
		return;
	reg->left_why = KL_WHY_NONE;
	if (reg->state == KL_BACKING_OFF && !reg->active) {
		registration_note_left(reg, start->origin, reason);
		registration_enter(e, r, KL_REGISTERING, reason);
	} else {
		registration_break_off(e, r, start->origin, reason);
	}
	registration_walk(e, r, start);
}

/* The open REGISTER is on, or is to lead away from, the route at POS that somebody found dead: one
 * detection serves both.  False: it has nothing to do with it. */
static bool registration_walk_learns(struct kl_engine *e, uint32_t r, uint8_t pos,
				     const struct reason *reason)
{
	const struct registration *reg = registration_at(e, r);
	const struct walk *own = walk_at(e, r);
	bool sending = own->state == WALK_SENDING || own->state == WALK_PROCEEDING;
	if (sending && own->pos == pos)
		walk_fail(e, r, &(struct reason){.why = KL_WHY_REQUEST_FAILED, .pos = pos});
	else if (reg->state == KL_FAILING_BACK && reg->active && reg->current == pos)
		registration_failback_to_failover(e, r, reason);
	else if (reg->state == KL_DOUBTING && reg->current == pos)
		hedge_commit(e, r, reason);
	else
		return false;
	return true;
}

void registration_request_failed(struct kl_engine *e, uint32_t r, uint32_t w,
				 const struct reason *reason)
{
	struct registration *reg = registration_at(e, r);
	struct walk *request = walk_at(e, w);
	bool walking = registration_walking(e, r);
	request->state = WALK_REGISTRATION;
	if (reg->try_better && request->pos == reg->former)
		failback_direct_failed(e, r);
	if (registration_walk_learns(e, r, request->pos, reason))
		return;
	if (walking && reg->state != KL_REFRESHING)
		return; /* it is on its way to another route */
	if (reg->active && reg->current != request->pos && !(request->tried & bit(reg->current))) {
		request_registered(e, w);
	} else if (!walking) {
		bool goes_on = !request->over || walk_next(e, w) != NO_POS;
		struct start start = start_anew;
		start.origin = request->pos;
		start.tried = request->tried;
		start.retry_after_ms = request->retry_after_ms;
		/* A request that was given up for its time lends none of it. */
		start.clock_at = goes_on ? request->clock_at : KL_NEVER;
		start.over = goes_on && request->over;
		registration_fail_over(e, r, &start, reason);
	}
}

bool registration_dialog_failed(struct kl_engine *e, uint32_t r, uint8_t pos,
				const struct reason *reason)
{
	const struct registration *reg = registration_at(e, r);
	struct start start = start_anew;
	if (reg->try_better && pos == reg->former) {
		failback_direct_failed(e, r);
		return true;
	}
	if (pos != reg->current || !registration_reregisters(e, r))
		return false;
	if (registration_walk_learns(e, r, pos, reason))
		return true;
	if (reg->state != KL_REGISTERED && reg->state != KL_BACKING_OFF)
		return false;
	start.origin = pos;
	start.tried = bit(pos);
	registration_fail_over(e, r, &start, reason);
	return true;
}

void registration_request_left(struct kl_engine *e, uint32_t r, const struct reason *reason)
{
	registration_note_left(registration_at(e, r), reason->pos, reason);
}

/* Where calls go the registration goes, and subscriptions after it (SUBS-1): or else what comes for
 * the line goes to a server that is dead.  OWN-8 */
static void registration_follow(struct kl_engine *e, uint32_t r)
{
	const struct registration *reg = registration_at(e, r);
	struct start start = start_anew;
	if (!registration_policy(e, r)->register_follows || reg->state != KL_REGISTERED ||
	    reg->flow == reg->current)
		return;
	start.first = start.origin = reg->current;
	registration_enter(e, r, KL_REFRESHING,
			   &(struct reason){.why = KL_WHY_FOLLOWS,
					    .rule = KL_POLICY_register_follows,
					    .pos = reg->current});
	registration_walk(e, r, &start);
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
	reg->current_pos = pos;
	reg->current_status = status;
	owe(e, registration_node(e, r), OWES_CURRENT);
	registration_move(e, r, pos);
	reg->left_why = KL_WHY_NONE;
	registration_schedule(e, r);
	registration_follow(e, r);
}
