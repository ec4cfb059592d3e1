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

/* A line, found by its user. */
struct user {
	struct sip_span name;
	uint32_t line;
};

struct agent_directory {
	const struct config *config;
	struct entry *names, *tokens; /* endpoint_count each, sorted */
	struct place *places;         /* of those without a password, sorted */
	uint32_t place_count;
	struct user *users; /* line_count, sorted */
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

static void fill(struct agent_directory *directory)
{
	const struct config_inside *inside = &directory->config->inside;
	uint32_t lines = directory->config->engine.line_count;

	for (uint32_t i = 0; i < inside->endpoint_count; i++) {
		const struct config_endpoint *endpoint = &inside->endpoints[i];
		const struct entry entry = {sip_span_of(endpoint->name), endpoint->key, i};
		struct place *place = &directory->places[directory->place_count];

		directory->names[i] = directory->tokens[i] = entry;
		if (!endpoint->password && read_place(endpoint, &place->address)) {
			place->endpoint = i;
			directory->place_count++;
		}
	}
	for (uint32_t i = 0; i < lines; i++)
		directory->users[i] =
			(struct user){sip_span_of(directory->config->lines[i].user), i};
	qsort(directory->names, inside->endpoint_count, sizeof(struct entry), compare_names);
	qsort(directory->tokens, inside->endpoint_count, sizeof(struct entry), compare_keys);
	qsort(directory->places, directory->place_count, sizeof(struct place), compare_places);
	qsort(directory->users, lines, sizeof(struct user), compare_users);
}

struct agent_directory *agent_directory_new(const struct config *config)
{
	struct agent_directory *directory = calloc(1, sizeof(*directory));
	uint32_t count = config->inside.endpoint_count;

	if (!directory)
		return NULL;
	directory->config = config;
	directory->names = calloc(count, sizeof(*directory->names));
	directory->tokens = calloc(count, sizeof(*directory->tokens));
	directory->places = calloc(count, sizeof(*directory->places));
	directory->users = calloc(config->engine.line_count, sizeof(*directory->users));
	if (!directory->names || !directory->tokens || !directory->places || !directory->users) {
		agent_directory_free(directory);
		return NULL;
	}
	fill(directory);
	return directory;
}

void agent_directory_free(struct agent_directory *directory)
{
	if (!directory)
		return;
	free(directory->names);
	free(directory->tokens);
	free(directory->places);
	free(directory->users);
	free(directory);
}

/* ---- endpoints ----------------------------------------------------------------------------- */

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
		 (unsigned long long)directory->config->inside.endpoints[endpoint].key);
}

uint32_t agent_directory_by_token(const struct agent_directory *directory, struct sip_span token)
{
	struct entry wanted = {.name = token};
	const struct entry *found;
	char text[AGENT_TOKEN_MAX], *end;

	if (token.length != AGENT_TOKEN_MAX - 1 || sip_span_copy(token, text, sizeof(text)))
		return AGENT_NONE;
	wanted.key = strtoull(text, &end, 16);
	found = bsearch(&wanted, directory->tokens, directory->config->inside.endpoint_count,
			sizeof(wanted), compare_keys);
	return found && !*end ? found->endpoint : AGENT_NONE;
}

bool agent_directory_place(const struct agent_directory *directory, uint32_t endpoint,
			   struct net_address *address)
{
	return read_place(&directory->config->inside.endpoints[endpoint], address);
}

/* ---- lines --------------------------------------------------------------------------------- */

static bool has_line(const struct config_endpoint *endpoint, uint32_t line)
{
	for (uint32_t i = 0; i < endpoint->line_count; i++)
		if (endpoint->lines[i] == line)
			return true;
	return false;
}

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
	const struct config_endpoint *from = &config->inside.endpoints[endpoint];
	const struct user *end = directory->users + config->engine.line_count, *user;
	struct user wanted;
	struct sip_uri uri;

	if (from->line_count == 1)
		return from->lines[0];
	if (sip_uri_parse(&uri, text) || !uri.is_sip || !uri.user.at)
		return AGENT_NONE;
	wanted.name = uri.user;
	user = bsearch(&wanted, directory->users, config->engine.line_count, sizeof(wanted),
		       compare_users);
	while (user && user > directory->users && !compare_users(user - 1, &wanted))
		user--;
	for (; user && user < end && !compare_users(user, &wanted); user++)
		if (is_host(&uri, config->lines[user->line].domain) && has_line(from, user->line))
			return user->line;
	return AGENT_NONE;
}

bool agent_directory_is_ours(const struct agent_directory *directory, uint32_t line,
			     struct sip_span text)
{
	const struct config_line *of = &directory->config->lines[line];
	uint32_t entries = directory->config->engine.lines[line].entry_count;
	struct sip_uri uri;

	if (sip_uri_parse(&uri, text))
		return false;
	if (!uri.is_sip)
		return sip_span_is(uri.scheme, "tel");
	if (is_host(&uri, of->domain))
		return true;
	for (uint32_t i = 0; i < entries; i++)
		if (is_host(&uri, of->entries[i].server))
			return true;
	return false;
}
