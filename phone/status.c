/* status.c - what a person may want to know of every line, as JSON. */
#include "phone/status.h"

#include <stdlib.h>

#include "phone/flow.h"
#include "phone/private.h"
#include "phone/relay_private.h"
#include "phone/request.h"

/* ---- values ---------------------------------------------------------------------------------- */

/* Without memory a key is missing. */
static void put(json_t *object, const char *key, json_t *value)
{
	json_object_set_new(object, key, value);
}

static json_t *number(uint64_t value)
{
	return json_integer((json_int_t)value);
}

static json_t *yes_or_no(bool value)
{
	return json_boolean(value);
}

/* A text, or null: a name of the DNS may be no UTF-8. */
static json_t *text(const char *value)
{
	json_t *string = value && *value ? json_string(value) : NULL;

	return string ? string : json_null();
}

/* Milliseconds from now to a point ahead, or from a point to now; null if there is none. */
static json_t *ahead(kl_ms at, kl_ms now)
{
	return at == KL_NEVER ? json_null() : number(at > now ? at - now : 0);
}

static json_t *ago(kl_ms at, kl_ms now)
{
	return at == KL_NEVER ? json_null() : number(now - at);
}

static json_t *fault(enum kl_fault value)
{
	return text(value == KL_FAULT_NONE ? NULL : kl_fault_text(value));
}

static json_t *report(const struct phone *phone, bool is_there, const struct kl_report *value)
{
	const struct kl_action action = {.type = KL_DO_REPORT, .report = *value};
	char words[KL_TEXT_MAX];

	return is_there ? text(phone_action_text(phone, &action, words)) : json_null();
}

/* ---- routes ---------------------------------------------------------------------------------- */

/* One route of an entry, as it is shown. */
struct sight {
	struct kl_route_view view;
	uint32_t number; /* in walking order, from 1 */
	enum kl_candidate_status status;
};

/* Of a route that nobody probes: what was heard of it last, an answer or a failure. */
static enum kl_candidate_status heard_of(const struct kl_route_view *view)
{
	bool answered = view->last_answer_at != KL_NEVER;
	bool failed = view->last_failure_at != KL_NEVER;

	if (!answered && !failed)
		return KL_CANDIDATE_UNKNOWN;
	return answered && (!failed || view->last_answer_at >= view->last_failure_at)
		       ? KL_CANDIDATE_UP
		       : KL_CANDIDATE_DOWN;
}

static json_t *route_status(const struct sight *sight, kl_ms now)
{
	const struct kl_route_view *view = &sight->view;
	const struct net_address address = phone_route_address(&view->route);
	const char *transport = kl_transport_name((enum kl_transport)view->route.transport);
	char host[NET_ADDRESS_TEXT_MAX];
	json_t *route = json_object();

	put(route, "route", number(sight->number));
	put(route, "address", text(phone_write_host(&address, host)));
	put(route, "port", number(view->route.port));
	put(route, "transport", text(transport));
	put(route, "target", text(view->name));
	put(route, "record", number(view->record));
	put(route, "rank", number(view->rank));
	put(route, "priority", number(view->priority));
	put(route, "weight", number(view->weight));
	put(route, "ttl_ms", view->ttl_ms == KL_NEVER ? json_null() : number(view->ttl_ms));
	put(route, "listed", yes_or_no(view->listed));
	put(route, "current", yes_or_no(view->current));
	put(route, "primary", yes_or_no(view->primary));
	put(route, "status", text(kl_candidate_status_name(sight->status)));
	put(route, "last_status", view->last_status ? number(view->last_status) : json_null());
	put(route, "last_fault", fault(view->last_fault));
	put(route, "answered_ago_ms", ago(view->last_answer_at, now));
	put(route, "failed_ago_ms", ago(view->last_failure_at, now));
	return route;
}

/* ---- entries --------------------------------------------------------------------------------- */

/* All routes of an entry. */
struct survey {
	struct sight sights[KL_SET_ROUTES_MAX];
	uint32_t count, up;
	bool probed;
	const struct kl_route *current; /* NULL: none */
};

static void survey_routes(const struct phone *phone, const struct phone_account *account,
			  struct survey *survey)
{
	survey->probed = phone_entry_config(phone, account)->policy->probe_ms > 0;
	survey->count = survey->up = 0;
	survey->current = NULL;
	for (struct sight *sight = survey->sights;
	     survey->count < KL_SET_ROUTES_MAX &&
	     !kl_get_route(phone->engine, account->line_index, account->entry_index, survey->count,
			   &sight->view);
	     sight++) {
		sight->status = survey->probed ? sight->view.status : heard_of(&sight->view);
		sight->number = ++survey->count;
		survey->up += sight->status == KL_CANDIDATE_UP;
		if (sight->view.current)
			survey->current = &sight->view.route;
	}
}

static int compare_places(const void *a, const void *b)
{
	const struct sight *one = a, *other = b;

	return (one->view.place > other->view.place) - (one->view.place < other->view.place);
}

/* In walking order; candidates in the order of the answer, unsorted (PROBE-11).  SURVEY's current
 * route means nothing afterwards. */
static json_t *routes_status(struct survey *survey, kl_ms now)
{
	json_t *routes = json_array();

	if (survey->probed)
		qsort(survey->sights, survey->count, sizeof survey->sights[0], compare_places);
	for (uint32_t i = 0; i < survey->count; i++)
		json_array_append_new(routes, route_status(&survey->sights[i], now));
	return routes;
}

/* The next thing that will happen by itself, and when. */
static json_t *next_event(const struct kl_entry_view *view, kl_ms now)
{
	const struct {
		const char *name;
		kl_ms at;
	} events[] = {
		{"refresh", view->refresh_at},
		{"failback", view->failback_at},
		{"retry", view->retry_at},
		{"expiry", view->expires_at},
	};
	size_t first = 0;
	json_t *next;

	for (size_t i = 1; i < sizeof events / sizeof events[0]; i++)
		if (events[i].at < events[first].at)
			first = i;
	if (events[first].at == KL_NEVER)
		return json_null();
	next = json_object();
	put(next, "event", text(events[first].name));
	put(next, "in_ms", ahead(events[first].at, now));
	return next;
}

/* The failover or failback that came last, and why. */
static json_t *last_move(const struct phone *phone, const struct phone_account *account,
			 const struct kl_entry_view *view, kl_ms now)
{
	bool told = account->has_move && phone_route_equal(&account->move.left, &view->moved_from);
	char route[KL_TEXT_MAX];
	json_t *move;

	if (view->moved_at == KL_NEVER)
		return json_null();
	move = json_object();
	put(move, "from", text(phone_route_text(&view->moved_from, route)));
	put(move, "ago_ms", ago(view->moved_at, now));
	put(move, "fault", fault(view->moved_fault));
	put(move, "text", report(phone, told, &account->move));
	return move;
}

/* Redundancy ready (PROBE-11): NULL; else what is in its way. */
static const char *unready_reason(const struct kl_entry_view *view, const struct survey *survey)
{
	if (!view->active)
		return "not registered";
	if (survey->count < 2)
		return "one route only";
	if (survey->probed)
		return view->redundancy_ready ? NULL : "not every candidate is up";
	return survey->up < survey->count ? "not every route has answered" : NULL;
}

/* The second flow of an entry; null where none is wanted (OWN-6). */
static json_t *second_flow_status(const struct phone *phone, const struct phone_account *account,
				  kl_ms now)
{
	struct kl_entry_view view;
	struct kl_route at;
	char route[KL_TEXT_MAX] = "";
	json_t *flow;

	if (kl_get_second_flow(phone->engine, account->line_index, account->entry_index, &view))
		return json_null();
	flow = json_object();
	if (phone_flow_route(phone, account, &view, &at))
		phone_route_text(&at, route);
	put(flow, "reg_id", view.reg_id ? number(view.reg_id) : json_null());
	put(flow, "state", text(kl_state_name(view.state)));
	put(flow, "since_ms", ago(view.since_at, now));
	put(flow, "why", report(phone, account->has_second_state, &account->second_state));
	put(flow, "registered", yes_or_no(view.active));
	put(flow, "route", text(route));
	put(flow, "next", next_event(&view, now));
	put(flow, "expires_in_ms", ahead(view.expires_at, now));
	put(flow, "failures", number(view.failures));
	return flow;
}

static json_t *entry_status(const struct phone *phone, const struct phone_account *account,
			    kl_ms now)
{
	char route[KL_TEXT_MAX] = "";
	json_t *entry = json_object();
	struct kl_entry_view view;
	struct survey survey;
	const char *unready;

	survey_routes(phone, account, &survey);
	kl_get_entry(phone->engine, account->line_index, account->entry_index, &view);
	unready = unready_reason(&view, &survey);
	if (survey.current)
		phone_route_text(survey.current, route);
	put(entry, "entry", number(account->entry_index + 1));
	put(entry, "server", text(account->entry->server));
	put(entry, "state", text(kl_state_name(view.state)));
	put(entry, "since_ms", ago(view.since_at, now));
	put(entry, "why", report(phone, account->has_state, &account->state));
	put(entry, "registers", yes_or_no(view.registers));
	put(entry, "registered", yes_or_no(view.active));
	put(entry, "working", yes_or_no(view.working));
	put(entry, "route", text(route));
	put(entry, "in_failover", yes_or_no(view.in_failover));
	put(entry, "failback_held", yes_or_no(view.failback_held));
	put(entry, "next", next_event(&view, now));
	put(entry, "expires_in_ms", ahead(view.expires_at, now));
	put(entry, "failures", number(view.failures));
	put(entry, "probed", yes_or_no(survey.probed));
	put(entry, "routes", routes_status(&survey, now));
	put(entry, "redundancy_ready", yes_or_no(!unready));
	put(entry, "redundancy_why", text(unready));
	put(entry, "last_move", last_move(phone, account, &view, now));
	put(entry, "reg_id", view.reg_id ? number(view.reg_id) : json_null());
	put(entry, "outbound", yes_or_no(view.outbound));
	put(entry, "second_flow", second_flow_status(phone, account, now));
	return entry;
}

/* ---- calls ----------------------------------------------------------------------------------- */

static json_t *call_status(const struct phone_call_view *view)
{
	char route[KL_TEXT_MAX] = "";
	json_t *call = json_object();

	if (view->route.port)
		phone_route_text(&view->route, route);
	put(call, "call", number(view->id));
	put(call, "incoming", yes_or_no(view->incoming));
	put(call, "peer", text(view->peer));
	put(call, "state", text(view->state));
	put(call, "held", yes_or_no(view->held));
	put(call, "far_held", yes_or_no(view->far_held));
	put(call, "route", text(route));
	put(call, "after_ms", number(view->after_ms));
	put(call, "session_s", number(view->session_s));
	return call;
}

static json_t *calls_status(const struct phone *phone, uint32_t line)
{
	struct phone_call_view view;
	json_t *calls = json_array();

	for (uint32_t i = 0; phone_get_call(phone, i, &view); i++)
		if (view.line == line)
			json_array_insert_new(calls, 0, call_status(&view));
	return calls;
}

/* ---- subscriptions --------------------------------------------------------------------------- */

static json_t *subscription_status(const struct phone *phone,
				   const struct phone_subscription *subscription, kl_ms now)
{
	const struct kl_action last = {.type = KL_DO_SUBSCRIPTION,
				       .subscription = subscription->last};
	struct kl_subscription_view view = {.due_at = KL_NEVER, .expires_at = KL_NEVER};
	char route[KL_TEXT_MAX] = "", words[KL_TEXT_MAX];
	json_t *status = json_object();
	bool heard = subscription->notifies > 0;

	kl_get_subscription(phone->engine, subscription->id, &view);
	if (view.binding.route.port)
		phone_route_text(&view.binding.route, route);
	put(status, "id", number(subscription->id));
	put(status, "package", text(subscription->event));
	put(status, "resource", text(subscription->target));
	put(status, "state", text(kl_subscription_state_name(subscription->state)));
	put(status, "why",
	    subscription->has_last ? text(phone_action_text(phone, &last, words)) : json_null());
	put(status, "route", text(route));
	put(status, "next_in_ms", ahead(view.due_at, now));
	put(status, "expires_in_ms", ahead(view.expires_at, now));
	put(status, "failures", number(view.failures));
	put(status, "notified",
	    heard ? text(kl_notified_state_name(subscription->notified_state)) : json_null());
	put(status, "notifies", number(subscription->notifies));
	phone_notice_put(&subscription->notice, status);
	return status;
}

static json_t *subscriptions_status(const struct phone *phone, uint32_t line, kl_ms now)
{
	const struct phone_subscription *subscription;
	json_t *all = json_array();

	LIST_FOREACH(subscription, &phone->subscriptions.all, others)
	if (subscription->line == line && !subscription->seizes)
		json_array_insert_new(all, 0, subscription_status(phone, subscription, now));
	return all;
}

/* ---- lines ----------------------------------------------------------------------------------- */

static json_t *line_status(const struct phone *phone, uint32_t index, kl_ms now)
{
	const struct config_line *config = &phone->config->lines[index];
	uint8_t count = phone->engine_config->lines[index].entry_count;
	struct kl_entry_view view, shown = {.state = KL_OFF};
	json_t *line = json_object(), *entries = json_array(), *working = json_null();
	char aor[PHONE_URI_MAX];

	for (uint32_t i = 0; i < count; i++) {
		const struct phone_account *account =
			phone_account_find(&phone->accounts, index, i);

		json_array_append_new(entries, entry_status(phone, account, now));
		kl_get_entry(phone->engine, index, i, &view);
		if (i == 0 || view.working)
			shown = view;
		if (view.working)
			working = number(i + 1);
	}
	phone_account_aor(phone_account_find(&phone->accounts, index, 0), aor);
	put(line, "line", number(config->number));
	put(line, "aor", text(aor));
	put(line, "profile", text(kl_profile_name(config->profile)));
	put(line, "state", text(kl_state_name(shown.state)));
	put(line, "working_entry", working);
	put(line, "shared", yes_or_no(config->shared));
	put(line, "entries", entries);
	put(line, "calls", calls_status(phone, index));
	put(line, "subscriptions", subscriptions_status(phone, index, now));
	return line;
}

static json_t *counters_status(const struct phone *phone)
{
	struct phone_transport_counters network = phone_transport_counters(phone->transport);
	const struct phone_counters *own = &phone->counters;
	json_t *counters = json_object();
	struct kl_engine_view engine;

	kl_get_engine(phone->engine, &engine);
	put(counters, "calls", number(engine.calls));
	put(counters, "requests", number(engine.walks));
	put(counters, "received", number(network.received));
	put(counters, "sent", number(network.sent));
	put(counters, "send_errors", number(network.send_errors));
	put(counters, "streams", number(network.streams));
	put(counters, "broken_streams", number(network.broken));
	put(counters, "refused_streams", number(network.crowded));
	put(counters, "icmp", number(network.icmp));
	put(counters, "dropped", number(own->dropped + network.oversized));
	put(counters, "stray", number(own->stray));
	put(counters, "refused", number(own->refused));
	put(counters, "overflow", number(own->overflow));
	put(counters, "flooded", number(own->flooded));
	put(counters, "ignored", number(engine.ignored));
	put(counters, "forged", number(engine.forged));
	return counters;
}

json_t *phone_status(const struct phone *phone)
{
	kl_ms now = phone_now();
	json_t *status = json_object(), *lines = json_array();
	json_t *inside = phone_relay_status(phone);

	for (uint32_t i = 0; i < phone->engine_config->line_count; i++)
		json_array_append_new(lines, line_status(phone, i, now));
	put(status, "lines", lines);
	put(status, "inside", inside ? inside : json_null());
	put(status, "counters", counters_status(phone));
	return status;
}
