/* judge_private.h - what the files of the judge share: requests as attempts, attempts as walks.
 *
 * An attempt is one request on one route with all that became of it.  A walk is the chain of
 * attempts that are one request on its way over the routes.
 */
#ifndef LAB_JUDGE_PRIVATE_H
#define LAB_JUDGE_PRIVATE_H

#include "lab/judge.h"
#include "lab/judge_map.h"

enum {
	JUDGE_SENDS_MAX = 16, /* times kept of an attempt: 64*T1 holds eleven at RFC 3261's gaps */
	JUDGE_AT_ONCE_MS = 250, /* what is to happen "at once" may take so long */
	JUDGE_LATE_MS = 1000,   /* what is not seen by then is missing; FAIL-11's second */
	JUDGE_AGAIN_MS = 5000,  /* a challenge not answered by then is not going to be */
};

#define JUDGE_NEVER UINT64_MAX

/* How the next attempt follows from this one. */
enum judge_link {
	JUDGE_ALONE, /* none does */
	JUDGE_MOVED, /* the same request, on another route */
	JUDGE_AGAIN, /* the request anew: with credentials, a longer time, another target */
};

struct judge_attempt {
	struct kl_route route;
	enum sip_method method; /* SIP_METHOD_OTHER while it only connects */
	uint64_t line, call_id, from_tag, to_tag, branch, event, contact;
	uint32_t cseq, reg_id, expires_s, granted_s, retry_after_s;

	uint64_t began_us; /* connecting, or the first send */
	uint64_t sends_us[JUDGE_SENDS_MAX];
	uint32_t send_count;
	uint64_t heard_us; /* the first answer of any kind; JUDGE_NEVER */
	uint64_t rang_us;  /* a provisional answer above 100 */
	uint64_t ended_us; /* the final answer, or the fault */
	uint16_t status;   /* 0: no final answer */
	enum kl_fault fault;
	uint64_t acked_us, cancelled_us;

	size_t line_prior, line_next; /* the line's attempts before and after; JUDGE_NONE */
	size_t call_prior;            /* the one before with its Call-ID */
	size_t next, prior;           /* in its walk */
	enum judge_link link;
	size_t forced_by; /* the request whose failure made this REGISTER; JUDGE_NONE */
	bool renamed;     /* the next one has another Call-ID */
	uint64_t left_us; /* the next route was turned to: JUDGE_NEVER */
	uint64_t walk_us; /* when its walk began */
	bool failback;    /* REGISTER to a better route, while the current one serves */
	bool beside;      /* REGISTER elsewhere, while the current route is doubted (OWN-3) */
	uint32_t rank;    /* in its walk, from 0 */
};

/* A call of a line, from its 200 to its BYE. */
struct judge_call {
	uint64_t line, began_us, ended_us;
	struct kl_route route; /* that it was made through */
};

/* A stream that the far end closed while it was idle. */
struct judge_closing {
	uint64_t at_us;
	struct kl_route route;
};

struct judge {
	const struct lab_trace *trace;
	const struct lab_expectation *expectation;
	const struct kl_policy *policy;
	struct lab_verdict *verdict;
	uint64_t tolerance_us, end_us;  /* END: of the trace */
	struct judge_attempt *attempts; /* in the order in which they began */
	size_t attempt_count;
	struct judge_call *calls;
	size_t call_count;
	struct judge_closing *closings;
	size_t closing_count;
};

/* judge_attempts.c: fills `attempts` and `calls`.  0, -ENOMEM, -E2BIG. */
int judge_read_attempts(struct judge *judge);

/* judge_walks.c: links the attempts into walks.  0 or -ENOMEM. */
int judge_link_walks(struct judge *judge);

/* The rules: of one attempt, and of a line's registration over all of its attempts. */
void judge_timing(struct judge *judge, const struct judge_attempt *attempt);
void judge_moves(struct judge *judge, const struct judge_attempt *attempt);
void judge_line(struct judge *judge, struct judge_attempt *first);
void judge_probes(struct judge *judge);

/* Notes that RULE was kept, or broken, at AT_US. */
void judge_note(struct judge *judge, enum lab_rule rule, bool kept, uint64_t at_us,
		const char *format, ...) __attribute__((format(printf, 5, 6)));

/* ---- small questions ---- */

static inline uint64_t judge_us(uint64_t ms)
{
	return 1000 * ms;
}

static inline double judge_s(uint64_t us)
{
	return (double)us / 1e6;
}

/* 64*T1 */
static inline uint64_t judge_life_us(const struct judge *judge)
{
	return judge_us(64 * (uint64_t)judge->policy->t1_ms);
}

bool judge_same_route(const struct kl_route *a, const struct kl_route *b);

/* Its place in walking order; UINT32_MAX: it is none of those known. */
uint32_t judge_rank(const struct judge *judge, const struct kl_route *route);

/* "192.0.2.1:5060/tcp".  For a printf: judge_route_text(&route).at */
struct judge_text {
	char at[64];
};
struct judge_text judge_route_text(const struct kl_route *route);

/* What was known of ROUTE when ATTEMPT began: its last attempt that was over had failed.  OWN-2 */
bool judge_is_known_dead(const struct judge *judge, const struct kl_route *route,
			 const struct judge_attempt *attempt);

/* Is it certain that a route was left to which its walk had not turned yet?  Where health is shared
 * one that is known to be dead does not count. */
bool judge_has_untried(const struct judge *judge, const struct judge_attempt *attempt);

/* Is it certain that every route had been tried with this one? */
bool judge_tried_all(const struct judge *judge, const struct judge_attempt *attempt);

/* The first route of the service record that ROUTE belongs to; NULL: that is not known. */
const struct kl_route *judge_primary(const struct judge *judge, const struct kl_route *route);

/* |A - B| within the tolerance. */
bool judge_about(const struct judge *judge, uint64_t a_us, uint64_t b_us);

/* RFC 3261 and the Poly guide: how long after send number N (from 1) the next one comes. */
uint64_t judge_gap_us(const struct judge *judge, enum sip_method method, uint32_t n, bool last);

/* How long a route that is not the last gets. */
uint64_t judge_window_us(const struct judge *judge, const struct judge_attempt *attempt);

/* When the last route of a walk is given up. */
uint64_t judge_given_up_us(const struct judge *judge, const struct judge_attempt *attempt);

/* A request that stands outside of any dialog, other than OPTIONS, which may be a probe. */
bool judge_initiates(const struct judge_attempt *attempt);

/* When an attempt that was not accepted was over: its end, or that of its window. */
uint64_t judge_over_us(const struct judge *judge, const struct judge_attempt *attempt);

/* Had A failed on its route just when B began? */
bool judge_fails_until(const struct judge *judge, const struct judge_attempt *a, uint64_t at_us);

/* A REGISTER that the line had left for this one, and that was accepted all the same (TIME-9);
 * NULL: there is none. */
const struct judge_attempt *judge_late_success(const struct judge *judge,
					       const struct judge_attempt *attempt);

/* Once A was answered, did its line at once send METHOD to the same route, other than as the same
 * call? */
bool judge_follows_at_once(const struct judge *judge, const struct judge_attempt *a,
			   enum sip_method method);

/* Did anything come from ROUTE, to whatever was sent there, from FROM_US to TO_US? */
bool judge_heard_from(const struct judge *judge, const struct kl_route *route, uint64_t from_us,
		      uint64_t to_us);

/* Does ROUTE belong to another server entry than the one expected? */
bool judge_is_foreign(const struct judge *judge, const struct kl_route *route);

/* Which calls count. */
struct judge_calls_of {
	uint64_t line;                /* 0: of any */
	const struct kl_route *route; /* made through it; NULL: through any */
};

/* Is one of them up at AT_US?  ENDED_US, if not NULL, is set to when the last of them ends. */
bool judge_in_call(const struct judge *judge, const struct judge_calls_of *which, uint64_t at_us,
		   uint64_t *ended_us);

#endif
