/* config/native_inside: the endpoints behind the lines, as the native file has them (CONF-5,
 * AGENT-2). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "tests/config/load.h"

#define LINES                                                                                      \
	"lines:\n"                                                                                 \
	"  - {line: 3, user: bob, servers: {name: sip.example.com}}\n"                             \
	"  - {line: 5, user: eve, servers: {name: sip.example.com}}\n"

static void test_endpoints_agent_2(void **state)
{
	struct config *config =
		load_text(LINES "inside:\n"
				"  listen: '[::1]:5080'\n"
				"  realm: office\n"
				"  digest: md5\n"
				"  when_out: refuse\n"
				"  replace_loopback: no\n"
				"  journal: state/journal\n"
				"  endpoints:\n"
				"    - {user: desk, password: secret, lines: [5, 3, 5]}\n"
				"    - {user: pbx, address: 192.0.2.10:5062, transport: tcp}\n");
	const struct config_inside *inside = &config->inside;

	(void)state;
	assert_true(inside->is_set);
	assert_string_equal(inside->listen, "[::1]:5080");
	assert_string_equal(inside->realm, "office");
	assert_int_equal(inside->digest, CONFIG_DIGEST_MD5);
	assert_int_equal(inside->when_out, CONFIG_REFUSE);
	assert_false(inside->replaces_loopback);
	assert_string_equal(inside->journal, "state/journal");
	assert_int_equal(inside->endpoint_count, 2);
	assert_string_equal(inside->endpoints[0].name, "desk");
	assert_string_equal(inside->endpoints[0].password, "secret");
	assert_null(inside->endpoints[0].address);
	assert_int_equal(inside->endpoints[0].line_count, 2);
	assert_int_equal(inside->endpoints[0].lines[0], 1);
	assert_int_equal(inside->endpoints[0].lines[1], 0);
	assert_null(inside->endpoints[1].password);
	assert_string_equal(inside->endpoints[1].address, "192.0.2.10:5062");
	assert_int_equal(inside->endpoints[1].transport, KL_TCP);
	assert_int_equal(inside->endpoints[1].line_count, 2);
	assert_true(inside->endpoints[0].key != inside->endpoints[1].key);
	config_free(config);
}

static void test_defaults(void **state)
{
	struct config *config =
		load_text(LINES "inside: {endpoints: {user: desk, password: secret}}\n");

	(void)state;
	assert_true(config->inside.is_set);
	assert_string_equal(config->inside.listen, "127.0.0.1");
	assert_string_equal(config->inside.realm, "keepline");
	assert_int_equal(config->inside.when_out, CONFIG_STAY);
	assert_int_equal(config->inside.digest, CONFIG_DIGEST_MD5);
	assert_true(config->inside.replaces_loopback);
	assert_null(config->inside.journal);
	config_free(config);
	config = load_text(LINES);
	assert_false(config->inside.is_set);
	config_free(config);
}

/* Each is told with its place; the endpoints that can be served are. */
static void test_errors(void **state)
{
	struct config *config = load_text(LINES "inside:\n"
						"  realm: 'a\"b'\n"
						"  endpoints:\n"
						"    - {user: desk, password: secret}\n"
						"    - {user: desk, password: other}\n"
						"    - {user: lost}\n"
						"    - {password: secret}\n"
						"    - {user: far, password: x, lines: 4}\n"
						"    - {user: a, address: 192.0.2.1:5060}\n"
						"    - {user: b, address: 192.0.2.1:5062}\n"
						"    - {user: c@d, password: x, address: host}\n");

	(void)state;
	assert_int_equal(config->inside.endpoint_count, 2);
	assert_string_equal(config->inside.endpoints[1].name, "a");
	assert_told(
		config,
		"1.cfg:5:10: error: inside.realm: \"a\"b\" is not right here; expected a text "
		"without quotes and backslashes\n"
		"1.cfg:7:30: warning: inside.endpoints.1.password: every user of this machine may "
		"read the file that holds it: chmod o-r, or use password_file or password_env\n"
		"1.cfg:8:7: error: inside.endpoints: there is an endpoint of this name already; it "
		"is left out\n"
		"1.cfg:9:7: error: inside.endpoints: an endpoint needs a password, or the address "
		"of a PBX; it is left out\n"
		"1.cfg:10:7: error: inside.endpoints: an endpoint needs a user, which is its name; "
		"it is left out\n"
		"1.cfg:11:39: error: inside.endpoints.5.lines.1: there is no line 4\n"
		"1.cfg:13:7: error: inside.endpoints: there is an endpoint at this address "
		"already; "
		"it is left out\n"
		"1.cfg:14:7: error: inside.endpoints: an endpoint needs a user, which is its name; "
		"it is left out\n"
		"1.cfg:14:14: error: inside.endpoints.8.user: \"c@d\" is not right here; expected "
		"the user part of a SIP address, without @\n"
		"1.cfg:14:41: error: inside.endpoints.8.address: \"host\" is not right here; "
		"expected an IP address, with a port if need be: 192.0.2.1:5070 or [2001:db8::1]");
	config_free(config);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_endpoints_agent_2),
		cmocka_unit_test(test_defaults),
		cmocka_unit_test(test_errors),
	};

	return cmocka_run_group_tests(tests, load_enter, load_leave);
}
