#include "engine/keepalive.h"

#include "engine/health.h"
#include "engine/schedule.h"

static bool keepalive_carries(const struct kl_engine *e, uint32_t r, uint32_t i)
{
	const struct registration *reg = registration_at(e, r);
	return reg->active && reg->flow != NO_POS && member_at(e, reg->set, reg->flow)->slot == i;
}

/* The shortest interval of the registrations that slot I carries; KL_NEVER: none. */
static kl_ms keepalive_interval_ms(const struct kl_engine *e, uint32_t i)
{
	kl_ms least_ms = KL_NEVER;
	for (uint32_t r = 0; r < e->registration_count; r++) {
		kl_ms ms = registration_policy(e, r)->keepalive_ms;
		if (ms && keepalive_carries(e, r, i))
			least_ms = earlier(least_ms, ms);
	}
	return least_ms;
}

void keepalive_begin(struct kl_engine *e, uint32_t r)
{
	const struct registration *reg = registration_at(e, r);
	kl_ms ms = registration_policy(e, r)->keepalive_ms;
	uint32_t i = member_at(e, reg->set, reg->flow)->slot;
	if (!ms)
		return;
	slot_at(e, i)->keepalive_at = earlier(slot_at(e, i)->keepalive_at, e->now + ms);
	health_schedule(e, i);
}

/* One for the route, however many registrations it carries; none without a network. */
void keepalive_time(struct kl_engine *e, uint32_t i)
{
	kl_ms ms = keepalive_interval_ms(e, i);
	slot_at(e, i)->keepalive_at = ms == KL_NEVER ? KL_NEVER : e->now + ms;
	if (ms != KL_NEVER && !e->link_down)
		owe(e, slot_node(e, i), OWES_KEEPALIVE);
}
