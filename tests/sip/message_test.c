/* sip/message: RFC 3261 7, 8.1.1, 18.3, 20; strict checks that libosip2 leaves out (RFC 4475's
 * kinds). */
#include "tests/sip/parse.h"

#include <stdio.h>
#include <stdlib.h>

#define VIA "Via: SIP/2.0/UDP 192.0.2.1:5062;branch=z9hG4bK77;rport\r\n"
#define PARTIES                                                                                    \
	"From: \"Alice, of \\\"A\\\"\" <sip:alice@example.com>;tag=a1\r\n"                         \
	"To: <sip:bob@example.com>\r\n"                                                            \
	"Call-ID: c1@192.0.2.1\r\n"
#define OPTIONS "OPTIONS sip:bob@example.com SIP/2.0\r\n"
#define CORE VIA PARTIES "CSeq: 7 OPTIONS\r\n"

static int parse_error(const char *text)
{
	struct sip_message message;
	int error = sip_message_parse(&message, text, strlen(text));

	assert_true(error != 0 || message.block);
	sip_message_clear(&message);
	return error;
}

static void test_request_decodes_7_1(void **state)
{
	struct sip_message m = parse(OPTIONS CORE "Max-Forwards: 69\r\n\r\n");

	(void)state;
	assert_true(m.is_request);
	assert_int_equal(m.method, SIP_OPTIONS);
	assert_span(m.request_uri, "sip:bob@example.com");
	assert_int_equal(m.status, 0);
	assert_string_equal(m.via.host, "192.0.2.1");
	assert_int_equal(m.via.port, 5062);
	assert_int_equal(m.via.transport, SIP_UDP);
	assert_span(m.via.branch, "z9hG4bK77");
	assert_true(m.via.wants_rport);
	assert_int_equal(m.via.rport, 0);
	assert_span(m.from.display, "Alice, of \\\"A\\\"");
	assert_span(m.from.uri, "sip:alice@example.com");
	assert_span(m.from.tag, "a1");
	assert_null(m.to.tag.at);
	assert_span(m.call_id, "c1@192.0.2.1");
	assert_int_equal(m.cseq.number, 7);
	assert_int_equal(m.max_forwards, 69);
	sip_message_clear(&m);
}

static void test_response_decodes_7_2(void **state)
{
	struct sip_message m = parse("SIP/2.0 404 Not  there: \xc3\xa9\r\n" CORE "\r\n");

	(void)state;
	assert_false(m.is_request);
	assert_int_equal(m.status, 404);
	assert_span(m.reason, "Not  there: \xc3\xa9");
	assert_int_equal(m.method, SIP_OPTIONS);
	assert_int_equal(m.max_forwards, SIP_MAX_FORWARDS_DEFAULT);
	sip_message_clear(&m);
	m = parse("SIP/2.0 100 \r\n" CORE "\r\n");
	assert_int_equal(m.reason.length, 0);
	sip_message_clear(&m);
}

static void test_folded_compact_and_odd_case_lines_7_3(void **state)
{
	static const char text[] =
		"MESSAGE sip:b@x SIP/2.0\r\n"
		"v:  SIP / 2.0 / TCP  spindle.example.com ;\r\n"
		"  branch  =  z9hG4bK9 ,\r\n SIP/2.0/UDP [2001:db8::1]:5070;branch=z2\r\n"
		"fROM:\r\n\t<sip:a@x> ; tag = 1918\r\n"
		"t : sip:b@x;tag=2\r\n"
		"i: abc\r\nCSEQ:  0009\r\n   MESSAGE\r\nNewFangled: newfangled value\r\n "
		"continued\r\n"
		"l: 3\r\n\r\nabcdef";
	struct sip_message m = parse(text);
	struct sip_via second;

	(void)state;
	assert_string_equal(m.via.host, "spindle.example.com");
	assert_int_equal(m.via.transport, SIP_TCP);
	assert_span(m.via.branch, "z9hG4bK9");
	assert_int_equal(sip_message_via(&m, 1, &second), 0);
	assert_string_equal(second.host, "2001:db8::1");
	assert_int_equal(second.port, 5070);
	assert_int_equal(sip_message_via(&m, 2, &second), SIP_EABSENT);
	assert_span(m.from.tag, "1918");
	assert_span(m.to.tag, "2");
	assert_span(m.to.uri, "sip:b@x");
	assert_int_equal(m.cseq.number, 9);
	assert_span(sip_message_header_named(&m, "newfangled", 0)->value,
		    "newfangled value   continued");
	assert_span(sip_message_header_named(&m, "newfangled", 0)->line,
		    "NewFangled: newfangled value\r\n continued\r\n");
	assert_ptr_equal(sip_message_header_named(&m, "Via", 0),
			 sip_message_header_named(&m, "V", 0));
	assert_span(m.body, "abc");
	assert_span(m.received, text);
	sip_message_clear(&m);
}

static void test_shared_message_outlives_the_one_that_came(void **state)
{
	struct sip_message m = parse("SIP/2.0 200 OK\r\n" CORE "X: folded\r\n line\r\n\r\nbody");
	struct sip_message shared;

	(void)state;
	sip_message_share(&shared, &m);
	assert_ptr_equal(shared.received.at, m.received.at);
	sip_message_clear(&m);
	assert_span(sip_message_header_named(&shared, "X", 0)->value, "folded   line");
	assert_span(shared.body, "body");
	sip_message_clear(&shared);
	sip_message_clear(&shared);
}

static void test_lists_of_several_lines_are_walked_as_one_7_3_1(void **state)
{
	struct sip_message m =
		parse(OPTIONS CORE "Route: <sip:a@x;lr>, <sip:b,c@x?h=1,2>\r\n"
				   "Contact: \"One, two\" <sip:c1@x>;expires=30, sip:c2@x;q=0.1\r\n"
				   "Route: <sip:d@x>\r\n\r\n");
	struct sip_cursor cursor = {0};
	struct sip_span element;
	struct sip_address address;

	(void)state;
	assert_true(sip_message_next(&m, SIP_ROUTE, &cursor, &element));
	assert_span(element, "<sip:a@x;lr>");
	assert_true(sip_message_next(&m, SIP_ROUTE, &cursor, &element));
	assert_span(element, "<sip:b,c@x?h=1,2>");
	assert_true(sip_message_next(&m, SIP_ROUTE, &cursor, &element));
	assert_span(element, "<sip:d@x>");
	assert_false(sip_message_next(&m, SIP_ROUTE, &cursor, &element));
	assert_true(sip_message_element(&m, SIP_ROUTE, 2, &element));
	assert_false(sip_message_element(&m, SIP_ROUTE, 3, &element));
	assert_int_equal(sip_message_address(&m, SIP_CONTACT, 0, &address), 0);
	assert_span(address.display, "One, two");
	assert_int_equal(sip_message_address(&m, SIP_CONTACT, 1, &address), 0);
	assert_span(address.uri, "sip:c2@x");
	assert_span(address.params, "q=0.1");
	assert_int_equal(sip_message_address(&m, SIP_CONTACT, 2, &address), SIP_EABSENT);
	sip_message_clear(&m);
}

/* RFC 4475 3.1.1.2's kind: libosip2 refuses it, RFC 3261's grammar does not. */
static void test_unusual_but_valid_is_accepted(void **state)
{
	static const char text[] =
		"!interesting-Method0123456789_*+`.%indeed'~ "
		"sip:1_unusual.URI~(to-be!sure)&isn't+it$/crazy?,/;;*:&"
		"it+has=1,weird!*pas$wo~d_too.(doesn't-it)@example.com SIP/2.0\r\n" VIA
		"To: \"NUL:\\\0 BEL:\\\a DEL:\\\x7f\" "
		"<sip:1_unusual.URI~(to-be!sure)&isn't+it$/crazy?,/;;*"
		"@example.com>\r\nFrom: token1~` token2'+_ token3*%!.- "
		"<sip:a@x?h=v>;tag=b\r\nCall-ID: "
		"intmeth.word%ZK-!.*_+'@word`~)(><:\\/\"][?}{\r\n"
		"CSeq: 139122385 !interesting-Method0123456789_*+`.%indeed'~\r\n\r\n";
	struct sip_message m;
	struct sip_uri uri;

	(void)state;
	assert_int_equal(sip_message_parse(&m, text, sizeof(text) - 1), 0);
	assert_int_equal(m.method, SIP_METHOD_OTHER);
	assert_int_equal(sip_uri_parse(&uri, m.request_uri), 0);
	assert_string_equal(uri.host, "example.com");
	sip_message_clear(&m);
	m = parse("OPTIONS soap.beep://192.0.2.103:3002 SIP/2.0\r\n" CORE "\r\n");
	sip_message_clear(&m);
}

static void test_broken_first_lines_are_refused_7_1(void **state)
{
	static const struct {
		const char *line;
		int error;
	} rows[] = {
		{"OPTIONS  sip:bob@example.com SIP/2.0", SIP_ESTART},
		{"OPTIONS sip:bob@example.com  SIP/2.0", SIP_ESTART},
		{"OPTIONS sip:bob@example.com SIP/2.0 ", SIP_ESTART},
		{"OPTIONS sip:bob@example.com; lr SIP/2.0", SIP_ESTART},
		{"OPTIONS <sip:bob@example.com> SIP/2.0", SIP_ESTART},
		{"OPTIONS sip:bob@example.com?Route=%3Csip:x%3E SIP/2.0", SIP_ESTART},
		{"OPTIONS sip:bob@ex%20ample.com SIP/2.0", SIP_ESTART},
		{"OPTIONS sip:bob@example.com:70000 SIP/2.0", SIP_ESTART},
		{"OPTIONS bob SIP/2.0", SIP_ESTART},
		{"OPTIONS sip:bob@example.com", SIP_ESTART},
		{"OPT(IONS sip:bob@example.com SIP/2.0", SIP_ESTART},
		{"OPTIONS sip:bob@example.com SIP/7.0", SIP_EVERSION},
		{"SIP/3.0 200 OK", SIP_EVERSION},
		{"SIP/2.0 4294967301 better not", SIP_ESTART},
		{"SIP/2.0 099 low", SIP_ERANGE},
		{"SIP/2.0 700 high", SIP_ERANGE},
		{"SIP/2.0 2x0 OK", SIP_EVALUE},
		{"SIP/2.0 20", SIP_ESTART},
		{"SIP/2.0", SIP_ESTART},
		{":", SIP_ESTART},
	};
	char text[1024];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		snprintf(text, sizeof(text), "%s\r\n" CORE "\r\n", rows[i].line);
		if (parse_error(text) != rows[i].error)
			fail_msg("%s: %s", rows[i].line, sip_strerror(parse_error(text)));
	}
}

static void test_each_mandatory_header_is_needed_once_8_1_1(void **state)
{
	static const char *const lines[] = {VIA, "From: <sip:a@x>;tag=1\r\n", "To: <sip:b@x>\r\n",
					    "Call-ID: c\r\n", "CSeq: 7 OPTIONS\r\n"};
	char text[1024];

	(void)state;
	for (size_t missing = 0; missing < 5; missing++) {
		snprintf(text, sizeof(text), OPTIONS "%s%s%s%s%s\r\n", missing == 0 ? "" : lines[0],
			 missing == 1 ? "" : lines[1], missing == 2 ? "" : lines[2],
			 missing == 3 ? "" : lines[3], missing == 4 ? "" : lines[4]);
		assert_int_equal(parse_error(text), SIP_EABSENT);
	}
	for (size_t twice = 1; twice < 5; twice++) {
		snprintf(text, sizeof(text), OPTIONS "%s%s%s%s%s%s\r\n", lines[0], lines[1],
			 lines[2], lines[3], lines[4], lines[twice]);
		assert_int_equal(parse_error(text), SIP_EREPEATED);
	}
}

static void test_values_out_of_range_or_grammar_are_refused(void **state)
{
	static const struct {
		const char *rest;
		int error;
	} rows[] = {
		{VIA PARTIES "CSeq: 2147483648 OPTIONS\r\n", SIP_ERANGE},
		{VIA PARTIES "CSeq: 36893488147419103232 OPTIONS\r\n", SIP_ERANGE},
		{VIA PARTIES "CSeq: 7 INVITE\r\n", SIP_EMETHOD},
		{VIA PARTIES "CSeq: 7 options\r\n", SIP_EMETHOD},
		{VIA PARTIES "CSeq: OPTIONS\r\n", SIP_EVALUE},
		{CORE "Max-Forwards: 256\r\n", SIP_ERANGE},
		{CORE "Max-Forwards: -1\r\n", SIP_EVALUE},
		{CORE "Expires: 4294967296\r\n", SIP_ERANGE},
		{CORE "Expires: soon\r\n", SIP_EVALUE},
		{CORE "Retry-After: 949302838503028349304023988\r\n", SIP_ERANGE},
		{CORE "Content-Length: -999\r\n", SIP_EVALUE},
		{CORE "Content-Length: 1\r\n", SIP_EBODY},
		{CORE "Content-Length: 0\r\nl: 0\r\n", SIP_EREPEATED},
		{CORE "No colon\r\n", SIP_ELINE},
		{CORE "Bad name: x\r\n", SIP_ELINE},
		{CORE ": x\r\n", SIP_ELINE},
		{CORE "Lone: x\ny\r\n", SIP_ELINE},
		{CORE "Lone: x\ry\r\n", SIP_ELINE},
		{CORE "Control: \x01\r\n", SIP_ELINE},
		{"Via: SIP/2.0/UDP 192.0.2.15;;,;,,\r\n" PARTIES "CSeq: 7 OPTIONS\r\n", SIP_EVALUE},
		{"Via: SIP/7.0/UDP x;branch=z\r\n" PARTIES "CSeq: 7 OPTIONS\r\n", SIP_EVALUE},
		{"Via: SIP/2.0/UDP ho st\r\n" PARTIES "CSeq: 7 OPTIONS\r\n", SIP_EVALUE},
		{"Via: SIP/2.0/UDP x:0\r\n" PARTIES "CSeq: 7 OPTIONS\r\n", SIP_ERANGE},
		{VIA "From: <sip:a@x>;tag=1\r\nTo: \"Mr. J. User <sip:j@x>\r\nCall-ID: c\r\nCSeq: "
		     "1 OPTIONS\r\n",
		 SIP_EVALUE},
		{VIA "From: <sip:a@x>;tag=1\r\nTo: <sip:j@x\r\nCall-ID: c\r\nCSeq: 1 OPTIONS\r\n",
		 SIP_EVALUE},
		{VIA "From: < sip:a@x>;tag=1\r\nTo: <sip:j@x>\r\nCall-ID: c\r\nCSeq: 1 OPTIONS\r\n",
		 SIP_EVALUE},
		{VIA "From: sip:a@x?h=v\r\nTo: <sip:j@x>\r\nCall-ID: c\r\nCSeq: 1 OPTIONS\r\n",
		 SIP_EVALUE},
		{VIA "From: *\r\nTo: <sip:j@x>\r\nCall-ID: c\r\nCSeq: 1 OPTIONS\r\n", SIP_EVALUE},
		{VIA "From: <sip:a@x> tag=1\r\nTo: <sip:j@x>\r\nCall-ID: c\r\nCSeq: 1 OPTIONS\r\n",
		 SIP_EVALUE},
		{VIA "From: <sip:a@x>\r\nTo: <sip:j@x>\r\nCall-ID: c d\r\nCSeq: 1 OPTIONS\r\n",
		 SIP_EVALUE},
		{VIA "From: <sip:a@x>\r\nTo: <sip:j@x>\r\nCall-ID:\r\nCSeq: 1 OPTIONS\r\n",
		 SIP_EVALUE},
	};
	char text[1024];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		snprintf(text, sizeof(text), OPTIONS "%s\r\n", rows[i].rest);
		if (parse_error(text) != rows[i].error)
			fail_msg("%s: %s", rows[i].rest, sip_strerror(parse_error(text)));
	}
}

static void test_datagram_bounds_7_5_18_3(void **state)
{
	static char big[SIP_MESSAGE_MAX + 1];
	struct sip_message m = parse("\r\n\r\n" OPTIONS CORE "\r\nbody");
	size_t length;

	(void)state;
	assert_span(m.body, "body");
	sip_message_clear(&m);
	assert_int_equal(parse_error(""), SIP_EEMPTY);
	assert_int_equal(parse_error("\r\n\r\n"), SIP_EEMPTY);
	assert_int_equal(parse_error(OPTIONS CORE), SIP_ELINE);
	assert_int_equal(sip_message_parse(&m, big, sizeof(big)), SIP_ESIZE);

	length = (size_t)snprintf(big, sizeof(big), OPTIONS CORE);
	for (int i = 5; i < SIP_LINES_MAX; i++)
		length += (size_t)snprintf(big + length, sizeof(big) - length, "X: %d\r\n", i);
	memcpy(big + length, "\r\n", 3);
	assert_int_equal(sip_message_parse(&m, big, length + 2), 0);
	assert_int_equal(m.header_count, SIP_LINES_MAX);
	sip_message_clear(&m);
	memcpy(big + length, "Y: 1\r\n\r\n", 9);
	assert_int_equal(sip_message_parse(&m, big, length + 8), SIP_ESIZE);
}

/* Each cut of a valid datagram is an error and reads nothing outside (the block has its exact
 * size). */
static void test_every_truncation_is_refused(void **state)
{
	static const char text[] = OPTIONS CORE "Content-Length: 4\r\n\r\nbody";
	struct sip_message m;

	(void)state;
	for (size_t length = 0; length < sizeof(text) - 1; length++) {
		char *exact = malloc(length + !length);
		assert_non_null(exact);
		memcpy(exact, text, length);
		assert_int_not_equal(sip_message_parse(&m, exact, length), 0);
		assert_null(m.block);
		free(exact);
	}
}

static void test_seconds_20_33(void **state)
{
	struct sip_message m = parse("SIP/2.0 503 No\r\n" CORE
				     "Retry-After: 120 (I'm in a meeting);duration=3600\r\n"
				     "Min-Expires: 4294967295\r\n\r\n");
	uint32_t seconds = 1;

	(void)state;
	assert_int_equal(sip_message_seconds(&m, SIP_RETRY_AFTER, &seconds), 0);
	assert_int_equal(seconds, 120);
	assert_int_equal(sip_message_seconds(&m, SIP_MIN_EXPIRES, &seconds), 0);
	assert_int_equal(seconds, UINT32_MAX);
	assert_int_equal(sip_message_seconds(&m, SIP_EXPIRES, &seconds), SIP_EABSENT);
	sip_message_clear(&m);
}

static void test_time_granted_to_our_contact_10_2_4(void **state)
{
	struct sip_message m =
		parse("SIP/2.0 200 OK\r\n" CORE "Contact: <sip:a@192.0.2.9:5060>;expires=10\r\n"
		      "Contact: <sip:a@192.0.2.1:5062;x=1>;expires=\"no\", "
		      "<sip:A@192.0.2.1>;q=1\r\nContact: <sip:a@HOST:5062>;expires=295\r\n"
		      "Expires: 3600\r\n\r\n");
	struct sip_uri uri;
	uint32_t seconds = 0;

	(void)state;
	assert_int_equal(sip_uri_parse(&uri, sip_span_of("sip:a@host:5062")), 0);
	assert_int_equal(sip_message_granted(&m, &uri, &seconds), 0);
	assert_int_equal(seconds, 295);
	assert_int_equal(sip_uri_parse(&uri, sip_span_of("sip:A@192.0.2.1")), 0);
	assert_int_equal(sip_message_granted(&m, &uri, &seconds), 0);
	assert_int_equal(seconds, 3600);
	assert_int_equal(sip_uri_parse(&uri, sip_span_of("sip:a@192.0.2.1:5062")), 0);
	assert_int_equal(sip_message_granted(&m, &uri, &seconds), SIP_EVALUE);
	assert_int_equal(sip_uri_parse(&uri, sip_span_of("sip:a@192.0.2.1:5063")), 0);
	assert_int_equal(sip_message_granted(&m, &uri, &seconds), SIP_EABSENT);
	sip_message_clear(&m);
}

/* Tens of thousands of elements take one pass, not one for each. */
static void test_long_list_is_walked_once(void **state)
{
	static char big[SIP_MESSAGE_MAX];
	size_t length = (size_t)snprintf(big, sizeof(big), "SIP/2.0 200 OK\r\n" CORE "Contact: ");
	struct sip_message m;
	struct sip_uri uri;
	uint32_t seconds;

	(void)state;
	while (length < sizeof(big) - 16)
		length += (size_t)snprintf(big + length, sizeof(big) - length, "a:b,");
	length += (size_t)snprintf(big + length, sizeof(big) - length, "\r\n\r\n");
	assert_int_equal(sip_message_parse(&m, big, length), 0);
	assert_int_equal(sip_uri_parse(&uri, sip_span_of("sip:a@x")), 0);
	assert_int_equal(sip_message_granted(&m, &uri, &seconds), SIP_EABSENT);
	sip_message_clear(&m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_request_decodes_7_1),
		cmocka_unit_test(test_response_decodes_7_2),
		cmocka_unit_test(test_folded_compact_and_odd_case_lines_7_3),
		cmocka_unit_test(test_shared_message_outlives_the_one_that_came),
		cmocka_unit_test(test_lists_of_several_lines_are_walked_as_one_7_3_1),
		cmocka_unit_test(test_unusual_but_valid_is_accepted),
		cmocka_unit_test(test_broken_first_lines_are_refused_7_1),
		cmocka_unit_test(test_each_mandatory_header_is_needed_once_8_1_1),
		cmocka_unit_test(test_values_out_of_range_or_grammar_are_refused),
		cmocka_unit_test(test_datagram_bounds_7_5_18_3),
		cmocka_unit_test(test_every_truncation_is_refused),
		cmocka_unit_test(test_seconds_20_33),
		cmocka_unit_test(test_time_granted_to_our_contact_10_2_4),
		cmocka_unit_test(test_long_list_is_walked_once),
	};

	sip_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
