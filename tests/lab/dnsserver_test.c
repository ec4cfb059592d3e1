/* dnsserver_test.c - the lab's DNS server and its faults, as our own resolver sees them. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "lab/dnsserver.h"
#include "net/resolver.h"

enum { TRY_MS = 100 };

struct bench {
	struct net_loop *loop;
	struct lab_zone *zone;
	struct lab_dnsserver *server;
	struct net_resolver *resolver;
	struct net_dns_result result;
	bool answered;
	struct lab_dns_reply seen; /* by the server's observer */
};

static struct lab_zone *parse(const char *text)
{
	char why[200] = "";
	struct lab_zone *zone = lab_zone_parse(text, "test", why, sizeof why);

	if (!zone)
		fail_msg("%s", why);
	return zone;
}

static void take_question(void *user, const struct lab_dns_reply *reply)
{
	struct bench *bench = user;

	bench->seen = *reply;
}

static void take_result(void *user, uint64_t id, const struct net_dns_result *result)
{
	struct bench *bench = user;

	(void)id;
	bench->result = *result;
	bench->answered = true;
}

static struct bench *bench_new(void)
{
	struct bench *bench = calloc(1, sizeof *bench);
	struct lab_dnsserver_config config = {.on_question = take_question, .user = bench};
	struct net_resolver_config resolver;

	bench->zone = parse("_sip._udp.test. 60 SRV 10 0 5060 one.test.\n"
			    "one.test. A 192.0.2.1\n");
	config.zone = bench->zone;
	assert_int_equal(net_address_parse(&config.local, "127.0.0.1", 0), 0);
	assert_int_equal(net_loop_create(&bench->loop), 0);
	assert_int_equal(lab_dnsserver_open(&bench->server, bench->loop, &config), 0);
	net_resolver_config_init(&resolver);
	resolver.servers[0] = lab_dnsserver_local(bench->server);
	resolver.server_count = 1;
	resolver.try_ms = TRY_MS;
	resolver.rounds = 1;
	assert_int_equal(net_resolver_create(&bench->resolver, bench->loop, &resolver), 0);
	return bench;
}

static void bench_free(struct bench *bench)
{
	net_resolver_free(bench->resolver);
	lab_dnsserver_close(bench->server);
	lab_zone_free(bench->zone);
	net_loop_free(bench->loop);
	free(bench);
}

static enum net_dns_status ask(struct bench *bench, const char *name, enum net_dns_type type)
{
	const struct net_resolver_question question = {
		.name = name, .type = type, .on_result = take_result, .user = bench};
	uint64_t id;

	bench->answered = false;
	assert_int_equal(net_resolver_ask(bench->resolver, &question, &id), 0);
	while (!bench->answered)
		assert_int_equal(net_loop_step(bench->loop), 0);
	return bench->result.status;
}

/* RFC 2782, over the wire; the observer is told what was asked. */
static void test_answers(void **state)
{
	struct bench *bench = bench_new();

	(void)state;
	assert_int_equal(ask(bench, "_sip._udp.test", NET_DNS_SRV), NET_DNS_ANSWER);
	assert_int_equal(bench->result.count, 1);
	assert_string_equal(bench->result.records[0].name, "one.test");
	assert_int_equal(bench->result.records[0].ttl_s, 60);
	assert_string_equal(bench->seen.name, "_sip._udp.test.");
	assert_int_equal(bench->seen.type, NET_DNS_SRV);
	assert_int_equal(bench->seen.records, 1);
	assert_int_equal(ask(bench, "two.test", NET_DNS_A), NET_DNS_NEGATIVE);
	bench_free(bench);
}

/* DNS-14's four cases: silence, an error, a "no", and back to answers. */
static void test_faults(void **state)
{
	struct bench *bench = bench_new();

	(void)state;
	lab_dnsserver_set_fault(bench->server, LAB_DNS_SILENT);
	assert_int_equal(ask(bench, "one.test", NET_DNS_A), NET_DNS_SILENT);
	assert_int_equal(bench->seen.size, 0);
	lab_dnsserver_set_fault(bench->server, LAB_DNS_SERVFAIL);
	assert_int_equal(ask(bench, "one.test", NET_DNS_A), NET_DNS_FAILED);
	lab_dnsserver_set_fault(bench->server, LAB_DNS_NXDOMAIN);
	assert_int_equal(ask(bench, "one.test", NET_DNS_A), NET_DNS_NEGATIVE);
	lab_dnsserver_set_fault(bench->server, LAB_DNS_UP);
	assert_int_equal(ask(bench, "one.test", NET_DNS_A), NET_DNS_ANSWER);
	bench_free(bench);
}

static void test_changed_records(void **state)
{
	struct bench *bench = bench_new();
	struct lab_zone *other = parse("two.test. AAAA 2001:db8::2\n");

	(void)state;
	lab_dnsserver_set_zone(bench->server, other);
	assert_int_equal(ask(bench, "one.test", NET_DNS_A), NET_DNS_NEGATIVE);
	assert_int_equal(ask(bench, "two.test", NET_DNS_AAAA), NET_DNS_ANSWER);
	bench_free(bench);
	lab_zone_free(other);
}

/* The same answers without a network, aliases followed as a resolver follows them. */
static void test_zone_asked_directly(void **state)
{
	struct lab_zone *zone = parse("alias.test. 10 CNAME one.test.\n"
				      "one.test. 60 A 192.0.2.1\n");
	static const uint8_t ip[16] = {[10] = 0xff, 0xff, 192, 0, 2, 1};
	struct net_dns_result result;

	(void)state;
	assert_int_equal(lab_zone_ask(zone, "alias.test", NET_DNS_A, &result), 0);
	assert_int_equal(result.status, NET_DNS_ANSWER);
	assert_int_equal(result.count, 1);
	assert_int_equal(result.records[0].ttl_s, 10);
	assert_memory_equal(result.records[0].ip, ip, sizeof ip);
	assert_int_equal(lab_zone_ask(zone, "no.test", NET_DNS_A, &result), 0);
	assert_int_equal(result.status, NET_DNS_NEGATIVE);
	assert_true(lab_zone_ask(zone, "not a..name", NET_DNS_A, &result) < 0);
	lab_zone_free(zone);
}

enum { MANY = 60 };

/* RFC 1035 4.2.2, RFC 7766 5: what is too long for a datagram comes truncated, and over TCP whole.
 */
static void test_long_answers_come_over_tcp(void **state)
{
	struct bench *bench = bench_new();
	char text[MANY * 128] = "";
	size_t used = 0;
	struct lab_zone *zone;

	(void)state;
	for (unsigned i = 0; i < MANY; i++)
		used += (size_t)snprintf(
			text + used, sizeof text - used,
			"_sip._udp.test. SRV %u 0 5060 "
			"s%02u.with-a-name-that-makes-sixty-of-them-too-long-for-4096.test.\n",
			i, i);
	zone = parse(text);
	lab_dnsserver_set_zone(bench->server, zone);
	assert_int_equal(ask(bench, "_sip._udp.test", NET_DNS_SRV), NET_DNS_ANSWER);
	assert_int_equal(bench->result.count, MANY);
	assert_true(bench->seen.size > LAB_DNS_DATAGRAM_MAX);
	assert_int_equal(lab_dnsserver_counters(bench->server).questions, 2);
	assert_int_equal(lab_dnsserver_counters(bench->server).over_tcp, 1);
	bench_free(bench);
	lab_zone_free(zone);
}

/* A client of the server's TCP port that reads nothing by itself. */
static int connect_to(const struct bench *bench)
{
	const struct net_address to = lab_dnsserver_local(bench->server);
	struct sockaddr_storage name;
	socklen_t length = net_address_to_sockaddr(&to, &name);
	int fd = socket(name.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	assert_int_equal(connect(fd, (struct sockaddr *)&name, length), 0);
	return fd;
}

/* What comes to FD meanwhile: the number of bytes, with ENDED; -1: it is there, and says nothing.
 */
static ssize_t hear(struct bench *bench, int fd, uint8_t *to, size_t size)
{
	ssize_t length;

	while ((length = recv(fd, to, size, MSG_DONTWAIT)) < 0 && errno == EAGAIN)
		assert_int_equal(net_loop_step(bench->loop), 0);
	return length;
}

/* A question for the address of one.test behind its length; RFC 7766 6.2.1: several may come in one
 * piece, or byte by byte. */
static const uint8_t question[] = {0, 26,  0x12, 0x34, 1, 0,   0,   1,   0,   0, 0, 0, 0, 0,
				   3, 'o', 'n',  'e',  4, 't', 'e', 's', 't', 0, 0, 1, 0, 1};

static void test_questions_over_tcp(void **state)
{
	struct bench *bench = bench_new();
	uint8_t heard[512], two[2 * sizeof question];
	size_t length = 0;
	int fd = connect_to(bench);

	(void)state;
	for (size_t i = 0; i < sizeof question; i++)
		assert_int_equal(send(fd, question + i, 1, 0), 1);
	memcpy(two, question, sizeof question);
	memcpy(two + sizeof question, question, sizeof question);
	assert_int_equal(send(fd, two, sizeof two, 0), sizeof two);
	while (lab_dnsserver_counters(bench->server).questions < 3)
		assert_int_equal(net_loop_step(bench->loop), 0);
	for (int i = 0; i < 3; i++) {
		while (length < 2 || length < 2 + (size_t)(heard[0] << 8 | heard[1])) {
			ssize_t more = hear(bench, fd, heard + length, sizeof heard - length);

			assert_true(more > 0);
			length += (size_t)more;
		}
		assert_int_equal(heard[0], 0);
		assert_memory_equal(heard + 2, question + 2, 2); /* its id */
		assert_int_equal(heard[2 + 7], 1);               /* one record */
		length -= 2 + (size_t)heard[1];
		memmove(heard, heard + 2 + heard[1], length);
	}
	close(fd);
	bench_free(bench);
}

/* What is no question ends its connection; of too many the oldest one ends. */
static void test_hostile_connections(void **state)
{
	struct bench *bench = bench_new();
	int fds[LAB_DNS_CONNECTIONS_MAX + 1], garbage = connect_to(bench);
	uint8_t heard[512];

	(void)state;
	assert_int_equal(send(garbage, "\0\6nodns!", 8, 0), 8);
	assert_int_equal(hear(bench, garbage, heard, sizeof heard), 0);
	assert_int_equal(lab_dnsserver_counters(bench->server).dropped, 1);
	close(garbage);
	for (int i = 0; i <= LAB_DNS_CONNECTIONS_MAX; i++)
		fds[i] = connect_to(bench);
	assert_int_equal(hear(bench, fds[0], heard, sizeof heard), 0);
	for (int i = 1; i <= LAB_DNS_CONNECTIONS_MAX; i += LAB_DNS_CONNECTIONS_MAX - 1) {
		assert_int_equal(send(fds[i], question, sizeof question, 0), sizeof question);
		assert_true(hear(bench, fds[i], heard, sizeof heard) > 0);
	}
	for (int i = 0; i <= LAB_DNS_CONNECTIONS_MAX; i++)
		close(fds[i]);
	bench_free(bench);
}

/* Garbage is counted and dropped; the server goes on. */
static void test_hostile_datagrams(void **state)
{
	struct bench *bench = bench_new();
	struct net_udp_config config = {.local = lab_dnsserver_local(bench->server)};
	struct net_address to = config.local;
	struct net_udp *client;

	(void)state;
	config.local.port = 0;
	assert_int_equal(net_udp_open(&client, bench->loop, &config), 0);
	assert_int_equal(net_udp_send(client, &to, "", 0), 0);
	assert_int_equal(net_udp_send(client, &to, "not a question", 14), 0);
	assert_int_equal(ask(bench, "one.test", NET_DNS_A), NET_DNS_ANSWER);
	assert_int_equal(lab_dnsserver_counters(bench->server).dropped, 2);
	assert_int_equal(lab_dnsserver_counters(bench->server).questions, 1);
	net_udp_close(client);
	bench_free(bench);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_answers),
		cmocka_unit_test(test_faults),
		cmocka_unit_test(test_changed_records),
		cmocka_unit_test(test_zone_asked_directly),
		cmocka_unit_test(test_long_answers_come_over_tcp),
		cmocka_unit_test(test_questions_over_tcp),
		cmocka_unit_test(test_hostile_connections),
		cmocka_unit_test(test_hostile_datagrams),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
