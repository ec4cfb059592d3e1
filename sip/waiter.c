/* waiter.c - a binary heap of who waits. */
#include "sip/waiter.h"

#include <assert.h>
#include <stdlib.h>

#include "sip/text.h"

int sip_waiters_init(struct sip_waiters *waiters, uint32_t limit)
{
	*waiters = (struct sip_waiters){.limit = limit};
	waiters->heap = calloc(limit, sizeof(*waiters->heap));
	return waiters->heap ? 0 : SIP_EMEMORY;
}

void sip_waiters_clear(struct sip_waiters *waiters)
{
	free(waiters->heap);
	*waiters = (struct sip_waiters){0};
}

static void put(struct sip_waiters *waiters, uint32_t index, struct sip_waiter *waiter)
{
	waiters->heap[index] = waiter;
	waiter->place = index + 1;
}

static void swap(struct sip_waiters *waiters, uint32_t a, uint32_t b)
{
	struct sip_waiter *waiter = waiters->heap[a];

	put(waiters, a, waiters->heap[b]);
	put(waiters, b, waiter);
}

static bool is_earlier(const struct sip_waiters *waiters, uint32_t a, uint32_t b)
{
	return waiters->heap[a]->at < waiters->heap[b]->at;
}

static void settle(struct sip_waiters *waiters, uint32_t index)
{
	uint32_t child;

	for (; index > 0 && is_earlier(waiters, index, (index - 1) / 2); index = (index - 1) / 2)
		swap(waiters, index, (index - 1) / 2);
	while ((child = 2 * index + 1) < waiters->count) {
		if (child + 1 < waiters->count && is_earlier(waiters, child + 1, child))
			child++;
		if (!is_earlier(waiters, child, index))
			return;
		swap(waiters, child, index);
		index = child;
	}
}

static void take_out(struct sip_waiters *waiters, struct sip_waiter *waiter)
{
	uint32_t index = waiter->place - 1;

	if (!waiter->place)
		return;
	waiter->place = 0;
	if (index == --waiters->count)
		return;
	put(waiters, index, waiters->heap[waiters->count]);
	settle(waiters, index);
}

void sip_waiters_set(struct sip_waiters *waiters, struct sip_waiter *waiter, uint64_t at)
{
	waiter->at = at;
	if (at == SIP_NEVER) {
		take_out(waiters, waiter);
		return;
	}
	if (!waiter->place) {
		assert(waiters->count < waiters->limit);
		put(waiters, waiters->count++, waiter);
	}
	settle(waiters, waiter->place - 1);
}

struct sip_waiter *sip_waiters_first(const struct sip_waiters *waiters)
{
	return waiters->count > 0 ? waiters->heap[0] : NULL;
}

uint64_t sip_waiters_deadline(const struct sip_waiters *waiters)
{
	return waiters->count > 0 ? waiters->heap[0]->at : SIP_NEVER;
}
