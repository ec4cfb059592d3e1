/* capture.h - writes datagrams to a pcap file, as a sniffer on this machine would have.
 *
 * Each gets the IP and UDP headers that it had on its way as far as they matter: addresses, ports,
 * lengths and checksums (link type RAW).  The file is complete after each datagram.
 *
 * Ownership  net_capture_open() gives a capture that the caller closes with net_capture_close().
 * Errors     0, or a negative errno value.
 */
#ifndef NET_CAPTURE_H
#define NET_CAPTURE_H

#include <stddef.h>

#include "net/address.h"

struct net_capture;

struct net_capture_datagram {
	struct net_address source, target; /* of one family, with ports */
	const void *bytes;
	size_t length; /* what does not fit an IP packet is cut off */
};

/* Begins a new file, readable for its owner alone: it holds what the messages hold.
 * Errors: those of open(2). */
int net_capture_open(struct net_capture **out, const char *path);
void net_capture_close(struct net_capture *capture); /* NULL is fine */

/* Errors: -EIO it can't be written; nothing more will be. */
int net_capture_write(struct net_capture *capture, const struct net_capture_datagram *datagram);

#endif
