/* simulate_facts.c - what is told of a run, in words and figures that a meeting can read. */
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "cli/simulate.h"

enum { SECOND_US = 1000000, SECOND_MS = 1000, DAY_S = 86400, HOUR_S = 3600, MINUTE_S = 60 };

struct facts {
	struct simulate_fact *list;
	uint32_t count, room;
};

/* Adds a row; its value is a format. */
__attribute__((format(printf, 3, 4))) static void add(struct facts *facts, const char *label,
						      const char *format, ...)
{
	va_list arguments;

	if (facts->count == facts->room) {
		facts->room = facts->room ? 2 * facts->room : 64;
		facts->list = reallocarray(facts->list, facts->room, sizeof *facts->list);
		if (!facts->list)
			abort();
	}
	struct simulate_fact *fact = &facts->list[facts->count++];
	snprintf(fact->label, sizeof fact->label, "%s", label);
	va_start(arguments, format);
	vsnprintf(fact->value, sizeof fact->value, format, arguments);
	va_end(arguments);
}

/* A group's head: a row without a value. */
static void add_head(struct facts *facts, const char *text)
{
	add(facts, text, "%s", "");
}

/* 1234567 as "1,234,567". */
const char *simulate_show_count(char to[SIMULATE_TEXT_MAX], uint64_t value)
{
	char digits[32];
	int length = snprintf(digits, sizeof digits, "%" PRIu64, value), at = 0;

	for (int i = 0; i < length; i++) {
		if (i && (length - i) % 3 == 0)
			to[at++] = ',';
		to[at++] = digits[i];
	}
	to[at] = '\0';
	return to;
}

struct unit {
	uint64_t s;
	const char *name;
};

/* Each with the next smaller one. */
static const struct unit units[] = {{DAY_S, "days"}, {HOUR_S, "h"}, {MINUTE_S, "min"}, {1, "s"}};

/* "12 min 5 s", or "12 min" where there is no rest. */
static void show_two(char to[SIMULATE_TEXT_MAX], uint64_t s, const struct unit of[2])
{
	int at = snprintf(to, SIMULATE_TEXT_MAX, "%" PRIu64 " %s", s / of[0].s, of[0].name);

	if (s % of[0].s / of[1].s)
		snprintf(to + at, SIMULATE_TEXT_MAX - (size_t)at, " %" PRIu64 " %s",
			 s % of[0].s / of[1].s, of[1].name);
}

/* A length of time as people say it: "0.25 s", "42 s", "12 min 5 s", "1 h 3 min". */
const char *simulate_show_length(char to[SIMULATE_TEXT_MAX], uint64_t ms)
{
	uint64_t s = ms / SECOND_MS;

	if (ms == 0)
		snprintf(to, SIMULATE_TEXT_MAX, "none");
	else if (s < 10)
		snprintf(to, SIMULATE_TEXT_MAX, "%.3g s", (double)ms / SECOND_MS);
	else if (s < MINUTE_S)
		snprintf(to, SIMULATE_TEXT_MAX, "%" PRIu64 " s", s);
	else if (s < HOUR_S)
		show_two(to, s, &units[2]);
	else if (s < 2 * DAY_S)
		show_two(to, s, &units[1]);
	else
		show_two(to, s, &units[0]);
	return to;
}

void simulate_show_time(char to[SIMULATE_TEXT_MAX], uint64_t seconds)
{
	uint64_t days = seconds / DAY_S, rest = seconds % DAY_S;
	int at = days ? snprintf(to, SIMULATE_TEXT_MAX, "%" PRIu64 " d ", days) : 0;

	snprintf(to + at, SIMULATE_TEXT_MAX - (size_t)at, "%02" PRIu64 ":%02" PRIu64 ":%02" PRIu64,
		 rest / HOUR_S, rest % HOUR_S / MINUTE_S, rest % MINUTE_S);
}

/* What happens, with the figure that belongs to it. */
static void show_trouble(char to[SIMULATE_TEXT_MAX], const struct sim_plan_fault *fault)
{
	const char *name = sim_trouble_name(fault->what);
	char length[SIMULATE_TEXT_MAX];

	simulate_show_length(length, fault->by_ms);
	if (fault->what == SIM_TROUBLE_ANSWERS)
		snprintf(to, SIMULATE_TEXT_MAX, "%s %u", name, fault->status);
	else if (fault->what == SIM_TROUBLE_CAPACITY)
		snprintf(to, SIMULATE_TEXT_MAX, "%s %u/s", name, fault->capacity);
	else if (fault->what == SIM_TROUBLE_LOSS)
		snprintf(to, SIMULATE_TEXT_MAX, "%s %g %%", name, fault->loss / 1e4);
	else if (fault->by_ms)
		snprintf(to, SIMULATE_TEXT_MAX, "%s %.20s", name, length);
	else
		snprintf(to, SIMULATE_TEXT_MAX, "%s", name);
}

void simulate_show_fault(char to[SIMULATE_TEXT_MAX], const struct sim_plan *plan, uint32_t fault)
{
	const struct sim_plan_fault *row = &plan->faults[fault];
	char at[SIMULATE_TEXT_MAX], what[SIMULATE_TEXT_MAX], length[SIMULATE_TEXT_MAX] = "";
	char again[32] = "";
	const char *all = sim_trouble_of(row->what) == SIM_OF_SERVER ? "all servers"
			  : sim_trouble_of(row->what) == SIM_OF_SITE ? "all sites"
								     : "all names";

	simulate_show_time(at, row->at_us / SECOND_US);
	show_trouble(what, row);
	if (row->ends_us != UINT64_MAX)
		simulate_show_length(length, (row->ends_us - row->at_us) / SECOND_MS);
	if (row->repeat)
		snprintf(again, sizeof again, ", time %u", row->repeat + 1);
	snprintf(to, SIMULATE_TEXT_MAX, "%.16s: %.32s %.40s%s%.24s%s", at,
		 row->subject ? row->subject : all, what, *length ? " for " : "", length, again);
}

static double percent(uint64_t part, uint64_t whole)
{
	return whole ? 100.0 * (double)part / (double)whole : 0;
}

/* ---- groups ---------------------------------------------------------------------------------- */

static void tell_service(struct facts *facts, const struct simulate_run *run)
{
	const struct sim_results *results = run->results;
	uint32_t seconds = sim_results_seconds(results);
	const struct sim_fleet_second none = {0};
	const struct sim_fleet_second *last = seconds ? &results->fleet[seconds - 1] : &none;
	static const struct {
		const char *label;
		uint32_t part;
	} parts[] = {{"without service: half of the lines, at most", 500},
		     {"without service: 95 % of the lines, at most", 950},
		     {"without service: 99 % of the lines, at most", 990},
		     {"without service: the longest", 1000}};
	char text[SIMULATE_TEXT_MAX];

	add_head(facts, "Service");
	add(facts, "lines", "%s", simulate_show_count(text, run->plan->lines));
	add(facts, "in service at the end", "%.2f %%", percent(last->in_service, run->plan->lines));
	for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++)
		add(facts, parts[i].label, "%s",
		    simulate_show_length(text, sim_histogram_at(&results->out_ms, parts[i].part)));
	add(facts, "without service: the mean", "%s",
	    simulate_show_length(text, sim_histogram_mean(&results->out_ms)));
	add(facts, "never in service", "%s", simulate_show_count(text, results->never_in_service));
	add(facts, "moves to another server", "%s", simulate_show_count(text, results->moves.sum));
	add(facts, "moves of one line, the most", "%s",
	    simulate_show_count(text, results->moves.most));
}

/* After a fault, until so many are back. */
static const char *show_back(char to[SIMULATE_TEXT_MAX], int64_t seconds)
{
	if (seconds < 0)
		return "not before the next fault";
	return seconds ? simulate_show_length(to, (uint64_t)seconds * SECOND_MS) : "at once";
}

static void tell_fault(struct facts *facts, const struct simulate_run *run, uint32_t fault)
{
	struct sim_aftermath after = sim_results_aftermath(run->results, run->plan, fault);
	char text[SIMULATE_TEXT_MAX];

	simulate_show_fault(text, run->plan, fault);
	add_head(facts, text);
	add(facts, "in service at worst", "%.2f %%", percent(after.least, after.before));
	add(facts, "99 % are back, after its end", "%s", show_back(text, after.most_s));
	add(facts, "all are back, after its end", "%s", show_back(text, after.back_s));
	const struct sim_plan_server *server = &run->plan->servers[after.peak_server];
	if (!after.peak)
		add(facts, "peak afterwards", "-");
	else if (server->capacity)
		add(facts, "peak afterwards", "%s/s, %.2f x %s",
		    simulate_show_count(text, after.peak), (double)after.peak / server->capacity,
		    server->name);
	else
		add(facts, "peak afterwards", "%s/s, %s", simulate_show_count(text, after.peak),
		    server->name);
}

static void tell_server(struct facts *facts, const struct simulate_run *run, uint32_t index)
{
	const struct sim_plan_server *server = &run->plan->servers[index];
	const struct sim_server_totals *totals = &run->results->totals[index];
	const struct sim_server_second *seconds = sim_results_server(run->results, index);
	uint32_t at_s, queue = 0, count = sim_results_seconds(run->results);
	uint32_t peak = sim_results_peak(run->results, index, 0, count, &at_s);
	char text[SIMULATE_TEXT_MAX], when[SIMULATE_TEXT_MAX];

	for (uint32_t s = 0; s < count; s++)
		queue = seconds[s].queue > queue ? seconds[s].queue : queue;
	snprintf(text, sizeof text, "Server %s", server->name);
	add_head(facts, text);
	add(facts, "capacity in a second", "%s",
	    server->capacity ? simulate_show_count(text, server->capacity) : "no limit");
	add(facts, "requests", "%s", simulate_show_count(text, totals->requests));
	simulate_show_time(when, at_s);
	add(facts, "most in a second", "%s at %s", simulate_show_count(text, peak), when);
	add(facts, "longest queue", "%s", simulate_show_count(text, queue));
	add(facts, "dropped, the queue being full", "%s",
	    simulate_show_count(text, totals->dropped));
	add(facts, "answered 503", "%s", simulate_show_count(text, totals->refused));
	add(facts, "sent to it while it was dead", "%s",
	    simulate_show_count(text, totals->unheard));
}

static void tell_calls(struct facts *facts, const struct simulate_run *run)
{
	const struct sim_results *results = run->results;
	static const struct {
		const char *label;
		uint32_t part;
	} parts[] = {{"set-up: half, at most", 500},
		     {"set-up: 95 %, at most", 950},
		     {"set-up: 99 %, at most", 990},
		     {"set-up: the longest", 1000}};
	uint64_t lost = 0;
	char text[SIMULATE_TEXT_MAX];

	for (int i = 0; i < SIM_LOSSES_MAX; i++)
		lost += results->lost[i];
	add_head(facts, "Calls");
	add(facts, "placed", "%s", simulate_show_count(text, results->calls_placed));
	add(facts, "lost", "%s (%.3f %%)", simulate_show_count(text, lost),
	    percent(lost, results->calls_placed));
	for (int i = 0; i < SIM_LOSSES_MAX; i++) {
		char label[SIMULATE_TEXT_MAX];

		snprintf(label, sizeof label, "lost: %s", sim_loss_text((enum sim_loss)i));
		add(facts, label, "%s", simulate_show_count(text, results->lost[i]));
	}
	for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++)
		add(facts, parts[i].label, "%.3g s",
		    (double)sim_histogram_at(&results->setup_us, parts[i].part) / SECOND_US);
}

static void tell_traffic(struct facts *facts, const struct simulate_run *run)
{
	const struct sim_results *results = run->results;
	char text[SIMULATE_TEXT_MAX];

	add_head(facts, "Traffic");
	add(facts, "requests sent", "%s", simulate_show_count(text, results->requests));
	add(facts, "of which sent again", "%s", simulate_show_count(text, results->copies));
	add(facts, "of which probes (OPTIONS)", "%s", simulate_show_count(text, results->probes));
	add(facts, "exchanges with a final answer", "%s",
	    simulate_show_count(text, results->exchanges));
	add(facts, "questions to the DNS", "%s", simulate_show_count(text, results->questions));
}

bool simulate_is_told(const struct sim_plan_fault *fault)
{
	return fault->repeat == 0 || fault->last;
}

uint32_t simulate_facts(const struct simulate_run *run, struct simulate_fact **to)
{
	const struct sim_plan *plan = run->plan;
	struct facts facts = {0};
	uint32_t told = 0;

	tell_service(&facts, run);
	for (uint32_t i = 0; i < plan->fault_count && told < SIMULATE_FAULTS_MAX; i++)
		if (simulate_is_told(&plan->faults[i])) {
			tell_fault(&facts, run, i);
			told++;
		}
	for (uint32_t i = 0; i < plan->server_count; i++)
		tell_server(&facts, run, i);
	if (plan->has_calls)
		tell_calls(&facts, run);
	tell_traffic(&facts, run);
	*to = facts.list;
	return facts.count;
}
