/* The way to an address, as the kernel's routes have it.  Changes: tests/live/test_link.py. */
#include "net/link.h"

#include <errno.h>

#include "tests/net/support.h"

static int way(const char *to, const char *from, struct net_address *local)
{
	const struct net_address remote = address_of(to), source = address_of(from);

	return net_link_way_to(local, &remote, &source);
}

static void the_address_that_is_sent_from_is_told(void **state)
{
	struct net_address local;

	(void)state;
	assert_int_equal(way("127.0.0.9", "::", &local), 0);
	assert_address(&local, "127.0.0.1");
	assert_int_equal(way("127.0.0.9", "0.0.0.0", &local), 0);
	assert_address(&local, "127.0.0.1");
	assert_int_equal(way("::1", "::", &local), 0);
	assert_address(&local, "[::1]");
}

static void a_source_that_is_given_stays(void **state)
{
	struct net_address local;

	(void)state;
	assert_int_equal(way("127.0.0.9", "127.0.0.7", &local), 0);
	assert_address(&local, "127.0.0.7");
	/* TEST-NET-1 (RFC 5737) is nobody's own address. */
	assert_int_equal(way("127.0.0.9", "192.0.2.1", &local), -ENETUNREACH);
}

static void never(void *user)
{
	(void)user;
	fail();
}

static void a_watcher_may_be_closed_unused(void **state)
{
	struct net_loop *loop;
	struct net_link *link;

	(void)state;
	assert_int_equal(net_loop_create(&loop), 0);
	assert_int_equal(net_link_open(&link, loop, (struct net_callback){never, NULL}), 0);
	net_link_close(link);
	net_link_close(NULL);
	net_loop_free(loop);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_address_that_is_sent_from_is_told),
		cmocka_unit_test(a_source_that_is_given_stays),
		cmocka_unit_test(a_watcher_may_be_closed_unused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
