/* state.h - the engine's data: flat tables in one block, addressed by index.
 *
 * The block holds, one after the other: the engine's head, nodes, the heap, lines, registrations,
 * their orders, walks, requests, route sets, their members, the route table, queries, records,
 * names, subscriptions, second flows.  Nothing in it is a pointer but the configuration, so the
 * block can be copied and compared.
 */
#ifndef ENGINE_STATE_H
#define ENGINE_STATE_H

#include "keepline/keepline.h"

#include <assert.h>

#define NONE UINT32_MAX /* no object */
enum {
	NO_POS = 0xff,    /* no route of the set */
	NO_RECORD = 0xff, /* of no service record */
};

/* A node is what the heap and the ready list know of an object: walks come first, then
 * registrations, then queries, then route sets, then subscriptions, then, where a policy probes
 * routes or keeps them alive, the route table.  24 bytes. */
struct node {
	kl_ms at;            /* wake the object then; KL_NEVER: it does not wait */
	uint32_t seq;        /* equal times fire in the order in which they were set */
	uint32_t heap_pos;   /* NONE: not in the heap */
	uint32_t ready_next; /* next on the ready list */
	uint16_t owes;       /* actions the object still owes the host, one bit a kind */
	bool ready;          /* is on the ready list */
};

struct line {
	uint32_t first_registration; /* one for each entry, side by side */
	uint32_t invites;            /* INVITEs under way */
	uint32_t calls;              /* calls that are up */
	uint32_t group;              /* the first line of its group ... */
	uint32_t group_busy;         /* ... which counts the calls and INVITEs of them all */
	uint32_t first_subscription; /* of a list, or NONE */
	uint8_t told_working;        /* entry that the host knows as working, or NO_POS */
	bool started;
	bool carried;     /* kl_engine_adopt() has filled it */
	uint8_t spare[1]; /* no hidden bytes: blocks can be compared */
};

/* Why a registration changed its state: what its report will say. */
struct reason {
	uint8_t why;  /* enum kl_cause */
	uint8_t rule; /* enum kl_policy_field */
	uint8_t fault;
	uint8_t pos; /* the route spoken of, or NO_POS */
	uint16_t status;
	uint16_t count;
	uint32_t ms;
};

/* One line on one server entry. */
struct registration {
	uint32_t line;
	uint32_t set;
	uint32_t first_request; /* the host's requests on this entry, a list, or NONE */
	uint32_t order_version; /* of the set when `order` was drawn; 0: never */
	uint32_t call_id, cseq;
	uint32_t failures;       /* walks that failed in a row (BACK-1) */
	uint32_t min_expires_ms; /* from a 423; 0: none */
	uint32_t failed;         /* routes that denied the REGISTER, one bit each (PROBE-4) */
	uint32_t held_off;       /* routes that a failback tried in vain, until then (PROBE-6) */
	/* What the CURRENT, LATE and HEALTH reports say, with the places below; `reason` is the
	 * state's. */
	uint16_t current_status, late_status, failed_status;
	uint8_t entry;
	uint8_t state, reported; /* enum kl_state */
	uint8_t order_count;
	uint8_t order_cut; /* routes that are left out of it (DNS-7) */
	uint8_t current;   /* last registered or, with shared servers, last answered; or NO_POS */
	uint8_t primary;   /* first route of current's service record; or NO_POS */
	uint8_t former;    /* left by a failover, its registration still lives (FAIL-4); DOUBTING:
			    * the route that has accepted it meanwhile (OWN-3); or NO_POS */
	uint8_t resume;    /* first route that the last walk left untried (BACK-4) */
	uint8_t flow;      /* the route that accepted the registration: its stream carries it */
	/* The route that the last, or the present, move left, and why. */
	uint8_t left, left_why, left_fault;
	uint8_t moved_from, moved_why, moved_fault;
	uint8_t failback_why, failback_rule, failback_pos; /* of the FAILBACK report */
	uint8_t current_pos, late_pos, failed_pos, failed_why;
	bool active : 1;      /* from its 200 until it ends, is dropped, or is lost */
	bool lost : 1;        /* failed or ended since it was last accepted, or begun (FALL-2) */
	bool held : 1;        /* failback is due and waits for idle (FAIL-11) */
	bool try_better : 1;  /* the next request tries a better route directly (FAIL-4, FAIL-16) */
	bool stream_lost : 1; /* while this side had no network (PROBE-9) */
	bool paced : 1;       /* failback_at is its turn among the lines that return (OWN-5) */
	bool outbound : 1;    /* the registrar that accepted it last keeps flows apart (OWN-6) */
	bool exchanged : 1;   /* it has the reg-id, and the Call-IDs, that the other flow began with
			       */
	uint8_t retry_rule;   /* enum kl_policy_field: what ruled the back-off */
	uint8_t plain;        /* the route that answered 439 last: no reg-id there; or NO_POS */
	struct reason reason;
	kl_ms since_at;
	kl_ms expires_at, refresh_at, failback_at, retry_at, former_expires_at;
	kl_ms moved_at;
	kl_ms held_off_until;
};

enum walk_state {
	WALK_FREE,
	WALK_NAMES,        /* waits for the DNS */
	WALK_REGISTRATION, /* waits for its registration to be accepted on another route (FAIL-2) */
	WALK_LINK,         /* waits for this side's network (PROBE-9) */
	WALK_SEIZE,        /* an INVITE that waits until its shared line is seized (SUBS-3) */
	WALK_SENDING,      /* sends; no answer yet */
	WALK_PROCEEDING,   /* a provisional answer came: the route is alive (TIME-7) */
	WALK_ENDED,        /* decided; what it owes is still to be told */
};

/* Who gets the end of a request. */
enum request_owner {
	OWNER_HOST,         /* as an outcome; a call that waits for its seize: `owned` seizes */
	OWNER_PROBE,        /* `owned` is the route's place in the route table */
	OWNER_SUBSCRIPTION, /* `owned`; NONE: it wants no answer any more */
	OWNER_SEIZE,        /* the INVITE in walk `owned`; NONE: it has ended */
	OWNER_DOUBT,        /* `owned` is the route's place in the route table */
};

/* One request over the routes of an entry.  The first walks of the table are the registrations'
 * own REGISTERs, one each, by the same index; the others are the host's requests, and those that
 * the engine makes by itself. */
struct walk {
	kl_ms clock_at; /* first send; KL_NEVER: none yet */
	kl_ms route_at; /* first send on this route */
	kl_ms leave_at; /* the route has failed if it has not answered by then */
	kl_tx tx;       /* the transaction on this route */
	kl_tx left;     /* the one that the host must be told to abandon */
	uint32_t registration;
	uint32_t tried;   /* routes, one bit each: at most once in a walk */
	uint32_t allowed; /* routes that this walk may use */
	uint32_t visited; /* tried before the last redirection: none may lead back there (TRIG-9) */
	uint32_t cseq;
	uint32_t retry_after_ms;
	uint32_t again_ms; /* so long after route_at it is sent again; NONE: it is not */
	uint16_t attempt;
	uint16_t status;  /* of the answer that ended it */
	uint16_t closing; /* 1 + the slot whose stream the host must drop; 0: none */
	uint8_t method;
	uint8_t state;
	uint8_t pos;      /* the route it is on, or NO_POS */
	uint8_t origin;   /* walk_next() looks from the top of this route's service record */
	uint8_t repeats;  /* after challenges and 423s */
	uint8_t hops;     /* redirections followed (TRIG-9) */
	uint8_t report;   /* enum kl_report_type: what it has to tell */
	uint8_t left_pos; /* MOVE: the route it left */
	bool seen : 1;    /* the host knows the transaction */
	bool exact : 1;   /* walk_next() looks from this very route (BACK-4) */
	bool last : 1;    /* on its last route (TIME-3) */
	bool more : 1;    /* another route stands behind the allowed ones: none is the last */
	bool clears : 1;  /* REGISTER with Expires 0 */
	bool over : 1;    /* 64*T1 are up: no UDP route is tried any more (TIME-4) */
	bool ringing : 1; /* a provisional above 100 came: no other route may ring (TIME-7) */
	bool local : 1;   /* the outcome was made here */
	bool patient : 1; /* its route is left for doubts alone, or at its transaction's end (OWN-3)
			   */
	bool astray : 1;  /* it has left a transaction that may yet arrive somewhere */
	bool anew : 1;    /* it is sent as a new call (OWN-8) */
	bool opens : 1;   /* its stream is opened for it, as far as is known */
	uint8_t : 4;
	struct reason reason;
};

/* What a request has besides its walk. */
struct request {
	uint64_t token;        /* the host's */
	uint32_t next;         /* in the registration's list of requests, or in the free list */
	uint32_t told;         /* the registration that `telling` was on */
	struct reason telling; /* the most telling of its routes' failures (FALL-4) */
	uint32_t owned;        /* the index of what owns it, or of what it owns; or NONE */
	uint32_t granted_ms;   /* by the 2xx that ended it */
	uint8_t owner;         /* enum request_owner */
	uint8_t first_entry;   /* INVITE: where it began (FALL-4) */
	uint8_t sends;         /* that a seize has left (SUBS-3) */
	bool emergency;        /* shared call: goes out unseized, too (SUBS-4) */
};

/* One place in a route set.  Places are stable: a new lookup rewrites them but never moves one
 * that somebody refers to. */
struct member {
	uint32_t name;   /* the DNS name that led here; 0 for a literal address */
	uint32_t ttl_ms; /* of the address record, as received; 0 for a literal */
	uint32_t born;   /* transactions before this serial meant another route, or Contact */
	uint16_t slot;   /* in the route table */
	uint16_t priority, weight;
	uint8_t record; /* service record, from 0 in rank order; NO_RECORD: of a redirection */
	uint8_t rr;     /* the SRV record it came from, counted in an order of content */
	uint8_t seq;    /* place in the answer */
	bool used;      /* holds a route */
	bool listed;    /* the newest answer has it */
	uint8_t rank;   /* of the entry's name that led here, from 0 */
};

/* The routes of one (name, port, transport choice, policy of lookups). */
struct set {
	uint32_t line;    /* an entry that uses it: its configuration holds the name */
	uint32_t version; /* grows when the answer changes; 0: nothing resolved yet */
	uint32_t users;   /* registrations of started lines */
	uint16_t cut;     /* routes that did not fit */
	uint8_t listed;   /* routes that the newest answer has */
	uint8_t entry;
	bool pending;  /* a name it needs was never answered */
	bool stale;    /* a record has run out and is being asked for */
	bool complete; /* no lookup failed: what is not listed is really gone (DNS-11, DNS-16) */
	bool outdated; /* what is known of a name changed: to be worked out anew */
	bool due;      /* it has changed, or somebody waits for it: to be told once it is settled */
	uint8_t spare[3];
};

/* What is known of one route, by all who use it. */
struct slot {
	struct kl_route route;
	uint16_t refs; /* members */
	uint16_t last_status;
	uint8_t last_fault;
	bool closing;         /* its stream is to be dropped if nobody needs it */
	uint8_t status;       /* enum kl_candidate_status but FAILED; its report says why: */
	bool probing;         /* an OPTIONS is under way */
	struct reason reason; /* `pos` means nothing */
	kl_ms last_answer_at, last_failure_at;
	kl_ms probe_at;     /* KL_NEVER: nobody probes it, or `probing` */
	kl_ms keepalive_at; /* KL_NEVER: it carries no registration that is kept alive */
};

/* What those who probe a route, or doubt it, remember of it besides: where slots have nodes. */
struct watch {
	kl_ms up_at;      /* up since then, without a miss; KL_NEVER: it is not */
	kl_ms doubted_at; /* nothing came since then, and it is asked; KL_NEVER: nobody doubts it */
	kl_ms doubt_at;   /* the doubt's next step, or KL_NEVER */
	uint16_t rtt8_ms; /* eight times its smoothed round trip; 0: never measured (RFC 6298) */
	uint16_t var4_ms; /* four times the variation of that */
	uint16_t open_ms; /* until the answer on a stream that is opened for it; 0: not measured */
	uint8_t outages;  /* since it was last forgiven (OWN-1) */
	uint8_t misses;   /* probes without an answer in a row */
	uint8_t asked;    /* in the present doubt, so often */
	uint8_t measured; /* its round trip, so often; counted up to what one measurement weighs */
	uint8_t spare[6];
};

enum query_state {
	QUERY_FREE,
	QUERY_UNKNOWN,    /* never answered */
	QUERY_CONFIGURED, /* never asked: static records come first */
	QUERY_ANSWER,
	QUERY_NEGATIVE,
	QUERY_FAILED,
	QUERY_SILENT,
};

/* Where the records of a question come from. */
enum query_source {
	SOURCE_NONE, /* there are none */
	SOURCE_NETWORK,
	SOURCE_RESTORED,   /* the last answer, for a while, as no DNS server answers (DNS-14) */
	SOURCE_STALE,      /* the same, without an end (DNS-16) */
	SOURCE_STATIC,     /* the configuration (DNS-15) */
	SOURCE_REMEMBERED, /* the DNS, before a restart (OWN-9) */
};

/* One question to the DNS and what came of it.  Its node fires when it is to be asked again. */
struct query {
	uint32_t set;  /* who needs it, and whose policy it is looked up by */
	uint32_t name; /* interned */
	uint32_t first_record;
	uint32_t mark; /* of the last sweep that found it in use */
	uint32_t ttl_ms;
	uint16_t generation; /* of this place in the table */
	uint8_t type;
	uint8_t state;  /* what came of asking */
	uint8_t source; /* of the records */
	bool shared;    /* other sets with such a policy need it, too */
	bool asking;    /* the host was, or is being, told to ask */
	bool stale;     /* the answer ran out */
	bool ahead;     /* asked before it does (OWN-4) */
	bool cut;       /* not all records of the answer fitted */
	bool replied;   /* a server answered once, in whatever words: nothing remembered counts */
	uint8_t spare[1];
};

struct record {
	uint32_t next;
	uint32_t name; /* SRV target, NAPTR replacement; interned */
	uint16_t priority, weight, port;
	uint8_t service; /* NAPTR: enum kl_transport */
	char flag;
	uint8_t ip[16];
};

/* One subscription that the host asked for.  A list for each line, and one of free places. */
struct subscription {
	uint64_t token;
	kl_ms made_at; /* its dialog; KL_NEVER: it has none */
	kl_ms expires_at;
	kl_ms due_at; /* WAITING: next try; ACTIVE: refresh.  KL_NEVER: at its line's registration
		       */
	uint32_t line;
	uint32_t next;
	uint32_t registration; /* that its last SUBSCRIBE went by ... */
	uint32_t walk;         /* its SUBSCRIBE under way, or NONE */
	uint32_t asks_ms;
	uint32_t failures; /* in a row */
	uint32_t cseq;
	uint8_t pos; /* ... and the route where that ended; or NO_POS */
	bool redirected;
	uint8_t state, reported; /* enum kl_subscription_state */
	uint8_t ending;          /* enum kl_ending */
	uint8_t spare[3];
	struct reason reason; /* `pos` of which is a place in the set of `registration` */
};

struct ready {
	uint32_t head, tail;
};

struct kl_engine {
	const struct kl_config *config;
	kl_ms now;
	uint64_t seed;           /* orders are drawn from it and the registration's number */
	uint64_t random;         /* the generator's state */
	uint32_t serial;         /* transactions so far */
	uint32_t carried_serial; /* those up to this one began before a reload; 0: none did */
	uint32_t timer_seq;
	uint32_t sweep;
	struct ready reports, others; /* who has something to tell; reports are told first */
	uint32_t heap_count;
	uint32_t free_walk, free_record, free_subscription;
	uint32_t registration_count, set_count, walk_count;
	uint32_t walks_used; /* those from here on never were */
	uint32_t slot_nodes; /* limits.routes, or 0: nobody needs them */
	kl_ms pace_at;       /* the next line that nobody waits for may move (OWN-5) */
	uint32_t calls;      /* of all lines, INVITEs under way included */
	uint32_t held_count; /* registrations whose failback waits for idle */
	uint32_t ignored, forged;
	bool link_down;    /* this side has no network */
	bool without_walk; /* a subscription waits until one is free, or did */
	/* Where each table begins, in bytes from the block's start. */
	uint32_t nodes_at, heap_at, lines_at, registrations_at, orders_at, walks_at, requests_at;
	uint32_t sets_at, members_at, slots_at, watches_at, queries_at, records_at, names_at;
	uint32_t subscriptions_at;
	uint32_t second_flows_at; /* 0: no line has any (OWN-6) */
};

static inline void *table(const struct kl_engine *e, uint32_t at)
{
	return (char *)(uintptr_t)e + at;
}

#define TABLE(function, type, member, count)                                                       \
	static inline type *function(const struct kl_engine *e, uint32_t index)                    \
	{                                                                                          \
		assert(index < (count));                                                           \
		return (type *)table(e, e->member) + index;                                        \
	}

TABLE(line_at, struct line, lines_at, e->config->line_count)
TABLE(registration_at, struct registration, registrations_at, e->registration_count)
TABLE(walk_at, struct walk, walks_at, e->config->limits.walks)
TABLE(set_at, struct set, sets_at, e->config->limits.sets)
TABLE(slot_at, struct slot, slots_at, e->config->limits.routes)
TABLE(watch_at, struct watch, watches_at, e->slot_nodes)
TABLE(query_at, struct query, queries_at, e->config->limits.queries)
TABLE(record_at, struct record, records_at, e->config->limits.records)
/* Of each line the second flow of its first entry that has one, those of others behind it; NONE. */
TABLE(second_flow_at, uint32_t, second_flows_at, e->config->line_count)
TABLE(subscription_at, struct subscription, subscriptions_at, e->config->limits.subscriptions)

static inline uint32_t node_count(const struct kl_engine *e)
{
	const struct kl_limits *limits = &e->config->limits;
	return limits->walks + e->registration_count + limits->queries + limits->sets +
	       limits->subscriptions + e->slot_nodes;
}

TABLE(node_at, struct node, nodes_at, node_count(e))
#undef TABLE

/* The request of walk W, which is no REGISTER's. */
static inline struct request *request_at(const struct kl_engine *e, uint32_t w)
{
	assert(w >= e->registration_count && w < e->config->limits.walks);
	return (struct request *)table(e, e->requests_at) + (w - e->registration_count);
}

/* The node of each kind of object. */
static inline uint32_t walk_node(const struct kl_engine *e, uint32_t w)
{
	(void)e;
	return w;
}

static inline uint32_t registration_node(const struct kl_engine *e, uint32_t r)
{
	return e->config->limits.walks + r;
}

static inline uint32_t query_node(const struct kl_engine *e, uint32_t q)
{
	return registration_node(e, e->registration_count) + q;
}

static inline uint32_t set_node(const struct kl_engine *e, uint32_t s)
{
	return query_node(e, e->config->limits.queries) + s;
}

static inline uint32_t subscription_node(const struct kl_engine *e, uint32_t s)
{
	return set_node(e, e->config->limits.sets) + s;
}

static inline uint32_t slot_node(const struct kl_engine *e, uint32_t i)
{
	return subscription_node(e, e->config->limits.subscriptions) + i;
}

static inline struct member *member_at(const struct kl_engine *e, uint32_t set, uint8_t pos)
{
	assert(pos < e->config->limits.set_routes);
	return (struct member *)table(e, e->members_at) + set * e->config->limits.set_routes + pos;
}

static inline uint8_t *order_of(const struct kl_engine *e, uint32_t r)
{
	return (uint8_t *)table(e, e->orders_at) + r * e->config->limits.set_routes;
}

static inline char *names_of(const struct kl_engine *e)
{
	return table(e, e->names_at);
}

static inline const struct kl_entry_config *entry_config(const struct kl_engine *e, uint32_t line,
							 uint8_t entry)
{
	return &e->config->lines[line].entries[entry];
}

static inline const struct kl_entry_config *registration_config(const struct kl_engine *e,
								uint32_t r)
{
	const struct registration *reg = registration_at(e, r);
	return entry_config(e, reg->line, reg->entry);
}

static inline const struct kl_policy *registration_policy(const struct kl_engine *e, uint32_t r)
{
	return registration_config(e, r)->policy;
}

static inline kl_ms earlier(kl_ms a, kl_ms b)
{
	return a < b ? a : b;
}

static inline uint32_t bit(uint8_t pos)
{
	return UINT32_C(1) << pos;
}

/* This side has no network, and that is nobody's fault.  PROBE-9 */
static inline bool registration_frozen(const struct kl_engine *e, uint32_t r)
{
	return e->link_down && registration_policy(e, r)->freeze_without_link;
}

/* Is the route of this entry registered with before anything else is sent to it (FAIL-2)? */
static inline bool registration_reregisters(const struct kl_engine *e, uint32_t r)
{
	const struct kl_entry_config *config = registration_config(e, r);
	return config->registers && config->policy->reregister_on;
}

#endif
