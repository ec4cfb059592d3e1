/* edit.c - a received message with a few of its bytes changed. */
#include "agent/edit.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void agent_edit_begin(struct agent_edit *edit, const struct sip_message *message)
{
	edit->message = message;
	edit->count = 0;
	edit->used = 0;
	edit->error = 0;
}

/* ---- changes ------------------------------------------------------------------------------- */

/* Lines that stand together and go together are one change. */
static bool joins(struct agent_edit *edit, const struct agent_change *change)
{
	for (size_t i = 0; i < edit->count; i++) {
		struct agent_change *before = &edit->changes[i];

		if (!before->put.length && !change->put.length && before->length &&
		    before->at + before->length == change->at) {
			before->length += change->length;
			return true;
		}
	}
	return false;
}

/* Keeps the changes in the order of their places. */
static void make_change(struct agent_edit *edit, struct agent_change change)
{
	size_t i = edit->count;

	if (edit->error || (!change.length && !change.put.length) || joins(edit, &change))
		return;
	if (edit->count == AGENT_CHANGES_MAX) {
		edit->error = SIP_ESPACE;
		return;
	}
	for (; i > 0 && edit->changes[i - 1].at > change.at; i--)
		edit->changes[i] = edit->changes[i - 1];
	edit->changes[i] = change;
	edit->count++;
}

/* ---- texts --------------------------------------------------------------------------------- */

/* A copy of TEXT at the end of those that are there. */
static struct sip_span keep(struct agent_edit *edit, struct sip_span text)
{
	struct sip_span kept = {edit->text + edit->used, text.length};

	if (text.length > sizeof(edit->text) - edit->used) {
		edit->error = SIP_ESPACE;
		return (struct sip_span){edit->text, 0};
	}
	if (text.length > 0)
		memcpy(edit->text + edit->used, text.at, text.length);
	edit->used += text.length;
	return kept;
}

/* A line end inside a value would start a header of the sender's choice. */
static struct sip_span print(struct agent_edit *edit, const char *format, va_list arguments)
{
	size_t room = sizeof(edit->text) - edit->used;
	char *at = edit->text + edit->used;
	int length = vsnprintf(at, room, format, arguments);

	if (length < 0 || (size_t)length >= room) {
		edit->error = SIP_ESPACE;
		length = 0;
	} else if (strlen(at) != (size_t)length || strpbrk(at, "\r\n")) {
		edit->error = SIP_EINJECTION;
	}
	edit->used += (size_t)length;
	return (struct sip_span){at, (size_t)length};
}

/* ---- edits --------------------------------------------------------------------------------- */

void agent_edit_replace(struct agent_edit *edit, struct sip_span piece, const char *format, ...)
{
	struct sip_span put;
	va_list arguments;

	va_start(arguments, format);
	put = print(edit, format, arguments);
	va_end(arguments);
	make_change(edit, (struct agent_change){sip_message_offset(edit->message, piece),
						piece.length, put});
}

void agent_edit_drop_line(struct agent_edit *edit, const struct sip_header *line)
{
	size_t at = (size_t)(line->line.at - edit->message->received.at);

	make_change(edit, (struct agent_change){.at = at, .length = line->line.length});
}

void agent_edit_drop(struct agent_edit *edit, enum sip_header_id id)
{
	const struct sip_header *line;

	for (size_t i = 0; (line = sip_message_header(edit->message, id, i)); i++)
		agent_edit_drop_line(edit, line);
}

/* Every message that was parsed has header lines. */
static size_t place_of(const struct agent_edit *edit, enum sip_header_id id)
{
	const struct sip_header *line = sip_message_header(edit->message, id, 0);

	if (!line)
		line = &edit->message->headers[0];
	return (size_t)(line->line.at - edit->message->received.at);
}

void agent_edit_add_lines(struct agent_edit *edit, enum sip_header_id id, struct sip_span lines)
{
	make_change(edit,
		    (struct agent_change){.at = place_of(edit, id), .put = keep(edit, lines)});
}

void agent_edit_add(struct agent_edit *edit, enum sip_header_id id, const char *format, ...)
{
	struct sip_span line = keep(edit, sip_span_of(sip_header_name(id))), rest;
	va_list arguments;

	keep(edit, sip_span_of(": "));
	va_start(arguments, format);
	print(edit, format, arguments);
	va_end(arguments);
	rest = keep(edit, sip_span_of("\r\n"));
	line.length = (size_t)(rest.at + rest.length - line.at);
	make_change(edit, (struct agent_change){.at = place_of(edit, id), .put = line});
}

struct sip_span agent_edit_copy(struct agent_edit *edit, const struct sip_message *from,
				enum sip_header_id id)
{
	struct sip_span copy = {edit->text + edit->used, 0};
	const struct sip_header *line;

	for (size_t i = 0; (line = sip_message_header(from, id, i)) && !edit->error; i++)
		copy.length += keep(edit, line->line).length;
	return copy;
}

void agent_edit_body(struct agent_edit *edit, struct sip_span body)
{
	const struct sip_message *message = edit->message;
	const struct sip_header *length = sip_message_header(message, SIP_CONTENT_LENGTH, 0);

	if (length && body.length != message->body.length)
		agent_edit_replace(edit, length->value, "%zu", body.length);
	make_change(edit, (struct agent_change){
				  .at = (size_t)(message->body.at - message->received.at),
				  .length = message->body.length,
				  .put = body,
			  });
}

/* ---- the result ---------------------------------------------------------------------------- */

struct output {
	char *to;
	size_t size, length;
};

static void append(struct agent_edit *edit, struct output *out, struct sip_span bytes)
{
	if (edit->error)
		return;
	if (bytes.length >= out->size - out->length) {
		edit->error = SIP_ESPACE;
		return;
	}
	if (bytes.length > 0)
		memcpy(out->to + out->length, bytes.at, bytes.length);
	out->length += bytes.length;
}

/* A line may be put where another is taken out.  What stood behind the body, a surplus of the
 * datagram, is no part of the message. */
int agent_edit_write(struct agent_edit *edit, char *to, size_t size)
{
	const struct sip_message *message = edit->message;
	const char *bytes = message->received.at;
	const size_t end = (size_t)(message->body.at - bytes) + message->body.length;
	struct output out = {.to = to, .size = size};
	size_t done = 0;

	for (size_t i = 0; i < edit->count && !edit->error; i++) {
		const struct agent_change *change = &edit->changes[i];

		if (change->at < done && change->length > 0)
			edit->error = SIP_ESTATE;
		if (change->at >= done) {
			append(edit, &out, (struct sip_span){bytes + done, change->at - done});
			done = change->at + change->length;
		}
		append(edit, &out, change->put);
	}
	append(edit, &out, (struct sip_span){bytes + done, end - done});
	if (edit->error)
		return edit->error;
	to[out.length] = '\0';
	return (int)out.length;
}
