#include "engine/probe.h"

#include "engine/doubt.h"
#include "engine/failback.h"
#include "engine/health.h"
#include "engine/outcome.h"
#include "engine/pace.h"
#include "engine/request.h"
#include "engine/route.h"
#include "engine/schedule.h"
#include "engine/walk.h"

/* No interval is shorter, whatever is set: a probe costs the server an answer. */
static const kl_ms probe_least_ms = 1000;

/* Without a free walk a probe is tried again so much later. */
static const kl_ms probe_room_ms = 1000;

/* 0 stays 0: never. */
static kl_ms probe_at_least(const struct kl_engine *e, uint32_t r, kl_ms ms)
{
	kl_ms fleet_ms = pace_probe_ms(registration_policy(e, r));
	ms = ms && ms < probe_least_ms ? probe_least_ms : ms;
	return ms && ms < fleet_ms ? fleet_ms : ms;
}

static kl_ms probe_ms(const struct kl_engine *e, uint32_t r)
{
	return probe_at_least(e, r, registration_policy(e, r)->probe_ms);
}

/* ... and of a route that is down, which is asked ever less often; and of one that is held down
 * after that, twice as often: a server that is up and down by turns is not taken for well because
 * each probe happened to find it up.  OWN-1 */
static kl_ms probe_interval_ms(const struct kl_engine *e, uint32_t r, uint32_t i)
{
	kl_ms ms = probe_ms(e, r), most_ms = registration_policy(e, r)->probe_max_ms;
	if (health_on_trial(e, r, i))
		return probe_at_least(e, r, registration_policy(e, r)->probe_ms / 2);
	for (uint8_t n = 1; n < watch_at(e, i)->misses && ms < most_ms; n++)
		ms = earlier(2 * ms, most_ms);
	return ms;
}

uint8_t probe_pos(const struct kl_engine *e, uint32_t r, uint32_t i)
{
	const struct registration *reg = registration_at(e, r);
	for (uint8_t pos = 0; pos < e->config->limits.set_routes; pos++) {
		const struct member *member = member_at(e, reg->set, pos);
		if (member->used && member->slot == i && (member->listed || pos == reg->current))
			return pos;
	}
	return NO_POS;
}

static bool probe_wanted(const struct kl_engine *e, uint32_t r)
{
	return registration_policy(e, r)->probe_ms && !registration_frozen(e, r) &&
	       line_at(e, registration_at(e, r)->line)->started;
}

/* One probing of a route serves all lines: of those that want it, the one that wants it most often
 * asks.  NONE: nobody wants it. */
static uint32_t probe_asker(const struct kl_engine *e, uint32_t i)
{
	uint32_t asker = NONE;
	for (uint32_t r = 0; r < e->registration_count; r++)
		if (probe_wanted(e, r) && (asker == NONE || probe_ms(e, r) < probe_ms(e, asker)) &&
		    probe_pos(e, r, i) != NO_POS)
			asker = r;
	return asker;
}

/* A fleet's first probes are spread as the later ones are.  OWN-5 */
static kl_ms probe_first_ms(const struct kl_engine *e, uint32_t r)
{
	return pace_probe_ms(registration_policy(e, r)) ? probe_ms(e, r) : probe_ms(e, r) / 10;
}

/* CS-18-10: about every five minutes; Decision: phones that were switched on together do not stay
 * in step, and the first probe comes within a tenth of the interval.  PROBE-3 */
void probe_look(struct kl_engine *e, uint32_t r)
{
	if (!probe_wanted(e, r))
		return;
	for (uint8_t pos = 0; pos < e->config->limits.set_routes; pos++) {
		const struct member *member = member_at(e, registration_at(e, r)->set, pos);
		if (!member->used || probe_pos(e, r, member->slot) != pos)
			continue;
		struct slot *slot = slot_at(e, member->slot);
		kl_ms longest_ms = probe_interval_ms(e, r, member->slot) / 10 * 11;
		if (slot->probing ||
		    (slot->probe_at != KL_NEVER && slot->probe_at <= e->now + longest_ms))
			continue;
		slot->probe_at = e->now + random_between(e, 0, probe_first_ms(e, r));
		health_schedule(e, member->slot);
	}
}

static bool probe_is_active(const struct kl_engine *e, uint32_t r, uint32_t i)
{
	const struct registration *reg = registration_at(e, r);
	return reg->active && reg->current != NO_POS &&
	       member_at(e, reg->set, reg->current)->slot == i;
}

/* Who shares what is known needs no second opinion.  OWN-2 */
static bool probe_follows(const struct kl_engine *e, uint32_t r, uint32_t i)
{
	return probe_wanted(e, r) && !registration_policy(e, r)->health_shared &&
	       probe_is_active(e, r, i);
}

bool probe_hasten(struct kl_engine *e, uint32_t i, uint32_t r)
{
	struct slot *slot = slot_at(e, i);
	bool wanted = false;
	if (slot->probe_at == KL_NEVER) /* nobody probes it, or a probe is under way */
		return false;
	for (uint32_t other = 0; other < e->registration_count; other++)
		wanted |= other != r && probe_follows(e, other, i);
	if (wanted) {
		slot->probe_at = e->now;
		health_schedule(e, i);
	}
	return wanted;
}

void probe_freeze(struct kl_engine *e, uint32_t r)
{
	if (!registration_frozen(e, r))
		return;
	const struct reason reason = {
		.why = KL_WHY_LINK_DOWN, .rule = KL_POLICY_freeze_without_link, .pos = NO_POS};
	for (uint32_t w = registration_at(e, r)->first_request, next; w != NONE; w = next) {
		next = request_at(e, w)->next;
		if (request_is_probe(e, w))
			request_finish(e, w, &reason);
	}
}

static void probe_next(struct kl_engine *e, uint32_t i)
{
	uint32_t asker = probe_asker(e, i);
	kl_ms ms = asker == NONE ? 0 : probe_interval_ms(e, asker, i);
	slot_at(e, i)->probe_at =
		ms ? e->now + random_between(e, ms - ms / 10, ms + ms / 10) : KL_NEVER;
	health_schedule(e, i);
}

/* Half of the room for requests is the host's alone: no call is refused for probes' sake. */
static bool probe_has_room(const struct kl_engine *e)
{
	uint32_t room = e->config->limits.walks - e->registration_count, probes = doubt_walks(e);
	for (uint32_t i = 0; i < e->config->limits.routes; i++)
		probes += slot_at(e, i)->probing;
	return probes < (room + 1) / 2;
}

uint32_t probe_open(struct kl_engine *e, uint32_t i, uint32_t r, enum request_owner owner)
{
	uint32_t w = probe_has_room(e) ? request_open(e, r, KL_OPTIONS) : NONE;
	if (w == NONE)
		return NONE;
	struct walk *walk = walk_at(e, w);
	uint8_t pos = probe_pos(e, r, i);
	request_at(e, w)->owner = (uint8_t)owner;
	request_at(e, w)->owned = i;
	walk->allowed = bit(pos);
	/* With others to turn to, a route is given up as soon as by any request.  TIME-1, TIME-3 */
	walk->more = set_at(e, registration_at(e, r)->set)->listed > 1;
	walk_send(e, w, pos);
	return w;
}

void probe_time(struct kl_engine *e, uint32_t i)
{
	struct slot *slot = slot_at(e, i);
	uint32_t r = probe_asker(e, i);
	slot->probe_at = KL_NEVER;
	if (r == NONE)
		return;
	slot->probing = probe_open(e, i, r, OWNER_PROBE) != NONE;
	if (!slot->probing)
		slot->probe_at = e->now + probe_room_ms;
}

/* CS-18-10: if the active server fails, the phone fails over; once the preferred one comes back, it
 * fails back.  Decision: a 5xx to OPTIONS moves no line.  PROBE-3, PROBE-6, PROBE-7 */
static void probe_tell(struct kl_engine *e, uint32_t i, bool up, const struct reason *reason)
{
	for (uint32_t r = 0; r < e->registration_count; r++) {
		uint8_t pos = registration_policy(e, r)->probe_ms ? probe_pos(e, r, i) : NO_POS;
		struct reason found = *reason;
		found.pos = pos;
		if (pos == NO_POS)
			continue;
		if (up)
			failback_look(e, r);
		else if (probe_follows(e, r, i))
			registration_dialog_failed(e, r, pos, &found);
	}
}

void probe_resume(struct kl_engine *e, uint32_t i)
{
	slot_at(e, i)->probing = false;
	slot_at(e, i)->probe_at = e->now;
	if (e->slot_nodes)
		health_schedule(e, i);
}

void probe_ended(struct kl_engine *e, uint32_t w, const struct reason *reason)
{
	uint32_t i = request_at(e, w)->owned, r = walk_at(e, w)->registration;
	bool answered = reason->why == KL_WHY_ANSWERED;
	bool learned = reason->why != KL_WHY_LEFT && reason->why != KL_WHY_LINK_DOWN;
	bool up = learned && health_probed(e, i, r, answered ? reason->status : 0);
	slot_at(e, i)->probing = false;
	probe_next(e, i);
	if (learned && (up || !answered || reason->status == 408))
		probe_tell(e, i, up, reason);
}
