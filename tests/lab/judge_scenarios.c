/* judge_scenarios.c - the judge finds no fault with the engine, in any scenario.
 *
 *	judge_scenarios FOLDER
 *
 * Each file is a story in virtual time; what passed on its network is judged by the policy of its
 * line.  Neither shares a line of arithmetic with the other.  Writes TAP.
 */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "witness.h"

static int is_scenario(const struct dirent *entry)
{
	const char *dot = strrchr(entry->d_name, '.');

	return dot && !strcmp(dot, ".txt");
}

static char *read_file(const char *path)
{
	FILE *file = fopen(path, "re");
	char *text = NULL;
	size_t room = 0;

	if (!file)
		return NULL;
	if (getdelim(&text, &room, '\0', file) < 0) {
		free(text);
		text = NULL;
	}
	fclose(file);
	return text;
}

/* What happens to a phone without a trace on its network: judged from outside such a phone may look
 * as if it broke rules. */
static const char *const unseen[] = {
	"link ",   "sleep ",  "restart", "reload",  "adopt",    "stop",
	"dialog ", "cancel ", "dns ",    "static ", "release ",
};

/* The first command of that kind in TEXT; NULL: there is none. */
static const char *find_unseen(const char *text)
{
	const char *end = strstr(text, "----\n");

	for (const char *at = text; at && at < end; at = strchr(at, '\n')) {
		at += *at == '\n';
		if (!strncmp(at, "at ", 3)) {
			at += 3 + strcspn(at + 3, " ");
			at += *at == ' ';
		}
		for (size_t i = 0; i < sizeof unseen / sizeof *unseen; i++)
			if (!strncmp(at, unseen[i], strlen(unseen[i])))
				return unseen[i];
	}
	return NULL;
}

/* In these a user does what leaves no trace: a call in a back-off, whose REGISTER fails. */
static const char *const unseen_calls[] = {"fall-04-timer-goes-on.txt"};

/* SKIPPED: why it was not judged. */
static bool judge_file(const char *folder, const char *name, const char **skipped, uint32_t *kept)
{
	static struct witness witness;
	static struct lab_verdict verdict;
	char path[4096];
	char *text;
	bool good;

	snprintf(path, sizeof path, "%s/%s", folder, name);
	text = read_file(path);
	if (!text) {
		printf("# %s: can't be read\n", path);
		return false;
	}
	*skipped = find_unseen(text);
	for (size_t i = 0; i < sizeof unseen_calls / sizeof *unseen_calls; i++)
		if (!strcmp(name, unseen_calls[i]))
			*skipped = "a call";
	if (*skipped) {
		free(text);
		return true;
	}
	good = witness_play(&witness, name, text);
	if (!good)
		printf("# %s\n", witness.story.error);
	if (good && witness.story.world.engine) {
		witness_judge(&witness, &verdict);
		witness_print(&verdict, "#   ");
		for (int rule = 0; rule < LAB_RULES_MAX; rule++)
			kept[rule] += verdict.findings[rule].kept;
		good = !verdict.broken;
	}
	witness_free(&witness);
	free(text);
	return good;
}

/* ACK and BYE are sent by the world's phone, which no trace shows. */
static bool needs_a_host(enum lab_rule rule)
{
	return rule == LAB_RULE_TIME_9;
}

int main(int argc, char **argv)
{
	struct dirent **names;
	int count = argc == 2 ? scandir(argv[1], &names, is_scenario, alphasort) : -1;
	uint32_t kept[LAB_RULES_MAX] = {0};
	int failed = 0, exercised = 0;

	if (count < 1) {
		fprintf(stderr, "usage: judge_scenarios FOLDER\n");
		return 2;
	}
	sip_init();
	printf("1..%d\n", count + 1);
	for (int i = 0; i < count; i++) {
		const char *skipped = NULL;
		bool good = judge_file(argv[1], names[i]->d_name, &skipped, kept);

		printf("%s %d - %s%s%s\n", good ? "ok" : "not ok", i + 1, names[i]->d_name,
		       skipped ? " # SKIP not seen on the network: " : "", skipped ? skipped : "");
		failed += !good;
		free(names[i]);
	}
	free(names);
	/* A rule that no scenario gives an occasion for would be judged by nobody. */
	for (int rule = 0; rule < LAB_RULES_MAX; rule++) {
		printf("# %s: kept %u times\n", lab_rule_id((enum lab_rule)rule), kept[rule]);
		exercised += kept[rule] != 0 || needs_a_host((enum lab_rule)rule);
	}
	printf("%s %d - every rule was exercised\n", exercised == LAB_RULES_MAX ? "ok" : "not ok",
	       count + 1);
	failed += exercised != LAB_RULES_MAX;
	return failed != 0;
}
