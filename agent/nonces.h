/* nonces.h - how often each nonce of ours was used, so that nobody who overhears credentials can
 * use them again (RFC 7616 3.3, nc; 5.5).
 *
 * Only right credentials get in, so a stranger takes no room.  Bounded: of more nonces than there
 * is room for the oldest is forgotten, and it, and all that are older, are stale from then on.
 */
#ifndef AGENT_NONCES_H
#define AGENT_NONCES_H

#include "sip/digest.h"

enum {
	/* A PBX that proves each of its calls, 400 in a second, uses as many in a nonce's life. */
	AGENT_NONCES_MAX = 1 << 17,
};

struct agent_nonces;

/* For as many as LIMIT, a power of two from 8 on.  NULL: out of memory. */
struct agent_nonces *agent_nonces_new(uint32_t limit);
void agent_nonces_free(struct agent_nonces *nonces); /* NULL is fine */

/* Right credentials came that use a nonce so.  False: it was used like that before, or later
 * already; or nobody knows any more. */
bool agent_nonces_take(struct agent_nonces *nonces, const struct sip_nonce_use *use);

#endif
