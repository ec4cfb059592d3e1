/* redirect.h - where the Contacts of a 3xx lead (TRIG-9, RFC 3261 8.1.3.4). */
#ifndef PHONE_REDIRECT_H
#define PHONE_REDIRECT_H

#include "phone/account.h"
#include "phone/locate.h"
#include "phone/phone.h"
#include "sip/message.h"

enum {
	/* Hosts that redirections led to over TLS.  They are kept, since registrations may live
	 * there; a server that makes up more of them finds that theirs are not trusted. */
	PHONE_REDIRECT_NAMES_MAX = 256,
};

/* Whom a certificate has to name behind a redirection: the host of its URI (RFC 5922 4). */
struct phone_redirect_names {
	char *all[PHONE_REDIRECT_NAMES_MAX];
	unsigned count;
};

/* The name of a number (kl_tls_name()); NULL: no redirection led there, or there was no room. */
const char *phone_redirect_name(const struct phone_redirect_names *names, uint32_t number);
void phone_redirect_names_clear(struct phone_redirect_names *names);

/* Where a request goes instead.  Port 0: nowhere. */
struct phone_target {
	struct kl_route route;
	char uri[PHONE_TARGET_MAX + 8]; /* what it asks for there */
};

/* One 3xx that is followed. */
struct phone_redirect {
	struct phone *phone;
	const struct phone_account *account;
	struct sip_message response;
	uint16_t status;             /* of that */
	unsigned tried;              /* of its Contacts */
	struct phone_locate *locate; /* NULL: nothing is looked for */
	struct phone_target target;
	/* Called once, also from within phone_redirect_follow(). */
	void (*on_target)(void *user);
	void *user;
};

/* Looks for the first Contact of RESPONSE that leads somewhere; names are looked up.  All but
 * `response`, `status`, `tried`, `locate` and `target` is set. */
void phone_redirect_follow(struct phone_redirect *redirect, const struct sip_message *response);

/* Ends that without a call, and frees it.  NULL is fine. */
void phone_redirect_free(struct phone_redirect *redirect);

/* May that stand in a URI (RFC 3986 2)?  Anything else could end the header that it is put into. */
bool phone_is_uri_text(const char *text);

#endif
