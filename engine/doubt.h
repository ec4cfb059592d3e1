/* doubt.h - a route that falls silent is asked again, several times over, before anybody leaves it.
 *
 * A doubt begins when a request is to be sent again and nothing came from its route since it was
 * sent last.  OPTIONS follow, spaced; meanwhile the line registers with the next route, too.  Any
 * answer from the route, to whatever request, ends the doubt, and all stays as it was.  If none has
 * come within the route's measured round trip after the last of them, all who wait on it leave.
 * OWN-3 */
#ifndef ENGINE_DOUBT_H
#define ENGINE_DOUBT_H

#include "engine/state.h"

/* Requests that a doubt sends: with 5 % of all packets lost each of them is in vain once in ten
 * times, so that these, with the request's own two sends, are not all in vain in ten million. */
enum { DOUBT_ASKS = 6 };

/* On streams the first goes over the old one, for a server that is slow and takes no others; and
 * then each over one of its own, so that it waits neither behind what was lost on the old one nor
 * for TCP to send that again.  So many more for each handshake: of their packets none may be lost,
 * either. */
enum { DOUBT_ASKS_MORE = 2, DOUBT_ASKS_MAX = DOUBT_ASKS + 2 * DOUBT_ASKS_MORE + 1 };

/* Walk W is sent again, or is due to be on a stream, where TCP does; it was sent last at SENT_AT.
 */
void doubt_raise(struct kl_engine *e, uint32_t w, kl_ms sent_at);

/* Is the route at POS left by W for doubts, and else only when its transaction has ended?  Not so
 * if it is known to be down. */
bool doubt_rules(const struct kl_engine *e, uint32_t w, uint8_t pos);

/* Is W an OPTIONS of a doubt? */
bool doubt_asks_by(const struct kl_engine *e, uint32_t w);

/* Is a stream to the route at POS opened for W, as far as is known? */
bool doubt_opens(const struct kl_engine *e, uint32_t w, uint8_t pos);

/* The route of W answered with STATUS: how long does that take?  RFC 6298; of requests that were
 * sent once (Karn), and of an INVITE the server's own 100. */
void doubt_measure(struct kl_engine *e, uint32_t w, uint16_t status);

/* Slot I answered, or failed otherwise: the doubt is looked at before the engine returns.  False:
 * there is none. */
bool doubt_look(struct kl_engine *e, uint32_t i);

/* Slot I's doubt is due. */
void doubt_time(struct kl_engine *e, uint32_t i);

/* How many OPTIONS doubts have sent that are under way, at most. */
uint32_t doubt_walks(const struct kl_engine *e);

#endif
