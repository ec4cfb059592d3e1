/* resume_test.c - the machine sleeps, and wakes up much later: none of its timers rang meanwhile,
 * and the clock jumped. */
#include "tests/phone/bench.h"
#include "tests/phone/jump.h"

enum { NAP_S = 20, NIGHT_S = 8 * 3600, AT_ONCE_MS = 2000 /* on a loaded machine */ };

static bool is_registered(const struct bench *bench)
{
	return !strcmp(bench_status((struct bench *)bench, "lines.0.state"), "registered");
}

/* REG-1 (part): the registration ran out during the night: one REGISTER at once, and no more. */
static void a_night_asleep_is_one_refresh(void **state)
{
	struct bench *bench = bench_registered("");
	struct peer *peer = &bench->peers[0];
	unsigned before = peer->received;
	uint64_t woken_at_ms;

	(void)state;
	jump(NIGHT_S);
	woken_at_ms = net_now_ms();
	peer_answer(peer, peer_expect(peer, SIP_REGISTER), 200, "r", "Expires: 3600\r\n");
	assert_in_range(net_now_ms() - woken_at_ms, 0, AT_ONCE_MS);
	bench_wait(bench, is_registered);
	bench_settle(bench, 100);
	assert_int_equal(peer->received, before + 1);
	assert_int_equal(bench->peers[1].received, 0);
	bench_free(bench);
}

/* TIME-1 (part): a nap in the middle of a request: the repeats that were missed are not caught up
 * with, and the next server is asked at once. */
static void a_request_under_way_is_over(void **state)
{
	struct bench *bench = bench_new("");

	(void)state;
	phone_start(bench->phone);
	peer_expect(&bench->peers[0], SIP_REGISTER);
	jump(NAP_S);
	peer_answer(&bench->peers[1], peer_expect(&bench->peers[1], SIP_REGISTER), 200, "r",
		    "Expires: 3600\r\n");
	bench_wait(bench, is_registered);
	assert_int_equal(bench->peers[1].received, 1);
	assert_in_range(bench->peers[0].received, 1, 2);
	bench_free(bench);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_night_asleep_is_one_refresh),
		cmocka_unit_test(a_request_under_way_is_over),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
