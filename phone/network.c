/* network.c - this side's network as the engine has to know it. */
#include "phone/network.h"

#include <string.h>

#include "phone/log.h"
#include "phone/private.h"

enum {
	LOOPBACK_NET = 127,
	WAYS_ASKED_MAX = 64,
	LOOK_GAP_MS = 10, /* ten thousand lines may fail at once, and look once */
	MTU_KEPT_MS = 1000,
};

/* ---- paths ----------------------------------------------------------------------------------- */

static bool same_host(const struct net_address *a, const struct net_address *b)
{
	return !memcmp(a->ip, b->ip, sizeof a->ip);
}

/* DNS queries leave from any address, whatever the SIP sockets are bound to. */
static const struct net_address anywhere;

/* Looks at a path again.  True: requests to it would now leave from another address than before. */
static bool path_look(struct phone_path *path, const struct net_address *bind)
{
	struct net_address local;
	bool moved;

	path->open = net_link_way_to(&local, &path->remote, bind) == 0;
	if (!path->open)
		return false;
	moved = !net_address_is_wildcard(&path->local) && !same_host(&local, &path->local);
	path->local = local;
	return moved;
}

struct survey {
	bool open, moved; /* any of them */
};

static struct survey look_at(struct phone_path *paths, uint32_t count,
			     const struct net_address *bind)
{
	struct survey survey = {false, false};

	for (uint32_t i = 0; i < count; i++) {
		survey.moved |= path_look(&paths[i], bind);
		survey.open |= paths[i].open;
	}
	return survey;
}

/* ---- what the engine is told ----------------------------------------------------------------- */

static void feed(struct phone *phone, enum kl_event_type type)
{
	phone_feed(phone, &(struct kl_event){.type = type});
}

/* Is there a way to a server that nothing was sent to yet?  Ten thousand lines share a few. */
static bool has_other_way(const struct phone *phone)
{
	struct kl_route_view view;
	uint32_t left = WAYS_ASKED_MAX;

	for (uint32_t i = 0; i < phone->accounts.count; i++) {
		const struct phone_account *account = &phone->accounts.all[i];

		for (uint32_t r = 0; !kl_get_route(phone->engine, account->line_index,
						   account->entry_index, r, &view);
		     r++) {
			const struct net_address remote = phone_route_address(&view.route);
			struct net_address local;

			if (!left--)
				return false;
			if (!net_link_way_to(&local, &remote, &phone->network.bind))
				return true;
		}
	}
	return false;
}

/* A machine that has just started knows no server yet: then it needs a way to the DNS. */
static bool is_down(const struct phone *phone, const struct survey *servers,
		    const struct survey *names)
{
	const struct phone_network *network = &phone->network;

	if (servers->open || has_other_way(phone))
		return false;
	return network->path_count || (!network->resolver_here && !names->open);
}

/* Streams end with the address that they leave from, and no server is to blame: for the engine they
 * do so while there is no network on this side. */
static void lose_stranded(struct phone *phone)
{
	if (!phone_transport_mark_stranded(phone->transport))
		return;
	if (!phone->network.down) {
		phone->network.down = true;
		feed(phone, KL_EV_LINK_DOWN);
	}
	phone_transport_lose_stranded(phone->transport);
}

/* The new address comes before the news that there is a network again: so one REGISTER serves for
 * both. */
static void look(void *user)
{
	struct phone *phone = user;
	struct phone_network *network = &phone->network;
	struct survey names = look_at(network->resolvers, network->resolver_count, &anywhere);
	struct survey servers = look_at(network->paths, network->path_count, &network->bind);
	bool down = is_down(phone, &servers, &names);
	bool was_down = network->down;
	const uint64_t now_ms = network->looked_at_ms = net_now_ms();

	lose_stranded(phone);
	if (servers.moved) {
		phone_log(PHONE_LOG_NOTICE, "our address changed");
		feed(phone, KL_EV_ADDRESS_CHANGED);
	}
	/* What the engine did about that may have led to another look. */
	if (network->looked_at_ms != now_ms)
		return;
	if (down != was_down)
		phone_log(PHONE_LOG_NOTICE,
			  down ? "no way leads to any server" : "a way leads to a server again");
	if (down == network->down)
		return;
	network->down = down;
	feed(phone, down ? KL_EV_LINK_DOWN : KL_EV_LINK_UP);
}

void phone_network_check(struct phone *phone)
{
	struct phone_network *network = &phone->network;
	const uint64_t at_ms = network->looked_at_ms + LOOK_GAP_MS;

	if (!network->link)
		return;
	if (net_now_ms() >= at_ms)
		look(phone);
	else
		net_timer_set(network->timer, at_ms);
}

static struct phone_path *find_path(struct phone_network *network, const struct net_address *remote)
{
	for (uint32_t i = 0; i < network->path_count; i++)
		if (same_host(&network->paths[i].remote, remote))
			return &network->paths[i];
	return NULL;
}

int phone_network_mtu(struct phone *phone, const struct kl_route *route)
{
	const struct net_address remote = phone_route_address(route);
	struct phone_path *path = find_path(&phone->network, &remote);
	const uint64_t now_ms = net_now_ms();

	if (!path)
		return net_address_mtu_toward(&remote);
	if (now_ms >= path->mtu_until_ms) {
		path->mtu = net_address_mtu_toward(&remote);
		path->mtu_until_ms = now_ms + MTU_KEPT_MS;
	}
	return path->mtu;
}

void phone_network_use(struct phone *phone, const struct kl_route *route)
{
	struct phone_network *network = &phone->network;
	struct phone_path path = {.remote = phone_route_address(route)};

	if (!network->link || find_path(network, &path.remote))
		return;
	path_look(&path, &network->bind);
	network->paths[network->path_next] = path;
	network->path_next = (network->path_next + 1) % PHONE_PATHS_MAX;
	if (network->path_count < PHONE_PATHS_MAX)
		network->path_count++;
	if (path.open && network->down)
		phone_network_check(phone);
}

/* ---- life ------------------------------------------------------------------------------------ */

static bool is_loopback(const struct net_address *address)
{
	static const struct net_address loopback6 = {.ip = {[15] = 1}};

	return net_address_is_ipv4(address) ? address->ip[12] == LOOPBACK_NET
					    : same_host(address, &loopback6);
}

static void set_resolvers(struct phone_network *network, const struct net_resolver_config *resolver)
{
	network->resolver_count = 0;
	network->resolver_here = false;
	for (size_t i = 0; i < resolver->server_count; i++)
		if (is_loopback(&resolver->servers[i]))
			network->resolver_here = true;
		else
			network->resolvers[network->resolver_count++] =
				(struct phone_path){.remote = resolver->servers[i]};
}

void phone_network_set_resolvers(struct phone *phone, const struct net_resolver_config *resolver)
{
	set_resolvers(&phone->network, resolver);
	phone_network_check(phone);
}

int phone_network_open(struct phone *phone, const struct phone_config *config)
{
	struct phone_network *network = &phone->network;
	int error = net_link_open(&network->link, phone->loop, (struct net_callback){look, phone});

	if (error)
		phone_log(PHONE_LOG_WARNING, "changes of the network will not be noticed: %s",
			  strerror(-error));
	network->bind = config->bind;
	set_resolvers(network, phone_dns_servers(phone->dns));
	return net_timer_create(&network->timer, phone->loop, (struct net_callback){look, phone});
}

void phone_network_close(struct phone *phone)
{
	net_link_close(phone->network.link);
	net_timer_free(phone->network.timer);
}
