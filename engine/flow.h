/* flow.h - a line that is registered by two flows at once, on different servers (RFC 5626, OWN-6).
 *
 * The registration of an entry is its first flow: requests go by it, and failover, failback and the
 * working server mean it alone.  Behind all of these in their table stand the second flows, one for
 * each entry whose policy wants two.  A second flow is made once the first one's registrar has said
 * that it keeps flows apart, and to another server.  When the first one's route fails the line goes
 * on by the second at once, and what was lost is made anew. */
#ifndef ENGINE_FLOW_H
#define ENGINE_FLOW_H

#include "engine/state.h"

/* All registrations of a configuration, second flows included; the second flows of LINE; has any
 * line some? */
uint32_t flow_registrations(const struct kl_config *config);
uint32_t flow_seconds(const struct kl_config *config, uint32_t line);
bool flow_any(const struct kl_config *config);

/* Makes the second flows, from registration FIRST on. */
void flow_init(struct kl_engine *e, uint32_t first);

/* The first of the second flows of LINE, which stand side by side; NONE: it has none. */
uint32_t flow_of_line(const struct kl_engine *e, uint32_t line);

/* Is R a second flow?  The first flow of R's entry; its second, NONE if it has none or R is that.
 */
bool flow_is_second(const struct kl_engine *e, uint32_t r);
uint32_t flow_first(const struct kl_engine *e, uint32_t r);
uint32_t flow_second(const struct kl_engine *e, uint32_t r);

/* What makes R wait for others: enum kl_policy_field. */
uint8_t flow_turn_rule(const struct kl_engine *e, uint32_t r);

/* Is R a second flow that may not go to the route at POS?  Two flows to one server would fall with
 * it. */
bool flow_bars(const struct kl_engine *e, uint32_t r, uint8_t pos);

/* Could R go on by its second flow at once? */
bool flow_ready(const struct kl_engine *e, uint32_t r);

/* R is registered, or routes changed: makes a second flow if there can be one, leads it elsewhere
 * if R has come to its server, or lets it expire if the registrar of R knows no flows. */
void flow_look(struct kl_engine *e, uint32_t r);

/* R stands by: so does its second flow. */
void flow_stop(struct kl_engine *e, uint32_t r);

/* The route at POS answered R with 439: there it registers without a reg-id, with the Call-IDs that
 * it began with. */
void flow_plain(struct kl_engine *e, uint32_t r, uint8_t pos);

/* R is registered no more: its second flow, unless it is up, waits for it. */
void flow_wait(struct kl_engine *e, uint32_t r);

/* The route of R failed, for REASON: R goes on by its second flow, which in turn is made anew.
 * False: there is none, or it leads to one of TRIED, and R has to help itself. */
bool flow_take_over(struct kl_engine *e, uint32_t r, uint32_t tried, const struct reason *reason);

/* The stream that carried R, a second flow, was lost: it is made anew. */
void flow_lost(struct kl_engine *e, uint32_t r, const struct reason *reason);

/* R is to fail back for REASON: if the first of the routes that are BETTER is that of its second
 * flow, they change places.  False: a REGISTER has to do it. */
bool flow_return(struct kl_engine *e, uint32_t r, uint32_t better, const struct reason *reason);

/* The reg-id of R's REGISTER to the route at POS; 0: it has none there. */
uint32_t flow_reg_id(const struct kl_engine *e, uint32_t r, uint8_t pos);

#endif
