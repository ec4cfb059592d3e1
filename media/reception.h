/* reception.h - what came of a stream: order, losses, jitter (RFC 3550 A.1, A.3, A.8).  Pure. */
#ifndef MEDIA_RECEPTION_H
#define MEDIA_RECEPTION_H

#include <stdbool.h>
#include <stdint.h>

#include "media/rtcp.h"
#include "media/rtp.h"

enum media_reception_verdict {
	MEDIA_RECEPTION_OF_STREAM,  /* the stream's next, or one that was overtaken */
	MEDIA_RECEPTION_REPEATED,   /* one that came before, or more than 63 later ones did */
	MEDIA_RECEPTION_NEW_STREAM, /* the first of a stream: what waits of the one before is void
				     */
	MEDIA_RECEPTION_PROBATION,  /* perhaps the first of another stream: not to be played */
};

/* Zeroed at first. */
struct media_reception {
	bool has_stream; /* false, too, after it ended; then the rest says what became of it */
	uint32_t ssrc;
	uint32_t base;    /* its first sequence number */
	uint32_t highest; /* extended by how often the numbers began again */
	uint64_t seen;    /* bit N: highest less N came */
	uint64_t received;
	uint32_t jitter_16; /* in 16ths of a sample */
	uint32_t transit;   /* of the packet before: arrival less timestamp */

	/* What the last report counted up to. */
	uint64_t expected_prior, received_prior;

	/* Another stream, or a jump, that one packet announced; a second one in a row proves it. */
	bool has_candidate;
	uint32_t candidate_ssrc;
	uint16_t candidate_next;
};

/* A packet came, ARRIVAL on a clock of samples.  The timestamp of one without audio says nothing of
 * the jitter: telephone-event's stands still (RFC 4733 2.2).  The first stream is believed at once,
 * since its source was checked; a change of SSRC or a jump in the numbers only by two packets in a
 * row. */
enum media_reception_verdict media_reception_take(struct media_reception *reception,
						  const struct media_rtp *packet, uint32_t arrival,
						  bool is_audio);

/* Packets of the present stream that did not come; negative when some came twice. */
int64_t media_reception_lost(const struct media_reception *reception);

/* In samples. */
uint32_t media_reception_jitter(const struct media_reception *reception);

/* Fills the part of a report block that is known here, and begins the next interval. */
void media_reception_report(struct media_reception *reception, struct media_rtcp_block *block);

#endif
