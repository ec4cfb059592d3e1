#include "engine/timing.h"

kl_ms timing_transaction_ms(const struct kl_policy *policy)
{
	return UINT64_C(64) * policy->t1_ms;
}

static kl_ms later(kl_ms a, kl_ms b)
{
	return a > b ? a : b;
}

/* Poly guide: timer B stops the request, even if routes are left; with enhanced failover it does
 * not.  TIME-4 */
kl_ms timing_over_at(const struct kl_policy *policy, kl_ms clock_at)
{
	if (!policy->walk_bounded || kl_policy_enhanced(policy) || clock_at == KL_NEVER)
		return KL_NEVER;
	return clock_at + timing_transaction_ms(policy);
}

/* RFC 3261 17.1.1.2 and 17.1.2.2: T1, doubled each time; capped at T2, for an INVITE only where
 * the policy says so (the Poly guide prints one capped list for both).  TIME-1, TIME-10 */
static kl_ms rfc_gap_ms(const struct timing *timing, uint32_t attempt)
{
	const struct kl_policy *policy = timing->policy;
	bool capped = timing->method != KL_INVITE || policy->invite_gaps_capped;
	kl_ms longest = capped ? policy->t2_ms : timing_transaction_ms(policy);
	kl_ms gap = policy->t1_ms;
	for (uint32_t i = 1; i < attempt && gap != longest; i++)
		gap = earlier(2 * gap, longest);
	return gap;
}

static uint32_t attempts_max(const struct timing *timing)
{
	const struct kl_policy *policy = timing->policy;
	return timing->method == KL_INVITE ? policy->invite_attempts_max : policy->attempts_max;
}

/* The gaps of a route over UDP.  Poly guide, example 2: the final route is sent to at RFC 3261 gaps
 * whatever retryTimeOut says.  TIME-2, TIME-3.  So is one that is waited for beyond its attempts.
 */
static kl_ms udp_gap_ms(const struct timing *timing, uint32_t attempt)
{
	bool waits = timing->last || (timing->patient && attempt > attempts_max(timing));
	if (timing->policy->retry_gap_ms && !waits)
		return timing->policy->retry_gap_ms;
	return rfc_gap_ms(timing, attempt);
}

/* Poly guide: TCP is a reliable transport: no retransmissions are made.  TIME-5.  Silence lasts as
 * long there as over UDP before it is a doubt.  OWN-3 */
kl_ms timing_gap_ms(const struct timing *timing, uint32_t attempt)
{
	if (timing->transport == KL_UDP)
		return udp_gap_ms(timing, attempt);
	return timing->patient ? rfc_gap_ms(timing, attempt) : KL_NEVER;
}

/* On a stream a doubt may come to nothing while that stream alone is stuck: its own window holds.
 */
static bool timing_outlasts(const struct timing *timing)
{
	return timing->patient && timing->transport == KL_UDP;
}

/* What a route over UDP takes if it is not the last. */
static kl_ms udp_window_ms(const struct timing *timing)
{
	const struct kl_policy *policy = timing->policy;
	const struct timing middle = {.policy = policy, .method = timing->method};
	if (timing_outlasts(timing))
		return timing_transaction_ms(policy);
	uint32_t attempts = attempts_max(timing);
	kl_ms sum = 0, gap = 0, before;
	for (uint32_t i = 1; i <= attempts; i++) {
		before = gap;
		gap = udp_gap_ms(&middle, i);
		if (gap == before) /* grows no more */
			return sum + gap * (attempts - i + 1);
		sum += gap;
	}
	return sum;
}

/* Poly guide: tcpFastFailover.timeout applies when retryTimeOut is 0; before version 6.4, and
 * where it is not 0, retryMaxCount times retryTimeOut.  TIME-5 */
static kl_ms stream_window_ms(const struct timing *timing)
{
	const struct kl_policy *policy = timing->policy;
	if (!policy->tcp_fast_failover)
		return timing_transaction_ms(policy);
	if (policy->retry_gap_ms || policy->tcp_fast_window == KL_FAST_AS_UDP)
		return udp_window_ms(timing);
	return policy->tcp_fast_failover_ms;
}

/* Decision: each TCP or TLS route is a transaction of its own (RFC 3263 4.3) and has its whole
 * window; the last one has the rest of the walk's 64*T1, too.  TIME-5 */
static kl_ms stream_leave_at(const struct timing *timing, kl_ms clock_at, kl_ms route_at)
{
	kl_ms at = route_at + stream_window_ms(timing);
	return timing->last ? later(at, clock_at + timing_transaction_ms(timing->policy)) : at;
}

kl_ms timing_leave_at(const struct timing *timing, kl_ms clock_at, kl_ms route_at)
{
	const struct kl_policy *policy = timing->policy;
	kl_ms whole = timing_transaction_ms(policy);
	if (timing->transport != KL_UDP)
		return stream_leave_at(timing, clock_at, route_at);
	kl_ms at = route_at + udp_window_ms(timing);
	if (timing->last && policy->last_route == KL_LAST_WHOLE)
		at = route_at + whole;
	/* The rest of the walk's 64*T1, or its own window if that is longer.  TIME-3, TIME-4 */
	if (timing->last && policy->last_route == KL_LAST_REST)
		at = later(at, clock_at + whole);
	return earlier(at, timing_over_at(policy, clock_at));
}

kl_ms timing_proceeding_at(const struct timing *timing, kl_ms clock_at, kl_ms route_at)
{
	kl_ms at = later(timing_leave_at(timing, clock_at, route_at),
			 route_at + timing_transaction_ms(timing->policy));
	if (timing->transport != KL_UDP)
		return at;
	return earlier(at, timing_over_at(timing->policy, clock_at));
}

static enum kl_policy_field udp_rule(const struct timing *timing)
{
	if (timing->policy->retry_gap_ms)
		return KL_POLICY_retry_gap_ms;
	return timing->method == KL_INVITE ? KL_POLICY_invite_attempts_max : KL_POLICY_attempts_max;
}

enum kl_policy_field timing_rule(const struct timing *timing)
{
	const struct kl_policy *policy = timing->policy;
	if (timing_outlasts(timing) && !timing->last)
		return KL_POLICY_first_silence;
	if (timing->transport == KL_UDP)
		return timing->last ? KL_POLICY_last_route : udp_rule(timing);
	if (timing->last) /* 64*T1 */
		return KL_POLICY_t1_ms;
	if (!policy->tcp_fast_failover)
		return KL_POLICY_tcp_fast_failover;
	if (policy->retry_gap_ms || policy->tcp_fast_window == KL_FAST_AS_UDP)
		return udp_rule(timing);
	return KL_POLICY_tcp_fast_failover_ms;
}

/* A refresh comes so long before the end at the latest, however short the grant (REG-1). */
static const kl_ms refresh_half_max_ms = 30000;

/* Poly guide: refresh `overlap` seconds before the end, at half the time if that is less.  REG-1 */
kl_ms timing_refresh_after_ms(kl_ms granted_ms, kl_ms overlap_ms)
{
	kl_ms early = granted_ms > overlap_ms ? granted_ms - overlap_ms : 0;
	kl_ms half = earlier(granted_ms / 2, refresh_half_max_ms);
	return early > half ? early : half;
}
