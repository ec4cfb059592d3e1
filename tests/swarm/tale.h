/* tale.h - one life of the swarm, as the lines of a scenario. */
#ifndef TESTS_SWARM_TALE_H
#define TESTS_SWARM_TALE_H

#include <stdint.h>
#include <stdio.h>

#include "keepline/keepline.h"
#include "sim/words.h"

enum {
	TALE_LINES_MAX = 2000,
	TALE_TEXT_MAX = TALE_LINES_MAX * 64, /* bytes of a whole tale */
	TALE_WHAT_MAX = 512,
};

/* In this order they are tried to be left out. */
enum tale_kind {
	TALE_FAULT,
	TALE_EVENT, /* what the user and the phone do */
	TALE_VALUE, /* a policy value, a static record */
	TALE_STAGE, /* the rest of the configuration, servers, names */
	TALE_END,   /* start, heal, verdict */
};

struct tale_line {
	enum tale_kind kind;
	uint32_t device_line; /* that it speaks of, from 1; 0: of none, or all */
	kl_ms at;
	char text[160];
};

struct tale {
	uint64_t seed;
	size_t count;
	struct tale_line lines[TALE_LINES_MAX];
};

/* Draws the life of SEED: configuration, then which faults exist, then when and how often. */
void tale_draw(struct tale *tale, uint64_t seed);

/* Writes the tale as a scenario without a transcript.  MOVES: the engine is moved to a copy of its
 * block, and over reloads that change nothing. */
void tale_write(const struct tale *tale, bool moves, FILE *to);

/* How a tale ended. */
struct tale_end {
	char what[TALE_WHAT_MAX]; /* the rule that broke; "": none did */
	kl_ms at;                 /* when */
	uint64_t hash;            /* of its transcript (FNV-1a) */
};

/* Plays it twice, the second time with copies and reloads midway, in a process of its own: a
 * failed assertion is an end, too.  False: there is no process to be had. */
bool tale_play(const struct tale *tale, struct tale_end *end);

/* Leaves out whatever does not matter for ending like END: faults, lines, events, values. */
void tale_shrink(struct tale *tale, const struct tale_end *end);

#endif
