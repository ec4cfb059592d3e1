/* What the engine tells of its lines and of candidates, judged. */
#include "sim/invariants_private.h"

/* W = min(max, base * 2^failures); the wait is in [W/2, W].  A Retry-After takes its place; a
 * timer that runs goes on; where a lower entry serves, the probe interval rules.  BACK-1, BACK-3 */
static void check_back_off(struct sim_invariants *inv, struct registration_seen *reg,
			   const struct kl_report *report)
{
	const struct kl_policy *policy = entry_of(inv, report->line, report->entry)->policy;
	kl_ms wait_ms = report->retry_at - inv->now, most_ms = policy->backoff_base_ms;
	kl_ms least_ms, fleet_ms = 0;
	kl_ms told_ms = reg->retry_after_ms < policy->retry_after_max_ms
				? reg->retry_after_ms
				: policy->retry_after_max_ms;

	if (report->retry_at == reg->retry_at || report->retry_at == KL_NEVER ||
	    (is_successive(inv, report->line) &&
	     entry_of(inv, report->line, 0)->policy->fallback_probe_ms))
		return;
	for (uint32_t i = 0; i < reg->failures && most_ms < policy->backoff_max_ms; i++)
		most_ms *= 2;
	if (most_ms > policy->backoff_max_ms)
		most_ms = policy->backoff_max_ms;
	reg->failures++;
	if (policy->backoff_fixed_ms)
		most_ms = policy->backoff_fixed_ms;
	least_ms = most_ms / 2;
	/* Two REGISTERs of each line of the fleet, twice over.  OWN-5 */
	if (policy->fleet_capacity && !policy->backoff_fixed_ms)
		fleet_ms = UINT64_C(2000) * policy->fleet_lines / policy->fleet_capacity * 2;
	if (most_ms < fleet_ms)
		most_ms = fleet_ms;
	expect(inv,
	       (wait_ms <= most_ms && wait_ms >= least_ms) ||
		       (reg->retry_after_ms && wait_ms == told_ms),
	       "a back-off lasts between half and all of what its policy gives");
}

/* A walk of REGISTER goes on where a refresh became something worse, and where names were found;
 * any other state begins with a new one, and so does what a request needs (FALL-4). */
static void check_state(struct sim_invariants *inv, const struct kl_report *report)
{
	struct registration_seen *reg = registration_of(inv, report->line, report->entry);
	struct line_seen *line = line_of(inv, report->line);
	bool goes_on = (report->from == KL_REFRESHING &&
			(report->to == KL_REGISTERING || report->to == KL_FAILING_OVER)) ||
		       (report->from == KL_RESOLVING && report->to == KL_REGISTERING);
	bool returns = (report->to == KL_FAILING_BACK || report->to == KL_CLEARING) &&
		       report->from != KL_CLEARING;
	/* A back-off that a request ended as it began shows by its timer alone, which runs on.
	 * FALL-4 */
	bool backed_off = (report->to == KL_RESOLVING || report->to == KL_REGISTERING) &&
			  report->from != KL_BACKING_OFF && report->retry_at != KL_NEVER &&
			  report->retry_at != reg->retry_at;
	/* Why it began went with the state that it passed through: a request may have asked. */
	bool cleared_at_once =
		report->to == KL_FAILING_BACK &&
		entry_of(inv, report->line, report->entry)->policy->unregister_on_failback;

	if (!goes_on || backed_off || report->why == KL_WHY_NEEDED) {
		reg->journey.tried = 0;
		reg->journey.redirected = false;
	}
	/* A line that is started while it leaves is off for no time at all; one that is refreshed,
	 * fails back, or doubts its route, was registered, if only for a moment. */
	if (report->to == KL_DOUBTING || report->from == KL_DOUBTING ||
	    report->to == KL_REGISTERED || report->to == KL_OFF || report->from == KL_LEAVING ||
	    returns || (report->to == KL_REFRESHING && report->from != KL_STANDBY))
		reg->failures = 0;
	reg->failures += backed_off;
	if (report->to == KL_BACKING_OFF && report->why == KL_WHY_STARTED)
		invariants_see_boot(inv, report);
	else if (report->to == KL_BACKING_OFF)
		check_back_off(inv, reg, report);
	if (returns)
		line->returned |= 1U << report->entry;
	if (returns && report->why == KL_WHY_BETTER_UP)
		invariants_see_return(inv, report);
	if (returns && (report->why == KL_WHY_FAILBACK_REQUEST || cleared_at_once))
		line->asked |= 1U << report->entry;
	reg->retry_at = report->retry_at;
	reg->retry_after_ms = 0;
}

/* One report tells of all that happened to a line in a late event: failures are counted anew, as
 * they were BEFORE the one that the report tells of, or after it. */
static void catch_up(struct sim_invariants *inv, const struct kl_engine *e,
		     const struct kl_report *report, bool before)
{
	struct kl_entry_view view;

	if (inv->late && kl_get_entry(e, report->line, report->entry, &view) == KL_OK)
		registration_of(inv, report->line, report->entry)->failures =
			view.failures - (before && view.failures);
}

static bool shares_health(const struct sim_invariants *inv)
{
	for (uint32_t line = 0; line < inv->config->line_count; line++)
		for (uint32_t i = 0; i < inv->config->lines[line].entry_count; i++)
			if (entry_of(inv, line, i)->policy->health_shared)
				return true;
	return false;
}

/* What a candidate's status follows from.  PROBE-3, PROBE-4 */
static void check_candidate(struct sim_invariants *inv, const struct kl_report *report)
{
	uint16_t status = report->why == KL_WHY_ANSWERED ? report->status : 0;
	bool well = status && status < 500 && status != 408;

	/* A line that shares what is known takes 503 alone for an outage.  OWN-2 */
	if (shares_health(inv) && status && status != 503 && !well)
		return;
	if (report->why == KL_WHY_NOT_HEARD)
		invariants_see_silence(inv, &report->route, report->ms);

	switch (report->candidate) {
	case KL_CANDIDATE_UP:
		expect(inv, well, "a candidate is up because it answered below 500");
		break;
	case KL_CANDIDATE_DOWN:
		expect(inv, report->why != KL_WHY_NONE && !well,
		       "a candidate is down because it failed or answered 500 or more");
		break;
	case KL_CANDIDATE_FAILED:
		status = report->status;
		expect(inv, status == 401 || status == 403 || status == 404 || status == 407,
		       "a candidate has failed because it denied a REGISTER");
		break;
	case KL_CANDIDATE_UNKNOWN:
		expect(inv, false, "no candidate becomes unknown");
		break;
	}
}

/* A walk is one request's way over one entry: which of the line's INVITEs entered another is not
 * told. */
static void see_entry(struct sim_invariants *inv, uint32_t line)
{
	for (uint32_t i = 0; i < inv->journey_count; i++)
		if (journey_of(inv, i)->line == line && journey_of(inv, i)->method == KL_INVITE)
			journey_of(inv, i)->tried = 0;
}

void invariants_see_report(struct sim_invariants *inv, const struct kl_engine *e,
			   const struct kl_report *report)
{
	if (report->type == KL_REPORT_STATE) {
		expect(inv, report->why != KL_WHY_NONE, "each change of a state has its cause");
		catch_up(inv, e, report, report->to == KL_BACKING_OFF);
		check_state(inv, report);
		catch_up(inv, e, report, false);
	}
	if (report->type == KL_REPORT_STATE && report->why == KL_WHY_NOT_HEARD)
		invariants_see_silence(inv, &report->route, report->ms);
	if (report->type == KL_REPORT_ENTRY)
		see_entry(inv, report->line);
	if (report->type == KL_REPORT_HEALTH)
		check_candidate(inv, report);
	if (report->type == KL_REPORT_LOOKUP && report->why == KL_WHY_RESTORED)
		expect(inv, report->dns == KL_DNS_SILENT,
		       "restored records never stand for an answer of the DNS");
}
