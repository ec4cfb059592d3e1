/* dns.c - the engine's questions to the DNS, and the answers as its events. */
#include "phone/dns.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "net/filewatch.h"
#include "net/hosts.h"
#include "phone/log.h"

struct question {
	LIST_ENTRY(question) others;
	struct phone_dns *dns;
	uint32_t query; /* the engine's name for it */
	enum kl_record_type type;
	/* Somebody else's: as in phone_dns_search; NULL: the engine's. */
	void (*on_result)(void *user, const struct net_dns_result *result);
	void *user;
	struct net_dns_question asked;
};

struct phone_dns {
	struct net_loop *loop;
	struct net_resolver *resolver;
	struct net_resolver_config resolver_config;
	struct net_filewatch *watch; /* of resolver_path; NULL: it is not watched */
	struct phone_dns_config config;
	LIST_HEAD(, question) open; /* bounded by the engine's limits.queries */
};

/* ---- translation ----------------------------------------------------------------------------- */

static enum kl_dns_status status_of(enum net_dns_status status)
{
	switch (status) {
	case NET_DNS_ANSWER:
		return KL_DNS_ANSWER;
	case NET_DNS_NEGATIVE:
		return KL_DNS_NEGATIVE;
	case NET_DNS_FAILED:
		return KL_DNS_FAILED;
	case NET_DNS_SILENT:
		break;
	}
	return KL_DNS_SILENT;
}

static enum net_dns_type type_of(enum kl_record_type type)
{
	switch (type) {
	case KL_A:
		return NET_DNS_A;
	case KL_AAAA:
		return NET_DNS_AAAA;
	case KL_SRV:
		return NET_DNS_SRV;
	case KL_NAPTR:
		break;
	}
	return NET_DNS_NAPTR;
}

static struct kl_dns_record record_of(const struct net_dns_record *from)
{
	struct kl_dns_record to = {
		.ttl_ms = (kl_ms)from->ttl_s * 1000,
		.name = from->name,
		.service = from->service,
		.priority = from->priority,
		.weight = from->weight,
		.port = from->port,
		.flag = from->flag,
	};

	memcpy(to.ip, from->ip, sizeof to.ip);
	return to;
}

void phone_dns_event(const struct net_dns_result *result, uint32_t query,
		     struct kl_dns_record *records, struct kl_event *event)
{
	uint32_t count = 0;

	for (; count < result->count && count < KL_DNS_RECORDS_MAX; count++)
		records[count] = record_of(&result->records[count]);
	*event = (struct kl_event){
		.type = KL_EV_DNS,
		.dns = {.query = query,
			.status = status_of(result->status),
			.count = count,
			.records = records},
	};
}

/* ---- asking ---------------------------------------------------------------------------------- */

static void answer(struct question *question, const struct net_dns_result *result)
{
	const struct question asked = *question;
	const struct phone_dns_config *config = &asked.dns->config;
	struct kl_dns_record records[KL_DNS_RECORDS_MAX];
	struct kl_event event;

	LIST_REMOVE(question, others);
	free(question);
	if (asked.on_result) {
		asked.on_result(asked.user, result);
		return;
	}
	phone_dns_event(result, asked.query, records, &event);
	if (config->on_known)
		config->on_known(config->user, &(struct phone_dns_known){asked.asked.name,
									 asked.type, &event.dns});
	config->on_answer(config->user, &event);
}

static void take_result(void *user, uint64_t id, const struct net_dns_result *result)
{
	(void)id;
	answer(user, result);
}

static void ask_servers(struct question *question)
{
	static const struct net_dns_result failed = {.status = NET_DNS_FAILED};
	const struct net_resolver_question ask = {
		.name = question->asked.name,
		.type = question->asked.type,
		.on_result = take_result,
		.user = question,
	};
	uint64_t id;
	int error = net_resolver_ask(question->dns->resolver, &ask, &id);

	if (!error)
		return;
	phone_log(PHONE_LOG_WARNING, "cannot ask the DNS for %s: %s", ask.name, strerror(-error));
	answer(question, &failed);
}

/* NULL: out of memory, or it is no name. */
static struct question *question_new(struct phone_dns *dns, const char *name,
				     enum net_dns_type type)
{
	struct question *question = calloc(1, sizeof *question);

	if (!question || net_dns_question_init(&question->asked, name, type)) {
		free(question);
		return NULL;
	}
	question->dns = dns;
	LIST_INSERT_HEAD(&dns->open, question, others);
	return question;
}

static void ask(struct question *question)
{
	const char *hosts = question->dns->config.hosts_path;
	struct net_dns_result result;

	if (hosts && net_hosts_find(hosts, &question->asked, &result))
		answer(question, &result);
	else
		ask_servers(question);
}

void phone_dns_ask(struct phone_dns *dns, const struct kl_action_query *query)
{
	struct question *question = question_new(dns, query->name, type_of(query->type));
	const struct kl_event failed = {
		.type = KL_EV_DNS,
		.dns = {.query = query->query, .status = KL_DNS_FAILED},
	};

	if (!question) {
		dns->config.on_answer(dns->config.user, &failed);
		return;
	}
	question->query = query->query;
	question->type = query->type;
	ask(question);
}

int phone_dns_find(struct phone_dns *dns, const struct phone_dns_search *search)
{
	struct question *question = question_new(dns, search->name, search->type);

	if (!question)
		return -EINVAL;
	question->on_result = search->on_result;
	question->user = search->user;
	ask(question);
	return 0;
}

static void ignore(void *user, const struct net_dns_result *result)
{
	(void)user;
	(void)result;
}

/* They stay open until their answer comes, which is bounded, for one of them may be on its way. */
void phone_dns_forget(struct phone_dns *dns, const void *user)
{
	struct question *question;

	LIST_FOREACH(question, &dns->open, others)
	if (question->on_result && question->user == user)
		question->on_result = ignore;
}

/* ---- other servers --------------------------------------------------------------------------- */

static bool same_servers(const struct net_resolver_config *a, const struct net_resolver_config *b)
{
	if (a->server_count != b->server_count)
		return false;
	for (size_t i = 0; i < a->server_count; i++)
		if (net_address_compare(&a->servers[i], &b->servers[i]))
			return false;
	return true;
}

/* What was asked of the old servers is asked of the new ones, from the beginning: those may be out
 * of reach for good. */
static void use_servers(struct phone_dns *dns, const struct net_resolver_config *config)
{
	struct net_resolver *resolver;
	struct question *question, *next;

	if (net_resolver_create(&resolver, dns->loop, config))
		return;
	net_resolver_free(dns->resolver);
	dns->resolver = resolver;
	dns->resolver_config = *config;
	for (question = LIST_FIRST(&dns->open); question; question = next) {
		next = LIST_NEXT(question, others); /* what is asked meanwhile stands before it */
		ask_servers(question);
	}
	dns->config.on_servers(dns->config.user, config); /* which may lead to new questions */
}

/* A file that is gone, or names no server, may be half-way replaced: the old servers stay. */
static void take_change(void *user)
{
	struct phone_dns *dns = user;
	struct net_resolver_config config = dns->resolver_config;

	if (net_resolver_config_read(&config, dns->config.resolver_path) <= 0 ||
	    same_servers(&config, &dns->resolver_config))
		return;
	phone_log(PHONE_LOG_NOTICE, "other DNS servers: %s is new", dns->config.resolver_path);
	use_servers(dns, &config);
}

static void watch_servers(struct phone_dns *dns)
{
	const char *path = dns->config.resolver_path;
	int error = net_filewatch_open(&dns->watch, dns->loop, path,
				       (struct net_callback){take_change, dns});

	if (error)
		phone_log(PHONE_LOG_WARNING, "changes of %s will not be noticed: %s", path,
			  strerror(-error));
	if (net_resolver_config_read(&dns->resolver_config, path) <= 0)
		phone_log(PHONE_LOG_WARNING, "no DNS server is known: names can't be looked up");
}

/* ---- life ------------------------------------------------------------------------------------ */

int phone_dns_create(struct phone_dns **out, const struct phone_dns_config *config)
{
	struct phone_dns *dns = calloc(1, sizeof *dns);
	int error;

	if (!dns)
		return -ENOMEM;
	dns->loop = config->loop;
	dns->config = *config;
	dns->resolver_config = *config->resolver;
	if (config->resolver_path)
		watch_servers(dns);
	error = net_resolver_create(&dns->resolver, dns->loop, &dns->resolver_config);
	if (error) {
		phone_dns_free(dns);
		return error;
	}
	*out = dns;
	return 0;
}

const struct net_resolver_config *phone_dns_servers(const struct phone_dns *dns)
{
	return &dns->resolver_config;
}

void phone_dns_free(struct phone_dns *dns)
{
	struct question *question;

	if (!dns)
		return;
	net_filewatch_close(dns->watch);
	net_resolver_free(dns->resolver);
	while ((question = LIST_FIRST(&dns->open))) {
		LIST_REMOVE(question, others);
		free(question);
	}
	free(dns);
}
