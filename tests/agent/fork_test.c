/* agent/fork: RFC 3261 16.7, for several endpoints that ring together (AGENT-2, AGENT-4). */
#include "tests/sip/parse.h"

#include "agent/fork.h"

static struct agent_fork fork_of(int count)
{
	struct agent_fork fork = {0};

	for (int i = 0; i < count; i++)
		assert_int_equal(agent_fork_add(&fork, 100 + (uint64_t)i), 0);
	return fork;
}

static enum agent_fork_verdict take(struct agent_fork *fork, int which, uint16_t status)
{
	return agent_fork_take(fork, agent_fork_find(fork, 100 + (uint64_t)which), status);
}

static int superfluous(struct agent_fork *fork)
{
	int count = 0;

	while (agent_fork_next_superfluous(fork))
		count++;
	return count;
}

/* The first 2xx cancels the others; one that comes all the same passes, too. */
static void test_accepted(void **state)
{
	struct agent_fork fork = fork_of(3);

	(void)state;
	assert_int_equal(take(&fork, 1, 486), AGENT_FORK_KEEP);
	assert_int_equal(superfluous(&fork), 0);
	assert_int_equal(take(&fork, 0, 200), AGENT_FORK_PASS);
	assert_int_equal(superfluous(&fork), 1);
	assert_int_equal(superfluous(&fork), 0);
	assert_int_equal(take(&fork, 2, 200), AGENT_FORK_PASS);
	assert_int_equal(take(&fork, 0, 200), AGENT_FORK_PASS);
	assert_true(agent_fork_is_over(&fork));
}

static void test_refused_after_accepted(void **state)
{
	struct agent_fork fork = fork_of(2);

	(void)state;
	take(&fork, 0, 200);
	assert_int_equal(take(&fork, 1, 487), AGENT_FORK_WAIT);
	assert_true(agent_fork_is_over(&fork));
}

/* 16.7 step 6: one answer for all, the best. */
static void test_best(void **state)
{
	static const struct {
		uint16_t first, second;
		enum agent_fork_verdict verdict; /* on the second */
	} rows[] = {
		{486, 404, AGENT_FORK_BEST}, /* the first of its kind */
		{486, 401, AGENT_FORK_PASS}, /* tells how to ask again */
		{408, 486, AGENT_FORK_PASS}, /* silence says least */
		{486, 408, AGENT_FORK_BEST}, {500, 480, AGENT_FORK_PASS},
		{503, 500, AGENT_FORK_PASS}, {302, 486, AGENT_FORK_BEST},
		{486, 302, AGENT_FORK_PASS}, {486, 603, AGENT_FORK_PASS},
		{407, 500, AGENT_FORK_BEST},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct agent_fork fork = fork_of(2);

		assert_int_equal(take(&fork, 0, rows[i].first), AGENT_FORK_KEEP);
		assert_int_equal(take(&fork, 1, rows[i].second), rows[i].verdict);
		assert_int_equal(fork.best, rows[i].verdict == AGENT_FORK_PASS);
	}
}

/* A 6xx is for all: the others are cancelled, and it goes out once they ended. */
static void test_decline(void **state)
{
	struct agent_fork fork = fork_of(3);

	(void)state;
	assert_int_equal(take(&fork, 2, 603), AGENT_FORK_KEEP);
	assert_int_equal(superfluous(&fork), 2);
	assert_int_equal(take(&fork, 0, 487), AGENT_FORK_WAIT);
	assert_int_equal(take(&fork, 1, 487), AGENT_FORK_BEST);
	assert_int_equal(fork.best, 2);
}

static void test_cancelled(void **state)
{
	struct agent_fork fork = fork_of(2);

	(void)state;
	agent_fork_cancel(&fork);
	assert_int_equal(superfluous(&fork), 2);
	assert_int_equal(take(&fork, 0, 487), AGENT_FORK_KEEP);
	assert_int_equal(take(&fork, 1, 487), AGENT_FORK_BEST);
	/* One that answered just before is up all the same. */
	fork = fork_of(2);
	agent_fork_cancel(&fork);
	assert_int_equal(take(&fork, 0, 200), AGENT_FORK_PASS);
}

static void test_limit(void **state)
{
	struct agent_fork fork = fork_of(AGENT_FORK_MAX);

	(void)state;
	assert_int_equal(agent_fork_add(&fork, 1), SIP_EFULL);
	assert_null(agent_fork_find(&fork, 1));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_accepted),  cmocka_unit_test(test_refused_after_accepted),
		cmocka_unit_test(test_best),      cmocka_unit_test(test_decline),
		cmocka_unit_test(test_cancelled), cmocka_unit_test(test_limit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
