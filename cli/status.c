/* status.c - `keepline status`: what the lines of the running instance do (SEE-1). */
#include <argp.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/link.h"

enum { WATCH_MS = 1000 };

struct status {
	struct cli_link link;
	bool as_json, watch;
	struct net_timer *timer;
};

static const struct argp_option options[] = {
	{"json", 'j', NULL, 0, "for programs", 0},
	{"watch", 'w', NULL, 0, "again every second, until Ctrl-C", 0},
	{"control", 'c', "PATH", 0, "the control socket of the instance", 0},
	{0},
};

static error_t parse_option(int key, char *argument, struct argp_state *state)
{
	struct status *status = state->input;

	switch (key) {
	case 'j':
		status->as_json = true;
		return 0;
	case 'w':
		status->watch = true;
		return 0;
	case 'c':
		status->link.path = argument;
		return 0;
	case ARGP_KEY_ARG:
		argp_error(state, "what is \"%s\"?", argument);
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp parser = {
	.options = options,
	.parser = parse_option,
	.doc = "Shows what the lines of the running instance do.\v"
	       "Exit status: 0 it is there; 2 it is not.",
};

/* ---- text ------------------------------------------------------------------------------------ */

static const char *text_of(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text ? text : "";
}

static long long number_of(const json_t *object, const char *key)
{
	return json_integer_value(json_object_get(object, key));
}

static bool is_set(const json_t *object, const char *key)
{
	return json_is_true(json_object_get(object, key));
}

/* A length of time as a person says it. */
static const char *duration(long long ms, char to[32])
{
	long long s = ms / 1000;

	if (s < 120)
		snprintf(to, 32, "%lld s", s);
	else if (s < 7200)
		snprintf(to, 32, "%lld min %lld s", s / 60, s % 60);
	else
		snprintf(to, 32, "%lld h %lld min", s / 3600, s / 60 % 60);
	return to;
}

/* PROBE-11: rank:priority, address and status of each candidate, * at the active one. */
static void print_candidates(const json_t *routes)
{
	const json_t *route;
	size_t i;

	json_array_foreach(routes, i, route)
	{
		printf("    P%lld:%-5lld %s %s:%lld  %s%s%s\n", number_of(route, "rank"),
		       number_of(route, "priority"), text_of(route, "transport"),
		       text_of(route, "address"), number_of(route, "port"),
		       text_of(route, "status"), is_set(route, "current") ? " *" : "",
		       is_set(route, "listed") ? "" : "  (left the DNS)");
	}
}

static void print_routes(const json_t *routes)
{
	const json_t *route;
	size_t i;

	json_array_foreach(routes, i, route)
	{
		bool literal = !*text_of(route, "target");
		long long last = number_of(route, "last_status");

		printf("    %c %2lld  %s %s:%lld  %-7s", is_set(route, "current") ? '*' : ' ',
		       number_of(route, "route"), text_of(route, "transport"),
		       text_of(route, "address"), number_of(route, "port"),
		       text_of(route, "status"));
		if (last)
			printf("  last answer %lld", last);
		if (*text_of(route, "last_fault"))
			printf("  last fault: %s", text_of(route, "last_fault"));
		if (!literal)
			printf("  %s, priority %lld, weight %lld", text_of(route, "target"),
			       number_of(route, "priority"), number_of(route, "weight"));
		if (!is_set(route, "listed"))
			printf("  (left the DNS)");
		printf("\n");
	}
}

/* OWN-6 */
static void print_second_flow(const json_t *flow)
{
	const json_t *next = json_object_get(flow, "next");
	char time[32];

	printf("    second flow: %s for %s", text_of(flow, "state"),
	       duration(number_of(flow, "since_ms"), time));
	if (*text_of(flow, "route"))
		printf(", on %s", text_of(flow, "route"));
	printf("\n");
	if (json_is_object(next))
		printf("      next: %s in %s\n", text_of(next, "event"),
		       duration(number_of(next, "in_ms"), time));
	if (*text_of(flow, "why"))
		printf("      last: %s\n", text_of(flow, "why"));
}

static void print_entry(const json_t *entry)
{
	const json_t *flow = json_object_get(entry, "second_flow");
	const json_t *next = json_object_get(entry, "next");
	const json_t *move = json_object_get(entry, "last_move");
	char time[32];

	printf("  server %lld, %s%s: %s for %s", number_of(entry, "entry"),
	       text_of(entry, "server"), is_set(entry, "working") ? " (working)" : "",
	       text_of(entry, "state"), duration(number_of(entry, "since_ms"), time));
	if (*text_of(entry, "route"))
		printf(", on %s", text_of(entry, "route"));
	printf("%s\n", is_set(entry, "in_failover") ? ", in failover" : "");
	if (json_is_object(next))
		printf("    next: %s in %s%s\n", text_of(next, "event"),
		       duration(number_of(next, "in_ms"), time),
		       is_set(entry, "failback_held") ? "; failback waits for idle" : "");
	if (*text_of(entry, "why"))
		printf("    last: %s\n", text_of(entry, "why"));
	if (json_is_object(move))
		printf("    moved %s ago, from %s: %s\n", duration(number_of(move, "ago_ms"), time),
		       text_of(move, "from"), text_of(move, "text"));
	if (json_is_object(flow))
		print_second_flow(flow);
	if (is_set(entry, "redundancy_ready"))
		printf("    redundancy ready\n");
	else
		printf("    not redundancy ready: %s\n", text_of(entry, "redundancy_why"));
	if (is_set(entry, "probed"))
		print_candidates(json_object_get(entry, "routes"));
	else
		print_routes(json_object_get(entry, "routes"));
}

static void print_call(const json_t *call)
{
	char time[32];

	printf("  call %lld %s %s: %s for %s", number_of(call, "call"),
	       is_set(call, "incoming") ? "from" : "to", text_of(call, "peer"),
	       text_of(call, "state"), duration(number_of(call, "after_ms"), time));
	if (*text_of(call, "route"))
		printf(", by %s", text_of(call, "route"));
	printf("%s%s\n", is_set(call, "held") ? ", on hold" : "",
	       is_set(call, "far_held") ? ", held by the far end" : "");
}

/* What the server told last, in words. */
static void print_notice(const json_t *subscription)
{
	const json_t *messages = json_object_get(subscription, "messages"), *seat;
	const json_t *voice = json_object_get(messages, "voice");
	size_t i;

	if (*text_of(subscription, "watched"))
		printf(": %s", text_of(subscription, "watched"));
	if (*text_of(subscription, "presence"))
		printf(": %s%s%s", text_of(subscription, "presence"),
		       *text_of(subscription, "note") ? ", " : "", text_of(subscription, "note"));
	if (messages)
		printf(": %s", is_set(messages, "waiting") ? "messages wait" : "no messages wait");
	if (voice)
		printf(", voice %lld new, %lld old", number_of(voice, "new"),
		       number_of(voice, "old"));
	json_array_foreach(json_object_get(subscription, "appearances"), i, seat)
	{
		printf("%s %lld %s", i ? "," : ": appearance", number_of(seat, "index"),
		       text_of(seat, "state"));
	}
}

static void print_subscription(const json_t *subscription)
{
	const json_t *next = json_object_get(subscription, "next_in_ms");
	char time[32];

	printf("  %s of %s: %s", text_of(subscription, "package"),
	       text_of(subscription, "resource"), text_of(subscription, "state"));
	if (*text_of(subscription, "route"))
		printf(", on %s", text_of(subscription, "route"));
	print_notice(subscription);
	printf("\n");
	if (json_is_integer(next))
		printf("    next: %s in %s\n",
		       strcmp(text_of(subscription, "state"), "waiting") ? "refresh" : "try",
		       duration(json_integer_value(next), time));
	if (*text_of(subscription, "why"))
		printf("    last: %s\n", text_of(subscription, "why"));
}

static void print_inside(const json_t *inside)
{
	const json_t *endpoint, *contact, *call;
	char time[32];
	size_t i, j;

	printf("inside, %s: calls %lld, subscriptions %lld\n", text_of(inside, "listen"),
	       number_of(inside, "call_count"), number_of(inside, "subscription_count"));
	json_array_foreach(json_object_get(inside, "endpoints"), i, endpoint)
	{
		const json_t *contacts = json_object_get(endpoint, "contacts");

		printf("  %s: %s%s\n", text_of(endpoint, "user"),
		       *text_of(endpoint, "address") ? "at " : "",
		       *text_of(endpoint, "address") ? text_of(endpoint, "address")
		       : json_array_size(contacts)   ? "registered"
						     : "not registered");
		json_array_foreach(contacts, j, contact)
		{
			printf("    line %lld, %s for %s, on %s\n", number_of(contact, "line"),
			       text_of(contact, "contact"),
			       duration(number_of(contact, "expires_in_ms"), time),
			       text_of(contact, "route"));
		}
	}
	json_array_foreach(json_object_get(inside, "calls"), i, call)
	{
		printf("  call of %s %s %s, line %lld, on %s\n", text_of(call, "user"),
		       is_set(call, "incoming") ? "from" : "to", text_of(call, "peer"),
		       number_of(call, "line"), text_of(call, "route"));
	}
}

static void print_text(const json_t *answer)
{
	const json_t *counters = json_object_get(answer, "counters"), *line, *entry;
	size_t i, j;

	json_array_foreach(json_object_get(answer, "lines"), i, line)
	{
		printf("line %lld, %s: %s\n", number_of(line, "line"), text_of(line, "aor"),
		       text_of(line, "state"));
		json_array_foreach(json_object_get(line, "entries"), j, entry)
		{
			print_entry(entry);
		}
		json_array_foreach(json_object_get(line, "calls"), j, entry)
		{
			print_call(entry);
		}
		json_array_foreach(json_object_get(line, "subscriptions"), j, entry)
		{
			print_subscription(entry);
		}
	}
	if (json_is_object(json_object_get(answer, "inside")))
		print_inside(json_object_get(answer, "inside"));
	printf("calls %lld; datagrams received %lld, dropped %lld; ICMP forged %lld\n",
	       number_of(counters, "calls"), number_of(counters, "received"),
	       number_of(counters, "dropped"), number_of(counters, "forged"));
}

/* ---- asking ---------------------------------------------------------------------------------- */

static void print_json(const json_t *answer)
{
	json_dumpf(answer, stdout, JSON_INDENT(2));
	printf("\n");
}

static void take_answer(void *user, const json_t *answer)
{
	struct status *status = user;

	if (status->watch && !status->as_json && isatty(STDOUT_FILENO))
		printf("\033[H\033[2J");
	if (status->as_json)
		print_json(answer);
	else
		print_text(answer);
	fflush(stdout);
	status->link.exit_status = 0;
	if (status->watch)
		net_timer_set(status->timer, net_now_ms() + WATCH_MS);
	else
		cli_link_end(&status->link);
}

static void ask(void *user)
{
	struct status *status = user;

	cli_link_ask(&status->link, json_pack("{s:s}", "do", "status"));
}

static void forget(void *user)
{
	struct status *status = user;

	net_timer_free(status->timer);
}

static void begin(void *user)
{
	struct status *status = user;

	if (net_timer_create(&status->timer, status->link.loop, (struct net_callback){ask, status}))
		cli_link_end(&status->link);
	ask(status);
}

int cli_status(int argc, char **argv)
{
	struct status status = {.link = {.command = "keepline status",
					 .on_open = begin,
					 .on_answer = take_answer,
					 .on_close = forget,
					 .user = &status,
					 .exit_status = 2}};

	argp_parse(&parser, argc, argv, 0, NULL, &status);
	return cli_link_run(&status.link);
}
