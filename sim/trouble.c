/* What befalls the network and the phone, the end of all trouble, and the verdict. */
#include <string.h>

#include "sim/story.h"

/* ---- the checker looks on ---------------------------------------------------------------- */

void sim_story_see_event(void *context, const struct kl_event *event, int result)
{
	struct sim_story *story = context;

	sim_invariants_fed(story->invariants, event, result, sim_world_now(&story->world));
}

void sim_story_see_settled(void *context)
{
	struct sim_story *story = context;
	const char *broken = sim_invariants_settled(story->invariants, story->world.engine);

	if (!broken)
		return;
	sim_story_tell(story, "broken: %s", broken);
	if (!story->broken)
		story->broken = broken;
}

/* ---- trouble ----------------------------------------------------------------------------- */

/* "network [loss PERCENT] [duplicates PERCENT] [jitter TIME] [seed N]": of datagrams */
bool sim_story_network(struct sim_story *story, struct sim_words *words)
{
	struct sim_network network = {.dice = 1};
	uint64_t number;

	while (sim_words_peek(words)) {
		const char *name = sim_words_take(words);

		if (strcmp(name, "jitter") == 0 &&
		    sim_parse_time(sim_words_peek(words), &network.jitter_ms) &&
		    network.jitter_ms <= UINT16_MAX) {
			sim_words_take(words);
			continue;
		}
		if (!sim_parse_number(sim_words_take(words), UINT32_MAX, &number))
			return sim_story_fail(story, "the network can't be \"%s\"", name);
		if (strcmp(name, "loss") == 0 && number <= 100)
			network.loss = (uint32_t)number;
		else if (strcmp(name, "duplicates") == 0 && number <= 100)
			network.duplicates = (uint32_t)number;
		else if (strcmp(name, "seed") == 0 && number > 0)
			network.dice = number;
		else
			return sim_story_fail(story, "the network can't be \"%s\"", name);
	}
	story->world.network = network;
	return true;
}

/* "sleep TIME": so long the phone's machine stands still: it learns of the time, and of what came,
 * when it wakes. Its user is heard at once. */
bool sim_story_sleep(struct sim_story *story, struct sim_words *words)
{
	kl_ms ms;

	if (!sim_parse_time(sim_words_take(words), &ms))
		return sim_story_fail(story, "sleep how long? Say 500ms, 3.5s, 10min or 1h");
	story->world.wakes_us = story->world.now_us + ms * 1000;
	return true;
}

/* The phone loses power, and starts all its lines anew. */
bool sim_story_restart(struct sim_story *story, struct sim_words *words)
{
	const struct kl_config *config = &story->settings->config;

	(void)words;
	if (sim_world_restart(&story->world, ++story->settings->seed))
		return sim_story_fail(story, "the engine does not start again");
	sim_invariants_init(story->invariants, config);
	for (uint32_t i = 0; i < config->line_count; i++)
		sim_world_feed(&story->world,
			       &(struct kl_event){.type = KL_EV_LINE_START, .line = i});
	return true;
}

bool sim_story_copy(struct sim_story *story, struct sim_words *words)
{
	(void)words;
	return sim_world_copy_engine(&story->world) || sim_story_fail(story, "no memory");
}

/* Each line has a key: all go on, in the places that they have. */
bool sim_story_adopt(struct sim_story *story, struct sim_words *words)
{
	const struct kl_config *config = &story->settings->config;
	int count = sim_world_reload(&story->world, config);

	(void)words;
	return count == (int)config->line_count ||
	       sim_story_fail(story, "%d of %u lines go on", count, config->line_count);
}

/* ---- and its end ------------------------------------------------------------------------- */

/* The user is done with a request or a call, however far it has come. */
static void release(struct sim_world *world, struct sim_call *call)
{
	if (call->up)
		sim_host_hang_up(world, call);
	else if (call->open)
		sim_host_cancel(world, call);
}

bool sim_story_release(struct sim_story *story, struct sim_words *words)
{
	struct sim_call *call = NULL;
	uint64_t token;

	if (sim_parse_number(sim_words_take(words), UINT64_MAX, &token))
		call = sim_host_find_call(&story->world, token);
	if (!call)
		return sim_story_fail(story, "release which call?");
	release(&story->world, call);
	return true;
}

/* All servers, the DNS and the network are well, the users hang up, and every line is on. */
bool sim_story_heal(struct sim_story *story, struct sim_words *words)
{
	struct sim_world *world = &story->world;

	(void)words;
	for (size_t i = 0; i < world->server_count; i++)
		sim_server_heal(&world->servers[i]);
	world->names.status = KL_DNS_ANSWER;
	world->names.fault_count = 0;
	world->network = (struct sim_network){.dice = 1};
	world->wakes_us = 0;
	if (world->link_down) {
		world->link_down = false;
		sim_world_feed(world, &(struct kl_event){.type = KL_EV_LINK_UP});
	}
	for (size_t i = 0; i < world->host.call_count; i++)
		release(world, &world->host.calls[i]);
	for (uint32_t i = 0; i < story->settings->config.line_count; i++)
		sim_world_feed(world, &(struct kl_event){.type = KL_EV_LINE_START, .line = i});
	return true;
}

/* Does the server that the view calls current know of the registration? */
static bool server_knows(struct sim_story *story, uint32_t line, uint32_t entry)
{
	struct kl_entry_view view;
	struct kl_route_view route;
	const struct sim_server *server;

	kl_get_entry(story->world.engine, line, entry, &view);
	if (!view.active || view.current < 0 ||
	    kl_get_route(story->world.engine, line, entry, (uint32_t)view.current, &route) != 0)
		return !view.active;
	server = sim_world_server_at(&story->world, &route.route);
	for (size_t i = 0; server && i < server->binding_count; i++)
		if (server->bindings[i].line == line && server->bindings[i].entry == entry &&
		    server->bindings[i].expires_at > sim_world_now(&story->world))
			return true;
	return false;
}

static void find(struct sim_story *story, const char *what)
{
	sim_story_tell(story, "not well: %s", what);
	if (!story->broken)
		story->broken = what;
}

/* "judge": is all as well as it can be?  "judge call N": did it get through? */
bool sim_story_judge(struct sim_story *story, struct sim_words *words)
{
	const struct kl_config *config = &story->settings->config;
	const char *what = sim_invariants_rested(story->invariants, story->world.engine);

	if (sim_words_skip(words, "call")) {
		uint64_t token;
		const struct sim_call *call;

		if (!sim_parse_number(sim_words_take(words), UINT64_MAX, &token))
			return sim_story_fail(story, "judge which call?");
		call = sim_host_find_call(&story->world, token);
		if (!call || !call->up)
			find(story, "a call did not get through");
		return true;
	}
	for (uint32_t line = 0; line < config->line_count; line++)
		for (uint32_t i = 0; i < config->lines[line].entry_count; i++)
			if (!what && !server_knows(story, line, i))
				what = "a server does not know of the registration";
	if (what)
		find(story, what);
	else
		sim_story_tell(story, "all is well");
	return true;
}
