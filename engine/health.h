/* health.h - what is known of a route, by all who use it, and the choice that follows from it.
 *
 * A route is a place ("slot") of the route table.  Whether it is up or down is the same to all
 * lines; that it failed, by denying a REGISTER, is one line's affair.  PROBE-3, PROBE-4 */
#ifndef ENGINE_HEALTH_H
#define ENGINE_HEALTH_H

#include "engine/state.h"

/* What a slot owes the host. */
enum { OWES_STATUS = 1, OWES_KEEPALIVE = 2 };

/* Does an entry with this policy need the nodes and watches of routes? */
bool health_needs_timers(const struct kl_policy *policy);

/* The route that walk W is on answered with STATUS. */
void health_answered(struct kl_engine *e, uint32_t w, uint16_t status);

/* The route at POS accepted R, in an answer with STATUS to a REGISTER that had left it. */
void health_answered_late(struct kl_engine *e, uint32_t r, uint8_t pos, uint16_t status);

/* The route of R that REASON names failed a request.  True: its status is another now, or it is
 * probed at once. */
bool health_failed(struct kl_engine *e, uint32_t r, const struct reason *reason);

/* A probe of slot I, for R, was answered with STATUS, or missed its answer (0).  True: it is up. */
bool health_probed(struct kl_engine *e, uint32_t i, uint32_t r, uint16_t status);

/* The route of R that REASON names denied its REGISTER. */
void health_denied(struct kl_engine *e, uint32_t r, const struct reason *reason);

/* R is not to return to the route at POS for one probe interval (PROBE-6). */
void health_hold_off(struct kl_engine *e, uint32_t r, uint8_t pos);

/* The route at POS accepted R: it has not failed, nor is it held off. */
void health_accepted(struct kl_engine *e, uint32_t r, uint8_t pos);

/* What R knows of the route at POS. */
enum kl_candidate_status health_of(const struct kl_engine *e, uint32_t r, uint8_t pos);

/* The best of ROUTES (one bit each) in R's order: up, unknown, down, failed; then by rank and
 * priority; among equals the first from the place of FROM, going round.  NO_POS: none.  PROBE-7 */
uint8_t health_best(const struct kl_engine *e, uint32_t r, uint32_t routes, uint8_t from);

/* The routes that R should return to, one bit each: better than its current one, up, not held off,
 * and held down no more.  PROBE-6, OWN-1 */
uint32_t health_better(const struct kl_engine *e, uint32_t r);

/* When the first of them may be returned to at the earliest; KL_NEVER: there is none. */
kl_ms health_better_at(const struct kl_engine *e, uint32_t r);

/* Was slot I down, and is it still held down, though it is up again?  By R's policy.  OWN-1 */
bool health_on_trial(const struct kl_engine *e, uint32_t r, uint32_t i);

/* Of ROUTES (one bit each) those that are not known to be down, where R shares what is known; all,
 * if that leaves none.  OWN-2 */
uint32_t health_prefer(const struct kl_engine *e, uint32_t r, uint32_t routes);

/* Is R on a route that is down, while another of its routes is not?  OWN-2 */
bool health_shuns(const struct kl_engine *e, uint32_t r);

/* Is every route of R's set up, and R registered?  PROBE-11 */
bool health_is_ready(const struct kl_engine *e, uint32_t r);

/* The slot has another route now: nothing is known of it, and nothing waits. */
void health_forget(struct kl_engine *e, uint32_t i);

/* The slot's timer follows its probe_at and keepalive_at; it fired. */
void health_schedule(struct kl_engine *e, uint32_t i);
void health_time(struct kl_engine *e, uint32_t i);

/* Derives one action that slot I owes.  False: none. */
bool health_act(struct kl_engine *e, uint32_t i, struct kl_action *action);

#endif
