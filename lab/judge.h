/* judge.h - did a phone keep the rules?  Judged from what passed between it and its servers.
 *
 *	struct lab_verdict verdict;
 *	int error = lab_judge(&trace, &expectation, &verdict);
 *	verdict.findings[LAB_RULE_TIME_1].broken ...
 *
 * A pure function of a trace and of what is expected: it reads no clock and knows no phone, so it
 * judges our own line, a phone on a desk, and a capture that somebody brought, alike.  Its
 * arithmetic is its own; it shares none with the engine.
 *
 * A rule that the trace gave no occasion to keep or to break is "not exercised".  Where a trace
 * leaves a doubt (it ends too early, or it is not known which servers there are) nothing is said.
 */
#ifndef LAB_JUDGE_H
#define LAB_JUDGE_H

#include "lab/trace.h"

#define LAB_RULES(X)                                                                               \
	X(TIME_1, "TIME-1", "UDP: the gaps between the sends, and when the next route comes")      \
	X(TIME_2, "TIME-2", "UDP with a set gap: the sends, and when the next route comes")        \
	X(TIME_3, "TIME-3", "the last route gets the gaps of RFC 3261, to the end of its time")    \
	X(TIME_4, "TIME-4", "a request is given up 64*T1 after its first send")                    \
	X(TIME_5, "TIME-5", "TCP and TLS: one send, and one window until the next route")          \
	X(TIME_7, "TIME-7", "a call that rings on a route is not started on another")              \
	X(TIME_8, "TIME-8", "on the next route: a new branch, the same Call-ID and From tag")      \
	X(TIME_9, "TIME-9", "a late 200 to an INVITE is acknowledged and hung up")                 \
	X(TRIG_1, "TRIG-1", "ICMP: the next route at once")                                        \
	X(TRIG_2, "TRIG-2", "503: the next route at once")                                         \
	X(TRIG_3, "TRIG-3", "503 ends the request")                                                \
	X(TRIG_4, "TRIG-4", "a connection that fails: the next route at once")                     \
	X(TRIG_5, "TRIG-5", "no other answer moves a request")                                     \
	X(TRIG_8, "TRIG-8", "a challenge is answered, by the server that it came from")            \
	X(ACK, "RFC 3261 17.1.1.3", "a refusal of an INVITE is acknowledged where it came from")   \
	X(REG_1, "REG-1", "a registration is refreshed in time, and not before")                   \
	X(REG_4, "REG-4", "the Call-ID of REGISTER: kept when it moves, new after a loss")         \
	X(FAIL_2, "FAIL-2", "nothing but REGISTER goes to a route without a registration")         \
	X(FAIL_5, "FAIL-5", "nothing goes to a route without the current registration")            \
	X(FAIL_7, "FAIL-7", "newRequests: each new request tries the primary route first")         \
	X(FAIL_9, "FAIL-9", "registration: the way back is tried when the refresh is due")         \
	X(FAIL_10, "FAIL-10", "duration: the way back is tried when its time has come")            \
	X(FAIL_11, "FAIL-11", "no failback during a call")                                         \
	X(FAIL_13, "FAIL-13", "failback unregisters first, or does not, as is set")                \
	X(BACK_1, "BACK-1",                                                                        \
	  "after all routes failed: the next try between half and all of the time")                \
	X(BACK_3, "BACK-3", "after all routes failed: Retry-After of the last is obeyed")          \
	X(BACK_6, "BACK-6", "a line never gives up")                                               \
	X(PROBE_3, "PROBE-3", "every candidate gets OPTIONS about so often")                       \
	X(SUBS_1, "SUBS-1", "subscriptions are made anew where the line is registered")            \
	X(OWN_3, "OWN-3", "a silent route is left after the first silence, and no other")          \
	X(OWN_6, "OWN-6", "two flows lead to different servers; one that is lost is made anew")    \
	X(OWN_8, "OWN-8", "where calls go the line registers at once; 482 to a moved call: anew")

#define LAB_RULE_VALUE(name, id, text) LAB_RULE_##name,
enum lab_rule { LAB_RULES(LAB_RULE_VALUE) LAB_RULES_MAX };
#undef LAB_RULE_VALUE

enum {
	LAB_SIGHTS_MAX = 5,               /* kept of each rule and kind */
	LAB_SIGHT_TEXT_MAX = 160,         /* bytes of one, its end included */
	LAB_JUDGE_ATTEMPTS_MAX = 5000000, /* transactions in a trace */
};

struct lab_expected_route {
	struct kl_route route;
	uint32_t record; /* routes of one service record have the same number (FAIL-12) */
};

struct lab_expectation {
	const struct kl_policy *policy;
	/* The routes of the lines' entry in walking order.  None: they are not known, and what
	 * needs them is left aside. */
	const struct lab_expected_route *routes;
	uint32_t route_count;  /* at most KL_SET_ROUTES_MAX */
	uint32_t tolerance_ms; /* by so much a time may differ; at most 500 */
};

/* One occasion. */
struct lab_sight {
	uint64_t at_us; /* as in the trace */
	char text[LAB_SIGHT_TEXT_MAX];
};

struct lab_finding {
	uint32_t kept, broken; /* 0 and 0: not exercised */
	struct lab_sight keepings[LAB_SIGHTS_MAX], breaches[LAB_SIGHTS_MAX]; /* the first ones */
};

struct lab_verdict {
	uint32_t lines, requests; /* seen; repeats of a request are one with it */
	uint32_t broken;          /* rules that were, at least once */
	struct lab_finding findings[LAB_RULES_MAX];
};

/* Judges all lines of TRACE.  -EINVAL the expectation breaks its ranges; -E2BIG more than
 * LAB_JUDGE_ATTEMPTS_MAX transactions; -ENOMEM. */
int lab_judge(const struct lab_trace *trace, const struct lab_expectation *expectation,
	      struct lab_verdict *verdict);

const char *lab_rule_id(enum lab_rule rule);   /* "TIME-1" */
const char *lab_rule_text(enum lab_rule rule); /* what it asks, in a few words */

#endif
