/* view.c - what people see of the agent: its part of the status, and its events. */
#include <stdlib.h>
#include <string.h>

#include "agent/relay.h"
#include "phone/event.h"

enum { CALLS_SHOWN_MAX = 200 }; /* all are counted */

static void put(json_t *object, const char *key, json_t *value)
{
	json_object_set_new(object, key, value ? value : json_null());
}

static json_t *number(uint64_t value)
{
	return json_integer((json_int_t)value);
}

static const struct agent_directory *directory_of(const struct agent *agent)
{
	return agent_inside_directory(agent->inside);
}

static json_t *endpoint_name(const struct agent *agent, uint32_t endpoint)
{
	return json_string(agent_directory_name(directory_of(agent), endpoint));
}

/* NULL: it left. */
static json_t *line_number(const struct agent *agent, uint32_t line)
{
	const struct config_line *config = agent_directory_config_line(directory_of(agent), line);

	return config ? number(config->number) : NULL;
}

static json_t *route_text(const struct kl_route *route)
{
	char text[KL_TEXT_MAX];

	return json_string(kl_format_route(text, sizeof(text), route));
}

/* ---- endpoints ------------------------------------------------------------------------------ */

static json_t *binding_status(const struct agent *agent, const struct agent_binding *binding)
{
	uint64_t now = net_now_ms();
	json_t *status = json_object();

	put(status, "line", line_number(agent, binding->line));
	put(status, "contact", json_string(binding->contact));
	put(status, "route", route_text(&binding->hop.route));
	put(status, "expires_in_ms",
	    number(binding->expires_at > now ? binding->expires_at - now : 0));
	return status;
}

/* The contacts of each endpoint, by number: CONTACTS has room for all, NULL for one that left. */
static void put_bindings(struct agent *agent, json_t **contacts)
{
	struct agent_registrar *registrar = agent_inside_registrar(agent->inside);

	for (uint32_t i = 0; i < agent_directory_line_count(directory_of(agent)); i++) {
		const struct agent_binding *binding = NULL;

		while ((binding = agent_registrar_next(registrar, i, binding, net_now_ms())))
			json_array_append_new(contacts[binding->endpoint],
					      binding_status(agent, binding));
	}
}

static json_t *endpoints_status(struct agent *agent)
{
	const struct agent_directory *directory = directory_of(agent);
	uint32_t count = agent_directory_endpoint_count(directory);
	json_t **contacts = calloc(count + 1, sizeof(json_t *)), *all = json_array();

	for (uint32_t i = 0; contacts && i < count; i++) {
		const struct config_endpoint *endpoint = agent_directory_endpoint(directory, i);
		json_t *status;

		if (!endpoint)
			continue;
		contacts[i] = json_array();
		status = json_object();
		put(status, "user", json_string(endpoint->name));
		put(status, "address", endpoint->address ? json_string(endpoint->address) : NULL);
		put(status, "contacts", contacts[i]);
		json_array_append_new(all, status);
	}
	if (contacts)
		put_bindings(agent, contacts);
	free(contacts);
	return all;
}

/* ---- calls ---------------------------------------------------------------------------------- */

static json_t *call_status(const struct agent *agent, const struct agent_dialog *dialog)
{
	json_t *status = json_object();

	put(status, "line", line_number(agent, dialog->line));
	put(status, "user", endpoint_name(agent, dialog->endpoint));
	put(status, "incoming", json_boolean(!dialog->is_placed));
	put(status, "peer", json_string(dialog->texts[AGENT_OUTSIDE_ADDRESS]));
	put(status, "call_id", json_string(dialog->texts[AGENT_CALL_ID]));
	put(status, "route", route_text(&dialog->binding.route));
	return status;
}

struct count {
	const struct agent *agent;
	json_t *shown;
	uint64_t calls, subscriptions;
};

static void count_one(void *user, struct agent_dialog *dialog)
{
	struct count *count = user;

	count->subscriptions += dialog->is_confirmed && *dialog->texts[AGENT_EVENT];
	if (dialog->is_counted && ++count->calls <= CALLS_SHOWN_MAX)
		json_array_append_new(count->shown, call_status(count->agent, dialog));
}

static json_t *counters_status(const struct agent *agent)
{
	const struct agent_inside_counters counters = agent_inside_counters(agent->inside);
	json_t *status = json_object();

	put(status, "dropped", number(counters.dropped));
	put(status, "flooded", number(counters.flooded));
	put(status, "refused", number(counters.refused));
	put(status, "stray", number(counters.stray));
	put(status, "overflow", number(counters.overflow));
	return status;
}

json_t *agent_status(struct agent *agent)
{
	struct count count = {.agent = agent, .shown = json_array()};
	const struct net_address local = agent_inside_local(agent->inside);
	char address[NET_ADDRESS_TEXT_MAX];
	json_t *status = json_object();

	agent_ledger_each(agent->ledger, count_one, &count);
	put(status, "listen", json_string(net_address_format(&local, address)));
	put(status, "endpoints", endpoints_status(agent));
	put(status, "calls", count.shown);
	put(status, "call_count", number(count.calls));
	put(status, "subscription_count", number(count.subscriptions));
	put(status, "dialogs", number(agent_ledger_count(agent->ledger)));
	put(status, "requests", number(agent->outward_count + agent->inward_count));
	put(status, "counters", counters_status(agent));
	return status;
}

/* ---- events --------------------------------------------------------------------------------- */

void agent_tell_binding(struct agent *agent, const struct agent_binding *binding, bool is_gone)
{
	json_t *event = phone_relay_event(agent->config.phone, "endpoint", binding->line);

	if (!event)
		return;
	put(event, "user", endpoint_name(agent, binding->endpoint));
	put(event, "contact", json_string(binding->contact));
	put(event, "registered", json_boolean(!is_gone));
	phone_event_tell(agent->config.phone, event);
}

void agent_tell_call(struct agent *agent, const struct agent_dialog *dialog, bool is_over)
{
	json_t *event = phone_relay_event(agent->config.phone, "inside-call", dialog->line);

	if (!event)
		return;
	put(event, "user", endpoint_name(agent, dialog->endpoint));
	put(event, "incoming", json_boolean(!dialog->is_placed));
	put(event, "peer", json_string(dialog->texts[AGENT_OUTSIDE_ADDRESS]));
	put(event, "call_id", json_string(dialog->texts[AGENT_CALL_ID]));
	put(event, "step", json_string(is_over ? "over" : "up"));
	put(event, "route", route_text(&dialog->binding.route));
	phone_event_tell(agent->config.phone, event);
}
