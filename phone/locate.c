/* locate.c - where a SIP URI leads (RFC 3263 4). */
#include "phone/locate.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "phone/private.h"
#include "sip/value.h"

enum {
	SERVICES_MAX = 3,                         /* one for each transport */
	SERVICE_NAME_MAX = NET_DNS_NAME_MAX + 16, /* with "_sips._tcp." before it */
};

/* In the order of trial where the DNS says nothing of it (DNS-4). */
static const struct {
	const char *naptr, *prefix;
} services[SERVICES_MAX] = {
	[KL_UDP] = {"SIP+D2U", "_sip._udp"},
	[KL_TCP] = {"SIP+D2T", "_sip._tcp"},
	[KL_TLS] = {"SIPS+D2T", "_sips._tcp"},
};

struct service {
	char name[SERVICE_NAME_MAX + 1];
	enum kl_transport transport;
};

struct target {
	char name[NET_DNS_NAME_MAX + 1];
	uint16_t port;
	enum kl_transport transport;
};

struct phone_locate {
	struct phone *phone;
	struct phone_locate_order order; /* but for its uri */
	struct phone_found found;
	bool starting, over;
	enum kl_transport transport; /* of the name's own addresses */
	enum net_dns_type asked;     /* what is waited for */
	bool has_srv;
	struct service services[SERVICES_MAX]; /* whose SRV records are wanted */
	unsigned service_count, services_done;
	struct target targets[PHONE_FOUND_MAX]; /* whose addresses are wanted */
	unsigned target_count, targets_done;
	struct net_timer *bound;
};

static void ask_next(struct phone_locate *locate);

/* ---- life ------------------------------------------------------------------------------------ */

void phone_locate_stop(struct phone_locate *locate)
{
	if (!locate)
		return;
	phone_dns_forget(locate->phone->dns, locate);
	net_timer_free(locate->bound);
	free(locate);
}

static void finish(struct phone_locate *locate)
{
	const struct phone_locate_order order = locate->order;
	const struct phone_found found = locate->found;

	locate->over = true;
	if (!locate->starting)
		phone_locate_stop(locate);
	order.on_found(order.user, &found);
}

static void take_bound(void *user)
{
	finish(user);
}

/* ---- what is wanted -------------------------------------------------------------------------- */

static void add_service(struct phone_locate *locate, const char *name, enum kl_transport transport)
{
	struct service *service = &locate->services[locate->service_count];

	if (locate->service_count == SERVICES_MAX)
		return;
	snprintf(service->name, sizeof service->name, "%s", name);
	service->transport = transport;
	locate->service_count++;
}

/* The services of the name itself. */
static void add_own_service(struct phone_locate *locate, enum kl_transport transport)
{
	char name[SERVICE_NAME_MAX + 1];

	snprintf(name, sizeof name, "%s.%s", services[transport].prefix, locate->found.name);
	add_service(locate, name, transport);
}

static void add_target(struct phone_locate *locate, const char *name, uint16_t port,
		       enum kl_transport transport)
{
	struct target *target = &locate->targets[locate->target_count];

	if (locate->target_count == PHONE_FOUND_MAX)
		return;
	snprintf(target->name, sizeof target->name, "%s", name);
	target->port = port;
	target->transport = transport;
	locate->target_count++;
}

/* ---- answers --------------------------------------------------------------------------------- */

/* The record of the lowest priority, and among several one by chance in proportion to its weight
 * (RFC 2782).  LEFT has a bit for each to choose from, and is not 0. */
static unsigned draw(const struct net_dns_result *result, uint64_t left)
{
	uint32_t lowest = UINT32_MAX;
	uint64_t sum = 0, mark;

	for (unsigned i = 0; i < result->count; i++) {
		const struct net_dns_record *record = &result->records[i];

		if (!(left >> i & 1) || record->priority > lowest)
			continue;
		if (record->priority < lowest)
			sum = 0;
		lowest = record->priority;
		sum += record->weight;
	}
	mark = phone_draw() % (sum + 1);
	for (unsigned i = 0; i < result->count; i++) {
		if (!(left >> i & 1) || result->records[i].priority != lowest)
			continue;
		if (mark <= result->records[i].weight)
			return i;
		mark -= result->records[i].weight;
	}
	return 0;
}

static uint64_t all_of(const struct net_dns_result *result)
{
	return result->count < 64 ? (UINT64_C(1) << result->count) - 1 : UINT64_MAX;
}

/* RFC 3263 4.1: those that we can use, by order and preference. */
static void take_naptr(struct phone_locate *locate, const struct net_dns_result *result)
{
	for (uint64_t left = all_of(result); left;) {
		const struct net_dns_record *best = NULL;

		for (unsigned i = 0; i < result->count; i++) {
			const struct net_dns_record *record = &result->records[i];

			if (left >> i & 1 &&
			    (!best || record->priority < best->priority ||
			     (record->priority == best->priority && record->weight < best->weight)))
				best = record;
		}
		left &= ~(UINT64_C(1) << (best - result->records));
		for (unsigned i = 0; i < SERVICES_MAX; i++)
			if (best->flag == 's' && !strcasecmp(best->service, services[i].naptr))
				add_service(locate, best->name, (enum kl_transport)i);
	}
	for (unsigned i = 0; !locate->service_count && i < SERVICES_MAX; i++)
		add_own_service(locate, (enum kl_transport)i);
}

static void take_srv(struct phone_locate *locate, const struct net_dns_result *result)
{
	enum kl_transport transport = locate->services[locate->services_done++].transport;

	for (uint64_t left = all_of(result); left;) {
		unsigned chosen = draw(result, left);
		const struct net_dns_record *record = &result->records[chosen];

		left &= ~(UINT64_C(1) << chosen);
		locate->has_srv = true;
		if (strcmp(record->name, ".") != 0)
			add_target(locate, record->name, record->port, transport);
	}
}

static struct kl_route route_of(const struct phone_locate *locate,
				const struct net_address *address, enum kl_transport transport)
{
	struct kl_route route = phone_route_of(address, transport);

	if (transport == KL_TLS)
		route.tls_name = kl_tls_name(locate->found.name);
	return route;
}

static void take_addresses(struct phone_locate *locate, const struct net_dns_result *result)
{
	const struct target *target = &locate->targets[locate->targets_done];
	struct phone_found *found = &locate->found;

	for (size_t i = 0; i < result->count && found->count < PHONE_FOUND_MAX; i++) {
		struct net_address address = {.port = target->port};

		memcpy(address.ip, result->records[i].ip, sizeof address.ip);
		if (phone_transport_families(locate->phone->transport) &
		    (net_address_is_ipv4(&address) ? KL_IPV4 : KL_IPV6))
			found->routes[found->count++] =
				route_of(locate, &address, target->transport);
	}
}

static void take_result(void *user, const struct net_dns_result *result)
{
	struct phone_locate *locate = user;

	switch (locate->asked) {
	case NET_DNS_NAPTR:
		take_naptr(locate, result);
		break;
	case NET_DNS_SRV:
		take_srv(locate, result);
		break;
	case NET_DNS_A:
		take_addresses(locate, result);
		break;
	case NET_DNS_AAAA:
		take_addresses(locate, result);
		locate->targets_done++;
		break;
	}
	ask_next(locate);
}

/* ---- questions ------------------------------------------------------------------------------- */

static void ask(struct phone_locate *locate, const char *name, enum net_dns_type type)
{
	static const struct net_dns_result failed = {.status = NET_DNS_FAILED};
	const struct phone_dns_search search = {
		.name = name, .type = type, .on_result = take_result, .user = locate};

	locate->asked = type;
	if (phone_dns_find(locate->phone->dns, &search))
		take_result(locate, &failed);
}

/* DNS-9: records that exist but lead nowhere do not fall back to the name's own addresses. */
static void ask_next(struct phone_locate *locate)
{
	const struct target *target;

	if (locate->services_done < locate->service_count) {
		ask(locate, locate->services[locate->services_done].name, NET_DNS_SRV);
		return;
	}
	if (!locate->target_count && !locate->has_srv)
		add_target(locate, locate->found.name, phone_default_port(locate->transport),
			   locate->transport);
	if (locate->targets_done == locate->target_count ||
	    locate->found.count == PHONE_FOUND_MAX) {
		finish(locate);
		return;
	}
	target = &locate->targets[locate->targets_done];
	ask(locate, target->name, locate->asked == NET_DNS_A ? NET_DNS_AAAA : NET_DNS_A);
}

/* RFC 3263 4.1, 4.2: a transport that the URI names, or a port, leaves less to ask for. */
static void begin(struct phone_locate *locate, const struct sip_uri *uri)
{
	bool is_given = uri->is_secure || uri->transport != SIP_TRANSPORT_OTHER;

	locate->transport = phone_transport_of_uri(uri);
	snprintf(locate->found.name, sizeof locate->found.name, "%s", uri->host);
	if (uri->port)
		add_target(locate, uri->host, uri->port, locate->transport);
	else if (is_given)
		add_own_service(locate, locate->transport);
	else {
		ask(locate, uri->host, NET_DNS_NAPTR);
		return;
	}
	ask_next(locate);
}

struct phone_locate *phone_locate_start(struct phone *phone, const struct phone_locate_order *order)
{
	struct phone_found found = {.count = 1};
	struct phone_locate *locate = NULL;
	struct sip_uri uri;

	if (phone_route_of_uri(order->uri, &found.routes[0])) {
		found.count = 0;
		if (!sip_uri_parse(&uri, order->uri) && uri.is_sip)
			locate = calloc(1, sizeof *locate);
	}
	if (!locate) {
		order->on_found(order->user, &found);
		return NULL;
	}
	locate->phone = phone;
	locate->order = *order;
	locate->starting = true;
	if (net_timer_create(&locate->bound, phone->loop,
			     (struct net_callback){take_bound, locate}))
		finish(locate);
	else
		begin(locate, &uri);
	locate->starting = false;
	if (locate->over) {
		phone_locate_stop(locate);
		return NULL;
	}
	net_timer_set(locate->bound, net_now_ms() + order->wait_max_ms);
	return locate;
}

/* ---- hops ------------------------------------------------------------------------------------ */

/* Whom a certificate has to name, by the number that a route has (kl_tls_name()); NULL: the
 * address. */
static const char *certificate_name(const struct phone *phone, const struct phone_account *account,
				    const struct phone_found *found, uint32_t number)
{
	const struct kl_entry_config *entry = phone_entry_config(phone, account);

	if (!number)
		return NULL;
	if (kl_tls_name(entry->name) == number)
		return entry->name;
	for (uint8_t i = 0; i < entry->more_count; i++)
		if (kl_tls_name(entry->more_names[i]) == number)
			return entry->more_names[i];
	if (*found->name && kl_tls_name(found->name) == number)
		return found->name;
	return phone_redirect_name(&phone->redirect_names, number);
}

struct phone_hop phone_locate_hop(const struct phone *phone, const struct phone_account *account,
				  const struct phone_found *found, const struct kl_route *route)
{
	struct phone_hop hop = {.route = *route,
				.policy = phone_entry_config(phone, account)->policy};
	struct kl_route_view view;

	for (uint32_t i = 0;
	     !kl_get_route(phone->engine, account->line_index, account->entry_index, i, &view); i++)
		if (phone_route_same(&view.route, route) ||
		    (phone_route_equal(&view.route, route) && phone_route_same(&hop.route, route)))
			hop.route = view.route;
	hop.name = certificate_name(phone, account, found, hop.route.tls_name);
	return hop;
}
