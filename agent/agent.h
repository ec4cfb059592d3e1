/* agent.h - any SIP endpoint inside, a line outside (AGENT-1 to AGENT-12).
 *
 * How a message flows
 *
 * An endpoint uses Keepline as registrar and outbound proxy; a server outside sees one plain phone.
 * The two sides are not alike (AGENT-3): inside stands a record-routing proxy, outside a user
 *agent. Call-ID, tags, From, To and bodies are the same on both, so that Refer-To and Replaces mean
 *the same on both; Via, Route, Record-Route, Contact and CSeq end in the middle.
 *
 *	inside                                                                           outside
 *
 *	request   agent/inside      proves who asks, takes REGISTER and OPTIONS itself
 *	   |      agent/relay       a dialog of the ledger, or else a new walk of the line
 *	   v      agent/rewrite     for each send: Via, Contact, Route, CSeq, credentials
 *phone/relay
 *	                                                                                       |
 *	answer    agent/inside   <- agent/rewrite: Via, Record-Route, CSeq of the request   <- v
 *
 *	answer    agent/rewrite  -> phone_relay_respond()
 *	   ^      agent/fork        each 2xx passes, of refusals the best one
 *	   |      agent/inside      one client transaction for each endpoint that rings
 *	request   agent/rewrite  <- agent/relay: a dialog, a token, or all of the line      <-
 *phone/relay
 *
 * From inside, outside dialogs: the engine walks the routes (AGENT-5).  The endpoint gets 100 to an
 * INVITE at once.  For each send phone/relay asks for the request's bytes on that route, since Via,
 * Contact, Route, CSeq and credentials go with it: on the first route CSeq is the endpoint's, and
 *one more for each repeat with credentials.  Provisional answers pass, a final one is kept until
 *the engine gives the outcome: what the endpoint sees is the answer of the route that took it, or,
 *where none did, 500, or 503 with Retry-After as long as no server answers at all (AGENT-8).
 *
 * Inside dialogs, either way: the ledger has the way of both sides.  The outside's next hop is the
 * first of its route set or its target, on one route, by RFC 3261's clock (FAIL-18);
 *kl_may_signal() rules whether anything goes there (FAIL-5), and where not, the inside gets 481 or
 *a BYE (AGENT-6). An answer that makes a dialog is noted with both route sets before it passes.
 *
 * From outside: the request URI's token names an endpoint, Replaces and its kind name a dialog
 * and so its endpoint, else all bindings of the line ring, and PBXs that are named by address.
 *
 * What is kept: bindings and confirmed dialogs, in the journal, with every change of target, route
 * set or CSeq offset (AGENT-12).  The sweep of the ledger drops who was forgotten by both sides.
 *
 * What it needs of phone/ (phone/relay.h)
 *
 *	phone_relay_set()      who is asked, in struct phone_relay_hooks:
 *	  write                the bytes of a walk's request, for one route phone_client_send()
 *	  on_answer            an answer to it phone_client_receive() on_outcome           the walk
 *ended: KL_DO_OUTCOME                         act() in phone.c on_request           a request for a
 *line, admitted by kl_may_accept(), or inside a dialog that is no call of the phone's
 *phone_server_receive() on_cancel            a CANCEL of one the same on_moved KL_DO_REPORT of a
 *line that moved: AGENT-7            act() in phone.c phone_relay_begin()    KL_EV_REQUEST with a
 *token of its own phone_relay_cancel()   KL_EV_CANCEL phone_relay_ask()      a request inside a
 *dialog: phone_locate_start() for its next hop, its credentials by phone_account_judge() and
 *phone_account_prove(), its failure as KL_EV_DIALOG_FAILED (TRIG-10) phone_relay_pass()     an ACK
 *for a 2xx phone_relay_respond()  an answer to a request from outside: phone_reply_note(),
 *phone_send() phone_relay_may_signal()  kl_may_signal() phone_relay_call()     KL_EV_CALL_BEGAN and
 *KL_EV_CALL_ENDED: a line with a call is not idle
 *
 * Tokens of walks have their highest bit set, so that none is a call's of the phone.
 */
#ifndef AGENT_AGENT_H
#define AGENT_AGENT_H

#include "agent/inside.h"
#include "agent/journal.h"

struct agent;
struct phone;

enum {
	AGENT_DIALOGS_MAX = 1 << 17,
	/* RFC 4320: a non-INVITE that is answered later than that is answered to nobody. */
	AGENT_WALK_MS = 30000,
	AGENT_RETRY_S = 10, /* told with a 503 while no server answers (AGENT-8) */
};

struct agent_config {
	struct net_loop *loop;
	struct phone *phone;         /* whose lines they are; outlives the agent */
	const struct config *config; /* has an inside; outlives it */
	uint8_t dscp;
	struct net_tls_config tls;
};

/* Listens inside, takes back what the journal has, and stands behind the phone's lines from then
 * on. Errors: those of agent_inside_open(), with one sentence in WHY.  A journal that can't be used
 * is logged, and the agent goes on without. */
int agent_open(struct agent **out, const struct agent_config *config, char why[PHONE_WHY_MAX]);
void agent_close(struct agent *agent); /* NULL is fine */

#endif
