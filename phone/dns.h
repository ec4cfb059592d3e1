/* dns.h - the engine's questions to the DNS, and the answers as its events. */
#ifndef PHONE_DNS_H
#define PHONE_DNS_H

#include "keepline/keepline.h"
#include "net/resolver.h"

struct phone_dns;

/* What came of a question of the engine. */
struct phone_dns_known {
	const char *name;
	enum kl_record_type type;
	const struct kl_event_dns *answer;
};

struct phone_dns_config {
	struct net_loop *loop;
	const struct net_resolver_config *resolver;
	const char *resolver_path, *hosts_path; /* as in phone_config */

	/* Called once for each question, also from within phone_dns_ask().  The event's records
	 * are valid until it returns. */
	void (*on_answer)(void *user, const struct kl_event *event);

	/* Told of the same before that; valid until it returns.  May be NULL. */
	void (*on_known)(void *user, const struct phone_dns_known *known);

	/* Called when other DNS servers are asked from now on. */
	void (*on_servers)(void *user, const struct net_resolver_config *resolver);
	void *user;
};

/* -EINVAL, -ENOMEM. */
int phone_dns_create(struct phone_dns **out, const struct phone_dns_config *config);
void phone_dns_free(struct phone_dns *dns); /* NULL is fine; open questions are dropped */

/* Those that are asked now. */
const struct net_resolver_config *phone_dns_servers(const struct phone_dns *dns);

void phone_dns_ask(struct phone_dns *dns, const struct kl_action_query *query);

/* A question of somebody else. */
struct phone_dns_search {
	const char *name; /* copied */
	enum net_dns_type type;
	/* Called once, also from within phone_dns_find(); RESULT is valid until it returns. */
	void (*on_result)(void *user, const struct net_dns_result *result);
	void *user;
};

/* -EINVAL: it is no name, or there is no memory; on_result is not called then. */
int phone_dns_find(struct phone_dns *dns, const struct phone_dns_search *search);

/* The searches of USER end without a call. */
void phone_dns_forget(struct phone_dns *dns, const void *user);

/* RESULT as the engine's event; RECORDS (KL_DNS_RECORDS_MAX) hold what the event points to, and
 * point into RESULT. */
void phone_dns_event(const struct net_dns_result *result, uint32_t query,
		     struct kl_dns_record *records, struct kl_event *event);

#endif
