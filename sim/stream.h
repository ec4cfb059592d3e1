/* stream.h - TCP and TLS connections of the simulated phone: one for each route, for all lines.
 *
 * A transaction that asks for one has a connection of its own besides.
 *
 * To connect takes one way there and back, TLS another; then what waited is sent.  Faults are the
 * server's state: silent (nothing comes back), mute (connects, then silence), refusing, tls-fails.
 *
 * The phone obeys the policy of the entry that opened a stream: TCP keep-alives on an idle one,
 * four of which without an answer lose it; or it is closed once it was idle for long; or it stays
 * (KEEP-2, KEEP-3).
 */
#ifndef SIM_STREAM_H
#define SIM_STREAM_H

#include <stdbool.h>
#include <stddef.h>

#include "keepline/keepline.h"

struct sim_server;
struct sim_transaction;
struct sim_world;

enum sim_stream_state { SIM_STREAM_CONNECTING, SIM_STREAM_OPEN, SIM_STREAM_CLOSED };

/* A closed one stays in the table; a new one takes another place. */
struct sim_stream {
	struct kl_route route;
	size_t server;
	enum sim_stream_state state;
	const struct kl_policy *policy;
	bool own;            /* one transaction's alone, which ends it */
	kl_ms used_at;       /* its last traffic, or sign of life from the far end */
	uint32_t unanswered; /* TCP keep-alives since then */
};

/* Sends a transaction on the stream to its route, which is opened if there is none; if it is not
 * there after RACE_MS, that to the route beside is opened as well. */
void sim_stream_send(struct sim_world *world, size_t transaction, kl_ms race_ms);

/* The transaction is over: so is the stream that it had for itself, if it had one. */
void sim_stream_leave(struct sim_world *world, const struct sim_transaction *t);

/* There was traffic on the stream to ROUTE, if the phone has one. */
void sim_stream_use(struct sim_world *world, const struct kl_route *route);

/* SERVER sends its keep-alive on its streams: with persistent connections it is answered, and the
 * stream is in use; else it is neither. */
void sim_stream_ping(struct sim_world *world, const struct sim_server *server);

/* Can the transaction get an answer no more, since its stream has ended? */
bool sim_stream_gone(const struct sim_world *world, const struct sim_transaction *t);

/* The phone closes its stream to ROUTE, if it has one. */
void sim_stream_close(struct sim_world *world, const struct kl_route *route);

/* Open streams to SERVER end: the far end closes them, or keep-alives say that they are dead. */
void sim_stream_drop(struct sim_world *world, const struct sim_server *server, enum kl_fault fault);

/* Things happen: the connection request reaches the server; the stream is open; it has ended. */
void sim_stream_asks(struct sim_world *world, size_t stream);
void sim_stream_opens(struct sim_world *world, size_t stream);
void sim_stream_ends(struct sim_world *world, size_t stream, enum kl_fault fault);
void sim_stream_idles(struct sim_world *world, size_t stream);
void sim_stream_races(struct sim_world *world, size_t transaction);

#endif
