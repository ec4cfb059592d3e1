/* large.c - requests that are too large for a datagram. */
#include "phone/large.h"

#include <stdio.h>

#include "phone/log.h"
#include "phone/private.h"
#include "phone/request.h"

/* RFC 3261 18.1.1: within 200 bytes of the path's MTU, or over 1300 bytes if that is not known.
 * What the kernel knows may be the first link's MTU alone, so it only ever lowers the bound. */
bool phone_large_is(struct phone *phone, const struct phone_hop *hop, size_t length)
{
	size_t most = PHONE_DATAGRAM_MAX;
	int mtu;

	if (hop->route.transport != KL_UDP || !hop->policy->tcp_for_large)
		return false;
	mtu = phone_network_mtu(phone, &hop->route);
	if (mtu > PHONE_DATAGRAM_MTU_MARGIN && mtu - PHONE_DATAGRAM_MTU_MARGIN < PHONE_DATAGRAM_MAX)
		most = (size_t)(mtu - PHONE_DATAGRAM_MTU_MARGIN);
	return length > most;
}

struct phone_hop phone_large_hop(const struct phone_client *client)
{
	struct phone_hop hop = client->hop;

	if (client->over_tcp)
		hop.route.transport = KL_TCP;
	return hop;
}

/* Writes the request anew with the Via of its present transport; all else stays, the branch and the
 * Contact too. */
static bool write_via(struct phone_client *client)
{
	struct phone *phone = client->phone;
	const struct phone_hop hop = phone_large_hop(client);
	const struct sip_span whole = client->request.received;
	const struct sip_span line = sip_message_header(&client->request, SIP_VIA, 0)->line;
	const char *rest = line.at + line.length;
	struct sip_message written;
	struct phone_self self;
	char via[PHONE_VIA_MAX];
	int length;

	if (phone_self_toward(phone, &hop.route, &self))
		return false;
	phone_write_via(via, &self, client->branch);
	length = snprintf(phone->scratch, sizeof phone->scratch, "%.*sVia: %s\r\n%.*s",
			  (int)(line.at - whole.at), whole.at, via,
			  (int)(whole.at + whole.length - rest), rest);
	if (length >= (int)sizeof phone->scratch ||
	    sip_message_parse(&written, phone->scratch, (size_t)length))
		return false;
	sip_message_clear(&client->request);
	client->request = written;
	return true;
}

void phone_large_begin(struct phone_client *client)
{
	if (!phone_large_is(client->phone, &client->hop, client->request.received.length))
		return;
	client->over_tcp = true;
	client->over_tcp = write_via(client);
}

void phone_large_give_up(struct phone_client *client)
{
	client->over_tcp = false;
	if (!write_via(client))
		phone_log(PHONE_LOG_ERROR, "out of memory");
}

bool phone_large_arrives(struct phone_client *client)
{
	const struct phone_hop hop = phone_large_hop(client);

	if (!client->over_tcp)
		return false;
	if (phone_transport_is_open(client->phone->transport, &hop.route))
		return true;
	phone_large_give_up(client);
	return false;
}

static void lose(struct phone_client *client, const struct kl_route *route)
{
	const struct phone_hop hop = phone_large_hop(client);

	if (!client->over_tcp || client->state != PHONE_CLIENT_OPEN ||
	    !phone_route_equal(&hop.route, route))
		return;
	if (client->proceeding) {
		phone_client_fail(client, KL_FAULT_SEND);
		return;
	}
	phone_large_give_up(client);
	phone_client_transmit(client);
}

/* What comes of it may begin transactions, but ends none. */
void phone_large_lose(struct phone *phone, const struct phone_stream_end *end)
{
	struct phone_client *client;

	for (int i = 0; i < PHONE_CLIENT_BUCKETS; i++)
		LIST_FOREACH(client, &phone->clients.buckets[i], others)
	lose(client, &end->route);
}
