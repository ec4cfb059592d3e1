/* call.h - calls, placed and taken: between the engine, a dialog, audio, and who listens.
 *
 * call.c has their table and their ends, call_out.c those that somebody placed, call_in.c those
 * that came, call_change.c what becomes of one that is up, call_media.c descriptions and audio.
 */
#ifndef PHONE_CALL_H
#define PHONE_CALL_H

#include <sys/queue.h>

#include "media/media.h"
#include "phone/phone.h"
#include "phone/redirect.h"
#include "phone/repeat.h"
#include "phone/server.h"
#include "sip/message.h"
#include "sip/offer.h"
#include "sip/session.h"

#define PHONE_CALL_STATES(X)                                                                       \
	X(WALKING, "calling")     /* placed: the engine has the INVITE */                          \
	X(RINGING, "ringing")     /* came, and nobody answered it yet */                           \
	X(ANSWERING, "answering") /* answered here, but the 200 waits for a PRACK */               \
	X(UP, "up")               /* there is a dialog */

#define PHONE_CALL_STATE(name, text) PHONE_CALL_STATE_##name,
enum phone_call_state { PHONE_CALL_STATES(PHONE_CALL_STATE) };
#undef PHONE_CALL_STATE

struct phone_dialog;
struct phone_dialog_origin;
struct phone_reload;

/* What there is of a call that came, until it is up. */
struct phone_ringing {
	struct sip_message invite;
	struct phone_incoming incoming; /* its request is the above */
	bool reliable;                  /* provisional answers want a PRACK (RFC 3262) */
	bool early;                     /* audio goes before it is answered */
	bool described;                 /* a reliable answer had our description */
	uint32_t rseq;                  /* of the last one that went out so; 0: none */
	bool unacknowledged;            /* it still waits for its PRACK */
	struct phone_repeat repeat;     /* of that */
	struct net_timer *clock;        /* when something is due */
	uint64_t again_at_ms;           /* a provisional answer (RFC 3261 13.3.1.1) */
	uint64_t answer_at_ms;          /* answered by itself; NET_NEVER: by hand */
	uint64_t end_at_ms;             /* nobody answered; */
	unsigned end_status;            /* it is refused with that then */
};

struct phone_call {
	LIST_ENTRY(phone_call) others;
	struct phone *phone;
	uint64_t id; /* the engine's token, too */
	enum phone_call_state state;
	uint32_t line;
	bool incoming;
	kl_ms began_at;
	char target[PHONE_TARGET_MAX + 8]; /* a SIP URI: who is called, or who calls */

	/* Of a call that was placed. */
	struct phone_target redirect; /* where a 3xx sent the INVITE */
	char call_id[48], tag[48];
	uint32_t call_ids;             /* drawn so far */
	uint32_t cseq_base, cseq_last; /* of its INVITEs: the engine counts anew for each walk */
	bool asks_again;               /* a 422 told what to ask for */
	bool hangs_up;                 /* before there was an answer */

	struct phone_ringing *ringing; /* RINGING, ANSWERING; owned */

	struct media *media;         /* owned; NULL: none yet */
	struct phone_audio audio;    /* what is said and kept; its texts are owned */
	char *description;           /* our offer in the INVITE; owned */
	struct sip_offer offer;      /* as each of its dialogs begins with */
	struct sip_session session;  /* the same */
	struct phone_dialog *dialog; /* RINGING and on, UP; NULL before */

	/* Of a call that is up. */
	bool wants_hold, is_held;
	bool is_far_held;
	struct phone_ask *change; /* our re-INVITE or UPDATE that is under way; NULL: none */
	bool change_holds;        /* what it asks for */
	uint64_t change_at_ms;    /* not before (RFC 3261 14.1) */
	struct net_timer *clock;

	void (*on_event)(void *user, const struct phone_call_event *event); /* may be NULL */
	void *user;
};

struct phone_calls {
	LIST_HEAD(, phone_call) all;
	uint64_t last_id;
	uint32_t ringing; /* that came, and are not up */
};

void phone_calls_clear(struct phone *phone);

/* All cross over to the new configuration; those of lines that left have ended. */
void phone_calls_carry(struct phone *phone, const struct phone_reload *reload);

/* NULL: it is gone. */
struct phone_call *phone_call_find(const struct phone *phone, uint64_t id);

/* Tells those who listen to a call of what the engine does for it, or for its line meanwhile. */
void phone_calls_note(struct phone *phone, const struct kl_action *action);

/* Hangs up all of lines that leave. */
void phone_calls_hang_up(struct phone *phone);

/* A call of LINE; it stands in the table, and is not told of yet.  NULL: out of memory. */
struct phone_call *phone_call_new(struct phone *phone, uint32_t line);

/* Takes a call out of the table without a word. */
void phone_call_free(struct phone_call *call);

void phone_call_tell(const struct phone_call *call, struct phone_call_event *event);

/* The last word on a call; the engine's count of them is told.  STATUS as in phone_call_event. */
void phone_call_finish(struct phone_call *call, unsigned status, const char *text);

/* Its dialog is over, and not by our doing. */
void phone_call_ended(struct phone_call *call, const struct phone_dialog *dialog);

/* Ends a call that is up and can't go on.  REASON goes into the BYE (RFC 3326), TEXT is for people;
 * both are constant. */
void phone_call_break(struct phone_call *call, const char *reason, const char *text);

/* ---- placed (call_out.c) ---- */

/* KL_DO_OUTCOME */
void phone_call_outcome(struct phone *phone, const struct kl_action_outcome *outcome);

/* An answer to the INVITE of call ID came. */
void phone_call_answered(struct phone *phone, uint64_t id, const struct kl_route *route,
			 const struct sip_message *response);

/* The same, of a provisional one: it may make an early dialog, bring audio, want a PRACK. */
void phone_call_take_provisional(struct phone_call *call, const struct phone_dialog_origin *origin,
				 const struct sip_message *response);

/* A 2xx came that the call wants; DIALOG is its own now. */
void phone_call_take_accepted(struct phone_call *call, struct phone_dialog *dialog,
			      const struct sip_message *response);

/* The INVITE has to be the call's NUMBER-th Call-ID (1 upward): another draws it, and a tag. */
void phone_call_begin_anew(struct phone_call *call, uint32_t number);

/* What the INVITE asks ROUTE for. */
const char *phone_call_uri(const struct phone_call *call, const struct kl_route *route);

/* ---- that came (call_in.c) ---- */

/* Takes an INVITE outside dialogs, from BINDING's server. */
void phone_call_take_invite(struct phone *phone, const struct phone_incoming *incoming,
			    const struct kl_binding *binding);

/* Takes a CANCEL (RFC 3261 9.2). */
void phone_call_take_cancel(struct phone *phone, const struct phone_incoming *cancel);

/* A PRACK in the dialog of a call (RFC 3262 3). */
void phone_call_take_prack(struct phone_call *call, const struct phone_incoming *incoming);

/* Answers a call that rings, or refuses it with STATUS.  TEXT is for people. */
void phone_call_accept(struct phone_call *call);
void phone_call_refuse(struct phone_call *call, unsigned status, const char *text);

void phone_ringing_free(struct phone_ringing *ringing); /* NULL is fine */

/* ---- that are up (call_change.c) ---- */

/* Sends what is wanted and may be sent now, and sets the clock for the rest. */
void phone_call_settle(struct phone_call *call);

/* ---- descriptions and audio (call_media.c) ---- */

/* Makes our offer, with media received at LOCAL: once for all sends of an INVITE, anew where the
 * address is another.  0, or a negative errno value. */
int phone_call_describe(struct phone_call *call, const struct net_address *local);

/* What is said in a call, and where it is kept; the texts are copied.  False: out of memory. */
bool phone_call_set_audio(struct phone_call *call, const struct phone_audio *audio);
void phone_call_close_media(struct phone_call *call);

/* Opens the audio at LOCAL, and the negotiation.  0, or a negative errno value. */
int phone_call_open_media(struct phone_call *call, const struct net_address *local);

/* Takes what the far end answered in MESSAGE, if it did.  0; or a SIP_E*: it is of no use. */
int phone_call_take_description(struct phone_call *call, struct phone_dialog *dialog,
				const struct sip_message *message);

/* Audio goes where DIALOG agreed on; who listens is told if the far end holds the call. */
void phone_call_apply(struct phone_call *call, const struct phone_dialog *dialog);

#endif
