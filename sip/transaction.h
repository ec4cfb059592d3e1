/* transaction.h - server transactions (RFC 3261 17.2, RFC 6026), and what a client transaction
 * needs beside its clock: matching, ACK, CANCEL.
 *
 * No sockets and no clock: the caller feeds received requests, gives responses, and
 * asks what is due:
 *
 *	sip_transactions_receive(t, &message, &peer, &receipt, now);
 *	sip_transactions_respond(t, receipt.id, &reply, now);      and sends the bytes itself
 *	while (sip_transactions_next(t, &due, now)) ...            send again, or give up
 *	wait until sip_transactions_deadline(t)
 *
 * Times are milliseconds of any origin and must not go backwards.
 */
#ifndef SIP_TRANSACTION_H
#define SIP_TRANSACTION_H

#include "sip/builder.h"
#include "sip/waiter.h"

enum {
	SIP_T1_MS = 500,
	SIP_T2_MS = 4000,
	SIP_T4_MS = 5000,
	SIP_PEER_MAX = 72, /* bytes of a peer */
};

/* ---- server transactions ------------------------------------------------------------------- */

struct sip_transactions;

/* Where a request came from: the caller's own record (a socket address), opaque here. */
struct sip_peer {
	unsigned char bytes[SIP_PEER_MAX];
	size_t length;
};

/* Names a transaction; stays unique when its slot is used again.  0 names none. */
typedef uint64_t sip_transaction_id;

enum sip_receipt_kind {
	SIP_RECEIPT_NEW,    /* a new request: to be answered by `id` (an ACK for a 2xx has id 0) */
	SIP_RECEIPT_REPEAT, /* a retransmission: send `again` to its sender, if it is not empty */
	SIP_RECEIPT_ACKED,  /* the ACK that a refused INVITE waited for: nothing to do */
	SIP_RECEIPT_FULL,   /* no room: `id` is 0; answer 503 and forget it */
};

struct sip_receipt {
	enum sip_receipt_kind kind;
	sip_transaction_id id;
	/* NEW: the same request came before, by another way: answer 482 (8.2.2.2). */
	bool is_merged;
	struct sip_span again; /* good until the next call */
};

enum sip_due_kind {
	SIP_DUE_SEND,   /* send `bytes` to `peer` again */
	SIP_DUE_UNACKED /* no ACK came within 64*T1 for a refused INVITE */
};

struct sip_due {
	enum sip_due_kind kind;
	sip_transaction_id id;
	struct sip_span bytes; /* good until the next call */
	struct sip_peer peer;
};

/* A table for at most LIMIT transactions, an eighth of them kept for requests inside dialogs and
 * for CANCEL; NULL if out of memory. */
struct sip_transactions *sip_transactions_new(size_t limit);
void sip_transactions_free(struct sip_transactions *table);

/* Takes a request in: matched by branch, sent-by and method, an ACK by its INVITE's (17.2.3).
 * A CANCEL is a transaction of its own; sip_transactions_cancelled() finds what it cancels.
 * RECEIPT is always set.  SIP_ESTATE if MESSAGE is a response, SIP_EMEMORY. */
int sip_transactions_receive(struct sip_transactions *table, const struct sip_message *message,
			     const struct sip_peer *peer, struct sip_receipt *receipt,
			     uint64_t now);

/* Is it a request that came before, whose transaction is held still? */
bool sip_transactions_holds(const struct sip_transactions *table,
			    const struct sip_message *request);

/* The INVITE transaction that a CANCEL means, answered or not; 0 if there is none: answer the
 * CANCEL with 481 then (9.2). */
sip_transaction_id sip_transactions_cancelled(const struct sip_transactions *table,
					      const struct sip_message *cancel);

struct sip_answer {
	unsigned status;
	struct sip_span bytes; /* the whole response; copied */
};

/* Notes that the caller now sends this response.  A 2xx to INVITE is resent by its dialog's owner
 * until the ACK (13.3.1.4); here repeats of the INVITE are only absorbed (RFC 6026 7.1, Accepted).
 * SIP_EABSENT: no such transaction; SIP_ESTATE: it has a final answer already; SIP_EMEMORY. */
int sip_transactions_respond(struct sip_transactions *table, sip_transaction_id id,
			     const struct sip_answer *answer, uint64_t now);

/* Forgets a transaction without a final answer; what comes of its request again is new.  One that
 * is not there is no error. */
void sip_transactions_forget(struct sip_transactions *table, sip_transaction_id id);

/* The next thing that is due by now; false if there is none.  Ended transactions are forgotten. */
bool sip_transactions_next(struct sip_transactions *table, struct sip_due *due, uint64_t now);

/* When sip_transactions_next() has to be asked again; SIP_NEVER if nothing waits. */
uint64_t sip_transactions_deadline(const struct sip_transactions *table);

/* How many transactions are held. */
size_t sip_transactions_count(const struct sip_transactions *table);

/* ---- client side: the clock is the caller's -------------------------------------------------- */

/* Does RESPONSE answer the client transaction with this branch and method (17.1.3)? */
bool sip_response_matches(const struct sip_message *response, const char *branch,
			  enum sip_method method);

/* Builds the ACK for a 3xx-6xx (17.1.1.3): request URI, top Via, From, Call-ID, CSeq number and
 * Route of the INVITE as it was sent, To of the response.
 * Returns the length, or an error of the builder. */
int sip_build_ack_for_failure(struct sip_builder *builder, const struct sip_message *invite,
			      const struct sip_message *response);

/* Builds the CANCEL of a sent INVITE (9.1), with that Reason (RFC 3326; NULL: none).  Send it only
 * once a provisional came. */
int sip_build_cancel(struct sip_builder *builder, const struct sip_message *invite,
		     const char *reason);

#endif
