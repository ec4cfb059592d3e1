/* report.h - a verdict, put into words: for a terminal, for programs, for a browser.
 *
 * The page for a browser stands alone: nothing in it is fetched from anywhere.  Everything that
 * came from the network is escaped.
 */
#ifndef LAB_REPORT_H
#define LAB_REPORT_H

#include <jansson.h>
#include <stdio.h>

#include "lab/judge.h"

enum {
	LAB_LADDER_ROWS_MAX = 2000, /* messages drawn; the rest is counted */
	LAB_ROUTE_NAME_MAX = 64,
};

struct lab_report {
	const char *subject;  /* what was watched: "the lab", a capture's path */
	const char *expected; /* "profile poly", or a file */
	const struct lab_verdict *verdict;
	const struct lab_trace *trace;
	const struct lab_expectation *expectation;
	const char *note; /* what the reader must know of it; NULL: nothing */

	/* What a route is called; NULL, or no name: as "udp 192.0.2.1:5060". */
	const char *(*name_route)(const void *context, const struct kl_route *route);
	const void *context;
};

/* Writes into TO, which has LAB_ROUTE_NAME_MAX bytes.  Returns TO. */
char *lab_report_route(const struct lab_report *report, const struct kl_route *route, char *to);

/* "kept", "broken", "not exercised". */
const char *lab_finding_word(const struct lab_finding *finding);

void lab_report_text(const struct lab_report *report, FILE *to);

/* Rules with their sights; NULL: no memory. */
json_t *lab_report_json(const struct lab_report *report);

void lab_report_html(const struct lab_report *report, FILE *to);

/* The ladder alone, as SVG. */
void lab_report_ladder(const struct lab_report *report, FILE *to);

/* Writes TEXT with what has a meaning in HTML as entities. */
void lab_report_escape(const char *text, FILE *to);

#endif
