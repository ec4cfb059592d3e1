/* route.c - route sets: what a pass of the RFC 3263 procedure found, laid over a set's members
 * without moving any that somebody refers to; and what is known of a route. */
#include "engine/route.h"

#include "engine/dns.h"
#include "engine/health.h"
#include "engine/names.h"
#include "engine/pass.h"
#include "engine/schedule.h"
#include "engine/subscription.h"

#include <string.h>

/* ---- members: the candidates laid over the set ---- */

static bool walk_refers_to(const struct walk *walk, uint8_t pos)
{
	return (walk->tried | walk->visited) & bit(pos);
}

/* Does a walk or a registration still mean the route at this place? */
static bool member_in_use(const struct kl_engine *e, uint32_t s, uint8_t pos)
{
	for (uint32_t r = 0; r < e->registration_count; r++) {
		const struct registration *reg = registration_at(e, r);
		if (reg->set != s)
			continue;
		if (reg->current == pos || reg->primary == pos || reg->former == pos ||
		    reg->flow == pos || reg->moved_from == pos || reg->left == pos ||
		    reg->resume == pos || reg->plain == pos)
			return true;
		if (subscription_refers_to(e, r, pos))
			return true;
		if (walk_at(e, r)->state != WALK_FREE && walk_refers_to(walk_at(e, r), pos))
			return true;
		for (uint32_t w = reg->first_request; w != NONE; w = request_at(e, w)->next)
			if (walk_refers_to(walk_at(e, w), pos))
				return true;
	}
	return false;
}

static void slot_release(struct kl_engine *e, uint16_t index)
{
	slot_at(e, index)->refs--;
}

static void member_release(struct kl_engine *e, struct member *member)
{
	slot_release(e, member->slot);
	name_drop(e, member->name);
	*member = (struct member){.used = false};
}

static bool route_equal(const struct kl_route *a, const struct kl_route *b)
{
	return a->port == b->port && a->transport == b->transport && a->tls_name == b->tls_name &&
	       memcmp(a->ip, b->ip, 16) == 0;
}

/* The slot of a route in the table, made if need be; NONE: the table is full. */
static uint32_t slot_take(struct kl_engine *e, const struct kl_route *route)
{
	uint32_t room = NONE;
	for (uint32_t i = 0; i < e->config->limits.routes; i++) {
		struct slot *slot = slot_at(e, i);
		if (slot->refs && route_equal(&slot->route, route)) {
			slot->refs++;
			return i;
		}
		if (!slot->refs && room == NONE)
			room = i;
	}
	if (room == NONE)
		return NONE;
	health_forget(e, room);
	*slot_at(e, room) = (struct slot){.route = *route,
					  .refs = 1,
					  .last_answer_at = KL_NEVER,
					  .last_failure_at = KL_NEVER,
					  .probe_at = KL_NEVER,
					  .keepalive_at = KL_NEVER};
	return room;
}

uint8_t route_find(const struct kl_engine *e, uint32_t set, const struct kl_route *route)
{
	for (uint8_t pos = 0; pos < e->config->limits.set_routes; pos++)
		if (member_at(e, set, pos)->used &&
		    route_equal(&route_slot(e, set, pos)->route, route))
			return pos;
	return NO_POS;
}

static uint8_t member_make(struct kl_engine *e, uint32_t s, const struct kl_route *route)
{
	for (uint8_t pos = 0; pos < e->config->limits.set_routes; pos++) {
		struct member *member = member_at(e, s, pos);
		if (member->used && (member->listed || member_in_use(e, s, pos)))
			continue;
		uint32_t slot = slot_take(e, route);
		if (slot == NONE)
			return NO_POS;
		if (member->used)
			member_release(e, member);
		*member = (struct member){
			.slot = (uint16_t)slot, .born = e->serial + 1, .used = true};
		return pos;
	}
	return NO_POS;
}

static bool member_rewrite(struct kl_engine *e, struct member *member,
			   const struct candidate *candidate, uint8_t seq)
{
	uint32_t kept = name_keep_again(e, candidate->name);
	bool same = member->name == kept && member->record == candidate->record &&
		    member->priority == candidate->priority &&
		    member->weight == candidate->weight && member->rr == candidate->rr &&
		    member->rank == candidate->rank && member->seq == seq;
	name_drop(e, member->name);
	member->name = kept;
	member->ttl_ms = candidate->ttl_ms;
	member->record = candidate->record;
	member->priority = candidate->priority;
	member->weight = candidate->weight;
	member->rr = candidate->rr;
	member->rank = candidate->rank;
	member->seq = seq;
	return !same;
}

uint8_t route_adopt(struct kl_engine *e, uint32_t set, const struct kl_route *route)
{
	uint8_t pos = route_find(e, set, route);
	if (pos == NO_POS)
		pos = member_make(e, set, route);
	if (pos == NO_POS || member_at(e, set, pos)->listed)
		return pos;
	struct member *member = member_at(e, set, pos);
	name_drop(e, member->name);
	member->name = 0;
	member->record = NO_RECORD;
	return pos;
}

/* Lists the candidates, once each.  True if the answer differs from the one before. */
static bool set_list(struct kl_engine *e, uint32_t s, const struct pass *pass)
{
	struct set *set = set_at(e, s);
	uint32_t before = 0, now = 0;
	bool changed = false;
	uint16_t cut = 0;
	for (uint8_t pos = 0; pos < e->config->limits.set_routes; pos++)
		before |= member_at(e, s, pos)->listed ? bit(pos) : 0;
	for (uint8_t i = 0; i < pass->count; i++) {
		uint8_t pos = route_find(e, s, &pass->list[i].route);
		if (pos != NO_POS && now & bit(pos))
			continue; /* named twice: its first place counts */
		if (pos == NO_POS)
			pos = member_make(e, s, &pass->list[i].route);
		if (pos == NO_POS) {
			cut++;
			continue;
		}
		changed |= member_rewrite(e, member_at(e, s, pos), &pass->list[i], i);
		member_at(e, s, pos)->listed = true;
		now |= bit(pos);
	}
	set->listed = 0;
	for (uint8_t pos = 0; pos < e->config->limits.set_routes; pos++) {
		member_at(e, s, pos)->listed = now & bit(pos);
		set->listed = (uint8_t)(set->listed + member_at(e, s, pos)->listed);
	}
	set->cut = cut;
	return changed || now != before;
}

static void set_work_out(struct kl_engine *e, uint32_t s, enum look look)
{
	struct set *set = set_at(e, s);
	struct pass pass = {.e = e, .set = s, .look = look};
	pass_run(&pass, entry_config(e, set->line, set->entry));
	if (look == LOOK_KEEP || (look == LOOK_SETTLE && pass.count == 0))
		return;
	if (pass.full) {
		route_sweep(e);
		pass = (struct pass){.e = e, .set = s, .look = look};
		pass_run(&pass, entry_config(e, set->line, set->entry));
	}
	set->pending = pass.pending;
	set->stale = pass.stale;
	if (pass.pending)
		return;
	set->due |= set->complete == pass.failed;
	set->complete = !pass.failed;
	if (set_list(e, s, &pass)) {
		set->version++;
		set->due = true;
		owe(e, set_node(e, s), OWES_ROUTES);
	}
}

void route_use(struct kl_engine *e, uint32_t s)
{
	if (set_at(e, s)->users++ == 0)
		set_work_out(e, s, LOOK_ASK);
}

void route_leave(struct kl_engine *e, uint32_t s)
{
	set_at(e, s)->users--;
}

void route_demand(struct kl_engine *e, uint32_t s)
{
	const struct set *set = set_at(e, s);
	if (!set->listed || set->pending)
		set_work_out(e, s, set->listed ? LOOK_ASK : LOOK_DEMAND);
}

void route_settle(struct kl_engine *e, uint32_t s)
{
	if (!set_at(e, s)->listed)
		set_work_out(e, s, LOOK_SETTLE);
}

bool route_update(struct kl_engine *e, uint32_t s)
{
	set_work_out(e, s, LOOK_ASK);
	return !set_at(e, s)->pending && !set_at(e, s)->stale;
}

void route_sweep(struct kl_engine *e)
{
	dns_sweep_begin(e);
	for (uint32_t s = 0; s < e->set_count; s++)
		if (set_at(e, s)->users)
			set_work_out(e, s, LOOK_KEEP);
	dns_sweep_end(e);
}

/* ---- what is known of a route ---- */

struct slot *route_slot(const struct kl_engine *e, uint32_t set, uint8_t pos)
{
	return slot_at(e, member_at(e, set, pos)->slot);
}

enum kl_cause route_none_why(const struct kl_engine *e, uint32_t s)
{
	return set_at(e, s)->complete ? KL_WHY_NO_ROUTE : KL_WHY_NO_NAMES;
}

struct slot *route_known(const struct kl_engine *e, const struct kl_route *route)
{
	for (uint32_t i = 0; i < e->config->limits.routes; i++)
		if (slot_at(e, i)->refs && route_equal(&slot_at(e, i)->route, route))
			return slot_at(e, i);
	return NULL;
}

bool route_act(struct kl_engine *e, uint32_t s, struct kl_action *action)
{
	const struct set *set = set_at(e, s);
	struct node *node = node_at(e, set_node(e, s));
	uint32_t r = line_at(e, set->line)->first_registration + set->entry;
	const struct registration *reg = registration_at(e, r);
	bool cut = !(node->owes & OWES_ROUTES);
	node->owes &= (uint16_t) ~(cut ? OWES_CUT : OWES_ROUTES);
	order_refresh(e, r);
	if (!cut && set->cut + reg->order_cut)
		owe(e, set_node(e, s), OWES_CUT);
	action->type = KL_DO_REPORT;
	action->report = (struct kl_report){
		.type = KL_REPORT_ROUTES,
		.why = cut ? KL_WHY_CUT : KL_WHY_NAMES_FOUND,
		.rule = cut && reg->order_cut ? KL_POLICY_record_routes_max : KL_POLICY_none,
		.line = set->line,
		.entry = set->entry,
		.count = cut ? (uint32_t)set->cut + reg->order_cut : reg->order_count,
		.name = entry_config(e, set->line, set->entry)->name};
	return true;
}

/* ---- sets of the configuration ---- */

bool route_same_set(const struct kl_entry_config *a, const struct kl_entry_config *b)
{
	bool same = a->port == b->port && a->transport_choice == b->transport_choice &&
		    name_equal(a->name, b->name) && dns_same_policy(a->policy, b->policy) &&
		    a->more_count == b->more_count;
	for (uint8_t i = 0; same && i < a->more_count; i++)
		same = name_equal(a->more_names[i], b->more_names[i]);
	return same;
}

static const struct kl_entry_config *set_config(const struct kl_engine *e, uint32_t s)
{
	return entry_config(e, set_at(e, s)->line, set_at(e, s)->entry);
}

uint32_t route_find_set(const struct kl_engine *e, const struct kl_entry_config *config)
{
	for (uint32_t s = 0; s < e->set_count; s++)
		if (route_same_set(set_config(e, s), config))
			return s;
	return NONE;
}

uint32_t route_find_manner(const struct kl_engine *e, const struct kl_policy *policy)
{
	for (uint32_t s = 0; s < e->set_count; s++)
		if (dns_same_policy(set_config(e, s)->policy, policy))
			return s;
	return NONE;
}

/* The set of an entry, made if it is the first of its kind. */
static uint32_t set_take(struct kl_engine *e, uint32_t line, uint8_t entry)
{
	uint32_t s = route_find_set(e, entry_config(e, line, entry));
	if (s != NONE)
		return s;
	*set_at(e, e->set_count) = (struct set){.line = line, .entry = entry};
	return e->set_count++;
}

void route_init(struct kl_engine *e)
{
	for (uint32_t r = 0; r < e->registration_count; r++) {
		struct registration *reg = registration_at(e, r);
		reg->set = set_take(e, reg->line, reg->entry);
	}
}
