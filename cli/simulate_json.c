/* simulate_json.c - runs as JSON: totals, faults, and a number for each second. */
#include <err.h>
#include <stdlib.h>

#include "cli/json.h"
#include "cli/simulate.h"

enum { SECOND_US = 1000000, SECOND_MS = 1000 };

static const uint32_t parts[] = {500, 950, 990, 1000};
static const char *const part_names[] = {"p50", "p95", "p99", "max"};

/* Percentiles in seconds. */
static json_t *histogram_json(const struct sim_histogram *histogram, double of_a_second)
{
	json_t *json = json_object();

	cli_json_put(json, "count", cli_json_number(histogram->count));
	cli_json_put(json, "mean", json_real((double)sim_histogram_mean(histogram) / of_a_second));
	for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++)
		cli_json_put(
			json, part_names[i],
			json_real((double)sim_histogram_at(histogram, parts[i]) / of_a_second));
	return json;
}

/* One member of a record of each second: OFFSET in a record of SIZE bytes. */
static json_t *series_json(const void *records, size_t size, size_t offset, uint32_t seconds)
{
	json_t *json = json_array();

	for (uint32_t s = 0; s < seconds; s++) {
		const char *at = (const char *)records + s * size + offset;

		cli_json_append(json, cli_json_number(*(const uint32_t *)(const void *)at));
	}
	return json;
}

#define SERIES(json, of, records, member, seconds)                                                 \
	cli_json_put(                                                                              \
		json, #member,                                                                     \
		series_json(records, sizeof(struct of), offsetof(struct of, member), seconds))

static json_t *server_json(const struct simulate_run *run, uint32_t index)
{
	const struct sim_plan_server *server = &run->plan->servers[index];
	const struct sim_server_totals *totals = &run->results->totals[index];
	const struct sim_server_second *records = sim_results_server(run->results, index);
	json_t *json = json_object(), *series = json_object();
	uint32_t at_s, seconds = sim_results_seconds(run->results);
	uint32_t peak = sim_results_peak(run->results, index, 0, seconds, &at_s);

	cli_json_put(json, "name", cli_json_text(server->name));
	cli_json_put(json, "capacity",
		     server->capacity ? cli_json_number(server->capacity) : json_null());
	cli_json_put(json, "requests", cli_json_number(totals->requests));
	cli_json_put(json, "registers", cli_json_number(totals->registers));
	cli_json_put(json, "calls", cli_json_number(totals->calls));
	cli_json_put(json, "copies", cli_json_number(totals->copies));
	cli_json_put(json, "dropped", cli_json_number(totals->dropped));
	cli_json_put(json, "refused", cli_json_number(totals->refused));
	cli_json_put(json, "unheard", cli_json_number(totals->unheard));
	cli_json_put(json, "mean_wait_s",
		     json_real(totals->served ? (double)totals->waits_us / (double)totals->served /
							SECOND_US
					      : 0));
	cli_json_put(json, "peak", cli_json_number(peak));
	cli_json_put(json, "peak_at_s", cli_json_number(at_s));
	SERIES(series, sim_server_second, records, registers, seconds);
	SERIES(series, sim_server_second, records, calls, seconds);
	SERIES(series, sim_server_second, records, others, seconds);
	SERIES(series, sim_server_second, records, copies, seconds);
	SERIES(series, sim_server_second, records, dropped, seconds);
	SERIES(series, sim_server_second, records, refused, seconds);
	SERIES(series, sim_server_second, records, queue, seconds);
	SERIES(series, sim_server_second, records, unheard, seconds);
	cli_json_put(json, "per_second", series);
	return json;
}

static json_t *fault_json(const struct simulate_run *run, uint32_t index)
{
	const struct sim_plan_fault *fault = &run->plan->faults[index];
	struct sim_aftermath after = sim_results_aftermath(run->results, run->plan, index);
	json_t *json = json_object();

	cli_json_put(json, "what", cli_json_text(sim_trouble_name(fault->what)));
	cli_json_put(json, "of", fault->subject ? cli_json_text(fault->subject) : json_null());
	cli_json_put(json, "at_s", json_real((double)fault->at_us / SECOND_US));
	cli_json_put(json, "until_s",
		     fault->ends_us == UINT64_MAX ? json_null()
						  : json_real((double)fault->ends_us / SECOND_US));
	cli_json_put(json, "in_service_before", cli_json_number(after.before));
	cli_json_put(json, "in_service_least", cli_json_number(after.least));
	cli_json_put(json, "most_back_s",
		     after.most_s < 0 ? json_null() : json_integer(after.most_s));
	cli_json_put(json, "all_back_s",
		     after.back_s < 0 ? json_null() : json_integer(after.back_s));
	cli_json_put(json, "peak", cli_json_number(after.peak));
	cli_json_put(json, "peak_at_s", cli_json_number(after.peak_at_s));
	cli_json_put(json, "peak_server",
		     cli_json_text(run->plan->servers[after.peak_server].name));
	return json;
}

static json_t *calls_json(const struct simulate_run *run)
{
	const struct sim_results *results = run->results;
	json_t *json = json_object(), *lost = json_object();

	cli_json_put(json, "placed", cli_json_number(results->calls_placed));
	cli_json_put(json, "taken", cli_json_number(results->calls_taken));
	for (int i = 0; i < SIM_LOSSES_MAX; i++)
		cli_json_put(lost, sim_loss_text((enum sim_loss)i),
			     cli_json_number(results->lost[i]));
	cli_json_put(json, "lost", lost);
	cli_json_put(json, "setup_s", histogram_json(&results->setup_us, SECOND_US));
	return json;
}

static json_t *fleet_json(const struct sim_results *results)
{
	json_t *json = json_object();
	uint32_t seconds = sim_results_seconds(results);

	SERIES(json, sim_fleet_second, results->fleet, powered, seconds);
	SERIES(json, sim_fleet_second, results->fleet, registered, seconds);
	SERIES(json, sim_fleet_second, results->fleet, in_service, seconds);
	SERIES(json, sim_fleet_second, results->fleet, calls_placed, seconds);
	SERIES(json, sim_fleet_second, results->fleet, calls_lost, seconds);
	SERIES(json, sim_fleet_second, results->fleet, questions, seconds);
	return json;
}

static json_t *run_json(const struct simulate_run *run)
{
	const struct sim_results *results = run->results;
	json_t *json = json_object(), *servers = json_array(), *faults = json_array();

	cli_json_put(json, "name", cli_json_text(run->name));
	cli_json_put(json, "lines", cli_json_number(run->plan->lines));
	cli_json_put(json, "complete", json_boolean(results->complete));
	cli_json_put(json, "seconds", cli_json_number(sim_results_seconds(results)));
	cli_json_put(json, "requests", cli_json_number(results->requests));
	cli_json_put(json, "copies", cli_json_number(results->copies));
	cli_json_put(json, "probes", cli_json_number(results->probes));
	cli_json_put(json, "exchanges", cli_json_number(results->exchanges));
	cli_json_put(json, "registrations", cli_json_number(results->registrations));
	cli_json_put(json, "questions", cli_json_number(results->questions));
	cli_json_put(json, "judged", cli_json_number(results->judged));
	cli_json_put(json, "broken",
		     results->broken[0] ? cli_json_text(results->broken) : json_null());
	cli_json_put(json, "never_in_service", cli_json_number(results->never_in_service));
	cli_json_put(json, "without_service_s", histogram_json(&results->out_ms, SECOND_MS));
	cli_json_put(json, "moves", cli_json_number(results->moves.sum));
	cli_json_put(json, "moves_of_a_line", histogram_json(&results->moves, 1));
	cli_json_put(json, "returns_s", histogram_json(&results->returns_ms, SECOND_MS));
	for (uint32_t i = 0; i < run->plan->fault_count; i++)
		cli_json_append(faults, fault_json(run, i));
	cli_json_put(json, "faults", faults);
	if (run->plan->has_calls)
		cli_json_put(json, "calls", calls_json(run));
	for (uint32_t i = 0; i < run->plan->server_count; i++)
		cli_json_append(servers, server_json(run, i));
	cli_json_put(json, "servers", servers);
	cli_json_put(json, "per_second", fleet_json(results));
	return json;
}

int simulate_print_json(FILE *to, const struct simulate_runs *runs)
{
	const struct sim_plan *plan = runs->run[0].plan;
	json_t *root = json_object(), *list = json_array();

	cli_json_put(root, "title", cli_json_text(plan->title));
	cli_json_put(root, "seed", cli_json_number(plan->seed));
	for (uint32_t i = 0; i < runs->count; i++)
		cli_json_append(list, run_json(&runs->run[i]));
	cli_json_put(root, "runs", list);
	int error = json_dumpf(root, to, JSON_COMPACT | JSON_REAL_PRECISION(9)) ||
		    fputc('\n', to) == EOF;
	json_decref(root);
	return error ? -1 : 0;
}
