/* events.c - `keepline events` and `keepline subscribe`: what happens to the running instance, as
 * it happens. */
#include <argp.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "cli/cli.h"
#include "cli/link.h"
#include "phone/phone.h"

enum { EXPIRES_MAX_S = 2147483 };

struct events {
	struct cli_link link;
	bool as_json;
	unsigned line; /* as configured; 0: all, to subscribe with: the first */
	/* To subscribe, and what it is then. */
	const char *package, *target;
	unsigned expires_s; /* 0: as configured */
	json_int_t subscription;
};

static error_t parse_common(int key, char *argument, struct argp_state *state)
{
	struct events *events = state->input;

	switch (key) {
	case 'j':
		events->as_json = true;
		return 0;
	case 'l':
		events->line = cli_link_read_number(argument, CONFIG_LINES_MAX, state);
		return 0;
	case 'c':
		events->link.path = argument;
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static error_t parse_events(int key, char *argument, struct argp_state *state)
{
	if (key == ARGP_KEY_ARG)
		argp_error(state, "what is \"%s\"?", argument);
	return parse_common(key, argument, state);
}

static error_t parse_subscribe(int key, char *argument, struct argp_state *state)
{
	struct events *events = state->input;

	switch (key) {
	case 'e':
		events->expires_s = cli_link_read_number(argument, EXPIRES_MAX_S, state);
		return 0;
	case ARGP_KEY_ARG:
		if (!events->package)
			events->package = argument;
		else if (!events->target)
			events->target = argument;
		else
			argp_error(state, "one EVENT and one TARGET, not more");
		return 0;
	case ARGP_KEY_NO_ARGS:
		argp_error(state, "to what?");
		return 0;
	default:
		return parse_common(key, argument, state);
	}
}

#define COMMON_OPTIONS                                                                             \
	{"json", 'j', NULL, 0, "for programs: one line of JSON for each", 0},                      \
	{                                                                                          \
		"control", 'c', "PATH", 0, "the control socket of the instance", 0                 \
	}

static const struct argp_option events_options[] = {
	{"line", 'l', "N", 0, "of this line alone, as numbered in the configuration", 0},
	COMMON_OPTIONS,
	{0},
};

static const struct argp_option subscribe_options[] = {
	{"line", 'l', "N", 0, "the line that subscribes, as numbered in the configuration", 0},
	{"expires", 'e', "SECONDS", 0, "the time to ask for", 0},
	COMMON_OPTIONS,
	{0},
};

static const struct argp events_parser = {
	.options = events_options,
	.parser = parse_events,
	.doc = "Tells what happens to the lines of the running instance, as it happens: "
	       "registrations, moves with their causes, calls, subscriptions, what servers tell.\v"
	       "Ctrl-C ends it.\n"
	       "Exit status: 0 ended by Ctrl-C; 2 the instance is not there, or has no such line.",
};

static const struct argp subscribe_parser = {
	.options = subscribe_options,
	.parser = parse_subscribe,
	.args_doc = "EVENT [TARGET]",
	.doc = "Subscribes to EVENT of TARGET through the running instance, and tells what the "
	       "server says of it.\v"
	       "EVENT is message-summary, dialog, presence, or any other that the server has.  "
	       "TARGET is sip:USER@HOST, USER@HOST, or USER in the line's own domain; the line "
	       "itself if left out.  Ctrl-C ends the subscription.\n"
	       "Exit status: 0 ended by Ctrl-C; 1 the server ended it; 2 it could not be asked "
	       "for.",
};

/* ---- what is said ---------------------------------------------------------------------------- */

static const char *text_of(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text ? text : "";
}

static void print_json(const json_t *event)
{
	json_dumpf(event, stdout, JSON_COMPACT);
	printf("\n");
}

/* What a terminal would take for a command is none. */
static void print_plain(const char *text, size_t length)
{
	for (size_t i = 0; i < length; i++)
		putchar((unsigned char)text[i] < ' ' || text[i] == 0x7f ? '?' : text[i]);
}

/* "line 1, message-summary of sip:alice@example.com: active", and the body indented. */
static void print_notify(const json_t *event)
{
	const char *body = text_of(event, "body");

	printf("line %lld, %s of %s: %s%s%s\n", json_integer_value(json_object_get(event, "line")),
	       text_of(event, "package"), text_of(event, "resource"), text_of(event, "state"),
	       *text_of(event, "reason") ? ", " : "", text_of(event, "reason"));
	while (*body) {
		size_t length = strcspn(body, "\r\n");

		if (length) {
			printf("    ");
			print_plain(body, length);
			printf("\n");
		}
		body += length;
		body += strspn(body, "\r\n");
	}
}

/* "call 3 to sip:bob@example.com: the call is up". */
static void print_call(const json_t *event)
{
	printf("call %lld %s %s: %s\n", json_integer_value(json_object_get(event, "call")),
	       json_is_true(json_object_get(event, "incoming")) ? "from" : "to",
	       text_of(event, "peer"), text_of(event, "text"));
}

static void print_text(const json_t *event)
{
	time_t seconds = (time_t)(json_integer_value(json_object_get(event, "time_ms")) / 1000);
	char clock[16] = "";
	struct tm day;

	if (localtime_r(&seconds, &day))
		strftime(clock, sizeof clock, "%H:%M:%S", &day);
	printf("%s  ", clock);
	if (!strcmp(text_of(event, "event"), "notify"))
		print_notify(event);
	else if (!strcmp(text_of(event, "event"), "gap"))
		printf("missed: %lld\n", json_integer_value(json_object_get(event, "missed")));
	else if (!strcmp(text_of(event, "event"), "call"))
		print_call(event);
	else
		printf("%s\n", text_of(event, "text"));
}

static void print(const struct events *events, const json_t *event)
{
	if (events->as_json)
		print_json(event);
	else
		print_text(event);
	fflush(stdout);
}

/* ---- what is heard --------------------------------------------------------------------------- */

static void take_event(void *user, const json_t *answer)
{
	struct events *events = user;

	if (*text_of(answer, "event"))
		print(events, answer);
	else if (!json_is_true(json_object_get(answer, "ok")))
		cli_link_fail(&events->link, answer);
}

static json_t *request(const struct events *events, const char *verb)
{
	json_t *asked = json_pack("{s:s}", "do", verb);

	if (events->line)
		json_object_set_new(asked, "line", json_integer(events->line));
	return asked;
}

static void begin_events(void *user)
{
	struct events *events = user;

	cli_link_ask(&events->link, request(events, "events"));
}

static bool is_of_ours(const struct events *events, const json_t *event)
{
	const char *name = text_of(event, "event");

	return !strcmp(name, "gap") ||
	       ((!strcmp(name, "subscription") || !strcmp(name, "notify")) &&
		json_integer_value(json_object_get(event, "subscription")) == events->subscription);
}

/* Until the answer names it, nothing is of ours. */
static void take_subscribed(void *user, const json_t *answer)
{
	struct events *events = user;
	const char *name = text_of(answer, "event");

	if (!*name && !json_is_true(json_object_get(answer, "ok"))) {
		cli_link_fail(&events->link, answer);
		return;
	}
	if (!*name && json_object_get(answer, "subscription"))
		events->subscription = json_integer_value(json_object_get(answer, "subscription"));
	if (!*name || !is_of_ours(events, answer))
		return;
	print(events, answer);
	if (strcmp(name, "subscription") != 0 || strcmp(text_of(answer, "to"), "ended") != 0)
		return;
	events->link.exit_status = 1;
	cli_link_end(&events->link);
}

static void begin_subscription(void *user)
{
	struct events *events = user;
	json_t *asked = request(events, "subscribe");

	json_object_set_new(asked, "package", json_string(events->package));
	if (events->target)
		json_object_set_new(asked, "target", json_string(events->target));
	if (events->expires_s)
		json_object_set_new(asked, "expires_s", json_integer(events->expires_s));
	cli_link_ask(&events->link, json_pack("{s:s}", "do", "events"));
	cli_link_ask(&events->link, asked);
}

int cli_events(int argc, char **argv)
{
	struct events events = {.link = {.command = "keepline events",
					 .on_open = begin_events,
					 .on_answer = take_event,
					 .user = &events}};

	argp_parse(&events_parser, argc, argv, 0, NULL, &events);
	return cli_link_run(&events.link);
}

int cli_subscribe(int argc, char **argv)
{
	struct events events = {.link = {.command = "keepline subscribe",
					 .on_open = begin_subscription,
					 .on_answer = take_subscribed,
					 .user = &events}};

	argp_parse(&subscribe_parser, argc, argv, 0, NULL, &events);
	return cli_link_run(&events.link);
}
