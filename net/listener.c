/* listener.c - sockets that take connections. */
#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "net/stream.h"

enum {
	BACKLOG = 128,
	BATCH_MAX = 16, /* connections taken in one wake-up: a flood leaves others their turn */
	/* Without free descriptors a waiting connection would wake the loop for ever. */
	PAUSE_MS = 1000,
};

struct net_listener {
	struct net_listener_config config;
	struct net_loop *loop;
	int fd;
	struct net_watch *watch; /* NULL: during a pause */
	struct net_timer *pause;
	struct net_address local;
	bool *closed; /* set by net_listener_close() while a callback is under way */
};

static void take_ready(void *user, unsigned ready);

static int watch(struct net_listener *listener)
{
	return net_watch_create(&listener->watch, listener->loop,
				&(struct net_watch_config){.fd = listener->fd,
							   .events = NET_READABLE,
							   .on_ready = take_ready,
							   .user = listener});
}

static void pause_now(struct net_listener *listener)
{
	net_watch_free(listener->watch);
	listener->watch = NULL;
	net_timer_set(listener->pause, net_now_ms() + PAUSE_MS);
}

static void take_pause_over(void *user)
{
	struct net_listener *listener = user;

	if (watch(listener) != 0)
		pause_now(listener);
}

/* Takes one connection.  False: there is none, or no descriptor for it. */
static bool accept_one(struct net_listener *listener)
{
	struct sockaddr_storage name = {0};
	struct net_arrival arrival = {
		.fd = accept4(listener->fd, (struct sockaddr *)&name, &(socklen_t){sizeof(name)},
			      SOCK_CLOEXEC | SOCK_NONBLOCK),
	};

	if (arrival.fd >= 0) {
		net_address_from_sockaddr(&arrival.source, (struct sockaddr *)&name);
		listener->config.on_arrival(listener->config.user, &arrival);
		return true;
	}
	if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM)
		pause_now(listener);
	return false;
}

static void take_ready(void *user, unsigned ready)
{
	struct net_listener *listener = user;
	bool closed = false;

	(void)ready;
	listener->closed = &closed;
	for (int i = 0; i < BATCH_MAX && !closed; i++)
		if (!accept_one(listener))
			break;
	if (closed)
		return;
	listener->closed = NULL;
}

/* Binds, and listens.  0 or -errno. */
static int prepare(struct net_listener *listener)
{
	struct sockaddr_storage name;
	socklen_t length = net_address_to_sockaddr(&listener->config.local, &name);

	/* A server that comes back takes its port again while old connections still linger. */
	setsockopt(listener->fd, SOL_SOCKET, SO_REUSEADDR, &(int){1}, sizeof(int));
	if (name.ss_family == AF_INET6)
		setsockopt(listener->fd, IPPROTO_IPV6, IPV6_V6ONLY, &(int){1}, sizeof(int));
	if (bind(listener->fd, (struct sockaddr *)&name, length) < 0 ||
	    listen(listener->fd, BACKLOG) < 0 ||
	    getsockname(listener->fd, (struct sockaddr *)&name, &length) < 0)
		return -errno;
	return net_address_from_sockaddr(&listener->local, (struct sockaddr *)&name);
}

int net_listener_open(struct net_listener **out, struct net_loop *loop,
		      const struct net_listener_config *config)
{
	struct net_listener *listener = calloc(1, sizeof(*listener));
	int error = 0;

	if (listener == NULL)
		return -ENOMEM;
	listener->config = *config;
	listener->loop = loop;
	listener->fd = socket(net_address_is_ipv4(&config->local) ? AF_INET : AF_INET6,
			      SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (listener->fd < 0)
		error = -errno;
	if (!error)
		error = prepare(listener);
	if (!error)
		error = net_timer_create(&listener->pause, loop,
					 (struct net_callback){take_pause_over, listener});
	if (!error)
		error = watch(listener);
	if (error)
		net_listener_close(listener);
	else
		*out = listener;
	return error;
}

void net_listener_close(struct net_listener *listener)
{
	if (listener == NULL)
		return;
	if (listener->closed != NULL)
		*listener->closed = true;
	net_watch_free(listener->watch);
	net_timer_free(listener->pause);
	if (listener->fd >= 0)
		close(listener->fd);
	free(listener);
}

struct net_address net_listener_local(const struct net_listener *listener)
{
	return listener->local;
}
