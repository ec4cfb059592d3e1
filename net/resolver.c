#include "net/resolver.h"

#include <ares.h>
#include <arpa/nameser.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define TRY_MS_MAX 60000
#define ROUNDS_MAX 10

/* c-ares asks; which server, how long and how often is decided here. For c-ares each server is the
 * only one, and each try the only one: so silence, refusal and "no" stay apart. A channel keeps its
 * socket for as long as it has queries, so each query has a channel of its own: its port is a fresh
 * one, which an answer out of the blue has to guess, too (RFC 5452 9.2). */

/* A socket that c-ares has open. */
struct channel_socket {
	struct channel_socket *next;
	struct attempt *attempt;
	ares_socket_t fd;
	struct net_watch *watch;
};

/* One query given to c-ares. */
struct attempt {
	struct attempt *next;
	struct net_resolver *resolver;
	struct question *question; /* NULL: nobody waits for it any more, and it can be freed */
	ares_channel channel;
	struct channel_socket *sockets;
};

struct server {
	struct net_resolver *resolver;
	struct net_resolver_counters counters;
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
	struct attempt *attempts;
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
	for (const struct attempt *a = resolver->attempts; a != NULL; a = a->next) {
		struct timeval left;

		if (ares_timeout(a->channel, NULL, &left) != NULL)
			at_ms = earlier(at_ms, net_now_ms() + (uint64_t)left.tv_sec * 1000 +
						       (uint64_t)left.tv_usec / 1000 + 1);
	}
	net_timer_set(resolver->timer, at_ms);
}

/* ---- c-ares' sockets ---- */

/* Frees what is over. Not to be called from within c-ares. */
static void free_attempts(struct net_resolver *resolver)
{
	struct attempt **at = &resolver->attempts;

	while (*at != NULL) {
		struct attempt *attempt = *at;

		if (attempt->question != NULL) {
			at = &attempt->next;
			continue;
		}
		*at = attempt->next;
		ares_destroy(attempt->channel); /* and its sockets, by socket_changed() */
		free(attempt);
	}
}

static void socket_ready(void *user, unsigned ready)
{
	const struct channel_socket *s = user;
	struct attempt *attempt = s->attempt; /* `s` may be freed by what follows */
	struct net_resolver *resolver = attempt->resolver;

	ares_process_fd(attempt->channel, ready & NET_READABLE ? s->fd : ARES_SOCKET_BAD,
			ready & NET_WRITABLE ? s->fd : ARES_SOCKET_BAD);
	free_attempts(resolver);
	set_timer(resolver);
}

/* c-ares tells what it wants of a socket; neither reading nor writing: it is about to close it. */
static void socket_changed(void *user, ares_socket_t fd, int readable, int writable)
{
	struct attempt *attempt = user;
	struct channel_socket **at = &attempt->sockets;
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
	s->attempt = attempt;
	s->fd = fd;
	net_watch_free(s->watch);
	s->watch = NULL;
	if (config.events == 0) {
		*at = s->next;
		free(s);
		return;
	}
	config.user = s;
	net_watch_create(&s->watch, attempt->resolver->loop, &config);
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
	if (q == NULL)
		return;
	attempt->question = NULL;
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

static bool channel_open(struct attempt *attempt, const struct net_address *server)
{
	char address[NET_ADDRESS_TEXT_MAX];
	struct ares_options options = {
		.flags = ARES_FLAG_NOSEARCH | ARES_FLAG_NOALIASES | ARES_FLAG_NOCHECKRESP,
		.timeout = (int)attempt->resolver->config.try_ms,
		.tries = 1,
		.lookups = (char[]){"b"},
		.sock_state_cb = socket_changed,
		.sock_state_cb_data = attempt,
		.resolvconf_path = (char[]){"/dev/null"}, /* what counts was given */
	};
	int mask = ARES_OPT_FLAGS | ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_LOOKUPS |
		   ARES_OPT_SOCK_STATE_CB | ARES_OPT_RESOLVCONF;

#ifdef ARES_OPT_QUERY_CACHE
	options.qcache_max_ttl = 0; /* whoever asks, remembers */
	mask |= ARES_OPT_QUERY_CACHE;
#endif
	if (ares_init_options(&attempt->channel, &options, mask) != ARES_SUCCESS) {
		attempt->channel = NULL;
		return false;
	}
	net_address_format(server, address);
	return ares_set_servers_ports_csv(attempt->channel, address) == ARES_SUCCESS;
}

static struct attempt *attempt_new(struct question *q, const struct net_address *server)
{
	struct net_resolver *resolver = q->server->resolver;
	struct attempt *attempt = calloc(1, sizeof(*attempt));

	if (attempt == NULL)
		return NULL;
	attempt->resolver = resolver;
	if (!channel_open(attempt, server)) {
		if (attempt->channel != NULL)
			ares_destroy(attempt->channel);
		free(attempt);
		return NULL;
	}
	attempt->question = q;
	attempt->next = resolver->attempts;
	resolver->attempts = attempt;
	return attempt;
}

static void try_begin(struct net_resolver *resolver, struct question *q, size_t index)
{
	q->server = &resolver->servers[index];
	q->due_at_ms = net_now_ms() + resolver->config.try_ms;
	q->server->counters.asked++;
	q->attempt = attempt_new(q, &resolver->config.servers[index]);
	if (q->attempt == NULL) {
		q->due_at_ms = 0;
		return;
	}
	ares_query(q->attempt->channel, q->dns.name, ns_c_in, (int)q->dns.type, try_ended,
		   q->attempt);
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
			try_begin(resolver, q, index);
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

	for (const struct attempt *a = resolver->attempts; a != NULL; a = a->next)
		ares_process_fd(a->channel, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
	free_attempts(resolver);
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
	for (size_t i = 0; i < config->server_count; i++)
		resolver->servers[i].resolver = resolver;
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
	free_attempts(resolver);
	net_timer_free(resolver->timer);
	ares_library_cleanup();
	free(resolver);
}

struct net_resolver_counters net_resolver_counters(const struct net_resolver *resolver,
						   size_t server)
{
	return resolver->servers[server].counters;
}
