/* seize.h - calls on shared lines: the line is seized before the INVITE goes out (SUBS-3, SUBS-4).
 */
#ifndef ENGINE_SEIZE_H
#define ENGINE_SEIZE_H

#include "engine/state.h"

/* KL_EV_SHARED_CALL. */
int seize_place(struct kl_engine *e, uint32_t line, const struct kl_event_shared_call *event);

/* Is W a SUBSCRIBE that seizes a line? */
bool seize_owns(const struct kl_engine *e, uint32_t w);

/* ... that may not be sent any more? */
bool seize_used_up(const struct kl_engine *e, uint32_t w);

/* The SUBSCRIBE that seizes, in walk W, ended: its call's node is set. */
void seize_walk_ended(struct kl_engine *e, uint32_t w, const struct reason *reason);

/* The node of a call that waited for its seize fired: its INVITE goes out, or it ends as the seize
 * did. */
void seize_done(struct kl_engine *e, uint32_t call);

/* The call that walk W seizes a line for ended before it: nothing more is sent. */
void seize_stop(struct kl_engine *e, uint32_t w);

#endif
