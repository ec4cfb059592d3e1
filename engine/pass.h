/* pass.h - the RFC 3263 procedure.
 *
 * A pass works a set out from the answers that are known, asks for those that are not, and can be
 * run again at any time: after each answer, when records run out, when somebody needs the set.
 * It ends with a list of candidates, the whole answer in the answer's order. */
#ifndef ENGINE_PASS_H
#define ENGINE_PASS_H

#include "engine/dns.h"
#include "engine/state.h"

struct candidate {
	struct kl_route route;
	uint32_t name, ttl_ms;
	uint16_t priority, weight;
	uint8_t record, rr, rank;
};

struct pass {
	struct kl_engine *e;
	uint32_t set;
	enum look look;
	bool pending, stale, failed;
	bool full;         /* a question found no room */
	uint32_t tls_name; /* of that name; 0: it is an address */
	uint8_t record;    /* service records so far */
	uint8_t rr;        /* SRV records, and names of their own, so far */
	uint8_t rank;      /* of the entry's name that is looked up */
	uint8_t count;
	struct candidate list[KL_DNS_RECORDS_MAX];
};

/* Looks the names of CONFIG up for PASS, of which the first three members are set. */
void pass_run(struct pass *pass, const struct kl_entry_config *config);

#endif
