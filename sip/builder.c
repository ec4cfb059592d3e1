#include "sip/builder.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

void sip_builder_init(struct sip_builder *builder, char *bytes, size_t size)
{
	*builder = (struct sip_builder){.bytes = bytes, .size = size};
}

/* One byte stays free for the NUL that sip_builder_finish() sets. */
static void append(struct sip_builder *builder, struct sip_span text)
{
	if (builder->error != 0)
		return;
	if (text.length >= builder->size - builder->length) {
		builder->error = SIP_ESPACE;
		return;
	}
	if (text.length > 0)
		memcpy(builder->bytes + builder->length, text.at, text.length);
	builder->length += text.length;
}

/* A line end inside a value would start a header of the attacker's choice.  (A NUL would not: a
 * quoted pair of a received message may hold it.) */
static void append_value(struct sip_builder *builder, struct sip_span text)
{
	for (size_t i = 0; builder->error == 0 && i < text.length; i++)
		if (text.at[i] == '\r' || text.at[i] == '\n')
			builder->error = SIP_EINJECTION;
	append(builder, text);
}

static void append_text(struct sip_builder *builder, const char *text)
{
	append_value(builder, sip_span_of(text));
}

static void append_line_end(struct sip_builder *builder)
{
	append(builder, sip_span_of("\r\n"));
}

void sip_builder_request(struct sip_builder *builder, const char *method, const char *uri)
{
	sip_builder_request_span(builder, method, sip_span_of(uri));
}

void sip_builder_request_span(struct sip_builder *builder, const char *method, struct sip_span uri)
{
	append_text(builder, method);
	append_text(builder, " ");
	append_value(builder, uri);
	append_text(builder, " SIP/2.0");
	append_line_end(builder);
}

void sip_builder_status(struct sip_builder *builder, unsigned status, const char *reason)
{
	char code[sizeof("SIP/2.0 4294967295 ")];

	snprintf(code, sizeof(code), "SIP/2.0 %03u ", status);
	append_text(builder, code);
	append_text(builder, reason ? reason : sip_reason_phrase(status));
	append_line_end(builder);
}

void sip_builder_header(struct sip_builder *builder, const char *name, const char *format, ...)
{
	size_t start, room;
	va_list arguments;
	int length;

	append_text(builder, name);
	append_text(builder, ": ");
	if (builder->error != 0)
		return;
	start = builder->length;
	room = builder->size - start;
	va_start(arguments, format);
	length = vsnprintf(builder->bytes + start, room, format, arguments);
	va_end(arguments);
	if (length < 0 || (size_t)length >= room)
		builder->error = SIP_ESPACE;
	else if (strpbrk(builder->bytes + start, "\r\n") ||
		 memchr(builder->bytes + start, '\0', (size_t)length))
		builder->error = SIP_EINJECTION;
	else
		builder->length += (size_t)length;
	append_line_end(builder);
}

void sip_builder_copy(struct sip_builder *builder, const struct sip_message *from,
		      enum sip_header_id id)
{
	const struct sip_header *header;

	for (size_t i = 0; (header = sip_message_header(from, id, i)); i++)
		append(builder, header->line);
}

int sip_builder_finish(struct sip_builder *builder)
{
	return sip_builder_finish_body(builder, NULL, (struct sip_span){NULL, 0});
}

int sip_builder_finish_body(struct sip_builder *builder, const char *content_type,
			    struct sip_span body)
{
	if (content_type)
		sip_builder_header(builder, "Content-Type", "%s", content_type);
	sip_builder_header(builder, "Content-Length", "%zu", body.length);
	append_line_end(builder);
	append(builder, body);
	if (builder->error != 0)
		return builder->error;
	builder->bytes[builder->length] = '\0';
	return (int)builder->length;
}

/* ---- responses ----------------------------------------------------------------------------- */

/* RFC 3261 18.2.1: the top Via tells where the request came from, if that is not its sent-by or if
 * RFC 3581's rport asks for it (section 4: then always both). */
static void append_top_via(struct sip_builder *builder, const struct sip_reply *reply)
{
	const struct sip_via *via = &reply->request->via;
	struct sip_span params = via->params;
	struct sip_param param;
	struct sip_span sent_by = sip_span_cut(via->text, ';', &(struct sip_span){NULL, 0});
	char port[8] = "";

	append_text(builder, "Via: ");
	append_value(builder, sent_by);
	while (sip_param_next(&params, ';', &param)) {
		if (sip_span_is(param.name, "rport") || sip_span_is(param.name, "received"))
			continue;
		append_text(builder, ";");
		append_value(builder, param.name);
		append_text(builder, param.value.at ? "=" : "");
		append_value(builder, param.value);
	}
	if (via->wants_rport || strcasecmp(reply->source, via->host) != 0) {
		append_text(builder, ";received=");
		append_text(builder, reply->source);
	}
	if (via->wants_rport) {
		snprintf(port, sizeof(port), "%u", reply->source_port);
		append_text(builder, ";rport=");
		append_text(builder, port);
	}
	append_line_end(builder);
}

void sip_builder_vias(struct sip_builder *builder, const struct sip_reply *reply)
{
	struct sip_cursor cursor = {0};
	struct sip_span via;

	if (!reply->source) {
		sip_builder_copy(builder, reply->request, SIP_VIA);
		return;
	}
	append_top_via(builder, reply);
	sip_message_next(reply->request, SIP_VIA, &cursor, &via);
	while (sip_message_next(reply->request, SIP_VIA, &cursor, &via)) {
		append_text(builder, "Via: ");
		append_value(builder, via);
		append_line_end(builder);
	}
}

static void append_to(struct sip_builder *builder, const struct sip_reply *reply)
{
	const struct sip_address *to = &reply->request->to;

	if (to->tag.at || !reply->to_tag || reply->status == 100) {
		sip_builder_copy(builder, reply->request, SIP_TO);
		return;
	}
	append_text(builder, "To: ");
	append_value(builder, to->text);
	append_text(builder, ";tag=");
	append_text(builder, reply->to_tag);
	append_line_end(builder);
}

void sip_builder_reply(struct sip_builder *builder, const struct sip_reply *reply)
{
	const struct sip_message *request = reply->request;

	sip_builder_status(builder, reply->status, reply->reason);
	sip_builder_vias(builder, reply);
	if (reply->status > 100 && reply->status < 300)
		sip_builder_copy(builder, request, SIP_RECORD_ROUTE);
	sip_builder_copy(builder, request, SIP_FROM);
	append_to(builder, reply);
	sip_builder_copy(builder, request, SIP_CALL_ID);
	sip_builder_copy(builder, request, SIP_CSEQ);
	if (reply->status == 100)
		sip_builder_copy(builder, request, SIP_TIMESTAMP);
}
