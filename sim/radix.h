/* radix.h - what is going to happen to a million phones, soonest first.
 *
 * A radix queue: an item lies in a bucket by the first byte of its time that differs from now's,
 * and moves to finer ones as time comes near, six times at most.  So putting and taking cost the
 * same whatever the number of items, and far ones are never touched.  What is due at one time comes
 * in the order in which it was put in.
 */
#ifndef SIM_RADIX_H
#define SIM_RADIX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What an item is about is its owner's affair. */
struct sim_due {
	uint64_t at_us;
	uint32_t subject, detail;
};

enum {
	SIM_RADIX_DIGITS = 256,
	SIM_RADIX_LEVELS = 6, /* bytes of a time: 2^48 us are nine years */
	SIM_RADIX_ITEMS = 62, /* of a block, which so takes 1000 bytes */
};

struct sim_radix_block {
	struct sim_radix_block *next;
	struct sim_due items[SIM_RADIX_ITEMS];
};

/* Blocks in order; only the last has room. */
struct sim_radix_bucket {
	struct sim_radix_block *first, *last;
	uint32_t taken, filled; /* items of the first and of the last block */
};

struct sim_radix {
	uint64_t now_us; /* no item is before it */
	size_t count;
	struct sim_radix_block *spare;
	/* Called with each item that comes within SIM_RADIX_NEAR_US, some time before it is due;
	 * NULL: nobody asks. */
	void (*nears)(void *context, const struct sim_due *item);
	void *context;
	uint64_t full[SIM_RADIX_LEVELS][SIM_RADIX_DIGITS / 64]; /* a bit for each bucket */
	struct sim_radix_bucket buckets[SIM_RADIX_LEVELS][SIM_RADIX_DIGITS];
};

enum { SIM_RADIX_NEAR_US = 1 << 16 };

/* An empty queue is a zeroed one, at time 0. */
void sim_radix_free(struct sim_radix *queue);

/* Puts an item in; a time that has passed is now. */
void sim_radix_put(struct sim_radix *queue, struct sim_due item);

/* Takes the first item that is due before UNTIL_US, and makes its time now.  False: there is none,
 * and now is not later than UNTIL_US. */
bool sim_radix_take(struct sim_radix *queue, uint64_t until_us, struct sim_due *item);

#endif
