/* relay.h - what the parts of the agent share: requests under way, in either direction.
 *
 * Private to agent/.
 */
#ifndef AGENT_RELAY_H
#define AGENT_RELAY_H

#include <sys/queue.h>

#include "agent/agent.h"
#include "agent/ledger.h"
#include "agent/remember.h"
#include "agent/rewrite.h"
#include "phone/relay.h"
#include "phone/request.h"

enum {
	AGENT_BUCKETS = 16384,
	AGENT_LINGER_MS = 64 * SIP_T1_MS, /* for a 2xx that comes again, or from another branch */
};

/* The best refusal so far, as it goes on. */
struct agent_kept {
	char *bytes; /* owned */
	size_t length;
	unsigned status; /* 0: none */
};

/* A request from inside. */
struct agent_outward {
	LIST_ENTRY(agent_outward) others;
	TAILQ_ENTRY(agent_outward) aging; /* of agent->walks or agent->done, by `age` */
	enum { AGENT_YOUNG, AGENT_WALKING, AGENT_DONE } age;
	uint64_t age_at_ms;
	struct agent *agent;
	uint64_t token;
	struct sip_message request; /* shared */
	struct agent_incoming incoming;
	struct phone_hop back;
	uint64_t dialog;              /* id; 0: outside dialogs */
	bool is_answered, is_ringing; /* by a 2xx; by an answer from 101 on */
	uint32_t first, went;         /* the numbers that it went out with at first, and last */
	struct agent_kept kept;
};

/* One endpoint that a request from outside goes to. */
struct agent_target {
	struct phone_hop hop;
	uint32_t endpoint;
	char uri[PHONE_URI_MAX];
	struct sip_span route;
};

/* A request from outside. */
struct agent_inward {
	LIST_ENTRY(agent_inward) others;
	TAILQ_ENTRY(agent_inward) aging; /* of agent->ringing or agent->rung, by `age` */
	enum { AGENT_NEW, AGENT_RINGING, AGENT_RUNG } age;
	uint64_t age_at_ms;
	struct agent *agent;
	sip_transaction_id id;
	struct sip_message request; /* shared */
	struct phone_incoming incoming;
	struct phone_hop back;
	struct kl_binding binding;
	uint64_t dialog; /* id; 0: outside dialogs */
	struct agent_fork fork;
	uint32_t endpoints[AGENT_FORK_MAX]; /* of its branches */
	struct phone_hop hops[AGENT_FORK_MAX];
	struct agent_kept kept;
};

struct agent {
	struct agent_config config;
	struct agent_inside *inside;
	struct agent_ledger *ledger;
	struct agent_journal *journal; /* NULL: nothing is kept */
	int journal_error;             /* the last one that was told */
	uint64_t last_ack;
	size_t outward_count, inward_count;
	bool has_dead; /* subscriptions of which nobody was told yet */
	unsigned buried;
	LIST_HEAD(, agent_outward) outward[AGENT_BUCKETS];
	LIST_HEAD(, agent_inward) inward[AGENT_BUCKETS];
	TAILQ_HEAD(, agent_outward) walks, done;
	TAILQ_HEAD(, agent_inward) ringing, rung;
	char scratch[SIP_MESSAGE_MAX + 1];
	char media[SIP_MESSAGE_MAX]; /* a description being changed */
};

/* ---- inside to outside (outward.c) ---- */

void agent_outward_take(struct agent *agent, const struct agent_incoming *incoming);
void agent_outward_cancel(struct agent *agent, sip_transaction_id invite);
int agent_outward_write(struct agent *agent, const struct phone_relay_send *send, char *to,
			size_t size);
void agent_outward_answer(struct agent *agent, const struct phone_relay_answer *answer);
void agent_outward_end(struct agent *agent, const struct phone_relay_end *end);
void agent_outward_age(struct agent *agent);
void agent_outward_clear(struct agent *agent);

/* ---- outside to inside (inward.c) ---- */

bool agent_inward_take(struct agent *agent, const struct phone_relay_request *request);
bool agent_inward_cancel(struct agent *agent, sip_transaction_id invite);
void agent_inward_answer(struct agent *agent, const struct agent_answer *answer);
void agent_inward_age(struct agent *agent);
void agent_inward_clear(struct agent *agent);

/* ---- dialogs (notes.c) ---- */

/* Where requests of a dialog go on SIDE: the URI of the first of its route set, or its target. */
struct sip_span agent_dialog_next(const struct agent_dialog *dialog, enum agent_side side);

/* Notes what an answer says of the dialog that it makes, or is in.  SIDE answered.  NULL: it makes
 * none. */
struct agent_note {
	enum agent_side side;
	uint32_t line, endpoint;
	const struct sip_message *request, *response; /* as they came */
	uint32_t went;                                /* the request's number on the other side */
	bool is_first;               /* no other dialog of this request was answered before */
	const struct phone_hop *hop; /* of the endpoint */
	const struct kl_binding *binding;
};

struct agent_dialog *agent_note_answer(struct agent *agent, const struct agent_note *note);

/* A request of the dialog comes from SIDE: its sender may have moved. */
void agent_note_request(struct agent *agent, struct agent_dialog *dialog, enum agent_side side,
			const struct sip_message *request);

/* Where its endpoint is reached: on the stream that it last used, and where that is gone, where the
 * route set or the target leads (RFC 3261 12.2.1.1). */
struct phone_hop agent_dialog_hop(const struct agent_dialog *dialog);

/* It is over on both sides. */
void agent_forget(struct agent *agent, struct agent_dialog *dialog);

/* A request of the dialog was answered with STATUS, for good: is the dialog over by that?
 */
bool agent_note_is_over(const struct agent_dialog *dialog, const struct sip_message *request,
			unsigned status);

/* All early dialogs with this Call-ID and this tag of the asker end. */
void agent_forget_early(struct agent *agent, uint32_t line, enum agent_side asker,
			const struct sip_message *request);

/* AGENT-7: the subscriptions that were made on LINE with another server than MOVED tells are dead;
 * each endpoint is told, a few in a second. */
void agent_kill_subscriptions(struct agent *agent, const struct phone_relay_move *moved);
void agent_bury_some(struct agent *agent);

/* In the journal, as it is now. */
void agent_record(struct agent *agent, const struct agent_dialog *dialog);
void agent_record_binding(struct agent *agent, const struct agent_binding *binding, bool is_gone);
int agent_open_journal(struct agent *agent, const char *path);
void agent_tidy_journal(struct agent *agent);

/* ---- what people see (view.c; docs/control.md) ---- */

/* The caller's to json_decref(); NULL: out of memory. */
json_t *agent_status(struct agent *agent);

/* The events "endpoint" and "inside-call", for whoever listens. */
void agent_tell_binding(struct agent *agent, const struct agent_binding *binding, bool is_gone);
void agent_tell_call(struct agent *agent, const struct agent_dialog *dialog, bool is_over);

/* ---- both ---- */

/* The Via lines of an answer to a request that came from SOURCE.  In TO. */
struct sip_span agent_write_vias(const struct sip_message *request,
				 const struct net_address *source, char *to, size_t size);

/* "CONTACT;kl=TOKEN" */
void agent_write_contact(const struct agent *agent, const char *contact, uint32_t endpoint,
			 char to[PHONE_URI_MAX]);

void agent_keep(struct agent_kept *kept, unsigned status, const char *bytes, size_t length);

#endif
