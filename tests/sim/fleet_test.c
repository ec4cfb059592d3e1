/* Small fleets against arithmetic, each phone watched by the safety checker. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "sim/fleet.h"

enum { SECOND_US = 1000000, RENEWAL_S = 3600 - 60 /* expires less overlap */ };

static char folder[] = "/tmp/keepline-fleet-XXXXXX";
static char scenario_path[64], phone_path[64];

static void write_file(const char *path, const char *text)
{
	FILE *to = fopen(path, "w");

	assert_non_null(to);
	assert_true(fputs(text, to) >= 0);
	assert_int_equal(fclose(to), 0);
}

static void write_phone(const char *transport)
{
	char text[512];

	snprintf(text, sizeof(text),
		 "<c reg.1.address=\"1001\" reg.1.server.1.address=\"sip.example.com\" "
		 "reg.1.server.1.transport=\"%s\" reg.1.server.1.failOver.reRegisterOn=\"1\" />\n",
		 transport);
	write_file(phone_path, text);
}

static int set_up(void **state)
{
	(void)state;
	if (!mkdtemp(folder))
		return -1;
	snprintf(scenario_path, sizeof(scenario_path), "%s/scenario.yaml", folder);
	snprintf(phone_path, sizeof(phone_path), "%s/phone.cfg", folder);
	write_file(phone_path,
		   "<c reg.1.address=\"1001\" reg.1.server.1.address=\"sip.example.com\" "
		   "reg.1.server.1.transport=\"UDPOnly\" "
		   "reg.1.server.1.failOver.reRegisterOn=\"1\" />\n");
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	unlink(scenario_path);
	unlink(phone_path);
	return rmdir(folder);
}

/* A world of two servers behind one name, of which MORE says what else there is. */
static struct sim_plan *load(const char *head, const char *server, const char *more)
{
	static const char format[] =
		"phones: {%s, configurations: [{files: phone.cfg}]}\n"
		"servers:\n"
		"  - {name: a, address: 192.0.2.1%s}\n"
		"  - {name: b, address: 192.0.2.2%s}\n"
		"dns:\n"
		"  records:\n"
		"    - {name: _sip._udp.sip.example.com, type: SRV, ttl: 24h, priority: 1, port: "
		"5060, "
		"target: a.example.com}\n"
		"    - {name: _sip._udp.sip.example.com, type: SRV, ttl: 24h, priority: 2, port: "
		"5060, "
		"target: b.example.com}\n"
		"    - {name: _sip._tcp.sip.example.com, type: SRV, ttl: 24h, priority: 1, port: "
		"5060, "
		"target: a.example.com}\n"
		"    - {name: _sip._tcp.sip.example.com, type: SRV, ttl: 24h, priority: 2, port: "
		"5060, "
		"target: b.example.com}\n"
		"    - {name: a.example.com, type: A, ttl: 24h, address: 192.0.2.1}\n"
		"    - {name: b.example.com, type: A, ttl: 24h, address: 192.0.2.2}\n"
		"%s";
	char text[4096], why[KL_TEXT_MAX];
	struct sim_plan *plan;

	snprintf(text, sizeof(text), format, head, server, server, more);
	write_file(scenario_path, text);
	if (sim_plan_load(&(struct sim_plan_options){.path = scenario_path}, &plan))
		fail_msg("%s", config_format_diagnostic(why, sizeof(why), &plan->diagnostics[0]));
	return plan;
}

static struct sim_results *play(const struct sim_plan *plan, uint32_t judged)
{
	struct sim_results *results = sim_results_new(plan);
	struct sim_fleet *fleet = sim_fleet_new(plan, results, judged);

	assert_non_null(results);
	assert_non_null(fleet);
	sim_fleet_run(fleet, UINT64_MAX);
	sim_fleet_finish(fleet);
	sim_fleet_free(fleet);
	assert_true(results->complete);
	assert_string_equal(results->broken, "");
	return results;
}

static uint64_t count_registers(const struct sim_results *results, uint32_t server, uint32_t from,
				uint32_t to)
{
	uint64_t sum = 0;

	for (uint32_t s = from; s < to; s++)
		sum += sim_results_server(results, server)[s].registers;
	return sum;
}

static void drop(struct sim_plan *plan, struct sim_results *results)
{
	sim_results_free(results);
	sim_plan_free(plan);
}

/* In the steady state N lines bring N / (expires - overlap) REGISTERs in a second. */
static void renews_as_often_as_its_configuration_says(void **state)
{
	enum { LINES = 2000, FROM_S = 4000 };
	struct sim_plan *plan = load("lines: 2000, boot_spread: 59m", "", "run: 4h\n");
	struct sim_results *results = play(plan, 20);
	uint64_t two = count_registers(results, 0, FROM_S, FROM_S + 2 * RENEWAL_S);

	(void)state;
	assert_in_range(two, 2 * LINES * 99 / 100, 2 * LINES * 101 / 100);
	assert_int_equal(results->fleet[FROM_S].in_service, LINES);
	assert_int_equal(sim_histogram_at(&results->out_ms, 1000) < 1000, true);
	assert_true(results->judged > 0);
	drop(plan, results);
}

static uint64_t count_unheard(const struct sim_results *results, uint32_t server, uint32_t from,
			      uint32_t to)
{
	uint64_t sum = 0;

	for (uint32_t s = from; s < to; s++)
		sum += sim_results_server(results, server)[s].unheard;
	return sum;
}

/* Nobody answers for 80 minutes, so that all notice.  Each phone sends three times to the first
 * server (3.5 s), then to the second until 64*T1 are over, and then backs off for 30 to 60 s
 * (BACK-1).  So there is a walk in 65.5 to 95.5 s, and when it ends, all are back after so long at
 * most, but not at once. */
static void comes_back_within_the_envelope_of_the_back_off(void **state)
{
	enum { LINES = 1000, ENDS_S = 3600 + 80 * 60, FROM_S = ENDS_S - 1200 };
	enum { SENDS = 3, LEAST_MS = 65500, MOST_MS = 95500, WINDOW_MS = (ENDS_S - FROM_S) * 1000 };
	struct sim_plan *plan = load("lines: 1000, boot_spread: 1m", "",
				     "run: 3h\n"
				     "faults:\n"
				     "  - {at: 1h, for: 80m, what: silent}\n");
	struct sim_results *results = play(plan, 10);
	struct sim_aftermath after = sim_results_aftermath(results, plan, 0);
	uint64_t walks = count_unheard(results, 0, FROM_S, ENDS_S) / SENDS;

	(void)state;
	assert_int_equal(after.before, LINES);
	assert_int_equal(after.least, 0);
	assert_in_range(walks, (uint64_t)LINES * WINDOW_MS / MOST_MS,
			(uint64_t)LINES * WINDOW_MS / LEAST_MS);
	assert_in_range(after.back_s, LEAST_MS / 2 / 1000, MOST_MS / 1000 + 1);
	assert_true(results->fleet[ENDS_S + LEAST_MS / 4 / 1000].in_service < LINES * 3 / 4);
	assert_int_equal(results->fleet[results->seconds - 1].in_service, LINES);
	drop(plan, results);
}

/* M/D/1: calls come by chance, each is served in the same time: the mean wait is rho / (2 (1 -
 * rho)) services (Pollaczek and Khinchine). */
static void lets_requests_wait_as_long_as_theory_says(void **state)
{
	enum { CAPACITY = 100, RUN_S = 7200 };
	struct sim_plan *plan =
		load("lines: 1000, boot_spread: 1m", ", capacity: 100, queue: 100000, nonces: none",
		     "run: 2h\n"
		     "calls: {per_hour: 252000, length: 1s, ring: 0}\n");
	struct sim_results *results = play(plan, 0);
	const struct sim_server_totals *totals = &results->totals[0];
	double rho = (double)totals->served / RUN_S / CAPACITY;
	double theory_us = rho / (2 * (1 - rho)) * SECOND_US / CAPACITY;
	double wait_us = (double)totals->waits_us / (double)totals->served;

	(void)state;
	assert_true(rho > 0.68 && rho < 0.72);
	assert_true(wait_us > theory_us * 0.95 && wait_us < theory_us * 1.05);
	drop(plan, results);
}

/* When the queue is full: dropped, or refused with 503, or served late. */
static void does_with_too_many_requests_what_its_server_says(void **state)
{
	static const char run[] = "run: 30m\n";
	struct sim_plan *plan =
		load("lines: 500, boot_spread: 0", ", capacity: 50, queue: 20", run);
	struct sim_results *results = play(plan, 1);

	(void)state;
	assert_true(results->totals[0].dropped > 0);
	assert_int_equal(results->totals[0].refused, 0);
	drop(plan, results);

	plan = load("lines: 500, boot_spread: 0",
		    ", capacity: 50, queue: 20, when_full: 503, retry_after: 10s", run);
	results = play(plan, 1);
	assert_int_equal(results->totals[0].dropped, 0);
	assert_true(results->totals[0].refused > 0);
	assert_int_equal(results->fleet[results->seconds - 1].in_service, 500);
	drop(plan, results);

	plan = load("lines: 500, boot_spread: 0", ", capacity: 50, queue: 20, when_full: slow",
		    run);
	results = play(plan, 1);
	assert_int_equal(results->totals[0].dropped + results->totals[0].refused, 0);
	drop(plan, results);
}

static void gives_the_same_results_for_the_same_seed(void **state)
{
	static const char more[] =
		"run: 2h\n"
		"sites: [{name: x, share: 2, loss: 2%, jitter: 20ms}, {name: y}]\n"
		"calls: {per_hour: 2000}\n"
		"faults: [{at: 1h, for: 10m, what: silent, server: a}]\n";
	struct sim_plan *plan = load("lines: 300", ", capacity: 20", more);
	struct sim_results *one = play(plan, 0), *two = play(plan, 0);

	(void)state;
	assert_memory_equal(one, two, sim_results_size(plan));
	sim_results_free(two);
	plan->seed++;
	two = play(plan, 0);
	assert_true(memcmp(one, two, sim_results_size(plan)) != 0);
	sim_results_free(two);
	drop(plan, one);
}

/* One fault by itself breaks no rule, and when it is over all are back. */
static void outlive(enum sim_trouble trouble)
{
	static const char *const with[] = {
		[SIM_TROUBLE_SLOW] = ", by: 2s",
		[SIM_TROUBLE_CAPACITY] = ", capacity: 1",
		[SIM_TROUBLE_SHORTENS] = ", by: 2m",
		[SIM_TROUBLE_ANSWERS] = ", status: 503, retry_after: 60s",
		[SIM_TROUBLE_LOSS] = ", loss: 60%",
		[SIM_TROUBLE_DELAY] = ", by: 3s",
		[SIM_TROUBLE_RECORD_GONE] = ", name: a.example.com",
		[SIM_TROUBLE_COUNT] = NULL,
	};
	char more[256];

	snprintf(more, sizeof(more),
		 "run: 6h\n"
		 "calls: {per_hour: 5000}\n"
		 "faults: [{at: 2h, for: 70m, what: %s%s}]\n",
		 sim_trouble_name(trouble), with[trouble] ? with[trouble] : "");
	struct sim_plan *plan = load("lines: 30", ", capacity: 100", more);
	struct sim_results *results = play(plan, 1);
	uint32_t back = results->fleet[results->seconds - 1].in_service;

	if (back != plan->lines)
		fail_msg("%s: %u of %u lines are back", sim_trouble_name(trouble), back,
			 plan->lines);
	assert_true(results->judged > 0);
	drop(plan, results);
}

static void outlives_each_fault(void **state)
{
	(void)state;
	for (int i = 0; i < SIM_TROUBLE_COUNT; i++)
		outlive((enum sim_trouble)i);
}

static void outlives_each_fault_on_streams(void **state)
{
	(void)state;
	write_phone("TCPOnly");
	for (int i = 0; i < SIM_TROUBLE_COUNT; i++)
		outlive((enum sim_trouble)i);
	write_phone("UDPOnly");
}

/* A stream that the far end closes takes the registration with it (TRIG-6): each phone backs off
 * for 30 to 60 s (BACK-1), and registers on a new one. */
static void comes_back_after_a_reset(void **state)
{
	enum { LINES = 200, AT_S = 1800, LEAST_S = 30, MOST_S = 60 };
	struct sim_plan *plan;
	struct sim_results *results;

	(void)state;
	write_phone("TCPOnly");
	plan = load("lines: 200", "", "run: 1h\nfaults: [{at: 30m, what: resets, server: a}]\n");
	results = play(plan, 1);
	assert_int_equal(results->fleet[AT_S - 1].in_service, LINES);
	assert_int_equal(results->fleet[AT_S + LEAST_S - 1].in_service, 0);
	assert_in_range(results->fleet[AT_S + (LEAST_S + MOST_S) / 2].in_service, LINES / 3,
			LINES * 2 / 3);
	assert_int_equal(results->fleet[AT_S + MOST_S].in_service, LINES);
	drop(plan, results);
	write_phone("UDPOnly");
}

/* The sum of a phone's time is the run: what it was in service and what it was not. */
static void knows_how_long_each_phone_was_without_service(void **state)
{
	enum { LINES = 100, CUT_S = 600 };
	struct sim_plan *plan =
		load("lines: 100, boot_spread: 0", "",
		     "run: 1h\n"
		     "faults: [{at: 30m, for: 10m, what: power-cut, boot_spread: 0}]\n");
	struct sim_results *results = play(plan, 1);
	uint64_t sum_ms = 0;

	(void)state;
	for (uint32_t s = 0; s < results->seconds; s++)
		sum_ms += 1000 * (uint64_t)(LINES - results->fleet[s].in_service);
	assert_int_equal(results->out_ms.count, LINES);
	assert_in_range(results->out_ms.sum / LINES, CUT_S * 1000, CUT_S * 1000 + 500);
	assert_in_range(sum_ms / LINES, CUT_S * 1000, CUT_S * 1000 + 1000);
	drop(plan, results);
}

/* Faults that overlap: a site is well again when the last of them is over. */
static void is_well_when_the_last_of_two_faults_is_over(void **state)
{
	static const char *const whats[] = {"link-down", "cut", "power-cut", "asleep"};

	(void)state;
	for (size_t i = 0; i < sizeof(whats) / sizeof(whats[0]); i++) {
		char more[512];

		snprintf(more, sizeof(more),
			 "run: 2h\n"
			 "sites: [{name: x}, {name: y}]\n"
			 "faults:\n"
			 "  - {at: 1m, for: 10m, what: %s, site: x}\n"
			 "  - {at: 5m, for: 10m, what: %s}\n",
			 whats[i], whats[i]);
		struct sim_plan *plan = load("lines: 100, boot_spread: 4m", "", more);
		struct sim_results *results = play(plan, 1);

		assert_int_equal(results->fleet[12 * 60].in_service, 0);
		assert_int_equal(results->fleet[results->seconds - 1].in_service, 100);
		drop(plan, results);
	}
}

/* A dead server is left and returned to: two moves.  What its end brings is told although another
 * fault was within it, and the busiest server is that which has the most for its capacity. */
static void tells_what_a_fault_brings_though_another_was_within(void **state)
{
	struct sim_plan *plan = load("lines: 100, boot_spread: 1m", ", capacity: 100",
				     "run: 5h\n"
				     "faults:\n"
				     "  - {at: 10m, for: 90m, what: silent, server: a}\n"
				     "  - {at: 75m, for: 1m, what: power-cut, boot_spread: 0}\n");
	struct sim_results *results;
	struct sim_aftermath after;

	(void)state;
	plan->servers[1].capacity = 0;
	results = play(plan, 1);
	after = sim_results_aftermath(results, plan, 0);
	assert_int_equal(results->moves.count, 100);
	assert_int_equal(results->moves.most, 2);
	assert_int_equal(after.back_s, 0);
	assert_int_equal(after.peak_server, 0);
	assert_int_equal(sim_results_aftermath(results, plan, 1).peak_server, 0);
	assert_int_equal(results->probes, 0);
	drop(plan, results);
}

/* A phone of the profile keepline has room for a doubt: it leaves at the next probe (11 s at most)
 * and three round trips after first silence (OWN-3 (part)), and returns 30 s after its first
 * answered probe, or with the one that comes then (OWN-1 (part)). */
static void leaves_and_returns_by_the_rules_of_its_own_profile(void **state)
{
	struct sim_plan *plan;
	struct sim_results *results;

	(void)state;
	write_file(phone_path, "lines:\n"
			       "  - user: \"1001\"\n"
			       "    servers: [{name: sip.example.com, transport: udp}]\n");
	plan = load("lines: 200, boot_spread: 1m", "",
		    "run: 1h\n"
		    "faults: [{at: 20m, for: 10m, what: silent, server: a}]\n");
	results = play(plan, 10);
	assert_int_equal(results->moves.most, 2);
	assert_int_equal(results->moves.sum, 400);
	assert_in_range(results->out_ms.most, 500, 11000 + 1000);
	assert_int_equal(results->returns_ms.count, 200);
	assert_in_range(sim_histogram_at(&results->returns_ms, 1), 29000, 31000);
	assert_in_range(results->returns_ms.most, 30000, 42000);
	assert_true(results->probes > 0);
	drop(plan, results);
	write_phone("UDPOnly");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(renews_as_often_as_its_configuration_says),
		cmocka_unit_test(comes_back_within_the_envelope_of_the_back_off),
		cmocka_unit_test(lets_requests_wait_as_long_as_theory_says),
		cmocka_unit_test(does_with_too_many_requests_what_its_server_says),
		cmocka_unit_test(gives_the_same_results_for_the_same_seed),
		cmocka_unit_test(outlives_each_fault),
		cmocka_unit_test(outlives_each_fault_on_streams),
		cmocka_unit_test(comes_back_after_a_reset),
		cmocka_unit_test(is_well_when_the_last_of_two_faults_is_over),
		cmocka_unit_test(tells_what_a_fault_brings_though_another_was_within),
		cmocka_unit_test(leaves_and_returns_by_the_rules_of_its_own_profile),
		cmocka_unit_test(knows_how_long_each_phone_was_without_service),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
