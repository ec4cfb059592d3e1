/* Feeds any bytes to the readers of RTP and RTCP, and what is RTP to all that a session does with
 * it.
 *
 * The input: one byte of how long the next packet is, that packet, and so on.
 */
#include <assert.h>
#include <string.h>

#include "media/codec.h"
#include "media/digit.h"
#include "media/playout.h"
#include "media/reception.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct listener {
	struct media_reception reception;
	struct media_digit_ear ear;
	struct media_playout *playout;
	uint32_t arrival;
};

static void play(struct listener *listener, const struct media_rtp *packet)
{
	int16_t samples[MEDIA_PLAYOUT_PACKET_MAX];
	size_t length = packet->length % (MEDIA_PLAYOUT_PACKET_MAX + 1) / MEDIA_PLAYOUT_STEP *
			MEDIA_PLAYOUT_STEP;

	(void)media_digit_hear(&listener->ear, packet->payload, packet->length, packet->timestamp);
	media_decode(packet->payload_type % 2 ? MEDIA_PCMA : MEDIA_PCMU, packet->payload, length,
		     samples);
	media_playout_put(listener->playout, samples, length, packet->timestamp);
}

/* What is read as RTP lies inside the packet, and is written so that it is read alike. */
static void receive_rtp(struct listener *listener, const uint8_t *bytes, size_t length)
{
	uint8_t written[MEDIA_RTP_HEADER + UINT8_MAX];
	struct media_rtp packet, back;

	if (media_rtp_parse(&packet, bytes, length) != 0)
		return;
	assert(packet.payload >= bytes + MEDIA_RTP_HEADER);
	assert(packet.payload + packet.length <= bytes + length);
	assert(media_rtp_parse(&back, written, media_rtp_write(&packet, written)) == 0);
	assert(back.sequence == packet.sequence && back.length == packet.length);
	listener->arrival += MEDIA_PACKET_SAMPLES;
	switch (media_reception_take(&listener->reception, &packet, listener->arrival,
				     !packet.marker)) {
	case MEDIA_RECEPTION_NEW_STREAM:
		media_playout_reset(listener->playout);
		play(listener, &packet);
		return;
	case MEDIA_RECEPTION_OF_STREAM:
		play(listener, &packet);
		return;
	case MEDIA_RECEPTION_REPEATED:
	case MEDIA_RECEPTION_PROBATION:
		return;
	}
}

/* What is read as RTCP is written so that it is read alike. */
static void receive_rtcp(const uint8_t *bytes, size_t length)
{
	uint8_t written[MEDIA_RTCP_MAX];
	struct media_rtcp packet, back;

	if (media_rtcp_parse(&packet, bytes, length, 1) != 0)
		return;
	assert(media_rtcp_parse(&back, written, media_rtcp_write(&packet, written), 1) == 0);
	assert(back.ssrc == packet.ssrc && back.has_block == packet.has_block);
	assert(back.block.lost == packet.block.lost && strcmp(back.cname, packet.cname) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct listener listener = {.playout = media_playout_new()};
	int16_t samples[MEDIA_PACKET_SAMPLES];
	struct media_rtcp_block block = {0};

	assert(listener.playout);
	while (size > 0) {
		size_t length = *data < size - 1 ? *data : size - 1;

		receive_rtp(&listener, data + 1, length);
		receive_rtcp(data + 1, length);
		assert(media_playout_take(listener.playout, samples) <= MEDIA_PACKET_SAMPLES * 8);
		data += 1 + length;
		size -= 1 + length;
	}
	media_reception_report(&listener.reception, &block);
	assert(block.lost >= -0x800000 && block.lost <= 0x7fffff);
	media_playout_free(listener.playout);
	return 0;
}
