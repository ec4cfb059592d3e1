/* digit.h - digits as telephone-event packets (RFC 4733).  Pure. */
#ifndef MEDIA_DIGIT_H
#define MEDIA_DIGIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "media/media.h"

enum { MEDIA_DIGIT_PAYLOAD = 4 }; /* bytes */

/* ---- sending ---- */

/* Zeroed at first. */
struct media_digits {
	char waiting[MEDIA_DIGITS_MAX]; /* the first is the one under way */
	size_t count;
	unsigned packets; /* of the first: how many were due so far, its pause among them */
};

/* -EINVAL: a character is no digit; -ENOSPC: too many would wait. */
int media_digits_add(struct media_digits *digits, const char *text);

/* What goes out in one turn of 20 ms. */
struct media_digit_packet {
	bool is_first;       /* it has the marker, and the event's timestamp is this turn's */
	bool replaces_audio; /* else it goes out beside the turn's audio: it repeats the end */
	uint8_t payload[MEDIA_DIGIT_PAYLOAD];
};

/* One turn more.  False: no digit in it. */
bool media_digits_next(struct media_digits *digits, struct media_digit_packet *packet);

/* ---- receiving ---- */

/* Zeroed at first, and when a new stream begins. */
struct media_digit_ear {
	bool has_heard;
	uint32_t timestamp; /* of the last event */
};

/* The digit that this packet begins; 0 if it goes on with one, is late, or is no digit's.
 * -EBADMSG: cut short. */
int media_digit_hear(struct media_digit_ear *ear, const uint8_t *payload, size_t length,
		     uint32_t timestamp);

#endif
