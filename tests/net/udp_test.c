/* Datagrams and ICMP errors on loopback: TRIG-1, and one peer's dead port never harms another. */
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "net/udp.h"
#include "tests/net/support.h"

/* A socket, and what it got. */
struct peer {
	struct net_udp *udp;
	struct net_address address;
	unsigned datagrams, errors;
	struct net_datagram last; /* its bytes are in `bytes` */
	struct net_udp_error last_error;
	uint8_t bytes[NET_DATAGRAM_MAX];
	bool closes;   /* itself, in its callback */
	bool numbered; /* each datagram is its own number, from 0 */
};

static struct net_loop *loop;
static struct peer us, them;

static void close_if_wanted(struct peer *peer)
{
	if (peer->closes) {
		net_udp_close(peer->udp);
		peer->udp = NULL;
	}
}

static void on_datagram(void *user, const struct net_datagram *datagram)
{
	struct peer *peer = user;

	if (peer->numbered)
		assert_int_equal(datagram->bytes[0], peer->datagrams);
	peer->datagrams++;
	peer->last = *datagram;
	memcpy(peer->bytes, datagram->bytes, datagram->length);
	close_if_wanted(peer);
}

static void on_error(void *user, const struct net_udp_error *error)
{
	struct peer *peer = user;

	peer->errors++;
	peer->last_error = *error;
	memcpy(peer->bytes, error->quoted, error->quoted_length);
	close_if_wanted(peer);
}

static void peer_open(struct peer *peer, const char *address, size_t size_max)
{
	const struct net_udp_config config = {.local = address_of(address),
					      .size_max = size_max,
					      .on_datagram = on_datagram,
					      .on_error = on_error,
					      .user = peer};

	memset(peer, 0, sizeof(*peer));
	assert_int_equal(net_udp_open(&peer->udp, loop, &config), 0);
	peer->address = net_udp_local(peer->udp);
	assert_int_not_equal(peer->address.port, 0);
}

static int set_up(void **state)
{
	(void)state;
	us.udp = them.udp = NULL;
	return net_loop_create(&loop);
}

static int tear_down(void **state)
{
	(void)state;
	net_udp_close(us.udp);
	net_udp_close(them.udp);
	net_loop_free(loop);
	return 0;
}

/* An address where nobody listens: a port that was just free. */
static struct net_address dead_address(const char *ip)
{
	struct peer closed;

	peer_open(&closed, ip, 0);
	net_udp_close(closed.udp);
	return closed.address;
}

static int send_text(const struct net_address *to, const char *text)
{
	return net_udp_send(us.udp, to, text, strlen(text));
}

static void datagrams_tell_where_they_are_from(void **state)
{
	static const char *const ips[] = {"127.0.0.1", "::1"};

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		peer_open(&us, ips[i], 0);
		peer_open(&them, ips[i], 0);
		assert_int_equal(send_text(&them.address, "hello"), 0);
		wait_for(loop, &them.datagrams, 1);
		assert_int_equal(net_address_compare(&them.last.source, &us.address), 0);
		assert_int_equal(net_address_compare(&them.last.local, &them.address), 0);
		assert_int_equal(them.last.length, 5);
		assert_memory_equal(them.bytes, "hello", 5);
		assert_int_equal(net_udp_counters(us.udp).sent, 1);
		assert_int_equal(net_udp_counters(them.udp).received, 1);
		net_udp_close(us.udp);
		net_udp_close(them.udp);
	}
	us.udp = them.udp = NULL;
}

static void a_wildcard_socket_tells_where_they_were_sent_to(void **state)
{
	static const char *const rows[][3] = {{"0.0.0.0", "127.0.0.1", "127.0.0.7"},
					      {"::", "::1", "::1"}};

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct net_address to = address_of(rows[i][2]);

		peer_open(&us, rows[i][1], 0);
		peer_open(&them, rows[i][0], 0);
		to.port = them.address.port;
		assert_int_equal(send_text(&to, "x"), 0);
		wait_for(loop, &them.datagrams, 1);
		assert_int_equal(net_address_compare(&them.last.local, &to), 0);
		net_udp_close(us.udp);
		net_udp_close(them.udp);
	}
	us.udp = them.udp = NULL;
}

/* RFC 3581 4: an answer leaves from the address that was asked. */
static void a_wildcard_socket_answers_from_where_it_was_asked(void **state)
{
	static const char *const rows[][3] = {{"0.0.0.0", "127.0.0.1", "127.0.0.7"},
					      {"::", "::1", "::1"}};

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct net_udp_path path = {.from = address_of(rows[i][2])};

		peer_open(&us, rows[i][0], 0);
		peer_open(&them, rows[i][1], 0);
		path.to = them.address;
		assert_int_equal(net_udp_send_from(us.udp, &path, "x", 1), 0);
		wait_for(loop, &them.datagrams, 1);
		path.from.port = us.address.port;
		assert_int_equal(net_address_compare(&them.last.source, &path.from), 0);
		net_udp_close(us.udp);
		net_udp_close(them.udp);
	}
	us.udp = them.udp = NULL;
}

/* More than are taken at a time. */
static void a_burst_comes_whole_and_in_order(void **state)
{
	enum { BURST = 40 };

	(void)state;
	peer_open(&us, "127.0.0.1", 0);
	peer_open(&them, "127.0.0.1", 0);
	them.numbered = true;
	for (uint8_t i = 0; i < BURST; i++)
		assert_int_equal(net_udp_send(us.udp, &them.address, &i, 1), 0);
	wait_for(loop, &them.datagrams, BURST);
}

static void a_port_in_use_is_told_clearly(void **state)
{
	struct net_udp_config config = {.on_datagram = on_datagram};
	struct net_udp *second = NULL;
	struct net_address shown = address_of("127.0.0.1:5060");
	char text[128];

	(void)state;
	peer_open(&us, "127.0.0.1", 0);
	config.local = us.address;
	assert_int_equal(net_udp_open(&second, loop, &config), -EADDRINUSE);
	assert_null(second);
	net_udp_explain(-EADDRINUSE, &shown, text, sizeof(text));
	assert_string_equal(text, "127.0.0.1:5060: the port is in use");

	config.local = address_of("192.0.2.1:5060");
	assert_int_equal(net_udp_open(&second, loop, &config), -EADDRNOTAVAIL);
	config.size_max = NET_DATAGRAM_MAX + 1;
	assert_int_equal(net_udp_open(&second, loop, &config), -EINVAL);
}

static void a_closed_port_is_told_with_what_was_sent__TRIG_1(void **state)
{
	static const char *const ips[] = {"127.0.0.1", "::1"};
	static const char text[] = "REGISTER sip:example.com SIP/2.0\r\nVia: ...";

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct net_address dead = dead_address(ips[i]);

		peer_open(&us, ips[i], 0);
		assert_int_equal(send_text(&dead, text), 0);
		assert_int_equal(us.errors, 0);
		wait_for(loop, &us.errors, 1);
		assert_int_equal(net_address_compare(&us.last_error.destination, &dead), 0);
		assert_int_equal(us.last_error.icmp_class, NET_ICMP_PORT);
		assert_int_equal(us.last_error.error, ECONNREFUSED);
		assert_int_equal(us.last_error.type, i == 0 ? 3 : 1);
		assert_int_equal(us.last_error.code, i == 0 ? 3 : 4);
		assert_int_equal(us.last_error.quoted_length, strlen(text));
		assert_memory_equal(us.bytes, text, strlen(text));
		assert_int_equal(net_udp_counters(us.udp).icmp, 1);
		net_udp_close(us.udp);
	}
	us.udp = NULL;
}

/* First the trap itself, on a bare socket, so that this test proves something on every kernel. */
static void bare_send_fails_for_anothers_error(const struct net_address *dead,
					       const struct net_address *healthy)
{
	struct sockaddr_storage name;
	socklen_t length;
	int fd = socket(AF_INET, SOCK_DGRAM, 0);

	assert_int_equal(setsockopt(fd, IPPROTO_IP, IP_RECVERR, &(int){1}, sizeof(int)), 0);
	length = net_address_to_sockaddr(dead, &name);
	assert_int_equal(sendto(fd, "x", 1, 0, (struct sockaddr *)&name, length), 1);
	assert_int_equal(poll(&(struct pollfd){.fd = fd}, 1, SOON_MS), 1);
	length = net_address_to_sockaddr(healthy, &name);
	assert_int_equal(sendto(fd, "x", 1, 0, (struct sockaddr *)&name, length), -1);
	assert_int_equal(errno, ECONNREFUSED);
	close(fd);
}

static void a_pending_error_of_one_peer_never_fails_a_send_to_another__TRIG_1(void **state)
{
	struct net_address dead = dead_address("127.0.0.1");

	(void)state;
	peer_open(&us, "127.0.0.1", 0);
	peer_open(&them, "127.0.0.1", 0);
	bare_send_fails_for_anothers_error(&dead, &them.address);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(send_text(&dead, "to the dead"), 0);
		assert_int_equal(send_text(&them.address, "to the healthy"), 0);
	}
	wait_for(loop, &them.datagrams, 3);
	wait_for(loop, &us.errors, 3);
	assert_int_equal(net_address_compare(&us.last_error.destination, &dead), 0);
	assert_memory_equal(us.bytes, "to the dead", strlen("to the dead"));
	assert_int_equal(net_udp_counters(us.udp).send_errors, 0);
}

static void count_up(void *user)
{
	(*(unsigned *)user)++;
}

static struct net_timer *timer_at(uint64_t at_ms, unsigned *count)
{
	struct net_timer *timer;

	assert_int_equal(net_timer_create(&timer, loop, (struct net_callback){count_up, count}), 0);
	net_timer_set(timer, at_ms);
	return timer;
}

static void an_error_wakes_the_loop_once_and_does_not_spin(void **state)
{
	struct net_address dead = dead_address("127.0.0.1");
	unsigned over = 0, passes = 0;
	struct net_timer *timer = timer_at(net_now_ms() + 50, &over);

	(void)state;
	peer_open(&us, "127.0.0.1", 0);
	for (int i = 0; i < 5; i++)
		assert_int_equal(send_text(&dead, "x"), 0);
	while (!over) {
		assert_int_equal(net_loop_step(loop), 0);
		passes++;
	}
	assert_int_equal(us.errors, 5);
	assert_true(passes <= 10);
	net_timer_free(timer);
}

static void a_flood_leaves_timers_their_turn(void **state)
{
	enum { FLOOD = 200 };
	unsigned over = 0;
	struct net_timer *timer;

	(void)state;
	peer_open(&us, "127.0.0.1", 0);
	peer_open(&them, "127.0.0.1", 0);
	for (int i = 0; i < FLOOD; i++)
		assert_int_equal(send_text(&them.address, "x"), 0);
	timer = timer_at(0, &over);
	assert_int_equal(net_loop_step(loop), 0);
	assert_int_equal(over, 1);
	assert_in_range(them.datagrams, 1, FLOOD / 2);
	wait_for(loop, &them.datagrams, FLOOD);
	net_timer_free(timer);
}

static void oversized_datagrams_are_dropped_and_counted(void **state)
{
	static uint8_t bytes[1001];

	(void)state;
	peer_open(&us, "127.0.0.1", 0);
	peer_open(&them, "127.0.0.1", 1000);
	assert_int_equal(net_udp_send(us.udp, &them.address, bytes, 1001), 0);
	assert_int_equal(net_udp_send(us.udp, &them.address, bytes, 1000), 0);
	wait_for(loop, &them.datagrams, 1);
	assert_int_equal(them.last.length, 1000);
	assert_int_equal(net_udp_counters(them.udp).oversized, 1);
	assert_int_equal(net_udp_counters(them.udp).received, 1);
}

static void anything_that_fits_is_delivered_as_it_came(void **state)
{
	static uint8_t bytes[65507]; /* the most that IPv4 carries */
	uint32_t noise = 1;

	(void)state;
	peer_open(&us, "127.0.0.1", 0);
	peer_open(&them, "127.0.0.1", 0);
	for (size_t i = 0; i < sizeof(bytes); i++) {
		noise = noise * 1664525 + 1013904223;
		bytes[i] = (uint8_t)(noise >> 24);
	}
	assert_int_equal(net_udp_send(us.udp, &them.address, bytes, 0), 0);
	wait_for(loop, &them.datagrams, 1);
	assert_int_equal(them.last.length, 0);
	assert_int_equal(net_udp_send(us.udp, &them.address, bytes, sizeof(bytes)), 0);
	wait_for(loop, &them.datagrams, 2);
	assert_int_equal(them.last.length, sizeof(bytes));
	assert_memory_equal(them.bytes, bytes, sizeof(bytes));
}

/* Of the second the kernel also puts a message of its own into the error queue: no ICMP. */
static void what_cannot_be_sent_fails_at_once_and_only_there(void **state)
{
	static uint8_t bytes[70000];
	struct net_address other_family = address_of("[::1]:5060");

	(void)state;
	peer_open(&us, "127.0.0.1", 0);
	peer_open(&them, "127.0.0.1", 0);
	assert_int_equal(net_udp_send(us.udp, &them.address, bytes, sizeof(bytes)), -EMSGSIZE);
	assert_int_equal(net_udp_send(us.udp, &them.address, bytes, 65520), -EMSGSIZE);
	assert_int_equal(send_text(&other_family, "x"), -EAFNOSUPPORT);
	assert_int_equal(send_text(&us.address, "to itself, after what is in the queue"), 0);
	wait_for(loop, &us.datagrams, 1);
	assert_int_equal(net_udp_counters(us.udp).send_errors, 3);
	assert_int_equal(net_udp_counters(us.udp).icmp, 0);
	assert_int_equal(us.errors, 0);
}

static void a_socket_may_be_closed_by_its_callbacks(void **state)
{
	struct net_address dead = dead_address("127.0.0.1");

	(void)state;
	peer_open(&us, "127.0.0.1", 0);
	peer_open(&them, "127.0.0.1", 0);
	us.closes = them.closes = true;
	assert_int_equal(send_text(&them.address, "x"), 0);
	assert_int_equal(send_text(&them.address, "x"), 0);
	assert_int_equal(send_text(&dead, "x"), 0);
	assert_int_equal(send_text(&dead, "x"), 0);
	wait_for(loop, &them.datagrams, 1);
	wait_for(loop, &us.errors, 1);
	assert_null(us.udp);
	assert_null(them.udp);
}

#define UDP_TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		UDP_TEST(datagrams_tell_where_they_are_from),
		UDP_TEST(a_wildcard_socket_tells_where_they_were_sent_to),
		UDP_TEST(a_wildcard_socket_answers_from_where_it_was_asked),
		UDP_TEST(a_port_in_use_is_told_clearly),
		UDP_TEST(a_closed_port_is_told_with_what_was_sent__TRIG_1),
		UDP_TEST(a_pending_error_of_one_peer_never_fails_a_send_to_another__TRIG_1),
		UDP_TEST(an_error_wakes_the_loop_once_and_does_not_spin),
		UDP_TEST(a_burst_comes_whole_and_in_order),
		UDP_TEST(a_flood_leaves_timers_their_turn),
		UDP_TEST(oversized_datagrams_are_dropped_and_counted),
		UDP_TEST(anything_that_fits_is_delivered_as_it_came),
		UDP_TEST(what_cannot_be_sent_fails_at_once_and_only_there),
		UDP_TEST(a_socket_may_be_closed_by_its_callbacks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
