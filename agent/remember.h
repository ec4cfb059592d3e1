/* remember.h - dialogs and bindings as records of the journal (AGENT-12).
 *
 * Points in time are kept as the wall clock has them, in milliseconds since 1970: another clock
 * would begin anew with the machine.  A line and an endpoint are kept by their keys, which stay the
 * same when the configuration around them changes.
 */
#ifndef AGENT_REMEMBER_H
#define AGENT_REMEMBER_H

#include "agent/ledger.h"
#include "agent/pack.h"
#include "agent/registrar.h"

/* The same moment on both clocks. */
struct agent_moment {
	uint64_t now;  /* as the ledger counts */
	uint64_t wall; /* since 1970 */
};

struct agent_names {
	uint64_t line, endpoint; /* keys */
};

void agent_put_route(struct agent_pack *pack, const struct kl_route *route);
struct kl_route agent_take_route(struct agent_unpack *unpack);

/* Its route and its local address. */
void agent_put_hop(struct agent_pack *pack, const struct phone_hop *hop);
struct phone_hop agent_take_hop(struct agent_unpack *unpack);

/* Returns the record's length, or SIP_ESPACE. */
int agent_dialog_record(const struct agent_dialog *dialog, const struct agent_names *names,
			const struct agent_moment *at, char *to, size_t size);

/* Finds the index of a line or an endpoint by its key; UINT32_MAX: it is gone. */
struct agent_finder {
	uint32_t (*line)(void *user, uint64_t key);
	uint32_t (*endpoint)(void *user, uint64_t key);
	void *user;
};

/* Takes a dialog from its record, which names it ID, into the ledger; an older one with this id
 * goes. Its outgoing numbers jump (AGENT-12).  SIP_EVALUE: the record is broken; SIP_EABSENT: its
 * line or its endpoint is not there any more, or its time is over; errors of agent_ledger_open().
 */
int agent_dialog_recall(struct agent_ledger *ledger, uint64_t id, struct sip_span record,
			const struct agent_finder *finder, const struct agent_moment *at);

/* The same of a binding. */
int agent_binding_record(const struct agent_binding *binding, const struct agent_names *names,
			 const struct agent_moment *at, char *to, size_t size);

/* The same; errors of agent_registrar_restore(). */
int agent_binding_recall(struct agent_registrar *registrar, uint64_t id, struct sip_span record,
			 const struct agent_finder *finder, const struct agent_moment *at);

#endif
