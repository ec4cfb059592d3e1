/* agent/ledger and agent/remember: dialogs that go through (AGENT-4, AGENT-12). */
#include "tests/sip/parse.h"

#include <stdio.h>
#include <stdlib.h>

#include "agent/remember.h"

static struct agent_dialog_key key_of(uint32_t line, const char *call_id, const char *inside,
				      const char *outside)
{
	return (struct agent_dialog_key){line, sip_span_of(call_id), sip_span_of(inside),
					 sip_span_of(outside)};
}

static struct agent_dialog *open_one(struct agent_ledger *ledger, uint32_t line,
				     const char *call_id, const char *inside, const char *outside)
{
	const struct agent_dialog_key key = key_of(line, call_id, inside, outside);
	struct agent_dialog *dialog = NULL;

	assert_int_equal(agent_ledger_open(ledger, &key, 0, &dialog), 0);
	agent_dialog_touch(dialog, 1000);
	return dialog;
}

/* A call between two lines of one agent has one Call-ID and the same two tags, the other way round;
 * so has one between two endpoints of one line. */
static void test_two_legs_agent_4(void **state)
{
	struct agent_ledger *ledger = agent_ledger_new(10);
	struct agent_dialog *a = open_one(ledger, 0, "c", "x", "y");
	struct agent_dialog *b = open_one(ledger, 1, "c", "y", "x");
	struct agent_dialog *same = open_one(ledger, 0, "c", "y", "x");
	struct sip_message bye = parse("BYE sip:b@x SIP/2.0\r\nVia: SIP/2.0/UDP h\r\n"
				       "From: <sip:a@x>;tag=x\r\nTo: <sip:b@x>;tag=y\r\n"
				       "Call-ID: c\r\nCSeq: 2 BYE\r\n\r\n");
	struct agent_dialog_key key = agent_dialog_key_of(&bye, AGENT_INSIDE, 0);
	struct agent_dialog *none;

	(void)state;
	assert_ptr_equal(agent_ledger_find(ledger, &key), a);
	key = agent_dialog_key_of(&bye, AGENT_OUTSIDE, 1);
	assert_ptr_equal(agent_ledger_find(ledger, &key), b);
	key = agent_dialog_key_of(&bye, AGENT_OUTSIDE, 0);
	assert_ptr_equal(agent_ledger_find(ledger, &key), same);
	key = agent_dialog_key_of(&bye, AGENT_INSIDE, 1);
	assert_null(agent_ledger_find(ledger, &key));
	key = agent_dialog_key_of(&bye, AGENT_INSIDE, AGENT_ANY_LINE);
	assert_ptr_equal(agent_ledger_find(ledger, &key), a);
	assert_int_equal(agent_ledger_open(ledger, &key, 0, &none), SIP_EREPEATED);
	sip_message_clear(&bye);
	agent_ledger_free(ledger);
}

/* All early dialogs of one INVITE are found; one Call-ID has a share of the table, no more. */
static void test_forks_agent_4(void **state)
{
	struct agent_ledger *ledger = agent_ledger_new(1000);
	const struct agent_dialog_key call = {
		.line = 0, .call_id = sip_span_of("c"), .inside_tag = sip_span_of("x")};
	struct agent_dialog_key one_more = key_of(0, "c", "x", "more");
	struct agent_dialog *dialog = NULL;
	char tag[16];
	int count = 0;

	(void)state;
	for (int i = 0; i < AGENT_DIALOGS_PER_CALL_MAX; i++) {
		snprintf(tag, sizeof(tag), "y%d", i);
		open_one(ledger, 0, "c", "x", tag);
	}
	open_one(ledger, 0, "d", "x", "y");
	assert_int_equal(agent_ledger_open(ledger, &one_more, 0, &dialog), SIP_EFULL);
	dialog = NULL;
	while ((dialog = agent_ledger_next(ledger, &call, dialog)))
		count++;
	assert_int_equal(count, AGENT_DIALOGS_PER_CALL_MAX);
	agent_ledger_free(ledger);
}

static const struct agent_dialog *named(const struct agent_ledger *ledger, const char *header,
					enum agent_side side)
{
	const struct agent_dialog *found;
	struct sip_message invite;
	char text[512];

	snprintf(text, sizeof(text),
		 "INVITE sip:b@x SIP/2.0\r\nVia: SIP/2.0/UDP h\r\nFrom: <sip:a@x>;tag=q\r\n"
		 "To: <sip:b@x>\r\nCall-ID: n\r\nCSeq: 2 INVITE\r\n%s\r\n\r\n",
		 header);
	invite = parse(text);
	found = agent_ledger_named(ledger, 0, &invite, side);
	sip_message_clear(&invite);
	return found;
}

static void test_named_agent_4(void **state)
{
	struct agent_ledger *ledger = agent_ledger_new(10);
	const struct agent_dialog *dialog = open_one(ledger, 0, "c@1", "in", "out");

	(void)state;
	assert_ptr_equal(named(ledger, "Replaces: c@1;to-tag=in;from-tag=out", AGENT_OUTSIDE),
			 dialog);
	assert_ptr_equal(named(ledger, "Join: c@1 ;from-tag=out;to-tag=in", AGENT_OUTSIDE), dialog);
	assert_ptr_equal(named(ledger, "Replaces: c@1;to-tag=out;from-tag=in", AGENT_INSIDE),
			 dialog);
	assert_ptr_equal(
		named(ledger, "Target-Dialog: c@1;local-tag=out;remote-tag=in", AGENT_OUTSIDE),
		dialog);
	assert_null(named(ledger, "Replaces: c@1;to-tag=out;from-tag=in", AGENT_OUTSIDE));
	assert_null(named(ledger, "Replaces: c@2;to-tag=in;from-tag=out", AGENT_OUTSIDE));
	assert_null(named(ledger, "Replaces: c@1;to-tag=in", AGENT_OUTSIDE));
	assert_null(named(ledger, "Subject: c@1", AGENT_OUTSIDE));
	agent_ledger_free(ledger);
}

static void count_and_close(void *user, struct agent_dialog *dialog)
{
	++*(int *)user;
	agent_ledger_close(dialog);
}

static int sweep_all(struct agent_ledger *ledger, uint64_t now)
{
	int count = 0;

	for (int i = 0; i < AGENT_SWEEP_PARTS; i++)
		agent_ledger_sweep(ledger, now, count_and_close, &count);
	return count;
}

/* 12 h after the last message, or at Session-Expires. */
static void test_time_agent_12(void **state)
{
	struct agent_ledger *ledger = agent_ledger_new(10);
	struct agent_dialog *still = open_one(ledger, 0, "a", "x", "y");
	struct agent_dialog *timed = open_one(ledger, 0, "b", "x", "y");
	const uint64_t idle = AGENT_DIALOG_IDLE_MS;

	(void)state;
	agent_dialog_set_session(timed, 1800, 5000);
	agent_dialog_touch(timed, 900000);
	assert_int_equal(sweep_all(ledger, 5000 + 1800000 - 1), 0);
	assert_int_equal(sweep_all(ledger, 5000 + 1800000), 1);
	assert_int_equal(sweep_all(ledger, 1000 + idle - 1), 0);
	agent_dialog_touch(still, 2000);
	assert_int_equal(sweep_all(ledger, 2000 + idle - 1), 0);
	assert_int_equal(sweep_all(ledger, 2000 + idle), 1);
	assert_int_equal(agent_ledger_count(ledger), 0);
	agent_ledger_free(ledger);
}

/* RFC 3261 12.1: as it stands for who was called, reversed for who called. */
static void test_routes(void **state)
{
	struct sip_message answer =
		parse("SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP h\r\nFrom: <sip:a@x>;tag=1\r\nTo: "
		      "<sip:b@x>;tag=2\r\n"
		      "Call-ID: c\r\nCSeq: 2 INVITE\r\nRecord-Route: <sip:p1;lr>, <sip:p2;lr>\r\n"
		      "Record-Route: <sip:p3;lr;x=\"a,b\">\r\n\r\n");
	char routes[128];

	(void)state;
	assert_true(agent_read_routes(&answer, true, routes, sizeof(routes)) > 0);
	assert_string_equal(routes, "<sip:p3;lr;x=\"a,b\">, <sip:p2;lr>, <sip:p1;lr>");
	assert_true(agent_read_routes(&answer, false, routes, sizeof(routes)) > 0);
	assert_string_equal(routes, "<sip:p1;lr>, <sip:p2;lr>, <sip:p3;lr;x=\"a,b\">");
	assert_int_equal(agent_read_routes(&answer, true, routes, 20), SIP_ESPACE);
	sip_message_clear(&answer);
}

/* 20,000 dialogs at once: each is found, and all are gone again. */
static void test_many(void **state)
{
	enum { COUNT = 20000 };
	struct agent_ledger *ledger = agent_ledger_new(COUNT);
	struct agent_dialog *none;
	struct agent_dialog_key key;
	char call_id[32];
	int closed = 0;

	(void)state;
	for (uint32_t i = 0; i < COUNT; i++) {
		snprintf(call_id, sizeof(call_id), "call-%u@192.0.2.1", i);
		open_one(ledger, i % 7, call_id, "in", "out");
	}
	key = key_of(0, "one more", "in", "out");
	assert_int_equal(agent_ledger_open(ledger, &key, 0, &none), SIP_EFULL);
	for (uint32_t i = 0; i < COUNT; i++) {
		snprintf(call_id, sizeof(call_id), "call-%u@192.0.2.1", i);
		key = key_of(i % 7, call_id, "in", "out");
		assert_non_null(agent_ledger_find(ledger, &key));
		assert_non_null(agent_ledger_by_id(ledger, i + 1));
	}
	agent_ledger_each(ledger, count_and_close, &closed);
	assert_int_equal(closed, COUNT);
	assert_int_equal(agent_ledger_count(ledger), 0);
	agent_ledger_free(ledger);
}

/* ---- records -------------------------------------------------------------------------------- */

static uint32_t find_line(void *user, uint64_t key)
{
	(void)user;
	return key == 1111 ? 3 : UINT32_MAX;
}

static uint32_t find_endpoint(void *user, uint64_t key)
{
	(void)user;
	return key == 2222 ? 4 : UINT32_MAX;
}

static const struct agent_finder finder = {find_line, find_endpoint, NULL};
static const struct agent_names names = {1111, 2222};

static int make_record(char *to, size_t size)
{
	const struct agent_moment at = {.now = 2000, .wall = 1700000000000};
	struct agent_ledger *ledger = agent_ledger_new(10);
	struct agent_dialog *dialog = open_one(ledger, 0, "c@1", "in", "out");
	int length;

	dialog->is_confirmed = true;
	dialog->hop.route = (struct kl_route){.ip = {[15] = 1}, .port = 5061, .transport = KL_TCP};
	dialog->hop.stream = 99;
	dialog->binding.entry = 1;
	dialog->binding.redirected = true;
	dialog->binding.route = (struct kl_route){.ip = {[15] = 2}, .port = 5060};
	dialog->heard[AGENT_OUTSIDE] = 8;
	agent_cseq_went(&dialog->cseq[AGENT_INSIDE], 5, 6, SIP_INVITE);
	agent_dialog_set(dialog, AGENT_INSIDE_TARGET, sip_span_of("sip:phone@127.0.0.1"));
	agent_dialog_set(dialog, AGENT_OUTSIDE_ROUTES, sip_span_of("<sip:p;lr>"));
	length = agent_dialog_record(dialog, &names, &at, to, size);
	agent_ledger_free(ledger);
	return length;
}

/* It comes back as it was, on whatever numbers line and endpoint have now, with a jump. */
static void test_record_agent_12(void **state)
{
	const struct agent_moment later = {.now = 50, .wall = 1700000060000};
	struct agent_ledger *ledger = agent_ledger_new(10);
	const struct agent_dialog *dialog;
	char bytes[2048];
	struct sip_span record = {bytes, (size_t)make_record(bytes, sizeof(bytes))};

	(void)state;
	assert_int_equal(agent_dialog_recall(ledger, 42, record, &finder, &later), 0);
	assert_int_equal(agent_dialog_recall(ledger, 42, record, &finder, &later), 0);
	assert_int_equal(agent_ledger_count(ledger), 1);
	dialog = agent_ledger_by_id(ledger, 42);
	assert_int_equal(dialog->line, 3);
	assert_int_equal(dialog->endpoint, 4);
	assert_true(dialog->is_confirmed);
	assert_int_equal(dialog->hop.route.port, 5061);
	assert_int_equal(dialog->hop.stream, 0);
	assert_int_equal(dialog->binding.line, 3);
	assert_int_equal(dialog->binding.entry, 1);
	assert_true(dialog->binding.redirected);
	assert_int_equal(dialog->heard[AGENT_OUTSIDE], 8);
	assert_string_equal(dialog->texts[AGENT_OUTSIDE_ROUTES], "<sip:p;lr>");
	assert_string_equal(dialog->texts[AGENT_CALL_ID], "c@1");
	assert_int_equal(dialog->drop_at, 50 + AGENT_DIALOG_IDLE_MS - 1000 - 60000);
	assert_int_equal(agent_cseq_next(&dialog->cseq[AGENT_INSIDE], 6), 1007);
	assert_int_equal(agent_cseq_next(&dialog->cseq[AGENT_OUTSIDE], 6), 6);
	assert_int_equal(open_one(ledger, 0, "new", "a", "b")->id, 43);
	agent_ledger_free(ledger);
}

/* Records that are too old, of nobody, cut short, or changed at any byte: never a crash. */
static void test_bad_records(void **state)
{
	struct agent_moment at = {.now = 50, .wall = 1700000000000 + AGENT_DIALOG_IDLE_MS};
	struct agent_ledger *ledger = agent_ledger_new(100);
	char bytes[2048], copy[2048];
	size_t length = (size_t)make_record(bytes, sizeof(bytes));
	struct sip_span record = {bytes, length};

	(void)state;
	assert_int_equal(agent_dialog_recall(ledger, 1, record, &finder, &at), SIP_EABSENT);
	at.wall = 1700000000000;
	assert_int_equal(agent_dialog_recall(ledger, 0, record, &finder, &at), SIP_EVALUE);
	for (size_t i = 0; i < length; i++) {
		char *short_one = malloc(i + 1); /* for the sanitizers: no byte behind it */

		memcpy(short_one, bytes, i);
		record = (struct sip_span){short_one, i};
		assert_true(agent_dialog_recall(ledger, 1, record, &finder, &at) < 0);
		free(short_one);
		memcpy(copy, bytes, length);
		copy[i] ^= (char)0xff;
		record = (struct sip_span){copy, length};
		agent_dialog_recall(ledger, 1, record, &finder, &at);
	}
	assert_true(make_record(bytes, length - 1) == SIP_ESPACE);
	agent_ledger_free(ledger);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_two_legs_agent_4), cmocka_unit_test(test_forks_agent_4),
		cmocka_unit_test(test_named_agent_4),    cmocka_unit_test(test_time_agent_12),
		cmocka_unit_test(test_routes),           cmocka_unit_test(test_many),
		cmocka_unit_test(test_record_agent_12),  cmocka_unit_test(test_bad_records),
	};

	sip_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
