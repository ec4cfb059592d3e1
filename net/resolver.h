/* resolver.h - asks DNS servers, and tells an answer, a "no", an error and silence apart.
 *
 * No search domains, no hosts file, no cache: names are asked as they are, every time.  The server
 * that answered last is asked first, so that a dead one costs its time-out once.  A try that gets
 * no answer in try_ms, or finds the server unreachable, goes on to the next server, round after
 * round.  A server that says FAILED is not asked again for that question, the others are.  A
 * truncated answer is asked for again over TCP, CNAMEs are followed (DNS-17).  Each query leaves
 * from a port of its own.
 *
 * Ownership  net_resolver_create() gives a resolver, freed with net_resolver_free(), also from
 *            an answer's callback.  Open questions then end without a call.
 * Errors     0, or a negative errno value.
 * Threads    Its loop's thread only.
 */
#ifndef NET_RESOLVER_H
#define NET_RESOLVER_H

#include <stdint.h>

#include "net/address.h"
#include "net/dns.h"
#include "net/loop.h"

#define NET_RESOLVER_SERVERS_MAX 8
#define NET_RESOLVER_TRY_MS 2000
#define NET_RESOLVER_ROUNDS 2

struct net_resolver;

struct net_resolver_config {
	struct net_address servers[NET_RESOLVER_SERVERS_MAX];
	size_t server_count; /* 0: every question is SILENT at once */
	uint32_t try_ms;     /* how long one server is waited for, 1..60000 */
	uint32_t rounds;     /* how often each server is asked, 1..10 */
};

struct net_resolver_counters {
	uint64_t asked;
	uint64_t answered; /* with records or with a "no" */
	uint64_t failed;   /* with an error, or with something of no use */
	uint64_t silent;   /* not in time, or unreachable */
};

struct net_resolver_question {
	const char *name; /* with or without a dot at its end; copied */
	enum net_dns_type type;

	/* Called once, from the loop, never from within net_resolver_ask(). `result` is
	 * valid until it returns. */
	void (*on_result)(void *user, uint64_t id, const struct net_dns_result *result);
	void *user;
};

/* The defaults above, and no server. */
void net_resolver_config_init(struct net_resolver_config *config);

/* Takes the servers from the "nameserver" lines of a file in resolv.conf's format; port 53 unless a
 * line gives one.  Lines that it cannot read, and servers that do not fit, are passed over. Returns
 * how many it took, or -errno if the file cannot be opened; the configuration is then unchanged. */
int net_resolver_config_read(struct net_resolver_config *config, const char *path);

/* Errors: -EINVAL a value is outside its range; -ENOMEM. */
int net_resolver_create(struct net_resolver **out, struct net_loop *loop,
			const struct net_resolver_config *config);
void net_resolver_free(struct net_resolver *resolver);

/* Asks.  *id, never 0, names the question for net_resolver_cancel().
 * Errors: -EINVAL not a DNS name, or not one of the types; -ENOMEM. */
int net_resolver_ask(struct net_resolver *resolver, const struct net_resolver_question *question,
		     uint64_t *id);

/* Ends a question without a call.  One that has ended already, or never was, is no error. */
void net_resolver_cancel(struct net_resolver *resolver, uint64_t id);

/* Of the server with that index in the configuration; each try counts in one of the last three once
 * it is over, a cancelled one in none. */
struct net_resolver_counters net_resolver_counters(const struct net_resolver *resolver,
						   size_t server);

#endif
