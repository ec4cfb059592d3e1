/* policy.def as data, and decisions in words. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "keepline/keepline.h"

/* PROF-1 (part): every profile's every value is in its range, and can be read by number. */
static void every_default_is_in_range(void **state)
{
	(void)state;
	for (int profile = 0; profile < KL_PROFILES; profile++) {
		struct kl_policy policy;
		kl_policy_profile(&policy, (enum kl_profile)profile);
		for (int i = 1; i < KL_POLICY_FIELDS; i++) {
			enum kl_policy_field field = (enum kl_policy_field)i;
			const struct kl_policy_info *info = kl_policy_describe(field);
			uint32_t value = kl_policy_get(&policy, field);
			assert_int_equal(value, info->by_profile[profile]);
			if (value < info->least || value > info->most)
				fail_msg("%s of %s is %u", info->name,
					 kl_profile_name((enum kl_profile)profile), value);
			assert_int_equal(kl_policy_set(&policy, field, value), KL_OK);
		}
	}
	assert_null(kl_policy_describe(KL_POLICY_none));
	assert_null(kl_policy_describe(KL_POLICY_FIELDS));
}

/* A value out of its range changes nothing. */
static void ranges_are_kept(void **state)
{
	struct kl_policy policy;
	(void)state;
	kl_policy_profile(&policy, KL_PROFILE_POLY);
	assert_int_equal(kl_policy_set(&policy, KL_POLICY_attempts_max, 0), KL_EINVAL);
	assert_int_equal(kl_policy_set(&policy, KL_POLICY_reregister_on, 2), KL_EINVAL);
	assert_int_equal(kl_policy_set(&policy, KL_POLICY_none, 1), KL_EINVAL);
	assert_int_equal(policy.attempts_max, 3);
	assert_false(policy.reregister_on);
}

/* PROF-3: the defaults that differ. */
static void profiles_differ(void **state)
{
	static const struct {
		enum kl_profile profile;
		bool drop;
		enum kl_failback_mode with, without;
	} rows[] = {
		{KL_PROFILE_POLY, true, KL_FAILBACK_DURATION, KL_FAILBACK_NEW_REQUESTS},
		{KL_PROFILE_POLY_2012, false, KL_FAILBACK_NEW_REQUESTS, KL_FAILBACK_NEW_REQUESTS},
		{KL_PROFILE_SPECTRALINK_84, false, KL_FAILBACK_REGISTRATION,
		 KL_FAILBACK_REGISTRATION},
	};
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct kl_policy policy;
		kl_policy_profile(&policy, rows[i].profile);
		assert_int_equal(policy.fail_registration_on, rows[i].drop);
		policy.reregister_on = true;
		assert_int_equal(kl_policy_failback_mode(&policy), rows[i].with);
		policy.reregister_on = false;
		assert_int_equal(kl_policy_failback_mode(&policy), rows[i].without);
	}
}

/* BACK-2, and the defaults of BACK-1: 30 to 60 s, always. */
static void back_off_windows(void **state)
{
	static const kl_ms most[] = {10000, 20000, 40000, 80000, 120000, 120000, 120000};
	struct kl_policy policy;
	kl_ms least, longest;
	(void)state;
	kl_policy_profile(&policy, KL_PROFILE_POLY);
	kl_policy_backoff(&policy, UINT32_MAX, &least, &longest);
	assert_int_equal(least, 30000);
	assert_int_equal(longest, 60000);
	policy.backoff_base_ms = 10000;
	policy.backoff_max_ms = 120000;
	for (uint32_t i = 0; i < 7; i++) {
		kl_policy_backoff(&policy, i, &least, &longest);
		assert_int_equal(longest, most[i]);
		assert_int_equal(least, most[i] / 2);
	}
}

/* YEA-6 (part): reg_fail_retry_interval is 30 s by default and is not drawn. */
static void back_off_fixed(void **state)
{
	struct kl_policy policy;
	kl_ms least, longest;
	(void)state;
	kl_policy_profile(&policy, KL_PROFILE_YEALINK);
	kl_policy_backoff(&policy, 5, &least, &longest);
	assert_int_equal(least, 30000);
	assert_int_equal(longest, 30000);
	policy.backoff_fixed_ms = 0;
	policy.backoff_base_ms = 20000;
	kl_policy_backoff(&policy, 5, &least, &longest);
	assert_int_equal(least, 30000);
	assert_int_equal(longest, 60000);
}

static void name_route(void *context, const struct kl_route *route, char *to, size_t size)
{
	(void)context;
	(void)route;
	strncpy(to, "the-second", size);
}

/* SEE-2 (part): a decision names its reason and the value that ruled it. */
static void decisions_in_words(void **state)
{
	struct kl_action action = {.type = KL_DO_REPORT,
				   .report = {.type = KL_REPORT_STATE,
					      .why = KL_WHY_NO_ANSWER,
					      .rule = KL_POLICY_attempts_max,
					      .from = KL_REFRESHING,
					      .to = KL_BACKING_OFF,
					      .ms = 3500,
					      .retry_at = 61000,
					      .failback_at = KL_NEVER}};
	char text[KL_TEXT_MAX], tiny[8];
	(void)state;
	assert_string_equal(
		kl_format_action(text, sizeof(text), &action, NULL),
		"line 1 refreshing -> backing off: no answer in 3500 ms [attempts_max], "
		"next try at 61000");
	assert_string_equal(kl_format_action(tiny, sizeof(tiny), &action, NULL), "line 1 ");
	action.report.why = KL_WHY_REFUSED;
	action.report.rule = KL_POLICY_none;
	action.report.status = 403;
	const struct kl_words words = {.route = name_route, .relative = true, .now = 1000};
	assert_string_equal(
		kl_format_action(text, sizeof(text), &action, &words),
		"line 1 refreshing -> backing off: 403 from the-second, next try in 60.0 s");
}

/* Every cause's placeholders are ones that a report can fill. */
static void causes_are_well_formed(void **state)
{
	struct kl_action action = {.type = KL_DO_REPORT, .report = {.type = KL_REPORT_FAILBACK}};
	char text[KL_TEXT_MAX];
	(void)state;
	for (int why = 0; kl_cause_text((enum kl_cause)why)[0] != '?'; why++) {
		action.report.why = (enum kl_cause)why;
		kl_format_action(text, sizeof(text), &action, NULL);
		assert_null(strpbrk(text, "{}"));
		assert_true(strlen(text) > strlen("line 1 failback: "));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_default_is_in_range),
		cmocka_unit_test(ranges_are_kept),
		cmocka_unit_test(profiles_differ),
		cmocka_unit_test(back_off_windows),
		cmocka_unit_test(back_off_fixed),
		cmocka_unit_test(decisions_in_words),
		cmocka_unit_test(causes_are_well_formed),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
