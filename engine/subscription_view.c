/* What others ask of a subscription, or of a walk that may be one's. */
#include "engine/request.h"
#include "engine/route.h"
#include "engine/seize.h"
#include "engine/subscription.h"

uint32_t subscription_find(const struct kl_engine *e, uint64_t token)
{
	for (uint32_t i = 0; i < e->config->line_count; i++)
		for (uint32_t s = line_at(e, i)->first_subscription; s != NONE;
		     s = subscription_at(e, s)->next)
			if (subscription_at(e, s)->token == token &&
			    subscription_at(e, s)->state != KL_SUB_ENDED)
				return s;
	return NONE;
}

struct kl_binding subscription_binding(const struct kl_engine *e, uint32_t s)
{
	const struct subscription *sub = subscription_at(e, s);
	const struct registration *reg = registration_at(e, sub->registration);
	struct kl_binding binding = {
		.line = reg->line, .entry = reg->entry, .redirected = sub->redirected};
	if (subscription_has_dialog(sub))
		binding.route = route_slot(e, reg->set, sub->pos)->route;
	return binding;
}

bool subscription_in_dialog(const struct kl_engine *e, uint32_t w)
{
	return subscription_purpose(e, w) == KL_FOR_REFRESH;
}

/* The subscription that W was opened for, and still serves; NONE: none. */
static uint32_t subscription_of(const struct kl_engine *e, uint32_t w)
{
	bool owned = walk_at(e, w)->method == KL_SUBSCRIBE &&
		     request_at(e, w)->owner == OWNER_SUBSCRIPTION;
	return owned ? request_at(e, w)->owned : NONE;
}

enum kl_purpose subscription_purpose(const struct kl_engine *e, uint32_t w)
{
	uint32_t s = subscription_of(e, w);
	if (s != NONE)
		return subscription_has_dialog(subscription_at(e, s)) ? KL_FOR_REFRESH
								      : KL_FOR_SUBSCRIPTION;
	return seize_owns(e, w) ? KL_FOR_SEIZE : KL_FOR_ITSELF;
}

kl_ms subscription_expires_ms(const struct kl_engine *e, uint32_t w)
{
	uint32_t s = subscription_of(e, w);
	if (s == NONE)
		return seize_owns(e, w)
			       ? registration_policy(e, walk_at(e, w)->registration)->line_seize_ms
			       : 0;
	const struct subscription *sub = subscription_at(e, s);
	return sub->state == KL_SUB_LEAVING ? 0 : sub->asks_ms;
}

bool subscription_too_brief(struct kl_engine *e, uint32_t w, kl_ms min_expires_ms)
{
	uint32_t s = subscription_of(e, w);
	if (s == NONE || subscription_at(e, s)->state == KL_SUB_LEAVING)
		return false;
	subscription_at(e, s)->asks_ms = (uint32_t)min_expires_ms;
	return true;
}

bool subscription_refers_to(const struct kl_engine *e, uint32_t r, uint8_t pos)
{
	for (uint32_t s = line_at(e, registration_at(e, r)->line)->first_subscription; s != NONE;
	     s = subscription_at(e, s)->next) {
		const struct subscription *sub = subscription_at(e, s);
		if (sub->registration == r && (sub->pos == pos || sub->reason.pos == pos))
			return true;
	}
	return false;
}
