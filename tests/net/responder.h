/* responder.h - a DNS server on loopback that answers, or fails to, as a test says. */
#ifndef TESTS_NET_RESPONDER_H
#define TESTS_NET_RESPONDER_H

#include "net/udp.h"
#include "tests/net/packet.h"
#include "tests/net/support.h"

enum reply_kind {
	REPLY_WHOLE,
	REPLY_TRUNCATED, /* over UDP; whole over TCP */
	REPLY_WRONG_ID,
	REPLY_GARBAGE, /* a header that matches, then nothing that it promises */
	REPLY_SILENT,
};

struct reply {
	const char *name; /* of the question, as text with a dot at its end; NULL ends the table */
	enum reply_kind kind;
	ldns_pkt_rcode rcode;
	const char *const *answer; /* as in struct packet */
};

struct responder {
	struct net_loop *loop;
	struct net_udp *udp;
	int tcp;
	struct net_watch *tcp_watch;
	struct net_address address;
	const struct reply *replies; /* a name that is not in it is not answered */
	unsigned udp_questions, tcp_questions;
	uint16_t last_port; /* that a question came from */
};

/* Starts it on a free port of the loopback address `ip`. */
void responder_start(struct responder *responder, struct net_loop *loop, const char *ip,
		     const struct reply *replies);
void responder_stop(struct responder *responder);

#endif
