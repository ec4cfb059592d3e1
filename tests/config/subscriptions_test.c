/* subscriptions_test.c - what lines are to subscribe to, and which lines are shared: SUBS-2 (part),
 * SUBS-3 (part). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "tests/config/load.h"

#define SERVER "voIpProt.server.1.address=\"sip.example.com\" "
#define POLY(attributes) XML("reg.1.address=\"bob\" " SERVER attributes)

/* "EVENT of RESOURCE for MS" of the Nth subscription of the first line. */
static void assert_asked(const struct config *config, uint32_t n, const char *expected)
{
	const struct config_subscription *asked = &config->lines[0].subscriptions[n];
	char text[128];

	assert_true(n < config->lines[0].subscription_count);
	snprintf(text, sizeof(text), "%s of %s for %u", asked->event, asked->resource,
		 asked->expires_ms);
	assert_string_equal(text, expected);
}

static void test_none_unless_asked_for(void **state)
{
	(void)state;
	struct config *config = load_text(POLY(""));
	assert_told(config, "");
	assert_int_equal(config->lines[0].subscription_count, 0);
	assert_false(config->lines[0].shared);
	assert_int_equal(config->lines[0].subscribe_expires_ms, 3600000);
	config_free(config);
}

/* A list of the native file, beside a vendor's: the time to ask for is the vendor's unless it says
 * it; the engine has room for all. */
static void test_a_list(void **state)
{
	(void)state;
	struct config *bare = load_text(POLY(""));
	struct config *config =
		load_texts(POLY("voIpProt.server.1.subscribe.expires=\"600\" "),
			   "lines:\n"
			   "  - line: 1\n"
			   "    subscriptions:\n"
			   "      - event: message-summary\n"
			   "      - {event: dialog, resource: carol, expires: 2m}\n"
			   "      - {event: x-cisco.status, resource: dan@example.org}\n");
	assert_told(config, "");
	assert_asked(config, 0, "message-summary of  for 600000");
	assert_asked(config, 1, "dialog of carol for 120000");
	assert_asked(config, 2, "x-cisco.status of dan@example.org for 600000");
	assert_int_equal(config->engine.limits.subscriptions,
			 bare->engine.limits.subscriptions + 3);
	config_free(config);
	config_free(bare);
}

/* Polycom UC Software 5.8: reg.x.type shared; its appearances are watched by call-info.  A server
 * of the line's own rules over the site's time. */
static void test_a_shared_line(void **state)
{
	(void)state;
	struct config *config =
		load_text(POLY("reg.1.type=\"shared\" reg.1.server.1.address=\"a.example.com\" "
			       "reg.1.server.1.subscribe.expires=\"300\" "
			       "voIpProt.server.1.subscribe.expires=\"600\" "));
	assert_told(config, "");
	assert_true(config->lines[0].shared);
	assert_int_equal(config->lines[0].subscription_count, 1);
	assert_asked(config, 0, "call-info of  for 300000");
	config_free(config);
	config = load_text("lines: [{user: bob, shared: yes, servers: {name: a.example.com}}]");
	assert_told(config, "");
	assert_true(config->lines[0].shared);
	assert_asked(config, 0, "call-info of  for 3600000");
	config_free(config);
}

/* Vendors whose files say nothing of it ask for what the parameter does where it is not set. */
static void test_a_yealink_line(void **state)
{
	(void)state;
	struct config *config =
		load_texts(YEALINK("account.1.user_name = bob\n"
				   "account.1.sip_server.1.address = sip.example.com\n"),
			   "lines: [{line: 1, subscriptions: {event: message-summary}}]\n");
	assert_told(config, "");
	assert_asked(config, 0, "message-summary of  for 3600000");
	config_free(config);
}

static void test_errors_leave_the_rest(void **state)
{
	(void)state;
	struct config *config = load_text("lines:\n"
					  "  - user: bob\n"
					  "    servers: {name: sip.example.com}\n"
					  "    subscriptions:\n"
					  "      - {resource: carol}\n"
					  "      - {event: a b}\n"
					  "      - {event: dialog, resource: '<x>'}\n"
					  "      - {event: dialog, expires: 1s}\n");
	assert_int_equal(config->error_count, 5);
	assert_int_equal(config->lines[0].subscription_count, 2);
	assert_asked(config, 1, "dialog of  for 3600000");
	config_free(config);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_none_unless_asked_for), cmocka_unit_test(test_a_list),
		cmocka_unit_test(test_a_shared_line),         cmocka_unit_test(test_a_yealink_line),
		cmocka_unit_test(test_errors_leave_the_rest),
	};
	return cmocka_run_group_tests(tests, load_enter, load_leave);
}
