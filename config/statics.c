/* statics.c - the numbered rows of dns.cache.A, SRV and NAPTR, and of Yealink's dns_cache_a, _srv
 * and _naptr, each a record of the engine. */
#include "config/statics.h"

#include <ctype.h>
#include <string.h>

#include "config/native.h"
#include "config/text.h"

/* The rows that make a record of one type: both a name and data must be there. */
static const struct kind {
	enum kl_record_type type;
	enum parameter_id name, data, ttl;
	/* SRV: priority, weight, port; NAPTR: order, preference. */
	enum parameter_id order, weight, port;
	enum parameter_id service, flags; /* NAPTR */
} kinds[] = {
	{.type = KL_A,
	 .name = PARAMETER_static_a_name,
	 .data = PARAMETER_static_a_address,
	 .ttl = PARAMETER_static_a_ttl},
	{.type = KL_A,
	 .name = PARAMETER_cache_a_name,
	 .data = PARAMETER_cache_a_address,
	 .ttl = PARAMETER_cache_a_ttl},
	{.type = KL_SRV,
	 .name = PARAMETER_static_srv_name,
	 .data = PARAMETER_static_srv_target,
	 .ttl = PARAMETER_static_srv_ttl,
	 .order = PARAMETER_static_srv_priority,
	 .weight = PARAMETER_static_srv_weight,
	 .port = PARAMETER_static_srv_port},
	{.type = KL_SRV,
	 .name = PARAMETER_cache_srv_name,
	 .data = PARAMETER_cache_srv_target,
	 .ttl = PARAMETER_cache_srv_ttl,
	 .order = PARAMETER_cache_srv_priority,
	 .weight = PARAMETER_cache_srv_weight,
	 .port = PARAMETER_cache_srv_port},
	{.type = KL_NAPTR,
	 .name = PARAMETER_static_naptr_name,
	 .data = PARAMETER_static_naptr_replacement,
	 .ttl = PARAMETER_static_naptr_ttl,
	 .order = PARAMETER_static_naptr_order,
	 .weight = PARAMETER_static_naptr_preference,
	 .service = PARAMETER_static_naptr_service,
	 .flags = PARAMETER_static_naptr_flags},
	{.type = KL_NAPTR,
	 .name = PARAMETER_cache_naptr_name,
	 .data = PARAMETER_cache_naptr_replacement,
	 .ttl = PARAMETER_cache_naptr_ttl,
	 .order = PARAMETER_cache_naptr_order,
	 .weight = PARAMETER_cache_naptr_preference,
	 .service = PARAMETER_cache_naptr_service,
	 .flags = PARAMETER_cache_naptr_flags},
};

/* The records under construction. */
struct builder {
	struct config_store *store;
	struct kl_static_record *records;
	uint32_t count;
	uint32_t type_count; /* of the type that is made */
};

static struct parameter_value value_of(struct config_store *store, struct parameter_key key,
				       enum parameter_id id)
{
	key.id = (uint16_t)id;
	return store_value(store, &key);
}

static uint16_t number_of(struct config_store *store, struct parameter_key key,
			  enum parameter_id id)
{
	return (uint16_t)value_of(store, key, id).number;
}

static void fill(struct config_store *store, const struct kind *kind, struct parameter_key key,
		 struct kl_static_record *record)
{
	struct kl_dns_record *data = &record->data;
	const char *text = value_of(store, key, kind->data).text;
	record->owner = value_of(store, key, kind->name).text;
	record->type = kind->type;
	data->ttl_ms = (kl_ms)value_of(store, key, kind->ttl).number * 1000;
	if (kind->type == KL_A) {
		text_read_ip(text, data->ip);
		return;
	}
	data->name = text;
	data->priority = number_of(store, key, kind->order);
	data->weight = number_of(store, key, kind->weight);
	if (kind->type == KL_SRV) {
		data->port = number_of(store, key, kind->port);
		return;
	}
	data->service = value_of(store, key, kind->service).text;
	data->flag = (char)tolower((unsigned char)*value_of(store, key, kind->flags).text);
}

/* Tells that SETTING stands alone: row OTHER is not set. */
static void tell_half(struct config_store *store, const struct setting *setting,
		      enum parameter_id other)
{
	struct parameter_key missing = setting->key;
	missing.id = (uint16_t)other;
	struct subject subject = {CONFIG_WARNING, &setting->at,
				  parameter_name(&setting->key, &store->arena)};
	store_tell(store, subject, "%s is not set; the record is left out",
		   parameter_name(&missing, &store->arena));
}

static bool is_set(struct config_store *store, struct parameter_key key, enum parameter_id id)
{
	struct setting *passed = NULL;
	key.id = (uint16_t)id;
	return store_find(store, &key, &passed) != NULL;
}

/* All records of KIND: of Yealink's those of accounts first (7.32 of docs/vendors.md). */
static void add_records(struct builder *builder, const struct kind *kind)
{
	struct config_store *store = builder->store;
	size_t end = store_find_first(store, kind->name + 1);
	for (size_t i = store_find_first(store, kind->name); i < end; i++) {
		const struct setting *name = &store->settings[i];
		if (name->check == CHECK_WRONG)
			continue;
		if (!is_set(store, name->key, kind->data)) {
			tell_half(store, name, kind->data);
		} else if (builder->type_count == KL_STATIC_RECORDS_MAX) {
			struct subject subject = {CONFIG_WARNING, &name->at,
						  parameter_name(&name->key, &store->arena)};
			store_tell(store, subject, "more than %d records of a type; left out",
				   KL_STATIC_RECORDS_MAX);
		} else {
			fill(store, kind, name->key, &builder->records[builder->count++]);
			builder->type_count++;
		}
	}
	end = store_find_first(store, kind->data + 1);
	for (size_t i = store_find_first(store, kind->data); i < end; i++) {
		const struct setting *data = &store->settings[i];
		if (data->check != CHECK_WRONG && !is_set(store, data->key, kind->name))
			tell_half(store, data, kind->name);
	}
}

void statics_make(struct config_store *store)
{
	enum { KINDS = sizeof(kinds) / sizeof(kinds[0]) };
	struct builder builder = {.store = store};
	builder.records = arena_alloc(&store->arena,
				      KINDS * KL_STATIC_RECORDS_MAX * sizeof(*builder.records));
	for (size_t i = 0; i < KINDS; i++) {
		if (i > 0 && kinds[i].type != kinds[i - 1].type)
			builder.type_count = 0;
		add_records(&builder, &kinds[i]);
	}
	builder.count = native_add_statics(store, builder.records, builder.count);
	store->config.engine.static_records = builder.records;
	store->config.engine.static_record_count = builder.count;
}
