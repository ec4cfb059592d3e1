/* speaker.h - what a session says: silence, a tone, a file. */
#ifndef MEDIA_SPEAKER_H
#define MEDIA_SPEAKER_H

#include "media/media.h"
#include "media/tone.h"
#include "media/wav.h"

/* Zeroed, it is silent. */
struct media_speaker {
	enum media_source_kind kind;
	bool loops;
	struct media_tone *tone;
	struct media_wav_reader *wav;
};

/* Errors as media_set_source(); the speaker goes on as before then. */
int media_speaker_set(struct media_speaker *speaker, const struct media_source *source);

void media_speaker_clear(struct media_speaker *speaker);

/* The next MEDIA_PACKET_SAMPLES.  True: with them a file ended, and silence follows. */
bool media_speaker_read(struct media_speaker *speaker, int16_t *samples);

#endif
