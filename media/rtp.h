/* rtp.h - RTP packets as bytes (RFC 3550 5.1).  Pure. */
#ifndef MEDIA_RTP_H
#define MEDIA_RTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { MEDIA_RTP_HEADER = 12, MEDIA_RTP_PAYLOAD_TYPE_MAX = 127 };

struct media_rtp {
	bool marker;
	uint8_t payload_type;
	uint16_t sequence;
	uint32_t timestamp;
	uint32_t ssrc;
	const uint8_t *payload; /* in the packet that was read */
	size_t length;          /* of the payload */
};

/* Reads a packet; contributing sources, a header extension and padding are passed over.
 * -EBADMSG: not RTP, or cut short. */
int media_rtp_parse(struct media_rtp *out, const uint8_t *bytes, size_t length);

/* Writes header and payload to `to`, which has room for MEDIA_RTP_HEADER and the payload.  Returns
 * the packet's length. */
size_t media_rtp_write(const struct media_rtp *packet, uint8_t *to);

#endif
