/* source_test.c - master files, boot files, the files that a phone wrote, and kinds of files
 * together. CONF-1, CONF-2, CONF-3 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/config/load.h"

#define MAC "0004f2aabbcc"
#define SERVER "voIpProt.server.1.address=\"sip.example.com\" "

static void clean(const char *const *names)
{
	for (; *names; names++)
		assert_int_equal(remove(*names), 0);
}

static void test_a_master_file_names_others_CONF_1(void **state)
{
	(void)state;
	load_write("00000000000a.cfg", "<APPLICATION APP_FILE_PATH=\"sip.ld\"\n"
				       "CONFIG_FILES=\" a-[PHONE_MAC_ADDRESS].cfg,b.cfg , ,\"><X "
				       "CONFIG_FILES_VVX=\"c.cfg\"/></APPLICATION>");
	load_write("a-00000000000a.cfg", XML("reg.1.address=\"ann\" reg.1.label=\"a\""));
	load_write("b.cfg", XML(SERVER "reg.1.address=\"bob\" reg.1.displayName=\"b\""));
	load_write("c.cfg", XML(SERVER "reg.1.address=\"eve\""));
	struct config *config = load_path("00000000000a.cfg", KL_OK);
	assert_told(config, "");
	assert_string_equal(config->lines[0].user, "ann");
	assert_string_equal(config->lines[0].display_name, "b");
	assert_string_equal(config->lines[0].values[0].from, "a-00000000000a.cfg:1");
	config_free(config);

	static const char *const files[] = {"00000000000a.cfg"};
	config = load_options(
		(struct config_options){.files = files, .file_count = 1, .model = "vvx"}, KL_OK);
	assert_told(config, "");
	assert_string_equal(config->lines[0].user, "eve");
	config_free(config);
	clean((const char *const[]){"00000000000a.cfg", "a-00000000000a.cfg", "b.cfg", "c.cfg",
				    NULL});
}

/* The phone's own menu beats its web page, which beats all that provisions it. */
static void test_overrides_beat_provisioning_CONF_2(void **state)
{
	(void)state;
	assert_int_equal(mkdir("over", 0700), 0);
	load_write(MAC ".cfg", "<A CONFIG_FILES=\"a.cfg\" OVERRIDES_DIRECTORY=\"over/\"/>");
	load_write("a.cfg", XML(SERVER "reg.1.address=\"ann\" reg.1.label=\"a\" "
				       "reg.1.displayName=\"a\""));
	load_write("over/" MAC "-web.cfg", XML("reg.1.label=\"w\" reg.1.displayName=\"w\""));
	load_write("over/" MAC "-phone.cfg", XML("reg.1.label=\"p\""));
	struct config *config = load_path(MAC ".cfg", KL_OK);
	assert_told(config, "");
	assert_string_equal(config->lines[0].user, "ann");
	assert_string_equal(config->lines[0].label, "p");
	assert_string_equal(config->lines[0].display_name, "w");
	config_free(config);

	static const char *const given[] = {"a.cfg", "over/" MAC "-web.cfg"};
	config = load_options((struct config_options){.files = given, .file_count = 2}, KL_OK);
	assert_told(config, "");
	assert_string_equal(config->lines[0].label, "w");
	config_free(config);
	clean((const char *const[]){MAC ".cfg", "a.cfg", "over/" MAC "-web.cfg",
				    "over/" MAC "-phone.cfg", "over", NULL});
}

/* The phone's own master file before the common one. */
static void test_a_folder_is_searched_CONF_1(void **state)
{
	(void)state;
	static const char *const folder[] = {"tftp"};
	struct config_options options = {
		.files = folder, .file_count = 1, .mac = "00:04:F2:AA:BB:CC"};
	assert_int_equal(mkdir("tftp", 0700), 0);
	struct config *config = load_options(options, KL_EINVAL);
	assert_told(config, "tftp: error: the file cannot be read: Is a directory");
	config_free(config);
	load_write("tftp/000000000000.cfg", "<A CONFIG_FILES=\"[PHONE_MAC_ADDRESS]-reg.cfg\"/>");
	load_write("tftp/" MAC "-reg.cfg", XML(SERVER "reg.1.address=\"bob\""));
	config = load_options(options, KL_OK);
	assert_told(config, "");
	assert_string_equal(config->lines[0].user, "bob");
	config_free(config);
	load_write("tftp/" MAC ".cfg", XML(SERVER "reg.1.address=\"ann\""));
	config = load_options(options, KL_OK);
	assert_string_equal(config->lines[0].user, "ann");
	config_free(config);
	clean((const char *const[]){"tftp/000000000000.cfg", "tftp/" MAC "-reg.cfg",
				    "tftp/" MAC ".cfg", "tftp", NULL});
}

static void test_what_cannot_be_included_is_told_with_its_place(void **state)
{
	(void)state;
	assert_int_equal(mkfifo("pipe.cfg", 0600), 0);
	load_write("1.cfg",
		   "<A\n CONFIG_FILES=\"missing.cfg, http://host/a.cfg, [PHONE_MAC_ADDRESS].cfg, "
		   "[PHONE_MODEL]-[COLOR].cfg, pipe.cfg, 2.cfg\"/>");
	load_write("2.cfg", XML(SERVER "reg.1.address=\"bob\""));
	struct config *config = load_path("1.cfg", KL_OK);
	assert_told(
		config,
		"1.cfg:2:2: error: CONFIG_FILES: http://host/a.cfg is not fetched; give the "
		"file itself, by its path\n"
		"1.cfg:2:2: error: CONFIG_FILES: [PHONE_MAC_ADDRESS].cfg: what stands for "
		"[PHONE_MAC_ADDRESS] is not known; give the phone's MAC address or model, or "
		"name the file itself\n"
		"1.cfg:2:2: error: CONFIG_FILES: [PHONE_MODEL]-[COLOR].cfg: what stands for "
		"[PHONE_MODEL] is not known; give the phone's MAC address or model, or name the "
		"file itself\n"
		"1.cfg:2:2: error: CONFIG_FILES: missing.cfg cannot be read: No such file or "
		"directory\n"
		"1.cfg:2:2: error: CONFIG_FILES: pipe.cfg cannot be read: not a file");
	assert_string_equal(config->lines[0].user, "bob");
	config_free(config);
	clean((const char *const[]){"pipe.cfg", NULL});
}

static void test_files_that_name_each_other_are_refused(void **state)
{
	(void)state;
	load_write("1.cfg", "<A CONFIG_FILES=\"2.cfg\" " SERVER "reg.1.address=\"bob\"/>");
	load_write("2.cfg", "<A CONFIG_FILES=\"./1.cfg\"/>");
	struct config *config = load_path("1.cfg", KL_OK);
	assert_told(config, "2.cfg:1:4: error: CONFIG_FILES: ./1.cfg cannot be read: the files "
			    "name each other in a circle");
	config_free(config);

	load_write("1.cfg", YEALINK("include:config \"1.cfg\"\n"));
	config = load_path("1.cfg", KL_EINVAL);
	assert_told(config, "1.cfg:2:1: error: include:config: 1.cfg cannot be read: the files "
			    "name each other in a circle");
	config_free(config);
}

/* Two names for each file would be 2^n files; the number of files is bounded, and their depth. */
static void test_the_number_of_files_is_bounded(void **state)
{
	(void)state;
	char name[32], text[256];
	for (int i = 0; i < 12; i++) {
		snprintf(name, sizeof(name), "deep%d.boot", i);
		snprintf(text, sizeof(text), YEALINK("include:config deep%d.boot\n"), i + 1);
		load_write(name, text);
	}
	struct config *config = load_path("deep0.boot", KL_EINVAL);
	assert_told(config, "deep8.boot:2:1: error: include:config: deep9.boot cannot be read: too "
			    "many files that name each other");
	config_free(config);
	for (int i = 0; i < 12; i++) {
		snprintf(name, sizeof(name), "deep%d.boot", i);
		assert_int_equal(remove(name), 0);
	}

	static char list[8192] = "#!version:1.0.0.1\n";
	for (int i = 0; i < 300; i++)
		strcat(list, "include:config x\n");
	load_write("1.cfg", list);
	load_write("x", YEALINK(""));
	config = load_path("1.cfg", KL_EINVAL);
	assert_int_equal(config->error_count, 300 - 255);
	assert_string_equal(config->diagnostics[0].text, "x cannot be read: more than 256 files");
	config_free(config);
	clean((const char *const[]){"x", NULL});
}

static void test_lists_and_names_have_lengths(void **state)
{
	(void)state;
	static char text[4096], name[2100];
	memset(name, 'a', 256);
	snprintf(text, sizeof(text), "<A CONFIG_FILES=\"%s\"/>", name);
	load_write("1.cfg", text);
	struct config *config = load_path("1.cfg", KL_EINVAL);
	assert_told(config, "1.cfg:1:4: error: CONFIG_FILES: a name of more than 255 bytes, "
			    "or with control characters");
	config_free(config);
	load_write("1.cfg", "<A CONFIG_FILES=\"a&#127;.cfg\"/>");
	config = load_path("1.cfg", KL_EINVAL);
	assert_told(config, "1.cfg:1:4: error: CONFIG_FILES: a name of more than 255 bytes, "
			    "or with control characters");
	config_free(config);
	memset(name, 'a', 2048);
	snprintf(text, sizeof(text), "<A CONFIG_FILES=\"%s\"/>", name);
	load_write("1.cfg", text);
	config = load_path("1.cfg", KL_EINVAL);
	assert_told(config, "1.cfg:1:4: error: CONFIG_FILES: a list of more than 2047 bytes");
	config_free(config);
}

static void test_a_boot_file_names_others_CONF_3(void **state)
{
	(void)state;
	load_write("1.cfg",
		   YEALINK("include:config \"2.cfg\"\n include:config <3.cfg>\n"
			   "include:config 4.cfg\n[T48S]include:config \"5.cfg\"\n"
			   "include:config \"6.cfg\ninclude:config\noverwrite_mode = 1\n"));
	load_write("2.cfg", YEALINK("account.1.user_name = ann\naccount.1.label = a\n"));
	load_write("3.cfg", YEALINK("account.1.user_name = bob\n"));
	load_write("4.cfg", YEALINK("account.1.sip_server.1.address = sip.example.com\n"));
	load_write("5.cfg", YEALINK("account.1.label = t48\n"));
	struct config *config = load_path("1.cfg", KL_OK);
	assert_told(config, "1.cfg:5:1: warning: for one model only, and the phone's is not given; "
			    "it is not read\n"
			    "1.cfg:6:1: error: expected include:config \"FILE\"\n"
			    "1.cfg:7:1: error: expected include:config \"FILE\"");
	assert_string_equal(config->lines[0].user, "bob");
	assert_string_equal(config->lines[0].label, "a");
	config_free(config);

	static const char *const files[] = {"1.cfg"};
	config = load_options(
		(struct config_options){.files = files, .file_count = 1, .model = "t48s"}, KL_OK);
	assert_string_equal(config->lines[0].label, "t48");
	assert_int_equal(config->diagnostic_count, 2);
	config_free(config);
	config = load_options(
		(struct config_options){.files = files, .file_count = 1, .model = "t4"}, KL_OK);
	assert_string_equal(config->lines[0].label, "a");
	assert_int_equal(config->diagnostic_count, 2);
	config_free(config);
	clean((const char *const[]){"3.cfg", "4.cfg", "5.cfg", NULL});
}

/* Each file its kind, each line its profile; a profile that is asked for is for all. */
static void test_kinds_together(void **state)
{
	(void)state;
	static const char *const files[] = {"1.cfg", "2.cfg"};
	struct config_options options = {
		.files = files, .file_count = 2, .versity = "3@c.example.com"};
	load_write("1.cfg", YEALINK("account.1.user_name = 2\n"
				    "account.1.sip_server.1.address = b.example.com\n"));
	load_write("2.cfg", XML(SERVER "reg.1.address=\"1\""));
	struct config *config = load_options(options, KL_OK);
	assert_told(config, "");
	static const enum kl_profile profiles[] = {KL_PROFILE_POLY, KL_PROFILE_YEALINK,
						   KL_PROFILE_VERSITY};
	assert_int_equal(config->engine.line_count, 3);
	for (uint32_t i = 0; i < 3; i++) {
		assert_int_equal(config->lines[i].number, i + 1);
		assert_int_equal(config->lines[i].user[0], '1' + (int)i);
		assert_int_equal(config->lines[i].profile, profiles[i]);
	}
	config_free(config);

	options.profile = "keepline";
	config = load_options(options, KL_OK);
	for (uint32_t i = 0; i < 3; i++)
		assert_int_equal(config->lines[i].profile, KL_PROFILE_KEEPLINE);
	config_free(config);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_master_file_names_others_CONF_1),
		cmocka_unit_test(test_overrides_beat_provisioning_CONF_2),
		cmocka_unit_test(test_a_folder_is_searched_CONF_1),
		cmocka_unit_test(test_what_cannot_be_included_is_told_with_its_place),
		cmocka_unit_test(test_files_that_name_each_other_are_refused),
		cmocka_unit_test(test_the_number_of_files_is_bounded),
		cmocka_unit_test(test_lists_and_names_have_lengths),
		cmocka_unit_test(test_a_boot_file_names_others_CONF_3),
		cmocka_unit_test(test_kinds_together),
	};
	return cmocka_run_group_tests_name("config/source", tests, load_enter, load_leave);
}
