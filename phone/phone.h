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
};

struct phone;

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
	X(PHONE_CALL_OVER, "over") /* the last event: the call is gone */

#define PHONE_CALL_VALUE(name, text) name,
enum phone_call_event_type { PHONE_CALL_EVENTS(PHONE_CALL_VALUE) };
#undef PHONE_CALL_VALUE

struct phone_call_event {
	enum phone_call_event_type type;
	kl_ms after_ms;                 /* since the call was placed */
	const struct kl_action *action; /* ACTION */
	struct kl_route route;          /* ANSWER, UP */
	uint16_t status;                /* ANSWER, UP, and OVER of a call that was never up */
	bool was_up;                    /* OVER */
	const char *text;               /* the event in words; valid until the callback returns */
};

struct phone_call_order {
	uint32_t line;      /* index in the configuration */
	const char *target; /* "sip:bob@example.com", "bob@example.com", or "bob": in the domain */
	/* Must not call the phone. */
	void (*on_event)(void *user, const struct phone_call_event *event);
	void *user;
};

/* Places a call.  *ID names it, set before its first event, which comes before this returns; 0 on
 * an error.
 * -EINVAL: no such line, or TARGET is no SIP URI; -EBUSY: too many requests are under way. */
int phone_call_place(struct phone *phone, const struct phone_call_order *order, uint64_t *id,
		     char why[PHONE_WHY_MAX]);

/* Cancels a call, or ends it with BYE where that is allowed (FAIL-5); OVER comes before this
 * returns, whatever its server does (CALL-4).  A call that is gone is no error. */
void phone_call_hang_up(struct phone *phone, uint64_t id);

#endif
