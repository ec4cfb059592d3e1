/* judge_moves.c - what moves a request to another route, and what does not (TIME-7..9, TRIG). */
#include "lab/judge_private.h"

/* The far end was known to have failed at AT_US: the next route at once. */
static void judge_at_once(struct judge *judge, const struct judge_attempt *a, enum lab_rule rule,
			  const char *what)
{
	bool bounded = judge->policy->walk_bounded && a->route.transport == KL_UDP &&
		       a->ended_us + judge->tolerance_us >= a->walk_us + judge_life_us(judge);
	uint64_t late_us = a->ended_us + judge_us(JUDGE_LATE_MS);

	if (a->rang_us != JUDGE_NEVER && a->rang_us < a->ended_us)
		return; /* a call that rang is started nowhere else (TIME-7) */
	if (a->left_us != JUDGE_NEVER)
		judge_note(judge, rule,
			   a->left_us <=
				   a->ended_us + judge_us(JUDGE_AT_ONCE_MS) + judge->tolerance_us,
			   a->ended_us, "%s: %s from %s, the next route %.3f s later",
			   sip_method_name(a->method), what, judge_route_text(&a->route).at,
			   judge_s(a->left_us - a->ended_us));
	else if (!bounded && !a->failback && judge_has_untried(judge, a) && judge->end_us > late_us)
		judge_note(judge, rule, false, a->ended_us,
			   "%s: %s from %s, and no other route was tried",
			   sip_method_name(a->method), what, judge_route_text(&a->route).at);
}

static void judge_fault(struct judge *judge, const struct judge_attempt *a)
{
	switch (a->fault) {
	case KL_FAULT_NET:
	case KL_FAULT_HOST:
	case KL_FAULT_PROTOCOL:
	case KL_FAULT_PORT:
	case KL_FAULT_PROHIBITED:
	case KL_FAULT_HOPS:
		judge_at_once(judge, a, LAB_RULE_TRIG_1, kl_fault_text(a->fault));
		break;
	case KL_FAULT_SEND:
	case KL_FAULT_REFUSED:
	case KL_FAULT_TLS:
	case KL_FAULT_STREAM_LOST:
		judge_at_once(judge, a, LAB_RULE_TRIG_4, kl_fault_text(a->fault));
		break;
	case KL_FAULT_NONE:
	case KL_FAULT_KEEPALIVE:
	case KL_FAULT_OVERTAKEN:
		break;
	}
}

/* 002: 503 moves on at once, or with failoverOn503Response=0 ends the request.  TRIG-2, TRIG-3 */
static void judge_503(struct judge *judge, const struct judge_attempt *a)
{
	if (judge->policy->failover_on_503)
		judge_at_once(judge, a, LAB_RULE_TRIG_2, "503");
	else
		judge_note(judge, LAB_RULE_TRIG_3, a->link != JUDGE_MOVED, a->ended_us,
			   "%s: 503 from %s %s", sip_method_name(a->method),
			   judge_route_text(&a->route).at,
			   a->link == JUDGE_MOVED ? "moved it" : "ended it");
}

/* Poly guide: no other response makes a failover.  TRIG-5 */
static void judge_refusal(struct judge *judge, const struct judge_attempt *a)
{
	bool moved = a->link == JUDGE_MOVED && a->left_us <= a->ended_us + judge_us(JUDGE_LATE_MS);

	if (a->method == SIP_REGISTER && (judge->policy->denial_moves_on || a->failback))
		return;
	if (a->status == 439) /* it says nothing of other routes (OWN-6) */
		return;
	judge_note(judge, LAB_RULE_TRIG_5, !moved, a->ended_us, "%s: %u from %s %s",
		   sip_method_name(a->method), a->status, judge_route_text(&a->route).at,
		   moved ? "moved it" : "ended it");
}

/* Does the repeat of a request have to go to who asked for it? */
static bool goes_to_challenger(const struct judge *judge)
{
	return judge->policy->auth_at_challenger || judge->policy->reregister_on;
}

/* Has the line registered with ROUTE while that request was open?  Then its repeat goes there. */
static bool moved_meanwhile(const struct judge *judge, const struct judge_attempt *a,
			    const struct kl_route *route)
{
	for (size_t i = a->line_next; i != a->next && i != JUDGE_NONE;
	     i = judge->attempts[i].line_next) {
		const struct judge_attempt *b = &judge->attempts[i];

		if (b->method == SIP_REGISTER && b->status / 100 == 2 &&
		    b->ended_us <= a->ended_us && judge_same_route(&b->route, route))
			return true;
	}
	return false;
}

/* The first challenge of a walk; a second may be a denial, or stale.  TRIG-8 */
static void judge_challenge(struct judge *judge, const struct judge_attempt *a)
{
	const struct judge_attempt *b = a->link == JUDGE_AGAIN ? &judge->attempts[a->next] : NULL;
	bool first = a->prior == JUDGE_NONE || judge->attempts[a->prior].link != JUDGE_AGAIN;

	if (!first || a->left_us < a->ended_us) /* a late one changes nothing */
		return;
	if (b)
		judge_note(judge, LAB_RULE_TRIG_8,
			   !goes_to_challenger(judge) || judge_same_route(&a->route, &b->route) ||
				   moved_meanwhile(judge, a, &b->route),
			   b->began_us, "%s: %u from %s, sent again to %s",
			   sip_method_name(a->method), a->status, judge_route_text(&a->route).at,
			   judge_route_text(&b->route).at);
	else if (judge->end_us > a->ended_us + judge_us(JUDGE_AGAIN_MS))
		judge_note(judge, LAB_RULE_TRIG_8, false, a->ended_us,
			   "%s: %u from %s was not answered", sip_method_name(a->method), a->status,
			   judge_route_text(&a->route).at);
}

static void judge_status(struct judge *judge, const struct judge_attempt *a)
{
	if (a->status == 503)
		judge_503(judge, a);
	else if (a->status == 401 || a->status == 407)
		judge_challenge(judge, a);
	else if (a->status >= 400 && a->status != 423 && a->status != 422 && a->status != 491)
		judge_refusal(judge, a);
}

/* ---- calls ---- */

static bool is_hung_up(const struct judge *judge, const struct judge_attempt *invite)
{
	for (size_t i = invite->line_next; i != JUDGE_NONE; i = judge->attempts[i].line_next) {
		const struct judge_attempt *a = &judge->attempts[i];

		if (a->method == SIP_BYE && a->call_id == invite->call_id &&
		    judge_same_route(&a->route, &invite->route))
			return true;
		if (a->began_us > invite->ended_us + judge_us(JUDGE_AGAIN_MS))
			return false;
	}
	return false;
}

bool judge_follows_at_once(const struct judge *judge, const struct judge_attempt *a,
			   enum sip_method method)
{
	for (size_t i = a->line_next; i != JUDGE_NONE; i = judge->attempts[i].line_next) {
		const struct judge_attempt *b = &judge->attempts[i];

		if (b->began_us > a->heard_us + judge_us(JUDGE_AT_ONCE_MS) + judge->tolerance_us)
			return false;
		if (b->began_us >= a->heard_us && b->method == method &&
		    judge_same_route(&a->route, &b->route) &&
		    (method == SIP_REGISTER || b->call_id != a->call_id))
			return true;
	}
	return false;
}

/* RFC 3261 8.2.2.2: its first leg arrived as well; a new call is none of both.  OWN-8 */
static void judge_merged(struct judge *judge, const struct judge_attempt *a)
{
	bool seen = judge->end_us > a->ended_us + judge_us(JUDGE_LATE_MS);

	if (judge->policy->retry_merged && a->status == 482 && seen && a->prior != JUDGE_NONE &&
	    judge->attempts[a->prior].link == JUDGE_MOVED)
		judge_note(judge, LAB_RULE_OWN_8, judge_follows_at_once(judge, a, SIP_INVITE),
			   a->ended_us, "INVITE: 482 from %s", judge_route_text(&a->route).at);
}

/* RFC 3261 17.1.1.3: the ACK of a refusal goes where the INVITE went.  TIME-7, TIME-9 */
static void judge_invite(struct judge *judge, const struct judge_attempt *a)
{
	bool late = a->status / 100 == 2 && a->left_us != JUDGE_NEVER && a->left_us < a->ended_us;
	bool seen = a->status && judge->end_us > a->ended_us + judge_us(JUDGE_LATE_MS);

	if (a->rang_us != JUDGE_NEVER && a->link == JUDGE_MOVED)
		judge_note(judge, LAB_RULE_TIME_7, a->left_us <= a->rang_us, a->left_us,
			   "INVITE: it rang at %s and was started on another route",
			   judge_route_text(&a->route).at);
	else if (a->rang_us != JUDGE_NEVER && a->ended_us != JUDGE_NEVER &&
		 a->ended_us - a->rang_us > judge_window_us(judge, a))
		judge_note(judge, LAB_RULE_TIME_7, true, a->ended_us, "INVITE: it rang for %.3f s",
			   judge_s(a->ended_us - a->rang_us));
	if (seen && late)
		judge_note(judge, LAB_RULE_TIME_9,
			   a->acked_us != JUDGE_NEVER && is_hung_up(judge, a), a->ended_us,
			   "INVITE: a late %u", a->status);
	if (seen && a->status >= 300)
		judge_note(judge, LAB_RULE_ACK, a->acked_us != JUDGE_NEVER, a->ended_us,
			   "INVITE: the ACK of its %u", a->status);
	judge_merged(judge, a);
}

/* RFC 3263 4.3: another route is a new transaction of the same request.  TIME-8 */
static void judge_identity(struct judge *judge, const struct judge_attempt *a)
{
	const struct judge_attempt *b = &judge->attempts[a->next];
	bool cseq = a->method == SIP_REGISTER ? b->cseq > a->cseq || a->renamed
					      : b->cseq == a->cseq || a->renamed;
	const char *wrong = NULL;

	if (!a->send_count)
		return;
	if (b->branch == a->branch)
		wrong = "has the same branch";
	else if (a->renamed)
		wrong = "has another Call-ID";
	else if (b->from_tag != a->from_tag)
		wrong = "has another From tag";
	else if (!cseq)
		wrong = a->method == SIP_REGISTER ? "has no higher CSeq" : "has another CSeq";
	judge_note(judge, LAB_RULE_TIME_8, !wrong, b->began_us, "%s on the next route, %s: it %s",
		   sip_method_name(a->method), judge_route_text(&b->route).at,
		   wrong ? wrong : "is the same request");
}

void judge_moves(struct judge *judge, const struct judge_attempt *attempt)
{
	if (!judge_initiates(attempt))
		return;
	if (attempt->fault)
		judge_fault(judge, attempt);
	if (attempt->status)
		judge_status(judge, attempt);
	if (attempt->method == SIP_INVITE)
		judge_invite(judge, attempt);
	if (attempt->link == JUDGE_MOVED)
		judge_identity(judge, attempt);
}
