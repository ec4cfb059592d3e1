/* http.h - a small HTTP/1.1 server, on a loopback address or on a socket file of this machine.
 *
 * A thin face of libevent's: requests are whole when they are seen, and bounded.  Who may ask what
 * is its user's affair.
 *
 * Ownership  net_http_open() gives a server that the caller closes.  A request belongs to the
 * server; it is valid until it is answered, which its callback does before it returns. Errors 0, or
 * a negative errno value. Threads    Its loop's thread only.
 */
#ifndef NET_HTTP_H
#define NET_HTTP_H

#include "net/address.h"
#include "net/loop.h"

enum {
	NET_HTTP_HEAD_MAX = 8192, /* bytes of a request's head, */
	NET_HTTP_BODY_MAX = 4096, /* and of its body */
	NET_HTTP_IDLE_S = 30,     /* a connection that says nothing for so long is closed */
};

struct net_http;
struct net_http_request;

struct net_http_config {
	const char *path;         /* a socket file, for its owner alone; or NULL: */
	struct net_address local; /* port 0: any free one */
	void (*on_request)(void *user, struct net_http_request *request);
	void *user;
};

/* Errors: as net_udp_open(); -EADDRINUSE also: somebody listens on the socket file.  One that
 * nobody listens on is replaced. */
int net_http_open(struct net_http **out, struct net_loop *loop,
		  const struct net_http_config *config);
void net_http_close(struct net_http *http); /* NULL is fine; a socket file is removed */

struct net_address net_http_local(const struct net_http *http);

/* ---- a request ---- */

bool net_http_is_post(const struct net_http_request *request);     /* else it is GET */
const char *net_http_path(const struct net_http_request *request); /* "/orders" */

/* The first value of that name, NULL: there is none.  Valid as long as the request. */
const char *net_http_query(struct net_http_request *request, const char *name);
const char *net_http_header(const struct net_http_request *request, const char *name);

/* The body as text with its end; what has NUL bytes is cut there. */
const char *net_http_body(struct net_http_request *request);

struct net_http_reply {
	int status;
	const char *type; /* "text/html; charset=utf-8" */
	const char *body;
	size_t length;
};

/* Answers, with headers that keep a browser from guessing, caching, framing, and from fetching
 * anything from elsewhere. */
void net_http_answer(struct net_http_request *request, const struct net_http_reply *reply);

#endif
