/* The judge finds each breach, and only that: traces of phones that do one thing wrong. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "lab/judge.h"

enum { ROUTES = 3, SECOND = 1000 };

static struct kl_route route_of(char letter, enum kl_transport transport)
{
	struct kl_route route = {.port = 5060, .transport = (uint8_t)transport};

	route.ip[10] = route.ip[11] = 0xff;
	route.ip[12] = 192;
	route.ip[14] = 2;
	route.ip[15] = (uint8_t)(letter - 'a' + 1);
	return route;
}

/* A trace in words, a message a line:
 *
 *	MS a METHOD CALL CSEQ BRANCH [EXPIRES [REG-ID]]	the phone sends to server a
 *	MS a STATUS METHOD CALL CSEQ BRANCH [EXPIRES]	a answers
 *	MS a icmp BRANCH	MS a refused BRANCH
 */
static void read_line(struct lab_trace *trace, const char *line, enum kl_transport transport)
{
	struct lab_trace_record record = {
		.line = 1, .from_tag = 1, .retry_after_s = LAB_TRACE_UNSAID};
	unsigned ms, status = 0, expires = LAB_TRACE_UNSAID, call = 0, cseq = 0, branch = 0;
	unsigned reg_id = 0;
	char server, method[16] = "";
	int used = 0;

	assert_int_equal(sscanf(line, " %u %c %n", &ms, &server, &used), 2);
	line += used;
	if (sscanf(line, "icmp %u", &branch) == 1 || sscanf(line, "refused %u", &branch) == 1) {
		record.kind = LAB_TRACE_FAULT;
		record.fault = *line == 'i' ? KL_FAULT_PORT : KL_FAULT_REFUSED;
	} else if (sscanf(line, "%u %15s %u %u %u %u", &status, method, &call, &cseq, &branch,
			  &expires) >= 5) {
		record.kind = LAB_TRACE_ANSWER;
		record.to_tag = 1;
	} else {
		assert_true(sscanf(line, "%15s %u %u %u %u %u", method, &call, &cseq, &branch,
				   &expires, &reg_id) >= 4);
		record.from_phone = true;
	}
	record.at_us = 1000 * (uint64_t)ms;
	record.route = route_of(server, transport);
	record.method = sip_method_of(sip_span_of(method));
	record.status = (uint16_t)status;
	record.call_id = call;
	record.cseq = cseq;
	record.branch = branch;
	record.expires_s = expires;
	record.reg_id = reg_id;
	assert_true(lab_trace_add(trace, &record));
}

struct act {
	const char *text; /* lines of the trace */
	enum kl_transport transport;
	uint32_t until_ms; /* the trace was watched so long; 0: to its last record */
	void (*set)(struct kl_policy *policy);
	bool strange; /* the routes are not known */
};

static void judge_act(const struct act *act, struct lab_verdict *verdict)
{
	struct lab_expected_route routes[ROUTES];
	struct lab_trace trace = {0};
	struct kl_policy policy;
	struct lab_expectation expectation = {.policy = &policy,
					      .routes = routes,
					      .route_count = act->strange ? 0 : ROUTES,
					      .tolerance_ms = 20};
	char text[4096];

	for (int i = 0; i < ROUTES; i++)
		routes[i] =
			(struct lab_expected_route){route_of((char)('a' + i), act->transport), 1};
	kl_policy_profile(&policy, KL_PROFILE_POLY);
	if (act->set)
		act->set(&policy);
	snprintf(text, sizeof text, "%s", act->text);
	for (char *rest, *line = strtok_r(text, "\n", &rest); line;
	     line = strtok_r(NULL, "\n", &rest))
		read_line(&trace, line, act->transport);
	trace.ended_us = 1000 * (uint64_t)act->until_ms;
	assert_int_equal(lab_judge(&trace, &expectation, verdict), 0);
	lab_trace_clear(&trace);
}

/* Nothing but RULE is broken. */
static void assert_breaks(const struct act *act, enum lab_rule rule)
{
	static struct lab_verdict verdict;

	judge_act(act, &verdict);
	for (int i = 0; i < LAB_RULES_MAX; i++)
		if ((verdict.findings[i].broken != 0) != (i == (int)rule))
			fail_msg("%s was %s: %s", lab_rule_id((enum lab_rule)i),
				 i == (int)rule ? "not broken" : "broken",
				 verdict.findings[i].breaches[0].text);
}

static void assert_keeps(const struct act *act, enum lab_rule rule)
{
	static struct lab_verdict verdict;

	judge_act(act, &verdict);
	for (int i = 0; i < LAB_RULES_MAX; i++)
		if (verdict.findings[i].broken)
			fail_msg("%s was broken: %s", lab_rule_id((enum lab_rule)i),
				 verdict.findings[i].breaches[0].text);
	assert_true(verdict.findings[rule].kept > 0);
}

static void reregister(struct kl_policy *policy)
{
	policy->reregister_on = true;
}

static void back_in_a_minute(struct kl_policy *policy)
{
	policy->reregister_on = true;
	policy->failback_ms = 60 * SECOND;
}

static void gap_of_5_seconds(struct kl_policy *policy)
{
	policy->retry_gap_ms = 5 * SECOND;
	policy->attempts_max = policy->invite_attempts_max = 2;
}

static void fast_streams(struct kl_policy *policy)
{
	policy->tcp_fast_failover = true;
	policy->tcp_fast_failover_ms = 2 * SECOND;
}

#define REGISTERED "0 a REGISTER 1 1 1 3600\n10 a 200 REGISTER 1 1 1 3600\n"

/* TIME-1..3 */
static void test_gaps(void **state)
{
	(void)state;
	assert_keeps(&(struct act){.text = "0 a REGISTER 1 1 1\n500 a REGISTER 1 1 1\n"
					   "1500 a REGISTER 1 1 1\n3500 b REGISTER 1 2 2\n"
					   "3510 b 200 REGISTER 1 2 2 3600\n"},
		     LAB_RULE_TIME_1);
	assert_breaks(&(struct act){.text = "0 a REGISTER 1 1 1\n1000 a REGISTER 1 1 1\n"
					    "2000 a 200 REGISTER 1 1 1 3600\n"},
		      LAB_RULE_TIME_1);
	assert_breaks(&(struct act){.text = "0 a REGISTER 1 1 1\n500 a REGISTER 1 1 1\n"
					    "1500 a REGISTER 1 1 1\n5000 b REGISTER 1 2 2\n"
					    "5010 b 200 REGISTER 1 2 2 3600\n"},
		      LAB_RULE_TIME_1);
	assert_breaks(&(struct act){.text = "0 a REGISTER 1 1 1\n5000 a REGISTER 1 1 1\n"
					    "9000 b REGISTER 1 2 2\n"
					    "9010 b 200 REGISTER 1 2 2 3600\n",
				    .set = gap_of_5_seconds},
		      LAB_RULE_TIME_2);
	/* A phone that never leaves a dead server, as RFC 3261 alone would have it. */
	assert_breaks(&(struct act){.text = "0 a REGISTER 1 1 1\n500 a REGISTER 1 1 1\n"
					    "1500 a REGISTER 1 1 1\n",
				    .until_ms = 6 * SECOND},
		      LAB_RULE_TIME_1);
	/* The last of three routes is silent, too: it is sent to until 32 s are over. */
	assert_breaks(&(struct act){.text = "0 a REGISTER 1 1 1\n10 a icmp 1\n"
					    "10 b REGISTER 1 2 2\n20 b icmp 2\n"
					    "20 c REGISTER 1 3 3\n520 c REGISTER 1 3 3\n"
					    "1520 c REGISTER 1 3 3\n3520 c REGISTER 1 3 3\n"
					    "7520 c REGISTER 1 3 3\n",
				    .until_ms = 20 * SECOND},
		      LAB_RULE_TIME_3);
}

/* TIME-5 */
static void test_streams(void **state)
{
	(void)state;
	assert_keeps(&(struct act){.text = "0 a REGISTER 1 1 1\n2000 b REGISTER 1 2 2\n"
					   "2010 b 200 REGISTER 1 2 2 3600\n",
				   .transport = KL_TCP,
				   .set = fast_streams},
		     LAB_RULE_TIME_5);
	assert_breaks(&(struct act){.text = "0 a REGISTER 1 1 1\n5000 b REGISTER 1 2 2\n"
					    "5010 b 200 REGISTER 1 2 2 3600\n",
				    .transport = KL_TCP,
				    .set = fast_streams},
		      LAB_RULE_TIME_5);
	assert_breaks(&(struct act){.text = "0 a REGISTER 1 1 1\n500 a REGISTER 1 1 1\n"
					    "700 a 200 REGISTER 1 1 1 3600\n",
				    .transport = KL_TCP},
		      LAB_RULE_TIME_5);
	assert_breaks(&(struct act){.text = "0 a REGISTER 1 1 1\n5 a refused 1\n"
					    "2000 b REGISTER 1 2 2\n"
					    "2010 b 200 REGISTER 1 2 2 3600\n",
				    .transport = KL_TCP},
		      LAB_RULE_TRIG_4);
}

/* TIME-7..9 and the ACK */
static void test_calls(void **state)
{
	(void)state;
	assert_breaks(&(struct act){.text = REGISTERED
				    "1000 a INVITE 2 1 5\n1010 a 180 INVITE 2 1 5\n"
				    "5000 b INVITE 2 1 6\n"
				    "5010 b 200 INVITE 2 1 6\n"},
		      LAB_RULE_TIME_7);
	assert_breaks(&(struct act){.text = REGISTERED "1000 a INVITE 2 1 5\n"
						       "1010 a 486 INVITE 2 1 5\n",
				    .until_ms = 10 * SECOND},
		      LAB_RULE_ACK);
	assert_keeps(&(struct act){.text = REGISTERED "1000 a INVITE 2 1 5\n"
						      "1010 a 486 INVITE 2 1 5\n"
						      "1020 a ACK 2 1 5\n",
				   .until_ms = 10 * SECOND},
		     LAB_RULE_ACK);
	/* A ghost call: the first server's 200 comes after the call went on at the second. */
	assert_breaks(&(struct act){.text = REGISTERED "1000 a INVITE 2 1 5\n1500 a INVITE 2 1 5\n"
						       "2500 a INVITE 2 1 5\n"
						       "4500 b INVITE 2 1 6\n"
						       "4510 b 200 INVITE 2 1 6\n"
						       "4520 b ACK 2 1 7\n"
						       "4600 a 200 INVITE 2 1 5\n",
				    .until_ms = 10 * SECOND},
		      LAB_RULE_TIME_9);
}

/* TIME-8 */
static void test_identity(void **state)
{
	(void)state;
	assert_breaks(&(struct act){.text = "0 a REGISTER 1 5 1\n10 a icmp 1\n"
					    "10 b REGISTER 1 5 2\n"
					    "20 b 200 REGISTER 1 5 2 3600\n"},
		      LAB_RULE_TIME_8);
	assert_breaks(&(struct act){.text = REGISTERED "1000 a INVITE 2 1 5\n1010 a icmp 5\n"
						       "1010 b INVITE 2 2 6\n"
						       "1020 b 200 INVITE 2 2 6\n"},
		      LAB_RULE_TIME_8);
}

/* TRIG-1, 2, 5, 8 */
static void test_triggers(void **state)
{
	(void)state;
	assert_breaks(&(struct act){.text = "0 a REGISTER 1 1 1\n10 a icmp 1\n"
					    "900 b REGISTER 1 2 2\n"
					    "910 b 200 REGISTER 1 2 2 3600\n"},
		      LAB_RULE_TRIG_1);
	assert_breaks(&(struct act){.text = REGISTERED "1000 a MESSAGE 2 1 5\n"
						       "1010 a 503 MESSAGE 2 1 5\n",
				    .until_ms = 9 * SECOND},
		      LAB_RULE_TRIG_2);
	assert_breaks(&(struct act){.text = REGISTERED "1000 a MESSAGE 2 1 5\n"
						       "1010 a 404 MESSAGE 2 1 5\n"
						       "1020 b MESSAGE 2 1 6\n"
						       "1030 b 200 MESSAGE 2 1 6\n"},
		      LAB_RULE_TRIG_5);
	assert_breaks(&(struct act){.text = "0 a REGISTER 1 1 1 3600\n10 a 401 REGISTER 1 1 1\n"
					    "20 b REGISTER 1 2 2 3600\n"
					    "30 b 200 REGISTER 1 2 2 3600\n",
				    .set = reregister},
		      LAB_RULE_TRIG_8);
}

/* REG-1, BACK-1, BACK-6, REG-4 */
static void test_registration(void **state)
{
	(void)state;
	assert_breaks(&(struct act){.text = REGISTERED "1800000 a REGISTER 1 2 2 3600\n"
						       "1800010 a 200 REGISTER 1 2 2 3600\n"},
		      LAB_RULE_REG_1);
	assert_breaks(&(struct act){.text = REGISTERED, .until_ms = 3600 * SECOND}, LAB_RULE_REG_1);
	/* Default back-off of the Poly guide: 30 to 60 s. */
	assert_breaks(&(struct act){.text = "0 a REGISTER 1 1 1\n10 a 403 REGISTER 1 1 1\n"
					    "5000 a REGISTER 2 1 2\n"
					    "5010 a 200 REGISTER 2 1 2 3600\n"},
		      LAB_RULE_BACK_1);
	assert_keeps(&(struct act){.text = "0 a REGISTER 1 1 1\n10 a 403 REGISTER 1 1 1\n"
					   "45000 a REGISTER 2 1 2\n"
					   "45010 a 200 REGISTER 2 1 2 3600\n"},
		     LAB_RULE_BACK_1);
	assert_breaks(&(struct act){.text = "0 a REGISTER 1 1 1\n10 a 403 REGISTER 1 1 1\n"
					    "45000 a REGISTER 1 2 2\n"
					    "45010 a 200 REGISTER 1 2 2 3600\n"},
		      LAB_RULE_REG_4);
	assert_breaks(&(struct act){.text = "0 a REGISTER 1 1 1\n10 a 403 REGISTER 1 1 1\n",
				    .until_ms = 600 * SECOND},
		      LAB_RULE_BACK_6);
}

#define MOVED                                                                                      \
	"0 a REGISTER 1 1 1 3600\n10 a icmp 1\n10 b REGISTER 1 2 2 3600\n"                         \
	"20 b 200 REGISTER 1 2 2 3600\n"

/* FAIL-2, FAIL-5, FAIL-7, FAIL-10, FAIL-11, FAIL-13 */
static void test_failback(void **state)
{
	static const struct act early = {.text = MOVED "30000 a REGISTER 1 3 3 3600\n"
						       "30010 a 200 REGISTER 1 3 3 3600\n",
					 .set = back_in_a_minute};
	static const struct act never = {
		.text = MOVED, .set = back_in_a_minute, .until_ms = 100 * SECOND};
	static const struct act in_time = {.text = MOVED "60020 a REGISTER 1 3 3 3600\n"
							 "60030 a 200 REGISTER 1 3 3 3600\n",
					   .set = back_in_a_minute};
	static const struct act in_a_call = {
		.text = MOVED "50000 b INVITE 2 1 5\n50010 b 200 INVITE 2 1 5\n50020 b ACK 2 1 6\n"
			      "60020 a REGISTER 1 3 3 3600\n60030 a 200 REGISTER 1 3 3 3600\n",
		.set = back_in_a_minute};
	static const struct act unregistered = {
		.text = MOVED "60020 b REGISTER 1 3 3 0\n60030 b 200 REGISTER 1 3 3 0\n"
			      "60030 a REGISTER 1 4 4 3600\n60040 a 200 REGISTER 1 4 4 3600\n",
		.set = back_in_a_minute};

	(void)state;
	assert_breaks(&early, LAB_RULE_FAIL_10);
	assert_breaks(&never, LAB_RULE_FAIL_10);
	assert_keeps(&in_time, LAB_RULE_FAIL_10);
	assert_breaks(&in_a_call, LAB_RULE_FAIL_11);
	assert_breaks(&unregistered, LAB_RULE_FAIL_13);
	assert_breaks(&(struct act){.text = REGISTERED "1000 b MESSAGE 2 1 5\n"
						       "1010 b 200 MESSAGE 2 1 5\n"},
		      LAB_RULE_FAIL_7);
}

/* FAIL-2: a call goes to a route that has no registration. */
static void test_unregistered_route(void **state)
{
	static const struct act act = {.text = REGISTERED
				       "1000 a INVITE 2 1 5\n1010 a icmp 5\n1010 b INVITE 2 1 6\n"
				       "1020 b 200 INVITE 2 1 6\n1030 b ACK 2 1 7\n",
				       .set = reregister};
	static struct lab_verdict verdict;

	(void)state;
	judge_act(&act, &verdict);
	assert_int_equal(verdict.broken, 2);
	assert_int_equal(verdict.findings[LAB_RULE_FAIL_2].broken, 1);
	assert_int_equal(verdict.findings[LAB_RULE_FAIL_5].broken, 1);
}

static void leave_silence(struct kl_policy *policy)
{
	policy->first_silence = true;
}

/* OWN-3: a route is left neither before its request was sent again nor if anything came meanwhile.
 */
static void test_first_silence(void **state)
{
	static const struct act silent = {
		.text = "0 a REGISTER 1 1 1\n500 a REGISTER 1 1 1\n561 b REGISTER 1 2 2\n"
			"581 b 200 REGISTER 1 2 2 3600\n",
		.set = leave_silence};
	static const struct act hasty = {
		.text = "0 a REGISTER 1 1 1\n300 b REGISTER 1 2 2\n320 b 200 REGISTER 1 2 2 3600\n",
		.set = leave_silence};
	static const struct act deaf = {
		.text = "0 a REGISTER 1 1 1\n400 a OPTIONS 2 1 5\n420 a 200 OPTIONS 2 1 5\n"
			"500 a REGISTER 1 1 1\n561 b REGISTER 1 2 2\n581 b 200 REGISTER 1 2 2 "
			"3600\n",
		.set = leave_silence};
	static const struct act stream = {
		.text = "0 a REGISTER 1 1 1\n561 b REGISTER 1 2 2\n581 b 200 REGISTER 1 2 2 3600\n",
		.transport = KL_TCP,
		.set = leave_silence};
	static const struct act deaf_stream = {
		.text = "0 a REGISTER 1 1 1\n500 a OPTIONS 2 1 5\n540 a 200 OPTIONS 2 1 5\n"
			"561 b REGISTER 1 2 2\n581 b 200 REGISTER 1 2 2 3600\n",
		.transport = KL_TCP,
		.set = leave_silence};

	(void)state;
	assert_keeps(&stream, LAB_RULE_OWN_3);
	assert_breaks(&deaf_stream, LAB_RULE_OWN_3);
	assert_keeps(&silent, LAB_RULE_OWN_3);
	assert_breaks(&hasty, LAB_RULE_OWN_3);
	assert_breaks(&deaf, LAB_RULE_OWN_3);
}

static void follow(struct kl_policy *policy)
{
	policy->register_follows = policy->retry_merged = true;
}

/* OWN-8: a call moves, and its line stays behind; or it moves with it.  482 to it ends it; or not.
 */
static void test_following(void **state)
{
#define CALL_MOVED "1000 a INVITE 2 1 5\n1010 a icmp 5\n1010 b INVITE 2 1 6\n"
	static const struct act follows = {.text = REGISTERED CALL_MOVED
					   "1020 b 180 INVITE 2 1 6\n1020 b REGISTER 1 3 7 3600\n"
					   "1030 b 200 REGISTER 1 3 7 3600\n",
					   .until_ms = 3 * SECOND,
					   .set = follow};
	static const struct act stays = {.text = REGISTERED CALL_MOVED "1020 b 180 INVITE 2 1 6\n",
					 .until_ms = 3 * SECOND,
					 .set = follow};
	static const struct act merged = {.text = REGISTERED CALL_MOVED
					  "1020 b 482 INVITE 2 1 6\n1020 b ACK 2 1 6\n"
					  "1020 b REGISTER 1 3 7 3600\n"
					  "1030 b 200 REGISTER 1 3 7 3600\n",
					  .until_ms = 3 * SECOND,
					  .set = follow};

	(void)state;
	assert_keeps(&follows, LAB_RULE_OWN_8);
	assert_breaks(&stays, LAB_RULE_OWN_8);
	assert_breaks(&merged, LAB_RULE_OWN_8);
}

static void two_flows(struct kl_policy *policy)
{
	policy->reregister_on = true;
	policy->flows_max = 2;
}

/* OWN-6: a second flow on another server, or on the same; one that could not be made, tried again
 * after 100 s, or after 10 s; and a call that goes on by it, which is no breach of FAIL-2. */
static void test_two_flows(void **state)
{
#define FIRST_FLOW "0 a REGISTER 1 1 1 3600 1\n10 a 200 REGISTER 1 1 1 3600\n"
#define SECOND_FLOW "20 b REGISTER 2 1 2 3600 2\n30 b 200 REGISTER 2 1 2 3600\n"
#define NO_SECOND                                                                                  \
	"20 b REGISTER 2 1 2 3600 2\n30 b icmp 2\n30 c REGISTER 2 2 3 3600 2\n40 c icmp 3\n"
	static const struct act apart = {.text = FIRST_FLOW SECOND_FLOW, .set = two_flows};
	static const struct act together = {
		.text = FIRST_FLOW "20 a REGISTER 2 1 2 3600 2\n30 a 200 REGISTER 2 1 2 3600\n",
		.set = two_flows};
	static const struct act patient = {.text = FIRST_FLOW NO_SECOND
					   "100040 b REGISTER 3 1 4 3600 2\n"
					   "100050 b 200 REGISTER 3 1 4 3600\n",
					   .set = two_flows};
	static const struct act hasty = {.text = FIRST_FLOW NO_SECOND
					 "10040 b REGISTER 3 1 4 3600 2\n"
					 "10050 b 200 REGISTER 3 1 4 3600\n",
					 .set = two_flows};
	static const struct act goes_on = {.text = FIRST_FLOW SECOND_FLOW
					   "1000 a INVITE 5 1 5\n1010 a icmp 5\n"
					   "1010 b INVITE 5 1 6\n1020 b 200 INVITE 5 1 6\n"
					   "1030 b ACK 5 1 7\n",
					   .set = two_flows};

	(void)state;
	assert_keeps(&apart, LAB_RULE_OWN_6);
	assert_breaks(&together, LAB_RULE_OWN_6);
	assert_keeps(&patient, LAB_RULE_OWN_6);
	assert_breaks(&hasty, LAB_RULE_OWN_6);
	assert_keeps(&goes_on, LAB_RULE_FAIL_2);
}

/* Where it is not known which servers there are, nothing is said that needs them. */
static void test_doubt(void **state)
{
	static const struct act act = {.text = "0 a REGISTER 1 1 1\n500 a REGISTER 1 1 1\n"
					       "1500 a REGISTER 1 1 1\n",
				       .until_ms = 6 * SECOND,
				       .strange = true};

	(void)state;
	assert_keeps(&act, LAB_RULE_TIME_1);
}

static void test_nothing(void **state)
{
	static struct lab_verdict verdict;

	(void)state;
	judge_act(&(struct act){.text = ""}, &verdict);
	assert_int_equal(verdict.broken, 0);
	assert_int_equal(verdict.requests, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_gaps),          cmocka_unit_test(test_streams),
		cmocka_unit_test(test_calls),         cmocka_unit_test(test_identity),
		cmocka_unit_test(test_triggers),      cmocka_unit_test(test_registration),
		cmocka_unit_test(test_failback),      cmocka_unit_test(test_unregistered_route),
		cmocka_unit_test(test_doubt),         cmocka_unit_test(test_nothing),
		cmocka_unit_test(test_first_silence), cmocka_unit_test(test_following),
		cmocka_unit_test(test_two_flows),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
