/* What a scenario shows: the engine's actions in words, and what there is to look at. */
#include <string.h>

#include "sim/story.h"

/* ---- actions ----------------------------------------------------------------------------- */

#define TEXT(name, text) text,

/* The kinds of lines that "show" and "hide" know: actions, then reports. */
static const char *const kinds[] = {KL_ACTIONS(TEXT) KL_REPORTS(TEXT)};

static size_t kind_of(const struct kl_action *action)
{
	if (action->type != KL_DO_REPORT)
		return action->type;
	return (size_t)(0 KL_ACTIONS(KL_COUNT)) + action->report.type;
}

bool sim_story_show(struct sim_story *story, struct sim_words *words, bool hide)
{
	for (const char *word = sim_words_take(words); word; word = sim_words_take(words)) {
		uint32_t bits = 0;

		for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
			if (strcmp(kinds[i], word) == 0)
				bits = 1u << i;
		}
		if (!bits)
			return sim_story_fail(story, "no lines are called \"%s\"", word);
		story->hidden = hide ? story->hidden | bits : story->hidden & ~bits;
	}
	return true;
}

static void name_route(void *context, const struct kl_route *route, char *to, size_t size)
{
	struct sim_story *story = context;
	const struct sim_server *server = sim_world_server_at(&story->world, route);
	char text[KL_TEXT_MAX];

	if (!server)
		snprintf(to, size, "%s", kl_format_route(text, sizeof(text), route));
	else if (route->transport == KL_UDP)
		snprintf(to, size, "%s", server->name);
	else
		snprintf(to, size, "%s/%s", server->name,
			 kl_transport_name((enum kl_transport)route->transport));
}

void sim_story_see_action(void *context, const struct kl_action *action)
{
	struct sim_story *story = context;
	struct kl_words words = {
		.context = story,
		.route = name_route,
		.config = &story->settings->config,
	};
	char text[KL_TEXT_MAX];

	sim_invariants_action(story->invariants, story->world.engine, action);
	if (!(story->hidden >> kind_of(action) & 1))
		sim_story_tell(story, "%s", kl_format_action(text, sizeof(text), action, &words));
}

void sim_story_see_text(void *context, const char *text)
{
	sim_story_tell(context, "%s", text);
}

/* ---- print ------------------------------------------------------------------------------- */

static void print_registrations(struct sim_story *story)
{
	bool none = true;

	for (size_t i = 0; i < story->world.server_count; i++) {
		const struct sim_server *server = &story->world.servers[i];

		for (size_t j = 0; j < server->binding_count; j++) {
			const struct sim_binding *binding = &server->bindings[j];
			char flow[24] = "";

			if (binding->expires_at <= sim_world_now(&story->world))
				continue;
			none = false;
			if (binding->reg_id)
				snprintf(flow, sizeof(flow), ", reg-id %u", binding->reg_id);
			sim_story_tell(story, "%s has line %u entry %u, call-id %u%s, until %llu",
				       server->name, binding->line + 1, binding->entry + 1,
				       binding->call_id, flow,
				       (unsigned long long)binding->expires_at);
		}
	}
	if (none)
		sim_story_tell(story, "no server has a registration");
}

/* Where it was made, or is being made.  OWN-6 */
static void print_second_flow(struct sim_story *story, uint32_t line, uint32_t entry)
{
	struct kl_route_view route;
	struct kl_entry_view view;
	char name[SIM_NAME_MAX] = "none";

	if (kl_get_second_flow(story->world.engine, line, entry, &view) != 0 ||
	    view.state == KL_OFF)
		return;
	if (view.current >= 0 &&
	    kl_get_route(story->world.engine, line, entry, (uint32_t)view.current, &route) == 0)
		name_route(story, &route.route, name, sizeof(name));
	sim_story_tell(story, "line %u entry %u second flow is %s%s: current %s, failures %u",
		       line + 1, entry + 1, kl_state_name(view.state),
		       view.active ? ", active" : "", name, view.failures);
}

static void print_entry(struct sim_story *story, uint32_t line, uint32_t entry)
{
	const struct kl_engine *engine = story->world.engine;
	struct kl_route_view route;
	struct kl_entry_view view;
	char routes[2][SIM_NAME_MAX] = {"none", "none"}, failback[48] = "";

	if (kl_get_entry(engine, line, entry, &view) != 0)
		return;
	if (view.current >= 0 &&
	    kl_get_route(engine, line, entry, (uint32_t)view.current, &route) == 0)
		name_route(story, &route.route, routes[0], sizeof(routes[0]));
	if (view.primary >= 0 &&
	    kl_get_route(engine, line, entry, (uint32_t)view.primary, &route) == 0)
		name_route(story, &route.route, routes[1], sizeof(routes[1]));
	if (view.failback_at != KL_NEVER)
		snprintf(failback, sizeof(failback), ", failback at %llu",
			 (unsigned long long)view.failback_at);
	sim_story_tell(story, "line %u entry %u is %s%s%s%s: current %s, primary %s, failures %u%s",
		       line + 1, entry + 1, kl_state_name(view.state),
		       view.active ? ", active" : "", view.working ? ", working" : "",
		       view.in_failover ? ", in failover" : "", routes[0], routes[1], view.failures,
		       failback);
	print_second_flow(story, line, entry);
}

static void print_routes(struct sim_story *story, uint32_t line, uint32_t entry)
{
	char text[KL_TEXT_MAX] = "", name[SIM_NAME_MAX];
	struct kl_route_view route;
	size_t used = 0;

	for (uint32_t i = 0;
	     kl_get_route(story->world.engine, line, entry, i, &route) == 0 && used < sizeof(text);
	     i++) {
		name_route(story, &route.route, name, sizeof(name));
		used += (size_t)snprintf(text + used, sizeof(text) - used, " %s%s%s", name,
					 route.current ? "*" : "", route.listed ? "" : "(gone)");
	}
	sim_story_tell(story, "routes of line %u entry %u:%s", line + 1, entry + 1, text);
}

static bool find_place(const struct sim_story *story, uint32_t line, uint32_t entry, uint32_t place,
		       struct kl_route_view *route)
{
	for (uint32_t i = 0; kl_get_route(story->world.engine, line, entry, i, route) == 0; i++) {
		if (route->listed && route->place == place)
			return true;
	}
	return false;
}

/* The list as CS-18-10 shows it: rank and priority, address, status, in the order of the answer.
 * PROBE-11 */
static void print_candidates(struct sim_story *story, uint32_t line, uint32_t entry)
{
	char text[KL_TEXT_MAX] = "", name[SIM_NAME_MAX];
	struct kl_route_view route;
	struct kl_entry_view view;
	size_t used = 0;

	if (kl_get_entry(story->world.engine, line, entry, &view) != 0)
		return;
	for (uint32_t place = 0; place < KL_DNS_RECORDS_MAX && used < sizeof(text); place++) {
		if (!find_place(story, line, entry, place, &route))
			continue;
		name_route(story, &route.route, name, sizeof(name));
		used += (size_t)snprintf(text + used, sizeof(text) - used, "%s P%u:%u %s %s%s",
					 used ? "," : "", route.rank, route.priority, name,
					 kl_candidate_status_name(route.status),
					 route.current ? "*" : "");
	}
	sim_story_tell(story, "candidates of line %u entry %u:%s%s", line + 1, entry + 1, text,
		       view.redundancy_ready ? "; redundancy ready" : "");
}

bool sim_story_print(struct sim_story *story, struct sim_words *words)
{
	struct kl_engine_view counts;
	uint32_t line;
	const struct {
		const char *name;
		void (*print)(struct sim_story *story, uint32_t line, uint32_t entry);
	} views[] = {
		{"routes", print_routes}, {"state", print_entry}, {"candidates", print_candidates}};

	if (sim_words_skip(words, "registrations")) {
		print_registrations(story);
		return true;
	}
	if (sim_words_skip(words, "counts")) {
		kl_get_engine(story->world.engine, &counts);
		sim_story_tell(story, "calls %u, walks %u, ignored %u, forged %u", counts.calls,
			       counts.walks, counts.ignored, counts.forged);
		return true;
	}
	for (size_t i = 0; i < sizeof(views) / sizeof(views[0]); i++) {
		if (!sim_words_skip(words, views[i].name))
			continue;
		if (!sim_story_take_line(story, words, &line))
			return false;
		for (uint32_t j = 0; j < story->settings->lines[line].entry_count; j++)
			views[i].print(story, line, j);
		return true;
	}
	return sim_story_fail(story, "print registrations, counts, routes, state or candidates?");
}
