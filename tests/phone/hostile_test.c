/* hostile_test.c - a phone in a call, and messages that were damaged on purpose.
 *
 * Everything received is hostile: whatever comes, the phone neither crashes nor hangs, and still
 * leaves in order.  The damage is drawn from a fixed seed.
 */
#include "tests/phone/bench.h"

#include <stdio.h>

enum { ROUNDS = 4000, TEXT_MAX = 2048, DAMAGES_MAX = 6, BATCH = 64 };

/* 1 is the start, 2 to 4 are the INVITE's Via, From and Call-ID, 5 is a number that grows. */
static const char *const templates[] = {
	"SIP/2.0 %1$s\r\nVia: %2$s\r\nFrom: %3$s\r\nTo: <sip:bob@sip.test>;tag=t\r\n"
	"Call-ID: %4$s\r\nCSeq: 1 INVITE\r\nContact: <sip:bob@127.0.1.1:9>\r\n"
	"Record-Route: <sip:127.0.1.1;lr>\r\nX-Number: %5$u\r\n"
	"WWW-Authenticate: Digest realm=\"r\", nonce=\"n\", qop=\"auth,auth-int\"\r\n\r\n",
	"%1$s sip:alice@127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP "
	"127.0.1.1;branch=z9hG4bK%5$u;rport\r\n"
	"From: <sip:bob@sip.test>;tag=u\r\nTo: %3$s\r\nCall-ID: %4$s\r\nCSeq: %5$u %1$s\r\n"
	"X-Via: %2$s\r\nContact: <sip:bob@127.0.1.1:9>\r\nContent-Type: application/sdp\r\n\r\n"
	"v=0\r\no=- 1 1 IN IP4 127.0.1.1\r\ns=-\r\nc=IN IP4 127.0.1.1\r\nt=0 0\r\n"
	"m=audio 4000 RTP/AVP 0\r\n",
	"%1$s sip:alice@127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP "
	"127.0.1.1;branch=z9hG4bKn%5$u;rport\r\n"
	"From: <sip:bob@sip.test>;tag=n\r\nTo: <sip:alice@sip.test>\r\nCall-ID: h%5$u\r\n"
	"CSeq: 1 %1$s\r\nX-Via: %2$s %3$s %4$s\r\nContact: <sip:bob@127.0.1.1:9>\r\n"
	"Supported: timer\r\nSession-Expires: 90\r\nRequire: 100rel\r\n"
	"Content-Type: application/sdp\r\n\r\n"
	"v=0\r\no=- 1 1 IN IP4 127.0.1.1\r\ns=-\r\nc=IN IP4 127.0.1.1\r\nt=0 0\r\n"
	"m=audio 4000 RTP/AVP 0\r\n",
};

static const char *const starts[] = {"200 OK", "180 Ringing", "407 Proxy", "503 No",
				     "INVITE", "UPDATE",      "REFER",     "INFO",
				     "INVITE", "INVITE",      "CANCEL",    "PRACK"};

static uint32_t draw(uint32_t most)
{
	static uint64_t state = 20231121;

	state = state * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)(state >> 33) % (most + 1);
}

/* Cuts, doubles or changes bytes. */
static size_t damage(char *text, size_t length)
{
	for (uint32_t left = draw(DAMAGES_MAX); left && length > 1; left--) {
		size_t at = draw((uint32_t)length - 1), run = draw(40);

		if (run > length - at)
			run = length - at;
		switch (draw(3)) {
		case 0:
			text[at] = (char)draw(255);
			break;
		case 1:
			memmove(text + at, text + at + run, length - at - run);
			length -= run;
			break;
		case 2:
			if (length + run > TEXT_MAX)
				break;
			memmove(text + at + run, text + at, length - at);
			length += run;
			break;
		default:
			if (!draw(9))
				length = at;
			break;
		}
	}
	return length;
}

static void ignore(void *user, const struct net_datagram *datagram)
{
	(void)user;
	(void)datagram;
}

static void send_damaged(struct bench *bench, struct net_udp *from,
			 const struct sip_message *invite)
{
	static unsigned number;
	size_t which = draw(11);
	char via[256], party[256], call_id[128], text[TEXT_MAX];
	struct net_address to;
	int length;

	sip_span_copy(invite->via.text, via, sizeof via);
	sip_span_copy(invite->from.text, party, sizeof party);
	sip_span_copy(invite->call_id, call_id, sizeof call_id);
	length = snprintf(text, sizeof text, templates[which / 4], starts[which], via, party,
			  call_id, ++number);
	assert_int_equal(
		phone_get_local(bench->phone,
				&(struct net_address){.ip = {[10] = 0xff, 0xff, 127, 0, 1, 1}},
				&to),
		0);
	assert_int_equal(net_udp_send(from, &to, text, damage(text, (size_t)length)), 0);
}

static void take_stopped(void *user)
{
	struct bench *bench = user;

	bench->stopped = true;
}

/* CALL-1 (part), REG-5 under fire. */
static void damaged_messages_harm_nothing(void **state)
{
	struct bench *bench = bench_with_calls("", "incoming: answer, answer_after: 5ms");
	struct peer *peer = &bench->peers[0];
	const struct net_udp_config config = {.local = {.ip = {[10] = 0xff, 0xff, 127, 0, 1, 1}},
					      .on_datagram = ignore};
	const struct sip_message *invite, *last;
	struct net_udp *hostile;
	long long received;

	(void)state;
	bench_call(bench);
	invite = peer_expect(peer, SIP_INVITE);
	peer_answer(peer, invite, 200, "u", peer_contact(peer));
	peer_expect(peer, SIP_ACK);
	bench_wait(bench, bench_is_up);
	peer->deaf = true; /* to answers of ours, and to their repeats */
	received = bench_status_number(bench, "counters.received");
	assert_int_equal(net_udp_open(&hostile, bench->loop, &config), 0);
	for (unsigned i = 0; i < ROUNDS; i++) {
		send_damaged(bench, hostile, invite);
		if (i % BATCH == 0)
			bench_settle(bench, 2);
	}
	bench_settle(bench, 20);
	assert_true(bench_status_number(bench, "counters.received") > received + ROUNDS / 2);
	assert_true(bench_status_number(bench, "counters.dropped") > ROUNDS / 10);
	assert_true(bench_status_number(bench, "counters.sent") > ROUNDS / 4); /* answers */
	assert_string_equal(bench_status(bench, "lines.0.state"), "registered");
	net_udp_close(hostile);
	peer->deaf = false;

	phone_stop(bench->phone, (struct net_callback){take_stopped, bench});
	do
		last = peer_next_request(peer);
	while (last->method != SIP_REGISTER);
	assert_span(header_of(last, SIP_EXPIRES), "0");
	bench_free(bench);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(damaged_messages_harm_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
