/* reload_test.c - a new configuration for live lines, as their servers see it. */
#include "tests/phone/bench.h"

#include <errno.h>

#define BOB(x)                                                                                     \
	"reg." #x ".address=\"bob\" reg." #x ".server.1.address=\"sip.test\""                      \
	" reg." #x ".server.1.transport=\"UDPOnly\""

enum {
	LEAVE_MS = 2000, /* more than an answer takes */
	SHORT_MS = 200,  /* more than a message takes */
	LATE_MS = 500,   /* how late a timer and a datagram may be, together, on a loaded machine */
	RELOADS = 20,
};

static bool is_registered(const struct bench *bench, const char *aor)
{
	json_t *status = phone_status(bench->phone), *line;
	bool registered = false;
	size_t i;

	json_array_foreach(json_object_get(status, "lines"), i, line)
	{
		if (!strcmp(json_string_value(json_object_get(line, "aor")), aor))
			registered = !strcmp(json_string_value(json_object_get(line, "state")),
					     "registered");
	}
	json_decref(status);
	return registered;
}

static bool alice_is_registered(const struct bench *bench)
{
	return is_registered(bench, "sip:alice@sip.test");
}

static bool bob_is_registered(const struct bench *bench)
{
	return is_registered(bench, "sip:bob@sip.test");
}

/* Takes Bob's REGISTER, grants it, and waits until the phone knows. */
static const struct sip_message *register_bob(struct bench *bench)
{
	const struct sip_message *request = peer_expect(&bench->peers[0], SIP_REGISTER);

	assert_span(request->to.text, "<sip:bob@sip.test>");
	peer_answer(&bench->peers[0], request, 200, "b", "Expires: 3600\r\n");
	bench_wait(bench, bob_is_registered);
	return request;
}

static void assert_silence(struct bench *bench)
{
	bench_settle(bench, SHORT_MS);
	assert_true(peer_is_quiet(&bench->peers[0]));
	assert_true(peer_is_quiet(&bench->peers[1]));
}

static void reload(struct bench *bench, unsigned alice, const char *parameters)
{
	bench_begin_reload(bench, alice, parameters, LEAVE_MS);
	bench_end_reload(bench);
}

/* Between two readings of the clock, which may be apart on a loaded machine. */
struct moment {
	uint64_t least_ms, most_ms;
};

static struct moment next_refresh(struct bench *bench)
{
	uint64_t before_ms = net_now_ms();
	uint64_t in_ms = (uint64_t)bench_status_number(bench, "lines.0.entries.0.next.in_ms");

	return (struct moment){before_ms + in_ms, net_now_ms() + in_ms};
}

/* REG-1 (part): a reload with nothing changed sends nothing; the refresh comes at the
 * time that was planned, with the same Call-ID and the next CSeq. */
static void nothing_changed_sends_nothing(void **state)
{
	struct bench *bench = bench_new("");
	struct peer *peer = &bench->peers[0];
	const struct sip_message *first, *refresh;
	struct moment due, still;

	(void)state;
	phone_start(bench->phone);
	first = peer_expect(peer, SIP_REGISTER);
	peer_answer(peer, first, 200, "r", "Expires: 2\r\n");
	bench_wait(bench, alice_is_registered);
	due = next_refresh(bench);
	reload(bench, 1, "");
	assert_silence(bench);
	still = next_refresh(bench);
	assert_true(still.least_ms <= due.most_ms + 2 && still.most_ms + 2 >= due.least_ms);
	assert_non_null(strstr(bench_status(bench, "lines.0.entries.0.why"), "regist"));
	refresh = peer_expect(peer, SIP_REGISTER);
	assert_in_range(net_now_ms(), due.least_ms - 2, due.most_ms + LATE_MS);
	assert_true(sip_span_equal(refresh->call_id, first->call_id));
	assert_true(sip_span_equal(refresh->from.tag, first->from.tag));
	assert_int_equal(refresh->cseq.number, first->cseq.number + 1);
	bench_free(bench);
}

/* REG-1 (part): a line that is new registers, the one that was there stays silent. */
static void new_line_registers(void **state)
{
	struct bench *bench = bench_registered("");

	(void)state;
	reload(bench, 1, BOB(2));
	register_bob(bench);
	assert_silence(bench);
	assert_true(alice_is_registered(bench));
	bench_free(bench);
}

/* REG-5 (part): a line whose password changed is unregistered with its old ids; only once that is
 * answered it registers anew, with new ones. */
static void changed_line_leaves_and_starts_anew(void **state)
{
	struct bench *bench = bench_registered(BOB(2));
	struct peer *peer = &bench->peers[0];
	const struct sip_message *first = register_bob(bench), *last, *anew;

	(void)state;
	bench_begin_reload(bench, 1, BOB(2) " reg.2.auth.password=\"other\"", LEAVE_MS);
	last = peer_expect(peer, SIP_REGISTER);
	assert_span(header_of(last, SIP_EXPIRES), "0");
	assert_true(sip_span_equal(last->call_id, first->call_id));
	assert_silence(bench);
	peer_answer(peer, last, 200, "b", NULL);
	bench_end_reload(bench);
	anew = register_bob(bench);
	assert_false(sip_span_equal(anew->call_id, first->call_id));
	assert_silence(bench);
	assert_true(alice_is_registered(bench));
	bench_free(bench);
}

/* A call of the first line, which the first peer answered; its INVITE. */
static const struct sip_message *call_up(struct bench *bench, uint64_t *id)
{
	struct peer *peer = &bench->peers[0];
	const struct sip_message *invite;

	*id = bench_call(bench);
	invite = peer_expect(peer, SIP_INVITE);
	peer_answer(peer, invite, 200, "t", peer_contact(peer));
	peer_expect(peer, SIP_ACK);
	bench_wait(bench, bench_is_up);
	return invite;
}

/* REG-5 (part): a line that is not there any more hangs up and is unregistered; the other one,
 * which has another number now, stays silent. */
static void removed_line_hangs_up_and_leaves(void **state)
{
	struct bench *bench = bench_registered("");
	struct peer *peer = &bench->peers[0];
	const struct sip_message *invite, *request;
	uint64_t id;

	(void)state;
	reload(bench, 2, BOB(1));
	register_bob(bench);
	invite = call_up(bench, &id);
	assert_span(invite->from.uri, "sip:bob@sip.test");
	bench_begin_reload(bench, 2, "", LEAVE_MS);
	assert_true(bench_has_event(bench, PHONE_CALL_OVER));
	request = peer_expect(peer, SIP_BYE);
	assert_true(sip_span_equal(request->call_id, invite->call_id));
	peer_answer(peer, request, 200, NULL, NULL);
	request = peer_expect(peer, SIP_REGISTER);
	assert_span(request->to.text, "<sip:bob@sip.test>");
	assert_span(header_of(request, SIP_EXPIRES), "0");
	peer_answer(peer, request, 200, "b", NULL);
	bench_end_reload(bench);
	assert_silence(bench);
	assert_string_equal(bench_status(bench, "lines.0.aor"), "sip:alice@sip.test");
	assert_true(alice_is_registered(bench));
	bench_free(bench);
}

/* CALL-1 (part): a call goes on though its line has another number: to its server, which the line
 * that has that number now does not know, and here. */
static void call_outlives_another_order(void **state)
{
	struct bench *bench = bench_registered("");
	struct peer *peer = &bench->peers[0];
	const struct sip_message *invite, *bye;
	uint64_t id;

	(void)state;
	invite = call_up(bench, &id);
	reload(bench, 3,
	       "reg.2.address=\"eve\" reg.2.server.1.address=\"away.test\""
	       " reg.2.server.1.transport=\"UDPOnly\""
	       " reg.2.server.1.failOver.reRegisterOn=\"1\"");
	peer_answer(&bench->peers[1], peer_expect(&bench->peers[1], SIP_REGISTER), 200, "e",
		    "Expires: 3600\r\n");
	assert_silence(bench);
	assert_string_equal(bench_status(bench, "lines.1.aor"), "sip:alice@sip.test");
	assert_int_equal(bench_status_number(bench, "counters.calls"), 1);
	peer_request(peer, invite, "t", "OPTIONS", 1, NULL);
	peer_expect_status(peer, 200);
	phone_call_hang_up(bench->phone, id);
	bye = peer_expect(peer, SIP_BYE);
	assert_true(sip_span_equal(bye->call_id, invite->call_id));
	assert_int_equal(bench_status_number(bench, "counters.calls"), 0);
	bench_free(bench);
}

/* Lines in another order, and one with another label, send nothing. */
static void another_order_sends_nothing(void **state)
{
	struct bench *bench = bench_registered(BOB(2));

	(void)state;
	register_bob(bench);
	reload(bench, 3, BOB(2) " reg.2.label=\"Bob\"");
	assert_silence(bench);
	assert_string_equal(bench_status(bench, "lines.0.aor"), "sip:bob@sip.test");
	assert_true(alice_is_registered(bench));
	assert_true(bob_is_registered(bench));
	bench_free(bench);
}

/* TIME-8 (part), TRIG-8 (part): the answer to a REGISTER that was sent before the reload counts
 * after it, under the line's new number, and its challenge is answered. */
static void reload_while_registering(void **state)
{
	struct bench *bench = bench_new("");
	struct peer *peer = &bench->peers[0];
	const struct sip_message *first, *second;

	(void)state;
	phone_start(bench->phone);
	first = peer_expect(peer, SIP_REGISTER);
	reload(bench, 2, "");
	peer_answer(peer, first, 401, "r",
		    "WWW-Authenticate: Digest realm=\"sip.test\", nonce=\"n\"\r\n");
	second = peer_expect(peer, SIP_REGISTER);
	assert_true(sip_span_equal(second->call_id, first->call_id));
	assert_int_equal(second->cseq.number, first->cseq.number + 1);
	assert_true(span_contains(header_of(second, SIP_AUTHORIZATION), "username=\"alice\""));
	reload(bench, 1, BOB(2));
	peer_answer(peer, second, 200, "r", "Expires: 3600\r\n");
	bench_wait(bench, alice_is_registered);
	register_bob(bench);
	bench_free(bench);
}

/* REG-5 (part): a silent server keeps a reload for no longer than it may; what it says later is to
 * nobody. */
static void silent_server_is_not_waited_for(void **state)
{
	struct bench *bench = bench_registered(BOB(2));
	const struct sip_message *last;
	uint64_t began_ms;

	(void)state;
	register_bob(bench);
	began_ms = net_now_ms();
	bench_begin_reload(bench, 1, "", SHORT_MS);
	last = peer_expect(&bench->peers[0], SIP_REGISTER);
	bench_end_reload(bench);
	assert_in_range(net_now_ms() - began_ms, SHORT_MS, SHORT_MS + LATE_MS);
	peer_answer(&bench->peers[0], last, 200, "b", NULL);
	bench_settle(bench, SHORT_MS);
	assert_int_equal(bench_status_number(bench, "counters.stray"), 1);
	assert_true(alice_is_registered(bench));
	bench_free(bench);
}

/* One reload at a time; a stop ends it. */
static void second_reload_is_refused(void **state)
{
	struct bench *bench = bench_registered(BOB(2));
	struct phone_reload_order order = {.config = bench->config};
	char why[PHONE_WHY_MAX];

	(void)state;
	register_bob(bench);
	bench_begin_reload(bench, 1, "", SHORT_MS);
	assert_int_equal(phone_reload_begin(bench->phone, &order, why), -EBUSY);
	phone_stop(bench->phone, (struct net_callback){NULL, NULL});
	bench_settle(bench, 2 * SHORT_MS);
	assert_non_null(bench->next);
	assert_string_equal(bench_status(bench, "lines.1.aor"), "sip:bob@sip.test");
	bench_free(bench);
}

/* CALL-1 (part): an INVITE that is under way outlives any number of reloads, as its dialog does;
 * nothing of a configuration that was freed is looked at. */
static void many_reloads(void **state)
{
	struct bench *bench = bench_registered("");
	struct peer *peer = &bench->peers[0];
	const struct sip_message *invite;
	uint64_t id = bench_call(bench);

	(void)state;
	invite = peer_expect(peer, SIP_INVITE);
	peer_answer(peer, invite, 180, "t", NULL);
	for (unsigned i = 0; i < RELOADS; i++)
		reload(bench, 1 + i % 3, "");
	peer_answer(peer, invite, 200, "t", peer_contact(peer));
	peer_expect(peer, SIP_ACK);
	bench_wait(bench, bench_is_up);
	for (unsigned i = 0; i < RELOADS; i++)
		reload(bench, 1 + i % 3, "");
	assert_silence(bench);
	phone_call_hang_up(bench->phone, id);
	peer_answer(peer, peer_expect(peer, SIP_BYE), 200, NULL, NULL);
	assert_silence(bench);
	bench_free(bench);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_changed_sends_nothing),
		cmocka_unit_test(new_line_registers),
		cmocka_unit_test(changed_line_leaves_and_starts_anew),
		cmocka_unit_test(removed_line_hangs_up_and_leaves),
		cmocka_unit_test(another_order_sends_nothing),
		cmocka_unit_test(call_outlives_another_order),
		cmocka_unit_test(reload_while_registering),
		cmocka_unit_test(silent_server_is_not_waited_for),
		cmocka_unit_test(second_reload_is_refused),
		cmocka_unit_test(many_reloads),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
