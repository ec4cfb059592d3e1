/* dnsserver.c - a small authoritative DNS server over UDP and TCP, with faults that can be
 * switched. */
#include "lab/dnsserver.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/queue.h>
#include <unistd.h>

#include "net/stream.h"

enum {
	RCODE_SERVFAIL = 2, /* RFC 1035, 4.1.1 */
	RCODE_NXDOMAIN = 3,
	RCODE_REFUSED = 5,
};

enum {
	PREFIX_BYTES = 2,                   /* the length before a message (RFC 1035, 4.2.2) */
	UNSENT_MAX = 4 * LAB_DNS_REPLY_MAX, /* who takes no answers gets no more */
	PORT_TRIES = 8, /* a port that is free for TCP may be somebody's for UDP */
};

/* Somebody who asks over TCP. */
struct connection {
	TAILQ_ENTRY(connection) others;
	struct lab_dnsserver *server;
	struct net_stream *stream;
};

struct lab_dnsserver {
	struct lab_dnsserver_config config;
	struct net_loop *loop;
	struct net_udp *udp;
	struct net_listener *listener;
	TAILQ_HEAD(, connection) connections; /* the oldest one first */
	unsigned connection_count;
	enum lab_dns_fault fault;
	struct lab_dnsserver_counters counters;
	struct lab_dns_reply reply; /* the one under way */
};

static uint8_t fault_rcode(enum lab_dns_fault fault)
{
	switch (fault) {
	case LAB_DNS_SERVFAIL:
		return RCODE_SERVFAIL;
	case LAB_DNS_NXDOMAIN:
		return RCODE_NXDOMAIN;
	case LAB_DNS_REFUSED:
		return RCODE_REFUSED;
	case LAB_DNS_UP:
	case LAB_DNS_SILENT:
		break;
	}
	return 0;
}

/* ---- questions ------------------------------------------------------------------------------- */

/* The reply stands in the server then, and is empty where nothing is to be sent.  False: that is no
 * question. */
static bool answer(struct lab_dnsserver *server, struct lab_dns_question *question)
{
	question->rcode = fault_rcode(server->fault);
	if (!lab_zone_answer(server->config.zone, question, &server->reply)) {
		server->counters.dropped++;
		return false;
	}
	server->counters.questions++;
	server->counters.over_tcp += question->over_tcp;
	if (server->fault == LAB_DNS_SILENT)
		server->reply.size = 0;
	return true;
}

static void tell(const struct lab_dnsserver *server)
{
	if (server->config.on_question)
		server->config.on_question(server->config.user, &server->reply);
}

static void take_datagram(void *user, const struct net_datagram *datagram)
{
	struct lab_dnsserver *server = user;
	struct lab_dns_question question = {.packet = datagram->bytes, .size = datagram->length};

	if (!answer(server, &question))
		return;
	if (server->reply.size)
		net_udp_send(server->udp, &datagram->source, server->reply.bytes,
			     server->reply.size);
	tell(server);
}

/* ---- connections ----------------------------------------------------------------------------- */

static void connection_free(struct connection *connection)
{
	struct lab_dnsserver *server = connection->server;

	TAILQ_REMOVE(&server->connections, connection, others);
	server->connection_count--;
	net_stream_close(connection->stream);
	free(connection);
}

/* Takes one question.  False: that is none, or nobody takes the answers. */
static bool take_question(const struct connection *connection, const uint8_t *packet, size_t size)
{
	struct lab_dnsserver *server = connection->server;
	struct lab_dns_question question = {.packet = packet, .size = size, .over_tcp = true};
	const struct lab_dns_reply *reply = &server->reply;
	bool is_taken = true;

	if (!answer(server, &question))
		return false;
	if (reply->size) {
		const uint8_t head[PREFIX_BYTES] = {(uint8_t)(reply->size >> 8),
						    (uint8_t)reply->size};

		is_taken = !net_stream_write(connection->stream, head, sizeof head) &&
			   !net_stream_write(connection->stream, reply->bytes, reply->size);
	}
	tell(server);
	return is_taken;
}

/* RFC 1035, 4.2.2; RFC 7766, 6.2.1.1: any number of questions, each behind its length. */
static size_t take_bytes(void *user, const uint8_t *bytes, size_t length)
{
	struct connection *connection = user;
	size_t taken = 0;

	while (length - taken >= PREFIX_BYTES) {
		const uint8_t *at = bytes + taken;
		size_t size = (size_t)(at[0] << 8 | at[1]);

		if (length - taken - PREFIX_BYTES < size)
			break;
		taken += PREFIX_BYTES + size;
		if (!take_question(connection, at + PREFIX_BYTES, size)) {
			connection_free(connection);
			break;
		}
	}
	return taken;
}

static void take_end(void *user, const struct net_stream_ending *ending)
{
	(void)ending;
	connection_free(user);
}

static void take_arrival(void *user, const struct net_arrival *arrival)
{
	struct lab_dnsserver *server = user;
	struct connection *connection = calloc(1, sizeof *connection);
	const struct net_stream_config config = {
		.local = net_listener_local(server->listener),
		.remote = arrival->source,
		.unread_max = PREFIX_BYTES + LAB_DNS_REPLY_MAX,
		.unsent_max = UNSENT_MAX,
		.on_bytes = take_bytes,
		.on_end = take_end,
		.user = connection,
	};

	if (!connection) {
		close(arrival->fd);
		return;
	}
	if (server->connection_count == LAB_DNS_CONNECTIONS_MAX)
		connection_free(TAILQ_FIRST(&server->connections));
	connection->server = server;
	if (net_stream_accept(&connection->stream, server->loop, &config, arrival->fd)) {
		free(connection);
		return;
	}
	TAILQ_INSERT_TAIL(&server->connections, connection, others);
	server->connection_count++;
}

/* ---- life ------------------------------------------------------------------------------------ */

/* Takes the port for TCP, and the same one for UDP. */
static int open_ports(struct lab_dnsserver *server)
{
	const struct net_listener_config tcp = {
		.local = server->config.local,
		.on_arrival = take_arrival,
		.user = server,
	};
	struct net_udp_config udp = {
		.size_max = LAB_DNS_DATAGRAM_MAX,
		.on_datagram = take_datagram,
		.user = server,
	};
	int error = net_listener_open(&server->listener, server->loop, &tcp);

	if (error)
		return error;
	udp.local = net_listener_local(server->listener);
	error = net_udp_open(&server->udp, server->loop, &udp);
	if (error) {
		net_listener_close(server->listener);
		server->listener = NULL;
	}
	return error;
}

int lab_dnsserver_open(struct lab_dnsserver **out, struct net_loop *loop,
		       const struct lab_dnsserver_config *config)
{
	struct lab_dnsserver *server = calloc(1, sizeof *server);
	int error = -EADDRINUSE;

	if (!server)
		return -ENOMEM;
	server->config = *config;
	server->loop = loop;
	TAILQ_INIT(&server->connections);
	for (int i = 0; i < PORT_TRIES && error == -EADDRINUSE; i++)
		error = open_ports(server);
	if (error)
		lab_dnsserver_close(server);
	else
		*out = server;
	return error;
}

void lab_dnsserver_close(struct lab_dnsserver *server)
{
	if (!server)
		return;
	while (!TAILQ_EMPTY(&server->connections))
		connection_free(TAILQ_FIRST(&server->connections));
	net_listener_close(server->listener);
	net_udp_close(server->udp);
	free(server);
}

struct net_address lab_dnsserver_local(const struct lab_dnsserver *server)
{
	return net_udp_local(server->udp);
}

void lab_dnsserver_set_fault(struct lab_dnsserver *server, enum lab_dns_fault fault)
{
	server->fault = fault;
}

void lab_dnsserver_set_zone(struct lab_dnsserver *server, const struct lab_zone *zone)
{
	server->config.zone = zone;
}

struct lab_dnsserver_counters lab_dnsserver_counters(const struct lab_dnsserver *server)
{
	return server->counters;
}
