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
	BYES_MAX = 2,               /* the first one, and its repeat with credentials */
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

	if (!account) {
		dialog_free(dialog);
		return;
	}
	phone_reload_hop(reload, dialog->account, &dialog->hop);
	phone_reload_hop(reload, dialog->account, &dialog->repeat.hop);
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
	dialog->owes_bye = false;
	dialog->call = NULL;
	phone_repeat_stop(&dialog->repeat);
	net_timer_set(dialog->end, net_now_ms() + LINGER_MS);
	if (call)
		phone_call_ended(call);
}

/* ---- where requests go -------------------------------------------------------------------------
 */

/* FAIL-18: a route of the line is used as the line uses it. */
static const char *certificate_name(const struct phone_dialog *dialog, const struct kl_route *route)
{
	const struct phone *phone = dialog->phone;
	const struct phone_account *account = dialog->account;
	struct kl_route_view view;

	for (uint32_t i = 0;
	     !kl_get_route(phone->engine, account->line_index, account->entry_index, i, &view); i++)
		if (phone_route_equal(&view.route, route))
			return view.name ? phone_entry_config(phone, account)->name : NULL;
	return *dialog->found.name ? dialog->found.name : NULL;
}

/* FAIL-18: where the first Route, else the remote target leads; if that is not known, or can't be
 * reached from here, where the INVITE went. */
static struct phone_hop next_hop(const struct phone_dialog *dialog)
{
	struct phone_hop hop = {.policy = dialog->hop.policy};
	struct net_address local;

	if (dialog->at == dialog->found.count)
		return dialog->hop;
	hop.route = dialog->found.routes[dialog->at];
	if (phone_route_equal(&hop.route, &dialog->hop.route) ||
	    phone_transport_local(dialog->phone->transport, &hop.route, &local))
		return dialog->hop;
	hop.name = certificate_name(dialog, &hop.route);
	return hop;
}

/* RFC 3263 4.3: on to the next route of those that the name has.  False: there is none. */
static bool take_next_route(struct phone_dialog *dialog)
{
	if (dialog->at + 1 >= dialog->found.count)
		return false;
	dialog->at++;
	return true;
}

/* Begins a request of the dialog in the phone's scratch; *HOP is where it goes. */
static void begin(struct phone_dialog *dialog, struct sip_builder *builder, const char *method,
		  struct phone_hop *hop)
{
	struct phone *phone = dialog->phone;
	struct phone_self self = {.transport = KL_UDP};
	char via[PHONE_VIA_MAX], branch[PHONE_ID_MAX];

	snprintf(branch, sizeof branch, SIP_BRANCH_COOKIE "%016" PRIx64, phone_draw());
	if (!strcmp(method, "BYE"))
		memcpy(dialog->bye_branch, branch, sizeof branch);
	*hop = next_hop(dialog);
	phone_self_toward(phone, &hop->route, &self);
	phone_write_via(via, &self, branch);
	sip_builder_init(builder, phone->scratch, sizeof phone->scratch);
	sip_dialog_request(&dialog->sip, builder, method, via);
}

/* RFC 3261 13.2.2.4: to the route set of the 2xx, with the INVITE's credentials. */
static void acknowledge(struct phone_dialog *dialog)
{
	struct phone *phone = dialog->phone;
	struct sip_builder builder;
	struct phone_hop hop;
	int length, error;

	do {
		begin(dialog, &builder, "ACK", &hop);
		sip_builder_copy(&builder, &dialog->invite, SIP_AUTHORIZATION);
		sip_builder_copy(&builder, &dialog->invite, SIP_PROXY_AUTHORIZATION);
		length = sip_builder_finish(&builder);
		if (length < 0)
			return;
		error = phone_send(phone, &hop, (struct sip_span){phone->scratch, (size_t)length});
	} while (error && take_next_route(dialog));
	dialog->ack = strndup(phone->scratch, (size_t)length);
}

static void acknowledge_again(const struct phone_dialog *dialog)
{
	const struct phone_hop hop = next_hop(dialog);

	if (dialog->ack)
		phone_send(dialog->phone, &hop, sip_span_of(dialog->ack));
}

static void send_bye(struct phone_dialog *dialog);

/* FAIL-5: but the BYE of a dialog that was never a call of ours, which has no binding, always goes.
 */
static bool may_signal(const struct phone_dialog *dialog)
{
	return !dialog->binding.route.port ||
	       kl_may_signal(dialog->phone->engine, &dialog->binding);
}

/* TRIG-10: when a BYE fails its line's engine is told which route is dead, for the dialog may have
 * led past the line's own.  RFC 3263 4.3: it goes on to the next route of its name, with the same
 * CSeq (TIME-8), and ends its dialog if there is none. */
static void fail(struct phone_dialog *dialog, struct kl_event_dialog how)
{
	struct kl_event event = {.type = KL_EV_DIALOG_FAILED, .dialog = how};

	phone_repeat_stop(&dialog->repeat);
	event.dialog.binding = dialog->binding;
	event.dialog.binding.route = dialog->repeat.hop.route;
	if (dialog->binding.route.port)
		phone_feed(dialog->phone, &event);
	if (!may_signal(dialog) || !take_next_route(dialog)) {
		phone_dialog_end(dialog);
		phone_check_stopped(dialog->phone);
		return;
	}
	dialog->sip.local_cseq--;
	dialog->byes = 0;
	send_bye(dialog);
}

static void send_bye(struct phone_dialog *dialog)
{
	struct phone *phone = dialog->phone;
	char uri[SIP_DIALOG_URI_MAX];
	const struct phone_proof proof = {
		.route = &dialog->hop.route,
		.request = dialog->proof,
		.digest = {.method = "BYE", .uri = uri},
	};
	struct sip_builder builder;
	struct phone_hop hop;
	int length, error;

	dialog->byes++;
	begin(dialog, &builder, "BYE", &hop);
	sip_builder_header(&builder, "User-Agent", "%s", PHONE_USER_AGENT);
	if (!sip_span_copy(sip_dialog_request_uri(&dialog->sip), uri, sizeof uri))
		phone_account_prove(dialog->account, &proof, &builder, dialog->sent);
	length = sip_builder_finish(&builder);
	if (length < 0) {
		phone_dialog_end(dialog);
		return;
	}
	error = phone_repeat_start(&dialog->repeat, &hop,
				   (struct sip_span){phone->scratch, (size_t)length});
	if (error)
		fail(dialog, (struct kl_event_dialog){.fault = phone_fault_of(-error)});
}

/* ---- the way --------------------------------------------------------------------------------- */

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
		acknowledge(dialog);
	dialog->owes_ack = false;
	sip_message_clear(&dialog->invite);
	if (!dialog->owes_bye)
		return;
	dialog->owes_bye = false;
	if (may_signal(dialog))
		send_bye(dialog);
	else
		phone_dialog_end(dialog);
	phone_check_stopped(dialog->phone);
}

/* Sends what is owed, once it is known where to: names are asked for anew each time, and waited for
 * as long as the line's own are (DNS-16). */
static void send_owed(struct phone_dialog *dialog)
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

static void end_with_bye(struct phone_dialog *dialog)
{
	dialog->state = PHONE_DIALOG_ENDING;
	dialog->unacked = 0;
	dialog->owes_bye = true;
	phone_repeat_stop(&dialog->repeat);
	send_owed(dialog);
}

/* ---- failures -------------------------------------------------------------------------------- */

bool phone_dialogs_take_fault(struct phone *phone, struct sip_span branch, enum kl_fault fault)
{
	struct phone_dialog *dialog;

	LIST_FOREACH(dialog, &phone->dialogs.all, others)
	if (dialog->state == PHONE_DIALOG_ENDING && !dialog->owes_bye &&
	    sip_span_equal(branch, sip_span_of(dialog->bye_branch))) {
		fail(dialog, (struct kl_event_dialog){.fault = fault});
		return true;
	}
	return false;
}

void phone_dialogs_lose_stream(struct phone *phone, const struct phone_stream_end *end)
{
	struct phone_dialog *dialog;

	LIST_FOREACH(dialog, &phone->dialogs.all, others)
	if (dialog->state == PHONE_DIALOG_ENDING && !dialog->owes_bye &&
	    phone_route_equal(&dialog->repeat.hop.route, &end->route))
		fail(dialog, (struct kl_event_dialog){.fault = end->fault});
}

/* Nobody answers the BYE, or acknowledges our 200: the far end is gone (RFC 3261 13.3.1.4). */
static void take_given_up(void *user)
{
	struct phone_dialog *dialog = user;

	if (dialog->state == PHONE_DIALOG_UP)
		phone_dialog_hang_up(dialog);
	else
		fail(dialog, (struct kl_event_dialog){.status = 408, .ms = LINGER_MS});
}

/* ---- life ------------------------------------------------------------------------------------ */

static struct phone_dialog *dialog_new(struct phone *phone,
				       const struct phone_dialog_origin *origin)
{
	struct phone_dialog *dialog = NULL;

	if (phone->dialogs.count < PHONE_DIALOGS_MAX)
		dialog = calloc(1, sizeof *dialog);
	if (!dialog) {
		phone->counters.overflow++;
		return NULL;
	}
	dialog->phone = phone;
	dialog->account = origin->account;
	dialog->call = origin->call;
	dialog->hop = origin->hop;
	dialog->session = origin->call ? origin->call->session : 0;
	dialog->proof = phone_draw();
	LIST_INSERT_HEAD(&phone->dialogs.all, dialog, others);
	phone->dialogs.count++;
	if (!phone_repeat_init(&dialog->repeat, phone,
			       (struct net_callback){take_given_up, dialog}) &&
	    !net_timer_create(&dialog->end, phone->loop, (struct net_callback){take_end, dialog}))
		return dialog;
	dialog_free(dialog);
	return NULL;
}

bool phone_dialog_take_answer(struct phone *phone, const struct phone_dialog_origin *origin,
			      const struct sip_message *response)
{
	struct phone_dialog *dialog = phone_dialog_find(phone, response);
	char route[KL_TEXT_MAX];
	int error;

	if (dialog) {
		acknowledge_again(dialog);
		return true;
	}
	dialog = dialog_new(phone, origin);
	if (!dialog)
		return false;
	error = sip_dialog_from_response(&dialog->sip, origin->invite, response);
	if (!error)
		error = sip_message_parse(&dialog->invite, origin->invite->received.at,
					  origin->invite->received.length);
	if (error) {
		phone_log(PHONE_LOG_WARNING, "the %u from %s makes no call: %s", response->status,
			  phone_route_text(&origin->hop.route, route), sip_strerror(error));
		dialog_free(dialog);
		return false;
	}
	dialog->owes_ack = true;
	if (origin->call) {
		origin->call->dialog = dialog;
		send_owed(dialog);
	} else {
		phone_log(PHONE_LOG_NOTICE, "an answer that nobody waits for, from %s: ended",
			  phone_route_text(&origin->hop.route, route));
		end_with_bye(dialog);
	}
	return true;
}

/* FAIL-5: nothing is sent to a route that lost the registration: the call ends here alone. */
void phone_dialog_hang_up(struct phone_dialog *dialog)
{
	if (dialog->state != PHONE_DIALOG_UP)
		return;
	if (kl_may_signal(dialog->phone->engine, &dialog->binding))
		end_with_bye(dialog);
	else
		phone_dialog_end(dialog);
}

static bool wants_credentials(struct phone_dialog *dialog, const struct sip_message *response)
{
	enum sip_verdict verdict;

	if ((response->status != 401 && response->status != 407) || dialog->byes >= BYES_MAX)
		return false;
	verdict = phone_account_judge(dialog->account, &dialog->hop.route, dialog->proof, response,
				      dialog->sent);
	return verdict == SIP_VERDICT_NEW || verdict == SIP_VERDICT_STALE;
}

bool phone_dialog_receive(struct phone *phone, const struct sip_message *response)
{
	struct phone_dialog *dialog = NULL;

	if (response->method == SIP_BYE)
		dialog = phone_dialog_find(phone, response);
	if (!dialog || !sip_response_matches(response, dialog->bye_branch, SIP_BYE))
		return false;
	if (dialog->state != PHONE_DIALOG_ENDING || response->status < 200)
		return true;
	if (wants_credentials(dialog, response))
		send_bye(dialog);
	else if (response->status == 503)
		fail(dialog, (struct kl_event_dialog){.status = 503});
	else
		phone_dialog_end(dialog);
	return true;
}
