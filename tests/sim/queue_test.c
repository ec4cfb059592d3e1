/* The order in which things happen in the simulated world. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "sim/queue.h"

static void put(struct sim_queue *queue, uint64_t at_us, size_t subject)
{
	sim_queue_put(queue, &(struct sim_happening){.at_us = at_us, .subject = subject});
}

static void test_soonest_first(void **state)
{
	const uint64_t times_us[] = {50, 10, 40, 90, 20, 70, 30, 80, 60};
	struct sim_queue queue = {0};

	(void)state;
	for (size_t i = 0; i < sizeof(times_us) / sizeof(times_us[0]); i++)
		put(&queue, times_us[i], i);
	for (uint64_t at_us = 10; at_us <= 90; at_us += 10) {
		assert_int_equal(sim_queue_next_us(&queue), at_us);
		assert_int_equal(sim_queue_take(&queue).at_us, at_us);
	}
	assert_true(sim_queue_next_us(&queue) == UINT64_MAX);
	sim_queue_free(&queue);
}

static void test_equal_times_happen_in_the_order_put(void **state)
{
	struct sim_queue queue = {0};

	(void)state;
	for (size_t i = 0; i < 100; i++)
		put(&queue, i % 3, i);
	for (uint64_t at_us = 0; at_us < 3; at_us++) {
		for (size_t i = at_us; i < 100; i += 3)
			assert_int_equal(sim_queue_take(&queue).subject, i);
	}
	sim_queue_free(&queue);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_soonest_first),
		cmocka_unit_test(test_equal_times_happen_in_the_order_put),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
