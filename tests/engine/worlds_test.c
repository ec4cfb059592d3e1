/* Small worlds, exhaustively: one line, two or three routes; every way to lose the first messages,
 * every order of a few events, and a late answer after each (TIME-9).  After each event hold the
 * rules of sim/invariants.h.
 *
 * And when all servers answer again, the line is registered on its best route, with nothing open,
 * within a time that its configuration gives.  FAIL-2..5, FAIL-9..13, FAIL-16, BACK-6, DNS-11. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "sim/invariants.h"
#include "tests/engine/device.h"

enum {
	DEPTH = 6,              /* events of one life */
	MESSAGES = 12,          /* each of them lost or not */
	OPEN_MAX = 4,           /* transactions: a REGISTER, a call */
	MAIL_MAX = 8,           /* answers on their way */
	BLOCK_MAX = 8192,       /* bytes of the engine ... */
	INVARIANTS_MAX = 32768, /* ... and of what judges it */
	DELAY_MS = 10,
	TTL_MS = 25000,
};

enum happening { ANSWER, TIME_OUT, ICMP, DNS_CHANGE, CALL_TURN, DUE, LINE_TURN, HAPPENINGS };

static const char *const happening_names[] = {"answer",    "time-out", "ICMP",     "DNS change",
					      "call turn", "due",      "line turn"};

struct mail {
	kl_ms at;
	struct kl_event_response response;
};

/* Everything but the blocks of the engine and of the invariants. */
struct world {
	struct device device;
	kl_ms now;
	struct kl_action_send open[OPEN_MAX];
	size_t open_count;
	kl_tx over;    /* a transaction that has ended; 0: none yet */
	bool answers;  /* the servers do, but for messages that are lost */
	uint32_t lost; /* of the first messages, one bit each */
	uint32_t messages;
	struct mail mail[MAIL_MAX];
	size_t mail_count;
	uint64_t token; /* of the call being placed; 0: none */
	uint64_t tokens;
	uint32_t calls;
	bool started, renamed;
	uint8_t names; /* which of its answers the DNS gives */
	enum happening trail[DEPTH];
	size_t trail_count;
};

struct snapshot {
	struct world world;
	char block[BLOCK_MAX], invariants[INVARIANTS_MAX];
};

static struct world world; /* the device's watcher knows it by address */
static _Alignas(max_align_t) char invariants_block[INVARIANTS_MAX];
static struct sim_invariants *const invariants = (struct sim_invariants *)invariants_block;

static void expect(const char *broken)
{
	const struct kl_policy *policy = &world.device.policy;
	if (!broken)
		return;
	print_error("reregister_on %d failback_mode %d/%d fail_registration_on %d "
		    "unregister_on_failback %d, %u routes, lost %#x:",
		    policy->reregister_on, policy->failback_mode, policy->failback_mode_shared,
		    policy->fail_registration_on, policy->unregister_on_failback,
		    world.device.target_count, world.lost);
	for (size_t i = 0; i < world.trail_count; i++)
		print_error(" %s,", happening_names[world.trail[i]]);
	print_error("\n");
	fail_msg("broken at %llu: %s", (unsigned long long)world.now, broken);
}

/* ---- the world around the engine ---- */

static bool message_is_lost(void)
{
	uint32_t number = world.messages++;
	return number < MESSAGES && world.lost >> number & 1;
}

static void forget_open(kl_tx tx)
{
	for (size_t i = 0; i < world.open_count; i++)
		if (world.open[i].tx == tx) {
			world.over = tx;
			world.open[i] = world.open[--world.open_count];
		}
}

static struct kl_event_response acceptance(const struct kl_action_send *send)
{
	return (struct kl_event_response){
		.tx = send->tx, .status = 200, .granted_ms = send->expires_ms};
}

static void see_send(const struct kl_action_send *send)
{
	if (send->attempt == 1) {
		assert_true(world.open_count < OPEN_MAX);
		world.open[world.open_count] = *send;
		world.open[world.open_count++].name = NULL;
	}
	if (!world.answers || message_is_lost() || message_is_lost())
		return;
	assert_true(world.mail_count < MAIL_MAX);
	world.mail[world.mail_count++] = (struct mail){world.now + DELAY_MS, acceptance(send)};
}

static void fed(void *context, const struct kl_event *event, int result, kl_ms now)
{
	(void)context;
	sim_invariants_fed(invariants, event, result, now);
}

static void watch(void *context, const struct kl_action *action)
{
	(void)context;
	sim_invariants_action(invariants, world.device.engine, action);
	switch (action->type) {
	case KL_DO_SEND:
		see_send(&action->send);
		break;
	case KL_DO_ABANDON:
		forget_open(action->abandon.tx);
		break;
	case KL_DO_OUTCOME:
		world.calls += action->outcome.status < 300;
		world.token = 0;
		break;
	case KL_DO_REPORT:
	case KL_DO_QUERY:
	case KL_DO_CLOSE:
	case KL_DO_KEEPALIVE:
	case KL_DO_SUBSCRIPTION:
		break;
	}
}

static struct kl_entry_view view_now(void)
{
	struct kl_entry_view view;
	assert_int_equal(kl_get_entry(world.device.engine, 0, 0, &view), KL_OK);
	return view;
}

/* Feeds, and judges what comes of it. */
static int feed_judged(const struct kl_event *event)
{
	int result = device_feed(&world.device, event, world.now);

	expect(sim_invariants_settled(invariants, world.device.engine));
	return result;
}

static void feed(const struct kl_event *event)
{
	assert_int_equal(feed_judged(event), KL_OK);
	if (kl_deadline(world.device.engine) == world.now)
		feed_judged(&(struct kl_event){.type = KL_EV_TIME});
}

/* An answer to what is over: not a 2xx, for that may be adopted.  TIME-9 */
static void answer_late(void)
{
	const struct kl_event event = {.type = KL_EV_RESPONSE,
				       .response = {.tx = world.over, .status = 486}};

	if (world.over)
		assert_int_equal(feed_judged(&event), KL_IGNORED);
}

static void turn(enum kl_event_type type)
{
	feed(&(struct kl_event){.type = type, .request = {world.token, KL_INVITE}});
}

static void wake_at(kl_ms at)
{
	world.now = at;
	turn(KL_EV_TIME);
}

static void answer(const struct kl_event_response *response)
{
	struct kl_event event = {.type = KL_EV_RESPONSE, .response = *response};
	bool open = false;
	for (size_t i = 0; i < world.open_count; i++)
		open |= world.open[i].tx == response->tx;
	forget_open(response->tx);
	if (open)
		feed(&event);
	else
		feed_judged(&event);
}

static void begin(const struct kl_policy *policy, uint32_t routes)
{
	struct device *device = &world.device;
	world = (struct world){.started = true};
	device_init(device, KL_PROFILE_POLY);
	device->policy = *policy;
	device->target_count = routes;
	for (uint32_t i = 0; i < routes; i++)
		device->targets[i] = (struct device_target){(uint16_t)(10 * i), 1};
	device->ttl_ms = TTL_MS;
	device->config.limits = (struct kl_limits){.sets = 1,
						   .routes = 8,
						   .set_routes = 4,
						   .queries = 12,
						   .records = 16,
						   .name_bytes = 512,
						   .walks = 4};
	device->watch = watch;
	device->fed = fed;
	device_begin(device, 1, 0);
	assert_true(device->size <= BLOCK_MAX);
	assert_true(sim_invariants_size(&device->config) <= INVARIANTS_MAX);
	sim_invariants_init(invariants, &device->config);
}

/* ---- what can happen ---- */

/* The DNS turns the order round, then loses the first route, then is as before. */
static void change_names(uint8_t names)
{
	struct device_target *targets = world.device.targets;
	world.names = names;
	targets[0].priority = names == 0 ? 0 : 30;
	for (uint32_t i = 1; i < world.device.target_count; i++)
		targets[i].priority = (uint16_t)(10 * i);
	world.renamed = true;
}

static kl_ms next_due(void)
{
	struct kl_entry_view view = view_now();
	kl_ms due = view.refresh_at < view.failback_at ? view.refresh_at : view.failback_at;
	return due < view.retry_at ? due : view.retry_at;
}

static bool possible(enum happening what)
{
	kl_ms due = next_due();
	switch (what) {
	case ANSWER:
	case TIME_OUT:
	case ICMP:
		return world.open_count > 0;
	case DNS_CHANGE:
		return world.trail_count == 0 || world.trail[world.trail_count - 1] != DNS_CHANGE;
	case CALL_TURN:
		return world.started;
	case DUE:
		return world.open_count == 0 && due != KL_NEVER && due > world.now;
	case LINE_TURN:
		return true;
	case HAPPENINGS:
		break;
	}
	return false;
}

static void turn_call(void)
{
	if (world.calls > 0) {
		world.calls--;
		turn(KL_EV_CALL_ENDED);
	} else if (world.token) {
		turn(KL_EV_CANCEL);
	} else {
		world.token = ++world.tokens;
		turn(KL_EV_REQUEST);
	}
}

static void turn_line(void)
{
	world.started = !world.started;
	turn(world.started ? KL_EV_LINE_START : KL_EV_LINE_STOP);
}

static void lose_route(void)
{
	const struct kl_action_send *send = &world.open[world.open_count - 1];
	struct kl_event event = {.type = KL_EV_TRANSPORT};
	event.transport.route = send->route;
	event.transport.fault = KL_FAULT_PORT;
	event.transport.tx = send->tx;
	feed(&event);
}

/* Silence, until a transaction is left. */
static void time_out(void)
{
	kl_tx waited = world.open[0].tx;
	while (world.open_count > 0 && world.open[0].tx == waited)
		wake_at(kl_deadline(world.device.engine));
}

static void happen(enum happening what)
{
	kl_ms due = next_due();
	world.trail[world.trail_count++] = what;
	switch (what) {
	case ANSWER: {
		struct kl_event_response response = acceptance(&world.open[world.open_count - 1]);
		answer(&response);
		break;
	}
	case TIME_OUT:
		time_out();
		break;
	case ICMP:
		lose_route();
		break;
	case DNS_CHANGE:
		change_names(world.names == 0);
		break;
	case CALL_TURN:
		turn_call();
		break;
	case DUE:
		while (world.now < due)
			wake_at(kl_deadline(world.device.engine));
		break;
	case LINE_TURN:
		turn_line();
		break;
	case HAPPENINGS:
		break;
	}
	answer_late();
}

/* ---- everything is well again ---- */

static bool is_well(void)
{
	struct kl_entry_view view = view_now();
	struct kl_engine_view engine;
	struct kl_route_view route;
	kl_get_engine(world.device.engine, &engine);
	if (view.state != KL_REGISTERED || view.in_failover || view.failback_held ||
	    engine.walks > 0 || engine.calls > 0 || world.open_count > 0 || world.mail_count > 0)
		return false;
	assert_int_equal(kl_get_route(world.device.engine, 0, 0, (uint32_t)view.current, &route),
			 KL_OK);
	/* DNS-10: where the order was changed, the line may stick to the route that it has. */
	return route.listed && (world.renamed || route.route.ip[15] == 1);
}

/* One step of time: the first answer on its way, or what the engine waits for. */
static void step(void)
{
	kl_ms deadline = kl_deadline(world.device.engine);
	struct mail mail = world.mail[0];
	if (world.mail_count == 0 || deadline < mail.at) {
		wake_at(deadline);
		return;
	}
	memmove(world.mail, world.mail + 1, --world.mail_count * sizeof(mail));
	world.now = mail.at;
	answer(&mail.response);
}

static kl_ms next_step(void)
{
	kl_ms deadline = kl_deadline(world.device.engine);
	return world.mail_count && world.mail[0].at < deadline ? world.mail[0].at : deadline;
}

static void run_until(kl_ms end)
{
	while (next_step() <= end)
		step();
	world.now = end;
}

/* A back-off, a grant that runs its length, a failback's time, the names' time, two walks. */
static kl_ms recovery_ms(void)
{
	const struct kl_policy *policy = &world.device.policy;
	return policy->backoff_max_ms + policy->expires_ms + policy->failback_ms + TTL_MS +
	       2 * 64 * (kl_ms)policy->t1_ms;
}

static void recover(void)
{
	kl_ms end = world.now + recovery_ms();
	world.answers = true;
	world.lost = 0;
	if (world.names != 0)
		change_names(0);
	if (!world.started)
		turn_line();
	while (!is_well()) {
		if (world.calls > 0)
			turn_call();
		else if (next_step() > end)
			expect("when all servers answer, the line recovers");
		else
			step();
	}
}

/* ---- all of them ---- */

static void keep(struct snapshot *snapshot)
{
	snapshot->world = world;
	memcpy(snapshot->block, world.device.engine, world.device.size);
	memcpy(snapshot->invariants, invariants, sim_invariants_size(&world.device.config));
}

static void restore(const struct snapshot *snapshot)
{
	world = snapshot->world;
	memcpy(world.device.engine, snapshot->block, world.device.size);
	memcpy(invariants, snapshot->invariants, sim_invariants_size(&world.device.config));
}

/* Every order of what is possible, LEFT events deep; then everything is well again. */
static void play_all(size_t left)
{
	static struct snapshot snapshots[DEPTH + 1];
	struct snapshot *here = &snapshots[left];
	if (left == 0) {
		recover();
		return;
	}
	keep(here);
	for (enum happening what = ANSWER; what < HAPPENINGS; what++) {
		if (possible(what)) {
			happen(what);
			play_all(left - 1);
			restore(here);
		}
	}
}

/* All modes but KL_FAILBACK_PROBED, which is nothing without probes. */
enum { VARIATIONS = 2 * 2 * 2 * KL_FAILBACK_PROBED };

/* One way to set what failover and failback depend on.  False: it is as another one, for without
 * re-registration the last two do not count (FAIL-16). */
static bool vary(uint32_t variation, struct kl_policy *policy)
{
	kl_policy_profile(policy, KL_PROFILE_POLY);
	policy->reregister_on = variation & 1;
	policy->fail_registration_on = variation >> 1 & 1;
	policy->unregister_on_failback = variation >> 2 & 1;
	policy->failback_mode = policy->failback_mode_shared = (uint8_t)(variation >> 3);
	policy->failback_ms = 60000;
	policy->expires_ms = 100000;
	policy->expires_overlap_ms = 20000;
	return policy->reregister_on ||
	       !(policy->fail_registration_on || policy->unregister_on_failback);
}

static void play_orders(uint32_t routes, size_t depth)
{
	struct kl_policy policy;
	for (uint32_t variation = 0; variation < VARIATIONS; variation++) {
		if (!vary(variation, &policy))
			continue;
		begin(&policy, routes);
		turn(KL_EV_LINE_START);
		play_all(depth);
		device_free(&world.device);
	}
}

static void test_orders_of_events_over_two_routes(void **state)
{
	(void)state;
	play_orders(2, DEPTH);
}

/* One event less: there is more to happen in each. */
static void test_orders_of_events_over_three_routes(void **state)
{
	(void)state;
	play_orders(3, DEPTH - 1);
}

/* A line that starts and has a call; every way to lose some of the first messages. */
static void play_losses(const struct kl_policy *policy, uint32_t routes)
{
	for (uint32_t lost = 0; lost < 1u << MESSAGES; lost++) {
		begin(policy, routes);
		world.answers = true;
		world.lost = lost;
		turn(KL_EV_LINE_START);
		run_until(2000);
		turn_call();
		run_until(40000);
		if (world.calls > 0 || world.token)
			turn_call();
		recover();
		device_free(&world.device);
	}
}

static void test_lost_messages(void **state)
{
	struct kl_policy policy;
	(void)state;
	for (uint32_t variation = 0; variation < VARIATIONS; variation++) {
		if (!vary(variation, &policy))
			continue;
		play_losses(&policy, 2 + variation % 2);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lost_messages),
		cmocka_unit_test(test_orders_of_events_over_two_routes),
		cmocka_unit_test(test_orders_of_events_over_three_routes),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
