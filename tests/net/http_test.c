/* http_test.c - the small HTTP server, as a client on the wire sees it. */
#include "net/http.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "net/stream.h"
#include "tests/net/support.h"

enum { LONG = 64 << 10 };

struct bench {
	struct net_loop *loop;
	struct net_http *http;
	unsigned seen;
	char said[4096];
	size_t length;
	unsigned ended;
};

/* Says what it understood. */
static void take_request(void *user, struct net_http_request *request)
{
	struct bench *bench = user;
	const char *n = net_http_query(request, "n"), *host = net_http_header(request, "Host");
	char body[512];

	bench->seen++;
	snprintf(body, sizeof body, "%s %s n=%s host=%s body=%.100s",
		 net_http_is_post(request) ? "POST" : "GET", net_http_path(request), n ? n : "none",
		 host ? host : "none", net_http_body(request));
	net_http_answer(request, &(struct net_http_reply){200, "text/plain", body, strlen(body)});
}

static size_t take_bytes(void *user, const uint8_t *bytes, size_t length)
{
	struct bench *bench = user;
	size_t room = sizeof bench->said - 1 - bench->length;

	if (length < room)
		room = length;
	memcpy(bench->said + bench->length, bytes, room);
	bench->length += room;
	bench->said[bench->length] = '\0';
	return length;
}

static void take_end(void *user, const struct net_stream_ending *ending)
{
	struct bench *bench = user;

	(void)ending;
	bench->ended++;
}

static struct bench *bench_new(void)
{
	struct bench *bench = calloc(1, sizeof *bench);
	struct net_http_config config = {.on_request = take_request, .user = bench};

	assert_int_equal(net_loop_create(&bench->loop), 0);
	assert_int_equal(net_address_parse(&config.local, "127.0.0.1", 0), 0);
	assert_int_equal(net_http_open(&bench->http, bench->loop, &config), 0);
	return bench;
}

static void bench_free(struct bench *bench)
{
	net_http_close(bench->http);
	net_loop_free(bench->loop);
	free(bench);
}

/* Sends TEXT, and hears what is said until the server closes. */
static const char *converse(struct bench *bench, const char *text)
{
	const struct net_stream_config config = {
		.remote = net_http_local(bench->http),
		.unread_max = LONG,
		.unsent_max = 4 * LONG,
		.on_bytes = take_bytes,
		.on_end = take_end,
		.user = bench,
	};
	struct net_stream *stream;

	bench->length = 0;
	bench->said[0] = '\0';
	bench->ended = 0;
	assert_int_equal(net_stream_open(&stream, bench->loop, &config), 0);
	assert_int_equal(net_stream_write(stream, text, strlen(text)), 0);
	wait_for(bench->loop, &bench->ended, 1);
	net_stream_close(stream);
	return bench->said;
}

static void test_requests(void **state)
{
	struct bench *bench = bench_new();
	const char *said;

	(void)state;
	said = converse(bench, "GET /a?n=1&n=2 HTTP/1.0\r\nHost: lab\r\n\r\n");
	assert_non_null(strstr(said, " 200 "));
	assert_non_null(strstr(said, "GET /a n=1 host=lab body="));
	assert_non_null(strstr(said, "Content-Security-Policy: default-src 'none'"));
	said = converse(bench, "POST /b HTTP/1.0\r\nContent-Length: 5\r\n\r\nhello");
	assert_non_null(strstr(said, "POST /b n=none host=none body=hello"));
	assert_int_equal(bench->seen, 2);
	bench_free(bench);
}

/* What is too long, no HTTP, or another method never gets as far as the callback. */
static void test_hostile(void **state)
{
	static const char long_body[] = "POST / HTTP/1.0\r\nContent-Length: 60000\r\n\r\n";
	static const char *const starts[] = {"GET / HTTP/1.0\r\nX: ", long_body,
					     "DELETE / HTTP/1.0\r\n\r\n",
					     "\x16\x03\x01 nonsense\r\n\r\n"};
	struct bench *bench = bench_new();
	char *text = malloc(LONG + 256);

	(void)state;
	assert_non_null(text);
	for (size_t i = 0; i < sizeof starts / sizeof *starts; i++) {
		strcpy(text, starts[i]);
		memset(text + strlen(starts[i]), 'x', i < 2 ? LONG : 1);
		text[strlen(starts[i]) + (i < 2 ? LONG : 1)] = '\0';
		assert_null(strstr(converse(bench, text), " 200 "));
	}
	assert_int_equal(bench->seen, 0);
	free(text);
	bench_free(bench);
}

/* A socket file is its owner's alone; a second server finds it taken, and what nobody listens on is
 * replaced. */
static void test_file(void **state)
{
	char folder[] = "/tmp/keepline-http-XXXXXX", path[64];
	struct net_http_config config = {.path = path, .on_request = take_request};
	struct net_http *http, *second;
	struct net_loop *loop;
	struct stat found;

	(void)state;
	assert_non_null(mkdtemp(folder));
	snprintf(path, sizeof path, "%s/socket", folder);
	assert_int_equal(net_loop_create(&loop), 0);
	assert_int_equal(net_http_open(&http, loop, &config), 0);
	assert_int_equal(stat(path, &found), 0);
	assert_int_equal(found.st_mode & 0077, 0);
	assert_int_equal(net_http_open(&second, loop, &config), -EADDRINUSE);
	net_http_close(http);
	assert_int_equal(access(path, F_OK), -1);
	net_loop_free(loop);
	rmdir(folder);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_requests),
		cmocka_unit_test(test_hostile),
		cmocka_unit_test(test_file),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
