/* repeat.h - a message sent again and again, until somebody says that it arrived.
 *
 * The clock of RFC 3261 17.1.2 and 13.3.1.4: gaps of T1, doubled up to T2 (of an INVITE
 * and of a reliable provisional answer without that bound); given up after 64*T1.
 */
#ifndef PHONE_REPEAT_H
#define PHONE_REPEAT_H

#include "net/loop.h"
#include "phone/transport.h"
#include "sip/text.h"

struct phone;

struct phone_repeat {
	struct phone *phone;
	struct net_timer *timer;
	struct net_callback on_given_up;
	struct phone_hop hop;
	char *bytes; /* owned; NULL: nothing is repeated */
	size_t length;
	uint64_t gap_ms, give_up_at_ms;
};

/* Nothing is repeated at first.  ON_GIVEN_UP may be {NULL, NULL}.  0, or a negative errno value. */
int phone_repeat_init(struct phone_repeat *repeat, struct phone *phone,
		      struct net_callback on_given_up);
void phone_repeat_clear(struct phone_repeat *repeat);

/* Sends BYTES now, and repeats them; what was repeated before is not any more.  A stream loses
 * nothing on its way, so a request is sent there once and only waited for (RFC 3261 17.1.2.2).
 * 0, or a negative errno value of this first send. */
int phone_repeat_start(struct phone_repeat *repeat, const struct phone_hop *hop,
		       struct sip_span bytes);
void phone_repeat_stop(struct phone_repeat *repeat); /* one that was never begun is fine */

#endif
