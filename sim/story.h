/* story.h - a scenario while it is played: its commands work on this. */
#ifndef SIM_STORY_H
#define SIM_STORY_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "sim/invariants.h"
#include "sim/scenario.h"
#include "sim/settings.h"
#include "sim/words.h"
#include "sim/world.h"

struct sim_story {
	const char *name; /* of the file */
	uint32_t line;    /* being played, from 1 */
	char error[SIM_ERROR_MAX];
	struct sim_settings devices[2]; /* this one and, after a reload, the next */
	struct sim_settings *settings;  /* the one that commands work on */
	bool reloading;                 /* it is still being said what the next one is like */
	struct sim_world world;
	kl_ms ttl_ms;    /* of DNS records that name none */
	uint32_t hidden; /* kinds of actions left out of the transcript, a bit each */
	FILE *transcript;
	struct sim_invariants *invariants; /* from the engine's start on */
	const char *broken;                /* the first rule that broke; NULL: none did */
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

/* Makes the engine, if that has not been done, or goes over to the next device. */
bool sim_story_begin(struct sim_story *story);

/* The commands that are more than a line or two. */
bool sim_story_server(struct sim_story *story, struct sim_words *words);
bool sim_story_dns(struct sim_story *story, struct sim_words *words);
bool sim_story_static(struct sim_story *story, struct sim_words *words);
bool sim_story_remember(struct sim_story *story, struct sim_words *words);
bool sim_story_print(struct sim_story *story, struct sim_words *words);
bool sim_story_network(struct sim_story *story, struct sim_words *words);
bool sim_story_sleep(struct sim_story *story, struct sim_words *words);
bool sim_story_restart(struct sim_story *story, struct sim_words *words);
bool sim_story_copy(struct sim_story *story, struct sim_words *words);
bool sim_story_adopt(struct sim_story *story, struct sim_words *words);
bool sim_story_heal(struct sim_story *story, struct sim_words *words);
bool sim_story_release(struct sim_story *story, struct sim_words *words);
bool sim_story_judge(struct sim_story *story, struct sim_words *words);
bool sim_story_subscribe(struct sim_story *story, struct sim_words *words);
bool sim_story_unsubscribe(struct sim_story *story, struct sim_words *words);
bool sim_story_notify(struct sim_story *story, struct sim_words *words);
bool sim_story_shared(struct sim_story *story, struct sim_words *words);
bool sim_story_show(struct sim_story *story, struct sim_words *words, bool hide);

/* Reads "[line N]", line 1 if it is not there.  *LINE counts from 0. */
bool sim_story_take_line(struct sim_story *story, struct sim_words *words, uint32_t *line);

/* Lets all happen up to UNTIL.  False: the engine spins. */
bool sim_story_run(struct sim_story *story, kl_ms until);

/* What the world calls when the engine acts (struct sim_watch). */
void sim_story_see_event(void *story, const struct kl_event *event, int result);
void sim_story_see_settled(void *story);
void sim_story_see_action(void *story, const struct kl_action *action);
void sim_story_see_text(void *story, const char *text);

#endif
