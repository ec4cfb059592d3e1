/* fault_test.c - the words of faults: what is read is written again, and all else is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "lab/fault.h"

static void test_words(void **state)
{
	static const struct {
		enum lab_culprit culprit;
		const char *text, *again; /* NULL: the same */
	} cases[] = {
		{LAB_CULPRIT_SIP, "up", NULL},
		{LAB_CULPRIT_SIP, "silent", NULL},
		{LAB_CULPRIT_SIP, "silent in", NULL},
		{LAB_CULPRIT_SIP, "silent out of INVITE,BYE", NULL},
		{LAB_CULPRIT_SIP, "  silent   of\tREGISTER ", "silent of REGISTER"},
		{LAB_CULPRIT_SIP, "closed", NULL},
		{LAB_CULPRIT_SIP, "answers 503 retry-after 30 of REGISTER", NULL},
		{LAB_CULPRIT_SIP, "answers 486", NULL},
		{LAB_CULPRIT_SIP, "slow 500ms", NULL},
		{LAB_CULPRIT_SIP, "slow 5m of OPTIONS", "slow 300s of OPTIONS"},
		{LAB_CULPRIT_SIP, "loss 30% out", NULL},
		{LAB_CULPRIT_SIP, "loss 0", "loss 0%"},
		{LAB_CULPRIT_SIP, "certificate stranger", NULL},
		{LAB_CULPRIT_SIP, "expires 60s", NULL},
		{LAB_CULPRIT_DNS, "servfail", NULL},
		{LAB_CULPRIT_DNS, "ttl 5s", NULL},
		{LAB_CULPRIT_DNS, "lists server2  server1", "lists server2 server1"},
	};
	char why[LAB_FAULT_WHY_MAX], text[LAB_FAULT_TEXT_MAX];
	struct lab_fault fault;

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		if (!lab_fault_parse(&fault, cases[i].culprit, cases[i].text, why))
			fail_msg("%s: %s", cases[i].text, why);
		assert_string_equal(lab_fault_format(text, &fault),
				    cases[i].again ? cases[i].again : cases[i].text);
	}
}

static void test_refused(void **state)
{
	static const struct {
		enum lab_culprit culprit;
		const char *text, *expected;
	} cases[] = {
		{LAB_CULPRIT_SIP, "", "\"end of the line\": expected a fault of a SIP server"},
		{LAB_CULPRIT_SIP, "servfail", "a fault of a SIP server"},
		{LAB_CULPRIT_DNS, "closed", "a fault of the DNS server"},
		{LAB_CULPRIT_DNS, "silent in", "\"in\": expected the end of the line"},
		{LAB_CULPRIT_SIP, "answers 200", "\"200\": expected a status from 300 to 699"},
		{LAB_CULPRIT_SIP, "answers 503 retry-after soon", "\"soon\": expected seconds"},
		{LAB_CULPRIT_SIP, "slow 3", "\"3\": expected a time such as"},
		{LAB_CULPRIT_SIP, "slow 99999999999999999999s", "expected a time such as"},
		{LAB_CULPRIT_SIP, "slow -3s", "expected a time such as"},
		{LAB_CULPRIT_SIP, "loss 101", "a percentage from 0 to 100"},
		{LAB_CULPRIT_SIP, "silent of", "\"end of the line\": expected methods"},
		{LAB_CULPRIT_SIP, "silent of DANCE", "\"DANCE\": expected methods"},
		{LAB_CULPRIT_SIP, "silent of INVITE,", NULL},
		{LAB_CULPRIT_SIP, "silent today", "\"today\": expected the end of the line"},
		{LAB_CULPRIT_SIP, "certificate", "expected wrong-name, expired or stranger"},
		{LAB_CULPRIT_DNS, "lists", "expected the names of servers"},
	};
	char why[LAB_FAULT_WHY_MAX], text[LAB_FAULT_TEXT_MAX + 1];
	struct lab_fault fault;

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		bool good = lab_fault_parse(&fault, cases[i].culprit, cases[i].text, why);

		assert_int_equal(good, !cases[i].expected);
		if (!good && !strstr(why, cases[i].expected))
			fail_msg("%s: %s", cases[i].text, why);
	}
	memset(text, 'x', sizeof text);
	text[sizeof text - 1] = '\0';
	assert_false(lab_fault_parse(&fault, LAB_CULPRIT_SIP, text, why));
}

static void test_methods(void **state)
{
	char why[LAB_FAULT_WHY_MAX];
	struct lab_fault fault;

	(void)state;
	assert_true(lab_fault_parse(&fault, LAB_CULPRIT_SIP, "silent of INVITE,BYE", why));
	assert_true(lab_fault_is_about(&fault, SIP_BYE));
	assert_false(lab_fault_is_about(&fault, SIP_REGISTER));
	assert_true(lab_fault_parse(&fault, LAB_CULPRIT_SIP, "silent", why));
	assert_true(lab_fault_is_about(&fault, SIP_REGISTER));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_words),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_methods),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
