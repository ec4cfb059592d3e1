/* prove.h - is a request inside from whom it says: by credentials, or by the address that it came
 * from (AGENT-2).
 *
 * Nothing is kept of a challenge: its nonce holds its own time, sealed.  So a flood of requests
 * without credentials costs no memory.  Of right credentials the nonce and its count are kept, so
 * that they can't be used twice.
 */
#ifndef AGENT_PROVE_H
#define AGENT_PROVE_H

#include "agent/directory.h"
#include "agent/guard.h"
#include "agent/nonces.h"
#include "sip/digest.h"

enum {
	AGENT_DIGESTS = 2,              /* SHA-256 and MD5 */
	AGENT_NONCE_MS = 5 * 60 * 1000, /* then it is stale */
};

struct agent_prover {
	const struct agent_directory *directory;
	struct agent_guard *guard;
	struct agent_nonces *nonces;
	/* The strongest first (RFC 8760 2.4), for REGISTER and, as a proxy, for all else. */
	struct sip_digest_server servers[2][AGENT_DIGESTS];
	unsigned count;
	unsigned char secret[SIP_DIGEST_SECRET_SIZE]; /* of theirs */
	uint16_t challenges; /* how many were written, modulo a serial's range */
};

enum agent_proof {
	AGENT_PROVEN,
	AGENT_UNPROVEN, /* to be challenged */
	AGENT_STALE,    /* the same, but the password was right */
	AGENT_USED,     /* the same, and the credentials were used before: once more, or again */
	AGENT_HELD,     /* too many wrong passwords from there: 403, and a while to wait */
};

/* Draws the secret.  Owns nothing. */
void agent_prover_init(struct agent_prover *prover, struct agent_guard *guard,
		       struct agent_nonces *nonces);

/* Who is inside, and what is asked of them, from now on; nonces go on.  Both outlive it, or the
 * next call. */
void agent_prover_set(struct agent_prover *prover, const struct config_inside *inside,
		      const struct agent_directory *directory);

/* *ENDPOINT is who it is, if PROVEN. */
enum agent_proof agent_prove(struct agent_prover *prover, const struct sip_message *request,
			     const struct net_address *source, uint32_t *endpoint, uint64_t now);

/* 401 or 407. */
unsigned agent_prover_status(const struct sip_message *request);

/* Writes the challenges that go with it. */
void agent_prover_challenge(struct agent_prover *prover, const struct sip_message *request,
			    bool stale, struct sip_builder *builder, uint64_t now);

#endif
