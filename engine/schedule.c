#include "engine/schedule.h"

/* A 4-ary heap: half the levels of a binary one, and its children share a cache line. */
enum { FAN = 4 };

static uint32_t *heap_of(const struct kl_engine *e)
{
	return table(e, e->heap_at);
}

static bool node_before(const struct kl_engine *e, uint32_t a, uint32_t b)
{
	const struct node *x = node_at(e, a), *y = node_at(e, b);
	if (x->at != y->at)
		return x->at < y->at;
	return (int32_t)(x->seq - y->seq) < 0;
}

static void heap_put(struct kl_engine *e, uint32_t pos, uint32_t n)
{
	heap_of(e)[pos] = n;
	node_at(e, n)->heap_pos = pos;
}

static void heap_up(struct kl_engine *e, uint32_t pos, uint32_t n)
{
	while (pos > 0) {
		uint32_t parent = (pos - 1) / FAN;
		uint32_t other = heap_of(e)[parent];
		if (!node_before(e, n, other))
			break;
		heap_put(e, pos, other);
		pos = parent;
	}
	heap_put(e, pos, n);
}

static void heap_down(struct kl_engine *e, uint32_t pos, uint32_t n)
{
	for (;;) {
		uint32_t first = pos * FAN + 1, best = NONE;
		for (uint32_t i = first; i < first + FAN && i < e->heap_count; i++)
			if (best == NONE || node_before(e, heap_of(e)[i], heap_of(e)[best]))
				best = i;
		if (best == NONE || !node_before(e, heap_of(e)[best], n))
			break;
		heap_put(e, pos, heap_of(e)[best]);
		pos = best;
	}
	heap_put(e, pos, n);
}

static void heap_settle(struct kl_engine *e, uint32_t pos, uint32_t n)
{
	if (pos > 0 && node_before(e, n, heap_of(e)[(pos - 1) / FAN]))
		heap_up(e, pos, n);
	else
		heap_down(e, pos, n);
}

static void heap_remove(struct kl_engine *e, uint32_t n)
{
	uint32_t pos = node_at(e, n)->heap_pos;
	uint32_t last = heap_of(e)[--e->heap_count];
	node_at(e, n)->heap_pos = NONE;
	if (last != n)
		heap_settle(e, pos, last);
}

void schedule_set(struct kl_engine *e, uint32_t n, kl_ms at)
{
	struct node *node = node_at(e, n);
	if (node->at == at)
		return;
	node->at = at;
	node->seq = e->timer_seq++;
	if (at == KL_NEVER)
		heap_remove(e, n);
	else if (node->heap_pos == NONE)
		heap_up(e, e->heap_count++, n);
	else
		heap_settle(e, node->heap_pos, n);
}

void schedule_carry(struct kl_engine *e, uint32_t n, const struct node *from)
{
	struct node *node = node_at(e, n);
	assert(node->heap_pos == NONE);
	node->at = from->at;
	node->seq = from->seq;
	if (node->at != KL_NEVER)
		heap_up(e, e->heap_count++, n);
}

uint32_t schedule_first(const struct kl_engine *e)
{
	return e->heap_count ? heap_of(e)[0] : NONE;
}

/* What registrations and route sets owe are reports: decisions stand before what follows from
 * them. */
static struct ready *ready_list(struct kl_engine *e, uint32_t n)
{
	bool registration = n >= registration_node(e, 0) && n < query_node(e, 0);
	return registration || n >= set_node(e, 0) ? &e->reports : &e->others;
}

void owe(struct kl_engine *e, uint32_t n, uint16_t what)
{
	struct node *node = node_at(e, n);
	struct ready *list = ready_list(e, n);
	node->owes |= what;
	if (node->ready)
		return;
	node->ready = true;
	node->ready_next = NONE;
	if (list->tail == NONE)
		list->head = n;
	else
		node_at(e, list->tail)->ready_next = n;
	list->tail = n;
}

uint32_t ready_first(struct kl_engine *e)
{
	struct ready *const lists[] = {&e->reports, &e->others};
	for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
		struct ready *list = lists[i];
		while (list->head != NONE) {
			struct node *node = node_at(e, list->head);
			if (node->owes)
				return list->head;
			node->ready = false;
			list->head = node->ready_next;
			if (list->head == NONE)
				list->tail = NONE;
		}
	}
	return NONE;
}

void owe_no_more(struct kl_engine *e, uint32_t n, uint16_t what)
{
	node_at(e, n)->owes &= (uint16_t)~what;
}

uint64_t random_next(uint64_t *state)
{
	uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);
	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

kl_ms random_between(struct kl_engine *e, kl_ms least, kl_ms most)
{
	return least + random_next(&e->random) % (most - least + 1);
}
