/* ledger.h - the dialogs that go through the agent: what each side needs to be reached.
 *
 * A dialog is known by its line, its Call-ID and both tags; which of the tags is the endpoint's
 * tells the two legs of a call between two lines of one agent apart (AGENT-4).  Each answer with a
 * tag of its own makes one, early until it has a 2xx.
 *
 * Bounded, without clock or I/O.  Texts are copied in.  A dialog that nobody ends goes at
 * Session-Expires, or 12 h after its last message (AGENT-12).
 */
#ifndef AGENT_LEDGER_H
#define AGENT_LEDGER_H

#include <sys/queue.h>

#include "agent/cseq.h"
#include "phone/transport.h"
#include "sip/message.h"

enum {
	AGENT_DIALOG_IDLE_MS = 12 * 3600 * 1000,         /* AGENT-12 */
	AGENT_DIALOG_TIME_MAX_MS = 7 * 24 * 3600 * 1000, /* a longer Session-Expires is none */
	AGENT_DIALOGS_PER_CALL_MAX = 32, /* with one Call-ID: a fork has no more branches */
	AGENT_DIALOG_TEXT_MAX = 4096,    /* bytes of each text */
	AGENT_SWEEP_PARTS = 64,          /* a sweep looks at one of so many */
};

#define AGENT_ANY_LINE UINT32_MAX

enum agent_side { AGENT_INSIDE, AGENT_OUTSIDE };

/* What is kept of a dialog as text.  A route set is "<a>, <b>" in the order in which a request
 * takes them; "": empty. */
#define AGENT_DIALOG_TEXTS(X)                                                                      \
	X(AGENT_CALL_ID)                                                                           \
	X(AGENT_INSIDE_TAG)     /* the endpoint's */                                               \
	X(AGENT_OUTSIDE_TAG)    /* the far end's */                                                \
	X(AGENT_INSIDE_TARGET)  /* the endpoint's Contact: a URI */                                \
	X(AGENT_OUTSIDE_TARGET) /* the far end's */                                                \
	X(AGENT_INSIDE_ROUTES)                                                                     \
	X(AGENT_OUTSIDE_ROUTES)                                                                    \
	X(AGENT_INSIDE_ADDRESS)  /* From or To of the endpoint, without its tag */                 \
	X(AGENT_OUTSIDE_ADDRESS) /* of the far end */                                              \
	X(AGENT_EVENT)           /* of a subscription: the Event header; "": it is a call */

#define AGENT_TEXT_VALUE(name) name,
enum agent_dialog_text { AGENT_DIALOG_TEXTS(AGENT_TEXT_VALUE) AGENT_TEXTS };
#undef AGENT_TEXT_VALUE

struct agent_ledger;

struct agent_dialog {
	LIST_ENTRY(agent_dialog) others;   /* with such a Call-ID */
	LIST_ENTRY(agent_dialog) numbered; /* with such an id */
	struct agent_ledger *ledger;
	uint64_t id;       /* never used twice, also after a restart */
	uint32_t line;     /* index in the configuration */
	uint32_t endpoint; /* the same */
	bool is_confirmed;
	bool is_counted;           /* the engine knows of it, as a call of its line */
	bool is_placed;            /* the endpoint asked for it */
	bool is_dead;              /* nothing goes outside any more (AGENT-6, AGENT-7) */
	struct agent_cseq cseq[2]; /* of what the side sends: enum agent_side */
	uint32_t heard[2];         /* the highest number that the side used itself */
	uint64_t session_ms;       /* Session-Expires; 0: none */
	uint64_t drop_at;          /* milliseconds, as the caller counts them */
	char *texts[AGENT_TEXTS];  /* owned; never NULL */
	struct phone_hop hop;      /* the endpoint: the way that it came last; without names */
	struct kl_binding binding; /* of the outside: its line's index is `line` */
};

/* Who is asked for. */
struct agent_dialog_key {
	uint32_t line; /* AGENT_ANY_LINE: any */
	struct sip_span call_id, inside_tag, outside_tag;
};

/* A ledger for at most LIMIT dialogs; NULL if out of memory. */
struct agent_ledger *agent_ledger_new(uint32_t limit);
void agent_ledger_free(struct agent_ledger *ledger); /* NULL is fine */

size_t agent_ledger_count(const struct agent_ledger *ledger);

/* The key of a message that SIDE sent on LINE: From is the sender's in a request, the other's in a
 * response. */
struct agent_dialog_key agent_dialog_key_of(const struct sip_message *message, enum agent_side side,
					    uint32_t line);

/* NULL: there is none. */
struct agent_dialog *agent_ledger_find(const struct agent_ledger *ledger,
				       const struct agent_dialog_key *key);

struct agent_dialog *agent_ledger_by_id(const struct agent_ledger *ledger, uint64_t id);

/* The next dialog with the Call-ID of KEY and, unless they are absent, its tags: from NULL on.  So
 * the early dialogs of a call are found. */
struct agent_dialog *agent_ledger_next(const struct agent_ledger *ledger,
				       const struct agent_dialog_key *key,
				       const struct agent_dialog *after);

/* The dialog that a request with Replaces, Join or Target-Dialog from SIDE means; NULL: it has
 * none, or there is no such dialog here.  RFC 3891, 3911, 4538 */
struct agent_dialog *agent_ledger_named(const struct agent_ledger *ledger, uint32_t line,
					const struct sip_message *request, enum agent_side side);

/* A new, early dialog, whose id is ID, or a new one for 0.  SIP_EFULL: the table, or the Call-ID's
 * share of it, is; SIP_EREPEATED: it, or its id, is there; SIP_ESPACE: a text is too long;
 * SIP_EMEMORY. */
int agent_ledger_open(struct agent_ledger *ledger, const struct agent_dialog_key *key, uint64_t id,
		      struct agent_dialog **out);
void agent_ledger_close(struct agent_dialog *dialog);

/* Another text.  SIP_ESPACE, SIP_EVALUE (a NUL), SIP_EMEMORY: it stays as it was. */
int agent_dialog_set(struct agent_dialog *dialog, enum agent_dialog_text which,
		     struct sip_span text);
struct sip_span agent_dialog_text(const struct agent_dialog *dialog, enum agent_dialog_text which);

/* The route set of a message's Record-Route lines, as they stand or, for who asked, reversed (RFC
 * 3261 12.1).  Its length in TO, or SIP_ESPACE. */
int agent_read_routes(const struct sip_message *message, bool reversed, char *to, size_t size);

/* A message of the dialog went through: it lives on.  To be called for a new one, too. */
void agent_dialog_touch(struct agent_dialog *dialog, uint64_t now);

/* What Session-Expires of a 2xx says; SECONDS 0: it has no timer. */
void agent_dialog_set_session(struct agent_dialog *dialog, uint32_t seconds, uint64_t now);

/* Gives those whose time is over to ON_OVER, which may close them.  Call it once a second: each
 * call looks at a part of the table, so a dialog goes within about a minute. */
void agent_ledger_sweep(struct agent_ledger *ledger, uint64_t now,
			void (*on_over)(void *user, struct agent_dialog *dialog), void *user);

/* Calls EACH for every dialog; it may close the one that it is given. */
void agent_ledger_each(struct agent_ledger *ledger,
		       void (*each)(void *user, struct agent_dialog *dialog), void *user);

#endif
