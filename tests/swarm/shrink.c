#include <stdlib.h>
#include <string.h>

#include "tests/swarm/tale.h"

/* Lines that a try leaves out. */
struct cut {
	bool out[TALE_LINES_MAX];
};

/* Keeps the tale without them, if it still ends in the same way. */
static bool leave_out(struct tale *tale, const struct tale_end *end, const struct cut *cut)
{
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
	same = smaller->count < tale->count && tale_play(smaller, &now) &&
	       strcmp(now.what, end->what) == 0;
	if (same)
		*tale = *smaller;
	free(smaller);
	return same;
}

static void leave_out_what_follows(struct tale *tale, const struct tale_end *end)
{
	struct cut cut = {0};

	for (size_t i = 0; i < tale->count; i++)
		cut.out[i] = tale->lines[i].at > end->at;
	leave_out(tale, end, &cut);
}

/* All that speaks of one line of the device. */
static bool leave_out_device_line(struct tale *tale, const struct tale_end *end, uint32_t number)
{
	struct cut cut = {0};

	for (size_t i = 0; i < tale->count; i++)
		cut.out[i] = tale->lines[i].device_line == number;
	return leave_out(tale, end, &cut);
}

/* COUNT lines of KIND, from the FIRST of them on. */
static bool leave_out_some(struct tale *tale, const struct tale_end *end, enum tale_kind kind,
			   size_t first, size_t count)
{
	struct cut cut = {0};
	size_t seen = 0;

	for (size_t i = 0; i < tale->count; i++) {
		cut.out[i] = tale->lines[i].kind == kind && seen >= first && seen < first + count;
		seen += tale->lines[i].kind == kind;
	}
	return leave_out(tale, end, &cut);
}

static size_t count_of(const struct tale *tale, enum tale_kind kind)
{
	size_t count = 0;

	for (size_t i = 0; i < tale->count; i++)
		count += tale->lines[i].kind == kind;
	return count;
}

/* Halves, quarters, ..., single lines, from the last to the first. */
static bool thin(struct tale *tale, const struct tale_end *end, enum tale_kind kind)
{
	bool any = false;

	for (size_t size = (count_of(tale, kind) + 1) / 2; size > 0; size /= 2)
		for (size_t behind = count_of(tale, kind); behind > 0;) {
			size_t first = behind > size ? behind - size : 0;

			any |= leave_out_some(tale, end, kind, first, behind - first);
			behind = first;
		}
	return any;
}

/* What a life must come to depends on its configuration and on its end, so a life that did not come
 * to it keeps both. */
void tale_shrink(struct tale *tale, const struct tale_end *end)
{
	bool safety = strncmp(end->what, "not well", strlen("not well")) != 0;
	bool any = true;

	if (safety && end->at != KL_NEVER)
		leave_out_what_follows(tale, end);
	while (any) {
		any = thin(tale, end, TALE_FAULT);
		for (uint32_t line = 8; line > 0; line--)
			any |= leave_out_device_line(tale, end, line);
		any |= thin(tale, end, TALE_EVENT);
		for (int kind = TALE_VALUE; safety && kind <= TALE_END; kind++)
			any |= thin(tale, end, (enum tale_kind)kind);
	}
}
