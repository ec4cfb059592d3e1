/* probe.h - OPTIONS to the candidates, and what its end means for the lines (PROBE-3, 6, 7). */
#ifndef ENGINE_PROBE_H
#define ENGINE_PROBE_H

#include "engine/state.h"

/* The routes of R are known, anew, or its network is back: those that nobody probes yet soon are.
 */
void probe_look(struct kl_engine *e, uint32_t r);

/* R found slot I dead: where other lines are on it, it is probed at once, and they follow.  False:
 * there are none, or a probe is under way. */
bool probe_hasten(struct kl_engine *e, uint32_t i, uint32_t r);

/* This side's network is gone: what R has under way tells nothing (PROBE-9). */
void probe_freeze(struct kl_engine *e, uint32_t r);

/* The place of slot I among the candidates of R: what the DNS lists, and the current route; NO_POS:
 * it is none of them. */
uint8_t probe_pos(const struct kl_engine *e, uint32_t r, uint32_t i);

/* Sends OPTIONS to slot I for R; OWNER gets its end.  The walk; NONE: there is no room. */
uint32_t probe_open(struct kl_engine *e, uint32_t i, uint32_t r, enum request_owner owner);

/* Slot I is due. */
void probe_time(struct kl_engine *e, uint32_t i);

/* Whoever asked after slot I is not there any more: another line asks at once. */
void probe_resume(struct kl_engine *e, uint32_t i);

/* The OPTIONS of walk W ended: REASON tells how. */
void probe_ended(struct kl_engine *e, uint32_t w, const struct reason *reason);

#endif
