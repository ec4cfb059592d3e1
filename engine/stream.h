/* stream.h - TCP and TLS streams, known by their route alone: the host has one for each. */
#ifndef ENGINE_STREAM_H
#define ENGINE_STREAM_H

#include "engine/state.h"

/* KL_EV_STREAM_LOST: requests that wait on the stream move on, registrations that it carries idle
 * are lost (TRIG-6). */
int stream_feed_lost(struct kl_engine *e, const struct kl_event_transport *event);

/* W has waited for an answer on the stream of its present route in vain: the host is to drop it,
 * unless somebody needs it by the time that the host is told.  Gives the route if nothing at all
 * came on it in that time and it carries no registration: then nobody does, and other requests that
 * wait on it have lost it. */
const struct slot *stream_close(struct kl_engine *e, uint32_t w);

/* Derives the CLOSE that walk W owes.  False: somebody needs the stream. */
bool stream_act_close(struct kl_engine *e, uint32_t w, struct kl_action *action);

#endif
