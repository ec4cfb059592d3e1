/* large.h - requests that are too large for a datagram (RFC 3261 18.1.1).
 *
 * Where the policy says so (tcp_for_large) such a request goes over TCP to the address and port of
 * its UDP route, and its Via says so.  To the engine it stays a request on that route: it has the
 * time that UDP has there, connecting included.  It goes over UDP after all if the stream can't be
 * opened, ends before an answer came, or is not open when the engine asks for the first repeat.
 * Answers need no such rule: they go back the way that their request came.
 *
 * A request inside a dialog does the same (ask.c).  The ACK of a 2xx stays a datagram: it has no
 * answer by which to learn that no stream took it.
 */
#ifndef PHONE_LARGE_H
#define PHONE_LARGE_H

#include "phone/client.h"

enum {
	PHONE_DATAGRAM_MAX = 1300,       /* bytes of a request, whatever the path takes */
	PHONE_DATAGRAM_MTU_MARGIN = 200, /* and so many below the path's MTU */
};

/* Is a request of LENGTH bytes too large for a datagram on that hop, where its policy asks? */
bool phone_large_is(struct phone *phone, const struct phone_hop *hop, size_t length);

/* Decides for a request that was just written. */
void phone_large_begin(struct phone_client *client);

/* Where the request, its ACK and its CANCEL go. */
struct phone_hop phone_large_hop(const struct phone_client *client);

/* Is a repeat superfluous?  On an open stream it is (RFC 3261 17.1.1.2).  One that is not open yet
 * is given up: false, and the repeat goes over UDP. */
bool phone_large_arrives(struct phone_client *client);

/* Back to UDP. */
void phone_large_give_up(struct phone_client *client);

/* A stream ended.  Requests that wait on it go over UDP; those that somebody is working on have
 * failed on their route. */
void phone_large_lose(struct phone *phone, const struct phone_stream_end *end);

#endif
