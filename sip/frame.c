/* frame.c - where messages begin and end in a stream of bytes. */
#include "sip/frame.h"

#include <string.h>

#include "sip/message.h"

static const char blank_line[] = "\r\n\r\n";
enum { BLANK_LINE = sizeof blank_line - 1 };

/* ---- between messages ---- */

static int take_line_end(struct sip_framer *framer, struct sip_span unread, struct sip_frame *frame)
{
	if (unread.at[0] != '\r' || (unread.length > 1 && unread.at[1] != '\n'))
		return SIP_ELINE;
	if (unread.length == 1)
		return 0;
	frame->length = 2;
	if (unread.length >= BLANK_LINE && !memcmp(unread.at, blank_line, BLANK_LINE)) {
		frame->length = BLANK_LINE;
		framer->half = true;
	}
	frame->kind = framer->half ? SIP_FRAME_PING : SIP_FRAME_CRLF;
	framer->half = !framer->half;
	return 0;
}

/* ---- messages ---- */

/* Takes the next header line, with what is folded into it, off the HEAD. */
static bool next_line(struct sip_span *head, struct sip_span *line)
{
	const char *end = head->at + head->length, *crlf = head->at;

	if (!head->length)
		return false;
	while ((crlf = memmem(crlf, (size_t)(end - crlf), "\r\n", 2)) && crlf + 2 < end &&
	       (crlf[2] == ' ' || crlf[2] == '\t'))
		crlf += 2;
	if (!crlf)
		return false;
	*line = (struct sip_span){head->at, (size_t)(crlf - head->at)};
	*head = (struct sip_span){crlf + 2, (size_t)(end - crlf - 2)};
	return true;
}

/* The Content-Length of a HEAD, which ends with the CRLF of its last header. */
static int read_body_length(struct sip_span head, uint32_t *length)
{
	struct sip_span line, value;
	int error = SIP_EABSENT;

	next_line(&head, &line);
	while (next_line(&head, &line)) {
		struct sip_span name = sip_span_trim(sip_span_cut(line, ':', &value));

		if (!value.at || sip_header_id_of(name) != SIP_CONTENT_LENGTH)
			continue;
		if (error != SIP_EABSENT)
			return SIP_EREPEATED;
		error = sip_span_number(sip_span_trim(value), SIP_MESSAGE_MAX, length);
		if (error)
			return error;
	}
	return error;
}

/* Looks for the end of the head in the bytes that are new. */
static int find_end(struct sip_framer *framer, struct sip_span unread)
{
	size_t from = framer->seen < BLANK_LINE ? 0 : framer->seen - (BLANK_LINE - 1), head;
	const char *end = memmem(unread.at + from, unread.length - from, blank_line, BLANK_LINE);
	uint32_t body = 0;
	int error;

	framer->seen = unread.length;
	if (!end)
		return unread.length > SIP_MESSAGE_MAX ? SIP_ESIZE : 0;
	head = (size_t)(end - unread.at) + 2;
	if (head > SIP_MESSAGE_MAX)
		return SIP_ESIZE;
	error = read_body_length((struct sip_span){unread.at, head}, &body);
	if (error)
		return error;
	framer->message_length = head + 2 + body;
	return framer->message_length > SIP_MESSAGE_MAX ? SIP_ESIZE : 0;
}

int sip_framer_next(struct sip_framer *framer, struct sip_span unread, struct sip_frame *frame)
{
	int error = 0;

	*frame = (struct sip_frame){.kind = SIP_FRAME_PART};
	if (!unread.length)
		return 0;
	if (unread.at[0] == '\r' || unread.at[0] == '\n')
		return take_line_end(framer, unread, frame);
	if (!framer->message_length)
		error = find_end(framer, unread);
	if (error || !framer->message_length || unread.length < framer->message_length)
		return error;
	*frame = (struct sip_frame){SIP_FRAME_MESSAGE, framer->message_length};
	*framer = (struct sip_framer){0};
	return 0;
}
