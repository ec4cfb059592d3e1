/* plan.h - a scenario of a fleet as read from its file, checked, ready to be played.
 *
 *	struct sim_plan *plan;
 *	int error = sim_plan_load(&options, &plan);     0: it can be played
 *	print plan->diagnostics, whatever the result
 *	sim_plan_free(plan);
 *
 * The file is YAML; docs/simulate.md has its keys, and sim/plan_rows.c their one home.
 *
 * Ownership  Everything that a plan points to lives in it, until sim_plan_free().
 * Errors     Problems are diagnostics, all found in one run, those of the phones' configuration
 *            included.
 */
#ifndef SIM_PLAN_H
#define SIM_PLAN_H

#include <stdbool.h>
#include <stdint.h>

#include "config/config.h"
#include "keepline/keepline.h"
#include "sim/names.h"
#include "sim/server.h"

enum {
	SIM_FLEET_SERVERS_MAX = 32, /* a bit each in a phone's record */
	SIM_FLEET_SITES_MAX = 256,
	SIM_FLEET_CLASSES_MAX = 16,
	SIM_FLEET_FAULTS_MAX = 10000, /* those that repeat counted one by one */
	SIM_FLEET_LINES_MAX = 100000000,
	SIM_FLEET_RUN_MAX_MS = 24 * 86400 * 1000, /* a point in time fits 31 bits of ms */
	SIM_HOURS = 24,
};

/* What a server does with a request that finds its queue full. */
#define SIM_OVERFLOWS(X)                                                                           \
	X(SIM_OVERFLOW_DROP, "drop")                                                               \
	X(SIM_OVERFLOW_SLOW, "slow")                                                               \
	X(SIM_OVERFLOW_503, "503")

/* How often a server asks for credentials: never; once, as its nonces serve on; each time. */
#define SIM_NONCES(X)                                                                              \
	X(SIM_NONCE_NONE, "none")                                                                  \
	X(SIM_NONCE_CACHED, "cached")                                                              \
	X(SIM_NONCE_EACH, "each")

/* Faults: what they are called, and what they befall. */
#define SIM_TROUBLES(X)                                                                            \
	X(SIM_TROUBLE_SILENT, "silent", SIM_OF_SERVER)                                             \
	X(SIM_TROUBLE_UNHEARD, "unheard", SIM_OF_SERVER)                                           \
	X(SIM_TROUBLE_ICMP, "icmp", SIM_OF_SERVER)                                                 \
	X(SIM_TROUBLE_REFUSES, "refuses", SIM_OF_SERVER)                                           \
	X(SIM_TROUBLE_MUTE, "mute", SIM_OF_SERVER)                                                 \
	X(SIM_TROUBLE_TLS, "tls-fails", SIM_OF_SERVER)                                             \
	X(SIM_TROUBLE_ANSWERS, "answers", SIM_OF_SERVER)                                           \
	X(SIM_TROUBLE_SLOW, "slow", SIM_OF_SERVER)                                                 \
	X(SIM_TROUBLE_CAPACITY, "capacity", SIM_OF_SERVER)                                         \
	X(SIM_TROUBLE_CHALLENGES, "challenges", SIM_OF_SERVER)                                     \
	X(SIM_TROUBLE_PASSWORD, "wrong-password", SIM_OF_SERVER)                                   \
	X(SIM_TROUBLE_SHORTENS, "shortens", SIM_OF_SERVER)                                         \
	X(SIM_TROUBLE_FORGETS, "forgets", SIM_OF_SERVER)                                           \
	X(SIM_TROUBLE_RESETS, "resets", SIM_OF_SERVER)                                             \
	X(SIM_TROUBLE_CUT, "cut", SIM_OF_SITE)                                                     \
	X(SIM_TROUBLE_LINK_DOWN, "link-down", SIM_OF_SITE)                                         \
	X(SIM_TROUBLE_LOSS, "loss", SIM_OF_SITE)                                                   \
	X(SIM_TROUBLE_DELAY, "delay", SIM_OF_SITE)                                                 \
	X(SIM_TROUBLE_POWER_CUT, "power-cut", SIM_OF_SITE)                                         \
	X(SIM_TROUBLE_ASLEEP, "asleep", SIM_OF_SITE)                                               \
	X(SIM_TROUBLE_ADDRESS, "address-changes", SIM_OF_SITE)                                     \
	X(SIM_TROUBLE_DNS_SILENT, "dns-silent", SIM_OF_NAME)                                       \
	X(SIM_TROUBLE_DNS_SERVFAIL, "dns-servfail", SIM_OF_NAME)                                   \
	X(SIM_TROUBLE_DNS_NXDOMAIN, "dns-nxdomain", SIM_OF_NAME)                                   \
	X(SIM_TROUBLE_RECORD_GONE, "record-gone", SIM_OF_NAME)                                     \
	X(SIM_TROUBLE_REORDERED, "reordered", SIM_OF_NAME)

#define SIM_ENUM(name, ...) name,
enum sim_overflow { SIM_OVERFLOWS(SIM_ENUM) };
enum sim_nonces { SIM_NONCES(SIM_ENUM) };
enum sim_trouble { SIM_TROUBLES(SIM_ENUM) SIM_TROUBLE_COUNT };
#undef SIM_ENUM

enum sim_trouble_of { SIM_OF_SERVER, SIM_OF_SITE, SIM_OF_NAME };

const char *sim_trouble_name(enum sim_trouble trouble);
enum sim_trouble_of sim_trouble_of(enum sim_trouble trouble);

/* Phones of one configuration: each is the first line of its files. */
struct sim_plan_class {
	const char *name;
	uint32_t share;          /* of the sum of all */
	struct kl_config engine; /* one line, limits that fit the scenario's names */
	struct kl_line_config line;
	struct kl_entry_config entries[KL_ENTRIES_MAX];
	struct kl_policy policies[KL_ENTRIES_MAX];
	struct config *config; /* what it points into */
};

/* Where phones stand, and the network between them and all servers. */
struct sim_plan_site {
	const char *name;
	uint32_t share;
	uint32_t delay_us; /* one way */
	uint32_t jitter_us;
	uint32_t loss; /* of a million, each way */
};

struct sim_plan_server {
	const char *name;
	uint8_t ip[16];
	uint16_t port;     /* 0: any */
	uint32_t capacity; /* requests in a second; 0: no limit */
	uint32_t queue;    /* requests that wait at most */
	enum sim_overflow when_full;
	uint32_t slow_ms, retry_after_ms; /* what it does when full */
	enum sim_nonces nonces;
	uint32_t grant_max_ms; /* 0: grants what is asked */
	uint32_t min_expires_ms;
};

struct sim_plan_fault {
	enum sim_trouble what;
	uint32_t row;            /* its line in the file */
	const char *subject;     /* a server's, a site's, a name's; NULL: of all */
	uint32_t index;          /* of the server or site; UINT32_MAX: all */
	uint64_t at_us, ends_us; /* UINT64_MAX: it does not end */
	uint32_t repeat;         /* counts from 0: which time it is */
	bool last;               /* it comes no more */
	uint32_t status, by_ms, retry_after_ms, capacity, loss, spread_ms;
	uint8_t address[16]; /* RECORD_GONE */
};

struct sim_plan_calls {
	uint32_t per_hour[SIM_HOURS]; /* calls of a thousand lines in each hour of the day */
	uint32_t length_ms, ring_ms;  /* mean; until it is taken */
	uint32_t day_starts_ms;       /* the time of day at which the run starts */
};

struct sim_plan {
	const char *title;
	uint32_t run_ms, lines, boot_spread_ms;
	uint64_t seed;
	struct sim_plan_class *classes;
	struct sim_plan_site *sites;
	struct sim_plan_server *servers;
	struct sim_plan_fault *faults; /* by the time when they begin */
	uint32_t class_count, site_count, server_count, fault_count;
	struct sim_names names;
	struct sim_plan_calls calls;
	bool has_calls;
	const struct config_diagnostic *diagnostics;
	uint32_t diagnostic_count, error_count;
	struct config_store *store; /* what it lives in: private */
};

/* What the command line says beside the file.  0 and NULL: as the file says. */
struct sim_plan_options {
	const char *path;
	uint32_t lines;
	uint64_t seed;
	bool has_seed;
	const char *phones; /* files of one configuration for all, with commas between them */
	const char *set;    /* "KEY=VALUE", see sim_plan_set_help */
};

/* Loads a plan, which is always made.  0, or KL_EINVAL: it can't be played. */
int sim_plan_load(const struct sim_plan_options *options, struct sim_plan **plan);
void sim_plan_free(struct sim_plan *plan); /* NULL is fine */

/* The keys that `set` knows beside those of a policy. */
extern const char sim_plan_set_help[];

#endif
