#include "engine/timing.h"

kl_ms timing_transaction_ms(const struct kl_policy *policy)
{
	return UINT64_C(64) * policy->t1_ms;
}

/* RFC 3261 17.1.1.2 and 17.1.2.2: T1, doubled each time; capped at T2, for an INVITE only where
 * the policy says so (the Poly guide prints one capped list for both).  TIME-1, TIME-10 */
static kl_ms rfc_gap_ms(const struct timing *timing, uint32_t attempt)
{
	const struct kl_policy *policy = timing->policy;
	bool capped = timing->method != KL_INVITE || policy->invite_gaps_capped;
	kl_ms longest = capped ? policy->t2_ms : timing_transaction_ms(policy);
	kl_ms gap = policy->t1_ms;
	for (uint32_t i = 1; i < attempt && gap < longest; i++)
		gap *= 2;
	return gap < longest ? gap : longest;
}

kl_ms timing_gap_ms(const struct timing *timing, uint32_t attempt)
{
	/* Poly guide, example 2: the final route is sent to at RFC 3261 gaps whatever retryTimeOut
	 * says.  TIME-2, TIME-3 */
	if (timing->policy->retry_gap_ms && !timing->last)
		return timing->policy->retry_gap_ms;
	return rfc_gap_ms(timing, attempt);
}

static kl_ms window_ms(const struct timing *timing)
{
	const struct kl_policy *policy = timing->policy;
	uint32_t attempts =
		timing->method == KL_INVITE ? policy->invite_attempts_max : policy->attempts_max;
	kl_ms sum = 0, gap = 0, before;
	for (uint32_t i = 1; i <= attempts; i++) {
		before = gap;
		gap = timing_gap_ms(timing, i);
		if (gap == before) /* grows no more */
			return sum + gap * (attempts - i + 1);
		sum += gap;
	}
	return sum;
}

/* The window of a route that others follow, whatever route it is. */
static kl_ms normal_window_ms(const struct timing *timing)
{
	const struct timing normal = {timing->policy, timing->method, false};
	return window_ms(&normal);
}

kl_ms timing_leave_at(const struct timing *timing, kl_ms clock_at, kl_ms route_at)
{
	const struct kl_policy *policy = timing->policy;
	kl_ms whole = timing_transaction_ms(policy);
	kl_ms at = route_at + normal_window_ms(timing);
	if (timing->last && policy->last_route == KL_LAST_WHOLE)
		at = route_at + whole;
	/* The rest of the walk's 64*T1, or its own window if that is longer.  TIME-3, TIME-4 */
	if (timing->last && policy->last_route == KL_LAST_REST && at < clock_at + whole)
		at = clock_at + whole;
	/* Poly guide: timer B stops the request, even if routes are left.  TIME-4 */
	if (policy->walk_bounded && at > clock_at + whole)
		at = clock_at + whole;
	return at;
}
