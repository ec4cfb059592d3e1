/* resolve.c - places searched in order; what rules is listed, what is wrong on the way is told. */
#include "config/resolve.h"

#include <assert.h>
#include <string.h>

#include "config/native.h"
#include "config/policy_words.h"

/* The rows of one policy field, which stand together, or a single row. */
struct group {
	uint16_t first, end;
};

static bool place_applies(const struct scope *scope, const struct parameter *row, uint8_t place)
{
	if (!(row->places & 1u << place))
		return false;
	const uint32_t of_proxies = 1u << PLACE_LINE_PROXY | 1u << PLACE_SITE_PROXY |
				    1u << PLACE_ACCOUNT_PROXY | 1u << PLACE_ACCOUNT_PROXIED;
	return place != PLACE_TEMPLATE_SERVER && (scope->via_proxy || !(of_proxies & 1u << place));
}

static struct parameter_key make_key(const struct scope *scope, uint16_t id, uint8_t place)
{
	bool of_line = strstr(parameter_prefix(place), ".x.") != NULL;
	bool of_entry = strstr(parameter_prefix(place), ".y.") != NULL;
	return (struct parameter_key){.id = id,
				      .x = of_line ? (uint16_t)scope->x : 0,
				      .y = of_entry ? (uint8_t)scope->y : 0,
				      .place = place};
}

/* The setting that rules for GROUP, or NULL.  *FIRST is the key that would rule before all. */
static struct setting *find(const struct scope *scope, struct group group, struct setting **passed,
			    struct parameter_key *first)
{
	bool has_first = false;
	for (uint16_t id = group.first; id < group.end; id++) {
		const struct parameter *row = parameter_get(id);
		for (uint8_t place = 0; place < PLACES; place++) {
			if (!place_applies(scope, row, place))
				continue;
			struct parameter_key key = make_key(scope, id, place);
			if (!has_first)
				*first = key;
			has_first = true;
			struct setting *setting = store_find(scope->store, &key, passed);
			if (setting)
				return setting;
			if (key.y == 0)
				continue;
			key.y = 0; /* an older name, for each entry */
			setting = store_find(scope->store, &key, passed);
			if (setting)
				return setting;
		}
	}
	return NULL;
}

static const char *name_profile(const struct scope *scope)
{
	return arena_format(&scope->store->arena, "profile %s", kl_profile_name(scope->profile));
}

static void tell_passed(const struct scope *scope, struct setting *passed,
			const struct config_value *value)
{
	const char *text = *value->value ? value->value : "no value";
	const char *instead = arena_format(&scope->store->arena, "line %u uses %s (%s)", scope->x,
					   text, value->from);
	for (; passed; passed = passed->passed)
		store_tell_wrong(scope->store, passed, instead);
}

void resolve_list(struct scope *scope, const struct config_value *value)
{
	if (*value->value)
		scope->values[scope->value_count++] = *value;
}

struct setting *resolve_setting(struct scope *scope, enum parameter_id id)
{
	struct arena *arena = &scope->store->arena;
	struct setting *passed = NULL;
	struct parameter_key key = {0};
	struct group alone = {(uint16_t)id, (uint16_t)(id + 1)};
	struct setting *setting = find(scope, alone, &passed, &key);
	const struct parameter *row = parameter_get(id);
	struct config_value value = {
		.value = row->unset, .from = "default", .entry = scope->entry, .id = (uint16_t)id};
	if (setting) {
		value.value = row->kind == KIND_SECRET ? "(not shown)" : setting->value.text;
		value.from = store_where(scope->store, &setting->at);
		value.set = true;
	}
	value.name = setting ? store_name(scope->store, setting) : parameter_name(&key, arena);
	resolve_list(scope, &value);
	tell_passed(scope, passed, &value);
	return setting;
}

struct setting *resolve_find(const struct scope *scope, enum parameter_id id)
{
	struct setting *passed = NULL;
	struct parameter_key first;
	return find(scope, (struct group){(uint16_t)id, (uint16_t)(id + 1)}, &passed, &first);
}

const char *resolve_text(struct scope *scope, enum parameter_id id)
{
	const struct setting *setting = resolve_setting(scope, id);
	return setting ? setting->value.text : parameter_get(id)->unset;
}

uint32_t resolve_number(struct scope *scope, enum parameter_id id)
{
	const struct setting *setting = resolve_setting(scope, id);
	if (setting)
		return setting->value.number;
	struct parameter_value unset;
	parameter_read(id, parameter_get(id)->unset, &scope->store->arena, &unset);
	return unset.number;
}

/* Ranges of rows lie inside those of their fields: tests/config/parameter_test.c. */
static void set_field(struct kl_policy *policy, enum kl_policy_field field, uint32_t number)
{
	int error = field == KL_POLICY_none ? KL_OK : kl_policy_set(policy, field, number);
	assert(error == KL_OK);
	(void)error;
}

/* The next group of policy rows from ID on, in DIALECT; empty at the end of the named rows. */
static struct group next_group(uint16_t id, enum parameter_dialect dialect)
{
	while (id < PARAMETERS_NAMED &&
	       (parameter_get(id)->use != USE_POLICY || parameter_dialect(id) != dialect))
		id++;
	struct group group = {id, id};
	while (group.end < PARAMETERS_NAMED &&
	       parameter_get(group.end)->field == parameter_get(group.first)->field &&
	       parameter_dialect(group.end) == dialect)
		group.end++;
	return group;
}

/* An unset failback mode is the one in force, which hangs on reRegisterOn (PROF-3). */
static uint32_t number_in_force(const struct kl_policy *policy, const struct config_value *value,
				bool set)
{
	if (!set && value->field == KL_POLICY_failback_mode)
		return kl_policy_failback_mode(policy);
	return kl_policy_get(policy, value->field);
}

/* What native files set, by field; it rules over every parameter. */
struct natives {
	const struct yaml_leaf *leaves[KL_POLICY_FIELDS];
};

static void set_natives(const struct scope *scope, struct kl_policy *policy,
			struct natives *natives)
{
	for (int i = KL_POLICY_none + 1; i < KL_POLICY_FIELDS; i++) {
		enum kl_policy_field field = (enum kl_policy_field)i;
		const struct yaml_leaf *leaf =
			native_policy(scope->store, scope->x, scope->y, field);
		natives->leaves[field] = leaf;
		if (leaf)
			set_field(policy, field, leaf->number);
	}
}

/* A value under the engine's own name of its field, or as a native file calls it. */
static struct config_value value_of_field(const struct scope *scope, const struct kl_policy *policy,
					  enum kl_policy_field field, const struct yaml_leaf *leaf)
{
	uint32_t number = kl_policy_get(policy, field);
	const char *const *words = policy_words(field);
	struct arena *arena = &scope->store->arena;
	return (struct config_value){
		.name = leaf ? leaf->name : kl_policy_describe(field)->name,
		.value = leaf    ? leaf->text
			 : words ? words[number]
				 : arena_format(arena, "%u", number),
		.from = leaf ? store_where(scope->store, &leaf->at) : name_profile(scope),
		.entry = scope->entry,
		.field = field,
		.set = leaf,
	};
}

/* What a parameter says of ROW's fields, of those that no native file sets. */
static struct config_value value_of_row(const struct parameter *row, const struct natives *natives)
{
	bool field = !natives->leaves[row->field], also = !natives->leaves[row->also];
	return (struct config_value){
		.field = field  ? row->field
			 : also ? row->also
				: KL_POLICY_none,
		.also = field && also ? row->also : KL_POLICY_none,
	};
}

void resolve_policy(struct scope *scope, struct kl_policy *policy)
{
	struct {
		struct parameter_key key;
		struct setting *setting, *passed;
	} found[PARAMETERS_NAMED] = {0};
	size_t count = 0;
	bool listed[KL_POLICY_FIELDS] = {[KL_POLICY_none] = true};
	struct natives natives = {{0}};
	struct group group;

	kl_policy_profile(policy, scope->profile);
	for (group = next_group(0, scope->dialect); group.first < group.end;
	     group = next_group(group.end, scope->dialect)) {
		struct setting *setting =
			find(scope, group, &found[count].passed, &found[count].key);
		found[count++].setting = setting;
		if (!setting)
			continue;
		const struct parameter *row = parameter_get(setting->key.id);
		uint32_t number = parameter_policy_number(setting->key.id, setting->value.number);
		set_field(policy, row->field, number);
		set_field(policy, row->also, number);
	}
	set_natives(scope, policy, &natives);

	for (size_t i = 0; i < count; i++) {
		const struct setting *setting = found[i].setting;
		const struct parameter_key *key = setting ? &setting->key : &found[i].key;
		struct config_value value = value_of_row(parameter_get(key->id), &natives);
		if (value.field == KL_POLICY_none)
			continue;
		value.entry = scope->entry;
		value.set = setting;
		value.name = parameter_name(key, &scope->store->arena);
		value.from =
			setting ? store_where(scope->store, &setting->at) : name_profile(scope);
		value.value = parameter_text(key->id, number_in_force(policy, &value, setting),
					     &scope->store->arena);
		resolve_list(scope, &value);
		tell_passed(scope, found[i].passed, &value);
		listed[value.field] = listed[value.also] = true;
	}
	for (int i = 0; i < KL_POLICY_FIELDS; i++) {
		enum kl_policy_field field = (enum kl_policy_field)i;
		if (listed[field])
			continue;
		struct config_value value =
			value_of_field(scope, policy, field, natives.leaves[field]);
		resolve_list(scope, &value);
	}
}

void resolve_override(struct scope *scope, struct kl_policy *policy,
		      struct resolve_override override)
{
	struct arena *arena = &scope->store->arena;
	if (native_policy(scope->store, scope->x, scope->y, override.field))
		return;
	set_field(policy, override.field, override.number);
	for (uint32_t i = 0; i < scope->value_count; i++) {
		struct config_value *value = &scope->values[i];
		if (value->entry != scope->entry || value->field != override.field)
			continue;
		if (!override.keeps_name)
			value->name = parameter_name(&override.setting->key, arena);
		value->value = override.text;
		value->from = store_where(scope->store, &override.setting->at);
		value->set = true;
	}
}
