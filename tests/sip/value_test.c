/* sip/text, sip/names, sip/value: RFC 3261 19.1, 20.10, 20.42, 25.1. */
#include "tests/sip/parse.h"

static void test_uri_parts_19_1_1(void **state)
{
	struct sip_uri uri;

	(void)state;
	assert_int_equal(
		sip_uri_parse(
			&uri,
			sip_span_of("SIPS:al%69ce;x=1?y:pw@[2001:DB8::9]:5061;TRANSPORT=TCP;lr"
				    ";maddr=[ff02::1]?Subject=a&Priority=b")),
		0);
	assert_true(uri.is_sip && uri.is_secure && uri.is_loose);
	assert_span(uri.user, "al%69ce;x=1?y:pw");
	assert_string_equal(uri.host, "2001:DB8::9");
	assert_int_equal(uri.port, 5061);
	assert_int_equal(uri.transport, SIP_TCP);
	assert_string_equal(uri.maddr, "ff02::1");
	assert_span(uri.params, "TRANSPORT=TCP;lr;maddr=[ff02::1]");
	assert_span(uri.headers, "Subject=a&Priority=b");

	assert_int_equal(sip_uri_parse(&uri, sip_span_of("sip:example.com")), 0);
	assert_null(uri.user.at);
	assert_null(uri.params.at);
	assert_int_equal(uri.port, 0);
	assert_int_equal(uri.transport, SIP_TRANSPORT_OTHER);
	assert_false(uri.is_loose || uri.is_secure);

	assert_int_equal(sip_uri_parse(&uri, sip_span_of("tel:+358-555-1234567;postd=pp22")), 0);
	assert_false(uri.is_sip);
	assert_span(uri.scheme, "tel");
}

static void test_users_are_equal_whatever_is_escaped_19_1_4(void **state)
{
	static const struct {
		const char *a, *b;
		bool equal;
	} rows[] = {
		{"alice", "%61l%69CE", false},
		{"alice", "%61l%69ce", true},
		{"a~b", "a%7Eb", true},
		{"a%7eb", "a%7Eb", true},
		{"a;b", "a%3Bb", false},
		{"a%3bb", "a%3Bb", true},
		{"a%", "a%25", false},
		{"a%2", "a%2", true},
		{"a%00", "a", false},
		{"a%zz", "a%zz", true},
		{"alice", "alicf", false},
		{"alice", "alic", false},
		{"", "", true},
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct sip_span a = sip_span_of(rows[i].a), b = sip_span_of(rows[i].b);

		if (sip_user_equal(a, b) != rows[i].equal || sip_user_equal(b, a) != rows[i].equal)
			fail_msg("%s %s", rows[i].a, rows[i].b);
	}
}

static void test_broken_uris_are_refused(void **state)
{
	static const char *const broken[] = {
		"",
		"sip",
		"sip:",
		"sip:@h",
		"sip:h:abc",
		"sip:h h",
		"sip:h:0",
		"sip:h:65536",
		"sip:a@[::g]",
		"sip:a@h;;lr",
		"sip:a@h;x=",
		"sip:a@b@c",
		"sip:a@h_ä",
		"sip:a@h;maddr=a b",
		"s p:h",
		"sip:a@h\"",
		"sip:[::1",
		"sip:[::1]x",
		"sip:[::1]5060",
		"sip:[::1]:",
		"sip:::1",
		"sip:a]b",
		"sip:h:",
		"sip:h:5060:7",
		":h",
		"sip:h,x",
	};
	struct sip_uri uri;

	(void)state;
	for (size_t i = 0; i < sizeof(broken) / sizeof(*broken); i++)
		if (sip_uri_parse(&uri, sip_span_of(broken[i])) == 0)
			fail_msg("accepted: %s", broken[i]);
}

static void test_longest_host(void **state)
{
	char text[4 + SIP_HOST_MAX + 2] = "sip:";
	struct sip_uri uri;

	(void)state;
	memset(text + 4, 'a', SIP_HOST_MAX);
	assert_int_equal(sip_uri_parse(&uri, sip_span_of(text)), 0);
	assert_int_equal(strlen(uri.host), SIP_HOST_MAX);
	text[4 + SIP_HOST_MAX] = 'a';
	assert_int_equal(sip_uri_parse(&uri, sip_span_of(text)), SIP_EVALUE);
}

static bool equal(const char *a, const char *b)
{
	struct sip_uri first, second;

	assert_int_equal(sip_uri_parse(&first, sip_span_of(a)), 0);
	assert_int_equal(sip_uri_parse(&second, sip_span_of(b)), 0);
	return sip_uri_equal(&first, &second);
}

static void test_uri_equality_19_1_4(void **state)
{
	(void)state;
	assert_true(equal("sip:a@EXAMPLE.com;x=1", "SIP:a@example.com"));
	assert_false(equal("sip:a@example.com", "sip:A@example.com"));
	assert_false(equal("sip:a@example.com", "sips:a@example.com"));
	assert_false(equal("sip:a@example.com", "sip:a@example.com:5060"));
	assert_false(equal("sip:a@example.com", "sip:a@example.com;transport=udp"));
	assert_false(equal("sip:a@example.com", "sip:example.com"));
	assert_true(equal("tel:1", "tel:1"));
	assert_false(equal("tel:1", "sip:1"));
}

static void test_address_forms_20_10(void **state)
{
	struct sip_address a;
	struct sip_span value;

	(void)state;
	assert_int_equal(
		sip_address_parse(&a, sip_span_of(" \"<x>;\\\"y\" <sip:a@h;lr> ; tag=t1 ;"
						  "+sip.instance=\"<urn:uuid:1;2>\" ; flag ")),
		0);
	assert_span(a.display, "<x>;\\\"y");
	assert_span(a.uri, "sip:a@h;lr");
	assert_span(a.tag, "t1");
	assert_true(sip_param_find(a.params, "+SIP.instance", &value));
	assert_span(value, "\"<urn:uuid:1;2>\"");
	assert_span(sip_span_unquote(value), "<urn:uuid:1;2>");
	assert_true(sip_param_find(a.params, "flag", NULL));
	assert_false(sip_param_find(a.params, "lr", NULL));

	assert_int_equal(sip_address_parse(&a, sip_span_of("Mr Watson <sip:w@h>")), 0);
	assert_span(a.display, "Mr Watson");
	assert_null(a.tag.at);
	/* Without angles parameters are the header's. */
	assert_int_equal(sip_address_parse(&a, sip_span_of("sip:a@h;tag=x")), 0);
	assert_span(a.uri, "sip:a@h");
	assert_span(a.tag, "x");
	assert_int_equal(sip_address_parse(&a, sip_span_of("*")), 0);
	assert_true(a.is_star);
	assert_int_equal(sip_address_parse(&a, sip_span_of("<sip:a@h>;tag=a b")), SIP_EVALUE);
	assert_int_equal(sip_address_parse(&a, sip_span_of("<sip:a@h>;tag=\"a")), SIP_EVALUE);
	assert_int_equal(sip_address_parse(&a, sip_span_of("\"a\"b\" <sip:a@h>")), SIP_EVALUE);
	assert_int_equal(sip_address_parse(&a, sip_span_of("<>")), SIP_EVALUE);
	assert_int_equal(sip_address_parse(&a, sip_span_of("")), SIP_EVALUE);
}

static void test_via_20_42(void **state)
{
	struct sip_via via;

	(void)state;
	assert_int_equal(sip_via_parse(&via, sip_span_of("SIP/2.0/TLS h.example;received=192.0.2.3;"
							 "rport=1234;branch=z9hG4bK1")),
			 0);
	assert_int_equal(via.transport, SIP_TLS);
	assert_int_equal(via.port, 0);
	assert_span(via.received, "192.0.2.3");
	assert_int_equal(via.rport, 1234);
	assert_true(sip_via_has_cookie(&via));
	assert_int_equal(sip_via_parse(&via, sip_span_of("SIP/2.0/SCTP h;branch=z9hG4bK")), 0);
	assert_int_equal(via.transport, SIP_TRANSPORT_OTHER);
	assert_false(sip_via_has_cookie(&via));
	assert_int_equal(sip_via_parse(&via, sip_span_of("SIP/2.0/UDP h;rport=x")), SIP_EVALUE);
	assert_int_equal(sip_via_parse(&via, sip_span_of("SIP/2.0/UDP h;rport=65536")), SIP_EVALUE);
	assert_int_equal(sip_via_parse(&via, sip_span_of("SIP/2.0/UDP")), SIP_EVALUE);
	assert_int_equal(sip_via_parse(&via, sip_span_of("SIP/2.0/UDP [h]")), SIP_EVALUE);
	/* Found by the fuzzer: no sent-by, but a parameter that libosip2 would take for one. */
	assert_int_equal(sip_via_parse(&via, sip_span_of("SIP/2.0/UDP; 192.0.2.1;branch=z")),
			 SIP_EVALUE);
}

static void test_numbers_hold_their_range(void **state)
{
	uint32_t number = 5;
	struct sip_cseq cseq;

	(void)state;
	assert_int_equal(sip_span_number(sip_span_of("256"), 255, &number), SIP_ERANGE);
	assert_int_equal(sip_span_number(sip_span_of("18446744073709551617"), UINT32_MAX, &number),
			 SIP_ERANGE);
	assert_int_equal(sip_span_number(sip_span_of("1 "), 255, &number), SIP_EVALUE);
	assert_int_equal(sip_span_number(sip_span_of(""), 255, &number), SIP_EVALUE);
	assert_int_equal(number, 5);
	assert_int_equal(sip_span_number(sip_span_of("000255"), 255, &number), 0);
	assert_int_equal(number, 255);
	assert_int_equal(sip_cseq_parse(&cseq, sip_span_of("2147483647 \t INVITE")), 0);
	assert_int_equal(cseq.number, SIP_CSEQ_MAX);
	assert_int_equal(cseq.method, SIP_INVITE);
	assert_int_equal(sip_cseq_parse(&cseq, sip_span_of("1 INVITE x")), SIP_EVALUE);
}

static void test_copy_fits_or_is_empty(void **state)
{
	char buffer[4] = "xyz";

	(void)state;
	assert_int_equal(sip_span_copy(sip_span_of("abcd"), buffer, sizeof(buffer)), SIP_ESPACE);
	assert_string_equal(buffer, "");
	assert_int_equal(sip_span_copy(sip_span_of("abc"), buffer, sizeof(buffer)), 0);
	assert_string_equal(buffer, "abc");
	assert_int_equal(sip_span_copy((struct sip_span){"a\0b", 3}, buffer, sizeof(buffer)),
			 SIP_EVALUE);
	assert_string_equal(buffer, "");
}

static void test_names_of_everything(void **state)
{
	(void)state;
	assert_int_equal(sip_method_of(sip_span_of("INVITE")), SIP_INVITE);
	assert_int_equal(sip_method_of(sip_span_of("invite")), SIP_METHOD_OTHER);
	assert_string_equal(sip_method_name(SIP_PUBLISH), "PUBLISH");
	for (int i = SIP_HEADER_OTHER + 1; i < SIP_HEADERS_KNOWN; i++) {
		const char *name = sip_header_name((enum sip_header_id)i);
		assert_int_equal(sip_header_id_of(sip_span_of(name)), i);
	}
	assert_int_equal(sip_header_id_of(sip_span_of("M")), SIP_CONTACT);
	assert_int_equal(sip_header_id_of(sip_span_of("q")), SIP_HEADER_OTHER);
	assert_int_equal(sip_transport_of(sip_span_of("tls")), SIP_TLS);
	assert_string_equal(sip_transport_name(SIP_UDP), "UDP");
	assert_string_equal(sip_error_name(SIP_EBODY), "SIP_EBODY");
	assert_string_equal(sip_error_name(0), "SIP_OK");
	assert_string_equal(sip_strerror(-1000), "no error");
	/* RFC 3261 8.1.3.2: an unknown status is its class's x00, an unknown 1xx is 183. */
	assert_string_equal(sip_reason_phrase(503), "Service Unavailable");
	assert_string_equal(sip_reason_phrase(599), "Server Internal Error");
	assert_string_equal(sip_reason_phrase(199), "Session Progress");
	assert_string_equal(sip_reason_phrase(700), "Unknown");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_uri_parts_19_1_1),
		cmocka_unit_test(test_users_are_equal_whatever_is_escaped_19_1_4),
		cmocka_unit_test(test_broken_uris_are_refused),
		cmocka_unit_test(test_longest_host),
		cmocka_unit_test(test_uri_equality_19_1_4),
		cmocka_unit_test(test_address_forms_20_10),
		cmocka_unit_test(test_via_20_42),
		cmocka_unit_test(test_numbers_hold_their_range),
		cmocka_unit_test(test_copy_fits_or_is_empty),
		cmocka_unit_test(test_names_of_everything),
	};

	sip_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
