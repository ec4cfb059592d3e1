/* packet.c - what a captured packet carries. */
#include "lab/packet.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <pcap/pcap.h>
#include <string.h>

enum {
	ETHERTYPE_IPV4 = 0x0800,
	ETHERTYPE_IPV6 = 0x86dd,
	ETHERTYPE_VLAN = 0x8100,
	ETHERTYPE_QINQ = 0x88a8,
	IPV4_LEAST = 20,
	IPV6_HEADER = 40,
	UDP_HEADER = 8,
	TCP_LEAST = 20,
	ICMP_HEADER = 8,
	EXTENSIONS_MAX = 8, /* IPv6 headers between the first and the payload */
};

/* The rest of a packet, cut from the front while it is read. */
struct rest {
	const uint8_t *at;
	size_t length;
};

static bool skip(struct rest *rest, size_t count)
{
	if (rest->length < count)
		return false;
	rest->at += count;
	rest->length -= count;
	return true;
}

static uint16_t read16(const uint8_t *at)
{
	return (uint16_t)(at[0] << 8 | at[1]);
}

static uint32_t read32(const uint8_t *at)
{
	return (uint32_t)read16(at) << 16 | read16(at + 2);
}

/* ---- what IP carries ---- */

static bool decode_udp(struct lab_packet *packet, struct rest rest)
{
	size_t length;

	if (rest.length < UDP_HEADER)
		return false;
	packet->source.port = read16(rest.at);
	packet->target.port = read16(rest.at + 2);
	length = read16(rest.at + 4);
	skip(&rest, UDP_HEADER);
	if (length >= UDP_HEADER && rest.length > length - UDP_HEADER)
		rest.length = length - UDP_HEADER;
	packet->kind = LAB_PACKET_UDP;
	packet->bytes = rest.at;
	packet->length = rest.length;
	return true;
}

static bool decode_tcp(struct lab_packet *packet, struct rest rest)
{
	size_t header;

	if (rest.length < TCP_LEAST)
		return false;
	header = (size_t)(rest.at[12] >> 4) * 4;
	if (header < TCP_LEAST)
		return false;
	packet->source.port = read16(rest.at);
	packet->target.port = read16(rest.at + 2);
	packet->sequence = read32(rest.at + 4);
	packet->flags = rest.at[13];
	if (!skip(&rest, header))
		return false;
	packet->kind = LAB_PACKET_TCP;
	packet->bytes = rest.at;
	packet->length = rest.length;
	return true;
}

void lab_packet_decode_payload(struct lab_packet *packet, const uint8_t *bytes, size_t length)
{
	struct rest rest = {bytes, length};

	packet->kind = LAB_PACKET_OTHER;
	if (packet->protocol == IPPROTO_UDP)
		decode_udp(packet, rest);
	else if (packet->protocol == IPPROTO_TCP)
		decode_tcp(packet, rest);
}

/* ---- ICMP errors ---- */

/* RFC 792, RFC 1812 5.2.7.1; fragmentation needed (4) is no failure.  TRIG-1 */
static enum kl_fault fault_of_icmp4(uint8_t type, uint8_t code)
{
	static const enum kl_fault by_code[] = {
		KL_FAULT_NET,  KL_FAULT_HOST,       KL_FAULT_PROTOCOL,   KL_FAULT_PORT,
		KL_FAULT_NONE, KL_FAULT_HOST,       KL_FAULT_NET,        KL_FAULT_HOST,
		KL_FAULT_HOST, KL_FAULT_PROHIBITED, KL_FAULT_PROHIBITED, KL_FAULT_NET,
		KL_FAULT_HOST, KL_FAULT_PROHIBITED,
	};

	if (type == 11)
		return KL_FAULT_HOPS;
	if (type != 3 || code >= sizeof by_code / sizeof *by_code)
		return KL_FAULT_NONE;
	return by_code[code];
}

/* RFC 4443 3.1, 3.3 */
static enum kl_fault fault_of_icmp6(uint8_t type, uint8_t code)
{
	static const enum kl_fault by_code[] = {
		KL_FAULT_NET,  KL_FAULT_PROHIBITED, KL_FAULT_NET, KL_FAULT_HOST,
		KL_FAULT_PORT, KL_FAULT_PROHIBITED, KL_FAULT_NET};

	if (type == 3)
		return KL_FAULT_HOPS;
	if (type != 1 || code >= sizeof by_code / sizeof *by_code)
		return KL_FAULT_NONE;
	return by_code[code];
}

static bool decode_ip(struct lab_packet *packet, struct rest rest);

/* The quoted packet tells whose error it is; of it, ports and the first bytes suffice. */
static bool decode_icmp(struct lab_packet *packet, struct rest rest, bool v6)
{
	struct lab_packet quoted = {0};
	enum kl_fault fault;

	if (rest.length < ICMP_HEADER)
		return false;
	fault = v6 ? fault_of_icmp6(rest.at[0], rest.at[1])
		   : fault_of_icmp4(rest.at[0], rest.at[1]);
	skip(&rest, ICMP_HEADER);
	if (fault == KL_FAULT_NONE || !decode_ip(&quoted, rest) ||
	    (quoted.kind != LAB_PACKET_UDP && quoted.kind != LAB_PACKET_TCP))
		return false;
	*packet = quoted;
	packet->protocol = quoted.kind == LAB_PACKET_UDP ? IPPROTO_UDP : IPPROTO_TCP;
	packet->kind = LAB_PACKET_ICMP;
	packet->fault = fault;
	return true;
}

/* ---- IP ---- */

static bool decode_protocol(struct lab_packet *packet, uint8_t protocol, struct rest rest)
{
	switch (protocol) {
	case IPPROTO_UDP:
		return decode_udp(packet, rest);
	case IPPROTO_TCP:
		return decode_tcp(packet, rest);
	case IPPROTO_ICMP:
		return decode_icmp(packet, rest, false);
	case IPPROTO_ICMPV6:
		return decode_icmp(packet, rest, true);
	default:
		return false;
	}
}

static void take_fragment(struct lab_packet *packet, uint8_t protocol, struct rest rest)
{
	packet->kind = LAB_PACKET_FRAGMENT;
	packet->protocol = protocol;
	packet->bytes = rest.at;
	packet->length = rest.length;
}

static void map_ipv4(struct net_address *address, const uint8_t *from)
{
	memset(address->ip, 0, 10);
	address->ip[10] = address->ip[11] = 0xff;
	memcpy(address->ip + 12, from, 4);
}

static bool decode_ipv4(struct lab_packet *packet, struct rest rest)
{
	const uint8_t *header = rest.at;
	size_t size = (size_t)(header[0] & 0xf) * 4;
	uint16_t total = read16(header + 2), piece = read16(header + 6);

	map_ipv4(&packet->source, header + 12);
	map_ipv4(&packet->target, header + 16);
	if (size < IPV4_LEAST || !skip(&rest, size))
		return false;
	if (total >= size && rest.length > total - size)
		rest.length = total - size; /* without the link's padding */
	if (!(piece & 0x3fff))
		return decode_protocol(packet, header[9], rest);
	packet->id = read16(header + 4);
	packet->offset = (uint32_t)(piece & 0x1fff) * 8;
	packet->more = piece & 0x2000;
	take_fragment(packet, header[9], rest);
	return true;
}

static bool decode_ipv6(struct lab_packet *packet, struct rest rest)
{
	const uint8_t *header = rest.at;
	uint8_t next = header[6];
	size_t length = read16(header + 4);

	memcpy(packet->source.ip, header + 8, 16);
	memcpy(packet->target.ip, header + 24, 16);
	skip(&rest, IPV6_HEADER);
	if (length && rest.length > length)
		rest.length = length;
	for (int i = 0; i < EXTENSIONS_MAX && rest.length >= 8; i++) {
		const uint8_t *at = rest.at;

		if (next == IPPROTO_FRAGMENT) {
			packet->id = read32(at + 4);
			packet->offset = read16(at + 2) & 0xfff8u;
			packet->more = at[3] & 1;
			skip(&rest, 8);
			take_fragment(packet, at[0], rest);
			return true;
		}
		if (next != IPPROTO_HOPOPTS && next != IPPROTO_ROUTING && next != IPPROTO_DSTOPTS)
			break;
		next = at[0];
		if (!skip(&rest, 8 * ((size_t)at[1] + 1)))
			return false;
	}
	return decode_protocol(packet, next, rest);
}

static bool decode_ip(struct lab_packet *packet, struct rest rest)
{
	if (rest.length >= IPV4_LEAST && rest.at[0] >> 4 == 4)
		return decode_ipv4(packet, rest);
	if (rest.length >= IPV6_HEADER && rest.at[0] >> 4 == 6)
		return decode_ipv6(packet, rest);
	return false;
}

/* ---- links ---- */

/* Skips to the IP packet behind an EtherType at offset TYPE_AT.  False: it is none. */
static bool skip_ethernet(struct rest *rest, size_t type_at)
{
	uint16_t type;

	for (;;) {
		if (rest->length < type_at + 2)
			return false;
		type = read16(rest->at + type_at);
		skip(rest, type_at + 2);
		if (type != ETHERTYPE_VLAN && type != ETHERTYPE_QINQ)
			return type == ETHERTYPE_IPV4 || type == ETHERTYPE_IPV6;
		type_at = 2;
	}
}

static bool skip_link(struct rest *rest, int link_type, bool *known)
{
	*known = true;
	switch (link_type) {
	case DLT_EN10MB:
		return skip_ethernet(rest, 12);
	case DLT_LINUX_SLL:
		return skip_ethernet(rest, 14);
	case DLT_LINUX_SLL2:
		return skip(rest, 20);
	case DLT_NULL:
	case DLT_LOOP:
		return skip(rest, 4);
	case DLT_RAW:
	case DLT_IPV4:
	case DLT_IPV6:
		return true;
	default:
		*known = false;
		return false;
	}
}

bool lab_packet_decode(struct lab_packet *packet, int link_type, const uint8_t *bytes,
		       size_t length)
{
	struct rest rest = {bytes, length};
	bool known;

	*packet = (struct lab_packet){0};
	if (skip_link(&rest, link_type, &known) && !decode_ip(packet, rest))
		packet->kind = LAB_PACKET_OTHER;
	return known;
}
