/* redirect.h - where the Contacts of a 3xx lead (TRIG-9, RFC 3261 8.1.3.4). */
#ifndef PHONE_REDIRECT_H
#define PHONE_REDIRECT_H

#include "phone/account.h"
#include "phone/locate.h"
#include "phone/phone.h"
#include "sip/message.h"

/* Where a request goes instead.  Port 0: nowhere.  Over TLS the certificate there has to name the
 * address. */
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

/* Ends that without a call. */
void phone_redirect_clear(struct phone_redirect *redirect);

/* May that stand in a URI (RFC 3986 2)?  Anything else could end the header that it is put into. */
bool phone_is_uri_text(const char *text);

#endif
