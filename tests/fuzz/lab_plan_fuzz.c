/* Feeds any bytes to the reader of a lab's file: what it accepts is within its bounds, and what it
 * refuses has a reason that can be printed. */
#include <assert.h>

#include "lab/plan.h"
#include "tests/fuzz/fuzz_file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_servers(const struct lab_plan *plan)
{
	assert(plan->server_count > 0 && plan->server_count <= LAB_SERVERS_MAX);
	for (unsigned i = 0; i < plan->server_count; i++) {
		const struct lab_plan_server *server = &plan->servers[i];

		assert(*server->name && server->transports && server->address.port);
		assert(lab_plan_find(plan, server->name) == (int)i);
	}
}

static void check_cues(const struct lab_plan *plan)
{
	assert(plan->cue_count <= LAB_CUES_MAX);
	for (unsigned i = 0; i < plan->cue_count; i++) {
		assert(plan->cues[i].server >= LAB_DNS);
		assert(plan->cues[i].server < (int)plan->server_count);
		assert(!i || plan->cues[i - 1].at_ms <= plan->cues[i].at_ms);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct fuzz_file file;
	struct lab_plan *plan;
	char line[KL_TEXT_MAX];
	bool good = lab_plan_load(fuzz_file_write(&file, NULL, data, size), &plan);

	assert(good || plan->diagnostic_count > 0);
	for (uint32_t i = 0; i < plan->diagnostic_count; i++)
		config_format_diagnostic(line, sizeof line, &plan->diagnostics[i]);
	if (good) {
		assert(plan->domain && *plan->domain);
		check_servers(plan);
		check_cues(plan);
	}
	lab_plan_free(plan);
	return 0;
}
