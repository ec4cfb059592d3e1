/* pair.h - two sockets side by side: an even port for RTP, the odd one after it for RTCP
 * (RFC 3550 11). */
#ifndef MEDIA_PAIR_H
#define MEDIA_PAIR_H

#include "net/udp.h"

struct media_pair {
	struct net_udp *rtp, *rtcp;
};

struct media_pair_config {
	struct net_loop *loop;
	struct net_udp_config rtp, rtcp; /* their ports count for nothing */
	uint16_t first, last;
	uint32_t draw; /* which pair is tried first */
};

/* -EADDRINUSE: all pairs are taken; -EINVAL: a range without one; else as net_udp_open(). */
int media_pair_open(struct media_pair *out, const struct media_pair_config *config);
void media_pair_close(struct media_pair *pair);

#endif
