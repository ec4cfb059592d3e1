/* sipserver_test.c - the lab's SIP server, as a client on the wire sees it (RFC 3261, 7616). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lab/sipserver.h"

enum { WAIT_MS = 20000, RECEIVED_MAX = 32 };

/* A client, the server that it talks to, and what each of them saw. */
struct bench {
	struct net_loop *loop;
	struct net_timer *guard;
	struct net_udp *client;
	struct lab_sipserver *server;
	struct sip_message received[RECEIVED_MAX];
	unsigned received_count, taken_count;
	unsigned icmp_ports, requests_seen, swallowed, answers_seen;
	unsigned branch; /* of the last request sent */
};

static void take_reply(void *user, const struct net_datagram *datagram)
{
	struct bench *bench = user;

	assert_true(bench->received_count < RECEIVED_MAX);
	assert_int_equal(sip_message_parse(&bench->received[bench->received_count], datagram->bytes,
					   datagram->length),
			 0);
	bench->received_count++;
}

static void take_error(void *user, const struct net_udp_error *error)
{
	struct bench *bench = user;

	bench->icmp_ports += error->icmp_class == NET_ICMP_PORT;
}

static void take_sight(void *user, const struct lab_sip_sight *sight)
{
	struct bench *bench = user;

	assert_non_null(sight->request);
	if (sight->status)
		bench->answers_seen++;
	else
		bench->requests_seen++;
	bench->swallowed += sight->swallowed;
}

static void fail_late(void *user)
{
	(void)user;
	fail_msg("nothing came in %d ms", WAIT_MS);
}

static const struct lab_sipserver_config plain = {
	.registrar = {.realm = "lab.test",
		      .username = "alice",
		      .password = "secret",
		      .expires_max_s = 40},
	.ring_ms = 5,
	.answer_ms = 10,
};

static struct bench *bench_new(const struct lab_sipserver_config *base)
{
	struct bench *bench = calloc(1, sizeof *bench);
	struct lab_sipserver_config config = *base;
	struct net_udp_config client = {
		.on_datagram = take_reply, .on_error = take_error, .user = bench};

	assert_int_equal(net_address_parse(&client.local, "127.0.0.1", 0), 0);
	config.local = client.local;
	config.on_sight = take_sight;
	config.user = bench;
	assert_int_equal(net_loop_create(&bench->loop), 0);
	assert_int_equal(net_timer_create(&bench->guard, bench->loop,
					  (struct net_callback){fail_late, NULL}),
			 0);
	assert_int_equal(net_udp_open(&bench->client, bench->loop, &client), 0);
	assert_int_equal(lab_sipserver_open(&bench->server, bench->loop, &config), 0);
	return bench;
}

static void bench_free(struct bench *bench)
{
	for (unsigned i = 0; i < bench->received_count; i++)
		sip_message_clear(&bench->received[i]);
	lab_sipserver_close(bench->server);
	net_udp_close(bench->client);
	net_timer_free(bench->guard);
	net_loop_free(bench->loop);
	free(bench);
}

static void send_text(struct bench *bench, const char *text)
{
	struct net_address to = lab_sipserver_local(bench->server);

	assert_int_equal(net_udp_send(bench->client, &to, text, strlen(text)), 0);
}

/* A request; `more` are its further header lines, each with its end, and its body. */
struct request {
	const char *method, *to_tag, *call_id, *more;
	unsigned cseq;
	bool same_branch; /* as the request before: an ACK for a refusal, a CANCEL, a repeat */
};

static void send_request(struct bench *bench, const struct request *r)
{
	const char *cseq_method = r->method;
	char text[4096];

	if (!r->same_branch)
		bench->branch++;
	snprintf(text, sizeof text,
		 "%s sip:alice@lab.test SIP/2.0\r\n"
		 "Via: SIP/2.0/UDP 127.0.0.1:%u;branch=z9hG4bK%u;rport\r\n"
		 "From: <sip:alice@lab.test>;tag=f\r\n"
		 "To: <sip:alice@lab.test>%s%s\r\n"
		 "Call-ID: %s\r\n"
		 "CSeq: %u %s\r\n"
		 "%s%s",
		 r->method, net_udp_local(bench->client).port, bench->branch,
		 r->to_tag ? ";tag=" : "", r->to_tag ? r->to_tag : "", r->call_id, r->cseq,
		 cseq_method, r->more ? r->more : "",
		 r->more && strstr(r->more, "\r\n\r\n") ? "" : "\r\n");
	send_text(bench, text);
}

/* Runs the loop until the next answer came, and checks its status. */
static struct sip_message *expect(struct bench *bench, unsigned status)
{
	struct sip_message *message;

	net_timer_set(bench->guard, net_now_ms() + WAIT_MS);
	while (bench->taken_count == bench->received_count)
		assert_int_equal(net_loop_step(bench->loop), 0);
	net_timer_set(bench->guard, NET_NEVER);
	message = &bench->received[bench->taken_count++];
	assert_int_equal(message->status, status);
	return message;
}

static const char contact[] = "Contact: <sip:alice@127.0.0.1:9>\r\nExpires: 300\r\n";

static const struct request first_register = {
	.method = "REGISTER", .call_id = "r", .cseq = 1, .more = contact};

/* Registers with credentials; ANSWER is what they come to. */
static struct sip_message *register_with(struct bench *bench, const char *password,
					 const char *lines, unsigned answer)
{
	const struct sip_credentials credentials = {.username = "alice", .password = password};
	const struct sip_digest_request digest = {
		.method = "REGISTER", .uri = "sip:alice@lab.test", .cnonce = "c"};
	struct sip_digest_session session = {0};
	struct request request = first_register;
	struct sip_builder builder;
	char more[2048];
	int length;

	send_request(bench, &request);
	assert_int_equal(sip_digest_judge(&session, expect(bench, 401), &credentials, false),
			 SIP_VERDICT_NEW);
	sip_builder_init(&builder, more, sizeof more);
	sip_digest_authorize(&session, &builder, &digest, &credentials);
	length = (int)builder.length;
	snprintf(more + length, sizeof more - (size_t)length, "%s", lines);
	request.more = more;
	request.cseq = 2;
	send_request(bench, &request);
	return expect(bench, answer);
}

/* RFC 3261, 10.3: asked for credentials, then bound for no longer than the server grants. */
static void test_register(void **state)
{
	struct bench *bench = bench_new(&plain);
	struct sip_message *accepted;
	struct sip_uri uri;
	uint32_t granted;

	(void)state;
	accepted = register_with(bench, "secret", contact, 200);
	assert_int_equal(sip_uri_parse(&uri, sip_span_of("sip:alice@127.0.0.1:9")), 0);
	assert_int_equal(sip_message_granted(accepted, &uri, &granted), 0);
	assert_in_range(granted, 39, 40);
	assert_int_equal(lab_sipserver_counters(bench->server).bindings, 1);
	register_with(bench, "secret", "Contact: *\r\nExpires: 0\r\n", 200);
	assert_int_equal(lab_sipserver_counters(bench->server).bindings, 0);
	register_with(bench, "secret", "Contact: *\r\nExpires: 5\r\n", 400);
	bench_free(bench);
}

/* TRIG-8's case: the server asks again when the credentials are wrong. */
static void test_wrong_password(void **state)
{
	struct bench *bench = bench_new(&plain);

	(void)state;
	register_with(bench, "wrong", contact, 401);
	assert_int_equal(lab_sipserver_counters(bench->server).bindings, 0);
	bench_free(bench);
}

static const struct request invite = {
	.method = "INVITE",
	.call_id = "i",
	.cseq = 1,
	.more = "Contact: <sip:alice@127.0.0.1:9>\r\n"
		"Content-Type: application/sdp\r\n\r\n"
		"v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n"
		"m=audio 4000 RTP/AVP 0\r\na=rtpmap:0 PCMU/8000\r\n",
};

/* RFC 3261, 13.3.1.4: 100, 180 and 200 come, the 200 until it is acknowledged; BYE ends the call.
 */
static void test_call(void **state)
{
	struct bench *bench = bench_new(&plain);
	struct request in_dialog = {.method = "ACK", .call_id = "i", .cseq = 1};
	struct sip_message *answer;
	char tag[64];

	(void)state;
	send_request(bench, &invite);
	expect(bench, 100);
	expect(bench, 180);
	answer = expect(bench, 200);
	assert_non_null(strstr(answer->body.at, "a=inactive\r\n"));
	assert_int_equal(sip_span_copy(answer->to.tag, tag, sizeof tag), 0);
	expect(bench, 200);
	in_dialog.to_tag = tag;
	send_request(bench, &in_dialog);
	in_dialog.method = "BYE";
	in_dialog.cseq = 2;
	send_request(bench, &in_dialog);
	expect(bench, 200);
	assert_int_equal(lab_sipserver_counters(bench->server).calls, 0);
	send_request(bench, &in_dialog);
	expect(bench, 481);
	bench_free(bench);
}

/* RFC 3261, 9.2: CANCEL is answered, and the INVITE that it means ends with 487. */
static void test_cancel(void **state)
{
	struct lab_sipserver_config slow = plain;
	struct request cancel = {
		.method = "CANCEL", .call_id = "i", .cseq = 1, .same_branch = true};
	struct bench *bench;

	(void)state;
	slow.answer_ms = 60000;
	bench = bench_new(&slow);
	send_request(bench, &invite);
	expect(bench, 100);
	expect(bench, 180);
	send_request(bench, &cancel);
	expect(bench, 200);
	expect(bench, 487);
	assert_int_equal(lab_sipserver_counters(bench->server).calls, 0);
	bench_free(bench);
}

/* A server of its own, that shares no registration: calls are for those who registered here. */
static void test_members_only(void **state)
{
	struct lab_sipserver_config closed = plain;
	struct bench *bench;

	(void)state;
	closed.members_only = true;
	bench = bench_new(&closed);
	send_request(bench, &invite);
	expect(bench, 403);
	register_with(bench, "secret", contact, 200);
	send_request(bench, &invite);
	expect(bench, 100);
	bench_free(bench);
}

/* A repeat is answered with the same bytes, and makes no second call (RFC 3261, 17.2). */
static void test_repeats(void **state)
{
	struct lab_sipserver_config slow = plain;
	struct request again = invite;
	struct bench *bench;

	(void)state;
	slow.ring_ms = slow.answer_ms = 60000;
	bench = bench_new(&slow);
	send_request(bench, &again);
	expect(bench, 100);
	again.same_branch = true;
	send_request(bench, &again);
	expect(bench, 100);
	assert_int_equal(lab_sipserver_counters(bench->server).calls, 1);
	bench_free(bench);
}

/* Silent: sees what comes and answers nothing, not even afterwards. */
static void test_silence(void **state)
{
	struct bench *bench = bench_new(&plain);
	const struct request options = {.method = "OPTIONS", .call_id = "o", .cseq = 1};

	(void)state;
	assert_int_equal(lab_sipserver_set_fault(bench->server, LAB_SILENT), 0);
	send_request(bench, &first_register);
	net_timer_set(bench->guard, net_now_ms() + WAIT_MS);
	while (!bench->swallowed)
		assert_int_equal(net_loop_step(bench->loop), 0);
	assert_int_equal(lab_sipserver_set_fault(bench->server, LAB_UP), 0);
	send_request(bench, &options);
	expect(bench, 200);
	assert_int_equal(bench->requests_seen, 2);
	assert_int_equal(bench->answers_seen, 1);
	bench_free(bench);
}

/* Closed: the kernel says so by ICMP; open again on the same port, with the registrations kept. */
static void test_closed_port(void **state)
{
	struct bench *bench = bench_new(&plain);
	struct net_address local = lab_sipserver_local(bench->server), again;

	(void)state;
	register_with(bench, "secret", contact, 200);
	assert_int_equal(lab_sipserver_set_fault(bench->server, LAB_CLOSED), 0);
	send_request(bench, &first_register);
	net_timer_set(bench->guard, net_now_ms() + WAIT_MS);
	while (!bench->icmp_ports)
		assert_int_equal(net_loop_step(bench->loop), 0);
	assert_int_equal(lab_sipserver_set_fault(bench->server, LAB_UP), 0);
	again = lab_sipserver_local(bench->server);
	assert_int_equal(net_address_compare(&local, &again), 0);
	assert_int_equal(lab_sipserver_counters(bench->server).bindings, 1);
	lab_sipserver_add_fault(bench->server, &(struct lab_fault){.kind = LAB_FORGETS});
	assert_int_equal(lab_sipserver_counters(bench->server).bindings, 0);
	send_request(bench, &first_register);
	expect(bench, 401);
	bench_free(bench);
}

static void test_503(void **state)
{
	const struct lab_fault busy = {
		.kind = LAB_STATUS, .in = true, .out = true, .value = 503, .retry_after_s = 7};
	struct bench *bench = bench_new(&plain);
	uint32_t seconds = 0;

	(void)state;
	assert_int_equal(lab_sipserver_add_fault(bench->server, &busy), 0);
	send_request(bench, &invite);
	assert_int_equal(sip_message_seconds(expect(bench, 503), SIP_RETRY_AFTER, &seconds), 0);
	assert_int_equal(seconds, 7);
	bench_free(bench);
}

/* What is no request is dropped and counted; the server goes on. */
static void test_hostile_datagrams(void **state)
{
	struct bench *bench = bench_new(&plain);
	const struct request odd = {.method = "DANCE", .call_id = "d", .cseq = 1};
	struct lab_sipserver_counters counters;

	(void)state;
	send_text(bench, "\r\n\r\n");
	send_text(bench, "INVITE sip:alice@lab.test SIP/2.0\r\n\r\n");
	send_text(bench, "SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP a;branch=z9hG4bK1\r\n"
			 "From: <sip:a@b>;tag=1\r\nTo: <sip:a@b>\r\nCall-ID: x\r\n"
			 "CSeq: 1 OPTIONS\r\n\r\n");
	send_request(bench, &odd);
	assert_non_null(sip_message_header(expect(bench, 405), SIP_ALLOW, 0));
	counters = lab_sipserver_counters(bench->server);
	assert_int_equal(counters.dropped, 3);
	assert_int_equal(counters.requests, 1);
	bench_free(bench);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_register),     cmocka_unit_test(test_wrong_password),
		cmocka_unit_test(test_call),         cmocka_unit_test(test_cancel),
		cmocka_unit_test(test_members_only), cmocka_unit_test(test_repeats),
		cmocka_unit_test(test_silence),      cmocka_unit_test(test_closed_port),
		cmocka_unit_test(test_503),          cmocka_unit_test(test_hostile_datagrams),
	};

	sip_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
