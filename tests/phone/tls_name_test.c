/* tls_name_test.c - whom a certificate must name: two domains on one address, several names of one
 * server, and redirections (RFC 5922 4). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "lab/certificate.h"
#include "lab/dnsserver.h"
#include "lab/sipserver.h"
#include "phone/log.h"
#include "phone/phone.h"
#include "phone/status.h"

enum { WAIT_MS = 20000, TEXT_MAX = 2048, PATH_SIZE = 128 };

/* A TLS server, and a UDP one that redirects everybody. */
struct bench {
	struct net_loop *loop;
	struct net_timer *timer;
	bool late;
	char folder[64];
	struct lab_authority *authority;
	struct net_tls *tls;
	struct lab_sipserver *server;
	struct net_udp *redirector;
	const char *target; /* where it sends them */
	struct lab_zone *zone;
	struct lab_dnsserver *dns;
	struct config *config;
	struct phone *phone;
};

static const struct net_address loopback = {.ip = {[10] = 0xff, 0xff, 127, 0, 1, 1}};

static void ring(void *user)
{
	struct bench *bench = user;

	bench->late = true;
}

static bool is_line_in(const struct bench *bench, unsigned line, const char *state)
{
	json_t *status = phone_status(bench->phone);
	const json_t *at = json_array_get(json_object_get(status, "lines"), line - 1);
	bool is = !strcmp(json_string_value(json_object_get(at, "state")), state);

	json_decref(status);
	return is;
}

static void wait_line(struct bench *bench, unsigned line, const char *state)
{
	bench->late = false;
	net_timer_set(bench->timer, net_now_ms() + WAIT_MS);
	while (!is_line_in(bench, line, state)) {
		assert_int_equal(net_loop_step(bench->loop), 0);
		if (bench->late)
			fail_msg("line %u was not %s in %d ms", line, state, WAIT_MS);
	}
	net_timer_set(bench->timer, NET_NEVER);
}

static const char *path_in(const struct bench *bench, const char *name, char to[PATH_SIZE])
{
	snprintf(to, PATH_SIZE, "%s/%s", bench->folder, name);
	return to;
}

static void open_server(struct bench *bench, const char *names)
{
	const struct lab_certificate wanted = {.names = names};
	char path[PATH_SIZE], why[256];
	const struct net_tls_config tls = {.certificate_file = path_in(bench, "1.pem", path)};
	struct lab_sipserver_config config = {
		.local = loopback,
		.transport = SIP_TLS,
		.registrar = {.realm = "test", .username = "alice", .password = "secret"},
	};

	assert_int_equal(lab_authority_issue(bench->authority, &wanted, path), 0);
	assert_int_equal(net_tls_create(&bench->tls, &tls, why, sizeof why), 0);
	config.tls = bench->tls;
	assert_int_equal(lab_sipserver_open(&bench->server, bench->loop, &config), 0);
}

static void redirect(void *user, const struct net_datagram *datagram)
{
	const struct bench *bench = user;
	struct sip_message request;
	char text[TEXT_MAX];
	int length;

	assert_int_equal(sip_message_parse(&request, datagram->bytes, datagram->length), 0);
	length = snprintf(
		text, sizeof text,
		"SIP/2.0 302 Moved Temporarily\r\nVia: %.*s\r\nFrom: %.*s\r\n"
		"To: %.*s;tag=t\r\nCall-ID: %.*s\r\nCSeq: %u %.*s\r\nContact: <%s>\r\n\r\n",
		SIP_SPAN(request.via.text), SIP_SPAN(request.from.text), SIP_SPAN(request.to.text),
		SIP_SPAN(request.call_id), request.cseq.number, SIP_SPAN(request.cseq.method_name),
		bench->target);
	assert_int_equal(net_udp_send(bench->redirector, &datagram->source, text, (size_t)length),
			 0);
	sip_message_clear(&request);
}

/* a.test, b.test and c.test are the TLS server, r.test redirects. */
static void open_dns(struct bench *bench)
{
	struct lab_dnsserver_config config = {
		.local = {.ip = {[10] = 0xff, 0xff, 127, 0, 1, 53}},
	};
	char zone[TEXT_MAX] = "$TTL 300\nserver.test. A 127.0.1.1\n", why[128];
	size_t used = strlen(zone);

	for (char name = 'a'; name <= 'c'; name++)
		used += (size_t)snprintf(zone + used, sizeof zone - used,
					 "_sips._tcp.%c.test. SRV 0 0 %u server.test.\n", name,
					 lab_sipserver_local(bench->server).port);
	snprintf(zone + used, sizeof zone - used, "_sip._udp.r.test. SRV 0 0 %u server.test.\n",
		 net_udp_local(bench->redirector).port);
	bench->zone = lab_zone_parse(zone, "zone", why, sizeof why);
	assert_non_null(bench->zone);
	config.zone = bench->zone;
	assert_int_equal(lab_dnsserver_open(&bench->dns, bench->loop, &config), 0);
}

static void load_config(struct bench *bench, const char *lines)
{
	char path[PATH_SIZE];
	const char *files[] = {path_in(bench, "phone.yaml", path)};
	const struct config_options options = {.files = files, .file_count = 1};
	FILE *to = fopen(path, "w");

	assert_non_null(to);
	fprintf(to, "lines:\n%s", lines);
	assert_int_equal(fchmod(fileno(to), 0600), 0);
	fclose(to);
	assert_int_equal(config_load(&options, &bench->config), 0);
	assert_int_equal(bench->config->error_count, 0);
}

static struct bench *bench_new(const char *certificate_names, const char *lines)
{
	struct bench *bench = calloc(1, sizeof *bench);
	struct phone_config config = {.bind = {.ip = {[10] = 0xff, 0xff, 127, 0, 0, 1}}};
	struct net_udp_config udp = {.local = loopback, .on_datagram = redirect};
	char ca[PATH_SIZE], why[PHONE_WHY_MAX];

	assert_non_null(bench);
	sip_init();
	phone_log_set_level(PHONE_LOG_NOTHING);
	strcpy(bench->folder, "/tmp/keepline-tls-test-XXXXXX");
	assert_non_null(mkdtemp(bench->folder));
	assert_int_equal(net_loop_create(&bench->loop), 0);
	assert_int_equal(
		net_timer_create(&bench->timer, bench->loop, (struct net_callback){ring, bench}),
		0);
	assert_int_equal(lab_authority_create(&bench->authority), 0);
	assert_int_equal(lab_authority_write(bench->authority, path_in(bench, "ca.pem", ca)), 0);
	open_server(bench, certificate_names);
	udp.user = bench;
	assert_int_equal(net_udp_open(&bench->redirector, bench->loop, &udp), 0);
	open_dns(bench);
	load_config(bench, lines);
	net_resolver_config_init(&config.resolver);
	config.resolver.servers[config.resolver.server_count++] = lab_dnsserver_local(bench->dns);
	config.loop = bench->loop;
	config.config = bench->config;
	config.tls.ca_file = ca;
	assert_int_equal(phone_create(&bench->phone, &config, why), 0);
	return bench;
}

static void bench_free(struct bench *bench)
{
	static const char *const files[] = {"ca.pem", "1.pem", "phone.yaml"};
	char path[PATH_SIZE];

	phone_free(bench->phone);
	config_free(bench->config);
	lab_sipserver_close(bench->server);
	net_tls_free(bench->tls);
	net_udp_close(bench->redirector);
	lab_dnsserver_close(bench->dns);
	lab_zone_free(bench->zone);
	lab_authority_free(bench->authority);
	net_timer_free(bench->timer);
	net_loop_free(bench->loop);
	for (size_t i = 0; i < sizeof files / sizeof *files; i++)
		unlink(path_in(bench, files[i], path));
	rmdir(bench->folder);
	free(bench);
}

#define LINE(domain, transport)                                                                    \
	"  - {user: alice, password: secret, domain: " domain ", servers: {name: " domain          \
	", transport: " transport "}}\n"

/* Line 1 trusts the server, line 2 does not: neither its refusals nor its streams touch the first.
 */
static void one_address_two_domains(void **state)
{
	struct bench *bench = bench_new("DNS:a.test", LINE("a.test", "tls") LINE("b.test", "tls"));

	(void)state;
	phone_start(bench->phone);
	wait_line(bench, 1, "registered");
	wait_line(bench, 2, "backing off");
	assert_true(is_line_in(bench, 1, "registered"));
	assert_int_equal(lab_sipserver_counters(bench->server).connections, 1);
	bench_free(bench);
}

/* Trusted under both names: a stream for each. */
static void a_stream_for_each_name(void **state)
{
	struct bench *bench =
		bench_new("DNS:a.test, DNS:b.test",
			  LINE("a.test", "tls") LINE("b.test", "tls") LINE("A.test", "tls"));

	(void)state;
	phone_start(bench->phone);
	for (unsigned line = 1; line <= 3; line++)
		wait_line(bench, line, "registered");
	assert_int_equal(lab_sipserver_counters(bench->server).connections, 2);
	bench_free(bench);
}

/* Of a server with several names each stands for its own addresses. */
static void the_name_that_led_there(void **state)
{
	struct bench *bench = bench_new(
		"DNS:b.test", "  - {user: alice, password: secret, domain: a.test, servers: "
			      "{name: a.test, more_names: [b.test], transport: tls}}\n");

	(void)state;
	phone_start(bench->phone);
	wait_line(bench, 1, "registered");
	bench_free(bench);
}

static void note_event(void *user, const struct phone_call_event *event)
{
	bool *up = user;

	*up |= event->type == PHONE_CALL_UP;
}

static void wait_calls(struct bench *bench, const bool *up, unsigned calls)
{
	bench->late = false;
	net_timer_set(bench->timer, net_now_ms() + WAIT_MS);
	while (!*up || lab_sipserver_counters(bench->server).calls != calls) {
		assert_int_equal(net_loop_step(bench->loop), 0);
		if (bench->late)
			fail_msg("the server did not have %u calls in %d ms", calls, WAIT_MS);
	}
	net_timer_set(bench->timer, NET_NEVER);
}

/* FAIL-18 (part): what is said inside a call goes under the name that led to the server, so that it
 * takes the stream that is there. */
static void a_call_stays_under_its_name(void **state)
{
	struct bench *bench = bench_new(
		"DNS:b.test", "  - {user: alice, password: secret, domain: a.test, servers: "
			      "{name: a.test, more_names: [b.test], transport: tls}}\n");
	bool up = false;
	const struct phone_call_order order = {
		.target = "sip:echo@b.test", .on_event = note_event, .user = &up};
	char why[PHONE_WHY_MAX];
	unsigned connections;
	uint64_t id;

	(void)state;
	phone_start(bench->phone);
	wait_line(bench, 1, "registered");
	connections = lab_sipserver_counters(bench->server).connections;
	assert_int_equal(phone_call_place(bench->phone, &order, &id, why), 0);
	wait_calls(bench, &up, 1);
	phone_call_hang_up(bench->phone, id);
	wait_calls(bench, &up, 0);
	assert_int_equal(lab_sipserver_counters(bench->server).connections, connections);
	bench_free(bench);
}

/* A 3xx leads to a host over TLS: that is whom the certificate must name. */
static void a_redirection_names_its_host(void **state)
{
	struct bench *bench = bench_new("DNS:c.test", LINE("r.test", "udp"));

	(void)state;
	bench->target = "sip:c.test;transport=tls";
	phone_start(bench->phone);
	wait_line(bench, 1, "registered");
	bench_free(bench);
}

static void a_redirection_to_another_is_not_trusted(void **state)
{
	struct bench *bench = bench_new("DNS:c.test", LINE("r.test", "udp"));

	(void)state;
	bench->target = "sip:b.test;transport=tls";
	phone_start(bench->phone);
	wait_line(bench, 1, "backing off");
	assert_int_equal(lab_sipserver_counters(bench->server).bindings, 0);
	bench_free(bench);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_address_two_domains),
		cmocka_unit_test(a_stream_for_each_name),
		cmocka_unit_test(the_name_that_led_there),
		cmocka_unit_test(a_call_stays_under_its_name),
		cmocka_unit_test(a_redirection_names_its_host),
		cmocka_unit_test(a_redirection_to_another_is_not_trusted),
	};

	return cmocka_run_group_tests_name("phone/tls_name", tests, NULL, NULL);
}
