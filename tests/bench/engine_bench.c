/* engine_bench - what one event costs the engine, and what one engine takes of memory.
 *
 * The goals: 500 ns for an event of the mix, with the actions that it brings; 2 KiB for one line
 * with one entry, four routes and 256 bytes of names.
 */
#include <stdint.h>
#include <stdio.h>

#include "tests/bench/clock.h"
#include "tests/engine/device.h"

enum {
	ROUNDS = 20000,
	RUNS = 5, /* the fastest counts: what slows one down is not the engine's */
	GOAL_NS = 500,
	GOAL_BYTES = 2048,
};

/* What is measured: events fed, the time that they took, and the virtual time so far. */
struct run {
	struct device device;
	uint64_t events;
	uint64_t ns;
	kl_ms now;
};

static void wake(struct run *run)
{
	size_t lookups = run->device.lookups;

	run->now = kl_deadline(run->device.engine);
	device_time(&run->device, run->now);
	run->events += 1 + run->device.lookups - lookups;
}

static void respond(struct run *run, uint16_t status)
{
	run->now += 20;
	run->events++;
	device_respond(&run->device, status, run->now);
}

/* Wakes the engine until it has sent something new. */
static void wake_to_send(struct run *run)
{
	size_t sends = run->device.sends;

	while (run->device.sends == sends)
		wake(run);
}

/* The refresh is due, and answered. */
static void refresh(struct run *run)
{
	wake_to_send(run);
	respond(run, 200);
}

/* The refresh finds the first route silent and the second answers; what comes next finds the first
 * again. */
static void fail_over(struct run *run)
{
	wake_to_send(run);
	while (run->device.send.route.ip[15] == 1)
		wake_to_send(run);
	respond(run, 200);
}

/* A call, answered at once, and hung up. */
static void call(struct run *run)
{
	struct kl_event event = {.type = KL_EV_REQUEST, .request = {run->events, KL_INVITE}};

	run->events += 2;
	device_feed(&run->device, &event, run->now);
	respond(run, 200);
	event.type = KL_EV_CALL_ENDED;
	device_feed(&run->device, &event, run->now);
}

/* An answer that comes after its transaction has ended. */
static void late_answer(struct run *run)
{
	respond(run, 200);
}

/* The records run out, are asked for, and come again unchanged. */
static void look_up(struct run *run)
{
	size_t lookups = run->device.lookups;

	while (run->device.lookups == lookups) {
		size_t sends = run->device.sends;

		wake(run);
		if (run->device.sends != sends)
			respond(run, 200);
	}
}

static void begin(struct run *run, uint32_t targets, kl_ms ttl_ms)
{
	*run = (struct run){.now = 1000};
	device_init(&run->device, KL_PROFILE_POLY);
	run->device.target_count = targets;
	for (uint16_t i = 0; i < targets; i++)
		run->device.targets[i].priority = i;
	run->device.ttl_ms = ttl_ms;
	run->device.config.limits.set_routes = targets;
	run->device.config.limits.routes = targets;
	run->device.config.limits.records = 2 * targets;
	run->device.config.limits.queries = targets + 2;
	run->device.config.limits.name_bytes = 256;
	run->device.config.limits.walks = 2;
	run->device.config.limits.subscriptions = 0;
	device_begin(&run->device, 1, run->now);
	device_start_line(&run->device, run->now);
	respond(run, 200);
}

static void measure(const char *name, uint32_t targets, kl_ms ttl_ms, void (*step)(struct run *run))
{
	struct run run;
	uint64_t start, ns;

	begin(&run, targets, ttl_ms);
	run.ns = UINT64_MAX;
	for (uint32_t round = 0; round < RUNS; round++) {
		run.events = 0;
		start = clock_ns();
		for (uint32_t i = 0; i < ROUNDS; i++)
			step(&run);
		ns = clock_ns() - start;
		run.ns = ns < run.ns ? ns : run.ns;
	}
	printf("  %-44s %6.0f ns an event (%llu events)\n", name,
	       (double)run.ns / (double)run.events, (unsigned long long)run.events);
	device_free(&run.device);
}

/* Everything in one life. */
static void mix(struct run *run)
{
	refresh(run);
	fail_over(run);
	look_up(run);
	late_answer(run);
}

/* Health, probes and doubts of our own profile have nodes and memories of each route. */
static void print_size(const char *name, uint32_t targets, enum kl_profile profile)
{
	struct run run;

	begin(&run, targets, KL_NEVER);
	kl_policy_profile(&run.device.policy, profile);
	printf("  %-44s %6zu bytes\n", name, kl_engine_size(&run.device.config));
	device_free(&run.device);
}

int main(void)
{
	const kl_ms day_ms = 24 * 3600 * 1000, hour_ms = 3600 * 1000, minute_ms = 60 * 1000;

	printf("one line, one entry; goals %d ns and %d bytes\n", GOAL_NS, GOAL_BYTES);
	print_size("an engine, two routes, 256 bytes of names", 2, KL_PROFILE_POLY);
	print_size("an engine, four routes, 256 bytes of names", 4, KL_PROFILE_POLY);
	print_size("... by the rules of keepline", 4, KL_PROFILE_KEEPLINE);
	measure("refresh and its answer", 2, day_ms, refresh);
	measure("a call, answered and hung up", 2, day_ms, call);
	measure("a refresh that fails over", 2, day_ms, fail_over);
	measure("a late answer, ignored", 2, day_ms, late_answer);
	measure("records that run out and come again", 2, minute_ms, look_up);
	measure("the mix: refresh, failover, lookup, late", 2, hour_ms, mix);
	measure("the mix, four routes", 4, hour_ms, mix);
	return 0;
}
