/* packet.h - DNS packets from text. */
#ifndef TESTS_NET_PACKET_H
#define TESTS_NET_PACKET_H

#include <ldns/ldns.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "net/dns.h"

/* A DNS answer to be: the question, and the answer section as lines of a zone file. */
struct packet {
	const char *name;
	enum net_dns_type type;
	uint16_t id;
	ldns_pkt_rcode rcode;
	bool truncated;
	bool is_question;
	const char *const *answer; /* up to a NULL; may be NULL */
};

/* The lines of an answer section. */
#define LINES(...) ((const char *const[]){__VA_ARGS__, NULL})

/* The packet's bytes, to be freed. */
uint8_t *packet_build(const struct packet *packet, size_t *size);

#endif
