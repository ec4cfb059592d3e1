/* dnsserver.h - a small authoritative DNS server over UDP and TCP, with faults that can be
 *switched.
 *
 *	struct lab_dnsserver *server;
 *	int error = lab_dnsserver_open(&server, loop, &config);    takes questions from now on
 *	lab_dnsserver_set_fault(server, LAB_DNS_SILENT);
 *	lab_dnsserver_set_zone(server, &other_zone);               the records changed
 *	lab_dnsserver_close(server);
 *
 * Everything received is hostile: what is no question is counted and dropped, its connection with
 * it.  Of the connections beyond LAB_DNS_CONNECTIONS_MAX the oldest one gives way.
 *
 * Errors: 0, or a negative errno value (net_udp_explain() has the words).
 * Threads: its loop's thread only.
 */
#ifndef LAB_DNSSERVER_H
#define LAB_DNSSERVER_H

#include "lab/zone.h"
#include "net/udp.h"

enum lab_dns_fault {
	LAB_DNS_UP,       /* none: answers as the zone says */
	LAB_DNS_SILENT,   /* takes questions and answers none */
	LAB_DNS_SERVFAIL, /* answers every question with this code */
	LAB_DNS_NXDOMAIN,
	LAB_DNS_REFUSED,
};

enum { LAB_DNS_CONNECTIONS_MAX = 32 };

struct lab_dnsserver;

struct lab_dnsserver_config {
	struct net_address local;    /* port 0: any one that is free for both */
	const struct lab_zone *zone; /* the caller's, for as long as the server uses it */

	/* Called for every question, after its answer was sent (or not: reply->size is 0).  The
	 * reply is valid until the call returns.  May be NULL. */
	void (*on_question)(void *user, const struct lab_dns_reply *reply);
	void *user;
};

int lab_dnsserver_open(struct lab_dnsserver **out, struct net_loop *loop,
		       const struct lab_dnsserver_config *config);
void lab_dnsserver_close(struct lab_dnsserver *server); /* NULL is fine */

struct net_address lab_dnsserver_local(const struct lab_dnsserver *server);

void lab_dnsserver_set_fault(struct lab_dnsserver *server, enum lab_dns_fault fault);
void lab_dnsserver_set_zone(struct lab_dnsserver *server, const struct lab_zone *zone);

struct lab_dnsserver_counters {
	uint64_t questions; /* answered, or swallowed by LAB_DNS_SILENT */
	uint64_t over_tcp;  /* of these */
	uint64_t dropped;   /* what came that is no question */
};

struct lab_dnsserver_counters lab_dnsserver_counters(const struct lab_dnsserver *server);

#endif
