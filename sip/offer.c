#include "sip/offer.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

/* ---- addresses ----------------------------------------------------------------------------- */

static bool is_ip6(const char *address)
{
	return strchr(address, ':') != NULL;
}

static bool is_literal(const char *address)
{
	struct in6_addr ip;

	return inet_pton(is_ip6(address) ? AF_INET6 : AF_INET, address, &ip) == 1;
}

/* RFC 2543's way to hold: send to nobody. */
static bool is_nobody(const char *address)
{
	static const struct in6_addr nobody;
	struct in6_addr ip = nobody;

	return inet_pton(is_ip6(address) ? AF_INET6 : AF_INET, address, &ip) == 1 &&
	       memcmp(&ip, &nobody, sizeof(ip)) == 0;
}

/* Media for a group, or for all of a network, is none of a phone call's. */
static bool is_group(const char *address)
{
	uint8_t ip[sizeof(struct in6_addr)];

	if (is_ip6(address))
		return inet_pton(AF_INET6, address, ip) == 1 && ip[0] == 0xff;
	return inet_pton(AF_INET, address, ip) == 1 && ip[0] >= 0xe0;
}

/* ---- our side ------------------------------------------------------------------------------ */

bool sip_offer_is_open(const struct sip_offer *offer)
{
	return offer->state == SIP_OFFER_FIRST || offer->state == SIP_OFFER_AGAIN;
}

static bool has_agreed(const struct sip_offer *offer)
{
	return offer->state == SIP_OFFER_AGREED || offer->state == SIP_OFFER_AGAIN;
}

int sip_offer_move(struct sip_offer *offer, const char *address, uint16_t port)
{
	if (!is_literal(address) || strlen(address) > SIP_OFFER_ADDRESS_MAX || port == 0)
		return SIP_EVALUE;
	snprintf(offer->address, sizeof(offer->address), "%s", address);
	offer->port = port;
	return 0;
}

int sip_offer_init(struct sip_offer *offer, const struct sip_offer_config *config)
{
	struct sip_offer begun = {.session_id = config->session_id, .wanted = SIP_SDP_SENDRECV};
	struct sip_sdp usual;
	int error = sip_offer_move(&begun, config->address, config->port);

	if (error != 0)
		return error;
	sip_sdp_offer(&usual, begun.address, begun.port, begun.wanted);
	for (size_t i = 0; i < usual.format_count; i++)
		begun.payloads[usual.formats[i].codec] = usual.formats[i].payload;
	*offer = begun;
	return 0;
}

void sip_offer_want(struct sip_offer *offer, enum sip_sdp_direction direction)
{
	offer->wanted = direction;
}

/* All that we can do, as our side wants it now; in the streams of the descriptions before it, none
 * of which may vanish (RFC 3264 8). */
static void describe(const struct sip_offer *offer, struct sip_sdp *sdp)
{
	const struct sip_sdp *before = &offer->written;

	sip_sdp_offer(sdp, offer->address, offer->port, offer->wanted);
	for (size_t i = 0; i < sdp->format_count; i++)
		sdp->formats[i].payload = offer->payloads[sdp->formats[i].codec];
	sdp->session_id = offer->session_id;
	sdp->session_version = offer->session_id;
	if (!offer->has_written)
		return;
	sdp->session_version = before->session_version;
	memcpy(sdp->origin, before->origin[0] != '\0' ? before->origin : before->address,
	       sizeof(sdp->origin));
	sdp->stream_count = before->stream_count;
	sdp->stream_chosen = before->stream_chosen;
	memcpy(sdp->streams, before->streams, sizeof(sdp->streams));
}

/* RFC 3264 8: the same version says that nothing at all changed, one more that something did. */
static int write_next(const struct sip_offer *offer, struct sip_sdp *next, char *buffer,
		      size_t size)
{
	char before[SIP_OFFER_TEXT_MAX];
	int length = sip_sdp_write(next, buffer, size);

	if (length < 0 || !offer->has_written)
		return length;
	if (sip_sdp_write(&offer->written, before, sizeof(before)) == length &&
	    memcmp(before, buffer, (size_t)length) == 0)
		return length;
	next->session_version++;
	return sip_sdp_write(next, buffer, size);
}

static void note_written(struct sip_offer *offer, const struct sip_sdp *next)
{
	offer->has_written = true;
	offer->written = *next;
}

/* ---- their side ---------------------------------------------------------------------------- */

/* Reads a description and checks that its stream is one that we could talk to. */
static int read_theirs(const struct sip_offer *offer, struct sip_sdp *theirs, struct sip_span text)
{
	int error = sip_sdp_parse(theirs, text);

	if (error != 0)
		return error;
	if (theirs->port == 0 || !is_literal(theirs->address) || is_group(theirs->address) ||
	    theirs->is_ip6 != is_ip6(theirs->address))
		return SIP_EUNSUPPORTED;
	if (is_nobody(theirs->address)) {
		snprintf(theirs->address, sizeof(theirs->address), "%s",
			 is_ip6(offer->address) ? "::" : "0.0.0.0");
		theirs->direction =
			sip_sdp_sends(theirs->direction) ? SIP_SDP_SENDONLY : SIP_SDP_INACTIVE;
	} else if (theirs->is_ip6 != is_ip6(offer->address)) {
		return SIP_EUNSUPPORTED;
	}
	return 0;
}

/* The number that a description has for a codec. */
static int payload_of(const struct sip_sdp *sdp, enum sip_sdp_codec codec)
{
	for (size_t i = 0; i < sdp->format_count; i++)
		if (sdp->formats[i].codec == codec)
			return sdp->formats[i].payload;
	return SIP_OFFER_NO_PAYLOAD;
}

/* What is sent is numbered as they say, what comes as we do (RFC 3264 5.1, 6.1); the answerer's
 * first codec is the one that both prefer.  SIP_EUNSUPPORTED: there is none. */
static int agree(struct sip_media_target *agreed, const struct sip_sdp *ours,
		 const struct sip_sdp *theirs)
{
	struct sip_media_target next = {
		.port = theirs->port,
		.rtcp_port = theirs->rtcp_port,
		.direction = sip_sdp_mirror(theirs->direction, ours->direction),
		.codec = SIP_SDP_OTHER,
	};

	if (next.rtcp_port == 0)
		next.rtcp_port = (uint16_t)(theirs->port + 1);
	snprintf(next.address, sizeof(next.address), "%.*s", SIP_OFFER_ADDRESS_MAX,
		 theirs->address);
	for (int codec = 0; codec < SIP_SDP_OTHER; codec++) {
		next.sent[codec] = payload_of(theirs, (enum sip_sdp_codec)codec);
		next.received[codec] = payload_of(ours, (enum sip_sdp_codec)codec);
		if (next.received[codec] == SIP_OFFER_NO_PAYLOAD)
			next.sent[codec] = SIP_OFFER_NO_PAYLOAD;
	}
	for (size_t i = 0; i < theirs->format_count && next.codec == SIP_SDP_OTHER; i++) {
		enum sip_sdp_codec codec = theirs->formats[i].codec;

		if (codec < SIP_SDP_EVENT && next.sent[codec] != SIP_OFFER_NO_PAYLOAD)
			next.codec = codec;
	}
	if (next.codec == SIP_SDP_OTHER)
		return SIP_EUNSUPPORTED;
	*agreed = next;
	return 0;
}

/* Our own number for a codec that is not among those agreed on must not be one of theirs. */
static uint8_t free_payload(const struct sip_sdp *ours, const uint8_t *payloads, int codec)
{
	enum { DYNAMIC_FIRST = 96 }; /* RFC 3551 3 */
	uint8_t payload = payloads[codec];
	bool is_taken = true;

	for (uint8_t next = DYNAMIC_FIRST; is_taken; next++) {
		is_taken = false;
		for (size_t i = 0; i < ours->format_count; i++)
			is_taken |= ours->formats[i].payload == payload;
		for (int other = 0; other < codec; other++)
			is_taken |= payloads[other] == payload;
		if (is_taken)
			payload = next;
	}
	return payload;
}

static void note_agreed(struct sip_offer *offer, const struct sip_sdp *ours)
{
	for (int codec = 0; codec < SIP_SDP_OTHER; codec++) {
		int payload = payload_of(ours, (enum sip_sdp_codec)codec);

		offer->payloads[codec] = payload != SIP_OFFER_NO_PAYLOAD
						 ? (uint8_t)payload
						 : free_payload(ours, offer->payloads, codec);
	}
	offer->wanted_before = offer->wanted;
	offer->state = SIP_OFFER_AGREED;
}

/* ---- the exchange -------------------------------------------------------------------------- */

int sip_offer_make(struct sip_offer *offer, char *buffer, size_t size)
{
	struct sip_sdp next;
	int length;

	if (sip_offer_is_open(offer))
		return SIP_ESTATE;
	describe(offer, &next);
	length = write_next(offer, &next, buffer, size);
	if (length < 0)
		return length;
	note_written(offer, &next);
	offer->state = has_agreed(offer) ? SIP_OFFER_AGAIN : SIP_OFFER_FIRST;
	return length;
}

int sip_offer_answer(struct sip_offer *offer, struct sip_span text, char *buffer, size_t size)
{
	struct sip_sdp theirs, ours, answer;
	struct sip_media_target agreed;
	int error, length;

	if (sip_offer_is_open(offer))
		return SIP_ESTATE;
	error = read_theirs(offer, &theirs, text);
	if (error != 0)
		return error;
	describe(offer, &ours);
	error = sip_sdp_answer(&answer, &theirs, &ours);
	if (error == 0)
		error = agree(&agreed, &answer, &theirs);
	if (error != 0)
		return error;
	length = write_next(offer, &answer, buffer, size);
	if (length < 0)
		return length;
	note_written(offer, &answer);
	note_agreed(offer, &answer);
	offer->agreed = agreed;
	offer->is_held = !sip_sdp_receives(theirs.direction);
	return length;
}

int sip_offer_take_answer(struct sip_offer *offer, struct sip_span text)
{
	struct sip_sdp theirs;
	int error;

	if (!sip_offer_is_open(offer))
		return SIP_ESTATE;
	error = read_theirs(offer, &theirs, text);
	if (error == 0)
		error = agree(&offer->agreed, &offer->written, &theirs);
	if (error != 0)
		return error;
	note_agreed(offer, &offer->written);
	/* Who was not to hear anything holds nobody. */
	if (sip_sdp_sends(offer->written.direction))
		offer->is_held = !sip_sdp_receives(theirs.direction);
	return 0;
}

void sip_offer_abandon(struct sip_offer *offer)
{
	if (!sip_offer_is_open(offer))
		return;
	if (has_agreed(offer))
		offer->wanted = offer->wanted_before;
	offer->state = has_agreed(offer) ? SIP_OFFER_AGREED : SIP_OFFER_NONE;
}

bool sip_offer_is_held(const struct sip_offer *offer)
{
	return offer->is_held;
}

const struct sip_media_target *sip_offer_target(const struct sip_offer *offer)
{
	return has_agreed(offer) ? &offer->agreed : NULL;
}
