/* One turn: 20 ms are said, and 20 ms are played. */
#include <string.h>

#include "media/codec.h"
#include "media/private.h"

/* ---- said ---- */

static void send_packet(struct media *media, const struct media_rtp *packet)
{
	uint8_t bytes[MEDIA_RTP_HEADER + MEDIA_PACKET_SAMPLES];
	size_t length = media_rtp_write(packet, bytes);

	/* An error is counted by the socket.  The number is spent: to the far end, that is a loss.
	 */
	media->out.sequence++;
	if (net_udp_send(media->pair.rtp, &media->peer.rtp, bytes, length) != 0)
		return;
	media->out.packets++;
	media->out.bytes += (uint32_t)packet->length;
	media->statistics.sent++;
	media->statistics.sent_bytes += packet->length;
}

static void send_audio(struct media *media, const int16_t *samples)
{
	const struct media_target *target = &media->peer.target;
	bool is_pcmu = target->codec == MEDIA_PCMU;
	uint8_t payload[MEDIA_PACKET_SAMPLES];

	media_encode(target->codec, samples, MEDIA_PACKET_SAMPLES, payload);
	send_packet(media, &(struct media_rtp){
				   .marker = media->out.begins,
				   .payload_type = (uint8_t)(is_pcmu ? target->sent.pcmu
								     : target->sent.pcma),
				   .sequence = media->out.sequence,
				   .timestamp = media->out.timestamp,
				   .ssrc = media->out.ssrc,
				   .payload = payload,
				   .length = sizeof(payload),
			   });
	media->out.begins = false;
}

static void send_digit(struct media *media, const struct media_digit_packet *digit)
{
	if (digit->is_first)
		media->out.digit_timestamp = media->out.timestamp;
	send_packet(media, &(struct media_rtp){
				   .marker = digit->is_first,
				   .payload_type = (uint8_t)media->peer.target.sent.event,
				   .sequence = media->out.sequence,
				   .timestamp = media->out.digit_timestamp,
				   .ssrc = media->out.ssrc,
				   .payload = digit->payload,
				   .length = sizeof(digit->payload),
			   });
}

static void speak(struct media *media)
{
	const struct media_target *target = &media->peer.target;
	int16_t samples[MEDIA_PACKET_SAMPLES];
	struct media_digit_packet digit;
	bool has_digit, has_ended;

	/* RFC 3264 5.1, of the old way to hold: nothing goes to 0.0.0.0. */
	if (!target->sends || net_address_is_wildcard(&media->peer.rtp)) {
		media->out.begins = true;
		return;
	}
	has_ended = media_speaker_read(&media->speaker, samples);
	has_digit = target->sent.event != MEDIA_NO_PAYLOAD &&
		    media_digits_next(&media->out.digits, &digit);
	if (!has_digit || !digit.replaces_audio)
		send_audio(media, samples);
	if (has_digit)
		send_digit(media, &digit);
	if (has_ended)
		media_tell(media, (struct media_event){.kind = MEDIA_EVENT_PLAYED});
}

/* ---- played ---- */

static void record(struct media *media, const int16_t *samples)
{
	if (media->recording == NULL ||
	    media_wav_write(media->recording, samples, MEDIA_PACKET_SAMPLES) == 0)
		return;
	media_wav_finish(media->recording);
	media->recording = NULL;
	media_tell(media, (struct media_event){.kind = MEDIA_EVENT_RECORDING});
}

static void listen_on(struct media *media)
{
	int16_t samples[MEDIA_PACKET_SAMPLES] = {0};

	if (media->peer.target.receives) {
		media->concealed_samples += media_playout_take(media->playout, samples);
		if (media->config.on_audio != NULL)
			media->config.on_audio(media->config.user, samples, MEDIA_PACKET_SAMPLES);
	}
	if (!media->is_closed)
		record(media, samples);
}

/* The far end hears of turns that were left out by the timestamp alone: the stream paused. */
void media_turn(void *user)
{
	struct media *media = user;
	uint64_t missed = media_clock_turn(&media->clock, net_now_ms());

	net_timer_set(media->turn, media->clock.due_at_ms);
	media->out.timestamp += (uint32_t)(missed + 1) * MEDIA_PACKET_SAMPLES;
	media->out.turn_at_us = media_now_us();
	if (missed > 0) {
		media->out.begins = true;
		media_playout_reset(media->playout);
	}
	media_enter(media);
	speak(media);
	if (!media->is_closed && media->peer.has_target)
		listen_on(media);
	media_leave(media);
}
