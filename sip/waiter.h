/* waiter.h - who waits until when: a heap of what is due, the earliest first.
 *
 * A waiter lies inside the caller's own struct, which outlives its wait.
 */
#ifndef SIP_WAITER_H
#define SIP_WAITER_H

#include <stddef.h>
#include <stdint.h>

#define SIP_NEVER UINT64_MAX

struct sip_waiter {
	uint64_t at;    /* milliseconds, as the caller counts them */
	uint32_t place; /* in the heap, from 1; 0: it waits for nothing */
};

struct sip_waiters {
	struct sip_waiter **heap;
	uint32_t count, limit;
};

/* Room for LIMIT of them.  0, or SIP_EMEMORY. */
int sip_waiters_init(struct sip_waiters *waiters, uint32_t limit);
void sip_waiters_clear(struct sip_waiters *waiters);

/* Lets a waiter, zeroed before its first wait, wait until AT; SIP_NEVER: not any more.  No more
 * than the limit may wait. */
void sip_waiters_set(struct sip_waiters *waiters, struct sip_waiter *waiter, uint64_t at);

/* The one that is due first; NULL: nobody waits. */
struct sip_waiter *sip_waiters_first(const struct sip_waiters *waiters);

/* When it is due; SIP_NEVER: nobody waits. */
uint64_t sip_waiters_deadline(const struct sip_waiters *waiters);

/* The struct of TYPE that holds this waiter as MEMBER. */
#define sip_waiter_owner(waiter, type, member)                                                     \
	((type *)(void *)((char *)(waiter)-offsetof(type, member)))

#endif
