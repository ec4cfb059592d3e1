/* reliable.c - provisional answers that are acknowledged. */
#include "sip/reliable.h"

int sip_rseq_read(const struct sip_message *response, uint32_t *rseq)
{
	const struct sip_header *header = sip_message_header(response, SIP_RSEQ, 0);

	if (response->status <= 100 || response->status >= 200 || !header ||
	    !sip_message_lists(response, SIP_REQUIRE, "100rel"))
		return SIP_EABSENT;
	return sip_span_number(header->value, UINT32_MAX, rseq);
}

enum sip_rseq_verdict sip_rseq_take(uint32_t *last, uint32_t rseq)
{
	if (*last != 0 && rseq <= *last)
		return SIP_RSEQ_REPEAT;
	if (*last != 0 && rseq != *last + 1)
		return SIP_RSEQ_EARLY;
	*last = rseq;
	return SIP_RSEQ_NEXT;
}

static struct sip_span next_word(struct sip_span *rest)
{
	*rest = sip_span_trim(*rest);
	return sip_span_cut(*rest, ' ', rest);
}

/* "776656 1 INVITE" */
int sip_rack_read(const struct sip_message *prack, struct sip_rack *rack)
{
	const struct sip_header *header = sip_message_header(prack, SIP_RACK, 0);
	struct sip_span rest;
	int error;

	if (!header)
		return SIP_EABSENT;
	rest = header->value;
	error = sip_span_number(next_word(&rest), UINT32_MAX, &rack->rseq);
	if (error == 0)
		error = sip_span_number(next_word(&rest), SIP_CSEQ_MAX, &rack->cseq);
	rack->method = sip_method_of(sip_span_trim(rest));
	return error;
}
