/* subscription.h - subscriptions: made where the line is registered, refreshed in their dialogs,
 * made anew when a dialog or its server is gone (SUBS-1, SUBS-2, FAIL-3, FALL-5).
 *
 * Each decision sets the subscription's node, and what it wants is begun when that fires: so the
 * end of one request never begins another in its midst. */
#ifndef ENGINE_SUBSCRIPTION_H
#define ENGINE_SUBSCRIPTION_H

#include "engine/state.h"

/* Makes the list of free places. */
void subscription_init(struct kl_engine *e);

/* KL_EV_SUBSCRIBE, KL_EV_UNSUBSCRIBE and KL_EV_NOTIFY. */
int subscription_ask(struct kl_engine *e, uint32_t line, const struct kl_event_subscribe *event);
int subscription_leave(struct kl_engine *e, const struct kl_event_subscribe *event);
int subscription_notified(struct kl_engine *e, const struct kl_event_notify *event);

/* R was accepted, or goes on serving: what waits for it is made, and what has its dialog elsewhere
 * is made anew (SUBS-1). */
void subscription_registered(struct kl_engine *e, uint32_t r);

/* R is dropped as it fails over, and its subscriptions with it: nothing is sent (FAIL-3). */
void subscription_drop(struct kl_engine *e, uint32_t r);

/* LINE leaves: its subscriptions end. */
void subscription_end_all(struct kl_engine *e, uint32_t line);

/* The host's address is another: the dialogs learn the new Contact.  This side's network went, or
 * came back. */
void subscription_address_changed(struct kl_engine *e);
void subscription_link_changed(struct kl_engine *e);

/* Has its server accepted it?  Then SUB is refreshed inside that dialog. */
static inline bool subscription_has_dialog(const struct subscription *sub)
{
	return sub->made_at != KL_NEVER;
}

/* Is W a request inside a subscription's dialog?  It goes to one route or nowhere. */
bool subscription_in_dialog(const struct kl_engine *e, uint32_t w);

/* What a SUBSCRIBE of walk W is sent for, and the time that it asks for. */
enum kl_purpose subscription_purpose(const struct kl_engine *e, uint32_t w);
kl_ms subscription_expires_ms(const struct kl_engine *e, uint32_t w);

/* A 423 to walk W: asks for the least time that its server grants.  False: that would not help. */
bool subscription_too_brief(struct kl_engine *e, uint32_t w, kl_ms min_expires_ms);

/* The SUBSCRIBE in walk W ended. */
void subscription_walk_ended(struct kl_engine *e, uint32_t w, const struct reason *reason);

/* Does a subscription of R still mean the route at POS? */
bool subscription_refers_to(const struct kl_engine *e, uint32_t r, uint8_t pos);

/* The subscription of that token which has not ended, or NONE. */
uint32_t subscription_find(const struct kl_engine *e, uint64_t token);

/* Of its dialog; the route has port 0 while it has none. */
struct kl_binding subscription_binding(const struct kl_engine *e, uint32_t s);

/* The node of S fired. */
void subscription_time(struct kl_engine *e, uint32_t s);

/* Derives one action that S owes.  False: none. */
bool subscription_act(struct kl_engine *e, uint32_t s, struct kl_action *action);

#endif
