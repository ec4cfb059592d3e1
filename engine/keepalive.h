/* keepalive.h - when keep-alives go to the routes that carry registrations (KEEP-1). */
#ifndef ENGINE_KEEPALIVE_H
#define ENGINE_KEEPALIVE_H

#include "engine/state.h"

/* R was accepted: its route is kept alive, if the policy says so. */
void keepalive_begin(struct kl_engine *e, uint32_t r);

/* Slot I is due. */
void keepalive_time(struct kl_engine *e, uint32_t i);

#endif
