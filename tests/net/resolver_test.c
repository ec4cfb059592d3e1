/* Questions to DNS servers that answer, refuse, lie or are silent: DNS-14 (which is which), DNS-17.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "net/resolver.h"
#include "tests/net/responder.h"

#define TRY_MS 200
#define LONG_TRY_MS 10000 /* longer than what happens at once may take on a loaded machine */

static const struct reply usual[] = {
	{.name = "good.example.com.", .answer = LINES("good.example.com. 300 IN A 192.0.2.1")},
	{.name = "_sip._udp.example.com.",
	 .answer = LINES("_sip._udp.example.com. 60 IN SRV 1 2 5060 good.example.com.")},
	{.name = "no-name.example.com.", .rcode = LDNS_RCODE_NXDOMAIN},
	{.name = "no-data.example.com."},
	{.name = "servfail.example.com.", .rcode = LDNS_RCODE_SERVFAIL},
	{.name = "refused.example.com.", .rcode = LDNS_RCODE_REFUSED},
	{.name = "formerr.example.com.", .rcode = LDNS_RCODE_FORMERR},
	{.name = "notimp.example.com.", .rcode = LDNS_RCODE_NOTIMPL},
	{.name = "garbage.example.com.", .kind = REPLY_GARBAGE},
	{.name = "silent.example.com.", .kind = REPLY_SILENT},
	{.name = "wrong-id.example.com.",
	 .kind = REPLY_WRONG_ID,
	 .answer = LINES("wrong-id.example.com. 300 IN A 203.0.113.66")},
	{.name = "long.example.com.",
	 .kind = REPLY_TRUNCATED,
	 .answer = LINES("long.example.com. 300 IN A 192.0.2.3")},
	{.name = "alias.example.com.",
	 .answer = LINES("alias.example.com. 30 IN CNAME good.example.com.")},
	{.name = "loop.example.com.",
	 .answer = LINES("loop.example.com. 30 IN CNAME back.example.com.")},
	{.name = "back.example.com.",
	 .answer = LINES("back.example.com. 30 IN CNAME loop.example.com.")},
	{0},
};

static const struct reply errors[] = {
	{.name = "good.example.com.", .rcode = LDNS_RCODE_SERVFAIL},
	{0},
};

static const struct reply nothing[] = {{0}};

static struct net_loop *loop;
static struct responder first, second;
static struct net_resolver *resolver;
static struct net_dns_result last;
static unsigned results, try_ms;

/* Two servers; the resolver knows as many of them as a test says. */
static void begin(const struct reply *of_first, const struct reply *of_second)
{
	struct net_resolver_config config;

	net_resolver_config_init(&config);
	config.try_ms = try_ms;
	responder_start(&first, loop, "127.0.0.1", of_first);
	responder_start(&second, loop, "::1", of_second != NULL ? of_second : nothing);
	config.servers[0] = first.address;
	config.servers[1] = second.address;
	config.server_count = of_second != NULL ? 2 : 1;
	assert_int_equal(net_resolver_create(&resolver, loop, &config), 0);
	results = 0;
}

static int set_up(void **state)
{
	(void)state;
	try_ms = TRY_MS;
	return net_loop_create(&loop);
}

static int tear_down(void **state)
{
	(void)state;
	net_resolver_free(resolver);
	resolver = NULL;
	responder_stop(&first);
	responder_stop(&second);
	net_loop_free(loop);
	return 0;
}

static void on_result(void *user, uint64_t id, const struct net_dns_result *result)
{
	(void)user;
	assert_int_not_equal(id, 0);
	last = *result;
	results++;
}

static uint64_t begin_ask(const char *name, enum net_dns_type type)
{
	const struct net_resolver_question question = {name, type, on_result, NULL};
	unsigned before = results;
	uint64_t id;

	assert_int_equal(net_resolver_ask(resolver, &question, &id), 0);
	assert_int_equal(results, before);
	return id;
}

static enum net_dns_status ask(const char *name, enum net_dns_type type)
{
	begin_ask(name, type);
	wait_for(loop, &results, results + 1);
	return last.status;
}

static void assert_counters(size_t server, struct net_resolver_counters expected)
{
	struct net_resolver_counters counters = net_resolver_counters(resolver, server);

	assert_int_equal(counters.asked, expected.asked);
	assert_int_equal(counters.answered, expected.answered);
	assert_int_equal(counters.failed, expected.failed);
	assert_int_equal(counters.silent, expected.silent);
}

static void records_arrive(void **state)
{
	(void)state;
	begin(usual, NULL);
	assert_int_equal(ask("good.example.com", NET_DNS_A), NET_DNS_ANSWER);
	assert_int_equal(last.count, 1);
	assert_int_equal(last.records[0].ttl_s, 300);
	assert_int_equal(ask("_sip._udp.example.com.", NET_DNS_SRV), NET_DNS_ANSWER);
	assert_string_equal(last.records[0].name, "good.example.com");
	assert_counters(0, (struct net_resolver_counters){.asked = 2, .answered = 2});
}

static void no_is_an_answer__DNS_14(void **state)
{
	(void)state;
	begin(usual, usual);
	assert_int_equal(ask("no-name.example.com", NET_DNS_A), NET_DNS_NEGATIVE);
	assert_int_equal(ask("no-data.example.com", NET_DNS_A), NET_DNS_NEGATIVE);
	assert_int_equal(first.udp_questions, 2);
	assert_int_equal(second.udp_questions, 0);
}

static void errors_are_failures_and_are_not_asked_twice__DNS_14(void **state)
{
	static const char *const names[] = {"servfail.example.com", "refused.example.com",
					    "formerr.example.com", "notimp.example.com",
					    "garbage.example.com"};
	const unsigned count = sizeof(names) / sizeof(names[0]);

	(void)state;
	begin(usual, usual);
	for (unsigned i = 0; i < count; i++)
		assert_int_equal(ask(names[i], NET_DNS_A), NET_DNS_FAILED);
	assert_counters(0, (struct net_resolver_counters){.asked = count, .failed = count});
	assert_counters(1, (struct net_resolver_counters){.asked = count, .failed = count});
}

static void silence_lasts_as_long_as_all_tries__DNS_14(void **state)
{
	uint64_t began_at_ms;

	(void)state;
	begin(usual, usual);
	began_at_ms = net_now_ms();
	assert_int_equal(ask("silent.example.com", NET_DNS_A), NET_DNS_SILENT);
	assert_true(net_now_ms() - began_at_ms >= 4 * TRY_MS);
	assert_counters(0, (struct net_resolver_counters){.asked = 2, .silent = 2});
	assert_counters(1, (struct net_resolver_counters){.asked = 2, .silent = 2});
}

static void an_answer_with_another_id_is_no_answer(void **state)
{
	(void)state;
	begin(usual, NULL);
	assert_int_equal(ask("wrong-id.example.com", NET_DNS_A), NET_DNS_SILENT);
	assert_int_equal(first.udp_questions, 2);
}

/* Unreachable is silent, too, but nobody waits for it. */
static void a_closed_port_is_silent_at_once__DNS_14(void **state)
{
	uint64_t began_at_ms;

	(void)state;
	try_ms = LONG_TRY_MS;
	begin(usual, usual);
	net_udp_close(first.udp);
	net_udp_close(second.udp);
	first.udp = second.udp = NULL;
	began_at_ms = net_now_ms();
	assert_int_equal(ask("good.example.com", NET_DNS_A), NET_DNS_SILENT);
	assert_true(net_now_ms() - began_at_ms < LONG_TRY_MS);
	assert_counters(0, (struct net_resolver_counters){.asked = 2, .silent = 2});
}

static void the_next_server_is_asked_and_remembered__DNS_17(void **state)
{
	(void)state;
	begin(nothing, usual);
	assert_int_equal(ask("good.example.com", NET_DNS_A), NET_DNS_ANSWER);
	assert_int_equal(ask("good.example.com", NET_DNS_A), NET_DNS_ANSWER);
	assert_counters(0, (struct net_resolver_counters){.asked = 1, .silent = 1});
	assert_counters(1, (struct net_resolver_counters){.asked = 2, .answered = 2});
}

static void the_next_server_is_asked_after_an_error__DNS_17(void **state)
{
	(void)state;
	begin(errors, usual);
	assert_int_equal(ask("good.example.com", NET_DNS_A), NET_DNS_ANSWER);
	assert_counters(0, (struct net_resolver_counters){.asked = 1, .failed = 1});
}

/* One says SERVFAIL, the other nothing: a server did answer. */
static void an_error_weighs_more_than_silence__DNS_14(void **state)
{
	(void)state;
	begin(errors, nothing);
	assert_int_equal(ask("good.example.com", NET_DNS_A), NET_DNS_FAILED);
	assert_string_equal(last.why, "SERVFAIL");
	assert_counters(0, (struct net_resolver_counters){.asked = 1, .failed = 1});
	assert_counters(1, (struct net_resolver_counters){.asked = 2, .silent = 2});
}

static void truncated_answers_come_over_tcp__DNS_17(void **state)
{
	(void)state;
	begin(usual, NULL);
	assert_int_equal(ask("long.example.com", NET_DNS_A), NET_DNS_ANSWER);
	assert_int_equal(last.count, 1);
	assert_int_equal(first.udp_questions, 1);
	assert_int_equal(first.tcp_questions, 1);
}

static void a_long_answer_over_tcp_is_cut__DNS_17(void **state)
{
	enum { SENT = 200 };
	char text[SENT][64];
	const char *lines[SENT + 1] = {0};
	const struct reply many[] = {
		{.name = "many.example.com.", .kind = REPLY_TRUNCATED, .answer = lines}, {0}};

	(void)state;
	for (unsigned i = 0; i < SENT; i++) {
		snprintf(text[i], sizeof(text[i]), "many.example.com. 300 IN AAAA 2001:db8::%x", i);
		lines[i] = text[i];
	}
	begin(many, NULL);
	assert_int_equal(ask("many.example.com", NET_DNS_AAAA), NET_DNS_ANSWER);
	assert_int_equal(last.count, NET_DNS_RECORDS_MAX);
	assert_int_equal(last.cut, SENT - NET_DNS_RECORDS_MAX);
}

static void cnames_lead_to_another_question__DNS_17(void **state)
{
	(void)state;
	begin(usual, NULL);
	assert_int_equal(ask("alias.example.com", NET_DNS_A), NET_DNS_ANSWER);
	assert_int_equal(last.records[0].ttl_s, 30);
	assert_int_equal(first.udp_questions, 2);
}

static void cname_loops_end__DNS_17(void **state)
{
	(void)state;
	begin(usual, NULL);
	assert_int_equal(ask("loop.example.com", NET_DNS_A), NET_DNS_FAILED);
	assert_int_equal(first.udp_questions, NET_DNS_LINKS_MAX + 1);
}

/* RFC 5452 9.2: guessing an answer takes the port, too. */
static void each_question_has_a_fresh_port(void **state)
{
	uint16_t ports[3];

	(void)state;
	begin(usual, NULL);
	for (size_t i = 0; i < 3; i++) {
		assert_int_equal(ask("good.example.com", NET_DNS_A), NET_DNS_ANSWER);
		ports[i] = first.last_port;
	}
	assert_false(ports[0] == ports[1] && ports[1] == ports[2]);
}

static void a_cancelled_question_is_never_answered(void **state)
{
	uint64_t id;

	(void)state;
	begin(usual, NULL);
	id = begin_ask("good.example.com", NET_DNS_A);
	begin_ask("good.example.com", NET_DNS_A);
	net_resolver_cancel(resolver, id);
	net_resolver_cancel(resolver, id);
	net_resolver_cancel(resolver, 12345);
	wait_for(loop, &results, 1);
	/* Both were sent; a third's answer comes after theirs. */
	assert_int_equal(ask("good.example.com", NET_DNS_A), NET_DNS_ANSWER);
	assert_int_equal(results, 2);
	assert_counters(0, (struct net_resolver_counters){.asked = 3, .answered = 2});
}

static void questions_run_side_by_side(void **state)
{
	(void)state;
	begin(usual, NULL);
	begin_ask("silent.example.com", NET_DNS_A);
	for (unsigned i = 0; i < 20; i++)
		begin_ask("good.example.com", NET_DNS_A);
	wait_for(loop, &results, 20);
	assert_int_equal(last.status, NET_DNS_ANSWER);
	wait_for(loop, &results, 21);
	assert_int_equal(last.status, NET_DNS_SILENT);
}

static void free_at_result(void *user, uint64_t id, const struct net_dns_result *result)
{
	on_result(user, id, result);
	net_resolver_free(resolver);
	resolver = NULL;
}

static void the_resolver_may_be_freed_by_a_callback(void **state)
{
	const struct net_resolver_question question = {"good.example.com", NET_DNS_A,
						       free_at_result, NULL};
	uint64_t id;

	(void)state;
	begin(usual, NULL);
	begin_ask("silent.example.com", NET_DNS_A);
	assert_int_equal(net_resolver_ask(resolver, &question, &id), 0);
	begin_ask("good.example.com", NET_DNS_A);
	wait_for(loop, &results, 1);
	assert_null(resolver);
}

static void without_servers_all_is_silent(void **state)
{
	struct net_resolver_config config;

	(void)state;
	begin(usual, NULL);
	net_resolver_free(resolver);
	net_resolver_config_init(&config);
	assert_int_equal(net_resolver_create(&resolver, loop, &config), 0);
	assert_int_equal(ask("good.example.com", NET_DNS_A), NET_DNS_SILENT);
}

static void bad_questions_and_configurations_are_refused(void **state)
{
	const struct net_resolver_question question = {"a..b", NET_DNS_A, on_result, NULL};
	struct net_resolver *untouched = NULL;
	struct net_resolver_config config;
	uint64_t id;

	(void)state;
	begin(usual, NULL);
	assert_int_equal(net_resolver_ask(resolver, &question, &id), -EINVAL);
	net_resolver_config_init(&config);
	config.try_ms = 0;
	assert_int_equal(net_resolver_create(&untouched, loop, &config), -EINVAL);
	net_resolver_config_init(&config);
	config.rounds = 11;
	assert_int_equal(net_resolver_create(&untouched, loop, &config), -EINVAL);
	net_resolver_config_init(&config);
	config.server_count = 1; /* with port 0 */
	assert_int_equal(net_resolver_create(&untouched, loop, &config), -EINVAL);
	assert_null(untouched);
}

static void servers_are_read_from_a_file(void **state)
{
	static const char text[] = "# nameserver 192.0.2.9\n"
				   "search example.com\n"
				   "nameserver 192.0.2.53\n"
				   "\tnameserver\t2001:db8::53 \r\n"
				   "nameserver fe80::1%eth0\n"
				   "nameserver\n"
				   "nameserver of the rose\n"
				   "nameservers 192.0.2.54\n"
				   "nameserver 192.0.2.55";
	char path[] = "/tmp/keepline-resolv-XXXXXX";
	int fd = mkstemp(path);
	struct net_resolver_config config;

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
	net_resolver_config_init(&config);
	assert_int_equal(net_resolver_config_read(&config, path), 3);
	unlink(path);
	assert_address(&config.servers[0], "192.0.2.53:53");
	assert_address(&config.servers[1], "[2001:db8::53]:53");
	assert_address(&config.servers[2], "192.0.2.55:53");
	assert_int_equal(net_resolver_config_read(&config, path), -ENOENT);
	assert_int_equal(config.server_count, 3);
}

#define RESOLVER_TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		RESOLVER_TEST(records_arrive),
		RESOLVER_TEST(no_is_an_answer__DNS_14),
		RESOLVER_TEST(errors_are_failures_and_are_not_asked_twice__DNS_14),
		RESOLVER_TEST(silence_lasts_as_long_as_all_tries__DNS_14),
		RESOLVER_TEST(an_answer_with_another_id_is_no_answer),
		RESOLVER_TEST(a_closed_port_is_silent_at_once__DNS_14),
		RESOLVER_TEST(the_next_server_is_asked_and_remembered__DNS_17),
		RESOLVER_TEST(the_next_server_is_asked_after_an_error__DNS_17),
		RESOLVER_TEST(an_error_weighs_more_than_silence__DNS_14),
		RESOLVER_TEST(truncated_answers_come_over_tcp__DNS_17),
		RESOLVER_TEST(a_long_answer_over_tcp_is_cut__DNS_17),
		RESOLVER_TEST(cnames_lead_to_another_question__DNS_17),
		RESOLVER_TEST(cname_loops_end__DNS_17),
		RESOLVER_TEST(each_question_has_a_fresh_port),
		RESOLVER_TEST(a_cancelled_question_is_never_answered),
		RESOLVER_TEST(questions_run_side_by_side),
		RESOLVER_TEST(the_resolver_may_be_freed_by_a_callback),
		RESOLVER_TEST(without_servers_all_is_silent),
		RESOLVER_TEST(bad_questions_and_configurations_are_refused),
		cmocka_unit_test(servers_are_read_from_a_file),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
