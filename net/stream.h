/* stream.h - one connection: TCP, or TLS over it; and the sockets that take connections.
 *
 * Ownership  net_stream_open() and net_stream_accept() give a stream that the caller closes with
 *            net_stream_close(), also from its own callbacks.  Closing drops what was not sent.
 * Errors     0, or a negative errno value; *out is then untouched.
 * Threads    Its loop's thread only.
 */
#ifndef NET_STREAM_H
#define NET_STREAM_H

#include "net/address.h"
#include "net/loop.h"
#include "net/tls.h"

struct net_stream;

/* How a stream ended, and not by net_stream_close(). */
enum net_stream_end {
	NET_STREAM_UNREACHED, /* it was never there: `error` tells */
	NET_STREAM_INSECURE,  /* the TLS handshake failed, or a certificate did */
	NET_STREAM_CLOSED,    /* the far end closed it */
	NET_STREAM_RESET,     /* it broke */
	NET_STREAM_TIMED_OUT, /* TCP's own probes or bytes got no answer */
	NET_STREAM_UNREAD,    /* unread_max bytes came, and on_bytes took none */
};

struct net_stream_ending {
	enum net_stream_end end;
	int error;       /* UNREACHED: a negative errno value; else 0 */
	const char *why; /* for people; valid until the callback returns */
};

/* TCP's own keep-alive; idle_s 0: off. */
struct net_stream_keepalive {
	unsigned idle_s;     /* without traffic, until the first probe */
	unsigned interval_s; /* between two probes */
	unsigned probes;     /* so many without an answer end it */
};

struct net_stream_config {
	struct net_address local;  /* to send from; a wildcard: any; its port counts for nothing */
	struct net_address remote; /* of an accepted one: who it is */
	const struct net_tls *tls; /* NULL: plain TCP */
	const char *tls_name;      /* whom the certificate must name; NULL: nobody (accepted) */
	struct net_stream_keepalive keepalive;
	uint8_t dscp;      /* of what is sent: 0..63 (RFC 2474) */
	size_t unread_max; /* bytes kept for on_bytes */
	size_t unsent_max; /* bytes that may wait to be sent */

	/* Connected, and secured with TLS.  May be NULL. */
	void (*on_open)(void *user);
	/* All that came and was not taken yet.  Returns how many bytes of it are taken: the rest
	 * comes again, with more behind it. */
	size_t (*on_bytes)(void *user, const uint8_t *bytes, size_t length);
	/* The last call.  Never from within net_stream_open() or net_stream_write(). */
	void (*on_end)(void *user, const struct net_stream_ending *ending);
	void *user;
};

/* Begins to connect.  What connect() refuses at once is an error here. */
int net_stream_open(struct net_stream **out, struct net_loop *loop,
		    const struct net_stream_config *config);

/* Takes over FD, a connection that came, also on an error. */
int net_stream_accept(struct net_stream **out, struct net_loop *loop,
		      const struct net_stream_config *config, int fd);

void net_stream_close(struct net_stream *stream); /* NULL is fine */

/* Sends, once it is open.  -ENOBUFS: unsent_max would be passed, nothing of it is sent; -EPIPE: it
 * has ended. */
int net_stream_write(struct net_stream *stream, const void *bytes, size_t length);

bool net_stream_is_open(const struct net_stream *stream);

/* Where it is sent from. */
struct net_address net_stream_local(const struct net_stream *stream);

/* ---- listeners ---- */

struct net_listener;

struct net_arrival {
	int fd; /* for net_stream_accept(); the callee's */
	struct net_address source;
};

struct net_listener_config {
	struct net_address local; /* port 0: any free one */
	void (*on_arrival)(void *user, const struct net_arrival *arrival);
	void *user;
};

/* Errors: as net_udp_open(); net_udp_explain() has the words. */
int net_listener_open(struct net_listener **out, struct net_loop *loop,
		      const struct net_listener_config *config);
void net_listener_close(struct net_listener *listener); /* NULL is fine */

struct net_address net_listener_local(const struct net_listener *listener);

#endif
