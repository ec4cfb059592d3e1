/* sip/clients: RFC 3261 17.1 (figures 5 and 6), 9.1; RFC 6026 (figure 4). */
#include "tests/sip/parse.h"

#include "sip/clients.h"

#include <stdio.h>

static const char invite[] = "INVITE sip:b@x SIP/2.0\r\nVia: SIP/2.0/UDP h;branch=z9hG4bKi\r\n"
			     "Route: <sip:r;lr>\r\nFrom: <sip:a@x>;tag=1\r\nTo: <sip:b@x>\r\n"
			     "Call-ID: c\r\nCSeq: 5 INVITE\r\n\r\n";
static const char bye[] = "BYE sip:b@x SIP/2.0\r\n";

static sip_client_id open_one(struct sip_clients *t, enum sip_method method, const char *branch,
			      bool is_reliable, uint64_t now)
{
	const struct sip_client_start start = {
		.method = method,
		.branch = sip_span_of(branch),
		.bytes = sip_span_of(method == SIP_INVITE ? invite : bye),
		.is_reliable = is_reliable,
		.peer = {.bytes = "there", .length = 5},
		.owner = 17,
	};
	sip_client_id id = 0;

	assert_int_equal(sip_clients_open(t, &start, &id, now), 0);
	assert_int_not_equal(id, 0);
	return id;
}

static struct sip_client_receipt answer(struct sip_clients *t, unsigned status, const char *method,
					const char *branch, uint64_t now)
{
	struct sip_client_receipt receipt;
	struct sip_message m;
	char text[512];

	snprintf(text, sizeof(text),
		 "SIP/2.0 %u x\r\nVia: SIP/2.0/UDP h;branch=%s\r\nFrom: <sip:a@x>;tag=1\r\n"
		 "To: <sip:b@x>;tag=2\r\nCall-ID: c\r\nCSeq: 5 %s\r\n\r\n",
		 status, branch, method);
	m = parse(text);
	sip_clients_receive(t, &m, &receipt, now);
	sip_message_clear(&m);
	return receipt;
}

/* The request goes out at exactly these times, and then it is given up. */
static void expect_sends(struct sip_clients *t, const char *bytes, const uint64_t *times,
			 size_t count, uint64_t silent_at)
{
	struct sip_client_due due;

	for (size_t i = 0; i < count; i++) {
		assert_int_equal(sip_clients_deadline(t), times[i]);
		assert_true(sip_clients_next(t, &due, times[i]));
		assert_int_equal(due.kind, SIP_CLIENT_SEND);
		assert_span(due.bytes, bytes);
		assert_memory_equal(due.peer.bytes, "there", 5);
		assert_false(sip_clients_next(t, &due, times[i]));
	}
	assert_int_equal(sip_clients_deadline(t), silent_at);
	assert_true(sip_clients_next(t, &due, silent_at));
	assert_int_equal(due.kind, SIP_CLIENT_SILENT);
	assert_int_equal(due.owner, 17);
	assert_int_equal(sip_clients_count(t), 0);
}

static void test_silence_17_1(void **state)
{
	static const uint64_t invite_times[] = {0, 500, 1500, 3500, 7500, 15500, 31500};
	static const uint64_t bye_times[] = {0,     500,   1500,  3500,  7500, 11500,
					     15500, 19500, 23500, 27500, 31500};
	static const uint64_t once[] = {0};
	struct sip_clients *t = sip_clients_new(4);

	(void)state;
	open_one(t, SIP_INVITE, "z9hG4bKi", false, 0);
	expect_sends(t, invite, invite_times, 7, 32000);
	open_one(t, SIP_BYE, "z9hG4bKb", false, 0);
	expect_sends(t, bye, bye_times, 11, 32000);
	open_one(t, SIP_INVITE, "z9hG4bKi", true, 0);
	expect_sends(t, invite, once, 1, 32000);
	sip_clients_free(t);
}

/* A 1xx ends the repeats of an INVITE for good; others go on every T2, until timer F. */
static void test_provisional_17_1(void **state)
{
	static const uint64_t later[] = {4600, 8600, 12600, 16600, 20600, 24600, 28600};
	struct sip_clients *t = sip_clients_new(4);
	struct sip_client_due due;

	(void)state;
	open_one(t, SIP_INVITE, "z9hG4bKi", false, 0);
	assert_true(sip_clients_next(t, &due, 0));
	assert_int_equal(answer(t, 180, "INVITE", "z9hG4bKi", 100).news, SIP_CLIENT_PROVISIONAL);
	assert_int_equal(answer(t, 183, "INVITE", "z9hG4bKi", 200).news, SIP_CLIENT_PROVISIONAL);
	assert_int_equal(sip_clients_deadline(t), SIP_NEVER);
	assert_int_equal(answer(t, 200, "INVITE", "z9hG4bKi", 9000).news, SIP_CLIENT_ACCEPTED);

	open_one(t, SIP_BYE, "z9hG4bKb", false, 0);
	assert_true(sip_clients_next(t, &due, 0));
	assert_int_equal(answer(t, 100, "BYE", "z9hG4bKb", 100).news, SIP_CLIENT_PROVISIONAL);
	assert_true(sip_clients_next(t, &due, 500));
	for (size_t i = 0; i < 7; i++) {
		assert_true(sip_clients_next(t, &due, later[i] - 100));
		assert_int_equal(due.kind, SIP_CLIENT_SEND);
	}
	assert_true(sip_clients_next(t, &due, 32000));
	assert_int_equal(due.kind, SIP_CLIENT_SILENT);
	sip_clients_free(t);
}

/* Figure 5: the ACK of a refusal is made here, and again for each repeat, for 32 s. */
static void test_refusal_17_1_1_3(void **state)
{
	struct sip_clients *t = sip_clients_new(4);
	struct sip_client_receipt r;
	struct sip_client_due due;
	struct sip_message ack;

	(void)state;
	open_one(t, SIP_INVITE, "z9hG4bKi", false, 0);
	assert_true(sip_clients_next(t, &due, 0));
	r = answer(t, 486, "INVITE", "z9hG4bKi", 100);
	assert_int_equal(r.news, SIP_CLIENT_REFUSED);
	assert_int_equal(r.owner, 17);
	assert_int_equal(sip_message_parse(&ack, r.ack.at, r.ack.length), 0);
	assert_int_equal(ack.method, SIP_ACK);
	assert_int_equal(ack.cseq.number, 5);
	assert_span(ack.to.tag, "2");
	assert_span(ack.via.branch, "z9hG4bKi");
	assert_span(sip_message_header(&ack, SIP_ROUTE, 0)->value, "<sip:r;lr>");
	sip_message_clear(&ack);
	r = answer(t, 486, "INVITE", "z9hG4bKi", 600);
	assert_int_equal(r.news, SIP_CLIENT_ABSORBED);
	assert_true(r.ack.length > 0);
	assert_false(sip_clients_next(t, &due, 32099));
	assert_int_equal(sip_clients_count(t), 1);
	assert_false(sip_clients_next(t, &due, 32100));
	assert_int_equal(sip_clients_count(t), 0);
	assert_int_equal(answer(t, 486, "INVITE", "z9hG4bKi", 33000).news, SIP_CLIENT_STRAY);
	sip_clients_free(t);
}

/* RFC 6026: every 2xx passes, of forks and again, for 64*T1. */
static void test_accepted_rfc_6026(void **state)
{
	struct sip_clients *t = sip_clients_new(4);
	struct sip_client_due due;

	(void)state;
	open_one(t, SIP_INVITE, "z9hG4bKi", false, 0);
	assert_true(sip_clients_next(t, &due, 0));
	for (uint64_t now = 1000; now < 33000; now += 4000)
		assert_int_equal(answer(t, 200, "INVITE", "z9hG4bKi", now).news,
				 SIP_CLIENT_ACCEPTED);
	assert_int_equal(answer(t, 486, "INVITE", "z9hG4bKi", 32000).news, SIP_CLIENT_ABSORBED);
	assert_false(sip_clients_next(t, &due, 33000));
	assert_int_equal(sip_clients_count(t), 0);
	/* Another request's 2xx is one, its repeats are absorbed for T4. */
	open_one(t, SIP_BYE, "z9hG4bKb", false, 40000);
	assert_true(sip_clients_next(t, &due, 40000));
	assert_int_equal(answer(t, 200, "BYE", "z9hG4bKb", 40100).news, SIP_CLIENT_ACCEPTED);
	assert_int_equal(answer(t, 200, "BYE", "z9hG4bKb", 40200).news, SIP_CLIENT_ABSORBED);
	assert_false(sip_clients_next(t, &due, 45100));
	assert_int_equal(sip_clients_count(t), 0);
	sip_clients_free(t);
}

/* 9.1: no CANCEL before a provisional answer; after it the INVITE has 64*T1 to end. */
static void test_cancel_9_1(void **state)
{
	struct sip_clients *t = sip_clients_new(4);
	sip_client_id id = open_one(t, SIP_INVITE, "z9hG4bKi", false, 0);
	struct sip_client_due due;
	struct sip_message cancel;

	(void)state;
	assert_true(sip_clients_next(t, &due, 0));
	assert_int_equal(sip_clients_cancel(t, id, 100), 0);
	assert_false(sip_clients_next(t, &due, 100));
	answer(t, 180, "INVITE", "z9hG4bKi", 200);
	assert_true(sip_clients_next(t, &due, 200));
	assert_int_equal(sip_message_parse(&cancel, due.bytes.at, due.bytes.length), 0);
	assert_int_equal(cancel.method, SIP_CANCEL);
	assert_int_equal(cancel.cseq.number, 5);
	sip_message_clear(&cancel);
	assert_int_equal(sip_clients_cancel(t, id, 300), 0);
	assert_false(sip_clients_next(t, &due, 300));
	assert_int_equal(answer(t, 200, "CANCEL", "z9hG4bKi", 400).news, SIP_CLIENT_ABSORBED);
	assert_false(sip_clients_next(t, &due, 32199));
	assert_true(sip_clients_next(t, &due, 32200));
	assert_int_equal(due.kind, SIP_CLIENT_SILENT);
	assert_int_equal(due.id, id);
	assert_int_equal(sip_clients_cancel(t, id, 32300), 0);
	assert_int_equal(sip_clients_count(t), 0);
	sip_clients_free(t);
}

/* A CANCEL crosses a 200: the 200 counts. */
static void test_cancel_against_200(void **state)
{
	struct sip_clients *t = sip_clients_new(4);
	sip_client_id id = open_one(t, SIP_INVITE, "z9hG4bKi", true, 0);
	struct sip_client_due due;

	(void)state;
	assert_true(sip_clients_next(t, &due, 0));
	answer(t, 180, "INVITE", "z9hG4bKi", 100);
	sip_clients_cancel(t, id, 200);
	assert_true(sip_clients_next(t, &due, 200));
	assert_int_equal(answer(t, 200, "INVITE", "z9hG4bKi", 250).news, SIP_CLIENT_ACCEPTED);
	assert_int_equal(answer(t, 481, "CANCEL", "z9hG4bKi", 260).news, SIP_CLIENT_ABSORBED);
	assert_false(sip_clients_next(t, &due, 32200));
	assert_false(sip_clients_next(t, &due, 32250));
	assert_int_equal(sip_clients_count(t), 0);
	sip_clients_free(t);
}

static void test_limits(void **state)
{
	struct sip_clients *t = sip_clients_new(2);
	sip_client_id id = open_one(t, SIP_INVITE, "z9hG4bKi", false, 0);
	struct sip_client_start start = {.method = SIP_INVITE,
					 .branch = sip_span_of("z9hG4bKi"),
					 .bytes = sip_span_of(invite)};
	sip_client_id other;

	(void)state;
	assert_int_equal(sip_clients_open(t, &start, &other, 0), SIP_EREPEATED);
	start.branch = sip_span_of("z9hG4bKj");
	assert_int_equal(sip_clients_open(t, &start, &other, 0), 0);
	start.branch = sip_span_of("z9hG4bKk");
	assert_int_equal(sip_clients_open(t, &start, &other, 0), SIP_EFULL);
	assert_true(sip_clients_drop(t, id));
	assert_false(sip_clients_drop(t, id));
	assert_int_equal(sip_clients_open(t, &start, &other, 0), 0);
	assert_int_not_equal(other, id);
	assert_int_equal(answer(t, 200, "INVITE", "z9hG4bKi", 1).news, SIP_CLIENT_STRAY);
	assert_int_equal(answer(t, 200, "BYE", "z9hG4bKk", 1).news, SIP_CLIENT_STRAY);
	sip_clients_free(t);
}

static bool is_to(const void *user, const struct sip_peer *peer)
{
	return !memcmp(peer->bytes, user, peer->length);
}

/* Where the way broke, nobody waits who has heard nothing yet; others do. */
static void test_broken_way_17_1_4(void **state)
{
	struct sip_clients *t = sip_clients_new(3);
	sip_client_id ringing = open_one(t, SIP_INVITE, "z9hG4bKi", true, 0);
	sip_client_id unheard = open_one(t, SIP_BYE, "z9hG4bKj", true, 0);
	struct sip_client_due due;

	(void)state;
	assert_true(sip_clients_next(t, &due, 0) && sip_clients_next(t, &due, 0));
	assert_int_equal(answer(t, 180, "INVITE", "z9hG4bKi", 1).id, ringing);
	sip_clients_lose(t, is_to, "other", 2);
	assert_false(sip_clients_next(t, &due, 2));
	sip_clients_lose(t, is_to, "there", 3);
	assert_true(sip_clients_next(t, &due, 3));
	assert_int_equal(due.kind, SIP_CLIENT_SILENT);
	assert_int_equal(due.id, unheard);
	assert_false(sip_clients_next(t, &due, 3));
	assert_int_equal(answer(t, 200, "INVITE", "z9hG4bKi", 4).news, SIP_CLIENT_ACCEPTED);
	sip_clients_free(t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_silence_17_1),     cmocka_unit_test(test_provisional_17_1),
		cmocka_unit_test(test_refusal_17_1_1_3), cmocka_unit_test(test_accepted_rfc_6026),
		cmocka_unit_test(test_cancel_9_1),       cmocka_unit_test(test_cancel_against_200),
		cmocka_unit_test(test_limits),           cmocka_unit_test(test_broken_way_17_1_4),
	};

	sip_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
