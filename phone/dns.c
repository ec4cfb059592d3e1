/* dns.c - the engine's questions to the DNS, and the answers as its events. */
#include "phone/dns.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "phone/log.h"

struct question {
	LIST_ENTRY(question) others;
	struct phone_dns *dns;
	uint32_t query; /* the engine's name for it */
};

struct phone_dns {
	struct net_resolver *resolver;
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

static void take_result(void *user, uint64_t id, const struct net_dns_result *result)
{
	struct question *question = user;
	struct phone_dns *dns = question->dns;
	struct kl_dns_record records[KL_DNS_RECORDS_MAX];
	struct kl_event event;

	(void)id;
	phone_dns_event(result, question->query, records, &event);
	LIST_REMOVE(question, others);
	free(question);
	dns->config.on_answer(dns->config.user, &event);
}

void phone_dns_ask(struct phone_dns *dns, const struct kl_action_query *query)
{
	struct question *question = malloc(sizeof *question);
	struct net_resolver_question ask = {
		.name = query->name,
		.type = type_of(query->type),
		.on_result = take_result,
		.user = question,
	};
	struct kl_event failed = {
		.type = KL_EV_DNS,
		.dns = {.query = query->query, .status = KL_DNS_FAILED},
	};
	uint64_t id;
	int error = question ? net_resolver_ask(dns->resolver, &ask, &id) : -ENOMEM;

	if (!error) {
		*question = (struct question){.dns = dns, .query = query->query};
		LIST_INSERT_HEAD(&dns->open, question, others);
		return;
	}
	phone_log(PHONE_LOG_WARNING, "cannot ask the DNS for %s: %s", query->name,
		  strerror(-error));
	free(question);
	dns->config.on_answer(dns->config.user, &failed);
}

int phone_dns_create(struct phone_dns **out, const struct phone_dns_config *config)
{
	struct phone_dns *dns = calloc(1, sizeof *dns);
	int error =
		dns ? net_resolver_create(&dns->resolver, config->loop, config->resolver) : -ENOMEM;

	if (error) {
		free(dns);
		return error;
	}
	dns->config = *config;
	*out = dns;
	return 0;
}

void phone_dns_free(struct phone_dns *dns)
{
	struct question *question;

	if (!dns)
		return;
	net_resolver_free(dns->resolver);
	while ((question = LIST_FIRST(&dns->open))) {
		LIST_REMOVE(question, others);
		free(question);
	}
	free(dns);
}
