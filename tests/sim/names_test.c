/* The simulated DNS. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "sim/names.h"

static struct kl_dns_record records[KL_DNS_RECORDS_MAX];
static uint32_t count;

static void add_address(struct sim_names *names, uint8_t last)
{
	struct sim_record record = {.type = KL_A, .owner = "a.test"};

	record.data.ip[15] = last;
	sim_names_add(names, &record);
}

static void test_answers_in_the_order_added(void **state)
{
	struct sim_names names;

	(void)state;
	sim_names_init(&names);
	add_address(&names, 2);
	add_address(&names, 1);
	assert_int_equal(sim_names_ask(&names, KL_A, "A.TEST", records, &count), KL_DNS_ANSWER);
	assert_int_equal(count, 2);
	assert_int_equal(records[0].ip[15], 2);
	assert_int_equal(records[1].ip[15], 1);
	sim_names_free(&names);
}

static void test_no_record_is_a_negative_answer(void **state)
{
	struct sim_names names;

	(void)state;
	sim_names_init(&names);
	add_address(&names, 1);
	assert_int_equal(sim_names_ask(&names, KL_SRV, "a.test", records, &count), KL_DNS_NEGATIVE);
	sim_names_remove(&names, "a.test", KL_SRV);
	assert_int_equal(sim_names_ask(&names, KL_A, "a.test", records, &count), KL_DNS_ANSWER);
	sim_names_remove(&names, "a.test", 0);
	assert_int_equal(sim_names_ask(&names, KL_A, "a.test", records, &count), KL_DNS_NEGATIVE);
	sim_names_free(&names);
}

static void test_faults_of_one_name_and_of_all(void **state)
{
	struct sim_names names;

	(void)state;
	sim_names_init(&names);
	add_address(&names, 1);
	sim_names_break(&names, "a.test", KL_DNS_FAILED);
	assert_int_equal(sim_names_ask(&names, KL_A, "a.test", records, &count), KL_DNS_FAILED);
	assert_int_equal(count, 0);
	sim_names_break(&names, "a.test", KL_DNS_ANSWER);
	assert_int_equal(sim_names_ask(&names, KL_A, "a.test", records, &count), KL_DNS_ANSWER);
	names.status = KL_DNS_SILENT;
	assert_int_equal(sim_names_ask(&names, KL_A, "a.test", records, &count), KL_DNS_SILENT);
	sim_names_free(&names);
}

static void test_an_answer_is_cut_at_64_records(void **state)
{
	struct sim_names names;

	(void)state;
	sim_names_init(&names);
	for (uint8_t i = 0; i < 2 * KL_DNS_RECORDS_MAX; i++)
		add_address(&names, i);
	assert_int_equal(sim_names_ask(&names, KL_A, "a.test", records, &count), KL_DNS_ANSWER);
	assert_int_equal(count, KL_DNS_RECORDS_MAX);
	sim_names_free(&names);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_answers_in_the_order_added),
		cmocka_unit_test(test_no_record_is_a_negative_answer),
		cmocka_unit_test(test_faults_of_one_name_and_of_all),
		cmocka_unit_test(test_an_answer_is_cut_at_64_records),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
