/* stun.c - the two messages of STUN that keep a path of datagrams alive. */
#include "net/stun.h"

#include <errno.h>
#include <string.h>

/* RFC 5389 6: type, length of the attributes, cookie, id. */
enum {
	LENGTH_AT = 2,
	COOKIE_AT = 4,
	ID_AT = 8,
	HEAD_SIZE = NET_STUN_REQUEST_SIZE,
	BINDING_REQUEST = 0x0001,
	BINDING_SUCCESS = 0x0101,
};

/* RFC 5389 15: type, length of the value, the value filled up to four bytes. */
enum {
	ATTRIBUTE_HEAD_SIZE = 4,
	MAPPED_ADDRESS = 0x0001,
	XOR_MAPPED_ADDRESS = 0x0020,
	/* RFC 5389 15.1: a byte of nothing, family, port, address. */
	FAMILY_AT = 1,
	PORT_AT = 2,
	IP_AT = 4,
	IPV4_FAMILY = 1,
	IPV6_FAMILY = 2,
};

static const uint8_t cookie[] = {0x21, 0x12, 0xa4, 0x42};

static unsigned read16(const uint8_t *at)
{
	return (unsigned)at[0] << 8 | at[1];
}

bool net_stun_is(const uint8_t *bytes, size_t length)
{
	return length >= HEAD_SIZE && bytes[0] >> 6 == 0 &&
	       !memcmp(bytes + COOKIE_AT, cookie, sizeof cookie);
}

void net_stun_write_request(const struct net_stun_id *id, uint8_t to[NET_STUN_REQUEST_SIZE])
{
	memset(to, 0, NET_STUN_REQUEST_SIZE);
	to[1] = BINDING_REQUEST;
	memcpy(to + COOKIE_AT, cookie, sizeof cookie);
	memcpy(to + ID_AT, id->bytes, sizeof id->bytes);
}

/* The value of an address attribute.  MASK, from the message's cookie on, is what RFC 5389 15.2 has
 * it combined with; NULL: it stands as it is. */
static int read_address(const uint8_t *value, size_t length, const uint8_t *mask,
			struct net_address *address)
{
	struct net_address found = {.ip = {[10] = 0xff, 0xff}};
	size_t size, start;

	if (length < IP_AT)
		return -EBADMSG;
	if (value[FAMILY_AT] != IPV4_FAMILY && value[FAMILY_AT] != IPV6_FAMILY)
		return -EBADMSG;
	size = value[FAMILY_AT] == IPV4_FAMILY ? 4 : sizeof found.ip;
	start = sizeof found.ip - size;
	if (length != IP_AT + size)
		return -EBADMSG;
	found.port = (uint16_t)(read16(value + PORT_AT) ^ (mask ? read16(mask) : 0));
	for (size_t i = 0; i < size; i++)
		found.ip[start + i] = (uint8_t)(value[IP_AT + i] ^ (mask ? mask[i] : 0));
	*address = found;
	return 0;
}

/* RFC 5389 15.2: old servers say MAPPED-ADDRESS alone; where both stand, NATs may have changed that
 * one. */
static int read_attributes(const uint8_t *bytes, size_t length, struct net_address *mapped)
{
	size_t at = HEAD_SIZE;
	int error = -EBADMSG;

	while (length - at >= ATTRIBUTE_HEAD_SIZE) {
		unsigned type = read16(bytes + at);
		size_t size = read16(bytes + at + 2), filled = (size + 3) & ~(size_t)3;
		const uint8_t *value = bytes + at + ATTRIBUTE_HEAD_SIZE;

		at += ATTRIBUTE_HEAD_SIZE;
		if (filled > length - at)
			return -EBADMSG;
		if (type == XOR_MAPPED_ADDRESS)
			return read_address(value, size, bytes + COOKIE_AT, mapped);
		if (type == MAPPED_ADDRESS)
			error = read_address(value, size, NULL, mapped);
		at += filled;
	}
	return error;
}

int net_stun_read_answer(const struct net_stun_id *id, const uint8_t *bytes, size_t length,
			 struct net_address *mapped)
{
	struct net_address found;
	int error;

	if (!net_stun_is(bytes, length) || read16(bytes) != BINDING_SUCCESS ||
	    memcmp(bytes + ID_AT, id->bytes, sizeof id->bytes) != 0)
		return -ENOMSG;
	if (read16(bytes + LENGTH_AT) != length - HEAD_SIZE)
		return -EBADMSG;
	error = read_attributes(bytes, length, &found);
	if (!error)
		*mapped = found;
	return error;
}
