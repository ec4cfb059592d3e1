/* prove.c - is a request inside from whom it says. */
#include "agent/prove.h"

#include <string.h>

#include "phone/account.h"

enum { AS_REGISTRAR, AS_PROXY };

void agent_prover_init(struct agent_prover *prover, struct agent_guard *guard,
		       struct agent_nonces *nonces)
{
	*prover = (struct agent_prover){.guard = guard, .nonces = nonces};
	for (size_t i = 0; i < sizeof(prover->secret); i += sizeof(uint64_t)) {
		uint64_t drawn = phone_draw();

		memcpy(prover->secret + i, &drawn, sizeof(drawn));
	}
}

void agent_prover_set(struct agent_prover *prover, const struct config_inside *inside,
		      const struct agent_directory *directory)
{
	struct sip_digest_server server = {
		.realm = inside->realm,
		.qop = SIP_QOP_AUTH,
		.nonce_life_ms = AGENT_NONCE_MS,
	};

	memcpy(server.secret, prover->secret, sizeof(server.secret));
	prover->directory = directory;
	prover->count = 0;
	for (int i = 0; i < AGENT_DIGESTS; i++) {
		server.algorithm = i == 0 ? SIP_DIGEST_SHA256 : SIP_DIGEST_MD5;
		if ((inside->digest == CONFIG_DIGEST_MD5 && i == 0) ||
		    (inside->digest == CONFIG_DIGEST_SHA256 && i == 1))
			continue;
		server.is_proxy = false;
		prover->servers[AS_REGISTRAR][prover->count] = server;
		server.is_proxy = true;
		prover->servers[AS_PROXY][prover->count++] = server;
	}
}

static const struct sip_digest_server *servers_for(const struct agent_prover *prover,
						   const struct sip_message *request)
{
	return prover->servers[request->method == SIP_REGISTER ? AS_REGISTRAR : AS_PROXY];
}

/* The best that any of the digests makes of it: credentials are of one of them. */
static enum sip_proof verify(const struct agent_prover *prover, const struct sip_message *request,
			     uint32_t endpoint, uint64_t now)
{
	const struct sip_digest_server *servers = servers_for(prover, request);
	const struct config_endpoint *who = agent_directory_endpoint(prover->directory, endpoint);
	const struct sip_credentials credentials = {.username = who->name,
						    .password = who->password};
	enum sip_proof best = SIP_PROOF_WRONG;

	for (unsigned i = 0; i < prover->count && who->password; i++) {
		enum sip_proof proof = sip_digest_verify(&servers[i], request, &credentials, now);

		best = proof > best ? proof : best;
	}
	return best;
}

enum agent_proof agent_prove(struct agent_prover *prover, const struct sip_message *request,
			     const struct net_address *source, uint32_t *endpoint, uint64_t now)
{
	struct sip_nonce_use use;
	struct sip_span name;
	enum sip_proof proof = SIP_PROOF_WRONG;

	*endpoint = agent_directory_by_address(prover->directory, source);
	if (*endpoint != AGENT_NONE)
		return AGENT_PROVEN;
	name = sip_digest_username(servers_for(prover, request), request);
	if (!name.at)
		return AGENT_UNPROVEN;
	if (!agent_guard_may_prove(prover->guard, source, now))
		return AGENT_HELD;
	*endpoint = agent_directory_by_name(prover->directory, name);
	if (*endpoint != AGENT_NONE)
		proof = verify(prover, request, *endpoint, now);
	switch (proof) {
	case SIP_PROOF_RIGHT:
		use = sip_digest_used(servers_for(prover, request), request);
		return agent_nonces_take(prover->nonces, &use) ? AGENT_PROVEN : AGENT_USED;
	case SIP_PROOF_STALE:
		return AGENT_STALE;
	case SIP_PROOF_ABSENT:
	case SIP_PROOF_WRONG:
		break;
	}
	agent_guard_note_wrong(prover->guard, source, now);
	return AGENT_UNPROVEN;
}

unsigned agent_prover_status(const struct sip_message *request)
{
	return request->method == SIP_REGISTER ? 401 : 407;
}

void agent_prover_challenge(struct agent_prover *prover, const struct sip_message *request,
			    bool stale, struct sip_builder *builder, uint64_t now)
{
	const struct sip_digest_server *servers = servers_for(prover, request);

	prover->challenges++;
	for (unsigned i = 0; i < prover->count; i++) {
		struct sip_digest_server server = servers[i];

		server.serial = prover->challenges;
		sip_digest_challenge(&server, builder, stale, now);
	}
}
