/* run.c - `keepline run`: brings lines up, and keeps them up. */
#include <argp.h>
#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <systemd/sd-daemon.h>
#include <time.h>

#include "agent/agent.h"
#include "cli/cli.h"
#include "cli/phone_options.h"
#include "net/udp.h"
#include "phone/control.h"
#include "phone/log.h"
#include "phone/phone.h"
#include "sip/value.h"

/* REG-5: how long the servers may take to answer when a signal says to leave. */
enum { LEAVE_WAIT_MS = 4000, DNS_PORT = 53 };

/* Options without a letter. */
enum { OPTION_DSCP = 256, OPTION_TRACE, OPTION_TRACE_BLANK, OPTION_STATE };

struct run {
	struct config_options options;
	struct phone_config phone_config;
	const char *control_path;
	bool bound;                /* by the command line */
	char state_path[PATH_MAX]; /* where the service manager wants it */
	unsigned verbosity;
	struct net_loop *loop;
	struct net_timer *leave_timer;
	struct phone *phone;
	struct phone_control *control;
	struct agent *agent; /* NULL: nobody is inside */
	bool leaving;
	struct config *first;   /* what the device was set up by; the phone keeps its texts */
	struct config *current; /* what the lines go by: the first, or what was read again */
	struct config *next;    /* a reload to it is under way */
	struct config *behind;  /* what the agent goes by */
	bool again;             /* and another one is asked for */
};

static const struct argp_option options[] = {
	{"control", 'c', "PATH", 0, "where `keepline status` and `keepline call` reach it", 0},
	{"bind", 'b', "ADDR[:PORT]", 0, "send and receive there; default: any address, port 5060",
	 0},
	{"resolver", 'r', "ADDR[:PORT]", 0, "ask this DNS server; default: those of resolv.conf",
	 0},
	{"ca-file", 'a', "FILE", 0, "trust the certificates in it; default: those of the system",
	 0},
	{"certificate", 't', "FILE", 0, "show this certificate, and take TLS connections", 0},
	{"key", 'k', "FILE", 0, "its key; default: in the same file", 0},
	{"dscp", OPTION_DSCP, "NUMBER", 0, "mark what is sent with this DSCP, 0..63; default: 0",
	 0},
	{"trace", OPTION_TRACE, "FILE", 0, "write every message to this pcap file", 0},
	{"trace-blank", OPTION_TRACE_BLANK, NULL, 0, "without credentials", 0},
	{"state", OPTION_STATE, "FILE", 0,
	 "keep what the DNS answered there, for a start while it is silent; default: "
	 "keepline.state in $STATE_DIRECTORY, or nowhere",
	 0},
	{"verbose", 'v', NULL, 0, "log every send; twice: every message that comes", 0},
	{0},
};

static struct net_address read_address(const char *text, uint16_t port, struct argp_state *state)
{
	struct net_address address = {.port = 0};
	int error = net_address_parse(&address, text, port);

	if (error)
		argp_error(state, "%s: %s", text, net_address_explain(error));
	return address;
}

static uint8_t read_dscp(const char *text, struct argp_state *state)
{
	char *end;
	unsigned long number = strtoul(text, &end, 10);

	if (!isdigit((unsigned char)*text) || *end || number > NET_DSCP_MAX)
		argp_error(state, "%s: a DSCP is a number from 0 to %d", text, NET_DSCP_MAX);
	return (uint8_t)number;
}

static error_t parse_option(int key, char *argument, struct argp_state *state)
{
	struct run *run = state->input;
	struct net_resolver_config *resolver = &run->phone_config.resolver;
	struct net_tls_config *tls = &run->phone_config.tls;

	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = &run->options;
		return 0;
	case 'c':
		run->control_path = argument;
		return 0;
	case 'b':
		run->phone_config.bind = read_address(argument, PHONE_PORT, state);
		run->bound = true;
		return 0;
	case 'r':
		if (resolver->server_count == NET_RESOLVER_SERVERS_MAX)
			argp_error(state, "more than %d resolvers", NET_RESOLVER_SERVERS_MAX);
		resolver->servers[resolver->server_count++] =
			read_address(argument, DNS_PORT, state);
		return 0;
	case 'a':
		tls->ca_file = argument;
		return 0;
	case 't':
		tls->certificate_file = argument;
		return 0;
	case 'k':
		tls->key_file = argument;
		return 0;
	case OPTION_DSCP:
		run->phone_config.dscp = read_dscp(argument, state);
		return 0;
	case OPTION_TRACE:
		run->phone_config.trace_path = argument;
		return 0;
	case OPTION_TRACE_BLANK:
		run->phone_config.trace_blank = true;
		return 0;
	case OPTION_STATE:
		run->phone_config.state_path = argument;
		return 0;
	case 'v':
		run->verbosity++;
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp_child children[] = {{.argp = &cli_phone_argp}, {0}};

static const struct argp parser = {
	.children = children,
	.options = options,
	.parser = parse_option,
	.args_doc = "FILE...",
	.doc = "Registers the lines of the configuration FILEs, and keeps them up.\v"
	       "Names of /etc/hosts come before the DNS.  Changes of that file, of\n"
	       "/etc/resolv.conf and of the machine's network are noticed.\n"
	       "SIGHUP reads the FILEs again: lines that did not change go on, with their\n"
	       "registrations and calls.  Files with errors change nothing.\n"
	       "SIGTERM and Ctrl-C hang up, unregister and leave; a second one leaves at once.\n"
	       "Exit status: 0 it left when it was told to; 2 wrong usage, unreadable files, a "
	       "port in "
	       "use.",
};

/* ---- the files ------------------------------------------------------------------------------- */

/* Prints what is wrong with the files.  NULL: they can't be run. */
static struct config *load(const struct run *run)
{
	struct config *config;
	int error = config_load(&run->options, &config);

	cli_print_diagnostics(stderr, config);
	if (!error && (!run->options.strict || !config->error_count))
		return config;
	config_free(config);
	return NULL;
}

static bool same_text(const char *a, const char *b)
{
	return a == b || (a && b && !strcmp(a, b));
}

static bool same_device(const struct config_device *a, const struct config_device *b)
{
	if (!same_text(a->local, b->local) || !same_text(a->control, b->control) ||
	    !same_text(a->state, b->state) || !same_text(a->tls.ca_file, b->tls.ca_file) ||
	    !same_text(a->tls.cert, b->tls.cert) || !same_text(a->tls.key, b->tls.key) ||
	    a->tls.verify != b->tls.verify || a->resolver_count != b->resolver_count)
		return false;
	for (uint32_t i = 0; i < a->resolver_count; i++)
		if (!same_text(a->resolvers[i], b->resolvers[i]))
			return false;
	return true;
}

/* Sockets, DNS servers and certificates stay as they were at the start. */
static void warn_of_device(const struct run *run)
{
	if (!same_device(&run->first->device, &run->next->device))
		phone_log(PHONE_LOG_WARNING,
			  "reload: what the files say of addresses, resolvers, the control socket, "
			  "the state file and TLS takes effect with a restart");
}

/* ---- signals and the service manager -----------------------------------------------------------
 */

static void stop_loop(void *user)
{
	const struct run *run = user;

	net_loop_stop(run->loop);
}

static void take_signal(void *user)
{
	struct run *run = user;

	if (run->leaving) {
		net_loop_stop(run->loop);
		return;
	}
	run->leaving = true;
	sd_notify(0, "STOPPING=1");
	net_timer_set(run->leave_timer, net_now_ms() + LEAVE_WAIT_MS);
	phone_stop(run->phone, (struct net_callback){stop_loop, run});
}

static void tell_reloading(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	sd_notifyf(0, "RELOADING=1\nMONOTONIC_USEC=%lld%06ld", (long long)now.tv_sec,
		   now.tv_nsec / 1000);
}

static void take_hangup(void *user);

/* The files may have changed again meanwhile. */
static void end_reload(struct run *run)
{
	bool again = run->again;

	run->again = false;
	sd_notify(0, "READY=1");
	if (again)
		take_hangup(run);
}

/* Nobody goes by it any more, unless somebody does. */
static void release(const struct run *run, struct config *config)
{
	if (config != run->first && config != run->current && config != run->behind)
		config_free(config);
}

static void reload_agent(struct run *run)
{
	if (run->agent && !agent_reload(run->agent, run->current))
		run->behind = run->current;
	else if (run->agent)
		phone_log(PHONE_LOG_ERROR, "reload: the inside is as it was: out of memory");
	else if (run->current->inside.is_set)
		phone_log(PHONE_LOG_WARNING,
			  "reload: the inside, which is new, takes effect with a restart");
}

static void take_reloaded(void *user)
{
	struct run *run = user;
	struct config *current = run->current, *behind = run->behind;

	run->current = run->next;
	run->next = NULL;
	reload_agent(run);
	release(run, current);
	if (behind != current)
		release(run, behind);
	end_reload(run);
}

/* A slip of the pen must take no line away: any error counts here. */
static void take_hangup(void *user)
{
	struct run *run = user;
	struct phone_reload_order order = {.leave_max_ms = LEAVE_WAIT_MS,
					   .on_done = {take_reloaded, run}};
	char why[PHONE_WHY_MAX] = "the files have errors";

	if (run->leaving)
		return;
	if (run->next) {
		run->again = true;
		return;
	}
	tell_reloading();
	run->next = load(run);
	order.config = run->next;
	if (run->next && !run->next->error_count && !phone_reload_begin(run->phone, &order, why)) {
		warn_of_device(run);
		return;
	}
	phone_log(PHONE_LOG_ERROR, "reload: nothing is changed: %s", why);
	config_free(run->next);
	run->next = NULL;
	end_reload(run);
}

/* `systemctl status` shows the last change of a line's state. */
static void take_action(void *user, const struct kl_action *action, kl_ms at)
{
	char text[KL_TEXT_MAX];

	(void)user;
	(void)at;
	if (action->type == KL_DO_REPORT && action->report.type == KL_REPORT_STATE &&
	    !action->report.second_flow)
		sd_notifyf(0, "STATUS=%s", kl_format_action(text, sizeof text, action, NULL));
}

static int serve(struct run *run)
{
	const struct net_callback leave = {take_signal, run};
	struct net_signal *terminate = NULL, *interrupt = NULL, *hangup = NULL;
	int error = net_timer_create(&run->leave_timer, run->loop,
				     (struct net_callback){stop_loop, run});

	if (!error)
		error = net_signal_create(&terminate, run->loop, SIGTERM, leave);
	if (!error)
		error = net_signal_create(&interrupt, run->loop, SIGINT, leave);
	if (!error)
		error = net_signal_create(&hangup, run->loop, SIGHUP,
					  (struct net_callback){take_hangup, run});
	if (!error) {
		/* Ready once the sockets are there: the registrations take as long as they take. */
		phone_start(run->phone);
		sd_notify(0, "READY=1");
		error = net_loop_run(run->loop);
	}
	net_signal_free(hangup);
	net_signal_free(interrupt);
	net_signal_free(terminate);
	net_timer_free(run->leave_timer);
	if (error)
		fprintf(stderr, "keepline run: %s\n", strerror(-error));
	return error ? 1 : 0;
}

/* ---- setting up ------------------------------------------------------------------------------ */

/* What the command line leaves open, a native file may say; its addresses were checked there. */
static void take_device(struct run *run, const struct config_device *device)
{
	struct net_resolver_config *resolver = &run->phone_config.resolver;
	struct net_tls_config *tls = &run->phone_config.tls;

	if (!run->control_path)
		run->control_path = device->control;
	if (!run->phone_config.state_path)
		run->phone_config.state_path = device->state;
	if (!run->bound && device->local)
		net_address_parse(&run->phone_config.bind, device->local, PHONE_PORT);
	for (uint32_t i = 0; !resolver->server_count && i < device->resolver_count; i++)
		net_address_parse(&resolver->servers[i], device->resolvers[i], DNS_PORT);
	if (!resolver->server_count)
		resolver->server_count = device->resolver_count;
	if (!tls->ca_file)
		tls->ca_file = device->tls.ca_file;
	if (!tls->certificate_file) {
		tls->certificate_file = device->tls.cert;
		tls->key_file = device->tls.key;
	}
	tls->unverified = !device->tls.verify;
}

/* Whoever is behind the lines, if the files name somebody. */
static int open_agent(struct run *run, char why[PHONE_WHY_MAX])
{
	const struct agent_config config = {
		.loop = run->loop,
		.phone = run->phone,
		.config = run->first,
		.dscp = run->phone_config.dscp,
		.tls = run->phone_config.tls,
	};

	return run->first->inside.is_set ? agent_open(&run->agent, &config, why) : 0;
}

/* systemd.exec(5): StateDirectory= makes folders and names them, divided by colons. */
static void take_state_directory(struct run *run)
{
	const char *folders = getenv("STATE_DIRECTORY");

	if (run->phone_config.state_path || !folders || !*folders)
		return;
	snprintf(run->state_path, sizeof run->state_path, "%.*s/keepline.state",
		 (int)strcspn(folders, ":"), folders);
	run->phone_config.state_path = run->state_path;
}

static int open_and_serve(struct run *run)
{
	char why[PHONE_WHY_MAX], standard[PHONE_CONTROL_PATH_MAX + 1];
	const char *path = run->control_path
				   ? run->control_path
				   : phone_control_default_path(standard, sizeof standard);
	int status = 2;

	if (phone_create(&run->phone, &run->phone_config, why) || open_agent(run, why) ||
	    phone_control_open(&run->control, run->phone, path, why))
		fprintf(stderr, "keepline run: %s\n", why);
	else
		status = serve(run);
	phone_control_close(run->control);
	agent_close(run->agent);
	phone_free(run->phone);
	return status;
}

static void set_up(struct run *run)
{
	static const enum phone_log_level levels[] = {PHONE_LOG_NOTICE, PHONE_LOG_INFO,
						      PHONE_LOG_DEBUG};

	signal(SIGPIPE, SIG_IGN); /* a log that nobody reads must not end a phone */
	phone_log_set_level(levels[run->verbosity < 2 ? run->verbosity : 2]);
	sip_init();
	run->phone_config.hosts_path = "/etc/hosts";
	if (!run->phone_config.resolver.server_count)
		run->phone_config.resolver_path = "/etc/resolv.conf";
}

int cli_run(int argc, char **argv)
{
	struct run run = {.phone_config = {.bind = {.port = PHONE_PORT}}};
	int status = 2;

	net_resolver_config_init(&run.phone_config.resolver);
	argp_parse(&parser, argc, argv, 0, NULL, &run);
	run.first = run.current = run.behind = load(&run);
	if (!run.first)
		return 2;
	take_device(&run, &run.first->device);
	take_state_directory(&run);
	set_up(&run);
	if (net_loop_create(&run.loop)) {
		fprintf(stderr, "keepline run: no event loop\n");
	} else {
		run.phone_config.loop = run.loop;
		run.phone_config.config = run.first;
		run.phone_config.on_action = take_action;
		status = open_and_serve(&run);
		net_loop_free(run.loop);
	}
	config_free(run.next);
	if (run.behind != run.first && run.behind != run.current)
		config_free(run.behind);
	if (run.current != run.first)
		config_free(run.current);
	config_free(run.first);
	return status;
}
