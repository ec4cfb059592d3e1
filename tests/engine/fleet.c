#include "tests/engine/fleet.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* What is under way to an engine, or the engine's own deadline. */
struct arrival {
	kl_ms at;
	uint64_t seq;
	uint32_t engine, line;
	struct kl_event event; /* TIME or RESPONSE */
	uint8_t server;
	enum kl_method method;
};

struct fleet_state {
	struct kl_entry_config entry;
	struct kl_line_config *lines;
	struct kl_config config;
	size_t engine_size;
	char *engines;
	kl_ms *deadlines; /* for which a TIME is under way */
	struct arrival *heap;
	size_t count, room;
	uint64_t seq;
	struct dice dice;
};

static const char *const names[FLEET_SERVERS] = {"192.0.2.1", "192.0.2.2", "192.0.2.3"};

static struct kl_engine *engine_of(const struct fleet *fleet, uint32_t engine)
{
	return (struct kl_engine *)(fleet->state->engines + engine * fleet->state->engine_size);
}

static struct fleet_line *line_of(const struct fleet *fleet, uint32_t engine, uint32_t line)
{
	return &fleet->lines[engine * fleet->plan.lines + line];
}

/* ---- what is under way ---- */

static bool before(const struct arrival *a, const struct arrival *b)
{
	return a->at != b->at ? a->at < b->at : a->seq < b->seq;
}

static void push(struct fleet_state *state, const struct arrival *arrival)
{
	size_t i = state->count++;

	if (state->count > state->room) {
		state->room = state->room ? 2 * state->room : 1024;
		state->heap = realloc(state->heap, state->room * sizeof(*state->heap));
		assert(state->heap);
	}
	for (; i > 0 && before(arrival, &state->heap[(i - 1) / 2]); i = (i - 1) / 2)
		state->heap[i] = state->heap[(i - 1) / 2];
	state->heap[i] = *arrival;
	state->heap[i].seq = state->seq++;
}

static struct arrival pop(struct fleet_state *state)
{
	struct arrival first = state->heap[0], last = state->heap[--state->count];
	size_t i = 0, child;

	for (; (child = 2 * i + 1) < state->count; i = child) {
		child += child + 1 < state->count &&
			 before(&state->heap[child + 1], &state->heap[child]);
		if (!before(&state->heap[child], &last))
			break;
		state->heap[i] = state->heap[child];
	}
	state->heap[i] = last;
	return first;
}

/* ---- servers ---- */

/* When the reply to what was sent now is back; KL_NEVER: never. */
static kl_ms reply_at(struct fleet *fleet, struct fleet_server *server)
{
	const struct fleet_plan *plan = &fleet->plan;
	struct dice *dice = &fleet->state->dice;
	kl_ms path_ms = 2 * plan->delay_ms;

	if (server->silent || (plan->loss_percent && (dice_roll(dice, 100) < plan->loss_percent ||
						      dice_roll(dice, 100) < plan->loss_percent)))
		return KL_NEVER;
	if (plan->jitter_ms)
		path_ms += dice_roll(dice, (uint32_t)plan->jitter_ms + 1) +
			   dice_roll(dice, (uint32_t)plan->jitter_ms + 1);
	if (!server->capacity)
		return fleet->now + path_ms;
	if (server->busy_until < (double)fleet->now)
		server->busy_until = (double)fleet->now;
	server->busy_until += 1000.0 / server->capacity;
	double queue_ms = server->busy_until - (double)fleet->now;
	if (queue_ms > server->queue_most_ms)
		server->queue_most_ms = queue_ms;
	return fleet->now + path_ms + (kl_ms)queue_ms;
}

static void serve(struct fleet *fleet, uint32_t engine, const struct kl_action_send *send)
{
	uint8_t number = (uint8_t)(send->route.ip[15] - 1);
	struct fleet_server *server = &fleet->servers[number];
	struct fleet_line *line = line_of(fleet, engine, send->line);
	kl_ms at = reply_at(fleet, server);
	struct arrival arrival = {
		.at = at,
		.engine = engine,
		.line = send->line,
		.server = number,
		.method = send->method,
		.event = {.type = KL_EV_RESPONSE, .response = {.tx = send->tx, .status = 200}}};

	if (!server->silent) {
		server->probes += send->method == KL_OPTIONS;
		server->registers += send->method == KL_REGISTER;
	}
	if (at == KL_NEVER)
		return;
	if (server->capacity && server->busy_until - (double)fleet->now > 1000) {
		arrival.event.response.status = 503;
		server->refused++;
	} else if (send->method == KL_REGISTER && !line->repeats) {
		arrival.event.response.status = 401;
	}
	arrival.event.response.granted_ms = send->expires_ms;
	push(fleet->state, &arrival);
}

/* ---- engines ---- */

static void follow(struct fleet *fleet, uint32_t engine)
{
	kl_ms at = kl_deadline(engine_of(fleet, engine));

	if (at == KL_NEVER || at >= fleet->state->deadlines[engine])
		return;
	fleet->state->deadlines[engine] = at;
	push(fleet->state, &(struct arrival){.at = at, .engine = engine});
}

static void feed(struct fleet *fleet, uint32_t engine, const struct kl_event *event)
{
	struct kl_engine *e = engine_of(fleet, engine);
	struct kl_action action;
	int result = kl_feed(e, event, fleet->now);

	assert(result >= 0);
	(void)result;
	while (kl_next_action(e, &action)) {
		struct fleet_line *line = line_of(fleet, engine, 0);

		if (action.type == KL_DO_SEND) {
			serve(fleet, engine, &action.send);
		} else if (action.type == KL_DO_OUTCOME) {
			line += action.outcome.binding.line;
			line->answered += action.outcome.status < 300;
			line->failed += action.outcome.status >= 300;
			if (action.outcome.status < 300)
				feed(fleet, engine,
				     &(struct kl_event){.type = KL_EV_CALL_ENDED,
							.line = action.outcome.binding.line});
		}
	}
	follow(fleet, engine);
}

static void accept_line(struct fleet *fleet, const struct arrival *arrival)
{
	struct fleet_line *line = line_of(fleet, arrival->engine, arrival->line);
	bool moves = line->server != arrival->server;

	line->repeats = false;
	line->server = arrival->server;
	if (!moves)
		return;
	line->moves++;
	line->moved_at = fleet->now;
	if (fleet->accepted)
		fleet->accepted(fleet, arrival->engine * fleet->plan.lines + arrival->line);
}

static void arrive(struct fleet *fleet, const struct arrival *arrival)
{
	uint32_t engine = arrival->engine;
	uint16_t status = arrival->event.response.status;

	if (arrival->event.type == KL_EV_TIME) {
		if (fleet->state->deadlines[engine] != arrival->at)
			return; /* another one is under way */
		fleet->state->deadlines[engine] = KL_NEVER;
	} else if (arrival->method == KL_REGISTER && status == 401) {
		line_of(fleet, engine, arrival->line)->repeats = true;
	} else if (arrival->method == KL_REGISTER && status == 200) {
		accept_line(fleet, arrival);
	} else if (arrival->method == KL_OPTIONS && arrival->server == 0 &&
		   fleet->probed_at[engine] == KL_NEVER) {
		fleet->probed_at[engine] = fleet->now;
	}
	feed(fleet, engine, &arrival->event);
}

void fleet_run(struct fleet *fleet, kl_ms until)
{
	while (fleet->state->count && fleet->state->heap[0].at <= until) {
		struct arrival arrival = pop(fleet->state);

		fleet->now = arrival.at;
		arrive(fleet, &arrival);
	}
	fleet->now = until;
}

void fleet_mark(struct fleet *fleet)
{
	for (uint32_t i = 0; i < fleet->plan.engines; i++)
		fleet->probed_at[i] = KL_NEVER;
	for (uint32_t i = 0; i < fleet->plan.engines * fleet->plan.lines; i++)
		fleet->lines[i].moves = 0;
}

void fleet_call(struct fleet *fleet, uint32_t engine, uint32_t line)
{
	feed(fleet, engine,
	     &(struct kl_event){.type = KL_EV_REQUEST,
				.line = line,
				.request = {++fleet->state->seq, KL_INVITE}});
}

/* ---- begin and end ---- */

static void *zeroed(size_t count, size_t size)
{
	void *block = calloc(count, size);

	assert(block);
	return block;
}

static void configure(struct fleet *fleet)
{
	struct fleet_state *state = fleet->state;
	uint32_t lines = fleet->plan.lines;

	state->entry = (struct kl_entry_config){.name = names[0],
						.more_names = &names[1],
						.more_count = FLEET_SERVERS - 1,
						.transport_choice = KL_CHOOSE_UDP,
						.registers = true,
						.policy = &fleet->plan.policy};
	state->lines = zeroed(lines, sizeof(*state->lines));
	for (uint32_t i = 0; i < lines; i++)
		state->lines[i] =
			(struct kl_line_config){.entries = &state->entry, .entry_count = 1};
	state->config = (struct kl_config){.lines = state->lines,
					   .line_count = lines,
					   .transports = 1 << KL_UDP,
					   .families = KL_IPV4};
	kl_limits_default(&state->config);
	state->config.limits.routes = state->config.limits.set_routes = 4;
	state->config.limits.queries = state->config.limits.records = 4;
	state->config.limits.name_bytes = 256;
	state->config.limits.subscriptions = 0;
	state->engine_size = (kl_engine_size(&state->config) + 15) & ~(size_t)15;
}

void fleet_begin(struct fleet *fleet, const struct fleet_plan *plan)
{
	uint32_t engines = plan->engines;

	*fleet = (struct fleet){.plan = *plan};
	fleet->state = zeroed(1, sizeof(*fleet->state));
	fleet->state->dice = dice_of(1);
	configure(fleet);
	fleet->lines = zeroed((size_t)engines * plan->lines, sizeof(*fleet->lines));
	fleet->probed_at = zeroed(engines, sizeof(*fleet->probed_at));
	fleet->state->deadlines = zeroed(engines, sizeof(*fleet->state->deadlines));
	fleet->state->engines = zeroed(engines, fleet->state->engine_size);
	for (uint32_t i = 0; i < engines; i++) {
		int result = kl_engine_init(engine_of(fleet, i), fleet->state->engine_size,
					    &fleet->state->config, i + 1, 0);

		assert(result == KL_OK);
		(void)result;
		fleet->probed_at[i] = fleet->state->deadlines[i] = KL_NEVER;
		for (uint32_t line = 0; line < plan->lines; line++)
			feed(fleet, i, &(struct kl_event){.type = KL_EV_LINE_START, .line = line});
	}
}

void fleet_end(struct fleet *fleet)
{
	free(fleet->state->engines);
	free(fleet->state->deadlines);
	free(fleet->state->heap);
	free(fleet->state->lines);
	free(fleet->state);
	free(fleet->probed_at);
	free(fleet->lines);
}
