/* epid_test.c - who the phone is to a server that wants an epid in From (FALL-7). */
#include "tests/phone/bench.h"

#include <ctype.h>

#include "phone/account.h"

enum { DIGITS = 12 };

/* The epid of a message's From; fails the test if it has none. */
static struct sip_span epid_of(const struct sip_message *message)
{
	struct sip_span epid = {NULL, 0};

	assert_true(sip_param_find(message->from.params, "epid", &epid));
	return epid;
}

static void assert_same_epid(const struct sip_message *message, struct sip_span epid)
{
	assert_true(sip_span_equal(epid_of(message), epid));
}

/* FALL-7: each request has it, those of a dialog and of a refused call, too. */
static void every_request_has_it(void **state)
{
	struct bench *bench = bench_new("voIpProt.SIP.lcs=\"1\" reg.1.displayName=\"Al\"");
	struct peer *peer = &bench->peers[0];
	const struct sip_message *request;
	struct sip_span epid;
	uint64_t id;

	(void)state;
	phone_start(bench->phone);
	request = peer_expect(peer, SIP_REGISTER);
	epid = epid_of(request);
	assert_int_equal(epid.length, DIGITS);
	for (size_t i = 0; i < epid.length; i++)
		assert_true(isxdigit((unsigned char)epid.at[i]));
	assert_true(request->from.tag.length);
	assert_false(sip_param_find(request->to.params, "epid", &(struct sip_span){NULL, 0}));
	peer_answer(peer, request, 200, "r", "Expires: 3600\r\n");

	bench_call(bench);
	request = peer_expect(peer, SIP_INVITE);
	assert_same_epid(request, epid);
	peer_answer(peer, request, 486, "t", NULL);
	assert_same_epid(peer_expect(peer, SIP_ACK), epid);

	id = bench_call(bench);
	request = peer_expect(peer, SIP_INVITE);
	peer_answer(peer, request, 180, "t", NULL);
	bench_settle(bench, 20);
	phone_call_hang_up(bench->phone, id);
	assert_same_epid(peer_expect(peer, SIP_CANCEL), epid);

	id = bench_call(bench);
	request = peer_expect(peer, SIP_INVITE);
	peer_answer(peer, request, 200, "t", peer_contact(peer));
	assert_same_epid(peer_expect(peer, SIP_ACK), epid);
	bench_wait(bench, bench_is_up);
	phone_call_hang_up(bench->phone, id);
	request = peer_expect(peer, SIP_BYE);
	assert_same_epid(request, epid);
	assert_true(span_contains(request->from.text, "\"Al\" <sip:alice@sip.test>;epid="));
	bench_free(bench);
}

static void without_the_setting_nothing_does(void **state)
{
	struct bench *bench = bench_new("");
	struct sip_span epid;

	(void)state;
	phone_start(bench->phone);
	assert_false(sip_param_find(peer_expect(&bench->peers[0], SIP_REGISTER)->from.params,
				    "epid", &epid));
	bench_free(bench);
}

static void assert_epid(const char *mac, const char *text)
{
	const struct config_options options = {.versity = "sip.test", .mac = mac};
	struct phone_accounts accounts;
	struct config *config;

	assert_int_equal(config_load(&options, &config), 0);
	assert_int_equal(phone_accounts_init(&accounts, config), 0);
	assert_string_equal(accounts.epid, text);
	phone_accounts_clear(&accounts);
	config_free(config);
}

/* FALL-7: the MAC address if it was given, else digits of the machine's own id (RFC 5626 4.1). */
static void it_is_the_mac_address(void **state)
{
	const struct config_options options = {.versity = "sip.test"};
	struct phone_accounts accounts;
	struct config *config;
	char digits[64] = ";epid=";
	size_t length = strlen(digits);

	(void)state;
	assert_epid("00:04:F2:AA:BB:CC", ";epid=0004f2aabbcc");
	assert_epid("0004f2aabbcc", ";epid=0004f2aabbcc");
	assert_int_equal(config_load(&options, &config), 0);
	assert_int_equal(phone_accounts_init(&accounts, config), 0);
	for (const char *at = strrchr(strstr(accounts.instance, "uuid:"), ':') + 1;
	     length < strlen(";epid=") + DIGITS; at++)
		if (*at != '-')
			digits[length++] = *at;
	assert_string_equal(accounts.epid, digits);
	phone_accounts_clear(&accounts);
	config_free(config);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_request_has_it),
		cmocka_unit_test(without_the_setting_nothing_does),
		cmocka_unit_test(it_is_the_mac_address),
	};

	return cmocka_run_group_tests_name("phone/epid", tests, NULL, NULL);
}
