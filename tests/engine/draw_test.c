/* DNS-5: targets of one priority are drawn by weight, as RFC 2782 says; proven over 10,000 engines.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/engine/device.h"

enum { DRAWS = 10000 };

/* Resolves the device's targets with SEED; ORDER gets their numbers, from 0, in walking order. */
static void draw(struct device *device, uint64_t seed, uint8_t order[DEVICE_TARGETS_MAX])
{
	struct kl_route_view view;

	device_begin(device, seed, 0);
	device_start_line(device, 0);
	for (uint32_t i = 0; i < device->target_count; i++) {
		assert_int_equal(kl_get_route(device->engine, 0, 0, i, &view), 0);
		order[i] = (uint8_t)(view.route.ip[15] - 1);
	}
	device_free(device);
}

/* Chi-square of SEEN against EXPECTED. */
static double chi_square(const uint32_t *seen, const double *expected, size_t count)
{
	double sum = 0;

	for (size_t i = 0; i < count; i++) {
		double off = seen[i] - expected[i];
		sum += off * off / expected[i];
	}
	return sum;
}

/* Weights in the proportion 1:2:3:4 are first in that proportion. RFC 2782 draws from 0 to the
 * total, both included; with weights in thousands that one number more does not show. */
static void test_first_by_weight(void **state)
{
	struct device device;
	uint8_t order[DEVICE_TARGETS_MAX];
	uint32_t first[4] = {0};
	double expected[4];

	(void)state;
	device_init(&device, KL_PROFILE_POLY);
	device.target_count = 4;
	for (uint16_t i = 0; i < 4; i++) {
		device.targets[i] = (struct device_target){10, (uint16_t)(1000 * (i + 1))};
		expected[i] = DRAWS * (i + 1) / 10.0;
	}
	for (uint64_t seed = 1; seed <= DRAWS; seed++) {
		draw(&device, seed, order);
		first[order[0]]++;
	}
	/* 3 degrees of freedom: 21.1 is passed by chance once in 10,000 tries; the seeds are fixed.
	 */
	assert_true(chi_square(first, expected, 4) < 21.1);
}

/* The places behind the first are drawn by the weights of those that are left. */
static void test_second_by_what_is_left(void **state)
{
	struct device device;
	uint8_t order[DEVICE_TARGETS_MAX];
	uint32_t second[3] = {0}, heaviest_first = 0;
	double expected[3];

	(void)state;
	device_init(&device, KL_PROFILE_POLY);
	device.target_count = 4;
	for (uint16_t i = 0; i < 4; i++)
		device.targets[i] = (struct device_target){10, (uint16_t)(1000 * (i + 1))};
	for (uint64_t seed = 1; seed <= DRAWS; seed++) {
		draw(&device, seed, order);
		if (order[0] == 3) {
			heaviest_first++;
			second[order[1]]++;
		}
	}
	for (size_t i = 0; i < 3; i++)
		expected[i] = heaviest_first * (double)(i + 1) / 6.0;
	/* 2 degrees of freedom: 18.4 is passed by chance once in 10,000 tries. */
	assert_true(chi_square(second, expected, 3) < 18.4);
}

/* Equal weights: ten thousand lines spread evenly. */
static void test_equal_weights_spread_evenly(void **state)
{
	struct device device;
	uint8_t order[DEVICE_TARGETS_MAX];
	uint32_t first[4] = {0};
	double expected[4];

	(void)state;
	device_init(&device, KL_PROFILE_POLY);
	device.target_count = 4;
	for (size_t i = 0; i < 4; i++) {
		device.targets[i] = (struct device_target){10, 100};
		expected[i] = DRAWS / 4.0;
	}
	for (uint64_t seed = 1; seed <= DRAWS; seed++) {
		draw(&device, seed, order);
		first[order[0]]++;
	}
	assert_true(chi_square(first, expected, 4) < 21.1);
}

/* RFC 2782: weight 0 among greater ones has "a very small chance" to be first: it has one, and it
 * is small. */
static void test_weight_0_is_rarely_first(void **state)
{
	struct device device;
	uint8_t order[DEVICE_TARGETS_MAX];
	uint32_t first[2] = {0};

	(void)state;
	device_init(&device, KL_PROFILE_POLY);
	device.target_count = 2;
	device.targets[0] = (struct device_target){10, 0};
	device.targets[1] = (struct device_target){10, 99};
	for (uint64_t seed = 1; seed <= DRAWS; seed++) {
		draw(&device, seed, order);
		first[order[0]]++;
	}
	/* 1 in 100 of 10,000 is 100; 3.7 standard deviations of 10 either way. */
	assert_in_range(first[0], 63, 137);
}

/* A lower priority always goes first, whatever the weights, with any seed. */
static void test_priority_before_weight(void **state)
{
	struct device device;
	uint8_t order[DEVICE_TARGETS_MAX];

	(void)state;
	device_init(&device, KL_PROFILE_POLY);
	device.target_count = 3;
	device.targets[0] = (struct device_target){30, 65535};
	device.targets[1] = (struct device_target){10, 0};
	device.targets[2] = (struct device_target){20, 65535};
	for (uint64_t seed = 1; seed <= 100; seed++) {
		draw(&device, seed, order);
		assert_int_equal(order[0], 1);
		assert_int_equal(order[1], 2);
		assert_int_equal(order[2], 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_first_by_weight),
		cmocka_unit_test(test_second_by_what_is_left),
		cmocka_unit_test(test_equal_weights_spread_evenly),
		cmocka_unit_test(test_weight_0_is_rarely_first),
		cmocka_unit_test(test_priority_before_weight),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
