/* walk.h - one request on its way over the routes of an entry: sends, gaps, answers, moves.
 *
 * The mechanics here are the same for every request.  What a decision means is the affair of the
 * registration (for REGISTER) or of the host's request: see registration.h and request.h. */
#ifndef ENGINE_WALK_H
#define ENGINE_WALK_H

#include "engine/state.h"

/* What a walk owes the host, in the order in which it is told. */
enum { OWES_REPORT = 1, OWES_ABANDON = 2, OWES_CLOSE = 4, OWES_SEND = 8, OWES_OUTCOME = 16 };

/* Opens the REGISTER of registration R, in state WALK_NAMES. */
void walk_open_register(struct kl_engine *e, uint32_t r);

/* Opens a walk for a request of the host; NONE: as many as fit are under way. */
uint32_t walk_open_request(struct kl_engine *e, uint32_t r, enum kl_method method);

/* The walk is decided: nothing more is sent, its transaction is abandoned.  The place is free
 * again when the host has been told what is owed. */
void walk_end(struct kl_engine *e, uint32_t w);

/* Begins anew, with a clock of its own: after a challenge, a 423, a 3xx (TIME-11). */
void walk_restart(struct kl_engine *e, uint32_t w);

/* The open transaction carries what is no longer true, or waits for the network: begins a new one
 * on the same route, with a clock of its own.  Nothing, if the walk waits for names. */
void walk_renew(struct kl_engine *e, uint32_t w);

/* Waits for the DNS, at most as long as the policy says (DNS-16). */
void walk_wait_names(struct kl_engine *e, uint32_t w);

/* May the walk still try the route at POS? */
bool walk_may_try(const struct kl_engine *e, uint32_t w, uint8_t pos);

/* The next route: from the top of the origin's service record, then the records behind it, then
 * round to those before; none that this walk has tried (FAIL-14); with enhanced failover those of
 * the present transport before all others (FAIL-15).  NO_POS: used up. */
uint8_t walk_next(const struct kl_engine *e, uint32_t w);

/* The route of the other family that walk W, on a stream, would go to next, and which may be
 * connected beside its own (OWN-7); NO_POS: there is none. */
uint8_t walk_beside(const struct kl_engine *e, uint32_t w);

/* Starts a transaction on the route at POS. */
void walk_send(struct kl_engine *e, uint32_t w, uint8_t pos);

/* A provisional answer to a request other than INVITE came: waits to the transaction's end. */
void walk_proceeds(struct kl_engine *e, uint32_t w);

/* Abandons what is open on the present route, if anything. */
void walk_leave_route(struct kl_engine *e, uint32_t w);

/* Are 64*T1 up since a bounded walk's first send?  Then it goes to no UDP route (TIME-4). */
bool walk_is_over(const struct kl_engine *e, const struct walk *walk);

/* The node of a walk fired. */
void walk_time(struct kl_engine *e, uint32_t w);

/* Does the walk wait for an answer on the route of SLOT, in a transaction not younger than SERIAL?
 */
bool walk_waits_on(const struct kl_engine *e, uint32_t w, const struct slot *slot, uint32_t serial);

/* The walk whose present transaction TX names; NONE if it is over or never was. */
uint32_t walk_of_tx(const struct kl_engine *e, kl_tx tx);

/* Whose REGISTER, and on which route, a transaction was that may long be over; false if it was
 * none, or if its route's place has another route by now. */
bool walk_of_old_register(const struct kl_engine *e, kl_tx tx, uint32_t *r, uint8_t *pos);

/* Its present route has failed (TRIG-1, 2, 4). */
void walk_fail(struct kl_engine *e, uint32_t w, const struct reason *reason);

/* The route of SLOT failed: so do all walks that wait on it in a transaction not younger than
 * SERIAL.  False: none did. */
bool walk_fail_all(struct kl_engine *e, const struct slot *slot, enum kl_fault fault,
		   uint32_t serial);

/* KL_EV_RESPONSE and KL_EV_TRANSPORT, for whatever walk they mean. */
int walk_feed_response(struct kl_engine *e, const struct kl_event_response *response);
int walk_feed_fault(struct kl_engine *e, const struct kl_event_transport *event);

/* Reports that the walk waits, or goes to another server entry. */
void walk_report(struct kl_engine *e, uint32_t w, enum kl_report_type type,
		 const struct reason *reason);

/* Reports that the walk went from LEFT to its present route. */
void walk_report_move(struct kl_engine *e, uint32_t w, uint8_t left, const struct reason *reason);

/* W has told the host something: its place is free if it has ended and owes no more. */
void walk_free_if_told(struct kl_engine *e, uint32_t w);

/* Derives one action that walk W owes.  False: none. */
bool walk_act(struct kl_engine *e, uint32_t w, struct kl_action *action);

#endif
