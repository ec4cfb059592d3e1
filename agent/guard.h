/* guard.h - how much an address inside may ask: a flood of one leaves the others their share, and
 * who guesses passwords has to wait.
 *
 * Two buckets of tokens for each address: one for what anybody may send, one for wrong passwords.
 * Bounded: of more addresses than there is room for, those that were silent longest are forgotten.
 */
#ifndef AGENT_GUARD_H
#define AGENT_GUARD_H

#include "net/address.h"

enum {
	/* Messages of one address: a second's worth at once.  A PBX that sets up a few hundred
	 * calls a second sends less. */
	AGENT_GUARD_MESSAGES_PER_S = 5000,
	AGENT_GUARD_WRONG_MAX = 5,        /* wrong passwords at once */
	AGENT_GUARD_WRONG_MS = 10 * 1000, /* until there may be another */
};

struct agent_guard;

/* For as many addresses as LIMIT, a power of two from 8 on.  NULL: out of memory. */
struct agent_guard *agent_guard_new(uint32_t limit);
void agent_guard_free(struct agent_guard *guard); /* NULL is fine */

/* A message came from there: may it be looked at?  Its port counts for nothing. */
bool agent_guard_admit(struct agent_guard *guard, const struct net_address *source, uint64_t now);

/* May a password from there be tried? */
bool agent_guard_may_prove(struct agent_guard *guard, const struct net_address *source,
			   uint64_t now);

/* It was wrong. */
void agent_guard_note_wrong(struct agent_guard *guard, const struct net_address *source,
			    uint64_t now);

#endif
