/* cseq.h - the numbers of one direction of a dialog: as its sender counts, and as they go on.
 *
 * A request that was repeated with our credentials has used up a number that its sender knows
 * nothing of: from then on all numbers are ahead of the sender's.  ACK, CANCEL and RAck go by the
 * number of their own INVITE, however far the others are ahead by now.  AGENT-4
 */
#ifndef AGENT_CSEQ_H
#define AGENT_CSEQ_H

#include <stdbool.h>
#include <stdint.h>

enum {
	/* INVITEs whose numbers are known: one is open at a time, and the ACK of the one before may
	 * be asked for again. */
	AGENT_CSEQ_INVITES = 2,
	AGENT_CSEQ_JUMP =
		1000, /* after a restart: more than went out since the last record (AGENT-12) */
};

struct agent_cseq {
	uint32_t ahead; /* how far */
	uint32_t last;  /* the highest that went on; 0: none yet */
	struct {
		uint32_t from, to;
	} invites[AGENT_CSEQ_INVITES]; /* the latest first */
};

/* The number with which a request numbered NUMBER goes on; 0: there is none left. */
uint32_t agent_cseq_next(const struct agent_cseq *cseq, uint32_t number);

/* A request numbered FROM went on as TO, at first or again: later ones are as far ahead. */
void agent_cseq_went(struct agent_cseq *cseq, uint32_t from, uint32_t to, bool is_invite);

/* How the INVITE numbered FROM went on; as agent_cseq_next() would say if it is not known. */
uint32_t agent_cseq_invite(const struct agent_cseq *cseq, uint32_t from);

/* What went out since this was recorded is not known. */
void agent_cseq_recover(struct agent_cseq *cseq);

#endif
