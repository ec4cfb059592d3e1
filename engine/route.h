/* route.h - route sets: the RFC 3263 procedure for one name, and the order in which a line tries
 * what it found (RFC 2782). */
#ifndef ENGINE_ROUTE_H
#define ENGINE_ROUTE_H

#include "engine/state.h"

/* What a route set owes the host. */
enum { OWES_ROUTES = 1, OWES_CUT = 2 };

/* Do two entries have one route set: names, port, transport choice and policy of lookups? */
bool route_same_set(const struct kl_entry_config *a, const struct kl_entry_config *b);

/* The set that an entry of this configuration would use; NONE: there is none. */
uint32_t route_find_set(const struct kl_engine *e, const struct kl_entry_config *config);

/* A set whose names are looked up by such a policy; NONE: there is none. */
uint32_t route_find_manner(const struct kl_engine *e, const struct kl_policy *policy);

/* Prepares the sets of the configuration, and gives each registration its own. */
void route_init(struct kl_engine *e);

/* A registration begins or ends to use the set.  While nobody does, its names are not kept. */
void route_use(struct kl_engine *e, uint32_t s);
void route_leave(struct kl_engine *e, uint32_t s);

/* Somebody is about to use the set: asks for what is not known, and again for what was not found
 * while the set has no route.  Afterwards set->pending and set->stale tell whether an answer is
 * under way. */
void route_demand(struct kl_engine *e, uint32_t s);

/* Somebody has waited for the set as long as may be: if it has no route, it is worked out from what
 * is there, static records included (DNS-16). */
void route_settle(struct kl_engine *e, uint32_t s);

/* An answer came: works the set out again.  True: nothing more is under way. */
bool route_update(struct kl_engine *e, uint32_t s);

/* Forgets the DNS questions that no set needs any more. */
void route_sweep(struct kl_engine *e);

/* Draws the order of registration R anew if the set has changed since it was drawn. */
void order_refresh(struct kl_engine *e, uint32_t r);

/* The place of a route in R's order, 0 first; -1 if the order does not hold it. */
int order_index(const struct kl_engine *e, uint32_t r, uint8_t pos);

/* The first route of R's order or, where R shares what is known, the first that is not down
 * (OWN-2); NO_POS: there is none. */
uint8_t order_first(const struct kl_engine *e, uint32_t r);

/* The first route of the service record that POS belongs to; NO_POS if the order has none.  With
 * failback by probes: POS, or the first of the best rank and priority if that is better; where
 * health is shared, the first of all. */
uint8_t order_primary(const struct kl_engine *e, uint32_t r, uint8_t pos);

/* The routes before POS in its service record, one bit each: where failback goes (FAIL-12).  With
 * failback by probes: all of a better rank or priority (PROBE-6); where health is shared, all
 * before POS (OWN-1). */
uint32_t order_better(const struct kl_engine *e, uint32_t r, uint8_t pos);

/* The route at a place of a set, and what all who use it know of it. */
struct slot *route_slot(const struct kl_engine *e, uint32_t set, uint8_t pos);

/* What is known of a route, NULL if no set has it. */
struct slot *route_known(const struct kl_engine *e, const struct kl_route *route);

/* A place in the set for a route that a redirection leads to, whether the DNS has it or not;
 * NO_POS: no room.  It is kept as long as a walk or a registration refers to it. */
uint8_t route_adopt(struct kl_engine *e, uint32_t set, const struct kl_route *route);

/* The place of a route in a set, NO_POS if it has none. */
uint8_t route_find(const struct kl_engine *e, uint32_t set, const struct kl_route *route);

/* Why the set has no route: nothing is there, or the DNS did not say. */
enum kl_cause route_none_why(const struct kl_engine *e, uint32_t s);

/* Derives one action that set S owes.  False: none. */
bool route_act(struct kl_engine *e, uint32_t s, struct kl_action *action);

#endif
