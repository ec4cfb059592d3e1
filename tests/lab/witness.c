/* witness.c - the simulated world's messages, as a trace that the judge can read. */
#include "witness.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

static enum sip_method method_of(enum kl_method method)
{
	return sip_method_of(sip_span_of(kl_method_name(method)));
}

static uint64_t now_us(const struct witness *witness)
{
	return witness->story.world.now_us;
}

/* Only lines that are to be judged alike: with the policy of the first. */
static bool is_like_the_first(const struct witness *witness, uint32_t line)
{
	const struct kl_line_config *lines = witness->story.world.config->lines;

	return !memcmp(lines[line].entries[0].policy, lines[0].entries[0].policy,
		       sizeof(struct kl_policy));
}

static void see_send(struct witness *witness, const struct kl_action_send *send)
{
	bool registers = send->method == KL_REGISTER;
	struct witness_request *request;
	uint64_t call =
		registers ? UINT64_C(1) << 40 | (uint64_t)send->line << 20 |
				    (uint64_t)send->entry << 16 |
				    (uint64_t)(send->reg_id == 2) << 15 | send->call_id
			  : UINT64_C(2) << 40 | (uint64_t)(send->call_id - 1) << 36 | send->token;

	if (send->token == 0 && send->method == KL_OPTIONS)
		call = UINT64_C(3) << 40 | send->tx;
	if (witness->request_count == witness->request_room) {
		witness->request_room = 2 * witness->request_room + 64;
		witness->requests = reallocarray(witness->requests, witness->request_room,
						 sizeof *witness->requests);
		assert(witness->requests);
	}
	request = &witness->requests[witness->request_count++];
	*request = (struct witness_request){
		.tx = send->tx,
		.record = {.at_us = now_us(witness),
			   .kind = LAB_TRACE_REQUEST,
			   .from_phone = true,
			   .route = send->route,
			   .method = method_of(send->method),
			   .cseq = send->cseq,
			   .line = send->line + 1,
			   .call_id = call,
			   .from_tag = 1,
			   .contact = registers ? witness->contact : 0,
			   .reg_id = send->reg_id,
			   .to_tag = send->purpose == KL_FOR_REFRESH,
			   .branch = send->tx,
			   .event = send->method == KL_SUBSCRIBE ? send->token : 0,
			   .expires_s = registers || send->method == KL_SUBSCRIBE
						? (uint32_t)(send->expires_ms / 1000)
						: LAB_TRACE_UNSAID,
			   .retry_after_s = LAB_TRACE_UNSAID},
	};
	if (is_like_the_first(witness, send->line))
		assert(lab_trace_add(&witness->trace, &request->record));
}

static const struct witness_request *find_request(const struct witness *witness, kl_tx tx)
{
	for (size_t i = witness->request_count; i-- > 0;)
		if (witness->requests[i].tx == tx)
			return &witness->requests[i];
	return NULL;
}

static void see_response(struct witness *witness, const struct kl_event_response *response)
{
	const struct witness_request *request = find_request(witness, response->tx);
	struct lab_trace_record record;

	if (!request || !is_like_the_first(witness, (uint32_t)request->record.line - 1))
		return;
	record = request->record;
	record.at_us = now_us(witness);
	record.kind = LAB_TRACE_ANSWER;
	record.from_phone = false;
	record.status = response->status;
	record.to_tag = 1;
	record.expires_s = record.method == SIP_REGISTER ? (uint32_t)(response->granted_ms / 1000)
							 : LAB_TRACE_UNSAID;
	if (response->status == 503 && response->retry_after_ms)
		record.retry_after_s = (uint32_t)(response->retry_after_ms / 1000);
	assert(lab_trace_add(&witness->trace, &record));
	if (record.method != SIP_INVITE || record.status < 300)
		return;
	/* The world's phone acknowledges without the engine. */
	record.kind = LAB_TRACE_REQUEST;
	record.from_phone = true;
	record.method = SIP_ACK;
	assert(lab_trace_add(&witness->trace, &record));
}

static void see_fault(struct witness *witness, const struct kl_event_transport *fault)
{
	assert(lab_trace_add(&witness->trace,
			     &(struct lab_trace_record){
				     .at_us = now_us(witness),
				     .kind = LAB_TRACE_FAULT,
				     .route = fault->route,
				     .branch = fault->fault == KL_FAULT_SEND ||
							       fault->fault == KL_FAULT_OVERTAKEN
						       ? fault->tx
						       : 0,
				     .fault = fault->fault}));
}

static void see_closing(struct witness *witness, const struct kl_event_transport *lost)
{
	assert(lab_trace_add(&witness->trace, &(struct lab_trace_record){.at_us = now_us(witness),
									 .kind = LAB_TRACE_CLOSED,
									 .route = lost->route}));
}

/* Calls that came in, and the ends of all, show in the phone alone. */
static void see_calls(struct witness *witness)
{
	const struct sim_host *host = &witness->story.world.host;

	for (size_t i = 0; i < host->call_count && i < WITNESS_CALLS_MAX; i++) {
		const struct sim_call *call = &host->calls[i];
		struct lab_trace_record record = {
			.at_us = now_us(witness),
			.kind = call->up ? LAB_TRACE_ANSWER : LAB_TRACE_REQUEST,
			.from_phone = true,
			.method = call->up ? SIP_INVITE : SIP_BYE,
			.status = call->up ? 200 : 0,
			.line = call->line + 1,
			.call_id = UINT64_C(2) << 40 | call->token,
			.branch = UINT64_C(4) << 40 | call->token,
			.to_tag = 1,
			.route = call->binding.route,
		};

		if (call->up != witness->up[i] && is_like_the_first(witness, call->line))
			assert(lab_trace_add(&witness->trace, &record));
		witness->up[i] = call->up;
	}
}

static void see_event(void *context, const struct kl_event *event, int result)
{
	struct witness *witness = context;

	if (event->type == KL_EV_RESPONSE)
		see_response(witness, &event->response);
	else if (event->type == KL_EV_TRANSPORT && result == 0)
		see_fault(witness, &event->transport);
	else if (event->type == KL_EV_STREAM_LOST)
		see_closing(witness, &event->transport);
	else if (event->type == KL_EV_ADDRESS_CHANGED)
		witness->contact++;
	see_calls(witness);
	sim_story_see_event(&witness->story, event, result);
}

static void see_settled(void *context)
{
	see_calls(context);
	sim_story_see_settled(&((struct witness *)context)->story);
}

static void see_action(void *context, const struct kl_action *action)
{
	struct witness *witness = context;

	if (action->type == KL_DO_SEND)
		see_send(witness, &action->send);
	sim_story_see_action(&witness->story, action);
}

static void see_text(void *context, const char *text)
{
	sim_story_see_text(&((struct witness *)context)->story, text);
}

bool witness_play(struct witness *witness, const char *name, const char *text)
{
	bool going = true;

	*witness = (struct witness){.contact = 1};
	witness->transcript = open_memstream(&witness->text, &witness->size);
	assert(witness->transcript);
	sim_story_init(&witness->story, name, witness->transcript);
	witness->story.world.watch = (struct sim_watch){.context = witness,
							.event = see_event,
							.action = see_action,
							.settled = see_settled,
							.say = see_text};
	while (going && *text && strncmp(text, "----\n", 5) != 0) {
		size_t length = strcspn(text, "\n");

		going = sim_story_play_line(&witness->story, text, length);
		text += length + (text[length] == '\n');
	}
	witness->trace.ended_us = now_us(witness);
	return going;
}

void witness_free(struct witness *witness)
{
	sim_story_free(&witness->story);
	lab_trace_clear(&witness->trace);
	free(witness->requests);
	fclose(witness->transcript);
	free(witness->text);
}

void witness_judge(struct witness *witness, struct lab_verdict *verdict)
{
	const struct sim_world *world = &witness->story.world;
	struct lab_expected_route routes[KL_SET_ROUTES_MAX];
	struct lab_expectation expectation = {
		.policy = world->config->lines[0].entries[0].policy,
		.routes = routes,
		.tolerance_ms = 1,
	};
	struct kl_route_view view;

	while (expectation.route_count < KL_SET_ROUTES_MAX &&
	       !kl_get_route(world->engine, 0, 0, expectation.route_count, &view))
		routes[expectation.route_count++] =
			(struct lab_expected_route){view.route, view.record};
	assert(!lab_judge(&witness->trace, &expectation, verdict));
}

void witness_print(const struct lab_verdict *verdict, const char *before)
{
	for (int rule = 0; rule < LAB_RULES_MAX; rule++) {
		const struct lab_finding *finding = &verdict->findings[rule];

		for (uint32_t i = 0; i < finding->broken && i < LAB_SIGHTS_MAX; i++)
			printf("%s%s at %.3f: %s\n", before, lab_rule_id((enum lab_rule)rule),
			       (double)finding->breaches[i].at_us / 1e6, finding->breaches[i].text);
	}
}
