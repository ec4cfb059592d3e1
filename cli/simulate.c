/* simulate.c - `keepline simulate`: what a configuration means for a fleet. */
#include "cli/simulate.h"

#include <argp.h>
#include <err.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"

enum { KEY_JSON = 256, KEY_CSV, KEY_REPORT, KEY_COMPARE, KEY_SWEEP, KEY_JUDGE, KEY_SEED };

/* A fleet is well if so many of a hundred lines are in service at the end. */
enum { WELL = 99, PERCENT = 100 };

struct arguments {
	const char *scenario;
	const char *compared[SIMULATE_RUNS_MAX]; /* files of one configuration each */
	uint32_t compared_count;
	const char *sweep, *csv, *report;
	uint32_t lines, judged;
	uint64_t seed;
	bool has_seed, json, compare;
};

static const struct argp_option options[] = {
	{"lines", 'n', "N", 0, "so many lines, whatever the scenario says", 0},
	{"seed", KEY_SEED, "S", 0, "draws by this seed, whatever the scenario says", 0},
	{"compare", KEY_COMPARE, NULL, 0,
	 "play the same world once for each FILE: all phones are provisioned with it "
	 "(several files of one configuration: with commas between them)",
	 0},
	{"sweep", KEY_SWEEP, "KEY=VALUE,...", 0, "play it once for each value", 0},
	{"json", KEY_JSON, NULL, 0, "print JSON", 0},
	{"csv", KEY_CSV, "OUT", 0, "write a line for each second to OUT", 0},
	{"report", KEY_REPORT, "OUT.html", 0, "write a page with plots to OUT.html", 0},
	{"judge", KEY_JUDGE, "N", 0,
	 "have every N-th phone watched by the safety checker (default: none)", 0},
	{0},
};

static uint64_t read_number(const char *text, uint64_t least, uint64_t most,
			    struct argp_state *state)
{
	char *end;
	unsigned long long number = strtoull(text, &end, 10);

	if (!*text || *end || strchr(text, '-') || number < least || number > most)
		argp_error(state, "%s is no number, %llu to %llu", text, (unsigned long long)least,
			   (unsigned long long)most);
	return number;
}

static void take_file(struct arguments *arguments, const char *file, struct argp_state *state)
{
	if (!arguments->scenario)
		arguments->scenario = file;
	else if (arguments->compared_count == SIMULATE_RUNS_MAX)
		argp_error(state, "more than %d configurations", SIMULATE_RUNS_MAX);
	else
		arguments->compared[arguments->compared_count++] = file;
}

static void check_usage(const struct arguments *arguments, struct argp_state *state)
{
	if (!arguments->scenario)
		argp_error(state, "which scenario?");
	if (arguments->compare && arguments->compared_count < 2)
		argp_error(state, "--compare needs two configurations or more");
	if (!arguments->compare && arguments->compared_count)
		argp_error(state, "one scenario is played; --compare takes configurations");
	if (arguments->compare && arguments->sweep)
		argp_error(state, "--compare and --sweep don't go together");
	if (arguments->sweep && !strchr(arguments->sweep, '='))
		argp_error(state, "--sweep %s: expected KEY=VALUE,...", arguments->sweep);
}

static error_t parse_option(int key, char *value, struct argp_state *state)
{
	struct arguments *arguments = state->input;

	switch (key) {
	case 'n':
		arguments->lines = (uint32_t)read_number(value, 1, SIM_FLEET_LINES_MAX, state);
		break;
	case KEY_SEED:
		arguments->seed = read_number(value, 0, UINT32_MAX, state);
		arguments->has_seed = true;
		break;
	case KEY_JUDGE:
		arguments->judged = (uint32_t)read_number(value, 1, SIM_FLEET_LINES_MAX, state);
		break;
	case KEY_COMPARE:
		arguments->compare = true;
		break;
	case KEY_SWEEP:
		arguments->sweep = value;
		break;
	case KEY_JSON:
		arguments->json = true;
		break;
	case KEY_CSV:
		arguments->csv = value;
		break;
	case KEY_REPORT:
		arguments->report = value;
		break;
	case ARGP_KEY_ARG:
		take_file(arguments, value, state);
		break;
	case ARGP_KEY_END:
		check_usage(arguments, state);
		break;
	default:
		return ARGP_ERR_UNKNOWN;
	}
	return 0;
}

static const struct argp argp = {
	.options = options,
	.parser = parse_option,
	.args_doc = "SCENARIO\n--compare SCENARIO FILE FILE...",
	.doc = "Plays what a fleet of phones and its servers go through, in virtual time, with the "
	       "real engine in each phone.\v"
	       "docs/simulate.md tells what a scenario is; examples/simulate/ has some. Ctrl-C "
	       "ends a run with the results so far.\n"
	       "Exit status: 0 at least 99 % of the lines are in service at the end; 1 they are "
	       "not, or a run was ended early, or a rule was broken; 2 wrong usage, or a scenario "
	       "that can't be played.",
};

/* ---- runs ------------------------------------------------------------------------------------ */

/* What is wrong with the scenario itself is told once. */
static bool is_told(const struct sim_plan *plan, const struct config_diagnostic *diagnostic)
{
	for (uint32_t i = 0; i < plan->diagnostic_count; i++)
		if (!strcmp(plan->diagnostics[i].text, diagnostic->text) &&
		    plan->diagnostics[i].line == diagnostic->line)
			return true;
	return false;
}

/* Loads the plan of one more run.  False, and told: it can't be played. */
static bool add_run(struct simulate_runs *runs, const struct arguments *arguments,
		    const char *phones, const char *set)
{
	struct simulate_run *run = &runs->run[runs->count++];
	const struct sim_plan_options plan = {
		.path = arguments->scenario,
		.lines = arguments->lines,
		.seed = arguments->seed,
		.has_seed = arguments->has_seed,
		.phones = phones,
		.set = set,
	};
	char text[KL_TEXT_MAX];
	bool good = sim_plan_load(&plan, &run->plan) == KL_OK;

	for (uint32_t i = 0; i < run->plan->diagnostic_count; i++)
		if (runs->count == 1 || !is_told(runs->run[0].plan, &run->plan->diagnostics[i]))
			fprintf(stderr, "%s\n",
				config_format_diagnostic(text, sizeof text,
							 &run->plan->diagnostics[i]));
	snprintf(run->name, sizeof run->name, "%s",
		 set      ? set
		 : phones ? run->plan->classes[0].name
			  : run->plan->title);
	return good;
}

/* A run for each value behind the "=". */
static bool add_sweep(struct simulate_runs *runs, const struct arguments *arguments)
{
	const char *next = strchr(arguments->sweep, '=') + 1;
	int key = (int)(next - arguments->sweep);
	bool good = true;

	while (good && next) {
		char set[SIMULATE_TEXT_MAX];
		const char *comma = strchr(next, ',');
		int length = comma ? (int)(comma - next) : (int)strlen(next);

		if (runs->count == SIMULATE_RUNS_MAX) {
			warnx("more than %d values", SIMULATE_RUNS_MAX);
			return false;
		}
		snprintf(set, sizeof set, "%.*s%.*s", key, arguments->sweep, length, next);
		good = add_run(runs, arguments, NULL, set);
		next = comma ? comma + 1 : NULL;
	}
	return good;
}

static bool load(struct simulate_runs *runs, const struct arguments *arguments)
{
	if (arguments->sweep)
		return add_sweep(runs, arguments);
	if (!arguments->compare)
		return add_run(runs, arguments, NULL, NULL);
	for (uint32_t i = 0; i < arguments->compared_count; i++)
		if (!add_run(runs, arguments, arguments->compared[i], NULL))
			return false;
	return true;
}

/* ---- out ------------------------------------------------------------------------------------- */

static bool write_file(const char *path, const struct simulate_runs *runs,
		       int (*print)(FILE *to, const struct simulate_runs *runs))
{
	FILE *to = fopen(path, "we");
	int error = !to || print(to, runs);

	if (to)
		error |= fclose(to);
	if (error)
		warn("%s", path);
	return !error;
}

static bool tell(const struct arguments *arguments, const struct simulate_runs *runs)
{
	bool good = true;

	if (arguments->json)
		good = !simulate_print_json(stdout, runs);
	else
		simulate_print_table(stdout, runs);
	if (arguments->csv)
		good &= write_file(arguments->csv, runs, simulate_print_csv);
	if (arguments->report)
		good &= write_file(arguments->report, runs, simulate_print_page);
	return good && !fflush(stdout);
}

static bool is_well(const struct simulate_run *run)
{
	uint32_t seconds = sim_results_seconds(run->results);

	return run->results->complete && !run->results->broken[0] && seconds &&
	       (uint64_t)run->results->fleet[seconds - 1].in_service * PERCENT >=
		       (uint64_t)run->plan->lines * WELL;
}

int cli_simulate(int argc, char **argv)
{
	struct simulate_runs *runs = calloc(1, sizeof *runs);
	struct arguments arguments = {0};
	int status = 2;

	if (!runs)
		err(EXIT_FAILURE, "keepline simulate");
	argp_parse(&argp, argc, argv, 0, NULL, &arguments);
	runs->scenario = arguments.scenario;
	runs->judged = arguments.judged;
	if (load(runs, &arguments) && simulate_play(runs) && tell(&arguments, runs)) {
		status = 0;
		for (uint32_t i = 0; i < runs->count; i++)
			status |= !is_well(&runs->run[i]);
	}
	for (uint32_t i = 0; i < runs->count; i++) {
		if (runs->run[i].results)
			sim_results_free(runs->run[i].results);
		sim_plan_free(runs->run[i].plan);
	}
	free(runs);
	return status;
}
