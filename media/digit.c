#include "media/digit.h"

#include <errno.h>
#include <string.h>

#include "media/bytes.h"

/* RFC 4733 3.2: event codes are places in this text. */
static const char events[] = "0123456789*#ABCD";

/* The second byte of a payload: whether the event is over, and its level in -dBm0. */
enum { END = 0x80, VOLUME = 10 };

/* In turns of 20 ms: 100 ms of a digit, of which the last has the end; the end twice more, since
 * all of it may be lost (RFC 4733 2.5.1.4); a pause of 60 ms in all. */
enum { DIGIT_TURNS = 5, REPEAT_TURNS = 2, PAUSE_TURNS = 3 };

int media_digits_add(struct media_digits *digits, const char *text)
{
	size_t length = strlen(text);

	if (strspn(text, events) != length)
		return -EINVAL;
	if (length > MEDIA_DIGITS_MAX - digits->count)
		return -ENOSPC;
	memcpy(digits->waiting + digits->count, text, length);
	digits->count += length;
	return 0;
}

bool media_digits_next(struct media_digits *digits, struct media_digit_packet *packet)
{
	unsigned turn = digits->packets, length = turn < DIGIT_TURNS ? turn + 1 : DIGIT_TURNS;

	if (digits->count == 0)
		return false;
	packet->is_first = turn == 0;
	packet->replaces_audio = turn < DIGIT_TURNS;
	packet->payload[0] = (uint8_t)(strchr(events, digits->waiting[0]) - events);
	packet->payload[1] = VOLUME | (length == DIGIT_TURNS ? END : 0);
	media_put16(packet->payload + 2, (uint16_t)(length * MEDIA_PACKET_SAMPLES));
	if (++digits->packets == DIGIT_TURNS + PAUSE_TURNS) {
		digits->packets = 0;
		digits->count--;
		memmove(digits->waiting, digits->waiting + 1, digits->count);
	}
	return turn < DIGIT_TURNS + REPEAT_TURNS;
}

int media_digit_hear(struct media_digit_ear *ear, const uint8_t *payload, size_t length,
		     uint32_t timestamp)
{
	if (length < MEDIA_DIGIT_PAYLOAD)
		return -EBADMSG;
	/* RFC 4733 2.5.2.2: all packets of an event have its timestamp. */
	if (ear->has_heard && (int32_t)(timestamp - ear->timestamp) <= 0)
		return 0;
	ear->has_heard = true;
	ear->timestamp = timestamp;
	return payload[0] < sizeof(events) - 1 ? events[payload[0]] : 0;
}
