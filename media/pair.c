#include "media/pair.h"

#include <errno.h>

static int open_at(struct media_pair *out, const struct media_pair_config *config, uint16_t port)
{
	struct net_udp_config rtp = config->rtp, rtcp = config->rtcp;
	struct media_pair pair;
	int error;

	rtp.local.port = port;
	rtcp.local.port = (uint16_t)(port + 1);
	error = net_udp_open(&pair.rtp, config->loop, &rtp);
	if (error != 0)
		return error;
	error = net_udp_open(&pair.rtcp, config->loop, &rtcp);
	if (error != 0)
		net_udp_close(pair.rtp);
	else
		*out = pair;
	return error;
}

int media_pair_open(struct media_pair *out, const struct media_pair_config *config)
{
	unsigned even = (config->first + 1u) & ~1u;
	unsigned pairs = config->last > even ? (config->last - even + 1u) / 2 : 0;
	int error = -EINVAL;

	if (even == 0)
		return -EINVAL;
	for (unsigned i = 0; i < pairs; i++) {
		unsigned at = (config->draw % pairs + i) % pairs;

		error = open_at(out, config, (uint16_t)(even + 2 * at));
		if (error != -EADDRINUSE)
			return error;
	}
	return error;
}

void media_pair_close(struct media_pair *pair)
{
	net_udp_close(pair->rtp);
	net_udp_close(pair->rtcp);
}
