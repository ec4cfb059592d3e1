/* explain.c - `keepline explain`: routes, time lines, back-off and failback of a configuration. */
#include <argp.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "cli/cli.h"
#include "cli/explain.h"
#include "cli/phone_options.h"

enum { KEY_JSON = 256, KEY_PARAMETERS };

struct arguments {
	struct config_options phone;
	uint32_t line; /* number; 0: all */
	enum kl_method method;
	bool one_method; /* that one; else INVITE and REGISTER */
	struct cli_names_source names;
	bool json, parameters;
};

static const struct argp_option options[] = {
	{"line", 'l', "N", 0, "only line N (reg.N)", 0},
	{"method", 'm', "METHOD", 0, "only this request's time line; default: INVITE, REGISTER", 0},
	{"json", KEY_JSON, NULL, 0, "print JSON", 0},
	{"parameters", KEY_PARAMETERS, NULL, 0, "print every value with where it came from", 0},
	{0},
};

static error_t parse_method(const char *name, enum kl_method *method)
{
	for (int i = 0; i < KL_METHODS_MAX; i++)
		if (!strcasecmp(name, kl_method_name((enum kl_method)i))) {
			*method = (enum kl_method)i;
			return 0;
		}
	return EINVAL;
}

static error_t parse_option(int key, char *value, struct argp_state *state)
{
	struct arguments *arguments = state->input;
	char *end;

	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = &arguments->phone;
		state->child_inputs[1] = &arguments->names;
		break;
	case 'l':
		arguments->line = (uint32_t)strtoul(value, &end, 10);
		if (*end || !arguments->line || arguments->line > CONFIG_LINES_MAX)
			argp_error(state, "%s is no line number", value);
		break;
	case 'm':
		arguments->one_method = true;
		if (parse_method(value, &arguments->method))
			argp_error(state, "%s is no method that is sent outside of calls", value);
		break;
	case KEY_JSON:
		arguments->json = true;
		break;
	case KEY_PARAMETERS:
		arguments->parameters = true;
		break;
	default:
		return ARGP_ERR_UNKNOWN;
	}
	return 0;
}

static const struct argp_child children[] = {
	{.argp = &cli_phone_argp}, {.argp = &cli_names_argp}, {0}};

static const struct argp argp = {
	.children = children,
	.options = options,
	.parser = parse_option,
	.args_doc = "FILE...",
	.doc = "Says what a configuration means: the routes of each line, what is sent when no "
	       "server "
	       "answers, the back-off, and how the line comes back.\v"
	       "The real engine runs in virtual time against silent servers; no SIP message is "
	       "sent. "
	       "Names are looked up once: in the zone file, with the DNS server given, those of "
	       "a native file, or those of /etc/resolv.conf.\n"
	       "Exit status: 0 each line has a route; 1 one has none; 2 wrong usage, or "
	       "unreadable files.",
};

static struct cli_rehearsal *rehearse(const struct explain_line *line, struct cli_names *names,
				      enum kl_method method, enum cli_outage outage)
{
	const struct cli_plan plan = {
		.config = &line->config->engine,
		.line = line->index,
		.names = names,
		.method = method,
		.outage = outage,
	};

	return cli_rehearse(&plan);
}

/* Fills LINE, whose config and index are set.  False: out of memory. */
static bool explain(struct explain_line *line, const struct arguments *arguments,
		    struct cli_names *names)
{
	enum kl_method first = arguments->one_method ? arguments->method : KL_INVITE;

	line->timelines[line->timeline_count++].method = first;
	if (!arguments->one_method)
		line->timelines[line->timeline_count++].method = KL_REGISTER;
	for (uint32_t i = 0; i < line->timeline_count; i++) {
		line->timelines[i].seen =
			rehearse(line, names, line->timelines[i].method, CLI_OUTAGE_ALL);
		if (!line->timelines[i].seen)
			return false;
	}
	line->failover = rehearse(line, names, first, CLI_OUTAGE_FIRST);
	line->refresh = rehearse(line, names, KL_REGISTER, CLI_OUTAGE_FIRST);
	if (!line->failover || !line->refresh)
		return false;
	explain_sentences(line);
	return true;
}

static void line_free(struct explain_line *line)
{
	for (uint32_t i = 0; i < line->timeline_count; i++)
		free(line->timelines[i].seen);
	free(line->failover);
	free(line->refresh);
}

/* Exit status: 0, or 1 if a line found no route. */
static int print_lines(const struct explain_line *lines, uint32_t count,
		       const struct arguments *arguments)
{
	int status = 0;

	for (uint32_t i = 0; i < count; i++)
		if (!lines[i].timelines[0].seen->route_counts[0])
			status = 1;
	if (arguments->json && explain_print_json(stdout, lines, count)) {
		perror("keepline explain");
		return 1;
	}
	for (uint32_t i = 0; i < count && !arguments->json; i++)
		explain_print(stdout, &lines[i], arguments->parameters);
	return status;
}

static int explain_config(const struct config *config, const struct arguments *arguments,
			  struct cli_names *names)
{
	struct explain_line *lines = calloc(config->engine.line_count, sizeof *lines);
	uint32_t count = 0;
	bool complete = lines;
	int status;

	for (uint32_t i = 0; complete && i < config->engine.line_count; i++) {
		if (arguments->line && arguments->line != config->lines[i].number)
			continue;
		lines[count] = (struct explain_line){.config = config, .index = i};
		complete = explain(&lines[count++], arguments, names);
	}
	if (!complete) {
		fprintf(stderr, "keepline explain: out of memory\n");
		status = 1;
	} else if (!count) {
		fprintf(stderr, "keepline explain: there is no line %u\n", arguments->line);
		status = 2;
	} else {
		status = print_lines(lines, count, arguments);
	}
	for (uint32_t i = 0; i < count; i++)
		line_free(&lines[i]);
	free(lines);
	return status;
}

/* The names of the command line, else of the files, else of the system. */
static struct cli_names *open_names(struct arguments *arguments, const struct config *config,
				    char why[KL_TEXT_MAX])
{
	arguments->names.resolvers = config->device.resolvers;
	arguments->names.resolver_count = config->device.resolver_count;
	return cli_names_open(&arguments->names, why, KL_TEXT_MAX);
}

int cli_explain(int argc, char **argv)
{
	struct arguments arguments = {0};
	struct cli_names *names = NULL;
	struct config *config;
	char why[KL_TEXT_MAX];
	int status = 2;

	argp_err_exit_status = 2;
	argp_parse(&argp, argc, argv, 0, NULL, &arguments);
	if (config_load(&arguments.phone, &config) ||
	    (arguments.phone.strict && config->error_count)) {
		cli_print_diagnostics(stderr, config);
	} else if (!(names = open_names(&arguments, config, why))) {
		fprintf(stderr, "keepline explain: %s\n", why);
	} else {
		status = explain_config(config, &arguments, names);
	}
	cli_names_close(names);
	config_free(config);
	return status;
}
