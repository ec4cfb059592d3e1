/* dialog_test.c - a request inside a call fails, and its line learns from it (TRIG-10). */
#include "tests/phone/bench.h"

#define REREGISTER "reg.1.server.1.failOver.reRegisterOn=\"1\""

static bool is_registered_elsewhere(const struct bench *bench)
{
	struct bench *looked_at = (struct bench *)bench;

	return !strcmp(bench_status(looked_at, "lines.0.state"), "registered") &&
	       bench_status_number(looked_at, "lines.0.entries.0.in_failover");
}

/* A call that the first peer answered, and that is hung up; its BYE. */
static const struct sip_message *hang_up(struct bench *bench)
{
	struct peer *peer = &bench->peers[0];
	const struct sip_message *invite;
	uint64_t id = bench_call(bench);

	invite = peer_expect(peer, SIP_INVITE);
	peer_answer(peer, invite, 200, "t", peer_contact(peer));
	peer_expect(peer, SIP_ACK);
	bench_wait(bench, bench_is_up);
	phone_call_hang_up(bench->phone, id);
	return peer_expect(peer, SIP_BYE);
}

/* The line goes to the second peer, and the BYE goes nowhere else. */
static void assert_moved(struct bench *bench)
{
	struct peer *second = &bench->peers[1];

	peer_answer(second, peer_expect(second, SIP_REGISTER), 200, "r", "Expires: 3600\r\n");
	bench_wait(bench, is_registered_elsewhere);
	assert_true(peer_is_quiet(second));
}

/* TRIG-10 (part): a BYE that is answered 503. */
static void a_bye_finds_503(void **state)
{
	struct bench *bench = bench_registered(REREGISTER);

	(void)state;
	peer_answer(&bench->peers[0], hang_up(bench), 503, NULL, NULL);
	assert_moved(bench);
	bench_free(bench);
}

/* TRIG-10 (part), TRIG-1 (part): nobody listens any more: the BYE's repeat gets an ICMP error. */
static void a_bye_finds_a_closed_port(void **state)
{
	struct bench *bench = bench_registered(REREGISTER);

	(void)state;
	hang_up(bench);
	peer_move(&bench->peers[0], 77);
	assert_moved(bench);
	bench_free(bench);
}

/* Any other answer to a BYE is its end. */
static void another_answer_moves_nothing(void **state)
{
	struct bench *bench = bench_registered(REREGISTER);

	(void)state;
	peer_answer(&bench->peers[0], hang_up(bench), 481, NULL, NULL);
	bench_settle(bench, 300);
	assert_true(peer_is_quiet(&bench->peers[0]));
	assert_true(peer_is_quiet(&bench->peers[1]));
	assert_int_equal(bench_status_number(bench, "lines.0.entries.0.in_failover"), 0);
	bench_free(bench);
}

static void take_stopped(void *user)
{
	struct bench *bench = user;

	bench->stopped = true;
}

static bool is_stopped(const struct bench *bench)
{
	return bench->stopped;
}

/* TRIG-10 (part), TRIG-4 (part): a BYE that can't be sent is over at once; and since its dialog led
 * past the line's route, that one is not to blame. */
static void a_bye_that_cannot_be_sent(void **state)
{
	struct bench *bench = bench_registered(REREGISTER);
	struct peer *peer = &bench->peers[0];
	uint64_t id = bench_call(bench);

	(void)state;
	peer_answer(peer, peer_expect(peer, SIP_INVITE), 200, "t",
		    "Contact: <sip:bob@198.51.100.1>\r\n");
	bench_wait(bench, bench_is_up);
	phone_call_hang_up(bench->phone, id);
	assert_int_equal(bench_status_number(bench, "lines.0.entries.0.in_failover"), 0);
	phone_stop(bench->phone, (struct net_callback){take_stopped, bench});
	peer_answer(peer, peer_expect(peer, SIP_REGISTER), 200, "r", NULL);
	bench_wait(bench, is_stopped);
	assert_true(peer_is_quiet(&bench->peers[1]));
	bench_free(bench);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_bye_finds_503),
		cmocka_unit_test(a_bye_finds_a_closed_port),
		cmocka_unit_test(a_bye_that_cannot_be_sent),
		cmocka_unit_test(another_answer_moves_nothing),
	};

	return cmocka_run_group_tests_name("phone/dialog", tests, NULL, NULL);
}
