/* registrar.c - who is registered, and who may register (RFC 3261, sections 10.3 and 22). */
#include "lab/registrar.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

enum { NONCE_LIFE_MS = 300000, BINDINGS_FIRST = 16 };

int lab_registrar_init(struct lab_registrar *registrar, const struct lab_registrar_config *config)
{
	unsigned char secret[SIP_DIGEST_SECRET_SIZE];

	memset(registrar, 0, sizeof *registrar);
	registrar->config = *config;
	if (getrandom(secret, sizeof secret, 0) < 0)
		return -errno;
	for (int i = SIP_DIGEST_ALGORITHMS_MAX; i-- > 0;) {
		unsigned wanted = config->algorithms ? config->algorithms : 1u << SIP_DIGEST_SHA256;
		struct sip_digest_server *digest = &registrar->digests[registrar->digest_count];

		if (!(wanted & 1u << i))
			continue;
		*digest = (struct sip_digest_server){
			.realm = config->realm,
			.algorithm = (enum sip_digest_algorithm)i,
			.qop = SIP_QOP_AUTH,
			.nonce_life_ms = NONCE_LIFE_MS,
		};
		memcpy(digest->secret, secret, sizeof secret);
		registrar->digest_count++;
	}
	return 0;
}

/* By any of the algorithms. */
static enum sip_proof verify(const struct lab_registrar *registrar,
			     const struct sip_message *request, const struct sip_credentials *known,
			     uint64_t now)
{
	enum sip_proof proof = SIP_PROOF_ABSENT;

	for (unsigned i = 0; i < registrar->digest_count && proof < SIP_PROOF_STALE; i++)
		proof = sip_digest_verify(&registrar->digests[i], request, known, now);
	return proof;
}

/* Section 10.3, steps 3 and 4: who asks, and may he.  200: yes, he is result->user. */
static unsigned check_sender(const struct lab_registrar *registrar,
			     const struct sip_message *request, struct lab_registration *result,
			     uint64_t now)
{
	struct sip_credentials known = {.password = registrar->config.password};
	const char *only = registrar->config.username;
	struct sip_uri uri;

	if (sip_uri_parse(&uri, request->to.uri) || !uri.is_sip ||
	    sip_span_copy(uri.user, result->user, sizeof result->user))
		return 400;
	if (!known.password)
		return 200;
	known.username = only ? only : result->user;
	switch (verify(registrar, request, &known, now)) {
	case SIP_PROOF_RIGHT:
		return only && strcmp(result->user, only) != 0 ? 403 : 200;
	case SIP_PROOF_STALE:
		result->stale = true;
		return 401;
	case SIP_PROOF_ABSENT:
	case SIP_PROOF_WRONG:
		break;
	}
	return 401;
}

/* The list that USER's bindings are in (FNV-1a). */
static uint32_t list_of(const char *user)
{
	uint32_t hash = 2166136261;

	for (; *user; user++)
		hash = (hash ^ (uint8_t)*user) * 16777619;
	return hash % LAB_USER_HEADS;
}

/* A slot that was never used; NULL: there is no room. */
static struct lab_binding *new_slot(struct lab_registrar *registrar)
{
	if (registrar->used == registrar->room) {
		uint32_t room = registrar->room ? 2 * registrar->room : BINDINGS_FIRST;
		struct lab_binding *bindings = NULL;

		if (room <= LAB_BINDINGS_MAX)
			bindings = reallocarray(registrar->bindings, room, sizeof *bindings);
		if (!bindings)
			return NULL;
		registrar->bindings = bindings;
		registrar->room = room;
	}
	return &registrar->bindings[registrar->used++];
}

/* The slot of USER's contact, or a free one for it; NULL: there is neither. */
static struct lab_binding *find_binding(struct lab_registrar *registrar, const char *user,
					struct sip_span contact, uint64_t now)
{
	uint32_t *head = &registrar->heads[list_of(user)];
	struct lab_binding *free_slot = NULL;

	for (uint32_t i = *head; i; i = registrar->bindings[i - 1].next) {
		struct lab_binding *binding = &registrar->bindings[i - 1];
		bool own = !strcmp(binding->user, user);

		if (own && binding->contact[0] &&
		    sip_span_equal(sip_span_of(binding->contact), contact))
			return binding;
		if (!free_slot && (!binding->contact[0] || binding->expires_at <= now))
			free_slot = binding;
	}
	if (!free_slot && (free_slot = new_slot(registrar))) {
		*free_slot = (struct lab_binding){.next = *head};
		*head = (uint32_t)(free_slot - registrar->bindings) + 1;
	}
	if (free_slot) {
		free_slot->contact[0] = '\0';
		snprintf(free_slot->user, sizeof free_slot->user, "%s", user);
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

/* A REGISTER that is being taken in. */
struct taking {
	const struct sip_message *request;
	const struct sip_peer *peer;
	const char *user;
	uint64_t now;
};

static unsigned bind_contact(struct lab_registrar *registrar, const struct taking *taking,
			     const struct sip_address *contact)
{
	struct lab_binding *binding =
		find_binding(registrar, taking->user, contact->uri, taking->now);
	uint32_t most_s = registrar->config.expires_max_s;
	uint32_t seconds = time_asked(taking->request, contact);

	if (!binding)
		return 503;
	if (sip_span_copy(contact->uri, binding->contact, sizeof binding->contact))
		return 400;
	if (most_s && seconds > most_s)
		seconds = most_s;
	binding->peer = *taking->peer;
	binding->expires_at = taking->now + seconds * UINT64_C(1000);
	if (!seconds)
		binding->contact[0] = '\0';
	return 200;
}

/* The first binding of USER's list at or after the index + 1 FROM; NULL: no more. */
static struct lab_binding *next_of(const struct lab_registrar *registrar, const char *user,
				   uint32_t from, uint64_t now)
{
	for (uint32_t i = from; i; i = registrar->bindings[i - 1].next) {
		struct lab_binding *binding = &registrar->bindings[i - 1];

		if (binding->contact[0] && binding->expires_at > now &&
		    !strcmp(binding->user, user))
			return binding;
	}
	return NULL;
}

static uint32_t first_of(const struct lab_registrar *registrar, const char *user)
{
	return registrar->heads[list_of(user)];
}

static void forget_user(struct lab_registrar *registrar, const char *user, uint64_t now)
{
	struct lab_binding *binding;

	for (uint32_t i = first_of(registrar, user); (binding = next_of(registrar, user, i, now));
	     i = binding->next)
		binding->contact[0] = '\0';
}

struct lab_registration lab_registrar_take(struct lab_registrar *registrar,
					   const struct sip_message *request,
					   const struct sip_peer *peer, uint64_t now)
{
	struct lab_registration result = {0};
	const struct taking taking = {request, peer, result.user, now};
	struct sip_address contact;

	result.status = check_sender(registrar, request, &result, now);
	for (size_t i = 0; result.status == 200; i++) {
		int error = sip_message_address(request, SIP_CONTACT, i, &contact);

		if (error == SIP_EABSENT)
			break;
		if (error)
			result.status = 400;
		else if (!contact.is_star)
			result.status = bind_contact(registrar, &taking, &contact);
		else if (time_asked(request, &contact) == 0)
			forget_user(registrar, result.user, now);
		else
			result.status = 400; /* step 6: `*` only removes */
	}
	return result;
}

void lab_registrar_write(const struct lab_registrar *registrar,
			 const struct lab_registration *registration, struct sip_builder *reply,
			 uint64_t now)
{
	const struct lab_binding *binding;

	for (unsigned i = 0; i < registrar->digest_count && registration->status == 401; i++)
		sip_digest_challenge(&registrar->digests[i], reply, registration->stale, now);
	if (registration->status != 200)
		return;
	for (uint32_t i = first_of(registrar, registration->user);
	     (binding = next_of(registrar, registration->user, i, now)); i = binding->next)
		sip_builder_header(reply, "Contact", "<%s>;expires=%u", binding->contact,
				   (unsigned)((binding->expires_at - now) / 1000));
}

const struct lab_binding *lab_registrar_find(const struct lab_registrar *registrar,
					     const char *user, uint64_t now)
{
	const struct lab_binding *binding, *best = NULL;

	for (uint32_t i = first_of(registrar, user); (binding = next_of(registrar, user, i, now));
	     i = binding->next)
		if (!best || binding->expires_at > best->expires_at)
			best = binding;
	return best;
}

const struct lab_binding *lab_registrar_find_contact(const struct lab_registrar *registrar,
						     struct sip_span contact, uint64_t now)
{
	for (uint32_t i = 0; i < registrar->used; i++) {
		const struct lab_binding *binding = &registrar->bindings[i];

		if (binding->contact[0] && binding->expires_at > now &&
		    sip_span_equal(sip_span_of(binding->contact), contact))
			return binding;
	}
	return NULL;
}

unsigned lab_registrar_count(const struct lab_registrar *registrar, uint64_t now)
{
	unsigned count = 0;

	for (uint32_t i = 0; i < registrar->used; i++)
		count += registrar->bindings[i].contact[0] &&
			 registrar->bindings[i].expires_at > now;
	return count;
}

void lab_registrar_forget(struct lab_registrar *registrar)
{
	registrar->used = 0;
	memset(registrar->heads, 0, sizeof registrar->heads);
}

void lab_registrar_clear(struct lab_registrar *registrar)
{
	free(registrar->bindings);
	registrar->bindings = NULL;
	registrar->used = registrar->room = 0;
	memset(registrar->heads, 0, sizeof registrar->heads);
}
