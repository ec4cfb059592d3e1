/* dnsserver.c - a small authoritative DNS server over UDP, with faults that can be switched. */
#include "lab/dnsserver.h"

#include <errno.h>
#include <stdlib.h>

enum {
	RCODE_SERVFAIL = 2, /* RFC 1035, 4.1.1 */
	RCODE_NXDOMAIN = 3,
	RCODE_REFUSED = 5,
};

struct lab_dnsserver {
	struct lab_dnsserver_config config;
	struct net_udp *udp;
	enum lab_dns_fault fault;
	struct lab_dnsserver_counters counters;
	struct lab_dns_reply reply; /* the one under way */
};

static uint8_t fault_rcode(enum lab_dns_fault fault)
{
	switch (fault) {
	case LAB_DNS_SERVFAIL:
		return RCODE_SERVFAIL;
	case LAB_DNS_NXDOMAIN:
		return RCODE_NXDOMAIN;
	case LAB_DNS_REFUSED:
		return RCODE_REFUSED;
	case LAB_DNS_UP:
	case LAB_DNS_SILENT:
		break;
	}
	return 0;
}

static void take_datagram(void *user, const struct net_datagram *datagram)
{
	struct lab_dnsserver *server = user;
	struct lab_dns_question question = {
		.packet = datagram->bytes,
		.size = datagram->length,
		.rcode = fault_rcode(server->fault),
	};

	if (!lab_zone_answer(server->config.zone, &question, &server->reply)) {
		server->counters.dropped++;
		return;
	}
	server->counters.questions++;
	if (server->fault == LAB_DNS_SILENT)
		server->reply.size = 0;
	else
		net_udp_send(server->udp, &datagram->source, server->reply.bytes,
			     server->reply.size);
	if (server->config.on_question)
		server->config.on_question(server->config.user, &server->reply);
}

int lab_dnsserver_open(struct lab_dnsserver **out, struct net_loop *loop,
		       const struct lab_dnsserver_config *config)
{
	struct lab_dnsserver *server = calloc(1, sizeof *server);
	struct net_udp_config udp = {
		.local = config->local,
		.size_max = LAB_DNS_REPLY_MAX,
		.on_datagram = take_datagram,
		.user = server,
	};
	int error;

	if (!server)
		return -ENOMEM;
	server->config = *config;
	error = net_udp_open(&server->udp, loop, &udp);
	if (error) {
		free(server);
		return error;
	}
	*out = server;
	return 0;
}

void lab_dnsserver_close(struct lab_dnsserver *server)
{
	if (!server)
		return;
	net_udp_close(server->udp);
	free(server);
}

struct net_address lab_dnsserver_local(const struct lab_dnsserver *server)
{
	return net_udp_local(server->udp);
}

void lab_dnsserver_set_fault(struct lab_dnsserver *server, enum lab_dns_fault fault)
{
	server->fault = fault;
}

void lab_dnsserver_set_zone(struct lab_dnsserver *server, const struct lab_zone *zone)
{
	server->config.zone = zone;
}

struct lab_dnsserver_counters lab_dnsserver_counters(const struct lab_dnsserver *server)
{
	return server->counters;
}
