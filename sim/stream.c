#include "sim/stream.h"

#include <stdio.h>
#include <string.h>

#include "sim/grow.h"
#include "sim/world.h"

static void plan(struct sim_world *world, size_t stream, enum sim_what what, kl_ms after_ms,
		 enum kl_fault fault)
{
	sim_world_plan(world, after_ms,
		       &(struct sim_happening){.what = what, .subject = stream, .fault = fault});
}

static kl_ms delay_of(const struct sim_world *world, size_t stream)
{
	return world->servers[world->host.streams[stream].server].delay_ms;
}

/* The stream to ROUTE that has not ended, and is nobody's own, or NULL. */
static struct sim_stream *find_stream(struct sim_host *host, const struct kl_route *route)
{
	for (size_t i = 0; i < host->stream_count; i++) {
		struct sim_stream *stream = &host->streams[i];

		if (stream->state != SIM_STREAM_CLOSED && !stream->own &&
		    stream->route.port == route->port &&
		    stream->route.transport == route->transport &&
		    stream->route.tls_name == route->tls_name &&
		    memcmp(stream->route.ip, route->ip, sizeof(route->ip)) == 0)
			return stream;
	}
	return NULL;
}

/* For transaction T; to its own route, for it alone if it asks for that, or to the one beside. */
static struct sim_stream *connect_to(struct sim_world *world, const struct sim_transaction *t,
				     const struct kl_route *route, size_t server)
{
	struct sim_host *host = &world->host;
	size_t index = host->stream_count;

	host->streams = sim_grow(host->streams, &host->stream_room, host->stream_count,
				 sizeof(*host->streams));
	host->streams[host->stream_count++] = (struct sim_stream){
		.route = *route,
		.server = server,
		.state = SIM_STREAM_CONNECTING,
		.own = t->fresh,
		.policy = world->config->lines[t->line].entries[t->entry].policy};
	plan(world, index, SIM_STREAM_ASKS, delay_of(world, index), KL_FAULT_NONE);
	return &host->streams[index];
}

static void send_request(struct sim_world *world, size_t transaction)
{
	size_t stream = world->host.transactions[transaction].stream;

	if (!world->host.streams[stream].own)
		sim_stream_use(world, &world->host.streams[stream].route);
	plan(world, transaction, SIM_REQUEST_ARRIVES, delay_of(world, stream), KL_FAULT_NONE);
}

void sim_stream_send(struct sim_world *world, size_t transaction, kl_ms race_ms)
{
	struct sim_transaction *t = &world->host.transactions[transaction];
	struct sim_stream *stream = t->fresh ? NULL : find_stream(&world->host, &t->route);

	if (!stream)
		stream = connect_to(world, t, &t->route, (size_t)t->server);
	t->stream = (size_t)(stream - world->host.streams);
	if (stream->state == SIM_STREAM_OPEN)
		send_request(world, transaction);
	else if (t->beside.port)
		plan(world, transaction, SIM_STREAM_RACES, race_ms, KL_FAULT_NONE);
}

void sim_stream_leave(struct sim_world *world, const struct sim_transaction *t)
{
	if (t->fresh && t->route.transport != KL_UDP && t->server != SIM_NO_SERVER)
		world->host.streams[t->stream].state = SIM_STREAM_CLOSED;
}

bool sim_stream_gone(const struct sim_world *world, const struct sim_transaction *t)
{
	return t->route.transport != KL_UDP && t->server != SIM_NO_SERVER &&
	       world->host.streams[t->stream].state == SIM_STREAM_CLOSED;
}

void sim_stream_close(struct sim_world *world, const struct kl_route *route)
{
	struct sim_stream *stream = find_stream(&world->host, route);

	if (stream)
		stream->state = SIM_STREAM_CLOSED;
}

void sim_stream_drop(struct sim_world *world, const struct sim_server *server, enum kl_fault fault)
{
	for (size_t i = 0; i < world->host.stream_count; i++) {
		if (&world->servers[world->host.streams[i].server] == server)
			plan(world, i, SIM_STREAM_ENDS,
			     fault == KL_FAULT_KEEPALIVE ? 0 : server->delay_ms, fault);
	}
}

void sim_stream_asks(struct sim_world *world, size_t index)
{
	const struct sim_stream *stream = &world->host.streams[index];
	const struct sim_server *server = &world->servers[stream->server];
	bool tls = stream->route.transport == KL_TLS;
	kl_ms delay_ms = server->delay_ms;

	switch (server->reach) {
	case SIM_UP:
	case SIM_MUTE:
		if (tls && server->tls_fails)
			plan(world, index, SIM_STREAM_ENDS, 3 * delay_ms, KL_FAULT_TLS);
		else
			plan(world, index, SIM_STREAM_OPENS, (tls ? 3 : 1) * delay_ms,
			     KL_FAULT_NONE);
		break;
	case SIM_REFUSING:
		plan(world, index, SIM_STREAM_ENDS, delay_ms, KL_FAULT_REFUSED);
		break;
	case SIM_UNREACHABLE:
		plan(world, index, SIM_STREAM_ENDS, delay_ms, server->fault);
		break;
	case SIM_SILENT:
	case SIM_UNHEARD:
	case SIM_UNSENDABLE:
		break;
	}
}

/* Does the transaction still wait on the stream? */
static bool waits_on(const struct sim_transaction *t, size_t stream)
{
	return t->route.transport != KL_UDP && t->server != SIM_NO_SERVER && t->stream == stream &&
	       !t->ended && t->abandoned_at == KL_NEVER;
}

/* Does the transaction still wait for its stream to connect? */
static bool is_connecting(const struct sim_world *world, size_t transaction)
{
	const struct sim_transaction *t = &world->host.transactions[transaction];

	return waits_on(t, t->stream) &&
	       world->host.streams[t->stream].state == SIM_STREAM_CONNECTING;
}

void sim_stream_races(struct sim_world *world, size_t transaction)
{
	struct sim_transaction *t = &world->host.transactions[transaction];
	const struct sim_server *server = sim_world_server_at(world, &t->beside);
	const struct sim_stream *stream = find_stream(&world->host, &t->beside);

	if (!is_connecting(world, transaction) || !server)
		return;
	t->races = true;
	if (!stream)
		connect_to(world, t, &t->beside, (size_t)(server - world->servers));
	else if (stream->state == SIM_STREAM_OPEN)
		sim_host_take_fault(world, transaction, KL_FAULT_OVERTAKEN);
}

/* Whose own streams are not there yet go on on this one. */
static void win_races(struct sim_world *world, const struct kl_route *route)
{
	for (size_t i = 0; i < world->host.transaction_count; i++)
		if (world->host.transactions[i].races && is_connecting(world, i) &&
		    !memcmp(&world->host.transactions[i].beside, route, sizeof(*route)))
			sim_host_take_fault(world, i, KL_FAULT_OVERTAKEN);
}

void sim_stream_opens(struct sim_world *world, size_t index)
{
	const struct kl_route route = world->host.streams[index].route;

	if (world->host.streams[index].state != SIM_STREAM_CONNECTING)
		return;
	world->host.streams[index].state = SIM_STREAM_OPEN;
	world->host.streams[index].used_at = sim_world_now(world);
	sim_stream_idles(world, index);
	for (size_t i = 0; i < world->host.transaction_count; i++) {
		if (waits_on(&world->host.transactions[i], index))
			send_request(world, i);
	}
	if (!world->host.streams[index].own)
		win_races(world, &route);
}

/* A stream that never opened is the affair of the requests that wait for it: one of them tells for
 * all. */
void sim_stream_ends(struct sim_world *world, size_t index, enum kl_fault fault)
{
	struct sim_stream *stream = &world->host.streams[index];
	const struct kl_event lost = {.type = KL_EV_STREAM_LOST,
				      .transport = {.route = stream->route, .fault = fault}};
	enum sim_stream_state before = stream->state;

	stream->state = SIM_STREAM_CLOSED;
	if (stream->own)
		return;
	if (before == SIM_STREAM_OPEN)
		sim_world_feed(world, &lost);
	for (size_t i = 0; before == SIM_STREAM_CONNECTING && i < world->host.transaction_count;
	     i++) {
		if (!waits_on(&world->host.transactions[i], index))
			continue;
		sim_host_take_fault(world, i, fault);
		break;
	}
}

/* ---- idle streams ------------------------------------------------------------------------ */

/* TCP keep-alives that are sent in vain before the stream is lost (KEEP-2). */
enum { UNANSWERED_MAX = 4 };

void sim_stream_use(struct sim_world *world, const struct kl_route *route)
{
	struct sim_stream *stream = find_stream(&world->host, route);

	if (!stream)
		return;
	stream->used_at = sim_world_now(world);
	stream->unanswered = 0;
}

static bool kept_alive(const struct sim_stream *stream)
{
	return stream->policy->stream_keepalive && stream->route.transport == KL_TLS;
}

/* Says what the phone did by itself: WHAT, and to which server. */
static void say(struct sim_world *world, const struct sim_stream *stream, const char *what)
{
	char text[KL_TEXT_MAX];

	snprintf(text, sizeof(text), "%s %s/%s", what, world->servers[stream->server].name,
		 kl_transport_name((enum kl_transport)stream->route.transport));
	world->watch.say(world->watch.context, text);
}

void sim_stream_ping(struct sim_world *world, const struct sim_server *server)
{
	for (size_t i = 0; i < world->host.stream_count; i++) {
		const struct sim_stream *stream = &world->host.streams[i];

		if (&world->servers[stream->server] != server || stream->state != SIM_STREAM_OPEN ||
		    !stream->policy->persistent_connection)
			continue;
		sim_stream_use(world, &stream->route);
		say(world, stream, "CRLF to");
	}
}

/* A keep-alive's answer comes from the far end's TCP, whatever becomes of its SIP. */
static void keep_alive(struct sim_world *world, size_t index)
{
	struct sim_stream *stream = &world->host.streams[index];
	enum sim_reach reach = world->servers[stream->server].reach;
	bool answers = !world->link_down && (reach == SIM_UP || reach == SIM_MUTE);

	if (stream->unanswered == UNANSWERED_MAX) {
		sim_stream_ends(world, index, KL_FAULT_KEEPALIVE);
		return;
	}
	stream->unanswered++;
	if (answers)
		sim_stream_use(world, &stream->route);
	plan(world, index, SIM_STREAM_IDLES,
	     answers ? stream->policy->stream_idle_ms : stream->policy->stream_probe_ms,
	     KL_FAULT_NONE);
}

void sim_stream_idles(struct sim_world *world, size_t index)
{
	struct sim_stream *stream = &world->host.streams[index];
	kl_ms idle_ms = sim_world_now(world) - stream->used_at;
	kl_ms most_ms = stream->policy->stream_idle_ms;

	if (stream->state != SIM_STREAM_OPEN)
		return;
	if (!kept_alive(stream))
		most_ms = stream->policy->persistent_connection ? KL_NEVER
								: stream->policy->stream_close_ms;
	if (most_ms == KL_NEVER)
		return;
	if (idle_ms < most_ms) {
		plan(world, index, SIM_STREAM_IDLES, most_ms - idle_ms, KL_FAULT_NONE);
	} else if (kept_alive(stream)) {
		keep_alive(world, index);
	} else {
		stream->state = SIM_STREAM_CLOSED;
		say(world, stream, "idle: closes the stream to");
	}
}
