/* versity_test.c - the SIP server field of a Spectralink Versity.  PROBE-1 (part), CONF-4, PROF-1
 */
#include "config/versity.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "tests/config/load.h"

/* FIELD read and written again: "DOMAIN | SPEC SPEC"; "no" if it is none. */
static void assert_field(const char *text, const char *expected)
{
	struct arena arena = {0};
	struct versity_field field;
	const char *written = "no";
	if (versity_read_field(text, &arena, &field)) {
		written = arena_format(&arena, "%s |", field.domain);
		for (uint32_t i = 0; i < field.spec_count; i++)
			written = arena_format(&arena, "%s %s", written, field.specs[i]);
	}
	assert_string_equal(written, expected);
	arena_free(&arena);
}

static void test_the_field_PROBE_1(void **state)
{
	(void)state;
	assert_field("a.local", "a.local | a.local");
	assert_field("a.local;", "a.local | a.local");
	assert_field(" a.local ; 192.0.2.1;b.local ; ", "a.local | 192.0.2.1 b.local");
	assert_field("a.local;1.example;2.example;3.example;4.example",
		     "a.local | 1.example 2.example 3.example 4.example");
	assert_field("a.local;1.example;2.example;3.example;4.example;5.example", "no");
	assert_field("", "no");
	assert_field(";", "no");
	assert_field("a.local;;b.local", "no");
	assert_field("a b", "no");
	assert_field("a.local; b.local:5060", "no");
	assert_field("sip:a.local", "no");
}

static void test_settings_CONF_4(void **state)
{
	(void)state;
	struct config *config =
		load_text("versity.1.sip_server = TestDomain.local; 172.29.102.138; "
			  "172.29.102.139\nversity.1.sip_server_port = 5070\n"
			  "versity.1.extension = 2001\nversity.1.username = u\n"
			  "versity.1.password = geheim\n"
			  "versity.2.sip_server = b.local\n");
	assert_told(config, "1.cfg:6:1: warning: versity.2.sip_server: versity.2.extension is not "
			    "set; \"phone\" is used");
	assert_int_equal(config->engine.line_count, 2);
	const struct config_line *line = &config->lines[0];
	assert_int_equal(line->profile, KL_PROFILE_VERSITY);
	assert_string_equal(line->user, "2001");
	assert_string_equal(line->domain, "testdomain.local");
	assert_string_equal(line->auth_user, "u");
	assert_string_equal(line->auth_password, "geheim");
	const struct kl_entry_config *entry = &config->engine.lines[0].entries[0];
	assert_string_equal(entry->name, "172.29.102.138");
	assert_int_equal(entry->more_count, 1);
	assert_string_equal(entry->more_names[0], "172.29.102.139");
	assert_int_equal(entry->port, 5070);
	assert_int_equal(entry->transport_choice, KL_CHOOSE_UDP);
	assert_string_equal(line->values[0].name, "versity.1.sip_server");
	assert_string_equal(line->values[0].from, "1.cfg:1");
	assert_int_equal(config->engine.lines[1].entries[0].port, 0);
	assert_string_equal(config->lines[1].user, "phone");
	for (uint32_t i = 0; i < line->value_count; i++)
		assert_null(strstr(line->values[i].value, "geheim"));
	config_free(config);
}

static void test_the_field_on_the_command_line(void **state)
{
	(void)state;
	struct config *config =
		load_options((struct config_options){.versity = "2001@a.local; 192.0.2.1"}, KL_OK);
	assert_told(config, "");
	assert_string_equal(config->lines[0].user, "2001");
	assert_string_equal(config->lines[0].domain, "a.local");
	assert_string_equal(config->engine.lines[0].entries[0].name, "192.0.2.1");
	assert_string_equal(config->lines[0].values[0].from, "--versity");
	config_free(config);

	config = load_options((struct config_options){.versity = "a b"}, KL_EINVAL);
	assert_int_equal(config->diagnostic_count, 2);
	char text[KL_TEXT_MAX];
	assert_string_equal(
		config_format_diagnostic(text, sizeof(text), &config->diagnostics[0]),
		"--versity: warning: versity.1.sip_server: a b is out of range (permitted: domain; "
		"serverspec1; ... with up to 4 serverspecs, each a host name or IP address); line "
		"1 "
		"uses no value (default)");
	config_free(config);
}

/* An 84-Series phone has Poly's names, and defaults of its own. */
static void test_the_84_series_CONF_4(void **state)
{
	(void)state;
	struct config *config = load_with((struct load){
		.text = XML("reg.1.address=\"bob\" reg.1.server.1.address=\"a.local\""),
		.profile = "spectralink-84"});
	assert_told(config, "");
	assert_int_equal(config->lines[0].profile, KL_PROFILE_SPECTRALINK_84);
	assert_ruled(config, 0, KL_POLICY_failback_mode,
		     "reg.1.server.1.failOver.failBack.mode = registration (profile "
		     "spectralink-84)");
	assert_int_equal(policy_of(config, 0, 0, KL_POLICY_fail_registration_on), 0);
	assert_int_equal(policy_of(config, 0, 0, KL_POLICY_dns_failure_fails), 1);
	config_free(config);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_the_field_PROBE_1),
		cmocka_unit_test(test_settings_CONF_4),
		cmocka_unit_test(test_the_field_on_the_command_line),
		cmocka_unit_test(test_the_84_series_CONF_4),
	};
	return cmocka_run_group_tests_name("config/versity", tests, load_enter, load_leave);
}
