/* The engine against a table program: random configurations, and each send at its millisecond.
 * TIME-1..4, TIME-7 (part), TIME-8, TIME-10, TIME-11, FAIL-1, FAIL-2, FAIL-14, TRIG-1, TRIG-2,
 * TRIG-8, BACK-1, BACK-3, BACK-4. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "tests/engine/device.h"
#include "tests/engine/dice.h"
#include "tests/engine/oracle.h"

enum {
	CONFIGURATIONS = 10000,
	EXPIRES_MS = 40000000,   /* longer than any walk */
	CALL_AFTER_MS = 1000000, /* within which a call is placed */
};

/* One engine that lives through a plan. */
struct run {
	struct oracle_plan *plan;
	struct device device;
	uint32_t target[ORACLE_ROUTES_MAX + 1]; /* route behind each of the device's targets */
	struct oracle_line line;
	kl_ms now, base;
	uint32_t call_id, cseq; /* of the last REGISTER before the walk */
	bool watching, call_ended;
};

static uint32_t route_of(const struct run *run, const struct kl_route *route)
{
	assert_in_range(route->ip[15], 1, run->plan->routes);
	return run->target[route->ip[15]];
}

static void mark(struct run *run, struct oracle_mark what)
{
	what.at = run->now - run->base;
	if (run->watching)
		oracle_mark(&run->line, what);
}

static uint32_t number_of(const struct run *run, const struct kl_action_send *send)
{
	bool same = send->method == KL_REGISTER && send->call_id == run->call_id;
	return same ? send->cseq - run->cseq : send->cseq;
}

static void watch(void *context, const struct kl_action *action)
{
	struct run *run = context;
	const struct kl_action_send *send = &action->send;
	switch (action->type) {
	case KL_DO_SEND:
		mark(run, (struct oracle_mark){.kind = ORACLE_SENT,
					       .method = send->method,
					       .route = route_of(run, &send->route),
					       .attempt = send->attempt,
					       .number = number_of(run, send)});
		break;
	case KL_DO_ABANDON:
		assert_int_equal(action->abandon.tx, run->device.send.tx);
		mark(run, (struct oracle_mark){.kind = ORACLE_LEFT,
					       .method = action->abandon.method,
					       .route = route_of(run, &run->device.send.route)});
		break;
	case KL_DO_OUTCOME:
		run->call_ended = true;
		mark(run,
		     (struct oracle_mark){.kind = ORACLE_ENDED, .status = action->outcome.status});
		break;
	case KL_DO_REPORT:
		if (action->report.type != KL_REPORT_STATE)
			break;
		if (action->report.to == KL_REGISTERED)
			mark(run,
			     (struct oracle_mark){.kind = ORACLE_REGISTERED,
						  .route = route_of(run, &action->report.route)});
		else if (action->report.to == KL_BACKING_OFF)
			mark(run, (struct oracle_mark){.kind = ORACLE_BACKED_OFF});
		break;
	case KL_DO_QUERY:
	case KL_DO_CLOSE:
	case KL_DO_KEEPALIVE:
	case KL_DO_SUBSCRIPTION:
		break;
	}
}

/* The walking order is a random one of the targets. */
static void begin(struct run *run, struct oracle_plan *plan, struct dice *dice)
{
	struct device *device = &run->device;
	*run = (struct run){.plan = plan};
	device_init(device, KL_PROFILE_POLY);
	device->policy = plan->policy;
	device->entry.registers = plan->kind != ORACLE_GUEST;
	device->target_count = plan->routes;
	for (uint8_t route = 0; route < plan->routes; route++) {
		uint32_t target = dice_roll(dice, plan->routes);
		while (device->targets[target].weight)
			target = (target + 1) % plan->routes;
		device->targets[target] = (struct device_target){(uint16_t)(10 * route), 1};
		run->target[target + 1] = route;
	}
	device->watch = watch;
	device->context = run;
	device_begin(device, dice_roll(dice, UINT32_MAX), 0);
}

static int lose_route(struct run *run)
{
	struct kl_event event = {.type = KL_EV_TRANSPORT};
	event.transport.route = run->device.send.route;
	event.transport.tx = run->device.send.tx;
	event.transport.fault = KL_FAULT_PORT;
	return device_feed(&run->device, &event, run->now);
}

static struct kl_entry_view view_of(const struct run *run)
{
	struct kl_entry_view view;
	assert_int_equal(kl_get_entry(run->device.engine, 0, 0, &view), KL_OK);
	return view;
}

/* Up to the first send of the walk. */
static void start(struct run *run, struct dice *dice)
{
	const struct oracle_plan *plan = run->plan;
	struct device *device = &run->device;
	run->watching = plan->kind == ORACLE_REGISTER;
	assert_int_equal(device_start_line(device, 0), KL_OK);
	if (plan->kind == ORACLE_REFRESH || plan->kind == ORACLE_CALL) {
		for (uint8_t i = 0; i < plan->current; i++)
			lose_route(run);
		device_respond(device, 200, 0);
		assert_int_equal(view_of(run).state, KL_REGISTERED);
	}
	run->call_id = device->send.call_id;
	run->cseq = plan->kind == ORACLE_REGISTER ? 0 : device->send.cseq;
	run->watching = true;
	if (plan->kind == ORACLE_REFRESH) {
		run->now = run->base = view_of(run).refresh_at;
		device_time(device, run->now);
	} else if (plan->kind != ORACLE_REGISTER) {
		run->now = run->base = dice_roll(dice, CALL_AFTER_MS);
		device_feed(device,
			    &(struct kl_event){.type = KL_EV_REQUEST, .request = {1, KL_INVITE}},
			    run->now);
	}
}

static void answer(struct run *run, const struct oracle_answer *answer)
{
	struct kl_event event = {.type = KL_EV_RESPONSE};
	event.response.tx = run->device.send.tx;
	event.response.status = answer->status;
	event.response.granted_ms = run->device.send.expires_ms;
	event.response.retry_after_ms = answer->retry_after_ms;
	if (answer->status == 0)
		assert_int_equal(lose_route(run), KL_OK);
	else
		assert_int_equal(device_feed(&run->device, &event, run->now), KL_OK);
}

static bool is_over(const struct run *run)
{
	enum kl_state state = view_of(run).state;
	bool calls = run->plan->kind == ORACLE_CALL || run->plan->kind == ORACLE_GUEST;
	return (state == KL_REGISTERED || state == KL_BACKING_OFF || state == KL_OFF) &&
	       (!calls || run->call_ended);
}

static void tick(struct run *run)
{
	kl_ms deadline = kl_deadline(run->device.engine);
	assert_true(deadline > run->now && deadline != KL_NEVER);
	run->now = deadline;
	device_time(&run->device, deadline);
}

/* From the first send to the end. */
static void walk(struct run *run)
{
	for (uint32_t i = 0; !is_over(run);) {
		const struct oracle_answer *next = &run->plan->answers[i];
		if (i < run->plan->answer_count &&
		    run->base + next->at < kl_deadline(run->device.engine)) {
			run->now = run->base + next->at;
			answer(run, next);
			i++;
		} else {
			tick(run);
		}
	}
}

/* The walk behind a back-off. */
static void retry(struct run *run)
{
	run->plan->waited_ms = view_of(run).retry_at - run->now;
	do
		tick(run);
	while (!is_over(run));
}

/* BACK-1: the first back-off; BACK-3: a Retry-After of the last route takes its place. */
static void check_wait(const struct run *run)
{
	const struct oracle_plan *plan = run->plan;
	const struct kl_policy *policy = &plan->policy;
	kl_ms most = policy->backoff_base_ms < policy->backoff_max_ms ? policy->backoff_base_ms
								      : policy->backoff_max_ms;
	for (uint32_t i = 0; i < plan->answer_count; i++)
		if (plan->answers[i].retry_after_ms &&
		    plan->waited_ms == plan->answers[i].retry_after_ms)
			return;
	assert_in_range(plan->waited_ms, most / 2, most);
}

static void draw_policy(struct kl_policy *policy, struct dice *dice)
{
	kl_policy_profile(policy, (enum kl_profile)dice_roll(dice, KL_PROFILES));
	policy->attempts_max = (uint16_t)dice_between(dice, 1, 8);
	policy->invite_attempts_max = (uint16_t)dice_between(dice, 1, 8);
	policy->retry_gap_ms = dice_roll(dice, 2) ? dice_between(dice, 1, 20000) : 0;
	policy->t1_ms = dice_roll(dice, 2) ? dice_between(dice, 100, 2000) : 500;
	policy->t2_ms = dice_roll(dice, 2) ? dice_between(dice, 2000, 9000) : 4000;
	policy->invite_gaps_capped = dice_roll(dice, 2);
	policy->last_route = (uint8_t)dice_roll(dice, KL_LAST_ROUTES);
	policy->walk_bounded = dice_roll(dice, 2);
	policy->reregister_on = dice_roll(dice, 2);
	policy->fail_registration_on = dice_roll(dice, 2);
	policy->only_signal_with_registered = dice_roll(dice, 2);
	policy->failover_on_503 = dice_roll(dice, 4) > 0;
	policy->auth_at_challenger = dice_roll(dice, 2);
	policy->new_call_id_on_loss = dice_roll(dice, 2);
	policy->failback_mode = KL_FAILBACK_DURATION;
	policy->failback_mode_shared =
		dice_roll(dice, 2) ? KL_FAILBACK_NEW_REQUESTS : KL_FAILBACK_DURATION;
	policy->failback_ms = 0; /* never by itself */
	policy->expires_ms = EXPIRES_MS;
	policy->record_routes_max = ORACLE_ROUTES_MAX;
	policy->probe_ms = policy->refresh_max_ms = 0; /* the table knows of no probes */
	policy->order_by_health = policy->denial_moves_on = policy->first_silence = false;
	policy->register_follows = policy->retry_merged = false;
	policy->family_order = KL_FAMILY_AS_GIVEN;
	policy->connect_stagger_ms = 0;
	policy->backoff_fixed_ms = 0;
	policy->backoff_base_ms = dice_between(dice, 10000, 120000);
	policy->backoff_max_ms = dice_between(dice, 60000, 1800000);
}

static void draw_plan(struct oracle_plan *plan, struct dice *dice)
{
	*plan = (struct oracle_plan){.kind = (enum oracle_kind)dice_roll(dice, 4)};
	plan->routes = (uint8_t)dice_between(dice, 1, ORACLE_ROUTES_MAX);
	if (plan->kind == ORACLE_REFRESH || plan->kind == ORACLE_CALL)
		plan->current = (uint8_t)dice_roll(dice, plan->routes);
	draw_policy(&plan->policy, dice);
}

/* Answers at random times, early ones more often. */
static void draw_answers(struct oracle_plan *plan, struct dice *dice)
{
	static const uint16_t of_register[] = {0, 100, 200, 403, 503, 503, 401};
	static const uint16_t of_call[] = {0, 100, 180, 200, 486, 503, 401};
	bool call = plan->kind == ORACLE_CALL || plan->kind == ORACLE_GUEST;
	/* A call's REGISTER that is challenged has a clock that the call has not. */
	uint32_t kinds = plan->kind == ORACLE_CALL && plan->policy.reregister_on ? 6 : 7;
	kl_ms at = 0;
	/* In no profile is the last route left before its own 64*T1 but by the walk's. */
	plan->policy.walk_bounded |= plan->policy.last_route == KL_LAST_REST;
	plan->answer_count = (uint8_t)dice_between(dice, 1, ORACLE_ANSWERS_MAX);
	for (uint32_t i = 0; i < plan->answer_count; i++) {
		struct oracle_answer *answer = &plan->answers[i];
		at += dice_roll(dice, dice_roll(dice, 2) ? 5000 : 60000);
		answer->at = at;
		answer->status = (call ? of_call : of_register)[dice_roll(dice, kinds)];
		if (answer->status == 503 && dice_roll(dice, 2))
			answer->retry_after_ms = 1000 * dice_between(dice, 1, 1800);
	}
}

static void compare(uint64_t seed, struct oracle_plan *plan, struct dice *dice)
{
	static struct run run;
	static struct oracle_line predicted;
	begin(&run, plan, dice);
	start(&run, dice);
	walk(&run);
	if (view_of(&run).state == KL_BACKING_OFF) {
		retry(&run);
		check_wait(&run);
	}
	oracle_predict(plan, &predicted);
	if (!oracle_agree(&predicted, &run.line)) {
		fprintf(stderr, "seed %llu: ", (unsigned long long)seed);
		oracle_print_plan(stderr, plan);
		fprintf(stderr, "predicted\n");
		oracle_print_line(stderr, &predicted);
		fprintf(stderr, "happened\n");
		oracle_print_line(stderr, &run.line);
		fail_msg("the engine and the table disagree");
	}
	device_free(&run.device);
}

static void test_silent_routes(void **state)
{
	struct oracle_plan plan;
	(void)state;
	for (uint64_t seed = 1; seed <= CONFIGURATIONS; seed++) {
		struct dice dice = dice_of(seed);
		draw_plan(&plan, &dice);
		compare(seed, &plan, &dice);
	}
}

static void test_answers_in_the_walk(void **state)
{
	struct oracle_plan plan;
	(void)state;
	for (uint64_t seed = 1; seed <= CONFIGURATIONS; seed++) {
		struct dice dice = dice_of(~seed);
		draw_plan(&plan, &dice);
		draw_answers(&plan, &dice);
		compare(seed, &plan, &dice);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_silent_routes),
		cmocka_unit_test(test_answers_in_the_walk),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
