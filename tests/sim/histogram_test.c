/* A histogram tells each percentile within 1.6 % of the truth. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "sim/histogram.h"

static void tells_percentiles_of_even_values(void **state)
{
	enum { VALUES = 1000000 };
	static struct sim_histogram histogram;
	static const uint32_t parts[] = {1, 10, 500, 950, 990, 999};

	(void)state;
	for (uint64_t value = 1; value <= VALUES; value++)
		sim_histogram_add(&histogram, value);
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		uint64_t truth = (uint64_t)VALUES / 1000 * parts[i];
		uint64_t told = sim_histogram_at(&histogram, parts[i]);

		assert_true(told >= truth);
		assert_true(told <= truth + truth * 4 / 125);
	}
	assert_int_equal(sim_histogram_at(&histogram, 1000), VALUES);
	assert_int_equal(sim_histogram_mean(&histogram), (VALUES + 1) / 2);
}

static void is_exact_for_small_values_and_holds_the_largest(void **state)
{
	static struct sim_histogram histogram;

	(void)state;
	assert_int_equal(sim_histogram_at(&histogram, 500), 0);
	assert_int_equal(sim_histogram_mean(&histogram), 0);
	for (uint64_t value = 0; value < SIM_HISTOGRAM_FINE; value++)
		sim_histogram_add(&histogram, value);
	assert_int_equal(sim_histogram_at(&histogram, 500), SIM_HISTOGRAM_FINE / 2 - 1);
	sim_histogram_add(&histogram, UINT64_MAX / 2);
	assert_int_equal(sim_histogram_at(&histogram, 1000), UINT64_MAX / 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tells_percentiles_of_even_values),
		cmocka_unit_test(is_exact_for_small_values_and_holds_the_largest),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
