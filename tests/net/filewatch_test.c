/* A file that is written, replaced, removed and made again is told each time. */
#include "net/filewatch.h"

#include <stdio.h>
#include <unistd.h>

#include "tests/net/files.h"
#include "tests/net/support.h"

static struct net_loop *loop;
static struct net_filewatch *watch;
static unsigned changes;

static void count_up(void *user)
{
	(*(unsigned *)user)++;
}

static int set_up(void **state)
{
	changes = 0;
	watch = NULL;
	return net_loop_create(&loop) != 0 ? -1 : files_set_up(state);
}

static int tear_down(void **state)
{
	net_filewatch_close(watch);
	net_loop_free(loop);
	return files_tear_down(state);
}

static void watch_file(const char *name)
{
	assert_int_equal(net_filewatch_open(&watch, loop, file_path(name),
					    (struct net_callback){count_up, &changes}),
			 0);
}

/* Waits for a change, and for whatever else is told with it. */
static void expect_change(void)
{
	unsigned later = 0;
	struct net_timer *timer;

	changes = 0;
	wait_for(loop, &changes, 1);
	assert_int_equal(net_timer_create(&timer, loop, (struct net_callback){count_up, &later}),
			 0);
	net_timer_set(timer, net_now_ms() + 3 * NET_FILEWATCH_QUIET_MS);
	wait_for(loop, &later, 1);
	net_timer_free(timer);
	assert_int_equal(changes, 1);
}

static void every_way_to_change_a_file_is_told_once(void **state)
{
	(void)state;
	file_write("resolv.conf", "a");
	watch_file("resolv.conf");
	file_write("resolv.conf", "b");
	expect_change();
	file_write("new", "c");
	expect_change(); /* of its folder: told for nothing, and no harm */
	assert_int_equal(rename(file_path("new"), file_path("resolv.conf")), 0);
	expect_change();
	file_write("resolv.conf", "d");
	expect_change();
	assert_int_equal(unlink(file_path("resolv.conf")), 0);
	expect_change();
	file_write("resolv.conf", "e");
	expect_change();
	file_write("resolv.conf", "f");
	expect_change();
}

static void what_a_link_leads_to_is_watched(void **state)
{
	(void)state;
	file_write("target", "a");
	assert_int_equal(symlink("target", file_path("resolv.conf")), 0);
	watch_file("resolv.conf");
	file_write("target", "b");
	expect_change();
	file_write("new", "c");
	expect_change();
	assert_int_equal(rename(file_path("new"), file_path("target")), 0);
	expect_change();
	file_write("target", "d");
	expect_change();
}

static void no_folder_is_an_error(void **state)
{
	(void)state;
	assert_true(net_filewatch_open(&watch, loop, file_path("none/resolv.conf"),
				       (struct net_callback){count_up, &changes}) < 0);
	assert_null(watch);
}

#define WATCH_TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WATCH_TEST(every_way_to_change_a_file_is_told_once),
		WATCH_TEST(what_a_link_leads_to_is_watched),
		WATCH_TEST(no_folder_is_an_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
