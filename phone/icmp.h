/* icmp.h - what the network says of datagrams that did not arrive (TRIG-1). */
#ifndef PHONE_ICMP_H
#define PHONE_ICMP_H

#include "net/udp.h"

struct phone;

/* Tells the engine, or the dialog whose request it was.  An error that quotes no branch of ours is
 * told, too: the engine counts it. */
void phone_icmp_take(struct phone *phone, const struct net_udp_error *error);

#endif
