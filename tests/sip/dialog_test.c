/* sip/dialog: RFC 3261 12 (dialogs), 12.2.1.1 (loose and strict routing), 13.2.2.4 (ACK). */
#include "tests/sip/parse.h"

#include "sip/dialog.h"

#include <stdio.h>

#define INVITE                                                                                     \
	"INVITE sip:bob@example.com SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK1\r\n"     \
	"From: \"Al\" <sip:al@example.com>;tag=a\r\nTo: <sip:bob@example.com>\r\nCall-ID: c\r\n"   \
	"CSeq: 42 INVITE\r\nContact: <sip:al@192.0.2.1>\r\n"

/* The answer to INVITE.  Clear it. */
static struct sip_message answer(unsigned status, const char *rest)
{
	char text[8192];

	snprintf(text, sizeof(text),
		 "SIP/2.0 %u X\r\nVia: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK1\r\n"
		 "From: \"Al\" <sip:al@example.com>;tag=a\r\nTo: <sip:bob@example.com>;tag=b\r\n"
		 "Call-ID: c\r\nCSeq: 42 INVITE\r\n%s\r\n",
		 status, rest);
	return parse(text);
}

static int caller_dialog(struct sip_dialog *dialog, unsigned status, const char *rest)
{
	struct sip_message request = parse(INVITE "\r\n"), response = answer(status, rest);
	int error = sip_dialog_from_response(dialog, &request, &response);

	sip_message_clear(&request);
	sip_message_clear(&response);
	return error;
}

/* A request made in the dialog, parsed.  Clear it. */
static struct sip_message made(struct sip_dialog *dialog, const char *method)
{
	static char bytes[8192];
	struct sip_builder b;

	sip_builder_init(&b, bytes, sizeof(bytes));
	sip_dialog_request(dialog, &b, method, "SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK2;rport");
	assert_true(sip_builder_finish(&b) > 0);
	return parse(bytes);
}

#define LOOSE                                                                                      \
	"Record-Route: <sip:p2.example.com;lr>\r\nRecord-Route: <sip:p1.example.com:5070;lr>\r\n"  \
	"Contact: \"B\" <sip:bob@192.0.2.4:5071;x=1>;q=1\r\n"

static void test_caller_takes_reversed_route_and_contact_12_1_2(void **state)
{
	struct sip_dialog d;
	struct sip_message m;

	(void)state;
	assert_int_equal(caller_dialog(&d, 200, LOOSE), 0);
	assert_true(d.is_caller && d.is_confirmed);
	assert_string_equal(d.local, "\"Al\" <sip:al@example.com>");
	assert_string_equal(d.remote, "<sip:bob@example.com>");
	assert_string_equal(d.target, "sip:bob@192.0.2.4:5071;x=1");
	assert_string_equal(d.route, "<sip:p1.example.com:5070;lr>, <sip:p2.example.com;lr>");
	assert_span(sip_dialog_next_hop(&d), "sip:p1.example.com:5070;lr");

	m = made(&d, "BYE");
	assert_span(m.request_uri, "sip:bob@192.0.2.4:5071;x=1");
	assert_span(sip_message_header(&m, SIP_ROUTE, 0)->value, d.route);
	assert_span(m.from.text, "\"Al\" <sip:al@example.com>;tag=a");
	assert_span(m.to.text, "<sip:bob@example.com>;tag=b");
	assert_span(m.call_id, "c");
	assert_int_equal(m.cseq.number, 43);
	assert_int_equal(m.max_forwards, 70);
	sip_message_clear(&m);
}

/* An ACK has the number of its INVITE, whatever was sent between (13.2.2.4). */
static void test_ack_has_its_invites_number(void **state)
{
	struct sip_dialog d;
	static const struct {
		const char *method;
		uint32_t cseq;
	} rows[] = {{"ACK", 42},    {"UPDATE", 43}, {"ACK", 42},
		    {"INVITE", 44}, {"INFO", 45},   {"ACK", 44}};

	(void)state;
	assert_int_equal(caller_dialog(&d, 200, LOOSE), 0);
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct sip_message m = made(&d, rows[i].method);
		assert_int_equal(m.cseq.number, rows[i].cseq);
		sip_message_clear(&m);
	}
}

static void test_strict_router_12_2_1_1(void **state)
{
	struct sip_dialog d;
	struct sip_message m;

	(void)state;
	assert_int_equal(caller_dialog(&d, 200,
				       "Record-Route: <sip:p3;lr>, <sip:p2;lr>, <sip:p1>\r\n"
				       "Contact: <sip:bob@192.0.2.4>\r\n"),
			 0);
	m = made(&d, "BYE");
	assert_span(m.request_uri, "sip:p1");
	assert_span(sip_message_header(&m, SIP_ROUTE, 0)->value,
		    "<sip:p2;lr>, <sip:p3;lr>, <sip:bob@192.0.2.4>");
	assert_span(sip_dialog_next_hop(&d), "sip:p1");
	assert_span(sip_dialog_request_uri(&d), "sip:p1");
	sip_message_clear(&m);

	assert_int_equal(
		caller_dialog(&d, 200,
			      "Record-Route: <sip:p1>\r\nContact: <sip:bob@192.0.2.4>\r\n"),
		0);
	m = made(&d, "BYE");
	assert_span(sip_message_header(&m, SIP_ROUTE, 0)->value, "<sip:bob@192.0.2.4>");
	sip_message_clear(&m);
}

static void test_without_route_the_target_is_next(void **state)
{
	struct sip_dialog d;
	struct sip_message m;

	(void)state;
	assert_int_equal(caller_dialog(&d, 200, "Contact: sip:bob@192.0.2.4;expires=5\r\n"), 0);
	assert_span(sip_dialog_next_hop(&d), "sip:bob@192.0.2.4");
	m = made(&d, "BYE");
	assert_span(m.request_uri, "sip:bob@192.0.2.4");
	assert_null(sip_message_header(&m, SIP_ROUTE, 0));
	sip_message_clear(&m);
}

/* Found by the fuzzer: header fields of a Contact or Route stay out of the request URI (19.1.1). */
static void test_request_uri_has_no_headers(void **state)
{
	struct sip_dialog d;

	(void)state;
	assert_int_equal(caller_dialog(&d, 200, "Contact: <sip:bob@192.0.2.4;x=1?Subject=a>\r\n"),
			 0);
	assert_span(sip_dialog_request_uri(&d), "sip:bob@192.0.2.4;x=1");
	assert_int_equal(
		caller_dialog(&d, 200,
			      "Record-Route: <sip:p1?a=b>\r\nContact: <sip:bob@192.0.2.4>\r\n"),
		0);
	assert_span(sip_dialog_request_uri(&d), "sip:p1");
}

/* 13.2.2.4: the 2xx's Record-Route and Contact replace what the early dialog had. */
static void test_early_dialog_is_confirmed(void **state)
{
	struct sip_dialog d;
	struct sip_message response;

	(void)state;
	assert_int_equal(
		caller_dialog(&d, 180, "Record-Route: <sip:old;lr>\r\nContact: <sip:e@x>\r\n"), 0);
	assert_false(d.is_confirmed);
	response = answer(200, LOOSE);
	assert_true(sip_dialog_matches(&d, &response));
	assert_int_equal(sip_dialog_confirm(&d, &response), 0);
	sip_message_clear(&response);
	assert_true(d.is_confirmed);
	assert_string_equal(d.target, "sip:bob@192.0.2.4:5071;x=1");
	assert_string_equal(d.route, "<sip:p1.example.com:5070;lr>, <sip:p2.example.com;lr>");

	/* A second 2xx may bring a new target, never a new route set (12.2). */
	response = answer(200, "Record-Route: <sip:new;lr>\r\nContact: <sip:n@x>\r\n");
	assert_int_equal(sip_dialog_confirm(&d, &response), 0);
	sip_message_clear(&response);
	assert_string_equal(d.target, "sip:n@x");
	assert_string_equal(d.route, "<sip:p1.example.com:5070;lr>, <sip:p2.example.com;lr>");
	response = answer(404, "");
	assert_int_equal(sip_dialog_confirm(&d, &response), SIP_ESTATE);
	sip_message_clear(&response);
}

static void test_no_dialog_without_its_parts(void **state)
{
	struct sip_message request = parse(INVITE "\r\n");
	struct sip_message untagged =
		parse("SIP/2.0 180 X\r\nVia: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK1\r\n"
		      "From: <sip:al@x>;tag=a\r\nTo: <sip:bob@x>\r\nCall-ID: c\r\n"
		      "CSeq: 42 INVITE\r\nContact: <sip:b@x>\r\n\r\n");
	struct sip_dialog d = {.call_id = "kept"};
	char rest[SIP_DIALOG_ROUTE_MAX * 2] = "Contact: <sip:b@x>\r\n";

	(void)state;
	assert_int_equal(sip_dialog_from_response(&d, &request, &untagged), SIP_EABSENT);
	assert_int_equal(caller_dialog(&d, 100, LOOSE), SIP_ESTATE);
	assert_int_equal(caller_dialog(&d, 302, LOOSE), SIP_ESTATE);
	assert_int_equal(caller_dialog(&d, 200, ""), SIP_EABSENT);
	assert_int_equal(caller_dialog(&d, 200, "Contact: *\r\n"), SIP_EVALUE);
	assert_int_equal(caller_dialog(&d, 200, "Contact: <sip:b@x>\r\nRecord-Route: <sip:p\r\n"),
			 SIP_EVALUE);
	for (int i = 0; i < 80; i++)
		strcat(rest, "Record-Route: <sip:proxy.example.com;lr>\r\n");
	assert_int_equal(caller_dialog(&d, 200, rest), SIP_ESPACE);
	assert_string_equal(d.call_id, "kept");
	sip_message_clear(&untagged);
	sip_message_clear(&request);
}

/* ---- called side ----------------------------------------------------------------------------- */

/* A request of the caller in the dialog.  Clear it. */
static struct sip_message from_caller(const char *method, unsigned cseq, const char *rest)
{
	char text[2048];

	snprintf(text, sizeof(text),
		 "%s sip:bob@192.0.2.4 SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK%u\r\n"
		 "From: \"Al\" <sip:al@example.com>;tag=a\r\nTo: <sip:bob@example.com>;tag=b\r\n"
		 "Call-ID: c\r\nCSeq: %u %s\r\n%s\r\n",
		 method, cseq, cseq, method, rest);
	return parse(text);
}

static int receive(struct sip_dialog *dialog, const char *method, unsigned cseq, const char *rest)
{
	struct sip_message m = from_caller(method, cseq, rest);
	int error = sip_dialog_matches(dialog, &m) ? sip_dialog_receive(dialog, &m) : 1;

	sip_message_clear(&m);
	return error;
}

static struct sip_dialog called_dialog(void)
{
	struct sip_message request = parse(INVITE "Record-Route: <sip:p2;lr>, <sip:p1;lr>\r\n\r\n");
	struct sip_dialog d;

	assert_int_equal(sip_dialog_from_request(&d, &request, "b"), 0);
	sip_message_clear(&request);
	return d;
}

static void test_called_keeps_the_routes_order_12_1_1(void **state)
{
	struct sip_dialog d = called_dialog();
	struct sip_message m;

	(void)state;
	assert_false(d.is_caller || d.is_confirmed);
	assert_int_equal(sip_dialog_confirm(&d, NULL), 0);
	assert_true(d.is_confirmed);
	m = made(&d, "BYE");
	assert_span(m.request_uri, "sip:al@192.0.2.1");
	assert_span(sip_message_header(&m, SIP_ROUTE, 0)->value, "<sip:p2;lr>, <sip:p1;lr>");
	assert_span(m.from.text, "<sip:bob@example.com>;tag=b");
	assert_span(m.to.text, "\"Al\" <sip:al@example.com>;tag=a");
	assert_int_equal(m.cseq.number, 1);
	sip_message_clear(&m);
}

static void test_requests_in_the_dialog_12_2_2(void **state)
{
	struct sip_dialog d = called_dialog();

	(void)state;
	assert_int_equal(receive(&d, "ACK", 42, ""), 0);
	assert_int_equal(receive(&d, "INFO", 42, ""), SIP_ESTATE);
	assert_int_equal(receive(&d, "INFO", 50, "Contact: <sip:else@x>\r\n"), 0);
	assert_string_equal(d.target, "sip:al@192.0.2.1");
	assert_int_equal(receive(&d, "INVITE", 51, "Contact: <sip:al@192.0.2.77>\r\n"), 0);
	assert_string_equal(d.target, "sip:al@192.0.2.77");
	assert_int_equal(receive(&d, "CANCEL", 51, ""), 0);
	assert_int_equal(receive(&d, "INVITE", 52, "Contact: *\r\n"), SIP_EVALUE);
	assert_int_equal(receive(&d, "UPDATE", 53, ""), 0);
	assert_int_equal(receive(&d, "BYE", 49, ""), SIP_ESTATE);
	assert_int_equal(receive(&d, "BYE", 54, ""), 0);
	assert_int_equal(d.remote_cseq, 54);
}

static void test_other_dialogs_do_not_match_12_2_2(void **state)
{
	struct sip_dialog d = called_dialog(), other;
	struct sip_message m = from_caller("BYE", 43, "");

	(void)state;
	assert_true(sip_dialog_matches(&d, &m));
	other = d;
	strcpy(other.call_id, "C");
	assert_false(sip_dialog_matches(&other, &m));
	other = d;
	strcpy(other.local_tag, "x");
	assert_false(sip_dialog_matches(&other, &m));
	other = d;
	strcpy(other.remote_tag, "x");
	assert_false(sip_dialog_matches(&other, &m));
	sip_message_clear(&m);
}

static void test_our_target_refresh_is_answered_12_2_1_2(void **state)
{
	struct sip_dialog d = called_dialog();
	struct sip_message ok =
		parse("SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP x;branch=z9hG4bK1\r\n"
		      "From: <sip:bob@example.com>;tag=b\r\nTo: <sip:al@example.com>;tag=a\r\n"
		      "Call-ID: c\r\nCSeq: 1 UPDATE\r\nContact: <sip:al@192.0.2.9>\r\n\r\n");

	(void)state;
	assert_true(sip_dialog_matches(&d, &ok));
	assert_int_equal(sip_dialog_refresh(&d, &ok), 0);
	assert_string_equal(d.target, "sip:al@192.0.2.9");
	ok.status = 491;
	assert_int_equal(sip_dialog_refresh(&d, &ok), SIP_ESTATE);
	sip_message_clear(&ok);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_caller_takes_reversed_route_and_contact_12_1_2),
		cmocka_unit_test(test_ack_has_its_invites_number),
		cmocka_unit_test(test_strict_router_12_2_1_1),
		cmocka_unit_test(test_without_route_the_target_is_next),
		cmocka_unit_test(test_request_uri_has_no_headers),
		cmocka_unit_test(test_early_dialog_is_confirmed),
		cmocka_unit_test(test_no_dialog_without_its_parts),
		cmocka_unit_test(test_called_keeps_the_routes_order_12_1_1),
		cmocka_unit_test(test_requests_in_the_dialog_12_2_2),
		cmocka_unit_test(test_other_dialogs_do_not_match_12_2_2),
		cmocka_unit_test(test_our_target_refresh_is_answered_12_2_1_2),
	};

	sip_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
