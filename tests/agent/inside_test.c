/* agent/inside: endpoints register, are challenged, held off and known again, over real sockets;
 * what they send goes on only if they may (AGENT-1, AGENT-2, AGENT-8, AGENT-9, AGENT-10). */
#include "tests/sip/parse.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "agent/inside.h"
#include "tests/config/load.h"

enum { WAIT_MS = 20000 };

static struct {
	struct net_loop *loop;
	struct config *config;
	struct agent_inside *inside;
	struct net_udp *phone; /* the endpoint's socket */
	struct net_address server;
	char came[8192]; /* the last datagram to it */
	int came_count;
	struct net_timer *clock; /* ends a wait that takes too long */
	bool is_late;
	/* What the hooks were told. */
	int requests, cancels, answers, silences, bindings, gone;
	struct agent_incoming incoming;
	char method[16];
	enum sip_client_news news;
	unsigned status;
	bool refuses;
	uint32_t in_dialog;
} t;

/* ---- hooks ---------------------------------------------------------------------------------- */

static void on_request(void *user, const struct agent_incoming *incoming)
{
	(void)user;
	t.requests++;
	t.incoming = *incoming;
	sip_span_copy(incoming->packet.request->method_name, t.method, sizeof(t.method));
}

static void on_cancel(void *user, sip_transaction_id invite)
{
	(void)user;
	assert_int_equal(invite, t.incoming.packet.id);
	t.cancels++;
}

static void on_answer(void *user, const struct agent_answer *answer)
{
	(void)user;
	assert_int_equal(answer->owner, 77);
	t.news = answer->news;
	t.status = answer->response ? answer->response->status : 408;
	t.silences += !answer->response;
	t.answers++;
}

static uint32_t whose_dialog(void *user, const struct sip_message *request,
			     const struct net_address *source)
{
	(void)user;
	(void)request;
	(void)source;
	return t.in_dialog;
}

static bool may_register(void *user, uint32_t line)
{
	(void)user;
	(void)line;
	return !t.refuses;
}

static void on_binding(void *user, const struct agent_binding *binding, bool is_gone)
{
	(void)user;
	(void)binding;
	t.bindings += !is_gone;
	t.gone += is_gone;
}

static void on_second(void *user)
{
	(void)user;
}

/* ---- the stage ------------------------------------------------------------------------------ */

static void take_datagram(void *user, const struct net_datagram *datagram)
{
	(void)user;
	if (datagram->length >= sizeof(t.came))
		return;
	memcpy(t.came, datagram->bytes, datagram->length);
	t.came[datagram->length] = '\0';
	t.came_count++;
}

static void be_late(void *user)
{
	(void)user;
	t.is_late = true;
}

static void open_stage(const char *inside)
{
	const struct net_udp_config udp = {.local = {.ip = {[10] = 0xff, 0xff, 127, 0, 0, 1}},
					   .on_datagram = take_datagram};
	struct agent_inside_config config = {
		.hooks = {on_request, on_cancel, on_answer, whose_dialog, may_register, on_binding,
			  on_second, NULL},
	};
	char text[2048], why[PHONE_WHY_MAX];
	unsigned port = 20000 + (unsigned)getpid() % 20000;
	int error = -1;

	memset(&t, 0, sizeof(t));
	t.in_dialog = AGENT_NONE;
	assert_int_equal(net_loop_create(&t.loop), 0);
	assert_int_equal(net_timer_create(&t.clock, t.loop, (struct net_callback){be_late, NULL}),
			 0);
	for (int i = 0; i < 50 && error; i++, port += 2) {
		config_free(t.config);
		snprintf(text, sizeof(text),
			 "lines:\n  - {user: alice, servers: {name: sip.example.com}}\n"
			 "  - {user: bob, servers: {name: sip.example.com}}\n"
			 "inside:\n  listen: 127.0.0.1:%u\n%s",
			 port, inside);
		t.config = load_text(text);
		assert_true(t.config->inside.is_set);
		config.loop = t.loop;
		config.config = t.config;
		error = agent_inside_open(&t.inside, &config, why);
	}
	if (error)
		fail_msg("%s", why);
	t.server = agent_inside_local(t.inside);
	assert_int_equal(net_udp_open(&t.phone, t.loop, &udp), 0);
}

static void close_stage(void)
{
	agent_inside_close(t.inside);
	net_udp_close(t.phone);
	net_timer_free(t.clock);
	net_loop_free(t.loop);
	config_free(t.config);
}

#define wait_until(condition)                                                                      \
	do {                                                                                       \
		t.is_late = false;                                                                 \
		net_timer_set(t.clock, net_now_ms() + WAIT_MS);                                    \
		while (!(condition)) {                                                             \
			assert_false(t.is_late);                                                   \
			assert_int_equal(net_loop_step(t.loop), 0);                                \
		}                                                                                  \
		net_timer_set(t.clock, NET_NEVER);                                                 \
	} while (0)

struct ask {
	const char *method, *uri, *from, *headers;
	const char *to_tag; /* ";tag=x" */
	unsigned cseq;
};

static void send_text(const char *text)
{
	assert_int_equal(net_udp_send(t.phone, &t.server, text, strlen(text)), 0);
}

static void write_request(const struct ask *ask, char text[2048])
{
	const struct net_address local = net_udp_local(t.phone);
	char self[NET_ADDRESS_TEXT_MAX];

	snprintf(text, 2048,
		 "%s %s SIP/2.0\r\nVia: SIP/2.0/UDP %s;branch=z9hG4bK%s%u;rport\r\n"
		 "From: <sip:%s@sip.example.com>;tag=f\r\nTo: <sip:%s@sip.example.com>%s\r\n"
		 "Call-ID: c\r\nCSeq: %u %s\r\nMax-Forwards: 70\r\n%s\r\n",
		 ask->method, ask->uri, net_address_format(&local, self), ask->method, ask->cseq,
		 ask->from, ask->from, ask->to_tag ? ask->to_tag : "", ask->cseq, ask->method,
		 ask->headers ? ask->headers : "");
}

/* Sends a request and waits for its answer.  Its status. */
static unsigned ask(struct ask asked)
{
	char text[2048];
	int before = t.came_count;

	write_request(&asked, text);
	send_text(text);
	wait_until(t.came_count > before);
	return (unsigned)atoi(t.came + strlen("SIP/2.0 "));
}

/* The same again, with the answer to the challenge that came: TEXT is what to send. */
static void prove(struct ask asked, const char *name, const char *password, char text[2048])
{
	struct sip_digest_session session = {.is_set = false};
	const struct sip_credentials credentials = {name, password, NULL};
	const struct sip_digest_request digest = {
		.method = asked.method, .uri = asked.uri, .cnonce = "0123456789"};
	struct sip_message challenge = parse(t.came);
	char header[1024], headers[1536];
	struct sip_builder builder;

	assert_int_equal(sip_digest_judge(&session, &challenge, &credentials, SIP_SENT_NONE),
			 SIP_VERDICT_NEW);
	sip_message_clear(&challenge);
	sip_builder_init(&builder, header, sizeof(header));
	sip_digest_authorize(&session, &builder, &digest, &credentials);
	header[builder.length] = '\0';
	snprintf(headers, sizeof(headers), "%s%s", header, asked.headers ? asked.headers : "");
	asked.headers = headers;
	asked.cseq++;
	write_request(&asked, text);
}

static unsigned ask_again(struct ask asked, const char *name, const char *password)
{
	char text[2048];
	int before = t.came_count;

	prove(asked, name, password, text);
	send_text(text);
	wait_until(t.came_count > before);
	return (unsigned)atoi(t.came + strlen("SIP/2.0 "));
}

#define DESK "  endpoints: [{user: desk, password: secret, lines: [1]}]\n"
#define TWO_LINES "  endpoints: [{user: desk, password: secret}]\n"
#define PBX "  endpoints: [{user: pbx, address: 127.0.0.1:5060}]\n"

static const struct ask reg = {.method = "REGISTER",
			       .uri = "sip:sip.example.com",
			       .from = "alice",
			       .headers = "Contact: <sip:alice@10.0.0.1:5062>\r\nExpires: 60\r\n",
			       .cseq = 1};
static const struct ask invite = {
	.method = "INVITE", .uri = "sip:carol@sip.example.com", .from = "alice", .cseq = 11};

/* ---- tests ---------------------------------------------------------------------------------- */

static void test_register_agent_2(void **state)
{
	const struct agent_binding *binding;
	const struct net_address local = (open_stage(DESK), net_udp_local(t.phone));

	(void)state;
	assert_int_equal(ask(reg), 401);
	assert_int_equal(ask_again(reg, "desk", "secret"), 200);
	assert_non_null(strstr(t.came, "Contact: <sip:alice@10.0.0.1:5062>;expires=60\r\n"));
	assert_int_equal(t.bindings, 1);
	binding = agent_registrar_next(agent_inside_registrar(t.inside), 0, NULL, net_now_ms());
	assert_non_null(binding);
	assert_int_equal(binding->hop.route.port, local.port); /* where it sends from */
	assert_int_equal(t.requests, 0);
	close_stage();
}

static void test_digests(void **state)
{
	(void)state;
	open_stage(DESK);
	assert_int_equal(ask(reg), 401);
	assert_null(strstr(t.came, "SHA-256"));
	assert_int_equal(ask_again(reg, "desk", "secret"), 200);
	close_stage();
	open_stage("  digest: both\n" DESK);
	assert_int_equal(ask(reg), 401);
	assert_true(strstr(t.came, "algorithm=SHA-256") < strstr(t.came, "algorithm=MD5"));
	assert_int_equal(ask_again(reg, "desk", "secret"), 200);
	close_stage();
	open_stage("  digest: sha-256\n  realm: office\n" DESK);
	assert_int_equal(ask(reg), 401);
	assert_null(strstr(t.came, "MD5"));
	assert_non_null(strstr(t.came, "realm=\"office\""));
	assert_int_equal(ask_again(reg, "desk", "secret"), 200);
	close_stage();
}

/* Wrong passwords and unknown names are challenged again, and soon held off; nobody learns which of
 * them it was. */
static void test_wrong_passwords(void **state)
{
	struct ask again = reg;

	(void)state;
	open_stage(DESK);
	assert_int_equal(ask(again), 401);
	for (int i = 0; i < AGENT_GUARD_WRONG_MAX; i++) {
		again.cseq += 2;
		assert_int_equal(ask_again(again, i % 2 ? "desk" : "nobody", "guess"), 401);
	}
	again.cseq += 2;
	assert_int_equal(ask_again(again, "desk", "secret"), 403);
	assert_non_null(strstr(t.came, "Retry-After: 10\r\n"));
	assert_null(strstr(t.came, "secret"));
	assert_int_equal(t.bindings, 0);
	close_stage();
}

/* Credentials that somebody overheard: the same bytes get the answer that they got, in another
 * request they are stale; with the next count the endpoint goes on. */
static void test_replay_rfc_7616(void **state)
{
	struct ask other = reg;
	char text[2048], changed[2048];
	const char *branch;
	int before;

	(void)state;
	open_stage(DESK);
	assert_int_equal(ask(reg), 401);
	prove(reg, "desk", "secret", text);
	for (int i = 0; i < 2; i++) {
		before = t.came_count;
		send_text(text);
		wait_until(t.came_count > before);
		assert_memory_equal(t.came, "SIP/2.0 200", 11);
	}
	assert_int_equal(t.bindings, 1);
	branch = strstr(text, ";branch=z9hG4bK") + strlen(";branch=z9hG4bK");
	snprintf(changed, sizeof(changed), "%.*sx%s", (int)(branch - text), text, branch);
	before = t.came_count;
	send_text(changed);
	wait_until(t.came_count > before);
	assert_memory_equal(t.came, "SIP/2.0 401", 11);
	assert_non_null(strstr(t.came, ", stale=true"));
	assert_int_equal(t.bindings, 1);
	other.cseq += 2;
	assert_int_equal(ask_again(other, "desk", "secret"), 200);
	assert_int_equal(t.bindings, 2);
	close_stage();
}

static void test_refused_while_out_agent_8(void **state)
{
	(void)state;
	open_stage(PBX);
	t.refuses = true;
	assert_int_equal(ask(reg), 503);
	assert_int_equal(t.bindings, 0);
	close_stage();
}

/* A request goes on once it is proven, on the line that its From names, and nothing before. */
static void test_invite_agent_2(void **state)
{
	struct ask one = invite;
	char text[2048];

	(void)state;
	open_stage(TWO_LINES);
	one.from = "eve";
	assert_int_equal(ask(one), 407);
	assert_int_equal(ask_again(one, "desk", "secret"), 403);
	assert_non_null(strstr(t.came, "From names none of this endpoint's lines"));
	one.from = "bob";
	one.cseq = 21;
	assert_int_equal(ask(one), 407);
	assert_int_equal(t.requests, 0);
	prove(one, "desk", "secret", text);
	send_text(text);
	wait_until(t.requests == 1);
	assert_int_equal(t.incoming.line, 1);
	close_stage();
}

static void test_by_address_agent_2(void **state)
{
	static const struct sip_answer ringing = {180, {"SIP/2.0 180 R\r\n\r\n", 17}};
	struct ask bob = invite, cancel = invite;
	struct phone_hop back;
	char text[2048];

	(void)state;
	open_stage(PBX);
	bob.from = "bob";
	write_request(&bob, text);
	send_text(text);
	wait_until(t.requests == 1);
	assert_string_equal(t.method, "INVITE");
	assert_int_equal(t.incoming.line, 1);
	assert_int_equal(t.incoming.endpoint, 0);
	/* A repeat gets the last answer, and does not go on. */
	back = (struct phone_hop){.route = phone_route_of(&t.incoming.packet.source, KL_UDP)};
	agent_inside_respond(t.inside, t.incoming.packet.id, &back, &ringing);
	wait_until(t.came_count == 1);
	send_text(text);
	wait_until(t.came_count == 2);
	assert_memory_equal(t.came, "SIP/2.0 180", 11);
	assert_int_equal(t.requests, 1);
	cancel.from = "bob";
	cancel.method = "CANCEL";
	write_request(&cancel, text);
	memcpy(strstr(text, "z9hG4bKCANCEL"), "z9hG4bKINVITE", 13);
	send_text(text);
	wait_until(t.came_count == 3);
	assert_memory_equal(t.came, "SIP/2.0 200", 11);
	assert_int_equal(t.cancels, 1);
	close_stage();
}

/* AGENT-9: a foreign domain, or our own address, is refused with what to change. */
static void test_foreign_agent_9(void **state)
{
	static const char *const foreign[] = {"sip:bob@elsewhere.org", "sip:bob@127.0.0.1:5070",
					      "sip:bob@[::1]", "mailto:bob@x"};
	struct ask one = invite;

	(void)state;
	open_stage(PBX);
	for (size_t i = 0; i < sizeof(foreign) / sizeof(*foreign); i++) {
		one.uri = foreign[i];
		one.cseq++;
		assert_int_equal(ask(one), 403);
		assert_non_null(strstr(t.came, "Use the line's domain sip.example.com, with "
					       "Keepline as outbound proxy"));
	}
	assert_int_equal(t.requests, 0);
	close_stage();
}

/* AGENT-10: Max-Forwards ends; OPTIONS to us is ours. */
static void test_hops_and_options_agent_10(void **state)
{
	struct ask one = invite;
	char text[2048];

	(void)state;
	open_stage(PBX);
	write_request(&one, text);
	memcpy(strstr(text, "Max-Forwards: 70"), "Max-Forwards: 00", 16);
	send_text(text);
	wait_until(t.came_count == 1);
	assert_memory_equal(t.came, "SIP/2.0 483", 11);
	one.method = "OPTIONS";
	one.uri = "sip:127.0.0.1";
	assert_int_equal(ask(one), 200);
	assert_int_equal(t.requests, 0);
	close_stage();
}

/* A request in a dialog needs no password, if its dialog knows where it comes from. */
static void test_in_dialog(void **state)
{
	struct ask bye = invite;
	char text[2048];

	(void)state;
	open_stage(DESK);
	bye.method = "BYE";
	bye.to_tag = ";tag=z";
	bye.uri = "sip:far@192.0.2.9";
	assert_int_equal(ask(bye), 407);
	t.in_dialog = 0;
	bye.cseq++;
	write_request(&bye, text);
	send_text(text);
	wait_until(t.requests == 1);
	assert_int_equal(t.incoming.endpoint, 0);
	assert_int_equal(t.incoming.line, AGENT_NONE);
	/* An ACK of no dialog is forgotten, one of a dialog goes on. */
	t.in_dialog = AGENT_NONE;
	bye.method = "ACK";
	write_request(&bye, text);
	send_text(text);
	t.in_dialog = AGENT_NONE;
	bye.method = "BYE";
	bye.cseq++;
	assert_int_equal(ask(bye), 407);
	assert_int_equal(t.requests, 1);
	t.in_dialog = 0;
	bye.method = "ACK";
	write_request(&bye, text);
	send_text(text);
	wait_until(t.requests == 2);
	assert_string_equal(t.method, "ACK");
	assert_int_equal(t.incoming.packet.id, 0);
	close_stage();
}

static void send_inward(const char *branch, enum sip_method method, sip_client_id *client)
{
	const struct net_address local = net_udp_local(t.phone);
	struct agent_outgoing outgoing = {.method = method,
					  .branch = branch,
					  .hop = {.route = phone_route_of(&local, KL_UDP)},
					  .owner = 77};
	char via[PHONE_URI_MAX], text[2048];

	assert_int_equal(agent_inside_write_via(t.inside, &outgoing.hop, branch, via), 0);
	snprintf(text, sizeof(text),
		 "%s sip:a@x SIP/2.0\r\nVia: %s\r\nFrom: <sip:f@x>;tag=1\r\nTo: <sip:a@x>\r\n"
		 "Call-ID: d\r\nCSeq: 1 %s\r\n\r\n",
		 sip_method_name(method), via, sip_method_name(method));
	outgoing.bytes = sip_span_of(text);
	assert_int_equal(agent_inside_send(t.inside, &outgoing, client), 0);
}

static void answer_inward(const char *status)
{
	struct sip_message request = parse(t.came);
	char text[2048];

	snprintf(text, sizeof(text),
		 "SIP/2.0 %s\r\nVia: %.*s\r\nFrom: <sip:f@x>;tag=1\r\nTo: <sip:a@x>;tag=2\r\n"
		 "Call-ID: d\r\nCSeq: 1 %.*s\r\n\r\n",
		 status, SIP_SPAN(request.via.text), SIP_SPAN(request.method_name));
	sip_message_clear(&request);
	send_text(text);
}

/* A request of the outside reaches the endpoint, its answers come back, its refusal gets an ACK. */
static void test_toward_the_endpoint(void **state)
{
	sip_client_id client;
	char branch[PHONE_ID_MAX], route[PHONE_URI_MAX], self[NET_ADDRESS_TEXT_MAX];
	char expected[PHONE_URI_MAX];
	const struct phone_hop hop = {
		.route = {.ip = {[10] = 0xff, 0xff, 127, 0, 0, 1}, .port = 9, .transport = KL_TCP}};

	(void)state;
	open_stage(DESK);
	agent_inside_draw_branch(branch);
	send_inward(branch, SIP_INVITE, &client);
	wait_until(t.came_count == 1);
	assert_non_null(strstr(t.came, branch));
	answer_inward("180 Ringing");
	wait_until(t.answers == 1);
	assert_int_equal(t.news, SIP_CLIENT_PROVISIONAL);
	answer_inward("486 Busy");
	wait_until(t.came_count == 2 && t.answers == 2);
	assert_int_equal(t.news, SIP_CLIENT_REFUSED);
	assert_int_equal(t.status, 486);
	assert_memory_equal(t.came, "ACK ", 4);
	assert_int_equal(agent_inside_write_route(t.inside, &hop, route), 0);
	snprintf(expected, sizeof(expected), "<sip:%s;transport=tcp;lr>",
		 net_address_format(&t.server, self));
	assert_string_equal(route, expected);
	close_stage();
}

/* A CANCEL goes out, and the end of its INVITE is told; noise is counted and harms nobody. */
static void test_cancel_and_noise(void **state)
{
	sip_client_id client;

	(void)state;
	open_stage(DESK);
	send_text("no SIP at all\r\n\r\n");
	send_text(
		"SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP h;branch=z9hG4bKx\r\nFrom: <sip:f@x>;tag=1\r\n"
		"To: <sip:a@x>;tag=2\r\nCall-ID: d\r\nCSeq: 1 INVITE\r\n\r\n");
	send_inward("z9hG4bKc", SIP_INVITE, &client);
	wait_until(t.came_count == 1);
	answer_inward("100 Trying");
	wait_until(t.answers == 1);
	agent_inside_cancel(t.inside, client);
	wait_until(t.came_count == 2);
	assert_memory_equal(t.came, "CANCEL ", 7);
	answer_inward("200 OK");
	memcpy(t.came, "INVITE", 6);
	memcpy(strstr(t.came, "CSeq: 1 CANCEL"), "CSeq: 1 INVITE", 14);
	answer_inward("487 Terminated");
	wait_until(t.answers == 2);
	assert_int_equal(t.status, 487);
	assert_int_equal(agent_inside_counters(t.inside).dropped, 1);
	assert_int_equal(agent_inside_counters(t.inside).stray, 1);
	close_stage();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_register_agent_2),
		cmocka_unit_test(test_digests),
		cmocka_unit_test(test_wrong_passwords),
		cmocka_unit_test(test_replay_rfc_7616),
		cmocka_unit_test(test_refused_while_out_agent_8),
		cmocka_unit_test(test_invite_agent_2),
		cmocka_unit_test(test_by_address_agent_2),
		cmocka_unit_test(test_foreign_agent_9),
		cmocka_unit_test(test_hops_and_options_agent_10),
		cmocka_unit_test(test_in_dialog),
		cmocka_unit_test(test_toward_the_endpoint),
		cmocka_unit_test(test_cancel_and_noise),
	};

	sip_init();
	return cmocka_run_group_tests(tests, load_enter, load_leave);
}
