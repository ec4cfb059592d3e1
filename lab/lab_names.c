/* lab_names.c - what the lab's DNS server says. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lab/lab_private.h"

enum { ZONE_MAX = 1 << 17, /* sixteen servers with the longest names */ };

/* How NAPTR and SRV name a transport, in the order in which NAPTR prefers them. */
static const struct {
	enum sip_transport transport;
	const char *naptr, *srv;
} services[] = {
	{SIP_UDP, "SIP+D2U", "_sip._udp"},
	{SIP_TCP, "SIP+D2T", "_sip._tcp"},
	{SIP_TLS, "SIPS+D2T", "_sips._tcp"},
};

static void write_service(const struct lab *lab, FILE *to, size_t service)
{
	const struct lab_plan *plan = lab->plan;
	unsigned found = 0;

	for (unsigned i = 0; i < lab->listed_count; i++) {
		const struct lab_plan_server *server = &plan->servers[lab->listed[i]];
		/* In another order than the plan's, the order of the list is the priority. */
		unsigned priority = lab->listed[i] == i && lab->listed_count == plan->server_count
					    ? server->priority
					    : 10 * (i + 1);
		const struct net_address at = lab_address(lab, (int)lab->listed[i]);
		bool tls = services[service].transport == SIP_TLS;

		if (!(server->transports & 1u << services[service].transport))
			continue;
		found++;
		fprintf(to, "%s.%s. SRV %u %u %u %s.%s.\n", services[service].srv, plan->domain,
			priority, server->weight, tls ? server->tls_port : at.port, server->name,
			plan->domain);
	}
	if (found && plan->dns.naptr)
		fprintf(to, "%s. NAPTR %zu 50 \"s\" \"%s\" \"\" %s.%s.\n", plan->domain,
			10 * (service + 1), services[service].naptr, services[service].srv,
			plan->domain);
}

int lab_names_make(struct lab *lab, char why[LAB_WHY_MAX])
{
	char *text = calloc(1, ZONE_MAX);
	FILE *to = text ? fmemopen(text, ZONE_MAX, "w") : NULL;
	struct lab_zone *zone = NULL;

	if (!to)
		snprintf(why, LAB_WHY_MAX, "out of memory");
	else {
		fprintf(to, "$TTL %u\n", lab->ttl_s);
		for (size_t i = 0; i < sizeof services / sizeof *services; i++)
			write_service(lab, to, i);
		for (unsigned i = 0; i < lab->plan->server_count; i++) {
			const struct lab_plan_server *server = &lab->plan->servers[i];
			struct net_address bare = server->address;
			char host[NET_ADDRESS_TEXT_MAX];

			bare.port = 0;
			net_address_format(&bare, host);
			fprintf(to, "%s.%s. %s %s\n", server->name, lab->plan->domain,
				net_address_is_ipv4(&bare) ? "A" : "AAAA", host);
		}
		fclose(to);
		zone = lab_zone_parse(text, "the lab's names", why, LAB_WHY_MAX);
	}
	free(text);
	if (!zone)
		return -EINVAL;
	if (lab->dns)
		lab_dnsserver_set_zone(lab->dns, zone);
	lab_zone_free(lab->zone);
	lab->zone = zone;
	return 0;
}

static bool list(struct lab *lab, const char *names, char why[LAB_WHY_MAX])
{
	unsigned listed[LAB_SERVERS_MAX], count = 0;
	char copy[LAB_FAULT_TEXT_MAX], *rest = copy, *name;

	snprintf(copy, sizeof copy, "%s", names);
	while ((name = strsep(&rest, " "))) {
		int server = lab_plan_find(lab->plan, name);

		if (server < 0 || count == LAB_SERVERS_MAX) {
			snprintf(why, LAB_WHY_MAX, "there is no server \"%s\"", name);
			return false;
		}
		listed[count++] = (unsigned)server;
	}
	memcpy(lab->listed, listed, count * sizeof *listed);
	lab->listed_count = count;
	return lab_names_make(lab, why) == 0;
}

static void reset(struct lab *lab)
{
	lab->ttl_s = lab->plan->dns.ttl_s;
	lab->listed_count = lab->plan->server_count;
	for (unsigned i = 0; i < lab->listed_count; i++)
		lab->listed[i] = i;
}

bool lab_names_break(struct lab *lab, const struct lab_fault *fault, char why[LAB_WHY_MAX])
{
	enum lab_dns_fault code = LAB_DNS_UP;

	if (fault->kind == LAB_LISTS)
		return list(lab, fault->servers, why);
	if (fault->kind == LAB_TTL) {
		lab->ttl_s = fault->value / 1000;
		return lab_names_make(lab, why) == 0;
	}
	if (fault->kind == LAB_SILENT)
		code = LAB_DNS_SILENT;
	else if (fault->kind == LAB_SERVFAIL)
		code = LAB_DNS_SERVFAIL;
	else if (fault->kind == LAB_NXDOMAIN)
		code = LAB_DNS_NXDOMAIN;
	else if (fault->kind == LAB_REFUSED)
		code = LAB_DNS_REFUSED;
	lab->dns_fault = *fault;
	if (lab->dns)
		lab_dnsserver_set_fault(lab->dns, code);
	if (fault->kind != LAB_UP)
		return true;
	reset(lab);
	return lab_names_make(lab, why) == 0;
}
