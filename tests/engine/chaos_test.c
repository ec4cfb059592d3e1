/* Whatever happens, in whatever order, some things hold: random lives among servers that answer as
 * they like, to what they were asked or to what is long over.  What sim/invariants.h says, and:
 *
 *  - an event brings a bounded number of actions;
 *  - nothing is sent to a route that was not in the DNS;
 *  - when all falls silent no request stays open;
 *  - a reload of the same configuration leaves no trace, whenever it comes.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "sim/invariants.h"
#include "tests/engine/dice.h"

enum {
	LINES = 3,
	TARGETS = 5,
	STATICS = 3,
	LIVES = 300,
	EVENTS = 1500,
	SENDS_MAX = 16, /* the last sends, which answers choose from */
	TOKENS_MAX = EVENTS + 2,
	QUESTIONS_MAX = 64,
	SUBSCRIPTIONS = 12,
	SUBSCRIPTIONS_FROM = 1000000, /* their tokens: no request has one of these */
	ACTIONS_MAX = 500,            /* of one event: three lines with a dozen walks, a few each */
};

struct question {
	uint32_t query;
	enum kl_record_type type;
	char name[KL_NAME_MAX + 1];
};

struct life {
	struct dice dice;
	struct kl_policy policy[2]; /* the first line looks names up in a manner of its own */
	struct kl_entry_config entry[2];
	struct kl_static_record statics[STATICS];
	struct kl_line_config lines[LINES];
	struct kl_config config;
	struct kl_engine *engine;
	kl_ms now;
	struct kl_action_send sends[SENDS_MAX];
	size_t send_count;
	struct question questions[QUESTIONS_MAX];
	size_t question_count;
	bool started[LINES];
	struct sim_invariants *invariants;
	uint8_t line_of[TOKENS_MAX];
	uint64_t tokens;
	uint32_t requests; /* that have not ended */
	uint64_t trace;    /* FNV-1a of all actions and their times */
};

static uint32_t roll(struct life *life, uint32_t sides)
{
	return dice_roll(&life->dice, sides);
}

static void see_send(struct life *life, const struct kl_action_send *send)
{
	assert_in_range(send->route.ip[15], 1, TARGETS);
	life->sends[life->send_count++ % SENDS_MAX] = *send;
}

static void see_query(struct life *life, const struct kl_action_query *query)
{
	struct question *question = &life->questions[life->question_count++];

	assert_true(life->question_count < QUESTIONS_MAX);
	question->query = query->query;
	question->type = query->type;
	snprintf(question->name, sizeof(question->name), "%s", query->name);
}

static void trace(struct life *life, const void *bytes, size_t size)
{
	for (size_t i = 0; i < size; i++)
		life->trace = (life->trace ^ ((const uint8_t *)bytes)[i]) * UINT64_C(0x100000001b3);
}

static void trace_action(struct life *life, const struct kl_action *action)
{
	char text[KL_TEXT_MAX];

	kl_format_action(text, sizeof(text), action, NULL);
	trace(life, &life->now, sizeof(life->now));
	trace(life, text, strlen(text));
	if (action->type == KL_DO_SEND)
		trace(life, &action->send.tx, sizeof(action->send.tx));
	if (action->type == KL_DO_ABANDON)
		trace(life, &action->abandon.tx, sizeof(action->abandon.tx));
	if (action->type == KL_DO_QUERY)
		trace(life, &action->query.query, sizeof(action->query.query));
}

static void see_action(struct life *life, const struct kl_action *action)
{
	trace_action(life, action);
	sim_invariants_action(life->invariants, life->engine, action);
	switch (action->type) {
	case KL_DO_SEND:
		see_send(life, &action->send);
		break;
	case KL_DO_QUERY:
		see_query(life, &action->query);
		break;
	case KL_DO_OUTCOME:
		life->requests--;
		break;
	case KL_DO_CLOSE:
		assert_int_not_equal(action->close.route.transport, KL_UDP);
		assert_in_range(action->close.route.ip[15], 1, TARGETS);
		break;
	case KL_DO_KEEPALIVE:
		assert_in_range(action->keepalive.route.ip[15], 1, TARGETS);
		break;
	case KL_DO_ABANDON:
	case KL_DO_SUBSCRIPTION:
	case KL_DO_REPORT:
		break;
	}
}

static void feed(struct life *life, const struct kl_event *event)
{
	int result = kl_feed(life->engine, event, life->now);
	struct kl_action action;
	size_t actions = 0;
	const char *broken;

	/* Only a request may be refused: by a line that was not started, or for want of room; and a
	 * subscription that is there. */
	bool request = event->type == KL_EV_REQUEST || event->type == KL_EV_SHARED_CALL;
	if (request && !life->started[event->line])
		assert_int_equal(result, KL_EINVAL);
	else if (event->type == KL_EV_SUBSCRIBE)
		assert_in_range(result - KL_EFULL, 0, KL_IGNORED - KL_EFULL);
	else if (result != KL_EFULL)
		assert_in_range(result, KL_OK, KL_IGNORED);
	life->started[event->line] |= event->type == KL_EV_LINE_START;
	life->started[event->line] &= event->type != KL_EV_LINE_STOP;
	life->requests += request && result == KL_OK;
	sim_invariants_fed(life->invariants, event, result, life->now);
	while (kl_next_action(life->engine, &action)) {
		assert_true(++actions < ACTIONS_MAX);
		see_action(life, &action);
	}
	broken = sim_invariants_settled(life->invariants, life->engine);
	if (broken)
		fail_msg("broken: %s", broken);
}

static void wake(struct life *life)
{
	kl_ms deadline = kl_deadline(life->engine);

	if (deadline == KL_NEVER)
		return;
	if (deadline > life->now)
		life->now = deadline;
	feed(life, &(struct kl_event){.type = KL_EV_TIME});
}

/* Answers one open question: some targets of the five, or a failure. */
static void answer_question(struct life *life)
{
	struct kl_dns_record records[TARGETS] = {0};
	char names[TARGETS][8];
	size_t place = roll(life, (uint32_t)life->question_count);
	struct question question = life->questions[place];
	uint8_t target = (uint8_t)atoi(question.name);
	struct kl_event event = {
		.type = KL_EV_DNS,
		.dns = {.query = question.query, .status = KL_DNS_ANSWER, .records = records},
	};

	life->questions[place] = life->questions[--life->question_count];
	if (roll(life, 8) == 0) {
		event.dns.status = (enum kl_dns_status)(1 + roll(life, 3));
	} else if (question.type == KL_SRV) {
		for (uint8_t i = 1; i <= TARGETS; i++) {
			if (roll(life, 4) == 0)
				continue;
			snprintf(names[i - 1], sizeof(names[i - 1]), "%u.test", i);
			records[event.dns.count++] = (struct kl_dns_record){
				.ttl_ms = 1000 * roll(life, 600),
				.name = names[i - 1],
				.priority = (uint16_t)roll(life, 3),
				.weight = (uint16_t)roll(life, 100),
				.port = 5060,
			};
		}
	} else {
		event.dns.count = 1;
		records[0] = (struct kl_dns_record){
			.ttl_ms = 1000 * roll(life, 600),
			.ip = {[10] = 0xff, 0xff, 192, 0, 2, target ? target : 1},
		};
	}
	if (event.dns.count == 0 && event.dns.status == KL_DNS_ANSWER)
		event.dns.status = KL_DNS_NEGATIVE;
	feed(life, &event);
}

/* One of the last requests sent, or NULL. */
static const struct kl_action_send *pick_send(struct life *life)
{
	size_t known = life->send_count < SENDS_MAX ? life->send_count : SENDS_MAX;

	return known ? &life->sends[roll(life, (uint32_t)known)] : NULL;
}

static void respond(struct life *life)
{
	static const uint16_t statuses[] = {100, 180, 200, 200, 200, 200, 302, 401, 407,
					    403, 404, 423, 481, 486, 489, 500, 503, 503};
	const struct kl_action_send *send = pick_send(life);
	struct kl_event event = {.type = KL_EV_RESPONSE};

	if (!send)
		return;
	event.response = (struct kl_event_response){
		.tx = send->tx,
		.status = statuses[roll(life, sizeof(statuses) / sizeof(statuses[0]))],
		.challenge = (enum kl_challenge)roll(life, KL_CHALLENGES_MAX),
		.granted_ms = 1000 * roll(life, 4000),
		.outbound = roll(life, 4) != 0,
		.min_expires_ms = 1000 * roll(life, 10000),
		.retry_after_ms = 1000 * roll(life, 200),
		.redirect =
			{.ip = {[10] = 0xff, 0xff, 192, 0, 2, (uint8_t)(1 + roll(life, TARGETS))},
			 .port = 5060,
			 .transport = (uint8_t)roll(life, 3)},
	};
	feed(life, &event);
}

static void lose_route(struct life *life)
{
	const struct kl_action_send *send = pick_send(life);
	struct kl_event event = {.type = KL_EV_TRANSPORT};

	if (!send)
		return;
	event.transport.route = send->route;
	event.transport.tx = send->tx;
	event.transport.fault = (enum kl_fault)(1 + roll(life, KL_FAULTS_MAX - 1));
	feed(life, &event);
}

static void lose_stream(struct life *life)
{
	const struct kl_action_send *send = pick_send(life);
	struct kl_event event = {.type = KL_EV_STREAM_LOST};

	if (!send || send->route.transport == KL_UDP)
		return;
	event.transport.route = send->route;
	event.transport.fault = roll(life, 2) ? KL_FAULT_STREAM_LOST : KL_FAULT_KEEPALIVE;
	feed(life, &event);
}

/* A request inside a dialog that was made where another was sent to. */
static void lose_dialog(struct life *life)
{
	static const uint16_t statuses[] = {408, 503, 0};
	const struct kl_action_send *send = pick_send(life);
	struct kl_event event = {.type = KL_EV_DIALOG_FAILED};

	if (!send)
		return;
	event.dialog = (struct kl_event_dialog){
		.binding = {.line = send->line, .entry = send->entry, .route = send->route},
		.status = statuses[roll(life, sizeof(statuses) / sizeof(statuses[0]))],
		.fault = (enum kl_fault)(1 + roll(life, KL_FAULTS_MAX - 1)),
		.ms = roll(life, 64000),
	};
	feed(life, &event);
}

static void place_request(struct life *life)
{
	static const enum kl_method methods[] = {KL_INVITE, KL_INVITE, KL_SUBSCRIBE, KL_MESSAGE};

	uint64_t token = ++life->tokens;
	struct kl_event event = {.type = KL_EV_REQUEST, .line = roll(life, LINES)};

	life->line_of[token] = (uint8_t)event.line;
	event.request = (struct kl_event_request){token, methods[roll(life, 4)]};
	if (roll(life, 8) == 0) {
		event.type = KL_EV_SHARED_CALL;
		event.shared_call = (struct kl_event_shared_call){token, roll(life, 2)};
	}
	feed(life, &event);
}

static void cancel_request(struct life *life)
{
	uint64_t token = 1 + roll(life, 1 + (uint32_t)life->tokens);

	feed(life, &(struct kl_event){.type = KL_EV_CANCEL,
				      .line = life->line_of[token],
				      .request = {token, KL_INVITE}});
}

/* Asks for a subscription, gives it up, or hears of it. */
static void change_subscription(struct life *life)
{
	static const enum kl_event_type types[] = {KL_EV_SUBSCRIBE, KL_EV_SUBSCRIBE, KL_EV_NOTIFY,
						   KL_EV_UNSUBSCRIBE};
	struct kl_event event = {.type = types[roll(life, 4)], .line = roll(life, LINES)};
	uint64_t token = SUBSCRIPTIONS_FROM + roll(life, SUBSCRIPTIONS);

	if (event.type == KL_EV_NOTIFY)
		event.notify = (struct kl_event_notify){
			.token = token,
			.state = (enum kl_notified_state)roll(life, KL_NOTIFIED_STATES_MAX),
			.ending = (enum kl_ending)roll(life, KL_ENDINGS_MAX),
			.retry_after_ms = 1000 * roll(life, 100),
			.expires_ms = 1000 * roll(life, 1000)};
	else
		event.subscribe = (struct kl_event_subscribe){token, 60000};
	feed(life, &event);
}

static void change_line(struct life *life)
{
	static const enum kl_event_type types[] = {KL_EV_LINE_START, KL_EV_LINE_START,
						   KL_EV_LINE_STOP,  KL_EV_CALL_BEGAN,
						   KL_EV_CALL_ENDED, KL_EV_CALL_ENDED};

	feed(life, &(struct kl_event){.type = types[roll(life, 6)], .line = roll(life, LINES)});
}

/* This side loses its network, and has it again soon. */
static void change_link(struct life *life)
{
	struct kl_engine_view view;

	kl_get_engine(life->engine, &view);
	if (view.link_down || roll(life, 4) == 0)
		feed(life,
		     &(struct kl_event){.type = view.link_down ? KL_EV_LINK_UP : KL_EV_LINK_DOWN});
}

static void step(struct life *life)
{
	uint32_t die = roll(life, 100);
	kl_ms until;

	if (die < 40)
		wake(life);
	else if (die < 60 && life->question_count)
		answer_question(life);
	else if (die < 80)
		respond(life);
	else if (die < 83)
		lose_route(life);
	else if (die < 85)
		lose_stream(life);
	else if (die < 86)
		lose_dialog(life);
	else if (die < 88)
		change_subscription(life);
	else if (die < 91)
		place_request(life);
	else if (die < 92)
		change_link(life);
	else if (die < 95)
		cancel_request(life);
	else
		change_line(life);
	until = life->now + roll(life, 50);
	while (kl_deadline(life->engine) <= until)
		wake(life);
	life->now = until;
}

static void choose_policy(struct life *life, struct kl_policy *policy)
{
	kl_policy_profile(policy, (enum kl_profile)roll(life, KL_PROFILES));
	policy->reregister_on = roll(life, 2);
	policy->fail_registration_on = roll(life, 2);
	policy->unregister_on_failback = roll(life, 2);
	policy->failback_mode = (uint8_t)roll(life, KL_FAILBACK_MODES);
	policy->failback_mode_shared = (uint8_t)roll(life, KL_FAILBACK_MODES);
	policy->failback_ms = 1000 * roll(life, 100);
	policy->idle_scope = (uint8_t)roll(life, KL_IDLE_SCOPES);
	policy->enhanced = roll(life, 2);
	policy->loss_on_403 = roll(life, 2);
	policy->resubscribe_on_move = roll(life, 2);
	policy->resubscribe_gap_ms = 10 * roll(life, 10);
	policy->line_seize_sends_max = (uint16_t)(3 + roll(life, 8));
	policy->tcp_fast_failover = roll(life, 2);
	policy->tcp_fast_window = (uint8_t)roll(life, KL_FAST_WINDOWS);
	policy->probe_ms = 1000 * roll(life, 2) * roll(life, 300);
	policy->order_by_health = roll(life, 2);
	policy->denial_moves_on = roll(life, 2);
	policy->stays_when_gone = roll(life, 2);
	policy->srv_first = roll(life, 2);
	policy->refresh_max_ms = 1000 * roll(life, 2) * roll(life, 1000);
	policy->keepalive_ms = 1000 * roll(life, 2) * roll(life, 60);
	policy->health_shared = roll(life, 2);
	policy->first_silence = roll(life, 2);
	policy->register_follows = roll(life, 2);
	policy->retry_merged = roll(life, 2);
	policy->flows_max = (uint16_t)(1 + roll(life, 2));
	policy->flow_backoff_base_ms = 1000 * (1 + roll(life, 100));
	policy->flow_backoff_max_ms = 1000 * (1 + roll(life, 300));
	policy->connect_stagger_ms = 100 * roll(life, 5);
	policy->family_order = (uint8_t)roll(life, KL_FAMILY_ORDERS);
	policy->arrivals_max = (uint16_t)(roll(life, 2) * roll(life, 100));
	policy->hold_down_ms = 1000 * roll(life, 100);
}

static void choose_lookups(struct life *life, struct kl_policy *policy)
{
	policy->dns_restore = roll(life, 2);
	policy->dns_stale = roll(life, 2);
	policy->dns_ahead = roll(life, 2);
	policy->dns_lookup_ms = 1000 * roll(life, 2) * roll(life, 1000);
	policy->dns_failure_fails = roll(life, 2);
	policy->static_first = (uint8_t)roll(life, KL_STATIC_FIRSTS);
}

/* A service with one target, its address, and the domain's own. */
static void choose_statics(struct life *life)
{
	static const struct kl_static_record rows[STATICS] = {
		{"_sip._udp.example.test", KL_SRV, {.name = "2.test", .port = 5060}},
		{"2.test", KL_A, {.ip = {[10] = 0xff, 0xff, 192, 0, 2, 2}}},
		{"example.test", KL_A, {.ip = {[10] = 0xff, 0xff, 192, 0, 2, 1}}},
	};

	for (size_t i = 0; i < STATICS; i++) {
		life->statics[i] = rows[i];
		life->statics[i].data.ttl_ms = 1000 * roll(life, 600);
	}
}

static void begin(struct life *life, uint64_t seed)
{
	static const uint8_t choices[] = {KL_CHOOSE_UDP, KL_CHOOSE_TCP, KL_CHOOSE_TLS,
					  KL_CHOOSE_TCP_PREFERRED};
	static const char *const more_names[] = {"3.test", "192.0.2.4"};
	size_t size;

	*life = (struct life){.dice = dice_of(seed)};
	choose_policy(life, &life->policy[0]);
	choose_statics(life);
	for (size_t i = 0; i < 2; i++) {
		life->policy[i] = life->policy[0];
		choose_lookups(life, &life->policy[i]);
		life->entry[i] = (struct kl_entry_config){
			.name = "example.test",
			.transport_choice = choices[roll(life, 4)],
			.registers = roll(life, 8) > 0,
			.more_names = more_names,
			.more_count = (uint8_t)(roll(life, 2) * roll(life, 3)),
			.policy = &life->policy[i]};
	}
	for (uint32_t i = 0; i < LINES; i++)
		life->lines[i] =
			(struct kl_line_config){&life->entry[i > 0], 1, (uint16_t)(i % 2), i + 1};
	life->config = (struct kl_config){.lines = life->lines,
					  .line_count = LINES,
					  .static_records = life->statics,
					  .static_record_count = roll(life, STATICS + 1),
					  .remembered_records = life->statics,
					  .remembered_record_count = roll(life, STATICS + 1),
					  .transports = 1 << KL_UDP | 1 << KL_TCP | 1 << KL_TLS,
					  .families = KL_IPV4};
	kl_limits_default(&life->config);
	size = kl_engine_size(&life->config);
	life->engine = malloc(size);
	assert_non_null(life->engine);
	assert_int_equal(kl_engine_init(life->engine, size, &life->config, seed, 0), KL_OK);
	life->invariants = malloc(sim_invariants_size(&life->config));
	assert_non_null(life->invariants);
	sim_invariants_init(life->invariants, &life->config);
	for (uint32_t i = 0; i < LINES; i++)
		feed(life, &(struct kl_event){.type = KL_EV_LINE_START, .line = i});
}

static void end(struct life *life)
{
	free(life->invariants);
	free(life->engine);
}

/* Nobody answers any more: whatever is open ends by itself, within its longest wait. */
static void fall_silent(struct life *life)
{
	kl_ms end = life->now + 1800000;
	struct kl_event event = {.type = KL_EV_DNS, .dns.status = KL_DNS_SILENT};

	feed(life, &(struct kl_event){.type = KL_EV_LINK_UP});
	do {
		wake(life);
		while (life->question_count) {
			event.dns.query = life->questions[--life->question_count].query;
			feed(life, &event);
		}
	} while (kl_deadline(life->engine) < end);
	assert_int_equal(life->requests, 0);
}

static void test_random_lives(void **state)
{
	static struct life life;

	(void)state;
	for (uint64_t seed = 1; seed <= LIVES; seed++) {
		print_message("life %llu\n", (unsigned long long)seed);
		begin(&life, seed);
		for (size_t i = 0; i < EVENTS; i++)
			step(&life);
		fall_silent(&life);
		end(&life);
	}
}

/* Goes over to an engine of its own with a configuration that is the same, but for its place. */
static void reload(struct life *life, const struct kl_config *config)
{
	size_t size = kl_engine_size(config);
	struct kl_engine *engine = malloc(size);
	struct sim_invariants *invariants = malloc(sim_invariants_size(config));

	assert_non_null(engine);
	assert_non_null(invariants);
	assert_int_equal(kl_engine_init(engine, size, config, life->now, life->now), KL_OK);
	assert_int_equal(kl_engine_adopt(engine, life->engine), LINES);
	assert_int_equal(kl_deadline(engine), kl_deadline(life->engine));
	sim_invariants_init(invariants, config);
	sim_invariants_carry(invariants, life->invariants);
	end(life);
	life->engine = engine;
	life->invariants = invariants;
}

/* A reload that changes nothing leaves no trace, whenever it comes. */
static void test_reloads_leave_no_trace(void **state)
{
	static struct life life, reloaded;
	const struct kl_config *configs[] = {&life.config, &reloaded.config};

	(void)state;
	for (uint64_t seed = 1; seed <= LIVES / 4; seed++) {
		struct dice moments = dice_of(seed);

		begin(&life, seed);
		begin(&reloaded, seed);
		for (size_t i = 0; i < EVENTS; i++) {
			step(&life);
			step(&reloaded);
			assert_int_equal(life.trace, reloaded.trace);
			if (dice_roll(&moments, 1 + (uint32_t)seed % 20) == 0)
				reload(&reloaded, configs[i % 2]);
		}
		assert_int_equal(life.tokens, reloaded.tokens);
		end(&life);
		end(&reloaded);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_random_lives),
		cmocka_unit_test(test_reloads_leave_no_trace),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
