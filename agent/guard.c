/* guard.c - how much an address inside may ask. */
#include "agent/guard.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "sip/text.h"

enum {
	WAYS = 8, /* an address stands in one of so many places */
	MS_IN_S = 1000,
	/* A token is worth so much, so that parts of one can be counted. */
	MESSAGE = MS_IN_S,
	WRONG = AGENT_GUARD_WRONG_MS,
};

struct source {
	uint8_t ip[sizeof((struct net_address){0}.ip)];
	uint64_t seen_at; /* 0: an empty place */
	uint64_t filled_at;
	uint32_t messages, wrongs; /* what is left of them */
};

struct agent_guard {
	uint32_t sets;
	struct source *sources; /* WAYS for each set */
};

struct agent_guard *agent_guard_new(uint32_t limit)
{
	struct agent_guard *guard = calloc(1, sizeof(*guard));

	assert(limit >= WAYS && !(limit & (limit - 1)));
	if (!guard)
		return NULL;
	guard->sets = limit / WAYS;
	guard->sources = calloc(limit, sizeof(*guard->sources));
	if (guard->sources)
		return guard;
	free(guard);
	return NULL;
}

void agent_guard_free(struct agent_guard *guard)
{
	if (guard)
		free(guard->sources);
	free(guard);
}

static struct source *set_of(const struct agent_guard *guard, const struct net_address *address)
{
	const struct sip_span ip = {(const char *)address->ip, sizeof(address->ip)};

	return &guard->sources[sip_span_hash(ip) % guard->sets * WAYS];
}

static uint32_t fill(uint32_t left, uint64_t more, uint32_t most)
{
	return more > most - left ? most : left + (uint32_t)more;
}

/* Both buckets as they are now.  The place of an address that was silent longest is taken where
 * there is none. */
static struct source *find(const struct agent_guard *guard, const struct net_address *address,
			   uint64_t now)
{
	const uint32_t messages_max = AGENT_GUARD_MESSAGES_PER_S * MESSAGE;
	const uint32_t wrongs_max = AGENT_GUARD_WRONG_MAX * WRONG;
	struct source *set = set_of(guard, address), *source = set;
	uint64_t passed;

	for (int i = 0; i < WAYS; i++) {
		if (set[i].seen_at && !memcmp(set[i].ip, address->ip, sizeof(address->ip))) {
			source = &set[i];
			break;
		}
		if (set[i].seen_at < source->seen_at)
			source = &set[i];
	}
	if (!source->seen_at || memcmp(source->ip, address->ip, sizeof(address->ip))) {
		*source = (struct source){
			.filled_at = now, .messages = messages_max, .wrongs = wrongs_max};
		memcpy(source->ip, address->ip, sizeof(address->ip));
	}
	passed = now - source->filled_at;
	source->messages =
		fill(source->messages,
		     passed > MS_IN_S ? messages_max : passed * AGENT_GUARD_MESSAGES_PER_S,
		     messages_max);
	source->wrongs = fill(source->wrongs, passed, wrongs_max);
	source->filled_at = now;
	source->seen_at = now + 1; /* never 0 */
	return source;
}

bool agent_guard_admit(struct agent_guard *guard, const struct net_address *source, uint64_t now)
{
	struct source *found = find(guard, source, now);

	if (found->messages < MESSAGE)
		return false;
	found->messages -= MESSAGE;
	return true;
}

bool agent_guard_may_prove(struct agent_guard *guard, const struct net_address *source,
			   uint64_t now)
{
	return find(guard, source, now)->wrongs >= WRONG;
}

void agent_guard_note_wrong(struct agent_guard *guard, const struct net_address *source,
			    uint64_t now)
{
	struct source *found = find(guard, source, now);

	found->wrongs -= found->wrongs < WRONG ? found->wrongs : WRONG;
}
