/* Probes in numbers: one probing of a route for all lines of an engine, phones that are not in
 * step, and OPTIONS that nobody can take back.   PROBE-3, KEEP-1 (part) */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "keepline/keepline.h"

enum { LINES_MAX = 1000, ROUTES = 4, HOUR_MS = 3600 * 1000, PROBE_MS = 300000 };

struct site {
	struct kl_policy policy;
	struct kl_entry_config entry;
	struct kl_line_config lines[LINES_MAX];
	struct kl_config config;
	struct kl_engine *engine;
	kl_ms now;
	kl_tx options_open; /* the last OPTIONS, if MUTE */
	bool mute;          /* OPTIONS get no answer */
	uint32_t options, keepalives;
	kl_ms first_options_at;
};

static void feed(struct site *site, const struct kl_event *event);

static void answer(struct site *site, const struct kl_action_send *send)
{
	if (send->method == KL_OPTIONS && send->attempt == 1) {
		assert_int_equal(send->token, 0);
		if (site->options++ == 0)
			site->first_options_at = site->now;
		site->options_open = send->tx;
	}
	if (send->method != KL_OPTIONS || !site->mute)
		feed(site, &(struct kl_event){.type = KL_EV_RESPONSE,
					      .response = {.tx = send->tx,
							   .status = 200,
							   .granted_ms = send->expires_ms}});
}

static void feed(struct site *site, const struct kl_event *event)
{
	struct kl_action action;

	assert_true(kl_feed(site->engine, event, site->now) >= 0);
	while (kl_next_action(site->engine, &action)) {
		site->keepalives += action.type == KL_DO_KEEPALIVE;
		if (action.type == KL_DO_SEND)
			answer(site, &action.send);
	}
}

/* LINES lines of profile versity on four addresses. */
static void begin(struct site *site, uint32_t lines, uint64_t seed)
{
	static const char *const more_names[] = {"192.0.2.2", "192.0.2.3", "192.0.2.4"};
	size_t size;

	memset(site, 0, sizeof(*site));
	kl_policy_profile(&site->policy, KL_PROFILE_VERSITY);
	site->policy.keepalive_ms = 60000;
	site->entry = (struct kl_entry_config){.name = "192.0.2.1",
					       .more_names = more_names,
					       .more_count = ROUTES - 1,
					       .transport_choice = KL_CHOOSE_UDP,
					       .registers = true,
					       .policy = &site->policy};
	for (uint32_t i = 0; i < lines; i++)
		site->lines[i] = (struct kl_line_config){.entries = &site->entry, .entry_count = 1};
	site->config = (struct kl_config){.lines = site->lines,
					  .line_count = lines,
					  .transports = 1 << KL_UDP,
					  .families = KL_IPV4};
	kl_limits_default(&site->config);
	size = kl_engine_size(&site->config);
	site->engine = malloc(size);
	assert_non_null(site->engine);
	assert_int_equal(kl_engine_init(site->engine, size, &site->config, seed, 0), KL_OK);
	for (uint32_t i = 0; i < lines; i++)
		feed(site, &(struct kl_event){.type = KL_EV_LINE_START, .line = i});
}

static void run_until(struct site *site, kl_ms until)
{
	while (kl_deadline(site->engine) <= until) {
		site->now = kl_deadline(site->engine);
		feed(site, &(struct kl_event){.type = KL_EV_TIME});
	}
	site->now = until;
}

static void test_a_thousand_lines_probe_as_one(void **state)
{
	static struct site site;
	struct kl_entry_view view;

	(void)state;
	begin(&site, LINES_MAX, 1);
	run_until(&site, HOUR_MS);
	/* The first within 30 s, then one in 270 to 330 s: 11 to 14 in an hour. */
	assert_in_range(site.options, ROUTES * 11, ROUTES * 14);
	assert_int_equal(site.keepalives, HOUR_MS / 60000); /* all lines are on the first route */
	assert_int_equal(kl_get_entry(site.engine, LINES_MAX - 1, 0, &view), KL_OK);
	assert_true(view.redundancy_ready);
	free(site.engine);
}

/* Of a thousand phones that were switched on together: each sends its first probe at the least of
 * four times drawn from 30 s.  127 of them are expected in the first second, 15 in the fifteenth.
 */
static void test_phones_are_not_in_step(void **state)
{
	static struct site site;
	uint32_t in_second[PROBE_MS / 10000 + 1] = {0};

	(void)state;
	for (uint64_t seed = 1; seed <= 1000; seed++) {
		begin(&site, 1, seed);
		run_until(&site, PROBE_MS / 10);
		assert_true(site.options > 0);
		in_second[site.first_options_at / 1000]++;
		free(site.engine);
	}
	assert_in_range(in_second[0], 90, 165);
	assert_in_range(in_second[14], 5, 30);
}

/* Token 0 names no request of the host: a probe is not cancelled, and has no outcome. */
static void test_a_probe_is_not_the_hosts(void **state)
{
	static struct site site;
	struct kl_engine_view view;

	(void)state;
	begin(&site, 1, 1);
	site.mute = true;
	while (site.options == 0)
		run_until(&site, kl_deadline(site.engine));
	assert_int_equal(
		kl_feed(site.engine,
			&(struct kl_event){.type = KL_EV_CANCEL, .request = {0, KL_OPTIONS}},
			site.now),
		KL_IGNORED);
	kl_get_engine(site.engine, &view);
	assert_int_equal(view.walks, 1);
	feed(&site, &(struct kl_event){.type = KL_EV_LINE_STOP});
	kl_get_engine(site.engine, &view);
	assert_int_equal(view.walks, 0);
	/* Nobody probes a route for a line that has left. */
	site.options = 0;
	run_until(&site, site.now + HOUR_MS);
	assert_int_equal(site.options, 0);
	assert_int_equal(kl_deadline(site.engine), KL_NEVER);
	free(site.engine);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_thousand_lines_probe_as_one),
		cmocka_unit_test(test_phones_are_not_in_step),
		cmocka_unit_test(test_a_probe_is_not_the_hosts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
