/* lab.h - servers that break on purpose, and all that passed between them and phones.
 *
 *	struct lab *lab;
 *	int error = lab_open(&lab, loop, plan, &watcher, why);
 *	lab_order(lab, "server1 silent", answer);       now, beside what the plan's time line does
 *	lab_trace(lab)                                  for the judge
 *	lab_close(lab);
 *
 * Ownership  The plan and the loop outlive the lab.
 * Errors     0, or a negative errno value.
 * Threads    Its loop's thread only.  Call sip_init() first.
 */
#ifndef LAB_LAB_H
#define LAB_LAB_H

#include "lab/dnsserver.h"
#include "lab/judge.h"
#include "lab/plan.h"
#include "lab/sipserver.h"

enum {
	LAB_ENTRIES_MAX = 4096, /* kept for those who come late; the oldest goes */
	LAB_ENTRY_TEXT_MAX = 160,
	LAB_WHY_MAX = 4096, /* of all servers that can't be opened, a line each */
	LAB_ANSWER_MAX = 4096,
	LAB_RECORDS_MAX = 1 << 19, /* of the trace; then it goes on without one */
};

struct lab;

enum lab_entry_kind {
	LAB_ENTRY_REQUEST,
	LAB_ENTRY_ANSWER,
	LAB_ENTRY_CONNECTION, /* made, cut, or failed */
	LAB_ENTRY_QUESTION,   /* of the DNS */
	LAB_ENTRY_FAULT,      /* something befell a server */
};

/* One line of what is seen.  Its texts may hold anything that came from the network, but no control
 * characters. */
struct lab_entry {
	uint64_t number; /* from 1 */
	uint64_t at_us;  /* from the start */
	enum lab_entry_kind kind;
	int server;      /* index; LAB_DNS */
	bool sent;       /* by the server; else it came */
	bool lost;       /* by a fault */
	uint64_t gap_us; /* REQUEST: since the same request before, here or at another server; 0 */
	uint64_t same;   /* names that request: its method, Call-ID and line */
	char far[NET_ADDRESS_TEXT_MAX];
	char text[LAB_ENTRY_TEXT_MAX];
};

/* Who wants to see it as it happens. */
struct lab_watcher {
	void (*on_entry)(void *user, const struct lab_entry *entry); /* may be NULL */
	/* The same before it is put into words: each may be NULL. */
	void (*on_wire)(void *user, unsigned server, const struct lab_sip_wire *wire);
	void (*on_question)(void *user, const struct lab_dns_reply *reply);
	void (*on_stop)(void *user); /* somebody ordered it to end, or its time is up */
	void *user;
};

/* Opens every port, or none: what stands in the way of all of them is told in WHY, a line each. */
int lab_open(struct lab **out, struct net_loop *loop, const struct lab_plan *plan,
	     const struct lab_watcher *watcher, char why[LAB_WHY_MAX]);
void lab_close(struct lab *lab); /* NULL is fine */

/* Does what TEXT says, and puts what is to be said to it into ANSWER, some lines of text:
 *
 *	SERVER FAULT       as on a time line: server1 answers 503, dns servfail, all up
 *	status             the servers, their faults, who is registered
 *	stop
 *
 * 0; -EINVAL it is no such thing, and ANSWER tells why; else what opening a port again gave. */
int lab_order(struct lab *lab, const char *text, char answer[LAB_ANSWER_MAX]);

const struct lab_plan *lab_plan(const struct lab *lab);

/* The PEM file of the CA's certificate: the plan's, or one that ends with the lab; "": no server
 * has TLS. */
const char *lab_ca_file(const struct lab *lab);

uint64_t lab_now_us(const struct lab *lab); /* from the start */

/* The first entry with this number or a later one; NULL: there is none. */
const struct lab_entry *lab_entry_from(const struct lab *lab, uint64_t number);

/* Where a server, or LAB_DNS, is: with the port that it really has. */
struct net_address lab_address(const struct lab *lab, int server);

const struct lab_sipserver *lab_server(const struct lab *lab, unsigned index);

/* LAB_UP: none.  Times to live and the order of servers count as records, not as faults. */
const struct lab_fault *lab_dns_fault(const struct lab *lab);

/* What passed so far.  NOTE: what its judge must know, NULL if that is nothing. */
const struct lab_trace *lab_watched(struct lab *lab, const char **note);

/* The routes in the order that a phone walks them, over the transport that it used first; none
 * while it has used none.  Returns how many. */
uint32_t lab_routes(const struct lab *lab, struct lab_expected_route routes[KL_SET_ROUTES_MAX]);

/* The zone that the DNS server has now. */
const struct lab_zone *lab_zone(const struct lab *lab);

/* The name of the server that has ROUTE; NULL: none. */
const char *lab_name_route(const struct lab *lab, const struct kl_route *route);

#endif
