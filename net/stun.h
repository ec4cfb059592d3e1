/* stun.h - the two messages of STUN that keep a path of datagrams alive (RFC 5389, RFC 5626 4.4.2).
 *
 * A Binding request asks the far end which address our datagrams come from, and its answer says so:
 * that it came tells that the path is there, what it says tells whether a NAT has moved us.
 */
#ifndef NET_STUN_H
#define NET_STUN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "net/address.h"

enum {
	NET_STUN_ID_SIZE = 12,
	NET_STUN_REQUEST_SIZE = 20, /* a head without attributes */
};

/* Names one request with its repeats.  It is drawn at random, so that nobody else can answer. */
struct net_stun_id {
	uint8_t bytes[NET_STUN_ID_SIZE];
};

/* Is it STUN, and no SIP (RFC 5626 8)? */
bool net_stun_is(const uint8_t *bytes, size_t length);

/* Writes a Binding request without attributes. */
void net_stun_write_request(const struct net_stun_id *id, uint8_t to[NET_STUN_REQUEST_SIZE]);

/* Reads the address that the answer to request ID says.  Errors: -ENOMSG it is no such answer;
 * -EBADMSG it can't be read, or says no address. */
int net_stun_read_answer(const struct net_stun_id *id, const uint8_t *bytes, size_t length,
			 struct net_address *mapped);

#endif
