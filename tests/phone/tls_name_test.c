/* tls_name_test.c - whom a certificate must name: two domains on one address, several names of one
 * server, and redirections (RFC 5922 4).  Inside calls: tls_call_test.c. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/phone/stage.h"

enum { TEXT_MAX = 2048 };

/* A TLS server, and a UDP one that redirects everybody. */
struct bench {
	struct stage stage;
	struct net_udp *redirector;
	const char *target; /* where it sends them */
};

static bool is_line_in(const struct bench *bench, unsigned line, const char *state)
{
	json_t *status = phone_status(bench->stage.phone);
	const json_t *at = json_array_get(json_object_get(status, "lines"), line - 1);
	bool is = !strcmp(json_string_value(json_object_get(at, "state")), state);

	json_decref(status);
	return is;
}

static void wait_line(struct bench *bench, unsigned line, const char *state)
{
	stage_set_time(&bench->stage, STAGE_WAIT_MS);
	while (!is_line_in(bench, line, state))
		stage_step(&bench->stage);
}

/* Until so many streams are open at the server: it may hear of an end later than the phone. */
static void wait_streams(struct bench *bench, unsigned count)
{
	stage_set_time(&bench->stage, STAGE_WAIT_MS);
	while (lab_sipserver_counters(bench->stage.servers[0]).connections != count)
		stage_step(&bench->stage);
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
	char zone[TEXT_MAX] = "server.test. A 127.0.1.1\n";
	size_t used = strlen(zone);

	for (char name = 'a'; name <= 'c'; name++)
		used += (size_t)snprintf(zone + used, sizeof zone - used,
					 "_sips._tcp.%c.test. SRV 0 0 %u server.test.\n", name,
					 lab_sipserver_local(bench->stage.servers[0]).port);
	snprintf(zone + used, sizeof zone - used, "_sip._udp.r.test. SRV 0 0 %u server.test.\n",
		 net_udp_local(bench->redirector).port);
	stage_serve_names(&bench->stage, zone);
}

/* A phone with these LINES, which knows the names by now. */
static void create_phone(struct stage *stage, const char *lines)
{
	static const char *const names[] = {"phone.yaml"};
	char text[TEXT_MAX];

	snprintf(text, sizeof text, "lines:\n%s", lines);
	stage_write(stage, names[0], text);
	stage->config = stage_load(stage, names, 1);
	stage_create_phone(stage);
}

static struct bench *bench_new(const char *certificate_names, const char *lines)
{
	struct bench *bench = calloc(1, sizeof *bench);
	const struct stage_server server = {.transport = SIP_TLS, .names = certificate_names};
	const struct net_udp_config udp = {
		.local = stage_address(0), .on_datagram = redirect, .user = bench};

	assert_non_null(bench);
	stage_begin(&bench->stage);
	stage_open_server(&bench->stage, 0, &server);
	assert_int_equal(net_udp_open(&bench->redirector, bench->stage.loop, &udp), 0);
	open_dns(bench);
	create_phone(&bench->stage, lines);
	return bench;
}

static void bench_free(struct bench *bench)
{
	net_udp_close(bench->redirector);
	stage_end(&bench->stage);
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
	phone_start(bench->stage.phone);
	wait_line(bench, 1, "registered");
	wait_line(bench, 2, "backing off");
	wait_streams(bench, 1);
	assert_true(is_line_in(bench, 1, "registered"));
	bench_free(bench);
}

/* Trusted under both names: a stream for each. */
static void a_stream_for_each_name(void **state)
{
	struct bench *bench =
		bench_new("DNS:a.test, DNS:b.test",
			  LINE("a.test", "tls") LINE("b.test", "tls") LINE("A.test", "tls"));

	(void)state;
	phone_start(bench->stage.phone);
	for (unsigned line = 1; line <= 3; line++)
		wait_line(bench, line, "registered");
	wait_streams(bench, 2);
	bench_free(bench);
}

/* Of a server with several names each stands for its own addresses. */
static void the_name_that_led_there(void **state)
{
	struct bench *bench = bench_new(
		"DNS:b.test", "  - {user: alice, password: secret, domain: a.test, servers: "
			      "{name: a.test, more_names: [b.test], transport: tls}}\n");

	(void)state;
	phone_start(bench->stage.phone);
	wait_line(bench, 1, "registered");
	bench_free(bench);
}

/* A 3xx leads to a host over TLS: that is whom the certificate must name. */
static void a_redirection_names_its_host(void **state)
{
	struct bench *bench = bench_new("DNS:c.test", LINE("r.test", "udp"));

	(void)state;
	bench->target = "sip:c.test;transport=tls";
	phone_start(bench->stage.phone);
	wait_line(bench, 1, "registered");
	bench_free(bench);
}

static void a_redirection_to_another_is_not_trusted(void **state)
{
	struct bench *bench = bench_new("DNS:c.test", LINE("r.test", "udp"));

	(void)state;
	bench->target = "sip:b.test;transport=tls";
	phone_start(bench->stage.phone);
	wait_line(bench, 1, "backing off");
	assert_int_equal(lab_sipserver_counters(bench->stage.servers[0]).bindings, 0);
	bench_free(bench);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_address_two_domains),
		cmocka_unit_test(a_stream_for_each_name),
		cmocka_unit_test(the_name_that_led_there),
		cmocka_unit_test(a_redirection_names_its_host),
		cmocka_unit_test(a_redirection_to_another_is_not_trusted),
	};

	return cmocka_run_group_tests_name("phone/tls_name", tests, NULL, NULL);
}
