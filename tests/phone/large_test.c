/* large_test.c - requests that are too large for a datagram (RFC 3261 18.1.1). */
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/phone/bench.h"

enum { TEXT_MAX = 8192, LONG = 1200, FILLERS = 4 };

/* The TCP side of the first peer. */
struct side {
	struct net_listener *listener;
	struct net_stream *stream;
	struct net_loop *loop;
	char text[TEXT_MAX];
	size_t length;
	unsigned arrivals;
};

static struct side side;

static size_t take_bytes(void *user, const uint8_t *bytes, size_t length)
{
	(void)user;
	assert_true(side.length + length < TEXT_MAX);
	memcpy(side.text + side.length, bytes, length);
	side.length += length;
	return length;
}

static void take_end(void *user, const struct net_stream_ending *ending)
{
	(void)user;
	(void)ending;
}

static void take_arrival(void *user, const struct net_arrival *arrival)
{
	const struct net_stream_config config = {
		.remote = arrival->source,
		.unread_max = TEXT_MAX,
		.unsent_max = TEXT_MAX,
		.on_bytes = take_bytes,
		.on_end = take_end,
	};

	(void)user;
	side.arrivals++;
	net_stream_close(side.stream);
	assert_int_equal(net_stream_accept(&side.stream, side.loop, &config, arrival->fd), 0);
}

static void listen_beside(struct bench *bench)
{
	const struct net_listener_config config = {.local = net_udp_local(bench->peers[0].udp),
						   .on_arrival = take_arrival};

	side = (struct side){.loop = bench->loop};
	assert_int_equal(net_listener_open(&side.listener, bench->loop, &config), 0);
}

static bool is_registered(const struct bench *bench)
{
	return !strcmp(bench_status((struct bench *)(uintptr_t)bench, "lines.0.state"),
		       "registered");
}

/* A line whose INVITEs have to carry a long Route. */
static struct bench *bench_long(const char *policy)
{
	struct bench *bench = bench_new_beside("", policy);
	char more[LONG + 128], route[LONG];

	side = (struct side){.loop = bench->loop};
	memset(route, 'r', sizeof route - 1);
	route[sizeof route - 1] = '\0';
	snprintf(more, sizeof more, "Expires: 3600\r\nService-Route: <sip:%s@127.0.1.1;lr>\r\n",
		 route);
	phone_start(bench->phone);
	peer_answer(&bench->peers[0], peer_expect(&bench->peers[0], SIP_REGISTER), 200, "r", more);
	bench_wait(bench, is_registered);
	return bench;
}

static void finish(struct bench *bench)
{
	net_stream_close(side.stream);
	net_listener_close(side.listener);
	bench_free(bench);
}

static bool has_message(const struct bench *bench)
{
	(void)bench;
	return side.length > 4 && strstr(side.text, "\r\n\r\n");
}

/* What came over TCP, as one message of METHOD; all but its lines is passed over. */
static void expect_over_tcp(struct bench *bench, const char *method)
{
	bench_wait(bench, has_message);
	assert_memory_equal(side.text, method, strlen(method));
	assert_non_null(strstr(side.text, "\r\nVia: SIP/2.0/TCP 127.0.0.1:"));
	assert_non_null(strstr(side.text, ";alias\r\n"));
}

static void answer_over_tcp(const struct sip_message *request, const char *line)
{
	char text[TEXT_MAX];
	int length = snprintf(text, sizeof text,
			      "SIP/2.0 %s\r\nVia: %.*s\r\nFrom: %.*s\r\nTo: %.*s;tag=t\r\n"
			      "Call-ID: %.*s\r\nCSeq: %u INVITE\r\nContent-Length: 0\r\n\r\n",
			      line, SIP_SPAN(request->via.text), SIP_SPAN(request->from.text),
			      SIP_SPAN(request->to.text), SIP_SPAN(request->call_id),
			      request->cseq.number);

	assert_int_equal(net_stream_write(side.stream, text, (size_t)length), 0);
}

static void forget_text(void)
{
	memset(side.text, 0, sizeof side.text);
	side.length = 0;
}

/* Over 1300 bytes: over TCP to the same address and port, once; its Contact stays that of UDP, its
 * ACK takes the same way. */
static void goes_over_tcp(void **state)
{
	struct bench *bench = bench_long("policy: {tcp_for_large: true}\n");
	struct sip_message invite;

	(void)state;
	listen_beside(bench);
	bench_call(bench);
	expect_over_tcp(bench, "INVITE ");
	assert_true(side.length > 1300);
	assert_int_equal(sip_message_parse(&invite, side.text, side.length), 0);
	assert_false(span_contains(header_of(&invite, SIP_CONTACT), "transport"));
	forget_text();
	bench_settle(bench, 130);
	assert_int_equal(side.length, 0);
	answer_over_tcp(&invite, "486 Busy Here");
	expect_over_tcp(bench, "ACK ");
	assert_true(bench_has_event(bench, PHONE_CALL_OVER));
	assert_true(peer_is_quiet(&bench->peers[0]));
	assert_true(peer_is_quiet(&bench->peers[1]));
	sip_message_clear(&invite);
	finish(bench);
}

/* A CANCEL goes where its INVITE went (RFC 3261 9.1). */
static void cancel_follows(void **state)
{
	struct bench *bench = bench_long("policy: {tcp_for_large: true}\n");
	struct sip_message invite;
	uint64_t call;

	(void)state;
	listen_beside(bench);
	call = bench_call(bench);
	expect_over_tcp(bench, "INVITE ");
	assert_int_equal(sip_message_parse(&invite, side.text, side.length), 0);
	answer_over_tcp(&invite, "180 Ringing");
	forget_text();
	bench_settle(bench, 50);
	phone_call_hang_up(bench->phone, call);
	expect_over_tcp(bench, "CANCEL ");
	sip_message_clear(&invite);
	finish(bench);
}

static void expect_over_udp(struct bench *bench)
{
	const struct sip_message *invite = peer_expect(&bench->peers[0], SIP_INVITE);

	assert_true(span_contains(invite->via.text, "SIP/2.0/UDP 127.0.0.1:"));
	assert_false(span_contains(invite->via.text, "alias"));
	assert_true(invite->received.length > 1300);
	peer_answer(&bench->peers[0], invite, 486, "t", NULL);
	peer_expect(&bench->peers[0], SIP_ACK);
	assert_true(peer_is_quiet(&bench->peers[1]));
}

/* Nobody listens: over UDP after all, and no other route is tried. */
static void refused_falls_back(void **state)
{
	struct bench *bench = bench_long("policy: {tcp_for_large: true}\n");

	(void)state;
	bench_call(bench);
	expect_over_udp(bench);
	finish(bench);
}

/* A firewall that drops it: over UDP with the first repeat. */
static void unopened_falls_back(void **state)
{
	struct bench *bench = bench_long("policy: {tcp_for_large: true}\n");
	const struct net_address local = net_udp_local(bench->peers[0].udp);
	struct sockaddr_storage name;
	socklen_t length = net_address_to_sockaddr(&local, &name);
	int listener = socket(AF_INET, SOCK_STREAM, 0), fillers[FILLERS];

	(void)state;
	assert_int_equal(bind(listener, (struct sockaddr *)&name, length), 0);
	assert_int_equal(listen(listener, 0), 0);
	for (int i = 0; i < FILLERS; i++) {
		fillers[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
		(void)!connect(fillers[i], (struct sockaddr *)&name, length);
	}
	bench_call(bench);
	expect_over_udp(bench);
	for (int i = 0; i < FILLERS; i++)
		close(fillers[i]);
	close(listener);
	finish(bench);
}

/* The stream ends without an answer: over UDP; with a provisional one the call goes on to the next
 * route, as it would with a stream of the engine's. */
static void lost_stream(void **state)
{
	struct bench *bench = bench_long("policy: {tcp_for_large: true}\n");
	struct sip_message invite;

	(void)state;
	listen_beside(bench);
	bench_call(bench);
	expect_over_tcp(bench, "INVITE ");
	net_stream_close(side.stream);
	side.stream = NULL;
	expect_over_udp(bench);

	forget_text();
	bench_call(bench);
	expect_over_tcp(bench, "INVITE ");
	assert_int_equal(sip_message_parse(&invite, side.text, side.length), 0);
	answer_over_tcp(&invite, "100 Trying");
	bench_settle(bench, 20);
	net_stream_close(side.stream);
	side.stream = NULL;
	forget_text();
	peer_expect(&bench->peers[1], SIP_INVITE);
	expect_over_tcp(bench, "CANCEL ");
	assert_true(peer_is_quiet(&bench->peers[0]));
	sip_message_clear(&invite);
	finish(bench);
}

/* Where the policy does not say so it is a datagram, whatever its size. */
static void off_by_policy(void **state)
{
	struct bench *bench = bench_long(NULL);

	(void)state;
	listen_beside(bench);
	bench_call(bench);
	expect_over_udp(bench);
	assert_int_equal(side.arrivals, 0);
	finish(bench);
}

/* What fits is a datagram. */
static void small_stays(void **state)
{
	struct bench *bench = bench_new_beside("", "policy: {tcp_for_large: true}\n");

	(void)state;
	listen_beside(bench);
	phone_start(bench->phone);
	peer_answer(&bench->peers[0], peer_expect(&bench->peers[0], SIP_REGISTER), 200, "r",
		    "Expires: 3600\r\n");
	bench_wait(bench, is_registered);
	assert_int_equal(side.arrivals, 0);
	finish(bench);
}

/* A call whose requests have to carry a long Route, and that is to be held: once something listens
 * beside, if it LISTENS. */
static struct bench *bench_holding(bool listens)
{
	struct bench *bench = bench_registered_beside("", "policy: {tcp_for_large: true}\n");
	struct peer *peer = &bench->peers[0];
	const struct net_address local = net_udp_local(peer->udp);
	char more[LONG + 512], route[LONG], address[NET_ADDRESS_TEXT_MAX];
	uint64_t id;

	memset(route, 'r', sizeof route - 1);
	route[sizeof route - 1] = '\0';
	snprintf(more, sizeof more, "Record-Route: <sip:%s@%s;lr>\r\n%s%s", route,
		 net_address_format(&local, address), peer_contact(peer), BENCH_SDP("sendrecv"));
	id = bench_call(bench);
	peer_answer(peer, peer_expect(peer, SIP_INVITE), 200, "t", more);
	assert_true(span_contains(peer_expect(peer, SIP_ACK)->via.text, "SIP/2.0/UDP"));
	bench_wait(bench, bench_is_up);
	side = (struct side){.loop = bench->loop};
	if (listens)
		listen_beside(bench);
	assert_int_equal(phone_call_hold(bench->phone, id), 0);
	return bench;
}

/* A request inside a dialog takes the same way; its ACK is a datagram. */
static void a_hold_goes_over_tcp(void **state)
{
	struct bench *bench = bench_holding(true);
	struct sip_message invite;
	char text[TEXT_MAX];
	int length;

	(void)state;
	expect_over_tcp(bench, "INVITE ");
	assert_int_equal(sip_message_parse(&invite, side.text, side.length), 0);
	assert_int_equal(invite.cseq.number, 2);
	bench_settle(bench, 700); /* it is open: nothing more is sent */
	assert_int_equal(side.length, invite.received.length);
	assert_true(peer_is_quiet(&bench->peers[0]));
	length = snprintf(
		text, sizeof text,
		"SIP/2.0 200 OK\r\nVia: %.*s\r\nFrom: %.*s\r\nTo: %.*s\r\nCall-ID: "
		"%.*s\r\nCSeq: 2 INVITE\r\n%sContent-Length: %zu\r\n%s",
		SIP_SPAN(invite.via.text), SIP_SPAN(invite.from.text), SIP_SPAN(invite.to.text),
		SIP_SPAN(invite.call_id), peer_contact(&bench->peers[0]),
		strlen(BENCH_SDP("recvonly")) - strlen("Content-Type: application/sdp\r\n\r\n"),
		BENCH_SDP("recvonly"));
	assert_int_equal(net_stream_write(side.stream, text, (size_t)length), 0);
	bench_wait(bench, bench_is_held);
	assert_int_equal(peer_expect(&bench->peers[0], SIP_ACK)->cseq.number, 2);
	sip_message_clear(&invite);
	finish(bench);
}

/* Nobody listens, or the stream ends without an answer: a datagram after all. */
static void a_hold_falls_back(void **state)
{
	struct bench *bench = bench_holding(false);
	const struct sip_message *invite = peer_expect(&bench->peers[0], SIP_INVITE);

	(void)state;
	assert_true(span_contains(invite->via.text, "SIP/2.0/UDP"));
	assert_int_equal(invite->cseq.number, 2);
	assert_true(invite->received.length > 1300);
	finish(bench);

	bench = bench_holding(true);
	expect_over_tcp(bench, "INVITE ");
	net_stream_close(side.stream);
	side.stream = NULL;
	assert_int_equal(peer_expect(&bench->peers[0], SIP_INVITE)->cseq.number, 2);
	assert_int_equal(bench_status_number(bench, "lines.0.entries.0.in_failover"), 0);
	finish(bench);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(goes_over_tcp),      cmocka_unit_test(cancel_follows),
		cmocka_unit_test(refused_falls_back), cmocka_unit_test(unopened_falls_back),
		cmocka_unit_test(lost_stream),        cmocka_unit_test(off_by_policy),
		cmocka_unit_test(small_stays),        cmocka_unit_test(a_hold_goes_over_tcp),
		cmocka_unit_test(a_hold_falls_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
