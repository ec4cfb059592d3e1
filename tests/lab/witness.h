/* witness.h - the simulated world's messages, as a trace that the judge can read. */
#ifndef TESTS_LAB_WITNESS_H
#define TESTS_LAB_WITNESS_H

#include "lab/judge.h"
#include "sim/story.h"

enum { WITNESS_CALLS_MAX = 64 };

struct witness {
	struct sim_story story;
	struct lab_trace trace;
	struct witness_request {
		kl_tx tx;
		struct lab_trace_record record;
	} * requests;
	size_t request_count, request_room;
	bool up[WITNESS_CALLS_MAX]; /* calls of the world's phone, as they were last seen */
	uint64_t contact;           /* counts the phone's addresses */
	FILE *transcript;
	char *text;
	size_t size;
};

/* Plays the commands above the "----" of TEXT.  False: story.error says why. */
bool witness_play(struct witness *witness, const char *name, const char *text);
void witness_free(struct witness *witness);

/* Judges what was seen by the policy and the routes of the first line's first entry. */
void witness_judge(struct witness *witness, struct lab_verdict *verdict);

/* Prints what was broken, each line after BEFORE. */
void witness_print(const struct lab_verdict *verdict, const char *before);

#endif
