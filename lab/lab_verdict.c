/* lab_verdict.c - what a lab has seen so far, judged. */
#include "lab/lab_verdict.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define PROFILE_NAME(name, text) text,
static const char *const profiles[] = {KL_PROFILES_TABLE(PROFILE_NAME)};
#undef PROFILE_NAME

bool lab_expect_profile(struct lab_expected *expected, const char *name)
{
	for (int i = 0; i < KL_PROFILES; i++)
		if (!strcasecmp(profiles[i], name)) {
			kl_policy_profile(&expected->policy, (enum kl_profile)i);
			snprintf(expected->text, sizeof expected->text, "profile %s", profiles[i]);
			expected->tolerance_ms = LAB_TOLERANCE_MS;
			return true;
		}
	return false;
}

static const char *name_route(const void *context, const struct kl_route *route)
{
	return lab_name_route(context, route);
}

struct lab_judgement *lab_judgement_make(struct lab *lab, const struct lab_expected *expected)
{
	struct lab_judgement *judgement = calloc(1, sizeof *judgement);
	const char *note;

	if (!judgement)
		return NULL;
	judgement->expected = *expected;
	judgement->expectation = (struct lab_expectation){
		.policy = &judgement->expected.policy,
		.routes = judgement->routes,
		.route_count = lab_routes(lab, judgement->routes),
		.tolerance_ms = expected->tolerance_ms,
	};
	judgement->report = (struct lab_report){
		.subject = "what the lab saw",
		.expected = judgement->expected.text,
		.verdict = &judgement->verdict,
		.trace = lab_watched(lab, &note),
		.expectation = &judgement->expectation,
		.name_route = name_route,
		.context = lab,
	};
	judgement->report.note = note;
	if (lab_judge(judgement->report.trace, &judgement->expectation, &judgement->verdict)) {
		free(judgement);
		return NULL;
	}
	return judgement;
}
