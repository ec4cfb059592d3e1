/* keepline.h - the redundancy engine: which request, to which route, when.
 *
 * The engine opens no socket, reads no clock, asks no DNS, draws no outside randomness, allocates
 * nothing and keeps no globals.  The host tells it what happened and when; the engine answers
 * with actions to carry out:
 *
 *	kl_feed(e, &event, now);                    one thing happened
 *	while (kl_next_action(e, &action))          do all it asks, in this order
 *		perform(&action);
 *	wait until kl_deadline(e), then feed KL_EV_TIME
 *
 * One engine is one device (a phone, a trunk) with its lines.  The same configuration, seed and
 * events at the same times give the same actions, bit for bit, on every machine.
 *
 * Words      As in docs/requirements.md, section 1.  IDs such as TIME-3 are its rows.
 * Units      kl_ms is milliseconds.  A name that ends in _at is a point on the host's monotonic
 *            clock (any origin), KL_NEVER if unset; one that ends in _ms is a length.
 * Ownership  The caller owns the block given to kl_engine_init() (aligned as malloc aligns; it
 *            may be copied, moved or compared between calls).  The configuration is immutable,
 *            outlives the engine, may be shared by many engines, and is the only pointer kept.
 *            Pointers inside an action are good until the next kl_feed().
 * Errors     0 is success; KL_IGNORED (1) a harmless event that changed nothing, counted;
 *            negative a KL_E*, and the engine is unchanged.
 * Threads    One engine, one thread.  Engines share nothing but their configuration. */
#ifndef KEEPLINE_H
#define KEEPLINE_H

#include "keepline/types.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- policy: every value that a vendor's parameter can set for a server entry (PROF-1) ---- */

/* Rows of policy.def as fields, and as numbers KL_POLICY_<field> that name them in reports. */
#define KL_TYPE_bool bool
#define KL_TYPE_u16 uint16_t
#define KL_TYPE_u32 uint32_t
#define KL_TYPE_kl_last_route uint8_t
#define KL_TYPE_kl_fast_window uint8_t
#define KL_TYPE_kl_failback_mode uint8_t
#define KL_TYPE_kl_idle_scope uint8_t
#define KL_TYPE_kl_weight_order uint8_t
#define KL_TYPE_kl_static_first uint8_t
#define KL_TYPE_kl_family_order uint8_t

struct kl_policy {
#define KL_POLICY(field, type, ...) KL_TYPE_##type field;
#include "keepline/policy.def"
#undef KL_POLICY
};

enum kl_policy_field {
	KL_POLICY_none, /* no policy value ruled the decision: the protocol did */
#define KL_POLICY(field, ...) KL_POLICY_##field,
#include "keepline/policy.def"
#undef KL_POLICY
	KL_POLICY_FIELDS
};

/* What policy.def says of one field. */
struct kl_policy_info {
	const char *name;    /* the field's name */
	const char *type;    /* "bool", "u16", "u32", or an enum's tag */
	const char *meaning; /* one sentence */
	uint32_t least, most;
	uint32_t by_profile[KL_PROFILES];
};

/* The row of FIELD (1..KL_POLICY_FIELDS-1); NULL for any other number. */
const struct kl_policy_info *kl_policy_describe(enum kl_policy_field field);

/* Fills POLICY with a profile's defaults (PROF-3). */
void kl_policy_profile(struct kl_policy *policy, enum kl_profile profile);

/* Reads or sets one field by its number.  Setting checks the range: KL_EINVAL, unchanged. */
uint32_t kl_policy_get(const struct kl_policy *policy, enum kl_policy_field field);
int kl_policy_set(struct kl_policy *policy, enum kl_policy_field field, uint32_t value);

/* The failback mode in force: failback_mode or, without re-registration, failback_mode_shared. */
enum kl_failback_mode kl_policy_failback_mode(const struct kl_policy *policy);

/* Is enhanced failover in force?  It needs re-registration. */
bool kl_policy_enhanced(const struct kl_policy *policy);

/* The back-off after FAILURES earlier failures in a row: at random in [*LEAST_MS, *MOST_MS], both
 * included (BACK-1), later for a large fleet (OWN-5); both are backoff_fixed_ms where that is set.
 */
void kl_policy_backoff(const struct kl_policy *policy, uint32_t failures, kl_ms *least_ms,
		       kl_ms *most_ms);

/* ... that a second flow waits after FAILURES earlier ones to make it, while the first serves. */
void kl_policy_flow_backoff(const struct kl_policy *policy, uint32_t failures, kl_ms *least_ms,
			    kl_ms *most_ms);

/* ---- what the DNS says ---- */

/* One record of an answer; CNAMEs were followed by the host, `ttl_ms` is the chain's smallest. */
struct kl_dns_record {
	kl_ms ttl_ms;
	const char *name;    /* SRV target, NAPTR replacement */
	const char *service; /* NAPTR: "SIP+D2U", "SIP+D2T", "SIPS+D2T" */
	uint8_t ip[16];      /* A, AAAA */
	uint16_t priority;   /* SRV priority, NAPTR order */
	uint16_t weight;     /* SRV weight, NAPTR preference */
	uint16_t port;       /* SRV */
	char flag;           /* NAPTR: 's', 'a', or 0 */
};

/* ---- configuration ---- */

/* One server entry of a line.  `name` is where its requests go: the server, or its outbound proxy.
 * Several names make one list of candidates: a route's rank is the place of the name that led to it
 * (PROBE-1, PROBE-2). */
struct kl_entry_config {
	const char *name;              /* a domain name or a literal IP address */
	const char *const *more_names; /* those behind it, of the same kinds */
	uint8_t more_count;            /* 0..KL_SPECS_MAX-1 */
	uint16_t port;                 /* 0: let the DNS say (DNS-1..3) */
	uint8_t transport_choice;      /* enum kl_transport_choice */
	bool registers;                /* REG-3 */
	const struct kl_policy *policy;
};

struct kl_line_config {
	const struct kl_entry_config *entries; /* the primary entry first */
	uint8_t entry_count;                   /* 1..KL_ENTRIES_MAX */
	uint16_t group;                        /* lines of one group share KL_IDLE_GROUP */
	uint64_t key; /* the host's lasting name of the line; 0: no reload carries it over */
};

/* How much an engine can hold: routes beyond are cut and reported, requests refused (KL_EFULL). */
struct kl_limits {
	uint32_t sets;   /* distinct (name, port, transport choice, policy of lookups) of entries */
	uint32_t routes; /* distinct routes, all sets together */
	uint32_t set_routes; /* routes of one set, up to KL_SET_ROUTES_MAX */
	uint32_t queries;    /* DNS questions remembered */
	uint32_t records;    /* DNS records remembered */
	uint32_t name_bytes; /* names learned from the DNS; a multiple of 4 */
	uint32_t walks; /* requests under way at one time; one for each registration is its own.
			 * No more than half of the others are probes: one waits. */
	uint32_t subscriptions; /* that are asked for at one time; half the walks may be theirs */
};

/* A record that serves where the DNS gives none, for its TTL from then on; then the DNS is asked
 * again.  A host without a DNS server answers each question with KL_DNS_SILENT at once.  DNS-15 */
struct kl_static_record {
	const char *owner;
	enum kl_record_type type;
	struct kl_dns_record data;
};

struct kl_config {
	const struct kl_line_config *lines;
	uint32_t line_count;
	const struct kl_static_record *static_records; /* those of one name in order */
	uint32_t static_record_count;
	/* What the DNS answered before a restart, kept by the host: it serves while no server
	 * answers, until the first reply to the question, in whatever words (OWN-9).  Its TTL does
	 * not count.  Those of one name in order. */
	const struct kl_static_record *remembered_records;
	uint32_t remembered_record_count;
	uint8_t transports; /* bit (1 << enum kl_transport) for each that the host can use */
	uint8_t families;   /* enum kl_families, or both: which addresses are asked for */
	struct kl_limits limits;
};

/* Is CHOICE to be had with these transports (as in struct kl_config)? */
bool kl_transports_allow(uint8_t transports, enum kl_transport_choice choice);

/* Sets CONFIG's limits to what its lines need with room to spare: whole route sets, two requests of
 * the host and eight subscriptions for each line at one time, and a few probes for each set. */
void kl_limits_default(struct kl_config *config);

/* Checks ranges, limits, names.  0, or KL_EINVAL with one sentence in WHY. */
int kl_config_check(const struct kl_config *config, char *why, size_t why_size);

/* ---- the engine ---- */

struct kl_engine;

/* One place to send to.  IPv4 is ::ffff:a.b.c.d.  Two routes over TLS that differ in the name alone
 * share no stream, nor what becomes of it: who is trusted under one name is not under another. */
struct kl_route {
	uint8_t ip[16];
	uint16_t port;     /* 1..65535 */
	uint8_t transport; /* enum kl_transport */
	uint8_t spare;     /* 0: no hidden byte, so that engines can be compared */
	uint32_t tls_name; /* TLS: kl_tls_name() of whom a certificate must name; 0: the address */
};

/* A number that stands for a domain name in a route, never 0; the same however its letters are
 * written, with a final dot or without. */
uint32_t kl_tls_name(const char *name);

/* Names one client transaction (one request on one route).  Ids are never used twice within
 * 2^32 transactions, so a late answer can't hit a newer one.  0 names none. */
typedef uint64_t kl_tx;

/* REQUEST asks for a request outside a dialog to be sent; its end comes back as an OUTCOME.  An
 * INVITE counts as a call of its line from here on, and after a 2xx until CALL_ENDED; so
 * CALL_BEGAN is for incoming calls alone. */
struct kl_event_request {
	uint64_t token;        /* the host's name for the request, returned with its outcome */
	enum kl_method method; /* any but KL_REGISTER */
};

/* An INVITE on a shared line: the line is first seized with a SUBSCRIBE, and the INVITE goes out
 * once that was accepted.  It ends as a REQUEST does, and CANCEL takes it back (SUBS-3). */
struct kl_event_shared_call {
	uint64_t token;
	bool emergency; /* the INVITE goes out even if the line was not seized (SUBS-4) */
};

/* SUBSCRIBE asks for a subscription, which the engine keeps until UNSUBSCRIBE, until its line stops
 * or until the server refuses it for good.  What it is for is the host's affair. */
struct kl_event_subscribe {
	uint64_t token;   /* the host's name for it; no other subscription has it */
	kl_ms expires_ms; /* the time to ask for, 1 s at least; not used by UNSUBSCRIBE */
};

/* A NOTIFY came in the subscription's dialog, or in the one that is being made. */
struct kl_event_notify {
	uint64_t token;
	enum kl_notified_state state;
	enum kl_ending ending; /* TERMINATED */
	kl_ms retry_after_ms;  /* TERMINATED; 0: not said */
	kl_ms expires_ms;      /* else: what is left; 0: not said */
};

struct kl_event_response {
	kl_tx tx;                    /* of the action that sent the request */
	uint16_t status;             /* 100..699 */
	enum kl_challenge challenge; /* 401 and 407 only */
	kl_ms granted_ms;            /* 2xx to REGISTER: the time granted to our contact, 0: none;
				      * to SUBSCRIBE: its Expires, 0: not said */
	kl_ms min_expires_ms;        /* 423 */
	kl_ms retry_after_ms;        /* 503; 0: not said */
	/* 3xx: where its Contact leads, resolved by the host; port 0: nowhere that the host can
	 * send to.  A Contact that differs in the URI alone is for the host: a new request. */
	struct kl_route redirect;
	/* 2xx to a REGISTER with a reg-id: it has `Require: outbound`: its registrar keeps flows
	 * apart.  Without it no second flow is made.  A 439 needs no more than its status: the
	 * REGISTER is sent there once more, without a reg-id.  OWN-6 */
	bool outbound;
};

/* TRANSPORT: a route failed a request.  All faults but SEND and OVERTAKEN serve every open request
 * on it.
 *
 * STREAM_LOST: the stream to a route ended, and not because of KL_DO_CLOSE or the host's own idle
 * time: the far end closed it (STREAM_LOST) or left keep-alives unanswered (KEEPALIVE).  Requests
 * that wait on it move on; registrations that it carried are lost (TRIG-6).  With KEEPALIVE the
 * route may be one over UDP: the flows that use it failed (RFC 5626 4.4.2), and other
 * registrations there stay as they are.  `tx` is not used. */
struct kl_event_transport {
	struct kl_route route; /* the dead destination, by value */
	enum kl_fault fault;
	/* The transaction whose branch the ICMP message quoted (TRIG-1), whose send failed, or
	 * that waited for the stream.  0, an unknown or an ended one moves nothing and is counted.
	 */
	kl_tx tx;
};

/* The server that a dialog was made through; the host keeps it with the dialog. */
struct kl_binding {
	uint32_t line;
	uint32_t entry;
	struct kl_route route;
	bool unregistered; /* the route had not the entry's registration when the dialog began */
	bool redirected;   /* `route` is the target of a redirection, no route of the entry */
};

/* DIALOG_FAILED: a request inside a dialog failed on its route (TRIG-10).  Where that is the
 * current one, its line fails over.  The request is not sent elsewhere: its sender gets 408 or 503
 * from the host, and kl_may_signal() rules what becomes of the dialog. */
struct kl_event_dialog {
	struct kl_binding binding;
	uint16_t status;     /* 503: answered so; 408: nothing came; 0: `fault` */
	enum kl_fault fault; /* status 0 */
	kl_ms ms;            /* 408: so long was waited */
};

struct kl_event_dns {
	uint32_t query; /* of the action that asked */
	enum kl_dns_status status;
	uint32_t count; /* records; more than KL_DNS_RECORDS_MAX are not looked at */
	const struct kl_dns_record *records;
};

struct kl_event {
	enum kl_event_type type;
	/* LINE_*, REQUEST, CANCEL, SHARED_CALL, SUBSCRIBE, CALL_*: index in the configuration */
	uint32_t line;
	/* ADDRESS_CHANGED, LINK_DOWN and LINK_UP mean the device: the host's own address is another
	 * (requests sent from now on carry the new Contact); it has no network at all, or one
	 * again. */
	union {
		struct kl_event_request request; /* REQUEST, and its token for CANCEL */
		struct kl_event_response response;
		struct kl_event_transport transport; /* TRANSPORT, STREAM_LOST */
		struct kl_event_dns dns;
		struct kl_event_dialog dialog;
		struct kl_event_subscribe subscribe; /* SUBSCRIBE, UNSUBSCRIBE */
		struct kl_event_notify notify;
		struct kl_event_shared_call shared_call;
	};
};

/* Ask the DNS; feed KL_EV_DNS with the same `query`, whatever comes of it. */
struct kl_action_query {
	uint32_t query;
	enum kl_record_type type;
	const char *name;
};

/* Send a request, or send it again (attempt > 1: the same bytes once more; never on a stream).
 * Over TCP and TLS: on the stream to `route`, which the host opens if it has none. */
struct kl_action_send {
	kl_tx tx;
	enum kl_method method;
	uint32_t line;
	uint32_t entry; /* index in the line's entries */
	struct kl_route route;
	const char *name; /* the DNS name that led to the route; NULL: an address, a redirection */
	/* TLS: whom a certificate must name (RFC 5922 4), the configured name that led there. NULL:
	 * the address, or if route.tls_name is not 0, the name that a redirection led to. */
	const char *tls_name;
	/* Of the host's request, subscription or shared call; 0 for REGISTER and for the engine's
	 * OPTIONS. */
	uint64_t token;
	enum kl_purpose purpose;
	uint32_t attempt; /* 1: first send on this route */
	uint32_t cseq;    /* 1 upward.  REGISTER: grows with each transaction of a Call-ID;
			   * else: grows with each repeat after a challenge (TIME-8), and
			   * with each SUBSCRIBE of a subscription */
	/* REGISTER: counts the registration's Call-IDs (REG-4); else 1, and 2 for an INVITE that
	 * has to be a new call, with a Call-ID and a From tag of its own (OWN-8). */
	uint32_t call_id;
	/* REGISTER: 1 or 2: it makes, or refreshes, a flow of RFC 5626: the host gives its Contact
	 * this reg-id and a +sip.instance, and lists outbound as Supported; 0, as for any other
	 * request: none of these.  2 has Call-IDs and CSeqs of its own, 0 has those of 1; a flow
	 * in the place of a lost one has its reg-id.  OWN-6 */
	uint32_t reg_id;
	kl_ms expires_ms; /* REGISTER, and SUBSCRIBE that is not for itself: the time to ask for;
			   * 0 unregisters, or ends the subscription */
	/* Streams: if `route` is not connected `beside_ms` from now on, the host connects to
	 * `beside` as well.  Is that there first, it feeds TRANSPORT with KL_FAULT_OVERTAKEN for
	 * `tx`, and the request goes on there.  Port 0: nowhere.  OWN-7 */
	struct kl_route beside;
	kl_ms beside_ms;
	bool fresh; /* streams: on a new connection, for it alone (RFC 3261 18.1.1), whose end is
		     * no event; a host may do without.  OWN-3 */
};

/* How a request of the host ended. */
struct kl_action_outcome {
	uint64_t token;
	uint16_t status; /* the final answer's; 408, 487 or 503 when made here */
	bool local;      /* made here: no route gave a final answer */
	enum kl_cause why;
	enum kl_policy_field rule; /* the policy value that ruled it */
	enum kl_fault fault;       /* KL_WHY_FAULT */
	kl_ms ms;                  /* KL_WHY_NO_ANSWER and its like */
	kl_ms retry_after_ms;      /* of a final 503; 0: not said */
	struct kl_binding binding;
};

/* A subscription went from one state to another.  A dialog that is not the one in `binding` is
 * dead: nothing is sent in it, and a NOTIFY in it gets 481. */
struct kl_action_subscription {
	uint64_t token;
	enum kl_subscription_state from, to;
	enum kl_cause why;
	enum kl_policy_field rule;
	enum kl_fault fault;
	enum kl_ending ending; /* KL_WHY_TERMINATED */
	uint16_t status;
	kl_ms ms;
	struct kl_route route; /* that `why` speaks of */
	kl_ms due_at; /* WAITING: the next try; ACTIVE: the refresh; KL_NEVER: not planned */
	struct kl_binding binding; /* of its dialog; its route has port 0 while there is none */
};

/* A decision, for people and logs (SEE-2). */
struct kl_report {
	enum kl_report_type type;
	enum kl_cause why;
	enum kl_policy_field rule; /* the policy value that ruled it */
	uint32_t line, entry;
	bool second_flow;       /* of the second flow of the entry, that no request uses (OWN-6) */
	enum kl_state from, to; /* STATE */
	enum kl_method method;  /* MOVE */
	struct kl_route left, route; /* MOVE: from, to.  Else `route` is the one spoken of */
	enum kl_fault fault;
	uint16_t status;
	uint32_t count; /* LOOKUP: enum kl_record_type */
	kl_ms ms;
	bool active; /* STATE: a registration is active */
	bool in_failover;
	kl_ms failback_at, retry_at; /* STATE: what is planned */
	const char *name;            /* ROUTES, LOOKUP: the name asked for */
	/* HEALTH: the new status of `route`.  All but "failed" are of the route, whatever the
	 * line. */
	enum kl_candidate_status candidate;
	enum kl_dns_status dns; /* LOOKUP: `why` tells what serves instead, if anything */
};

struct kl_action_abandon {
	kl_tx tx;
	enum kl_method method;
};

struct kl_action_route {
	struct kl_route route;
};

struct kl_action {
	enum kl_action_type type;
	union {
		struct kl_action_query query;
		struct kl_action_send send;
		/* ABANDON: the request left this transaction.  The host lets it end by itself: for
		 * 64*T1 it absorbs what comes late; to an INVITE it sends CANCEL once a provisional
		 * answer was or is seen, and ACK and BYE to a late 2xx (TIME-9); a late 2xx to
		 * REGISTER is fed as a RESPONSE. */
		struct kl_action_abandon abandon;
		/* CLOSE: drop the stream to this route, or stop connecting: nothing came on it, and
		 * nobody needs it.  The next request connects again. */
		struct kl_action_route close;
		/* KEEPALIVE: send the keep-alive's bytes, which the host knows, to this route, on
		 * its stream if it has one.  No answer is no loss.  KEEP-1 */
		struct kl_action_route keepalive;
		struct kl_action_outcome outcome;
		struct kl_action_subscription subscription;
		struct kl_report report;
	};
};

/* Bytes of the block that an engine needs; kl_config_check() accepts CONFIG. */
size_t kl_engine_size(const struct kl_config *config);

/* Makes an engine in the caller's block E of SIZE bytes.  SEED makes its random draws.
 * All lines are off: start each with KL_EV_LINE_START.  KL_EINVAL, KL_ESIZE. */
int kl_engine_init(struct kl_engine *e, size_t size, const struct kl_config *config, uint64_t seed,
		   kl_ms now);

/* ---- a new configuration without loss ----
 *
 * Lines that are the same in both configurations go on in a new engine as if nothing had happened:
 * registrations with their timers, walks in mid-air, calls, what the DNS said.  The host
 *
 *	1. makes the new configuration; kl_limits_default(), then kl_limits_keep();
 *	2. stops the lines that kl_find_line() does not find in it (KL_EV_LINE_STOP to the old
 *	   engine) and feeds on until they are off: so they are unregistered, their calls ended;
 *	3. takes all actions, makes the new engine, lets it adopt the old one, forgets the old one;
 *	4. gives what it keeps by a line's number (struct kl_binding) the number that kl_find_line()
 *	   says, and starts the lines (for those that go on KL_EV_LINE_START is ignored).
 *
 * All kl_tx values, query numbers and tokens stay good; those of lines that were not carried
 * over mean nothing any more.  An answer to REGISTER that comes after its walk has ended is let
 * expire if any line changed its number. */

#define KL_NO_LINE UINT32_MAX

/* The line of CONFIG that goes on where LINE of OLD is: the same key (not 0), equal entries (name,
 * port, transport choice, registrar or not, each policy value), in configurations of equal
 * transports, families and static records.  KL_NO_LINE: there is none. */
uint32_t kl_find_line(const struct kl_config *config, const struct kl_config *old, uint32_t line);

/* Raises CONFIG's limits to those of OLD where they are lower: a reload never takes room away. */
void kl_limits_keep(struct kl_config *config, const struct kl_config *old);

/* Carries the lines of OLD over into E, which was just made.  Keys must differ among the lines of
 * a configuration; of lines with one key the first goes on.  Returns how many were carried, or, E
 * being unchanged: KL_ETIME E's time is before OLD's; KL_EINVAL E is not fresh, or OLD has actions
 * to be taken; KL_EFULL E's limits are below OLD's.  Draws go on from OLD's seed. */
int kl_engine_adopt(struct kl_engine *e, const struct kl_engine *old);

/* Tells the engine that one thing happened.  NOW must not be before the last call's (KL_ETIME).
 * Actions need not be drained before the next event: what the event made pointless vanishes.
 * KL_EFULL: a request came while limits.walks are under way, or limits.subscriptions are there. */
int kl_feed(struct kl_engine *e, const struct kl_event *event, kl_ms now);

/* Takes the next thing to do.  False: nothing, until the next kl_feed(). */
bool kl_next_action(struct kl_engine *e, struct kl_action *action);

/* When KL_EV_TIME must be fed at the latest; KL_NEVER: not needed. */
kl_ms kl_deadline(const struct kl_engine *e);

/* May the host send a request inside a dialog that was made under BINDING (FAIL-5, FAIL-6)?
 * False: the call ends locally and nothing is sent.  Not to be asked for the ACK and CANCEL of a
 * transaction begun before, nor for the BYE that cleans up after it: those always go. */
bool kl_may_signal(const struct kl_engine *e, const struct kl_binding *binding);

/* What to do with a request outside a dialog that came for LINE from SOURCE, of which the address
 * alone counts (CALL-2, FAIL-5).  BINDING, if not NULL, is filled for KL_ACCEPT: the new dialog's.
 * Where every source is accepted (policy), one that is in no route set gets the working server's
 * binding with its own route. KL_REFUSE for an unknown LINE and for one that was not started. */
enum kl_acceptance kl_may_accept(const struct kl_engine *e, uint32_t line,
				 const struct kl_route *source, struct kl_binding *binding);

/* ---- what anyone may look at; filled by copy ---- */

/* One registration: a line on one of its entries (SEE-1). */
struct kl_entry_view {
	enum kl_state state;
	bool registers, active, in_failover, working; /* working: the line's working server */
	bool failback_held;                           /* due, and waits for idle */
	bool redundancy_ready;                        /* registered, every candidate up */
	uint32_t routes;                              /* how many kl_get_route() can show */
	int32_t current, primary;                     /* index for kl_get_route(), or -1 */
	uint32_t failures;                            /* walks that failed in a row */
	kl_ms since_at;                               /* of the state */
	kl_ms expires_at, refresh_at, failback_at, retry_at;
	kl_ms moved_at;          /* last failover or failback; KL_NEVER: none yet */
	enum kl_cause moved_why; /* why the route before was left */
	enum kl_fault moved_fault;
	struct kl_route moved_from;
	uint32_t reg_id; /* of its flow; 0: it needs none */
	bool outbound;   /* the registrar said that it keeps flows apart */
};

struct kl_route_view {
	struct kl_route route;
	const char *name; /* DNS name that led to it, NULL for a literal; until kl_feed() */
	uint32_t record;  /* service record, 1 upward in the order of the walk */
	uint32_t rank;    /* the place of the entry's name that led to it, 1 upward */
	uint32_t place;   /* in the whole answer, growing: in this order the DNS gave the routes */
	uint16_t priority, weight; /* SRV; priority 1 of a name's own address or a literal */
	kl_ms ttl_ms;              /* of its address record; KL_NEVER for a literal */
	bool listed;               /* still in the DNS */
	bool current, primary;
	enum kl_candidate_status status; /* unknown where nobody probes */
	uint16_t last_status;            /* 0: never answered */
	enum kl_fault last_fault;
	kl_ms last_answer_at, last_failure_at;
};

struct kl_engine_view {
	uint32_t calls;   /* up or being placed */
	uint32_t walks;   /* requests under way, REGISTERs apart */
	uint32_t ignored; /* late or unknown answers, absurd events */
	uint32_t forged;  /* transport faults that named no open transaction */
	bool link_down;   /* the host said so */
};

struct kl_subscription_view {
	uint32_t line;
	enum kl_subscription_state state;
	uint32_t failures; /* in a row */
	kl_ms expires_at;  /* of its dialog */
	kl_ms due_at;
	struct kl_binding binding; /* of its dialog; its route has port 0 while there is none */
};

/* KL_EINVAL: there is no such subscription, or it has ended. */
int kl_get_subscription(const struct kl_engine *e, uint64_t token,
			struct kl_subscription_view *view);

/* KL_EINVAL for an index out of range. */
int kl_get_entry(const struct kl_engine *e, uint32_t line, uint32_t entry,
		 struct kl_entry_view *view);
/* The second flow of an entry, with the routes of the entry (OWN-6): active where the line can go
 * on if its own route fails.  KL_EINVAL, too, if its policy wants none. */
int kl_get_second_flow(const struct kl_engine *e, uint32_t line, uint32_t entry,
		       struct kl_entry_view *view);
/* ROUTE counts from 0 in walking order. */
int kl_get_route(const struct kl_engine *e, uint32_t line, uint32_t entry, uint32_t route,
		 struct kl_route_view *view);
void kl_get_engine(const struct kl_engine *e, struct kl_engine_view *view);

/* ---- words ---- */

/* How a text names routes and rules; any member may be NULL.  Texts are put into TO (KL_TEXT_MAX).
 */
struct kl_words {
	void *context;
	/* A route; default "udp 192.0.2.1:5060". */
	void (*route)(void *context, const struct kl_route *route, char *to, size_t size);
	/* The parameter behind a policy value; default the field's name. */
	void (*rule)(void *context, uint32_t line, uint32_t entry, enum kl_policy_field rule,
		     char *to, size_t size);
	const struct kl_config *config; /* entries are named where a line has several */
	bool relative; /* points in time as "in 60 s" from `now`, else as numbers */
	kl_ms now;
};

/* Writes one line of text, cut to SIZE, always terminated.  All return TO. */
char *kl_format_action(char *to, size_t size, const struct kl_action *action,
		       const struct kl_words *words);
char *kl_format_outcome(char *to, size_t size, const struct kl_action_outcome *outcome,
			const struct kl_words *words);
char *kl_format_route(char *to, size_t size, const struct kl_route *route);

#ifdef __cplusplus
}
#endif
#endif
