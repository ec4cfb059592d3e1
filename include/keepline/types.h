/* types.h - time, limits, and the tables of values that keepline.h speaks of.
 *
 * Included by keepline.h, which is the manual.  Each table yields an enum and the function that
 * names its values.
 */
#ifndef KEEPLINE_TYPES_H
#define KEEPLINE_TYPES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef uint64_t kl_ms;
#define KL_NEVER UINT64_MAX

enum {
	KL_ENTRIES_MAX = 4,         /* server entries of one line (Polycom: 1 to 4) */
	KL_SET_ROUTES_MAX = 32,     /* routes of one route set: one bit each in a walk (DNS-7) */
	KL_DNS_RECORDS_MAX = 64,    /* records taken from one answer */
	KL_STATIC_RECORDS_MAX = 18, /* static records of each type (DNS-15) */
	KL_NAME_MAX = 253,          /* bytes of a domain name */
	KL_SPECS_MAX = 4,           /* names of one server entry (PROBE-1) */
	KL_TEXT_MAX = 512, /* bytes that any kl_format_*() text fits in, its NUL included */
};

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
	X(KL_LEAVING, "leaving")                                                                   \
	X(KL_STANDBY, "standing by")                                                               \
	X(KL_DOUBTING, "doubting")

/* What a request is sent for. */
#define KL_PURPOSES(X)                                                                             \
	X(KL_FOR_ITSELF, "itself")             /* REGISTER, or a request of the host */            \
	X(KL_FOR_SUBSCRIPTION, "subscription") /* SUBSCRIBE that makes a dialog */                 \
	X(KL_FOR_REFRESH, "refresh")           /* SUBSCRIBE in the subscription's dialog */        \
	X(KL_FOR_SEIZE, "seize")               /* SUBSCRIBE line-seize for a shared call */

/* A subscription, named for what it waits for. */
#define KL_SUBSCRIPTION_STATES(X)                                                                  \
	X(KL_SUB_WAITING, "waiting") /* for its line's registration, or for its next try */        \
	X(KL_SUB_SUBSCRIBING, "subscribing")                                                       \
	X(KL_SUB_ACTIVE, "active")                                                                 \
	X(KL_SUB_REFRESHING, "refreshing")                                                         \
	X(KL_SUB_LEAVING, "leaving")                                                               \
	X(KL_SUB_ENDED, "ended") /* for good: its place is free */

/* What the Subscription-State of a NOTIFY says (RFC 6665 4.1.3). */
#define KL_NOTIFIED_STATES(X)                                                                      \
	X(KL_NOTIFIED_ACTIVE, "active")                                                            \
	X(KL_NOTIFIED_PENDING, "pending")                                                          \
	X(KL_NOTIFIED_TERMINATED, "terminated")

/* Why a NOTIFY ended a subscription; NONE: not said, or a word that nobody knows. */
#define KL_ENDINGS(X)                                                                              \
	X(KL_ENDING_NONE, "none")                                                                  \
	X(KL_ENDING_DEACTIVATED, "deactivated")                                                    \
	X(KL_ENDING_PROBATION, "probation")                                                        \
	X(KL_ENDING_REJECTED, "rejected")                                                          \
	X(KL_ENDING_TIMEOUT, "timeout")                                                            \
	X(KL_ENDING_GIVEUP, "giveup")                                                              \
	X(KL_ENDING_NORESOURCE, "noresource")                                                      \
	X(KL_ENDING_INVARIANT, "invariant")

/* Why something was decided.  {ms}, {status} and so on stand for the report's fields. */
#define KL_CAUSES(X)                                                                               \
	X(KL_WHY_NONE, "no reason")                                                                \
	X(KL_WHY_STARTED, "told to register")                                                      \
	X(KL_WHY_STOPPED, "told to leave")                                                         \
	X(KL_WHY_NAMES_ASKED, "asking the DNS")                                                    \
	X(KL_WHY_NAMES_FOUND, "routes found: {count}")                                             \
	X(KL_WHY_NAMES_WAITED, "no answer from the DNS in {ms} ms")                                \
	X(KL_WHY_NAMES_FAILED, "its names could not be looked up")                                 \
	X(KL_WHY_NO_ROUTE, "no route: nothing resolved")                                           \
	X(KL_WHY_NO_NAMES, "no route: no useful answer from the DNS")                              \
	X(KL_WHY_RESTORED, "the last records are restored for {ms} ms")                            \
	X(KL_WHY_STALE, "the last records serve on")                                               \
	X(KL_WHY_STATIC, "static records serve for {ms} ms")                                       \
	X(KL_WHY_STATIC_FIRST, "static records come first")                                        \
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
	X(KL_WHY_EXPIRED, "not renewed before its end")                                            \
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
	X(KL_WHY_CUT, "routes that did not fit and were left out: {count}")                        \
	X(KL_WHY_ONE_AT_A_TIME, "one entry at a time is registered")                               \
	X(KL_WHY_TURN, "no entry above it is registered")                                          \
	X(KL_WHY_HIGHER, "a higher entry is registered")                                           \
	X(KL_WHY_ADDRESS_CHANGED, "the address changed")                                           \
	X(KL_WHY_LINK_UP, "the network is back")                                                   \
	X(KL_WHY_LINK_DOWN, "no network on this side")                                             \
	X(KL_WHY_LATE, "late {status} from {route}, let expire")                                   \
	X(KL_WHY_BETTER_UP, "a better route is up")                                                \
	X(KL_WHY_NOT_REGISTERED, "the registration there is over")                                 \
	X(KL_WHY_ASKED, "asked for")                                                               \
	X(KL_WHY_UNASKED, "asked for no more")                                                     \
	X(KL_WHY_REGISTRATION_MOVED, "the line is registered on another route")                    \
	X(KL_WHY_DROPPED, "dropped with its registration")                                         \
	X(KL_WHY_TERMINATED, "the server ended it")                                                \
	X(KL_WHY_NO_WALK, "too many requests are under way")                                       \
	X(KL_WHY_REMEMBERED, "the records of before the restart serve")                            \
	X(KL_WHY_SILENT, "no answer from {route} in {ms} ms")                                      \
	X(KL_WHY_NOT_HEARD, "nothing came from {route} in {ms} ms")                                \
	X(KL_WHY_HEARD, "{route} answers")                                                         \
	X(KL_WHY_FOLLOWS, "a request was answered by {route}")                                     \
	X(KL_WHY_ROUTE_DOWN, "{route} is down")                                                    \
	X(KL_WHY_SECOND_FLOW, "the registrar keeps flows apart")                                   \
	X(KL_WHY_OTHER_FLOW, "the other flow, to {route}, goes on")                                \
	X(KL_WHY_NO_OUTBOUND, "{status} from {route} without outbound")                            \
	X(KL_WHY_FIRST_FLOW, "the flow of the line's requests comes first")                        \
	X(KL_WHY_ONE_SERVER, "both flows led to one server")

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
	X(KL_EV_DIALOG_FAILED, "dialog-failed")                                                    \
	X(KL_EV_ADDRESS_CHANGED, "address-changed")                                                \
	X(KL_EV_LINK_DOWN, "link-down")                                                            \
	X(KL_EV_LINK_UP, "link-up")                                                                \
	X(KL_EV_STREAM_LOST, "stream-lost")                                                        \
	X(KL_EV_SUBSCRIBE, "subscribe")                                                            \
	X(KL_EV_UNSUBSCRIBE, "unsubscribe")                                                        \
	X(KL_EV_NOTIFY, "notify")                                                                  \
	X(KL_EV_SHARED_CALL, "shared-call")

#define KL_ACTIONS(X)                                                                              \
	X(KL_DO_QUERY, "query")                                                                    \
	X(KL_DO_SEND, "send")                                                                      \
	X(KL_DO_ABANDON, "abandon")                                                                \
	X(KL_DO_CLOSE, "close")                                                                    \
	X(KL_DO_OUTCOME, "outcome")                                                                \
	X(KL_DO_SUBSCRIPTION, "subscription")                                                      \
	X(KL_DO_REPORT, "report")                                                                  \
	X(KL_DO_KEEPALIVE, "keepalive")

#define KL_REPORTS(X)                                                                              \
	X(KL_REPORT_STATE, "state")       /* a registration went from one state to another */      \
	X(KL_REPORT_MOVE, "move")         /* a request went from one route to the next */          \
	X(KL_REPORT_ENTRY, "entry")       /* an INVITE went on to another server entry */          \
	X(KL_REPORT_WAIT, "wait")         /* a request waits for the DNS, or did */                \
	X(KL_REPORT_FAILBACK, "failback") /* failback: armed, held back, done by a request */      \
	X(KL_REPORT_CURRENT, "current")   /* without re-registration: another route answered */    \
	X(KL_REPORT_ROUTES, "routes")     /* a route set was found, or changed */                  \
	X(KL_REPORT_LOOKUP, "lookup")     /* a name was not found, or what serves instead */       \
	X(KL_REPORT_WORKING, "working")   /* another entry is the working server, or none is */    \
	X(KL_REPORT_LATE, "late")         /* a late registration that is let expire (TIME-9) */    \
	X(KL_REPORT_HEALTH, "health")     /* the status of a candidate is another (PROBE-3) */

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
	X(KL_FAULT_KEEPALIVE, "keep-alives unanswered")                                            \
	X(KL_FAULT_OVERTAKEN, "another route connected first")

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

/* probed: when a probe finds that a better route is up; the others go by time, or by requests. */
#define KL_FAILBACK_MODE_TABLE(X)                                                                  \
	X(KL_FAILBACK_NEW_REQUESTS, "newRequests")                                                 \
	X(KL_FAILBACK_DNSTTL, "DNSTTL")                                                            \
	X(KL_FAILBACK_REGISTRATION, "registration")                                                \
	X(KL_FAILBACK_DURATION, "duration")                                                        \
	X(KL_FAILBACK_PROBED, "probed")

#define KL_IDLE_SCOPE_TABLE(X)                                                                     \
	X(KL_IDLE_LINE, "line")                                                                    \
	X(KL_IDLE_PHONE, "phone")                                                                  \
	X(KL_IDLE_GROUP, "group")                                                                  \
	X(KL_IDLE_NONE, "none")

#define KL_WEIGHT_ORDER_TABLE(X)                                                                   \
	X(KL_WEIGHT_DRAWN, "drawn")                                                                \
	X(KL_WEIGHT_HIGHEST, "highest")                                                            \
	X(KL_WEIGHT_ANSWER, "answer")

#define KL_FAMILY_ORDER_TABLE(X)                                                                   \
	X(KL_FAMILY_AS_GIVEN, "as-given")                                                          \
	X(KL_FAMILY_IPV6, "ipv6")                                                                  \
	X(KL_FAMILY_IPV4, "ipv4")

#define KL_STATIC_FIRST_TABLE(X)                                                                   \
	X(KL_STATIC_LAST, "none")                                                                  \
	X(KL_STATIC_ADDRESSES_FIRST, "addresses")                                                  \
	X(KL_STATIC_FIRST, "all")

/* What is known of a candidate (PROBE-3, PROBE-4).  Failed: it denied this line's REGISTER. */
#define KL_CANDIDATE_STATUSES(X)                                                                   \
	X(KL_CANDIDATE_UNKNOWN, "unknown")                                                         \
	X(KL_CANDIDATE_UP, "up")                                                                   \
	X(KL_CANDIDATE_DOWN, "down")                                                               \
	X(KL_CANDIDATE_FAILED, "failed")

/* Record types, as on the wire (RFC 1035, 3596, 2782, 3403). */
enum kl_record_type { KL_A = 1, KL_AAAA = 28, KL_SRV = 33, KL_NAPTR = 35 };

enum kl_families { KL_IPV4 = 1, KL_IPV6 = 2 };

/* What to do with a request outside a dialog: kl_may_accept(). */
enum kl_acceptance {
	KL_ACCEPT,
	KL_REFUSE, /* with 403: the address is in no route set of the line */
	KL_DROP,   /* count it, log it, answer nothing: its entry is registered elsewhere, or not */
};

#define KL_ENUM(name, text) name,
#define KL_ENUM_VALUE(name, value, text) name = value,
enum kl_error { KL_OK = 0, KL_IGNORED = 1, KL_ERRORS(KL_ENUM_VALUE) };
enum kl_transport { KL_TRANSPORTS(KL_ENUM) };
enum kl_transport_choice { KL_TRANSPORT_CHOICES(KL_ENUM) };
enum kl_profile { KL_PROFILES_TABLE(KL_ENUM) };
enum kl_method { KL_METHODS(KL_ENUM) };
enum kl_state { KL_STATES(KL_ENUM) };
enum kl_cause { KL_CAUSES(KL_ENUM) };
enum kl_purpose { KL_PURPOSES(KL_ENUM) };
enum kl_subscription_state { KL_SUBSCRIPTION_STATES(KL_ENUM) };
enum kl_notified_state { KL_NOTIFIED_STATES(KL_ENUM) };
enum kl_ending { KL_ENDINGS(KL_ENUM) };
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
enum kl_static_first { KL_STATIC_FIRST_TABLE(KL_ENUM) };
enum kl_family_order { KL_FAMILY_ORDER_TABLE(KL_ENUM) };
enum kl_candidate_status { KL_CANDIDATE_STATUSES(KL_ENUM) };

/* How many values each has. */
#define KL_COUNT(name, text) +1
enum {
	KL_TRANSPORT_CHOICES_MAX = KL_TRANSPORT_CHOICES(KL_COUNT),
	KL_PROFILES = KL_PROFILES_TABLE(KL_COUNT),
	KL_METHODS_MAX = KL_METHODS(KL_COUNT),
	KL_STATES_MAX = KL_STATES(KL_COUNT),
	KL_NOTIFIED_STATES_MAX = KL_NOTIFIED_STATES(KL_COUNT),
	KL_ENDINGS_MAX = KL_ENDINGS(KL_COUNT),
	KL_FAULTS_MAX = KL_FAULTS(KL_COUNT),
	KL_DNS_STATUSES_MAX = KL_DNS_STATUSES(KL_COUNT),
	KL_CHALLENGES_MAX = KL_CHALLENGES(KL_COUNT),
	KL_LAST_ROUTES = KL_LAST_ROUTE_TABLE(KL_COUNT),
	KL_FAST_WINDOWS = KL_FAST_WINDOW_TABLE(KL_COUNT),
	KL_FAILBACK_MODES = KL_FAILBACK_MODE_TABLE(KL_COUNT),
	KL_IDLE_SCOPES = KL_IDLE_SCOPE_TABLE(KL_COUNT),
	KL_WEIGHT_ORDERS = KL_WEIGHT_ORDER_TABLE(KL_COUNT),
	KL_STATIC_FIRSTS = KL_STATIC_FIRST_TABLE(KL_COUNT),
	KL_FAMILY_ORDERS = KL_FAMILY_ORDER_TABLE(KL_COUNT),
};

const char *kl_strerror(int error);
const char *kl_transport_name(enum kl_transport transport);
const char *kl_transport_choice_name(enum kl_transport_choice choice);
const char *kl_profile_name(enum kl_profile profile);
const char *kl_method_name(enum kl_method method);
const char *kl_state_name(enum kl_state state);
const char *kl_subscription_state_name(enum kl_subscription_state state);
const char *kl_notified_state_name(enum kl_notified_state state);
const char *kl_ending_name(enum kl_ending ending);
const char *kl_cause_text(enum kl_cause cause); /* with its {placeholders} */
const char *kl_fault_text(enum kl_fault fault);
const char *kl_dns_status_text(enum kl_dns_status status);
const char *kl_failback_mode_name(enum kl_failback_mode mode);
const char *kl_idle_scope_name(enum kl_idle_scope scope);
const char *kl_candidate_status_name(enum kl_candidate_status status);

#ifdef __cplusplus
}
#endif
#endif
