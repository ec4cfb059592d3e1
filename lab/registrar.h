/* registrar.h - who is registered, and who may register (RFC 3261, sections 10.3 and 22).
 *
 * One password, of one user or of all, and the contacts that were registered.  No sockets and no
 * clock: `now` is in milliseconds of any origin.  What does not fit is refused.
 */
#ifndef LAB_REGISTRAR_H
#define LAB_REGISTRAR_H

#include "sip/digest.h"
#include "sip/transaction.h"

enum {
	LAB_BINDINGS_MAX = 16384, /* contacts held at one time */
	LAB_CONTACT_MAX = 256,    /* bytes of a contact's URI, its NUL included */
	LAB_USER_MAX = 64,        /* bytes of a user's name, its NUL included */
	LAB_EXPIRES_DEFAULT_S = 3600,
	LAB_USER_HEADS = 4096, /* lists of bindings, by their users */
};

struct lab_registrar_config {
	const char *realm;
	const char *username; /* NULL: any, each with the same password */
	const char *password; /* NULL: no one is asked for credentials */
	/* Bits (1 << enum sip_digest_algorithm) of those that are asked for, the strongest first
	 * (RFC 8760 2.4); 0: SHA-256.  There are phones that know MD5 alone, and give up when they
	 * see another. */
	uint8_t algorithms;
	uint32_t expires_max_s; /* longest time granted; 0: what is asked for */
};

struct lab_binding {
	char user[LAB_USER_MAX];
	char contact[LAB_CONTACT_MAX]; /* "": a free slot */
	struct sip_peer peer;          /* where it was registered from: the caller's own record */
	uint64_t expires_at;
	uint32_t next; /* of its list: an index + 1; 0: none */
};

struct lab_registrar {
	struct lab_registrar_config config;
	struct sip_digest_server digests[SIP_DIGEST_ALGORITHMS_MAX]; /* the strongest first */
	unsigned digest_count;
	struct lab_binding *bindings;
	uint32_t used, room;
	uint32_t heads[LAB_USER_HEADS]; /* an index + 1; 0: none */
};

/* CONFIG's strings outlive the registrar.  -errno if the machine has no random numbers. */
int lab_registrar_init(struct lab_registrar *registrar, const struct lab_registrar_config *config);
void lab_registrar_clear(struct lab_registrar *registrar);

/* What a REGISTER came to. */
struct lab_registration {
	unsigned status; /* 200, 400, 401, 403 or 503 (no room) */
	bool stale;      /* 401: the credentials were right, their nonce too old */
	char user[LAB_USER_MAX];
};

/* Takes a REGISTER in, and says what to answer. */
struct lab_registration lab_registrar_take(struct lab_registrar *registrar,
					   const struct sip_message *request,
					   const struct sip_peer *peer, uint64_t now);

/* Writes the headers that the answer needs: the challenge of a 401, the contacts of a 200. */
void lab_registrar_write(const struct lab_registrar *registrar,
			 const struct lab_registration *registration, struct sip_builder *reply,
			 uint64_t now);

/* Where USER is registered: the contact that holds longest; NULL: nowhere. */
const struct lab_binding *lab_registrar_find(const struct lab_registrar *registrar,
					     const char *user, uint64_t now);

/* Who registered with this very CONTACT; NULL: nobody. */
const struct lab_binding *lab_registrar_find_contact(const struct lab_registrar *registrar,
						     struct sip_span contact, uint64_t now);

/* Contacts that are registered. */
unsigned lab_registrar_count(const struct lab_registrar *registrar, uint64_t now);

/* Loses all of them, as a server does that keeps them in memory only. */
void lab_registrar_forget(struct lab_registrar *registrar);

#endif
