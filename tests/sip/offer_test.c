/* sip/offer: RFC 3264's exchanges, those of its section 10 among them. */
#include "tests/sip/parse.h"

#include "sip/offer.h"

#include <stdio.h>

static char text[SIP_OFFER_TEXT_MAX];

static struct sip_offer begun(const char *address)
{
	struct sip_offer offer;

	assert_int_equal(
		sip_offer_init(&offer, &(struct sip_offer_config){address, 4000, 2890844526}), 0);
	return offer;
}

#define OURS(version, formats, rest)                                                               \
	"v=0\r\no=- 2890844526 " version " IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\n"      \
	"t=0 0\r\nm=audio 4000 RTP/AVP " formats "\r\n" rest

#define USUAL "a=rtpmap:0 PCMU/8000\r\na=rtpmap:8 PCMA/8000\r\n"
#define EVENTS(number) "a=rtpmap:" number " telephone-event/8000\r\na=fmtp:" number " 0-15\r\n"

static void assert_made(struct sip_offer *offer, const char *expected)
{
	assert_int_equal(sip_offer_make(offer, text, sizeof(text)), strlen(expected));
	assert_string_equal(text, expected);
}

static int take(struct sip_offer *offer, const char *theirs)
{
	return sip_offer_take_answer(offer, sip_span_of(theirs));
}

static int answer(struct sip_offer *offer, const char *theirs)
{
	int length = sip_offer_answer(offer, sip_span_of(theirs), text, sizeof(text));

	return length < 0 ? length : 0;
}

#define THEIRS "v=0\r\no=bob 2890844730 2890844730 IN IP4 host.example.com\r\ns=\r\n"
#define BOB THEIRS "c=IN IP4 192.0.2.4\r\nt=0 0\r\n"

/* ---- what is agreed on --------------------------------------------------------------------- */

static void test_offer_answered(void **state)
{
	struct sip_offer offer = begun("192.0.2.1");
	const struct sip_media_target *target;

	(void)state;
	assert_null(sip_offer_target(&offer));
	assert_made(&offer, OURS("2890844526", "0 8 101", USUAL EVENTS("101") "a=sendrecv\r\n"));
	assert_true(sip_offer_is_open(&offer));
	assert_null(sip_offer_target(&offer));
	assert_int_equal(take(&offer, BOB "m=audio 49920 RTP/AVP 8 97\r\n"
					  "a=rtpmap:97 telephone-event/8000\r\n"),
			 0);
	assert_false(sip_offer_is_open(&offer));
	target = sip_offer_target(&offer);
	assert_string_equal(target->address, "192.0.2.4");
	assert_int_equal(target->port, 49920);
	assert_int_equal(target->rtcp_port, 49921);
	assert_int_equal(target->direction, SIP_SDP_SENDRECV);
	assert_int_equal(target->codec, SIP_SDP_PCMA);
	assert_int_equal(target->sent[SIP_SDP_PCMU], SIP_OFFER_NO_PAYLOAD);
	assert_int_equal(target->sent[SIP_SDP_PCMA], 8);
	/* RFC 3264 6.1: each side's numbers are for what it receives. */
	assert_int_equal(target->sent[SIP_SDP_EVENT], 97);
	assert_int_equal(target->received[SIP_SDP_EVENT], 101);
	assert_int_equal(target->received[SIP_SDP_PCMU], 0);
}

/* RFC 3264 10.1: Alice offers audio and two videos, of which Bob takes one.  Bob is we, and take no
 * video: the m= lines stay, in their order.  Then Bob's new port: the version grows by one. */
static void test_rfc3264_10_1_basic_exchange(void **state)
{
	static const char alice[] =
		"v=0\r\no=alice 2890844526 2890844526 IN IP4 host.anywhere.com\r\ns=\r\n"
		"c=IN IP4 192.0.2.7\r\nt=0 0\r\nm=audio 49170 RTP/AVP 0\r\n"
		"a=rtpmap:0 PCMU/8000\r\nm=video 51372 RTP/AVP 31\r\n"
		"a=rtpmap:31 H261/90000\r\nm=video 53000 RTP/AVP 32\r\n"
		"a=rtpmap:32 MPV/90000\r\n";
	static const char videos[] = "m=video 0 RTP/AVP 31\r\nm=video 0 RTP/AVP 32\r\n";
	struct sip_offer offer = begun("192.0.2.1");
	char expected[1024];

	(void)state;
	assert_int_equal(answer(&offer, alice), 0);
	snprintf(expected, sizeof(expected), "%s%s",
		 OURS("2890844526", "0", "a=rtpmap:0 PCMU/8000\r\na=sendrecv\r\n"), videos);
	assert_string_equal(text, expected);
	assert_int_equal(sip_offer_target(&offer)->port, 49170);

	assert_int_equal(sip_offer_move(&offer, "192.0.2.9", 65422), 0);
	assert_true(sip_offer_make(&offer, text, sizeof(text)) > 0);
	assert_non_null(strstr(text, "o=- 2890844526 2890844527 IN IP4 192.0.2.1\r\n"));
	assert_non_null(strstr(text, "c=IN IP4 192.0.2.9\r\n"));
	assert_non_null(strstr(text, "m=audio 65422 RTP/AVP 0 8 101\r\n"));
	assert_ptr_equal(strstr(text, videos), text + strlen(text) - strlen(videos));
	/* Alice takes it, and has a new stream of her own. */
	assert_int_equal(take(&offer, alice), 0);
	assert_int_equal(
		answer(&offer,
		       "v=0\r\no=alice 2890844526 2890844527 IN IP4 host.anywhere.com\r\ns=\r\n"
		       "c=IN IP4 192.0.2.7\r\nt=0 0\r\nm=audio 49170 RTP/AVP 0\r\n"
		       "m=video 0 RTP/AVP 31\r\nm=video 53000 RTP/AVP 32\r\n"
		       "m=audio 49172 RTP/AVP 0\r\na=recvonly\r\n"),
		0);
	assert_non_null(strstr(text, " 2890844528 IN IP4 192.0.2.1\r\n"));
	assert_non_null(strstr(text, videos));
	assert_string_equal(text + strlen(text) - strlen("m=audio 0 RTP/AVP 0\r\n"),
			    "m=audio 0 RTP/AVP 0\r\n");
}

/* RFC 3264 10.2: of several codecs, one is chosen; here we are offered three and know two. */
static void test_rfc3264_10_2_one_of_n_codecs(void **state)
{
	struct sip_offer offer = begun("192.0.2.1");

	(void)state;
	assert_int_equal(answer(&offer, BOB "m=audio 62986 RTP/AVP 0 4 18\r\n"
					    "a=rtpmap:0 PCMU/8000\r\na=rtpmap:4 G723/8000\r\n"
					    "a=rtpmap:18 G729/8000\r\n"),
			 0);
	assert_string_equal(text,
			    OURS("2890844526", "0", "a=rtpmap:0 PCMU/8000\r\na=sendrecv\r\n"));
	assert_int_equal(sip_offer_target(&offer)->codec, SIP_SDP_PCMU);
	assert_int_equal(sip_offer_target(&offer)->received[SIP_SDP_PCMA], SIP_OFFER_NO_PAYLOAD);
	/* An offer of theirs that comes again word for word is answered word for word. */
	assert_int_equal(answer(&offer, BOB "m=audio 62986 RTP/AVP 0 4 18\r\n"), 0);
	assert_non_null(strstr(text, "o=- 2890844526 2890844526 "));
}

/* An INVITE without an offer: ours in the 200, theirs in the ACK; theirs in a 200, ours in the ACK.
 */
static void test_offerless_invite_both_ways(void **state)
{
	struct sip_offer alice = begun("192.0.2.1"), bob = begun("192.0.2.4");
	char back[SIP_OFFER_TEXT_MAX];

	(void)state;
	assert_true(sip_offer_make(&bob, text, sizeof(text)) > 0);
	assert_true(sip_offer_answer(&alice, sip_span_of(text), back, sizeof(back)) > 0);
	assert_int_equal(take(&bob, back), 0);
	assert_string_equal(sip_offer_target(&alice)->address, "192.0.2.4");
	assert_string_equal(sip_offer_target(&bob)->address, "192.0.2.1");
	assert_int_equal(take(&bob, back), SIP_ESTATE); /* RFC 6337 3.1: once more, in the 200 */
}

/* A forked INVITE: each early dialog goes on from a copy of what was offered. */
static void test_a_copy_for_each_fork(void **state)
{
	struct sip_offer first = begun("192.0.2.1"), second;

	(void)state;
	assert_true(sip_offer_make(&first, text, sizeof(text)) > 0);
	second = first;
	assert_int_equal(take(&first, BOB "m=audio 1000 RTP/AVP 0\r\n"), 0);
	assert_true(sip_offer_is_open(&second));
	assert_int_equal(take(&second, BOB "m=audio 2000 RTP/AVP 8\r\n"), 0);
	assert_int_equal(sip_offer_target(&first)->port, 1000);
	assert_int_equal(sip_offer_target(&second)->port, 2000);
}

/* ---- hold ---------------------------------------------------------------------------------- */

static struct sip_offer agreed(void)
{
	struct sip_offer offer = begun("192.0.2.1");

	assert_true(sip_offer_make(&offer, text, sizeof(text)) > 0);
	assert_int_equal(take(&offer, BOB "m=audio 49920 RTP/AVP 0 8 101\r\n"
					  "a=rtpmap:101 telephone-event/8000\r\n"),
			 0);
	return offer;
}

static void test_we_hold_and_resume_rfc3264_8_4(void **state)
{
	struct sip_offer offer = agreed();

	(void)state;
	sip_offer_want(&offer, SIP_SDP_SENDONLY);
	assert_made(&offer, OURS("2890844527", "0 8 101", USUAL EVENTS("101") "a=sendonly\r\n"));
	assert_int_equal(sip_offer_target(&offer)->direction, SIP_SDP_SENDRECV);
	assert_int_equal(take(&offer, BOB "a=recvonly\r\nm=audio 49920 RTP/AVP 0\r\n"), 0);
	assert_int_equal(sip_offer_target(&offer)->direction, SIP_SDP_SENDONLY);
	assert_false(sip_offer_is_held(&offer));
	/* Their re-INVITE meanwhile does not end our hold. */
	assert_int_equal(answer(&offer, BOB "m=audio 49920 RTP/AVP 0\r\n"), 0);
	assert_non_null(strstr(text, "a=sendonly\r\n"));
	sip_offer_want(&offer, SIP_SDP_SENDRECV);
	assert_true(sip_offer_make(&offer, text, sizeof(text)) > 0);
	assert_non_null(strstr(text, " 2890844529 "));
	assert_int_equal(take(&offer, BOB "m=audio 49920 RTP/AVP 0\r\n"), 0);
	assert_int_equal(sip_offer_target(&offer)->direction, SIP_SDP_SENDRECV);
}

static void test_they_hold_and_resume(void **state)
{
	static const struct {
		const char *theirs;
		const char *answered;
		enum sip_sdp_direction direction;
		const char *address;
		bool is_held;
	} rows[] = {
		{BOB "m=audio 9 RTP/AVP 0\r\na=sendonly\r\n", "a=recvonly\r\n", SIP_SDP_RECVONLY,
		 "192.0.2.4", true},
		{BOB "m=audio 9 RTP/AVP 0\r\na=inactive\r\n", "a=inactive\r\n", SIP_SDP_INACTIVE,
		 "192.0.2.4", true},
		{BOB "m=audio 9 RTP/AVP 0\r\na=recvonly\r\n", "a=sendonly\r\n", SIP_SDP_SENDONLY,
		 "192.0.2.4", false},
		/* RFC 2543 B.5 */
		{THEIRS "c=IN IP4 0.0.0.0\r\nt=0 0\r\nm=audio 9 RTP/AVP 0\r\n", "a=recvonly\r\n",
		 SIP_SDP_RECVONLY, "0.0.0.0", true},
		{BOB "m=audio 9 RTP/AVP 0\r\nc=IN IP4 0.0.0.0\r\na=inactive\r\n", "a=inactive\r\n",
		 SIP_SDP_INACTIVE, "0.0.0.0", true},
		{BOB "m=audio 9 RTP/AVP 0\r\n", "a=sendrecv\r\n", SIP_SDP_SENDRECV, "192.0.2.4",
		 false},
	};
	struct sip_offer offer = agreed();

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		assert_int_equal(answer(&offer, rows[i].theirs), 0);
		assert_non_null(strstr(text, rows[i].answered));
		assert_int_equal(sip_offer_target(&offer)->direction, rows[i].direction);
		assert_string_equal(sip_offer_target(&offer)->address, rows[i].address);
		assert_int_equal(sip_offer_is_held(&offer), rows[i].is_held);
	}
}

/* Glare and refusal: what was agreed on stays, and a version that went out is not used again. */
static void test_abandoned_offer_leaves_all_as_it_was(void **state)
{
	struct sip_offer offer = agreed();
	struct sip_media_target before = *sip_offer_target(&offer);

	(void)state;
	sip_offer_want(&offer, SIP_SDP_INACTIVE);
	assert_true(sip_offer_make(&offer, text, sizeof(text)) > 0);
	assert_int_equal(sip_offer_make(&offer, text, sizeof(text)), SIP_ESTATE);
	assert_int_equal(answer(&offer, BOB "m=audio 9 RTP/AVP 0\r\n"), SIP_ESTATE);
	assert_memory_equal(sip_offer_target(&offer), &before, sizeof(before));
	sip_offer_abandon(&offer);
	assert_memory_equal(sip_offer_target(&offer), &before, sizeof(before));
	assert_int_equal(take(&offer, BOB "m=audio 9 RTP/AVP 0\r\n"), SIP_ESTATE);
	assert_made(&offer, OURS("2890844528", "0 8 101", USUAL EVENTS("101") "a=sendrecv\r\n"));

	offer = begun("192.0.2.1");
	assert_true(sip_offer_make(&offer, text, sizeof(text)) > 0);
	sip_offer_abandon(&offer);
	assert_null(sip_offer_target(&offer));
}

/* A session refresh changes nothing, and says so (RFC 4028 7.4, RFC 3264 8). */
static void test_unchanged_offer_keeps_its_version(void **state)
{
	struct sip_offer offer = agreed();

	(void)state;
	assert_made(&offer, OURS("2890844526", "0 8 101", USUAL EVENTS("101") "a=sendrecv\r\n"));
}

/* RFC 3264 8.3.2: a number keeps its codec for as long as the session lasts. */
static void test_numbers_stay(void **state)
{
	struct sip_offer offer = begun("192.0.2.1");

	(void)state;
	assert_int_equal(answer(&offer, BOB "m=audio 9 RTP/AVP 8 96\r\n"
					    "a=rtpmap:96 telephone-event/8000\r\n"),
			 0);
	assert_true(sip_offer_make(&offer, text, sizeof(text)) > 0);
	assert_non_null(strstr(text, "m=audio 4000 RTP/AVP 0 8 96\r\n"));

	/* Theirs are even where we had others in mind. */
	offer = begun("192.0.2.1");
	assert_int_equal(answer(&offer, BOB "m=audio 9 RTP/AVP 101 0\r\na=rtpmap:101 PCMA/8000\r\n"
					    "a=rtpmap:0 G729/8000\r\n"),
			 0);
	assert_int_equal(sip_offer_target(&offer)->sent[SIP_SDP_PCMA], 101);
	assert_true(sip_offer_make(&offer, text, sizeof(text)) > 0);
	assert_non_null(strstr(text, "m=audio 4000 RTP/AVP 0 101 96\r\n"));
}

/* ---- what cannot be ------------------------------------------------------------------------ */

static void test_offers_that_are_refused(void **state)
{
	static const struct {
		const char *theirs;
		int error;
	} rows[] = {
		/* SRTP alone: 488 */
		{BOB "m=audio 9 RTP/SAVP 0\r\na=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:x\r\n",
		 SIP_EUNSUPPORTED},
		{BOB "m=audio 9 UDP/TLS/RTP/SAVPF 0\r\n", SIP_EUNSUPPORTED},
		{BOB "m=audio 9 RTP/AVP 18\r\n", SIP_EUNSUPPORTED},
		{BOB "m=audio 9 RTP/AVP 101\r\na=rtpmap:101 telephone-event/8000\r\n",
		 SIP_EUNSUPPORTED},
		{BOB "m=audio 0 RTP/AVP 0\r\n", SIP_EUNSUPPORTED},
		{BOB "m=image 9 udptl t38\r\n", SIP_EUNSUPPORTED},
		{THEIRS "c=IN IP4 host.example.com\r\nt=0 0\r\nm=audio 9 RTP/AVP 0\r\n",
		 SIP_EUNSUPPORTED},
		{THEIRS "c=IN IP4 224.2.1.1/127\r\nt=0 0\r\nm=audio 9 RTP/AVP 0\r\n",
		 SIP_EUNSUPPORTED},
		{THEIRS "c=IN IP4 224.2.1.1\r\nt=0 0\r\nm=audio 9 RTP/AVP 0\r\n", SIP_EUNSUPPORTED},
		{THEIRS "c=IN IP4 255.255.255.255\r\nt=0 0\r\nm=audio 9 RTP/AVP 0\r\n",
		 SIP_EUNSUPPORTED},
		{THEIRS "c=IN IP6 ff02::1\r\nt=0 0\r\nm=audio 9 RTP/AVP 0\r\n", SIP_EUNSUPPORTED},
		{THEIRS "c=IN IP6 192.0.2.4\r\nt=0 0\r\nm=audio 9 RTP/AVP 0\r\n", SIP_EUNSUPPORTED},
		{THEIRS "c=IN IP6 2001:db8::4\r\nt=0 0\r\nm=audio 9 RTP/AVP 0\r\n",
		 SIP_EUNSUPPORTED},
		{THEIRS "t=0 0\r\nm=audio 9 RTP/AVP 0\r\n", SIP_EVALUE},
		{BOB "m=video\rX 9 RTP/AVP 0\r\nm=audio 9 RTP/AVP 0\r\n", SIP_EVALUE},
		{"", SIP_EVALUE},
	};
	struct sip_offer offer = agreed(), before = offer;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		if (answer(&offer, rows[i].theirs) != rows[i].error)
			fail_msg("%s: %d", rows[i].theirs, answer(&offer, rows[i].theirs));
		assert_memory_equal(&offer, &before, sizeof(offer));
	}
	assert_int_equal(
		sip_offer_answer(&offer, sip_span_of(BOB "m=audio 9 RTP/AVP 0\r\n"), text, 20),
		SIP_ESPACE);
	assert_memory_equal(&offer, &before, sizeof(offer));
	/* As an answer, a refused stream is as useless. */
	sip_offer_want(&offer, SIP_SDP_SENDONLY);
	assert_true(sip_offer_make(&offer, text, sizeof(text)) > 0);
	assert_int_equal(take(&offer, BOB "m=audio 0 RTP/AVP 0\r\n"), SIP_EUNSUPPORTED);
	assert_int_equal(take(&offer, BOB "m=audio 9 RTP/AVP 18\r\n"), SIP_EUNSUPPORTED);
	assert_true(sip_offer_is_open(&offer));
}

static void test_where_media_is_received_must_be_an_address(void **state)
{
	struct sip_offer offer;

	(void)state;
	assert_int_equal(sip_offer_init(&offer, &(struct sip_offer_config){"host", 4000, 1}),
			 SIP_EVALUE);
	assert_int_equal(sip_offer_init(&offer, &(struct sip_offer_config){"192.0.2.1", 0, 1}),
			 SIP_EVALUE);
	offer = begun("192.0.2.1");
	assert_int_equal(sip_offer_move(&offer, "", 4000), SIP_EVALUE);
}

/* ---- several streams, IPv6 ----------------------------------------------------------------- */

/* SRTP offered beside RTP: the one that we speak is taken, wherever it stands. */
static void test_the_stream_that_we_speak_is_taken(void **state)
{
	struct sip_offer offer = begun("192.0.2.1");

	(void)state;
	assert_int_equal(answer(&offer,
				BOB "m=audio 10 RTP/SAVP 0\r\nm=audio 0 RTP/AVP 8\r\n"
				    "c=IN IP4 192.0.2.5\r\na=inactive\r\n"
				    "m=audio 12 RTP/AVP 0\r\na=rtcp:53020 IN IP4 192.0.2.4\r\n"
				    "m=audio 14 RTP/AVP 8\r\n"),
			 0);
	assert_int_equal(sip_offer_target(&offer)->port, 12);
	assert_int_equal(sip_offer_target(&offer)->rtcp_port, 53020);
	assert_int_equal(sip_offer_target(&offer)->direction, SIP_SDP_SENDRECV);
	assert_string_equal(sip_offer_target(&offer)->address, "192.0.2.4");
	assert_non_null(strstr(text, "m=audio 0 RTP/SAVP 0\r\nm=audio 0 RTP/AVP 8\r\n"
				     "m=audio 4000 RTP/AVP 0\r\na=rtpmap:0 PCMU/8000\r\n"
				     "a=sendrecv\r\nm=audio 0 RTP/AVP 8\r\n"));
}

static void test_ipv6(void **state)
{
	struct sip_offer offer = begun("2001:db8::1");

	(void)state;
	assert_int_equal(answer(&offer, THEIRS "c=IN IP6 2001:db8::4\r\nt=0 0\r\n"
					       "m=audio 9 RTP/AVP 0\r\n"),
			 0);
	assert_non_null(strstr(text, "IN IP6 2001:db8::1\r\ns=-\r\nc=IN IP6 2001:db8::1\r\n"));
	assert_string_equal(sip_offer_target(&offer)->address, "2001:db8::4");
	/* Some hold with the other family's nobody. */
	assert_int_equal(answer(&offer, THEIRS "c=IN IP4 0.0.0.0\r\nt=0 0\r\n"
					       "m=audio 9 RTP/AVP 0\r\n"),
			 0);
	assert_string_equal(sip_offer_target(&offer)->address, "::");
	assert_true(sip_offer_is_held(&offer));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_offer_answered),
		cmocka_unit_test(test_rfc3264_10_1_basic_exchange),
		cmocka_unit_test(test_rfc3264_10_2_one_of_n_codecs),
		cmocka_unit_test(test_offerless_invite_both_ways),
		cmocka_unit_test(test_a_copy_for_each_fork),
		cmocka_unit_test(test_we_hold_and_resume_rfc3264_8_4),
		cmocka_unit_test(test_they_hold_and_resume),
		cmocka_unit_test(test_abandoned_offer_leaves_all_as_it_was),
		cmocka_unit_test(test_unchanged_offer_keeps_its_version),
		cmocka_unit_test(test_numbers_stay),
		cmocka_unit_test(test_offers_that_are_refused),
		cmocka_unit_test(test_where_media_is_received_must_be_an_address),
		cmocka_unit_test(test_the_stream_that_we_speak_is_taken),
		cmocka_unit_test(test_ipv6),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
