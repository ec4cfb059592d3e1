/* line.h - a line: started or not, its calls, its working server. */
#ifndef ENGINE_LINE_H
#define ENGINE_LINE_H

#include "engine/state.h"

/* KL_EV_LINE_START, KL_EV_LINE_STOP. */
int line_start(struct kl_engine *e, uint32_t line);
int line_stop(struct kl_engine *e, uint32_t line);

/* An INVITE is under way on LINE; it ended, ANSWERED by a 2xx or not. */
void line_invite_began(struct kl_engine *e, uint32_t line);
void line_invite_ended(struct kl_engine *e, uint32_t line, bool answered);

/* KL_EV_CALL_BEGAN, KL_EV_CALL_ENDED. */
int line_call_began(struct kl_engine *e, uint32_t line);
int line_call_ended(struct kl_engine *e, uint32_t line);

/* Gives each line its group. */
void line_init_groups(struct kl_engine *e);

/* Calls and INVITEs under way, of LINE or of its group: while there are any, it is not idle
 * (FAIL-11). */
uint32_t line_busy(const struct kl_engine *e, uint32_t line);
uint32_t line_group_busy(const struct kl_engine *e, uint32_t line);

/* The registration of the highest entry with an active registration; NONE: no working server, or
 * the line was told to leave (FALL-3). */
uint32_t line_working(const struct kl_engine *e, uint32_t line);

#endif
