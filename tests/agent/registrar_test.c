/* agent/registrar: RFC 3261 10.3, RFC 5626 6 (part), for endpoints inside (AGENT-2). */
#include "tests/sip/parse.h"

#include <stdio.h>
#include <stdlib.h>

#include "agent/registrar.h"
#include "agent/remember.h"

struct changes {
	int made, gone;
};

static void note_change(void *user, const struct agent_binding *binding, bool is_gone)
{
	struct changes *changes = user;

	assert_int_equal(binding->line, 1);
	if (is_gone)
		changes->gone++;
	else
		changes->made++;
}

static struct changes changes;

/* A REGISTER with these header lines, for line 1. */
static unsigned take(struct agent_registrar *registrar, uint32_t endpoint, unsigned cseq,
		     const char *headers, uint64_t now)
{
	struct agent_register order = {
		.line = 1, .endpoint = endpoint, .on_change = note_change, .user = &changes};
	struct sip_message request;
	unsigned status;
	char text[2048];

	snprintf(text, sizeof(text),
		 "REGISTER sip:x SIP/2.0\r\nVia: SIP/2.0/UDP h\r\nFrom: <sip:a@x>;tag=1\r\n"
		 "To: <sip:a@x>\r\nCall-ID: c\r\nCSeq: %u REGISTER\r\n%s\r\n",
		 cseq, headers);
	request = parse(text);
	order.request = &request;
	status = agent_registrar_take(registrar, &order, now);
	sip_message_clear(&request);
	return status;
}

static const char *list(struct agent_registrar *registrar, uint32_t endpoint, uint64_t now)
{
	static char bytes[4096];
	struct sip_builder builder;

	sip_builder_init(&builder, bytes, sizeof(bytes));
	agent_registrar_write(registrar, 1, endpoint, &builder, now);
	bytes[builder.length] = '\0';
	return bytes;
}

static void test_life_of_a_binding_agent_2(void **state)
{
	struct agent_registrar *registrar = agent_registrar_new(3);

	(void)state;
	changes = (struct changes){0};
	assert_int_equal(take(registrar, 0, 1, "Contact: <sip:a@h:1>\r\nExpires: 60\r\n", 0), 200);
	assert_string_equal(list(registrar, 0, 500), "Contact: <sip:a@h:1>;expires=60\r\n");
	assert_string_equal(list(registrar, 1, 500), "");
	assert_int_equal(take(registrar, 0, 2, "Contact: <sip:a@H:1>;expires=90\r\n", 1000), 200);
	assert_string_equal(list(registrar, 0, 1000), "Contact: <sip:a@H:1>;expires=90\r\n");
	assert_int_equal(take(registrar, 0, 3, "", 2000), 200); /* a question */
	assert_int_equal(take(registrar, 1, 3, "Contact: <sip:a@i>\r\n", 2000), 200);
	assert_int_equal(agent_registrar_count(registrar), 2);
	assert_int_equal(take(registrar, 0, 4, "Contact: <sip:a@h:1>;expires=0\r\n", 3000), 200);
	assert_string_equal(list(registrar, 0, 3000), "");
	assert_string_equal(list(registrar, 1, 3000), "Contact: <sip:a@i>;expires=3599\r\n");
	assert_int_equal(take(registrar, 1, 4, "Contact: *\r\nExpires: 0\r\n", 4000), 200);
	assert_int_equal(agent_registrar_count(registrar), 0);
	assert_int_equal(changes.made, 3);
	assert_int_equal(changes.gone, 2);
	agent_registrar_free(registrar);
}

/* A device that comes back with another address replaces its old one. */
static void test_instance_rfc_5626(void **state)
{
	struct agent_registrar *registrar = agent_registrar_new(3);

	(void)state;
	assert_int_equal(
		take(registrar, 0, 1, "Contact: <sip:a@h:1>;+sip.instance=\"<urn:uuid:1>\"\r\n", 0),
		200);
	assert_int_equal(take(registrar, 0, 2,
			      "Contact: <sip:a@h:2>;+sip.instance=\"<urn:uuid:1>\";reg-id=1\r\n"
			      "Path: <sip:edge;lr>\r\n",
			      0),
			 200);
	assert_string_equal(list(registrar, 0, 0),
			    "Contact: <sip:a@h:2>;expires=3600;+sip.instance=\"<urn:uuid:1>\"\r\n");
	assert_string_equal(agent_registrar_next(registrar, 1, NULL, 0)->path, "<sip:edge;lr>");
	agent_registrar_free(registrar);
}

static void test_refused(void **state)
{
	static const struct {
		const char *headers;
		unsigned status;
	} rows[] = {
		{"Contact: <sip:a@h>\r\nExpires: 29\r\n", 423},
		{"Contact: *\r\n", 400},
		{"Contact: *\r\nExpires: 60\r\n", 400},
		{"Contact: *, <sip:a@h>\r\nExpires: 0\r\n", 400},
		{"Contact: <tel:+1>\r\n", 400},
		{"Contact: <sip:a@h\r\n", 400},
		{"Contact: <sip:a@1>, <sip:a@2>, <sip:a@3>, <sip:a@4>, <sip:a@5>, <sip:a@6>, "
		 "<sip:a@7>, <sip:a@8>, <sip:a@9>, <sip:a@10>, <sip:a@11>\r\n",
		 403},
	};
	struct agent_registrar *registrar = agent_registrar_new(3);

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		assert_int_equal(take(registrar, 0, 1, rows[i].headers, 0), rows[i].status);
	assert_int_equal(agent_registrar_count(registrar), 0);
	/* Out of order. */
	assert_int_equal(take(registrar, 0, 5, "Contact: <sip:a@h>\r\n", 0), 200);
	assert_int_equal(take(registrar, 0, 5, "Contact: <sip:a@h>;expires=0\r\n", 0), 500);
	assert_int_equal(agent_registrar_count(registrar), 1);
	agent_registrar_free(registrar);
}

/* One line takes as many as ring together, from all its endpoints. */
static void test_too_many(void **state)
{
	struct agent_registrar *registrar = agent_registrar_new(3);
	char contact[64];

	(void)state;
	for (unsigned i = 0; i < AGENT_BINDINGS_MAX; i++) {
		snprintf(contact, sizeof(contact), "Contact: <sip:a@h:%u>\r\n", 1 + i);
		assert_int_equal(take(registrar, i % 3, 1, contact, 0), 200);
	}
	assert_int_equal(take(registrar, 0, 1, "Contact: <sip:a@h:99>\r\n", 0), 403);
	assert_int_equal(take(registrar, 0, 2, "Contact: <sip:a@h:1>\r\n", 0), 200);
	agent_registrar_free(registrar);
}

static bool is_first(void *user, const struct agent_binding *binding)
{
	return binding->endpoint == *(const uint32_t *)user;
}

/* A reload: room for more lines, and some may not be here any more. */
static void test_reload(void **state)
{
	struct agent_registrar *registrar = agent_registrar_new(2);
	const struct agent_register order = {.on_change = note_change, .user = &changes};
	uint32_t first = 1;

	(void)state;
	changes = (struct changes){0, 0};
	assert_int_equal(take(registrar, 1, 1, "Contact: <sip:a@h>\r\n", 0), 200);
	assert_int_equal(take(registrar, 2, 1, "Contact: <sip:b@h>\r\n", 0), 200);
	assert_int_equal(agent_registrar_reserve(registrar, 1), 0);
	assert_int_equal(agent_registrar_reserve(registrar, 1000), 0);
	assert_null(agent_registrar_next(registrar, 999, NULL, 0));
	assert_int_equal(agent_registrar_count(registrar), 2);
	agent_registrar_filter(registrar, &order, is_first, &first);
	assert_int_equal(changes.gone, 1);
	assert_int_equal(agent_registrar_count(registrar), 1);
	assert_int_equal(agent_registrar_next(registrar, 1, NULL, 0)->endpoint, 1);
	assert_int_equal(take(registrar, 1, 2, "Contact: <sip:a@h>;expires=0\r\n", 0), 200);
	assert_int_equal(agent_registrar_count(registrar), 0);
	agent_registrar_free(registrar);
}

static void test_time_goes_by(void **state)
{
	struct agent_registrar *registrar = agent_registrar_new(3);
	const struct agent_register order = {.on_change = note_change, .user = &changes};

	(void)state;
	changes = (struct changes){0};
	take(registrar, 0, 1, "Contact: <sip:a@h>;expires=30, <sip:a@i>;expires=99999\r\n", 0);
	assert_non_null(agent_registrar_next(registrar, 1, NULL, 29999));
	agent_registrar_sweep(registrar, &order, 29999);
	assert_int_equal(changes.gone, 0);
	agent_registrar_sweep(registrar, &order, 30000);
	assert_int_equal(changes.gone, 1);
	assert_string_equal(list(registrar, 0, 30000), "Contact: <sip:a@i>;expires=3570\r\n");
	assert_null(agent_registrar_next(registrar, 1, NULL, 3600000));
	agent_registrar_free(registrar);
}

/* What was there before a restart is there again; ids go on from it. */
static void test_restore_agent_12(void **state)
{
	struct agent_registrar *registrar = agent_registrar_new(3);
	struct agent_binding was = {.id = 9,
				    .line = 1,
				    .endpoint = 2,
				    .contact = (char[]){"sip:a@h"},
				    .instance = (char[]){""},
				    .path = (char[]){""},
				    .call_id = (char[]){"c"},
				    .cseq = 7,
				    .expires_at = 5000};

	(void)state;
	assert_int_equal(agent_registrar_restore(registrar, &was), 0);
	assert_int_equal(agent_registrar_restore(registrar, &was), 0);
	assert_int_equal(agent_registrar_count(registrar), 1);
	assert_string_equal(list(registrar, 2, 0), "Contact: <sip:a@h>;expires=5\r\n");
	assert_int_equal(take(registrar, 2, 7, "Contact: <sip:a@h>\r\n", 0), 500);
	assert_int_equal(take(registrar, 2, 8, "Contact: <sip:a@i>\r\n", 0), 200);
	assert_int_equal(agent_registrar_next(registrar, 1, NULL, 0)->id, 10);
	agent_registrar_forget(registrar, 9);
	agent_registrar_forget(registrar, 9);
	assert_int_equal(agent_registrar_count(registrar), 1);
	agent_registrar_free(registrar);
}

static uint32_t find_same(void *user, uint64_t key)
{
	(void)user;
	return key < 3 ? (uint32_t)key : UINT32_MAX;
}

/* A binding as a record of the journal: it comes back with what was left of its time, and nothing
 * that is cut short or changed does harm. */
static void test_record_agent_12(void **state)
{
	static const struct agent_finder finder = {find_same, find_same, NULL};
	static const struct agent_names names = {1, 2};
	const struct agent_moment at = {.now = 1000, .wall = 1700000000000};
	const struct agent_moment later = {.now = 7, .wall = 1700000020000};
	const struct agent_moment too_late = {.now = 7, .wall = 1700000061000};
	struct agent_registrar *registrar = agent_registrar_new(3);
	const struct agent_binding was = {.line = 0,
					  .contact = (char[]){"sip:a@h"},
					  .instance = (char[]){"<urn:uuid:1>"},
					  .path = (char[]){""},
					  .call_id = (char[]){"c"},
					  .cseq = 7,
					  .expires_at = 61000};
	const struct agent_binding *now;
	char bytes[512];
	int length = agent_binding_record(&was, &names, &at, bytes, sizeof(bytes));
	struct sip_span record = {bytes, (size_t)length};

	(void)state;
	assert_true(length > 0);
	assert_int_equal(agent_binding_record(&was, &names, &at, bytes, (size_t)length - 1),
			 SIP_ESPACE);
	assert_int_equal(agent_binding_recall(registrar, 5, record, &finder, &too_late),
			 SIP_EABSENT);
	assert_int_equal(agent_binding_recall(registrar, 5, record, &finder, &later), 0);
	now = agent_registrar_next(registrar, 1, NULL, 7);
	assert_non_null(now);
	assert_int_equal(now->endpoint, 2);
	assert_int_equal(now->expires_at, 7 + 40000);
	assert_string_equal(now->instance, "<urn:uuid:1>");
	for (size_t i = 0; i < (size_t)length; i++) {
		char *cut = malloc(i + 1);

		memcpy(cut, bytes, i);
		record = (struct sip_span){cut, i};
		assert_true(agent_binding_recall(registrar, 5, record, &finder, &later) < 0);
		free(cut);
		record = (struct sip_span){bytes, (size_t)length};
		bytes[i] ^= (char)0xff;
		agent_binding_recall(registrar, 5, record, &finder, &later);
		bytes[i] ^= (char)0xff;
	}
	agent_registrar_free(registrar);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_life_of_a_binding_agent_2),
		cmocka_unit_test(test_instance_rfc_5626),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_too_many),
		cmocka_unit_test(test_reload),
		cmocka_unit_test(test_time_goes_by),
		cmocka_unit_test(test_restore_agent_12),
		cmocka_unit_test(test_record_agent_12),
	};

	sip_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
