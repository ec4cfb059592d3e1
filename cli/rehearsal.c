/* rehearsal.c - what the engine does when servers fall silent, played in virtual time. */
#include "cli/rehearsal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "phone/dns.h"

enum {
	SEED = 1,             /* the same draws in every rehearsal, so that they show one order */
	CALM_MS = 1000,       /* between the registration and the outage */
	EVENTS_MAX = 5000000, /* more than 65535 sends to each of 32 routes */
	TOKEN = 1,
	LINE = 0, /* the only one of the engine */
};

struct player {
	const struct cli_plan *plan;
	const struct kl_config *config; /* the plan's, with its line alone */
	struct kl_engine *engine;
	struct cli_rehearsal *seen;
	kl_ms now;
	bool outage; /* the servers are dead now */
	bool recording, ended;
	kl_ms outage_at;
	kl_ms first_send_at;  /* KL_NEVER: nothing sent yet */
	struct kl_route dead; /* OUTAGE_FIRST */
	uint32_t waiting;     /* REGISTER: bit per entry that has not given up yet */
};

static bool same_route(const struct kl_route *a, const struct kl_route *b)
{
	return a->port == b->port && a->transport == b->transport && a->tls_name == b->tls_name &&
	       !memcmp(a->ip, b->ip, sizeof a->ip);
}

/* Copies an entry's routes in walking order, once they are known. */
static void note_routes(struct player *p, uint32_t entry)
{
	uint32_t count = 0;

	if (p->seen->route_counts[entry])
		return;
	while (count < KL_SET_ROUTES_MAX) {
		struct cli_route *route = &p->seen->routes[entry][count];

		if (kl_get_route(p->engine, LINE, entry, count, &route->view))
			break;
		snprintf(route->name, sizeof route->name, "%s",
			 route->view.name ? route->view.name : "");
		route->view.name = route->name;
		count++;
	}
	p->seen->route_counts[entry] = count;
}

/* The number of a route in walking order, from 1; 0: it is none of the entry's. */
static uint32_t route_number(const struct player *p, uint32_t entry, const struct kl_route *route)
{
	for (uint32_t i = 0; i < p->seen->route_counts[entry]; i++)
		if (same_route(&p->seen->routes[entry][i].view.route, route))
			return i + 1;
	return 0;
}

static void add_step(struct player *p, struct cli_step step)
{
	kl_ms from = p->first_send_at == KL_NEVER ? p->now : p->first_send_at;

	step.t_ms = p->now - from;
	if (p->seen->step_count < (step.type == CLI_STEP_SEND ? CLI_SENDS_MAX : CLI_STEPS_MAX))
		p->seen->steps[p->seen->step_count++] = step;
	else
		p->seen->cut++;
}

static void feed(struct player *p, const struct kl_event *event)
{
	kl_feed(p->engine, event, p->now);
}

static void do_query(struct player *p, const struct kl_action_query *query)
{
	static const struct net_dns_result no_name = {.status = NET_DNS_FAILED};
	struct kl_dns_record records[KL_DNS_RECORDS_MAX];
	const struct net_dns_result *found;
	struct kl_event event;

	found = cli_names_ask(p->plan->names, query->name, (enum net_dns_type)query->type);
	phone_dns_event(found ? found : &no_name, query->query, records, &event);
	feed(p, &event);
}

static bool is_dead(const struct player *p, const struct kl_route *route)
{
	return p->outage && (p->plan->outage == CLI_OUTAGE_ALL || same_route(&p->dead, route));
}

static bool watches_refresh(const struct player *p)
{
	return p->plan->method == KL_REGISTER && p->plan->outage == CLI_OUTAGE_FIRST;
}

/* Of a refresh only the first entry's is looked at. */
static bool is_watched(const struct player *p, uint32_t entry)
{
	return p->recording && (entry == 0 || !watches_refresh(p));
}

/* Writes a send down; the first one starts the clock. */
static void note_send(struct player *p, const struct kl_action_send *send)
{
	note_routes(p, send->entry);
	if (p->first_send_at == KL_NEVER) {
		p->first_send_at = p->now;
		if (!watches_refresh(p))
			p->dead = send->route;
	}
	add_step(p, (struct cli_step){
			    .type = CLI_STEP_SEND,
			    .method = send->method,
			    .entry = send->entry + 1,
			    .route = route_number(p, send->entry, &send->route),
			    .attempt = send->attempt,
		    });
}

/* The first entry is registered by this send: at first, or by the refresh that is watched. */
static void note_registered(struct player *p, const struct kl_action_send *send)
{
	if (!p->recording) {
		p->dead = send->route;
		return;
	}
	add_step(p, (struct cli_step){
			    .type = CLI_STEP_ANSWER,
			    .method = KL_REGISTER,
			    .entry = 1,
			    .route = route_number(p, 0, &send->route),
			    .status = 200,
		    });
	p->ended = true;
}

/* The engine's own OPTIONS (PROBE-3) go by a clock of their own, beside the request. */
static bool is_probe(const struct kl_action_send *send)
{
	return send->method == KL_OPTIONS && !send->token;
}

static void do_send(struct player *p, const struct kl_action_send *send)
{
	struct kl_event answer = {.type = KL_EV_RESPONSE, .line = send->line};

	if (is_watched(p, send->entry) && !is_probe(send))
		note_send(p, send);
	if (is_dead(p, &send->route))
		return;
	if (watches_refresh(p) && send->entry == 0 && !is_probe(send))
		note_registered(p, send);
	answer.response.tx = send->tx;
	answer.response.status = 200;
	answer.response.granted_ms = send->method == KL_REGISTER ? send->expires_ms : 0;
	feed(p, &answer);
}

/* The request came to its end: answered, or given up. */
static void do_outcome(struct player *p, const struct kl_action_outcome *outcome)
{
	struct kl_entry_view entry;

	if (!p->recording)
		return;
	add_step(p, (struct cli_step){
			    .type = outcome->local ? CLI_STEP_GIVE_UP : CLI_STEP_ANSWER,
			    .method = p->plan->method,
			    .entry = outcome->local ? 0 : outcome->binding.entry + 1,
			    .route = outcome->local ? 0
						    : route_number(p, outcome->binding.entry,
								   &outcome->binding.route),
			    .status = outcome->status,
		    });
	p->ended = true;
	if (!kl_get_entry(p->engine, LINE, outcome->binding.entry, &entry) &&
	    entry.failback_at != KL_NEVER)
		p->seen->failback_ms = entry.failback_at - p->now;
}

/* A host of one address family only is as it should be. */
static bool has_other_family(const struct player *p, const struct kl_report *report)
{
	enum net_dns_type other = report->count == KL_A ? NET_DNS_AAAA : NET_DNS_A;
	const struct net_dns_result *result;

	if (report->dns != KL_DNS_NEGATIVE || (report->count != KL_A && report->count != KL_AAAA))
		return false;
	result = cli_names_ask(p->plan->names, report->name, other);
	return result && result->status == NET_DNS_ANSWER;
}

/* Notes, once, what was not found or did not fit. */
static void note_report(struct player *p, const struct kl_action *action)
{
	const struct kl_words words = {.config = p->config};
	struct cli_rehearsal *seen = p->seen;
	char text[KL_TEXT_MAX];

	if (action->report.type == KL_REPORT_LOOKUP ? has_other_family(p, &action->report)
						    : action->report.why != KL_WHY_CUT)
		return;
	kl_format_action(text, sizeof text, action, &words);
	for (uint32_t i = 0; i < seen->note_count; i++)
		if (!strcmp(seen->notes[i], text))
			return;
	if (seen->note_count < CLI_NOTES_MAX)
		strcpy(seen->notes[seen->note_count++], text);
}

static void do_report(struct player *p, const struct kl_action *action)
{
	const struct kl_report *report = &action->report;

	note_report(p, action);
	if (p->plan->method != KL_REGISTER || !p->recording || report->type != KL_REPORT_STATE ||
	    report->to != KL_BACKING_OFF || !is_watched(p, report->entry) ||
	    !(p->waiting & 1u << report->entry))
		return;
	add_step(p, (struct cli_step){
			    .type = CLI_STEP_GIVE_UP,
			    .method = KL_REGISTER,
			    .entry = report->entry + 1,
		    });
	p->waiting &= ~(1u << report->entry);
	p->ended = !p->waiting || watches_refresh(p);
}

static void do_all(struct player *p)
{
	struct kl_action action;

	while (!p->ended && kl_next_action(p->engine, &action)) {
		switch (action.type) {
		case KL_DO_QUERY:
			do_query(p, &action.query);
			break;
		case KL_DO_SEND:
			do_send(p, &action.send);
			break;
		case KL_DO_OUTCOME:
			do_outcome(p, &action.outcome);
			break;
		case KL_DO_REPORT:
			do_report(p, &action);
			break;
		case KL_DO_ABANDON:
		case KL_DO_CLOSE:
		case KL_DO_KEEPALIVE:
		case KL_DO_SUBSCRIPTION:
			break;
		}
	}
}

/* Lets time pass until the rehearsal ends or UNTIL. */
static void play(struct player *p, kl_ms until)
{
	const struct kl_event time = {.type = KL_EV_TIME};

	do_all(p);
	for (uint32_t i = 0; i < EVENTS_MAX && !p->ended; i++) {
		kl_ms at = kl_deadline(p->engine);

		if (at > until || at == KL_NEVER)
			break;
		p->now = at > p->now ? at : p->now;
		feed(p, &time);
		do_all(p);
	}
	if (!p->ended && until != KL_NEVER)
		p->now = until;
}

static void play_plan(struct player *p)
{
	const struct kl_line_config *line = &p->config->lines[LINE];
	const struct kl_event begin = {.type = KL_EV_LINE_START, .line = LINE};
	const struct kl_event request = {
		.type = KL_EV_REQUEST,
		.line = LINE,
		.request = {.token = TOKEN, .method = p->plan->method},
	};

	for (uint32_t entry = 0; entry < line->entry_count; entry++)
		p->waiting |= line->entries[entry].registers ? 1u << entry : 0;
	if (p->plan->method == KL_REGISTER && !watches_refresh(p)) {
		p->recording = p->outage = true;
		p->ended = !p->waiting;
		feed(p, &begin);
		play(p, KL_NEVER);
		return;
	}
	feed(p, &begin);
	play(p, watches_refresh(p) ? p->now : p->now + CALM_MS);
	p->recording = p->outage = true;
	p->outage_at = p->now;
	if (watches_refresh(p))
		p->ended = !(p->waiting & 1);
	else
		feed(p, &request);
	play(p, KL_NEVER);
}

struct cli_rehearsal *cli_rehearse(const struct cli_plan *plan)
{
	struct kl_config config = *plan->config;
	struct player p = {.plan = plan, .config = &config, .first_send_at = KL_NEVER};
	size_t size;

	/* Lines that are not started have no part in it; a thousand of them take their time. */
	config.lines += plan->line;
	config.line_count = 1;
	kl_limits_default(&config);
	size = kl_engine_size(&config);
	p.engine = malloc(size);
	p.seen = calloc(1, sizeof *p.seen);
	if (!p.engine || !p.seen || kl_engine_init(p.engine, size, &config, SEED, p.now)) {
		free(p.engine);
		free(p.seen);
		return NULL;
	}
	p.seen->failback_ms = KL_NEVER;
	play_plan(&p);
	p.seen->silence_ms = p.now - p.outage_at;
	for (uint32_t entry = 0; entry < config.lines[LINE].entry_count; entry++)
		note_routes(&p, entry);
	free(p.engine);
	return p.seen;
}

const struct cli_step *cli_rehearsal_end(const struct cli_rehearsal *rehearsal)
{
	const struct cli_step *last;

	if (!rehearsal->step_count)
		return NULL;
	last = &rehearsal->steps[rehearsal->step_count - 1];
	return last->type == CLI_STEP_SEND ? NULL : last;
}
