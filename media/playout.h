/* playout.h - from packets, as they come, to audio without gaps: a jitter buffer (speexdsp) that
 * finds its own delay, then concealment of what is lost (spandsp).  Pure: its clock is whoever
 * takes 20 ms after 20 ms.
 */
#ifndef MEDIA_PLAYOUT_H
#define MEDIA_PLAYOUT_H

#include "media/media.h"

enum {
	MEDIA_PLAYOUT_STEP = 80,        /* samples: packets hold a multiple of 10 ms */
	MEDIA_PLAYOUT_PACKET_MAX = 480, /* samples in a packet: 60 ms */
};

struct media_playout;

/* NULL without memory; the caller frees it, also if NULL. */
struct media_playout *media_playout_new(void);
void media_playout_free(struct media_playout *playout);

/* Another stream begins: what waits is void. */
void media_playout_reset(struct media_playout *playout);

/* Audio of one packet: a multiple of MEDIA_PLAYOUT_STEP, at most MEDIA_PLAYOUT_PACKET_MAX. */
void media_playout_put(struct media_playout *playout, const int16_t *samples, size_t count,
		       uint32_t timestamp);

/* The next MEDIA_PACKET_SAMPLES.  Returns how many of them had to be made up in a stream that goes
 * on; after 400 ms without a packet it is silence and no loss any more. */
size_t media_playout_take(struct media_playout *playout, int16_t *samples);

#endif
