/* sip/session: RFC 4028, in virtual time; and the waits after a 491 (RFC 3261 14.1). */
#include "tests/sip/parse.h"

#include "sip/dialog.h"
#include "sip/session.h"

#include <stdio.h>

static struct sip_message message_of(const char *start, const char *more)
{
	char text[1024];

	snprintf(text, sizeof text,
		 "%s\r\nVia: SIP/2.0/UDP x;branch=z9hG4bK1\r\nFrom: <sip:a@x>;tag=1\r\n"
		 "To: <sip:b@x>;tag=2\r\nCall-ID: c\r\nCSeq: 1 INVITE\r\n%s\r\n",
		 start, more);
	return parse(text);
}

static struct sip_session answered(uint32_t wanted_s, const char *more)
{
	struct sip_message response = message_of("SIP/2.0 200 OK", more);
	struct sip_session session;

	sip_session_init(&session, wanted_s);
	sip_session_take_answer(&session, &response, 1000);
	sip_message_clear(&response);
	return session;
}

static struct sip_session asked(uint32_t wanted_s, const char *more)
{
	struct sip_message request = message_of("INVITE sip:b@x SIP/2.0", more);
	struct sip_session session;

	sip_session_init(&session, wanted_s);
	sip_session_take_request(&session, &request, 1000);
	sip_message_clear(&request);
	return session;
}

static bool admits(const char *more)
{
	struct sip_message request = message_of("INVITE sip:b@x SIP/2.0", more);
	struct sip_session session;
	bool result;

	sip_session_init(&session, 1800);
	result = sip_session_admits(&session, &request);
	sip_message_clear(&request);
	return result;
}

static void assert_written(const struct sip_session *session,
			   void (*write)(const struct sip_session *, struct sip_builder *),
			   const char *text)
{
	char bytes[256] = "";
	struct sip_builder builder;

	sip_builder_init(&builder, bytes, sizeof bytes);
	write(session, &builder);
	bytes[builder.length] = '\0';
	assert_string_equal(bytes, text);
}

/* CALL-1 (part), RFC 4028 7.2, 10: the refresher acts at half of it; the other waits until 32 s
 * before the end, or a third of it where that is less. */
static void the_interval_of_an_answer_rules(void **state)
{
	struct sip_session s = answered(1800, "Session-Expires: 1800;refresher=uac\r\n");

	(void)state;
	assert_true(s.is_refresher);
	assert_int_equal(s.refresh_at, 1000 + 900000);
	assert_int_equal(s.expire_at, 1000 + 1800000 - 32000);
	s = answered(1800, "x: 90;refresher=uas\r\n");
	assert_false(s.is_refresher);
	assert_int_equal(s.refresh_at, SIP_NEVER);
	assert_int_equal(s.expire_at, 1000 + 60000);
	s = answered(1800, "Session-Expires: 1\r\n"); /* less than anybody may ask for */
	assert_int_equal(s.interval_s, 90);
	s = answered(1800, "");
	assert_int_equal(s.interval_s, 0);
	assert_int_equal(s.expire_at, SIP_NEVER);
}

/* RFC 4028 9, table 2: who refreshes. */
static void the_called_side_settles_the_roles(void **state)
{
	struct sip_session s = asked(1800, "");

	(void)state;
	assert_true(s.is_refresher);
	assert_int_equal(s.interval_s, 1800);
	assert_written(&s, sip_session_write_answer, "Session-Expires: 1800;refresher=uas\r\n");
	s = asked(1800, "Supported: timer\r\nSession-Expires: 600\r\n");
	assert_false(s.is_refresher);
	assert_written(&s, sip_session_write_answer,
		       "Session-Expires: 600;refresher=uac\r\nRequire: timer\r\n");
	s = asked(1800, "k: timer\r\nSession-Expires: 600;refresher=uas\r\n");
	assert_true(s.is_refresher);
	s = asked(1800, "Supported: timer\r\nMin-SE: 3600\r\n");
	assert_int_equal(s.interval_s, 3600);
	s = asked(0, "Supported: timer\r\n");
	assert_written(&s, sip_session_write_answer, "");
}

/* RFC 4028 9: 422 is for those who know of timers; others can do nothing about it. */
static void a_short_session_is_refused(void **state)
{
	(void)state;
	assert_true(admits(""));
	assert_true(admits("Supported: timer\r\nSession-Expires: 90\r\n"));
	assert_false(admits("Supported: timer\r\nSession-Expires: 89\r\n"));
	assert_true(admits("Session-Expires: 30\r\n"));
}

/* RFC 4028 7.3, 7.4: after a 422 more is asked for; a refresh keeps the roles. */
static void a_refusal_is_asked_again_once(void **state)
{
	struct sip_message refusal = message_of("SIP/2.0 422 no", "Min-SE: 3600\r\n");
	struct sip_session s;

	(void)state;
	sip_session_init(&s, 1800);
	assert_written(&s, sip_session_write_request, "Session-Expires: 1800\r\n");
	assert_true(sip_session_take_refusal(&s, &refusal));
	assert_written(&s, sip_session_write_request, "Session-Expires: 3600\r\nMin-SE: 3600\r\n");
	assert_false(sip_session_take_refusal(&s, &refusal));
	sip_message_clear(&refusal);
	s = answered(1800, "Session-Expires: 600;refresher=uas\r\n");
	assert_written(&s, sip_session_write_request, "Session-Expires: 600;refresher=uas\r\n");
	sip_session_init(&s, 0);
	assert_written(&s, sip_session_write_request, "");
}

/* CALL-1 (part), RFC 3261 14.1: who made the Call-ID waits 2.1 to 4 s, the other up to 2 s. */
static void a_glare_is_waited_out(void **state)
{
	const struct sip_dialog owner = {.is_caller = true}, other = {.is_caller = false};
	uint32_t least = UINT32_MAX, most = 0, most_other = 0;

	(void)state;
	for (uint64_t draw = 0; draw < 1000; draw++) {
		uint32_t ms = sip_dialog_glare_ms(&owner, draw);

		least = ms < least ? ms : least;
		most = ms > most ? ms : most;
		ms = sip_dialog_glare_ms(&other, draw);
		most_other = ms > most_other ? ms : most_other;
		assert_int_equal(ms % 10, 0);
	}
	assert_int_equal(least, 2100);
	assert_int_equal(most, 4000);
	assert_int_equal(most_other, 2000);
	assert_int_equal(sip_dialog_glare_ms(&other, 0), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_interval_of_an_answer_rules),
		cmocka_unit_test(the_called_side_settles_the_roles),
		cmocka_unit_test(a_short_session_is_refused),
		cmocka_unit_test(a_refusal_is_asked_again_once),
		cmocka_unit_test(a_glare_is_waited_out),
	};

	sip_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
