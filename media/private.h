/* private.h - a session's inside, known to the files of this folder alone.
 *
 * media.c opens, closes and is told what to do; turn.c says and plays 20 ms after 20 ms; receive.c
 * judges what comes; report.c speaks RTCP.
 */
#ifndef MEDIA_PRIVATE_H
#define MEDIA_PRIVATE_H

#include "media/clock.h"
#include "media/digit.h"
#include "media/media.h"
#include "media/pair.h"
#include "media/playout.h"
#include "media/reception.h"
#include "media/speaker.h"

enum {
	/* The longest packet that could be of use, and room: an Ethernet frame's. */
	MEDIA_DATAGRAM_MAX = 1500,
};

/* The stream that we send. */
struct media_outgoing {
	uint32_t ssrc;
	uint16_t sequence;   /* of the next packet */
	uint32_t timestamp;  /* of the present turn */
	uint64_t turn_at_us; /* when that was */
	bool begins;         /* the next packet is the first after a pause: it has the marker */
	uint32_t digit_timestamp;
	struct media_digits digits;
	uint32_t packets, bytes;
};

/* The far end, as it is at present. */
struct media_peer {
	bool has_target;
	struct media_target target;
	bool has_latched; /* MEDIA_TRUST_FIRST: `rtp` is the source of its first packet */
	struct net_address rtp, rtcp; /* where we send to */
	struct media_reception reception;
	struct media_digit_ear ear;
	/* Its last sender report. */
	uint32_t report_ssrc;
	uint32_t report_ntp;   /* the middle 32 bits */
	uint64_t report_at_us; /* 0: none */
};

/* What RTCP has to remember of what it sent. */
struct media_reporting {
	struct net_timer *timer;
	bool has_begun;      /* a report was sent */
	uint32_t packets[2]; /* that had gone out at the last report, and at the one before */
	uint32_t ntp[2];     /* middle 32 bits of the last two sender reports */
	char cname[MEDIA_CNAME_MAX + 1];
};

struct media {
	struct media_config config; /* without its text */
	struct media_pair pair;
	struct net_timer *turn;
	struct media_clock clock;
	struct media_outgoing out;
	struct media_peer peer;
	struct media_reporting reporting;
	struct media_speaker speaker;
	struct media_playout *playout;
	struct media_wav_writer *recording;
	struct media_statistics statistics; /* but for what reception and sockets know */
	uint64_t concealed_samples;
	bool is_busy; /* one of its callbacks is under way: closing waits for its end */
	bool is_closed;
};

/* Microseconds on the clock of net_now_ms(). */
uint64_t media_now_us(void);

/* Random bits, from the kernel (RFC 3550 8.1: SSRC, first sequence number and timestamp). */
uint32_t media_random(void);

/* Around whatever the loop calls: what a callback of the user closed is freed at the end. */
void media_enter(struct media *media);
void media_leave(struct media *media);

/* Tells the user, unless the session is closed. */
void media_tell(struct media *media, struct media_event event);

/* turn.c: for the loop's timer */
void media_turn(void *user);

/* receive.c: for the sockets */
void media_receive_rtp(void *user, const struct net_datagram *datagram);
void media_receive_rtcp(void *user, const struct net_datagram *datagram);

/* report.c */
void media_report_begin(struct media *media); /* sets the timer for the next one */
void media_report_due(void *user);            /* for the loop's timer */
void media_report_goodbye(struct media *media);
void media_report_take(struct media *media, const struct media_rtcp *packet);

#endif
