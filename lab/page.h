/* page.h - a lab as a page in a browser, and as a socket for `keepline lab ctl`: both speak HTTP.
 *
 *	GET  /                     the page: buttons, and the ladder as it grows
 *	GET  /state                the servers, their faults, who is registered
 *	GET  /entries?from=N       what was seen, from that number on
 *	GET  /verdict?expect=poly  as JSON; /report?expect=poly as a page that stands alone
 *	POST /order                the body is an order (lab_order())
 *
 * The page is on a loopback address.  A request must name it in Host, so that no other site's name
 * can be made to lead here; an order must bring the token in X-Keepline-Token.  The socket file is
 * its owner's alone, and needs neither.
 *
 * Ownership  Freed before its lab.
 */
#ifndef LAB_PAGE_H
#define LAB_PAGE_H

#include "lab/lab_verdict.h"

enum { LAB_PAGE_URL_MAX = 160 };

struct lab_page;

struct lab_page_config {
	struct lab *lab;
	struct net_loop *loop;
	const char *path;                    /* the socket file; or NULL: the plan's page */
	const struct lab_expected *expected; /* where a request names no profile; may be NULL */
	uint32_t tolerance_ms;               /* where it names one */
};

/* Errors: as net_http_open(). */
int lab_page_open(struct lab_page **out, const struct lab_page_config *config);
void lab_page_close(struct lab_page *page); /* NULL is fine */

/* Where to point a browser, the token included.  Returns TO. */
char *lab_page_url(const struct lab_page *page, char to[LAB_PAGE_URL_MAX]);

#endif
