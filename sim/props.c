/* The commands that set the stage: servers and names. */
#include <arpa/inet.h>
#include <string.h>

#include "sim/story.h"

/* ---- servers ----------------------------------------------------------------------------- */

/* What "server" says of a server that is new: where its records go. */
struct listing {
	const char *zone;
	bool listed;
	enum kl_transport transport;
};

static bool parse_transport(const char *word, enum kl_transport *transport)
{
	for (*transport = KL_UDP; word && *transport <= KL_TLS; (*transport)++) {
		if (strcmp(word, kl_transport_name(*transport)) == 0)
			return true;
	}
	return false;
}

static bool parse_step(const char *word, struct sim_step *step)
{
	char status[4] = "";
	uint64_t number;

	step->after_ms = 0;
	if (!word || strspn(word, "0123456789") != 3 || (word[3] != '\0' && word[3] != '@'))
		return false;
	memcpy(status, word, 3);
	step->status = (uint16_t)(sim_parse_number(status, 699, &number) ? number : 0);
	return step->status >= 100 &&
	       (word[3] == '\0' || sim_parse_time(word + 4, &step->after_ms));
}

/* "answers [METHOD] STATUS[@TIME]...": to one method or to all. */
static bool take_answers(struct sim_story *story, struct sim_server *server,
			 struct sim_words *words)
{
	struct sim_script script = {0};
	enum kl_method method;
	bool one = sim_parse_method(sim_words_peek(words), &method);

	if (one)
		sim_words_take(words);
	while (script.count < SIM_REPLIES_MAX &&
	       parse_step(sim_words_peek(words), &script.steps[script.count])) {
		sim_words_take(words);
		script.count++;
	}
	if (script.count == 0)
		return sim_story_fail(story, "answers what? Say 100 180@1s 200@3.5s");
	for (size_t i = 0; i < KL_METHODS_MAX; i++) {
		if (!one || i == method)
			server->scripts[i] = script;
	}
	return true;
}

/* "unreachable [CLASS]" */
static void take_unreachable(struct sim_server *server, struct sim_words *words)
{
	static const struct {
		const char *name;
		enum kl_fault fault;
	} classes[] = {
		{"net", KL_FAULT_NET},   {"host", KL_FAULT_HOST},
		{"port", KL_FAULT_PORT}, {"protocol", KL_FAULT_PROTOCOL},
		{"hops", KL_FAULT_HOPS}, {"prohibited", KL_FAULT_PROHIBITED},
	};

	server->reach = SIM_UNREACHABLE;
	server->fault = KL_FAULT_PORT;
	for (size_t i = 0; i < sizeof(classes) / sizeof(classes[0]); i++) {
		if (sim_words_skip(words, classes[i].name))
			server->fault = classes[i].fault;
	}
}

/* The words that stand alone. */
static bool take_state(struct sim_server *server, struct sim_words *words)
{
	if (sim_words_skip(words, "up"))
		sim_server_heal(server);
	else if (sim_words_skip(words, "silent"))
		server->reach = SIM_SILENT;
	else if (sim_words_skip(words, "unheard"))
		server->reach = SIM_UNHEARD;
	else if (sim_words_skip(words, "unsendable"))
		server->reach = SIM_UNSENDABLE;
	else if (sim_words_skip(words, "unreachable"))
		take_unreachable(server, words);
	else if (sim_words_skip(words, "refusing"))
		server->reach = SIM_REFUSING;
	else if (sim_words_skip(words, "mute"))
		server->reach = SIM_MUTE;
	else if (sim_words_skip(words, "tls-fails"))
		server->tls_fails = true;
	else if (sim_words_skip(words, "outbound"))
		server->outbound = true;
	else if (sim_words_skip(words, "lacks-outbound"))
		server->lacks_outbound = true;
	else if (sim_words_skip(words, "trusts"))
		server->challenge = SIM_TRUSTS;
	else if (sim_words_skip(words, "challenges"))
		server->challenge = SIM_CHALLENGES;
	else if (sim_words_skip(words, "refuses"))
		server->challenge = SIM_REFUSES;
	else if (sim_words_skip(words, "foreign"))
		server->challenge = SIM_FOREIGN;
	else if (sim_words_skip(words, "distrusts"))
		server->challenge = SIM_DISTRUSTS;
	else if (sim_words_skip(words, "stale"))
		server->nonce_oldest = server->nonce + 1;
	else if (sim_words_skip(words, "forgets"))
		sim_server_forget(server);
	else
		return false;
	return true;
}

/* "redirects-to NAME [TRANSPORT]": where the Contact of a 3xx leads. */
static bool take_redirect(struct sim_story *story, struct sim_server *server, const char *name,
			  struct sim_words *words)
{
	const struct sim_server *target = name ? sim_world_find_server(&story->world, name) : NULL;
	enum kl_transport transport;

	if (!target)
		return false;
	if (parse_transport(sim_words_peek(words), &transport))
		sim_words_take(words);
	else
		transport = KL_UDP;
	server->redirect = (struct kl_route){.port = target->port, .transport = (uint8_t)transport};
	memcpy(server->redirect.ip, target->ip4, sizeof(target->ip4));
	return true;
}

/* The words that are followed by a value. */
static bool take_value(struct sim_story *story, struct sim_server *server, struct listing *listing,
		       struct sim_words *words)
{
	const char *name = sim_words_take(words);
	const char *value = sim_words_take(words);
	uint64_t number;

	if (strcmp(name, "in") == 0 && value) {
		listing->zone = value;
		return true;
	}
	if (strcmp(name, "over") == 0 && parse_transport(value, &listing->transport)) {
		server->port = listing->transport == KL_TLS ? 5061 : 5060;
		return true;
	}
	if (strcmp(name, "redirects-to") == 0 && take_redirect(story, server, value, words))
		return true;
	if (strcmp(name, "overloaded") == 0 && sim_parse_number(value, UINT16_MAX, &number)) {
		server->overloaded = (uint32_t)number;
		return true;
	}
	if (strcmp(name, "port") == 0 && sim_parse_number(value, UINT16_MAX, &number)) {
		server->port = (uint16_t)number;
		return true;
	}
	if ((strcmp(name, "retry-after") == 0 &&
	     sim_parse_seconds(value, &server->retry_after_ms)) ||
	    (strcmp(name, "grants") == 0 && sim_parse_seconds(value, &server->grant_max_ms)) ||
	    (strcmp(name, "min-expires") == 0 &&
	     sim_parse_seconds(value, &server->min_expires_ms)) ||
	    (strcmp(name, "slow") == 0 && sim_parse_time(value, &server->slow_ms)) ||
	    (strcmp(name, "delay") == 0 && sim_parse_time(value, &server->delay_ms)) ||
	    (strcmp(name, "at") == 0 && sim_parse_address(value, server->ip4)))
		return true;
	return sim_story_fail(story, "a server can't be \"%s %s\"", name, value ? value : "");
}

/* Lists a new server in the DNS: its address, and a service record behind those of its zone. */
static void list_server(struct sim_story *story, const struct sim_server *server,
			const struct listing *listing)
{
	static const char *const prefixes[] = {"_sip._udp.", "_sip._tcp.", "_sips._tcp."};
	struct sim_names *names = &story->world.names;
	struct sim_record address = {.type = KL_A, .data = {.ttl_ms = story->ttl_ms}};
	struct sim_record service = {
		.type = KL_SRV,
		.data = {.ttl_ms = story->ttl_ms, .priority = 10, .port = server->port},
	};

	memcpy(address.data.ip, server->ip4, sizeof(server->ip4));
	snprintf(address.owner, sizeof(address.owner), "%s.%s", server->name, listing->zone);
	sim_names_add(names, &address);
	if (!listing->listed)
		return;
	snprintf(service.owner, sizeof(service.owner), "%s%s", prefixes[listing->transport],
		 listing->zone);
	snprintf(service.name, sizeof(service.name), "%s", address.owner);
	for (size_t i = 0; i < names->record_count; i++) {
		if (names->records[i].type == KL_SRV &&
		    strcmp(names->records[i].owner, service.owner) == 0)
			service.data.priority = (uint16_t)(names->records[i].data.priority + 10);
	}
	sim_names_add(names, &service);
}

bool sim_story_server(struct sim_story *story, struct sim_words *words)
{
	struct listing listing = {"example.test", true, KL_UDP};
	struct sim_world *world = &story->world;
	const char *name = sim_words_take(words);
	struct sim_server *server;
	bool is_new;
	char text[INET6_ADDRSTRLEN];

	if (!name || strlen(name) >= SIM_NAME_MAX)
		return sim_story_fail(story, "a server has a name of at most %d bytes",
				      SIM_NAME_MAX - 1);
	server = sim_world_find_server(world, name);
	is_new = !server;
	if (is_new) {
		server = sim_world_add_server(world, name);
		snprintf(text, sizeof(text), "192.0.2.%zu", world->server_count);
		if (!sim_parse_address(text, server->ip4))
			return sim_story_fail(story, "too many servers");
		snprintf(text, sizeof(text), "2001:db8::%zu", world->server_count);
		sim_parse_address(text, server->ip6);
	}
	while (sim_words_peek(words)) {
		if (sim_words_skip(words, "unlisted")) {
			listing.listed = false;
		} else if (sim_words_skip(words, "answers")) {
			if (!take_answers(story, server, words))
				return false;
		} else if (!take_state(server, words) &&
			   !take_value(story, server, &listing, words)) {
			return false;
		}
	}
	if (is_new)
		list_server(story, server, &listing);
	return true;
}

/* ---- names ------------------------------------------------------------------------------- */

static const struct {
	const char *name;
	enum kl_record_type type;
} types[] = {{"srv", KL_SRV}, {"naptr", KL_NAPTR}, {"a", KL_A}, {"aaaa", KL_AAAA}};

static enum kl_record_type find_type(const char *name)
{
	for (size_t i = 0; name && i < sizeof(types) / sizeof(types[0]); i++) {
		if (strcmp(types[i].name, name) == 0)
			return types[i].type;
	}
	return (enum kl_record_type)0;
}

/* An address, or the server that has it. */
static bool take_address(struct sim_story *story, struct sim_words *words,
			 struct sim_record *record)
{
	const char *word = sim_words_take(words);
	const struct sim_server *server = word ? sim_world_find_server(&story->world, word) : NULL;

	if (!server)
		return sim_parse_address(word, record->data.ip);
	memcpy(record->data.ip, record->type == KL_A ? server->ip4 : server->ip6,
	       sizeof(record->data.ip));
	return true;
}

static bool take_u16(struct sim_words *words, uint16_t *value)
{
	uint64_t number;

	if (!sim_parse_number(sim_words_take(words), UINT16_MAX, &number))
		return false;
	*value = (uint16_t)number;
	return true;
}

static bool take_name(struct sim_words *words, char *to, size_t size)
{
	const char *word = sim_words_take(words);

	return word && snprintf(to, size, "%s", word) < (int)size;
}

/* What stands between a record's owner and its TTL. */
static bool take_data(struct sim_story *story, struct sim_words *words, struct sim_record *record)
{
	char flag[2];

	switch (record->type) {
	case KL_A:
	case KL_AAAA:
		return take_address(story, words, record);
	case KL_SRV:
		return take_u16(words, &record->data.priority) &&
		       take_u16(words, &record->data.weight) &&
		       take_u16(words, &record->data.port) &&
		       take_name(words, record->name, sizeof(record->name));
	case KL_NAPTR:
		if (!take_u16(words, &record->data.priority) ||
		    !take_u16(words, &record->data.weight) ||
		    !take_name(words, flag, sizeof(flag)) ||
		    !take_name(words, record->service, sizeof(record->service)) ||
		    !take_name(words, record->name, sizeof(record->name)))
			return false;
		record->data.flag = flag[0] == '-' ? '\0' : flag[0];
		return true;
	}
	return false;
}

/* Reads a record whose type and TTL, if it names none, are set. */
static bool take_record(struct sim_story *story, struct sim_words *words, struct sim_record *record)
{
	if (take_name(words, record->owner, sizeof(record->owner)) &&
	    take_data(story, words, record) &&
	    (!sim_words_skip(words, "ttl") ||
	     sim_parse_seconds(sim_words_take(words), &record->data.ttl_ms)))
		return true;
	return sim_story_fail(story, "that is no such record");
}

static bool add_record(struct sim_story *story, struct sim_words *words, enum kl_record_type type)
{
	struct sim_record record = {.type = type, .data.ttl_ms = story->ttl_ms};

	if (!take_record(story, words, &record))
		return false;
	sim_names_add(&story->world.names, &record);
	return true;
}

static bool add_given(struct sim_story *story, struct sim_words *words,
		      bool (*add)(struct sim_settings *settings, const struct sim_record *record))
{
	struct sim_record record = {.type = find_type(sim_words_take(words)),
				    .data.ttl_ms = 300000};

	if (!record.type)
		return sim_story_fail(story, "a record is an srv, a, aaaa or naptr");
	return take_record(story, words, &record) &&
	       (add(story->settings, &record) ||
		sim_story_fail(story, "more than %d records of that kind", SIM_STATICS_MAX));
}

bool sim_story_static(struct sim_story *story, struct sim_words *words)
{
	return add_given(story, words, sim_settings_static);
}

bool sim_story_remember(struct sim_story *story, struct sim_words *words)
{
	return add_given(story, words, sim_settings_remember);
}

static bool remove_records(struct sim_story *story, struct sim_words *words)
{
	const char *owner = sim_words_take(words);

	if (!owner)
		return sim_story_fail(story, "remove which name?");
	sim_names_remove(&story->world.names, owner, find_type(sim_words_take(words)));
	return true;
}

/* "up", "silent", "failed", "negative": the resolver, or one name. */
static bool take_fault(struct sim_story *story, struct sim_words *words)
{
	static const struct {
		const char *name;
		enum kl_dns_status status;
	} states[] = {{"up", KL_DNS_ANSWER},
		      {"silent", KL_DNS_SILENT},
		      {"failed", KL_DNS_FAILED},
		      {"negative", KL_DNS_NEGATIVE}};
	struct sim_names *names = &story->world.names;

	for (size_t i = 0; i < sizeof(states) / sizeof(states[0]); i++) {
		if (!sim_words_skip(words, states[i].name))
			continue;
		if (sim_words_peek(words))
			sim_names_break(names, sim_words_take(words), states[i].status);
		else
			names->status = states[i].status;
		return true;
	}
	return sim_story_fail(story, "the DNS can't be \"%s\"", sim_words_peek(words));
}

bool sim_story_dns(struct sim_story *story, struct sim_words *words)
{
	struct sim_names *names = &story->world.names;
	enum kl_record_type type = find_type(sim_words_peek(words));

	if (type) {
		sim_words_take(words);
		return add_record(story, words, type);
	}
	if (sim_words_skip(words, "remove"))
		return remove_records(story, words);
	if (sim_words_skip(words, "ttl"))
		return sim_parse_seconds(sim_words_take(words), &story->ttl_ms) ||
		       sim_story_fail(story, "a TTL is a number of seconds");
	if (sim_words_skip(words, "delay"))
		return sim_parse_time(sim_words_take(words), &names->delay_ms) ||
		       sim_story_fail(story, "a delay is a time");
	if (sim_words_skip(words, "patience"))
		return sim_parse_time(sim_words_take(words), &names->silence_ms) ||
		       sim_story_fail(story, "patience is a time");
	return sim_words_peek(words) ? take_fault(story, words)
				     : sim_story_fail(story, "what of the DNS?");
}
