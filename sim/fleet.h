/* fleet.h - very many phones in one virtual world, each a real engine.
 *
 *	struct sim_fleet *fleet = sim_fleet_new(plan, results, &options);
 *	for (us = slice; ...; us += slice)
 *		sim_fleet_run(fleet, us);               look at results->done_us, stop at will
 *	sim_fleet_finish(fleet);                        the results are complete
 *
 * Like sim/world.h it jumps from one happening to the next in microseconds, floored for the
 *engines, and has the same servers and names (sim/server.h, sim/names.h).  It differs in what a
 *million phones make necessary: a phone is its engine's block and 64 bytes, a request under way a
 *small record, and nothing is kept of one that has ended.  A phone has one line.
 *
 * What is left out: ACK, CANCEL and BYE are no load; a 2xx to INVITE that got lost comes 500 ms
 * later; a copy of a request is absorbed only while the server is still at it.
 */
#ifndef SIM_FLEET_H
#define SIM_FLEET_H

#include <stdbool.h>
#include <stdint.h>

#include "sim/plan.h"
#include "sim/results.h"

struct sim_fleet;

/* Bytes of memory that the plan's fleet takes, its results aside. */
uint64_t sim_fleet_bytes(const struct sim_plan *plan);

/* Makes the fleet at time 0, all phones off.  PLAN and RESULTS outlive it.  Every so many-th phone
 * is JUDGED by sim/invariants.h; 0: none is.  NULL: there is not enough memory. */
struct sim_fleet *sim_fleet_new(const struct sim_plan *plan, struct sim_results *results,
				uint32_t judged);
void sim_fleet_free(struct sim_fleet *fleet);

/* Told of each phone that is registered with a server other than before, or for the first time. */
struct sim_fleet_watch {
	void (*on_home)(void *user, uint32_t phone, uint32_t server, uint64_t at_us);
	void *user;
};

void sim_fleet_set_watch(struct sim_fleet *fleet, const struct sim_fleet_watch *watch);

/* Lets everything happen before UNTIL_US, at most to the end of the plan's run. */
void sim_fleet_run(struct sim_fleet *fleet, uint64_t until_us);

/* Fills what the results say of each phone, as of now. */
void sim_fleet_finish(struct sim_fleet *fleet);

#endif
