/* explain_text.c - `explain` for people. */
#include <string.h>

#include "cli/explain.h"
#include "net/address.h"

/* PROBE-2: a candidate's rank stands before its priority. */
static const char *write_priority(char to[32], const struct kl_policy *policy,
				  const struct kl_route_view *view)
{
	if (policy->probe_ms)
		snprintf(to, 32, "P%u:%u", view->rank, view->priority);
	else
		snprintf(to, 32, "%u", view->priority);
	return to;
}

static void print_routes(FILE *to, const struct explain_line *line)
{
	const struct config_line *config = &line->config->lines[line->index];
	const struct kl_line_config *engine = &line->config->engine.lines[line->index];
	const struct cli_rehearsal *seen = line->timelines[0].seen;

	for (uint32_t i = 0; i < engine->entry_count; i++) {
		fprintf(to, "\nEntry %u: %s", i + 1, engine->entries[i].name);
		for (uint32_t n = 0; n < engine->entries[i].more_count; n++)
			fprintf(to, "; %s", engine->entries[i].more_names[n]);
		fprintf(to, "%s%s\n",
			config->entries[i].via_outbound_proxy ? ", the outbound proxy" : "",
			engine->entries[i].registers ? "" : ", not registered with");
		if (!seen->route_counts[i]) {
			fprintf(to, "  no route: nothing resolved\n");
			continue;
		}
		fprintf(to, "  %-6s %-7s %-30s %-32s %8s %6s %6s\n", "route", "record", "address",
			"target", "priority", "weight", "ttl");
		for (uint32_t r = 0; r < seen->route_counts[i]; r++) {
			const struct cli_route *known = &seen->routes[i][r];
			char route[KL_TEXT_MAX], priority[32], ttl[32] = "-";

			if (known->view.ttl_ms != KL_NEVER)
				snprintf(ttl, sizeof ttl, "%llu s",
					 (unsigned long long)known->view.ttl_ms / 1000);
			fprintf(to, "  %-6u %-7u %-30s %-32s %8s %6u %6s\n", r + 1,
				known->view.record,
				kl_format_route(route, sizeof route, &known->view.route),
				known->name[0] ? known->name : "-",
				write_priority(priority, engine->entries[i].policy, &known->view),
				known->view.weight, ttl);
		}
	}
}

static void print_timelines(FILE *to, const struct explain_line *line)
{
	bool several = line->config->engine.lines[line->index].entry_count > 1;

	for (uint32_t i = 0; i < line->timeline_count; i++) {
		fprintf(to, "\n%s, when no server answers\n",
			kl_method_name(line->timelines[i].method));
		explain_picture(to, line->timelines[i].seen, several);
	}
	fprintf(to, "\n%s, when only the first server is silent\n",
		kl_method_name(line->timelines[0].method));
	explain_picture(to, line->failover, several);
}

/* A row for each window that differs from the one before. */
static void print_backoff(FILE *to, const struct explain_line *line)
{
	kl_ms least, most, next_least, next_most;

	fprintf(to, "\nBack-off, when a REGISTER failed on every route\n");
	kl_policy_backoff(explain_policy(line), 0, &least, &most);
	for (uint32_t from = 0, failures = 1; failures <= EXPLAIN_BACKOFFS; failures++) {
		bool last = failures == EXPLAIN_BACKOFFS;

		if (!last) {
			kl_policy_backoff(explain_policy(line), failures, &next_least, &next_most);
			if (next_most == most)
				continue;
		}
		fprintf(to, "  after failure %u%s: %g to %g s\n", from + 1, last ? " and on" : "",
			(double)least / 1000, (double)most / 1000);
		from = failures;
		least = next_least;
		most = next_most;
	}
}

static void print_parameters(FILE *to, const struct config_line *config)
{
	fprintf(to, "\nParameters\n");
	for (uint32_t i = 0; i < config->value_count; i++)
		fprintf(to, "  %-58s %-24s %s\n", config->values[i].name, config->values[i].value,
			config->values[i].from);
}

static void print_warnings(FILE *to, const struct explain_line *line)
{
	const struct cli_rehearsal *seen = line->timelines[0].seen;
	bool titled = false;

	for (uint32_t i = 0; i < line->config->diagnostic_count; i++) {
		const struct config_diagnostic *found = &line->config->diagnostics[i];
		char text[KL_TEXT_MAX];

		if (!explain_concerns(line, found))
			continue;
		fprintf(to, "%s  %s\n", titled ? "" : "\nWarnings\n",
			config_format_diagnostic(text, sizeof text, found));
		titled = true;
	}
	for (uint32_t i = 0; i < seen->note_count; i++) {
		fprintf(to, "%s  %s\n", titled ? "" : "\nWarnings\n", seen->notes[i]);
		titled = true;
	}
}

void explain_print(FILE *to, const struct explain_line *line, bool parameters)
{
	const struct config_line *config = &line->config->lines[line->index];

	fprintf(to, "Line %u: sip:%s@%s, profile %s\n", config->number, config->user,
		config->domain, kl_profile_name(config->profile));
	print_routes(to, line);
	print_timelines(to, line);
	print_backoff(to, line);
	fprintf(to, "\nIn words\n");
	for (uint32_t i = 0; i < line->sentence_count; i++)
		fprintf(to, "  %s\n", line->sentences[i]);
	if (parameters)
		print_parameters(to, config);
	print_warnings(to, line);
	fprintf(to, "\n");
}
