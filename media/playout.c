#include "media/playout.h"

#include <spandsp.h>
#include <speex/speex_jitter.h>
#include <stdlib.h>
#include <string.h>

enum {
	/* Audio that was taken out of the buffer ahead of time.  A packet may begin late in the
	 * step that was asked for, and the buffer may ask for a longer delay. */
	READY_MAX = 8 * MEDIA_PACKET_SAMPLES,
	/* A gap that is longer is an end.  Speexdsp begins anew after as many steps, too. */
	GAP_MAX = 400 * MEDIA_RATE / 1000,
};

struct media_playout {
	JitterBuffer *jitter;
	plc_state_t *concealment;
	int16_t ready[READY_MAX];
	size_t ready_count;
	size_t gap; /* samples made up in a row */
};

struct media_playout *media_playout_new(void)
{
	struct media_playout *playout = calloc(1, sizeof(*playout));

	if (playout == NULL)
		return NULL;
	playout->jitter = jitter_buffer_init(MEDIA_PLAYOUT_STEP);
	playout->concealment = plc_init(NULL);
	playout->gap = GAP_MAX;
	if (playout->jitter == NULL || playout->concealment == NULL) {
		media_playout_free(playout);
		return NULL;
	}
	return playout;
}

void media_playout_free(struct media_playout *playout)
{
	if (playout == NULL)
		return;
	if (playout->jitter != NULL)
		jitter_buffer_destroy(playout->jitter);
	if (playout->concealment != NULL)
		plc_free(playout->concealment);
	free(playout);
}

void media_playout_reset(struct media_playout *playout)
{
	jitter_buffer_reset(playout->jitter);
	playout->ready_count = 0;
	playout->gap = GAP_MAX;
}

void media_playout_put(struct media_playout *playout, const int16_t *samples, size_t count,
		       uint32_t timestamp)
{
	int16_t step[MEDIA_PLAYOUT_STEP];

	for (size_t at = 0; at < count; at += MEDIA_PLAYOUT_STEP) {
		JitterBufferPacket packet = {
			.data = (char *)step,
			.len = sizeof(step),
			.timestamp = timestamp + (uint32_t)at,
			.span = MEDIA_PLAYOUT_STEP,
		};

		memcpy(step, samples + at, sizeof(step));
		jitter_buffer_put(playout->jitter, &packet);
	}
}

/* Makes up COUNT samples, as far as there is room.  Returns how many of them count as lost. */
static size_t conceal(struct media_playout *playout, size_t count)
{
	size_t room = READY_MAX - playout->ready_count;
	size_t lost;

	if (count > room)
		count = room;
	plc_fillin(playout->concealment, playout->ready + playout->ready_count, (int)count);
	playout->ready_count += count;
	lost = playout->gap < GAP_MAX ? count : 0;
	playout->gap += count;
	return lost;
}

static void play(struct media_playout *playout, int16_t *samples, size_t count)
{
	size_t room = READY_MAX - playout->ready_count;

	if (count > room)
		count = room;
	plc_rx(playout->concealment, samples, (int)count);
	memcpy(playout->ready + playout->ready_count, samples, count * sizeof(*samples));
	playout->ready_count += count;
	playout->gap = 0;
}

/* Takes about one step out of the buffer.  Returns how much of it was lost. */
static size_t take_step(struct media_playout *playout)
{
	int16_t step[MEDIA_PLAYOUT_STEP];
	JitterBufferPacket packet = {.data = (char *)step, .len = sizeof(step)};
	spx_int32_t offset = 0;
	size_t lost = 0, skipped = 0;

	if (jitter_buffer_get(playout->jitter, &packet, MEDIA_PLAYOUT_STEP, &offset) !=
	    JITTER_BUFFER_OK)
		return conceal(playout, packet.span > 0 ? packet.span : MEDIA_PLAYOUT_STEP);
	/* It begins later than what was asked for, or began earlier. */
	if (offset > 0)
		lost = conceal(playout, (size_t)offset);
	else if (offset < 0)
		skipped = (size_t)-offset < MEDIA_PLAYOUT_STEP ? (size_t)-offset : 0;
	play(playout, step + skipped, MEDIA_PLAYOUT_STEP - skipped);
	return lost;
}

size_t media_playout_take(struct media_playout *playout, int16_t *samples)
{
	size_t lost = 0;

	while (playout->ready_count < MEDIA_PACKET_SAMPLES)
		lost += take_step(playout);
	memcpy(samples, playout->ready, MEDIA_PACKET_SAMPLES * sizeof(*samples));
	playout->ready_count -= MEDIA_PACKET_SAMPLES;
	memmove(playout->ready, playout->ready + MEDIA_PACKET_SAMPLES,
		playout->ready_count * sizeof(*samples));
	jitter_buffer_remaining_span(playout->jitter, (spx_uint32_t)playout->ready_count);
	return lost;
}
