/* view.c - what anyone may look at, filled by copy. */
#include "engine/flow.h"
#include "engine/health.h"
#include "engine/line.h"
#include "engine/names.h"
#include "engine/registration.h"
#include "engine/route.h"
#include "engine/subscription.h"

static uint32_t find(const struct kl_engine *e, uint32_t line, uint32_t entry)
{
	if (line >= e->config->line_count || entry >= e->config->lines[line].entry_count)
		return NONE;
	return line_at(e, line)->first_registration + entry;
}

/* The routes that can be seen: those of the order and, behind them, a current one that has left
 * the DNS. */
static uint8_t view_pos(const struct kl_engine *e, uint32_t r, uint32_t index)
{
	const struct registration *reg = registration_at(e, r);
	if (index < reg->order_count)
		return order_of(e, r)[index];
	bool hidden = reg->current != NO_POS && order_index(e, r, reg->current) < 0;
	return hidden && index == reg->order_count ? reg->current : NO_POS;
}

static int32_t view_index(const struct kl_engine *e, uint32_t r, uint8_t pos)
{
	for (uint32_t i = 0; pos != NO_POS && view_pos(e, r, i) != NO_POS; i++)
		if (view_pos(e, r, i) == pos)
			return (int32_t)i;
	return -1;
}

static int view_registration(const struct kl_engine *e, uint32_t r, struct kl_entry_view *view)
{
	uint32_t routes = 0;
	if (r == NONE)
		return KL_EINVAL;
	const struct registration *reg = registration_at(e, r);
	while (view_pos(e, flow_first(e, r), routes) != NO_POS)
		routes++;
	*view = (struct kl_entry_view){.state = (enum kl_state)reg->state,
				       .registers = registration_config(e, r)->registers,
				       .active = reg->active,
				       .in_failover = registration_in_failover(e, r),
				       .working = line_working(e, reg->line) == r,
				       .failback_held = reg->held,
				       .redundancy_ready = health_is_ready(e, r),
				       .routes = routes,
				       .current = view_index(e, flow_first(e, r), reg->current),
				       .primary = view_index(e, flow_first(e, r), reg->primary),
				       .failures = reg->failures,
				       .since_at = reg->since_at,
				       .expires_at = reg->expires_at,
				       .refresh_at = reg->refresh_at,
				       .failback_at = reg->failback_at,
				       .retry_at = reg->retry_at,
				       .moved_at = reg->moved_at,
				       .moved_why = (enum kl_cause)reg->moved_why,
				       .moved_fault = (enum kl_fault)reg->moved_fault,
				       .reg_id = flow_reg_id(e, r, reg->current),
				       .outbound = reg->outbound};
	if (reg->moved_from != NO_POS)
		view->moved_from = route_slot(e, reg->set, reg->moved_from)->route;
	return KL_OK;
}

int kl_get_entry(const struct kl_engine *e, uint32_t line, uint32_t entry,
		 struct kl_entry_view *view)
{
	return view_registration(e, find(e, line, entry), view);
}

int kl_get_second_flow(const struct kl_engine *e, uint32_t line, uint32_t entry,
		       struct kl_entry_view *view)
{
	uint32_t r = find(e, line, entry);
	return view_registration(e, r == NONE ? NONE : flow_second(e, r), view);
}

/* Service records as a person counts them: 1 upward in the order of the walk. */
static uint32_t view_record(const struct kl_engine *e, uint32_t r, uint32_t index)
{
	const struct registration *reg = registration_at(e, r);
	uint32_t record = 1;
	for (uint32_t i = 1; i <= index && i < reg->order_count; i++)
		record += member_at(e, reg->set, order_of(e, r)[i])->record !=
			  member_at(e, reg->set, order_of(e, r)[i - 1])->record;
	return record;
}

int kl_get_route(const struct kl_engine *e, uint32_t line, uint32_t entry, uint32_t route,
		 struct kl_route_view *view)
{
	uint32_t r = find(e, line, entry);
	uint8_t pos = r == NONE ? NO_POS : view_pos(e, r, route);
	if (pos == NO_POS)
		return KL_EINVAL;
	const struct registration *reg = registration_at(e, r);
	const struct member *member = member_at(e, reg->set, pos);
	const struct slot *slot = route_slot(e, reg->set, pos);
	*view = (struct kl_route_view){.route = slot->route,
				       .name = name_text(e, member->name),
				       .record = view_record(e, r, route),
				       .rank = member->rank + UINT32_C(1),
				       .place = member->seq,
				       .priority = member->priority,
				       .weight = member->weight,
				       .ttl_ms = member->name ? member->ttl_ms : KL_NEVER,
				       .listed = member->listed,
				       .current = pos == reg->current,
				       .primary = pos == reg->primary,
				       .status = health_of(e, r, pos),
				       .last_status = slot->last_status,
				       .last_fault = (enum kl_fault)slot->last_fault,
				       .last_answer_at = slot->last_answer_at,
				       .last_failure_at = slot->last_failure_at};
	return KL_OK;
}

int kl_get_subscription(const struct kl_engine *e, uint64_t token,
			struct kl_subscription_view *view)
{
	uint32_t s = subscription_find(e, token);
	if (s == NONE)
		return KL_EINVAL;
	const struct subscription *sub = subscription_at(e, s);
	*view = (struct kl_subscription_view){
		.line = sub->line,
		.state = (enum kl_subscription_state)sub->state,
		.failures = sub->failures,
		.expires_at = sub->made_at == KL_NEVER ? KL_NEVER : sub->expires_at,
		.due_at = sub->due_at,
		.binding = subscription_binding(e, s)};
	return KL_OK;
}

void kl_get_engine(const struct kl_engine *e, struct kl_engine_view *view)
{
	*view = (struct kl_engine_view){.calls = e->calls,
					.walks = e->walk_count,
					.ignored = e->ignored,
					.forged = e->forged,
					.link_down = e->link_down};
}
