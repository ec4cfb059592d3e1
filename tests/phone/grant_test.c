/* grant_test.c - the time that a 200 to REGISTER grants (REG-2, RFC 3261 10.2.4). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "phone/grant.h"

#define OURS "<sip:alice@192.0.2.7:5060>"
#define INSTANCE ";+sip.instance=\"<urn:uuid:1>\""
#define OTHER_INSTANCE ";+sip.instance=\"<urn:uuid:2>\""

static const struct grant_case {
	const char *headers;
	kl_ms granted_s;
	bool guessed;
} cases[] = {
	/* Where the time stands: Contact, else Expires, else what was asked. */
	{"Contact: " OURS ";expires=60\r\nExpires: 90\r\n", 60, false},
	{"Contact: " OURS "\r\nExpires: 90\r\n", 90, false},
	{"Contact: " OURS "\r\n", 3600, false},
	{"Contact: " OURS ";expires=0\r\n", 0, false},
	/* Which contact is ours: by instance, else by URI, else by user. */
	{"Contact: " OURS ";expires=60, <sip:x@y>" INSTANCE ";expires=70\r\n", 70, false},
	{"Contact: <sip:alice@198.51.100.1>;expires=50\r\nContact: " OURS ";expires=60\r\n", 60,
	 false},
	{"Contact: <sip:bob@192.0.2.7:5060>;expires=50, <sip:alice@nat:1>;expires=40\r\n", 40,
	 false},
	/* Another device of the same user is not us. */
	{"Contact: <sip:alice@198.51.100.1>" OTHER_INSTANCE ";expires=50\r\n", 0, true},
	/* A rewritten one: taken if it is the only one, or if the header has a time. */
	{"Contact: <sip:7f3a@198.51.100.1>;expires=50\r\n", 50, true},
	{"Contact: <sip:a@b>;expires=50, <sip:c@d>;expires=60\r\n", 0, true},
	{"Contact: <sip:a@b>;expires=50, <sip:c@d>;expires=60\r\nExpires: 70\r\n", 70, true},
	{"Expires: 70\r\n", 70, true},
	{"", 0, true},
	/* What makes no sense is passed over. */
	{"Contact: *\r\n", 0, true},
	{"Contact: " OURS ";expires=soon\r\nExpires: 30\r\n", 30, false},
};

/* RFC 5626 6: of one instance each reg-id has a contact. */
static const struct flow_case {
	uint32_t reg_id; /* ours; 0: none */
	struct grant_case test;
} flow_cases[] = {
	{2,
	 {"Contact: " OURS INSTANCE ";reg-id=1;expires=70, " OURS INSTANCE
	  ";reg-id=2;expires=60\r\n",
	  60, false}},
	{2, {"Contact: " OURS INSTANCE ";reg-id=1;expires=70\r\n", 0, true}},
	/* A registrar without outbound does not say it again. */
	{2, {"Contact: " OURS INSTANCE ";expires=60\r\n", 60, false}},
	{2, {"Contact: " OURS INSTANCE ";reg-id=x;expires=60\r\n", 60, false}},
	/* A flow that was left behind is not what was asked for. */
	{0,
	 {"Contact: " OURS INSTANCE ";reg-id=1;expires=70, " OURS INSTANCE ";expires=60\r\n", 60,
	  false}},
};

static struct phone_grant read_case(const struct grant_case *test, uint32_t reg_id)
{
	const struct phone_contact ours = {
		.uri = "sip:alice@192.0.2.7:5060",
		.instance = "<urn:uuid:1>",
		.reg_id = reg_id,
		.asked_ms = 3600000,
	};
	struct sip_message message;
	struct phone_grant grant;
	char text[1024];
	int length = snprintf(text, sizeof text,
			      "SIP/2.0 200 OK\r\n"
			      "Via: SIP/2.0/UDP 192.0.2.7;branch=z9hG4bK1\r\n"
			      "From: <sip:alice@sip.test>;tag=1\r\n"
			      "To: <sip:alice@sip.test>;tag=2\r\n"
			      "Call-ID: 1\r\n"
			      "CSeq: 1 REGISTER\r\n"
			      "%s\r\n",
			      test->headers);

	assert_int_equal(sip_message_parse(&message, text, (size_t)length), 0);
	grant = phone_grant_read(&message, &ours);
	sip_message_clear(&message);
	return grant;
}

static void judge_case(const struct grant_case *test, uint32_t reg_id)
{
	struct phone_grant grant = read_case(test, reg_id);

	if (grant.granted_ms != test->granted_s * 1000 || grant.guessed != test->guessed)
		fail_msg("%s: granted %llu ms%s", test->headers,
			 (unsigned long long)grant.granted_ms, grant.guessed ? ", guessed" : "");
}

/* REG-2 */
static void the_time_of_our_contact_counts(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
		judge_case(&cases[i], 0);
}

/* OWN-6 (part) */
static void the_time_of_our_flow_counts(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof flow_cases / sizeof flow_cases[0]; i++)
		judge_case(&flow_cases[i].test, flow_cases[i].reg_id);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_time_of_our_contact_counts),
		cmocka_unit_test(the_time_of_our_flow_counts),
	};

	sip_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
