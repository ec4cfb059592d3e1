/* call_test.c - outgoing calls, as the servers and the caller see them. */
#include "tests/phone/bench.h"

#include <stdio.h>

#define SDP                                                                                        \
	"Content-Type: application/sdp\r\n\r\n"                                                    \
	"v=0\r\no=- 1 1 IN IP4 127.0.1.1\r\ns=-\r\nc=IN IP4 127.0.1.1\r\nt=0 0\r\n"                \
	"m=audio 4000 RTP/AVP 0\r\n"

/* A call that the first peer answered; its INVITE. */
static const struct sip_message *call_up(struct bench *bench, uint64_t *id)
{
	struct peer *peer = &bench->peers[0];
	const struct sip_message *invite, *ack;

	*id = bench_call(bench);
	invite = peer_expect(peer, SIP_INVITE);
	peer_answer(peer, invite, 200, "t", peer_contact(peer));
	ack = peer_expect(peer, SIP_ACK);
	assert_int_equal(ack->cseq.number, invite->cseq.number);
	assert_false(sip_span_equal(ack->via.branch, invite->via.branch));
	bench_wait(bench, bench_is_up);
	return invite;
}

/* CALL-1 (part): from INVITE to BYE. */
static void call_is_placed_and_hung_up(void **state)
{
	struct bench *bench = bench_registered("");
	struct peer *peer = &bench->peers[0];
	const struct sip_message *invite, *bye;
	uint64_t id = bench_call(bench);

	(void)state;
	invite = peer_expect(peer, SIP_INVITE);
	assert_span(invite->request_uri, "sip:bob@sip.test");
	assert_span(invite->to.text, "<sip:bob@sip.test>");
	assert_span(header_of(invite, SIP_CONTENT_TYPE), "application/sdp");
	assert_true(span_contains(invite->body, "a=sendrecv"));
	assert_true(span_contains(header_of(invite, SIP_CONTACT), "<sip:alice@127.0.0.1:"));
	peer_answer(peer, invite, 180, "t", peer_contact(peer));
	peer_answer(peer, invite, 200, "t", peer_contact(peer));
	assert_span(peer_expect(peer, SIP_ACK)->to.tag, "t");
	bench_wait(bench, bench_is_up);
	assert_int_equal(bench_status_number(bench, "counters.calls"), 1);

	phone_call_hang_up(bench->phone, id);
	assert_true(bench->events[bench_event(bench, PHONE_CALL_OVER)].was_up);
	assert_int_equal(bench_status_number(bench, "counters.calls"), 0);
	bye = peer_expect(peer, SIP_BYE);
	assert_span(bye->to.tag, "t");
	assert_int_equal(bye->cseq.number, invite->cseq.number + 1);
	peer_answer(peer, bye, 200, NULL, NULL);
	bench_settle(bench, 700);
	assert_true(peer_is_quiet(peer));
	bench_free(bench);
}

/* CALL-1 (part), RFC 3261 13.2.2.4: every repeat of the 2xx is acknowledged again. */
static void repeated_answer_is_acknowledged_again(void **state)
{
	struct bench *bench = bench_registered("");
	struct peer *peer = &bench->peers[0];
	uint64_t id;
	const struct sip_message *invite = call_up(bench, &id);
	unsigned before = peer->received;

	(void)state;
	peer_answer(peer, invite, 200, "t", peer_contact(peer));
	bench_settle(bench, 50);
	assert_int_equal(peer->received, before + 1);
	assert_true(peer_is_quiet(peer)); /* the same bytes */
	bench_free(bench);
}

/* CALL-1 (part), RFC 3261 9.1: CANCEL with the INVITE's branch once it rings; 487 gets its ACK. */
static void ringing_call_is_cancelled(void **state)
{
	struct bench *bench = bench_registered("");
	struct peer *peer = &bench->peers[0];
	const struct sip_message *invite, *cancel, *ack;
	uint64_t id = bench_call(bench);

	(void)state;
	invite = peer_expect(peer, SIP_INVITE);
	phone_call_hang_up(bench->phone, id);
	assert_int_equal(bench->events[bench_event(bench, PHONE_CALL_OVER)].status, 487);
	bench_settle(bench, 50);
	assert_true(peer_is_quiet(peer));
	peer_answer(peer, invite, 180, "t", NULL);
	cancel = peer_expect(peer, SIP_CANCEL);
	assert_true(sip_span_equal(cancel->via.branch, invite->via.branch));
	assert_true(sip_span_equal(cancel->request_uri, invite->request_uri));
	assert_int_equal(cancel->cseq.number, invite->cseq.number);
	peer_answer(peer, cancel, 200, "t", NULL);
	peer_answer(peer, invite, 487, "t", NULL);
	ack = peer_expect(peer, SIP_ACK);
	assert_true(sip_span_equal(ack->via.branch, invite->via.branch));
	assert_span(ack->to.tag, "t");
	bench_free(bench);
}

/* TIME-9: the call moved; then the first server answers, too: ACK and BYE there, and no double
 * ring left behind. */
static void late_answer_is_ended(void **state)
{
	struct bench *bench = bench_registered("");
	struct peer *first = &bench->peers[0], *second = &bench->peers[1];
	const struct sip_message *left, *taken, *bye;

	(void)state;
	bench_call(bench);
	left = peer_expect(first, SIP_INVITE);
	taken = peer_expect(second, SIP_INVITE);
	assert_true(sip_span_equal(left->call_id, taken->call_id));
	assert_int_equal(left->cseq.number, taken->cseq.number);
	peer_answer(second, taken, 200, "b", peer_contact(second));
	peer_expect(second, SIP_ACK);
	bench_wait(bench, bench_is_up);

	peer_answer(first, left, 200, "a", peer_contact(first));
	assert_span(peer_expect(first, SIP_ACK)->to.tag, "a");
	bye = peer_expect(first, SIP_BYE);
	assert_span(bye->to.tag, "a");
	peer_answer(first, bye, 200, NULL, NULL);
	bench_settle(bench, 50);
	assert_true(peer_is_quiet(second));
	assert_false(bench_is_over(bench));
	bench_free(bench);
}

/* TIME-9: a provisional answer that comes late gets a CANCEL. */
static void late_ringing_is_cancelled(void **state)
{
	struct bench *bench = bench_registered("");
	struct peer *first = &bench->peers[0];
	const struct sip_message *left;

	(void)state;
	bench_call(bench);
	left = peer_expect(first, SIP_INVITE);
	peer_expect(&bench->peers[1], SIP_INVITE);
	peer_answer(first, left, 180, "a", NULL);
	assert_true(sip_span_equal(peer_expect(first, SIP_CANCEL)->via.branch, left->via.branch));
	bench_free(bench);
}

/* RFC 3261 13.2.2.4: of a forked call the first answer is kept; the other is ended. */
static void second_branch_of_a_fork_is_ended(void **state)
{
	struct bench *bench = bench_registered("");
	struct peer *peer = &bench->peers[0];
	uint64_t id;
	const struct sip_message *invite = call_up(bench, &id);

	(void)state;
	peer_answer(peer, invite, 200, "other", peer_contact(peer));
	assert_span(peer_expect(peer, SIP_ACK)->to.tag, "other");
	assert_span(peer_expect(peer, SIP_BYE)->to.tag, "other");
	assert_false(bench_is_over(bench));
	bench_free(bench);
}

/* TRIG-8, CALL-1 (part): a challenge to INVITE gets its ACK, then the repeat; its ACK carries the
 * same credentials (RFC 3261 22.1), and BYE is sent with what is known. */
static void challenged_invite_is_repeated(void **state)
{
	struct bench *bench = bench_registered("");
	struct peer *peer = &bench->peers[0];
	const struct sip_message *first, *second, *ack;
	uint64_t id = bench_call(bench);

	(void)state;
	first = peer_expect(peer, SIP_INVITE);
	peer_answer(peer, first, 407, "x",
		    "Proxy-Authenticate: Digest realm=\"p\", nonce=\"n\", algorithm=SHA-256, "
		    "qop=\"auth\"\r\n");
	ack = peer_expect(peer, SIP_ACK);
	assert_true(sip_span_equal(ack->via.branch, first->via.branch));
	second = peer_expect(peer, SIP_INVITE);
	assert_int_equal(second->cseq.number, first->cseq.number + 1);
	assert_true(sip_span_equal(second->call_id, first->call_id));
	assert_true(span_contains(header_of(second, SIP_PROXY_AUTHORIZATION), "SHA-256"));
	peer_answer(peer, second, 200, "t", peer_contact(peer));
	ack = peer_expect(peer, SIP_ACK);
	assert_true(sip_span_equal(header_of(ack, SIP_PROXY_AUTHORIZATION),
				   header_of(second, SIP_PROXY_AUTHORIZATION)));
	bench_wait(bench, bench_is_up);
	phone_call_hang_up(bench->phone, id);
	assert_true(has_header(peer_expect(peer, SIP_BYE), SIP_PROXY_AUTHORIZATION));
	bench_free(bench);
}

/* TRIG-8 for BYE: a challenge is answered once, whatever the next one says. */
static void challenged_bye_is_repeated_once(void **state)
{
	static const char challenge[] =
		"Proxy-Authenticate: Digest realm=\"p\", nonce=\"n\", qop=\"auth\"\r\n";
	struct bench *bench = bench_registered("");
	struct peer *peer = &bench->peers[0];
	const struct sip_message *bye;
	uint64_t id;

	(void)state;
	call_up(bench, &id);
	phone_call_hang_up(bench->phone, id);
	bye = peer_expect(peer, SIP_BYE);
	peer_answer(peer, bye, 407, NULL, challenge);
	bye = peer_expect(peer, SIP_BYE);
	assert_true(has_header(bye, SIP_PROXY_AUTHORIZATION));
	peer_answer(peer, bye, 407, NULL,
		    "Proxy-Authenticate: Digest realm=\"p\", nonce=\"m\", qop=\"auth\", "
		    "stale=true\r\n");
	bench_settle(bench, 50);
	assert_true(peer_is_quiet(peer));
	bench_free(bench);
}

/* TRIG-5: a refusal ends the call; it gets its ACK, and so does its repeat. */
static void busy_ends_the_call(void **state)
{
	struct bench *bench = bench_registered("");
	struct peer *peer = &bench->peers[0];
	const struct sip_message *invite;
	unsigned before;

	(void)state;
	bench_call(bench);
	invite = peer_expect(peer, SIP_INVITE);
	peer_answer(peer, invite, 486, "t", NULL);
	peer_expect(peer, SIP_ACK);
	bench_wait(bench, bench_is_over);
	assert_int_equal(bench->events[bench_event(bench, PHONE_CALL_OVER)].status, 486);
	assert_false(bench->events[bench_event(bench, PHONE_CALL_OVER)].was_up);
	before = peer->received;
	peer_answer(peer, invite, 486, "t", NULL);
	bench_settle(bench, 50);
	assert_int_equal(peer->received, before + 1);
	assert_true(peer_is_quiet(&bench->peers[1]));
	bench_free(bench);
}

/* RFC 3261 12.1.2: a 2xx without Contact makes no dialog: the call fails, and nothing hangs. */
static void answer_without_contact_fails_the_call(void **state)
{
	struct bench *bench = bench_registered("");
	struct peer *peer = &bench->peers[0];

	(void)state;
	bench_call(bench);
	peer_answer(peer, peer_expect(peer, SIP_INVITE), 200, "t", NULL);
	bench_wait(bench, bench_is_over);
	assert_int_equal(bench->events[bench_event(bench, PHONE_CALL_OVER)].status, 500);
	assert_int_equal(bench_status_number(bench, "counters.calls"), 0);
	bench_free(bench);
}

/* CALL-1 (part): the far end hangs up. */
static void far_end_hangs_up(void **state)
{
	struct bench *bench = bench_registered("");
	struct peer *peer = &bench->peers[0];
	uint64_t id;
	const struct sip_message *invite = call_up(bench, &id);

	(void)state;
	peer_request(peer, invite, "t", "BYE", 1, NULL);
	peer_expect_status(peer, 200);
	bench_wait(bench, bench_is_over);
	assert_int_equal(bench_status_number(bench, "counters.calls"), 0);
	peer_request(peer, invite, "t", "BYE", 2, NULL);
	peer_expect_status(peer, 481);
	bench_free(bench);
}

/* CALL-1 (part): re-INVITE and UPDATE from the far end are accepted; the 200 to a
 * re-INVITE is repeated until its ACK (RFC 3261 13.3.1.4). */
static void far_end_changes_the_call(void **state)
{
	struct bench *bench = bench_registered("");
	struct peer *peer = &bench->peers[0];
	uint64_t id;
	const struct sip_message *invite = call_up(bench, &id), *answer;
	unsigned before;

	(void)state;
	peer_request(peer, invite, "t", "INVITE", 1, SDP);
	answer = peer_expect_status(peer, 200);
	assert_true(span_contains(answer->body, "a=sendrecv"));
	assert_true(has_header(answer, SIP_CONTACT));
	before = peer->received;
	bench_settle(bench, 700);
	assert_int_equal(peer->received, before + 1);
	peer_request(peer, invite, "t", "ACK", 1, NULL);
	bench_settle(bench, 1200);
	assert_int_equal(peer->received, before + 1);

	peer_request(peer, invite, "t", "UPDATE", 2, SDP);
	assert_true(span_contains(peer_expect_status(peer, 200)->body, "a=sendrecv"));
	peer_request(peer, invite, "t", "UPDATE", 3, NULL);
	assert_int_equal(peer_expect_status(peer, 200)->body.length, 0);
	peer_request(peer, invite, "t", "INVITE", 4,
		     "Content-Type: application/sdp\r\n\r\nnonsense");
	peer_expect_status(peer, 488);
	peer_request(peer, invite, "t", "INFO", 5, NULL);
	peer_expect_status(peer, 200);
	peer_request(peer, invite, "t", "INFO", 6, "Content-Type: a/b\r\n\r\nx");
	peer_expect_status(peer, 415);
	peer_request(peer, invite, "t", "REFER", 7, NULL);
	assert_true(has_header(peer_expect_status(peer, 405), SIP_ALLOW));
	/* RFC 3261 12.2.2: CSeq must grow. */
	peer_request(peer, invite, "t", "OPTIONS", 3, NULL);
	peer_expect_status(peer, 500);
	assert_false(bench_is_over(bench));
	bench_free(bench);
}

static bool is_failed_over(const struct bench *bench)
{
	return bench_status_number((struct bench *)bench, "lines.0.entries.0.in_failover");
}

/* FAIL-5: after a failover the call of the old server ends without a message, and a request from
 * there is ignored; CALL-4: at once. */
static void call_of_a_lost_server_ends_in_silence(void **state)
{
	struct bench *bench =
		bench_registered("reg.1.server.1.failOver.reRegisterOn=\"1\" "
				 "reg.1.server.1.failOver.failRegistrationOn=\"1\" "
				 "reg.1.server.1.failOver.onlySignalWithRegistered=\"1\"");
	struct peer *first = &bench->peers[0], *second = &bench->peers[1];
	const struct sip_message *invite;
	uint64_t id, other;

	(void)state;
	invite = call_up(bench, &id);
	other = bench_call(bench);
	peer_answer(second, peer_expect(second, SIP_REGISTER), 200, "r", "Expires: 3600\r\n");
	bench_wait(bench, is_failed_over);
	peer_expect(second, SIP_INVITE);
	peer_expect(first, SIP_INVITE); /* of the second call, before it moved */
	peer_request(first, invite, "t", "BYE", 1, NULL);
	bench_settle(bench, 50);
	assert_int_equal(bench_status_number(bench, "counters.refused"), 1);
	assert_false(bench_is_over(bench));
	phone_call_hang_up(bench->phone, id);
	assert_true(bench_is_over(bench));
	bench_settle(bench, 50);
	assert_true(peer_is_quiet(first));
	phone_call_hang_up(bench->phone, other);
	bench_free(bench);
}

/* A target is a SIP URI, or what makes one; nothing else gets into a message. */
static void targets_are_checked(void **state)
{
	static const char *const bad[] = {"",         "sip:",        "sip:a@b\r\nX: y", "tel:1",
					  "sips:a@b", "sip:a@b?X=y", "sip:a b@c",       "a@b>"};
	struct bench *bench = bench_registered("");
	struct phone_call_order order = {.target = "bob"};
	char why[PHONE_WHY_MAX];
	uint64_t id;

	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		order.target = bad[i];
		if (phone_call_place(bench->phone, &order, &id, why) == 0)
			fail_msg("\"%s\" was taken", bad[i]);
		assert_int_equal(id, 0);
	}
	order.line = 1;
	assert_int_not_equal(phone_call_place(bench->phone, &order, &id, why), 0);
	bench_free(bench);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(call_is_placed_and_hung_up),
		cmocka_unit_test(repeated_answer_is_acknowledged_again),
		cmocka_unit_test(ringing_call_is_cancelled),
		cmocka_unit_test(late_answer_is_ended),
		cmocka_unit_test(late_ringing_is_cancelled),
		cmocka_unit_test(second_branch_of_a_fork_is_ended),
		cmocka_unit_test(challenged_invite_is_repeated),
		cmocka_unit_test(challenged_bye_is_repeated_once),
		cmocka_unit_test(busy_ends_the_call),
		cmocka_unit_test(answer_without_contact_fails_the_call),
		cmocka_unit_test(far_end_hangs_up),
		cmocka_unit_test(far_end_changes_the_call),
		cmocka_unit_test(call_of_a_lost_server_ends_in_silence),
		cmocka_unit_test(targets_are_checked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
