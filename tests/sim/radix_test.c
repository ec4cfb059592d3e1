/* The queue of a fleet: soonest first, and what is due at one time in the order it came. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "sim/radix.h"
#include "tests/engine/dice.h"

static void gives_the_soonest_first_whatever_comes_between(void **state)
{
	enum { ROUNDS = 200000 };
	struct sim_radix *queue = calloc(1, sizeof(*queue));
	struct dice dice = dice_of(1);
	uint64_t now_us = 0, sum = 0;
	uint32_t put = 0, taken = 0;

	(void)state;
	assert_non_null(queue);
	for (int i = 0; i < ROUNDS; i++) {
		struct sim_due item;

		if (dice_roll(&dice, 2) || queue->count == 0) {
			uint64_t wait_us = dice_roll(&dice, 1u << dice_roll(&dice, 31));

			sim_radix_put(queue, (struct sim_due){now_us + wait_us, put, 0});
			sum += put++;
			continue;
		}
		assert_true(sim_radix_take(queue, UINT64_MAX, &item));
		assert_true(item.at_us >= now_us);
		now_us = item.at_us;
		sum -= item.subject;
		taken++;
	}
	for (struct sim_due item; sim_radix_take(queue, UINT64_MAX, &item); taken++) {
		assert_true(item.at_us >= now_us);
		now_us = item.at_us;
		sum -= item.subject;
	}
	assert_int_equal(taken, put);
	assert_int_equal(sum, 0);
	sim_radix_free(queue);
	free(queue);
}

static void keeps_the_order_of_one_moment(void **state)
{
	enum { ITEMS = 1000, AT_US = 5000000, HALFWAY_US = AT_US - 100 };
	struct sim_radix *queue = calloc(1, sizeof(*queue));
	struct sim_due item;

	(void)state;
	assert_non_null(queue);
	for (uint32_t i = 0; i < ITEMS / 2; i++)
		sim_radix_put(queue, (struct sim_due){AT_US, i, 0});
	sim_radix_put(queue, (struct sim_due){HALFWAY_US, ITEMS, 0});
	assert_true(sim_radix_take(queue, AT_US, &item));
	assert_int_equal(item.subject, ITEMS);
	assert_false(sim_radix_take(queue, AT_US, &item));
	for (uint32_t i = ITEMS / 2; i < ITEMS; i++)
		sim_radix_put(queue, (struct sim_due){AT_US, i, 0});
	for (uint32_t i = 0; i < ITEMS; i++) {
		assert_true(sim_radix_take(queue, AT_US + 1, &item));
		assert_int_equal(item.subject, i);
	}
	sim_radix_free(queue);
	free(queue);
}

/* An item that has passed comes at once; one at the limit does not come before it. */
static void knows_now_and_the_limit(void **state)
{
	struct sim_radix *queue = calloc(1, sizeof(*queue));
	struct sim_due item;

	(void)state;
	assert_non_null(queue);
	sim_radix_put(queue, (struct sim_due){1000, 1, 0});
	assert_true(sim_radix_take(queue, UINT64_MAX, &item));
	sim_radix_put(queue, (struct sim_due){10, 2, 0});
	assert_true(sim_radix_take(queue, 1001, &item));
	assert_int_equal(item.at_us, 1000);
	sim_radix_put(queue, (struct sim_due){2000, 3, 0});
	assert_false(sim_radix_take(queue, 2000, &item));
	assert_true(sim_radix_take(queue, 2001, &item));
	sim_radix_free(queue);
	free(queue);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(gives_the_soonest_first_whatever_comes_between),
		cmocka_unit_test(keeps_the_order_of_one_moment),
		cmocka_unit_test(knows_now_and_the_limit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
