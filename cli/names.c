/* names.c - where explain looks names up: a zone file, or DNS servers. */
#include "cli/names.h"

#include <search.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "lab/zone.h"
#include "net/resolver.h"

#define RESOLV_CONF "/etc/resolv.conf"
enum { DNS_PORT = 53 };

enum { KEY_DNS = 768, KEY_RESOLVER };

static const struct argp_option options[] = {
	{"dns", KEY_DNS, "ZONEFILE", 0, "look names up in a zone file", 0},
	{"resolver", KEY_RESOLVER, "ADDR[:PORT]", 0,
	 "look names up with this DNS server; none: static records alone", 0},
	{0},
};

static error_t parse_option(int key, char *value, struct argp_state *state)
{
	struct cli_names_source *source = state->input;

	switch (key) {
	case KEY_DNS:
		source->zone_file = value;
		return 0;
	case KEY_RESOLVER:
		source->resolver = value;
		return 0;
	case ARGP_KEY_END:
		if (source->zone_file && source->resolver)
			argp_error(state, "--dns and --resolver exclude each other");
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

const struct argp cli_names_argp = {.options = options, .parser = parse_option};

struct answer {
	char name[NET_DNS_NAME_MAX + 1];
	enum net_dns_type type;
	bool done;
	struct net_dns_result result;
};

struct cli_names {
	struct lab_zone *zone; /* or: */
	struct net_loop *loop;
	struct net_resolver *resolver;
	void *answers; /* a tree of struct answer, by name and type (tsearch) */
};

static bool add_server(struct net_resolver_config *config, const char *resolver, char *why,
		       size_t why_size)
{
	int error = net_address_parse(&config->servers[config->server_count], resolver, DNS_PORT);

	if (error)
		snprintf(why, why_size, "%s: %s", resolver, net_address_explain(error));
	else
		config->server_count++;
	return !error;
}

/* Fills CONFIG with the servers to ask.  False: WHY says why there are none. */
static bool find_servers(const struct cli_names_source *source, struct net_resolver_config *config,
			 char *why, size_t why_size)
{
	int error;

	net_resolver_config_init(config);
	if (source->resolver)
		return add_server(config, source->resolver, why, why_size);
	for (uint32_t i = 0; i < source->resolver_count && i < NET_RESOLVER_SERVERS_MAX; i++)
		if (!add_server(config, source->resolvers[i], why, why_size))
			return false;
	if (config->server_count)
		return true;
	error = net_resolver_config_read(config, RESOLV_CONF);
	if (error < 0)
		snprintf(why, why_size, "%s: %s", RESOLV_CONF, strerror(-error));
	else if (!config->server_count)
		snprintf(why, why_size, "%s: names no server; use --dns or --resolver",
			 RESOLV_CONF);
	return error >= 0 && config->server_count;
}

struct cli_names *cli_names_open(const struct cli_names_source *source, char *why, size_t why_size)
{
	struct cli_names *names = calloc(1, sizeof *names);
	struct net_resolver_config config;
	bool opened = false;

	if (!names) {
		snprintf(why, why_size, "out of memory");
		return NULL;
	}
	if (source->zone_file) {
		names->zone = lab_zone_load(source->zone_file, why, why_size);
		opened = names->zone;
	} else if (source->resolver && !strcmp(source->resolver, "none")) {
		opened = true;
	} else if (find_servers(source, &config, why, why_size)) {
		int error = net_loop_create(&names->loop);

		if (!error)
			error = net_resolver_create(&names->resolver, names->loop, &config);
		if (error)
			snprintf(why, why_size, "resolver: %s", strerror(-error));
		opened = !error;
	}
	if (opened)
		return names;
	cli_names_close(names);
	return NULL;
}

void cli_names_close(struct cli_names *names)
{
	if (!names)
		return;
	tdestroy(names->answers, free);
	lab_zone_free(names->zone);
	net_resolver_free(names->resolver);
	net_loop_free(names->loop);
	free(names);
}

static void take_result(void *user, uint64_t id, const struct net_dns_result *result)
{
	struct answer *answer = user;

	(void)id;
	answer->result = *result;
	answer->done = true;
}

/* Fills ANSWER.  False: its name is no DNS name, or there is no memory. */
static bool ask(struct cli_names *names, struct answer *answer)
{
	const struct net_resolver_question question = {
		.name = answer->name,
		.type = answer->type,
		.on_result = take_result,
		.user = answer,
	};
	uint64_t id;

	if (names->zone)
		return !lab_zone_ask(names->zone, answer->name, answer->type, &answer->result);
	if (!names->resolver) {
		answer->result.status = NET_DNS_SILENT;
		return true;
	}
	if (net_resolver_ask(names->resolver, &question, &id))
		return false;
	while (!answer->done)
		if (net_loop_step(names->loop)) {
			net_resolver_cancel(names->resolver, id);
			return false;
		}
	return true;
}

static int compare_answers(const void *left, const void *right)
{
	const struct answer *a = left, *b = right;

	return a->type == b->type ? strcasecmp(a->name, b->name) : (int)a->type - (int)b->type;
}

const struct net_dns_result *cli_names_ask(struct cli_names *names, const char *name,
					   enum net_dns_type type)
{
	struct answer *answer = calloc(1, sizeof *answer);
	struct answer **known;

	if (!answer || strlen(name) >= sizeof answer->name) {
		free(answer);
		return NULL;
	}
	strcpy(answer->name, name);
	answer->type = type;
	known = tfind(answer, &names->answers, compare_answers);
	if (known) {
		free(answer);
		return &(*known)->result;
	}
	if (!ask(names, answer) || !tsearch(answer, &names->answers, compare_answers)) {
		free(answer);
		return NULL;
	}
	return &answer->result;
}
