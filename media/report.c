/* RTCP: what we report, and what the far end's reports say (RFC 3550 6.4). */
#include <string.h>

#include "media/private.h"

enum { ROUND_TRIP_MAX_S = 60 }; /* longer ones are made of numbers that are not ours */

/* The time since the machine started stands for NTP's: RFC 3550 6.4.1 asks for no more between
 * parties that compare no two streams, and no step of the clock falsifies a round trip. */
static uint64_t ntp_of(uint64_t us)
{
	return us / 1000000 << 32 | ((us % 1000000) << 32) / 1000000;
}

static uint32_t middle_of(uint64_t ntp)
{
	return (uint32_t)(ntp >> 16);
}

static uint32_t us_of_65536ths(uint32_t value)
{
	return (uint32_t)((uint64_t)value * 1000000 >> 16);
}

/* ---- ours ---- */

static void describe_ours(struct media *media, struct media_rtcp *packet, uint64_t now_us)
{
	struct media_reporting *reporting = &media->reporting;
	const struct media_outgoing *out = &media->out;
	uint64_t since_turn_us = now_us - out->turn_at_us;

	packet->ntp = ntp_of(now_us);
	packet->timestamp = out->timestamp + (uint32_t)(since_turn_us * MEDIA_RATE / 1000000);
	packet->packets = out->packets;
	packet->bytes = out->bytes;
	reporting->ntp[1] = reporting->ntp[0];
	reporting->ntp[0] = middle_of(packet->ntp);
}

static void describe_theirs(struct media_peer *peer, struct media_rtcp *packet, uint64_t now_us)
{
	media_reception_report(&peer->reception, &packet->block);
	if (peer->report_at_us == 0 || peer->report_ssrc != peer->reception.ssrc)
		return;
	packet->block.last_report = peer->report_ntp;
	packet->block.delay = (uint32_t)(((now_us - peer->report_at_us) << 16) / 1000000);
}

/* RFC 3550 6.4: a sender report if anything was sent since the report before the last one. */
static void send_report(struct media *media, bool is_bye)
{
	struct media_reporting *reporting = &media->reporting;
	uint64_t now_us = media_now_us();
	struct media_rtcp packet = {
		.ssrc = media->out.ssrc,
		.is_sender = media->out.packets != reporting->packets[1],
		.has_block = media->peer.reception.has_stream,
		.is_bye = is_bye,
	};
	uint8_t bytes[MEDIA_RTCP_MAX];

	if (net_address_is_wildcard(&media->peer.rtcp))
		return;
	memcpy(packet.cname, reporting->cname, sizeof(packet.cname));
	if (packet.is_sender)
		describe_ours(media, &packet, now_us);
	if (packet.has_block)
		describe_theirs(&media->peer, &packet, now_us);
	reporting->packets[1] = reporting->packets[0];
	reporting->packets[0] = media->out.packets;
	reporting->has_begun = true;
	/* An error is counted by the socket. */
	(void)net_udp_send(media->pair.rtcp, &media->peer.rtcp, bytes,
			   media_rtcp_write(&packet, bytes));
}

static void set_timer(struct media *media)
{
	net_timer_set(media->reporting.timer,
		      net_now_ms() +
			      media_rtcp_interval_ms(!media->reporting.has_begun, media_random()));
}

void media_report_begin(struct media *media)
{
	media->reporting.has_begun = false;
	set_timer(media);
}

void media_report_due(void *user)
{
	struct media *media = user;

	send_report(media, false);
	set_timer(media);
}

/* RFC 3550 6.3.7: who has sent nothing leaves without a word. */
void media_report_goodbye(struct media *media)
{
	if (media->out.packets > 0 || media->reporting.has_begun)
		send_report(media, true);
}

/* ---- theirs ---- */

/* RFC 3550 6.4.1: now, less when our report went out, less how long they kept it. */
static void measure_round_trip(struct media *media, const struct media_rtcp_block *block)
{
	uint32_t now = middle_of(ntp_of(media_now_us()));
	uint32_t elapsed = now - block->last_report;
	const uint32_t *sent = media->reporting.ntp;

	if (block->last_report == 0 ||
	    (block->last_report != sent[0] && block->last_report != sent[1]) ||
	    elapsed >> 16 >= ROUND_TRIP_MAX_S)
		return;
	/* Their clock may have made more of the delay than it was. */
	media->statistics.round_trip_us =
		elapsed > block->delay ? us_of_65536ths(elapsed - block->delay) + 1 : 1;
}

void media_report_take(struct media *media, const struct media_rtcp *packet)
{
	struct media_statistics *statistics = &media->statistics;
	struct media_peer *peer = &media->peer;

	statistics->reports++;
	if (packet->cname[0] != '\0')
		memcpy(statistics->cname, packet->cname, sizeof(statistics->cname));
	if (packet->is_sender) {
		peer->report_ssrc = packet->ssrc;
		peer->report_ntp = middle_of(packet->ntp);
		peer->report_at_us = media_now_us();
	}
	if (packet->has_block) {
		statistics->reported_lost = packet->block.lost;
		statistics->reported_jitter_us =
			(uint32_t)((uint64_t)packet->block.jitter * 1000000 / MEDIA_RATE);
		measure_round_trip(media, &packet->block);
	}
	if (packet->is_bye && peer->reception.has_stream && peer->reception.ssrc == packet->ssrc) {
		peer->reception.has_stream = false;
		media_tell(media, (struct media_event){.kind = MEDIA_EVENT_BYE});
	}
}
