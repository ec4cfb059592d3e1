#include "sip/names.h"

#include <string.h>

static const char *const methods[SIP_METHODS_MAX] = {"?",
#define SIP_METHOD_TEXT(name) #name,
						     SIP_METHODS(SIP_METHOD_TEXT)
#undef SIP_METHOD_TEXT
};

static const struct {
	const char *name;
	size_t length;
	char compact;
} headers[SIP_HEADERS_KNOWN] = {{"?", 1, 0},
#define SIP_HEADER_ROW(id, name, compact) {name, sizeof(name) - 1, compact},
				SIP_HEADERS(SIP_HEADER_ROW)
#undef SIP_HEADER_ROW
};

static const char *const transports[SIP_TRANSPORTS_MAX] = {"?",
#define SIP_TRANSPORT_TEXT(name) #name,
							   SIP_TRANSPORTS(SIP_TRANSPORT_TEXT)
#undef SIP_TRANSPORT_TEXT
};

enum sip_method sip_method_of(struct sip_span name)
{
	for (int i = SIP_METHOD_OTHER + 1; i < SIP_METHODS_MAX; i++)
		if (sip_span_equal(name, sip_span_of(methods[i])))
			return (enum sip_method)i;
	return SIP_METHOD_OTHER;
}

static bool header_has_name(int id, struct sip_span name)
{
	/* ASCII letters differ from their other case in bit 5 alone. */
	if (name.length == 1)
		return headers[id].compact && (name.at[0] | 0x20) == headers[id].compact;
	return name.length == headers[id].length && sip_span_is(name, headers[id].name);
}

enum sip_header_id sip_header_id_of(struct sip_span name)
{
	for (int i = SIP_HEADER_OTHER + 1; i < SIP_HEADERS_KNOWN; i++)
		if (header_has_name(i, name))
			return (enum sip_header_id)i;
	return SIP_HEADER_OTHER;
}

enum sip_transport sip_transport_of(struct sip_span name)
{
	for (int i = SIP_TRANSPORT_OTHER + 1; i < SIP_TRANSPORTS_MAX; i++)
		if (sip_span_is(name, transports[i]))
			return (enum sip_transport)i;
	return SIP_TRANSPORT_OTHER;
}

const char *sip_method_name(enum sip_method method)
{
	return methods[method < SIP_METHODS_MAX ? method : SIP_METHOD_OTHER];
}

const char *sip_header_name(enum sip_header_id id)
{
	return headers[id < SIP_HEADERS_KNOWN ? id : SIP_HEADER_OTHER].name;
}

const char *sip_transport_name(enum sip_transport transport)
{
	return transports[transport < SIP_TRANSPORTS_MAX ? transport : SIP_TRANSPORT_OTHER];
}

static const struct {
	unsigned status;
	const char *phrase;
} phrases[] = {
	{100, "Trying"},
	{180, "Ringing"},
	{181, "Call Is Being Forwarded"},
	{182, "Queued"},
	{183, "Session Progress"},
	{200, "OK"},
	{202, "Accepted"},
	{300, "Multiple Choices"},
	{301, "Moved Permanently"},
	{302, "Moved Temporarily"},
	{305, "Use Proxy"},
	{380, "Alternative Service"},
	{400, "Bad Request"},
	{401, "Unauthorized"},
	{402, "Payment Required"},
	{403, "Forbidden"},
	{404, "Not Found"},
	{405, "Method Not Allowed"},
	{406, "Not Acceptable"},
	{407, "Proxy Authentication Required"},
	{408, "Request Timeout"},
	{410, "Gone"},
	{413, "Request Entity Too Large"},
	{414, "Request-URI Too Long"},
	{415, "Unsupported Media Type"},
	{416, "Unsupported URI Scheme"},
	{420, "Bad Extension"},
	{421, "Extension Required"},
	{422, "Session Interval Too Small"},
	{423, "Interval Too Brief"},
	{480, "Temporarily Unavailable"},
	{481, "Call/Transaction Does Not Exist"},
	{482, "Loop Detected"},
	{483, "Too Many Hops"},
	{484, "Address Incomplete"},
	{485, "Ambiguous"},
	{486, "Busy Here"},
	{487, "Request Terminated"},
	{488, "Not Acceptable Here"},
	{489, "Bad Event"},
	{491, "Request Pending"},
	{493, "Undecipherable"},
	{500, "Server Internal Error"},
	{501, "Not Implemented"},
	{502, "Bad Gateway"},
	{503, "Service Unavailable"},
	{504, "Server Time-out"},
	{505, "Version Not Supported"},
	{513, "Message Too Large"},
	{600, "Busy Everywhere"},
	{603, "Decline"},
	{604, "Does Not Exist Anywhere"},
	{606, "Not Acceptable"},
};

static const char *phrase_of(unsigned status)
{
	for (size_t i = 0; i < sizeof(phrases) / sizeof(*phrases); i++)
		if (phrases[i].status == status)
			return phrases[i].phrase;
	return NULL;
}

/* RFC 3261 8.1.3.2: an unknown final status counts as x00 of its class, an unknown 1xx as 183. */
const char *sip_reason_phrase(unsigned status)
{
	const char *phrase = phrase_of(status);

	if (!phrase)
		phrase = phrase_of(status / 100 == 1 ? 183 : status / 100 * 100);
	return phrase ? phrase : "Unknown";
}
