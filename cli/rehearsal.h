/* rehearsal.h - what the engine does when servers fall silent, played in virtual time.
 *
 * The real engine runs against a world in which names are looked up at once, living servers answer
 * at once, and dead ones never.  No SIP message is sent and nothing waits.
 */
#ifndef CLI_REHEARSAL_H
#define CLI_REHEARSAL_H

#include "cli/names.h"
#include "keepline/keepline.h"

enum {
	CLI_SENDS_MAX = 512, /* sends kept of one rehearsal; the rest is counted */
	CLI_STEPS_MAX = CLI_SENDS_MAX + KL_ENTRIES_MAX,
	CLI_NOTES_MAX = 16,
};

/* Which servers are dead.  Any request but REGISTER: the line registers first, where it does, and
 * they die a second before the request. */
enum cli_outage {
	CLI_OUTAGE_ALL, /* REGISTER: from the start */
	/* Only the one that gets the request first.  REGISTER: the first entry registers, its
	 * server dies at once, and the next refresh is watched. */
	CLI_OUTAGE_FIRST,
};

struct cli_plan {
	const struct kl_config *config;
	uint32_t line; /* index in it */
	struct cli_names *names;
	enum kl_method method;
	enum cli_outage outage;
};

enum cli_step_type { CLI_STEP_SEND, CLI_STEP_ANSWER, CLI_STEP_GIVE_UP };

/* Times count from the request's first send. */
struct cli_step {
	kl_ms t_ms;
	enum cli_step_type type;
	enum kl_method method;
	uint32_t entry, route; /* from 1, in walking order; 0: none */
	uint32_t attempt;      /* SEND */
	uint16_t status;       /* ANSWER, GIVE_UP of a request: what it came to; else 0 */
};

struct cli_route {
	struct kl_route_view view; /* its name is `name` */
	char name[KL_NAME_MAX + 1];
};

struct cli_rehearsal {
	struct cli_step steps[CLI_STEPS_MAX];
	uint32_t step_count, cut; /* cut: sends that did not fit */
	kl_ms silence_ms;         /* from the outage to the last step */
	kl_ms failback_ms; /* OUTAGE_FIRST: planned so long after the answer; KL_NEVER: not planned
			    */
	struct cli_route routes[KL_ENTRIES_MAX][KL_SET_ROUTES_MAX]; /* in walking order */
	uint32_t route_counts[KL_ENTRIES_MAX];
	char notes[CLI_NOTES_MAX][KL_TEXT_MAX]; /* names that were not found, routes left out */
	uint32_t note_count;
};

/* Plays PLAN.  Returns what was seen, to be freed with free(); NULL: out of memory. */
struct cli_rehearsal *cli_rehearse(const struct cli_plan *plan);

/* The last step: the answer or the giving up; NULL if it never came to that. */
const struct cli_step *cli_rehearsal_end(const struct cli_rehearsal *rehearsal);

#endif
