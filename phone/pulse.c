/* pulse.c - the keep-alives of flows. */
#include "phone/pulse.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "phone/flow.h"
#include "phone/log.h"
#include "phone/private.h"

enum {
	MS_IN_S = 1000,
	PERCENT = 100,
	/* RFC 5626 4.4.1: from 80 to 100 % of the server's time; without one 95 to 120 s on a
	 * stream, 24 to 29 s over UDP. */
	TIMER_LEAST_PERCENT = 80,
	STREAM_LEAST_MS = 95 * MS_IN_S,
	STREAM_MOST_MS = 120 * MS_IN_S,
	UDP_LEAST_MS = 24 * MS_IN_S,
	UDP_MOST_MS = 29 * MS_IN_S,
	PONG_MS = 10 * MS_IN_S, /* RFC 5626 4.4.1 */
	READING_MS = 1 * MS_IN_S,
	/* RFC 5389 7.2.1: RTO, Rc and Rm. */
	STUN_GAP_MS = 500,
	STUN_SENDS_MAX = 7,
	STUN_LAST_MS = 16 * STUN_GAP_MS,
};

/* ---- time ------------------------------------------------------------------------------------ */

static void set_timer(struct phone_pulse *pulse, uint64_t length_ms)
{
	net_timer_set(pulse->timer, net_now_ms() + length_ms);
}

/* Plans the next ping, counted from the last one. */
static void rest(struct phone_pulse *pulse)
{
	bool is_udp = pulse->route.transport == KL_UDP;
	uint64_t most_ms = is_udp ? UDP_MOST_MS : STREAM_MOST_MS;
	uint64_t least_ms = is_udp ? UDP_LEAST_MS : STREAM_LEAST_MS;

	if (pulse->flow_timer_s) {
		most_ms = (uint64_t)pulse->flow_timer_s * MS_IN_S;
		least_ms = most_ms / PERCENT * TIMER_LEAST_PERCENT;
	}
	pulse->waits = false;
	net_timer_set(pulse->timer,
		      pulse->pinged_at_ms + least_ms + phone_draw() % (most_ms - least_ms + 1));
}

/* RFC 5389 6: nobody else can guess it. */
static void draw_id(struct net_stun_id *id)
{
	const uint64_t drawn[] = {phone_draw(), phone_draw()};

	_Static_assert(sizeof drawn >= sizeof id->bytes, "drawn wholly");
	memcpy(id->bytes, drawn, sizeof id->bytes);
}

/* ---- the table ------------------------------------------------------------------------------- */

static struct phone_pulse *find(const struct phone *phone, const struct kl_route *route)
{
	struct phone_pulse *pulse;

	LIST_FOREACH(pulse, &phone->pulses.all, others)
	if (phone_route_same(&pulse->route, route))
		return pulse;
	return NULL;
}

static void pulse_free(struct phone_pulse *pulse)
{
	LIST_REMOVE(pulse, others);
	net_timer_free(pulse->timer);
	free(pulse);
}

void phone_pulses_clear(struct phone *phone)
{
	while (!LIST_EMPTY(&phone->pulses.all))
		pulse_free(LIST_FIRST(&phone->pulses.all));
}

/* ---- beats ----------------------------------------------------------------------------------- */

/* Who waits for an answer over UDP goes by a clock of its own. */
static void lose_datagrams(struct phone *phone, const struct phone_stream_end *end)
{
	char route[KL_TEXT_MAX];

	phone_log(PHONE_LOG_NOTICE, "%s for %s: %s", kl_fault_text(end->fault),
		  phone_route_text(&end->route, route), end->why);
	phone_feed(phone, &(struct kl_event){
				  .type = KL_EV_STREAM_LOST,
				  .transport = {.route = end->route, .fault = end->fault},
			  });
}

/* The flow is lost: its registrations are made anew. */
static void fail(struct phone_pulse *pulse, const char *why)
{
	struct phone *phone = pulse->phone;
	const struct phone_stream_end end = {pulse->route, KL_FAULT_KEEPALIVE, why};

	pulse_free(pulse);
	if (end.route.transport == KL_UDP)
		lose_datagrams(phone, &end);
	else
		phone_transport_lose(phone->transport, &end);
}

static void send_stun(struct phone_pulse *pulse)
{
	uint8_t request[NET_STUN_REQUEST_SIZE];
	const struct sip_span bytes = {(const char *)request, sizeof request};

	net_stun_write_request(&pulse->id, request);
	phone_transport_keep_alive(pulse->phone->transport, &pulse->route, bytes);
	pulse->sends++;
	set_timer(pulse, pulse->sends < STUN_SENDS_MAX ? (uint64_t)STUN_GAP_MS << (pulse->sends - 1)
						       : STUN_LAST_MS);
}

static void ping(struct phone_pulse *pulse)
{
	pulse->waits = true;
	pulse->pinged_at_ms = net_now_ms();
	if (pulse->route.transport == KL_UDP) {
		pulse->sends = 0;
		draw_id(&pulse->id);
		send_stun(pulse);
		return;
	}
	phone_transport_keep_alive(pulse->phone->transport, &pulse->route, sip_span_of("\r\n\r\n"));
	set_timer(pulse, PONG_MS);
}

/* RFC 5626 4.4.1: a message that is being received is read to its end first. */
static void miss_pong(struct phone_pulse *pulse)
{
	if (phone_transport_is_reading(pulse->phone->transport, &pulse->route))
		set_timer(pulse, READING_MS);
	else
		fail(pulse, "no pong within 10 s");
}

/* A server without STUN gets one datagram each time, which is all that a NAT wants. */
static void miss_answer(struct phone_pulse *pulse)
{
	if (!pulse->answers)
		rest(pulse);
	else if (pulse->sends < STUN_SENDS_MAX)
		send_stun(pulse);
	else
		fail(pulse, "STUN is not answered any more");
}

static bool is_there(const struct phone_pulse *pulse)
{
	return phone_flow_is_used(pulse->phone, &pulse->route) &&
	       (pulse->route.transport == KL_UDP ||
		phone_transport_is_open(pulse->phone->transport, &pulse->route));
}

static void take_time(void *user)
{
	struct phone_pulse *pulse = user;

	if (!is_there(pulse))
		pulse_free(pulse);
	else if (!pulse->waits)
		ping(pulse);
	else if (pulse->route.transport == KL_UDP)
		miss_answer(pulse);
	else
		miss_pong(pulse);
}

/* ---- use ------------------------------------------------------------------------------------- */

/* NULL: out of memory. */
static struct phone_pulse *pulse_new(struct phone *phone, const struct kl_route *route)
{
	struct phone_pulse *pulse = calloc(1, sizeof *pulse);

	if (!pulse ||
	    net_timer_create(&pulse->timer, phone->loop, (struct net_callback){take_time, pulse})) {
		free(pulse);
		return NULL;
	}
	pulse->phone = phone;
	pulse->route = *route;
	draw_id(&pulse->id);
	LIST_INSERT_HEAD(&phone->pulses.all, pulse, others);
	return pulse;
}

int phone_pulse_keep(struct phone *phone, const struct kl_route *route, uint32_t flow_timer_s)
{
	struct phone_pulse *old = find(phone, route), *pulse = old ? old : pulse_new(phone, route);

	if (!pulse)
		return -ENOMEM;
	pulse->mapped = (struct net_address){.port = 0}; /* REGISTER told the server anew */
	if (old && pulse->flow_timer_s == flow_timer_s)
		return 0;
	pulse->flow_timer_s = flow_timer_s;
	pulse->pinged_at_ms = net_now_ms();
	rest(pulse);
	return 0;
}

void phone_pulse_forget(struct phone *phone, const struct kl_route *route)
{
	struct phone_pulse *pulse = find(phone, route);

	if (pulse)
		pulse_free(pulse);
}

bool phone_pulse_take_pong(struct phone *phone, const struct kl_route *route)
{
	struct phone_pulse *pulse = find(phone, route);

	if (!pulse || !pulse->waits)
		return false;
	rest(pulse);
	return true;
}

bool phone_pulse_take_fault(struct phone *phone, const struct net_udp_error *error)
{
	const struct kl_route route = phone_route_of(&error->destination, KL_UDP);
	struct phone_pulse *pulse = find(phone, &route);
	uint8_t request[NET_STUN_REQUEST_SIZE];

	if (!pulse || error->quoted_length < sizeof request)
		return false;
	net_stun_write_request(&pulse->id, request);
	if (memcmp(error->quoted, request, sizeof request) != 0)
		return false;
	fail(pulse, "a Binding request could not be delivered");
	return true;
}

/* RFC 5626 4.4.2: another address than before is another flow, whose old one the server still
 * sends to. */
static void take_answer(struct phone_pulse *pulse, const struct net_address *mapped)
{
	bool moved = pulse->mapped.port && net_address_compare(&pulse->mapped, mapped) != 0;

	pulse->answers = true;
	pulse->mapped = *mapped;
	if (moved)
		fail(pulse, "a NAT has moved it");
	else if (pulse->waits)
		rest(pulse);
}

bool phone_pulse_take_stun(struct phone *phone, const struct phone_packet *packet)
{
	struct phone_pulse *pulse;
	struct net_address mapped;

	if (packet->stream || !net_stun_is(packet->bytes, packet->length))
		return false;
	pulse = find(phone, &packet->source);
	if (!pulse || net_stun_read_answer(&pulse->id, packet->bytes, packet->length, &mapped))
		return false;
	take_answer(pulse, &mapped);
	return true;
}
