/* lab_verdict.h - what a lab has seen so far, judged. */
#ifndef LAB_LAB_VERDICT_H
#define LAB_LAB_VERDICT_H

#include "lab/lab.h"
#include "lab/report.h"

enum { LAB_EXPECTED_MAX = 256, LAB_TOLERANCE_MS = 50 };

/* By which rules. */
struct lab_expected {
	struct kl_policy policy;
	char text[LAB_EXPECTED_MAX]; /* "profile poly" */
	uint32_t tolerance_ms;
};

/* False: there is no profile of that name. */
bool lab_expect_profile(struct lab_expected *expected, const char *name);

struct lab_judgement {
	struct lab_verdict verdict;
	struct lab_expected expected;
	struct lab_expectation expectation;
	struct lab_expected_route routes[KL_SET_ROUTES_MAX];
	struct lab_report report; /* ready to be written */
};

/* Judges; free() it.  NULL: no memory.  It is valid as long as the lab, and until more passes. */
struct lab_judgement *lab_judgement_make(struct lab *lab, const struct lab_expected *expected);

#endif
