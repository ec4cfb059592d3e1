#include "sim/invariants.h"

#include <assert.h>
#include <string.h>

enum {
	ROUTES_MAX = 64,    /* distinct routes of one registration in all its life: a bit each */
	REGISTERS_MAX = 32, /* the last REGISTERs of a registration that may be answered late */
};

/* One request, or the REGISTERs of one registration, as its sends have shown it. */
struct journey {
	bool used;
	bool provisional; /* its open transaction has such an answer */
	bool loose;       /* its open transaction was served late: its gaps say nothing */
	bool redirected;
	uint8_t method; /* enum kl_method */
	uint32_t line, entry;
	uint64_t token;
	kl_tx tx; /* open: neither answered nor abandoned; 0: none */
	struct kl_route route;
	uint32_t attempt;
	kl_ms sent_at;
	kl_ms expires_ms;
	uint64_t tried; /* by this walk: bits of the registration's routes */
};

struct known_route {
	struct kl_route route;
	kl_ms registered_until;
};

struct registration_seen {
	struct journey journey; /* of its REGISTERs */
	uint32_t call_id, cseq;
	uint32_t failures;
	kl_ms retry_at;       /* as last reported */
	kl_ms retry_after_ms; /* of the last final answer on the entry; 0: none */
	uint32_t route_count;
	struct known_route routes[ROUTES_MAX];
	struct {
		kl_tx tx;
		uint32_t route;
	} registers[REGISTERS_MAX];
	uint32_t register_count;
};

struct line_seen {
	bool started;
	uint32_t calls;    /* up, or being placed */
	uint32_t returned; /* entries that began a failback just now, a bit each */
	uint32_t asked;    /* ... because a request asked for it */
};

struct sim_invariants {
	const struct kl_config *config;
	const char *broken;
	kl_ms now, deadline; /* DEADLINE: before the last event */
	bool late;           /* the last event came after it */
	bool quiet;          /* the last event may bring no action */
	bool refused;        /* the last event was an error: nothing has changed */
	bool frozen;         /* no network on this side */
	uint32_t lines_at, registrations_at, journeys_at, journey_count; /* tables, in bytes */
};

static struct line_seen *line_of(const struct sim_invariants *inv, uint32_t line)
{
	return (struct line_seen *)((char *)(uintptr_t)inv + inv->lines_at) + line;
}

static struct registration_seen *registration_of(const struct sim_invariants *inv, uint32_t line,
						 uint32_t entry)
{
	return (struct registration_seen *)((char *)(uintptr_t)inv + inv->registrations_at) +
	       line * KL_ENTRIES_MAX + entry;
}

static struct journey *journey_of(const struct sim_invariants *inv, uint32_t i)
{
	return (struct journey *)((char *)(uintptr_t)inv + inv->journeys_at) + i;
}

static const struct kl_entry_config *entry_of(const struct sim_invariants *inv, uint32_t line,
					      uint32_t entry)
{
	return &inv->config->lines[line].entries[entry];
}

size_t sim_invariants_size(const struct kl_config *config)
{
	return sizeof(struct sim_invariants) + config->line_count * sizeof(struct line_seen) +
	       config->line_count * KL_ENTRIES_MAX * sizeof(struct registration_seen) +
	       config->limits.walks * sizeof(struct journey);
}

void sim_invariants_init(struct sim_invariants *inv, const struct kl_config *config)
{
	memset(inv, 0, sim_invariants_size(config));
	inv->config = config;
	inv->deadline = KL_NEVER;
	inv->journey_count = config->limits.walks;
	inv->registrations_at = sizeof(*inv);
	inv->journeys_at =
		inv->registrations_at +
		config->line_count * KL_ENTRIES_MAX * (uint32_t)sizeof(struct registration_seen);
	inv->lines_at = inv->journeys_at + inv->journey_count * (uint32_t)sizeof(struct journey);
	for (uint32_t line = 0; line < config->line_count; line++)
		for (uint32_t entry = 0; entry < KL_ENTRIES_MAX; entry++) {
			struct registration_seen *reg = registration_of(inv, line, entry);

			reg->retry_at = KL_NEVER;
			reg->journey = (struct journey){
				.used = true, .method = KL_REGISTER, .line = line, .entry = entry};
		}
}

static void expect(struct sim_invariants *inv, bool holds, const char *rule)
{
	if (!holds && !inv->broken)
		inv->broken = rule;
}

/* ---- who is meant ------------------------------------------------------------------------ */

static struct journey *find_request(const struct sim_invariants *inv, uint64_t token)
{
	for (uint32_t i = 0; i < inv->journey_count; i++)
		if (journey_of(inv, i)->used && journey_of(inv, i)->token == token)
			return journey_of(inv, i);
	return NULL;
}

/* Whose open transaction TX is, or NULL. */
static struct journey *find_open(const struct sim_invariants *inv, kl_tx tx)
{
	for (uint32_t i = 0; tx && i < inv->journey_count; i++)
		if (journey_of(inv, i)->used && journey_of(inv, i)->tx == tx)
			return journey_of(inv, i);
	for (uint32_t i = 0; tx && i < inv->config->line_count * KL_ENTRIES_MAX; i++)
		if (registration_of(inv, 0, i)->journey.tx == tx)
			return &registration_of(inv, 0, i)->journey;
	return NULL;
}

static bool same_route(const struct kl_route *a, const struct kl_route *b)
{
	return a->port == b->port && a->transport == b->transport &&
	       memcmp(a->ip, b->ip, sizeof(a->ip)) == 0;
}

static uint32_t number_of(struct registration_seen *reg, const struct kl_route *route)
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

static bool is_successive(const struct sim_invariants *inv, uint32_t line)
{
	const struct kl_line_config *config = &inv->config->lines[line];

	return config->entry_count > 1 && config->entries[0].policy->successive;
}

/* ---- events ------------------------------------------------------------------------------ */

/* A 2xx to a REGISTER: from now on its route is registered with, however late it comes. */
static void see_grant(struct sim_invariants *inv, const struct kl_event_response *response,
		      const struct journey *open)
{
	for (uint32_t i = 0; i < inv->config->line_count * KL_ENTRIES_MAX; i++) {
		struct registration_seen *reg = registration_of(inv, 0, i);
		bool clears = open == &reg->journey && open->expires_ms == 0;

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

static void see_response(struct sim_invariants *inv, const struct kl_event_response *response)
{
	struct journey *open = find_open(inv, response->tx);
	uint16_t status = response->status;

	inv->quiet = !open;
	if (status >= 200 && status < 300)
		see_grant(inv, response, open);
	if (!open)
		return;
	open->provisional |= status < 200;
	if (status < 200)
		return;
	open->tx = 0;
	open->redirected |= status < 400 && status >= 300;
	if (status == 401 || status == 407 || status == 423)
		open->tried = 0;
	registration_of(inv, open->line, open->entry)->retry_after_ms =
		status == 503 ? response->retry_after_ms : 0;
}

static void see_request(struct sim_invariants *inv, const struct kl_event *event)
{
	uint32_t i = 0;

	while (i < inv->journey_count && journey_of(inv, i)->used)
		i++;
	assert(i < inv->journey_count);
	*journey_of(inv, i) = (struct journey){.used = true,
					       .method = (uint8_t)event->request.method,
					       .line = event->line,
					       .token = event->request.token};
	line_of(inv, event->line)->calls += event->request.method == KL_INVITE;
}

/* Every REGISTER under way begins anew where it is. */
static void see_renewal(struct sim_invariants *inv)
{
	for (uint32_t i = 0; i < inv->config->line_count * KL_ENTRIES_MAX; i++)
		registration_of(inv, 0, i)->journey.tried = 0;
}

void sim_invariants_fed(struct sim_invariants *inv, const struct kl_event *event, int result,
			kl_ms now)
{
	inv->now = now;
	inv->late = now > inv->deadline;
	inv->quiet = result != KL_OK;
	inv->refused = result < 0;
	if (result < 0)
		return;
	switch (event->type) {
	case KL_EV_RESPONSE:
		see_response(inv, &event->response);
		break;
	case KL_EV_REQUEST:
		see_request(inv, event);
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
	case KL_EV_ADDRESS_CHANGED:
		inv->frozen &= event->type != KL_EV_LINK_UP;
		see_renewal(inv);
		break;
	case KL_EV_TIME:
	case KL_EV_CANCEL:
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

/* RFC 3261 17.1.1.2, 17.1.2.2: T1, doubled, up to T2 where that holds. */
static kl_ms rfc_gap_ms(const struct kl_policy *policy, uint8_t method, uint32_t attempt)
{
	bool capped = method != KL_INVITE || policy->invite_gaps_capped;
	kl_ms most_ms = capped ? policy->t2_ms : UINT64_C(64) * policy->t1_ms;
	kl_ms gap_ms = policy->t1_ms;

	while (--attempt > 0 && gap_ms < most_ms)
		gap_ms *= 2;
	return gap_ms < most_ms ? gap_ms : most_ms;
}

/* May a journey be sent again GAP_MS after its last send?  A last route keeps the RFC's gaps. */
static bool is_gap(const struct journey *journey, const struct kl_policy *policy, kl_ms gap_ms)
{
	return (policy->retry_gap_ms && gap_ms == policy->retry_gap_ms) ||
	       gap_ms == rfc_gap_ms(policy, journey->method, journey->attempt) ||
	       (journey->provisional && gap_ms == policy->t2_ms);
}

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
	/* Where the old registration lives on, its route is one that has one (FAIL-4). */
	if (send->attempt > 1)
		return !is_strict(entry->policy) || !entry->policy->fail_registration_on ||
		       is_current(e, send->line, send->entry, &send->route);
	if (reg->routes[number_of(reg, &send->route)].registered_until <= inv->now)
		return false;
	/* A host that is late learns of the loss and of the send at one time. */
	return inv->late || !entry->policy->fail_registration_on ||
	       is_current(e, send->line, send->entry, &send->route);
}

static void check_register(struct sim_invariants *inv, const struct kl_action_send *send)
{
	struct registration_seen *reg = registration_of(inv, send->line, send->entry);
	uint32_t place = reg->register_count++ % REGISTERS_MAX;

	expect(inv,
	       send->call_id == reg->call_id ? send->cseq > reg->cseq
					     : send->call_id > reg->call_id,
	       "CSeqs and Call-IDs grow");
	reg->call_id = send->call_id;
	reg->cseq = send->cseq;
	reg->registers[place].tx = send->tx;
	reg->registers[place].route = number_of(reg, &send->route);
}

static void check_first(struct sim_invariants *inv, struct journey *journey,
			const struct kl_action_send *send)
{
	struct registration_seen *reg = registration_of(inv, send->line, send->entry);
	uint64_t route = UINT64_C(1) << number_of(reg, &send->route);

	expect(inv, !journey->tx, "a transaction that is left is abandoned before the next one");
	if (send->entry != journey->entry)
		journey->tried = 0;
	expect(inv, !(journey->tried & route), "a walk tries each route once");
	journey->tried |= route;
	journey->entry = send->entry;
	journey->tx = send->tx;
	journey->route = send->route;
	journey->expires_ms = send->expires_ms;
	journey->provisional = journey->loose = false;
	if (send->method == KL_REGISTER)
		check_register(inv, send);
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

static void check_send(struct sim_invariants *inv, const struct kl_engine *e,
		       const struct kl_action_send *send)
{
	struct journey *journey = send->method == KL_REGISTER
					  ? &registration_of(inv, send->line, send->entry)->journey
					  : find_request(inv, send->token);

	expect(inv, journey, "only what was asked for, and has not ended, is sent");
	if (!journey)
		return;
	if (send->attempt == 1)
		check_first(inv, journey, send);
	else
		check_again(inv, journey, send);
	expect(inv, send->method == KL_REGISTER || may_send(inv, e, journey, send),
	       "only REGISTER goes to a route without a registration");
	journey->attempt = send->attempt;
	journey->sent_at = inv->now;
}

/* ---- what else it does ------------------------------------------------------------------- */

static void check_outcome(struct sim_invariants *inv, const struct kl_action_outcome *outcome)
{
	struct journey *journey = find_request(inv, outcome->token);

	expect(inv, journey, "a request ends once");
	if (!journey)
		return;
	expect(inv, !journey->tx, "what a request leaves open is abandoned before it ends");
	expect(inv, outcome->status >= 200, "a request ends with a final status");
	if (journey->method == KL_INVITE && outcome->status >= 300)
		line_of(inv, journey->line)->calls--;
	journey->used = false;
}

/* W = min(max, base * 2^failures); the wait is in [W/2, W].  A Retry-After takes its place; a
 * timer that runs goes on; where a lower entry serves, the probe interval rules.  BACK-1, BACK-3 */
static void check_back_off(struct sim_invariants *inv, struct registration_seen *reg,
			   const struct kl_report *report)
{
	const struct kl_policy *policy = entry_of(inv, report->line, report->entry)->policy;
	kl_ms wait_ms = report->retry_at - inv->now, most_ms = policy->backoff_base_ms;
	kl_ms told_ms = reg->retry_after_ms < policy->retry_after_max_ms
				? reg->retry_after_ms
				: policy->retry_after_max_ms;

	if (report->retry_at == reg->retry_at || report->retry_at == KL_NEVER ||
	    (is_successive(inv, report->line) &&
	     entry_of(inv, report->line, 0)->policy->fallback_probe_ms))
		return;
	for (uint32_t i = 0; i < reg->failures && most_ms < policy->backoff_max_ms; i++)
		most_ms *= 2;
	if (most_ms > policy->backoff_max_ms)
		most_ms = policy->backoff_max_ms;
	reg->failures++;
	if (policy->backoff_fixed_ms)
		most_ms = policy->backoff_fixed_ms;
	expect(inv,
	       (wait_ms <= most_ms && wait_ms >= most_ms / 2) ||
		       (reg->retry_after_ms && wait_ms == told_ms),
	       "a back-off lasts between half and all of what its policy gives");
}

/* A walk of REGISTER goes on where a refresh became something worse, and where names were found;
 * any other state begins with a new one. */
static void check_state(struct sim_invariants *inv, const struct kl_report *report)
{
	struct registration_seen *reg = registration_of(inv, report->line, report->entry);
	struct line_seen *line = line_of(inv, report->line);
	bool goes_on = (report->from == KL_REFRESHING &&
			(report->to == KL_REGISTERING || report->to == KL_FAILING_OVER)) ||
		       (report->from == KL_RESOLVING && report->to == KL_REGISTERING);
	bool returns = (report->to == KL_FAILING_BACK || report->to == KL_CLEARING) &&
		       report->from != KL_CLEARING;

	if (!goes_on)
		reg->journey.tried = 0;
	if (report->to == KL_REGISTERED || report->to == KL_OFF)
		reg->failures = 0;
	if (report->to == KL_BACKING_OFF)
		check_back_off(inv, reg, report);
	if (returns)
		line->returned |= 1U << report->entry;
	if (returns && report->why == KL_WHY_FAILBACK_REQUEST)
		line->asked |= 1U << report->entry;
	reg->retry_at = report->retry_at;
	reg->retry_after_ms = 0;
}

/* One report tells of all that happened to a line in a late event: failures are counted anew, as
 * they were BEFORE the one that the report tells of, or after it. */
static void catch_up(struct sim_invariants *inv, const struct kl_engine *e,
		     const struct kl_report *report, bool before)
{
	struct kl_entry_view view;

	if (inv->late && kl_get_entry(e, report->line, report->entry, &view) == KL_OK)
		registration_of(inv, report->line, report->entry)->failures =
			view.failures - (before && view.failures);
}

static void check_report(struct sim_invariants *inv, const struct kl_engine *e,
			 const struct kl_report *report)
{
	if (report->type == KL_REPORT_STATE) {
		catch_up(inv, e, report, report->to == KL_BACKING_OFF);
		check_state(inv, report);
		catch_up(inv, e, report, false);
	}
	if (report->type == KL_REPORT_LOOKUP && report->why == KL_WHY_RESTORED)
		expect(inv, report->dns == KL_DNS_SILENT,
		       "restored records never stand for an answer of the DNS");
}

void sim_invariants_action(struct sim_invariants *inv, const struct kl_engine *e,
			   const struct kl_action *action)
{
	struct journey *open;
	bool news = action->type == KL_DO_REPORT && action->report.type == KL_REPORT_LATE;

	expect(inv, !inv->quiet || news, "what is over, or makes no sense, changes nothing");
	switch (action->type) {
	case KL_DO_SEND:
		check_send(inv, e, &action->send);
		break;
	case KL_DO_ABANDON:
		open = find_open(inv, action->abandon.tx);
		expect(inv, open, "only what is open is abandoned");
		if (open)
			open->tx = 0;
		break;
	case KL_DO_OUTCOME:
		check_outcome(inv, &action->outcome);
		break;
	case KL_DO_REPORT:
		check_report(inv, e, &action->report);
		break;
	case KL_DO_QUERY:
	case KL_DO_CLOSE:
		break;
	}
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

static void check_entry(struct sim_invariants *inv, const struct kl_engine *e, uint32_t line,
			uint32_t entry, kl_ms deadline)
{
	const struct kl_policy *policy = entry_of(inv, line, entry)->policy;
	const struct journey *journey = &registration_of(inv, line, entry)->journey;
	struct kl_entry_view view;

	kl_get_entry(e, line, entry, &view);
	bool frozen = inv->frozen && policy->freeze_without_link;
	bool rests = view.state == KL_OFF || view.state == KL_RESOLVING ||
		     view.state == KL_REGISTERED || view.state == KL_BACKING_OFF ||
		     view.state == KL_STANDBY;

	expect(inv, frozen || !view.active || view.expires_at > inv->now,
	       "an active registration has not run out");
	expect(inv, !view.in_failover || view.current != view.primary,
	       "in failover the current route is not the primary one");
	expect(inv, view.state != KL_REGISTERED || (view.active && view.current >= 0),
	       "a registered line has an active registration and a route");
	expect(inv, !rests || !journey->tx, "a line at rest has no REGISTER open");
	if (journey->tx)
		expect(inv, deadline <= due_at(journey, policy),
		       "the engine wakes for what is open");
	if (frozen)
		return;
	expect(inv, view.state != KL_REGISTERED || deadline <= view.refresh_at,
	       "a registered line wakes for its refresh");
	expect(inv, view.state != KL_BACKING_OFF || deadline <= view.retry_at,
	       "a line that backs off wakes for its next try");
	expect(inv, !view.failback_held || calls_that_count(inv, line, entry) > 0,
	       "a failback waits for calls alone");
}

static void check_requests(struct sim_invariants *inv, const struct kl_engine *e, kl_ms deadline)
{
	struct kl_engine_view view;
	uint32_t open = 0, calls = 0;

	for (uint32_t i = 0; i < inv->journey_count; i++) {
		const struct journey *journey = journey_of(inv, i);

		open += journey->used;
		if (!journey->used || !journey->tx)
			continue;
		expect(inv,
		       deadline <= due_at(journey,
					  entry_of(inv, journey->line, journey->entry)->policy),
		       "the engine wakes for what is open");
	}
	for (uint32_t i = 0; i < inv->config->line_count; i++)
		calls += line_of(inv, i)->calls;
	kl_get_engine(e, &view);
	expect(inv, view.walks == open, "there are as many walks as requests");
	expect(inv, view.calls == calls, "calls are counted");
}

const char *sim_invariants_settled(struct sim_invariants *inv, const struct kl_engine *e)
{
	kl_ms deadline = kl_deadline(e);
	const char *broken;

	expect(inv, inv->refused || deadline > inv->now, "what is due is done");
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
	if (view.in_failover && !never_fails_back(config->policy))
		return "a line has not failed back";
	if ((view.state == KL_REGISTERED || view.state == KL_REFRESHING) && view.active)
		return NULL;
	return "a line is not registered";
}

const char *sim_invariants_rested(const struct sim_invariants *inv, const struct kl_engine *e)
{
	for (uint32_t i = 0; i < inv->journey_count; i++)
		if (journey_of(inv, i)->used)
			return "a request is open";
	for (uint32_t line = 0; line < inv->config->line_count; line++)
		for (uint32_t i = 0; i < inv->config->lines[line].entry_count; i++) {
			const char *what = entry_rested(inv, e, line, i);

			if (what && line_of(inv, line)->started)
				return what;
		}
	return NULL;
}
