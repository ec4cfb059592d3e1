/* inside_reload.c - another configuration for the side of the endpoints. */
#include <errno.h>
#include <string.h>

#include "agent/inside_private.h"
#include "phone/log.h"

static bool is_allowed(void *user, const struct agent_binding *binding)
{
	const struct agent_inside *inside = user;

	return agent_directory_uses(inside->directory, binding->endpoint, binding->line);
}

/* It reached its endpoint from where we are no more. */
static bool is_lost(void *user, const struct agent_binding *binding)
{
	(void)user;
	(void)binding;
	return false;
}

/* Listens at ADDRESS, if that can be, and there alone. */
static void move_to(struct agent_inside *inside, const struct net_address *address)
{
	const struct agent_register order = agent_inside_register(inside);
	const struct net_address before = inside->listen;
	struct phone_transport *transport;
	char why[PHONE_WHY_MAX];

	inside->listen = *address;
	if (agent_inside_listen(inside, &transport, why)) {
		inside->listen = before;
		phone_log(PHONE_LOG_ERROR, "reload: the inside listens where it did: %s", why);
		return;
	}
	phone_transport_close(inside->transport);
	inside->transport = transport;
	agent_registrar_filter(inside->registrar, &order, is_lost, NULL);
}

/* Requests in a call go by the route that was recorded: to where we listened when it began. */
static void follow(struct agent_inside *inside, const struct agent_inside_reload *order)
{
	struct net_address wanted;

	if (!order->config->inside.is_set ||
	    net_address_parse(&wanted, order->config->inside.listen, CONFIG_INSIDE_PORT) ||
	    (!memcmp(wanted.ip, inside->listen.ip, sizeof(wanted.ip)) &&
	     wanted.port == inside->listen.port))
		return;
	if (order->may_move)
		move_to(inside, &wanted);
	else
		phone_log(PHONE_LOG_WARNING,
			  "reload: calls are up, so the inside listens where it did; at %s after a "
			  "restart, or a reload without calls",
			  order->config->inside.listen);
}

int agent_inside_reload(struct agent_inside *inside, const struct agent_inside_reload *order)
{
	const struct agent_register change = agent_inside_register(inside);
	const struct agent_directory_order made = {.config = order->config,
						   .before = inside->directory,
						   .line_numbers = order->line_numbers};
	struct agent_directory *directory = agent_directory_new(&made);

	if (!directory ||
	    agent_registrar_reserve(inside->registrar, agent_directory_line_count(directory))) {
		agent_directory_free(directory);
		return -ENOMEM;
	}
	agent_directory_free(inside->directory);
	inside->directory = directory;
	inside->config.config = order->config;
	agent_prover_set(&inside->prover, &order->config->inside, directory);
	agent_registrar_filter(inside->registrar, &change, is_allowed, inside);
	follow(inside, order);
	return 0;
}
