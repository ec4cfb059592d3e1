/* invariants.h - what must hold of an engine whatever happens, judged from outside.
 *
 * A checker that reads events, actions and public views alone.  Arithmetic is its own:
 *
 *  - the engine never sleeps with work to do, and what a view says agrees with itself;
 *  - a registration has one REGISTER open at most; its CSeq grows within a Call-ID, and Call-IDs
 *    grow (TIME-8, REG-4);
 *  - a request is sent at the gaps of its policy, never twice on a stream, and never after its end;
 *    a transaction that it leaves is abandoned (TIME-1, TIME-2, TIME-5, TIME-9, TIME-10);
 *  - a walk tries each route once at most;
 *  - a back-off lasts between half and all of what its policy gives (BACK-1, BACK-3);
 *  - with re-registration nothing but REGISTER goes to a route that has not accepted one, nor,
 *    where failover drops the old registration, to any but the current one; where only that may be
 *    signalled with, this is so for what is sent again, too (FAIL-2, FAIL-3, FAIL-5);
 *  - where failover drops the old registration and failback unregisters it, REGISTER goes to
 *    another route only once there is none; a candidate's status has its cause (PROBE-3..5);
 *  - OPTIONS alone are sent unasked, never without a network where that freezes the line (PROBE-9);
 *  - no failback begins while a call is up where that counts (FAIL-11);
 *  - an answer to what is over changes nothing (TIME-9), and restored records never stand for a
 *    negative answer (DNS-14);
 *  - a subscription has one SUBSCRIBE open at most, refreshed on the route of its dialog; one that
 * is wanted never sleeps for good; a line is seized by so many sends at most, and before its call
 *    goes out (SUBS-2, SUBS-3);
 *  - a second flow is there only where the registrar keeps flows apart, on another server than the
 *    first, with a reg-id, Call-IDs and CSeqs of its own; a line that has one that is up does not
 *    wait for a REGISTER when its route fails (OWN-6);
 *  - each request that was accepted ends once, and there are as many walks as requests.
 *
 * A flat block without pointers but to the configuration: it may be copied with the engine. */
#ifndef SIM_INVARIANTS_H
#define SIM_INVARIANTS_H

#include <stdbool.h>
#include <stddef.h>

#include "keepline/keepline.h"

struct sim_invariants;

/* Bytes of the block that a checker of this configuration needs. */
size_t sim_invariants_size(const struct kl_config *config);

/* Begins with an engine that was just made from CONFIG, which outlives the checker. */
void sim_invariants_init(struct sim_invariants *inv, const struct kl_config *config);

/* Goes on with a new configuration where OLD was, as kl_engine_adopt() does. */
void sim_invariants_carry(struct sim_invariants *inv, const struct sim_invariants *old);

/* An event was fed at NOW with RESULT; no action has been taken yet. */
void sim_invariants_fed(struct sim_invariants *inv, const struct kl_event *event, int result,
			kl_ms now);

/* An action was taken from E. */
void sim_invariants_action(struct sim_invariants *inv, const struct kl_engine *e,
			   const struct kl_action *action);

/* All actions were taken.  Returns the rule that broke since the last call, or NULL. */
const char *sim_invariants_settled(struct sim_invariants *inv, const struct kl_engine *e);

/* Long after all is well again: is nothing open, every subscription active, and every line that was
 * started on the best route that its policy lets it go to?  NULL, or what is not so. */
const char *sim_invariants_rested(const struct sim_invariants *inv, const struct kl_engine *e);

#endif
