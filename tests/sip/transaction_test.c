/* sip/transaction: RFC 3261 17.2 (figures 7 and 8), RFC 6026; 17.1.1.3 (ACK), 9.1 (CANCEL). */
#include "tests/sip/parse.h"

#include "sip/transaction.h"

#include <stdio.h>

static const struct sip_peer peer = {.bytes = "192.0.2.1:5060", .length = 15};

/* A request with this branch; without the cookie where the test says so.  Clear it. */
static struct sip_message request_from(const char *host, const char *method, const char *branch)
{
	char text[1024];

	snprintf(text, sizeof(text),
		 "%s sip:bob@x SIP/2.0\r\nVia: SIP/2.0/UDP %s;branch=%s\r\n"
		 "From: <sip:a@x>;tag=1\r\nTo: <sip:bob@x>%s\r\nCall-ID: c\r\nCSeq: 1 %s\r\n\r\n",
		 method, host, branch, strcmp(method, "ACK") == 0 ? ";tag=2" : "", method);
	return parse(text);
}

static struct sip_receipt receive_from(struct sip_transactions *t, const char *host,
				       const char *method, const char *branch, uint64_t now)
{
	struct sip_message m = request_from(host, method, branch);
	struct sip_receipt receipt;

	assert_int_equal(sip_transactions_receive(t, &m, &peer, &receipt, now), 0);
	sip_message_clear(&m);
	return receipt;
}

static struct sip_receipt receive(struct sip_transactions *t, const char *method,
				  const char *branch, uint64_t now)
{
	return receive_from(t, "192.0.2.1", method, branch, now);
}

static int respond(struct sip_transactions *t, sip_transaction_id id, unsigned status,
		   const char *bytes, uint64_t now)
{
	return sip_transactions_respond(t, id, &(struct sip_answer){status, sip_span_of(bytes)},
					now);
}

/* Figure 8: Trying, Proceeding, Completed; timer J. */
static void test_non_invite_17_2_2(void **state)
{
	struct sip_transactions *t = sip_transactions_new(4);
	struct sip_receipt r = receive(t, "BYE", "z9hG4bKb", 0);
	struct sip_due due;

	(void)state;
	assert_int_equal(r.kind, SIP_RECEIPT_NEW);
	assert_int_not_equal(r.id, 0);
	assert_int_equal(sip_transactions_deadline(t), SIP_NEVER);
	r = receive(t, "BYE", "z9hG4bKb", 10);
	assert_int_equal(r.kind, SIP_RECEIPT_REPEAT);
	assert_int_equal(r.again.length, 0);
	assert_int_equal(respond(t, r.id, 100, "trying", 20), 0);
	assert_span(receive(t, "BYE", "z9hG4bKb", 30).again, "trying");
	assert_int_equal(respond(t, r.id, 200, "fine", 1000), 0);
	assert_span(receive(t, "BYE", "z9hG4bKb", 1100).again, "fine");
	assert_int_equal(respond(t, r.id, 500, "late", 1200), SIP_ESTATE);
	assert_int_equal(sip_transactions_deadline(t), 33000);
	assert_false(sip_transactions_next(t, &due, 32999));
	assert_int_equal(sip_transactions_count(t), 1);
	assert_false(sip_transactions_next(t, &due, 33000));
	assert_int_equal(sip_transactions_count(t), 0);
	assert_int_equal(respond(t, r.id, 200, "gone", 33000), SIP_EABSENT);
	assert_int_equal(receive(t, "BYE", "z9hG4bKb", 33000).kind, SIP_RECEIPT_NEW);
	sip_transactions_free(t);
}

/* Figure 7: a refusal is sent again after T1, doubling up to T2, until 64*T1 (timers G and H). */
static void test_refused_invite_without_ack_17_2_1(void **state)
{
	static const uint64_t times[] = {1500,  2500,  4500,  8500,  12500,
					 16500, 20500, 24500, 28500, 32500};
	struct sip_transactions *t = sip_transactions_new(4);
	struct sip_receipt r = receive(t, "INVITE", "z9hG4bKi", 0);
	struct sip_due due;

	(void)state;
	assert_int_equal(respond(t, r.id, 180, "ringing", 0), 0);
	assert_int_equal(sip_transactions_deadline(t), SIP_NEVER);
	assert_int_equal(respond(t, r.id, 486, "busy", 1000), 0);
	assert_span(receive(t, "INVITE", "z9hG4bKi", 1001).again, "busy");
	for (size_t i = 0; i < sizeof(times) / sizeof(*times); i++) {
		assert_int_equal(sip_transactions_deadline(t), times[i]);
		assert_false(sip_transactions_next(t, &due, times[i] - 1));
		assert_true(sip_transactions_next(t, &due, times[i]));
		assert_int_equal(due.kind, SIP_DUE_SEND);
		assert_int_equal(due.id, r.id);
		assert_span(due.bytes, "busy");
		assert_memory_equal(&due.peer, &peer, sizeof(peer));
		assert_false(sip_transactions_next(t, &due, times[i]));
	}
	assert_int_equal(sip_transactions_deadline(t), 33000);
	assert_true(sip_transactions_next(t, &due, 33000));
	assert_int_equal(due.kind, SIP_DUE_UNACKED);
	assert_int_equal(due.id, r.id);
	assert_int_equal(sip_transactions_count(t), 0);
	sip_transactions_free(t);
}

static void test_late_wake_sends_once(void **state)
{
	struct sip_transactions *t = sip_transactions_new(4);
	struct sip_due due;

	(void)state;
	respond(t, receive(t, "INVITE", "z9hG4bKi", 0).id, 486, "busy", 0);
	assert_true(sip_transactions_next(t, &due, 20000));
	assert_false(sip_transactions_next(t, &due, 20000));
	assert_int_equal(sip_transactions_deadline(t), 21000);
	sip_transactions_free(t);
}

/* Timer G runs over UDP alone; timer H ends it all the same. */
static void test_nothing_is_resent_on_a_stream_17_2_1(void **state)
{
	struct sip_transactions *t = sip_transactions_new(4);
	struct sip_message m =
		parse("INVITE sip:b@x SIP/2.0\r\nVia: SIP/2.0/TCP x;branch=z9hG4bKi\r\nFrom: "
		      "<sip:a@x>;tag=1\r\nTo: <sip:b@x>\r\nCall-ID: c\r\nCSeq: 1 INVITE\r\n\r\n");
	struct sip_receipt r;
	struct sip_due due;

	(void)state;
	assert_int_equal(sip_transactions_receive(t, &m, &peer, &r, 0), 0);
	respond(t, r.id, 486, "busy", 0);
	assert_false(sip_transactions_next(t, &due, 31999));
	assert_true(sip_transactions_next(t, &due, 32000));
	assert_int_equal(due.kind, SIP_DUE_UNACKED);
	sip_message_clear(&m);
	sip_transactions_free(t);
}

/* The ACK, on the INVITE's branch, ends the resending; timer I absorbs its repeats. */
static void test_ack_confirms_17_2_1_17_2_3(void **state)
{
	struct sip_transactions *t = sip_transactions_new(4);
	struct sip_receipt r = receive(t, "INVITE", "z9hG4bKi", 0);
	struct sip_due due;

	(void)state;
	assert_int_equal(receive(t, "ACK", "z9hG4bKi", 5).kind, SIP_RECEIPT_ACKED);
	respond(t, r.id, 486, "busy", 100);
	assert_int_equal(receive(t, "ACK", "z9hG4bKi", 200).kind, SIP_RECEIPT_ACKED);
	assert_int_equal(receive(t, "ACK", "z9hG4bKi", 300).kind, SIP_RECEIPT_ACKED);
	r = receive(t, "INVITE", "z9hG4bKi", 400);
	assert_int_equal(r.kind, SIP_RECEIPT_REPEAT);
	assert_int_equal(r.again.length, 0);
	assert_int_equal(sip_transactions_deadline(t), 5200);
	assert_false(sip_transactions_next(t, &due, 5200));
	assert_int_equal(sip_transactions_count(t), 0);
	sip_transactions_free(t);
}

/* RFC 6026 7.1: after a 2xx, repeats of the INVITE are absorbed for 64*T1; the ACK goes up. */
static void test_accepted_invite_rfc6026(void **state)
{
	struct sip_transactions *t = sip_transactions_new(4);
	struct sip_receipt r = receive(t, "INVITE", "z9hG4bKi", 0);
	struct sip_due due;
	sip_transaction_id id = r.id;

	(void)state;
	respond(t, id, 200, "fine", 100);
	r = receive(t, "INVITE", "z9hG4bKi", 200);
	assert_int_equal(r.kind, SIP_RECEIPT_REPEAT);
	assert_int_equal(r.again.length, 0);
	assert_int_equal(respond(t, id, 200, "fine", 600), 0);
	assert_int_equal(respond(t, id, 486, "busy", 600), SIP_ESTATE);
	r = receive(t, "ACK", "z9hG4bKi", 700);
	assert_int_equal(r.kind, SIP_RECEIPT_NEW);
	assert_int_equal(r.id, 0);
	assert_int_equal(sip_transactions_deadline(t), 32100);
	assert_false(sip_transactions_next(t, &due, 32100));
	assert_int_equal(sip_transactions_count(t), 0);
	sip_transactions_free(t);
}

static void test_matching_17_2_3(void **state)
{
	struct sip_transactions *t = sip_transactions_new(16);

	(void)state;
	receive_from(t, "Host:5060", "OPTIONS", "z9hG4bK1", 0);
	assert_int_equal(receive_from(t, "hOST:5060", "OPTIONS", "z9hG4bK1", 0).kind,
			 SIP_RECEIPT_REPEAT);
	assert_int_equal(receive_from(t, "host:5061", "OPTIONS", "z9hG4bK1", 0).kind,
			 SIP_RECEIPT_NEW);
	assert_int_equal(receive_from(t, "host", "OPTIONS", "z9hG4bK1", 0).kind, SIP_RECEIPT_NEW);
	assert_int_equal(receive_from(t, "host:5060", "INFO", "z9hG4bK1", 0).kind, SIP_RECEIPT_NEW);
	assert_int_equal(receive_from(t, "host:5060", "OPTIONS", "z9hG4bk1", 0).kind,
			 SIP_RECEIPT_NEW);
	/* An unknown method is not any other unknown method. */
	assert_int_equal(receive_from(t, "host:5060", "FOO", "z9hG4bK1", 0).kind, SIP_RECEIPT_NEW);
	assert_int_equal(receive_from(t, "host:5060", "BAR", "z9hG4bK1", 0).kind, SIP_RECEIPT_NEW);
	/* An ACK that fits nothing belongs to a dialog, and holds no slot. */
	assert_int_equal(receive(t, "ACK", "z9hG4bKnone", 0).kind, SIP_RECEIPT_NEW);
	assert_int_equal(sip_transactions_count(t), 7);
	sip_transactions_free(t);
}

/* Without the cookie: request URI, tags, Call-ID, CSeq and top Via; the ACK by the same. */
static void test_matching_of_rfc2543_clients_17_2_3(void **state)
{
	struct sip_transactions *t = sip_transactions_new(4);
	struct sip_receipt r = receive(t, "INVITE", "1", 0);

	(void)state;
	assert_int_equal(r.kind, SIP_RECEIPT_NEW);
	assert_int_equal(receive(t, "INVITE", "1", 1).kind, SIP_RECEIPT_REPEAT);
	assert_int_equal(receive(t, "INVITE", "2", 1).kind, SIP_RECEIPT_NEW);
	respond(t, r.id, 404, "no", 2);
	assert_int_equal(receive(t, "ACK", "1", 3).kind, SIP_RECEIPT_ACKED);
	sip_transactions_free(t);
}

static void test_cancel_finds_its_invite_9_2(void **state)
{
	struct sip_transactions *t = sip_transactions_new(4);
	struct sip_message cancel = request_from("192.0.2.1", "CANCEL", "z9hG4bKi");
	sip_transaction_id invite;

	(void)state;
	assert_int_equal(sip_transactions_cancelled(t, &cancel), 0);
	invite = receive(t, "INVITE", "z9hG4bKi", 0).id;
	assert_int_equal(receive(t, "CANCEL", "z9hG4bKi", 0).kind, SIP_RECEIPT_NEW);
	assert_int_equal(sip_transactions_cancelled(t, &cancel), invite);
	respond(t, invite, 487, "terminated", 10);
	assert_int_equal(sip_transactions_cancelled(t, &cancel), invite);
	sip_message_clear(&cancel);
	sip_transactions_free(t);
}

static void test_holds_what_may_come_again(void **state)
{
	struct sip_transactions *t = sip_transactions_new(4);
	struct sip_message message = request_from("192.0.2.1", "MESSAGE", "z9hG4bK1");
	struct sip_message other = request_from("192.0.2.1", "MESSAGE", "z9hG4bK2");
	sip_transaction_id id;

	(void)state;
	assert_false(sip_transactions_holds(t, &message));
	id = receive(t, "MESSAGE", "z9hG4bK1", 0).id;
	assert_true(sip_transactions_holds(t, &message));
	assert_false(sip_transactions_holds(t, &other));
	sip_transactions_forget(t, id);
	assert_false(sip_transactions_holds(t, &message));
	sip_message_clear(&message);
	sip_message_clear(&other);
	sip_transactions_free(t);
}

/* 8.2.2.2: one request, by two ways; and after the first of them was answered, too. */
static void test_merged_request_8_2_2_2(void **state)
{
	struct sip_transactions *t = sip_transactions_new(4);
	struct sip_receipt first = receive(t, "INVITE", "z9hG4bK1", 0), second;

	(void)state;
	assert_false(first.is_merged);
	assert_false(receive(t, "INVITE", "z9hG4bK1", 1).is_merged);
	second = receive_from(t, "192.0.2.2", "INVITE", "z9hG4bK2", 2);
	assert_int_equal(second.kind, SIP_RECEIPT_NEW);
	assert_true(second.is_merged);
	assert_false(receive(t, "OPTIONS", "z9hG4bK3", 3).is_merged);
	assert_false(receive(t, "CANCEL", "z9hG4bK1", 3).is_merged);
	respond(t, first.id, 200, "ok", 4);
	respond(t, second.id, 482, "twice", 4);
	assert_int_equal(receive(t, "INVITE", "z9hG4bK4", 5).kind, SIP_RECEIPT_FULL);
	sip_transactions_free(t);
}

/* What is not to be answered at all leaves nothing behind. */
static void test_forgotten_without_an_answer(void **state)
{
	struct sip_transactions *t = sip_transactions_new(1);
	sip_transaction_id id = receive(t, "INVITE", "z9hG4bK1", 0).id;

	(void)state;
	sip_transactions_forget(t, id);
	sip_transactions_forget(t, id);
	assert_int_equal(sip_transactions_count(t), 0);
	assert_false(receive(t, "INVITE", "z9hG4bK2", 1).is_merged);
	sip_transactions_free(t);
}

static void test_full_table_and_old_ids(void **state)
{
	struct sip_transactions *t = sip_transactions_new(2);
	sip_transaction_id first = receive(t, "BYE", "z9hG4bK1", 0).id;
	struct sip_receipt r;
	struct sip_due due;

	(void)state;
	receive(t, "BYE", "z9hG4bK2", 0);
	r = receive(t, "BYE", "z9hG4bK3", 0);
	assert_int_equal(r.kind, SIP_RECEIPT_FULL);
	assert_int_equal(r.id, 0);
	assert_int_equal(receive(t, "BYE", "z9hG4bK2", 0).kind, SIP_RECEIPT_REPEAT);
	respond(t, first, 200, "fine", 0);
	assert_false(sip_transactions_next(t, &due, 32000));
	r = receive(t, "BYE", "z9hG4bK3", 32000);
	assert_int_equal(r.kind, SIP_RECEIPT_NEW);
	/* The slot is used again; its old id is not. */
	assert_int_not_equal(r.id, first);
	assert_int_equal(respond(t, first, 200, "late", 32000), SIP_EABSENT);
	assert_int_equal(respond(t, 0, 200, "none", 32000), SIP_EABSENT);
	sip_transactions_free(t);
	assert_null(sip_transactions_new(0));
}

static void test_a_response_is_no_request(void **state)
{
	struct sip_transactions *t = sip_transactions_new(1);
	struct sip_message m =
		parse("SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP x;branch=z9hG4bK1\r\nFrom: <sip:a@x>"
		      "\r\nTo: <sip:a@x>\r\nCall-ID: c\r\nCSeq: 1 BYE\r\n\r\n");
	struct sip_receipt receipt;

	(void)state;
	assert_int_equal(sip_transactions_receive(t, &m, &peer, &receipt, 0), SIP_ESTATE);
	sip_message_clear(&m);
	sip_transactions_free(t);
}

/* What belongs to a dialog, and a CANCEL, find room when no more can begin. */
static void test_room_is_kept_for_what_ends(void **state)
{
	enum { LIMIT = 16, KEPT = 2 };
	struct sip_transactions *t = sip_transactions_new(LIMIT);
	struct sip_message bye =
		parse("BYE sip:b@x SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bKbye\r\n"
		      "From: <sip:a@x>;tag=1\r\nTo: <sip:b@x>;tag=2\r\nCall-ID: c\r\n"
		      "CSeq: 2 BYE\r\n\r\n");
	struct sip_receipt receipt;
	char branch[32];

	(void)state;
	for (unsigned i = 0; i < LIMIT; i++) {
		snprintf(branch, sizeof(branch), "z9hG4bK%u", i);
		assert_int_equal(receive(t, "INVITE", branch, 0).kind,
				 i < LIMIT - KEPT ? SIP_RECEIPT_NEW : SIP_RECEIPT_FULL);
	}
	assert_int_equal(receive(t, "INVITE", "z9hG4bK0", 0).kind, SIP_RECEIPT_REPEAT);
	assert_int_equal(sip_transactions_receive(t, &bye, &peer, &receipt, 0), 0);
	assert_int_equal(receipt.kind, SIP_RECEIPT_NEW);
	assert_int_equal(receive(t, "CANCEL", "z9hG4bK0", 0).kind, SIP_RECEIPT_NEW);
	assert_int_equal(receive(t, "CANCEL", "z9hG4bK1", 0).kind, SIP_RECEIPT_FULL);
	sip_message_clear(&bye);
	sip_transactions_free(t);
}

/* The deadline is the earliest of many, and they fall due in order, whatever was ended between. */
static void test_many_fall_due_in_order(void **state)
{
	enum { COUNT = 500 };
	struct sip_transactions *t = sip_transactions_new(COUNT + COUNT / 4);
	sip_transaction_id ids[COUNT];
	uint64_t last = 0;
	struct sip_due due;
	char branch[32];

	(void)state;
	for (unsigned i = 0; i < COUNT; i++) {
		snprintf(branch, sizeof(branch), "z9hG4bK%u", i);
		ids[i] = receive(t, "INVITE", branch, 0).id;
	}
	for (unsigned i = 0; i < COUNT; i++)
		assert_int_equal(respond(t, ids[i], 486, "busy", 1 + i * 7919u % 9973u), 0);
	for (unsigned i = 0; i < COUNT; i += 3) {
		snprintf(branch, sizeof(branch), "z9hG4bK%u", i);
		assert_int_equal(receive(t, "ACK", branch, 10000).kind, SIP_RECEIPT_ACKED);
	}
	while (sip_transactions_deadline(t) != SIP_NEVER) {
		uint64_t now = sip_transactions_deadline(t);
		assert_true(now >= last);
		last = now;
		while (sip_transactions_next(t, &due, now))
			assert_true(due.kind == SIP_DUE_SEND || now >= 32001);
	}
	assert_int_equal(sip_transactions_count(t), 0);
	assert_true(last > 32000 && last <= 32000 + 9973);
	sip_transactions_free(t);
}

/* ---- client side ------------------------------------------------------------------------------
 */

#define SENT_INVITE                                                                                \
	"INVITE sip:bob@x SIP/2.0\r\n"                                                             \
	"Via: SIP/2.0/UDP 192.0.2.1:5062;branch=z9hG4bKi;rport\r\n"                                \
	"Route: <sip:p1;lr>\r\nRoute: <sip:p2;lr>\r\n"                                             \
	"From: <sip:a@x>;tag=1\r\nTo: <sip:bob@x>\r\nCall-ID: c\r\nCSeq: 42 INVITE\r\n"            \
	"Contact: <sip:a@192.0.2.1>\r\nContent-Length: 4\r\n\r\nbody"
#define ANSWER(vias)                                                                               \
	"SIP/2.0 486 Busy\r\n" vias                                                                \
	"From: <sip:a@x>;tag=1\r\nTo: <sip:bob@x>;tag=9\r\nCall-ID: c\r\n"                         \
	"CSeq: 42 INVITE\r\n\r\n"
#define OUR_VIA "Via: SIP/2.0/UDP 192.0.2.1:5062;branch=z9hG4bKi;rport=5;received=1.2.3.4\r\n"

static void test_response_matches_its_client_transaction_17_1_3(void **state)
{
	struct sip_message m = parse(ANSWER(OUR_VIA));

	(void)state;
	assert_true(sip_response_matches(&m, "z9hG4bKi", SIP_INVITE));
	assert_false(sip_response_matches(&m, "z9hG4bKi", SIP_CANCEL));
	assert_false(sip_response_matches(&m, "z9hG4bKI", SIP_INVITE));
	sip_message_clear(&m);
	m = parse(ANSWER(OUR_VIA "Via: SIP/2.0/UDP other;branch=z9hG4bKo\r\n"));
	assert_false(sip_response_matches(&m, "z9hG4bKi", SIP_INVITE));
	sip_message_clear(&m);
	m = parse(SENT_INVITE);
	assert_false(sip_response_matches(&m, "z9hG4bKi", SIP_INVITE));
	sip_message_clear(&m);
}

static void check_companion(const struct sip_message *m, const char *method)
{
	assert_span(m->method_name, method);
	assert_span(m->request_uri, "sip:bob@x");
	assert_span(m->via.text, "SIP/2.0/UDP 192.0.2.1:5062;branch=z9hG4bKi;rport");
	assert_null(sip_message_header(m, SIP_VIA, 1));
	assert_span(sip_message_header(m, SIP_ROUTE, 0)->value, "<sip:p1;lr>");
	assert_span(sip_message_header(m, SIP_ROUTE, 1)->value, "<sip:p2;lr>");
	assert_span(m->from.tag, "1");
	assert_span(m->call_id, "c");
	assert_int_equal(m->cseq.number, 42);
	assert_null(sip_message_header(m, SIP_CONTACT, 0));
	assert_int_equal(m->body.length, 0);
}

static void test_ack_for_failure_and_cancel_17_1_1_3_9_1(void **state)
{
	struct sip_message invite = parse(SENT_INVITE), answer = parse(ANSWER(OUR_VIA)), m;
	char bytes[2048];
	struct sip_builder b;

	(void)state;
	sip_builder_init(&b, bytes, sizeof(bytes));
	assert_true(sip_build_ack_for_failure(&b, &invite, &answer) > 0);
	m = parse(bytes);
	check_companion(&m, "ACK");
	assert_span(m.to.tag, "9");
	sip_message_clear(&m);

	sip_builder_init(&b, bytes, sizeof(bytes));
	assert_true(sip_build_cancel(&b, &invite, "SIP;cause=408") > 0);
	m = parse(bytes);
	check_companion(&m, "CANCEL");
	assert_null(m.to.tag.at);
	assert_span(sip_message_header(&m, SIP_REASON, 0)->value, "SIP;cause=408");
	sip_message_clear(&m);

	sip_builder_init(&b, bytes, 100);
	assert_int_equal(sip_build_cancel(&b, &invite, NULL), SIP_ESPACE);
	sip_message_clear(&invite);
	sip_message_clear(&answer);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_non_invite_17_2_2),
		cmocka_unit_test(test_refused_invite_without_ack_17_2_1),
		cmocka_unit_test(test_late_wake_sends_once),
		cmocka_unit_test(test_nothing_is_resent_on_a_stream_17_2_1),
		cmocka_unit_test(test_ack_confirms_17_2_1_17_2_3),
		cmocka_unit_test(test_accepted_invite_rfc6026),
		cmocka_unit_test(test_matching_17_2_3),
		cmocka_unit_test(test_matching_of_rfc2543_clients_17_2_3),
		cmocka_unit_test(test_cancel_finds_its_invite_9_2),
		cmocka_unit_test(test_holds_what_may_come_again),
		cmocka_unit_test(test_merged_request_8_2_2_2),
		cmocka_unit_test(test_forgotten_without_an_answer),
		cmocka_unit_test(test_full_table_and_old_ids),
		cmocka_unit_test(test_a_response_is_no_request),
		cmocka_unit_test(test_room_is_kept_for_what_ends),
		cmocka_unit_test(test_many_fall_due_in_order),
		cmocka_unit_test(test_response_matches_its_client_transaction_17_1_3),
		cmocka_unit_test(test_ack_for_failure_and_cancel_17_1_1_3_9_1),
	};

	sip_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
