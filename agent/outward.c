/* outward.c - requests from inside, on their way to a server. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/loopback.h"
#include "agent/relay.h"
#include "phone/log.h"

/* An ACK has no transaction of its own to be named by. */
#define ACK_TOKEN (PHONE_RELAY_TOKEN | UINT64_C(1) << 62)

/* ---- the table ----------------------------------------------------------------------------- */

static struct agent_outward *find(const struct agent *agent, uint64_t token)
{
	struct agent_outward *out;

	LIST_FOREACH(out, &agent->outward[token % AGENT_BUCKETS], others)
	if (out->token == token)
		return out;
	return NULL;
}

static void leave_queue(struct agent_outward *out)
{
	if (out->age == AGENT_WALKING)
		TAILQ_REMOVE(&out->agent->walks, out, aging);
	if (out->age == AGENT_DONE)
		TAILQ_REMOVE(&out->agent->done, out, aging);
	out->age = AGENT_YOUNG;
}

static void outward_free(struct agent_outward *out)
{
	leave_queue(out);
	LIST_REMOVE(out, others);
	out->agent->outward_count--;
	sip_message_clear(&out->request);
	free(out->kept.bytes);
	free(out);
}

static struct agent_outward *outward_new(struct agent *agent, const struct agent_incoming *incoming)
{
	const struct sip_message *request = incoming->packet.request;
	struct agent_outward *out = calloc(1, sizeof(*out));

	if (!out)
		return NULL;
	sip_message_share(&out->request, request);
	out->agent = agent;
	out->incoming = *incoming;
	out->incoming.packet.request = &out->request;
	out->back = phone_reply_hop(&out->incoming.packet);
	out->token = incoming->packet.id ? PHONE_RELAY_TOKEN | incoming->packet.id
					 : ACK_TOKEN | ++agent->last_ack;
	LIST_INSERT_HEAD(&agent->outward[out->token % AGENT_BUCKETS], out, others);
	agent->outward_count++;
	return out;
}

/* Its answer went inside.  An INVITE stays a while, for other answers to it. */
static void finish(struct agent_outward *out)
{
	leave_queue(out);
	if (out->request.method != SIP_INVITE || !out->is_answered) {
		outward_free(out);
		return;
	}
	out->age = AGENT_DONE;
	out->age_at_ms = net_now_ms() + AGENT_LINGER_MS;
	TAILQ_INSERT_TAIL(&out->agent->done, out, aging);
}

void agent_outward_clear(struct agent *agent)
{
	for (int i = 0; i < AGENT_BUCKETS; i++)
		while (!LIST_EMPTY(&agent->outward[i]))
			outward_free(LIST_FIRST(&agent->outward[i]));
}

/* ---- taking -------------------------------------------------------------------------------- */

static struct agent_dialog *dialog_of(const struct agent_outward *out)
{
	return out->dialog ? agent_ledger_by_id(out->agent->ledger, out->dialog) : NULL;
}

static void refuse(struct agent_outward *out, unsigned status)
{
	if (out->request.method != SIP_ACK)
		agent_inside_reply(out->agent->inside, &out->incoming, status, NULL);
	outward_free(out);
}

static void ask(struct agent_outward *out, struct agent_dialog *dialog)
{
	struct agent *agent = out->agent;
	const struct phone_relay_order order = {
		.token = out->token,
		.method = out->request.method,
		.binding = dialog->binding,
		.next_hop = agent_dialog_next(dialog, AGENT_OUTSIDE), /* FAIL-18 */
	};

	out->dialog = dialog->id;
	out->incoming.line = dialog->line;
	dialog->hop = out->back;
	agent_note_request(agent, dialog, AGENT_INSIDE, &out->request);
	if (out->request.method == SIP_INVITE)
		agent_inside_reply(agent->inside, &out->incoming, 100, NULL);
	if (phone_relay_ask(agent->config.phone, &order))
		refuse(out, 503);
}

/* AGENT-6: a dialog whose server is gone ends inside, and nothing goes out. */
static void take_inside_dialog(struct agent_outward *out)
{
	struct agent *agent = out->agent;
	const struct agent_dialog_key key =
		agent_dialog_key_of(&out->request, AGENT_INSIDE, AGENT_ANY_LINE);
	struct agent_dialog *dialog = agent_ledger_find(agent->ledger, &key);

	if (!dialog) {
		refuse(out, 481);
		return;
	}
	if (out->request.method != SIP_ACK &&
	    (dialog->is_dead || !phone_relay_may_signal(agent->config.phone, &dialog->binding))) {
		refuse(out, out->request.method == SIP_BYE ? 200 : 481);
		agent_forget(agent, dialog);
		return;
	}
	ask(out, dialog);
}

void agent_outward_take(struct agent *agent, const struct agent_incoming *incoming)
{
	struct agent_outward *out = outward_new(agent, incoming);
	enum sip_method method = incoming->packet.request->method;
	int error;

	if (!out) {
		if (method != SIP_ACK)
			agent_inside_reply(agent->inside, incoming, 503, NULL);
		return;
	}
	if (out->request.to.tag.at || method == SIP_ACK) {
		take_inside_dialog(out);
		return;
	}
	if (method == SIP_INVITE)
		agent_inside_reply(agent->inside, &out->incoming, 100, NULL);
	if (method != SIP_INVITE) {
		out->age = AGENT_WALKING;
		out->age_at_ms = net_now_ms() + AGENT_WALK_MS;
		TAILQ_INSERT_TAIL(&agent->walks, out, aging);
	}
	error = phone_relay_begin(agent->config.phone, incoming->line, method, out->token);
	out = error < 0 ? find(agent, PHONE_RELAY_TOKEN | incoming->packet.id) : NULL;
	if (out)
		refuse(out, 503);
}

void agent_outward_cancel(struct agent *agent, sip_transaction_id invite)
{
	struct agent_outward *out = find(agent, PHONE_RELAY_TOKEN | invite);

	if (!out || out->is_answered)
		return;
	if (out->dialog)
		phone_relay_cancel_ask(agent->config.phone, out->token);
	else
		phone_relay_cancel(agent->config.phone, out->incoming.line, out->token);
}

/* RFC 4320: the endpoint is told before it gives up by itself. */
void agent_outward_age(struct agent *agent)
{
	struct agent_outward *out;
	uint64_t now = net_now_ms();

	while ((out = TAILQ_FIRST(&agent->walks)) && out->age_at_ms <= now) {
		leave_queue(out);
		phone_relay_cancel(agent->config.phone, out->incoming.line, out->token);
	}
	/* RFC 3261 13.2.2.4: then the early dialogs of other branches are over. */
	while ((out = TAILQ_FIRST(&agent->done)) && out->age_at_ms <= now) {
		if (!out->dialog)
			agent_forget_early(agent, out->incoming.line, AGENT_INSIDE, &out->request);
		outward_free(out);
	}
}

/* ---- writing ------------------------------------------------------------------------------- */

static bool ends_here(void *user, struct sip_span realm)
{
	const struct agent *agent = user;

	return sip_span_is(realm, agent->config.config->inside.realm);
}

/* The number with which it goes out: an ACK has that of its INVITE, a repeat with credentials one
 * more than before (AGENT-4). */
static uint32_t number_of(struct agent_outward *out, struct agent_dialog *dialog, unsigned again)
{
	uint32_t number = out->request.cseq.number;
	struct agent_cseq *cseq = dialog ? &dialog->cseq[AGENT_INSIDE] : NULL;

	if (cseq && out->request.method == SIP_ACK)
		return agent_cseq_invite(cseq, number);
	if (!out->first)
		out->first = cseq ? agent_cseq_next(cseq, number) : number;
	out->went = out->first + again;
	if (cseq)
		agent_cseq_went(cseq, number, out->went, out->request.method);
	return out->went;
}

/* RFC 3261 12.2.1.1: a route without ;lr is a strict router, whose URI is asked for, with the
 * target at the end of the routes. */
static struct sip_span route_of(const struct agent_dialog *dialog, struct sip_span *uri, char *to,
				size_t size)
{
	struct sip_span routes = agent_dialog_text(dialog, AGENT_OUTSIDE_ROUTES), rest = routes,
			first;
	struct sip_address address;
	struct sip_uri decoded;
	int length;

	if (!sip_list_next(&rest, &first) || sip_address_parse(&address, first) ||
	    sip_uri_parse(&decoded, address.uri) || decoded.is_loose)
		return routes;
	length = snprintf(to, size, "%.*s%s<%.*s>", SIP_SPAN(sip_span_trim(rest)),
			  rest.length ? ", " : "", SIP_SPAN(*uri));
	if (length < 0 || (size_t)length >= size)
		return routes;
	*uri = address.uri;
	return (struct sip_span){to, (size_t)length};
}

static struct sip_span write_proof(const struct agent_outward *out,
				   const struct phone_relay_send *send, struct sip_span uri,
				   struct sip_span body, struct sip_builder *builder)
{
	char method[64], target[PHONE_URI_MAX];
	const struct sip_digest_request request = {.method = method, .uri = target, .body = body};

	if (sip_span_copy(out->request.method_name, method, sizeof(method)) ||
	    sip_span_copy(uri, target, sizeof(target)) || out->request.method == SIP_ACK)
		return (struct sip_span){NULL, 0};
	phone_relay_prove(send, &request, builder);
	return builder->error ? (struct sip_span){NULL, 0}
			      : (struct sip_span){builder->bytes, builder->length};
}

int agent_outward_write(struct agent *agent, const struct phone_relay_send *send, char *to,
			size_t size)
{
	struct agent_outward *out = find(agent, send->token);
	struct agent_dialog *dialog = out ? dialog_of(out) : NULL;
	char contact[PHONE_URI_MAX], proof[4096], route[AGENT_DIALOG_TEXT_MAX + PHONE_URI_MAX];
	struct agent_request_rewrite rewrite = {
		.via = sip_span_of(send->via),
		.is_alone = true,
		.route = sip_span_of(send->service_route),
		.record_route = sip_span_of(""),
		.ends = ends_here,
		.user = agent,
		.on_stream = send->on_stream,
	};
	struct sip_builder builder;
	uint32_t rack, refer;

	if (!out || (out->dialog && !dialog))
		return SIP_ESTATE;
	rewrite.uri = out->request.request_uri;
	if (dialog)
		rewrite.route = route_of(dialog, &rewrite.uri, route, sizeof(route));
	agent_write_contact(agent, send->contact, out->incoming.endpoint, contact);
	rewrite.contact = sip_span_of(contact);
	rewrite.cseq = number_of(out, dialog, send->again);
	if (dialog && agent_read_rack(&out->request, &rack))
		rewrite.rack = agent_cseq_invite(&dialog->cseq[AGENT_INSIDE], rack);
	if (dialog && out->request.method == SIP_SUBSCRIBE &&
	    agent_read_refer(&out->request, &refer))
		rewrite.refer = agent_cseq_refer(&dialog->cseq[AGENT_INSIDE], refer);
	if (agent->config.config->inside.replaces_loopback)
		rewrite.body = agent_loopback_body(&out->request, send->media_host, agent->media,
						   sizeof(agent->media));
	sip_builder_init(&builder, proof, sizeof(proof));
	rewrite.credentials =
		write_proof(out, send, rewrite.uri,
			    rewrite.body.at ? rewrite.body : out->request.body, &builder);
	return agent_rewrite_request(&out->request, &rewrite, to, size);
}

/* ---- answers ------------------------------------------------------------------------------- */

/* As it goes inside, in the agent's scratch.  Its length, or a SIP_E*. */
static int write_inside(struct agent_outward *out, const struct sip_message *response)
{
	struct agent *agent = out->agent;
	char vias[8192], routes[8192], ours[PHONE_URI_MAX];
	struct agent_response_rewrite rewrite = {
		.asked = &out->request,
		.on_stream = out->back.route.transport != KL_UDP,
	};
	struct sip_builder builder;

	rewrite.vias =
		agent_write_vias(&out->request, &out->incoming.packet.source, vias, sizeof(vias));
	if (agent_inside_write_route(agent->inside, &out->back, ours))
		return SIP_ESTATE;
	sip_builder_init(&builder, routes, sizeof(routes));
	sip_builder_header(&builder, "Record-Route", "%s", ours);
	sip_builder_copy(&builder, &out->request, SIP_RECORD_ROUTE);
	if (builder.error)
		return builder.error;
	rewrite.record_routes = (struct sip_span){routes, builder.length};
	return agent_rewrite_response(response, &rewrite, agent->scratch, sizeof(agent->scratch));
}

void agent_outward_answer(struct agent *agent, const struct phone_relay_answer *answer)
{
	struct agent_outward *out = find(agent, answer->token);
	const struct sip_message *response = answer->response;
	struct sip_answer passed = {.status = response->status};
	int length;

	if (!out || response->status == 100)
		return;
	agent_note_answer(agent, &(struct agent_note){
					 .side = AGENT_OUTSIDE,
					 .line = out->incoming.line,
					 .endpoint = out->incoming.endpoint,
					 .request = &out->request,
					 .response = response,
					 .went = out->went,
					 .is_first = !out->is_answered,
					 .hop = &out->back,
					 .binding = &answer->binding,
				 });
	length = write_inside(out, response);
	if (length < 0)
		return;
	passed.bytes = (struct sip_span){agent->scratch, (size_t)length};
	if (response->status >= 300) {
		agent_keep(&out->kept, response->status, agent->scratch, (size_t)length);
		return;
	}
	out->is_ringing = true;
	if (response->status >= 200)
		out->is_answered = true;
	agent_inside_respond(agent->inside, out->incoming.packet.id, &out->back, &passed);
}

/* AGENT-5, AGENT-8: a 503 of the last route is no word of the inside's own server, so it goes in as
 * 500; that no server answers at all is.  A call that rang and lost its route says nothing of the
 * other servers, either (TIME-7).  Nobody but an INVITE's sender takes a request back: any
 * other one ends because nobody answered in time. */
static void pass_refusal(struct agent_outward *out, const struct phone_relay_end *end)
{
	struct agent_inside *inside = out->agent->inside;
	struct sip_answer answer = {.status = out->kept.status,
				    .bytes = {out->kept.bytes, out->kept.length}};
	bool is_cancelled = end->status == 487 && out->request.method == SIP_INVITE;

	if (end->is_local || out->kept.status != end->status || out->kept.status == 503)
		agent_inside_refuse(inside, &out->incoming,
				    is_cancelled                        ? 487
				    : !end->is_local || out->is_ringing ? 500
									: 503,
				    AGENT_RETRY_S);
	else
		agent_inside_respond(inside, out->incoming.packet.id, &out->back, &answer);
}

void agent_outward_end(struct agent *agent, const struct phone_relay_end *end)
{
	struct agent_outward *out = find(agent, end->token);
	struct agent_dialog *dialog = out ? dialog_of(out) : NULL;

	if (!out)
		return;
	if (out->request.method != SIP_ACK && !out->is_answered) {
		pass_refusal(out, end);
		if (!out->dialog)
			agent_forget_early(agent, out->incoming.line, AGENT_INSIDE, &out->request);
	}
	if (dialog && agent_note_is_over(dialog, &out->request, end->status))
		agent_forget(agent, dialog);
	finish(out);
}
