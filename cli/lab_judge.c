/* lab_judge.c - `keepline lab judge`: did the phone in a capture keep the rules? */
#include <argp.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "cli/json.h"
#include "cli/lab.h"
#include "lab/capture.h"

enum {
	KEY_EXPECT = 256,
	KEY_PHONE,
	KEY_ROUTE,
	KEY_JSON,
	KEY_REPORT,
	KEY_TOLERANCE,
	SIP_PORT = 5060
};

static const char command[] = "keepline lab judge";

struct arguments {
	const char *file, *expect, *report;
	struct net_address phone;
	bool phone_given, json;
	struct lab_expected_route routes[KL_SET_ROUTES_MAX];
	uint32_t route_count, tolerance_ms;
	struct cli_names_source names;
};

static const struct argp_option options[] = {
	{"expect", KEY_EXPECT, "PROFILE|FILE", 0,
	 "the rules: of a profile, or of a configuration's first line", 0},
	{"phone", KEY_PHONE, "ADDR", 0,
	 "the phone's address; default: whoever sends REGISTER is a phone", 0},
	{"route", KEY_ROUTE, "ADDR[:PORT][/TRANSPORT]", 0,
	 "a server, udp unless said otherwise; repeated, in the order in which they are tried", 0},
	{"json", KEY_JSON, NULL, 0, "print JSON", 0},
	{"report", KEY_REPORT, "OUT.html", 0, "write a page with the ladder of messages", 0},
	{"tolerance", KEY_TOLERANCE, "MS", 0,
	 "by so much a time may differ; default 50, at most 500", 0},
	{0},
};

/* "192.0.2.1", "192.0.2.1:5060/tcp" */
static bool parse_route(const char *text, struct kl_route *route)
{
	static const char *const transports[] = {
		[KL_UDP] = "udp", [KL_TCP] = "tcp", [KL_TLS] = "tls"};
	char address[NET_ADDRESS_TEXT_MAX];
	size_t length = strcspn(text, "/");
	struct net_address read;
	int transport = KL_UDP;

	if (text[length])
		for (transport = KL_TLS;
		     transport >= 0 && strcmp(transports[transport], text + length + 1) != 0;)
			transport--;
	if (transport < 0 || length >= sizeof address)
		return false;
	snprintf(address, sizeof address, "%.*s", (int)length, text);
	if (net_address_parse(&read, address, transport == KL_TLS ? SIP_PORT + 1 : SIP_PORT))
		return false;
	*route = (struct kl_route){.port = read.port, .transport = (uint8_t)transport};
	memcpy(route->ip, read.ip, sizeof route->ip);
	return true;
}

static void add_route(struct arguments *arguments, const char *text, struct argp_state *state)
{
	struct lab_expected_route *to = &arguments->routes[arguments->route_count];

	if (arguments->route_count == KL_SET_ROUTES_MAX)
		argp_error(state, "there are at most %d routes", KL_SET_ROUTES_MAX);
	else if (!parse_route(text, &to->route))
		argp_error(state, "%s is no route: expected ADDR[:PORT][/udp, /tcp or /tls]", text);
	else
		to->record = ++arguments->route_count;
}

static error_t parse_option(int key, char *value, struct argp_state *state)
{
	struct arguments *arguments = state->input;

	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = &arguments->names;
		break;
	case KEY_EXPECT:
		arguments->expect = value;
		break;
	case KEY_PHONE:
		arguments->phone_given = true;
		if (net_address_parse(&arguments->phone, value, 0))
			argp_error(state, "%s is no address", value);
		break;
	case KEY_ROUTE:
		add_route(arguments, value, state);
		break;
	case KEY_JSON:
		arguments->json = true;
		break;
	case KEY_REPORT:
		arguments->report = value;
		break;
	case KEY_TOLERANCE:
		arguments->tolerance_ms = cli_tolerance_ms(value, state);
		break;
	case ARGP_KEY_ARG:
		if (arguments->file)
			argp_error(state, "one capture at a time");
		arguments->file = value;
		break;
	case ARGP_KEY_END:
		if (!arguments->file || !arguments->expect)
			argp_error(state,
				   "which capture, and judged by what? FILE --expect PROFILE");
		break;
	default:
		return ARGP_ERR_UNKNOWN;
	}
	return 0;
}

static const struct argp_child children[] = {{.argp = &cli_names_argp}, {0}};

static const struct argp argp = {
	.children = children,
	.options = options,
	.parser = parse_option,
	.args_doc = "FILE",
	.doc = "Judges a phone by what was captured of it (pcap or pcapng): which rules were seen "
	       "kept, "
	       "broken, or not exercised.\v"
	       "Which servers there are comes from --route or, with a configuration file, from the "
	       "names in it, looked up with --dns or --resolver. If nobody says it, what depends "
	       "on "
	       "it is left aside. TLS can't be read.\n\n"
	       "Exit status: 0 no rule was broken; 1 one was; 2 wrong usage or an unreadable "
	       "capture.",
};

/* The routes of the command line come before those of the file. */
static bool expect(struct arguments *arguments, struct cli_expected *expected)
{
	bool wanted = arguments->names.zone_file || arguments->names.resolver;
	struct cli_names *names = NULL;
	char why[KL_TEXT_MAX];
	bool good;

	if (wanted && !(names = cli_names_open(&arguments->names, why, sizeof why))) {
		fprintf(stderr, "%s: %s\n", command, why);
		return false;
	}
	good = cli_expect(expected, command, arguments->expect, names);
	cli_names_close(names);
	expected->rules.tolerance_ms = arguments->tolerance_ms;
	if (arguments->route_count) {
		memcpy(expected->routes, arguments->routes, sizeof expected->routes);
		expected->route_count = arguments->route_count;
	}
	return good;
}

static void print_counts(const struct lab_capture_report *report)
{
	fprintf(stderr,
		"%s: %" PRIu64 " packets, %" PRIu64 " SIP messages, %u phones; %" PRIu64
		" can't be read, %" PRIu64 " are encrypted\n",
		command, report->packets, report->messages, report->phones, report->broken,
		report->encrypted);
}

/* Exit status. */
static int show(const struct arguments *arguments, const struct lab_report *report)
{
	json_t *json;

	if (arguments->report && !cli_lab_write_report(report, command, arguments->report))
		return 2;
	if (arguments->json) {
		json = lab_report_json(report);
		if (!json || cli_json_print(stdout, json)) {
			fprintf(stderr, "%s: the verdict can't be written\n", command);
			return 2;
		}
	} else {
		lab_report_text(report, stdout);
	}
	return report->verdict->broken ? 1 : 0;
}

static int judge(const struct arguments *arguments, const struct cli_expected *expected)
{
	const struct lab_capture_options capture = {
		.path = arguments->file,
		.phone = arguments->phone_given ? &arguments->phone : NULL};
	const struct lab_expectation expectation = {
		.policy = &expected->rules.policy,
		.routes = expected->routes,
		.route_count = expected->route_count,
		.tolerance_ms = expected->rules.tolerance_ms,
	};
	static struct lab_verdict verdict;
	struct lab_trace trace = {0};
	struct lab_capture_report counts;
	const struct lab_report report = {
		.subject = arguments->file,
		.expected = expected->rules.text,
		.verdict = &verdict,
		.trace = &trace,
		.expectation = &expectation,
	};
	char why[LAB_CAPTURE_WHY_MAX];
	int status = 2;

	if (lab_capture_read(&trace, &capture, &counts, why)) {
		fprintf(stderr, "%s: %s\n", command, why);
	} else if (lab_judge(&trace, &expectation, &verdict)) {
		fprintf(stderr, "%s: out of memory, or more than %d transactions\n", command,
			LAB_JUDGE_ATTEMPTS_MAX);
	} else {
		print_counts(&counts);
		status = show(arguments, &report);
	}
	lab_trace_clear(&trace);
	return status;
}

int cli_lab_judge(int argc, char **argv)
{
	struct arguments arguments = {.tolerance_ms = LAB_TOLERANCE_MS};
	struct cli_expected expected;

	argp_parse(&argp, argc, argv, 0, NULL, &arguments);
	sip_init();
	return expect(&arguments, &expected) ? judge(&arguments, &expected) : 2;
}
