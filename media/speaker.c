#include "media/speaker.h"

#include <errno.h>
#include <string.h>

int media_speaker_set(struct media_speaker *speaker, const struct media_source *source)
{
	struct media_speaker next = {.kind = source->kind, .loops = source->loops};
	int error = 0;

	switch (source->kind) {
	case MEDIA_SILENCE:
		break;
	case MEDIA_TONE:
		if (source->hz < MEDIA_TONE_HZ_MIN || source->hz > MEDIA_TONE_HZ_MAX)
			return -EINVAL;
		next.tone = media_tone_new(source->hz);
		error = next.tone == NULL ? -ENOMEM : 0;
		break;
	case MEDIA_WAV:
		error = media_wav_open(&next.wav, source->path);
		break;
	}
	if (error != 0)
		return error;
	media_speaker_clear(speaker);
	*speaker = next;
	return 0;
}

void media_speaker_clear(struct media_speaker *speaker)
{
	media_tone_free(speaker->tone);
	media_wav_close(speaker->wav);
	*speaker = (struct media_speaker){0};
}

static bool read_file(struct media_speaker *speaker, int16_t *samples)
{
	size_t count = 0;

	for (;;) {
		count +=
			media_wav_read(speaker->wav, samples + count, MEDIA_PACKET_SAMPLES - count);
		if (count == MEDIA_PACKET_SAMPLES)
			return false;
		if (!speaker->loops || !media_wav_rewind(speaker->wav))
			break;
	}
	memset(samples + count, 0, (MEDIA_PACKET_SAMPLES - count) * sizeof(*samples));
	media_speaker_clear(speaker);
	return true;
}

bool media_speaker_read(struct media_speaker *speaker, int16_t *samples)
{
	switch (speaker->kind) {
	case MEDIA_SILENCE:
		break;
	case MEDIA_TONE:
		media_tone_make(speaker->tone, samples, MEDIA_PACKET_SAMPLES);
		return false;
	case MEDIA_WAV:
		return read_file(speaker, samples);
	}
	memset(samples, 0, MEDIA_PACKET_SAMPLES * sizeof(*samples));
	return false;
}
