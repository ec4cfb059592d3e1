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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(wildcard_serves_both_families),
		cmocka_unit_test(one_address_serves_its_family),
		cmocka_unit_test(port_in_use_is_named),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
