/* statics.c - the numbered rows of dns.cache.A, SRV and NAPTR, each a record of the engine. */
#include "config/statics.h"

#include <ctype.h>
#include <string.h>

#include "config/native.h"
#include "config/text.h"

/* What the rows of a type have in common: both of these make a record. */
static const struct kind {
	enum kl_record_type type;
	enum parameter_id name, data, ttl;
} kinds[] = {
	{KL_A, PARAMETER_static_a_name, PARAMETER_static_a_address, PARAMETER_static_a_ttl},
	{KL_SRV, PARAMETER_static_srv_name, PARAMETER_static_srv_target, PARAMETER_static_srv_ttl},
	{KL_NAPTR, PARAMETER_static_naptr_name, PARAMETER_static_naptr_replacement,
	 PARAMETER_static_naptr_ttl},
};

enum { KINDS = sizeof(kinds) / sizeof(kinds[0]) };

static struct parameter_key key_of(enum parameter_id id, uint8_t n)
{
	return (struct parameter_key){.id = (uint16_t)id, .y = n, .place = PLACE_SITE};
}

/* The value of row N, or the one of rows that do not set it. */
static struct parameter_value value_of(struct config_store *store, enum parameter_id id, uint8_t n)
{
	const struct parameter_key key = key_of(id, n);
	struct setting *passed = NULL;
	const struct setting *setting = store_find(store, &key, &passed);
	struct parameter_value value;
	if (setting)
		return setting->value;
	parameter_read(id, parameter_get(id)->unset, &store->arena, &value);
	return value;
}

static uint16_t number_of(struct config_store *store, enum parameter_id id, uint8_t n)
{
	return (uint16_t)value_of(store, id, n).number;
}

static void fill(struct config_store *store, const struct kind *kind, uint8_t n,
		 struct kl_static_record *record)
{
	struct kl_dns_record *data = &record->data;
	const char *text = value_of(store, kind->data, n).text;
	record->owner = value_of(store, kind->name, n).text;
	record->type = kind->type;
	data->ttl_ms = (kl_ms)value_of(store, kind->ttl, n).number * 1000;
	if (kind->type == KL_A) {
		text_read_ip(text, data->ip);
		return;
	}
	data->name = text;
	if (kind->type == KL_SRV) {
		data->priority = number_of(store, PARAMETER_static_srv_priority, n);
		data->weight = number_of(store, PARAMETER_static_srv_weight, n);
		data->port = number_of(store, PARAMETER_static_srv_port, n);
		return;
	}
	data->priority = number_of(store, PARAMETER_static_naptr_order, n);
	data->weight = number_of(store, PARAMETER_static_naptr_preference, n);
	data->service = value_of(store, PARAMETER_static_naptr_service, n).text;
	data->flag = (char)tolower(
		(unsigned char)*value_of(store, PARAMETER_static_naptr_flags, n).text);
}

/* Is row N there, whole?  One that has a name without data, or data without a name, is told. */
static bool is_whole(struct config_store *store, const struct kind *kind, uint8_t n)
{
	const struct parameter_key keys[] = {key_of(kind->name, n), key_of(kind->data, n)};
	struct setting *passed = NULL;
	const struct setting *name = store_find(store, &keys[0], &passed);
	const struct setting *data = store_find(store, &keys[1], &passed);
	if (!name == !data)
		return name != NULL;
	const struct setting *there = name ? name : data;
	struct subject subject = {CONFIG_WARNING, &there->at,
				  parameter_name(&there->key, &store->arena)};
	store_tell(store, subject, "%s is not set; the record is left out",
		   parameter_name(&keys[name ? 1 : 0], &store->arena));
	return false;
}

void statics_make(struct config_store *store)
{
	/* Native files add AAAA records to the three kinds. */
	struct kl_static_record *records =
		arena_alloc(&store->arena, (KINDS + 1) * KL_STATIC_RECORDS_MAX * sizeof(*records));
	uint32_t count = 0;
	for (size_t i = 0; i < KINDS; i++)
		for (uint8_t n = 1; n <= KL_STATIC_RECORDS_MAX; n++)
			if (is_whole(store, &kinds[i], n))
				fill(store, &kinds[i], n, &records[count++]);
	count = native_add_statics(store, records, count);
	store->config.engine.static_records = records;
	store->config.engine.static_record_count = count;
}
