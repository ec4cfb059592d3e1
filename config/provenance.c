/* provenance.c - from a policy field back to the parameter that set it. */
#include "config/provenance.h"

#include <stdio.h>

const struct config_value *config_find_value(const struct config *config, uint32_t line,
					     uint32_t entry, enum kl_policy_field field)
{
	if (line >= config->engine.line_count || field == KL_POLICY_none)
		return NULL;
	const struct config_line *of = &config->lines[line];
	for (uint32_t i = 0; i < of->value_count; i++) {
		const struct config_value *value = &of->values[i];
		if (value->entry == entry && (value->field == field || value->also == field))
			return value;
	}
	return NULL;
}

void config_name_rule(void *context, uint32_t line, uint32_t entry, enum kl_policy_field rule,
		      char *to, size_t size)
{
	const struct config_value *value = config_find_value(context, line, entry, rule);
	const struct kl_policy_info *info = kl_policy_describe(rule);
	snprintf(to, size, "%s", value ? value->name : info ? info->name : "");
}
