/* key_test.c - the lasting names of lines: what a reload takes for the same line. */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "tests/config/load.h"

#define SITE "voIpProt.server.1.address=\"sip.example.com\" "

/* Loads a Polycom file with these attributes, which must be of COUNT lines, and notes their keys.
 */
static void read_keys(const char *text, uint32_t count, uint64_t *keys)
{
	struct config *config = load_text(text);

	assert_int_equal(config->engine.line_count, count);
	for (uint32_t i = 0; i < count; i++) {
		keys[i] = config->engine.lines[i].key;
		assert_true(keys[i] != 0);
	}
	config_free(config);
}

/* Neither its number, nor its place, nor its label make a line another one. */
static void test_same_line(void **state)
{
	uint64_t before[2], after[2];

	(void)state;
	read_keys(XML(SITE "reg.1.address=\"bob\" reg.2.address=\"eve\""), 2, before);
	read_keys(XML(SITE "reg.5.address=\"bob\" reg.5.label=\"Bob\" reg.5.displayName=\"B\""
			   " reg.3.address=\"eve\""),
		  2, after);
	assert_true(before[0] != before[1]);
	assert_true(after[0] == before[1]);
	assert_true(after[1] == before[0]);
}

/* Whatever a registrar tells lines apart by does. */
static void test_other_line(void **state)
{
	static const char *const others[] = {
		XML(SITE "reg.1.address=\"bob2\""),
		XML(SITE "reg.1.address=\"bob@other.example.com\""),
		XML(SITE "reg.1.address=\"bob\" reg.1.auth.userId=\"b\""),
		XML(SITE "reg.1.address=\"bob\" reg.1.auth.password=\"b\""),
		XML("reg.1.address=\"bob@sip.example.com\" "
		    "reg.1.server.1.address=\"a.example.com\""),
		XML(SITE "reg.1.address=\"bob\" reg.1.server.1.address=\"sip.example.com\""
			 " reg.1.server.1.port=\"5070\""),
	};
	uint64_t bob, other;

	(void)state;
	read_keys(XML(SITE "reg.1.address=\"bob\""), 1, &bob);
	for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
		read_keys(others[i], 1, &other);
		if (other == bob)
			fail_msg("the same key: %s", others[i]);
	}
}

/* Lines that are alike have a key each, by their order, whatever stands between them. */
static void test_lines_alike(void **state)
{
	uint64_t two[2], three[3];

	(void)state;
	read_keys(XML(SITE "reg.1.address=\"bob\" reg.2.address=\"bob\""), 2, two);
	read_keys(XML(SITE "reg.1.address=\"bob\" reg.2.address=\"eve\" reg.3.address=\"bob\""), 3,
		  three);
	assert_true(two[0] != two[1]);
	assert_true(three[0] == two[0]);
	assert_true(three[2] == two[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_same_line),
		cmocka_unit_test(test_other_line),
		cmocka_unit_test(test_lines_alike),
	};

	return cmocka_run_group_tests(tests, load_enter, load_leave);
}
