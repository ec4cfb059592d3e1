/* offer.h - what a dialog negotiates: RFC 3264's offers and answers for one audio stream.
 *
 * A pure state beside a dialog: text in, text out, and at last a target for media.  A plain struct
 * without pointers: when an INVITE forks, each early dialog takes a copy of what the INVITE
 * offered.
 *
 * Who calls, for each place where a description may stand (RFC 3261 13.2.1, RFC 3262 5, RFC 3311):
 *
 *   we send an INVITE or UPDATE with an offer    sip_offer_make(), then sip_offer_take_answer()
 *   an INVITE or UPDATE came with an offer       sip_offer_answer()
 *   an INVITE came without one                   sip_offer_make() for the 200 (or a reliable 18x),
 *                                                then sip_offer_take_answer() of the ACK (or PRACK)
 *   our INVITE had none                          sip_offer_answer() of the 2xx's, for the ACK
 *   our offer was refused (488, 491, 408...)     sip_offer_abandon(): what was agreed on goes on
 *
 * A description in a 200 after an answer in a reliable 18x changes nothing: sip_offer_take_answer()
 * says SIP_ESTATE, ignore it (RFC 6337 3.1).
 *
 * PCMU, PCMA and telephone-event over RTP/AVP alone are spoken.  An offer of SRTP alone has nothing
 * that could be answered: SIP_EUNSUPPORTED, as every offer without a common codec.
 *
 * Errors     negative, from sip/text.h; the negotiation is then as it was.
 */
#ifndef SIP_OFFER_H
#define SIP_OFFER_H

#include "sip/sdp.h"

enum {
	SIP_OFFER_TEXT_MAX = 4096,  /* bytes that any description of ours fits in */
	SIP_OFFER_NO_PAYLOAD = -1,  /* a format that was not agreed on */
	SIP_OFFER_ADDRESS_MAX = 45, /* bytes of a literal address */
};

#define SIP_OFFER_STATES(X)                                                                        \
	X(SIP_OFFER_NONE)   /* nothing was negotiated yet */                                       \
	X(SIP_OFFER_FIRST)  /* our first offer waits for its answer */                             \
	X(SIP_OFFER_AGREED) /* both have said their part */                                        \
	X(SIP_OFFER_AGAIN)  /* what was agreed on goes on; a new offer of ours waits */

#define SIP_OFFER_VALUE(id) id,
enum sip_offer_state { SIP_OFFER_STATES(SIP_OFFER_VALUE) };
#undef SIP_OFFER_VALUE

/* What was agreed on, as media needs it. */
struct sip_media_target {
	/* "192.0.2.1", "2001:db8::1": never a name; "0.0.0.0" or "::": nothing may be sent. */
	char address[SIP_OFFER_ADDRESS_MAX + 1];
	uint16_t port;                    /* of RTP */
	uint16_t rtcp_port;               /* port + 1 unless a=rtcp says otherwise (RFC 3605) */
	enum sip_sdp_direction direction; /* as seen from here */
	enum sip_sdp_codec codec;         /* SIP_SDP_PCMU or SIP_SDP_PCMA: what is to be sent */
	/* Payload types, or SIP_OFFER_NO_PAYLOAD, by enum sip_sdp_codec. */
	int sent[SIP_SDP_OTHER];     /* as the far end's description numbers them */
	int received[SIP_SDP_OTHER]; /* as ours numbers them */
};

/* Its fields are for sip/offer.c; the getters below tell what others may ask. */
struct sip_offer {
	enum sip_offer_state state;
	bool is_held;                         /* by the far end */
	enum sip_sdp_direction wanted;        /* by our side, from the next description on */
	enum sip_sdp_direction wanted_before; /* what was wanted when both agreed */
	uint8_t payloads[SIP_SDP_OTHER];      /* our numbers: as first agreed on (RFC 3264 8.3.2) */
	uint64_t session_id;
	char address[SIP_OFFER_ADDRESS_MAX + 1];
	uint16_t port;
	bool has_written;
	struct sip_sdp written; /* our last description, answered or not */
	struct sip_media_target agreed;
};

struct sip_offer_config {
	const char *address; /* a literal address, where media is received */
	uint16_t port;       /* of RTP, even */
	uint64_t session_id; /* random; the first version, too (RFC 8866 5.2) */
};

/* Nothing negotiated, sendrecv wanted.  SIP_EVALUE: no literal address, or port 0. */
int sip_offer_init(struct sip_offer *offer, const struct sip_offer_config *config);

/* Where media is received changed (a new network).  It stands in the next description: make one. */
int sip_offer_move(struct sip_offer *offer, const char *address, uint16_t port);

/* What our side wants: SIP_SDP_SENDONLY puts the far end on hold (with music), SIP_SDP_INACTIVE
 * without, SIP_SDP_SENDRECV resumes.  It stands in the next description: make one. */
void sip_offer_want(struct sip_offer *offer, enum sip_sdp_direction direction);

/* Writes our offer, with a NUL.  Returns its length.  Its streams are those of the descriptions
 * before it, in their order, and its version is one more if anything changed (RFC 3264 8).
 * SIP_ESTATE: an offer of ours is open already. */
int sip_offer_make(struct sip_offer *offer, char *buffer, size_t size);

/* Takes the far end's offer and writes our answer, with a NUL.  Returns its length.
 * SIP_ESTATE: an offer of ours is open: answer 491 (RFC 3261 14.2; 500 to an UPDATE that comes
 * before we answered another one).  SIP_EUNSUPPORTED: answer 488.  SIP_EVALUE, SIP_ERANGE,
 * SIP_ESIZE: answer 400 or 488. */
int sip_offer_answer(struct sip_offer *offer, struct sip_span text, char *buffer, size_t size);

/* Takes the answer to our offer.  SIP_ESTATE: none is open, ignore it.  SIP_EUNSUPPORTED: the far
 * end refused the stream, or chose what was not offered; any error: the answer is of no use.  The
 * offer stays open then: the call has to end, or the offer to be abandoned. */
int sip_offer_take_answer(struct sip_offer *offer, struct sip_span text);

/* Our offer was refused or never answered: the state before it holds again (RFC 3261 14.1).  What
 * is wanted is again what was agreed on. */
void sip_offer_abandon(struct sip_offer *offer);

/* An offer of ours waits for its answer: no other may be made (RFC 3261 14.1). */
bool sip_offer_is_open(const struct sip_offer *offer);

/* The far end does not want to hear us (sendonly, inactive, or RFC 2543's c=0.0.0.0). */
bool sip_offer_is_held(const struct sip_offer *offer);

/* What was last agreed on, also while a new offer is open; NULL: nothing yet. */
const struct sip_media_target *sip_offer_target(const struct sip_offer *offer);

#endif
