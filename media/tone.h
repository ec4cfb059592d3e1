/* tone.h - one steady tone: made, and recognised by its share of what is heard.
 *
 * With it a program at one end of a call knows that the other end's audio arrives.
 *
 * Ownership  *_new() gives an object, or NULL without memory; the caller frees it with *_free(),
 *            which takes NULL.
 */
#ifndef MEDIA_TONE_H
#define MEDIA_TONE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	MEDIA_TONE_HZ_MIN = 100,
	MEDIA_TONE_HZ_MAX = 3800,
	MEDIA_TONE_WINDOW_MS = 50, /* of audio that is judged at once: resolves 20 Hz */
};

struct media_tone;
struct media_tone_ear;

/* A tone of HZ (MEDIA_TONE_HZ_MIN..MAX) at -10 dBm0. */
struct media_tone *media_tone_new(unsigned hz);
void media_tone_free(struct media_tone *tone);

/* The next COUNT samples of it. */
void media_tone_make(struct media_tone *tone, int16_t *samples, size_t count);

/* Listens for a tone of HZ. */
struct media_tone_ear *media_tone_ear_new(unsigned hz);
void media_tone_ear_free(struct media_tone_ear *ear);

/* Hears COUNT samples more. */
void media_tone_ear_hear(struct media_tone_ear *ear, const int16_t *samples, size_t count);

/* Milliseconds so far in which most of what was heard was the tone: whole windows. */
uint64_t media_tone_ear_heard_ms(const struct media_tone_ear *ear);

/* The last whole window was the tone. */
bool media_tone_ear_hears(const struct media_tone_ear *ear);

#endif
