/* fork.h - one request from outside on its way to several endpoints: which answer goes out, and
 *when the others are cancelled (RFC 3261 16.7).
 *
 * Provisional answers and every 2xx pass at once and are none of its business.  It tells what to do
 * about the rest:
 *
 *	agent_fork_add(&fork, ...)                    for each endpoint, before the first answer
 *	agent_fork_take(&fork, branch, status)        an answer, or 408 for silence
 *	agent_fork_cancel(&fork)                      the far end's CANCEL
 *
 * A plain struct: copied freely, nothing to free.
 */
#ifndef AGENT_FORK_H
#define AGENT_FORK_H

#include <stdbool.h>
#include <stdint.h>

enum {
	AGENT_FORK_MAX = 10, /* endpoints that one request rings */
	/* RFC 3261 16.6 step 11, timer C: longer than 3 minutes. */
	AGENT_FORK_RING_MS = 200000,
};

struct agent_branch {
	uint64_t client; /* the caller's name for it */
	uint16_t status; /* its final answer; 0: none yet */
	bool is_cancelled;
};

struct agent_fork {
	struct agent_branch branches[AGENT_FORK_MAX];
	uint8_t count;
	uint8_t best; /* index; its answer is kept by the caller */
	bool has_best;
	bool is_answered;  /* a final answer went out */
	bool is_cancelled; /* what is still open is superfluous */
};

enum agent_fork_verdict {
	AGENT_FORK_WAIT, /* others are still open */
	AGENT_FORK_KEEP, /* the same, and this answer is the best so far: keep it */
	AGENT_FORK_PASS, /* this answer goes out, now */
	AGENT_FORK_BEST, /* all have answered: the one that was kept goes out */
};

/* SIP_EFULL: there are AGENT_FORK_MAX. */
int agent_fork_add(struct agent_fork *fork, uint64_t client);

/* The branch of CLIENT; NULL: none. */
struct agent_branch *agent_fork_find(struct agent_fork *fork, uint64_t client);

/* A final answer came on a branch.  A 2xx or a 6xx makes the others superfluous:
 * agent_fork_next_superfluous() then names them.  Of a 2xx each one passes. */
enum agent_fork_verdict agent_fork_take(struct agent_fork *fork, struct agent_branch *branch,
					uint16_t status);

/* Nobody wants it any more: all open branches are superfluous. */
void agent_fork_cancel(struct agent_fork *fork);

/* The next branch to be cancelled; NULL: none. */
struct agent_branch *agent_fork_next_superfluous(struct agent_fork *fork);

/* Has every branch its final answer? */
bool agent_fork_is_over(const struct agent_fork *fork);

#endif
