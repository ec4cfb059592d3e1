/* judge_attempts.c - a trace as attempts (a request on a route, and what became of it) and calls.
 */
#include "lab/judge_private.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct reading {
	struct judge *judge;
	struct judge_map attempts; /* by branch, method and route */
	struct judge_map calls;    /* by Call-ID */
};

static size_t *attempt_place(struct reading *reading, const struct lab_trace_record *record,
			     enum sip_method method)
{
	const struct kl_route *route = &record->route;
	uint64_t key = judge_map_mix(record->branch, (uint64_t)method);
	uint64_t high, low;

	memcpy(&high, route->ip, sizeof high);
	memcpy(&low, route->ip + sizeof high, sizeof low);
	key = judge_map_mix(judge_map_mix(key, high), low);
	return judge_map_at(&reading->attempts,
			    judge_map_mix(key, route->port | (uint64_t)route->transport << 16));
}

static struct judge_attempt *
find_attempt(struct reading *reading, const struct lab_trace_record *record, enum sip_method method)
{
	size_t place = *attempt_place(reading, record, method);

	return place == JUDGE_NONE ? NULL : &reading->judge->attempts[place];
}

static struct judge_attempt *add_attempt(struct reading *reading,
					 const struct lab_trace_record *record)
{
	struct judge *judge = reading->judge;
	struct judge_attempt *attempt = &judge->attempts[judge->attempt_count++];

	*attempt = (struct judge_attempt){
		.route = record->route,
		.began_us = record->at_us,
		.heard_us = JUDGE_NEVER,
		.rang_us = JUDGE_NEVER,
		.ended_us = JUDGE_NEVER,
		.acked_us = JUDGE_NEVER,
		.cancelled_us = JUDGE_NEVER,
		.left_us = JUDGE_NEVER,
		.next = JUDGE_NONE,
		.prior = JUDGE_NONE,
		.granted_s = LAB_TRACE_UNSAID,
		.retry_after_s = LAB_TRACE_UNSAID,
	};
	return attempt;
}

/* The connection that the phone began for this request: the last attempt on the route, if it has
 * sent nothing yet. */
static struct judge_attempt *find_connecting(const struct reading *reading,
					     const struct lab_trace_record *record)
{
	struct judge *judge = reading->judge;

	for (size_t i = judge->attempt_count; i-- > 0;) {
		struct judge_attempt *attempt = &judge->attempts[i];

		if (attempt->began_us + judge_life_us(judge) < record->at_us)
			return NULL;
		if (!attempt->send_count && attempt->ended_us == JUDGE_NEVER &&
		    judge_same_route(&attempt->route, &record->route))
			return attempt;
	}
	return NULL;
}

static void name_attempt(struct judge_attempt *attempt, const struct lab_trace_record *record)
{
	attempt->method = record->method;
	attempt->line = record->line;
	attempt->call_id = record->call_id;
	attempt->from_tag = record->from_tag;
	attempt->to_tag = record->to_tag;
	attempt->branch = record->branch;
	attempt->event = record->event;
	attempt->contact = record->contact;
	attempt->reg_id = record->reg_id;
	attempt->cseq = record->cseq;
	attempt->expires_s = record->expires_s;
}

static void take_request(struct reading *reading, const struct lab_trace_record *record)
{
	struct judge_attempt *attempt = find_attempt(reading, record, record->method);

	if (!attempt) {
		attempt = find_connecting(reading, record);
		if (!attempt)
			attempt = add_attempt(reading, record);
		name_attempt(attempt, record);
		*attempt_place(reading, record, record->method) =
			(size_t)(attempt - reading->judge->attempts);
	}
	if (attempt->send_count < JUDGE_SENDS_MAX)
		attempt->sends_us[attempt->send_count] = record->at_us;
	attempt->send_count++;
}

/* An ACK of a refusal has its INVITE's branch, that of a 200 only its Call-ID; the latter is for
 * the attempt on its route that was answered so. */
static void take_ack(struct reading *reading, const struct lab_trace_record *record)
{
	struct judge *judge = reading->judge;
	struct judge_attempt *attempt = find_attempt(reading, record, SIP_INVITE);

	for (size_t i = judge->attempt_count; !attempt && i-- > 0;) {
		struct judge_attempt *a = &judge->attempts[i];

		if (a->ended_us != JUDGE_NEVER &&
		    a->ended_us + judge_life_us(judge) < record->at_us)
			break;
		if (a->method == SIP_INVITE && a->call_id == record->call_id &&
		    a->cseq == record->cseq && a->status / 100 == 2)
			attempt = a;
	}
	if (attempt && attempt->acked_us == JUDGE_NEVER)
		attempt->acked_us = record->at_us;
}

static void take_answer(struct reading *reading, const struct lab_trace_record *record)
{
	struct judge_attempt *attempt = find_attempt(reading, record, record->method);

	if (!attempt)
		return;
	if (attempt->heard_us == JUDGE_NEVER)
		attempt->heard_us = record->at_us;
	if (record->status > 100 && record->status < 200 && attempt->rang_us == JUDGE_NEVER)
		attempt->rang_us = record->at_us;
	if (record->status < 200 || attempt->status)
		return;
	attempt->status = record->status;
	attempt->ended_us = record->at_us;
	attempt->granted_s = record->expires_s;
	attempt->retry_after_s = record->retry_after_s;
}

/* Ends what waits on the route.  False: nothing did. */
static bool take_fault(struct reading *reading, const struct lab_trace_record *record,
		       enum kl_fault fault)
{
	struct judge *judge = reading->judge;
	bool waited = false;

	for (size_t i = judge->attempt_count; i-- > 0;) {
		struct judge_attempt *attempt = &judge->attempts[i];

		if (attempt->began_us + judge_life_us(judge) < record->at_us)
			break;
		if (attempt->ended_us != JUDGE_NEVER ||
		    !judge_same_route(&attempt->route, &record->route) ||
		    (record->branch && attempt->branch != record->branch))
			continue;
		attempt->ended_us = record->at_us;
		attempt->fault = fault;
		waited = true;
	}
	return waited;
}

/* A stream that drops while requests wait on it moves them (TRIG-6); one that was idle is kept for
 * those who were registered over it. */
static void take_closing(struct reading *reading, const struct lab_trace_record *record)
{
	struct judge *judge = reading->judge;

	if (!take_fault(reading, record, KL_FAULT_STREAM_LOST))
		judge->closings[judge->closing_count++] =
			(struct judge_closing){record->at_us, record->route};
}

/* ---- calls ---- */

static void begin_call(struct reading *reading, const struct lab_trace_record *record)
{
	struct judge *judge = reading->judge;
	size_t *place = judge_map_at(&reading->calls, record->call_id);

	if (*place != JUDGE_NONE)
		return;
	*place = judge->call_count++;
	judge->calls[*place] = (struct judge_call){
		.line = record->line,
		.route = record->route,
		.began_us = record->at_us,
		.ended_us = JUDGE_NEVER,
	};
}

static void end_call(struct reading *reading, const struct lab_trace_record *record)
{
	size_t place = *judge_map_at(&reading->calls, record->call_id);

	if (place != JUDGE_NONE && reading->judge->calls[place].ended_us == JUDGE_NEVER)
		reading->judge->calls[place].ended_us = record->at_us;
}

static bool accepts_call(const struct lab_trace_record *record)
{
	return record->kind == LAB_TRACE_ANSWER && record->method == SIP_INVITE &&
	       record->status / 100 == 2;
}

/* A call is up from its 200, whoever placed it, until a BYE, whoever sends it. */
static void follow_call(struct reading *reading, const struct lab_trace_record *record)
{
	if (accepts_call(record))
		begin_call(reading, record);
	if (record->kind == LAB_TRACE_REQUEST && record->method == SIP_BYE)
		end_call(reading, record);
}

/* ---- all of it ---- */

static void take_phone_request(struct reading *reading, const struct lab_trace_record *record)
{
	struct judge_attempt *invite;

	if (record->method == SIP_ACK) {
		take_ack(reading, record);
	} else if (record->method == SIP_CANCEL) {
		invite = find_attempt(reading, record, SIP_INVITE);
		if (invite && invite->cancelled_us == JUDGE_NEVER)
			invite->cancelled_us = record->at_us;
	} else {
		take_request(reading, record);
	}
}

static void take_record(struct reading *reading, const struct lab_trace_record *record)
{
	switch (record->kind) {
	case LAB_TRACE_REQUEST:
		if (record->from_phone)
			take_phone_request(reading, record);
		follow_call(reading, record);
		break;
	case LAB_TRACE_ANSWER:
		if (!record->from_phone)
			take_answer(reading, record);
		follow_call(reading, record);
		break;
	case LAB_TRACE_CONNECT:
		add_attempt(reading, record);
		break;
	case LAB_TRACE_FAULT:
		take_fault(reading, record, record->fault);
		break;
	case LAB_TRACE_CLOSED:
		take_closing(reading, record);
		break;
	}
}

int judge_read_attempts(struct judge *judge)
{
	struct reading reading = {.judge = judge};
	size_t attempts = 0, calls = 0, closings = 0, keys;
	int error;

	for (size_t i = 0; i < judge->trace->count; i++) {
		const struct lab_trace_record *record = &judge->trace->records[i];

		attempts += record->from_phone && (record->kind == LAB_TRACE_REQUEST ||
						   record->kind == LAB_TRACE_CONNECT);
		calls += accepts_call(record);
		closings += record->kind == LAB_TRACE_CLOSED;
	}
	if (attempts > LAB_JUDGE_ATTEMPTS_MAX)
		return -E2BIG;
	keys = 2 * judge->trace->count; /* a look-up leaves its key */
	judge->attempts = calloc(attempts + 1, sizeof *judge->attempts);
	judge->calls = calloc(calls + 1, sizeof *judge->calls);
	judge->closings = calloc(closings + 1, sizeof *judge->closings);
	error = judge->attempts && judge->calls && judge->closings
			? judge_map_init(&reading.attempts, keys)
			: -ENOMEM;
	if (!error)
		error = judge_map_init(&reading.calls, keys);
	for (size_t i = 0; !error && i < judge->trace->count; i++)
		take_record(&reading, &judge->trace->records[i]);
	judge_map_clear(&reading.attempts);
	judge_map_clear(&reading.calls);
	return error;
}
