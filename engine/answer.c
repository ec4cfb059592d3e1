/* answer.c - what an answer means for the walk that it answers. */
#include "engine/flow.h"
#include "engine/health.h"
#include "engine/outcome.h"
#include "engine/registration.h"
#include "engine/request.h"
#include "engine/route.h"
#include "engine/schedule.h"
#include "engine/seize.h"
#include "engine/subscription.h"
#include "engine/timing.h"
#include "engine/walk.h"

/* A server that challenges every repeat, or finds every Expires too short, is no server. */
enum { REPEATS_MAX = 8 };

/* RFC 3261 8.1.3.4 leaves it open how long a chain of redirections may be.  TRIG-9 */
enum { HOPS_MAX = 5 };

static void walk_refused(struct kl_engine *e, uint32_t w, const struct reason *reason,
			 const struct kl_event_response *response)
{
	struct walk *walk = walk_at(e, w);
	walk->retry_after_ms = (uint32_t)(response->status == 503 ? response->retry_after_ms : 0);
	if (walk->method == KL_REGISTER)
		registration_denied(e, walk->registration, reason, walk->retry_after_ms);
	else
		request_finish(e, w, reason);
}

/* An answer that asks for the request once more, changed: a new walk with a clock of its own, on
 * the same route (STAY) or from where a new request starts.  TIME-11 */
static void walk_repeat(struct kl_engine *e, uint32_t w, bool stay)
{
	struct walk *walk = walk_at(e, w);
	uint8_t pos = walk->pos;
	walk->repeats++;
	walk_restart(e, w);
	if (stay)
		walk_send(e, w, pos);
	else if (walk->method == KL_REGISTER)
		registration_go(e, walk->registration);
	else
		request_go(e, w);
}

/* TRIG-8: the repeat goes to the server that challenged if that is set, and always so with
 * re-registration: unless the registration that a request goes by has moved meanwhile.  Where a
 * redirection led is no route of the line: it stays there, too. */
static bool walk_stays(const struct kl_engine *e, uint32_t w)
{
	const struct walk *walk = walk_at(e, w);
	uint32_t r = walk->registration;
	const struct registration *reg = registration_at(e, r);
	const struct kl_policy *policy = registration_policy(e, r);
	if (subscription_in_dialog(e, w))
		return true;
	if (walk->method != KL_REGISTER && !walk->hops &&
	    reg->entry == request_at(e, w)->first_entry && registration_reregisters(e, r))
		return reg->active && reg->current == walk->pos;
	return policy->auth_at_challenger || policy->reregister_on || walk->allowed != UINT32_MAX ||
	       walk->hops;
}

static void walk_challenged(struct kl_engine *e, uint32_t w,
			    const struct kl_event_response *response)
{
	struct walk *walk = walk_at(e, w);
	struct reason reason = {.pos = walk->pos,
				.status = response->status,
				.count = (uint16_t)(walk->repeats + 1)};
	switch (response->challenge) {
	case KL_CHALLENGE_UNANSWERABLE:
		reason.why = KL_WHY_UNANSWERABLE;
		break;
	case KL_CHALLENGE_REFUSED:
		reason.why = KL_WHY_CREDENTIALS;
		break;
	case KL_CHALLENGE_NEW:
	case KL_CHALLENGE_STALE:
		if (walk->repeats >= REPEATS_MAX || seize_used_up(e, w))
			reason.why = KL_WHY_CHALLENGES;
		break;
	}
	if (reason.why != KL_WHY_NONE)
		walk_refused(e, w, &reason, response);
	else
		walk_repeat(e, w, walk_stays(e, w));
}

/* RFC 3261 8.1.3.4: follows a 3xx to its Contact; TRIG-9: a chain of at most five, and none that
 * leads back to where it has been.  A request other than REGISTER goes there or nowhere. */
static void walk_redirected(struct kl_engine *e, uint32_t w,
			    const struct kl_event_response *response)
{
	struct walk *walk = walk_at(e, w);
	const struct kl_route *target = &response->redirect;
	struct reason reason = {.why = KL_WHY_REDIRECTED,
				.pos = walk->pos,
				.status = response->status,
				.count = walk->hops};
	uint8_t from = walk->pos, to = NO_POS;
	walk->visited |= walk->tried;
	if (target->port && !walk->clears && !subscription_in_dialog(e, w) &&
	    !seize_used_up(e, w) && e->config->transports >> target->transport & 1)
		to = route_adopt(e, registration_at(e, walk->registration)->set, target);
	if (to == NO_POS)
		reason.why = KL_WHY_REFUSED;
	else if (walk->method == KL_REGISTER && flow_bars(e, w, to))
		reason.why = KL_WHY_ONE_SERVER;
	else if (walk->visited & bit(to))
		reason.why = KL_WHY_REDIRECT_LOOP;
	else if (walk->hops == HOPS_MAX)
		reason.why = KL_WHY_REDIRECTS;
	if (reason.why != KL_WHY_REDIRECTED) {
		walk_refused(e, w, &reason, response);
		return;
	}
	walk->hops++;
	walk_restart(e, w);
	walk->tried = walk->visited;
	if (walk->method != KL_REGISTER)
		walk->allowed = bit(to);
	walk_report_move(e, w, from, &reason);
	walk_send(e, w, to);
}

/* TRIG-9: 423 raises Expires and repeats on the same route; not so where the registration that a
 * SUBSCRIBE goes by has moved meanwhile. */
static bool walk_too_brief(struct kl_engine *e, uint32_t w,
			   const struct kl_event_response *response)
{
	struct walk *walk = walk_at(e, w);
	struct registration *reg = registration_at(e, walk->registration);
	static const kl_ms absurd_ms = UINT64_C(7) * 24 * 3600 * 1000;
	if (walk->repeats >= REPEATS_MAX || walk->clears || response->min_expires_ms == 0 ||
	    response->min_expires_ms > absurd_ms)
		return false;
	if (walk->method == KL_REGISTER)
		reg->min_expires_ms = (uint32_t)response->min_expires_ms;
	else if (!subscription_too_brief(e, w, response->min_expires_ms))
		return false;
	walk_repeat(e, w, walk_stays(e, w) || !registration_reregisters(e, walk->registration));
	return true;
}

/* RFC 3261 8.2.2.2: 482: the leg that an INVITE left has arrived there, too, and both count as one.
 * So it is made anew, once.  OWN-8 */
static bool walk_merged(struct kl_engine *e, uint32_t w)
{
	struct walk *walk = walk_at(e, w);
	uint32_t r = walk->registration;
	if (walk->method != KL_INVITE || !walk->astray || walk->anew || walk->hops ||
	    !registration_policy(e, r)->retry_merged)
		return false;
	walk->anew = true;
	walk_repeat(e, w, walk_stays(e, w) || !registration_reregisters(e, r));
	return true;
}

/* RFC 5626 11.6: 439: the first hop knows no outbound.  There the line registers as any; a second
 * flow would only take the first one's place.  OWN-6 */
static bool walk_plain(struct kl_engine *e, uint32_t w)
{
	const struct walk *walk = walk_at(e, w);
	uint32_t r = walk->registration;
	if (walk->method != KL_REGISTER || walk->clears || flow_is_second(e, r) ||
	    !flow_reg_id(e, r, walk->pos))
		return false;
	flow_plain(e, r, walk->pos);
	walk_repeat(e, w, true);
	return true;
}

/* TIME-7: a provisional answer ends the no-answer clock of its route. */
static void walk_provisional(struct kl_engine *e, uint32_t w, uint16_t status)
{
	struct walk *walk = walk_at(e, w);
	const struct kl_policy *policy = registration_policy(e, walk->registration);
	walk->state = WALK_PROCEEDING;
	walk->status = status;
	if (walk->method == KL_INVITE) {
		walk->ringing |= status > 100;
		owe_no_more(e, walk_node(e, w), OWES_SEND);
		schedule_set(e, walk_node(e, w), e->now + policy->provisional_max_ms);
	} else {
		walk_proceeds(e, w);
	}
}

static void walk_final(struct kl_engine *e, uint32_t w, const struct kl_event_response *response)
{
	struct walk *walk = walk_at(e, w);
	struct reason reason = {.why = KL_WHY_REFUSED,
				.rule = response->status == 503 ? KL_POLICY_failover_on_503
								: KL_POLICY_none,
				.pos = walk->pos,
				.status = response->status};
	uint32_t r = walk->registration;
	if (response->status == 439 && flow_is_second(e, r) && walk->method == KL_REGISTER)
		reason.why = KL_WHY_NO_OUTBOUND;
	bool denied = response->status == 403 && walk->method != KL_REGISTER && !walk->hops;
	if ((response->status == 423 && walk_too_brief(e, w, response)) ||
	    (response->status == 439 && walk_plain(e, w)) ||
	    (response->status == 482 && walk_merged(e, w)))
		return;
	if (response->status < 300 && walk->method == KL_REGISTER)
		registration_accepted(e, walk->registration, response);
	else if (response->status < 300)
		request_finish(e, w,
			       &(struct reason){.why = KL_WHY_ANSWERED,
						.pos = walk->pos,
						.status = response->status});
	else if (response->status < 400)
		walk_redirected(e, w, response);
	else
		walk_refused(e, w, &reason, response);
	if (denied)
		registration_request_denied(e, r, &reason);
}

static void walk_answer(struct kl_engine *e, uint32_t w, const struct kl_event_response *response)
{
	struct walk *walk = walk_at(e, w);
	uint32_t r = walk->registration;
	const struct kl_policy *policy = registration_policy(e, r);
	bool moves = response->status == 503 && policy->failover_on_503;
	bool own = request_is_probe(e, w) || subscription_in_dialog(e, w);
	health_answered(e, w, response->status);
	if (!moves && walk->method != KL_REGISTER && !own && !walk->hops)
		registration_answered(e, r, walk->pos, response->status);
	if (response->status < 200) {
		walk_provisional(e, w, response->status);
		return;
	}
	walk->status = response->status;
	if (walk->method != KL_REGISTER)
		request_at(e, w)->granted_ms = (uint32_t)response->granted_ms;
	walk->seen = false; /* the host has seen its end: nothing to abandon */
	owe_no_more(e, walk_node(e, w), OWES_SEND);
	schedule_set(e, walk_node(e, w), KL_NEVER);
	if (request_is_probe(e, w)) { /* any answer ends it, and none leads elsewhere */
		request_finish(e, w,
			       &(struct reason){.why = KL_WHY_ANSWERED,
						.pos = walk->pos,
						.status = response->status});
	} else if (response->status == 401 || response->status == 407) {
		walk_challenged(e, w, response);
	} else if (moves) {
		/* Poly guide: 503 moves on at once; Retry-After counts on the last route alone.
		 * TRIG-2, T14 */
		const struct reason reason = {.why = KL_WHY_STATUS_503,
					      .rule = KL_POLICY_failover_on_503,
					      .pos = walk->pos,
					      .status = 503};
		walk->retry_after_ms = (uint32_t)response->retry_after_ms;
		walk_fail(e, w, &reason);
	} else {
		walk_final(e, w, response);
	}
}

/* An answer to a transaction that is over: late, or a retransmission.  TIME-9 */
static int walk_feed_late(struct kl_engine *e, const struct kl_event_response *response)
{
	uint32_t r;
	uint8_t pos;
	if (response->status < 200 || response->status >= 300 ||
	    !walk_of_old_register(e, response->tx, &r, &pos))
		return KL_IGNORED;
	return registration_late(e, r, pos, response);
}

/* What a server says of time is hostile until it is bounded. */
static kl_ms bounded(kl_ms length_ms)
{
	static const kl_ms longest_ms = UINT32_MAX;
	return length_ms < longest_ms ? length_ms : longest_ms;
}

int walk_feed_response(struct kl_engine *e, const struct kl_event_response *event)
{
	struct kl_event_response response = *event;
	if (response.status < 100 || response.status > 699 ||
	    (uint32_t)response.challenge >= KL_CHALLENGES_MAX ||
	    (response.redirect.port && response.redirect.transport > KL_TLS))
		return KL_EINVAL;
	response.granted_ms = bounded(response.granted_ms);
	response.min_expires_ms = bounded(response.min_expires_ms);
	response.retry_after_ms = bounded(response.retry_after_ms);
	uint32_t w = walk_of_tx(e, response.tx);
	if (w == NONE)
		return walk_feed_late(e, &response);
	walk_answer(e, w, &response);
	return KL_OK;
}
