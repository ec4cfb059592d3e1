/* ask.h - requests of ours inside a dialog: BYE, PRACK, UPDATE, re-INVITE; and the SUBSCRIBE that
 * gives a shared line back (seize.c).
 *
 * One goes where the dialog's route set leads (FAIL-18), is repeated until it is answered, sent
 * again with credentials once, and on to the next route of a name that has several (RFC 3263 4.3).
 * When it fails, its line's engine is told which route is dead (TRIG-10).
 */
#ifndef PHONE_ASK_H
#define PHONE_ASK_H

#include <sys/queue.h>

#include "phone/account.h"
#include "phone/repeat.h"
#include "sip/message.h"

struct phone;
struct phone_ask;
struct phone_dialog;

/* How it ended. */
struct phone_ask_end {
	unsigned status;                    /* 408: nobody answered; 503: no route takes it */
	const struct sip_message *response; /* NULL: none came */
};

/* What differs with the method. */
struct phone_ask_kind {
	enum sip_method method;
	/* Writes headers of its own; NULL: none. */
	void (*write)(const struct phone_ask *ask, struct sip_builder *builder);
	/* Called once; the dialog is there then.  ASK is freed by its owner, the dialog. */
	void (*on_end)(struct phone_ask *ask, const struct phone_ask_end *end);
};

#define PHONE_ASK_STATES(X)                                                                        \
	X(OWED) /* it is sent once it is known where to */                                         \
	X(OUT)                                                                                     \
	X(ENDED) /* an INVITE: its answer may come again */

#define PHONE_ASK_STATE(name) PHONE_ASK_##name,
enum phone_ask_state { PHONE_ASK_STATES(PHONE_ASK_STATE) };
#undef PHONE_ASK_STATE

struct phone_ask {
	LIST_ENTRY(phone_ask) others;
	struct phone_dialog *dialog;
	const struct phone_ask_kind *kind;
	enum phone_ask_state state;
	bool accepted;       /* ENDED: with a 2xx */
	uint32_t rseq, cseq; /* PRACK: what it acknowledges */
	char *body;          /* a description; owned; NULL: none */
	uint32_t number;     /* its CSeq; 0: it was not sent yet */
	char branch[PHONE_ID_MAX];
	unsigned tries;  /* sent with that many CSeqs to this route */
	bool proceeds;   /* an INVITE: a provisional answer came */
	bool over_tcp;   /* it was too large for a datagram */
	bool avoids_tcp; /* that failed */
	uint64_t proof;  /* phone_proof.request */
	enum sip_digest_sent sent[2];
	struct sip_message request; /* as it was sent */
	struct phone_repeat repeat;
	struct net_timer *end; /* when it is given up, forgotten, or looked after */
};

/* Begins a request.  BODY is copied; NULL: none.  It is to be sent by phone_dialog_send_owed().
 * NULL: out of memory. */
struct phone_ask *phone_ask_new(struct phone_dialog *dialog, const struct phone_ask_kind *kind,
				const char *body);
void phone_ask_free(struct phone_ask *ask);

/* Sends one that is OWED, now that it is known where to. */
void phone_ask_send(struct phone_ask *ask);

/* Takes an answer.  False: it is another's. */
bool phone_ask_receive(struct phone_ask *ask, const struct sip_message *response);

/* The route that it went to failed: it goes to the next one, or ends. */
void phone_ask_fail(struct phone_ask *ask, enum kl_fault fault);

/* Is its answer waited for on that route? */
bool phone_ask_waits_on(const struct phone_ask *ask, const struct kl_route *route);

#endif
