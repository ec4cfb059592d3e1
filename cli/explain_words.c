/* explain_words.c - what the time lines mean, in sentences. */
#include <stdarg.h>
#include <string.h>

#include "cli/explain.h"

/* PROBE-3: what probe_ms is multiplied with, at random between the two. */
static const double PROBE_LEAST = 0.9, PROBE_MOST = 1.1;

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

/* "A call", "A SUBSCRIBE" */
static const char *request_name(enum kl_method method, char *to, size_t size)
{
	if (method == KL_INVITE)
		snprintf(to, size, "A call");
	else
		snprintf(to, size, "%s %s", strchr("IO", kl_method_name(method)[0]) ? "An" : "A",
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
		if (policy->hold_down_ms)
			say(line,
			    "It returns to a better route when that has been up for %g s by its "
			    "probes%s; a route that flaps has to be up longer each time.",
			    seconds(policy->hold_down_ms), idle);
		else
			say(line,
			    "It returns to a better route when a probe finds that it is up%s.",
			    idle);
		break;
	}
}

/* From the outage to service, for one who asks for it: measured, server 1 silent, then all. */
static void say_request(struct explain_line *line, const struct cli_step *first,
			const struct cli_step *all)
{
	char name[32];

	request_name(first->method, name, sizeof name);
	if (first->type == CLI_STEP_ANSWER)
		say(line,
		    "%s placed after the primary falls silent %s after %g s; with none left it "
		    "fails after %g s.",
		    name, first->method == KL_INVITE ? "rings" : "is answered",
		    seconds(first->t_ms), seconds(all->t_ms));
	else
		say(line, "%s placed after the primary falls silent fails after %g s.", name,
		    seconds(first->t_ms));
}

/* The same for one who waits to be called: at worst the server dies just after a refresh. */
static void say_refresh(struct explain_line *line)
{
	const struct cli_step *end = cli_rehearsal_end(line->refresh);
	const struct kl_policy *policy = explain_policy(line);

	if (policy->probe_ms)
		say(line,
		    "Each candidate gets OPTIONS every %g to %g s: with nothing else sent, silence "
		    "shows at the next one, or at the next refresh.",
		    seconds(policy->probe_ms) * PROBE_LEAST,
		    seconds(policy->probe_ms) * PROBE_MOST);
	else if (end && end->type == CLI_STEP_ANSWER)
		say(line,
		    "With nothing sent the silence shows at the next refresh: at worst the line "
		    "can be called again after %g s.",
		    seconds(line->refresh->silence_ms));
	else if (end)
		say(line,
		    "With nothing sent the silence shows at the next refresh, at worst after %g s; "
		    "no other server takes the registration.",
		    seconds(line->refresh->silence_ms - end->t_ms));
}

static void say_register(struct explain_line *line, const struct cli_step *end)
{
	kl_ms least, most;

	kl_policy_backoff(explain_policy(line), 0, &least, &most);
	say(line,
	    "With no server left a REGISTER is given up after %g s, and tried again %g to %g s "
	    "later.",
	    seconds(end->t_ms), seconds(least), seconds(most));
}

/* RFC 5626, where the registrar takes part.  OWN-6 */
static void say_flows(struct explain_line *line)
{
	const struct kl_policy *policy = explain_policy(line);
	kl_ms least, most;

	if (!policy->reregister_on || policy->flows_max < 2)
		return;
	kl_policy_flow_backoff(policy, 0, &least, &most);
	say(line,
	    "Where the registrar supports outbound the line is registered with two servers at a "
	    "time: if the first fails calls go to the second with no REGISTER before them.");
	say(line,
	    "A second registration that can't be made is tried again %g to %g s later, then ever "
	    "less often, up to %g s.",
	    seconds(least), seconds(most), seconds(policy->flow_backoff_max_ms));
}

void explain_sentences(struct explain_line *line)
{
	const struct cli_step *first = cli_rehearsal_end(line->failover);

	if (!line->timelines[0].seen->route_counts[0]) {
		say(line, "No route was found: the line can't register, and calls fail.");
		return;
	}
	for (uint32_t i = 0; i < line->timeline_count; i++) {
		const struct cli_step *all = cli_rehearsal_end(line->timelines[i].seen);

		if (all && line->timelines[i].method == KL_REGISTER)
			say_register(line, all);
		else if (all && first)
			say_request(line, first, all);
	}
	say_refresh(line);
	if (line->timelines[0].seen->route_counts[0] > 1) {
		say_failback(line);
		say_flows(line);
	}
}

bool explain_concerns(const struct explain_line *line, const struct config_diagnostic *diagnostic)
{
	char own[32];

	snprintf(own, sizeof own, "reg.%u.", line->config->lines[line->index].number);
	return !diagnostic->parameter || strncmp(diagnostic->parameter, "reg.", 4) != 0 ||
	       !strncmp(diagnostic->parameter, own, strlen(own));
}
