#include "net/address.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const uint8_t ipv4_prefix[12] = {[10] = 0xff, [11] = 0xff};

/* ---- text ---- */

/* 1..65535 in digits alone: strtoul() would take signs and blanks, too. */
static int parse_port(const char *text, uint16_t *port)
{
	unsigned long value = 0;

	if (*text == '\0')
		return -ERANGE;
	for (; *text != '\0'; text++) {
		if (!isdigit((unsigned char)*text))
			return -EINVAL;
		value = value * 10 + (unsigned long)(*text - '0');
		if (value > UINT16_MAX)
			return -ERANGE;
	}
	if (value == 0)
		return -ERANGE;
	*port = (uint16_t)value;
	return 0;
}

/* inet_pton() wants an end where `length` ends. */
static int parse_ip(const char *text, size_t length, uint8_t *ip)
{
	char host[INET6_ADDRSTRLEN];
	const char *percent = memchr(text, '%', length);

	if (percent != NULL)
		return parse_ip(text, (size_t)(percent - text), ip) == 0 ? -EOPNOTSUPP : -EINVAL;
	if (length >= sizeof(host))
		return -EINVAL;
	memcpy(host, text, length);
	host[length] = '\0';
	if (inet_pton(AF_INET6, host, ip) == 1)
		return 0;
	memcpy(ip, ipv4_prefix, sizeof(ipv4_prefix));
	return inet_pton(AF_INET, host, ip + sizeof(ipv4_prefix)) == 1 ? 0 : -EINVAL;
}

int net_address_parse(struct net_address *out, const char *text, uint16_t port_default)
{
	struct net_address address = {.port = port_default};
	const char *host = text;
	const char *colon = strchr(text, ':');
	size_t length = strlen(text);
	int error;

	if (*text == '[') {
		const char *end = strchr(text, ']');

		/* Brackets are for IPv6 alone. */
		if (end == NULL || colon == NULL || colon > end)
			return -EINVAL;
		host = text + 1;
		length = (size_t)(end - host);
		colon = end[1] == '\0' ? NULL : end + 1;
		if (colon != NULL && *colon != ':')
			return -EINVAL;
	} else if (colon != NULL && strchr(colon + 1, ':') != NULL) {
		colon = NULL; /* IPv6 without brackets has no port */
	} else if (colon != NULL) {
		length = (size_t)(colon - text);
	}

	error = parse_ip(host, length, address.ip);
	if (error == 0 && colon != NULL)
		error = parse_port(colon + 1, &address.port);
	if (error == 0)
		*out = address;
	return error;
}

const char *net_address_explain(int error)
{
	switch (error) {
	case -ERANGE:
		return "the port is not 1..65535";
	case -EOPNOTSUPP:
		return "an address with a scope (%) only means something on one machine";
	default:
		return "not an IPv4 or IPv6 address";
	}
}

char *net_address_format_host(const struct net_address *address, char *to)
{
	if (net_address_is_ipv4(address)) {
		inet_ntop(AF_INET, address->ip + sizeof(ipv4_prefix), to, INET_ADDRSTRLEN);
	} else {
		*to = '[';
		inet_ntop(AF_INET6, address->ip, to + 1, INET6_ADDRSTRLEN);
		strcat(to, "]");
	}
	return to;
}

char *net_address_format(const struct net_address *address, char *to)
{
	net_address_format_host(address, to);
	if (address->port != 0)
		sprintf(to + strlen(to), ":%u", address->port);
	return to;
}

/* ---- sockaddr ---- */

socklen_t net_address_to_sockaddr(const struct net_address *address, struct sockaddr_storage *out)
{
	*out = (struct sockaddr_storage){0};
	if (net_address_is_ipv4(address)) {
		struct sockaddr_in *in = (struct sockaddr_in *)out;

		in->sin_family = AF_INET;
		in->sin_port = htons(address->port);
		memcpy(&in->sin_addr, address->ip + sizeof(ipv4_prefix), sizeof(in->sin_addr));
		return sizeof(*in);
	}
	struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)out;

	in6->sin6_family = AF_INET6;
	in6->sin6_port = htons(address->port);
	memcpy(&in6->sin6_addr, address->ip, sizeof(in6->sin6_addr));
	return sizeof(*in6);
}

int net_address_from_sockaddr(struct net_address *out, const struct sockaddr *from)
{
	if (from->sa_family == AF_INET) {
		const struct sockaddr_in *in = (const struct sockaddr_in *)from;

		memcpy(out->ip, ipv4_prefix, sizeof(ipv4_prefix));
		memcpy(out->ip + sizeof(ipv4_prefix), &in->sin_addr, sizeof(in->sin_addr));
		out->port = ntohs(in->sin_port);
		return 0;
	}
	if (from->sa_family == AF_INET6) {
		const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)from;

		memcpy(out->ip, &in6->sin6_addr, sizeof(out->ip));
		out->port = ntohs(in6->sin6_port);
		return 0;
	}
	return -EAFNOSUPPORT;
}

/* ---- questions ---- */

bool net_address_is_ipv4(const struct net_address *address)
{
	return memcmp(address->ip, ipv4_prefix, sizeof(ipv4_prefix)) == 0;
}

bool net_address_is_wildcard(const struct net_address *address)
{
	static const uint8_t zero[16];
	size_t from = net_address_is_ipv4(address) ? sizeof(ipv4_prefix) : 0;

	return memcmp(address->ip + from, zero, sizeof(zero) - from) == 0;
}

int net_address_compare(const struct net_address *a, const struct net_address *b)
{
	int difference = memcmp(a->ip, b->ip, sizeof(a->ip));

	return difference != 0 ? difference : a->port - b->port;
}

/* A UDP socket that is connected to REMOTE.  Connecting it sends nothing: the kernel only looks up
 * the route and picks the source. */
static int connect_toward(const struct net_address *remote)
{
	struct sockaddr_storage name;
	socklen_t length = net_address_to_sockaddr(remote, &name);
	int fd = socket(name.ss_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	int error;

	if (fd < 0)
		return -errno;
	if (connect(fd, (const struct sockaddr *)&name, length) == 0)
		return fd;
	error = -errno;
	close(fd);
	return error;
}

int net_address_local_toward(struct net_address *out, const struct net_address *remote)
{
	struct sockaddr_storage name = {0};
	int fd = connect_toward(remote);
	int error = 0;

	if (fd < 0)
		return fd;
	if (getsockname(fd, (struct sockaddr *)&name, &(socklen_t){sizeof(name)}) < 0)
		error = -errno;
	close(fd);
	if (error == 0) {
		net_address_from_sockaddr(out, (const struct sockaddr *)&name);
		out->port = 0;
	}
	return error;
}

bool net_address_is_here(const struct net_address *address)
{
	struct net_address any_port = *address;
	struct sockaddr_storage name;
	socklen_t length;
	int fd;
	bool here;

	any_port.port = 0;
	length = net_address_to_sockaddr(&any_port, &name);
	fd = socket(name.ss_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	here = bind(fd, (const struct sockaddr *)&name, length) == 0 || errno != EADDRNOTAVAIL;
	if (fd >= 0)
		close(fd);
	return here;
}

int net_address_mtu_toward(const struct net_address *remote)
{
	bool ipv4 = net_address_is_ipv4(remote);
	int fd = connect_toward(remote);
	int mtu = 0;

	if (fd < 0)
		return fd;
	if (getsockopt(fd, ipv4 ? IPPROTO_IP : IPPROTO_IPV6, ipv4 ? IP_MTU : IPV6_MTU, &mtu,
		       &(socklen_t){sizeof(mtu)}) < 0)
		mtu = -errno;
	close(fd);
	return mtu;
}
