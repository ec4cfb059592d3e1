/* registrar.c - who is registered, and who may register (RFC 3261, sections 10.3 and 22). */
#include "lab/registrar.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

enum { NONCE_LIFE_MS = 300000 };

int lab_registrar_init(struct lab_registrar *registrar, const struct lab_registrar_config *config)
{
	memset(registrar, 0, sizeof *registrar);
	registrar->config = *config;
	registrar->digest = (struct sip_digest_server){
		.realm = config->realm,
		.algorithm = SIP_DIGEST_SHA256,
		.qop = SIP_QOP_AUTH,
		.nonce_life_ms = NONCE_LIFE_MS,
	};
	if (getrandom(registrar->digest.secret, sizeof registrar->digest.secret, 0) < 0)
		return -errno;
	return 0;
}

/* Section 10.3, steps 3 and 4: who asks, and may he.  0: yes. */
static unsigned check_sender(const struct lab_registrar *registrar,
			     const struct sip_message *request, struct lab_registration *result,
			     uint64_t now)
{
	const struct sip_credentials known = {
		.username = registrar->config.username,
		.password = registrar->config.password,
	};
	struct sip_uri uri;

	if (sip_uri_parse(&uri, request->to.uri) || !uri.is_sip ||
	    sip_span_copy(uri.user, result->user, sizeof result->user))
		return 400;
	if (!registrar->config.password)
		return 0;
	switch (sip_digest_verify(&registrar->digest, request, &known, now)) {
	case SIP_PROOF_RIGHT:
		return sip_span_is(uri.user, registrar->config.username) ? 0 : 403;
	case SIP_PROOF_STALE:
		result->stale = true;
		return 401;
	case SIP_PROOF_ABSENT:
	case SIP_PROOF_WRONG:
		break;
	}
	return 401;
}

static bool is_of(const struct lab_binding *binding, const char *user)
{
	return binding->contact[0] && !strcmp(binding->user, user);
}

/* The slot of a user's contact, or a free one for it; NULL: there is neither. */
static struct lab_binding *find_binding(struct lab_registrar *registrar, const char *user,
					struct sip_span contact, uint64_t now)
{
	struct lab_binding *free_slot = NULL;

	for (size_t i = 0; i < LAB_BINDINGS_MAX; i++) {
		struct lab_binding *binding = &registrar->bindings[i];

		if (is_of(binding, user) && sip_span_equal(sip_span_of(binding->contact), contact))
			return binding;
		if (!free_slot && (!binding->contact[0] || binding->expires_at <= now))
			free_slot = binding;
	}
	return free_slot;
}

/* Section 10.3, step 7: the contact's own time, else that of Expires, else the server's. */
static uint32_t time_asked(const struct sip_message *request, const struct sip_address *contact)
{
	struct sip_span text;
	uint32_t seconds;

	if (sip_param_find(contact->params, "expires", &text) &&
	    !sip_span_number(text, UINT32_MAX, &seconds))
		return seconds;
	if (!sip_message_seconds(request, SIP_EXPIRES, &seconds))
		return seconds;
	return LAB_EXPIRES_DEFAULT_S;
}

/* What is asked of the registrar, and when. */
struct asking {
	const struct sip_message *request;
	const char *user;
	uint64_t now;
};

static unsigned bind_contact(struct lab_registrar *registrar, const struct asking *asking,
			     const struct sip_address *contact)
{
	struct lab_binding *binding =
		find_binding(registrar, asking->user, contact->uri, asking->now);
	uint32_t most_s = registrar->config.expires_max_s;
	uint32_t seconds = time_asked(asking->request, contact);

	if (!binding)
		return 503;
	if (sip_span_copy(contact->uri, binding->contact, sizeof binding->contact))
		return 400;
	snprintf(binding->user, sizeof binding->user, "%s", asking->user);
	if (most_s && seconds > most_s)
		seconds = most_s;
	binding->expires_at = asking->now + seconds * UINT64_C(1000);
	if (!seconds)
		binding->contact[0] = '\0';
	return 200;
}

static void forget_user(struct lab_registrar *registrar, const char *user)
{
	for (size_t i = 0; i < LAB_BINDINGS_MAX; i++)
		if (is_of(&registrar->bindings[i], user))
			registrar->bindings[i].contact[0] = '\0';
}

struct lab_registration lab_registrar_take(struct lab_registrar *registrar,
					   const struct sip_message *request, uint64_t now)
{
	struct lab_registration result = {0};
	const struct asking asking = {request, result.user, now};
	struct sip_address contact;

	result.status = check_sender(registrar, request, &result, now);
	if (result.status)
		return result;
	result.status = 200;
	for (size_t i = 0; result.status == 200; i++) {
		int error = sip_message_address(request, SIP_CONTACT, i, &contact);

		if (error == SIP_EABSENT)
			break;
		if (error)
			result.status = 400;
		else if (!contact.is_star)
			result.status = bind_contact(registrar, &asking, &contact);
		else if (time_asked(request, &contact) == 0)
			forget_user(registrar, result.user);
		else
			result.status = 400; /* step 6: `*` only removes */
	}
	return result;
}

void lab_registrar_write(const struct lab_registrar *registrar,
			 const struct lab_registration *registration, struct sip_builder *reply,
			 uint64_t now)
{
	if (registration->status == 401)
		sip_digest_challenge(&registrar->digest, reply, registration->stale, now);
	if (registration->status != 200)
		return;
	for (size_t i = 0; i < LAB_BINDINGS_MAX; i++) {
		const struct lab_binding *binding = &registrar->bindings[i];

		if (is_of(binding, registration->user) && binding->expires_at > now)
			sip_builder_header(reply, "Contact", "<%s>;expires=%u", binding->contact,
					   (unsigned)((binding->expires_at - now) / 1000));
	}
}

unsigned lab_registrar_count(const struct lab_registrar *registrar, uint64_t now)
{
	unsigned count = 0;

	for (size_t i = 0; i < LAB_BINDINGS_MAX; i++)
		count += registrar->bindings[i].contact[0] &&
			 registrar->bindings[i].expires_at > now;
	return count;
}

void lab_registrar_forget(struct lab_registrar *registrar)
{
	memset(registrar->bindings, 0, sizeof registrar->bindings);
}
