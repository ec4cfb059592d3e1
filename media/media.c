#include "media/media.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#include "media/private.h"

uint64_t media_now_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_BOOTTIME, &now);
	return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

uint32_t media_random(void)
{
	uint32_t bits = 0;

	/* So few bytes come whole, and at once after the machine's first seconds. */
	while (getrandom(&bits, sizeof(bits), 0) != sizeof(bits))
		;
	return bits;
}

/* ---- callbacks ---- */

static void destroy(struct media *media)
{
	media_pair_close(&media->pair);
	net_timer_free(media->turn);
	net_timer_free(media->reporting.timer);
	media_speaker_clear(&media->speaker);
	media_playout_free(media->playout);
	media_wav_finish(media->recording);
	free(media);
}

void media_enter(struct media *media)
{
	media->is_busy = true;
}

void media_leave(struct media *media)
{
	media->is_busy = false;
	if (media->is_closed)
		destroy(media);
}

void media_tell(struct media *media, struct media_event event)
{
	if (!media->is_closed && media->config.on_event != NULL)
		media->config.on_event(media->config.user, &event);
}

/* Something that we sent did not arrive.  Nothing is done about it: SIP has its own way to learn
 * that the far end is gone. */
static void send_failed(void *user, const struct net_udp_error *error)
{
	struct media *media = user;

	(void)error;
	media->statistics.send_errors++;
}

/* ---- opening and closing ---- */

static int open_sockets(struct media *media, const struct media_config *config)
{
	struct net_udp_config socket = {
		.local = config->local,
		.dscp = config->dscp,
		.size_max = MEDIA_DATAGRAM_MAX,
		.on_datagram = media_receive_rtp,
		.on_error = send_failed,
		.user = media,
	};
	struct media_pair_config pair = {
		.loop = config->loop,
		.rtp = socket,
		.rtcp = socket,
		.first = config->port_first,
		.last = config->port_last,
		.draw = media_random(),
	};

	pair.rtcp.on_datagram = media_receive_rtcp;
	if (pair.first == 0 && pair.last == 0) {
		pair.first = MEDIA_PORT_FIRST;
		pair.last = MEDIA_PORT_LAST;
	}
	return media_pair_open(&media->pair, &pair);
}

static void name_stream(struct media *media, const char *cname)
{
	struct media_outgoing *out = &media->out;

	out->ssrc = media_random();
	out->sequence = (uint16_t)media_random();
	out->timestamp = media_random();
	out->begins = true;
	/* RFC 7022 4.2: 96 random bits, new for each session. */
	if (cname != NULL)
		snprintf(media->reporting.cname, sizeof(media->reporting.cname), "%s", cname);
	else
		snprintf(media->reporting.cname, sizeof(media->reporting.cname), "%08x%08x%08x",
			 media_random(), media_random(), media_random());
}

int media_open(struct media **out, const struct media_config *config)
{
	struct media *media;
	int error;

	if (net_address_is_wildcard(&config->local))
		return -EINVAL;
	media = calloc(1, sizeof(*media));
	if (media == NULL)
		return -ENOMEM;
	media->config = *config;
	media->config.cname = NULL;
	name_stream(media, config->cname);
	media->playout = media_playout_new();
	error = media->playout == NULL ? -ENOMEM : 0;
	if (error == 0)
		error = net_timer_create(&media->turn, config->loop,
					 (struct net_callback){media_turn, media});
	if (error == 0)
		error = net_timer_create(&media->reporting.timer, config->loop,
					 (struct net_callback){media_report_due, media});
	if (error == 0)
		error = open_sockets(media, config);
	if (error != 0)
		destroy(media);
	else
		*out = media;
	return error;
}

void media_close(struct media *media)
{
	if (media == NULL || media->is_closed)
		return;
	media_clear_target(media);
	media->is_closed = true;
	if (!media->is_busy)
		destroy(media);
}

struct net_address media_local(const struct media *media)
{
	return net_udp_local(media->pair.rtp);
}

uint16_t media_port(const struct media *media)
{
	return media_local(media).port;
}

/* ---- the far end ---- */

/* Of what comes from now on, nothing belongs to what came before. */
static void begin_peer(struct media *media, const struct media_target *target)
{
	media->peer = (struct media_peer){
		.has_target = true,
		.rtp = target->rtp,
		.rtcp = target->rtcp,
	};
	if (target->rtcp.port == 0) {
		media->peer.rtcp = target->rtp;
		media->peer.rtcp.port++;
	}
	media_playout_reset(media->playout);
}

static bool is_payload_type(int number)
{
	return number >= 0 && number <= MEDIA_RTP_PAYLOAD_TYPE_MAX;
}

static bool is_usable(const struct media *media, const struct media_target *target)
{
	struct net_address local = media_local(media);
	int sent = target->codec == MEDIA_PCMU ? target->sent.pcmu : target->sent.pcma;

	return target->rtp.port != 0 && is_payload_type(sent) &&
	       net_address_is_ipv4(&target->rtp) == net_address_is_ipv4(&local);
}

int media_set_target(struct media *media, const struct media_target *target)
{
	struct media_peer *peer = &media->peer;
	uint64_t now_ms = net_now_ms();

	if (!is_usable(media, target))
		return -EINVAL;
	if (!peer->has_target) {
		media_clock_start(&media->clock, now_ms);
		net_timer_set(media->turn, media->clock.due_at_ms);
		media_report_begin(media);
	}
	if (!peer->has_target || net_address_compare(&peer->target.rtp, &target->rtp) != 0 ||
	    net_address_compare(&peer->target.rtcp, &target->rtcp) != 0)
		begin_peer(media, target);
	else if (target->receives && !peer->target.receives)
		media_playout_reset(media->playout);
	peer->target = *target;
	return 0;
}

void media_clear_target(struct media *media)
{
	if (!media->peer.has_target)
		return;
	media_report_goodbye(media);
	net_timer_set(media->turn, NET_NEVER);
	net_timer_set(media->reporting.timer, NET_NEVER);
	media->peer = (struct media_peer){0};
	media->out.begins = true;
}

/* ---- what is said and kept ---- */

int media_set_source(struct media *media, const struct media_source *source)
{
	return media_speaker_set(&media->speaker, source);
}

int media_record(struct media *media, const char *path)
{
	struct media_wav_writer *next = NULL;
	int error = path != NULL ? media_wav_create(&next, path) : 0;

	if (error != 0)
		return error;
	media_wav_finish(media->recording);
	media->recording = next;
	return 0;
}

int media_send_digits(struct media *media, const char *digits)
{
	if (!media->peer.has_target || !is_payload_type(media->peer.target.sent.event))
		return -ENOTSUP;
	return media_digits_add(&media->out.digits, digits);
}

/* ---- what happened so far ---- */

void media_statistics_get(const struct media *media, struct media_statistics *out)
{
	const struct media_reception *reception = &media->peer.reception;
	struct net_udp_counters rtp = net_udp_counters(media->pair.rtp);
	struct net_udp_counters rtcp = net_udp_counters(media->pair.rtcp);
	int64_t lost = media_reception_lost(reception);

	*out = media->statistics;
	out->lost = lost > 0 ? (uint64_t)lost : 0;
	out->jitter_us =
		(uint32_t)((uint64_t)media_reception_jitter(reception) * 1000000 / MEDIA_RATE);
	out->concealed = media->concealed_samples / MEDIA_PACKET_SAMPLES;
	out->malformed += rtp.oversized + rtcp.oversized;
	out->send_errors += rtp.send_errors + rtcp.send_errors;
}
