/* lab.c - the lab's servers: opened, broken at their time, told what to do. */
#include "lab/lab.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "lab/lab_private.h"

enum { NAME_MAX = 64 };

static uint64_t clock_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_BOOTTIME, &now);
	return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

uint64_t lab_now_us(const struct lab *lab)
{
	return clock_us() - lab->began_us;
}

/* ---- faults ---------------------------------------------------------------------------------- */

/* Breaks a server, or LAB_DNS.  0, or a negative errno value with WHY. */
static int apply(struct lab *lab, int server, const struct lab_fault *fault, char why[LAB_WHY_MAX])
{
	char text[LAB_FAULT_TEXT_MAX];
	int error = 0;

	if (server == LAB_DNS) {
		error = lab_names_break(lab, fault, why) ? 0 : -EINVAL;
	} else {
		error = lab_sipserver_add_fault(lab->servers[server], fault);
		if (error)
			net_udp_explain(error, &lab->plan->servers[server].address, why,
					LAB_WHY_MAX);
		lab_listen_to_closed(lab);
	}
	if (!error)
		lab_note_fault(lab, server, lab_fault_format(text, fault));
	return error;
}

/* ---- the time line --------------------------------------------------------------------------- */

static void set_timer(struct lab *lab)
{
	const struct lab_plan *plan = lab->plan;
	uint64_t began_ms = lab->began_us / 1000, at = NET_NEVER;

	if (lab->cues_done < plan->cue_count)
		at = began_ms + plan->cues[lab->cues_done].at_ms;
	if (plan->run_ms && began_ms + plan->run_ms < at)
		at = began_ms + plan->run_ms;
	net_timer_set(lab->timer, at);
}

static void take_time(void *user)
{
	struct lab *lab = user;
	const struct lab_plan *plan = lab->plan;
	uint64_t passed_ms = lab_now_us(lab) / 1000 + 1; /* the origin was rounded down */
	char why[LAB_WHY_MAX];

	while (lab->cues_done < plan->cue_count && plan->cues[lab->cues_done].at_ms <= passed_ms) {
		const struct lab_cue *cue = &plan->cues[lab->cues_done++];

		if (apply(lab, cue->server, &cue->fault, why))
			lab_note_fault(lab, cue->server, why);
	}
	if (plan->run_ms && plan->run_ms <= passed_ms)
		lab->watcher.on_stop(lab->watcher.user);
	else
		set_timer(lab);
}

/* ---- orders ---------------------------------------------------------------------------------- */

static void write_status(const struct lab *lab, FILE *to)
{
	const struct lab_plan *plan = lab->plan;
	const struct net_address dns = lab_address(lab, LAB_DNS);
	char text[LAB_FAULT_TEXT_MAX], address[NET_ADDRESS_TEXT_MAX];

	for (unsigned i = 0; i < plan->server_count; i++) {
		const struct lab_sipserver_counters counters =
			lab_sipserver_counters(lab->servers[i]);
		const struct net_address at = lab_address(lab, (int)i);
		const struct lab_fault *fault;

		fprintf(to, "%-10s %-24s %u registered, %u calls, %llu requests",
			plan->servers[i].name, net_address_format(&at, address), counters.bindings,
			counters.calls, (unsigned long long)counters.requests);
		for (unsigned k = 0; (fault = lab_sipserver_fault(lab->servers[i], k)); k++)
			fprintf(to, "; %s", lab_fault_format(text, fault));
		fputc('\n', to);
	}
	fprintf(to, "%-10s %-24s %s\n", "dns", net_address_format(&dns, address),
		lab_fault_word(lab->dns_fault.kind));
}

static int order_all(struct lab *lab, const char *text, char answer[LAB_ANSWER_MAX])
{
	struct lab_fault fault;
	int error = 0;

	if (!lab_fault_parse(&fault, LAB_CULPRIT_SIP, text, answer))
		return -EINVAL;
	for (unsigned i = 0; i < lab->plan->server_count && !error; i++)
		error = apply(lab, (int)i, &fault, answer);
	if (!error && fault.kind == LAB_UP)
		error = apply(lab, LAB_DNS, &fault, answer);
	return error;
}

int lab_order(struct lab *lab, const char *text, char answer[LAB_ANSWER_MAX])
{
	size_t length = strcspn(text, " ");
	const char *rest = text + length + strspn(text + length, " ");
	char name[NAME_MAX] = "";
	struct lab_fault fault;
	int server;

	answer[0] = '\0';
	if (length < sizeof name)
		memcpy(name, text, length);
	if (!strcmp(text, "status")) {
		FILE *to = fmemopen(answer, LAB_ANSWER_MAX, "w");

		if (!to)
			return -errno;
		write_status(lab, to);
		fclose(to);
		return 0;
	}
	if (!strcmp(text, "stop")) {
		lab->watcher.on_stop(lab->watcher.user);
		return 0;
	}
	if (!strcmp(name, "all"))
		return order_all(lab, rest, answer);
	server = lab_plan_find(lab->plan, name);
	if (server < LAB_DNS) {
		snprintf(answer, LAB_ANSWER_MAX,
			 "\"%.60s\": expected a server's name, dns, all, status or stop", name);
		return -EINVAL;
	}
	if (!lab_fault_parse(&fault, server == LAB_DNS ? LAB_CULPRIT_DNS : LAB_CULPRIT_SIP, rest,
			     answer))
		return -EINVAL;
	return apply(lab, server, &fault, answer);
}

/* ---- opening --------------------------------------------------------------------------------- */

/* Adds a line to WHY: what stands in the way of a port. */
static int explain(const struct position *at, int error, const struct net_address *local,
		   char why[LAB_WHY_MAX])
{
	size_t used = strlen(why);
	char text[LAB_WHY_MAX];

	if (!error)
		return 0;
	net_udp_explain(error, local, text, sizeof text);
	if (at->file)
		snprintf(why + used, LAB_WHY_MAX - used, "%s%s:%u:%u: %s", used ? "\n" : "",
			 at->file, at->line, at->column, text);
	else
		snprintf(why + used, LAB_WHY_MAX - used, "%s%s", used ? "\n" : "", text);
	return error;
}

static void add_transport(struct lab_sipserver_config *config, unsigned *count,
			  enum sip_transport transport, uint16_t port)
{
	if (!*count) {
		config->transport = transport;
		config->local.port = port;
	} else {
		config->more[config->more_count++] = (struct lab_sip_place){transport, port};
	}
	++*count;
}

static int open_server(struct lab *lab, unsigned index, char why[LAB_WHY_MAX])
{
	const struct lab_plan *plan = lab->plan;
	const struct lab_plan_server *server = &plan->servers[index];
	struct lab_sipserver_config config = {
		.local = server->address,
		.tls = lab->tls[index][0],
		.registrar = {.realm = plan->domain,
			      .username = plan->user,
			      .password = plan->password,
			      .algorithms = plan->algorithms,
			      .expires_max_s = plan->expires_max_s},
		.members_only = plan->calls.members_only,
		.proxies = plan->calls.proxied,
		.ring_ms = plan->calls.ring_ms,
		.answer_ms = plan->calls.answer_ms,
		.seed = plan->seed + index,
		.on_wire = lab_take_wire,
		.user = &lab->places[index],
	};
	unsigned count = 0;

	lab->places[index] = (struct lab_place_of){lab, index};
	for (int i = 0; i < LAB_CERTIFICATE_FAULTS; i++)
		config.bad_tls[i] = lab->tls[index][1 + i];
	if (server->transports & 1u << SIP_UDP)
		add_transport(&config, &count, SIP_UDP, server->address.port);
	if (server->transports & 1u << SIP_TCP)
		add_transport(&config, &count, SIP_TCP, server->address.port);
	if (server->transports & 1u << SIP_TLS)
		add_transport(&config, &count, SIP_TLS, server->tls_port);
	return explain(&server->at, lab_sipserver_open(&lab->servers[index], lab->loop, &config),
		       &config.local, why);
}

/* All ports are tried, so that everything that is in the way is told at once. */
static int open_all(struct lab *lab, char why[LAB_WHY_MAX])
{
	const struct lab_fault up = {.kind = LAB_UP};
	struct lab_dnsserver_config dns = {
		.local = lab->plan->dns.address, .on_question = lab_take_question, .user = lab};
	int error = lab_tls_open(lab, why), first = 0;

	if (error)
		return error;
	why[0] = '\0';
	for (unsigned i = 0; i < lab->plan->server_count; i++) {
		error = open_server(lab, i, why);
		first = first ? first : error;
	}
	if (!first && !lab_names_break(lab, &up, why))
		return -EINVAL;
	if (!first)
		why[0] = '\0';
	dns.zone = lab->zone; /* none: nothing is going to be asked */
	error = explain(&lab->plan->dns.at, lab_dnsserver_open(&lab->dns, lab->loop, &dns),
			&dns.local, why);
	return first ? first : error;
}

int lab_open(struct lab **out, struct net_loop *loop, const struct lab_plan *plan,
	     const struct lab_watcher *watcher, char why[LAB_WHY_MAX])
{
	struct lab *lab = calloc(1, sizeof *lab);
	int error;

	why[0] = '\0';
	if (!lab) {
		snprintf(why, LAB_WHY_MAX, "out of memory");
		return -ENOMEM;
	}
	lab->plan = plan;
	lab->loop = loop;
	lab->watcher = *watcher;
	lab->began_us = clock_us();
	error = net_timer_create(&lab->timer, loop, (struct net_callback){take_time, lab});
	if (!error)
		error = open_all(lab, why);
	if (error) {
		lab_close(lab);
		return error;
	}
	lab->began_us = clock_us();
	set_timer(lab);
	*out = lab;
	return 0;
}

void lab_close(struct lab *lab)
{
	if (!lab)
		return;
	lab->watcher = (struct lab_watcher){0};
	lab_eavesdrop_close(lab->eavesdrop);
	for (unsigned i = 0; i < lab->plan->server_count; i++)
		lab_sipserver_close(lab->servers[i]);
	lab_dnsserver_close(lab->dns);
	lab_zone_free(lab->zone);
	lab_tls_close(lab);
	net_timer_free(lab->timer);
	lab_trace_clear(&lab->trace);
	free(lab);
}

/* ---- asking ---------------------------------------------------------------------------------- */

const struct lab_plan *lab_plan(const struct lab *lab)
{
	return lab->plan;
}

const char *lab_ca_file(const struct lab *lab)
{
	return lab->ca_file;
}

const struct lab_sipserver *lab_server(const struct lab *lab, unsigned index)
{
	return lab->servers[index];
}

const struct lab_fault *lab_dns_fault(const struct lab *lab)
{
	return &lab->dns_fault;
}

const struct lab_zone *lab_zone(const struct lab *lab)
{
	return lab->zone;
}

struct net_address lab_address(const struct lab *lab, int server)
{
	struct net_address at, real;

	if (server == LAB_DNS)
		return lab_dnsserver_local(lab->dns);
	at = lab->plan->servers[server].address;
	real = lab_sipserver_local(lab->servers[server]);
	if (!at.port)
		at.port = real.port;
	return at;
}

/* Where it is over one of the transports. */
static struct net_address address_over(const struct lab *lab, unsigned server,
				       enum kl_transport transport)
{
	struct net_address at = lab_address(lab, (int)server);

	if (transport == KL_TLS)
		at.port = lab->plan->servers[server].tls_port;
	return at;
}

const char *lab_name_route(const struct lab *lab, const struct kl_route *route)
{
	for (unsigned i = 0; i < lab->plan->server_count; i++) {
		const struct net_address at =
			address_over(lab, i, (enum kl_transport)route->transport);

		if (at.port == route->port && !memcmp(at.ip, route->ip, sizeof route->ip))
			return lab->plan->servers[i].name;
	}
	return NULL;
}

/* RFC 2782: by priority; servers of one priority have no order of their own, so none is expected.
 */
uint32_t lab_routes(const struct lab *lab, struct lab_expected_route routes[KL_SET_ROUTES_MAX])
{
	const struct lab_plan *plan = lab->plan;
	enum kl_transport used;
	uint32_t count = 0;

	if (!lab->trace.count)
		return 0;
	used = (enum kl_transport)lab->trace.records[0].route.transport;
	for (unsigned i = 0; i < plan->server_count && count < KL_SET_ROUTES_MAX; i++) {
		const struct lab_plan_server *server = &plan->servers[i];
		const struct net_address at = address_over(lab, i, used);
		struct lab_expected_route route = {.record = server->priority};
		uint32_t place = count;

		route.route.port = at.port;
		route.route.transport = (uint8_t)used;
		memcpy(route.route.ip, at.ip, sizeof route.route.ip);
		for (uint32_t k = 0; k < count; k++)
			if (routes[k].record == route.record)
				return 0;
		while (place && routes[place - 1].record > route.record)
			place--;
		memmove(&routes[place + 1], &routes[place], (count - place) * sizeof *routes);
		routes[place] = route;
		count++;
	}
	for (uint32_t i = 0; i < count; i++)
		routes[i].record = i + 1;
	return count;
}
