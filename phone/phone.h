/* phone.h - live lines: the engine with sockets, DNS and SIP around it.
 *
 *	struct phone *phone;
 *	int error = phone_create(&phone, &config, why);   binds its sockets
 *	phone_start(phone);                                           registers, from the loop
 *	phone_reload_begin(phone, &order, why);                       a new configuration
 *	phone_stop(phone, on_stopped);                                hangs up and unregisters
 *	phone_free(phone);
 *
 * All is done from the loop: no call here waits.
 *
 * Ownership  phone_create() gives a phone that the caller frees with phone_free(), not from one of
 *            its callbacks.  The loop and the configuration outlive it.
 * Errors     0, or a negative errno value with one sentence in WHY.
 * Threads    Its loop's thread only.  Call sip_init() first.
 */
#ifndef PHONE_PHONE_H
#define PHONE_PHONE_H

#include "config/config.h"
#include "net/address.h"
#include "net/loop.h"
#include "net/resolver.h"
#include "net/stream.h"

enum {
	PHONE_PORT = 5060,
	PHONE_WHY_MAX = 256,    /* room for any WHY */
	PHONE_TARGET_MAX = 255, /* bytes of a call's target */
	PHONE_TONE_LEAST = 100, /* Hz of a tone */
	PHONE_TONE_MOST = 3800,
	PHONE_EVENT_MAX = 63, /* bytes of an event's name */
};

struct phone;
struct phone_call_event;

struct phone_config {
	struct net_loop *loop;
	const struct config *config;
	/* "::" is every address of the machine, over IPv4 and IPv6; port 0: any free one. UDP and
	 * TCP have this port, TLS the next one. */
	struct net_address bind;
	uint8_t dscp; /* of the signalling: 0..63 */
	struct net_resolver_config resolver;
	/* Files that are read again when they change.  NULL: none. */
	const char *resolver_path; /* the DNS servers, in resolv.conf's format; stands for the above
				    */
	const char *hosts_path;    /* names with addresses, which come before the DNS */
	const char *trace_path;    /* every message goes there, as a pcap file */
	bool trace_blank;          /* without credentials */
	const char *state_path; /* what the DNS answered is kept there for the next start (OWN-9) */
	struct net_tls_config tls; /* the texts outlive the phone */

	/* Told of each action of the engine, before it is carried out; valid until it returns.  It
	 * must not call the phone.  May be NULL. */
	void (*on_action)(void *user, const struct kl_action *action, kl_ms at);
	/* Told of each event of the calls that came.  It must not call the phone.  May be NULL. */
	void (*on_call)(void *user, const struct phone_call_event *event);
	void *user;
};

int phone_create(struct phone **out, const struct phone_config *config, char why[PHONE_WHY_MAX]);
void phone_free(struct phone *phone); /* NULL is fine */

/* Starts every line. */
void phone_start(struct phone *phone);

/* Hangs up every call and unregisters every line (REG-5); ON_STOPPED is called once no answer is
 * waited for any more.  Silent servers take as long as their requests do: bound the wait. */
void phone_stop(struct phone *phone, struct net_callback on_stopped);

/* ---- a new configuration ---- */

struct phone_reload_order {
	const struct config *config; /* outlives the phone, or its next reload */
	uint64_t leave_max_ms;       /* how long the servers of lines that leave may take */
	/* Called from the loop, once the new configuration is in force.  The old one may be freed
	 * then. */
	struct net_callback on_done;
};

/* Goes over to another configuration.  Lines that are the same in it go on as if nothing had
 * happened, with their registrations, calls and timers; the others hang up and are unregistered
 * first (REG-5), then those that are new start.  Sockets and DNS servers stay.  phone_stop() ends a
 * reload without on_done.
 * Errors, with nothing changed: -EBUSY one is under way, or the phone stops; -EINVAL the engine
 * can't run it; -ENOMEM. */
int phone_reload_begin(struct phone *phone, const struct phone_reload_order *order,
		       char why[PHONE_WHY_MAX]);

/* The address that it sends from toward TO.  Errors: -EAFNOSUPPORT, -ENETUNREACH. */
int phone_get_local(const struct phone *phone, const struct net_address *to,
		    struct net_address *local);

/* ---- calls ---- */

#define PHONE_CALL_EVENTS(X)                                                                       \
	X(PHONE_CALL_ACTION, "action") /* the engine acts on the line: sends, moves, registers */  \
	X(PHONE_CALL_ANSWER, "answer") /* an answer to the INVITE came */                          \
	X(PHONE_CALL_UP, "up")                                                                     \
	X(PHONE_CALL_OVER, "over")         /* the last event: the call is gone */                  \
	X(PHONE_CALL_INCOMING, "incoming") /* the first one of a call that came: it rings here */  \
	X(PHONE_CALL_HELD, "held")         /* the far end was told to wait */                      \
	X(PHONE_CALL_RESUMED, "resumed")                                                           \
	X(PHONE_CALL_UNCHANGED, "unchanged") /* hold or resume failed: all is as before */         \
	X(PHONE_CALL_FAR_HELD, "far-held")   /* the far end does not listen any more */            \
	X(PHONE_CALL_FAR_RESUMED, "far-resumed")                                                   \
	X(PHONE_CALL_DIGIT, "digit") /* the far end pressed a key */

#define PHONE_CALL_VALUE(name, text) name,
enum phone_call_event_type { PHONE_CALL_EVENTS(PHONE_CALL_VALUE) };
#undef PHONE_CALL_VALUE

struct phone_call_event {
	enum phone_call_event_type type;
	uint64_t id; /* of the call */
	uint32_t line;
	bool incoming;                  /* it came; else it was placed */
	const char *peer;               /* the URI of the other one */
	kl_ms after_ms;                 /* since the call was placed, or came */
	const struct kl_action *action; /* ACTION */
	struct kl_route route;          /* ANSWER, UP, INCOMING */
	uint16_t status;                /* ANSWER, UP, and OVER of a call that was never up */
	bool was_up;                    /* OVER */
	char digit;                     /* DIGIT: 0-9 * # A-D */
	const char *text;               /* the event in words; valid until the callback returns */
};

/* What a call says, once it is up, and where what it hears is kept; all zero: silence, nowhere. */
struct phone_audio {
	const char *play;   /* a WAV file (8 kHz, 1 channel), again and again; NULL: none */
	unsigned tone_hz;   /* or a tone, PHONE_TONE_LEAST to PHONE_TONE_MOST; 0: none */
	const char *record; /* a WAV file, which is replaced; NULL: none */
};

struct phone_call_order {
	uint32_t line;      /* index in the configuration */
	const char *target; /* "sip:bob@example.com", "bob@example.com", or "bob": in the domain */
	struct phone_audio audio; /* its texts are copied */
	/* Must not call the phone. */
	void (*on_event)(void *user, const struct phone_call_event *event);
	void *user;
};

/* Places a call.  *ID names it, set before its first event, which comes before this returns; 0 on
 * an error.
 * -EINVAL: no such line, or TARGET is no SIP URI; -EBUSY: too many requests are under way. */
int phone_call_place(struct phone *phone, const struct phone_call_order *order, uint64_t *id,
		     char why[PHONE_WHY_MAX]);

/* Cancels a call, refuses one that rings here (486), or ends it with BYE where that is allowed
 * (FAIL-5); OVER comes before this returns, whatever its server does (CALL-4).  A call that is gone
 * is no error. */
void phone_call_hang_up(struct phone *phone, uint64_t id);

/* Takes a call that rings here.  UP comes once the answer went out: at once, unless the caller's
 * part of the negotiation is missing (RFC 3262 3).  Where nothing may be sent to its server any
 * more (FAIL-5) the call is over instead.  -ENOENT: no such call rings here. */
int phone_call_answer(struct phone *phone, uint64_t id);

/* Refuses a call that rings here with STATUS, 300..699.  -ENOENT, -EINVAL. */
int phone_call_reject(struct phone *phone, uint64_t id, unsigned status);

/* Tells the far end to wait, or to go on: HELD, RESUMED or UNCHANGED comes once it answered.  What
 * was asked for last counts.  Where nothing may be sent any more (FAIL-5) the call is over.
 * -ENOENT: no such call is up. */
int phone_call_hold(struct phone *phone, uint64_t id);
int phone_call_resume(struct phone *phone, uint64_t id);

/* Sends digits (0-9 * # A-D) as telephone-event in a call that is up.  -ENOENT: no such call is up;
 * else the errors of media_send_digits(). */
int phone_call_send_digits(struct phone *phone, uint64_t id, const char *digits);

/* What a call looks like now. */
struct phone_call_view {
	uint64_t id;
	uint32_t line; /* index in the configuration */
	bool incoming;
	const char *state; /* "calling", "ringing", "answering", "up" */
	char peer[PHONE_TARGET_MAX + 8];
	bool held;             /* by us */
	bool far_held;         /* by the far end */
	kl_ms after_ms;        /* since it was placed, or came */
	struct kl_route route; /* whose server it is bound to; port 0: none yet */
	uint32_t session_s;    /* agreed on (RFC 4028); 0: the session has no timer */
};

/* The call with this place in the list of all, from 0, the latest first.  False: there is none. */
bool phone_get_call(const struct phone *phone, uint32_t index, struct phone_call_view *view);

/* ---- subscriptions ---- */

struct phone_subscribe_order {
	uint32_t line;      /* index in the configuration */
	const char *event;  /* "message-summary", "dialog", or any other: a token */
	const char *target; /* as of a call; "": the line's own address */
	kl_ms expires_ms;   /* the time to ask for; 0: what the line's configuration says */
	bool configured;    /* it is one of the configuration */
	const void *owner;  /* whose it is; NULL: nobody's */
};

/* Asks for a subscription, which is kept until phone_unsubscribe(), until the line stops, or until
 * its server refuses it for good.  *ID names it; 0 on an error.
 * -EINVAL: no such line, a bad event or target; -EBUSY: the line is not started, or no room. */
int phone_subscribe(struct phone *phone, const struct phone_subscribe_order *order, uint64_t *id,
		    char why[PHONE_WHY_MAX]);

/* Ends a subscription, at its server too.  -ENOENT: there is none of that id. */
int phone_unsubscribe(struct phone *phone, uint64_t id);

/* Ends all that OWNER, not NULL, asked for. */
void phone_unsubscribe_all(struct phone *phone, const void *owner);

#endif
