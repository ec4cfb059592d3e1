/* sipserver_private.h - what the files of the SIP server share: sipserver.c (requests), sipcall.c
 * (calls), sipproxy.c (what is passed on), sipwire.c (ports, what is sent), sipfault.c. */
#ifndef LAB_SIPSERVER_PRIVATE_H
#define LAB_SIPSERVER_PRIVATE_H

#include <sys/queue.h>

#include "lab/port.h"
#include "lab/sipserver.h"
#include "sip/dialog.h"
#include "sip/transaction.h"

enum {
	LAB_CALLS_MAX = 64,
	LAB_HELD_MAX = 4096, /* messages that a slow server holds back */
	LAB_TAG_SIZE = 17,
	LAB_REQUEST_MAX = 16384,
	LAB_OWN_HEADERS_MAX = 4096,
	LAB_ANSWER_MAX = LAB_REQUEST_MAX + LAB_OWN_HEADERS_MAX, /* much of it is copied */
};

/* Who sent a message, or gets one: an address seen from one of the server's ports. */
struct lab_hop {
	struct net_address far;
	unsigned place; /* index */
};

/* One transport. */
struct lab_place {
	struct lab_sipserver *server;
	enum sip_transport transport;
	struct net_address local; /* with the port that it really has */
	struct lab_port *port;    /* NULL: it is closed */
};

/* Named for what the call waits for. */
enum lab_call_state {
	LAB_CALL_FREE,
	LAB_CALL_RINGING_DUE,
	LAB_CALL_ANSWER_DUE,
	LAB_CALL_ACK_DUE,
	LAB_CALL_BYE_DUE,
};

/* A call from its INVITE to its BYE. */
struct lab_call {
	enum lab_call_state state;
	sip_transaction_id invite_id;
	struct sip_message invite;
	struct lab_hop source;
	char tag[LAB_TAG_SIZE];
	struct sip_dialog dialog;
	uint64_t next_at;   /* of what is due by itself; NET_NEVER: nothing is */
	uint64_t answer_at; /* RINGING_DUE, ANSWER_DUE: of the 200 */
	uint64_t lost_at;   /* ACK_DUE: when the ACK will not come any more */
	uint64_t gap_ms;    /* ACK_DUE: between two sends of the 200 */
	char *answer;       /* ACK_DUE: the 200 as it was sent */
	size_t answer_length;
};

struct lab_sipserver {
	struct lab_sipserver_config config;
	struct net_loop *loop;
	struct net_timer *timer;
	struct lab_place places[LAB_PLACES_MAX];
	unsigned place_count;
	struct sip_transactions *transactions; /* as long as the ports are open */
	struct lab_fault faults[LAB_FAULT_KINDS];
	unsigned fault_count;
	uint64_t dice;
	unsigned char secret[SIP_DIGEST_SECRET_SIZE]; /* seals the ways back of answers */
	TAILQ_HEAD(lab_held_list, lab_held) held;     /* by time */
	unsigned held_count;
	struct lab_registrar registrar;
	struct lab_call calls[LAB_CALLS_MAX];
	uint64_t requests, dropped;
	char answer[LAB_ANSWER_MAX]; /* the one being built */
};

/* A request that is being answered. */
struct lab_answering {
	const struct sip_message *request;
	struct lab_hop source;
	sip_transaction_id id; /* 0: it has no transaction */
	const char *tag;       /* for To */
	uint64_t now;
};

/* Begins an answer in the server's buffer: all that RFC 3261 8.2.6 asks for. */
void lab_answer_begin(struct lab_sipserver *server, const struct lab_answering *a, unsigned status,
		      struct sip_builder *answer);

/* Sends what was built, LENGTH bytes or an error, and notes it for the repeats of its request.
 * Returns LENGTH. */
int lab_answer_send(struct lab_sipserver *server, const struct lab_answering *a, unsigned status,
		    int length);

/* An answer that needs no header of its own. */
void lab_answer_plainly(struct lab_sipserver *server, const struct lab_answering *a,
			unsigned status);

/* Where a request's answers go (RFC 3261, 18.2.2 and RFC 3581): on a stream, back on it. */
struct lab_hop lab_answer_destination(const struct sip_message *request,
				      const struct lab_hop *source);

/* ---- sipwire.c ---- */

/* Opens all ports, or none. */
int lab_places_open(struct lab_sipserver *server);
void lab_places_close(struct lab_sipserver *server);
bool lab_places_are_open(const struct lab_sipserver *server);

/* Sends BYTES, unless a fault keeps them.  METHOD is that of the request that they are, or answer.
 * False: they are lost. */
bool lab_send(struct lab_sipserver *server, const struct lab_hop *to, enum sip_method method,
	      struct sip_span bytes);

/* Sends what was held back long enough; the next is due at lab_held_deadline(), or NET_NEVER. */
void lab_held_step(struct lab_sipserver *server, uint64_t now);
uint64_t lab_held_deadline(const struct lab_sipserver *server);
void lab_held_drop(struct lab_sipserver *server);

/* Shows a message that came to a place. */
void lab_show_arrival(const struct lab_place *place, const struct net_address *far,
		      const struct sip_message *message, bool lost);

/* sipserver.c: a message came. */
void lab_take_message(void *user, const struct net_address *source, struct sip_span bytes);

/* ---- sipfault.c ---- */

/* The fault of this kind that is about METHOD; NULL: none. */
const struct lab_fault *lab_fault_find(const struct lab_sipserver *server, enum lab_fault_kind kind,
				       enum sip_method method);

/* Is a message lost that comes (IN) or goes? */
bool lab_fault_loses(struct lab_sipserver *server, bool in, enum sip_method method);

/* What the ports have to do with the faults. */
void lab_faults_settle(struct lab_sipserver *server);

/* As when the server's process dies, and when it starts: calls and transactions are gone. */
void lab_sipserver_stop(struct lab_sipserver *server);
int lab_sipserver_start(struct lab_sipserver *server);

/* ---- sipproxy.c ---- */

/* Passes a message on, if it is for somebody else: without a transaction (RFC 3261 16.11).  False:
 * it is for the server itself. */
bool lab_proxy_take(struct lab_sipserver *server, const struct sip_message *message,
		    const struct lab_hop *source, uint64_t now);

/* ---- sipcall.c ---- */

/* Answers requests that begin, end or belong to a call. */
void lab_call_answer_invite(struct lab_sipserver *server, const struct lab_answering *a);
void lab_call_answer_bye(struct lab_sipserver *server, const struct lab_answering *a);
void lab_call_answer_cancel(struct lab_sipserver *server, const struct lab_answering *a);
void lab_call_take_ack(struct lab_sipserver *server, const struct sip_message *ack);

/* Does what is due by now; the next is due at lab_calls_deadline(), or NET_NEVER. */
void lab_calls_step(struct lab_sipserver *server, uint64_t now);
uint64_t lab_calls_deadline(const struct lab_sipserver *server);

/* Forgets all calls; nothing is sent. */
void lab_calls_end(struct lab_sipserver *server);

#endif
