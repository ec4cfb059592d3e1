/* stun_test.c - the messages of STUN, by the test vectors of RFC 5769 (OWN-6). */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "net/stun.h"

static const struct net_stun_id id = {
	{0xb7, 0xe7, 0xa7, 0x01, 0xbc, 0x34, 0xd6, 0x86, 0xfa, 0x87, 0xdf, 0xae}};

#define HEAD(type, length)                                                                         \
	0x01, type, 0x00, length, 0x21, 0x12, 0xa4, 0x42, /* cookie */                             \
		0xb7, 0xe7, 0xa7, 0x01, 0xbc, 0x34, 0xd6, 0x86, 0xfa, 0x87, 0xdf, 0xae
#define SOFTWARE 0x80, 0x22, 0x00, 0x0b, 't', 'e', 's', 't', ' ', 'v', 'e', 'c', 't', 'o', 'r', ' '

/* RFC 5769 2.2 and 2.3, without what proves who sent them. */
static const uint8_t ipv4[] = {HEAD(0x01, 28), SOFTWARE, 0x00, 0x20, 0x00, 0x08, 0x00,
			       0x01,           0xa1,     0x47, 0xe1, 0x12, 0xa6, 0x43};
static const uint8_t ipv6[] = {HEAD(0x01, 40), SOFTWARE, 0x00, 0x20, 0x00, 0x14, 0x00, 0x02, 0xa1,
			       0x47,           0x01,     0x13, 0xa9, 0xfa, 0xa5, 0xd3, 0xf1, 0x79,
			       0xbc,           0x25,     0xf4, 0xb5, 0xbe, 0xd2, 0xb9, 0xd9};
/* An old server's, RFC 3489 11.2.1. */
static const uint8_t plain[] = {HEAD(0x01, 12), 0x00, 0x01, 0x00, 0x08, 0x00, 0x01,
				0x13,           0xc4, 192,  0,    2,    1};
static const uint8_t refusal[] = {HEAD(0x11, 8), 0x00, 0x09, 0x00, 0x04, 0x00, 0x00, 0x04, 0x14};

/* A good MAPPED-ADDRESS before one that is not. */
static const uint8_t torn[] = {
	HEAD(0x01, 24), 0x00, 0x01, 0x00, 0x08, 0x00, 0x01, 0x13, 0xc4, 192,  0,    2,   1,
	0x00,           0x20, 0x00, 0x08, 0x00, 0x03, 0xa1, 0x47, 0xe1, 0x12, 0xa6, 0x43};

static void request_is_a_head(void **state)
{
	static const uint8_t wanted[] = {0x00, 0x01, 0x00, 0x00, 0x21, 0x12, 0xa4,
					 0x42, 0xb7, 0xe7, 0xa7, 0x01, 0xbc, 0x34,
					 0xd6, 0x86, 0xfa, 0x87, 0xdf, 0xae};
	uint8_t request[NET_STUN_REQUEST_SIZE];

	(void)state;
	net_stun_write_request(&id, request);
	assert_memory_equal(request, wanted, sizeof wanted);
	assert_true(net_stun_is(request, sizeof request));
}

static void assert_says(const uint8_t *answer, size_t length, const char *address)
{
	char text[NET_ADDRESS_TEXT_MAX];
	struct net_address mapped;

	assert_int_equal(net_stun_read_answer(&id, answer, length, &mapped), 0);
	assert_string_equal(net_address_format(&mapped, text), address);
}

static void answers_say_an_address(void **state)
{
	(void)state;
	assert_says(ipv4, sizeof ipv4, "192.0.2.1:32853");
	assert_says(ipv6, sizeof ipv6, "[2001:db8:1234:5678:11:2233:4455:6677]:32853");
	assert_says(plain, sizeof plain, "192.0.2.1:5060");
}

/* No SIP message looks like one, and what is for others, or refuses, is no answer. */
static void others_are_no_answers(void **state)
{
	static const char sip[] = "SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP 192.0.2.1\r\n";
	struct net_stun_id other = id;
	struct net_address mapped;

	(void)state;
	assert_false(net_stun_is((const uint8_t *)sip, sizeof sip));
	assert_false(net_stun_is(ipv4, NET_STUN_REQUEST_SIZE - 1));
	other.bytes[0]++;
	assert_int_equal(net_stun_read_answer(&other, ipv4, sizeof ipv4, &mapped), -ENOMSG);
	assert_int_equal(net_stun_read_answer(&id, refusal, sizeof refusal, &mapped), -ENOMSG);
}

/* Whatever is cut off, or changed in the heads of attributes, is read inside its bounds. */
static void broken_ones_are_refused(void **state)
{
	uint8_t answer[sizeof ipv4];
	struct net_address mapped = {.port = 1};

	(void)state;
	for (size_t i = NET_STUN_REQUEST_SIZE; i < sizeof ipv4; i++) {
		memcpy(answer, ipv4, sizeof answer);
		assert_int_equal(net_stun_read_answer(&id, answer, i, &mapped), -EBADMSG);
		answer[3] = (uint8_t)(i - NET_STUN_REQUEST_SIZE);
		assert_int_equal(net_stun_read_answer(&id, answer, i, &mapped), -EBADMSG);
	}
	assert_int_equal(net_stun_read_answer(&id, torn, sizeof torn, &mapped), -EBADMSG);
	assert_int_equal(mapped.port, 1);
	memcpy(answer, ipv4, sizeof answer);
	answer[23] = 0xff; /* the length of SOFTWARE */
	assert_int_equal(net_stun_read_answer(&id, answer, sizeof answer, &mapped), -EBADMSG);
	memcpy(answer, ipv4, sizeof answer);
	answer[41] = 0x03; /* a family that nobody knows */
	assert_int_equal(net_stun_read_answer(&id, answer, sizeof answer, &mapped), -EBADMSG);
	answer[41] = 0x02; /* IPv6 in four bytes */
	assert_int_equal(net_stun_read_answer(&id, answer, sizeof answer, &mapped), -EBADMSG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(request_is_a_head),
		cmocka_unit_test(answers_say_an_address),
		cmocka_unit_test(others_are_no_answers),
		cmocka_unit_test(broken_ones_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
