/* fragments.c - IP packets that were captured in pieces, put together. */
#include "lab/fragments.h"

#include <stdlib.h>
#include <string.h>

enum { PACKET_MAX = 65535, UNIT = 8, UNITS = (PACKET_MAX + UNIT) / UNIT };

/* A packet under way: which units of eight bytes are there, and the length once it is known. */
struct partial {
	struct net_address source, target;
	uint32_t id;
	uint8_t protocol;
	bool used;
	uint64_t touched;
	size_t length; /* 0: the last fragment has not come */
	uint8_t have[UNITS / 8 + 1];
	uint8_t bytes[UNITS * UNIT];
};

struct lab_fragments {
	struct partial partials[LAB_FRAGMENTED_MAX];
	uint64_t count;
};

struct lab_fragments *lab_fragments_create(void)
{
	return calloc(1, sizeof(struct lab_fragments));
}

void lab_fragments_free(struct lab_fragments *fragments)
{
	free(fragments);
}

static struct partial *find_partial(struct lab_fragments *fragments,
				    const struct lab_packet *packet)
{
	struct partial *oldest = &fragments->partials[0];

	for (int i = 0; i < LAB_FRAGMENTED_MAX; i++) {
		struct partial *partial = &fragments->partials[i];

		if (partial->used && partial->id == packet->id &&
		    partial->protocol == packet->protocol &&
		    !net_address_compare(&partial->source, &packet->source) &&
		    !net_address_compare(&partial->target, &packet->target))
			return partial;
		if (!partial->used || partial->touched < oldest->touched)
			oldest = partial;
	}
	memset(oldest, 0, offsetof(struct partial, bytes));
	oldest->used = true;
	oldest->source = packet->source;
	oldest->target = packet->target;
	oldest->id = packet->id;
	oldest->protocol = packet->protocol;
	return oldest;
}

static bool is_whole(const struct partial *partial)
{
	for (size_t unit = 0; unit * UNIT < partial->length; unit++)
		if (!(partial->have[unit / 8] & 1 << unit % 8))
			return false;
	return partial->length != 0;
}

void lab_fragments_take(struct lab_fragments *fragments, struct lab_packet *packet)
{
	struct partial *partial = find_partial(fragments, packet);
	size_t end = packet->offset + packet->length;

	partial->touched = ++fragments->count;
	if (end > PACKET_MAX)
		return;
	memcpy(partial->bytes + packet->offset, packet->bytes, packet->length);
	for (size_t unit = packet->offset / UNIT; unit * UNIT < end; unit++)
		partial->have[unit / 8] |= (uint8_t)(1 << unit % 8);
	if (!packet->more)
		partial->length = end;
	if (!is_whole(partial))
		return;
	partial->used = false;
	lab_packet_decode_payload(packet, partial->bytes, partial->length);
}
