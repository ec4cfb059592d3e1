/* content.c - what kind of body a message has, and what its sender takes. */
#include "phone/content.h"

static bool is_type(struct sip_span value, const char *type, const char *subtype)
{
	struct sip_span ignored, second;
	struct sip_span media = sip_span_trim(sip_span_cut(value, ';', &ignored));
	struct sip_span first = sip_span_trim(sip_span_cut(media, '/', &second));

	return sip_span_is(first, type) && sip_span_is(sip_span_trim(second), subtype);
}

bool phone_has_description(const struct sip_message *message)
{
	const struct sip_header *type = sip_message_header(message, SIP_CONTENT_TYPE, 0);

	return message->body.length && (!type || is_type(type->value, "application", "sdp"));
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
