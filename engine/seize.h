/* seize.h - calls on shared lines: the line is seized before the INVITE goes out (SUBS-3, SUBS-4).
 */
#ifndef ENGINE_SEIZE_H
#define ENGINE_SEIZE_H

#include "engine/state.h"

/* KL_EV_SHARED_CALL. */
int seize_place(struct kl_engine *e, uint32_t line, const struct kl_event_shared_call *event);

/* The SUBSCRIBE that seizes, in walk W, ended: so does the call, or its INVITE goes out. */
void seize_walk_ended(struct kl_engine *e, uint32_t w, const struct reason *reason);

/* The call that walk W seizes a line for ended before it: nothing more is sent. */
void seize_stop(struct kl_engine *e, uint32_t w);

#endif
