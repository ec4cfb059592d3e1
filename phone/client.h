/* client.h - client transactions: what the engine asks to send, and what comes back for it.
 *
 * The engine decides when to send and when to leave.  What is left ends by itself here: late
 * answers are absorbed, refused INVITEs get their ACK, ringing ones a CANCEL, answered ones ACK and
 * BYE (TIME-9, RFC 3261 17.1).
 */
#ifndef PHONE_CLIENT_H
#define PHONE_CLIENT_H

#include <sys/queue.h>

#include "net/udp.h"
#include "phone/account.h"
#include "phone/redirect.h"
#include "phone/repeat.h"
#include "phone/transport.h"

#define PHONE_CLIENT_STATES(X)                                                                     \
	X(OPEN)  /* the engine waits for an answer */                                              \
	X(LEFT)  /* the engine left it without a final answer */                                   \
	X(ENDED) /* a final answer came: its repeats are absorbed */

#define PHONE_CLIENT_STATE(name) PHONE_CLIENT_##name,
enum phone_client_state { PHONE_CLIENT_STATES(PHONE_CLIENT_STATE) };
#undef PHONE_CLIENT_STATE

struct phone_client {
	LIST_ENTRY(phone_client) others; /* of its bucket */
	struct phone *phone;
	kl_tx tx;
	enum kl_method method;
	enum phone_client_state state;
	bool proceeding; /* a provisional answer came */
	bool cancelled;
	bool over_tcp; /* phone/large.h */
	struct phone_account *account;
	struct phone_hop hop;         /* as the engine has it */
	uint64_t token;               /* of an INVITE, or a SUBSCRIBE */
	enum kl_purpose purpose;      /* of a SUBSCRIBE */
	uint64_t proof;               /* phone_proof.request */
	enum sip_digest_sent sent[2]; /* which credentials it carries */
	bool is_relayed;              /* somebody else's, behind the line (phone/relay.h) */
	unsigned again;               /* of that: repeats with credentials before it */
	kl_ms expires_ms;             /* REGISTER, SUBSCRIBE: the time asked for */
	char branch[PHONE_ID_MAX];
	struct sip_message request; /* as it was sent */
	struct phone_repeat cancel;
	const char *cancel_reason;       /* constant; NULL: none is known */
	struct phone_redirect *redirect; /* a 3xx that came; NULL: none */
	struct net_timer *end;           /* when it is forgotten; runs once it is not OPEN */
	/* phone/race.h */
	struct net_timer *race;
	struct kl_route beside;
	bool races;
};

struct phone_reload;

enum { PHONE_CLIENT_BUCKETS = 16384 };

struct phone_clients {
	LIST_HEAD(, phone_client) buckets[PHONE_CLIENT_BUCKETS];
	uint32_t count, count_max;
};

void phone_clients_init(struct phone *phone);
void phone_clients_clear(struct phone *phone);

/* Takes as many as the configuration may lead to. */
void phone_clients_make_room(struct phone *phone);

/* All cross over to the new configuration; those of lines that left are dropped. */
void phone_clients_carry(struct phone *phone, const struct phone_reload *reload);

/* KL_DO_SEND.  What can't be sent is told to the engine as a fault. */
void phone_client_send(struct phone *phone, const struct kl_action_send *send);

/* Sends the request as it stands, or tells the engine that it can't be sent. */
void phone_client_transmit(struct phone_client *client);

/* Tells the engine that its route failed. */
void phone_client_fail(struct phone_client *client, enum kl_fault fault);

/* KL_DO_ABANDON */
void phone_client_abandon(struct phone *phone, kl_tx tx);

/* Takes an answer.  False: it belongs to no transaction here. */
bool phone_client_receive(struct phone *phone, const struct sip_message *response);

/* A transaction for whose answer the engine waits on that route; 0: none. */
kl_tx phone_client_waiting(const struct phone *phone, const struct kl_route *route);

/* The open one with this branch; NULL: there is none. */
struct phone_client *phone_client_find(const struct phone *phone, struct sip_span branch);

/* Is an answer waited for by a line that leaves? */
bool phone_clients_busy(const struct phone *phone);

#endif
