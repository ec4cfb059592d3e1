/* fork.c - one request from outside on its way to several endpoints. */
#include "agent/fork.h"

#include <stddef.h>

#include "sip/text.h"

int agent_fork_add(struct agent_fork *fork, uint64_t client)
{
	if (fork->count == AGENT_FORK_MAX)
		return SIP_EFULL;
	fork->branches[fork->count++] = (struct agent_branch){.client = client};
	return 0;
}

struct agent_branch *agent_fork_find(struct agent_fork *fork, uint64_t client)
{
	for (uint8_t i = 0; i < fork->count; i++)
		if (fork->branches[i].client == client)
			return &fork->branches[i];
	return NULL;
}

bool agent_fork_is_over(const struct agent_fork *fork)
{
	for (uint8_t i = 0; i < fork->count; i++)
		if (!fork->branches[i].status)
			return false;
	return true;
}

/* RFC 3261 16.7 step 6: a 6xx before all; else the lowest class; in 4xx those that tell the far end
 * how to ask again; a 503 last in its class. The lower, the better. */
static unsigned rank_of(uint16_t status)
{
	unsigned class = status / 100;

	if (class == 6)
		return 0;
	switch (status) {
	case 401:
	case 407:
	case 415:
	case 420:
	case 484:
		return 10 * class;
	case 408: /* silence says least: RFC 4320 4.2 */
	case 503:
		return 10 * class + 9;
	default:
		return 10 * class + 5;
	}
}

enum agent_fork_verdict agent_fork_take(struct agent_fork *fork, struct agent_branch *branch,
					uint16_t status)
{
	uint8_t index = (uint8_t)(branch - fork->branches);
	bool is_best =
		!fork->has_best || rank_of(status) < rank_of(fork->branches[fork->best].status);

	if (!branch->status)
		branch->status = status;
	if (status / 100 == 2) {
		fork->is_answered = true;
		agent_fork_cancel(fork);
		return AGENT_FORK_PASS;
	}
	if (fork->is_answered)
		return AGENT_FORK_WAIT;
	if (status / 100 == 6)
		agent_fork_cancel(fork);
	if (is_best) {
		fork->has_best = true;
		fork->best = index;
	}
	if (!agent_fork_is_over(fork))
		return is_best ? AGENT_FORK_KEEP : AGENT_FORK_WAIT;
	fork->is_answered = true;
	return is_best ? AGENT_FORK_PASS : AGENT_FORK_BEST;
}

void agent_fork_cancel(struct agent_fork *fork)
{
	fork->is_cancelled = true;
}

struct agent_branch *agent_fork_next_superfluous(struct agent_fork *fork)
{
	for (uint8_t i = 0; i < fork->count && fork->is_cancelled; i++) {
		struct agent_branch *branch = &fork->branches[i];

		if (branch->status || branch->is_cancelled)
			continue;
		branch->is_cancelled = true;
		return branch;
	}
	return NULL;
}
