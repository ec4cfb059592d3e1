/* edit.h - a received message with a few of its bytes changed, and all the others as they came.
 *
 *	struct agent_edit edit;
 *	agent_edit_begin(&edit, &message);
 *	agent_edit_drop(&edit, SIP_RECORD_ROUTE);
 *	agent_edit_add(&edit, SIP_VIA, "SIP/2.0/UDP %s;branch=%s", host, branch);
 *	length = agent_edit_write(&edit, to, size);
 *
 * Changes may be made in any order; those in one place stand in the order in which they were made.
 * The first error sticks: agent_edit_write() returns it.
 * Errors: SIP_ESPACE (too many changes, too long texts, or the result), SIP_EINJECTION (a line end
 * in a text), SIP_ESTATE (two changes of the same bytes).
 *
 * Nothing here knows what a change is for: agent/rewrite.h does.  AGENT-4
 */
#ifndef AGENT_EDIT_H
#define AGENT_EDIT_H

#include "sip/message.h"

enum {
	AGENT_CHANGES_MAX = 64,      /* lines that stand together and go together count once */
	AGENT_EDIT_TEXT_MAX = 16384, /* bytes of what is put in: route sets, and a description */
};

/* A piece of the received bytes, and what stands there instead. */
struct agent_change {
	size_t at, length;
	struct sip_span put;
};

struct agent_edit {
	const struct sip_message *message;
	struct agent_change changes[AGENT_CHANGES_MAX]; /* by place */
	size_t count;
	char text[AGENT_EDIT_TEXT_MAX];
	size_t used; /* of `text` */
	int error;
};

/* The message stays as it is, and outlives the edit. */
void agent_edit_begin(struct agent_edit *edit, const struct sip_message *message);

/* Another text for a piece of a header's value, or of the first line. */
void agent_edit_replace(struct agent_edit *edit, struct sip_span piece, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* Takes a line out; all lines with this id. */
void agent_edit_drop_line(struct agent_edit *edit, const struct sip_header *line);
void agent_edit_drop(struct agent_edit *edit, enum sip_header_id id);

/* Puts a line "NAME: text" before the first line with this id; where there is none, before the
 * first header line. */
void agent_edit_add(struct agent_edit *edit, enum sip_header_id id, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* Puts whole lines, CRLF included, there: what was received, or written by a builder. */
void agent_edit_add_lines(struct agent_edit *edit, enum sip_header_id id, struct sip_span lines);

/* A copy of all the lines with this id of another message, as received.  It lives in the edit. */
struct sip_span agent_edit_copy(struct agent_edit *edit, const struct sip_message *from,
				enum sip_header_id id);

/* Another body, which outlives the edit, and its length in Content-Length where there is one. */
void agent_edit_body(struct agent_edit *edit, struct sip_span body);

/* Writes the result, with a NUL after it.  Returns its length, or the first error. */
int agent_edit_write(struct agent_edit *edit, char *to, size_t size);

#endif
