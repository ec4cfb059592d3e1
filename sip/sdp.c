#include "sip/sdp.h"

#include <stdio.h>
#include <string.h>

static const char *const directions[SIP_SDP_DIRECTIONS_MAX] = {
#define SIP_SDP_DIRECTION_TEXT(id, name) name,
	SIP_SDP_DIRECTIONS(SIP_SDP_DIRECTION_TEXT)
#undef SIP_SDP_DIRECTION_TEXT
};

static const struct {
	const char *name;
	uint8_t payload; /* as we number it; of PCMU and PCMA by RFC 3551 */
} codecs[SIP_SDP_OTHER] = {
#define SIP_SDP_CODEC_ROW(id, name, payload) {name, payload},
	SIP_SDP_CODECS(SIP_SDP_CODEC_ROW)
#undef SIP_SDP_CODEC_ROW
};

const char *sip_sdp_direction_name(enum sip_sdp_direction direction)
{
	return directions[direction];
}

/* ---- offer and answer ---------------------------------------------------------------------- */

void sip_sdp_offer(struct sip_sdp *sdp, const char *address, uint16_t port,
		   enum sip_sdp_direction direction)
{
	*sdp = (struct sip_sdp){
		.is_ip6 = strchr(address, ':') != NULL,
		.port = port,
		.direction = direction,
		.format_count = SIP_SDP_OTHER,
	};
	snprintf(sdp->address, sizeof(sdp->address), "%s", address);
	for (int i = 0; i < SIP_SDP_OTHER; i++)
		sdp->formats[i] = (struct sip_sdp_format){codecs[i].payload, (enum sip_sdp_codec)i};
}

static bool knows_codec(const struct sip_sdp *sdp, enum sip_sdp_codec codec)
{
	for (size_t i = 0; i < sdp->format_count; i++)
		if (sdp->formats[i].codec == codec)
			return true;
	return false;
}

bool sip_sdp_sends(enum sip_sdp_direction direction)
{
	return direction == SIP_SDP_SENDRECV || direction == SIP_SDP_SENDONLY;
}

bool sip_sdp_receives(enum sip_sdp_direction direction)
{
	return direction == SIP_SDP_SENDRECV || direction == SIP_SDP_RECVONLY;
}

enum sip_sdp_direction sip_sdp_mirror(enum sip_sdp_direction offered, enum sip_sdp_direction local)
{
	bool we_send = sip_sdp_receives(offered) && sip_sdp_sends(local);
	bool we_receive = sip_sdp_sends(offered) && sip_sdp_receives(local);

	if (we_send)
		return we_receive ? SIP_SDP_SENDRECV : SIP_SDP_SENDONLY;
	return we_receive ? SIP_SDP_RECVONLY : SIP_SDP_INACTIVE;
}

int sip_sdp_answer(struct sip_sdp *answer, const struct sip_sdp *offer, const struct sip_sdp *local)
{
	bool has_voice = false;

	*answer = *local;
	answer->format_count = 0;
	for (size_t i = 0; i < offer->format_count; i++) {
		enum sip_sdp_codec codec = offer->formats[i].codec;
		if (codec == SIP_SDP_OTHER || !knows_codec(local, codec))
			continue;
		answer->formats[answer->format_count++] = offer->formats[i];
		has_voice |= codec != SIP_SDP_EVENT;
	}
	if (!has_voice || offer->port == 0)
		return SIP_EUNSUPPORTED;
	answer->direction = sip_sdp_mirror(offer->direction, local->direction);
	answer->stream_count = offer->stream_count;
	answer->stream_chosen = offer->stream_chosen;
	memcpy(answer->streams, offer->streams, sizeof(answer->streams));
	return 0;
}

/* ---- reading ------------------------------------------------------------------------------- */

/* Which lines count: those of the session, then those of the audio stream. */
enum part { SESSION, AUDIO, OTHER_STREAM };

struct reading {
	struct sip_sdp *sdp;
	struct sip_sdp session; /* what the lines before the first stream say of all */
	enum part part;
	bool has_audio;
};

static struct sip_span next_word(struct sip_span *rest)
{
	*rest = sip_span_trim(*rest);
	return sip_span_cut(*rest, ' ', rest);
}

/* RFC 3551: 0 and 8 need no rtpmap. */
static enum sip_sdp_codec static_codec(uint32_t payload)
{
	if (payload == codecs[SIP_SDP_PCMU].payload)
		return SIP_SDP_PCMU;
	return payload == codecs[SIP_SDP_PCMA].payload ? SIP_SDP_PCMA : SIP_SDP_OTHER;
}

static bool has_payload(const struct sip_sdp *sdp, uint32_t payload)
{
	for (size_t i = 0; i < sdp->format_count; i++)
		if (sdp->formats[i].payload == payload)
			return true;
	return false;
}

static int read_formats(struct sip_sdp *sdp, struct sip_span formats)
{
	uint32_t payload;

	while (formats.length > 0 && sdp->format_count < SIP_SDP_FORMATS_MAX) {
		int error = sip_span_number(next_word(&formats), 127, &payload);
		if (error != 0)
			return error;
		if (has_payload(sdp, payload))
			continue;
		sdp->formats[sdp->format_count++] =
			(struct sip_sdp_format){(uint8_t)payload, static_codec(payload)};
	}
	return sdp->format_count > 0 ? 0 : SIP_EVALUE;
}

/* The first audio stream is taken, or, if that is refused, the first that is not. */
static int read_audio(struct reading *reading, struct sip_span port, struct sip_span formats)
{
	struct sip_sdp *sdp = reading->sdp;
	uint32_t number = 0;
	int error;

	if (reading->has_audio && sdp->port != 0)
		return 0;
	error = sip_span_number(port, UINT16_MAX, &number);
	if (error != 0 || (reading->has_audio && number == 0))
		return error;
	reading->part = AUDIO;
	reading->has_audio = true;
	sdp->stream_chosen = sdp->stream_count - 1;
	sdp->port = (uint16_t)number;
	sdp->rtcp_port = 0;
	sdp->is_ip6 = reading->session.is_ip6;
	sdp->direction = reading->session.direction;
	sdp->format_count = 0;
	memcpy(sdp->address, reading->session.address, sizeof(sdp->address));
	return read_formats(sdp, formats);
}

/* "audio 49170 RTP/AVP 0 8"; what an answer has to repeat of each stream is noted. */
static int read_media(struct reading *reading, struct sip_span value)
{
	struct sip_sdp *sdp = reading->sdp;
	struct sip_span media = next_word(&value), port = next_word(&value);
	struct sip_span protocol = next_word(&value), formats = value;
	struct sip_sdp_stream *stream = &sdp->streams[sdp->stream_count];

	if (sdp->stream_count == SIP_SDP_STREAMS_MAX ||
	    sip_span_copy(media, stream->media, sizeof(stream->media)) != 0 ||
	    sip_span_copy(protocol, stream->protocol, sizeof(stream->protocol)) != 0 ||
	    sip_span_copy(next_word(&value), stream->format, sizeof(stream->format)) != 0)
		return SIP_ESIZE;
	if (stream->format[0] == '\0')
		return SIP_EVALUE;
	if (sdp->stream_count++ == 0)
		reading->session = *sdp;
	reading->part = OTHER_STREAM;
	if (strcmp(stream->media, "audio") != 0 || strcmp(stream->protocol, "RTP/AVP") != 0)
		return 0;
	return read_audio(reading, port, formats);
}

/* "IN IP4 192.0.2.1"; the stream's own comes after the session's and replaces it (RFC 8866 5.7). */
static int read_connection(struct sip_sdp *sdp, struct sip_span value)
{
	struct sip_span network = next_word(&value), family = next_word(&value);
	struct sip_span address = next_word(&value);

	sdp->is_ip6 = sip_span_is(family, "IP6");
	if (!sip_span_is(network, "IN") || (!sdp->is_ip6 && !sip_span_is(family, "IP4")) ||
	    address.length == 0)
		return SIP_EVALUE;
	return sip_span_copy(address, sdp->address, sizeof(sdp->address)) == 0 ? 0 : SIP_ESIZE;
}

/* "101 telephone-event/8000": the one clock rate that we know. */
static void read_rtpmap(struct sip_sdp *sdp, struct sip_span value)
{
	struct sip_span number = next_word(&value), rate, channels;
	struct sip_span name = sip_span_cut(next_word(&value), '/', &rate);
	enum sip_sdp_codec codec = SIP_SDP_OTHER;
	uint32_t payload;

	if (sip_span_number(number, 127, &payload) != 0)
		return;
	rate = sip_span_cut(rate, '/', &channels);
	for (int i = 0; i < SIP_SDP_OTHER; i++)
		if (sip_span_is(name, codecs[i].name) && sip_span_is(rate, "8000"))
			codec = (enum sip_sdp_codec)i;
	for (size_t i = 0; i < sdp->format_count; i++)
		if (sdp->formats[i].payload == payload)
			sdp->formats[i].codec = codec;
}

static void read_attribute(struct sip_sdp *sdp, struct sip_span attribute)
{
	struct sip_span value;
	struct sip_span name = sip_span_cut(attribute, ':', &value);
	uint32_t port;

	if (sip_span_is(name, "rtpmap"))
		read_rtpmap(sdp, value);
	/* RFC 3605: "53020", perhaps with an address after it; the port alone is heeded. */
	if (sip_span_is(name, "rtcp") && sip_span_number(next_word(&value), UINT16_MAX, &port) == 0)
		sdp->rtcp_port = (uint16_t)port;
	for (int i = 0; i < SIP_SDP_DIRECTIONS_MAX; i++)
		if (sip_span_is(name, directions[i]))
			sdp->direction = (enum sip_sdp_direction)i;
}

/* Lines of other kinds, and those of streams that are not taken, are passed over. */
static int read_line(struct reading *reading, struct sip_span line)
{
	struct sip_span value = {line.at + 2, line.length - 2};

	/* RFC 8866 9: these two may stand nowhere, and what an answer repeats of an offer must not
	 * hold them. */
	if (line.length < 2 || line.at[1] != '=' || memchr(line.at, '\0', line.length) ||
	    memchr(line.at, '\r', line.length))
		return SIP_EVALUE;
	if (line.at[0] == 'm')
		return read_media(reading, value);
	if (line.at[0] == 'c' && reading->part != OTHER_STREAM)
		return read_connection(reading->sdp, value);
	if (line.at[0] == 'a' && reading->part != OTHER_STREAM)
		read_attribute(reading->sdp, value);
	return 0;
}

static struct sip_span next_line(struct sip_span *rest)
{
	const char *end = memchr(rest->at, '\n', rest->length);
	struct sip_span line = {rest->at, end ? (size_t)(end - rest->at) : rest->length};

	rest->at += line.length + (end != NULL);
	rest->length -= line.length + (end != NULL);
	if (line.length > 0 && line.at[line.length - 1] == '\r')
		line.length--;
	return line;
}

int sip_sdp_parse(struct sip_sdp *sdp, struct sip_span text)
{
	struct reading reading = {.sdp = sdp};
	int error = 0;

	*sdp = (struct sip_sdp){.direction = SIP_SDP_SENDRECV};
	if (text.length > SIP_SDP_MAX)
		return SIP_ESIZE;
	if (text.length == 0 || !sip_span_is(next_line(&text), "v=0"))
		return SIP_EVALUE;
	while (error == 0 && text.length > 0)
		error = read_line(&reading, next_line(&text));
	if (error != 0)
		return error;
	if (!reading.has_audio)
		return SIP_EUNSUPPORTED;
	return sdp->address[0] != '\0' ? 0 : SIP_EVALUE;
}

/* ---- writing ------------------------------------------------------------------------------- */

static void write_audio(FILE *out, const struct sip_sdp *sdp)
{
	fprintf(out, "m=audio %u RTP/AVP", sdp->port);
	for (size_t i = 0; i < sdp->format_count; i++)
		fprintf(out, " %u", sdp->formats[i].payload);
	fprintf(out, "\r\n");
	for (size_t i = 0; i < sdp->format_count; i++) {
		const struct sip_sdp_format *format = &sdp->formats[i];
		if (format->codec == SIP_SDP_OTHER)
			continue;
		fprintf(out, "a=rtpmap:%u %s/8000\r\n", format->payload,
			codecs[format->codec].name);
		if (format->codec == SIP_SDP_EVENT)
			fprintf(out, "a=fmtp:%u 0-15\r\n", format->payload);
	}
	fprintf(out, "a=%s\r\n", directions[sdp->direction]);
}

/* RFC 3264 6: an answer has the offer's streams, in its order; those not taken have port 0. */
static void write_streams(FILE *out, const struct sip_sdp *sdp)
{
	if (sdp->stream_count == 0)
		write_audio(out, sdp);
	for (size_t i = 0; i < sdp->stream_count; i++) {
		if (i == sdp->stream_chosen)
			write_audio(out, sdp);
		else
			fprintf(out, "m=%s 0 %s %s\r\n", sdp->streams[i].media,
				sdp->streams[i].protocol, sdp->streams[i].format);
	}
}

int sip_sdp_write(const struct sip_sdp *sdp, char *buffer, size_t size)
{
	const char *family = sdp->is_ip6 ? "IP6" : "IP4";
	const char *origin = sdp->origin[0] != '\0' ? sdp->origin : sdp->address;
	FILE *out = fmemopen(buffer, size, "w");
	long length;
	bool failed;

	if (!out)
		return SIP_ESPACE;
	fprintf(out, "v=0\r\no=- %llu %llu IN %s %s\r\ns=-\r\nc=IN %s %s\r\nt=0 0\r\n",
		(unsigned long long)sdp->session_id, (unsigned long long)sdp->session_version,
		strchr(origin, ':') ? "IP6" : "IP4", origin, family, sdp->address);
	write_streams(out, sdp);
	failed = fflush(out) != 0 || ferror(out);
	length = ftell(out);
	failed |= fclose(out) != 0;
	return failed || (size_t)length >= size ? SIP_ESPACE : (int)length;
}
