/* bytes.h - numbers in network order. */
#ifndef MEDIA_BYTES_H
#define MEDIA_BYTES_H

#include <stdint.h>

static inline uint16_t media_get16(const uint8_t *at)
{
	return (uint16_t)(at[0] << 8 | at[1]);
}

static inline uint32_t media_get32(const uint8_t *at)
{
	return (uint32_t)media_get16(at) << 16 | media_get16(at + 2);
}

static inline void media_put16(uint8_t *at, uint16_t value)
{
	at[0] = (uint8_t)(value >> 8);
	at[1] = (uint8_t)value;
}

static inline void media_put32(uint8_t *at, uint32_t value)
{
	media_put16(at, (uint16_t)(value >> 16));
	media_put16(at + 2, (uint16_t)value);
}

#endif
