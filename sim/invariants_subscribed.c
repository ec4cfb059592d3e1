/* What subscriptions and seizes are judged by, besides what every request is. */
#include "sim/invariants_private.h"

void invariants_end_seize(struct sim_invariants *inv, uint64_t token, bool taken_back)
{
	struct journey *seize = find_request(inv, token, KL_FOR_SEIZE);

	if (!seize)
		return;
	expect(inv, taken_back || !seize->tx, "a line is seized before its call goes out");
	seize->used = seize->tx;
}

void invariants_see_notify(struct sim_invariants *inv, const struct kl_event_notify *notify)
{
	struct journey *journey = find_request(inv, notify->token, KL_FOR_SUBSCRIPTION);

	if (journey && notify->state == KL_NOTIFIED_TERMINATED)
		journey->redirected = false;
}

void invariants_see_subscription(struct sim_invariants *inv,
				 const struct kl_action_subscription *sub)
{
	struct journey *journey = find_request(inv, sub->token, KL_FOR_SUBSCRIPTION);
	bool serves = sub->to == KL_SUB_ACTIVE || sub->to == KL_SUB_REFRESHING;

	expect(inv, journey, "a subscription ends once");
	if (!journey)
		return;
	expect(inv, !serves || sub->binding.route.port, "an active subscription has a dialog");
	journey->dialog = sub->binding.route;
	if (sub->to == KL_SUB_SUBSCRIBING)
		journey->redirected = false;
	if (sub->to == KL_SUB_ENDED) { /* what it leaves open is abandoned behind this */
		journey->used = journey->tx;
		journey->token = 0;
	}
}
