#include "sip/value.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <osipparser2/osip_parser.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void ignore_trace(const char *file, int line, osip_trace_level_t level, const char *format,
			 va_list arguments)
{
	(void)file, (void)line, (void)level, (void)format, (void)arguments;
}

void sip_init(void)
{
	osip_trace_initialize_func(OSIP_FATAL, ignore_trace);
}

/* ---- checks that libosip2 leaves out ------------------------------------------------------- */

static bool is_name_or_ip4(struct sip_span host)
{
	for (size_t i = 0; i < host.length; i++)
		if (!isalnum((unsigned char)host.at[i]) && !strchr("-._", host.at[i]))
			return false;
	return host.length > 0;
}

/* A domain name, an IPv4 address, or a bracketed IPv6 address; without its brackets to BUFFER. */
static int host_parse(char buffer[SIP_HOST_MAX + 1], struct sip_span host)
{
	struct in6_addr ip6;

	if (host.length < 2 || host.at[0] != '[' || host.at[host.length - 1] != ']')
		return is_name_or_ip4(host) && sip_span_copy(host, buffer, SIP_HOST_MAX + 1) == 0
			       ? 0
			       : SIP_EVALUE;
	host = (struct sip_span){host.at + 1, host.length - 2};
	if (sip_span_copy(host, buffer, SIP_HOST_MAX + 1) != 0)
		return SIP_EVALUE;
	return inet_pton(AF_INET6, buffer, &ip6) == 1 ? 0 : SIP_EVALUE;
}

/* libosip2 takes off the brackets, of whatever they hold: WHERE is the text that it read. */
static int decoded_host_parse(char buffer[SIP_HOST_MAX + 1], const char *host,
			      struct sip_span where)
{
	char bracketed[SIP_HOST_MAX + 3];

	if (!host)
		return SIP_EVALUE;
	if (!memchr(where.at, '[', where.length))
		return host_parse(buffer, sip_span_of(host));
	if (snprintf(bracketed, sizeof(bracketed), "[%s]", host) >= (int)sizeof(bracketed))
		return SIP_EVALUE;
	return host_parse(buffer, sip_span_of(bracketed));
}

/* 1..65535; no text leaves *port 0. */
static int port_parse(uint16_t *port, struct sip_span text)
{
	uint32_t number = 0;
	int error;

	*port = 0;
	if (!text.at)
		return 0;
	error = sip_span_number(text, UINT16_MAX, &number);
	if (error != 0)
		return error;
	*port = (uint16_t)number;
	return number == 0 ? SIP_ERANGE : 0;
}

static bool is_quoted(struct sip_span text)
{
	struct sip_span inside = sip_span_unquote(text);

	if (inside.length == text.length)
		return false;
	for (size_t i = 0; i < inside.length; i++) {
		if (inside.at[i] == '"')
			return false;
		if (inside.at[i] == '\\' && ++i == inside.length)
			return false;
	}
	return true;
}

/* Each parameter is a token, alone or with a value that is quoted or holds no blank or quote. */
static bool params_are_valid(struct sip_span params)
{
	struct sip_param param;

	while (sip_param_next(&params, ';', &param)) {
		if (!sip_span_is_token(param.name))
			return false;
		if (!param.value.at || is_quoted(param.value))
			continue;
		if (param.value.length == 0)
			return false;
		for (size_t i = 0; i < param.value.length; i++)
			if (strchr(" \t\"<>,", param.value.at[i])) /* NUL, too */
				return false;
	}
	return true;
}

/* ---- URIs ---------------------------------------------------------------------------------- */

/* All that is printed but <>"\^`{|} and the blank. */
static const bool
	uri_chars[UINT8_MAX + 1] =
		{
			['!'] = true,         ['#' ... ';'] = true, ['='] = true,
			['?' ... '['] = true, [']'] = true,         ['_'] = true,
			['a' ... 'z'] = true, ['~'] = true,
};

static bool has_only_uri_chars(struct sip_span text)
{
	for (size_t i = 0; i < text.length; i++)
		if (!uri_chars[(unsigned char)text.at[i]])
			return false;
	return true;
}

static struct sip_span span_between(const char *from, const char *to)
{
	return (struct sip_span){from, (size_t)(to - from)};
}

static const char *find_first_of(struct sip_span text, const char *set)
{
	for (size_t i = 0; i < text.length; i++)
		if (strchr(set, text.at[i]))
			return text.at + i;
	return text.at + text.length;
}

/* Finds user, params and headers; returns host and port.  Only the user part ends with an unescaped
 * '@' (RFC 3261 25.1), and it may hold ';' and '?'. */
static struct sip_span uri_find_spans(struct sip_uri *uri, struct sip_span after_scheme)
{
	const char *end = after_scheme.at + after_scheme.length;
	const char *at = memchr(after_scheme.at, '@', after_scheme.length);
	struct sip_span where = span_between(at ? at + 1 : after_scheme.at, end);
	const char *question = find_first_of(where, "?");
	const char *semicolon = find_first_of(span_between(where.at, question), ";");

	if (at)
		uri->user = span_between(after_scheme.at, at);
	if (question < end)
		uri->headers = span_between(question + 1, end);
	if (semicolon < question)
		uri->params = span_between(semicolon + 1, question);
	return span_between(where.at, semicolon);
}

/* host, or host ":" port.  An IPv6 address has colons of its own, in brackets. */
static int uri_decode(struct sip_uri *uri, struct sip_span where)
{
	const char *end = where.at + where.length;
	const char *bracket = memchr(where.at, ']', where.length);
	const char *behind = bracket ? bracket : where.at;
	const char *colon = memchr(behind, ':', (size_t)(end - behind));
	const struct sip_span absent = {NULL, 0};

	if (host_parse(uri->host, span_between(where.at, colon ? colon : end)))
		return SIP_EVALUE;
	return port_parse(&uri->port, colon ? span_between(colon + 1, end) : absent);
}

/* The parameters that say where the URI goes (RFC 3261 19.1.1). */
static int uri_read_params(struct sip_uri *uri)
{
	struct sip_span value = {NULL, 0};

	uri->is_loose = sip_param_find(uri->params, "lr", NULL);
	if (sip_param_find(uri->params, "transport", &value))
		uri->transport = sip_transport_of(value);
	if (sip_param_find(uri->params, "maddr", &value))
		return host_parse(uri->maddr, value);
	return 0;
}

int sip_uri_parse(struct sip_uri *uri, struct sip_span text)
{
	struct sip_span after_scheme, where;
	int error;

	*uri = (struct sip_uri){.text = text};
	uri->scheme = sip_span_cut(text, ':', &after_scheme);
	if (!sip_span_is_token(uri->scheme) || after_scheme.length == 0 ||
	    !has_only_uri_chars(text))
		return SIP_EVALUE;
	uri->is_secure = sip_span_is(uri->scheme, "sips");
	uri->is_sip = uri->is_secure || sip_span_is(uri->scheme, "sip");
	if (!uri->is_sip)
		return 0;
	where = uri_find_spans(uri, after_scheme);
	if ((uri->user.at && uri->user.length == 0) || memchr(where.at, '@', where.length) ||
	    !params_are_valid(uri->params))
		return SIP_EVALUE;
	error = uri_read_params(uri);
	return error == 0 ? uri_decode(uri, where) : error;
}

static int hex_digit(char c)
{
	static const char digits[] = "0123456789abcdef";
	const char *found = c ? strchr(digits, c | (c > '9' ? 0x20 : 0)) : NULL;

	return found ? (int)(found - digits) : -1;
}

/* Takes a character off a user part; -1: there is none left.  A reserved one that is escaped is
 * another than itself. */
static int next_character(struct sip_span *user)
{
	int high, low, c;

	if (user->length == 0)
		return -1;
	c = (unsigned char)*user->at++;
	user->length--;
	if (c != '%' || user->length < 2)
		return c;
	high = hex_digit(user->at[0]);
	low = hex_digit(user->at[1]);
	if (high < 0 || low < 0)
		return c;
	user->at += 2;
	user->length -= 2;
	c = high * 16 + low;
	return c && strchr(";/?:@&=+$,%", c) ? c + UINT8_MAX + 1 : c;
}

bool sip_user_equal(struct sip_span a, struct sip_span b)
{
	int in_a, in_b;

	do {
		in_a = next_character(&a);
		in_b = next_character(&b);
	} while (in_a == in_b && in_a >= 0);
	return in_a == in_b;
}

bool sip_uri_equal(const struct sip_uri *a, const struct sip_uri *b)
{
	if (!a->is_sip || !b->is_sip)
		return sip_span_equal(a->text, b->text);
	return a->is_secure == b->is_secure && sip_user_equal(a->user, b->user) &&
	       sip_span_is(sip_span_of(a->host), b->host) && a->port == b->port &&
	       a->transport == b->transport;
}

/* ---- addresses ----------------------------------------------------------------------------- */

/* `"Display" <uri>;params` or `Display words <uri>;params`. */
static int address_split_angled(struct sip_address *address, const char *open)
{
	const char *end = address->text.at + address->text.length;
	const char *close = memchr(open, '>', (size_t)(end - open));
	struct sip_span display = sip_span_trim(span_between(address->text.at, open));
	struct sip_span rest;

	if (!close)
		return SIP_EVALUE;
	if (display.length > 0 && !is_quoted(display) && memchr(display.at, '"', display.length))
		return SIP_EVALUE;
	if (display.length > 0)
		address->display = sip_span_unquote(display);
	address->uri = span_between(open + 1, close);
	rest = sip_span_trim(span_between(close + 1, end));
	if (rest.length > 0 && rest.at[0] != ';')
		return SIP_EVALUE;
	if (rest.length > 0)
		address->params = (struct sip_span){rest.at + 1, rest.length - 1};
	return 0;
}

/* Without angles, what follows the first ';' belongs to the header, and the URI may hold no '?' or
 * ',' (RFC 3261 20.10). */
static int address_split_bare(struct sip_address *address)
{
	address->uri = sip_span_trim(sip_span_cut(address->text, ';', &address->params));
	if (memchr(address->uri.at, '?', address->uri.length) ||
	    memchr(address->uri.at, ',', address->uri.length))
		return SIP_EVALUE;
	return 0;
}

static const char *find_angle(struct sip_span text)
{
	struct sip_span rest;
	struct sip_span before = sip_span_cut(text, '<', &rest);

	return rest.at ? before.at + before.length : NULL;
}

int sip_address_parse(struct sip_address *address, struct sip_span element)
{
	const char *open;
	struct sip_uri uri;
	int error;

	*address = (struct sip_address){.text = sip_span_trim(element)};
	if (address->text.length == 0)
		return SIP_EVALUE;
	if (sip_span_is(address->text, "*")) {
		address->is_star = true;
		return 0;
	}
	open = find_angle(address->text);
	error = open ? address_split_angled(address, open) : address_split_bare(address);
	if (error != 0)
		return error;
	if (!params_are_valid(address->params))
		return SIP_EVALUE;
	sip_param_find(address->params, "tag", &address->tag);
	return sip_uri_parse(&uri, address->uri);
}

/* ---- Via ----------------------------------------------------------------------------------- */

static int via_take(struct sip_via *via, const osip_via_t *decoded, struct sip_span where)
{
	if (!decoded->version || strcmp(decoded->version, "2.0") != 0 || !decoded->protocol)
		return SIP_EVALUE;
	via->transport = sip_transport_of(sip_span_of(decoded->protocol));
	if (decoded_host_parse(via->host, decoded->host, where) != 0)
		return SIP_EVALUE;
	return port_parse(&via->port, sip_span_of(decoded->port));
}

/* WHERE is the Via without its parameters. */
static int via_decode(struct sip_via *via, struct sip_span where)
{
	char *copy = strndup(where.at, where.length);
	osip_via_t *decoded = NULL;
	int error = SIP_EMEMORY;

	if (copy && osip_via_init(&decoded) == 0)
		error = osip_via_parse(decoded, copy) == 0 ? via_take(via, decoded, where)
							   : SIP_EVALUE;
	osip_via_free(decoded);
	free(copy);
	return error;
}

int sip_via_parse(struct sip_via *via, struct sip_span element)
{
	struct sip_span rport = {NULL, 0}, where;

	*via = (struct sip_via){.text = sip_span_trim(element)};
	where = sip_span_cut(via->text, ';', &via->params);
	if (!params_are_valid(via->params))
		return SIP_EVALUE;
	sip_param_find(via->params, "branch", &via->branch);
	sip_param_find(via->params, "received", &via->received);
	via->wants_rport = sip_param_find(via->params, "rport", &rport);
	if (port_parse(&via->rport, rport) != 0)
		return SIP_EVALUE;
	return via_decode(via, where);
}

bool sip_via_has_cookie(const struct sip_via *via)
{
	return via->branch.length > SIP_BRANCH_COOKIE_SIZE &&
	       memcmp(via->branch.at, SIP_BRANCH_COOKIE, SIP_BRANCH_COOKIE_SIZE) == 0;
}

/* ---- numbers ------------------------------------------------------------------------------- */

static struct sip_span cut_at_blank(struct sip_span text, struct sip_span *rest)
{
	const char *blank = find_first_of(text, " \t");

	*rest = sip_span_trim(span_between(blank, text.at + text.length));
	return span_between(text.at, blank);
}

int sip_cseq_parse(struct sip_cseq *cseq, struct sip_span value)
{
	struct sip_span number;

	number = cut_at_blank(sip_span_trim(value), &cseq->method_name);
	if (!sip_span_is_token(cseq->method_name))
		return SIP_EVALUE;
	cseq->method = sip_method_of(cseq->method_name);
	return sip_span_number(number, SIP_CSEQ_MAX, &cseq->number);
}

int sip_seconds_parse(uint32_t *seconds, struct sip_span value)
{
	struct sip_span trimmed = sip_span_trim(value);
	const char *end = find_first_of(trimmed, " \t(;");

	return sip_span_number(span_between(trimmed.at, end), UINT32_MAX, seconds);
}
