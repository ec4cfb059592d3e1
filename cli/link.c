/* link.c - a connection to a running instance. */
#include "cli/link.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "phone/control.h"

enum { READ_SIZE = 65536 };

struct cli_link {
	struct cli_link_config config;
	int fd;
	struct net_watch *watch;
	char *text; /* read, and not yet handed on; owned */
	size_t length;
};

/* Hands the whole lines on.  False: one of them is no JSON. */
static bool take_lines(struct cli_link *link)
{
	char *start = link->text, *end;
	size_t left = link->length;

	while ((end = memchr(start, '\n', left))) {
		json_t *answer = json_loadb(start, (size_t)(end - start), 0, NULL);

		if (!answer)
			return false;
		link->config.on_answer(link->config.user, answer);
		json_decref(answer);
		left -= (size_t)(end - start) + 1;
		start = end + 1;
	}
	memmove(link->text, start, left);
	link->length = left;
	return true;
}

static void take_readable(void *user, unsigned ready)
{
	struct cli_link *link = user;
	char *grown = NULL;
	ssize_t got = 0;

	(void)ready;
	if (link->length < PHONE_CONTROL_WAITING_MAX)
		grown = realloc(link->text, link->length + READ_SIZE);
	if (grown) {
		link->text = grown;
		got = recv(link->fd, link->text + link->length, READ_SIZE, MSG_DONTWAIT);
		if (got < 0 && (errno == EAGAIN || errno == EINTR))
			return;
	}
	if (got > 0) {
		link->length += (size_t)got;
		if (take_lines(link))
			return;
	}
	net_watch_free(link->watch);
	link->watch = NULL;
	link->config.on_closed(link->config.user);
}

struct cli_link *cli_link_open(struct net_loop *loop, const struct cli_link_config *config)
{
	char standard[PHONE_CONTROL_PATH_MAX + 1];
	const char *path =
		config->path ? config->path : phone_control_default_path(standard, sizeof standard);
	int fd = phone_control_connect(path);
	struct cli_link *link = fd >= 0 ? calloc(1, sizeof *link) : NULL;
	const struct net_watch_config watch = {
		.fd = fd, .events = NET_READABLE, .on_ready = take_readable, .user = link};
	int error = fd < 0 ? fd : -ENOMEM;

	if (link) {
		link->config = *config;
		link->fd = fd;
		error = net_watch_create(&link->watch, loop, &watch);
	}
	if (!error)
		return link;
	fprintf(stderr, "%s: no instance at %s: %s\n", config->command, path, strerror(-error));
	if (fd >= 0)
		close(fd);
	free(link);
	return NULL;
}

void cli_link_close(struct cli_link *link)
{
	if (!link)
		return;
	net_watch_free(link->watch);
	close(link->fd);
	free(link->text);
	free(link);
}

bool cli_link_ask(struct cli_link *link, json_t *request)
{
	char *text = json_dumps(request, JSON_COMPACT);
	size_t length = text ? strlen(text) : 0, sent = 0;
	ssize_t now = 1;

	json_decref(request);
	if (!text)
		return false;
	text[length++] = '\n'; /* in the place of the end */
	while (sent < length && now > 0) {
		now = send(link->fd, text + sent, length - sent, MSG_NOSIGNAL);
		sent += now > 0 ? (size_t)now : 0;
	}
	free(text);
	return sent == length;
}
