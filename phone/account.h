/* account.h - who a line is toward the servers of one of its entries: names, ids, credentials. */
#ifndef PHONE_ACCOUNT_H
#define PHONE_ACCOUNT_H

#include <sys/queue.h>

#include "config/config.h"
#include "net/address.h"
#include "sip/digest.h"

enum {
	PHONE_ID_MAX = 48,   /* room for a tag, a branch or a Call-ID of ours */
	PHONE_URI_MAX = 600, /* a URI of ours: a user and a host of 255 bytes each, and a port */
	PHONE_KEYS_MAX = KL_SET_ROUTES_MAX,
	PHONE_SERVICE_ROUTE_MAX = 2048,
	PHONE_EPID_MAX = 20,
	PHONE_FLOWS_MAX = 2, /* registrations of one entry at a time (RFC 5626) */
};

/* What one route's challenges left behind.  [0] is a server's (401), [1] a proxy's (407). */
struct phone_key {
	LIST_ENTRY(phone_key) others;
	struct kl_route route;
	struct sip_digest_session sessions[2];
	uint64_t answered[2]; /* the request that the challenge was for: account.request and its
				 kind */
};

/* What one server gave for what goes through it (RFC 3608). */
struct phone_service_route {
	struct kl_route route; /* the server */
	char *text;            /* "<a>, <b>"; owned; NULL: it gave none */
};

/* One line on one server entry. */
struct phone_account {
	const struct config_line *line;
	const struct config_entry *entry;
	uint32_t line_index, entry_index; /* in the configuration */
	char id[PHONE_ID_MAX];            /* the stem of its REGISTERs' Call-IDs */
	char tag[PHONE_ID_MAX];           /* of their From */
	char epid[PHONE_EPID_MAX]; /* stands before the tag in From of every request; "": nothing
				      does */
	uint64_t request;          /* names the REGISTER that is under way, with all its repeats */
	struct phone_service_route service_routes[PHONE_FLOWS_MAX]; /* of each registration */
	LIST_HEAD(, phone_key) keys;
	uint32_t key_count;
	bool leaves; /* its line is to be unregistered for good */
	/* The last reports of the engine, for the status.  Their names are not kept. */
	struct kl_report state, move;
	bool has_state, has_move;
	struct kl_report second_state; /* the same of the second flow */
	bool has_second_state;
};

struct phone_accounts {
	struct phone_account *all;
	uint32_t count;
	uint32_t *first;   /* of each line */
	char instance[64]; /* "<urn:uuid:...>": this machine, for good (RFC 5626 4.1) */
	/* ";epid=0004f2aabbcc": its MAC address, or as many digits of the above (FALL-7). */
	char epid[PHONE_EPID_MAX];
};

/* 0 or -ENOMEM.  ACCOUNTS may be copied to another place. */
int phone_accounts_init(struct phone_accounts *accounts, const struct config *config);
void phone_accounts_clear(struct phone_accounts *accounts);

struct phone_account *phone_account_find(const struct phone_accounts *accounts, uint32_t line,
					 uint32_t entry);

/* After a reload TO is who FROM was: ids, credentials and what was told go over to it.  FROM is
 * left without them. */
void phone_account_carry(struct phone_account *to, struct phone_account *from);

/* Takes note of a report on a registration. */
void phone_account_note(struct phone_accounts *accounts, const struct kl_report *report);

/* RFC 3608 5.1: the Service-Route of a 200 to REGISTER is that of later requests, and replaces what
 * the registration with this reg-id (0 is as 1) was given before (REG-7).  A list that does not fit
 * is left out whole. */
void phone_account_set_service_route(struct phone_account *account, uint32_t reg_id,
				     const struct kl_route *route,
				     const struct sip_message *response);

/* What a request to ROUTE has to go through; "": nothing.  What one server told is not for another:
 * it would lead back to the first, which may be dead. */
const char *phone_account_service_route(const struct phone_account *account,
					const struct kl_route *route);

/* Where we are to be found by one server. */
struct phone_self {
	struct net_address address;
	enum kl_transport transport;
	struct kl_route server; /* that one; port 0: not known */
};

/* "sip:alice@192.0.2.7:5060", with ";transport=tcp" or "tls" (RFC 3261 19.1.1, 26.2.2).  It is no
 * sips: URI over TLS either, for the line's own address is none (RFC 5630 5.1.1). */
void phone_account_contact(const struct phone_account *account, const struct phone_self *self,
			   char to[PHONE_URI_MAX]);

/* "sip:alice@example.com", the address-of-record. */
void phone_account_aor(const struct phone_account *account, char to[PHONE_URI_MAX]);

/* "sip:example.com", the registrar: the server's own name, also where an outbound proxy stands
 * before it. */
void phone_account_registrar(const struct phone_account *account, char to[PHONE_URI_MAX]);

/* ---- credentials (TRIG-8) ---- */

struct phone_proof {
	const struct kl_route *route;
	uint64_t request;                 /* names the request with all its repeats */
	struct sip_digest_request digest; /* all but the cnonce */
};

/* Writes what the route's challenges so far ask for, and notes in SENT what that was. */
void phone_account_prove(struct phone_account *account, const struct phone_proof *proof,
			 struct sip_builder *builder, enum sip_digest_sent sent[2]);

/* Judges a 401 or 407 to a request that carried SENT. */
enum sip_verdict phone_account_judge(struct phone_account *account, const struct kl_route *route,
				     uint64_t request, const struct sip_message *response,
				     const enum sip_digest_sent sent[2]);

/* ---- ids ---- */

uint64_t phone_draw(void);
void phone_draw_id(char to[PHONE_ID_MAX]);

#endif
