/* outcome.h - what answers and failures mean for a registration: connected, lost, moved on. */
#ifndef ENGINE_OUTCOME_H
#define ENGINE_OUTCOME_H

#include "engine/state.h"

/* What became of the open REGISTER on its present route, or of all of it. */
void registration_accepted(struct kl_engine *e, uint32_t r,
			   const struct kl_event_response *response);
void registration_denied(struct kl_engine *e, uint32_t r, const struct reason *reason,
			 kl_ms retry_after_ms);
void registration_route_failed(struct kl_engine *e, uint32_t r, const struct reason *reason);

/* R is registered at the route that REASON names, for so long. */
void registration_connect(struct kl_engine *e, uint32_t r, kl_ms granted_ms,
			  const struct reason *reason);

/* R leaves the route at POS, which is dead, for others: begins to fail over. */
void registration_break_off(struct kl_engine *e, uint32_t r, uint8_t pos,
			    const struct reason *reason);

/* The stream that carries R was lost, and no request of R waited on it: a registration loss. */
void registration_flow_lost(struct kl_engine *e, uint32_t r, enum kl_fault fault);

/* The stream of the registration that a failover left behind was lost: it can't be returned to
 * without a REGISTER any more. */
void registration_former_lost(struct kl_engine *e, uint32_t r);

/* A request of R was answered with 403: by policy a registration loss, and the binding lives on. */
void registration_request_denied(struct kl_engine *e, uint32_t r, const struct reason *reason);

/* A 2xx to a REGISTER that was abandoned on the route at POS (TIME-9). */
int registration_late(struct kl_engine *e, uint32_t r, uint8_t pos,
		      const struct kl_event_response *response);

/* Request W found the route at its place dead: fails over, and W waits (FAIL-2). */
void registration_request_failed(struct kl_engine *e, uint32_t r, uint32_t w,
				 const struct reason *reason);

/* A request inside a dialog found the route at POS dead.  False: that is of no importance.
 * TRIG-10 */
bool registration_dialog_failed(struct kl_engine *e, uint32_t r, uint8_t pos,
				const struct reason *reason);

/* Its back-off need not last longer than its own rule says. */
void registration_hurry(struct kl_engine *e, uint32_t r);

/* The open REGISTER has no route left. */
void registration_exhausted(struct kl_engine *e, uint32_t r, const struct reason *reason);

/* With shared servers, a request left the route that REASON names. */
void registration_request_left(struct kl_engine *e, uint32_t r, const struct reason *reason);

/* A request was answered at POS.  With shared servers that is now the current route; with
 * re-registration it may complete a failback that sends no REGISTER (FAIL-4). */
void registration_answered(struct kl_engine *e, uint32_t r, uint8_t pos, uint16_t status);

/* The requests that wait for the registration go on at its current route. */
void registration_wake_requests(struct kl_engine *e, uint32_t r);

#endif
