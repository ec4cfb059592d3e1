/* poly_test.c - Polycom XML files: what is read of them, and what is refused.  CONF-1 (part),
 * PROF-4 */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/config/load.h"

#define LINE_1 "reg.1.address=\"bob\" voIpProt.server.1.address=\"sip.example.com\" "

/* TEXT must be refused with this one diagnostic. */
static void assert_refused(const char *text, const char *diagnostic)
{
	struct config *config = load_with((struct load){.text = text, .expected = KL_EINVAL});
	assert_told(config, diagnostic);
	config_free(config);
}

/* TEXT must be read, with these diagnostics. */
static void assert_read(const char *text, const char *diagnostics)
{
	struct config *config = load_text(text);
	assert_told(config, diagnostics);
	assert_int_equal(config->engine.line_count, 1);
	assert_string_equal(config->lines[0].user, "bob");
	assert_string_equal(config->lines[0].domain, "sip.example.com");
	config_free(config);
}

static void test_elements_and_nesting_mean_nothing_CONF_1(void **state)
{
	(void)state;
	assert_read(XML(LINE_1), "");
	assert_read("<?xml version=\"1.0\" encoding=\"UTF-8\" standalone=\"yes\"?>\n"
		    "<PHONE_CONFIG xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\">\n"
		    "  <!-- a phone --> <ALL " LINE_1 "/>\n"
		    "</PHONE_CONFIG>\n",
		    "");
	assert_read("<polycomConfig><reg reg.1.address = 'bob'/>\n"
		    "<voIpProt>\n<voIpProt.server voIpProt.server.1.address = \"sip.example.com\">"
		    "</voIpProt.server></voIpProt></polycomConfig>",
		    "");
}

static void test_names_and_hosts_without_regard_to_case_CONF_1(void **state)
{
	(void)state;
	assert_read(XML("REG.1.ADDRESS=\"bob\" voipprot.SERVER.1.Address=\"SIP.Example.COM\""), "");
}

static void test_empty_values_are_not_set_CONF_1(void **state)
{
	(void)state;
	struct config *config = load_texts(
		XML("reg.1.address=\"\" voIpProt.server.1.port=\" \" reg.1.server.1.address=\"\" "
		    "voIpProt.SIP.outboundProxy.address=\"\" dns.cache.A.1.name=\"\""),
		XML(LINE_1 "voIpProt.server.1.port=\"5070\""));
	assert_told(config, "");
	assert_string_equal(config->lines[0].user, "bob");
	assert_int_equal(config->engine.lines[0].entries[0].port, 5070);
	config_free(config);
}

static void test_the_first_of_several_files_wins_CONF_1(void **state)
{
	(void)state;
	struct config *config = load_texts(XML("reg.1.address=\"ann\""), XML(LINE_1));
	assert_told(config, "");
	assert_string_equal(config->lines[0].user, "ann");
	config_free(config);
}

static void test_set_twice_in_one_file_is_told(void **state)
{
	(void)state;
	assert_read("<a><b " LINE_1 "/>\n<c Reg.1.Address=\"ann\"\n reg.1.label=\"x\"/>\n"
		    "<d reg.1.label=\"x\"/></a>",
		    "1.cfg:2:4: warning: reg.1.address: set twice; the first counts, at 1.cfg:1");
}

static void test_each_attribute_has_its_own_line_and_column(void **state)
{
	(void)state;
	assert_read("<a " LINE_1 "\r\n\treg.1.labl = 'a > \"b\"'\n"
		    "\n   reg.1.adress=\"x\nreg.1.y='z'\"  reg.1.displayNam=\"\"/>",
		    "1.cfg:2:2: warning: reg.1.labl: unknown parameter; did you mean reg.1.label?\n"
		    "1.cfg:4:4: warning: reg.1.adress: unknown parameter; did you mean "
		    "reg.1.address?\n"
		    "1.cfg:5:15: warning: reg.1.displayNam: unknown parameter; did you mean "
		    "reg.1.displayName?");
}

static void test_unknown_names_are_told_but_not_by_the_hundred(void **state)
{
	(void)state;
	char text[16 * 1024] = "<a " LINE_1, name[64];
	for (int i = 0; i < 100; i++) {
		snprintf(name, sizeof(name), "feature.other%d.enabled=\"1\" ", i);
		strcat(text, name);
	}
	strcat(text, "/>");
	struct config *config = load_text(text);
	assert_int_equal(config->error_count, 0);
	assert_int_equal(config->diagnostic_count, 21);
	assert_string_equal(config->diagnostics[0].parameter, "feature.other0.enabled");
	assert_string_equal(config->diagnostics[20].text,
			    "80 more unknown parameters are not read");
	config_free(config);
}

/* However many problems there are, the list is bounded and an error is in it. */
static void test_an_error_is_told_behind_any_number_of_warnings(void **state)
{
	(void)state;
	static char text[64 * 1024] =
		"<a reg.1.address=\"bob\" reg.1.server.1.address=\"sip.example.com\" ";
	char name[64];
	for (int i = 1; i <= 1000; i++) {
		snprintf(name, sizeof(name), "reg.%d.adress=\"x\" ", i);
		strcat(text, name);
	}
	strcat(text, "reg.2.address=\"eve\"/>"); /* which has no server */
	struct config *config = load_text(text);
	assert_int_equal(config->error_count, 1);
	assert_int_equal(config->diagnostic_count, CONFIG_DIAGNOSTICS_MAX * 3 / 4 + 2);
	const struct config_diagnostic *last = &config->diagnostics[config->diagnostic_count - 2];
	assert_int_equal(last->severity, CONFIG_ERROR);
	assert_string_equal(last->parameter, "reg.2.address");
	assert_string_equal(last[1].text, "850 more problems are not listed");
	config_free(config);
}

static void test_known_parameters_without_effect_are_told_once(void **state)
{
	(void)state;
	assert_read(XML(LINE_1
			"reg.1.type=\"private\" voIpProt.SIP.tcpFastFailover=\"0\" "
			"voIpProt.SIP.tcpFastFailover.timeout=\"5000\"\n"
			"reg.1.server.1.specialInterop=\"lync2010\" "
			"reg.2.server.1.specialInterop=\"lync2010\"\n"
			"dns.cache.NAPTR.1.regexp=\"a\"\n"
			"dns.cache.NAPTR.2.regexp=\"b\"\nvoIpProt.SIP.lineSeize.retries=\"2\""),
		    "1.cfg:2:1: warning: reg.1.server.1.specialInterop: read but has no effect in "
		    "this version\n"
		    "1.cfg:3:1: warning: dns.cache.NAPTR.1.regexp: read but has no effect in "
		    "this version\n"
		    "1.cfg:5:1: warning: voIpProt.SIP.lineSeize.retries: 2 is out of range "
		    "(permitted: 3 to 10); line 1 uses 10 (profile poly)");
}

static void test_a_number_in_a_name_has_a_range(void **state)
{
	(void)state;
	assert_read(XML(LINE_1 "\nreg.1.server.5.address=\"b\""),
		    "1.cfg:2:1: warning: reg.1.server.5.address: a number in its name is out of "
		    "range; it is not read");
}

/* The guides print parameters without an element around them. */
static void test_flat_lines_are_refused_with_the_remedy(void **state)
{
	(void)state;
	assert_refused("reg.1.address=\"5551239999\"\nreg.1.auth.password=\"geheim\"\n",
		       "1.cfg:1:1: error: not an XML file; name=\"value\" lines must stand inside "
		       "a tag: put <polycomConfig before the first and /> after the last; nothing "
		       "of this file is used");
	assert_read("<polycomConfig " LINE_1 ">\nreg.1.label=\"x\"\nreg.1.y=\"z\"</polycomConfig>",
		    "1.cfg:2:1: warning: text between tags is not read: parameters stand inside a "
		    "tag, as in <polycomConfig name=\"value\"/>");
}

static void test_what_is_not_xml_is_refused(void **state)
{
	(void)state;
	static const char unknown[] =
		"1.cfg:1:1: error: neither the XML of a Polycom phone, nor the "
		"KEY = VALUE lines of a Yealink phone, nor a native file; nothing of this file "
		"is used";
	assert_refused("\x7f"
		       "ELF\x02\x01",
		       unknown);
	assert_refused("phone bob\n", unknown);
	assert_refused("a = b\n", unknown);
	assert_refused(" \n ", "1.cfg:1:1: error: the file is empty; nothing of this file is used");
	assert_refused("", "1.cfg:1:1: error: the file is empty; nothing of this file is used");
}

static void test_what_is_not_well_formed_is_refused_with_its_place(void **state)
{
	(void)state;
	assert_refused("<a\n  reg.1.address=\"bob\"\n  reg.1.address=\"bob\"/>",
		       "1.cfg:3:3: error: duplicate attribute; nothing of this file is used");
	assert_refused("<a " LINE_1 ">\n",
		       "1.cfg:2:1: error: no element found; nothing of this file is used");
	assert_refused("<a " LINE_1 "\n reg.1.label=\"b",
		       "1.cfg:1:1: error: unclosed token; nothing of this file is used");
	assert_refused("<a " LINE_1 "></b>",
		       "1.cfg:1:71: error: mismatched tag; nothing of this file is used");
	assert_refused("<a\n reg.1.server.2.address=172.23.0.1/>",
		       "1.cfg:2:25: error: not well-formed (invalid token); nothing of this file "
		       "is used");
}

/* The rest is still good for something; the problem is told. */
static void test_a_broken_file_leaves_the_others_in_use(void **state)
{
	(void)state;
	struct config *config = load_texts("<a reg.1.address=\"ann\">", XML(LINE_1));
	assert_told(config, "1.cfg:1:24: error: no element found; nothing of this file is used");
	assert_string_equal(config->lines[0].user, "bob");
	assert_int_equal(config->error_count, 1);
	config_free(config);
}

static void test_declarations_and_entities_are_refused(void **state)
{
	(void)state;
	static const char refusal[] = "1.cfg:2: error: a document type declaration (DTD) is not "
				      "allowed; nothing of this file is used";
	assert_refused("<?xml version=\"1.0\"?>\n"
		       "<!DOCTYPE lolz [<!ENTITY a \"ha\"><!ENTITY b \"&a;&a;&a;&a;\">]>\n"
		       "<a " LINE_1 " reg.1.label=\"&b;\"/>",
		       refusal);
	assert_refused("\n<!DOCTYPE a SYSTEM \"file:///etc/passwd\"><a " LINE_1 "/>", refusal);
	assert_refused("\n<!DOCTYPE a [<!ENTITY x SYSTEM \"/etc/passwd\">]><a>&x;</a>", refusal);
	assert_refused("<a reg.1.label=\"&b;\"/>",
		       "1.cfg:1:1: error: undefined entity; nothing of this file is used");
}

static void test_nesting_is_bounded(void **state)
{
	(void)state;
	char text[1024] = "";
	for (int i = 0; i < 65; i++)
		strcat(text, "<a>");
	assert_refused(text, "1.cfg:1: error: elements are nested too deeply; nothing of this "
			     "file is used");
}

/* Line ends and escapes from character references would end a SIP header or move a terminal. */
static void test_control_characters_do_not_get_in(void **state)
{
	(void)state;
	assert_read(XML(LINE_1 "\nreg.1.displayName=\"a&#13;&#10;Via: x\""),
		    "1.cfg:2:1: warning: reg.1.displayName: a??Via: x is out of range (permitted: "
		    "text of at most 255 bytes without control characters); line 1 uses no value "
		    "(default)");
}

static void test_utf_16_is_read(void **state)
{
	(void)state;
	static const char text[] = XML(LINE_1);
	FILE *file = fopen("1.cfg", "w");
	assert_non_null(file);
	fwrite("\xff\xfe", 1, 2, file);
	for (const char *c = text; *c; c++)
		fwrite((const char[]){*c, '\0'}, 1, 2, file);
	fclose(file);
	struct config *config;
	const char *const files[] = {"1.cfg"};
	struct config_options options = {.files = files, .file_count = 1};
	assert_int_equal(config_load(&options, &config), KL_OK);
	assert_told(config, "");
	config_free(config);
}

static void assert_unreadable(const char *path, const char *diagnostic)
{
	struct config *config;
	const char *const files[] = {path};
	struct config_options options = {.files = files, .file_count = 1};
	assert_int_equal(config_load(&options, &config), KL_EINVAL);
	assert_told(config, diagnostic);
	config_free(config);
}

static void test_unreadable_files(void **state)
{
	(void)state;
	assert_unreadable("3.cfg",
			  "3.cfg: error: the file cannot be read: No such file or directory");
	assert_unreadable(".", ".: error: the file cannot be read: Is a directory");
}

/* No more than the limit is read of it. */
static void test_a_file_of_100_megabytes_is_refused(void **state)
{
	(void)state;
	int fd = open("1.cfg", O_WRONLY | O_CREAT | O_TRUNC, 0600);
	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, 100 << 20), 0);
	close(fd);
	assert_unreadable("1.cfg", "1.cfg: error: the file cannot be read: larger than 4 MiB");
}

static void test_a_password_is_in_no_message(void **state)
{
	(void)state;
	char text[1024], secret[CONFIG_TEXT_MAX + 32];
	memset(secret, 's', sizeof(secret) - 1);
	secret[sizeof(secret) - 1] = '\0';
	snprintf(text, sizeof(text), "<a %s\nreg.1.auth.password=\"%s\"/>", LINE_1, secret);
	assert_read(text, "1.cfg:2:1: warning: reg.1.auth.password: the value is out of range "
			  "(permitted: text of at most 255 bytes without control characters); "
			  "line 1 uses no value (default)");

	struct config *config = load_text("<a " LINE_1 "reg.1.auth.password=\"geheim\"\n"
					  "reg.1.auth.pasword=\"geheim\"><b\n"
					  "reg.1.auth.password=\"anders\"/></a>");
	assert_string_equal(config->lines[0].auth_password, "geheim");
	assert_told(config,
		    "1.cfg:2:1: warning: reg.1.auth.pasword: unknown parameter; did you mean "
		    "reg.1.auth.password?\n"
		    "1.cfg:3:1: warning: reg.1.auth.password: set twice; the first counts, at "
		    "1.cfg:1");
	for (uint32_t i = 0; i < config->lines[0].value_count; i++)
		assert_null(strstr(config->lines[0].values[i].value, "geheim"));
	config_free(config);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_elements_and_nesting_mean_nothing_CONF_1),
		cmocka_unit_test(test_names_and_hosts_without_regard_to_case_CONF_1),
		cmocka_unit_test(test_empty_values_are_not_set_CONF_1),
		cmocka_unit_test(test_the_first_of_several_files_wins_CONF_1),
		cmocka_unit_test(test_set_twice_in_one_file_is_told),
		cmocka_unit_test(test_each_attribute_has_its_own_line_and_column),
		cmocka_unit_test(test_unknown_names_are_told_but_not_by_the_hundred),
		cmocka_unit_test(test_an_error_is_told_behind_any_number_of_warnings),
		cmocka_unit_test(test_known_parameters_without_effect_are_told_once),
		cmocka_unit_test(test_a_number_in_a_name_has_a_range),
		cmocka_unit_test(test_flat_lines_are_refused_with_the_remedy),
		cmocka_unit_test(test_what_is_not_xml_is_refused),
		cmocka_unit_test(test_what_is_not_well_formed_is_refused_with_its_place),
		cmocka_unit_test(test_a_broken_file_leaves_the_others_in_use),
		cmocka_unit_test(test_declarations_and_entities_are_refused),
		cmocka_unit_test(test_nesting_is_bounded),
		cmocka_unit_test(test_control_characters_do_not_get_in),
		cmocka_unit_test(test_utf_16_is_read),
		cmocka_unit_test(test_unreadable_files),
		cmocka_unit_test(test_a_file_of_100_megabytes_is_refused),
		cmocka_unit_test(test_a_password_is_in_no_message),
	};
	return cmocka_run_group_tests_name("config/poly", tests, load_enter, load_leave);
}
