/* scenario - plays scenario files and compares their transcripts; prints TAP.
 *
 *	scenario PATH...             files, or folders of *.txt
 *	scenario --rewrite PATH...   writes what happened into the files (also: KEEPLINE_REWRITE=1)
 *
 * Exit status: 0 all as expected (or written), 1 not, 2 wrong usage.
 */
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "sim/scenario.h"

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

static bool rewrite(struct sim_scenario *scenario, const char *path)
{
	return sim_scenario_agrees(scenario) || sim_scenario_rewrite(scenario, path) == 0;
}

/* Plays one file and prints its TAP line; below a failure, as comments, what went otherwise. */
static bool play(const char *path, size_t number, bool rewriting)
{
	struct sim_scenario scenario;
	bool ran = sim_scenario_run(&scenario, path) == 0;
	bool good = ran && (rewriting ? rewrite(&scenario, path) : sim_scenario_agrees(&scenario));

	printf("%s %zu - %s\n", good ? "ok" : "not ok", number, base_name(path));
	if (scenario.error[0])
		printf("# %s\n", scenario.error);
	else if (!good)
		sim_scenario_diff(&scenario, "# ", stdout);
	sim_scenario_free(&scenario);
	return good;
}

/* Adds PATH, or the scenarios in it if it is a folder. */
static void add_path(glob_t *paths, const char *path)
{
	char pattern[4096];
	struct stat status;
	bool folder = stat(path, &status) == 0 && S_ISDIR(status.st_mode);

	snprintf(pattern, sizeof(pattern), "%s%s", path, folder ? "/*.txt" : "");
	glob(pattern, GLOB_NOCHECK | (paths->gl_pathc ? GLOB_APPEND : 0), NULL, paths);
}

int main(int argc, char **argv)
{
	bool rewriting = getenv("KEEPLINE_REWRITE") != NULL;
	glob_t paths = {0};
	int failed = 0;
	int first = 1;

	if (argc > 1 && strcmp(argv[1], "--rewrite") == 0) {
		rewriting = true;
		first = 2;
	}
	if (first >= argc) {
		fprintf(stderr, "usage: %s [--rewrite] PATH...\n", argv[0]);
		return 2;
	}
	for (int i = first; i < argc; i++)
		add_path(&paths, argv[i]);

	printf("1..%zu\n", paths.gl_pathc);
	for (size_t i = 0; i < paths.gl_pathc; i++)
		failed += !play(paths.gl_pathv[i], i + 1, rewriting);
	globfree(&paths);
	return failed ? 1 : 0;
}
