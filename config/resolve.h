/* resolve.h - which of the settings rules for one line and entry (PROF-2). */
#ifndef CONFIG_RESOLVE_H
#define CONFIG_RESOLVE_H

#include <stdbool.h>
#include <stdint.h>

#include "config/store.h"

enum {
	/* Values that one line or one entry can have. */
	RESOLVE_VALUES_MAX = PARAMETERS_NAMED + KL_POLICY_FIELDS,
};

/* For what a value is looked up, and the list that each answer is added to (PROF-1). */
struct scope {
	struct config_store *store;
	enum parameter_dialect dialect;
	enum kl_profile profile;
	uint32_t x, y;  /* line and server entry; y is 0 for what is of the whole line */
	uint32_t entry; /* index of the entry, or CONFIG_WHOLE_LINE */
	bool via_proxy; /* what is set for an outbound proxy applies */
	struct config_value *values;
	uint32_t value_count;
};

/* Lists a value; one that is nothing is not worth a line. */
void resolve_list(struct scope *scope, const struct config_value *value);

/* The setting that rules for a CONFIG_SETTING row, NULL if no file sets it.  Wrong ones that it
 * had to pass are told (PROF-4). */
struct setting *resolve_setting(struct scope *scope, enum parameter_id id);

/* The same, and nothing is listed or told. */
struct setting *resolve_find(const struct scope *scope, enum parameter_id id);

/* The same as resolve_setting(), as text; the row's `unset` where no file sets it. */
const char *resolve_text(struct scope *scope, enum parameter_id id);

/* The same as resolve_setting(), as a number. */
uint32_t resolve_number(struct scope *scope, enum parameter_id id);

/* All policy values: the profile's, and what the files set. */
void resolve_policy(struct scope *scope, struct kl_policy *policy);

/* After resolve_policy(): SETTING, of another row, rules FIELD too.  NUMBER is in the field's unit,
 * TEXT what the list of values shows. */
struct resolve_override {
	enum kl_policy_field field;
	uint32_t number;
	const struct setting *setting;
	const char *text;
	bool keeps_name; /* the list has it under its own name, not SETTING's */
};
void resolve_override(struct scope *scope, struct kl_policy *policy,
		      struct resolve_override override);

#endif
