/* loopback.c - a loopback address in a session description, replaced. */
#include "agent/loopback.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

/* A body as it is written anew. */
struct rewrite {
	const char *host;
	char *to;
	size_t size, length;
	bool has_changed, is_full;
};

static bool is_loopback(const char *text)
{
	struct in6_addr ip6;
	struct in_addr ip4;

	return (inet_pton(AF_INET, text, &ip4) == 1 && ntohl(ip4.s_addr) >> 24 == IN_LOOPBACKNET) ||
	       (inet_pton(AF_INET6, text, &ip6) == 1 && IN6_IS_ADDR_LOOPBACK(&ip6));
}

static void put(struct rewrite *rewrite, const char *bytes, size_t length)
{
	if (length > rewrite->size - rewrite->length) {
		rewrite->is_full = true;
		return;
	}
	memcpy(rewrite->to + rewrite->length, bytes, length);
	rewrite->length += length;
}

/* Takes the next line off a body.  Its line ends are CRLF, or LF alone (RFC 8866 5). */
static bool next_line(struct sip_span *rest, struct sip_span *line)
{
	const char *end = rest->length ? memchr(rest->at, '\n', rest->length) : NULL;

	line->at = rest->at;
	line->length = end ? (size_t)(end + 1 - rest->at) : rest->length;
	rest->at += line->length;
	rest->length -= line->length;
	return line->length > 0;
}

/* ---- a description -------------------------------------------------------------------------- */

static bool begins(struct sip_span line, const char *with)
{
	size_t length = strlen(with);

	return line.length >= length && !memcmp(line.at, with, length);
}

/* "IP4 127.0.0.1" in a line; absent if there is none.  (RFC 8866 5.2, 5.7, RFC 3605 2.1: the
 * address is the last field, with its type before it.) */
static struct sip_span find_in_line(struct sip_span line)
{
	const struct sip_span none = {NULL, 0};
	struct sip_span type = none, field, rest = line;
	char text[INET6_ADDRSTRLEN];

	if (!begins(line, "c=") && !begins(line, "o=") && !begins(line, "a=rtcp:"))
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

static void put_description(struct rewrite *rewrite, struct sip_span description)
{
	const char *type = strchr(rewrite->host, ':') ? "IP6 " : "IP4 ";
	struct sip_span line;

	while (next_line(&description, &line)) {
		struct sip_span found = find_in_line(sip_span_trim(line));
		const char *after;

		if (!found.at) {
			put(rewrite, line.at, line.length);
			continue;
		}
		after = found.at + found.length;
		put(rewrite, line.at, (size_t)(found.at - line.at));
		put(rewrite, type, strlen(type));
		put(rewrite, rewrite->host, strlen(rewrite->host));
		put(rewrite, after, (size_t)(line.at + line.length - after));
		rewrite->has_changed = true;
	}
}

/* ---- the parts of a body -------------------------------------------------------------------- */

static void put_body(struct rewrite *rewrite, struct sip_span type, struct sip_span body,
		     unsigned depth);

/* RFC 2046 5.1.1: "--" and the boundary begin a line, and only blanks, or "--" at the end of all,
 * come after them. */
static bool is_delimiter(struct sip_span line, struct sip_span boundary)
{
	const size_t begin = 2 + boundary.length;
	struct sip_span after;

	if (line.length < begin || memcmp(line.at, "--", 2) ||
	    memcmp(line.at + 2, boundary.at, boundary.length))
		return false;
	after = sip_span_trim((struct sip_span){line.at + begin, line.length - begin});
	return !after.length || sip_span_is(after, "--");
}

/* Writes a part, its delimiter line before it, and takes it off REST.  Its lines are those up to
 * the next delimiter. */
static void put_part(struct rewrite *rewrite, struct sip_span *rest, struct sip_span boundary,
		     unsigned depth)
{
	struct sip_span type = {NULL, 0}, head = *rest, ahead, body, line, value;

	next_line(rest, &line);
	while (next_line(rest, &line) && sip_span_trim(line).length)
		if (sip_span_is(sip_span_trim(sip_span_cut(line, ':', &value)), "Content-Type"))
			type = sip_span_trim(value);
	head.length = (size_t)(rest->at - head.at);
	put(rewrite, head.at, head.length);
	body = ahead = *rest;
	while (next_line(&ahead, &line) && !is_delimiter(line, boundary))
		*rest = ahead;
	body.length = (size_t)(rest->at - body.at);
	put_body(rewrite, type, body, depth);
}

static void put_parts(struct rewrite *rewrite, struct sip_span boundary, struct sip_span body,
		      unsigned depth)
{
	struct sip_span ahead = body, line;

	while (next_line(&ahead, &line)) {
		if (is_delimiter(line, boundary)) {
			put_part(rewrite, &body, boundary, depth);
			ahead = body;
		} else {
			put(rewrite, line.at, line.length);
			body = ahead;
		}
	}
}

/* What is encoded has no such lines: base64 has no "=" but at its end, and quoted-printable writes
 * it as "=3D". */
static void put_body(struct rewrite *rewrite, struct sip_span type, struct sip_span body,
		     unsigned depth)
{
	static const struct sip_span multipart = {"multipart/", 10};
	struct sip_span params = {NULL, 0}, boundary = {NULL, 0};
	struct sip_span name = type.at ? sip_span_trim(sip_span_cut(type, ';', &params))
				       : (struct sip_span){"", 0};

	if (sip_span_is(name, "application/sdp"))
		put_description(rewrite, body);
	else if (depth < AGENT_PARTS_DEPTH && name.length > multipart.length &&
		 sip_span_is((struct sip_span){name.at, multipart.length}, multipart.at) &&
		 sip_param_find(params, "boundary", &boundary) &&
		 (boundary = sip_span_unquote(boundary)).length)
		put_parts(rewrite, boundary, body, depth + 1);
	else
		put(rewrite, body.at, body.length);
}

struct sip_span agent_loopback_body(const struct sip_message *message, const char *host, char *to,
				    size_t size)
{
	const struct sip_header *type = sip_message_header(message, SIP_CONTENT_TYPE, 0);
	struct rewrite rewrite = {.host = host, .to = to, .size = size};

	if (!type || sip_message_header(message, SIP_CONTENT_ENCODING, 0) || is_loopback(host))
		return (struct sip_span){NULL, 0};
	put_body(&rewrite, type->value, message->body, 0);
	if (!rewrite.has_changed || rewrite.is_full)
		return (struct sip_span){NULL, 0};
	return (struct sip_span){to, rewrite.length};
}
