/* timing.h - when one request is sent on one route, and when the route has failed (TIME-1..4).
 * Pure functions of the policy. */
#ifndef ENGINE_TIMING_H
#define ENGINE_TIMING_H

#include "engine/state.h"

/* What the timing of a route depends on. */
struct timing {
	const struct kl_policy *policy;
	enum kl_method method;
	bool last; /* the walk's last route */
};

/* 64*T1: a whole transaction (RFC 3261 timers B and F). */
kl_ms timing_transaction_ms(const struct kl_policy *policy);

/* The wait behind send number ATTEMPT (1 upward). */
kl_ms timing_gap_ms(const struct timing *timing, uint32_t attempt);

/* When the route has failed if nothing came: it was first sent to at ROUTE_AT, in a walk whose
 * first send was at CLOCK_AT. */
kl_ms timing_leave_at(const struct timing *timing, kl_ms clock_at, kl_ms route_at);

#endif
