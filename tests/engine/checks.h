/* checks.h - what must hold of a line whatever happens, judged by actions and public views alone.
 *
 *  - the CSeq of a registration grows within a Call-ID, and Call-IDs grow (TIME-8, REG-4);
 *  - a registration has one REGISTER open at most;
 *  - a walk tries each route once at most; a repeat after a challenge or a 423 is a new walk;
 *  - nothing is sent a second time over TCP or TLS (TIME-5 (part));
 *  - with re-registration nothing but REGISTER goes to a route that has not accepted one, nor,
 *    where failover drops the old registration, to any but the current route (FAIL-2, FAIL-3); a
 *    redirected request goes where that leads (TRIG-9 (part));
 *  - where failover drops the old registration and failback unregisters it, REGISTER goes to
 *    another route only once there is none (PROBE-5); a redirected one goes where that leads;
 *  - OPTIONS alone are sent unasked, never without a network where that freezes the line (PROBE-9);
 *    a candidate's status has its cause (PROBE-3, PROBE-4);
 *  - a subscription is in one place: its refresh goes to the route of its dialog (SUBS-2 (part));
 *  - what a view says agrees with itself, and the engine never sleeps with work to do.
 *
 * Routes are told apart by the last byte of their address, 1 to 7, by their transport and, with
 * TLS, by its ports 5060 and 5061.  A check returns NULL, or the rule that is broken. */
#ifndef TESTS_CHECKS_H
#define TESTS_CHECKS_H

#include "keepline/keepline.h"

enum {
	CHECKS_ROUTES_MAX = 32,
	CHECKS_REQUESTS_MAX = 32,
	CHECKS_REGISTERS_MAX = 32,
	CHECKS_DIALOGS_MAX = 32
};

/* One line with one entry, as it has shown itself so far; begins as zeros but for its number. */
struct checks {
	uint32_t line;
	uint32_t call_id, cseq;
	kl_tx open;      /* the REGISTER that waits for its answer; 0: none */
	uint32_t tried;  /* by the walk of that REGISTER, a bit for each route */
	bool walking;    /* that walk goes on */
	bool redirected; /* that walk was */
	struct {
		uint64_t token; /* 0: free */
		enum kl_purpose purpose;
		kl_tx tx;
		uint32_t cseq, tried;
		bool redirected;
	} requests[CHECKS_REQUESTS_MAX];
	struct {
		uint64_t token; /* 0: free */
		uint32_t route; /* of its dialog */
	} dialogs[CHECKS_DIALOGS_MAX];
	struct {
		kl_tx tx;
		uint32_t route;
	} registers[CHECKS_REGISTERS_MAX]; /* the last ones sent */
	size_t register_count;
	kl_ms registered_until[CHECKS_ROUTES_MAX];
};

/* An action was taken from E; those of other lines are passed over. */
const char *checks_action(struct checks *checks, const struct kl_engine *e,
			  const struct kl_policy *policy, const struct kl_action *action,
			  kl_ms now);

/* An answer is about to be fed. */
void checks_response(struct checks *checks, const struct kl_event_response *response, kl_ms now);

/* After an event, all actions taken. */
const char *checks_views(const struct kl_engine *e, uint32_t line, kl_ms now);

#endif
