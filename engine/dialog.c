/* dialog.c - which server may be spoken with inside dialogs, and who may begin one (FAIL-5, FAIL-6,
 * CALL-2, TRIG-10). */
#include "engine/dialog.h"

#include "engine/flow.h"
#include "engine/health.h"
#include "engine/line.h"
#include "engine/outcome.h"
#include "engine/registration.h"
#include "engine/route.h"

#include <string.h>

static uint32_t binding_registration(const struct kl_engine *e, const struct kl_binding *binding)
{
	if (binding->line >= e->config->line_count ||
	    binding->entry >= e->config->lines[binding->line].entry_count)
		return NONE;
	return line_at(e, binding->line)->first_registration + binding->entry;
}

/* EA 66546: the rule needs failRegistrationOn, too; the Poly guide dropped that; Yealink: it needs
 * a failback mode that waits.  FAIL-5, YEA-6 */
bool dialog_strict(const struct kl_engine *e, uint32_t r)
{
	const struct kl_policy *policy = registration_policy(e, r);
	return policy->only_signal_with_registered && registration_reregisters(e, r) &&
	       (policy->fail_registration_on || !policy->only_signal_needs_drop) &&
	       (kl_policy_failback_mode(policy) != KL_FAILBACK_NEW_REQUESTS ||
		!policy->only_signal_needs_mode);
}

static bool dialog_is_at(const struct kl_engine *e, uint32_t r, uint8_t pos)
{
	const struct registration *reg = registration_at(e, r);
	return reg->active && pos != NO_POS && reg->current == pos;
}

/* By whichever flow.  OWN-6 */
static bool dialog_registered(const struct kl_engine *e, uint32_t r, uint8_t pos)
{
	uint32_t second = flow_second(e, r);
	return dialog_is_at(e, r, pos) || (second != NONE && dialog_is_at(e, second, pos));
}

/* EA 66546: a call of a server that failed over is not signalled to it; Poly guide: no message is
 * sent to a server without the registration.  A call that was placed where there was none (FALL-4)
 * can be hung up there; a redirected one never was at a route of the entry.  FAIL-5, FAIL-6 */
bool kl_may_signal(const struct kl_engine *e, const struct kl_binding *binding)
{
	uint32_t r = binding_registration(e, binding);
	if (r == NONE)
		return false;
	const struct registration *reg = registration_at(e, r);
	if (!dialog_strict(e, r) || binding->redirected || (!reg->active && binding->unregistered))
		return true;
	return dialog_registered(e, r, route_find(e, reg->set, &binding->route));
}

/* Is the route at POS one of the entry, and its address IP? */
static bool dialog_comes_from(const struct kl_engine *e, uint32_t r, uint8_t pos,
			      const uint8_t ip[16])
{
	const struct registration *reg = registration_at(e, r);
	const struct member *member = member_at(e, reg->set, pos);
	bool known = member->listed || pos == reg->current || pos == reg->former ||
		     dialog_registered(e, r, pos);
	return member->used && known && memcmp(route_slot(e, reg->set, pos)->route.ip, ip, 16) == 0;
}

/* What one entry says of an address.  *POS is the route that it is taken for. */
static enum kl_acceptance dialog_judge(const struct kl_engine *e, uint32_t r, const uint8_t ip[16],
				       uint8_t *pos)
{
	enum kl_acceptance best = KL_REFUSE;
	for (uint8_t i = 0; i < e->config->limits.set_routes; i++) {
		if (!dialog_comes_from(e, r, i, ip))
			continue;
		bool good = dialog_registered(e, r, i);
		if (good || best == KL_REFUSE)
			*pos = i;
		if (good || !dialog_strict(e, r))
			best = KL_ACCEPT;
		else if (best == KL_REFUSE)
			best = KL_DROP;
	}
	return best;
}

static void dialog_bind(const struct kl_engine *e, uint32_t r, const struct kl_route *route,
			struct kl_binding *binding)
{
	const struct registration *reg = registration_at(e, r);
	bool registered = dialog_registered(e, r, route_find(e, reg->set, route));
	if (binding)
		*binding = (struct kl_binding){reg->line, reg->entry, *route, !registered, false};
}

/* TB 5844: calls come from any server that the line is registered with.  CALL-2, FALL-1 */
enum kl_acceptance kl_may_accept(const struct kl_engine *e, uint32_t line,
				 const struct kl_route *source, struct kl_binding *binding)
{
	enum kl_acceptance best = KL_REFUSE;
	if (line >= e->config->line_count || !line_at(e, line)->started)
		return KL_REFUSE;
	uint32_t first = line_at(e, line)->first_registration, working = line_working(e, line);
	for (uint32_t r = first; r < first + e->config->lines[line].entry_count; r++) {
		uint8_t pos = NO_POS;
		enum kl_acceptance now = dialog_judge(e, r, source->ip, &pos);
		bool registered = dialog_registered(e, r, pos);
		if (now == KL_ACCEPT && (best != KL_ACCEPT || registered))
			dialog_bind(e, r, &route_slot(e, registration_at(e, r)->set, pos)->route,
				    binding);
		if (registered)
			return KL_ACCEPT;
		if (best == KL_REFUSE || now == KL_ACCEPT)
			best = now;
	}
	if (best != KL_REFUSE || registration_policy(e, first)->refuse_strangers)
		return best;
	dialog_bind(e, working == NONE ? first : working, source, binding);
	return KL_ACCEPT;
}

static bool dialog_failure_makes_sense(const struct kl_event_dialog *event)
{
	if (event->status)
		return event->status == 408 || event->status == 503;
	return event->fault != KL_FAULT_NONE && (uint32_t)event->fault < KL_FAULTS_MAX;
}

int dialog_feed_failed(struct kl_engine *e, const struct kl_event_dialog *event)
{
	uint32_t r = binding_registration(e, &event->binding);
	if (r == NONE || !dialog_failure_makes_sense(event))
		return KL_EINVAL;
	const struct registration *reg = registration_at(e, r);
	struct reason reason = {.why = KL_WHY_FAULT,
				.pos = route_find(e, reg->set, &event->binding.route),
				.ms = (uint32_t)earlier(event->ms, UINT32_MAX)};
	if (event->status == 408) {
		reason.why = KL_WHY_NO_ANSWER;
	} else if (event->status == 503) {
		reason.why = KL_WHY_STATUS_503;
		reason.rule = KL_POLICY_failover_on_503;
		reason.status = 503;
	} else {
		reason.fault = (uint8_t)event->fault;
	}
	if (reason.pos == NO_POS || registration_frozen(e, r) ||
	    (event->status == 503 && !registration_policy(e, r)->failover_on_503))
		return KL_IGNORED;
	bool learned = health_failed(e, r, &reason);
	bool moved = registration_dialog_failed(e, r, reason.pos, &reason);
	uint32_t second = flow_second(e, r);
	if (!moved && second != NONE)
		moved = registration_dialog_failed(e, second, reason.pos, &reason);
	return learned || moved ? KL_OK : KL_IGNORED;
}
