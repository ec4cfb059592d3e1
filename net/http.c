/* http.c - a small HTTP/1.1 server. */
#include "net/http.h"

#include <errno.h>
#include <event2/buffer.h>
#include <event2/http.h>
#include <event2/keyvalq_struct.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "net/timer.h"

enum { BACKLOG = 16 };

struct net_http {
	struct net_http_config config;
	struct evhttp *server;
	struct net_address local;
	char path[sizeof(((struct sockaddr_un *)NULL)->sun_path)]; /* "": no file */
};

struct net_http_request {
	struct evhttp_request *from;
	struct evkeyvalq query;
	char body[NET_HTTP_BODY_MAX + 1];
};

static const struct {
	const char *name, *value;
} safety[] = {
	{"X-Content-Type-Options", "nosniff"},
	{"Cache-Control", "no-store"},
	{"Referrer-Policy", "no-referrer"},
	{"Content-Security-Policy",
	 "default-src 'none'; style-src 'self' 'unsafe-inline'; script-src 'self'; connect-src "
	 "'self'; img-src data:; form-action 'none'; frame-ancestors 'none'; base-uri 'none'"},
};

static void take_request(struct evhttp_request *from, void *user)
{
	struct net_http *http = user;
	struct net_http_request request = {.from = from};
	const char *query = evhttp_uri_get_query(evhttp_request_get_evhttp_uri(from));
	struct evbuffer *body = evhttp_request_get_input_buffer(from);

	evbuffer_remove(body, request.body, sizeof request.body - 1);
	if (evhttp_parse_query_str(query ? query : "", &request.query)) {
		evhttp_send_error(from, HTTP_BADREQUEST, NULL);
		return;
	}
	http->config.on_request(http->config.user, &request);
	evhttp_clear_headers(&request.query);
}

/* ---- opening ---- */

/* A socket file that nobody listens on is in the way of none. */
static int bind_path(int fd, const char *path)
{
	struct sockaddr_un name = {.sun_family = AF_UNIX};
	mode_t mask;
	int error = 0;

	if (strlen(path) >= sizeof name.sun_path)
		return -ENAMETOOLONG;
	strcpy(name.sun_path, path);
	if (!connect(fd, (struct sockaddr *)&name, sizeof name))
		return -EADDRINUSE;
	if (errno == ECONNREFUSED)
		unlink(path);
	mask = umask(0077);
	if (bind(fd, (struct sockaddr *)&name, sizeof name))
		error = -errno;
	umask(mask);
	return error;
}

static int bind_address(struct net_http *http, int fd)
{
	struct sockaddr_storage name;
	socklen_t length = net_address_to_sockaddr(&http->config.local, &name);
	const int on = 1;

	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
	if (bind(fd, (struct sockaddr *)&name, length))
		return -errno;
	length = sizeof name;
	if (getsockname(fd, (struct sockaddr *)&name, &length))
		return -errno;
	return net_address_from_sockaddr(&http->local, (struct sockaddr *)&name);
}

static int open_socket(struct net_http *http)
{
	const char *path = http->config.path;
	int family = path ? AF_UNIX : net_address_is_ipv4(&http->config.local) ? AF_INET : AF_INET6;
	int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0), error;

	if (fd < 0)
		return -errno;
	error = path ? bind_path(fd, path) : bind_address(http, fd);
	if (!error && path)
		strcpy(http->path, path);
	if (!error && listen(fd, BACKLOG))
		error = -errno;
	if (!error && evutil_make_socket_nonblocking(fd))
		error = -EIO;
	if (!error && evhttp_accept_socket(http->server, fd))
		error = -ENOMEM;
	if (error)
		close(fd);
	return error;
}

int net_http_open(struct net_http **out, struct net_loop *loop,
		  const struct net_http_config *config)
{
	struct net_http *http = calloc(1, sizeof *http);
	int error = -ENOMEM;

	if (!http)
		return -ENOMEM;
	http->config = *config;
	http->server = evhttp_new(loop->base);
	if (http->server) {
		evhttp_set_allowed_methods(http->server, EVHTTP_REQ_GET | EVHTTP_REQ_POST);
		evhttp_set_max_headers_size(http->server, NET_HTTP_HEAD_MAX);
		evhttp_set_max_body_size(http->server, NET_HTTP_BODY_MAX);
		evhttp_set_timeout(http->server, NET_HTTP_IDLE_S);
		evhttp_set_gencb(http->server, take_request, http);
		error = open_socket(http);
	}
	if (error) {
		net_http_close(http);
		return error;
	}
	*out = http;
	return 0;
}

void net_http_close(struct net_http *http)
{
	if (!http)
		return;
	if (http->server)
		evhttp_free(http->server);
	if (http->path[0])
		unlink(http->path);
	free(http);
}

struct net_address net_http_local(const struct net_http *http)
{
	return http->local;
}

/* ---- requests ---- */

bool net_http_is_post(const struct net_http_request *request)
{
	return evhttp_request_get_command(request->from) == EVHTTP_REQ_POST;
}

const char *net_http_path(const struct net_http_request *request)
{
	const char *path = evhttp_uri_get_path(evhttp_request_get_evhttp_uri(request->from));

	return path && *path ? path : "/";
}

const char *net_http_query(struct net_http_request *request, const char *name)
{
	return evhttp_find_header(&request->query, name);
}

const char *net_http_header(const struct net_http_request *request, const char *name)
{
	return evhttp_find_header(evhttp_request_get_input_headers(request->from), name);
}

const char *net_http_body(struct net_http_request *request)
{
	return request->body;
}

void net_http_answer(struct net_http_request *request, const struct net_http_reply *reply)
{
	struct evkeyvalq *headers = evhttp_request_get_output_headers(request->from);
	struct evbuffer *body = evbuffer_new();

	evhttp_add_header(headers, "Content-Type", reply->type);
	for (size_t i = 0; i < sizeof safety / sizeof *safety; i++)
		evhttp_add_header(headers, safety[i].name, safety[i].value);
	if (!body || evbuffer_add(body, reply->body, reply->length))
		evhttp_send_error(request->from, HTTP_INTERNAL, NULL);
	else
		evhttp_send_reply(request->from, reply->status, NULL, body);
	if (body)
		evbuffer_free(body);
}
