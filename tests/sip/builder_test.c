/* sip/builder: RFC 3261 8.2.6 (responses), 18.2.1 and RFC 3581 (received, rport); no injection. */
#include "tests/sip/parse.h"

#include "sip/builder.h"

#define INVITE                                                                                     \
	"INVITE sip:bob@192.0.2.4 SIP/2.0\r\n"                                                     \
	"Via: SIP/2.0/UDP p1.example.com:5070 ;branch=z9hG4bKp1;rport;x=\"a;b\" , "                \
	"SIP/2.0/UDP 192.0.2.1;branch=z9hG4bKa\r\n"                                                \
	"v: SIP/2.0/TCP inner;branch=z9hG4bKi\r\n"                                                 \
	"Record-Route: <sip:p1.example.com;lr>\r\n"                                                \
	"f: Alice <sip:alice@example.com>;tag=a1\r\n"                                              \
	"To: Bob\r\n <sip:bob@example.com>\r\n"                                                    \
	"Call-ID: c1\r\nCSeq: 3 INVITE\r\nTimestamp: 54\r\n\r\n"

static char bytes[SIP_MESSAGE_MAX];

static void test_request_is_read_back_as_written(void **state)
{
	struct sip_builder b;
	struct sip_message m;
	int length;

	(void)state;
	sip_builder_init(&b, bytes, sizeof(bytes));
	sip_builder_request(&b, "INVITE", "sip:bob@example.com");
	sip_builder_header(&b, "Via", "SIP/2.0/UDP %s:%u;branch=%s;rport", "192.0.2.1", 5060,
			   "z9hG4bK1");
	sip_builder_header(&b, "From", "<sip:a@x>;tag=%s", "t");
	sip_builder_header(&b, "To", "<sip:bob@example.com>");
	sip_builder_header(&b, "Call-ID", "c");
	sip_builder_header(&b, "CSeq", "%u INVITE", 1u);
	length = sip_builder_finish_body(&b, "application/sdp", sip_span_of("v=0\r\n"));
	assert_int_equal(length, strlen(bytes));
	m = parse(bytes);
	assert_span(m.body, "v=0\r\n");
	assert_span(sip_message_header(&m, SIP_CONTENT_TYPE, 0)->value, "application/sdp");
	assert_span(sip_message_header(&m, SIP_CONTENT_LENGTH, 0)->value, "5");
	sip_message_clear(&m);
}

static void test_line_ends_in_values_are_refused(void **state)
{
	static const char *const attacks[] = {"a\r\nContact: <sip:evil@x>", "a\nX: y", "a\rb"};
	struct sip_builder b;

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		sip_builder_init(&b, bytes, sizeof(bytes));
		sip_builder_header(&b, "Subject", "%s", attacks[i]);
		sip_builder_header(&b, "Good", "one");
		assert_int_equal(sip_builder_finish(&b), SIP_EINJECTION);
		sip_builder_init(&b, bytes, sizeof(bytes));
		sip_builder_request(&b, "OPTIONS", attacks[i]);
		assert_int_equal(sip_builder_finish(&b), SIP_EINJECTION);
		sip_builder_init(&b, bytes, sizeof(bytes));
		sip_builder_status(&b, 200, attacks[i]);
		assert_int_equal(sip_builder_finish(&b), SIP_EINJECTION);
		sip_builder_init(&b, bytes, sizeof(bytes));
		sip_builder_header(&b, attacks[i], "v");
		assert_int_equal(sip_builder_finish(&b), SIP_EINJECTION);
	}
	sip_builder_init(&b, bytes, sizeof(bytes));
	sip_builder_header(&b, "Subject", "a%cb", '\0');
	assert_int_equal(sip_builder_finish(&b), SIP_EINJECTION);
}

/* Every buffer that is too small gives SIP_ESPACE, and no byte after it is touched. */
static void test_every_small_buffer_is_refused(void **state)
{
	struct sip_message request = parse(INVITE);
	struct sip_builder b;
	struct sip_reply reply = {.request = &request,
				  .status = 180,
				  .to_tag = "t",
				  .source = "192.0.2.9",
				  .source_port = 1};
	int needed;

	(void)state;
	sip_builder_init(&b, bytes, sizeof(bytes));
	sip_builder_reply(&b, &reply);
	needed = sip_builder_finish(&b);
	assert_true(needed > 0);
	for (size_t size = 0; size <= (size_t)needed; size++) {
		bytes[size] = '#';
		sip_builder_init(&b, bytes, size);
		sip_builder_reply(&b, &reply);
		assert_int_equal(sip_builder_finish(&b), SIP_ESPACE);
		assert_int_equal(bytes[size], '#');
	}
	sip_builder_init(&b, bytes, (size_t)needed + 1);
	sip_builder_reply(&b, &reply);
	assert_int_equal(sip_builder_finish(&b), needed);
	sip_message_clear(&request);
}

static struct sip_message reply_to(const struct sip_reply *reply)
{
	struct sip_builder b;

	sip_builder_init(&b, bytes, sizeof(bytes));
	sip_builder_reply(&b, reply);
	assert_true(sip_builder_finish(&b) > 0);
	return parse(bytes);
}

static void test_response_copies_what_8_2_6_2_says(void **state)
{
	struct sip_message request = parse(INVITE);
	struct sip_message m = reply_to(&(struct sip_reply){&request, 200, NULL, "b1", NULL, 0});
	struct sip_span via;

	(void)state;
	assert_span(m.reason, "OK");
	assert_true(sip_message_element(&m, SIP_VIA, 2, &via));
	assert_span(via, "SIP/2.0/TCP inner;branch=z9hG4bKi");
	assert_span(m.via.text,
		    "SIP/2.0/UDP p1.example.com:5070 ;branch=z9hG4bKp1;rport;x=\"a;b\"");
	assert_span(m.from.text, "Alice <sip:alice@example.com>;tag=a1");
	assert_span(m.to.uri, "sip:bob@example.com");
	assert_span(m.to.tag, "b1");
	assert_span(m.call_id, "c1");
	assert_int_equal(m.cseq.number, 3);
	assert_non_null(sip_message_header(&m, SIP_RECORD_ROUTE, 0));
	assert_null(sip_message_header(&m, SIP_TIMESTAMP, 0));
	sip_message_clear(&m);

	m = reply_to(&(struct sip_reply){&request, 100, NULL, "b1", NULL, 0});
	assert_null(m.to.tag.at);
	assert_null(sip_message_header(&m, SIP_RECORD_ROUTE, 0));
	assert_non_null(sip_message_header(&m, SIP_TIMESTAMP, 0));
	sip_message_clear(&m);

	m = reply_to(&(struct sip_reply){&request, 486, "No way", "b1", NULL, 0});
	assert_span(m.reason, "No way");
	assert_null(sip_message_header(&m, SIP_RECORD_ROUTE, 0));
	sip_message_clear(&m);
	sip_message_clear(&request);
}

static void test_to_tag_of_a_request_stays(void **state)
{
	struct sip_message request =
		parse("BYE sip:b@x SIP/2.0\r\nVia: SIP/2.0/UDP x;branch=z9hG4bK1\r\n"
		      "From: <sip:a@x>;tag=1\r\nTo: <sip:b@x>;tag=mine\r\n"
		      "Call-ID: c\r\nCSeq: 1 BYE\r\n\r\n");
	struct sip_message m = reply_to(&(struct sip_reply){&request, 200, NULL, "other", NULL, 0});

	(void)state;
	assert_span(m.to.tag, "mine");
	sip_message_clear(&m);
	sip_message_clear(&request);
}

static void test_source_is_told_in_the_top_via_18_2_1_rfc3581(void **state)
{
	struct sip_message request = parse(INVITE);
	struct sip_message m =
		reply_to(&(struct sip_reply){&request, 200, NULL, "b1", "203.0.113.7", 40000});
	struct sip_via second;

	(void)state;
	assert_span(m.via.received, "203.0.113.7");
	assert_int_equal(m.via.rport, 40000);
	assert_span(m.via.branch, "z9hG4bKp1");
	assert_true(sip_param_find(m.via.params, "x", NULL));
	assert_int_equal(sip_message_via(&m, 1, &second), 0);
	assert_null(second.received.at);
	sip_message_clear(&m);
	sip_message_clear(&request);

	/* Not asked for, and the sent-by is the source: nothing is added. */
	request = parse(
		"OPTIONS sip:b@x SIP/2.0\r\nVia: SIP/2.0/UDP [2001:DB8::1];branch=z9hG4bK1\r\n"
		"From: <sip:a@x>;tag=1\r\nTo: <sip:b@x>\r\nCall-ID: c\r\nCSeq: 1 OPTIONS\r\n\r\n");
	m = reply_to(&(struct sip_reply){&request, 200, NULL, "b1", "2001:db8::1", 5060});
	assert_span(m.via.text, "SIP/2.0/UDP [2001:DB8::1];branch=z9hG4bK1");
	sip_message_clear(&m);
	sip_message_clear(&request);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_request_is_read_back_as_written),
		cmocka_unit_test(test_line_ends_in_values_are_refused),
		cmocka_unit_test(test_every_small_buffer_is_refused),
		cmocka_unit_test(test_response_copies_what_8_2_6_2_says),
		cmocka_unit_test(test_to_tag_of_a_request_stays),
		cmocka_unit_test(test_source_is_told_in_the_top_via_18_2_1_rfc3581),
	};

	sip_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
