/* client_test.c - client transactions and what ICMP says of them (TRIG-1). */
#include "tests/phone/bench.h"

#include "phone/icmp.h"
#include "phone/private.h"

/* An ICMP error about what was sent to a peer, quoting LENGTH bytes of it. */
static void tell_error(struct bench *bench, const struct peer *peer, struct sip_span quoted)
{
	const struct net_udp_error error = {
		.destination = net_udp_local(peer->udp),
		.icmp_class = NET_ICMP_PORT,
		.quoted = (const uint8_t *)quoted.at,
		.quoted_length = quoted.length,
	};

	phone_icmp_take(bench->phone, &error);
}

/* TRIG-1: the quoted datagram carries the branch of an open transaction to that address. */
static void icmp_with_our_branch_moves_on(void **state)
{
	struct bench *bench = bench_new("");
	const struct sip_message *request;

	(void)state;
	phone_start(bench->phone);
	request = peer_expect(&bench->peers[0], SIP_REGISTER);
	tell_error(bench, &bench->peers[0], request->received);
	peer_expect(&bench->peers[1], SIP_REGISTER);
	assert_string_equal(bench_status(bench, "lines.0.entries.0.routes.0.last_fault"),
			    kl_fault_text(KL_FAULT_PORT));
	assert_int_equal(bench_status_number(bench, "counters.forged"), 0);
	bench_free(bench);
}

/* TRIG-1: whatever else claims to be an ICMP error is counted, and moves nothing. */
static void forged_icmp_moves_nothing(void **state)
{
	struct bench *bench = bench_new("");
	struct peer *first = &bench->peers[0];
	const struct sip_message *request;
	struct sip_span cut;
	char branch[] = "x;branch=z9hG4bK00000000000000000000000000000000";

	(void)state;
	phone_start(bench->phone);
	request = peer_expect(first, SIP_REGISTER);
	tell_error(bench, first, (struct sip_span){NULL, 0});
	tell_error(bench, first, sip_span_of(branch));
	tell_error(bench, first, sip_span_of("REGISTER sip:sip.test SIP/2.0\r\nVia: SIP;branch="));
	tell_error(bench, &bench->peers[1], request->received); /* was not sent there */
	cut = request->received;                                /* ends inside the branch */
	cut.length = (size_t)((char *)memmem(cut.at, cut.length, "z9hG4bK", 7) + 30 - cut.at);
	tell_error(bench, first, cut);
	bench_settle(bench, 20);
	assert_true(peer_is_quiet(&bench->peers[1]));
	assert_int_equal(bench_status_number(bench, "counters.forged"), 5);
	bench_free(bench);
}

/* A destination that nobody listens on: the kernel tells, by ICMP (TRIG-1). */
static void closed_port_moves_on(void **state)
{
	struct bench *bench = bench_new("");

	(void)state;
	net_udp_close(bench->peers[0].udp);
	bench->peers[0].udp = NULL;
	phone_start(bench->phone);
	peer_expect(&bench->peers[1], SIP_REGISTER);
	assert_int_equal(bench_status_number(bench, "counters.icmp"), 1);
	assert_int_equal(bench_status_number(bench, "lines.0.entries.0.failures"), 0);
	bench_free(bench);
}

/* RFC 3261 17.1.3: an answer needs the branch and the method; any other is counted. */
static void foreign_answers_are_counted(void **state)
{
	struct bench *bench = bench_new("");
	struct peer *peer = &bench->peers[0];
	struct sip_message request;

	(void)state;
	phone_start(bench->phone);
	request = *peer_expect(peer, SIP_REGISTER);
	request.via.text =
		sip_span_of("SIP/2.0/UDP x;branch=z9hG4bK00000000000000010000000000000001");
	peer_answer(peer, &request, 200, "r", "Expires: 60\r\n");
	request.via.text = sip_span_of("SIP/2.0/UDP x;branch=z9hG4bK");
	peer_answer(peer, &request, 200, "r", "Expires: 60\r\n");
	bench_settle(bench, 20);
	assert_int_equal(bench_status_number(bench, "counters.stray"), 2);
	assert_string_equal(bench_status(bench, "lines.0.state"), "registering");
	bench_free(bench);
}

/* The repeats of a request are the same bytes (RFC 3261 17.1.2.2). */
static void repeats_are_the_same_bytes(void **state)
{
	struct bench *bench = bench_new("");
	struct peer *peer = &bench->peers[0];

	(void)state;
	phone_start(bench->phone);
	peer_expect(peer, SIP_REGISTER);
	peer_expect(&bench->peers[1], SIP_REGISTER);
	assert_int_equal(peer->received, 2);
	assert_true(peer_is_quiet(peer));
	bench_free(bench);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(icmp_with_our_branch_moves_on),
		cmocka_unit_test(forged_icmp_moves_nothing),
		cmocka_unit_test(closed_port_moves_on),
		cmocka_unit_test(foreign_answers_are_counted),
		cmocka_unit_test(repeats_are_the_same_bytes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
