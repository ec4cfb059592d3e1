/* hedge.h - a line whose route is in doubt registers with the next one, too (OWN-3).
 *
 * It is KL_DOUBTING, active on its route all the while.  What the next route says is kept until the
 * doubt is settled: then the line either goes there, or stays and lets that registration end. */
#ifndef ENGINE_HEDGE_H
#define ENGINE_HEDGE_H

#include "engine/state.h"

/* The route that REASON names, R's current one, is in doubt.  Nothing, if R is busy otherwise, or
 * has one registration at a time (FAIL-3). */
void hedge_begin(struct kl_engine *e, uint32_t r, const struct reason *reason);

/* The route at POS accepted R meanwhile, for so long. */
void hedge_accepted(struct kl_engine *e, uint32_t r, uint8_t pos, kl_ms granted_ms);

/* R stays where it is, and WHY. */
void hedge_end(struct kl_engine *e, uint32_t r, enum kl_cause why);

/* The route is dead: R fails over, to where it is accepted already if it is. */
void hedge_commit(struct kl_engine *e, uint32_t r, const struct reason *reason);

#endif
