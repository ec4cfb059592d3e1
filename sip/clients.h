/* clients.h - client transactions with their own clock (RFC 3261 17.1, RFC 6026): for requests
 *whose timing the engine does not rule.
 *
 * No sockets and no clock, as in sip/transaction.h:
 *
 *	sip_clients_open(t, &start, &id, now);
 *	sip_clients_receive(t, &response, &receipt, now);          and sends receipt.ack, if there
 *is one sip_clients_cancel(t, id, now); while (sip_clients_next(t, &due, now)) ... after each of
 *them: send, or take the end wait until sip_clients_deadline(t)
 *
 * Every send, the first one too, comes from sip_clients_next().  An ACK for a refusal is made here;
 * that for a 2xx is its dialog's.
 */
#ifndef SIP_CLIENTS_H
#define SIP_CLIENTS_H

#include "sip/transaction.h"

struct sip_clients;

/* Names a transaction; stays unique when its slot is used again.  0 names none. */
typedef uint64_t sip_client_id;

struct sip_client_start {
	enum sip_method method; /* any but ACK and CANCEL */
	struct sip_span branch; /* of the request's top Via: nobody can guess it */
	struct sip_span bytes;  /* the whole request; copied */
	bool is_reliable;       /* over TCP or TLS, where nothing is resent */
	struct sip_peer peer;
	uint64_t owner; /* the caller's own name for it */
};

enum sip_client_news {
	SIP_CLIENT_STRAY,       /* it answers nothing that is open */
	SIP_CLIENT_PROVISIONAL, /* 1xx */
	SIP_CLIENT_ACCEPTED,    /* a 2xx; of an INVITE each one, with repeats and those of forks */
	SIP_CLIENT_REFUSED,     /* 3xx to 6xx */
	SIP_CLIENT_ABSORBED,    /* a repeat, or the answer to a CANCEL: nothing new */
};

struct sip_client_receipt {
	enum sip_client_news news;
	sip_client_id id;
	uint64_t owner;
	struct sip_span ack; /* to be sent now, if it is not empty; good until the next call */
	struct sip_peer peer;
};

enum sip_client_due_kind {
	SIP_CLIENT_SEND, /* send `bytes` to `peer` */
	/* Nothing came within 64*T1, or no final answer within 64*T1 after a CANCEL: as a 408. */
	SIP_CLIENT_SILENT,
};

struct sip_client_due {
	enum sip_client_due_kind kind;
	sip_client_id id;
	uint64_t owner;
	struct sip_span bytes; /* good until the next call */
	struct sip_peer peer;
};

/* A table for at most LIMIT transactions, CANCELs among them; NULL if out of memory. */
struct sip_clients *sip_clients_new(uint32_t limit);
void sip_clients_free(struct sip_clients *table); /* NULL is fine */

/* SIP_EFULL, SIP_EMEMORY; SIP_EREPEATED: one with this branch and method is open. */
int sip_clients_open(struct sip_clients *table, const struct sip_client_start *start,
		     sip_client_id *id, uint64_t now);

void sip_clients_receive(struct sip_clients *table, const struct sip_message *response,
			 struct sip_client_receipt *receipt, uint64_t now);

/* Cancels an INVITE: its CANCEL goes out now, or as soon as a provisional answer comes (RFC 3261
 * 9.1).  One that has its answer, or is gone, is left alone.  SIP_EFULL, SIP_EMEMORY: it can't be
 * sent. */
int sip_clients_cancel(struct sip_clients *table, sip_client_id id, uint64_t now);

/* The way to its peer broke (RFC 3261 17.1.4): it is forgotten.  False: it has a final answer, or
 * is gone. */
bool sip_clients_drop(struct sip_clients *table, sip_client_id id);

/* The ways that IS_BROKEN tells of broke (RFC 3261 17.1.4): who heard nothing from there yet is
 * silent at once, by sip_clients_next(). */
void sip_clients_lose(struct sip_clients *table,
		      bool (*is_broken)(const void *user, const struct sip_peer *peer),
		      const void *user, uint64_t now);

bool sip_clients_next(struct sip_clients *table, struct sip_client_due *due, uint64_t now);
uint64_t sip_clients_deadline(const struct sip_clients *table);
size_t sip_clients_count(const struct sip_clients *table);

#endif
