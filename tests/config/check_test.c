/* check_test.c - each rule of `check`: a configuration that it finds fault with, and one that it
 * does not.  SEE-4, FALL-6, OWN-5 (part) */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "config/check.h"
#include "tests/config/load.h"

#define BOB "reg.1.address=\"bob\" "
#define SERVER(y, address) "voIpProt.server." #y ".address=\"" address "\" "
#define ONE BOB SERVER(1, "sip.example.com")
#define TWO ONE SERVER(2, "192.0.2.9")
#define PROXY "voIpProt.SIP.outboundProxy.address=\"proxy.example.com\" "
#define UDP(y) "voIpProt.server." #y ".transport=\"UDPOnly\" "
#define TCP "voIpProt.server.1.transport=\"TCPOnly\" "
#define TLS "voIpProt.server.1.transport=\"TLS\" "
#define SET(name, value) name "=\"" value "\" "
#define FAILOVER(name, value) SET("voIpProt.server.1.failOver." name, value)
#define REREGISTER FAILOVER("reRegisterOn", "1")
#define NATIVE(text) "lines: [{user: bob, servers: {name: sip.example.com, transport: tls}}]\n" text

/* A server with values of its own. */
#define LINE(values)                                                                               \
	"lines: [{user: bob, servers: {name: sip.example.com, transport: udp, policy: {" values    \
	"}}}]\n"

static const uint32_t one_server[] = {1}, two_servers[] = {2};
static const kl_ms short_ttl[] = {60000}, long_ttl[] = {300000}, no_ttl[] = {KL_NEVER};

/* A rule, once where it must fire, naming PARAMETER, and once where it must not. */
static const struct {
	const char *rule, *parameter, *profile;
	const char *fires, *silent;
	struct check_facts facts, silent_facts;
} cases[] = {
	{"resolver-alone",
	 "resolvers",
	 NULL,
	 XML(ONE),
	 XML(ONE),
	 {.resolver_count = 1, .resolver_on_site = true, .resolvers_from = "resolv.conf"},
	 {.resolver_count = 2, .resolver_on_site = true, .resolvers_from = "resolv.conf"}},
	{"resolver-alone",
	 "resolvers",
	 NULL,
	 XML(TWO),
	 XML(BOB SERVER(1, "192.0.2.1")),
	 {.resolver_count = 1, .resolvers_from = "resolv.conf"},
	 {.resolver_count = 1, .resolvers_from = "resolv.conf"}},
	{"resolver-off-site",
	 "resolvers",
	 NULL,
	 XML(ONE),
	 XML(ONE),
	 {.resolver_count = 2, .resolvers_from = "resolv.conf"},
	 {.resolver_count = 2, .resolver_on_site = true, .resolvers_from = "resolv.conf"}},
	{"certificates-unchecked",
	 "tls.verify",
	 NULL,
	 NATIVE("tls: {verify: false}\n"),
	 NATIVE("tls: {verify: true}\n"),
	 {0},
	 {0}},
	{"servers-many",
	 "voIpProt.server.3.address",
	 NULL,
	 XML(TWO SERVER(3, "192.0.2.10")),
	 XML(TWO),
	 {0},
	 {0}},
	{"proxy-with-fallback",
	 "voIpProt.SIP.outboundProxy.address",
	 NULL,
	 XML(TWO PROXY),
	 XML(ONE PROXY),
	 {0},
	 {0}},
	{"fallback-behind-proxy",
	 "voIpProt.server.2.address",
	 NULL,
	 XML(TWO PROXY),
	 XML(TWO PROXY SET("voIpProt.server.2.useOutboundProxy", "0")),
	 {0},
	 {0}},
	{"fallback-deprecated", "voIpProt.server.2.address", NULL, XML(TWO), XML(ONE), {0}, {0}},
	{"lcs-concurrent",
	 "voIpProt.SIP.lcs",
	 NULL,
	 XML(TWO SET("voIpProt.SIP.lcs", "1")),
	 XML(ONE SET("voIpProt.SIP.lcs", "1")),
	 {0},
	 {0}},
	{"lcs-concurrent",
	 "reg.1.lcs",
	 NULL,
	 XML(TWO SET("reg.1.lcs", "1")),
	 XML(TWO SET("reg.1.lcs", "0") SET("voIpProt.SIP.lcs", "1")),
	 {0},
	 {0}},
	{"ttl-short",
	 "voIpProt.server.1.address",
	 NULL,
	 XML(ONE),
	 XML(ONE),
	 {.ttls_ms = short_ttl},
	 {.ttls_ms = long_ttl}},
	{"ttl-short",
	 "voIpProt.server.1.address",
	 NULL,
	 XML(ONE),
	 XML(ONE),
	 {.ttls_ms = short_ttl},
	 {.ttls_ms = no_ttl}},
	{"tls-without-keepalive",
	 "tcpIpApp.keepalive.tcp.sip.tls.enable",
	 NULL,
	 XML(ONE TLS),
	 XML(ONE TLS SET("tcpIpApp.keepalive.tcp.sip.tls.enable", "1")),
	 {0},
	 {0}},
	{"tls-address",
	 "voIpProt.server.1.transport",
	 NULL,
	 XML(BOB TLS SERVER(1, "192.0.2.1")),
	 XML(ONE TLS),
	 {0},
	 {0}},
	{"stream-slow", "reg.1.tcpFastFailover", NULL, XML(ONE TCP), XML(ONE UDP(1)), {0}, {0}},
	{"stream-slow",
	 "reg.1.tcpFastFailover",
	 NULL,
	 XML(ONE TLS),
	 XML(ONE TLS SET("voIpProt.SIP.tcpFastFailover", "1")),
	 {0},
	 {0}},
	{"stream-fast-overruled",
	 "voIpProt.server.1.retryTimeOut",
	 NULL,
	 XML(ONE TCP SET("voIpProt.SIP.tcpFastFailover", "1")
		     SET("voIpProt.server.1.retryTimeOut", "500")),
	 XML(ONE TCP SET("voIpProt.SIP.tcpFastFailover", "1")),
	 {0},
	 {0}},
	{"failback-deprecated",
	 "voIpProt.server.1.failOver.failBack.mode",
	 NULL,
	 XML(ONE REREGISTER FAILOVER("failBack.mode", "newRequests")),
	 XML(ONE REREGISTER FAILOVER("failBack.mode", "duration")),
	 {0},
	 {0}},
	{"failback-deprecated",
	 "voIpProt.server.1.failOver.failBack.mode",
	 NULL,
	 XML(ONE FAILOVER("failBack.mode", "DNSTTL")),
	 XML(ONE),
	 {0},
	 {0}},
	{"failover-without-reregister",
	 "voIpProt.server.1.failOver.failRegistrationOn",
	 NULL,
	 XML(ONE FAILOVER("failRegistrationOn", "1")),
	 XML(ONE REREGISTER FAILOVER("failRegistrationOn", "1")),
	 {0},
	 {0}},
	{"failover-without-reregister",
	 "voIpProt.server.1.failOver.onlySignalWithRegistered",
	 NULL,
	 XML(ONE FAILOVER("onlySignalWithRegistered", "1")),
	 XML(ONE),
	 {0},
	 {0}},
	{"only-signal-alone",
	 "voIpProt.server.1.failOver.onlySignalWithRegistered",
	 "poly-2012",
	 XML(ONE REREGISTER FAILOVER("onlySignalWithRegistered", "1")),
	 XML(ONE REREGISTER FAILOVER("onlySignalWithRegistered", "1")
		     FAILOVER("failRegistrationOn", "1")),
	 {0},
	 {0}},
	{"unregister-gap",
	 "voIpProt.server.1.failOver.unRegisterOnFailBack",
	 NULL,
	 XML(ONE REREGISTER FAILOVER("unRegisterOnFailBack", "1")),
	 XML(ONE REREGISTER),
	 {0},
	 {0}},
	/* 60 s: they come in [30, 60] s, so 3,000 in 30 s are 100 a second. */
	{"flows-without-reregister",
	 "lines.1.servers.1.policy.flows_max",
	 "keepline",
	 LINE("flows_max: 2, reregister_on: false"),
	 LINE("flows_max: 2, reregister_on: true"),
	 {0},
	 {0}},
	/* By address, and by what the DNS has; a default finds no fault. */
	{"flows-one-server",
	 "lines.1.servers.1.policy.flows_max",
	 "keepline",
	 "lines: [{user: bob, servers: {name: 192.0.2.1, transport: udp, policy: {flows_max: "
	 "2}}}]\n",
	 "lines: [{user: bob, servers: {name: 192.0.2.1, transport: udp}}]\n",
	 {0},
	 {0}},
	{"flows-one-server",
	 "lines.1.servers.1.policy.flows_max",
	 "keepline",
	 LINE("flows_max: 2"),
	 LINE("flows_max: 2"),
	 {.servers = one_server},
	 {.servers = two_servers}},
	{"backoff-short",
	 "reg.1.server.1.registerRetry.maxTimeOut",
	 NULL,
	 XML(ONE),
	 XML(ONE),
	 {.fleet = 3001, .capacity = 100},
	 {.fleet = 3000, .capacity = 100}},
	{"backoff-short",
	 "voIpProt.server.1.registerRetry.maxTimeOut",
	 NULL,
	 XML(ONE SET("voIpProt.server.1.registerRetry.maxTimeOut", "120")),
	 XML(ONE SET("voIpProt.server.1.registerRetry.maxTimeOut", "600")),
	 {.fleet = 20000, .capacity = 100},
	 {.fleet = 20000, .capacity = 100}},
	/* Refreshed every 3540 s: 10 a second are 35,400 lines. */
	{"expires-short",
	 "reg.1.server.1.expires",
	 NULL,
	 XML(ONE),
	 XML(ONE),
	 {.fleet = 35401, .capacity = 10},
	 {.fleet = 35400, .capacity = 10}},
	/* OWN-5: every 120 s, a tenth of 100 a second are 1,200 lines. */
	{"probes-frequent",
	 "fallback_probe_ms",
	 "yealink",
	 XML(ONE),
	 XML(ONE),
	 {.fleet = 1201, .capacity = 100},
	 {.fleet = 1200, .capacity = 100}},
	/* OWN-5: every 10 s, a tenth of 100 a second are 100 lines. */
	{"probes-frequent",
	 "probe_ms",
	 "keepline",
	 XML(ONE),
	 XML(ONE),
	 {.fleet = 101, .capacity = 100},
	 {.fleet = 100, .capacity = 100}},
};

static struct config *load(const char *text, const char *profile)
{
	static const char *const files[] = {"1.cfg"};
	const struct config_options options = {.files = files, .file_count = 1, .profile = profile};
	struct config *config;
	load_write(files[0], text);
	assert_int_equal(config_load(&options, &config), KL_OK);
	return config;
}

/* The finding of RULE, or NULL. */
static const struct check_finding *find(const struct config *config,
					const struct check_facts *facts, const char *rule)
{
	const struct check_finding *findings, *found = NULL;
	uint32_t count = check_config(config, facts, &findings);
	for (uint32_t i = 0; i < count; i++) {
		assert_true(*findings[i].why && *findings[i].instead && *findings[i].source);
		assert_true(*findings[i].parameter && findings[i].value && *findings[i].from);
		if (strcmp(findings[i].rule, rule) == 0)
			found = &findings[i];
	}
	return found;
}

static void test_each_rule_fires_and_stays_silent_SEE_4(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct config *config = load(cases[i].fires, cases[i].profile);
		const struct check_finding *found = find(config, &cases[i].facts, cases[i].rule);
		if (!found)
			fail_msg("case %zu: %s does not fire", i, cases[i].rule);
		assert_string_equal(found->parameter, cases[i].parameter);
		config_free(config);

		config = load(cases[i].silent, cases[i].profile);
		if (find(config, &cases[i].silent_facts, cases[i].rule))
			fail_msg("case %zu: %s is not silent", i, cases[i].rule);
		config_free(config);
	}
}

static void test_a_finding_says_where_and_why(void **state)
{
	(void)state;
	struct config *config = load("<polycomConfig\n" ONE "\n" REREGISTER
				     "\n" FAILOVER("unRegisterOnFailBack", "1") "/>",
				     NULL);
	const struct check_finding *found =
		find(config, &(struct check_facts){0}, "unregister-gap");
	assert_non_null(found);
	assert_int_equal(found->severity, CONFIG_WARNING);
	assert_int_equal(found->line, 1);
	assert_string_equal(found->value, "1");
	assert_string_equal(found->from, "1.cfg:4");
	assert_string_equal(found->source,
			    "Poly Solution Guide: Failover and Route Redundancy (2023)");
	config_free(config);
}

/* What one site-wide parameter or one default does to many lines is said once. */
static void test_one_cause_one_finding(void **state)
{
	(void)state;
	struct config *config =
		load(XML("reg.1.address=\"a\" reg.2.address=\"b\" reg.3.address=\"c\" " SERVER(
			     1, "sip.example.com") TCP),
		     NULL);
	const struct check_finding *findings;
	uint32_t count = check_config(config, &(struct check_facts){0}, &findings);
	assert_int_equal(count, 1);
	assert_string_equal(findings[0].rule, "stream-slow");
	assert_string_equal(findings[0].from, "profile poly");
	assert_int_equal(findings[0].more, 2);
	config_free(config);
}

static void test_our_own_profile_has_nothing_to_say(void **state)
{
	(void)state;
	struct config *config = load("policy: {fleet_lines: 1000, fleet_capacity: 100}\n"
				     "lines: [{user: bob, servers: {name: sip.example.com}}]\n",
				     NULL);
	const struct check_finding *findings;
	const struct check_facts facts = {.resolver_count = 2,
					  .resolver_on_site = true,
					  .resolvers_from = "the native file",
					  .ttls_ms = long_ttl,
					  .fleet = 1000,
					  .capacity = 100};
	assert_int_equal(check_config(config, &facts, &findings), 0);
	config_free(config);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_each_rule_fires_and_stays_silent_SEE_4),
		cmocka_unit_test(test_a_finding_says_where_and_why),
		cmocka_unit_test(test_one_cause_one_finding),
		cmocka_unit_test(test_our_own_profile_has_nothing_to_say),
	};
	return cmocka_run_group_tests(tests, load_enter, load_leave);
}
