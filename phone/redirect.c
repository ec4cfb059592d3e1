/* redirect.c - where the Contacts of a 3xx lead. */
#include "phone/redirect.h"

#include <stdlib.h>
#include <string.h>

#include "phone/private.h"

enum { CONTACTS_MAX = 8 }; /* more of them are not tried: each may have to be looked up */

const char *phone_redirect_name(const struct phone_redirect_names *names, uint32_t number)
{
	for (unsigned i = 0; i < names->count; i++)
		if (kl_tls_name(names->all[i]) == number)
			return names->all[i];
	return NULL;
}

static void keep_name(struct phone_redirect_names *names, const char *name)
{
	char *copy;

	if (phone_redirect_name(names, kl_tls_name(name)) ||
	    names->count == PHONE_REDIRECT_NAMES_MAX)
		return;
	copy = strdup(name);
	if (copy)
		names->all[names->count++] = copy;
}

void phone_redirect_names_clear(struct phone_redirect_names *names)
{
	while (names->count)
		free(names->all[--names->count]);
}

bool phone_is_uri_text(const char *text)
{
	for (; *text; text++)
		if (*text <= ' ' || *text >= 0x7f || strchr("<>\"\\^`{|}", *text))
			return false;
	return true;
}

/* Takes the next Contact that may be asked for.  False: there is none. */
static bool next_contact(struct phone_redirect *redirect)
{
	struct phone_target *target = &redirect->target;
	struct sip_address contact;

	while (redirect->tried < CONTACTS_MAX &&
	       !sip_message_address(&redirect->response, SIP_CONTACT, redirect->tried, &contact)) {
		redirect->tried++;
		if (!contact.is_star &&
		    !sip_span_copy(contact.uri, target->uri, sizeof target->uri) &&
		    phone_is_uri_text(target->uri) && !strchr(target->uri, '?'))
			return true;
	}
	return false;
}

static void try_next(struct phone_redirect *redirect);

static void take_found(void *user, const struct phone_found *found)
{
	struct phone_redirect *redirect = user;

	redirect->locate = NULL;
	if (!found->count) {
		try_next(redirect);
		return;
	}
	redirect->target.route = found->routes[0];
	if (redirect->target.route.tls_name)
		keep_name(&redirect->phone->redirect_names, found->name);
	redirect->on_target(redirect->user);
}

static void try_next(struct phone_redirect *redirect)
{
	struct phone_locate_order order = {
		.wait_max_ms = phone_entry_config(redirect->phone, redirect->account)
				       ->policy->dns_wait_max_ms,
		.on_found = take_found,
		.user = redirect,
	};

	if (!next_contact(redirect)) {
		redirect->on_target(redirect->user);
		return;
	}
	order.uri = sip_span_of(redirect->target.uri);
	redirect->locate = phone_locate_start(redirect->phone, &order);
}

void phone_redirect_follow(struct phone_redirect *redirect, const struct sip_message *response)
{
	redirect->status = (uint16_t)response->status;
	redirect->tried = 0;
	redirect->target.route.port = 0;
	sip_message_share(&redirect->response, response);
	try_next(redirect);
}

void phone_redirect_free(struct phone_redirect *redirect)
{
	if (!redirect)
		return;
	phone_locate_stop(redirect->locate);
	sip_message_clear(&redirect->response);
	free(redirect);
}
