/* registration_test.c - a live line registers, as its servers see it. */
#include "tests/phone/bench.h"

#define CHALLENGE                                                                                  \
	"WWW-Authenticate: Digest realm=\"sip.test\", nonce=\"n1\", algorithm=MD5, "               \
	"qop=\"auth\"\r\n"
#define GRANT "Expires: 3600\r\n"

static bool is_registered(const struct bench *bench)
{
	return !strcmp(bench_status((struct bench *)bench, "lines.0.state"), "registered");
}

static bool is_backing_off(const struct bench *bench)
{
	return !strcmp(bench_status((struct bench *)bench, "lines.0.state"), "backing off");
}

static void take_stopped(void *user)
{
	struct bench *bench = user;

	bench->stopped = true;
}

static bool is_stopped(const struct bench *bench)
{
	return bench->stopped;
}

/* REG-7: what a REGISTER says. */
static void register_says_who_and_where(void **state)
{
	struct bench *bench = bench_new("reg.1.displayName=\"Al &quot;A&quot; Ice\"");
	const struct sip_message *request;

	(void)state;
	phone_start(bench->phone);
	request = peer_expect(&bench->peers[0], SIP_REGISTER);
	assert_span(request->request_uri, "sip:sip.test");
	assert_span(request->from.uri, "sip:alice@sip.test");
	assert_true(span_contains(request->from.text, "\"Al \\\"A\\\" Ice\""));
	assert_span(request->to.uri, "sip:alice@sip.test");
	assert_false(has_header(request, SIP_AUTHORIZATION));
	assert_span(header_of(request, SIP_EXPIRES), "3600");
	assert_span(header_of(request, SIP_SUPPORTED), "path");
	assert_true(span_contains(header_of(request, SIP_CONTACT), "<sip:alice@127.0.0.1:"));
	assert_true(span_contains(header_of(request, SIP_CONTACT), ";+sip.instance=\"<urn:uuid:"));
	assert_true(request->via.wants_rport);
	bench_free(bench);
}

/* TRIG-8, RFC 3261 22.2: the challenged request comes again with credentials: same Call-ID and From
 * tag, next CSeq, new branch.  REG-5: leaving sends what is known unasked. */
static void challenge_is_answered(void **state)
{
	struct bench *bench = bench_new("");
	struct peer *peer = &bench->peers[0];
	const struct sip_message *first, *second, *last;

	(void)state;
	phone_start(bench->phone);
	first = peer_expect(peer, SIP_REGISTER);
	peer_answer(peer, first, 401, "r", CHALLENGE);
	second = peer_expect(peer, SIP_REGISTER);
	assert_true(span_contains(header_of(second, SIP_AUTHORIZATION), "nonce=\"n1\""));
	assert_true(sip_span_equal(first->call_id, second->call_id));
	assert_true(sip_span_equal(first->from.tag, second->from.tag));
	assert_int_equal(second->cseq.number, first->cseq.number + 1);
	assert_false(sip_span_equal(first->via.branch, second->via.branch));
	peer_answer(peer, second, 200, "r", GRANT);
	bench_wait(bench, is_registered);
	assert_int_equal(bench_status_number(bench, "lines.0.working_entry"), 1);

	phone_stop(bench->phone, (struct net_callback){take_stopped, bench});
	last = peer_expect(peer, SIP_REGISTER);
	assert_span(header_of(last, SIP_EXPIRES), "0");
	assert_true(span_contains(header_of(last, SIP_AUTHORIZATION), "nc=00000002"));
	assert_false(bench->stopped);
	peer_answer(peer, last, 200, "r", NULL);
	bench_wait(bench, is_stopped);
	assert_string_equal(bench_status(bench, "lines.0.state"), "off");
	bench_free(bench);
}

/* TRIG-8: a challenge to credentials that were remembered is a first one. */
static void challenge_to_remembered_credentials_is_answered(void **state)
{
	struct bench *bench = bench_new("");
	struct peer *peer = &bench->peers[0];
	const struct sip_message *request;

	(void)state;
	phone_start(bench->phone);
	peer_answer(peer, peer_expect(peer, SIP_REGISTER), 401, "r", CHALLENGE);
	peer_answer(peer, peer_expect(peer, SIP_REGISTER), 200, "r", GRANT);
	bench_wait(bench, is_registered);
	phone_stop(bench->phone, (struct net_callback){take_stopped, bench});
	request = peer_expect(peer, SIP_REGISTER);
	assert_true(has_header(request, SIP_AUTHORIZATION));
	peer_answer(peer, request, 401, "r",
		    "WWW-Authenticate: Digest realm=\"sip.test\", nonce=\"n2\"\r\n");
	request = peer_expect(peer, SIP_REGISTER);
	assert_true(span_contains(header_of(request, SIP_AUTHORIZATION), "nonce=\"n2\""));
	assert_span(header_of(request, SIP_EXPIRES), "0");
	bench_free(bench);
}

/* TRIG-8, TRIG-6 (part): the same server refuses the answer to its own challenge: a denial, and the
 * next server is not asked.  SEE-1: the status says why. */
static void wrong_password_is_a_denial(void **state)
{
	struct bench *bench = bench_new("");
	struct peer *peer = &bench->peers[0];

	(void)state;
	phone_start(bench->phone);
	peer_answer(peer, peer_expect(peer, SIP_REGISTER), 401, "r", CHALLENGE);
	peer_answer(peer, peer_expect(peer, SIP_REGISTER), 401, "r",
		    "WWW-Authenticate: Digest realm=\"sip.test\", nonce=\"n2\"\r\n");
	bench_wait(bench, is_backing_off);
	assert_non_null(strstr(bench_status(bench, "lines.0.entries.0.why"), "credentials"));
	assert_string_equal(bench_status(bench, "lines.0.entries.0.next.event"), "retry");
	assert_true(peer_is_quiet(peer));
	assert_true(peer_is_quiet(&bench->peers[1]));
	bench_free(bench);
}

/* TRIG-9 (part) */
static void too_brief_asks_for_longer(void **state)
{
	struct bench *bench = bench_new("");
	struct peer *peer = &bench->peers[0];
	const struct sip_message *request;

	(void)state;
	phone_start(bench->phone);
	peer_answer(peer, peer_expect(peer, SIP_REGISTER), 423, "r", "Min-Expires: 7200\r\n");
	request = peer_expect(peer, SIP_REGISTER);
	assert_span(header_of(request, SIP_EXPIRES), "7200");
	bench_free(bench);
}

/* TRIG-2: 503 moves on at once; a new route is a new transaction (TIME-8). */
static void unavailable_moves_on(void **state)
{
	struct bench *bench = bench_new("");
	const struct sip_message *first, *second;

	(void)state;
	phone_start(bench->phone);
	first = peer_expect(&bench->peers[0], SIP_REGISTER);
	peer_answer(&bench->peers[0], first, 503, "r", NULL);
	second = peer_expect(&bench->peers[1], SIP_REGISTER);
	assert_true(sip_span_equal(first->call_id, second->call_id));
	assert_int_equal(second->cseq.number, first->cseq.number + 1);
	peer_answer(&bench->peers[1], second, 200, "r", GRANT);
	bench_wait(bench, is_registered);
	assert_int_equal(bench_status_number(bench, "lines.0.entries.0.in_failover"), 1);
	assert_int_equal(bench_status_number(bench, "lines.0.entries.0.routes.1.current"), 1);
	assert_int_equal(bench_status_number(bench, "lines.0.entries.0.routes.0.last_status"), 503);
	bench_free(bench);
}

/* TIME-9: a 2xx from a route that was left is adopted while the line has no registration. */
static void late_acceptance_is_adopted(void **state)
{
	struct bench *bench = bench_new("");
	const struct sip_message *first;

	(void)state;
	phone_start(bench->phone);
	first = peer_expect(&bench->peers[0], SIP_REGISTER);
	peer_expect(&bench->peers[1], SIP_REGISTER);
	peer_answer(&bench->peers[0], first, 200, "r", GRANT);
	bench_wait(bench, is_registered);
	assert_int_equal(bench_status_number(bench, "lines.0.entries.0.routes.0.current"), 1);
	bench_free(bench);
}

/* REG-7, RFC 3608: later requests carry the Service-Route of the 200; but not to another server,
 * which would send them back. */
static void service_route_is_obeyed(void **state)
{
	struct bench *bench = bench_new("");
	struct peer *peer = &bench->peers[0];
	const struct sip_message *invite;

	(void)state;
	phone_start(bench->phone);
	peer_answer(peer, peer_expect(peer, SIP_REGISTER), 200, "r",
		    GRANT "Service-Route: <sip:a.test;lr>\r\nService-Route: <sip:b.test;lr>\r\n");
	bench_wait(bench, is_registered);
	bench_call(bench);
	invite = peer_expect(peer, SIP_INVITE);
	assert_span(header_of(invite, SIP_ROUTE), "<sip:a.test;lr>, <sip:b.test;lr>");
	assert_false(has_header(peer_expect(&bench->peers[1], SIP_INVITE), SIP_ROUTE));
	bench_free(bench);
}

/* RFC 3608: one that there is no room for is none, and the call goes all the same. */
static void service_route_without_an_end(void **state)
{
	struct bench *bench = bench_new("");
	struct peer *peer = &bench->peers[0];
	char more[2400] = GRANT "Service-Route: <sip:a.test;lr>, <sip:";
	size_t used = strlen(more);

	(void)state;
	memset(more + used, 'r', 2100);
	strcpy(more + used + 2100, "@b.test;lr>\r\n");
	phone_start(bench->phone);
	peer_answer(peer, peer_expect(peer, SIP_REGISTER), 200, "r", more);
	bench_wait(bench, is_registered);
	bench_call(bench);
	assert_false(has_header(peer_expect(peer, SIP_INVITE), SIP_ROUTE));
	bench_free(bench);
}

/* TRIG-8, RFC 7616 3.3: credentials whose nonce is too old are no wrong ones: once more, with the
 * new one. */
static void a_stale_nonce_is_no_refusal(void **state)
{
	struct bench *bench = bench_new("");
	struct peer *peer = &bench->peers[0];
	const struct sip_message *again;

	(void)state;
	phone_start(bench->phone);
	peer_answer(peer, peer_expect(peer, SIP_REGISTER), 401, "r", CHALLENGE);
	peer_answer(peer, peer_expect(peer, SIP_REGISTER), 401, "r",
		    "WWW-Authenticate: Digest realm=\"sip.test\", nonce=\"n2\", algorithm=MD5, "
		    "qop=\"auth\", stale=TRUE\r\n");
	again = peer_expect(peer, SIP_REGISTER);
	assert_true(span_contains(header_of(again, SIP_AUTHORIZATION), "nonce=\"n2\""));
	peer_answer(peer, again, 200, "r", GRANT);
	bench_wait(bench, is_registered);
	assert_true(peer_is_quiet(&bench->peers[1]));
	bench_free(bench);
}

static bool was_kept_alive(const struct bench *bench)
{
	return bench->peers[0].keepalives == 2;
}

/* KEEP-1: CRLF CRLF goes to the route of the registration, and silence about it is no loss. */
static void keep_alives_go_to_the_registered_route(void **state)
{
	struct bench *bench = bench_registered("nat.keepalive.interval=\"1\"");

	(void)state;
	bench_wait(bench, was_kept_alive);
	assert_int_equal(bench->peers[1].keepalives, 0);
	assert_true(is_registered(bench));
	bench_free(bench);
}

/* REG-2: a 200 that grants nothing is a denial. */
static void nothing_granted_is_a_denial(void **state)
{
	struct bench *bench = bench_new("");
	struct peer *peer = &bench->peers[0];

	(void)state;
	phone_start(bench->phone);
	peer_answer(peer, peer_expect(peer, SIP_REGISTER), 200, "r", NULL);
	bench_wait(bench, is_backing_off);
	assert_non_null(strstr(bench_status(bench, "lines.0.entries.0.why"), "granted no time"));
	bench_free(bench);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(register_says_who_and_where),
		cmocka_unit_test(challenge_is_answered),
		cmocka_unit_test(challenge_to_remembered_credentials_is_answered),
		cmocka_unit_test(wrong_password_is_a_denial),
		cmocka_unit_test(too_brief_asks_for_longer),
		cmocka_unit_test(unavailable_moves_on),
		cmocka_unit_test(late_acceptance_is_adopted),
		cmocka_unit_test(service_route_is_obeyed),
		cmocka_unit_test(service_route_without_an_end),
		cmocka_unit_test(a_stale_nonce_is_no_refusal),
		cmocka_unit_test(keep_alives_go_to_the_registered_route),
		cmocka_unit_test(nothing_granted_is_a_denial),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
