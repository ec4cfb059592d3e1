/* The lab's registrar keeps the contacts of many users apart. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "lab/registrar.h"
#include "sip/message.h"

enum { NOW_MS = 1000, TEXT_SIZE = 1024 };

/* Takes a REGISTER of USER with CONTACT, and writes the answer's headers to ANSWER. */
static unsigned take(struct lab_registrar *registrar, const char *user, const char *contact,
		     char answer[TEXT_SIZE])
{
	char text[TEXT_SIZE];
	struct sip_message request;
	struct sip_builder builder;
	int length =
		snprintf(text, sizeof text,
			 "REGISTER sip:lab.test SIP/2.0\r\n"
			 "Via: SIP/2.0/UDP 192.0.2.9;branch=z9hG4bK1\r\n"
			 "From: <sip:%s@lab.test>;tag=1\r\n"
			 "To: <sip:%s@lab.test>\r\n"
			 "Call-ID: %s\r\nCSeq: 1 REGISTER\r\nContact: %s\r\nExpires: %s\r\n\r\n",
			 user, user, user, contact, *contact == '*' ? "0" : "60");

	assert_int_equal(sip_message_parse(&request, text, (size_t)length), 0);
	struct lab_registration done = lab_registrar_take(registrar, &request, NOW_MS);
	sip_builder_init(&builder, answer, TEXT_SIZE);
	lab_registrar_write(registrar, &done, &builder, NOW_MS);
	answer[builder.length] = '\0';
	sip_message_clear(&request);
	return done.status;
}

static void test_contacts_are_their_users(void **state)
{
	static struct lab_registrar registrar;
	char answer[TEXT_SIZE];

	(void)state;
	assert_int_equal(
		lab_registrar_init(&registrar, &(struct lab_registrar_config){.realm = "lab"}), 0);
	assert_int_equal(take(&registrar, "alice", "<sip:a@192.0.2.1>", answer), 200);
	assert_int_equal(take(&registrar, "bob", "<sip:b@192.0.2.2>", answer), 200);
	assert_non_null(strstr(answer, "192.0.2.2"));
	assert_null(strstr(answer, "192.0.2.1"));
	assert_int_equal(lab_registrar_count(&registrar, NOW_MS), 2);
	/* The same contact of both stays two bindings; "*" takes those of its user alone. */
	assert_int_equal(take(&registrar, "bob", "<sip:a@192.0.2.1>", answer), 200);
	assert_int_equal(lab_registrar_count(&registrar, NOW_MS), 3);
	assert_int_equal(take(&registrar, "bob", "*", answer), 200);
	assert_int_equal(lab_registrar_count(&registrar, NOW_MS), 1);
	assert_int_equal(take(&registrar, "alice", "<sip:c@192.0.2.3>", answer), 200);
	assert_non_null(strstr(answer, "192.0.2.1"));
	assert_non_null(strstr(answer, "192.0.2.3"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_contacts_are_their_users),
	};

	sip_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
