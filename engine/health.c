#include "engine/health.h"

#include "engine/doubt.h"
#include "engine/keepalive.h"
#include "engine/pace.h"
#include "engine/probe.h"
#include "engine/registration.h"
#include "engine/request.h"
#include "engine/route.h"
#include "engine/schedule.h"

/* ---- what happened ---- */

static uint32_t slot_of(const struct kl_engine *e, uint32_t r, uint8_t pos)
{
	return member_at(e, registration_at(e, r)->set, pos)->slot;
}

bool health_needs_timers(const struct kl_policy *policy)
{
	return policy->probe_ms || policy->keepalive_ms || policy->first_silence;
}

/* An outage begins, or a time without one.  A route that was up for long is forgiven what was
 * before.  OWN-1 */
static void watch_turn(struct kl_engine *e, uint32_t i, uint32_t r, bool up)
{
	struct watch *watch = watch_at(e, i);
	if (up) {
		watch->up_at = e->now;
		watch->misses = 0;
		return;
	}
	if (watch->up_at != KL_NEVER &&
	    e->now - watch->up_at >= registration_policy(e, r)->hold_down_calm_ms)
		watch->outages = 0;
	if (watch->outages < UINT8_MAX)
		watch->outages++;
	watch->up_at = KL_NEVER;
}

/* A status changes only by what is learned, for R, while somebody probes. */
static bool health_set(struct kl_engine *e, uint32_t i, uint32_t r, enum kl_candidate_status status,
		       const struct reason *reason)
{
	struct slot *slot = slot_at(e, i);
	if (slot->status == status || !(slot->probing || slot->probe_at != KL_NEVER))
		return false;
	bool back = slot->status == KL_CANDIDATE_DOWN;
	slot->status = (uint8_t)status;
	slot->reason = *reason;
	owe(e, slot_node(e, i), OWES_STATUS);
	watch_turn(e, i, r, status == KL_CANDIDATE_UP);
	for (uint32_t other = 0; back && other < e->registration_count; other++)
		if (probe_pos(e, other, i) != NO_POS)
			pace_revive(e, other);
	return true;
}

/* CS-18-10: network or other connection problems.  PROBE-3.  Who shares what is known takes 503
 * alone for it: an answer of whatever kind is a sign of life, and 503 asks to go elsewhere.  OWN-2
 */
static bool status_is_down(const struct kl_policy *policy, uint16_t status)
{
	return policy->health_shared ? status == 503 : status >= 500 || status == 408;
}

/* Of the answers to other requests those to REGISTER count: a 2xx says up (PROBE-7); where health
 * is shared all do (OWN-2).  A probe's says more: see health_probed(). */
void health_answered(struct kl_engine *e, uint32_t w, uint16_t status)
{
	uint32_t r = walk_at(e, w)->registration, i = slot_of(e, r, walk_at(e, w)->pos);
	const struct kl_policy *policy = registration_policy(e, r);
	const struct reason reason = {.why = KL_WHY_ANSWERED, .status = status};
	doubt_measure(e, w, status);
	slot_at(e, i)->last_answer_at = e->now;
	slot_at(e, i)->last_status = status;
	doubt_look(e, i);
	if (request_is_probe(e, w) ||
	    (walk_at(e, w)->method != KL_REGISTER && !policy->health_shared))
		return;
	if (status_is_down(policy, status))
		health_set(e, i, r, KL_CANDIDATE_DOWN, &reason);
	else if (policy->health_shared || (status >= 200 && status < 300))
		health_set(e, i, r, KL_CANDIDATE_UP, &reason);
}

/* Whoever shares what is known takes it for a sign of life.  OWN-2 */
void health_answered_late(struct kl_engine *e, uint32_t r, uint8_t pos, uint16_t status)
{
	const struct reason reason = {.why = KL_WHY_ANSWERED, .status = status};
	if (registration_policy(e, r)->health_shared)
		health_set(e, slot_of(e, r, pos), r, KL_CANDIDATE_UP, &reason);
}

/* The lines on a route that went down leave it, in their turns.  A 503 is said to one request:
 * those of others leave as they come.  OWN-2, OWN-5 */
static void health_desert(struct kl_engine *e, uint32_t i)
{
	for (uint32_t r = 0; r < e->registration_count; r++) {
		const struct registration *reg = registration_at(e, r);
		if (reg->current != NO_POS && slot_of(e, r, reg->current) == i &&
		    health_shuns(e, r))
			pace_leave(e, r);
	}
}

bool health_failed(struct kl_engine *e, uint32_t r, const struct reason *reason)
{
	uint32_t i = slot_of(e, r, reason->pos);
	slot_at(e, i)->last_failure_at = e->now;
	slot_at(e, i)->last_fault = reason->fault;
	bool doubted = doubt_look(e, i);
	if (registration_frozen(e, r)) /* PROBE-9 */
		return doubted;
	bool changed = health_set(e, i, r, KL_CANDIDATE_DOWN, reason);
	if (changed && reason->why != KL_WHY_STATUS_503)
		health_desert(e, i);
	return probe_hasten(e, i, r) || changed || doubted;
}

/* RFC 3261 21.5.4: a server that is overloaded or maintained should not get other requests for a
 * time.  That it answers OPTIONS meanwhile, as many do, says nothing of calls.  OWN-2 */
static bool health_refuses(const struct kl_engine *e, uint32_t i, uint32_t r)
{
	const struct slot *slot = slot_at(e, i);
	const struct kl_policy *policy = registration_policy(e, r);
	return policy->health_shared && slot->status == KL_CANDIDATE_DOWN &&
	       slot->reason.status == 503 && slot->reason.rule != KL_POLICY_probe_ms &&
	       e->now < slot->last_failure_at + policy->hold_down_ms;
}

bool health_probed(struct kl_engine *e, uint32_t i, uint32_t r, uint16_t status)
{
	const struct reason reason = {
		.why = KL_WHY_ANSWERED, .rule = KL_POLICY_probe_ms, .status = status};
	bool up = status && !status_is_down(registration_policy(e, r), status);
	if (up && health_refuses(e, i, r))
		return false;
	if (status)
		health_set(e, i, r, up ? KL_CANDIDATE_UP : KL_CANDIDATE_DOWN, &reason);
	if (!up && watch_at(e, i)->misses < UINT8_MAX)
		watch_at(e, i)->misses++;
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

/* A route that flaps is held down twice as long with each outage.  OWN-1 */
static kl_ms health_hold_down_ms(const struct kl_engine *e, uint32_t r, uint32_t i)
{
	const struct kl_policy *policy = registration_policy(e, r);
	kl_ms most_ms = policy->hold_down_max_ms, ms = policy->hold_down_ms;
	for (uint8_t n = 1; n < watch_at(e, i)->outages && ms < most_ms; n++)
		ms *= 2;
	return policy->hold_down_ms < most_ms ? earlier(ms, most_ms) : policy->hold_down_ms;
}

bool health_on_trial(const struct kl_engine *e, uint32_t r, uint32_t i)
{
	const struct watch *watch = watch_at(e, i);
	return watch->outages && watch->up_at != KL_NEVER &&
	       e->now < watch->up_at + health_hold_down_ms(e, r, i);
}

/* From then on R may return to the route at POS; KL_NEVER: as things are it may not. */
static kl_ms health_return_at(const struct kl_engine *e, uint32_t r, uint8_t pos)
{
	uint32_t i = slot_of(e, r, pos);
	if (health_of(e, r, pos) != KL_CANDIDATE_UP || health_held_off(e, r, pos))
		return KL_NEVER;
	return watch_at(e, i)->up_at + health_hold_down_ms(e, r, i);
}

uint32_t health_better(const struct kl_engine *e, uint32_t r)
{
	uint32_t better = order_better(e, r, registration_at(e, r)->current);
	for (uint8_t pos = 0; pos < e->config->limits.set_routes; pos++)
		if (better & bit(pos) && health_return_at(e, r, pos) > e->now)
			better &= ~bit(pos);
	return better;
}

kl_ms health_better_at(const struct kl_engine *e, uint32_t r)
{
	uint32_t better = order_better(e, r, registration_at(e, r)->current);
	kl_ms at = KL_NEVER;
	for (uint8_t pos = 0; pos < e->config->limits.set_routes; pos++)
		if (better & bit(pos))
			at = earlier(at, health_return_at(e, r, pos));
	return at;
}

uint32_t health_prefer(const struct kl_engine *e, uint32_t r, uint32_t routes)
{
	uint32_t well = routes;
	if (!e->slot_nodes || !registration_policy(e, r)->health_shared)
		return routes;
	for (uint8_t pos = 0; pos < e->config->limits.set_routes; pos++)
		if (routes & bit(pos) && health_of(e, r, pos) == KL_CANDIDATE_DOWN)
			well &= ~bit(pos);
	return well ? well : routes;
}

bool health_shuns(const struct kl_engine *e, uint32_t r)
{
	const struct registration *reg = registration_at(e, r);
	if (!e->slot_nodes || !registration_policy(e, r)->health_shared || reg->current == NO_POS ||
	    health_of(e, r, reg->current) != KL_CANDIDATE_DOWN)
		return false;
	uint8_t first = order_first(e, r);
	return first != NO_POS && health_of(e, r, first) != KL_CANDIDATE_DOWN;
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
	*watch_at(e, i) =
		(struct watch){.up_at = KL_NEVER, .doubted_at = KL_NEVER, .doubt_at = KL_NEVER};
}

void health_schedule(struct kl_engine *e, uint32_t i)
{
	const struct slot *slot = slot_at(e, i);
	kl_ms at = earlier(slot->probe_at, slot->keepalive_at);
	schedule_set(e, slot_node(e, i), earlier(at, watch_at(e, i)->doubt_at));
}

void health_time(struct kl_engine *e, uint32_t i)
{
	if (slot_at(e, i)->keepalive_at <= e->now)
		keepalive_time(e, i);
	if (slot_at(e, i)->probe_at <= e->now)
		probe_time(e, i);
	if (watch_at(e, i)->doubt_at <= e->now)
		doubt_time(e, i);
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
