#include "sim/radix.h"

#include <assert.h>
#include <err.h>
#include <stdlib.h>

enum { DIGIT_BITS = 8, NEAR_LEVEL = 2 };

static const uint64_t times_us = UINT64_C(1) << (DIGIT_BITS * SIM_RADIX_LEVELS);

void sim_radix_free(struct sim_radix *queue)
{
	for (int level = 0; level < SIM_RADIX_LEVELS; level++)
		for (int digit = 0; digit < SIM_RADIX_DIGITS; digit++)
			for (struct sim_radix_block *block = queue->buckets[level][digit].first;
			     block;) {
				struct sim_radix_block *next = block->next;

				free(block);
				block = next;
			}
	while (queue->spare) {
		struct sim_radix_block *next = queue->spare->next;

		free(queue->spare);
		queue->spare = next;
	}
}

static struct sim_radix_block *take_block(struct sim_radix *queue)
{
	struct sim_radix_block *block = queue->spare;

	if (block)
		queue->spare = block->next;
	else
		block = malloc(sizeof(*block));
	if (!block)
		err(EXIT_FAILURE, "the simulation");
	block->next = NULL;
	return block;
}

static unsigned digit_of(uint64_t at_us, unsigned level)
{
	return (unsigned)(at_us >> (DIGIT_BITS * level)) % SIM_RADIX_DIGITS;
}

/* Items of one level differ from now in that byte first; those of now itself are on level 0. */
static unsigned level_of(const struct sim_radix *queue, uint64_t at_us)
{
	uint64_t differs = at_us ^ queue->now_us;

	return differs ? (63u - (unsigned)__builtin_clzll(differs)) / DIGIT_BITS : 0;
}

static void append(struct sim_radix *queue, const struct sim_due *item)
{
	unsigned level = level_of(queue, item->at_us), digit = digit_of(item->at_us, level);
	struct sim_radix_bucket *bucket = &queue->buckets[level][digit];

	if (!bucket->first) {
		*bucket = (struct sim_radix_bucket){0};
		bucket->first = bucket->last = take_block(queue);
		queue->full[level][digit / 64] |= UINT64_C(1) << digit % 64;
	} else if (bucket->filled == SIM_RADIX_ITEMS) {
		bucket->last = bucket->last->next = take_block(queue);
		bucket->filled = 0;
	}
	bucket->last->items[bucket->filled++] = *item;
}

void sim_radix_put(struct sim_radix *queue, struct sim_due item)
{
	if (item.at_us < queue->now_us)
		item.at_us = queue->now_us;
	assert(item.at_us < times_us);
	append(queue, &item);
	queue->count++;
}

/* The first bucket of LEVEL that is not empty; -1: all are. */
static int first_digit(const struct sim_radix *queue, unsigned level)
{
	for (int word = 0; word < SIM_RADIX_DIGITS / 64; word++)
		if (queue->full[level][word])
			return word * 64 + __builtin_ctzll(queue->full[level][word]);
	return -1;
}

/* The first time that an item of that bucket can have. */
static uint64_t start_of(const struct sim_radix *queue, unsigned level, unsigned digit)
{
	uint64_t below = (UINT64_C(1) << (DIGIT_BITS * level)) - 1;
	uint64_t own = (uint64_t)(SIM_RADIX_DIGITS - 1) << (DIGIT_BITS * level);

	return (queue->now_us & ~(below | own)) | (uint64_t)digit << (DIGIT_BITS * level);
}

/* Takes the first block of a bucket out of it, once all of it was read. */
static void drop_block(struct sim_radix *queue, struct sim_radix_bucket *bucket)
{
	struct sim_radix_block *block = bucket->first;

	bucket->first = block->next;
	bucket->taken = 0;
	block->next = queue->spare;
	queue->spare = block;
}

static void clear_bit(struct sim_radix *queue, unsigned level, unsigned digit)
{
	queue->full[level][digit / 64] &= ~(UINT64_C(1) << digit % 64);
}

/* Now becomes the start of a bucket, whose items go to finer ones. */
static void spread(struct sim_radix *queue, unsigned level, unsigned digit)
{
	struct sim_radix_bucket bucket = queue->buckets[level][digit];

	queue->now_us = start_of(queue, level, digit);
	queue->buckets[level][digit].first = NULL;
	clear_bit(queue, level, digit);
	while (bucket.first) {
		uint32_t count = bucket.first->next ? SIM_RADIX_ITEMS : bucket.filled;

		for (uint32_t i = 0; i < count; i++) {
			append(queue, &bucket.first->items[i]);
			if (level == NEAR_LEVEL && queue->nears)
				queue->nears(queue->context, &bucket.first->items[i]);
		}
		drop_block(queue, &bucket);
	}
}

static void take_first(struct sim_radix *queue, unsigned digit, struct sim_due *item)
{
	struct sim_radix_bucket *bucket = &queue->buckets[0][digit];

	*item = bucket->first->items[bucket->taken++];
	queue->now_us = item->at_us;
	queue->count--;
	if (bucket->taken == (bucket->first->next ? SIM_RADIX_ITEMS : bucket->filled))
		drop_block(queue, bucket);
	if (!bucket->first)
		clear_bit(queue, 0, digit);
}

bool sim_radix_take(struct sim_radix *queue, uint64_t until_us, struct sim_due *item)
{
	for (;;) {
		unsigned level = 0;
		int digit = first_digit(queue, 0);

		while (digit < 0 && ++level < SIM_RADIX_LEVELS)
			digit = first_digit(queue, level);
		if (digit < 0 || start_of(queue, level, (unsigned)digit) >= until_us)
			return false;
		if (level == 0) {
			take_first(queue, (unsigned)digit, item);
			return true;
		}
		spread(queue, level, (unsigned)digit);
	}
}
