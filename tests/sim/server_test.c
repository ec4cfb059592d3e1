/* The simulated server: what it grants, asks and refuses. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "sim/server.h"

static const struct sim_request registering = {.method = KL_REGISTER, .expires_ms = 3600000};

static struct sim_reply answer(struct sim_server *server, const struct sim_request *request)
{
	struct sim_reply replies[SIM_REPLIES_MAX];

	assert_int_equal(sim_server_answer(server, request, replies), 1);
	return replies[0];
}

static void test_grants_what_is_asked_up_to_its_most(void **state)
{
	struct sim_server server;
	struct sim_reply reply;

	(void)state;
	sim_server_init(&server, "a");
	reply = answer(&server, &registering);
	assert_int_equal(reply.status, 200);
	sim_server_register(&server, &registering, &reply, 1000);
	assert_int_equal(reply.granted_ms, 3600000);
	assert_int_equal(server.binding_count, 1);
	assert_int_equal(server.bindings[0].expires_at, 3601000);

	server.grant_max_ms = 300000;
	sim_server_register(&server, &registering, &reply, 2000);
	assert_int_equal(reply.granted_ms, 300000);
	assert_int_equal(server.binding_count, 1);
	assert_int_equal(server.bindings[0].expires_at, 302000);
	sim_server_free(&server);
}

static void test_expires_0_removes_the_binding(void **state)
{
	const struct sim_request leaving = {.method = KL_REGISTER, .expires_ms = 0};
	struct sim_server server;
	struct sim_reply reply = {.status = 200};

	(void)state;
	sim_server_init(&server, "a");
	sim_server_register(&server, &registering, &reply, 0);
	sim_server_register(&server, &leaving, &reply, 10);
	assert_int_equal(reply.granted_ms, 0);
	assert_int_equal(server.binding_count, 0);
	sim_server_free(&server);
}

static void test_takes_credentials_for_its_own_young_nonce(void **state)
{
	struct sim_request request = registering;
	struct sim_server server;
	struct sim_reply reply;

	(void)state;
	sim_server_init(&server, "a");
	server.challenge = SIM_CHALLENGES;
	reply = answer(&server, &request);
	assert_int_equal(reply.status, 401);
	assert_false(reply.stale);

	request.nonce = reply.nonce;
	assert_int_equal(answer(&server, &request).status, 200);

	server.nonce_oldest = server.nonce + 1;
	reply = answer(&server, &request);
	assert_int_equal(reply.status, 401);
	assert_true(reply.stale);
	request.nonce = reply.nonce;
	assert_int_equal(answer(&server, &request).status, 200);
}

static void test_refuses_every_password_when_told_so(void **state)
{
	struct sim_request request = {.method = KL_INVITE};
	struct sim_server server;

	(void)state;
	sim_server_init(&server, "a");
	server.challenge = SIM_REFUSES;
	request.nonce = answer(&server, &request).nonce;
	assert_int_equal(answer(&server, &request).status, 407);
	assert_false(answer(&server, &request).stale);
}

static void test_asks_for_a_longer_interval(void **state)
{
	struct sim_server server;

	(void)state;
	sim_server_init(&server, "a");
	server.min_expires_ms = 7200000;
	assert_int_equal(answer(&server, &registering).status, 423);
	assert_int_equal(answer(&server, &registering).min_expires_ms, 7200000);
}

static void test_healing_takes_faults_away_and_keeps_registrations(void **state)
{
	struct sim_server server;
	struct sim_reply replies[SIM_REPLIES_MAX] = {{.status = 200}};

	(void)state;
	sim_server_init(&server, "a");
	sim_server_register(&server, &registering, &replies[0], 0);
	server.reach = SIM_SILENT;
	assert_int_equal(sim_server_answer(&server, &registering, replies), 0);
	server.scripts[KL_REGISTER] = (struct sim_script){1, {{503, 0}}};
	server.slow_ms = 5;
	sim_server_heal(&server);
	assert_int_equal(answer(&server, &registering).status, 200);
	assert_int_equal(answer(&server, &registering).after_ms, 0);
	assert_int_equal(server.binding_count, 1);
	sim_server_free(&server);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_grants_what_is_asked_up_to_its_most),
		cmocka_unit_test(test_expires_0_removes_the_binding),
		cmocka_unit_test(test_takes_credentials_for_its_own_young_nonce),
		cmocka_unit_test(test_refuses_every_password_when_told_so),
		cmocka_unit_test(test_asks_for_a_longer_interval),
		cmocka_unit_test(test_healing_takes_faults_away_and_keeps_registrations),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
