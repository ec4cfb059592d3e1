#include "engine/hedge.h"

#include "engine/flow.h"
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
	struct registration *reg = registration_at(e, r);
	if (reg->state != KL_REGISTERED || !registration_reregisters(e, r) || reg->try_better ||
	    registration_policy(e, r)->fail_registration_on || reason->pos != reg->current ||
	    flow_ready(e, r)) /* it is registered elsewhere as it is */
		return;
	struct start start = hedge_start(e, r);
	start.more = true; /* the current route stands behind them all */
	reg->former = NO_POS;
	registration_enter(e, r, KL_DOUBTING, reason);
	registration_walk(e, r, &start);
}

void hedge_accepted(struct kl_engine *e, uint32_t r, uint8_t pos, kl_ms granted_ms)
{
	registration_at(e, r)->former = pos;
	registration_at(e, r)->former_expires_at = e->now + granted_ms;
}

/* Servers that share a registrar have heard of the other route last: the line registers with its
 * own again, at once. */
void hedge_end(struct kl_engine *e, uint32_t r, enum kl_cause why)
{
	struct registration *reg = registration_at(e, r);
	const struct reason reason = {.why = (uint8_t)why,
				      .rule = why == KL_WHY_LINK_DOWN
						      ? KL_POLICY_freeze_without_link
						      : KL_POLICY_first_silence,
				      .pos = reg->current};
	bool twice = reg->former != NO_POS;
	registration_walk_stop(e, r);
	reg->former = NO_POS;
	registration_enter(e, r, KL_REGISTERED, &reason);
	if (twice)
		registration_refresh(e, r, &reason);
	registration_wake_requests(e, r);
	subscription_registered(e, r);
	registration_routes_changed(e, r);
}

void hedge_commit(struct kl_engine *e, uint32_t r, const struct reason *reason)
{
	struct registration *reg = registration_at(e, r);
	uint8_t accepted = reg->former, left = reg->current;
	kl_ms until = reg->former_expires_at;
	const struct start start = hedge_start(e, r);
	if (accepted == NO_POS && flow_take_over(e, r, 0, reason))
		return;
	reg->left_why = KL_WHY_NONE;
	registration_break_off(e, r, left, reason);
	if (accepted != NO_POS && until > e->now) {
		registration_connect(
			e, r, until - e->now,
			&(struct reason){.why = KL_WHY_ACCEPTED, .pos = accepted, .status = 200});
	} else if (registration_walking(e, r)) {
		walk_at(e, r)->more = false;
	} else {
		registration_walk(e, r, &start);
	}
}
