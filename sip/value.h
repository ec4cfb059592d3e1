/* value.h - header values decoded: URIs, addresses, Vias, CSeq.
 *
 * libosip2 decodes what stands before a Via's parameters; nothing of it shows here.  Names,
 * parameters and lists are spans into the text that was given, byte for byte as received: libosip2
 * would drop, unescape and recase them.
 * Errors: SIP_EVALUE (grammar), SIP_ERANGE (a number), SIP_EMEMORY; the result is then undefined.
 */
#ifndef SIP_VALUE_H
#define SIP_VALUE_H

#include "sip/names.h"

enum {
	SIP_HOST_MAX = 253,         /* bytes of a domain name, the longest kind of host */
	SIP_CSEQ_MAX = 0x7fffffff,  /* RFC 3261 8.1.1.5: less than 2^31 */
	SIP_BRANCH_COOKIE_SIZE = 7, /* "z9hG4bK" */
};
#define SIP_BRANCH_COOKIE "z9hG4bK" /* RFC 3261 8.1.1.7: how every branch begins */

/* Keeps libosip2 from printing.  Call it once, before anything else of sip/, from one thread. */
void sip_init(void);

struct sip_uri {
	struct sip_span text;        /* the whole of it */
	struct sip_span scheme;      /* "sip"; other schemes have only scheme and text */
	struct sip_span user;        /* escapes as received; absent if there is none */
	struct sip_span params;      /* after the first ';', before '?'; absent if there are none */
	struct sip_span headers;     /* after '?'; absent if there are none */
	bool is_sip;                 /* sip: or sips: */
	bool is_secure;              /* sips: */
	bool is_loose;               /* ;lr, a loose router's URI (RFC 3261 19.1.1) */
	char host[SIP_HOST_MAX + 1]; /* an IPv6 address stands without its brackets */
	char maddr[SIP_HOST_MAX + 1]; /* "" if there is none */
	uint16_t port;                /* 0 if there is none */
	enum sip_transport transport; /* of ;transport= */
};

int sip_uri_parse(struct sip_uri *uri, struct sip_span text);

/* Do both reach the same: scheme, user, host, port and transport (RFC 3261 19.1.4; parameters
 * that only one of them has and that don't tell where it goes are left aside). */
bool sip_uri_equal(const struct sip_uri *a, const struct sip_uri *b);

/* Are two user parts the same, whatever is escaped in them that need not be (19.1.4)? */
bool sip_user_equal(struct sip_span a, struct sip_span b);

/* From, To, Contact, Route, Record-Route, Service-Route, Path, Refer-To: one element of them. */
struct sip_address {
	struct sip_span text;    /* the whole of it */
	struct sip_span display; /* without quotes; absent if there is none */
	struct sip_span uri;     /* without angles; feed to sip_uri_parse() */
	struct sip_span params;  /* after the URI: tag, expires, +sip.instance: sip_param_find() */
	struct sip_span tag;     /* of params; absent if there is none */
	bool is_star;            /* Contact: * */
};

int sip_address_parse(struct sip_address *address, struct sip_span element);

struct sip_via {
	struct sip_span text;   /* the whole of it */
	struct sip_span params; /* after sent-by */
	struct sip_span branch; /* absent if there is none */
	struct sip_span received;
	enum sip_transport transport;
	char host[SIP_HOST_MAX + 1]; /* sent-by; IPv6 without brackets */
	uint16_t port;               /* of sent-by, 0 if there is none */
	bool wants_rport;            /* RFC 3581: ;rport is there */
	uint16_t rport;              /* its value, 0 if it has none */
};

int sip_via_parse(struct sip_via *via, struct sip_span element);

/* The branch is one of RFC 3261: it begins with the cookie and has more. */
bool sip_via_has_cookie(const struct sip_via *via);

struct sip_cseq {
	uint32_t number;
	enum sip_method method;
	struct sip_span method_name;
};

int sip_cseq_parse(struct sip_cseq *cseq, struct sip_span value);

/* Whole seconds of Expires, Min-Expires and the like; what exceeds 2^32-1 is SIP_ERANGE.
 * Retry-After's comment and parameters are passed over (RFC 3261 20.33). */
int sip_seconds_parse(uint32_t *seconds, struct sip_span value);

#endif
