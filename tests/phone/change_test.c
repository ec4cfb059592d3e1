/* change_test.c - what becomes of a call that is up: hold, glare, session timers, silence. */
#include "tests/phone/bench.h"
#include "tests/phone/jump.h"

#include <stdio.h>

#define STRICT                                                                                     \
	"reg.1.server.1.failOver.reRegisterOn=\"1\" "                                              \
	"reg.1.server.1.failOver.failRegistrationOn=\"1\" "                                        \
	"reg.1.server.1.failOver.onlySignalWithRegistered=\"1\""

static bool is_resumed(const struct bench *bench)
{
	return bench_has_event(bench, PHONE_CALL_RESUMED);
}

static bool is_unchanged(const struct bench *bench)
{
	return bench_has_event(bench, PHONE_CALL_UNCHANGED);
}

/* A call that the first peer answered with MORE; its INVITE. */
static const struct sip_message *call_up(struct bench *bench, uint64_t *id, const char *more)
{
	struct peer *peer = &bench->peers[0];
	const struct sip_message *invite;
	char answer[1024];

	*id = bench_call(bench);
	invite = peer_expect(peer, SIP_INVITE);
	snprintf(answer, sizeof answer, "%s%s", peer_contact(peer), more);
	peer_answer(peer, invite, 200, "t", answer);
	peer_expect(peer, SIP_ACK);
	bench_wait(bench, bench_is_up);
	return invite;
}

static const struct sip_message *hold(struct bench *bench, uint64_t id)
{
	assert_int_equal(phone_call_hold(bench->phone, id), 0);
	return peer_expect(&bench->peers[0], SIP_INVITE);
}

/* CALL-1 (part): hold and resume; what was asked for last counts. */
static void a_call_is_held_and_resumed(void **state)
{
	struct bench *bench = bench_registered("");
	struct peer *peer = &bench->peers[0];
	const struct sip_message *invite, *again;
	struct phone_call_view view;
	uint64_t id;

	(void)state;
	invite = call_up(bench, &id, BENCH_SDP("sendrecv"));
	again = hold(bench, id);
	assert_span(again->to.tag, "t");
	assert_int_equal(again->cseq.number, invite->cseq.number + 1);
	assert_true(span_contains(again->body, "a=sendonly"));
	assert_true(has_header(again, SIP_CONTACT));
	assert_int_equal(phone_call_resume(bench->phone, id), 0);
	peer_answer(peer, again, 180, NULL, NULL);
	bench_settle(bench, 50);
	assert_true(peer_is_quiet(peer));
	peer_answer(peer, again, 200, NULL, BENCH_SDP("recvonly"));
	assert_int_equal(peer_expect(peer, SIP_ACK)->cseq.number, again->cseq.number);
	bench_wait(bench, bench_is_held);
	peer_answer(peer, again, 200, NULL, BENCH_SDP("recvonly"));
	again = peer_expect(peer, SIP_INVITE);
	assert_true(span_contains(again->body, "a=sendrecv"));
	peer_answer(peer, again, 200, NULL, BENCH_SDP("sendrecv"));
	peer_expect(peer, SIP_ACK);
	bench_wait(bench, is_resumed);
	assert_true(phone_get_call(bench->phone, 0, &view));
	assert_false(view.held);
	bench_free(bench);
}

/* RFC 3261 14.1: a refused re-INVITE leaves all as it was. */
static void a_refused_hold_changes_nothing(void **state)
{
	struct bench *bench = bench_registered("");
	struct peer *peer = &bench->peers[0];
	uint64_t id;

	(void)state;
	call_up(bench, &id, BENCH_SDP("sendrecv"));
	peer_answer(peer, hold(bench, id), 488, NULL, NULL);
	peer_expect(peer, SIP_ACK);
	bench_wait(bench, is_unchanged);
	assert_false(bench_is_over(bench));
	bench_settle(bench, 50);
	assert_true(peer_is_quiet(peer));
	peer_answer(peer, hold(bench, id), 481, NULL, NULL);
	peer_expect(peer, SIP_ACK);
	assert_true(span_contains(header_of(peer_expect(peer, SIP_BYE), SIP_REASON), "481"));
	assert_true(bench_is_over(bench));
	bench_free(bench);
}

/* TRIG-8 for a re-INVITE: its ACK, too, carries the credentials. */
static void a_challenged_hold_is_repeated(void **state)
{
	struct bench *bench = bench_registered("");
	struct peer *peer = &bench->peers[0];
	const struct sip_message *again;
	uint64_t id;

	(void)state;
	call_up(bench, &id, BENCH_SDP("sendrecv"));
	again = hold(bench, id);
	peer_answer(peer, again, 407, NULL,
		    "Proxy-Authenticate: Digest realm=\"p\", nonce=\"n\", qop=\"auth\"\r\n");
	peer_expect(peer, SIP_ACK);
	again = peer_expect(peer, SIP_INVITE);
	assert_true(has_header(again, SIP_PROXY_AUTHORIZATION));
	peer_answer(peer, again, 200, NULL, BENCH_SDP("recvonly"));
	assert_true(has_header(peer_expect(peer, SIP_ACK), SIP_PROXY_AUTHORIZATION));
	bench_wait(bench, bench_is_held);
	bench_free(bench);
}

/* RFC 3261 14.1, 14.2: both ask at once: each refuses the other with 491; we made the Call-ID, and
 * try again after 2.1 to 4 s. */
static void a_glare_is_waited_out(void **state)
{
	struct bench *bench = bench_registered("");
	struct peer *peer = &bench->peers[0];
	const struct sip_message *invite, *again;
	uint64_t id;

	(void)state;
	invite = call_up(bench, &id, BENCH_SDP("sendrecv"));
	again = hold(bench, id);
	peer_request(peer, invite, "t", "INVITE", 1, BENCH_SDP("sendonly"));
	peer_expect_status(peer, 491);
	peer_request(peer, invite, "t", "ACK", 1, NULL);
	peer_answer(peer, again, 491, NULL, NULL);
	peer_expect(peer, SIP_ACK);
	jump(2);
	bench_settle(bench, 20);
	assert_true(peer_is_quiet(peer));
	peer_request(peer, invite, "t", "INVITE", 2, BENCH_SDP("sendonly"));
	assert_true(span_contains(peer_expect_status(peer, 200)->body, "a=recvonly"));
	jump(2); /* their INVITE is not over before its ACK */
	bench_settle(bench, 20);
	assert_false(bench_is_held(bench));
	peer_request(peer, invite, "t", "ACK", 2, NULL);
	do
		again = peer->received > peer->taken ? &peer->inbox[peer->taken++]
						     : peer_next_request(peer);
	while (!again->is_request);
	assert_int_equal(again->method, SIP_INVITE);
	assert_true(bench_has_event(bench, PHONE_CALL_FAR_HELD));
	peer_answer(peer, again, 200, NULL, BENCH_SDP("inactive"));
	peer_expect(peer, SIP_ACK);
	bench_wait(bench, bench_is_held);
	bench_free(bench);
}

/* CALL-1 (part): the far end holds and comes back; its re-INVITE may leave the offer to us. */
static void the_far_end_holds(void **state)
{
	struct bench *bench = bench_registered("");
	struct peer *peer = &bench->peers[0];
	const struct sip_message *invite;
	uint64_t id;

	(void)state;
	invite = call_up(bench, &id, BENCH_SDP("sendrecv"));
	peer_request(peer, invite, "t", "UPDATE", 1, BENCH_SDP("inactive"));
	assert_true(span_contains(peer_expect_status(peer, 200)->body, "a=inactive"));
	assert_true(bench_has_event(bench, PHONE_CALL_FAR_HELD));
	peer_request(peer, invite, "t", "INVITE", 2, NULL);
	assert_true(span_contains(peer_expect_status(peer, 200)->body, "a=sendrecv"));
	peer_request(peer, invite, "t", "UPDATE", 3, BENCH_SDP("sendrecv"));
	peer_expect_status(peer, 491);
	peer_request(peer, invite, "t", "ACK", 2, BENCH_SDP("sendrecv"));
	bench_settle(bench, 20);
	assert_true(bench_has_event(bench, PHONE_CALL_FAR_RESUMED));
	assert_false(bench_is_over(bench));
	bench_free(bench);
}

/* RFC 4028 7.2, 7.4, 10: at half the interval we refresh, with UPDATE where that is known; who does
 * not take it is asked by INVITE, without an answer the call ends. */
static void a_session_is_refreshed(void **state)
{
	struct bench *bench = bench_registered("");
	struct peer *peer = &bench->peers[0];
	const struct sip_message *refresh;
	uint64_t id;

	(void)state;
	call_up(bench, &id,
		"Allow: INVITE, UPDATE\r\nSession-Expires: 100;refresher=uac\r\n" BENCH_SDP(
			"sendrecv"));
	jump(49);
	bench_settle(bench, 20);
	assert_true(peer_is_quiet(peer));
	jump(1);
	refresh = peer_expect(peer, SIP_UPDATE);
	assert_span(header_of(refresh, SIP_SESSION_EXPIRES), "100;refresher=uac");
	assert_int_equal(refresh->body.length, 0);
	peer_answer(peer, refresh, 200, NULL, "Session-Expires: 100;refresher=uac\r\n");
	bench_settle(bench, 20);
	jump(50);
	peer_answer(peer, peer_expect(peer, SIP_UPDATE), 405, NULL, NULL);
	refresh = peer_expect(peer, SIP_INVITE);
	assert_true(span_contains(refresh->body, "a=sendrecv"));
	peer_answer(peer, refresh, 200, NULL,
		    "Session-Expires: 100;refresher=uac\r\n" BENCH_SDP("sendrecv"));
	peer_expect(peer, SIP_ACK);
	bench_settle(bench, 20);
	assert_false(bench_has_event(bench, PHONE_CALL_RESUMED));
	jump(50);
	peer_expect(peer, SIP_INVITE);
	jump(32);
	bench_wait(bench, bench_is_over);
	assert_true(span_contains(header_of(peer_expect(peer, SIP_BYE), SIP_REASON), "408"));
	bench_free(bench);
}

/* RFC 4028 10: the far end was to refresh, and did not: BYE before the end. */
static void a_session_expires(void **state)
{
	struct bench *bench = bench_registered("");
	struct peer *peer = &bench->peers[0];
	const struct sip_message *invite;
	uint64_t id;

	(void)state;
	invite = call_up(bench, &id, "Session-Expires: 90;refresher=uas\r\n" BENCH_SDP("sendrecv"));
	jump(50);
	peer_request(peer, invite, "t", "UPDATE", 1,
		     "Supported: timer\r\nSession-Expires: 90;refresher=uac\r\n");
	assert_span(header_of(peer_expect_status(peer, 200), SIP_SESSION_EXPIRES),
		    "90;refresher=uac");
	jump(50);
	bench_settle(bench, 20);
	assert_false(bench_is_over(bench));
	jump(10);
	bench_wait(bench, bench_is_over);
	assert_true(span_contains(header_of(peer_expect(peer, SIP_BYE), SIP_REASON), "expired"));
	bench_free(bench);
}

/* RFC 4028 7.3: a 422 is answered with the same call, asking for more. */
static void a_longer_session_is_asked_for(void **state)
{
	struct bench *bench = bench_registered("");
	struct peer *peer = &bench->peers[0];
	const struct sip_message *first, *second;

	(void)state;
	bench_call(bench);
	first = peer_expect(peer, SIP_INVITE);
	assert_span(header_of(first, SIP_SESSION_EXPIRES), "1800");
	assert_true(span_contains(header_of(first, SIP_SUPPORTED), "timer"));
	peer_answer(peer, first, 422, "t", "Min-SE: 3600\r\n");
	peer_expect(peer, SIP_ACK);
	second = peer_expect(peer, SIP_INVITE);
	assert_true(sip_span_equal(first->call_id, second->call_id));
	assert_int_equal(second->cseq.number, first->cseq.number + 1);
	assert_span(header_of(second, SIP_SESSION_EXPIRES), "3600");
	assert_span(header_of(second, SIP_MIN_SE), "3600");
	peer_answer(peer, second, 422, "t", "Min-SE: 3600\r\n");
	bench_wait(bench, bench_is_over);
	bench_free(bench);
}

/* A dialog that nobody ends and nobody refreshes ends after 12 h of silence. */
static void a_silent_dialog_ends(void **state)
{
	struct bench *bench = bench_registered("");
	uint64_t id;

	(void)state;
	call_up(bench, &id, BENCH_SDP("sendrecv"));
	jump(12 * 3600 - 60);
	bench_settle(bench, 20);
	assert_false(bench_is_over(bench));
	jump(60);
	bench_wait(bench, bench_is_over);
	bench_free(bench);
}

/* RFC 3261 13.3.1.4: no ACK in 64*T1: BYE; and 13.3.1: nobody answers what rings. */
static void what_nobody_answers_ends(void **state)
{
	struct bench *bench = bench_with_calls("", "ring_time: 1m");
	struct peer *peer = &bench->peers[0];
	const struct peer_request invite = {"INVITE", "c", NULL, NULL, 1, BENCH_SDP("sendrecv")};
	const struct peer_request other = {"INVITE", "d", NULL, NULL, 1, BENCH_SDP("sendrecv")};

	(void)state;
	peer_ask(peer, &invite);
	peer_expect_status(peer, 180);
	phone_call_answer(bench->phone, bench->events[0].id);
	peer_expect_status(peer, 200);
	jump(32);
	assert_true(span_contains(header_of(peer_expect(peer, SIP_BYE), SIP_REASON), "no ACK"));
	assert_true(bench_is_over(bench));
	bench->event_count = 0;
	peer_ask(peer, &other);
	peer_expect_status(peer, 180);
	jump(60);
	peer_expect_status(peer, 480);
	assert_true(bench_is_over(bench));
	bench_free(bench);
}

/* RFC 3261 15: BYE may go while a re-INVITE is open, whose answer, whatever it is, gets its ACK. */
static void a_call_is_hung_up_in_a_hold(void **state)
{
	struct bench *bench = bench_registered("");
	struct peer *peer = &bench->peers[0];
	const struct sip_message *again, *bye;
	uint64_t id;

	(void)state;
	call_up(bench, &id, BENCH_SDP("sendrecv"));
	again = hold(bench, id);
	phone_call_hang_up(bench->phone, id);
	bye = peer_expect(peer, SIP_BYE);
	assert_int_equal(bye->cseq.number, again->cseq.number + 1);
	peer_answer(peer, again, 200, NULL, BENCH_SDP("recvonly"));
	assert_int_equal(peer_expect(peer, SIP_ACK)->cseq.number, again->cseq.number);
	peer_answer(peer, bye, 200, NULL, NULL);
	assert_false(bench_is_held(bench));
	bench_free(bench);
}

/* Both hang up at once: each BYE is answered, and nothing is left. */
static void both_hang_up(void **state)
{
	struct bench *bench = bench_registered("");
	struct peer *peer = &bench->peers[0];
	const struct sip_message *invite, *bye;
	uint64_t id;

	(void)state;
	invite = call_up(bench, &id, BENCH_SDP("sendrecv"));
	phone_call_hang_up(bench->phone, id);
	bye = peer_expect(peer, SIP_BYE);
	peer_request(peer, invite, "t", "BYE", 1, NULL);
	peer_expect_status(peer, 200);
	peer_answer(peer, bye, 481, NULL, NULL);
	bench_settle(bench, 700);
	assert_true(peer_is_quiet(peer));
	assert_int_equal(bench_status_number(bench, "counters.calls"), 0);
	bench_free(bench);
}

/* RFC 3261 17.1.1.2: as long as it has no answer it is sent again, with gaps that double. */
static void a_hold_is_repeated(void **state)
{
	struct bench *bench = bench_registered("");
	struct peer *peer = &bench->peers[0];
	unsigned before;
	uint64_t id;

	(void)state;
	call_up(bench, &id, BENCH_SDP("sendrecv"));
	hold(bench, id);
	before = peer->received;
	bench_settle(bench, 1700);
	assert_int_equal(peer->received, before + 2);
	assert_true(peer_is_quiet(peer));
	jump(31);
	assert_true(span_contains(header_of(peer_expect(peer, SIP_BYE), SIP_REASON), "408"));
	assert_true(bench_is_over(bench));
	bench_free(bench);
}

/* RFC 3262 3: nobody acknowledges a reliable 180: the INVITE is refused. */
static void a_180_that_nobody_acknowledges(void **state)
{
	struct bench *bench = bench_registered("");
	struct peer *peer = &bench->peers[0];

	(void)state;
	peer_ask(peer, &(struct peer_request){"INVITE", "c", NULL, NULL, 1,
					      "Require: 100rel\r\n" BENCH_SDP("sendrecv")});
	peer_expect_status(peer, 180);
	jump(32);
	peer_expect_status(peer, 504);
	assert_true(bench_is_over(bench));
	bench_free(bench);
}

static bool is_failed_over(const struct bench *bench)
{
	return bench_status_number((struct bench *)bench, "lines.0.entries.0.in_failover");
}

/* FAIL-5: a call of a server that lost the registration ends when it is to be held; no message
 * leaves. */
static void a_hold_of_a_lost_server(void **state)
{
	struct bench *bench = bench_registered(STRICT);
	struct peer *first = &bench->peers[0], *second = &bench->peers[1];
	uint64_t id, other;

	(void)state;
	call_up(bench, &id, BENCH_SDP("sendrecv"));
	other = bench_call(bench);
	peer_expect(first, SIP_INVITE);
	peer_answer(second, peer_expect(second, SIP_REGISTER), 200, "r", "Expires: 3600\r\n");
	bench_wait(bench, is_failed_over);
	assert_false(bench_is_over(bench));
	assert_int_equal(phone_call_hold(bench->phone, id), 0);
	assert_true(bench_is_over(bench));
	bench_settle(bench, 50);
	assert_true(peer_is_quiet(first));
	phone_call_hang_up(bench->phone, other);
	bench_free(bench);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_call_is_held_and_resumed),
		cmocka_unit_test(a_refused_hold_changes_nothing),
		cmocka_unit_test(a_challenged_hold_is_repeated),
		cmocka_unit_test(a_glare_is_waited_out),
		cmocka_unit_test(the_far_end_holds),
		cmocka_unit_test(a_session_is_refreshed),
		cmocka_unit_test(a_session_expires),
		cmocka_unit_test(a_longer_session_is_asked_for),
		cmocka_unit_test(a_silent_dialog_ends),
		cmocka_unit_test(what_nobody_answers_ends),
		cmocka_unit_test(a_call_is_hung_up_in_a_hold),
		cmocka_unit_test(both_hang_up),
		cmocka_unit_test(a_hold_is_repeated),
		cmocka_unit_test(a_180_that_nobody_acknowledges),
		cmocka_unit_test(a_hold_of_a_lost_server),
	};

	return cmocka_run_group_tests_name("phone/change", tests, NULL, NULL);
}
