/* lines_bench - 1,000 lines over TLS on loopback, registered with one server that then dies: over
 * one stream for all, and over a stream for each, since each has a domain of its own.
 *
 * The phone and its servers are one process, so the figures hold both ends of every stream. */
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lab/certificate.h"
#include "lab/dnsserver.h"
#include "phone/log.h"
#include "phone/phone.h"
#include "sip/builder.h"
#include "sip/frame.h"
#include "tests/bench/clock.h"

enum { LINES = 1000, SERVERS = 2, WAIT_MS = 120000, PATH_SIZE = 128, ZONE_SIZE = 1 << 19 };

struct connection {
	LIST_ENTRY(connection) others;
	struct server *server;
	struct net_stream *stream;
	struct sip_framer framer;
};

/* Grants every REGISTER what it asks for. */
struct server {
	struct bench *bench;
	struct net_listener *listener;
	LIST_HEAD(, connection) connections;
	unsigned streams, granted;
};

struct bench {
	struct net_loop *loop;
	struct net_tls *tls;
	struct server servers[SERVERS];
	char folder[64], ca[PATH_SIZE];
	struct lab_zone *zone;
	struct lab_dnsserver *dns;
	struct config *config;
	struct phone *phone;
};

struct figures {
	double cpu_us, failover_cpu_us, failover_ms; /* of one line; of all */
	double bytes;                                /* of one line */
	unsigned streams;
};

static void check(bool right, const char *what)
{
	if (right)
		return;
	fprintf(stderr, "lines_bench: %s\n", what);
	exit(1);
}

/* ---- servers --------------------------------------------------------------------------------- */

static void connection_close(struct connection *connection)
{
	LIST_REMOVE(connection, others);
	net_stream_close(connection->stream);
	free(connection);
}

static void take_end(void *user, const struct net_stream_ending *ending)
{
	(void)ending;
	connection_close(user);
}

static void grant(struct connection *connection, const void *bytes, size_t length)
{
	static char text[SIP_MESSAGE_MAX];
	struct sip_message request;
	struct sip_builder reply;
	int size;

	check(!sip_message_parse(&request, bytes, length), "no request came");
	sip_builder_init(&reply, text, sizeof text);
	sip_builder_reply(
		&reply, &(struct sip_reply){.request = &request, .status = 200, .to_tag = "bench"});
	sip_builder_copy(&reply, &request, SIP_CONTACT);
	sip_builder_copy(&reply, &request, SIP_EXPIRES);
	size = sip_builder_finish(&reply);
	check(size > 0 && !net_stream_write(connection->stream, text, (size_t)size), "no answer");
	connection->server->granted++;
	sip_message_clear(&request);
}

static size_t take_bytes(void *user, const uint8_t *bytes, size_t length)
{
	struct connection *connection = user;
	struct sip_frame frame;
	size_t taken = 0;

	do {
		const struct sip_span rest = {(const char *)bytes + taken, length - taken};

		check(!sip_framer_next(&connection->framer, rest, &frame), "no message came");
		if (frame.kind == SIP_FRAME_MESSAGE)
			grant(connection, bytes + taken, frame.length);
		taken += frame.length;
	} while (frame.length);
	return taken;
}

static void take_arrival(void *user, const struct net_arrival *arrival)
{
	struct server *server = user;
	struct connection *connection = calloc(1, sizeof *connection);
	const struct net_stream_config config = {
		.remote = arrival->source,
		.tls = server->bench->tls,
		.unread_max = SIP_MESSAGE_MAX + 1,
		.unsent_max = 1 << 24,
		.on_bytes = take_bytes,
		.on_end = take_end,
		.user = connection,
	};

	connection->server = server;
	server->streams++;
	LIST_INSERT_HEAD(&server->connections, connection, others);
	check(!net_stream_accept(&connection->stream, server->bench->loop, &config, arrival->fd),
	      "a connection was not taken");
}

static void server_die(struct server *server)
{
	net_listener_close(server->listener);
	server->listener = NULL;
	while (!LIST_EMPTY(&server->connections))
		connection_close(LIST_FIRST(&server->connections));
}

/* ---- the stage ------------------------------------------------------------------------------- */

static const char *path_in(const struct bench *bench, const char *name, char to[PATH_SIZE])
{
	snprintf(to, PATH_SIZE, "%s/%s", bench->folder, name);
	return to;
}

static void open_servers(struct bench *bench)
{
	const struct lab_certificate wanted = {.names = "DNS:bench.test, DNS:*.bench.test"};
	struct lab_authority *authority;
	char path[PATH_SIZE], why[256];
	const struct net_tls_config tls = {.certificate_file = path_in(bench, "server.pem", path)};

	check(!lab_authority_create(&authority), "no authority");
	check(!lab_authority_write(authority, path_in(bench, "ca.pem", bench->ca)), "no file");
	check(!lab_authority_issue(authority, &wanted, path), "no certificate");
	check(!net_tls_create(&bench->tls, &tls, why, sizeof why), why);
	lab_authority_free(authority);
	for (uint8_t i = 0; i < SERVERS; i++) {
		const struct net_listener_config config = {
			.local = {.ip = {[10] = 0xff, 0xff, 127, 0, 1, (uint8_t)(i + 1)}},
			.on_arrival = take_arrival,
			.user = &bench->servers[i],
		};

		bench->servers[i].bench = bench;
		LIST_INIT(&bench->servers[i].connections);
		check(!net_listener_open(&bench->servers[i].listener, bench->loop, &config),
		      "no listener");
	}
}

/* One domain for all lines, or one for each, all behind the same two servers. */
static void domain_of(unsigned line, bool own, char to[32])
{
	if (own)
		snprintf(to, 32, "d%u.bench.test", line);
	else
		snprintf(to, 32, "bench.test");
}

static void open_dns(struct bench *bench, bool own)
{
	struct lab_dnsserver_config config = {.local = {.ip = {[10] = 0xff, 0xff, 127, 0, 1, 53}}};
	char *zone = malloc(ZONE_SIZE), domain[32], why[128];
	size_t used = (size_t)snprintf(zone, ZONE_SIZE,
				       "$TTL 3600\ns1.bench.test. A 127.0.1.1\n"
				       "s2.bench.test. A 127.0.1.2\n");

	for (unsigned i = 0; i < (own ? LINES : 1); i++) {
		domain_of(i, own, domain);
		for (unsigned s = 0; s < SERVERS; s++)
			used += (size_t)snprintf(
				zone + used, ZONE_SIZE - used,
				"_sips._tcp.%s. SRV %u 0 %u s%u.bench.test.\n", domain, s,
				net_listener_local(bench->servers[s].listener).port, s + 1);
	}
	bench->zone = lab_zone_parse(zone, "zone", why, sizeof why);
	check(bench->zone, why);
	config.zone = bench->zone;
	check(!lab_dnsserver_open(&bench->dns, bench->loop, &config), "no DNS server");
	free(zone);
}

static void load_config(struct bench *bench, bool own)
{
	char path[PATH_SIZE], domain[32];
	const char *files[] = {path_in(bench, "phone.yaml", path)};
	const struct config_options options = {.files = files, .file_count = 1};
	FILE *to = fopen(path, "w");

	fchmod(fileno(to), 0600);
	fprintf(to, "policy: {backoff_base: 1s}\nlines:\n");
	for (unsigned i = 0; i < LINES; i++) {
		domain_of(i, own, domain);
		fprintf(to,
			"  - {user: u%u, password: secret, domain: %s, servers: {name: %s, "
			"transport: tls}}\n",
			i, domain, domain);
	}
	fclose(to);
	check(!config_load(&options, &bench->config) && !bench->config->error_count,
	      "the configuration has errors");
}

static void open_phone(struct bench *bench)
{
	struct phone_config config = {
		.loop = bench->loop,
		.config = bench->config,
		.bind = {.ip = {[10] = 0xff, 0xff, 127, 0, 0, 1}},
		.tls = {.ca_file = bench->ca, .wildcards = true},
	};
	char why[PHONE_WHY_MAX];

	net_resolver_config_init(&config.resolver);
	config.resolver.servers[config.resolver.server_count++] = lab_dnsserver_local(bench->dns);
	check(!phone_create(&bench->phone, &config, why), why);
}

static void close_all(struct bench *bench)
{
	static const char *const files[] = {"ca.pem", "server.pem", "phone.yaml"};
	char path[PATH_SIZE];

	phone_free(bench->phone);
	config_free(bench->config);
	for (unsigned i = 0; i < SERVERS; i++)
		server_die(&bench->servers[i]);
	lab_dnsserver_close(bench->dns);
	lab_zone_free(bench->zone);
	net_tls_free(bench->tls);
	net_loop_free(bench->loop);
	for (size_t i = 0; i < sizeof files / sizeof *files; i++)
		unlink(path_in(bench, files[i], path));
	rmdir(bench->folder);
}

/* ---- measuring ------------------------------------------------------------------------------- */

static double cpu_us(void)
{
	struct rusage usage;

	getrusage(RUSAGE_SELF, &usage);
	return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1e6 +
	       (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec);
}

static void wait_granted(struct bench *bench, unsigned server)
{
	const uint64_t until = net_now_ms() + WAIT_MS;

	while (bench->servers[server].granted < LINES) {
		check(!net_loop_step(bench->loop), "the loop ended");
		check(net_now_ms() < until, "not all lines registered in two minutes");
	}
}

static struct figures measure(bool own)
{
	struct bench bench = {.folder = "/tmp/keepline-bench-XXXXXX"};
	struct figures figures;
	uint64_t died_ns;
	size_t memory;
	double cpu;

	check(mkdtemp(bench.folder) && !net_loop_create(&bench.loop), "no loop");
	open_servers(&bench);
	open_dns(&bench, own);
	load_config(&bench, own);
	memory = mallinfo2().uordblks + mallinfo2().hblkhd;
	cpu = cpu_us();
	open_phone(&bench);
	phone_start(bench.phone);
	wait_granted(&bench, 0);
	figures.cpu_us = (cpu_us() - cpu) / LINES;
	figures.bytes = (double)(mallinfo2().uordblks + mallinfo2().hblkhd - memory) / LINES;
	figures.streams = bench.servers[0].streams;
	cpu = cpu_us();
	died_ns = clock_ns();
	server_die(&bench.servers[0]);
	wait_granted(&bench, 1);
	figures.failover_cpu_us = (cpu_us() - cpu) / LINES;
	figures.failover_ms = (double)(clock_ns() - died_ns) / 1e6;
	close_all(&bench);
	return figures;
}

static void print(const char *what, double shared, double own)
{
	printf("  %-44s %10.1f %10.1f %8.1f times\n", what, shared, own, own / shared);
}

int main(void)
{
	struct rlimit limit;
	struct figures shared, own;

	getrlimit(RLIMIT_NOFILE, &limit);
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
	sip_init();
	phone_log_set_level(PHONE_LOG_NOTHING);
	shared = measure(false);
	own = measure(true);
	printf("%d lines over TLS, phone and servers together      shared        own\n", LINES);
	print("streams", shared.streams, own.streams);
	print("memory of a registered line, KiB", shared.bytes / 1024, own.bytes / 1024);
	print("CPU of its registration, us", shared.cpu_us, own.cpu_us);
	print("CPU of its failover, us", shared.failover_cpu_us, own.failover_cpu_us);
	print("until all have failed over, ms", shared.failover_ms, own.failover_ms);
	return 0;
}
