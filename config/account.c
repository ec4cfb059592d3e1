/* account.c - each reg.x.address makes a line, each server address an entry of it. */
#include "config/account.h"

#include <string.h>

#include "config/resolve.h"

/* The lines under construction. */
struct builder {
	struct config_store *store;
	enum kl_profile profile;
	struct kl_line_config *engine_lines;
	struct config_line *lines;
	uint32_t count;
	const struct kl_policy **policies; /* the distinct ones */
	uint32_t policy_count;
	struct config_value *values; /* scratch for one line */
};

/* One line under construction. */
struct draft {
	struct scope scope;
	struct config_line *line;
	struct kl_entry_config *engine_entries;
	struct config_entry *entries;
	uint8_t entry_count;
	uint32_t configured; /* entries, those left out included */
};

static const struct kl_policy *share_policy(struct builder *builder, const struct kl_policy *policy)
{
	for (uint32_t i = builder->policy_count; i-- > 0;)
		if (memcmp(builder->policies[i], policy, sizeof(*policy)) == 0)
			return builder->policies[i];
	struct kl_policy *copy = arena_alloc(&builder->store->arena, sizeof(*copy));
	memcpy(copy, policy, sizeof(*copy));
	return builder->policies[builder->policy_count++] = copy;
}

static bool has_server(struct config_store *store, uint8_t place, uint32_t x, uint32_t y)
{
	struct setting *passed = NULL;
	struct parameter_key key = {
		.id = PARAMETER_server_address, .x = (uint16_t)x, .y = (uint8_t)y, .place = place};
	return store_find(store, &key, &passed) != NULL;
}

/* A line with a server of its own has only its own (PROF-2).  Bit y for each entry. */
static uint32_t choose_entries(struct config_store *store, uint32_t x)
{
	uint32_t own = 0, site = 0;
	for (uint32_t y = 1; y <= KL_ENTRIES_MAX; y++) {
		if (has_server(store, PLACE_LINE_SERVER, x, y))
			own |= 1u << y;
		if (has_server(store, PLACE_SITE_SERVER, 0, y))
			site |= 1u << y;
	}
	return own ? own : site;
}

/* The transport that the entry asks for.  False: this version has it not, which is told once for
 * each place that asks. */
static bool choose_transport(struct draft *draft, enum parameter_id id, uint8_t *choice)
{
	struct config_store *store = draft->scope.store;
	struct setting *setting = resolve_setting(&draft->scope, id);
	enum kl_transport_choice wanted = KL_CHOOSE_NAPTR;
	if (setting)
		wanted = (enum kl_transport_choice)setting->value.number;
	*choice = (uint8_t)wanted;
	if (!setting || kl_transports_allow(store->config.engine.transports, wanted))
		return true;
	if (!setting->told) {
		struct subject subject = {CONFIG_ERROR, &setting->at,
					  parameter_name(&setting->key, &store->arena)};
		store_tell(store, subject,
			   "%s is not available in this version; what uses it is left out",
			   setting->value.text);
		setting->told = true;
	}
	return false;
}

/* A host as a URI has it: an IPv6 address stands in brackets (RFC 3261 25.1). */
static const char *uri_host(struct draft *draft, const char *host)
{
	return strchr(host, ':') ? arena_format(&draft->scope.store->arena, "[%s]", host) : host;
}

/* Adds the entry of draft->scope.y, unless its transport is not to be had. */
static void add_entry(struct builder *builder, struct draft *draft)
{
	struct scope *scope = &draft->scope;
	struct config_entry *entry = &draft->entries[draft->entry_count];
	struct kl_entry_config *engine_entry = &draft->engine_entries[draft->entry_count];
	uint32_t values_before = scope->value_count;

	scope->entry = draft->entry_count;
	scope->via_proxy = false;
	entry->number = scope->y;
	entry->server = resolve_text(scope, PARAMETER_server_address);
	entry->server_port = (uint16_t)resolve_number(scope, PARAMETER_server_port);
	entry->registers = resolve_number(scope, PARAMETER_server_register);
	engine_entry->name = entry->server;
	engine_entry->port = entry->server_port;
	engine_entry->registers = entry->registers;
	if (!*draft->line->domain)
		draft->line->domain = uri_host(draft, entry->server);

	/* Polycom TB 5844: with a proxy all requests of the registration go there, whatever the
	 * server.  FALL-6 */
	enum parameter_id transport = PARAMETER_server_transport;
	scope->via_proxy = resolve_number(scope, PARAMETER_server_use_proxy);
	const char *proxy = scope->via_proxy ? resolve_text(scope, PARAMETER_proxy_address) : "";
	scope->via_proxy = entry->via_outbound_proxy = *proxy != '\0';
	if (scope->via_proxy) {
		engine_entry->name = proxy;
		engine_entry->port = (uint16_t)resolve_number(scope, PARAMETER_proxy_port);
		transport = PARAMETER_proxy_transport;
	}
	if (!choose_transport(draft, transport, &engine_entry->transport_choice)) {
		scope->value_count = values_before;
		return;
	}
	struct kl_policy policy;
	resolve_policy(scope, &policy);
	engine_entry->policy = share_policy(builder, &policy);
	draft->entry_count++;
}

/* reg.x.address is user or user@host; without a host the first server is the domain. */
static void fill_account(struct draft *draft, const char *address)
{
	struct config_line *line = draft->line;
	struct scope *scope = &draft->scope;
	size_t user_length = strcspn(address, "@");
	line->user = arena_copy(&scope->store->arena, address, user_length);
	line->domain = address[user_length] ? uri_host(draft, address + user_length + 1) : "";
	line->label = resolve_text(scope, PARAMETER_line_label);
	line->display_name = resolve_text(scope, PARAMETER_line_display_name);
	line->auth_user = resolve_text(scope, PARAMETER_line_auth_user);
	line->auth_password = resolve_text(scope, PARAMETER_line_auth_password);
	if (!*line->auth_user)
		line->auth_user = line->user;
}

static void tell_no_entry(const struct draft *draft, const struct setting *address)
{
	struct config_store *store = draft->scope.store;
	struct subject subject = {CONFIG_ERROR, &address->at,
				  parameter_name(&address->key, &store->arena)};
	if (draft->configured)
		store_tell(store, subject, "no server can be used; line %u is left out",
			   draft->scope.x);
	else
		store_tell(store, subject,
			   "no server: set reg.%u.server.1.address or voIpProt.server.1.address; "
			   "line %u is left out",
			   draft->scope.x, draft->scope.x);
}

static void add_line(struct builder *builder, uint32_t x)
{
	struct config_store *store = builder->store;
	struct draft draft = {
		.scope = {.store = store,
			  .profile = builder->profile,
			  .x = x,
			  .entry = CONFIG_WHOLE_LINE,
			  .values = builder->values},
		.line = &builder->lines[builder->count],
		.engine_entries =
			arena_alloc(&store->arena, KL_ENTRIES_MAX * sizeof(*draft.engine_entries)),
		.entries = arena_alloc(&store->arena, KL_ENTRIES_MAX * sizeof(*draft.entries)),
	};
	const struct setting *address = resolve_setting(&draft.scope, PARAMETER_line_address);
	if (!address)
		return;

	draft.line->number = x;
	draft.line->profile = builder->profile;
	fill_account(&draft, address->value.text);
	uint32_t chosen = choose_entries(store, x);
	for (draft.scope.y = 1; draft.scope.y <= KL_ENTRIES_MAX; draft.scope.y++) {
		if (!(chosen & 1u << draft.scope.y))
			continue;
		draft.configured++;
		add_entry(builder, &draft);
	}
	if (draft.entry_count == 0) {
		tell_no_entry(&draft, address);
		return;
	}

	size_t size = draft.scope.value_count * sizeof(*builder->values);
	draft.line->values = memcpy(arena_alloc(&store->arena, size), builder->values, size);
	draft.line->value_count = draft.scope.value_count;
	draft.line->entries = draft.entries;
	builder->engine_lines[builder->count] = (struct kl_line_config){
		.entries = draft.engine_entries, .entry_count = draft.entry_count};
	builder->count++;
}

void account_make_lines(struct config_store *store, enum kl_profile profile)
{
	size_t first = store_find_first(store, PARAMETER_line_address);
	size_t end = store_find_first(store, PARAMETER_line_address + 1);
	size_t most = end - first;
	struct arena *arena = &store->arena;
	struct builder builder = {.store = store, .profile = profile};
	builder.engine_lines = arena_alloc(arena, most * sizeof(*builder.engine_lines));
	builder.lines = arena_alloc(arena, most * sizeof(*builder.lines));
	builder.policies = arena_alloc(arena, most * KL_ENTRIES_MAX * sizeof(*builder.policies));
	builder.values = arena_alloc(arena, (size_t)RESOLVE_VALUES_MAX * (KL_ENTRIES_MAX + 1) *
						    sizeof(*builder.values));

	uint32_t last = 0;
	for (size_t i = first; i < end; i++) {
		uint32_t x = store->settings[i].key.x;
		if (x != last)
			add_line(&builder, x);
		last = x;
	}
	store->config.engine.lines = builder.engine_lines;
	store->config.engine.line_count = builder.count;
	store->config.lines = builder.lines;
}
