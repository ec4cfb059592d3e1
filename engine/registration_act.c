/* registration_act.c - what a registration owes the host, as reports. */
#include "engine/flow.h"
#include "engine/line.h"
#include "engine/registration.h"
#include "engine/route.h"

static struct kl_report registration_report(const struct kl_engine *e, uint32_t r,
					    const struct reason *reason)
{
	const struct registration *reg = registration_at(e, r);
	struct kl_report report = {.why = (enum kl_cause)reason->why,
				   .rule = (enum kl_policy_field)reason->rule,
				   .line = reg->line,
				   .entry = reg->entry,
				   .second_flow = flow_is_second(e, r),
				   .fault = (enum kl_fault)reason->fault,
				   .status = reason->status,
				   .count = reason->count,
				   .ms = reason->ms,
				   .active = reg->active,
				   .in_failover = registration_in_failover(e, r),
				   .failback_at = reg->failback_at,
				   .retry_at = reg->retry_at};
	if (reason->pos != NO_POS)
		report.route = route_slot(e, reg->set, reason->pos)->route;
	return report;
}

/* TB 5844: the highest server that has an active registration is the working server.  The entry
 * whose registration came or went says why.  False: it is the one that the host knows.  FALL-3 */
static bool registration_act_working(struct kl_engine *e, uint32_t l, struct kl_action *action)
{
	struct line *line = line_at(e, l);
	uint32_t working = line_working(e, l);
	uint8_t before = line->told_working;
	uint8_t now = working == NONE ? NO_POS : registration_at(e, working)->entry;
	if (now == before)
		return false;
	uint32_t changed = line->first_registration + (now < before ? now : before);
	line->told_working = now;
	action->report = registration_report(e, changed, &registration_at(e, changed)->reason);
	action->report.type = KL_REPORT_WORKING;
	action->report.entry = now == NO_POS ? before : now;
	action->report.active = now != NO_POS;
	return true;
}

bool registration_act(struct kl_engine *e, uint32_t r, struct kl_action *action)
{
	struct registration *reg = registration_at(e, r);
	struct node *node = node_at(e, registration_node(e, r));
	uint16_t what = node->owes & (uint16_t)-node->owes;
	node->owes &= (uint16_t)~what;
	action->type = KL_DO_REPORT;
	if (what == OWES_STATE) {
		action->report = registration_report(e, r, &reg->reason);
		action->report.type = KL_REPORT_STATE;
		action->report.from = (enum kl_state)reg->reported;
		action->report.to = (enum kl_state)reg->state;
		reg->reported = reg->state;
	} else if (what == OWES_FAILBACK) {
		const struct reason failback = {.why = reg->failback_why,
						.rule = reg->failback_rule,
						.pos = reg->failback_pos};
		action->report = registration_report(e, r, &failback);
		action->report.type = KL_REPORT_FAILBACK;
	} else if (what == OWES_CURRENT) {
		const struct reason answered = {.why = KL_WHY_ANSWERED,
						.pos = reg->current_pos,
						.status = reg->current_status};
		action->report = registration_report(e, r, &answered);
		action->report.type = KL_REPORT_CURRENT;
	} else if (what == OWES_LATE) {
		const struct reason late = {
			.why = KL_WHY_LATE, .pos = reg->late_pos, .status = reg->late_status};
		action->report = registration_report(e, r, &late);
		action->report.type = KL_REPORT_LATE;
	} else if (what == OWES_FAILED) {
		const struct reason failed = {.why = reg->failed_why,
					      .rule = KL_POLICY_denial_moves_on,
					      .pos = reg->failed_pos,
					      .status = reg->failed_status};
		action->report = registration_report(e, r, &failed);
		action->report.type = KL_REPORT_HEALTH;
		action->report.candidate = KL_CANDIDATE_FAILED;
	} else {
		return registration_act_working(e, reg->line, action);
	}
	return true;
}
