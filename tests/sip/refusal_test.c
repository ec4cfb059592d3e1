/* sip/refusal: RFC 3261 8.2.6, 17.1.1.3, 21.4.1, 21.5.6. */
#include "sip/refusal.h"
#include "tests/sip/parse.h"

#include <stdlib.h>

#define VIA "Via: SIP/2.0/UDP 192.0.2.7;branch=z9hG4bKa\r\n"
#define REST "From: <sip:b@x>;tag=b\r\nTo: <sip:a@x>\r\nCall-ID: c\r\nCSeq: 7 OPTIONS\r\n"

static int refuse(const char *text, int error, char answer[1024])
{
	const struct sip_refusal refusal = {sip_span_of(text), error, "t"};

	return sip_refusal_write(&refusal, answer, 1024);
}

static void test_what_an_answer_needs_is_copied_8_2_6(void **state)
{
	char answer[1024];
	struct sip_message m;

	(void)state;
	assert_true(
		refuse("\r\nOPTIONS sip:a@x SIP/7.0\r\nX-No: 1\r\nno colon\r\nv: SIP/2.0/UDP\r\n "
		       "192.0.2.7;branch=z9hG4bKa\r\n" VIA REST "From: <sip:c@x>\r\n\r\nbody",
		       SIP_EVERSION, answer) > 0);
	m = parse(answer);
	assert_int_equal(m.status, 505);
	assert_span(m.via.branch, "z9hG4bKa");
	assert_non_null(sip_message_header(&m, SIP_VIA, 1));
	assert_span(m.from.tag, "b");
	assert_span(m.to.tag, "t");
	assert_span(m.call_id, "c");
	assert_int_equal(m.cseq.number, 7);
	assert_null(sip_message_header(&m, SIP_HEADER_OTHER, 0));
	assert_int_equal(m.body.length, 0);
	sip_message_clear(&m);
}

/* What can't be read is copied as it is; what is not there is left out. */
static void test_broken_lines_are_copied_as_they_are(void **state)
{
	char answer[1024];

	(void)state;
	assert_true(refuse("INVITE sip:a@x SIP/2.0\r\n" VIA
			   "To: \"a <sip:a@x>\r\nTo: <sip:a@x>\r\n",
			   SIP_EVALUE, answer) > 0);
	assert_non_null(strstr(answer, "SIP/2.0 400 a header's value breaks its grammar\r\n"));
	assert_non_null(strstr(answer, "\r\nTo: \"a <sip:a@x>\r\nContent-Length: 0\r\n\r\n"));
	assert_true(refuse("INVITE sip:a@x SIP/2.0\r\n" VIA "To: <sip:a@x>;tag=1\r\n\r\n",
			   SIP_EABSENT, answer) > 0);
	assert_non_null(strstr(answer, "To: <sip:a@x>;tag=1\r\n"));
}

static void test_what_is_not_answered(void **state)
{
	static const struct {
		const char *text;
		int error;
	} rows[] = {
		{"SIP/2.0 2000 OK\r\n" VIA REST "\r\n", SIP_EABSENT},
		{"ACK sip:a@x SIP/2.0\r\n" VIA "\r\n", SIP_EABSENT},
		{"OPTIONS sip:a@x SIP/2.0\r\n" REST "\r\n", SIP_EABSENT},
		{"OPTIONS sip:a@x\r\n" VIA "\r\n", SIP_EABSENT},
		{"GET / HTTP/1.1\r\n" VIA "\r\n", SIP_EABSENT},
		{"\r\n\r\n", SIP_EABSENT},
		{"OPTIONS sip:a@x SIP/2.0", SIP_ELINE},
		{"", SIP_ELINE},
		{"OPTIONS sip:a@x SIP/2.0\r\n" VIA "Call-ID: a\nX: b\r\n\r\n", SIP_EINJECTION},
	};
	char answer[1024];

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		if (refuse(rows[i].text, SIP_EVALUE, answer) != rows[i].error)
			fail_msg("%s", rows[i].text);
}

/* Nothing outside the bytes is read, wherever they are cut (the block has its exact size). */
static void test_every_truncation_is_survived(void **state)
{
	static const char text[] = "OPTIONS sip:a@x SIP/7.0\r\n" VIA REST " folded\r\n\r\nbody";
	char answer[1024];

	(void)state;
	for (size_t length = 0; length < sizeof text - 1; length++) {
		struct sip_refusal refusal = {.error = SIP_ELINE, .to_tag = "t"};
		char *exact = malloc(length + !length);

		assert_non_null(exact);
		memcpy(exact, text, length);
		refusal.received = (struct sip_span){exact, length};
		assert_int_equal(sip_refusal_write(&refusal, answer, sizeof answer) > 0,
				 length >= sizeof "OPTIONS sip:a@x SIP/7.0\r\n" VIA - 2);
		free(exact);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_what_an_answer_needs_is_copied_8_2_6),
		cmocka_unit_test(test_broken_lines_are_copied_as_they_are),
		cmocka_unit_test(test_what_is_not_answered),
		cmocka_unit_test(test_every_truncation_is_survived),
	};

	sip_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
