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

#include "phone/control_peer.h"
#include "phone/log.h"
#include "phone/private.h"

enum {
	BACKLOG = 8,
	PAUSE_MS = 1000, /* after a connection that could not be taken: no descriptor is free */
};

/* One connection. */
struct guest {
	LIST_ENTRY(guest) others;
	struct phone_control *control;
	struct phone_peer *peer;
};

struct phone_control {
	struct phone *phone;
	int fd;
	struct net_watch *watch; /* NULL in a pause */
	struct net_timer *pause;
	char path[PHONE_CONTROL_PATH_MAX + 1];
	LIST_HEAD(, guest) guests;
	unsigned guest_count;
};

/* ---- connections ----------------------------------------------------------------------------- */

static void guest_free(struct guest *guest)
{
	LIST_REMOVE(guest, others);
	guest->control->guest_count--;
	phone_peer_free(guest->peer);
	free(guest);
}

static void take_closed(void *user)
{
	guest_free(user);
}

/* The file's mode lets in its owner alone; whoever changed that has not asked for more than root.
 */
static bool is_welcome(int fd)
{
	struct ucred who;
	socklen_t size = sizeof who;

	return !getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &size) &&
	       (who.uid == geteuid() || who.uid == 0);
}

static void guest_new(struct phone_control *control, int fd)
{
	struct guest *guest = NULL;

	if (control->guest_count < PHONE_CONTROL_PEERS_MAX && is_welcome(fd))
		guest = calloc(1, sizeof *guest);
	if (!guest) {
		close(fd);
		return;
	}
	if (phone_peer_create(&guest->peer, control->phone, fd,
			      (struct net_callback){take_closed, guest})) {
		free(guest);
		return;
	}
	guest->control = control;
	LIST_INSERT_HEAD(&control->guests, guest, others);
	control->guest_count++;
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

static void take_connection(void *user, unsigned ready)
{
	struct phone_control *control = user;
	int fd = accept4(control->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	(void)ready;
	if (fd >= 0)
		guest_new(control, fd);
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
	while (!LIST_EMPTY(&control->guests))
		guest_free(LIST_FIRST(&control->guests));
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
