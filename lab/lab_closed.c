/* lab_closed.c - what is sent to a server whose port is closed, as far as it may be listened to. */
#include <stdio.h>
#include <string.h>

#include "lab/lab_private.h"

static bool is_closed(const struct lab *lab, unsigned server)
{
	const struct lab_fault *fault;

	for (unsigned i = 0; (fault = lab_sipserver_fault(lab->servers[server], i)); i++)
		if (fault->kind == LAB_CLOSED)
			return true;
	return false;
}

/* The closed server at an address.  False: it is none. */
static bool find_server(const struct lab *lab, const struct net_address *address, unsigned *index)
{
	for (unsigned i = 0; i < lab->plan->server_count; i++) {
		const struct net_address at = lab_address(lab, (int)i);

		*index = i;
		if (!memcmp(at.ip, address->ip, sizeof at.ip) &&
		    (address->port == at.port || address->port == lab->plan->servers[i].tls_port))
			return is_closed(lab, i);
	}
	return false;
}

static enum sip_transport transport_at(const struct lab *lab, const struct net_address *address,
				       unsigned server, bool udp)
{
	if (udp)
		return SIP_UDP;
	return address->port == lab->plan->servers[server].tls_port ? SIP_TLS : SIP_TCP;
}

static void take_datagram(struct lab *lab, const struct lab_packet *packet, unsigned server)
{
	struct lab_sip_wire wire = {
		.transport = SIP_UDP, .local = packet->target, .far = packet->source, .lost = true};
	struct sip_message message;

	if (sip_message_parse(&message, packet->bytes, packet->length))
		return;
	wire.message = &message;
	lab_take_wire(&lab->places[server], &wire);
	sip_message_clear(&message);
}

static void take_packet(void *user, const struct lab_packet *packet)
{
	struct lab *lab = user;
	bool reset = packet->kind == LAB_PACKET_TCP && packet->flags & LAB_TCP_RST;
	const struct net_address *server_side = reset ? &packet->source : &packet->target;
	struct lab_sip_wire wire = {.local = *server_side,
				    .far = reset ? packet->target : packet->source};
	unsigned server;

	if (!find_server(lab, server_side, &server))
		return;
	wire.transport =
		transport_at(lab, server_side, server,
			     packet->kind != LAB_PACKET_TCP && packet->protocol != IPPROTO_TCP);
	switch (packet->kind) {
	case LAB_PACKET_UDP:
		take_datagram(lab, packet, server);
		break;
	case LAB_PACKET_TCP:
		wire.kind = reset ? LAB_WIRE_REFUSED : LAB_WIRE_CONNECTED;
		if (reset || (packet->flags & (LAB_TCP_SYN | LAB_TCP_ACK)) == LAB_TCP_SYN)
			lab_take_wire(&lab->places[server], &wire);
		break;
	case LAB_PACKET_ICMP:
		wire.kind = LAB_WIRE_UNREACHABLE;
		lab_take_wire(&lab->places[server], &wire);
		break;
	case LAB_PACKET_FRAGMENT:
	case LAB_PACKET_OTHER:
		break;
	}
}

void lab_listen_to_closed(struct lab *lab)
{
	struct net_address addresses[LAB_SERVERS_MAX];
	struct lab_eavesdrop_config config = {
		.addresses = addresses, .on_packet = take_packet, .user = lab};

	for (unsigned i = 0; i < lab->plan->server_count; i++)
		if (is_closed(lab, i))
			addresses[config.count++] = lab->plan->servers[i].address;
	lab_eavesdrop_close(lab->eavesdrop);
	lab->eavesdrop = NULL;
	if (config.count && lab_eavesdrop_open(&lab->eavesdrop, lab->loop, &config))
		lab->blind = true;
}
