#include "sim/invariants_private.h"

#include <assert.h>
#include <string.h>

static uint32_t journeys_max(const struct kl_config *config)
{
	return config->limits.walks + config->limits.subscriptions;
}

size_t sim_invariants_size(const struct kl_config *config)
{
	return sizeof(struct sim_invariants) + config->line_count * sizeof(struct line_seen) +
	       config->line_count * KL_ENTRIES_MAX * sizeof(struct registration_seen) +
	       journeys_max(config) * sizeof(struct journey);
}

void sim_invariants_init(struct sim_invariants *inv, const struct kl_config *config)
{
	memset(inv, 0, sim_invariants_size(config));
	inv->config = config;
	inv->deadline = KL_NEVER;
	inv->journey_count = journeys_max(config);
	inv->registrations_at = sizeof(*inv);
	inv->journeys_at =
		inv->registrations_at +
		config->line_count * KL_ENTRIES_MAX * (uint32_t)sizeof(struct registration_seen);
	inv->lines_at = inv->journeys_at + inv->journey_count * (uint32_t)sizeof(struct journey);
	for (uint32_t line = 0; line < config->line_count; line++)
		for (uint32_t entry = 0; entry < KL_ENTRIES_MAX; entry++) {
			struct registration_seen *reg = registration_of(inv, line, entry);

			for (uint32_t flow = 0; flow < FLOWS; flow++) {
				reg->flows[flow].retry_at = KL_NEVER;
				reg->flows[flow].journey = (struct journey){.used = true,
									    .method = KL_REGISTER,
									    .line = line,
									    .entry = entry};
			}
		}
}

static void carry_journey(struct sim_invariants *inv, const struct sim_invariants *old,
			  const struct journey *journey)
{
	uint32_t line = kl_find_line(inv->config, old->config, journey->line), i = 0;

	if (!journey->used || line == KL_NO_LINE)
		return;
	while (journey_of(inv, i)->used)
		i++;
	*journey_of(inv, i) = *journey;
	journey_of(inv, i)->line = line;
}

void sim_invariants_carry(struct sim_invariants *inv, const struct sim_invariants *old)
{
	inv->now = old->now;
	inv->deadline = old->deadline;
	inv->frozen = old->frozen;
	inv->turn_at = old->turn_at;
	inv->heard_count = old->heard_count;
	memcpy(inv->heard, old->heard, sizeof(inv->heard));
	for (uint32_t from = 0; from < old->config->line_count; from++) {
		uint32_t line = kl_find_line(inv->config, old->config, from);

		if (line == KL_NO_LINE)
			continue;
		*line_of(inv, line) = *line_of(old, from);
		for (uint32_t entry = 0; entry < KL_ENTRIES_MAX; entry++) {
			*registration_of(inv, line, entry) = *registration_of(old, from, entry);
			for (uint32_t flow = 0; flow < FLOWS; flow++)
				registration_of(inv, line, entry)->flows[flow].journey.line = line;
		}
	}
	for (uint32_t i = 0; i < old->journey_count; i++)
		carry_journey(inv, old, journey_of(old, i));
}

/* ---- who is meant ------------------------------------------------------------------------ */

/* Whose open transaction TX is, or NULL. */
static struct journey *find_open(const struct sim_invariants *inv, kl_tx tx)
{
	for (uint32_t i = 0; tx && i < inv->journey_count; i++)
		if (journey_of(inv, i)->used && journey_of(inv, i)->tx == tx)
			return journey_of(inv, i);
	for (uint32_t i = 0; tx && i < inv->config->line_count * KL_ENTRIES_MAX * FLOWS; i++) {
		struct flow_seen *flow = &registration_of(inv, 0, i / FLOWS)->flows[i % FLOWS];

		if (flow->journey.tx == tx)
			return &flow->journey;
	}
	return NULL;
}

static bool same_route(const struct kl_route *a, const struct kl_route *b)
{
	return a->port == b->port && a->transport == b->transport && a->tls_name == b->tls_name &&
	       memcmp(a->ip, b->ip, sizeof(a->ip)) == 0;
}

static bool is_ipv4(const struct kl_route *route)
{
	static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};

	return memcmp(route->ip, mapped, sizeof(mapped)) == 0;
}

uint32_t invariants_number_of(struct registration_seen *reg, const struct kl_route *route)
{
	uint32_t i = 0;

	while (i < reg->route_count && !same_route(&reg->routes[i].route, route))
		i++;
	assert(i < ROUTES_MAX);
	if (i == reg->route_count)
		reg->routes[reg->route_count++] = (struct known_route){.route = *route};
	return i;
}

static bool reregisters(const struct kl_entry_config *entry)
{
	return entry->registers && entry->policy->reregister_on;
}

/* Is only the server of the current registration spoken with (FAIL-5)? */
static bool is_strict(const struct kl_policy *policy)
{
	return policy->only_signal_with_registered &&
	       (policy->fail_registration_on || !policy->only_signal_needs_drop) &&
	       (policy->failback_mode != KL_FAILBACK_NEW_REQUESTS ||
		!policy->only_signal_needs_mode);
}

/* ---- events ------------------------------------------------------------------------------ */

/* A 2xx to a REGISTER: from now on its route is registered with, however late it comes. */
static void see_grant(struct sim_invariants *inv, const struct kl_event_response *response,
		      const struct journey *open)
{
	for (uint32_t i = 0; i < inv->config->line_count * KL_ENTRIES_MAX; i++) {
		struct registration_seen *reg = registration_of(inv, 0, i);
		bool clears = open && open->method == KL_REGISTER && open->expires_ms == 0;

		for (uint32_t j = 0; j < REGISTERS_MAX; j++) {
			kl_ms *until = &reg->routes[reg->registers[j].route].registered_until;

			if (reg->registers[j].tx != response->tx)
				continue;
			inv->quiet = false;
			if (clears)
				*until = 0;
			else if (*until < inv->now + response->granted_ms)
				*until = inv->now + response->granted_ms;
		}
	}
}

/* RFC 3261 8.2.2.2: what was left may have arrived, and counts with this as one.  OWN-8 */
static bool may_begin_anew(const struct sim_invariants *inv, const struct journey *journey)
{
	return journey->method == KL_INVITE && journey->strayed && !journey->merged &&
	       !journey->redirected &&
	       entry_of(inv, journey->line, journey->entry)->policy->retry_merged;
}

static void see_response(struct sim_invariants *inv, const struct kl_event_response *response)
{
	struct journey *open = find_open(inv, response->tx);
	uint16_t status = response->status;

	inv->quiet = !open;
	if (status >= 200 && status < 300)
		see_grant(inv, response, open);
	if (!open)
		return;
	invariants_see_life(inv, &open->route);
	open->provisional |= status < 200;
	if (status < 200)
		return;
	open->tx = 0;
	open->used &= !open->probe;
	open->redirected |= status < 400 && status >= 300;
	if (status == 482 && may_begin_anew(inv, open))
		open->merged = true;
	if (status == 401 || status == 407 || status == 423 || status == 439 || open->merged)
		open->tried = 0;
	invariants_flow_of(inv, open)->retry_after_ms =
		status == 503 ? response->retry_after_ms : 0;
}

static struct journey *free_journey(const struct sim_invariants *inv)
{
	uint32_t i = 0;

	while (i < inv->journey_count && journey_of(inv, i)->used)
		i++;
	assert(i < inv->journey_count);
	return journey_of(inv, i);
}

static void begin(struct sim_invariants *inv, uint32_t line, uint64_t token, enum kl_method method,
		  enum kl_purpose purpose)
{
	*free_journey(inv) = (struct journey){.used = true,
					      .method = (uint8_t)method,
					      .purpose = (uint8_t)purpose,
					      .line = line,
					      .token = token};
	line_of(inv, line)->calls += method == KL_INVITE;
}

/* Every REGISTER under way begins anew where it is. */
static void see_renewal(struct sim_invariants *inv)
{
	for (uint32_t i = 0; i < inv->config->line_count * KL_ENTRIES_MAX * FLOWS; i++)
		registration_of(inv, 0, i / FLOWS)->flows[i % FLOWS].journey.tried = 0;
}

/* ... and where the address is another, so does every SUBSCRIBE that has no dialog. */
static void see_address(struct sim_invariants *inv)
{
	for (uint32_t i = 0; i < inv->journey_count; i++)
		if (journey_of(inv, i)->purpose == KL_FOR_SUBSCRIPTION &&
		    !journey_of(inv, i)->dialog.port)
			journey_of(inv, i)->redirected = false;
	see_renewal(inv);
}

void sim_invariants_fed(struct sim_invariants *inv, const struct kl_event *event, int result,
			kl_ms now)
{
	inv->quiet = result != KL_OK;
	if (result < 0) /* not even time has gone on */
		return;
	inv->now = now;
	inv->late = now > inv->deadline;
	switch (event->type) {
	case KL_EV_RESPONSE:
		see_response(inv, &event->response);
		break;
	case KL_EV_REQUEST:
		begin(inv, event->line, event->request.token, event->request.method, KL_FOR_ITSELF);
		break;
	case KL_EV_SHARED_CALL:
		begin(inv, event->line, event->shared_call.token, KL_INVITE, KL_FOR_ITSELF);
		begin(inv, event->line, event->shared_call.token, KL_SUBSCRIBE, KL_FOR_SEIZE);
		break;
	case KL_EV_SUBSCRIBE:
		begin(inv, event->line, event->subscribe.token, KL_SUBSCRIBE, KL_FOR_SUBSCRIPTION);
		break;
	case KL_EV_NOTIFY:
		invariants_see_notify(inv, &event->notify);
		break;
	case KL_EV_LINE_START:
	case KL_EV_LINE_STOP:
		line_of(inv, event->line)->started = event->type == KL_EV_LINE_START;
		break;
	case KL_EV_CALL_BEGAN:
		line_of(inv, event->line)->calls++;
		break;
	case KL_EV_CALL_ENDED:
		line_of(inv, event->line)->calls -= result == KL_OK;
		break;
	case KL_EV_LINK_DOWN:
		inv->frozen = true;
		break;
	case KL_EV_LINK_UP:
		inv->frozen = false;
		see_renewal(inv);
		break;
	case KL_EV_ADDRESS_CHANGED:
		see_address(inv);
		break;
	case KL_EV_TIME:
	case KL_EV_CANCEL:
	case KL_EV_UNSUBSCRIBE:
	case KL_EV_TRANSPORT:
	case KL_EV_DNS:
	case KL_EV_DIALOG_FAILED:
	case KL_EV_STREAM_LOST:
		break;
	}
	/* What was due goes first, whatever the event was. */
	inv->quiet &= !inv->late && now != inv->deadline;
}

/* ---- sends ------------------------------------------------------------------------------- */

/* May a journey be sent again GAP_MS after its last send?  A last route keeps the RFC's gaps. */
static bool is_gap(const struct journey *journey, const struct kl_policy *policy, kl_ms gap_ms)
{
	return (policy->retry_gap_ms && gap_ms == policy->retry_gap_ms) ||
	       gap_ms == rfc_gap_ms(policy, journey->method, journey->attempt) ||
	       (journey->provisional && gap_ms == policy->t2_ms);
}

static bool is_current(const struct kl_engine *e, uint32_t line, uint32_t entry,
		       const struct kl_route *route)
{
	struct kl_entry_view view;
	struct kl_route_view current;

	return kl_get_entry(e, line, entry, &view) == KL_OK && view.active && view.current >= 0 &&
	       kl_get_route(e, line, entry, (uint32_t)view.current, &current) == KL_OK &&
	       same_route(&current.route, route);
}

/* Between entries nothing is registered for a call's sake (FALL-4), so those of lines with several
 * are not judged; nor is what was redirected (TRIG-9). */
static bool may_send(const struct sim_invariants *inv, const struct kl_engine *e,
		     const struct journey *journey, const struct kl_action_send *send)
{
	const struct kl_entry_config *entry = entry_of(inv, send->line, send->entry);
	struct registration_seen *reg = registration_of(inv, send->line, send->entry);
	bool several = inv->config->lines[send->line].entry_count > 1;
	bool frozen = inv->frozen && entry->policy->freeze_without_link;

	if (frozen || !reregisters(entry) || journey->redirected || several)
		return true;
	/* A dialog stays where it was made, unless that is forbidden (FAIL-5, FAIL-6). */
	if (send->purpose == KL_FOR_REFRESH)
		return !is_strict(entry->policy) ||
		       is_current(e, send->line, send->entry, &send->route);
	/* Where the old registration lives on, its route is one that has one (FAIL-4). */
	if (send->attempt > 1)
		return !is_strict(entry->policy) || !entry->policy->fail_registration_on ||
		       is_current(e, send->line, send->entry, &send->route);
	if (reg->routes[invariants_number_of(reg, &send->route)].registered_until <= inv->now)
		return false;
	/* A host that is late learns of the loss and of the send at one time. */
	return inv->late || !entry->policy->fail_registration_on ||
	       is_current(e, send->line, send->entry, &send->route);
}

/* With everything that makes for one registration at a time, REGISTER goes elsewhere only once the
 * present one is over; a redirected one goes where that leads.  PROBE-5 */
static bool may_register(const struct sim_invariants *inv, const struct kl_engine *e,
			 const struct kl_action_send *send)
{
	const struct kl_policy *policy = entry_of(inv, send->line, send->entry)->policy;
	struct kl_entry_view view;

	kl_get_entry(e, send->line, send->entry, &view);
	return !view.active || !policy->reregister_on || !policy->fail_registration_on ||
	       !policy->unregister_on_failback || !policy->stays_when_gone ||
	       registration_of(inv, send->line, send->entry)->flows[0].journey.redirected ||
	       invariants_is_second(e, send) ||
	       is_current(e, send->line, send->entry, &send->route);
}

static void check_register(struct sim_invariants *inv, const struct kl_engine *e,
			   const struct kl_action_send *send)
{
	struct registration_seen *reg = registration_of(inv, send->line, send->entry);
	uint32_t place = reg->register_count++ % REGISTERS_MAX;

	expect(inv, may_register(inv, e, send), "a line is registered with one route at a time");

	uint32_t id = send->reg_id == 2;

	expect(inv,
	       send->call_id == reg->ids[id].call_id ? send->cseq > reg->ids[id].cseq
						     : send->call_id > reg->ids[id].call_id,
	       "CSeqs and Call-IDs grow");
	expect(inv,
	       send->reg_id == 0 || entry_of(inv, send->line, send->entry)->policy->flows_max > 1,
	       "a reg-id is sent where two flows are wanted");
	if (invariants_is_second(e, send))
		invariants_see_second(inv, e, send);
	reg->ids[id].call_id = send->call_id;
	reg->ids[id].cseq = send->cseq;
	reg->registers[place].tx = send->tx;
	reg->registers[place].route = invariants_number_of(reg, &send->route);
}

static void check_first(struct sim_invariants *inv, const struct kl_engine *e,
			struct journey *journey, const struct kl_action_send *send)
{
	struct registration_seen *reg = registration_of(inv, send->line, send->entry);
	uint64_t route = UINT64_C(1) << invariants_number_of(reg, &send->route);
	bool own = journey->purpose == KL_FOR_SUBSCRIPTION;

	/* A refresh that ran out of time is abandoned by the end of the event. */
	if (own && send->purpose == KL_FOR_SUBSCRIPTION && !journey->left) {
		journey->left = journey->tx;
		journey->tx = 0;
	}
	expect(inv, !journey->tx, "a transaction that is left is abandoned before the next one");
	if (send->entry != journey->entry || (own && send->cseq != journey->cseq))
		journey->tried = 0;
	expect(inv, !own || send->cseq >= journey->cseq, "the CSeq of a subscription grows");
	expect(inv, send->purpose != KL_FOR_REFRESH || same_route(&send->route, &journey->dialog),
	       "a refresh goes to the route of its dialog");
	expect(inv, send->method == KL_REGISTER || send->call_id == 1 + (uint32_t)journey->merged,
	       "an INVITE whose first leg arrived, and no other request, is made anew");
	expect(inv,
	       !send->beside.port || (send->route.transport != KL_UDP &&
				      is_ipv4(&send->route) != is_ipv4(&send->beside)),
	       "only another family's route is connected beside a stream's own");
	journey->cseq = send->cseq;
	expect(inv, !(journey->tried & route), "a walk tries each route once");
	journey->tried |= route;
	journey->entry = send->entry;
	journey->tx = send->tx;
	journey->route = send->route;
	journey->expires_ms = send->expires_ms;
	journey->provisional = journey->loose = false;
	if (send->method == KL_REGISTER)
		check_register(inv, e, send);
	if (journey->probe)
		invariants_see_probe(inv, journey);
}

static void check_again(struct sim_invariants *inv, struct journey *journey,
			const struct kl_action_send *send)
{
	const struct kl_policy *policy = entry_of(inv, send->line, send->entry)->policy;

	expect(inv, journey->tx == send->tx, "only what is open is sent again");
	expect(inv, send->route.transport == KL_UDP, "nothing is sent a second time on a stream");
	expect(inv, send->attempt == journey->attempt + 1, "sends are counted");
	journey->loose |= inv->late;
	expect(inv, journey->loose || is_gap(journey, policy, inv->now - journey->sent_at),
	       "sends keep the gaps of their policy");
}

/* CS-18-10: candidates are asked for their health, and never without a network (PROBE-9). */
static struct journey *probe_of(struct sim_invariants *inv, const struct kl_action_send *send)
{
	const struct kl_policy *policy = entry_of(inv, send->line, send->entry)->policy;
	struct journey *journey = send->attempt == 1 ? free_journey(inv) : find_open(inv, send->tx);

	expect(inv, send->method == KL_OPTIONS && (policy->probe_ms || policy->first_silence),
	       "OPTIONS alone are sent unasked, and only where routes are probed");
	expect(inv, !inv->frozen || !policy->freeze_without_link,
	       "nothing is probed without a network");
	if (journey && send->attempt == 1)
		*journey = (struct journey){.used = true,
					    .probe = true,
					    .method = KL_OPTIONS,
					    .line = send->line,
					    .entry = send->entry};
	return journey;
}

static struct journey *journey_of_send(struct sim_invariants *inv, const struct kl_engine *e,
				       const struct kl_action_send *send)
{
	if (send->method == KL_REGISTER)
		return &registration_of(inv, send->line, send->entry)
				->flows[invariants_is_second(e, send)]
				.journey;
	if (!send->token)
		return probe_of(inv, send);
	return find_request(inv, send->token,
			    send->purpose == KL_FOR_REFRESH ? KL_FOR_SUBSCRIPTION : send->purpose);
}

static void check_send(struct sim_invariants *inv, const struct kl_engine *e,
		       const struct kl_action_send *send)
{
	struct journey *journey = journey_of_send(inv, e, send);

	invariants_see_places(inv, e, send);
	expect(inv, journey, "only what was asked for, and has not ended, is sent");
	if (!journey)
		return;
	if (send->attempt == 1)
		check_first(inv, e, journey, send);
	else
		check_again(inv, journey, send);
	expect(inv,
	       send->method == KL_REGISTER || journey->probe || may_send(inv, e, journey, send),
	       "only REGISTER goes to a route without a registration");
	if (send->purpose == KL_FOR_ITSELF && send->method == KL_INVITE)
		invariants_end_seize(inv, send->token, false);
	journey->sends++;
	expect(inv,
	       send->purpose != KL_FOR_SEIZE ||
		       journey->sends <=
			       entry_of(inv, send->line, send->entry)->policy->line_seize_sends_max,
	       "a line is seized by so many sends at most");
	journey->attempt = send->attempt;
	journey->sent_at = inv->now;
}

/* ---- what else it does ------------------------------------------------------------------- */

static void check_outcome(struct sim_invariants *inv, const struct kl_action_outcome *outcome)
{
	struct journey *journey = find_request(inv, outcome->token, KL_FOR_ITSELF);

	expect(inv, journey, "a request ends once");
	if (!journey)
		return;
	expect(inv, !journey->tx, "what a request leaves open is abandoned before it ends");
	expect(inv, outcome->status >= 200, "a request ends with a final status");
	invariants_end_seize(inv, outcome->token, true);
	if (journey->method == KL_INVITE && outcome->status >= 300)
		line_of(inv, journey->line)->calls--;
	journey->used = false;
}

static struct journey *find_left(const struct sim_invariants *inv, kl_tx tx)
{
	for (uint32_t i = 0; i < inv->journey_count; i++)
		if (journey_of(inv, i)->used && journey_of(inv, i)->left == tx)
			return journey_of(inv, i);
	return NULL;
}

static void check_abandon(struct sim_invariants *inv, kl_tx tx)
{
	struct journey *open = find_left(inv, tx);

	if (open) {
		open->left = 0;
		return;
	}
	open = find_open(inv, tx);
	expect(inv, open, "only what is open is abandoned");
	if (!open)
		return;
	open->tx = 0;
	open->strayed = true;
	if (open->purpose == KL_FOR_SEIZE)
		open->used = find_request(inv, open->token, KL_FOR_ITSELF);
	else
		open->used &= !open->probe && (open->token || open->method == KL_REGISTER);
}

void sim_invariants_action(struct sim_invariants *inv, const struct kl_engine *e,
			   const struct kl_action *action)
{
	bool news = action->type == KL_DO_REPORT && action->report.type == KL_REPORT_LATE;

	expect(inv, !inv->quiet || news, "what is over, or makes no sense, changes nothing");
	switch (action->type) {
	case KL_DO_SEND:
		check_send(inv, e, &action->send);
		break;
	case KL_DO_ABANDON:
		check_abandon(inv, action->abandon.tx);
		break;
	case KL_DO_OUTCOME:
		check_outcome(inv, &action->outcome);
		break;
	case KL_DO_REPORT:
		invariants_see_report(inv, e, &action->report);
		break;
	case KL_DO_SUBSCRIPTION:
		invariants_see_subscription(inv, &action->subscription);
		break;
	case KL_DO_QUERY:
	case KL_DO_CLOSE:
	case KL_DO_KEEPALIVE:
		break;
	}
}
