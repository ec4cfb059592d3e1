#include "engine/doubt.h"

#include "engine/health.h"
#include "engine/hedge.h"
#include "engine/probe.h"
#include "engine/request.h"
#include "engine/route.h"
#include "engine/schedule.h"
#include "engine/stream.h"
#include "engine/walk.h"

/* RFC 6298: before anything was measured; and the least, for a host that is busy for a moment. */
static const kl_ms unmeasured_ms = 1000, shortest_ms = 20;

/* What the clock can tell of a variation. */
static const kl_ms granularity_ms = 5;

/* A server that takes so long is slow, and its path is not; eight times that fits into 16 bits. */
static const kl_ms slowest_ms = 8000;

enum {
	SPACES = 16, /* DOUBT_ASKS requests are a part of the time apart that is waited, at least */
	GAIN = 4,    /* RFC 6298: a measurement changes the variation by a quarter */
};

static uint32_t slot_of(const struct kl_engine *e, uint32_t r, uint8_t pos)
{
	return member_at(e, registration_at(e, r)->set, pos)->slot;
}

/* ---- measured ---- */

/* Round trips before a stream carries a request: TCP's, and that of TLS 1.3. */
static uint32_t doubt_handshakes(const struct slot *slot)
{
	switch ((enum kl_transport)slot->route.transport) {
	case KL_TCP:
		return 1;
	case KL_TLS:
		return 2;
	case KL_UDP:
		break;
	}
	return 0;
}

static uint32_t doubt_asks(const struct slot *slot)
{
	uint32_t handshakes = doubt_handshakes(slot);
	return DOUBT_ASKS + DOUBT_ASKS_MORE * handshakes + (handshakes > 0);
}

bool doubt_asks_by(const struct kl_engine *e, uint32_t w)
{
	return walk_at(e, w)->method != KL_REGISTER && request_at(e, w)->owner == OWNER_DOUBT;
}

bool doubt_opens(const struct kl_engine *e, uint32_t w, uint8_t pos)
{
	uint32_t i = slot_of(e, walk_at(e, w)->registration, pos);
	const struct slot *slot = slot_at(e, i);
	return doubt_handshakes(slot) && (slot->last_answer_at == KL_NEVER ||
					  (doubt_asks_by(e, w) && watch_at(e, i)->asked > 0));
}

/* What opens a stream takes the round trips of that as well: one of them.  How long it really
 * takes, with what either side computes for it, is kept beside. */
static uint32_t doubt_one_of(struct watch *watch, uint32_t trips, kl_ms ms)
{
	if (trips > 1)
		watch->open_ms = (uint16_t)(watch->open_ms ? (watch->open_ms + ms) / 2 : ms);
	return ms > trips ? (uint32_t)ms / trips : 1;
}

void doubt_measure(struct kl_engine *e, uint32_t w, uint16_t status)
{
	const struct walk *walk = walk_at(e, w);
	kl_ms ms = e->now - walk->route_at;
	if (!e->slot_nodes || walk->state != WALK_SENDING || walk->attempt != 1 ||
	    ms > slowest_ms || (walk->method == KL_INVITE && status != 100))
		return;
	uint32_t i = slot_of(e, walk->registration, walk->pos);
	struct watch *watch = watch_at(e, i);
	uint32_t trips = walk->opens ? 1 + doubt_handshakes(slot_at(e, i)) : 1;
	uint32_t rtt_ms = doubt_one_of(watch, trips, ms), smooth_ms = watch->rtt8_ms / 8u;
	uint32_t off_ms = rtt_ms > smooth_ms ? rtt_ms - smooth_ms : smooth_ms - rtt_ms;
	if (watch->measured < GAIN)
		watch->measured++;
	if (!watch->rtt8_ms) { /* a guess, the better the more round trips it is made from */
		watch->rtt8_ms = (uint16_t)(8 * rtt_ms);
		watch->var4_ms = (uint16_t)(2 * rtt_ms / trips);
		return;
	}
	/* The first ones by their mean: what begins as a guess, half of the round trip, is
	 * forgotten as soon as there is something better. */
	watch->var4_ms = (uint16_t)((watch->var4_ms * (watch->measured - 1u) + 4 * off_ms) /
				    watch->measured);
	watch->rtt8_ms = (uint16_t)(watch->rtt8_ms + rtt_ms - smooth_ms);
}

/* The round trip and four times its variation. */
static kl_ms doubt_wait_ms(const struct watch *watch)
{
	kl_ms more_ms = watch->var4_ms > granularity_ms ? watch->var4_ms : granularity_ms;
	kl_ms ms = watch->rtt8_ms / 8u + more_ms;
	if (!watch->rtt8_ms)
		return unmeasured_ms;
	return ms > shortest_ms ? ms : shortest_ms;
}

/* ... and what opening a stream takes, by its measure if that is longer. */
static kl_ms doubt_opening_ms(const struct watch *watch, const struct slot *slot)
{
	kl_ms rtt_ms = watch->rtt8_ms ? watch->rtt8_ms / 8u : unmeasured_ms;
	kl_ms ms = doubt_handshakes(slot) * rtt_ms;
	return watch->open_ms > rtt_ms + ms ? watch->open_ms - rtt_ms : ms;
}

/* The line needs two round trips to register elsewhere, with credentials: what a doubt's requests
 * may take of that costs nobody anything.  A stream is opened there, too. */
static kl_ms doubt_space_ms(const struct watch *watch, const struct slot *slot)
{
	kl_ms wait_ms = doubt_wait_ms(watch), elsewhere_ms = watch->rtt8_ms / 4u;
	kl_ms spare_ms = elsewhere_ms > wait_ms ? elsewhere_ms - wait_ms : 0;
	kl_ms least_ms = wait_ms * (DOUBT_ASKS - 1) / SPACES;
	kl_ms ms = (spare_ms > least_ms ? spare_ms : least_ms) / (doubt_asks(slot) - 1);
	return ms ? ms : 1;
}

/* ---- raised ---- */

bool doubt_rules(const struct kl_engine *e, uint32_t w, uint8_t pos)
{
	const struct walk *walk = walk_at(e, w);
	if (!registration_policy(e, walk->registration)->first_silence || walk->clears)
		return false;
	const struct slot *slot = route_slot(e, registration_at(e, walk->registration)->set, pos);
	return slot->status != KL_CANDIDATE_DOWN;
}

/* Is there another route for W, and does its policy leave for silence? */
static bool doubt_may_leave(const struct kl_engine *e, uint32_t w)
{
	const struct walk *walk = walk_at(e, w);
	return registration_policy(e, walk->registration)->first_silence && !walk->clears &&
	       (walk->more || walk_next(e, w) != NO_POS);
}

/* Did anything come from the route since SINCE_AT? */
static bool doubt_heard(const struct slot *slot, kl_ms since_at)
{
	return slot->last_answer_at != KL_NEVER && slot->last_answer_at >= since_at;
}

static bool doubt_failed(const struct slot *slot, kl_ms since_at)
{
	return slot->last_failure_at != KL_NEVER && slot->last_failure_at >= since_at;
}

/* Only what a user waits for makes a line register elsewhere meanwhile. */
static void doubt_hedge(struct kl_engine *e, uint32_t w)
{
	const struct walk *walk = walk_at(e, w);
	const struct reason reason = {.why = KL_WHY_SILENT,
				      .rule = KL_POLICY_first_silence,
				      .pos = walk->pos,
				      .ms = (uint32_t)(e->now - walk->route_at)};
	if (walk->method != KL_REGISTER && request_at(e, w)->owner == OWNER_HOST)
		hedge_begin(e, walk->registration, &reason);
}

void doubt_raise(struct kl_engine *e, uint32_t w, kl_ms sent_at)
{
	const struct walk *walk = walk_at(e, w);
	uint32_t r = walk->registration, i = slot_of(e, r, walk->pos);
	if (!doubt_rules(e, w, walk->pos) || registration_frozen(e, r) || !doubt_may_leave(e, w))
		return;
	struct watch *watch = watch_at(e, i);
	if (watch->doubted_at == KL_NEVER) {
		if (doubt_heard(slot_at(e, i), sent_at))
			return;
		watch->doubted_at = sent_at;
		watch->asked = 0;
		doubt_look(e, i);
	}
	doubt_hedge(e, w);
}

bool doubt_look(struct kl_engine *e, uint32_t i)
{
	if (!e->slot_nodes || watch_at(e, i)->doubted_at == KL_NEVER)
		return false;
	watch_at(e, i)->doubt_at = e->now;
	health_schedule(e, i);
	return true;
}

/* ---- settled ---- */

static bool doubt_owns(const struct kl_engine *e, uint32_t w, uint32_t i)
{
	const struct walk *walk = walk_at(e, w);
	return (walk->state == WALK_SENDING || walk->state == WALK_PROCEEDING) &&
	       doubt_asks_by(e, w) && request_at(e, w)->owned == i;
}

/* However it ended: its OPTIONS are not waited for. */
static void doubt_end(struct kl_engine *e, uint32_t i)
{
	struct watch *watch = watch_at(e, i);
	const struct reason over = {.why = KL_WHY_UNASKED, .pos = NO_POS};
	watch->doubted_at = watch->doubt_at = KL_NEVER;
	watch->asked = 0;
	for (uint32_t w = e->registration_count; w < e->walks_used; w++)
		if (doubt_owns(e, w, i))
			request_finish(e, w, &over);
}

/* The next line from R on that is registered elsewhere for this doubt's sake; NONE: no more. */
static uint32_t doubt_hedged(const struct kl_engine *e, uint32_t r, uint32_t i)
{
	for (; r < e->registration_count; r++) {
		const struct registration *reg = registration_at(e, r);
		if (reg->state == KL_DOUBTING && slot_of(e, r, reg->current) == i)
			return r;
	}
	return NONE;
}

static void doubt_dispel(struct kl_engine *e, uint32_t i, enum kl_cause why)
{
	doubt_end(e, i);
	for (uint32_t r = doubt_hedged(e, 0, i); r != NONE; r = doubt_hedged(e, r + 1, i))
		hedge_end(e, r, why);
}

/* Nothing came, or it failed otherwise.  The route is marked first, so that nobody goes there; then
 * lines go, so that their requests find them elsewhere. */
static void doubt_confirm(struct kl_engine *e, uint32_t i, uint32_t asker, enum kl_cause why)
{
	const struct slot *slot = slot_at(e, i);
	uint32_t serial = e->serial; /* what comes of it may use the route anew */
	struct reason reason = {.why = (uint8_t)why,
				.rule = KL_POLICY_first_silence,
				.pos = probe_pos(e, asker, i),
				.ms = (uint32_t)(e->now - watch_at(e, i)->doubted_at)};
	doubt_end(e, i);
	health_failed(e, asker, &reason);
	for (uint32_t r = doubt_hedged(e, 0, i); r != NONE; r = doubt_hedged(e, r + 1, i)) {
		reason.pos = registration_at(e, r)->current;
		hedge_commit(e, r, &reason);
	}
	for (uint32_t w = 0; w < e->walks_used; w++) {
		if (!walk_waits_on(e, w, slot, serial) || walk_at(e, w)->state != WALK_SENDING ||
		    !doubt_may_leave(e, w))
			continue;
		reason.pos = walk_at(e, w)->pos;
		if (doubt_handshakes(slot))
			stream_close(e, w);
		walk_fail(e, w, &reason);
	}
}

/* Any line that has the route, and leaves routes for silence; NONE: there is none. */
static uint32_t doubt_asker(const struct kl_engine *e, uint32_t i)
{
	for (uint32_t r = 0; r < e->registration_count; r++)
		if (registration_policy(e, r)->first_silence && !registration_frozen(e, r) &&
		    line_at(e, registration_at(e, r)->line)->started &&
		    probe_pos(e, r, i) != NO_POS)
			return r;
	return NONE;
}

/* It was due at DUE_AT; a host's timers ring late, which is not to add up, nor to make a burst of
 * them all.  False: there is no room. */
static bool doubt_ask(struct kl_engine *e, uint32_t i, uint32_t asker, kl_ms due_at)
{
	struct watch *watch = watch_at(e, i);
	const struct slot *slot = slot_at(e, i);
	uint32_t w = probe_open(e, i, asker, OWNER_DOUBT);
	kl_ms space_ms = doubt_space_ms(watch, slot);
	if (w == NONE)
		return false;
	watch->asked++;
	watch->doubt_at = e->now + doubt_wait_ms(watch) + doubt_opening_ms(watch, slot);
	if (watch->asked < doubt_asks(slot))
		watch->doubt_at =
			due_at + space_ms > e->now ? due_at + space_ms : e->now + space_ms / 2;
	return true;
}

void doubt_time(struct kl_engine *e, uint32_t i)
{
	struct watch *watch = watch_at(e, i);
	const struct slot *slot = slot_at(e, i);
	uint32_t asker = doubt_asker(e, i);
	kl_ms due_at = watch->doubt_at;
	watch->doubt_at = KL_NEVER;
	if (doubt_heard(slot, watch->doubted_at))
		doubt_dispel(e, i, KL_WHY_HEARD);
	else if (asker == NONE)
		doubt_dispel(e, i, e->link_down ? KL_WHY_LINK_DOWN : KL_WHY_LEFT);
	else if (doubt_failed(slot, watch->doubted_at))
		doubt_confirm(e, i, asker, KL_WHY_ROUTE_DOWN);
	else if (watch->asked == doubt_asks(slot))
		doubt_confirm(e, i, asker, KL_WHY_NOT_HEARD);
	else if (!doubt_ask(e, i, asker, due_at))
		doubt_dispel(e, i, KL_WHY_NO_WALK); /* undecided: the next send raises another */
}

uint32_t doubt_walks(const struct kl_engine *e)
{
	uint32_t count = 0;
	for (uint32_t i = 0; i < e->slot_nodes; i++)
		count += watch_at(e, i)->asked;
	return count;
}
