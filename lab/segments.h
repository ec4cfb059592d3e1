/* segments.h - the bytes of captured TCP connections, put in order.
 *
 * One direction of one connection is a flow.  Segments that come twice are dropped, those that come
 * early wait for what is before them; where a capture lost a segment the flow starts again behind
 * the gap.  Flows and what they keep are bounded.
 */
#ifndef LAB_SEGMENTS_H
#define LAB_SEGMENTS_H

#include "lab/packet.h"

enum {
	LAB_FLOWS_MAX = 4096,         /* at one time; the one that was idle longest goes */
	LAB_FLOW_BYTES_MAX = 1 << 18, /* kept of a flow: a few messages */
	LAB_FLOW_WAITING_MAX = 64,    /* segments that came early */
};

struct lab_segments;

struct lab_segments *lab_segments_create(void); /* NULL: no memory */
void lab_segments_free(struct lab_segments *segments);

/* What of a flow can be read: BYTES, of which the reader takes USED. */
struct lab_flow_bytes {
	const char *at;
	size_t length;
};

/* Takes a TCP segment.  Returns the unread bytes of its flow, none if nothing new can be read. */
struct lab_flow_bytes lab_segments_take(struct lab_segments *segments,
					const struct lab_packet *packet);

/* The reader has used so many of the bytes that lab_segments_take() gave for PACKET's flow. */
void lab_segments_use(struct lab_segments *segments, const struct lab_packet *packet, size_t used);

#endif
