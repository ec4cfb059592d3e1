#include <stdlib.h>
#include <string.h>

#include "tests/swarm/tale.h"

enum { TRIES_MAX = 300 }; /* so that even a long life is shrunk within a minute or two */

struct shrinking {
	struct tale *tale;
	const struct tale_end *end;
	uint32_t tries;
};

/* Lines that a try leaves out. */
struct cut {
	bool out[TALE_LINES_MAX];
};

/* Keeps the tale without them, if it still ends in the same way. */
static bool leave_out(struct shrinking *shrinking, const struct cut *cut)
{
	struct tale *tale = shrinking->tale;
	struct tale *smaller = malloc(sizeof(*smaller));
	struct tale_end now;
	bool same;

	if (!smaller)
		abort();
	smaller->seed = tale->seed;
	smaller->count = 0;
	for (size_t i = 0; i < tale->count; i++)
		if (!cut->out[i])
			smaller->lines[smaller->count++] = tale->lines[i];
	same = smaller->count < tale->count && shrinking->tries++ < TRIES_MAX &&
	       tale_play(smaller, &now) && strcmp(now.what, shrinking->end->what) == 0;
	if (same)
		*tale = *smaller;
	free(smaller);
	return same;
}

static void leave_out_what_follows(struct shrinking *shrinking)
{
	const struct tale *tale = shrinking->tale;
	struct cut cut = {0};

	for (size_t i = 0; i < tale->count; i++)
		cut.out[i] = tale->lines[i].at > shrinking->end->at;
	leave_out(shrinking, &cut);
}

/* All that speaks of one line of the device. */
static bool leave_out_device_line(struct shrinking *shrinking, uint32_t number)
{
	const struct tale *tale = shrinking->tale;
	struct cut cut = {0};

	for (size_t i = 0; i < tale->count; i++)
		cut.out[i] = tale->lines[i].device_line == number;
	return leave_out(shrinking, &cut);
}

/* COUNT lines of KIND, from the FIRST of them on. */
static bool leave_out_some(struct shrinking *shrinking, enum tale_kind kind, size_t first,
			   size_t count)
{
	const struct tale *tale = shrinking->tale;
	struct cut cut = {0};
	size_t seen = 0;

	for (size_t i = 0; i < tale->count; i++) {
		cut.out[i] = tale->lines[i].kind == kind && seen >= first && seen < first + count;
		seen += tale->lines[i].kind == kind;
	}
	return leave_out(shrinking, &cut);
}

static size_t count_of(const struct tale *tale, enum tale_kind kind)
{
	size_t count = 0;

	for (size_t i = 0; i < tale->count; i++)
		count += tale->lines[i].kind == kind;
	return count;
}

/* Halves, quarters, ..., single lines, from the last to the first. */
static bool thin(struct shrinking *shrinking, enum tale_kind kind)
{
	const struct tale *tale = shrinking->tale;
	bool any = false;

	for (size_t size = (count_of(tale, kind) + 1) / 2; size > 0; size /= 2)
		for (size_t behind = count_of(tale, kind); behind > 0;) {
			size_t first = behind > size ? behind - size : 0;

			any |= leave_out_some(shrinking, kind, first, behind - first);
			behind = first;
		}
	return any;
}

/* What a life must come to depends on its configuration and on its end, so a life that did not come
 * to it keeps both. */
void tale_shrink(struct tale *tale, const struct tale_end *end)
{
	bool safety = strncmp(end->what, "not well", strlen("not well")) != 0;
	struct shrinking shrinking = {tale, end, 0};
	bool any = true;

	if (safety && end->at != KL_NEVER)
		leave_out_what_follows(&shrinking);
	while (any) {
		any = thin(&shrinking, TALE_FAULT);
		for (uint32_t line = 8; line > 0; line--)
			any |= leave_out_device_line(&shrinking, line);
		any |= thin(&shrinking, TALE_EVENT);
		for (int kind = TALE_VALUE; safety && kind <= TALE_END; kind++)
			any |= thin(&shrinking, (enum tale_kind)kind);
	}
}
