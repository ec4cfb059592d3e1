/* loopback.h - a loopback address in a session description, replaced by one that carries audio.
 *
 * An endpoint on this machine may offer 127.0.0.1 for its media, which means nothing to the far
 * end.  Replaced are the addresses that c=, o= and a=rtcp (RFC 3605) tell, in a description that is
 * the whole body or a part of a multipart one; all else passes as it is.  A candidate of ICE stays,
 * too: where none of them is what c= tells, the far end goes by c= (RFC 8839 4.2.5).  AGENT-11
 */
#ifndef AGENT_LOOPBACK_H
#define AGENT_LOOPBACK_H

#include "sip/message.h"

enum { AGENT_PARTS_DEPTH = 4 }; /* multipart bodies inside each other */

/* The body of MESSAGE so replaced, in TO, if there is a loopback address in it; else absent, and
 * where TO is too small.  HOST is an IPv4 or IPv6 address without brackets; if that is a loopback
 * one, the far end is on this machine, too: nothing is replaced. */
struct sip_span agent_loopback_body(const struct sip_message *message, const char *host, char *to,
				    size_t size);

#endif
