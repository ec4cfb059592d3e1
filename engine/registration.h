/* registration.h - one line on one server entry: its states, and what a REGISTER's end means. */
#ifndef ENGINE_REGISTRATION_H
#define ENGINE_REGISTRATION_H

#include "engine/state.h"

/* What a registration owes the host, in the order in which it is told. */
enum {
	OWES_FAILED = 1,
	OWES_STATE = 2,
	OWES_FAILBACK = 4,
	OWES_CURRENT = 8,
	OWES_LATE = 16,
	OWES_WORKING = 32
};

void registration_init(struct kl_engine *e, uint32_t r, uint32_t line, uint8_t entry);

/* The line was told to start or to leave (LINE_START, LINE_STOP). */
void registration_start(struct kl_engine *e, uint32_t r);
void registration_stop(struct kl_engine *e, uint32_t r);

/* Sets whether R has a registration, on which the working server depends (FALL-3). */
void registration_set_active(struct kl_engine *e, uint32_t r, bool active);

/* Its turn has come: renews what still lives, or registers.  Or a higher entry is registered:
 * stops, and what it has registered is let expire (FALL-2). */
void registration_take_turn(struct kl_engine *e, uint32_t r, enum kl_cause why);
void registration_stand_by(struct kl_engine *e, uint32_t r, enum kl_cause why);

/* In a back-off: the next try is at AT, as RULE says. */
void registration_retry_at(struct kl_engine *e, uint32_t r, kl_ms at, enum kl_policy_field rule);

/* The host's address is another: registers at once with the new Contact (REG-6). */
void registration_address_changed(struct kl_engine *e, uint32_t r);

/* This side has its network again (REG-6, PROBE-9). */
void registration_link_up(struct kl_engine *e, uint32_t r);

/* Goes to STATE; REASON is what people are told.  Asserts that the move is allowed. */
void registration_enter(struct kl_engine *e, uint32_t r, enum kl_state state,
			const struct reason *reason);

/* How a REGISTER walk begins. */
struct start {
	uint8_t first;  /* the route to try first; NO_POS: the order's */
	uint8_t origin; /* then from the top of this route's service record; NO_POS: the order's */
	bool exact;     /* ... or from this very route */
	bool more;      /* never on the last route */
	bool clears;    /* Expires 0 */
	bool over;      /* UDP routes are tried no more (TIME-4) */
	uint32_t tried; /* routes that a waiting request has found dead (FAIL-2) */
	uint32_t allowed;        /* routes that may be used */
	kl_ms clock_at;          /* the waiting request's clock; KL_NEVER: one of its own */
	uint32_t retry_after_ms; /* of the 503 that a waiting request met last (BACK-3) */
};

extern const struct start start_anew;

/* Opens the registration's REGISTER walk and sends, or waits for names. */
void registration_walk(struct kl_engine *e, uint32_t r, const struct start *start);

/* Sends the open REGISTER to FIRST or, if that is none, to the walk's next route; with none left
 * it is exhausted, for the reason NONE. */
void registration_send(struct kl_engine *e, uint32_t r, uint8_t first, const struct reason *none);

/* Is a REGISTER open?  Ends it, if so. */
bool registration_walking(const struct kl_engine *e, uint32_t r);
void registration_walk_stop(struct kl_engine *e, uint32_t r);

/* Knows of no registration and no route any more; goes to KL_OFF besides. */
void registration_forget(struct kl_engine *e, uint32_t r);
void registration_off(struct kl_engine *e, uint32_t r, const struct reason *reason);

/* Names were found, or waited for in vain: the open REGISTER goes on. */
void registration_go(struct kl_engine *e, uint32_t r);

/* Its names were waited for as long as may be: goes on with what there is. */
void registration_waited(struct kl_engine *e, uint32_t r);

/* Registers once more where R is registered. */
void registration_refresh(struct kl_engine *e, uint32_t r, const struct reason *reason);

/* A request needs a registration that is not there: registers at once (FALL-4). */
void registration_needed(struct kl_engine *e, uint32_t r);

/* Where a new request starts, as far as the registration rules it; NO_POS: no route is known. */
uint8_t registration_first(const struct kl_engine *e, uint32_t r);

/* R is on a route that is down, and another is not: fails over.  False: all is well.  OWN-2 */
bool registration_leave_dead(struct kl_engine *e, uint32_t r);


/* R is not active any more, though nothing of it failed over: what is under way goes on. */
void registration_lapse(struct kl_engine *e, uint32_t r, const struct reason *reason);

/* The set of R changed: is its route still there (DNS-10, DNS-11)? */
void registration_routes_changed(struct kl_engine *e, uint32_t r);

/* The host may be late: ends the registration of R if its time has run out. */
void registration_catch_up(struct kl_engine *e, uint32_t r);

/* The node of R fired. */
void registration_time(struct kl_engine *e, uint32_t r);

/* Sets the node to what R waits for next. */
void registration_schedule(struct kl_engine *e, uint32_t r);

bool registration_in_failover(const struct kl_engine *e, uint32_t r);

/* Derives one action that R owes.  False: none. */
bool registration_act(struct kl_engine *e, uint32_t r, struct kl_action *action);

#endif
