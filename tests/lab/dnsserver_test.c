/* dnsserver_test.c - the lab's DNS server and its faults, as our own resolver sees them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

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
		cmocka_unit_test(test_hostile_datagrams),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
