/* The scenario format: its errors name file and line; transcripts agree or are told apart. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "sim/scenario.h"

static void expect_error(const char *text, const char *error)
{
	struct sim_scenario scenario;

	assert_int_equal(sim_scenario_play(&scenario, "s.txt", text), -1);
	assert_string_equal(scenario.error, error);
	sim_scenario_free(&scenario);
}

static void test_errors_name_file_and_line(void **state)
{
	(void)state;
	expect_error("# story\n\nserver a upp\n", "s.txt:3: a server can't be \"upp \"");
	expect_error("dance\n", "s.txt:1: no command \"dance\"");
	expect_error("start now\n", "s.txt:1: what does \"now\" mean here?");
	expect_error("run 5\n", "s.txt:1: run how long? Say 500ms, 3.5s, 10min or 1h");
	expect_error("run 5s\nuntil 4s\n", "s.txt:2: that time has passed: it is 5000 ms");
	expect_error("profile cisco\n", "s.txt:1: no profile \"cisco\"");
	expect_error("set attempts_max 0\n", "s.txt:1: attempts_max can't be \"0\"");
	expect_error("set failback_mode later\n", "s.txt:1: failback_mode can't be \"later\"");
	expect_error("set colour 3\n", "s.txt:1: no policy value \"colour\"");
	expect_error("start\nset attempts_max 2\n",
		     "s.txt:2: too late: the device is made when its line starts");
	expect_error("line 0\n", "s.txt:1: lines count from 1 to 16");
	expect_error("start line 2\n", "s.txt:1: there are 1 lines");
	expect_error("call bob\n", "s.txt:1: requests and calls are named by numbers from 1");
	expect_error("hangup 1\n", "s.txt:1: there is no 1");
	expect_error("dns srv x.test 10 0 99999 a.test\n", "s.txt:1: that is no such record");
	expect_error("dns a x.test 300.1.1.1\n", "s.txt:1: that is no such record");
	expect_error("server a answers 99\n", "s.txt:1: answers what? Say 100 180@1s 200@3.5s");
	expect_error("show colours\n", "s.txt:1: no lines are called \"colours\"");
}

static void test_a_command_may_lack_every_word(void **state)
{
	static const char *const commands[] = {"server",
					       "server a in",
					       "server a answers",
					       "server a retry-after",
					       "dns",
					       "dns a",
					       "dns srv x",
					       "dns remove",
					       "dns naptr x 1 1",
					       "dns ttl",
					       "static",
					       "static mx x 1",
					       "static a x",
					       "static srv x 1 1 1 y ttl",
					       "remember",
					       "remember a x",
					       "line",
					       "line 1 port",
					       "line 1 name",
					       "set",
					       "profile",
					       "families",
					       "seed",
					       "limit",
					       "limit walks",
					       "run",
					       "until",
					       "at 1s",
					       "call",
					       "request",
					       "request INVITE",
					       "incoming",
					       "hangup",
					       "cancel",
					       "signal",
					       "forge",
					       "drop",
					       "transports tin",
					       "server a over",
					       "server a redirects-to",
					       "print"};
	struct sim_scenario scenario;

	(void)state;
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
		assert_int_equal(sim_scenario_play(&scenario, "s.txt", commands[i]), -1);
		assert_memory_equal(scenario.error, "s.txt:1: ", 9);
		sim_scenario_free(&scenario);
	}
}

static void test_long_lines_are_refused(void **state)
{
	char text[2048];

	(void)state;
	memset(text, 'x', sizeof(text));
	text[sizeof(text) - 1] = '\0';
	expect_error(text, "s.txt:1: too long: 511 bytes and 48 words at most");
	for (size_t i = 0; i < 100; i++)
		memcpy(text + 2 * i, "x ", 3);
	expect_error(text, "s.txt:1: too long: 511 bytes and 48 words at most");
}

static void test_agreement_and_difference(void **state)
{
	struct sim_scenario scenario;
	char *diff = NULL;
	size_t size;
	FILE *to;

	(void)state;
	sim_scenario_play(&scenario, "s.txt",
			  "start\nprint registrations\nrun 5s\nprint registrations\n----\n"
			  "[    0] no server has a registration\n[ 4000] what never was\n");
	assert_false(sim_scenario_agrees(&scenario));
	assert_non_null(strstr(scenario.happened, "[ 5000] no server has a registration\n"));
	to = open_memstream(&diff, &size);
	assert_non_null(to);
	sim_scenario_diff(&scenario, "# ", to);
	fclose(to);
	assert_non_null(strstr(diff, "#  [    0] no server has a registration\n"));
	assert_non_null(strstr(diff, "# -[ 4000] what never was\n"));
	assert_non_null(strstr(diff, "# +[ 5000] no server has a registration\n"));
	free(diff);
	sim_scenario_free(&scenario);
}

static void test_rewriting_makes_it_agree(void **state)
{
	static const char text[] = "# story\nserver a up\nstart\nrun 1s\n----\nold\n";
	char path[] = "/tmp/keepline-scenario-XXXXXX";
	struct sim_scenario scenario;
	int file = mkstemp(path);

	(void)state;
	assert_true(file >= 0);
	assert_int_equal(write(file, text, strlen(text)), strlen(text));
	close(file);
	assert_int_equal(sim_scenario_run(&scenario, path), 0);
	assert_false(sim_scenario_agrees(&scenario));
	assert_int_equal(sim_scenario_rewrite(&scenario, path), 0);
	sim_scenario_free(&scenario);

	assert_int_equal(sim_scenario_run(&scenario, path), 0);
	assert_true(sim_scenario_agrees(&scenario));
	assert_memory_equal(scenario.text, text,
			    strlen("# story\nserver a up\nstart\nrun 1s\n----\n"));
	sim_scenario_free(&scenario);
	unlink(path);
}

static void test_unreadable_files(void **state)
{
	struct sim_scenario scenario;

	(void)state;
	assert_int_equal(sim_scenario_run(&scenario, "/nowhere/s.txt"), -1);
	assert_string_equal(scenario.error, "/nowhere/s.txt: No such file or directory");
	sim_scenario_free(&scenario);
	assert_int_equal(sim_scenario_run(&scenario, "/proc/self/cmdline"), -1);
	assert_string_equal(scenario.error, "/proc/self/cmdline: not a text");
	sim_scenario_free(&scenario);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_errors_name_file_and_line),
		cmocka_unit_test(test_a_command_may_lack_every_word),
		cmocka_unit_test(test_long_lines_are_refused),
		cmocka_unit_test(test_agreement_and_difference),
		cmocka_unit_test(test_rewriting_makes_it_agree),
		cmocka_unit_test(test_unreadable_files),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
