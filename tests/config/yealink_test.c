/* yealink_test.c - Yealink's files and words.  CONF-3, YEA-3 (part), YEA-6 (part), PROF-1, PROF-4
 */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "tests/config/load.h"

#define BOB "account.1.user_name = bob\n"
#define SERVER "account.1.sip_server.1.address = sip.example.com\n"
#define LINE_1 BOB SERVER

static const struct kl_entry_config *entry_of(const struct config *config, uint32_t line,
					      uint32_t entry)
{
	assert_true(line < config->engine.line_count);
	assert_true(entry < config->engine.lines[line].entry_count);
	return &config->engine.lines[line].entries[entry];
}

/* TEXT must be read, with these diagnostics. */
static void assert_read(const char *text, const char *diagnostics)
{
	struct config *config = load_text(text);
	assert_told(config, diagnostics);
	assert_int_equal(config->engine.line_count, 1);
	assert_string_equal(config->lines[0].user, "bob");
	assert_string_equal(config->lines[0].domain, "sip.example.com");
	assert_int_equal(config->lines[0].profile, KL_PROFILE_YEALINK);
	config_free(config);
}

static void test_the_shape_of_a_file_CONF_3(void **state)
{
	(void)state;
	assert_read(YEALINK(LINE_1), "");
	assert_read("#!version:1.0.0.1\r\n\r\n## a comment = none\r\n"
		    "  account.1.user_name=bob  \r\n\taccount.1.sip_server.1.address =   "
		    "sip.example.com",
		    "");
	assert_read("\xef\xbb\xbf#!version:1.0.0.1\n" LINE_1, "");
	assert_read(YEALINK("ACCOUNT.1.User_Name = bob\n" SERVER "account.1.label =\n"), "");
}

static void test_the_first_line_is_the_version_CONF_3(void **state)
{
	(void)state;
	assert_read(LINE_1, "1.cfg:1:1: warning: the first line must be #!version:1.0.0.1, or a "
			    "phone does not take the file");
}

/* The first to rule is named where no file sets a value. */
static void test_every_value_has_its_place_PROF_1(void **state)
{
	(void)state;
	struct config *config = load_text(
		YEALINK(LINE_1 "account.1.sip_server.1.retry_counts = 2\nsip.timer_t1 = 0.7\n"
			       "account.1.sip_server.1.failback_mode = 3\n"
			       "account.1.sip_server.1.failback_timeout = 600\n"));
	assert_told(config, "");
	assert_ruled(config, 0, KL_POLICY_attempts_max,
		     "account.1.sip_server.1.retry_counts = 2 (1.cfg:4)");
	assert_ruled(config, 0, KL_POLICY_t1_ms, "sip.timer_t1 = 0.7 (1.cfg:5)");
	assert_ruled(config, 0, KL_POLICY_failback_mode,
		     "account.1.sip_server.1.failback_mode = 3 (1.cfg:6)");
	assert_ruled(config, 0, KL_POLICY_failback_ms,
		     "account.1.sip_server.1.failback_timeout = 600 (1.cfg:7)");
	assert_ruled(config, 0, KL_POLICY_invite_attempts_max,
		     "account.1.sip_server.1.invite_retry_counts = 3 (profile yealink)");
	assert_int_equal(policy_of(config, 0, 0, KL_POLICY_t1_ms), 700);
	assert_int_equal(policy_of(config, 0, 0, KL_POLICY_failback_mode), KL_FAILBACK_DURATION);
	assert_int_equal(policy_of(config, 0, 0, KL_POLICY_failback_ms), 600000);
	config_free(config);
}

/* Each row that sets a policy value, in the vendor's words and in the engine's. */
static void test_policy_values_YEA_6(void **state)
{
	(void)state;
	static const struct {
		const char *line;
		enum kl_policy_field field;
		uint32_t number;
	} rows[] = {
		{"account.1.sip_server.1.retry_counts = 0\n", KL_POLICY_attempts_max, 1},
		{"account.1.sip_server.1.retry_counts = 20\n", KL_POLICY_attempts_max, 20},
		{"account.1.sip_server.1.invite_retry_counts = 10\n", KL_POLICY_invite_attempts_max,
		 10},
		{"account.1.sip_server.1.expires = 30\n", KL_POLICY_expires_ms, 30000},
		{"account.1.sip_server.1.expires = 2147483647\n", KL_POLICY_expires_ms, 2147483000},
		{"account.1.sip_server.1.register_on_enable = 1\n", KL_POLICY_reregister_on, 1},
		{"account.1.sip_server.1.only_signal_with_registered = 1\n",
		 KL_POLICY_only_signal_with_registered, 1},
		{"account.1.sip_server.1.failback_mode = 0\n", KL_POLICY_failback_mode,
		 KL_FAILBACK_NEW_REQUESTS},
		{"account.1.sip_server.1.failback_mode = 1\n", KL_POLICY_failback_mode,
		 KL_FAILBACK_DNSTTL},
		{"account.1.sip_server.1.failback_mode = 2\n", KL_POLICY_failback_mode_shared,
		 KL_FAILBACK_REGISTRATION},
		{"account.1.sip_server.1.failback_timeout = 0\n", KL_POLICY_failback_ms, 0},
		{"account.1.fallback.redundancy_type = 1\n", KL_POLICY_successive, 1},
		{"account.1.fallback.timeout = 10\n", KL_POLICY_fallback_probe_ms, 10000},
		{"account.1.advanced.timer_t1 = 10\n", KL_POLICY_t1_ms, 10000},
		{"sip.timer_t2 = 2.5\n", KL_POLICY_t2_ms, 2500},
		{"sip.skip_redundant_failover_addr = 0\n", KL_POLICY_skip_same_address, 0},
		{"account.1.reg_fail_retry_interval = 1800\n", KL_POLICY_backoff_fixed_ms, 1800000},
		{"account.1.reg_failed_retry_max_time = 90\n", KL_POLICY_backoff_max_ms, 90000},
		{"account.1.static_cache_pri = 0\n", KL_POLICY_static_first, KL_STATIC_LAST},
		{"account.1.static_cache_pri = 1\n", KL_POLICY_static_first, KL_STATIC_FIRST},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char text[512] = YEALINK(LINE_1);
		strcat(text, rows[i].line);
		struct config *config = load_text(text);
		assert_told(config, "");
		assert_int_equal(policy_of(config, 0, 0, rows[i].field), rows[i].number);
		config_free(config);
	}
}

static void test_servers_and_transports(void **state)
{
	(void)state;
	struct config *config =
		load_text(YEALINK(LINE_1 "account.1.sip_server.1.port = 0\n"
					 "account.1.sip_server.1.transport_type = 3\n"
					 "account.1.sip_server.2.address = 192.168.1.15\n"));
	assert_told(config, "");
	assert_int_equal(config->engine.lines[0].entry_count, 2);
	assert_string_equal(entry_of(config, 0, 0)->name, "sip.example.com");
	assert_int_equal(entry_of(config, 0, 0)->port, 0);
	assert_int_equal(entry_of(config, 0, 0)->transport_choice, KL_CHOOSE_NAPTR);
	assert_string_equal(entry_of(config, 0, 1)->name, "192.168.1.15");
	assert_int_equal(entry_of(config, 0, 1)->port, 5060);
	assert_int_equal(entry_of(config, 0, 1)->transport_choice, KL_CHOOSE_UDP);
	assert_true(entry_of(config, 0, 1)->registers);
	config_free(config);
}

static void test_several_accounts(void **state)
{
	(void)state;
	struct config *config = load_text(
		YEALINK(LINE_1 "account.2.enable = 0\naccount.2.user_name = eve\n"
			       "account.2.sip_server.1.address = b.example.com\n"
			       "account.16.enable = 1\naccount.16.user_name = ann\n"
			       "account.16.display_name = Ann B.\naccount.16.auth_name = ann16\n"
			       "account.16.password = geheim\naccount.16.label = Ann\n"
			       "account.16.sip_server.1.address = c.example.com\n"));
	assert_told(config, "");
	assert_int_equal(config->engine.line_count, 2);
	const struct config_line *line = &config->lines[1];
	assert_int_equal(line->number, 16);
	assert_string_equal(line->user, "ann");
	assert_string_equal(line->domain, "c.example.com");
	assert_string_equal(line->display_name, "Ann B.");
	assert_string_equal(line->label, "Ann");
	assert_string_equal(line->auth_user, "ann16");
	assert_string_equal(line->auth_password, "geheim");
	assert_string_equal(config->lines[0].auth_user, "bob");
	for (uint32_t i = 0; i < line->value_count; i++)
		assert_null(strstr(line->values[i].value, "geheim"));
	config_free(config);
}

/* -1 is what the server has; what neither sets is the profile's.  One at a time: YEA-3 (part). */
static void test_outbound_proxies_inherit_YEA_3(void **state)
{
	(void)state;
	struct config *config =
		load_text(YEALINK(LINE_1 "account.1.outbound_proxy_enable = 1\n"
					 "account.1.outbound_proxy.1.address = a.example.com\n"
					 "account.1.outbound_proxy.1.port = 0\n"
					 "account.1.outbound_proxy.1.retry_counts = -1\n"
					 "account.1.outbound_proxy.1.failback_timeout = 90\n"
					 "account.1.outbound_proxy.2.address = b.example.com\n"
					 "account.1.sip_server.1.retry_counts = 5\n"
					 "account.1.sip_server.1.failback_timeout = 600\n"
					 "account.1.sip_server.2.retry_counts = 7\n"
					 "account.1.outbound_proxy_fallback_interval = 3600\n"
					 "account.1.fallback.timeout = 240\n"));
	assert_told(config, "");
	assert_int_equal(config->engine.lines[0].entry_count, 2);
	assert_string_equal(config->lines[0].domain, "sip.example.com");
	assert_string_equal(entry_of(config, 0, 0)->name, "a.example.com");
	assert_int_equal(entry_of(config, 0, 0)->port, 0);
	assert_string_equal(entry_of(config, 0, 1)->name, "b.example.com");
	for (uint32_t i = 0; i < 2; i++) {
		assert_true(config->lines[0].entries[i].via_outbound_proxy);
		assert_string_equal(config->lines[0].entries[i].server, "sip.example.com");
		assert_int_equal(policy_of(config, 0, i, KL_POLICY_successive), 1);
		assert_int_equal(policy_of(config, 0, i, KL_POLICY_fallback_probe_ms), 3600000);
	}
	assert_ruled(config, 0, KL_POLICY_successive,
		     "account.1.outbound_proxy_enable = 1 (1.cfg:4)");
	assert_ruled(config, 0, KL_POLICY_attempts_max,
		     "account.1.sip_server.1.retry_counts = 5 (1.cfg:10)");
	assert_ruled(config, 0, KL_POLICY_failback_ms,
		     "account.1.outbound_proxy.1.failback_timeout = 90 (1.cfg:8)");
	assert_ruled(config, 1, KL_POLICY_attempts_max,
		     "account.1.sip_server.2.retry_counts = 7 (1.cfg:12)");
	config_free(config);
}

static void test_a_proxy_that_is_off_is_none(void **state)
{
	(void)state;
	struct config *config =
		load_text(YEALINK(LINE_1 "account.1.outbound_proxy.1.address = a.example.com\n"
					 "account.1.outbound_proxy.1.retry_counts = 9\n"));
	assert_told(config, "");
	assert_string_equal(entry_of(config, 0, 0)->name, "sip.example.com");
	assert_int_equal(policy_of(config, 0, 0, KL_POLICY_attempts_max), 3);
	assert_int_equal(policy_of(config, 0, 0, KL_POLICY_successive), 0);
	config_free(config);
}

static void test_older_names_give_way_to_newer_ones(void **state)
{
	(void)state;
	struct config *config = load_text(
		YEALINK(BOB "account.1.sip_server.2.retry_counts = 2\n"
			    "account.1.sip_server_host = sip.example.com\n"
			    "account.1.sip_server_port = 5070\naccount.1.transport = 0\n"
			    "account.1.sip_server.2.address = b.example.com\n"
			    "account.1.retry_counts = 6\naccount.1.reregister_enable = 1\n"
			    "account.1.failback_mode = 2\naccount.1.failback_timeout = 70\n"));
	assert_told(config, "");
	assert_string_equal(entry_of(config, 0, 0)->name, "sip.example.com");
	assert_int_equal(entry_of(config, 0, 0)->port, 5070);
	assert_ruled(config, 0, KL_POLICY_attempts_max, "account.1.retry_counts = 6 (1.cfg:8)");
	assert_ruled(config, 1, KL_POLICY_attempts_max,
		     "account.1.sip_server.2.retry_counts = 2 (1.cfg:3)");
	for (uint32_t i = 0; i < 2; i++) {
		assert_int_equal(policy_of(config, 0, i, KL_POLICY_reregister_on), 1);
		assert_int_equal(policy_of(config, 0, i, KL_POLICY_failback_mode),
				 KL_FAILBACK_REGISTRATION);
		assert_int_equal(policy_of(config, 0, i, KL_POLICY_failback_ms), 70000);
	}
	config_free(config);

	config = load_text(YEALINK(LINE_1 "account.1.outbound_proxy_enable = 1\n"
					  "account.1.outbound_host = a.example.com\n"
					  "account.1.outbound_port = 5080\n"
					  "account.1.backup_outbound_host = b.example.com\n"
					  "account.1.backup_outbound_port = 5090\n"));
	assert_told(config, "");
	assert_string_equal(entry_of(config, 0, 0)->name, "a.example.com");
	assert_int_equal(entry_of(config, 0, 0)->port, 5080);
	assert_string_equal(entry_of(config, 0, 1)->name, "b.example.com");
	assert_int_equal(entry_of(config, 0, 1)->port, 5090);
	config_free(config);
}

/* 7.31 of docs/vendors.md */
static void test_back_off_grows_only_with_a_base(void **state)
{
	(void)state;
	struct config *config =
		load_text(YEALINK(LINE_1 "account.1.reg_fail_retry_interval = 45\n"
					 "account.1.reg_failed_retry_min_time = 0\n"));
	assert_int_equal(policy_of(config, 0, 0, KL_POLICY_backoff_fixed_ms), 45000);
	config_free(config);

	config = load_text(YEALINK(LINE_1 "account.1.reg_fail_retry_interval = 45\n"
					  "account.1.reg_failed_retry_min_time = 10\n"));
	assert_told(config, "");
	assert_int_equal(policy_of(config, 0, 0, KL_POLICY_backoff_fixed_ms), 0);
	assert_int_equal(policy_of(config, 0, 0, KL_POLICY_backoff_base_ms), 10000);
	assert_int_equal(policy_of(config, 0, 0, KL_POLICY_backoff_max_ms), 60000);
	assert_ruled(config, 0, KL_POLICY_backoff_base_ms,
		     "account.1.reg_failed_retry_min_time = 10 (1.cfg:5)");
	assert_ruled(config, 0, KL_POLICY_backoff_fixed_ms,
		     "account.1.reg_fail_retry_interval = 0 (1.cfg:5)");
	config_free(config);
}

static void test_keepalives_need_their_switch_KEEP_1(void **state)
{
	(void)state;
	static const struct {
		const char *lines;
		uint32_t keepalive_ms;
	} rows[] = {
		{"account.1.nat.udp_update_time = 20\n", 0},
		{"account.1.nat.udp_update_enable = 0\naccount.1.nat.udp_update_time = 20\n", 0},
		{"account.1.nat.udp_update_enable = 1\n", 30000},
		{"account.1.nat.udp_update_enable = 1\naccount.1.nat.udp_update_time = 20\n",
		 20000},
		{"account.1.nat.udp_update_enable = 1\naccount.1.nat.udp_update_time = 3601\n",
		 3600000},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char text[512] = YEALINK(LINE_1);
		struct config *config = load_text(strcat(text, rows[i].lines));
		assert_told(config, "");
		assert_int_equal(policy_of(config, 0, 0, KL_POLICY_keepalive_ms),
				 rows[i].keepalive_ms);
		config_free(config);
	}
	struct config *config = load_text(YEALINK(LINE_1 "account.1.nat.udp_update_enable = 1\n"));
	assert_ruled(config, 0, KL_POLICY_keepalive_ms,
		     "account.1.nat.udp_update_enable = 1 (1.cfg:4)");
	config_free(config);
}

/* Yealink guides: it needs failback mode 1, 2 or 3. */
static void test_subscriptions_follow_when_told_SUBS_1(void **state)
{
	(void)state;
	static const struct {
		const char *lines;
		uint32_t resubscribe_on_move;
	} rows[] = {
		{"", 0},
		{"account.1.sip_server.1.failback_subscribe.enable = 1\n", 0},
		{"account.1.sip_server.1.failback_subscribe.enable = 1\n"
		 "account.1.sip_server.1.failback_mode = 0\n",
		 0},
		{"account.1.sip_server.1.failback_subscribe.enable = 1\n"
		 "account.1.sip_server.1.failback_mode = 2\n",
		 1},
		{"account.1.sip_server.1.failback_subscribe.enable = 0\n"
		 "account.1.sip_server.1.failback_mode = 3\n",
		 0},
		{"account.1.outbound_proxy_enable = 1\n"
		 "account.1.outbound_proxy.1.address = 192.0.2.8\n"
		 "account.1.outbound_proxy.1.failback_subscribe.enable = 1\n"
		 "account.1.outbound_proxy.1.failback_mode = 1\n",
		 1},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char text[512] = YEALINK(LINE_1);
		struct config *config = load_text(strcat(text, rows[i].lines));
		assert_told(config, "");
		assert_int_equal(policy_of(config, 0, 0, KL_POLICY_resubscribe_on_move),
				 rows[i].resubscribe_on_move);
		config_free(config);
	}
}

static void test_the_last_of_several_files_wins_CONF_3(void **state)
{
	(void)state;
	struct config *config =
		load_texts(YEALINK(LINE_1 "account.1.sip_server.1.retry_counts = 5\n"
					  "sip.timer_t1 = 1\naccount.1.label = a\n"),
			   YEALINK("account.1.sip_server.1.retry_counts = 7\n"
				   "sip.timer_t1 = %NULL%\naccount.1.label =\n"));
	assert_told(config, "");
	assert_ruled(config, 0, KL_POLICY_attempts_max,
		     "account.1.sip_server.1.retry_counts = 7 (2.cfg:2)");
	assert_ruled(config, 0, KL_POLICY_t1_ms,
		     "account.1.advanced.timer_t1 = 0.5 (profile yealink)");
	assert_string_equal(config->lines[0].label, "a");
	config_free(config);
}

static void test_set_twice_in_one_file_is_told(void **state)
{
	(void)state;
	assert_read(YEALINK("account.1.user_name = ann\n" LINE_1 "account.1.label = a\n"
			    "account.1.label = %NULL%\n"),
		    "1.cfg:2:1: warning: account.1.user_name: set twice; the last counts, at "
		    "1.cfg:3");
}

static void test_everything_wrong_is_told_in_one_run_PROF_4(void **state)
{
	(void)state;
	static const char text[] = YEALINK(LINE_1 "[ network ]\n"
						  "account.1.sip_server.1.retry_counts = 21\n"
						  "  account.1.sip_server.1.retry_cuonts = 2\n"
						  "= x\n"
						  "account.1.sip_server.1.failback_timeout = 59\n"
						  "account.1.label = a\xff\n"
						  "sip.timer_t1 = 0.1\n"
						  "account.1.sip_server.3.address = c\n"
						  "account.1.dns_cache_type = 2\n"
						  "template.1.sip_server.1.address = d\n"
						  "account.1.password = \x01geheim\n"
						  "something.else = 1\n");
	static const char told[] =
		"1.cfg:4:1: warning: for one model only, and the phone's is not given; it is not "
		"read\n"
		"1.cfg:5:1: warning: account.1.sip_server.1.retry_counts: 21 is out of range "
		"(permitted: 0 to 20); line 1 uses 3 (profile yealink)\n"
		"1.cfg:6:3: warning: account.1.sip_server.1.retry_cuonts: unknown parameter; did "
		"you mean account.1.sip_server.1.retry_counts?\n"
		"1.cfg:7:1: error: expected KEY = VALUE; the line is not read\n"
		"1.cfg:8:1: warning: account.1.sip_server.1.failback_timeout: 59 is out of range "
		"(permitted: 0, or 60 to 65535 seconds); 60 is used\n"
		"1.cfg:9:1: error: no text in UTF-8; the line is not read\n"
		"1.cfg:10:1: warning: sip.timer_t1: 0.1 is out of range (permitted: 0.5 to 10 "
		"seconds); line 1 uses 0.5 (profile yealink)\n"
		"1.cfg:11:1: warning: account.1.sip_server.3.address: a number in its name is out "
		"of range; it is not read\n"
		"1.cfg:12:1: warning: account.1.dns_cache_type: read but has no effect in this "
		"version\n"
		"1.cfg:13:1: warning: template.1.sip_server.1.address: read but has no effect in "
		"this version\n"
		"1.cfg:14:1: warning: account.1.password: the value is out of range (permitted: "
		"text of at most 255 bytes without control characters); line 1 uses no value "
		"(default)\n"
		"1.cfg:15:1: warning: something.else: unknown parameter; it is not read";
	assert_read(text, told);

	struct config *config = load_with((struct load){.text = text, .strict = true});
	assert_int_equal(config->error_count, 2 + 3);
	config_free(config);
}

static void test_an_account_without_a_server_is_told(void **state)
{
	(void)state;
	struct config *config =
		load_with((struct load){.text = YEALINK(BOB), .expected = KL_EINVAL});
	assert_told(config, "1.cfg:2:1: error: account.1.user_name: no server: set "
			    "account.1.sip_server.1.address; line 1 is left out");
	config_free(config);
}

static void test_static_records(void **state)
{
	(void)state;
	struct config *config = load_text(
		YEALINK(LINE_1 "dns_cache_a.2.name = a.example.com\ndns_cache_a.2.ip = 192.0.2.1\n"
			       "account.1.dns_cache_a.9.name = b.example.com\n"
			       "account.1.dns_cache_a.9.ip = 192.0.2.2\n"
			       "account.1.dns_cache_a.9.ttl = 60\n"
			       "dns_cache_srv.1.name = _sip._udp.example.com\n"
			       "dns_cache_srv.1.target = a.example.com\n"
			       "dns_cache_srv.1.priority = 1\ndns_cache_srv.1.weight = 2\n"
			       "dns_cache_srv.1.port = 5062\n"
			       "dns_cache_naptr.1.name = example.com\n"
			       "dns_cache_naptr.1.order = 90\ndns_cache_naptr.1.preference = 50\n"
			       "dns_cache_naptr.1.service = SIP+D2U\n"
			       "dns_cache_naptr.1.replace = _sip._udp.example.com\n"
			       "dns_cache_a.3.name = c.example.com\n"));
	assert_told(config, "1.cfg:19:1: warning: dns_cache_a.3.name: dns_cache_a.3.ip is not set; "
			    "the record is left out");
	assert_int_equal(config->engine.static_record_count, 4);
	const struct kl_static_record *records = config->engine.static_records;
	assert_string_equal(records[0].owner, "b.example.com");
	assert_int_equal(records[0].data.ttl_ms, 60000);
	assert_int_equal(records[0].data.ip[15], 2);
	assert_string_equal(records[1].owner, "a.example.com");
	assert_int_equal(records[1].data.ttl_ms, 300000);
	assert_int_equal(records[2].type, KL_SRV);
	assert_string_equal(records[2].data.name, "a.example.com");
	assert_int_equal(records[2].data.priority, 1);
	assert_int_equal(records[2].data.weight, 2);
	assert_int_equal(records[2].data.port, 5062);
	assert_int_equal(records[3].type, KL_NAPTR);
	assert_int_equal(records[3].data.flag, 's');
	assert_int_equal(records[3].data.priority, 90);
	assert_int_equal(records[3].data.weight, 50);
	config_free(config);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_the_shape_of_a_file_CONF_3),
		cmocka_unit_test(test_the_first_line_is_the_version_CONF_3),
		cmocka_unit_test(test_every_value_has_its_place_PROF_1),
		cmocka_unit_test(test_policy_values_YEA_6),
		cmocka_unit_test(test_servers_and_transports),
		cmocka_unit_test(test_several_accounts),
		cmocka_unit_test(test_outbound_proxies_inherit_YEA_3),
		cmocka_unit_test(test_a_proxy_that_is_off_is_none),
		cmocka_unit_test(test_older_names_give_way_to_newer_ones),
		cmocka_unit_test(test_back_off_grows_only_with_a_base),
		cmocka_unit_test(test_keepalives_need_their_switch_KEEP_1),
		cmocka_unit_test(test_subscriptions_follow_when_told_SUBS_1),
		cmocka_unit_test(test_the_last_of_several_files_wins_CONF_3),
		cmocka_unit_test(test_set_twice_in_one_file_is_told),
		cmocka_unit_test(test_everything_wrong_is_told_in_one_run_PROF_4),
		cmocka_unit_test(test_an_account_without_a_server_is_told),
		cmocka_unit_test(test_static_records),
	};
	return cmocka_run_group_tests_name("config/yealink", tests, load_enter, load_leave);
}
