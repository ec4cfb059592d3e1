/* page.c - a lab as a page in a browser, and as a socket for `keepline lab ctl`. */
#include "lab/page.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "lab/pages.h"
#include "net/http.h"

enum {
	TOKEN_BYTES = 16,
	ENTRIES_MAX = 500, /* of one answer; the next request brings the rest */
};

static const char html[] = "text/html; charset=utf-8";
static const char json[] = "application/json";
static const char plain[] = "text/plain; charset=utf-8";

struct lab_page {
	struct lab_page_config config;
	struct net_http *http;
	char token[2 * TOKEN_BYTES + 1];
};

/* ---- answers --------------------------------------------------------------------------------- */

static void answer(struct net_http_request *request, int status, const char *type, const char *body)
{
	net_http_answer(request, &(struct net_http_reply){status, type, body ? body : "",
							  body ? strlen(body) : 0});
}

/* Takes the reference to ROOT. */
static void answer_json(struct net_http_request *request, json_t *root)
{
	char *text = root ? json_dumps(root, JSON_COMPACT) : NULL;

	json_decref(root);
	answer(request, text ? 200 : 500, json, text ? text : "{}");
	free(text);
}

static json_t *faults_of(const struct lab_sipserver *server)
{
	json_t *list = json_array();
	const struct lab_fault *fault;
	char text[LAB_FAULT_TEXT_MAX];

	for (unsigned i = 0; (fault = lab_sipserver_fault(server, i)); i++)
		json_array_append_new(list, json_string(lab_fault_format(text, fault)));
	return list;
}

static json_t *server_of(const struct lab *lab, unsigned index)
{
	const struct net_address at = lab_address(lab, (int)index);
	const struct lab_sipserver *server = lab_server(lab, index);
	const struct lab_sipserver_counters counters = lab_sipserver_counters(server);
	char address[NET_ADDRESS_TEXT_MAX];

	return json_pack("{s:s, s:s, s:i, s:i, s:i, s:I, s:o}", "name",
			 lab_plan(lab)->servers[index].name, "address",
			 net_address_format(&at, address), "registered", (int)counters.bindings,
			 "calls", (int)counters.calls, "connections", (int)counters.connections,
			 "requests", (json_int_t)counters.requests, "faults", faults_of(server));
}

/* The words of faults, so that the page needs no list of its own. */
static json_t *words(void)
{
	json_t *list = json_array();

	for (int i = 0; i < LAB_FAULT_KINDS; i++) {
		enum lab_fault_kind kind = (enum lab_fault_kind)i;
		unsigned takes = lab_fault_takes(kind);

		json_array_append_new(list, json_pack("{s:s, s:s, s:b, s:b}", "word",
						      lab_fault_word(kind), "meaning",
						      lab_fault_meaning(kind), "sip",
						      (takes & LAB_FAULT_OF_SIP) != 0, "dns",
						      (takes & LAB_FAULT_OF_DNS) != 0));
	}
	return list;
}

static void give_state(const struct lab_page *page, struct net_http_request *request)
{
	const struct lab *lab = page->config.lab;
	const struct lab_plan *plan = lab_plan(lab);
	const struct net_address at = lab_address(lab, LAB_DNS);
	json_t *servers = json_array();
	char dns[NET_ADDRESS_TEXT_MAX], fault[LAB_FAULT_TEXT_MAX];

	for (unsigned i = 0; i < plan->server_count; i++)
		json_array_append_new(servers, server_of(lab, i));
	answer_json(request,
		    json_pack("{s:f, s:s, s:o, s:{s:s, s:s}, s:o, s:s}", "now",
			      (double)lab_now_us(lab) / 1e6, "domain", plan->domain, "servers",
			      servers, "dns", "address", net_address_format(&at, dns), "fault",
			      lab_fault_format(fault, lab_dns_fault(lab)), "words", words(),
			      "expect", plan->expect ? plan->expect : "poly"));
}

static void give_entries(const struct lab_page *page, struct net_http_request *request)
{
	static const char *const kinds[] = {"request", "answer", "connection", "question", "fault"};
	const char *text = net_http_query(request, "from");
	uint64_t from = text ? strtoull(text, NULL, 10) : 1;
	json_t *list = json_array();
	const struct lab_entry *entry;

	for (int i = 0; i < ENTRIES_MAX && (entry = lab_entry_from(page->config.lab, from)); i++) {
		json_array_append_new(
			list, json_pack("{s:I, s:f, s:s, s:i, s:b, s:b, s:f, s:s, s:s}", "n",
					(json_int_t)entry->number, "t", (double)entry->at_us / 1e6,
					"kind", kinds[entry->kind], "server", entry->server, "sent",
					entry->sent, "lost", entry->lost, "gap",
					(double)entry->gap_us / 1e6, "far", entry->far, "text",
					entry->text));
		from = entry->number + 1;
	}
	answer_json(request, list);
}

/* NULL: it was answered why not. */
static struct lab_judgement *judge(const struct lab_page *page, struct net_http_request *request)
{
	const char *name = net_http_query(request, "expect");
	const struct lab_expected *expected = page->config.expected;
	struct lab_judgement *judgement;
	struct lab_expected named;

	if (name && !lab_expect_profile(&named, name)) {
		answer(request, 400, plain, "there is no such profile\n");
		return NULL;
	}
	if (!name && !expected) {
		answer(request, 400, plain, "which profile? /verdict?expect=poly\n");
		return NULL;
	}
	named.tolerance_ms = page->config.tolerance_ms;
	judgement = lab_judgement_make(page->config.lab, name ? &named : expected);
	if (!judgement)
		answer(request, 500, plain, "out of memory\n");
	return judgement;
}

static void give_verdict(const struct lab_page *page, struct net_http_request *request)
{
	struct lab_judgement *judgement = judge(page, request);

	if (judgement)
		answer_json(request, lab_report_json(&judgement->report));
	free(judgement);
}

/* In text for `keepline lab ctl`, else as a page. */
static void give_report(const struct lab_page *page, struct net_http_request *request, bool text)
{
	struct lab_judgement *judgement = judge(page, request);
	char *bytes = NULL;
	size_t size = 0;
	FILE *to;

	if (!judgement)
		return;
	to = open_memstream(&bytes, &size);
	if (to && text)
		lab_report_text(&judgement->report, to);
	else if (to)
		lab_report_html(&judgement->report, to);
	if (to && !fclose(to))
		net_http_answer(request,
				&(struct net_http_reply){200, text ? plain : html, bytes, size});
	else
		answer(request, 500, plain, "out of memory\n");
	free(bytes);
	free(judgement);
}

/* ---- orders ---------------------------------------------------------------------------------- */

/* Takes as long for a wrong token as for the right one. */
static bool has_token(const struct lab_page *page, const struct net_http_request *request)
{
	const char *token = net_http_header(request, "X-Keepline-Token");
	unsigned char differs = 0;

	if (page->config.path)
		return true;
	if (!token || strlen(token) != sizeof page->token - 1)
		return false;
	for (size_t i = 0; i < sizeof page->token - 1; i++)
		differs |= (unsigned char)(token[i] ^ page->token[i]);
	return !differs;
}

static void take_order(const struct lab_page *page, struct net_http_request *request)
{
	char said[LAB_ANSWER_MAX];
	int error;

	if (!has_token(page, request)) {
		answer(request, 403, plain,
		       "an order needs the token that stands in the page's URL\n");
		return;
	}
	error = lab_order(page->config.lab, net_http_body(request), said);
	answer(request, error == 0 ? 200 : error == -EINVAL ? 400 : 409, plain, said);
}

/* A name that somebody else made lead to this machine is not ours (DNS rebinding). */
static bool is_ours(const struct lab_page *page, const struct net_http_request *request)
{
	const char *host = net_http_header(request, "Host");
	const struct net_address local = net_http_local(page->http);
	char own[NET_ADDRESS_TEXT_MAX], named[32];

	if (page->config.path)
		return true;
	snprintf(named, sizeof named, "localhost:%u", local.port);
	return host && (!strcmp(host, net_address_format(&local, own)) || !strcmp(host, named));
}

static void take_request(void *user, struct net_http_request *request)
{
	const struct lab_page *page = user;
	const char *path = net_http_path(request);

	if (!is_ours(page, request))
		answer(request, 403, plain, "this is not the name of this page\n");
	else if (net_http_is_post(request) && !strcmp(path, "/order"))
		take_order(page, request);
	else if (net_http_is_post(request))
		answer(request, 404, plain, "orders go to /order\n");
	else if (!strcmp(path, "/"))
		answer(request, 200, html, lab_page_index_html);
	else if (!strcmp(path, "/page.css"))
		answer(request, 200, "text/css", lab_page_page_css);
	else if (!strcmp(path, "/report.css"))
		answer(request, 200, "text/css", lab_page_report_css);
	else if (!strcmp(path, "/page.js"))
		answer(request, 200, "text/javascript", lab_page_page_js);
	else if (!strcmp(path, "/state"))
		give_state(page, request);
	else if (!strcmp(path, "/entries"))
		give_entries(page, request);
	else if (!strcmp(path, "/verdict"))
		give_verdict(page, request);
	else if (!strcmp(path, "/report") || !strcmp(path, "/report.txt"))
		give_report(page, request, path[strlen("/report")] != '\0');
	else
		answer(request, 404, plain, "there is nothing here\n");
}

/* ---- opening --------------------------------------------------------------------------------- */

int lab_page_open(struct lab_page **out, const struct lab_page_config *config)
{
	struct lab_page *page = calloc(1, sizeof *page);
	struct net_http_config http = {.path = config->path,
				       .local = lab_plan(config->lab)->page,
				       .on_request = take_request};
	unsigned char drawn[TOKEN_BYTES];
	int error;

	if (!page)
		return -ENOMEM;
	page->config = *config;
	http.user = page;
	error = getrandom(drawn, sizeof drawn, 0) == sizeof drawn ? 0 : -EIO;
	for (size_t i = 0; !error && i < sizeof drawn; i++)
		snprintf(page->token + 2 * i, 3, "%02x", drawn[i]);
	if (!error)
		error = net_http_open(&page->http, config->loop, &http);
	if (error)
		free(page);
	else
		*out = page;
	return error;
}

void lab_page_close(struct lab_page *page)
{
	if (!page)
		return;
	net_http_close(page->http);
	free(page);
}

char *lab_page_url(const struct lab_page *page, char to[LAB_PAGE_URL_MAX])
{
	const struct net_address local = net_http_local(page->http);
	char address[NET_ADDRESS_TEXT_MAX];

	snprintf(to, LAB_PAGE_URL_MAX, "http://%s/#%s", net_address_format(&local, address),
		 page->token);
	return to;
}
