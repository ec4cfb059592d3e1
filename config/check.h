/* check.h - the vendors' own advice, held against a configuration (SEE-4). */
#ifndef CONFIG_CHECK_H
#define CONFIG_CHECK_H

#include "config/config.h"

enum { CHECK_FINDINGS_MAX = 1000 }; /* no more are looked for */

/* What the files cannot tell. */
struct check_facts {
	uint32_t fleet;    /* lines of all phones together; 0: not known, fleet rules are silent */
	uint32_t capacity; /* requests that a server takes in a second; 0: not known */
	uint32_t resolver_count; /* DNS servers that the phone asks; 0: not known */
	bool resolver_on_site;   /* one of them at least */
	const char *resolvers_from;
	/* Of each line the shortest TTL that its lookups brought; NULL: nothing was looked up.
	 * KL_NEVER: no record was needed. */
	const kl_ms *ttls_ms;
	/* Of each line the servers, by their addresses, that they brought for its first entry. */
	const uint32_t *servers;
};

/* One piece of advice that was not followed. */
struct check_finding {
	enum config_severity severity;
	const char *rule;      /* its name, a word with hyphens */
	uint32_t line;         /* the line that it was found for first; 0: of the whole device */
	uint32_t more;         /* further lines or entries with the very same one */
	const char *parameter; /* which value */
	const char *value;     /* what it is */
	const char *from;      /* "FILE:LINE", "profile NAME", or "default" */
	const char *why, *instead; /* what is wrong with it, and what to write */
	const char *source;        /* the title of the document that says so */
};

/* Checks CONFIG's lines.  *FINDINGS, device first and then line by line, live in CONFIG.
 * Returns how many there are. */
uint32_t check_config(const struct config *config, const struct check_facts *facts,
		      const struct check_finding **findings);

#endif
