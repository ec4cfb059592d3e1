/* flow_test.c - registrations as flows, as their servers see them (RFC 5626, OWN-6). */
#include "tests/phone/bench.h"
#include "tests/phone/jump.h"

#define FLOWS "policy: {reregister_on: true, flows_max: 2}\n"
#define GRANT "Expires: 3600\r\n"
#define OUTBOUND GRANT "Require: outbound\r\n"

enum { PORT = 40000, LITTLE_MS = 100, SLACK_S = 5 /* a loaded machine's */ };

static bool is_registered(const struct bench *bench)
{
	return !strcmp(bench_status((struct bench *)bench, "lines.0.state"), "registered");
}

static bool has_two_flows(const struct bench *bench)
{
	return is_registered(bench) &&
	       bench_status_number((struct bench *)bench,
				   "lines.0.entries.0.second_flow.registered");
}

/* A line with a flow at each peer. */
static struct bench *bench_with_flows(const char *first, const char *second)
{
	struct bench *bench = bench_new_beside("", FLOWS);

	phone_start(bench->phone);
	peer_answer(&bench->peers[0], peer_expect(&bench->peers[0], SIP_REGISTER), 200, "r", first);
	peer_answer(&bench->peers[1], peer_expect(&bench->peers[1], SIP_REGISTER), 200, "r",
		    second);
	bench_wait(bench, has_two_flows);
	return bench;
}

/* ---- what is said ---------------------------------------------------------------------------- */

/* RFC 5626 4.2.1: one instance, a reg-id and a Call-ID for each flow, and no "ob". */
static void each_flow_has_a_registration(void **state)
{
	struct bench *bench = bench_new_beside("", FLOWS);
	const struct sip_message *first, *second;
	struct sip_span instance;
	char text[256];

	(void)state;
	phone_start(bench->phone);
	first = peer_expect(&bench->peers[0], SIP_REGISTER);
	assert_true(span_contains(header_of(first, SIP_CONTACT), ";reg-id=1"));
	assert_span(header_of(first, SIP_SUPPORTED), "path, outbound");
	peer_answer(&bench->peers[0], first, 200, "r", OUTBOUND);
	second = peer_expect(&bench->peers[1], SIP_REGISTER);
	assert_true(span_contains(header_of(second, SIP_CONTACT), ";reg-id=2"));
	assert_false(sip_span_equal(first->call_id, second->call_id));
	assert_false(span_contains(header_of(second, SIP_CONTACT), ";ob"));
	instance = header_of(first, SIP_CONTACT);
	text_of(instance, text);
	*strstr(text, ";reg-id") = '\0';
	assert_true(span_contains(header_of(second, SIP_CONTACT), text));
	bench_free(bench);
}

/* RFC 5626 6: without Require: outbound there is one registration, as ever. */
static void a_registrar_without_outbound_has_one(void **state)
{
	struct bench *bench = bench_new_beside("", FLOWS);
	struct peer *peer = &bench->peers[0];
	const struct sip_message *invite;

	(void)state;
	phone_start(bench->phone);
	peer_answer(peer, peer_expect(peer, SIP_REGISTER), 200, "r", GRANT);
	bench_wait(bench, is_registered);
	bench_call(bench);
	invite = peer_expect(peer, SIP_INVITE);
	assert_false(span_contains(header_of(invite, SIP_CONTACT), ";ob"));
	assert_span(header_of(invite, SIP_SUPPORTED), "100rel, timer");
	assert_true(peer_is_quiet(&bench->peers[1]));
	assert_int_equal(bench_status_number(bench, "lines.0.entries.0.outbound"), 0);
	bench_free(bench);
}

/* RFC 5626 4.2.1: what the first hop can't do is left out. */
static void a_first_hop_without_outbound_is_asked_plainly(void **state)
{
	struct bench *bench = bench_new_beside("", FLOWS);
	struct peer *peer = &bench->peers[0];
	const struct sip_message *first, *again;

	(void)state;
	phone_start(bench->phone);
	first = peer_expect(peer, SIP_REGISTER);
	peer_answer(peer, first, 439, "r", NULL);
	again = peer_expect(peer, SIP_REGISTER);
	assert_false(span_contains(header_of(again, SIP_CONTACT), "reg-id"));
	assert_span(header_of(again, SIP_SUPPORTED), "path");
	assert_true(sip_span_equal(first->call_id, again->call_id));
	peer_answer(peer, again, 200, "r", GRANT);
	bench_wait(bench, is_registered);
	assert_true(peer_is_quiet(&bench->peers[1]));
	bench_free(bench);
}

/* RFC 5626 6: the 200 lists both flows; the time of the one that asked counts. */
static void the_time_of_its_own_contact_counts(void **state)
{
	struct bench *bench = bench_new_beside("", FLOWS);
	const struct sip_message *request;
	char contact[256], more[1024];

	(void)state;
	phone_start(bench->phone);
	request = peer_expect(&bench->peers[0], SIP_REGISTER);
	text_of(header_of(request, SIP_CONTACT), contact);
	peer_answer(&bench->peers[0], request, 200, "r", OUTBOUND);
	request = peer_expect(&bench->peers[1], SIP_REGISTER);
	snprintf(more, sizeof more,
		 "Require: outbound\r\nContact: %s;expires=7200, %.*s;expires=600\r\n", contact,
		 SIP_SPAN(header_of(request, SIP_CONTACT)));
	peer_answer(&bench->peers[1], request, 200, "r", more);
	bench_wait(bench, has_two_flows);
	assert_in_range(bench_status_number(bench, "lines.0.entries.0.second_flow.expires_in_ms"),
			590000, 600000);
	bench_free(bench);
}

/* RFC 5626 4.3: dialogs made over a flow, in either direction, say "ob". */
static void dialogs_say_that_they_go_over_a_flow(void **state)
{
	struct bench *bench = bench_with_flows(OUTBOUND, OUTBOUND);
	const struct sip_message *message;

	(void)state;
	bench_call(bench);
	message = peer_expect(&bench->peers[0], SIP_INVITE);
	assert_true(span_contains(header_of(message, SIP_CONTACT), ";ob>"));
	assert_span(header_of(message, SIP_SUPPORTED), "100rel, timer, outbound");
	peer_ask(&bench->peers[1],
		 &(struct peer_request){.method = "INVITE", .call_id = "in", .cseq = 1});
	message = peer_expect_status(&bench->peers[1], 180);
	assert_true(span_contains(header_of(message, SIP_CONTACT), ";ob>"));
	bench_free(bench);
}

/* REG-7, RFC 3608: what a server gave is for what goes through it. */
static void each_flow_has_its_service_route(void **state)
{
	struct bench *bench = bench_with_flows(OUTBOUND "Service-Route: <sip:a.test;lr>\r\n",
					       OUTBOUND "Service-Route: <sip:b.test;lr>\r\n");

	(void)state;
	bench_call(bench);
	assert_span(header_of(peer_expect(&bench->peers[0], SIP_INVITE), SIP_ROUTE),
		    "<sip:a.test;lr>");
	assert_span(header_of(peer_expect(&bench->peers[1], SIP_INVITE), SIP_ROUTE),
		    "<sip:b.test;lr>");
	bench_free(bench);
}

/* RFC 3261 8.2.2.2: a proxy that forks to both flows: one call. */
static void one_request_over_both_flows_is_one_call(void **state)
{
	struct bench *bench = bench_with_flows(OUTBOUND, OUTBOUND);
	struct peer_request invite = {
		.method = "INVITE", .call_id = "in", .branch = "z9hG4bK1", .cseq = 1};

	(void)state;
	peer_ask(&bench->peers[0], &invite);
	peer_expect_status(&bench->peers[0], 180);
	invite.branch = "z9hG4bK2";
	peer_ask(&bench->peers[1], &invite);
	peer_expect_status(&bench->peers[1], 482);
	assert_int_equal(bench->event_count, 1);
	bench_free(bench);
}

/* ---- keep-alives over UDP -------------------------------------------------------------------- */

static bool was_pinged(const struct bench *bench)
{
	return bench->peers[0].pings > 0;
}

static bool was_pinged_again(const struct bench *bench)
{
	return bench->peers[0].pings > 1;
}

static bool was_pinged_seven_times_more(const struct bench *bench)
{
	return bench->peers[0].pings == 8;
}

/* RFC 5626 4.4.1: within 24 to 29 s, or 80 to 100 % of the server's Flow-Timer. */
static void pings_come_in_time(void **state)
{
	static const struct {
		const char *flow_timer;
		time_t least_s, most_s;
	} cases[] = {{"", 24, 29}, {"Flow-Timer: 60\r\n", 48, 60}};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct bench *bench;
		char more[128];

		snprintf(more, sizeof more, OUTBOUND "%s", cases[i].flow_timer);
		bench = bench_with_flows(more, OUTBOUND);
		jump(cases[i].least_s - SLACK_S);
		bench_settle(bench, LITTLE_MS);
		assert_false(was_pinged(bench));
		jump(cases[i].most_s - cases[i].least_s + SLACK_S);
		bench_wait(bench, was_pinged);
		bench_free(bench);
	}
}

/* The first server knows STUN, and is where it was. */
static void answer_first_ping(struct bench *bench)
{
	jump(29);
	bench_wait(bench, was_pinged);
	peer_pong(&bench->peers[0], PORT);
	bench_settle(bench, LITTLE_MS);
}

/* RFC 5389 7.2.1: a server that answered once is asked seven times, up to 39.5 s, then its flow is
 * made anew, with its reg-id. */
static void a_flow_without_answers_is_made_anew(void **state)
{
	struct bench *bench = bench_with_flows(OUTBOUND, OUTBOUND);
	struct peer *peer = &bench->peers[0];

	(void)state;
	answer_first_ping(bench);
	jump(29);
	bench_wait(bench, was_pinged_again);
	for (time_t wait_ms = 500; wait_ms <= 16000; wait_ms *= 2) {
		jump((wait_ms + 999) / 1000);
		bench_settle(bench, LITTLE_MS);
	}
	bench_wait(bench, was_pinged_seven_times_more);
	assert_true(has_two_flows(bench));
	jump(8);
	bench_settle(bench, LITTLE_MS);
	assert_false(has_two_flows(bench));
	jump(180);
	assert_true(span_contains(header_of(peer_expect(peer, SIP_REGISTER), SIP_CONTACT),
				  ";reg-id=1"));
	bench_free(bench);
}

/* Who knows no STUN has not failed: each ping is one datagram, which keeps NATs open. */
static void a_server_without_stun_keeps_its_flow(void **state)
{
	struct bench *bench = bench_with_flows(OUTBOUND, OUTBOUND);

	(void)state;
	jump(29);
	bench_wait(bench, was_pinged);
	jump(1);
	bench_settle(bench, LITTLE_MS);
	jump(29);
	bench_wait(bench, was_pinged_again);
	assert_true(has_two_flows(bench));
	bench_free(bench);
}

/* RFC 5626 4.4.2: the server sees another address than before: what it knows leads nowhere. */
static void a_flow_that_a_nat_moved_is_made_anew(void **state)
{
	struct bench *bench = bench_with_flows(OUTBOUND, OUTBOUND);
	struct peer *peer = &bench->peers[0];

	(void)state;
	answer_first_ping(bench);
	assert_true(has_two_flows(bench));
	jump(29);
	bench_wait(bench, was_pinged_again);
	peer_pong(peer, PORT + 1);
	bench_settle(bench, LITTLE_MS);
	assert_false(has_two_flows(bench));
	bench_free(bench);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_flow_has_a_registration),
		cmocka_unit_test(a_registrar_without_outbound_has_one),
		cmocka_unit_test(a_first_hop_without_outbound_is_asked_plainly),
		cmocka_unit_test(the_time_of_its_own_contact_counts),
		cmocka_unit_test(dialogs_say_that_they_go_over_a_flow),
		cmocka_unit_test(each_flow_has_its_service_route),
		cmocka_unit_test(one_request_over_both_flows_is_one_call),
		cmocka_unit_test(pings_come_in_time),
		cmocka_unit_test(a_flow_without_answers_is_made_anew),
		cmocka_unit_test(a_server_without_stun_keeps_its_flow),
		cmocka_unit_test(a_flow_that_a_nat_moved_is_made_anew),
	};

	return cmocka_run_group_tests_name("phone/flow", tests, NULL, NULL);
}
