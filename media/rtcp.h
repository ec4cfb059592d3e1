/* rtcp.h - RTCP packets as bytes, and when they are sent (RFC 3550 6).  Pure.
 *
 * For two parties with one stream each: one report block at most, one canonical name.
 */
#ifndef MEDIA_RTCP_H
#define MEDIA_RTCP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	MEDIA_CNAME_MAX = 255, /* bytes of a canonical name (RFC 3550 6.5) */
	/* Bytes of what is written here: a sender report, a block, a name up to a whole word, a
	 * goodbye. */
	MEDIA_RTCP_MAX = 28 + 24 + (8 + 2 + MEDIA_CNAME_MAX) / 4 * 4 + 4 + 8,
};

/* What one party says of the other's stream (RFC 3550 6.4.1). */
struct media_rtcp_block {
	uint32_t ssrc;         /* whose stream */
	uint8_t fraction_lost; /* in 256ths, since the report before */
	int32_t lost;          /* 24 bits; negative when packets came twice */
	uint32_t highest;      /* the highest sequence number, extended */
	uint32_t jitter;       /* in samples */
	uint32_t last_report;  /* the middle 32 bits of the NTP time in the last sender report, or 0
				*/
	uint32_t delay;        /* since that report, in 65536ths of a second */
};

struct media_rtcp {
	uint32_t ssrc;  /* of who reports */
	bool is_sender; /* then the next four say something */
	uint64_t ntp;   /* 32 bits of seconds, 32 of a fraction */
	uint32_t timestamp;
	uint32_t packets;
	uint32_t bytes; /* of payload */
	bool has_block;
	struct media_rtcp_block block;
	bool is_bye;
	char cname[MEDIA_CNAME_MAX + 1];
};

/* Reads a compound packet as RFC 3550 A.2 checks it: what is said of the stream `about`, the
 * sender's name, and whether it leaves.  Kinds of packets and of items that are not known are
 * passed over.  -EBADMSG: not RTCP, or cut short. */
int media_rtcp_parse(struct media_rtcp *out, const uint8_t *bytes, size_t length, uint32_t about);

/* Writes a report, the name, and a goodbye if wanted.  `to` has MEDIA_RTCP_MAX bytes.  Returns the
 * length. */
size_t media_rtcp_write(const struct media_rtcp *packet, uint8_t *to);

/* How long until the next report, for a DRAW that is evenly spread over 32 bits.  RFC
 * 3550 6.2, 6.3.1: 5 s, half of it before the first one, times 0.5 to 1.5, by 1.21828.  That two
 * parties with some 130 bytes for each report need a fiftieth of the bandwidth that is RTCP's share
 * of a call, so that the minimum always rules, is why nothing more is computed; with two there is
 * nobody to reconsider for. */
uint64_t media_rtcp_interval_ms(bool is_first, uint32_t draw);

#endif
