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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(gaps_follow_the_rfc),
		cmocka_unit_test(fixed_gap_ends_with_the_last_route),
		cmocka_unit_test(extreme_windows),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
