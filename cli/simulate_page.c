/* simulate_page.c - the report: the page of simulate.html with its library and its data in it. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "cli/json.h"
#include "cli/simulate.h"
#include "cli/simulate_assets.h"

enum { POINTS_MAX = 8640 /* of a curve: 24 hours by 10 s */, SECOND_US = 1000000, HUNDRED = 100 };

struct page {
	const struct simulate_runs *runs;
	uint32_t step; /* seconds that one point stands for */
};

/* ---- curves ---------------------------------------------------------------------------------- */

static uint32_t add_up(const struct sim_server_second *second)
{
	return second->registers + second->calls + second->others;
}

static uint32_t lost_of(const struct sim_server_second *second)
{
	return second->dropped + second->refused;
}

static uint32_t queue_of(const struct sim_server_second *second)
{
	return second->queue;
}

static uint32_t unheard_of(const struct sim_server_second *second)
{
	return second->unheard;
}

/* The highest value of each point's seconds. */
static json_t *server_curve(const struct page *page, const struct sim_results *results,
			    uint32_t server,
			    uint32_t (*value)(const struct sim_server_second *second))
{
	const struct sim_server_second *records = sim_results_server(results, server);
	uint32_t seconds = sim_results_seconds(results);
	json_t *curve = json_array();

	for (uint32_t s = 0; s < seconds; s += page->step) {
		uint32_t most = 0;

		for (uint32_t i = s; i < s + page->step && i < seconds; i++)
			most = value(&records[i]) > most ? value(&records[i]) : most;
		cli_json_append(curve, cli_json_number(most));
	}
	return curve;
}

/* Of all servers together. */
static json_t *sum_curve(const struct page *page, const struct sim_results *results)
{
	uint32_t seconds = sim_results_seconds(results);
	json_t *curve = json_array();

	for (uint32_t s = 0; s < seconds; s += page->step) {
		uint64_t most = 0;

		for (uint32_t i = s; i < s + page->step && i < seconds; i++) {
			uint64_t sum = 0;

			for (uint32_t server = 0; server < results->server_count; server++)
				sum += add_up(&sim_results_server(results, server)[i]);
			most = sum > most ? sum : most;
		}
		cli_json_append(curve, cli_json_number(most));
	}
	return curve;
}

/* The fewest in service and registered, and the most calls lost, of each point's seconds. */
static void put_fleet_curves(const struct page *page, const struct sim_results *results,
			     json_t *json)
{
	uint32_t seconds = sim_results_seconds(results);
	json_t *service = json_array(), *registered = json_array(), *lost = json_array();

	for (uint32_t s = 0; s < seconds; s += page->step) {
		uint32_t fewest = UINT32_MAX, holding = UINT32_MAX, most = 0;

		for (uint32_t i = s; i < s + page->step && i < seconds; i++) {
			const struct sim_fleet_second *second = &results->fleet[i];

			fewest = second->in_service < fewest ? second->in_service : fewest;
			holding = second->registered < holding ? second->registered : holding;
			most = second->calls_lost > most ? second->calls_lost : most;
		}
		cli_json_append(service, cli_json_number(fewest));
		cli_json_append(registered, cli_json_number(holding));
		cli_json_append(lost, cli_json_number(most));
	}
	cli_json_put(json, "in_service", service);
	cli_json_put(json, "registered", registered);
	cli_json_put(json, "calls_lost", lost);
}

static json_t *server_json(const struct page *page, const struct simulate_run *run, uint32_t index)
{
	const struct sim_plan_server *server = &run->plan->servers[index];
	json_t *json = json_object();

	cli_json_put(json, "name", cli_json_text(server->name));
	cli_json_put(json, "capacity", cli_json_number(server->capacity));
	cli_json_put(json, "requests", server_curve(page, run->results, index, add_up));
	cli_json_put(json, "queue", server_curve(page, run->results, index, queue_of));
	cli_json_put(json, "lost", server_curve(page, run->results, index, lost_of));
	cli_json_put(json, "unheard", server_curve(page, run->results, index, unheard_of));
	return json;
}

/* ---- what stands above them ------------------------------------------------------------------ */

static void add_pair(json_t *list, const char *first, const char *second)
{
	json_t *pair = json_array();

	cli_json_append(pair, cli_json_text(first));
	cli_json_append(pair, cli_json_text(second));
	cli_json_append(list, pair);
}

static uint64_t sum_lost(const struct sim_results *results)
{
	uint64_t lost = 0;

	for (int i = 0; i < SIM_LOSSES_MAX; i++)
		lost += results->lost[i];
	return lost;
}

static uint64_t sum_turned_away(const struct sim_results *results)
{
	uint64_t sum = 0;

	for (uint32_t i = 0; i < results->server_count; i++)
		sum += results->totals[i].dropped + results->totals[i].refused;
	return sum;
}

/* The worst of all faults. */
struct worst {
	double in_service, overload; /* percent of those before; times a server's capacity */
	int64_t most_s;
};

static struct worst find_worst(const struct simulate_run *run)
{
	struct worst worst = {.in_service = HUNDRED};

	for (uint32_t i = 0; i < run->plan->fault_count; i++) {
		struct sim_aftermath after = sim_results_aftermath(run->results, run->plan, i);
		uint32_t capacity = run->plan->servers[after.peak_server].capacity;
		double share =
			after.before ? (double)HUNDRED * after.least / after.before : HUNDRED;

		worst.in_service = share < worst.in_service ? share : worst.in_service;
		if (capacity && (double)after.peak / capacity > worst.overload)
			worst.overload = (double)after.peak / capacity;
		worst.most_s = after.most_s > worst.most_s ? after.most_s : worst.most_s;
	}
	return worst;
}

/* What a meeting looks at first. */
static json_t *tiles_json(const struct simulate_run *run)
{
	const struct sim_results *results = run->results;
	struct worst worst = find_worst(run);
	json_t *list = json_array();
	char text[SIMULATE_TEXT_MAX];

	snprintf(text, sizeof text, "%.1f %%", worst.in_service);
	add_pair(list, text, "of the lines in service at the worst moment of a fault");
	add_pair(list,
		 worst.most_s ? simulate_show_length(text, (uint64_t)worst.most_s * 1000)
			      : "at once",
		 "after the end of a fault, until 99 % are back");
	if (worst.overload > 0) {
		snprintf(text, sizeof text, "%.2f x", worst.overload);
		add_pair(list, text, "a server's capacity: the highest peak after a fault");
	}
	add_pair(list, simulate_show_length(text, sim_histogram_mean(&results->out_ms)),
		 "without service, a line on average");
	add_pair(list, simulate_show_length(text, sim_histogram_at(&results->out_ms, 1000)),
		 "without service, for the line that had it worst");
	add_pair(list, simulate_show_count(text, sum_turned_away(results)),
		 "requests dropped or answered 503");
	if (run->plan->has_calls) {
		snprintf(text, sizeof text, "%.2f %%",
			 results->calls_placed ? (double)HUNDRED * (double)sum_lost(results) /
							 (double)results->calls_placed
					       : 0);
		add_pair(list, text, "of the calls lost");
	}
	return list;
}

static json_t *run_json(const struct page *page, const struct simulate_run *run)
{
	json_t *json = json_object(), *servers = json_array(), *rows = json_array();
	struct simulate_fact *facts;
	uint32_t count = simulate_facts(run, &facts);

	cli_json_put(json, "name", cli_json_text(run->name));
	cli_json_put(json, "lines", cli_json_number(run->plan->lines));
	cli_json_put(json, "tiles", tiles_json(run));
	for (uint32_t i = 0; i < count; i++)
		add_pair(rows, facts[i].label, facts[i].value);
	cli_json_put(json, "facts", rows);
	for (uint32_t i = 0; i < run->plan->server_count; i++)
		cli_json_append(servers, server_json(page, run, i));
	cli_json_put(json, "servers", servers);
	cli_json_put(json, "requests", sum_curve(page, run->results));
	put_fleet_curves(page, run->results, json);
	free(facts);
	return json;
}

static json_t *faults_json(const struct sim_plan *plan)
{
	json_t *list = json_array();

	for (uint32_t i = 0; i < plan->fault_count; i++) {
		const struct sim_plan_fault *fault = &plan->faults[i];
		uint64_t end_us = (uint64_t)plan->run_ms * (SECOND_US / 1000);
		uint64_t until_us = fault->ends_us < end_us ? fault->ends_us : end_us;
		char text[SIMULATE_TEXT_MAX];
		json_t *json = json_object();

		simulate_show_fault(text, plan, i);
		cli_json_put(json, "told", json_boolean(simulate_is_told(fault)));
		cli_json_put(json, "at", json_real((double)fault->at_us / SECOND_US));
		cli_json_put(json, "until", json_real((double)until_us / SECOND_US));
		cli_json_put(json, "text", cli_json_text(text));
		cli_json_append(list, json);
	}
	return list;
}

/* ---- the page -------------------------------------------------------------------------------- */

static int put_data(FILE *to, const struct simulate_runs *runs)
{
	const struct sim_plan *plan = runs->run[0].plan;
	uint32_t seconds = runs->run[0].results->seconds;
	const struct page page = {runs, (seconds + POINTS_MAX - 1) / POINTS_MAX};
	json_t *root = json_object(), *list = json_array();
	char sub[SIMULATE_TEXT_MAX], length[SIMULATE_TEXT_MAX], lines[SIMULATE_TEXT_MAX];

	simulate_show_length(length, plan->run_ms);
	snprintf(sub, sizeof sub, "%.40s of virtual time, %.40s lines, seed %" PRIu64, length,
		 simulate_show_count(lines, plan->lines), plan->seed);
	cli_json_put(root, "title", cli_json_text(plan->title));
	cli_json_put(root, "sub", cli_json_text(sub));
	cli_json_put(root, "step", cli_json_number(page.step));
	cli_json_put(root, "faults", faults_json(plan));
	for (uint32_t i = 0; i < runs->count; i++)
		cli_json_append(list, run_json(&page, &runs->run[i]));
	cli_json_put(root, "runs", list);
	/* "/" is escaped, so that no text can end the script. */
	int error = json_dumpf(root, to,
			       JSON_COMPACT | JSON_ESCAPE_SLASH | JSON_ENSURE_ASCII |
				       JSON_REAL_PRECISION(9));
	json_decref(root);
	return error;
}

int simulate_print_page(FILE *to, const struct simulate_runs *runs)
{
	static const char mark[] = "<!-- put ", end[] = " -->";
	const char *next = cli_asset_page;
	int error = 0;

	for (const char *at; (at = strstr(next, mark)) != NULL;) {
		const char *name = at + strlen(mark), *after = strstr(name, end);

		fwrite(next, 1, (size_t)(at - next), to);
		if (!strncmp(name, "dygraph_css", strlen("dygraph_css")))
			fputs(cli_asset_dygraph_css, to);
		else if (!strncmp(name, "dygraph_js", strlen("dygraph_js")))
			fputs(cli_asset_dygraph_js, to);
		else
			error |= put_data(to, runs);
		next = after + strlen(end);
	}
	fputs(next, to);
	return error || ferror(to) ? -1 : 0;
}
