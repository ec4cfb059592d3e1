#include "net/loop.h"

#include <errno.h>
#include <event2/event.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

struct net_loop {
	struct event_base *base;
};

struct net_timer {
	int fd; /* a timerfd: libevent's own timers stand still while the machine is suspended */
	struct event *event;
	struct net_callback on_due;
};

struct net_watch {
	struct event *event;
	struct net_watch_config config;
};

struct net_signal {
	struct event *event;
	struct net_callback on_signal;
};

/* ---- the loop ---- */

int net_loop_create(struct net_loop **out)
{
	struct net_loop *loop = calloc(1, sizeof(*loop));

	if (loop == NULL)
		return -ENOMEM;
	loop->base = event_base_new();
	if (loop->base == NULL) {
		free(loop);
		return -ENOMEM;
	}
	*out = loop;
	return 0;
}

void net_loop_free(struct net_loop *loop)
{
	if (loop == NULL)
		return;
	event_base_free(loop->base);
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

/* Adds a new event to its loop.  Returns it, or NULL. */
static struct event *event_begin(struct event *event)
{
	if (event != NULL && event_add(event, NULL) < 0) {
		event_free(event);
		return NULL;
	}
	return event;
}

/* ---- the clock ---- */

uint64_t net_now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_BOOTTIME, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* ---- deadlines ---- */

static void timer_ready(int fd, short what, void *user)
{
	const struct net_timer *timer = user;
	uint64_t expirations;

	(void)what;
	/* Set anew since the loop saw it expire: nothing to read, not due. */
	if (read(fd, &expirations, sizeof(expirations)) < 0)
		return;
	timer->on_due.call(timer->on_due.user);
}

int net_timer_create(struct net_timer **out, struct net_loop *loop, struct net_callback on_due)
{
	struct net_timer *timer = calloc(1, sizeof(*timer));

	if (timer == NULL)
		return -ENOMEM;
	timer->on_due = on_due;
	timer->fd = timerfd_create(CLOCK_BOOTTIME, TFD_NONBLOCK | TFD_CLOEXEC);
	if (timer->fd < 0) {
		int error = -errno;

		free(timer);
		return error;
	}
	timer->event = event_begin(
		event_new(loop->base, timer->fd, EV_READ | EV_PERSIST, timer_ready, timer));
	if (timer->event == NULL) {
		close(timer->fd);
		free(timer);
		return -ENOMEM;
	}
	*out = timer;
	return 0;
}

void net_timer_free(struct net_timer *timer)
{
	if (timer == NULL)
		return;
	event_free(timer->event);
	close(timer->fd);
	free(timer);
}

void net_timer_set(struct net_timer *timer, uint64_t at_ms)
{
	struct itimerspec at = {0}; /* all zero sets nothing */

	if (at_ms == 0) {
		at.it_value.tv_nsec = 1;
	} else if (at_ms != NET_NEVER) {
		at.it_value.tv_sec = (time_t)(at_ms / 1000);
		at.it_value.tv_nsec = (long)(at_ms % 1000) * 1000000;
	}
	timerfd_settime(timer->fd, TFD_TIMER_ABSTIME, &at, NULL);
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
