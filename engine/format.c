/* format.c - decisions in words. */
#include "engine/names.h"
#include "keepline/keepline.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define NAME(name, text) [name] = (text),
#define NAME_FUNCTION(function, type, table)                                                       \
	const char *function(type value)                                                           \
	{                                                                                          \
		static const char *const names[] = {table(NAME)};                                  \
		size_t index = (size_t)value;                                                      \
		return index < sizeof(names) / sizeof(names[0]) ? names[index] : "?";              \
	}

NAME_FUNCTION(kl_transport_name, enum kl_transport, KL_TRANSPORTS)
NAME_FUNCTION(kl_transport_choice_name, enum kl_transport_choice, KL_TRANSPORT_CHOICES)
NAME_FUNCTION(kl_profile_name, enum kl_profile, KL_PROFILES_TABLE)
NAME_FUNCTION(kl_method_name, enum kl_method, KL_METHODS)
NAME_FUNCTION(kl_state_name, enum kl_state, KL_STATES)
NAME_FUNCTION(kl_subscription_state_name, enum kl_subscription_state, KL_SUBSCRIPTION_STATES)
NAME_FUNCTION(kl_notified_state_name, enum kl_notified_state, KL_NOTIFIED_STATES)
NAME_FUNCTION(kl_ending_name, enum kl_ending, KL_ENDINGS)
NAME_FUNCTION(kl_cause_text, enum kl_cause, KL_CAUSES)
NAME_FUNCTION(kl_fault_text, enum kl_fault, KL_FAULTS)
NAME_FUNCTION(kl_dns_status_text, enum kl_dns_status, KL_DNS_STATUSES)
NAME_FUNCTION(kl_failback_mode_name, enum kl_failback_mode, KL_FAILBACK_MODE_TABLE)
NAME_FUNCTION(kl_idle_scope_name, enum kl_idle_scope, KL_IDLE_SCOPE_TABLE)
NAME_FUNCTION(kl_candidate_status_name, enum kl_candidate_status, KL_CANDIDATE_STATUSES)

const char *kl_strerror(int error)
{
	switch (error) {
	case KL_OK:
		return "done";
	case KL_IGNORED:
		return "harmless, and ignored";
#define SENTENCE(name, value, text)                                                                \
	case name:                                                                                 \
		return text;
		KL_ERRORS(SENTENCE)
#undef SENTENCE
	}
	return "unknown error";
}

/* ---- a text that grows within its bounds
 * --------------------------------------------------------- */

struct text {
	char *to;
	size_t size, length;
	const struct kl_words *words;
};

__attribute__((format(printf, 2, 3))) static void put(struct text *text, const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	int n = vsnprintf(text->to + text->length, text->size - text->length, format, arguments);
	va_end(arguments);
	if (n > 0)
		text->length += (size_t)n;
	if (text->length >= text->size)
		text->length = text->size - 1;
}

/* IPv6 in full: eight groups, none left out; addresses in logs are searched for as they stand. */
static void put_v6(struct text *text, const uint8_t *ip)
{
	for (int i = 0; i < 16; i += 2)
		put(text, i ? ":%x" : "%x", (unsigned)(ip[i] << 8 | ip[i + 1]));
}

static void put_plain_route(struct text *text, const struct kl_route *route)
{
	put(text, "%s ", kl_transport_name((enum kl_transport)route->transport));
	if (address_is_v4(route->ip)) {
		put(text, "%u.%u.%u.%u", route->ip[12], route->ip[13], route->ip[14],
		    route->ip[15]);
	} else {
		put(text, "[");
		put_v6(text, route->ip);
		put(text, "]");
	}
	put(text, ":%u", route->port);
}

static void put_route(struct text *text, const struct kl_route *route)
{
	char name[KL_TEXT_MAX];
	if (text->words && text->words->route) {
		text->words->route(text->words->context, route, name, sizeof(name));
		put(text, "%s", name);
	} else {
		put_plain_route(text, route);
	}
}

/* What a cause may speak of. */
struct details {
	const struct kl_route *route;
	enum kl_fault fault;
	uint16_t status;
	uint32_t count;
	kl_ms ms;
};

/* One {placeholder} of a cause. */
static void put_detail(struct text *text, const char *key, size_t length,
		       const struct details *details)
{
	if (!strncmp(key, "ms", length))
		put(text, "%llu", (unsigned long long)details->ms);
	else if (!strncmp(key, "status", length))
		put(text, "%u", details->status);
	else if (!strncmp(key, "count", length))
		put(text, "%u", (unsigned)details->count);
	else if (!strncmp(key, "fault", length))
		put(text, "%s", kl_fault_text(details->fault));
	else if (!strncmp(key, "route", length))
		put_route(text, details->route);
}

static void put_cause(struct text *text, enum kl_cause why, const struct details *details)
{
	const char *from = kl_cause_text(why);
	for (const char *open; (open = strchr(from, '{')) != NULL;) {
		const char *close = strchr(open, '}');
		put(text, "%.*s", (int)(open - from), from);
		put_detail(text, open + 1, (size_t)(close - open - 1), details);
		from = close + 1;
	}
	put(text, "%s", from);
}

/* ---- actions ---- */

static const char *record_name(uint32_t type)
{
	switch (type) {
	case KL_A:
		return "A";
	case KL_AAAA:
		return "AAAA";
	case KL_SRV:
		return "SRV";
	default:
		return "NAPTR";
	}
}

static const char *purpose_name(enum kl_purpose purpose)
{
	static const char *const names[] = {KL_PURPOSES(NAME)};
	return names[purpose];
}

static void put_send(struct text *text, const struct kl_action_send *send)
{
	put(text, "send %s ", kl_method_name(send->method));
	put_route(text, &send->route);
	put(text, " try %u", (unsigned)send->attempt);
	if (send->method == KL_REGISTER || send->call_id > 1)
		put(text, " call-id %u", (unsigned)send->call_id);
	put(text, " cseq %u", (unsigned)send->cseq);
	if (send->reg_id > 1)
		put(text, " reg-id %u", (unsigned)send->reg_id);
	if (send->purpose != KL_FOR_ITSELF)
		put(text, " for %s %llu", purpose_name(send->purpose),
		    (unsigned long long)send->token);
	if (send->method == KL_REGISTER || send->purpose != KL_FOR_ITSELF)
		put(text, " expires %llu", (unsigned long long)(send->expires_ms / 1000));
}

static void put_rule(struct text *text, enum kl_policy_field rule, uint32_t line, uint32_t entry)
{
	char name[KL_TEXT_MAX];
	if (rule == KL_POLICY_none)
		return;
	snprintf(name, sizeof(name), "%s", kl_policy_describe(rule)->name);
	if (text->words && text->words->rule)
		text->words->rule(text->words->context, line, entry, rule, name, sizeof(name));
	put(text, " [%s]", name);
}

static void put_outcome(struct text *text, const struct kl_action_outcome *outcome)
{
	const struct details details = {.route = &outcome->binding.route,
					.fault = outcome->fault,
					.status = outcome->status,
					.ms = outcome->ms};
	put(text, "ended with %u%s: ", outcome->status, outcome->local ? " made here" : "");
	put_cause(text, outcome->why, &details);
	put_rule(text, outcome->rule, outcome->binding.line, outcome->binding.entry);
}

static void put_line(struct text *text, const struct kl_report *report)
{
	const struct kl_config *config = text->words ? text->words->config : NULL;
	put(text, "line %u", (unsigned)report->line + 1);
	if (config && config->lines[report->line].entry_count > 1)
		put(text, " entry %u", (unsigned)report->entry + 1);
	if (report->second_flow)
		put(text, " second flow");
}

static void put_time(struct text *text, const char *what, kl_ms at)
{
	if (at == KL_NEVER)
		return;
	put(text, ", %s ", what);
	if (text->words && text->words->relative)
		put(text, "in %.1f s",
		    at > text->words->now ? (double)(at - text->words->now) / 1000 : 0.0);
	else
		put(text, "at %llu", (unsigned long long)at);
}

static void put_state(struct text *text, const struct kl_report *report,
		      const struct details *details)
{
	put_line(text, report);
	put(text, " %s -> %s: ", kl_state_name(report->from), kl_state_name(report->to));
	put_cause(text, report->why, details);
	put_rule(text, report->rule, report->line, report->entry);
	if (report->to == KL_REGISTERED && report->in_failover)
		put(text, ", in failover");
	if (report->to == KL_REGISTERED)
		put_time(text, "failback", report->failback_at);
	if (report->to == KL_BACKING_OFF)
		put_time(text, "next try", report->retry_at);
}

static void put_subscription(struct text *text, const struct kl_action_subscription *sub)
{
	const struct details details = {
		.route = &sub->route, .fault = sub->fault, .status = sub->status, .ms = sub->ms};
	const struct kl_binding *binding = &sub->binding;
	const struct kl_report at = {.line = binding->line, .entry = binding->entry};
	put_line(text, &at);
	put(text, " subscription %llu %s -> %s: ", (unsigned long long)sub->token,
	    kl_subscription_state_name(sub->from), kl_subscription_state_name(sub->to));
	put_cause(text, sub->why, &details);
	if (sub->why == KL_WHY_TERMINATED && sub->ending != KL_ENDING_NONE)
		put(text, " (%s)", kl_ending_name(sub->ending));
	put_rule(text, sub->rule, binding->line, binding->entry);
	if (sub->to == KL_SUB_WAITING)
		put_time(text, "next try", sub->due_at);
}

/* FALL-3 */
static void put_working(struct text *text, const struct kl_report *report)
{
	if (report->active) {
		put_line(text, report);
		put(text, " is the working server: ");
	} else {
		put(text, "line %u has no working server: ", (unsigned)report->line + 1);
	}
}

/* A candidate that failed has failed its line; up and down are the same to all.  PROBE-3, PROBE-4
 */
static void put_candidate(struct text *text, const struct kl_report *report)
{
	if (report->candidate == KL_CANDIDATE_FAILED) {
		put_line(text, report);
		put(text, ": ");
	}
	put_route(text, &report->route);
	put(text, " is %s: ", kl_candidate_status_name(report->candidate));
}

static void put_report(struct text *text, const struct kl_report *report)
{
	bool moved = report->type == KL_REPORT_MOVE;
	const struct details details = {.route = moved ? &report->left : &report->route,
					.fault = report->fault,
					.status = report->status,
					.count = report->count,
					.ms = report->ms};
	switch (report->type) {
	case KL_REPORT_STATE:
		put_state(text, report, &details);
		return;
	case KL_REPORT_MOVE:
		put_line(text, report);
		put(text, " %s ", kl_method_name(report->method));
		put_route(text, &report->left);
		put(text, " -> ");
		put_route(text, &report->route);
		put(text, ": ");
		break;
	case KL_REPORT_ENTRY:
		put_line(text, report);
		put(text, " takes the %s: ", kl_method_name(report->method));
		break;
	case KL_REPORT_WAIT:
		put_line(text, report);
		put(text, " %s waits: ", kl_method_name(report->method));
		break;
	case KL_REPORT_FAILBACK:
		put_line(text, report);
		put(text, " failback: ");
		break;
	case KL_REPORT_CURRENT:
		put_line(text, report);
		put(text, " now on ");
		put_route(text, &report->route);
		put(text, ": ");
		break;
	case KL_REPORT_WORKING:
		put_working(text, report);
		break;
	case KL_REPORT_LATE:
		put_line(text, report);
		put(text, " ");
		break;
	case KL_REPORT_HEALTH:
		put_candidate(text, report);
		break;
	case KL_REPORT_ROUTES:
		put(text, "routes of %s: ", report->name);
		break;
	case KL_REPORT_LOOKUP:
		put(text, "lookup %s %s: ", record_name(report->count), report->name);
		if (report->dns != KL_DNS_ANSWER || report->why == KL_WHY_NONE)
			put(text, "%s", kl_dns_status_text(report->dns));
		if (report->why == KL_WHY_NONE)
			return;
		put(text, "%s", report->dns != KL_DNS_ANSWER ? "; " : "");
		break;
	}
	put_cause(text, report->why, &details);
	put_rule(text, report->rule, report->line, report->entry);
	if (report->type != KL_REPORT_CURRENT)
		return;
	put(text, "%s", report->in_failover ? ", in failover" : "");
	put_time(text, "failback", report->failback_at);
}

char *kl_format_action(char *to, size_t size, const struct kl_action *action,
		       const struct kl_words *words)
{
	struct text text = {.to = to, .size = size, .words = words};
	to[0] = '\0';
	switch (action->type) {
	case KL_DO_QUERY:
		put(&text, "ask %s %s", record_name(action->query.type), action->query.name);
		break;
	case KL_DO_SEND:
		put_send(&text, &action->send);
		break;
	case KL_DO_ABANDON:
		put(&text, "abandon %s", kl_method_name(action->abandon.method));
		break;
	case KL_DO_CLOSE:
		put(&text, "close ");
		put_route(&text, &action->close.route);
		break;
	case KL_DO_OUTCOME:
		put(&text, "request %llu ", (unsigned long long)action->outcome.token);
		put_outcome(&text, &action->outcome);
		break;
	case KL_DO_SUBSCRIPTION:
		put_subscription(&text, &action->subscription);
		break;
	case KL_DO_REPORT:
		put_report(&text, &action->report);
		break;
	case KL_DO_KEEPALIVE:
		put(&text, "keep alive ");
		put_route(&text, &action->keepalive.route);
		break;
	}
	return to;
}

char *kl_format_outcome(char *to, size_t size, const struct kl_action_outcome *outcome,
			const struct kl_words *words)
{
	struct text text = {.to = to, .size = size, .words = words};
	to[0] = '\0';
	put_outcome(&text, outcome);
	return to;
}

char *kl_format_route(char *to, size_t size, const struct kl_route *route)
{
	struct text text = {.to = to, .size = size};
	to[0] = '\0';
	put_plain_route(&text, route);
	return to;
}
