/* What comes from the network: whose it is, what it is, and where it goes. */
#include <string.h>

#include "media/codec.h"
#include "media/private.h"

/* ---- whose it is ---- */

static bool is_same_host(const struct net_address *a, const struct net_address *b)
{
	return memcmp(a->ip, b->ip, sizeof(a->ip)) == 0;
}

/* Before the first packet of a far end that is trusted because it comes first, anyone's. */
static bool is_trusted(const struct media *media, const struct net_address *source)
{
	const struct media_peer *peer = &media->peer;

	if (!peer->has_target)
		return false;
	switch (media->config.trust) {
	case MEDIA_TRUST_NEGOTIATED:
		return is_same_host(source, &peer->target.rtp);
	case MEDIA_TRUST_FIRST:
		return !peer->has_latched || net_address_compare(source, &peer->rtp) == 0;
	}
	return false;
}

/* RFC 4961, "comedia": from here on it is this one, both ways.  RTCP goes to the same host. */
static void latch(struct media *media, const struct net_address *source)
{
	struct media_peer *peer = &media->peer;

	if (media->config.trust != MEDIA_TRUST_FIRST || peer->has_latched)
		return;
	peer->has_latched = true;
	memcpy(peer->rtcp.ip, source->ip, sizeof(peer->rtcp.ip));
	peer->rtp = *source;
}

/* ---- what it is ---- */

enum kind { AUDIO_PCMU, AUDIO_PCMA, DIGIT, USELESS };

static enum kind kind_of(const struct media_payloads *payloads, const struct media_rtp *packet)
{
	bool is_audio = packet->length > 0 && packet->length <= MEDIA_PLAYOUT_PACKET_MAX &&
			packet->length % MEDIA_PLAYOUT_STEP == 0;

	if (packet->payload_type == payloads->event)
		return packet->length >= MEDIA_DIGIT_PAYLOAD ? DIGIT : USELESS;
	if (packet->payload_type == payloads->pcmu)
		return is_audio ? AUDIO_PCMU : USELESS;
	if (packet->payload_type == payloads->pcma)
		return is_audio ? AUDIO_PCMA : USELESS;
	return USELESS;
}

/* ---- where it goes ---- */

static void hear(struct media *media, const struct media_rtp *packet, enum media_codec codec)
{
	int16_t samples[MEDIA_PLAYOUT_PACKET_MAX];

	media_decode(codec, packet->payload, packet->length, samples);
	media_playout_put(media->playout, samples, packet->length, packet->timestamp);
}

static void hear_digit(struct media *media, const struct media_rtp *packet)
{
	int digit = media_digit_hear(&media->peer.ear, packet->payload, packet->length,
				     packet->timestamp);

	if (digit > 0)
		media_tell(media,
			   (struct media_event){.kind = MEDIA_EVENT_DIGIT, .digit = (char)digit});
}

static void play(struct media *media, const struct media_rtp *packet, enum kind kind)
{
	switch (kind) {
	case AUDIO_PCMU:
		hear(media, packet, MEDIA_PCMU);
		return;
	case AUDIO_PCMA:
		hear(media, packet, MEDIA_PCMA);
		return;
	case DIGIT:
		hear_digit(media, packet);
		return;
	case USELESS:
		return;
	}
}

/* The packet's place in its stream; false: it is not to be played. */
static bool is_of_use(struct media *media, const struct media_rtp *packet, bool is_audio)
{
	uint32_t arrival = (uint32_t)(media_now_us() * MEDIA_RATE / 1000000);

	switch (media_reception_take(&media->peer.reception, packet, arrival, is_audio)) {
	case MEDIA_RECEPTION_PROBATION:
		media->statistics.strangers++;
		return false;
	case MEDIA_RECEPTION_REPEATED:
		media->statistics.duplicated++;
		return false;
	case MEDIA_RECEPTION_NEW_STREAM:
		media->statistics.streams++;
		media->peer.ear = (struct media_digit_ear){0};
		media_playout_reset(media->playout);
		break;
	case MEDIA_RECEPTION_OF_STREAM:
		break;
	}
	media->statistics.received++;
	media->statistics.received_bytes += packet->length;
	media->statistics.received_at_ms = net_now_ms();
	return true;
}

/* An SSRC that is ours is taken like any other: between two parties the source tells who speaks,
 * and a far end that sends our packets back as they are (an echo test) is heard.  RFC 3550 8.2
 * guards groups. */
void media_receive_rtp(void *user, const struct net_datagram *datagram)
{
	struct media *media = user;
	struct media_rtp packet;
	enum kind kind;

	if (!is_trusted(media, &datagram->source)) {
		media->statistics.strangers++;
		return;
	}
	if (media_rtp_parse(&packet, datagram->bytes, datagram->length) != 0) {
		media->statistics.malformed++;
		return;
	}
	kind = kind_of(&media->peer.target.received, &packet);
	if (kind == USELESS) {
		media->statistics.malformed++;
		return;
	}
	latch(media, &datagram->source);
	if (!is_of_use(media, &packet, kind != DIGIT))
		return;
	if (!media->peer.target.receives) {
		media->statistics.unwanted++;
		return;
	}
	media_enter(media);
	play(media, &packet, kind);
	media_leave(media);
}

void media_receive_rtcp(void *user, const struct net_datagram *datagram)
{
	struct media *media = user;
	struct media_rtcp packet;

	if (!media->peer.has_target || !is_same_host(&datagram->source, &media->peer.rtcp)) {
		media->statistics.strangers++;
		return;
	}
	if (media_rtcp_parse(&packet, datagram->bytes, datagram->length, media->out.ssrc) != 0) {
		media->statistics.malformed++;
		return;
	}
	if (media->config.trust == MEDIA_TRUST_FIRST && media->peer.has_latched)
		media->peer.rtcp = datagram->source;
	media_enter(media);
	media_report_take(media, &packet);
	media_leave(media);
}
