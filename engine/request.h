/* request.h - the host's requests: where each starts, when it waits, how it ends. */
#ifndef ENGINE_REQUEST_H
#define ENGINE_REQUEST_H

#include "engine/state.h"

/* KL_EV_REQUEST and KL_EV_CANCEL. */
int request_place(struct kl_engine *e, uint32_t line, const struct kl_event_request *event);
int request_cancel(struct kl_engine *e, uint32_t line, const struct kl_event_request *event);

/* Opens a request of the engine's own; the caller names its owner, and sends.  NONE: as many as fit
 * are under way. */
uint32_t request_open(struct kl_engine *e, uint32_t r, enum kl_method method);

/* Names were found, or waited for in vain: goes on. */
void request_go(struct kl_engine *e, uint32_t w);

/* W has waited long enough for a registration whose names the DNS does not give (DNS-16). */
void request_waited(struct kl_engine *e, uint32_t w);

/* The registration that W waits for was accepted, or failed for good. */
void request_registered(struct kl_engine *e, uint32_t w);
void request_unregistered(struct kl_engine *e, uint32_t w, const struct reason *reason);

/* R lost its registration, or has another: what has not been sent yet, or may only be sent to the
 * route with the registration (FAIL-5), waits for the next one. */
void request_hold_all(struct kl_engine *e, uint32_t r);

/* R stands by: what waits for its registration goes to the entry that is registered (FALL-5). */
void request_follow_all(struct kl_engine *e, uint32_t r);

/* May an INVITE still go to another server entry (FALL-4)? */
bool request_has_entry(const struct kl_engine *e, uint32_t w);

/* The present route of W failed. */
void request_route_failed(struct kl_engine *e, uint32_t w, const struct reason *reason);

/* Is W an OPTIONS of the engine's own (PROBE-3)? */
bool request_is_probe(const struct kl_engine *e, uint32_t w);

/* A final answer, or a refusal made here, ends W: its owner is told. */
void request_finish(struct kl_engine *e, uint32_t w, const struct reason *reason);

/* Ends every request of registration R: its line leaves. */
void request_end_all(struct kl_engine *e, uint32_t r);

#endif
