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

/* All registrations of a configuration, second flows included; the second flows of LINE. */
uint32_t flow_registrations(const struct kl_config *config);
uint32_t flow_seconds(const struct kl_config *config, uint32_t line);

/* Makes the second flows, from registration FIRST on. */
void flow_init(struct kl_engine *e, uint32_t first);

/* Is R a second flow?  The first flow of R's entry; its second, NONE if it has none or R is that;
 * the other one of R, or NONE. */
bool flow_is_second(const struct kl_engine *e, uint32_t r);
uint32_t flow_first(const struct kl_engine *e, uint32_t r);
uint32_t flow_second(const struct kl_engine *e, uint32_t r);
uint32_t flow_other(const struct kl_engine *e, uint32_t r);

/* The reg-id of R's REGISTER to the route at POS; 0: it has none there. */
uint32_t flow_reg_id(const struct kl_engine *e, uint32_t r, uint8_t pos);

#endif
