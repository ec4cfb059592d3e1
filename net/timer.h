/* timer.h - the timers of one loop: a heap, and one descriptor that is readable when the first of
 * them is due.  Private to net/: others see loop.h.
 *
 * libevent's own timers stand still while the machine is suspended, and a descriptor for each timer
 * would end with the process's limit: a trunk has thousands.
 */
#ifndef NET_TIMER_H
#define NET_TIMER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "net/loop.h"

struct event;

struct net_timers {
	int fd;              /* a timerfd on the clock of net_now_ms() */
	struct event *alarm; /* the loop's, of `fd` */
	uint64_t armed_at;   /* when `fd` is readable; NET_NEVER: it is not set */
	bool is_ringing;
	struct net_timer **heap;
	size_t waiting; /* in the heap */
	size_t timers;  /* that exist: the heap has room for all */
	size_t room;    /* of the heap */
	uint64_t seq;   /* counts settings */
};

struct net_loop {
	struct event_base *base;
	struct net_timers timers;
};

/* 0, or a negative errno value. */
int net_timers_open(struct net_timers *timers);
void net_timers_close(struct net_timers *timers);

/* The alarm rings: calls what is due. */
void net_timers_ring(struct net_timers *timers);

#endif
