/* content.h - what kind of body a message has, and what its sender takes (RFC 3261 8.2.3, 20.1). */
#ifndef PHONE_CONTENT_H
#define PHONE_CONTENT_H

#include "sip/message.h"

/* The session description in a body: all of it, where it is one or of no named type; else the first
 * part of a multipart body that is one (RFC 5621 3), whatever the others are.  Absent: there is
 * none. */
struct sip_span phone_description(const struct sip_message *message);

/* Does its Accept list TYPE/SUBTYPE, or what covers it?  Not to be asked without an Accept. */
bool phone_accepts(const struct sip_message *message, const char *type, const char *subtype);

/* Copies received text for people: what is no printable ASCII becomes "?", cut to SIZE.  Returns
 * TO.
 */
char *phone_printable(struct sip_span text, char *to, size_t size);

#endif
