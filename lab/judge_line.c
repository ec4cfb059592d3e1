/* judge_line.c - the rules of a line's registration, over all that it sent (REG, FAIL, BACK, SUBS).
 *
 * One pass over the line's attempts in the order in which they began.  What became of a REGISTER is
 * taken in before the next attempt that began after it.
 */
#include "lab/judge_line.h"

enum { REFRESH_HALF_MS = 30000 }; /* REG-1: so long before the end at the latest */

static bool is_unregister(const struct judge_attempt *a)
{
	return a->method == SIP_REGISTER && a->expires_s == 0;
}

static uint64_t route_bit(const struct judge_line *line, const struct kl_route *route)
{
	uint32_t rank = judge_rank(line->judge, route);

	return rank == UINT32_MAX ? 0 : UINT64_C(1) << rank;
}

/* REG-1: so long after its 200 a registration is refreshed; 0: that is not known. */
static uint64_t refresh_after_us(const struct judge_line *line)
{
	const struct kl_policy *policy = line->judge->policy;
	uint64_t overlap_us = judge_us(policy->expires_overlap_ms);
	uint64_t half_us = line->granted_us / 2;
	uint64_t after_us;

	if (half_us > judge_us(REFRESH_HALF_MS))
		half_us = judge_us(REFRESH_HALF_MS);
	after_us = line->granted_us > overlap_us ? line->granted_us - overlap_us : 0;
	if (after_us < half_us)
		after_us = half_us;
	if (policy->refresh_max_ms && after_us > judge_us(policy->refresh_max_ms))
		after_us = judge_us(policy->refresh_max_ms);
	return after_us;
}

/* Is B a better route than A, of the same service record (FAIL-12)? */
static bool is_better(const struct judge *judge, const struct kl_route *b, const struct kl_route *a)
{
	uint32_t of_a = judge_rank(judge, a), of_b = judge_rank(judge, b);
	const struct lab_expected_route *routes = judge->expectation->routes;

	return of_a != UINT32_MAX && of_b < of_a && routes[of_a].record == routes[of_b].record;
}

static bool has_better(const struct judge_line *line)
{
	const struct kl_route *primary = judge_primary(line->judge, &line->route);

	return primary && !judge_same_route(primary, &line->route);
}

/* Is a call up where it counts for failback (FAIL-11), made through ROUTE, or any if that is NULL?
 * One whose server is not the current one may have ended without a word (FAIL-5). */
static bool is_busy(const struct judge_line *line, const struct kl_route *route, uint64_t at_us,
		    uint64_t *until_us)
{
	struct judge_calls_of which = {.route = route};

	switch ((enum kl_idle_scope)line->judge->policy->idle_scope) {
	case KL_IDLE_LINE:
		which.line = line->name;
		break;
	case KL_IDLE_PHONE:
	case KL_IDLE_GROUP:
		break;
	case KL_IDLE_NONE:
		return false;
	}
	return judge_in_call(line->judge, &which, at_us, until_us);
}

/* ---- what became of a REGISTER ---- */

static void owe_subscriptions(struct judge_line *line, uint64_t at_us)
{
	for (uint32_t i = 0; i < line->package_count; i++) {
		struct judge_package *package = &line->packages[i];

		if (package->active && !judge_same_route(&package->route, &line->route))
			package->owed_us = at_us;
	}
}

static void take_success(struct judge_line *line, const struct judge_attempt *a)
{
	bool moved =
		!line->registered || line->returning || !judge_same_route(&line->route, &a->route);
	uint32_t seconds = a->granted_s == LAB_TRACE_UNSAID ? a->expires_s : a->granted_s;

	if (is_unregister(a)) {
		line->accepted_on &= ~route_bit(line, &a->route);
		line->unregistered_us = a->ended_us;
		return;
	}
	if (a->beside || judge_is_second(line, a)) {
		line->accepted_on |= route_bit(line, &a->route);
		judge_flow_accepted(line, a);
		return;
	}
	if (moved && line->judge->policy->fail_registration_on)
		line->accepted_on = 0;
	line->accepted_on |= route_bit(line, &a->route);
	line->route = a->route;
	line->reg_id = a->reg_id;
	line->call_id = a->call_id;
	line->registered = line->ever = true;
	line->accepted_us = a->ended_us;
	line->granted_us = seconds == LAB_TRACE_UNSAID ? 0 : judge_us(1000 * (uint64_t)seconds);
	line->disturbed = line->lost = line->returning = false;
	line->failures = 0;
	if (moved) {
		line->connected_us = a->ended_us;
		owe_subscriptions(line, a->ended_us);
	}
	line->unregistered_us = JUDGE_NEVER;
}

/* The line backs off from AT_US on. */
static void lose(struct judge_line *line, uint64_t at_us, uint64_t call_id)
{
	line->lost = true;
	line->lost_us = at_us;
	line->retry_after_s = LAB_TRACE_UNSAID;
	line->failures++;
	line->call_id = call_id;
}

/* Nothing follows a REGISTER that was not accepted.  One that tried the way back leaves the current
 * registration as it was (FAIL-12). */
static void take_failure(struct judge_line *line, const struct judge_attempt *a)
{
	uint64_t over_us =
		a->ended_us == JUDGE_NEVER ? judge_given_up_us(line->judge, a) : a->ended_us;

	if (a->beside)
		return;
	if (a->failback) {
		line->connected_us = judge_over_us(line->judge, a);
		return;
	}
	if (over_us > line->judge->end_us)
		return;
	if (judge_is_second(line, a) || judge_has_second(line)) {
		if (!judge_is_second(line, a))
			judge_flow_takes_over(line);
		judge_flow_failed(line, over_us);
		return;
	}
	line->registered = false;
	lose(line, over_us, a->call_id);
	if (a->status == 503)
		line->retry_after_s = a->retry_after_s;
}

/* What became of the last REGISTER, for those who look at AT_US.  One that was still open then was
 * given up for another. */
static void take_pending(struct judge_line *line, uint32_t flow, uint64_t at_us)
{
	const struct judge_attempt *a = line->pending[flow];

	line->pending[flow] = NULL;
	if (!a || (a->ended_us != JUDGE_NEVER && a->ended_us > at_us))
		return;
	if (a->status / 100 != 2 && judge_late_success(line->judge, a))
		a = judge_late_success(line->judge, a);
	if (a->status / 100 == 2)
		take_success(line, a);
	else if (a->failback && a->link == JUDGE_MOVED)
		line->returning = true;
	else if (!is_unregister(a) && a->link == JUDGE_ALONE)
		take_failure(line, a);
}

/* 002: an idle stream that the far end closes is a registration loss.  TRIG-6 */
static void take_closings(struct judge_line *line, uint64_t until_us)
{
	const struct judge *judge = line->judge;

	for (; line->closing < judge->closing_count; line->closing++) {
		const struct judge_closing *closing = &judge->closings[line->closing];

		if (closing->at_us > until_us)
			return;
		if (!line->registered || closing->at_us < line->accepted_us ||
		    !judge_same_route(&closing->route, &line->route))
			continue;
		if (judge_has_second(line)) { /* what is lost is made anew at once (OWN-6) */
			judge_flow_takes_over(line);
			line->beside.port = 0;
			continue;
		}
		line->registered = false;
		lose(line, closing->at_us, line->call_id);
	}
}

/* ---- a REGISTER that nothing before it led to ---- */

/* A call during a back-off registers at once, and goes out when that was accepted.  FALL-4 */
static bool is_wanted_early(const struct judge_line *line, const struct judge_attempt *a)
{
	const struct judge *judge = line->judge;

	while (a->link != JUDGE_ALONE)
		a = &judge->attempts[a->next];
	if (!judge->policy->reregister_on || a->status / 100 != 2 || a->line_next == JUDGE_NONE)
		return false;
	return judge_initiates(&judge->attempts[a->line_next]) &&
	       judge->attempts[a->line_next].began_us <=
		       a->ended_us + judge_us(JUDGE_AT_ONCE_MS) + judge->tolerance_us;
}

/* BACK-1: between half of the window and all of it.  BACK-3: or what the last server said. */
static void judge_back_off(struct judge_line *line, const struct judge_attempt *a)
{
	struct judge *judge = line->judge;
	const struct kl_policy *policy = judge->policy;
	uint64_t waited_us = a->began_us > line->lost_us ? a->began_us - line->lost_us : 0;
	bool early;
	bool told = line->retry_after_s != LAB_TRACE_UNSAID && line->retry_after_s &&
		    policy->retry_after_max_ms;
	kl_ms least_ms, most_ms;

	if (told) {
		least_ms = most_ms = (kl_ms)line->retry_after_s * 1000;
		if (least_ms > policy->retry_after_max_ms)
			least_ms = most_ms = policy->retry_after_max_ms;
	} else {
		kl_policy_backoff(policy, line->failures - 1, &least_ms, &most_ms);
	}
	early = waited_us < judge_us(least_ms) && is_wanted_early(line, a);
	/* With another entry registered, its own timer rules (YEA-5). */
	if (!early && !(policy->successive && policy->fallback_probe_ms))
		judge_note(judge, told ? LAB_RULE_BACK_3 : LAB_RULE_BACK_1,
			   waited_us + judge->tolerance_us >= judge_us(least_ms) &&
				   waited_us <= judge_us(most_ms) + judge->tolerance_us,
			   a->began_us,
			   "failure %u: registered again after %.3f s, expected %.3f to %.3f s",
			   line->failures, judge_s(waited_us), judge_s(judge_us(least_ms)),
			   judge_s(judge_us(most_ms)));
	judge_note(judge, LAB_RULE_BACK_6, true, a->began_us, "failure %u: it tried again",
		   line->failures);
	line->lost = false; /* it tries */
	judge_note(judge, LAB_RULE_REG_4,
		   (a->call_id != line->call_id) == policy->new_call_id_on_loss, a->began_us,
		   "after a loss REGISTER has %s Call-ID",
		   a->call_id == line->call_id ? "the same" : "a new");
}

/* REG-1, and where the way back is tried at the refresh FAIL-9. */
static void judge_refresh(struct judge_line *line, const struct judge_attempt *a)
{
	struct judge *judge = line->judge;
	uint64_t after_us = refresh_after_us(line);
	uint64_t waited_us = a->began_us - line->accepted_us;
	bool returns = judge->policy->reregister_on && is_better(judge, &a->route, &line->route);
	bool stays = judge->policy->reregister_on &&
		     kl_policy_failback_mode(judge->policy) == KL_FAILBACK_REGISTRATION &&
		     has_better(line) && !is_busy(line, NULL, a->began_us, NULL);
	bool held = returns && waited_us < after_us; /* by a call at the last refresh */

	if (!after_us || line->disturbed || held)
		return;
	judge_note(judge, LAB_RULE_REG_1,
		   judge_about(judge, waited_us, after_us) ||
			   (returns && waited_us <= after_us + judge_us(JUDGE_AGAIN_MS)),
		   a->began_us, "%s: refreshed after %.3f s, expected %.3f s",
		   judge_route_text(&a->route).at, judge_s(waited_us), judge_s(after_us));
	if ((returns || stays) && !line->flows)
		judge_note(judge, LAB_RULE_FAIL_9, returns, a->began_us, "the refresh went to %s",
			   judge_route_text(&a->route).at);
}

/* When failback is due by time: so long after connecting.  HELD_US: until when a call may hold it
 * back that is up then. */
static uint64_t failback_due_us(const struct judge_line *line, uint64_t *held_us)
{
	uint64_t due_us = line->connected_us + judge_us(line->judge->policy->failback_ms);

	if (!is_busy(line, NULL, due_us, held_us))
		*held_us = due_us;
	return due_us;
}

static bool goes_back_by_time(const struct judge *judge)
{
	return judge->policy->reregister_on && judge->policy->fail_registration_on &&
	       !kl_policy_enhanced(judge->policy) &&
	       kl_policy_failback_mode(judge->policy) == KL_FAILBACK_DURATION &&
	       judge->policy->failback_ms;
}

/* A REGISTER to a better route while the current one serves.  FAIL-10, FAIL-11, FAIL-13 */
static void judge_failback(struct judge_line *line, const struct judge_attempt *a)
{
	struct judge *judge = line->judge;
	bool unregistered = line->unregistered_us != JUDGE_NEVER;
	bool busy = is_busy(line, &line->route, a->began_us, NULL);
	uint64_t held_us, due_us = failback_due_us(line, &held_us);

	if (held_us > due_us || busy)
		judge_note(judge, LAB_RULE_FAIL_11, !busy, a->began_us,
			   busy ? "failback during a call" : "failback once the call was over");
	if (goes_back_by_time(judge) && !busy)
		judge_note(judge, LAB_RULE_FAIL_10,
			   a->began_us + judge->tolerance_us >= due_us &&
				   a->began_us <=
					   held_us + judge_us(JUDGE_LATE_MS) + judge->tolerance_us,
			   a->began_us, "failback %.3f s after connecting to %s, expected %.3f s",
			   judge_s(a->began_us - line->connected_us),
			   judge_route_text(&line->route).at, judge_s(due_us - line->connected_us));
	judge_note(judge, LAB_RULE_FAIL_13, unregistered == judge->policy->unregister_on_failback,
		   a->began_us, "failback %s unregistering first",
		   unregistered ? "after" : "without");
}

/* A request was sent again where the line is registered, and has no answer yet: the line registers
 * elsewhere without leaving.  OWN-3 */
static bool is_beside(const struct judge_line *line, const struct judge_attempt *a)
{
	const struct judge *judge = line->judge;
	const struct kl_policy *policy = judge->policy;
	bool hedges =
		policy->first_silence && policy->reregister_on && !policy->fail_registration_on;

	if (!hedges || !line->registered || judge_same_route(&a->route, &line->route))
		return false;
	for (size_t i = a->line_prior; i != JUDGE_NONE; i = judge->attempts[i].line_prior) {
		const struct judge_attempt *b = &judge->attempts[i];

		if (b->began_us + judge_life_us(judge) < a->began_us)
			return false;
		if (judge_initiates(b) && b->send_count > 1 && b->heard_us > a->began_us &&
		    judge_same_route(&b->route, &line->route))
			return true;
	}
	return false;
}

static void judge_register(struct judge_line *line, struct judge_attempt *a)
{
	const struct judge *judge = line->judge;
	bool elsewhere = line->contact && a->contact && line->contact != a->contact;
	bool fresh = a->prior == JUDGE_NONE && a->forced_by == JUDGE_NONE && !elsewhere;
	bool back = line->registered && is_better(judge, &a->route, &line->route);

	line->contact = a->contact;
	a->beside = is_beside(line, a);
	if (a->beside) {
		line->disturbed = true;
		return;
	}
	if (judge_is_second(line, a)) {
		judge_flow_begins(line, a);
		return;
	}
	a->failback = back && !is_unregister(a) && judge->policy->reregister_on;

	if (a->prior != JUDGE_NONE && judge->attempts[a->prior].link == JUDGE_MOVED)
		judge_note(line->judge, LAB_RULE_REG_4, !judge->attempts[a->prior].renamed,
			   a->began_us, "on the next route REGISTER has %s Call-ID",
			   judge->attempts[a->prior].renamed ? "another" : "the same");
	if (!fresh || is_unregister(a))
		return;
	if (line->lost)
		judge_back_off(line, a);
	else if (line->flows && back) /* most often flows change places, with nothing sent */
		return;
	else if (back && judge->policy->reregister_on && !line->disturbed &&
		 kl_policy_failback_mode(judge->policy) != KL_FAILBACK_REGISTRATION)
		judge_failback(line, a);
	else if (line->registered && (judge_same_route(&a->route, &line->route) || back ||
				      !judge->policy->reregister_on))
		judge_refresh(line, a);
}

/* ---- the other requests ---- */

/* 002: with re-registration a request waits until its route has a registration.  Other server
 * entries are not touched by this.  FAIL-2, FAIL-5 */
static void judge_registered_route(struct judge_line *line, const struct judge_attempt *a)
{
	struct judge *judge = line->judge;
	const struct kl_policy *policy = judge->policy;
	bool current = line->registered && judge_same_route(&line->route, &a->route);
	bool accepted = line->accepted_on & route_bit(line, &a->route);
	bool former = accepted && !policy->fail_registration_on; /* it lives on (FAIL-4) */
	bool alone = policy->only_signal_with_registered &&
		     (policy->fail_registration_on || !policy->only_signal_needs_drop);

	if (!policy->reregister_on || !line->ever || judge_is_foreign(judge, &a->route))
		return;
	judge_note(judge, LAB_RULE_FAIL_2,
		   current || line->accepted_on & route_bit(line, &a->route), a->began_us,
		   "%s to %s", sip_method_name(a->method), judge_route_text(&a->route).at);
	if (alone)
		judge_note(judge, LAB_RULE_FAIL_5, current || former, a->began_us, "%s to %s",
			   sip_method_name(a->method), judge_route_text(&a->route).at);
}

/* 001: each new request tries the primary route first.  FAIL-7 */
static void judge_first_route(struct judge *judge, const struct judge_attempt *a)
{
	const struct kl_route *primary = judge_primary(judge, &a->route);

	bool follows = judge->policy->register_follows && a->method == SIP_SUBSCRIBE; /* OWN-8 */

	if (a->prior != JUDGE_NONE || !primary || judge->policy->reregister_on || follows ||
	    (judge->policy->health_shared && judge_is_known_dead(judge, primary, a)) ||
	    kl_policy_failback_mode(judge->policy) != KL_FAILBACK_NEW_REQUESTS)
		return;
	judge_note(judge, LAB_RULE_FAIL_7, judge_same_route(primary, &a->route), a->began_us,
		   "%s began at %s", sip_method_name(a->method), judge_route_text(&a->route).at);
}

static struct judge_package *find_package(struct judge_line *line, uint64_t event)
{
	for (uint32_t i = 0; i < line->package_count; i++)
		if (line->packages[i].event == event)
			return &line->packages[i];
	if (line->package_count == EVENTS_MAX)
		return NULL;
	line->packages[line->package_count] =
		(struct judge_package){.event = event, .owed_us = JUDGE_NEVER};
	return &line->packages[line->package_count++];
}

/* 002: once a REGISTER on a new route is accepted all subscriptions are made there at once. */
static void judge_subscribe(struct judge_line *line, const struct judge_attempt *a)
{
	struct judge_package *package = a->event ? find_package(line, a->event) : NULL;
	bool here = line->registered && judge_same_route(&a->route, &line->route);

	if (!package)
		return;
	if (!a->to_tag && here && package->owed_us != JUDGE_NEVER) {
		judge_note(line->judge, LAB_RULE_SUBS_1,
			   a->began_us <= package->owed_us + judge_us(JUDGE_AGAIN_MS), a->began_us,
			   "subscribed at %s %.3f s after it was registered there",
			   judge_route_text(&a->route).at, judge_s(a->began_us - package->owed_us));
		package->owed_us = JUDGE_NEVER;
	}
	if (a->status / 100 == 2) {
		package->active = a->expires_s != 0;
		package->route = a->route;
	}
}

/* Was a REGISTER on its way there when the answer came? */
static bool registers_there(const struct judge *judge, const struct judge_attempt *a)
{
	for (size_t i = a->line_prior; i != JUDGE_NONE; i = judge->attempts[i].line_prior) {
		const struct judge_attempt *b = &judge->attempts[i];

		if (b->began_us + judge_life_us(judge) < a->began_us)
			return false;
		if (b->method == SIP_REGISTER && judge_same_route(&b->route, &a->route))
			return b->ended_us >= a->heard_us;
	}
	return false;
}

/* The line's calls moved: its registration does, too.  OWN-8 */
static void judge_follows(struct judge_line *line, const struct judge_attempt *a)
{
	struct judge *judge = line->judge;
	bool seen = judge->end_us > a->heard_us + judge_us(JUDGE_LATE_MS);

	if (!judge->policy->register_follows || judge->policy->reregister_on || !line->registered ||
	    line->lost || a->heard_us == JUDGE_NEVER || a->status == 503 ||
	    judge_same_route(&a->route, &line->route) || judge_is_foreign(judge, &a->route))
		return;
	line->disturbed = true; /* its REGISTER comes early */
	if (seen)
		judge_note(judge, LAB_RULE_OWN_8,
			   registers_there(judge, a) ||
				   judge_follows_at_once(judge, a, SIP_REGISTER),
			   a->heard_us, "%s was answered by %s", sip_method_name(a->method),
			   judge_route_text(&a->route).at);
}

static void judge_request(struct judge_line *line, const struct judge_attempt *a)
{
	if (judge_initiates(a) && line->beside.port && judge_same_route(&a->route, &line->beside)) {
		judge_flow_takes_over(line);
		line->connected_us = a->began_us;
		owe_subscriptions(line, a->began_us);
	}
	if (a->method == SIP_SUBSCRIBE && line->judge->policy->resubscribe_on_move)
		judge_subscribe(line, a);
	if (!judge_initiates(a))
		return;
	judge_registered_route(line, a);
	judge_first_route(line->judge, a);
	judge_follows(line, a);
	/* The binding lives on: calls still work in that back-off.  TRIG-6 */
	if (a->status == 403 && line->judge->policy->loss_on_403 && line->registered && !line->lost)
		lose(line, a->ended_us, line->call_id);
}

/* ---- at the end of the trace ---- */

static void judge_overdue(struct judge_line *line)
{
	struct judge *judge = line->judge;
	uint64_t slack_us = judge_us(JUDGE_AGAIN_MS), after_us = refresh_after_us(line), due_us;
	kl_ms least_ms, most_ms;
	uint64_t held_us;

	if (line->registered && !line->lost && after_us && !line->disturbed &&
	    judge->end_us > line->accepted_us + after_us + slack_us)
		judge_note(judge, LAB_RULE_REG_1, false, line->accepted_us + after_us,
			   "%s: not refreshed", judge_route_text(&line->route).at);
	due_us = failback_due_us(line, &held_us);
	if (line->registered && !line->flows && goes_back_by_time(judge) && has_better(line) &&
	    !line->disturbed && held_us < JUDGE_NEVER - slack_us &&
	    judge->end_us > held_us + slack_us)
		judge_note(judge, LAB_RULE_FAIL_10, false, due_us, "no failback from %s",
			   judge_route_text(&line->route).at);
	if (line->lost) {
		kl_policy_backoff(judge->policy, line->failures - 1, &least_ms, &most_ms);
		if (line->retry_after_s == LAB_TRACE_UNSAID &&
		    judge->end_us > line->lost_us + judge_us(most_ms) + slack_us)
			judge_note(judge, LAB_RULE_BACK_6, false, line->lost_us,
				   "failure %u: no further try", line->failures);
	}
	for (uint32_t i = 0; i < line->package_count; i++)
		if (line->packages[i].owed_us != JUDGE_NEVER && line->registered &&
		    judge->end_us > line->packages[i].owed_us + slack_us)
			judge_note(judge, LAB_RULE_SUBS_1, false, line->packages[i].owed_us,
				   "a subscription was not made anew at %s",
				   judge_route_text(&line->route).at);
}

static uint32_t flow_of(const struct judge_attempt *a)
{
	return a->reg_id == 2;
}

/* What is over when A begins; a REGISTER of the same flow that was open is given up for it. */
static void take_all_pending(struct judge_line *line, const struct judge_attempt *a)
{
	for (uint32_t flow = 0; flow < FLOWS; flow++) {
		const struct judge_attempt *pending = line->pending[flow];
		bool next = a->method == SIP_REGISTER && flow_of(a) == flow;

		if (pending && (pending->ended_us <= a->began_us || next))
			take_pending(line, flow, a->began_us);
	}
}

void judge_line(struct judge *judge, struct judge_attempt *first)
{
	struct judge_line line = {
		.judge = judge,
		.name = first->line,
		.unregistered_us = JUDGE_NEVER,
		.flow_lost_us = JUDGE_NEVER,
		.retry_after_s = LAB_TRACE_UNSAID,
	};
	struct judge_attempt *a = first;

	for (;;) {
		take_all_pending(&line, a);
		take_closings(&line, a->began_us);
		if (a->method == SIP_REGISTER) {
			judge_register(&line, a);
			line.pending[flow_of(a)] = a;
		} else {
			judge_request(&line, a);
		}
		line.disturbed |= a->link == JUDGE_MOVED || a->fault || a->status == 503;
		if (a->line_next == JUDGE_NONE)
			break;
		a = &judge->attempts[a->line_next];
	}
	for (uint32_t flow = 0; flow < FLOWS; flow++)
		take_pending(&line, flow, judge->end_us);
	take_closings(&line, judge->end_us);
	judge_overdue(&line);
}
