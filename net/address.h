/* address.h - an IPv4 or IPv6 address with a port.
 *
 * Pure values: nothing to free.  Errors are negative errno values; out-parameters are then
 * untouched.
 */
#ifndef NET_ADDRESS_H
#define NET_ADDRESS_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

struct net_address {
	uint8_t ip[16]; /* network order; IPv4 as ::ffff:a.b.c.d */
	uint16_t port;  /* host order; 0: none */
};

/* Room for "[" + 45 characters + "]:65535" and the end. */
#define NET_ADDRESS_TEXT_MAX 56

/* Reads "192.0.2.1", "192.0.2.1:5060", "2001:db8::1", "[2001:db8::1]" or "[2001:db8::1]:5060".
 * Without a port it takes port_default.  Host names are not addresses.
 * Errors: -EINVAL not an address; -ERANGE the port is not 1..65535; -EOPNOTSUPP a scope id
 * ("fe80::1%eth0"), which only means something on one machine. */
int net_address_parse(struct net_address *out, const char *text, uint16_t port_default);

/* One sentence for an error of net_address_parse(). */
const char *net_address_explain(int error);

/* Writes "192.0.2.1:5060" or "[2001:db8::1]:5060"; without ":5060" if the port is 0.
 * `to` has NET_ADDRESS_TEXT_MAX bytes.  Returns `to`. */
char *net_address_format(const struct net_address *address, char *to);

/* The same without a port, as a URI has its host: "192.0.2.1" or "[2001:db8::1]". */
char *net_address_format_host(const struct net_address *address, char *to);

/* Fills a sockaddr_in or sockaddr_in6 and returns its length. */
socklen_t net_address_to_sockaddr(const struct net_address *address, struct sockaddr_storage *out);

/* Errors: -EAFNOSUPPORT neither IPv4 nor IPv6. */
int net_address_from_sockaddr(struct net_address *out, const struct sockaddr *from);

bool net_address_is_ipv4(const struct net_address *address);

/* 0.0.0.0 or :: */
bool net_address_is_wildcard(const struct net_address *address);

/* Address and port; less than, equal to or greater than 0, as memcmp(). */
int net_address_compare(const struct net_address *a, const struct net_address *b);

/* The local address that the kernel would send from to reach `remote`, with port 0.  Sends
 * nothing.  Errors: -ENETUNREACH no route, or what else connect() says. */
int net_address_local_toward(struct net_address *out, const struct net_address *remote);

/* Is it an address of this machine: may something be bound to it? */
bool net_address_is_here(const struct net_address *address);

/* The longest IP packet that the kernel believes to get to `remote` in one piece: what an ICMP
 * message said, or else what the first link takes.  Sends nothing.  Errors: as above. */
int net_address_mtu_toward(const struct net_address *remote);

#endif
