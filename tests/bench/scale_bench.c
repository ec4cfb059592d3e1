/* scale_bench - what an event costs where memory is cold, and where lines are many.
 *
 * The goals: an event in an engine of 10,000 lines costs less than three times what it costs in an
 * engine of one; a line of 10,000 on one route set takes about 300 bytes. */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/bench/clock.h"
#include "tests/engine/device.h"
#include "tests/engine/dice.h"

enum {
	ENGINES = 1 << 20,
	CACHE_LINE = 64,
	ROUTES = 4,
	STEPS = 100000, /* over all lines of one engine */
	RUNS = 5,       /* the fastest counts: what slows one down is not the engine's */
	LINES_MAX = 10000,
};

static const kl_ms hour_ms = 3600 * 1000;

/* A line of four routes with a registration on the first of them at 20. */
static void prepare(struct device *device, uint32_t lines)
{
	device_init(device, KL_PROFILE_POLY);
	device->policy.reregister_on = true;
	device->target_count = ROUTES;
	for (uint16_t i = 0; i < ROUTES; i++)
		device->targets[i].priority = i;
	device_set_lines(device, lines);
	device->config.limits.set_routes = ROUTES;
	device->config.limits.routes = ROUTES;
	device->config.limits.records = 2 * ROUTES;
	device->config.limits.queries = ROUTES + 2;
	device->config.limits.name_bytes = 256;
	device->config.limits.walks = lines + 1;
	device->config.limits.subscriptions = 0;
}

/* ---- a million engines, none of them in the cache ---- */

static void time_due(struct device *device, kl_ms now)
{
	device_time(device, now);
}

static void answer(struct device *device, kl_ms now)
{
	device_respond(device, 200, now);
}

/* A life that all engines lead at the same times, one event of each after the other. */
static const struct pass {
	const char *name;
	void (*event)(struct device *device, kl_ms now);
	kl_ms at;
	uint32_t answers; /* of the DNS, which come in the same breath */
} passes[] = {
	{"a refresh is sent", time_due, 3540020, 0},
	{"it is answered", answer, 3540040, 0},
	{"the answer comes once more, and is ignored", answer, 3540060, 0},
	{"the next refresh is sent", time_due, 7080040, 0},
	{"sent again", time_due, 7080540, 0},
	{"sent again", time_due, 7081540, 0},
	{"the walk fails over", time_due, 7083540, 0},
	{"answered by the second route", answer, 7083560, 0},
	{"the way back begins", time_due, 10683560, 0},
	{"answered by the first route", answer, 10683580, 0},
	{"all names run out, and are found again", time_due, 86400000, ROUTES + 1},
};

enum { PASSES = sizeof(passes) / sizeof(passes[0]) };

/* Runs one pass over COUNT engines in a random order (a full period); gives ns an event. */
static double run_pass(struct device *device, char *blocks, uint32_t count, const struct pass *pass)
{
	size_t stride = (device->size + CACHE_LINE - 1) & ~(size_t)(CACHE_LINE - 1);
	struct kl_action_send send = device->send;
	uint32_t place = 0;
	uint64_t start = clock_ns();

	for (uint32_t i = 0; i < count; i++) {
		device->engine = (struct kl_engine *)(void *)(blocks + place * stride);
		device->send = send; /* all have sent the same */
		pass->event(device, pass->at);
		place = (place * 1664525u + 1013904223u) % count;
	}
	return (double)(clock_ns() - start) / count / (1 + pass->answers);
}

static char *make_engines(struct device *device, uint32_t count)
{
	size_t stride = (device->size + CACHE_LINE - 1) & ~(size_t)(CACHE_LINE - 1);
	char *blocks = aligned_alloc(CACHE_LINE, count * stride);

	for (uint32_t i = 0; blocks && i < count; i++)
		memcpy(blocks + i * stride, device->engine, device->size);
	return blocks;
}

/* The passes over one engine, again and again from the same copy: all of it in the cache. */
static void run_hot(struct device *device, double ns[PASSES])
{
	enum { ROUNDS = 20000 };
	struct kl_action_send send = device->send;
	struct kl_engine *first = device->engine;
	char *block = make_engines(device, 1);

	for (uint32_t round = 0; block && round < ROUNDS; round++) {
		memcpy(block, first, device->size);
		device->send = send;
		for (size_t i = 0; i < PASSES; i++)
			ns[i] += run_pass(device, block, 1, &passes[i]) / ROUNDS;
	}
	free(block);
	device->engine = first;
	device->send = send;
}

static void measure_engines(void)
{
	double hot[PASSES] = {0}, cold, hot_sum = 0, cold_sum = 0, events = 0;
	struct kl_engine *first;
	struct device device;
	char *blocks;

	prepare(&device, 1);
	device_begin(&device, 1, 0);
	device_start_lines(&device, 0);
	device_respond(&device, 200, 20);
	first = device.engine;
	run_hot(&device, hot);
	blocks = make_engines(&device, ENGINES);
	if (!blocks) {
		printf("no memory for %d engines\n", ENGINES);
		return;
	}
	printf("%d engines of %zu bytes, each event to one after the other at random, ns an "
	       "event\n",
	       ENGINES, device.size);
	for (size_t i = 0; i < PASSES; i++) {
		cold = run_pass(&device, blocks, ENGINES, &passes[i]);
		printf("  %-46s %6.0f ns hot %6.0f ns cold\n", passes[i].name, hot[i], cold);
		hot_sum += hot[i] * (1 + passes[i].answers);
		cold_sum += cold * (1 + passes[i].answers);
		events += 1 + passes[i].answers;
	}
	printf("  %-46s %6.0f ns hot %6.0f ns cold\n", "mean of all events", hot_sum / events,
	       cold_sum / events);
	free(blocks);
	device.engine = first;
	device_free(&device);
}

/* ---- many lines in one engine ---- */

/* Makes an engine of so many lines, whose registrations are spread over an hour. */
static kl_ms open_lines(struct device *device, uint32_t lines, kl_ms ttl_ms)
{
	kl_ms now = 0;

	prepare(device, lines);
	device->ttl_ms = ttl_ms;
	device_begin(device, 1, 0);
	for (uint32_t i = 0; i < lines; i++) {
		now = hour_ms * i / lines;
		device_feed(device, &(struct kl_event){.type = KL_EV_LINE_START, .line = i}, now);
		device_respond(device, 200, now);
	}
	return now;
}

/* What is due is done, and what it sends is answered. */
static uint64_t wake_and_answer(struct device *device, kl_ms *now)
{
	size_t sends = device->sends;

	*now = kl_deadline(device->engine);
	device_time(device, *now);
	if (device->sends == sends)
		return 1;
	device_respond(device, 200, ++*now);
	return 2;
}

static uint64_t call_and_cancel(struct device *device, uint32_t line, uint64_t token, kl_ms now)
{
	struct kl_event event = {
		.type = KL_EV_REQUEST, .line = line, .request = {token, KL_INVITE}};

	device_feed(device, &event, now);
	event.type = KL_EV_CANCEL;
	device_feed(device, &event, now);
	return 2;
}

static uint64_t call_and_hang_up(struct device *device, uint32_t line, uint64_t token, kl_ms now)
{
	struct kl_event event = {
		.type = KL_EV_REQUEST, .line = line, .request = {token, KL_INVITE}};

	device_feed(device, &event, now);
	device_respond(device, 200, now);
	event.type = KL_EV_CALL_ENDED;
	device_feed(device, &event, now);
	return 3;
}

/* Refreshes as they come, calls, cancelled calls, late answers, on lines at random, while one call
 * stays up.  Gives ns an event. */
static double measure_lines(uint32_t lines)
{
	struct dice dice = dice_of(1);
	struct device device;
	uint64_t events = 0, start;
	kl_ms now = open_lines(&device, lines, 1000 * hour_ms);

	device_feed(&device, &(struct kl_event){.type = KL_EV_CALL_BEGAN}, now);
	start = clock_ns();
	for (uint32_t i = 0; i < STEPS; i++) {
		uint32_t line = dice_roll(&dice, lines);

		events += wake_and_answer(&device, &now);
		events += call_and_hang_up(&device, line, i, now);
		events += call_and_cancel(&device, line, i, now);
		device_respond(&device, 200, now);
		events++;
	}
	start = clock_ns() - start;
	device_free(&device);
	return (double)start / (double)events;
}

/* Names that run out and are found again as they were.  Gives ns an event. */
static double measure_lookups(uint32_t lines)
{
	struct device device;
	uint64_t ns = 0, events = 0, start;
	kl_ms now = open_lines(&device, lines, 1000);
	size_t lookups = device.lookups;

	while (events < STEPS) {
		size_t before = device.lookups, sends = device.sends;

		now = kl_deadline(device.engine);
		start = clock_ns();
		device_time(&device, now);
		start = clock_ns() - start;
		if (device.sends != sends)
			device_respond(&device, 200, now);
		else
			ns += start;
		events += 2 * (device.lookups - before);
	}
	events = 2 * (device.lookups - lookups);
	device_free(&device);
	return (double)ns / (double)events;
}

static double least(double (*measure)(uint32_t lines), uint32_t lines)
{
	double best = measure(lines);

	for (int run = 1; run < RUNS; run++) {
		double ns = measure(lines);

		best = ns < best ? ns : best;
	}
	return best;
}

static void measure_growth(const char *name, double (*measure)(uint32_t lines))
{
	double one = least(measure, 1);

	printf("  %s\n", name);
	for (uint32_t lines = 1; lines <= LINES_MAX; lines *= 10) {
		double ns = lines == 1 ? one : least(measure, lines);

		printf("    %6u lines %6.0f ns an event, %.2f times that of one\n", lines, ns,
		       ns / one);
	}
}

static void print_line_size(void)
{
	struct device few, many;

	prepare(&few, LINES_MAX / 10);
	prepare(&many, LINES_MAX);
	printf("lines of one engine on one set of %d routes: %.0f bytes a line\n", ROUTES,
	       (double)(kl_engine_size(&many.config) - kl_engine_size(&few.config)) /
		       (LINES_MAX - LINES_MAX / 10));
	device_free(&few);
	device_free(&many);
}

/* One ICMP message moves all lines that wait on its route.  Gives ns, its actions included. */
static double measure_icmp(uint32_t lines)
{
	struct kl_event event = {.type = KL_EV_TRANSPORT};
	struct device device;
	uint64_t start;

	prepare(&device, lines);
	device_begin(&device, 1, 0);
	device_start_lines(&device, 0);
	for (uint32_t i = 0; i < lines; i++)
		device_respond_to(&device, &device.last_send[i], 200, 20);
	device_time(&device, 3540020);
	event.transport =
		(struct kl_event_transport){device.send.route, KL_FAULT_PORT, device.send.tx};
	start = clock_ns();
	device_feed(&device, &event, 3540030);
	start = clock_ns() - start;
	device_free(&device);
	return (double)start;
}

int main(void)
{
	double icmp_ns;

	print_line_size();
	measure_growth("refreshes, calls, cancelled calls, late answers", measure_lines);
	measure_growth("names that are looked up again", measure_lookups);
	icmp_ns = least(measure_icmp, LINES_MAX);
	printf("one ICMP message that moves %d lines: %.1f ms, %.0f ns a line\n", LINES_MAX,
	       icmp_ns / 1e6, icmp_ns / LINES_MAX);
	measure_engines();
	return 0;
}
