/* network.h - this side's network as the engine has to know it: is there a way to any server, and
 * is our address still the one that the servers were told? (REG-6, PROBE-9)
 *
 * A path is the way to one address that requests went to.  Whenever the kernel says that something
 * changed, the paths are looked at again.
 */
#ifndef PHONE_NETWORK_H
#define PHONE_NETWORK_H

#include "net/link.h"
#include "net/resolver.h"
#include "phone/phone.h"

enum {
	/* Addresses kept an eye on, the last ones used.  More would tell nothing new: they share
	 * the few interfaces of this machine. */
	PHONE_PATHS_MAX = 32,
};

struct phone_path {
	struct net_address remote, local; /* local: as the servers were told */
	bool open;                        /* there is a way */
	int mtu;                          /* or a negative errno value */
	uint64_t mtu_until_ms;            /* then it is asked for again */
};

struct phone_network {
	struct net_link *link;   /* NULL: nothing is noticed */
	struct net_address bind; /* as in phone_config */
	struct phone_path paths[PHONE_PATHS_MAX];
	uint32_t path_count, path_next;
	struct phone_path resolvers[NET_RESOLVER_SERVERS_MAX];
	uint32_t resolver_count;
	bool resolver_here;      /* one on this machine, which says nothing about the network */
	struct net_timer *timer; /* for a look that had to wait */
	uint64_t looked_at_ms;
	bool down; /* as the engine was told */
};

/* Without netlink the phone goes on, and its engine is told nothing.  0 or -ENOMEM. */
int phone_network_open(struct phone *phone, const struct phone_config *config);
void phone_network_close(struct phone *phone);

/* The DNS servers are these from now on. */
void phone_network_set_resolvers(struct phone *phone, const struct net_resolver_config *resolver);

/* A request goes to ROUTE. */
void phone_network_use(struct phone *phone, const struct kl_route *route);

/* The path's MTU as the kernel knew it within the last second, or a negative errno value. */
int phone_network_mtu(struct phone *phone, const struct kl_route *route);

/* Looks at the network now, or in a moment if that was just done: at the start, and when a send
 * failed.  The engine then learns first that there is no network, and blames no server. */
void phone_network_check(struct phone *phone);

#endif
