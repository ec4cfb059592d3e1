/* subscription_test.c - subscriptions and shared lines, as the servers see them. */
#include "tests/phone/bench.h"

#include <errno.h>
#include <stdio.h>

#define MWI "Event: message-summary\r\n"
#define ACTIVE "Subscription-State: active;expires=3600\r\n"
#define WAITING                                                                                    \
	"Content-Type: application/simple-message-summary\r\n\r\n"                                 \
	"Messages-Waiting: yes\r\nVoice-Message: 2/8\r\n"

/* What a server grants, with where its dialog is. */
static const char *granting(const struct peer *peer, unsigned expires_s)
{
	static char text[256];

	snprintf(text, sizeof text, "%sExpires: %u\r\n", peer_contact(peer), expires_s);
	return text;
}

static uint64_t subscribe(struct bench *bench, const char *event, const char *target)
{
	const struct phone_subscribe_order order = {.event = event, .target = target};
	char why[PHONE_WHY_MAX];
	uint64_t id;

	assert_int_equal(phone_subscribe(bench->phone, &order, &id, why), 0);
	return id;
}

/* A NOTIFY of PEER's in the dialog of SUBSCRIBE (as received) and TAG. */
static void notify(struct peer *peer, const struct sip_message *subscribe, const char *tag,
		   unsigned cseq, const char *more)
{
	char text[2048];

	snprintf(text, sizeof text, "%s%s", peer_contact(peer), more);
	peer_request(peer, subscribe, tag, "NOTIFY", cseq, text);
}

static const char *state_of(struct bench *bench)
{
	return bench_status(bench, "lines.0.subscriptions.0.state");
}

static bool is_state(const struct bench *bench, const char *state)
{
	json_t *status = phone_status(bench->phone);
	json_t *line = json_array_get(json_object_get(status, "lines"), 0);
	json_t *first = json_array_get(json_object_get(line, "subscriptions"), 0);
	const char *found = json_string_value(json_object_get(first, "state"));
	bool is_it = found && !strcmp(found, state);

	json_decref(status);
	return is_it;
}

static bool is_active(const struct bench *bench)
{
	return is_state(bench, "active");
}

static bool is_waiting(const struct bench *bench)
{
	return is_state(bench, "waiting");
}

static bool is_ended(const struct bench *bench)
{
	return is_state(bench, "ended");
}

/* An MWI subscription that the first peer has accepted with tag "s"; its SUBSCRIBE. */
static const struct sip_message *subscribed(struct bench *bench, uint64_t *id, unsigned expires_s)
{
	struct peer *peer = &bench->peers[0];
	const struct sip_message *request;

	*id = subscribe(bench, "message-summary", "");
	request = peer_expect(peer, SIP_SUBSCRIBE);
	peer_answer(peer, request, 200, "s", granting(peer, expires_s));
	bench_wait(bench, is_active);
	return request;
}

/* SUBS-2 (part): SUBSCRIBE, NOTIFY with what it says, and the end with Expires 0. */
static void messages_are_waited_for(void **state)
{
	struct bench *bench = bench_registered("");
	struct peer *peer = &bench->peers[0];
	uint64_t id = subscribe(bench, "message-summary", "");
	const struct sip_message *request = peer_expect(peer, SIP_SUBSCRIBE), *end;

	(void)state;
	assert_span(request->request_uri, "sip:alice@sip.test");
	assert_span(request->to.text, "<sip:alice@sip.test>");
	assert_span(header_of(request, SIP_EVENT), "message-summary");
	assert_span(header_of(request, SIP_EXPIRES), "3600");
	assert_true(span_contains(header_of(request, SIP_CONTACT), "<sip:alice@127.0.0.1:"));
	assert_true(span_contains(header_of(request, SIP_ALLOW), "NOTIFY"));
	assert_string_equal(state_of(bench), "subscribing");
	peer_answer(peer, request, 200, "s", granting(peer, 3600));
	bench_wait(bench, is_active);
	notify(peer, request, "s", 1, MWI ACTIVE WAITING);
	peer_expect_status(peer, 200);
	assert_int_equal(bench_status_number(bench, "lines.0.subscriptions.0.messages.voice.new"),
			 2);
	assert_int_equal(bench_status_number(bench, "lines.0.subscriptions.0.notifies"), 1);
	assert_string_equal(bench_status(bench, "lines.0.subscriptions.0.notified"), "active");

	assert_int_equal(phone_unsubscribe(bench->phone, id), 0);
	end = peer_expect(peer, SIP_SUBSCRIBE);
	assert_true(sip_span_equal(end->call_id, request->call_id));
	assert_span(end->to.tag, "s");
	assert_true(span_contains(end->request_uri, "sip:bob@127.0.1.1"));
	assert_span(header_of(end, SIP_EXPIRES), "0");
	assert_int_equal(end->cseq.number, request->cseq.number + 1);
	notify(peer, request, "s", 2, MWI "Subscription-State: terminated;reason=timeout\r\n");
	peer_expect_status(peer, 200);
	peer_answer(peer, end, 200, NULL, "Expires: 0\r\n");
	bench_settle(bench, 50);
	assert_int_equal(phone_unsubscribe(bench->phone, id), -ENOENT);
	assert_true(peer_is_quiet(peer));
	bench_free(bench);
}

/* RFC 6665 4.1.2.4, 5.4.9: the NOTIFY may come before the 200; the first of a fork is kept, each
 * other one refused, and the dialog of the 200 is that of the NOTIFY. */
static void first_notify_makes_the_dialog(void **state)
{
	struct bench *bench = bench_registered("");
	struct peer *peer = &bench->peers[0];
	uint64_t id = subscribe(bench, "dialog", "bob");
	const struct sip_message *request = peer_expect(peer, SIP_SUBSCRIBE);

	(void)state;
	assert_span(request->request_uri, "sip:bob@sip.test");
	assert_span(sip_message_header_named(request, "Accept", 0)->value,
		    "application/dialog-info+xml");
	notify(peer, request, "n", 7, "Event: dialog\r\n" ACTIVE);
	peer_expect_status(peer, 200);
	notify(peer, request, "other", 1, "Event: dialog\r\n" ACTIVE);
	peer_expect_status(peer, 481);
	peer_answer(peer, request, 200, "third", granting(peer, 3600));
	bench_wait(bench, is_active);
	notify(peer, request, "third", 2, "Event: dialog\r\n" ACTIVE);
	peer_expect_status(peer, 481);
	phone_unsubscribe(bench->phone, id);
	assert_span(peer_expect(peer, SIP_SUBSCRIBE)->to.tag, "n");
	bench_free(bench);
}

/* RFC 6665 4.1.3, 8.2.1; RFC 3261 12.2.2: what is refused, and with what. */
static void bad_notifies_are_refused(void **state)
{
	struct bench *bench = bench_registered("");
	struct peer *peer = &bench->peers[0], *other = &bench->peers[1];
	uint64_t id;
	const struct sip_message *request = subscribed(bench, &id, 3600), *refusal;

	(void)state;
	notify(peer, request, "s", 5, MWI ACTIVE);
	peer_expect_status(peer, 200);
	notify(peer, request, "s", 4, MWI ACTIVE); /* an old one */
	peer_expect_status(peer, 500);
	notify(peer, request, "s", 6, "Event: dialog\r\n" ACTIVE);
	refusal = peer_expect_status(peer, 489);
	assert_true(span_contains(header_of(refusal, SIP_ALLOW_EVENTS), "message-summary"));
	notify(peer, request, "s", 7, "Event: message-summary;id=7\r\n" ACTIVE);
	peer_expect_status(peer, 489);
	notify(peer, request, "s", 8, ACTIVE);
	peer_expect_status(peer, 489);
	notify(peer, request, "s", 9, MWI);
	peer_expect_status(peer, 400);
	notify(peer, request, "stranger", 10, MWI ACTIVE);
	peer_expect_status(peer, 481);
	peer_move(other, 99); /* no route of the line */
	notify(other, request, "s", 11, MWI ACTIVE);
	peer_expect_status(other, 403);
	assert_int_equal(bench_status_number(bench, "counters.refused"), 1);
	assert_int_equal(bench_status_number(bench, "lines.0.subscriptions.0.notifies"), 1);
	bench_free(bench);
}

/* One that nobody asked for. */
static void unsolicited_notify_is_refused(void **state)
{
	struct bench *bench = bench_registered("");
	struct peer *peer = &bench->peers[0];

	(void)state;
	peer_send(peer, "NOTIFY sip:alice@127.0.0.1 SIP/2.0\r\n"
			"Via: SIP/2.0/UDP 127.0.1.1;branch=z9hG4bKu1;rport\r\n"
			"From: <sip:bob@sip.test>;tag=f\r\nTo: <sip:alice@sip.test>\r\n"
			"Call-ID: u\r\nCSeq: 1 NOTIFY\r\n" MWI ACTIVE "\r\n");
	peer_expect_status(peer, 481);
	bench_free(bench);
}

/* TRIG-8: a challenge is answered in the same dialog with the next CSeq; a later refresh with a
 * cached nonce that has died is not taken for bad credentials. */
static void challenges_are_answered(void **state)
{
	static const char CHALLENGE[] =
		"WWW-Authenticate: Digest realm=\"sip.test\", nonce=\"one\", algorithm=MD5\r\n";
	static const char AGAIN[] =
		"WWW-Authenticate: Digest realm=\"sip.test\", nonce=\"two\", algorithm=MD5\r\n";
	struct bench *bench = bench_registered("");
	struct peer *peer = &bench->peers[0];
	const struct sip_message *first, *second, *refresh;
	uint64_t id = subscribe(bench, "message-summary", "");

	(void)state;
	first = peer_expect(peer, SIP_SUBSCRIBE);
	peer_answer(peer, first, 401, "c", CHALLENGE);
	second = peer_expect(peer, SIP_SUBSCRIBE);
	assert_true(sip_span_equal(first->call_id, second->call_id));
	assert_int_equal(second->cseq.number, first->cseq.number + 1);
	assert_true(has_header(second, SIP_AUTHORIZATION));
	peer_answer(peer, second, 200, "s", granting(peer, 3600));
	bench_wait(bench, is_active);
	phone_unsubscribe(bench->phone, id);
	refresh = peer_expect(peer, SIP_SUBSCRIBE);
	assert_true(span_contains(header_of(refresh, SIP_AUTHORIZATION), "nonce=\"one\""));
	peer_answer(peer, refresh, 401, NULL, AGAIN);
	refresh = peer_expect(peer, SIP_SUBSCRIBE);
	assert_true(span_contains(header_of(refresh, SIP_AUTHORIZATION), "nonce=\"two\""));
	assert_span(header_of(refresh, SIP_EXPIRES), "0");
	bench_free(bench);
}

/* SUBS-2: the refresh goes in the dialog; answered 481 it ends the subscription, and a new one is
 * made with other names.  What comes for the old one gets 481. */
static void refresh_that_is_refused_makes_anew(void **state)
{
	struct bench *bench = bench_registered("");
	struct peer *peer = &bench->peers[0];
	uint64_t id;
	const struct sip_message *request = subscribed(bench, &id, 2), *refresh, *anew;

	(void)state;
	refresh = peer_expect(peer, SIP_SUBSCRIBE);
	assert_span(refresh->to.tag, "s");
	assert_true(sip_span_equal(refresh->call_id, request->call_id));
	assert_int_equal(refresh->cseq.number, request->cseq.number + 1);
	peer_answer(peer, refresh, 481, NULL, NULL);
	anew = peer_expect(peer, SIP_SUBSCRIBE);
	assert_null(anew->to.tag.at);
	assert_false(sip_span_equal(anew->call_id, request->call_id));
	assert_false(sip_span_equal(anew->from.tag, request->from.tag));
	notify(peer, request, "s", 9, MWI ACTIVE);
	peer_expect_status(peer, 481);
	peer_answer(peer, anew, 200, "z", granting(peer, 3600));
	bench_wait(bench, is_active);
	bench_free(bench);
}

/* RFC 6665 4.1.2.1, 8.3.2: 423 says what is asked for next; 489 ends it for good. */
static void refusals_are_obeyed(void **state)
{
	struct bench *bench = bench_registered_beside(
		"", "lines: [{line: 1, subscriptions: [{event: presence, resource: bob}]}]\n");
	struct peer *peer = &bench->peers[0];
	const struct sip_message *request = peer_expect(peer, SIP_SUBSCRIBE);

	(void)state;
	peer_answer(peer, request, 423, "r", "Min-Expires: 7200\r\n");
	request = peer_expect(peer, SIP_SUBSCRIBE);
	assert_span(header_of(request, SIP_EXPIRES), "7200");
	peer_answer(peer, request, 489, "r", NULL);
	bench_wait(bench, is_ended);
	assert_non_null(strstr(bench_status(bench, "lines.0.subscriptions.0.why"), "489 from udp"));
	bench_settle(bench, 300);
	assert_true(peer_is_quiet(peer));
	bench_free(bench);
}

/* RFC 6665 4.1.3: deactivated means at once, and in a new dialog; rejected means never. */
static void endings_are_obeyed(void **state)
{
	struct bench *bench = bench_registered("voIpProt.server.1.subscribe.expires=\"600\" ");
	struct peer *peer = &bench->peers[0];
	const struct sip_message *request = subscribed(bench, &(uint64_t){0}, 600), *anew;

	(void)state;
	assert_span(header_of(request, SIP_EXPIRES), "600");
	notify(peer, request, "s", 1, MWI "Subscription-State: terminated;reason=deactivated\r\n");
	peer_expect_status(peer, 200);
	anew = peer_expect(peer, SIP_SUBSCRIBE);
	assert_false(sip_span_equal(anew->call_id, request->call_id));
	peer_answer(peer, anew, 200, "z", granting(peer, 600));
	bench_wait(bench, is_active);
	notify(peer, anew, "z", 2, MWI "Subscription-State: terminated ; reason=Rejected\r\n");
	peer_expect_status(peer, 200);
	bench_settle(bench, 300);
	assert_true(peer_is_quiet(peer));
	bench_free(bench);
}

/* A 2xx that makes no dialog is that of a bad server. */
static void answer_without_dialog_is_no_answer(void **state)
{
	struct bench *bench = bench_registered("");
	struct peer *peer = &bench->peers[0];
	uint64_t id = subscribe(bench, "message-summary", "");

	(void)state;
	peer_answer(peer, peer_expect(peer, SIP_SUBSCRIBE), 200, "s", "Expires: 600\r\n");
	bench_wait(bench, is_waiting);
	assert_non_null(strstr(bench_status(bench, "lines.0.subscriptions.0.why"), "500"));
	assert_int_equal(phone_unsubscribe(bench->phone, id), 0);
	bench_free(bench);
}

/* A flood is bounded before it costs anything, and counted. */
static void flood_is_turned_away(void **state)
{
	struct bench *bench = bench_registered("");
	struct peer *peer = &bench->peers[0];
	uint64_t id;
	const struct sip_message *request = subscribed(bench, &id, 3600);
	long long taken, flooded;

	(void)state;
	for (unsigned i = 1; i <= 20; i++) {
		for (unsigned j = 0; j < 10; j++)
			notify(peer, request, "s", 10 * i + j, MWI ACTIVE);
		bench_settle(bench, 5);
		peer->deaf = i >= 3; /* its inbox holds no more answers */
	}
	bench_settle(bench, 50);
	taken = bench_status_number(bench, "lines.0.subscriptions.0.notifies");
	flooded = bench_status_number(bench, "counters.flooded");
	assert_in_range(taken, 40, 100);
	assert_int_equal(taken + flooded, 200);
	bench_free(bench);
}

static bool is_stopped(const struct bench *bench)
{
	return bench->stopped;
}

static void take_stopped(void *user)
{
	struct bench *bench = user;

	bench->stopped = true;
}

/* RFC 6665 4.1.2.3, REG-5: a phone that leaves ends its subscriptions, then its registration. */
static void leaving_unsubscribes_first(void **state)
{
	struct bench *bench = bench_registered("");
	struct peer *peer = &bench->peers[0];
	uint64_t id;
	const struct sip_message *request;

	(void)state;
	subscribed(bench, &id, 3600);
	phone_stop(bench->phone, (struct net_callback){take_stopped, bench});
	request = peer_expect(peer, SIP_SUBSCRIBE);
	assert_span(header_of(request, SIP_EXPIRES), "0");
	bench_settle(bench, 20);
	assert_true(peer_is_quiet(peer));
	peer_answer(peer, request, 200, NULL, "Expires: 0\r\n");
	request = peer_expect(peer, SIP_REGISTER);
	assert_span(header_of(request, SIP_EXPIRES), "0");
	peer_answer(peer, request, 200, "r", NULL);
	bench_wait(bench, is_stopped);
	bench_free(bench);
}

/* REG-5: a server that does not answer keeps nobody from unregistering. */
static void leaving_does_not_wait_for_ever(void **state)
{
	struct bench *bench = bench_registered("");
	struct peer *peer = &bench->peers[0];
	uint64_t id;

	(void)state;
	subscribed(bench, &id, 3600);
	phone_stop(bench->phone, (struct net_callback){take_stopped, bench});
	peer_expect(peer, SIP_SUBSCRIBE);
	assert_span(header_of(peer_expect(peer, SIP_REGISTER), SIP_EXPIRES), "0");
	bench_free(bench);
}

/* SUBS-1, FAIL-6: the line is registered elsewhere, and the subscription is made there at once with
 * new names; the old server's NOTIFYs are nobody's. */
static void subscription_follows_the_registration(void **state)
{
	struct bench *bench = bench_registered("reg.1.server.1.failOver.reRegisterOn=\"1\" ");
	struct peer *first = &bench->peers[0], *second = &bench->peers[1];
	uint64_t id;
	const struct sip_message *before = subscribed(bench, &id, 3600), *after;

	(void)state;
	first->deaf = true;
	bench_call(bench);
	peer_answer(second, peer_expect(second, SIP_REGISTER), 200, "r", "Expires: 3600\r\n");
	do {
		after = peer_next_request(second);
	} while (after->method != SIP_SUBSCRIBE);
	assert_null(after->to.tag.at);
	assert_false(sip_span_equal(after->call_id, before->call_id));
	peer_answer(second, after, 200, "b", granting(second, 3600));
	bench_wait(bench, is_active);
	assert_non_null(
		strstr(bench_status(bench, "lines.0.subscriptions.0.route"), "udp 127.0.1.2:"));
	first->deaf = false;
	notify(first, before, "s", 2, MWI ACTIVE);
	peer_expect_status(first, 481);
	bench_free(bench);
}

/* A reload keeps what is still asked for, drops what is not, and asks for what is new. */
static void reload_compares_what_is_asked_for(void **state)
{
	static const char BEFORE[] = "lines: [{line: 1, subscriptions: [{event: message-summary}, "
				     "{event: dialog, resource: bob, expires: 10m}]}]\n";
	static const char AFTER[] = "lines: [{line: 1, subscriptions: [{event: presence, "
				    "resource: bob}, {event: message-summary}]}]\n";
	struct bench *bench = bench_registered_beside("", BEFORE);
	struct peer *peer = &bench->peers[0];
	const struct sip_message *first = peer_expect(peer, SIP_SUBSCRIBE), *second;

	(void)state;
	peer_answer(peer, first, 200, "a", granting(peer, 3600));
	second = peer_expect(peer, SIP_SUBSCRIBE);
	assert_false(sip_span_equal(header_of(first, SIP_EVENT), header_of(second, SIP_EVENT)));
	peer_answer(peer, second, 200, "b", granting(peer, 3600));
	bench_settle(bench, 50);
	bench_begin_reload_beside(bench, &(struct bench_files){1, "", AFTER}, 1000);
	bench_end_reload(bench);
	first = peer_expect(peer, SIP_SUBSCRIBE);
	assert_span(header_of(first, SIP_EVENT), "dialog");
	assert_span(header_of(first, SIP_EXPIRES), "0");
	peer_answer(peer, first, 200, NULL, "Expires: 0\r\n");
	second = peer_expect(peer, SIP_SUBSCRIBE);
	assert_span(header_of(second, SIP_EVENT), "presence");
	peer_answer(peer, second, 200, "c", granting(peer, 3600));
	bench_settle(bench, 50);
	assert_true(peer_is_quiet(peer));
	assert_string_equal(state_of(bench), "active");
	bench_free(bench);
}

/* SUBS-3: a shared line watches its appearances by itself, and a call first seizes it. */
static void shared_line_is_seized_first(void **state)
{
	struct bench *bench = bench_registered("reg.1.type=\"shared\" ");
	struct peer *peer = &bench->peers[0];
	const struct sip_message *info = peer_expect(peer, SIP_SUBSCRIBE), *seize, *invite;

	(void)state;
	assert_span(header_of(info, SIP_EVENT), "call-info");
	peer_answer(peer, info, 200, "i", granting(peer, 3600));
	bench_wait(bench, is_active);
	bench_call(bench);
	seize = peer_expect(peer, SIP_SUBSCRIBE);
	assert_span(header_of(seize, SIP_EVENT), "line-seize");
	assert_span(header_of(seize, SIP_EXPIRES), "30");
	assert_span(seize->request_uri, "sip:alice@sip.test");
	notify(peer, seize, "z", 1,
	       "Event: line-seize\r\nSubscription-State: active;expires=30\r\n");
	peer_expect_status(peer, 200);
	assert_true(peer_is_quiet(peer));
	peer_answer(peer, seize, 200, "z", granting(peer, 30));
	invite = peer_expect(peer, SIP_INVITE);
	assert_span(invite->request_uri, "sip:bob@sip.test");
	notify(peer, info, "i", 2,
	       "Event: call-info\r\n" ACTIVE
	       "Call-Info: <sip:sip.test>;appearance-index=1;appearance-state=seized\r\n");
	peer_expect_status(peer, 200);
	assert_string_equal(bench_status(bench, "lines.0.subscriptions.0.appearances.0.state"),
			    "seized");
	bench_free(bench);
}

/* A call of a shared line has just begun; its SUBSCRIBE, not answered yet. */
static const struct sip_message *begin_shared_call(struct bench *bench, uint64_t *call)
{
	struct peer *peer = &bench->peers[0];

	peer_answer(peer, peer_expect(peer, SIP_SUBSCRIBE), 200, "i", granting(peer, 3600));
	bench_wait(bench, is_active);
	*call = bench_call(bench);
	return peer_expect(peer, SIP_SUBSCRIBE);
}

static void assert_release(const struct sip_message *release, const struct sip_message *seize)
{
	assert_span(header_of(release, SIP_EVENT), "line-seize");
	assert_span(header_of(release, SIP_EXPIRES), "0");
	assert_true(has_header(release, SIP_CONTACT));
	assert_span(release->to.tag, "z");
	assert_true(sip_span_equal(release->call_id, seize->call_id));
	assert_true(sip_span_equal(release->from.tag, seize->from.tag));
	assert_int_equal(release->cseq.number, seize->cseq.number + 1);
}

/* SUBS-3, RFC 6665 4.1.2.3: a call that is cancelled gives its line back in the dialog of the
 * seize, with credentials where they are asked for. */
static void cancelled_call_releases_the_line(void **state)
{
	struct bench *bench = bench_registered("reg.1.type=\"shared\" ");
	struct peer *peer = &bench->peers[0];
	const struct sip_message *seize, *invite, *release;
	uint64_t call;

	(void)state;
	seize = begin_shared_call(bench, &call);
	peer_answer(peer, seize, 200, "z", granting(peer, 30));
	invite = peer_expect(peer, SIP_INVITE);
	peer_answer(peer, invite, 180, "u", NULL);
	bench_settle(bench, 20);
	phone_call_hang_up(bench->phone, call);
	peer_answer(peer, peer_expect(peer, SIP_CANCEL), 200, "u", NULL);
	release = peer_expect(peer, SIP_SUBSCRIBE);
	assert_release(release, seize);
	peer_answer(peer, release, 401, NULL,
		    "WWW-Authenticate: Digest realm=\"sip.test\", nonce=\"n\", algorithm=MD5\r\n");
	release = peer_expect(peer, SIP_SUBSCRIBE);
	assert_true(has_header(release, SIP_AUTHORIZATION));
	notify(peer, seize, "z", 1,
	       "Event: line-seize\r\nSubscription-State: terminated;reason=timeout\r\n");
	peer_expect_status(peer, 200);
	peer_answer(peer, release, 200, NULL, "Expires: 0\r\n");
	peer_answer(peer, invite, 487, "u", NULL);
	peer_expect(peer, SIP_ACK);
	bench_settle(bench, 50);
	assert_true(peer_is_quiet(peer));
	bench_free(bench);
}

/* SUBS-3: it was cancelled before the line was its own: that comes late, and is given back. */
static void late_seize_is_released(void **state)
{
	struct bench *bench = bench_registered("reg.1.type=\"shared\" ");
	struct peer *peer = &bench->peers[0];
	const struct sip_message *seize, *release;
	uint64_t call;

	(void)state;
	seize = begin_shared_call(bench, &call);
	phone_call_hang_up(bench->phone, call);
	bench_settle(bench, 20);
	assert_true(peer_is_quiet(peer));
	peer_answer(peer, seize, 200, "z", granting(peer, 30));
	release = peer_expect(peer, SIP_SUBSCRIBE);
	assert_release(release, seize);
	peer_answer(peer, release, 200, NULL, "Expires: 0\r\n");
	bench_settle(bench, 50);
	assert_true(peer_is_quiet(peer));
	bench_free(bench);
}

/* SUBS-3: nothing is given back that the server took back itself, nor by a call that was up. */
static void nothing_is_released_twice(void **state)
{
	static const char ENDED[] =
		"Event: line-seize\r\nSubscription-State: terminated;reason=noresource\r\n";

	(void)state;
	for (int is_answered = 0; is_answered < 2; is_answered++) {
		struct bench *bench = bench_registered("reg.1.type=\"shared\" ");
		struct peer *peer = &bench->peers[0];
		const struct sip_message *seize, *invite;
		uint64_t call;

		seize = begin_shared_call(bench, &call);
		peer_answer(peer, seize, 200, "z", granting(peer, 30));
		invite = peer_expect(peer, SIP_INVITE);
		if (is_answered) {
			peer_answer(peer, invite, 200, "u", peer_contact(peer));
			peer_expect(peer, SIP_ACK);
			phone_call_hang_up(bench->phone, call);
			peer_answer(peer, peer_expect(peer, SIP_BYE), 200, NULL, NULL);
		} else {
			notify(peer, seize, "z", 1, ENDED);
			peer_expect_status(peer, 200);
			peer_answer(peer, invite, 486, "u", NULL);
			peer_expect(peer, SIP_ACK);
		}
		bench_settle(bench, 50);
		assert_true(peer_is_quiet(peer));
		bench_free(bench);
	}
}

/* TRIG-8: the challenges of a seize are not those of its call: a nonce that the seize used up is no
 * sign of bad credentials in the INVITE. */
static void seize_and_call_are_challenged_each(void **state)
{
	static const char FIRST[] =
		"WWW-Authenticate: Digest realm=\"sip.test\", nonce=\"one\", algorithm=MD5\r\n";
	static const char SECOND[] =
		"WWW-Authenticate: Digest realm=\"sip.test\", nonce=\"two\", algorithm=MD5\r\n";
	struct bench *bench = bench_registered("reg.1.type=\"shared\" ");
	struct peer *peer = &bench->peers[0];
	const struct sip_message *seize, *invite;

	(void)state;
	peer_answer(peer, peer_expect(peer, SIP_SUBSCRIBE), 200, "i", granting(peer, 3600));
	bench_wait(bench, is_active);
	bench_call(bench);
	peer_answer(peer, peer_expect(peer, SIP_SUBSCRIBE), 401, "z", FIRST);
	seize = peer_expect(peer, SIP_SUBSCRIBE);
	assert_true(has_header(seize, SIP_AUTHORIZATION));
	peer_answer(peer, seize, 200, "z", granting(peer, 30));
	invite = peer_expect(peer, SIP_INVITE);
	assert_true(span_contains(header_of(invite, SIP_AUTHORIZATION), "nonce=\"one\""));
	peer_answer(peer, invite, 401, "u", SECOND);
	peer_expect(peer, SIP_ACK);
	invite = peer_expect(peer, SIP_INVITE);
	assert_true(span_contains(header_of(invite, SIP_AUTHORIZATION), "nonce=\"two\""));
	bench_free(bench);
}

/* SUBS-4: refused, the line is not seized: only an emergency number is called all the same. */
static void emergency_goes_without_the_seize(void **state)
{
	struct bench *bench =
		bench_registered_beside("reg.1.type=\"shared\" ", "emergency: [\"112\"]\n");
	struct peer *peer = &bench->peers[0];
	const struct phone_call_order order = {
		.target = "112", .on_event = bench_take_event, .user = bench};
	char why[PHONE_WHY_MAX];
	uint64_t id;

	(void)state;
	peer_answer(peer, peer_expect(peer, SIP_SUBSCRIBE), 200, "i", granting(peer, 3600));
	bench_wait(bench, is_active);
	bench_call(bench);
	peer_answer(peer, peer_expect(peer, SIP_SUBSCRIBE), 403, "z", NULL);
	bench_settle(bench, 50);
	assert_true(peer_is_quiet(peer));
	assert_int_equal(bench->events[bench_event(bench, PHONE_CALL_OVER)].status, 403);

	assert_int_equal(phone_call_place(bench->phone, &order, &id, why), 0);
	peer_answer(peer, peer_expect(peer, SIP_SUBSCRIBE), 403, "z", NULL);
	assert_span(peer_expect(peer, SIP_INVITE)->request_uri, "sip:112@sip.test");
	bench_free(bench);
}

static void bad_orders_are_refused(void **state)
{
	static const struct phone_subscribe_order bad[] = {
		{.line = 9, .event = "dialog", .target = ""},
		{.event = "", .target = ""},
		{.event = "dia log", .target = ""},
		{.event = "dialog\r\nX: y", .target = ""},
		{.event = "dialog", .target = "tel:1"},
		{.event = "dialog", .target = "bob>"},
		{.event = "dialog", .target = "", .expires_ms = 1},
	};
	struct bench *bench = bench_registered("");
	char why[PHONE_WHY_MAX];
	uint64_t id;

	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		assert_true(phone_subscribe(bench->phone, &bad[i], &id, why) < 0);
		assert_int_equal(id, 0);
	}
	assert_int_equal(phone_unsubscribe(bench->phone, 12345), -ENOENT);
	bench_settle(bench, 20);
	assert_true(peer_is_quiet(&bench->peers[0]));
	bench_free(bench);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(messages_are_waited_for),
		cmocka_unit_test(first_notify_makes_the_dialog),
		cmocka_unit_test(bad_notifies_are_refused),
		cmocka_unit_test(unsolicited_notify_is_refused),
		cmocka_unit_test(challenges_are_answered),
		cmocka_unit_test(refresh_that_is_refused_makes_anew),
		cmocka_unit_test(refusals_are_obeyed),
		cmocka_unit_test(endings_are_obeyed),
		cmocka_unit_test(answer_without_dialog_is_no_answer),
		cmocka_unit_test(flood_is_turned_away),
		cmocka_unit_test(leaving_unsubscribes_first),
		cmocka_unit_test(leaving_does_not_wait_for_ever),
		cmocka_unit_test(subscription_follows_the_registration),
		cmocka_unit_test(reload_compares_what_is_asked_for),
		cmocka_unit_test(shared_line_is_seized_first),
		cmocka_unit_test(cancelled_call_releases_the_line),
		cmocka_unit_test(late_seize_is_released),
		cmocka_unit_test(nothing_is_released_twice),
		cmocka_unit_test(seize_and_call_are_challenged_each),
		cmocka_unit_test(emergency_goes_without_the_seize),
		cmocka_unit_test(bad_orders_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
