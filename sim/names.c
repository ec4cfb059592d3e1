#include "sim/names.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "sim/grow.h"

void sim_names_init(struct sim_names *names)
{
	*names = (struct sim_names){.status = KL_DNS_ANSWER, .silence_ms = 10000};
}

void sim_names_free(struct sim_names *names)
{
	free(names->records);
	free(names->faults);
}

void sim_names_add(struct sim_names *names, const struct sim_record *record)
{
	names->records =
		sim_grow(names->records, &names->record_room, names->record_count, sizeof(*record));
	names->records[names->record_count++] = *record;
}

void sim_names_remove(struct sim_names *names, const char *owner, enum kl_record_type type)
{
	size_t kept = 0;

	for (size_t i = 0; i < names->record_count; i++) {
		const struct sim_record *record = &names->records[i];

		if (strcasecmp(record->owner, owner) != 0 || (type && record->type != type))
			names->records[kept++] = *record;
	}
	names->record_count = kept;
}

static struct sim_name_fault *find_fault(const struct sim_names *names, const char *owner)
{
	for (size_t i = 0; i < names->fault_count; i++) {
		if (strcasecmp(names->faults[i].owner, owner) == 0)
			return &names->faults[i];
	}
	return NULL;
}

void sim_names_break(struct sim_names *names, const char *owner, enum kl_dns_status status)
{
	struct sim_name_fault *fault = find_fault(names, owner);

	if (!fault) {
		names->faults = sim_grow(names->faults, &names->fault_room, names->fault_count,
					 sizeof(*fault));
		fault = &names->faults[names->fault_count++];
		snprintf(fault->owner, sizeof(fault->owner), "%s", owner);
	}
	fault->status = status;
}

enum kl_dns_status sim_names_ask(const struct sim_names *names, enum kl_record_type type,
				 const char *owner,
				 struct kl_dns_record records[KL_DNS_RECORDS_MAX], uint32_t *count)
{
	const struct sim_name_fault *fault = find_fault(names, owner);

	*count = 0;
	if (names->status != KL_DNS_ANSWER)
		return names->status;
	if (fault && fault->status != KL_DNS_ANSWER)
		return fault->status;

	for (size_t i = 0; i < names->record_count && *count < KL_DNS_RECORDS_MAX; i++) {
		const struct sim_record *record = &names->records[i];

		if (record->type != type || strcasecmp(record->owner, owner) != 0)
			continue;
		records[*count] = record->data;
		records[*count].name = record->name;
		records[*count].service = record->service;
		++*count;
	}
	return *count ? KL_DNS_ANSWER : KL_DNS_NEGATIVE;
}
