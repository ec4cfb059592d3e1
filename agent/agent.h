/* agent.h - any SIP endpoint inside, a line outside (AGENT-1 to AGENT-12).
 *
 * How a message flows
 *
 * An endpoint uses Keepline as registrar and outbound proxy; a server outside sees one plain phone.
 * The two sides are not alike (AGENT-3): inside stands a record-routing proxy, outside a user
 * agent.  Call-ID, tags, From, To and bodies are the same on both, so that Refer-To and Replaces
 * mean the same on both; Via, Route, Record-Route, Contact and CSeq end in the middle.
 *
 *	a request from inside
 *	  agent/inside    proves who asks, takes REGISTER and OPTIONS itself
 *	  agent/outward   finds its dialog in the ledger, or begins a walk of the line
 *	  agent/rewrite   for each send: Via, Contact, Route, CSeq, credentials
 *	  phone/relay     sends it, and brings its answers; they go back through the same
 *
 *	a request from outside
 *	  phone/relay     admits it: it is for a line, and comes from its server
 *	  agent/inward    finds its dialog, the endpoint that it names, or all of the line
 *	  agent/rewrite   for each of them: Via, Record-Route
 *	  agent/inside    sends it; agent/fork says which answer goes out
 *
 * From inside, outside dialogs: the engine walks the routes (AGENT-5).  The endpoint gets 100 to an
 * INVITE at once.  For each send phone/relay asks for the request's bytes on that route, since Via,
 * Contact, Route, CSeq and credentials go with it: on the first route CSeq is the endpoint's, and
 * one more for each repeat with credentials.  Provisional answers pass, a final one is kept until
 * the engine gives the outcome: what the endpoint sees is the answer of the route that took it, or,
 * where none did, 500, or 503 with Retry-After as long as no server answers at all (AGENT-8).
 *
 * Inside dialogs, either way: the ledger has the way of both sides.  The outside's next hop is the
 * first of its route set or its target, on one route, by RFC 3261's clock (FAIL-18);
 * kl_may_signal() rules whether anything goes there (FAIL-5), and where not, the inside gets 481,
 * or 200 to its BYE (AGENT-6).  An answer that makes a dialog is noted with both route sets before
 * it passes.
 *
 * What is kept: bindings and confirmed dialogs, in the journal, with every change of target, route
 * set or CSeq offset (AGENT-12).  The sweep of the ledger drops who was forgotten by both sides.
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

/* Goes by CONFIG, which is the phone's already, from now on; calls go on, those of endpoints that
 * left, too.  -ENOMEM: it goes by the one before, which has to stay then. */
int agent_reload(struct agent *agent, const struct config *config);

#endif
