/* failback.h - the way back to a better route of the same service record (FAIL-7..13). */
#ifndef ENGINE_FAILBACK_H
#define ENGINE_FAILBACK_H

#include "engine/state.h"

/* Where a failback of R goes, one bit each.  PROBE-6, FAIL-12 */
uint32_t failback_better(const struct kl_engine *e, uint32_t r);

/* R connected to its current route: when is a better one tried again? */
void failback_arm(struct kl_engine *e, uint32_t r);

/* Nothing better to return to, or the registration is gone. */
void failback_disarm(struct kl_engine *e, uint32_t r);

/* Failback is due: begins, or waits for idle, or marks the next request to try directly. */
void failback_due(struct kl_engine *e, uint32_t r);

/* A route is up, of which that was not known, or is still: does R return to it (PROBE-6)? */
void failback_look(struct kl_engine *e, uint32_t r);

/* A refresh is due: does it try the better routes first?  If so, it has begun. */
bool failback_by_refresh(struct kl_engine *e, uint32_t r);

/* A request is placed: does it wait for a failback first?  If so, it has begun.  A call that is
 * being placed does not hold its own failback back. */
bool failback_by_request(struct kl_engine *e, uint32_t r, bool is_call);

/* The current route was unregistered from, or would not answer: on to the better ones. */
void failback_cleared(struct kl_engine *e, uint32_t r, const struct reason *reason);

/* No better route accepted; the current one goes on serving. */
void failback_failed(struct kl_engine *e, uint32_t r, const struct reason *reason);

/* A failback without REGISTER, by the next request (FAIL-4): it was answered, or it failed. */
void failback_direct_done(struct kl_engine *e, uint32_t r, uint16_t status);
void failback_direct_failed(struct kl_engine *e, uint32_t r);

/* A call of LINE ended: what waited for idle is due before the engine returns. */
void failback_idle(struct kl_engine *e, uint32_t line);

#endif
