#include "engine/dns.h"

#include "engine/names.h"
#include "engine/schedule.h"

#include <string.h>

/* A TTL shorter than the floor would be a query a second for as long as the phone runs; one
 * longer than the ceiling (2^31 occurs) would never be looked at again.  DNS-17 */
static const kl_ms ttl_floor_ms = 5000;
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

static uint32_t query_find(const struct kl_engine *e, const struct question *question,
			   uint32_t *room)
{
	*room = NONE;
	for (uint32_t q = 0; q < e->config->limits.queries; q++) {
		const struct query *query = query_at(e, q);
		if (query->state == QUERY_FREE) {
			if (*room == NONE)
				*room = q;
		} else if (query->type == question->type &&
			   name_equal(name_text(e, query->name), question->name)) {
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

enum need dns_need(struct kl_engine *e, const struct question *question, uint32_t *q)
{
	uint32_t room;
	*q = query_find(e, question, &room);
	if (*q == NONE && question->look == LOOK_KEEP)
		return NEED_PENDING;
	if (*q == NONE)
		*q = query_make(e, question, room);
	if (*q == NONE)
		return NEED_NONE;
	struct query *query = query_at(e, *q);
	query->mark = e->sweep;
	if (query->set != question->set)
		query->set = NONE;
	if (question->look == LOOK_DEMAND && query->state != QUERY_ANSWER)
		query_ask(e, *q);
	else if (question->look == LOOK_ASK && query->state == QUERY_UNKNOWN)
		query_ask(e, *q);
	if (query->state == QUERY_ANSWER)
		return query->stale ? NEED_STALE : NEED_FOUND;
	return query->asking || query->state == QUERY_UNKNOWN ? NEED_PENDING : NEED_NONE;
}

bool dns_failed(const struct kl_engine *e, uint32_t q)
{
	return q == NONE || query_at(e, q)->state == QUERY_FAILED ||
	       query_at(e, q)->state == QUERY_SILENT || query_at(e, q)->cut;
}

static void records_drop(struct kl_engine *e, struct query *query)
{
	while (query->first_record != NONE) {
		uint32_t index = query->first_record;
		struct record *record = record_at(e, index);
		query->first_record = record->next;
		name_drop(e, record->name);
		record->next = e->free_record;
		e->free_record = index;
	}
}

void dns_sweep_begin(struct kl_engine *e)
{
	e->sweep++;
}

void dns_sweep_end(struct kl_engine *e)
{
	for (uint32_t q = 0; q < e->config->limits.queries; q++) {
		struct query *query = query_at(e, q);
		if (query->state == QUERY_FREE || query->mark == e->sweep)
			continue;
		records_drop(e, query);
		name_drop(e, query->name);
		schedule_set(e, query_node(e, q), KL_NEVER);
		owe_no_more(e, query_node(e, q), UINT16_MAX);
		*query = (struct query){.state = QUERY_FREE,
					.first_record = NONE,
					.generation = (uint16_t)(query->generation + 1)};
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
	query->cut = event->count > KL_DNS_RECORDS_MAX;
	for (uint32_t i = 0; i < count; i++) {
		if (!record_take(e, query, &event->records[i])) {
			query->cut = true;
			break;
		}
		if (event->records[i].ttl_ms < ttl_ms)
			ttl_ms = event->records[i].ttl_ms;
	}
	query->ttl_ms = (uint32_t)ttl_ms;
	if (query->first_record != NONE)
		query->state = QUERY_ANSWER;
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
	uint8_t before = query->state;
	*set = query->set;
	query->asking = query->stale = query->cut = false;
	records_drop(e, query);
	/* An answer without a record of use says that there is nothing. */
	query->state = states[event->status];
	if (event->status == KL_DNS_ANSWER)
		records_take(e, query, event);
	kl_ms keep_ms = query->state == QUERY_NEGATIVE ? negative_retry_ms : failed_retry_ms;
	if (query->state == QUERY_ANSWER)
		keep_ms = query->ttl_ms < ttl_floor_ms ? ttl_floor_ms : query->ttl_ms;
	else if (query->state != before) /* an outage is told once */
		owe(e, query_node(e, q), OWES_LOOKUP);
	schedule_set(e, query_node(e, q), e->now + keep_ms);
	return KL_OK;
}

uint32_t dns_expire(struct kl_engine *e, uint32_t q)
{
	struct query *query = query_at(e, q);
	query->stale = query->state == QUERY_ANSWER;
	query_ask(e, q);
	return query->set;
}

bool dns_act(struct kl_engine *e, uint32_t q, struct kl_action *action)
{
	static const uint8_t statuses[] = {[QUERY_NEGATIVE] = KL_DNS_NEGATIVE,
					   [QUERY_FAILED] = KL_DNS_FAILED,
					   [QUERY_SILENT] = KL_DNS_SILENT};
	const struct query *query = query_at(e, q);
	struct node *node = node_at(e, query_node(e, q));
	if (node->owes & OWES_LOOKUP) {
		node->owes &= (uint16_t)~OWES_LOOKUP;
		if (query->state == QUERY_UNKNOWN || query->state == QUERY_ANSWER)
			return false;
		action->type = KL_DO_REPORT;
		action->report =
			(struct kl_report){.type = KL_REPORT_LOOKUP,
					   .line = UINT32_MAX,
					   .entry = UINT32_MAX,
					   .name = name_text(e, query->name),
					   .count = query->type,
					   .dns = (enum kl_dns_status)statuses[query->state]};
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
