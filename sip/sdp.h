/* sdp.h - session descriptions: one audio stream, offered and answered (RFC 3264, RFC 8866).
 *
 * A description is a plain struct.  (libosip2's reader is not used: it reads past the end of a
 * description that is cut short.)
 */
#ifndef SIP_SDP_H
#define SIP_SDP_H

#include "sip/text.h"

enum {
	SIP_SDP_MAX = 8192,       /* bytes of a description that is read */
	SIP_SDP_FORMATS_MAX = 16, /* payload types kept of a stream; further ones are passed over */
	SIP_SDP_ADDRESS_MAX = 253, /* bytes of a connection address: a host name at the longest */
	SIP_SDP_STREAMS_MAX = 16,  /* streams of an offer that can be answered */
};

#define SIP_SDP_DIRECTIONS(X)                                                                      \
	X(SIP_SDP_SENDRECV, "sendrecv")                                                            \
	X(SIP_SDP_SENDONLY, "sendonly")                                                            \
	X(SIP_SDP_RECVONLY, "recvonly")                                                            \
	X(SIP_SDP_INACTIVE, "inactive")

#define SIP_SDP_VALUE(id, name) id,
enum sip_sdp_direction { SIP_SDP_DIRECTIONS(SIP_SDP_VALUE) SIP_SDP_DIRECTIONS_MAX };
#undef SIP_SDP_VALUE

#define SIP_SDP_CODECS(X)                                                                          \
	X(SIP_SDP_PCMU, "PCMU", 0)                                                                 \
	X(SIP_SDP_PCMA, "PCMA", 8)                                                                 \
	X(SIP_SDP_EVENT, "telephone-event", 101)

#define SIP_SDP_VALUE(id, name, payload) id,
enum sip_sdp_codec { SIP_SDP_CODECS(SIP_SDP_VALUE) SIP_SDP_OTHER };
#undef SIP_SDP_VALUE

struct sip_sdp_format {
	uint8_t payload; /* 0..127 */
	enum sip_sdp_codec codec;
};

/* A stream as offered. */
struct sip_sdp_stream {
	char media[16];    /* "video" */
	char protocol[24]; /* "RTP/AVP" */
	char format[16];   /* its first format */
};

/* A description, of which the first audio stream counts that is not refused. */
struct sip_sdp {
	/* Of a description to be written; not read. */
	uint64_t session_id;
	uint64_t session_version; /* grows with every change (RFC 3264 8) */
	/* The o= line's, which stays when the next one changes (RFC 3264 8); "": the same. */
	char origin[SIP_SDP_ADDRESS_MAX + 1];
	char address[SIP_SDP_ADDRESS_MAX + 1]; /* where the stream is received */
	bool is_ip6;
	uint16_t port;      /* 0: the stream is refused */
	uint16_t rtcp_port; /* 0: the next one (RFC 3605); read, and not written */
	enum sip_sdp_direction direction;
	struct sip_sdp_format formats[SIP_SDP_FORMATS_MAX]; /* in order of preference */
	size_t format_count;
	/* Of a description that was read: its streams, of which an answer refuses all but one. */
	size_t stream_count;
	size_t stream_chosen; /* index of the audio stream */
	struct sip_sdp_stream streams[SIP_SDP_STREAMS_MAX];
};

/* An offer of PCMU, PCMA and telephone-event: fills all but the session's numbers, which are the
 * caller's random ones. */
void sip_sdp_offer(struct sip_sdp *sdp, const char *address, uint16_t port,
		   enum sip_sdp_direction direction);

/* The answer to OFFER for LOCAL (an offer of ours): the formats that both know, numbered and
 * ordered as offered; the direction mirrored and no wider than LOCAL's; every other stream refused.
 * SIP_EUNSUPPORTED if no codec is common: answer 488. */
int sip_sdp_answer(struct sip_sdp *answer, const struct sip_sdp *offer,
		   const struct sip_sdp *local);

/* Reads a description.  SIP_ESIZE: too long, too many streams, or a
 * part longer than its field; SIP_EVALUE, SIP_ERANGE: broken, or without
 * an address; SIP_EUNSUPPORTED: no audio stream. */
int sip_sdp_parse(struct sip_sdp *sdp, struct sip_span text);

/* Writes a description with a NUL.  Returns its length, or SIP_ESPACE. */
int sip_sdp_write(const struct sip_sdp *sdp, char *buffer, size_t size);

/* What one side does with a stream that the other OFFERED or answered so: what they send we
 * receive, and nothing that LOCAL does not do (RFC 3264 6.1). */
enum sip_sdp_direction sip_sdp_mirror(enum sip_sdp_direction offered, enum sip_sdp_direction local);

bool sip_sdp_sends(enum sip_sdp_direction direction);
bool sip_sdp_receives(enum sip_sdp_direction direction);

const char *sip_sdp_direction_name(enum sip_sdp_direction direction);

#endif
