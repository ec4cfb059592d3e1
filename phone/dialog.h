/* dialog.h - calls that were answered, until nothing of them is left on the network.
 *
 * Every 2xx to an INVITE makes a dialog here: it is acknowledged, and again for each repeat.  One
 * that nobody wants, late or from a fork, is ended with BYE at once (TIME-9).
 */
#ifndef PHONE_DIALOG_H
#define PHONE_DIALOG_H

#include <sys/queue.h>

#include "phone/account.h"
#include "phone/locate.h"
#include "phone/repeat.h"
#include "phone/transport.h"
#include "sip/dialog.h"
#include "sip/message.h"

struct phone_call;
struct phone_reload;

#define PHONE_DIALOG_STATES(X)                                                                     \
	X(UP)                                                                                      \
	X(ENDING) /* our BYE is out */                                                             \
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
	struct kl_binding binding; /* of a call that is up */
	struct phone_hop hop;      /* where the INVITE went */
	struct sip_dialog sip;
	struct sip_message invite;   /* as it was sent, while its ACK is owed */
	bool owes_ack, owes_bye;     /* they are sent once it is known where to */
	struct phone_locate *locate; /* asks where requests go; NULL: that is known */
	struct phone_found found;    /* as it was told last; empty: where the INVITE went */
	unsigned at;                 /* of the routes found, the one in use */
	uint64_t session;            /* of our description */
	char *ack;                   /* as it was sent; owned */
	struct phone_repeat repeat;  /* of our BYE, or of our 200 to their re-INVITE */
	uint32_t unacked;            /* CSeq of that re-INVITE; 0: none */
	char bye_branch[PHONE_ID_MAX];
	uint64_t proof; /* phone_proof.request of the BYE */
	enum sip_digest_sent sent[2];
	unsigned byes; /* sent so far, repeats apart */
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

/* Where a 2xx comes from. */
struct phone_dialog_origin {
	struct phone_account *account;
	struct phone_hop hop;             /* of its INVITE */
	const struct sip_message *invite; /* as it was sent */
	struct phone_call *call;          /* who wants it; NULL: nobody */
};

/* Takes a 2xx to INVITE.  False: it makes no dialog, or there is no room. */
bool phone_dialog_take_answer(struct phone *phone, const struct phone_dialog_origin *origin,
			      const struct sip_message *response);

/* Takes an answer to a BYE.  False: it is none of ours. */
bool phone_dialog_receive(struct phone *phone, const struct sip_message *response);

/* Ends a dialog of ours: with BYE, or in silence where nothing may be sent any more (FAIL-5). */
void phone_dialog_hang_up(struct phone_dialog *dialog);

/* The far end ended it. */
void phone_dialog_end(struct phone_dialog *dialog);

/* The dialog that a request belongs to; NULL: none. */
struct phone_dialog *phone_dialog_find(const struct phone *phone,
				       const struct sip_message *message);

/* The BYE with this branch can't be delivered (TRIG-10).  False: there is none. */
bool phone_dialogs_take_fault(struct phone *phone, struct sip_span branch, enum kl_fault fault);

/* A stream is gone, and every BYE that waits on it with it. */
void phone_dialogs_lose_stream(struct phone *phone, const struct phone_stream_end *end);

/* Is a BYE of a line that leaves still unanswered? */
bool phone_dialogs_busy(const struct phone *phone);

#endif
