/* sip/sdp: RFC 3264 (offer and answer), RFC 8866 (the form), RFC 3551 (static payload types). */
#include "tests/sip/parse.h"

#include "sip/sdp.h"

#include <stdio.h>

static void test_offer_is_written_exactly(void **state)
{
	struct sip_sdp sdp;
	char text[512];
	static const char expected[] =
		"v=0\r\no=- 17 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\n"
		"m=audio 4000 RTP/AVP 0 8 101\r\na=rtpmap:0 PCMU/8000\r\n"
		"a=rtpmap:8 PCMA/8000\r\na=rtpmap:101 telephone-event/8000\r\n"
		"a=fmtp:101 0-15\r\na=inactive\r\n";

	(void)state;
	sip_sdp_offer(&sdp, "192.0.2.1", 4000, SIP_SDP_INACTIVE);
	sdp.session_id = 17;
	sdp.session_version = 1;
	assert_int_equal(sip_sdp_write(&sdp, text, sizeof(text)), strlen(expected));
	assert_string_equal(text, expected);
	for (size_t size = 0; size <= strlen(expected); size++)
		assert_int_equal(sip_sdp_write(&sdp, text, size), SIP_ESPACE);
	assert_int_equal(sip_sdp_write(&sdp, text, sizeof(expected)), strlen(expected));
}

static void test_what_is_written_is_read_back(void **state)
{
	struct sip_sdp sdp, back;
	char text[512];

	(void)state;
	for (int direction = 0; direction < SIP_SDP_DIRECTIONS_MAX; direction++) {
		sip_sdp_offer(&sdp, "2001:db8::1", 65535, (enum sip_sdp_direction)direction);
		assert_true(sip_sdp_write(&sdp, text, sizeof(text)) > 0);
		assert_int_equal(sip_sdp_parse(&back, sip_span_of(text)), 0);
		assert_string_equal(back.address, "2001:db8::1");
		assert_true(back.is_ip6);
		assert_int_equal(back.port, 65535);
		assert_int_equal(back.direction, direction);
		assert_int_equal(back.format_count, 3);
		assert_int_equal(back.formats[2].codec, SIP_SDP_EVENT);
		assert_int_equal(back.formats[2].payload, 101);
		assert_int_equal(back.stream_count, 1);
	}
}

#define HEAD "v=0\r\no=x 1 2 IN IP4 198.51.100.1\r\ns=-\r\n"
#define SESSION HEAD "c=IN IP4 198.51.100.1\r\nt=0 0\r\n"

static void test_foreign_offer_is_read(void **state)
{
	struct sip_sdp sdp;

	(void)state;
	assert_int_equal(
		sip_sdp_parse(&sdp,
			      sip_span_of(SESSION
					  "a=sendonly\r\nm=video 5000 RTP/AVP 31\r\n"
					  "m=audio 6000 RTP/AVP 9 96 8 97\r\n"
					  "c=IN IP4 198.51.100.2\r\na=rtpmap:96 pcmu/8000/1\r\n"
					  "a=rtpmap:97 telephone-event/16000\r\n"
					  "m=audio 7000 RTP/AVP 0\r\n")),
		0);
	assert_string_equal(sdp.address, "198.51.100.2");
	assert_int_equal(sdp.port, 6000);
	assert_int_equal(sdp.direction, SIP_SDP_SENDONLY);
	assert_int_equal(sdp.stream_count, 3);
	assert_int_equal(sdp.stream_chosen, 1);
	assert_int_equal(sdp.format_count, 4);
	assert_int_equal(sdp.formats[0].codec, SIP_SDP_OTHER);
	assert_int_equal(sdp.formats[1].codec, SIP_SDP_PCMU);
	assert_int_equal(sdp.formats[2].codec, SIP_SDP_PCMA);
	assert_int_equal(sdp.formats[3].codec, SIP_SDP_OTHER);
}

/* RFC 3264 6: all streams, in order, the untaken with port 0; formats numbered as offered. */
static void test_answer_has_the_offers_streams_rfc3264_6(void **state)
{
	struct sip_sdp offer, local, answer;
	char text[1024];

	(void)state;
	assert_int_equal(
		sip_sdp_parse(&offer, sip_span_of(SESSION "m=video 5000 RTP/AVP 31 32\r\n"
							  "m=audio 6000 RTP/AVP 18 96 8\r\n"
							  "a=rtpmap:96 telephone-event/8000\r\n")),
		0);
	sip_sdp_offer(&local, "192.0.2.1", 4000, SIP_SDP_SENDRECV);
	assert_int_equal(sip_sdp_answer(&answer, &offer, &local), 0);
	assert_true(sip_sdp_write(&answer, text, sizeof(text)) > 0);
	assert_non_null(strstr(text,
			       "t=0 0\r\nm=video 0 RTP/AVP 31\r\nm=audio 4000 RTP/AVP 96 8\r\n"
			       "a=rtpmap:96 telephone-event/8000\r\na=fmtp:96 0-15\r\n"
			       "a=rtpmap:8 PCMA/8000\r\na=sendrecv\r\n"));
}

static void test_directions_are_mirrored_and_not_widened_rfc3264_6_1(void **state)
{
	/* offered, ours, answered: letters of sendrecv, Sendonly, Recvonly, Inactive */
	static const enum sip_sdp_direction rows[][3] = {
		{SIP_SDP_SENDRECV, SIP_SDP_SENDRECV, SIP_SDP_SENDRECV},
		{SIP_SDP_SENDONLY, SIP_SDP_SENDRECV, SIP_SDP_RECVONLY},
		{SIP_SDP_RECVONLY, SIP_SDP_SENDRECV, SIP_SDP_SENDONLY},
		{SIP_SDP_INACTIVE, SIP_SDP_SENDRECV, SIP_SDP_INACTIVE},
		{SIP_SDP_SENDRECV, SIP_SDP_INACTIVE, SIP_SDP_INACTIVE},
		{SIP_SDP_SENDONLY, SIP_SDP_SENDONLY, SIP_SDP_INACTIVE},
		{SIP_SDP_SENDRECV, SIP_SDP_RECVONLY, SIP_SDP_RECVONLY},
	};
	struct sip_sdp offer, local, answer;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		sip_sdp_offer(&offer, "192.0.2.2", 2, rows[i][0]);
		sip_sdp_offer(&local, "192.0.2.1", 1, rows[i][1]);
		assert_int_equal(sip_sdp_answer(&answer, &offer, &local), 0);
		assert_int_equal(answer.direction, rows[i][2]);
	}
}

static void test_no_common_codec_is_unsupported(void **state)
{
	struct sip_sdp offer, local, answer;

	(void)state;
	sip_sdp_offer(&local, "192.0.2.1", 4000, SIP_SDP_SENDRECV);
	assert_int_equal(
		sip_sdp_parse(&offer, sip_span_of(SESSION "m=audio 6000 RTP/AVP 18 101\r\n"
							  "a=rtpmap:101 telephone-event/8000\r\n")),
		0);
	assert_int_equal(sip_sdp_answer(&answer, &offer, &local), SIP_EUNSUPPORTED);
	sip_sdp_offer(&offer, "192.0.2.2", 0, SIP_SDP_SENDRECV);
	assert_int_equal(sip_sdp_answer(&answer, &offer, &local), SIP_EUNSUPPORTED);
}

static void test_broken_descriptions_are_refused(void **state)
{
	static const struct {
		const char *text;
		int error;
	} rows[] = {
		{"", SIP_EVALUE},
		{"hello", SIP_EVALUE},
		{SESSION, SIP_EUNSUPPORTED},
		{SESSION "m=video 1 RTP/AVP 31\r\n", SIP_EUNSUPPORTED},
		{SESSION "m=audio 1 RTP/SAVP 0\r\n", SIP_EUNSUPPORTED},
		{HEAD "t=0 0\r\nm=audio 1 RTP/AVP 0\r\n", SIP_EVALUE},
		{HEAD "c=IN IP9 x\r\nt=0 0\r\nm=audio 1 RTP/AVP 0\r\n", SIP_EVALUE},
		{SESSION "m=audio 65536 RTP/AVP 0\r\n", SIP_ERANGE},
		{SESSION "m=audio x RTP/AVP 0\r\n", SIP_EVALUE},
		{SESSION "m=audio 1 RTP/AVP 128\r\n", SIP_ERANGE},
		{SESSION "m=audio 1 RTP/AVP x\r\n", SIP_EVALUE},
		{SESSION "m=averyveryverylongname 1 RTP/AVP 0\r\n", SIP_ESIZE},
	};
	struct sip_sdp sdp;
	static char big[SIP_SDP_MAX + 2];
	size_t length;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		if (sip_sdp_parse(&sdp, sip_span_of(rows[i].text)) != rows[i].error)
			fail_msg("%s: %d", rows[i].text,
				 sip_sdp_parse(&sdp, sip_span_of(rows[i].text)));
	assert_int_equal(sip_sdp_parse(&sdp, (struct sip_span){SESSION "\0", sizeof(SESSION)}),
			 SIP_EVALUE);
	memset(big, 'x', SIP_SDP_MAX + 1);
	assert_int_equal(sip_sdp_parse(&sdp, sip_span_of(big)), SIP_ESIZE);
	length = (size_t)snprintf(big, sizeof(big), SESSION);
	for (int i = 0; i <= SIP_SDP_STREAMS_MAX; i++)
		length += (size_t)snprintf(big + length, sizeof(big) - length,
					   "m=audio 1 RTP/AVP 0\r\n");
	assert_int_equal(sip_sdp_parse(&sdp, sip_span_of(big)), SIP_ESIZE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_offer_is_written_exactly),
		cmocka_unit_test(test_what_is_written_is_read_back),
		cmocka_unit_test(test_foreign_offer_is_read),
		cmocka_unit_test(test_answer_has_the_offers_streams_rfc3264_6),
		cmocka_unit_test(test_directions_are_mirrored_and_not_widened_rfc3264_6_1),
		cmocka_unit_test(test_no_common_codec_is_unsupported),
		cmocka_unit_test(test_broken_descriptions_are_refused),
	};

	sip_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
