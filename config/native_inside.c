/* native_inside.c - the `inside` section of the native file. */
#include "config/native_inside.h"

#include <string.h>

#include "config/key.h"
#include "config/native_secret.h"
#include "config/text.h"

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

#define WORD(name, text) text,
static const char *const whens_out[] = {CONFIG_WHENS_OUT(WORD)};
static const char *const digests[] = {CONFIG_DIGESTS(WORD)};
static const char *const transports[] = {KL_TRANSPORTS(WORD)};
#undef WORD

/* ---- the rows ------------------------------------------------------------------------------ */

/* It stands in quotes in a challenge. */
static bool is_realm(const char *text)
{
	return !strpbrk(text, "\"\\");
}

static bool is_name(const char *text)
{
	return text_is_address(text) && !strchr(text, '@');
}

#define KEY(of, name, says) .key = #name, .offset = offsetof(of, name), .meaning = says
#define TEXT(max) .type = YAML_TEXT, .least = 1, .most = max
#define ADDRESS                                                                                    \
	TEXT(CONFIG_TEXT_MAX),                                                                     \
		.accepts = text_is_endpoint,                                                       \
		.expected =                                                                        \
			"an IP address, with a port if need be: 192.0.2.1:5070 or [2001:db8::1]"
#define WORDS(list) .type = YAML_WORD, .words = (list), .most = COUNT_OF(list) - 1

static const struct yaml_row line_item = {
	.type = YAML_NUMBER, .least = 1, .most = CONFIG_LINES_MAX};

#define ENDPOINT_KEY(name, says) KEY(struct native_endpoint, name, says)
static const struct yaml_row endpoint_rows[] = {
	{ENDPOINT_KEY(user, "its name: what it registers and answers challenges as"),
	 TEXT(CONFIG_TEXT_MAX), .accepts = is_name,
	 .expected = "the user part of a SIP address, without @"},
	{ENDPOINT_KEY(password, "the password that it answers with"), .type = YAML_SECRET,
	 .least = 1, .most = CONFIG_TEXT_MAX},
	{ENDPOINT_KEY(password_file, "or the file whose first line it is"), TEXT(4095),
	 .expected = "the path of a file"},
	{ENDPOINT_KEY(password_env, "or the environment variable that holds it"),
	 TEXT(CONFIG_TEXT_MAX)},
	{ENDPOINT_KEY(address, "where a PBX is that does not register; without a password, "
			       "whatever comes from there is its own"),
	 ADDRESS},
	{ENDPOINT_KEY(transport, "how it is reached at `address` (default udp)"),
	 WORDS(transports)},
	{ENDPOINT_KEY(lines, "the numbers of the lines that it uses (default: all)"),
	 .type = YAML_LIST, .least = 1, .most = CONFIG_LINES_MAX, .item = &line_item},
};
static const struct yaml_table endpoint_table = {endpoint_rows, COUNT_OF(endpoint_rows),
						 sizeof(struct native_endpoint)};
static const struct yaml_row endpoint_item = {.type = YAML_MAP, .table = &endpoint_table};

#define INSIDE_KEY(name, says) KEY(struct native_inside, name, says)
static const struct yaml_row inside_rows[] = {
	{INSIDE_KEY(listen, "where endpoints reach us over UDP and TCP, and over TLS on the next "
			    "port if `tls` has a certificate (default 127.0.0.1:5070)"),
	 ADDRESS},
	{INSIDE_KEY(realm, "the realm of our challenges (default keepline)"), TEXT(128),
	 .accepts = is_realm, .expected = "a text without quotes and backslashes"},
	{INSIDE_KEY(digest,
		    "which digests are offered; many endpoints know md5 alone, and give up when "
		    "they are offered another beside it (default md5)"),
	 WORDS(digests)},
	{INSIDE_KEY(when_out, "while no server answers an endpoint stays registered and its calls "
			      "get 503, or its registration is refused (default stay)"),
	 WORDS(whens_out)},
	{INSIDE_KEY(replace_loopback, "a loopback address for media is replaced by ours, since it "
				      "could carry no audio (default true)"),
	 .type = YAML_BOOL},
	{INSIDE_KEY(requests_max, "how many requests of all endpoints may wait for their answer at "
				  "one time, as a call does while it rings; what comes beyond "
				  "is answered 503 (default 10000)"),
	 .type = YAML_NUMBER, .least = 1, .most = CONFIG_INSIDE_REQUESTS_MAX},
	{INSIDE_KEY(journal, "the file in which registrations and calls outlive a restart "
			     "(default: none)"),
	 TEXT(4095), .expected = "the path of a file"},
	{INSIDE_KEY(endpoints, "who is inside"), .type = YAML_LIST, .least = 1,
	 .most = CONFIG_ENDPOINTS_MAX, .item = &endpoint_item},
};
const struct yaml_table native_inside_table = {inside_rows, COUNT_OF(inside_rows),
					       sizeof(struct native_inside)};

/* ---- passwords ----------------------------------------------------------------------------- */

void native_read_inside(struct config_store *store, struct file *file,
			const struct native_inside *inside)
{
	struct native_endpoint *endpoints = inside ? inside->endpoints.items : NULL;

	for (uint32_t i = 0; inside && i < inside->endpoints.count; i++)
		endpoints[i].secret = native_secret(store, file,
						    &(struct native_ways){
							    .password = &endpoints[i].password,
							    .file = &endpoints[i].password_file,
							    .env = &endpoints[i].password_env,
						    });
}

/* ---- endpoints ----------------------------------------------------------------------------- */

/* Addresses without their ports, which differ in what a PBX sends from. */
static bool same_host(const char *a, const char *b)
{
	uint8_t one[16], two[16];

	return text_read_endpoint(a, one) && text_read_endpoint(b, two) &&
	       memcmp(one, two, sizeof(one)) == 0;
}

/* What makes an endpoint one that can't be told from others, or NULL. */
static const char *find_fault(const struct native_endpoint *endpoint,
			      const struct config_inside *inside)
{
	if (!endpoint->user.text)
		return "an endpoint needs a user, which is its name";
	if (!endpoint->secret.text && !endpoint->address.text)
		return "an endpoint needs a password, or the address of a PBX";
	for (uint32_t i = 0; i < inside->endpoint_count; i++) {
		const struct config_endpoint *other = &inside->endpoints[i];

		if (strcmp(other->name, endpoint->user.text) == 0)
			return "there is an endpoint of this name already";
		if (endpoint->address.text && other->address &&
		    same_host(endpoint->address.text, other->address))
			return "there is an endpoint at this address already";
	}
	return NULL;
}

/* What all endpoints are made with. */
struct maker {
	struct config_store *store;
	uint32_t *all_lines;                    /* every index */
	uint32_t line_of[CONFIG_LINES_MAX + 1]; /* index + 1 by number; 0: there is none */
	struct config_endpoint *endpoints;
};

static void know_lines(struct maker *maker)
{
	const struct config *config = &maker->store->config;
	uint32_t count = config->engine.line_count;

	maker->all_lines = arena_alloc(&maker->store->arena, (count + 1) * sizeof(uint32_t));
	for (uint32_t i = 0; i < count; i++) {
		maker->all_lines[i] = i;
		if (config->lines[i].number <= CONFIG_LINES_MAX)
			maker->line_of[config->lines[i].number] = i + 1;
	}
}

static void fill_lines(struct maker *maker, const struct native_endpoint *from,
		       struct config_endpoint *to)
{
	const struct yaml_leaf *leaves = from->lines.items;
	bool has[CONFIG_LINES_MAX + 1] = {false};
	uint32_t *lines;

	if (!from->lines.count) {
		to->lines = maker->all_lines;
		to->line_count = maker->store->config.engine.line_count;
		return;
	}
	lines = arena_alloc(&maker->store->arena, from->lines.count * sizeof(*lines));
	to->lines = lines;
	for (uint32_t i = 0; i < from->lines.count; i++) {
		uint32_t number = leaves[i].number;

		if (!leaves[i].text || has[number])
			continue;
		has[number] = true;
		if (maker->line_of[number])
			lines[to->line_count++] = maker->line_of[number] - 1;
		else
			store_tell(maker->store,
				   (struct subject){CONFIG_ERROR, &leaves[i].at, leaves[i].name},
				   "there is no line %u", number);
	}
}

static void add_endpoint(struct maker *maker, const struct native_endpoint *from)
{
	struct config_store *store = maker->store;
	struct config_inside *inside = &store->config.inside;
	struct config_endpoint *to = &maker->endpoints[inside->endpoint_count];
	const char *fault = find_fault(from, inside);

	if (fault) {
		store_tell(store, (struct subject){CONFIG_ERROR, &from->at, "inside.endpoints"},
			   "%s; it is left out", fault);
		return;
	}
	*to = (struct config_endpoint){
		.name = from->user.text,
		.password = from->secret.text,
		.address = from->address.text,
		.transport = (enum kl_transport)from->transport.number,
		.key = key_of_name(from->user.text),
	};
	fill_lines(maker, from, to);
	if (to->line_count)
		inside->endpoint_count++;
}

/* ---- the section --------------------------------------------------------------------------- */

void native_fill_inside(struct config_store *store, const struct native_inside *from)
{
	struct config_inside *inside = &store->config.inside;
	struct maker maker = {.store = store};

	*inside = (struct config_inside){.listen = "127.0.0.1",
					 .realm = "keepline",
					 .replaces_loopback = true,
					 .requests_max = CONFIG_INSIDE_REQUESTS};
	if (!from)
		return;
	if (from->listen.text)
		inside->listen = from->listen.text;
	if (from->realm.text)
		inside->realm = from->realm.text;
	if (from->journal.text)
		inside->journal = native_path(store, &from->journal);
	if (from->requests_max.text)
		inside->requests_max = from->requests_max.number;
	if (from->replace_loopback.text)
		inside->replaces_loopback = from->replace_loopback.number;
	inside->when_out = (enum config_when_out)from->when_out.number;
	inside->digest = (enum config_digest)from->digest.number;
	know_lines(&maker);
	maker.endpoints =
		arena_alloc(&store->arena, (from->endpoints.count + 1) * sizeof(*maker.endpoints));
	inside->endpoints = maker.endpoints;
	for (uint32_t i = 0; i < from->endpoints.count; i++)
		add_endpoint(&maker, &((const struct native_endpoint *)from->endpoints.items)[i]);
	inside->is_set = inside->endpoint_count > 0;
	if (!from->endpoints.count)
		store_tell(store, (struct subject){CONFIG_ERROR, &from->at, "inside"},
			   "it has no endpoints");
}
