#include "media/reception.h"

/* Of transit times, in samples: 16 times it fits 32 bits, whatever the timestamps claim. */
enum { DIFFERENCE_MAX = (1 << 28) - 1 };

/* RFC 3550 A.1: numbers may be ahead by a minute's packets, and behind by some that were overtaken.
 */
enum { DROPOUT_MAX = 3000, MISORDER_MAX = 100, SEQUENCES = 1 << 16 };

/* Bits in `seen`. */
enum { WINDOW = 64 };

static void begin(struct media_reception *reception, const struct media_rtp *packet,
		  uint32_t arrival)
{
	*reception = (struct media_reception){
		.has_stream = true,
		.ssrc = packet->ssrc,
		.base = packet->sequence,
		.highest = packet->sequence,
		.seen = 1,
		.received = 1,
		.transit = arrival - packet->timestamp,
	};
}

/* RFC 3550 A.8: J += (|D| - J) / 16, with J kept in 16ths. */
static void measure_jitter(struct media_reception *reception, const struct media_rtp *packet,
			   uint32_t arrival)
{
	uint32_t transit = arrival - packet->timestamp;
	int32_t difference = (int32_t)(transit - reception->transit);
	uint32_t size = difference < 0 ? 0 - (uint32_t)difference : (uint32_t)difference;

	if (size > DIFFERENCE_MAX)
		size = DIFFERENCE_MAX;

	reception->transit = transit;
	reception->jitter_16 += size - ((reception->jitter_16 + 8) >> 4);
}

static bool is_proved(struct media_reception *reception, const struct media_rtp *packet)
{
	bool is_second = reception->has_candidate && reception->candidate_ssrc == packet->ssrc &&
			 reception->candidate_next == packet->sequence;

	reception->has_candidate = true;
	reception->candidate_ssrc = packet->ssrc;
	reception->candidate_next = (uint16_t)(packet->sequence + 1);
	return is_second;
}

/* Notes a packet that is AHEAD of the highest, modulo the range of sequence numbers. */
static bool is_repeated(struct media_reception *reception, uint16_t ahead)
{
	uint16_t behind = (uint16_t)-ahead;
	uint64_t bit;

	if (ahead != 0 && ahead < DROPOUT_MAX) {
		reception->highest += ahead;
		reception->seen = ahead < WINDOW ? reception->seen << ahead | 1 : 1;
		return false;
	}
	if (behind >= WINDOW)
		return true;
	bit = UINT64_C(1) << behind;
	if (reception->seen & bit)
		return true;
	reception->seen |= bit;
	return false;
}

enum media_reception_verdict media_reception_take(struct media_reception *reception,
						  const struct media_rtp *packet, uint32_t arrival,
						  bool is_audio)
{
	uint16_t ahead = (uint16_t)(packet->sequence - reception->highest);
	bool is_next = ahead<DROPOUT_MAX, is_late = ahead> SEQUENCES - MISORDER_MAX;

	if (!reception->has_stream) {
		begin(reception, packet, arrival);
		return MEDIA_RECEPTION_NEW_STREAM;
	}
	if (packet->ssrc != reception->ssrc || (!is_next && !is_late)) {
		if (!is_proved(reception, packet))
			return MEDIA_RECEPTION_PROBATION;
		begin(reception, packet, arrival);
		return MEDIA_RECEPTION_NEW_STREAM;
	}
	reception->has_candidate = false;
	reception->received++;
	if (is_repeated(reception, ahead))
		return MEDIA_RECEPTION_REPEATED;
	if (is_audio)
		measure_jitter(reception, packet, arrival);
	return MEDIA_RECEPTION_OF_STREAM;
}

static uint64_t expected(const struct media_reception *reception)
{
	return reception->received > 0 ? (uint64_t)reception->highest - reception->base + 1 : 0;
}

int64_t media_reception_lost(const struct media_reception *reception)
{
	return (int64_t)(expected(reception) - reception->received);
}

uint32_t media_reception_jitter(const struct media_reception *reception)
{
	return reception->jitter_16 >> 4;
}

void media_reception_report(struct media_reception *reception, struct media_rtcp_block *block)
{
	static const int64_t lost_max = 0x7fffff, lost_min = -0x800000;
	uint64_t due = expected(reception) - reception->expected_prior;
	uint64_t came = reception->received - reception->received_prior;
	int64_t lost = media_reception_lost(reception);

	block->ssrc = reception->ssrc;
	block->fraction_lost = 0;
	if (due > came)
		block->fraction_lost = (uint8_t)(came == 0 ? UINT8_MAX : (due - came) * 256 / due);
	block->lost = (int32_t)(lost > lost_max ? lost_max : lost < lost_min ? lost_min : lost);
	block->highest = reception->highest;
	block->jitter = media_reception_jitter(reception);
	reception->expected_prior = expected(reception);
	reception->received_prior = reception->received;
}
