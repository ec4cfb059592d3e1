/* world.h - virtual time: one engine, its phone, servers, names and the paths between them.
 *
 * The world runs in microseconds and floors them to milliseconds for the engine.  Nothing waits:
 * time jumps from one happening, or one deadline of the engine, to the next.  What is due at one
 * time happens in this order: what is under way in the network, then the engine's deadline.
 */
#ifndef SIM_WORLD_H
#define SIM_WORLD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "keepline/keepline.h"
#include "sim/host.h"
#include "sim/names.h"
#include "sim/queue.h"
#include "sim/server.h"

/* Who looks on.  All are called at the moment of the thing; what they get is lent.  An event comes
 * after it was fed and before its actions. */
struct sim_watch {
	void *context;
	void (*action)(void *context, const struct kl_action *action);
	void (*say)(void *context, const char *text); /* what the phone did by itself */
	void (*event)(void *context, const struct kl_event *event, int result); /* or NULL */
	void (*settled)(void *context); /* all actions of an event are done; or NULL */
};

/* What becomes of datagrams on their way, to and from the phone alike. */
struct sim_network {
	uint32_t loss, duplicates; /* of 100 */
	kl_ms jitter_ms;           /* at random, so that they overtake each other */
	uint64_t dice;
};

struct sim_question {
	uint32_t query;
	enum kl_record_type type;
	char name[KL_NAME_MAX + 1];
	bool silent;
	bool gone; /* the phone that asked was restarted */
};

struct sim_world {
	struct kl_engine *engine; /* NULL before sim_world_start() */
	const struct kl_config *config;
	uint64_t now_us;
	struct sim_queue queue;
	struct sim_names names;
	struct sim_server *servers;
	size_t server_count, server_room;
	struct sim_question *questions;
	size_t question_count, question_room;
	struct sim_host host;
	struct sim_watch watch;
	struct sim_network network;
	bool link_down;    /* the phone has no network: what it sends fails, what comes is lost */
	uint64_t wakes_us; /* until then the phone sleeps: what comes is kept for it */
	bool spinning;     /* the engine asked for one moment again and again */
};

/* An empty world at time 0. */
void sim_world_init(struct sim_world *world, const struct sim_watch *watch);

void sim_world_free(struct sim_world *world);

/* Makes the engine.  CONFIG outlives the world.  0 or a KL_E*. */
int sim_world_start(struct sim_world *world, const struct kl_config *config, uint64_t seed);

/* Goes over to CONFIG, which outlives the world.  The number of lines that go on, or a KL_E*. */
int sim_world_reload(struct sim_world *world, const struct kl_config *config);

kl_ms sim_world_now(const struct sim_world *world);

/* The phone loses power and starts again with SEED: all lines are off.  0 or a KL_E*. */
int sim_world_restart(struct sim_world *world, uint64_t seed);

/* Moves the engine to a copy of its block.  False: no memory. */
bool sim_world_copy_engine(struct sim_world *world);

/* A server by its name; sim_world_find_server(): NULL if there is none.  Good until the next
 * server is added. */
struct sim_server *sim_world_find_server(struct sim_world *world, const char *name);
struct sim_server *sim_world_add_server(struct sim_world *world, const char *name);

/* The server that ROUTE leads to, or NULL. */
struct sim_server *sim_world_server_at(struct sim_world *world, const struct kl_route *route);

/* Tells the engine that something happened now, and does all that it asks for.  0, KL_IGNORED or
 * a KL_E*. */
int sim_world_feed(struct sim_world *world, const struct kl_event *event);

/* Puts WHAT about SUBJECT into the queue, AFTER_MS from now. */
void sim_world_plan(struct sim_world *world, kl_ms after_ms, const struct sim_happening *happening);

/* The same for a datagram: the network may lose, double or delay it. */
void sim_world_carry(struct sim_world *world, kl_ms after_ms,
		     const struct sim_happening *happening);

/* Lets everything happen that is due until UNTIL, included; now is UNTIL afterwards.  -1 if the
 * engine spins, see `spinning`. */
int sim_world_run(struct sim_world *world, kl_ms until);

#endif
