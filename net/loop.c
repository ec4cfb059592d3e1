#include "net/loop.h"

#include <errno.h>
#include <event2/event.h>
#include <signal.h>
#include <stdlib.h>
#include <time.h>

#include "net/timer.h"

struct net_watch {
	struct event *event;
	struct net_watch_config config;
};

struct net_signal {
	struct event *event;
	struct net_callback on_signal;
};

/* Adds a new event to its loop.  Returns it, or NULL. */
static struct event *event_begin(struct event *event)
{
	if (event != NULL && event_add(event, NULL) < 0) {
		event_free(event);
		return NULL;
	}
	return event;
}

/* ---- the loop ---- */

static void alarm_rings(int fd, short what, void *user)
{
	(void)fd;
	(void)what;
	net_timers_ring(user);
}

static int loop_open(struct net_loop *loop)
{
	int error = net_timers_open(&loop->timers);

	if (error)
		return error;
	loop->base = event_base_new();
	if (loop->base != NULL)
		loop->timers.alarm =
			event_begin(event_new(loop->base, loop->timers.fd, EV_READ | EV_PERSIST,
					      alarm_rings, &loop->timers));
	return loop->timers.alarm == NULL ? -ENOMEM : 0;
}

int net_loop_create(struct net_loop **out)
{
	struct net_loop *loop = calloc(1, sizeof(*loop));
	int error = -ENOMEM;

	if (loop == NULL)
		return error;
	signal(SIGPIPE, SIG_IGN); /* a far end that is gone must not end the process */
	loop->timers.fd = -1;
	error = loop_open(loop);
	if (error)
		net_loop_free(loop);
	else
		*out = loop;
	return error;
}

void net_loop_free(struct net_loop *loop)
{
	if (loop == NULL)
		return;
	if (loop->timers.alarm != NULL)
		event_free(loop->timers.alarm);
	if (loop->base != NULL)
		event_base_free(loop->base);
	net_timers_close(&loop->timers);
	free(loop);
}

int net_loop_run(struct net_loop *loop)
{
	return event_base_loop(loop->base, EVLOOP_NO_EXIT_ON_EMPTY) < 0 ? -EIO : 0;
}

int net_loop_step(struct net_loop *loop)
{
	return event_base_loop(loop->base, EVLOOP_ONCE | EVLOOP_NO_EXIT_ON_EMPTY) < 0 ? -EIO : 0;
}

void net_loop_stop(struct net_loop *loop)
{
	event_base_loopbreak(loop->base);
}

/* ---- the clock ---- */

uint64_t net_now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_BOOTTIME, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* ---- descriptors ---- */

static void watch_ready(int fd, short what, void *user)
{
	const struct net_watch *watch = user;
	unsigned ready = 0;

	(void)fd;
	if (what & EV_READ)
		ready |= NET_READABLE;
	if (what & EV_WRITE)
		ready |= NET_WRITABLE;
	watch->config.on_ready(watch->config.user, ready);
}

int net_watch_create(struct net_watch **out, struct net_loop *loop,
		     const struct net_watch_config *config)
{
	struct net_watch *watch = calloc(1, sizeof(*watch));
	short what = EV_PERSIST;

	if (watch == NULL)
		return -ENOMEM;
	watch->config = *config;
	if (config->events & NET_READABLE)
		what |= EV_READ;
	if (config->events & NET_WRITABLE)
		what |= EV_WRITE;
	watch->event = event_begin(event_new(loop->base, config->fd, what, watch_ready, watch));
	if (watch->event == NULL) {
		free(watch);
		return -ENOMEM;
	}
	*out = watch;
	return 0;
}

void net_watch_free(struct net_watch *watch)
{
	if (watch == NULL)
		return;
	event_free(watch->event);
	free(watch);
}

/* ---- signals ---- */

static void signal_caught(int number, short what, void *user)
{
	const struct net_signal *watcher = user;

	(void)number;
	(void)what;
	watcher->on_signal.call(watcher->on_signal.user);
}

int net_signal_create(struct net_signal **out, struct net_loop *loop, int number,
		      struct net_callback on_signal)
{
	struct net_signal *watcher = calloc(1, sizeof(*watcher));

	if (watcher == NULL)
		return -ENOMEM;
	watcher->on_signal = on_signal;
	watcher->event = event_begin(evsignal_new(loop->base, number, signal_caught, watcher));
	if (watcher->event == NULL) {
		free(watcher);
		return -ENOMEM;
	}
	*out = watcher;
	return 0;
}

void net_signal_free(struct net_signal *watcher)
{
	if (watcher == NULL)
		return;
	event_free(watcher->event);
	free(watcher);
}
