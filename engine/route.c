/* route.c - the RFC 3263 procedure.
 *
 * A pass works a set out from the answers that are known, asks for those that are not, and can be
 * run again at any time: after each answer, when records run out, when somebody needs the set.
 * It ends with a list of candidates, the whole answer in the answer's order, which is then laid
 * over the set's members without moving any that somebody refers to. */
#include "engine/route.h"

#include "engine/dns.h"
#include "engine/health.h"
#include "engine/names.h"
#include "engine/schedule.h"
#include "engine/subscription.h"

#include <string.h>

struct candidate {
	struct kl_route route;
	uint32_t name, ttl_ms;
	uint16_t priority, weight;
	uint8_t record, rr, rank;
};

struct pass {
	struct kl_engine *e;
	uint32_t set;
	enum look look;
	bool pending, stale, failed;
	bool full;      /* a question found no room */
	uint8_t record; /* service records so far */
	uint8_t rr;     /* SRV records, and names of their own, so far */
	uint8_t rank;   /* of the entry's name that is looked up */
	uint8_t count;
	struct candidate list[KL_DNS_RECORDS_MAX];
};

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
static void pass_run(struct pass *pass, const struct kl_entry_config *config)
{
	bool pending = false;
	for (uint8_t i = 0; i <= config->more_count; i++) {
		pass->rank = i;
		pass->pending = false;
		pass_spec(pass, config, i ? config->more_names[i - 1] : config->name);
		pending |= pass->pending;
	}
	pass->pending = pending;
}

/* ---- members: the candidates laid over the set ---- */

static bool walk_refers_to(const struct walk *walk, uint8_t pos)
{
	return (walk->tried | walk->visited) & bit(pos);
}

/* Does a walk or a registration still mean the route at this place? */
static bool member_in_use(const struct kl_engine *e, uint32_t s, uint8_t pos)
{
	for (uint32_t r = 0; r < e->registration_count; r++) {
		const struct registration *reg = registration_at(e, r);
		if (reg->set != s)
			continue;
		if (reg->current == pos || reg->primary == pos || reg->former == pos ||
		    reg->flow == pos || reg->moved_from == pos || reg->left == pos ||
		    reg->resume == pos)
			return true;
		if (subscription_refers_to(e, r, pos))
			return true;
		if (walk_at(e, r)->state != WALK_FREE && walk_refers_to(walk_at(e, r), pos))
			return true;
		for (uint32_t w = reg->first_request; w != NONE; w = request_at(e, w)->next)
			if (walk_refers_to(walk_at(e, w), pos))
				return true;
	}
	return false;
}

static void slot_release(struct kl_engine *e, uint16_t index)
{
	slot_at(e, index)->refs--;
}

static void member_release(struct kl_engine *e, struct member *member)
{
	slot_release(e, member->slot);
	name_drop(e, member->name);
	*member = (struct member){.used = false};
}

static bool route_equal(const struct kl_route *a, const struct kl_route *b)
{
	return a->port == b->port && a->transport == b->transport && memcmp(a->ip, b->ip, 16) == 0;
}

/* The slot of a route in the table, made if need be; NONE: the table is full. */
static uint32_t slot_take(struct kl_engine *e, const struct kl_route *route)
{
	uint32_t room = NONE;
	for (uint32_t i = 0; i < e->config->limits.routes; i++) {
		struct slot *slot = slot_at(e, i);
		if (slot->refs && route_equal(&slot->route, route)) {
			slot->refs++;
			return i;
		}
		if (!slot->refs && room == NONE)
			room = i;
	}
	if (room == NONE)
		return NONE;
	health_forget(e, room);
	*slot_at(e, room) = (struct slot){.route = *route,
					  .refs = 1,
					  .last_answer_at = KL_NEVER,
					  .last_failure_at = KL_NEVER,
					  .probe_at = KL_NEVER,
					  .keepalive_at = KL_NEVER};
	return room;
}

uint8_t route_find(const struct kl_engine *e, uint32_t set, const struct kl_route *route)
{
	for (uint8_t pos = 0; pos < e->config->limits.set_routes; pos++)
		if (member_at(e, set, pos)->used &&
		    route_equal(&route_slot(e, set, pos)->route, route))
			return pos;
	return NO_POS;
}

static uint8_t member_make(struct kl_engine *e, uint32_t s, const struct kl_route *route)
{
	for (uint8_t pos = 0; pos < e->config->limits.set_routes; pos++) {
		struct member *member = member_at(e, s, pos);
		if (member->used && (member->listed || member_in_use(e, s, pos)))
			continue;
		uint32_t slot = slot_take(e, route);
		if (slot == NONE)
			return NO_POS;
		if (member->used)
			member_release(e, member);
		*member = (struct member){
			.slot = (uint16_t)slot, .born = e->serial + 1, .used = true};
		return pos;
	}
	return NO_POS;
}

static bool member_rewrite(struct kl_engine *e, struct member *member,
			   const struct candidate *candidate, uint8_t seq)
{
	uint32_t kept = name_keep_again(e, candidate->name);
	bool same = member->name == kept && member->record == candidate->record &&
		    member->priority == candidate->priority &&
		    member->weight == candidate->weight && member->rr == candidate->rr &&
		    member->rank == candidate->rank && member->seq == seq;
	name_drop(e, member->name);
	member->name = kept;
	member->ttl_ms = candidate->ttl_ms;
	member->record = candidate->record;
	member->priority = candidate->priority;
	member->weight = candidate->weight;
	member->rr = candidate->rr;
	member->rank = candidate->rank;
	member->seq = seq;
	return !same;
}

uint8_t route_adopt(struct kl_engine *e, uint32_t set, const struct kl_route *route)
{
	uint8_t pos = route_find(e, set, route);
	if (pos == NO_POS)
		pos = member_make(e, set, route);
	if (pos == NO_POS || member_at(e, set, pos)->listed)
		return pos;
	struct member *member = member_at(e, set, pos);
	name_drop(e, member->name);
	member->name = 0;
	member->record = NO_RECORD;
	return pos;
}

/* Lists the candidates, once each.  True if the answer differs from the one before. */
static bool set_list(struct kl_engine *e, uint32_t s, const struct pass *pass)
{
	struct set *set = set_at(e, s);
	uint32_t before = 0, now = 0;
	bool changed = false;
	uint16_t cut = 0;
	for (uint8_t pos = 0; pos < e->config->limits.set_routes; pos++)
		before |= member_at(e, s, pos)->listed ? bit(pos) : 0;
	for (uint8_t i = 0; i < pass->count; i++) {
		uint8_t pos = route_find(e, s, &pass->list[i].route);
		if (pos != NO_POS && now & bit(pos))
			continue; /* named twice: its first place counts */
		if (pos == NO_POS)
			pos = member_make(e, s, &pass->list[i].route);
		if (pos == NO_POS) {
			cut++;
			continue;
		}
		changed |= member_rewrite(e, member_at(e, s, pos), &pass->list[i], i);
		member_at(e, s, pos)->listed = true;
		now |= bit(pos);
	}
	set->listed = 0;
	for (uint8_t pos = 0; pos < e->config->limits.set_routes; pos++) {
		member_at(e, s, pos)->listed = now & bit(pos);
		set->listed = (uint8_t)(set->listed + member_at(e, s, pos)->listed);
	}
	set->cut = cut;
	return changed || now != before;
}

static void set_work_out(struct kl_engine *e, uint32_t s, enum look look)
{
	struct set *set = set_at(e, s);
	struct pass pass = {.e = e, .set = s, .look = look};
	pass_run(&pass, entry_config(e, set->line, set->entry));
	if (look == LOOK_KEEP || (look == LOOK_SETTLE && pass.count == 0))
		return;
	if (pass.full) {
		route_sweep(e);
		pass = (struct pass){.e = e, .set = s, .look = look};
		pass_run(&pass, entry_config(e, set->line, set->entry));
	}
	set->pending = pass.pending;
	set->stale = pass.stale;
	if (pass.pending)
		return;
	set->due |= set->complete == pass.failed;
	set->complete = !pass.failed;
	if (set_list(e, s, &pass)) {
		set->version++;
		set->due = true;
		owe(e, set_node(e, s), OWES_ROUTES);
	}
}

void route_use(struct kl_engine *e, uint32_t s)
{
	if (set_at(e, s)->users++ == 0)
		set_work_out(e, s, LOOK_ASK);
}

void route_leave(struct kl_engine *e, uint32_t s)
{
	set_at(e, s)->users--;
}

void route_demand(struct kl_engine *e, uint32_t s)
{
	const struct set *set = set_at(e, s);
	if (!set->listed || set->pending)
		set_work_out(e, s, set->listed ? LOOK_ASK : LOOK_DEMAND);
}

void route_settle(struct kl_engine *e, uint32_t s)
{
	if (!set_at(e, s)->listed)
		set_work_out(e, s, LOOK_SETTLE);
}

bool route_update(struct kl_engine *e, uint32_t s)
{
	set_work_out(e, s, LOOK_ASK);
	return !set_at(e, s)->pending && !set_at(e, s)->stale;
}

void route_sweep(struct kl_engine *e)
{
	dns_sweep_begin(e);
	for (uint32_t s = 0; s < e->set_count; s++)
		if (set_at(e, s)->users)
			set_work_out(e, s, LOOK_KEEP);
	dns_sweep_end(e);
}

/* ---- what is known of a route ---- */

struct slot *route_slot(const struct kl_engine *e, uint32_t set, uint8_t pos)
{
	return slot_at(e, member_at(e, set, pos)->slot);
}

enum kl_cause route_none_why(const struct kl_engine *e, uint32_t s)
{
	return set_at(e, s)->complete ? KL_WHY_NO_ROUTE : KL_WHY_NO_NAMES;
}

struct slot *route_known(const struct kl_engine *e, const struct kl_route *route)
{
	for (uint32_t i = 0; i < e->config->limits.routes; i++)
		if (slot_at(e, i)->refs && route_equal(&slot_at(e, i)->route, route))
			return slot_at(e, i);
	return NULL;
}

bool route_act(struct kl_engine *e, uint32_t s, struct kl_action *action)
{
	const struct set *set = set_at(e, s);
	struct node *node = node_at(e, set_node(e, s));
	uint32_t r = line_at(e, set->line)->first_registration + set->entry;
	const struct registration *reg = registration_at(e, r);
	bool cut = !(node->owes & OWES_ROUTES);
	node->owes &= (uint16_t) ~(cut ? OWES_CUT : OWES_ROUTES);
	order_refresh(e, r);
	if (!cut && set->cut + reg->order_cut)
		owe(e, set_node(e, s), OWES_CUT);
	action->type = KL_DO_REPORT;
	action->report = (struct kl_report){
		.type = KL_REPORT_ROUTES,
		.why = cut ? KL_WHY_CUT : KL_WHY_NAMES_FOUND,
		.rule = cut && reg->order_cut ? KL_POLICY_record_routes_max : KL_POLICY_none,
		.line = set->line,
		.entry = set->entry,
		.count = cut ? (uint32_t)set->cut + reg->order_cut : reg->order_count,
		.name = entry_config(e, set->line, set->entry)->name};
	return true;
}

/* ---- sets of the configuration ---- */

bool route_same_set(const struct kl_entry_config *a, const struct kl_entry_config *b)
{
	bool same = a->port == b->port && a->transport_choice == b->transport_choice &&
		    name_equal(a->name, b->name) && dns_same_policy(a->policy, b->policy) &&
		    a->more_count == b->more_count;
	for (uint8_t i = 0; same && i < a->more_count; i++)
		same = name_equal(a->more_names[i], b->more_names[i]);
	return same;
}

static const struct kl_entry_config *set_config(const struct kl_engine *e, uint32_t s)
{
	return entry_config(e, set_at(e, s)->line, set_at(e, s)->entry);
}

uint32_t route_find_set(const struct kl_engine *e, const struct kl_entry_config *config)
{
	for (uint32_t s = 0; s < e->set_count; s++)
		if (route_same_set(set_config(e, s), config))
			return s;
	return NONE;
}

uint32_t route_find_manner(const struct kl_engine *e, const struct kl_policy *policy)
{
	for (uint32_t s = 0; s < e->set_count; s++)
		if (dns_same_policy(set_config(e, s)->policy, policy))
			return s;
	return NONE;
}

/* The set of an entry, made if it is the first of its kind. */
static uint32_t set_take(struct kl_engine *e, uint32_t line, uint8_t entry)
{
	uint32_t s = route_find_set(e, entry_config(e, line, entry));
	if (s != NONE)
		return s;
	*set_at(e, e->set_count) = (struct set){.line = line, .entry = entry};
	return e->set_count++;
}

void route_init(struct kl_engine *e)
{
	for (uint32_t r = 0; r < e->registration_count; r++) {
		struct registration *reg = registration_at(e, r);
		reg->set = set_take(e, reg->line, reg->entry);
	}
}
