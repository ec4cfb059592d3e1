/* Feeds any bytes to the reader of a fleet's scenario, and plays the start of what it accepts. */
#include <assert.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "sim/fleet.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { LINES = 3, PLAYED_US = 300000000, RUN_MAX_MS = 86400000 };

static const char phone[] = "<c reg.1.address=\"1001\" reg.1.server.1.address=\"192.0.2.1\" />\n";

/* A file in memory, and the path under which it can be opened. */
static int make_file(char path[64])
{
	int fd = memfd_create("plan", MFD_CLOEXEC);

	assert(fd >= 0);
	snprintf(path, 64, "/proc/self/fd/%d", fd);
	return fd;
}

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
	static char scenario_path[64], phone_path[64];
	static int scenario = -1;
	struct sim_plan *plan;
	char line[KL_TEXT_MAX];

	if (scenario < 0) {
		ssize_t written = write(make_file(phone_path), phone, strlen(phone));

		assert(written == (ssize_t)strlen(phone));
		scenario = make_file(scenario_path);
	}
	int error = ftruncate(scenario, 0);
	ssize_t written = pwrite(scenario, data, size, 0);
	assert(!error && written == (ssize_t)size);

	const struct sim_plan_options options = {
		.path = scenario_path, .lines = LINES, .phones = phone_path};
	bool good = !sim_plan_load(&options, &plan);
	assert(good == (plan->error_count == 0));
	for (uint32_t i = 0; i < plan->diagnostic_count; i++)
		config_format_diagnostic(line, sizeof(line), &plan->diagnostics[i]);
	if (good && plan->run_ms <= RUN_MAX_MS)
		play(plan);
	sim_plan_free(plan);
	return 0;
}
