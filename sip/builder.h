/* builder.h - messages to be sent, written as text into a buffer of the caller.
 *
 *	char bytes[SIP_MESSAGE_MAX];
 *	struct sip_builder b;
 *	sip_builder_init(&b, bytes, sizeof(bytes));
 *	sip_builder_request(&b, "OPTIONS", "sip:bob@example.com");
 *	sip_builder_header(&b, "Via", "SIP/2.0/UDP %s:%u;branch=%s;rport", host, port, branch);
 *	...
 *	int length = sip_builder_finish(&b);
 *
 * The first error sticks: later calls write nothing, and sip_builder_finish() returns it.
 * Errors: SIP_ESPACE, SIP_EINJECTION (a CR or LF in a value; a NUL in a printed one).
 */
#ifndef SIP_BUILDER_H
#define SIP_BUILDER_H

#include "sip/message.h"

struct sip_builder {
	char *bytes; /* the caller's */
	size_t size;
	size_t length;
	int error; /* the first one, or 0 */
};

void sip_builder_init(struct sip_builder *builder, char *bytes, size_t size);

/* "METHOD URI SIP/2.0" */
void sip_builder_request(struct sip_builder *builder, const char *method, const char *uri);
void sip_builder_request_span(struct sip_builder *builder, const char *method, struct sip_span uri);

/* "SIP/2.0 STATUS REASON"; without a reason, that of sip_reason_phrase(). */
void sip_builder_status(struct sip_builder *builder, unsigned status, const char *reason);

/* "NAME: value", the value as printf would write it. */
void sip_builder_header(struct sip_builder *builder, const char *name, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* Copies all lines with this id, as received. */
void sip_builder_copy(struct sip_builder *builder, const struct sip_message *from,
		      enum sip_header_id id);

/* Ends the message without a body, or with one: Content-Type, Content-Length, blank line, body.
 * Returns the message's length, or the first error.  The result has a NUL after it. */
int sip_builder_finish(struct sip_builder *builder);
int sip_builder_finish_body(struct sip_builder *builder, const char *content_type,
			    struct sip_span body);

/* A response, by RFC 3261 8.2.6, 12.1.1 and 18.2.1. */
struct sip_reply {
	const struct sip_message *request;
	unsigned status;
	const char *reason; /* NULL: the usual one */
	const char *to_tag; /* set on To if it has none, but for a 100; NULL: not set */
	const char
		*source; /* the request's source address: `received` of the top Via; NULL: none */
	uint16_t source_port; /* for `rport`, if asked for (RFC 3581) */
};

/* Writes the Via lines of the answer alone. */
void sip_builder_vias(struct sip_builder *builder, const struct sip_reply *reply);

/* Writes the status line, the Via list, From, To, Call-ID, CSeq, the request's Record-Route (in
 * 101..299) and, in a 100, its Timestamp.  Further headers and the end are the caller's. */
void sip_builder_reply(struct sip_builder *builder, const struct sip_reply *reply);

#endif
