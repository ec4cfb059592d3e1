/* simulate_table.c - the table on the terminal, and the curves as CSV. */
#include <stdlib.h>
#include <string.h>

#include "cli/simulate.h"

enum { LABEL = 46, COLUMN = 26, SECOND_US = 1000000 };

/* What is not as it should be of the run itself. */
static void print_notes(FILE *to, const struct simulate_run *run)
{
	const struct sim_results *results = run->results;
	char text[SIMULATE_TEXT_MAX];

	simulate_show_time(text, results->done_us / SECOND_US);
	if (!results->complete)
		fprintf(to, "%s: ended early, at %s of virtual time\n", run->name, text);
	if (results->cut_routes)
		fprintf(to, "%s: routes did not fit into an engine %llu times\n", run->name,
			(unsigned long long)results->cut_routes);
	if (results->broken[0])
		fprintf(to, "%s: BROKEN RULE: %s\n", run->name, results->broken);
	else if (results->judged)
		fprintf(to, "%s: %llu events judged by the safety checker, no rule broken\n",
			run->name, (unsigned long long)results->judged);
}

static void print_row(FILE *to, struct simulate_fact *const *facts, uint32_t count, uint32_t row)
{
	if (!facts[0][row].value[0]) {
		fprintf(to, "%s%s\n", row ? "\n" : "", facts[0][row].label);
		return;
	}
	fprintf(to, "  %-*s", LABEL - 2, facts[0][row].label);
	for (uint32_t i = 0; i < count; i++)
		fprintf(to, " %*s", COLUMN, facts[i][row].value);
	fputc('\n', to);
}

void simulate_print_table(FILE *to, const struct simulate_runs *runs)
{
	struct simulate_fact *facts[SIMULATE_RUNS_MAX];
	uint32_t rows = 0;
	char text[SIMULATE_TEXT_MAX];

	for (uint32_t i = 0; i < runs->count; i++)
		rows = simulate_facts(&runs->run[i], &facts[i]);
	simulate_show_length(text, runs->run[0].plan->run_ms);
	fprintf(to, "%s\n%s of virtual time, seed %llu\n\n", runs->run[0].plan->title, text,
		(unsigned long long)runs->run[0].plan->seed);
	if (runs->count > 1) {
		fprintf(to, "%-*s", LABEL, "");
		for (uint32_t i = 0; i < runs->count; i++)
			fprintf(to, " %*.*s", COLUMN, COLUMN, runs->run[i].name);
		fputc('\n', to);
	}
	for (uint32_t row = 0; row < rows; row++)
		print_row(to, facts, runs->count, row);
	for (uint32_t i = 0; i < runs->count; i++)
		free(facts[i]);
	fputc('\n', to);
	for (uint32_t i = 0; i < runs->count; i++)
		print_notes(to, &runs->run[i]);
}

/* ---- CSV ------------------------------------------------------------------------------------- */

/* RFC 4180: a text in quotes, quotes in it doubled. */
static void print_quoted(FILE *to, const char *text)
{
	fputc('"', to);
	for (; *text; text++) {
		if (*text == '"')
			fputc('"', to);
		fputc(*text, to);
	}
	fputc('"', to);
}

static void print_csv_head(FILE *to, const struct sim_plan *plan)
{
	static const char *const columns[] = {"registers", "calls",   "others", "copies",
					      "dropped",   "refused", "queue",  "unheard"};

	fputs("run,second,powered,registered,in_service,calls_placed,calls_lost,questions", to);
	for (uint32_t i = 0; i < plan->server_count; i++)
		for (size_t j = 0; j < sizeof columns / sizeof columns[0]; j++) {
			char name[SIMULATE_TEXT_MAX];

			snprintf(name, sizeof name, "%s_%s", plan->servers[i].name, columns[j]);
			fputc(',', to);
			print_quoted(to, name);
		}
	fputc('\n', to);
}

static void print_csv_second(FILE *to, const struct simulate_run *run, uint32_t s)
{
	const struct sim_fleet_second *fleet = &run->results->fleet[s];

	print_quoted(to, run->name);
	fprintf(to, ",%u,%u,%u,%u,%u,%u,%u", s, fleet->powered, fleet->registered,
		fleet->in_service, fleet->calls_placed, fleet->calls_lost, fleet->questions);
	for (uint32_t i = 0; i < run->plan->server_count; i++) {
		const struct sim_server_second *server = &sim_results_server(run->results, i)[s];

		fprintf(to, ",%u,%u,%u,%u,%u,%u,%u,%u", server->registers, server->calls,
			server->others, server->copies, server->dropped, server->refused,
			server->queue, server->unheard);
	}
	fputc('\n', to);
}

int simulate_print_csv(FILE *to, const struct simulate_runs *runs)
{
	print_csv_head(to, runs->run[0].plan);
	for (uint32_t i = 0; i < runs->count; i++)
		for (uint32_t s = 0; s < sim_results_seconds(runs->run[i].results); s++)
			print_csv_second(to, &runs->run[i], s);
	return ferror(to) ? -1 : 0;
}
