/* The profile keepline in numbers: a thousand lines leave a dead server, a server flaps, packets
 *get lost, a million lines return.   OWN-1 (part), OWN-2 (part), OWN-3 (part), OWN-5 (part)
 *
 *	own_test [HOURS]     virtual hours of a hundred phones with lossy servers (12) */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "tests/engine/fleet.h"

enum { SECOND_MS = 1000, MINUTE_MS = 60000, HOUR_MS = 3600000, WINDOW_S = 600 };

static uint32_t lossy_hours = 12;

/* Lines that a server other than the one before accepted, in each second since `since_at`. */
static struct {
	kl_ms since_at;
	uint32_t in_second[WINDOW_S];
} moves;

static void count_move(struct fleet *fleet, uint32_t line)
{
	kl_ms second = (fleet->now - moves.since_at) / SECOND_MS;

	(void)line;
	if (second < WINDOW_S)
		moves.in_second[second]++;
}

static struct fleet_plan plan_of(uint32_t engines, uint32_t lines)
{
	struct fleet_plan plan = {.engines = engines, .lines = lines, .delay_ms = 10};

	kl_policy_profile(&plan.policy, KL_PROFILE_KEEPLINE);
	return plan;
}

static void count_from(struct fleet *fleet)
{
	fleet_mark(fleet);
	fleet->accepted = count_move;
	moves.since_at = fleet->now;
	for (uint32_t i = 0; i < WINDOW_S; i++)
		moves.in_second[i] = 0;
}

static uint32_t most_in_a_second(void)
{
	uint32_t most = 0;

	for (uint32_t i = 0; i < WINDOW_S; i++)
		if (moves.in_second[i] > most)
			most = moves.in_second[i];
	return most;
}

static uint32_t count_on(const struct fleet *fleet, uint8_t server)
{
	uint32_t count = 0;

	for (uint32_t i = 0; i < fleet->plan.engines * fleet->plan.lines; i++)
		count += fleet->lines[i].server == server;
	return count;
}

/* Probes every 10 s: all have moved within two intervals of at most 11 s, 200 of them a second, of
 * which two halves of 5 ms may fall into one. */
static void test_a_thousand_lines_leave(void **state)
{
	struct fleet_plan plan = plan_of(1, 1000);
	struct fleet fleet;
	kl_ms died_at, last_at = 0;

	(void)state;
	fleet_begin(&fleet, &plan);
	fleet_run(&fleet, 5 * MINUTE_MS);
	assert_int_equal(count_on(&fleet, 0), 1000);
	count_from(&fleet);
	died_at = fleet.now;
	fleet.servers[0].silent = true;
	fleet_run(&fleet, died_at + 22 * SECOND_MS);
	assert_int_equal(count_on(&fleet, 1), 1000);
	for (uint32_t i = 0; i < 1000; i++)
		if (fleet.lines[i].moved_at > last_at)
			last_at = fleet.lines[i].moved_at;
	assert_in_range(most_in_a_second(), 1, plan.policy.arrivals_max + 1);
	printf("# a thousand lines: all moved %.1f s after the death, at most %u in a second\n",
	       (double)(last_at - died_at) / 1000, most_in_a_second());
	/* ... and back, once it is up and was so for 30 s. */
	count_from(&fleet);
	fleet.servers[0].silent = false;
	fleet_run(&fleet, fleet.now + 3 * MINUTE_MS);
	assert_int_equal(count_on(&fleet, 0), 1000);
	assert_in_range(most_in_a_second(), 1, plan.policy.arrivals_max + 1);
	fleet_end(&fleet);
}

/* One outage is one detection: of the lines that call one after the other while the server is dead,
 * only the first waits. */
static void test_a_server_flaps(void **state)
{
	struct fleet_plan plan = plan_of(100, 2);
	struct fleet fleet;
	uint32_t most = 0, failed = 0, answered = 0;
	kl_ms next_call_at;

	(void)state;
	fleet_begin(&fleet, &plan);
	fleet_run(&fleet, 5 * MINUTE_MS);
	fleet_mark(&fleet);
	next_call_at = fleet.now;
	for (kl_ms until = fleet.now + 10 * MINUTE_MS; fleet.now < until;) {
		fleet.servers[0].silent = fleet.now / (10 * SECOND_MS) % 2 == 0;
		for (; next_call_at <= fleet.now; next_call_at += 7 * SECOND_MS)
			for (uint32_t i = 0; i < plan.engines; i++)
				fleet_call(&fleet, i, i % plan.lines);
		fleet_run(&fleet, fleet.now + SECOND_MS);
	}
	fleet.servers[0].silent = false;
	fleet_run(&fleet, fleet.now + HOUR_MS);
	for (uint32_t i = 0; i < plan.engines * plan.lines; i++) {
		most = fleet.lines[i].moves > most ? fleet.lines[i].moves : most;
		failed += fleet.lines[i].failed;
		answered += fleet.lines[i].answered;
	}
	assert_in_range(most, 1, 2);
	assert_int_equal(failed, 0);
	assert_int_equal(count_on(&fleet, 0), plan.engines * plan.lines);
	printf("# a server that flaps: at most %u moves of a line, %u calls, none lost\n", most,
	       answered);
	fleet_end(&fleet);
}

/* 5 % of all packets lost each way, up to 200 ms of jitter, every server well: fewer than one move
 * in ten thousand hours of a line.  In so few hours: none. */
static void test_nothing_moves_for_a_loss(void **state)
{
	struct fleet_plan plan = plan_of(100, 1);
	struct fleet fleet;
	uint32_t count = 0;

	(void)state;
	plan.jitter_ms = 200;
	plan.loss_percent = 5;
	fleet_begin(&fleet, &plan);
	fleet_run(&fleet, 5 * MINUTE_MS);
	fleet_mark(&fleet);
	fleet_run(&fleet, fleet.now + (kl_ms)lossy_hours * HOUR_MS);
	for (uint32_t i = 0; i < plan.engines; i++)
		count += fleet.lines[i].moves;
	printf("# 5 %% loss, 200 ms jitter: %u moves in %u hours of a line\n", count,
	       plan.engines * lossy_hours);
	assert_true(count * 10000 <= plan.engines * lossy_hours);
	fleet_end(&fleet);
}

/* A million lines and a server that bears 2,000 requests a second, a hundredth of each.  A line
 * that returns sends two: all have in 1,000 s at best. */
static void test_a_million_lines_return(void **state)
{
	struct fleet_plan plan = plan_of(10000, 1);
	const kl_ms best_ms = 1000 * SECOND_MS;
	struct fleet fleet;
	kl_ms longest_ms = 0;
	uint32_t busiest = 0, before;

	(void)state;
	plan.policy.fleet_lines = 1000000;
	plan.policy.fleet_capacity = 2000;
	fleet_begin(&fleet, &plan);
	fleet.servers[0].silent = true;
	fleet_run(&fleet, 4 * HOUR_MS);
	for (uint32_t i = 0; i < plan.engines; i++)
		fleet_call(&fleet, i, 0);
	fleet_run(&fleet, fleet.now + HOUR_MS);
	assert_int_equal(count_on(&fleet, 1), plan.engines);
	fleet_mark(&fleet);
	fleet.servers[0] = (struct fleet_server){.capacity = 20};
	for (uint32_t i = 0; i < 30; i++) {
		before = fleet.servers[0].probes;
		fleet_run(&fleet, fleet.now + 5 * MINUTE_MS);
		if (fleet.servers[0].probes - before > busiest)
			busiest = fleet.servers[0].probes - before;
	}
	for (uint32_t i = 0; i < plan.engines; i++) {
		assert_int_equal(fleet.lines[i].server, 0);
		if (fleet.lines[i].moved_at - fleet.probed_at[i] > longest_ms)
			longest_ms = fleet.lines[i].moved_at - fleet.probed_at[i];
	}
	printf("# a million lines return: each within %llu s of its first answered probe (best: "
	       "%llu); "
	       "queue %.0f ms at most; probes %.1f %% of the capacity in the busiest five "
	       "minutes\n",
	       (unsigned long long)longest_ms / 1000, (unsigned long long)best_ms / 1000,
	       fleet.servers[0].queue_most_ms, busiest / (300.0 * 20) * 100);
	assert_true(longest_ms <= best_ms + best_ms / 2);
	assert_int_equal(fleet.servers[0].refused, 0);
	assert_true(busiest < 300 * 20 / 10);
	fleet_end(&fleet);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_thousand_lines_leave),
		cmocka_unit_test(test_a_server_flaps),
		cmocka_unit_test(test_nothing_moves_for_a_loss),
		cmocka_unit_test(test_a_million_lines_return),
	};

	if (argc > 1)
		lossy_hours = (uint32_t)strtoul(argv[1], NULL, 10);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
