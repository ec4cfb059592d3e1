/* udp.h - a UDP socket of one family, with the ICMP errors of what was sent from it.
 *
 * Ownership  net_udp_open() gives a socket that the caller closes with net_udp_close(), also from
 *            its own callbacks.  What a callback is given is valid until it returns.
 * Errors     0, or a negative errno value.
 * Threads    Its loop's thread only.
 */
#ifndef NET_UDP_H
#define NET_UDP_H

#include <stddef.h>
#include <stdint.h>

#include "net/address.h"
#include "net/loop.h"

#define NET_DATAGRAM_MAX 65535
#define NET_DSCP_MAX 63

struct net_udp;

struct net_datagram {
	struct net_address source;
	struct net_address local; /* where it was sent to: told also on a wildcard socket */
	const uint8_t *bytes;     /* may be anything: it comes from the network */
	size_t length;            /* 0..size_max */
};

/* What an ICMP or ICMPv6 message says, in one word for both. */
enum net_icmp_class {
	NET_ICMP_NET,        /* no route to the network */
	NET_ICMP_HOST,       /* the host is not there; also told by our own kernel, after ARP */
	NET_ICMP_PROTOCOL,   /* the host has no UDP */
	NET_ICMP_PORT,       /* nobody listens on the port */
	NET_ICMP_PROHIBITED, /* a firewall or a policy forbids it */
	NET_ICMP_HOPS,       /* time exceeded: a routing loop; IPv6: or lost fragments */
	NET_ICMP_TOO_BIG,    /* fragmentation needed, packet too big: not a dead destination */
	NET_ICMP_OTHER,
};

struct net_udp_error {
	struct net_address destination; /* where our datagram was sent to: this is what is dead */
	enum net_icmp_class icmp_class;
	int error;             /* the kernel's errno for it, positive */
	uint8_t type, code;    /* as on the wire */
	const uint8_t *quoted; /* the start of our datagram's payload, as far as it was quoted */
	size_t quoted_length;  /* may be 0; a router owes us only 8 bytes: the UDP header */
};

struct net_udp_config {
	struct net_address local; /* 0.0.0.0 or :: for all; port 0: any free one */
	uint8_t dscp;             /* of what is sent: 0..63 (RFC 2474) */
	size_t size_max; /* longer datagrams are dropped and counted; 0: NET_DATAGRAM_MAX */

	void (*on_datagram)(void *user, const struct net_datagram *datagram);

	/* ICMP errors arrive one by one, rate-limited by those who send them: one may stand for
	 * many datagrams.  Anyone can forge them: compare what is quoted.  May be NULL. */
	void (*on_error)(void *user, const struct net_udp_error *error);
	void *user;
};

struct net_udp_counters {
	uint64_t received;  /* given to on_datagram */
	uint64_t oversized; /* dropped: longer than size_max */
	uint64_t sent;
	uint64_t send_errors; /* net_udp_send() returned an error */
	uint64_t icmp;        /* given to on_error */
};

/* Errors: -EADDRINUSE the port is taken; -EADDRNOTAVAIL not an address of this machine;
 * -EACCES a port below 1024 without the right to it; -EAFNOSUPPORT no IPv6 here; -EINVAL size_max
 * is over NET_DATAGRAM_MAX, or dscp over 63. */
int net_udp_open(struct net_udp **out, struct net_loop *loop, const struct net_udp_config *config);
void net_udp_close(struct net_udp *udp);

/* One sentence, without an end of line, for an error of net_udp_open(): "192.0.2.1:5060: the port
 * is in use".  Cut to size. */
void net_udp_explain(int error, const struct net_address *local, char *to, size_t size);

/* The address it is bound to, with the port that it really has. */
struct net_address net_udp_local(const struct net_udp *udp);

/* Sends one datagram.  Calls nobody: ICMP errors come later, from the loop.  An error is about this
 * datagram and this destination (-ENETUNREACH, -EACCES, -EMSGSIZE, -EAGAIN: the socket's buffer is
 * full), never about another one's ICMP error that happened to be pending. */
int net_udp_send(struct net_udp *udp, const struct net_address *to, const void *bytes,
		 size_t length);

/* The same from one address of a socket that is bound to all: an answer leaves from where its
 * request arrived.  `from` a wildcard: from where the kernel likes. */
struct net_udp_path {
	struct net_address from; /* its port counts for nothing */
	struct net_address to;
};

int net_udp_send_from(struct net_udp *udp, const struct net_udp_path *path, const void *bytes,
		      size_t length);

struct net_udp_counters net_udp_counters(const struct net_udp *udp);

const char *net_icmp_class_text(enum net_icmp_class icmp_class);

#endif
