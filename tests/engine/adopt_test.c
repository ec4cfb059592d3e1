/* kl_engine_adopt(): what goes on over a reload, and what does not.  That a reload of the same
 * configuration leaves no trace is proven by the swarm. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/engine/device.h"

enum { LINES = 4, MANY = 1000, FAILBACK_MS = 600000, TTL_MS = 300000 };

/* A device of COUNT lines with two targets that re-registers on failover. */
static void prepare(struct device *device, uint32_t count)
{
	device_init(device, KL_PROFILE_POLY);
	device->policy.reregister_on = true;
	device->policy.failback_ms = FAILBACK_MS;
	device->target_count = 2;
	device->targets[1].priority = 20;
	device->ttl_ms = TTL_MS;
	device_set_lines(device, count);
}

/* Its lines registered one after the other; line 0 at 20. */
static void open_registered(struct device *device, uint32_t count)
{
	prepare(device, count);
	device_begin(device, 1, 0);
	device_start_lines(device, 0);
	for (uint32_t i = 0; i < count; i++)
		device_respond_to(device, &device->last_send[i], 200, 20 + i);
}

/* Makes TO's engine and lets it adopt FROM's; FROM is over. */
static int adopt(struct device *to, struct device *from, kl_ms now)
{
	int count;

	kl_limits_keep(&to->config, &from->config);
	device_begin(to, 99, now);
	count = kl_engine_adopt(to->engine, from->engine);
	device_free(from);
	return count;
}

/* The same lines, the last first. */
static void prepare_reversed(struct device *device, uint32_t count)
{
	prepare(device, count);
	for (uint32_t i = 0; i < count; i++)
		device->lines[i].key = count - i;
}

static struct kl_entry_view view_of(const struct device *device, uint32_t line)
{
	struct kl_entry_view view;

	assert_int_equal(kl_get_entry(device->engine, line, 0, &view), KL_OK);
	return view;
}

static void call_on(struct device *device, uint32_t line, uint64_t token, kl_ms now)
{
	struct kl_event event = {
		.type = KL_EV_REQUEST, .line = line, .request = {token, KL_INVITE}};

	assert_int_equal(device_feed(device, &event, now), KL_OK);
}

static void keep_outcome(void *context, const struct kl_action *action)
{
	if (action->type == KL_DO_OUTCOME)
		*(struct kl_action_outcome *)context = action->outcome;
}

static void test_which_line_goes_on(void **state)
{
	struct kl_entry_config other;
	struct kl_policy policy;
	struct device a, b;

	(void)state;
	prepare(&a, LINES);
	prepare_reversed(&b, LINES);
	for (uint32_t i = 0; i < LINES; i++)
		assert_int_equal(kl_find_line(&b.config, &a.config, i), LINES - 1 - i);
	assert_int_equal(kl_find_line(&b.config, &a.config, LINES), KL_NO_LINE);
	a.lines[0].key = 0; /* nobody's name */
	b.lines[3].key = 0;
	assert_int_equal(kl_find_line(&b.config, &a.config, 0), KL_NO_LINE);
	b.lines[2].key = 77; /* line 1 is gone */
	assert_int_equal(kl_find_line(&b.config, &a.config, 1), KL_NO_LINE);
	other = b.entry;
	other.port = 5080;
	b.lines[1].entries = &other; /* line 2 leads elsewhere */
	assert_int_equal(kl_find_line(&b.config, &a.config, 2), KL_NO_LINE);
	other = b.entry;
	policy = b.policy;
	other.policy = &policy;
	assert_int_equal(kl_find_line(&b.config, &a.config, 2), 1);
	policy.attempts_max++;
	assert_int_equal(kl_find_line(&b.config, &a.config, 2), KL_NO_LINE);
	b.lines[0].group = 5; /* no state of the line: it goes on */
	assert_int_equal(kl_find_line(&b.config, &a.config, 3), 0);
	b.config.families = KL_IPV4 | KL_IPV6;
	assert_int_equal(kl_find_line(&b.config, &a.config, 3), KL_NO_LINE);
	device_free(&a);
	device_free(&b);
}

/* Refreshes come when they would have come, by the new numbers. */
static void test_a_thousand_lines_turned_round(void **state)
{
	struct device a, b;

	(void)state;
	open_registered(&a, MANY);
	prepare_reversed(&b, MANY);
	assert_int_equal(adopt(&b, &a, 50000), MANY);
	for (uint32_t i = 0; i < MANY; i++) {
		kl_ms registered_at = 20 + MANY - 1 - i;

		assert_int_equal(view_of(&b, i).state, KL_REGISTERED);
		assert_int_equal(view_of(&b, i).refresh_at, registered_at + 3540000);
		assert_int_equal(view_of(&b, i).expires_at, registered_at + 3600000);
	}
	while (b.sends == 0)
		device_time(&b, kl_deadline(b.engine));
	assert_int_equal(b.send.line, MANY - 1);
	assert_int_equal(b.send.cseq, 2);
	assert_int_equal(kl_deadline(b.engine), 21 + 3540000);
	device_free(&b);
}

/* A call that is up holds failback back as before, and its end is the new engine's. */
static void test_a_call_in_progress_stays_one(void **state)
{
	struct kl_engine_view view;
	struct device a, b;

	(void)state;
	open_registered(&a, LINES);
	call_on(&a, 1, 7, 1000);
	device_respond(&a, 200, 1020);
	prepare_reversed(&b, LINES);
	assert_int_equal(adopt(&b, &a, 2000), LINES);
	kl_get_engine(b.engine, &view);
	assert_int_equal(view.calls, 1);
	assert_int_equal(
		device_feed(&b, &(struct kl_event){.type = KL_EV_CALL_ENDED, .line = 1}, 3000),
		KL_IGNORED);
	assert_int_equal(
		device_feed(&b, &(struct kl_event){.type = KL_EV_CALL_ENDED, .line = 2}, 3000),
		KL_OK);
	kl_get_engine(b.engine, &view);
	assert_int_equal(view.calls, 0);
	device_free(&b);
}

/* Line 0 goes, so every number falls by one; the INVITE of line 2 is sent again to the millisecond,
 * under the name that the host knows, and its answer ends it. */
static void test_a_walk_in_mid_air_goes_on(void **state)
{
	struct kl_action_outcome outcome = {.token = 0};
	struct kl_event stop = {.type = KL_EV_LINE_STOP};
	struct device a, b;
	kl_tx tx;

	(void)state;
	open_registered(&a, LINES);
	device_feed(&a, &stop, 900);
	device_respond(&a, 200, 920);
	assert_int_equal(view_of(&a, 0).state, KL_OFF);
	call_on(&a, 2, 7, 1000);
	tx = a.send.tx;
	prepare(&b, LINES - 1);
	for (uint32_t i = 0; i < LINES - 1; i++)
		b.lines[i].key = i + 2;
	assert_int_equal(adopt(&b, &a, 1100), LINES - 1);
	b.watch = keep_outcome;
	b.context = &outcome;
	assert_int_equal(kl_deadline(b.engine), 1500);
	device_time(&b, 1500);
	assert_int_equal(b.send.tx, tx);
	assert_int_equal(b.send.line, 1);
	assert_int_equal(b.send.attempt, 2);
	assert_int_equal(device_respond(&b, 486, 1600), KL_OK);
	assert_int_equal(outcome.token, 7);
	assert_int_equal(outcome.status, 486);
	assert_int_equal(outcome.binding.line, 1);
	device_free(&b);
}

/* The line fails over; the way back comes when it would have come. */
static void test_the_failback_timer_goes_on(void **state)
{
	struct device a, b;
	struct kl_event lost = {.type = KL_EV_TRANSPORT};

	(void)state;
	open_registered(&a, LINES);
	call_on(&a, 0, 7, 1000);
	lost.transport = (struct kl_event_transport){a.send.route, KL_FAULT_PORT, a.send.tx};
	device_feed(&a, &lost, 1010);
	assert_int_equal(a.send.method, KL_REGISTER);
	device_respond(&a, 200, 1030);
	assert_int_equal(a.send.method, KL_INVITE);
	device_respond(&a, 486, 1100);
	prepare_reversed(&b, LINES);
	assert_int_equal(adopt(&b, &a, 5000), LINES);
	assert_true(view_of(&b, LINES - 1).in_failover);
	assert_int_equal(view_of(&b, LINES - 1).failback_at, 1030 + FAILBACK_MS);
	while (view_of(&b, LINES - 1).state != KL_FAILING_BACK)
		device_time(&b, kl_deadline(b.engine));
	assert_int_equal(b.send.route.ip[15], 1);
	assert_int_equal(view_of(&b, LINES - 1).since_at, 1030 + FAILBACK_MS);
	device_free(&b);
}

/* Names are asked for when their TTL ends, and an answer that was under way is taken. */
static void test_what_the_dns_said_goes_on(void **state)
{
	struct kl_route_view route;
	struct kl_action action;
	struct kl_event answer = {.type = KL_EV_DNS, .dns = {.status = KL_DNS_SILENT}};
	struct device a, b;
	size_t lookups;

	(void)state;
	open_registered(&a, LINES);
	prepare(&b, LINES);
	assert_int_equal(adopt(&b, &a, 1000), LINES);
	assert_int_equal(kl_get_route(b.engine, 0, 0, 1, &route), KL_OK);
	assert_string_equal(route.name, "2.test");
	assert_int_equal(route.ttl_ms, TTL_MS);
	assert_int_equal(kl_deadline(b.engine), TTL_MS);
	kl_feed(b.engine, &(struct kl_event){.type = KL_EV_TIME}, TTL_MS);
	for (lookups = 0; kl_next_action(b.engine, &action); lookups++) {
		assert_int_equal(action.type, KL_DO_QUERY);
		answer.dns.query = action.query.query;
	}
	assert_int_equal(lookups, 3);
	prepare(&a, LINES);
	assert_int_equal(adopt(&a, &b, TTL_MS + 100), LINES);
	assert_int_equal(device_feed(&a, &answer, TTL_MS + 200), KL_OK);
	assert_int_equal(device_feed(&a, &answer, TTL_MS + 200), KL_IGNORED);
	device_free(&a);
}

/* A changed line and a new one start anew beside those that go on; names are not asked again. */
static void test_changed_and_new_lines_start_anew(void **state)
{
	struct kl_entry_config changed;
	struct kl_policy policy;
	struct device a, b;

	(void)state;
	open_registered(&a, LINES);
	prepare(&b, LINES + 1);
	policy = b.policy;
	policy.attempts_max = 5;
	changed = b.entry;
	changed.policy = &policy;
	b.lines[1].entries = &changed;
	assert_int_equal(adopt(&b, &a, 1000), LINES - 1);
	assert_int_equal(view_of(&b, 0).state, KL_REGISTERED);
	assert_int_equal(view_of(&b, 1).state, KL_OFF);
	assert_int_equal(view_of(&b, LINES).state, KL_OFF);
	device_start_lines(&b, 1000);
	assert_int_equal(b.sends, 2);
	assert_int_equal(b.lookups, 0);
	assert_int_equal(b.send.line, LINES);
	assert_int_equal(device_respond(&b, 200, 1020), KL_OK);
	assert_int_equal(device_respond_to(&b, &b.last_send[1], 200, 1020), KL_OK);
	assert_int_equal(view_of(&b, 1).state, KL_REGISTERED);
	device_free(&b);
}

/* TIME-9 (part): a late 2xx to a REGISTER is taken where its line kept its number, and hits no
 * other line where numbers changed. */
static void test_late_answers_hit_nobody_else(void **state)
{
	for (int renumbered = 0; renumbered <= 1; renumbered++) {
		struct kl_action_send late;
		struct device a, b;

		(void)state;
		prepare(&a, 2);
		device_begin(&a, 1, 0);
		device_start_lines(&a, 0);
		late = a.last_send[0];
		while (view_of(&a, 0).state != KL_BACKING_OFF)
			device_time(&a, kl_deadline(a.engine));
		if (renumbered)
			prepare_reversed(&b, 2);
		else
			prepare(&b, 2);
		assert_int_equal(adopt(&b, &a, 80000), 2);
		assert_int_equal(device_respond_to(&b, &late, 200, 80000),
				 renumbered ? KL_IGNORED : KL_OK);
		assert_int_equal(view_of(&b, 0).active, !renumbered);
		assert_false(view_of(&b, 1).active);
		device_free(&b);
	}
}

/* Another address family: nothing goes on, and what the old engine asked for hits nobody. */
static void test_another_device_starts_anew(void **state)
{
	struct kl_action_send old_send;
	struct device a, b;

	(void)state;
	open_registered(&a, LINES);
	old_send = a.last_send[0];
	prepare(&b, LINES);
	b.config.families = KL_IPV4 | KL_IPV6;
	assert_int_equal(adopt(&b, &a, 1000), 0);
	assert_int_equal(kl_deadline(b.engine), KL_NEVER);
	device_start_lines(&b, 1000);
	assert_true(b.lookups > 0);
	assert_int_equal(device_respond_to(&b, &old_send, 200, 1000), KL_IGNORED);
	assert_int_equal(device_respond(&b, 200, 1020), KL_OK);
	device_free(&b);
}

static void expect_refusal(struct device *to, const struct device *from, int error)
{
	struct kl_engine *before = malloc(to->size);

	assert_non_null(before);
	memcpy(before, to->engine, to->size);
	assert_int_equal(kl_engine_adopt(to->engine, from->engine), error);
	assert_memory_equal(before, to->engine, to->size);
	free(before);
}

static void test_what_adopt_refuses(void **state)
{
	struct kl_action action;
	struct device a, b;

	(void)state;
	open_registered(&a, LINES);
	prepare(&b, LINES);
	device_begin(&b, 1, 10);
	expect_refusal(&b, &a, KL_ETIME);
	free(b.engine);
	b.config.limits.routes--;
	device_begin(&b, 1, 1000);
	expect_refusal(&b, &a, KL_EFULL);
	free(b.engine);
	kl_limits_keep(&b.config, &a.config);
	device_begin(&b, 1, 1000);
	kl_feed(a.engine, &(struct kl_event){.type = KL_EV_LINE_STOP}, 1000);
	expect_refusal(&b, &a, KL_EINVAL);
	while (kl_next_action(a.engine, &action))
		;
	device_start_line(&b, 1000);
	expect_refusal(&b, &a, KL_EINVAL);
	device_free(&a);
	device_free(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_which_line_goes_on),
		cmocka_unit_test(test_a_thousand_lines_turned_round),
		cmocka_unit_test(test_a_call_in_progress_stays_one),
		cmocka_unit_test(test_a_walk_in_mid_air_goes_on),
		cmocka_unit_test(test_the_failback_timer_goes_on),
		cmocka_unit_test(test_what_the_dns_said_goes_on),
		cmocka_unit_test(test_changed_and_new_lines_start_anew),
		cmocka_unit_test(test_late_answers_hit_nobody_else),
		cmocka_unit_test(test_another_device_starts_anew),
		cmocka_unit_test(test_what_adopt_refuses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
