/* order.c - the order in which a registration tries the routes of its set.
 *
 * Service records in rank order; inside one, SRV priority ascending; inside a priority, drawn by
 * weight (RFC 2782).  A draw is a function of the engine's seed, the registration and the SRV
 * records: the same records looked up again give the same order, and ten thousand lines of one
 * engine differ (DNS-5). */
#include "engine/flow.h"
#include "engine/health.h"
#include "engine/names.h"
#include "engine/route.h"
#include "engine/schedule.h"

#include <string.h>

struct group {
	uint16_t weight[KL_DNS_RECORDS_MAX];
	uint8_t rr[KL_DNS_RECORDS_MAX];
	uint8_t seq[KL_DNS_RECORDS_MAX];
	uint8_t count;
};

/* The SRV records of one priority, each once, in their order of content. */
static void group_collect(const struct kl_engine *e, uint32_t s, const struct member *like,
			  struct group *group)
{
	group->count = 0;
	for (uint8_t pos = 0; pos < e->config->limits.set_routes; pos++) {
		const struct member *member = member_at(e, s, pos);
		uint8_t at = group->count;
		if (!member->listed || member->record != like->record ||
		    member->priority != like->priority)
			continue;
		while (at > 0 && group->rr[at - 1] > member->rr)
			at--;
		if (at > 0 && group->rr[at - 1] == member->rr)
			continue;
		memmove(&group->rr[at + 1], &group->rr[at], (size_t)(group->count - at));
		memmove(&group->seq[at + 1], &group->seq[at], (size_t)(group->count - at));
		memmove(&group->weight[at + 1], &group->weight[at],
			sizeof(group->weight[0]) * (size_t)(group->count - at));
		group->rr[at] = member->rr;
		group->seq[at] = member->seq;
		group->weight[at] = member->weight;
		group->count++;
	}
}

/* RFC 2782: records of weight 0 first; a number from 0 to the sum of weights, both included;
 * the first record whose running sum reaches it. */
static uint8_t group_draw(const struct group *group, uint64_t left, uint64_t *random)
{
	uint32_t sum = 0, running = 0;
	for (uint8_t i = 0; i < group->count; i++)
		sum += left >> i & 1 ? group->weight[i] : 0;
	uint32_t drawn = (uint32_t)(random_next(random) % (sum + UINT64_C(1)));
	for (int weighted = 0; weighted <= 1; weighted++) {
		for (uint8_t i = 0; i < group->count; i++) {
			if (!(left >> i & 1) || (group->weight[i] != 0) != weighted)
				continue;
			running += group->weight[i];
			if (running >= drawn)
				return i;
		}
	}
	assert(false); /* a drawn number is within the sum */
	return 0;
}

/* YEA-7: the higher weight first. CS-18-10: as answered. */
static uint8_t group_choose(const struct group *group, uint64_t left, enum kl_weight_order by)
{
	uint8_t best = NO_POS;
	for (uint8_t i = 0; i < group->count; i++) {
		if (!(left >> i & 1))
			continue;
		if (best == NO_POS ||
		    (by == KL_WEIGHT_HIGHEST ? group->weight[i] > group->weight[best]
					     : group->seq[i] < group->seq[best]))
			best = i;
	}
	return best;
}

/* Gives each SRV record of the group its rank. */
static void group_rank(const struct group *group, enum kl_weight_order by, uint64_t *random,
		       uint8_t rank[KL_DNS_RECORDS_MAX])
{
	uint64_t left = group->count == 64 ? UINT64_MAX : (UINT64_C(1) << group->count) - 1;
	for (uint8_t place = 0; place < group->count; place++) {
		uint8_t i = by == KL_WEIGHT_DRAWN ? group_draw(group, left, random)
						  : group_choose(group, left, by);
		rank[group->rr[i]] = place;
		left &= ~(UINT64_C(1) << i);
	}
}

static bool member_before(const struct member *a, const struct member *b, const uint8_t *rank)
{
	if (a->record != b->record)
		return a->record < b->record;
	if (a->priority != b->priority)
		return a->priority < b->priority;
	if (rank[a->rr] != rank[b->rr])
		return rank[a->rr] < rank[b->rr];
	return a->seq < b->seq;
}

/* Two sets drawn from one seed must not repeat each other's draws, but both flows of an entry have
 * one order; and a line with a key goes on drawing alike wherever a reload puts it. */
static uint64_t draw_seed(const struct kl_engine *e, uint32_t r)
{
	const struct registration *reg = registration_at(e, r);
	uint64_t key = e->config->lines[reg->line].key;
	uint64_t who = key ? random_next(&key) + reg->entry : flow_first(e, r) + UINT64_C(1);
	uint64_t seed = e->seed ^ (UINT64_C(0xd1342543de82ef95) * who);
	return random_next(&seed);
}

/* The Poly guide: up to four addresses of a service record are used.  DNS-7 */
static uint8_t order_cut(const struct kl_engine *e, uint32_t s, uint8_t *order, uint8_t count,
			 uint16_t most)
{
	uint8_t kept = 0, of_record = 0, record = 0;
	for (uint8_t i = 0; i < count; i++) {
		const struct member *member = member_at(e, s, order[i]);
		if (i == 0 || member->record != record)
			of_record = 0;
		record = member->record;
		if (of_record++ < most)
			order[kept++] = order[i];
	}
	return kept;
}

static bool order_is_family(const struct kl_engine *e, uint32_t s, uint8_t pos, bool v4)
{
	return address_is_v4(route_slot(e, s, pos)->route.ip) == v4;
}

/* RFC 8305 4: families in turns, so that a path that lacks one costs one attempt.  The target that
 * was drawn stays the first one: its weight counts.  OWN-7 */
static void order_take_turns(const struct kl_engine *e, uint32_t s, uint8_t *order, uint8_t count,
			     bool v4)
{
	uint8_t end = 0, rr = member_at(e, s, order[0])->rr;
	while (end < count && member_at(e, s, order[end])->rr == rr)
		end++;
	for (uint8_t i = 0; i < count; i++, end = count) {
		uint8_t from = i;
		while (from < end && !order_is_family(e, s, order[from], v4))
			from++;
		if (from == end)
			from = i;
		uint8_t pos = order[from];
		memmove(&order[i + 1], &order[i], (size_t)(from - i));
		order[i] = pos;
		v4 = order_is_family(e, s, pos, false);
	}
}

/* ... among routes of one rank and priority. */
static void order_interleave(const struct kl_engine *e, uint32_t s, uint8_t *order, uint8_t count,
			     enum kl_family_order by)
{
	for (uint8_t i = 0, end = 0; by != KL_FAMILY_AS_GIVEN && i < count; i = end) {
		const struct member *first = member_at(e, s, order[i]);
		for (end = i; end < count; end++) {
			const struct member *member = member_at(e, s, order[end]);
			if (member->record != first->record || member->priority != first->priority)
				break;
		}
		order_take_turns(e, s, order + i, (uint8_t)(end - i), by == KL_FAMILY_IPV4);
	}
}

static void order_draw(struct kl_engine *e, uint32_t r)
{
	struct registration *reg = registration_at(e, r);
	const struct kl_policy *policy = registration_policy(e, r);
	uint8_t rank[KL_DNS_RECORDS_MAX];
	uint8_t *order = order_of(e, r), count = 0;
	uint64_t random = draw_seed(e, r);
	bool ranked[KL_DNS_RECORDS_MAX] = {false};
	struct group group;
	for (uint8_t pos = 0; pos < e->config->limits.set_routes; pos++) {
		const struct member *member = member_at(e, reg->set, pos);
		if (!member->listed || ranked[member->rr])
			continue;
		group_collect(e, reg->set, member, &group);
		uint64_t group_random = random ^ (uint64_t)member->record << 16 ^ member->priority;
		group_rank(&group, (enum kl_weight_order)policy->weight_order, &group_random, rank);
		for (uint8_t i = 0; i < group.count; i++)
			ranked[group.rr[i]] = true;
	}
	for (uint8_t pos = 0; pos < e->config->limits.set_routes; pos++) {
		const struct member *member = member_at(e, reg->set, pos);
		uint8_t at = count;
		if (!member->listed)
			continue;
		for (; at > 0 && member_before(member, member_at(e, reg->set, order[at - 1]), rank);
		     at--)
			order[at] = order[at - 1];
		order[at] = pos;
		count++;
	}
	order_interleave(e, reg->set, order, count, (enum kl_family_order)policy->family_order);
	reg->order_count = order_cut(e, reg->set, order, count, policy->record_routes_max);
	reg->order_cut = (uint8_t)(count - reg->order_count);
}

void order_refresh(struct kl_engine *e, uint32_t r)
{
	struct registration *reg = registration_at(e, r);
	uint32_t version = set_at(e, reg->set)->version;
	if (reg->order_version == version)
		return;
	order_draw(e, r);
	reg->order_version = version;
	reg->failed = reg->held_off = 0; /* the list is rebuilt: PROBE-4 */
}

int order_index(const struct kl_engine *e, uint32_t r, uint8_t pos)
{
	for (int i = 0; i < registration_at(e, r)->order_count; i++)
		if (order_of(e, r)[i] == pos)
			return i;
	return -1;
}

/* CS-18-10: rank counts, then priority; of routes that are equal in both none is better.  PROBE-2
 */
static bool order_outranks(const struct kl_engine *e, uint32_t set, uint8_t a, uint8_t b)
{
	const struct member *x = member_at(e, set, a), *y = member_at(e, set, b);
	return x->rank != y->rank ? x->rank < y->rank : x->priority < y->priority;
}

/* Does R return to what probes find up?  PROBE-6 */
static bool order_probed(const struct kl_engine *e, uint32_t r)
{
	return kl_policy_failback_mode(registration_policy(e, r)) == KL_FAILBACK_PROBED;
}

/* ... by rank and priority alone?  Where health is shared each line returns to what was drawn for
 * it: or else an outage would leave the others of its priority with all the load.  OWN-1 */
static bool order_ranked(const struct kl_engine *e, uint32_t r)
{
	return order_probed(e, r) && !registration_policy(e, r)->health_shared;
}

static uint8_t order_top(const struct kl_engine *e, uint32_t r, uint8_t pos)
{
	const struct registration *reg = registration_at(e, r);
	uint8_t top = pos;
	for (int i = 0; pos != NO_POS && i < reg->order_count; i++)
		if (order_outranks(e, reg->set, order_of(e, r)[i], top))
			top = order_of(e, r)[i];
	return top;
}

uint8_t order_first(const struct kl_engine *e, uint32_t r)
{
	const uint8_t *order = order_of(e, r);
	int count = registration_at(e, r)->order_count;
	if (!registration_policy(e, r)->health_shared)
		return count ? order[0] : NO_POS;
	for (int i = 0; i < count; i++)
		if (health_of(e, r, order[i]) != KL_CANDIDATE_DOWN)
			return order[i];
	return count ? order[0] : NO_POS;
}

/* Does R stay within the service record of its route?  Poly guide: it does (FAIL-12). */
static bool order_alike(const struct kl_engine *e, uint32_t r, uint8_t a, uint8_t b)
{
	uint32_t set = registration_at(e, r)->set;
	return order_probed(e, r) || member_at(e, set, a)->record == member_at(e, set, b)->record;
}

uint8_t order_primary(const struct kl_engine *e, uint32_t r, uint8_t pos)
{
	const struct registration *reg = registration_at(e, r);
	if (order_ranked(e, r))
		return order_top(e, r, pos);
	for (int i = 0; pos != NO_POS && i < reg->order_count; i++)
		if (order_alike(e, r, order_of(e, r)[i], pos))
			return order_of(e, r)[i];
	return NO_POS;
}

uint32_t order_better(const struct kl_engine *e, uint32_t r, uint8_t pos)
{
	const struct registration *reg = registration_at(e, r);
	uint32_t better = 0;
	bool ranked = order_ranked(e, r);
	int index = order_index(e, r, pos);
	/* One that was cut off, or left the DNS, stands behind all.  DNS-7 */
	int end = ranked || index < 0 ? reg->order_count : index;
	for (int i = 0; pos != NO_POS && i < end; i++) {
		uint8_t other = order_of(e, r)[i];
		if (ranked ? order_outranks(e, reg->set, other, pos)
			   : order_alike(e, r, other, pos))
			better |= bit(other);
	}
	return better;
}
