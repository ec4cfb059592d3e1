/* status.c - what a person may want to know of every line, as JSON. */
#include "phone/status.h"

#include "config/provenance.h"
#include "phone/private.h"
#include "phone/request.h"

/* ---- values ---------------------------------------------------------------------------------- */

/* Milliseconds from now to a point ahead; null if there is none. */
static json_t *ahead(kl_ms at, kl_ms now)
{
	if (at == KL_NEVER)
		return json_null();
	return json_integer(at > now ? (json_int_t)(at - now) : 0);
}

static json_t *ago(kl_ms at, kl_ms now)
{
	return at == KL_NEVER ? json_null() : json_integer((json_int_t)(now - at));
}

static json_t *text_or_null(const char *text)
{
	json_t *string = text && *text ? json_string(text) : NULL;

	return string ? string : json_null(); /* a name of the DNS may be no UTF-8 */
}

static json_t *report_text(const struct phone *phone, const struct kl_report *report, kl_ms now)
{
	const struct kl_action action = {.type = KL_DO_REPORT, .report = *report};
	const struct kl_words words = {
		.context = (void *)(uintptr_t)phone->config,
		.rule = config_name_rule,
		.config = &phone->engine_config,
		.relative = true,
		.now = now,
	};
	char text[KL_TEXT_MAX];

	return json_string(kl_format_action(text, sizeof text, &action, &words));
}

/* ---- routes ---------------------------------------------------------------------------------- */

enum health { UNKNOWN, UP, DOWN };
static const char *const health_names[] = {"unknown", "up", "down"};

/* What was heard of it last: an answer, or a failure. */
static enum health health_of(const struct kl_route_view *view)
{
	bool answered = view->last_answer_at != KL_NEVER;
	bool failed = view->last_failure_at != KL_NEVER;

	if (!answered && !failed)
		return UNKNOWN;
	return answered && (!failed || view->last_answer_at >= view->last_failure_at) ? UP : DOWN;
}

static json_t *route_status(const struct kl_route_view *view, uint32_t number, kl_ms now)
{
	const struct net_address address = phone_route_address(&view->route);
	char host[NET_ADDRESS_TEXT_MAX];
	enum health health = health_of(view);

	return json_pack(
		"{s:i, s:s, s:i, s:s, s:o, s:i, s:i, s:i, s:o, s:b, s:b, s:b, s:s, s:o, s:o, s:o, "
		"s:o}",
		"route", (int)number, "address", phone_write_host(&address, host), "port",
		(int)view->route.port, "transport",
		kl_transport_name((enum kl_transport)view->route.transport), "target",
		text_or_null(view->name), "record", (int)view->record, "priority",
		(int)view->priority, "weight", (int)view->weight, "ttl_ms",
		view->ttl_ms == KL_NEVER ? json_null() : json_integer((json_int_t)view->ttl_ms),
		"listed", view->listed, "current", view->current, "primary", view->primary,
		"status", health_names[health], "last_status",
		view->last_status ? json_integer(view->last_status) : json_null(), "last_fault",
		view->last_fault ? json_string(kl_fault_text(view->last_fault)) : json_null(),
		"answered_ago_ms", ago(view->last_answer_at, now), "failed_ago_ms",
		ago(view->last_failure_at, now));
}

/* ---- entries --------------------------------------------------------------------------------- */

/* What was found on the way through the routes of an entry. */
struct survey {
	json_t *routes;
	struct kl_route current;
	bool has_current;
	uint32_t count, up;
};

static struct survey survey_routes(const struct phone *phone, const struct phone_account *account,
				   kl_ms now)
{
	struct survey survey = {.routes = json_array()};
	struct kl_route_view view;

	while (!kl_get_route(phone->engine, account->line_index, account->entry_index, survey.count,
			     &view)) {
		survey.count++;
		survey.up += health_of(&view) == UP;
		if (view.current) {
			survey.current = view.route;
			survey.has_current = true;
		}
		json_array_append_new(survey.routes, route_status(&view, survey.count, now));
	}
	return survey;
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

	for (size_t i = 1; i < sizeof events / sizeof events[0]; i++)
		if (events[i].at < events[first].at)
			first = i;
	if (events[first].at == KL_NEVER)
		return json_null();
	return json_pack("{s:s, s:o}", "event", events[first].name, "in_ms",
			 ahead(events[first].at, now));
}

/* The failover or failback that came last, and why. */
static json_t *last_move(const struct phone *phone, const struct phone_account *account,
			 const struct kl_entry_view *view, kl_ms now)
{
	char route[KL_TEXT_MAX];

	if (view->moved_at == KL_NEVER)
		return json_null();
	return json_pack(
		"{s:s, s:o, s:o, s:o}", "from", phone_route_text(&view->moved_from, route),
		"ago_ms", ago(view->moved_at, now), "fault",
		view->moved_fault ? json_string(kl_fault_text(view->moved_fault)) : json_null(),
		"text", account->has_move ? report_text(phone, &account->move, now) : json_null());
}

/* Redundancy ready (PROBE-11), or what is in its way. */
static const char *unready_reason(const struct kl_entry_view *view, const struct survey *survey)
{
	if (!view->active)
		return "not registered";
	if (survey->count < 2)
		return "one route only";
	if (survey->up < survey->count)
		return "not every route has answered";
	return NULL;
}

static json_t *entry_status(const struct phone *phone, const struct phone_account *account,
			    kl_ms now)
{
	struct survey survey = survey_routes(phone, account, now);
	char route[KL_TEXT_MAX] = "";
	struct kl_entry_view view;
	const char *unready;

	kl_get_entry(phone->engine, account->line_index, account->entry_index, &view);
	unready = unready_reason(&view, &survey);
	if (survey.has_current)
		phone_route_text(&survey.current, route);
	return json_pack("{s:i, s:s, s:s, s:o, s:b, s:b, s:b, s:o, s:b, s:b, s:o, s:o, s:o, s:i, "
			 "s:o, s:b, s:o, "
			 "s:o}",
			 "entry", (int)account->entry_index + 1, "server", account->entry->server,
			 "state", kl_state_name(view.state), "why",
			 account->has_state ? report_text(phone, &account->state, now)
					    : json_null(),
			 "registers", view.registers, "registered", view.active, "working",
			 view.working, "route", text_or_null(route), "in_failover",
			 view.in_failover, "failback_held", view.failback_held, "since_ms",
			 ago(view.since_at, now), "next", next_event(&view, now), "expires_in_ms",
			 ahead(view.expires_at, now), "failures", (int)view.failures, "routes",
			 survey.routes, "redundancy_ready", !unready, "redundancy_why",
			 text_or_null(unready), "last_move", last_move(phone, account, &view, now));
}

/* ---- lines ----------------------------------------------------------------------------------- */

static json_t *line_status(const struct phone *phone, uint32_t line, kl_ms now)
{
	const struct config_line *config = &phone->config->lines[line];
	uint8_t entries = phone->engine_config.lines[line].entry_count;
	json_t *list = json_array();
	struct kl_entry_view view, shown = {.state = KL_OFF};
	char aor[PHONE_URI_MAX];
	int working = 0;

	phone_account_aor(phone_account_find(&phone->accounts, line, 0), aor);
	for (uint32_t i = 0; i < entries; i++) {
		json_array_append_new(
			list,
			entry_status(phone, phone_account_find(&phone->accounts, line, i), now));
		kl_get_entry(phone->engine, line, i, &view);
		if (i == 0 || view.working)
			shown = view;
		if (view.working)
			working = (int)i + 1;
	}
	return json_pack("{s:i, s:s, s:s, s:s, s:o, s:o}", "line", (int)config->number, "aor", aor,
			 "profile", kl_profile_name(config->profile), "state",
			 kl_state_name(shown.state), "working_entry",
			 working ? json_integer(working) : json_null(), "entries", list);
}

static json_t *counters_status(const struct phone *phone)
{
	struct net_udp_counters udp = phone_transport_counters(phone->transport);
	const struct phone_counters *own = &phone->counters;
	struct kl_engine_view engine;

	kl_get_engine(phone->engine, &engine);
	return json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:i, s:i}", "received",
			 (json_int_t)udp.received, "sent", (json_int_t)udp.sent, "send_errors",
			 (json_int_t)udp.send_errors, "icmp", (json_int_t)udp.icmp, "dropped",
			 (json_int_t)(own->dropped + udp.oversized), "stray",
			 (json_int_t)own->stray, "refused", (json_int_t)own->refused, "overflow",
			 (json_int_t)own->overflow, "ignored", (json_int_t)engine.ignored, "forged",
			 (json_int_t)engine.forged, "calls", (int)engine.calls, "requests",
			 (int)engine.walks);
}

json_t *phone_status(const struct phone *phone)
{
	kl_ms now = net_now_ms();
	json_t *lines = json_array();

	for (uint32_t i = 0; i < phone->engine_config.line_count; i++)
		json_array_append_new(lines, line_status(phone, i, now));
	return json_pack("{s:o, s:o}", "lines", lines, "counters", counters_status(phone));
}
