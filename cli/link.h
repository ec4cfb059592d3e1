/* link.h - a command that talks to a running instance, by its control socket (docs/control.md).
 *
 *	struct cli_link link = {.command = "keepline call", .path = NULL, .on_answer = ..., ...};
 *	return cli_link_run(&link);       asks, hears, and ends with cli_link_end()
 */
#ifndef CLI_LINK_H
#define CLI_LINK_H

#include <argp.h>
#include <jansson.h>
#include <stdbool.h>

#include "net/loop.h"

struct cli_connection;

struct cli_link {
	const char *command; /* for messages: "keepline call" */
	const char *path;    /* NULL: phone_control_default_path() */
	/* The connection is there: ask.  From here on the link's loop is `loop`. */
	void (*on_open)(void *user);
	void (*on_answer)(void *user, const json_t *answer);
	/* Ctrl-C, or a request to end.  NULL: it ends at once. */
	void (*on_interrupt)(void *user);
	/* The loop goes: so must what hangs on it.  NULL: nothing does. */
	void (*on_close)(void *user);
	void *user;
	int exit_status; /* of cli_link_run(); at the start: what it is if nothing answers */

	/* The link's own. */
	struct net_loop *loop;
	struct cli_connection *connection;
};

/* Runs until cli_link_end(), or until the instance is gone, which is said on standard error: then,
 * and if nobody listens there, the exit status is 2. */
int cli_link_run(struct cli_link *link);
void cli_link_end(struct cli_link *link);

/* Sends one request; takes the reference to REQUEST.  If the instance is gone, it ends. */
void cli_link_ask(struct cli_link *link, json_t *request);

/* Says what an answer is in the way of: its "error", or that it is strange; ends with 2. */
void cli_link_fail(struct cli_link *link, const json_t *answer);

/* A number from 1 to MOST of the command line; anything else is told, with the usage. */
unsigned cli_link_read_number(const char *text, unsigned most, struct argp_state *state);

#endif
