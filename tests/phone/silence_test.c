/* silence_test.c - what comes of those who accept, or ring, and then say nothing. */
#include "tests/phone/bench.h"
#include "tests/phone/jump.h"

#define MWI                                                                                        \
	"lines:\n  - line: 1\n    subscriptions:\n      - {event: message-summary, resource: "     \
	"bob@sip.test}\n"

/* RFC 6665 4.1.2.4: accepted, but no NOTIFY within 32 s: there is no subscription, and one is made
 * anew, in another dialog. */
static void no_notify_is_no_subscription(void **state)
{
	struct bench *bench = bench_registered_beside("", MWI);
	struct peer *peer = &bench->peers[0];
	const struct sip_message *first, *second;

	(void)state;
	first = peer_expect(peer, SIP_SUBSCRIBE);
	peer_answer(peer, first, 200, "s", "Expires: 3600\r\nContact: <sip:s@127.0.1.1>\r\n");
	bench_settle(bench, 50);
	jump(31);
	bench_settle(bench, 50);
	assert_true(peer_is_quiet(peer));
	jump(2);
	second = peer_expect(peer, SIP_SUBSCRIBE);
	assert_false(sip_span_equal(first->call_id, second->call_id));
	assert_null(second->to.tag.at);
	bench_free(bench);
}

/* TIME-7 (part), RFC 3326: it rings for 180 s without an answer: CANCEL says why. */
static void ringing_without_an_end_is_cancelled(void **state)
{
	struct bench *bench = bench_registered("");
	struct peer *peer = &bench->peers[0];
	const struct sip_message *invite, *cancel;

	(void)state;
	bench_call(bench);
	invite = peer_expect(peer, SIP_INVITE);
	peer_answer(peer, invite, 180, "t", peer_contact(peer));
	bench_settle(bench, 50);
	jump(181);
	cancel = peer_expect(peer, SIP_CANCEL);
	assert_true(span_contains(header_of(cancel, SIP_REASON), "SIP;cause=408"));
	bench_wait(bench, bench_is_over);
	bench_free(bench);
}

/* Who hangs up gives no reason. */
static void hanging_up_gives_no_reason(void **state)
{
	struct bench *bench = bench_registered("");
	struct peer *peer = &bench->peers[0];
	uint64_t id = bench_call(bench);

	(void)state;
	peer_answer(peer, peer_expect(peer, SIP_INVITE), 180, "t", peer_contact(peer));
	bench_settle(bench, 50);
	phone_call_hang_up(bench->phone, id);
	assert_false(has_header(peer_expect(peer, SIP_CANCEL), SIP_REASON));
	bench_free(bench);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_notify_is_no_subscription),
		cmocka_unit_test(ringing_without_an_end_is_cancelled),
		cmocka_unit_test(hanging_up_gives_no_reason),
	};

	return cmocka_run_group_tests_name("phone/silence", tests, NULL, NULL);
}
