/* media.h - a live audio session: RTP and RTCP between this machine and one far end (RFC 3550).
 *
 * It knows nothing of SIP: who negotiates tells it where the far end is (media_set_target()) and
 * nothing else, so a failover of the signalling leaves the audio as it is (CALL-3).  G.711, 8 kHz,
 * 20 ms a packet; what comes may hold 10 to 60 ms.  There is no SRTP.
 *
 *   struct media *media;
 *
 *   media_open(&media, &config);              its port is media_port(): put it into the offer
 *   media_set_source(media, &source);         what is said; silence at first
 *   media_set_target(media, &target);         the answer came; again after each re-negotiation
 *   media_close(media);                       sends RTCP's BYE
 *
 * From whom media is taken: see enum media_trust.  All else is counted and dropped, and so is what
 * comes before there is a target.
 *
 * Units      _ms are milliseconds; _at_ms is a point on the clock of net_now_ms(); samples are
 *            16-bit linear, MEDIA_RATE a second.
 * Ownership  media_open() gives a session that the caller closes with media_close(), also from the
 *            session's own callbacks.  What a function or a callback is given is valid until it
 *            returns; text is copied.
 * Errors     0, or a negative errno value; the session is then as it was.
 * Threads    Its loop's thread only.
 */
#ifndef MEDIA_MEDIA_H
#define MEDIA_MEDIA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "net/address.h"
#include "net/loop.h"

enum {
	MEDIA_RATE = 8000,          /* samples a second, of all that is here */
	MEDIA_PACKET_MS = 20,       /* audio in a packet that we send */
	MEDIA_PACKET_SAMPLES = 160, /* the same in samples */
	MEDIA_PORT_FIRST = 16384,   /* the range if none is set */
	MEDIA_PORT_LAST = 32767,
	MEDIA_DIGITS_MAX = 64, /* digits that wait to be sent */
	MEDIA_NO_PAYLOAD = -1, /* a format that was not agreed on */
	MEDIA_DSCP_VOICE = 46, /* expedited forwarding (RFC 4594 4.1) */
};

struct media;

/* ---- the far end, as negotiated ---- */

enum media_codec { MEDIA_PCMU, MEDIA_PCMA };

/* RTP payload types, 0..127 or MEDIA_NO_PAYLOAD: they differ with the direction (RFC 3264 5.1). */
struct media_payloads {
	int pcmu, pcma;
	int event; /* telephone-event (RFC 4733) */
};

struct media_target {
	struct net_address rtp;         /* where we send to */
	struct net_address rtcp;        /* port 0: the next port after RTP's */
	bool sends;                     /* we may: sendrecv, sendonly */
	bool receives;                  /* we listen: sendrecv, recvonly */
	enum media_codec codec;         /* which we send; its payload type is in `sent` */
	struct media_payloads sent;     /* as the far end's description numbers them */
	struct media_payloads received; /* as ours numbers them */
};

/* Whose packets are taken. */
enum media_trust {
	/* From the address that was negotiated, whatever the port: what a session border
	 * controller, or any far end without a NAT before it, needs. */
	MEDIA_TRUST_NEGOTIATED,
	/* Symmetric RTP ("comedia", RFC 4961): the source of the first valid packet after each new
	 * target is where we then send to, and the only one that is listened to.  It brings audio
	 * through the far end's NAT.  Whoever guesses the port and comes first has the audio, which
	 * is why it is a choice. */
	MEDIA_TRUST_FIRST,
};

/* ---- what is said, and what becomes of what is heard ---- */

enum media_source_kind { MEDIA_SILENCE, MEDIA_TONE, MEDIA_WAV };

struct media_source {
	enum media_source_kind kind;
	unsigned hz;      /* of a tone: 100..3800 */
	const char *path; /* of a WAV file: 8 kHz, 1 channel, any encoding that libsndfile reads */
	bool loops;       /* the file begins again at its end; else silence follows it */
};

enum media_event_kind {
	MEDIA_EVENT_DIGIT,     /* the far end pressed a key: told once, when it begins */
	MEDIA_EVENT_PLAYED,    /* a WAV file that does not loop is at its end */
	MEDIA_EVENT_BYE,       /* the far end's RTCP says that its stream ended */
	MEDIA_EVENT_RECORDING, /* the recording cannot be written any more, and was ended */
};

struct media_event {
	enum media_event_kind kind;
	char digit; /* 0-9 * # A-D */
};

/* ---- a session ---- */

struct media_config {
	struct net_loop *loop;
	struct net_address local; /* where media is received and sent from; no wildcard, so that it
				   * can stand in a description; its port counts for nothing */
	uint16_t port_first;      /* both 0: MEDIA_PORT_FIRST and MEDIA_PORT_LAST */
	uint16_t port_last;
	uint8_t dscp; /* of RTP and RTCP; MEDIA_DSCP_VOICE for voice */
	enum media_trust trust;
	const char *cname; /* RTCP's canonical name; NULL: a random one (RFC 7022) */

	/* May be NULL. */
	void (*on_event)(void *user, const struct media_event *event);

	/* Each 20 ms of received audio, losses concealed, while the target says that we listen.
	 * May be NULL. */
	void (*on_audio)(void *user, const int16_t *samples, size_t count);
	void *user;
};

/* Takes an even port and the odd one after it, at random in the range, then the next pair, until
 * both are free.  Errors: -EADDRINUSE all pairs are taken; -EINVAL a range without a pair, or a
 * wildcard address; and those of net_udp_open(). */
int media_open(struct media **out, const struct media_config *config);

/* Says goodbye by RTCP, closes the recording. */
void media_close(struct media *media);

/* The address and even port of our RTP; RTCP's is the next port. */
struct net_address media_local(const struct media *media);

/* The port alone. */
uint16_t media_port(const struct media *media);

/* Where to send and what to take, from now on.  A new address begins with an empty jitter buffer;
 * anything else leaves the stream as it is, its numbers go on.  -EINVAL: the codec that is to be
 * sent has no payload type, a port is 0, or the address is of another family than ours. */
int media_set_target(struct media *media, const struct media_target *target);

/* Neither sends nor listens any more, until there is a new target. */
void media_clear_target(struct media *media);

/* What is said from the next packet on.  -ENOENT, -EACCES...: the file cannot be opened; -EINVAL:
 * it is no audio, or not 8 kHz with one channel; or a tone out of range. */
int media_set_source(struct media *media, const struct media_source *source);

/* Writes what is heard to a WAV file (16 bits, 8 kHz, one channel), which replaces one that is
 * there; NULL ends it.  What is lost, or said during a hold, is silence in it, so that it runs in
 * real time.  -ENOENT, -EACCES...: the file cannot be made. */
int media_record(struct media *media, const char *path);

/* Sends digits (0-9 * # A-D) as telephone-event, 100 ms each with a pause of 60 ms, after those
 * that wait.  -EINVAL: no digit; -ENOSPC: more than MEDIA_DIGITS_MAX would wait; -ENOTSUP: the far
 * end did not agree to telephone-event. */
int media_send_digits(struct media *media, const char *digits);

/* ---- what happened so far ---- */

struct media_statistics {
	/* Received, of all streams that the far end sent under one name after the other. */
	uint64_t received;       /* RTP packets taken */
	uint64_t received_bytes; /* of payload */
	uint64_t lost;       /* RFC 3550 6.4.1, of the present stream: repeats count as received */
	uint64_t duplicated; /* came again, or too late to be played */
	uint64_t concealed;  /* frames of 20 ms that had to be made up */
	uint64_t streams;    /* how often a stream with a new SSRC began */
	uint32_t jitter_us;  /* RFC 3550 A.8 */
	uint64_t received_at_ms; /* when the last packet came; 0: none did */

	/* Dropped. */
	uint64_t strangers; /* RTP or RTCP of others than the far end, or without a target */
	uint64_t malformed; /* neither RTP nor RTCP, or a payload type or length of no use */
	uint64_t unwanted;  /* RTP while the target says that we don't listen */

	/* Sent. */
	uint64_t sent;
	uint64_t sent_bytes;
	uint64_t send_errors; /* the kernel refused it, or ICMP told of it */

	/* What the far end's reports say of our stream. */
	uint64_t reports;      /* RTCP packets of the far end */
	int32_t reported_lost; /* may be negative: repeats count (RFC 3550 6.4.1) */
	uint32_t reported_jitter_us;
	uint32_t round_trip_us; /* 0: not known */

	char cname[256]; /* the far end's; "" before it told */
};

void media_statistics_get(const struct media *media, struct media_statistics *out);

#endif
