/* explain_words.c - what the time lines mean, in sentences. */
#include <stdarg.h>
#include <string.h>

#include "cli/explain.h"

const struct kl_policy *explain_policy(const struct explain_line *line)
{
	return line->config->engine.lines[line->index].entries[0].policy;
}

__attribute__((format(printf, 2, 3))) static void say(struct explain_line *line, const char *format,
						      ...)
{
	va_list arguments;

	if (line->sentence_count == EXPLAIN_SENTENCES_MAX)
		return;
	va_start(arguments, format);
	vsnprintf(line->sentences[line->sentence_count++], EXPLAIN_SENTENCE_MAX, format, arguments);
	va_end(arguments);
}

static double seconds(kl_ms ms)
{
	return (double)ms / 1000;
}

/* "a call", "a SUBSCRIBE" */
static const char *request_name(enum kl_method method, char *to, size_t size)
{
	if (method == KL_INVITE)
		snprintf(to, size, "a call");
	else
		snprintf(to, size, "%s %s", strchr("IO", kl_method_name(method)[0]) ? "an" : "a",
			 kl_method_name(method));
	return to;
}

/* FAIL-7..10, FAIL-16: when the line returns to a better route. */
static void say_failback(struct explain_line *line)
{
	const struct kl_policy *policy = explain_policy(line);
	const char *idle =
		policy->idle_scope == KL_IDLE_LINE    ? ", once no call is up on the line"
		: policy->idle_scope == KL_IDLE_PHONE ? ", once no call is up on the phone"
		: policy->idle_scope == KL_IDLE_GROUP ? ", once no call is up in the group"
						      : "";

	if (!policy->reregister_on)
		idle = "";
	switch (kl_policy_failback_mode(policy)) {
	case KL_FAILBACK_NEW_REQUESTS:
		if (policy->reregister_on)
			say(line,
			    "Each new request first tries to register with the primary route%s.",
			    idle);
		else
			say(line, "Each new request tries the primary route first.");
		break;
	case KL_FAILBACK_DNSTTL:
		say(line,
		    "It returns to the primary route when the TTL of the current route's address "
		    "record has passed%s.",
		    idle);
		break;
	case KL_FAILBACK_REGISTRATION:
		say(line,
		    "It returns to the primary route when the registration is due for renewal%s.",
		    idle);
		break;
	case KL_FAILBACK_DURATION:
		if (policy->failback_ms)
			say(line,
			    "It returns to the primary route %g s after connecting to another "
			    "one%s.",
			    seconds(policy->failback_ms), idle);
		else
			say(line, "It stays on another route until that one fails.");
		break;
	case KL_FAILBACK_PROBED:
		say(line, "It returns to a better route when a probe finds that it is up%s.", idle);
		break;
	}
}

static void say_failover(struct explain_line *line, const struct cli_step *end)
{
	const char *what = end->method == KL_INVITE ? "rings" : "is answered";
	char name[32];

	if (end->type == CLI_STEP_ANSWER)
		say(line,
		    "If its server falls silent, %s %s after %g s, and what the next server takes.",
		    request_name(end->method, name, sizeof name), what, seconds(end->t_ms));
	else
		say(line, "If its server falls silent, %s fails after %g s.",
		    request_name(end->method, name, sizeof name), seconds(end->t_ms));
}

static void say_give_up(struct explain_line *line, const struct cli_step *end)
{
	kl_ms least, most;
	char name[32];

	if (end->method != KL_REGISTER) {
		say(line, "If no server answers, %s fails after %g s.",
		    request_name(end->method, name, sizeof name), seconds(end->t_ms));
		return;
	}
	kl_policy_backoff(explain_policy(line), 0, &least, &most);
	say(line,
	    "If no server answers a REGISTER, it is given up after %g s, and tried again %g to %g "
	    "s "
	    "later.",
	    seconds(end->t_ms), seconds(least), seconds(most));
}

void explain_sentences(struct explain_line *line)
{
	const struct cli_step *end = line->failover ? cli_rehearsal_end(line->failover) : NULL;

	if (!line->timelines[0].seen->route_counts[0]) {
		say(line, "No route was found: the line can't register, and calls fail.");
		return;
	}
	if (end)
		say_failover(line, end);
	for (uint32_t i = 0; i < line->timeline_count; i++) {
		end = cli_rehearsal_end(line->timelines[i].seen);
		if (end)
			say_give_up(line, end);
	}
	if (line->timelines[0].seen->route_counts[0] > 1)
		say_failback(line);
}

bool explain_concerns(const struct explain_line *line, const struct config_diagnostic *diagnostic)
{
	char own[32];

	snprintf(own, sizeof own, "reg.%u.", line->config->lines[line->index].number);
	return !diagnostic->parameter || strncmp(diagnostic->parameter, "reg.", 4) != 0 ||
	       !strncmp(diagnostic->parameter, own, strlen(own));
}
