/* judge_timing.c - the rules of time of one request on one route (TIME-1..5). */
#include "lab/judge_private.h"

static uint64_t earlier(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static uint64_t later(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

bool judge_about(const struct judge *judge, uint64_t a_us, uint64_t b_us)
{
	return (a_us > b_us ? a_us - b_us : b_us - a_us) <= judge->tolerance_us;
}

/* RFC 3261 17.1.1.2, 17.1.2.2: T1, 2*T1, 4*T1 ... up to T2; an INVITE's may grow on. */
uint64_t judge_gap_us(const struct judge *judge, enum sip_method method, uint32_t n, bool last)
{
	const struct kl_policy *policy = judge->policy;
	bool capped = method != SIP_INVITE || policy->invite_gaps_capped;
	uint64_t most = capped ? judge_us(policy->t2_ms) : judge_life_us(judge);

	if (policy->retry_gap_ms && !last)
		return judge_us(policy->retry_gap_ms);
	if (n == 1)
		return judge_us(policy->t1_ms);
	return n > 16 ? most : earlier(judge_us(policy->t1_ms) << (n - 1), most);
}

static uint32_t sends_max(const struct judge *judge, enum sip_method method)
{
	return method == SIP_INVITE ? judge->policy->invite_attempts_max
				    : judge->policy->attempts_max;
}

static uint64_t udp_window_us(const struct judge *judge, enum sip_method method)
{
	uint64_t sum = 0;

	for (uint32_t n = 1; n <= sends_max(judge, method); n++)
		sum += judge_gap_us(judge, method, n, false);
	return sum;
}

uint64_t judge_window_us(const struct judge *judge, const struct judge_attempt *attempt)
{
	const struct kl_policy *policy = judge->policy;

	if (attempt->route.transport == KL_UDP)
		return udp_window_us(judge, attempt->method);
	if (!policy->tcp_fast_failover)
		return judge_life_us(judge);
	if (policy->retry_gap_ms || policy->tcp_fast_window == KL_FAST_AS_UDP)
		return udp_window_us(judge, attempt->method);
	return judge_us(policy->tcp_fast_failover_ms);
}

/* Poly guide: 64*T1 after its first send a request is given up, whatever is left.  TIME-4 */
static bool is_bounded(const struct judge *judge)
{
	return judge->policy->walk_bounded && !kl_policy_enhanced(judge->policy);
}

uint64_t judge_given_up_us(const struct judge *judge, const struct judge_attempt *attempt)
{
	uint64_t life_us = judge_life_us(judge);
	uint64_t own_us = attempt->began_us + judge_window_us(judge, attempt);
	uint64_t walk_us = attempt->walk_us + life_us;

	if (attempt->route.transport != KL_UDP)
		return later(own_us, walk_us);
	if (judge->policy->last_route == KL_LAST_WHOLE)
		own_us = attempt->began_us + life_us;
	else
		own_us = later(own_us, walk_us);
	return is_bounded(judge) ? earlier(own_us, walk_us) : own_us;
}

/* ---- the sends of an attempt over UDP ---- */

enum standing {
	MIDDLE,  /* the walk went on to another route */
	LAST,    /* there was none left */
	UNKNOWN, /* it was answered first, or it is not known which routes there are */
};

static enum standing find_standing(const struct judge *judge, const struct judge_attempt *a)
{
	if (a->link == JUDGE_MOVED || a->failback)
		return MIDDLE;
	if (judge_tried_all(judge, a))
		return LAST;
	/* So many sends are for the last route alone; with others left it is TIME-1 that breaks. */
	return a->send_count > sends_max(judge, a->method) && !judge_has_untried(judge, a)
		       ? LAST
		       : UNKNOWN;
}

/* A registration that came about otherwise makes this REGISTER pointless: by a late answer from a
 * route left before (TIME-9), or by a later request. */
static uint64_t find_superseded(const struct judge *judge, const struct judge_attempt *a)
{
	const struct judge_attempt *late = judge_late_success(judge, a);

	if (late)
		return late->ended_us;
	for (size_t i = a->line_next; i != JUDGE_NONE; i = judge->attempts[i].line_next)
		if (judge->attempts[i].method == SIP_REGISTER)
			return judge->attempts[i].began_us;
	return JUDGE_NEVER;
}

/* How long it was plain that the phone should go on sending. */
static uint64_t find_quiet_end(const struct judge *judge, const struct judge_attempt *a,
			       enum standing standing)
{
	uint64_t end =
		earlier(earlier(a->heard_us, a->ended_us), earlier(a->cancelled_us, a->left_us));

	end = earlier(end, judge->end_us);
	if (a->method == SIP_REGISTER)
		end = earlier(end, find_superseded(judge, a));
	if (is_bounded(judge))
		end = earlier(end, a->walk_us + judge_life_us(judge));
	return standing == LAST ? earlier(end, judge_given_up_us(judge, a)) : end;
}

static bool gap_fits(const struct judge *judge, const struct judge_attempt *a, uint32_t n,
		     enum standing standing)
{
	uint64_t gap_us = a->sends_us[n] - a->sends_us[n - 1];

	return judge_about(judge, gap_us, judge_gap_us(judge, a->method, n, standing == LAST)) ||
	       (standing == UNKNOWN &&
		judge_about(judge, gap_us, judge_gap_us(judge, a->method, n, true)));
}

/* Is send number N+1 missing?  A user who hangs up before any answer leaves no trace, and a phone
 * that shuts down waits for nobody: an INVITE may stop, and a REGISTER that unregisters. */
static bool send_is_missing(const struct judge *judge, const struct judge_attempt *a, uint32_t n,
			    enum standing standing)
{
	uint64_t quiet_us = find_quiet_end(judge, a, standing);
	uint64_t gap_us = judge_gap_us(judge, a->method, n, standing == LAST);

	if (standing != LAST && n >= sends_max(judge, a->method))
		return false;
	if ((a->method != SIP_REGISTER || !a->expires_s) && standing != MIDDLE)
		return false;
	if (judge_is_foreign(judge, &a->route)) /* another entry may have taken over */
		return false;
	return quiet_us > a->sends_us[n - 1] + gap_us + judge->tolerance_us;
}

static void judge_sends(struct judge *judge, const struct judge_attempt *a, enum lab_rule rule,
			enum standing standing)
{
	uint32_t count = a->send_count < JUDGE_SENDS_MAX ? a->send_count : JUDGE_SENDS_MAX;
	const char *method = sip_method_name(a->method);

	for (uint32_t n = 1; n < count && a->sends_us[n] < a->heard_us; n++)
		if (!gap_fits(judge, a, n, standing)) {
			judge_note(judge, rule, false, a->sends_us[n],
				   "%s to %s: %.3f s between send %u and %u, expected %.3f s",
				   method, judge_route_text(&a->route).at,
				   judge_s(a->sends_us[n] - a->sends_us[n - 1]), n, n + 1,
				   judge_s(judge_gap_us(judge, a->method, n, standing == LAST)));
			return;
		}
	if (count && count < JUDGE_SENDS_MAX && send_is_missing(judge, a, count, standing))
		judge_note(judge, rule, false, a->sends_us[count - 1],
			   "%s to %s: sent %u times, and not again %.3f s later", method,
			   judge_route_text(&a->route).at, count,
			   judge_s(judge_gap_us(judge, a->method, count, standing == LAST)));
	else if (count > 1)
		judge_note(judge, rule, true, a->sends_us[count - 1],
			   "%s to %s: %u sends in %.3f s", method, judge_route_text(&a->route).at,
			   count, judge_s(a->sends_us[count - 1] - a->sends_us[0]));
}

/* ---- when it is left ---- */

bool judge_heard_from(const struct judge *judge, const struct kl_route *route, uint64_t from_us,
		      uint64_t to_us)
{
	for (size_t i = judge->attempt_count; i-- > 0;) {
		const struct judge_attempt *a = &judge->attempts[i];

		if (a->began_us + 2 * judge_life_us(judge) < from_us)
			return false;
		if (judge_same_route(&a->route, route) && a->heard_us >= from_us &&
		    a->heard_us <= to_us)
			return true;
	}
	return false;
}

static bool turned_with(const struct judge *judge, const struct judge_attempt *a,
			const struct judge_attempt *b)
{
	return judge_same_route(&b->route, &a->route) && judge_fails_until(judge, b, a->left_us);
}

/* Was the route found dead by another request of the line just then? */
static bool line_turned(const struct judge *judge, const struct judge_attempt *a)
{
	const struct judge_attempt *attempts = judge->attempts;

	for (size_t i = a->line_prior; i != JUDGE_NONE; i = attempts[i].line_prior) {
		if (attempts[i].began_us + judge_life_us(judge) < a->left_us)
			break;
		if (turned_with(judge, a, &attempts[i]))
			return true;
	}
	for (size_t i = a->line_next; i != JUDGE_NONE; i = attempts[i].line_next) {
		if (attempts[i].began_us > a->left_us)
			break;
		if (turned_with(judge, a, &attempts[i]))
			return true;
	}
	return false;
}

/* On a stream nothing is sent again: silence is looked at when it would be. */
static uint64_t last_look_but_one_us(const struct judge *judge, const struct judge_attempt *a)
{
	uint64_t before_us = a->began_us, at_us = a->began_us, gap_us;

	for (uint32_t n = 1;; n++) {
		gap_us = judge_gap_us(judge, a->method, n, true);
		if (at_us + gap_us > a->left_us)
			return before_us;
		before_us = at_us;
		at_us += gap_us;
	}
}

/* When it was sent last but once: what comes later ends a doubt (OWN-3). */
static uint64_t last_but_one_us(const struct judge *judge, const struct judge_attempt *a)
{
	if (a->route.transport != KL_UDP)
		return last_look_but_one_us(judge, a);
	uint32_t count = a->send_count < JUDGE_SENDS_MAX ? a->send_count : JUDGE_SENDS_MAX;

	return count < 2 ? a->began_us : a->sends_us[count - 2];
}

/* When it was seen on the next route or, if it waits there for a registration, left. */
static uint64_t gone_us(const struct judge *judge, const struct judge_attempt *a)
{
	uint64_t next_us = a->link == JUDGE_MOVED ? judge->attempts[a->next].began_us : a->left_us;

	return next_us > a->left_us + judge_us(JUDGE_LATE_MS) ? a->left_us : next_us;
}

/* Did another request, of any line, find its route silent meanwhile?  OWN-2 */
static bool silent_for_another(const struct judge *judge, const struct judge_attempt *a)
{
	for (size_t i = judge->attempt_count; i-- > 0;) {
		const struct judge_attempt *b = &judge->attempts[i];

		if (b->began_us + judge_life_us(judge) < a->began_us)
			return false;
		if (judge_same_route(&b->route, &a->route) && b->left_us >= a->began_us &&
		    b->left_us <= a->left_us &&
		    b->left_us - b->began_us >= judge_gap_us(judge, b->method, 1, false))
			return true;
	}
	return false;
}

/* Not before it was sent again, or another one was, and only if nothing at all came from there
 * meanwhile; or else at the end of its transaction. */
static void judge_silence(struct judge *judge, const struct judge_attempt *a)
{
	uint64_t waited_us = a->left_us - a->began_us;
	bool silent =
		!judge_heard_from(judge, &a->route, last_but_one_us(judge, a),
				  gone_us(judge, a) - 1) &&
		(waited_us + judge->tolerance_us >= judge_gap_us(judge, a->method, 1, false) ||
		 silent_for_another(judge, a));

	judge_note(judge, LAB_RULE_OWN_3,
		   silent || waited_us + judge->tolerance_us >= judge_life_us(judge), a->left_us,
		   "%s: %s was left after %.3f s%s", sip_method_name(a->method),
		   judge_route_text(&a->route).at, judge_s(waited_us),
		   silent ? "" : ", though it was not silent");
}

/* An attempt that nothing answered, and that the walk left for another route. */
static void judge_turn(struct judge *judge, const struct judge_attempt *a, enum lab_rule rule)
{
	uint64_t waited_us = a->left_us - a->began_us;
	uint64_t window_us = judge_window_us(judge, a);

	if (waited_us < window_us && line_turned(judge, a))
		return;
	if (judge->policy->connect_stagger_ms && !a->send_count)
		return; /* not connected yet: the other family may have been first (OWN-7) */
	if (judge->policy->first_silence &&
	    (a->route.transport == KL_UDP || !judge_about(judge, waited_us, window_us))) {
		judge_silence(judge, a);
		return;
	}
	judge_note(judge, rule, judge_about(judge, waited_us, window_us), a->left_us,
		   "%s: %s was left after %.3f s, expected %.3f s", sip_method_name(a->method),
		   judge_route_text(&a->route).at, judge_s(waited_us), judge_s(window_us));
}

/* Was a route due, and not turned to?  Only REGISTER tells: who else gives up may have been told
 * to.  More sends than are allowed tell of any request. */
static void judge_stay(struct judge *judge, const struct judge_attempt *a, enum lab_rule rule)
{
	uint64_t due_us = a->began_us + judge_window_us(judge, a);
	bool over = a->route.transport == KL_UDP && a->send_count > sends_max(judge, a->method);
	bool still = a->method == SIP_REGISTER && judge->end_us > due_us + judge_us(JUDGE_LATE_MS);
	bool bounded = is_bounded(judge) && due_us >= a->walk_us + judge_life_us(judge);
	bool patient = judge->policy->first_silence && a->route.transport == KL_UDP &&
		       judge_heard_from(judge, &a->route, a->began_us, due_us);

	if (bounded || patient || a->failback || !judge_has_untried(judge, a) || (!over && !still))
		return;
	judge_note(judge, rule, false, due_us,
		   "%s: %s was not left after %.3f s, though there are other routes",
		   sip_method_name(a->method), judge_route_text(&a->route).at,
		   judge_s(due_us - a->began_us));
}

/* TIME-3: RFC 3261's gaps to the end of its time, and nothing after it.  TIME-4 */
static void judge_end(struct judge *judge, const struct judge_attempt *a)
{
	uint64_t end_us = judge_given_up_us(judge, a);
	uint32_t count = a->send_count < JUDGE_SENDS_MAX ? a->send_count : JUDGE_SENDS_MAX;

	if (!count || a->heard_us != JUDGE_NEVER || a->ended_us != JUDGE_NEVER ||
	    judge->end_us < end_us + judge->tolerance_us)
		return;
	judge_note(judge, is_bounded(judge) ? LAB_RULE_TIME_4 : LAB_RULE_TIME_3,
		   a->sends_us[count - 1] <= end_us + judge->tolerance_us, a->sends_us[count - 1],
		   "%s to %s: last sent %.3f s after the walk began, which ends at %.3f s",
		   sip_method_name(a->method), judge_route_text(&a->route).at,
		   judge_s(a->sends_us[count - 1] - a->walk_us), judge_s(end_us - a->walk_us));
}

static void judge_udp(struct judge *judge, const struct judge_attempt *a, bool silent)
{
	enum lab_rule rule = judge->policy->retry_gap_ms ? LAB_RULE_TIME_2 : LAB_RULE_TIME_1;
	enum standing standing = find_standing(judge, a);

	judge_sends(judge, a, standing == LAST ? LAB_RULE_TIME_3 : rule, standing);
	if (silent && a->left_us != JUDGE_NEVER)
		judge_turn(judge, a, rule);
	else if (silent && standing != MIDDLE)
		judge_stay(judge, a, rule);
	if (standing == LAST)
		judge_end(judge, a);
}

/* RFC 3261 17.1: no request is sent twice on a reliable transport. */
static void judge_stream(struct judge *judge, const struct judge_attempt *a, bool silent)
{
	if (a->send_count > 1)
		judge_note(judge, LAB_RULE_TIME_5, false, a->sends_us[1],
			   "%s was sent %u times to %s", sip_method_name(a->method), a->send_count,
			   judge_route_text(&a->route).at);
	if (silent && a->left_us != JUDGE_NEVER)
		judge_turn(judge, a, LAB_RULE_TIME_5);
	else if (silent)
		judge_stay(judge, a, LAB_RULE_TIME_5);
}

void judge_timing(struct judge *judge, const struct judge_attempt *attempt)
{
	bool silent = attempt->heard_us == JUDGE_NEVER && !attempt->fault &&
		      attempt->cancelled_us == JUDGE_NEVER;

	if (!judge_initiates(attempt))
		return;
	if (attempt->route.transport == KL_UDP)
		judge_udp(judge, attempt, silent);
	else
		judge_stream(judge, attempt, silent);
}
