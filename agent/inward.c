/* inward.c - requests from outside, on their way to the endpoints of a line. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/loopback.h"
#include "agent/relay.h"

/* ---- the table ----------------------------------------------------------------------------- */

static struct agent_inward *find(const struct agent *agent, sip_transaction_id id)
{
	struct agent_inward *in;

	LIST_FOREACH(in, &agent->inward[id % AGENT_BUCKETS], others)
	if (in->id == id)
		return in;
	return NULL;
}

static void leave_queue(struct agent_inward *in)
{
	if (in->age == AGENT_RINGING)
		TAILQ_REMOVE(&in->agent->ringing, in, aging);
	if (in->age == AGENT_RUNG)
		TAILQ_REMOVE(&in->agent->rung, in, aging);
	in->age = AGENT_NEW;
}

static void inward_free(struct agent_inward *in)
{
	leave_queue(in);
	LIST_REMOVE(in, others);
	in->agent->inward_count--;
	sip_message_clear(&in->request);
	free(in->kept.bytes);
	free(in);
}

static struct agent_inward *inward_new(struct agent *agent, const struct phone_relay_request *from)
{
	const struct sip_message *request = from->incoming->request;
	struct agent_inward *in = calloc(1, sizeof(*in));

	if (!in)
		return NULL;
	sip_message_share(&in->request, request);
	in->agent = agent;
	in->id = from->incoming->id;
	in->incoming = *from->incoming;
	in->incoming.request = &in->request;
	in->back = phone_reply_hop(&in->incoming);
	in->binding = from->binding;
	LIST_INSERT_HEAD(&agent->inward[in->id % AGENT_BUCKETS], in, others);
	agent->inward_count++;
	return in;
}

/* All endpoints answered.  An INVITE stays a while, for a 2xx that comes again. */
static void finish(struct agent_inward *in)
{
	if (in->request.method != SIP_INVITE) {
		inward_free(in);
		return;
	}
	leave_queue(in);
	in->age = AGENT_RUNG;
	in->age_at_ms = net_now_ms() + AGENT_LINGER_MS;
	TAILQ_INSERT_TAIL(&in->agent->rung, in, aging);
}

/* RFC 3261 16.6 step 11, 16.7 step 2: an INVITE may ring so long from its last provisional answer
 * on.
 */
static void ring_on(struct agent_inward *in)
{
	leave_queue(in);
	in->age = AGENT_RINGING;
	in->age_at_ms = net_now_ms() + AGENT_FORK_RING_MS;
	TAILQ_INSERT_TAIL(&in->agent->ringing, in, aging);
}

void agent_inward_clear(struct agent *agent)
{
	for (int i = 0; i < AGENT_BUCKETS; i++)
		while (!LIST_EMPTY(&agent->inward[i]))
			inward_free(LIST_FIRST(&agent->inward[i]));
}

/* ---- answers that are made here ------------------------------------------------------------- */

static void reply(struct agent_inward *in, unsigned status)
{
	char bytes[8192], host[NET_ADDRESS_TEXT_MAX];
	const struct sip_reply how = {.request = &in->request,
				      .status = status,
				      .to_tag = in->incoming.tag,
				      .source = phone_write_host(&in->incoming.source, host),
				      .source_port = in->incoming.source.port};
	struct sip_answer answer = {.status = status, .bytes = {.at = bytes}};
	struct sip_builder builder;
	int length;

	sip_builder_init(&builder, bytes, sizeof(bytes));
	sip_builder_reply(&builder, &how);
	length = sip_builder_finish(&builder);
	if (length <= 0 || in->request.method == SIP_ACK)
		return;
	answer.bytes.length = (size_t)length;
	phone_relay_respond(in->agent->config.phone, in->id, &in->back, &answer);
}

static void refuse(struct agent_inward *in, unsigned status)
{
	reply(in, status);
	inward_free(in);
}

/* ---- to one endpoint ------------------------------------------------------------------------ */

/* AGENT-10: sips: goes inside over TLS or loopback alone. */
static bool is_safe(const struct agent_inward *in, const struct phone_hop *hop)
{
	static const uint8_t loopback4[] = {[10] = 0xff, 0xff, 127};
	static const uint8_t loopback6[16] = {[15] = 1};
	struct sip_uri uri;

	return sip_uri_parse(&uri, in->request.request_uri) || !uri.is_secure ||
	       hop->route.transport == KL_TLS ||
	       !memcmp(hop->route.ip, loopback4, sizeof(loopback4)) ||
	       !memcmp(hop->route.ip, loopback6, sizeof(loopback6));
}

/* As it goes to TARGET, in the agent's scratch.  Its length, or a SIP_E*. */
static int write_to(struct agent_inward *in, const struct agent_target *target, const char *branch)
{
	struct agent *agent = in->agent;
	char via[PHONE_URI_MAX], ours[PHONE_URI_MAX];
	const struct agent_request_rewrite rewrite = {
		.uri = sip_span_of(target->uri),
		.via = {via, 0},
		.route = target->route,
		.record_route = {ours, 0},
		.on_stream = target->hop.route.transport != KL_UDP,
	};
	struct agent_request_rewrite whole = rewrite;
	const struct agent_dialog *dialog =
		in->dialog ? agent_ledger_by_id(agent->ledger, in->dialog) : NULL;
	uint32_t refer;

	if (dialog && in->request.method == SIP_NOTIFY && agent_read_refer(&in->request, &refer))
		whole.refer = agent_cseq_refer_from(&dialog->cseq[AGENT_INSIDE], refer);
	if (agent_inside_write_via(agent->inside, &target->hop, branch, via) ||
	    agent_inside_write_route(agent->inside, &target->hop, ours))
		return SIP_ESTATE;
	whole.via = sip_span_of(via);
	whole.record_route = sip_span_of(ours);
	return agent_rewrite_request(&in->request, &whole, agent->scratch, sizeof(agent->scratch));
}

/* False: it can't go there. */
static bool send_to(struct agent_inward *in, const struct agent_target *target)
{
	struct agent *agent = in->agent;
	uint8_t which = in->fork.count;
	char branch[PHONE_ID_MAX];
	struct agent_outgoing outgoing = {.method = in->request.method,
					  .branch = branch,
					  .hop = target->hop,
					  .owner = in->id};
	sip_client_id client;
	int length;

	if (which == AGENT_FORK_MAX || !is_safe(in, &target->hop))
		return false;
	agent_inside_draw_branch(branch);
	length = write_to(in, target, branch);
	if (length <= 0)
		return false;
	outgoing.bytes = (struct sip_span){agent->scratch, (size_t)length};
	if (in->request.method == SIP_ACK) {
		agent_inside_pass(agent->inside, &target->hop, outgoing.bytes);
		return true;
	}
	if (agent_inside_send(agent->inside, &outgoing, &client))
		return false;
	in->endpoints[which] = target->endpoint;
	in->hops[which] = target->hop;
	return !agent_fork_add(&in->fork, client);
}

/* ---- to all of a line ----------------------------------------------------------------------- */

static bool ring_bindings(struct agent_inward *in, uint32_t wanted)
{
	struct agent_registrar *registrar = agent_inside_registrar(in->agent->inside);
	const struct agent_binding *binding = NULL;
	bool rang = false;

	while ((binding =
			agent_registrar_next(registrar, in->binding.line, binding, net_now_ms()))) {
		struct agent_target target = {.hop = binding->hop,
					      .endpoint = binding->endpoint,
					      .route = sip_span_of(binding->path)};

		if (wanted != AGENT_NONE && binding->endpoint != wanted)
			continue;
		if (snprintf(target.uri, sizeof(target.uri), "%s", binding->contact) <
		    (int)sizeof(target.uri))
			rang |= send_to(in, &target);
	}
	return rang;
}

/* A PBX is asked for whom the far end asked for. */
static bool ring_place(struct agent_inward *in, uint32_t endpoint)
{
	static const char *const params[] = {
		[KL_UDP] = "", [KL_TCP] = ";transport=tcp", [KL_TLS] = ";transport=tls"};
	const struct agent_directory *directory = agent_inside_directory(in->agent->inside);
	const struct config_endpoint *pbx = agent_directory_endpoint(directory, endpoint);
	struct agent_target target = {.endpoint = endpoint, .route = sip_span_of("")};
	char host[NET_ADDRESS_TEXT_MAX];
	struct net_address address;
	struct sip_uri uri;

	if (!agent_directory_place(directory, endpoint, &address) ||
	    sip_uri_parse(&uri, in->request.request_uri) ||
	    snprintf(target.uri, sizeof(target.uri), "sip:%.*s%s%s%s", SIP_SPAN(uri.user),
		     uri.user.at ? "@" : "", net_address_format(&address, host),
		     params[pbx->transport]) >= (int)sizeof(target.uri))
		return false;
	target.hop.route = phone_route_of(&address, pbx->transport);
	return send_to(in, &target);
}

static bool ring(struct agent_inward *in, uint32_t wanted)
{
	const struct agent_directory *directory = agent_inside_directory(in->agent->inside);
	bool rang = ring_bindings(in, wanted);

	for (uint32_t i = 0; i < agent_directory_endpoint_count(directory); i++)
		if ((wanted == AGENT_NONE || wanted == i) &&
		    agent_directory_uses(directory, i, in->binding.line))
			rang |= ring_place(in, i);
	return rang;
}

/* ---- taking -------------------------------------------------------------------------------- */

static bool has_endpoints(const struct agent *agent, uint32_t line)
{
	const struct agent_directory *directory = agent_inside_directory(agent->inside);

	for (uint32_t i = 0; i < agent_directory_endpoint_count(directory); i++)
		if (agent_directory_uses(directory, i, line))
			return true;
	return false;
}

/* Whom it names: the holder of another dialog, or by the token in our Contact (AGENT-3, AGENT-4).
 */
static uint32_t named_endpoint(const struct agent *agent, const struct phone_relay_request *from)
{
	const struct sip_message *request = from->incoming->request;
	const struct agent_dialog *dialog =
		agent_ledger_named(agent->ledger, from->binding.line, request, AGENT_OUTSIDE);
	struct sip_span token = {NULL, 0};
	struct sip_uri uri;

	if (dialog)
		return dialog->endpoint;
	if (!sip_uri_parse(&uri, request->request_uri) && sip_param_find(uri.params, "kl", &token))
		return agent_directory_by_token(agent_inside_directory(agent->inside), token);
	return AGENT_NONE;
}

static void begin_ringing(struct agent_inward *in)
{
	reply(in, 100);
	ring_on(in);
}

/* RFC 3261 12.2.1.1, of an endpoint behind a proxy of its own. */
static bool take_inside_dialog(struct agent *agent, const struct phone_relay_request *from)
{
	const struct sip_message *request = from->incoming->request;
	const struct agent_dialog_key key =
		agent_dialog_key_of(request, AGENT_OUTSIDE, AGENT_ANY_LINE);
	struct agent_dialog *dialog = agent_ledger_find(agent->ledger, &key);
	struct agent_target target = {.endpoint = AGENT_NONE};
	struct agent_inward *in;

	if (!dialog)
		return false;
	in = inward_new(agent, from);
	if (!in)
		return false;
	if (dialog->is_dead || !phone_relay_may_signal(agent->config.phone, &dialog->binding)) {
		refuse(in, 481);
		return true;
	}
	agent_note_request(agent, dialog, AGENT_OUTSIDE, request);
	in->dialog = dialog->id;
	in->binding = dialog->binding;
	target.hop = agent_dialog_hop(dialog);
	target.endpoint = dialog->endpoint;
	target.route = agent_dialog_text(dialog, AGENT_INSIDE_ROUTES);
	if (sip_span_copy(agent_dialog_text(dialog, AGENT_INSIDE_TARGET), target.uri,
			  sizeof(target.uri)) ||
	    !request->max_forwards || !send_to(in, &target))
		refuse(in, request->max_forwards ? 480 : 483);
	else if (request->method == SIP_ACK)
		inward_free(in);
	else if (request->method == SIP_INVITE)
		begin_ringing(in);
	return true;
}

bool agent_inward_take(struct agent *agent, const struct phone_relay_request *from)
{
	struct agent_inward *in;

	if (from->is_inside_dialog)
		return take_inside_dialog(agent, from);
	if (from->incoming->request->method == SIP_ACK) /* of no call: nobody's */
		return true;
	if (!has_endpoints(agent, from->binding.line))
		return false;
	in = inward_new(agent, from);
	if (!in)
		return false;
	if (!in->request.max_forwards)
		refuse(in, 483);
	else if (!ring(in, named_endpoint(agent, from)))
		refuse(in, 480);
	else if (in->request.method == SIP_INVITE)
		begin_ringing(in);
	return true;
}

static void cancel_superfluous(struct agent_inward *in)
{
	struct agent_branch *branch;

	while ((branch = agent_fork_next_superfluous(&in->fork)))
		agent_inside_cancel(in->agent->inside, branch->client);
}

bool agent_inward_cancel(struct agent *agent, sip_transaction_id invite)
{
	struct agent_inward *in = find(agent, invite);

	if (!in)
		return false;
	agent_fork_cancel(&in->fork);
	cancel_superfluous(in);
	return true;
}

/* RFC 3261 16.8: who rang too long is cancelled, and answers 487 then. */
void agent_inward_age(struct agent *agent)
{
	struct agent_inward *in;

	while ((in = TAILQ_FIRST(&agent->ringing)) && in->age_at_ms <= net_now_ms()) {
		leave_queue(in);
		agent_fork_cancel(&in->fork);
		cancel_superfluous(in);
	}
	while ((in = TAILQ_FIRST(&agent->rung)) && in->age_at_ms <= net_now_ms())
		inward_free(in);
}

/* ---- answers ------------------------------------------------------------------------------- */

/* As it goes outside, in the agent's scratch.  Its length, or a SIP_E*. */
static int write_outside(struct agent_inward *in, const struct sip_message *response,
			 uint32_t endpoint)
{
	struct agent *agent = in->agent;
	char vias[8192], line[PHONE_URI_MAX], contact[PHONE_URI_MAX], host[NET_ADDRESS_TEXT_MAX];
	struct agent_response_rewrite rewrite = {
		.asked = &in->request,
		.on_stream = in->back.route.transport != KL_UDP,
	};

	rewrite.vias = agent_write_vias(&in->request, &in->incoming.source, vias, sizeof(vias));
	phone_relay_contact(agent->config.phone, &in->incoming, in->binding.line, line);
	agent_write_contact(agent, line, endpoint, contact);
	rewrite.contact = sip_span_of(contact);
	if (agent->config.config->inside.replaces_loopback)
		rewrite.body =
			agent_loopback_body(response, phone_write_host(&in->incoming.local, host),
					    agent->media, sizeof(agent->media));
	return agent_rewrite_response(response, &rewrite, agent->scratch, sizeof(agent->scratch));
}

static void pass(struct agent_inward *in, unsigned status, struct sip_span bytes)
{
	const struct sip_answer answer = {.status = status, .bytes = bytes};

	phone_relay_respond(in->agent->config.phone, in->id, &in->back, &answer);
}

/* RFC 3261 16.7 step 6: a 503 of an endpoint is no word of this phone's. */
static void pass_kept(struct agent_inward *in)
{
	if (in->kept.status == 503 || !in->kept.status)
		reply(in, in->kept.status ? 500 : 480);
	else
		pass(in, in->kept.status, (struct sip_span){in->kept.bytes, in->kept.length});
}

/* What becomes of the dialog that it is in; with the last answer its early ones are over. */
static void end_dialog(struct agent_inward *in, unsigned status)
{
	struct agent_dialog *dialog =
		in->dialog ? agent_ledger_by_id(in->agent->ledger, in->dialog) : NULL;

	if (dialog && agent_note_is_over(dialog, &in->request, status))
		agent_forget(in->agent, dialog);
	if (!in->dialog && agent_fork_is_over(&in->fork))
		agent_forget_early(in->agent, in->binding.line, AGENT_OUTSIDE, &in->request);
}

static void take_final(struct agent_inward *in, struct agent_branch *branch, unsigned status,
		       int length)
{
	struct agent *agent = in->agent;
	bool was_over = agent_fork_is_over(&in->fork);
	enum agent_fork_verdict verdict = agent_fork_take(&in->fork, branch, (uint16_t)status);

	if (verdict == AGENT_FORK_PASS && length > 0 && status < 300)
		pass(in, status, (struct sip_span){agent->scratch, (size_t)length});
	else if (verdict == AGENT_FORK_PASS || verdict == AGENT_FORK_KEEP)
		agent_keep(&in->kept, length > 0 ? status : 0, agent->scratch,
			   length > 0 ? (size_t)length : 0);
	if ((verdict == AGENT_FORK_PASS && status >= 300) || verdict == AGENT_FORK_BEST)
		pass_kept(in);
	cancel_superfluous(in);
	end_dialog(in, status);
	if (!was_over && agent_fork_is_over(&in->fork))
		finish(in);
}

void agent_inward_answer(struct agent *agent, const struct agent_answer *answer)
{
	struct agent_inward *in = find(agent, answer->owner);
	struct agent_branch *branch = in ? agent_fork_find(&in->fork, answer->client) : NULL;
	const struct sip_message *response = answer->response;
	unsigned status = response ? response->status : 408;
	int length = 0;

	if (!branch || status == 100)
		return;
	if (response) {
		uint8_t which = (uint8_t)(branch - in->fork.branches);

		agent_note_answer(agent, &(struct agent_note){
						 .side = AGENT_INSIDE,
						 .line = in->binding.line,
						 .endpoint = in->endpoints[which],
						 .request = &in->request,
						 .response = response,
						 .went = in->request.cseq.number,
						 .is_first = !in->fork.is_answered,
						 .hop = &in->hops[which],
						 .binding = &in->binding,
					 });
		length = write_outside(in, response, in->endpoints[which]);
	}
	if (status < 200 && length > 0) {
		if (in->age == AGENT_RINGING)
			ring_on(in);
		pass(in, status, (struct sip_span){agent->scratch, (size_t)length});
	}
	if (status < 200)
		return;
	take_final(in, branch, status, length);
}
