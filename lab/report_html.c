/* report_html.c - a verdict as a page that stands alone, with a ladder of the messages. */
#include <stdlib.h>
#include <string.h>

#include "lab/pages.h"
#include "lab/report.h"

enum {
	COLUMNS_MAX = 16,
	LEFT = 110, /* of the phone's line, in pixels */
	COLUMN = 190,
	TOP = 56,
	ROW = 26,
	CHUNK_S = 3, /* a pause as long as this is drawn as one */
};

void lab_report_escape(const char *text, FILE *to)
{
	for (; *text; text++) {
		switch (*text) {
		case '&':
			fputs("&amp;", to);
			break;
		case '<':
			fputs("&lt;", to);
			break;
		case '>':
			fputs("&gt;", to);
			break;
		case '"':
			fputs("&quot;", to);
			break;
		case '\'':
			fputs("&#39;", to);
			break;
		default:
			fputc(*text, to);
			break;
		}
	}
}

/* ---- the ladder ------------------------------------------------------------------------------ */

struct ladder {
	const struct lab_report *report;
	FILE *to;
	struct kl_route columns[COLUMNS_MAX];
	unsigned column_count;
	unsigned y; /* of the next row */
	uint64_t before_us;
};

static bool is_same(const struct kl_route *a, const struct kl_route *b)
{
	return a->port == b->port && a->transport == b->transport &&
	       !memcmp(a->ip, b->ip, sizeof a->ip);
}

/* The column of a route, a new one if need be; the last is for all that find no room. */
static unsigned column_of(struct ladder *ladder, const struct kl_route *route)
{
	unsigned i = 0;

	while (i < ladder->column_count && !is_same(&ladder->columns[i], route))
		i++;
	if (i == COLUMNS_MAX)
		return COLUMNS_MAX - 1;
	if (i == ladder->column_count)
		ladder->columns[ladder->column_count++] = *route;
	return i;
}

/* The servers in walking order first, then those that nobody expected. */
static void find_columns(struct ladder *ladder, size_t rows)
{
	const struct lab_report *report = ladder->report;

	for (uint32_t i = 0; i < report->expectation->route_count; i++)
		column_of(ladder, &report->expectation->routes[i].route);
	for (size_t i = 0; i < rows; i++)
		column_of(ladder, &report->trace->records[i].route);
}

static unsigned x_of(unsigned column)
{
	return LEFT + COLUMN * (column + 1);
}

static void draw_heads(struct ladder *ladder, unsigned height)
{
	fprintf(ladder->to,
		"<g class=\"head\"><line x1=\"%u\" x2=\"%u\" y1=\"40\" y2=\"%u\"/>"
		"<rect x=\"%u\" y=\"8\" width=\"100\" height=\"28\" rx=\"6\"/>"
		"<text x=\"%u\" y=\"27\">phone</text></g>\n",
		LEFT, LEFT, height, LEFT - 50, LEFT);
	for (unsigned i = 0; i < ladder->column_count; i++) {
		char name[LAB_ROUTE_NAME_MAX];

		lab_report_route(ladder->report, &ladder->columns[i], name);
		fprintf(ladder->to,
			"<g class=\"head\"><line x1=\"%u\" x2=\"%u\" y1=\"40\" y2=\"%u\"/>"
			"<rect x=\"%u\" y=\"8\" width=\"172\" height=\"28\" rx=\"6\"/>"
			"<text x=\"%u\" y=\"27\">",
			x_of(i), x_of(i), height, x_of(i) - 86, x_of(i));
		lab_report_escape(name, ladder->to);
		fprintf(ladder->to, "</text></g>\n");
	}
}

/* What stands on an arrow, and how it looks. */
static const char *label_of(const struct lab_trace_record *record, char *to, size_t size)
{
	const char *method = sip_method_name(record->method);

	switch (record->kind) {
	case LAB_TRACE_REQUEST:
		snprintf(to, size, "%s", method);
		return "request";
	case LAB_TRACE_ANSWER:
		snprintf(to, size, "%u %s", record->status, method);
		if (record->status < 200 || record->status == 401 || record->status == 407)
			return "wait";
		return record->status < 300 ? "good" : "bad";
	case LAB_TRACE_CONNECT:
		snprintf(to, size, "connects");
		return "wait";
	case LAB_TRACE_FAULT:
		snprintf(to, size, "%s", kl_fault_text(record->fault));
		return "bad";
	case LAB_TRACE_CLOSED:
		snprintf(to, size, "connection ended");
		return "bad";
	}
	return "wait";
}

static void draw_row(struct ladder *ladder, const struct lab_trace_record *record)
{
	unsigned far = x_of(column_of(ladder, &record->route));
	unsigned from = record->from_phone ? LEFT : far, end = record->from_phone ? far : LEFT;
	int tip = record->from_phone ? -7 : 7;
	char label[64];
	const char *style = label_of(record, label, sizeof label);

	if (record->at_us > ladder->before_us + CHUNK_S * UINT64_C(1000000)) {
		fprintf(ladder->to, "<text class=\"pause\" x=\"%u\" y=\"%u\">%.1f s</text>\n",
			LEFT + 8, ladder->y, (double)(record->at_us - ladder->before_us) / 1e6);
		ladder->y += ROW;
	}
	ladder->before_us = record->at_us;
	fprintf(ladder->to,
		"<g class=\"%s\"><text class=\"time\" x=\"%u\" y=\"%u\">%.3f</text>"
		"<line x1=\"%u\" x2=\"%u\" y1=\"%u\" y2=\"%u\"/>"
		"<path d=\"M%u %u l%d -4 v8 z\"/><text x=\"%u\" y=\"%u\">",
		style, LEFT - 12, ladder->y + 4, (double)record->at_us / 1e6, from, end, ladder->y,
		ladder->y, end, ladder->y, tip, far - COLUMN / 2, ladder->y - 5);
	lab_report_escape(label, ladder->to);
	fprintf(ladder->to, "</text></g>\n");
	ladder->y += ROW;
}

static unsigned count_pauses(const struct lab_trace *trace, size_t rows)
{
	unsigned pauses = 0;
	uint64_t before_us = 0;

	for (size_t i = 0; i < rows; i++) {
		pauses += trace->records[i].at_us > before_us + CHUNK_S * UINT64_C(1000000);
		before_us = trace->records[i].at_us;
	}
	return pauses;
}

void lab_report_ladder(const struct lab_report *report, FILE *to)
{
	const struct lab_trace *trace = report->trace;
	size_t rows = trace->count < LAB_LADDER_ROWS_MAX ? trace->count : LAB_LADDER_ROWS_MAX;
	struct ladder ladder = {.report = report, .to = to, .y = TOP + ROW};
	unsigned height = TOP + ROW * ((unsigned)rows + count_pauses(trace, rows) + 1);

	find_columns(&ladder, rows);
	fprintf(to,
		"<svg class=\"ladder\" xmlns=\"http://www.w3.org/2000/svg\" width=\"%u\" "
		"height=\"%u\" role=\"img\" aria-label=\"messages in order of time\">\n",
		x_of(ladder.column_count), height);
	draw_heads(&ladder, height);
	for (size_t i = 0; i < rows; i++)
		draw_row(&ladder, &trace->records[i]);
	fprintf(to, "</svg>\n");
	if (trace->count > rows)
		fprintf(to, "<p>%zu messages more are not drawn.</p>\n", trace->count - rows);
}

/* ---- the page -------------------------------------------------------------------------------- */

static void write_sights(const char *style, const struct lab_sight *sights, uint32_t count,
			 FILE *to)
{
	for (uint32_t i = 0; i < count && i < LAB_SIGHTS_MAX; i++) {
		fprintf(to, "<li class=\"%s\"><time>%.3f s</time> ", style,
			(double)sights[i].at_us / 1e6);
		lab_report_escape(sights[i].text, to);
		fprintf(to, "</li>\n");
	}
	if (count > LAB_SIGHTS_MAX)
		fprintf(to, "<li>and %u times more</li>\n", count - LAB_SIGHTS_MAX);
}

/* Those that were broken come first, those that were not exercised last. */
static void write_rules(const struct lab_report *report, FILE *to)
{
	static const char *const order[] = {"broken", "kept", "not exercised"};
	static const char *const styles[] = {"bad", "good", "wait"};

	for (int pass = 0; pass < 3; pass++)
		for (int i = 0; i < LAB_RULES_MAX; i++) {
			const struct lab_finding *finding = &report->verdict->findings[i];

			if (strcmp(lab_finding_word(finding), order[pass]) != 0)
				continue;
			fprintf(to,
				"<details class=\"rule %s\"%s><summary><b>%s</b> <code>%s</code> ",
				styles[pass], finding->broken ? " open" : "", order[pass],
				lab_rule_id((enum lab_rule)i));
			lab_report_escape(lab_rule_text((enum lab_rule)i), to);
			fprintf(to, "<span>kept %u, broken %u</span></summary><ul>\n",
				finding->kept, finding->broken);
			write_sights("bad", finding->breaches, finding->broken, to);
			write_sights("good", finding->keepings, finding->kept, to);
			fprintf(to, "</ul></details>\n");
		}
}

void lab_report_html(const struct lab_report *report, FILE *to)
{
	const struct lab_verdict *verdict = report->verdict;
	uint32_t kept = 0;

	for (int i = 0; i < LAB_RULES_MAX; i++)
		kept += verdict->findings[i].kept && !verdict->findings[i].broken;
	fprintf(to,
		"<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">"
		"<meta name=\"viewport\" content=\"width=device-width\">"
		"<title>Keepline: a verdict</title>\n<style>%s</style></head><body><main>\n",
		lab_page_report_css);
	fprintf(to, "<h1>%s</h1>\n<p>",
		verdict->broken ? "Rules were broken" : "No rule was seen broken");
	lab_report_escape(report->subject, to);
	fprintf(to, ", judged by ");
	lab_report_escape(report->expected, to);
	fprintf(to, ": %u lines, %u requests.", verdict->lines, verdict->requests);
	if (!report->expectation->route_count)
		fprintf(to, " Which servers there are is not known: what depends on it is left "
			    "aside.");
	if (report->note) {
		fputc(' ', to);
		lab_report_escape(report->note, to);
	}
	fprintf(to,
		"</p>\n<p class=\"sums\"><span class=\"bad\"><b>%u</b> broken</span>"
		"<span class=\"good\"><b>%u</b> kept</span>"
		"<span class=\"wait\"><b>%u</b> not exercised</span></p>\n",
		verdict->broken, kept, LAB_RULES_MAX - kept - verdict->broken);
	write_rules(report, to);
	fprintf(to, "<h2>What passed</h2>\n<div class=\"scroll\">\n");
	lab_report_ladder(report, to);
	fprintf(to, "</div></main></body></html>\n");
}
