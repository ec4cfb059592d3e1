/* path.c - one direction of a wire. */
#include "tests/live/wire/path.h"

#include <assert.h>
#include <string.h>

enum luck { LUCK_LOSS, LUCK_DUPLICATION, LUCK_OVERTAKING, LUCK_JITTER, LUCK_KINDS };

/* SplitMix64 (Steele, Lea and Flood, 2014), entered at any place. */
static uint64_t draw(const struct wire_path *path, enum luck kind)
{
	uint64_t place = path->counts.came * LUCK_KINDS + kind;
	uint64_t bits = path->seed + (place + 1) * 0x9e3779b97f4a7c15;

	bits = (bits ^ bits >> 30) * 0xbf58476d1ce4e5b9;
	bits = (bits ^ bits >> 27) * 0x94d049bb133111eb;
	return bits ^ bits >> 31;
}

static bool happens(const struct wire_path *path, enum luck kind, uint32_t chance)
{
	return draw(path, kind) % WIRE_CERTAIN < chance;
}

void wire_path_init(struct wire_path *path, uint64_t seed)
{
	memset(path, 0, sizeof *path);
	path->seed = seed;
	for (uint16_t i = 0; i < WIRE_PACKETS_MAX; i++)
		path->order[i] = i;
}

/* Of packets that leave at one time the one that came first is first. */
static void enqueue(struct wire_path *path, const void *bytes, size_t size, uint64_t leave_at)
{
	struct wire_packet *packet;
	uint32_t place = 0;
	uint16_t slot;

	if (path->waiting == WIRE_PACKETS_MAX) {
		path->counts.full++;
		return;
	}
	slot = path->order[path->waiting];
	while (place < path->waiting && path->packets[path->order[place]].leave_at > leave_at)
		place++;
	memmove(path->order + place + 1, path->order + place,
		(path->waiting - place) * sizeof *path->order);
	path->order[place] = slot;
	path->waiting++;
	packet = &path->packets[slot];
	packet->leave_at = leave_at;
	packet->size = size;
	memcpy(packet->bytes, bytes, size);
}

void wire_path_put(struct wire_path *path, const void *bytes, size_t size, uint64_t now)
{
	const struct wire_terms *terms = &path->terms;
	bool lost = happens(path, LUCK_LOSS, terms->loss);
	bool twice = happens(path, LUCK_DUPLICATION, terms->duplication);
	bool overtakes = happens(path, LUCK_OVERTAKING, terms->overtaking);
	uint64_t jitter_ns = terms->jitter_ns ? draw(path, LUCK_JITTER) % terms->jitter_ns : 0;
	uint64_t leave_at = now;

	assert(size <= WIRE_PACKET_MAX);
	path->counts.came++;
	if (terms->cut) {
		path->counts.cut++;
		return;
	}
	if (lost) {
		path->counts.lost++;
		return;
	}
	if (overtakes) {
		path->counts.overtook++;
	} else {
		leave_at += terms->delay_ns + jitter_ns;
		if (leave_at < path->last_at)
			leave_at = path->last_at;
		path->last_at = leave_at;
	}
	enqueue(path, bytes, size, leave_at);
	if (twice) {
		path->counts.duplicated++;
		enqueue(path, bytes, size, leave_at);
	}
}

uint64_t wire_path_next_at(const struct wire_path *path)
{
	return path->waiting ? path->packets[path->order[path->waiting - 1]].leave_at : WIRE_NEVER;
}

const struct wire_packet *wire_path_take(struct wire_path *path, uint64_t now)
{
	if (wire_path_next_at(path) > now)
		return NULL;
	path->waiting--;
	path->counts.left++;
	return &path->packets[path->order[path->waiting]];
}
