/* Feeds any bytes to the reader of a fleet's scenario, and plays the start of what it accepts. */
#include <assert.h>

#include "sim/fleet.h"
#include "tests/fuzz/fuzz_file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { LINES = 3, PLAYED_US = 300000000, RUN_MAX_MS = 86400000 };

static const char phone[] = "<c reg.1.address=\"1001\" reg.1.server.1.address=\"192.0.2.1\" />\n";

static void play(const struct sim_plan *plan)
{
	struct sim_results *results = sim_results_new(plan);
	struct sim_fleet *fleet;

	assert(results);
	fleet = sim_fleet_new(plan, results, 1);
	assert(fleet);
	sim_fleet_run(fleet, PLAYED_US);
	sim_fleet_finish(fleet);
	assert(!results->broken[0]);
	for (uint32_t i = 0; i < plan->fault_count && i < 100; i++)
		sim_results_aftermath(results, plan, i);
	sim_fleet_free(fleet);
	sim_results_free(results);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct fuzz_file scenario, phones;
	struct sim_plan *plan;
	char line[KL_TEXT_MAX];
	const struct sim_plan_options options = {
		.path = fuzz_file_write(&scenario, NULL, data, size),
		.lines = LINES,
		.phones = fuzz_file_write(&phones, phone, NULL, 0),
	};
	bool good = !sim_plan_load(&options, &plan);
	assert(good == (plan->error_count == 0));
	for (uint32_t i = 0; i < plan->diagnostic_count; i++)
		config_format_diagnostic(line, sizeof(line), &plan->diagnostics[i]);
	if (good && plan->run_ms <= RUN_MAX_MS)
		play(plan);
	sim_plan_free(plan);
	return 0;
}
