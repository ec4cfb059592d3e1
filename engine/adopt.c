/* adopt.c - a new configuration: lines that are the same in it go on as if nothing had happened.
 *
 * What the lines share (names, records, questions, routes) is taken over whole, each thing in its
 * place, for the host knows questions by theirs.  Route sets and lines are then laid over their
 * equals in the new configuration, and what belongs to none is let go. */
#include "engine/dns.h"
#include "engine/flow.h"
#include "engine/health.h"
#include "engine/line.h"
#include "engine/names.h"
#include "engine/network.h"
#include "engine/probe.h"
#include "engine/request.h"
#include "engine/route.h"
#include "engine/schedule.h"

#include <string.h>

/* ---- what is the same in two configurations ---- */

static bool texts_equal(const char *a, const char *b)
{
	return a == b || (a && b && strcmp(a, b) == 0);
}

static bool policies_equal(const struct kl_policy *a, const struct kl_policy *b)
{
	for (int i = KL_POLICY_none + 1; a != b && i < KL_POLICY_FIELDS; i++)
		if (kl_policy_get(a, (enum kl_policy_field)i) !=
		    kl_policy_get(b, (enum kl_policy_field)i))
			return false;
	return true;
}

static bool entries_equal(const struct kl_entry_config *a, const struct kl_entry_config *b)
{
	if (!texts_equal(a->name, b->name) || a->port != b->port ||
	    a->transport_choice != b->transport_choice || a->registers != b->registers ||
	    a->more_count != b->more_count || !policies_equal(a->policy, b->policy))
		return false;
	for (uint8_t i = 0; i < a->more_count; i++)
		if (!texts_equal(a->more_names[i], b->more_names[i]))
			return false;
	return true;
}

static bool lines_equal(const struct kl_line_config *a, const struct kl_line_config *b)
{
	if (a->key != b->key || !a->key || a->entry_count != b->entry_count)
		return false;
	for (uint8_t i = 0; i < a->entry_count; i++)
		if (!entries_equal(&a->entries[i], &b->entries[i]))
			return false;
	return true;
}

static bool static_records_equal(const struct kl_static_record *a, const struct kl_static_record *b)
{
	const struct kl_dns_record *x = &a->data, *y = &b->data;
	return texts_equal(a->owner, b->owner) && a->type == b->type && x->ttl_ms == y->ttl_ms &&
	       texts_equal(x->name, y->name) && texts_equal(x->service, y->service) &&
	       memcmp(x->ip, y->ip, sizeof(x->ip)) == 0 && x->priority == y->priority &&
	       x->weight == y->weight && x->port == y->port && x->flag == y->flag;
}

/* What rules every line: the means of this host, and the static records. */
static bool devices_equal(const struct kl_config *a, const struct kl_config *b)
{
	if (a->transports != b->transports || a->families != b->families ||
	    a->static_record_count != b->static_record_count)
		return false;
	for (uint32_t i = 0; i < a->static_record_count; i++)
		if (!static_records_equal(&a->static_records[i], &b->static_records[i]))
			return false;
	return true;
}

/* A line mostly stands where it stood, or a few places off. */
static uint32_t find_line(const struct kl_config *config, const struct kl_config *old,
			  uint32_t line)
{
	const struct kl_line_config *wanted = &old->lines[line];
	uint32_t most = line > config->line_count ? line : config->line_count;
	for (uint32_t off = 0; off <= most; off++) {
		if (off <= line && line - off < config->line_count &&
		    lines_equal(&config->lines[line - off], wanted))
			return line - off;
		if (line + off < config->line_count &&
		    lines_equal(&config->lines[line + off], wanted))
			return line + off;
	}
	return KL_NO_LINE;
}

uint32_t kl_find_line(const struct kl_config *config, const struct kl_config *old, uint32_t line)
{
	if (line >= old->line_count || !devices_equal(config, old))
		return KL_NO_LINE;
	return find_line(config, old, line);
}

/* ---- room ---- */

static uint32_t requests_max(const struct kl_engine *e)
{
	return e->config->limits.walks - e->registration_count;
}

static bool has_room(const struct kl_engine *e, const struct kl_engine *old)
{
	const struct kl_limits *a = &e->config->limits, *b = &old->config->limits;
	return a->set_routes == b->set_routes && a->routes >= b->routes &&
	       a->queries >= b->queries && a->records >= b->records &&
	       a->name_bytes >= b->name_bytes && a->subscriptions >= b->subscriptions &&
	       requests_max(e) >= requests_max(old);
}

static void keep(uint32_t *limit, uint32_t least)
{
	if (*limit < least)
		*limit = least;
}

void kl_limits_keep(struct kl_config *config, const struct kl_config *old)
{
	struct kl_limits *limits = &config->limits;
	uint32_t requests = old->limits.walks - flow_registrations(old);
	limits->set_routes = old->limits.set_routes;
	keep(&limits->routes, old->limits.routes);
	keep(&limits->queries, old->limits.queries);
	keep(&limits->records, old->limits.records);
	keep(&limits->name_bytes, old->limits.name_bytes);
	keep(&limits->subscriptions, old->limits.subscriptions);
	keep(&limits->walks, flow_registrations(config) + requests);
}

/* ---- what the lines share ---- */

static void carry_head(struct kl_engine *e, const struct kl_engine *old)
{
	e->seed = old->seed;
	e->random = old->random;
	e->serial = e->carried_serial = old->serial;
	e->timer_seq = old->timer_seq;
	e->sweep = old->sweep;
	e->ignored = old->ignored;
	e->forged = old->forged;
	e->link_down = old->link_down;
	e->pace_at = old->pace_at;
}

static void carry_records(struct kl_engine *e, const struct kl_engine *old)
{
	uint32_t count = old->config->limits.records, *end = &e->free_record;
	uint32_t more = count < e->config->limits.records ? count : NONE;
	memcpy(record_at(e, 0), record_at(old, 0), count * sizeof(struct record));
	*end = old->free_record;
	while (*end != NONE)
		end = &record_at(e, *end)->next;
	*end = more;
}

/* The set of E that is the old set S; NONE: there is none. */
static uint32_t new_set(const struct kl_engine *e, const struct kl_engine *old, uint32_t s)
{
	const struct set *set = set_at(old, s);
	if (!devices_equal(e->config, old->config))
		return NONE;
	return route_find_set(e, entry_config(old, set->line, set->entry));
}

/* A question whose set is gone goes on if another set looks names up in the same manner. */
static void carry_query(struct kl_engine *e, const struct kl_engine *old, uint32_t q)
{
	struct query *query = query_at(e, q);
	*query = *query_at(old, q);
	schedule_carry(e, query_node(e, q), node_at(old, query_node(old, q)));
	if (query->state == QUERY_FREE)
		return;
	const struct set *set = set_at(old, query->set);
	uint32_t to = new_set(e, old, query->set);
	if (to == NONE && devices_equal(e->config, old->config)) {
		to = route_find_manner(e, entry_config(old, set->line, set->entry)->policy);
		query->shared = true;
	}
	query->set = to;
	if (to == NONE)
		dns_forget(e, q);
}

static void carry_set(struct kl_engine *e, const struct kl_engine *old, uint32_t s)
{
	const struct set *from = set_at(old, s);
	uint32_t to = new_set(e, old, s);
	for (uint8_t pos = 0; pos < e->config->limits.set_routes; pos++) {
		const struct member *member = member_at(old, s, pos);
		if (to != NONE) {
			*member_at(e, to, pos) = *member;
		} else if (member->used) {
			slot_at(e, member->slot)->refs--;
			name_drop(e, member->name);
		}
	}
	if (to == NONE)
		return;
	struct set kept = *from;
	kept.line = set_at(e, to)->line;
	kept.entry = set_at(e, to)->entry;
	kept.users = 0;
	*set_at(e, to) = kept;
}

/* Without a timer in the new engine none of its lines probes, or keeps alive. */
static void carry_slot(struct kl_engine *e, const struct kl_engine *old, uint32_t i)
{
	struct slot *slot = slot_at(e, i);
	*slot = *slot_at(old, i);
	if (e->slot_nodes && old->slot_nodes) {
		*watch_at(e, i) = *watch_at(old, i);
		schedule_carry(e, slot_node(e, i), node_at(old, slot_node(old, i)));
	}
	if (e->slot_nodes && !old->slot_nodes)
		health_forget(e, i);
	if (!e->slot_nodes)
		slot->probe_at = slot->keepalive_at = KL_NEVER;
}

static void carry_shared(struct kl_engine *e, const struct kl_engine *old)
{
	const struct kl_limits *limits = &old->config->limits;
	names_carry(e, old);
	carry_records(e, old);
	for (uint32_t i = 0; i < limits->routes; i++)
		carry_slot(e, old, i);
	for (uint32_t q = 0; q < limits->queries; q++)
		carry_query(e, old, q);
	for (uint32_t s = 0; s < old->set_count; s++)
		carry_set(e, old, s);
}

/* ---- requests ---- */

/* The request walk of E in the place of the old one's. */
static uint32_t new_walk(const struct kl_engine *e, const struct kl_engine *old, uint32_t w)
{
	return w == NONE ? NONE : w - old->registration_count + e->registration_count;
}

static void carry_walk(struct kl_engine *e, uint32_t w, const struct kl_engine *old, uint32_t from)
{
	*walk_at(e, w) = *walk_at(old, from);
	schedule_carry(e, walk_node(e, w), node_at(old, walk_node(old, from)));
}

static void carry_request(struct kl_engine *e, uint32_t r, const struct kl_engine *old,
			  uint32_t from)
{
	uint32_t w = new_walk(e, old, from);
	struct request *request = request_at(e, w);
	carry_walk(e, w, old, from);
	*request = *request_at(old, from);
	request->next = new_walk(e, old, request->next);
	request->told += r - walk_at(old, from)->registration;
	if (request->owner == OWNER_SEIZE || walk_at(old, from)->state == WALK_SEIZE)
		request->owned = new_walk(e, old, request->owned);
	walk_at(e, w)->registration = r;
	e->walk_count++;
}

/* The free places in the order in which they would have been taken; behind them those whose
 * request was not carried, and those that are new. */
static void carry_free_walks(struct kl_engine *e, const struct kl_engine *old)
{
	uint32_t *end = &e->free_walk, behind = new_walk(e, old, old->config->limits.walks);
	for (uint32_t w = old->free_walk; w != NONE; w = request_at(old, w)->next) {
		*end = new_walk(e, old, w);
		end = &request_at(e, *end)->next;
	}
	for (uint32_t w = old->registration_count; w < old->config->limits.walks; w++) {
		uint32_t to = new_walk(e, old, w);
		if (walk_at(old, w)->state == WALK_FREE || walk_at(e, to)->state != WALK_FREE)
			continue;
		if (request_at(old, w)->owner == OWNER_PROBE)
			probe_resume(e, request_at(old, w)->owned);
		*end = to;
		end = &request_at(e, to)->next;
	}
	*end = behind < e->config->limits.walks ? behind : NONE;
}

/* ---- subscriptions ---- */

/* MOVED: by how much the registrations of its line have another number. */
static void carry_subscription(struct kl_engine *e, uint32_t line, const struct kl_engine *old,
			       uint32_t s, uint32_t moved)
{
	struct subscription *sub = subscription_at(e, s);
	*sub = *subscription_at(old, s);
	sub->line = line;
	sub->registration += moved;
	sub->walk = new_walk(e, old, sub->walk);
	schedule_carry(e, subscription_node(e, s), node_at(old, subscription_node(old, s)));
}

/* The free places in the order in which they would have been taken; behind them those of lines that
 * were not carried, and those that are new. */
static void carry_free_subscriptions(struct kl_engine *e, const struct kl_engine *old)
{
	uint32_t *end = &e->free_subscription, count = old->config->limits.subscriptions;
	for (uint32_t s = old->free_subscription; s != NONE; s = subscription_at(old, s)->next) {
		*end = s;
		end = &subscription_at(e, s)->next;
	}
	for (uint32_t s = 0; s < count; s++) {
		if (subscription_at(old, s)->state == KL_SUB_ENDED ||
		    subscription_at(e, s)->state != KL_SUB_ENDED)
			continue;
		*end = s;
		end = &subscription_at(e, s)->next;
	}
	*end = count < e->config->limits.subscriptions ? count : NONE;
}

/* ---- lines ---- */

static void carry_registration(struct kl_engine *e, uint32_t r, const struct kl_engine *old,
			       uint32_t from)
{
	struct registration *reg = registration_at(e, r);
	uint32_t line = reg->line, set = reg->set;
	*reg = *registration_at(old, from);
	reg->line = line;
	reg->set = set;
	memcpy(order_of(e, r), order_of(old, from), e->config->limits.set_routes);
	schedule_carry(e, registration_node(e, r), node_at(old, registration_node(old, from)));
	carry_walk(e, r, old, from);
	walk_at(e, r)->registration = r;
	for (uint32_t w = reg->first_request; w != NONE; w = request_at(old, w)->next)
		carry_request(e, r, old, w);
	reg->first_request = new_walk(e, old, reg->first_request);
	set_at(e, set)->users += line_at(e, line)->started;
	e->held_count += reg->held;
}

static void carry_line(struct kl_engine *e, uint32_t line, const struct kl_engine *old,
		       uint32_t from)
{
	struct line *to = line_at(e, line);
	uint32_t first = to->first_registration, group = to->group;
	*to = *line_at(old, from);
	to->first_registration = first;
	to->group = group;
	to->group_busy = 0;
	to->carried = true;
	for (uint8_t i = 0; i < e->config->lines[line].entry_count; i++)
		carry_registration(e, first + i, old, line_at(old, from)->first_registration + i);
	for (uint32_t i = 0; i < flow_seconds(e->config, line); i++)
		carry_registration(e, flow_of_line(e, line) + i, old, flow_of_line(old, from) + i);
	uint32_t moved = first - line_at(old, from)->first_registration;
	for (uint32_t s = to->first_subscription; s != NONE; s = subscription_at(old, s)->next)
		carry_subscription(e, line, old, s, moved);
}

/* Calls are counted anew: those of lines that went are not there any more. */
static void count_calls(struct kl_engine *e)
{
	for (uint32_t line = 0; line < e->config->line_count; line++) {
		line_at(e, line_at(e, line)->group)->group_busy += line_busy(e, line);
		e->calls += line_busy(e, line);
	}
}

/* Carries what can be.  A late 2xx to a REGISTER names its registration by a number: if any has
 * another one now, none from before the reload is taken any more (TIME-9: it is let expire). */
static int carry_lines(struct kl_engine *e, const struct kl_engine *old)
{
	bool same = devices_equal(e->config, old->config), renumbered = false;
	int count = 0;
	for (uint32_t from = 0; from < old->config->line_count; from++) {
		uint32_t line = same ? find_line(e->config, old->config, from) : KL_NO_LINE;
		if (line == KL_NO_LINE || line_at(e, line)->carried) {
			renumbered = true;
			continue;
		}
		renumbered |= line_at(e, line)->first_registration !=
				      line_at(old, from)->first_registration ||
			      flow_of_line(e, line) != flow_of_line(old, from);
		carry_line(e, line, old, from);
		count++;
	}
	if (renumbered)
		network_forget_transactions(e);
	return count;
}

int kl_engine_adopt(struct kl_engine *e, const struct kl_engine *old)
{
	bool fresh = e->timer_seq == 0 && e->serial == 0 && e->reports.head == NONE;
	bool told = old->reports.head == NONE && old->others.head == NONE;
	if (e->now < old->now)
		return KL_ETIME;
	if (!fresh || !told)
		return KL_EINVAL;
	if (!has_room(e, old))
		return KL_EFULL;
	carry_head(e, old);
	carry_shared(e, old);
	int count = carry_lines(e, old);
	carry_free_walks(e, old);
	carry_free_subscriptions(e, old);
	count_calls(e);
	for (uint32_t line = 0; line < e->config->line_count; line++)
		line_at(e, line)->carried = false;
	return count;
}
