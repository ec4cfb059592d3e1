/* loopback.c - a loopback address in a session description, replaced. */
#include "agent/loopback.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

static bool is_loopback(const char *text)
{
	struct in6_addr ip6;
	struct in_addr ip4;

	return (inet_pton(AF_INET, text, &ip4) == 1 && ntohl(ip4.s_addr) >> 24 == IN_LOOPBACKNET) ||
	       (inet_pton(AF_INET6, text, &ip6) == 1 && IN6_IS_ADDR_LOOPBACK(&ip6));
}

/* "IP4 127.0.0.1" in a line; absent if there is none.  (RFC 8866 5.2, 5.7: the address is the last
 * field, with its type before it; c= may go on with "/TTL".) */
static struct sip_span find_in_line(struct sip_span line)
{
	const struct sip_span none = {NULL, 0};
	struct sip_span type = none, field, rest = line;
	char text[INET6_ADDRSTRLEN];

	if (line.length < 2 || line.at[1] != '=' || (line.at[0] != 'c' && line.at[0] != 'o'))
		return none;
	do {
		field = sip_span_cut(rest, ' ', &rest);
		if (sip_span_is(field, "IP4") || sip_span_is(field, "IP6"))
			type = field;
	} while (rest.at && !type.at);
	if (!type.at || !rest.at || sip_span_copy(sip_span_trim(rest), text, sizeof(text)))
		return none;
	rest = sip_span_trim(rest);
	if (is_loopback(text))
		return (struct sip_span){type.at, (size_t)(rest.at + rest.length - type.at)};
	return none;
}

/* Takes the next line off a description.  Its line ends are CRLF, or LF alone (RFC 8866 5). */
static bool next_line(struct sip_span *rest, struct sip_span *line)
{
	const char *end = rest->length ? memchr(rest->at, '\n', rest->length) : NULL;

	line->at = rest->at;
	line->length = end ? (size_t)(end + 1 - rest->at) : rest->length;
	rest->at += line->length;
	rest->length -= line->length;
	return line->length > 0;
}

bool agent_loopback_is_in(const struct sip_message *message)
{
	const struct sip_header *type = sip_message_header(message, SIP_CONTENT_TYPE, 0);
	struct sip_span rest = message->body, line, params;

	if (!type ||
	    !sip_span_is(sip_span_trim(sip_span_cut(type->value, ';', &params)), "application/sdp"))
		return false;
	if (sip_message_header(message, SIP_CONTENT_ENCODING, 0))
		return false;
	while (next_line(&rest, &line))
		if (find_in_line(sip_span_trim(line)).at)
			return true;
	return false;
}

struct sip_span agent_loopback_body(const struct sip_message *message, const char *host, char *to,
				    size_t size)
{
	int length = SIP_EABSENT;

	if (!is_loopback(host) && agent_loopback_is_in(message))
		length = agent_loopback_replace(message->body, host, to, size);
	return length < 0 ? (struct sip_span){NULL, 0} : (struct sip_span){to, (size_t)length};
}

int agent_loopback_replace(struct sip_span description, const char *host, char *to, size_t size)
{
	const char *type = strchr(host, ':') ? "IP6" : "IP4";
	struct sip_span line, found;
	size_t length = 0;

	while (next_line(&description, &line)) {
		size_t before = line.length;
		int written;

		found = find_in_line(sip_span_trim(line));
		if (found.at)
			before = (size_t)(found.at - line.at);
		if (before >= size - length)
			return SIP_ESPACE;
		memcpy(to + length, line.at, before);
		length += before;
		if (!found.at)
			continue;
		written = snprintf(to + length, size - length, "%s %s%.*s", type, host,
				   (int)(line.length - before - found.length),
				   found.at + found.length);
		if (written < 0 || (size_t)written >= size - length)
			return SIP_ESPACE;
		length += (size_t)written;
	}
	return (int)length;
}
