/* relay.h - requests of others, sent and received as a line's own: what stands behind the lines is
 * no call of the phone's.
 *
 * A request outside dialogs is walked over the routes by the engine, one inside a dialog goes where
 * the dialog leads (FAIL-18).  Either is asked for as text once it is known where it goes, since
 * Via, Contact and credentials go with the route; and asked for again with other credentials.
 *
 * A line keeps its number, whatever is reloaded: one that left is not served, and is again once it
 * is back; one that is new gets a number that nobody had.
 *
 * Ownership  What a callback is given is valid until it returns.
 */
#ifndef PHONE_RELAY_H
#define PHONE_RELAY_H

#include <jansson.h>

#include "phone/account.h"
#include "phone/server.h"
#include "sip/message.h"

struct phone;
struct phone_relay;

enum { PHONE_RELAY_ASKS_MAX = 1 << 18 }; /* requests inside dialogs, over UDP for 32 s each */

/* Names a request that is under way: with its highest bit set, so that it is none of the phone's.
 */
#define PHONE_RELAY_TOKEN (UINT64_C(1) << 63)

/* One request on its way to one route. */
struct phone_relay_send {
	uint64_t token;
	const char *via;           /* the value of its Via */
	const char *contact;       /* the URI of its Contact: the line's on that route */
	const char *service_route; /* the value of its Route, outside dialogs; "": none */
	const char *media_host;    /* the line's address, as SDP has it */
	struct kl_route route;     /* where it goes */
	unsigned again; /* how often it was repeated with credentials: each takes a CSeq */
	bool on_stream;
	struct phone_relay_proof *proof; /* for phone_relay_prove() */
};

/* An answer to it that is not the line's own affair. */
struct phone_relay_answer {
	uint64_t token;
	const struct sip_message *response;
	unsigned again;            /* of the request that it answers */
	struct kl_binding binding; /* of a dialog that it makes */
};

/* How it ended.  Its final answer came before by on_answer(), unless `is_local`. */
struct phone_relay_end {
	uint64_t token;
	unsigned status;
	bool is_local; /* no route gave an answer that counts */
};

/* A request from outside. */
struct phone_relay_request {
	const struct phone_incoming *incoming;
	bool is_inside_dialog;     /* it has a To tag; `binding` is not set */
	struct kl_binding binding; /* of the dialog that it makes: names the line, too */
};

/* Where a line's registration is now. */
struct phone_relay_move {
	uint32_t line, entry;
	struct kl_route route;
};

struct phone_relay_hooks {
	/* Writes a request.  Its length, or a SIP_E*: it ends with 500. */
	int (*write)(void *user, const struct phone_relay_send *send, char *to, size_t size);
	void (*on_answer)(void *user, const struct phone_relay_answer *answer);
	void (*on_end)(void *user, const struct phone_relay_end *end);
	/* False: it is for nobody here, and the phone answers it. */
	bool (*on_request)(void *user, const struct phone_relay_request *request);
	/* A CANCEL, which the phone answers, of a request that on_request() took. */
	bool (*on_cancel)(void *user, sip_transaction_id invite);
	/* What phone_status() says of them, the caller's to json_decref(). */
	json_t *(*status)(void *user);
	/* A line is registered: there as before, or elsewhere.  Nothing may be sent from it. */
	void (*on_moved)(void *user, const struct phone_relay_move *moved);
	void *user;
};

/* 0, or -ENOMEM.  HOOKS are copied. */
int phone_relay_open(struct phone *phone, const struct phone_relay_hooks *hooks);
void phone_relay_close(struct phone *phone);

/* The number of the phone's line at INDEX of its configuration. */
uint32_t phone_relay_number(const struct phone *phone, uint32_t index);

/* ---- requests outside dialogs ---- */

/* Begins one; its first send may be asked for before this returns.  KL_EFULL: too many are under
 * way; KL_EINVAL. */
int phone_relay_begin(struct phone *phone, uint32_t line, enum sip_method method, uint64_t token);

/* Takes it back: on_end() tells of 487, unless it ends otherwise first. */
void phone_relay_cancel(struct phone *phone, uint32_t line, uint64_t token);

/* ---- requests inside dialogs ---- */

struct phone_relay_order {
	uint64_t token;
	enum sip_method method;
	struct kl_binding binding; /* of the dialog */
	struct sip_span next_hop;  /* a URI: the first of its route set, or its target */
};

/* An ACK, that of a 2xx, goes out once and ends then.  0; -ENOBUFS: too many are under way;
 * -ENOENT: its line left; -ENOMEM. */
int phone_relay_ask(struct phone *phone, const struct phone_relay_order *order);

/* Cancels an INVITE of these. */
void phone_relay_cancel_ask(struct phone *phone, uint64_t token);

/* Writes the credentials that the line has for this route: whole lines.  METHOD, URI and BODY are
 * those of the request as it goes out. */
void phone_relay_prove(const struct phone_relay_send *send,
		       const struct sip_digest_request *request, struct sip_builder *builder);

/* ---- answers to requests from outside ---- */

/* Sends an answer, of an INVITE's 2xx each one, and keeps it for repeats of the request.  BACK is
 * phone_reply_hop(). */
void phone_relay_respond(struct phone *phone, sip_transaction_id id, const struct phone_hop *back,
			 const struct sip_answer *answer);

/* The URI of the line's Contact toward where a request came from, and its address as SDP has it. */
void phone_relay_contact(const struct phone *phone, const struct phone_incoming *incoming,
			 uint32_t line, char to[PHONE_URI_MAX]);

/* ---- what people see ---- */

/* An event of one of the lines, for whoever listens to the phone; NULL: nobody does.  It is told
 * with phone_event_tell(). */
json_t *phone_relay_event(struct phone *phone, const char *name, uint32_t line);

/* ---- dialogs ---- */

/* CALL-2, FAIL-5: may a request that begins a dialog of LINE come from there?  Then BINDING is the
 * dialog's. */
bool phone_relay_may_accept(const struct phone *phone, uint32_t line,
			    const struct phone_incoming *incoming, struct kl_binding *binding);

/* FAIL-5: may anything be sent in a dialog? */
bool phone_relay_may_signal(const struct phone *phone, const struct kl_binding *binding);

/* Has the line a server that serves it?  (AGENT-8) */
bool phone_relay_is_served(const struct phone *phone, uint32_t line);

/* A call from outside was answered, and it ended; or one of a walk ended (kl_event_request). */
void phone_relay_call_began(struct phone *phone, uint32_t line);
void phone_relay_call_ended(struct phone *phone, uint32_t line);

/* ---- for the phone: each false if it is none of the relay's ---- */

bool phone_relay_is_token(const struct phone *phone, uint64_t token);
bool phone_relay_receive(struct phone *phone, const struct sip_message *response);
bool phone_relay_take_fault(struct phone *phone, struct sip_span branch, enum kl_fault fault);
void phone_relay_lose_stream(struct phone *phone, const struct kl_route *route,
			     enum kl_fault fault);

#endif
