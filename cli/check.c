/* check.c - `keepline check`: what is wrong with a configuration, and what is unwise. */
#include "config/check.h"

#include <argp.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/json.h"
#include "cli/phone_options.h"
#include "cli/rehearsal.h"
#include "net/resolver.h"

#define RESOLV_CONF "/etc/resolv.conf"

enum { KEY_JSON = 256, KEY_LINES, KEY_CAPACITY, DNS_PORT = 53 };

struct arguments {
	struct config_options options;
	struct cli_names_source names;
	struct check_facts facts;
	bool json;
};

/* All that was found. */
struct found {
	const struct config *config;
	const struct check_finding *advice;
	uint32_t advice_count;
	uint32_t errors, warnings;
};

static const struct argp_option options[] = {
	{"json", KEY_JSON, NULL, 0, "print JSON", 0},
	{"lines", KEY_LINES, "N", 0, "lines of the whole fleet, for rates of arrival", 0},
	{"capacity", KEY_CAPACITY, "C", 0, "requests that a server takes in a second", 0},
	{0},
};

static uint32_t read_count(const char *text, struct argp_state *state)
{
	char *end;
	unsigned long number = strtoul(text, &end, 10);

	if (*end || *text == '-' || number < 1 || number > UINT32_MAX)
		argp_error(state, "%s is no number, 1 or more", text);
	return (uint32_t)number;
}

static error_t parse_option(int key, char *value, struct argp_state *state)
{
	struct arguments *arguments = state->input;

	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = &arguments->options;
		state->child_inputs[1] = &arguments->names;
		break;
	case KEY_JSON:
		arguments->json = true;
		break;
	case KEY_LINES:
		arguments->facts.fleet = read_count(value, state);
		break;
	case KEY_CAPACITY:
		arguments->facts.capacity = read_count(value, state);
		break;
	case ARGP_KEY_END:
		if (!arguments->facts.fleet != !arguments->facts.capacity)
			argp_error(state, "--lines and --capacity go together");
		break;
	default:
		return ARGP_ERR_UNKNOWN;
	}
	return 0;
}

static const struct argp_child children[] = {
	{.argp = &cli_phone_argp}, {.argp = &cli_names_argp}, {0}};

static const struct argp parser = {
	.children = children,
	.options = options,
	.parser = parse_option,
	.args_doc = "FILE...",
	.doc = "Says what is wrong with a configuration, and where it goes against the advice of "
	       "the vendors' own documents.\v"
	       "With --lines and --capacity it works out whether a server that comes back is "
	       "flooded. TTLs are checked only with --dns or --resolver.\n"
	       "Exit status: 0 nothing wrong; 1 errors, or warnings with --strict; 2 wrong usage, "
	       "or no file could be read.",
};

/* ---- facts ------------------------------------------------------------------------------------
 */

/* RFC 1918, RFC 4193, loopback and link-local: such a server is on site. */
static bool is_on_site(const struct net_address *address)
{
	const uint8_t *ip = address->ip;

	if (!net_address_is_ipv4(address))
		return (ip[0] & 0xfe) == 0xfc || (ip[0] == 0xfe && (ip[1] & 0xc0) == 0x80) ||
		       (ip[0] == 0 && ip[15] == 1);
	ip += 12;
	return ip[0] == 10 || ip[0] == 127 || (ip[0] == 172 && (ip[1] & 0xf0) == 16) ||
	       (ip[0] == 192 && ip[1] == 168) || (ip[0] == 169 && ip[1] == 254);
}

/* The resolvers that the files name, or this machine's. */
static void find_resolvers(struct check_facts *facts, const struct config_device *device)
{
	struct net_resolver_config config;

	net_resolver_config_init(&config);
	facts->resolvers_from = device->resolvers_from;
	for (uint32_t i = 0; i < device->resolver_count; i++)
		if (!net_address_parse(&config.servers[config.server_count], device->resolvers[i],
				       DNS_PORT))
			config.server_count++;
	if (!device->resolver_count) {
		facts->resolvers_from = RESOLV_CONF;
		net_resolver_config_read(&config, RESOLV_CONF);
	}
	facts->resolver_count = (uint32_t)config.server_count;
	for (size_t i = 0; i < config.server_count; i++)
		facts->resolver_on_site |= is_on_site(&config.servers[i]);
}

/* What the DNS says of each line. */
struct lookups {
	kl_ms *ttls_ms;
	uint32_t *servers;
};

/* By their addresses: of an entry's routes those that no earlier one has. */
static uint32_t count_servers(const struct cli_route *routes, uint32_t count)
{
	uint32_t servers = 0;

	for (uint32_t i = 0; i < count; i++) {
		uint32_t first = 0;

		while (memcmp(routes[first].view.route.ip, routes[i].view.route.ip,
			      sizeof routes[i].view.route.ip) != 0)
			first++;
		servers += first == i;
	}
	return servers;
}

/* The shortest TTL of the routes of one line, KL_NEVER if none came from the DNS; its servers. */
static void look_up(const struct config *config, uint32_t line, struct cli_names *names,
		    const struct lookups *found)
{
	const struct cli_plan plan = {
		.config = &config->engine,
		.line = line,
		.names = names,
		.method = KL_REGISTER,
	};
	struct cli_rehearsal *seen = cli_rehearse(&plan);

	found->ttls_ms[line] = KL_NEVER;
	if (!seen)
		return;
	found->servers[line] = count_servers(seen->routes[0], seen->route_counts[0]);
	for (uint32_t i = 0; i < config->engine.lines[line].entry_count; i++)
		for (uint32_t r = 0; r < seen->route_counts[i]; r++)
			if (seen->routes[i][r].view.ttl_ms < found->ttls_ms[line])
				found->ttls_ms[line] = seen->routes[i][r].view.ttl_ms;
	free(seen);
}

/* False: it was said why not. */
static bool look_all_up(struct arguments *arguments, const struct config *config,
			struct lookups *found)
{
	char why[KL_TEXT_MAX];
	struct cli_names *names;

	if (!arguments->names.zone_file && !arguments->names.resolver)
		return true;
	names = cli_names_open(&arguments->names, why, sizeof why);
	if (!names) {
		fprintf(stderr, "keepline check: %s\n", why);
		return false;
	}
	found->ttls_ms = calloc(config->engine.line_count + 1, sizeof *found->ttls_ms);
	found->servers = calloc(config->engine.line_count + 1, sizeof *found->servers);
	if (found->ttls_ms && found->servers) {
		for (uint32_t i = 0; i < config->engine.line_count; i++)
			look_up(config, i, names, found);
		arguments->facts.ttls_ms = found->ttls_ms;
		arguments->facts.servers = found->servers;
	}
	cli_names_close(names);
	return true;
}

/* ---- printing ---------------------------------------------------------------------------------
 */

static const char *name_severity(enum config_severity severity)
{
	return severity == CONFIG_ERROR ? "error" : "warning";
}

static void print_text(const struct found *found)
{
	cli_print_diagnostics(stdout, found->config);
	for (uint32_t i = 0; i < found->advice_count; i++) {
		const struct check_finding *advice = &found->advice[i];

		printf("%s: %s: %s = %s: %s", advice->from, name_severity(advice->severity),
		       advice->parameter, advice->value, advice->why);
		if (advice->more)
			printf(" (and %u more)", advice->more);
		printf("\n    instead: %s\n    source: %s [%s]\n", advice->instead, advice->source,
		       advice->rule);
	}
	printf("%u error%s, %u warning%s\n", found->errors, found->errors == 1 ? "" : "s",
	       found->warnings, found->warnings == 1 ? "" : "s");
}

static json_t *text_or_null(const char *text)
{
	return text ? cli_json_text(text) : json_null();
}

static json_t *diagnostic_json(const struct config_diagnostic *diagnostic)
{
	json_t *json = json_object();

	cli_json_put(json, "severity", cli_json_text(name_severity(diagnostic->severity)));
	cli_json_put(json, "parameter", text_or_null(diagnostic->parameter));
	cli_json_put(json, "file", text_or_null(diagnostic->file));
	if (diagnostic->line)
		cli_json_put(json, "at_line", cli_json_number(diagnostic->line));
	if (diagnostic->column)
		cli_json_put(json, "at_column", cli_json_number(diagnostic->column));
	cli_json_put(json, "why", cli_json_text(diagnostic->text));
	return json;
}

static json_t *advice_json(const struct check_finding *advice)
{
	json_t *json = json_object();

	cli_json_put(json, "severity", cli_json_text(name_severity(advice->severity)));
	cli_json_put(json, "rule", cli_json_text(advice->rule));
	if (advice->line)
		cli_json_put(json, "line", cli_json_number(advice->line));
	cli_json_put(json, "parameter", cli_json_text(advice->parameter));
	cli_json_put(json, "value", cli_json_text(advice->value));
	cli_json_put(json, "from", cli_json_text(advice->from));
	cli_json_put(json, "more", cli_json_number(advice->more));
	cli_json_put(json, "why", cli_json_text(advice->why));
	cli_json_put(json, "instead", cli_json_text(advice->instead));
	cli_json_put(json, "source", cli_json_text(advice->source));
	return json;
}

/* {"findings": [...], "errors": N, "warnings": N} */
static void print_json(const struct found *found)
{
	json_t *root = json_object(), *findings = json_array();

	for (uint32_t i = 0; i < found->config->diagnostic_count; i++)
		cli_json_append(findings, diagnostic_json(&found->config->diagnostics[i]));
	for (uint32_t i = 0; i < found->advice_count; i++)
		cli_json_append(findings, advice_json(&found->advice[i]));
	cli_json_put(root, "findings", findings);
	cli_json_put(root, "errors", cli_json_number(found->errors));
	cli_json_put(root, "warnings", cli_json_number(found->warnings));
	if (cli_json_print(stdout, root))
		perror("keepline check");
}

/* ---- all together -----------------------------------------------------------------------------
 */

static int check(struct arguments *arguments, struct found *found)
{
	const struct config *config = found->config;
	bool readable = config->files_read || arguments->options.versity;
	struct lookups lookups = {0};

	find_resolvers(&arguments->facts, &config->device);
	if (!look_all_up(arguments, config, &lookups))
		return 2;
	if (readable)
		found->advice_count = check_config(config, &arguments->facts, &found->advice);
	found->errors = config->error_count;
	found->warnings = found->advice_count;
	for (uint32_t i = 0; i < config->diagnostic_count; i++)
		found->warnings += config->diagnostics[i].severity == CONFIG_WARNING;
	if (arguments->json)
		print_json(found);
	else
		print_text(found);
	free(lookups.ttls_ms);
	free(lookups.servers);
	if (!readable)
		return 2;
	return found->errors || (arguments->options.strict && found->warnings) ? 1 : 0;
}

int cli_check(int argc, char **argv)
{
	struct arguments arguments = {0};
	struct config *config;
	int status;

	argp_err_exit_status = 2;
	argp_parse(&parser, argc, argv, 0, NULL, &arguments);
	config_load(&arguments.options, &config);
	status = check(&arguments, &(struct found){.config = config});
	config_free(config);
	return status;
}
