#include "media/clock.h"

#include "media/media.h"

void media_clock_start(struct media_clock *clock, uint64_t now_ms)
{
	clock->due_at_ms = now_ms;
}

uint64_t media_clock_turn(struct media_clock *clock, uint64_t now_ms)
{
	uint64_t late =
		now_ms > clock->due_at_ms ? (now_ms - clock->due_at_ms) / MEDIA_PACKET_MS : 0;

	if (late <= MEDIA_CLOCK_LATE_MAX)
		late = 0;
	clock->due_at_ms += (late + 1) * MEDIA_PACKET_MS;
	return late;
}
