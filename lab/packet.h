/* packet.h - what a captured packet carries: its headers decoded, its payload found.
 *
 * Pure; everything in a packet is hostile.  Link types of libpcap: Ethernet (with VLAN tags), Linux
 * cooked (both versions), loopback, raw IP.
 */
#ifndef LAB_PACKET_H
#define LAB_PACKET_H

#include "keepline/keepline.h"
#include "net/address.h"

enum lab_packet_kind {
	LAB_PACKET_OTHER, /* nothing that the judge can use, or a broken one */
	LAB_PACKET_UDP,
	LAB_PACKET_TCP,
	LAB_PACKET_ICMP,     /* an error; `source` and `target` are those of the packet it quotes */
	LAB_PACKET_FRAGMENT, /* of IP: `bytes` is a part of what the protocol carries */
};

enum { LAB_TCP_FIN = 1, LAB_TCP_SYN = 2, LAB_TCP_RST = 4, LAB_TCP_ACK = 16 };

struct lab_packet {
	enum lab_packet_kind kind;
	struct net_address source, target;
	const uint8_t *bytes; /* the payload; of ICMP the quoted one; in the packet */
	size_t length;
	uint32_t sequence;   /* TCP */
	uint8_t flags;       /* TCP: LAB_TCP_* */
	uint8_t protocol;    /* ICMP: of the quoted packet; FRAGMENT: of the whole */
	enum kl_fault fault; /* ICMP */
	uint32_t id;         /* FRAGMENT */
	uint32_t offset;     /* FRAGMENT: of its first byte */
	bool more;           /* FRAGMENT: others follow behind it */
};

/* Decodes a packet of LENGTH bytes.  False: the link type is none of the above. */
bool lab_packet_decode(struct lab_packet *packet, int link_type, const uint8_t *bytes,
		       size_t length);

/* Decodes what fragments were put together to: a UDP datagram or a TCP segment between the
 * addresses that PACKET has. */
void lab_packet_decode_payload(struct lab_packet *packet, const uint8_t *bytes, size_t length);

#endif
