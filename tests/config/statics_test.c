/* statics_test.c - dns.cache.* of a Polycom file: restore, the order of static records, the records
 * themselves.   DNS-14, DNS-15 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "tests/config/load.h"

#define LINE_1 "reg.1.address=\"bob\" reg.1.server.1.address=\"sip.example.com\" "

static void test_restore_and_override(void **state)
{
	(void)state;
	struct config *config = load_text(XML(LINE_1 "\ndns.cache.dynamicRestore.enable=\"1\"\n"
						     "dns.cache.dynamicRestore.ttl=\"90\"\n"
						     "dns.cache.A.networkOverride=\"1\""));
	assert_told(config, "");
	assert_int_equal(policy_of(config, 0, 0, KL_POLICY_dns_restore), 1);
	assert_int_equal(policy_of(config, 0, 0, KL_POLICY_dns_restore_ms), 90000);
	assert_int_equal(policy_of(config, 0, 0, KL_POLICY_static_first),
			 KL_STATIC_ADDRESSES_FIRST);
	assert_ruled(config, 0, KL_POLICY_dns_restore_ms,
		     "dns.cache.dynamicRestore.ttl = 90 (1.cfg:3)");
	assert_ruled(config, 0, KL_POLICY_static_first,
		     "dns.cache.A.networkOverride = 1 (1.cfg:4)");
	config_free(config);
}

static void test_restore_out_of_range(void **state)
{
	(void)state;
	struct config *config = load_text(XML(LINE_1 "\ndns.cache.dynamicRestore.ttl=\"601\""));
	assert_told(config, "1.cfg:2:1: warning: dns.cache.dynamicRestore.ttl: 601 is out of range "
			    "(permitted: 90 to 600 seconds); line 1 uses 120 (profile poly)");
	assert_int_equal(policy_of(config, 0, 0, KL_POLICY_dns_restore_ms), 120000);
	config_free(config);
}

static void test_records(void **state)
{
	static const uint8_t ip[16] = {[10] = 0xff, 0xff, 10, 242, 16, 2};
	(void)state;
	struct config *config = load_text(XML(
		LINE_1
		"dns.cache.A.2.name=\"Server.Example.com\" dns.cache.A.2.address=\"10.242.16.2\"\n"
		"dns.cache.SRV.1.name=\"_sip._udp.example.com\" dns.cache.SRV.1.ttl=\"65535\"\n"
		"dns.cache.SRV.1.priority=\"10\" dns.cache.SRV.1.weight=\"20\"\n"
		"dns.cache.SRV.1.port=\"5070\" dns.cache.SRV.1.target=\"server.example.com\"\n"
		"dns.cache.NAPTR.18.name=\"example.com\" dns.cache.NAPTR.18.flags=\"S\"\n"
		"dns.cache.NAPTR.18.order=\"50\" dns.cache.NAPTR.18.preference=\"7\"\n"
		"dns.cache.NAPTR.18.service=\"SIP+D2U\" dns.cache.NAPTR.18.ttl=\"536870912\"\n"
		"dns.cache.NAPTR.18.replacement=\"_sip._udp.example.com\""));
	const struct kl_static_record *record = config->engine.static_records;

	assert_told(config, "");
	assert_int_equal(config->engine.static_record_count, 3);
	assert_int_equal(record[0].type, KL_A);
	assert_string_equal(record[0].owner, "server.example.com");
	assert_memory_equal(record[0].data.ip, ip, sizeof(ip));
	assert_int_equal(record[0].data.ttl_ms, 300000);
	assert_int_equal(record[1].type, KL_SRV);
	assert_string_equal(record[1].owner, "_sip._udp.example.com");
	assert_string_equal(record[1].data.name, "server.example.com");
	assert_int_equal(record[1].data.priority, 10);
	assert_int_equal(record[1].data.weight, 20);
	assert_int_equal(record[1].data.port, 5070);
	assert_int_equal(record[1].data.ttl_ms, 65535000);
	assert_int_equal(record[2].type, KL_NAPTR);
	assert_string_equal(record[2].data.name, "_sip._udp.example.com");
	assert_string_equal(record[2].data.service, "SIP+D2U");
	assert_int_equal(record[2].data.priority, 50);
	assert_int_equal(record[2].data.weight, 7);
	assert_int_equal(record[2].data.flag, 's');
	assert_int_equal(record[2].data.ttl_ms, UINT64_C(536870912000));
	config_free(config);
}

static void test_half_a_record_is_told_and_left_out(void **state)
{
	(void)state;
	struct config *config = load_text(XML(LINE_1 "\ndns.cache.A.1.name=\"a.example.com\"\n"
						     "dns.cache.SRV.3.target=\"a.example.com\"\n"
						     "dns.cache.A.2.name=\"b.example.com\"\n"
						     "dns.cache.A.2.address=\"2001:db8::1\""));
	assert_told(config,
		    "1.cfg:2:1: warning: dns.cache.A.1.name: dns.cache.A.1.address is not set; the "
		    "record is left out\n"
		    "1.cfg:3:1: warning: dns.cache.SRV.3.target: dns.cache.SRV.3.name is not set; "
		    "the record is left out\n"
		    "1.cfg:4:1: warning: dns.cache.A.2.name: dns.cache.A.2.address is not set; the "
		    "record is left out\n"
		    "1.cfg:5:1: warning: dns.cache.A.2.address: 2001:db8::1 is out of range "
		    "(permitted: an IPv4 address); it counts as not set");
	assert_int_equal(config->engine.static_record_count, 0);
	config_free(config);
}

/* All 54 rows that there can be are what the engine takes. */
static void test_every_row(void **state)
{
	static char text[16384] = "<polycomConfig " LINE_1;
	(void)state;
	for (int n = 1; n <= KL_STATIC_RECORDS_MAX; n++) {
		size_t used = strlen(text);
		snprintf(text + used, sizeof(text) - used,
			 "dns.cache.A.%d.name=\"a\" dns.cache.A.%d.address=\"192.0.2.%d\" "
			 "dns.cache.SRV.%d.name=\"s\" dns.cache.SRV.%d.target=\"a\" "
			 "dns.cache.NAPTR.%d.name=\"n\" dns.cache.NAPTR.%d.replacement=\"s\" ",
			 n, n, n, n, n, n, n);
	}
	strcat(text, "/>");
	struct config *config = load_text(text);
	assert_told(config, "");
	assert_int_equal(config->engine.static_record_count, 3 * KL_STATIC_RECORDS_MAX);
	assert_int_equal(config->engine.static_records[17].data.ip[15], 18);
	config_free(config);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_restore_and_override),
		cmocka_unit_test(test_restore_out_of_range),
		cmocka_unit_test(test_records),
		cmocka_unit_test(test_half_a_record_is_told_and_left_out),
		cmocka_unit_test(test_every_row),
	};
	return cmocka_run_group_tests_name("config/statics", tests, load_enter, load_leave);
}
