/* Names in a hosts file come before the DNS. */
#include "net/hosts.h"

#include <stdio.h>
#include <string.h>

#include "tests/net/files.h"
#include "tests/net/support.h"

static struct net_dns_result result;

static bool find(const char *name, enum net_dns_type type)
{
	struct net_dns_question question;

	assert_int_equal(net_dns_question_init(&question, name, type), 0);
	return net_hosts_find(file_path("hosts"), &question, &result);
}

static void assert_record(size_t index, const char *text)
{
	struct net_address address = {.port = 0};

	assert_true(index < result.count);
	memcpy(address.ip, result.records[index].ip, sizeof(address.ip));
	assert_address(&address, text);
	assert_int_equal(result.records[index].ttl_s, NET_HOSTS_TTL_S);
}

static void a_name_has_its_addresses_in_order(void **state)
{
	(void)state;
	file_write("hosts", "# 192.0.2.9 pbx.test\n"
			    "192.0.2.1\tother.test  PBX.test # comment\n"
			    "\n"
			    "2001:db8::1 pbx.test.\r\n"
			    "192.0.2.2 pbx.test");
	assert_true(find("pbx.test", NET_DNS_A));
	assert_int_equal(result.status, NET_DNS_ANSWER);
	assert_int_equal(result.count, 2);
	assert_record(0, "192.0.2.1");
	assert_record(1, "192.0.2.2");
	assert_true(find("Pbx.Test", NET_DNS_AAAA));
	assert_int_equal(result.count, 1);
	assert_record(0, "[2001:db8::1]");
}

static void one_family_means_that_there_is_no_other(void **state)
{
	(void)state;
	file_write("hosts", "192.0.2.1 pbx.test\n");
	assert_true(find("pbx.test", NET_DNS_AAAA));
	assert_int_equal(result.status, NET_DNS_NEGATIVE);
	assert_int_equal(result.count, 0);
}

static void all_else_is_for_the_dns(void **state)
{
	(void)state;
	assert_false(find("pbx.test", NET_DNS_A)); /* no file */
	file_write("hosts", "192.0.2.1\n"
			    "nonsense pbx.test\n"
			    "192.0.2.300 pbx.test\n"
			    "fe80::1%eth0 pbx.test\n"
			    "192.0.2.1 pbx.test.example pbx pbx.tes #pbx.test\n");
	assert_false(find("pbx.test", NET_DNS_A));
	assert_false(find("pbx.test", NET_DNS_AAAA));
	file_write("hosts", "192.0.2.1 pbx.test\n");
	assert_false(find("pbx.test", NET_DNS_SRV));
}

static void what_does_not_fit_is_counted(void **state)
{
	char text[NET_DNS_RECORDS_MAX * 32] = "";
	size_t used = 0;

	(void)state;
	for (unsigned i = 0; i < NET_DNS_RECORDS_MAX + 3; i++)
		used += (size_t)snprintf(text + used, sizeof(text) - used, "192.0.2.%u a.test\n",
					 i);
	file_write("hosts", text);
	assert_true(find("a.test", NET_DNS_A));
	assert_int_equal(result.count, NET_DNS_RECORDS_MAX);
	assert_int_equal(result.cut, 3);
}

#define HOSTS_TEST(f) cmocka_unit_test_setup_teardown(f, files_set_up, files_tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		HOSTS_TEST(a_name_has_its_addresses_in_order),
		HOSTS_TEST(one_family_means_that_there_is_no_other),
		HOSTS_TEST(all_else_is_for_the_dns),
		HOSTS_TEST(what_does_not_fit_is_counted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
