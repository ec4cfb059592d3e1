/* Each ICMP and ICMPv6 code that a router may answer with, and the class it counts as: TRIG-1.
 *
 * The messages are made by the test and sent to its own socket, in a network namespace of its own,
 * where it may do so. */
#include <net/if.h>
#include <netinet/icmp6.h>
#include <netinet/ip.h>
#include <netinet/ip6.h>
#include <netinet/ip_icmp.h>
#include <netinet/udp.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "net/udp.h"
#include "tests/net/support.h"

#define SKIPPED 77 /* what meson takes for "could not run here" */

struct row {
	uint8_t type, code;
	enum net_icmp_class icmp_class;
};

static const char payload[] = "OPTIONS";

static struct net_loop *loop;
static struct net_udp *udp;
static struct net_udp_error last;
static unsigned errors;
static char quoted[64];

static void on_datagram(void *user, const struct net_datagram *datagram)
{
	(void)user;
	(void)datagram;
	fail();
}

static void on_error(void *user, const struct net_udp_error *error)
{
	(void)user;
	assert_true(error->quoted_length < sizeof(quoted));
	memcpy(quoted, error->quoted, error->quoted_length);
	last = *error;
	errors++;
}

static uint16_t checksum(const uint8_t *bytes, size_t length)
{
	uint32_t sum = 0;

	for (size_t i = 0; i < length; i++)
		sum += i % 2 == 0 ? (uint32_t)bytes[i] << 8 : bytes[i];
	sum = (sum >> 16) + (sum & 0xffff);
	sum += sum >> 16;
	return htons((uint16_t)~sum);
}

static struct udphdr quoted_udp(uint16_t port_from, uint16_t port_to)
{
	return (struct udphdr){
		.source = htons(port_from),
		.dest = htons(port_to),
		.len = htons(sizeof(struct udphdr) + sizeof(payload)),
	};
}

/* ICMP about a datagram from our socket to `dead`, of which `quote` payload bytes are quoted. */
static void send_icmp4(const struct row *row, const struct net_address *dead, size_t quote)
{
	struct {
		struct icmphdr icmp;
		struct iphdr ip;
		struct udphdr udp;
		char payload[sizeof(payload)];
	} message = {
		.icmp = {.type = row->type, .code = row->code},
		.ip = {.version = 4,
		       .ihl = 5,
		       .ttl = 1,
		       .protocol = IPPROTO_UDP,
		       .tot_len = htons(sizeof(struct iphdr) + sizeof(struct udphdr) +
					sizeof(payload)),
		       .saddr = htonl(INADDR_LOOPBACK)},
		.udp = quoted_udp(net_udp_local(udp).port, dead->port),
	};
	const size_t length = sizeof(message) - sizeof(payload) + quote;
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int fd = socket(AF_INET, SOCK_RAW, IPPROTO_ICMP);

	memcpy(message.payload, payload, sizeof(payload));
	memcpy(&message.ip.daddr, dead->ip + 12, 4);
	message.ip.check = checksum((uint8_t *)&message.ip, sizeof(message.ip));
	if (row->code == ICMP_FRAG_NEEDED)
		message.icmp.un.frag.mtu = htons(1280);
	message.icmp.checksum = checksum((uint8_t *)&message, length);
	assert_int_equal(sendto(fd, &message, length, 0, (struct sockaddr *)&to, sizeof(to)),
			 length);
	close(fd);
}

/* The kernel adds the checksum. */
static void send_icmp6(const struct row *row, const struct net_address *dead, size_t quote)
{
	struct {
		struct icmp6_hdr icmp;
		struct ip6_hdr ip;
		struct udphdr udp;
		char payload[sizeof(payload)];
	} message = {
		.icmp = {.icmp6_type = row->type, .icmp6_code = row->code},
		.ip = {.ip6_ctlun.ip6_un1 = {.ip6_un1_flow = htonl(6u << 28),
					     .ip6_un1_plen =
						     htons(sizeof(struct udphdr) + sizeof(payload)),
					     .ip6_un1_nxt = IPPROTO_UDP,
					     .ip6_un1_hlim = 1},
		       .ip6_src = IN6ADDR_LOOPBACK_INIT},
		.udp = quoted_udp(net_udp_local(udp).port, dead->port),
	};
	const size_t length = sizeof(message) - sizeof(payload) + quote;
	struct sockaddr_in6 to = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT};
	int fd = socket(AF_INET6, SOCK_RAW, IPPROTO_ICMPV6);

	memcpy(message.payload, payload, sizeof(payload));
	memcpy(&message.ip.ip6_dst, dead->ip, sizeof(dead->ip));
	if (row->type == ICMP6_PACKET_TOO_BIG)
		message.icmp.icmp6_mtu = htonl(1280);
	assert_int_equal(sendto(fd, &message, length, 0, (struct sockaddr *)&to, sizeof(to)),
			 length);
	close(fd);
}

static void check_row(const struct row *row, const char *dead_text,
		      void (*send_icmp)(const struct row *, const struct net_address *, size_t))
{
	struct net_address dead = address_of(dead_text);

	errors = 0;
	send_icmp(row, &dead, sizeof(payload));
	wait_for(loop, &errors, 1);
	if (last.icmp_class != row->icmp_class)
		print_error("type %u code %u is \"%s\"\n", row->type, row->code,
			    net_icmp_class_text(last.icmp_class));
	assert_int_equal(last.icmp_class, row->icmp_class);
	assert_int_equal(last.type, row->type);
	assert_int_equal(last.code, row->code);
	assert_int_equal(net_address_compare(&last.destination, &dead), 0);
	assert_int_equal(last.quoted_length, sizeof(payload));
	assert_string_equal(quoted, payload);
}

static void open_socket(const char *ip)
{
	assert_int_equal(net_loop_create(&loop), 0);
	assert_int_equal(net_udp_open(&udp, loop,
				      &(struct net_udp_config){.local = address_of(ip),
							       .on_datagram = on_datagram,
							       .on_error = on_error}),
			 0);
}

static void close_socket(void)
{
	net_udp_close(udp);
	net_loop_free(loop);
}

/* Linux keeps 11/1, lost fragments, to itself. */
static void each_icmp_code_has_its_class__TRIG_1(void **state)
{
	static const struct row rows[] = {
		{3, 0, NET_ICMP_NET},         {3, 1, NET_ICMP_HOST},
		{3, 2, NET_ICMP_PROTOCOL},    {3, 3, NET_ICMP_PORT},
		{3, 4, NET_ICMP_TOO_BIG},     {3, 5, NET_ICMP_OTHER},
		{3, 6, NET_ICMP_NET},         {3, 7, NET_ICMP_HOST},
		{3, 8, NET_ICMP_HOST},        {3, 9, NET_ICMP_PROHIBITED},
		{3, 10, NET_ICMP_PROHIBITED}, {3, 11, NET_ICMP_NET},
		{3, 12, NET_ICMP_HOST},       {3, 13, NET_ICMP_PROHIBITED},
		{3, 14, NET_ICMP_PROHIBITED}, {3, 15, NET_ICMP_PROHIBITED},
		{11, 0, NET_ICMP_HOPS},       {12, 0, NET_ICMP_OTHER},
	};

	(void)state;
	open_socket("127.0.0.1");
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		check_row(&rows[i], "203.0.113.1:5060", send_icmp4);
	assert_int_equal(net_udp_counters(udp).icmp, sizeof(rows) / sizeof(rows[0]));
	close_socket();
}

static void each_icmpv6_code_has_its_class__TRIG_1(void **state)
{
	static const struct row rows[] = {
		{1, 0, NET_ICMP_NET},        {1, 1, NET_ICMP_PROHIBITED},
		{1, 2, NET_ICMP_NET},        {1, 3, NET_ICMP_HOST},
		{1, 4, NET_ICMP_PORT},       {1, 5, NET_ICMP_PROHIBITED},
		{1, 6, NET_ICMP_PROHIBITED}, {2, 0, NET_ICMP_TOO_BIG},
		{3, 0, NET_ICMP_HOPS},       {3, 1, NET_ICMP_HOPS},
		{4, 0, NET_ICMP_OTHER},      {4, 1, NET_ICMP_PROTOCOL},
	};

	(void)state;
	open_socket("::1");
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		check_row(&rows[i], "[2001:db8::1]:5060", send_icmp6);
	close_socket();
}

/* RFC 792: a router owes us the UDP header and nothing of the payload. */
static void too_short_a_quote_is_told_as_such__TRIG_1(void **state)
{
	static const struct row port = {3, 3, NET_ICMP_PORT};
	struct net_address dead = address_of("203.0.113.1:5060");

	(void)state;
	open_socket("127.0.0.1");
	errors = 0;
	send_icmp4(&port, &dead, 0);
	wait_for(loop, &errors, 1);
	assert_int_equal(last.quoted_length, 0);
	assert_int_equal(net_address_compare(&last.destination, &dead), 0);
	close_socket();
}

/* A network namespace with nothing but loopback; as root of it, even for a user without rights. */
static bool enter_namespace(void)
{
	struct ifreq loopback = {.ifr_name = "lo", .ifr_flags = IFF_UP};
	bool up;
	int fd;

	if (unshare(CLONE_NEWNET) < 0 && unshare(CLONE_NEWUSER | CLONE_NEWNET) < 0)
		return false;
	fd = socket(AF_INET, SOCK_DGRAM, 0);
	up = fd >= 0 && ioctl(fd, SIOCSIFFLAGS, &loopback) == 0;
	close(fd);
	return up;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_icmp_code_has_its_class__TRIG_1),
		cmocka_unit_test(each_icmpv6_code_has_its_class__TRIG_1),
		cmocka_unit_test(too_short_a_quote_is_told_as_such__TRIG_1),
	};

	if (!enter_namespace()) {
		perror("no network namespace for the test");
		return SKIPPED;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
