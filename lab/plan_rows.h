/* plan_rows.h - a lab file as its tables read it. */
#ifndef LAB_PLAN_ROWS_H
#define LAB_PLAN_ROWS_H

#include "lab/plan.h"
#include "sip/digest.h"

struct plan_server_rows {
	struct position at;
	struct yaml_leaf name, address, port, tls_port, priority, weight;
	struct yaml_list transports;
};

struct plan_cue_rows {
	struct position started;
	struct yaml_leaf at, server, fault;
};

struct plan_dns_rows {
	struct position at;
	struct yaml_leaf address, ttl, naptr;
};

struct plan_calls_rows {
	struct position at;
	struct yaml_leaf ring_after, answer_after, members_only, proxied;
};

struct plan_rows {
	struct position at;
	struct yaml_leaf domain, user, password, digest, expires_max, page, ca, expect, run, seed;
	struct plan_dns_rows *dns;
	struct plan_calls_rows *calls;
	struct yaml_list servers, timeline;
};

/* In the order of the words of `digest`: bits (1 << enum sip_digest_algorithm). */
extern const uint8_t plan_digests[];

/* In the order of the words of `transports`. */
extern const enum sip_transport plan_transports[];

#endif
