/* media/clock: 20 ms after 20 ms, whatever the loop does. */
#include "tests/net/support.h"

#include "media/clock.h"

static void test_turns_do_not_drift(void **state)
{
	struct media_clock clock;

	(void)state;
	media_clock_start(&clock, 1000);
	for (uint64_t turn = 0; turn < 10000; turn++) {
		uint64_t late = turn % 7; /* of the loop */

		assert_int_equal(clock.due_at_ms, 1000 + 20 * turn);
		assert_int_equal(media_clock_turn(&clock, clock.due_at_ms + late), 0);
	}
}

static void test_a_late_loop_makes_up_for_it(void **state)
{
	struct media_clock clock;

	(void)state;
	media_clock_start(&clock, 1000);
	assert_int_equal(media_clock_turn(&clock, 1079), 0);
	assert_int_equal(clock.due_at_ms, 1020);
	assert_int_equal(media_clock_turn(&clock, 1079), 0);
	assert_int_equal(clock.due_at_ms, 1040);
}

static void test_no_burst_after_a_sleep(void **state)
{
	struct media_clock clock;

	(void)state;
	media_clock_start(&clock, 1000);
	assert_int_equal(media_clock_turn(&clock, 1080), 4);
	assert_int_equal(clock.due_at_ms, 1100);
	assert_int_equal(media_clock_turn(&clock, 3600000 + 1105), 180000);
	assert_int_equal(clock.due_at_ms, 3600000 + 1120);
	/* Not due yet: the turn counts all the same. */
	assert_int_equal(media_clock_turn(&clock, 1000), 0);
	assert_int_equal(clock.due_at_ms, 3600000 + 1140);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_turns_do_not_drift),
		cmocka_unit_test(test_a_late_loop_makes_up_for_it),
		cmocka_unit_test(test_no_burst_after_a_sleep),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
