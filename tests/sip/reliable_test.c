/* sip/reliable: RFC 3262: which provisional answers want a PRACK, and what it says. */
#include "tests/sip/parse.h"

#include "sip/reliable.h"

#include <stdio.h>

static int read_rseq(unsigned status, const char *more, uint32_t *rseq)
{
	char text[512];
	struct sip_message m;
	int error;

	snprintf(text, sizeof text,
		 "SIP/2.0 %u x\r\nVia: SIP/2.0/UDP x;branch=z9hG4bK1\r\nFrom: <sip:a@x>;tag=1\r\n"
		 "To: <sip:b@x>;tag=2\r\nCall-ID: c\r\nCSeq: 1 INVITE\r\n%s\r\n",
		 status, more);
	m = parse(text);
	error = sip_rseq_read(&m, rseq);
	sip_message_clear(&m);
	return error;
}

/* CALL-1 (part), RFC 3262 3, 7.1 */
static void rseq_counts_in_reliable_answers_alone(void **state)
{
	static const char both[] = "Require: foo, 100rel\r\nRSeq: 988789\r\n";
	uint32_t rseq = 0;

	(void)state;
	assert_int_equal(read_rseq(183, both, &rseq), 0);
	assert_int_equal(rseq, 988789);
	assert_int_equal(read_rseq(100, both, &rseq), SIP_EABSENT);
	assert_int_equal(read_rseq(200, both, &rseq), SIP_EABSENT);
	assert_int_equal(read_rseq(180, "RSeq: 1\r\n", &rseq), SIP_EABSENT);
	assert_int_equal(read_rseq(180, "Require: 100rel\r\n", &rseq), SIP_EABSENT);
	assert_int_equal(read_rseq(180, "Require: 100rel\r\nRSeq: x\r\n", &rseq), SIP_EVALUE);
	assert_int_equal(read_rseq(180, "Require: 100rel\r\nRSeq: 4294967296\r\n", &rseq),
			 SIP_ERANGE);
}

/* CALL-1 (part), RFC 3262 4: the first one is taken as it is, then each is one more. */
static void rseqs_are_taken_in_order(void **state)
{
	uint32_t last = 0;

	(void)state;
	assert_int_equal(sip_rseq_take(&last, 41), SIP_RSEQ_NEXT);
	assert_int_equal(sip_rseq_take(&last, 41), SIP_RSEQ_REPEAT);
	assert_int_equal(sip_rseq_take(&last, 43), SIP_RSEQ_EARLY);
	assert_int_equal(last, 41);
	assert_int_equal(sip_rseq_take(&last, 42), SIP_RSEQ_NEXT);
	assert_int_equal(sip_rseq_take(&last, 43), SIP_RSEQ_NEXT);
	assert_int_equal(sip_rseq_take(&last, 7), SIP_RSEQ_REPEAT);
}

static int read_rack(const char *value, struct sip_rack *rack)
{
	char text[512];
	struct sip_message m;
	int error;

	snprintf(text, sizeof text,
		 "PRACK sip:b@x SIP/2.0\r\nVia: SIP/2.0/UDP x;branch=z9hG4bK1\r\n"
		 "From: <sip:a@x>;tag=1\r\nTo: <sip:b@x>;tag=2\r\nCall-ID: c\r\nCSeq: 2 PRACK\r\n"
		 "%s\r\n",
		 value);
	m = parse(text);
	error = sip_rack_read(&m, rack);
	sip_message_clear(&m);
	return error;
}

/* CALL-1 (part), RFC 3262 7.2 */
static void rack_names_what_it_acknowledges(void **state)
{
	struct sip_rack rack;

	(void)state;
	assert_int_equal(read_rack("RAck: 776656 \t1  INVITE\r\n", &rack), 0);
	assert_int_equal(rack.rseq, 776656);
	assert_int_equal(rack.cseq, 1);
	assert_int_equal(rack.method, SIP_INVITE);
	assert_int_equal(read_rack("", &rack), SIP_EABSENT);
	assert_int_equal(read_rack("RAck: 1 INVITE\r\n", &rack), SIP_EVALUE);
	assert_int_equal(read_rack("RAck: 1 4294967295 INVITE\r\n", &rack), SIP_ERANGE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rseq_counts_in_reliable_answers_alone),
		cmocka_unit_test(rseqs_are_taken_in_order),
		cmocka_unit_test(rack_names_what_it_acknowledges),
	};

	sip_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
