/* network.c - this side's network as the engine has to know it. */
#include "phone/network.h"

#include <string.h>

#include "phone/log.h"
#include "phone/private.h"

enum {
	LOOPBACK_NET = 127,
	CHECK_GAP_MS = 10, /* ten thousand lines may fail at once, and look once */
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

static struct phone_path path_to(const struct phone_network *network,
				 const struct net_address *remote)
{
	struct phone_path path = {.remote = *remote};

	path_look(&path, &network->bind);
	return path;
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

/* The new address comes before the news that there is a network again: so one REGISTER serves for
 * both. */
static void look(struct phone *phone)
{
	struct phone_network *network = &phone->network;
	struct survey names = look_at(network->resolvers, network->resolver_count, &anywhere);
	struct survey survey = look_at(network->paths, network->path_count, &network->bind);
	bool down = network->path_count ? !survey.open : network->resolver_count && !names.open;
	bool changed = down != network->down;

	network->checked_at_ms = net_now_ms();
	network->down = down;
	if (survey.moved) {
		phone_log(PHONE_LOG_NOTICE, "our address changed");
		feed(phone, KL_EV_ADDRESS_CHANGED);
	}
	/* What the engine did about that may have led to another look. */
	if (!changed || network->down != down)
		return;
	phone_log(PHONE_LOG_NOTICE, down ? "there is no network" : "there is a network again");
	feed(phone, down ? KL_EV_LINK_DOWN : KL_EV_LINK_UP);
}

static void take_change(void *user)
{
	look(user);
}

void phone_network_check(struct phone *phone)
{
	const struct phone_network *network = &phone->network;

	if (network->link && net_now_ms() >= network->checked_at_ms + CHECK_GAP_MS)
		look(phone);
}

void phone_network_use(struct phone *phone, const struct kl_route *route)
{
	struct phone_network *network = &phone->network;
	const struct net_address remote = phone_route_address(route);

	if (!network->link)
		return;
	for (uint32_t i = 0; i < network->path_count; i++)
		if (same_host(&network->paths[i].remote, &remote))
			return;
	network->paths[network->path_next] = path_to(network, &remote);
	network->path_next = (network->path_next + 1) % PHONE_PATHS_MAX;
	if (network->path_count < PHONE_PATHS_MAX)
		network->path_count++;
}

/* ---- life ------------------------------------------------------------------------------------ */

static bool is_loopback(const struct net_address *address)
{
	static const struct net_address loopback6 = {.ip = {[15] = 1}};

	return net_address_is_ipv4(address) ? address->ip[12] == LOOPBACK_NET
					    : same_host(address, &loopback6);
}

void phone_network_set_resolvers(struct phone *phone, const struct net_resolver_config *resolver)
{
	struct phone_network *network = &phone->network;

	network->resolver_count = 0;
	for (size_t i = 0; i < resolver->server_count; i++)
		if (!is_loopback(&resolver->servers[i]))
			network->resolvers[network->resolver_count++] =
				(struct phone_path){.remote = resolver->servers[i]};
	look_at(network->resolvers, network->resolver_count, &anywhere);
}

void phone_network_open(struct phone *phone, const struct phone_config *config)
{
	struct phone_network *network = &phone->network;
	int error = net_link_open(&network->link, phone->loop,
				  (struct net_callback){take_change, phone});

	network->bind = config->bind;
	if (error)
		phone_log(PHONE_LOG_WARNING, "changes of the network will not be noticed: %s",
			  strerror(-error));
	phone_network_set_resolvers(phone, phone_dns_servers(phone->dns));
}

void phone_network_close(struct phone *phone)
{
	net_link_close(phone->network.link);
}
