/* native_test.c - the native file: lines, policy values, secrets, and what vendors have no word
 * for. CONF-5 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "config/native.h"
#include "tests/config/load.h"

#define LINE "lines:\n  - user: bob\n    servers: [{name: sip.example.com}]\n"
#define POLY XML("reg.1.address=\"bob\" voIpProt.server.1.address=\"sip.example.com\" ")

static void test_a_line(void **state)
{
	(void)state;
	struct config *config =
		load_text("lines:\n"
			  "  - user: bob\n"
			  "    domain: Example.COM\n"
			  "    display_name: Bob\n"
			  "    label: Desk\n"
			  "    auth_user: b1\n"
			  "    group: 7\n"
			  "    outbound_proxy: {address: Proxy.example.com, port: 5062}\n"
			  "    servers:\n"
			  "      - {name: SIP.example.com, port: 5070}\n"
			  "      - name: 192.0.2.9\n"
			  "        registers: no\n"
			  "        use_outbound_proxy: false\n"
			  "        transport: udp\n"
			  "        epid: yes\n");
	assert_told(config, "");
	assert_int_equal(config->engine.line_count, 1);
	const struct config_line *line = &config->lines[0];
	const struct kl_line_config *engine = &config->engine.lines[0];
	assert_int_equal(line->profile, KL_PROFILE_KEEPLINE);
	assert_string_equal(line->user, "bob");
	assert_string_equal(line->domain, "example.com");
	assert_string_equal(line->display_name, "Bob");
	assert_string_equal(line->label, "Desk");
	assert_string_equal(line->auth_user, "b1");
	assert_int_equal(engine->group, 7);
	assert_int_equal(engine->entry_count, 2);
	assert_string_equal(engine->entries[0].name, "proxy.example.com");
	assert_int_equal(engine->entries[0].port, 5062);
	assert_true(engine->entries[0].registers);
	assert_string_equal(line->entries[0].server, "sip.example.com");
	assert_int_equal(line->entries[0].server_port, 5070);
	assert_string_equal(engine->entries[1].name, "192.0.2.9");
	assert_false(engine->entries[1].registers);
	assert_false(line->entries[0].tells_epid);
	assert_true(line->entries[1].tells_epid);
	assert_int_equal(engine->entries[1].transport_choice, KL_CHOOSE_UDP);
	assert_int_equal(policy_of(config, 0, 0, KL_POLICY_successive), 1);
	config_free(config);
}

/* CALL-1 (part): how a line deals with its own calls. */
static void test_calls_of_a_line(void **state)
{
	(void)state;
	struct config *config = load_text(LINE "    calls:\n"
					       "      incoming: answer\n"
					       "      answer_after: 2s\n"
					       "      reject_status: 603\n"
					       "      max: 3\n"
					       "      ring_time: 90s\n"
					       "      session_expires: 20s\n"
					       "      tone: 440\n"
					       "      symmetric_rtp: yes\n"
					       "      early_media: yes\n"
					       "      prefer_100rel: yes\n"
					       "      audio_ports: 20000-20009\n");
	assert_told(config, "");
	const struct config_calls *calls = &config->lines[0].calls;
	assert_int_equal(calls->incoming, CONFIG_INCOMING_ANSWER);
	assert_int_equal(calls->answer_after_ms, 2000);
	assert_int_equal(calls->reject_status, 603);
	assert_int_equal(calls->calls_max, 3);
	assert_int_equal(calls->ring_ms, 90000);
	assert_int_equal(calls->session_ms, 90000); /* RFC 4028 4: no less */
	assert_int_equal(calls->tone_hz, 440);
	assert_true(calls->symmetric_rtp);
	assert_true(calls->early_media);
	assert_true(calls->prefer_100rel);
	assert_int_equal(calls->audio_port_first, 20000);
	assert_int_equal(calls->audio_port_last, 20009);
	assert_null(calls->play);
	config_free(config);
	config = load_text(LINE);
	calls = &config->lines[0].calls;
	assert_int_equal(calls->incoming, CONFIG_INCOMING_RING);
	assert_int_equal(calls->reject_status, 486);
	assert_int_equal(calls->calls_max, 24);
	assert_int_equal(calls->ring_ms, 180000);
	assert_int_equal(calls->session_ms, 1800000);
	assert_int_equal(calls->audio_port_first, 0);
	assert_false(calls->early_media || calls->prefer_100rel);
	config_free(config);
	for (const char *const *bad =
		     (const char *const[]){"1000-2000", "20001-20009", "20000-20000", "20000-70000",
					   "20000", "x-y", "020000-1", "20000--1", NULL};
	     *bad; bad++) {
		char text[256];
		snprintf(text, sizeof text, LINE "    calls: {audio_ports: %s}\n", *bad);
		config = load_text(text);
		assert_int_equal(config->diagnostic_count, 1);
		config_free(config);
	}
	config = load_text(LINE "    calls: {incoming: maybe, reject_status: 200}\n");
	assert_told(config,
		    "1.cfg:4:23: error: lines.1.calls.incoming: \"maybe\" is not right here; "
		    "expected ring, answer or reject\n"
		    "1.cfg:4:45: error: lines.1.calls.reject_status: \"200\" is not right here; "
		    "expected a number, 400 to 699");
	config_free(config);
}

static void test_policy_of_server_line_and_file_PROF_1(void **state)
{
	(void)state;
	struct config *config =
		load_text("policy: {t1: 400ms, t2: 3s, failback: 10m}\n"
			  "lines:\n"
			  "  - user: bob\n"
			  "    policy: {t2: 2s, failback: 20m, weight_order: highest}\n"
			  "    servers:\n"
			  "      - {name: a.example.com, policy: {failback: 1.5h}}\n"
			  "      - {name: b.example.com}\n");
	assert_told(config, "");
	assert_ruled(config, 0, KL_POLICY_t1_ms, "policy.t1 = 400ms (1.cfg:1)");
	assert_ruled(config, 0, KL_POLICY_t2_ms, "lines.1.policy.t2 = 2s (1.cfg:4)");
	assert_ruled(config, 0, KL_POLICY_failback_ms,
		     "lines.1.servers.1.policy.failback = 1.5h (1.cfg:6)");
	assert_ruled(config, 1, KL_POLICY_failback_ms, "lines.1.policy.failback = 20m (1.cfg:4)");
	assert_ruled(config, 0, KL_POLICY_weight_order,
		     "lines.1.policy.weight_order = highest (1.cfg:4)");
	assert_int_equal(policy_of(config, 0, 0, KL_POLICY_t1_ms), 400);
	assert_int_equal(policy_of(config, 0, 0, KL_POLICY_failback_ms), 5400000);
	assert_int_equal(policy_of(config, 0, 1, KL_POLICY_failback_ms), 1200000);
	assert_int_equal(policy_of(config, 0, 0, KL_POLICY_weight_order), KL_WEIGHT_HIGHEST);
	config_free(config);
}

/* PROBE-1: as a Versity's specs, in any profile; a proxy is the only one that is asked. */
static void test_more_names_of_a_server_PROBE_1(void **state)
{
	(void)state;
	static const char text[] =
		"lines:\n"
		"  - user: bob\n"
		"    %s\n"
		"    servers:\n"
		"      - {name: 192.0.2.1, more_names: [192.0.2.2, C.example.com]}\n"
		"      - {name: b.example.com, more_names: d.example.com}\n";
	char file[512];
	snprintf(file, sizeof(file), text, "label: Desk");
	struct config *config = load_text(file);
	assert_told(config, "");
	const struct kl_entry_config *entries = config->engine.lines[0].entries;
	assert_string_equal(entries[0].name, "192.0.2.1");
	assert_int_equal(entries[0].more_count, 2);
	assert_string_equal(entries[0].more_names[0], "192.0.2.2");
	assert_string_equal(entries[0].more_names[1], "c.example.com");
	assert_int_equal(entries[1].more_count, 1);
	assert_string_equal(entries[1].more_names[0], "d.example.com");
	config_free(config);

	snprintf(file, sizeof(file), text, "outbound_proxy: {address: 192.0.2.9}");
	config = load_text(file);
	assert_told(config, "");
	entries = config->engine.lines[0].entries;
	assert_string_equal(entries[0].name, "192.0.2.9");
	assert_int_equal(entries[0].more_count, 0);
	config_free(config);

	config = load_text("lines: [{user: bob, servers: {name: 192.0.2.1,\n"
			   "  more_names: [a, b, c, d]}}]\n");
	assert_told(config, "1.cfg:2:15: error: lines.1.servers.1.more_names: 4 items; "
			    "expected a list of 1 to 3 items");
	config_free(config);
}

static void test_beside_a_vendors_file(void **state)
{
	(void)state;
	struct config *config = load_texts(
		XML("reg.1.address=\"bob\" voIpProt.server.1.address=\"sip.example.com\" "
		    "voIpProt.server.1.retryMaxCount=\"5\" "
		    "voIpProt.server.1.retryTimeOut=\"700\" "),
		"resolvers: [192.0.2.53]\n"
		"policy: {invite_attempts_max: 2, t1: 250ms}\n"
		"lines: [{line: 1, label: Desk, policy: {retry_gap: 900ms}}]\n");
	assert_told(config, "");
	assert_int_equal(config->lines[0].profile, KL_PROFILE_POLY);
	assert_string_equal(config->lines[0].label, "Desk");
	assert_ruled(config, 0, KL_POLICY_attempts_max,
		     "voIpProt.server.1.retryMaxCount = 5 (1.cfg:1)");
	assert_ruled(config, 0, KL_POLICY_invite_attempts_max,
		     "policy.invite_attempts_max = 2 (2.cfg:2)");
	assert_ruled(config, 0, KL_POLICY_retry_gap_ms,
		     "lines.1.policy.retry_gap = 900ms (2.cfg:3)");
	assert_int_equal(policy_of(config, 0, 0, KL_POLICY_attempts_max), 5);
	assert_int_equal(policy_of(config, 0, 0, KL_POLICY_invite_attempts_max), 2);
	assert_int_equal(policy_of(config, 0, 0, KL_POLICY_retry_gap_ms), 900);
	assert_int_equal(policy_of(config, 0, 0, KL_POLICY_t1_ms), 250);
	assert_int_equal(config->device.resolver_count, 1);
	config_free(config);
}

/* A file of as many lines as there can be, no two with the same server. */
static void test_every_line_has_a_server_of_its_own(void **state)
{
	(void)state;
	static const char one[] = "- {user: bob, servers: {name: s%04d.example.com}}\n";
	char *text = malloc(sizeof("lines:\n") + CONFIG_LINES_MAX * sizeof(one)), *to;
	assert_non_null(text);
	to = stpcpy(text, "lines:\n");
	for (int i = 0; i < CONFIG_LINES_MAX; i++)
		to += sprintf(to, one, i);
	struct config *config = load_text(text);
	assert_told(config, "");
	assert_int_equal(config->engine.line_count, CONFIG_LINES_MAX);
	assert_true(kl_engine_size(&config->engine) > 0);
	config_free(config);
	free(text);
}

/* The first file to set a value wins, of whatever kind it is (CONF-1). */
static void test_the_first_file_wins(void **state)
{
	(void)state;
	struct config *config =
		load_texts("lines: [{user: eve, servers: [{name: first.example.com}]}]\n", POLY);
	assert_string_equal(config->lines[0].user, "eve");
	assert_string_equal(config->engine.lines[0].entries[0].name, "first.example.com");
	config_free(config);
}

static void test_profiles_PROF_1(void **state)
{
	(void)state;
	static const char text[] =
		"profile: yealink\n"
		"lines:\n"
		"  - {user: a, servers: {name: x.example.com}}\n"
		"  - {user: b, profile: poly-2012, servers: {name: x.example.com}}\n";
	struct config *config = load_text(text);
	assert_told(config, "");
	assert_int_equal(config->lines[0].profile, KL_PROFILE_YEALINK);
	assert_int_equal(config->lines[1].profile, KL_PROFILE_POLY_2012);
	assert_int_equal(policy_of(config, 0, 0, KL_POLICY_skip_same_address), 1);
	assert_int_equal(policy_of(config, 1, 0, KL_POLICY_naptr_first_order), 1);
	config_free(config);

	config = load_with((struct load){.text = text, .profile = "versity"});
	assert_int_equal(config->lines[0].profile, KL_PROFILE_VERSITY);
	assert_int_equal(config->lines[1].profile, KL_PROFILE_VERSITY);
	config_free(config);

	/* A vendor's line may be given another profile; the file's own is for its own lines. */
	config = load_texts(POLY, "profile: yealink\nlines: [{line: 1, label: Desk}]\n");
	assert_int_equal(config->lines[0].profile, KL_PROFILE_POLY);
	config_free(config);
	config = load_texts(POLY, "lines: [{line: 1, profile: yealink}]\n");
	assert_int_equal(config->lines[0].profile, KL_PROFILE_YEALINK);
	config_free(config);
}

/* Each policy field can be set, at both ends of its range. */
static void test_every_policy_row(void **state)
{
	(void)state;
	const struct yaml_table *table = native_policy_table();
	assert_int_equal(table->count, KL_POLICY_FIELDS - 1);
	for (size_t i = 0; i < table->count; i++) {
		const struct yaml_row *row = &table->rows[i];
		enum kl_policy_field field = (enum kl_policy_field)(i + 1);
		for (int end = 0; end < 2; end++) {
			uint32_t number = end ? row->most : row->least;
			struct arena arena = {0};
			const char *value = row->words               ? row->words[number]
					    : row->type == YAML_BOOL ? (number ? "true" : "false")
					    : row->type == YAML_DURATION
						    ? yaml_show_duration(&arena, number)
						    : arena_format(&arena, "%u", number);
			struct config *config = load_text(
				arena_format(&arena, LINE "policy: {%s: %s}\n", row->key, value));
			assert_told(config, "");
			assert_int_equal(policy_of(config, 0, 0, field), number);
			config_free(config);
			arena_free(&arena);
		}
	}
}

static void test_secrets(void **state)
{
	(void)state;
	struct config *config;
	load_write("secret", "from-file\r\nsecond line\n");
	assert_int_equal(chmod("secret", 0600), 0);
	config = load_text("lines:\n  - {user: bob, servers: {name: a.example.com}, "
			   "password_file: secret}\n");
	assert_told(config, "");
	assert_string_equal(config->lines[0].auth_password, "from-file");
	for (uint32_t i = 0; i < config->lines[0].value_count; i++)
		assert_string_not_equal(config->lines[0].values[i].value, "from-file");
	config_free(config);

	setenv("KEEPLINE_TEST_SECRET", "from-env", 1);
	config = load_text("lines:\n  - {user: bob, servers: {name: a.example.com}, "
			   "password_env: KEEPLINE_TEST_SECRET}\n");
	assert_told(config, "");
	assert_string_equal(config->lines[0].auth_password, "from-env");
	config_free(config);
	unsetenv("KEEPLINE_TEST_SECRET");

	config = load_text("lines:\n"
			   "  - user: bob\n"
			   "    servers: {name: a.example.com}\n"
			   "    password_env: KEEPLINE_TEST_SECRET\n"
			   "    password_file: /nonesuch\n");
	assert_told(config,
		    "1.cfg:4:19: error: lines.1.password_env: one password is enough; this one is "
		    "not used\n"
		    "1.cfg:5:20: error: lines.1.password_file: the file cannot be read: No such "
		    "file or directory");
	assert_string_equal(config->lines[0].auth_password, "");
	config_free(config);

	config = load_text("lines:\n"
			   "  - user: bob\n"
			   "    servers: {name: a.example.com}\n"
			   "    password_env: KEEPLINE_TEST_SECRET\n");
	assert_told(config, "1.cfg:4:19: error: lines.1.password_env: this environment variable is "
			    "not set");
	config_free(config);

	/* A control character could end a SIP header; the value itself is never shown. */
	load_write("secret", "bell\a\n");
	config = load_text("lines:\n  - user: bob\n    servers: {name: a.example.com}\n"
			   "    password_file: secret\n");
	assert_told(config,
		    "1.cfg:4:20: error: lines.1.password_file: expected text of at most 255 "
		    "bytes without control characters");
	config_free(config);
	assert_int_equal(unlink("secret"), 0);
}

static void test_a_file_that_everyone_may_read(void **state)
{
	(void)state;
	static const char text[] = "lines:\n  - user: bob\n    servers: {name: a.example.com}\n"
				   "    password: mellon\n";
#define OPEN                                                                                       \
	"every user of this machine may read the file that holds it: chmod o-r, or use "           \
	"password_file or password_env"
	struct config *config;
	load_write("1.cfg", text);
	assert_int_equal(chmod("1.cfg", 0644), 0);
	config = load_text(text);
	assert_told(config, "1.cfg:4:15: warning: lines.1.password: " OPEN);
	assert_string_equal(config->lines[0].auth_password, "mellon");
	config_free(config);

	assert_int_equal(chmod("1.cfg", 0640), 0);
	config = load_text(text);
	assert_told(config, "");
	config_free(config);
	assert_int_equal(chmod("1.cfg", 0644), 0);

	load_write("secret", "mellon\n");
	assert_int_equal(chmod("secret", 0644), 0);
	config = load_text("lines:\n  - user: bob\n    servers: {name: a.example.com}\n"
			   "    password_file: secret\n");
	assert_told(config, "1.cfg:4:20: warning: lines.1.password_file: " OPEN);
	config_free(config);
	assert_int_equal(unlink("secret"), 0);
#undef OPEN
}

static void test_static_records(void **state)
{
	(void)state;
	struct config *config = load_text(
		LINE
		"dns:\n"
		"  - {name: A.example.com, type: A, address: 192.0.2.1, ttl: 1h}\n"
		"  - {name: a.example.com, type: aaaa, address: \"2001:db8::1\"}\n"
		"  - {name: _sip._udp.example.com, type: SRV, target: a.example.com, port: 5070, "
		"priority: 10, weight: 20}\n"
		"  - {name: example.com, type: NAPTR, target: _sip._udp.example.com, service: "
		"SIP+D2U, order: 1, preference: 2}\n");
	assert_told(config, "");
	const struct kl_static_record *records = config->engine.static_records;
	assert_int_equal(config->engine.static_record_count, 4);
	assert_string_equal(records[0].owner, "a.example.com");
	assert_int_equal(records[0].data.ttl_ms, 3600000);
	assert_memory_equal(records[0].data.ip, "\0\0\0\0\0\0\0\0\0\0\xff\xff\xc0\0\x02\x01", 16);
	assert_int_equal(records[1].type, KL_AAAA);
	assert_int_equal(records[1].data.ip[0], 0x20);
	assert_int_equal(records[1].data.ttl_ms, 300000);
	assert_int_equal(records[2].data.port, 5070);
	assert_int_equal(records[2].data.priority, 10);
	assert_int_equal(records[2].data.weight, 20);
	assert_string_equal(records[3].data.service, "SIP+D2U");
	assert_int_equal(records[3].data.priority, 1);
	assert_int_equal(records[3].data.weight, 2);
	assert_int_equal(records[3].data.flag, 's');
	config_free(config);

	config = load_text(LINE "dns:\n"
				"  - {name: a.example.com, type: A, address: \"::1\"}\n"
				"  - {name: a.example.com, type: AAAA, address: 192.0.2.1}\n"
				"  - {type: A, address: 192.0.2.1}\n"
				"  - {name: a.example.com, type: SRV}\n"
				"  - {name: a.example.com, type: NAPTR, target: b.example.com}\n");
#define LEFT_OUT "; the record is left out"
	assert_told(config,
		    "1.cfg:5:5: error: dns: an A record needs an IPv4 address" LEFT_OUT "\n"
		    "1.cfg:6:5: error: dns: an AAAA record needs an IPv6 address" LEFT_OUT "\n"
		    "1.cfg:7:5: error: dns: a record needs name and type" LEFT_OUT "\n"
		    "1.cfg:8:5: error: dns: an SRV record needs a target" LEFT_OUT "\n"
		    "1.cfg:9:5: error: dns: a NAPTR record needs target and service" LEFT_OUT);
	assert_int_equal(config->engine.static_record_count, 0);
	config_free(config);
}

static void test_no_more_records_than_the_engine_takes(void **state)
{
	(void)state;
	char text[4096] = LINE "dns:\n", *to = text + strlen(text);
	for (int i = 0; i <= KL_STATIC_RECORDS_MAX; i++)
		to += sprintf(to, "  - {name: a.example.com, type: A, address: 192.0.2.%d}\n", i);
	struct config *config = load_text(text);
	assert_told(config,
		    "1.cfg:23:5: error: dns: there are 18 records of this type already; the "
		    "record is left out");
	assert_int_equal(config->engine.static_record_count, KL_STATIC_RECORDS_MAX);
	config_free(config);
}

static void test_the_device(void **state)
{
	(void)state;
	struct config *config = load_texts("local: 127.0.0.1:5080\n"
					   "control: /run/x\n"
					   "resolvers: [192.0.2.53, \"[2001:db8::1]:5353\"]\n"
					   "emergency: \"112\"\n" LINE,
					   "local: 127.0.0.2\ntls: {verify: false}\n");
	assert_told(config, "");
	const struct config_device *device = &config->device;
	assert_string_equal(device->local, "127.0.0.1:5080");
	assert_string_equal(device->control, "/run/x");
	assert_int_equal(device->resolver_count, 2);
	assert_string_equal(device->resolvers[1], "[2001:db8::1]:5353");
	assert_string_equal(device->resolvers_from, "1.cfg:3");
	assert_int_equal(device->emergency_count, 1);
	assert_string_equal(device->emergency[0], "112");
	assert_false(device->tls.verify);
	assert_string_equal(device->tls.verify_from, "2.cfg:2");
	config_free(config);

	config = load_text(LINE);
	assert_null(config->device.local);
	assert_int_equal(config->device.resolver_count, 0);
	assert_true(config->device.tls.verify);
	config_free(config);
}

static void test_certificates(void **state)
{
	(void)state;
	load_write("good", "text\n-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n");
	load_write("key", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n");
	assert_int_equal(chmod("key", 0600), 0);
	struct config *config = load_text(LINE "tls: {ca_file: good, cert: good, key: key}\n");
	assert_told(config, "");
	assert_string_equal(config->device.tls.ca_file, "good");
	config_free(config);

	assert_int_equal(chmod("key", 0644), 0);
	config = load_text(LINE "tls: {ca_file: key, key: key}\n");
	assert_told(config,
		    "1.cfg:4:16: error: tls.ca_file: no PEM block \"-----BEGIN "
		    "CERTIFICATE-----\" is in it\n"
		    "1.cfg:4:26: warning: tls.key: every user of this machine may read this "
		    "key: chmod o-r\n"
		    "1.cfg:4:26: error: tls.key: a key needs its certificate beside it");
	config_free(config);

	config = load_text(LINE "tls: {cert: nonesuch}\n");
	assert_told(config, "1.cfg:4:13: error: tls.cert: the file cannot be read: No such file or "
			    "directory\n"
			    "1.cfg:4:13: error: tls.cert: a certificate needs its key beside it");
	config_free(config);
	assert_int_equal(unlink("good") | unlink("key"), 0);
}

static void test_errors_leave_the_rest(void **state)
{
	(void)state;
	struct config *config = load_text(
		"endpoints: []\n" LINE "  - {line: 1, user: eve, servers: {name: a.example.com}}\n"
		"  - {user: carol}\n"
		"  - {domain: example.com}\n");
	assert_told(config,
		    "1.cfg:1:12: error: endpoints: they stand one step deeper, under inside\n"
		    "1.cfg:5:5: error: lines: this is line 1 again, as at 3; it is not used\n"
		    "1.cfg:6:12: error: lines.3.user: no server with a name; line 3 is left out\n"
		    "1.cfg:7:14: error: lines.4.domain: a domain needs a user beside it; it is not "
		    "used");
	assert_int_equal(config->engine.line_count, 1);
	assert_string_equal(config->lines[0].user, "bob");
	config_free(config);
}

static void test_what_a_native_file_looks_like(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		bool native;
	} cases[] = {
		{"lines:", true},
		{"\n# Line one\n\n  profile : poly\n", true},
		{"\xef\xbb\xbflines:\n", true},
		{"---\nlines: []\n", true},
		{"%YAML 1.1\n---\n", true},
		{"{\"lines\": []}", true},
		{"[[[[", true},
		{"", false},
		{"# nothing else", false},
		{"#!version:1.0.0.1\naccount.1.enable = 1\n", false},
		{"<polycomConfig/>", false},
		{"reg.1.address=\"bob\"", false},
		{"account.1.label = x", false},
		{"://", false},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char text[64];
		struct file file = {.bytes = strcpy(text, cases[i].text), .size = strlen(text)};
		if (native_recognize(&file) != cases[i].native)
			fail_msg("\"%s\" is taken for what it is not", cases[i].text);
	}
}

static void test_files_that_are_too_large(void **state)
{
	(void)state;
	static const size_t SIZE = 10 << 20;
	char *text = malloc(SIZE + 1);
	assert_non_null(text);
	memset(text, '#', SIZE);
	memcpy(text, "lines: ", 7);
	text[SIZE] = '\0';
	struct config *config = load_with((struct load){.text = text, .expected = KL_EINVAL});
	assert_told(config, "1.cfg: error: the file cannot be read: larger than 4 MiB");
	config_free(config);
	free(text);
}

static void test_the_examples(void **state)
{
	(void)state;
	static const char *const files[] = {EXAMPLES "/native/small.yaml",
					    EXAMPLES "/native/everything.yaml"};
	static const uint32_t lines[] = {1, 2};
	setenv("ALICE_PASSWORD", "a", 1);
	setenv("BOB_PASSWORD", "b", 1);
	for (size_t i = 0; i < 2; i++) {
		const struct config_options options = {
			.files = &files[i], .file_count = 1, .strict = true};
		struct config *config;
		assert_int_equal(config_load(&options, &config), KL_OK);
		assert_told(config, "");
		assert_int_equal(config->engine.line_count, lines[i]);
		assert_string_equal(config->lines[0].auth_password, "a");
		config_free(config);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_line),
		cmocka_unit_test(test_calls_of_a_line),
		cmocka_unit_test(test_policy_of_server_line_and_file_PROF_1),
		cmocka_unit_test(test_more_names_of_a_server_PROBE_1),
		cmocka_unit_test(test_beside_a_vendors_file),
		cmocka_unit_test(test_every_line_has_a_server_of_its_own),
		cmocka_unit_test(test_the_first_file_wins),
		cmocka_unit_test(test_profiles_PROF_1),
		cmocka_unit_test(test_every_policy_row),
		cmocka_unit_test(test_secrets),
		cmocka_unit_test(test_a_file_that_everyone_may_read),
		cmocka_unit_test(test_static_records),
		cmocka_unit_test(test_no_more_records_than_the_engine_takes),
		cmocka_unit_test(test_the_device),
		cmocka_unit_test(test_certificates),
		cmocka_unit_test(test_errors_leave_the_rest),
		cmocka_unit_test(test_what_a_native_file_looks_like),
		cmocka_unit_test(test_files_that_are_too_large),
		cmocka_unit_test(test_the_examples),
	};
	return cmocka_run_group_tests(tests, load_enter, load_leave);
}
