/* call.c - `keepline call`: places a call through the running instance, and tells how it goes. */
#include <argp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/link.h"
#include "phone/phone.h"

enum { TALK_MAX_S = 24 * 3600, HANG_UP_WAIT_MS = 2000 };

struct call {
	const char *target, *control;
	unsigned line;   /* as configured; 0: the first */
	unsigned talk_s; /* hang up so long after the answer; 0: never */
	struct net_loop *loop;
	struct cli_link *link;
	struct net_timer *timer;
	bool hanging_up;
	int exit_status;
};

static const struct argp_option options[] = {
	{"line", 'l', "N", 0, "the line to call from, as numbered in the configuration", 0},
	{"control", 'c', "PATH", 0, "the control socket of the instance", 0},
	{"for", 'f', "SECONDS", 0, "hang up so long after the answer", 0},
	{0},
};

static unsigned read_number(const char *text, unsigned most, struct argp_state *state)
{
	char *end;
	unsigned long number = strtoul(text, &end, 10);

	if (*text < '0' || *text > '9' || *end || number < 1 || number > most)
		argp_error(state, "%s is no number from 1 to %u", text, most);
	return (unsigned)number;
}

static error_t parse_option(int key, char *argument, struct argp_state *state)
{
	struct call *call = state->input;

	switch (key) {
	case 'l':
		call->line = read_number(argument, CONFIG_LINES_MAX, state);
		return 0;
	case 'c':
		call->control = argument;
		return 0;
	case 'f':
		call->talk_s = read_number(argument, TALK_MAX_S, state);
		return 0;
	case ARGP_KEY_ARG:
		if (call->target)
			argp_error(state, "one TARGET, not two");
		call->target = argument;
		return 0;
	case ARGP_KEY_NO_ARGS:
		argp_error(state, "whom to call?");
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp parser = {
	.options = options,
	.parser = parse_option,
	.args_doc = "TARGET",
	.doc = "Places a call through the running instance, and tells how it goes, route by "
	       "route.\v"
	       "TARGET is sip:USER@HOST, USER@HOST, or USER in the line's own domain.  Ctrl-C "
	       "hangs up.\n"
	       "Exit status: 0 the call was answered; 1 it was not; 2 it could not be placed.",
};

/* ---- events ---------------------------------------------------------------------------------- */

static void take_answer(void *user, const json_t *answer)
{
	struct call *call = user;
	const char *error = json_string_value(json_object_get(answer, "error"));
	const char *event = json_string_value(json_object_get(answer, "event"));
	const char *text = json_string_value(json_object_get(answer, "text"));

	if (error || !event || !text) {
		fprintf(stderr, "keepline call: %s\n", error ? error : "a strange answer");
		net_loop_stop(call->loop);
		return;
	}
	call->exit_status = 1;
	printf("%9.3f s  %s\n",
	       (double)json_integer_value(json_object_get(answer, "after_ms")) / 1000, text);
	fflush(stdout);
	if (!strcmp(event, "up") && call->talk_s)
		net_timer_set(call->timer, net_now_ms() + call->talk_s * UINT64_C(1000));
	if (strcmp(event, "over") != 0)
		return;
	call->exit_status = json_is_true(json_object_get(answer, "was_up")) ? 0 : 1;
	net_loop_stop(call->loop);
}

static void take_closed(void *user)
{
	struct call *call = user;

	fprintf(stderr, "keepline call: the instance is gone\n");
	net_loop_stop(call->loop);
}

/* Ctrl-C, or the time is up.  The second time it leaves at once: that hangs up, too. */
static void take_hang_up(void *user)
{
	struct call *call = user;

	if (call->hanging_up || !cli_link_ask(call->link, json_pack("{s:s}", "do", "hang-up"))) {
		net_loop_stop(call->loop);
		return;
	}
	call->hanging_up = true;
	net_timer_set(call->timer, net_now_ms() + HANG_UP_WAIT_MS);
}

static void talk(struct call *call)
{
	const struct net_callback hang_up = {take_hang_up, call};
	struct net_signal *interrupt = NULL, *terminate = NULL;
	json_t *request = json_pack("{s:s, s:s}", "do", "call", "target", call->target);
	int error = net_signal_create(&interrupt, call->loop, SIGINT, hang_up);

	if (call->line)
		json_object_set_new(request, "line", json_integer(call->line));
	if (!error)
		error = net_signal_create(&terminate, call->loop, SIGTERM, hang_up);
	if (!error)
		error = net_timer_create(&call->timer, call->loop, hang_up);
	if (!error && cli_link_ask(call->link, request))
		net_loop_run(call->loop);
	net_timer_free(call->timer);
	net_signal_free(terminate);
	net_signal_free(interrupt);
}

int cli_call(int argc, char **argv)
{
	struct call call = {.exit_status = 2};
	struct cli_link_config link = {.command = "keepline call",
				       .on_answer = take_answer,
				       .on_closed = take_closed,
				       .user = &call};

	argp_parse(&parser, argc, argv, 0, NULL, &call);
	link.path = call.control;
	if (net_loop_create(&call.loop))
		return 2;
	call.link = cli_link_open(call.loop, &link);
	if (call.link)
		talk(&call);
	cli_link_close(call.link);
	net_loop_free(call.loop);
	return call.exit_status;
}
