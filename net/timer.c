#include "net/timer.h"

#include <errno.h>
#include <event2/event.h>
#include <stdlib.h>
#include <sys/timerfd.h>
#include <unistd.h>

enum { ABSENT = -1, ROOM_LEAST = 16 };

struct net_timer {
	struct net_timers *timers;
	uint64_t at_ms;
	uint64_t seq;  /* equal times are due in the order in which they were set */
	ptrdiff_t pos; /* in the heap; ABSENT: it does not wait */
	struct net_callback on_due;
};

/* ---- the heap ---- */

static bool is_before(const struct net_timer *a, const struct net_timer *b)
{
	return a->at_ms != b->at_ms ? a->at_ms < b->at_ms : a->seq < b->seq;
}

static void heap_put(struct net_timers *timers, size_t pos, struct net_timer *timer)
{
	timers->heap[pos] = timer;
	timer->pos = (ptrdiff_t)pos;
}

static void heap_up(struct net_timers *timers, size_t pos, struct net_timer *timer)
{
	for (size_t parent; pos > 0; pos = parent) {
		parent = (pos - 1) / 2;
		if (!is_before(timer, timers->heap[parent]))
			break;
		heap_put(timers, pos, timers->heap[parent]);
	}
	heap_put(timers, pos, timer);
}

static void heap_down(struct net_timers *timers, size_t pos, struct net_timer *timer)
{
	for (size_t child; (child = 2 * pos + 1) < timers->waiting; pos = child) {
		if (child + 1 < timers->waiting &&
		    is_before(timers->heap[child + 1], timers->heap[child]))
			child++;
		if (!is_before(timers->heap[child], timer))
			break;
		heap_put(timers, pos, timers->heap[child]);
	}
	heap_put(timers, pos, timer);
}

static void heap_remove(struct net_timers *timers, struct net_timer *timer)
{
	size_t pos = (size_t)timer->pos;
	struct net_timer *last = timers->heap[--timers->waiting];

	timer->pos = ABSENT;
	if (last == timer)
		return;
	if (pos > 0 && is_before(last, timers->heap[(pos - 1) / 2]))
		heap_up(timers, pos, last);
	else
		heap_down(timers, pos, last);
}

/* ---- the descriptor ---- */

static uint64_t first_at(const struct net_timers *timers)
{
	return timers->waiting > 0 ? timers->heap[0]->at_ms : NET_NEVER;
}

/* Lets the alarm ring when the first timer is due.  Where it is set for an earlier time it stays:
 * to ring in vain now and then costs less than a system call for each timer that moves. */
static void arm(struct net_timers *timers)
{
	uint64_t at_ms = first_at(timers);
	const struct itimerspec at = {.it_value = {
					      .tv_sec = (time_t)(at_ms / 1000),
					      .tv_nsec = (long)(at_ms % 1000) * 1000000 + 1,
				      }};

	if (at_ms >= timers->armed_at)
		return;
	timerfd_settime(timers->fd, TFD_TIMER_ABSTIME, &at, NULL);
	timers->armed_at = at_ms;
}

/* Of what is due already the loop is told without the kernel; not while the alarm rings, which
 * would ring on without end. */
static void wake(struct net_timers *timers)
{
	if (timers->is_ringing)
		return;
	if (first_at(timers) <= net_now_ms())
		event_active(timers->alarm, EV_READ, 0);
	else
		arm(timers);
}

int net_timers_open(struct net_timers *timers)
{
	timers->armed_at = NET_NEVER;
	timers->fd = timerfd_create(CLOCK_BOOTTIME, TFD_NONBLOCK | TFD_CLOEXEC);
	return timers->fd < 0 ? -errno : 0;
}

void net_timers_close(struct net_timers *timers)
{
	if (timers->fd >= 0)
		close(timers->fd);
	free(timers->heap);
}

void net_timers_ring(struct net_timers *timers)
{
	const uint64_t now_ms = net_now_ms(), set_before = timers->seq;
	uint64_t expirations;

	if (timers->armed_at <= now_ms && read(timers->fd, &expirations, sizeof(expirations)) > 0)
		timers->armed_at = NET_NEVER;
	timers->is_ringing = true;
	/* What a callback sets is due in the next pass, even if its time has passed. */
	while (timers->waiting > 0 && timers->heap[0]->at_ms <= now_ms &&
	       timers->heap[0]->seq < set_before) {
		struct net_timer *timer = timers->heap[0];
		struct net_callback on_due = timer->on_due;

		heap_remove(timers, timer);
		on_due.call(on_due.user);
	}
	timers->is_ringing = false;
	arm(timers);
}

/* ---- timers ---- */

/* For one more. */
static bool make_room(struct net_timers *timers)
{
	const size_t room = timers->room ? 2 * timers->room : ROOM_LEAST;
	struct net_timer **heap;

	if (timers->timers < timers->room)
		return true;
	heap = reallocarray(timers->heap, room, sizeof(struct net_timer *));
	if (heap == NULL)
		return false;
	timers->heap = heap;
	timers->room = room;
	return true;
}

int net_timer_create(struct net_timer **out, struct net_loop *loop, struct net_callback on_due)
{
	struct net_timers *timers = &loop->timers;
	struct net_timer *timer = malloc(sizeof(*timer));

	if (timer == NULL || !make_room(timers)) {
		free(timer);
		return -ENOMEM;
	}
	timers->timers++;
	*timer = (struct net_timer){.timers = timers, .pos = ABSENT, .on_due = on_due};
	*out = timer;
	return 0;
}

void net_timer_free(struct net_timer *timer)
{
	if (timer == NULL)
		return;
	net_timer_set(timer, NET_NEVER);
	timer->timers->timers--;
	free(timer);
}

void net_timer_set(struct net_timer *timer, uint64_t at_ms)
{
	struct net_timers *timers = timer->timers;
	if (timer->pos != ABSENT)
		heap_remove(timers, timer);
	if (at_ms != NET_NEVER) {
		timer->at_ms = at_ms;
		timer->seq = timers->seq++;
		heap_up(timers, timers->waiting++, timer);
	}
	wake(timers);
}
