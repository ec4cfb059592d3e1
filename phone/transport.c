/* transport.c - how bytes get to a route and come from it. */
#include "phone/transport.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { IPV4, IPV6, SOCKETS };

static const uint8_t family_bits[SOCKETS] = {KL_IPV4, KL_IPV6};

struct phone_transport {
	struct net_udp *sockets[SOCKETS]; /* NULL: that family is not used */
};

/* ---- routes ---------------------------------------------------------------------------------- */

struct net_address phone_route_address(const struct kl_route *route)
{
	struct net_address address = {.port = route->port};

	memcpy(address.ip, route->ip, sizeof address.ip);
	return address;
}

struct kl_route phone_route_of(const struct net_address *address)
{
	struct kl_route route = {.port = address->port, .transport = KL_UDP};

	memcpy(route.ip, address->ip, sizeof route.ip);
	return route;
}

bool phone_route_equal(const struct kl_route *a, const struct kl_route *b)
{
	return a->port == b->port && a->transport == b->transport &&
	       !memcmp(a->ip, b->ip, sizeof a->ip);
}

static struct net_udp *socket_toward(const struct phone_transport *transport,
				     const struct net_address *to)
{
	return transport->sockets[net_address_is_ipv4(to) ? IPV4 : IPV6];
}

/* ---- opening --------------------------------------------------------------------------------- */

static int open_socket(struct phone_transport *transport, int which,
		       const struct phone_transport_config *config, const struct net_address *local)
{
	struct net_udp_config udp = {
		.local = *local,
		.dscp = config->dscp,
		.on_datagram = config->on_datagram,
		.on_error = config->on_error,
		.user = config->user,
	};

	return net_udp_open(&transport->sockets[which], config->loop, &udp);
}

/* "::" stands for both families; a machine without IPv6 goes without it. */
static int open_sockets(struct phone_transport *transport,
			const struct phone_transport_config *config, struct net_address *local)
{
	static const struct net_address any4 = {.ip = {[10] = 0xff, 0xff}};
	int error;

	*local = config->bind;
	if (net_address_is_ipv4(local))
		return open_socket(transport, IPV4, config, local);
	error = open_socket(transport, IPV6, config, local);
	if (!net_address_is_wildcard(local) || (error && error != -EAFNOSUPPORT))
		return error;
	*local = any4;
	local->port = config->bind.port;
	return open_socket(transport, IPV4, config, local);
}

int phone_transport_open(struct phone_transport **out, const struct phone_transport_config *config,
			 char why[PHONE_WHY_MAX])
{
	struct phone_transport *transport = calloc(1, sizeof *transport);
	struct net_address local = config->bind;
	int error = transport ? open_sockets(transport, config, &local) : -ENOMEM;

	if (error) {
		net_udp_explain(error, &local, why, PHONE_WHY_MAX);
		phone_transport_close(transport);
		return error;
	}
	*out = transport;
	return 0;
}

void phone_transport_close(struct phone_transport *transport)
{
	if (!transport)
		return;
	for (int i = 0; i < SOCKETS; i++)
		if (transport->sockets[i])
			net_udp_close(transport->sockets[i]);
	free(transport);
}

uint8_t phone_transport_families(const struct phone_transport *transport)
{
	uint8_t families = 0;

	for (int i = 0; i < SOCKETS; i++)
		if (transport->sockets[i])
			families |= family_bits[i];
	return families;
}

/* ---- use ------------------------------------------------------------------------------------- */

int phone_transport_send(struct phone_transport *transport, const struct phone_hop *hop,
			 const void *bytes, size_t length)
{
	const struct net_udp_path path = {.from = hop->local,
					  .to = phone_route_address(&hop->route)};
	struct net_udp *udp = socket_toward(transport, &path.to);
	int error = udp ? net_udp_send_from(udp, &path, bytes, length) : -EAFNOSUPPORT;

	return error == -EAGAIN || error == -ENOBUFS ? 0 : error;
}

int phone_transport_local(const struct phone_transport *transport, const struct kl_route *route,
			  struct net_address *local)
{
	const struct net_address to = phone_route_address(route);
	const struct net_udp *udp = socket_toward(transport, &to);
	struct net_address bound, found;
	int error;

	if (!udp)
		return -EAFNOSUPPORT;
	bound = net_udp_local(udp);
	if (net_address_is_wildcard(&bound)) {
		error = net_address_local_toward(&found, &to);
		if (error)
			return error;
		found.port = bound.port;
		bound = found;
	}
	*local = bound;
	return 0;
}

struct net_udp_counters phone_transport_counters(const struct phone_transport *transport)
{
	struct net_udp_counters sum = {0};

	for (int i = 0; i < SOCKETS; i++) {
		struct net_udp_counters one = {0};

		if (transport->sockets[i])
			one = net_udp_counters(transport->sockets[i]);
		sum.received += one.received;
		sum.oversized += one.oversized;
		sum.sent += one.sent;
		sum.send_errors += one.send_errors;
		sum.icmp += one.icmp;
	}
	return sum;
}
