/* transport.c - how bytes get to a route and come from it. */
#include "phone/transport.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "phone/stream.h"
#include "sip/value.h"

enum { IPV4, IPV6, SOCKETS };

static const uint8_t family_bits[SOCKETS] = {KL_IPV4, KL_IPV6};

struct phone_transport {
	struct phone_transport_config config;
	struct net_udp *sockets[SOCKETS]; /* NULL: that family is not used */
	struct phone_streams *streams;
	/* Where they are listened for.  Where nobody listens for TLS, its port stands in Via and
	 * Contact all the same: what is for us comes on the streams that we open. */
	struct net_address tcp[SOCKETS], tls[SOCKETS];
};

/* ---- routes ---------------------------------------------------------------------------------- */

struct net_address phone_route_address(const struct kl_route *route)
{
	struct net_address address = {.port = route->port};

	memcpy(address.ip, route->ip, sizeof address.ip);
	return address;
}

struct kl_route phone_route_of(const struct net_address *address, enum kl_transport transport)
{
	struct kl_route route = {.port = address->port, .transport = (uint8_t)transport};

	memcpy(route.ip, address->ip, sizeof route.ip);
	return route;
}

enum kl_transport phone_transport_of_uri(const struct sip_uri *uri)
{
	if (uri->is_secure || uri->transport == SIP_TLS)
		return KL_TLS;
	return uri->transport == SIP_TCP ? KL_TCP : KL_UDP;
}

int phone_route_of_uri(struct sip_span text, struct kl_route *route)
{
	enum kl_transport transport;
	struct net_address address;
	struct sip_uri uri;

	if (sip_uri_parse(&uri, text) || !uri.is_sip || net_address_parse(&address, uri.host, 0))
		return -EINVAL;
	transport = phone_transport_of_uri(&uri);
	address.port = uri.port ? uri.port : phone_default_port(transport);
	*route = phone_route_of(&address, transport);
	return 0;
}

bool phone_route_equal(const struct kl_route *a, const struct kl_route *b)
{
	return a->port == b->port && a->transport == b->transport &&
	       !memcmp(a->ip, b->ip, sizeof a->ip);
}

bool phone_route_same(const struct kl_route *a, const struct kl_route *b)
{
	return phone_route_equal(a, b) && a->tls_name == b->tls_name;
}

uint16_t phone_default_port(enum kl_transport transport)
{
	return transport == KL_TLS ? PHONE_PORT + 1 : PHONE_PORT;
}

enum kl_fault phone_fault_of(int error)
{
	switch (error) {
	case ECONNREFUSED:
		return KL_FAULT_REFUSED;
	case ENETUNREACH:
		return KL_FAULT_NET;
	case EHOSTUNREACH:
		return KL_FAULT_HOST;
	default:
		return KL_FAULT_SEND;
	}
}

static int family_of(const struct net_address *address)
{
	return net_address_is_ipv4(address) ? IPV4 : IPV6;
}

/* ---- opening --------------------------------------------------------------------------------- */

static void take_datagram(void *user, const struct net_datagram *datagram)
{
	const struct phone_transport *transport = user;
	const struct phone_packet packet = {
		.source = phone_route_of(&datagram->source, KL_UDP),
		.local = datagram->local,
		.bytes = datagram->bytes,
		.length = datagram->length,
	};

	transport->config.on_packet(transport->config.user, &packet);
}

static void take_error(void *user, const struct net_udp_error *error)
{
	const struct phone_transport *transport = user;

	transport->config.on_error(transport->config.user, error);
}

/* RFC 3261 18.1.1: who sends over UDP or TCP listens on both, on one port; TLS has the next. */
static int open_family(struct phone_transport *transport, struct net_address *local)
{
	int which = family_of(local), error;
	struct net_udp_config udp = {
		.local = *local,
		.dscp = transport->config.dscp,
		.on_datagram = take_datagram,
		.on_error = take_error,
		.user = transport,
	};

	error = net_udp_open(&transport->sockets[which], transport->config.loop, &udp);
	if (!error)
		error = phone_streams_listen(transport->streams, KL_TCP, local);
	if (error)
		return error;
	transport->tcp[which] = *local;
	local->port = udp.local.port ? (uint16_t)(udp.local.port + 1) : 0;
	error = phone_streams_listen(transport->streams, KL_TLS, local);
	transport->tls[which] = *local;
	if (!local->port)
		transport->tls[which].port = (uint16_t)(transport->tcp[which].port + 1);
	return error;
}

/* "::" stands for both families; a machine without IPv6 goes without it. */
static int open_families(struct phone_transport *transport, struct net_address *local)
{
	static const struct net_address any4 = {.ip = {[10] = 0xff, 0xff}};
	const struct net_address bind = transport->config.bind;
	int error;

	*local = bind;
	error = open_family(transport, local);
	if (net_address_is_ipv4(&bind) || !net_address_is_wildcard(&bind) ||
	    (error && error != -EAFNOSUPPORT))
		return error;
	*local = any4;
	local->port = bind.port;
	return open_family(transport, local);
}

int phone_transport_open(struct phone_transport **out, const struct phone_transport_config *config,
			 char why[PHONE_WHY_MAX])
{
	struct phone_transport *transport = calloc(1, sizeof *transport);
	struct net_address local = config->bind;
	int error;

	if (!transport) {
		snprintf(why, PHONE_WHY_MAX, "out of memory");
		return -ENOMEM;
	}
	transport->config = *config;
	error = phone_streams_create(&transport->streams, config, why);
	if (!error) {
		error = open_families(transport, &local);
		if (error)
			net_udp_explain(error, &local, why, PHONE_WHY_MAX);
	}
	if (error)
		phone_transport_close(transport);
	else
		*out = transport;
	return error;
}

void phone_transport_close(struct phone_transport *transport)
{
	if (!transport)
		return;
	for (int i = 0; i < SOCKETS; i++)
		if (transport->sockets[i])
			net_udp_close(transport->sockets[i]);
	phone_streams_free(transport->streams);
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
	const struct net_address to = phone_route_address(&hop->route);
	struct net_udp *udp = transport->sockets[family_of(&to)];
	struct net_address local;
	int error;

	if (!udp)
		return -EAFNOSUPPORT;
	if (hop->route.transport != KL_UDP) {
		local = net_udp_local(udp);
		return phone_streams_send(transport->streams, hop, &local,
					  (struct sip_span){bytes, length});
	}
	error = net_udp_send_from(udp, &(struct net_udp_path){hop->local, to}, bytes, length);
	return error == -EAGAIN || error == -ENOBUFS ? 0 : error;
}

int phone_transport_connect(struct phone_transport *transport, const struct phone_hop *hop)
{
	const struct net_address to = phone_route_address(&hop->route);
	struct net_udp *udp = transport->sockets[family_of(&to)];
	struct net_address local;

	if (!udp)
		return -EAFNOSUPPORT;
	local = net_udp_local(udp);
	return phone_streams_connect(transport->streams, hop, &local);
}

bool phone_transport_is_open(const struct phone_transport *transport, const struct kl_route *route)
{
	return phone_streams_is_open(transport->streams, route);
}

void phone_transport_keep_alive(struct phone_transport *transport, const struct kl_route *route,
				struct sip_span bytes)
{
	if (route->transport == KL_UDP)
		phone_transport_send(transport, &(struct phone_hop){.route = *route}, bytes.at,
				     bytes.length);
	else
		phone_streams_keep_alive(transport->streams, route, bytes);
}

bool phone_transport_is_reading(const struct phone_transport *transport,
				const struct kl_route *route)
{
	return phone_streams_is_reading(transport->streams, route);
}

void phone_transport_lose(struct phone_transport *transport, const struct phone_stream_end *end)
{
	phone_streams_lose(transport->streams, end);
}

void phone_transport_set_policy(struct phone_transport *transport, const struct kl_policy *policy)
{
	transport->config.policy = policy;
	phone_streams_set_policy(transport->streams, policy);
}

void phone_transport_drop(struct phone_transport *transport, const struct kl_route *route)
{
	phone_streams_drop(transport->streams, route);
}

void phone_transport_end_own(struct phone_transport *transport, const struct phone_hop *hop)
{
	phone_streams_end_own(transport->streams, hop);
}

bool phone_transport_mark_stranded(struct phone_transport *transport)
{
	return phone_streams_mark_stranded(transport->streams);
}

void phone_transport_lose_stranded(struct phone_transport *transport)
{
	phone_streams_lose_stranded(transport->streams);
}

static uint16_t port_for(const struct phone_transport *transport, const struct kl_route *route)
{
	const struct net_address to = phone_route_address(route);
	int which = family_of(&to);

	switch ((enum kl_transport)route->transport) {
	case KL_TCP:
		return transport->tcp[which].port;
	case KL_TLS:
		return transport->tls[which].port;
	case KL_UDP:
		break;
	}
	return net_udp_local(transport->sockets[which]).port;
}

int phone_transport_local(const struct phone_transport *transport, const struct kl_route *route,
			  struct net_address *local)
{
	const struct net_address to = phone_route_address(route);
	const struct net_udp *udp = transport->sockets[family_of(&to)];
	struct net_address found;
	int error;

	if (!udp)
		return -EAFNOSUPPORT;
	found = net_udp_local(udp);
	if (net_address_is_wildcard(&found)) {
		error = net_address_local_toward(&found, &to);
		if (error)
			return error;
	}
	found.port = port_for(transport, route);
	*local = found;
	return 0;
}

struct phone_transport_counters phone_transport_counters(const struct phone_transport *transport)
{
	struct phone_transport_counters sum = {0};

	for (int i = 0; i < SOCKETS; i++) {
		struct net_udp_counters one = {0};

		if (transport->sockets[i])
			one = net_udp_counters(transport->sockets[i]);
		sum.oversized += one.oversized;
		sum.icmp += one.icmp;
		sum.received += one.received;
		sum.sent += one.sent;
		sum.send_errors += one.send_errors;
	}
	phone_streams_count(transport->streams, &sum);
	return sum;
}
