/* lab_bench.c - one lab server under load: 2,000 lines, 1,000 requests a second, no answer lost.
 *
 * Each line registers with credentials and then keeps on refreshing, so that requests leave at an
 * even pace.  Prints what it cost; exit status 1 if an answer is missing or a line is not
 * registered. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "lab/sipserver.h"

enum {
	LINES = 2000,
	RATE = 1000, /* requests a second */
	SECONDS = 15,
	REQUESTS = RATE * SECONDS,
	PATIENCE_MS = 5000, /* after the last request */
	TEXT_MAX = 2048,
};

struct line {
	struct sip_digest_session digest;
	unsigned sent, registered; /* requests; answers that were 200 */
};

struct bench {
	struct net_loop *loop;
	struct net_timer *timer;
	struct net_udp *client;
	struct net_address local, server_at;
	struct lab_sipserver *server;
	struct line *lines;
	unsigned sent, answered, failed;
	uint64_t began_ms, end_ms;
};

/* "line17" of "sip:line17@lab.test" */
static unsigned number_of(const struct sip_message *message)
{
	char user[LAB_USER_MAX];
	struct sip_uri uri;
	unsigned number = LINES;

	if (!sip_uri_parse(&uri, message->to.uri) && !sip_span_copy(uri.user, user, sizeof user))
		sscanf(user, "line%u", &number);
	return number;
}

static void send_register(struct bench *bench, unsigned number)
{
	struct line *line = &bench->lines[number];
	char user[LAB_USER_MAX], text[TEXT_MAX];
	const struct sip_credentials credentials = {.username = user, .password = "secret"};
	const struct sip_digest_request digest = {
		.method = "REGISTER", .uri = "sip:lab.test", .cnonce = "c"};
	struct sip_builder builder;
	int length;

	snprintf(user, sizeof user, "line%u", number);
	sip_builder_init(&builder, text, sizeof text);
	sip_builder_request(&builder, "REGISTER", digest.uri);
	sip_builder_header(&builder, "Via", "SIP/2.0/UDP 127.0.0.1:%u;branch=z9hG4bK%u-%u;rport",
			   bench->local.port, number, line->sent);
	sip_builder_header(&builder, "From", "<sip:%s@lab.test>;tag=%u", user, number);
	sip_builder_header(&builder, "To", "<sip:%s@lab.test>", user);
	sip_builder_header(&builder, "Call-ID", "%s", user);
	sip_builder_header(&builder, "CSeq", "%u REGISTER", ++line->sent);
	sip_builder_header(&builder, "Contact", "<sip:%s@127.0.0.1:%u>", user, bench->local.port);
	sip_builder_header(&builder, "Expires", "300");
	sip_builder_header(&builder, "Max-Forwards", "70");
	if (line->digest.is_set)
		sip_digest_authorize(&line->digest, &builder, &digest, &credentials);
	length = sip_builder_finish(&builder);
	if (length < 0 || net_udp_send(bench->client, &bench->server_at, text, (size_t)length))
		bench->failed++;
	bench->sent++;
}

static void take_answer(void *user, const struct net_datagram *datagram)
{
	struct bench *bench = user;
	struct sip_message message;
	unsigned number;

	if (sip_message_parse(&message, datagram->bytes, datagram->length))
		return;
	number = number_of(&message);
	if (number < LINES) {
		char name[LAB_USER_MAX];
		const struct sip_credentials credentials = {.username = name, .password = "secret"};

		snprintf(name, sizeof name, "line%u", number);
		bench->answered++;
		if (message.status == 200)
			bench->lines[number].registered++;
		else
			sip_digest_judge(&bench->lines[number].digest, &message, &credentials,
					 SIP_SENT_NONE);
	}
	sip_message_clear(&message);
	if (bench->answered == REQUESTS)
		net_loop_stop(bench->loop);
}

/* What is due by now leaves, so that a late wake-up does not slow the pace. */
static void take_time(void *user)
{
	struct bench *bench = user;
	uint64_t now = net_now_ms(), due = (now - bench->began_ms) * RATE / 1000 + 1;

	while (bench->sent < due && bench->sent < REQUESTS)
		send_register(bench, bench->sent % LINES);
	if (bench->sent < REQUESTS)
		net_timer_set(bench->timer, now + 1);
	else if (!bench->end_ms)
		net_timer_set(bench->timer, bench->end_ms = now + PATIENCE_MS);
	else
		net_loop_stop(bench->loop);
}

static int open_bench(struct bench *bench)
{
	struct net_udp_config client = {.on_datagram = take_answer, .user = bench};
	struct lab_sipserver_config server = {
		.registrar = {.realm = "lab.test", .password = "secret"}, .proxies = true};

	if (net_address_parse(&client.local, "127.0.0.1", 0))
		return -EINVAL;
	server.local = client.local;
	if (net_loop_create(&bench->loop) ||
	    net_timer_create(&bench->timer, bench->loop, (struct net_callback){take_time, bench}) ||
	    net_udp_open(&bench->client, bench->loop, &client) ||
	    lab_sipserver_open(&bench->server, bench->loop, &server))
		return -EIO;
	bench->local = net_udp_local(bench->client);
	bench->server_at = lab_sipserver_local(bench->server);
	return 0;
}

int main(void)
{
	struct bench bench = {.lines = calloc(LINES, sizeof(struct line))};
	unsigned registered = 0;
	double cpu_s, took_s;

	sip_init();
	if (!bench.lines || open_bench(&bench)) {
		fprintf(stderr, "lab_bench: can't be set up\n");
		return 1;
	}
	bench.began_ms = net_now_ms();
	take_time(&bench);
	net_loop_run(bench.loop);
	took_s = (double)(net_now_ms() - bench.began_ms) / 1000;
	cpu_s = (double)clock() / CLOCKS_PER_SEC;
	for (unsigned i = 0; i < LINES; i++)
		registered += bench.lines[i].registered != 0;
	printf("lab server: %u requests of %u lines in %.1f s: %u answers, %u lines registered, %u "
	       "at "
	       "the server\n%.0f us of CPU for a request and its answer, both ends\n",
	       bench.sent, LINES, took_s, bench.answered, registered,
	       lab_sipserver_counters(bench.server).bindings, cpu_s / bench.sent * 1e6);
	lab_sipserver_close(bench.server);
	net_udp_close(bench.client);
	net_timer_free(bench.timer);
	net_loop_free(bench.loop);
	free(bench.lines);
	return bench.answered == REQUESTS && !bench.failed && registered == LINES ? 0 : 1;
}
