/* words.h - one line of a scenario as words, and what a word can mean. */
#ifndef SIM_WORDS_H
#define SIM_WORDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "keepline/keepline.h"

enum {
	SIM_WORDS_MAX = 48, /* words of one line */
	SIM_LINE_MAX = 512, /* bytes of one line, its NUL included */
};

/* The words of a line, split at white space, up to a '#'; taken from first to last. */
struct sim_words {
	char line[SIM_LINE_MAX];
	char *word[SIM_WORDS_MAX];
	size_t count, next;
};

/* Splits TEXT of SIZE bytes.  False: too long, or too many words. */
bool sim_words_split(struct sim_words *words, const char *text, size_t size);

/* The next word, taken or only looked at; NULL: none is left. */
const char *sim_words_take(struct sim_words *words);
const char *sim_words_peek(const struct sim_words *words);

/* Takes the next word if it is WORD. */
bool sim_words_skip(struct sim_words *words, const char *word);

/* Each reads all of TEXT (NULL is no number).  False: it is no such thing, or out of range. */
bool sim_parse_number(const char *text, uint64_t most, uint64_t *value);
bool sim_parse_time(const char *text, kl_ms *ms);    /* 0, or with a unit: 500ms 3.5s 10min 1h */
bool sim_parse_seconds(const char *text, kl_ms *ms); /* as a header or a TTL says it: 3600 */
bool sim_parse_address(const char *text, uint8_t ip[16]); /* IPv4 becomes ::ffff:a.b.c.d */
bool sim_parse_method(const char *text, enum kl_method *method);

#endif
