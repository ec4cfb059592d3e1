/* judge_line.h - what the judge remembers of one line, as it goes over its attempts. */
#ifndef LAB_JUDGE_LINE_H
#define LAB_JUDGE_LINE_H

#include "lab/judge_private.h"

enum {
	EVENTS_MAX = 8, /* packages that one line subscribes to, followed by name */
	FLOWS = 2,      /* registrations of one line at one time (OWN-6) */
};

/* What a line is subscribed to. */
struct judge_package {
	uint64_t event;
	struct kl_route route; /* where it was accepted last */
	bool active;
	uint64_t owed_us; /* since then it is to be made anew; JUDGE_NEVER */
};

struct judge_line {
	struct judge *judge;
	uint64_t name;
	/* The last REGISTER of each flow, not taken in yet. */
	const struct judge_attempt *pending[FLOWS];
	size_t closing; /* the next of the judge's list to look at */

	bool registered, ever;
	struct kl_route route; /* of the current registration */
	uint64_t connected_us; /* since when it is this route, or failback failed */
	uint64_t accepted_us;  /* the last 200 */
	uint64_t granted_us;   /* 0: not said */
	bool returning;        /* from a failback that failed */
	bool disturbed;        /* something failed since: what comes early has its reason */
	uint64_t accepted_on;  /* known routes with a registration, a bit each */
	/* Accepted meanwhile; a request says if the line moves there (OWN-3).  With another reg-id
	 * it is the second flow (OWN-6). */
	struct kl_route beside;
	uint32_t reg_id, beside_id;
	uint64_t beside_accepted_us, beside_granted_us;
	uint64_t flow_lost_us;  /* the second flow could not be made; JUDGE_NEVER */
	uint32_t flow_failures; /* in a row */
	bool flows;             /* there was one */

	uint64_t unregistered_us; /* REGISTER with Expires 0 was answered; JUDGE_NEVER */
	uint64_t call_id, contact;

	bool lost; /* all routes failed, or a denial: it backs off */
	uint64_t lost_us;
	uint32_t failures;      /* in a row */
	uint32_t retry_after_s; /* of the last route's 503; LAB_TRACE_UNSAID */

	struct judge_package packages[EVENTS_MAX];
	uint32_t package_count;
};

/* ---- judge_flows.c: two flows at one time (OWN-6) ---- */

/* Is A, a REGISTER, of another flow than that which the line goes by? */
bool judge_is_second(const struct judge_line *line, const struct judge_attempt *a);

/* Has the line a second flow that is up? */
bool judge_has_second(const struct judge_line *line);

/* A second flow's REGISTER begins; it was accepted, or failed on all routes by OVER_US. */
void judge_flow_begins(struct judge_line *line, const struct judge_attempt *a);
void judge_flow_accepted(struct judge_line *line, const struct judge_attempt *a);
void judge_flow_failed(struct judge_line *line, uint64_t over_us);

/* The line goes by what was registered beside it. */
void judge_flow_takes_over(struct judge_line *line);

#endif
