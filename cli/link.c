/* link.c - a command that talks to a running instance. */
#include "cli/link.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "phone/control.h"

enum { READ_SIZE = 65536 };

struct cli_connection {
	struct cli_link *link;
	int fd;
	struct net_watch *watch;
	char *text; /* read, and not yet handed on; owned */
	size_t length;
};

static void tell_gone(struct cli_link *link)
{
	fprintf(stderr, "%s: the instance is gone\n", link->command);
	link->exit_status = 2;
	cli_link_end(link);
}

/* Hands the whole lines on.  False: one of them is no JSON. */
static bool take_lines(struct cli_connection *connection)
{
	char *start = connection->text, *end;
	size_t left = connection->length;

	while ((end = memchr(start, '\n', left))) {
		json_t *answer = json_loadb(start, (size_t)(end - start), 0, NULL);

		if (!answer)
			return false;
		connection->link->on_answer(connection->link->user, answer);
		json_decref(answer);
		left -= (size_t)(end - start) + 1;
		start = end + 1;
	}
	memmove(connection->text, start, left);
	connection->length = left;
	return true;
}

static void take_readable(void *user, unsigned ready)
{
	struct cli_connection *connection = user;
	char *grown = NULL;
	ssize_t got = 0;

	(void)ready;
	if (connection->length < PHONE_CONTROL_WAITING_MAX)
		grown = realloc(connection->text, connection->length + READ_SIZE);
	if (grown) {
		connection->text = grown;
		got = recv(connection->fd, grown + connection->length, READ_SIZE, MSG_DONTWAIT);
		if (got < 0 && (errno == EAGAIN || errno == EINTR))
			return;
	}
	if (got > 0) {
		connection->length += (size_t)got;
		if (take_lines(connection))
			return;
	}
	net_watch_free(connection->watch);
	connection->watch = NULL;
	tell_gone(connection->link);
}

/* ---- one run --------------------------------------------------------------------------------- */

static void connection_close(struct cli_connection *connection)
{
	net_watch_free(connection->watch);
	close(connection->fd);
	free(connection->text);
	free(connection);
}

/* NULL: nobody listens there; it was said on standard error. */
static struct cli_connection *connection_open(struct cli_link *link)
{
	char standard[PHONE_CONTROL_PATH_MAX + 1];
	const char *path =
		link->path ? link->path : phone_control_default_path(standard, sizeof standard);
	int fd = phone_control_connect(path);
	struct cli_connection *connection = fd >= 0 ? calloc(1, sizeof *connection) : NULL;
	const struct net_watch_config watch = {
		.fd = fd, .events = NET_READABLE, .on_ready = take_readable, .user = connection};
	int error = fd < 0 ? fd : -ENOMEM;

	if (connection) {
		connection->link = link;
		connection->fd = fd;
		error = net_watch_create(&connection->watch, link->loop, &watch);
	}
	if (!error)
		return connection;
	fprintf(stderr, "%s: no instance at %s: %s\n", link->command, path, strerror(-error));
	if (fd >= 0)
		close(fd);
	free(connection);
	return NULL;
}

static void take_interrupt(void *user)
{
	struct cli_link *link = user;

	if (link->on_interrupt)
		link->on_interrupt(link->user);
	else
		cli_link_end(link);
}

static void run(struct cli_link *link)
{
	const struct net_callback interrupt = {take_interrupt, link};
	struct net_signal *first = NULL, *second = NULL;

	if (!net_signal_create(&first, link->loop, SIGINT, interrupt) &&
	    !net_signal_create(&second, link->loop, SIGTERM, interrupt)) {
		link->on_open(link->user);
		net_loop_run(link->loop);
	}
	net_signal_free(second);
	net_signal_free(first);
}

int cli_link_run(struct cli_link *link)
{
	if (net_loop_create(&link->loop))
		return 2;
	link->connection = connection_open(link);
	if (link->connection) {
		run(link);
		connection_close(link->connection);
		if (link->on_close)
			link->on_close(link->user);
	} else {
		link->exit_status = 2;
	}
	net_loop_free(link->loop);
	return link->exit_status;
}

void cli_link_end(struct cli_link *link)
{
	net_loop_stop(link->loop);
}

void cli_link_ask(struct cli_link *link, json_t *request)
{
	char *text = json_dumps(request, JSON_COMPACT);
	size_t length = text ? strlen(text) : 0, sent = 0;
	ssize_t now = 1;

	json_decref(request);
	if (text)
		text[length++] = '\n'; /* in the place of the end */
	while (sent < length && now > 0) {
		now = send(link->connection->fd, text + sent, length - sent, MSG_NOSIGNAL);
		sent += now > 0 ? (size_t)now : 0;
	}
	if (!text || sent < length)
		tell_gone(link);
	free(text);
}

void cli_link_fail(struct cli_link *link, const json_t *answer)
{
	const char *error = json_string_value(json_object_get(answer, "error"));

	fprintf(stderr, "%s: %s\n", link->command, error ? error : "a strange answer");
	link->exit_status = 2;
	cli_link_end(link);
}

unsigned cli_link_read_number(const char *text, unsigned most, struct argp_state *state)
{
	char *end;
	unsigned long number = strtoul(text, &end, 10);

	if (*text < '0' || *text > '9' || *end || number < 1 || number > most)
		argp_error(state, "%s is no number from 1 to %u", text, most);
	return (unsigned)number;
}
