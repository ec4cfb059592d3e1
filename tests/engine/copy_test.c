/* The same events give the same actions: from one seed, and from a copy of the block taken midway.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/engine/device.h"

enum { STEPS = 400 };

/* FNV-1a of the life of seed 1.  A new number means that the engine decides otherwise, or words it
 * otherwise: know why before you write it down. */
#define TRACE_HASH UINT64_C(0xb0bc3930d2cbb7c7)

/* A device whose actions are written down. */
struct recorder {
	struct device device;
	FILE *file;
	char *text;
	size_t size;
};

static void write_down(void *context, const struct kl_action *action)
{
	struct recorder *recorder = context;
	char text[KL_TEXT_MAX];

	fprintf(recorder->file, "%s\n", kl_format_action(text, sizeof(text), action, NULL));
}

static void open_recorder(struct recorder *recorder, uint64_t seed)
{
	struct device *device = &recorder->device;

	device_init(device, KL_PROFILE_POLY);
	device->policy.reregister_on = true;
	device->policy.failback_ms = 60000;
	device->target_count = 4;
	for (uint16_t i = 0; i < 4; i++)
		device->targets[i] = (struct device_target){10, (uint16_t)(10 + i)};
	device->ttl_ms = 300000;
	device->watch = write_down;
	device->context = recorder;
	device_begin(device, seed, 0);
	recorder->file = open_memstream(&recorder->text, &recorder->size);
	assert_non_null(recorder->file);
}

static void close_recorder(struct recorder *recorder)
{
	fclose(recorder->file);
	free(recorder->text);
	device_free(&recorder->device);
}

/* One step of a life with everything in it: calls, answers, 503, silence, loss. The choice depends
 * on STEP alone. */
static void live(struct recorder *recorder, uint32_t step)
{
	static const uint16_t answers[] = {200, 503, 180, 486, 200, 404};
	struct device *device = &recorder->device;
	kl_ms now = kl_deadline(device->engine);
	uint64_t token = step;

	fprintf(recorder->file, "[%llu]\n", (unsigned long long)now);
	if (now == KL_NEVER)
		now = (kl_ms)step * 1000000;
	if (step == 0) {
		device_start_line(device, 0);
		return;
	}
	device_time(device, now);
	if (step % 7 == 3)
		device_feed(
			device,
			&(struct kl_event){.type = KL_EV_REQUEST, .request = {token, KL_INVITE}},
			now);
	if (step % 5 != 0 && step % 11 > 4)
		device_respond(device, answers[step % 6], now);
	if (step % 13 == 5)
		device_feed(device,
			    &(struct kl_event){.type = KL_EV_TRANSPORT,
					       .transport = {device->send.route, KL_FAULT_PORT,
							     device->send.tx}},
			    now);
}

static void live_steps(struct recorder *recorder, uint32_t first, uint32_t behind)
{
	for (uint32_t step = first; step < behind; step++)
		live(recorder, step);
	fflush(recorder->file);
}

static void test_one_seed_one_life(void **state)
{
	struct recorder a, b;

	(void)state;
	for (uint64_t seed = 1; seed <= 20; seed++) {
		open_recorder(&a, seed);
		open_recorder(&b, seed);
		live_steps(&a, 0, STEPS);
		live_steps(&b, 0, STEPS);
		assert_true(a.device.actions > STEPS / 2);
		assert_string_equal(a.text, b.text);
		close_recorder(&a);
		close_recorder(&b);
	}
}

static void test_seeds_differ(void **state)
{
	struct recorder a, b;
	bool differ = false;

	(void)state;
	open_recorder(&a, 1);
	live_steps(&a, 0, STEPS);
	for (uint64_t seed = 2; seed <= 10 && !differ; seed++) {
		open_recorder(&b, seed);
		live_steps(&b, 0, STEPS);
		differ = strcmp(a.text, b.text) != 0;
		close_recorder(&b);
	}
	assert_true(differ);
	close_recorder(&a);
}

/* The block is moved at every tenth step, and what goes on in the copy is what would have gone on.
 */
static void test_a_copy_taken_midway_goes_on_alike(void **state)
{
	struct recorder original, copy;
	size_t before;

	(void)state;
	for (uint32_t middle = 0; middle < STEPS; middle += 10) {
		open_recorder(&original, 5);
		live_steps(&original, 0, middle);
		open_recorder(&copy, 99);
		memcpy(copy.device.engine, original.device.engine, original.device.size);
		copy.device.send = original.device.send;
		before = original.size;
		live_steps(&original, middle, STEPS);
		live_steps(&copy, middle, STEPS);
		assert_string_equal(original.text + before, copy.text);
		assert_memory_equal(original.device.engine, copy.device.engine,
				    original.device.size);
		close_recorder(&copy);
		close_recorder(&original);
	}
}

/* Every compiler, and every machine, has the same life. */
static void test_a_trace_is_the_same_in_every_build(void **state)
{
	struct recorder recorder;
	uint64_t hash = UINT64_C(0xcbf29ce484222325);

	(void)state;
	open_recorder(&recorder, 1);
	live_steps(&recorder, 0, STEPS);
	for (size_t i = 0; i < recorder.size; i++)
		hash = (hash ^ (unsigned char)recorder.text[i]) * UINT64_C(0x100000001b3);
	close_recorder(&recorder);
	print_message("the trace's hash is %#llx\n", (unsigned long long)hash);
	assert_int_equal(hash, TRACE_HASH);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_one_seed_one_life),
		cmocka_unit_test(test_seeds_differ),
		cmocka_unit_test(test_a_copy_taken_midway_goes_on_alike),
		cmocka_unit_test(test_a_trace_is_the_same_in_every_build),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
