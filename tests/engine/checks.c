#include "tests/engine/checks.h"

static uint32_t route_of(const struct kl_route *route)
{
	uint32_t way = route->transport + (route->port == 5061 ? 1U : 0U);
	return (route->ip[15] * UINT32_C(4) + way) % CHECKS_ROUTES_MAX;
}

static const char *try_once(uint32_t *tried, uint32_t route)
{
	if (*tried >> route & 1)
		return "a walk tries each route once";
	*tried |= UINT32_C(1) << route;
	return NULL;
}

/* With everything that makes for one registration at a time, REGISTER goes elsewhere only once the
 * present one is over.  PROBE-5 */
static bool registered_elsewhere(const struct checks *checks, const struct kl_engine *e,
				 const struct kl_policy *policy, const struct kl_action_send *send)
{
	struct kl_entry_view entry;
	struct kl_route_view route;
	if (!policy->reregister_on || !policy->fail_registration_on ||
	    !policy->unregister_on_failback || !policy->stays_when_gone || checks->redirected)
		return false;
	kl_get_entry(e, send->line, send->entry, &entry);
	return entry.active && entry.current >= 0 &&
	       kl_get_route(e, send->line, send->entry, (uint32_t)entry.current, &route) == KL_OK &&
	       route_of(&route.route) != route_of(&send->route);
}

/* What a candidate's status follows from.  PROBE-3, PROBE-4 */
static const char *check_candidate(const struct kl_report *report)
{
	uint16_t status = report->why == KL_WHY_ANSWERED ? report->status : 0;
	bool good = status && status < 500 && status != 408;
	switch (report->candidate) {
	case KL_CANDIDATE_UP:
		return good ? NULL : "a candidate is up because it answered below 500";
	case KL_CANDIDATE_DOWN:
		return report->why != KL_WHY_NONE && !good
			       ? NULL
			       : "a candidate is down because it failed or answered 500 or more";
	case KL_CANDIDATE_FAILED:
		return report->status == 401 || report->status == 403 || report->status == 404 ||
				       report->status == 407
			       ? NULL
			       : "a candidate has failed because it denied a REGISTER";
	case KL_CANDIDATE_UNKNOWN:
		break;
	}
	return "no candidate becomes unknown";
}

static const char *check_probe(const struct kl_engine *e, const struct kl_policy *policy,
			       const struct kl_action_send *send)
{
	struct kl_engine_view view;
	kl_get_engine(e, &view);
	if (send->method != KL_OPTIONS || !policy->probe_ms)
		return "OPTIONS alone are sent unasked, and only where routes are probed";
	if (view.link_down && policy->freeze_without_link)
		return "nothing is probed without a network";
	return NULL;
}

static const char *check_register(struct checks *checks, const struct kl_action_send *send)
{
	size_t place = checks->register_count++ % CHECKS_REGISTERS_MAX;
	if (send->call_id == checks->call_id ? send->cseq <= checks->cseq
					     : send->call_id < checks->call_id)
		return "CSeqs and Call-IDs grow";
	if (checks->open)
		return "one REGISTER at most is open";
	if (!checks->walking)
		checks->tried = checks->redirected = 0;
	checks->walking = true;
	checks->call_id = send->call_id;
	checks->cseq = send->cseq;
	checks->open = send->tx;
	checks->registers[place].tx = send->tx;
	checks->registers[place].route = route_of(&send->route);
	return try_once(&checks->tried, route_of(&send->route));
}

/* May a request be sent to ROUTE, as registrations are (FAIL-2, FAIL-3, FAIL-4)? */
static bool route_is_registered(const struct checks *checks, const struct kl_engine *e,
				const struct kl_policy *policy, const struct kl_action_send *send,
				kl_ms now)
{
	struct kl_engine_view engine;
	struct kl_entry_view entry;
	struct kl_route_view route;
	kl_get_entry(e, send->line, send->entry, &entry);
	kl_get_engine(e, &engine);
	if (!policy->reregister_on || !entry.registers ||
	    (engine.link_down && policy->freeze_without_link)) /* it is kept, and fails: PROBE-9 */
		return true;
	if (checks->registered_until[route_of(&send->route)] <= now)
		return false;
	if (!policy->fail_registration_on)
		return true;
	return entry.active && entry.current >= 0 &&
	       kl_get_route(e, send->line, send->entry, (uint32_t)entry.current, &route) == KL_OK &&
	       route_of(&route.route) == route_of(&send->route);
}

/* Where what was sent for TOKEN and PURPOSE stands in the table; CHECKS_REQUESTS_MAX: nowhere. */
static size_t request_of(const struct checks *checks, uint64_t token, enum kl_purpose purpose)
{
	size_t place = 0;
	while (place < CHECKS_REQUESTS_MAX && (checks->requests[place].token != token ||
					       checks->requests[place].purpose != purpose))
		place++;
	return place;
}

static bool request_redirected(const struct checks *checks, const struct kl_action_send *send)
{
	size_t place = request_of(checks, send->token, send->purpose);
	return place < CHECKS_REQUESTS_MAX && checks->requests[place].redirected;
}

static const char *check_request(struct checks *checks, const struct kl_action_send *send)
{
	size_t place = request_of(checks, send->token, send->purpose);
	if (place == CHECKS_REQUESTS_MAX)
		place = request_of(checks, 0, KL_FOR_ITSELF);
	if (place == CHECKS_REQUESTS_MAX)
		return "no more requests are under way than fit";
	if (checks->requests[place].token != send->token)
		checks->requests[place].redirected = false;
	if (checks->requests[place].token != send->token ||
	    checks->requests[place].cseq != send->cseq)
		checks->requests[place].tried = 0;
	checks->requests[place].token = send->token;
	checks->requests[place].purpose = send->purpose;
	checks->requests[place].cseq = send->cseq;
	checks->requests[place].tx = send->tx;
	return try_once(&checks->requests[place].tried, route_of(&send->route));
}

static void forget_request(struct checks *checks, uint64_t token, enum kl_purpose purpose)
{
	size_t place = request_of(checks, token, purpose);
	if (place == CHECKS_REQUESTS_MAX)
		return;
	checks->requests[place].token = 0;
	checks->requests[place].purpose = KL_FOR_ITSELF;
}

static size_t dialog_of(const struct checks *checks, uint64_t token)
{
	size_t place = 0;
	while (place < CHECKS_DIALOGS_MAX && checks->dialogs[place].token != token)
		place++;
	return place;
}

/* What the host is told of a dialog is all that it knows of it. */
static const char *check_subscription(struct checks *checks,
				      const struct kl_action_subscription *sub)
{
	size_t place = dialog_of(checks, sub->token);
	if (sub->binding.line != checks->line)
		return NULL;
	if ((sub->to == KL_SUB_ACTIVE || sub->to == KL_SUB_REFRESHING) && !sub->binding.route.port)
		return "an active subscription has a dialog";
	if (sub->to != KL_SUB_SUBSCRIBING)
		forget_request(checks, sub->token, KL_FOR_SUBSCRIPTION);
	if (place == CHECKS_DIALOGS_MAX)
		place = dialog_of(checks, 0);
	if (place == CHECKS_DIALOGS_MAX)
		return "no more subscriptions than fit have dialogs";
	checks->dialogs[place].token = sub->binding.route.port ? sub->token : 0;
	checks->dialogs[place].route = route_of(&sub->binding.route);
	return NULL;
}

static const char *check_refresh(const struct checks *checks, const struct kl_action_send *send)
{
	size_t place = dialog_of(checks, send->token);
	if (place == CHECKS_DIALOGS_MAX || checks->dialogs[place].route != route_of(&send->route))
		return "a refresh goes to the route of its dialog";
	return NULL;
}

static void see_outcome(struct checks *checks, uint64_t token)
{
	forget_request(checks, token, KL_FOR_ITSELF);
	forget_request(checks, token, KL_FOR_SEIZE);
}

/* A walk of REGISTER goes on where a refresh became something worse, and where names were found;
 * any other state begins with a new one, and so does what a request needs (FALL-4). */
static void see_state(struct checks *checks, const struct kl_report *report)
{
	bool goes_on = (report->from == KL_REFRESHING &&
			(report->to == KL_REGISTERING || report->to == KL_FAILING_OVER)) ||
		       (report->from == KL_RESOLVING && report->to == KL_REGISTERING);
	if (!goes_on || report->why == KL_WHY_NEEDED)
		checks->walking = false;
}

static void see_report(struct checks *checks, const struct kl_report *report)
{
	if (report->type == KL_REPORT_STATE)
		see_state(checks, report);
	/* Where the network failed a REGISTER, it goes out again to the same route.  PROBE-9 */
	if (report->type == KL_REPORT_WAIT && report->why == KL_WHY_LINK_DOWN)
		checks->tried &= ~(UINT32_C(1) << route_of(&report->route));
}

const char *checks_action(struct checks *checks, const struct kl_engine *e,
			  const struct kl_policy *policy, const struct kl_action *action, kl_ms now)
{
	switch (action->type) {
	case KL_DO_SEND:
		if (action->send.line != checks->line)
			return NULL;
		if (action->send.attempt > 1)
			return action->send.route.transport == KL_UDP
				       ? NULL
				       : "nothing is sent a second time on a stream";
		if (action->send.token == 0 && action->send.method != KL_REGISTER)
			return check_probe(e, policy, &action->send);
		if (action->send.method == KL_REGISTER &&
		    registered_elsewhere(checks, e, policy, &action->send))
			return "a line is registered with one route at a time";
		if (action->send.method == KL_REGISTER)
			return check_register(checks, &action->send);
		if (action->send.purpose == KL_FOR_REFRESH)
			return check_refresh(checks, &action->send);
		if (!request_redirected(checks, &action->send) &&
		    !route_is_registered(checks, e, policy, &action->send, now))
			return "only REGISTER goes to a route without a registration";
		return check_request(checks, &action->send);
	case KL_DO_ABANDON:
		if (action->abandon.tx == checks->open)
			checks->open = 0;
		break;
	case KL_DO_OUTCOME:
		see_outcome(checks, action->outcome.token);
		break;
	case KL_DO_REPORT:
		if (action->report.type == KL_REPORT_HEALTH)
			return check_candidate(&action->report);
		if (action->report.line == checks->line)
			see_report(checks, &action->report);
		break;
	case KL_DO_SUBSCRIPTION:
		return check_subscription(checks, &action->subscription);
	case KL_DO_QUERY:
	case KL_DO_CLOSE:
	case KL_DO_KEEPALIVE:
		break;
	}
	return NULL;
}

void checks_response(struct checks *checks, const struct kl_event_response *response, kl_ms now)
{
	uint16_t status = response->status;
	kl_ms *until = NULL;
	if (status < 200)
		return;
	if (response->tx == checks->open) {
		checks->open = 0;
		checks->redirected |= status >= 300 && status < 400;
		if (status == 401 || status == 407 || status == 423)
			checks->walking = false;
	}
	for (size_t i = 0; i < CHECKS_REQUESTS_MAX && status >= 300 && status < 400; i++)
		checks->requests[i].redirected |= checks->requests[i].tx == response->tx;
	for (size_t i = 0; i < CHECKS_REGISTERS_MAX && status < 300; i++)
		if (checks->registers[i].tx == response->tx)
			until = &checks->registered_until[checks->registers[i].route];
	/* A second answer to one REGISTER, maybe with a shorter time, is no news. */
	if (until && *until < now + response->granted_ms)
		*until = now + response->granted_ms;
}

const char *checks_views(const struct kl_engine *e, uint32_t line, kl_ms now)
{
	struct kl_entry_view view;
	kl_ms deadline = kl_deadline(e);
	struct kl_engine_view engine;
	kl_get_engine(e, &engine);
	if (kl_get_entry(e, line, 0, &view) != KL_OK)
		return "there is a view of each entry";
	if (deadline <= now)
		return "what is due is done";
	if (engine.link_down) /* a line may be frozen: PROBE-9 */
		return NULL;
	if (view.active && view.expires_at <= now)
		return "an active registration has not run out";
	if (view.in_failover && view.current == view.primary)
		return "in failover state the current route is not the primary one";
	if (view.state == KL_REGISTERED && (!view.active || view.current < 0))
		return "a registered line has an active registration and a route";
	if (view.state == KL_REGISTERED && deadline > view.refresh_at)
		return "a registered line wakes for its refresh";
	if (view.state == KL_BACKING_OFF && deadline > view.retry_at)
		return "a line that backs off wakes for its next try";
	/* A host always answers questions to the DNS: there is no need to wake for them. */
	if (view.state != KL_OFF && view.state != KL_RESOLVING && deadline == KL_NEVER)
		return "a line that has work to do never sleeps for good";
	return NULL;
}
