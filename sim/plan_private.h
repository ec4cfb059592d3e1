/* plan_private.h - how a plan is made, between the files plan*.c. */
#ifndef SIM_PLAN_PRIVATE_H
#define SIM_PLAN_PRIVATE_H

#include "sim/plan.h"
#include "sim/plan_rows.h"

/* A plan while it is made. */
struct plan_draft {
	struct sim_plan *plan;
	const struct sim_plan_options *options;
	struct config_store *store;
	const struct rows_file *rows;
	const char *folder; /* of the scenario, "" or with its slash */
	struct {
		const char *key, *value; /* of options->set; NULL: none */
	} set;
};

/* The value of LEAF, or OTHERWISE where the file does not set it. */
static inline uint32_t plan_number(const struct yaml_leaf *leaf, uint32_t otherwise)
{
	return leaf->text ? leaf->number : otherwise;
}

/* Tells an error at a place of the file; NAME may be NULL. */
#define plan_tell(draft, place, name, ...)                                                         \
	store_tell((draft)->store, (struct subject){CONFIG_ERROR, place, name}, __VA_ARGS__)
#define plan_warn(draft, place, name, ...)                                                         \
	store_tell((draft)->store, (struct subject){CONFIG_WARNING, place, name}, __VA_ARGS__)

/* Was KEY ("phones.lines"), which is not set, there with a wrong value, or mistyped, and told so?
 */
bool plan_is_mistaken(const struct plan_draft *draft, const char *key);

/* Each makes its part of the plan, and tells what is wrong with it. */
void plan_make_servers(struct plan_draft *draft);
void plan_make_sites(struct plan_draft *draft);
void plan_make_names(struct plan_draft *draft);
void plan_make_calls(struct plan_draft *draft);
void plan_make_faults(struct plan_draft *draft);
void plan_make_classes(struct plan_draft *draft);

/* The names of a scenario are few and known: so an engine's tables can be as small as that. */
void plan_set_limits(struct sim_plan_class *class, const struct sim_names *names);

/* Sets what `set` names, once all is made. */
void plan_set(struct plan_draft *draft);

#endif
