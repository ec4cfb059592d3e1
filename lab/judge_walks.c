/* judge_walks.c - which attempts are one request on its way over the routes. */
#include "lab/judge_private.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "net/address.h"

bool judge_same_route(const struct kl_route *a, const struct kl_route *b)
{
	return a->port == b->port && a->transport == b->transport &&
	       !memcmp(a->ip, b->ip, sizeof a->ip);
}

uint32_t judge_rank(const struct judge *judge, const struct kl_route *route)
{
	for (uint32_t i = 0; i < judge->expectation->route_count; i++)
		if (judge_same_route(&judge->expectation->routes[i].route, route))
			return i;
	return UINT32_MAX;
}

const struct kl_route *judge_primary(const struct judge *judge, const struct kl_route *route)
{
	const struct lab_expected_route *routes = judge->expectation->routes;
	uint32_t rank = judge_rank(judge, route);

	if (rank == UINT32_MAX)
		return NULL;
	for (uint32_t i = 0; i < rank; i++)
		if (routes[i].record == routes[rank].record)
			return &routes[i].route;
	return &routes[rank].route;
}

struct judge_text judge_route_text(const struct kl_route *route)
{
	struct net_address address = {.port = route->port};
	char host[NET_ADDRESS_TEXT_MAX];
	struct judge_text text;

	memcpy(address.ip, route->ip, sizeof address.ip);
	snprintf(text.at, sizeof text.at, "%s%s%s", net_address_format(&address, host),
		 route->transport == KL_UDP ? "" : "/",
		 route->transport == KL_UDP ? "" : kl_transport_name(route->transport));
	return text;
}

bool judge_initiates(const struct judge_attempt *attempt)
{
	return !attempt->to_tag && attempt->method != SIP_METHOD_OTHER &&
	       attempt->method != SIP_OPTIONS && attempt->method != SIP_BYE;
}

bool judge_in_call(const struct judge *judge, const struct judge_calls_of *which, uint64_t at_us,
		   uint64_t *ended_us)
{
	bool found = false;

	for (size_t i = 0; i < judge->call_count; i++) {
		const struct judge_call *call = &judge->calls[i];

		if ((which->line && call->line != which->line) ||
		    (which->route && !judge_same_route(which->route, &call->route)) ||
		    call->began_us > at_us || call->ended_us <= at_us)
			continue;
		if (ended_us && (!found || call->ended_us > *ended_us))
			*ended_us = call->ended_us;
		found = true;
	}
	return found;
}

bool judge_is_foreign(const struct judge *judge, const struct kl_route *route)
{
	return judge->expectation->route_count && judge_rank(judge, route) == UINT32_MAX;
}

uint64_t judge_over_us(const struct judge *judge, const struct judge_attempt *attempt)
{
	return attempt->ended_us == JUDGE_NEVER
		       ? attempt->began_us + judge_window_us(judge, attempt)
		       : attempt->ended_us;
}

bool judge_fails_until(const struct judge *judge, const struct judge_attempt *a, uint64_t at_us)
{
	bool failed = a->ended_us == JUDGE_NEVER ? a->heard_us == JUDGE_NEVER
						 : a->fault || a->status == 503;

	return failed && judge_about(judge, judge_over_us(judge, a), at_us);
}

const struct judge_attempt *judge_late_success(const struct judge *judge,
					       const struct judge_attempt *attempt)
{
	for (size_t i = attempt->line_prior; i != JUDGE_NONE; i = judge->attempts[i].line_prior) {
		const struct judge_attempt *a = &judge->attempts[i];

		if (a->began_us + 2 * judge_life_us(judge) < attempt->began_us)
			return NULL;
		if (a->method == SIP_REGISTER && a->reg_id == attempt->reg_id && a->expires_s &&
		    a->status / 100 == 2 && a->ended_us > attempt->began_us)
			return a;
	}
	return NULL;
}

/* ---- which routes a walk has seen ---- */

/* A set of known routes, a bit each by rank; `strange`: there were others, too. */
struct route_set {
	uint64_t seen;
	bool strange;
};

static void add_route(const struct judge *judge, struct route_set *set,
		      const struct kl_route *route)
{
	const struct lab_expectation *expectation = judge->expectation;
	uint32_t rank = judge_rank(judge, route);

	if (rank == UINT32_MAX) {
		set->strange = true;
		return;
	}
	set->seen |= UINT64_C(1) << rank;
	for (uint32_t i = 0; judge->policy->skip_same_address && i < expectation->route_count; i++)
		if (!memcmp(expectation->routes[i].route.ip, route->ip, sizeof route->ip))
			set->seen |= UINT64_C(1) << i;
}

/* The REGISTERs that were made for a request count in its walk (FAIL-2). */
static void add_registers(const struct judge *judge, struct route_set *set,
			  const struct judge_attempt *attempt)
{
	for (size_t i = attempt->line_prior; i != JUDGE_NONE; i = judge->attempts[i].line_prior) {
		const struct judge_attempt *a = &judge->attempts[i];

		if (a->began_us < attempt->walk_us)
			return;
		if (a->method == SIP_REGISTER)
			add_route(judge, set, &a->route);
	}
}

/* Where the other flow of the line is registered, no REGISTER of this one goes.  OWN-6 */
static void add_other_flow(const struct judge *judge, struct route_set *set,
			   const struct judge_attempt *attempt)
{
	const struct lab_expectation *expectation = judge->expectation;
	size_t i = attempt->reg_id ? attempt->line_prior : JUDGE_NONE;

	while (i != JUDGE_NONE &&
	       (judge->attempts[i].method != SIP_REGISTER || judge->attempts[i].status / 100 != 2 ||
		judge->attempts[i].reg_id == attempt->reg_id))
		i = judge->attempts[i].line_prior;
	for (uint32_t n = 0; i != JUDGE_NONE && n < expectation->route_count; n++)
		if (!memcmp(expectation->routes[n].route.ip, judge->attempts[i].route.ip,
			    sizeof expectation->routes[n].route.ip))
			set->seen |= UINT64_C(1) << n;
}

static struct route_set list_tried(const struct judge *judge, const struct judge_attempt *attempt)
{
	const struct judge_attempt *a = attempt;
	struct route_set set = {0};

	add_route(judge, &set, &a->route);
	while (a->rank) {
		a = &judge->attempts[a->prior];
		add_route(judge, &set, &a->route);
	}
	if (a->forced_by != JUDGE_NONE)
		add_route(judge, &set, &judge->attempts[a->forced_by].route);
	if (attempt->method != SIP_REGISTER && judge->policy->reregister_on)
		add_registers(judge, &set, attempt);
	add_other_flow(judge, &set, attempt);
	return set;
}

static uint64_t all_routes(const struct judge *judge)
{
	return (UINT64_C(1) << judge->expectation->route_count) - 1;
}

bool judge_is_known_dead(const struct judge *judge, const struct kl_route *route,
			 const struct judge_attempt *attempt)
{
	for (const struct judge_attempt *a = attempt; a-- > judge->attempts;)
		if (judge_same_route(&a->route, route))
			return a->heard_us > attempt->began_us || a->status == 503 || a->fault;
	return false;
}

bool judge_has_untried(const struct judge *judge, const struct judge_attempt *attempt)
{
	const struct lab_expectation *expectation = judge->expectation;
	struct route_set set = list_tried(judge, attempt);

	for (uint32_t i = 0; judge->policy->health_shared && i < expectation->route_count; i++)
		if (!(set.seen & UINT64_C(1) << i) &&
		    judge_is_known_dead(judge, &expectation->routes[i].route, attempt))
			set.seen |= UINT64_C(1) << i;
	return !set.strange && set.seen != all_routes(judge);
}

bool judge_tried_all(const struct judge *judge, const struct judge_attempt *attempt)
{
	return judge->expectation->route_count &&
	       list_tried(judge, attempt).seen == all_routes(judge);
}

/* ---- links ---- */

/* Did FROM end with an answer that asks for the request once more, at TO?  A second flow does
 * without a first hop that lacks outbound (OWN-6). */
static bool asks_again(const struct judge_attempt *from, const struct kl_route *to)
{
	if (from->status == 439)
		return judge_same_route(&from->route, to);
	return from->status == 401 || from->status == 407 || from->status == 423 ||
	       from->status == 422 || from->status == 491 || from->status / 100 == 3;
}

/* May a request on another route be this one, going on?  Once all routes were tried, and after
 * 64*T1, it is a new one; a REGISTER that failed goes on long before a back-off would end. */
static bool may_move(const struct judge *judge, const struct judge_attempt *from,
		     const struct judge_attempt *to)
{
	bool ended = from->ended_us != JUDGE_NEVER;
	uint64_t last_us = ended ? from->ended_us : from->began_us;
	uint64_t window_us = judge_window_us(judge, from), most_us = judge_life_us(judge);
	kl_ms least_ms, longest_ms;

	kl_policy_backoff(judge->policy, 0, &least_ms, &longest_ms);
	if (ended && from->method == SIP_REGISTER)
		most_us = judge_us(least_ms) / 2;
	else if (most_us < window_us)
		most_us = window_us;
	if (judge_tried_all(judge, from) && !judge_is_foreign(judge, &to->route) &&
	    !judge_fails_until(judge, from, to->began_us))
		return false;
	return !judge_same_route(&from->route, &to->route) &&
	       to->began_us <= last_us + most_us + judge->tolerance_us;
}

static enum judge_link link_between(const struct judge *judge, const struct judge_attempt *from,
				    const struct judge_attempt *to)
{
	if (from->next != JUDGE_NONE || from->method != to->method || from->line != to->line ||
	    from->to_tag || to->to_tag || (from->reg_id != to->reg_id && from->status != 439))
		return JUDGE_ALONE;
	if (from->ended_us <= to->began_us && asks_again(from, &to->route))
		return JUDGE_AGAIN;
	if (from->ended_us <= to->began_us && from->status / 100 == 2)
		return JUDGE_ALONE;
	return may_move(judge, from, to) ? JUDGE_MOVED : JUDGE_ALONE;
}

static void join(struct judge *judge, size_t from, size_t to, enum judge_link link)
{
	struct judge_attempt *a = &judge->attempts[from], *b = &judge->attempts[to];

	a->next = to;
	a->link = link;
	a->renamed = a->call_id != b->call_id;
	b->prior = from;
}

/* The request before TO that has its Call-ID. */
static void link_attempt(struct judge *judge, size_t to)
{
	const struct judge_attempt *b = &judge->attempts[to];

	for (size_t i = b->call_prior; i != JUDGE_NONE; i = judge->attempts[i].call_prior) {
		const struct judge_attempt *a = &judge->attempts[i];
		enum judge_link link = link_between(judge, a, b);

		if (link != JUDGE_ALONE)
			join(judge, i, to, link);
		if (link != JUDGE_ALONE || a->method == b->method)
			return;
	}
}

/* A phone that takes a new Call-ID for the next route (TIME-8): a failed attempt that nothing
 * follows, and one elsewhere that follows nothing, begun when its time was up. */
static bool is_renamed(const struct judge *judge, const struct judge_attempt *a,
		       const struct judge_attempt *b)
{
	return judge_fails_until(judge, a, b->began_us) && link_between(judge, a, b) == JUDGE_MOVED;
}

/* 482: the call as a new one.  OWN-8 */
static bool is_made_anew(const struct judge *judge, const struct judge_attempt *a,
			 const struct judge_attempt *b)
{
	return judge->policy->retry_merged && a->status == 482 && a->next == JUDGE_NONE &&
	       b->method == a->method && judge_same_route(&a->route, &b->route) &&
	       b->began_us >= a->ended_us &&
	       b->began_us <= a->ended_us + judge_us(JUDGE_AT_ONCE_MS);
}

static void link_renamed(struct judge *judge, size_t to)
{
	const struct judge_attempt *b = &judge->attempts[to];

	for (size_t i = b->line_prior; i != JUDGE_NONE; i = judge->attempts[i].line_prior) {
		const struct judge_attempt *a = &judge->attempts[i];

		if (a->began_us + 2 * judge_life_us(judge) < b->began_us)
			return;
		if (is_made_anew(judge, a, b)) {
			join(judge, i, to, JUDGE_AGAIN);
			return;
		}
		if (is_renamed(judge, a, b)) {
			join(judge, i, to, JUDGE_MOVED);
			return;
		}
	}
}

/* A connection that never got as far as a request was for the one that turned elsewhere next. */
static void name_connections(struct judge *judge)
{
	for (size_t i = judge->attempt_count; i-- > 0;) {
		struct judge_attempt *a = &judge->attempts[i];
		const struct judge_attempt *b = a + 1;

		if (a->send_count || i + 1 == judge->attempt_count ||
		    judge_same_route(&a->route, &b->route))
			continue;
		a->method = b->method;
		a->line = b->line;
		a->call_id = b->call_id;
		a->from_tag = b->from_tag;
		a->cseq = b->cseq;
		a->reg_id = b->reg_id;
		a->expires_s = b->expires_s;
	}
}

/* When a request was seen to turn away from a route: its next attempt or, where that waits for a
 * registration, the REGISTER that came before it (FAIL-2). */
static uint64_t find_left(const struct judge *judge, const struct judge_attempt *a)
{
	uint64_t last_us = a->began_us;

	if (a->link != JUDGE_MOVED)
		return a->left_us;
	if (a->send_count && a->send_count <= JUDGE_SENDS_MAX)
		last_us = a->sends_us[a->send_count - 1];
	for (size_t i = a->line_next; i != a->next && i != JUDGE_NONE;
	     i = judge->attempts[i].line_next) {
		const struct judge_attempt *b = &judge->attempts[i];

		if (a->method != SIP_REGISTER && judge->policy->reregister_on &&
		    b->method == SIP_REGISTER && b->began_us >= last_us &&
		    !judge_same_route(&a->route, &b->route))
			return b->began_us;
	}
	return judge->attempts[a->next].began_us;
}

/* A registration with a server entry other than the one expected leads a life of its own. */
static uint64_t chain_name(const struct judge *judge, const struct judge_attempt *a)
{
	bool foreign =
		judge->expectation->route_count && judge_rank(judge, &a->route) == UINT32_MAX;

	return foreign && a->method == SIP_REGISTER ? judge_map_mix(a->line, 1) : a->line;
}

/* Chains each line's attempts, and those of each Call-ID. */
static int chain(struct judge *judge)
{
	struct judge_map lines = {0}, calls = {0};
	int error = judge_map_init(&lines, judge->attempt_count);

	if (!error)
		error = judge_map_init(&calls, judge->attempt_count);
	for (size_t i = 0; !error && i < judge->attempt_count; i++) {
		struct judge_attempt *a = &judge->attempts[i];
		size_t *line = judge_map_at(&lines, chain_name(judge, a));
		size_t *call = judge_map_at(&calls, a->call_id);

		a->line_prior = *line;
		a->line_next = JUDGE_NONE;
		a->call_prior = *call;
		if (*line != JUDGE_NONE)
			judge->attempts[*line].line_next = i;
		else
			judge->verdict->lines++;
		*line = *call = i;
	}
	judge_map_clear(&lines);
	judge_map_clear(&calls);
	return error;
}

/* The request that waits while B registers with the next route (FAIL-2). */
static size_t find_forcer(const struct judge *judge, const struct judge_attempt *b)
{
	if (b->method != SIP_REGISTER || !judge->policy->reregister_on)
		return JUDGE_NONE;
	for (size_t i = b->line_prior; i != JUDGE_NONE; i = judge->attempts[i].line_prior) {
		const struct judge_attempt *a = &judge->attempts[i];

		if (a->began_us + judge_life_us(judge) < b->began_us)
			return JUDGE_NONE;
		if (a->method != SIP_REGISTER && judge_initiates(a) &&
		    !judge_same_route(&a->route, &b->route) &&
		    judge_fails_until(judge, a, b->began_us))
			return i;
	}
	return JUDGE_NONE;
}

/* The repeat of a request is a walk with a clock of its own (TIME-11); the clock starts anew at
 * each server entry, too (TIME-4). */
static void place_in_walk(struct judge *judge, struct judge_attempt *a)
{
	const struct judge_attempt *prior =
		a->prior == JUDGE_NONE ? NULL : &judge->attempts[a->prior];
	bool goes_on = prior && prior->link == JUDGE_MOVED &&
		       judge_is_foreign(judge, &a->route) == judge_is_foreign(judge, &prior->route);

	a->walk_us = goes_on ? prior->walk_us : a->began_us;
	a->rank = goes_on ? prior->rank + 1 : 0;
	a->forced_by = goes_on ? JUDGE_NONE : find_forcer(judge, a);
	if (a->forced_by != JUDGE_NONE) {
		a->walk_us = judge->attempts[a->forced_by].walk_us;
		if (judge->attempts[a->forced_by].left_us == JUDGE_NEVER)
			judge->attempts[a->forced_by].left_us = a->began_us;
	}
}

int judge_link_walks(struct judge *judge)
{
	name_connections(judge);
	if (chain(judge))
		return -ENOMEM;
	for (size_t i = 0; i < judge->attempt_count; i++) {
		link_attempt(judge, i);
		if (judge->attempts[i].prior == JUDGE_NONE)
			link_renamed(judge, i);
		place_in_walk(judge, &judge->attempts[i]);
	}
	for (size_t i = 0; i < judge->attempt_count; i++)
		judge->attempts[i].left_us = find_left(judge, &judge->attempts[i]);
	return 0;
}
