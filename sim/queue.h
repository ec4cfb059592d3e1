/* queue.h - what is going to happen in the simulated world, soonest first.
 *
 * Two things due at one time happen in the order in which they were put in, so a run is the same
 * each time.
 */
#ifndef SIM_QUEUE_H
#define SIM_QUEUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sim/server.h"

enum sim_what {
	SIM_REQUEST_ARRIVES, /* at its server */
	SIM_CANCEL_ARRIVES,  /* at its server */
	SIM_REPLY_LEAVES,    /* its server */
	SIM_REPLY_ARRIVES,   /* at the phone */
	SIM_FAULT_ARRIVES,   /* at the phone: an ICMP message */
	SIM_NAMES_ARRIVE,    /* at the phone: the end of a DNS question */
	SIM_STREAM_ASKS,     /* at its server: a connection request */
	SIM_STREAM_OPENS,    /* at the phone */
	SIM_STREAM_ENDS,     /* at the phone: refused, failed, lost */
	SIM_STREAM_IDLES,    /* at the phone: is it idle? */
	SIM_STREAM_RACES,    /* at the phone: is a transaction's not there yet? */
};

struct sim_happening {
	uint64_t at_us;
	uint64_t sequence; /* set by sim_queue_put() */
	enum sim_what what;
	size_t subject; /* index of the transaction, the question or the stream */
	enum kl_fault fault;
	struct sim_reply reply;
};

struct sim_queue {
	struct sim_happening *heap; /* binary heap by (at_us, sequence) */
	size_t count, room;
	uint64_t sequence;
};

void sim_queue_free(struct sim_queue *queue);
void sim_queue_put(struct sim_queue *queue, const struct sim_happening *happening);

/* When the first thing happens; UINT64_MAX: nothing will. */
uint64_t sim_queue_next_us(const struct sim_queue *queue);

/* Takes the first thing out; there must be one. */
struct sim_happening sim_queue_take(struct sim_queue *queue);

#endif
