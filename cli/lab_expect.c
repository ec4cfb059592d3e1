/* lab_expect.c - the rules that a phone is judged by: a profile's, or those of a configuration. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cli/lab.h"
#include "cli/phone_options.h"
#include "cli/rehearsal.h"

/* The first entry's routes, as the engine walks them. */
static bool find_routes(struct cli_expected *expected, const struct config *config,
			struct cli_names *names)
{
	const struct cli_plan plan = {.config = &config->engine,
				      .names = names,
				      .method = KL_REGISTER,
				      .outage = CLI_OUTAGE_ALL};
	struct cli_rehearsal *seen = cli_rehearse(&plan);

	if (!seen)
		return false;
	expected->route_count = seen->route_counts[0];
	for (uint32_t i = 0; i < expected->route_count; i++)
		expected->routes[i] = (struct lab_expected_route){seen->routes[0][i].view.route,
								  seen->routes[0][i].view.record};
	free(seen);
	return true;
}

bool cli_expect(struct cli_expected *expected, const char *command, const char *what,
		struct cli_names *names)
{
	const struct config_options options = {.files = &what, .file_count = 1};
	struct config *config;
	bool good = true;

	*expected = (struct cli_expected){0};
	if (lab_expect_profile(&expected->rules, what))
		return true;
	if (config_load(&options, &config)) {
		cli_print_diagnostics(stderr, config);
		fprintf(stderr, "%s: \"%s\": expected a profile's name, or a configuration file\n",
			command, what);
		config_free(config);
		return false;
	}
	expected->rules = (struct lab_expected){
		.policy = *config->engine.lines[0].entries[0].policy,
		.tolerance_ms = LAB_TOLERANCE_MS,
	};
	snprintf(expected->rules.text, sizeof expected->rules.text, "%s", what);
	if (names && !find_routes(expected, config, names)) {
		fprintf(stderr, "%s: out of memory\n", command);
		good = false;
	}
	config_free(config);
	return good;
}

uint32_t cli_tolerance_ms(const char *text, struct argp_state *state)
{
	char *end;
	unsigned long value = strtoul(text, &end, 10);

	if (*end || end == text || value > 500)
		argp_error(state, "%s is no tolerance: expected 0 to 500 ms", text);
	return (uint32_t)value;
}

bool cli_lab_write_report(const struct lab_report *report, const char *command, const char *path)
{
	FILE *to = fopen(path, "we");
	bool written = to;

	if (to) {
		lab_report_html(report, to);
		written = !ferror(to);
		written &= !fclose(to);
	}
	if (!written)
		fprintf(stderr, "%s: %s: %s\n", command, path, strerror(errno));
	return written;
}
