/* draw.h - how a tale is put together: the parts that tale_draw() is made of. */
#ifndef TESTS_SWARM_DRAW_H
#define TESTS_SWARM_DRAW_H

#include "tests/engine/dice.h"
#include "tests/swarm/tale.h"

enum { DRAW_LINES_MAX = 8, DRAW_ZONES_MAX = 3, DRAW_SERVERS_MAX = 16 };

struct draw {
	struct tale *tale;
	struct dice dice;
	enum tale_kind kind; /* of the lines that are being added ... */
	kl_ms at;            /* ... their time, and the device's line that they speak of */
	uint32_t device_line;
	uint32_t lines, zones, servers;
	kl_ms bound_ms;   /* until all must be well again after the heal */
	kl_ms longest_ms; /* the longest request */
	kl_ms heals_at;
};

/* Adds a line. */
void draw_say(struct draw *draw, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* One in SIDES. */
static inline bool draw_chance(struct draw *draw, uint32_t sides)
{
	return dice_roll(&draw->dice, sides) == 0;
}

/* The device: profile, values, lines and entries, what the phone can do.  Sets `bound_ms`. */
void draw_device(struct draw *draw);

/* Servers and names, as they are when all is well. */
void draw_servers(struct draw *draw);
void draw_names(struct draw *draw);

/* What goes wrong, and what the user does, until `heals_at`. */
void draw_faults(struct draw *draw);
void draw_events(struct draw *draw);

#endif
