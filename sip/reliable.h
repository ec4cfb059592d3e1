/* reliable.h - provisional answers that are acknowledged (RFC 3262): RSeq and RAck.
 *
 * Plain numbers, of one early dialog each.  Errors: those of sip/text.h.
 */
#ifndef SIP_RELIABLE_H
#define SIP_RELIABLE_H

#include "sip/message.h"

/* RFC 3262 7.1: an RSeq begins below 2^31, so that it never wraps. */
enum { SIP_RSEQ_FIRST_MAX = 0x7fffffff };

/* The RSeq of a provisional answer that wants a PRACK: it requires 100rel and is no 100.
 * SIP_EABSENT: it wants none; SIP_EVALUE, SIP_ERANGE: its RSeq is broken. */
int sip_rseq_read(const struct sip_message *response, uint32_t *rseq);

enum sip_rseq_verdict {
	SIP_RSEQ_NEXT,   /* is to be taken, and acknowledged */
	SIP_RSEQ_REPEAT, /* came before: its PRACK is under way, or was answered */
	SIP_RSEQ_EARLY,  /* one before it is missing: it comes again, do nothing */
};

/* Takes an RSeq in.  *LAST is the last one in order, 0 before any (RFC 3262 4). */
enum sip_rseq_verdict sip_rseq_take(uint32_t *last, uint32_t rseq);

/* What a PRACK acknowledges. */
struct sip_rack {
	uint32_t rseq, cseq; /* of the provisional answer */
	enum sip_method method;
};

/* SIP_EABSENT, SIP_EVALUE, SIP_ERANGE. */
int sip_rack_read(const struct sip_message *prack, struct sip_rack *rack);

#endif
