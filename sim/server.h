/* server.h - a SIP server as the simulated world sees it: a registrar with people behind it.
 *
 * A server has no clock and sends nothing: the world hands it a request and carries its replies.
 * Its faults are state: silent, unreachable, refusing, slow, challenging.
 */
#ifndef SIM_SERVER_H
#define SIM_SERVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "keepline/keepline.h"

enum {
	SIM_NAME_MAX = 32,   /* bytes of a server's or a call's name, its NUL included */
	SIM_REPLIES_MAX = 8, /* replies to one request: some provisional, one final */
};

enum sim_reach {
	SIM_UP,
	SIM_SILENT,      /* requests arrive and nothing comes back */
	SIM_UNHEARD,     /* it serves them, and its answers are lost on their way */
	SIM_UNREACHABLE, /* an ICMP message comes back (`fault`) */
	SIM_UNSENDABLE,  /* our own system refuses to send */
	SIM_REFUSING,    /* a connection is refused, an open one reset */
	SIM_MUTE,        /* accepts connections, and nothing comes back on them */
};

enum sim_challenge {
	SIM_TRUSTS,     /* asks nobody for credentials */
	SIM_CHALLENGES, /* accepts credentials for a nonce of its own */
	SIM_REFUSES,    /* accepts none: the password is wrong */
	SIM_FOREIGN,    /* asks for a realm that the line has no password for */
	SIM_DISTRUSTS,  /* finds each nonce too old, its newest included */
};

struct sim_step {
	uint16_t status;
	kl_ms after_ms; /* the request's arrival */
};

/* What a server answers to one method, in order. */
struct sim_script {
	size_t count;
	struct sim_step steps[SIM_REPLIES_MAX];
};

/* A registration that the server has accepted. */
struct sim_binding {
	uint32_t line, entry, call_id;
	uint32_t reg_id; /* 0: it has none, or the server knows none */
	kl_ms expires_at;
};

struct sim_server {
	char name[SIM_NAME_MAX];
	uint8_t ip4[16]; /* ::ffff:a.b.c.d */
	uint8_t ip6[16];
	uint16_t port;
	kl_ms delay_ms; /* from the phone to the server, and back again */
	bool outbound;  /* keeps a registration for each reg-id, and says so (RFC 5626) */

	enum sim_reach reach;
	enum kl_fault fault;
	bool tls_fails;      /* its certificate is not trusted */
	bool lacks_outbound; /* 439 to a REGISTER with a reg-id, of a proxy before it */
	struct sim_script scripts[KL_METHODS_MAX];
	uint32_t overloaded;      /* 503 to all but each so many-th request; 0: it is not */
	uint32_t requests;        /* so far, while it is */
	kl_ms slow_ms;            /* added to each reply */
	kl_ms retry_after_ms;     /* said with a 503; 0: not said */
	struct kl_route redirect; /* said with a 3xx; port 0: not said */
	kl_ms grant_max_ms;       /* KL_NEVER: grants what is asked */
	kl_ms min_expires_ms;     /* 423 to a REGISTER that asks for less */

	enum sim_challenge challenge;
	uint32_t nonce;        /* the last given out; counts from 1 */
	uint32_t nonce_oldest; /* the oldest still good */

	struct sim_binding *bindings;
	size_t binding_count, binding_room;
};

struct sim_request {
	enum kl_method method;
	uint32_t line, entry, call_id;
	uint32_t reg_id;  /* REGISTER; 0: it has none */
	kl_ms expires_ms; /* REGISTER */
	uint32_t nonce;   /* of this server, that the credentials were made for; 0: none */
};

struct sim_reply {
	uint16_t status;
	bool stale, foreign; /* 401, 407 */
	uint32_t nonce;      /* 401, 407 */
	kl_ms after_ms;      /* the request's arrival */
	kl_ms granted_ms, min_expires_ms, retry_after_ms;
	struct kl_route redirect;
	bool outbound; /* 2xx to REGISTER: it is kept apart from other flows */
};

/* A healthy server, reached in 10 ms, that grants what is asked and answers all with 200. */
void sim_server_init(struct sim_server *server, const char *name);

void sim_server_free(struct sim_server *server);

/* Takes every fault away; keeps addresses, delay and registrations. */
void sim_server_heal(struct sim_server *server);

/* Does what is sent to it reach it, and does it act on it? */
bool sim_server_hears(const struct sim_server *server);

/* What the server replies to a request that arrived.  Returns how many: none if it is silent. */
size_t sim_server_answer(struct sim_server *server, const struct sim_request *request,
			 struct sim_reply replies[SIM_REPLIES_MAX]);

/* The time that the server grants to a registration that asks for EXPIRES_MS. */
kl_ms sim_server_grants(const struct sim_server *server, kl_ms expires_ms);

/* A 2xx to REGISTER leaves: adds, renews or removes the binding; sets what REPLY grants. */
void sim_server_register(struct sim_server *server, const struct sim_request *request,
			 struct sim_reply *reply, kl_ms now);

/* The server restarts without its registrations. */
void sim_server_forget(struct sim_server *server);

#endif
