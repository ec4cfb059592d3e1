/* Feeds any bytes to a negotiation: as an offer, as an answer, as a re-offer.
 *
 * The input: a letter of what is done, then, up to the next NUL, the description that it is done
 * with.
 */
#include "sip/offer.h"

#include <assert.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char text[SIP_OFFER_TEXT_MAX];

/* Whatever goes out can be read, and has a stream that is not refused. */
static void check_written(int length)
{
	struct sip_sdp back;

	assert(length > 0 && length < SIP_OFFER_TEXT_MAX && text[length] == '\0');
	assert(sip_sdp_parse(&back, (struct sip_span){text, (size_t)length}) == 0);
	assert(back.port == 4000 && back.format_count > 0);
}

/* Whatever was agreed on has a codec and an address that media can be sent to. */
static void check_agreed(const struct sip_offer *offer)
{
	const struct sip_media_target *target = sip_offer_target(offer);

	assert(target && target->port != 0 && target->codec < SIP_SDP_EVENT);
	assert(target->sent[target->codec] >= 0 && target->sent[target->codec] <= 127);
	assert(target->address[0] != '\0' &&
	       strspn(target->address, "0123456789abcdefABCDEF.:") == strlen(target->address));
}

static void act(struct sip_offer *offer, char what, struct sip_span theirs)
{
	struct sip_offer before = *offer;
	int result;

	switch (what) {
	case 'm':
		result = sip_offer_make(offer, text, sizeof(text));
		if (result != SIP_ESTATE)
			check_written(result);
		break;
	case 'a':
		result = sip_offer_answer(offer, theirs, text, sizeof(text));
		if (result > 0) {
			check_written(result);
			check_agreed(offer);
		}
		break;
	case 't':
		result = sip_offer_take_answer(offer, theirs);
		if (result == 0)
			check_agreed(offer);
		break;
	case 'x':
		result = 0;
		sip_offer_abandon(offer);
		break;
	default:
		result = 0;
		sip_offer_want(offer,
			       (enum sip_sdp_direction)((uint8_t)what % SIP_SDP_DIRECTIONS_MAX));
		break;
	}
	assert(result >= 0 || memcmp(&before, offer, sizeof(before)) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct sip_offer offer;
	const char *at = (const char *)data;

	assert(sip_offer_init(&offer, &(struct sip_offer_config){"192.0.2.1", 4000, 1}) == 0);
	while (size > 0) {
		const char *end = memchr(at, '\0', size);
		size_t length = end ? (size_t)(end - at) : size;

		if (length > 0)
			act(&offer, at[0], (struct sip_span){at + 1, length - 1});
		length += end != NULL;
		at += length;
		size -= length;
	}
	return 0;
}
