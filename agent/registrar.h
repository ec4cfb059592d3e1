/* registrar.h - where the endpoints of each line are: their registrations with us (RFC 3261 10.3).
 *
 * A binding belongs to an endpoint and a line.  Who may register is decided before
 * (agent/inside.h). Bounded, without clock or I/O.
 */
#ifndef AGENT_REGISTRAR_H
#define AGENT_REGISTRAR_H

#include <sys/queue.h>

#include "agent/fork.h"
#include "phone/transport.h"
#include "sip/builder.h"

enum {
	AGENT_BINDINGS_MAX = AGENT_FORK_MAX, /* of one line: as many as ring at once */
	AGENT_EXPIRES_DEFAULT_S = 3600,
	AGENT_EXPIRES_MIN_S = 30, /* a shorter one is answered 423 */
	AGENT_EXPIRES_MAX_S = 3600,
	AGENT_BINDING_TEXT_MAX = 1024, /* bytes of each text */
};

struct agent_binding {
	LIST_ENTRY(agent_binding) others; /* of its line */
	uint64_t id;                      /* never used twice, also after a restart */
	uint32_t line, endpoint;          /* indices in the configuration */
	char *contact;  /* the URI; all texts are owned, and "" where there is none */
	char *instance; /* +sip.instance: replaces the endpoint's older address */
	char *path;     /* RFC 3327: a route set */
	char *call_id;
	uint32_t cseq;
	struct phone_hop hop; /* where its requests go */
	uint64_t expires_at;  /* milliseconds, as the caller counts them */
};

struct agent_registrar;

/* NULL: out of memory. */
struct agent_registrar *agent_registrar_new(uint32_t line_count);
void agent_registrar_free(struct agent_registrar *registrar); /* NULL is fine */

/* Room for the lines with smaller numbers than that; none is taken away.  -ENOMEM. */
int agent_registrar_reserve(struct agent_registrar *registrar, uint32_t line_count);

struct agent_register {
	const struct sip_message *request;
	uint32_t line, endpoint;
	struct phone_hop hop;
	/* What becomes of a binding: made or changed, or about to go.  May be NULL. */
	void (*on_change)(void *user, const struct agent_binding *binding, bool is_gone);
	void *user;
};

/* Takes a REGISTER whose sender was proven.  Returns the status to answer with: 200; 400 its
 * Contacts are broken; 403 there are too many of them; 423 too short; 500 out of order (RFC
 * 3261 10.3 step 7); 503 out of memory.  But for 200 nothing has changed. */
unsigned agent_registrar_take(struct agent_registrar *registrar, const struct agent_register *order,
			      uint64_t now);

/* Writes the endpoint's bindings, as Contact headers with their time (10.3 step 8). */
void agent_registrar_write(const struct agent_registrar *registrar, uint32_t line,
			   uint32_t endpoint, struct sip_builder *builder, uint64_t now);

/* The next binding of a line, from NULL on, whose time is not over. */
const struct agent_binding *agent_registrar_next(const struct agent_registrar *registrar,
						 uint32_t line, const struct agent_binding *after,
						 uint64_t now);

/* Forgets those whose time is over, as ORDER's on_change is told.  Once a second, or less often. */
void agent_registrar_sweep(struct agent_registrar *registrar, const struct agent_register *order,
			   uint64_t now);

/* Forgets those that KEEPS(user) says no of, as ORDER's on_change is told. */
void agent_registrar_filter(struct agent_registrar *registrar, const struct agent_register *order,
			    bool (*keeps)(void *user, const struct agent_binding *binding),
			    void *user);

size_t agent_registrar_count(const struct agent_registrar *registrar);

/* Puts a binding back that was there before a restart; its texts are copied.  SIP_EFULL: too many
 * of its line; SIP_EMEMORY. */
int agent_registrar_restore(struct agent_registrar *registrar, const struct agent_binding *binding);
void agent_registrar_forget(struct agent_registrar *registrar, uint64_t id);

#endif
