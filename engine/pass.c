#include "engine/pass.h"

#include "engine/dns.h"
#include "engine/names.h"

#include <string.h>

/* Where addresses are wanted, and what the routes made of them are like. */
struct place {
	const char *name;
	uint16_t port, priority, weight;
	enum kl_transport transport;
	uint8_t rr;
};

static const char *const srv_prefixes[] = {"_sip._udp.", "_sip._tcp.", "_sips._tcp."};

static uint16_t default_port(enum kl_transport transport)
{
	return transport == KL_TLS ? 5061 : 5060;
}

static bool transport_usable(const struct kl_engine *e, enum kl_transport transport)
{
	return e->config->transports >> transport & 1;
}

/* Looks a question up and keeps account of what the pass still waits for. */
static bool pass_found(struct pass *pass, const char *name, enum kl_record_type type, uint32_t *q)
{
	const struct question question = {name, type, pass->look, pass->set};
	const enum need need = dns_need(pass->e, &question, q);
	pass->failed |= need == NEED_PENDING || dns_failed(pass->e, *q);
	switch (need) {
	case NEED_PENDING:
		/* Whoever waited long enough counts an open question as one without an answer; and
		 * what stands behind it is still in use. */
		pass->pending |= pass->look != LOOK_SETTLE && pass->look != LOOK_KEEP;
		return false;
	case NEED_STALE:
		pass->stale = true;
		return true;
	case NEED_FOUND:
		return true;
	case NEED_NONE:
		pass->full |= *q == NONE && pass->look != LOOK_SETTLE;
		return false;
	}
	return false;
}

static void pass_add(struct pass *pass, const struct place *place, const uint8_t ip[16],
		     const struct query *query)
{
	if (pass->count == KL_DNS_RECORDS_MAX) {
		pass->failed = true; /* not the whole answer: what is not listed may be there */
		return;
	}
	struct candidate *candidate = &pass->list[pass->count++];
	*candidate = (struct candidate){.name = query ? query->name : 0,
					.ttl_ms = query ? query->ttl_ms : 0,
					.priority = place->priority,
					.weight = place->weight,
					.record = pass->record,
					.rank = pass->rank,
					.rr = place->rr};
	memcpy(candidate->route.ip, ip, 16);
	candidate->route.port = place->port;
	candidate->route.transport = (uint8_t)place->transport;
	if (place->transport == KL_TLS)
		candidate->route.tls_name = pass->tls_name;
}

/* A-record answers keep the order of the answer.  DNS-6 */
static void pass_addresses(struct pass *pass, const struct place *place)
{
	static const struct {
		enum kl_families family;
		enum kl_record_type type;
	} kinds[] = {{KL_IPV4, KL_A}, {KL_IPV6, KL_AAAA}};
	uint8_t ip[16];
	uint32_t q;
	/* Some zones write an address where a host name belongs (RFC 2782 forbids it). */
	if (address_parse(ip, place->name)) {
		pass_add(pass, place, ip, NULL);
		return;
	}
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		if (!(pass->e->config->families & kinds[i].family) ||
		    !pass_found(pass, place->name, kinds[i].type, &q))
			continue;
		const struct query *query = query_at(pass->e, q);
		for (uint32_t n = query->first_record; n != NONE; n = record_at(pass->e, n)->next)
			pass_add(pass, place, record_at(pass->e, n)->ip, query);
	}
}

/* An order of content for SRV records, so that a server that rotates its answers does not change
 * what was drawn.  DNS-5 */
static bool srv_before(const struct kl_engine *e, const struct record *a, const struct record *b)
{
	if (a->priority != b->priority)
		return a->priority < b->priority;
	int names = strcmp(name_text(e, a->name), name_text(e, b->name));
	return names != 0 ? names < 0 : a->port < b->port;
}

static uint8_t srv_rank(const struct kl_engine *e, const struct query *query, uint32_t record)
{
	uint8_t rank = 0;
	for (uint32_t n = query->first_record; n != NONE; n = record_at(e, n)->next)
		if (n != record && srv_before(e, record_at(e, n), record_at(e, record)))
			rank++;
	return rank;
}

/* One SRV name, one service record.  True if the name has SRV records, even such that give no
 * address or say "." (not offered): then nobody asks for the domain's own address.  DNS-9 */
static bool pass_srv(struct pass *pass, const char *name, enum kl_transport transport)
{
	uint32_t q;
	uint8_t count = 0, before = pass->count;
	if (!pass_found(pass, name, KL_SRV, &q))
		return false;
	const struct query *query = query_at(pass->e, q);
	for (uint32_t n = query->first_record; n != NONE;
	     n = record_at(pass->e, n)->next, count++) {
		const struct record *record = record_at(pass->e, n);
		const struct place place = {
			.name = name_text(pass->e, record->name),
			.port = record->port ? record->port : default_port(transport),
			.priority = record->priority,
			.weight = record->weight,
			.transport = transport,
			.rr = (uint8_t)(pass->rr + srv_rank(pass->e, query, n))};
		if (place.rr >= KL_DNS_RECORDS_MAX)
			pass->failed = true;
		else if (!name_equal(place.name, "."))
			pass_addresses(pass, &place);
	}
	pass->rr = (uint8_t)(pass->rr + count < KL_DNS_RECORDS_MAX ? pass->rr + count
								   : KL_DNS_RECORDS_MAX);
	if (pass->count > before)
		pass->record++;
	return true;
}

static bool pass_srv_of(struct pass *pass, const char *domain, enum kl_transport transport)
{
	char name[KL_NAME_MAX + 1];
	size_t prefix = strlen(srv_prefixes[transport]), length = strlen(domain);
	if (prefix + length > KL_NAME_MAX)
		return false;
	memcpy(name, srv_prefixes[transport], prefix);
	memcpy(name + prefix, domain, length + 1);
	return pass_srv(pass, name, transport);
}

/* NAPTR records by order, then preference; equal ones in any fixed order. */
static bool naptr_before(const struct kl_engine *e, uint32_t a, uint32_t b)
{
	const struct record *x = record_at(e, a), *y = record_at(e, b);
	if (x->priority != y->priority)
		return x->priority < y->priority;
	return x->weight != y->weight ? x->weight < y->weight : a < b;
}

/* The NAPTR record that follows BEHIND (NONE: the first); NONE at the end. */
static uint32_t naptr_next(const struct kl_engine *e, const struct query *query, uint32_t behind)
{
	uint32_t best = NONE;
	for (uint32_t n = query->first_record; n != NONE; n = record_at(e, n)->next)
		if ((behind == NONE || naptr_before(e, behind, n)) &&
		    (best == NONE || naptr_before(e, n, best)))
			best = n;
	return best;
}

/* RFC 3263 4.1; the Poly guide's table walks on to higher orders, RFC 3403 stops at the first that
 * can be used.  DNS-1, DNS-8 */
static bool pass_naptr(struct pass *pass, const char *name, const struct kl_policy *policy)
{
	uint32_t q;
	if (!pass_found(pass, name, KL_NAPTR, &q))
		return false;
	const struct query *query = query_at(pass->e, q);
	const struct record *first = NULL;
	for (uint32_t n = naptr_next(pass->e, query, NONE); n != NONE;
	     n = naptr_next(pass->e, query, n)) {
		const struct record *record = record_at(pass->e, n);
		if (record->flag != 's' || !transport_usable(pass->e, record->service))
			continue;
		if (!first)
			first = record;
		if (policy->naptr_first_order && record->priority != first->priority)
			break;
		pass_srv(pass, name_text(pass->e, record->name), record->service);
	}
	return true;
}

/* The name's own addresses, on the port given or the transport's own.  DNS-3, DNS-4, PROBE-2 */
static void pass_name(struct pass *pass, const char *name, uint16_t port,
		      enum kl_transport transport)
{
	const struct place place = {.name = name,
				    .port = port ? port : default_port(transport),
				    .priority = 1,
				    .transport = transport,
				    .rr = pass->rr};
	if (place.rr == KL_DNS_RECORDS_MAX) {
		pass->failed = true;
		return;
	}
	pass_addresses(pass, &place);
	pass->rr++;
	pass->record++;
}

/* The transports of each choice in the order of their service records; of NAPTR's, with no NAPTR
 * record to say better, those whose SRV names are asked for.  `own` of them are used with the
 * name's own address: without a choice that is UDP.  DNS-2, DNS-4 */
static const struct {
	uint8_t count, own;
	enum kl_transport transports[3];
} choices[KL_TRANSPORT_CHOICES_MAX] = {
	[KL_CHOOSE_NAPTR] = {3, 1, {KL_UDP, KL_TCP, KL_TLS}},
	[KL_CHOOSE_UDP] = {1, 1, {KL_UDP}},
	[KL_CHOOSE_TCP] = {1, 1, {KL_TCP}},
	[KL_CHOOSE_TLS] = {1, 1, {KL_TLS}},
	[KL_CHOOSE_TCP_PREFERRED] = {2, 2, {KL_TCP, KL_UDP}},
};

/* One name of the entry.  CS-18-10: a spec may be a service, a name, or an address.  PROBE-1 */
static void pass_spec(struct pass *pass, const struct kl_entry_config *config, const char *name)
{
	uint8_t choice = config->transport_choice, ip[16];
	const enum kl_transport *transports = choices[choice].transports;
	bool found = false, services = config->port == 0 || config->policy->srv_first;
	if (services && !address_parse(ip, name)) {
		if (choice == KL_CHOOSE_NAPTR)
			found = pass_naptr(pass, name, config->policy);
		bool ask = !found && !pass->pending;
		for (uint8_t i = 0; ask && i < choices[choice].count; i++)
			if (transport_usable(pass->e, transports[i]))
				found |= pass_srv_of(pass, name, transports[i]);
	}
	for (uint8_t i = 0; !found && !pass->pending && i < choices[choice].own; i++)
		if (transport_usable(pass->e, transports[i]))
			pass_name(pass, name, config->port, transports[i]);
}

/* CS-18-10: the list is built by adding addresses as the names are given; one that leads nowhere
 * leaves the others as they are.  PROBE-1, PROBE-2 */
void pass_run(struct pass *pass, const struct kl_entry_config *config)
{
	bool pending = false;
	uint8_t ip[16];
	for (uint8_t i = 0; i <= config->more_count; i++) {
		const char *name = i ? config->more_names[i - 1] : config->name;
		pass->rank = i;
		pass->pending = false;
		pass->tls_name = address_parse(ip, name) ? 0 : kl_tls_name(name);
		pass_spec(pass, config, name);
		pending |= pass->pending;
	}
	pass->pending = pending;
}
