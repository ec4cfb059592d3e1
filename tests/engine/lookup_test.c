/* What the DNS may answer, and what serves in its place: histories of replies against a model of a
 * few lines, hostile answers, static records that are wrong or too many.   DNS-14, DNS-15, DNS-16,
 * DNS-17 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "keepline/keepline.h"

enum {
	HISTORIES = 400,
	REPLIES = 60,
	NETWORK = 1, /* last byte of the address that the DNS gives */
	STATIC = 2,  /* ... and of the one that the configuration has */
};

/* One line that does not register, so that nothing but names is going on. */
struct phone {
	struct kl_policy policy;
	struct kl_entry_config entry;
	struct kl_line_config line;
	struct kl_static_record record;
	struct kl_config config;
	struct kl_engine *engine;
	kl_ms now;
	uint32_t query;
	bool asked; /* and not answered */
};

static struct kl_dns_record address(uint8_t last, kl_ms ttl_ms)
{
	return (struct kl_dns_record){.ttl_ms = ttl_ms, .ip = {[10] = 0xff, 0xff, 192, 0, 2, last}};
}

static void init(struct phone *phone, enum kl_profile profile)
{
	*phone = (struct phone){0};
	kl_policy_profile(&phone->policy, profile);
	phone->policy.probe_ms = 0; /* what it finds it does not ask */
	phone->entry = (struct kl_entry_config){
		.name = "example.test", .port = 5060, .policy = &phone->policy};
	phone->line = (struct kl_line_config){.entries = &phone->entry, .entry_count = 1};
	phone->record = (struct kl_static_record){"Example.test.", KL_A, address(STATIC, 300000)};
	phone->config = (struct kl_config){.lines = &phone->line,
					   .line_count = 1,
					   .static_records = &phone->record,
					   .transports = 1 << KL_UDP,
					   .families = KL_IPV4};
	kl_limits_default(&phone->config);
}

static void feed(struct phone *phone, const struct kl_event *event)
{
	struct kl_action action;

	assert_int_equal(kl_feed(phone->engine, event, phone->now), KL_OK);
	while (kl_next_action(phone->engine, &action)) {
		assert_int_not_equal(action.type, KL_DO_SEND);
		if (action.type != KL_DO_QUERY)
			continue;
		assert_false(phone->asked);
		phone->asked = true;
		phone->query = action.query.query;
	}
}

static void begin(struct phone *phone)
{
	size_t size = kl_engine_size(&phone->config);

	phone->engine = malloc(size);
	assert_non_null(phone->engine);
	assert_int_equal(kl_engine_init(phone->engine, size, &phone->config, 1, 0), KL_OK);
	feed(phone, &(struct kl_event){.type = KL_EV_LINE_START});
}

static void reply(struct phone *phone, enum kl_dns_status status,
		  const struct kl_dns_record *records, uint32_t count)
{
	assert_true(phone->asked);
	phone->asked = false;
	feed(phone,
	     &(struct kl_event){.type = KL_EV_DNS, .dns = {phone->query, status, count, records}});
}

/* Time goes on until the DNS is asked again; false: it never is. */
static bool wait_for_question(struct phone *phone)
{
	while (!phone->asked && kl_deadline(phone->engine) != KL_NEVER) {
		phone->now = kl_deadline(phone->engine);
		feed(phone, &(struct kl_event){.type = KL_EV_TIME});
	}
	return phone->asked;
}

/* The last byte of the first route's address; 0: there is no route. */
static uint8_t first_route(const struct phone *phone)
{
	struct kl_route_view view;

	return kl_get_route(phone->engine, 0, 0, 0, &view) ? 0 : view.route.ip[15];
}

static uint32_t count_routes(const struct phone *phone)
{
	struct kl_entry_view view;

	kl_get_entry(phone->engine, 0, 0, &view);
	return view.routes;
}

static uint32_t roll(uint64_t *random, uint32_t sides)
{
	*random ^= *random >> 12;
	*random ^= *random << 25;
	*random ^= *random >> 27;
	return (uint32_t)(*random * UINT64_C(2685821657736338717) >> 33) % sides;
}

/* Only silence restores, and only what the last reply gave; static records are for all the
 * rest. */
static void test_any_history_of_replies_T17(void **state)
{
	const struct kl_dns_record record = address(NETWORK, 60000);
	uint64_t random = 1;
	struct phone phone;

	(void)state;
	for (int history = 0; history < HISTORIES; history++) {
		bool known = false;

		init(&phone, KL_PROFILE_POLY);
		phone.policy.dns_restore = roll(&random, 2);
		phone.policy.dns_stale = roll(&random, 3) == 0;
		phone.config.static_record_count = roll(&random, 2);
		begin(&phone);
		for (int i = 0; i < REPLIES; i++) {
			enum kl_dns_status status =
				(enum kl_dns_status)roll(&random, KL_DNS_STATUSES_MAX);
			bool keeps = phone.policy.dns_restore || phone.policy.dns_stale;

			reply(&phone, status, &record, status == KL_DNS_ANSWER);
			known = status == KL_DNS_ANSWER ||
				(status == KL_DNS_SILENT && known && keeps);
			assert_int_equal(first_route(&phone), known ? NETWORK
							      : phone.config.static_record_count
								      ? STATIC
								      : 0);
			assert_true(wait_for_question(&phone));
		}
		free(phone.engine);
	}
}

/* dns.cache.A.networkOverride: there is no question, ever. */
static void test_static_first_asks_nobody(void **state)
{
	struct phone phone;

	(void)state;
	init(&phone, KL_PROFILE_POLY);
	phone.policy.static_first = KL_STATIC_ADDRESSES_FIRST;
	phone.config.static_record_count = 1;
	begin(&phone);
	assert_int_equal(first_route(&phone), STATIC);
	assert_false(wait_for_question(&phone));
	free(phone.engine);
}

/* Of 10,000 records 64 are looked at, and 32 make routes.  As the answer was cut, a route that it
 * does not show may still be there. */
static void test_ten_thousand_records(void **state)
{
	struct kl_dns_record records[KL_DNS_RECORDS_MAX];
	struct phone phone;

	(void)state;
	init(&phone, KL_PROFILE_KEEPLINE);
	for (uint8_t i = 0; i < KL_DNS_RECORDS_MAX; i++)
		records[i] = address((uint8_t)(i + 1), 1000);
	begin(&phone);
	reply(&phone, KL_DNS_ANSWER, records, 10000);
	assert_int_equal(count_routes(&phone), KL_SET_ROUTES_MAX);
	assert_true(wait_for_question(&phone));
	assert_int_equal(phone.now, 5000);
	reply(&phone, KL_DNS_ANSWER, records, UINT32_MAX);
	assert_int_equal(count_routes(&phone), KL_SET_ROUTES_MAX);
	free(phone.engine);
}

/* However long a TTL, names are looked up again within a day; however short, not within 5 s. */
static void test_times_to_live_without_sense(void **state)
{
	static const kl_ms ttls_ms[] = {0, 1, UINT32_MAX, UINT64_MAX - 1, UINT64_MAX};
	struct phone phone;

	(void)state;
	for (size_t i = 0; i < sizeof(ttls_ms) / sizeof(ttls_ms[0]); i++) {
		const struct kl_dns_record record = address(NETWORK, ttls_ms[i]);

		init(&phone, KL_PROFILE_POLY);
		begin(&phone);
		reply(&phone, KL_DNS_ANSWER, &record, 1);
		assert_true(wait_for_question(&phone));
		assert_in_range(phone.now, 5000, 24 * 3600 * 1000);
		free(phone.engine);
	}
}

/* A target without a name, one that is too long, one that is a whole line of text. */
static void test_targets_without_sense(void **state)
{
	char longest[400];
	const char *const names[] = {NULL, longest, "", "a b\r\nVia: c", "...."};
	struct phone phone;

	(void)state;
	memset(longest, 'a', sizeof(longest) - 1);
	longest[sizeof(longest) - 1] = '\0';
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		const struct kl_dns_record record = {.ttl_ms = 1000, .name = names[i], .port = 1};

		init(&phone, KL_PROFILE_POLY);
		phone.entry.port = 0;
		phone.entry.transport_choice = KL_CHOOSE_UDP;
		begin(&phone);
		reply(&phone, KL_DNS_ANSWER, &record, 1);
		assert_int_equal(count_routes(&phone), 0);
		free(phone.engine);
	}
}

static void expect_bad_records(struct kl_config *config, const struct kl_static_record *records,
			       uint32_t count)
{
	char why[KL_TEXT_MAX] = "";

	config->static_records = records;
	config->static_record_count = count;
	assert_int_equal(kl_config_check(config, why, sizeof(why)), KL_EINVAL);
	assert_non_null(strstr(why, "static record"));
}

static void test_static_records_are_checked_DNS_15(void **state)
{
	struct kl_static_record records[KL_STATIC_RECORDS_MAX + 1];
	struct phone phone;
	char why[KL_TEXT_MAX];

	(void)state;
	init(&phone, KL_PROFILE_POLY);
	for (size_t i = 0; i < KL_STATIC_RECORDS_MAX + 1; i++)
		records[i] = phone.record;
	expect_bad_records(&phone.config, records, KL_STATIC_RECORDS_MAX + 1);
	phone.config.static_record_count = KL_STATIC_RECORDS_MAX;
	assert_int_equal(kl_config_check(&phone.config, why, sizeof(why)), KL_OK);
	records[0].owner = NULL;
	expect_bad_records(&phone.config, records, 1);
	records[0].owner = "two words";
	expect_bad_records(&phone.config, records, 1);
	records[0] = (struct kl_static_record){"example.test", KL_SRV, {.port = 5060}};
	expect_bad_records(&phone.config, records, 1);
	records[0].type = (enum kl_record_type)5;
	expect_bad_records(&phone.config, records, 1);
}

/* Two lines of one name that look it up differently have two route sets: room for one is too
 * little. */
static void test_a_manner_of_its_own_takes_a_set(void **state)
{
	struct phone phone;
	struct kl_policy policy;
	struct kl_entry_config entry;
	struct kl_line_config lines[2];
	char why[KL_TEXT_MAX];

	(void)state;
	init(&phone, KL_PROFILE_POLY);
	policy = phone.policy;
	entry = phone.entry;
	entry.policy = &policy;
	lines[0] = phone.line;
	lines[1] = (struct kl_line_config){.entries = &entry, .entry_count = 1};
	phone.config.lines = lines;
	phone.config.line_count = 2;
	kl_limits_default(&phone.config);
	assert_int_equal(phone.config.limits.sets, 1);
	policy.dns_restore = true;
	assert_int_equal(kl_config_check(&phone.config, why, sizeof(why)), KL_EINVAL);
	kl_limits_default(&phone.config);
	assert_int_equal(phone.config.limits.sets, 2);
	assert_int_equal(kl_config_check(&phone.config, why, sizeof(why)), KL_OK);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_any_history_of_replies_T17),
		cmocka_unit_test(test_static_first_asks_nobody),
		cmocka_unit_test(test_ten_thousand_records),
		cmocka_unit_test(test_times_to_live_without_sense),
		cmocka_unit_test(test_targets_without_sense),
		cmocka_unit_test(test_static_records_are_checked_DNS_15),
		cmocka_unit_test(test_a_manner_of_its_own_takes_a_set),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
