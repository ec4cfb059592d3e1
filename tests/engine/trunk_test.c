/* One engine with ten thousand lines on one route set. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/engine/device.h"

enum { LINES = 10000, BYTES_MAX = 336 };

static void prepare(struct device *device, uint32_t lines)
{
	device_init(device, KL_PROFILE_POLY);
	device->policy.reregister_on = true;
	device->policy.fail_registration_on = false;
	device->target_count = 2;
	device->targets[1].priority = 20;
	device_set_lines(device, lines);
}

/* All lines registered with the first of two targets, all refreshes sent at 3540020. */
static void open_refreshing(struct device *device)
{
	prepare(device, LINES);
	device_begin(device, 1, 0);
	device_start_lines(device, 0);
	for (uint32_t i = 0; i < LINES; i++)
		device_respond_to(device, &device->last_send[i], 200, 20);
	device_time(device, 3540020);
	assert_int_equal(device->sends, 2 * LINES);
}

/* TRIG-1 (part): one ICMP message serves every line that waits on the route;
 * the host is told action by action, nothing overflows, and none is told twice. */
static void test_one_icmp_moves_all_lines(void **state)
{
	struct kl_event event = {.type = KL_EV_TRANSPORT};
	struct kl_entry_view view;
	struct device device;
	size_t actions;

	(void)state;
	open_refreshing(&device);
	event.transport = (struct kl_event_transport){device.last_send[4321].route, KL_FAULT_PORT,
						      device.last_send[4321].tx};
	actions = device.actions;
	assert_int_equal(device_feed(&device, &event, 3540030), KL_OK);
	/* Each: its state, the move, the old transaction abandoned, the new REGISTER. */
	assert_int_equal(device.actions - actions, 4 * LINES);
	assert_int_equal(device.sends, 3 * LINES);
	for (uint32_t i = 0; i < LINES; i++) {
		assert_int_equal(device.last_send[i].route.ip[15], 2);
		assert_int_equal(device.last_send[i].attempt, 1);
		device_respond_to(&device, &device.last_send[i], 200, 3540050);
		assert_int_equal(kl_get_entry(device.engine, i, 0, &view), KL_OK);
		assert_int_equal(view.state, KL_REGISTERED);
		assert_int_equal(view.moved_fault, KL_FAULT_PORT);
	}
	assert_int_equal(device_feed(&device, &event, 3540060), KL_IGNORED);
	device_free(&device);
}

/* Between two actions of the flood other events may come: half of the lines leave, and what they
 * still had to do vanishes but for their unregistration. */
static void test_events_between_the_actions(void **state)
{
	struct kl_event event = {.type = KL_EV_TRANSPORT};
	struct kl_action action;
	struct device device;
	size_t sends = 0;

	(void)state;
	open_refreshing(&device);
	event.transport = (struct kl_event_transport){device.last_send[0].route, KL_FAULT_PORT,
						      device.last_send[0].tx};
	kl_feed(device.engine, &event, 3540030);
	for (uint32_t i = 0; i < LINES; i++)
		assert_true(kl_next_action(device.engine, &action));
	for (uint32_t i = 0; i < LINES / 2; i++)
		kl_feed(device.engine, &(struct kl_event){.type = KL_EV_LINE_STOP, .line = i},
			3540030);
	while (kl_next_action(device.engine, &action)) {
		sends += action.type == KL_DO_SEND;
		if (action.type == KL_DO_SEND)
			assert_int_equal(action.send.expires_ms == 0, action.send.line < LINES / 2);
	}
	assert_int_equal(sends, LINES);
	device_free(&device);
}

/* What a line costs: the difference that nine thousand of them make. */
static void test_bytes_of_a_line(void **state)
{
	struct device few, many;

	(void)state;
	prepare(&few, 1000);
	prepare(&many, LINES);
	few.config.limits.set_routes = many.config.limits.set_routes = 4;
	few.config.limits.walks = 1001;
	many.config.limits.walks = LINES + 1;
	few.config.limits.subscriptions = many.config.limits.subscriptions = 0;
	assert_true((kl_engine_size(&many.config) - kl_engine_size(&few.config)) / (LINES - 1000) <=
		    BYTES_MAX);
	device_free(&few);
	device_free(&many);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_one_icmp_moves_all_lines),
		cmocka_unit_test(test_events_between_the_actions),
		cmocka_unit_test(test_bytes_of_a_line),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
