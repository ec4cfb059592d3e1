#include "media/rtp.h"

#include <errno.h>
#include <string.h>

#include "media/bytes.h"

/* The first byte: two bits of version, padding, extension, four bits of how many contributing
 * sources.  The second: marker, then the payload type. */
enum { VERSION = 2, VERSION_SHIFT = 6, PADDING = 0x20, EXTENSION = 0x10, SOURCES = 0x0f };
enum { MARKER = 0x80 };

int media_rtp_parse(struct media_rtp *out, const uint8_t *bytes, size_t length)
{
	size_t start = MEDIA_RTP_HEADER, end = length;

	if (length < MEDIA_RTP_HEADER || bytes[0] >> VERSION_SHIFT != VERSION)
		return -EBADMSG;
	start += 4 * (size_t)(bytes[0] & SOURCES);
	if (bytes[0] & EXTENSION) {
		if (start + 4 > length)
			return -EBADMSG;
		start += 4 + 4 * (size_t)media_get16(bytes + start + 2);
	}
	/* RFC 3550 5.1: the last byte of the padding counts it, itself among it. */
	if (bytes[0] & PADDING) {
		size_t padding = bytes[length - 1];

		if (padding == 0 || padding > length)
			return -EBADMSG;
		end -= padding;
	}
	if (start > end)
		return -EBADMSG;
	*out = (struct media_rtp){
		.marker = (bytes[1] & MARKER) != 0,
		.payload_type = bytes[1] & MEDIA_RTP_PAYLOAD_TYPE_MAX,
		.sequence = media_get16(bytes + 2),
		.timestamp = media_get32(bytes + 4),
		.ssrc = media_get32(bytes + 8),
		.payload = bytes + start,
		.length = end - start,
	};
	return 0;
}

size_t media_rtp_write(const struct media_rtp *packet, uint8_t *to)
{
	to[0] = VERSION << VERSION_SHIFT;
	to[1] = (uint8_t)((packet->marker ? MARKER : 0) | packet->payload_type);
	media_put16(to + 2, packet->sequence);
	media_put32(to + 4, packet->timestamp);
	media_put32(to + 8, packet->ssrc);
	memcpy(to + MEDIA_RTP_HEADER, packet->payload, packet->length);
	return MEDIA_RTP_HEADER + packet->length;
}
