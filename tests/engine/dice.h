/* dice.h - random numbers for tests: the same on every machine. */
#ifndef TESTS_DICE_H
#define TESTS_DICE_H

#include <stdint.h>

struct dice {
	uint64_t state; /* never 0 */
};

static inline struct dice dice_of(uint64_t seed)
{
	return (struct dice){seed * UINT64_C(0x9e3779b97f4a7c15) + 1};
}

/* xorshift64*: 0 to SIDES - 1. */
static inline uint32_t dice_roll(struct dice *dice, uint32_t sides)
{
	dice->state ^= dice->state >> 12;
	dice->state ^= dice->state << 25;
	dice->state ^= dice->state >> 27;
	return (uint32_t)(dice->state * UINT64_C(2685821657736338717) >> 33) % sides;
}

/* LEAST to MOST, both included. */
static inline uint32_t dice_between(struct dice *dice, uint32_t least, uint32_t most)
{
	return least + dice_roll(dice, most - least + 1);
}

#endif
