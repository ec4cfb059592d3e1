/* stream_test.c - live lines over TCP and TLS, between two servers of the lab. */
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "tests/phone/stage.h"

enum { TEXT_MAX = 4096, FDS_MAX = 64 };

/* What one server saw. */
struct server {
	unsigned registers, invites, byes;
	uint64_t first_at_ms;
	char via[256], contact[256]; /* of the last request that has them */
};

/* A client that connects to the phone. */
struct caller {
	struct net_stream *stream;
	char text[TEXT_MAX];
	size_t length;
	bool ended;
};

struct bench {
	struct stage stage;
	struct server servers[STAGE_SERVERS];
	struct config *former; /* before a reload that is under way */
	struct caller caller;
	bool call_up, call_over;
};

struct order {
	enum sip_transport transport;
	const char *first_names; /* in the certificate of the first server; NULL: "DNS:sip.test" */
	const char *parameters;
	const char *policy; /* of a native file beside the other; NULL: none */
};

static void wait_for(struct bench *bench, bool (*condition)(const struct bench *bench))
{
	stage_set_time(&bench->stage, STAGE_WAIT_MS);
	while (!condition(bench))
		stage_step(&bench->stage);
}

/* ---- the stage ------------------------------------------------------------------------------- */

static void take_sight(void *user, const struct lab_sip_sight *sight)
{
	struct server *server = user;
	const struct sip_header *contact = sip_message_header(sight->request, SIP_CONTACT, 0);

	if (sight->status)
		return;
	if (!server->first_at_ms)
		server->first_at_ms = sight->at_ms;
	server->registers += sight->request->method == SIP_REGISTER;
	server->invites += sight->request->method == SIP_INVITE;
	server->byes += sight->request->method == SIP_BYE;
	snprintf(server->via, sizeof server->via, "%.*s", SIP_SPAN(sight->request->via.text));
	if (contact)
		snprintf(server->contact, sizeof server->contact, "%.*s", SIP_SPAN(contact->value));
}

/* The servers stand behind SRV records whose targets no certificate names. */
static void open_dns(struct bench *bench, const struct order *order)
{
	char zone[TEXT_MAX] = "";
	size_t used = 0;

	for (unsigned i = 0; i < STAGE_SERVERS; i++)
		used += (size_t)snprintf(
			zone + used, sizeof zone - used,
			"%s._tcp.sip.test. SRV %u 0 %u s%u.other.test.\n"
			"s%u.other.test. A 127.0.1.%u\n",
			order->transport == SIP_TLS ? "_sips" : "_sip", 10 * (i + 1),
			lab_sipserver_local(bench->stage.servers[i]).port, i + 1, i + 1, i + 1);
	stage_serve_names(&bench->stage, zone);
}

static struct config *load(const struct bench *bench, const struct order *order)
{
	static const char *const names[] = {"phone.cfg", "policy.yaml"};
	char text[TEXT_MAX];

	snprintf(text, sizeof text,
		 "<polycomConfig reg.1.address=\"alice\" reg.1.auth.userId=\"alice\""
		 " reg.1.auth.password=\"secret\" reg.1.server.1.address=\"sip.test\""
		 " reg.1.server.1.transport=\"%s\" voIpProt.SIP.tcpFastFailover=\"1\""
		 " voIpProt.SIP.tcpFastFailover.timeout=\"2000\" %s/>\n",
		 order->transport == SIP_TLS ? "TLS" : "TCPOnly",
		 order->parameters ? order->parameters : "");
	stage_write(&bench->stage, names[0], text);
	snprintf(text, sizeof text, "policy: {%s}\n", order->policy ? order->policy : "");
	stage_write(&bench->stage, names[1], text);
	return stage_load(&bench->stage, names, order->policy ? 2 : 1);
}

static struct bench *bench_new(const struct order *order)
{
	struct bench *bench = calloc(1, sizeof *bench);

	assert_non_null(bench);
	stage_begin(&bench->stage);
	for (unsigned i = 0; i < STAGE_SERVERS; i++) {
		const struct stage_server server = {
			.transport = order->transport,
			.names = i == 0 && order->first_names ? order->first_names : "DNS:sip.test",
			.on_sight = take_sight,
			.user = &bench->servers[i],
		};

		stage_open_server(&bench->stage, i, &server);
	}
	open_dns(bench, order);
	bench->stage.config = load(bench, order);
	stage_create_phone(&bench->stage);
	return bench;
}

static void bench_free(struct bench *bench)
{
	net_stream_close(bench->caller.stream);
	stage_end(&bench->stage);
	free(bench);
}

/* ---- looking --------------------------------------------------------------------------------- */

static const json_t *entry_of(json_t *status)
{
	json_t *line = json_array_get(json_object_get(status, "lines"), 0);

	return json_array_get(json_object_get(line, "entries"), 0);
}

static bool is_in_state(const struct bench *bench, const char *state, const char *address)
{
	json_t *status = phone_status(bench->stage.phone);
	const json_t *entry = entry_of(status);
	bool is = !strcmp(json_string_value(json_object_get(entry, "state")), state);

	if (address) {
		const char *route = json_string_value(json_object_get(entry, "route"));

		is = is && route && strstr(route, address);
	}
	json_decref(status);
	return is;
}

static bool is_registered(const struct bench *bench)
{
	return is_in_state(bench, "registered", "127.0.1.1:");
}

static bool is_registered_at_second(const struct bench *bench)
{
	return is_in_state(bench, "registered", "127.0.1.2:");
}

static bool is_asked(const struct bench *bench)
{
	return bench->servers[0].registers;
}

static bool is_backing_off(const struct bench *bench)
{
	return is_in_state(bench, "backing off", NULL);
}

static long long counter(const struct bench *bench, const char *name)
{
	json_t *status = phone_status(bench->stage.phone);
	long long value =
		json_integer_value(json_object_get(json_object_get(status, "counters"), name));

	json_decref(status);
	return value;
}

static unsigned connections(const struct bench *bench, unsigned server)
{
	return lab_sipserver_counters(bench->stage.servers[server - 1]).connections;
}

static bool has_no_stream(const struct bench *bench)
{
	return connections(bench, 1) == 0 && counter(bench, "streams") == 0;
}

/* The last failure of the first route, in words. */
static void assert_first_fault(const struct bench *bench, const char *text)
{
	json_t *status = phone_status(bench->stage.phone);
	const json_t *routes = json_object_get(entry_of(status), "routes");

	assert_string_equal(
		json_string_value(json_object_get(json_array_get(routes, 0), "last_fault")), text);
	json_decref(status);
}

/* A bench whose line is registered with the first server. */
static struct bench *bench_registered(const struct order *order)
{
	struct bench *bench = bench_new(order);

	phone_start(bench->stage.phone);
	wait_for(bench, is_registered);
	return bench;
}

/* ---- calls ----------------------------------------------------------------------------------- */

static void take_call(void *user, const struct phone_call_event *event)
{
	struct bench *bench = user;

	bench->call_up |= event->type == PHONE_CALL_UP;
	bench->call_over |= event->type == PHONE_CALL_OVER;
}

static bool is_call_up(const struct bench *bench)
{
	return bench->call_up;
}

static bool is_call_gone(const struct bench *bench)
{
	return lab_sipserver_counters(bench->stage.servers[0]).calls == 0;
}

static uint64_t place_call(struct bench *bench)
{
	const struct phone_call_order order = {
		.target = "sip:bob@sip.test", .on_event = take_call, .user = bench};
	char why[PHONE_WHY_MAX];
	uint64_t id;

	assert_int_equal(phone_call_place(bench->stage.phone, &order, &id, why), 0);
	return id;
}

/* ---- who connects to the phone --------------------------------------------------------------- */

static size_t take_text(void *user, const uint8_t *bytes, size_t length)
{
	struct caller *caller = user;

	assert_true(caller->length + length < sizeof caller->text);
	memcpy(caller->text + caller->length, bytes, length);
	caller->length += length;
	return length;
}

static void take_end(void *user, const struct net_stream_ending *ending)
{
	struct caller *caller = user;

	(void)ending;
	caller->ended = true;
}

/* Connects from 127.0.1.LAST to where the Contact of the last REGISTER leads, and says TEXT. */
static void connect_and_say(struct bench *bench, uint8_t last, const char *text)
{
	struct net_stream_config config = {
		.local = {.ip = {[10] = 0xff, 0xff, 127, 0, 1, last}},
		.unread_max = TEXT_MAX,
		.unsent_max = TEXT_MAX,
		.on_bytes = take_text,
		.on_end = take_end,
		.user = &bench->caller,
	};
	const char *at = strchr(bench->servers[0].contact, '@');
	char address[64];

	assert_non_null(at);
	snprintf(address, sizeof address, "%.*s", (int)strcspn(at + 1, ";>"), at + 1);
	assert_int_equal(net_address_parse(&config.remote, address, 0), 0);
	net_stream_close(bench->caller.stream);
	bench->caller = (struct caller){.length = 0};
	assert_int_equal(net_stream_open(&bench->caller.stream, bench->stage.loop, &config), 0);
	assert_int_equal(net_stream_write(bench->caller.stream, text, strlen(text)), 0);
}

static bool has_hung_up(const struct bench *bench)
{
	return bench->caller.ended;
}

static bool has_heard(const struct bench *bench)
{
	return bench->caller.length;
}

#define OPTIONS                                                                                    \
	"OPTIONS sip:alice@127.0.0.1 SIP/2.0\r\n"                                                  \
	"Via: SIP/2.0/TCP 127.0.1.1:1;branch=z9hG4bKo\r\nFrom: <sip:bob@sip.test>;tag=1\r\n"       \
	"To: <sip:alice@sip.test>\r\nCall-ID: o\r\nCSeq: 1 OPTIONS\r\n"

/* ---- tests ----------------------------------------------------------------------------------- */

static const struct order tcp = {.transport = SIP_TCP};
static const struct order tls = {.transport = SIP_TLS};

/* KEEP-5 (part): one stream carries the registration, a call, and what ends it.  Via and Contact
 * say where and over what. */
static void one_stream_for_all(void **state)
{
	struct bench *bench = bench_registered(&tcp);
	const struct server *server = &bench->servers[0];
	uint64_t call;

	(void)state;
	assert_true(strstr(server->via, "SIP/2.0/TCP 127.0.0.1:") == server->via);
	assert_non_null(strstr(server->via, ";alias"));
	assert_non_null(strstr(server->contact, "<sip:alice@127.0.0.1:"));
	assert_non_null(strstr(server->contact, ";transport=tcp>"));
	call = place_call(bench);
	wait_for(bench, is_call_up);
	phone_call_hang_up(bench->stage.phone, call);
	wait_for(bench, is_call_gone);
	assert_int_equal(server->byes, 1);
	assert_int_equal(connections(bench, 1), 1);
	bench_free(bench);
}

/* RFC 5922 4: the certificate names the domain that was configured, not the SRV target. */
static void tls_by_the_configured_name(void **state)
{
	struct bench *bench = bench_registered(&tls);

	(void)state;
	assert_true(strstr(bench->servers[0].via, "SIP/2.0/TLS ") == bench->servers[0].via);
	assert_non_null(strstr(bench->servers[0].contact, "<sip:alice@127.0.0.1:"));
	assert_non_null(strstr(bench->servers[0].contact, ";transport=tls>"));
	bench_free(bench);
}

/* TRIG-4: a certificate for the SRV target alone fails the route; the next one at once. */
static void wrong_certificate_fails_the_route(void **state)
{
	const struct order order = {.transport = SIP_TLS, .first_names = "DNS:s1.other.test"};
	struct bench *bench = bench_new(&order);

	(void)state;
	phone_start(bench->stage.phone);
	wait_for(bench, is_registered_at_second);
	assert_int_equal(bench->servers[0].registers, 0);
	assert_first_fault(bench, "TLS: no trusted connection");
	bench_free(bench);
}

/* TRIG-4: refused: the next route at once. */
static void refused_connection_fails_the_route(void **state)
{
	struct bench *bench = bench_new(&tcp);
	uint64_t began_ms = net_now_ms();

	(void)state;
	lab_sipserver_set_fault(bench->stage.servers[0], LAB_CLOSED);
	phone_start(bench->stage.phone);
	wait_for(bench, is_registered_at_second);
	assert_true(bench->servers[1].first_at_ms - began_ms < 1900); /* not after a window */
	assert_first_fault(bench, "connection refused");
	bench_free(bench);
}

/* TIME-6 (part): with 2000 ms the next route comes at 2000 ms; nothing is sent twice, and the
 * stream that said nothing is dropped. */
static void silent_stream_is_left_after_its_window(void **state)
{
	struct bench *bench = bench_new(&tcp);
	uint64_t waited_ms;

	(void)state;
	lab_sipserver_set_fault(bench->stage.servers[0], LAB_SILENT);
	phone_start(bench->stage.phone);
	wait_for(bench, is_registered_at_second);
	waited_ms = bench->servers[1].first_at_ms - bench->servers[0].first_at_ms;
	assert_in_range(waited_ms, 1950, 4000);           /* both ends share this loop */
	assert_int_equal(bench->servers[0].registers, 2); /* the other behind the challenge */
	assert_int_equal(connections(bench, 1), 0);
	bench_free(bench);
}

/* TRIG-6 (part): a stream that the far end closes takes the registration with it. */
static void lost_stream_loses_the_registration(void **state)
{
	struct bench *bench = bench_registered(&tcp);

	(void)state;
	lab_sipserver_set_fault(bench->stage.servers[0], LAB_CLOSED);
	wait_for(bench, is_backing_off);
	assert_int_equal(bench->servers[1].registers, 0);
	bench_free(bench);
}

/* KEEP-3 (part), TRIG-6 (part): an idle stream that we close loses nothing; the next request
 * connects again. */
static void idle_stream_is_closed_without_loss(void **state)
{
	const struct order order = {.transport = SIP_TCP, .policy = "stream_close: 1s"};
	struct bench *bench = bench_registered(&order);

	(void)state;
	wait_for(bench, has_no_stream);
	assert_true(is_registered(bench));
	place_call(bench);
	wait_for(bench, is_call_up);
	bench_free(bench);
}

/* KEEP-3 (part): a stream on which an answer is waited for is not idle. */
static void waiting_stream_is_not_idle(void **state)
{
	const struct order order = {.transport = SIP_TCP, .policy = "stream_close: 1s"};
	struct bench *bench = bench_new(&order);

	(void)state;
	lab_sipserver_set_fault(bench->stage.servers[0], LAB_SILENT);
	phone_start(bench->stage.phone);
	wait_for(bench, is_asked);
	stage_settle(&bench->stage, 1300);
	assert_int_equal(connections(bench, 1), 1);
	bench_free(bench);
}

/* KEEP-5: an answer goes back on the stream of its request. */
static void answers_on_the_stream_of_the_request(void **state)
{
	struct bench *bench = bench_registered(&tcp);

	(void)state;
	connect_and_say(bench, 1, OPTIONS "Content-Length: 0\r\n\r\n");
	wait_for(bench, has_heard);
	assert_memory_equal(bench->caller.text, "SIP/2.0 200 ", 12);
	bench_free(bench);
}

/* KEEP-3: where connections are persistent an idle one stays, and a ping is answered. */
static void persistent_stream_stays_and_answers_pings(void **state)
{
	const struct order order = {
		.transport = SIP_TCP,
		.parameters = "tcpIpApp.keepalive.tcp.sip.persistentConnection.enable=\"1\"",
		.policy = "stream_close: 1s"};
	struct bench *bench = bench_registered(&order);

	(void)state;
	connect_and_say(bench, 1, OPTIONS "Content-Length: 0\r\n\r\n");
	wait_for(bench, has_heard);
	bench->caller.length = 0;
	stage_settle(&bench->stage, 1300);
	assert_int_equal(counter(bench, "streams"), 2);
	assert_int_equal(net_stream_write(bench->caller.stream, "\r\n\r\n", 4), 0);
	wait_for(bench, has_heard);
	assert_int_equal(bench->caller.length, 2);
	assert_memory_equal(bench->caller.text, "\r\n", 2);
	bench_free(bench);
}

/* KEEP-3: where they are not, a ping is neither answered nor activity. */
static void pings_keep_no_stream(void **state)
{
	const struct order order = {.transport = SIP_TCP, .policy = "stream_close: 1s"};
	struct bench *bench = bench_registered(&order);

	(void)state;
	connect_and_say(bench, 1, OPTIONS "Content-Length: 0\r\n\r\n");
	wait_for(bench, has_heard);
	bench->caller.length = 0;
	stage_settle(&bench->stage, 700);
	assert_int_equal(net_stream_write(bench->caller.stream, "\r\n\r\n", 4), 0);
	stage_settle(&bench->stage, 600);
	assert_true(bench->caller.ended);
	assert_int_equal(bench->caller.length, 0);
	bench_free(bench);
}

/* The phone's end of its stream to the first server. */
static int find_stream(const struct bench *bench)
{
	const struct net_address server = lab_sipserver_local(bench->stage.servers[0]);

	for (int fd = 3; fd < FDS_MAX; fd++) {
		struct sockaddr_storage name;
		struct net_address peer;

		if (!getpeername(fd, (struct sockaddr *)&name, &(socklen_t){sizeof name}) &&
		    !net_address_from_sockaddr(&peer, (struct sockaddr *)&name) &&
		    !net_address_compare(&peer, &server))
			return fd;
	}
	return -1;
}

/* KEEP-2: the keep-alives of the parameters are for TLS streams; four unanswered ones lose it. */
static void keep_alives_of_tcp_are_for_tls(void **state)
{
	static const char parameters[] = "tcpIpApp.keepalive.tcp.sip.tls.enable=\"1\""
					 " tcpIpApp.keepalive.tcp.idleTransmitInterval=\"40\""
					 " tcpIpApp.keepalive.tcp.noResponseTransmitInterval=\"5\"";
	static const int options[] = {TCP_KEEPIDLE, TCP_KEEPINTVL, TCP_KEEPCNT};
	static const int expected[] = {40, 5, 4};
	struct order order = {.transport = SIP_TCP, .parameters = parameters};

	(void)state;
	for (; order.transport <= SIP_TLS; order.transport++) {
		struct bench *bench = bench_new(&order);
		int fd, value;

		phone_start(bench->stage.phone);
		wait_for(bench, is_registered);
		fd = find_stream(bench);
		assert_int_equal(getsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &value,
					    &(socklen_t){sizeof value}),
				 0);
		assert_int_equal(value, order.transport == SIP_TLS);
		for (unsigned i = 0; value && i < 3; i++) {
			int seconds = 0;

			getsockopt(fd, IPPROTO_TCP, options[i], &seconds,
				   &(socklen_t){sizeof seconds});
			assert_int_equal(seconds, expected[i]);
		}
		bench_free(bench);
	}
}

static bool has_had_three_pings(const struct bench *bench)
{
	return lab_sipserver_counters(bench->stage.servers[0]).pings == 3;
}

/* KEEP-1: the bytes that the configuration says, on the stream of the registration, as often as it
 * says; they are traffic, so the stream stays. */
static void keep_alives_go_on_the_stream(void **state)
{
	const struct order order = {
		.transport = SIP_TCP,
		.parameters =
			"nat.keepalive.interval=\"1\" nat.keepalive.tcp.payload=\"\\r\\n\\r\\n\"",
		.policy = "stream_close: 1s"};
	struct bench *bench = bench_registered(&order);

	(void)state;
	wait_for(bench, has_had_three_pings);
	assert_int_equal(connections(bench, 1), 1);
	bench_free(bench);
}

static bool has_one_stream(const struct bench *bench)
{
	return counter(bench, "streams") == 1;
}

/* TRIG-7: an answer that can't be delivered moves nothing: whoever asked, from the address of the
 * line's server, resets the stream instead of reading it. */
static void undeliverable_answer_moves_nothing(void **state)
{
	struct bench *bench = bench_registered(&tcp);
	long long sent;

	(void)state;
	sent = counter(bench, "sent");
	connect_and_say(bench, 1, OPTIONS "Content-Length: 0\r\n\r\n");
	while (counter(bench, "sent") == sent)
		assert_int_equal(net_loop_step(bench->stage.loop), 0);
	assert_int_equal(bench->caller.length, 0);
	net_stream_close(bench->caller.stream);
	bench->caller.stream = NULL;
	wait_for(bench, has_one_stream);
	assert_true(is_registered(bench));
	assert_int_equal(bench->servers[1].registers, 0);
	bench_free(bench);
}

static void take_reloaded(void *user)
{
	struct bench *bench = user;

	config_free(bench->former);
	bench->former = NULL;
}

static bool is_reloaded(const struct bench *bench)
{
	return !bench->former;
}

/* KEEP-3 (part): over a reload a stream stays, and goes on by its idle time.  The
 * BYE of a call from before then opens a stream as the call's line says: its certificate has to
 * name the domain, which the new configuration alone still knows. */
static void call_over_tls_outlives_a_reload(void **state)
{
	const struct order order = {.transport = SIP_TLS, .policy = "stream_close: 1s"};
	struct bench *bench = bench_registered(&order);
	struct phone_reload_order reload = {.on_done = {take_reloaded, bench}};
	char why[PHONE_WHY_MAX];
	uint64_t id;

	(void)state;
	id = place_call(bench);
	wait_for(bench, is_call_up);
	bench->former = bench->stage.config;
	bench->stage.config = load(bench, &order);
	reload.config = bench->stage.config;
	assert_int_equal(phone_reload_begin(bench->stage.phone, &reload, why), 0);
	wait_for(bench, is_reloaded);
	assert_int_equal(connections(bench, 1), 1);
	wait_for(bench, has_no_stream);
	assert_true(is_registered(bench));
	phone_call_hang_up(bench->stage.phone, id);
	wait_for(bench, is_call_gone);
	assert_int_equal(connections(bench, 1), 1);
	assert_int_equal(bench->servers[0].byes, 1);
	bench_free(bench);
}

/* CALL-2 (part): strangers are not let in; what a server sends that can't be read ends its stream,
 * and nothing else. */
static void hostile_streams_are_dropped(void **state)
{
	struct bench *bench = bench_registered(&tcp);

	(void)state;
	connect_and_say(bench, 99, OPTIONS "Content-Length: 0\r\n\r\n");
	wait_for(bench, has_hung_up);
	assert_int_equal(bench->caller.length, 0);
	assert_int_equal(counter(bench, "refused"), 1);
	connect_and_say(bench, 1, OPTIONS "Content-Length: -1\r\n\r\n");
	wait_for(bench, has_hung_up);
	connect_and_say(bench, 1, OPTIONS "\r\n");
	wait_for(bench, has_hung_up);
	assert_int_equal(counter(bench, "broken_streams"), 2);
	assert_int_equal(counter(bench, "streams"), 1);
	assert_true(is_registered(bench));
	bench_free(bench);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_stream_for_all),
		cmocka_unit_test(tls_by_the_configured_name),
		cmocka_unit_test(wrong_certificate_fails_the_route),
		cmocka_unit_test(refused_connection_fails_the_route),
		cmocka_unit_test(silent_stream_is_left_after_its_window),
		cmocka_unit_test(lost_stream_loses_the_registration),
		cmocka_unit_test(idle_stream_is_closed_without_loss),
		cmocka_unit_test(waiting_stream_is_not_idle),
		cmocka_unit_test(answers_on_the_stream_of_the_request),
		cmocka_unit_test(undeliverable_answer_moves_nothing),
		cmocka_unit_test(persistent_stream_stays_and_answers_pings),
		cmocka_unit_test(pings_keep_no_stream),
		cmocka_unit_test(keep_alives_of_tcp_are_for_tls),
		cmocka_unit_test(keep_alives_go_on_the_stream),
		cmocka_unit_test(call_over_tls_outlives_a_reload),
		cmocka_unit_test(hostile_streams_are_dropped),
	};

	return cmocka_run_group_tests_name("phone/stream", tests, NULL, NULL);
}
