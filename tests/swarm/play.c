#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sim/scenario.h"
#include "tests/engine/dice.h"
#include "tests/swarm/tale.h"

/* From AT to NEXT: often nothing, else the engine goes elsewhere, in the midst of whatever is under
 * way. */
static void write_move(struct dice *dice, kl_ms at, kl_ms next, FILE *to)
{
	static const char *const moves[] = {"copy", "adopt", "adopt", "adopt"};
	uint32_t kind = dice_roll(dice, 12);
	kl_ms moment = at + 1 + dice_roll(dice, (uint32_t)(next - at));

	if (kind < sizeof(moves) / sizeof(moves[0]) && moment < next)
		fprintf(to, "at %llums %s\n", (unsigned long long)moment, moves[kind]);
}

/* Lines in order of time, those of one time as they were drawn. */
void tale_write(const struct tale *tale, bool moves, FILE *to)
{
	struct dice dice = dice_of(tale->seed);
	kl_ms at = 0, next;

	for (bool more = true; more; at = next) {
		more = false;
		next = KL_NEVER;
		for (size_t i = 0; i < tale->count; i++) {
			const struct tale_line *line = &tale->lines[i];

			if (line->at > at && line->at < next)
				next = line->at;
			more |= line->at > at;
			if (line->at == at && at == 0)
				fprintf(to, "%s\n", line->text);
			else if (line->at == at)
				fprintf(to, "at %llums %s\n", (unsigned long long)at, line->text);
		}
		if (moves && more)
			write_move(&dice, at, next, to);
	}
}

/* What broke first: "[ 1000] broken: rule", "[ 1000] not well: rule". */
static void find_end(const char *transcript, struct tale_end *end)
{
	static const char *const marks[] = {"] broken: ", "] not well: "};
	const char *first = NULL, *start;

	for (size_t i = 0; i < 2; i++) {
		const char *found = strstr(transcript, marks[i]);

		if (found && (!first || found < first))
			first = found;
	}
	if (!first)
		return;
	for (start = first; start > transcript && start[-1] != '\n';)
		start--;
	end->at = strtoull(start + 1, NULL, 10);
	snprintf(end->what, sizeof(end->what), "%.*s", (int)strcspn(first + 2, "\n"), first + 2);
}

static uint64_t hash_of(const char *text)
{
	uint64_t hash = UINT64_C(0xcbf29ce484222325);

	for (; *text; text++)
		hash = (hash ^ (unsigned char)*text) * UINT64_C(0x100000001b3);
	return hash;
}

static void play_once(const struct tale *tale, bool moves, struct tale_end *end)
{
	struct sim_scenario scenario;
	char *text = NULL;
	size_t size = 0;
	FILE *file = open_memstream(&text, &size);

	*end = (struct tale_end){.at = KL_NEVER};
	if (!file)
		abort();
	tale_write(tale, moves, file);
	fclose(file);
	if (sim_scenario_play(&scenario, "tale", text) != 0)
		snprintf(end->what, sizeof(end->what), "%s", scenario.error);
	if (scenario.happened) {
		find_end(scenario.happened, end);
		end->hash = hash_of(scenario.happened);
	}
	sim_scenario_free(&scenario);
	free(text);
}

static void play_twice(const struct tale *tale, struct tale_end *end)
{
	struct tale_end moved;

	play_once(tale, false, end);
	if (end->what[0])
		return;
	play_once(tale, true, &moved);
	if (moved.hash != end->hash)
		snprintf(end->what, sizeof(end->what),
			 "a copy of the engine, or a reload, goes on otherwise");
}

bool tale_play(const struct tale *tale, struct tale_end *end)
{
	int ends[2], status;
	ssize_t size;
	pid_t child;

	if (pipe(ends) != 0)
		return false;
	fflush(NULL);
	child = fork();
	if (child == 0) {
		play_twice(tale, end);
		exit(write(ends[1], end, sizeof(*end)) == sizeof(*end) ? 0 : 1);
	}
	close(ends[1]);
	size = child > 0 ? read(ends[0], end, sizeof(*end)) : -1;
	close(ends[0]);
	if (child < 0 || waitpid(child, &status, 0) != child)
		return false;
	if (size == sizeof(*end) && WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return true;
	*end = (struct tale_end){.what = "the engine's own assertions failed", .at = KL_NEVER};
	return true;
}
