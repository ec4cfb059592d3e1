/* invariants_private.h - what the checker of sim/invariants.h remembers. */
#ifndef SIM_INVARIANTS_PRIVATE_H
#define SIM_INVARIANTS_PRIVATE_H

#include "sim/invariants.h"

enum {
	ROUTES_MAX = 64,    /* distinct routes of one registration in all its life: a bit each */
	REGISTERS_MAX = 32, /* the last REGISTERs of a registration that may be answered late */
	HEARD_MAX = 256,    /* distinct routes of an engine in all its life */
	ASKS_LEAST = 6,     /* OPTIONS that a silent route gets before it is left (OWN-3) */
	ASKS_OPENING = 2,   /* ... so many more over TCP, and again over TLS; and one on streams */
};

/* One request, or the REGISTERs of one registration, or the SUBSCRIBEs of one subscription, as its
 * sends have shown it. */
struct journey {
	bool used;
	bool provisional; /* its open transaction has such an answer */
	bool loose;       /* its open transaction was served late: its gaps say nothing */
	bool redirected;
	bool probe;      /* the engine's own: it ends with its transaction */
	bool strayed;    /* it has left a transaction without an answer */
	bool merged;     /* ... and met 482 for it: it goes on as a new call (OWN-8) */
	uint8_t method;  /* enum kl_method */
	uint8_t purpose; /* enum kl_purpose; KL_FOR_SUBSCRIPTION: its refreshes, too */
	uint32_t line, entry;
	uint64_t token;
	kl_tx tx;   /* open: neither answered nor abandoned; 0: none */
	kl_tx left; /* the refresh of a dialog that another took the place of; 0: none */
	struct kl_route route;
	uint32_t attempt;
	kl_ms sent_at;
	kl_ms expires_ms;
	uint64_t tried; /* by this walk: bits of the registration's routes */
	uint32_t cseq;
	uint32_t sends;         /* in all */
	struct kl_route dialog; /* of a subscription; port 0: it has none */
};

struct known_route {
	struct kl_route route;
	kl_ms registered_until;
};

/* What came from a route, whoever asked. */
struct heard_route {
	struct kl_route route;
	kl_ms at;
	uint32_t asked; /* OPTIONS to it since */
};

/* One flow of a registration: the one that requests use, and the second one (OWN-6). */
struct flow_seen {
	struct journey journey; /* of its REGISTERs */
	uint32_t failures;
	kl_ms retry_at;       /* as last reported */
	kl_ms retry_after_ms; /* of the last final answer to it, the first one's of any; 0: none */
};

enum { FLOWS = 2 };

struct registration_seen {
	struct flow_seen flows[FLOWS];
	struct {
		uint32_t call_id, cseq;
	} ids[FLOWS];    /* by reg-id */
	uint32_t second; /* the reg-id that the second flow had last; 0: none yet */
	uint32_t route_count;
	struct known_route routes[ROUTES_MAX];
	struct {
		kl_tx tx;
		uint32_t route;
	} registers[REGISTERS_MAX];
	uint32_t register_count;
};

struct line_seen {
	bool started;
	uint32_t calls;    /* up, or being placed */
	uint32_t returned; /* entries that began a failback just now, a bit each */
	uint32_t asked;    /* ... because a request asked for it */
};

struct sim_invariants {
	const struct kl_config *config;
	const char *broken;
	kl_ms now, deadline; /* DEADLINE: before the last event */
	bool late;           /* the last event came after it */
	bool quiet;          /* the last event may bring no action */
	bool frozen;         /* no network on this side */
	kl_ms turn_at;       /* no line returns by itself before: another one just has (OWN-5) */
	uint32_t heard_count;
	struct heard_route heard[HEARD_MAX];
	uint32_t lines_at, registrations_at, journeys_at, journey_count; /* tables, in bytes */
};

static inline struct line_seen *line_of(const struct sim_invariants *inv, uint32_t line)
{
	return (struct line_seen *)((char *)(uintptr_t)inv + inv->lines_at) + line;
}

static inline struct registration_seen *registration_of(const struct sim_invariants *inv,
							uint32_t line, uint32_t entry)
{
	return (struct registration_seen *)((char *)(uintptr_t)inv + inv->registrations_at) +
	       line * KL_ENTRIES_MAX + entry;
}

static inline struct journey *journey_of(const struct sim_invariants *inv, uint32_t i)
{
	return (struct journey *)((char *)(uintptr_t)inv + inv->journeys_at) + i;
}

static inline const struct kl_entry_config *entry_of(const struct sim_invariants *inv,
						     uint32_t line, uint32_t entry)
{
	return &inv->config->lines[line].entries[entry];
}

/* What was asked for with TOKEN, and has not ended; or NULL. */
static inline struct journey *find_request(const struct sim_invariants *inv, uint64_t token,
					   enum kl_purpose purpose)
{
	for (uint32_t i = 0; i < inv->journey_count; i++) {
		struct journey *journey = journey_of(inv, i);

		if (journey->used && journey->token == token && journey->purpose == purpose &&
		    !journey->probe)
			return journey;
	}
	return NULL;
}

static inline void expect(struct sim_invariants *inv, bool holds, const char *rule)
{
	if (!holds && !inv->broken)
		inv->broken = rule;
}

static inline bool is_successive(const struct sim_invariants *inv, uint32_t line)
{
	const struct kl_line_config *config = &inv->config->lines[line];

	return config->entry_count > 1 && config->entries[0].policy->successive;
}

/* Under which number a registration keeps ROUTE. */
uint32_t invariants_number_of(struct registration_seen *reg, const struct kl_route *route);

/* RFC 3261 17.1.1.2, 17.1.2.2: T1, doubled, up to T2 where that holds. */
static inline kl_ms rfc_gap_ms(const struct kl_policy *policy, uint8_t method, uint32_t attempt)
{
	bool capped = method != KL_INVITE || policy->invite_gaps_capped;
	kl_ms most_ms = capped ? policy->t2_ms : UINT64_C(64) * policy->t1_ms;
	kl_ms gap_ms = policy->t1_ms;

	while (--attempt > 0 && gap_ms != most_ms)
		gap_ms = gap_ms * 2 < most_ms ? gap_ms * 2 : most_ms;
	return gap_ms;
}

/* An INVITE, or the end, of a call on a shared line: its seize is over, or taken back. */
void invariants_end_seize(struct sim_invariants *inv, uint64_t token, bool taken_back);

/* A NOTIFY was fed: where it ends a subscription another begins. */
void invariants_see_notify(struct sim_invariants *inv, const struct kl_event_notify *notify);

void invariants_see_subscription(struct sim_invariants *inv,
				 const struct kl_action_subscription *sub);

/* OPTIONS of the engine's own went to its route: first sends alone. */
void invariants_see_probe(struct sim_invariants *inv, const struct journey *journey);

/* An answer to what was sent to ROUTE. */
void invariants_see_life(struct sim_invariants *inv, const struct kl_route *route);

/* A line returns to a better route, by itself. */
void invariants_see_return(struct sim_invariants *inv, const struct kl_report *report);

/* A line was started, and waits for the sake of its fleet. */
void invariants_see_boot(struct sim_invariants *inv, const struct kl_report *report);

/* A route was found silent. */
void invariants_see_silence(struct sim_invariants *inv, const struct kl_route *route, kl_ms ms);

/* The flow whose REGISTER the journey is; for any other request, that which requests use. */
struct flow_seen *invariants_flow_of(const struct sim_invariants *inv,
				     const struct journey *journey);

/* Is it a REGISTER of the flow that no request uses?  One that is sent.  OWN-6 */
bool invariants_is_second(const struct kl_engine *e, const struct kl_action_send *send);
void invariants_see_second(struct sim_invariants *inv, const struct kl_engine *e,
			   const struct kl_action_send *send);

/* Does a REGISTER of a flow begin with this change of its state, whatever was under way? */
bool invariants_begins_flow(const struct kl_report *report);

/* ... or with a change of places, of both flows? */
void invariants_see_places(struct sim_invariants *inv, const struct kl_engine *e,
			   const struct kl_action_send *send);

/* A line begins to fail over: it may have no second flow that is up. */
void invariants_see_failover(struct sim_invariants *inv, const struct kl_engine *e,
			     const struct kl_report *report);

/* Both flows of an entry, when all actions of an event are done, and in the end: NULL, or what is
 * not so. */
void invariants_check_flows(struct sim_invariants *inv, const struct kl_engine *e, uint32_t line,
			    uint32_t entry);
const char *invariants_flows_rested(const struct kl_engine *e, uint32_t line, uint32_t entry);

void invariants_see_report(struct sim_invariants *inv, const struct kl_engine *e,
			   const struct kl_report *report);

#endif
