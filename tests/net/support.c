#include "tests/net/support.h"

static void count_up(void *user)
{
	(*(unsigned *)user)++;
}

void wait_for(struct net_loop *loop, const unsigned *count, unsigned wanted)
{
	unsigned too_late = 0;
	struct net_timer *timer;

	assert_int_equal(net_timer_create(&timer, loop, (struct net_callback){count_up, &too_late}),
			 0);
	net_timer_set(timer, net_now_ms() + SOON_MS);
	while (*count < wanted && !too_late)
		assert_int_equal(net_loop_step(loop), 0);
	net_timer_free(timer);
	assert_int_equal(*count, wanted);
}

struct net_address address_of(const char *text)
{
	struct net_address address;

	assert_int_equal(net_address_parse(&address, text, 0), 0);
	return address;
}

void assert_address(const struct net_address *address, const char *text)
{
	char formatted[NET_ADDRESS_TEXT_MAX];

	assert_string_equal(net_address_format(address, formatted), text);
}
