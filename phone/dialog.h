/* dialog.h - what both sides of a call agree on, until nothing of it is left on the network.
 *
 * A provisional answer with a tag makes an early dialog, a 2xx one that is up: ours is
 * acknowledged, and again for each repeat.  One that nobody wants, late or from a fork, is ended
 * with BYE at once (TIME-9).
 */
#ifndef PHONE_DIALOG_H
#define PHONE_DIALOG_H

#include <sys/queue.h>

#include "phone/account.h"
#include "phone/ask.h"
#include "phone/locate.h"
#include "phone/repeat.h"
#include "phone/transport.h"
#include "sip/dialog.h"
#include "sip/message.h"
#include "sip/offer.h"
#include "sip/session.h"

struct phone_call;
struct phone_incoming;
struct phone_reload;

#define PHONE_DIALOG_STATES(X)                                                                     \
	X(EARLY) /* the INVITE has no final answer yet */                                          \
	X(UP)                                                                                      \
	X(ENDING) /* our BYE is owed or out */                                                     \
	X(OVER)   /* waits for repeats of the 2xx, which still want their ACK */

#define PHONE_DIALOG_STATE(name) PHONE_DIALOG_##name,
enum phone_dialog_state { PHONE_DIALOG_STATES(PHONE_DIALOG_STATE) };
#undef PHONE_DIALOG_STATE

struct phone_dialog {
	LIST_ENTRY(phone_dialog) others;
	struct phone *phone;
	enum phone_dialog_state state;
	struct phone_account *account;
	struct phone_call *call;   /* whose it is; NULL: nobody's */
	struct kl_binding binding; /* of a call that is up, or that came */
	struct phone_hop hop;      /* where the INVITE went, or came from */
	kl_tx tx;                  /* EARLY: of our INVITE; 0: it is theirs */
	struct sip_dialog sip;
	struct sip_message invite;   /* as it was sent, while its ACK is owed */
	bool owes_ack;               /* it is sent once it is known where to */
	char *ack;                   /* as it was sent; owned */
	uint32_t acked;              /* its CSeq */
	struct phone_locate *locate; /* asks where requests go; NULL: that is known */
	struct phone_found found;    /* as it was told last; empty: where the INVITE went */
	unsigned at;                 /* of the routes found, the one in use */
	LIST_HEAD(, phone_ask) asks; /* our requests in it */
	struct phone_repeat repeat;  /* of our 2xx to their INVITE */
	uint32_t unacked;            /* CSeq of that INVITE; 0: none */
	bool waits_for_ack;          /* no BYE may go before the ACK of the first one (15) */
	const char *reason;          /* of the BYE (RFC 3326); NULL: none is given */
	struct sip_offer offer;
	struct sip_session session;
	uint32_t rseq;      /* the last one that came in order; 0: none */
	bool takes_updates; /* the far end's Allow lists UPDATE */
	uint64_t heard_at_ms;
	struct net_timer *end;
};

enum { PHONE_DIALOGS_MAX = 4096 };

struct phone_dialogs {
	LIST_HEAD(, phone_dialog) all;
	uint32_t count;
};

void phone_dialogs_clear(struct phone *phone);

/* All cross over to the new configuration; those of lines that left are dropped. */
void phone_dialogs_carry(struct phone *phone, const struct phone_reload *reload);

/* Where an answer to our INVITE comes from. */
struct phone_dialog_origin {
	struct phone_account *account;
	kl_tx tx;                         /* of its INVITE */
	struct phone_hop hop;             /* of that */
	const struct sip_message *invite; /* as it was sent */
	struct phone_call *call;          /* who wants it; NULL: nobody */
};

/* As BINDING says: without an INVITE and a call, and without the name of its certificate. */
struct phone_dialog_origin phone_dialog_origin_of(const struct phone *phone,
						  const struct kl_binding *binding);

/* The early dialog that a provisional answer belongs to, which it may make.  NULL: it makes none,
 * or there is no room. */
struct phone_dialog *phone_dialog_take_provisional(struct phone *phone,
						   const struct phone_dialog_origin *origin,
						   const struct sip_message *response);

/* Takes a 2xx to INVITE.  False: it makes no dialog, or there is no room. */
bool phone_dialog_take_answer(struct phone *phone, const struct phone_dialog_origin *origin,
			      const struct sip_message *response);

/* The early dialog of an INVITE that came, answered with the To tag TAG.  NULL: it makes none
 * (*ERROR is a SIP_E*), or there is no room (*ERROR is 0). */
struct phone_dialog *phone_dialog_from_invite(struct phone *phone,
					      const struct phone_dialog_origin *origin,
					      const char *tag, int *error);

/* A dialog that something else than an INVITE made, for one request that ends it: a copy of SIP,
 * where BINDING says.  NULL: there is no room. */
struct phone_dialog *phone_dialog_adopt(struct phone *phone, const struct kl_binding *binding,
					const struct sip_dialog *sip);

/* All early dialogs of our INVITE end, since it did, or was left. */
void phone_dialogs_end_early(struct phone *phone, kl_tx tx);

/* Takes an answer to a request inside a dialog.  False: it is none of ours. */
bool phone_dialog_receive(struct phone *phone, const struct sip_message *response);

/* Ends a dialog that is up: with BYE, and REASON in it unless that is NULL; or in silence where
 * nothing may be sent any more (FAIL-5).  REASON outlives the dialog. */
void phone_dialog_hang_up(struct phone_dialog *dialog, const char *reason);

/* The far end ended it. */
void phone_dialog_end(struct phone_dialog *dialog);

/* The dialog that a request belongs to; NULL: none. */
struct phone_dialog *phone_dialog_find(const struct phone *phone,
				       const struct sip_message *message);

/* The ACK that a 2xx to their INVITE waits for came, or won't come any more. */
void phone_dialog_take_ack(struct phone_dialog *dialog);

/* FAIL-5: but in a dialog that has no binding, since it was never a call of ours, something may
 * always be sent. */
bool phone_dialog_may_signal(const struct phone_dialog *dialog);

/* ---- for its requests ---- */

/* Sends what is owed, once it is known where to. */
void phone_dialog_send_owed(struct phone_dialog *dialog);

/* Where a request goes now. */
struct phone_hop phone_dialog_hop(const struct phone_dialog *dialog);

struct phone_dialog_way {
	struct phone_hop hop;
	char branch[PHONE_ID_MAX];
};

/* Begins a request in the phone's scratch. */
void phone_dialog_begin(struct phone_dialog *dialog, struct sip_builder *builder,
			const char *method, const struct phone_dialog_way *way);

/* RFC 3263 4.3: on to the next route of those that the name has.  False: there is none. */
bool phone_dialog_next_route(struct phone_dialog *dialog);

/* Acknowledges the 2xx to INVITE (as sent), or a repeat of it. */
void phone_dialog_acknowledge(struct phone_dialog *dialog, const struct sip_message *invite);
void phone_dialog_acknowledge_again(const struct phone_dialog *dialog,
				    const struct sip_message *response);

/* Accepts what an INVITE, UPDATE or PRACK says or asks of our audio: the length of the 200 in the
 * phone's scratch.  0: it was refused, with 488 if for the audio. */
int phone_dialog_accept(struct phone_dialog *dialog, const struct phone_incoming *incoming);

/* The request with this branch can't be delivered (TRIG-10).  False: there is none. */
bool phone_dialogs_take_fault(struct phone *phone, struct sip_span branch, enum kl_fault fault);

/* A stream is gone, and every request that waits on it with it. */
void phone_dialogs_lose_stream(struct phone *phone, const struct phone_stream_end *end);

/* Is a BYE of a line that leaves still unanswered? */
bool phone_dialogs_busy(const struct phone *phone);

#endif
