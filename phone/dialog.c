/* dialog.c - calls that were answered, until nothing of them is left on the network. */
#include "phone/dialog.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "phone/log.h"
#include "phone/private.h"
#include "phone/request.h"
#include "sip/transaction.h"

enum {
	LINGER_MS = 64 * SIP_T1_MS, /* as long as a 2xx is repeated (RFC 3261 13.3.1.4) */
	BRANCHES_MAX = 16,          /* of one fork: more of them make no early dialog */
};

/* ---- the table ------------------------------------------------------------------------------- */

struct phone_dialog *phone_dialog_find(const struct phone *phone, const struct sip_message *message)
{
	struct phone_dialog *dialog;

	LIST_FOREACH(dialog, &phone->dialogs.all, others)
	if (sip_dialog_matches(&dialog->sip, message))
		return dialog;
	return NULL;
}

static void dialog_free(struct phone_dialog *dialog)
{
	LIST_REMOVE(dialog, others);
	dialog->phone->dialogs.count--;
	while (!LIST_EMPTY(&dialog->asks))
		phone_ask_free(LIST_FIRST(&dialog->asks));
	phone_locate_stop(dialog->locate);
	sip_message_clear(&dialog->invite);
	phone_repeat_clear(&dialog->repeat);
	net_timer_free(dialog->end);
	free(dialog->ack);
	free(dialog);
}

void phone_dialogs_clear(struct phone *phone)
{
	while (!LIST_EMPTY(&phone->dialogs.all))
		dialog_free(LIST_FIRST(&phone->dialogs.all));
}

static void dialog_carry(struct phone_dialog *dialog, const struct phone_reload *reload)
{
	struct phone_account *account = phone_reload_account(reload, dialog->account);
	struct phone_ask *ask;

	if (!account) {
		dialog_free(dialog);
		return;
	}
	phone_reload_hop(reload, dialog->account, &dialog->hop);
	phone_reload_hop(reload, dialog->account, &dialog->repeat.hop);
	LIST_FOREACH(ask, &dialog->asks, others)
	phone_reload_hop(reload, dialog->account, &ask->repeat.hop);
	dialog->account = account;
	dialog->binding.line = account->line_index;
}

void phone_dialogs_carry(struct phone *phone, const struct phone_reload *reload)
{
	struct phone_dialog *dialog, *next;

	for (dialog = LIST_FIRST(&phone->dialogs.all); dialog; dialog = next) {
		next = LIST_NEXT(dialog, others);
		dialog_carry(dialog, reload);
	}
}

bool phone_dialogs_busy(const struct phone *phone)
{
	const struct phone_dialog *dialog;

	LIST_FOREACH(dialog, &phone->dialogs.all, others)
	if (dialog->account->leaves && dialog->state == PHONE_DIALOG_ENDING)
		return true;
	return false;
}

static void take_end(void *user)
{
	dialog_free(user);
}

void phone_dialog_end(struct phone_dialog *dialog)
{
	struct phone_call *call = dialog->call;

	if (dialog->state == PHONE_DIALOG_OVER)
		return;
	dialog->state = PHONE_DIALOG_OVER;
	dialog->call = NULL;
	phone_repeat_stop(&dialog->repeat);
	net_timer_set(dialog->end, net_now_ms() + LINGER_MS);
	if (call)
		phone_call_ended(call, dialog);
}

void phone_dialogs_end_early(struct phone *phone, kl_tx tx)
{
	struct phone_dialog *dialog;

	LIST_FOREACH(dialog, &phone->dialogs.all, others)
	if (dialog->state == PHONE_DIALOG_EARLY && dialog->tx == tx) {
		dialog->call = NULL;
		phone_dialog_end(dialog);
	}
}

/* ---- where requests go -------------------------------------------------------------------------
 */

/* FAIL-18: where the first Route, else the remote target leads; if that is not known, or can't be
 * reached from here, where the INVITE went. */
struct phone_hop phone_dialog_hop(const struct phone_dialog *dialog)
{
	struct net_address local;
	struct phone_hop hop;

	if (dialog->at == dialog->found.count)
		return dialog->hop;
	hop = phone_locate_hop(dialog->phone, dialog->account, &dialog->found,
			       &dialog->found.routes[dialog->at]);
	if (phone_route_equal(&hop.route, &dialog->hop.route) ||
	    phone_transport_local(dialog->phone->transport, &hop.route, &local))
		return dialog->hop;
	return hop;
}

bool phone_dialog_next_route(struct phone_dialog *dialog)
{
	if (dialog->at + 1 >= dialog->found.count)
		return false;
	dialog->at++;
	return true;
}

bool phone_dialog_may_signal(const struct phone_dialog *dialog)
{
	return !dialog->binding.route.port ||
	       kl_may_signal(dialog->phone->engine, &dialog->binding);
}

void phone_dialog_begin(struct phone_dialog *dialog, struct sip_builder *builder,
			const char *method, const struct phone_dialog_way *way)
{
	struct phone *phone = dialog->phone;
	struct phone_self self = {.transport = KL_UDP};
	char via[PHONE_VIA_MAX];

	phone_self_toward(phone, &way->hop.route, &self);
	phone_write_via(via, &self, way->branch);
	sip_builder_init(builder, phone->scratch, sizeof phone->scratch);
	sip_dialog_request(&dialog->sip, builder, method, via);
}

/* RFC 3261 13.2.2.4: to the route set of the 2xx, with the INVITE's credentials. */
void phone_dialog_acknowledge(struct phone_dialog *dialog, const struct sip_message *invite)
{
	struct phone *phone = dialog->phone;
	struct phone_dialog_way way;
	struct sip_builder builder;
	int length, error;

	do {
		way.hop = phone_dialog_hop(dialog);
		snprintf(way.branch, sizeof way.branch, SIP_BRANCH_COOKIE "%016" PRIx64,
			 phone_draw());
		phone_dialog_begin(dialog, &builder, "ACK", &way);
		sip_builder_copy(&builder, invite, SIP_AUTHORIZATION);
		sip_builder_copy(&builder, invite, SIP_PROXY_AUTHORIZATION);
		length = sip_builder_finish(&builder);
		if (length < 0)
			return;
		error = phone_send(phone, &way.hop,
				   (struct sip_span){phone->scratch, (size_t)length});
	} while (error && phone_dialog_next_route(dialog));
	free(dialog->ack);
	dialog->ack = strndup(phone->scratch, (size_t)length);
	dialog->acked = invite->cseq.number;
}

void phone_dialog_acknowledge_again(const struct phone_dialog *dialog,
				    const struct sip_message *response)
{
	const struct phone_hop hop = phone_dialog_hop(dialog);

	if (dialog->ack && dialog->acked == response->cseq.number)
		phone_send(dialog->phone, &hop, sip_span_of(dialog->ack));
}

/* ---- the way --------------------------------------------------------------------------------- */

static struct phone_ask *find_owed(const struct phone_dialog *dialog)
{
	struct phone_ask *ask;

	LIST_FOREACH(ask, &dialog->asks, others)
	if (ask->state == PHONE_ASK_OWED)
		return ask;
	return NULL;
}

/* FAIL-5: what may not be sent any more ends the dialog. */
static void send_asks(struct phone_dialog *dialog)
{
	struct phone_ask *ask;

	while ((ask = find_owed(dialog))) {
		if (phone_dialog_may_signal(dialog)) {
			phone_ask_send(ask);
			continue;
		}
		phone_ask_free(ask);
		phone_dialog_end(dialog);
	}
}

static void take_found(void *user, const struct phone_found *found)
{
	struct phone_dialog *dialog = user;

	dialog->locate = NULL;
	dialog->at = 0;
	if (found->count)
		dialog->found = *found;
	else
		phone_log(PHONE_LOG_WARNING, "no way to %.*s: requests go where the INVITE went",
			  SIP_SPAN(sip_dialog_next_hop(&dialog->sip)));
	if (dialog->owes_ack)
		phone_dialog_acknowledge(dialog, &dialog->invite);
	dialog->owes_ack = false;
	sip_message_clear(&dialog->invite);
	send_asks(dialog);
	phone_check_stopped(dialog->phone);
}

/* Names are asked for anew each time, and waited for as long as the line's own are (DNS-16). */
void phone_dialog_send_owed(struct phone_dialog *dialog)
{
	const struct phone_locate_order order = {
		.uri = sip_dialog_next_hop(&dialog->sip),
		.wait_max_ms =
			phone_entry_config(dialog->phone, dialog->account)->policy->dns_wait_max_ms,
		.on_found = take_found,
		.user = dialog,
	};

	if (!dialog->locate)
		dialog->locate = phone_locate_start(dialog->phone, &order);
}

/* ---- BYE ------------------------------------------------------------------------------------- */

static void write_bye(const struct phone_ask *ask, struct sip_builder *builder)
{
	if (ask->dialog->reason)
		sip_builder_header(builder, "Reason", "%s", ask->dialog->reason);
}

static void take_bye_end(struct phone_ask *ask, const struct phone_ask_end *end)
{
	(void)end;
	phone_dialog_end(ask->dialog);
}

static const struct phone_ask_kind bye_kind = {SIP_BYE, write_bye, take_bye_end};

/* RFC 3261 15: the called side waits for the ACK of its 2xx. */
static void end_with_bye(struct phone_dialog *dialog, const char *reason)
{
	dialog->state = PHONE_DIALOG_ENDING;
	dialog->reason = reason;
	net_timer_set(dialog->end, NET_NEVER);
	if (dialog->waits_for_ack)
		return;
	dialog->unacked = 0;
	phone_repeat_stop(&dialog->repeat);
	if (phone_ask_new(dialog, &bye_kind, NULL))
		phone_dialog_send_owed(dialog);
	else
		phone_dialog_end(dialog);
}

void phone_dialog_take_ack(struct phone_dialog *dialog)
{
	bool bye_waits = dialog->waits_for_ack && dialog->state == PHONE_DIALOG_ENDING;

	dialog->unacked = 0;
	dialog->waits_for_ack = false;
	phone_repeat_stop(&dialog->repeat);
	if (bye_waits)
		end_with_bye(dialog, dialog->reason);
}

void phone_dialog_hang_up(struct phone_dialog *dialog, const char *reason)
{
	if (dialog->state != PHONE_DIALOG_UP)
		return;
	if (phone_dialog_may_signal(dialog))
		end_with_bye(dialog, reason);
	else
		phone_dialog_end(dialog);
}

/* Nobody acknowledges our 2xx: the far end is gone (RFC 3261 13.3.1.4). */
static void take_unacked(void *user)
{
	struct phone_dialog *dialog = user;

	phone_dialog_take_ack(dialog);
	if (dialog->call)
		phone_call_break(dialog->call, "SIP;cause=408;text=\"no ACK came\"",
				 "the far end did not acknowledge the answer");
}

/* ---- failures -------------------------------------------------------------------------------- */

bool phone_dialogs_take_fault(struct phone *phone, struct sip_span branch, enum kl_fault fault)
{
	struct phone_dialog *dialog;
	struct phone_ask *ask;

	LIST_FOREACH(dialog, &phone->dialogs.all, others)
	LIST_FOREACH(ask, &dialog->asks, others)
	if (ask->state == PHONE_ASK_OUT && sip_span_equal(branch, sip_span_of(ask->branch))) {
		phone_ask_fail(ask, fault);
		return true;
	}
	return false;
}

static void lose_stream(struct phone_dialog *dialog, const struct phone_stream_end *end)
{
	struct phone_ask *ask, *next;

	for (ask = LIST_FIRST(&dialog->asks); ask; ask = next) {
		next = LIST_NEXT(ask, others);
		if (phone_ask_waits_on(ask, &end->route))
			phone_ask_fail(ask, end->fault);
	}
}

void phone_dialogs_lose_stream(struct phone *phone, const struct phone_stream_end *end)
{
	struct phone_dialog *dialog;

	LIST_FOREACH(dialog, &phone->dialogs.all, others)
	lose_stream(dialog, end);
}

/* ---- life ------------------------------------------------------------------------------------ */

static struct phone_dialog *dialog_new(struct phone *phone,
				       const struct phone_dialog_origin *origin)
{
	struct phone_dialog *dialog = NULL;

	if (phone->dialogs.count < PHONE_DIALOGS_MAX)
		dialog = calloc(1, sizeof *dialog);
	if (!dialog) {
		phone_count_overflow(phone);
		return NULL;
	}
	dialog->phone = phone;
	dialog->account = origin->account;
	dialog->call = origin->call;
	dialog->hop = origin->hop;
	dialog->tx = origin->tx;
	dialog->heard_at_ms = net_now_ms();
	if (origin->call) {
		dialog->offer = origin->call->offer;
		dialog->session = origin->call->session;
	}
	LIST_INIT(&dialog->asks);
	LIST_INSERT_HEAD(&phone->dialogs.all, dialog, others);
	phone->dialogs.count++;
	if (!phone_repeat_init(&dialog->repeat, phone,
			       (struct net_callback){take_unacked, dialog}) &&
	    !net_timer_create(&dialog->end, phone->loop, (struct net_callback){take_end, dialog}))
		return dialog;
	dialog_free(dialog);
	return NULL;
}

static struct phone_dialog *dialog_of_response(struct phone *phone,
					       const struct phone_dialog_origin *origin,
					       const struct sip_message *response)
{
	struct phone_dialog *dialog = dialog_new(phone, origin);
	char route[KL_TEXT_MAX];
	int error;

	if (!dialog)
		return NULL;
	error = sip_dialog_from_response(&dialog->sip, origin->invite, response);
	if (!error)
		return dialog;
	phone_log(PHONE_LOG_WARNING, "the %u from %s makes no call: %s", response->status,
		  phone_route_text(&origin->hop.route, route), sip_strerror(error));
	dialog_free(dialog);
	return NULL;
}

static unsigned count_branches(const struct phone *phone, kl_tx tx)
{
	const struct phone_dialog *dialog;
	unsigned count = 0;

	LIST_FOREACH(dialog, &phone->dialogs.all, others)
	count += dialog->tx == tx;
	return count;
}

/* RFC 3261 12.1: a provisional answer without a tag or a Contact makes none. */
struct phone_dialog *phone_dialog_take_provisional(struct phone *phone,
						   const struct phone_dialog_origin *origin,
						   const struct sip_message *response)
{
	struct phone_dialog *dialog = phone_dialog_find(phone, response);

	if (dialog)
		return dialog->state == PHONE_DIALOG_EARLY ? dialog : NULL;
	if (response->status == 100 || !response->to.tag.at ||
	    !sip_message_header(response, SIP_CONTACT, 0) ||
	    count_branches(phone, origin->tx) >= BRANCHES_MAX)
		return NULL;
	return dialog_of_response(phone, origin, response);
}

/* A 2xx that came late, or that another branch of a fork was faster than, is ended (TIME-9). */
static void take_accepted(struct phone_dialog *dialog, const struct phone_dialog_origin *origin,
			  const struct sip_message *response)
{
	char route[KL_TEXT_MAX];

	dialog->owes_ack = true;
	dialog->tx = 0;
	dialog->call = origin->call;
	if (origin->call) {
		dialog->state = PHONE_DIALOG_UP;
		phone_call_take_accepted(origin->call, dialog, response);
		phone_dialog_send_owed(dialog);
		return;
	}
	phone_log(PHONE_LOG_NOTICE, "an answer that nobody waits for, from %s: ended",
		  phone_route_text(&origin->hop.route, route));
	end_with_bye(dialog, "SIP;cause=200;text=\"Call completed elsewhere\"");
}

bool phone_dialog_take_answer(struct phone *phone, const struct phone_dialog_origin *origin,
			      const struct sip_message *response)
{
	struct phone_dialog *dialog = phone_dialog_find(phone, response);

	if (dialog && dialog->sip.is_confirmed) {
		phone_dialog_acknowledge_again(dialog, response);
		return true;
	}
	if (dialog && sip_dialog_confirm(&dialog->sip, response))
		return false;
	if (!dialog)
		dialog = dialog_of_response(phone, origin, response);
	if (!dialog)
		return false;
	sip_message_share(&dialog->invite, origin->invite);
	take_accepted(dialog, origin, response);
	return true;
}

struct phone_dialog_origin phone_dialog_origin_of(const struct phone *phone,
						  const struct kl_binding *binding)
{
	struct phone_account *account =
		phone_account_find(&phone->accounts, binding->line, binding->entry);

	return (struct phone_dialog_origin){
		.account = account,
		.hop = {.route = binding->route,
			.policy = phone_entry_config(phone, account)->policy},
	};
}

struct phone_dialog *phone_dialog_from_invite(struct phone *phone,
					      const struct phone_dialog_origin *origin,
					      const char *tag, int *error)
{
	struct phone_dialog *dialog = dialog_new(phone, origin);

	*error = 0;
	if (!dialog)
		return NULL;
	dialog->hop.name =
		phone_locate_hop(phone, dialog->account, &dialog->found, &dialog->hop.route).name;
	*error = sip_dialog_from_request(&dialog->sip, origin->invite, tag);
	if (!*error)
		return dialog;
	dialog_free(dialog);
	return NULL;
}

struct phone_dialog *phone_dialog_adopt(struct phone *phone, const struct kl_binding *binding,
					const struct sip_dialog *sip)
{
	const struct phone_dialog_origin origin = phone_dialog_origin_of(phone, binding);
	struct phone_dialog *dialog = dialog_new(phone, &origin);

	if (!dialog)
		return NULL;
	dialog->hop.name =
		phone_locate_hop(phone, dialog->account, &dialog->found, &dialog->hop.route).name;
	dialog->state = PHONE_DIALOG_ENDING;
	dialog->binding = *binding;
	dialog->sip = *sip;
	return dialog;
}

bool phone_dialog_receive(struct phone *phone, const struct sip_message *response)
{
	struct phone_dialog *dialog = phone_dialog_find(phone, response);
	struct phone_ask *ask;

	if (!dialog)
		return false;
	dialog->heard_at_ms = net_now_ms();
	LIST_FOREACH(ask, &dialog->asks, others)
	if (phone_ask_receive(ask, response))
		return true;
	return false;
}
