/* relay.c - requests of others, sent and received as a line's own: those outside dialogs, answers,
 * and what both kinds share. */
#include "phone/relay.h"

#include <errno.h>
#include <stdlib.h>

#include "phone/flow.h"
#include "phone/private.h"
#include "phone/relay_private.h"
#include "phone/request.h"

/* ---- lines ----------------------------------------------------------------------------------- */

uint32_t phone_relay_line(const struct phone_relay *relay, uint32_t line)
{
	return line < relay->line_count ? relay->lines[line].now : KL_NO_LINE;
}

uint32_t phone_relay_name_line(const struct phone_relay *relay, uint32_t line)
{
	/* As a rule nothing was reloaded. */
	if (phone_relay_line(relay, line) == line)
		return line;
	for (uint32_t i = 0; i < relay->line_count; i++)
		if (relay->lines[i].now == line)
			return i;
	return KL_NO_LINE;
}

uint32_t phone_relay_number(const struct phone *phone, uint32_t index)
{
	return phone_relay_name_line(phone->relay, index);
}

int phone_relay_reserve(struct phone *phone, uint32_t line_count)
{
	struct phone_relay *relay = phone->relay;
	struct phone_relay_line *lines;

	if (!relay || relay->line_count + line_count <= relay->line_limit)
		return 0;
	lines = realloc(relay->lines, (relay->line_count + line_count) * sizeof *lines);
	if (!lines)
		return -ENOMEM;
	relay->lines = lines;
	relay->line_limit = relay->line_count + line_count;
	return 0;
}

/* The number that a line with this key had, and that no other one has got, or a new one.  There is
 * room for it. */
static struct phone_relay_line *line_of(struct phone_relay *relay, uint64_t key)
{
	for (uint32_t i = 0; i < relay->line_count; i++)
		if (relay->lines[i].key == key && relay->lines[i].now == KL_NO_LINE)
			return &relay->lines[i];
	relay->lines[relay->line_count].key = key;
	return &relay->lines[relay->line_count++];
}

void phone_relay_find_lines(struct phone *phone)
{
	struct phone_relay *relay = phone->relay;
	const struct kl_config *config = phone->engine_config;

	for (uint32_t i = 0; relay && i < relay->line_count; i++)
		relay->lines[i].now = KL_NO_LINE;
	for (uint32_t i = 0; relay && i < config->line_count; i++)
		line_of(relay, config->lines[i].key)->now = i;
}

void phone_relay_carry(struct phone *phone, const struct phone_reload *reload)
{
	if (phone->relay)
		phone_relay_asks_carry(phone->relay, reload);
}

/* ---- life ------------------------------------------------------------------------------------ */

int phone_relay_open(struct phone *phone, const struct phone_relay_hooks *hooks)
{
	struct phone_relay *relay = calloc(1, sizeof *relay);
	int error = -ENOMEM;

	if (!relay)
		return error;
	relay->phone = phone;
	relay->hooks = *hooks;
	phone->relay = relay;
	error = phone_relay_reserve(phone, phone->engine_config->line_count);
	if (!error)
		phone_relay_find_lines(phone);
	if (!error)
		error = phone_relay_asks_init(relay);
	if (error)
		phone_relay_close(phone);
	return error;
}

void phone_relay_close(struct phone *phone)
{
	if (!phone->relay)
		return;
	phone_relay_asks_clear(phone->relay);
	free(phone->relay->lines);
	free(phone->relay);
	phone->relay = NULL;
}

bool phone_relay_is_token(const struct phone *phone, uint64_t token)
{
	return phone->relay && token & PHONE_RELAY_TOKEN;
}

/* ---- requests outside dialogs ---------------------------------------------------------------- */

/* The engine knows the methods whose timing may differ; any other goes like a MESSAGE. */
static enum kl_method method_of(enum sip_method method)
{
	switch (method) {
	case SIP_INVITE:
		return KL_INVITE;
	case SIP_SUBSCRIBE:
		return KL_SUBSCRIBE;
	case SIP_OPTIONS:
		return KL_OPTIONS;
	case SIP_PUBLISH:
		return KL_PUBLISH;
	case SIP_REFER:
		return KL_REFER;
	case SIP_MESSAGE:
	case SIP_METHOD_OTHER:
	case SIP_ACK:
	case SIP_BYE:
	case SIP_CANCEL:
	case SIP_REGISTER:
	case SIP_NOTIFY:
	case SIP_INFO:
	case SIP_UPDATE:
	case SIP_PRACK:
	case SIP_METHODS_MAX:
		break;
	}
	return KL_MESSAGE;
}

int phone_relay_begin(struct phone *phone, uint32_t line, enum sip_method method, uint64_t token)
{
	return phone_feed(phone, &(struct kl_event){
					 .type = KL_EV_REQUEST,
					 .line = phone_relay_line(phone->relay, line),
					 .request = {.token = token, .method = method_of(method)},
				 });
}

void phone_relay_cancel(struct phone *phone, uint32_t line, uint64_t token)
{
	phone_feed(phone, &(struct kl_event){.type = KL_EV_CANCEL,
					     .line = phone_relay_line(phone->relay, line),
					     .request = {.token = token}});
}

int phone_relay_write(struct phone *phone, struct phone_relay_proof *proof,
		      const struct phone_relay_way *way)
{
	char via[PHONE_VIA_MAX], contact[PHONE_URI_MAX], host[NET_ADDRESS_TEXT_MAX];
	const struct phone_relay_send send = {
		.token = way->token,
		.via = via,
		.contact = contact,
		.service_route = way->service_route,
		.media_host = phone_write_host(&way->self.address, host),
		.route = *proof->route,
		.again = way->again,
		.on_stream = way->self.transport != KL_UDP,
		.proof = proof,
	};

	phone_write_via(via, &way->self, way->branch);
	phone_flow_contact(phone, proof->account, &way->self, contact);
	return phone->relay->hooks.write(phone->relay->hooks.user, &send, phone->scratch,
					 sizeof phone->scratch);
}

int phone_relay_write_walk(struct phone *phone, struct phone_request *request)
{
	struct phone_relay_proof proof = {
		.account = request->account,
		.route = &request->send->route,
		.request = request->send->token,
		.sent = request->sent,
	};
	const struct phone_relay_way way = {
		.token = request->send->token,
		.branch = request->branch,
		.service_route =
			phone_account_service_route(request->account, &request->send->route),
		.self = request->self,
		.again = request->send->cseq - 1,
	};

	return phone_relay_write(phone, &proof, &way);
}

void phone_relay_prove(const struct phone_relay_send *send,
		       const struct sip_digest_request *request, struct sip_builder *builder)
{
	const struct phone_relay_proof *of = send->proof;
	const struct phone_proof proof = {
		.route = of->route, .request = of->request, .digest = *request};

	phone_account_prove(of->account, &proof, builder, of->sent);
}

void phone_relay_answered(struct phone *phone, const struct phone_relay_answer *answer)
{
	const struct phone_relay *relay = phone->relay;
	struct phone_relay_answer named = *answer;

	named.binding.line = phone_relay_name_line(relay, answer->binding.line);
	if (named.binding.line != KL_NO_LINE)
		relay->hooks.on_answer(relay->hooks.user, &named);
}

void phone_relay_pass(const struct phone_client *client, const struct sip_message *response)
{
	const struct phone_relay_answer answer = {
		.token = client->token,
		.response = response,
		.again = client->again,
		.binding = {.line = client->account->line_index,
			    .entry = client->account->entry_index,
			    .route = client->hop.route},
	};

	phone_relay_answered(client->phone, &answer);
}

void phone_relay_outcome(struct phone *phone, const struct kl_action_outcome *outcome)
{
	const struct phone_relay_end end = {
		.token = outcome->token,
		.status = outcome->status,
		.is_local = outcome->local,
	};

	phone->relay->hooks.on_end(phone->relay->hooks.user, &end);
}

void phone_relay_note(struct phone *phone, const struct kl_report *report)
{
	const struct phone_relay *relay = phone->relay;
	struct phone_relay_move moved = {.entry = report->entry, .route = report->route};

	if (!relay || report->second_flow || report->type != KL_REPORT_STATE ||
	    report->to != KL_REGISTERED || !report->active)
		return;
	moved.line = phone_relay_name_line(relay, report->line);
	relay->hooks.on_moved(relay->hooks.user, &moved);
}

json_t *phone_relay_status(const struct phone *phone)
{
	return phone->relay ? phone->relay->hooks.status(phone->relay->hooks.user) : NULL;
}

json_t *phone_relay_event(struct phone *phone, const char *name, uint32_t line)
{
	uint32_t now = phone_relay_line(phone->relay, line);

	return now == KL_NO_LINE ? NULL : phone_event_begin(phone, name, now);
}

/* ---- requests from outside ------------------------------------------------------------------- */

bool phone_relay_take_request(struct phone *phone, const struct phone_relay_request *request)
{
	const struct phone_relay *relay = phone->relay;
	struct phone_relay_request named = *request;

	if (!relay)
		return false;
	if (!request->is_inside_dialog)
		named.binding.line = phone_relay_name_line(relay, request->binding.line);
	return named.binding.line != KL_NO_LINE &&
	       relay->hooks.on_request(relay->hooks.user, &named);
}

bool phone_relay_take_cancel(struct phone *phone, sip_transaction_id invite)
{
	return phone->relay && phone->relay->hooks.on_cancel(phone->relay->hooks.user, invite);
}

/* TRIG-7: an answer that can't be delivered moves nothing. */
void phone_relay_respond(struct phone *phone, sip_transaction_id id, const struct phone_hop *back,
			 const struct sip_answer *answer)
{
	struct phone_server *server = &phone->server;

	if (id && sip_transactions_respond(server->transactions, id, answer, net_now_ms()))
		return; /* it has its answer */
	phone_send(phone, back, answer->bytes);
	net_timer_set(server->timer, sip_transactions_deadline(server->transactions));
}

void phone_relay_contact(const struct phone *phone, const struct phone_incoming *incoming,
			 uint32_t line, char to[PHONE_URI_MAX])
{
	const struct phone_self self = phone_incoming_self(phone, incoming);

	uint32_t now = phone_relay_line(phone->relay, line);

	*to = '\0';
	if (now != KL_NO_LINE)
		phone_flow_contact(phone, phone_account_find(&phone->accounts, now, 0), &self, to);
}

/* ---- dialogs --------------------------------------------------------------------------------- */

bool phone_relay_may_signal(const struct phone *phone, const struct kl_binding *binding)
{
	struct kl_binding now = *binding;

	now.line = phone_relay_line(phone->relay, binding->line);
	return kl_may_signal(phone->engine, &now);
}

bool phone_relay_may_accept(const struct phone *phone, uint32_t line,
			    const struct phone_incoming *incoming, struct kl_binding *binding)
{
	const struct kl_route source = phone_route_of(&incoming->source, incoming->transport);
	uint32_t now = phone_relay_line(phone->relay, line);

	if (now == KL_NO_LINE || kl_may_accept(phone->engine, now, &source, binding) != KL_ACCEPT)
		return false;
	binding->line = line;
	return true;
}

bool phone_relay_is_served(const struct phone *phone, uint32_t line)
{
	uint32_t now = phone_relay_line(phone->relay, line);
	struct kl_entry_view view;

	for (uint32_t i = 0; !kl_get_entry(phone->engine, now, i, &view); i++)
		if (view.active || !view.registers)
			return true;
	return false;
}

void phone_relay_call_began(struct phone *phone, uint32_t line)
{
	phone_feed(phone, &(struct kl_event){.type = KL_EV_CALL_BEGAN,
					     .line = phone_relay_line(phone->relay, line)});
}

void phone_relay_call_ended(struct phone *phone, uint32_t line)
{
	phone_feed(phone, &(struct kl_event){.type = KL_EV_CALL_ENDED,
					     .line = phone_relay_line(phone->relay, line)});
}
