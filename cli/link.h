/* link.h - a connection to a running instance, by its control socket (phone/control.h).
 *
 * Ownership  cli_link_open() gives a link that the caller frees with cli_link_close(), not from a
 *            callback, before its loop.
 */
#ifndef CLI_LINK_H
#define CLI_LINK_H

#include <jansson.h>
#include <stdbool.h>

#include "net/loop.h"

struct cli_link;

struct cli_link_config {
	const char *command; /* for messages: "keepline call" */
	const char *path;    /* NULL: phone_control_default_path() */
	void (*on_answer)(void *user, const json_t *answer);
	void (*on_closed)(void *user); /* the instance is gone, or makes no sense */
	void *user;
};

/* NULL: nobody listens there; it was said on standard error. */
struct cli_link *cli_link_open(struct net_loop *loop, const struct cli_link_config *config);
void cli_link_close(struct cli_link *link); /* NULL is fine */

/* Sends one request; takes the reference to REQUEST.  False: the instance is gone. */
bool cli_link_ask(struct cli_link *link, json_t *request);

#endif
