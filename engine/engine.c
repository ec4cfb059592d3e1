/* engine.c - one way in, one way out: events to their parts, parts to actions, the deadline. */
#include "engine/dialog.h"
#include "engine/dns.h"
#include "engine/flow.h"
#include "engine/health.h"
#include "engine/line.h"
#include "engine/names.h"
#include "engine/network.h"
#include "engine/registration.h"
#include "engine/request.h"
#include "engine/route.h"
#include "engine/schedule.h"
#include "engine/seize.h"
#include "engine/stream.h"
#include "engine/subscription.h"
#include "engine/walk.h"

#include <string.h>

/* ---- the block ---- */

struct layout {
	struct kl_engine head;
	size_t size;
};

static uint32_t layout_table(struct layout *layout, size_t count, size_t width)
{
	size_t at = (layout->size + 7) & ~(size_t)7;
	layout->size = at + count * width;
	return (uint32_t)at;
}

static bool routes_have_timers(const struct kl_config *config)
{
	for (uint32_t i = 0; i < config->line_count; i++)
		for (uint8_t j = 0; j < config->lines[i].entry_count; j++)
			if (health_needs_timers(config->lines[i].entries[j].policy))
				return true;
	return false;
}

static struct layout layout_of(const struct kl_config *config)
{
	const struct kl_limits *limits = &config->limits;
	struct layout layout = {.size = sizeof(struct kl_engine)};
	struct kl_engine *head = &layout.head;
	size_t routes = limits->set_routes;
	uint32_t registrations = flow_registrations(config);
	head->config = config;
	head->registration_count = registrations;
	head->slot_nodes = routes_have_timers(config) ? limits->routes : 0;
	size_t nodes = node_count(head);
	head->nodes_at = layout_table(&layout, nodes, sizeof(struct node));
	head->heap_at = layout_table(&layout, nodes, sizeof(uint32_t));
	head->lines_at = layout_table(&layout, config->line_count, sizeof(struct line));
	head->registrations_at = layout_table(&layout, registrations, sizeof(struct registration));
	head->orders_at = layout_table(&layout, registrations, routes);
	head->walks_at = layout_table(&layout, limits->walks, sizeof(struct walk));
	head->requests_at =
		layout_table(&layout, limits->walks - registrations, sizeof(struct request));
	head->sets_at = layout_table(&layout, limits->sets, sizeof(struct set));
	head->members_at = layout_table(&layout, limits->sets * routes, sizeof(struct member));
	head->slots_at = layout_table(&layout, limits->routes, sizeof(struct slot));
	head->watches_at = layout_table(&layout, head->slot_nodes, sizeof(struct watch));
	head->queries_at = layout_table(&layout, limits->queries, sizeof(struct query));
	head->records_at = layout_table(&layout, limits->records, sizeof(struct record));
	head->names_at = layout_table(&layout, limits->name_bytes, 1);
	head->subscriptions_at =
		layout_table(&layout, limits->subscriptions, sizeof(struct subscription));
	if (flow_any(config))
		head->second_flows_at = layout_table(&layout, config->line_count, sizeof(uint32_t));
	return layout;
}

size_t kl_engine_size(const struct kl_config *config)
{
	return layout_of(config).size;
}

static void init_nodes(struct kl_engine *e)
{
	for (uint32_t n = 0; n < node_count(e); n++)
		*node_at(e, n) =
			(struct node){.at = KL_NEVER, .heap_pos = NONE, .ready_next = NONE};
}

static void init_lists(struct kl_engine *e)
{
	e->free_walk = NONE;
	for (uint32_t w = e->config->limits.walks; w-- > e->registration_count;) {
		request_at(e, w)->next = e->free_walk;
		e->free_walk = w;
	}
	e->free_record = NONE;
	for (uint32_t i = e->config->limits.records; i-- > 0;) {
		record_at(e, i)->next = e->free_record;
		e->free_record = i;
	}
	for (uint32_t q = 0; q < e->config->limits.queries; q++)
		query_at(e, q)->first_record = NONE;
}

static void init_lines(struct kl_engine *e)
{
	uint32_t r = 0;
	for (uint32_t i = 0; i < e->config->line_count; i++) {
		*line_at(e, i) = (struct line){.first_registration = r,
					       .first_subscription = NONE,
					       .told_working = NO_POS};
		for (uint8_t j = 0; j < e->config->lines[i].entry_count; j++)
			registration_init(e, r++, i, j);
	}
	flow_init(e, r);
	line_init_groups(e);
}

int kl_engine_init(struct kl_engine *e, size_t size, const struct kl_config *config, uint64_t seed,
		   kl_ms now)
{
	char why[KL_TEXT_MAX];
	if (kl_config_check(config, why, sizeof(why)) || now == KL_NEVER)
		return KL_EINVAL;
	const struct layout layout = layout_of(config);
	if (layout.size > UINT32_MAX)
		return KL_EINVAL;
	if (size < layout.size)
		return KL_ESIZE;
	memset(e, 0, layout.size);
	*e = layout.head;
	e->now = now;
	e->seed = e->random = seed;
	e->reports = e->others = (struct ready){NONE, NONE};
	init_nodes(e);
	init_lists(e);
	init_lines(e);
	names_init(e);
	route_init(e);
	subscription_init(e);
	return KL_OK;
}

/* ---- in ---- */

/* Everything that waited for the names of set S goes on, and all who use it look what changed. */
static void set_settled(struct kl_engine *e, uint32_t s)
{
	struct set *set = set_at(e, s);
	if (!set->due)
		return;
	set->due = false;
	for (uint32_t r = 0; r < e->registration_count; r++) {
		struct registration *reg = registration_at(e, r);
		if (reg->set != s)
			continue;
		if (set->complete)
			reg->failed = 0; /* the list is rebuilt: PROBE-4 */
		set->due |= reg->failed != 0;
		registration_routes_changed(e, r);
		flow_look(e, r);
		if (walk_at(e, r)->state == WALK_NAMES)
			registration_go(e, r);
		for (uint32_t w = reg->first_request, next; w != NONE; w = next) {
			next = request_at(e, w)->next;
			if (walk_at(e, w)->state == WALK_NAMES)
				request_go(e, w);
		}
	}
}

/* What is known of a name changed that the set ONLY needs, or any if it is NONE. */
static void outdate_sets(struct kl_engine *e, uint32_t only)
{
	for (uint32_t s = 0; s < e->set_count; s++)
		set_at(e, s)->outdated |= only == NONE || only == s;
}

static void update_sets(struct kl_engine *e)
{
	for (uint32_t s = 0; s < e->set_count; s++) {
		if (!set_at(e, s)->outdated)
			continue;
		set_at(e, s)->outdated = false;
		if (set_at(e, s)->users && route_update(e, s))
			set_settled(e, s);
	}
}

static int feed_dns(struct kl_engine *e, const struct kl_event_dns *event)
{
	uint32_t only;
	int result = dns_answer(e, event, &only);
	if (result == KL_OK) {
		outdate_sets(e, only);
		update_sets(e);
	}
	return result;
}

/* An event that names a line. */
static int feed_line_event(struct kl_engine *e, const struct kl_event *event)
{
	if (event->line >= e->config->line_count)
		return KL_EINVAL;
	if (event->type == KL_EV_LINE_START)
		return line_start(e, event->line);
	if (event->type == KL_EV_LINE_STOP)
		return line_stop(e, event->line);
	if (event->type == KL_EV_REQUEST)
		return request_place(e, event->line, &event->request);
	if (event->type == KL_EV_CANCEL)
		return request_cancel(e, event->line, &event->request);
	if (event->type == KL_EV_SHARED_CALL)
		return seize_place(e, event->line, &event->shared_call);
	if (event->type == KL_EV_SUBSCRIBE)
		return subscription_ask(e, event->line, &event->subscribe);
	if (event->type == KL_EV_CALL_ENDED)
		return line_call_ended(e, event->line);
	return line_call_began(e, event->line);
}

static int feed_event(struct kl_engine *e, const struct kl_event *event)
{
	switch (event->type) {
	case KL_EV_TIME:
		return KL_OK;
	case KL_EV_RESPONSE:
		return walk_feed_response(e, &event->response);
	case KL_EV_TRANSPORT:
		return walk_feed_fault(e, &event->transport);
	case KL_EV_STREAM_LOST:
		return stream_feed_lost(e, &event->transport);
	case KL_EV_DNS:
		return feed_dns(e, &event->dns);
	case KL_EV_DIALOG_FAILED:
		return dialog_feed_failed(e, &event->dialog);
	case KL_EV_ADDRESS_CHANGED:
		return network_address_changed(e);
	case KL_EV_LINK_DOWN:
		return network_link_down(e);
	case KL_EV_LINK_UP:
		return network_link_up(e);
	case KL_EV_UNSUBSCRIBE:
		return subscription_leave(e, &event->subscribe);
	case KL_EV_NOTIFY:
		return subscription_notified(e, &event->notify);
	case KL_EV_LINE_START:
	case KL_EV_LINE_STOP:
	case KL_EV_REQUEST:
	case KL_EV_CANCEL:
	case KL_EV_CALL_BEGAN:
	case KL_EV_CALL_ENDED:
	case KL_EV_SHARED_CALL:
	case KL_EV_SUBSCRIBE:
		return feed_line_event(e, event);
	default:
		return KL_EINVAL;
	}
}

/* The first node whose time has come; NONE: there is none. */
static uint32_t due_first(const struct kl_engine *e)
{
	uint32_t n = schedule_first(e);
	return n != NONE && node_at(e, n)->at <= e->now ? n : NONE;
}

static bool is_name(const struct kl_engine *e, uint32_t n)
{
	return n >= query_node(e, 0) && n < set_node(e, 0);
}

static void wake(struct kl_engine *e, uint32_t n)
{
	uint32_t registrations = registration_node(e, 0), slots = slot_node(e, 0);
	uint32_t subscriptions = subscription_node(e, 0);
	if (n >= slots)
		health_time(e, n - slots);
	else if (n >= subscriptions)
		subscription_time(e, n - subscriptions);
	else if (n < registrations)
		walk_time(e, n);
	else
		registration_time(e, n - registrations);
}

/* Names that were found together run out together, and are looked at together.  One that no set
 * needs any more is not asked for again. */
static void wake_names(struct kl_engine *e)
{
	route_sweep(e);
	for (uint32_t n = due_first(e); is_name(e, n); n = due_first(e))
		outdate_sets(e, dns_expire(e, n - query_node(e, 0)));
	update_sets(e);
}

/* Wakes all that is due; what a waking makes due comes behind what was. */
static void wake_due(struct kl_engine *e)
{
	for (uint32_t n = due_first(e); n != NONE; n = due_first(e)) {
		if (is_name(e, n))
			wake_names(e);
		else
			wake(e, n);
	}
}

int kl_feed(struct kl_engine *e, const struct kl_event *event, kl_ms now)
{
	if (now < e->now || now == KL_NEVER)
		return KL_ETIME;
	kl_ms before = e->now;
	e->now = now;
	int result = feed_event(e, event);
	if (result < 0) {
		e->now = before;
		return result;
	}
	e->ignored += result == KL_IGNORED;
	wake_due(e);
	return result;
}

/* ---- out ---- */

static bool act(struct kl_engine *e, uint32_t n, struct kl_action *action)
{
	uint32_t registrations = registration_node(e, 0), queries = query_node(e, 0);
	uint32_t sets = set_node(e, 0), subscriptions = subscription_node(e, 0);
	uint32_t slots = slot_node(e, 0);
	if (n >= slots)
		return health_act(e, n - slots, action);
	if (n < registrations)
		return walk_act(e, n, action);
	if (n < queries)
		return registration_act(e, n - registrations, action);
	if (n < sets)
		return dns_act(e, n - queries, action);
	if (n < subscriptions)
		return route_act(e, n - sets, action);
	return subscription_act(e, n - subscriptions, action);
}

bool kl_next_action(struct kl_engine *e, struct kl_action *action)
{
	for (uint32_t n = ready_first(e); n != NONE; n = ready_first(e))
		if (act(e, n, action))
			return true;
	return false;
}

kl_ms kl_deadline(const struct kl_engine *e)
{
	uint32_t first = schedule_first(e);
	return first == NONE ? KL_NEVER : node_at(e, first)->at;
}
