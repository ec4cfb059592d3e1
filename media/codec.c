#include "media/codec.h"

#include <spandsp.h>

void media_encode(enum media_codec codec, const int16_t *samples, size_t count, uint8_t *to)
{
	for (size_t i = 0; i < count; i++)
		to[i] = codec == MEDIA_PCMU ? linear_to_ulaw(samples[i])
					    : linear_to_alaw(samples[i]);
}

void media_decode(enum media_codec codec, const uint8_t *bytes, size_t count, int16_t *to)
{
	for (size_t i = 0; i < count; i++)
		to[i] = codec == MEDIA_PCMU ? ulaw_to_linear(bytes[i]) : alaw_to_linear(bytes[i]);
}
