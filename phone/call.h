/* call.h - the calls that somebody placed: between the engine, a dialog, and who listens. */
#ifndef PHONE_CALL_H
#define PHONE_CALL_H

#include <sys/queue.h>

#include "phone/phone.h"
#include "phone/redirect.h"
#include "sip/message.h"

#define PHONE_CALL_STATES(X)                                                                       \
	X(WALKING) /* the engine has the INVITE */                                                 \
	X(UP)      /* answered: there is a dialog */

#define PHONE_CALL_STATE(name) PHONE_CALL_STATE_##name,
enum phone_call_state { PHONE_CALL_STATES(PHONE_CALL_STATE) };
#undef PHONE_CALL_STATE

struct phone_dialog;
struct phone_reload;

struct phone_call {
	LIST_ENTRY(phone_call) others;
	struct phone *phone;
	uint64_t id; /* the engine's token, too */
	enum phone_call_state state;
	uint32_t line;
	kl_ms began_at;
	char target[PHONE_TARGET_MAX + 8]; /* a SIP URI */
	struct phone_target redirect;      /* where a 3xx sent the INVITE */
	char call_id[48], tag[48];
	uint32_t call_ids;           /* drawn so far */
	uint64_t session;            /* of our description */
	struct phone_dialog *dialog; /* NULL until a 2xx came */
	void (*on_event)(void *user, const struct phone_call_event *event);
	void *user;
};

struct phone_calls {
	LIST_HEAD(, phone_call) all;
	uint64_t last_id;
};

void phone_calls_clear(struct phone *phone);

/* All cross over to the new configuration; those of lines that left have ended. */
void phone_calls_carry(struct phone *phone, const struct phone_reload *reload);

/* NULL: it is gone. */
struct phone_call *phone_call_find(const struct phone *phone, uint64_t id);

/* Tells those who listen to a call of what the engine does for it, or for its line meanwhile. */
void phone_calls_note(struct phone *phone, const struct kl_action *action);

/* KL_DO_OUTCOME */
void phone_call_outcome(struct phone *phone, const struct kl_action_outcome *outcome);

/* An answer to the INVITE of call ID came. */
void phone_call_answered(struct phone *phone, uint64_t id, const struct kl_route *route,
			 const struct sip_message *response);

/* The INVITE has to be the call's NUMBER-th Call-ID (1 upward): another draws it, and a tag. */
void phone_call_begin_anew(struct phone_call *call, uint32_t number);

/* What the INVITE asks ROUTE for. */
const char *phone_call_uri(const struct phone_call *call, const struct kl_route *route);

/* Its dialog is over, and not by our doing. */
void phone_call_ended(struct phone_call *call);

/* Hangs up all of lines that leave. */
void phone_calls_hang_up(struct phone *phone);

#endif
