/* dns.h - from a raw DNS answer to records: what was asked for, under the name that was asked.
 *
 * Pure: no I/O, nothing to free.  The packet is hostile: anything that is not a whole, matching
 * answer makes it FAILED; nothing in it can make this loop or overflow.
 */
#ifndef NET_DNS_H
#define NET_DNS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define NET_DNS_NAME_MAX 255   /* a name as text, without the end */
#define NET_DNS_SERVICE_MAX 63 /* the services of NAPTR that anyone defined are shorter */
#define NET_DNS_RECORDS_MAX 64 /* of one answer; the rest is cut and counted */
#define NET_DNS_LINKS_MAX 8    /* CNAMEs followed for one question, in all its answers */

enum net_dns_type {
	NET_DNS_A = 1,
	NET_DNS_AAAA = 28,
	NET_DNS_SRV = 33,
	NET_DNS_NAPTR = 35,
};

enum net_dns_status {
	NET_DNS_ANSWER,   /* one record at least */
	NET_DNS_NEGATIVE, /* no such name (NXDOMAIN), or no such record (NODATA) */
	NET_DNS_FAILED,   /* SERVFAIL, REFUSED, FORMERR, NOTIMP, or an answer of no use */
	NET_DNS_SILENT,   /* no server answered in time, or none could be reached */
};

struct net_dns_record {
	enum net_dns_type type; /* as asked */
	uint32_t ttl_s;         /* the least of its own and of the CNAMEs before it */
	uint16_t priority;      /* SRV priority, NAPTR order */
	uint16_t weight;        /* SRV weight, NAPTR preference */
	uint16_t port;          /* SRV */
	uint8_t ip[16];         /* A as ::ffff:a.b.c.d, AAAA */
	char flag;              /* NAPTR, lower case; 0: none; '?': more than one */
	char service[NET_DNS_SERVICE_MAX + 1]; /* NAPTR, as received: "SIP+D2U" */
	char name[NET_DNS_NAME_MAX + 1];       /* SRV target, NAPTR replacement; no dot at its end;
						* the root, which means "none", is "." */
};

struct net_dns_result {
	enum net_dns_status status;
	const char *why; /* a few words for people: "SERVFAIL", "no such name"; static */
	size_t count;    /* records, in the order of the answer; 0 unless NET_DNS_ANSWER */
	size_t cut;      /* more that did not fit */
	struct net_dns_record records[NET_DNS_RECORDS_MAX];
};

/* A question on its way along CNAMEs. */
struct net_dns_question {
	enum net_dns_type type;
	char name[NET_DNS_NAME_MAX + 1]; /* the name to ask for now; no dot at its end */
	uint32_t ttl_s;                  /* the least TTL of the CNAMEs followed */
	unsigned links;                  /* CNAMEs followed */
};

/* Begins a question.  Errors: -EINVAL not a DNS name, or not one of the types above. */
int net_dns_question_init(struct net_dns_question *question, const char *name,
			  enum net_dns_type type);

/* Reads one answer.  True: `result` is complete.  False: the answer ends in a CNAME to a name that
 * it does not hold; question->name is that name, to be asked next. */
bool net_dns_read(struct net_dns_question *question, const uint8_t *packet, size_t size,
		  struct net_dns_result *result);

#endif
