/* What is held against the engine of routes that fall silent, of probes, and of turns (OWN-2,
 * OWN-3, OWN-5). */
#include "sim/invariants_private.h"

#include <assert.h>
#include <string.h>

static bool same_route(const struct kl_route *a, const struct kl_route *b)
{
	return memcmp(a, b, sizeof(*a)) == 0; /* no hidden bytes */
}

static struct heard_route *heard_of(struct sim_invariants *inv, const struct kl_route *route)
{
	uint32_t i = 0;

	while (i < inv->heard_count && !same_route(&inv->heard[i].route, route))
		i++;
	assert(i < HEARD_MAX);
	if (i == inv->heard_count)
		inv->heard[inv->heard_count++] = (struct heard_route){.route = *route};
	return &inv->heard[i];
}

static uint32_t asks_of(const struct kl_route *route)
{
	uint32_t least = ASKS_LEAST;

	if (route->transport != KL_UDP)
		least += ASKS_OPENING + 1;
	if (route->transport == KL_TLS)
		least += ASKS_OPENING;
	return least;
}

void invariants_see_probe(struct sim_invariants *inv, const struct journey *journey)
{
	uint32_t open = 0;

	for (uint32_t i = 0; i < inv->journey_count; i++) {
		const struct journey *other = journey_of(inv, i);

		open += other->used && other->probe && other->tx &&
			same_route(&other->route, &journey->route);
	}
	heard_of(inv, &journey->route)->asked++;
	expect(inv, open <= 1 + asks_of(&journey->route),
	       "one probe of a route is under way, and those of one doubt");
}

void invariants_see_life(struct sim_invariants *inv, const struct kl_route *route)
{
	struct heard_route *heard = heard_of(inv, route);

	heard->at = inv->now;
	heard->asked = 0;
}

void invariants_see_silence(struct sim_invariants *inv, const struct kl_route *route, kl_ms ms)
{
	const struct heard_route *heard = heard_of(inv, route);

	expect(inv, heard->at + ms <= inv->now, "a route that is left as silent is silent");
	expect(inv, heard->asked >= asks_of(route),
	       "a silent route is asked several times before it is left");
}

void invariants_see_return(struct sim_invariants *inv, const struct kl_report *report)
{
	uint32_t arrivals = entry_of(inv, report->line, report->entry)->policy->arrivals_max;

	if (!arrivals)
		return;
	expect(inv, inv->late || inv->now >= inv->turn_at, "lines return in their turns");
	inv->turn_at = inv->now + 1000 / arrivals;
}

void invariants_see_boot(struct sim_invariants *inv, const struct kl_report *report)
{
	const struct kl_policy *policy = entry_of(inv, report->line, report->entry)->policy;
	kl_ms wait_ms = report->retry_at - inv->now;

	expect(inv,
	       policy->fleet_capacity && wait_ms <= policy->boot_spread_ms &&
		       wait_ms <= UINT64_C(2000) * policy->fleet_lines / policy->fleet_capacity,
	       "a line that is started waits for no more than its fleet needs");
}
