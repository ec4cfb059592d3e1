#include "sim/queue.h"

#include <assert.h>
#include <stdlib.h>

#include "sim/grow.h"

void sim_queue_free(struct sim_queue *queue)
{
	free(queue->heap);
}

static bool before(const struct sim_happening *a, const struct sim_happening *b)
{
	return a->at_us != b->at_us ? a->at_us < b->at_us : a->sequence < b->sequence;
}

void sim_queue_put(struct sim_queue *queue, const struct sim_happening *happening)
{
	size_t hole = queue->count;
	struct sim_happening item = *happening;

	item.sequence = queue->sequence++;
	queue->heap = sim_grow(queue->heap, &queue->room, queue->count, sizeof(item));
	queue->count++;
	while (hole > 0 && before(&item, &queue->heap[(hole - 1) / 2])) {
		queue->heap[hole] = queue->heap[(hole - 1) / 2];
		hole = (hole - 1) / 2;
	}
	queue->heap[hole] = item;
}

uint64_t sim_queue_next_us(const struct sim_queue *queue)
{
	return queue->count ? queue->heap[0].at_us : UINT64_MAX;
}

struct sim_happening sim_queue_take(struct sim_queue *queue)
{
	struct sim_happening first, last;
	size_t hole = 0;

	assert(queue->count > 0);
	first = queue->heap[0];
	last = queue->heap[--queue->count];
	for (;;) {
		size_t child = 2 * hole + 1;

		if (child + 1 < queue->count &&
		    before(&queue->heap[child + 1], &queue->heap[child]))
			child++;
		if (child >= queue->count || !before(&queue->heap[child], &last))
			break;
		queue->heap[hole] = queue->heap[child];
		hole = child;
	}
	queue->heap[hole] = last;
	return first;
}
