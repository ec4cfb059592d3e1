/* The schedule of packets on a wire. */
#include "tests/live/wire/path.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

enum { MANY = 100000 };

#define MS UINT64_C(1000000)

static struct wire_path path;

static void put(char name, uint64_t now)
{
	wire_path_put(&path, &name, 1, now);
}

/* The names of the packets that have left by NOW, in their order. */
static const char *taken(uint64_t now)
{
	static char names[WIRE_PACKETS_MAX + 1];
	const struct wire_packet *packet;
	size_t count = 0;

	while ((packet = wire_path_take(&path, now)))
		names[count++] = (char)packet->bytes[0];
	names[count] = '\0';
	return names;
}

static int start(void **state)
{
	(void)state;
	wire_path_init(&path, 17);
	return 0;
}

static void without_terms_a_packet_leaves_at_once(void **state)
{
	(void)state;
	assert_int_equal(wire_path_next_at(&path), WIRE_NEVER);
	put('a', 5);
	assert_int_equal(wire_path_next_at(&path), 5);
	assert_string_equal(taken(5), "a");
	assert_int_equal(wire_path_next_at(&path), WIRE_NEVER);
}

static void a_delay_is_exact(void **state)
{
	(void)state;
	path.terms.delay_ns = 10 * MS;
	put('a', 1 * MS);
	put('b', 4 * MS);
	assert_int_equal(wire_path_next_at(&path), 11 * MS);
	assert_string_equal(taken(11 * MS - 1), "");
	assert_string_equal(taken(11 * MS), "a");
	assert_string_equal(taken(14 * MS), "b");
}

/* Whoever came first leaves first, even if its delay was longer, or is shorter from now on. */
static void jitter_keeps_the_order(void **state)
{
	uint64_t least = WIRE_NEVER, most = 0, last = 0;

	(void)state;
	path.terms = (struct wire_terms){.delay_ns = 10 * MS, .jitter_ns = 5 * MS};
	for (uint64_t i = 0; i < 1000; i++) {
		put('a', i * 20 * MS);
		uint64_t late = wire_path_next_at(&path) - i * 20 * MS;

		least = late < least ? late : least;
		most = late > most ? late : most;
		assert_string_equal(taken(WIRE_NEVER - 1), "a");
	}
	assert_in_range(least, 10 * MS, 10 * MS + MS / 10);
	assert_in_range(most, 15 * MS - MS / 10, 15 * MS);
	for (uint64_t i = 0; i < 1000; i++)
		put((char)('a' + i % 26), 30000 * MS + i);
	path.terms = (struct wire_terms){0};
	put('z', 30001 * MS);
	for (uint64_t i = 0; i < 1000; i++) {
		assert_in_range(wire_path_next_at(&path), last, WIRE_NEVER - 1);
		last = wire_path_next_at(&path);
		assert_int_equal(wire_path_take(&path, last)->bytes[0], 'a' + i % 26);
	}
	assert_string_equal(taken(last), "z");
}

/* Within four standard deviations of 100,000 throws. */
static void chances_are_what_they_say(void **state)
{
	(void)state;
	path.terms =
		(struct wire_terms){.loss = 300000, .duplication = 100000, .overtaking = 50000};
	for (int i = 0; i < MANY; i++) {
		put('a', 0);
		taken(0);
	}
	assert_int_equal(path.counts.came, MANY);
	assert_in_range(path.counts.lost, 29420, 30580);
	assert_in_range(path.counts.duplicated, 6740, 7260); /* of those that are not lost */
	assert_in_range(path.counts.overtook, 3310, 3690);
	assert_int_equal(path.counts.left, MANY - path.counts.lost + path.counts.duplicated);
}

static void remember_losses(char *fates)
{
	for (int i = 0; i < 64; i++) {
		uint64_t before = path.counts.lost;

		put('a', 0);
		fates[i] = path.counts.lost > before ? '-' : '+';
	}
	fates[64] = '\0';
}

static void luck_is_of_the_seed_and_of_the_number(void **state)
{
	char first[65], again[65], other[65];

	(void)state;
	path.terms.loss = 300000;
	remember_losses(first);
	wire_path_init(&path, 17);
	path.terms = (struct wire_terms){
		.loss = 300000, .delay_ns = MS, .jitter_ns = MS, .duplication = 500000};
	remember_losses(again);
	wire_path_init(&path, 18);
	path.terms.loss = 300000;
	remember_losses(other);
	assert_string_equal(again, first);
	assert_string_not_equal(other, first);
}

static void a_duplicate_follows_at_once(void **state)
{
	(void)state;
	path.terms = (struct wire_terms){.delay_ns = MS, .duplication = WIRE_CERTAIN};
	put('a', 0);
	put('b', 0);
	assert_string_equal(taken(MS), "aabb");
	assert_int_equal(path.counts.duplicated, 2);
}

static void a_packet_overtakes_those_on_their_way(void **state)
{
	(void)state;
	path.terms.delay_ns = 10 * MS;
	put('a', 0);
	put('b', 1 * MS);
	path.terms.overtaking = WIRE_CERTAIN;
	put('c', 2 * MS);
	path.terms.overtaking = 0;
	put('d', 3 * MS);
	assert_int_equal(wire_path_next_at(&path), 2 * MS);
	assert_string_equal(taken(20 * MS), "cabd");
	assert_int_equal(path.counts.overtook, 1);
}

static void a_cut_lets_arrive_what_is_on_its_way(void **state)
{
	(void)state;
	path.terms.delay_ns = MS;
	put('a', 0);
	path.terms.cut = true;
	put('b', 0);
	path.terms.cut = false;
	put('c', 0);
	assert_string_equal(taken(MS), "ac");
	assert_int_equal(path.counts.cut, 1);
}

static void a_full_queue_drops_what_comes(void **state)
{
	(void)state;
	path.terms.delay_ns = MS;
	for (int i = 0; i < WIRE_PACKETS_MAX + 10; i++)
		put((char)('a' + i % 26), 0);
	assert_int_equal(path.counts.full, 10);
	assert_int_equal(strlen(taken(MS)), WIRE_PACKETS_MAX);
	put('z', MS);
	assert_string_equal(taken(2 * MS), "z");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(without_terms_a_packet_leaves_at_once, start),
		cmocka_unit_test_setup(a_delay_is_exact, start),
		cmocka_unit_test_setup(jitter_keeps_the_order, start),
		cmocka_unit_test_setup(chances_are_what_they_say, start),
		cmocka_unit_test_setup(luck_is_of_the_seed_and_of_the_number, start),
		cmocka_unit_test_setup(a_duplicate_follows_at_once, start),
		cmocka_unit_test_setup(a_packet_overtakes_those_on_their_way, start),
		cmocka_unit_test_setup(a_cut_lets_arrive_what_is_on_its_way, start),
		cmocka_unit_test_setup(a_full_queue_drops_what_comes, start),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
