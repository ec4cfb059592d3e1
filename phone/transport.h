/* transport.h - how bytes get to a route and come from it: UDP, TCP and TLS, IPv4 and IPv6.
 *
 * The one place that knows what a transport is: everybody else names a hop.  Streams are opened by
 * the first message to them, and shared by all that go to the same route (KEEP-5).
 * Errors: 0, or a negative errno value.
 */
#ifndef PHONE_TRANSPORT_H
#define PHONE_TRANSPORT_H

#include "keepline/keepline.h"
#include "net/stream.h"
#include "net/udp.h"
#include "phone/phone.h"
#include "sip/text.h"

struct phone_transport;

/* Where one message goes. */
struct phone_hop {
	struct kl_route route;
	/* An answer goes back on the stream of its request, as long as that is there; 0: any stream
	 * to the route that we opened. */
	uint64_t stream;
	/* UDP: an answer leaves from where its request arrived (RFC 3581 4); all zero: from
	 * anywhere. */
	struct net_address local;
	/* `stream` is the number of one that carries nothing else, and is opened for it.  Its end
	 * is not told; phone_transport_end_own() closes it.  Where it can't be had any serves. */
	bool own;
	/* TLS: whom the certificate has to name (RFC 5922 4); NULL: the route's address.  Streams
	 * go by this, whatever route.tls_name is. */
	const char *name;
	/* How a stream is kept that is opened for it (KEEP-2, KEEP-3); NULL: as
	 * phone_transport_config says.  A stream copies it. */
	const struct kl_policy *policy;
};

/* What came: a datagram, or one message of a stream. */
struct phone_packet {
	struct kl_route source;
	struct net_address local; /* where it arrived */
	uint64_t stream;          /* 0: a datagram */
	const uint8_t *bytes;     /* valid until the callback returns */
	size_t length;
};

/* A stream that we opened came to nothing, or ended, and not by our doing. */
struct phone_stream_end {
	struct kl_route route;
	enum kl_fault fault;
	const char *why; /* for people */
};

struct phone_transport_config {
	struct net_loop *loop;
	struct net_address bind; /* as in phone_config */
	uint8_t dscp;            /* as in phone_config */
	struct net_tls_config tls;
	/* Of streams that others open, or that no line owns. */
	const struct kl_policy *policy;
	void (*on_packet)(void *user, const struct phone_packet *packet);
	void (*on_error)(void *user, const struct net_udp_error *error);
	/* A stream that we opened is there.  May be NULL. */
	void (*on_stream_open)(void *user, const struct kl_route *route);
	void (*on_stream_end)(void *user, const struct phone_stream_end *end);
	/* A CRLF came between the messages of a stream that we opened.  False: it answers no ping
	 * of ours.  It must not end the stream.  May be NULL. */
	bool (*on_pong)(void *user, const struct kl_route *route);
	/* Is a stream to that route needed, however idle it is: for an answer, or as a flow? */
	bool (*needs)(void *user, const struct kl_route *route);
	/* May whoever is at that address connect to us? */
	bool (*admits)(void *user, const struct kl_route *source);
	/* A stream was refused, or dropped since it could not be read: a counter tells more. */
	void (*on_odd)(void *user);
	void *user;
};

/* Errors: those of net_udp_open() and net_tls_create(), with one sentence in WHY. */
int phone_transport_open(struct phone_transport **out, const struct phone_transport_config *config,
			 char why[PHONE_WHY_MAX]);
void phone_transport_close(struct phone_transport *transport); /* NULL is fine */

/* Bits of enum kl_families: what can be sent to. */
uint8_t phone_transport_families(const struct phone_transport *transport);

/* Sends one message.  A full buffer loses a datagram, as the network may: that is
 * no error.  On a stream -ENOBUFS: the far end does not read what was sent before. */
int phone_transport_send(struct phone_transport *transport, const struct phone_hop *hop,
			 const void *bytes, size_t length);

/* Opens a stream to HOP, if there is none.  A negative errno value. */
int phone_transport_connect(struct phone_transport *transport, const struct phone_hop *hop);

/* Is there a stream to a route, which we opened, that carries bytes now? */
bool phone_transport_is_open(const struct phone_transport *transport, const struct kl_route *route);

/* KEEP-1: sends BYTES to a route: a datagram, or on each stream to it that is there. */
void phone_transport_keep_alive(struct phone_transport *transport, const struct kl_route *route,
				struct sip_span bytes);

/* Has a message begun on a stream to a route, which we opened, that is not whole yet? */
bool phone_transport_is_reading(const struct phone_transport *transport,
				const struct kl_route *route);

/* Ends the streams to END's route that we opened, with on_stream_end. */
void phone_transport_lose(struct phone_transport *transport, const struct phone_stream_end *end);

/* That is phone_transport_config.policy from now on; streams that are there stay as they are. */
void phone_transport_set_policy(struct phone_transport *transport, const struct kl_policy *policy);

/* Drops the streams to a route that we opened; on_stream_end is not called. */
void phone_transport_drop(struct phone_transport *transport, const struct kl_route *route);

/* Closes the stream that HOP has for its own, if there is one. */
void phone_transport_end_own(struct phone_transport *transport, const struct phone_hop *hop);

/* Looks for streams that leave from an address that this machine has no more.  False: there are
 * none. */
bool phone_transport_mark_stranded(struct phone_transport *transport);

/* Ends those, with on_stream_end for the ones that we opened: nothing can come on them. */
void phone_transport_lose_stranded(struct phone_transport *transport);

/* The address and port where requests from a route find us: what Via and Contact say. */
int phone_transport_local(const struct phone_transport *transport, const struct kl_route *route,
			  struct net_address *local);

struct phone_transport_counters {
	uint64_t received, sent; /* over all transports */
	uint64_t send_errors;
	uint64_t icmp, oversized; /* of datagrams */
	uint64_t broken;          /* streams that we dropped since they could not be read */
	uint64_t crowded;         /* connections that we refused, being too many */
	uint32_t streams;         /* that are there */
};

struct phone_transport_counters phone_transport_counters(const struct phone_transport *transport);

/* The port that stands for none: 5060, over TLS 5061 (RFC 3261 19.1.2). */
uint16_t phone_default_port(enum kl_transport transport);

struct net_address phone_route_address(const struct kl_route *route);
struct kl_route phone_route_of(const struct net_address *address, enum kl_transport transport);
struct sip_uri;

/* The transport that a SIP URI names; UDP where it names none (RFC 3263 4.1). */
enum kl_transport phone_transport_of_uri(const struct sip_uri *uri);

/* Where a SIP URI leads that names a literal address (RFC 3263 4.1, 4.2).  -EINVAL: it does not. */
int phone_route_of_uri(struct sip_span uri, struct kl_route *route);

/* Are both one place?  phone_route_same(): and, over TLS, under one name. */
bool phone_route_equal(const struct kl_route *a, const struct kl_route *b);
bool phone_route_same(const struct kl_route *a, const struct kl_route *b);

/* The fault that a failed send tells: -ERROR, an errno value. */
enum kl_fault phone_fault_of(int error);

#endif
