#include "engine/flow.h"

#include "engine/names.h"
#include "engine/outcome.h"
#include "engine/registration.h"
#include "engine/route.h"

#include <string.h>

/* ---- where they stand ---- */

/* Does a second flow make sense?  It goes by its own REGISTER.  FAIL-2 */
static bool flow_wanted(const struct kl_entry_config *entry)
{
	return entry->registers && entry->policy->reregister_on && entry->policy->flows_max > 1;
}

uint32_t flow_seconds(const struct kl_config *config, uint32_t line)
{
	uint32_t count = 0;
	for (uint8_t i = 0; i < config->lines[line].entry_count; i++)
		count += flow_wanted(&config->lines[line].entries[i]);
	return count;
}

uint32_t flow_registrations(const struct kl_config *config)
{
	uint32_t count = 0;
	for (uint32_t i = 0; i < config->line_count; i++)
		count += config->lines[i].entry_count + flow_seconds(config, i);
	return count;
}

bool flow_any(const struct kl_config *config)
{
	for (uint32_t i = 0; i < config->line_count; i++)
		if (flow_seconds(config, i))
			return true;
	return false;
}

uint32_t flow_of_line(const struct kl_engine *e, uint32_t line)
{
	return e->second_flows_at ? *second_flow_at(e, line) : NONE;
}

void flow_init(struct kl_engine *e, uint32_t first)
{
	for (uint32_t line = 0; e->second_flows_at && line < e->config->line_count; line++) {
		*second_flow_at(e, line) = flow_seconds(e->config, line) ? first : NONE;
		for (uint8_t i = 0; i < e->config->lines[line].entry_count; i++)
			if (flow_wanted(entry_config(e, line, i)))
				registration_init(e, first++, line, i);
	}
}

uint32_t flow_first(const struct kl_engine *e, uint32_t r)
{
	const struct registration *reg = registration_at(e, r);
	return line_at(e, reg->line)->first_registration + reg->entry;
}

bool flow_is_second(const struct kl_engine *e, uint32_t r)
{
	return flow_first(e, r) != r;
}

uint32_t flow_second(const struct kl_engine *e, uint32_t r)
{
	const struct registration *reg = registration_at(e, r);
	uint32_t second = flow_of_line(e, reg->line);
	if (second == NONE || flow_is_second(e, r) || !flow_wanted(registration_config(e, r)))
		return NONE;
	while (registration_at(e, second)->entry != reg->entry)
		second++;
	return second;
}

uint8_t flow_turn_rule(const struct kl_engine *e, uint32_t r)
{
	return flow_is_second(e, r) ? KL_POLICY_flows_max : KL_POLICY_successive;
}

uint32_t flow_reg_id(const struct kl_engine *e, uint32_t r, uint8_t pos)
{
	const struct registration *reg = registration_at(e, r);
	bool is_second = flow_is_second(e, r);
	/* Without a reg-id it goes by the Call-ID of the first: a line that changed places asks for
	 * outbound there once more, and changes back if that is denied. */
	bool plain = pos != NO_POS && pos == reg->plain && !reg->exchanged;
	if (plain || (!is_second && flow_second(e, r) == NONE))
		return 0;
	return is_second != reg->exchanged ? 2 : 1;
}

/* ---- on different servers ---- */

/* By their address.  An IPv4 and an IPv6 address that one record led to may be one host's. */
static bool flow_same_server(const struct kl_engine *e, uint32_t set, uint8_t a, uint8_t b)
{
	const struct member *x = member_at(e, set, a), *y = member_at(e, set, b);
	const uint8_t *ip = route_slot(e, set, a)->route.ip,
		      *other = route_slot(e, set, b)->route.ip;
	if (memcmp(ip, other, 16) == 0)
		return true;
	return x->record != NO_RECORD && x->rank == y->rank && x->record == y->record &&
	       x->rr == y->rr && address_is_v4(ip) != address_is_v4(other);
}

bool flow_bars(const struct kl_engine *e, uint32_t r, uint8_t pos)
{
	if (!flow_is_second(e, r) || pos == registration_at(e, r)->current)
		return false;
	const struct registration *first = registration_at(e, flow_first(e, r));
	return first->current != NO_POS && flow_same_server(e, first->set, pos, first->current);
}

/* Is there a route for the second flow R? */
static bool flow_has_route(const struct kl_engine *e, uint32_t r)
{
	for (uint8_t i = 0; i < registration_at(e, r)->order_count; i++)
		if (!flow_bars(e, r, order_of(e, r)[i]))
			return true;
	return false;
}

/* Has R come to the server that its second flow is at, or on its way to? */
static bool flow_meets(const struct kl_engine *e, uint32_t r, uint32_t second)
{
	const struct registration *reg = registration_at(e, r), *other = registration_at(e, second);
	const struct walk *walk = walk_at(e, second);
	uint8_t to = other->active ? other->current : NO_POS;
	if (walk->state == WALK_SENDING || walk->state == WALK_PROCEEDING)
		to = walk->pos;
	return to != NO_POS && flow_same_server(e, reg->set, to, reg->current);
}

static bool flow_serves(const struct kl_engine *e, uint32_t second)
{
	const struct registration *reg = registration_at(e, second);
	return reg->active && reg->expires_at > e->now &&
	       (reg->state == KL_REGISTERED || reg->state == KL_REFRESHING);
}

bool flow_ready(const struct kl_engine *e, uint32_t r)
{
	uint32_t second = flow_second(e, r);
	return second != NONE && flow_serves(e, second);
}

/* ---- made ---- */

static bool flow_waits(const struct registration *reg)
{
	return reg->state == KL_OFF || reg->state == KL_STANDBY;
}

/* What it has registered is let expire, and what failed is forgotten: it waits for another server
 * of the first flow. */
static void flow_let_expire(struct kl_engine *e, uint32_t second, enum kl_cause why)
{
	if (flow_waits(registration_at(e, second)))
		return;
	registration_stand_by(e, second, why);
	registration_at(e, second)->failures = 0;
}

void flow_look(struct kl_engine *e, uint32_t r)
{
	const struct registration *reg = registration_at(e, r);
	uint32_t second = flow_second(e, r);
	if (second == NONE || reg->state != KL_REGISTERED)
		return;
	order_refresh(e, second);
	if (!reg->outbound) {
		flow_let_expire(e, second, KL_WHY_NO_OUTBOUND);
		return;
	}
	if (flow_meets(e, r, second)) {
		flow_let_expire(e, second, KL_WHY_ONE_SERVER);
		registration_forget(e, second);
	}
	if (flow_waits(registration_at(e, second)) && flow_has_route(e, second))
		registration_take_turn(e, second, KL_WHY_SECOND_FLOW);
}

void flow_stop(struct kl_engine *e, uint32_t r)
{
	uint32_t second = flow_second(e, r);
	if (second != NONE)
		flow_let_expire(e, second, KL_WHY_FIRST_FLOW);
}

void flow_wait(struct kl_engine *e, uint32_t r)
{
	uint32_t second = flow_second(e, r);
	if (second == NONE || flow_serves(e, second))
		return;
	flow_let_expire(e, second, KL_WHY_FIRST_FLOW);
	registration_forget(e, second);
}

/* ---- lost ---- */

static bool stream_ended(const struct reason *reason)
{
	return reason->fault == KL_FAULT_STREAM_LOST || reason->fault == KL_FAULT_KEEPALIVE;
}

/* R, a second flow, has left the route at LEFT, or NO_POS. */
static void flow_drop(struct kl_engine *e, uint32_t r, uint8_t left, const struct reason *reason)
{
	registration_walk_stop(e, r);
	registration_forget(e, r);
	registration_at(e, r)->current = left;
	registration_at(e, r)->failures = 0;
	registration_enter(e, r, KL_FAILING_OVER, reason);
}

/* RFC 5626 4.5: a new flow takes the place of the lost one, with its reg-id.  A route that failed
 * is not tried again before its time; one whose stream ended may be, behind the others. */
static void flow_remake(struct kl_engine *e, uint32_t r, const struct reason *reason)
{
	uint8_t left = registration_at(e, r)->current;
	int index = order_index(e, r, left);
	struct start start = start_anew;
	start.origin = left;
	if (stream_ended(reason) && index >= 0) {
		start.origin = order_of(e, r)[(index + 1) % registration_at(e, r)->order_count];
		start.exact = true;
	} else if (left != NO_POS) {
		start.tried = bit(left);
	}
	registration_walk(e, r, &start);
}

void flow_lost(struct kl_engine *e, uint32_t r, const struct reason *reason)
{
	flow_drop(e, r, registration_at(e, r)->current, reason);
	flow_remake(e, r, reason);
}

/* ---- changing places ---- */

/* What a registrar knows a flow by goes with it. */
static void flow_exchange(struct registration *a, struct registration *b)
{
	const struct registration was = *a;
	a->call_id = b->call_id;
	a->cseq = b->cseq;
	a->outbound = b->outbound;
	b->call_id = was.call_id;
	b->cseq = was.cseq;
	b->outbound = was.outbound;
	a->exchanged = b->exchanged = !was.exchanged;
}

void flow_plain(struct kl_engine *e, uint32_t r, uint8_t pos)
{
	struct registration *reg = registration_at(e, r);
	flow_stop(e, r);
	reg->plain = pos;
	if (reg->exchanged)
		flow_exchange(reg, registration_at(e, flow_second(e, r)));
}

/* R goes on where its second flow, now FLOW no more, is: nothing is sent for it, but a refresh that
 * was under way begins anew. */
static void flow_connect(struct kl_engine *e, uint32_t r, const struct registration *flow,
			 const struct reason *reason)
{
	struct registration *reg = registration_at(e, r);
	registration_connect(e, r, flow->expires_at - e->now, reason);
	reg->former = NO_POS; /* it is the second flow's */
	reg->former_expires_at = KL_NEVER;
	reg->refresh_at = flow->refresh_at;
	registration_schedule(e, r);
	if (flow->state == KL_REFRESHING && reg->state == KL_REGISTERED)
		registration_refresh(e, r, reason);
}

bool flow_take_over(struct kl_engine *e, uint32_t r, uint32_t tried, const struct reason *reason)
{
	struct registration *reg = registration_at(e, r);
	uint32_t second = flow_second(e, r);
	bool leaves = reg->state == KL_OFF || reg->state == KL_STANDBY ||
		      reg->state == KL_LEAVING || reg->state == KL_CLEARING;
	if (leaves || !flow_ready(e, r) || tried & bit(registration_at(e, second)->current))
		return false;
	const struct registration flow = *registration_at(e, second);
	uint8_t left = reg->current;
	if (!registration_walking(e, r))
		walk_at(e, r)->tried = 0; /* that walk was another story */
	registration_walk_stop(e, r);
	if (reg->active && reg->state != KL_FAILING_OVER) {
		reg->left_why = KL_WHY_NONE;
		registration_break_off(e, r, left, reason);
	}
	flow_drop(e, second, left, reason);
	flow_exchange(reg, registration_at(e, second));
	flow_connect(e, r, &flow,
		     &(struct reason){.why = KL_WHY_OTHER_FLOW,
				      .rule = KL_POLICY_flows_max,
				      .pos = flow.current});
	flow_remake(e, second, reason);
	return true;
}

static bool flow_is_best(const struct kl_engine *e, uint32_t r, uint8_t pos, uint32_t better)
{
	const uint8_t *order = order_of(e, r);
	int i = 0, count = registration_at(e, r)->order_count;
	while (i < count && !(better & bit(order[i])))
		i++;
	return i < count && order[i] == pos;
}

bool flow_return(struct kl_engine *e, uint32_t r, uint32_t better, const struct reason *reason)
{
	struct registration *reg = registration_at(e, r);
	uint32_t second = flow_second(e, r);
	if (!flow_ready(e, r) || !flow_is_best(e, r, registration_at(e, second)->current, better))
		return false;
	struct registration *other = registration_at(e, second);
	const struct registration flow = *other;
	struct reason back = *reason;
	back.pos = flow.current;
	registration_walk_stop(e, second);
	other->current = other->primary = other->flow = reg->current;
	other->expires_at = reg->expires_at;
	other->refresh_at = reg->refresh_at;
	flow_exchange(reg, other);
	registration_enter(e, r, KL_FAILING_BACK, &back);
	flow_connect(e, r, &flow, &back);
	if (other->state == KL_REFRESHING)
		registration_enter(e, second, KL_REGISTERED, &back);
	registration_schedule(e, second);
	return true;
}
