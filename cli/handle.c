/* handle.c - `keepline answer`, `reject`, `hangup`, `hold` and `resume`: one word to the running
 * instance about one of its calls. */
#include <argp.h>
#include <stdint.h>
#include <stdlib.h>

#include "cli/cli.h"
#include "cli/link.h"

enum { STATUS_OPTION = 's', STATUS_MOST = 699 };

struct handle {
	struct cli_link link;
	const char *verb;
	unsigned call;   /* as the status numbers it; 0: the only one */
	unsigned status; /* to refuse with; 0: as the instance likes */
};

static error_t parse_option(int key, char *argument, struct argp_state *state)
{
	struct handle *handle = state->input;

	switch (key) {
	case 'c':
		handle->link.path = argument;
		return 0;
	case STATUS_OPTION:
		handle->status = cli_link_read_number(argument, STATUS_MOST, state);
		return 0;
	case ARGP_KEY_ARG:
		if (handle->call)
			argp_error(state, "one CALL, not two");
		handle->call = cli_link_read_number(argument, UINT32_MAX, state);
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static void ask(void *user)
{
	struct handle *handle = user;
	json_t *request = json_pack("{s:s}", "do", handle->verb);

	if (handle->call)
		json_object_set_new(request, "call", json_integer(handle->call));
	if (handle->status)
		json_object_set_new(request, "status", json_integer(handle->status));
	cli_link_ask(&handle->link, request);
}

static void take_answer(void *user, const json_t *answer)
{
	struct handle *handle = user;

	if (!json_is_true(json_object_get(answer, "ok"))) {
		cli_link_fail(&handle->link, answer);
		return;
	}
	handle->link.exit_status = 0;
	cli_link_end(&handle->link);
}

static const struct argp_option plain_options[] = {
	{"control", 'c', "PATH", 0, "the control socket of the instance", 0},
	{0},
};

static const struct argp_option reject_options[] = {
	{"status", STATUS_OPTION, "STATUS", 0, "the SIP status to refuse it with (default 486)", 0},
	{"control", 'c', "PATH", 0, "the control socket of the instance", 0},
	{0},
};

#define ENDING                                                                                     \
	"\vCALL is its number in `keepline status`; without it, the only one there is.\n"          \
	"Exit status: 0 done; 2 there is no such call, or no instance."

static int run(int argc, char **argv, const char *verb, const struct argp *parser)
{
	struct handle handle = {.verb = verb,
				.link = {.command = argv[0],
					 .on_open = ask,
					 .on_answer = take_answer,
					 .exit_status = 2}};

	handle.link.user = &handle;
	argp_parse(parser, argc, argv, 0, NULL, &handle);
	return cli_link_run(&handle.link);
}

static int run_plain(int argc, char **argv, const char *verb, const char *about)
{
	const struct argp parser = {.options = plain_options,
				    .parser = parse_option,
				    .args_doc = "[CALL]",
				    .doc = about};

	return run(argc, argv, verb, &parser);
}

int cli_answer(int argc, char **argv)
{
	return run_plain(argc, argv, "answer",
			 "Answers a call that rings at the running instance." ENDING);
}

int cli_reject(int argc, char **argv)
{
	static const struct argp parser = {
		.options = reject_options,
		.parser = parse_option,
		.args_doc = "[CALL]",
		.doc = "Refuses a call that rings at the running instance." ENDING,
	};

	return run(argc, argv, "reject", &parser);
}

int cli_hangup(int argc, char **argv)
{
	return run_plain(argc, argv, "hang-up",
			 "Ends a call of the running instance, whatever its state." ENDING);
}

int cli_hold(int argc, char **argv)
{
	return run_plain(argc, argv, "hold", "Tells the far end of a call to wait." ENDING);
}

int cli_resume(int argc, char **argv)
{
	return run_plain(argc, argv, "resume", "Goes on with a call that was told to wait." ENDING);
}
