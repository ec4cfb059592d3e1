/* path.h - one direction of a wire: when each packet leaves it, and whether it does.
 *
 * No socket and no clock: times are nanoseconds of any one clock that never goes back.  A packet's
 * luck depends on the seed and on its number alone, so the same ones are lost whatever else is set.
 */
#ifndef WIRE_PATH_H
#define WIRE_PATH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	WIRE_PACKETS_MAX = 1024, /* on their way; what comes then is dropped, as by a full queue */
	WIRE_PACKET_MAX = 2048,  /* bytes */
	WIRE_CERTAIN = 1000000,  /* in millionths */
};

#define WIRE_NEVER UINT64_MAX

/* What a path does to packets that come from now on.  Chances are millionths. */
struct wire_terms {
	uint64_t delay_ns, jitter_ns; /* each takes the delay, and up to so much more */
	uint32_t loss, duplication;
	uint32_t overtaking; /* it takes no time, and passes those on their way; no other does */
	bool cut;            /* nothing comes in; what is on its way arrives */
};

struct wire_counts {
	uint64_t came, lost, cut, full, duplicated, overtook, left;
};

struct wire_packet {
	uint64_t leave_at;
	size_t size;
	uint8_t bytes[WIRE_PACKET_MAX];
};

/* Too large for a stack. */
struct wire_path {
	struct wire_terms terms; /* the caller's to change */
	struct wire_counts counts;
	uint64_t seed;
	uint64_t last_at; /* no packet that keeps its turn leaves before it */
	struct wire_packet packets[WIRE_PACKETS_MAX];
	uint16_t order[WIRE_PACKETS_MAX]; /* all of them: those on their way, the next one last;
					     then free ones */
	uint32_t waiting;
};

/* An empty path without terms.  Two paths of one seed have the same luck: give them two. */
void wire_path_init(struct wire_path *path, uint64_t seed);

/* Takes a packet of SIZE bytes, at most WIRE_PACKET_MAX, in. */
void wire_path_put(struct wire_path *path, const void *bytes, size_t size, uint64_t now);

/* When the next packet leaves; WIRE_NEVER: none is on its way. */
uint64_t wire_path_next_at(const struct wire_path *path);

/* The next packet that has left by NOW, valid until the next call; NULL: none has. */
const struct wire_packet *wire_path_take(struct wire_path *path, uint64_t now);

#endif
