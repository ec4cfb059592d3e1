/* pace.h - what many lines do at once is spread, and probes count as load (OWN-5).
 *
 * The lines of one engine that move though nobody waits for them take their turns; those of a
 * million engines, each told how large the fleet is and what a server bears, spread by chance. */
#ifndef ENGINE_PACE_H
#define ENGINE_PACE_H

#include "engine/state.h"

/* R is to move, and nobody waits for it: when its turn is, which it takes.  Now, if nothing is to
 * be kept to. */
kl_ms pace_take(struct kl_engine *e, uint32_t r);

/* R is on a route that is down, and another is not: fails over once it is its turn among the lines
 * that leave, if no request of its own comes first. */
void pace_leave(struct kl_engine *e, uint32_t r);

/* A route of R that was down is up: a back-off of its own need not last.  OWN-2 */
void pace_revive(struct kl_engine *e, uint32_t r);

/* How long the fleet takes to arrive at a server, a REGISTER and its repeat with credentials each;
 * 0: not told. */
kl_ms pace_fleet_ms(const struct kl_policy *policy);

/* So long a line waits at most that is started, lest its whole fleet is at once, as after a power
 * cut; 0: not at all. */
kl_ms pace_boot_ms(const struct kl_policy *policy);

/* The interval, of which nine tenths pass at least, that keeps a fleet's probes below a tenth of
 * what a server bears; 0: not told. */
kl_ms pace_probe_ms(const struct kl_policy *policy);

#endif
