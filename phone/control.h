/* control.h - the control socket: other programs ask a running phone, drive it and listen to it.
 *
 * A stream socket of this machine, for its owner and root alone (mode 0600).  A request is a line
 *of JSON, and so is each answer and each event; docs/control.md has them all.
 *
 *	{"do": "status"}                                   phone_status()
 *	{"do": "events"}                                   every event from now on
 *	{"do": "call", "target": ..., "line": 2}
 *	{"do": "hang-up"}, "answer", "reject", "hold", "resume"
 *	{"do": "subscribe", "package": ..., "target": ...}
 *	{"do": "unsubscribe", "subscription": ...}
 *
 * What a connection began ends with it: its call and its subscriptions.  What can't be done gives
 * {"error": "a sentence"}.  A "tag" of the request stands in its answers.
 *
 * Ownership  phone_control_open() gives an object that the caller frees before its phone.
 * Errors     0, or a negative errno value with one sentence in WHY.
 */
#ifndef PHONE_CONTROL_H
#define PHONE_CONTROL_H

#include "phone/phone.h"

enum {
	PHONE_CONTROL_PATH_MAX = 107,        /* bytes of a path that fits a sockaddr_un */
	PHONE_CONTROL_LINE_MAX = 4096,       /* bytes of a request */
	PHONE_CONTROL_PEERS_MAX = 32,        /* connections at one time */
	PHONE_CONTROL_WAITING_MAX = 8 << 20, /* bytes that a peer may leave unread */
	PHONE_CONTROL_EVENTS_MAX = 1 << 20,  /* from there on it misses events */
};

struct phone_control;

/* A socket file that nobody listens on is replaced.  -EADDRINUSE: somebody does. */
int phone_control_open(struct phone_control **out, struct phone *phone, const char *path,
		       char why[PHONE_WHY_MAX]);

/* Closes it, removes its file, and hangs up the calls made through it. */
void phone_control_close(struct phone_control *control); /* NULL is fine */

/* Where the socket is unless told otherwise, always named keepline.sock: in $RUNTIME_DIRECTORY for
 * a service, in /run/keepline (where the service of that name has it) or /run for root, in
 * $XDG_RUNTIME_DIR for anybody else.  Returns TO. */
char *phone_control_default_path(char *to, size_t size);

/* Connects to a running phone's socket.  A descriptor, or a negative errno value. */
int phone_control_connect(const char *path);

#endif
