/* ringing_test.c - what a caller gets before it is answered: early media, reliable answers (RFC
 * 3262); and descriptions among other bodies (RFC 5621). */
#include "tests/phone/bench.h"

#include <stdio.h>
#include <stdlib.h>

#define EARLY "incoming: ring, early_media: yes, tone: 440"
#define KNOWS_100REL "Supported: 100rel\r\n"
#define SDP                                                                                        \
	"v=0\r\no=- 1 1 IN IP4 127.0.1.1\r\ns=-\r\nc=IN IP4 127.0.1.1\r\nt=0 0\r\n"                \
	"m=audio 4000 RTP/AVP 0\r\n"
#define MIXED "Content-Type: multipart/mixed;boundary=\"a b\"\r\n\r\n"

static void invite(struct peer *peer, const char *more)
{
	peer_ask(peer, &(struct peer_request){"INVITE", "c", NULL, NULL, 1, more});
}

static void prack(struct peer *peer, const struct sip_message *ringing, unsigned cseq,
		  const char *more)
{
	char text[1024], tag[256];

	snprintf(text, sizeof text, "RAck: %.*s 1 INVITE\r\n%s",
		 SIP_SPAN(header_of(ringing, SIP_RSEQ)), more);
	peer_ask_in_dialog(peer, "PRACK", text_of(ringing->to.tag, tag), cseq, text);
}

/* The port of "m=audio" in a description. */
static unsigned audio_port(const struct sip_message *message)
{
	const char *line = memmem(message->body.at, message->body.length, "m=audio ", 8);

	assert_non_null(line);
	return (unsigned)atoi(line + 8);
}

/* A socket where the far end's audio comes. */
struct ear {
	struct net_udp *udp;
	unsigned packets;
};

static void count(void *user, const struct net_datagram *datagram)
{
	struct ear *ear = user;

	(void)datagram;
	ear->packets++;
}

static void ear_open(struct ear *ear, struct bench *bench, char offer[512])
{
	const struct net_udp_config config = {.local = {.ip = {[10] = 0xff, 0xff, 127, 0, 1, 1}},
					      .on_datagram = count,
					      .user = ear};

	*ear = (struct ear){0};
	assert_int_equal(net_udp_open(&ear->udp, bench->loop, &config), 0);
	snprintf(offer, 512,
		 "Content-Type: application/sdp\r\n\r\n"
		 "v=0\r\no=- 1 1 IN IP4 127.0.1.1\r\ns=-\r\nc=IN IP4 127.0.1.1\r\nt=0 0\r\n"
		 "m=audio %u RTP/AVP 0\r\n",
		 net_udp_local(ear->udp).port);
}

static void ear_wait(struct ear *ear, struct bench *bench)
{
	uint64_t until = net_now_ms() + BENCH_WAIT_MS;

	ear->packets = 0;
	while (ear->packets < 3 && net_now_ms() < until)
		bench_settle(bench, 5);
	assert_true(ear->packets >= 3);
}

/* CALL-1 (part): the answer to the offer stands in a 183, and the tone is heard before it is
 * answered; the 200 says the same once more, since a 183 may get lost. */
static void early_media_is_heard(void **state)
{
	struct bench *bench = bench_with_calls("", EARLY ", audio_ports: 20000-20999");
	struct peer *peer = &bench->peers[0];
	const struct sip_message *early, *answer;
	char offer[512], tag[256];
	struct ear ear;

	(void)state;
	ear_open(&ear, bench, offer);
	invite(peer, offer);
	early = peer_expect_status(peer, 183);
	assert_false(has_header(early, SIP_RSEQ));
	assert_true(audio_port(early) >= 20000 && audio_port(early) < 21000);
	ear_wait(&ear, bench);
	phone_call_answer(bench->phone, bench_wait_ringing(bench));
	answer = peer_expect_status(peer, 200);
	assert_true(sip_span_equal(answer->body, early->body));
	peer_ask_in_dialog(peer, "ACK", text_of(answer->to.tag, tag), 1, NULL);
	ear_wait(&ear, bench);
	net_udp_close(ear.udp);
	bench_free(bench);
}

/* Nothing is offered in a 183 that may get lost (RFC 3262 5), so nothing is heard: it is a 180. */
static void early_media_needs_an_offer(void **state)
{
	struct bench *bench = bench_with_calls("", EARLY);

	(void)state;
	invite(&bench->peers[0], NULL);
	assert_int_equal(peer_expect_status(&bench->peers[0], 180)->body.length, 0);
	bench_free(bench);
}

/* RFC 3262 3, 5: a reliable 183 holds the answer, the 200 waits for its PRACK and holds none; an
 * UPDATE may change it meanwhile. */
static void early_media_is_reliable(void **state)
{
	struct bench *bench = bench_with_calls("", EARLY ", prefer_100rel: yes");
	struct peer *peer = &bench->peers[0];
	const struct sip_message *early;
	char offer[512], tag[256];
	struct ear ear;

	(void)state;
	ear_open(&ear, bench, offer);
	invite(peer, KNOWS_100REL "Content-Type: application/sdp\r\n\r\n" SDP);
	early = peer_expect_status(peer, 183);
	assert_span(header_of(early, SIP_REQUIRE), "100rel");
	assert_true(audio_port(early) > 0);
	text_of(early->to.tag, tag);
	assert_int_equal(phone_call_answer(bench->phone, bench_wait_ringing(bench)), 0);
	bench_settle(bench, 50);
	assert_true(peer_is_quiet(peer));
	peer_ask_in_dialog(peer, "UPDATE", tag, 2, offer);
	assert_true(audio_port(peer_expect_status(peer, 200)) > 0);
	ear_wait(&ear, bench);
	prack(peer, early, 3, "");
	assert_int_equal(peer_expect_status(peer, 200)->cseq.method, SIP_PRACK);
	assert_int_equal(peer_expect_status(peer, 200)->body.length, 0);
	bench_wait(bench, bench_is_up);
	net_udp_close(ear.udp);
	bench_free(bench);
}

/* RFC 3262 5: the PRACK of a 183 that held the answer holds one more offer, whose answer stands in
 * its 200: audio goes there from now on. */
static void an_offer_in_a_prack(void **state)
{
	struct bench *bench = bench_with_calls("", EARLY ", prefer_100rel: yes");
	struct peer *peer = &bench->peers[0];
	const struct sip_message *early, *answer;
	char offer[512];
	struct ear ear;

	(void)state;
	ear_open(&ear, bench, offer);
	invite(peer, KNOWS_100REL "Content-Type: application/sdp\r\n\r\n" SDP);
	early = peer_expect_status(peer, 183);
	prack(peer, early, 2, offer);
	answer = peer_expect_status(peer, 200);
	assert_int_equal(answer->cseq.method, SIP_PRACK);
	assert_int_equal(audio_port(answer), audio_port(early));
	assert_false(has_header(answer, SIP_CONTACT));
	ear_wait(&ear, bench);
	phone_call_answer(bench->phone, bench_wait_ringing(bench));
	assert_int_equal(peer_expect_status(peer, 200)->body.length, 0);
	bench_wait(bench, bench_is_up);
	net_udp_close(ear.udp);
	bench_free(bench);
}

/* RFC 3262 5: no offer in a PRACK while the first one waits for its answer: it is refused, and what
 * rang goes on ringing, acknowledged.  One without any audio that is known is refused, too. */
static void offers_in_a_prack_that_are_refused(void **state)
{
	static const struct {
		const char *calls, *body;
		unsigned provisional, status;
	} rows[] = {
		{"incoming: ring, prefer_100rel: yes", BENCH_SDP("sendrecv"), 180, 500},
		{EARLY ", prefer_100rel: yes",
		 "Content-Type: application/sdp\r\n\r\nv=0\r\no=- 1 2 IN IP4 127.0.1.1\r\ns=-\r\n"
		 "c=IN IP4 127.0.1.1\r\nt=0 0\r\nm=audio 4000 RTP/AVP 96\r\n"
		 "a=rtpmap:96 opus/48000/2\r\n",
		 183, 488},
		{EARLY ", prefer_100rel: yes", "Content-Type: text/plain\r\n\r\nhello", 183, 415},
	};

	(void)state;
	for (unsigned i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct bench *bench = bench_with_calls("", rows[i].calls);
		struct peer *peer = &bench->peers[0];
		const struct sip_message *ringing;

		invite(peer, KNOWS_100REL BENCH_SDP("sendrecv"));
		ringing = peer_expect_status(peer, rows[i].provisional);
		prack(peer, ringing, 2, rows[i].body);
		peer_expect_status(peer, rows[i].status);
		phone_call_answer(bench->phone, bench_wait_ringing(bench));
		assert_int_equal(peer_expect_status(peer, 200)->cseq.method, SIP_INVITE);
		bench_wait(bench, bench_is_up);
		bench_free(bench);
	}
}

/* RFC 3262 3: who knows 100rel is told reliably where that is preferred, who does not is not. */
static void reliable_where_it_is_known(void **state)
{
	struct bench *bench = bench_with_calls("", "incoming: ring, prefer_100rel: yes");
	struct peer *peer = &bench->peers[0];
	const struct sip_message *ringing;

	(void)state;
	invite(peer, BENCH_SDP("sendrecv"));
	assert_false(has_header(peer_expect_status(peer, 180), SIP_RSEQ));
	peer_ask(peer, &(struct peer_request){"CANCEL", "c", "z9hG4bKINVITEc1", NULL, 1, NULL});
	peer_expect_status(peer, 200);
	peer_expect_status(peer, 487);
	bench_wait(bench, bench_is_over);
	peer_ask(peer, &(struct peer_request){"INVITE", "d", NULL, NULL, 1,
					      KNOWS_100REL BENCH_SDP("sendrecv")});
	ringing = peer_expect_status(peer, 180);
	assert_span(header_of(ringing, SIP_REQUIRE), "100rel");
	bench_free(bench);

	bench = bench_with_calls("", "incoming: ring");
	invite(&bench->peers[0], KNOWS_100REL BENCH_SDP("sendrecv"));
	assert_false(has_header(peer_expect_status(&bench->peers[0], 180), SIP_RSEQ));
	bench_free(bench);
}

/* RFC 5621 3: the description is found among the parts; without one, or without a boundary, 415. */
static void a_description_among_others(void **state)
{
	static const struct {
		const char *body;
		unsigned status;
	} rows[] = {
		{MIXED
		 "--a b\r\nContent-Type: text/plain\r\n\r\nhi\r\n--a b\r\nc: application/SDP\r\n"
		 "Content-Disposition: session\r\n\r\n" SDP "\r\n--a b--\r\n",
		 180},
		{MIXED "preamble\r\n--a b\r\nContent-Type: application/sdp\r\n\r\n" SDP
		       "\r\n--a b--",
		 180},
		{MIXED "--a b\r\nContent-Type: text/plain\r\n\r\nhi\r\n--a b--\r\n", 415},
		{MIXED "--a b\r\nContent-Type: application/sdp\r\n\r\n" SDP, 415},
		{MIXED "--a b\r\n\r\nContent-Type: application/sdp\r\n\r\n" SDP "\r\n--a b--\r\n",
		 415},
		{MIXED "--other\r\nContent-Type: application/sdp\r\n\r\n" SDP "\r\n--other--\r\n",
		 415},
		{MIXED "--a b", 415},
		{"Content-Type: multipart/mixed\r\n\r\n--\r\n\r\n" SDP "\r\n--\r\n", 415},
		{"Content-Type: multipart/mixed;boundary=\"\"\r\n\r\n--\r\nContent-Type: "
		 "application/sdp\r\n\r\n" SDP "\r\n--\r\n",
		 415},
	};
	struct bench *bench = bench_registered("");
	struct peer *peer = &bench->peers[0];
	char call_id[8];

	(void)state;
	for (unsigned i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		snprintf(call_id, sizeof call_id, "c%u", i);
		peer_ask(peer,
			 &(struct peer_request){"INVITE", call_id, NULL, NULL, 1, rows[i].body});
		peer_expect_status(peer, rows[i].status);
	}
	bench_free(bench);
}

/* The same in an answer, whose audio is taken. */
static void an_answer_among_others(void **state)
{
	struct bench *bench = bench_registered("");
	struct peer *peer = &bench->peers[0];
	const struct sip_message *sent;
	char more[1024];

	(void)state;
	bench_call(bench);
	sent = peer_expect(peer, SIP_INVITE);
	snprintf(more, sizeof more,
		 "%s" MIXED "--a b\r\nContent-Type: application/sdp\r\n\r\n" SDP "\r\n--a b--\r\n",
		 peer_contact(peer));
	peer_answer(peer, sent, 200, "t", more);
	peer_expect(peer, SIP_ACK);
	bench_wait(bench, bench_is_up);
	bench_settle(bench, 20);
	assert_true(peer_is_quiet(peer));
	bench_free(bench);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(early_media_is_heard),
		cmocka_unit_test(early_media_needs_an_offer),
		cmocka_unit_test(early_media_is_reliable),
		cmocka_unit_test(an_offer_in_a_prack),
		cmocka_unit_test(offers_in_a_prack_that_are_refused),
		cmocka_unit_test(reliable_where_it_is_known),
		cmocka_unit_test(a_description_among_others),
		cmocka_unit_test(an_answer_among_others),
	};

	return cmocka_run_group_tests_name("phone/ringing", tests, NULL, NULL);
}
