#include "engine/walk.h"

#include "engine/doubt.h"
#include "engine/failback.h"
#include "engine/flow.h"
#include "engine/health.h"
#include "engine/names.h"
#include "engine/outcome.h"
#include "engine/registration.h"
#include "engine/request.h"
#include "engine/route.h"
#include "engine/schedule.h"
#include "engine/seize.h"
#include "engine/stream.h"
#include "engine/timing.h"

#include <string.h>

/* ---- transactions as the host knows them ---- */

/* serial (32 bits), then for REGISTER: 1, place in the set (5), registration (26); for a request
 * of the host: 0, walk (31).  So even a REGISTER that was left long ago tells whose it was. */
enum { TX_INDEX_BITS = 26 };
static const uint32_t tx_register = UINT32_C(1) << 31;

static kl_tx tx_of(const struct kl_engine *e, uint32_t w, uint8_t pos)
{
	const struct walk *walk = walk_at(e, w);
	uint32_t who = w;
	if (walk->method == KL_REGISTER)
		who = tx_register | (uint32_t)pos << TX_INDEX_BITS | walk->registration;
	return (kl_tx)e->serial << 32 | who;
}

static uint32_t tx_serial(kl_tx tx)
{
	return (uint32_t)(tx >> 32);
}

static bool walk_open_now(const struct walk *walk)
{
	return walk->state == WALK_SENDING || walk->state == WALK_PROCEEDING;
}

/* The walk whose present transaction TX, from before a reload, names: its places are others' now.
 */
static uint32_t walk_of_carried_tx(const struct kl_engine *e, kl_tx tx)
{
	for (uint32_t w = 0; w < e->walks_used; w++)
		if (walk_open_now(walk_at(e, w)) && walk_at(e, w)->tx == tx)
			return w;
	return NONE;
}

/* The walk whose present transaction TX names; NONE if it is over or never was. */
uint32_t walk_of_tx(const struct kl_engine *e, kl_tx tx)
{
	uint32_t who = (uint32_t)tx, w = who;
	if (who & tx_register) {
		uint32_t r = who & ((UINT32_C(1) << TX_INDEX_BITS) - 1);
		w = r < e->registration_count ? r : NONE;
	}
	if (w < e->config->limits.walks && walk_open_now(walk_at(e, w)) && walk_at(e, w)->tx == tx)
		return w;
	if (tx && e->carried_serial && (int32_t)(tx_serial(tx) - e->carried_serial) <= 0)
		return walk_of_carried_tx(e, tx);
	return NONE;
}

bool walk_of_old_register(const struct kl_engine *e, kl_tx tx, uint32_t *r, uint8_t *pos)
{
	uint32_t who = (uint32_t)tx;
	*r = who & ((UINT32_C(1) << TX_INDEX_BITS) - 1);
	*pos = who >> TX_INDEX_BITS & 31;
	if (!(who & tx_register) || *r >= e->registration_count ||
	    *pos >= e->config->limits.set_routes)
		return false;
	const struct member *member = member_at(e, registration_at(e, *r)->set, *pos);
	return member->used && (int32_t)(tx_serial(tx) - member->born) >= 0;
}

/* ---- places in the table ---- */

static struct walk walk_fresh(uint32_t r, enum kl_method method)
{
	return (struct walk){.clock_at = KL_NEVER,
			     .route_at = KL_NEVER,
			     .leave_at = KL_NEVER,
			     .registration = r,
			     .allowed = UINT32_MAX,
			     .cseq = 1,
			     .method = (uint8_t)method,
			     .state = WALK_NAMES,
			     .pos = NO_POS,
			     .origin = NO_POS};
}

void walk_open_register(struct kl_engine *e, uint32_t r)
{
	struct walk *walk = walk_at(e, r);
	assert(walk->state == WALK_FREE);
	kl_tx left = walk->left; /* the host may still have to be told of these */
	uint16_t closing = walk->closing;
	*walk = walk_fresh(r, KL_REGISTER);
	walk->left = left;
	walk->closing = closing;
	owe_no_more(e, walk_node(e, r), OWES_REPORT); /* the last one's: the state says more */
}

uint32_t walk_open_request(struct kl_engine *e, uint32_t r, enum kl_method method)
{
	uint32_t w = e->free_walk;
	if (w == NONE)
		return NONE;
	e->free_walk = request_at(e, w)->next;
	e->walk_count++;
	if (w >= e->walks_used)
		e->walks_used = w + 1;
	*walk_at(e, w) = walk_fresh(r, method);
	*request_at(e, w) = (struct request){.next = NONE, .owned = NONE, .owner = OWNER_HOST};
	return w;
}

void walk_free_if_told(struct kl_engine *e, uint32_t w)
{
	struct walk *walk = walk_at(e, w);
	if (walk->state != WALK_ENDED || node_at(e, walk_node(e, w))->owes)
		return;
	walk->state = WALK_FREE;
	request_at(e, w)->next = e->free_walk;
	e->free_walk = w;
	e->walk_count--;
}

void walk_end(struct kl_engine *e, uint32_t w)
{
	struct walk *walk = walk_at(e, w);
	walk_leave_route(e, w);
	schedule_set(e, walk_node(e, w), KL_NEVER);
	walk->state = walk->method == KL_REGISTER ? WALK_FREE : WALK_ENDED;
	walk_free_if_told(e, w);
}

/* ---- sends ---- */

void walk_leave_route(struct kl_engine *e, uint32_t w)
{
	struct walk *walk = walk_at(e, w);
	owe_no_more(e, walk_node(e, w), OWES_SEND);
	if (!walk->seen)
		return;
	walk->left = walk->tx;
	walk->seen = false;
	walk->astray = true;
	owe(e, walk_node(e, w), OWES_ABANDON);
}

void walk_restart(struct kl_engine *e, uint32_t w)
{
	struct walk *walk = walk_at(e, w);
	walk->clock_at = KL_NEVER;
	walk->tried = 0;
	walk->over = false;
	walk->exact = false;
	walk->origin = walk->pos;
	walk->cseq++;
}

void walk_wait_names(struct kl_engine *e, uint32_t w)
{
	struct walk *walk = walk_at(e, w);
	walk->state = WALK_NAMES;
	set_at(e, registration_at(e, walk->registration)->set)->due = true;
	walk_report(e, w, KL_REPORT_WAIT,
		    &(struct reason){.why = KL_WHY_NAMES_ASKED, .pos = NO_POS});
	schedule_set(e, walk_node(e, w),
		     e->now + registration_policy(e, walk->registration)->dns_wait_max_ms);
}

/* Yealink: on failover, only routes with other IP addresses.  YEA-6 */
static bool walk_skips(const struct kl_engine *e, const struct walk *walk, uint8_t pos)
{
	uint32_t set = registration_at(e, walk->registration)->set;
	if (!registration_policy(e, walk->registration)->skip_same_address)
		return false;
	for (uint8_t i = 0; i < e->config->limits.set_routes; i++)
		if (walk->tried & bit(i) && memcmp(route_slot(e, set, i)->route.ip,
						   route_slot(e, set, pos)->route.ip, 16) == 0)
			return true;
	return false;
}

static enum kl_transport walk_transport(const struct kl_engine *e, const struct walk *walk,
					uint8_t pos)
{
	uint32_t set = registration_at(e, walk->registration)->set;
	return (enum kl_transport)route_slot(e, set, pos)->route.transport;
}

bool walk_may_try(const struct kl_engine *e, uint32_t w, uint8_t pos)
{
	const struct walk *walk = walk_at(e, w);
	return walk->allowed & ~walk->tried & bit(pos) &&
	       !(walk->over && walk_transport(e, walk, pos) == KL_UDP) &&
	       !(walk->method == KL_REGISTER &&
		 member_at(e, registration_at(e, w)->set, pos)->used && flow_bars(e, w, pos));
}

/* Where walk W may go next, one bit each.  A failback tries the better routes, and then the one
 * that it came from.  FAIL-13 */
static uint32_t walk_choice(const struct kl_engine *e, uint32_t w)
{
	const struct walk *walk = walk_at(e, w);
	const struct registration *reg = registration_at(e, walk->registration);
	bool returns = walk->method == KL_REGISTER && reg->state == KL_FAILING_BACK;
	uint32_t routes = 0, better;
	for (uint8_t pos = 0; pos < e->config->limits.set_routes; pos++)
		if (walk_may_try(e, w, pos) && member_at(e, reg->set, pos)->used &&
		    !walk_skips(e, walk, pos))
			routes |= bit(pos);
	better = returns ? routes & failback_better(e, walk->registration) : 0;
	return better ? better : health_prefer(e, walk->registration, routes);
}

uint8_t walk_next(const struct kl_engine *e, uint32_t w)
{
	const struct walk *walk = walk_at(e, w);
	uint32_t r = walk->registration;
	uint32_t routes = walk_choice(e, w);
	/* CS-18-10: the next available server of the list.  PROBE-7 */
	if (registration_policy(e, r)->order_by_health)
		return health_best(e, r, routes, walk->origin);
	uint8_t count = registration_at(e, r)->order_count, other = NO_POS;
	uint8_t top = walk->exact ? walk->origin : order_primary(e, r, walk->origin);
	uint8_t like = walk->pos != NO_POS ? walk->pos : walk->origin;
	int from = top == NO_POS ? 0 : order_index(e, r, top);
	bool any = like == NO_POS || !kl_policy_enhanced(registration_policy(e, r));
	for (uint8_t i = 0; i < count; i++) {
		uint8_t pos = order_of(e, r)[((from < 0 ? 0 : from) + i) % count];
		if (!(routes & bit(pos)))
			continue;
		/* Poly guide: with enhanced failover all routes within a transport are tried before
		 * one of another.  FAIL-15 */
		if (any || walk_transport(e, walk, pos) == walk_transport(e, walk, like))
			return pos;
		if (other == NO_POS)
			other = pos;
	}
	return other;
}

/* RFC 8305 5: a request that waits for a registration elsewhere first races nobody; nor does one
 * that returns from a route which serves. */
uint8_t walk_beside(const struct kl_engine *e, uint32_t w)
{
	const struct walk *walk = walk_at(e, w);
	uint32_t r = walk->registration, set = registration_at(e, r)->set;
	bool registers = walk->method == KL_REGISTER;
	if (!registration_policy(e, r)->connect_stagger_ms || walk->clears ||
	    walk_transport(e, walk, walk->pos) == KL_UDP ||
	    (registers ? registration_at(e, r)->state == KL_FAILING_BACK
		       : registration_reregisters(e, r) || request_is_probe(e, w)))
		return NO_POS;
	uint8_t next = walk_next(e, w);
	if (next == NO_POS || walk_transport(e, walk, next) == KL_UDP ||
	    address_is_v4(route_slot(e, set, next)->route.ip) ==
		    address_is_v4(route_slot(e, set, walk->pos)->route.ip))
		return NO_POS;
	return next;
}

static struct timing walk_timing(const struct kl_engine *e, const struct walk *walk)
{
	return (struct timing){registration_policy(e, walk->registration),
			       (enum kl_method)walk->method, walk->last,
			       walk_transport(e, walk, walk->pos), walk->patient};
}

static kl_ms walk_again_at(const struct walk *walk)
{
	return walk->again_ms == NONE ? KL_NEVER : walk->route_at + walk->again_ms;
}

/* Waits for the next gap's end or the route's, whichever is first. */
static void walk_wait(struct kl_engine *e, uint32_t w)
{
	const struct walk *walk = walk_at(e, w);
	schedule_set(e, walk_node(e, w), earlier(walk_again_at(walk), walk->leave_at));
}

/* Sends once more and waits.  A host that fed the time late does not make up for it with a burst.
 */
static void walk_transmit(struct kl_engine *e, uint32_t w)
{
	struct walk *walk = walk_at(e, w);
	const struct timing timing = walk_timing(e, walk);
	bool proceeds = walk->state == WALK_PROCEEDING;
	kl_ms gap;
	bool stream = timing.transport != KL_UDP;
	bool sends = ++walk->attempt == 1 || !stream; /* TCP itself sends again what is lost */
	if (sends)
		owe(e, walk_node(e, w), OWES_SEND);
	gap = timing_gap_ms(&timing, walk->attempt);
	/* RFC 3261 17.1.2.2: after a provisional answer a request is sent again each T2. */
	if (proceeds && gap != KL_NEVER)
		gap = stream ? KL_NEVER : timing.policy->t2_ms;
	/* SUBS-3: the last send of a seize is waited for as long as its gap, and to the end of the
	 * transaction where the server is alive. */
	if (sends && seize_owns(e, w) && --request_at(e, w)->sends == 0) {
		if (gap != KL_NEVER && !proceeds && !stream)
			walk->leave_at = earlier(walk->leave_at, e->now + gap);
		gap = KL_NEVER;
	}
	kl_ms again_at = walk_again_at(walk);
	if (walk->attempt == 1 || again_at + gap <= e->now)
		again_at = e->now;
	walk->again_ms = gap == KL_NEVER
				 ? NONE
				 : (uint32_t)earlier(again_at + gap - walk->route_at, NONE - 1);
	walk_wait(e, w);
}

/* ... and nothing may have come since it was sent last.  OWN-3 */
static void walk_transmit_again(struct kl_engine *e, uint32_t w)
{
	const struct walk *walk = walk_at(e, w);
	kl_ms again_at = walk_again_at(walk);
	uint16_t attempt = walk->attempt;
	walk_transmit(e, w);
	if (!walk->patient || walk->state != WALK_SENDING)
		return;
	const struct timing timing = walk_timing(e, walk);
	doubt_raise(e, w, again_at - timing_gap_ms(&timing, attempt));
}

/* FALL-8: for an INVITE the last route of the last entry, else of its own entry. */
static bool walk_on_last(const struct kl_engine *e, uint32_t w)
{
	const struct walk *walk = walk_at(e, w);
	return !walk->more && walk_next(e, w) == NO_POS &&
	       !(walk->method == KL_INVITE && request_has_entry(e, w));
}

void walk_send(struct kl_engine *e, uint32_t w, uint8_t pos)
{
	struct walk *walk = walk_at(e, w);
	struct registration *reg = registration_at(e, walk->registration);
	walk->pos = pos;
	walk->tried |= bit(pos);
	walk->last = walk_on_last(e, w);
	/* A new route is a new client transaction.  TIME-8 */
	if (++e->serial == 0)
		e->serial = 1;
	walk->tx = tx_of(e, w, pos);
	if (walk->method == KL_REGISTER)
		walk->cseq = ++reg->cseq;
	walk->state = WALK_SENDING;
	walk->attempt = 0;
	walk->status = 0;
	walk->ringing = false;
	walk->route_at = e->now;
	if (walk->clock_at == KL_NEVER)
		walk->clock_at = e->now;
	walk->patient = e->slot_nodes && doubt_rules(e, w, pos);
	walk->opens = doubt_opens(e, w, pos);
	const struct timing timing = walk_timing(e, walk);
	walk->leave_at = timing_leave_at(&timing, walk->clock_at, walk->route_at);
	walk_transmit(e, w);
}

/* RFC 3261 17.1.2.2: timer E runs on as it was set; then it is sent T2 apart, to the end of the
 * transaction.  On a stream it just waits.  TIME-7 */
void walk_proceeds(struct kl_engine *e, uint32_t w)
{
	struct walk *walk = walk_at(e, w);
	const struct timing timing = walk_timing(e, walk);
	walk->leave_at = timing_proceeding_at(&timing, walk->clock_at, walk->route_at);
	walk_wait(e, w);
}

/* ---- time ---- */

/* 64*T1 are up since the first send: no UDP route is tried any more.  TIME-4 */
bool walk_is_over(const struct kl_engine *e, const struct walk *walk)
{
	return e->now >= timing_over_at(registration_policy(e, walk->registration), walk->clock_at);
}

/* What ruled how long the present route was tried. */
static enum kl_policy_field walk_rule(const struct kl_engine *e, uint32_t w,
				      const struct timing *timing)
{
	return seize_used_up(e, w) ? KL_POLICY_line_seize_sends_max : timing_rule(timing);
}

static void walk_silent(struct kl_engine *e, uint32_t w)
{
	struct walk *walk = walk_at(e, w);
	const struct timing timing = walk_timing(e, walk);
	bool nothing = walk->state == WALK_SENDING;
	/* After a provisional answer its window rules only if it is the longer one.  TIME-7 */
	bool window = nothing || e->now > walk->route_at + timing_transaction_ms(timing.policy);
	struct reason reason = {.why = KL_WHY_NO_ANSWER,
				.rule = window ? (uint8_t)walk_rule(e, w, &timing)
					       : KL_POLICY_t1_ms,
				.pos = walk->pos,
				.ms = (uint32_t)(e->now - walk->route_at)};
	const struct slot *dead = NULL;
	uint32_t serial = e->serial; /* what comes of it may use the route anew */
	if (timing.transport != KL_UDP) {
		if (nothing)
			dead = stream_close(e, w);
	} else if (walk_is_over(e, walk)) {
		reason.why = KL_WHY_WALK_ENDED;
		reason.rule = KL_POLICY_walk_bounded;
		reason.ms = (uint32_t)(e->now - walk->clock_at);
	}
	walk_fail(e, w, &reason);
	if (dead)
		walk_fail_all(e, dead, KL_FAULT_STREAM_LOST, serial);
}

/* TIME-7: ringing, but nobody answers: CANCEL, and the call fails. */
static void walk_rings_on(struct kl_engine *e, uint32_t w)
{
	struct walk *walk = walk_at(e, w);
	const struct reason reason = {
		.why = KL_WHY_NO_FINAL,
		.rule = KL_POLICY_provisional_max_ms,
		.pos = walk->pos,
		.ms = registration_policy(e, walk->registration)->provisional_max_ms};
	walk->status = 408;
	walk->local = true;
	request_finish(e, w, &reason);
}

void walk_time(struct kl_engine *e, uint32_t w)
{
	struct walk *walk = walk_at(e, w);
	switch ((enum walk_state)walk->state) {
	case WALK_NAMES:
		walk_report(
			e, w, KL_REPORT_WAIT,
			&(struct reason){
				.why = KL_WHY_NAMES_WAITED,
				.rule = KL_POLICY_dns_wait_max_ms,
				.pos = NO_POS,
				.ms = registration_policy(e, walk->registration)->dns_wait_max_ms});
		route_settle(e, registration_at(e, walk->registration)->set);
		order_refresh(e, walk->registration);
		if (walk->method == KL_REGISTER)
			registration_waited(e, walk->registration);
		else
			request_go(e, w);
		break;
	case WALK_PROCEEDING:
		if (walk->method == KL_INVITE) {
			walk_rings_on(e, w);
			break;
		}
		/* fall through */
	case WALK_SENDING:
		if (e->now >= walk->leave_at)
			walk_silent(e, w);
		else
			walk_transmit_again(e, w);
		break;
	case WALK_REGISTRATION:
		request_waited(e, w);
		break;
	case WALK_SEIZE:
		seize_done(e, w);
		break;
	case WALK_FREE:
	case WALK_LINK:
	case WALK_ENDED:
		assert(false); /* it waits for nothing */
		break;
	}
}

/* ---- failures ---- */

/* Without a network nothing is learned of a server: a REGISTER waits, a request fails.  PROBE-9 */
static void walk_hold(struct kl_engine *e, uint32_t w)
{
	const struct reason reason = {.why = KL_WHY_LINK_DOWN,
				      .rule = KL_POLICY_freeze_without_link,
				      .pos = walk_at(e, w)->pos};
	if (walk_at(e, w)->method != KL_REGISTER) {
		request_route_failed(e, w, &reason);
		return;
	}
	walk_at(e, w)->state = WALK_LINK;
	walk_report(e, w, KL_REPORT_WAIT, &reason);
}

void walk_renew(struct kl_engine *e, uint32_t w)
{
	struct walk *walk = walk_at(e, w);
	if (walk->pos == NO_POS || walk->state == WALK_NAMES)
		return;
	walk_leave_route(e, w);
	walk->clock_at = KL_NEVER;
	walk->over = false;
	walk_send(e, w, walk->pos);
}

void walk_fail(struct kl_engine *e, uint32_t w, const struct reason *reason)
{
	struct walk *walk = walk_at(e, w);
	const struct registration *reg = registration_at(e, walk->registration);
	walk->over = walk_is_over(e, walk);
	walk_leave_route(e, w);
	schedule_set(e, walk_node(e, w), KL_NEVER);
	if (registration_frozen(e, walk->registration) && reg->state != KL_LEAVING) {
		walk_hold(e, w);
		return;
	}
	if (reason->fault != KL_FAULT_OVERTAKEN) /* it is slow, not dead */
		health_failed(e, walk->registration, reason);
	if (walk->method == KL_REGISTER)
		registration_route_failed(e, walk->registration, reason);
	else
		request_route_failed(e, w, reason);
}

static void walk_fault(struct kl_engine *e, uint32_t w, enum kl_fault fault)
{
	const struct walk *walk = walk_at(e, w);
	const struct reason reason = {
		.why = KL_WHY_FAULT, .fault = (uint8_t)fault, .pos = walk->pos};
	walk_fail(e, w, &reason);
}

bool walk_waits_on(const struct kl_engine *e, uint32_t w, const struct slot *slot, uint32_t serial)
{
	const struct walk *walk = walk_at(e, w);
	return walk_open_now(walk) && (int32_t)(serial - tx_serial(walk->tx)) >= 0 &&
	       route_slot(e, registration_at(e, walk->registration)->set, walk->pos) == slot;
}

bool walk_fail_all(struct kl_engine *e, const struct slot *slot, enum kl_fault fault,
		   uint32_t serial)
{
	bool found = false;
	for (uint32_t w = 0; w < e->walks_used; w++) {
		if (!walk_waits_on(e, w, slot, serial))
			continue;
		found = true;
		walk_fault(e, w, fault);
	}
	return found;
}

int walk_feed_fault(struct kl_engine *e, const struct kl_event_transport *event)
{
	if (event->fault == KL_FAULT_NONE || (uint32_t)event->fault >= KL_FAULTS_MAX)
		return KL_EINVAL;
	uint32_t told = walk_of_tx(e, event->tx);
	uint32_t set = told == NONE ? 0 : registration_at(e, walk_at(e, told)->registration)->set;
	/* A forged ICMP must not move lines.  TRIG-1 */
	if (told == NONE || route_find(e, set, &event->route) != walk_at(e, told)->pos) {
		e->forged++;
		return KL_IGNORED;
	}
	const struct slot *slot = route_slot(e, set, walk_at(e, told)->pos);
	if (event->fault == KL_FAULT_OVERTAKEN) {
		if (walk_at(e, told)->state != WALK_SENDING || walk_beside(e, told) == NO_POS)
			return KL_IGNORED;
		stream_close(e, told);
	}
	if (event->fault == KL_FAULT_SEND || event->fault == KL_FAULT_OVERTAKEN) {
		walk_fault(e, told, event->fault);
		return KL_OK;
	}
	/* Off loopback a host answers few datagrams with ICMP, and a stream carries many requests:
	 * so one fault serves every open request on the route. */
	walk_fail_all(e, slot, event->fault, e->serial);
	return KL_OK;
}

/* ---- what is to be told ---- */

void walk_report(struct kl_engine *e, uint32_t w, enum kl_report_type type,
		 const struct reason *reason)
{
	walk_at(e, w)->report = (uint8_t)type;
	walk_at(e, w)->reason = *reason;
	owe(e, walk_node(e, w), OWES_REPORT);
}

void walk_report_move(struct kl_engine *e, uint32_t w, uint8_t left, const struct reason *reason)
{
	struct walk *walk = walk_at(e, w);
	if (!(node_at(e, walk_node(e, w))->owes & OWES_REPORT))
		walk->left_pos = left;
	walk_report(e, w, KL_REPORT_MOVE, reason);
}
