/* tls.h - whom a TLS stream trusts, and what it shows of itself.
 *
 * TLS 1.2 or newer.  A server's certificate must lead to a trusted one and name whom we wanted to
 * reach, by RFC 5922: a URI "sip:DOMAIN" among its subject alternative names; without any such
 * URI, a DNS name; for an address, that address.  Its common name counts for nothing.
 *
 * Ownership  net_tls_create() gives a context that the caller frees after the streams that use it.
 * Errors     0, or a negative errno value with one sentence in WHY.
 */
#ifndef NET_TLS_H
#define NET_TLS_H

#include <stdbool.h>
#include <stddef.h>

#define NET_TLS_NAME_MAX 255

struct net_tls;

struct net_tls_config {
	const char *ca_file;          /* PEM: whom to trust; NULL: the system's store */
	const char *certificate_file; /* PEM, with its chain: what we show; NULL: nothing */
	const char *key_file;         /* PEM, without a password; goes with certificate_file */
	bool wildcards;               /* "*.example.com" counts too, which RFC 5922 7.2 forbids */
	bool unverified; /* any server is let in: only for what may not be secret at all */
	bool ask_client; /* of those who connect to us, let in who shows a trusted certificate */
};

/* -EINVAL: a file that can't be read, or is not what it should be; -ENOMEM. */
int net_tls_create(struct net_tls **out, const struct net_tls_config *config, char *why,
		   size_t why_size);
void net_tls_free(struct net_tls *tls); /* NULL is fine */

/* ---- for net/ alone ---- */

struct ssl_st;

/* Whom one stream wants to reach.  It outlives the session. */
struct net_tls_peer {
	const struct net_tls *tls;
	char name[NET_TLS_NAME_MAX + 1]; /* a domain or an address; "": of a client, any */
};

/* A new session; NULL: out of memory, or no certificate to serve with.  With PEER, a client's. */
struct ssl_st *net_tls_session(const struct net_tls *tls, struct net_tls_peer *peer,
			       bool is_client);

/* Why a handshake failed, in words: ERROR is OpenSSL's code, 0: it says nothing. */
const char *net_tls_explain(const struct ssl_st *session, unsigned long error);

#endif
