/* servers_test.c - which DNS servers are asked, and what needs none. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "lab/dnsserver.h"
#include "net/filewatch.h"
#include "phone/dns.h"
#include "phone/log.h"

enum { SERVERS = 2, WAIT_MS = 20000, NOTICED_MS = 4 * NET_FILEWATCH_QUIET_MS };

static struct fixture {
	struct net_loop *loop;
	struct lab_zone *zone;
	struct lab_dnsserver *servers[SERVERS];
	unsigned questions; /* that came to the servers */
	char resolv_conf[32], hosts[32];
	struct phone_dns *dns;
	unsigned answers, news;
	struct kl_event_dns last;
	bool asks_on_news;
} f;

static const struct kl_action_query query = {.query = 7, .type = KL_A, .name = "pbx.test"};

static void take_question(void *user, const struct lab_dns_reply *reply)
{
	(void)user;
	(void)reply;
	f.questions++;
}

static void take_answer(void *user, const struct kl_event *event)
{
	(void)user;
	f.answers++;
	f.last = event->dns;
}

static void take_servers(void *user, const struct net_resolver_config *resolver)
{
	(void)user;
	assert_int_equal(resolver->server_count, 1);
	f.news++;
	if (f.asks_on_news)
		phone_dns_ask(f.dns, &query);
}

static void make_file(char path[32])
{
	strcpy(path, "/tmp/keepline-servers-XXXXXX");
	close(mkstemp(path));
}

static void write_file(const char *path, const char *text)
{
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	fputs(text, file);
	fclose(file);
}

/* resolv.conf names that server from now on. */
static void name_server(unsigned index)
{
	const struct net_address local = lab_dnsserver_local(f.servers[index]);
	char address[NET_ADDRESS_TEXT_MAX], text[NET_ADDRESS_TEXT_MAX + 16];

	snprintf(text, sizeof text, "nameserver %s\n", net_address_format(&local, address));
	write_file(f.resolv_conf, text);
}

static int set_up(void **state)
{
	struct lab_dnsserver_config server = {.local = {.ip = {[10] = 0xff, 0xff, 127, 0, 1, 53}},
					      .on_question = take_question};
	static struct net_resolver_config resolver;
	struct phone_dns_config dns = {.resolver = &resolver,
				       .resolver_path = f.resolv_conf,
				       .hosts_path = f.hosts,
				       .on_answer = take_answer,
				       .on_servers = take_servers};
	char why[128];

	(void)state;
	f = (struct fixture){.questions = 0};
	phone_log_set_level(PHONE_LOG_NOTHING);
	net_resolver_config_init(&resolver);
	assert_int_equal(net_loop_create(&f.loop), 0);
	f.zone = lab_zone_parse("$TTL 300\npbx.test. A 192.0.2.1\n", "zone", why, sizeof why);
	server.zone = f.zone;
	for (unsigned i = 0; i < SERVERS; i++)
		assert_int_equal(lab_dnsserver_open(&f.servers[i], f.loop, &server), 0);
	lab_dnsserver_set_fault(f.servers[0], LAB_DNS_SILENT);
	make_file(f.resolv_conf);
	make_file(f.hosts);
	name_server(0);
	dns.loop = f.loop;
	return phone_dns_create(&f.dns, &dns);
}

static int tear_down(void **state)
{
	(void)state;
	phone_dns_free(f.dns);
	for (unsigned i = 0; i < SERVERS; i++)
		lab_dnsserver_close(f.servers[i]);
	lab_zone_free(f.zone);
	net_loop_free(f.loop);
	unlink(f.resolv_conf);
	return unlink(f.hosts);
}

static void be_late(void *user)
{
	*(bool *)user = true;
}

/* Runs the loop until there are that many answers, or for WAIT_MS. */
static void run(unsigned answers, unsigned wait_ms)
{
	bool late = false;
	struct net_timer *timer;

	assert_int_equal(net_timer_create(&timer, f.loop, (struct net_callback){be_late, &late}),
			 0);
	net_timer_set(timer, net_now_ms() + wait_ms);
	while (f.answers < answers && !late)
		assert_int_equal(net_loop_step(f.loop), 0);
	net_timer_free(timer);
}

static void wait_answers(unsigned count)
{
	run(count, WAIT_MS);
	assert_int_equal(f.answers, count);
}

/* DNS-17 (part): a question that waits for a server is put to those that take its place. */
static void a_waiting_question_goes_to_the_new_server(void **state)
{
	(void)state;
	phone_dns_ask(f.dns, &query);
	name_server(1);
	wait_answers(1);
	assert_int_equal(f.news, 1);
	assert_int_equal(f.last.query, 7);
	assert_int_equal(f.last.status, KL_DNS_ANSWER);
	assert_int_equal(f.questions, 2);
}

/* What is asked because there are new servers is asked once. */
static void the_news_may_lead_to_questions(void **state)
{
	(void)state;
	f.asks_on_news = true;
	phone_dns_ask(f.dns, &query);
	name_server(1);
	wait_answers(2);
	assert_int_equal(f.questions, 3);
}

/* A file that names no server is being written, or nobody's: the old ones stay. */
static void an_empty_file_changes_nothing(void **state)
{
	(void)state;
	lab_dnsserver_set_fault(f.servers[0], LAB_DNS_UP);
	write_file(f.resolv_conf, "# nothing yet\n");
	run(1, NOTICED_MS);
	phone_dns_ask(f.dns, &query);
	wait_answers(1);
	assert_int_equal(f.last.status, KL_DNS_ANSWER);
	assert_int_equal(f.news, 0);
}

static void the_hosts_file_comes_first(void **state)
{
	(void)state;
	write_file(f.hosts, "192.0.2.9 pbx.test\n");
	phone_dns_ask(f.dns, &query);
	assert_int_equal(f.answers, 1);
	assert_int_equal(f.last.status, KL_DNS_ANSWER);
	assert_int_equal(f.last.count, 1);
	assert_int_equal(f.questions, 0);
}

#define SERVERS_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		SERVERS_TEST(a_waiting_question_goes_to_the_new_server),
		SERVERS_TEST(the_news_may_lead_to_questions),
		SERVERS_TEST(an_empty_file_changes_nothing),
		SERVERS_TEST(the_hosts_file_comes_first),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
