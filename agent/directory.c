/* directory.c - who is inside, as the configuration has it. */
#include "agent/directory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* An endpoint, found by one of its marks. */
struct entry {
	struct sip_span name;
	uint64_t key;
	uint32_t endpoint;
};

struct place {
	struct net_address address;
	uint32_t endpoint;
};

/* A line of the configuration, found by its user. */
struct user {
	struct sip_span name;
	uint32_t index;
};

/* What a number stands for. */
struct known_endpoint {
	uint64_t key;
	char *name;                           /* owned */
	const struct config_endpoint *config; /* NULL: it left */
};

struct known_line {
	uint64_t key;
	uint32_t index; /* in the configuration; AGENT_NONE: it left */
};

struct agent_directory {
	const struct config *config;
	struct known_endpoint *endpoints; /* by number */
	struct known_line *lines;         /* by number */
	uint32_t endpoint_count, line_count;
	uint32_t *line_numbers;       /* of the configuration's lines */
	struct entry *names, *tokens; /* of those that are there, sorted */
	struct place *places;         /* of those without a password, sorted */
	uint32_t place_count;
	struct user *users; /* the configuration's lines, sorted */
};

/* ---- orders -------------------------------------------------------------------------------- */

static int compare_spans(struct sip_span a, struct sip_span b)
{
	size_t shorter = a.length < b.length ? a.length : b.length;
	int order = memcmp(a.at, b.at, shorter);

	return order ? order : (a.length > b.length) - (a.length < b.length);
}

static int compare_names(const void *a, const void *b)
{
	return compare_spans(((const struct entry *)a)->name, ((const struct entry *)b)->name);
}

static int compare_keys(const void *a, const void *b)
{
	uint64_t one = ((const struct entry *)a)->key, two = ((const struct entry *)b)->key;

	return (one > two) - (one < two);
}

static int compare_places(const void *a, const void *b)
{
	return memcmp(((const struct place *)a)->address.ip, ((const struct place *)b)->address.ip,
		      sizeof((struct net_address){0}.ip));
}

static int compare_users(const void *a, const void *b)
{
	return compare_spans(((const struct user *)a)->name, ((const struct user *)b)->name);
}

/* ---- making -------------------------------------------------------------------------------- */

static bool read_place(const struct config_endpoint *endpoint, struct net_address *address)
{
	const uint16_t port = endpoint->transport == KL_TLS ? 5061 : 5060;

	return endpoint->address && !net_address_parse(address, endpoint->address, port);
}

/* The number that an endpoint had, or a new one. */
static uint32_t number_of(const struct agent_directory *directory, uint64_t key)
{
	uint32_t number = 0;

	while (number < directory->endpoint_count && directory->endpoints[number].key != key)
		number++;
	return number;
}

/* Nobody is there at first.  False: out of memory. */
static bool take_numbers(struct agent_directory *directory, const struct agent_directory *before)
{
	for (uint32_t i = 0; before && i < before->endpoint_count; i++) {
		directory->endpoints[i] = (struct known_endpoint){
			.key = before->endpoints[i].key, .name = strdup(before->endpoints[i].name)};
		directory->endpoint_count++;
		if (!directory->endpoints[i].name)
			return false;
	}
	for (uint32_t i = 0; i < directory->line_count; i++)
		directory->lines[i] = (struct known_line){.index = AGENT_NONE};
	for (uint32_t i = 0; before && i < before->line_count; i++)
		directory->lines[i].key = before->lines[i].key;
	return true;
}

static bool fill_endpoints(struct agent_directory *directory)
{
	const struct config_inside *inside = &directory->config->inside;

	for (uint32_t i = 0; i < inside->endpoint_count; i++) {
		const struct config_endpoint *endpoint = &inside->endpoints[i];
		uint32_t number = number_of(directory, endpoint->key);
		const struct entry entry = {sip_span_of(endpoint->name), endpoint->key, number};
		struct known_endpoint *known = &directory->endpoints[number];
		struct place *place = &directory->places[directory->place_count];

		known->key = endpoint->key;
		known->config = endpoint;
		if (number == directory->endpoint_count) {
			known->name = strdup(endpoint->name);
			directory->endpoint_count++;
		}
		if (!known->name)
			return false;
		directory->names[i] = directory->tokens[i] = entry;
		if (!endpoint->password && read_place(endpoint, &place->address)) {
			place->endpoint = number;
			directory->place_count++;
		}
	}
	qsort(directory->names, inside->endpoint_count, sizeof(struct entry), compare_names);
	qsort(directory->tokens, inside->endpoint_count, sizeof(struct entry), compare_keys);
	qsort(directory->places, directory->place_count, sizeof(struct place), compare_places);
	return true;
}

static void fill_lines(struct agent_directory *directory)
{
	const struct config *config = directory->config;

	for (uint32_t i = 0; i < config->engine.line_count; i++) {
		directory->lines[directory->line_numbers[i]] =
			(struct known_line){config->engine.lines[i].key, i};
		directory->users[i] = (struct user){sip_span_of(config->lines[i].user), i};
	}
	qsort(directory->users, config->engine.line_count, sizeof(struct user), compare_users);
}

/* Room for the old numbers and for as many new ones.  False: out of memory. */
static bool make_room(struct agent_directory *directory, const struct agent_directory_order *order)
{
	uint32_t endpoints = directory->config->inside.endpoint_count;
	uint32_t lines = directory->config->engine.line_count;

	directory->line_numbers = calloc(lines, sizeof(*directory->line_numbers));
	if (!directory->line_numbers)
		return false;
	directory->line_count = order->before ? order->before->line_count : 0;
	for (uint32_t i = 0; i < lines; i++) {
		uint32_t number = order->line_numbers ? order->line_numbers[i] : i;

		directory->line_numbers[i] = number;
		if (number >= directory->line_count)
			directory->line_count = number + 1;
	}
	/* One more: nothing is no size to ask for. */
	directory->endpoints =
		calloc(endpoints + (order->before ? order->before->endpoint_count : 0) + 1,
		       sizeof(*directory->endpoints));
	directory->lines = calloc(directory->line_count, sizeof(*directory->lines));
	directory->names = calloc(endpoints + 1, sizeof(*directory->names));
	directory->tokens = calloc(endpoints + 1, sizeof(*directory->tokens));
	directory->places = calloc(endpoints + 1, sizeof(*directory->places));
	directory->users = calloc(lines, sizeof(*directory->users));
	return directory->endpoints && directory->lines && directory->names && directory->tokens &&
	       directory->places && directory->users;
}

struct agent_directory *agent_directory_new(const struct agent_directory_order *order)
{
	struct agent_directory *directory = calloc(1, sizeof(*directory));

	if (!directory)
		return NULL;
	directory->config = order->config;
	if (!make_room(directory, order) || !take_numbers(directory, order->before) ||
	    !fill_endpoints(directory)) {
		agent_directory_free(directory);
		return NULL;
	}
	fill_lines(directory);
	return directory;
}

void agent_directory_free(struct agent_directory *directory)
{
	if (!directory)
		return;
	for (uint32_t i = 0; i < directory->endpoint_count; i++)
		free(directory->endpoints[i].name);
	free(directory->endpoints);
	free(directory->lines);
	free(directory->line_numbers);
	free(directory->names);
	free(directory->tokens);
	free(directory->places);
	free(directory->users);
	free(directory);
}

/* ---- by number ------------------------------------------------------------------------------ */

uint32_t agent_directory_endpoint_count(const struct agent_directory *directory)
{
	return directory->endpoint_count;
}

uint32_t agent_directory_line_count(const struct agent_directory *directory)
{
	return directory->line_count;
}

const struct config_endpoint *agent_directory_endpoint(const struct agent_directory *directory,
						       uint32_t endpoint)
{
	return directory->endpoints[endpoint].config;
}

const struct config_line *agent_directory_config_line(const struct agent_directory *directory,
						      uint32_t line)
{
	uint32_t index = directory->lines[line].index;

	return index == AGENT_NONE ? NULL : &directory->config->lines[index];
}

const char *agent_directory_name(const struct agent_directory *directory, uint32_t endpoint)
{
	return directory->endpoints[endpoint].name;
}

uint64_t agent_directory_endpoint_key(const struct agent_directory *directory, uint32_t endpoint)
{
	return directory->endpoints[endpoint].key;
}

uint64_t agent_directory_line_key(const struct agent_directory *directory, uint32_t line)
{
	return directory->lines[line].key;
}

static bool has_index(const struct config_endpoint *endpoint, uint32_t index)
{
	for (uint32_t i = 0; i < endpoint->line_count; i++)
		if (endpoint->lines[i] == index)
			return true;
	return false;
}

bool agent_directory_uses(const struct agent_directory *directory, uint32_t endpoint, uint32_t line)
{
	const struct config_endpoint *config = directory->endpoints[endpoint].config;

	return config && directory->lines[line].index != AGENT_NONE &&
	       has_index(config, directory->lines[line].index);
}

uint32_t agent_directory_by_key(const struct agent_directory *directory, uint64_t key)
{
	const struct entry wanted = {.key = key};
	const struct entry *found =
		bsearch(&wanted, directory->tokens, directory->config->inside.endpoint_count,
			sizeof(wanted), compare_keys);

	return found ? found->endpoint : AGENT_NONE;
}

uint32_t agent_directory_line_by_key(const struct agent_directory *directory, uint64_t key)
{
	for (uint32_t i = 0; i < directory->line_count; i++)
		if (directory->lines[i].key == key && directory->lines[i].index != AGENT_NONE)
			return i;
	return AGENT_NONE;
}

/* ---- endpoints, by what a message says ------------------------------------------------------ */

uint32_t agent_directory_by_name(const struct agent_directory *directory, struct sip_span name)
{
	const struct entry wanted = {.name = name};
	const struct entry *found = name.at ? bsearch(&wanted, directory->names,
						      directory->config->inside.endpoint_count,
						      sizeof(wanted), compare_names)
					    : NULL;

	return found ? found->endpoint : AGENT_NONE;
}

uint32_t agent_directory_by_address(const struct agent_directory *directory,
				    const struct net_address *address)
{
	const struct place wanted = {.address = *address};
	const struct place *found = bsearch(&wanted, directory->places, directory->place_count,
					    sizeof(wanted), compare_places);

	return found ? found->endpoint : AGENT_NONE;
}

void agent_directory_token(const struct agent_directory *directory, uint32_t endpoint,
			   char to[AGENT_TOKEN_MAX])
{
	snprintf(to, AGENT_TOKEN_MAX, "%016llx",
		 (unsigned long long)directory->endpoints[endpoint].key);
}

uint32_t agent_directory_by_token(const struct agent_directory *directory, struct sip_span token)
{
	char text[AGENT_TOKEN_MAX], *end;
	uint64_t key;

	if (token.length != AGENT_TOKEN_MAX - 1 || sip_span_copy(token, text, sizeof(text)))
		return AGENT_NONE;
	key = strtoull(text, &end, 16);
	return *end ? AGENT_NONE : agent_directory_by_key(directory, key);
}

bool agent_directory_place(const struct agent_directory *directory, uint32_t endpoint,
			   struct net_address *address)
{
	const struct config_endpoint *config = directory->endpoints[endpoint].config;

	return config && read_place(config, address);
}

/* ---- lines --------------------------------------------------------------------------------- */

/* The host of a URI, whose IPv6 address has no brackets, against one as the configuration has it.
 */
static bool is_host(const struct sip_uri *uri, const char *host)
{
	struct sip_span span = sip_span_of(host);

	if (span.length >= 2 && span.at[0] == '[')
		span = (struct sip_span){span.at + 1, span.length - 2};
	return sip_span_is(span, uri->host);
}

/* Lines of one user differ in their domains: a trunk for each customer. */
uint32_t agent_directory_line(const struct agent_directory *directory, uint32_t endpoint,
			      struct sip_span text)
{
	const struct config *config = directory->config;
	const struct config_endpoint *from = directory->endpoints[endpoint].config;
	const struct user *end = directory->users + config->engine.line_count, *user;
	struct user wanted;
	struct sip_uri uri;

	if (!from)
		return AGENT_NONE;
	if (from->line_count == 1)
		return directory->line_numbers[from->lines[0]];
	if (sip_uri_parse(&uri, text) || !uri.is_sip || !uri.user.at)
		return AGENT_NONE;
	wanted.name = uri.user;
	user = bsearch(&wanted, directory->users, config->engine.line_count, sizeof(wanted),
		       compare_users);
	while (user && user > directory->users && !compare_users(user - 1, &wanted))
		user--;
	for (; user && user < end && !compare_users(user, &wanted); user++)
		if (is_host(&uri, config->lines[user->index].domain) &&
		    has_index(from, user->index))
			return directory->line_numbers[user->index];
	return AGENT_NONE;
}

bool agent_directory_is_ours(const struct agent_directory *directory, uint32_t line,
			     struct sip_span text)
{
	const struct config_line *of = agent_directory_config_line(directory, line);
	uint32_t entries;
	struct sip_uri uri;

	if (!of || sip_uri_parse(&uri, text))
		return false;
	entries = directory->config->engine.lines[directory->lines[line].index].entry_count;
	if (!uri.is_sip)
		return sip_span_is(uri.scheme, "tel");
	if (is_host(&uri, of->domain))
		return true;
	for (uint32_t i = 0; i < entries; i++)
		if (is_host(&uri, of->entries[i].server))
			return true;
	return false;
}
