/* account_test.c - which setting rules, and what comes of it.  PROF-1, PROF-2, PROF-3,
 * PROF-4, FALL-6 (part), FALL-7 (part), REG-3 */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "tests/config/load.h"

#define BOB "reg.1.address=\"bob\" "
#define SITE "voIpProt.server.1.address=\"sip.example.com\" "
#define PROXY "voIpProt.SIP.outboundProxy.address=\"sbc.example.com\" "

static const struct kl_entry_config *entry_of(const struct config *config, uint32_t line,
					      uint32_t entry)
{
	assert_true(line < config->engine.line_count);
	assert_true(entry < config->engine.lines[line].entry_count);
	return &config->engine.lines[line].entries[entry];
}

/* A literal IPv6 address serves as server and as domain; one with a scope is refused, and named. */
static void test_literal_ipv6(void **state)
{
	(void)state;
	struct config *config = load_text(
		XML("reg.1.address=\"bob\" reg.1.server.1.address=\"2001:DB8::1\"\n"
		    "reg.2.address=\"eve@2001:db8::2\" reg.2.server.1.address=\"2001:db8::1\"\n"
		    "reg.3.address=\"joe\" reg.3.server.1.address=\"sip.example.com\"\n"
		    "reg.3.server.2.address=\"fe80::1%eth0\"\n"));
	assert_told(config,
		    "1.cfg:4:1: warning: reg.3.server.2.address: fe80::1%eth0 is out of range "
		    "(permitted: a host name or IP address, without port or scope); it counts as "
		    "not set");
	assert_string_equal(entry_of(config, 0, 0)->name, "2001:db8::1");
	assert_string_equal(config->lines[0].domain, "[2001:db8::1]");
	assert_string_equal(config->lines[1].domain, "[2001:db8::2]");
	assert_int_equal(config->engine.lines[2].entry_count, 1);
	config_free(config);
}

/* The UDP example of the guide's Appendix A, as printed. */
static void test_appendix_a_udp(void **state)
{
	(void)state;
	struct config *config = load_text(
		XML("reg.1.address=\"5551239999\" reg.2.address=\"5554560000\"\n"
		    "voIpProt.server.1.address=\"server.coreSide.com\"\n"
		    "voIpProt.server.1.retryTimeOut=\"500\" voIpProt.server.1.retryMaxCount=\"3\"\n"
		    "voIpProt.SIP.authOptimizedInFailover=\"1\"\n"
		    "voIpProt.SIP.failoverOn503Response=\"1\"\n"
		    "voIpProt.SIP.outboundProxy.address=\"sbc.accessSide.com\"\n"
		    "voIpProt.SIP.outboundProxy.port=\"0\"\n"
		    "voIpProt.SIP.outboundProxy.transport=\"UDPOnly\"\n"
		    "voIpProt.SIP.outboundProxy.failOver.reRegisterOn=\"1\"\n"
		    "voIpProt.SIP.outboundProxy.failOver.onlySignalWithRegistered=\"1\"\n"
		    "voIpProt.SIP.outboundProxy.failOver.failBack.mode=\"duration\"\n"
		    "voIpProt.SIP.outboundProxy.failOver.failBack.timeout=\"600\"\n"
		    "voIpProt.SIP.outboundProxy.failOver.failRegistrationOn=\"1\"\n"));
	assert_told(config, "");
	assert_int_equal(config->engine.line_count, 2);
	assert_string_equal(config->lines[0].user, "5551239999");
	assert_string_equal(config->lines[1].user, "5554560000");
	for (uint32_t line = 0; line < 2; line++) {
		const struct kl_entry_config *entry = entry_of(config, line, 0);
		assert_int_equal(config->engine.lines[line].entry_count, 1);
		assert_string_equal(config->lines[line].domain, "server.coreside.com");
		assert_string_equal(config->lines[line].entries[0].server, "server.coreside.com");
		assert_true(config->lines[line].entries[0].via_outbound_proxy);
		assert_string_equal(entry->name, "sbc.accessside.com");
		assert_int_equal(entry->port, 0);
		assert_int_equal(entry->transport_choice, KL_CHOOSE_UDP);
		assert_true(entry->registers);
		assert_int_equal(entry->policy->retry_gap_ms, 500);
		assert_int_equal(entry->policy->attempts_max, 3);
		assert_int_equal(entry->policy->invite_attempts_max, 3);
		assert_true(entry->policy->auth_at_challenger);
		assert_true(entry->policy->reregister_on);
		assert_int_equal(entry->policy->failback_mode, KL_FAILBACK_DURATION);
		assert_int_equal(entry->policy->failback_ms, 600000);
		assert_true(entry->policy->fail_registration_on);
	}
	assert_ptr_equal(entry_of(config, 0, 0)->policy, entry_of(config, 1, 0)->policy);
	config_free(config);
}

/* Its TLS example. */
static void test_appendix_a_tls(void **state)
{
	(void)state;
	struct config *config =
		load_text(XML("reg.1.address=\"5551239999\"\nreg.2.address=\"5554560000\"\n"
			      "voIpProt.server.1.address=\"server.coreSide.com\"\n"
			      "voIpProt.server.1.registerRetry.baseTimeOut=\"10\"\n"
			      "voIpProt.server.1.registerRetry.maxTimeOut=\"180\"\n"
			      "voIpProt.SIP.tcpFastFailover=\"1\"\n"
			      "voIpProt.SIP.outboundProxy.address=\"sbc.accessSide.com\"\n"
			      "voIpProt.SIP.outboundProxy.transport=\"TLS\"\n"
			      "voIpProt.SIP.outboundProxy.failOver.enhanced.enable=\"1\"\n"
			      "tcpIpApp.keepalive.tcp.sip.tls.enable=\"1\"\n"
			      "tcpIpApp.keepalive.tcp.noResponseTransmitInterval=\"20\""));
	assert_told(config, "");
	assert_int_equal(config->engine.line_count, 2);
	for (uint32_t line = 0; line < 2; line++) {
		const struct kl_entry_config *entry = entry_of(config, line, 0);
		assert_string_equal(entry->name, "sbc.accessside.com");
		assert_int_equal(entry->transport_choice, KL_CHOOSE_TLS);
		assert_true(entry->policy->tcp_fast_failover);
		assert_true(entry->policy->stream_keepalive);
	}
	config_free(config);
}

/* KEEP-1: CRLF twice over UDP, four times on streams, unless a file says otherwise. */
static void test_what_a_keep_alive_consists_of(void **state)
{
	(void)state;
	struct config *config = load_text(XML(BOB SITE));
	assert_string_equal(config->keepalive.udp, "\r\n\r\n");
	assert_string_equal(config->keepalive.tcp, "\r\n\r\n\r\n\r\n");
	config_free(config);

	config = load_text(XML(BOB SITE "nat.keepalive.udp.payload=\"a\\tb\\r\\n\" "
					"nat.keepalive.tcp.payload=\"\\n\\\""));
	assert_told(config, "");
	assert_string_equal(config->keepalive.udp, "a\\tb\r\n");
	assert_string_equal(config->keepalive.tcp, "\n\\");
	config_free(config);
}

/* TIME-5 (part), FAIL-15 (part): the line's word over the site's; enhanced failover is for all
 * lines, whether or not they go through a proxy. */
static void test_fast_and_enhanced_failover_PROF_2(void **state)
{
	(void)state;
	struct config *config = load_text(XML(
		BOB "reg.2.address=\"eve\" " SITE PROXY "reg.2.server.1.address=\"b.example.com\" "
		    "reg.2.server.1.useOutboundProxy=\"0\" reg.2.tcpFastFailover=\"0\" "
		    "voIpProt.SIP.tcpFastFailover=\"1\" "
		    "voIpProt.SIP.tcpFastFailover.timeout=\"2000\" "
		    "voIpProt.SIP.outboundProxy.failOver.enhanced.enable=\"1\""));
	assert_told(config, "");
	for (uint32_t line = 0; line < 2; line++) {
		const struct kl_policy *policy = entry_of(config, line, 0)->policy;
		assert_int_equal(policy->tcp_fast_failover, line == 0);
		assert_int_equal(policy->tcp_fast_failover_ms, 2000);
		assert_true(policy->enhanced);
		assert_int_equal(config->lines[line].entries[0].via_outbound_proxy, line == 0);
	}
	config_free(config);
}

/* The guide permits 2000 to 5000 ms; what is out of range counts as not set.  PROF-4 */
static void test_fast_failover_out_of_range_PROF_4(void **state)
{
	(void)state;
	struct config *config =
		load_text(XML(BOB SITE "\nvoIpProt.SIP.tcpFastFailover.timeout=\"1999\""));
	assert_int_equal(entry_of(config, 0, 0)->policy->tcp_fast_failover_ms, 5000);
	assert_int_equal(config->diagnostic_count, 1);
	assert_int_equal(config->diagnostics[0].line, 2);
	config_free(config);
}

/* Each step of the order, with all the steps below it set too. */
static void test_the_order_of_places_through_a_proxy_PROF_2(void **state)
{
	(void)state;
	static const struct {
		const char *text, *ruled;
	} steps[] = {
		{XML(BOB SITE PROXY "\nreg.1.outboundProxy.failOver.failBack.timeout=\"61\"\n"
				    "voIpProt.SIP.outboundProxy.failOver.failBack.timeout=\"62\"\n"
				    "reg.1.server.1.failOver.failBack.timeout=\"63\"\n"
				    "voIpProt.server.1.failOver.failBack.timeout=\"64\""),
		 "reg.1.outboundProxy.failOver.failBack.timeout = 61 (1.cfg:2)"},
		{XML(BOB SITE PROXY "\n"
				    "voIpProt.SIP.outboundProxy.failOver.failBack.timeout=\"62\"\n"
				    "reg.1.server.1.failOver.failBack.timeout=\"63\"\n"
				    "voIpProt.server.1.failOver.failBack.timeout=\"64\""),
		 "voIpProt.SIP.outboundProxy.failOver.failBack.timeout = 62 (1.cfg:2)"},
		{XML(BOB SITE PROXY "\nreg.1.server.1.failOver.failBack.timeout=\"63\"\n"
				    "voIpProt.server.1.failOver.failBack.timeout=\"64\""),
		 "reg.1.server.1.failOver.failBack.timeout = 63 (1.cfg:2)"},
		{XML(BOB SITE PROXY "\nvoIpProt.server.1.failOver.failBack.timeout=\"64\""),
		 "voIpProt.server.1.failOver.failBack.timeout = 64 (1.cfg:2)"},
		{XML(BOB SITE PROXY),
		 "reg.1.outboundProxy.failOver.failBack.timeout = 3600 (profile poly)"},
	};
	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		struct config *config = load_text(steps[i].text);
		assert_told(config, "");
		assert_ruled(config, 0, KL_POLICY_failback_ms, steps[i].ruled);
		config_free(config);
	}
}

/* What is set for a proxy means nothing to an entry that does not go through it. */
static void test_an_entry_beside_the_proxy_PROF_2_FALL_6(void **state)
{
	(void)state;
	struct config *config =
		load_text(XML(BOB SITE PROXY "voIpProt.server.2.address=\"192.0.2.2\" "
					     "voIpProt.server.2.port=\"5070\" "
					     "voIpProt.server.2.useOutboundProxy=\"0\" "
					     "voIpProt.server.2.register=\"0\" "
					     "voIpProt.SIP.outboundProxy.port=\"5080\" "
					     "reg.1.outboundProxy.failOver.reRegisterOn=\"1\""));
	assert_told(config, "");
	assert_string_equal(entry_of(config, 0, 0)->name, "sbc.example.com");
	assert_int_equal(entry_of(config, 0, 0)->port, 5080);
	assert_true(entry_of(config, 0, 0)->policy->reregister_on);
	assert_string_equal(entry_of(config, 0, 1)->name, "192.0.2.2");
	assert_int_equal(entry_of(config, 0, 1)->port, 5070);
	assert_false(entry_of(config, 0, 1)->policy->reregister_on);
	assert_false(entry_of(config, 0, 1)->registers);
	assert_false(config->lines[0].entries[1].via_outbound_proxy);
	assert_ruled(config, 1, KL_POLICY_reregister_on,
		     "reg.1.server.2.failOver.reRegisterOn = 0 (profile poly)");
	config_free(config);
}

static void test_a_proxy_of_the_line_before_that_of_the_site_PROF_2(void **state)
{
	(void)state;
	struct config *config = load_text(XML(
		BOB SITE PROXY "reg.1.outboundProxy.address=\"own.example.com\" "
			       "reg.2.address=\"ann\" voIpProt.SIP.outboundProxy.port=\"5080\""));
	assert_string_equal(entry_of(config, 0, 0)->name, "own.example.com");
	assert_int_equal(entry_of(config, 0, 0)->port, 5080);
	assert_string_equal(entry_of(config, 1, 0)->name, "sbc.example.com");
	config_free(config);
}

static void test_a_line_with_a_server_of_its_own_has_no_other_PROF_2(void **state)
{
	(void)state;
	struct config *config = load_text(
		XML(BOB SITE "voIpProt.server.2.address=\"two.example.com\" "
			     "reg.1.server.3.address=\"own.example.com\" "
			     "voIpProt.server.3.retryMaxCount=\"7\" reg.2.address=\"ann\""));
	assert_told(config, "");
	assert_int_equal(config->engine.lines[0].entry_count, 1);
	assert_int_equal(config->lines[0].entries[0].number, 3);
	assert_string_equal(entry_of(config, 0, 0)->name, "own.example.com");
	assert_string_equal(config->lines[0].domain, "own.example.com");
	assert_ruled(config, 0, KL_POLICY_attempts_max,
		     "voIpProt.server.3.retryMaxCount = 7 (1.cfg:1)");
	assert_int_equal(config->engine.lines[1].entry_count, 2);
	assert_string_equal(config->lines[1].domain, "sip.example.com");
	config_free(config);
}

static void test_reg_before_site_for_each_parameter_PROF_2(void **state)
{
	(void)state;
	struct config *config = load_text(
		XML(BOB SITE "\nreg.1.server.1.expires=\"300\"\nvoIpProt.server.1.expires=\"600\"\n"
			     "voIpProt.server.1.expires.overlap=\"5\"\n"
			     "reg.1.auth.optimizedInFailover=\"0\"\n"
			     "voIpProt.SIP.authOptimizedInFailover=\"1\" reg.2.address=\"ann\"\n"
			     "voIpProt.SIP.newCallOnUnRegister=\"0\""));
	assert_ruled(config, 0, KL_POLICY_expires_ms, "reg.1.server.1.expires = 300 (1.cfg:2)");
	assert_ruled(config, 0, KL_POLICY_expires_overlap_ms,
		     "voIpProt.server.1.expires.overlap = 5 (1.cfg:4)");
	assert_ruled(config, 0, KL_POLICY_auth_at_challenger,
		     "reg.1.auth.optimizedInFailover = 0 (1.cfg:5)");
	assert_int_equal(policy_of(config, 0, 0, KL_POLICY_expires_ms), 300000);
	assert_int_equal(policy_of(config, 1, 0, KL_POLICY_expires_ms), 600000);
	assert_int_equal(policy_of(config, 0, 0, KL_POLICY_auth_at_challenger), 0);
	assert_int_equal(policy_of(config, 1, 0, KL_POLICY_auth_at_challenger), 1);
	assert_int_equal(policy_of(config, 1, 0, KL_POLICY_new_call_id_on_loss), 0);
	config_free(config);
}

/* Each step of its order, with the steps below it saying the opposite. */
static void test_the_order_of_lcs_FALL_7(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		bool told[2]; /* by entry */
	} steps[] = {
		{XML(BOB SITE "voIpProt.server.2.address=\"192.0.2.2\""), {false, false}},
		{XML(BOB SITE "voIpProt.server.2.address=\"192.0.2.2\" voIpProt.SIP.lcs=\"1\""),
		 {true, true}},
		{XML(BOB SITE "voIpProt.server.2.address=\"192.0.2.2\" "
			      "voIpProt.server.1.lcs=\"0\" voIpProt.SIP.lcs=\"1\""),
		 {false, true}},
		{XML(BOB SITE "voIpProt.server.2.address=\"192.0.2.2\" reg.1.lcs=\"1\" "
			      "voIpProt.server.1.lcs=\"0\" voIpProt.SIP.lcs=\"0\""),
		 {true, true}},
		{XML(BOB SITE "voIpProt.server.2.address=\"192.0.2.2\" reg.1.lcs=\"1\" "
			      "reg.1.server.1.lcs=\"0\" voIpProt.server.1.lcs=\"1\""),
		 {false, true}},
	};
	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		struct config *config = load_text(steps[i].text);
		assert_told(config, "");
		assert_int_equal(config->engine.lines[0].entry_count, 2);
		for (uint32_t entry = 0; entry < 2; entry++)
			assert_int_equal(config->lines[0].entries[entry].tells_epid,
					 steps[i].told[entry]);
		config_free(config);
	}
}

static void assert_failback(const char *profile, const char *settings, const char *ruled)
{
	char text[512];
	strcpy(text, "<a " BOB SITE);
	strcat(text, settings);
	strcat(text, "/>");
	struct config *config = load_with((struct load){.text = text, .profile = profile});
	assert_ruled(config, 0, KL_POLICY_failback_mode, ruled);
	config_free(config);
}

static void test_an_unset_failback_mode_hangs_on_the_profile_PROF_3(void **state)
{
	(void)state;
#define MODE "reg.1.server.1.failOver.failBack.mode = "
#define ON "voIpProt.server.1.failOver.reRegisterOn=\"1\""
	assert_failback("poly", "", MODE "newRequests (profile poly)");
	assert_failback("poly", ON, MODE "duration (profile poly)");
	assert_failback("poly-2012", "", MODE "newRequests (profile poly-2012)");
	assert_failback("poly-2012", ON, MODE "newRequests (profile poly-2012)");
	assert_failback("Spectralink-84", "", MODE "registration (profile spectralink-84)");
	assert_failback("spectralink-84", ON, MODE "registration (profile spectralink-84)");
	assert_failback("poly", "\nreg.1.server.1.failOver.failBack.mode=\"registration\"",
			MODE "registration (1.cfg:2)");
#undef MODE
#undef ON
}

/* T12; the guide: 0 is a value, and 1 to 59 mean 60. */
static void test_documented_clamps_PROF_4(void **state)
{
	(void)state;
	struct config *config =
		load_text(XML(BOB SITE "\nreg.1.server.1.failOver.failBack.timeout=\"45\"\n"
				       "reg.1.server.1.retryMaxCount=\"0\"\nreg.2.address=\"ann\" "
				       "reg.2.server.1.failOver.failBack.timeout=\"0\""));
	assert_told(config,
		    "1.cfg:2:1: warning: reg.1.server.1.failOver.failBack.timeout: 45 is out of "
		    "range (permitted: 0, or 60 to 65535 seconds); 60 is used");
	assert_int_equal(policy_of(config, 0, 0, KL_POLICY_failback_ms), 60000);
	assert_int_equal(policy_of(config, 1, 0, KL_POLICY_failback_ms), 0);
	assert_int_equal(policy_of(config, 0, 0, KL_POLICY_attempts_max), 3);
	assert_int_equal(policy_of(config, 0, 0, KL_POLICY_invite_attempts_max), 3);
	config_free(config);
}

/* The next source applies: the same name further on, another place, the profile. */
static void test_out_of_range_counts_as_unset_PROF_4(void **state)
{
	(void)state;
	struct config *config = load_texts(
		XML(BOB SITE "\nreg.1.server.1.failOver.failBack.timeout=\"70000\"\n"
			     "reg.1.server.1.retryMaxCount=\"many\"\n"
			     "reg.1.server.1.retryTimeOut=\"-1\"\n"
			     "voIpProt.server.1.retryTimeOut=\"99999\"\n"
			     "voIpProt.server.1.expires=\"9\""),
		XML("voIpProt.server.1.expires=\"600\"\nvoIpProt.server.1.retryMaxCount=\"4\""));
	assert_told(config,
		    "1.cfg:2:1: warning: reg.1.server.1.failOver.failBack.timeout: 70000 is out of "
		    "range (permitted: 0, or 60 to 65535 seconds); line 1 uses 3600 (profile "
		    "poly)\n"
		    "1.cfg:3:1: warning: reg.1.server.1.retryMaxCount: many is out of range "
		    "(permitted: 0 to 65535); line 1 uses 4 (2.cfg:2)\n"
		    "1.cfg:4:1: warning: reg.1.server.1.retryTimeOut: -1 is out of range "
		    "(permitted: 0 to 65535 milliseconds); line 1 uses 0 (profile poly)\n"
		    "1.cfg:5:1: warning: voIpProt.server.1.retryTimeOut: 99999 is out of range "
		    "(permitted: 0 to 65535 milliseconds); line 1 uses 0 (profile poly)\n"
		    "1.cfg:6:1: warning: voIpProt.server.1.expires: 9 is out of range (permitted: "
		    "10 to 2147483 seconds); line 1 uses 600 (2.cfg:1)");
	assert_int_equal(policy_of(config, 0, 0, KL_POLICY_expires_ms), 600000);
	assert_int_equal(policy_of(config, 0, 0, KL_POLICY_attempts_max), 4);
	config_free(config);
}

static void test_strict_makes_them_errors_PROF_4(void **state)
{
	(void)state;
	struct config *config = load_with((struct load){
		.text = XML(BOB SITE "\nvoIpProt.server.1.register=\"yes\""), .strict = true});
	assert_told(config, "1.cfg:2:1: error: voIpProt.server.1.register: yes is out of range "
			    "(permitted: 0 or 1); line 1 uses 1 (default)");
	assert_int_equal(config->error_count, 1);
	assert_true(entry_of(config, 0, 0)->registers);
	config_free(config);
}

/* DNS-2 (part): a port of 0, or an empty one, is none. */
static void test_each_entry_has_a_transport_of_its_own(void **state)
{
	(void)state;
	struct config *config = load_text(
		XML(BOB SITE "\nvoIpProt.server.1.transport=\"tcppreferred\" "
			     "voIpProt.server.1.port=\"\"\n"
			     "voIpProt.server.2.address=\"two.example.com\" "
			     "voIpProt.server.2.transport=\"TCPOnly\" voIpProt.server.2.port=\"0\" "
			     "voIpProt.server.3.address=\"three.example.com\""));
	assert_told(config, "");
	assert_int_equal(entry_of(config, 0, 0)->transport_choice, KL_CHOOSE_TCP_PREFERRED);
	assert_int_equal(entry_of(config, 0, 1)->transport_choice, KL_CHOOSE_TCP);
	assert_int_equal(entry_of(config, 0, 2)->transport_choice, KL_CHOOSE_NAPTR);
	for (uint32_t entry = 0; entry < 3; entry++)
		assert_int_equal(entry_of(config, 0, entry)->port, 0);
	config_free(config);
}

static void test_the_account(void **state)
{
	(void)state;
	struct config *config = load_text(
		XML("reg.3.address=\"bob@Home.Example\" reg.3.label=\" Desk \" "
		    "reg.3.displayName=\"Bob &lt;&quot;B&quot;&gt;\" reg.3.auth.userId=\"b0b\" "
		    "reg.3.auth.password=\"p&amp;w\" reg.10.address=\"ann\" " SITE));
	assert_told(config, "");
	const struct config_line *bob = &config->lines[0], *ann = &config->lines[1];
	assert_int_equal(bob->number, 3);
	assert_string_equal(bob->user, "bob");
	assert_string_equal(bob->domain, "home.example");
	assert_string_equal(bob->entries[0].server, "sip.example.com");
	assert_string_equal(bob->label, "Desk");
	assert_string_equal(bob->display_name, "Bob <\"B\">");
	assert_string_equal(bob->auth_user, "b0b");
	assert_string_equal(bob->auth_password, "p&w");
	assert_int_equal(ann->number, 10);
	assert_string_equal(ann->auth_user, "ann");
	assert_string_equal(ann->auth_password, "");
	assert_string_equal(ann->label, "");
	config_free(config);
}

/* Every policy field of every entry is in the list, once, with its origin. */
static void test_every_value_has_an_origin_PROF_1(void **state)
{
	(void)state;
	struct config *config =
		load_text(XML(BOB SITE PROXY "\nreg.1.auth.password=\"geheim\" "
					     "voIpProt.server.2.address=\"two.example.com\""));
	const struct config_line *line = &config->lines[0];
	uint32_t passwords = 0;
	for (uint32_t entry = 0; entry < 2; entry++) {
		uint32_t seen[KL_POLICY_FIELDS] = {0};
		for (uint32_t i = 0; i < line->value_count; i++)
			if (line->values[i].entry == entry) {
				seen[line->values[i].field]++;
				seen[line->values[i].also]++;
			}
		for (int field = KL_POLICY_none + 1; field < KL_POLICY_FIELDS; field++)
			assert_int_equal(seen[field], 1);
	}
	for (uint32_t i = 0; i < line->value_count; i++) {
		assert_true(*line->values[i].name && *line->values[i].value);
		assert_true(*line->values[i].from);
		if (strcmp(line->values[i].name, "reg.1.auth.password") == 0) {
			passwords++;
			assert_string_equal(line->values[i].value, "(not shown)");
			assert_string_equal(line->values[i].from, "1.cfg:2");
		}
	}
	assert_int_equal(passwords, 1);
	assert_string_equal(line->values[0].name, "reg.1.address");
	assert_int_equal(line->values[0].entry, CONFIG_WHOLE_LINE);
	assert_ruled(config, 0, KL_POLICY_invite_attempts_max,
		     "reg.1.server.1.retryMaxCount = 3 (profile poly)");
	assert_ruled(config, 1, KL_POLICY_walk_bounded, "walk_bounded = 1 (profile poly)");
	assert_ruled(config, 1, KL_POLICY_last_route, "last_route = rest (profile poly)");
	assert_ruled(config, 1, KL_POLICY_idle_scope, "idle_scope = line (profile poly)");

	char name[KL_TEXT_MAX];
	config_name_rule(config, 0, 1, KL_POLICY_attempts_max, name, sizeof(name));
	assert_string_equal(name, "reg.1.server.2.retryMaxCount");
	config_name_rule(config, 7, 0, KL_POLICY_attempts_max, name, sizeof(name));
	assert_string_equal(name, "attempts_max");
	assert_null(config_find_value(config, 0, 2, KL_POLICY_attempts_max));
	assert_null(config_find_value(config, 0, 0, KL_POLICY_none));
	config_free(config);
}

static void test_lines_without_server_and_files_without_line(void **state)
{
	(void)state;
	struct config *config =
		load_with((struct load){.text = XML(BOB PROXY), .expected = KL_EINVAL});
	assert_told(config,
		    "1.cfg:1:16: error: reg.1.address: no server: set reg.1.server.1.address or "
		    "voIpProt.server.1.address; line 1 is left out");
	config_free(config);

	config = load_with((struct load){.text = XML(SITE), .expected = KL_EINVAL});
	assert_told(config, "error: no line: none of reg.1.address, account.1.user_name and "
			    "versity.1.sip_server is set");
	config_free(config);
}

static void test_unknown_profiles(void **state)
{
	(void)state;
	struct load load = {.text = XML(BOB SITE), .profile = "polly", .expected = KL_EINVAL};
	struct config *config = load_with(load);
	assert_told(config, "error: unknown profile \"polly\"; did you mean poly?");
	config_free(config);

	load.profile = "grandstream";
	config = load_with(load);
	assert_told(config, "error: unknown profile \"grandstream\"; there are poly, poly-2012, "
			    "spectralink-84, yealink, versity, keepline");
	config_free(config);
}

static void test_the_engine_takes_what_is_loaded(void **state)
{
	(void)state;
	struct config *config = load_text(XML(BOB SITE "reg.1024.address=\"ann\""));
	char why[KL_TEXT_MAX];
	assert_int_equal(kl_config_check(&config->engine, why, sizeof(why)), KL_OK);
	assert_int_equal(config->engine.transports, 1 << KL_UDP | 1 << KL_TCP | 1 << KL_TLS);
	assert_int_equal(config->engine.families, KL_IPV4 | KL_IPV6);
	config_free(config);
	config_free(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_literal_ipv6),
		cmocka_unit_test(test_appendix_a_udp),
		cmocka_unit_test(test_appendix_a_tls),
		cmocka_unit_test(test_what_a_keep_alive_consists_of),
		cmocka_unit_test(test_fast_and_enhanced_failover_PROF_2),
		cmocka_unit_test(test_fast_failover_out_of_range_PROF_4),
		cmocka_unit_test(test_the_order_of_places_through_a_proxy_PROF_2),
		cmocka_unit_test(test_an_entry_beside_the_proxy_PROF_2_FALL_6),
		cmocka_unit_test(test_a_proxy_of_the_line_before_that_of_the_site_PROF_2),
		cmocka_unit_test(test_a_line_with_a_server_of_its_own_has_no_other_PROF_2),
		cmocka_unit_test(test_reg_before_site_for_each_parameter_PROF_2),
		cmocka_unit_test(test_the_order_of_lcs_FALL_7),
		cmocka_unit_test(test_an_unset_failback_mode_hangs_on_the_profile_PROF_3),
		cmocka_unit_test(test_documented_clamps_PROF_4),
		cmocka_unit_test(test_out_of_range_counts_as_unset_PROF_4),
		cmocka_unit_test(test_strict_makes_them_errors_PROF_4),
		cmocka_unit_test(test_each_entry_has_a_transport_of_its_own),
		cmocka_unit_test(test_the_account),
		cmocka_unit_test(test_every_value_has_an_origin_PROF_1),
		cmocka_unit_test(test_lines_without_server_and_files_without_line),
		cmocka_unit_test(test_unknown_profiles),
		cmocka_unit_test(test_the_engine_takes_what_is_loaded),
	};
	return cmocka_run_group_tests_name("config/account", tests, load_enter, load_leave);
}
