/* race.c - two address families at a time. */
#include "phone/race.h"

#include "phone/private.h"

/* Is nothing of its own connected yet? */
static bool is_behind(const struct phone_client *client)
{
	return client->state == PHONE_CLIENT_OPEN &&
	       !phone_transport_is_open(client->phone->transport, &client->hop.route);
}

static void overtake(struct phone_client *client)
{
	client->races = false;
	phone_client_fail(client, KL_FAULT_OVERTAKEN);
}

static void take_delay(void *user)
{
	struct phone_client *client = user;
	struct phone_transport *transport = client->phone->transport;
	struct phone_hop hop = client->hop;

	if (!is_behind(client))
		return;
	hop.route = client->beside;
	client->races = true;
	if (phone_transport_is_open(transport, &client->beside))
		overtake(client);
	else
		phone_transport_connect(transport, &hop); /* in vain: its own route goes on */
}

void phone_race_begin(struct phone_client *client, const struct kl_action_send *send)
{
	const struct net_callback delay = {take_delay, client};

	if (!send->beside.port || !is_behind(client) ||
	    net_timer_create(&client->race, client->phone->loop, delay))
		return;
	client->beside = send->beside;
	net_timer_set(client->race, net_now_ms() + send->beside_ms);
}

static struct phone_client *find_loser(const struct phone *phone, const struct kl_route *route)
{
	struct phone_client *client;

	for (int i = 0; i < PHONE_CLIENT_BUCKETS; i++)
		LIST_FOREACH(client, &phone->clients.buckets[i], others)
	if (client->races && phone_route_same(&client->beside, route) && is_behind(client))
		return client;
	return NULL;
}

void phone_race_won(struct phone *phone, const struct kl_route *route)
{
	struct phone_client *client;

	while ((client = find_loser(phone, route)) != NULL)
		overtake(client);
}
