/* control.c - the control socket. */
#include "phone/control.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "phone/log.h"
#include "phone/private.h"
#include "phone/status.h"

enum {
	BACKLOG = 8,
	PAUSE_MS = 1000, /* after a connection that could not be taken: no descriptor is free */
};

/* One connection. */
struct peer {
	LIST_ENTRY(peer) others;
	struct phone_control *control;
	int fd;
	struct net_watch *reading, *writing; /* `writing` is there while something waits */
	bool broken;                         /* shut down: its end is read next, and frees it */
	uint64_t call;                       /* 0: none */
	char in[PHONE_CONTROL_LINE_MAX];
	size_t in_length;
	char *out; /* owned */
	size_t out_length, out_sent;
};

struct phone_control {
	struct phone *phone;
	int fd;
	struct net_watch *watch; /* NULL in a pause */
	struct net_timer *pause;
	char path[PHONE_CONTROL_PATH_MAX + 1];
	LIST_HEAD(, peer) peers;
	unsigned peer_count;
};

/* ---- connections ----------------------------------------------------------------------------- */

static void peer_free(struct peer *peer)
{
	uint64_t call = peer->call;

	peer->broken = true;
	phone_call_hang_up(peer->control->phone, call);
	LIST_REMOVE(peer, others);
	peer->control->peer_count--;
	net_watch_free(peer->reading);
	net_watch_free(peer->writing);
	close(peer->fd);
	free(peer->out);
	free(peer);
}

static void peer_break(struct peer *peer)
{
	peer->broken = true;
	shutdown(peer->fd, SHUT_RDWR);
}

static void peer_flush(struct peer *peer);

static void take_writable(void *user, unsigned ready)
{
	(void)ready;
	peer_flush(user);
}

/* Sends what waits, and watches for room if that is not all. */
static void peer_flush(struct peer *peer)
{
	const struct net_watch_config watch = {
		.fd = peer->fd, .events = NET_WRITABLE, .on_ready = take_writable, .user = peer};
	ssize_t sent;

	while (peer->out_sent < peer->out_length) {
		sent = send(peer->fd, peer->out + peer->out_sent, peer->out_length - peer->out_sent,
			    MSG_NOSIGNAL | MSG_DONTWAIT);
		if (sent < 0 && errno == EINTR)
			continue;
		if (sent < 0)
			break;
		peer->out_sent += (size_t)sent;
	}
	if (peer->out_sent < peer->out_length) {
		if (errno != EAGAIN ||
		    (!peer->writing &&
		     net_watch_create(&peer->writing, peer->control->phone->loop, &watch)))
			peer_break(peer);
		return;
	}
	peer->out_length = peer->out_sent = 0;
	net_watch_free(peer->writing);
	peer->writing = NULL;
}

/* Queues a line.  A peer that does not read what it asked for is cut off. */
static void peer_put(struct peer *peer, const char *line)
{
	size_t length = strlen(line);
	char *grown = NULL;

	if (peer->broken)
		return;
	if (peer->out_length + length + 1 <= PHONE_CONTROL_WAITING_MAX)
		grown = realloc(peer->out, peer->out_length + length + 1);
	if (!grown) {
		peer_break(peer);
		return;
	}
	memcpy(grown + peer->out_length, line, length);
	grown[peer->out_length + length] = '\n';
	peer->out = grown;
	peer->out_length += length + 1;
	peer_flush(peer);
}

/* Takes the reference to JSON; NULL means that there was no memory for it. */
static void peer_put_json(struct peer *peer, json_t *json)
{
	char *line = json ? json_dumps(json, JSON_COMPACT) : NULL;

	json_decref(json);
	if (line)
		peer_put(peer, line);
	else
		peer_break(peer);
	free(line);
}

static void peer_refuse(struct peer *peer, const char *why)
{
	peer_put_json(peer, json_pack("{s:s}", "error", why));
}

/* ---- requests -------------------------------------------------------------------------------- */

#define EVENT_NAME(name, text) text,
static const char *const event_names[] = {PHONE_CALL_EVENTS(EVENT_NAME)};
#undef EVENT_NAME

static void take_call_event(void *user, const struct phone_call_event *event)
{
	struct peer *peer = user;
	char route[KL_TEXT_MAX];
	json_t *json = json_pack("{s:s, s:I, s:s}", "event", event_names[event->type], "after_ms",
				 (json_int_t)event->after_ms, "text", event->text);

	if (event->status)
		json_object_set_new(json, "status", json_integer(event->status));
	if (event->route.port)
		json_object_set_new(json, "route",
				    json_string(phone_route_text(&event->route, route)));
	if (event->type == PHONE_CALL_OVER) {
		json_object_set_new(json, "was_up", json_boolean(event->was_up));
		peer->call = 0;
	}
	peer_put_json(peer, json);
}

/* Which line a number of the configuration means; without one, the first. */
static uint32_t find_line(const struct phone *phone, json_int_t number)
{
	const struct config *config = phone->config;

	for (uint32_t i = 0; i < config->engine.line_count; i++)
		if (!number || config->lines[i].number == number)
			return i;
	return config->engine.line_count;
}

static void do_call(struct peer *peer, const json_t *request)
{
	struct phone *phone = peer->control->phone;
	const char *target = json_string_value(json_object_get(request, "target"));
	const struct phone_call_order order = {
		.line = find_line(phone, json_integer_value(json_object_get(request, "line"))),
		.target = target,
		.on_event = take_call_event,
		.user = peer,
	};
	char why[PHONE_WHY_MAX];

	if (!target || strlen(target) > PHONE_TARGET_MAX)
		peer_refuse(peer, "a call needs a \"target\" of at most 255 bytes");
	else if (peer->call)
		peer_refuse(peer, "this connection has a call");
	else if (phone_call_place(phone, &order, &peer->call, why))
		peer_refuse(peer, why);
}

static void take_request(struct peer *peer, const char *line, size_t length)
{
	struct phone *phone = peer->control->phone;
	json_t *request = json_loadb(line, length, JSON_REJECT_DUPLICATES, NULL);
	const char *what = json_string_value(json_object_get(request, "do"));

	if (!what)
		peer_refuse(peer, "a request is a line of JSON with a \"do\"");
	else if (!strcmp(what, "status"))
		peer_put_json(peer, phone_status(phone));
	else if (!strcmp(what, "call"))
		do_call(peer, request);
	else if (!strcmp(what, "hang-up"))
		phone_call_hang_up(phone, peer->call);
	else
		peer_refuse(peer, "\"do\" is none of status, call, hang-up");
	json_decref(request);
}

/* Takes the whole lines off what was read. */
static void take_lines(struct peer *peer)
{
	char *end;

	while (!peer->broken && (end = memchr(peer->in, '\n', peer->in_length))) {
		size_t length = (size_t)(end - peer->in);

		take_request(peer, peer->in, length);
		peer->in_length -= length + 1;
		memmove(peer->in, end + 1, peer->in_length);
	}
	if (peer->in_length == sizeof peer->in) {
		peer_refuse(peer, "the request is too long");
		peer_break(peer);
	}
}

static void take_readable(void *user, unsigned ready)
{
	struct peer *peer = user;
	ssize_t got = recv(peer->fd, peer->in + peer->in_length, sizeof peer->in - peer->in_length,
			   MSG_DONTWAIT);

	(void)ready;
	if (got < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (got > 0) {
		peer->in_length += (size_t)got;
		take_lines(peer);
	}
	if (got <= 0 || peer->broken)
		peer_free(peer);
}

/* ---- the socket ------------------------------------------------------------------------------ */

static void take_connection(void *user, unsigned ready);

static int listen_on(struct phone_control *control)
{
	const struct net_watch_config watch = {.fd = control->fd,
					       .events = NET_READABLE,
					       .on_ready = take_connection,
					       .user = control};

	return net_watch_create(&control->watch, control->phone->loop, &watch);
}

static void take_pause_over(void *user)
{
	struct phone_control *control = user;

	if (listen_on(control))
		net_timer_set(control->pause, net_now_ms() + PAUSE_MS);
}

/* Without a pause, the connection that waits would keep the loop busy. */
static void pause_listening(struct phone_control *control, int error)
{
	phone_log(PHONE_LOG_WARNING, "the control socket takes no connection: %s", strerror(error));
	net_watch_free(control->watch);
	control->watch = NULL;
	net_timer_set(control->pause, net_now_ms() + PAUSE_MS);
}

static void peer_new(struct phone_control *control, int fd)
{
	struct net_watch_config watch = {
		.fd = fd, .events = NET_READABLE, .on_ready = take_readable};
	struct peer *peer = NULL;

	if (control->peer_count < PHONE_CONTROL_PEERS_MAX)
		peer = calloc(1, sizeof *peer);
	watch.user = peer;
	if (!peer || net_watch_create(&peer->reading, control->phone->loop, &watch)) {
		free(peer);
		close(fd);
		return;
	}
	peer->control = control;
	peer->fd = fd;
	LIST_INSERT_HEAD(&control->peers, peer, others);
	control->peer_count++;
}

static void take_connection(void *user, unsigned ready)
{
	struct phone_control *control = user;
	int fd = accept4(control->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	(void)ready;
	if (fd >= 0)
		peer_new(control, fd);
	else if (errno != EAGAIN && errno != EINTR && errno != ECONNABORTED)
		pause_listening(control, errno);
}

static int fill_address(struct sockaddr_un *address, const char *path)
{
	*address = (struct sockaddr_un){.sun_family = AF_UNIX};
	if (strlen(path) >= sizeof address->sun_path)
		return -ENAMETOOLONG;
	memcpy(address->sun_path, path, strlen(path));
	return 0;
}

int phone_control_connect(const char *path)
{
	struct sockaddr_un address;
	int error = fill_address(&address, path), fd;

	if (error)
		return error;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	if (!connect(fd, (struct sockaddr *)&address, sizeof address))
		return fd;
	error = -errno;
	close(fd);
	return error;
}

/* A file that nobody listens on is what a crash left behind. */
static int remove_stale(const char *path)
{
	struct stat found;
	int fd;

	if (lstat(path, &found))
		return errno == ENOENT ? 0 : -errno;
	if (!S_ISSOCK(found.st_mode))
		return -EEXIST;
	fd = phone_control_connect(path);
	if (fd >= 0)
		close(fd);
	if (fd != -ECONNREFUSED)
		return -EADDRINUSE;
	return unlink(path) ? -errno : 0;
}

/* The mode is right from the first moment on: nobody else gets in between. */
static int bind_private(int fd, const char *path)
{
	struct sockaddr_un address;
	int error = fill_address(&address, path);
	mode_t before;

	if (error)
		return error;
	before = umask(0177);
	if (bind(fd, (struct sockaddr *)&address, sizeof address))
		error = -errno;
	umask(before);
	if (!error && listen(fd, BACKLOG))
		error = -errno;
	return error;
}

static int open_socket(struct phone_control *control, const char *path)
{
	int error;

	if (control->fd < 0)
		return -errno;
	if (strlen(path) > PHONE_CONTROL_PATH_MAX)
		return -ENAMETOOLONG;
	error = remove_stale(path);
	if (!error)
		error = bind_private(control->fd, path);
	if (error)
		return error;
	memcpy(control->path, path, strlen(path) + 1);
	error = net_timer_create(&control->pause, control->phone->loop,
				 (struct net_callback){take_pause_over, control});
	return error ? error : listen_on(control);
}

int phone_control_open(struct phone_control **out, struct phone *phone, const char *path,
		       char why[PHONE_WHY_MAX])
{
	struct phone_control *control = calloc(1, sizeof *control);
	int error = -ENOMEM;

	if (control) {
		control->phone = phone;
		control->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
		error = open_socket(control, path);
	}
	if (!error) {
		*out = control;
		return 0;
	}
	snprintf(why, PHONE_WHY_MAX, "control socket %s: %s", path,
		 error == -EADDRINUSE ? "another instance listens there" : strerror(-error));
	phone_control_close(control);
	return error;
}

void phone_control_close(struct phone_control *control)
{
	if (!control)
		return;
	while (!LIST_EMPTY(&control->peers))
		peer_free(LIST_FIRST(&control->peers));
	net_watch_free(control->watch);
	net_timer_free(control->pause);
	if (control->fd >= 0)
		close(control->fd);
	if (control->path[0])
		unlink(control->path);
	free(control);
}

char *phone_control_default_path(char *to, size_t size)
{
	const char *service = getenv("RUNTIME_DIRECTORY"), *user = getenv("XDG_RUNTIME_DIR");
	bool is_root = geteuid() == 0;

	if (service && *service)
		snprintf(to, size, "%s/keepline.sock", service);
	else if (is_root && !access("/run/keepline", F_OK))
		snprintf(to, size, "/run/keepline/keepline.sock");
	else if (is_root)
		snprintf(to, size, "/run/keepline.sock");
	else if (user && *user)
		snprintf(to, size, "%s/keepline.sock", user);
	else
		snprintf(to, size, "/run/user/%u/keepline.sock", (unsigned)geteuid());
	return to;
}
