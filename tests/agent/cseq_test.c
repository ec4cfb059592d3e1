/* agent/cseq: numbers of one direction of a dialog (AGENT-4, AGENT-12). */
#include "tests/sip/parse.h"

#include "agent/cseq.h"

/* A repeat with credentials uses up a number: all that follow are one ahead, and the ACK is as its
 * INVITE was. */
static void test_repeat_with_credentials_agent_4(void **state)
{
	struct agent_cseq cseq = {0};

	(void)state;
	assert_int_equal(agent_cseq_next(&cseq, 10), 10);
	agent_cseq_went(&cseq, 10, 10, SIP_INVITE);
	agent_cseq_went(&cseq, 10, 11, SIP_INVITE);
	assert_int_equal(agent_cseq_invite(&cseq, 10), 11);
	assert_int_equal(agent_cseq_next(&cseq, 11), 12); /* PRACK */
	agent_cseq_went(&cseq, 11, 12, SIP_PRACK);
	agent_cseq_went(&cseq, 11, 13, SIP_PRACK); /* which was asked for credentials, too */
	assert_int_equal(agent_cseq_invite(&cseq, 10), 11);
	assert_int_equal(agent_cseq_next(&cseq, 12), 14);
	assert_int_equal(cseq.last, 13);
}

/* The ACK of the INVITE before may be asked for again while the next is under way. */
static void test_two_invites(void **state)
{
	struct agent_cseq cseq = {0};

	(void)state;
	agent_cseq_went(&cseq, 1, 2, SIP_INVITE);
	agent_cseq_went(&cseq, 2, 3, SIP_INVITE);
	agent_cseq_went(&cseq, 2, 4, SIP_INVITE);
	assert_int_equal(agent_cseq_invite(&cseq, 1), 2);
	assert_int_equal(agent_cseq_invite(&cseq, 2), 4);
	agent_cseq_went(&cseq, 3, 5, SIP_INVITE);
	assert_int_equal(agent_cseq_invite(&cseq, 2), 4);
	assert_int_equal(agent_cseq_invite(&cseq, 77), 79); /* not known: as far ahead */
}

/* RFC 3515 2.4.6: a NOTIFY names its REFER by the number that the far end saw. */
static void test_refers_agent_4(void **state)
{
	struct agent_cseq cseq = {0};

	(void)state;
	assert_int_equal(agent_cseq_refer_from(&cseq, 8), 8); /* not known */
	agent_cseq_went(&cseq, 1, 2, SIP_INVITE);
	agent_cseq_went(&cseq, 2, 3, SIP_REFER);
	agent_cseq_went(&cseq, 2, 4, SIP_REFER); /* with credentials */
	assert_int_equal(agent_cseq_refer_from(&cseq, 4), 2);
	assert_int_equal(agent_cseq_refer(&cseq, 2), 4);
	agent_cseq_went(&cseq, 3, 5, SIP_REFER);
	assert_int_equal(agent_cseq_refer_from(&cseq, 4), 2);
	assert_int_equal(agent_cseq_refer_from(&cseq, 5), 3);
	assert_int_equal(agent_cseq_refer(&cseq, 77), 77);
}

static void test_jump_agent_12(void **state)
{
	struct agent_cseq cseq = {0};

	(void)state;
	agent_cseq_went(&cseq, 5, 7, SIP_INVITE);
	agent_cseq_recover(&cseq);
	assert_int_equal(agent_cseq_next(&cseq, 6), 1008);
	assert_int_equal(agent_cseq_invite(&cseq, 5), 7);
}

/* RFC 3261 8.1.1.5: less than 2^31. */
static void test_no_number_left(void **state)
{
	struct agent_cseq cseq = {.ahead = 2};

	(void)state;
	assert_int_equal(agent_cseq_next(&cseq, 0x7ffffffd), 0x7fffffff);
	assert_int_equal(agent_cseq_next(&cseq, 0x7ffffffe), 0);
	cseq.ahead = UINT32_MAX;
	assert_int_equal(agent_cseq_next(&cseq, 1), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_repeat_with_credentials_agent_4),
		cmocka_unit_test(test_two_invites),
		cmocka_unit_test(test_refers_agent_4),
		cmocka_unit_test(test_jump_agent_12),
		cmocka_unit_test(test_no_number_left),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
