/* redirect_test.c - a server that sends us elsewhere (TRIG-9). */
#include "tests/phone/bench.h"

#include <stdio.h>

static bool is_registered(const struct bench *bench)
{
	return !strcmp(bench_status((struct bench *)bench, "lines.0.state"), "registered");
}

/* "Contact: <sip:USER@...>" with the address of a peer. */
static const char *contact_at(const struct peer *peer, const char *user)
{
	static char text[256];
	const struct net_address at = net_udp_local(peer->udp);
	char address[NET_ADDRESS_TEXT_MAX];

	snprintf(text, sizeof text, "Contact: <sip:%s@%s>\r\n", user,
		 net_address_format(&at, address));
	return text;
}

/* TRIG-9 (part): a REGISTER follows the Contact of a 302, and asks for the same registrar. */
static void a_register_follows(void **state)
{
	struct bench *bench = bench_new("");
	struct peer *first = &bench->peers[0], *second = &bench->peers[1];
	const struct sip_message *request;

	(void)state;
	phone_start(bench->phone);
	peer_answer(first, peer_expect(first, SIP_REGISTER), 302, "r", contact_at(second, "x"));
	request = peer_expect(second, SIP_REGISTER);
	assert_span(request->request_uri, "sip:sip.test");
	peer_answer(second, request, 200, "r", "Expires: 3600\r\n");
	bench_wait(bench, is_registered);
	assert_true(peer_is_quiet(first));
	bench_free(bench);
}

/* TRIG-9 (part), RFC 3261 8.1.3.4: an INVITE asks for what the Contact names; its To stays.  Names
 * that lead nowhere are passed over. */
static void an_invite_follows(void **state)
{
	struct bench *bench = bench_registered("");
	struct peer *first = &bench->peers[0], *second = &bench->peers[1];
	const struct sip_message *invite;
	char contacts[512], wanted[64];
	const struct net_address at = net_udp_local(second->udp);
	char address[NET_ADDRESS_TEXT_MAX];

	(void)state;
	snprintf(contacts, sizeof contacts, "Contact: <sip:carol@name.test>, <tel:+1>\r\n%s",
		 contact_at(second, "carol"));
	snprintf(wanted, sizeof wanted, "sip:carol@%s", net_address_format(&at, address));
	bench_call(bench);
	peer_answer(first, peer_expect(first, SIP_INVITE), 302, "t", contacts);
	peer_expect(first, SIP_ACK);
	invite = peer_expect(second, SIP_INVITE);
	assert_span(invite->request_uri, wanted);
	assert_span(invite->to.uri, "sip:bob@sip.test");
	peer_answer(second, invite, 200, "u", peer_contact(second));
	peer_expect(second, SIP_ACK);
	bench_wait(bench, bench_is_up);
	bench_free(bench);
}

/* TRIG-9 (part): names are looked up: by service records, or a port and an address. */
static void names_are_looked_up(void **state)
{
	struct bench *bench = bench_new("");
	struct peer *first = &bench->peers[0], *second = &bench->peers[1];
	const struct sip_message *invite;
	char contact[128];

	(void)state;
	phone_start(bench->phone);
	peer_answer(first, peer_expect(first, SIP_REGISTER), 302, "r",
		    "Contact: <sip:naptr.test>\r\n");
	peer_answer(second, peer_expect(second, SIP_REGISTER), 200, "r", "Expires: 3600\r\n");
	bench_wait(bench, is_registered);

	snprintf(contact, sizeof contact,
		 "Contact: <sip:carol@none.test>, <sip:carol@server2.sip.test:%u>\r\n",
		 net_udp_local(second->udp).port);
	bench_call(bench);
	peer_answer(first, peer_expect(first, SIP_INVITE), 302, "t", contact);
	peer_expect(first, SIP_ACK);
	invite = peer_expect(second, SIP_INVITE);
	snprintf(contact, sizeof contact, "sip:carol@server2.sip.test:%u",
		 net_udp_local(second->udp).port);
	assert_span(invite->request_uri, contact);
	assert_true(peer_is_quiet(first));
	bench_free(bench);
}

/* TRIG-9 (part): whoever hangs up while names are looked up has no call any more. */
static void hung_up_meanwhile(void **state)
{
	struct bench *bench = bench_registered("");
	struct peer *first = &bench->peers[0], *second = &bench->peers[1];
	uint64_t id = bench_call(bench);

	(void)state;
	lab_dnsserver_set_fault(bench->dns, LAB_DNS_SILENT);
	peer_answer(first, peer_expect(first, SIP_INVITE), 302, "t",
		    "Contact: <sip:carol@naptr.test>\r\n");
	peer_expect(first, SIP_ACK);
	phone_call_hang_up(bench->phone, id);
	bench_wait(bench, bench_is_over);
	bench_settle(bench, 100);
	assert_true(peer_is_quiet(first) && peer_is_quiet(second));
	bench_free(bench);
}

/* A Contact that leads nowhere: the 302 is the call's answer. */
static void nowhere_to_go(void **state)
{
	struct bench *bench = bench_registered("");
	struct peer *first = &bench->peers[0];

	(void)state;
	bench_call(bench);
	peer_answer(first, peer_expect(first, SIP_INVITE), 302, "t",
		    "Contact: <sip:carol@name.test>\r\nContact: *\r\n");
	bench_wait(bench, bench_is_over);
	assert_int_equal(bench->events[bench_event(bench, PHONE_CALL_OVER)].status, 302);
	assert_true(peer_is_quiet(&bench->peers[1]));
	bench_free(bench);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_register_follows),  cmocka_unit_test(an_invite_follows),
		cmocka_unit_test(names_are_looked_up), cmocka_unit_test(hung_up_meanwhile),
		cmocka_unit_test(nowhere_to_go),
	};

	return cmocka_run_group_tests_name("phone/redirect", tests, NULL, NULL);
}
