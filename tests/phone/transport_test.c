/* transport_test.c - sockets of both families behind routes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "phone/transport.h"

enum { WAIT_MS = 20000 };

struct arrival {
	unsigned count;
	struct net_address source, local;
};

static void take_packet(void *user, const struct phone_packet *packet)
{
	struct arrival *arrival = user;

	arrival->count++;
	arrival->source = phone_route_address(&packet->source);
	arrival->local = packet->local;
}

static void take_late(void *user)
{
	(void)user;
	fail_msg("nothing came in %d ms", WAIT_MS);
}

static struct net_address loopback(bool ipv4, uint16_t port)
{
	static const struct net_address four = {.ip = {[10] = 0xff, 0xff, 127, 0, 0, 1}};
	static const struct net_address six = {.ip = {[15] = 1}};
	struct net_address address = ipv4 ? four : six;

	address.port = port;
	return address;
}

/* Sends to itself over one family, and compares what Via would have said with where it came from.
 */
static void send_around(struct net_loop *loop, struct phone_transport *transport, bool ipv4,
			struct arrival *arrival)
{
	struct net_address to = loopback(ipv4, 9), local;
	struct net_timer *guard;
	struct phone_hop hop = {.route = phone_route_of(&to, KL_UDP)};
	unsigned before = arrival->count;

	assert_int_equal(phone_transport_local(transport, &hop.route, &local), 0);
	assert_int_not_equal(local.port, 0);
	hop.route.port = local.port;
	assert_int_equal(net_timer_create(&guard, loop, (struct net_callback){take_late, NULL}), 0);
	net_timer_set(guard, net_now_ms() + WAIT_MS);
	assert_int_equal(phone_transport_send(transport, &hop, "x", 1), 0);
	while (arrival->count == before)
		assert_int_equal(net_loop_step(loop), 0);
	net_timer_free(guard);
	assert_int_equal(net_address_compare(&arrival->source, &local), 0);
	assert_int_equal(net_address_compare(&arrival->local, &local), 0);
}

/* "::" serves IPv4 and, where the machine has it, IPv6. */
static void wildcard_serves_both_families(void **state)
{
	struct arrival arrival = {0};
	struct phone_transport_config config = {.on_packet = take_packet, .user = &arrival};
	struct phone_transport *transport;
	char why[PHONE_WHY_MAX];
	uint8_t families;

	(void)state;
	assert_int_equal(net_loop_create(&config.loop), 0);
	assert_int_equal(phone_transport_open(&transport, &config, why), 0);
	families = phone_transport_families(transport);
	assert_true(families & KL_IPV4);
	send_around(config.loop, transport, true, &arrival);
	if (families & KL_IPV6)
		send_around(config.loop, transport, false, &arrival);
	assert_int_equal(phone_transport_counters(transport).sent, arrival.count);
	phone_transport_close(transport);
	net_loop_free(config.loop);
}

/* An address of one family can't reach the other: that is told, not tried. */
static void one_address_serves_its_family(void **state)
{
	struct phone_transport_config config = {.bind = loopback(true, 0),
						.on_packet = take_packet};
	const struct net_address six = loopback(false, 5060);
	const struct phone_hop hop = {.route = phone_route_of(&six, KL_UDP)};
	struct phone_transport *transport;
	struct net_address local;
	char why[PHONE_WHY_MAX];

	(void)state;
	assert_int_equal(net_loop_create(&config.loop), 0);
	assert_int_equal(phone_transport_open(&transport, &config, why), 0);
	assert_int_equal(phone_transport_families(transport), KL_IPV4);
	assert_true(phone_transport_send(transport, &hop, "x", 1) < 0);
	assert_true(phone_transport_local(transport, &hop.route, &local) < 0);
	phone_transport_close(transport);
	net_loop_free(config.loop);
}

/* A port in use: one sentence that names it. */
static void port_in_use_is_named(void **state)
{
	struct phone_transport_config config = {.bind = loopback(true, 0),
						.on_packet = take_packet};
	struct net_address here = loopback(true, 9);
	const struct kl_route route = phone_route_of(&here, KL_UDP);
	struct phone_transport *first, *second;
	char why[PHONE_WHY_MAX], text[NET_ADDRESS_TEXT_MAX];

	(void)state;
	assert_int_equal(net_loop_create(&config.loop), 0);
	assert_int_equal(phone_transport_open(&first, &config, why), 0);
	assert_int_equal(phone_transport_local(first, &route, &config.bind), 0);
	assert_true(phone_transport_open(&second, &config, why) < 0);
	assert_non_null(strstr(why, net_address_format(&config.bind, text)));
	phone_transport_close(first);
	net_loop_free(config.loop);
}

/* ---- streams of their own -------------------------------------------------------------------- */

enum { SHARED_TWICE = 2, ROOM = 64 };

struct own_bench {
	struct phone_transport_config config;
	struct phone_transport *transport;
	struct phone_hop shared, own;
	unsigned over_shared, over_own; /* messages that arrived so */
	uint16_t shared_port;           /* from where the first one came */
};

static void take_message(void *user, const struct phone_packet *packet)
{
	struct own_bench *bench = user;

	if (!bench->shared_port)
		bench->shared_port = packet->source.port;
	if (packet->source.port == bench->shared_port)
		bench->over_shared++;
	else
		bench->over_own++;
}

static bool admit(void *user, const struct kl_route *source)
{
	(void)user;
	(void)source;
	return true;
}

static void refuse_end(void *user, const struct phone_stream_end *end)
{
	(void)user;
	fail_msg("the end of a stream was told: %s", end->why);
}

static void pass_by(void *user)
{
	(void)user;
}

static void own_bench_open(struct own_bench *bench)
{
	static struct kl_policy policy;
	const struct net_address here = loopback(true, 9);
	struct net_address local;
	char why[PHONE_WHY_MAX];

	kl_policy_profile(&policy, KL_PROFILE_KEEPLINE);
	*bench = (struct own_bench){.config = {.bind = loopback(true, 0),
					       .policy = &policy,
					       .on_packet = take_message,
					       .on_stream_end = refuse_end,
					       .admits = admit,
					       .on_odd = pass_by,
					       .user = bench}};
	assert_int_equal(net_loop_create(&bench->config.loop), 0);
	assert_int_equal(phone_transport_open(&bench->transport, &bench->config, why), 0);
	bench->shared.route = phone_route_of(&here, KL_TCP);
	assert_int_equal(phone_transport_local(bench->transport, &bench->shared.route, &local), 0);
	bench->shared.route = phone_route_of(&local, KL_TCP);
	bench->own = bench->shared;
	bench->own.own = true;
	bench->own.stream = UINT64_C(7) << 32;
}

static void own_bench_close(struct own_bench *bench)
{
	phone_transport_close(bench->transport);
	net_loop_free(bench->config.loop);
}

static void say(struct own_bench *bench, const struct phone_hop *hop)
{
	static const char text[] = "OPTIONS sip:a SIP/2.0\r\nContent-Length: 0\r\n\r\n";

	assert_int_equal(phone_transport_send(bench->transport, hop, text, sizeof text - 1), 0);
}

static void step_until(struct own_bench *bench, const unsigned *count, unsigned wanted)
{
	struct net_timer *guard;

	assert_int_equal(net_timer_create(&guard, bench->config.loop,
					  (struct net_callback){take_late, NULL}),
			 0);
	net_timer_set(guard, net_now_ms() + WAIT_MS);
	while (*count < wanted)
		assert_int_equal(net_loop_step(bench->config.loop), 0);
	net_timer_free(guard);
}

/* A request that asks for it has a connection of its own, which others neither use nor hear of.
 * OWN-3 (part) */
static void own_stream_is_apart(void **state)
{
	struct own_bench bench;

	(void)state;
	own_bench_open(&bench);
	say(&bench, &bench.shared);
	step_until(&bench, &bench.over_shared, 1);
	say(&bench, &bench.own);
	step_until(&bench, &bench.over_own, 1);
	say(&bench, &bench.shared);
	step_until(&bench, &bench.over_shared, SHARED_TWICE);
	assert_int_equal(phone_transport_counters(bench.transport).streams, 4); /* both ends */
	phone_transport_end_own(bench.transport, &bench.own);
	while (phone_transport_counters(bench.transport).streams > 2)
		assert_int_equal(net_loop_step(bench.config.loop), 0);
	assert_true(phone_transport_is_open(bench.transport, &bench.shared.route));
	assert_int_equal(bench.over_own, 1);
	own_bench_close(&bench);
}

/* There is room for so many; beyond that the common one serves.  OWN-3 (part) */
static void own_streams_are_bounded(void **state)
{
	struct own_bench bench;

	(void)state;
	own_bench_open(&bench);
	say(&bench, &bench.shared);
	step_until(&bench, &bench.over_shared, 1);
	for (unsigned i = 0; i < ROOM; i++) {
		bench.own.stream++;
		say(&bench, &bench.own);
	}
	assert_int_equal(phone_transport_counters(bench.transport).streams, 2 + ROOM);
	bench.own.stream++;
	say(&bench, &bench.own);
	assert_int_equal(phone_transport_counters(bench.transport).streams, 2 + ROOM);
	step_until(&bench, &bench.over_shared, SHARED_TWICE);
	own_bench_close(&bench);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(wildcard_serves_both_families),
		cmocka_unit_test(one_address_serves_its_family),
		cmocka_unit_test(port_in_use_is_named),
		cmocka_unit_test(own_stream_is_apart),
		cmocka_unit_test(own_streams_are_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
