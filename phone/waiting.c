/* waiting.c - the transactions that wait for an answer, by where they went. */
#include "phone/waiting.h"

#include "phone/large.h"
#include "phone/private.h"

/* One that is too large for a datagram goes over TCP to the same address and port. */
static uint32_t bucket_of(const struct kl_route *route)
{
	const struct sip_span place = {(const char *)route, offsetof(struct kl_route, transport)};

	return (uint32_t)(sip_span_hash(place) % PHONE_WAITING_BUCKETS);
}

void phone_waiting_begin(struct phone_client *client)
{
	client->state = PHONE_CLIENT_OPEN;
	LIST_INSERT_HEAD(&client->phone->clients.waiting[bucket_of(&client->hop.route)], client,
			 waiting);
}

void phone_waiting_end(struct phone_client *client, enum phone_client_state state)
{
	if (client->state == PHONE_CLIENT_OPEN)
		LIST_REMOVE(client, waiting);
	if (client->state == PHONE_CLIENT_OPEN && client->hop.own)
		phone_transport_end_own(client->phone->transport, &client->hop);
	client->state = state;
}

kl_tx phone_waiting_on(const struct phone *phone, const struct kl_route *route)
{
	const struct phone_client *client;

	LIST_FOREACH(client, &phone->clients.waiting[bucket_of(route)], waiting)
	{
		const struct phone_hop hop = phone_large_hop(client);

		if (phone_route_same(&hop.route, route))
			return client->tx;
	}
	return 0;
}
