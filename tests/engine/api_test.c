/* The edges of keepline.h: what each call refuses, and that a refusal changes nothing. */
#include <setjmp.h>
#include <stdalign.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/engine/device.h"

/* A device with two targets that is registered with the first since 20. */
static void open_registered(struct device *device)
{
	device_init(device, KL_PROFILE_POLY);
	device->target_count = 2;
	device->targets[1].priority = 20;
	device_begin(device, 1, 0);
	assert_int_equal(device_start_line(device, 0), KL_OK);
	assert_int_equal(device->send.method, KL_REGISTER);
	assert_int_equal(device_respond(device, 200, 20), KL_OK);
}

/* Feeds EVENT and expects RESULT, nothing to do, and the very same engine but for what IGNORED
 * counts. */
static void expect_untouched(struct device *device, const struct kl_event *event, kl_ms now,
			     int result)
{
	struct kl_engine *before = malloc(device->size);
	struct kl_action action;

	assert_non_null(before);
	memcpy(before, device->engine, device->size);
	assert_int_equal(kl_feed(device->engine, event, now), result);
	assert_false(kl_next_action(device->engine, &action));
	assert_memory_equal(before, device->engine, device->size);
	free(before);
}

static void test_a_small_block_is_refused(void **state)
{
	struct device device;
	struct kl_engine *block;

	(void)state;
	device_init(&device, KL_PROFILE_POLY);
	device.size = kl_engine_size(&device.config);
	block = malloc(device.size);
	assert_non_null(block);
	assert_int_equal(kl_engine_init(block, device.size - 1, &device.config, 1, 0), KL_ESIZE);
	assert_int_equal(kl_engine_init(block, 0, &device.config, 1, 0), KL_ESIZE);
	assert_int_equal(kl_engine_init(block, device.size, &device.config, 1, 0), KL_OK);
	free(block);
}

static void expect_bad_config(const struct kl_config *config)
{
	static alignas(max_align_t) char block[1 << 16];
	char why[256] = "";

	assert_int_equal(kl_config_check(config, why, sizeof(why)), KL_EINVAL);
	assert_true(strlen(why) > 0);
	assert_int_equal(kl_engine_init((struct kl_engine *)block, sizeof(block), config, 1, 0),
			 KL_EINVAL);
}

static void test_bad_configurations_are_refused_with_a_sentence(void **state)
{
	struct device device;
	char name[KL_NAME_MAX + 2];

	(void)state;
	device_init(&device, KL_PROFILE_POLY);
	assert_int_equal(kl_config_check(&device.config, name, sizeof(name)), KL_OK);

	device.line.entry_count = 0;
	expect_bad_config(&device.config);
	device.line.entry_count = KL_ENTRIES_MAX + 1;
	expect_bad_config(&device.config);
	device.line.entry_count = 1;

	device.entry.transport_choice = KL_TRANSPORT_CHOICES_MAX;
	expect_bad_config(&device.config);
	device.entry.transport_choice = KL_CHOOSE_UDP;

	device.entry.name = "";
	expect_bad_config(&device.config);
	memset(name, 'x', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	device.entry.name = name;
	expect_bad_config(&device.config);
	device.entry.name = "example.test";

	static const char *const names[] = {"192.0.2.1", "b.test", "not a name"};
	device.entry.more_names = names;
	device.entry.more_count = 3;
	expect_bad_config(&device.config);
	device.entry.more_count = KL_SPECS_MAX;
	expect_bad_config(&device.config);
	device.entry.more_names = NULL;
	device.entry.more_count = 1;
	expect_bad_config(&device.config);
	device.entry.more_count = 0;

	device.policy.attempts_max = 0;
	expect_bad_config(&device.config);
	device.policy.attempts_max = 3;

	device.config.families = 0;
	expect_bad_config(&device.config);
	device.config.families = KL_IPV4;

	device.config.limits.set_routes = KL_SET_ROUTES_MAX + 1;
	expect_bad_config(&device.config);
	device.config.limits.set_routes = 0;
	expect_bad_config(&device.config);
}

static void test_time_does_not_go_backwards(void **state)
{
	struct device device;

	(void)state;
	open_registered(&device);
	expect_untouched(&device, &(struct kl_event){.type = KL_EV_TIME}, 19, KL_ETIME);
	expect_untouched(&device,
			 &(struct kl_event){.type = KL_EV_REQUEST, .request = {1, KL_INVITE}}, 0,
			 KL_ETIME);
	assert_int_equal(device_time(&device, 20), KL_OK);
	device_free(&device);
}

static void test_arguments_out_of_range(void **state)
{
	const struct kl_event bad[] = {
		{.type = (enum kl_event_type)99},
		{.type = KL_EV_LINE_START, .line = 1},
		{.type = KL_EV_LINE_STOP, .line = UINT32_MAX},
		{.type = KL_EV_CALL_BEGAN, .line = 1},
		{.type = KL_EV_CALL_ENDED, .line = 1},
		{.type = KL_EV_REQUEST, .line = 1, .request = {1, KL_INVITE}},
		{.type = KL_EV_REQUEST, .request = {1, KL_REGISTER}},
		{.type = KL_EV_REQUEST, .request = {1, (enum kl_method)99}},
		{.type = KL_EV_DIALOG_FAILED, .dialog = {.binding = {.line = 1}, .status = 408}},
		{.type = KL_EV_DIALOG_FAILED, .dialog = {.binding = {.entry = 1}, .status = 408}},
		{.type = KL_EV_DIALOG_FAILED, .dialog = {.status = 404}},
		{.type = KL_EV_DIALOG_FAILED, .dialog = {.fault = KL_FAULT_NONE}},
		{.type = KL_EV_DIALOG_FAILED, .dialog = {.fault = (enum kl_fault)99}},
		{.type = KL_EV_STREAM_LOST,
		 .transport = {.route.transport = KL_UDP, .fault = KL_FAULT_STREAM_LOST}},
		{.type = KL_EV_STREAM_LOST,
		 .transport = {.route.transport = 99, .fault = KL_FAULT_STREAM_LOST}},
		{.type = KL_EV_STREAM_LOST,
		 .transport = {.route.transport = KL_TCP, .fault = KL_FAULT_PORT}},
		{.type = KL_EV_RESPONSE,
		 .response = {.status = 302, .redirect = {.port = 5060, .transport = 99}}},
	};
	struct device device;

	(void)state;
	open_registered(&device);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		expect_untouched(&device, &bad[i], 20, KL_EINVAL);
	device_free(&device);
}

static void test_views_check_their_indices(void **state)
{
	struct kl_entry_view entry;
	struct kl_route_view route;
	struct device device;

	(void)state;
	open_registered(&device);
	assert_int_equal(kl_get_entry(device.engine, 0, 0, &entry), KL_OK);
	assert_int_equal(entry.state, KL_REGISTERED);
	assert_true(entry.active && entry.working && entry.registers);
	assert_int_equal(entry.routes, 2);
	assert_int_equal(entry.current, 0);
	assert_int_equal(entry.refresh_at, 20 + 3540000);
	assert_int_equal(entry.expires_at, 20 + 3600000);
	assert_int_equal(kl_get_entry(device.engine, 1, 0, &entry), KL_EINVAL);
	assert_int_equal(kl_get_entry(device.engine, 0, 1, &entry), KL_EINVAL);
	assert_int_equal(kl_get_route(device.engine, 0, 0, 1, &route), KL_OK);
	assert_int_equal(kl_get_route(device.engine, 0, 0, 2, &route), KL_EINVAL);
	assert_int_equal(kl_get_route(device.engine, 0, 1, 0, &route), KL_EINVAL);
	device_free(&device);
}

/* Late, unknown and absurd answers are counted and change nothing else. */
static void test_what_means_nothing_is_ignored_and_counted(void **state)
{
	const struct kl_event nothing[] = {
		{.type = KL_EV_RESPONSE, .response = {.tx = 0, .status = 200}},
		{.type = KL_EV_RESPONSE, .response = {.tx = UINT64_MAX, .status = 200}},
		{.type = KL_EV_DNS, .dns = {.query = UINT32_MAX, .status = KL_DNS_SILENT}},
		{.type = KL_EV_CANCEL, .request = {77, KL_INVITE}},
		{.type = KL_EV_CALL_ENDED},
		{.type = KL_EV_LINK_UP},
		{.type = KL_EV_DIALOG_FAILED, .dialog = {.status = 503}}, /* on no route at all */
	};
	struct kl_engine_view before, after;
	struct kl_action action;
	struct device device;

	(void)state;
	open_registered(&device);
	for (size_t i = 0; i < sizeof(nothing) / sizeof(nothing[0]); i++) {
		kl_get_engine(device.engine, &before);
		assert_int_equal(kl_feed(device.engine, &nothing[i], 20), KL_IGNORED);
		assert_false(kl_next_action(device.engine, &action));
		kl_get_engine(device.engine, &after);
		assert_int_equal(after.ignored, before.ignored + 1);
		assert_int_equal(after.calls, 0);
	}
	assert_int_equal(device_respond(&device, 200, 21), KL_IGNORED);
	device_free(&device);
}

/* CALL-2 (part), FAIL-5: whose binding an accepted request gets, and what no index can be had for.
 */
static void test_who_may_begin_a_dialog(void **state)
{
	struct kl_route source = {.ip = {[10] = 0xff, 0xff, 192, 0, 2, 1}, .port = 40000};
	struct kl_binding binding = {.line = 9};
	struct device device;

	(void)state;
	open_registered(&device);
	assert_int_equal(kl_may_accept(device.engine, 1, &source, &binding), KL_REFUSE);
	assert_int_equal(kl_may_accept(device.engine, 0, &source, NULL), KL_ACCEPT);
	assert_int_equal(binding.line, 9);
	assert_int_equal(kl_may_accept(device.engine, 0, &source, &binding), KL_ACCEPT);
	assert_int_equal(binding.line, 0);
	assert_int_equal(binding.route.port, 5060);
	assert_false(binding.unregistered);
	assert_true(kl_may_signal(device.engine, &binding));
	source.ip[15] = 99;
	assert_int_equal(kl_may_accept(device.engine, 0, &source, &binding), KL_REFUSE);
	binding.entry = 1;
	assert_false(kl_may_signal(device.engine, &binding));
	device_free(&device);
}

/* FALL-4, TRIG-2: the answer shown is a 503 that some route gave, with the route that gave it; its
 * Retry-After counts only if that was the last. */
static void keep_outcome(void *context, const struct kl_action *action)
{
	if (action->type == KL_DO_OUTCOME)
		*(struct kl_action_outcome *)context = action->outcome;
}

static void test_the_most_telling_answer(void **state)
{
	struct kl_action_outcome outcome = {.token = 0};
	struct device device;
	struct kl_event answer = {.type = KL_EV_RESPONSE};

	(void)state;
	open_registered(&device);
	device.watch = keep_outcome;
	device.context = &outcome;
	device_feed(&device, &(struct kl_event){.type = KL_EV_REQUEST, .request = {1, KL_INVITE}},
		    1000);
	answer.response = (struct kl_event_response){
		.tx = device.send.tx, .status = 503, .retry_after_ms = 60000};
	assert_int_equal(device_feed(&device, &answer, 1020), KL_OK);
	while (!outcome.token)
		device_time(&device, kl_deadline(device.engine));
	assert_int_equal(outcome.status, 503);
	assert_false(outcome.local);
	assert_int_equal(outcome.binding.route.ip[15], 1);
	assert_int_equal(outcome.retry_after_ms, 0);
	device_free(&device);
}

/* TRIG-1: a transport fault that names no open transaction is counted as forged. */
static void test_forged_faults_are_counted(void **state)
{
	struct kl_event event = {.type = KL_EV_TRANSPORT};
	struct kl_engine_view view;
	struct device device;

	(void)state;
	open_registered(&device);
	event.transport = (struct kl_event_transport){device.send.route, KL_FAULT_PORT, 0};
	assert_int_equal(kl_feed(device.engine, &event, 20), KL_IGNORED);
	event.transport.tx = device.send.tx;
	assert_int_equal(kl_feed(device.engine, &event, 20), KL_IGNORED);
	kl_get_engine(device.engine, &view);
	assert_int_equal(view.forged, 2);
	device_free(&device);
}

/* A request beyond limits.walks is refused, and there is room again when one has ended. One of the
 * walks is kept for the registration. */
static void test_the_limit_of_walks(void **state)
{
	struct kl_event event = {.type = KL_EV_REQUEST, .request = {1, KL_OPTIONS}};
	struct device device;

	(void)state;
	device_init(&device, KL_PROFILE_POLY);
	device.config.limits.walks = 3;
	device_begin(&device, 1, 0);
	device_start_line(&device, 0);
	assert_int_equal(device_respond(&device, 200, 20), KL_OK);
	assert_int_equal(device_feed(&device, &event, 30), KL_OK);
	event.request.token = 2;
	assert_int_equal(device_feed(&device, &event, 30), KL_OK);
	event.request.token = 3;
	expect_untouched(&device, &event, 30, KL_EFULL);
	assert_int_equal(device_respond(&device, 200, 40), KL_OK);
	assert_int_equal(device_feed(&device, &event, 50), KL_OK);
	device_free(&device);
}

static void test_policy_fields(void **state)
{
	struct kl_policy policy;

	(void)state;
	kl_policy_profile(&policy, KL_PROFILE_POLY);
	assert_null(kl_policy_describe(KL_POLICY_none));
	assert_null(kl_policy_describe(KL_POLICY_FIELDS));
	for (uint32_t i = 1; i < KL_POLICY_FIELDS; i++) {
		enum kl_policy_field field = (enum kl_policy_field)i;
		const struct kl_policy_info *info = kl_policy_describe(field);

		assert_non_null(info);
		assert_int_equal(kl_policy_get(&policy, field), info->by_profile[KL_PROFILE_POLY]);
		assert_int_equal(kl_policy_set(&policy, field, info->least), KL_OK);
		assert_int_equal(kl_policy_get(&policy, field), info->least);
		assert_int_equal(kl_policy_set(&policy, field, info->most), KL_OK);
		assert_int_equal(kl_policy_get(&policy, field), info->most);
		assert_int_equal(kl_policy_set(&policy, field, info->most + 1), KL_EINVAL);
		assert_int_equal(kl_policy_get(&policy, field), info->most);
		if (info->least > 0)
			assert_int_equal(kl_policy_set(&policy, field, info->least - 1), KL_EINVAL);
	}
}

/* PROF-3: what differs between the profiles, typed in from the documents and not from the table. */
static void test_profile_defaults(void **state)
{
	static const struct {
		enum kl_profile profile;
		bool fail_registration_on;
		enum kl_failback_mode shared, reregistering;
	} rows[] = {
		{KL_PROFILE_POLY, true, KL_FAILBACK_NEW_REQUESTS, KL_FAILBACK_DURATION},
		{KL_PROFILE_POLY_2012, false, KL_FAILBACK_NEW_REQUESTS, KL_FAILBACK_NEW_REQUESTS},
		{KL_PROFILE_SPECTRALINK_84, false, KL_FAILBACK_REGISTRATION,
		 KL_FAILBACK_REGISTRATION},
	};
	struct kl_policy policy;

	(void)state;
	kl_policy_profile(&policy, KL_PROFILE_POLY_2012);
	assert_int_equal(policy.tcp_fast_window, KL_FAST_AS_UDP); /* TIME-5 (part) */
	assert_true(policy.naptr_first_order);                    /* DNS-8 */
	for (int i = 0; i < KL_PROFILES; i++) {
		kl_policy_profile(&policy, (enum kl_profile)i);
		assert_int_equal(policy.loss_on_403,
				 i <= KL_PROFILE_SPECTRALINK_84); /* TRIG-6 (part) */
		policy.enhanced = policy.reregister_on = true;
		assert_true(kl_policy_enhanced(&policy));
		policy.reregister_on = false;
		assert_false(kl_policy_enhanced(&policy));
	}
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		kl_policy_profile(&policy, rows[i].profile);
		assert_int_equal(policy.fail_registration_on, rows[i].fail_registration_on);
		assert_false(policy.reregister_on);
		assert_int_equal(kl_policy_failback_mode(&policy), rows[i].shared);
		policy.reregister_on = true;
		assert_int_equal(kl_policy_failback_mode(&policy), rows[i].reregistering);
	}
}

static void test_texts_are_cut_and_terminated(void **state)
{
	const struct kl_route route = {.ip = {[10] = 0xff, 0xff, 192, 0, 2, 1}, .port = 5060};
	const struct kl_action action = {.type = KL_DO_SEND,
					 .send = {.tx = 1, .method = KL_INVITE, .route = route}};
	char whole[KL_TEXT_MAX], part[KL_TEXT_MAX];

	(void)state;
	assert_string_equal(kl_format_route(whole, sizeof(whole), &route), "udp 192.0.2.1:5060");
	kl_format_action(whole, sizeof(whole), &action, NULL);
	for (size_t size = 1; size <= strlen(whole); size++) {
		memset(part, 'x', sizeof(part));
		assert_ptr_equal(kl_format_action(part, size, &action, NULL), part);
		assert_int_equal(strlen(part), size - 1);
		assert_memory_equal(part, whole, size - 1);
		assert_int_equal(part[size], 'x');
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_small_block_is_refused),
		cmocka_unit_test(test_bad_configurations_are_refused_with_a_sentence),
		cmocka_unit_test(test_time_does_not_go_backwards),
		cmocka_unit_test(test_arguments_out_of_range),
		cmocka_unit_test(test_views_check_their_indices),
		cmocka_unit_test(test_what_means_nothing_is_ignored_and_counted),
		cmocka_unit_test(test_who_may_begin_a_dialog),
		cmocka_unit_test(test_the_most_telling_answer),
		cmocka_unit_test(test_forged_faults_are_counted),
		cmocka_unit_test(test_the_limit_of_walks),
		cmocka_unit_test(test_policy_fields),
		cmocka_unit_test(test_profile_defaults),
		cmocka_unit_test(test_texts_are_cut_and_terminated),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
