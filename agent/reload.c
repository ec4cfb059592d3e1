/* reload.c - another configuration for who is inside, while calls go on. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "agent/relay.h"
#include "phone/log.h"

static bool same_text(const char *a, const char *b)
{
	return a == b || (a && b && !strcmp(a, b));
}

/* The phone has its new lines already. */
static uint32_t *number_lines(const struct agent *agent, const struct config *config)
{
	uint32_t *numbers = calloc(config->engine.line_count, sizeof(*numbers));

	for (uint32_t i = 0; numbers && i < config->engine.line_count; i++)
		numbers[i] = phone_relay_number(agent->config.phone, i);
	return numbers;
}

/* Is nobody in a call, or waiting for an answer?  What lingers for repeats does not count. */
static bool is_idle(const struct agent *agent)
{
	const struct agent_outward *out;
	const struct agent_inward *in;

	for (int i = 0; i < AGENT_BUCKETS; i++) {
		LIST_FOREACH(out, &agent->outward[i], others)
		if (out->age != AGENT_DONE)
			return false;
		LIST_FOREACH(in, &agent->inward[i], others)
		if (in->age != AGENT_RUNG)
			return false;
	}
	return agent_ledger_count(agent->ledger) == 0;
}

int agent_reload(struct agent *agent, const struct config *config)
{
	const struct config *before = agent->config.config;
	uint32_t *numbers = number_lines(agent, config);
	const struct agent_inside_reload order = {
		.config = config,
		.line_numbers = numbers,
		.may_move = is_idle(agent),
	};
	int error = numbers ? agent_inside_reload(agent->inside, &order) : -ENOMEM;

	free(numbers);
	if (error)
		return error;
	agent->config.config = config;
	if (config->inside.is_set && !same_text(before->inside.journal, config->inside.journal))
		phone_log(PHONE_LOG_WARNING, "reload: what the files say of the inside's journal "
					     "takes effect with a restart");
	return 0;
}
