/* plan_set.c - one value of a plan that the command line sets. */
#include <string.h>

#include "config/native.h"
#include "config/text.h"
#include "config/yaml_scalar.h"
#include "sim/plan_private.h"

enum { DAY_MS = 86400 * 1000, PATH_MS = 10000, US = 1000 /* of a millisecond */ };

const char sim_plan_set_help[] =
	"lines, boot_spread, capacity, queue, delay, jitter, ttl, or a policy key of "
	"docs/configuration.md such as expires or failback";

static const struct yaml_row number_row = {
	.type = YAML_NUMBER, .least = 1, .most = SIM_FLEET_LINES_MAX};
static const struct yaml_row time_row = {.type = YAML_DURATION, .most = DAY_MS};
static const struct yaml_row path_row = {.type = YAML_DURATION, .most = PATH_MS};

static void set_lines(struct sim_plan *plan, uint32_t value)
{
	plan->lines = value;
}

static void set_boot_spread(struct sim_plan *plan, uint32_t value)
{
	plan->boot_spread_ms = value;
}

static void set_capacity(struct sim_plan *plan, uint32_t value)
{
	for (uint32_t i = 0; i < plan->server_count; i++)
		plan->servers[i].capacity = value;
}

static void set_queue(struct sim_plan *plan, uint32_t value)
{
	for (uint32_t i = 0; i < plan->server_count; i++)
		plan->servers[i].queue = value;
}

static void set_delay(struct sim_plan *plan, uint32_t value)
{
	for (uint32_t i = 0; i < plan->site_count; i++)
		plan->sites[i].delay_us = value * US;
}

static void set_jitter(struct sim_plan *plan, uint32_t value)
{
	for (uint32_t i = 0; i < plan->site_count; i++)
		plan->sites[i].jitter_us = value * US;
}

static void set_ttl(struct sim_plan *plan, uint32_t value)
{
	for (size_t i = 0; i < plan->names.record_count; i++)
		plan->names.records[i].data.ttl_ms = value;
}

static const struct {
	const char *key;
	const struct yaml_row *row;
	void (*set)(struct sim_plan *plan, uint32_t value);
} settable[] = {
	{"lines", &number_row, set_lines},
	{"boot_spread", &time_row, set_boot_spread},
	{"capacity", &number_row, set_capacity},
	{"queue", &number_row, set_queue},
	{"delay", &path_row, set_delay},
	{"jitter", &path_row, set_jitter},
	{"ttl", &time_row, set_ttl},
};

static void tell_value(struct plan_draft *draft, const struct yaml_row *row)
{
	plan_tell(draft, NULL, draft->set.key, "\"%s\" is not right here; expected %s",
		  text_show(&draft->store->arena, draft->set.value),
		  yaml_range(&draft->store->arena, row));
}

/* False: there is no such policy key. */
static bool set_policy(struct plan_draft *draft)
{
	const struct yaml_table *table = native_policy_table();
	uint32_t value;

	for (size_t i = 0; i < table->count; i++) {
		const struct yaml_row *row = &table->rows[i];

		if (strcmp(row->key, draft->set.key) != 0)
			continue;
		if (!yaml_read_scalar(row, draft->set.value, &value)) {
			tell_value(draft, row);
			return true;
		}
		for (uint32_t j = 0; j < draft->plan->class_count; j++) {
			struct sim_plan_class *class = &draft->plan->classes[j];

			for (uint32_t k = 0; k < KL_ENTRIES_MAX; k++)
				kl_policy_set(&class->policies[k], (enum kl_policy_field)(i + 1),
					      value);
			if (class->config && class->engine.lines)
				plan_set_limits(class, &draft->plan->names);
		}
		return true;
	}
	return false;
}

void plan_set(struct plan_draft *draft)
{
	uint32_t value;

	if (!draft->set.key)
		return;
	for (size_t i = 0; i < sizeof(settable) / sizeof(settable[0]); i++) {
		if (strcmp(settable[i].key, draft->set.key) != 0)
			continue;
		if (yaml_read_scalar(settable[i].row, draft->set.value, &value))
			settable[i].set(draft->plan, value);
		else
			tell_value(draft, settable[i].row);
		return;
	}
	if (!set_policy(draft))
		plan_tell(draft, NULL, draft->set.key, "can't be set; there are %s",
			  sim_plan_set_help);
}
