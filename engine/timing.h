/* timing.h - when one request is sent on one route, and when the route has failed (TIME-1..6).
 * Pure functions of the policy. */
#ifndef ENGINE_TIMING_H
#define ENGINE_TIMING_H

#include "engine/state.h"

/* What the timing of a route depends on. */
struct timing {
	const struct kl_policy *policy;
	enum kl_method method;
	bool last; /* the walk's last route */
	enum kl_transport transport;
	bool patient; /* another rule leaves the route earlier, if need be (OWN-3) */
};

/* 64*T1: a whole transaction (RFC 3261 timers B and F). */
kl_ms timing_transaction_ms(const struct kl_policy *policy);

/* When a walk whose first send was at CLOCK_AT may begin or go on with no UDP route any more;
 * KL_NEVER: it may always, or has sent nothing yet (TIME-4). */
kl_ms timing_over_at(const struct kl_policy *policy, kl_ms clock_at);

/* The wait behind send number ATTEMPT (1 upward), on a stream until the silence is looked at again;
 * KL_NEVER: there is no other. */
kl_ms timing_gap_ms(const struct timing *timing, uint32_t attempt);

/* When the route has failed if nothing came: it was first sent to at ROUTE_AT, in a walk whose
 * first send was at CLOCK_AT. */
kl_ms timing_leave_at(const struct timing *timing, kl_ms clock_at, kl_ms route_at);

/* The same once a request other than INVITE has a provisional answer: not before the end of the
 * route's own transaction (TIME-7). */
kl_ms timing_proceeding_at(const struct timing *timing, kl_ms clock_at, kl_ms route_at);

/* A refresh is due so long after a grant: OVERLAP_MS before its end, at half the time if that is
 * less, and 30 s before the end at the latest (REG-1). */
kl_ms timing_refresh_after_ms(kl_ms granted_ms, kl_ms overlap_ms);

/* The policy value that ruled how long a route was tried. */
enum kl_policy_field timing_rule(const struct timing *timing);

#endif
