/* registrar.h - who is registered, and who may register (RFC 3261, sections 10.3 and 22).
 *
 * One user with one password or, where nobody is asked for credentials, any users; and the contacts
 * that each registered.  No sockets and no clock: `now` is in milliseconds of any origin.  Nothing
 * allocates; what does not fit is refused.
 */
#ifndef LAB_REGISTRAR_H
#define LAB_REGISTRAR_H

#include "sip/digest.h"

enum {
	LAB_BINDINGS_MAX = 256, /* contacts held at one time */
	LAB_USER_MAX = 64,      /* bytes of a user's name, its NUL included */
	LAB_CONTACT_MAX = 256,  /* ... of a contact's URI */
	LAB_EXPIRES_DEFAULT_S = 3600,
};

struct lab_registrar_config {
	const char *realm;
	const char *username;
	const char *password;   /* NULL: no one is asked for credentials */
	uint32_t expires_max_s; /* longest time granted; 0: what is asked for */
};

struct lab_binding {
	char user[LAB_USER_MAX];
	char contact[LAB_CONTACT_MAX]; /* "": a free slot */
	uint64_t expires_at;
};

struct lab_registrar {
	struct lab_registrar_config config;
	struct sip_digest_server digest;
	struct lab_binding bindings[LAB_BINDINGS_MAX];
};

/* CONFIG's strings outlive the registrar.  -errno if the machine has no random numbers. */
int lab_registrar_init(struct lab_registrar *registrar, const struct lab_registrar_config *config);

/* What a REGISTER came to. */
struct lab_registration {
	unsigned status;         /* 200, 400, 401, 403 or 503 (no room) */
	bool stale;              /* 401: the credentials were right, their nonce too old */
	char user[LAB_USER_MAX]; /* 200: whose contacts they are */
};

/* Takes a REGISTER in, and says what to answer. */
struct lab_registration lab_registrar_take(struct lab_registrar *registrar,
					   const struct sip_message *request, uint64_t now);

/* Writes the headers that the answer needs: the challenge of a 401, the contacts of a 200. */
void lab_registrar_write(const struct lab_registrar *registrar,
			 const struct lab_registration *registration, struct sip_builder *reply,
			 uint64_t now);

/* Contacts that are registered. */
unsigned lab_registrar_count(const struct lab_registrar *registrar, uint64_t now);

/* Loses all of them, as a server does that keeps them in memory only. */
void lab_registrar_forget(struct lab_registrar *registrar);

#endif
