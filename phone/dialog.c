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

bool phone_dialogs_busy(const struct phone *phone)
{
	const struct phone_dialog *dialog;

	LIST_FOREACH(dialog, &phone->dialogs.all, others)
	if (dialog->state == PHONE_DIALOG_ENDING)
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
		phone_call_ended(call);
}

/* ---- where requests go -------------------------------------------------------------------------
 */

/* FAIL-18: where the first Route, else the remote target says.  A name there is taken for that of
 * the server which the INVITE was sent to. */
static struct kl_route next_hop(const struct phone_dialog *dialog)
{
	struct net_address address, local;
	struct kl_route route = dialog->route;
	struct sip_uri uri;

	if (sip_uri_parse(&uri, sip_dialog_next_hop(&dialog->sip)) ||
	    net_address_parse(&address, uri.host, 0))
		return dialog->route;
	address.port = uri.port ? uri.port : PHONE_PORT;
	route = phone_route_of(&address);
	return phone_get_local(dialog->phone, &address, &local) ? dialog->route : route;
}

/* Begins a request of the dialog in the phone's scratch; *ROUTE is where it goes. */
static void begin(struct phone_dialog *dialog, struct sip_builder *builder, const char *method,
		  struct kl_route *route)
{
	struct phone *phone = dialog->phone;
	struct net_address local = {0};
	char via[PHONE_VIA_MAX], branch[PHONE_ID_MAX];

	snprintf(branch, sizeof branch, SIP_BRANCH_COOKIE "%016" PRIx64, phone_draw());
	if (!strcmp(method, "BYE"))
		memcpy(dialog->bye_branch, branch, sizeof branch);
	*route = next_hop(dialog);
	phone_transport_local(phone->transport, route, &local);
	phone_write_via(via, &local, branch);
	sip_builder_init(builder, phone->scratch, sizeof phone->scratch);
	sip_dialog_request(&dialog->sip, builder, method, via);
}

/* RFC 3261 13.2.2.4: to the route set of the 2xx, with the INVITE's credentials. */
static void acknowledge(struct phone_dialog *dialog, const struct sip_message *invite)
{
	struct phone *phone = dialog->phone;
	struct sip_builder builder;
	struct kl_route route;
	int length;

	begin(dialog, &builder, "ACK", &route);
	sip_builder_copy(&builder, invite, SIP_AUTHORIZATION);
	sip_builder_copy(&builder, invite, SIP_PROXY_AUTHORIZATION);
	length = sip_builder_finish(&builder);
	if (length < 0)
		return;
	phone_send(phone, &(struct phone_hop){.route = route},
		   (struct sip_span){phone->scratch, (size_t)length});
	dialog->ack = strndup(phone->scratch, (size_t)length);
}

static void acknowledge_again(const struct phone_dialog *dialog)
{
	const struct kl_route route = next_hop(dialog);

	if (dialog->ack)
		phone_send(dialog->phone, &(struct phone_hop){.route = route},
			   sip_span_of(dialog->ack));
}

static void send_bye(struct phone_dialog *dialog)
{
	struct phone *phone = dialog->phone;
	char uri[SIP_DIALOG_URI_MAX];
	const struct phone_proof proof = {
		.route = &dialog->route,
		.request = dialog->proof,
		.digest = {.method = "BYE", .uri = uri},
	};
	struct sip_builder builder;
	struct kl_route route;
	int length;

	dialog->state = PHONE_DIALOG_ENDING;
	dialog->byes++;
	dialog->unacked = 0;
	begin(dialog, &builder, "BYE", &route);
	sip_builder_header(&builder, "User-Agent", "%s", PHONE_USER_AGENT);
	if (!sip_span_copy(sip_dialog_request_uri(&dialog->sip), uri, sizeof uri))
		phone_account_prove(dialog->account, &proof, &builder, dialog->sent);
	length = sip_builder_finish(&builder);
	if (length < 0)
		phone_dialog_end(dialog);
	else
		phone_repeat_start(&dialog->repeat, &(struct phone_hop){.route = route},
				   (struct sip_span){phone->scratch, (size_t)length});
}

/* ---- life ------------------------------------------------------------------------------------ */

/* Nobody answers the BYE, or acknowledges our 200: the far end is gone (RFC 3261 13.3.1.4). */
static void take_given_up(void *user)
{
	struct phone_dialog *dialog = user;

	if (dialog->state == PHONE_DIALOG_UP)
		phone_dialog_hang_up(dialog);
	else
		phone_dialog_end(dialog);
}

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
	dialog->route = origin->route;
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
	if (error) {
		phone_log(PHONE_LOG_WARNING, "the %u from %s makes no call: %s", response->status,
			  phone_route_text(&origin->route, route), sip_strerror(error));
		dialog_free(dialog);
		return false;
	}
	acknowledge(dialog, origin->invite);
	if (origin->call) {
		origin->call->dialog = dialog;
	} else {
		phone_log(PHONE_LOG_NOTICE, "an answer that nobody waits for, from %s: ended",
			  phone_route_text(&origin->route, route));
		send_bye(dialog);
	}
	return true;
}

/* FAIL-5: nothing is sent to a route that lost the registration: the call ends here alone. */
void phone_dialog_hang_up(struct phone_dialog *dialog)
{
	if (dialog->state != PHONE_DIALOG_UP)
		return;
	if (kl_may_signal(dialog->phone->engine, &dialog->binding))
		send_bye(dialog);
	else
		phone_dialog_end(dialog);
}

static bool wants_credentials(struct phone_dialog *dialog, const struct sip_message *response)
{
	enum sip_verdict verdict;

	if ((response->status != 401 && response->status != 407) || dialog->byes >= BYES_MAX)
		return false;
	verdict = phone_account_judge(dialog->account, &dialog->route, dialog->proof, response,
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
	else
		phone_dialog_end(dialog);
	return true;
}
