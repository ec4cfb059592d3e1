/* segments.c - the bytes of captured TCP connections, put in order. */
#include "lab/segments.h"

#include <stdlib.h>
#include <string.h>

/* A segment that waits for the bytes before it. */
struct waiting {
	uint32_t sequence;
	size_t length;
	uint8_t *bytes;
};

struct flow {
	struct net_address source, target;
	uint64_t touched; /* counts segments: the least one is the oldest flow */
	bool open;        /* `next` is known */
	uint32_t next;    /* the sequence number that comes next */
	char *bytes;      /* read in order, not used yet */
	size_t length;
	struct waiting waiting[LAB_FLOW_WAITING_MAX];
	size_t waiting_count;
};

struct lab_segments {
	struct flow *flows;
	size_t count;
	uint64_t segments;
};

struct lab_segments *lab_segments_create(void)
{
	struct lab_segments *segments = calloc(1, sizeof *segments);

	if (segments)
		segments->flows = calloc(LAB_FLOWS_MAX, sizeof *segments->flows);
	if (segments && !segments->flows) {
		free(segments);
		return NULL;
	}
	return segments;
}

static void drop_waiting(struct flow *flow)
{
	for (size_t i = 0; i < flow->waiting_count; i++)
		free(flow->waiting[i].bytes);
	flow->waiting_count = 0;
}

static void clear_flow(struct flow *flow)
{
	drop_waiting(flow);
	free(flow->bytes);
	*flow = (struct flow){0};
}

void lab_segments_free(struct lab_segments *segments)
{
	if (!segments)
		return;
	for (size_t i = 0; i < segments->count; i++)
		clear_flow(&segments->flows[i]);
	free(segments->flows);
	free(segments);
}

static struct flow *find_flow(const struct lab_segments *segments, const struct lab_packet *packet)
{
	for (size_t i = 0; i < segments->count; i++) {
		struct flow *flow = &segments->flows[i];

		if (!net_address_compare(&flow->source, &packet->source) &&
		    !net_address_compare(&flow->target, &packet->target))
			return flow;
	}
	return NULL;
}

static struct flow *add_flow(struct lab_segments *segments, const struct lab_packet *packet)
{
	struct flow *flow = &segments->flows[0];

	if (segments->count < LAB_FLOWS_MAX) {
		flow = &segments->flows[segments->count++];
	} else {
		for (size_t i = 1; i < segments->count; i++)
			if (segments->flows[i].touched < flow->touched)
				flow = &segments->flows[i];
		clear_flow(flow);
	}
	flow->source = packet->source;
	flow->target = packet->target;
	return flow;
}

/* Bytes that come next; a flow that nobody reads starts again, empty. */
static void append(struct flow *flow, const uint8_t *bytes, size_t length)
{
	char *grown;

	flow->next += (uint32_t)length;
	if (length > LAB_FLOW_BYTES_MAX - flow->length) {
		flow->length = 0;
		return;
	}
	grown = realloc(flow->bytes, flow->length + length);
	if (!grown)
		return;
	memcpy(grown + flow->length, bytes, length);
	flow->bytes = grown;
	flow->length += length;
}

/* How far SEQUENCE is ahead of what comes next; negative: it is behind (RFC 793 3.3). */
static int32_t ahead(const struct flow *flow, uint32_t sequence)
{
	return (int32_t)(sequence - flow->next);
}

/* Takes what is new of a segment that does not leave a gap. */
static void take_bytes(struct flow *flow, uint32_t sequence, const uint8_t *bytes, size_t length)
{
	size_t old = (size_t) - (int64_t)ahead(flow, sequence);

	if (length > old)
		append(flow, bytes + old, length - old);
}

/* What had come early and now can be read. */
static void take_waiting(struct flow *flow)
{
	size_t i = 0;

	while (i < flow->waiting_count) {
		struct waiting waiting = flow->waiting[i];

		if (ahead(flow, waiting.sequence) > 0) {
			i++;
			continue;
		}
		flow->waiting[i] = flow->waiting[--flow->waiting_count];
		take_bytes(flow, waiting.sequence, waiting.bytes, waiting.length);
		free(waiting.bytes);
		i = 0;
	}
}

/* The capture lost a segment: what was read before the gap is half a message. */
static void jump_gap(struct flow *flow)
{
	uint32_t nearest = flow->waiting[0].sequence;

	for (size_t i = 1; i < flow->waiting_count; i++)
		if ((int32_t)(flow->waiting[i].sequence - nearest) < 0)
			nearest = flow->waiting[i].sequence;
	flow->next = nearest;
	flow->length = 0;
	take_waiting(flow);
}

static void keep_early(struct flow *flow, const struct lab_packet *packet)
{
	struct waiting *waiting = &flow->waiting[flow->waiting_count];

	waiting->bytes = malloc(packet->length);
	if (!waiting->bytes)
		return;
	memcpy(waiting->bytes, packet->bytes, packet->length);
	waiting->sequence = packet->sequence;
	waiting->length = packet->length;
	if (++flow->waiting_count == LAB_FLOW_WAITING_MAX)
		jump_gap(flow);
}

struct lab_flow_bytes lab_segments_take(struct lab_segments *segments,
					const struct lab_packet *packet)
{
	struct flow *flow = find_flow(segments, packet);
	size_t before;

	if (!flow)
		flow = add_flow(segments, packet);
	flow->touched = ++segments->segments;
	if (packet->flags & LAB_TCP_SYN || !flow->open) {
		drop_waiting(flow);
		flow->length = 0;
		flow->open = true;
		flow->next = packet->sequence + (packet->flags & LAB_TCP_SYN ? 1 : 0);
	}
	before = flow->length;
	if (packet->length && ahead(flow, packet->sequence) > 0)
		keep_early(flow, packet);
	else if (packet->length)
		take_bytes(flow, packet->sequence, packet->bytes, packet->length);
	take_waiting(flow);
	if (flow->length == before)
		return (struct lab_flow_bytes){0};
	return (struct lab_flow_bytes){flow->bytes, flow->length};
}

void lab_segments_use(struct lab_segments *segments, const struct lab_packet *packet, size_t used)
{
	struct flow *flow = find_flow(segments, packet);

	if (!flow || used > flow->length)
		return;
	memmove(flow->bytes, flow->bytes + used, flow->length - used);
	flow->length -= used;
}
