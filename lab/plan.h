/* plan.h - what a lab is to be: its servers, its names, and what breaks when.
 *
 *	struct lab_plan *plan;
 *	bool good = lab_plan_load("lab.yaml", &plan);     NULL instead of a path: the built-in one
 *	print plan->diagnostics, whatever the result
 *	lab_plan_free(plan);
 *
 * A lab file is YAML; docs/lab.md has its keys.  All its errors are told in one run.
 *
 * Ownership  Everything that a plan points to lives in it, until lab_plan_free().
 * Errors     Are diagnostics, with file, line and column.  Memory that runs out aborts the program.
 */
#ifndef LAB_PLAN_H
#define LAB_PLAN_H

#include "config/config.h"
#include "config/yaml.h"
#include "lab/fault.h"
#include "net/address.h"

enum {
	LAB_SERVERS_MAX = LAB_FAULT_SERVERS_MAX,
	LAB_CUES_MAX = 256,
	LAB_TTL_DEFAULT_S = 300,
};

struct lab_plan_server {
	const char *name;
	struct net_address address; /* its port: of UDP and TCP */
	uint16_t tls_port;
	uint8_t transports; /* bit (1 << enum sip_transport) */
	uint16_t priority, weight;
	struct position at; /* of its address */
};

/* Something that befalls a server at its time. */
struct lab_cue {
	uint32_t at_ms; /* from the start */
	int server;     /* index; LAB_DNS */
	struct lab_fault fault;
};

#define LAB_DNS (-1)

struct lab_plan {
	const char *domain;
	const char *user;     /* NULL: any */
	const char *password; /* NULL: nobody is asked.  Never to be printed */
	uint8_t algorithms;   /* bits (1 << enum sip_digest_algorithm) */
	const struct lab_plan_server *servers;
	unsigned server_count;
	struct {
		struct net_address address;
		struct position at;
		uint32_t ttl_s;
		bool naptr;
	} dns;
	struct {
		uint32_t ring_ms, answer_ms;
		bool members_only, proxied;
	} calls;
	uint32_t expires_max_s;     /* 0: as asked for */
	const struct lab_cue *cues; /* by time */
	unsigned cue_count;
	struct net_address page; /* port 0: no page */
	struct position page_at;
	const char *ca_file; /* where the CA's certificate goes; NULL: nowhere lasting */
	const char *expect;  /* a profile; NULL: not said */
	uint32_t run_ms;     /* 0: until it is stopped */
	uint64_t seed;

	const struct config_diagnostic *diagnostics;
	uint32_t diagnostic_count;
	struct config_store *store; /* private */
};

/* *PLAN is always made.  False: it can't be used, and the diagnostics say why. */
bool lab_plan_load(const char *path, struct lab_plan **plan);
void lab_plan_free(struct lab_plan *plan); /* NULL is fine */

/* The server of that name, LAB_DNS for "dns"; -2: there is none. */
int lab_plan_find(const struct lab_plan *plan, const char *name);

/* The keys of the file, for its documentation. */
const struct yaml_table *lab_plan_table(void);

#endif
