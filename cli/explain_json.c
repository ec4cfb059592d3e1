/* explain_json.c - `explain --json`. */
#include <err.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "cli/explain.h"
#include "net/address.h"

/* Values are given away to their parent. */
static void put(json_t *object, const char *key, json_t *value)
{
	if (json_object_set_new(object, key, value))
		errx(EXIT_FAILURE, "out of memory");
}

static void append(json_t *array, json_t *value)
{
	if (json_array_append_new(array, value))
		errx(EXIT_FAILURE, "out of memory");
}

/* JSON is UTF-8; text that is not (from a zone file) can't be shown. */
static json_t *text(const char *words)
{
	json_t *value = json_string(words);

	return value ? value : json_string("(not UTF-8)");
}

static json_t *number(uint64_t value)
{
	return json_integer((json_int_t)value);
}

static json_t *route_json(const struct cli_route *known, uint32_t index)
{
	const struct kl_route_view *view = &known->view;
	struct net_address address = {.port = 0};
	char host[NET_ADDRESS_TEXT_MAX];
	json_t *route = json_object();

	memcpy(address.ip, view->route.ip, sizeof address.ip);
	put(route, "route", number(index + 1));
	put(route, "record", number(view->record));
	put(route, "transport", text(kl_transport_name((enum kl_transport)view->route.transport)));
	put(route, "address", text(net_address_format(&address, host)));
	put(route, "port", number(view->route.port));
	put(route, "target", known->name[0] ? text(known->name) : json_null());
	put(route, "priority", number(view->priority));
	put(route, "weight", number(view->weight));
	put(route, "ttl", view->ttl_ms == KL_NEVER ? json_null() : number(view->ttl_ms / 1000));
	return route;
}

static json_t *entries_json(const struct explain_line *line)
{
	const struct config_line *config = &line->config->lines[line->index];
	const struct kl_line_config *engine = &line->config->engine.lines[line->index];
	const struct cli_rehearsal *seen = line->timelines[0].seen;
	json_t *entries = json_array();

	for (uint32_t i = 0; i < engine->entry_count; i++) {
		json_t *entry = json_object(), *routes = json_array();

		put(entry, "entry", number(i + 1));
		put(entry, "address", text(engine->entries[i].name));
		put(entry, "via_outbound_proxy",
		    json_boolean(config->entries[i].via_outbound_proxy));
		put(entry, "registers", json_boolean(engine->entries[i].registers));
		for (uint32_t r = 0; r < seen->route_counts[i]; r++)
			append(routes, route_json(&seen->routes[i][r], r));
		put(entry, "routes", routes);
		append(entries, entry);
	}
	return entries;
}

static json_t *step_json(const struct cli_step *step)
{
	json_t *json = json_object();

	put(json, "t_ms", number(step->t_ms));
	switch (step->type) {
	case CLI_STEP_SEND:
		put(json, "event", text("send"));
		put(json, "method", text(kl_method_name(step->method)));
		put(json, "entry", number(step->entry));
		put(json, "route", number(step->route));
		put(json, "attempt", number(step->attempt));
		break;
	case CLI_STEP_ANSWER:
		put(json, "event", text("answer"));
		break;
	case CLI_STEP_GIVE_UP:
		put(json, "event", text("give-up"));
		if (step->entry)
			put(json, "entry", number(step->entry));
		break;
	}
	if (step->status)
		put(json, "status", number(step->status));
	return json;
}

static json_t *timelines_json(const struct explain_line *line)
{
	json_t *timelines = json_object();

	for (uint32_t i = 0; i < line->timeline_count; i++) {
		const struct cli_rehearsal *seen = line->timelines[i].seen;
		json_t *steps = json_array();

		for (uint32_t s = 0; s < seen->step_count; s++)
			append(steps, step_json(&seen->steps[s]));
		put(timelines, kl_method_name(line->timelines[i].method), steps);
	}
	return timelines;
}

static json_t *backoff_json(const struct explain_line *line)
{
	json_t *rows = json_array();

	for (uint32_t failures = 0; failures < EXPLAIN_BACKOFFS; failures++) {
		json_t *row = json_object();
		kl_ms least, most;

		kl_policy_backoff(explain_policy(line), failures, &least, &most);
		put(row, "failures", number(failures));
		put(row, "min_ms", number(least));
		put(row, "max_ms", number(most));
		append(rows, row);
	}
	return rows;
}

static json_t *failback_json(const struct explain_line *line)
{
	const struct kl_policy *policy = explain_policy(line);
	enum kl_failback_mode mode = kl_policy_failback_mode(policy);
	json_t *failback = json_object();

	put(failback, "mode", text(kl_failback_mode_name(mode)));
	put(failback, "reregisters", json_boolean(policy->reregister_on));
	if (line->failover && line->failover->failback_ms != KL_NEVER)
		put(failback, "after_ms", number(line->failover->failback_ms));
	return failback;
}

static json_t *parameters_json(const struct config_line *config)
{
	json_t *parameters = json_array();

	for (uint32_t i = 0; i < config->value_count; i++) {
		const struct config_value *value = &config->values[i];
		json_t *parameter = json_object();

		put(parameter, "name", text(value->name));
		put(parameter, "value", text(value->value));
		put(parameter, "from", text(value->from));
		append(parameters, parameter);
	}
	return parameters;
}

static json_t *warnings_json(const struct explain_line *line)
{
	const struct cli_rehearsal *seen = line->timelines[0].seen;
	json_t *warnings = json_array();
	char line_of_text[KL_TEXT_MAX];

	for (uint32_t i = 0; i < line->config->diagnostic_count; i++) {
		const struct config_diagnostic *found = &line->config->diagnostics[i];

		if (explain_concerns(line, found))
			append(warnings, text(config_format_diagnostic(
						 line_of_text, sizeof line_of_text, found)));
	}
	for (uint32_t i = 0; i < seen->note_count; i++)
		append(warnings, text(seen->notes[i]));
	return warnings;
}

static json_t *line_json(const struct explain_line *line)
{
	const struct config_line *config = &line->config->lines[line->index];
	json_t *json = json_object(), *sentences = json_array();

	put(json, "line", number(config->number));
	put(json, "aor", json_sprintf("sip:%s@%s", config->user, config->domain));
	put(json, "profile", text(kl_profile_name(config->profile)));
	put(json, "entries", entries_json(line));
	put(json, "timelines", timelines_json(line));
	put(json, "backoff", backoff_json(line));
	put(json, "failback", failback_json(line));
	for (uint32_t i = 0; i < line->sentence_count; i++)
		append(sentences, text(line->sentences[i]));
	put(json, "summary", sentences);
	put(json, "parameters", parameters_json(config));
	put(json, "warnings", warnings_json(line));
	return json;
}

int explain_print_json(FILE *to, const struct explain_line *lines, uint32_t count)
{
	json_t *root = json_object(), *array = json_array();
	int error;

	for (uint32_t i = 0; i < count; i++)
		append(array, line_json(&lines[i]));
	put(root, "lines", array);
	error = json_dumpf(root, to, JSON_INDENT(2)) || fputc('\n', to) == EOF;
	json_decref(root);
	return error ? -1 : 0;
}
