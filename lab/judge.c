/* judge.c - did a phone keep the rules?  The trace is read once, then judged attempt by attempt. */
#include "lab/judge_private.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TOLERANCE_MAX_MS = 500 };

#define RULE_ID(name, id, text) id,
#define RULE_TEXT(name, id, text) text,

const char *lab_rule_id(enum lab_rule rule)
{
	static const char *const ids[] = {LAB_RULES(RULE_ID)};

	return ids[rule];
}

const char *lab_rule_text(enum lab_rule rule)
{
	static const char *const texts[] = {LAB_RULES(RULE_TEXT)};

	return texts[rule];
}

void judge_note(struct judge *judge, enum lab_rule rule, bool kept, uint64_t at_us,
		const char *format, ...)
{
	struct lab_finding *finding = &judge->verdict->findings[rule];
	uint32_t count = kept ? finding->kept++ : finding->broken++;
	struct lab_sight *sight;
	va_list values;

	if (count >= LAB_SIGHTS_MAX)
		return;
	sight = kept ? &finding->keepings[count] : &finding->breaches[count];
	sight->at_us = at_us;
	va_start(values, format);
	vsnprintf(sight->text, sizeof sight->text, format, values);
	va_end(values);
}

/* 004: about every five minutes, by a tenth more at the most; a doubt may bring one early.  PROBE-3
 */
void judge_probes(struct judge *judge)
{
	uint64_t every_us = judge_us(judge->policy->probe_ms);
	uint64_t last_us[KL_SET_ROUTES_MAX];

	memset(last_us, 0xff, sizeof last_us); /* JUDGE_NEVER */
	for (size_t i = 0; every_us && i < judge->attempt_count; i++) {
		const struct judge_attempt *a = &judge->attempts[i];
		uint32_t rank = judge_rank(judge, &a->route);
		uint64_t gap_us;

		if (a->method != SIP_OPTIONS || a->to_tag || rank == UINT32_MAX)
			continue;
		gap_us = a->began_us - last_us[rank];
		if (last_us[rank] != JUDGE_NEVER)
			judge_note(judge, LAB_RULE_PROBE_3,
				   gap_us <= every_us / 10 * 11 + judge->tolerance_us, a->began_us,
				   "OPTIONS to %s %.3f s after the last",
				   judge_route_text(&a->route).at, judge_s(gap_us));
		last_us[rank] = a->began_us;
	}
}

static void judge_all(struct judge *judge)
{
	for (size_t i = 0; i < judge->attempt_count; i++) {
		struct judge_attempt *first = &judge->attempts[i];

		if (first->line_prior == JUDGE_NONE && !judge_is_foreign(judge, &first->route))
			judge_line(judge, first);
	}
	for (size_t i = 0; i < judge->attempt_count; i++) {
		judge_timing(judge, &judge->attempts[i]);
		judge_moves(judge, &judge->attempts[i]);
	}
	judge_probes(judge);
	for (int rule = 0; rule < LAB_RULES_MAX; rule++)
		judge->verdict->broken += judge->verdict->findings[rule].broken != 0;
}

int lab_judge(const struct lab_trace *trace, const struct lab_expectation *expectation,
	      struct lab_verdict *verdict)
{
	struct judge judge = {
		.trace = trace,
		.expectation = expectation,
		.policy = expectation->policy,
		.verdict = verdict,
		.tolerance_us = judge_us(expectation->tolerance_ms),
		.end_us = trace->ended_us,
	};
	int error;

	memset(verdict, 0, sizeof *verdict);
	if (trace->count && trace->records[trace->count - 1].at_us > judge.end_us)
		judge.end_us = trace->records[trace->count - 1].at_us;
	if (expectation->route_count > KL_SET_ROUTES_MAX ||
	    expectation->tolerance_ms > TOLERANCE_MAX_MS)
		return -EINVAL;
	error = judge_read_attempts(&judge);
	if (!error)
		error = judge_link_walks(&judge);
	if (!error)
		judge_all(&judge);
	verdict->requests = (uint32_t)judge.attempt_count;
	free(judge.attempts);
	free(judge.calls);
	free(judge.closings);
	return error;
}
