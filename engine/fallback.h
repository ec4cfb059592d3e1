/* fallback.h - several server entries of one line: which of them registers, and when (FALL-1..3).
 *
 * Concurrent: each by itself.  Successive: the first alone; the next only when all above it are
 * lost; when a higher one is accepted again, those below stand by and what they have registered is
 * let expire. */
#ifndef ENGINE_FALLBACK_H
#define ENGINE_FALLBACK_H

#include "engine/state.h"

/* Is one entry of LINE at a time registered?  The policy of its first entry rules. */
bool fallback_successive(const struct kl_engine *e, uint32_t line);

/* Successive: the registration whose turn it is; NONE if no entry registers. */
uint32_t fallback_turn(const struct kl_engine *e, uint32_t line);

/* LINE started: the first takes its turn. */
void fallback_begin(struct kl_engine *e, uint32_t line);

/* R is lost: the next takes its turn. */
void fallback_lost(struct kl_engine *e, uint32_t r);

/* R was accepted, ANEW if it was not active before: those below stand by, those above are probed.
 */
void fallback_connected(struct kl_engine *e, uint32_t r, bool anew);

/* How often R is tried while a lower entry serves; 0: by its own back-off.  YEA-5 */
kl_ms fallback_probe_ms(const struct kl_engine *e, uint32_t r);

#endif
