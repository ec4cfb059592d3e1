/* server_test.c - requests that others send to the phone. */
#include "tests/phone/bench.h"

#include <stdio.h>

struct ask {
	const char *method, *user, *more;
	unsigned status;
};

/* Sends a request outside of calls, each one new, and expects its answer. */
static const struct sip_message *ask(struct peer *peer, struct ask ask)
{
	static unsigned serial;
	const struct net_address local = net_udp_local(peer->udp);
	char address[NET_ADDRESS_TEXT_MAX], text[2048];

	serial++;
	net_address_format(&local, address);
	snprintf(text, sizeof text,
		 "%s sip:%s127.0.0.1 SIP/2.0\r\n"
		 "Via: SIP/2.0/UDP %s;branch=z9hG4bKs%u;rport\r\n"
		 "From: <sip:bob@sip.test>;tag=1\r\nTo: <sip:alice@sip.test>\r\n"
		 "Call-ID: s%u\r\nCSeq: 1 %s\r\n%s\r\n",
		 ask.method, ask.user, address, serial, serial, ask.method,
		 ask.more ? ask.more : "");
	peer_send(peer, text);
	return peer_expect_status(peer, ask.status);
}

/* CALL-2 (part), RFC 3261 8.2: what a server of the line may ask, and what comes of it. */
static void servers_of_the_line_are_answered(void **state)
{
	struct bench *bench = bench_registered("");
	struct peer *peer = &bench->peers[0];
	const struct sip_message *answer;

	(void)state;
	answer = ask(peer, (struct ask){"OPTIONS", "alice@", NULL, 200});
	assert_true(span_contains(header_of(answer, SIP_ALLOW), "INVITE"));
	assert_true(answer->to.tag.at);
	ask(peer, (struct ask){"OPTIONS", "", NULL, 200});
	ask(&bench->peers[1], (struct ask){"OPTIONS", "alice@", NULL, 200});
	ask(peer, (struct ask){"INVITE", "alice@", NULL, 400}); /* without Contact */
	ask(peer, (struct ask){"MAGIC", "alice@", NULL, 501});
	ask(peer, (struct ask){"MESSAGE", "alice@", NULL, 405});
	ask(peer, (struct ask){"BYE", "alice@", NULL, 481});
	ask(peer, (struct ask){"OPTIONS", "carol@", NULL, 404});
	answer = ask(peer, (struct ask){"OPTIONS", "alice@", "Require: magic\r\n", 420});
	assert_span(header_of(answer, SIP_UNSUPPORTED), "magic");
	bench_free(bench);
}

/* CALL-2 (part): an address that is in no route set of the line is refused. */
static void strangers_are_refused(void **state)
{
	struct bench *bench = bench_registered("");
	struct peer *peer = &bench->peers[1];

	(void)state;
	peer_move(peer, 99);
	ask(peer, (struct ask){"OPTIONS", "alice@", NULL, 403});
	ask(peer, (struct ask){"INVITE", "alice@", NULL, 403});
	assert_int_equal(bench_status_number(bench, "counters.refused"), 2);
	bench_free(bench);
}

/* Garbage is dropped and counted; a keep-alive is not. */
static void garbage_is_counted(void **state)
{
	struct bench *bench = bench_registered("");
	struct peer *peer = &bench->peers[0];

	(void)state;
	peer_send(peer, "nonsense");
	peer_send(peer, "");
	peer_send(peer, "\r\n\r\n");
	peer_send(peer, "SIP/2.0 200 OK\r\n\r\n");
	ask(peer, (struct ask){"OPTIONS", "alice@", NULL, 200});
	assert_int_equal(bench_status_number(bench, "counters.dropped"), 3);
	bench_free(bench);
}

/* RFC 3261 17.2.2: a repeated request gets the same answer. */
static void repeated_request_gets_the_same_answer(void **state)
{
	static const char text[] = "OPTIONS sip:alice@127.0.0.1 SIP/2.0\r\n"
				   "Via: SIP/2.0/UDP 127.0.1.1:1;branch=z9hG4bKr;rport\r\n"
				   "From: <sip:bob@sip.test>;tag=1\r\nTo: <sip:alice@sip.test>\r\n"
				   "Call-ID: r\r\nCSeq: 1 OPTIONS\r\n\r\n";
	struct bench *bench = bench_registered("");
	struct peer *peer = &bench->peers[0];
	unsigned before = peer->received;

	(void)state;
	peer_send(peer, text);
	peer_send(peer, text);
	peer_expect_status(peer, 200);
	bench_settle(bench, 50);
	assert_int_equal(peer->received, before + 2);
	assert_true(peer_is_quiet(peer));
	bench_free(bench);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(servers_of_the_line_are_answered),
		cmocka_unit_test(strangers_are_refused),
		cmocka_unit_test(garbage_is_counted),
		cmocka_unit_test(repeated_request_gets_the_same_answer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
