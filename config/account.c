/* account.c - settings into lines, each by its vendor's maker. */
#include "config/account.h"

#include <string.h>

#include "config/draft.h"
#include "config/key.h"
#include "config/native.h"

static const struct draft_maker *const makers[DIALECTS] = {
	[DIALECT_POLY] = &draft_poly,
	[DIALECT_YEALINK] = &draft_yealink,
	[DIALECT_VERSITY] = &draft_versity,
};

/* The lines under construction. */
struct builder {
	struct config_store *store;
	const enum kl_profile *profile; /* of all lines; NULL: of each its vendor's */
	struct kl_line_config *engine_lines;
	struct config_line *lines;
	uint32_t count;
	const struct kl_policy **policies; /* the distinct ones */
	uint32_t policy_count;
	struct config_value *values; /* scratch for one line */
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

bool draft_has_setting(const struct draft *draft, enum parameter_id id, enum parameter_place place,
		       uint32_t x, uint32_t y)
{
	struct setting *passed = NULL;
	struct parameter_key key = {
		.id = (uint16_t)id, .x = (uint16_t)x, .y = (uint8_t)y, .place = (uint8_t)place};
	return store_find(draft->scope.store, &key, &passed) != NULL;
}

void draft_fill_address(struct draft *draft, const char *address)
{
	size_t user_length = strcspn(address, "@");
	draft->line->user = arena_copy(&draft->scope.store->arena, address, user_length);
	draft->line->domain = address[user_length] ? address + user_length + 1 : "";
}

/* A host as a URI has it: an IPv6 address stands in brackets (RFC 3261 25.1). */
static const char *uri_host(struct draft *draft, const char *host)
{
	return strchr(host, ':') ? arena_format(&draft->scope.store->arena, "[%s]", host) : host;
}

/* Adds the entry of draft->scope.y. */
static void add_entry(struct builder *builder, const struct draft_maker *maker, struct draft *draft)
{
	struct scope *scope = &draft->scope;
	struct config_entry *entry = &draft->entries[draft->entry_count];
	struct kl_entry_config *engine_entry = &draft->engine_entries[draft->entry_count];

	scope->entry = draft->entry_count;
	entry->number = scope->y;
	maker->fill_entry(draft, entry, engine_entry);
	if (!*draft->line->domain)
		draft->line->domain = entry->server; /* without a host the first server is it */
	struct kl_policy policy;
	resolve_policy(scope, &policy);
	if (maker->adjust_policy)
		maker->adjust_policy(draft, &policy);
	engine_entry->policy = share_policy(builder, &policy);
	draft->entry_count++;
}

static void tell_no_entry(const struct draft *draft, const struct draft_maker *maker,
			  const struct setting *address)
{
	struct config_store *store = draft->scope.store;
	struct subject subject = {CONFIG_ERROR, &address->at, store_name(store, address)};
	struct parameter_key wanted = maker->first_server;
	wanted.x = (uint16_t)draft->scope.x;
	if (address->name)
		store_tell(store, subject, "no server with a name; line %u is left out",
			   draft->scope.x);
	else
		store_tell(store, subject, "no server: set %s%s; line %u is left out",
			   parameter_name(&wanted, &store->arena), maker->or_server,
			   draft->scope.x);
}

/* Numbers are told apart, also where several kinds of files have a first line. */
static uint32_t choose_number(const struct builder *builder, uint32_t x)
{
	uint32_t highest = 0;
	bool taken = false;
	for (uint32_t i = 0; i < builder->count; i++) {
		uint32_t number = builder->lines[i].number;
		taken |= number == x;
		highest = number > highest ? number : highest;
	}
	return taken ? highest + 1 : x;
}

/* Of vendors whose files do not say it. */
static uint32_t subscribe_expires_unset_ms(struct config_store *store)
{
	struct parameter_value unset;
	parameter_read(PARAMETER_subscribe_expires,
		       parameter_get(PARAMETER_subscribe_expires)->unset, &store->arena, &unset);
	return unset.number * 1000;
}

static void add_line(struct builder *builder, enum parameter_dialect dialect, uint32_t x)
{
	struct config_store *store = builder->store;
	const struct draft_maker *maker = makers[dialect];
	struct draft draft = {
		.scope = {.store = store,
			  .dialect = dialect,
			  .profile = builder->profile ? *builder->profile
						      : native_profile(store, x, maker->profile),
			  .x = x,
			  .entry = CONFIG_WHOLE_LINE,
			  .values = builder->values},
		.line = &builder->lines[builder->count],
		.engine_entries =
			arena_alloc(&store->arena, KL_ENTRIES_MAX * sizeof(*draft.engine_entries)),
		.entries = arena_alloc(&store->arena, KL_ENTRIES_MAX * sizeof(*draft.entries)),
	};
	const struct setting *address = resolve_setting(&draft.scope, maker->line_row);
	if (!address || !maker->fill_line(&draft, address))
		return;

	draft.line->number = choose_number(builder, x);
	draft.line->profile = draft.scope.profile;
	if (!*draft.line->auth_user)
		draft.line->auth_user = draft.line->user;
	uint32_t chosen = maker->choose_entries(&draft);
	for (draft.scope.y = 1; draft.scope.y <= KL_ENTRIES_MAX; draft.scope.y++)
		if (chosen & 1u << draft.scope.y)
			add_entry(builder, maker, &draft);
	if (draft.entry_count == 0) {
		tell_no_entry(&draft, maker, address);
		return;
	}

	draft.line->domain = uri_host(&draft, draft.line->domain);
	if (!draft.line->subscribe_expires_ms)
		draft.line->subscribe_expires_ms = subscribe_expires_unset_ms(store);
	native_add_subscriptions(store, x, draft.line);
	size_t size = draft.scope.value_count * sizeof(*builder->values);
	draft.line->values = memcpy(arena_alloc(&store->arena, size), builder->values, size);
	draft.line->value_count = draft.scope.value_count;
	draft.line->entries = draft.entries;
	draft.line->calls = native_calls(store, x);
	builder->engine_lines[builder->count] =
		(struct kl_line_config){.entries = draft.engine_entries,
					.entry_count = draft.entry_count,
					.group = native_group(store, x)};
	builder->count++;
}

/* Each x of the row that makes lines. */
static void add_lines(struct builder *builder, enum parameter_dialect dialect)
{
	const struct config_store *store = builder->store;
	size_t end = store_find_first(store, makers[dialect]->line_row + 1);
	uint32_t last = 0;
	for (size_t i = store_find_first(store, makers[dialect]->line_row); i < end; i++) {
		uint32_t x = store->settings[i].key.x;
		if (x != last)
			add_line(builder, dialect, x);
		last = x;
	}
}

void account_make_lines(struct config_store *store, const enum kl_profile *profile)
{
	size_t most = 0;
	for (int i = 0; i < DIALECTS; i++)
		most += store_find_first(store, makers[i]->line_row + 1) -
			store_find_first(store, makers[i]->line_row);
	struct arena *arena = &store->arena;
	struct builder builder = {.store = store, .profile = profile};
	builder.engine_lines = arena_alloc(arena, most * sizeof(*builder.engine_lines));
	builder.lines = arena_alloc(arena, most * sizeof(*builder.lines));
	builder.policies = arena_alloc(arena, most * KL_ENTRIES_MAX * sizeof(*builder.policies));
	builder.values = arena_alloc(arena, (size_t)RESOLVE_VALUES_MAX * (KL_ENTRIES_MAX + 1) *
						    sizeof(*builder.values));
	for (int i = 0; i < DIALECTS; i++)
		add_lines(&builder, (enum parameter_dialect)i);
	key_lines(builder.engine_lines, builder.lines, builder.count);
	store->config.engine.lines = builder.engine_lines;
	store->config.engine.line_count = builder.count;
	store->config.lines = builder.lines;
}
