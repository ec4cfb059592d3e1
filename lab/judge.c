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

/* What is known of a route from the probes and the requests that it got. */
struct probed {
	uint64_t sent_us, over_us; /* of the last OPTIONS; JUDGE_NEVER */
	bool failing;              /* something failed there since one was answered */
};

/* How long after the end of the last OPTIONS the next one comes at most: a tenth more than set.  A
 * fleet's probes stay below a tenth of what its servers bear (OWN-5), and a route that is down is
 * asked less and less often (OWN-1). */
static uint64_t probe_most_us(const struct judge *judge, bool failing)
{
	const struct kl_policy *policy = judge->policy;
	uint64_t most_ms = policy->probe_ms;
	uint64_t fleet_ms = 0;

	if (policy->fleet_capacity) /* 10 N/C is nine tenths of the time that is drawn about */
		fleet_ms = UINT64_C(100000) * policy->fleet_lines / policy->fleet_capacity / 9 + 1;

	if (failing && policy->probe_max_ms > most_ms)
		most_ms = policy->probe_max_ms;
	if (fleet_ms > most_ms)
		most_ms = fleet_ms;
	return judge_us(most_ms) / 10 * 11;
}

static void judge_probe(struct judge *judge, const struct judge_attempt *a, struct probed *probed)
{
	uint64_t most_us = probe_most_us(judge, probed->failing);

	if (probed->sent_us != JUDGE_NEVER)
		judge_note(judge, LAB_RULE_PROBE_3,
			   a->began_us <= probed->over_us + most_us + judge->tolerance_us,
			   a->began_us, "OPTIONS to %s %.3f s after the last",
			   judge_route_text(&a->route).at, judge_s(a->began_us - probed->sent_us));
	probed->sent_us = a->began_us;
	probed->over_us =
		a->heard_us == JUDGE_NEVER ? a->began_us + judge_life_us(judge) : a->heard_us;
	probed->failing = false;
}

/* 004: about every five minutes; a doubt may bring one early.  PROBE-3 */
void judge_probes(struct judge *judge)
{
	struct probed probed[KL_SET_ROUTES_MAX];

	for (size_t i = 0; i < KL_SET_ROUTES_MAX; i++)
		probed[i] = (struct probed){.sent_us = JUDGE_NEVER};
	for (size_t i = 0; judge->policy->probe_ms && i < judge->attempt_count; i++) {
		const struct judge_attempt *a = &judge->attempts[i];
		uint32_t rank = judge_rank(judge, &a->route);

		if (rank == UINT32_MAX)
			continue;
		if (a->method == SIP_OPTIONS && !a->to_tag)
			judge_probe(judge, a, &probed[rank]);
		probed[rank].failing |= a->heard_us == JUDGE_NEVER || a->status == 503 || a->fault;
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
