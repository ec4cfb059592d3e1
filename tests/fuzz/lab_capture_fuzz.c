/* Feeds any bytes to the reader of captured files, and its trace to the judge: records stand in
 * order of time, and no trace breaks the judge. */
#include <assert.h>
#include <stdlib.h>

#include "lab/capture.h"
#include "lab/judge.h"
#include "tests/fuzz/fuzz_file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerInitialize(int *argc, char ***argv);

static struct kl_policy policy;

static void judge(const struct lab_trace *trace)
{
	static struct lab_verdict verdict;
	const struct lab_expected_route routes[] = {
		{.route = {.ip = {[10] = 0xff, 0xff, 192, 0, 2, 1}, .port = 5060}},
		{.route = {.ip = {[10] = 0xff, 0xff, 192, 0, 2, 2}, .port = 5060}},
	};
	struct lab_expectation expectation = {.policy = &policy, .tolerance_ms = 100};
	uint32_t broken = 0;

	for (unsigned known = 0; known < 2; known++) {
		expectation.routes = routes;
		expectation.route_count = known ? 2 : 0;
		assert(!lab_judge(trace, &expectation, &verdict));
		broken = 0;
		for (int rule = 0; rule < LAB_RULES_MAX; rule++)
			broken += verdict.findings[rule].broken > 0;
		assert(broken == verdict.broken);
	}
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	sip_init();
	kl_policy_profile(&policy, KL_PROFILE_POLY);
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct fuzz_file file;
	const struct lab_capture_options options = {
		.path = fuzz_file_write(&file, NULL, data, size)};
	struct lab_capture_report report;
	struct lab_trace trace = {0};
	char why[LAB_CAPTURE_WHY_MAX] = "";

	if (lab_capture_read(&trace, &options, &report, why)) {
		assert(*why);
	} else {
		assert(report.messages <= report.packets * SIP_MESSAGE_MAX);
		for (size_t i = 1; i < trace.count; i++)
			assert(trace.records[i - 1].at_us <= trace.records[i].at_us);
		judge(&trace);
	}
	lab_trace_clear(&trace);
	return 0;
}
