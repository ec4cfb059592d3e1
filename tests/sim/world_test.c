/* The simulated world moves time as it should: paths take their delay, faults are state. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "sim/settings.h"
#include "sim/world.h"

/* What the watch has seen. */
struct seen {
	const struct sim_world *world;
	size_t sends;
	kl_ms registered_at;
};

static void see_action(void *context, const struct kl_action *action)
{
	struct seen *seen = context;

	seen->sends += action->type == KL_DO_SEND;
	if (action->type == KL_DO_REPORT && action->report.type == KL_REPORT_STATE &&
	    action->report.to == KL_REGISTERED)
		seen->registered_at = sim_world_now(seen->world);
}

static void see_text(void *context, const char *text)
{
	(void)context;
	fail_msg("nothing to say, but: %s", text);
}

/* One line at the literal address of a server A. */
struct stage {
	struct sim_settings settings;
	struct sim_world world;
	struct seen seen;
	struct sim_server *server;
};

static void open_stage_over(struct stage *stage, uint8_t choice)
{
	struct sim_words words;
	char reason[SIM_REASON_MAX];
	static const char line[] = "1 name 192.0.2.1";

	stage->seen = (struct seen){.world = &stage->world, .registered_at = KL_NEVER};
	sim_world_init(&stage->world, &(struct sim_watch){.context = &stage->seen,
							  .action = see_action,
							  .say = see_text});
	stage->server = sim_world_add_server(&stage->world, "a");
	assert_true(sim_parse_address("192.0.2.1", stage->server->ip4));
	sim_settings_init(&stage->settings);
	assert_true(sim_words_split(&words, line, sizeof(line) - 1));
	assert_true(sim_settings_line(&stage->settings, &words, reason));
	stage->settings.entries[0][0].transport_choice = choice;
	stage->settings.entries[0][0].port = 5060;
	stage->settings.config.transports = 1 << KL_UDP | 1 << KL_TCP | 1 << KL_TLS;
	assert_true(sim_settings_finish(&stage->settings, reason));
	assert_int_equal(sim_world_start(&stage->world, &stage->settings.config, 1), 0);
}

static void open_stage(struct stage *stage)
{
	open_stage_over(stage, KL_CHOOSE_UDP);
}

static void start_line(struct stage *stage)
{
	sim_world_feed(&stage->world, &(struct kl_event){.type = KL_EV_LINE_START});
}

static void test_an_answer_takes_the_way_there_and_back(void **state)
{
	struct stage stage;

	(void)state;
	open_stage(&stage);
	stage.server->delay_ms = 35;
	start_line(&stage);
	assert_int_equal(sim_world_run(&stage.world, 1000), 0);
	assert_int_equal(stage.seen.registered_at, 70);
	assert_int_equal(stage.seen.sends, 1);
	assert_int_equal(sim_world_now(&stage.world), 1000);
	sim_world_free(&stage.world);
}

static void test_a_silent_server_hears_and_says_nothing(void **state)
{
	struct stage stage;

	(void)state;
	open_stage(&stage);
	stage.server->reach = SIM_SILENT;
	start_line(&stage);
	assert_int_equal(sim_world_run(&stage.world, 1499), 0);
	assert_int_equal(stage.seen.sends, 2);
	assert_int_equal(stage.server->binding_count, 0);

	stage.server->reach = SIM_UP;
	assert_int_equal(sim_world_run(&stage.world, 2000), 0);
	assert_int_equal(stage.seen.registered_at, 1520);
	assert_int_equal(stage.server->binding_count, 1);
	sim_world_free(&stage.world);
}

static void test_an_answer_under_way_arrives_after_the_server_died(void **state)
{
	struct stage stage;

	(void)state;
	open_stage(&stage);
	start_line(&stage);
	assert_int_equal(sim_world_run(&stage.world, 15), 0);
	stage.server->reach = SIM_SILENT;
	assert_int_equal(sim_world_run(&stage.world, 100), 0);
	assert_int_equal(stage.seen.registered_at, 20);
	sim_world_free(&stage.world);
}

static void test_a_slow_answer_is_given_once(void **state)
{
	struct stage stage;

	(void)state;
	open_stage(&stage);
	stage.server->slow_ms = 1200;
	start_line(&stage);
	assert_int_equal(sim_world_run(&stage.world, 5000), 0);
	assert_int_equal(stage.seen.registered_at, 1220);
	assert_int_equal(stage.seen.sends, 2);
	assert_int_equal(stage.server->binding_count, 1);
	sim_world_free(&stage.world);
}

/* Answers take one way there and back; TCP one more to connect, TLS another: 20, 40, 60 ms. */
static void test_streams_take_time_to_connect(void **state)
{
	static const uint8_t choices[] = {KL_CHOOSE_UDP, KL_CHOOSE_TCP, KL_CHOOSE_TLS};
	struct stage stage;

	(void)state;
	for (size_t i = 0; i < sizeof(choices); i++) {
		open_stage_over(&stage, choices[i]);
		start_line(&stage);
		assert_int_equal(sim_world_run(&stage.world, 1000), 0);
		assert_int_equal(stage.seen.registered_at, 20 + 20 * i);
		sim_world_free(&stage.world);
	}
}

/* What was under way on a stream does not arrive once it has ended. */
static void test_a_stream_takes_its_answers_with_it(void **state)
{
	struct stage stage;

	(void)state;
	open_stage_over(&stage, KL_CHOOSE_TCP);
	start_line(&stage);
	assert_int_equal(sim_world_run(&stage.world, 25), 0);
	sim_stream_drop(&stage.world, stage.server, KL_FAULT_STREAM_LOST);
	assert_int_equal(sim_world_run(&stage.world, 1000), 0);
	assert_int_equal(stage.seen.registered_at, KL_NEVER);
	assert_int_equal(stage.world.host.streams[0].state, SIM_STREAM_CLOSED);
	sim_world_free(&stage.world);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_an_answer_takes_the_way_there_and_back),
		cmocka_unit_test(test_a_silent_server_hears_and_says_nothing),
		cmocka_unit_test(test_an_answer_under_way_arrives_after_the_server_died),
		cmocka_unit_test(test_a_slow_answer_is_given_once),
		cmocka_unit_test(test_streams_take_time_to_connect),
		cmocka_unit_test(test_a_stream_takes_its_answers_with_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
