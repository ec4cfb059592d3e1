/* What a scenario's server can't do: faults at chosen moments, challenges without end. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/engine/device.h"

/* The outcome of the last request, if there was one. */
struct ending {
	size_t outcomes;
	struct kl_action_outcome last;
	size_t abandoned;
};

static void see(void *context, const struct kl_action *action)
{
	struct ending *ending = context;

	if (action->type == KL_DO_OUTCOME) {
		ending->outcomes++;
		ending->last = action->outcome;
	}
	ending->abandoned += action->type == KL_DO_ABANDON;
}

/* Two targets, registered with the first at 20; an INVITE has been sent to it at 1000. */
static void open_call(struct device *device, struct ending *ending)
{
	*ending = (struct ending){0};
	device_init(device, KL_PROFILE_POLY);
	device->target_count = 2;
	device->targets[1].priority = 20;
	device->watch = see;
	device->context = ending;
	device_begin(device, 1, 0);
	device_start_line(device, 0);
	device_respond(device, 200, 20);
	device_feed(device, &(struct kl_event){.type = KL_EV_REQUEST, .request = {7, KL_INVITE}},
		    1000);
	assert_int_equal(device->send.method, KL_INVITE);
	assert_int_equal(device->send.route.ip[15], 1);
}

static int lose_route(struct device *device, enum kl_fault fault, kl_ms now)
{
	struct kl_event event = {
		.type = KL_EV_TRANSPORT,
		.transport = {device->send.route, fault, device->send.tx},
	};

	return device_feed(device, &event, now);
}

/* TIME-7 (part): after 100 alone ICMP still moves the INVITE on. */
static void test_a_fault_after_100_moves_on(void **state)
{
	struct ending ending;
	struct device device;

	(void)state;
	open_call(&device, &ending);
	device_respond(&device, 100, 1020);
	assert_int_equal(lose_route(&device, KL_FAULT_HOST, 1100), KL_OK);
	assert_int_equal(device.send.route.ip[15], 2);
	assert_int_equal(device.send.method, KL_INVITE);
	assert_int_equal(ending.outcomes, 0);
	device_respond(&device, 200, 1120);
	assert_int_equal(ending.outcomes, 1);
	assert_int_equal(ending.last.token, 7);
	assert_int_equal(ending.last.status, 200);
	assert_false(ending.last.local);
	device_free(&device);
}

/* TIME-7 (part): after a 1xx above 100 nothing starts another route; the call fails if its route is
 * lost.
 */
static void test_a_fault_after_180_ends_the_call(void **state)
{
	struct ending ending;
	struct device device;
	size_t sends;

	(void)state;
	open_call(&device, &ending);
	device_respond(&device, 180, 1020);
	sends = device.sends;
	assert_int_equal(lose_route(&device, KL_FAULT_HOST, 1100), KL_OK);
	assert_int_equal(device.sends, sends);
	assert_int_equal(ending.outcomes, 1);
	assert_true(ending.last.local);
	assert_true(ending.last.status >= 400);
	device_free(&device);
}

/* TRIG-1: a fault of a transaction that was left, or for another route's address, moves nothing. */
static void test_a_fault_of_the_past_moves_nothing(void **state)
{
	struct kl_event event = {.type = KL_EV_TRANSPORT};
	struct ending ending;
	struct device device;
	size_t sends;

	(void)state;
	open_call(&device, &ending);
	event.transport =
		(struct kl_event_transport){device.send.route, KL_FAULT_PORT, device.send.tx};
	device_time(&device, 1500);
	device_time(&device, 2500);
	device_time(&device, 4500);
	assert_int_equal(device.send.route.ip[15], 2);
	sends = device.sends;
	assert_int_equal(device_feed(&device, &event, 4501), KL_IGNORED);
	event.transport.tx = device.send.tx; /* our transaction, and another destination */
	assert_int_equal(device_feed(&device, &event, 4502), KL_IGNORED);
	assert_int_equal(device.sends, sends);
	device_free(&device);
}

/* TRIG-8: a server that challenges anew for ever is given up after a bounded number of repeats. */
static void test_challenges_without_end(void **state)
{
	struct kl_event event = {.type = KL_EV_RESPONSE,
				 .response = {.status = 407, .challenge = KL_CHALLENGE_STALE}};
	struct ending ending;
	struct device device;
	size_t repeats = 0;

	(void)state;
	open_call(&device, &ending);
	for (kl_ms now = 1020; ending.outcomes == 0; now += 20) {
		event.response.tx = device.send.tx;
		device_feed(&device, &event, now);
		assert_true(++repeats < 20);
	}
	assert_int_equal(ending.last.status, 407);
	assert_int_equal(ending.last.why, KL_WHY_CHALLENGES);
	device_free(&device);
}

/* A send that fails at once may be fed between two actions, and what it made pointless vanishes. */
static void test_a_fault_fed_between_two_actions(void **state)
{
	struct kl_event request = {.type = KL_EV_REQUEST, .request = {1, KL_INVITE}};
	struct kl_event fault = {.type = KL_EV_TRANSPORT};
	struct kl_action action;
	struct ending ending;
	struct device device;

	(void)state;
	open_call(&device, &ending);
	device_respond(&device, 486, 1020);
	assert_int_equal(kl_feed(device.engine, &request, 2000), KL_OK);
	do
		assert_true(kl_next_action(device.engine, &action));
	while (action.type != KL_DO_SEND);
	fault.transport =
		(struct kl_event_transport){action.send.route, KL_FAULT_SEND, action.send.tx};
	assert_int_equal(kl_feed(device.engine, &fault, 2000), KL_OK);
	while (kl_next_action(device.engine, &action)) {
		if (action.type == KL_DO_SEND)
			assert_int_equal(action.send.route.ip[15], 2);
	}
	device_free(&device);
}

/* An answer to a request that the host was never told to send can't be: it is ignored. */
static void test_an_event_before_the_actions_were_taken(void **state)
{
	struct kl_event cancel = {.type = KL_EV_CANCEL, .request = {2, KL_INVITE}};
	struct kl_event request = {.type = KL_EV_REQUEST, .request = {2, KL_INVITE}};
	struct kl_action action;
	struct ending ending;
	struct device device;
	bool ended = false;

	(void)state;
	open_call(&device, &ending);
	device_respond(&device, 486, 1020);
	assert_int_equal(kl_feed(device.engine, &request, 2000), KL_OK);
	assert_int_equal(kl_feed(device.engine, &cancel, 2000), KL_OK);
	while (kl_next_action(device.engine, &action)) {
		assert_true(action.type != KL_DO_SEND && action.type != KL_DO_ABANDON);
		ended |= action.type == KL_DO_OUTCOME && action.outcome.token == 2;
	}
	assert_true(ended);
	device_free(&device);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_fault_after_100_moves_on),
		cmocka_unit_test(test_a_fault_after_180_ends_the_call),
		cmocka_unit_test(test_a_fault_of_the_past_moves_nothing),
		cmocka_unit_test(test_challenges_without_end),
		cmocka_unit_test(test_a_fault_fed_between_two_actions),
		cmocka_unit_test(test_an_event_before_the_actions_were_taken),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
