/* tls_test.c - whom a TLS stream trusts (RFC 5922), with certificates made here. */
#include "net/tls.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lab/certificate.h"
#include "net/stream.h"
#include "tests/net/support.h"

enum { PATH_MAX_HERE = 128 };

/* A server and a client in one loop, and what became of the client's connection. */
struct bench {
	struct net_loop *loop;
	struct lab_authority *authority, *stranger;
	char folder[64];
	char ca[PATH_MAX_HERE], foreign_ca[PATH_MAX_HERE];
	struct net_listener *listener;
	struct net_tls *server_tls;
	struct net_stream *server, *client;
	int server_fd;
	unsigned opened, ended, heard;
	enum net_stream_end end;
	char why[256];
};

static const char *path_in(const struct bench *bench, const char *name, char to[PATH_MAX_HERE])
{
	snprintf(to, PATH_MAX_HERE, "%s/%s", bench->folder, name);
	return to;
}

static void issue(const struct bench *bench, const struct lab_certificate *wanted, const char *name)
{
	char path[PATH_MAX_HERE];

	assert_int_equal(lab_authority_issue(bench->authority, wanted, path_in(bench, name, path)),
			 0);
}

static int set_up(void **state)
{
	struct bench *bench = calloc(1, sizeof *bench);

	assert_non_null(bench);
	strcpy(bench->folder, "/tmp/keepline-tls-test-XXXXXX");
	assert_non_null(mkdtemp(bench->folder));
	assert_int_equal(net_loop_create(&bench->loop), 0);
	assert_int_equal(lab_authority_create(&bench->authority), 0);
	assert_int_equal(lab_authority_create(&bench->stranger), 0);
	path_in(bench, "ca.pem", bench->ca);
	path_in(bench, "foreign.pem", bench->foreign_ca);
	assert_int_equal(lab_authority_write(bench->authority, bench->ca), 0);
	assert_int_equal(lab_authority_write(bench->stranger, bench->foreign_ca), 0);
	*state = bench;
	return 0;
}

static int tear_down(void **state)
{
	static const char *const files[] = {"ca.pem", "foreign.pem", "server.pem", "client.pem"};
	struct bench *bench = *state;
	char path[PATH_MAX_HERE];

	for (size_t i = 0; i < sizeof files / sizeof *files; i++)
		unlink(path_in(bench, files[i], path));
	rmdir(bench->folder);
	lab_authority_free(bench->authority);
	lab_authority_free(bench->stranger);
	net_loop_free(bench->loop);
	free(bench);
	return 0;
}

/* ---- both ends ---- */

static size_t drain(void *user, const uint8_t *bytes, size_t length)
{
	(void)user;
	(void)bytes;
	return length;
}

/* The server greets whom it let in: with TLS 1.3 a client learns only so that it was. */
static void greet(void *user)
{
	struct bench *bench = user;

	assert_int_equal(net_stream_write(bench->server, "hello", 5), 0);
}

static void forget_server(void *user, const struct net_stream_ending *ending)
{
	(void)user;
	(void)ending;
}

static void take_arrival(void *user, const struct net_arrival *arrival)
{
	struct bench *bench = user;
	const struct net_stream_config config = {
		.remote = arrival->source,
		.tls = bench->server_tls,
		.unread_max = 1024,
		.unsent_max = 1024,
		.on_open = greet,
		.on_bytes = drain,
		.on_end = forget_server,
		.user = bench,
	};

	bench->server_fd = arrival->fd;
	assert_int_equal(net_stream_accept(&bench->server, bench->loop, &config, arrival->fd), 0);
}

static void note_open(void *user)
{
	struct bench *bench = user;

	bench->opened++;
}

static size_t note_bytes(void *user, const uint8_t *bytes, size_t length)
{
	struct bench *bench = user;

	(void)bytes;
	bench->heard++;
	bench->ended++;
	return length;
}

static void note_end(void *user, const struct net_stream_ending *ending)
{
	struct bench *bench = user;

	bench->ended++;
	bench->end = ending->end;
	snprintf(bench->why, sizeof bench->why, "%s", ending->why);
}

/* Connects with these contexts, wanting NAME, until it was greeted or knows why not. */
static struct net_tls *begin(struct bench *bench, const struct net_tls_config *client,
			     const char *name)
{
	struct net_tls *tls;
	struct net_listener_config listener = {
		.local = address_of("127.0.0.1"), .on_arrival = take_arrival, .user = bench};
	struct net_stream_config config = {
		.local = address_of("0.0.0.0"),
		.tls_name = name,
		.unread_max = 1024,
		.unsent_max = 1024,
		.on_open = note_open,
		.on_bytes = note_bytes,
		.on_end = note_end,
		.user = bench,
	};
	char why[256] = "";

	bench->ended = bench->heard = bench->opened = 0;
	assert_int_equal(net_tls_create(&tls, client, why, sizeof why), 0);
	assert_int_equal(net_listener_open(&bench->listener, bench->loop, &listener), 0);
	config.remote = net_listener_local(bench->listener);
	config.tls = tls;
	assert_int_equal(net_stream_open(&bench->client, bench->loop, &config), 0);
	wait_for(bench->loop, &bench->ended, 1);
	return tls;
}

static void finish(struct bench *bench, struct net_tls *tls)
{
	net_stream_close(bench->client);
	net_stream_close(bench->server);
	net_listener_close(bench->listener);
	bench->server = NULL;
	net_tls_free(tls);
}

/* Returns NULL if it was greeted, else why not. */
static const char *connect_with(struct bench *bench, const struct net_tls_config *client,
				const char *name)
{
	finish(bench, begin(bench, client, name));
	if (bench->heard)
		return NULL;
	assert_int_equal(bench->end, NET_STREAM_INSECURE);
	return bench->why;
}

/* A server that shows a certificate of this kind. */
static void serve(struct bench *bench, const struct lab_certificate *shown, bool ask_client)
{
	char path[PATH_MAX_HERE], why[256] = "";
	const struct net_tls_config config = {
		.ca_file = bench->ca,
		.certificate_file = path_in(bench, "server.pem", path),
		.ask_client = ask_client,
	};

	issue(bench, shown, "server.pem");
	net_tls_free(bench->server_tls);
	bench->server_tls = NULL;
	assert_int_equal(net_tls_create(&bench->server_tls, &config, why, sizeof why), 0);
}

static void stop(struct bench *bench)
{
	net_tls_free(bench->server_tls);
	bench->server_tls = NULL;
}

/* Does a client that trusts the authority take NAMES for NAME? */
static bool is_taken(struct bench *bench, const char *names, const char *name, bool wildcards)
{
	const struct net_tls_config config = {.ca_file = bench->ca, .wildcards = wildcards};
	const char *why;

	serve(bench, &(struct lab_certificate){.names = names}, false);
	why = connect_with(bench, &config, name);
	if (why)
		assert_true(strstr(why, "mismatch"));
	return !why;
}

/* ---- tests ---- */

/* RFC 5922 7.1: URIs before DNS names; no URI but that of a domain. */
static void names_of_a_domain(void **state)
{
	struct bench *bench = *state;

	assert_true(is_taken(bench, "URI:sip:example.com", "example.com", false));
	assert_true(is_taken(bench, "URI:sip:Example.COM,DNS:x.org", "example.com", false));
	assert_true(is_taken(bench, "DNS:example.com", "EXAMPLE.com", false));
	assert_true(is_taken(bench, "URI:https://x.org,DNS:example.com", "example.com", false));
	assert_false(is_taken(bench, "URI:sip:x.org,DNS:example.com", "example.com", false));
	assert_false(is_taken(bench, "URI:sip:bob@example.com", "example.com", false));
	assert_false(is_taken(bench, "URI:sip:example.com.x.org", "example.com", false));
	assert_false(is_taken(bench, "DNS:sbc.example.com", "example.com", false));
	stop(bench);
}

/* RFC 5922 7.2: no wildcards, unless a setting allows them. */
static void wildcards_are_a_setting(void **state)
{
	struct bench *bench = *state;

	assert_false(is_taken(bench, "DNS:*.example.com", "sbc.example.com", false));
	assert_true(is_taken(bench, "DNS:*.example.com", "sbc.example.com", true));
	assert_false(is_taken(bench, "DNS:*.example.com", "example.com", true));
	stop(bench);
}

static void addresses(void **state)
{
	struct bench *bench = *state;

	assert_true(is_taken(bench, "IP:127.0.0.1", "127.0.0.1", false));
	assert_true(is_taken(bench, "IP:2001:db8::1", "2001:db8:0::1", false));
	assert_false(is_taken(bench, "IP:127.0.0.2", "127.0.0.1", false));
	assert_false(is_taken(bench, "DNS:127.0.0.1", "127.0.0.1", false));
	stop(bench);
}

/* TRIG-4: each failure has its words. */
static void certificates_that_nobody_trusts(void **state)
{
	struct bench *bench = *state;
	const struct net_tls_config trusting = {.ca_file = bench->ca};
	const struct net_tls_config foreign = {.ca_file = bench->foreign_ca};
	const struct net_tls_config blind = {.unverified = true};
	const struct net_tls_config system = {.ca_file = NULL};

	serve(bench, &(struct lab_certificate){.names = "DNS:a.test", .expired = true}, false);
	assert_string_equal(connect_with(bench, &trusting, "a.test"), "certificate has expired");
	assert_null(connect_with(bench, &blind, "a.test"));
	serve(bench, &(struct lab_certificate){.names = "DNS:a.test", .self_signed = true}, false);
	assert_true(strstr(connect_with(bench, &trusting, "a.test"), "self-signed"));
	serve(bench, &(struct lab_certificate){.names = "DNS:a.test"}, false);
	assert_true(strstr(connect_with(bench, &foreign, "a.test"), "signature"));
	assert_true(strstr(connect_with(bench, &system, "a.test"), "self-signed"));
	assert_null(connect_with(bench, &trusting, "a.test"));
	assert_string_equal(connect_with(bench, &trusting, "b.test"), "hostname mismatch");
	assert_null(connect_with(bench, &blind, "b.test"));
	stop(bench);
}

static void a_server_may_want_a_certificate(void **state)
{
	struct bench *bench = *state;
	char path[PATH_MAX_HERE];
	struct net_tls_config client = {.ca_file = bench->ca};

	serve(bench, &(struct lab_certificate){.names = "DNS:a.test"}, true);
	assert_true(strstr(connect_with(bench, &client, "a.test"), "certificate required"));
	client.certificate_file = path_in(bench, "client.pem", path);
	issue(bench, &(struct lab_certificate){.names = "URI:sip:phone.test"}, "client.pem");
	assert_null(connect_with(bench, &client, "a.test"));
	issue(bench, &(struct lab_certificate){.names = "URI:sip:p", .self_signed = true},
	      "client.pem");
	assert_non_null(connect_with(bench, &client, "a.test"));
	stop(bench);
}

/* TRIG-6: what breaks once it is open is no matter of trust. */
static void a_reset_is_no_certificate_failure(void **state)
{
	struct bench *bench = *state;
	const struct net_tls_config client = {.ca_file = bench->ca};
	const struct sockaddr nobody = {.sa_family = AF_UNSPEC};
	struct net_tls *tls;

	serve(bench, &(struct lab_certificate){.names = "DNS:a.test"}, false);
	tls = begin(bench, &client, "a.test");
	assert_int_equal(bench->heard, 1);
	assert_int_equal(connect(bench->server_fd, &nobody, sizeof nobody), 0); /* sends RST */
	wait_for(bench->loop, &bench->ended, 2);
	assert_int_equal(bench->end, NET_STREAM_RESET);
	assert_string_equal(bench->why, "Connection reset by peer");
	finish(bench, tls);
	stop(bench);
}

/* Nor is an end without TLS's good-bye: a message tells its length. */
static void an_end_without_good_bye(void **state)
{
	struct bench *bench = *state;
	const struct net_tls_config client = {.ca_file = bench->ca};
	struct net_tls *tls;

	serve(bench, &(struct lab_certificate){.names = "DNS:a.test"}, false);
	tls = begin(bench, &client, "a.test");
	assert_int_equal(shutdown(bench->server_fd, SHUT_WR), 0);
	wait_for(bench->loop, &bench->ended, 2);
	assert_int_equal(bench->end, NET_STREAM_CLOSED);
	finish(bench, tls);
	stop(bench);
}

static void files_that_are_none(void **state)
{
	const struct bench *bench = *state;
	const struct net_tls_config absent = {.ca_file = "/nowhere/ca.pem"};
	const struct net_tls_config keyless = {.certificate_file = bench->ca};
	struct net_tls *tls = NULL;
	char why[256];

	assert_true(net_tls_create(&tls, &absent, why, sizeof why) < 0);
	assert_true(strstr(why, "/nowhere/ca.pem"));
	assert_true(net_tls_create(&tls, &keyless, why, sizeof why) < 0);
	assert_true(strstr(why, "the key in"));
	assert_null(tls);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_of_a_domain),
		cmocka_unit_test(wildcards_are_a_setting),
		cmocka_unit_test(addresses),
		cmocka_unit_test(certificates_that_nobody_trusts),
		cmocka_unit_test(a_server_may_want_a_certificate),
		cmocka_unit_test(a_reset_is_no_certificate_failure),
		cmocka_unit_test(an_end_without_good_bye),
		cmocka_unit_test(files_that_are_none),
	};

	return cmocka_run_group_tests_name("net/tls", tests, set_up, tear_down);
}
