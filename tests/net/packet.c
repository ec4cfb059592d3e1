#include "tests/net/packet.h"

#include "tests/net/support.h"

uint8_t *packet_build(const struct packet *packet, size_t *size)
{
	ldns_rdf *name = ldns_dname_new_frm_str(packet->name);
	ldns_pkt *answer = ldns_pkt_query_new(name, (ldns_rr_type)packet->type, LDNS_RR_CLASS_IN,
					      LDNS_RD | LDNS_RA);
	uint8_t *bytes;

	assert_non_null(answer);
	ldns_pkt_set_id(answer, packet->id);
	ldns_pkt_set_qr(answer, !packet->is_question);
	ldns_pkt_set_tc(answer, packet->truncated);
	ldns_pkt_set_rcode(answer, (uint8_t)packet->rcode);
	for (const char *const *line = packet->answer; line != NULL && *line != NULL; line++) {
		ldns_rr *rr;

		assert_int_equal(ldns_rr_new_frm_str(&rr, *line, 0, NULL, NULL), LDNS_STATUS_OK);
		ldns_pkt_push_rr(answer, LDNS_SECTION_ANSWER, rr);
	}
	assert_int_equal(ldns_pkt2wire(&bytes, answer, size), LDNS_STATUS_OK);
	ldns_pkt_free(answer);
	return bytes;
}
