/* early_test.c - what a call that was placed hears before it is up: early media, PRACK, forks. */
#include "tests/phone/bench.h"

#include <stdio.h>

#define ALLOW "Allow: INVITE, UPDATE, PRACK\r\n"

static void ring(struct peer *peer, const struct sip_message *invite, const char *tag,
		 unsigned rseq, const char *body)
{
	char more[1024], reliable[64] = "";

	if (rseq)
		snprintf(reliable, sizeof reliable, "Require: 100rel\r\nRSeq: %u\r\n", rseq);
	snprintf(more, sizeof more, "%s" ALLOW "%s%s", peer_contact(peer), reliable,
		 body ? body : "");
	peer_answer(peer, invite, 183, tag, more);
}

/* CALL-1 (part), RFC 3262 4: each reliable answer gets one PRACK, in its early dialog; one out of
 * order gets none; the answer to our offer in it stays the one. */
static void a_reliable_answer_is_acknowledged(void **state)
{
	struct bench *bench = bench_registered("");
	struct peer *peer = &bench->peers[0];
	const struct sip_message *invite, *prack;

	(void)state;
	bench_call(bench);
	invite = peer_expect(peer, SIP_INVITE);
	assert_true(span_contains(header_of(invite, SIP_SUPPORTED), "100rel"));
	ring(peer, invite, "t", 7, BENCH_SDP("sendrecv"));
	prack = peer_expect(peer, SIP_PRACK);
	assert_span(header_of(prack, SIP_RACK), "7 1 INVITE");
	assert_span(prack->to.tag, "t");
	assert_int_equal(prack->cseq.number, 2);
	peer_answer(peer, prack, 200, NULL, NULL);
	ring(peer, invite, "t", 7, BENCH_SDP("sendrecv"));
	ring(peer, invite, "t", 9, NULL);
	bench_settle(bench, 50);
	assert_true(peer_is_quiet(peer));
	ring(peer, invite, "t", 8, NULL);
	assert_span(header_of(peer_expect(peer, SIP_PRACK), SIP_RACK), "8 1 INVITE");
	peer_answer(peer, invite, 200, "t", peer_contact(peer));
	assert_int_equal(peer_expect(peer, SIP_ACK)->cseq.number, 1);
	bench_wait(bench, bench_is_up);
	bench_free(bench);
}

/* RFC 3261 12.1, 13.2.2.4: a fork's branches each have an early dialog; the first 2xx is the call,
 * a second one is ended, and a branch that is left is gone. */
static void a_fork_rings_twice(void **state)
{
	struct bench *bench = bench_registered("");
	struct peer *peer = &bench->peers[0];
	const struct sip_message *invite, *bye;

	(void)state;
	bench_call(bench);
	invite = peer_expect(peer, SIP_INVITE);
	ring(peer, invite, "a", 1, BENCH_SDP("sendrecv"));
	peer_answer(peer, peer_expect(peer, SIP_PRACK), 200, NULL, NULL);
	ring(peer, invite, "b", 5, NULL);
	assert_span(peer_expect(peer, SIP_PRACK)->to.tag, "b");
	peer_request(peer, invite, "a", "UPDATE", 1, BENCH_SDP("sendonly"));
	assert_true(span_contains(peer_expect_status(peer, 200)->body, "a=recvonly"));
	peer_request(peer, invite, "b", "UPDATE", 2, BENCH_SDP("sendonly"));
	peer_expect_status(peer, 491); /* b has not answered our offer yet */
	peer_answer(peer, invite, 200, "b", peer_contact(peer));
	assert_span(peer_expect(peer, SIP_ACK)->to.tag, "b");
	bench_wait(bench, bench_is_up);
	peer_request(peer, invite, "a", "UPDATE", 3, BENCH_SDP("sendrecv"));
	peer_expect_status(peer, 481);
	peer_answer(peer, invite, 200, "a", peer_contact(peer));
	assert_span(peer_expect(peer, SIP_ACK)->to.tag, "a");
	bye = peer_expect(peer, SIP_BYE);
	assert_span(bye->to.tag, "a");
	assert_true(span_contains(header_of(bye, SIP_REASON), "elsewhere"));
	assert_false(bench_has_event(bench, PHONE_CALL_OVER));
	bench_free(bench);
}

/* A fork with more branches than anybody needs: the first 16 have a dialog each, and the call goes
 * on. */
static void a_fork_of_many_branches(void **state)
{
	enum { BRANCHES = 20, MAX = 16 };
	struct bench *bench = bench_registered("");
	struct peer *peer = &bench->peers[0];
	const struct sip_message *invite;
	char tag[16];

	(void)state;
	bench_call(bench);
	invite = peer_expect(peer, SIP_INVITE);
	for (unsigned i = 0; i < BRANCHES; i++) {
		snprintf(tag, sizeof tag, "t%u", i);
		ring(peer, invite, tag, 1, NULL);
	}
	for (unsigned i = 0; i < MAX; i++)
		peer_expect(peer, SIP_PRACK);
	bench_settle(bench, 50);
	assert_true(peer_is_quiet(peer));
	peer_answer(peer, invite, 200, tag, peer_contact(peer));
	peer_expect(peer, SIP_ACK);
	bench_wait(bench, bench_is_up);
	bench_free(bench);
}

/* RFC 3261 9.1, 13.2.2.4: the 200 crosses our CANCEL: it is acknowledged and ended. */
static void an_answer_crosses_the_cancel(void **state)
{
	struct bench *bench = bench_registered("");
	struct peer *peer = &bench->peers[0];
	const struct sip_message *invite;
	uint64_t id = bench_call(bench);

	(void)state;
	invite = peer_expect(peer, SIP_INVITE);
	ring(peer, invite, "t", 0, NULL);
	bench_settle(bench, 20);
	phone_call_hang_up(bench->phone, id);
	peer_expect(peer, SIP_CANCEL);
	peer_answer(peer, invite, 200, "t", peer_contact(peer));
	assert_span(peer_expect(peer, SIP_ACK)->to.tag, "t");
	assert_span(peer_expect(peer, SIP_BYE)->to.tag, "t");
	assert_false(bench_is_up(bench));
	bench_free(bench);
}

/* RFC 3261 12.3: early dialogs end with their INVITE; TIME-7: what rang goes nowhere else. */
static void a_dialog_dies_with_its_invite(void **state)
{
	struct bench *bench = bench_registered("");
	struct peer *peer = &bench->peers[0];
	const struct sip_message *invite;

	(void)state;
	bench_call(bench);
	invite = peer_expect(peer, SIP_INVITE);
	ring(peer, invite, "t", 1, BENCH_SDP("sendrecv"));
	peer_answer(peer, peer_expect(peer, SIP_PRACK), 200, NULL, NULL);
	peer_answer(peer, invite, 503, "t", NULL);
	peer_expect(peer, SIP_ACK);
	assert_true(bench_has_event(bench, PHONE_CALL_OVER));
	peer_request(peer, invite, "t", "UPDATE", 1, NULL);
	peer_expect_status(peer, 481);
	assert_true(peer_is_quiet(&bench->peers[1]));
	bench_free(bench);
}

/* RFC 3264 6, RFC 3326: an answer that can't be had here ends the call, and says why. */
static void audio_that_cannot_be_had(void **state)
{
	struct bench *bench = bench_registered("");
	struct peer *peer = &bench->peers[0];
	const struct sip_message *invite;
	char more[1024];

	(void)state;
	bench_call(bench);
	invite = peer_expect(peer, SIP_INVITE);
	snprintf(more, sizeof more, "%sContent-Type: application/sdp\r\n\r\nnonsense",
		 peer_contact(peer));
	peer_answer(peer, invite, 200, "t", more);
	peer_expect(peer, SIP_ACK);
	assert_true(span_contains(header_of(peer_expect(peer, SIP_BYE), SIP_REASON), "488"));
	assert_false(bench_is_up(bench));
	assert_true(bench_has_event(bench, PHONE_CALL_OVER));
	assert_int_equal(bench_status_number(bench, "counters.calls"), 0);
	bench_free(bench);
}

/* RFC 3261 12.2.1.1, FAIL-18 (part): requests follow the Record-Route, to a strict router by its
 * own rules; the in-dialog target is the one of the Contact. */
static void requests_follow_the_route_set(void **state)
{
	struct bench *bench = bench_registered("");
	struct peer *peer = &bench->peers[0], *second = &bench->peers[1];
	const struct net_address at = net_udp_local(second->udp);
	const struct sip_message *ack;
	char address[NET_ADDRESS_TEXT_MAX], more[512];

	(void)state;
	net_address_format(&at, address);
	bench_call(bench);
	snprintf(more, sizeof more, "%sRecord-Route: <sip:%s;lr>\r\n", peer_contact(peer), address);
	peer_answer(peer, peer_expect(peer, SIP_INVITE), 200, "t", more);
	ack = peer_expect(second, SIP_ACK);
	assert_true(span_contains(ack->request_uri, "sip:bob@127.0.1.1"));
	assert_true(span_contains(header_of(ack, SIP_ROUTE), ";lr"));
	bench_call(bench);
	snprintf(more, sizeof more, "%sRecord-Route: <sip:%s>\r\n", peer_contact(peer), address);
	peer_answer(peer, peer_expect(peer, SIP_INVITE), 200, "t", more);
	ack = peer_expect(second, SIP_ACK);
	assert_true(span_contains(ack->request_uri, "sip:127.0.1.2"));
	assert_true(span_contains(header_of(ack, SIP_ROUTE), "sip:bob@127.0.1.1"));
	bench_free(bench);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_reliable_answer_is_acknowledged),
		cmocka_unit_test(a_fork_rings_twice),
		cmocka_unit_test(a_fork_of_many_branches),
		cmocka_unit_test(an_answer_crosses_the_cancel),
		cmocka_unit_test(a_dialog_dies_with_its_invite),
		cmocka_unit_test(audio_that_cannot_be_had),
		cmocka_unit_test(requests_follow_the_route_set),
	};

	return cmocka_run_group_tests_name("phone/early", tests, NULL, NULL);
}
