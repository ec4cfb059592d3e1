/* inside.h - the side of the endpoints: where they reach us, who they are, and their transactions.
 *
 * It takes their registrations and answers OPTIONS itself.  Other requests, once proven, go to
 * on_request; their answers, and requests of the outside, come back through agent_inside_respond()
 * and agent_inside_send().  Nothing here knows the outside.
 *
 * Ownership  What a callback is given is valid until it returns.
 * Errors     0, or a negative errno value.
 * Threads    Its loop's thread only.
 */
#ifndef AGENT_INSIDE_H
#define AGENT_INSIDE_H

#include "agent/prove.h"
#include "agent/registrar.h"
#include "phone/server.h"
#include "sip/clients.h"

enum {
	/* Over UDP each stays for 32 s, and a busy PBX begins thousands in a second.  What is not
	 * used takes no memory. */
	AGENT_TRANSACTIONS_MAX = 1 << 20,
	AGENT_SOURCES_MAX = 4096, /* addresses whose share is counted */
};

struct agent_inside;

/* A request from an endpoint. */
struct agent_incoming {
	struct phone_incoming packet; /* its `id` is 0 for an ACK */
	uint32_t endpoint;
	uint32_t line; /* AGENT_NONE: in a dialog, whose own it is */
};

/* How a request of ours fared inside. */
struct agent_answer {
	sip_client_id client;
	uint64_t owner;
	enum sip_client_news news;          /* PROVISIONAL, ACCEPTED or REFUSED */
	const struct sip_message *response; /* NULL: nothing came (408), or it could not be sent */
};

struct agent_inside_hooks {
	/* A request that an endpoint may send. */
	void (*on_request)(void *user, const struct agent_incoming *incoming);
	/* INVITE, which has no final answer yet, is taken back.  Its CANCEL is answered. */
	void (*on_cancel)(void *user, sip_transaction_id invite);
	void (*on_answer)(void *user, const struct agent_answer *answer);
	/* Whose dialog is this request in, if it came from where that endpoint is?  AGENT_NONE: in
	 * none. */
	uint32_t (*whose_dialog)(void *user, const struct sip_message *request,
				 const struct net_address *source);
	/* May an endpoint of LINE be registered now?  (AGENT-8) */
	bool (*may_register)(void *user, uint32_t line);
	/* A binding was made or changed, or is about to go. */
	void (*on_binding)(void *user, const struct agent_binding *binding, bool is_gone);
	/* Once a second. */
	void (*on_second)(void *user);
	void *user;
};

struct agent_inside_config {
	struct net_loop *loop;
	const struct config *config; /* has an inside; outlives it */
	uint8_t dscp;
	struct net_tls_config tls;
	struct agent_inside_hooks hooks;
};

struct agent_inside_counters {
	uint64_t dropped;  /* no SIP messages */
	uint64_t flooded;  /* beyond an address's share */
	uint64_t refused;  /* challenged, or from nobody that is known */
	uint64_t stray;    /* answers to nothing that is open */
	uint64_t overflow; /* what did not fit a table */
};

/* Errors: those of phone_transport_open(), with one sentence in WHY. */
int agent_inside_open(struct agent_inside **out, const struct agent_inside_config *config,
		      char why[PHONE_WHY_MAX]);
void agent_inside_close(struct agent_inside *inside); /* NULL is fine */

struct agent_inside_reload {
	const struct config *config; /* outlives it */
	const uint32_t
		*line_numbers; /* as in struct agent_directory_order; not needed afterwards */
	bool may_move;         /* no call goes by the address where it listens */
};

/* Goes by another configuration from now on, registrations that it still allows included.  Where
 * that says to listen elsewhere it moves if it may, and all register there anew; else the log says
 * what to do.  Without an `inside` nobody is let in any more.  -ENOMEM: nothing is changed. */
int agent_inside_reload(struct agent_inside *inside, const struct agent_inside_reload *order);

const struct agent_directory *agent_inside_directory(const struct agent_inside *inside);
struct agent_registrar *agent_inside_registrar(struct agent_inside *inside);
struct agent_inside_counters agent_inside_counters(const struct agent_inside *inside);

/* Where it listens for UDP and TCP, and for TLS on the next port. */
struct net_address agent_inside_local(const struct agent_inside *inside);

/* ---- answers ---- */

/* An answer of our own.  REASON may be NULL. */
void agent_inside_reply(struct agent_inside *inside, const struct agent_incoming *incoming,
			unsigned status, const char *reason);

/* The same with a time to wait, in a 503. */
void agent_inside_refuse(struct agent_inside *inside, const struct agent_incoming *incoming,
			 unsigned status, unsigned retry_after_s);

/* Sends an answer that was made of one from outside; of an INVITE's 2xx each one.  BACK is
 * phone_reply_hop() of its request. */
void agent_inside_respond(struct agent_inside *inside, sip_transaction_id id,
			  const struct phone_hop *back, const struct sip_answer *answer);

/* ---- requests ---- */

/* What stands in our Via and our Record-Route toward HOP.  BRANCH has PHONE_ID_MAX bytes. */
void agent_inside_draw_branch(char branch[PHONE_ID_MAX]);
int agent_inside_write_via(const struct agent_inside *inside, const struct phone_hop *hop,
			   const char *branch, char to[PHONE_URI_MAX]);
int agent_inside_write_route(const struct agent_inside *inside, const struct phone_hop *hop,
			     char to[PHONE_URI_MAX]);

struct agent_outgoing {
	enum sip_method method;
	const char *branch;
	struct sip_span bytes; /* the whole request */
	struct phone_hop hop;
	uint64_t owner; /* comes back with its answers */
};

/* Sends a request and watches over it; on_answer tells of it, from the loop.  Errors: those of
 * sip_clients_open(). */
int agent_inside_send(struct agent_inside *inside, const struct agent_outgoing *outgoing,
		      sip_client_id *client);
void agent_inside_cancel(struct agent_inside *inside, sip_client_id client);

/* Sends an ACK for a 2xx, which no transaction watches over. */
void agent_inside_pass(struct agent_inside *inside, const struct phone_hop *hop,
		       struct sip_span bytes);

#endif
