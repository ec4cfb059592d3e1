#include "engine/flow.h"

#include "engine/registration.h"

/* ---- where they stand ---- */

/* Does a second flow make sense?  It goes by its own REGISTER.  FAIL-2 */
static bool flow_wanted(const struct kl_entry_config *entry)
{
	return entry->registers && entry->policy->reregister_on && entry->policy->flows_max > 1;
}

uint32_t flow_seconds(const struct kl_config *config, uint32_t line)
{
	uint32_t count = 0;
	for (uint8_t i = 0; i < config->lines[line].entry_count; i++)
		count += flow_wanted(&config->lines[line].entries[i]);
	return count;
}

uint32_t flow_registrations(const struct kl_config *config)
{
	uint32_t count = 0;
	for (uint32_t i = 0; i < config->line_count; i++)
		count += config->lines[i].entry_count + flow_seconds(config, i);
	return count;
}

void flow_init(struct kl_engine *e, uint32_t first)
{
	for (uint32_t line = 0; line < e->config->line_count; line++) {
		if (!flow_seconds(e->config, line))
			continue;
		line_at(e, line)->second_flow = first;
		for (uint8_t i = 0; i < e->config->lines[line].entry_count; i++)
			if (flow_wanted(entry_config(e, line, i)))
				registration_init(e, first++, line, i);
	}
}

uint32_t flow_first(const struct kl_engine *e, uint32_t r)
{
	const struct registration *reg = registration_at(e, r);
	return line_at(e, reg->line)->first_registration + reg->entry;
}

bool flow_is_second(const struct kl_engine *e, uint32_t r)
{
	return flow_first(e, r) != r;
}

uint32_t flow_second(const struct kl_engine *e, uint32_t r)
{
	const struct registration *reg = registration_at(e, r);
	uint32_t second = line_at(e, reg->line)->second_flow;
	if (second == NONE || flow_is_second(e, r) || !flow_wanted(registration_config(e, r)))
		return NONE;
	while (registration_at(e, second)->entry != reg->entry)
		second++;
	return second;
}

uint32_t flow_other(const struct kl_engine *e, uint32_t r)
{
	return flow_is_second(e, r) ? flow_first(e, r) : flow_second(e, r);
}

uint32_t flow_reg_id(const struct kl_engine *e, uint32_t r, uint8_t pos)
{
	const struct registration *reg = registration_at(e, r);
	if (flow_other(e, r) == NONE || (pos != NO_POS && pos == reg->plain))
		return 0;
	return flow_is_second(e, r) != reg->exchanged ? 2 : 1;
}
