/* sipwire.c - the lab server's ports: what leaves them, when, and who is shown it. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lab/sipserver_private.h"

/* A message that a slow server sends later. */
struct lab_held {
	TAILQ_ENTRY(lab_held) others;
	uint64_t at;
	struct lab_hop to;
	size_t length;
	char bytes[];
};

/* ---- showing ---- */

static void show(const struct lab_place *place, struct lab_sip_wire *wire)
{
	const struct lab_sipserver_config *config = &place->server->config;

	wire->transport = place->transport;
	wire->local = place->local;
	if (config->on_wire)
		config->on_wire(config->user, wire);
}

void lab_show_arrival(const struct lab_place *place, const struct net_address *far,
		      const struct sip_message *message, bool lost)
{
	show(place, &(struct lab_sip_wire){.far = *far, .message = message, .lost = lost});
}

static void show_leaving(const struct lab_place *place, const struct net_address *far,
			 struct sip_span bytes, bool lost)
{
	struct lab_sip_wire wire = {.sent = true, .far = *far, .lost = lost};
	struct sip_message message;

	if (!place->server->config.on_wire || sip_message_parse(&message, bytes.at, bytes.length))
		return;
	wire.message = &message;
	show(place, &wire);
	sip_message_clear(&message);
}

static void take_event(void *user, enum lab_port_event event, const struct net_address *far)
{
	static const enum lab_sip_wire_kind kinds[] = {
		[LAB_PORT_CONNECTED] = LAB_WIRE_CONNECTED,
		[LAB_PORT_CUT] = LAB_WIRE_CUT,
		[LAB_PORT_INSECURE] = LAB_WIRE_INSECURE,
	};

	show(user, &(struct lab_sip_wire){.kind = kinds[event], .far = *far});
}

/* ---- sending ---- */

static void leave(struct lab_sipserver *server, const struct lab_hop *to, struct sip_span bytes)
{
	const struct lab_place *place = &server->places[to->place];

	if (!place->port)
		return;
	lab_port_send(place->port, &to->far, bytes);
	show_leaving(place, &to->far, bytes, false);
}

/* Equal times leave in the order in which they were held. */
static bool hold(struct lab_sipserver *server, const struct lab_hop *to, struct sip_span bytes,
		 uint64_t at)
{
	struct lab_held *held = NULL, *before;

	if (server->held_count < LAB_HELD_MAX)
		held = malloc(sizeof *held + bytes.length);
	if (!held)
		return false;
	held->at = at;
	held->to = *to;
	held->length = bytes.length;
	memcpy(held->bytes, bytes.at, bytes.length);
	before = TAILQ_LAST(&server->held, lab_held_list);
	while (before && before->at > at)
		before = TAILQ_PREV(before, lab_held_list, others);
	if (before)
		TAILQ_INSERT_AFTER(&server->held, before, held, others);
	else
		TAILQ_INSERT_HEAD(&server->held, held, others);
	server->held_count++;
	return true;
}

static void held_free(struct lab_sipserver *server, struct lab_held *held)
{
	TAILQ_REMOVE(&server->held, held, others);
	server->held_count--;
	free(held);
}

bool lab_send(struct lab_sipserver *server, const struct lab_hop *to, enum sip_method method,
	      struct sip_span bytes)
{
	const struct lab_fault *slow = lab_fault_find(server, LAB_SLOW, method);

	if (!bytes.length)
		return false;
	if (lab_fault_loses(server, false, method)) {
		show_leaving(&server->places[to->place], &to->far, bytes, true);
		return false;
	}
	if (slow)
		return hold(server, to, bytes, net_now_ms() + slow->value);
	leave(server, to, bytes);
	return true;
}

void lab_held_step(struct lab_sipserver *server, uint64_t now)
{
	struct lab_held *held;

	while ((held = TAILQ_FIRST(&server->held)) && held->at <= now) {
		leave(server, &held->to, (struct sip_span){held->bytes, held->length});
		held_free(server, held);
	}
}

uint64_t lab_held_deadline(const struct lab_sipserver *server)
{
	const struct lab_held *held = TAILQ_FIRST(&server->held);

	return held ? held->at : NET_NEVER;
}

void lab_held_drop(struct lab_sipserver *server)
{
	while (!TAILQ_EMPTY(&server->held))
		held_free(server, TAILQ_FIRST(&server->held));
}

/* ---- ports ---- */

static int place_open(struct lab_place *place)
{
	const struct lab_port_config port = {
		.local = place->local,
		.transport = place->transport,
		.tls = place->server->config.tls,
		.size_max = LAB_REQUEST_MAX,
		.on_message = lab_take_message,
		.on_event = take_event,
		.user = place,
	};
	int error = lab_port_open(&place->port, place->server->loop, &port);

	if (!error)
		place->local = lab_port_local(place->port);
	return error;
}

int lab_places_open(struct lab_sipserver *server)
{
	int error = 0;

	for (unsigned i = 0; i < server->place_count && !error; i++)
		error = place_open(&server->places[i]);
	if (error)
		lab_places_close(server);
	return error;
}

void lab_places_close(struct lab_sipserver *server)
{
	for (unsigned i = 0; i < server->place_count; i++) {
		lab_port_close(server->places[i].port);
		server->places[i].port = NULL;
	}
}

bool lab_places_are_open(const struct lab_sipserver *server)
{
	return server->places[0].port;
}
