#include "engine/hedge.h"

#include "engine/outcome.h"
#include "engine/registration.h"
#include "engine/subscription.h"

/* Leads away from the current route. */
static struct start hedge_start(const struct kl_engine *e, uint32_t r)
{
	struct start start = start_anew;
	start.origin = registration_at(e, r)->current;
	start.tried = bit(start.origin);
	return start;
}

void hedge_begin(struct kl_engine *e, uint32_t r, const struct reason *reason)
{
	const struct registration *reg = registration_at(e, r);
	struct start start = hedge_start(e, r);
	if (reg->state != KL_REGISTERED || !registration_reregisters(e, r) ||
	    reason->pos != reg->current)
		return;
	start.more = true; /* the current route stands behind them all */
	registration_enter(e, r, KL_DOUBTING, reason);
	registration_walk(e, r, &start);
}

void hedge_accepted(struct kl_engine *e, uint32_t r, uint8_t pos, kl_ms granted_ms)
{
	registration_at(e, r)->pledge = pos;
	registration_at(e, r)->pledged_until = e->now + granted_ms;
}

/* Servers that share a registrar have heard of the other route last: the line registers with its
 * own again, at once. */
void hedge_end(struct kl_engine *e, uint32_t r)
{
	struct registration *reg = registration_at(e, r);
	bool pledged = reg->pledge != NO_POS;
	registration_walk_stop(e, r);
	if (pledged)
		reg->refresh_at = e->now;
	registration_enter(e, r, KL_REGISTERED,
			   &(struct reason){.why = KL_WHY_HEARD,
					    .rule = KL_POLICY_first_silence,
					    .pos = reg->current});
	registration_wake_requests(e, r);
	subscription_registered(e, r);
	registration_routes_changed(e, r);
}

void hedge_commit(struct kl_engine *e, uint32_t r, const struct reason *reason)
{
	struct registration *reg = registration_at(e, r);
	uint8_t pledge = reg->pledge, left = reg->current;
	const struct start start = hedge_start(e, r);
	reg->left_why = KL_WHY_NONE;
	registration_break_off(e, r, left, reason);
	if (pledge != NO_POS && reg->pledged_until > e->now) {
		registration_connect(
			e, r, reg->pledged_until - e->now,
			&(struct reason){.why = KL_WHY_ACCEPTED, .pos = pledge, .status = 200});
	} else if (registration_walking(e, r)) {
		walk_at(e, r)->more = false;
	} else {
		registration_walk(e, r, &start);
	}
}
