/* plan_test.c - the built-in plan, and that the documentation knows all of a lab file's keys. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lab/plan.h"

static void test_built_in(void **state)
{
	struct lab_plan *plan;

	(void)state;
	assert_true(lab_plan_load(NULL, &plan));
	assert_int_equal(plan->server_count, 3);
	assert_string_equal(plan->servers[2].name, "server3");
	assert_int_equal(plan->servers[2].priority, 30);
	assert_int_equal(plan->servers[0].address.port, 5060);
	assert_null(plan->user);
	assert_int_equal(lab_plan_find(plan, "server2"), 1);
	assert_int_equal(lab_plan_find(plan, "dns"), LAB_DNS);
	assert_true(lab_plan_find(plan, "nobody") < LAB_DNS);
	lab_plan_free(plan);
}

static void test_missing(void **state)
{
	struct lab_plan *plan;

	(void)state;
	assert_false(lab_plan_load("/nonesuch/lab.yaml", &plan));
	assert_int_equal(plan->diagnostic_count, 1);
	lab_plan_free(plan);
}

static void assert_told(const char *page, const char *word)
{
	char quoted[64];

	snprintf(quoted, sizeof quoted, "`%s", word);
	if (!strstr(page, quoted))
		fail_msg("docs/lab.md does not tell of `%s`", word);
}

static void assert_keys_told(const char *page, const struct yaml_table *table)
{
	for (size_t i = 0; i < table->count; i++) {
		const struct yaml_row *row = &table->rows[i];

		assert_told(page, row->key);
		if (row->type == YAML_MAP)
			assert_keys_told(page, row->table);
		if (row->type == YAML_LIST && row->item->type == YAML_MAP)
			assert_keys_told(page, row->item->table);
	}
}

static void test_documentation(void **state)
{
	FILE *file = fopen(PAGE, "re");
	char *page = NULL;
	size_t room = 0;

	(void)state;
	assert_non_null(file);
	assert_true(getdelim(&page, &room, '\0', file) > 0);
	fclose(file);
	assert_keys_told(page, lab_plan_table());
	for (int i = 0; i < LAB_FAULT_KINDS; i++)
		if (lab_fault_takes((enum lab_fault_kind)i) & LAB_FAULT_OF_SIP)
			assert_told(page, lab_fault_word((enum lab_fault_kind)i));
		else
			assert_non_null(strstr(page, lab_fault_word((enum lab_fault_kind)i)));
	free(page);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_built_in),
		cmocka_unit_test(test_missing),
		cmocka_unit_test(test_documentation),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
