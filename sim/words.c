#include "sim/words.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

bool sim_words_split(struct sim_words *words, const char *text, size_t size)
{
	const char *space = " \t\r";
	char *rest;

	words->count = words->next = 0;
	if (size >= sizeof(words->line))
		return false;
	memcpy(words->line, text, size);
	words->line[size] = '\0';
	words->line[strcspn(words->line, "#")] = '\0';
	for (char *word = strtok_r(words->line, space, &rest); word;
	     word = strtok_r(NULL, space, &rest)) {
		if (words->count == SIM_WORDS_MAX)
			return false;
		words->word[words->count++] = word;
	}
	return true;
}

const char *sim_words_peek(const struct sim_words *words)
{
	return words->next < words->count ? words->word[words->next] : NULL;
}

const char *sim_words_take(struct sim_words *words)
{
	const char *word = sim_words_peek(words);

	if (word)
		words->next++;
	return word;
}

bool sim_words_skip(struct sim_words *words, const char *word)
{
	const char *next = sim_words_peek(words);

	if (!next || strcmp(next, word) != 0)
		return false;
	words->next++;
	return true;
}

bool sim_parse_number(const char *text, uint64_t most, uint64_t *value)
{
	char *end;

	if (!text || text[0] < '0' || text[0] > '9')
		return false;
	errno = 0;
	*value = strtoull(text, &end, 10);
	return errno == 0 && *end == '\0' && *value <= most;
}

bool sim_parse_time(const char *text, kl_ms *ms)
{
	static const struct {
		const char *name;
		double ms;
	} units[] = {{"ms", 1}, {"s", 1000}, {"min", 60000}, {"h", 3600000}};
	const double most_ms = 1e12; /* thirty years */
	double number;
	char *end;

	if (!text || text[0] < '0' || text[0] > '9')
		return false;
	number = strtod(text, &end);
	if (strcmp(text, "0") == 0) {
		*ms = 0;
		return true;
	}
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		if (strcmp(end, units[i].name) == 0 && number * units[i].ms <= most_ms) {
			*ms = (kl_ms)(number * units[i].ms + 0.5);
			return true;
		}
	}
	return false;
}

bool sim_parse_seconds(const char *text, kl_ms *ms)
{
	uint64_t seconds;

	if (!sim_parse_number(text, UINT32_MAX, &seconds))
		return false;
	*ms = seconds * 1000;
	return true;
}

bool sim_parse_address(const char *text, uint8_t ip[16])
{
	if (!text)
		return false;
	if (inet_pton(AF_INET6, text, ip) == 1)
		return true;
	memset(ip, 0, 10);
	ip[10] = ip[11] = 0xff;
	return inet_pton(AF_INET, text, ip + 12) == 1;
}

bool sim_parse_method(const char *text, enum kl_method *method)
{
	for (uint32_t i = 0; text && i < KL_METHODS_MAX; i++) {
		if (strcmp(text, kl_method_name((enum kl_method)i)) == 0) {
			*method = (enum kl_method)i;
			return true;
		}
	}
	return false;
}
