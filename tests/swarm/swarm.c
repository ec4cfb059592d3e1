/* swarm - random configurations with random faults, judged by sim/invariants.h.
 *
 *	swarm [--seed N] [--count N] [--hash HASH] [--print] [--first | --into FOLDER]
 *
 * Plays COUNT lives (1) from seed N (1) on.  A life is printed first where --print says so.  One
 * that breaks a rule is shrunk and written into FOLDER (the current one) as a scenario; with
 * --first it ends the run instead.  With --hash the hash of all transcripts must be HASH.  Exit
 *status: 0 all as it should be, 1 not, 2 wrong usage.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "tests/swarm/tale.h"

struct options {
	uint64_t seed, count, hash;
	bool print, first;
	const char *into;
};

static bool take_number(const char *text, uint64_t *number)
{
	char *end = NULL;

	if (text)
		*number = strtoull(text, &end, 0);
	return text && end > text && *end == '\0';
}

static bool take_options(struct options *options, char **argv)
{
	for (argv++; *argv; argv++) {
		const char *value = argv[1];
		bool good = true;

		if (strcmp(*argv, "--print") == 0) {
			options->print = true;
			continue;
		}
		if (strcmp(*argv, "--first") == 0) {
			options->first = true;
			continue;
		}
		if (strcmp(*argv, "--seed") == 0)
			good = take_number(value, &options->seed);
		else if (strcmp(*argv, "--count") == 0)
			good = take_number(value, &options->count);
		else if (strcmp(*argv, "--hash") == 0)
			good = take_number(value, &options->hash);
		else if (strcmp(*argv, "--into") == 0)
			options->into = value;
		else
			return false;
		if (!good || !value)
			return false;
		argv++;
	}
	return true;
}

/* Shrinks, writes, and says how to play it again. */
static void tell_failure(struct tale *tale, const char *into, const struct tale_end *end)
{
	char path[4096];
	FILE *file;

	fflush(stdout);
	tale_shrink(tale, end);
	snprintf(path, sizeof(path), "%s/swarm-%" PRIu64 ".txt", into, tale->seed);
	file = fopen(path, "we");
	if (file) {
		tale_write(tale, false, file);
		fprintf(file, "----\n");
		fclose(file);
	}
	printf("again: make swarm SEED=%" PRIu64 "; shrunk to %zu lines in %s\n", tale->seed,
	       tale->count, path);
}

static bool play(struct tale *tale, uint64_t seed, const struct options *options, uint64_t *hash)
{
	struct tale_end end;

	tale_draw(tale, seed);
	if (options->print)
		tale_write(tale, false, stdout);
	if (!tale_play(tale, &end))
		return false;
	*hash = (*hash ^ end.hash) * UINT64_C(0x100000001b3);
	if (!end.what[0])
		return true;
	printf("seed %" PRIu64 ": %s\n", seed, end.what);
	if (!options->first)
		tell_failure(tale, options->into, &end);
	return false;
}

int main(int argc, char **argv)
{
	struct options options = {.seed = 1, .count = 1, .into = "."};
	struct tale *tale = malloc(sizeof(*tale));
	uint64_t hash = UINT64_C(0xcbf29ce484222325), failed = 0;

	(void)argc;
	if (!take_options(&options, argv) || !tale) {
		fprintf(stderr,
			"usage: %s [--seed N] [--count N] [--hash HASH] [--print] [--into "
			"FOLDER]\n",
			argv[0]);
		free(tale);
		return 2;
	}
	for (uint64_t seed = options.seed;
	     seed < options.seed + options.count && !(options.first && failed); seed++)
		failed += !play(tale, seed, &options, &hash);
	free(tale);
	printf("%" PRIu64 " of %" PRIu64 " lives broke a rule; their hash is %#" PRIx64 "\n",
	       failed, options.count, hash);
	if (options.hash && hash != options.hash)
		printf("expected %#" PRIx64 "\n", options.hash);
	return failed || (options.hash && hash != options.hash) ? 1 : 0;
}
