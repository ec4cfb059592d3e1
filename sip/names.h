/* names.h - the methods, headers, transports and reason phrases that this code knows by name. */
#ifndef SIP_NAMES_H
#define SIP_NAMES_H

#include "sip/text.h"

#define SIP_METHODS(X)                                                                             \
	X(INVITE)                                                                                  \
	X(ACK)                                                                                     \
	X(BYE)                                                                                     \
	X(CANCEL)                                                                                  \
	X(REGISTER)                                                                                \
	X(OPTIONS)                                                                                 \
	X(SUBSCRIBE)                                                                               \
	X(NOTIFY)                                                                                  \
	X(REFER)                                                                                   \
	X(INFO)                                                                                    \
	X(UPDATE)                                                                                  \
	X(PRACK)                                                                                   \
	X(MESSAGE)                                                                                 \
	X(PUBLISH)

#define SIP_METHOD_VALUE(name) SIP_##name,
enum sip_method { SIP_METHOD_OTHER, SIP_METHODS(SIP_METHOD_VALUE) SIP_METHODS_MAX };
#undef SIP_METHOD_VALUE

/* Identifier, name, compact name (0: none). */
#define SIP_HEADERS(X)                                                                             \
	X(VIA, "Via", 'v')                                                                         \
	X(ROUTE, "Route", 0)                                                                       \
	X(RECORD_ROUTE, "Record-Route", 0)                                                         \
	X(SERVICE_ROUTE, "Service-Route", 0)                                                       \
	X(PATH, "Path", 0)                                                                         \
	X(FROM, "From", 'f')                                                                       \
	X(TO, "To", 't')                                                                           \
	X(CALL_ID, "Call-ID", 'i')                                                                 \
	X(CSEQ, "CSeq", 0)                                                                         \
	X(MAX_FORWARDS, "Max-Forwards", 0)                                                         \
	X(CONTACT, "Contact", 'm')                                                                 \
	X(EXPIRES, "Expires", 0)                                                                   \
	X(MIN_EXPIRES, "Min-Expires", 0)                                                           \
	X(RETRY_AFTER, "Retry-After", 0)                                                           \
	X(FLOW_TIMER, "Flow-Timer", 0)                                                             \
	X(WWW_AUTHENTICATE, "WWW-Authenticate", 0)                                                 \
	X(AUTHORIZATION, "Authorization", 0)                                                       \
	X(PROXY_AUTHENTICATE, "Proxy-Authenticate", 0)                                             \
	X(PROXY_AUTHORIZATION, "Proxy-Authorization", 0)                                           \
	X(AUTHENTICATION_INFO, "Authentication-Info", 0)                                           \
	X(SUPPORTED, "Supported", 'k')                                                             \
	X(REQUIRE, "Require", 0)                                                                   \
	X(PROXY_REQUIRE, "Proxy-Require", 0)                                                       \
	X(UNSUPPORTED, "Unsupported", 0)                                                           \
	X(ALLOW, "Allow", 0)                                                                       \
	X(ALLOW_EVENTS, "Allow-Events", 'u')                                                       \
	X(EVENT, "Event", 'o')                                                                     \
	X(SUBSCRIPTION_STATE, "Subscription-State", 0)                                             \
	X(REFER_TO, "Refer-To", 'r')                                                               \
	X(REFERRED_BY, "Referred-By", 'b')                                                         \
	X(SESSION_EXPIRES, "Session-Expires", 'x')                                                 \
	X(REASON, "Reason", 0)                                                                     \
	X(SUBJECT, "Subject", 's')                                                                 \
	X(TIMESTAMP, "Timestamp", 0)                                                               \
	X(USER_AGENT, "User-Agent", 0)                                                             \
	X(SERVER, "Server", 0)                                                                     \
	X(WARNING, "Warning", 0)                                                                   \
	X(CONTENT_TYPE, "Content-Type", 'c')                                                       \
	X(CONTENT_ENCODING, "Content-Encoding", 'e')                                               \
	X(CONTENT_LENGTH, "Content-Length", 'l')                                                   \
	X(ACCEPT, "Accept", 0)                                                                     \
	X(MIN_SE, "Min-SE", 0)                                                                     \
	X(RSEQ, "RSeq", 0)                                                                         \
	X(RACK, "RAck", 0)

#define SIP_HEADER_VALUE(id, name, compact) SIP_##id,
enum sip_header_id { SIP_HEADER_OTHER, SIP_HEADERS(SIP_HEADER_VALUE) SIP_HEADERS_KNOWN };
#undef SIP_HEADER_VALUE

#define SIP_TRANSPORTS(X)                                                                          \
	X(UDP)                                                                                     \
	X(TCP)                                                                                     \
	X(TLS)

#define SIP_TRANSPORT_VALUE(name) SIP_##name,
enum sip_transport {
	SIP_TRANSPORT_OTHER, /* none named, or one that this code doesn't speak */
	SIP_TRANSPORTS(SIP_TRANSPORT_VALUE) SIP_TRANSPORTS_MAX
};
#undef SIP_TRANSPORT_VALUE

/* Methods compare with case, headers and transports without (RFC 3261 7.1, 7.3.1). */
enum sip_method sip_method_of(struct sip_span name);
enum sip_header_id sip_header_id_of(struct sip_span name); /* full or compact */
enum sip_transport sip_transport_of(struct sip_span name);

/* The full name; "?" for an OTHER. */
const char *sip_method_name(enum sip_method method);
const char *sip_header_name(enum sip_header_id id);
const char *sip_transport_name(enum sip_transport transport);

/* RFC 3261 21's phrase for a status; that of its class (x00) for a status that has none there. */
const char *sip_reason_phrase(unsigned status);

#endif
