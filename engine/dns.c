#include "engine/dns.h"

#include "engine/names.h"
#include "engine/schedule.h"

#include <string.h>

/* A TTL longer than this (2^31 occurs) would never be looked at again.  DNS-17 */
static const kl_ms ttl_ceiling_ms = 24 * 3600 * 1000;

/* A question that got no records is asked again in the background: after a failure soon, after a
 * negative answer as resolvers keep one (RFC 2308). */
static const kl_ms failed_retry_ms = 30000;
static const kl_ms negative_retry_ms = 300000;

/* A query is known to the host by its place and the place's generation, so that an answer to a
 * forgotten question hits nobody. */
static uint32_t query_id(const struct kl_engine *e, uint32_t q)
{
	return (uint32_t)query_at(e, q)->generation << 16 | q;
}

static void query_ask(struct kl_engine *e, uint32_t q)
{
	struct query *query = query_at(e, q);
	if (query->asking)
		return;
	query->asking = true;
	schedule_set(e, query_node(e, q), KL_NEVER);
	owe(e, query_node(e, q), OWES_ASK);
}

static const struct kl_policy *set_policy(const struct kl_engine *e, uint32_t s)
{
	return entry_config(e, set_at(e, s)->line, set_at(e, s)->entry)->policy;
}

static const struct kl_policy *query_policy(const struct kl_engine *e, const struct query *query)
{
	return set_policy(e, query->set);
}

bool dns_same_policy(const struct kl_policy *a, const struct kl_policy *b)
{
	return a == b ||
	       (a->naptr_first_order == b->naptr_first_order && a->srv_first == b->srv_first &&
		a->dns_lookup_ms == b->dns_lookup_ms && a->dns_restore == b->dns_restore &&
		a->dns_restore_ms == b->dns_restore_ms && a->dns_stale == b->dns_stale &&
		a->dns_remember == b->dns_remember && a->static_first == b->static_first &&
		a->dns_ahead == b->dns_ahead);
}

static uint32_t query_find(const struct kl_engine *e, const struct question *question,
			   uint32_t *room)
{
	const struct kl_policy *policy = set_policy(e, question->set);
	*room = NONE;
	for (uint32_t q = 0; q < e->config->limits.queries; q++) {
		const struct query *query = query_at(e, q);
		if (query->state == QUERY_FREE) {
			if (*room == NONE)
				*room = q;
		} else if (query->type == question->type &&
			   name_equal(name_text(e, query->name), question->name) &&
			   dns_same_policy(query_policy(e, query), policy)) {
			return q;
		}
	}
	return NONE;
}

static uint32_t query_make(struct kl_engine *e, const struct question *question, uint32_t room)
{
	uint32_t name = room == NONE ? 0 : name_keep(e, question->name);
	if (name == 0)
		return NONE;
	struct query *query = query_at(e, room);
	*query = (struct query){.name = name,
				.type = (uint8_t)question->type,
				.state = QUERY_UNKNOWN,
				.first_record = NONE,
				.set = question->set,
				.generation = query->generation};
	return room;
}

/* ---- records ---- */

static void records_drop(struct kl_engine *e, struct query *query)
{
	query->source = SOURCE_NONE;
	while (query->first_record != NONE) {
		uint32_t index = query->first_record;
		struct record *record = record_at(e, index);
		query->first_record = record->next;
		name_drop(e, record->name);
		record->next = e->free_record;
		e->free_record = index;
	}
}

/* RFC 3263 4.1: the services a SIP client can use, each a transport. */
static bool service_transport(const char *service, uint8_t *transport)
{
	static const char *const names[] = {"SIP+D2U", "SIP+D2T", "SIPS+D2T"};
	for (uint8_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (service && name_equal(service, names[i])) {
			*transport = i;
			return true;
		}
	}
	return false;
}

static bool record_take(struct kl_engine *e, struct query *query, const struct kl_dns_record *from)
{
	uint32_t index = e->free_record;
	bool named = query->type == KL_SRV || query->type == KL_NAPTR;
	uint8_t service = 0;
	if (query->type == KL_NAPTR && !service_transport(from->service, &service))
		return true; /* another service's record: nothing for us in it */
	if (index == NONE || (named && !from->name))
		return false;
	uint32_t name = named ? name_keep(e, from->name) : 0;
	if (named && name == 0)
		return false;
	struct record *record = record_at(e, index);
	e->free_record = record->next;
	*record = (struct record){.next = NONE,
				  .name = name,
				  .priority = from->priority,
				  .weight = from->weight,
				  .port = from->port,
				  .service = service,
				  .flag = from->flag};
	memcpy(record->ip, from->ip, sizeof(record->ip));
	uint32_t *end = &query->first_record;
	while (*end != NONE)
		end = &record_at(e, *end)->next;
	*end = index;
	return true;
}

static void records_take(struct kl_engine *e, struct query *query, const struct kl_event_dns *event)
{
	kl_ms ttl_ms = ttl_ceiling_ms;
	uint32_t count = event->count < KL_DNS_RECORDS_MAX ? event->count : KL_DNS_RECORDS_MAX;
	records_drop(e, query);
	query->cut = event->count > KL_DNS_RECORDS_MAX;
	for (uint32_t i = 0; i < count; i++) {
		if (!record_take(e, query, &event->records[i])) {
			query->cut = true;
			break;
		}
		ttl_ms = earlier(ttl_ms, event->records[i].ttl_ms);
	}
	query->ttl_ms = (uint32_t)ttl_ms;
	if (query->first_record != NONE)
		query->source = SOURCE_NETWORK;
}

/* ---- records that the host gave: static ones (DNS-15), remembered ones (OWN-9) ---- */

struct shelf {
	const struct kl_static_record *rows;
	uint32_t count;
};

static struct shelf static_shelf(const struct kl_engine *e)
{
	return (struct shelf){e->config->static_records, e->config->static_record_count};
}

static struct shelf remembered_shelf(const struct kl_engine *e)
{
	return (struct shelf){e->config->remembered_records, e->config->remembered_record_count};
}

static bool type_is_address(uint32_t type)
{
	return type == KL_A || type == KL_AAAA;
}

/* Is there a record of this name, and of a type like this one? */
static bool shelf_knows(struct shelf shelf, const char *name, uint32_t type, bool exact)
{
	for (uint32_t i = 0; i < shelf.count; i++) {
		const struct kl_static_record *row = &shelf.rows[i];
		bool same = row->type == type ||
			    (!exact && type_is_address(row->type) && type_is_address(type));
		if (same && name_equal(row->owner, name))
			return true;
	}
	return false;
}

/* Puts what the shelf has in place of what the query has.  Its TTL starts with this, its first use.
 */
static void shelf_take(struct kl_engine *e, struct query *query, struct shelf shelf,
		       enum query_source source)
{
	kl_ms ttl_ms = UINT32_MAX;
	bool cut = false;
	records_drop(e, query);
	for (uint32_t i = 0; i < shelf.count; i++) {
		const struct kl_static_record *row = &shelf.rows[i];
		if (row->type != query->type || !name_equal(row->owner, name_text(e, query->name)))
			continue;
		if (!record_take(e, query, &row->data)) {
			cut = true;
			break;
		}
		ttl_ms = earlier(ttl_ms, row->data.ttl_ms);
	}
	if (query->first_record == NONE)
		return;
	query->source = (uint8_t)source;
	query->ttl_ms = (uint32_t)ttl_ms;
	query->cut = cut;
}

static void static_take(struct kl_engine *e, struct query *query)
{
	shelf_take(e, query, static_shelf(e), SOURCE_STATIC);
}

/* What was known before a restart serves on silence alone, and only until the first reply.  OWN-9,
 * DNS-14 */
static void remembered_take(struct kl_engine *e, struct query *query)
{
	if (query_policy(e, query)->dns_remember && !query->replied)
		shelf_take(e, query, remembered_shelf(e), SOURCE_REMEMBERED);
}

/* Does something remembered serve, so that no other question needs to wait for the same silence? */
static bool names_are_silent(const struct kl_engine *e)
{
	for (uint32_t q = 0; q < e->config->limits.queries; q++)
		if (query_at(e, q)->source == SOURCE_REMEMBERED)
			return true;
	return false;
}

/* Poly: A records may be searched before the network (dns.cache.A.networkOverride); Yealink: all
 * may (static_cache_pri).  A name with a static address has no others. */
static bool static_comes_first(const struct kl_engine *e, const struct query *query)
{
	const char *name = name_text(e, query->name);
	switch ((enum kl_static_first)query_policy(e, query)->static_first) {
	case KL_STATIC_LAST:
		return false;
	case KL_STATIC_ADDRESSES_FIRST:
		return type_is_address(query->type) &&
		       shelf_knows(static_shelf(e), name, query->type, false);
	case KL_STATIC_FIRST:
		return shelf_knows(static_shelf(e), name, query->type, false);
	}
	return false;
}

/* ---- looking ---- */

/* Would silence leave the records of the last answer in use?  DNS-14, DNS-16 */
static bool query_outlives(const struct kl_engine *e, const struct query *query)
{
	const struct kl_policy *policy = query_policy(e, query);
	return policy->dns_restore || policy->dns_stale;
}

/* A question that has no records: from where may they come? */
static void query_look(struct kl_engine *e, uint32_t q, enum look look)
{
	struct query *query = query_at(e, q);
	if (look == LOOK_KEEP || query->state == QUERY_CONFIGURED)
		return;
	if (query->state == QUERY_UNKNOWN && static_comes_first(e, query)) {
		query->state = QUERY_CONFIGURED;
		static_take(e, query);
		if (query->source == SOURCE_STATIC)
			owe(e, query_node(e, q), OWES_LOOKUP);
		return;
	}
	if (look == LOOK_DEMAND || query->state == QUERY_UNKNOWN)
		query_ask(e, q);
	if (!query->asking)
		return;
	if (look == LOOK_SETTLE || names_are_silent(e))
		remembered_take(e, query);
	if (look == LOOK_SETTLE && query->source == SOURCE_NONE)
		static_take(e, query);
	if (query->source != SOURCE_NONE) {
		query->state = QUERY_SILENT; /* so far */
		owe(e, query_node(e, q), OWES_LOOKUP);
	}
}

enum need dns_need(struct kl_engine *e, const struct question *question, uint32_t *q)
{
	uint32_t room;
	*q = query_find(e, question, &room);
	if (*q == NONE && question->look == LOOK_KEEP)
		return NEED_PENDING;
	if (*q == NONE && (question->look != LOOK_SETTLE ||
			   shelf_knows(static_shelf(e), question->name, question->type, true) ||
			   shelf_knows(remembered_shelf(e), question->name, question->type, true)))
		*q = query_make(e, question, room);
	if (*q == NONE)
		return NEED_NONE;
	struct query *query = query_at(e, *q);
	query->mark = e->sweep;
	query->shared |= query->set != question->set;
	if (query->source == SOURCE_NONE)
		query_look(e, *q, question->look);
	if (query->source == SOURCE_NONE)
		return query->asking || query->state == QUERY_UNKNOWN ? NEED_PENDING : NEED_NONE;
	return query->stale && !query_outlives(e, query) ? NEED_STALE : NEED_FOUND;
}

bool dns_failed(const struct kl_engine *e, uint32_t q)
{
	return q == NONE || query_at(e, q)->state == QUERY_FAILED ||
	       query_at(e, q)->state == QUERY_SILENT || query_at(e, q)->cut;
}

void dns_forget(struct kl_engine *e, uint32_t q)
{
	struct query *query = query_at(e, q);
	records_drop(e, query);
	name_drop(e, query->name);
	schedule_set(e, query_node(e, q), KL_NEVER);
	owe_no_more(e, query_node(e, q), UINT16_MAX);
	*query = (struct query){.state = QUERY_FREE,
				.first_record = NONE,
				.generation = (uint16_t)(query->generation + 1)};
}

void dns_sweep_begin(struct kl_engine *e)
{
	e->sweep++;
}

void dns_sweep_end(struct kl_engine *e)
{
	for (uint32_t q = 0; q < e->config->limits.queries; q++) {
		const struct query *query = query_at(e, q);
		if (query->state == QUERY_FREE || query->mark == e->sweep)
			continue;
		dns_forget(e, q);
	}
}

/* ---- answers ---- */

/* Poly guide: silence restores the last answer; a reply without records, or with an error, never
 * does.  Either way the static cache comes next.  DNS-14, DNS-15, DNS-16, T17 */
static void query_substitute(struct kl_engine *e, struct query *query)
{
	const struct kl_policy *policy = query_policy(e, query);
	bool known = query->source != SOURCE_NONE && query->source != SOURCE_STATIC &&
		     query->source != SOURCE_REMEMBERED;
	if (known && query->state == QUERY_SILENT && policy->dns_restore)
		query->source = SOURCE_RESTORED;
	else if (known && query->state == QUERY_SILENT && policy->dns_stale)
		query->source = SOURCE_STALE;
	else
		records_drop(e, query);
	if (query->source == SOURCE_NONE && query->state == QUERY_SILENT)
		remembered_take(e, query);
	if (query->source == SOURCE_NONE)
		static_take(e, query);
}

kl_ms dns_ttl_ms(kl_ms ttl_ms)
{
	static const kl_ms floor_ms = 5000;
	return ttl_ms < floor_ms ? floor_ms : ttl_ms;
}

/* How long what the query has is good for; then it is asked again. */
static kl_ms query_keep_ms(const struct kl_engine *e, const struct query *query)
{
	const struct kl_policy *policy = query_policy(e, query);
	kl_ms ttl_ms = dns_ttl_ms(query->ttl_ms);
	switch ((enum query_source)query->source) {
	case SOURCE_NETWORK:
		return policy->dns_lookup_ms ? policy->dns_lookup_ms : ttl_ms;
	case SOURCE_RESTORED:
		return policy->dns_restore_ms;
	case SOURCE_STATIC:
		return ttl_ms;
	case SOURCE_NONE:
	case SOURCE_STALE:
	case SOURCE_REMEMBERED:
		break;
	}
	if (query->state != QUERY_NEGATIVE)
		return failed_retry_ms;
	return policy->dns_lookup_ms ? policy->dns_lookup_ms : negative_retry_ms;
}

/* RFC 1035 says how long records may be kept, not how late they are asked for; but never more often
 * than for the shortest of them.  OWN-4, DNS-17 */
static kl_ms query_ask_after_ms(const struct kl_engine *e, const struct query *query)
{
	kl_ms keep_ms = query_keep_ms(e, query);
	bool ahead = query_policy(e, query)->dns_ahead && query->source == SOURCE_NETWORK;
	return ahead ? earlier(keep_ms, dns_ttl_ms(keep_ms - keep_ms / 10)) : keep_ms;
}

/* An outage is told once, and what serves meanwhile; its end where something did. */
static void query_tell(struct kl_engine *e, uint32_t q, const struct query *before)
{
	const struct query *query = query_at(e, q);
	bool back = query->source == SOURCE_NETWORK;
	bool outage = before->source > SOURCE_NETWORK;
	if (back && node_at(e, query_node(e, q))->owes & OWES_LOOKUP)
		owe_no_more(e, query_node(e, q), OWES_LOOKUP);
	else if (back ? outage : query->state != before->state || query->source != before->source)
		owe(e, query_node(e, q), OWES_LOOKUP);
}

int dns_answer(struct kl_engine *e, const struct kl_event_dns *event, uint32_t *set)
{
	static const uint8_t states[KL_DNS_STATUSES_MAX] = {[KL_DNS_ANSWER] = QUERY_NEGATIVE,
							    [KL_DNS_NEGATIVE] = QUERY_NEGATIVE,
							    [KL_DNS_FAILED] = QUERY_FAILED,
							    [KL_DNS_SILENT] = QUERY_SILENT};
	uint32_t q = event->query & 0xffff;
	if ((uint32_t)event->status >= KL_DNS_STATUSES_MAX || (event->count && !event->records))
		return KL_EINVAL;
	if (q >= e->config->limits.queries || query_id(e, q) != event->query ||
	    !query_at(e, q)->asking)
		return KL_IGNORED;
	struct query *query = query_at(e, q);
	const struct query before = *query;
	*set = query->shared ? NONE : query->set;
	query->asking = query->stale = false;
	query->replied |= event->status != KL_DNS_SILENT;
	/* Asked ahead in vain: what it has is good to its end. */
	if (query->ahead && (event->status == KL_DNS_FAILED || event->status == KL_DNS_SILENT))
		return KL_OK;
	query->ahead = false;
	query->cut &= event->status == KL_DNS_SILENT;
	/* An answer without a record of use says that there is nothing. */
	query->state = states[event->status];
	if (event->status == KL_DNS_ANSWER)
		records_take(e, query, event);
	if (event->status == KL_DNS_ANSWER && query->source == SOURCE_NETWORK)
		query->state = QUERY_ANSWER;
	else
		query_substitute(e, query);
	query_tell(e, q, &before);
	schedule_set(e, query_node(e, q), e->now + query_ask_after_ms(e, query));
	return KL_OK;
}

uint32_t dns_expire(struct kl_engine *e, uint32_t q)
{
	struct query *query = query_at(e, q);
	kl_ms left_ms = query_keep_ms(e, query) - query_ask_after_ms(e, query);
	query->ahead = left_ms && !query->ahead;
	query->stale = query->source == SOURCE_NETWORK && !query->ahead;
	query_ask(e, q);
	schedule_set(e, query_node(e, q), query->ahead ? e->now + left_ms : KL_NEVER);
	return query->shared ? NONE : query->set;
}

/* ---- actions ---- */

/* What came of a lookup, in words and with what ruled it. */
static void query_report(const struct kl_engine *e, const struct query *query,
			 struct kl_report *report)
{
	static const uint8_t statuses[] = {[QUERY_CONFIGURED] = KL_DNS_ANSWER,
					   [QUERY_ANSWER] = KL_DNS_ANSWER,
					   [QUERY_NEGATIVE] = KL_DNS_NEGATIVE,
					   [QUERY_FAILED] = KL_DNS_FAILED,
					   [QUERY_SILENT] = KL_DNS_SILENT};
	*report = (struct kl_report){.type = KL_REPORT_LOOKUP,
				     .line = set_at(e, query->set)->line,
				     .entry = set_at(e, query->set)->entry,
				     .name = name_text(e, query->name),
				     .count = query->type,
				     .dns = (enum kl_dns_status)statuses[query->state]};
	switch ((enum query_source)query->source) {
	case SOURCE_NONE:
	case SOURCE_NETWORK:
		break;
	case SOURCE_RESTORED:
		report->why = KL_WHY_RESTORED;
		report->rule = KL_POLICY_dns_restore_ms;
		report->ms = query_keep_ms(e, query);
		break;
	case SOURCE_STALE:
		report->why = KL_WHY_STALE;
		report->rule = KL_POLICY_dns_stale;
		break;
	case SOURCE_REMEMBERED:
		report->why = KL_WHY_REMEMBERED;
		report->rule = KL_POLICY_dns_remember;
		break;
	case SOURCE_STATIC:
		report->why = KL_WHY_STATIC;
		report->ms = query_keep_ms(e, query);
		if (query->state != QUERY_CONFIGURED)
			break;
		report->why = KL_WHY_STATIC_FIRST;
		report->rule = KL_POLICY_static_first;
		break;
	}
}

bool dns_act(struct kl_engine *e, uint32_t q, struct kl_action *action)
{
	const struct query *query = query_at(e, q);
	struct node *node = node_at(e, query_node(e, q));
	if (node->owes & OWES_LOOKUP) {
		node->owes &= (uint16_t)~OWES_LOOKUP;
		action->type = KL_DO_REPORT;
		query_report(e, query, &action->report);
		return true;
	}
	node->owes &= (uint16_t)~OWES_ASK;
	if (!query->asking)
		return false;
	action->type = KL_DO_QUERY;
	action->query = (struct kl_action_query){.query = query_id(e, q),
						 .type = (enum kl_record_type)query->type,
						 .name = name_text(e, query->name)};
	return true;
}
