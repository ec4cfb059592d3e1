/* link.h - this machine's own network: tells when it may have changed, and how to get from it to an
 * address.
 *
 * The kernel says by rtnetlink that an interface, an address or a route came or went.  A cable that
 * is plugged in gives many such messages within a second, so they are told as one.
 *
 * Ownership  net_link_open() gives a watcher that the caller closes with net_link_close(), also
 *            from its callback.
 * Errors     0, or a negative errno value.
 * Threads    Its loop's thread only.
 */
#ifndef NET_LINK_H
#define NET_LINK_H

#include "net/address.h"
#include "net/loop.h"

enum {
	NET_LINK_QUIET_MS = 100,  /* changes are told once there was none for so long */
	NET_LINK_LATEST_MS = 500, /* and never later than this after the first */
};

struct net_link;

/* Calls on_change from the loop after a change. */
int net_link_open(struct net_link **out, struct net_loop *loop, struct net_callback on_change);
void net_link_close(struct net_link *link); /* NULL is fine */

/* The way to REMOTE: *local gets the address that datagrams to it leave from, with port 0.  SOURCE
 * is the address that they have to leave from, or a wildcard.  Asks the kernel; sends nothing.
 * Errors: -ENETUNREACH no route leads there from SOURCE; -ENETDOWN the route leads over an
 * interface that has no carrier. */
int net_link_way_to(struct net_address *local, const struct net_address *remote,
		    const struct net_address *source);

#endif
