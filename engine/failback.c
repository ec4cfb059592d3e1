#include "engine/failback.h"

#include "engine/dns.h"
#include "engine/flow.h"
#include "engine/health.h"
#include "engine/keepalive.h"
#include "engine/line.h"
#include "engine/outcome.h"
#include "engine/pace.h"
#include "engine/registration.h"
#include "engine/request.h"
#include "engine/route.h"
#include "engine/schedule.h"
#include "engine/subscription.h"
#include "engine/walk.h"

static enum kl_failback_mode failback_mode(const struct kl_engine *e, uint32_t r)
{
	return kl_policy_failback_mode(registration_policy(e, r));
}

static enum kl_policy_field failback_rule(const struct kl_engine *e, uint32_t r)
{
	if (failback_mode(e, r) == KL_FAILBACK_DURATION)
		return KL_POLICY_failback_ms;
	return registration_policy(e, r)->reregister_on ? KL_POLICY_failback_mode
							: KL_POLICY_failback_mode_shared;
}

uint32_t failback_better(const struct kl_engine *e, uint32_t r)
{
	if (failback_mode(e, r) == KL_FAILBACK_PROBED)
		return health_better(e, r);
	return order_better(e, r, registration_at(e, r)->current);
}

static void failback_report(struct kl_engine *e, uint32_t r, const struct reason *reason)
{
	struct registration *reg = registration_at(e, r);
	reg->failback_why = reason->why;
	reg->failback_rule = reason->rule;
	reg->failback_pos = reason->pos;
	owe(e, registration_node(e, r), OWES_FAILBACK);
}

static void failback_hold(struct kl_engine *e, uint32_t r, bool held)
{
	struct registration *reg = registration_at(e, r);
	if (held && !reg->held)
		e->held_count++;
	if (!held && reg->held)
		e->held_count--;
	reg->held = held;
}

void failback_disarm(struct kl_engine *e, uint32_t r)
{
	struct registration *reg = registration_at(e, r);
	failback_hold(e, r, false);
	reg->failback_at = KL_NEVER;
	reg->try_better = reg->paced = false;
	registration_schedule(e, r);
}

/* FAIL-8, FAIL-10: counted from connecting to the current route. */
static kl_ms failback_after_ms(const struct kl_engine *e, uint32_t r)
{
	const struct registration *reg = registration_at(e, r);
	const struct kl_policy *policy = registration_policy(e, r);
	const struct member *member = member_at(e, reg->set, reg->current);
	kl_ms duration_ms = policy->failback_ms ? policy->failback_ms : KL_NEVER;
	switch (failback_mode(e, r)) {
	case KL_FAILBACK_DURATION:
		return duration_ms;
	case KL_FAILBACK_DNSTTL: /* a literal address has no TTL: as duration */
		return member->name ? dns_ttl_ms(member->ttl_ms) : duration_ms;
	case KL_FAILBACK_NEW_REQUESTS:
	case KL_FAILBACK_REGISTRATION:
	case KL_FAILBACK_PROBED:
		break;
	}
	return KL_NEVER;
}

void failback_arm(struct kl_engine *e, uint32_t r)
{
	struct registration *reg = registration_at(e, r);
	failback_disarm(e, r);
	if (!registration_in_failover(e, r))
		return;
	kl_ms after_ms = failback_after_ms(e, r);
	reg->failback_at = after_ms == KL_NEVER ? KL_NEVER : e->now + after_ms;
	registration_schedule(e, r);
}

/* FAIL-11: Poly: no call on the line, with enhanced failover on any line; 2012: no call on the
 * phone.  OWN is the call, or none, that
 * asks. */
static bool failback_is_idle(const struct kl_engine *e, uint32_t r, uint32_t own)
{
	uint32_t line = registration_at(e, r)->line;
	const struct kl_policy *policy = registration_policy(e, r);
	if (kl_policy_enhanced(policy))
		return e->calls == own;
	switch ((enum kl_idle_scope)policy->idle_scope) {
	case KL_IDLE_LINE:
		return line_busy(e, line) == own;
	case KL_IDLE_PHONE:
		return e->calls == own;
	case KL_IDLE_GROUP:
		return line_group_busy(e, line) == own;
	case KL_IDLE_NONE:
		break;
	}
	return true;
}

static uint8_t idle_rule(const struct kl_engine *e, uint32_t r)
{
	return kl_policy_enhanced(registration_policy(e, r)) ? KL_POLICY_enhanced
							     : KL_POLICY_idle_scope;
}

/* EA 66546: an old registration that lives on needs no REGISTER: the next request goes there.
 * FAIL-4.  But a server that was down may have forgotten it, and probes tell of no more than life.
 * OWN-1 */
static bool failback_direct(struct kl_engine *e, uint32_t r)
{
	struct registration *reg = registration_at(e, r);
	if (reg->former == NO_POS || registration_policy(e, r)->health_shared ||
	    reg->former_expires_at <= e->now || !(failback_better(e, r) & bit(reg->former)))
		return false;
	reg->try_better = true;
	failback_report(e, r,
			&(struct reason){.why = KL_WHY_FAILBACK_DIRECT,
					 .rule = KL_POLICY_fail_registration_on,
					 .pos = reg->former});
	return true;
}

/* Tries the better routes.  ON: if none accepts, the walk goes on to the current route and those
 * behind it; else the current one just goes on serving (FAIL-12). */
static void failback_walk(struct kl_engine *e, uint32_t r, bool on)
{
	const struct registration *reg = registration_at(e, r);
	struct start start = start_anew;
	start.origin = reg->current;
	start.allowed = on ? UINT32_MAX : failback_better(e, r);
	start.more = !on;
	registration_walk(e, r, &start);
}

/* True: a REGISTER is on its way.  While the DNS names no better route there is nothing to do. */
static bool failback_begin(struct kl_engine *e, uint32_t r, enum kl_cause why, bool on)
{
	struct registration *reg = registration_at(e, r);
	const struct reason reason = {.why = (uint8_t)why,
				      .rule = why == KL_WHY_FAILBACK_GROUP
						      ? KL_POLICY_enhanced
						      : (uint8_t)failback_rule(e, r),
				      .pos = NO_POS};
	struct start start = start_anew;
	if (!failback_better(e, r) || failback_direct(e, r))
		return false;
	failback_disarm(e, r);
	reg->left = reg->current;
	reg->left_why = (uint8_t)why;
	reg->left_fault = KL_FAULT_NONE;
	if (flow_return(e, r, failback_better(e, r), &reason))
		return false;
	if (!registration_policy(e, r)->unregister_on_failback) {
		registration_enter(e, r, KL_FAILING_BACK, &reason);
		failback_walk(e, r, on);
		return true;
	}
	/* Poly guide: REGISTER with Expires 0 to the current route before failback.  FAIL-13 */
	start.first = reg->current;
	start.allowed = bit(reg->current);
	start.more = start.clears = true;
	registration_enter(e, r, KL_CLEARING, &reason);
	registration_walk(e, r, &start);
	return true;
}

void failback_cleared(struct kl_engine *e, uint32_t r, const struct reason *reason)
{
	struct registration *reg = registration_at(e, r);
	registration_set_active(e, r, false);
	reg->expires_at = reg->refresh_at = KL_NEVER;
	registration_enter(e, r, KL_FAILING_BACK, reason);
	failback_walk(e, r, true);
}

void failback_failed(struct kl_engine *e, uint32_t r, const struct reason *reason)
{
	failback_arm(e, r);
	struct reason failed = *reason;
	failed.why = KL_WHY_FAILBACK_FAILED;
	registration_enter(e, r, KL_REGISTERED, &failed);
	registration_wake_requests(e, r);
	subscription_registered(e, r);
	registration_routes_changed(e, r);
}

/* Poly guide: with enhanced failover all lines fail back as a group: the first one's time brings
 * the others along; one that is being refreshed follows when that is done.  FAIL-15 */
static void failback_group(struct kl_engine *e, uint32_t first)
{
	if (!kl_policy_enhanced(registration_policy(e, first)))
		return;
	for (uint32_t r = 0; r < e->registration_count; r++) {
		struct registration *reg = registration_at(e, r);
		if (r == first || !kl_policy_enhanced(registration_policy(e, r)) ||
		    !registration_in_failover(e, r))
			continue;
		if (reg->state == KL_REGISTERED)
			failback_begin(e, r, KL_WHY_FAILBACK_GROUP, false);
		else if (reg->state == KL_REFRESHING)
			reg->failback_at = e->now;
	}
}

/* CS-18-10: the phone returns to the most preferred server that is available, not because the
 * present one failed.  PROBE-6 */
void failback_look(struct kl_engine *e, uint32_t r)
{
	struct registration *reg = registration_at(e, r);
	/* An entry that stands by goes nowhere.  FALL-2 */
	if (failback_mode(e, r) != KL_FAILBACK_PROBED || reg->state == KL_STANDBY ||
	    !registration_in_failover(e, r) || reg->held || reg->failback_at != KL_NEVER)
		return;
	kl_ms at = health_better_at(e, r);
	if (at == KL_NEVER)
		return;
	/* A fleet is spread over the time that its server needs for it.  OWN-5 */
	kl_ms spread_ms = pace_fleet_ms(registration_policy(e, r));
	reg->failback_at = at > e->now ? at : e->now;
	if (spread_ms)
		reg->failback_at += random_between(e, 0, spread_ms);
	registration_schedule(e, r);
}

/* Its time has come; but others of this engine return as well.  True: it waits for its turn.  OWN-5
 */
static bool failback_waits(struct kl_engine *e, uint32_t r)
{
	struct registration *reg = registration_at(e, r);
	kl_ms at = reg->paced ? e->now : pace_take(e, r);
	reg->paced = at > e->now;
	if (!reg->paced)
		return false;
	reg->failback_at = at;
	registration_schedule(e, r);
	return true;
}

void failback_due(struct kl_engine *e, uint32_t r)
{
	struct registration *reg = registration_at(e, r);
	bool probed = failback_mode(e, r) == KL_FAILBACK_PROBED;
	enum kl_cause why = probed ? KL_WHY_BETTER_UP : KL_WHY_FAILBACK_DUE;
	struct reason reason = {
		.why = (uint8_t)why, .rule = (uint8_t)failback_rule(e, r), .pos = NO_POS};
	if (!registration_in_failover(e, r))
		return;
	if (!registration_reregisters(e, r)) {
		/* The modes only reorder requests, even during calls.  FAIL-16 */
		reg->try_better = true;
		failback_report(e, r, &reason);
	} else if (!failback_better(e, r)) {
		failback_arm(e, r);
	} else if (probed && failback_waits(e, r)) {
		return;
	} else if (failback_is_idle(e, r, 0)) {
		failback_begin(e, r, why, false);
		failback_group(e, r);
	} else {
		failback_hold(e, r, true);
		reason.why = KL_WHY_FAILBACK_HELD;
		reason.rule = idle_rule(e, r);
		failback_report(e, r, &reason);
	}
}

/* EA 66546: registration: the primary is tried when the current registration is due for renewal;
 * newRequests: REGISTER is such a request too.  FAIL-7, FAIL-9 */
bool failback_by_refresh(struct kl_engine *e, uint32_t r)
{
	enum kl_failback_mode mode = failback_mode(e, r);
	if (!registration_in_failover(e, r))
		return false;
	if (!registration_reregisters(e, r)) {
		registration_at(e, r)->try_better |= mode == KL_FAILBACK_REGISTRATION;
		return false;
	}
	if (mode != KL_FAILBACK_REGISTRATION && mode != KL_FAILBACK_NEW_REQUESTS)
		return false;
	if (failback_is_idle(e, r, 0))
		return failback_begin(e, r, KL_WHY_FAILBACK_DUE, true);
	if (mode == KL_FAILBACK_REGISTRATION) {
		failback_hold(e, r, true);
		failback_report(e, r,
				&(struct reason){.why = KL_WHY_FAILBACK_HELD,
						 .rule = idle_rule(e, r),
						 .pos = NO_POS});
	}
	return false;
}

/* FAIL-7, FAIL-16: with re-registration the request waits for a REGISTER to the better route. */
bool failback_by_request(struct kl_engine *e, uint32_t r, bool is_call)
{
	return registration_at(e, r)->state == KL_REGISTERED && registration_in_failover(e, r) &&
	       failback_mode(e, r) == KL_FAILBACK_NEW_REQUESTS && failback_is_idle(e, r, is_call) &&
	       failback_begin(e, r, KL_WHY_FAILBACK_REQUEST, false);
}

void failback_direct_done(struct kl_engine *e, uint32_t r, uint16_t status)
{
	struct registration *reg = registration_at(e, r);
	uint8_t left = reg->current;
	kl_ms left_expires_at = reg->expires_at;
	kl_ms overlap_ms = registration_policy(e, r)->expires_overlap_ms;
	reg->current_pos = reg->former;
	reg->current_status = status;
	owe(e, registration_node(e, r), OWES_CURRENT);
	reg->current = reg->flow = reg->former;
	keepalive_begin(e, r);
	reg->expires_at = reg->former_expires_at;
	reg->refresh_at =
		reg->expires_at > e->now + overlap_ms ? reg->expires_at - overlap_ms : e->now;
	reg->former = left;
	reg->former_expires_at = left_expires_at;
	reg->moved_from = left;
	reg->moved_why = KL_WHY_FAILBACK_DUE;
	reg->moved_fault = KL_FAULT_NONE;
	reg->moved_at = e->now;
	failback_arm(e, r);
}

void failback_direct_failed(struct kl_engine *e, uint32_t r)
{
	registration_at(e, r)->former = NO_POS;
	failback_arm(e, r);
}

static void failback_idle_line(struct kl_engine *e, uint32_t line)
{
	uint32_t first = line_at(e, line)->first_registration;
	for (uint32_t r = first; r < first + e->config->lines[line].entry_count; r++) {
		if (!registration_at(e, r)->held || !failback_is_idle(e, r, 0))
			continue;
		failback_hold(e, r, false);
		registration_at(e, r)->failback_at = e->now;
		registration_schedule(e, r);
	}
}

/* Poly guide: once the call completes, failback immediately occurs.  FAIL-11 */
void failback_idle(struct kl_engine *e, uint32_t line)
{
	failback_idle_line(e, line);
	/* Other lines may have waited for the calls of the group, or of the phone, to end. */
	if (e->calls && line_group_busy(e, line))
		return;
	for (uint32_t other = 0; e->held_count && other < e->config->line_count; other++)
		failback_idle_line(e, other);
}
