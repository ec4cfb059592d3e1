/* nonces.c - how often each nonce of ours was used. */
#include "agent/nonces.h"

#include <assert.h>
#include <stdlib.h>

#include "sip/text.h"

enum { WAYS = 8 /* a nonce stands in one of so many places */ };

struct nonce {
	uint64_t number; /* 0: an empty place */
	uint32_t count;  /* the highest that came */
};

struct agent_nonces {
	uint32_t sets;
	uint64_t forgotten;  /* the latest one that is */
	struct nonce *known; /* WAYS for each set */
};

struct agent_nonces *agent_nonces_new(uint32_t limit)
{
	struct agent_nonces *nonces = calloc(1, sizeof(*nonces));

	assert(limit >= WAYS && !(limit & (limit - 1)));
	if (!nonces)
		return NULL;
	nonces->sets = limit / WAYS;
	nonces->known = calloc(limit, sizeof(*nonces->known));
	if (nonces->known)
		return nonces;
	free(nonces);
	return NULL;
}

void agent_nonces_free(struct agent_nonces *nonces)
{
	if (nonces)
		free(nonces->known);
	free(nonces);
}

/* Its place, or the one that it would have: that of the oldest. */
static struct nonce *place_of(const struct agent_nonces *nonces, uint64_t number)
{
	const struct sip_span bytes = {(const char *)&number, sizeof(number)};
	struct nonce *set = &nonces->known[sip_span_hash(bytes) % nonces->sets * WAYS];
	struct nonce *oldest = set;

	for (int i = 0; i < WAYS; i++) {
		if (set[i].number == number)
			return &set[i];
		if (set[i].number < oldest->number)
			oldest = &set[i];
	}
	return oldest;
}

bool agent_nonces_take(struct agent_nonces *nonces, const struct sip_nonce_use *use)
{
	struct nonce *place = place_of(nonces, use->number);

	if (!use->number || !use->count)
		return false;
	if (place->number == use->number) {
		if (use->count <= place->count)
			return false;
		place->count = use->count;
		return true;
	}
	if (use->number <= nonces->forgotten || use->number < place->number)
		return false;
	if (place->number > nonces->forgotten)
		nonces->forgotten = place->number;
	*place = (struct nonce){use->number, use->count};
	return true;
}
