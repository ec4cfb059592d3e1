/* content.c - what kind of body a message has, and what its sender takes. */
#include "phone/content.h"

#include <string.h>

enum { BOUNDARY_MAX = 70 }; /* RFC 2046 5.1.1 */

/* "application", and its SUBTYPE. */
static struct sip_span type_in(struct sip_span value, struct sip_span *subtype)
{
	struct sip_span ignored, second;
	struct sip_span media = sip_span_trim(sip_span_cut(value, ';', &ignored));
	struct sip_span first = sip_span_trim(sip_span_cut(media, '/', &second));

	*subtype = sip_span_trim(second);
	return first;
}

static bool is_type(struct sip_span value, const char *type, const char *subtype)
{
	struct sip_span second;

	return sip_span_is(type_in(value, &second), type) && sip_span_is(second, subtype);
}

static struct sip_span from(const char *at, struct sip_span whole)
{
	return (struct sip_span){at, (size_t)(whole.at + whole.length - at)};
}

/* RFC 2046 5.1.1: takes the next part off REST, up to the line with its boundary.  DELIMITER is
 * "CRLF--boundary". */
static bool next_part(struct sip_span *rest, struct sip_span delimiter, struct sip_span *part)
{
	const char *end = memmem(rest->at, rest->length, delimiter.at, delimiter.length);

	if (!end)
		return false;
	*part = (struct sip_span){rest->at, (size_t)(end - rest->at)};
	*rest = from(end + delimiter.length, *rest);
	return true;
}

/* The content of a part that is a description; a part begins behind its boundary. */
static struct sip_span description_in(struct sip_span part)
{
	const struct sip_span none = {NULL, 0};
	const char *blank = memmem(part.at, part.length, "\r\n\r\n", 4);
	struct sip_span head, line, value;

	if (!blank)
		return none;
	head = (struct sip_span){part.at, (size_t)(blank - part.at)};
	while (head.at) {
		line = sip_span_cut(head, '\n', &head);
		if (sip_header_id_of(sip_span_trim(sip_span_cut(line, ':', &value))) ==
			    SIP_CONTENT_TYPE &&
		    value.at && is_type(value, "application", "sdp"))
			return from(blank + 4, part);
	}
	return none;
}

/* The first part stands behind a boundary too, which may begin the body. */
static struct sip_span description_among(struct sip_span body, struct sip_span content_type)
{
	char delimiter[4 + BOUNDARY_MAX + 1] = "\r\n--";
	struct sip_span params, boundary, part, found = {NULL, 0};

	sip_span_cut(content_type, ';', &params);
	if (!params.at || !sip_param_find(params, "boundary", &boundary) || !boundary.at ||
	    sip_span_copy(sip_span_unquote(boundary), delimiter + 4, BOUNDARY_MAX + 1) ||
	    !delimiter[4])
		return found;
	if (body.length >= strlen(delimiter + 2) &&
	    !memcmp(body.at, delimiter + 2, strlen(delimiter + 2)))
		body = from(body.at + strlen(delimiter + 2), body);
	else if (!next_part(&body, sip_span_of(delimiter), &part))
		return found;
	while (!found.at && next_part(&body, sip_span_of(delimiter), &part))
		found = description_in(part);
	return found;
}

struct sip_span phone_description(const struct sip_message *message)
{
	const struct sip_header *type = sip_message_header(message, SIP_CONTENT_TYPE, 0);
	struct sip_span subtype;

	if (!message->body.length)
		return (struct sip_span){NULL, 0};
	if (!type || is_type(type->value, "application", "sdp"))
		return message->body;
	if (sip_span_is(type_in(type->value, &subtype), "multipart"))
		return description_among(message->body, type->value);
	return (struct sip_span){NULL, 0};
}

bool phone_accepts(const struct sip_message *message, const char *type, const char *subtype)
{
	struct sip_cursor cursor = {0};
	struct sip_span element;

	while (sip_message_next(message, SIP_ACCEPT, &cursor, &element))
		if (is_type(element, type, subtype) || is_type(element, type, "*") ||
		    is_type(element, "*", "*"))
			return true;
	return false;
}

char *phone_printable(struct sip_span text, char *to, size_t size)
{
	size_t length = text.length < size ? text.length : size - 1;

	for (size_t i = 0; i < length; i++)
		to[i] = text.at[i] >= ' ' && text.at[i] < 0x7f ? text.at[i] : '?';
	to[length] = '\0';
	return to;
}
