/* stream_test.c - TCP connections: how they begin, carry bytes, and end. */
#include "net/stream.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/net/support.h"

enum { UNREAD_MAX = 64, UNSENT_MAX = 1 << 16, CS5 = 40 };

/* One end of a connection, and what happened to it. */
struct end {
	struct net_stream *stream;
	unsigned opened, reads, ended;
	char text[256];
	size_t length;
	size_t hold;    /* bytes that it leaves untaken, as a half message */
	bool close_now; /* in on_bytes */
	struct net_stream_ending ending;
	char why[128];
};

struct bench {
	struct net_loop *loop;
	struct net_listener *listener;
	unsigned arrivals;
	struct end client, server;
};

static void note_open(void *user)
{
	struct end *end = user;

	end->opened++;
}

static size_t note_bytes(void *user, const uint8_t *bytes, size_t length)
{
	struct end *end = user;
	size_t taken = length > end->hold ? length - end->hold : 0;

	end->reads++;
	if (end->close_now) {
		net_stream_close(end->stream);
		end->stream = NULL;
		end->ended++;
		return length;
	}
	assert_true(end->length + taken < sizeof end->text);
	memcpy(end->text + end->length, bytes, taken);
	end->length += taken;
	return taken;
}

static void note_end(void *user, const struct net_stream_ending *ending)
{
	struct end *end = user;

	end->ended++;
	end->ending = *ending;
	snprintf(end->why, sizeof end->why, "%s", ending->why);
}

static struct net_stream_config describe(struct end *end, struct net_address remote)
{
	return (struct net_stream_config){
		.local = net_address_is_ipv4(&remote) ? address_of("0.0.0.0") : address_of("::"),
		.remote = remote,
		.unread_max = UNREAD_MAX,
		.unsent_max = UNSENT_MAX,
		.keepalive = {.idle_s = 30, .interval_s = 20, .probes = 4},
		.dscp = CS5,
		.on_open = note_open,
		.on_bytes = note_bytes,
		.on_end = note_end,
		.user = end,
	};
}

static void take_arrival(void *user, const struct net_arrival *arrival)
{
	struct bench *bench = user;
	const struct net_stream_config config = describe(&bench->server, arrival->source);

	bench->arrivals++;
	assert_int_equal(
		net_stream_accept(&bench->server.stream, bench->loop, &config, arrival->fd), 0);
}

static int set_up(void **state)
{
	struct bench *bench = calloc(1, sizeof *bench);
	const struct net_listener_config config = {
		.local = address_of("127.0.0.1"), .on_arrival = take_arrival, .user = bench};

	assert_non_null(bench);
	assert_int_equal(net_loop_create(&bench->loop), 0);
	assert_int_equal(net_listener_open(&bench->listener, bench->loop, &config), 0);
	*state = bench;
	return 0;
}

static int tear_down(void **state)
{
	struct bench *bench = *state;

	net_stream_close(bench->client.stream);
	net_stream_close(bench->server.stream);
	net_listener_close(bench->listener);
	net_loop_free(bench->loop);
	free(bench);
	return 0;
}

/* A connection whose both ends are there. */
static void connect_both(struct bench *bench)
{
	const struct net_stream_config config =
		describe(&bench->client, net_listener_local(bench->listener));

	assert_int_equal(net_stream_open(&bench->client.stream, bench->loop, &config), 0);
	wait_for(bench->loop, &bench->client.opened, 1);
	wait_for(bench->loop, &bench->arrivals, 1);
}

static void write_text(struct end *end, const char *text)
{
	assert_int_equal(net_stream_write(end->stream, text, strlen(text)), 0);
}

/* ---- tests ---- */

/* What is written before it is connected goes out then. */
static void bytes_go_both_ways(void **state)
{
	struct bench *bench = *state;
	const struct net_stream_config config =
		describe(&bench->client, net_listener_local(bench->listener));
	struct net_address local;

	assert_int_equal(net_stream_open(&bench->client.stream, bench->loop, &config), 0);
	assert_false(net_stream_is_open(bench->client.stream));
	write_text(&bench->client, "early");
	wait_for(bench->loop, &bench->server.reads, 1);
	assert_memory_equal(bench->server.text, "early", 5);
	assert_true(net_stream_is_open(bench->client.stream));
	write_text(&bench->server, "back");
	wait_for(bench->loop, &bench->client.reads, 1);
	assert_memory_equal(bench->client.text, "back", 4);
	local = net_stream_local(bench->client.stream);
	assert_int_not_equal(local.port, 0);
	local.port = 0;
	assert_address(&local, "127.0.0.1");
}

/* RFC 3261 18.1.1: it is sent from the address that was bound. */
static void sent_from_the_local_address(void **state)
{
	struct bench *bench = *state;
	struct net_stream_config config =
		describe(&bench->client, net_listener_local(bench->listener));
	struct net_address local;

	config.local = address_of("127.0.0.9");
	assert_int_equal(net_stream_open(&bench->client.stream, bench->loop, &config), 0);
	wait_for(bench->loop, &bench->client.opened, 1);
	local = net_stream_local(bench->client.stream);
	local.port = 0;
	assert_address(&local, "127.0.0.9");
}

/* What was not taken comes again, with more behind it. */
static void untaken_bytes_come_again(void **state)
{
	struct bench *bench = *state;

	connect_both(bench);
	bench->server.hold = 3;
	write_text(&bench->client, "abcdef");
	wait_for(bench->loop, &bench->server.reads, 1);
	write_text(&bench->client, "ghi");
	wait_for(bench->loop, &bench->server.reads, 2);
	assert_int_equal(bench->server.length, 6);
	assert_memory_equal(bench->server.text, "abcdef", 6);
}

static void what_nobody_reads_ends_it(void **state)
{
	static const char flood[UNREAD_MAX + 1] = {0};
	struct bench *bench = *state;

	connect_both(bench);
	bench->server.hold = sizeof flood;
	assert_int_equal(net_stream_write(bench->client.stream, flood, sizeof flood), 0);
	wait_for(bench->loop, &bench->server.ended, 1);
	assert_int_equal(bench->server.ending.end, NET_STREAM_UNREAD);
	wait_for(bench->loop, &bench->client.ended, 1);
}

/* The queue of what is to be sent is bounded, and takes whole messages or nothing. */
static void the_queue_is_bounded(void **state)
{
	struct bench *bench = *state;
	char *much = calloc(1, UNSENT_MAX);

	assert_non_null(much);
	connect_both(bench);
	assert_int_equal(net_stream_write(bench->client.stream, much, UNSENT_MAX), 0);
	assert_int_equal(net_stream_write(bench->client.stream, much, 1), -ENOBUFS);
	free(much);
}

static void closed_by_the_far_end(void **state)
{
	struct bench *bench = *state;

	connect_both(bench);
	net_stream_close(bench->server.stream);
	bench->server.stream = NULL;
	wait_for(bench->loop, &bench->client.ended, 1);
	assert_int_equal(bench->client.ending.end, NET_STREAM_CLOSED);
	assert_string_equal(bench->client.why, "closed by the far end");
	assert_int_equal(net_stream_write(bench->client.stream, "x", 1), -EPIPE);
}

static void reset_by_the_far_end(void **state)
{
	const struct linger abort_it = {.l_onoff = 1, .l_linger = 0};
	struct bench *bench = *state;
	const struct net_address at = net_listener_local(bench->listener);
	struct sockaddr_storage name;
	socklen_t length = net_address_to_sockaddr(&at, &name);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_int_equal(connect(fd, (struct sockaddr *)&name, length), 0);
	wait_for(bench->loop, &bench->arrivals, 1);
	setsockopt(fd, SOL_SOCKET, SO_LINGER, &abort_it, sizeof abort_it);
	close(fd);
	wait_for(bench->loop, &bench->server.ended, 1);
	assert_int_equal(bench->server.ending.end, NET_STREAM_RESET);
}

/* TRIG-4: a refused connection is told as such, with TLS as without. */
static void a_refused_connection(void **state)
{
	struct bench *bench = *state;
	struct net_address at = net_listener_local(bench->listener);
	struct net_stream_config config = describe(&bench->client, at);
	const struct net_tls_config any = {.unverified = true};
	struct net_tls *tls;
	char why[128];

	assert_int_equal(net_tls_create(&tls, &any, why, sizeof why), 0);
	net_listener_close(bench->listener);
	bench->listener = NULL;
	for (unsigned i = 1; i <= 2; i++) {
		assert_int_equal(net_stream_open(&bench->client.stream, bench->loop, &config), 0);
		wait_for(bench->loop, &bench->client.ended, i);
		assert_int_equal(bench->client.ending.end, NET_STREAM_UNREACHED);
		assert_int_equal(bench->client.ending.error, -ECONNREFUSED);
		net_stream_close(bench->client.stream);
		bench->client.stream = NULL;
		config.tls = tls;
	}
	net_tls_free(tls);
}

/* A server that speaks no TLS. */
static void no_tls_at_the_far_end(void **state)
{
	struct bench *bench = *state;
	struct net_stream_config config =
		describe(&bench->client, net_listener_local(bench->listener));
	const struct net_tls_config any = {.unverified = true};
	struct net_tls *tls;
	char why[128];

	assert_int_equal(net_tls_create(&tls, &any, why, sizeof why), 0);
	config.tls = tls;
	assert_int_equal(net_stream_open(&bench->client.stream, bench->loop, &config), 0);
	wait_for(bench->loop, &bench->arrivals, 1);
	bench->server.hold = UNREAD_MAX;
	write_text(&bench->server, "SIP/2.0 400 Bad Request\r\n\r\n");
	wait_for(bench->loop, &bench->client.ended, 1);
	assert_int_equal(bench->client.ending.end, NET_STREAM_INSECURE);
	assert_int_equal(bench->client.opened, 0);
	net_stream_close(bench->client.stream);
	bench->client.stream = NULL;
	net_tls_free(tls);
}

/* A stream may be closed from its own callbacks, and before it is connected. */
static void closed_at_any_time(void **state)
{
	struct bench *bench = *state;
	const struct net_stream_config config =
		describe(&bench->client, net_listener_local(bench->listener));
	struct net_stream *early;

	assert_int_equal(net_stream_open(&early, bench->loop, &config), 0);
	net_stream_close(early);
	net_stream_close(NULL);
	wait_for(bench->loop, &bench->arrivals, 1);
	net_stream_close(bench->server.stream);
	bench->server.stream = NULL;
	bench->arrivals = 0;
	connect_both(bench);
	bench->server.close_now = true;
	write_text(&bench->client, "x");
	wait_for(bench->loop, &bench->client.ended, 1);
}

static int option_of(int fd, int level, int option)
{
	int value = -1;

	assert_int_equal(getsockopt(fd, level, option, &value, &(socklen_t){sizeof value}), 0);
	return value;
}

/* KEEP-2: TCP's own keep-alive is set as it was asked for; and so is the DSCP (RFC 2474). */
static void socket_options_are_set(void **state)
{
	struct bench *bench = *state;
	int fd = -1;

	connect_both(bench);
	for (int i = 3; i < 64 && fd < 0; i++) {
		struct sockaddr_storage name;
		struct net_address peer, at = net_listener_local(bench->listener);

		if (!getpeername(i, (struct sockaddr *)&name, &(socklen_t){sizeof name}) &&
		    !net_address_from_sockaddr(&peer, (struct sockaddr *)&name) &&
		    !net_address_compare(&peer, &at))
			fd = i;
	}
	assert_true(fd >= 0);
	assert_int_equal(option_of(fd, SOL_SOCKET, SO_KEEPALIVE), 1);
	assert_int_equal(option_of(fd, IPPROTO_TCP, TCP_KEEPIDLE), 30);
	assert_int_equal(option_of(fd, IPPROTO_TCP, TCP_KEEPINTVL), 20);
	assert_int_equal(option_of(fd, IPPROTO_TCP, TCP_KEEPCNT), 4);
	assert_int_equal(option_of(fd, IPPROTO_IP, IP_TOS), CS5 << 2);
}

/* Without descriptors a listener waits, and goes on when there are some again. */
static void out_of_descriptors(void **state)
{
	struct bench *bench = *state;
	const struct net_stream_config config =
		describe(&bench->client, net_listener_local(bench->listener));
	struct rlimit limit, low;

	assert_int_equal(net_stream_open(&bench->client.stream, bench->loop, &config), 0);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
	low = (struct rlimit){.rlim_cur = 3, .rlim_max = limit.rlim_max};
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &low), 0);
	wait_for(bench->loop, &bench->client.opened, 1);
	assert_int_equal(net_loop_step(bench->loop), 0);
	assert_int_equal(bench->arrivals, 0);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
	wait_for(bench->loop, &bench->arrivals, 1);
}

static void both_families(void **state)
{
	struct bench *bench = *state;
	const struct net_listener_config config = {
		.local = address_of("::1"), .on_arrival = take_arrival, .user = bench};

	net_listener_close(bench->listener);
	bench->listener = NULL;
	if (net_listener_open(&bench->listener, bench->loop, &config) != 0)
		skip();
	connect_both(bench);
	write_text(&bench->client, "six");
	wait_for(bench->loop, &bench->server.reads, 1);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(bytes_go_both_ways),
		TEST(sent_from_the_local_address),
		TEST(untaken_bytes_come_again),
		TEST(what_nobody_reads_ends_it),
		TEST(the_queue_is_bounded),
		TEST(closed_by_the_far_end),
		TEST(reset_by_the_far_end),
		TEST(a_refused_connection),
		TEST(no_tls_at_the_far_end),
		TEST(closed_at_any_time),
		TEST(socket_options_are_set),
		TEST(out_of_descriptors),
		TEST(both_families),
	};

	return cmocka_run_group_tests_name("net/stream", tests, NULL, NULL);
}
