/* clock.h - when the next 20 ms of audio are due.  Pure. */
#ifndef MEDIA_CLOCK_H
#define MEDIA_CLOCK_H

#include <stdint.h>

/* Turns that are made up for when the loop was late; further ones never happened. */
enum { MEDIA_CLOCK_LATE_MAX = 3 };

struct media_clock {
	uint64_t due_at_ms;
};

/* The first turn is due at once. */
void media_clock_start(struct media_clock *clock, uint64_t now_ms);

/* A turn is taken: the next is due 20 ms after this one was, not after now, so that nothing drifts.
 * Returns how many turns were left out before this one: 0, or, after a sleep, all that were missed;
 * then the next is due 20 ms from now. */
uint64_t media_clock_turn(struct media_clock *clock, uint64_t now_ms);

#endif
