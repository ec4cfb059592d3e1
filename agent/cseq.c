/* cseq.c - the numbers of one direction of a dialog. */
#include "agent/cseq.h"

#include "sip/value.h"

uint32_t agent_cseq_next(const struct agent_cseq *cseq, uint32_t number)
{
	uint64_t next = (uint64_t)number + cseq->ahead;

	return next <= SIP_CSEQ_MAX ? (uint32_t)next : 0;
}

static void note_invite(struct agent_cseq *cseq, uint32_t from, uint32_t to)
{
	if (cseq->invites[0].from != from) {
		for (int i = AGENT_CSEQ_INVITES - 1; i > 0; i--)
			cseq->invites[i] = cseq->invites[i - 1];
		cseq->invites[0].from = from;
	}
	cseq->invites[0].to = to;
}

void agent_cseq_went(struct agent_cseq *cseq, uint32_t from, uint32_t to, bool is_invite)
{
	if (to > from && to - from > cseq->ahead)
		cseq->ahead = to - from;
	if (to > cseq->last)
		cseq->last = to;
	if (is_invite)
		note_invite(cseq, from, to);
}

uint32_t agent_cseq_invite(const struct agent_cseq *cseq, uint32_t from)
{
	for (int i = 0; i < AGENT_CSEQ_INVITES; i++)
		if (cseq->invites[i].to && cseq->invites[i].from == from)
			return cseq->invites[i].to;
	return from + cseq->ahead <= SIP_CSEQ_MAX ? from + cseq->ahead : from;
}

void agent_cseq_recover(struct agent_cseq *cseq)
{
	cseq->ahead += AGENT_CSEQ_JUMP;
}
