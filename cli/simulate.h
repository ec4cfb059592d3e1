/* simulate.h - `keepline simulate`: runs of fleets, and what is told of them. */
#ifndef CLI_SIMULATE_H
#define CLI_SIMULATE_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

#include "sim/plan.h"
#include "sim/results.h"

enum {
	SIMULATE_RUNS_MAX = 64,
	SIMULATE_TEXT_MAX = 160,  /* bytes of a fact's texts, their NUL included */
	SIMULATE_FAULTS_MAX = 12, /* that are told one by one in a table */
};

/* One run: a plan, and what came of it. */
struct simulate_run {
	char name[SIMULATE_TEXT_MAX];
	struct sim_plan *plan;
	struct sim_results *results; /* shared with the process that plays it */
	pid_t pid;                   /* 0: not begun, or ended */
	bool begun, failed;
};

struct simulate_runs {
	const char *scenario; /* its path */
	struct simulate_run run[SIMULATE_RUNS_MAX];
	uint32_t count;
	uint32_t judged; /* every so many-th phone is watched by the safety checker; 0: none */
	bool interrupted;
};

/* Plays all runs, as many side by side as there are cores and memory, with a progress bar on a
 * terminal; Ctrl-C ends them with what they have so far.  False: it can't be done, which is told.
 */
bool simulate_play(struct simulate_runs *runs);

/* One row of the table: a group's head where `label` is empty. */
struct simulate_fact {
	char label[SIMULATE_TEXT_MAX];
	char value[SIMULATE_TEXT_MAX];
};

/* Is a fault told by itself?  Of one that repeats, the first and the last time. */
bool simulate_is_told(const struct sim_plan_fault *fault);

/* What is to be told of a run, the same rows for each run of one scenario.  *FACTS is to be freed.
 * Returns how many. */
uint32_t simulate_facts(const struct simulate_run *run, struct simulate_fact **facts);

/* Writes "12:00:05" or, from one day on, "1 d 12:00:05". */
void simulate_show_time(char to[SIMULATE_TEXT_MAX], uint64_t seconds);

/* Writes "1,234,567".  Returns TO. */
const char *simulate_show_count(char to[SIMULATE_TEXT_MAX], uint64_t value);

/* Writes "0.25 s", "42 s", "12 min 5 s", "24 h".  Returns TO. */
const char *simulate_show_length(char to[SIMULATE_TEXT_MAX], uint64_t ms);

/* Says in words what a fault is. */
void simulate_show_fault(char to[SIMULATE_TEXT_MAX], const struct sim_plan *plan, uint32_t fault);

void simulate_print_table(FILE *to, const struct simulate_runs *runs);
int simulate_print_json(FILE *to, const struct simulate_runs *runs);
int simulate_print_csv(FILE *to, const struct simulate_runs *runs);

/* The report: one page that needs no other file. */
int simulate_print_page(FILE *to, const struct simulate_runs *runs);

#endif
