/* port.c - where a lab server listens. */
#include "lab/port.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <unistd.h>

#include "sip/frame.h"
#include "sip/message.h"

struct connection {
	LIST_ENTRY(connection) others;
	struct lab_port *port;
	struct net_address remote;
	struct net_stream *stream;
	struct sip_framer framer;
	int fd;     /* the stream's */
	bool *gone; /* set when it is freed while its bytes are read */
};

struct lab_port {
	struct lab_port_config config;
	struct net_loop *loop;
	struct net_udp *udp;           /* or */
	struct net_listener *listener; /* and */
	LIST_HEAD(, connection) connections;
	unsigned connection_count;
	uint64_t pings;
	enum lab_port_manner manner;
};

/* ---- connections ---- */

static void connection_free(struct connection *connection)
{
	if (connection->gone)
		*connection->gone = true;
	connection->port->connection_count--;
	LIST_REMOVE(connection, others);
	net_stream_close(connection->stream);
	free(connection);
}

static void tell(const struct connection *connection, enum lab_port_event event)
{
	const struct lab_port_config *config = &connection->port->config;

	if (config->on_event)
		config->on_event(config->user, event, &connection->remote);
}

static void take_end(void *user, const struct net_stream_ending *ending)
{
	if (ending->end == NET_STREAM_INSECURE)
		tell(user, LAB_PORT_INSECURE);
	connection_free(user);
}

/* Closing with SO_LINGER at zero sends RST. */
static void connection_reset(struct connection *connection)
{
	const struct linger now = {.l_onoff = 1};

	setsockopt(connection->fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
	tell(connection, LAB_PORT_CUT);
	connection_free(connection);
}

static size_t take_bytes(void *user, const uint8_t *bytes, size_t length)
{
	struct connection *connection = user;
	const struct lab_port_config *config = &connection->port->config;
	struct sip_frame frame;
	size_t taken = 0;
	bool gone = false;
	int error;

	if (connection->port->manner == LAB_PORT_MUTE)
		return length;
	if (connection->port->manner == LAB_PORT_RESETS) {
		connection_reset(connection);
		return length;
	}
	connection->gone = &gone;
	do {
		const struct sip_span unread = {(const char *)bytes + taken, length - taken};

		error = sip_framer_next(&connection->framer, unread, &frame);
		if (!error && frame.kind == SIP_FRAME_PING) {
			connection->port->pings++;
			net_stream_write(connection->stream, "\r\n", 2);
		} else if (!error && frame.kind == SIP_FRAME_MESSAGE) {
			config->on_message(config->user, &connection->remote,
					   (struct sip_span){unread.at, frame.length});
		}
		taken += frame.length;
	} while (!gone && !error && frame.length);
	if (gone)
		return taken;
	connection->gone = NULL;
	if (error)
		connection_free(connection);
	return taken;
}

static void take_arrival(void *user, const struct net_arrival *arrival)
{
	struct lab_port *port = user;
	struct connection *connection = NULL;
	struct net_stream_config stream = {
		.remote = arrival->source,
		.tls = port->config.transport == SIP_TLS ? port->config.tls : NULL,
		.unread_max = SIP_MESSAGE_MAX + 1,
		.unsent_max = LAB_UNSENT_MAX,
		.on_bytes = take_bytes,
		.on_end = take_end,
	};

	if (port->manner == LAB_PORT_MUTE)
		stream.tls = NULL; /* the handshake's bytes are swallowed too */
	if (port->connection_count < LAB_CONNECTIONS_MAX)
		connection = calloc(1, sizeof *connection);
	if (!connection) {
		close(arrival->fd);
		return;
	}
	stream.user = connection;
	connection->port = port;
	connection->remote = arrival->source;
	connection->fd = arrival->fd;
	if (net_stream_accept(&connection->stream, port->loop, &stream, arrival->fd)) {
		free(connection);
		return;
	}
	LIST_INSERT_HEAD(&port->connections, connection, others);
	port->connection_count++;
	tell(connection, LAB_PORT_CONNECTED);
}

/* ---- datagrams ---- */

static void take_datagram(void *user, const struct net_datagram *datagram)
{
	const struct lab_port *port = user;

	port->config.on_message(port->config.user, &datagram->source,
				(struct sip_span){(const char *)datagram->bytes, datagram->length});
}

/* ---- the port ---- */

int lab_port_open(struct lab_port **out, struct net_loop *loop,
		  const struct lab_port_config *config)
{
	struct lab_port *port = calloc(1, sizeof *port);
	const struct net_udp_config udp = {
		.local = config->local,
		.size_max = config->size_max,
		.on_datagram = take_datagram,
		.user = port,
	};
	const struct net_listener_config listener = {
		.local = config->local, .on_arrival = take_arrival, .user = port};
	int error;

	if (!port)
		return -ENOMEM;
	port->config = *config;
	port->loop = loop;
	LIST_INIT(&port->connections);
	if (config->transport == SIP_TCP || config->transport == SIP_TLS)
		error = net_listener_open(&port->listener, loop, &listener);
	else
		error = net_udp_open(&port->udp, loop, &udp);
	if (error)
		free(port);
	else
		*out = port;
	return error;
}

void lab_port_close(struct lab_port *port)
{
	if (!port)
		return;
	lab_port_cut(port);
	net_listener_close(port->listener);
	net_udp_close(port->udp);
	free(port);
}

struct net_address lab_port_local(const struct lab_port *port)
{
	return port->udp ? net_udp_local(port->udp) : net_listener_local(port->listener);
}

void lab_port_set_tls(struct lab_port *port, const struct net_tls *tls)
{
	port->config.tls = tls;
}

void lab_port_set_manner(struct lab_port *port, enum lab_port_manner manner)
{
	port->manner = manner;
}

void lab_port_cut(struct lab_port *port)
{
	while (!LIST_EMPTY(&port->connections)) {
		tell(LIST_FIRST(&port->connections), LAB_PORT_CUT);
		connection_free(LIST_FIRST(&port->connections));
	}
}

void lab_port_send(struct lab_port *port, const struct net_address *to, struct sip_span bytes)
{
	struct connection *connection;

	if (port->udp) {
		net_udp_send(port->udp, to, bytes.at, bytes.length);
		return;
	}
	LIST_FOREACH(connection, &port->connections, others)
	if (!net_address_compare(&connection->remote, to)) {
		net_stream_write(connection->stream, bytes.at, bytes.length);
		return;
	}
}

uint64_t lab_port_pings(const struct lab_port *port)
{
	return port->pings;
}

unsigned lab_port_connections(const struct lab_port *port)
{
	return port->connection_count;
}
