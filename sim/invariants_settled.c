/* What is looked at when all actions of an event are done, and in the end. */
#include "sim/invariants_private.h"

/* When the engine must wake for it at the latest. */
static kl_ms due_at(const struct journey *journey, const struct kl_policy *policy)
{
	kl_ms gap_ms = rfc_gap_ms(policy, journey->method, journey->attempt);

	if (journey->route.transport != KL_UDP || journey->provisional)
		return KL_NEVER - 1;
	if (policy->retry_gap_ms > gap_ms)
		gap_ms = policy->retry_gap_ms;
	return journey->sent_at + gap_ms;
}

/* ---- when all is done -------------------------------------------------------------------- */

/* The calls that hold a failback of the entry back. */
static uint32_t calls_that_count(const struct sim_invariants *inv, uint32_t line, uint32_t entry)
{
	const struct kl_policy *policy = entry_of(inv, line, entry)->policy;
	bool enhanced = policy->enhanced && policy->reregister_on;
	uint32_t calls = 0;

	for (uint32_t i = 0; i < inv->config->line_count; i++) {
		bool group = inv->config->lines[i].group == inv->config->lines[line].group;

		if (enhanced || policy->idle_scope == KL_IDLE_PHONE ||
		    (policy->idle_scope == KL_IDLE_LINE && i == line) ||
		    (policy->idle_scope == KL_IDLE_GROUP && group))
			calls += line_of(inv, i)->calls;
	}
	return calls;
}

static void check_returns(struct sim_invariants *inv, uint32_t line)
{
	struct line_seen *seen = line_of(inv, line);

	for (uint32_t entry = 0; seen->returned >> entry; entry++)
		if (seen->returned >> entry & 1)
			expect(inv,
			       calls_that_count(inv, line, entry) <= (seen->asked >> entry & 1),
			       "no failback begins in a call");
	seen->returned = seen->asked = 0;
}

/* Where servers share registrations, and the line follows its calls, it has registered where they
 * go. OWN-8 */
static bool has_followed(const struct sim_invariants *inv, const struct kl_engine *e, uint32_t line,
			 uint32_t entry)
{
	const struct kl_entry_config *config = entry_of(inv, line, entry);
	struct registration_seen *reg = registration_of(inv, line, entry);
	struct kl_entry_view view;
	struct kl_route_view current;

	kl_get_entry(e, line, entry, &view);
	return !config->policy->register_follows || config->policy->reregister_on ||
	       !config->registers || view.state != KL_REGISTERED ||
	       kl_get_route(e, line, entry, (uint32_t)view.current, &current) != KL_OK ||
	       reg->routes[invariants_number_of(reg, &current.route)].registered_until > inv->now;
}

/* What holds of either flow. */
static void check_registration(struct sim_invariants *inv, const struct kl_entry_view *view,
			       const struct journey *journey, kl_ms deadline)
{
	const struct kl_policy *policy = entry_of(inv, journey->line, journey->entry)->policy;
	bool frozen = inv->frozen && policy->freeze_without_link;
	bool rests = view->state == KL_OFF || view->state == KL_RESOLVING ||
		     view->state == KL_REGISTERED || view->state == KL_BACKING_OFF ||
		     view->state == KL_STANDBY;

	expect(inv, frozen || !view->active || view->expires_at > inv->now,
	       "an active registration has not run out");
	expect(inv, view->state != KL_REGISTERED || view->active,
	       "a registered line has an active registration");
	expect(inv, !rests || !journey->tx, "a line at rest has no REGISTER open");
	if (journey->tx)
		expect(inv, deadline <= due_at(journey, policy),
		       "the engine wakes for what is open");
	if (frozen)
		return;
	expect(inv, view->state != KL_REGISTERED || deadline <= view->refresh_at,
	       "a registered line wakes for its refresh");
	expect(inv, view->state != KL_BACKING_OFF || deadline <= view->retry_at,
	       "a line that backs off wakes for its next try");
}

static void check_entry(struct sim_invariants *inv, const struct kl_engine *e, uint32_t line,
			uint32_t entry, kl_ms deadline)
{
	const struct registration_seen *reg = registration_of(inv, line, entry);
	struct kl_entry_view view, second;

	kl_get_entry(e, line, entry, &view);
	check_registration(inv, &view, &reg->flows[0].journey, deadline);
	if (kl_get_second_flow(e, line, entry, &second) == KL_OK)
		check_registration(inv, &second, &reg->flows[1].journey, deadline);
	invariants_check_flows(inv, e, line, entry);
	expect(inv, !view.in_failover || view.current != view.primary,
	       "in failover the current route is not the primary one");
	expect(inv, view.state != KL_REGISTERED || view.current >= 0,
	       "a registered line has a route");
	if (inv->frozen && entry_of(inv, line, entry)->policy->freeze_without_link)
		return;
	expect(inv, has_followed(inv, e, line, entry), "a line is registered where its calls go");
	expect(inv, !view.failback_held || calls_that_count(inv, line, entry) > 0,
	       "a failback waits for calls alone");
}

/* Has the subscription a SUBSCRIBE under way? */
static bool is_under_way(const struct kl_engine *e, const struct journey *journey)
{
	struct kl_subscription_view view;

	return kl_get_subscription(e, journey->token, &view) == KL_OK &&
	       (view.state == KL_SUB_SUBSCRIBING || view.state == KL_SUB_REFRESHING ||
		view.state == KL_SUB_LEAVING);
}

static void check_subscription(struct sim_invariants *inv, const struct kl_engine *e,
			       const struct journey *journey, kl_ms deadline)
{
	struct kl_subscription_view view;
	bool known = kl_get_subscription(e, journey->token, &view) == KL_OK;

	expect(inv, known, "a subscription that is wanted is there");
	if (!known || inv->frozen)
		return;
	expect(inv, (view.state != KL_SUB_WAITING && view.state != KL_SUB_ACTIVE) || !journey->tx,
	       "a subscription at rest has no SUBSCRIBE open");
	expect(inv, view.state != KL_SUB_ACTIVE || view.expires_at > inv->now,
	       "an active subscription has not run out");
	expect(inv, view.state != KL_SUB_ACTIVE || deadline <= view.due_at,
	       "an active subscription wakes for its refresh");
	expect(inv, view.state != KL_SUB_WAITING || deadline <= view.due_at,
	       "a subscription wakes for its next try");
}

static void check_requests(struct sim_invariants *inv, const struct kl_engine *e, kl_ms deadline)
{
	struct kl_engine_view view;
	uint32_t open = 0, calls = 0, unseen = 0;

	for (uint32_t i = 0; i < inv->journey_count; i++) {
		const struct journey *journey = journey_of(inv, i);

		if (!journey->used)
			continue;
		if (journey->purpose == KL_FOR_SUBSCRIPTION) {
			check_subscription(inv, e, journey, deadline);
			open += is_under_way(e, journey);
		} else {
			open++;
		}
		/* What comes of a seize shows when its call goes on. */
		unseen += journey->purpose == KL_FOR_SEIZE;
		expect(inv, !journey->left, "a refresh that ran out of time is abandoned");
		if (!journey->tx)
			continue;
		expect(inv,
		       deadline <= due_at(journey,
					  entry_of(inv, journey->line, journey->entry)->policy),
		       "the engine wakes for what is open");
	}
	for (uint32_t i = 0; i < inv->config->line_count; i++)
		calls += line_of(inv, i)->calls;
	kl_get_engine(e, &view);
	expect(inv, view.walks <= open && view.walks + unseen >= open,
	       "there are as many walks as requests");
	expect(inv, view.calls == calls, "calls are counted");
}

const char *sim_invariants_settled(struct sim_invariants *inv, const struct kl_engine *e)
{
	kl_ms deadline = kl_deadline(e);
	const char *broken;

	expect(inv, deadline > inv->now, "what is due is done");
	expect(inv, !inv->quiet || deadline == inv->deadline,
	       "what is over, or makes no sense, changes nothing");
	for (uint32_t line = 0; line < inv->config->line_count; line++) {
		check_returns(inv, line);
		for (uint32_t i = 0; i < inv->config->lines[line].entry_count; i++)
			check_entry(inv, e, line, i, deadline);
	}
	check_requests(inv, e, deadline);
	inv->deadline = deadline;
	broken = inv->broken;
	inv->broken = NULL;
	return broken;
}

/* ---- in the end -------------------------------------------------------------------------- */

/* Failback by duration with no duration waits for the current route to fail (FAIL-10). */
static bool never_fails_back(const struct kl_policy *policy)
{
	enum kl_failback_mode mode = kl_policy_failback_mode(policy);

	return policy->failback_ms == 0 &&
	       (mode == KL_FAILBACK_DURATION || mode == KL_FAILBACK_DNSTTL);
}

/* Candidates are returned to when they are up; one that denied the REGISTER is not (PROBE-4), and
 * without probes none is ever seen to be up again (PROBE-6). */
static bool stays_by_health(const struct sim_invariants *inv, const struct kl_engine *e,
			    uint32_t line, uint32_t entry)
{
	const struct kl_policy *policy = entry_of(inv, line, entry)->policy;
	struct kl_route_view current, other;
	struct kl_entry_view view;
	bool better = false;

	kl_get_entry(e, line, entry, &view);
	if (kl_policy_failback_mode(policy) != KL_FAILBACK_PROBED || view.current < 0 ||
	    kl_get_route(e, line, entry, (uint32_t)view.current, &current) != KL_OK)
		return false;
	for (uint32_t i = 0; kl_get_route(e, line, entry, i, &other) == KL_OK; i++) {
		bool ranks = other.rank != current.rank ? other.rank < current.rank
							: other.priority < current.priority;

		better |= other.status == KL_CANDIDATE_UP &&
			  (policy->health_shared ? i < (uint32_t)view.current : ranks);
	}
	return !better || !policy->probe_ms;
}

/* In the order of trial: up, unknown, down, failed.  PROBE-7 */
static int lateness_of(enum kl_candidate_status status)
{
	static const int classes[] = {[KL_CANDIDATE_UP] = 0,
				      [KL_CANDIDATE_UNKNOWN] = 1,
				      [KL_CANDIDATE_DOWN] = 2,
				      [KL_CANDIDATE_FAILED] = 3};

	return classes[status];
}

/* Where servers share registrations, and each new request goes to the healthiest route, the line is
 * where that is.  FAIL-16, PROBE-7 */
static bool stays_with_healthiest(const struct sim_invariants *inv, const struct kl_engine *e,
				  uint32_t line, uint32_t entry)
{
	const struct kl_policy *policy = entry_of(inv, line, entry)->policy;
	struct kl_route_view current, other;
	struct kl_entry_view view;

	kl_get_entry(e, line, entry, &view);
	if (!policy->order_by_health || policy->reregister_on ||
	    kl_policy_failback_mode(policy) != KL_FAILBACK_NEW_REQUESTS ||
	    kl_get_route(e, line, entry, (uint32_t)view.current, &current) != KL_OK)
		return false;
	for (int32_t i = 0; i < view.current; i++)
		if (kl_get_route(e, line, entry, (uint32_t)i, &other) == KL_OK &&
		    other.record == current.record &&
		    lateness_of(other.status) <= lateness_of(current.status))
			return false;
	return true;
}

static const char *entry_rested(const struct sim_invariants *inv, const struct kl_engine *e,
				uint32_t line, uint32_t entry)
{
	const struct kl_entry_config *config = entry_of(inv, line, entry);
	struct kl_entry_view view;
	bool first = true;

	kl_get_entry(e, line, entry, &view);
	for (uint32_t i = 0; i < entry; i++)
		first &= !entry_of(inv, line, i)->registers;
	if (!config->registers) /* it goes where its requests find an answer, and there are none */
		return NULL;
	if (is_successive(inv, line) && !first)
		return view.state == KL_STANDBY ? NULL : "a lower entry does not stand by";
	if (view.in_failover && !never_fails_back(config->policy) &&
	    !stays_by_health(inv, e, line, entry) && !stays_with_healthiest(inv, e, line, entry))
		return "a line has not failed back";
	if ((view.state == KL_REGISTERED || view.state == KL_REFRESHING) && view.active)
		return invariants_flows_rested(e, line, entry);
	return "a line is not registered";
}

const char *sim_invariants_rested(const struct sim_invariants *inv, const struct kl_engine *e)
{
	for (uint32_t i = 0; i < inv->journey_count; i++) {
		const struct journey *journey = journey_of(inv, i);
		struct kl_subscription_view view;

		if (!journey->used || journey->probe)
			continue;
		if (journey->purpose != KL_FOR_SUBSCRIPTION)
			return "a request is open";
		if (kl_get_subscription(e, journey->token, &view) != KL_OK ||
		    (view.state != KL_SUB_ACTIVE && view.state != KL_SUB_REFRESHING))
			return "a subscription is not active";
	}
	for (uint32_t line = 0; line < inv->config->line_count; line++)
		for (uint32_t i = 0; i < inv->config->lines[line].entry_count; i++) {
			const char *what = entry_rested(inv, e, line, i);

			if (what && line_of(inv, line)->started)
				return what;
		}
	return NULL;
}
