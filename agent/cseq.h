/* cseq.h - the numbers of one direction of a dialog: as its sender counts, and as they go on.
 *
 * A request that was repeated with our credentials has used up a number that its sender knows
 * nothing of: from then on all numbers are ahead of the sender's.  ACK, CANCEL and RAck go by the
 * number of their own INVITE, and a NOTIFY's "Event: refer;id=" by that of its REFER, however far
 * the others are ahead by now.  AGENT-4
 */
#ifndef AGENT_CSEQ_H
#define AGENT_CSEQ_H

#include <stdbool.h>
#include <stdint.h>

#include "sip/names.h"

enum {
	/* INVITEs whose numbers are known: one is open at a time, and the ACK of the one before may
	 * be asked for again. */
	AGENT_CSEQ_INVITES = 2,
	/* REFERs: an endpoint that takes one back asks for the next. */
	AGENT_CSEQ_REFERS = 2,
	AGENT_CSEQ_JUMP =
		1000, /* after a restart: more than went out since the last record (AGENT-12) */
};

struct agent_cseq_pair {
	uint32_t from, to; /* `to` 0: none */
};

struct agent_cseq {
	uint32_t ahead; /* how far */
	uint32_t last;  /* the highest that went on; 0: none yet */
	struct agent_cseq_pair invites[AGENT_CSEQ_INVITES]; /* the latest first */
	struct agent_cseq_pair refers[AGENT_CSEQ_REFERS];   /* the latest first; not recorded */
};

/* The number with which a request numbered NUMBER goes on; 0: there is none left. */
uint32_t agent_cseq_next(const struct agent_cseq *cseq, uint32_t number);

/* A request numbered FROM went on as TO, at first or again: later ones are as far ahead. */
void agent_cseq_went(struct agent_cseq *cseq, uint32_t from, uint32_t to, enum sip_method method);

/* How the INVITE numbered FROM went on; as agent_cseq_next() would say if it is not known. */
uint32_t agent_cseq_invite(const struct agent_cseq *cseq, uint32_t from);

/* How the REFER numbered FROM went on, and the number of the one that went on as TO (RFC 3515
 * 2.4.6); as they are if that is not known. */
uint32_t agent_cseq_refer(const struct agent_cseq *cseq, uint32_t from);
uint32_t agent_cseq_refer_from(const struct agent_cseq *cseq, uint32_t to);

/* What went out since this was recorded is not known. */
void agent_cseq_recover(struct agent_cseq *cseq);

#endif
