/* digest.h - digest authentication (RFC 3261 22, RFC 7616, RFC 8760), as client and as server.
 *
 * A session is what a client remembers of one route's challenge: it answers with it, and sends
 * later requests with it unasked.  No function logs or keeps a password.
 */
#ifndef SIP_DIGEST_H
#define SIP_DIGEST_H

#include "sip/builder.h"

enum {
	SIP_DIGEST_HEX_MAX = 64,   /* hex digits of the longest digest */
	SIP_DIGEST_TEXT_MAX = 512, /* bytes of a nonce, realm or opaque that we can answer */
	SIP_DIGEST_SECRET_SIZE = 32,
};

/* From weak to strong. */
#define SIP_DIGEST_ALGORITHMS(X)                                                                   \
	X(SIP_DIGEST_MD5, "MD5", "MD5")                                                            \
	X(SIP_DIGEST_SHA256, "SHA-256", "SHA256")                                                  \
	X(SIP_DIGEST_SHA512_256, "SHA-512-256", "SHA512-256")

#define SIP_DIGEST_VALUE(id, name, openssl_name) id,
enum sip_digest_algorithm { SIP_DIGEST_ALGORITHMS(SIP_DIGEST_VALUE) SIP_DIGEST_ALGORITHMS_MAX };
#undef SIP_DIGEST_VALUE

#define SIP_DIGEST_QOPS(X)                                                                         \
	X(SIP_QOP_NONE, "")                                                                        \
	X(SIP_QOP_AUTH, "auth")                                                                    \
	X(SIP_QOP_AUTH_INT, "auth-int")

#define SIP_QOP_VALUE(id, name) id,
enum sip_digest_qop { SIP_DIGEST_QOPS(SIP_QOP_VALUE) SIP_DIGEST_QOPS_MAX };
#undef SIP_QOP_VALUE

const char *sip_digest_algorithm_name(enum sip_digest_algorithm algorithm);

/* ---- the sum itself ------------------------------------------------------------------------ */

/* What a response value is computed from.  Texts are unquoted. */
struct sip_digest_input {
	enum sip_digest_algorithm algorithm;
	enum sip_digest_qop qop;
	struct sip_span username, realm, password;
	struct sip_span method, uri;
	struct sip_span nonce, cnonce, nonce_count; /* the last two only with a qop */
	struct sip_span body;                       /* only with auth-int */
};

/* Writes the response value in hex, with a NUL.  SIP_EUNSUPPORTED if OpenSSL lacks the hash. */
int sip_digest_compute(const struct sip_digest_input *input, char hex[SIP_DIGEST_HEX_MAX + 1]);

/* ---- client -------------------------------------------------------------------------------- */

/* One challenge as received; texts unquoted, absent if not there. */
struct sip_challenge {
	struct sip_span realm, nonce, opaque;
	enum sip_digest_algorithm algorithm;
	bool offers_none, offers_auth, offers_auth_int; /* the qop values that we know */
	bool is_stale;
	bool is_proxy; /* 407, to be answered with Proxy-Authorization */
};

/* Reads one WWW-Authenticate or Proxy-Authenticate value.  SIP_EUNSUPPORTED: another scheme,
 * algorithm or qop; SIP_EVALUE: no realm or nonce, or broken. */
int sip_challenge_parse(struct sip_challenge *challenge, struct sip_span value);

struct sip_credentials {
	const char *username;
	const char *password;
	const char *realm; /* answer only this realm; NULL or "": any */
};

/* Keep one per route and line, and a second one where a proxy's 407 comes beside a server's 401;
 * zeroed, it is one that knows nothing. */
struct sip_digest_session {
	bool is_set;
	bool has_opaque;
	bool is_proxy;
	enum sip_digest_algorithm algorithm;
	enum sip_digest_qop qop;
	uint32_t nonce_count; /* requests sent with this nonce */
	char realm[SIP_DIGEST_TEXT_MAX + 1];
	char nonce[SIP_DIGEST_TEXT_MAX + 1];
	char opaque[SIP_DIGEST_TEXT_MAX + 1];
};

/* What credentials the challenged request carried. */
enum sip_digest_sent {
	SIP_SENT_NONE,   /* none, or another route's */
	SIP_SENT_CACHED, /* this session's, remembered from an earlier request */
	SIP_SENT_ANSWER, /* this session's, from the challenge that this route gave to this very
			    request */
};

enum sip_verdict {
	SIP_VERDICT_NEW,          /* answerable, and not yet answered for this request */
	SIP_VERDICT_STALE,        /* our answer was right, but its nonce had grown old */
	SIP_VERDICT_REFUSED,      /* this route refuses the answer to its own challenge (TRIG-8) */
	SIP_VERDICT_UNANSWERABLE, /* foreign realm, unknown scheme or algorithm, no credentials */
};

/* Judges a 401 or 407.  For NEW and STALE it sets the session to the strongest of the challenges
 * that we can answer (our policy, where RFC 8760 2.4 would take the topmost): the strongest hash,
 * then auth before auth-int before no qop, then the first.  For REFUSED it forgets the session;
 * for UNANSWERABLE it leaves it.  CREDENTIALS may be NULL.  A challenge to cached credentials is a
 * first one, and so is one for another realm; the count goes on if it brings the same nonce. */
enum sip_verdict sip_digest_judge(struct sip_digest_session *session,
				  const struct sip_message *response,
				  const struct sip_credentials *credentials,
				  enum sip_digest_sent sent);

struct sip_digest_request {
	const char *method;
	const char *uri;      /* the request URI, as it is sent */
	struct sip_span body; /* hashed with auth-int */
	const char *cnonce;   /* random, from the caller; without quotes */
};

/* Writes the Authorization or Proxy-Authorization header, and counts the nonce's use.
 * Does nothing if the session is not set.  Errors stick to the builder: those of
 * sip_digest_compute(), and SIP_EVALUE for a name or URI with a quote or backslash in it. */
void sip_digest_authorize(struct sip_digest_session *session, struct sip_builder *builder,
			  const struct sip_digest_request *request,
			  const struct sip_credentials *credentials);

/* ---- server -------------------------------------------------------------------------------- */

/* A verifier that keeps no state: its nonces hold their time, sealed with the secret.  So it does
 * not see a replay within a nonce's life; sip_digest_used() is for callers that want to. */
struct sip_digest_server {
	const char *realm;
	enum sip_digest_algorithm algorithm;
	enum sip_digest_qop qop;
	bool is_proxy; /* 407 and Proxy-Authorization */
	uint64_t nonce_life_ms;
	uint16_t serial; /* of the next nonce: tells those of one millisecond apart */
	unsigned char secret[SIP_DIGEST_SECRET_SIZE];
};

/* Writes a WWW-Authenticate or Proxy-Authenticate header with a fresh nonce. */
void sip_digest_challenge(const struct sip_digest_server *server, struct sip_builder *builder,
			  bool stale, uint64_t now);

enum sip_proof {
	SIP_PROOF_ABSENT, /* no credentials for this realm */
	SIP_PROOF_WRONG,  /* wrong name, password, URI or a nonce that is not ours */
	SIP_PROOF_STALE,  /* right, but the nonce is too old: challenge with stale */
	SIP_PROOF_RIGHT,
};

/* The name that a request's credentials for the server's realm claim, so that the caller can look
 * up its password; absent if it has none. */
struct sip_span sip_digest_username(const struct sip_digest_server *server,
				    const struct sip_message *request);

enum sip_proof sip_digest_verify(const struct sip_digest_server *server,
				 const struct sip_message *request,
				 const struct sip_credentials *credentials, uint64_t now);

/* Which nonce the request's credentials use, and for which time: right ones use each count once
 * (RFC 7616 3.3). */
struct sip_nonce_use {
	uint64_t number; /* a later nonce's is greater; 0: it is none */
	uint32_t count;  /* nc; 0: it tells none */
};

struct sip_nonce_use sip_digest_used(const struct sip_digest_server *server,
				     const struct sip_message *request);

#endif
