/* When one route is sent to, and when it has failed: the arithmetic alone. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "engine/timing.h"

static struct kl_policy policy_of(enum kl_profile profile)
{
	struct kl_policy policy;
	kl_policy_profile(&policy, profile);
	return policy;
}

/* TIME-1: 0.5, 1, 2, 4, 4, 4 s, for INVITE too where the policy caps it; TIME-10: else doubled. */
static void gaps_follow_the_rfc(void **state)
{
	static const kl_ms capped[] = {500, 1000, 2000, 4000, 4000, 4000, 4000};
	static const kl_ms doubled[] = {500, 1000, 2000, 4000, 8000, 16000, 32000, 32000};
	struct kl_policy policy = policy_of(KL_PROFILE_POLY);
	struct timing timing = {.policy = &policy, .method = KL_INVITE};
	(void)state;
	for (uint32_t i = 0; i < 7; i++)
		assert_int_equal(timing_gap_ms(&timing, i + 1), capped[i]);
	policy.invite_gaps_capped = false;
	for (uint32_t i = 0; i < 8; i++)
		assert_int_equal(timing_gap_ms(&timing, i + 1), doubled[i]);
	timing.method = KL_REGISTER;
	assert_int_equal(timing_gap_ms(&timing, 5), 4000);
}

/* TIME-2, TIME-3: a fixed gap rules every route but the last. */
static void fixed_gap_ends_with_the_last_route(void **state)
{
	struct kl_policy policy = policy_of(KL_PROFILE_POLY);
	struct timing timing = {.policy = &policy, .method = KL_REGISTER};
	(void)state;
	policy.retry_gap_ms = 5000;
	policy.attempts_max = 2;
	assert_int_equal(timing_gap_ms(&timing, 1), 5000);
	assert_int_equal(timing_leave_at(&timing, 0, 0), 10000);
	assert_int_equal(timing_leave_at(&timing, 0, 10000), 20000);
	timing.last = true;
	assert_int_equal(timing_gap_ms(&timing, 1), 500);
	assert_int_equal(timing_leave_at(&timing, 0, 20000), 32000);
	policy.last_route = KL_LAST_WHOLE;
	policy.walk_bounded = false;
	assert_int_equal(timing_leave_at(&timing, 0, 20000), 52000);
}

/* The longest windows that the ranges allow neither overflow nor take long to work out. */
static void extreme_windows(void **state)
{
	struct kl_policy policy = policy_of(KL_PROFILE_POLY_2012);
	struct timing timing = {.policy = &policy, .method = KL_INVITE};
	(void)state;
	policy.attempts_max = policy.invite_attempts_max = 65535;
	policy.retry_gap_ms = 65535;
	assert_int_equal(timing_leave_at(&timing, 0, 0), UINT64_C(65535) * 65535);
	policy.retry_gap_ms = 0;
	policy.invite_gaps_capped = false;
	/* 0.5 + 1 + 2 + 4 + 8 + 16 s, then 32 s each. */
	assert_int_equal(timing_leave_at(&timing, 0, 0), 31500 + UINT64_C(32000) * (65535 - 6));
	policy.walk_bounded = true;
	assert_int_equal(timing_leave_at(&timing, 1000, 5000), 33000);
}

/* TIME-5 (part), TIME-6 (part): one send; a window from 2000 to 5000 ms, 64*T1 without
 * tcpFastFailover, the rule of the past with retryTimeOut, and the time of UDP in 2012. */
static void streams_have_windows(void **state)
{
	struct kl_policy policy = policy_of(KL_PROFILE_POLY);
	struct timing timing = {.policy = &policy, .method = KL_REGISTER, .transport = KL_TCP};
	(void)state;
	assert_true(timing_gap_ms(&timing, 1) == KL_NEVER);
	assert_int_equal(timing_leave_at(&timing, 0, 0), 32000);
	assert_int_equal(timing_leave_at(&timing, 0, 40000), 72000);
	policy.tcp_fast_failover = true;
	assert_int_equal(timing_leave_at(&timing, 0, 0), 5000);
	policy.tcp_fast_failover_ms = 2000;
	assert_int_equal(timing_leave_at(&timing, 0, 4000), 6000);
	assert_int_equal(timing_rule(&timing), KL_POLICY_tcp_fast_failover_ms);
	policy.retry_gap_ms = 1000;
	assert_int_equal(timing_leave_at(&timing, 0, 0), 3000);
	assert_int_equal(timing_rule(&timing), KL_POLICY_retry_gap_ms);
	policy = policy_of(KL_PROFILE_POLY_2012);
	assert_int_equal(timing_leave_at(&timing, 0, 0), 32000);
	policy.tcp_fast_failover = true;
	timing.transport = KL_TLS;
	assert_int_equal(timing_leave_at(&timing, 0, 0), 3500);
	assert_int_equal(timing_rule(&timing), KL_POLICY_attempts_max);
}

/* TIME-5 (part): the last stream ends at the later of its window's end and 64*T1 since the first
 * send. */
static void last_stream_has_the_rest(void **state)
{
	struct kl_policy policy = policy_of(KL_PROFILE_POLY);
	struct timing timing = {
		.policy = &policy, .method = KL_INVITE, .last = true, .transport = KL_TLS};
	(void)state;
	policy.tcp_fast_failover = true;
	assert_int_equal(timing_leave_at(&timing, 1000, 6000), 33000);
	assert_int_equal(timing_leave_at(&timing, 1000, 28001), 33001);
	assert_int_equal(timing_leave_at(&timing, 1000, 90000), 95000);
	assert_int_equal(timing_rule(&timing), KL_POLICY_t1_ms);
}

/* TIME-4: enhanced, the last route has the rest of 64*T1, or its normal window if that is longer.
 */
static void enhanced_walks_are_not_cut(void **state)
{
	struct kl_policy policy = policy_of(KL_PROFILE_POLY);
	struct timing timing = {.policy = &policy, .method = KL_REGISTER};
	(void)state;
	assert_int_equal(timing_over_at(&policy, 1000), 33000);
	policy.enhanced = policy.reregister_on = true;
	assert_true(timing_over_at(&policy, 1000) == KL_NEVER);
	assert_int_equal(timing_leave_at(&timing, 0, 31000), 34500);
	timing.last = true;
	assert_int_equal(timing_leave_at(&timing, 0, 20000), 32000);
	assert_int_equal(timing_leave_at(&timing, 0, 31000), 34500);
	policy.last_route = KL_LAST_WHOLE;
	assert_int_equal(timing_leave_at(&timing, 0, 20000), 52000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(gaps_follow_the_rfc),
		cmocka_unit_test(fixed_gap_ends_with_the_last_route),
		cmocka_unit_test(extreme_windows),
		cmocka_unit_test(streams_have_windows),
		cmocka_unit_test(last_stream_has_the_rest),
		cmocka_unit_test(enhanced_walks_are_not_cut),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
