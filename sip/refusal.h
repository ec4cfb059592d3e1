/* refusal.h - the answer to a request that can't be read. */
#ifndef SIP_REFUSAL_H
#define SIP_REFUSAL_H

#include "sip/builder.h"

struct sip_refusal {
	struct sip_span received; /* what sip_message_parse() refused */
	int error;                /* as it said why */
	const char *to_tag;       /* set on To, if that can be read and has none */
};

/* Writes a 400, or a 505 where it is the version that is not known (RFC 3261 21.4.1, 21.5.6), with
 * the error's sentence as its reason.  Via, From, To, Call-ID and CSeq are copied, of the last four
 * the first that is there.  The answer's length; SIP_EABSENT: none is due, since it is an answer,
 * an ACK, or has no Via; SIP_ELINE: its lines can't be told apart; SIP_EMEMORY; or an error of the
 * builder: nothing comes of it. */
int sip_refusal_write(const struct sip_refusal *refusal, char *bytes, size_t size);

#endif
