#include "engine/pace.h"

kl_ms pace_take(struct kl_engine *e, uint32_t r)
{
	uint32_t arrivals = registration_policy(e, r)->arrivals_max;
	kl_ms at = e->pace_at > e->now ? e->pace_at : e->now;
	if (!arrivals)
		return e->now;
	e->pace_at = at + (1000 + arrivals - 1) / arrivals;
	return at;
}

/* So long COUNT requests of each line take at a server. */
static kl_ms fleet_ms(const struct kl_policy *policy, uint32_t count)
{
	if (!policy->fleet_capacity)
		return 0;
	return UINT64_C(1000) * policy->fleet_lines * count / policy->fleet_capacity;
}

kl_ms pace_fleet_ms(const struct kl_policy *policy)
{
	return fleet_ms(policy, 2);
}

/* 10 N/C, which is what random draws begin at.  OWN-5 */
kl_ms pace_probe_ms(const struct kl_policy *policy)
{
	return (fleet_ms(policy, 100) + 8) / 9;
}
