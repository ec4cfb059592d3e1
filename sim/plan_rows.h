/* plan_rows.h - the scenario file of a fleet as structs, which the tables of plan_rows.c fill. */
#ifndef SIM_PLAN_ROWS_H
#define SIM_PLAN_ROWS_H

#include "config/yaml.h"
#include "sim/plan.h"

struct rows_class {
	struct position at;
	struct yaml_leaf name, share, profile;
	struct yaml_list files; /* of leaves */
};

struct rows_phones {
	struct position at;
	struct yaml_leaf lines, boot_spread;
	struct yaml_list configurations; /* of struct rows_class */
};

struct rows_site {
	struct position at;
	struct yaml_leaf name, share, delay, jitter, loss;
};

struct rows_server {
	struct position at;
	struct yaml_leaf name, address, port, capacity, queue, when_full, slow, retry_after;
	struct yaml_leaf nonces, expires_max, expires_min;
};

struct rows_dns {
	struct position at;
	struct yaml_leaf delay, silence;
	struct yaml_list records; /* of struct native_record */
};

struct rows_calls {
	struct position at;
	struct yaml_list per_hour; /* of leaves */
	struct yaml_leaf length, ring, day_starts;
};

struct rows_fault {
	struct position at;
	struct yaml_leaf begins, lasts, every, times, what;
	struct yaml_leaf server, site, name, address;
	struct yaml_leaf status, by, retry_after, capacity, loss, boot_spread;
};

struct rows_file {
	struct position at;
	struct yaml_leaf title, run, seed;
	const struct rows_phones *phones;
	struct yaml_list sites, servers, faults;
	const struct rows_dns *dns;
	const struct rows_calls *calls;
};

/* The keys of the file. */
const struct yaml_table *sim_plan_table(void);

/* "0.5%" as millionths. */
bool sim_plan_read_percent(const char *text, uint32_t *millionths);

#endif
