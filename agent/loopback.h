/* loopback.h - a loopback address in a session description, replaced by one that carries audio.
 *
 * An endpoint on this machine may offer 127.0.0.1 for its media, which means nothing to the far
 * end. All else of a description passes as it is.  AGENT-11
 */
#ifndef AGENT_LOOPBACK_H
#define AGENT_LOOPBACK_H

#include "sip/message.h"

/* Does the message carry a description (application/sdp as its whole body) whose c= or o= line has
 * a loopback address? */
bool agent_loopback_is_in(const struct sip_message *message);

/* Writes the description with HOST, an IPv4 or IPv6 address without brackets, in its place.
 * Returns its length, or SIP_ESPACE. */
int agent_loopback_replace(struct sip_span description, const char *host, char *to, size_t size);

/* The description of MESSAGE so replaced, in TO, if it has a loopback address; else absent.  If
 * HOST is one, the far end is on this machine, too: nothing is replaced. */
struct sip_span agent_loopback_body(const struct sip_message *message, const char *host, char *to,
				    size_t size);

#endif
