#include "net/resolver.h"

#include <ares.h>
#include <arpa/nameser.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define TRY_MS_MAX 60000
#define ROUNDS_MAX 10

/* c-ares asks; which server, how long and how often is decided here. For c-ares each server is the
 * only one, and each try the only one: so silence, refusal and "no" stay apart. */

/* A socket that c-ares has open. */
struct channel_socket {
	struct channel_socket *next;
	struct server *server;
	ares_socket_t fd;
	struct net_watch *watch;
};

struct server {
	struct net_resolver *resolver;
	ares_channel channel;
	struct channel_socket *sockets;
	struct net_resolver_counters counters;
};

/* One query given to c-ares, which calls back exactly once for it, maybe long after it has lost its
 * question. */
struct attempt {
	struct question *question; /* NULL: nobody waits for it any more */
};

struct question {
	struct question *next;
	uint64_t id;
	struct net_resolver_question asked; /* its name is not used: it is the caller's */
	struct net_dns_question dns;
	struct net_dns_result result; /* what is known by now */
	bool complete;                /* and that is all */
	uint64_t due_at_ms;           /* when something is to be done for it */
	size_t first;                 /* the server that its first try goes to */
	size_t tries;
	unsigned failed;         /* bit for each server that answered FAILED */
	struct server *server;   /* that it waits for, or NULL */
	struct attempt *attempt; /* under way, or NULL */
};

struct net_resolver {
	struct net_loop *loop;
	struct net_timer *timer;
	struct net_resolver_config config;
	struct server servers[NET_RESOLVER_SERVERS_MAX];
	size_t preferred; /* the server that answered last */
	struct question *questions;
	uint64_t last_id;
};

/* ---- time ---- */

static uint64_t earlier(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

/* Sets the timer to the first moment at which a question or c-ares has something to do. */
static void set_timer(struct net_resolver *resolver)
{
	uint64_t at_ms = NET_NEVER;

	for (const struct question *q = resolver->questions; q != NULL; q = q->next)
		at_ms = earlier(at_ms, q->due_at_ms);
	for (size_t i = 0; i < resolver->config.server_count; i++) {
		struct timeval left;

		if (ares_timeout(resolver->servers[i].channel, NULL, &left) != NULL)
			at_ms = earlier(at_ms, net_now_ms() + (uint64_t)left.tv_sec * 1000 +
						       (uint64_t)left.tv_usec / 1000 + 1);
	}
	net_timer_set(resolver->timer, at_ms);
}

/* ---- c-ares' sockets ---- */

static void socket_ready(void *user, unsigned ready)
{
	const struct channel_socket *s = user;
	struct server *server = s->server; /* `s` may be freed by what follows */

	ares_process_fd(server->channel, ready & NET_READABLE ? s->fd : ARES_SOCKET_BAD,
			ready & NET_WRITABLE ? s->fd : ARES_SOCKET_BAD);
	set_timer(server->resolver);
}

/* c-ares tells what it wants of a socket; neither reading nor writing: it is about to close it. */
static void socket_changed(void *user, ares_socket_t fd, int readable, int writable)
{
	struct server *server = user;
	struct channel_socket **at = &server->sockets;
	struct channel_socket *s;
	struct net_watch_config config = {
		.fd = fd,
		.events = (readable ? NET_READABLE : 0) | (writable ? NET_WRITABLE : 0),
		.on_ready = socket_ready,
	};

	while (*at != NULL && (*at)->fd != fd)
		at = &(*at)->next;
	if (*at == NULL)
		*at = calloc(1, sizeof(**at));
	s = *at;
	if (s == NULL)
		return; /* the try will time out */
	s->server = server;
	s->fd = fd;
	net_watch_free(s->watch);
	s->watch = NULL;
	if (config.events == 0) {
		*at = s->next;
		free(s);
		return;
	}
	config.user = s;
	net_watch_create(&s->watch, server->resolver->loop, &config);
}

/* ---- one try ---- */

static void result_reset(struct net_dns_result *result)
{
	result->status = NET_DNS_SILENT;
	result->why = "no server answered";
	result->count = 0;
	result->cut = 0;
}

/* The question's server has spoken. */
static void server_answered(struct question *q, const uint8_t *packet, size_t size)
{
	struct server *server = q->server;
	struct net_resolver *resolver = server->resolver;
	size_t index = (size_t)(server - resolver->servers);
	bool whole = net_dns_read(&q->dns, packet, size, &q->result);

	q->server = NULL;
	q->due_at_ms = 0;
	if (whole && q->result.status == NET_DNS_FAILED) {
		server->counters.failed++;
		q->failed |= 1u << index;
		return;
	}
	server->counters.answered++;
	resolver->preferred = index;
	q->complete = whole;
	if (!whole) {
		/* A CNAME led elsewhere: a new name, and all tries anew. */
		result_reset(&q->result);
		q->first = index;
		q->tries = 0;
		q->failed = 0;
	}
}

static void try_ended(void *user, int status, int timeouts, unsigned char *packet, int size)
{
	struct attempt *attempt = user;
	struct question *q = attempt->question;

	(void)timeouts;
	free(attempt);
	if (q == NULL)
		return;
	q->attempt = NULL;
	/* Newer c-ares reads packets itself, and keeps those that it can't read. */
	if (packet != NULL || status == ARES_EBADRESP)
		server_answered(q, packet, (size_t)size);
	else if (status != ARES_ETIMEOUT)
		q->due_at_ms = 0; /* unreachable: silent before its time */
	/* A time-out is nothing new: due_at_ms ends the try. Newer c-ares shortens its own. */
}

/* Ends the wait for a server that has not answered. */
static void try_abandon(struct question *q)
{
	if (q->attempt != NULL)
		q->attempt->question = NULL;
	q->attempt = NULL;
	q->server = NULL;
}

static void try_begin(struct net_resolver *resolver, struct question *q, struct server *server)
{
	q->server = server;
	q->due_at_ms = net_now_ms() + resolver->config.try_ms;
	server->counters.asked++;
	q->attempt = malloc(sizeof(*q->attempt));
	if (q->attempt == NULL) {
		q->due_at_ms = 0;
		return;
	}
	*q->attempt = (struct attempt){.question = q};
	ares_query(server->channel, q->dns.name, ns_c_in, (int)q->dns.type, try_ended, q->attempt);
}

/* ---- questions ---- */

/* Begins the next try, or completes the question when all servers had theirs. */
static void question_go_on(struct net_resolver *resolver, struct question *q)
{
	size_t count = resolver->config.server_count;

	if (q->server != NULL)
		q->server->counters.silent++;
	try_abandon(q);
	while (q->tries < count * resolver->config.rounds) {
		size_t index = (q->first + q->tries++) % count;

		if ((q->failed & 1u << index) == 0) {
			try_begin(resolver, q, &resolver->servers[index]);
			return;
		}
	}
	q->complete = true;
	q->due_at_ms = 0;
}

static struct question **find(struct net_resolver *resolver, uint64_t id)
{
	struct question **at = &resolver->questions;

	while (*at != NULL && (*at)->id != id)
		at = &(*at)->next;
	return at;
}

static struct question *take_out(struct question **at)
{
	struct question *q = *at;

	*at = q->next;
	return q;
}

/* Serves one question that is due; when there are more, the timer is due again at once, and
 * whatever else the loop has comes between. */
static void timer_due(void *user)
{
	struct net_resolver *resolver = user;
	struct question **at = &resolver->questions;
	struct question *q;

	for (size_t i = 0; i < resolver->config.server_count; i++)
		ares_process_fd(resolver->servers[i].channel, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
	while (*at != NULL && (*at)->due_at_ms > net_now_ms())
		at = &(*at)->next;
	q = *at;
	if (q != NULL && !q->complete)
		question_go_on(resolver, q);
	if (q == NULL || !q->complete) {
		set_timer(resolver);
		return;
	}
	take_out(at);
	set_timer(resolver);
	/* The last thing done: the callback may free the resolver. */
	q->asked.on_result(q->asked.user, q->id, &q->result);
	free(q);
}

int net_resolver_ask(struct net_resolver *resolver, const struct net_resolver_question *question,
		     uint64_t *id)
{
	struct question *q = calloc(1, sizeof(*q));
	int error;

	if (q == NULL)
		return -ENOMEM;
	error = net_dns_question_init(&q->dns, question->name, question->type);
	if (error != 0) {
		free(q);
		return error;
	}
	q->asked = *question;
	q->id = ++resolver->last_id;
	q->first = resolver->preferred;
	result_reset(&q->result);
	*find(resolver, 0) = q; /* no question has that id: at the end */
	question_go_on(resolver, q);
	set_timer(resolver);
	*id = q->id;
	return 0;
}

void net_resolver_cancel(struct net_resolver *resolver, uint64_t id)
{
	struct question **at = find(resolver, id);

	if (*at == NULL)
		return;
	try_abandon(*at);
	free(take_out(at));
}

/* ---- the resolver ---- */

static bool config_is_valid(const struct net_resolver_config *config)
{
	if (config->server_count > NET_RESOLVER_SERVERS_MAX)
		return false;
	for (size_t i = 0; i < config->server_count; i++) {
		if (config->servers[i].port == 0)
			return false;
	}
	return config->try_ms >= 1 && config->try_ms <= TRY_MS_MAX && config->rounds >= 1 &&
	       config->rounds <= ROUNDS_MAX;
}

static int server_open(struct net_resolver *resolver, size_t index)
{
	struct server *server = &resolver->servers[index];
	char address[NET_ADDRESS_TEXT_MAX];
	struct ares_options options = {
		.flags = ARES_FLAG_NOSEARCH | ARES_FLAG_NOALIASES | ARES_FLAG_NOCHECKRESP,
		.timeout = (int)resolver->config.try_ms,
		.tries = 1,
		.lookups = (char[]){"b"},
		.sock_state_cb = socket_changed,
		.sock_state_cb_data = server,
		.resolvconf_path = (char[]){"/dev/null"}, /* what counts was given */
	};
	int mask = ARES_OPT_FLAGS | ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_LOOKUPS |
		   ARES_OPT_SOCK_STATE_CB | ARES_OPT_RESOLVCONF;

#ifdef ARES_OPT_UDP_MAX_QUERIES
	options.udp_max_queries = 1; /* a fresh source port for every query */
	mask |= ARES_OPT_UDP_MAX_QUERIES;
#endif
#ifdef ARES_OPT_QUERY_CACHE
	options.qcache_max_ttl = 0; /* whoever asks, remembers */
	mask |= ARES_OPT_QUERY_CACHE;
#endif
	server->resolver = resolver;
	if (ares_init_options(&server->channel, &options, mask) != ARES_SUCCESS) {
		server->channel = NULL;
		return -ENOMEM;
	}
	net_address_format(&resolver->config.servers[index], address);
	return ares_set_servers_ports_csv(server->channel, address) == ARES_SUCCESS ? 0 : -ENOMEM;
}

int net_resolver_create(struct net_resolver **out, struct net_loop *loop,
			const struct net_resolver_config *config)
{
	struct net_resolver *resolver;
	int error;

	if (!config_is_valid(config))
		return -EINVAL;
	resolver = calloc(1, sizeof(*resolver));
	if (resolver == NULL)
		return -ENOMEM;
	resolver->loop = loop;
	resolver->config = *config;
	ares_library_init(ARES_LIB_INIT_ALL);
	error = net_timer_create(&resolver->timer, loop,
				 (struct net_callback){timer_due, resolver});
	for (size_t i = 0; i < config->server_count && error == 0; i++)
		error = server_open(resolver, i);
	if (error != 0) {
		net_resolver_free(resolver);
		return error;
	}
	*out = resolver;
	return 0;
}

void net_resolver_free(struct net_resolver *resolver)
{
	if (resolver == NULL)
		return;
	while (resolver->questions != NULL)
		net_resolver_cancel(resolver, resolver->questions->id);
	for (size_t i = 0; i < resolver->config.server_count; i++) {
		if (resolver->servers[i].channel != NULL)
			ares_destroy(resolver->servers[i].channel);
	}
	net_timer_free(resolver->timer);
	ares_library_cleanup();
	free(resolver);
}

struct net_resolver_counters net_resolver_counters(const struct net_resolver *resolver,
						   size_t server)
{
	return resolver->servers[server].counters;
}
