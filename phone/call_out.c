/* call_out.c - calls that somebody placed. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "phone/log.h"
#include "phone/private.h"
#include "phone/request.h"
#include "sip/reliable.h"

/* ---- placing --------------------------------------------------------------------------------- */

/* A number that a file calls an emergency's: the user part of the target. */
static bool is_emergency(const struct phone_call *call)
{
	const struct config_device *device = &call->phone->config->device;
	struct sip_uri uri;

	if (sip_uri_parse(&uri, sip_span_of(call->target)))
		return false;
	for (uint32_t i = 0; i < device->emergency_count; i++)
		if (sip_span_equal(uri.user, sip_span_of(device->emergency[i])))
			return true;
	return false;
}

/* Has the engine walk with the INVITE.  SUBS-3, SUBS-4: a shared line is seized first. */
static int ask_engine(struct phone_call *call)
{
	struct kl_event event = {.type = KL_EV_REQUEST,
				 .line = call->line,
				 .request = {.token = call->id, .method = KL_INVITE}};

	if (call->phone->config->lines[call->line].shared) {
		event.type = KL_EV_SHARED_CALL;
		event.shared_call = (struct kl_event_shared_call){.token = call->id,
								  .emergency = is_emergency(call)};
	}
	return phone_feed(call->phone, &event);
}

static int refuse(int error, const char *why_text, char why[PHONE_WHY_MAX])
{
	snprintf(why, PHONE_WHY_MAX, "%s", why_text);
	return error;
}

int phone_call_place(struct phone *phone, const struct phone_call_order *order, uint64_t *id,
		     char why[PHONE_WHY_MAX])
{
	struct phone_call *call;
	int error;

	*id = 0;
	if (order->line >= phone->config->engine.line_count)
		return refuse(-EINVAL, "there is no such line", why);
	call = phone_call_new(phone, order->line);
	if (!call)
		return refuse(-ENOMEM, "out of memory", why);
	if (!*order->target ||
	    !phone_write_target(phone_account_find(&phone->accounts, order->line, 0), order->target,
				call->target)) {
		phone_call_free(call);
		return refuse(-EINVAL, "the target is no SIP URI", why);
	}
	if (!phone_call_set_audio(call, &order->audio)) {
		phone_call_free(call);
		return refuse(-ENOMEM, "out of memory", why);
	}
	*id = call->id;
	call->on_event = order->on_event;
	call->user = order->user;
	phone_call_begin_anew(call, 1);
	error = ask_engine(call);
	if (error >= 0)
		return 0;
	*id = 0;
	phone_call_free(call);
	return error == KL_EFULL ? refuse(-EBUSY, "too many requests are under way", why)
				 : refuse(-EINVAL, "the line is not started", why);
}

void phone_call_begin_anew(struct phone_call *call, uint32_t number)
{
	for (; call->call_ids < number; call->call_ids++) {
		phone_draw_id(call->call_id);
		phone_draw_id(call->tag);
	}
}

const char *phone_call_uri(const struct phone_call *call, const struct kl_route *route)
{
	return phone_route_equal(&call->redirect.route, route) ? call->redirect.uri : call->target;
}

/* ---- answers --------------------------------------------------------------------------------- */

void phone_call_answered(struct phone *phone, uint64_t id, const struct kl_route *route,
			 const struct sip_message *response)
{
	struct phone_call *call = phone_call_find(phone, id);
	char place[KL_TEXT_MAX], text[KL_TEXT_MAX + 128];
	struct phone_call_event event = {.type = PHONE_CALL_ANSWER,
					 .route = *route,
					 .status = response->status,
					 .text = text};

	if (!call)
		return;
	if (response->status == 422)
		call->asks_again = sip_session_take_refusal(&call->session, response);
	snprintf(text, sizeof text, "%u %.64s from %s", response->status,
		 sip_reason_phrase(response->status), phone_route_text(route, place));
	phone_call_tell(call, &event);
}

static void write_prack(const struct phone_ask *ask, struct sip_builder *builder)
{
	sip_builder_header(builder, "RAck", "%u %u INVITE", ask->rseq, ask->cseq);
}

/* A PRACK that fails changes nothing: the INVITE is answered, or not, by itself. */
static void take_prack_end(struct phone_ask *ask, const struct phone_ask_end *end)
{
	if (end->status >= 300)
		phone_log(PHONE_LOG_NOTICE, "PRACK %u: %u", ask->rseq, end->status);
}

static const struct phone_ask_kind prack_kind = {SIP_PRACK, write_prack, take_prack_end};

static void send_prack(struct phone_dialog *dialog, uint32_t rseq, uint32_t cseq)
{
	struct phone_ask *ask = phone_ask_new(dialog, &prack_kind, NULL);

	if (!ask)
		return;
	ask->rseq = rseq;
	ask->cseq = cseq;
	phone_dialog_send_owed(dialog);
}

/* RFC 3262 4: reliable answers are taken in their order, each once. */
void phone_call_take_provisional(struct phone_call *call, const struct phone_dialog_origin *origin,
				 const struct sip_message *response)
{
	struct phone_dialog *dialog = phone_dialog_take_provisional(call->phone, origin, response);
	bool reliable;
	uint32_t rseq;

	if (!dialog)
		return;
	reliable = !sip_rseq_read(response, &rseq);
	if (reliable && sip_rseq_take(&dialog->rseq, rseq) != SIP_RSEQ_NEXT)
		return;
	dialog->takes_updates = sip_message_lists(response, SIP_ALLOW, "UPDATE");
	if (!phone_call_take_description(call, dialog, response))
		phone_call_apply(call, dialog);
	if (reliable)
		send_prack(dialog, rseq, response->cseq.number);
}

void phone_call_take_accepted(struct phone_call *call, struct phone_dialog *dialog,
			      const struct sip_message *response)
{
	call->dialog = dialog;
	dialog->takes_updates |= sip_message_lists(response, SIP_ALLOW, "UPDATE");
	sip_session_take_answer(&dialog->session, response, net_now_ms());
	phone_call_take_description(call, dialog, response);
}

/* The call is up, unless what the far end answered to our offer is of no use (RFC 3264 6). */
static void come_up(struct phone_call *call, const struct kl_action_outcome *outcome)
{
	struct phone_call_event up = {.type = PHONE_CALL_UP,
				      .route = outcome->binding.route,
				      .status = outcome->status,
				      .text = "the call is up"};

	call->state = PHONE_CALL_STATE_UP;
	call->dialog->binding = outcome->binding;
	if (sip_offer_is_open(&call->dialog->offer)) {
		phone_call_break(call, "SIP;cause=488;text=\"Not Acceptable Here\"",
				 "the far end answered with audio that cannot be had here");
		return;
	}
	phone_call_tell(call, &up);
	phone_call_apply(call, call->dialog);
	phone_call_settle(call);
}

/* RFC 4028 7.3: after a 422 the same call asks for a longer session. */
static bool try_again(struct phone_call *call, const struct kl_action_outcome *outcome)
{
	if (outcome->status != 422 || !call->asks_again)
		return false;
	call->asks_again = false;
	call->cseq_base = call->cseq_last;
	return ask_engine(call) >= 0;
}

void phone_call_outcome(struct phone *phone, const struct kl_action_outcome *outcome)
{
	struct phone_call *call = phone_call_find(phone, outcome->token);
	char text[KL_TEXT_MAX];

	if (!call)
		return;
	if (outcome->status / 100 == 2 && call->dialog)
		come_up(call, outcome);
	else if (!try_again(call, outcome))
		phone_call_finish(call, outcome->status,
				  kl_format_outcome(text, sizeof text, outcome, NULL));
}
