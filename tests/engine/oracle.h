/* oracle.h - when each send of a walk must happen, worked out from docs/requirements.md alone.
 *
 * A table program with arithmetic of its own: it knows the policy's fields and shares nothing
 * else with the engine.  TIME-1..4, TIME-7 (part), TIME-10, TIME-11, FAIL-2, FAIL-14, TRIG-1,
 * TRIG-2, TRIG-8, BACK-4. */
#ifndef TESTS_ORACLE_H
#define TESTS_ORACLE_H

#include <stdio.h>

#include "keepline/keepline.h"

enum { ORACLE_ROUTES_MAX = 6, ORACLE_ANSWERS_MAX = 3, ORACLE_MARKS_MAX = 4096 };

/* What starts the walk. */
enum oracle_kind {
	ORACLE_REGISTER, /* the first REGISTER of a line */
	ORACLE_REFRESH,  /* the REGISTER of a line that is registered */
	ORACLE_CALL,     /* an INVITE of such a line */
	ORACLE_GUEST,    /* an INVITE on an entry that never registers (REG-3) */
};

/* What the route that is being tried says, AT ms after the walk's start; after whatever else
 * happens in that millisecond. */
struct oracle_answer {
	kl_ms at;
	uint16_t status; /* 0: ICMP, port unreachable */
	kl_ms retry_after_ms;
};

/* One configuration, one story.  Routes are counted from 0 in walking order. */
struct oracle_plan {
	struct kl_policy policy;
	enum oracle_kind kind;
	uint8_t routes;
	uint8_t current; /* REFRESH, CALL: where the line is registered */
	struct oracle_answer answers[ORACLE_ANSWERS_MAX]; /* in order of time */
	uint8_t answer_count;
	kl_ms waited_ms; /* how long the back-off was that followed, if one did */
};

enum oracle_mark_kind {
	ORACLE_SENT,
	ORACLE_LEFT,       /* a transaction was abandoned */
	ORACLE_ENDED,      /* the request of the host ended with `status` */
	ORACLE_REGISTERED, /* on `route` */
	ORACLE_BACKED_OFF,
};

/* One thing that happened, AT ms after the walk's start. */
struct oracle_mark {
	kl_ms at;
	enum oracle_mark_kind kind;
	enum kl_method method; /* SENT, LEFT */
	uint32_t route;        /* SENT, LEFT, REGISTERED */
	uint32_t attempt;      /* SENT */
	uint32_t number;       /* SENT: how many CSeqs above the walk's first */
	uint32_t status;       /* ENDED */
};

struct oracle_line {
	struct oracle_mark marks[ORACLE_MARKS_MAX];
	size_t count;
};

void oracle_mark(struct oracle_line *line, struct oracle_mark mark);

/* What must happen from the walk's start to its end and, if a back-off follows, in the walk behind
 * that, which nobody answers. */
void oracle_predict(const struct oracle_plan *plan, struct oracle_line *line);

/* The order of things in one millisecond does not matter: sorts, and compares. */
bool oracle_agree(struct oracle_line *a, struct oracle_line *b);

void oracle_print_plan(FILE *to, const struct oracle_plan *plan);
void oracle_print_line(FILE *to, const struct oracle_line *line);

#endif
