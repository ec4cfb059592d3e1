/* locate.h - where a SIP URI leads (RFC 3263 4), for what the engine has no routes for: requests
 * inside dialogs (FAIL-18) and targets of redirections (TRIG-9).
 *
 * A literal address is found at once.  A name is asked for in the DNS, one question after the
 * other: NAPTR without port and transport, SRV without port, then the addresses.
 */
#ifndef PHONE_LOCATE_H
#define PHONE_LOCATE_H

#include "phone/account.h"

enum { PHONE_FOUND_MAX = 4 }; /* more are not tried */

struct phone;
struct phone_locate; /* one search */

struct phone_found {
	unsigned count;                          /* 0: nothing that we could send to */
	struct kl_route routes[PHONE_FOUND_MAX]; /* in the order of trial */
	/* The host that was looked up: whom a certificate has to name; "": a literal address. */
	char name[KL_NAME_MAX + 1];
};

struct phone_locate_order {
	struct sip_span uri; /* not needed any more once phone_locate_start() returns */
	kl_ms wait_max_ms;   /* then what was found so far is all */
	/* Called once, also from within phone_locate_start(); FOUND is valid until it returns. */
	void (*on_found)(void *user, const struct phone_found *found);
	void *user;
};

/* Begins a search.  NULL: it has ended already. */
struct phone_locate *phone_locate_start(struct phone *phone,
					const struct phone_locate_order *order);

/* Ends a search without a call.  NULL is fine. */
void phone_locate_stop(struct phone_locate *locate);

/* FAIL-18: how the line of ACCOUNT uses one of the routes of FOUND, or another one that it knows: a
 * route of its own as the engine has it, under the name that a certificate has to show. */
struct phone_hop phone_locate_hop(const struct phone *phone, const struct phone_account *account,
				  const struct phone_found *found, const struct kl_route *route);

#endif
