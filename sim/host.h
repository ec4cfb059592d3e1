/* host.h - what a phone does around the engine: client transactions, credentials, calls.
 *
 * It carries out the engine's actions as a live phone would: an abandoned INVITE is cancelled
 * once it has a provisional answer, and a late 2xx to it gets ACK and BYE (TIME-9).
 */
#ifndef SIM_HOST_H
#define SIM_HOST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "keepline/keepline.h"
#include "sim/server.h"
#include "sim/stream.h"

struct sim_world;
struct sim_happening;

enum {
	SIM_NO_SERVER = -1,
	SIM_ABSORB_MS = 32000, /* 64*T1: so long an abandoned transaction lives on */
};

/* What the last challenge to a line on an entry gave. */
struct sim_credentials {
	uint32_t line, entry;
	uint32_t reg_id; /* 2: of that flow's REGISTER; else 0 */
	int server;      /* index, or SIM_NO_SERVER */
	uint32_t nonce;
	/* The request that was challenged, while it is under way: its token, 0 for REGISTER. */
	bool open;
	uint64_t token;
};

/* One request on one route, both ends of it. */
struct sim_transaction {
	kl_tx tx;
	enum kl_method method;
	uint32_t line, entry, call_id, reg_id;
	uint64_t token;
	kl_ms expires_ms;
	struct kl_route route;
	int server; /* index, or SIM_NO_SERVER: the route leads nowhere */

	/* at the phone */
	struct sim_credentials credentials; /* that the request carried */
	bool provisional, ended, cancelled;
	bool gone;              /* the phone that sent it was restarted */
	kl_ms abandoned_at;     /* KL_NEVER: it was not */
	size_t stream;          /* index; TCP and TLS, where there is a server */
	struct kl_route beside; /* that may be connected, too; port 0: none */
	bool races;             /* ... and is being (OWN-7) */
	bool fresh;             /* it has a stream of its own (OWN-3) */

	/* at the server */
	bool answering, stopped;
	struct sim_reply last; /* status 0: none left yet */
};

/* A request of the user that the engine carries. */
struct sim_call {
	uint64_t token;
	enum kl_method method;
	uint32_t line;
	bool open; /* the engine has not told its end */
	bool up;   /* a call that was answered and not hung up */
	struct kl_binding binding;
};

struct sim_host {
	struct sim_transaction *transactions;
	size_t transaction_count, transaction_room;
	struct sim_stream *streams;
	size_t stream_count, stream_room;
	struct sim_call *calls;
	size_t call_count, call_room;
	struct sim_credentials *credentials;
	size_t credential_count, credential_room;
};

void sim_host_free(struct sim_host *host);

/* Lines of OLD have the numbers of CONFIG now; KL_NO_LINE: they are gone. */
void sim_host_renumber(struct sim_host *host, const struct kl_config *config,
		       const struct kl_config *old);

/* The phone starts anew: it knows of nothing that it did before. */
void sim_host_restart(struct sim_host *host);

/* Carries one action out. */
void sim_host_perform(struct sim_world *world, const struct kl_action *action);

/* A reply, or news of a fault, reached the phone. */
void sim_host_take_reply(struct sim_world *world, size_t transaction,
			 const struct sim_reply *reply);
void sim_host_take_fault(struct sim_world *world, size_t transaction, enum kl_fault fault);

/* The user asks for a request.  0 or a KL_E*. */
int sim_host_request(struct sim_world *world, uint32_t line, enum kl_method method, uint64_t token);

/* Keeps what is known of a request or call. */
struct sim_call *sim_host_add_call(struct sim_host *host, const struct sim_call *call);

/* The call of that token, or NULL. */
struct sim_call *sim_host_find_call(struct sim_world *world, uint64_t token);

/* A call came in and was answered, on LINE; BINDING is NULL where nobody asks from whom. */
int sim_host_take_call(struct sim_world *world, uint32_t line, uint64_t token,
		       const struct kl_binding *binding);

/* The user hangs up, or takes the request back before its answer. */
int sim_host_hang_up(struct sim_world *world, struct sim_call *call);
int sim_host_cancel(struct sim_world *world, struct sim_call *call);

#endif
