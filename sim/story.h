/* story.h - a scenario while it is played: its commands work on this. */
#ifndef SIM_STORY_H
#define SIM_STORY_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "sim/scenario.h"
#include "sim/settings.h"
#include "sim/words.h"
#include "sim/world.h"

struct sim_story {
	const char *name; /* of the file */
	uint32_t line;    /* being played, from 1 */
	char error[SIM_ERROR_MAX];
	struct sim_settings settings;
	struct sim_world world;
	kl_ms ttl_ms;    /* of DNS records that name none */
	uint32_t hidden; /* kinds of actions left out of the transcript, a bit each */
	FILE *transcript;
};

void sim_story_init(struct sim_story *story, const char *name, FILE *transcript);

void sim_story_free(struct sim_story *story);

/* Plays one line.  False: `error` says why. */
bool sim_story_play_line(struct sim_story *story, const char *text, size_t size);

/* Sets `error` to "file:line: ..."; returns false. */
bool sim_story_fail(struct sim_story *story, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* Adds a line to the transcript. */
void sim_story_tell(struct sim_story *story, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* Makes the engine, if that has not been done. */
bool sim_story_begin(struct sim_story *story);

/* The commands that are more than a line or two. */
bool sim_story_server(struct sim_story *story, struct sim_words *words);
bool sim_story_dns(struct sim_story *story, struct sim_words *words);
bool sim_story_static(struct sim_story *story, struct sim_words *words);
bool sim_story_print(struct sim_story *story, struct sim_words *words);
bool sim_story_subscribe(struct sim_story *story, struct sim_words *words);
bool sim_story_unsubscribe(struct sim_story *story, struct sim_words *words);
bool sim_story_notify(struct sim_story *story, struct sim_words *words);
bool sim_story_shared(struct sim_story *story, struct sim_words *words);
bool sim_story_show(struct sim_story *story, struct sim_words *words, bool hide);

/* Reads "[line N]", line 1 if it is not there.  *LINE counts from 0. */
bool sim_story_take_line(struct sim_story *story, struct sim_words *words, uint32_t *line);

/* What the world calls when the engine acts (struct sim_watch). */
void sim_story_see_action(void *story, const struct kl_action *action);
void sim_story_see_text(void *story, const char *text);

#endif
