#include "sip/refusal.h"

#include <stdlib.h>
#include <string.h>

/* The head of what was received, up to its blank line or as far as it goes, with what is folded
 * made one line (RFC 3261 7.3.1).  NULL: there is no whole line, or no memory (*ERROR). */
static char *copy_head(struct sip_span received, int *error)
{
	const char *end = memmem(received.at, received.length, "\r\n\r\n", 4);
	char *text;

	if (!end)
		end = memrchr(received.at, '\r', received.length);
	*error = SIP_ELINE;
	if (!end || memchr(received.at, '\0', (size_t)(end - received.at)))
		return NULL;
	*error = SIP_EMEMORY;
	text = strndup(received.at, (size_t)(end - received.at));
	for (char *crlf = text; crlf && (crlf = strstr(crlf, "\r\n")); crlf += 2)
		if (crlf[2] == ' ' || crlf[2] == '\t')
			memset(crlf, ' ', 2);
	return text;
}

static char *next_line(char **rest)
{
	char *line = *rest, *end = strstr(line, "\r\n");

	*rest = end ? end + 2 : NULL;
	if (end)
		*end = '\0';
	return line;
}

/* RFC 3261 17.1.1.3: neither an ACK nor an answer is ever answered. */
static bool wants_answer(const char *line)
{
	struct sip_span rest, method = sip_span_cut(sip_span_of(line), ' ', &rest);

	return sip_span_is_token(method) && !sip_span_is(method, "ACK") && rest.at &&
	       strstr(rest.at, " SIP/");
}

/* RFC 3261 8.2.6.2: with a tag, where it can be told that there is none. */
static void copy_to(struct sip_builder *builder, const struct sip_refusal *refusal,
		    struct sip_span value)
{
	struct sip_address to;
	bool lacks_tag = !sip_address_parse(&to, value) && !to.is_star && !to.tag.at;

	sip_builder_header(builder, "To", "%.*s%s%s", SIP_SPAN(value), lacks_tag ? ";tag=" : "",
			   lacks_tag ? refusal->to_tag : "");
}

/* Which lines an answer already has, by enum sip_header_id. */
struct copied {
	bool all[SIP_HEADERS_KNOWN];
};

static void take_line(struct sip_builder *builder, const struct sip_refusal *refusal,
		      const char *line, struct copied *copied)
{
	struct sip_span value;
	struct sip_span name = sip_span_trim(sip_span_cut(sip_span_of(line), ':', &value));
	enum sip_header_id id = sip_header_id_of(name);

	if (!value.at || (copied->all[id] && id != SIP_VIA))
		return;
	value = sip_span_trim(value);
	if (id == SIP_TO)
		copy_to(builder, refusal, value);
	else if (id == SIP_VIA || id == SIP_FROM || id == SIP_CALL_ID || id == SIP_CSEQ)
		sip_builder_header(builder, sip_header_name(id), "%.*s", SIP_SPAN(value));
	copied->all[id] = true;
}

int sip_refusal_write(const struct sip_refusal *refusal, char *bytes, size_t size)
{
	struct copied copied = {0};
	struct sip_builder builder;
	int error;
	char *head = copy_head(refusal->received, &error), *rest = head;

	if (!head)
		return error;
	while (*rest == '\r' || *rest == '\n') /* RFC 3261 7.5 */
		rest++;
	if (!wants_answer(next_line(&rest))) {
		free(head);
		return SIP_EABSENT;
	}
	sip_builder_init(&builder, bytes, size);
	sip_builder_status(&builder, refusal->error == SIP_EVERSION ? 505 : 400,
			   sip_strerror(refusal->error));
	while (rest)
		take_line(&builder, refusal, next_line(&rest), &copied);
	free(head);
	return copied.all[SIP_VIA] ? sip_builder_finish(&builder) : SIP_EABSENT;
}
