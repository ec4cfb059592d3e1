/* call.c - `keepline call`: places a call through the running instance, and tells how it goes. */
#include <argp.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/link.h"
#include "phone/phone.h"

enum { TALK_MAX_S = 24 * 3600, HANG_UP_WAIT_MS = 2000 };

struct call {
	struct cli_link link;
	const char *target;
	unsigned line;                         /* as configured; 0: the first */
	unsigned talk_s;                       /* hang up so long after the answer; 0: never */
	char play[PATH_MAX], record[PATH_MAX]; /* "": not given */
	unsigned tone_hz;                      /* 0: none */
	struct net_timer *timer;
	bool hanging_up;
};

static const struct argp_option options[] = {
	{"line", 'l', "N", 0, "the line to call from, as numbered in the configuration", 0},
	{"control", 'c', "PATH", 0, "the control socket of the instance", 0},
	{"for", 'f', "SECONDS", 0, "hang up so long after the answer", 0},
	{"play", 'p', "FILE", 0, "a WAV file (8 kHz, 1 channel) that the far end hears", 0},
	{"tone", 't', "HZ", 0, "or a tone", 0},
	{"record", 'r', "FILE", 0, "keep what the far end says in a WAV file", 0},
	{0},
};

/* The instance may run in another folder. */
static void take_path(char to[PATH_MAX], const char *path, struct argp_state *state)
{
	char here[PATH_MAX] = "";
	int length;

	if (*path != '/' && !getcwd(here, sizeof here))
		argp_error(state, "there is no current folder");
	length = snprintf(to, PATH_MAX, "%s%s%s", here, *here ? "/" : "", path);
	if (length < 0 || length >= PATH_MAX)
		argp_error(state, "%s is too long", path);
}

static error_t parse_option(int key, char *argument, struct argp_state *state)
{
	struct call *call = state->input;

	switch (key) {
	case 'l':
		call->line = cli_link_read_number(argument, CONFIG_LINES_MAX, state);
		return 0;
	case 'c':
		call->link.path = argument;
		return 0;
	case 'f':
		call->talk_s = cli_link_read_number(argument, TALK_MAX_S, state);
		return 0;
	case 'p':
		take_path(call->play, argument, state);
		return 0;
	case 't':
		call->tone_hz = cli_link_read_number(argument, PHONE_TONE_MOST, state);
		return 0;
	case 'r':
		take_path(call->record, argument, state);
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
	const char *step = json_string_value(json_object_get(answer, "step"));
	const char *text = json_string_value(json_object_get(answer, "text"));

	if (json_is_true(json_object_get(answer, "ok")))
		return;
	if (!step || !text) {
		cli_link_fail(&call->link, answer);
		return;
	}
	call->link.exit_status = 1;
	printf("%9.3f s  %s\n",
	       (double)json_integer_value(json_object_get(answer, "after_ms")) / 1000, text);
	fflush(stdout);
	if (!strcmp(step, "up") && call->talk_s)
		net_timer_set(call->timer, net_now_ms() + call->talk_s * UINT64_C(1000));
	if (strcmp(step, "over") != 0)
		return;
	call->link.exit_status = json_is_true(json_object_get(answer, "was_up")) ? 0 : 1;
	cli_link_end(&call->link);
}

/* Ctrl-C, or the time is up.  The second time it leaves at once: that hangs up, too. */
static void hang_up(void *user)
{
	struct call *call = user;

	if (call->hanging_up) {
		cli_link_end(&call->link);
		return;
	}
	call->hanging_up = true;
	net_timer_set(call->timer, net_now_ms() + HANG_UP_WAIT_MS);
	cli_link_ask(&call->link, json_pack("{s:s}", "do", "hang-up"));
}

static void forget(void *user)
{
	struct call *call = user;

	net_timer_free(call->timer);
}

static void place(void *user)
{
	struct call *call = user;
	json_t *request = json_pack("{s:s, s:s}", "do", "call", "target", call->target);

	if (call->line)
		json_object_set_new(request, "line", json_integer(call->line));
	if (*call->play)
		json_object_set_new(request, "play", json_string(call->play));
	if (*call->record)
		json_object_set_new(request, "record", json_string(call->record));
	if (call->tone_hz)
		json_object_set_new(request, "tone_hz", json_integer(call->tone_hz));
	if (net_timer_create(&call->timer, call->link.loop, (struct net_callback){hang_up, call}))
		cli_link_end(&call->link);
	cli_link_ask(&call->link, request);
}

int cli_call(int argc, char **argv)
{
	struct call call = {.link = {.command = "keepline call",
				     .on_open = place,
				     .on_answer = take_answer,
				     .on_interrupt = hang_up,
				     .on_close = forget,
				     .user = &call,
				     .exit_status = 2}};

	argp_parse(&parser, argc, argv, 0, NULL, &call);
	return cli_link_run(&call.link);
}
