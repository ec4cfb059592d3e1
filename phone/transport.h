/* transport.h - how bytes get to a route and come from it: today UDP over IPv4 and IPv6.
 *
 * The one place that knows what a transport is: everybody else names a route.
 * Errors: 0, or a negative errno value.
 */
#ifndef PHONE_TRANSPORT_H
#define PHONE_TRANSPORT_H

#include "keepline/keepline.h"
#include "net/udp.h"
#include "phone/phone.h"

struct phone_transport;

struct phone_transport_config {
	struct net_loop *loop;
	struct net_address bind; /* as in phone_config */
	uint8_t dscp;            /* as in phone_config */
	void (*on_datagram)(void *user, const struct net_datagram *datagram);
	void (*on_error)(void *user, const struct net_udp_error *error);
	void *user;
};

/* Errors: those of net_udp_open(), with one sentence in WHY. */
int phone_transport_open(struct phone_transport **out, const struct phone_transport_config *config,
			 char why[PHONE_WHY_MAX]);
void phone_transport_close(struct phone_transport *transport); /* NULL is fine */

/* Bits of enum kl_families: what can be sent to. */
uint8_t phone_transport_families(const struct phone_transport *transport);

/* Where one message goes. */
struct phone_hop {
	struct kl_route route;
	/* An answer leaves from where its request arrived (RFC 3581 4); all zero: from anywhere. */
	struct net_address local;
};

/* Sends one message.  A full buffer loses the datagram, as the network may: that is no error. */
int phone_transport_send(struct phone_transport *transport, const struct phone_hop *hop,
			 const void *bytes, size_t length);

/* The address and port that a route is reached from: what Via and Contact say. */
int phone_transport_local(const struct phone_transport *transport, const struct kl_route *route,
			  struct net_address *local);

struct net_udp_counters phone_transport_counters(const struct phone_transport *transport);

struct net_address phone_route_address(const struct kl_route *route);
struct kl_route phone_route_of(const struct net_address *address);
bool phone_route_equal(const struct kl_route *a, const struct kl_route *b);

#endif
