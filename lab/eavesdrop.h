/* eavesdrop.h - what is sent to a closed port, and what the kernel says to that.
 *
 * A server whose port is closed sees nothing, but the judge must: so this machine's packets are
 * listened to while one is.  That needs the right to do so (CAP_NET_RAW).
 *
 * Errors: 0, or a negative errno value.
 */
#ifndef LAB_EAVESDROP_H
#define LAB_EAVESDROP_H

#include "lab/packet.h"
#include "net/loop.h"

struct lab_eavesdrop;

struct lab_eavesdrop_config {
	const struct net_address *addresses; /* whose packets; their ports count for nothing */
	unsigned count;
	void (*on_packet)(void *user, const struct lab_packet *packet);
	void *user;
};

/* -EPERM: it is not permitted here. */
int lab_eavesdrop_open(struct lab_eavesdrop **out, struct net_loop *loop,
		       const struct lab_eavesdrop_config *config);
void lab_eavesdrop_close(struct lab_eavesdrop *eavesdrop); /* NULL is fine */

#endif
