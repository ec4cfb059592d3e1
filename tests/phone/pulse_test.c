/* pulse_test.c - the keep-alives of a flow on a stream (RFC 5626 4.4.1, OWN-6 (part)). */
#include <arpa/inet.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/phone/bench.h"
#include "tests/phone/jump.h"

/* The bench's own line stays off. */
#define LINE                                                                                       \
	"lines:\n  - {line: 1, policy: {flows_max: 1}}\n"                                          \
	"  - line: 2\n    user: carol\n    domain: sip.test\n"                                     \
	"    servers: [{name: 127.0.1.1, port: %u, transport: tcp}]\n"                             \
	"    policy: {reregister_on: true, flows_max: 2, persistent_connection: %s, probe: 0, "    \
	"backoff_fixed: 5s}\n"

enum {
	TEXT_MAX = 8192,
	FLOW_TIMER_S = 100,
	PONG_S = 10,
	IDLE_S = 60,
	BACKOFF_S = 5,
	SLACK_S = 5, /* a loaded machine's */
	LITTLE_MS = 50,
};

/* A registrar over TCP, whose part the test plays. */
struct server {
	struct bench *bench;
	int listening, stream;
	char text[TEXT_MAX]; /* what came and was not taken */
	size_t length;
	bool ended;
};

/* ---- the server ------------------------------------------------------------------------------ */

static unsigned server_listen(struct server *server)
{
	struct sockaddr_in local = {.sin_family = AF_INET};
	socklen_t size = sizeof local;

	*server = (struct server){.stream = -1};
	assert_int_equal(inet_pton(AF_INET, "127.0.1.1", &local.sin_addr), 1);
	server->listening = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
	assert_int_equal(bind(server->listening, (struct sockaddr *)&local, size), 0);
	assert_int_equal(listen(server->listening, 1), 0);
	assert_int_equal(getsockname(server->listening, (struct sockaddr *)&local, &size), 0);
	return ntohs(local.sin_port);
}

static void server_read(struct server *server)
{
	ssize_t got;

	bench_settle(server->bench, LITTLE_MS);
	if (server->stream < 0)
		server->stream = accept4(server->listening, NULL, NULL, SOCK_NONBLOCK);
	got = recv(server->stream, server->text + server->length,
		   sizeof server->text - server->length - 1, 0);
	server->ended |= got == 0;
	server->length += got > 0 ? (size_t)got : 0;
	server->text[server->length] = '\0';
}

static void server_forget(struct server *server)
{
	server->length = 0;
	server->text[0] = '\0';
}

static void server_send(struct server *server, const char *text)
{
	size_t length = strlen(text);

	assert_int_equal(send(server->stream, text, length, MSG_NOSIGNAL), length);
	bench_settle(server->bench, LITTLE_MS);
}

/* The next REGISTER is granted, as a flow. */
static void server_grant(struct server *server)
{
	struct sip_message request;
	char answer[TEXT_MAX];

	for (int i = 0; i < BENCH_WAIT_MS / LITTLE_MS && !strstr(server->text, "\r\n\r\n"); i++)
		server_read(server);
	assert_int_equal(sip_message_parse(&request, server->text, server->length), 0);
	assert_string_equal(sip_method_name(request.method), "REGISTER");
	snprintf(answer, sizeof answer,
		 "SIP/2.0 200 OK\r\nVia: %.*s\r\nFrom: %.*s\r\nTo: %.*s;tag=r\r\n"
		 "Call-ID: %.*s\r\nCSeq: %u REGISTER\r\nExpires: %.*s\r\n"
		 "Require: outbound\r\nFlow-Timer: %d\r\nContent-Length: 0\r\n\r\n",
		 SIP_SPAN(request.via.text), SIP_SPAN(request.from.text), SIP_SPAN(request.to.text),
		 SIP_SPAN(request.call_id), request.cseq.number,
		 SIP_SPAN(header_of(&request, SIP_EXPIRES)), FLOW_TIMER_S);
	sip_message_clear(&request);
	server_forget(server);
	server_send(server, answer);
}

/* Has a ping come, and nothing else? */
static bool server_was_pinged(struct server *server)
{
	bool pinged;

	server_read(server);
	pinged = !strcmp(server->text, "\r\n\r\n");
	assert_true(pinged || !server->length);
	server_forget(server);
	return pinged;
}

/* ---- the stage ------------------------------------------------------------------------------- */

static const char *state_of(struct server *server)
{
	return bench_status(server->bench, "lines.1.state");
}

static void begin(struct server *server, const char *persistent)
{
	char native[1024];

	snprintf(native, sizeof native, LINE, server_listen(server), persistent);
	server->bench = bench_new_beside("", native);
	server->bench->peers[0].deaf = server->bench->peers[1].deaf = true;
	phone_start(server->bench->phone);
	server_grant(server);
	assert_string_equal(state_of(server), "registered");
}

static void end(struct server *server)
{
	close(server->stream);
	close(server->listening);
	bench_free(server->bench);
}

/* Until the ping that comes 80 to 100 % of the Flow-Timer after what was before. */
static void pass_until_ping(struct server *server)
{
	jump(FLOW_TIMER_S * 8 / 10 - SLACK_S);
	assert_false(server_was_pinged(server));
	jump(FLOW_TIMER_S * 2 / 10 + SLACK_S);
	assert_true(server_was_pinged(server));
}

/* ---- tests ----------------------------------------------------------------------------------- */

/* Pongs that follow each other are no ping of the server, which a persistent connection would
 * answer (KEEP-3). */
static void pongs_keep_the_flow(void **state)
{
	struct server server;

	(void)state;
	begin(&server, "true");
	for (int i = 0; i < 3; i++) {
		pass_until_ping(&server);
		server_send(&server, "\r\n");
		server_read(&server);
		assert_int_equal(server.length, 0);
	}
	server_send(&server, "\r\n\r\n");
	server_read(&server);
	assert_string_equal(server.text, "\r\n");
	assert_string_equal(state_of(&server), "registered");
	end(&server);
}

/* An idle stream is closed, but not one that is a flow (KEEP-3). */
static void an_idle_flow_stays(void **state)
{
	struct server server;

	(void)state;
	begin(&server, "false");
	for (int i = 0; i < 2; i++) {
		pass_until_ping(&server);
		server_send(&server, "\r\n");
	}
	server_read(&server);
	assert_false(server.ended);
	assert_string_equal(state_of(&server), "registered");
	end(&server);
}

static void no_pong_in_ten_seconds_ends_the_flow(void **state)
{
	struct server server;

	(void)state;
	begin(&server, "false");
	pass_until_ping(&server);
	jump(PONG_S - SLACK_S);
	server_read(&server);
	assert_false(server.ended);
	jump(SLACK_S);
	server_read(&server);
	assert_true(server.ended);
	assert_string_equal(state_of(&server), "backing off");
	assert_non_null(strstr(bench_status(server.bench, "lines.1.entries.0.why"),
			       "keep-alives unanswered"));
	end(&server);
}

/* A server that restarts: the pong that its old stream owes is not asked of the new one. */
static void a_ping_belongs_to_its_stream(void **state)
{
	struct server server;

	(void)state;
	begin(&server, "false");
	pass_until_ping(&server);
	close(server.stream);
	server.stream = -1;
	bench_settle(server.bench, LITTLE_MS);
	assert_string_equal(state_of(&server), "backing off");
	jump(BACKOFF_S);
	server_grant(&server);
	jump(PONG_S + SLACK_S);
	server_read(&server);
	assert_false(server.ended);
	assert_string_equal(state_of(&server), "registered");
	end(&server);
}

/* "or immediately after processing any incoming message being received when that 10 seconds
 * expires" */
static void a_message_is_read_to_its_end_first(void **state)
{
	struct server server;

	(void)state;
	begin(&server, "false");
	pass_until_ping(&server);
	server_send(&server, "SIP/2.0 200 OK\r\nVia: SIP/2.0/TCP 127.0.0.1;branch=z9hG4bK1\r\n");
	jump(PONG_S);
	server_read(&server);
	assert_false(server.ended);
	server_send(&server, "From: <sip:a@b>;tag=1\r\nTo: <sip:a@b>;tag=2\r\nCall-ID: 1\r\n"
			     "CSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n\r\n");
	jump(1);
	server_read(&server);
	assert_false(server.ended);
	assert_string_equal(state_of(&server), "registered");
	end(&server);
}

static void take_stopped(void *user)
{
	struct server *server = user;

	server->bench->stopped = true;
}

/* REG-5: what carries no registration any more is pinged no more, and closed when it is idle. */
static void a_flow_that_was_left_is_not_kept(void **state)
{
	struct server server;

	(void)state;
	begin(&server, "false");
	phone_stop(server.bench->phone, (struct net_callback){take_stopped, &server});
	server_grant(&server);
	jump(FLOW_TIMER_S);
	assert_false(server_was_pinged(&server));
	jump(IDLE_S);
	server_read(&server);
	assert_true(server.ended);
	end(&server);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pongs_keep_the_flow),
		cmocka_unit_test(an_idle_flow_stays),
		cmocka_unit_test(no_pong_in_ten_seconds_ends_the_flow),
		cmocka_unit_test(a_ping_belongs_to_its_stream),
		cmocka_unit_test(a_message_is_read_to_its_end_first),
		cmocka_unit_test(a_flow_that_was_left_is_not_kept),
	};

	return cmocka_run_group_tests_name("phone/pulse", tests, NULL, NULL);
}
