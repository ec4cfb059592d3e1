/* agent/nonces: each count of a nonce is good once, and what is forgotten is not good at all (RFC
 * 7616 3.3). */
#include "tests/sip/parse.h"

#include "agent/nonces.h"

static bool take(struct agent_nonces *nonces, uint64_t number, uint32_t count)
{
	return agent_nonces_take(nonces, &(struct sip_nonce_use){number, count});
}

static void test_counts(void **state)
{
	struct agent_nonces *nonces = agent_nonces_new(8);

	(void)state;
	assert_true(take(nonces, 100, 1));
	assert_false(take(nonces, 100, 1));
	assert_true(take(nonces, 100, 2));
	assert_true(take(nonces, 100, 9));
	assert_false(take(nonces, 100, 8));
	assert_true(take(nonces, 100, UINT32_MAX));
	assert_false(take(nonces, 100, 0));
	/* Each nonce has its own, and the first one need not be 1. */
	assert_true(take(nonces, 90, 7));
	assert_false(take(nonces, 90, 7));
	assert_false(take(nonces, 101, 0));
	assert_false(take(nonces, 0, 1));
	agent_nonces_free(nonces);
}

/* A replay of what had to be forgotten is refused, too, and so is what is older; all others go on.
 */
static void test_full(void **state)
{
	struct agent_nonces *nonces = agent_nonces_new(8);

	(void)state;
	for (uint64_t number = 10; number < 18; number++)
		assert_true(take(nonces, number, 1));
	assert_false(take(nonces, 9, 1)); /* it would be the one to be forgotten */
	assert_true(take(nonces, 18, 1));
	assert_false(take(nonces, 10, 1));
	assert_false(take(nonces, 10, 2));
	assert_true(take(nonces, 11, 2));
	assert_true(take(nonces, 20, 1));
	assert_false(take(nonces, 11, 3));
	agent_nonces_free(nonces);
}

static void test_many(void **state)
{
	enum { LIMIT = 1 << 12, COUNT = 3 * LIMIT };
	struct agent_nonces *nonces = agent_nonces_new(LIMIT);
	int known = 0; /* a set or two got less than its share */

	(void)state;
	for (uint64_t i = 1; i <= COUNT; i++)
		assert_true(take(nonces, i << 16, 1));
	for (uint64_t i = 1; i <= COUNT; i++)
		assert_false(take(nonces, i << 16, 1));
	for (uint64_t i = 1; i <= COUNT; i++)
		known += take(nonces, i << 16, 2);
	assert_in_range(known, LIMIT * 9 / 10, LIMIT);
	agent_nonces_free(nonces);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_counts),
		cmocka_unit_test(test_full),
		cmocka_unit_test(test_many),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
