#include "tests/engine/oracle.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* What the words of the tables below mean for a walk. */
enum verdict {
	SILENT,     /* the route's window is over: the next route */
	UNREACHED,  /* ICMP: the next route */
	BUSY,       /* 503 that fails over: the next route */
	LOST,       /* the route failed while the far end was ringing: the call fails */
	UNANSWERED, /* nobody took the call in time */
	CHALLENGED, /* the request is repeated, a walk of its own */
	FINAL,      /* any other final answer */
};

struct oracle {
	const struct oracle_plan *plan;
	struct oracle_line *line;
	kl_ms now;
	kl_ms clock;        /* first send of the walk */
	uint32_t answers;   /* of the plan, used up */
	uint32_t tried;     /* one bit for each route */
	uint32_t number[2]; /* CSeq of REGISTER, from the walk's first; of the INVITE */
	int route;          /* the last that was tried */
	uint32_t status;    /* of the last answer */
	int current;        /* where the line is registered or, FAIL-10, was last answered; -1 */
	bool busy;          /* a route answered the request with 503 */
	bool ended;         /* the host's request */
};

void oracle_mark(struct oracle_line *line, struct oracle_mark mark)
{
	assert(line->count < ORACLE_MARKS_MAX);
	line->marks[line->count++] = mark;
}

/* ---- the tables ---- */

/* TIME-1, TIME-2, TIME-3, TIME-10: the wait behind each send. */
static kl_ms gap_behind(const struct kl_policy *policy, enum kl_method method, uint32_t attempt,
			bool last)
{
	bool capped = method != KL_INVITE || policy->invite_gaps_capped;
	/* Timers B and F end any transaction: no gap is longer. */
	kl_ms longest = capped ? policy->t2_ms : 64u * policy->t1_ms;
	kl_ms gap = policy->t1_ms;
	if (policy->retry_gap_ms > 0 && !last)
		return policy->retry_gap_ms;
	while (--attempt > 0 && gap < longest)
		gap += gap;
	return gap > longest ? longest : gap;
}

/* The normal window of a route: `attempts` sends, and the wait behind each. */
static kl_ms normal_window(const struct kl_policy *policy, enum kl_method method)
{
	uint32_t attempts =
		method == KL_INVITE ? policy->invite_attempts_max : policy->attempts_max;
	kl_ms sum = 0;
	for (uint32_t i = 1; i <= attempts; i++)
		sum += gap_behind(policy, method, i, false);
	return sum;
}

/* TIME-3, TIME-4 (part): when a route that is first sent to at BEGIN has failed. */
static kl_ms window_end(const struct kl_policy *policy, enum kl_method method, kl_ms clock,
			kl_ms begin, bool last)
{
	kl_ms whole = 64u * policy->t1_ms;
	kl_ms end = begin + normal_window(policy, method);
	if (last && policy->last_route == KL_LAST_WHOLE)
		end = begin + whole;
	/* The rest or, if every route must be tried and that is longer, the normal window. */
	if (last && policy->last_route == KL_LAST_REST &&
	    (policy->walk_bounded || clock + whole > end))
		end = clock + whole;
	if (policy->walk_bounded && end > clock + whole)
		end = clock + whole;
	return end;
}

static bool time_is_up(const struct oracle *o)
{
	const struct kl_policy *policy = &o->plan->policy;
	return policy->walk_bounded && o->now >= o->clock + 64u * policy->t1_ms;
}

/* FAIL-14: from the top, each route once; -1: none is left. */
static int next_route(const struct oracle *o, int from)
{
	for (int i = 0; i < o->plan->routes; i++) {
		int route = (from + i) % o->plan->routes;
		if (!(o->tried >> route & 1))
			return route;
	}
	return -1;
}

/* ---- one route ---- */

struct leg {
	enum kl_method method;
	int route;
	kl_ms begin, due, end;
	uint32_t attempt;
	bool last, proceeding, ringing;
};

static void leg_left(struct oracle *o, const struct leg *leg)
{
	oracle_mark(o->line, (struct oracle_mark){.at = o->now,
						  .kind = ORACLE_LEFT,
						  .method = leg->method,
						  .route = (uint32_t)leg->route});
}

/* TIME-7 (part): alive.  An INVITE waits for people; anything else for the end of its transaction.
 */
static void leg_provisional(struct oracle *o, struct leg *leg, uint16_t status)
{
	const struct kl_policy *policy = &o->plan->policy;
	kl_ms whole = 64u * policy->t1_ms;
	leg->proceeding = true;
	leg->ringing |= leg->method == KL_INVITE && status > 100;
	if (leg->method == KL_INVITE) {
		leg->due = KL_NEVER;
		leg->end = o->now + policy->provisional_max_ms;
	} else {
		if (leg->end < leg->begin + whole)
			leg->end = leg->begin + whole;
		if (policy->walk_bounded && leg->end > o->clock + whole)
			leg->end = o->clock + whole;
	}
}

/* True: the answer decides. */
static bool leg_answer(struct oracle *o, struct leg *leg, enum verdict *verdict)
{
	const struct oracle_answer *answer = &o->plan->answers[o->answers++];
	o->now = answer->at;
	o->status = answer->status;
	o->busy |= answer->status == 503 && leg->method == KL_INVITE;
	if (answer->status == 0)
		*verdict = UNREACHED;
	else if (answer->status == 503 && o->plan->policy.failover_on_503)
		*verdict = BUSY;
	else if (answer->status == 401)
		*verdict = CHALLENGED;
	else
		*verdict = FINAL;
	if (leg->method == KL_INVITE && *verdict != UNREACHED && *verdict != BUSY)
		o->current = leg->route;
	if (answer->status >= 100 && answer->status < 200) {
		leg_provisional(o, leg, answer->status);
		return false;
	}
	if ((*verdict == UNREACHED || *verdict == BUSY) && leg->ringing)
		*verdict = LOST;
	if (answer->status == 0)
		leg_left(o, leg);
	return true;
}

static void leg_send(struct oracle *o, struct leg *leg)
{
	const struct kl_policy *policy = &o->plan->policy;
	leg->attempt++;
	oracle_mark(o->line, (struct oracle_mark){.at = o->now,
						  .kind = ORACLE_SENT,
						  .method = leg->method,
						  .route = (uint32_t)leg->route,
						  .attempt = leg->attempt,
						  .number = o->number[leg->method == KL_INVITE]});
	leg->due += leg->proceeding ? policy->t2_ms
				    : gap_behind(policy, leg->method, leg->attempt, leg->last);
}

static enum verdict play_route(struct oracle *o, enum kl_method method, int route)
{
	struct leg leg = {.method = method, .route = route, .begin = o->now, .due = o->now};
	enum verdict verdict;
	o->route = route;
	o->tried |= 1u << route;
	leg.last = next_route(o, 0) < 0;
	leg.end = window_end(&o->plan->policy, method, o->clock, o->now, leg.last);
	o->number[0] += method == KL_REGISTER; /* TIME-8 */
	for (;;) {
		kl_ms next = leg.due < leg.end ? leg.due : leg.end;
		if (leg.attempt > 0 && o->answers < o->plan->answer_count &&
		    o->plan->answers[o->answers].at < next) {
			if (leg_answer(o, &leg, &verdict))
				return verdict;
			continue;
		}
		o->now = next;
		if (leg.attempt > 0 && next == leg.end) {
			leg_left(o, &leg);
			return leg.method == KL_INVITE && leg.proceeding ? UNANSWERED : SILENT;
		}
		leg_send(o, &leg);
	}
}

/* ---- walks ---- */

static bool moves_on(enum verdict verdict)
{
	return verdict == SILENT || verdict == UNREACHED || verdict == BUSY;
}

/* Where a new request starts: at the current route, or at the head where each request tries the
 * primary first (FAIL-1, FAIL-7). */
static int first_route(const struct oracle *o)
{
	const struct kl_policy *policy = &o->plan->policy;
	bool prefers =
		policy->reregister_on || policy->failback_mode_shared != KL_FAILBACK_NEW_REQUESTS;
	return prefers && o->current >= 0 ? o->current : 0;
}

/* TIME-11: the repeat is a new walk with a clock of its own. */
static void begin_again(struct oracle *o, enum kl_method method)
{
	o->clock = o->now;
	o->tried = 0;
	o->number[1] += method == KL_INVITE;
}

/* One request over its routes, repeats after challenges included (TRIG-8, TIME-11).  FIRST is
 * tried first, then those from FROM on; -1: nowhere is left to go. */
static enum verdict play_walk(struct oracle *o, enum kl_method method, int first, int from)
{
	const struct kl_policy *policy = &o->plan->policy;
	enum verdict verdict = SILENT;
	int route = first;
	while (route >= 0) {
		verdict = play_route(o, method, route);
		if (verdict == CHALLENGED) {
			begin_again(o, method);
			if (!policy->auth_at_challenger && !policy->reregister_on)
				route = first_route(o);
			from = 0;
		} else if (!moves_on(verdict) || time_is_up(o)) {
			break;
		} else {
			route = next_route(o, from);
		}
	}
	return verdict;
}

static void register_done(struct oracle *o)
{
	oracle_mark(o->line, (struct oracle_mark){.at = o->now,
						  .kind = ORACLE_REGISTERED,
						  .route = (uint32_t)o->route});
}

static void end_request(struct oracle *o, enum verdict verdict)
{
	uint32_t status = o->status;
	/* FALL-4: a server's 503 says more than silence. */
	if (verdict == UNANSWERED || (verdict == SILENT && !o->busy))
		status = 408;
	else if (verdict != FINAL)
		status = 503;
	if (!o->ended)
		oracle_mark(o->line, (struct oracle_mark){
					     .at = o->now, .kind = ORACLE_ENDED, .status = status});
	o->ended = true;
}

/* The walk behind a back-off: from the head or, if the walk before left routes untried, from the
 * first of them (BACK-4).  Nobody answers. */
static void play_retry(struct oracle *o)
{
	int untried = next_route(o, 0), from = untried > 0 ? untried : 0;
	oracle_mark(o->line, (struct oracle_mark){.at = o->now, .kind = ORACLE_BACKED_OFF});
	o->now += o->plan->waited_ms;
	o->clock = o->now;
	o->tried = 0;
	o->answers = o->plan->answer_count;
	if (o->plan->policy.new_call_id_on_loss)
		o->number[0] = 0;
	play_walk(o, KL_REGISTER, from, from);
	oracle_mark(o->line, (struct oracle_mark){.at = o->now, .kind = ORACLE_BACKED_OFF});
}

static void play_register(struct oracle *o)
{
	int first = first_route(o);
	enum verdict verdict = play_walk(o, KL_REGISTER, first, 0);
	if (verdict == FINAL && o->status == 200)
		register_done(o);
	else
		play_retry(o);
}

/* A call found its route dead.  True: it goes on, on the route that is registered now. */
static bool register_next(struct oracle *o, enum verdict *verdict)
{
	int next = next_route(o, 0);
	if (time_is_up(o)) {
		end_request(o, *verdict);
		o->clock = o->now;
	}
	if (next >= 0)
		*verdict = play_walk(o, KL_REGISTER, next, 0);
	if (*verdict == FINAL && o->status == 200) {
		register_done(o);
		return !o->ended;
	}
	/* A registration that was refused ends the call as unavailable. */
	end_request(o, *verdict == FINAL ? BUSY : *verdict);
	play_retry(o);
	return false;
}

/* FAIL-2: the INVITE on a registered route, then REGISTER on the next, then the INVITE there;
 * all of one walk, and of one clock.  A call that was given up for its time lends none of it. */
static void play_registered_call(struct oracle *o)
{
	enum verdict verdict;
	o->route = o->plan->current;
	do {
		verdict = play_route(o, KL_INVITE, o->route);
		if (verdict == CHALLENGED)
			begin_again(o, KL_INVITE);
	} while (verdict == CHALLENGED || (moves_on(verdict) && register_next(o, &verdict)));
	end_request(o, verdict);
}

void oracle_predict(const struct oracle_plan *plan, struct oracle_line *line)
{
	struct oracle o = {.plan = plan, .line = line, .number = {0, 1}};
	bool registered = plan->kind == ORACLE_REFRESH || plan->kind == ORACLE_CALL;
	line->count = 0;
	o.current = registered ? plan->current : -1;
	if (plan->kind == ORACLE_REGISTER || plan->kind == ORACLE_REFRESH)
		play_register(&o);
	else if (plan->kind == ORACLE_CALL && plan->policy.reregister_on)
		play_registered_call(&o);
	else
		end_request(&o, play_walk(&o, KL_INVITE, first_route(&o), 0));
}

/* ---- two lines side by side ---- */

static int compare_marks(const void *a, const void *b)
{
	const struct oracle_mark *x = a, *y = b;
	if (x->at != y->at)
		return x->at < y->at ? -1 : 1;
	if (x->kind != y->kind)
		return x->kind < y->kind ? -1 : 1;
	return (int)x->number - (int)y->number;
}

bool oracle_agree(struct oracle_line *a, struct oracle_line *b)
{
	qsort(a->marks, a->count, sizeof(a->marks[0]), compare_marks);
	qsort(b->marks, b->count, sizeof(b->marks[0]), compare_marks);
	return a->count == b->count &&
	       memcmp(a->marks, b->marks, a->count * sizeof(a->marks[0])) == 0;
}

void oracle_print_plan(FILE *to, const struct oracle_plan *plan)
{
	static const char *const kinds[] = {"first REGISTER", "refresh", "call", "guest's call"};
	fprintf(to, "%s, %u routes, registered on %u\n", kinds[plan->kind], plan->routes,
		plan->current);
	for (int i = KL_POLICY_none + 1; i < KL_POLICY_FIELDS; i++) {
		enum kl_policy_field field = (enum kl_policy_field)i;
		fprintf(to, "  %s %u\n", kl_policy_describe(field)->name,
			(unsigned)kl_policy_get(&plan->policy, field));
	}
	for (uint32_t i = 0; i < plan->answer_count; i++)
		fprintf(to, "  answer %u at %llu\n", plan->answers[i].status,
			(unsigned long long)plan->answers[i].at);
}

void oracle_print_line(FILE *to, const struct oracle_line *line)
{
	static const char *const kinds[] = {"send", "left", "ended", "registered", "backs off"};
	for (size_t i = 0; i < line->count; i++) {
		const struct oracle_mark *mark = &line->marks[i];
		fprintf(to, "[%7llu] %s", (unsigned long long)mark->at, kinds[mark->kind]);
		if (mark->kind == ORACLE_SENT || mark->kind == ORACLE_LEFT)
			fprintf(to, " %s", kl_method_name(mark->method));
		fprintf(to, " route %u try %u number %u status %u\n", mark->route, mark->attempt,
			mark->number, mark->status);
	}
}
