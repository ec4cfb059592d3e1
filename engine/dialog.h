/* dialog.h - dialogs, of which the engine keeps none: each is known by its binding. */
#ifndef ENGINE_DIALOG_H
#define ENGINE_DIALOG_H

#include "engine/state.h"

/* Is nothing but REGISTER sent to, and nothing taken from, a route of R without the current
 * registration (FAIL-5)? */
bool dialog_strict(const struct kl_engine *e, uint32_t r);

/* KL_EV_DIALOG_FAILED. */
int dialog_feed_failed(struct kl_engine *e, const struct kl_event_dialog *event);

#endif
