/* parameter_test.c - the table of parameters against the documents, and the values it reads.
 * PROF-3, PROF-4 */
#include "config/parameter.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "config/config.h"

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

/* The documented default of each parameter that sets policy: Poly Solution Guide (2023), its
 * predecessors of 2012, and Spectralink's 84-Series guide.  Typed from the documents, in their
 * units; policy.def must agree. */
static const struct {
	const char *name, *poly, *poly_2012, *spectralink_84;
} documented[] = {
	{"reg.1.server.1.retryMaxCount", "3", "3", "3"},
	{"voIpProt.server.1.retryTimeOut", "0", "0", "0"},
	{"voIpProt.SIP.tcpFastFailover", "0", "0", "0"},
	{"voIpProt.SIP.tcpFastFailover.timeout", "5000", "5000", "5000"},
	{"voIpProt.SIP.failoverOn503Response", "1", "1", "1"},
	{"voIpProt.SIP.authOptimizedInFailover", "0", "0", "0"},
	{"reg.1.auth.optimizedInFailover", "0", "0", "0"},
	{"reg.1.server.1.expires", "3600", "3600", "3600"},
	{"reg.1.server.1.expires.overlap", "60", "60", "60"},
	{"voIpProt.SIP.newCallOnUnRegister", "1", "1", "1"},
	{"reg.1.server.1.registerRetry.baseTimeOut", "60", "60", "60"},
	{"reg.1.server.1.registerRetry.maxTimeOut", "60", "60", "60"},
	{"reg.1.server.1.failOver.reRegisterOn", "0", "0", "0"},
	{"reg.1.server.1.failOver.onlySignalWithRegistered", "1", "1", "1"},
	{"reg.1.server.1.failOver.failRegistrationOn", "1", "0", "0"},
	{"reg.1.server.1.failOver.failBack.mode", "duration", "newRequests", "registration"},
	{"reg.1.server.1.failOver.failBack.timeout", "3600", "3600", "3600"},
	{"reg.1.server.1.failOver.unRegisterOnFailBack", "0", "0", "0"},
	{"dns.cache.dynamicRestore.enable", "0", "0", "0"},
	{"dns.cache.dynamicRestore.ttl", "120", "120", "120"},
	{"dns.cache.A.networkOverride", "0", "0", "0"},
	{"voIpProt.SIP.outboundProxy.failOver.enhanced.enable", "0", "0", "0"},
	{"nat.keepalive.interval", "0", "0", "0"},
	{"tcpIpApp.keepalive.tcp.sip.tls.enable", "0", "0", "0"},
	{"tcpIpApp.keepalive.tcp.idleTransmitInterval", "30", "30", "30"},
	{"tcpIpApp.keepalive.tcp.noResponseTransmitInterval", "20", "20", "20"},
	{"tcpIpApp.keepalive.tcp.noResponseTrasmitInterval", "20", "20", "20"},
	{"tcpIpApp.keepalive.tcp.sip.persistentConnection.enable", "0", "0", "0"},
	{"reg.1.server.1.subscribe.expires.overlap", "60", "60", "60"},
	{"reg.1.server.1.expires.lineSeize", "30", "30", "30"},
	{"voIpProt.SIP.lineSeize.retries", "10", "10", "10"},
};

/* Those of Yealink's administrator guides. */
static const struct {
	const char *name, *yealink;
} documented_yealink[] = {
	{"account.1.sip_server.1.retry_counts", "3"},
	{"account.1.sip_server.1.invite_retry_counts", "3"},
	{"account.1.advanced.timer_t1", "0.5"},
	{"sip.timer_t1", "0.5"},
	{"account.1.advanced.timer_t2", "4"},
	{"sip.timer_t2", "4"},
	{"sip.skip_redundant_failover_addr", "1"},
	{"account.1.sip_server.1.expires", "3600"},
	{"account.1.sip_server.2.register_on_enable", "0"},
	{"account.1.sip_server.1.only_signal_with_registered", "0"},
	{"account.1.sip_server.1.failback_mode", "0"},
	{"account.1.sip_server.1.failback_timeout", "3600"},
	{"account.1.fallback.redundancy_type", "0"},
	{"account.1.fallback.timeout", "120"},
	{"account.1.outbound_proxy_fallback_interval", "120"},
	{"account.1.reg_fail_retry_interval", "30"},
	{"account.1.reg_failed_retry_max_time", "60"},
	{"account.1.static_cache_pri", "0"},
	{"account.1.sip_server.1.failback_subscribe.enable", "0"},
};

static const char *default_of(const char *name, enum kl_profile profile, struct arena *arena)
{
	struct parameter_key key;
	struct kl_policy policy;
	assert_int_equal(parameter_find(name, &key), MATCH_FOUND);
	kl_policy_profile(&policy, profile);
	uint32_t number = kl_policy_get(&policy, parameter_get(key.id)->field);
	return parameter_text(key.id, number, arena);
}

static void test_defaults_are_the_documented_ones_PROF_3(void **state)
{
	(void)state;
	struct arena arena = {0};
	size_t policy_rows = 0;
	for (size_t i = 0; i < COUNT_OF(documented); i++) {
		const char *name = documented[i].name;
		assert_string_equal(default_of(name, KL_PROFILE_POLY, &arena), documented[i].poly);
		assert_string_equal(default_of(name, KL_PROFILE_POLY_2012, &arena),
				    documented[i].poly_2012);
		assert_string_equal(default_of(name, KL_PROFILE_SPECTRALINK_84, &arena),
				    documented[i].spectralink_84);
	}
	for (size_t i = 0; i < COUNT_OF(documented_yealink); i++)
		assert_string_equal(
			default_of(documented_yealink[i].name, KL_PROFILE_YEALINK, &arena),
			documented_yealink[i].yealink);
	for (size_t id = 0; id < parameter_count(); id++)
		policy_rows += parameter_get(id)->use == USE_POLICY;
	assert_int_equal(policy_rows, COUNT_OF(documented) + COUNT_OF(documented_yealink));
	arena_free(&arena);
}

/* Whatever a row lets through must be in the range of the policy field that it sets. */
static void test_ranges_lie_inside_those_of_the_fields(void **state)
{
	(void)state;
	struct arena arena = {0};
	for (size_t id = 0; id < parameter_count(); id++) {
		const struct parameter *row = parameter_get(id);
		if (row->use != USE_POLICY || parameter_is_word(row->kind))
			continue;
		const uint32_t ends[] = {row->least, row->most};
		for (size_t i = 0; i < COUNT_OF(ends); i++) {
			struct parameter_value value;
			struct kl_policy policy;
			const char *text = row->kind == KIND_DECIMAL
						   ? arena_format(&arena, "%g", ends[i] / 1000.0)
						   : arena_format(&arena, "%u", ends[i]);
			kl_policy_profile(&policy, KL_PROFILE_POLY);
			assert_int_not_equal(parameter_read(id, text, &arena, &value), CHECK_WRONG);
			uint32_t number = parameter_policy_number(id, value.number);
			assert_int_equal(kl_policy_set(&policy, row->field, number), KL_OK);
			if (row->also != KL_POLICY_none)
				assert_int_equal(kl_policy_set(&policy, row->also, number), KL_OK);
		}
	}
	arena_free(&arena);
}

/* A row without a sentence or a source can't be explained; one that hides another can't be set;
 * one whose own default is out of range would warn of every template. */
static void test_every_row_is_whole(void **state)
{
	(void)state;
	struct arena arena = {0};
	for (uint16_t id = 0; id < parameter_count(); id++) {
		const struct parameter *row = parameter_get(id);
		struct parameter_value value;
		assert_non_null(row->suffix);
		assert_true(strlen(row->meaning) > 0 && strlen(row->source) > 0);
		if (row->use != USE_POLICY && *row->unset)
			assert_int_equal(parameter_read(id, row->unset, &arena, &value),
					 CHECK_GOOD);
		for (uint8_t place = 0; place < PLACES; place++) {
			if (!(row->places & 1u << place))
				continue;
			struct parameter_key key = {.id = id, .place = place, .x = 1, .y = 1};
			struct parameter_key found;
			const char *name = parameter_name(&key, &arena);
			assert_int_equal(parameter_find(name, &found), MATCH_FOUND);
			assert_int_equal(found.id, id);
			assert_int_equal(found.place, place);
		}
	}
	arena_free(&arena);
}

static void test_names_are_found_without_regard_to_case(void **state)
{
	(void)state;
	struct parameter_key key;
	assert_int_equal(parameter_find("REG.12.Server.3.RETRYMAXCOUNT", &key), MATCH_FOUND);
	assert_int_equal(key.id, PARAMETER_retry_max_count);
	assert_int_equal(key.place, PLACE_LINE_SERVER);
	assert_int_equal(key.x, 12);
	assert_int_equal(key.y, 3);
}

static void test_indices_have_ranges(void **state)
{
	(void)state;
	struct parameter_key key;
	assert_int_equal(parameter_find("reg.1.server.4.address", &key), MATCH_FOUND);
	assert_int_equal(parameter_find("reg.1.server.5.address", &key), MATCH_INDEX);
	assert_int_equal(parameter_find("reg.10000.address", &key), MATCH_FOUND);
	assert_int_equal(parameter_find("reg.10001.address", &key), MATCH_INDEX);
	assert_int_equal(parameter_find("dns.cache.A.18.name", &key), MATCH_FOUND);
	assert_int_equal(parameter_find("dns.cache.A.19.name", &key), MATCH_INDEX);
	assert_int_equal(parameter_find("account.1.sip_server.2.address", &key), MATCH_FOUND);
	assert_int_equal(parameter_find("account.1.sip_server.3.address", &key), MATCH_INDEX);
	assert_int_equal(parameter_find("reg.01.address", &key), MATCH_NONE);
	assert_int_equal(parameter_find("reg.0.address", &key), MATCH_NONE);
	assert_int_equal(parameter_find("reg.9999999999.address", &key), MATCH_NONE);
	assert_int_equal(parameter_find("reg.x.address", &key), MATCH_NONE);
	assert_int_equal(parameter_find("reg.1.address.", &key), MATCH_NONE);
	assert_int_equal(parameter_find("", &key), MATCH_NONE);
}

/* An older name is another name of a row, and what is said of it keeps the name that the file has.
 */
static void test_older_names(void **state)
{
	(void)state;
	static const struct {
		const char *name;
		enum parameter_id id;
		uint8_t y;
	} olders[] = {
		{"account.7.sip_server_host", PARAMETER_account_server, 1},
		{"account.7.sip_server_port", PARAMETER_account_server_port, 1},
		{"account.7.transport", PARAMETER_account_server_transport, 0},
		{"account.7.outbound_host", PARAMETER_account_proxy, 1},
		{"account.7.outbound_port", PARAMETER_account_proxy_port, 1},
		{"account.7.backup_outbound_host", PARAMETER_account_proxy, 2},
		{"account.7.backup_outbound_port", PARAMETER_account_proxy_port, 2},
		{"account.7.retry_counts", PARAMETER_account_retries, 0},
		{"account.7.reregister_enable", PARAMETER_account_reregister, 0},
		{"account.7.failback_mode", PARAMETER_account_failback_mode, 0},
		{"account.7.failback_timeout", PARAMETER_account_failback_timeout, 0},
	};
	struct arena arena = {0};
	for (size_t i = 0; i < COUNT_OF(olders); i++) {
		struct parameter_key key;
		assert_int_equal(parameter_find(olders[i].name, &key), MATCH_FOUND);
		assert_int_equal(key.id, olders[i].id);
		assert_int_equal(key.x, 7);
		assert_int_equal(key.y, olders[i].y);
		assert_string_equal(parameter_name(&key, &arena), olders[i].name);
	}
	arena_free(&arena);
}

static void assert_suggested(const char *name, const char *meant)
{
	struct arena arena = {0};
	const char *suggested = parameter_suggest(name, &arena);
	assert_string_equal(suggested ? suggested : "nothing", meant);
	arena_free(&arena);
}

static void test_similar_names_are_suggested(void **state)
{
	(void)state;
	assert_suggested("reg.2.adress", "reg.2.address");
	assert_suggested("reg.1.server.2.retryMaxCnt", "reg.1.server.2.retryMaxCount");
	assert_suggested("voipProt.SIP.outboundProxy.adress", "voIpProt.SIP.outboundProxy.address");
	assert_suggested("reg.3.server.expires.overlap", "reg.3.server.y.expires.overlap");
	assert_suggested("dns.cache.A.7.nam", "dns.cache.A.7.name");
	assert_suggested("account.2.sip_server.1.retry_count",
			 "account.2.sip_server.1.retry_counts");
	assert_suggested("reg.1.acd", "nothing");
	assert_suggested("feature.presence.enabled", "nothing");
}

static enum parameter_check read_as(enum parameter_id id, const char *text)
{
	struct arena arena = {0};
	struct parameter_value value;
	enum parameter_check check = parameter_read(id, text, &arena, &value);
	arena_free(&arena);
	return check;
}

static void test_hosts(void **state)
{
	(void)state;
	static const char *const good[] = {"sip.example.com", "localhost",   "192.0.2.1",
					   "2001:db8::1",     "a-b_c.x1.de", "_sip.example"};
	static const char *const wrong[] = {
		"192.0.2.300",     "sip..example", "sip.example.com:5060",
		"sip:example.com", "a b",          "exa\nmple",
		".example",        "example.",     "[::1]",
		"h\xc3\xb6st",
	};
	for (size_t i = 0; i < COUNT_OF(good); i++)
		assert_int_equal(read_as(PARAMETER_server_address, good[i]), CHECK_GOOD);
	for (size_t i = 0; i < COUNT_OF(wrong); i++)
		assert_int_equal(read_as(PARAMETER_server_address, wrong[i]), CHECK_WRONG);
}

/* Nothing that could end a header or start a parameter gets into an address-of-record. */
static void test_addresses_of_record(void **state)
{
	(void)state;
	static const char *const good[] = {"5551239999", "bob@example.com", "a.b+c%20d@192.0.2.1"};
	static const char *const wrong[] = {"bob@",       "@example.com",     "sip:bob@example.com",
					    "bob<x>",     "bob@exa mple",     "a%zz",
					    "bob\r\nVia", "bob@a@example.com"};
	for (size_t i = 0; i < COUNT_OF(good); i++)
		assert_int_equal(read_as(PARAMETER_line_address, good[i]), CHECK_GOOD);
	for (size_t i = 0; i < COUNT_OF(wrong); i++)
		assert_int_equal(read_as(PARAMETER_line_address, wrong[i]), CHECK_WRONG);
}

static void test_texts_have_no_control_characters(void **state)
{
	(void)state;
	assert_int_equal(read_as(PARAMETER_line_label, "B\xc3\xb6"
						       "b \"desk\""),
			 CHECK_GOOD);
	assert_int_equal(read_as(PARAMETER_line_label, "a\r\nb"), CHECK_WRONG);
	assert_int_equal(read_as(PARAMETER_line_label, "a\x1b[2J"), CHECK_WRONG);
	assert_int_equal(read_as(PARAMETER_line_label, "a\xc2\x9b"), CHECK_WRONG);
	char longest[CONFIG_TEXT_MAX + 2] = "";
	memset(longest, 'a', CONFIG_TEXT_MAX);
	assert_int_equal(read_as(PARAMETER_line_label, longest), CHECK_GOOD);
	longest[CONFIG_TEXT_MAX] = 'a';
	assert_int_equal(read_as(PARAMETER_line_label, longest), CHECK_WRONG);
}

static void test_numbers(void **state)
{
	(void)state;
	static const char *const wrong[] = {"-1",   "65536",      "1.5",
					    "0x10", "12a",        "1 2",
					    "+3",   "4294967297", "99999999999999999999"};
	assert_int_equal(read_as(PARAMETER_retry_timeout, " 65535\t"), CHECK_GOOD);
	for (size_t i = 0; i < COUNT_OF(wrong); i++)
		assert_int_equal(read_as(PARAMETER_retry_timeout, wrong[i]), CHECK_WRONG);
}

/* The 2023 guide spells them UDPOnly, UDPonly, dnsNaptr, Duration and newRequest. */
static void test_words_are_read_without_regard_to_case(void **state)
{
	(void)state;
	struct arena arena = {0};
	struct parameter_value value;
	assert_int_equal(parameter_read(PARAMETER_server_transport, "udponly", &arena, &value),
			 CHECK_GOOD);
	assert_int_equal(value.number, KL_CHOOSE_UDP);
	assert_int_equal(parameter_read(PARAMETER_proxy_transport, "dnsNaptr", &arena, &value),
			 CHECK_GOOD);
	assert_int_equal(value.number, KL_CHOOSE_NAPTR);
	assert_int_equal(parameter_read(PARAMETER_server_transport, "tcpPreferred", &arena, &value),
			 CHECK_GOOD);
	assert_int_equal(value.number, KL_CHOOSE_TCP_PREFERRED);
	assert_int_equal(parameter_read(PARAMETER_server_transport, "tls", &arena, &value),
			 CHECK_GOOD);
	assert_int_equal(value.number, KL_CHOOSE_TLS);
	assert_int_equal(parameter_read(PARAMETER_failback_mode, "Duration", &arena, &value),
			 CHECK_GOOD);
	assert_int_equal(value.number, KL_FAILBACK_DURATION);
	assert_int_equal(parameter_read(PARAMETER_failback_mode, "newRequest", &arena, &value),
			 CHECK_GOOD);
	assert_int_equal(value.number, KL_FAILBACK_NEW_REQUESTS);
	assert_int_equal(read_as(PARAMETER_failback_mode, "never"), CHECK_WRONG);
	/* A mode of the engine that no such parameter has a word for. */
	assert_int_equal(read_as(PARAMETER_failback_mode, "probed"), CHECK_WRONG);
	arena_free(&arena);
}

static void test_decimals(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		uint32_t ms;
	} good[] = {{"0.5", 500}, {"10", 10000}, {"0.525", 525}, {"2.05", 2050}};
	static const char *const wrong[] = {"0.4999", "0.4", "10.001", ".5", "1.",
					    "1,5",    "1e1", "",       "-1"};
	struct arena arena = {0};
	for (size_t i = 0; i < COUNT_OF(good); i++) {
		struct parameter_value value;
		assert_int_equal(parameter_read(PARAMETER_timer_t1, good[i].text, &arena, &value),
				 CHECK_GOOD);
		assert_int_equal(value.number, good[i].ms);
		assert_string_equal(parameter_text(PARAMETER_timer_t1, value.number, &arena),
				    good[i].text);
	}
	for (size_t i = 0; i < COUNT_OF(wrong); i++)
		assert_int_equal(read_as(PARAMETER_timer_t1, wrong[i]), CHECK_WRONG);
	arena_free(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_defaults_are_the_documented_ones_PROF_3),
		cmocka_unit_test(test_ranges_lie_inside_those_of_the_fields),
		cmocka_unit_test(test_every_row_is_whole),
		cmocka_unit_test(test_names_are_found_without_regard_to_case),
		cmocka_unit_test(test_indices_have_ranges),
		cmocka_unit_test(test_older_names),
		cmocka_unit_test(test_similar_names_are_suggested),
		cmocka_unit_test(test_decimals),
		cmocka_unit_test(test_hosts),
		cmocka_unit_test(test_addresses_of_record),
		cmocka_unit_test(test_texts_have_no_control_characters),
		cmocka_unit_test(test_numbers),
		cmocka_unit_test(test_words_are_read_without_regard_to_case),
	};
	return cmocka_run_group_tests_name("config/parameter", tests, NULL, NULL);
}
