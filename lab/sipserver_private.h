/* sipserver_private.h - what sipserver.c (socket, requests) and sipcall.c (calls) share. */
#ifndef LAB_SIPSERVER_PRIVATE_H
#define LAB_SIPSERVER_PRIVATE_H

#include "lab/port.h"
#include "lab/sipserver.h"
#include "sip/dialog.h"
#include "sip/transaction.h"

enum {
	LAB_CALLS_MAX = 64,
	LAB_TAG_SIZE = 17,
	LAB_REQUEST_MAX = 16384,
	LAB_OWN_HEADERS_MAX = 4096,
	LAB_ANSWER_MAX = LAB_REQUEST_MAX + LAB_OWN_HEADERS_MAX, /* much of it is copied */
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
	struct net_address source;
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
	struct lab_sipserver_config config; /* local: with the port that it really has */
	struct net_loop *loop;
	struct net_timer *timer;
	struct lab_port *port;                 /* NULL: it is closed */
	struct sip_transactions *transactions; /* as long as the port is open */
	enum lab_sip_fault fault;
	struct lab_registrar registrar;
	struct lab_call calls[LAB_CALLS_MAX];
	uint64_t requests, dropped;
	char answer[LAB_ANSWER_MAX]; /* the one being built */
};

/* A request that is being answered. */
struct lab_answering {
	const struct sip_message *request;
	struct net_address source;
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
struct net_address lab_answer_destination(const struct sip_message *request,
					  const struct net_address *source);

/* Sends BYTES, unless the server is silent. */
void lab_send(struct lab_sipserver *server, const struct net_address *to, struct sip_span bytes);

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
