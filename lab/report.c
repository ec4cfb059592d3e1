/* report.c - a verdict as text, and as JSON. */
#include "lab/report.h"

#include <stdlib.h>
#include <string.h>

char *lab_report_route(const struct lab_report *report, const struct kl_route *route, char *to)
{
	const char *name = report->name_route ? report->name_route(report->context, route) : NULL;
	static const char *const transports[] = {
		[KL_UDP] = "", [KL_TCP] = " tcp", [KL_TLS] = " tls"};

	if (name)
		snprintf(to, LAB_ROUTE_NAME_MAX, "%s%s", name, transports[route->transport]);
	else
		kl_format_route(to, LAB_ROUTE_NAME_MAX, route);
	return to;
}

const char *lab_finding_word(const struct lab_finding *finding)
{
	if (finding->broken)
		return "broken";
	return finding->kept ? "kept" : "not exercised";
}

/* ---- text ---- */

static void print_sights(const struct lab_sight *sights, uint32_t count, FILE *to)
{
	uint32_t shown = count < LAB_SIGHTS_MAX ? count : LAB_SIGHTS_MAX;

	for (uint32_t i = 0; i < shown; i++)
		fprintf(to, "      %10.3f s  %s\n", (double)sights[i].at_us / 1e6, sights[i].text);
	if (count > shown)
		fprintf(to, "                    and %u times more\n", count - shown);
}

void lab_report_text(const struct lab_report *report, FILE *to)
{
	const struct lab_verdict *verdict = report->verdict;
	uint32_t exercised = 0;

	fprintf(to, "Verdict on %s, by %s: %u lines, %u requests.\n", report->subject,
		report->expected, verdict->lines, verdict->requests);
	if (!report->expectation->route_count)
		fprintf(to, "Which servers there are is not known: what depends on it is left "
			    "aside.\n");
	if (report->note)
		fprintf(to, "%s\n", report->note);
	fputc('\n', to);
	for (int i = 0; i < LAB_RULES_MAX; i++) {
		const struct lab_finding *finding = &verdict->findings[i];

		exercised += finding->kept || finding->broken;
		if (!finding->kept && !finding->broken)
			continue;
		fprintf(to, "  %-7s %-17s %s (kept %u, broken %u)\n", lab_finding_word(finding),
			lab_rule_id((enum lab_rule)i), lab_rule_text((enum lab_rule)i),
			finding->kept, finding->broken);
		print_sights(finding->breaches, finding->broken, to);
	}
	fprintf(to, "\nnot exercised:");
	for (int i = 0; i < LAB_RULES_MAX; i++)
		if (!verdict->findings[i].kept && !verdict->findings[i].broken)
			fprintf(to, " %s", lab_rule_id((enum lab_rule)i));
	fprintf(to, "\n%u rules kept, %u broken, %u not exercised.\n", exercised - verdict->broken,
		verdict->broken, LAB_RULES_MAX - exercised);
}

/* ---- JSON ---- */

static json_t *sights_of(const struct lab_sight *sights, uint32_t count)
{
	json_t *list = json_array();

	for (uint32_t i = 0; i < count && i < LAB_SIGHTS_MAX; i++)
		json_array_append_new(list,
				      json_pack("{s:f, s:s}", "t_s", (double)sights[i].at_us / 1e6,
						"text", sights[i].text));
	return list;
}

json_t *lab_report_json(const struct lab_report *report)
{
	const struct lab_verdict *verdict = report->verdict;
	json_t *rules = json_array();

	for (int i = 0; i < LAB_RULES_MAX; i++) {
		const struct lab_finding *finding = &verdict->findings[i];

		json_array_append_new(
			rules, json_pack("{s:s, s:s, s:s, s:i, s:i, s:o, s:o}", "rule",
					 lab_rule_id((enum lab_rule)i), "text",
					 lab_rule_text((enum lab_rule)i), "verdict",
					 lab_finding_word(finding), "kept", (int)finding->kept,
					 "broken", (int)finding->broken, "breaches",
					 sights_of(finding->breaches, finding->broken), "keepings",
					 sights_of(finding->keepings, finding->kept)));
	}
	return json_pack("{s:s, s:s, s:i, s:i, s:i, s:b, s:o}", "subject", report->subject,
			 "expected", report->expected, "lines", (int)verdict->lines, "requests",
			 (int)verdict->requests, "broken", (int)verdict->broken, "routes_known",
			 report->expectation->route_count != 0, "rules", rules);
}
