#include "net/stream.h"

#include <errno.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/bufferevent_ssl.h>
#include <event2/event.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "net/timer.h"

enum state {
	CONNECTING, /* `fd` and `connected` */
	SECURING,   /* `events`: the TLS handshake */
	OPEN,       /* `events` */
	ENDED,      /* nothing is left but this block */
};

struct net_stream {
	struct net_stream_config config;
	struct net_loop *loop;
	enum state state;
	int fd;
	struct net_watch *connected;
	struct bufferevent *events; /* owns the descriptor */
	SSL *session;               /* of `events`, or NULL */
	struct evbuffer *unsent;    /* what was written before there were `events` */
	struct net_tls_peer peer;
	struct net_address local;
	bool *closed; /* set by net_stream_close() while on_bytes is under way */
};

/* ---- the end ---- */

/* Lets go of the connection. */
static void release(struct net_stream *stream)
{
	net_watch_free(stream->connected);
	stream->connected = NULL;
	if (stream->events != NULL) {
		if (stream->session != NULL && stream->state == OPEN)
			SSL_shutdown(stream->session);
		bufferevent_free(stream->events);
	} else if (stream->fd >= 0) {
		close(stream->fd);
	}
	stream->events = NULL;
	stream->session = NULL;
	stream->fd = -1;
	stream->state = ENDED;
}

static void end(struct net_stream *stream, const struct net_stream_ending *ending)
{
	char why[256];
	struct net_stream_ending copy = *ending;

	snprintf(why, sizeof(why), "%s", ending->why);
	copy.why = why;
	release(stream);
	stream->config.on_end(stream->config.user, &copy);
}

/* OpenSSL's code wins over errno, which stays from whatever was before it.  Where the system broke
 * a stream there is none: libevent gives SSL_get_error()'s value for it, calls it an end, and errno
 * tells.  That is no matter of trust; nor is an end without TLS's good-bye. */
static void end_by_error(struct net_stream *stream, short what, int error)
{
	struct net_stream_ending ending = {.end = NET_STREAM_CLOSED,
					   .why = "closed by the far end"};
	unsigned long code = 0;

	if (stream->session != NULL)
		code = bufferevent_get_openssl_error(stream->events);
	if (code == SSL_ERROR_SYSCALL) {
		code = 0;
		what = BEV_EVENT_ERROR;
	} else if (stream->state == OPEN &&
		   ERR_GET_REASON(code) == SSL_R_UNEXPECTED_EOF_WHILE_READING) {
		code = 0;
		what = BEV_EVENT_EOF;
	}
	if (stream->state == SECURING || code != 0) {
		ending.end = NET_STREAM_INSECURE;
		ending.why = net_tls_explain(stream->session, code);
	} else if (what & BEV_EVENT_ERROR) {
		ending.end = error == ETIMEDOUT ? NET_STREAM_TIMED_OUT : NET_STREAM_RESET;
		ending.why = strerror(error);
	}
	end(stream, &ending);
}

/* ---- what libevent tells ---- */

static void take_bytes(struct bufferevent *events, void *user)
{
	struct net_stream *stream = user;
	struct evbuffer *in = bufferevent_get_input(events);
	bool closed = false;
	size_t length = evbuffer_get_length(in), taken;

	stream->closed = &closed;
	taken = stream->config.on_bytes(stream->config.user, evbuffer_pullup(in, -1), length);
	if (closed)
		return;
	stream->closed = NULL;
	evbuffer_drain(in, taken);
	if (length - taken >= stream->config.unread_max)
		end(stream, &(struct net_stream_ending){.end = NET_STREAM_UNREAD,
							.why = "too much that can't be read"});
}

static void opened(struct net_stream *stream)
{
	stream->state = OPEN;
	if (stream->config.on_open != NULL)
		stream->config.on_open(stream->config.user);
}

static void take_event(struct bufferevent *events, short what, void *user)
{
	int error = errno;

	(void)events;
	if (what & BEV_EVENT_CONNECTED)
		opened(user);
	else if (what & (BEV_EVENT_EOF | BEV_EVENT_ERROR))
		end_by_error(user, what, error);
}

/* ---- from a connected socket to a stream ---- */

static int make_events(struct net_stream *stream, bool is_client)
{
	struct event_base *base = stream->loop->base;

	if (stream->config.tls == NULL) {
		stream->events = bufferevent_socket_new(base, stream->fd, BEV_OPT_CLOSE_ON_FREE);
		return stream->events == NULL ? -ENOMEM : 0;
	}
	stream->session = net_tls_session(stream->config.tls, &stream->peer, is_client);
	if (stream->session == NULL)
		return -ENOMEM;
	stream->events = bufferevent_openssl_socket_new(base, stream->fd, stream->session,
							is_client ? BUFFEREVENT_SSL_CONNECTING
								  : BUFFEREVENT_SSL_ACCEPTING,
							BEV_OPT_CLOSE_ON_FREE);
	if (stream->events == NULL) {
		SSL_free(stream->session);
		stream->session = NULL;
		return -ENOMEM;
	}
	/* A message tells its length, so an end without TLS's own good-bye hides nothing. */
	bufferevent_openssl_set_allow_dirty_shutdown(stream->events, 1);
	return 0;
}

/* Hands the connected socket to libevent.  0 or -ENOMEM. */
static int begin(struct net_stream *stream, bool is_client)
{
	int error = make_events(stream, is_client);

	if (error)
		return error;
	stream->state = stream->session != NULL ? SECURING : OPEN;
	bufferevent_setcb(stream->events, take_bytes, NULL, take_event, stream);
	bufferevent_setwatermark(stream->events, EV_READ, 0, stream->config.unread_max);
	bufferevent_write_buffer(stream->events, stream->unsent);
	bufferevent_enable(stream->events, EV_READ | EV_WRITE);
	return 0;
}

static void take_connected(void *user, unsigned ready)
{
	struct net_stream *stream = user;
	int error = 0;

	(void)ready;
	getsockopt(stream->fd, SOL_SOCKET, SO_ERROR, &error, &(socklen_t){sizeof(error)});
	net_watch_free(stream->connected);
	stream->connected = NULL;
	if (error == 0)
		error = -begin(stream, true);
	if (error != 0)
		end(stream, &(struct net_stream_ending){.end = NET_STREAM_UNREACHED,
							.error = -error,
							.why = strerror(error)});
	else if (stream->state == OPEN)
		opened(stream);
}

/* ---- sockets ---- */

static void set_number(int fd, int option, unsigned value)
{
	setsockopt(fd, IPPROTO_TCP, option, &value, sizeof(value));
}

static void set_options(int fd, const struct net_stream_config *config)
{
	const struct net_stream_keepalive *keepalive = &config->keepalive;
	int class = config->dscp << 2;

	if (net_address_is_ipv4(&config->remote))
		setsockopt(fd, IPPROTO_IP, IP_TOS, &class, sizeof(class));
	else
		setsockopt(fd, IPPROTO_IPV6, IPV6_TCLASS, &class, sizeof(class));
	set_number(fd, TCP_NODELAY, 1);
	if (keepalive->idle_s == 0)
		return;
	set_number(fd, TCP_KEEPIDLE, keepalive->idle_s);
	set_number(fd, TCP_KEEPINTVL, keepalive->interval_s);
	set_number(fd, TCP_KEEPCNT, keepalive->probes);
	setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &(int){1}, sizeof(int));
}

static void note_local(struct net_stream *stream)
{
	struct sockaddr_storage name = {0};

	getsockname(stream->fd, (struct sockaddr *)&name, &(socklen_t){sizeof(name)});
	net_address_from_sockaddr(&stream->local, (struct sockaddr *)&name);
}

static int connect_socket(struct net_stream *stream)
{
	const struct net_stream_config *config = &stream->config;
	struct net_address local = config->local;
	struct sockaddr_storage name;
	socklen_t length;

	stream->fd = socket(net_address_is_ipv4(&config->remote) ? AF_INET : AF_INET6,
			    SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (stream->fd < 0)
		return -errno;
	set_options(stream->fd, config);
	if (!net_address_is_wildcard(&local)) {
		local.port = 0;
		length = net_address_to_sockaddr(&local, &name);
		/* The port is found in connect(): one may serve many destinations. */
		setsockopt(stream->fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &(int){1}, sizeof(int));
		if (bind(stream->fd, (struct sockaddr *)&name, length) < 0)
			return -errno;
	}
	length = net_address_to_sockaddr(&config->remote, &name);
	if (connect(stream->fd, (struct sockaddr *)&name, length) < 0 && errno != EINPROGRESS)
		return -errno;
	note_local(stream);
	return net_watch_create(&stream->connected, stream->loop,
				&(struct net_watch_config){.fd = stream->fd,
							   .events = NET_WRITABLE,
							   .on_ready = take_connected,
							   .user = stream});
}

/* ---- life ---- */

static struct net_stream *stream_new(struct net_loop *loop, const struct net_stream_config *config)
{
	struct net_stream *stream = calloc(1, sizeof(*stream));
	struct evbuffer *unsent = evbuffer_new();

	if (stream == NULL || unsent == NULL) {
		free(stream);
		if (unsent != NULL)
			evbuffer_free(unsent);
		return NULL;
	}
	stream->config = *config;
	stream->config.tls_name = stream->peer.name;
	if (config->tls_name != NULL)
		snprintf(stream->peer.name, sizeof(stream->peer.name), "%s", config->tls_name);
	stream->loop = loop;
	stream->fd = -1;
	stream->unsent = unsent;
	return stream;
}

int net_stream_open(struct net_stream **out, struct net_loop *loop,
		    const struct net_stream_config *config)
{
	struct net_stream *stream = stream_new(loop, config);
	int error = stream != NULL ? connect_socket(stream) : -ENOMEM;

	if (error)
		net_stream_close(stream);
	else
		*out = stream;
	return error;
}

int net_stream_accept(struct net_stream **out, struct net_loop *loop,
		      const struct net_stream_config *config, int fd)
{
	struct net_stream *stream = stream_new(loop, config);
	int error;

	if (stream == NULL) {
		close(fd);
		return -ENOMEM;
	}
	stream->fd = fd;
	set_options(fd, config);
	note_local(stream);
	error = begin(stream, false);
	if (error)
		net_stream_close(stream);
	else
		*out = stream;
	return error;
}

void net_stream_close(struct net_stream *stream)
{
	if (stream == NULL)
		return;
	if (stream->closed != NULL)
		*stream->closed = true;
	release(stream);
	evbuffer_free(stream->unsent);
	free(stream);
}

/* ---- use ---- */

int net_stream_write(struct net_stream *stream, const void *bytes, size_t length)
{
	struct evbuffer *to = stream->unsent;

	if (stream->state == ENDED)
		return -EPIPE;
	if (stream->events != NULL)
		to = bufferevent_get_output(stream->events);
	if (evbuffer_get_length(to) + length > stream->config.unsent_max)
		return -ENOBUFS;
	return evbuffer_add(to, bytes, length) < 0 ? -ENOMEM : 0;
}

bool net_stream_is_open(const struct net_stream *stream)
{
	return stream->state == OPEN;
}

struct net_address net_stream_local(const struct net_stream *stream)
{
	return stream->local;
}
