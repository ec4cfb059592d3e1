/* settings.h - the device of a scenario: the engine's configuration, put together by commands. */
#ifndef SIM_SETTINGS_H
#define SIM_SETTINGS_H

#include "keepline/keepline.h"
#include "sim/names.h"
#include "sim/words.h"

enum {
	SIM_LINES_MAX = 16,
	SIM_STATICS_MAX = 4 * KL_STATIC_RECORDS_MAX, /* A, AAAA, SRV, NAPTR */
	SIM_REASON_MAX = 256, /* bytes of a sentence that says what is wrong, its NUL included */
};

struct sim_entry_settings {
	char name[KL_NAME_MAX + 1];
	char more[KL_SPECS_MAX - 1][KL_NAME_MAX + 1];
	const char *more_names[KL_SPECS_MAX - 1];
	struct kl_policy policy;
};

/* Records that the host gives the engine. */
struct sim_shelf {
	struct sim_record own[SIM_STATICS_MAX];
	struct kl_static_record rows[SIM_STATICS_MAX];
};

struct sim_settings {
	struct kl_policy policy; /* what the next entry starts with */
	struct sim_entry_settings own[SIM_LINES_MAX][KL_ENTRIES_MAX];
	struct kl_entry_config entries[SIM_LINES_MAX][KL_ENTRIES_MAX];
	struct kl_line_config lines[SIM_LINES_MAX];
	struct sim_shelf statics, remembered;
	struct kl_config config;
	struct kl_limits limits; /* 0: the default */
	uint64_t seed;
};

/* Profile poly, IPv4, UDP, no line. */
void sim_settings_init(struct sim_settings *settings);

/* The commands.  Each takes all words of its line that it knows; false: REASON tells why. */
bool sim_settings_profile(struct sim_settings *settings, struct sim_words *words,
			  char reason[SIM_REASON_MAX]);
bool sim_settings_set(struct sim_settings *settings, struct sim_words *words,
		      char reason[SIM_REASON_MAX]);
bool sim_settings_line(struct sim_settings *settings, struct sim_words *words,
		       char reason[SIM_REASON_MAX]);
bool sim_settings_transports(struct sim_settings *settings, struct sim_words *words,
			     char reason[SIM_REASON_MAX]);
bool sim_settings_families(struct sim_settings *settings, struct sim_words *words,
			   char reason[SIM_REASON_MAX]);
bool sim_settings_seed(struct sim_settings *settings, struct sim_words *words,
		       char reason[SIM_REASON_MAX]);
bool sim_settings_limit(struct sim_settings *settings, struct sim_words *words,
			char reason[SIM_REASON_MAX]);

/* How "set" says VALUE of a policy field: a word, or NULL for what is a number. */
const char *sim_settings_word(const struct kl_policy_info *info, uint32_t value);

/* Adds a static record, or one that is remembered from before; false: there is no room. */
bool sim_settings_static(struct sim_settings *settings, const struct sim_record *record);
bool sim_settings_remember(struct sim_settings *settings, const struct sim_record *record);

/* Completes `config`: a scenario that names no line has one, at example.test over UDP. */
bool sim_settings_finish(struct sim_settings *settings, char reason[SIM_REASON_MAX]);

#endif
