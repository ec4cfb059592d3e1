/* pulse.h - the keep-alives of flows, one for each server however many lines it serves (RFC 5626
 * 4.4).
 *
 * On a stream CRLF CRLF is sent, and a CRLF has to come back within 10 s; else the stream is ended
 * as one whose keep-alives are unanswered.  Over UDP a Binding request of STUN is sent, which keeps
 * NATs open whoever answers.  Only a server that has answered one has failed when it answers none
 * any more, and only its answer can tell that a NAT has moved us: many that do outbound over UDP
 * know no STUN.
 */
#ifndef PHONE_PULSE_H
#define PHONE_PULSE_H

#include <sys/queue.h>

#include "net/loop.h"
#include "net/stun.h"
#include "phone/transport.h"

struct phone;

struct phone_pulse {
	LIST_ENTRY(phone_pulse) others;
	struct phone *phone;
	struct kl_route route;
	uint32_t flow_timer_s; /* the server's Flow-Timer; 0: it told none */
	struct net_timer *timer;
	uint64_t pinged_at_ms;     /* the last one; at first when it was told of */
	bool waits;                /* for the answer to a ping */
	unsigned sends;            /* UDP: of that ping */
	struct net_stun_id id;     /* UDP: its own */
	bool answers;              /* UDP: the server knows STUN */
	struct net_address mapped; /* UDP: where it sees us since the last REGISTER; port 0: it has
				      not said */
};

struct phone_pulses {
	LIST_HEAD(, phone_pulse) all;
};

/* A REGISTER made or refreshed a flow to ROUTE: from now on it is kept alive, for as long as a line
 * has a registration over it.  A ping goes out every 80 to 100 % of FLOW_TIMER_S or, if that is 0,
 * every 95 to 120 s on a stream and 24 to 29 s over UDP.  Of several values the last counts.  0 or
 * -ENOMEM. */
int phone_pulse_keep(struct phone *phone, const struct kl_route *route, uint32_t flow_timer_s);

/* The stream to ROUTE is gone, and what was asked on it. */
void phone_pulse_forget(struct phone *phone, const struct kl_route *route);

void phone_pulses_clear(struct phone *phone);

/* A CRLF came on a stream to ROUTE.  False: no answer was waited for. */
bool phone_pulse_take_pong(struct phone *phone, const struct kl_route *route);

/* ICMP says that a Binding request did not arrive: its flow has failed.  False: it is about
 * something else. */
bool phone_pulse_take_fault(struct phone *phone, const struct net_udp_error *error);

/* Takes the answer to a Binding request, which may come late.  False: it is none. */
bool phone_pulse_take_stun(struct phone *phone, const struct phone_packet *packet);

#endif
