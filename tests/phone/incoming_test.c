/* incoming_test.c - calls that come, as the caller, the servers and who listens see them. */
#include "tests/phone/bench.h"

#include <stdio.h>

#define STRICT                                                                                     \
	"reg.1.server.1.failOver.reRegisterOn=\"1\" "                                              \
	"reg.1.server.1.failOver.failRegistrationOn=\"1\" "                                        \
	"reg.1.server.1.failOver.onlySignalWithRegistered=\"1\""
#define SDP BENCH_SDP("sendrecv")
#define RELIABLE "Supported: 100rel\r\nRequire: 100rel\r\n"

static unsigned over_status(const struct bench *bench)
{
	return bench->events[bench_event(bench, PHONE_CALL_OVER)].status;
}

static void invite(struct peer *peer, const char *call_id, const char *more)
{
	peer_ask(peer, &(struct peer_request){"INVITE", call_id, NULL, NULL, 1, more});
}

/* A call "c" that bench_rings; TAG is the phone's. */
static uint64_t ring(struct bench *bench, const char *more, char tag[256])
{
	const struct sip_message *ringing;

	invite(&bench->peers[0], "c", more);
	ringing = peer_expect_status(&bench->peers[0], 180);
	text_of(ringing->to.tag, tag);
	assert_true(has_header(ringing, SIP_CONTACT));
	return bench_wait_ringing(bench);
}

/* The same, answered and acknowledged. */
static uint64_t talk(struct bench *bench, char tag[256])
{
	uint64_t id = ring(bench, SDP, tag);

	assert_int_equal(phone_call_answer(bench->phone, id), 0);
	peer_expect_status(&bench->peers[0], 200);
	peer_ask_in_dialog(&bench->peers[0], "ACK", tag, 1, NULL);
	bench_settle(bench, 20);
	return id;
}

/* CALL-1 (part), CALL-2 (part): from INVITE to the far end's BYE. */
static void a_call_is_answered(void **state)
{
	struct bench *bench = bench_registered("");
	struct peer *peer = &bench->peers[0];
	const struct sip_message *answer;
	struct phone_call_view view;
	char tag[256];
	uint64_t id = ring(bench, SDP, tag);

	(void)state;
	assert_int_equal(bench_status_number(bench, "counters.calls"), 1);
	assert_true(phone_get_call(bench->phone, 0, &view));
	assert_string_equal(view.state, "ringing");
	assert_string_equal(view.peer, "sip:bob@sip.test");
	assert_true(view.incoming);
	assert_false(phone_get_call(bench->phone, 1, &view));

	assert_int_equal(phone_call_answer(bench->phone, id), 0);
	assert_true(bench_is_up(bench));
	answer = peer_expect_status(peer, 200);
	assert_span(answer->to.tag, tag);
	assert_true(span_contains(answer->body, "a=sendrecv"));
	assert_true(has_header(answer, SIP_CONTACT));
	peer_ask_in_dialog(peer, "ACK", tag, 1, NULL);
	assert_int_not_equal(phone_call_answer(bench->phone, id), 0);

	peer_ask_in_dialog(peer, "BYE", tag, 2, "Reason: Q.850;cause=16\r\n");
	peer_expect_status(peer, 200);
	bench_wait(bench, bench_is_over);
	assert_true(bench->events[bench_event(bench, PHONE_CALL_OVER)].was_up);
	assert_int_equal(bench_status_number(bench, "counters.calls"), 0);
	bench_free(bench);
}

/* RFC 3261 13.3.1.4: the 200 is repeated until its ACK; and 15: no BYE goes before that. */
static void the_answer_is_repeated_until_its_ack(void **state)
{
	struct bench *bench = bench_registered("");
	struct peer *peer = &bench->peers[0];
	char tag[256];
	uint64_t id = ring(bench, SDP, tag);
	unsigned before;

	(void)state;
	phone_call_answer(bench->phone, id);
	peer_expect_status(peer, 200);
	before = peer->received;
	bench_settle(bench, 700);
	assert_int_equal(peer->received, before + 1);
	phone_call_hang_up(bench->phone, id);
	assert_true(bench_is_over(bench));
	bench_settle(bench, 50);
	assert_true(peer_is_quiet(peer));
	peer_ask_in_dialog(peer, "ACK", tag, 1, NULL);
	assert_span(peer_expect(peer, SIP_BYE)->to.tag, "b");
	bench_free(bench);
}

/* CALL-1 (part): refused by command, and by hanging up. */
static void a_call_is_refused(void **state)
{
	struct bench *bench = bench_registered("");
	struct peer *peer = &bench->peers[0];
	char tag[256];
	uint64_t id = ring(bench, SDP, tag);

	(void)state;
	assert_int_not_equal(phone_call_reject(bench->phone, id, 200), 0);
	assert_int_equal(phone_call_reject(bench->phone, id, 603), 0);
	assert_int_equal(over_status(bench), 603);
	assert_span(peer_expect_status(peer, 603)->to.tag, tag);
	assert_int_not_equal(phone_call_reject(bench->phone, id, 603), 0);
	invite(peer, "d", SDP);
	peer_expect_status(peer, 180);
	phone_call_hang_up(bench->phone, bench_wait_ringing(bench));
	peer_expect_status(peer, 486);
	assert_int_equal(bench_status_number(bench, "counters.calls"), 0);
	bench_free(bench);
}

/* RFC 3261 9.2: CANCEL gets its own 200, with the tag of the INVITE's 487; one that comes too late
 * changes nothing, one of nothing 481. */
static void a_call_is_cancelled(void **state)
{
	struct bench *bench = bench_registered("");
	struct peer *peer = &bench->peers[0];
	const struct peer_request cancel = {
		"CANCEL", "c", "z9hG4bKINVITEc1",
		NULL,     1,   "Reason: SIP;cause=200;text=\"elsewhere\"\r\n"};
	char tag[256];

	(void)state;
	ring(bench, SDP, tag);
	peer_ask(peer, &cancel);
	assert_span(peer_expect_status(peer, 200)->to.tag, tag);
	assert_span(peer_expect_status(peer, 487)->to.tag, tag);
	bench_wait(bench, bench_is_over);
	assert_int_equal(over_status(bench), 487);
	assert_non_null(
		strstr(bench->events[bench_event(bench, PHONE_CALL_OVER)].text, "elsewhere"));
	peer_ask(peer, &(struct peer_request){"CANCEL", "x", NULL, NULL, 1, NULL});
	peer_expect_status(peer, 481);
	bench_free(bench);
}

static void a_late_cancel_changes_nothing(void **state)
{
	struct bench *bench = bench_registered("");
	struct peer *peer = &bench->peers[0];
	char tag[256];
	uint64_t id = ring(bench, SDP, tag);

	(void)state;
	phone_call_answer(bench->phone, id);
	peer_expect_status(peer, 200);
	peer_ask(peer, &(struct peer_request){"CANCEL", "c", "z9hG4bKINVITEc1", NULL, 1, NULL});
	assert_int_equal(peer_expect_status(peer, 200)->cseq.method, SIP_CANCEL);
	peer_ask_in_dialog(peer, "ACK", tag, 1, NULL);
	bench_settle(bench, 50);
	assert_false(bench_is_over(bench));
	assert_true(peer_is_quiet(peer));
	bench_free(bench);
}

/* RFC 3261 15.1.2: a caller may end an early dialog. */
static void a_bye_before_the_answer(void **state)
{
	struct bench *bench = bench_registered("");
	struct peer *peer = &bench->peers[0];
	char tag[256];

	(void)state;
	ring(bench, SDP, tag);
	peer_ask_in_dialog(peer, "BYE", tag, 2, NULL);
	peer_expect_status(peer, 200);
	peer_expect_status(peer, 487);
	bench_wait(bench, bench_is_over);
	bench_free(bench);
}

/* CALL-1 (part): by setting: answered at once, refused, or busy. */
static void settings_rule(void **state)
{
	struct bench *bench = bench_with_calls("", "incoming: answer, max: 1");
	struct peer *peer = &bench->peers[0];

	(void)state;
	invite(peer, "c", SDP);
	peer_expect_status(peer, 180);
	peer_expect_status(peer, 200);
	bench_wait(bench, bench_is_up);
	invite(peer, "d", SDP);
	peer_expect_status(peer, 486);
	bench_free(bench);

	bench = bench_with_calls("", "incoming: reject, reject_status: 603");
	invite(&bench->peers[0], "c", SDP);
	peer_expect_status(&bench->peers[0], 603);
	assert_int_equal(bench->event_count, 0);
	bench_free(bench);
}

/* RFC 3262 3: the 180 is repeated until its PRACK; the RAck has to be right. */
static void a_reliable_180_wants_its_prack(void **state)
{
	struct bench *bench = bench_registered("");
	struct peer *peer = &bench->peers[0];
	const struct sip_message *ringing;
	char tag[256], rack[64];
	unsigned before;

	(void)state;
	invite(peer, "c", RELIABLE SDP);
	ringing = peer_expect_status(peer, 180);
	text_of(ringing->to.tag, tag);
	assert_span(header_of(ringing, SIP_REQUIRE), "100rel");
	assert_int_equal(ringing->body.length, 0);
	snprintf(rack, sizeof rack, "RAck: %.*s 1 INVITE\r\n",
		 SIP_SPAN(header_of(ringing, SIP_RSEQ)));
	before = peer->received;
	bench_settle(bench, 700);
	assert_int_equal(peer->received, before + 1);
	peer_ask_in_dialog(peer, "PRACK", tag, 2, "RAck: 0 1 INVITE\r\n");
	peer_expect_status(peer, 481);
	peer_ask_in_dialog(peer, "PRACK", tag, 3, rack);
	peer_expect_status(peer, 200);
	bench_settle(bench, 1100);
	assert_true(peer_is_quiet(peer));
	peer_ask_in_dialog(peer, "PRACK", tag, 4, rack);
	peer_expect_status(peer, 481);
	phone_call_answer(bench->phone, bench_wait_ringing(bench));
	assert_true(span_contains(peer_expect_status(peer, 200)->body, "m=audio"));
	bench_free(bench);
}

/* RFC 3261 13.2.1, RFC 3262 3, 5: without an offer in the INVITE ours stands in the reliable 180,
 * and the 200 waits for the answer in the PRACK. */
static void an_offer_in_the_180_is_answered_first(void **state)
{
	struct bench *bench = bench_registered("");
	struct peer *peer = &bench->peers[0];
	const struct sip_message *ringing;
	char tag[256], prack[512];

	(void)state;
	invite(peer, "c", RELIABLE);
	ringing = peer_expect_status(peer, 180);
	text_of(ringing->to.tag, tag);
	assert_true(span_contains(ringing->body, "a=sendrecv"));
	bench_wait(bench, bench_rings);
	assert_int_equal(phone_call_answer(bench->phone, bench_wait_ringing(bench)), 0);
	bench_settle(bench, 50);
	assert_true(peer_is_quiet(peer));
	assert_false(bench_is_up(bench));
	snprintf(prack, sizeof prack, "RAck: %.*s 1 INVITE\r\n%s",
		 SIP_SPAN(header_of(ringing, SIP_RSEQ)), SDP);
	peer_ask_in_dialog(peer, "PRACK", tag, 2, prack);
	peer_expect_status(peer, 200);
	assert_int_equal(peer_expect_status(peer, 200)->body.length, 0);
	bench_wait(bench, bench_is_up);
	bench_free(bench);
}

/* RFC 3261 13.2.2.4: our offer in the 200, their answer in the ACK; one that is of no use ends the
 * call, with the reason (RFC 3326). */
static void an_answer_in_the_ack(void **state)
{
	struct bench *bench = bench_registered("");
	struct peer *peer = &bench->peers[0];
	const struct sip_message *bye;
	char tag[256];
	uint64_t id = ring(bench, NULL, tag);

	(void)state;
	phone_call_answer(bench->phone, id);
	assert_true(span_contains(peer_expect_status(peer, 200)->body, "m=audio"));
	peer_ask_in_dialog(peer, "ACK", tag, 1, "Content-Type: application/sdp\r\n\r\nnonsense");
	bye = peer_expect(peer, SIP_BYE);
	assert_true(span_contains(header_of(bye, SIP_REASON), "cause=488"));
	assert_true(bench_is_over(bench));
	bench_free(bench);
}

/* CALL-2 (part), RFC 3261 8.2.2.2: the same call by two of the line's servers is one call. */
static void one_call_by_two_servers(void **state)
{
	struct bench *bench = bench_registered("");
	struct peer_request twin = {"INVITE", "c", "z9hG4bKother", NULL, 1, SDP};
	char tag[256];

	(void)state;
	ring(bench, SDP, tag);
	peer_ask(&bench->peers[1], &twin);
	peer_expect_status(&bench->peers[1], 482);
	assert_int_equal(bench_status_number(bench, "counters.calls"), 1);
	bench_free(bench);
}

/* RFC 3261 8.2: what can't be taken is refused with what would help. */
static void what_is_not_spoken_is_refused(void **state)
{
	struct bench *bench = bench_registered("");
	struct peer *peer = &bench->peers[0];
	const struct sip_message *answer;

	(void)state;
	invite(peer, "1", "Require: replaces, 100rel\r\n" SDP);
	assert_span(header_of(peer_expect_status(peer, 420), SIP_UNSUPPORTED), "replaces");
	invite(peer, "2", "Content-Type: text/plain\r\n\r\nhello");
	assert_span(header_of(peer_expect_status(peer, 415), SIP_ACCEPT),
		    "application/sdp, multipart/mixed");
	invite(peer, "3", "Content-Encoding: gzip\r\n" SDP);
	peer_expect_status(peer, 415);
	invite(peer, "4", "Accept: text/plain\r\n" SDP);
	peer_expect_status(peer, 406);
	invite(peer, "5", "Content-Type: application/sdp\r\n\r\nnonsense");
	peer_expect_status(peer, 488);
	invite(peer, "6", "Supported: timer\r\nSession-Expires: 60\r\n" SDP);
	assert_span(header_of(peer_expect_status(peer, 422), SIP_MIN_SE), "90");
	assert_int_equal(bench->event_count, 0);
	assert_int_equal(bench_status_number(bench, "counters.calls"), 0);
	invite(peer, "7", "Accept: application/*;q=1\r\n" SDP);
	peer_expect_status(peer, 180);
	invite(peer, "8", "Supported: timer\r\nSession-Expires: 600;refresher=uac\r\n" SDP);
	peer_expect_status(peer, 180);
	phone_call_answer(bench->phone, bench_wait_ringing(bench));
	answer = peer_expect_status(peer, 200);
	assert_span(header_of(answer, SIP_SESSION_EXPIRES), "600;refresher=uac");
	assert_span(header_of(answer, SIP_REQUIRE), "timer");
	bench_free(bench);
}

/* RFC 3311 5.2, RFC 3261 14.2: too early for an offer; a target refresh is none. */
static void an_early_update_has_to_wait(void **state)
{
	struct bench *bench = bench_registered("");
	struct peer *peer = &bench->peers[0];
	char tag[256];

	(void)state;
	ring(bench, SDP, tag);
	peer_ask_in_dialog(peer, "UPDATE", tag, 2, SDP);
	assert_true(has_header(peer_expect_status(peer, 500), SIP_RETRY_AFTER));
	peer_ask_in_dialog(peer, "UPDATE", tag, 3, NULL);
	peer_expect_status(peer, 200);
	peer_ask_in_dialog(peer, "INVITE", tag, 4, SDP);
	assert_true(has_header(peer_expect_status(peer, 500), SIP_RETRY_AFTER));
	assert_false(bench_is_over(bench));
	bench_free(bench);
}

/* CALL-1 (part): several calls on a line, each with its own fate. */
static void two_calls_on_a_line(void **state)
{
	struct bench *bench = bench_registered("");
	struct peer *peer = &bench->peers[0];
	const struct sip_message *hold;
	char tag[256];
	uint64_t first = talk(bench, tag);

	(void)state;
	invite(peer, "d", SDP);
	peer_expect_status(peer, 180);
	assert_int_equal(phone_call_hold(bench->phone, first), 0);
	hold = peer_expect(peer, SIP_INVITE);
	assert_span(hold->call_id, "c");
	assert_true(span_contains(hold->body, "a=sendonly"));
	peer_answer(peer, hold, 200, NULL, BENCH_SDP("recvonly"));
	peer_expect(peer, SIP_ACK);
	assert_int_equal(phone_call_answer(bench->phone, bench_wait_ringing(bench)), 0);
	peer_expect_status(peer, 200);
	assert_int_equal(bench_status_number(bench, "counters.calls"), 2);
	phone_call_hang_up(bench->phone, first);
	assert_span(peer_expect(peer, SIP_BYE)->call_id, "c");
	assert_int_equal(bench_status_number(bench, "counters.calls"), 1);
	bench_free(bench);
}

static bool is_failed_over(const struct bench *bench)
{
	return bench_status_number((struct bench *)bench, "lines.0.entries.0.in_failover");
}

/* FAIL-5: a call that rings from a server that lost the registration ends in silence when it has to
 * signal; its CANCEL, which belongs to what came before, is taken. */
static void a_ringing_call_of_a_lost_server(void **state)
{
	struct bench *bench = bench_registered(STRICT);
	struct peer *first = &bench->peers[0], *second = &bench->peers[1];
	uint64_t id, other, placed;
	char tag[256];

	(void)state;
	id = ring(bench, SDP, tag);
	invite(first, "d", SDP);
	peer_expect_status(first, 180);
	bench_settle(bench, 20);
	other = bench_wait_ringing(bench);
	placed = bench_call(bench);
	peer_expect(first, SIP_INVITE);
	peer_answer(second, peer_expect(second, SIP_REGISTER), 200, "r", "Expires: 3600\r\n");
	bench_wait(bench, is_failed_over);
	invite(first, "e", SDP);
	bench_settle(bench, 50);
	assert_true(peer_is_quiet(first));
	assert_int_equal(phone_call_answer(bench->phone, id), 0);
	assert_true(bench_is_over(bench));
	assert_false(bench_is_up(bench));
	bench_settle(bench, 50);
	assert_true(peer_is_quiet(first));
	peer_ask(first, &(struct peer_request){"CANCEL", "d", "z9hG4bKINVITEd1", NULL, 1, NULL});
	peer_expect_status(first, 200);
	assert_int_not_equal(phone_call_answer(bench->phone, other), 0);
	phone_call_hang_up(bench->phone, placed);
	bench_free(bench);
}

/* A call that rings goes on while its line gets another place in a new configuration. */
static void a_ringing_call_outlives_a_reload(void **state)
{
	struct bench *bench = bench_registered("");
	struct peer *peer = &bench->peers[0];
	struct phone_call_view view;
	char tag[256];
	uint64_t id = ring(bench, SDP, tag);

	(void)state;
	bench_begin_reload(bench, 2,
			   "reg.1.address=\"carol\" reg.1.server.1.address=\"sip.test\" "
			   "reg.1.server.1.transport=\"UDPOnly\" reg.1.server.1.register=\"0\"",
			   1000);
	bench_end_reload(bench);
	assert_true(phone_get_call(bench->phone, 0, &view));
	assert_int_equal(view.line, 1);
	assert_int_equal(phone_call_answer(bench->phone, id), 0);
	peer_expect_status(peer, 200);
	peer_ask_in_dialog(peer, "ACK", tag, 1, NULL);
	phone_call_hang_up(bench->phone, id);
	peer_answer(peer, peer_expect(peer, SIP_BYE), 200, NULL, NULL);
	assert_int_equal(bench_status_number(bench, "counters.calls"), 0);
	bench_free(bench);
}

static bool digit_came(const struct bench *bench)
{
	return bench_has_event(bench, PHONE_CALL_DIGIT);
}

/* CALL-1 (part): audio both ways between two calls of one phone, which the server joins: a key that
 * one presses is heard by the other. */
static void a_key_is_heard(void **state)
{
	struct bench *bench = bench_with_calls("", "incoming: answer");
	struct peer *peer = &bench->peers[0];
	const struct sip_message *invite, *answer;
	char more[2048], body[2048];
	uint64_t id = bench_call(bench);

	(void)state;
	invite = peer_expect(peer, SIP_INVITE);
	snprintf(more, sizeof more, "Content-Type: application/sdp\r\n\r\n%.*s",
		 SIP_SPAN(invite->body));
	peer_ask(peer, &(struct peer_request){"INVITE", "c", NULL, NULL, 1, more});
	peer_expect_status(peer, 180);
	answer = peer_expect_status(peer, 200);
	snprintf(body, sizeof body, "%sContent-Type: application/sdp\r\n\r\n%.*s",
		 peer_contact(peer), SIP_SPAN(answer->body));
	peer_answer(peer, invite, 200, "t", body);
	peer_expect(peer, SIP_ACK);
	bench_settle(bench, 50);
	assert_int_equal(phone_call_send_digits(bench->phone, id, "5"), 0);
	bench_wait(bench, digit_came);
	assert_string_equal(bench->events[bench_event(bench, PHONE_CALL_DIGIT)].text, "key 5");
	assert_int_not_equal(bench->events[bench_event(bench, PHONE_CALL_DIGIT)].id, id);
	assert_int_not_equal(phone_call_send_digits(bench->phone, id, "x"), 0);
	assert_int_not_equal(phone_call_send_digits(bench->phone, 99, "1"), 0);
	bench_free(bench);
}

/* A flood of open INVITEs: what the line takes bench_rings, the rest is busy; without room for more
 * transactions each gets 503 and leaves nothing behind. */
static void a_flood_is_bounded(void **state)
{
	enum { FLOOD = 1500, MAX = 24, TABLE = 1024 };
	struct bench *bench = bench_registered("");
	struct peer *peer = &bench->peers[0];
	char call_id[32];

	(void)state;
	peer->deaf = true;
	for (unsigned i = 0; i < FLOOD; i++) {
		snprintf(call_id, sizeof call_id, "f%u", i);
		invite(peer, call_id, SDP);
		if (i % 32 == 31)
			bench_settle(bench, 1);
	}
	bench_settle(bench, 100);
	assert_int_equal(bench->event_count, MAX);
	assert_int_equal(bench_status_number(bench, "counters.calls"), MAX);
	assert_in_range(bench_status_number(bench, "counters.overflow"), 1,
			FLOOD - (TABLE - TABLE / 8)); /* that eighth is for what is up */
	bench_free(bench);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_call_is_answered),
		cmocka_unit_test(the_answer_is_repeated_until_its_ack),
		cmocka_unit_test(a_call_is_refused),
		cmocka_unit_test(a_call_is_cancelled),
		cmocka_unit_test(a_late_cancel_changes_nothing),
		cmocka_unit_test(a_bye_before_the_answer),
		cmocka_unit_test(settings_rule),
		cmocka_unit_test(a_reliable_180_wants_its_prack),
		cmocka_unit_test(an_offer_in_the_180_is_answered_first),
		cmocka_unit_test(an_answer_in_the_ack),
		cmocka_unit_test(one_call_by_two_servers),
		cmocka_unit_test(what_is_not_spoken_is_refused),
		cmocka_unit_test(an_early_update_has_to_wait),
		cmocka_unit_test(two_calls_on_a_line),
		cmocka_unit_test(a_ringing_call_of_a_lost_server),
		cmocka_unit_test(a_ringing_call_outlives_a_reload),
		cmocka_unit_test(a_key_is_heard),
		cmocka_unit_test(a_flood_is_bounded),
	};

	return cmocka_run_group_tests_name("phone/incoming", tests, NULL, NULL);
}
