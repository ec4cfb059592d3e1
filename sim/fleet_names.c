/* fleet_names.c - the DNS of the fleet: each answer is made once, until what it says changes. */
#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim/fleet_private.h"
#include "sim/grow.h"

void fleet_names_begin(struct sim_fleet *fleet)
{
	const struct sim_names *from = &fleet->plan->names;

	fleet->names = *from;
	fleet->names.records = NULL;
	fleet->names.faults = NULL;
	fleet->names.record_count = fleet->names.record_room = 0;
	fleet->names.fault_count = fleet->names.fault_room = 0;
	for (size_t i = 0; i < from->record_count; i++)
		sim_names_add(&fleet->names, &from->records[i]);
	fleet->names_version = 1;
}

void fleet_names_end(struct sim_fleet *fleet)
{
	for (size_t i = 0; i < fleet->answer_count; i++)
		free(fleet->answers[i]);
	free(fleet->answers);
	sim_names_free(&fleet->names);
}

/* The place of the answer to a question, which may have to be made first. */
static uint32_t find_answer(struct sim_fleet *fleet, enum kl_record_type type, const char *name)
{
	for (size_t i = 0; i < fleet->answer_count; i++)
		if (fleet->answers[i]->type == type && !strcmp(fleet->answers[i]->name, name))
			return (uint32_t)i;
	struct fleet_answer *answer = calloc(1, sizeof(*answer));
	if (!answer)
		err(EXIT_FAILURE, "the simulation");
	snprintf(answer->name, sizeof(answer->name), "%s", name);
	answer->type = type;
	fleet->answers = sim_grow(fleet->answers, &fleet->answer_room, fleet->answer_count,
				  sizeof(struct fleet_answer *));
	fleet->answers[fleet->answer_count] = answer;
	return (uint32_t)fleet->answer_count++;
}

static const struct fleet_answer *look_up(struct sim_fleet *fleet, uint32_t index)
{
	struct fleet_answer *answer = fleet->answers[index];

	if (answer->version != fleet->names_version) {
		answer->status = sim_names_ask(&fleet->names, answer->type, answer->name,
					       answer->records, &answer->count);
		answer->version = fleet->names_version;
	}
	return answer;
}

void fleet_names_ask(struct sim_fleet *fleet, uint32_t p, const struct kl_action_query *query)
{
	uint32_t index = find_answer(fleet, query->type, query->name);
	bool silent = look_up(fleet, index)->status == KL_DNS_SILENT ||
		      fleet->phones[p].flags & (FLEET_CUT | FLEET_LINK_DOWN);
	struct fleet_message *message = fleet_message_new(fleet, p);

	fleet->current.questions++;
	fleet->results->questions++;
	message->what = FLEET_NAMES;
	message->query = query->query;
	message->answer = index;
	message->stale = silent;
	fleet_message_send(fleet, message,
			   fleet->now_us + FLEET_US * (silent ? fleet->names.silence_ms
							      : fleet->names.delay_ms));
}

void fleet_names_answer(struct sim_fleet *fleet, struct fleet_message *message)
{
	const struct fleet_phone *phone = &fleet->phones[message->phone];
	const struct fleet_answer *answer = look_up(fleet, message->answer);
	uint32_t p = message->phone;
	bool gone = message->boots != phone->boots || !(phone->flags & FLEET_ON);
	bool silent = message->stale || answer->status == KL_DNS_SILENT ||
		      phone->flags & (FLEET_CUT | FLEET_LINK_DOWN | FLEET_ASLEEP);
	struct kl_event event = {
		.type = KL_EV_DNS,
		.dns = {.query = message->query, .status = KL_DNS_SILENT},
	};

	fleet_message_free(fleet, message);
	if (gone)
		return;
	if (!silent) {
		event.dns.status = answer->status;
		event.dns.count = answer->count;
		event.dns.records = answer->records;
	}
	fleet_phone_feed(fleet, p, &event);
}
