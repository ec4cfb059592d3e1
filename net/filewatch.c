#include "net/filewatch.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

enum {
	FILE_EVENTS = IN_CLOSE_WRITE | IN_ATTRIB | IN_DELETE_SELF | IN_MOVE_SELF,
	FOLDER_EVENTS = IN_CREATE | IN_MOVED_TO | IN_DELETE | IN_MOVED_FROM | IN_ONLYDIR,
	EVENTS_SIZE = 16 * (sizeof(struct inotify_event) + NAME_MAX + 1),
};

struct net_filewatch {
	char *path;
	int fd; /* of inotify */
	struct net_watch *watch;
	struct net_timer *timer;
	struct net_callback on_change;
};

/* Watches the folder of `path`. Returns 0 or -errno. */
static int watch_folder(int fd, const char *path)
{
	const char *slash = strrchr(path, '/');
	size_t length = slash == NULL ? 0 : (size_t)(slash - path) + 1;
	char folder[PATH_MAX] = ".";

	if (length >= sizeof(folder))
		return -ENAMETOOLONG;
	if (length > 0) {
		memcpy(folder, path, length);
		folder[length] = '\0';
	}
	return inotify_add_watch(fd, folder, FOLDER_EVENTS) < 0 ? -errno : 0;
}

/* What was watched already stays so, and what is gone fell out by itself. */
static int watch_all(const struct net_filewatch *watch)
{
	char target[PATH_MAX];

	inotify_add_watch(watch->fd, watch->path, FILE_EVENTS); /* no file: its folder will tell */
	if (realpath(watch->path, target) != NULL)
		watch_folder(watch->fd, target);
	return watch_folder(watch->fd, watch->path);
}

static void tell(void *user)
{
	struct net_filewatch *watch = user;
	const struct net_callback on_change = watch->on_change;

	watch_all(watch);
	on_change.call(on_change.user);
}

/* Which of the watched things it was does not matter: whoever is told reads the file again. */
static void inotify_ready(void *user, unsigned ready)
{
	const struct net_filewatch *watch = user;
	char events[EVENTS_SIZE];

	(void)ready;
	while (read(watch->fd, events, sizeof(events)) > 0)
		;
	net_timer_set(watch->timer, net_now_ms() + NET_FILEWATCH_QUIET_MS);
}

static int watch_start(struct net_filewatch *watch, struct net_loop *loop)
{
	int error;

	watch->fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	if (watch->fd < 0)
		return -errno;
	error = watch_all(watch);
	if (error == 0)
		error = net_timer_create(&watch->timer, loop, (struct net_callback){tell, watch});
	if (error != 0)
		return error;
	return net_watch_create(&watch->watch, loop,
				&(struct net_watch_config){.fd = watch->fd,
							   .events = NET_READABLE,
							   .on_ready = inotify_ready,
							   .user = watch});
}

int net_filewatch_open(struct net_filewatch **out, struct net_loop *loop, const char *path,
		       struct net_callback on_change)
{
	struct net_filewatch *watch = calloc(1, sizeof(*watch));
	int error = -ENOMEM;

	if (watch == NULL)
		return error;
	watch->fd = -1;
	watch->on_change = on_change;
	watch->path = strdup(path);
	if (watch->path != NULL)
		error = watch_start(watch, loop);
	if (error != 0)
		net_filewatch_close(watch);
	else
		*out = watch;
	return error;
}

void net_filewatch_close(struct net_filewatch *watch)
{
	if (watch == NULL)
		return;
	net_watch_free(watch->watch);
	net_timer_free(watch->timer);
	if (watch->fd >= 0)
		close(watch->fd);
	free(watch->path);
	free(watch);
}
