/* explain.h - what `keepline explain` found out, for those who print it. */
#ifndef CLI_EXPLAIN_H
#define CLI_EXPLAIN_H

#include <stdio.h>

#include "cli/rehearsal.h"
#include "config/config.h"

enum {
	EXPLAIN_TIMELINES_MAX = 2,
	EXPLAIN_BACKOFFS = 7, /* rows of the back-off table: after 0 to 6 earlier failures */
	EXPLAIN_SENTENCES_MAX = 8,
	EXPLAIN_SENTENCE_MAX = 256,
};

/* One line, and what happens to it. */
struct explain_line {
	const struct config *config;
	uint32_t index; /* in config->lines and config->engine.lines */

	/* When no server answers, one for each method. */
	struct {
		enum kl_method method;
		struct cli_rehearsal *seen;
	} timelines[EXPLAIN_TIMELINES_MAX];
	uint32_t timeline_count;

	/* When only the server that the line uses falls silent: before the request of the first
	 * time line, and with nothing but the next refresh to show it. */
	struct cli_rehearsal *failover, *refresh;
	char sentences[EXPLAIN_SENTENCES_MAX][EXPLAIN_SENTENCE_MAX]; /* what it means, in words */
	uint32_t sentence_count;
};

/* The policy of the line's first entry: it rules back-off and failback. */
const struct kl_policy *explain_policy(const struct explain_line *line);

/* Puts what was found into words. */
void explain_sentences(struct explain_line *line);

/* Is DIAGNOSTIC about this line, or about the files as a whole? */
bool explain_concerns(const struct explain_line *line, const struct config_diagnostic *diagnostic);

/* A time line as a picture in characters: a row for each route, its sends as they come, and when
 * they come in numbers. */
void explain_picture(FILE *to, const struct cli_rehearsal *seen, bool several_entries);

void explain_print(FILE *to, const struct explain_line *line, bool parameters);

/* {"lines": [...]}, an object for each.  0, or -1 if TO can't be written. */
int explain_print_json(FILE *to, const struct explain_line *lines, uint32_t count);

#endif
