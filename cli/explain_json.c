/* explain_json.c - `explain --json`. */
#include <string.h>

#include "cli/explain.h"
#include "cli/json.h"
#include "net/address.h"

static json_t *route_json(const struct cli_route *known, uint32_t index)
{
	const struct kl_route_view *view = &known->view;
	struct net_address address = {.port = 0};
	char host[NET_ADDRESS_TEXT_MAX];
	json_t *route = json_object();

	memcpy(address.ip, view->route.ip, sizeof address.ip);
	cli_json_put(route, "route", cli_json_number(index + 1));
	cli_json_put(route, "record", cli_json_number(view->record));
	cli_json_put(route, "transport",
		     cli_json_text(kl_transport_name((enum kl_transport)view->route.transport)));
	cli_json_put(route, "address", cli_json_text(net_address_format(&address, host)));
	cli_json_put(route, "port", cli_json_number(view->route.port));
	cli_json_put(route, "target", known->name[0] ? cli_json_text(known->name) : json_null());
	cli_json_put(route, "rank", cli_json_number(view->rank));
	cli_json_put(route, "priority", cli_json_number(view->priority));
	cli_json_put(route, "weight", cli_json_number(view->weight));
	cli_json_put(route, "ttl",
		     view->ttl_ms == KL_NEVER ? json_null() : cli_json_number(view->ttl_ms / 1000));
	return route;
}

/* All names that an entry's routes come from; a Versity's specs are several. */
static json_t *names_json(const struct kl_entry_config *entry)
{
	json_t *names = json_array();

	cli_json_append(names, cli_json_text(entry->name));
	for (uint32_t i = 0; i < entry->more_count; i++)
		cli_json_append(names, cli_json_text(entry->more_names[i]));
	return names;
}

static json_t *entries_json(const struct explain_line *line)
{
	const struct config_line *config = &line->config->lines[line->index];
	const struct kl_line_config *engine = &line->config->engine.lines[line->index];
	const struct cli_rehearsal *seen = line->timelines[0].seen;
	json_t *entries = json_array();

	for (uint32_t i = 0; i < engine->entry_count; i++) {
		json_t *entry = json_object(), *routes = json_array();

		cli_json_put(entry, "entry", cli_json_number(i + 1));
		cli_json_put(entry, "address", cli_json_text(engine->entries[i].name));
		cli_json_put(entry, "names", names_json(&engine->entries[i]));
		cli_json_put(entry, "via_outbound_proxy",
			     json_boolean(config->entries[i].via_outbound_proxy));
		cli_json_put(entry, "registers", json_boolean(engine->entries[i].registers));
		for (uint32_t r = 0; r < seen->route_counts[i]; r++)
			cli_json_append(routes, route_json(&seen->routes[i][r], r));
		cli_json_put(entry, "routes", routes);
		cli_json_append(entries, entry);
	}
	return entries;
}

static json_t *step_json(const struct cli_step *step)
{
	json_t *json = json_object();

	cli_json_put(json, "t_ms", cli_json_number(step->t_ms));
	switch (step->type) {
	case CLI_STEP_SEND:
		cli_json_put(json, "event", cli_json_text("send"));
		cli_json_put(json, "method", cli_json_text(kl_method_name(step->method)));
		cli_json_put(json, "entry", cli_json_number(step->entry));
		cli_json_put(json, "route", cli_json_number(step->route));
		cli_json_put(json, "attempt", cli_json_number(step->attempt));
		break;
	case CLI_STEP_ANSWER:
		cli_json_put(json, "event", cli_json_text("answer"));
		break;
	case CLI_STEP_GIVE_UP:
		cli_json_put(json, "event", cli_json_text("give-up"));
		if (step->entry)
			cli_json_put(json, "entry", cli_json_number(step->entry));
		break;
	}
	if (step->status)
		cli_json_put(json, "status", cli_json_number(step->status));
	return json;
}

static json_t *steps_json(const struct cli_rehearsal *seen)
{
	json_t *steps = json_array();

	for (uint32_t s = 0; s < seen->step_count; s++)
		cli_json_append(steps, step_json(&seen->steps[s]));
	return steps;
}

static json_t *timelines_json(const struct explain_line *line)
{
	json_t *timelines = json_object();

	for (uint32_t i = 0; i < line->timeline_count; i++)
		cli_json_put(timelines, kl_method_name(line->timelines[i].method),
			     steps_json(line->timelines[i].seen));
	return timelines;
}

/* The first server is silent, the next one answers: {"INVITE": [...], "refresh": [...],
 * "silence_ms": N}; the latter two from an outage just after a registration. */
static json_t *failover_json(const struct explain_line *line)
{
	json_t *failover = json_object();

	cli_json_put(failover, kl_method_name(line->timelines[0].method),
		     steps_json(line->failover));
	cli_json_put(failover, "refresh", steps_json(line->refresh));
	cli_json_put(failover, "silence_ms", cli_json_number(line->refresh->silence_ms));
	return failover;
}

static json_t *backoff_json(const struct explain_line *line)
{
	json_t *rows = json_array();

	for (uint32_t failures = 0; failures < EXPLAIN_BACKOFFS; failures++) {
		json_t *row = json_object();
		kl_ms least, most;

		kl_policy_backoff(explain_policy(line), failures, &least, &most);
		cli_json_put(row, "failures", cli_json_number(failures));
		cli_json_put(row, "min_ms", cli_json_number(least));
		cli_json_put(row, "max_ms", cli_json_number(most));
		cli_json_append(rows, row);
	}
	return rows;
}

static json_t *failback_json(const struct explain_line *line)
{
	const struct kl_policy *policy = explain_policy(line);
	enum kl_failback_mode mode = kl_policy_failback_mode(policy);
	json_t *failback = json_object();

	cli_json_put(failback, "mode", cli_json_text(kl_failback_mode_name(mode)));
	cli_json_put(failback, "reregisters", json_boolean(policy->reregister_on));
	if (line->failover->failback_ms != KL_NEVER)
		cli_json_put(failback, "after_ms", cli_json_number(line->failover->failback_ms));
	return failback;
}

static json_t *parameters_json(const struct config_line *config)
{
	json_t *parameters = json_array();

	for (uint32_t i = 0; i < config->value_count; i++) {
		const struct config_value *value = &config->values[i];
		json_t *parameter = json_object();

		cli_json_put(parameter, "name", cli_json_text(value->name));
		cli_json_put(parameter, "value", cli_json_text(value->value));
		cli_json_put(parameter, "from", cli_json_text(value->from));
		cli_json_append(parameters, parameter);
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
			cli_json_append(warnings,
					cli_json_text(config_format_diagnostic(
						line_of_text, sizeof line_of_text, found)));
	}
	for (uint32_t i = 0; i < seen->note_count; i++)
		cli_json_append(warnings, cli_json_text(seen->notes[i]));
	return warnings;
}

static json_t *line_json(const struct explain_line *line)
{
	const struct config_line *config = &line->config->lines[line->index];
	json_t *json = json_object(), *sentences = json_array();

	cli_json_put(json, "line", cli_json_number(config->number));
	cli_json_put(json, "aor", json_sprintf("sip:%s@%s", config->user, config->domain));
	cli_json_put(json, "profile", cli_json_text(kl_profile_name(config->profile)));
	cli_json_put(json, "entries", entries_json(line));
	cli_json_put(json, "timelines", timelines_json(line));
	cli_json_put(json, "failover", failover_json(line));
	cli_json_put(json, "backoff", backoff_json(line));
	cli_json_put(json, "failback", failback_json(line));
	for (uint32_t i = 0; i < line->sentence_count; i++)
		cli_json_append(sentences, cli_json_text(line->sentences[i]));
	cli_json_put(json, "summary", sentences);
	cli_json_put(json, "parameters", parameters_json(config));
	cli_json_put(json, "warnings", warnings_json(line));
	return json;
}

int explain_print_json(FILE *to, const struct explain_line *lines, uint32_t count)
{
	json_t *root = json_object(), *array = json_array();

	for (uint32_t i = 0; i < count; i++)
		cli_json_append(array, line_json(&lines[i]));
	cli_json_put(root, "lines", array);
	return cli_json_print(to, root);
}
