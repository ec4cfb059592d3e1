#include "engine/health.h"

#include "engine/keepalive.h"
#include "engine/probe.h"
#include "engine/registration.h"
#include "engine/route.h"
#include "engine/schedule.h"

/* ---- what happened ---- */

static uint32_t slot_of(const struct kl_engine *e, uint32_t r, uint8_t pos)
{
	return member_at(e, registration_at(e, r)->set, pos)->slot;
}

/* A status changes only by what is learned while somebody probes. */
static bool health_set(struct kl_engine *e, uint32_t i, enum kl_candidate_status status,
		       const struct reason *reason)
{
	struct slot *slot = slot_at(e, i);
	if (slot->status == status || !(slot->probing || slot->probe_at != KL_NEVER))
		return false;
	slot->status = (uint8_t)status;
	slot->reason = *reason;
	owe(e, slot_node(e, i), OWES_STATUS);
	return true;
}

/* CS-18-10: network or other connection problems.  PROBE-3 */
static bool status_is_down(uint16_t status)
{
	return status >= 500 || status == 408;
}

/* Of the answers to other requests those to REGISTER count: a 2xx says up.  PROBE-7 */
void health_answered(struct kl_engine *e, uint32_t w, uint16_t status)
{
	uint32_t i = slot_of(e, walk_at(e, w)->registration, walk_at(e, w)->pos);
	const struct reason reason = {.why = KL_WHY_ANSWERED, .status = status};
	slot_at(e, i)->last_answer_at = e->now;
	slot_at(e, i)->last_status = status;
	if (walk_at(e, w)->method != KL_REGISTER)
		return;
	if (status_is_down(status))
		health_set(e, i, KL_CANDIDATE_DOWN, &reason);
	else if (status >= 200 && status < 300)
		health_set(e, i, KL_CANDIDATE_UP, &reason);
}

bool health_failed(struct kl_engine *e, uint32_t r, const struct reason *reason)
{
	uint32_t i = slot_of(e, r, reason->pos);
	slot_at(e, i)->last_failure_at = e->now;
	slot_at(e, i)->last_fault = reason->fault;
	if (registration_frozen(e, r)) /* PROBE-9 */
		return false;
	bool changed = health_set(e, i, KL_CANDIDATE_DOWN, reason);
	return probe_hasten(e, i, r) || changed;
}

bool health_probed(struct kl_engine *e, uint32_t i, uint16_t status)
{
	const struct reason reason = {
		.why = KL_WHY_ANSWERED, .rule = KL_POLICY_probe_ms, .status = status};
	bool up = !status_is_down(status);
	health_set(e, i, up ? KL_CANDIDATE_UP : KL_CANDIDATE_DOWN, &reason);
	return up;
}

/* CS-18-10: the account does not exist (404), or the credentials are bad (401 or 403).  PROBE-4 */
void health_denied(struct kl_engine *e, uint32_t r, const struct reason *reason)
{
	struct registration *reg = registration_at(e, r);
	uint16_t status = reason->status;
	if ((status != 401 && status != 403 && status != 404 && status != 407) ||
	    reg->failed & bit(reason->pos))
		return;
	reg->failed |= bit(reason->pos);
	set_at(e, reg->set)->due = true; /* until the list is rebuilt */
	reg->failed_pos = reason->pos;
	reg->failed_why = reason->why;
	reg->failed_status = status;
	owe(e, registration_node(e, r), OWES_FAILED);
}

void health_hold_off(struct kl_engine *e, uint32_t r, uint8_t pos)
{
	struct registration *reg = registration_at(e, r);
	if (reg->held_off_until <= e->now)
		reg->held_off = 0;
	reg->held_off |= bit(pos);
	reg->held_off_until = e->now + registration_policy(e, r)->probe_ms;
}

void health_accepted(struct kl_engine *e, uint32_t r, uint8_t pos)
{
	registration_at(e, r)->failed &= ~bit(pos);
	registration_at(e, r)->held_off &= ~bit(pos);
}

/* ---- what follows from it ---- */

static bool health_held_off(const struct kl_engine *e, uint32_t r, uint8_t pos)
{
	const struct registration *reg = registration_at(e, r);
	return reg->held_off_until > e->now && reg->held_off & bit(pos);
}

enum kl_candidate_status health_of(const struct kl_engine *e, uint32_t r, uint8_t pos)
{
	const struct registration *reg = registration_at(e, r);
	if (reg->failed & bit(pos))
		return KL_CANDIDATE_FAILED;
	return (enum kl_candidate_status)route_slot(e, reg->set, pos)->status;
}

/* How late the route at POS is tried, as a number; one that is held off stands with the failed. */
static uint32_t health_lateness(const struct kl_engine *e, uint32_t r, uint8_t pos, int from)
{
	static const uint8_t classes[] = {[KL_CANDIDATE_UP] = 0,
					  [KL_CANDIDATE_UNKNOWN] = 1,
					  [KL_CANDIDATE_DOWN] = 2,
					  [KL_CANDIDATE_FAILED] = 3};
	const struct registration *reg = registration_at(e, r);
	const struct member *member = member_at(e, reg->set, pos);
	uint32_t class =
		classes[health_held_off(e, r, pos) ? KL_CANDIDATE_FAILED : health_of(e, r, pos)];
	int steps = order_index(e, r, pos) - (from < 0 ? 0 : from);
	if (steps < 0)
		steps += reg->order_count;
	return class << 24 | (uint32_t)member->rank << 21 | (uint32_t)member->priority << 5 |
	       (uint32_t)steps;
}

uint8_t health_best(const struct kl_engine *e, uint32_t r, uint32_t routes, uint8_t from)
{
	int origin = from == NO_POS ? 0 : order_index(e, r, from);
	uint32_t least = UINT32_MAX;
	uint8_t best = NO_POS;
	for (uint8_t n = 0; n < registration_at(e, r)->order_count; n++) {
		uint8_t pos = order_of(e, r)[n];
		uint32_t lateness = health_lateness(e, r, pos, origin);
		if (!(routes & bit(pos)) || lateness >= least)
			continue;
		least = lateness;
		best = pos;
	}
	return best;
}

uint32_t health_better(const struct kl_engine *e, uint32_t r)
{
	uint32_t better = order_better(e, r, registration_at(e, r)->current);
	for (uint8_t pos = 0; pos < e->config->limits.set_routes; pos++)
		if (better & bit(pos) &&
		    (health_of(e, r, pos) != KL_CANDIDATE_UP || health_held_off(e, r, pos)))
			better &= ~bit(pos);
	return better;
}

bool health_is_ready(const struct kl_engine *e, uint32_t r)
{
	const struct registration *reg = registration_at(e, r);
	bool ready = reg->active && set_at(e, reg->set)->listed;
	for (uint8_t pos = 0; ready && pos < e->config->limits.set_routes; pos++)
		ready = !member_at(e, reg->set, pos)->listed ||
			health_of(e, r, pos) == KL_CANDIDATE_UP;
	return ready;
}

/* ---- time and actions ---- */

void health_forget(struct kl_engine *e, uint32_t i)
{
	if (!e->slot_nodes)
		return;
	schedule_set(e, slot_node(e, i), KL_NEVER);
	owe_no_more(e, slot_node(e, i), OWES_STATUS | OWES_KEEPALIVE);
}

void health_schedule(struct kl_engine *e, uint32_t i)
{
	const struct slot *slot = slot_at(e, i);
	schedule_set(e, slot_node(e, i), earlier(slot->probe_at, slot->keepalive_at));
}

void health_time(struct kl_engine *e, uint32_t i)
{
	if (slot_at(e, i)->keepalive_at <= e->now)
		keepalive_time(e, i);
	if (slot_at(e, i)->probe_at <= e->now)
		probe_time(e, i);
	health_schedule(e, i);
}

bool health_act(struct kl_engine *e, uint32_t i, struct kl_action *action)
{
	const struct slot *slot = slot_at(e, i);
	struct node *node = node_at(e, slot_node(e, i));
	if (!(node->owes & OWES_STATUS)) {
		node->owes &= (uint16_t)~OWES_KEEPALIVE;
		action->type = KL_DO_KEEPALIVE;
		action->keepalive.route = slot->route;
		return true;
	}
	node->owes &= (uint16_t)~OWES_STATUS;
	action->type = KL_DO_REPORT;
	action->report = (struct kl_report){.type = KL_REPORT_HEALTH,
					    .why = (enum kl_cause)slot->reason.why,
					    .rule = (enum kl_policy_field)slot->reason.rule,
					    .route = slot->route,
					    .fault = (enum kl_fault)slot->reason.fault,
					    .status = slot->reason.status,
					    .ms = slot->reason.ms,
					    .candidate = (enum kl_candidate_status)slot->status};
	return true;
}
