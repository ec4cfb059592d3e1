#include "engine/pace.h"

#include "engine/registration.h"
#include "engine/schedule.h"

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

kl_ms pace_boot_ms(const struct kl_policy *policy)
{
	return earlier(pace_fleet_ms(policy), policy->boot_spread_ms);
}

/* 10 N/C, which is what random draws begin at.  OWN-5 */
kl_ms pace_probe_ms(const struct kl_policy *policy)
{
	return (fleet_ms(policy, 100) + 8) / 9;
}

/* Its refresh comes early: that finds the route down or, if it has come up again, renews what a
 * server that was down may have forgotten.  OWN-5 */
void pace_leave(struct kl_engine *e, uint32_t r)
{
	struct registration *reg = registration_at(e, r);
	if (reg->state != KL_REGISTERED || !registration_reregisters(e, r) ||
	    reg->refresh_at <= e->now)
		return;
	reg->refresh_at = earlier(reg->refresh_at, pace_take(e, r));
	registration_schedule(e, r);
}

/* A server's Retry-After is obeyed all the same, and so is what waits while a lower entry serves.
 * All who waited for the server come in their turns; of a fleet, over its time.  OWN-5 */
void pace_revive(struct kl_engine *e, uint32_t r)
{
	const struct registration *reg = registration_at(e, r);
	const struct kl_policy *policy = registration_policy(e, r);
	bool own = reg->retry_rule == KL_POLICY_backoff_base_ms ||
		   reg->retry_rule == KL_POLICY_backoff_max_ms ||
		   reg->retry_rule == KL_POLICY_backoff_fixed_ms;
	if (!policy->health_shared || reg->state != KL_BACKING_OFF || reg->active || !own)
		return;
	kl_ms at = pace_take(e, r), spread_ms = pace_fleet_ms(policy);
	if (spread_ms)
		at += random_between(e, 0, spread_ms);
	if (at < reg->retry_at)
		registration_retry_at(e, r, at, KL_POLICY_health_shared);
}
