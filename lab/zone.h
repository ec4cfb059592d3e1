/* zone.h - DNS records in memory, and the answers that they give.
 *
 * A zone is read from text in the form of RFC 1035, section 5 (a zone file; $ORIGIN and $TTL are
 * understood, a SOA is welcome but not needed, records of several domains may stand together).
 * It answers as an authoritative server does: CNAMEs inside the zone are followed, a name without
 * the asked type gives an empty answer, a name that is not there NXDOMAIN.
 *
 * Errors: a function that returns a pointer returns NULL and puts one sentence into WHY.
 * Threads: one zone, one thread at a time.
 */
#ifndef LAB_ZONE_H
#define LAB_ZONE_H

#include <stddef.h>
#include <stdint.h>

#include "net/dns.h"

enum {
	LAB_DNS_DATAGRAM_MAX = 4096, /* longest answer over UDP, for askers that announce so much */
	LAB_DNS_REPLY_MAX = 65535,   /* over TCP (RFC 1035, 4.2.2) */
};

struct lab_zone;

/* Reads a zone from TEXT; NAME stands for it in messages ("NAME:LINE: what is wrong"). */
struct lab_zone *lab_zone_parse(const char *text, const char *name, char *why, size_t why_size);

/* Reads a zone file. */
struct lab_zone *lab_zone_load(const char *path, char *why, size_t why_size);

void lab_zone_free(struct lab_zone *zone); /* NULL is fine */

/* A question as it came, and what to answer it with. */
struct lab_dns_question {
	const uint8_t *packet;
	size_t size;
	uint8_t rcode; /* 0: as the zone says; else this code and no record (RFC 1035, 4.1.1) */
	bool over_tcp; /* its answer may have LAB_DNS_REPLY_MAX bytes */
};

struct lab_dns_reply {
	uint8_t bytes[LAB_DNS_REPLY_MAX];
	size_t size;
	char name[NET_DNS_NAME_MAX + 2]; /* what was asked for, as text; "" if nothing was */
	uint16_t type;
	uint8_t rcode;
	uint16_t records; /* in the answer */
};

/* Answers.  An answer longer than the asker takes (RFC 6891; 512 bytes if it said nothing, over
 * UDP) comes truncated: without a record, and with the TC bit set.  False: what came is no
 * question, and there is nothing to send. */
bool lab_zone_answer(const struct lab_zone *zone, const struct lab_dns_question *question,
		     struct lab_dns_reply *reply);

/* Asks a zone as net_resolver_ask() asks servers, but without a network: the answer is there at
 * once.  -EINVAL: not a DNS name, or not one of the types; -ENOMEM. */
int lab_zone_ask(const struct lab_zone *zone, const char *name, enum net_dns_type type,
		 struct net_dns_result *result);

#endif
