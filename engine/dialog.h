/* dialog.h - dialogs, of which the engine keeps none: each is known by its binding. */
#ifndef ENGINE_DIALOG_H
#define ENGINE_DIALOG_H

#include "engine/state.h"

/* KL_EV_DIALOG_FAILED. */
int dialog_feed_failed(struct kl_engine *e, const struct kl_event_dialog *event);

#endif
