/* Two flows at once, as a host sees them: reg-ids, Call-IDs and CSeqs, 439, flows lost, waits.
 * OWN-6 (part) */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "tests/engine/device.h"

enum { REGISTERED_AT = 40 };

static struct kl_action_send registers, sent[3]; /* the last REGISTER, and that of each reg-id */

static void keep_register(void *context, const struct kl_action *action)
{
	(void)context;
	if (action->type == KL_DO_SEND && action->send.method == KL_REGISTER)
		registers = sent[action->send.reg_id] = action->send;
}

static void answer(struct device *device, const struct kl_action_send *send, uint16_t status,
		   bool outbound, kl_ms now)
{
	const struct kl_event event = {.type = KL_EV_RESPONSE,
				       .response = {.tx = send->tx,
						    .status = status,
						    .granted_ms = send->expires_ms,
						    .outbound = outbound}};

	device_feed(device, &event, now);
}

static uint8_t server_of(const struct kl_action_send *send)
{
	return send->route.ip[15];
}

static struct kl_entry_view second_of(const struct device *device)
{
	struct kl_entry_view view;

	assert_int_equal(kl_get_second_flow(device->engine, 0, 0, &view), KL_OK);
	return view;
}

static struct kl_entry_view first_of(const struct device *device)
{
	struct kl_entry_view view;

	assert_int_equal(kl_get_entry(device->engine, 0, 0, &view), KL_OK);
	return view;
}

/* So many servers, one behind the other, and nothing that is sent but what a test asks for. */
static void begin(struct device *device, uint32_t servers)
{
	device_init(device, KL_PROFILE_KEEPLINE);
	device->policy.probe_ms = 0;
	device->policy.first_silence = false;
	device->policy.dns_ahead = false;
	device->ttl_ms = 86400000;
	device->target_count = servers;
	for (uint32_t i = 0; i < servers; i++)
		device->targets[i] = (struct device_target){.priority = (uint16_t)(10 * i)};
	device->watch = keep_register;
	device_begin(device, 1, 0);
	device_start_line(device, 0);
}

/* ... and both flows are made: reg-id 1 on server 1, 2 on server 2. */
static void begin_registered(struct device *device, uint32_t servers)
{
	begin(device, servers);
	answer(device, &registers, 200, true, REGISTERED_AT / 2);
	answer(device, &registers, 200, true, REGISTERED_AT);
	assert_int_equal(second_of(device).state, KL_REGISTERED);
}

static void refuse(struct device *device, const struct kl_action_send *send, kl_ms now)
{
	const struct kl_event event = {
		.type = KL_EV_TRANSPORT,
		.transport = {.route = send->route, .fault = KL_FAULT_PORT, .tx = send->tx}};

	assert_int_equal(device_feed(device, &event, now), KL_OK);
}

static void keep_call(void *context, const struct kl_action *action)
{
	keep_register(context, action);
	if (action->type == KL_DO_SEND && action->send.method == KL_INVITE)
		*(struct kl_action_send *)context = action->send;
}

/* A call finds the server of the first flow dead, and is answered by the second's. */
static void take_over(struct device *device, kl_ms now)
{
	struct kl_event event = {.type = KL_EV_REQUEST, .request = {now, KL_INVITE}};
	struct kl_action_send call;

	device->watch = keep_call;
	device->context = &call;
	assert_int_equal(device_feed(device, &event, now), KL_OK);
	refuse(device, &call, now);
	answer(device, &call, 200, false, now);
	device->watch = keep_register;
}

/* Until a REGISTER of that reg-id is sent. */
static void wait_for(struct device *device, uint32_t reg_id)
{
	while (registers.reg_id != reg_id)
		device_time(device, kl_deadline(device->engine));
}

static void test_each_flow_has_its_numbers(void **state)
{
	struct device device;
	struct kl_action_send send;

	(void)state;
	begin(&device, 2);
	send = registers;
	assert_int_equal(send.reg_id, 1);
	assert_int_equal(second_of(&device).state, KL_OFF);
	answer(&device, &send, 200, true, 20);
	assert_int_equal(registers.reg_id, 2);
	assert_int_equal(registers.call_id, 1);
	assert_int_equal(registers.cseq, 1);
	assert_int_equal(server_of(&send), 1);
	assert_int_equal(server_of(&registers), 2);
	answer(&device, &registers, 200, true, 40);
	assert_true(second_of(&device).active);
	assert_int_equal(first_of(&device).reg_id, 1);
	assert_int_equal(second_of(&device).reg_id, 2);
	assert_true(first_of(&device).outbound && second_of(&device).outbound);
	device_free(&device);
}

/* What a registrar knows of a flow goes with it: its next refresh has its next CSeq. */
static void test_numbers_go_with_their_flow(void **state)
{
	struct device device;

	(void)state;
	begin_registered(&device, 3);
	take_over(&device, 1000);
	assert_int_equal(registers.method, KL_REGISTER);
	assert_int_equal(registers.reg_id, 1); /* the lost one, made anew */
	assert_int_equal(registers.cseq, 2);
	assert_int_equal(server_of(&registers), 3);
	assert_int_equal(first_of(&device).reg_id, 2);
	assert_true(first_of(&device).in_failover);
	answer(&device, &registers, 200, true, 1020);
	wait_for(&device, 2);
	assert_int_equal(server_of(&registers), 2);
	assert_int_equal(registers.call_id, 1);
	assert_int_equal(registers.cseq, 2);
	device_free(&device);
}

static void test_439(void **state)
{
	struct device device;

	(void)state;
	begin(&device, 2);
	answer(&device, &registers, 439, false, 20);
	assert_int_equal(registers.reg_id, 0);
	assert_int_equal(server_of(&registers), 1);
	assert_int_equal(registers.call_id, 1);
	assert_int_equal(registers.cseq, 2);
	answer(&device, &registers, 200, true, 40); /* nobody can mean that */
	assert_int_equal(first_of(&device).state, KL_REGISTERED);
	assert_false(first_of(&device).outbound);
	assert_int_equal(second_of(&device).state, KL_OFF);
	while (device.sends == 2)
		device_time(&device, kl_deadline(device.engine));
	assert_int_equal(registers.reg_id, 0);
	refuse(&device, &registers, first_of(&device).refresh_at);
	assert_int_equal(server_of(&registers), 2); /* which may know more */
	assert_int_equal(registers.reg_id, 1);
	device_free(&device);
}

/* 439 to a REGISTER without a reg-id is an answer like any. */
static void test_439_to_a_plain_register(void **state)
{
	struct device device;

	(void)state;
	begin(&device, 2);
	answer(&device, &registers, 439, false, 20);
	answer(&device, &registers, 439, false, 40);
	assert_int_equal(device.sends, 2);
	assert_int_equal(first_of(&device).state, KL_BACKING_OFF);
	device_free(&device);
}

/* Where the line goes by reg-id 2 the plain REGISTER has reg-id 1's Call-ID and next CSeq: a
 * registrar that looks at Call-IDs alone never sees one go back. */
static void test_439_behind_a_take_over(void **state)
{
	struct device device;
	uint32_t cseq;

	(void)state;
	begin_registered(&device, 3);
	take_over(&device, 1000);
	cseq = registers.cseq;
	answer(&device, &registers, 200, true, 1020);
	wait_for(&device, 2);
	answer(&device, &registers, 439, false, 4000000);
	assert_int_equal(registers.reg_id, 0);
	assert_int_equal(server_of(&registers), 2);
	assert_int_equal(registers.call_id, 1);
	assert_true(registers.cseq > cseq);
	assert_int_equal(second_of(&device).state, KL_STANDBY);
	assert_int_equal(second_of(&device).reg_id, 2);
	device_free(&device);
}

/* A second flow that a registrar does not keep apart would only take the first one's place. */
static void test_the_second_registrar_knows_no_flows(void **state)
{
	struct device device;

	(void)state;
	begin(&device, 3);
	answer(&device, &registers, 200, true, 20);
	answer(&device, &registers, 200, false, 40);
	assert_int_equal(server_of(&registers), 3);
	assert_int_equal(registers.reg_id, 2);
	answer(&device, &registers, 439, false, 60);
	assert_int_equal(second_of(&device).state, KL_BACKING_OFF);
	assert_int_equal(first_of(&device).state, KL_REGISTERED);
	device_free(&device);
}

/* The flow's registrar has forgotten outbound: so has the line. */
static void test_outbound_is_withdrawn(void **state)
{
	struct device device;

	(void)state;
	begin_registered(&device, 2);
	wait_for(&device, 1);
	answer(&device, &registers, 200, false, 3550000);
	assert_int_equal(second_of(&device).state, KL_STANDBY);
	assert_true(second_of(&device).active); /* until it ends */
	device_free(&device);
}

static int lose(struct device *device, uint8_t server, enum kl_fault fault, kl_ms now)
{
	struct kl_event event = {.type = KL_EV_STREAM_LOST,
				 .transport = {.route = registers.route, .fault = fault}};

	event.transport.route.ip[15] = server;
	return device_feed(device, &event, now);
}

static void test_flows_over_udp_are_lost(void **state)
{
	struct device device;

	(void)state;
	begin(&device, 2);
	answer(&device, &registers, 200, false, 20);
	assert_int_equal(lose(&device, 1, KL_FAULT_KEEPALIVE, 1000), KL_IGNORED);
	device_free(&device);
	begin_registered(&device, 2);
	assert_int_equal(lose(&device, 1, KL_FAULT_STREAM_LOST, 1000), KL_EINVAL);
	assert_int_equal(lose(&device, 3, KL_FAULT_KEEPALIVE, 1000), KL_IGNORED);
	assert_int_equal(lose(&device, 2, KL_FAULT_KEEPALIVE, 1000), KL_OK);
	assert_int_equal(first_of(&device).reg_id, 1); /* the line stays */
	assert_int_equal(server_of(&registers), 2);
	assert_int_equal(registers.reg_id, 2);
	answer(&device, &registers, 200, true, 1020);
	assert_int_equal(lose(&device, 1, KL_FAULT_KEEPALIVE, 1020), KL_OK);
	assert_int_equal(first_of(&device).reg_id, 2);
	assert_int_equal(server_of(&registers), 1);
	assert_int_equal(registers.reg_id, 1);
	device_free(&device);
}

/* A refresh of the second flow is on its way when the line goes over to it, and answered late: the
 * line has sent its own, and the flow that is made anew goes elsewhere. */
static void test_late_answer_to_a_flow_that_went(void **state)
{
	struct device device;
	struct kl_action_send refresh, anew;

	(void)state;
	begin_registered(&device, 3);
	wait_for(&device, 1);
	answer(&device, &registers, 200, true, 3540030);
	wait_for(&device, 2);
	refresh = registers;
	take_over(&device, 3540060);
	anew = sent[1];
	assert_int_equal(first_of(&device).state, KL_REFRESHING);
	assert_int_equal(anew.reg_id, 1);
	assert_int_equal(server_of(&anew), 3);
	answer(&device, &refresh, 200, true, 3540070);
	assert_int_equal(second_of(&device).state, KL_FAILING_OVER);
	answer(&device, &anew, 200, true, 3540080);
	assert_int_equal(second_of(&device).state, KL_REGISTERED);
	device_free(&device);
}

static void test_who_has_a_second_flow(void **state)
{
	struct kl_entry_view view;
	struct device device;
	size_t with;

	(void)state;
	begin(&device, 2);
	with = kl_engine_size(&device.config);
	assert_int_equal(kl_get_second_flow(device.engine, 0, 1, &view), KL_EINVAL);
	device.policy.flows_max = 1;
	assert_int_equal(kl_get_second_flow(device.engine, 0, 0, &view), KL_EINVAL);
	assert_true(kl_engine_size(&device.config) < with);
	device.policy.flows_max = 2;
	device.policy.reregister_on = false; /* servers share registrations */
	assert_int_equal(kl_get_second_flow(device.engine, 0, 0, &view), KL_EINVAL);
	device_free(&device);
}

/* RFC 5626, appendix A: its second column, but for the wait of 0 s without a failure. */
static void test_waits(void **state)
{
	static const struct {
		kl_ms least_s, most_s;
	} rows[] = {{90, 180}, {180, 360}, {360, 720}, {720, 1440}, {900, 1800}, {900, 1800}};
	struct kl_policy policy;
	kl_ms least_ms, most_ms;

	(void)state;
	kl_policy_profile(&policy, KL_PROFILE_KEEPLINE);
	for (uint32_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		kl_policy_flow_backoff(&policy, i, &least_ms, &most_ms);
		assert_int_equal(least_ms, 1000 * rows[i].least_s);
		assert_int_equal(most_ms, 1000 * rows[i].most_s);
	}
	kl_policy_flow_backoff(&policy, UINT32_MAX, &least_ms, &most_ms);
	assert_int_equal(most_ms, 1800000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_each_flow_has_its_numbers),
		cmocka_unit_test(test_numbers_go_with_their_flow),
		cmocka_unit_test(test_439),
		cmocka_unit_test(test_439_to_a_plain_register),
		cmocka_unit_test(test_439_behind_a_take_over),
		cmocka_unit_test(test_the_second_registrar_knows_no_flows),
		cmocka_unit_test(test_outbound_is_withdrawn),
		cmocka_unit_test(test_flows_over_udp_are_lost),
		cmocka_unit_test(test_late_answer_to_a_flow_that_went),
		cmocka_unit_test(test_who_has_a_second_flow),
		cmocka_unit_test(test_waits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
