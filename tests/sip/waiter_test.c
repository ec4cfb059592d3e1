/* sip/waiter: the earliest first, whatever is set, moved and taken out. */
#include "tests/sip/parse.h"

#include "sip/waiter.h"

enum { COUNT = 200 };

/* Against a plain search for the least. */
static void test_order(void **state)
{
	struct sip_waiter all[COUNT] = {0};
	struct sip_waiters waiters;
	uint32_t seed = 7;

	(void)state;
	assert_int_equal(sip_waiters_init(&waiters, COUNT), 0);
	for (int round = 0; round < 5000; round++) {
		uint64_t least = SIP_NEVER;

		seed = seed * 1664525 + 1013904223;
		sip_waiters_set(&waiters, &all[(seed >> 8) % COUNT],
				seed % 5 ? seed >> 16 : SIP_NEVER);
		for (int i = 0; i < COUNT; i++)
			if (all[i].place && all[i].at < least)
				least = all[i].at;
		assert_int_equal(sip_waiters_deadline(&waiters), least);
		if (least != SIP_NEVER)
			assert_int_equal(sip_waiters_first(&waiters)->at, least);
		else
			assert_null(sip_waiters_first(&waiters));
	}
	sip_waiters_clear(&waiters);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_order)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
