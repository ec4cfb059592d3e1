/* loop.h - one thread's event loop: a clock, deadlines, descriptors and signals.
 *
 * A thin face of libevent's event_base, so that nothing outside net/ knows libevent.
 *
 * Units      _ms are milliseconds; _at_ms is a point on the clock of net_now_ms().
 * Ownership  *_create() gives an object that the caller frees with *_free().  Objects are freed
 *            before their loop.  Every *_free() takes NULL, and may be called from the
 *            object's own callback.
 * Errors     0, or a negative errno value; *out is then untouched.
 * Threads    A loop and all that belongs to it are used by one thread.
 */
#ifndef NET_LOOP_H
#define NET_LOOP_H

#include <stdint.h>

struct net_loop;
struct net_timer;
struct net_watch;
struct net_signal;

/* What to call, and the pointer to call it with. */
struct net_callback {
	void (*call)(void *user);
	void *user;
};

/* ---- the loop ---- */

int net_loop_create(struct net_loop **out);
void net_loop_free(struct net_loop *loop);

/* Handles events until net_loop_stop().  Waits when there is nothing to do.  Returns 0, or -EIO
 * if the kernel's event queue fails. */
int net_loop_run(struct net_loop *loop);

/* Waits for the next event and handles all that are ready then.  Returns as net_loop_run(). */
int net_loop_step(struct net_loop *loop);

/* Makes net_loop_run() return after the callback that is under way. */
void net_loop_stop(struct net_loop *loop);

/* ---- the clock ---- */

#define NET_NEVER UINT64_MAX

/* Milliseconds since the machine started, time asleep included (CLOCK_BOOTTIME).  It never goes
 * back.  CLOCK_MONOTONIC stands still while the machine is suspended: a registration that ran out
 * during the night would look fresh in the morning. */
uint64_t net_now_ms(void);

/* ---- deadlines ---- */

/* A timer that can be set again and again.  Not set at first. */
int net_timer_create(struct net_timer **out, struct net_loop *loop, struct net_callback on_due);
void net_timer_free(struct net_timer *timer);

/* Calls on_due once, not before at_ms and not more often than set; replaces what was set before.
 * A point in the past is due in the loop's next pass.  NET_NEVER sets nothing.  A deadline that
 * passes while the machine is suspended is due when it wakes. */
void net_timer_set(struct net_timer *timer, uint64_t at_ms);

/* ---- descriptors ---- */

#define NET_READABLE 1u
#define NET_WRITABLE 2u

struct net_watch_config {
	int fd;          /* stays the caller's; open for as long as the watch lives */
	unsigned events; /* NET_READABLE, NET_WRITABLE, or both */

	/* Called again in every pass for as long as the descriptor is ready.  A descriptor with
	 * an error, or a hang-up, is ready for whatever is watched. */
	void (*on_ready)(void *user, unsigned ready);
	void *user;
};

int net_watch_create(struct net_watch **out, struct net_loop *loop,
		     const struct net_watch_config *config);
void net_watch_free(struct net_watch *watch);

/* ---- signals ---- */

/* Calls on_signal from the loop, not from a signal handler, when the process gets `number`.  The
 * signal has no other effect until the watcher is freed.  One watcher a number. */
int net_signal_create(struct net_signal **out, struct net_loop *loop, int number,
		      struct net_callback on_signal);
void net_signal_free(struct net_signal *watcher);

#endif
