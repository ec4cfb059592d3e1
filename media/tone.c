#include "media/tone.h"

#include <spandsp.h>
#include <stdlib.h>

#include "media/media.h"

enum {
	LEVEL_DBM0 = -10,
	WINDOW = MEDIA_TONE_WINDOW_MS * MEDIA_RATE / 1000, /* samples */
};

/* Of a window: quieter is silence, whatever it is made of (16-bit amplitude of about 100). */
static const double energy_min = 100.0 * 100.0 * WINDOW;

/* What share of a window's energy makes it the tone.  G.711's own noise is below a thousandth. */
static const double share_min = 0.8;

/* ---- made ---- */

struct media_tone {
	tone_gen_state_t *state;
};

struct media_tone *media_tone_new(unsigned hz)
{
	/* One second on, none off, for ever; no second tone. */
	tone_gen_descriptor_t *cadence =
		tone_gen_descriptor_init(NULL, (int)hz, LEVEL_DBM0, 0, 0, 1000, 0, 0, 0, true);
	struct media_tone *tone = calloc(1, sizeof(*tone));

	if (tone != NULL && cadence != NULL)
		tone->state = tone_gen_init(NULL, cadence);
	if (cadence != NULL)
		tone_gen_descriptor_free(cadence);
	if (tone != NULL && tone->state == NULL) {
		free(tone);
		return NULL;
	}
	return tone;
}

void media_tone_free(struct media_tone *tone)
{
	if (tone == NULL)
		return;
	tone_gen_free(tone->state);
	free(tone);
}

void media_tone_make(struct media_tone *tone, int16_t *samples, size_t count)
{
	tone_gen(tone->state, samples, (int)count);
}

/* ---- recognised ---- */

struct media_tone_ear {
	goertzel_state_t *filter;
	double energy; /* of the window so far */
	unsigned samples;
	uint64_t heard_ms;
	bool hears;
};

struct media_tone_ear *media_tone_ear_new(unsigned hz)
{
	struct media_tone_ear *ear = calloc(1, sizeof(*ear));
	goertzel_descriptor_t descriptor;

	if (ear == NULL)
		return NULL;
	make_goertzel_descriptor(&descriptor, (float)hz, WINDOW);
	ear->filter = goertzel_init(NULL, &descriptor);
	if (ear->filter == NULL) {
		free(ear);
		return NULL;
	}
	return ear;
}

void media_tone_ear_free(struct media_tone_ear *ear)
{
	if (ear == NULL)
		return;
	goertzel_free(ear->filter);
	free(ear);
}

/* A pure tone of energy E in N samples gives a result of E * N / 2. */
static void judge_window(struct media_tone_ear *ear)
{
	double share = (double)goertzel_result(ear->filter) * 2 / (ear->energy * WINDOW);

	ear->hears = ear->energy >= energy_min && share >= share_min;
	if (ear->hears)
		ear->heard_ms += MEDIA_TONE_WINDOW_MS;
	goertzel_reset(ear->filter);
	ear->energy = 0;
	ear->samples = 0;
}

void media_tone_ear_hear(struct media_tone_ear *ear, const int16_t *samples, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		goertzel_sample(ear->filter, samples[i]);
		ear->energy += (double)samples[i] * samples[i];
		if (++ear->samples == WINDOW)
			judge_window(ear);
	}
}

uint64_t media_tone_ear_heard_ms(const struct media_tone_ear *ear)
{
	return ear->heard_ms;
}

bool media_tone_ear_hears(const struct media_tone_ear *ear)
{
	return ear->hears;
}
