/* fleet.h - many engines, or one with many lines, and three servers, in virtual time.
 *
 * Datagrams take a time, with jitter, and get lost; a server is silent at times, and bears so many
 * requests a second, beyond which its queue grows.  REGISTER is challenged each time. */
#ifndef TESTS_ENGINE_FLEET_H
#define TESTS_ENGINE_FLEET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "keepline/keepline.h"
#include "tests/engine/dice.h"

enum { FLEET_SERVERS = 3 };

/* What the fleet is made of; set before fleet_begin(). */
struct fleet_plan {
	uint32_t engines, lines; /* of each */
	kl_ms delay_ms;          /* one way */
	kl_ms jitter_ms;         /* at random up to this, each way */
	uint32_t loss_percent;   /* each way */
	struct kl_policy policy;
};

struct fleet_server {
	bool silent;
	uint32_t capacity; /* requests a second; 0: any number */
	double busy_until; /* ms: its queue is done then */
	double queue_most_ms;
	uint32_t probes, registers, refused; /* that reached it; 503 for a queue of over a second */
};

/* What a line has been through. */
struct fleet_line {
	uint8_t server;    /* that accepted it last */
	uint32_t moves;    /* accepted by another server than before */
	kl_ms moved_at;    /* the last time */
	bool repeats;      /* its REGISTER was challenged: the next one has credentials */
	uint32_t failed;   /* calls that ended without a 2xx */
	uint32_t answered; /* calls that ended with one */
};

struct fleet {
	struct fleet_plan plan;
	kl_ms now;
	struct fleet_server servers[FLEET_SERVERS];
	struct fleet_line *lines; /* those of one engine side by side */
	kl_ms *probed_at;         /* of each engine: the first OPTIONS that server 0 answered since
				   * fleet_mark(), or KL_NEVER */
	struct fleet_state *state;
	void (*accepted)(struct fleet *fleet, uint32_t line); /* NULL: nobody asks */
};

/* All lines start at once. */
void fleet_begin(struct fleet *fleet, const struct fleet_plan *plan);
void fleet_end(struct fleet *fleet);

void fleet_run(struct fleet *fleet, kl_ms until);

/* Forgets moves and first probes. */
void fleet_mark(struct fleet *fleet);

/* Places a call that the server answers at once, and hangs up. */
void fleet_call(struct fleet *fleet, uint32_t engine, uint32_t line);

#endif
