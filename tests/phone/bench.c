#include "tests/phone/bench.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "phone/log.h"

enum { TEXT_MAX = 4096 };

/* ---- the loop -------------------------------------------------------------------------------- */

static void ring(void *user)
{
	struct bench *bench = user;

	bench->late = true;
}

/* Runs the loop until CONDITION holds, or for WAIT_MS. */
static bool run(struct bench *bench, bool (*condition)(const struct bench *bench), unsigned wait_ms)
{
	bench->late = false;
	net_timer_set(bench->timer, net_now_ms() + wait_ms);
	while (!bench->late && !(condition && condition(bench)))
		assert_int_equal(net_loop_step(bench->loop), 0);
	net_timer_set(bench->timer, NET_NEVER);
	return condition && condition(bench);
}

void bench_wait(struct bench *bench, bool (*condition)(const struct bench *bench))
{
	if (!run(bench, condition, BENCH_WAIT_MS))
		fail_msg("it did not come in %d ms", BENCH_WAIT_MS);
}

void bench_settle(struct bench *bench, unsigned wait_ms)
{
	run(bench, NULL, wait_ms);
}

/* ---- peers ----------------------------------------------------------------------------------- */

static void take_datagram(void *user, const struct net_datagram *datagram)
{
	struct peer *peer = user;

	if (peer->deaf)
		return;
	if (datagram->length == 4 && !memcmp(datagram->bytes, "\r\n\r\n", 4)) {
		peer->keepalives++;
		return;
	}
	assert_true(peer->received < BENCH_INBOX_MAX);
	assert_int_equal(
		sip_message_parse(&peer->inbox[peer->received], datagram->bytes, datagram->length),
		0);
	peer->received++;
}

static void peer_open(struct peer *peer, struct bench *bench, uint8_t last)
{
	const struct net_udp_config config = {
		.local = {.ip = {[10] = 0xff, 0xff, 127, 0, 1, last}},
		.on_datagram = take_datagram,
		.user = peer,
	};

	peer->bench = bench;
	assert_int_equal(net_udp_open(&peer->udp, bench->loop, &config), 0);
}

void peer_move(struct peer *peer, uint8_t last)
{
	net_udp_close(peer->udp);
	peer_open(peer, peer->bench, last);
}

/* A repeat is the same bytes as a message before it. */
static bool is_repeat(const struct peer *peer, unsigned index)
{
	for (unsigned i = 0; i < index; i++)
		if (sip_span_equal(peer->inbox[i].received, peer->inbox[index].received))
			return true;
	return false;
}

/* The next message that is no repeat; NULL: none came yet. */
static const struct sip_message *peer_next(struct peer *peer)
{
	while (peer->taken < peer->received && is_repeat(peer, peer->taken))
		peer->taken++;
	return peer->taken < peer->received ? &peer->inbox[peer->taken++] : NULL;
}

static const struct sip_message *peer_await(struct peer *peer)
{
	const struct sip_message *message;
	uint64_t until = net_now_ms() + BENCH_WAIT_MS;

	while (!(message = peer_next(peer)) && net_now_ms() < until)
		run(peer->bench, NULL, 1);
	if (!message)
		fail_msg("nothing came in %d ms", BENCH_WAIT_MS);
	return message;
}

const struct sip_message *peer_next_request(struct peer *peer)
{
	const struct sip_message *message = peer_await(peer);

	assert_true(message->is_request);
	return message;
}

const struct sip_message *peer_expect(struct peer *peer, enum sip_method method)
{
	const struct sip_message *message = peer_next_request(peer);

	assert_string_equal(sip_method_name(message->method), sip_method_name(method));
	return message;
}

const struct sip_message *peer_expect_status(struct peer *peer, unsigned status)
{
	const struct sip_message *message = peer_await(peer);

	assert_false(message->is_request);
	assert_int_equal(message->status, status);
	return message;
}

bool peer_is_quiet(const struct peer *peer)
{
	for (unsigned i = peer->taken; i < peer->received; i++)
		if (!is_repeat(peer, i))
			return false;
	return true;
}

void peer_send(struct peer *peer, const char *text)
{
	const struct net_address here = net_udp_local(peer->udp);
	struct net_address to;

	assert_int_equal(phone_get_local(peer->bench->phone, &here, &to), 0);
	assert_int_equal(net_udp_send(peer->udp, &to, text, strlen(text)), 0);
}

void peer_answer(struct peer *peer, const struct sip_message *request, unsigned status,
		 const char *tag, const char *more)
{
	bool has_body = more && strstr(more, "\r\n\r\n");
	char text[TEXT_MAX];

	snprintf(text, sizeof text,
		 "SIP/2.0 %u %s\r\n"
		 "Via: %.*s\r\n"
		 "From: %.*s\r\n"
		 "To: %.*s%s%s\r\n"
		 "Call-ID: %.*s\r\n"
		 "CSeq: %u %.*s\r\n"
		 "%s%s",
		 status, sip_reason_phrase(status), SIP_SPAN(request->via.text),
		 SIP_SPAN(request->from.text), SIP_SPAN(request->to.text), tag ? ";tag=" : "",
		 tag ? tag : "", SIP_SPAN(request->call_id), request->cseq.number,
		 SIP_SPAN(request->cseq.method_name), more ? more : "", has_body ? "" : "\r\n");
	peer_send(peer, text);
}

const char *peer_contact(const struct peer *peer)
{
	static char text[128];
	const struct net_address local = net_udp_local(peer->udp);
	char address[NET_ADDRESS_TEXT_MAX];

	snprintf(text, sizeof text, "Contact: <sip:bob@%s>\r\n",
		 net_address_format(&local, address));
	return text;
}

void peer_request(struct peer *peer, const struct sip_message *invite, const char *tag,
		  const char *method, unsigned cseq, const char *more)
{
	bool has_body = more && strstr(more, "\r\n\r\n");
	const struct net_address local = net_udp_local(peer->udp);
	char address[NET_ADDRESS_TEXT_MAX], text[TEXT_MAX];

	snprintf(text, sizeof text,
		 "%s sip:alice@127.0.0.1 SIP/2.0\r\n"
		 "Via: SIP/2.0/UDP %s;branch=z9hG4bK%s%u;rport\r\n"
		 "From: <sip:bob@sip.test>;tag=%s\r\n"
		 "To: %.*s\r\n"
		 "Call-ID: %.*s\r\n"
		 "CSeq: %u %s\r\n"
		 "%s%s",
		 method, net_address_format(&local, address), method, cseq, tag,
		 SIP_SPAN(invite->from.text), SIP_SPAN(invite->call_id), cseq, method,
		 more ? more : "", has_body ? "" : "\r\n");
	peer_send(peer, text);
}

void peer_ask(struct peer *peer, const struct peer_request *request)
{
	bool has_body = request->more && strstr(request->more, "\r\n\r\n");
	const struct net_address local = net_udp_local(peer->udp);
	char address[NET_ADDRESS_TEXT_MAX], branch[128], text[TEXT_MAX];

	snprintf(branch, sizeof branch, "z9hG4bK%s%s%u", request->method, request->call_id,
		 request->cseq);
	snprintf(text, sizeof text,
		 "%s sip:alice@127.0.0.1 SIP/2.0\r\n"
		 "Via: SIP/2.0/UDP %s;branch=%s;rport\r\n"
		 "From: <sip:bob@sip.test>;tag=b\r\n"
		 "To: <sip:alice@sip.test>%s%s\r\n"
		 "Call-ID: %s\r\nCSeq: %u %s\r\n"
		 "Contact: <sip:bob@%s>\r\n%s%s",
		 request->method, net_address_format(&local, address),
		 request->branch ? request->branch : branch, request->tag ? ";tag=" : "",
		 request->tag ? request->tag : "", request->call_id, request->cseq, request->method,
		 address, request->more ? request->more : "", has_body ? "" : "\r\n");
	peer_send(peer, text);
}

void peer_ask_in_dialog(struct peer *peer, const char *method, const char *tag, unsigned cseq,
			const char *more)
{
	peer_ask(peer, &(struct peer_request){method, "c", NULL, tag, cseq, more});
}

/* ---- events ---------------------------------------------------------------------------------- */

void bench_take_event(void *user, const struct phone_call_event *event)
{
	struct bench *bench = user;

	if (bench->event_count == BENCH_EVENTS_MAX)
		return;
	bench->events[bench->event_count].type = event->type;
	bench->events[bench->event_count].status = event->status;
	bench->events[bench->event_count].was_up = event->was_up;
	bench->events[bench->event_count].id = event->id;
	snprintf(bench->events[bench->event_count].text, KL_TEXT_MAX, "%s", event->text);
	bench->event_count++;
}

/* ---- building it up -------------------------------------------------------------------------- */

static void open_dns(struct bench *bench)
{
	struct lab_dnsserver_config config = {
		.local = {.ip = {[10] = 0xff, 0xff, 127, 0, 1, 53}},
	};
	char zone[TEXT_MAX] =
		"$TTL 300\n"
		"naptr.test. NAPTR 10 20 \"s\" \"SIP+D2T\" \"\" _sip._tcp.none.test.\n"
		"naptr.test. NAPTR 10 10 \"s\" \"SIP+D2U\" \"\" _sip._udp.away.test.\n"
		"_sip._udp.none.test. SRV 0 0 0 .\n"
		"none.test. A 127.0.1.2\n";
	char why[128];
	size_t used = strlen(zone);

	for (unsigned i = 0; i < BENCH_PEERS; i++) {
		struct net_address at = net_udp_local(bench->peers[i].udp);
		char host[NET_ADDRESS_TEXT_MAX];

		used += (size_t)snprintf(zone + used, sizeof zone - used,
					 "_sip._udp.sip.test. SRV %u 0 %u server%u.sip.test.\n"
					 "server%u.sip.test. A %s\n",
					 10 * (i + 1), at.port, i + 1, i + 1,
					 net_address_format_host(&at, host));
	}
	snprintf(zone + used, sizeof zone - used,
		 "_sip._udp.away.test. SRV 0 0 %u server2.sip.test.\n",
		 net_udp_local(bench->peers[1].udp).port);
	bench->zone = lab_zone_parse(zone, "zone", why, sizeof why);
	assert_non_null(bench->zone);
	config.zone = bench->zone;
	assert_int_equal(lab_dnsserver_open(&bench->dns, bench->loop, &config), 0);
}

static FILE *open_file(char path[])
{
	FILE *file = fdopen(mkstemp(path), "w");

	assert_non_null(file);
	return file;
}

/* NATIVE: a native file beside it; NULL: there is none. */
static struct config *load_config(unsigned alice, const char *parameters, const char *native)
{
	char path[] = "/tmp/keepline-phone-test-XXXXXX", beside[] = "/tmp/keepline-native-XXXXXX";
	const char *files[] = {path, beside};
	const struct config_options options = {.files = files, .file_count = native ? 2 : 1};
	FILE *to = open_file(path);
	struct config *config;

	fprintf(to,
		"<polycomConfig reg.%u.address=\"alice\" reg.%u.auth.userId=\"alice\""
		" reg.%u.auth.password=\"secret\" reg.%u.server.1.address=\"sip.test\""
		" reg.%u.server.1.transport=\"UDPOnly\" reg.%u.server.1.retryTimeOut=\"100\""
		" reg.%u.server.1.retryMaxCount=\"2\" %s/>\n",
		alice, alice, alice, alice, alice, alice, alice, parameters);
	fclose(to);
	if (native) {
		to = open_file(beside);
		fputs(native, to);
		fclose(to);
	}
	assert_int_equal(config_load(&options, &config), 0);
	assert_int_equal(config->diagnostic_count, 0);
	unlink(path);
	if (native)
		unlink(beside);
	return config;
}

struct bench *bench_new_beside(const char *parameters, const char *native)
{
	struct bench *bench = calloc(1, sizeof *bench);
	struct phone_config config = {.bind = {.ip = {[10] = 0xff, 0xff, 127, 0, 0, 1}}};
	char why[PHONE_WHY_MAX];

	sip_init();
	phone_log_set_level(PHONE_LOG_NOTHING);
	assert_int_equal(net_loop_create(&bench->loop), 0);
	assert_int_equal(
		net_timer_create(&bench->timer, bench->loop, (struct net_callback){ring, bench}),
		0);
	for (uint8_t i = 0; i < BENCH_PEERS; i++)
		peer_open(&bench->peers[i], bench, (uint8_t)(i + 1));
	open_dns(bench);
	bench->config = load_config(1, parameters, native);
	net_resolver_config_init(&config.resolver);
	config.resolver.servers[config.resolver.server_count++] = lab_dnsserver_local(bench->dns);
	config.loop = bench->loop;
	config.config = bench->config;
	config.on_call = bench_take_event;
	config.user = bench;
	assert_int_equal(phone_create(&bench->phone, &config, why), 0);
	return bench;
}

static bool is_registered(const struct bench *bench)
{
	json_t *status = phone_status(bench->phone);
	json_t *line = json_array_get(json_object_get(status, "lines"), 0);
	bool registered = !strcmp(json_string_value(json_object_get(line, "state")), "registered");

	json_decref(status);
	return registered;
}

static struct bench *register_line(struct bench *bench)
{
	const struct sip_message *request;

	phone_start(bench->phone);
	request = peer_expect(&bench->peers[0], SIP_REGISTER);
	peer_answer(&bench->peers[0], request, 200, "r", "Expires: 3600\r\n");
	bench_wait(bench, is_registered);
	return bench;
}

struct bench *bench_new(const char *parameters)
{
	return bench_new_beside(parameters, NULL);
}

struct bench *bench_registered(const char *parameters)
{
	return bench_registered_beside(parameters, NULL);
}

struct bench *bench_registered_beside(const char *parameters, const char *native)
{
	return register_line(bench_new_beside(parameters, native));
}

struct bench *bench_with_calls(const char *parameters, const char *calls)
{
	char native[TEXT_MAX];

	snprintf(native, sizeof native, "lines:\n  - line: 1\n    calls: {%s}\n", calls);
	return bench_registered_beside(parameters, native);
}

void bench_free(struct bench *bench)
{
	phone_free(bench->phone);
	config_free(bench->next);
	config_free(bench->config);
	for (unsigned i = 0; i < BENCH_PEERS; i++) {
		for (unsigned j = 0; j < bench->peers[i].received; j++)
			sip_message_clear(&bench->peers[i].inbox[j]);
		if (bench->peers[i].udp)
			net_udp_close(bench->peers[i].udp);
	}
	lab_dnsserver_close(bench->dns);
	lab_zone_free(bench->zone);
	net_timer_free(bench->timer);
	net_loop_free(bench->loop);
	free(bench);
}

/* ---- reloads --------------------------------------------------------------------------------- */

static void take_reloaded(void *user)
{
	struct bench *bench = user;

	config_free(bench->config);
	bench->config = bench->next;
	bench->next = NULL;
}

void bench_begin_reload(struct bench *bench, unsigned alice, const char *parameters,
			unsigned wait_ms)
{
	bench_begin_reload_beside(bench, &(struct bench_files){alice, parameters, NULL}, wait_ms);
}

void bench_begin_reload_beside(struct bench *bench, const struct bench_files *files,
			       unsigned wait_ms)
{
	struct phone_reload_order order = {.leave_max_ms = wait_ms,
					   .on_done = {take_reloaded, bench}};
	char why[PHONE_WHY_MAX];

	order.config = bench->next = load_config(files->alice, files->parameters, files->native);
	assert_int_equal(phone_reload_begin(bench->phone, &order, why), 0);
}

static bool is_reloaded(const struct bench *bench)
{
	return !bench->next;
}

void bench_end_reload(struct bench *bench)
{
	bench_wait(bench, is_reloaded);
}

/* ---- calls ----------------------------------------------------------------------------------- */

uint64_t bench_call(struct bench *bench)
{
	const struct phone_call_order order = {
		.target = "sip:bob@sip.test", .on_event = bench_take_event, .user = bench};
	char why[PHONE_WHY_MAX];
	uint64_t id;

	assert_int_equal(phone_call_place(bench->phone, &order, &id, why), 0);
	return id;
}

bool bench_has_event(const struct bench *bench, enum phone_call_event_type type)
{
	for (unsigned i = 0; i < bench->event_count; i++)
		if (bench->events[i].type == type)
			return true;
	return false;
}

bool bench_rings(const struct bench *bench)
{
	return bench_has_event(bench, PHONE_CALL_INCOMING);
}

bool bench_is_up(const struct bench *bench)
{
	return bench_has_event(bench, PHONE_CALL_UP);
}

bool bench_is_held(const struct bench *bench)
{
	return bench_has_event(bench, PHONE_CALL_HELD);
}

bool bench_is_over(const struct bench *bench)
{
	return bench_has_event(bench, PHONE_CALL_OVER);
}

uint64_t bench_wait_ringing(struct bench *bench)
{
	bench_wait(bench, bench_rings);
	return bench->events[bench_event(bench, PHONE_CALL_INCOMING)].id;
}

unsigned bench_event(const struct bench *bench, enum phone_call_event_type type)
{
	for (unsigned i = bench->event_count; i-- > 0;)
		if (bench->events[i].type == type)
			return i;
	fail_msg("no such event");
	return 0;
}

/* ---- looking --------------------------------------------------------------------------------- */

/* Text of what stands at a path; a number as digits. */
static const char *status_at(struct bench *bench, const char *path, long long *number)
{
	static char text[KL_TEXT_MAX];
	json_t *status = phone_status(bench->phone);
	const json_t *at = status;
	char copy[128], *part, *rest = copy;

	snprintf(copy, sizeof copy, "%s", path);
	while ((part = strsep(&rest, ".")))
		at = json_is_array(at) ? json_array_get(at, (size_t)atoi(part))
				       : json_object_get(at, part);
	assert_non_null(at);
	*number = json_is_true(at) ? 1 : json_integer_value(at);
	snprintf(text, sizeof text, "%s", json_is_string(at) ? json_string_value(at) : "");
	json_decref(status);
	return text;
}

const char *bench_status(struct bench *bench, const char *path)
{
	long long number;

	return status_at(bench, path, &number);
}

long long bench_status_number(struct bench *bench, const char *path)
{
	long long number;

	status_at(bench, path, &number);
	return number;
}

struct sip_span header_of(const struct sip_message *message, enum sip_header_id id)
{
	const struct sip_header *header = sip_message_header(message, id, 0);

	if (!header)
		fail_msg("no %s", sip_header_name(id));
	return header->value;
}

bool has_header(const struct sip_message *message, enum sip_header_id id)
{
	return sip_message_header(message, id, 0);
}

void assert_span(struct sip_span span, const char *text)
{
	char copy[TEXT_MAX];

	assert_int_equal(sip_span_copy(span, copy, sizeof copy), 0);
	assert_string_equal(copy, text);
}

bool span_contains(struct sip_span span, const char *text)
{
	return memmem(span.at, span.length, text, strlen(text));
}

const char *text_of(struct sip_span span, char buffer[256])
{
	assert_int_equal(sip_span_copy(span, buffer, 256), 0);
	return buffer;
}
