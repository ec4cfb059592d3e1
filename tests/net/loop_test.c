/* The loop: deadlines that the engine's time line rests on (TIME-1), signals, descriptors. */
#include <signal.h>
#include <time.h>
#include <unistd.h>

#include "tests/net/support.h"

static struct net_loop *loop;

static int set_up(void **state)
{
	(void)state;
	return net_loop_create(&loop);
}

static int tear_down(void **state)
{
	(void)state;
	net_loop_free(loop);
	return 0;
}

static void count_up(void *user)
{
	(*(unsigned *)user)++;
}

static void stop(void *user)
{
	(void)user;
	net_loop_stop(loop);
}

static void the_clock_counts_time_asleep(void **state)
{
	struct timespec now;
	uint64_t before_ms = net_now_ms();

	(void)state;
	clock_gettime(CLOCK_BOOTTIME, &now);
	uint64_t boottime_ms = (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;

	assert_in_range(boottime_ms, before_ms, net_now_ms());
}

/* A timer that sets itself again until it was due ticks_max times. */
struct ticker {
	struct net_timer *timer;
	uint64_t set_at_ms;
	unsigned ticks, ticks_max;
};

static void tick(void *user)
{
	struct ticker *ticker = user;

	assert_true(net_now_ms() >= ticker->set_at_ms);
	if (++ticker->ticks < ticker->ticks_max) {
		ticker->set_at_ms += 20;
		net_timer_set(ticker->timer, ticker->set_at_ms);
	}
}

static void a_timer_is_never_early_and_can_be_set_again(void **state)
{
	struct ticker ticker = {.ticks_max = 3, .set_at_ms = net_now_ms() + 30};

	(void)state;
	assert_int_equal(
		net_timer_create(&ticker.timer, loop, (struct net_callback){tick, &ticker}), 0);
	net_timer_set(ticker.timer, ticker.set_at_ms);
	wait_for(loop, &ticker.ticks, 3);
	net_timer_free(ticker.timer);
}

static void the_last_setting_counts(void **state)
{
	unsigned moved = 0, off = 0, past = 0, beginning = 0;
	struct net_timer *timers[4];
	unsigned *counts[] = {&moved, &off, &past, &beginning};

	(void)state;
	for (size_t i = 0; i < 4; i++)
		assert_int_equal(net_timer_create(&timers[i], loop,
						  (struct net_callback){count_up, counts[i]}),
				 0);
	net_timer_set(timers[0], net_now_ms() + 3600000);
	net_timer_set(timers[0], net_now_ms() + 20);
	net_timer_set(timers[1], net_now_ms());
	net_timer_set(timers[1], NET_NEVER);
	net_timer_set(timers[2], net_now_ms() - 1);
	net_timer_set(timers[3], 0);
	wait_for(loop, &moved, 1);
	assert_int_equal(off, 0);
	assert_int_equal(past, 1);
	assert_int_equal(beginning, 1);
	for (size_t i = 0; i < 4; i++)
		net_timer_free(timers[i]);
}

static void free_own_timer(void *user)
{
	struct ticker *ticker = user;

	net_timer_free(ticker->timer);
	ticker->ticks++;
}

static void a_timer_may_be_freed_by_its_own_callback(void **state)
{
	struct ticker ticker = {0};

	(void)state;
	assert_int_equal(net_timer_create(&ticker.timer, loop,
					  (struct net_callback){free_own_timer, &ticker}),
			 0);
	net_timer_set(ticker.timer, 0);
	wait_for(loop, &ticker.ticks, 1);
}

static void signals_come_through_the_loop(void **state)
{
	static const int numbers[] = {SIGTERM, SIGINT, SIGHUP};

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		struct net_signal *watcher;
		unsigned caught = 0;

		assert_int_equal(net_signal_create(&watcher, loop, numbers[i],
						   (struct net_callback){count_up, &caught}),
				 0);
		assert_int_equal(raise(numbers[i]), 0);
		assert_int_equal(caught, 0);
		wait_for(loop, &caught, 1);
		net_signal_free(watcher);
	}
}

static void run_ends_when_stopped(void **state)
{
	struct net_timer *timer;

	(void)state;
	assert_int_equal(net_timer_create(&timer, loop, (struct net_callback){stop, NULL}), 0);
	net_timer_set(timer, net_now_ms() + 10);
	assert_int_equal(net_loop_run(loop), 0);
	net_timer_free(timer);
}

/* A pipe, and what was seen of its ends. */
struct ends {
	int fd[2];
	unsigned reads, writes;
};

static void ready_to_read(void *user, unsigned ready)
{
	struct ends *ends = user;
	char byte;

	assert_int_equal(ready, NET_READABLE);
	assert_int_equal(read(ends->fd[0], &byte, 1), 1);
	ends->reads++;
}

static void ready_to_write(void *user, unsigned ready)
{
	struct ends *ends = user;

	assert_int_equal(ready, NET_WRITABLE);
	ends->writes++;
}

static void descriptors_are_watched_for_what_was_asked(void **state)
{
	struct ends ends = {0};
	struct net_watch *reader, *writer;

	(void)state;
	assert_int_equal(pipe(ends.fd), 0);
	assert_int_equal(net_watch_create(&reader, loop,
					  &(struct net_watch_config){ends.fd[0], NET_READABLE,
								     ready_to_read, &ends}),
			 0);
	assert_int_equal(net_watch_create(&writer, loop,
					  &(struct net_watch_config){ends.fd[1], NET_WRITABLE,
								     ready_to_write, &ends}),
			 0);
	wait_for(loop, &ends.writes, 1);
	net_watch_free(writer);
	assert_int_equal(ends.reads, 0);
	assert_int_equal(write(ends.fd[1], "ab", 2), 2);
	wait_for(loop, &ends.reads, 2);
	net_watch_free(reader);
	close(ends.fd[0]);
	close(ends.fd[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_clock_counts_time_asleep),
		cmocka_unit_test(a_timer_is_never_early_and_can_be_set_again),
		cmocka_unit_test(the_last_setting_counts),
		cmocka_unit_test(a_timer_may_be_freed_by_its_own_callback),
		cmocka_unit_test(signals_come_through_the_loop),
		cmocka_unit_test(run_ends_when_stopped),
		cmocka_unit_test(descriptors_are_watched_for_what_was_asked),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
