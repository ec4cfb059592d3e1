#include "media/playout.h"

#include <spandsp.h>
#include <speex/speex_jitter.h>
#include <stdlib.h>
#include <string.h>

enum {
	/* Audio that was taken out of the buffer, or made up, ahead of time: the buffer may ask
	 * for a longer delay. */
	READY_MAX = 8 * MEDIA_PACKET_SAMPLES,
	/* A timestamp that jumps so far belongs to nothing that waits. */
	JUMP_MAX = 10 * MEDIA_RATE,
	/* A gap that is longer is an end. */
	GAP_MAX = 400 * MEDIA_RATE / 1000,
};

struct media_playout {
	JitterBuffer *jitter;
	plc_state_t *concealment;
	bool is_concealing;               /* the last step was made up */
	int16_t history[PLC_HISTORY_LEN]; /* what was played last */
	int16_t ready[READY_MAX];
	size_t ready_count;
	size_t gap;         /* samples made up in a row */
	bool has_timestamp; /* since the last reset */
	uint32_t timestamp; /* of the last packet put, a number of steps after those before it */
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
	playout->has_timestamp = false;
}

static int32_t whole_steps(int32_t samples)
{
	int32_t past = samples % MEDIA_PLAYOUT_STEP;

	return samples - (past < 0 ? past + MEDIA_PLAYOUT_STEP : past);
}

/* The timestamp, moved by less than a step so that it is a number of steps from those before it:
 * what lies askew speexdsp plays in pieces, with a warning to the standard error output for each.
 */
static uint32_t align(struct media_playout *playout, uint32_t timestamp)
{
	int32_t ahead = (int32_t)(timestamp - playout->timestamp);

	if (!playout->has_timestamp || ahead > JUMP_MAX || ahead < -JUMP_MAX) {
		media_playout_reset(playout);
		ahead = 0;
		playout->has_timestamp = true;
		playout->timestamp = timestamp;
	}
	playout->timestamp += (uint32_t)whole_steps(ahead);
	return playout->timestamp;
}

void media_playout_put(struct media_playout *playout, const int16_t *samples, size_t count,
		       uint32_t timestamp)
{
	uint32_t first = align(playout, timestamp);
	int16_t step[MEDIA_PLAYOUT_STEP];

	for (size_t at = 0; at < count; at += MEDIA_PLAYOUT_STEP) {
		JitterBufferPacket packet = {
			.data = (char *)step,
			.len = sizeof(step),
			.timestamp = first + (uint32_t)at,
			.span = MEDIA_PLAYOUT_STEP,
		};

		memcpy(step, samples + at, sizeof(step));
		jitter_buffer_put(playout->jitter, &packet);
	}
}

static void remember(struct media_playout *playout, const int16_t *samples, size_t count)
{
	size_t kept = count < PLC_HISTORY_LEN ? PLC_HISTORY_LEN - count : 0;

	memmove(playout->history, playout->history + PLC_HISTORY_LEN - kept,
		kept * sizeof(*samples));
	memcpy(playout->history + kept, samples + count - (PLC_HISTORY_LEN - kept),
	       (PLC_HISTORY_LEN - kept) * sizeof(*samples));
}

/* Spandsp 0.0.6 keeps what was played in a ring, and when a gap begins turns it to its start with a
 * memcpy() that overlaps.  Told the whole of it anew just before, it has nothing to turn. */
static void begin_gap(struct media_playout *playout)
{
	if (!playout->is_concealing)
		plc_rx(playout->concealment, playout->history, PLC_HISTORY_LEN);
	playout->is_concealing = true;
}

/* Makes up COUNT samples, as far as there is room.  Returns how many of them count as lost. */
static size_t conceal(struct media_playout *playout, size_t count)
{
	size_t room = READY_MAX - playout->ready_count;
	size_t lost;

	if (count > room)
		count = room;
	begin_gap(playout);
	plc_fillin(playout->concealment, playout->ready + playout->ready_count, (int)count);
	remember(playout, playout->ready + playout->ready_count, count);
	playout->ready_count += count;
	lost = playout->gap < GAP_MAX ? count : 0;
	playout->gap += count;
	return lost;
}

static void play(struct media_playout *playout, int16_t *step)
{
	plc_rx(playout->concealment, step, MEDIA_PLAYOUT_STEP);
	playout->is_concealing = false;
	remember(playout, step, MEDIA_PLAYOUT_STEP);
	memcpy(playout->ready + playout->ready_count, step, MEDIA_PLAYOUT_STEP * sizeof(*step));
	playout->ready_count += MEDIA_PLAYOUT_STEP;
	playout->gap = 0;
}

/* Takes a step out of the buffer.  Returns how many samples were lost. */
static size_t take_step(struct media_playout *playout)
{
	int16_t step[MEDIA_PLAYOUT_STEP];
	JitterBufferPacket packet = {.data = (char *)step, .len = sizeof(step)};
	spx_int32_t offset;

	if (jitter_buffer_get(playout->jitter, &packet, MEDIA_PLAYOUT_STEP, &offset) !=
	    JITTER_BUFFER_OK)
		return conceal(playout, packet.span > 0 ? packet.span : MEDIA_PLAYOUT_STEP);
	play(playout, step);
	return 0;
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
