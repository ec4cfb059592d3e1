/* examples_test.c - the files of examples/: each is read without a complaint, and says what its
 * vendor's paper says that it does.  CONF-1, CONF-3, CONF-4, PROBE-1 (part) */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/config/load.h"

/* One policy value, worked out from the text of the paper. */
struct expected {
	const char *file;
	uint32_t line, entry;
	enum kl_policy_field field;
	uint32_t number;
};

static struct config *load_example(const char *file, int expected)
{
	char path[512];
	snprintf(path, sizeof(path), EXAMPLES "/%s", file);
	return load_path(path, expected);
}

static void assert_values(const struct expected *rows, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		struct config *config = load_example(rows[i].file, KL_OK);
		assert_true(rows[i].line < config->engine.line_count);
		assert_true(rows[i].entry < config->engine.lines[rows[i].line].entry_count);
		uint32_t number = policy_of(config, rows[i].line, rows[i].entry, rows[i].field);
		if (number != rows[i].number)
			fail_msg("%s: %s is %u, expected %u", rows[i].file,
				 kl_policy_describe(rows[i].field)->name, number, rows[i].number);
		config_free(config);
	}
}

#define ASSERT_VALUES(rows) assert_values(rows, sizeof(rows) / sizeof((rows)[0]))

static void test_polycom(void **state)
{
	(void)state;
	static const struct expected rows[] = {
		{"polycom/phone.cfg", 0, 0, KL_POLICY_retry_gap_ms, 500},
		{"polycom/phone.cfg", 1, 0, KL_POLICY_attempts_max, 3},
		{"polycom/phone.cfg", 1, 0, KL_POLICY_failback_ms, 600000},
		{"polycom/sends.cfg", 0, 0, KL_POLICY_retry_gap_ms, 5000},
		{"polycom/sends.cfg", 0, 0, KL_POLICY_attempts_max, 2},
		{"polycom/sends.cfg", 0, 0, KL_POLICY_invite_attempts_max, 2},
		{"polycom/fast-tcp.cfg", 0, 0, KL_POLICY_tcp_fast_failover, 1},
		{"polycom/fast-tcp.cfg", 0, 0, KL_POLICY_tcp_fast_failover_ms, 2000},
		{"polycom/fast-tcp.cfg", 0, 0, KL_POLICY_retry_gap_ms, 0},
		{"polycom/back-off.cfg", 0, 0, KL_POLICY_backoff_base_ms, 10000},
		{"polycom/back-off.cfg", 0, 0, KL_POLICY_backoff_max_ms, 120000},
		{"polycom/fallback.cfg", 0, 1, KL_POLICY_successive, 0},
		{"polycom/re-register.cfg", 0, 0, KL_POLICY_reregister_on, 1},
		{"polycom/re-register.cfg", 0, 0, KL_POLICY_fail_registration_on, 1},
		{"polycom/re-register.cfg", 0, 0, KL_POLICY_only_signal_with_registered, 1},
		{"polycom/re-register.cfg", 0, 0, KL_POLICY_failback_mode, KL_FAILBACK_DURATION},
		{"polycom/re-register.cfg", 0, 0, KL_POLICY_failback_ms, 3600000},
		{"polycom/master/0004f2aabbcc.cfg", 0, 0, KL_POLICY_attempts_max, 2},
		{"polycom/master/0004f2aabbcc.cfg", 0, 0, KL_POLICY_retry_gap_ms, 1000},
	};
	ASSERT_VALUES(rows);
}

static void test_polycom_accounts(void **state)
{
	(void)state;
	struct config *config = load_example("polycom/master/0004f2aabbcc.cfg", KL_OK);
	assert_told(config, "");
	assert_string_equal(config->lines[0].label, "Front desk");
	config_free(config);

	config = load_example("polycom/fallback.cfg", KL_OK);
	assert_told(config, "");
	assert_int_equal(config->engine.lines[0].entry_count, 2);
	assert_string_equal(config->engine.lines[0].entries[1].name, "172.23.0.1");
	config_free(config);

	config = load_example("polycom/re-register.cfg", KL_OK);
	assert_told(config, "");
	assert_string_equal(config->engine.lines[0].entries[0].name, "sbc.example.com");
	config_free(config);
}

/* Poly Solution Guide: Failover and Route Redundancy (2023), Appendix A, over TLS.  T6 */
static void test_polycom_tls(void **state)
{
	(void)state;
	static const struct expected rows[] = {
		{"polycom/tls.cfg", 1, 0, KL_POLICY_tcp_fast_failover_ms, 4000},
		{"polycom/tls.cfg", 1, 0, KL_POLICY_enhanced, 1},
		{"polycom/tls.cfg", 1, 0, KL_POLICY_backoff_max_ms, 180000},
		{"polycom/tls.cfg", 1, 0, KL_POLICY_stream_keepalive, 1},
		{"polycom/tls.cfg", 1, 0, KL_POLICY_stream_probe_ms, 20000},
		{"polycom/tls.cfg", 1, 0, KL_POLICY_persistent_connection, 1},
	};
	struct config *config = load_example("polycom/tls.cfg", KL_OK);
	assert_told(config, "");
	assert_int_equal(config->engine.line_count, 2);
	assert_int_equal(config->engine.lines[1].entries[0].transport_choice, KL_CHOOSE_TLS);
	config_free(config);
	ASSERT_VALUES(rows);
}

static void test_yealink(void **state)
{
	(void)state;
	static const struct expected rows[] = {
		{"yealink/fallback.cfg", 0, 0, KL_POLICY_attempts_max, 3},
		{"yealink/fallback.cfg", 0, 0, KL_POLICY_reregister_on, 1},
		{"yealink/fallback.cfg", 0, 0, KL_POLICY_failback_mode, KL_FAILBACK_DURATION},
		{"yealink/fallback.cfg", 0, 0, KL_POLICY_failback_ms, 600000},
		{"yealink/fallback.cfg", 0, 1, KL_POLICY_reregister_on, 0},
		{"yealink/fallback.cfg", 0, 0, KL_POLICY_successive, 0},
		{"yealink/successive.cfg", 0, 0, KL_POLICY_successive, 1},
		{"yealink/successive.cfg", 0, 0, KL_POLICY_fallback_probe_ms, 600000},
		{"yealink/successive.cfg", 0, 0, KL_POLICY_backoff_fixed_ms, 0},
		{"yealink/successive.cfg", 0, 0, KL_POLICY_backoff_base_ms, 10000},
		{"yealink/successive.cfg", 0, 0, KL_POLICY_backoff_max_ms, 120000},
		{"yealink/successive.cfg", 1, 1, KL_POLICY_successive, 1},
		{"yealink/successive.cfg", 1, 0, KL_POLICY_fallback_probe_ms, 120000},
		{"yealink/static-cache.cfg", 0, 0, KL_POLICY_static_first, KL_STATIC_FIRST},
		{"yealink/phone.boot", 0, 0, KL_POLICY_attempts_max, 2},
		{"yealink/phone.boot", 0, 0, KL_POLICY_t1_ms, 500},
	};
	ASSERT_VALUES(rows);
	static const char *const files[] = {"fallback.cfg", "successive.cfg", "static-cache.cfg",
					    "phone.boot"};
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		char path[64];
		snprintf(path, sizeof(path), "yealink/%s", files[i]);
		struct config *config = load_example(path, KL_OK);
		assert_told(config, "");
		config_free(config);
	}
	struct config *config = load_example("yealink/static-cache.cfg", KL_OK);
	assert_int_equal(config->engine.static_record_count, 3);
	config_free(config);
}

/* Spectralink CS-18-10, the four methods of its examples. */
static void test_versity_PROBE_1(void **state)
{
	(void)state;
	static const struct {
		const char *file, *specs;
	} methods[] = {
		{"versity/method-1.cfg", "172.29.102.138 172.29.102.139 "},
		{"versity/method-2.cfg",
		 "sipserver1.testdomain.local sipserver2.testdomain.local "},
		{"versity/method-3.cfg", "testdomain.local "},
		{"versity/method-4.cfg", "fouranames.testdomain.local "},
	};
	for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++) {
		char specs[256] = "";
		struct config *config = load_example(methods[i].file, KL_OK);
		const struct config_line *line = &config->lines[0];
		assert_int_equal(config->error_count, 0);
		const struct kl_entry_config *entry = &config->engine.lines[0].entries[0];
		assert_told(config, "");
		assert_string_equal(line->user, "2001");
		assert_string_equal(line->domain, "testdomain.local");
		strcat(strcat(specs, entry->name), " ");
		for (uint32_t s = 0; s < entry->more_count; s++)
			strcat(strcat(specs, entry->more_names[s]), " ");
		assert_string_equal(specs, methods[i].specs);
		assert_int_equal(policy_of(config, 0, 0, KL_POLICY_reregister_on), 1);
		assert_int_equal(policy_of(config, 0, 0, KL_POLICY_dns_lookup_ms), 7200000);
		config_free(config);
	}
}

/* Those of examples/agent/ that we read ourselves: who is inside, and vendors' phones whose only
 * server is the agent. */
static void test_agent(void **state)
{
	static const char *const secrets[] = {"ALICE_PASSWORD", "SOFT_PASSWORD", "DESK_PASSWORD",
					      "TRUNK_1", "TRUNK_2"};
	static const char *const phones[] = {"agent/yealink.cfg", "agent/poly.cfg"};
	struct config *config;

	(void)state;
	for (size_t i = 0; i < sizeof(secrets) / sizeof(secrets[0]); i++)
		setenv(secrets[i], "secret", true);
	config = load_example("agent/keepline.yaml", KL_OK);
	assert_told(config, "");
	assert_int_equal(config->inside.endpoint_count, 2);
	config_free(config);

	config = load_example("agent/pbx.yaml", KL_OK);
	assert_told(config, "");
	assert_int_equal(config->inside.endpoints[0].line_count, 2);
	assert_int_equal(config->inside.requests_max, 20000);
	assert_true(config->engine.limits.walks > 20000);
	config_free(config);

	for (size_t i = 0; i < sizeof(phones) / sizeof(phones[0]); i++) {
		config = load_example(phones[i], KL_OK);
		assert_told(config, "");
		assert_int_equal(config->engine.lines[0].entry_count, 1);
		assert_string_equal(config->engine.lines[0].entries[0].name, "192.0.2.10");
		assert_int_equal(config->engine.lines[0].entries[0].port, 5070);
		assert_string_equal(config->lines[0].domain, "example.com");
		assert_string_equal(config->lines[0].auth_user, "desk");
		config_free(config);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_polycom),         cmocka_unit_test(test_polycom_accounts),
		cmocka_unit_test(test_polycom_tls),     cmocka_unit_test(test_yealink),
		cmocka_unit_test(test_versity_PROBE_1), cmocka_unit_test(test_agent),
	};
	return cmocka_run_group_tests_name("config/examples", tests, load_enter, load_leave);
}
