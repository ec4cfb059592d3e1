/* fault.c - what may be wrong with a server, and the words for it. */
#include "lab/fault.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PERCENT_MAX = 100, RETRY_AFTER_MAX_S = 86400, TIME_MAX_MS = 86400000 };

#define FAULT_ROW(name, word, takes, meaning) {word, takes, meaning},
static const struct {
	const char *word;
	unsigned takes;
	const char *meaning;
} rows[] = {LAB_FAULTS(FAULT_ROW)};
#undef FAULT_ROW

static const char *const certificates[LAB_CERTIFICATE_FAULTS] = {"wrong-name", "expired",
								 "stranger"};

static const struct {
	const char *name;
	uint32_t ms;
} units[] = {{"ms", 1}, {"s", 1000}, {"min", 60000}, {"m", 60000}, {"h", 3600000}};

/* A text that is read word by word. */
struct words {
	char text[LAB_FAULT_TEXT_MAX];
	char *rest;
	const char *word; /* the one in view; NULL: no more */
	char *why;
};

static void step(struct words *words)
{
	words->word = strtok_r(NULL, " \t", &words->rest);
}

static bool fail(struct words *words, const char *expected)
{
	snprintf(words->why, LAB_FAULT_WHY_MAX, "\"%.60s\": expected %s",
		 words->word ? words->word : "end of the line", expected);
	return false;
}

static bool is_word(const struct words *words, const char *word)
{
	return words->word && !strcmp(words->word, word);
}

/* A number from LEAST to MOST with UNIT behind it, which may be "". */
static bool read_number(const char *text, uint32_t most, const char *unit, uint32_t *number)
{
	char *end;
	unsigned long value;

	if (!text || *text < '0' || *text > '9')
		return false;
	value = strtoul(text, &end, 10);
	if (value > most || strcmp(end, unit) != 0)
		return false;
	*number = (uint32_t)value;
	return true;
}

static bool read_time(struct words *words, uint32_t *ms)
{
	for (size_t i = 0; i < sizeof units / sizeof *units; i++)
		if (read_number(words->word, TIME_MAX_MS / units[i].ms, units[i].name, ms)) {
			*ms *= units[i].ms;
			step(words);
			return true;
		}
	return fail(words, "a time such as 500ms, 3s or 5m");
}

static bool read_status(struct words *words, struct lab_fault *fault)
{
	if (!read_number(words->word, 699, "", &fault->value) || fault->value < 300)
		return fail(words, "a status from 300 to 699");
	step(words);
	if (!is_word(words, "retry-after"))
		return true;
	step(words);
	if (!read_number(words->word, RETRY_AFTER_MAX_S, "", &fault->retry_after_s))
		return fail(words, "seconds, from 0 to 86400");
	step(words);
	return true;
}

static bool read_percent(struct words *words, struct lab_fault *fault)
{
	if (!read_number(words->word, PERCENT_MAX, "", &fault->value) &&
	    !read_number(words->word, PERCENT_MAX, "%", &fault->value))
		return fail(words, "a percentage from 0 to 100");
	step(words);
	return true;
}

static bool read_certificate(struct words *words, struct lab_fault *fault)
{
	for (uint32_t i = 0; i < LAB_CERTIFICATE_FAULTS; i++)
		if (is_word(words, certificates[i])) {
			fault->value = i;
			step(words);
			return true;
		}
	return fail(words, "wrong-name, expired or stranger");
}

static bool read_servers(struct words *words, struct lab_fault *fault)
{
	size_t used = 0;

	if (!words->word)
		return fail(words, "the names of servers");
	for (; words->word; step(words))
		used += (size_t)snprintf(fault->servers + used, sizeof fault->servers - used,
					 "%s%s", used ? " " : "", words->word);
	return true;
}

/* "REGISTER,INVITE" */
static bool read_methods(struct words *words, struct lab_fault *fault)
{
	const char *at = words->word;

	if (!at)
		return fail(words, "methods, as in REGISTER,INVITE");
	while (*at) {
		const struct sip_span name = {at, strcspn(at, ",")};
		enum sip_method method = sip_method_of(name);

		if (method == SIP_METHOD_OTHER)
			return fail(words, "methods, as in REGISTER,INVITE");
		fault->methods |= 1u << method;
		at += name.length + (at[name.length] == ',');
	}
	step(words);
	return true;
}

static bool read_value(struct words *words, struct lab_fault *fault)
{
	unsigned takes = rows[fault->kind].takes;

	if (takes & LAB_FAULT_STATUS)
		return read_status(words, fault);
	if (takes & LAB_FAULT_TIME)
		return read_time(words, &fault->value);
	if (takes & LAB_FAULT_PERCENT)
		return read_percent(words, fault);
	if (takes & LAB_FAULT_CERTIFICATE)
		return read_certificate(words, fault);
	if (takes & LAB_FAULT_SERVERS)
		return read_servers(words, fault);
	return true;
}

/* Which ways, of which methods, and the end. */
static bool read_rest(struct words *words, struct lab_fault *fault, unsigned takes)
{
	if (takes & LAB_FAULT_WAYS && (is_word(words, "in") || is_word(words, "out"))) {
		fault->in = is_word(words, "in");
		fault->out = !fault->in;
		step(words);
	}
	if (takes & LAB_FAULT_METHODS && is_word(words, "of")) {
		step(words);
		if (!read_methods(words, fault))
			return false;
	}
	return !words->word || fail(words, "the end of the line");
}

bool lab_fault_parse(struct lab_fault *fault, enum lab_culprit culprit, const char *text,
		     char why[LAB_FAULT_WHY_MAX])
{
	unsigned of = culprit == LAB_CULPRIT_DNS ? LAB_FAULT_OF_DNS : LAB_FAULT_OF_SIP;
	struct words words = {.why = why};
	unsigned takes;

	*fault = (struct lab_fault){.in = true, .out = true};
	if (strlen(text) >= sizeof words.text) {
		snprintf(why, LAB_FAULT_WHY_MAX, "a fault has at most %zu characters",
			 sizeof words.text - 1);
		return false;
	}
	strcpy(words.text, text);
	words.word = strtok_r(words.text, " \t", &words.rest);
	while (fault->kind < LAB_FAULT_KINDS &&
	       !(is_word(&words, rows[fault->kind].word) && rows[fault->kind].takes & of))
		fault->kind++;
	if (fault->kind == LAB_FAULT_KINDS)
		return fail(&words, culprit == LAB_CULPRIT_DNS
					    ? "a fault of the DNS server, such as up or silent"
					    : "a fault of a SIP server, such as up or silent");
	takes = rows[fault->kind].takes;
	if (culprit == LAB_CULPRIT_DNS)
		takes &= ~(unsigned)(LAB_FAULT_WAYS | LAB_FAULT_METHODS);
	step(&words);
	return read_value(&words, fault) && read_rest(&words, fault, takes);
}

/* ---- writing ---- */

static void append(char *to, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void append(char *to, const char *format, ...)
{
	size_t used = strlen(to);
	va_list values;

	va_start(values, format);
	vsnprintf(to + used, LAB_FAULT_TEXT_MAX - used, format, values);
	va_end(values);
}

static void append_methods(char *to, uint32_t methods)
{
	const char *before = " of ";

	for (int i = 0; i < SIP_METHODS_MAX; i++)
		if (methods & 1u << i) {
			append(to, "%s%s", before, sip_method_name((enum sip_method)i));
			before = ",";
		}
}

char *lab_fault_format(char to[LAB_FAULT_TEXT_MAX], const struct lab_fault *fault)
{
	unsigned takes = rows[fault->kind].takes;
	bool whole = fault->value && fault->value % 1000 == 0;

	snprintf(to, LAB_FAULT_TEXT_MAX, "%s", rows[fault->kind].word);
	if (takes & LAB_FAULT_STATUS)
		append(to, " %u", fault->value);
	if (fault->retry_after_s)
		append(to, " retry-after %u", fault->retry_after_s);
	if (takes & LAB_FAULT_PERCENT)
		append(to, " %u%%", fault->value);
	if (takes & LAB_FAULT_TIME)
		append(to, " %u%s", whole ? fault->value / 1000 : fault->value, whole ? "s" : "ms");
	if (takes & LAB_FAULT_CERTIFICATE)
		append(to, " %s", certificates[fault->value]);
	if (takes & LAB_FAULT_SERVERS)
		append(to, " %s", fault->servers);
	if (fault->in != fault->out)
		append(to, " %s", fault->in ? "in" : "out");
	append_methods(to, fault->methods);
	return to;
}

bool lab_fault_is_about(const struct lab_fault *fault, enum sip_method method)
{
	return !fault->methods || fault->methods & 1u << method;
}

const char *lab_fault_word(enum lab_fault_kind kind)
{
	return rows[kind].word;
}

const char *lab_fault_meaning(enum lab_fault_kind kind)
{
	return rows[kind].meaning;
}

unsigned lab_fault_takes(enum lab_fault_kind kind)
{
	return rows[kind].takes;
}
