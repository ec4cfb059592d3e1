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
 * Words      Line, server entry, route, route set, current and primary route, failover, failback,
 *            walk, back-off: docs/requirements.md, section 1.  IDs such as TIME-3 are its rows.
 * Units      kl_ms is milliseconds.  A name that ends in _at is a point on the host's monotonic
 *            clock (any origin), KL_NEVER if unset; one that ends in _ms is a length.
 * Ownership  The caller owns the block given to kl_engine_init() (aligned as malloc aligns; it
 *            may be copied, moved or compared between calls).  The configuration is immutable,
 *            outlives the engine, may be shared by many engines, and is the only pointer kept.
 *            Pointers inside an action are good until the next kl_feed().
 * Errors     0 is success; KL_IGNORED (1) a harmless event that changed nothing, counted;
 *            negative a KL_E*, and the engine is unchanged.
 * Threads    One engine, one thread.  Two engines share nothing but their configuration.
 */
#ifndef KEEPLINE_H
#define KEEPLINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef uint64_t kl_ms;
#define KL_NEVER UINT64_MAX

enum {
	KL_ENTRIES_MAX = 4,      /* server entries of one line (Polycom: 1 to 4) */
	KL_SET_ROUTES_MAX = 32,  /* routes of one route set: one bit each in a walk (DNS-7) */
	KL_DNS_RECORDS_MAX = 64, /* records taken from one answer */
	KL_NAME_MAX = 253,       /* bytes of a domain name */
	KL_TEXT_MAX = 512,       /* bytes that any kl_format_*() text fits in, its NUL included */
};

/* Each table below yields an enum and the function that names its values. */

#define KL_ERRORS(X)                                                                               \
	X(KL_EINVAL, -1, "an argument breaks its documented range")                                \
	X(KL_ESIZE, -2, "the block is smaller than kl_engine_size()")                              \
	X(KL_ETIME, -3, "time went backwards")                                                     \
	X(KL_EFULL, -4, "a limit of the configuration is used up")

#define KL_TRANSPORTS(X)                                                                           \
	X(KL_UDP, "udp")                                                                           \
	X(KL_TCP, "tcp")                                                                           \
	X(KL_TLS, "tls")

/* How the transport of an entry is found (DNS-1, DNS-2).  tcp-preferred: TCP, and UDP behind it. */
#define KL_TRANSPORT_CHOICES(X)                                                                    \
	X(KL_CHOOSE_NAPTR, "naptr")                                                                \
	X(KL_CHOOSE_UDP, "udp")                                                                    \
	X(KL_CHOOSE_TCP, "tcp")                                                                    \
	X(KL_CHOOSE_TLS, "tls")                                                                    \
	X(KL_CHOOSE_TCP_PREFERRED, "tcp-preferred")

#define KL_PROFILES_TABLE(X)                                                                       \
	X(KL_PROFILE_POLY, "poly")                                                                 \
	X(KL_PROFILE_POLY_2012, "poly-2012")                                                       \
	X(KL_PROFILE_SPECTRALINK_84, "spectralink-84")                                             \
	X(KL_PROFILE_YEALINK, "yealink")                                                           \
	X(KL_PROFILE_VERSITY, "versity")                                                           \
	X(KL_PROFILE_KEEPLINE, "keepline")

#define KL_METHODS(X)                                                                              \
	X(KL_REGISTER, "REGISTER")                                                                 \
	X(KL_INVITE, "INVITE")                                                                     \
	X(KL_SUBSCRIBE, "SUBSCRIBE")                                                               \
	X(KL_OPTIONS, "OPTIONS")                                                                   \
	X(KL_MESSAGE, "MESSAGE")                                                                   \
	X(KL_PUBLISH, "PUBLISH")                                                                   \
	X(KL_REFER, "REFER")

/* A registration (one line on one server entry), named for what it waits for. */
#define KL_STATES(X)                                                                               \
	X(KL_OFF, "off")                                                                           \
	X(KL_RESOLVING, "resolving")                                                               \
	X(KL_REGISTERING, "registering")                                                           \
	X(KL_REGISTERED, "registered")                                                             \
	X(KL_REFRESHING, "refreshing")                                                             \
	X(KL_FAILING_OVER, "failing over")                                                         \
	X(KL_CLEARING, "clearing")                                                                 \
	X(KL_FAILING_BACK, "failing back")                                                         \
	X(KL_BACKING_OFF, "backing off")                                                           \
	X(KL_LEAVING, "leaving")

/* Why something was decided.  {ms}, {status}, {route}, {fault}, {count} stand for the
 * report's fields. */
#define KL_CAUSES(X)                                                                               \
	X(KL_WHY_NONE, "no reason")                                                                \
	X(KL_WHY_STARTED, "told to register")                                                      \
	X(KL_WHY_STOPPED, "told to leave")                                                         \
	X(KL_WHY_NAMES_ASKED, "asking the DNS")                                                    \
	X(KL_WHY_NAMES_FOUND, "routes found: {count}")                                             \
	X(KL_WHY_NAMES_WAITED, "no answer from the DNS in {ms} ms")                                \
	X(KL_WHY_NO_ROUTE, "no route: nothing resolved")                                           \
	X(KL_WHY_ACCEPTED, "{status} from {route}")                                                \
	X(KL_WHY_LATE_ACCEPTED, "late {status} from {route}")                                      \
	X(KL_WHY_REFUSED, "{status} from {route}")                                                 \
	X(KL_WHY_REDIRECTED, "redirected with {status}")                                           \
	X(KL_WHY_REDIRECT_LOOP, "{status} from {route} leads back to where it came from")          \
	X(KL_WHY_REDIRECTS, "{status} from {route} after {count} redirections")                    \
	X(KL_WHY_NOTHING_GRANTED, "{status} from {route} granted no time")                         \
	X(KL_WHY_CREDENTIALS, "{route} refused the credentials with {status}")                     \
	X(KL_WHY_CHALLENGES, "{route} asked for credentials {count} times")                        \
	X(KL_WHY_UNANSWERABLE, "{route} asked for credentials that the line has not")              \
	X(KL_WHY_NO_ANSWER, "no answer in {ms} ms")                                                \
	X(KL_WHY_NO_FINAL, "no final answer in {ms} ms")                                           \
	X(KL_WHY_STATUS_503, "503")                                                                \
	X(KL_WHY_FAULT, "{fault}")                                                                 \
	X(KL_WHY_WALK_ENDED, "given up {ms} ms after the first send")                              \
	X(KL_WHY_ROUTES_USED_UP, "all routes failed")                                              \
	X(KL_WHY_REFRESH_DUE, "refresh is due")                                                    \
	X(KL_WHY_RETRY_DUE, "back-off is over")                                                    \
	X(KL_WHY_NEEDED, "a request needs a registration")                                         \
	X(KL_WHY_EXPIRED, "the registration ended before it was renewed")                          \
	X(KL_WHY_REQUEST_FAILED, "a request found {route} dead")                                   \
	X(KL_WHY_FAILBACK_DUE, "failback is due")                                                  \
	X(KL_WHY_FAILBACK_GROUP, "another line fails back")                                        \
	X(KL_WHY_FAILBACK_REQUEST, "a new request tries the primary route first")                  \
	X(KL_WHY_FAILBACK_HELD, "failback is due and waits for idle")                              \
	X(KL_WHY_FAILBACK_DIRECT, "the next request tries {route}, where a registration lives")    \
	X(KL_WHY_FAILBACK_FAILED, "no better route accepted")                                      \
	X(KL_WHY_CLEARED, "unregistered")                                                          \
	X(KL_WHY_ROUTE_GONE, "{route} left the DNS")                                               \
	X(KL_WHY_REGISTRATION_FAILED, "the registration that it waited for failed")                \
	X(KL_WHY_ANSWERED, "{status} from {route}")                                                \
	X(KL_WHY_CANCELLED, "cancelled")                                                           \
	X(KL_WHY_LEFT, "the line left")                                                            \
	X(KL_WHY_CUT, "routes that did not fit and were left out: {count}")

#define KL_EVENTS(X)                                                                               \
	X(KL_EV_TIME, "time")                                                                      \
	X(KL_EV_LINE_START, "line-start")                                                          \
	X(KL_EV_LINE_STOP, "line-stop")                                                            \
	X(KL_EV_REQUEST, "request")                                                                \
	X(KL_EV_CANCEL, "cancel")                                                                  \
	X(KL_EV_CALL_BEGAN, "call-began")                                                          \
	X(KL_EV_CALL_ENDED, "call-ended")                                                          \
	X(KL_EV_RESPONSE, "response")                                                              \
	X(KL_EV_TRANSPORT, "transport")                                                            \
	X(KL_EV_DNS, "dns")                                                                        \
	X(KL_EV_STREAM_LOST, "stream-lost")

#define KL_ACTIONS(X)                                                                              \
	X(KL_DO_QUERY, "query")                                                                    \
	X(KL_DO_SEND, "send")                                                                      \
	X(KL_DO_ABANDON, "abandon")                                                                \
	X(KL_DO_CLOSE, "close")                                                                    \
	X(KL_DO_OUTCOME, "outcome")                                                                \
	X(KL_DO_REPORT, "report")

#define KL_REPORTS(X)                                                                              \
	X(KL_REPORT_STATE, "state")       /* a registration went from one state to another */      \
	X(KL_REPORT_MOVE, "move")         /* a request went from one route to the next */          \
	X(KL_REPORT_ENTRY, "entry")       /* an INVITE went on to another server entry */          \
	X(KL_REPORT_WAIT, "wait")         /* a request waits for the DNS, or did */                \
	X(KL_REPORT_FAILBACK, "failback") /* failback: armed, held back, done by a request */      \
	X(KL_REPORT_CURRENT, "current")   /* without re-registration: another route answered */    \
	X(KL_REPORT_ROUTES, "routes")     /* a route set was found, or changed */                  \
	X(KL_REPORT_LOOKUP, "lookup")     /* a name was not found */

/* What the transport layer can tell of a route (TRIG-1, TRIG-4). */
#define KL_FAULTS(X)                                                                               \
	X(KL_FAULT_NONE, "no fault")                                                               \
	X(KL_FAULT_NET, "ICMP: network unreachable")                                               \
	X(KL_FAULT_HOST, "ICMP: host unreachable")                                                 \
	X(KL_FAULT_PROTOCOL, "ICMP: protocol unreachable")                                         \
	X(KL_FAULT_PORT, "ICMP: port unreachable")                                                 \
	X(KL_FAULT_PROHIBITED, "ICMP: prohibited")                                                 \
	X(KL_FAULT_HOPS, "ICMP: time exceeded")                                                    \
	X(KL_FAULT_SEND, "the send failed")                                                        \
	X(KL_FAULT_REFUSED, "connection refused")                                                  \
	X(KL_FAULT_TLS, "TLS: no trusted connection")                                              \
	X(KL_FAULT_STREAM_LOST, "connection lost")                                                 \
	X(KL_FAULT_KEEPALIVE, "keep-alives unanswered")

#define KL_DNS_STATUSES(X)                                                                         \
	X(KL_DNS_ANSWER, "answered")                                                               \
	X(KL_DNS_NEGATIVE, "no such name or record")                                               \
	X(KL_DNS_FAILED, "the DNS server answered with an error")                                  \
	X(KL_DNS_SILENT, "no DNS server answered")

/* A 401 or 407 as the host's digest code judges it (TRIG-8). */
#define KL_CHALLENGES(X)                                                                           \
	X(KL_CHALLENGE_NEW, "new")                   /* answerable; not yet answered */            \
	X(KL_CHALLENGE_STALE, "stale")               /* our nonce was too old, the rest right */   \
	X(KL_CHALLENGE_REFUSED, "refused")           /* our answer to this route's own nonce */    \
	X(KL_CHALLENGE_UNANSWERABLE, "unanswerable") /* foreign realm, unknown algorithm */

#define KL_LAST_ROUTE_TABLE(X)                                                                     \
	X(KL_LAST_REST, "rest")                                                                    \
	X(KL_LAST_WHOLE, "whole")

/* tcp_fast_failover without a gap of its own: a time that is given, or what UDP would take. */
#define KL_FAST_WINDOW_TABLE(X)                                                                    \
	X(KL_FAST_GIVEN, "given")                                                                  \
	X(KL_FAST_AS_UDP, "as-udp")

#define KL_FAILBACK_MODE_TABLE(X)                                                                  \
	X(KL_FAILBACK_NEW_REQUESTS, "newRequests")                                                 \
	X(KL_FAILBACK_DNSTTL, "DNSTTL")                                                            \
	X(KL_FAILBACK_REGISTRATION, "registration")                                                \
	X(KL_FAILBACK_DURATION, "duration")

#define KL_IDLE_SCOPE_TABLE(X)                                                                     \
	X(KL_IDLE_LINE, "line")                                                                    \
	X(KL_IDLE_PHONE, "phone")                                                                  \
	X(KL_IDLE_GROUP, "group")                                                                  \
	X(KL_IDLE_NONE, "none")

#define KL_WEIGHT_ORDER_TABLE(X)                                                                   \
	X(KL_WEIGHT_DRAWN, "drawn")                                                                \
	X(KL_WEIGHT_HIGHEST, "highest")                                                            \
	X(KL_WEIGHT_ANSWER, "answer")

#define KL_ENUM(name, text) name,
#define KL_ENUM_VALUE(name, value, text) name = value,
enum kl_error { KL_OK = 0, KL_IGNORED = 1, KL_ERRORS(KL_ENUM_VALUE) };
enum kl_transport { KL_TRANSPORTS(KL_ENUM) };
enum kl_transport_choice { KL_TRANSPORT_CHOICES(KL_ENUM) };
enum kl_profile { KL_PROFILES_TABLE(KL_ENUM) };
enum kl_method { KL_METHODS(KL_ENUM) };
enum kl_state { KL_STATES(KL_ENUM) };
enum kl_cause { KL_CAUSES(KL_ENUM) };
enum kl_event_type { KL_EVENTS(KL_ENUM) };
enum kl_action_type { KL_ACTIONS(KL_ENUM) };
enum kl_report_type { KL_REPORTS(KL_ENUM) };
enum kl_fault { KL_FAULTS(KL_ENUM) };
enum kl_dns_status { KL_DNS_STATUSES(KL_ENUM) };
enum kl_challenge { KL_CHALLENGES(KL_ENUM) };
enum kl_last_route { KL_LAST_ROUTE_TABLE(KL_ENUM) };
enum kl_fast_window { KL_FAST_WINDOW_TABLE(KL_ENUM) };
enum kl_failback_mode { KL_FAILBACK_MODE_TABLE(KL_ENUM) };
enum kl_idle_scope { KL_IDLE_SCOPE_TABLE(KL_ENUM) };
enum kl_weight_order { KL_WEIGHT_ORDER_TABLE(KL_ENUM) };

/* How many values each has. */
#define KL_COUNT(name, text) +1
enum {
	KL_TRANSPORT_CHOICES_MAX = KL_TRANSPORT_CHOICES(KL_COUNT),
	KL_PROFILES = KL_PROFILES_TABLE(KL_COUNT),
	KL_METHODS_MAX = KL_METHODS(KL_COUNT),
	KL_STATES_MAX = KL_STATES(KL_COUNT),
	KL_FAULTS_MAX = KL_FAULTS(KL_COUNT),
	KL_DNS_STATUSES_MAX = KL_DNS_STATUSES(KL_COUNT),
	KL_CHALLENGES_MAX = KL_CHALLENGES(KL_COUNT),
	KL_LAST_ROUTES = KL_LAST_ROUTE_TABLE(KL_COUNT),
	KL_FAST_WINDOWS = KL_FAST_WINDOW_TABLE(KL_COUNT),
	KL_FAILBACK_MODES = KL_FAILBACK_MODE_TABLE(KL_COUNT),
	KL_IDLE_SCOPES = KL_IDLE_SCOPE_TABLE(KL_COUNT),
	KL_WEIGHT_ORDERS = KL_WEIGHT_ORDER_TABLE(KL_COUNT),
};

const char *kl_strerror(int error);
const char *kl_transport_name(enum kl_transport transport);
const char *kl_transport_choice_name(enum kl_transport_choice choice);
const char *kl_profile_name(enum kl_profile profile);
const char *kl_method_name(enum kl_method method);
const char *kl_state_name(enum kl_state state);
const char *kl_cause_text(enum kl_cause cause); /* with its {placeholders} */
const char *kl_event_name(enum kl_event_type type);
const char *kl_fault_text(enum kl_fault fault);
const char *kl_dns_status_text(enum kl_dns_status status);
const char *kl_failback_mode_name(enum kl_failback_mode mode);
const char *kl_idle_scope_name(enum kl_idle_scope scope);

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
 * included (BACK-1). */
void kl_policy_backoff(const struct kl_policy *policy, uint32_t failures, kl_ms *least_ms,
		       kl_ms *most_ms);

/* ---- configuration ---- */

/* One server entry of a line.  `name` is where its requests go: the server's address or, where
 * the entry goes through one, the outbound proxy's: a domain name or a literal IP address. */
struct kl_entry_config {
	const char *name;
	uint16_t port;            /* 0: let the DNS say (DNS-1..3) */
	uint8_t transport_choice; /* enum kl_transport_choice */
	bool registers;           /* REG-3 */
	const struct kl_policy *policy;
};

struct kl_line_config {
	const struct kl_entry_config *entries; /* the primary entry first */
	uint8_t entry_count;                   /* 1..KL_ENTRIES_MAX */
	uint16_t group;                        /* lines of one group share KL_IDLE_GROUP */
};

/* How much an engine can hold; fixes the size of its block.  What does not fit is cut and
 * reported (routes), or refused with KL_EFULL (requests). */
struct kl_limits {
	uint32_t sets;       /* distinct (name, port, transport choice) of all entries */
	uint32_t routes;     /* distinct routes, all sets together */
	uint32_t set_routes; /* routes of one set, up to KL_SET_ROUTES_MAX */
	uint32_t queries;    /* DNS questions remembered */
	uint32_t records;    /* DNS records remembered */
	uint32_t name_bytes; /* names learned from the DNS */
	uint32_t walks; /* requests under way at one time; one for each registration is its own */
};

enum kl_families { KL_IPV4 = 1, KL_IPV6 = 2 };

struct kl_config {
	const struct kl_line_config *lines;
	uint32_t line_count;
	uint8_t transports; /* bit (1 << enum kl_transport) for each that the host can use */
	uint8_t families;   /* enum kl_families, or both: which addresses are asked for */
	struct kl_limits limits;
};

/* Is CHOICE to be had with these transports (as in struct kl_config)? */
bool kl_transports_allow(uint8_t transports, enum kl_transport_choice choice);

/* Sets CONFIG's limits to what its lines need with room to spare: whole route sets, and two
 * requests of the host for each line at one time. */
void kl_limits_default(struct kl_config *config);

/* Checks ranges, limits, names.  0, or KL_EINVAL with one sentence in WHY. */
int kl_config_check(const struct kl_config *config, char *why, size_t why_size);

/* ---- the engine ---- */

struct kl_engine;

/* One place to send to.  IPv4 is ::ffff:a.b.c.d. */
struct kl_route {
	uint8_t ip[16];
	uint16_t port;     /* 1..65535 */
	uint8_t transport; /* enum kl_transport */
};

/* Names one client transaction (one request on one route).  Ids are never used twice within
 * 2^32 transactions, so a late answer can't hit a newer one.  0 names none. */
typedef uint64_t kl_tx;

/* Record types, as on the wire (RFC 1035, 3596, 2782, 3403). */
enum kl_record_type { KL_A = 1, KL_AAAA = 28, KL_SRV = 33, KL_NAPTR = 35 };

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

/* REQUEST asks for a request outside a dialog to be sent; its end comes back as an OUTCOME.  An
 * INVITE counts as a call of its line from here on, and after a 2xx until CALL_ENDED; so
 * CALL_BEGAN is for incoming calls alone. */
struct kl_event_request {
	uint64_t token;        /* the host's name for the request, returned with its outcome */
	enum kl_method method; /* any but KL_REGISTER */
};

struct kl_event_response {
	kl_tx tx;                    /* of the action that sent the request */
	uint16_t status;             /* 100..699 */
	enum kl_challenge challenge; /* 401 and 407 only */
	kl_ms granted_ms;            /* 2xx to REGISTER: the time granted to our contact, 0: none */
	kl_ms min_expires_ms;        /* 423 */
	kl_ms retry_after_ms;        /* 503; 0: not said */
	/* 3xx: where its Contact leads, resolved by the host; port 0: nowhere that the host can
	 * send to.  A Contact that differs in the URI alone is for the host: a new request. */
	struct kl_route redirect;
};

/* TRANSPORT: a route failed a request.  All faults but SEND serve every open request on it.
 *
 * STREAM_LOST: the stream to a route ended, and not because of KL_DO_CLOSE or the host's own idle
 * time: the far end closed it (STREAM_LOST) or left keep-alives unanswered (KEEPALIVE).  Requests
 * that wait on it move on; registrations that it carried are lost (TRIG-6).  `tx` is not used. */
struct kl_event_transport {
	struct kl_route route; /* the dead destination, by value */
	enum kl_fault fault;
	/* The transaction whose branch the ICMP message quoted (TRIG-1), whose send failed, or
	 * that waited for the stream.  0, an unknown or an ended one moves nothing and is counted.
	 */
	kl_tx tx;
};

struct kl_event_dns {
	uint32_t query; /* of the action that asked */
	enum kl_dns_status status;
	uint32_t count; /* records; more than KL_DNS_RECORDS_MAX are not looked at */
	const struct kl_dns_record *records;
};

struct kl_event {
	enum kl_event_type type;
	uint32_t line; /* LINE_*, REQUEST, CALL_*: index in the configuration */
	union {
		struct kl_event_request request; /* REQUEST, and its token for CANCEL */
		struct kl_event_response response;
		struct kl_event_transport transport; /* TRANSPORT, STREAM_LOST */
		struct kl_event_dns dns;
	};
};

/* Ask the DNS; feed KL_EV_DNS with the same `query`, whatever comes of it.  */
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
	uint64_t token;   /* of the host's request; 0 for REGISTER */
	uint32_t attempt; /* 1: first send on this route */
	uint32_t cseq;    /* 1 upward.  REGISTER: grows with each transaction of a Call-ID;
			   * else: grows with each repeat after a challenge (TIME-8) */
	uint32_t call_id; /* REGISTER: counts the registration's Call-IDs (REG-4) */
	kl_ms expires_ms; /* REGISTER: the time to ask for; 0 unregisters */
};

/* Where a request was answered; the host keeps it with the dialog that the request made. */
struct kl_binding {
	uint32_t line;
	uint32_t entry;
	struct kl_route route;
	bool redirected; /* `route` is the target of a redirection, no route of the entry */
};

/* How a request of the host ended. */
struct kl_action_outcome {
	uint64_t token;
	uint16_t status; /* the final answer's; 408, 487 or 503 when made here */
	bool local;      /* made here: no route gave a final answer */
	enum kl_cause why;
	enum kl_fault fault;  /* KL_WHY_FAULT */
	kl_ms ms;             /* KL_WHY_NO_ANSWER and its like */
	kl_ms retry_after_ms; /* of a final 503; 0: not said */
	struct kl_binding binding;
};

/* A decision, for people and logs (SEE-2). */
struct kl_report {
	enum kl_report_type type;
	enum kl_cause why;
	enum kl_policy_field rule; /* the policy value that ruled it */
	uint32_t line, entry;
	enum kl_state from, to;      /* STATE */
	enum kl_method method;       /* MOVE */
	struct kl_route left, route; /* MOVE: from, to.  Else `route` is the one spoken of */
	enum kl_fault fault;
	uint16_t status;
	uint32_t count;
	kl_ms ms;
	bool active; /* STATE: a registration is active */
	bool in_failover;
	kl_ms failback_at, retry_at; /* STATE: what is planned */
	const char *name;            /* ROUTES, LOOKUP: the name asked for */
	enum kl_dns_status dns;      /* LOOKUP */
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
		struct {
			kl_tx tx;
			enum kl_method method;
		} abandon;
		/* CLOSE: drop the stream to this route, or stop connecting: nothing came on it, and
		 * nobody needs it.  The next request connects again. */
		struct {
			struct kl_route route;
		} close;
		struct kl_action_outcome outcome;
		struct kl_report report;
	};
};

/* Bytes of the block that an engine with this configuration needs. */
size_t kl_engine_size(const struct kl_config *config);

/* Makes an engine in the caller's block E of SIZE bytes.  SEED makes its random draws.
 * All lines are off: start each with KL_EV_LINE_START.  KL_EINVAL, KL_ESIZE. */
int kl_engine_init(struct kl_engine *e, size_t size, const struct kl_config *config, uint64_t seed,
		   kl_ms now);

/* Tells the engine that one thing happened.  NOW must not be before the last call's (KL_ETIME).
 * Actions need not be drained before the next event: what the event made pointless vanishes.
 * KL_EFULL: a request came while limits.walks are under way. */
int kl_feed(struct kl_engine *e, const struct kl_event *event, kl_ms now);

/* Takes the next thing to do.  False: nothing, until the next kl_feed(). */
bool kl_next_action(struct kl_engine *e, struct kl_action *action);

/* When KL_EV_TIME must be fed at the latest; KL_NEVER: not needed. */
kl_ms kl_deadline(const struct kl_engine *e);

/* May the host send a request inside a dialog that was made under BINDING (FAIL-5, FAIL-6)?
 * False: the call ends locally and nothing is sent. */
bool kl_may_signal(const struct kl_engine *e, const struct kl_binding *binding);

/* ---- what anyone may look at; filled by copy ---- */

/* One registration: a line on one of its entries (SEE-1). */
struct kl_entry_view {
	enum kl_state state;
	bool registers, active, in_failover, working; /* working: the line's working server */
	bool failback_held;                           /* due, and waits for idle */
	uint32_t routes;                              /* how many kl_get_route() can show */
	int32_t current, primary;                     /* index for kl_get_route(), or -1 */
	uint32_t failures;                            /* walks that failed in a row */
	kl_ms since_at;                               /* of the state */
	kl_ms expires_at, refresh_at, failback_at, retry_at;
	kl_ms moved_at;          /* last failover or failback; KL_NEVER: none yet */
	enum kl_cause moved_why; /* why the route before was left */
	enum kl_fault moved_fault;
	struct kl_route moved_from;
};

struct kl_route_view {
	struct kl_route route;
	const char *name; /* DNS name that led to it, NULL for a literal; until kl_feed() */
	uint32_t record;  /* service record, 1 upward in the order of the walk */
	uint16_t priority, weight; /* SRV */
	kl_ms ttl_ms;              /* of its address record; KL_NEVER for a literal */
	bool listed;               /* still in the DNS */
	bool current, primary;
	uint16_t last_status; /* 0: never answered */
	enum kl_fault last_fault;
	kl_ms last_answer_at, last_failure_at;
};

struct kl_engine_view {
	uint32_t calls;   /* up or being placed */
	uint32_t walks;   /* requests of the host under way */
	uint32_t ignored; /* late or unknown answers, absurd events */
	uint32_t forged;  /* transport faults that named no open transaction */
};

/* KL_EINVAL for an index out of range. */
int kl_get_entry(const struct kl_engine *e, uint32_t line, uint32_t entry,
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

/* Writes one line of text, cut to SIZE, always terminated.  Both return TO. */
char *kl_format_action(char *to, size_t size, const struct kl_action *action,
		       const struct kl_words *words);
char *kl_format_route(char *to, size_t size, const struct kl_route *route);

#ifdef __cplusplus
}
#endif
#endif
