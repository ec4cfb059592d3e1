/* lab.c - `keepline lab`: servers to rehearse with, and what was seen of the phones that came. */
#include <argp.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/json.h"
#include "cli/lab.h"
#include "cli/phone_options.h"
#include "lab/page.h"
#include "phone/control.h"

enum { KEY_EXPECT = 256, KEY_JSON, KEY_REPORT, KEY_CONTROL, KEY_CHECK, KEY_TOLERANCE };

enum { FAREWELL_MS = 50 };

static const char command[] = "keepline lab";

struct arguments {
	const char *file, *expect, *report, *control;
	bool json, check;
	uint32_t tolerance_ms;
};

struct session {
	const struct arguments *arguments;
	struct lab_plan *plan;
	struct net_loop *loop;
	struct net_signal *signals[2];
	struct net_timer *farewell; /* it ends then */
	struct lab *lab;
	struct lab_page *page, *socket;
	struct cli_keys *keys;
	struct cli_expected expected;
	bool judges; /* `expected` is set */
	FILE *log;   /* where entries go */
	bool colours;
};

static const struct argp_option options[] = {
	{"expect", KEY_EXPECT, "PROFILE|FILE", 0,
	 "judge by these rules: of a profile, or of a configuration's first line", 0},
	{"json", KEY_JSON, NULL, 0, "print the verdict as JSON, all else on standard error", 0},
	{"report", KEY_REPORT, "OUT.html", 0, "write a page with the verdict and the ladder", 0},
	{"tolerance", KEY_TOLERANCE, "MS", 0,
	 "by so much a time may differ; default 50, at most 500", 0},
	{"control", KEY_CONTROL, "PATH", 0, "the socket for `keepline lab ctl`", 0},
	{"check", KEY_CHECK, NULL, 0, "only read the file, and say what is wrong with it", 0},
	{0},
};

static error_t parse_option(int key, char *value, struct argp_state *state)
{
	struct arguments *arguments = state->input;

	switch (key) {
	case KEY_EXPECT:
		arguments->expect = value;
		break;
	case KEY_JSON:
		arguments->json = true;
		break;
	case KEY_REPORT:
		arguments->report = value;
		break;
	case KEY_CONTROL:
		arguments->control = value;
		break;
	case KEY_TOLERANCE:
		arguments->tolerance_ms = cli_tolerance_ms(value, state);
		break;
	case KEY_CHECK:
		arguments->check = true;
		break;
	case ARGP_KEY_ARG:
		if (arguments->file)
			argp_error(state, "one lab at a time");
		arguments->file = value;
		break;
	default:
		return ARGP_ERR_UNKNOWN;
	}
	return 0;
}

static const struct argp argp = {
	.options = options,
	.parser = parse_option,
	.args_doc = "[LAB.yaml]\nctl ORDER...\njudge FILE --expect PROFILE",
	.doc = "SIP servers and a DNS server that break on purpose, to rehearse any phone with.\v"
	       "Without a file: three servers on 127.0.1.1 to 127.0.1.3, names for them on "
	       "127.0.1.53:5353. Faults come from the file's time line, from single keys, from "
	       "`keepline lab ctl` and from a page in the browser. docs/lab.md has the keys of the "
	       "file and the words of the faults.\n\n"
	       "Exit status: 0 it ran and no rule was broken; 1 one was; 2 it can't run.",
};

/* ---- telling --------------------------------------------------------------------------------- */

static const char *name_of(const struct session *session, int server)
{
	return server == LAB_DNS ? "dns" : session->plan->servers[server].name;
}

static const char *colour_of(const struct session *session, const struct lab_entry *entry)
{
	if (!session->colours)
		return "";
	if (entry->kind == LAB_ENTRY_FAULT)
		return "\033[31m";
	if (entry->lost)
		return "\033[2m";
	return entry->sent ? "\033[32m" : "\033[36m";
}

/* "   12.345 s  server1   <- REGISTER (alice)   from 127.0.0.1:5070, 0.500 s after the last" */
static void print_entry(void *user, const struct lab_entry *entry)
{
	const struct session *session = user;
	FILE *to = session->log;
	const char *arrow = entry->sent ? "->" : "<-";

	if (entry->kind == LAB_ENTRY_FAULT)
		arrow = "**";
	fprintf(to, "%10.3f s  %-10s %s%s %s", (double)entry->at_us / 1e6,
		name_of(session, entry->server), colour_of(session, entry), arrow, entry->text);
	if (entry->lost && entry->kind != LAB_ENTRY_QUESTION)
		fprintf(to, entry->sent ? ", which is lost" : ", says nothing");
	fprintf(to, "%s", session->colours ? "\033[0m" : "");
	if (entry->kind == LAB_ENTRY_REQUEST && !entry->sent)
		fprintf(to, "   from %s", entry->far);
	if (entry->gap_us)
		fprintf(to, ", %.3f s after the last", (double)entry->gap_us / 1e6);
	fputc('\n', to);
	fflush(to);
}

static void introduce(const struct session *session)
{
	const struct lab_plan *plan = session->plan;
	char address[NET_ADDRESS_TEXT_MAX], url[LAB_PAGE_URL_MAX];
	FILE *to = session->log;

	for (unsigned i = 0; i < plan->server_count; i++) {
		const struct lab_plan_server *server = &plan->servers[i];

		fprintf(to, "%-10s %s%s%s", server->name,
			net_address_format(&server->address, address),
			server->transports & 1u << SIP_UDP ? " udp" : "",
			server->transports & 1u << SIP_TCP ? " tcp" : "");
		if (server->transports & 1u << SIP_TLS)
			fprintf(to, ", tls on %u", server->tls_port);
		fputc('\n', to);
	}
	fprintf(to, "%-10s %s, for %s\n", "dns", net_address_format(&plan->dns.address, address),
		plan->domain);
	if (*lab_ca_file(session->lab))
		fprintf(to, "%-10s %s\n", "CA", lab_ca_file(session->lab));
	if (session->page)
		fprintf(to, "%-10s %s\n", "page", lab_page_url(session->page, url));
	if (session->keys)
		cli_keys_help(session->keys);
	fflush(to);
}

/* ---- the verdict ----------------------------------------------------------------------------- */

/* A key asked for it. */
static void print_verdict_now(void *user)
{
	struct session *session = user;
	struct lab_judgement *judgement;

	if (!session->judges) {
		fprintf(session->log, "a verdict needs --expect\n");
		return;
	}
	judgement = lab_judgement_make(session->lab, &session->expected.rules);
	if (judgement)
		lab_report_text(&judgement->report, session->log);
	fflush(session->log);
	free(judgement);
}

/* Exit status. */
static int give_verdict(struct session *session)
{
	const struct arguments *arguments = session->arguments;
	struct lab_judgement *judgement;
	json_t *json;
	int status;

	if (!session->judges)
		return 0;
	judgement = lab_judgement_make(session->lab, &session->expected.rules);
	if (!judgement) {
		fprintf(stderr, "%s: out of memory\n", command);
		return 2;
	}
	status = judgement->verdict.broken ? 1 : 0;
	if (arguments->report &&
	    !cli_lab_write_report(&judgement->report, command, arguments->report))
		status = 2;
	if (arguments->json) {
		json = lab_report_json(&judgement->report);
		if (!json || cli_json_print(stdout, json))
			status = 2;
	} else {
		printf("\n");
		lab_report_text(&judgement->report, stdout);
	}
	free(judgement);
	return status;
}

/* ---- running --------------------------------------------------------------------------------- */

static void stop(void *user)
{
	struct session *session = user;

	net_loop_stop(session->loop);
}

/* Whoever ordered it is still to get his answer. */
static void stop_soon(void *user)
{
	struct session *session = user;

	net_timer_set(session->farewell, net_now_ms() + FAREWELL_MS);
}

static bool open_page(struct session *session, struct lab_page **page, const char *path)
{
	const struct lab_page_config config = {
		.lab = session->lab,
		.loop = session->loop,
		.path = path,
		.expected = session->judges ? &session->expected.rules : NULL,
	};
	int error = lab_page_open(page, &config);
	char why[LAB_WHY_MAX];

	if (!error)
		return true;
	if (path)
		fprintf(stderr, "%s: %s: %s\n", command, path, strerror(-error));
	else {
		net_udp_explain(error, &session->plan->page, why, sizeof why);
		fprintf(stderr, "%s: the page: %s\n", command, why);
	}
	return false;
}

static bool open_lab(struct session *session)
{
	const struct lab_watcher watcher = {
		.on_entry = print_entry, .on_stop = stop_soon, .user = session};
	const struct cli_keys_config keys = {.on_verdict = print_verdict_now, .user = session};
	struct cli_keys_config with_lab = keys;
	char why[LAB_WHY_MAX], path[PHONE_CONTROL_PATH_MAX + 1];
	const char *control = session->arguments->control;

	if (lab_open(&session->lab, session->loop, session->plan, &watcher, why)) {
		fprintf(stderr, "%s: nothing is started:\n%s\n", command, why);
		return false;
	}
	if (!open_page(session, &session->socket,
		       control ? control : cli_lab_socket(path, sizeof path)))
		return false;
	if (session->plan->page.port && !open_page(session, &session->page, NULL))
		return false;
	with_lab.lab = session->lab;
	with_lab.loop = session->loop;
	session->keys = cli_keys_open(&with_lab);
	return true;
}

static bool open_loop(struct session *session)
{
	static const int numbers[] = {SIGINT, SIGTERM};
	bool opened = !net_loop_create(&session->loop) &&
		      !net_timer_create(&session->farewell, session->loop,
					(struct net_callback){stop, session});

	for (size_t i = 0; i < sizeof numbers / sizeof *numbers && opened; i++)
		opened = !net_signal_create(&session->signals[i], session->loop, numbers[i],
					    (struct net_callback){stop, session});
	if (!opened)
		fprintf(stderr, "%s: no event loop\n", command);
	return opened;
}

static void close_all(struct session *session)
{
	cli_keys_close(session->keys);
	lab_page_close(session->page);
	lab_page_close(session->socket);
	lab_close(session->lab);
	for (size_t i = 0; i < sizeof session->signals / sizeof *session->signals; i++)
		net_signal_free(session->signals[i]);
	net_timer_free(session->farewell);
	net_loop_free(session->loop);
}

static int run(struct session *session)
{
	const char *expect =
		session->arguments->expect ? session->arguments->expect : session->plan->expect;
	int status = 2;

	if (expect && !cli_expect(&session->expected, command, expect, NULL))
		return 2;
	session->judges = expect;
	session->expected.rules.tolerance_ms = session->arguments->tolerance_ms;
	if (session->arguments->check)
		return 0;
	sip_init();
	if (open_loop(session) && open_lab(session)) {
		introduce(session);
		if (!net_loop_run(session->loop))
			status = give_verdict(session);
	}
	close_all(session);
	return status;
}

static int lab(int argc, char **argv)
{
	struct arguments arguments = {.tolerance_ms = LAB_TOLERANCE_MS};
	struct session session = {.arguments = &arguments};
	char text[KL_TEXT_MAX];
	bool good;
	int status = 2;

	argp_parse(&argp, argc, argv, 0, NULL, &arguments);
	session.log = arguments.json ? stderr : stdout;
	session.colours = isatty(fileno(session.log));
	good = lab_plan_load(arguments.file, &session.plan);
	for (uint32_t i = 0; i < session.plan->diagnostic_count; i++)
		fprintf(stderr, "%s\n",
			config_format_diagnostic(text, sizeof text, &session.plan->diagnostics[i]));
	if (good)
		status = run(&session);
	lab_plan_free(session.plan);
	return status;
}

int cli_lab(int argc, char **argv)
{
	static const struct {
		const char *name;
		int (*run)(int argc, char **argv);
		char *program;
	} parts[] = {{"ctl", cli_lab_ctl, "keepline lab ctl"},
		     {"judge", cli_lab_judge, "keepline lab judge"}};

	for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
		if (argc > 1 && !strcmp(argv[1], parts[i].name)) {
			argv[1] = parts[i].program;
			return parts[i].run(argc - 1, argv + 1);
		}
	return lab(argc, argv);
}
