/* agent/guard: a flood of one address leaves the others their share; who guesses passwords waits.
 */
#include "tests/sip/parse.h"

#include "agent/guard.h"

static struct net_address address_of(unsigned number)
{
	return (struct net_address){
		.ip = {[10] = 0xff,
		       [11] = 0xff,
		       [12] = 10,
		       [13] = (uint8_t)(number >> 16),
		       [14] = (uint8_t)(number >> 8),
		       [15] = (uint8_t)number},
		.port = (uint16_t)number,
	};
}

static void test_flood(void **state)
{
	struct agent_guard *guard = agent_guard_new(64);
	const struct net_address flood = address_of(1), other = address_of(2);
	int admitted = 0;

	(void)state;
	for (int i = 0; i < 3 * AGENT_GUARD_MESSAGES_PER_S; i++)
		admitted += agent_guard_admit(guard, &flood, 1000);
	assert_int_equal(admitted, AGENT_GUARD_MESSAGES_PER_S);
	assert_true(agent_guard_admit(guard, &other, 1000));
	for (int i = 0; i < 1000; i++)
		admitted += agent_guard_admit(guard, &flood, 1100);
	assert_int_equal(admitted, AGENT_GUARD_MESSAGES_PER_S + AGENT_GUARD_MESSAGES_PER_S / 10);
	assert_true(agent_guard_admit(guard, &flood, 1101));
	agent_guard_free(guard);
}

static void test_wrong_passwords(void **state)
{
	struct agent_guard *guard = agent_guard_new(64);
	struct net_address guesser = address_of(1);
	const struct net_address other = address_of(2);

	(void)state;
	for (int i = 0; i < AGENT_GUARD_WRONG_MAX; i++) {
		assert_true(agent_guard_may_prove(guard, &guesser, 1000));
		agent_guard_note_wrong(guard, &guesser, 1000);
		guesser.port++; /* is no other address */
	}
	assert_false(agent_guard_may_prove(guard, &guesser, 1000));
	assert_true(agent_guard_may_prove(guard, &other, 1000));
	assert_false(agent_guard_may_prove(guard, &guesser, 1000 + AGENT_GUARD_WRONG_MS - 1));
	assert_true(agent_guard_may_prove(guard, &guesser, 1000 + AGENT_GUARD_WRONG_MS));
	agent_guard_note_wrong(guard, &guesser, 1000 + AGENT_GUARD_WRONG_MS);
	agent_guard_note_wrong(guard, &guesser, 1000 + AGENT_GUARD_WRONG_MS);
	assert_false(agent_guard_may_prove(guard, &guesser, 1000 + AGENT_GUARD_WRONG_MS));
	agent_guard_free(guard);
}

/* Thousands of addresses: those that were silent longest are forgotten, nothing grows. */
static void test_many(void **state)
{
	struct agent_guard *guard = agent_guard_new(64);
	const struct net_address kept = address_of(7);

	(void)state;
	agent_guard_note_wrong(guard, &kept, 1);
	for (unsigned i = 0; i < 10000; i++) {
		const struct net_address one = address_of(1000 + i);

		assert_true(agent_guard_admit(guard, &one, 2 + i));
		agent_guard_note_wrong(guard, &kept, 2 + i);
	}
	assert_false(agent_guard_may_prove(guard, &kept, 10002));
	agent_guard_free(guard);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_flood),
		cmocka_unit_test(test_wrong_passwords),
		cmocka_unit_test(test_many),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
