#include "sim/world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim/grow.h"

enum {
	/* An engine that needs more wakes than this at one millisecond makes no progress: it has at
	 * most a few things due for each of its lines. */
	WAKES_MAX = 10000,
};

void sim_world_init(struct sim_world *world, const struct sim_watch *watch)
{
	*world = (struct sim_world){.watch = *watch};
	sim_names_init(&world->names);
}

void sim_world_free(struct sim_world *world)
{
	for (size_t i = 0; i < world->server_count; i++)
		sim_server_free(&world->servers[i]);
	free(world->servers);
	free(world->questions);
	free(world->engine);
	sim_names_free(&world->names);
	sim_queue_free(&world->queue);
	sim_host_free(&world->host);
}

kl_ms sim_world_now(const struct sim_world *world)
{
	return world->now_us / 1000;
}

int sim_world_start(struct sim_world *world, const struct kl_config *config, uint64_t seed)
{
	size_t size = kl_engine_size(config);
	int error;

	world->config = config;
	world->engine = calloc(1, size);
	if (!world->engine)
		return KL_ESIZE;
	error = kl_engine_init(world->engine, size, config, seed, sim_world_now(world));
	if (error) {
		free(world->engine);
		world->engine = NULL;
	}
	return error;
}

int sim_world_reload(struct sim_world *world, const struct kl_config *config)
{
	size_t size = kl_engine_size(config);
	struct kl_engine *engine = calloc(1, size);
	int result =
		engine ? kl_engine_init(engine, size, config, 0, sim_world_now(world)) : KL_ESIZE;

	if (result == KL_OK)
		result = kl_engine_adopt(engine, world->engine);
	if (result < 0) {
		free(engine);
		return result;
	}
	sim_host_renumber(&world->host, config, world->config);
	free(world->engine);
	world->engine = engine;
	world->config = config;
	return result;
}

int sim_world_restart(struct sim_world *world, uint64_t seed)
{
	for (size_t i = 0; i < world->question_count; i++)
		world->questions[i].gone = true;
	sim_host_restart(&world->host);
	return kl_engine_init(world->engine, kl_engine_size(world->config), world->config, seed,
			      sim_world_now(world));
}

bool sim_world_copy_engine(struct sim_world *world)
{
	size_t size = kl_engine_size(world->config);
	struct kl_engine *copy = malloc(size);

	if (!copy)
		return false;
	memcpy(copy, world->engine, size);
	memset(world->engine, 0xa5, size);
	free(world->engine);
	world->engine = copy;
	return true;
}

/* ---- servers ----------------------------------------------------------------------------- */

struct sim_server *sim_world_find_server(struct sim_world *world, const char *name)
{
	for (size_t i = 0; i < world->server_count; i++) {
		if (strcmp(world->servers[i].name, name) == 0)
			return &world->servers[i];
	}
	return NULL;
}

struct sim_server *sim_world_add_server(struct sim_world *world, const char *name)
{
	struct sim_server *server;

	world->servers =
		sim_grow(world->servers, &world->server_room, world->server_count, sizeof(*server));
	server = &world->servers[world->server_count++];
	sim_server_init(server, name);
	return server;
}

struct sim_server *sim_world_server_at(struct sim_world *world, const struct kl_route *route)
{
	for (size_t i = 0; i < world->server_count; i++) {
		struct sim_server *server = &world->servers[i];

		if (server->port == route->port &&
		    (memcmp(server->ip4, route->ip, sizeof(route->ip)) == 0 ||
		     memcmp(server->ip6, route->ip, sizeof(route->ip)) == 0))
			return server;
	}
	return NULL;
}

/* ---- the network ------------------------------------------------------------------------- */

void sim_world_plan(struct sim_world *world, kl_ms after_ms, const struct sim_happening *happening)
{
	struct sim_happening planned = *happening;

	planned.at_us = world->now_us + after_ms * 1000;
	sim_queue_put(&world->queue, &planned);
}

/* 0 to SIDES - 1 (xorshift64*). */
static uint32_t roll(struct sim_network *network, uint32_t sides)
{
	network->dice ^= network->dice >> 12;
	network->dice ^= network->dice << 25;
	network->dice ^= network->dice >> 27;
	return (uint32_t)(network->dice * UINT64_C(2685821657736338717) >> 33) % sides;
}

static void deliver(struct sim_world *world, kl_ms after_ms, const struct sim_happening *happening)
{
	struct sim_network *network = &world->network;

	if (network->loss && roll(network, 100) < network->loss)
		return;
	if (network->jitter_ms)
		after_ms += roll(network, (uint32_t)network->jitter_ms + 1);
	sim_world_plan(world, after_ms, happening);
}

void sim_world_carry(struct sim_world *world, kl_ms after_ms, const struct sim_happening *happening)
{
	struct sim_network *network = &world->network;

	if (network->duplicates && roll(network, 100) < network->duplicates)
		deliver(world, after_ms, happening);
	deliver(world, after_ms, happening);
}

/* A reply on its way to the phone. */
static void send_reply(struct sim_world *world, size_t transaction, const struct sim_reply *reply)
{
	const struct sim_transaction *t = &world->host.transactions[transaction];
	const struct sim_server *server = &world->servers[t->server];
	const struct sim_happening arrival = {
		.what = SIM_REPLY_ARRIVES, .subject = transaction, .reply = *reply};

	if (server->reach != SIM_UP)
		return;
	if (t->route.transport == KL_UDP)
		sim_world_carry(world, server->delay_ms, &arrival);
	else
		sim_world_plan(world, server->delay_ms, &arrival);
}

static void plan_reply(struct sim_world *world, size_t transaction, kl_ms after_ms,
		       const struct sim_reply *reply)
{
	sim_world_plan(world, after_ms,
		       &(struct sim_happening){
			       .what = SIM_REPLY_LEAVES, .subject = transaction, .reply = *reply});
}

static struct sim_request request_of(const struct sim_transaction *t)
{
	return (struct sim_request){
		.method = t->method,
		.line = t->line,
		.entry = t->entry,
		.call_id = t->call_id,
		.reg_id = t->reg_id,
		.expires_ms = t->expires_ms,
		.nonce = t->credentials.server == t->server ? t->credentials.nonce : 0,
	};
}

/* A server answers a request once; when it arrives again it gets the last answer again. */
static void request_arrives(struct sim_world *world, size_t transaction)
{
	struct sim_transaction *t = &world->host.transactions[transaction];
	struct sim_server *server = &world->servers[t->server];
	struct sim_request request = request_of(t);
	struct sim_reply replies[SIM_REPLIES_MAX];
	size_t count;

	if (sim_stream_gone(world, t))
		return;
	if (t->route.transport != KL_UDP && server->reach == SIM_REFUSING) {
		sim_stream_drop(world, server, KL_FAULT_STREAM_LOST);
		return;
	}
	if (t->route.transport == KL_UDP && server->reach == SIM_UNREACHABLE) {
		sim_world_plan(world, server->delay_ms,
			       &(struct sim_happening){.what = SIM_FAULT_ARRIVES,
						       .subject = transaction,
						       .fault = server->fault});
		return;
	}
	if (t->answering) {
		if (t->last.status)
			send_reply(world, transaction, &t->last);
		return;
	}
	count = sim_server_answer(server, &request, replies);
	t->answering = count > 0;
	for (size_t i = 0; i < count; i++)
		plan_reply(world, transaction, replies[i].after_ms, &replies[i]);
}

/* CANCEL ends an INVITE that has no final answer yet with 487 (RFC 3261 9.2). */
static void cancel_arrives(struct sim_world *world, size_t transaction)
{
	struct sim_transaction *t = &world->host.transactions[transaction];

	if (!sim_server_hears(&world->servers[t->server]) || t->last.status >= 200)
		return;
	t->stopped = true;
	plan_reply(world, transaction, 0, &(struct sim_reply){.status = 487});
}

static void reply_leaves(struct sim_world *world, const struct sim_happening *happening)
{
	struct sim_transaction *t = &world->host.transactions[happening->subject];
	struct sim_server *server = &world->servers[t->server];
	struct sim_request request = request_of(t);

	if (!sim_server_hears(server) || (t->stopped && happening->reply.status != 487))
		return;
	t->last = happening->reply;
	if (t->method == KL_REGISTER && t->last.status / 100 == 2)
		sim_server_register(server, &request, &t->last, sim_world_now(world));
	send_reply(world, happening->subject, &t->last);
}

/* ---- names ------------------------------------------------------------------------------- */

static void ask(struct sim_world *world, const struct kl_action_query *query)
{
	struct kl_dns_record records[KL_DNS_RECORDS_MAX];
	struct sim_question *question;
	uint32_t count;

	world->questions = sim_grow(world->questions, &world->question_room, world->question_count,
				    sizeof(*question));
	question = &world->questions[world->question_count++];
	*question = (struct sim_question){.query = query->query, .type = query->type};
	snprintf(question->name, sizeof(question->name), "%s", query->name);
	question->silent =
		world->link_down || sim_names_ask(&world->names, query->type, question->name,
						  records, &count) == KL_DNS_SILENT;
	sim_world_plan(world, question->silent ? world->names.silence_ms : world->names.delay_ms,
		       &(struct sim_happening){.what = SIM_NAMES_ARRIVE,
					       .subject = world->question_count - 1});
}

static void names_arrive(struct sim_world *world, size_t index)
{
	const struct sim_question *question = &world->questions[index];
	struct kl_dns_record records[KL_DNS_RECORDS_MAX];
	struct kl_event event = {
		.type = KL_EV_DNS,
		.dns = {.query = question->query, .status = KL_DNS_SILENT, .records = records},
	};

	if (question->gone)
		return;
	if (!question->silent)
		event.dns.status = sim_names_ask(&world->names, question->type, question->name,
						 records, &event.dns.count);
	sim_world_feed(world, &event);
}

/* ---- time -------------------------------------------------------------------------------- */

int sim_world_feed(struct sim_world *world, const struct kl_event *event)
{
	int result = kl_feed(world->engine, event, sim_world_now(world));
	struct kl_action action;

	if (world->watch.event)
		world->watch.event(world->watch.context, event, result);
	while (kl_next_action(world->engine, &action)) {
		world->watch.action(world->watch.context, &action);
		if (action.type == KL_DO_QUERY)
			ask(world, &action.query);
		else
			sim_host_perform(world, &action);
	}
	if (world->watch.settled)
		world->watch.settled(world->watch.context);
	return result;
}

static void happen(struct sim_world *world, const struct sim_happening *happening)
{
	switch (happening->what) {
	case SIM_REQUEST_ARRIVES:
		request_arrives(world, happening->subject);
		break;
	case SIM_CANCEL_ARRIVES:
		cancel_arrives(world, happening->subject);
		break;
	case SIM_REPLY_LEAVES:
		reply_leaves(world, happening);
		break;
	case SIM_REPLY_ARRIVES:
		sim_host_take_reply(world, happening->subject, &happening->reply);
		break;
	case SIM_FAULT_ARRIVES:
		sim_host_take_fault(world, happening->subject, happening->fault);
		break;
	case SIM_NAMES_ARRIVE:
		names_arrive(world, happening->subject);
		break;
	case SIM_STREAM_ASKS:
		sim_stream_asks(world, happening->subject);
		break;
	case SIM_STREAM_OPENS:
		sim_stream_opens(world, happening->subject);
		break;
	case SIM_STREAM_ENDS:
		sim_stream_ends(world, happening->subject, happening->fault);
		break;
	case SIM_STREAM_IDLES:
		sim_stream_idles(world, happening->subject);
		break;
	case SIM_STREAM_RACES:
		sim_stream_races(world, happening->subject);
		break;
	}
}

/* When the engine must be woken: its deadline, or now if that has passed. */
static uint64_t wake_us(const struct sim_world *world)
{
	kl_ms deadline = kl_deadline(world->engine);
	uint64_t soonest_us = world->now_us > world->wakes_us ? world->now_us : world->wakes_us;

	if (deadline >= UINT64_MAX / 1000)
		return UINT64_MAX;
	return deadline * 1000 > soonest_us ? deadline * 1000 : soonest_us;
}

/* Does the thing happen to the phone? */
static bool at_phone(enum sim_what what)
{
	return what != SIM_REQUEST_ARRIVES && what != SIM_CANCEL_ARRIVES &&
	       what != SIM_REPLY_LEAVES && what != SIM_STREAM_ASKS;
}

/* What comes to a phone that sleeps happens when it wakes. */
static void happen_next(struct sim_world *world)
{
	struct sim_happening happening = sim_queue_take(&world->queue);

	if (world->wakes_us > world->now_us && at_phone(happening.what)) {
		happening.at_us = world->wakes_us;
		sim_queue_put(&world->queue, &happening);
		return;
	}
	happen(world, &happening);
}

int sim_world_run(struct sim_world *world, kl_ms until)
{
	const struct kl_event time = {.type = KL_EV_TIME};
	uint64_t until_us = until * 1000;
	uint32_t wakes = 0;

	for (;;) {
		uint64_t network_us = sim_queue_next_us(&world->queue);
		uint64_t engine_us = wake_us(world);
		uint64_t next_us = network_us < engine_us ? network_us : engine_us;

		if (next_us > until_us)
			break;
		wakes = next_us == world->now_us ? wakes + 1 : 0;
		world->spinning = wakes > WAKES_MAX;
		if (world->spinning)
			return -1;
		world->now_us = next_us;
		if (network_us <= engine_us)
			happen_next(world);
		else
			sim_world_feed(world, &time);
	}
	if (until_us > world->now_us)
		world->now_us = until_us;
	return 0;
}
