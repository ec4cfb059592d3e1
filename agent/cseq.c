/* cseq.c - the numbers of one direction of a dialog. */
#include "agent/cseq.h"

#include "sip/value.h"

uint32_t agent_cseq_next(const struct agent_cseq *cseq, uint32_t number)
{
	uint64_t next = (uint64_t)number + cseq->ahead;

	return next <= SIP_CSEQ_MAX ? (uint32_t)next : 0;
}

static void note(struct agent_cseq_pair *pairs, int count, struct agent_cseq_pair pair)
{
	if (!pairs->to || pairs->from != pair.from)
		for (int i = count - 1; i > 0; i--)
			pairs[i] = pairs[i - 1];
	pairs[0] = pair;
}

void agent_cseq_went(struct agent_cseq *cseq, uint32_t from, uint32_t to, enum sip_method method)
{
	const struct agent_cseq_pair pair = {from, to};

	if (to > from && to - from > cseq->ahead)
		cseq->ahead = to - from;
	if (to > cseq->last)
		cseq->last = to;
	if (method == SIP_INVITE)
		note(cseq->invites, AGENT_CSEQ_INVITES, pair);
	if (method == SIP_REFER)
		note(cseq->refers, AGENT_CSEQ_REFERS, pair);
}

uint32_t agent_cseq_invite(const struct agent_cseq *cseq, uint32_t from)
{
	for (int i = 0; i < AGENT_CSEQ_INVITES; i++)
		if (cseq->invites[i].to && cseq->invites[i].from == from)
			return cseq->invites[i].to;
	return from + cseq->ahead <= SIP_CSEQ_MAX ? from + cseq->ahead : from;
}

uint32_t agent_cseq_refer(const struct agent_cseq *cseq, uint32_t from)
{
	for (int i = 0; i < AGENT_CSEQ_REFERS; i++)
		if (cseq->refers[i].to && cseq->refers[i].from == from)
			return cseq->refers[i].to;
	return from;
}

uint32_t agent_cseq_refer_from(const struct agent_cseq *cseq, uint32_t to)
{
	for (int i = 0; i < AGENT_CSEQ_REFERS; i++)
		if (cseq->refers[i].to && cseq->refers[i].to == to)
			return cseq->refers[i].from;
	return to;
}

void agent_cseq_recover(struct agent_cseq *cseq)
{
	cseq->ahead += AGENT_CSEQ_JUMP;
}
