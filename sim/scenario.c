#include "sim/scenario.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "sim/story.h"

enum {
	FILE_MAX = 1 << 20,    /* bytes of a scenario file: a thousand times what one should be */
	DIFF_LINES_MAX = 4000, /* of a transcript: its square is the memory that a diff takes */
};

#define SEPARATOR "----\n"

static int fail(struct sim_scenario *scenario, const char *path, const char *what)
{
	snprintf(scenario->error, sizeof(scenario->error), "%s: %s", path, what);
	return -1;
}

/* Finds the "----" line, and with it what is expected. */
static void split(struct sim_scenario *scenario)
{
	const char *at = scenario->text;

	while (strncmp(at, SEPARATOR, strlen(SEPARATOR)) != 0) {
		at = strchr(at, '\n');
		if (!at) {
			scenario->head_size = strlen(scenario->text);
			scenario->expected = scenario->text + scenario->head_size;
			return;
		}
		at++;
	}
	scenario->head_size = (size_t)(at - scenario->text);
	scenario->expected = at + strlen(SEPARATOR);
}

/* Plays the text above the "----"; HAPPENED gets the transcript. */
static int play(struct sim_scenario *scenario, const char *name)
{
	struct sim_story *story = calloc(1, sizeof(*story));
	const char *end = scenario->text + scenario->head_size;
	size_t size = 0;
	FILE *transcript = open_memstream(&scenario->happened, &size);
	bool going = story && transcript;

	if (!going) {
		fail(scenario, name, strerror(errno));
		free(story);
		return -1;
	}
	sim_story_init(story, name, transcript);
	for (const char *at = scenario->text; going && at < end;) {
		size_t length = strcspn(at, "\n");

		going = sim_story_play_line(story, at, length);
		at += length + (at[length] == '\n');
	}
	if (!going)
		memcpy(scenario->error, story->error, sizeof(story->error));
	fclose(transcript);
	sim_story_free(story);
	free(story);
	return going ? 0 : -1;
}

int sim_scenario_play(struct sim_scenario *scenario, const char *name, const char *text)
{
	*scenario = (struct sim_scenario){.text = strdup(text)};
	if (!scenario->text)
		return fail(scenario, name, strerror(errno));
	split(scenario);
	return play(scenario, name);
}

int sim_scenario_run(struct sim_scenario *scenario, const char *path)
{
	FILE *file = fopen(path, "re");
	size_t size;

	*scenario = (struct sim_scenario){0};
	if (!file)
		return fail(scenario, path, strerror(errno));
	scenario->text = malloc(FILE_MAX + 1);
	size = scenario->text ? fread(scenario->text, 1, FILE_MAX + 1, file) : 0;
	if (!scenario->text || ferror(file)) {
		fclose(file);
		return fail(scenario, path, strerror(errno));
	}
	fclose(file);
	if (size > FILE_MAX)
		return fail(scenario, path, "too large for a scenario");
	scenario->text[size] = '\0';
	if (strlen(scenario->text) != size)
		return fail(scenario, path, "not a text");
	split(scenario);
	return play(scenario, path);
}

void sim_scenario_free(struct sim_scenario *scenario)
{
	free(scenario->text);
	free(scenario->happened);
}

bool sim_scenario_agrees(const struct sim_scenario *scenario)
{
	return strcmp(scenario->expected, scenario->happened) == 0;
}

int sim_scenario_rewrite(struct sim_scenario *scenario, const char *path)
{
	FILE *file = fopen(path, "we");

	if (!file)
		return fail(scenario, path, strerror(errno));
	fprintf(file, "%.*s%s%s", (int)scenario->head_size, scenario->text, SEPARATOR,
		scenario->happened);
	return fclose(file) == 0 ? 0 : fail(scenario, path, strerror(errno));
}

/* ---- diff -------------------------------------------------------------------------------- */

/* A transcript as lines that end where the next begins. */
struct lines {
	size_t count;
	const char *at[DIFF_LINES_MAX + 1];
};

static void split_lines(struct lines *lines, const char *text)
{
	lines->count = 0;
	lines->at[0] = text;
	while (*text && lines->count < DIFF_LINES_MAX) {
		text += strcspn(text, "\n");
		text += *text == '\n';
		lines->at[++lines->count] = text;
	}
}

static size_t line_size(const struct lines *lines, size_t i)
{
	return (size_t)(lines->at[i + 1] - lines->at[i]);
}

static bool same_line(const struct lines *a, size_t i, const struct lines *b, size_t j)
{
	return line_size(a, i) == line_size(b, j) &&
	       memcmp(a->at[i], b->at[j], line_size(a, i)) == 0;
}

static void print_line(FILE *to, const char *before, char mark, const struct lines *lines, size_t i)
{
	fprintf(to, "%s%c%.*s\n", before, mark, (int)strcspn(lines->at[i], "\n"), lines->at[i]);
}

/* COMMON[i][j] is how many lines the ends of both, from i and j on, have in common. */
static void print_diff(const struct lines *a, const struct lines *b, const uint16_t *common,
		       const char *before, FILE *to)
{
	size_t width = b->count + 1, i = 0, j = 0;

	while (i < a->count || j < b->count) {
		if (i < a->count && j < b->count && same_line(a, i, b, j)) {
			print_line(to, before, ' ', a, i++);
			j++;
		} else if (j == b->count || (i < a->count && common[(i + 1) * width + j] >=
								     common[i * width + j + 1])) {
			print_line(to, before, '-', a, i++);
		} else {
			print_line(to, before, '+', b, j++);
		}
	}
}

void sim_scenario_diff(const struct sim_scenario *scenario, const char *before, FILE *to)
{
	struct lines a, b;
	uint16_t *common;
	size_t width;

	split_lines(&a, scenario->expected);
	split_lines(&b, scenario->happened);
	width = b.count + 1;
	common = calloc((a.count + 1) * width, sizeof(*common));
	if (!common)
		return;
	for (size_t i = a.count; i-- > 0;) {
		for (size_t j = b.count; j-- > 0;) {
			uint16_t down = common[(i + 1) * width + j];
			uint16_t right = common[i * width + j + 1];

			if (same_line(&a, i, &b, j))
				common[i * width + j] =
					(uint16_t)(common[(i + 1) * width + j + 1] + 1);
			else
				common[i * width + j] = down > right ? down : right;
		}
	}
	print_diff(&a, &b, common, before, to);
	free(common);
}
