/* dns_test.c - answers of the DNS as events of the engine (DNS-14, DNS-16: kinds told apart). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "phone/dns.h"
#include "phone/log.h"

static struct kl_dns_record records[KL_DNS_RECORDS_MAX];

static void the_kinds_of_answers_stay_apart(void **state)
{
	static const struct {
		enum net_dns_status from;
		enum kl_dns_status to;
	} kinds[] = {{NET_DNS_ANSWER, KL_DNS_ANSWER},
		     {NET_DNS_NEGATIVE, KL_DNS_NEGATIVE},
		     {NET_DNS_FAILED, KL_DNS_FAILED},
		     {NET_DNS_SILENT, KL_DNS_SILENT}};
	struct net_dns_result result = {.count = 0};
	struct kl_event event;

	(void)state;
	for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
		result.status = kinds[i].from;
		phone_dns_event(&result, 7, records, &event);
		assert_int_equal(event.type, KL_EV_DNS);
		assert_int_equal(event.dns.query, 7);
		assert_int_equal(event.dns.status, kinds[i].to);
		assert_int_equal(event.dns.count, 0);
	}
}

static void records_keep_their_values(void **state)
{
	static struct net_dns_result result = {
		.status = NET_DNS_ANSWER,
		.count = 2,
		.records = {{.type = NET_DNS_SRV,
			     .ttl_s = UINT32_MAX,
			     .priority = 1,
			     .weight = 2,
			     .port = 3,
			     .name = "a.test"},
			    {.type = NET_DNS_NAPTR, .flag = 's', .service = "SIP+D2U"}},
	};
	struct kl_event event;

	(void)state;
	result.records[1].ip[15] = 9;
	phone_dns_event(&result, 1, records, &event);
	assert_int_equal(event.dns.count, 2);
	assert_int_equal(event.dns.records[0].ttl_ms, UINT32_MAX * UINT64_C(1000));
	assert_int_equal(event.dns.records[0].priority, 1);
	assert_int_equal(event.dns.records[0].weight, 2);
	assert_int_equal(event.dns.records[0].port, 3);
	assert_string_equal(event.dns.records[0].name, "a.test");
	assert_int_equal(event.dns.records[1].flag, 's');
	assert_string_equal(event.dns.records[1].service, "SIP+D2U");
	assert_int_equal(event.dns.records[1].ip[15], 9);
}

/* A name that the engine asks for and the resolver refuses is an answer, too. */
static void take_answer(void *user, const struct kl_event *event)
{
	*(struct kl_event *)user = *event;
}

static void a_name_that_is_none_fails(void **state)
{
	struct net_resolver_config resolver;
	struct kl_event answer = {.type = KL_EV_TIME};
	struct phone_dns_config config = {
		.resolver = &resolver, .on_answer = take_answer, .user = &answer};
	struct phone_dns *dns;

	(void)state;
	net_resolver_config_init(&resolver);
	assert_int_equal(net_loop_create(&config.loop), 0);
	assert_int_equal(phone_dns_create(&dns, &config), 0);
	phone_dns_ask(dns, &(struct kl_action_query){.query = 5, .type = KL_A, .name = "a..b"});
	assert_int_equal(answer.type, KL_EV_DNS);
	assert_int_equal(answer.dns.query, 5);
	assert_int_equal(answer.dns.status, KL_DNS_FAILED);
	/* One that is still open is dropped with the rest. */
	phone_dns_ask(dns, &(struct kl_action_query){.query = 6, .type = KL_A, .name = "a.b"});
	phone_dns_free(dns);
	net_loop_free(config.loop);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_kinds_of_answers_stay_apart),
		cmocka_unit_test(records_keep_their_values),
		cmocka_unit_test(a_name_that_is_none_fails),
	};

	phone_log_set_level(PHONE_LOG_NOTHING);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
