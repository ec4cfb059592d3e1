/* way_test.c - where requests inside a call go (FAIL-18). */
#include "tests/phone/bench.h"

#include <stdio.h>

enum { HEADERS_MAX = 512 };

static const char *contact(const char *uri)
{
	static char text[HEADERS_MAX + 16];

	snprintf(text, sizeof text, "Contact: <%s>\r\n", uri);
	return text;
}

/* "192.0.2.7:5060" */
static const char *address_of(const struct peer *peer)
{
	static char text[NET_ADDRESS_TEXT_MAX];
	const struct net_address at = net_udp_local(peer->udp);

	return net_address_format(&at, text);
}

/* A call that the first peer answers with these headers. */
static uint64_t call_up(struct bench *bench, const char *headers)
{
	struct peer *first = &bench->peers[0];
	uint64_t id = bench_call(bench);

	peer_answer(first, peer_expect(first, SIP_INVITE), 200, "t", headers);
	bench_wait(bench, bench_is_up);
	return id;
}

/* A call whose ACK and BYE both come to peer WHICH, and nothing to the other. */
static void assert_way(struct bench *bench, const char *headers, unsigned which)
{
	struct peer *peer = &bench->peers[which];
	uint64_t id = call_up(bench, headers);

	peer_expect(peer, SIP_ACK);
	phone_call_hang_up(bench->phone, id);
	peer_answer(peer, peer_expect(peer, SIP_BYE), 200, NULL, NULL);
	bench_settle(bench, 50);
	assert_true(peer_is_quiet(&bench->peers[0]));
	assert_true(peer_is_quiet(&bench->peers[1]));
	bench_free(bench);
}

/* RFC 3261 12.2.1.1: the remote target without a route set, else the first Route. */
static void literal_addresses(void **state)
{
	struct bench *bench = bench_registered("");
	char headers[HEADERS_MAX];

	(void)state;
	assert_way(bench, peer_contact(&bench->peers[0]), 0);
	bench = bench_registered("");
	snprintf(headers, sizeof headers, "Contact: <sip:bob@%s>\r\n",
		 address_of(&bench->peers[1]));
	assert_way(bench, headers, 1);
	bench = bench_registered("");
	snprintf(headers, sizeof headers,
		 "Contact: <sip:bob@sip.test>\r\nRecord-Route: <sip:%s;lr>\r\n",
		 address_of(&bench->peers[1]));
	assert_way(bench, headers, 1);
}

/* RFC 3263 4.2: a name with a port is asked for its addresses; a service record leads on without
 * one, by its priority. */
static void names(void **state)
{
	struct bench *bench = bench_registered("");
	char uri[HEADERS_MAX];

	(void)state;
	snprintf(uri, sizeof uri, "sip:bob@server2.sip.test:%u",
		 net_udp_local(bench->peers[1].udp).port);
	assert_way(bench, contact(uri), 1);
	assert_way(bench_registered(""), contact("sip:bob@sip.test"), 0);
	assert_way(bench_registered(""), contact("sip:bob@sip.test;transport=udp"), 0);
	assert_way(bench_registered(""), contact("sip:bob@naptr.test"), 1);
}

/* DNS-16: what can't be found ends no call: it goes where the INVITE went. */
static void unknown_names(void **state)
{
	(void)state;
	assert_way(bench_registered(""), contact("sip:bob@nowhere.test"), 0);
	assert_way(bench_registered(""), contact("sip:bob@nowhere.test;transport=tcp"), 0);
	assert_way(bench_registered(""), contact("sip:bob@none.test"), 0);
	assert_way(bench_registered(""), contact("tel:+1"), 0);
}

/* CALL-4, DNS-16: whoever hangs up does not wait for names; their BYE does, and nothing is sent
 * before. */
static void silent_dns(void **state)
{
	struct bench *bench = bench_registered("");
	struct peer *first = &bench->peers[0], *second = &bench->peers[1];
	uint64_t id = call_up(bench, contact("sip:bob@naptr.test"));

	(void)state;
	peer_expect(second, SIP_ACK);
	lab_dnsserver_set_fault(bench->dns, LAB_DNS_SILENT);
	phone_call_hang_up(bench->phone, id);
	assert_true(bench_has_event(bench, PHONE_CALL_OVER));
	bench_settle(bench, 50);
	assert_true(peer_is_quiet(first) && peer_is_quiet(second));
	lab_dnsserver_set_fault(bench->dns, LAB_DNS_UP);
	peer_answer(second, peer_expect(second, SIP_BYE), 200, NULL, NULL);
	bench_free(bench);
}

/* RFC 3263 4.3: the name has another route, so the BYE that finds nobody at the first goes there:
 * with the same CSeq, and another branch. */
static void on_to_the_next_route_of_the_name(void **state)
{
	struct bench *bench = bench_registered("");
	struct peer *first = &bench->peers[0], *second = &bench->peers[1];
	uint64_t id = call_up(bench, contact("sip:bob@sip.test"));
	const struct sip_message *refused, *bye;

	(void)state;
	peer_expect(first, SIP_ACK);
	phone_call_hang_up(bench->phone, id);
	refused = peer_expect(first, SIP_BYE);
	peer_answer(first, refused, 503, NULL, NULL);
	bye = peer_expect(second, SIP_BYE);
	assert_int_equal(bye->cseq.number, refused->cseq.number);
	assert_false(sip_span_equal(bye->via.branch, refused->via.branch));
	peer_answer(second, bye, 503, NULL, NULL);
	bench_settle(bench, 50);
	assert_true(peer_is_quiet(first) && peer_is_quiet(second));
	bench_free(bench);
}

/* An address is one route: nothing is sent elsewhere, and the line learns that it is dead. */
static void no_other_route(void **state)
{
	struct bench *bench = bench_registered("reg.1.server.1.failOver.reRegisterOn=\"1\"");
	struct peer *first = &bench->peers[0], *second = &bench->peers[1];
	uint64_t id = call_up(bench, peer_contact(first));

	(void)state;
	peer_expect(first, SIP_ACK);
	phone_call_hang_up(bench->phone, id);
	peer_answer(first, peer_expect(first, SIP_BYE), 503, NULL, NULL);
	peer_expect(second, SIP_REGISTER);
	assert_true(peer_is_quiet(second));
	bench_free(bench);
}

/* FAIL-5: its server lost the registration meanwhile, so the BYE is not sent to the next route of
 * the name either. */
static void only_with_the_registration(void **state)
{
	struct bench *bench =
		bench_registered("reg.1.server.1.failOver.reRegisterOn=\"1\" "
				 "reg.1.server.1.failOver.onlySignalWithRegistered=\"1\"");
	struct peer *first = &bench->peers[0], *second = &bench->peers[1];
	uint64_t id = call_up(bench, contact("sip:bob@sip.test"));

	(void)state;
	peer_expect(first, SIP_ACK);
	phone_call_hang_up(bench->phone, id);
	peer_answer(first, peer_expect(first, SIP_BYE), 503, NULL, NULL);
	peer_expect(second, SIP_REGISTER);
	bench_settle(bench, 50);
	assert_true(peer_is_quiet(second));
	bench_free(bench);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(literal_addresses),
		cmocka_unit_test(names),
		cmocka_unit_test(unknown_names),
		cmocka_unit_test(silent_dns),
		cmocka_unit_test(on_to_the_next_route_of_the_name),
		cmocka_unit_test(no_other_route),
		cmocka_unit_test(only_with_the_registration),
	};

	return cmocka_run_group_tests_name("phone/way", tests, NULL, NULL);
}
