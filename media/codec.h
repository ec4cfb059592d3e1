/* codec.h - G.711 (RFC 3551 4.5.14): one byte for each sample.  Pure. */
#ifndef MEDIA_CODEC_H
#define MEDIA_CODEC_H

#include "media/media.h"

void media_encode(enum media_codec codec, const int16_t *samples, size_t count, uint8_t *to);
void media_decode(enum media_codec codec, const uint8_t *bytes, size_t count, int16_t *to);

#endif
