/* judge_flows.c - a line that is registered by two flows at one time (RFC 5626, OWN-6).
 *
 * Which of the two the line goes by shows in its requests, and where all routes of one failed. */
#include "lab/judge_line.h"

bool judge_is_second(const struct judge_line *line, const struct judge_attempt *a)
{
	return line->registered && a->reg_id && line->reg_id && a->reg_id != line->reg_id;
}

bool judge_has_second(const struct judge_line *line)
{
	return line->beside.port && line->beside_id && line->beside_id != line->reg_id;
}

/* RFC 5626 4.5: a flow that could not be made is tried again in its time.  Not so where probes tell
 * that a server is up (OWN-2), or where the line itself had to register anew. */
void judge_flow_begins(struct judge_line *line, const struct judge_attempt *a)
{
	struct judge *judge = line->judge;
	uint64_t waited_us = a->began_us - line->flow_lost_us;
	kl_ms least_ms, most_ms;

	line->flows = true;
	if (line->flow_lost_us == JUDGE_NEVER || a->prior != JUDGE_NONE ||
	    judge->policy->health_shared || line->connected_us > line->flow_lost_us)
		return;
	kl_policy_flow_backoff(judge->policy, line->flow_failures - 1, &least_ms, &most_ms);
	judge_note(judge, LAB_RULE_OWN_6,
		   waited_us + judge->tolerance_us >= judge_us(least_ms) &&
			   waited_us <= judge_us(most_ms) + judge->tolerance_us,
		   a->began_us, "failure %u of a second flow: tried again after %.3f s",
		   line->flow_failures, judge_s(waited_us));
	line->flow_lost_us = JUDGE_NEVER;
}

void judge_flow_accepted(struct judge_line *line, const struct judge_attempt *a)
{
	uint32_t seconds = a->granted_s == LAB_TRACE_UNSAID ? a->expires_s : a->granted_s;

	line->beside = a->route;
	line->beside_id = a->reg_id;
	line->beside_accepted_us = a->ended_us;
	line->beside_granted_us =
		seconds == LAB_TRACE_UNSAID ? 0 : judge_us(1000 * (uint64_t)seconds);
	if (!judge_is_second(line, a))
		return;
	line->flow_lost_us = JUDGE_NEVER;
	line->flow_failures = 0;
	/* One that was on its way when the line came there is let expire. */
	judge_note(line->judge, LAB_RULE_OWN_6,
		   !judge_same_route(&line->route, &a->route) || a->began_us <= line->connected_us,
		   a->ended_us, "a second flow at %s", judge_route_text(&a->route).at);
}

void judge_flow_failed(struct judge_line *line, uint64_t over_us)
{
	line->beside.port = 0;
	line->beside_id = line->reg_id;
	line->flow_lost_us = over_us;
	line->flow_failures++;
}

/* Where it is a flow of its own, what the line went by before is the second one now. */
void judge_flow_takes_over(struct judge_line *line)
{
	const struct judge_line before = *line;

	line->route = before.beside;
	line->beside.port = 0;
	if (before.beside_id == before.reg_id)
		return;
	line->reg_id = before.beside_id;
	line->accepted_us = before.beside_accepted_us;
	line->granted_us = before.beside_granted_us;
	line->beside = before.route;
	line->beside_id = before.reg_id;
	line->beside_accepted_us = before.accepted_us;
	line->beside_granted_us = before.granted_us;
}
