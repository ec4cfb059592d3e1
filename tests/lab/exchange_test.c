/* exchange_test.c - two clients at a lab server: calls between them, and its faults on the wire. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lab/sipserver.h"

enum { WAIT_MS = 20000, TEXT_MAX = 4096, SLOW_MS = 60, ASKED = 200 };

struct client {
	struct net_udp *udp;
	struct net_address local;
	char last[TEXT_MAX]; /* what came last */
	unsigned count;
};

struct bench {
	struct net_loop *loop;
	struct net_timer *guard;
	struct lab_sipserver *server;
	struct client clients[2];
	unsigned lost;
	unsigned branch;
};

static void take_datagram(void *user, const struct net_datagram *datagram)
{
	struct client *client = user;

	assert_true(datagram->length < sizeof client->last);
	memcpy(client->last, datagram->bytes, datagram->length);
	client->last[datagram->length] = '\0';
	client->count++;
}

static void take_wire(void *user, const struct lab_sip_wire *wire)
{
	struct bench *bench = user;

	assert_non_null(wire->message);
	bench->lost += wire->lost;
}

static void fail_late(void *user)
{
	(void)user;
	fail_msg("nothing came in %d ms", WAIT_MS);
}

static struct bench *bench_new(const char *password)
{
	struct bench *bench = calloc(1, sizeof *bench);
	struct lab_sipserver_config config = {
		.registrar = {.realm = "lab.test", .password = password},
		.proxies = true,
		.seed = 7,
		.on_wire = take_wire,
		.user = bench,
	};

	sip_init();
	assert_int_equal(net_loop_create(&bench->loop), 0);
	assert_int_equal(net_timer_create(&bench->guard, bench->loop,
					  (struct net_callback){fail_late, NULL}),
			 0);
	assert_int_equal(net_address_parse(&config.local, "127.0.0.1", 0), 0);
	for (int i = 0; i < 2; i++) {
		struct client *client = &bench->clients[i];
		const struct net_udp_config udp = {
			.local = config.local, .on_datagram = take_datagram, .user = client};

		assert_int_equal(net_udp_open(&client->udp, bench->loop, &udp), 0);
		client->local = net_udp_local(client->udp);
	}
	assert_int_equal(lab_sipserver_open(&bench->server, bench->loop, &config), 0);
	return bench;
}

static void bench_free(struct bench *bench)
{
	lab_sipserver_close(bench->server);
	for (int i = 0; i < 2; i++)
		net_udp_close(bench->clients[i].udp);
	net_timer_free(bench->guard);
	net_loop_free(bench->loop);
	free(bench);
}

static void send_text(struct bench *bench, struct client *from, const char *text)
{
	const struct net_address to = lab_sipserver_local(bench->server);

	assert_int_equal(net_udp_send(from->udp, &to, text, strlen(text)), 0);
}

/* A request of a client for a user; MORE are its further lines. */
static void ask(struct bench *bench, struct client *from, const char *method, const char *user,
		const char *more)
{
	char text[TEXT_MAX];

	bench->branch++;
	snprintf(text, sizeof text,
		 "%s sip:%s@lab.test SIP/2.0\r\n"
		 "Via: SIP/2.0/UDP 127.0.0.1:%u;branch=z9hG4bK%u;rport\r\n"
		 "From: <sip:%s@lab.test>;tag=f\r\nTo: <sip:%s@lab.test>\r\n"
		 "Call-ID: c\r\nCSeq: %u %s\r\nMax-Forwards: 70\r\n%s\r\n",
		 method, user, from->local.port, bench->branch, user, user, bench->branch, method,
		 more);
	send_text(bench, from, text);
}

/* Runs the loop until something more came to CLIENT; it has to begin so. */
static void expect(struct bench *bench, struct client *client, const char *start)
{
	unsigned before = client->count;

	net_timer_set(bench->guard, net_now_ms() + WAIT_MS);
	while (client->count == before)
		assert_int_equal(net_loop_step(bench->loop), 0);
	net_timer_set(bench->guard, NET_NEVER);
	if (strncmp(client->last, start, strlen(start)) != 0)
		fail_msg("expected %s, got %s", start, client->last);
}

static void add_fault(struct bench *bench, const char *text)
{
	char why[LAB_FAULT_WHY_MAX];
	struct lab_fault fault;

	assert_true(lab_fault_parse(&fault, LAB_CULPRIT_SIP, text, why));
	assert_int_equal(lab_sipserver_add_fault(bench->server, &fault), 0);
}

static void register_client(struct bench *bench, struct client *client, const char *user)
{
	char contact[128];

	snprintf(contact, sizeof contact, "Contact: <sip:%s@127.0.0.1:%u>\r\nExpires: 60\r\n", user,
		 client->local.port);
	ask(bench, client, "REGISTER", user, contact);
	expect(bench, client, "SIP/2.0 200");
}

/* The answer that the callee gives: the request's Via lines, and the rest of what it needs. */
static void answer(struct bench *bench, struct client *callee)
{
	char text[TEXT_MAX] = "SIP/2.0 180 Ringing\r\n";

	for (char *line = strstr(callee->last, "\r\n") + 2; *line != '\r';
	     line = strstr(line, "\r\n") + 2)
		if (strncmp(line, "Max-Forwards", 12) != 0)
			strncat(text, line, strcspn(line, "\n") + 1);
	strcat(text, "\r\n");
	send_text(bench, callee, text);
}

/* RFC 3261 16.6, 16.7: on to the contact, with a Via, a Record-Route and one hop less; the answer
 * comes back without that Via. */
static void test_call_passes(void **state)
{
	struct bench *bench = bench_new(NULL);
	struct client *alice = &bench->clients[0], *bob = &bench->clients[1];
	char target[64];

	(void)state;
	register_client(bench, bob, "bob");
	ask(bench, alice, "INVITE", "bob", "X-Kept: as it was\r\n");
	snprintf(target, sizeof target, "INVITE sip:bob@127.0.0.1:%u SIP/2.0\r\n", bob->local.port);
	expect(bench, bob, target);
	assert_non_null(strstr(bob->last, "Max-Forwards: 69\r\n"));
	assert_non_null(strstr(bob->last, "Record-Route: <sip:127.0.0.1:"));
	assert_non_null(strstr(bob->last, "X-Kept: as it was\r\n"));
	assert_non_null(strstr(strstr(bob->last, "Via: ") + 1, "Via: "));
	answer(bench, bob);
	expect(bench, alice, "SIP/2.0 180");
	assert_null(strstr(strstr(alice->last, "Via: ") + 1, "Via: "));
	bench_free(bench);
}

/* Whoever has no hop left, or is not registered, gets no further. */
static void test_call_ends_here(void **state)
{
	struct bench *bench = bench_new(NULL);
	struct client *alice = &bench->clients[0], *bob = &bench->clients[1];

	(void)state;
	ask(bench, alice, "OPTIONS", "bob", "");
	expect(bench, alice, "SIP/2.0 200");
	register_client(bench, bob, "bob");
	ask(bench, alice, "OPTIONS", "bob", "");
	expect(bench, bob, "OPTIONS sip:bob@");
	add_fault(bench, "answers 480 of OPTIONS");
	ask(bench, alice, "OPTIONS", "bob", "");
	expect(bench, alice, "SIP/2.0 480");
	bench_free(bench);
}

/* An answer that nobody asked for, or whose way back is forged, is dropped. */
static void test_forged_answers(void **state)
{
	static const char *const backs[] = {
		"",       "x",
		"9-",     "0-00000000000000000000ffff7f000001-zzzz",
		"0-00-1", "0-00000000000000000000ffff7f000001-1388-0123456789abcdef",
		"0-gggg", "0-00000000000000000000ffff7f00000100000000000000000000-1"};
	struct bench *bench = bench_new(NULL);
	struct client *alice = &bench->clients[0];
	char text[TEXT_MAX];

	(void)state;
	for (size_t i = 0; i < sizeof backs / sizeof *backs; i++) {
		snprintf(text, sizeof text,
			 "SIP/2.0 200 OK\r\n"
			 "Via: SIP/2.0/UDP 127.0.0.1:1;branch=z9hG4bKx;keepline-back=%s\r\n"
			 "From: <sip:a@lab.test>;tag=f\r\nTo: <sip:b@lab.test>;tag=t\r\n"
			 "Call-ID: c\r\nCSeq: 1 INVITE\r\n\r\n",
			 backs[i]);
		send_text(bench, alice, text);
	}
	ask(bench, alice, "OPTIONS", "x", "");
	expect(bench, alice, "SIP/2.0 200");
	assert_int_equal(lab_sipserver_counters(bench->server).dropped,
			 sizeof backs / sizeof *backs);
	bench_free(bench);
}

/* Silent outwards: the request takes effect, and its answer does not leave. */
static void test_silent_ways(void **state)
{
	struct bench *bench = bench_new(NULL);
	struct client *alice = &bench->clients[0];

	(void)state;
	add_fault(bench, "silent out of REGISTER");
	ask(bench, alice, "REGISTER", "alice", "Contact: <sip:a@127.0.0.1:9>\r\n");
	ask(bench, alice, "OPTIONS", "alice2", "");
	expect(bench, alice, "SIP/2.0 200");
	assert_non_null(strstr(alice->last, "OPTIONS"));
	assert_int_equal(lab_sipserver_counters(bench->server).bindings, 1);
	add_fault(bench, "silent in of REGISTER");
	ask(bench, alice, "REGISTER", "carol", "Contact: <sip:c@127.0.0.1:9>\r\n");
	ask(bench, alice, "OPTIONS", "alice2", "");
	expect(bench, alice, "SIP/2.0 200");
	assert_int_equal(lab_sipserver_counters(bench->server).bindings, 1);
	assert_int_equal(bench->lost, 2);
	bench_free(bench);
}

static void test_slow(void **state)
{
	struct bench *bench = bench_new(NULL);
	struct client *alice = &bench->clients[0];
	uint64_t since = net_now_ms();

	(void)state;
	add_fault(bench, "slow 60ms");
	ask(bench, alice, "OPTIONS", "x", "");
	expect(bench, alice, "SIP/2.0 200");
	assert_true(net_now_ms() >= since + SLOW_MS);
	bench_free(bench);
}

/* The dice are the seed's: so many of 200 are lost, every time the same. */
static void test_loss(void **state)
{
	struct bench *bench = bench_new(NULL);
	struct client *alice = &bench->clients[0];

	(void)state;
	add_fault(bench, "loss 30% in of OPTIONS");
	for (int i = 0; i < ASKED; i++)
		ask(bench, alice, "OPTIONS", "x", "");
	ask(bench, alice, "MESSAGE", "x", "");
	while (!strstr(alice->last, "MESSAGE"))
		expect(bench, alice, "SIP/2.0 ");
	assert_in_range(bench->lost, ASKED / 5, ASKED * 2 / 5);
	assert_int_equal(alice->count, ASKED + 1 - bench->lost);
	bench_free(bench);
}

static void test_challenges(void **state)
{
	struct bench *bench = bench_new("secret");
	struct client *alice = &bench->clients[0];

	(void)state;
	add_fault(bench, "challenges of OPTIONS");
	ask(bench, alice, "OPTIONS", "x", "");
	expect(bench, alice, "SIP/2.0 401");
	assert_null(strstr(alice->last, "stale"));
	add_fault(bench, "up");
	add_fault(bench, "stale of OPTIONS");
	ask(bench, alice, "OPTIONS", "x", "Authorization: Digest realm=\"lab.test\"\r\n");
	expect(bench, alice, "SIP/2.0 401");
	assert_non_null(strstr(alice->last, "stale=true"));
	bench_free(bench);
}

/* Two users of one server, each with his own contacts; the time granted is cut, and all forgotten.
 */
static void test_users(void **state)
{
	struct bench *bench = bench_new(NULL);
	struct client *alice = &bench->clients[0], *bob = &bench->clients[1];
	uint64_t now = net_now_ms();

	(void)state;
	register_client(bench, alice, "alice");
	add_fault(bench, "expires 10s");
	register_client(bench, bob, "bob");
	assert_non_null(strstr(bob->last, "sip:bob@"));
	assert_null(strstr(bob->last, "sip:alice@127"));
	assert_non_null(strstr(bob->last, ";expires=10\r\n"));
	assert_non_null(lab_registrar_find(lab_sipserver_registrar(bench->server), "alice", now));
	assert_null(lab_registrar_find(lab_sipserver_registrar(bench->server), "carol", now));
	add_fault(bench, "forgets");
	assert_int_equal(lab_sipserver_counters(bench->server).bindings, 0);
	bench_free(bench);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_call_passes),    cmocka_unit_test(test_call_ends_here),
		cmocka_unit_test(test_forged_answers), cmocka_unit_test(test_silent_ways),
		cmocka_unit_test(test_slow),           cmocka_unit_test(test_loss),
		cmocka_unit_test(test_challenges),     cmocka_unit_test(test_users),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
