/* A thousand lines of one process whose server dies: under poly, and under keepline.
 *
 *	process_bench
 *
 * Prints, in seconds from the death, when the last line was accepted elsewhere; how many were in
 * the busiest second; and the packets of a line and hour for probes while all is well.  Virtual
 * time, round trips of 20 ms, each REGISTER challenged. */
#include <stdio.h>

#include "tests/engine/fleet.h"

enum { SECOND_MS = 1000, MINUTE_MS = 60000, HOUR_MS = 3600000, LINES = 1000, WINDOW_S = 2 * 3600 };

static struct {
	kl_ms since_at, last_at;
	uint32_t count, in_second[WINDOW_S];
} moves;

static void count_move(struct fleet *fleet, uint32_t line)
{
	(void)line;
	moves.last_at = fleet->now;
	moves.count++;
	moves.in_second[(fleet->now - moves.since_at) / SECOND_MS]++;
}

/* Of all servers. */
static uint32_t probes_of(const struct fleet *fleet)
{
	uint32_t count = 0;

	for (uint32_t i = 0; i < FLEET_SERVERS; i++)
		count += fleet->servers[i].probes;
	return count;
}

/* Status 1 if a line has not moved. */
static int measure(enum kl_profile profile, const char *name)
{
	struct fleet_plan plan = {.engines = 1, .lines = LINES, .delay_ms = 10};
	struct fleet fleet;
	uint32_t most = 0, probes;

	kl_policy_profile(&plan.policy, profile);
	plan.policy.reregister_on = true;
	fleet_begin(&fleet, &plan);
	fleet_run(&fleet, 5 * MINUTE_MS);
	probes = probes_of(&fleet);
	fleet_run(&fleet, fleet.now + HOUR_MS);
	probes = probes_of(&fleet) - probes;
	fleet_mark(&fleet);
	fleet.accepted = count_move;
	moves.since_at = fleet.now;
	moves.count = 0;
	for (uint32_t i = 0; i < WINDOW_S; i++)
		moves.in_second[i] = 0;
	fleet.servers[0].silent = true;
	while (moves.count < LINES && fleet.now < moves.since_at + (WINDOW_S - 1) * SECOND_MS)
		fleet_run(&fleet, fleet.now + SECOND_MS);
	for (uint32_t i = 0; i < WINDOW_S; i++)
		most = moves.in_second[i] > most ? moves.in_second[i] : most;
	printf("%s %.1f %u %.1f\n", name, (double)(moves.last_at - moves.since_at) / SECOND_MS,
	       most, 2.0 * probes / LINES);
	fleet_end(&fleet);
	return moves.count != LINES;
}

int main(void)
{
	return measure(KL_PROFILE_POLY, "poly") | measure(KL_PROFILE_KEEPLINE, "keepline");
}
