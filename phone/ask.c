/* ask.c - requests of ours inside a dialog. */
#include "phone/ask.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "phone/large.h"
#include "phone/private.h"
#include "phone/request.h"
#include "sip/transaction.h"

enum {
	WINDOW_MS = 64 * SIP_T1_MS, /* RFC 3261 timers B, D and F */
	/* After a provisional answer to a re-INVITE: as long as a proxy waits (16.6, timer C). */
	PROCEEDING_MS = 180000,
	TRIES_MAX = 2, /* the first one, and its repeat with credentials */
};

/* ---- life ------------------------------------------------------------------------------------ */

static void take_given_up(void *user);
static void take_end(void *user);

struct phone_ask *phone_ask_new(struct phone_dialog *dialog, const struct phone_ask_kind *kind,
				const char *body)
{
	struct phone_ask *ask = calloc(1, sizeof *ask);

	if (!ask)
		return NULL;
	ask->dialog = dialog;
	ask->kind = kind;
	ask->proof = phone_draw();
	ask->body = body ? strdup(body) : NULL;
	LIST_INSERT_HEAD(&dialog->asks, ask, others);
	if ((!body || ask->body) &&
	    !phone_repeat_init(&ask->repeat, dialog->phone,
			       (struct net_callback){take_given_up, ask}) &&
	    !net_timer_create(&ask->end, dialog->phone->loop, (struct net_callback){take_end, ask}))
		return ask;
	phone_ask_free(ask);
	return NULL;
}

void phone_ask_free(struct phone_ask *ask)
{
	LIST_REMOVE(ask, others);
	phone_repeat_clear(&ask->repeat);
	net_timer_free(ask->end);
	sip_message_clear(&ask->request);
	free(ask->body);
	free(ask);
}

/* Its owner is told.  An INVITE stays, for its answer may come again. */
static void finish(struct phone_ask *ask, const struct phone_ask_end *end)
{
	struct phone *phone = ask->dialog->phone;

	phone_repeat_stop(&ask->repeat);
	ask->state = PHONE_ASK_ENDED;
	ask->accepted = end->status / 100 == 2;
	net_timer_set(ask->end,
		      net_now_ms() +
			      (ask->kind->method == SIP_INVITE && end->response ? WINDOW_MS : 0));
	ask->kind->on_end(ask, end);
	phone_check_stopped(phone);
}

/* ---- sending --------------------------------------------------------------------------------- */

/* Writes the request with its number into the phone's scratch; the dialog's count goes on where it
 * is.  Its length, or a SIP_E*. */
static int write_request(struct phone_ask *ask, const struct phone_hop *hop)
{
	struct phone_dialog *dialog = ask->dialog;
	const char *method = sip_method_name(ask->kind->method);
	uint32_t last = dialog->sip.local_cseq;
	const struct sip_span body = sip_span_of(ask->body);
	char uri[SIP_DIALOG_URI_MAX];
	const struct phone_proof proof = {
		.route = &dialog->hop.route,
		.request = ask->proof,
		.digest = {.method = method, .uri = uri, .body = body},
	};
	struct phone_dialog_way way = {.hop = *hop};
	struct sip_builder builder;

	memcpy(way.branch, ask->branch, sizeof way.branch);
	if (ask->number)
		dialog->sip.local_cseq = ask->number - 1;
	phone_dialog_begin(dialog, &builder, method, &way);
	ask->number = dialog->sip.local_cseq;
	if (last > dialog->sip.local_cseq)
		dialog->sip.local_cseq = last;
	sip_builder_header(&builder, "User-Agent", "%s", PHONE_USER_AGENT);
	if (ask->kind->write)
		ask->kind->write(ask, &builder);
	if (!sip_span_copy(sip_dialog_request_uri(&dialog->sip), uri, sizeof uri))
		phone_account_prove(dialog->account, &proof, &builder, ask->sent);
	return ask->body ? sip_builder_finish_body(&builder, "application/sdp", body)
			 : sip_builder_finish(&builder);
}

/* The same; one that is too large for a datagram is written for TCP, unless that has failed (RFC
 * 3261 18.1.1).  *HOP is where it goes. */
static int write_for_hop(struct phone_ask *ask, struct phone_hop *hop)
{
	int length;

	*hop = phone_dialog_hop(ask->dialog);
	length = write_request(ask, hop);
	ask->over_tcp = length > 0 && !ask->avoids_tcp &&
			phone_large_is(ask->dialog->phone, hop, (size_t)length);
	if (!ask->over_tcp)
		return length;
	hop->route.transport = KL_TCP;
	net_timer_set(ask->end, net_now_ms() + SIP_T1_MS);
	return write_request(ask, hop);
}

/* It goes as a datagram after all. */
static void avoid_tcp(struct phone_ask *ask)
{
	phone_repeat_stop(&ask->repeat);
	ask->avoids_tcp = true;
	ask->tries--;
	phone_ask_send(ask);
}

void phone_ask_send(struct phone_ask *ask)
{
	struct phone *phone = ask->dialog->phone;
	struct phone_hop hop;
	int length, error;

	ask->state = PHONE_ASK_OUT;
	ask->tries++;
	ask->proceeds = false;
	snprintf(ask->branch, sizeof ask->branch, SIP_BRANCH_COOKIE "%016" PRIx64, phone_draw());
	net_timer_set(ask->end, NET_NEVER);
	length = write_for_hop(ask, &hop);
	sip_message_clear(&ask->request);
	if (length < 0 || sip_message_parse(&ask->request, phone->scratch, (size_t)length)) {
		finish(ask, &(struct phone_ask_end){.status = 500});
		return;
	}
	error = phone_repeat_start(&ask->repeat, &hop,
				   (struct sip_span){phone->scratch, (size_t)length});
	if (error)
		phone_ask_fail(ask, phone_fault_of(-error));
}

/* ---- failures -------------------------------------------------------------------------------- */

/* TRIG-10: the engine is told which route is dead, for the dialog may have led past the line's own.
 * RFC 3263 4.3: then it goes to the next route of its name, with the same CSeq (TIME-8). */
static void fail(struct phone_ask *ask, struct kl_event_dialog how, const struct phone_ask_end *end)
{
	struct phone_dialog *dialog = ask->dialog;
	struct kl_event event = {.type = KL_EV_DIALOG_FAILED, .dialog = how};

	phone_repeat_stop(&ask->repeat);
	event.dialog.binding = dialog->binding;
	event.dialog.binding.route = ask->repeat.hop.route;
	if (ask->over_tcp)
		event.dialog.binding.route.transport = KL_UDP;
	if (dialog->binding.route.port)
		phone_feed(dialog->phone, &event);
	if (phone_dialog_may_signal(dialog) && phone_dialog_next_route(dialog)) {
		ask->tries = 0;
		phone_ask_send(ask);
		return;
	}
	finish(ask, end);
}

/* Where a stream was a datagram's substitute, and nobody works on the request yet, it goes without.
 */
void phone_ask_fail(struct phone_ask *ask, enum kl_fault fault)
{
	if (ask->over_tcp && !ask->proceeds)
		avoid_tcp(ask);
	else
		fail(ask, (struct kl_event_dialog){.fault = fault},
		     &(struct phone_ask_end){.status = 503});
}

static void take_given_up(void *user)
{
	fail(user, (struct kl_event_dialog){.status = 408, .ms = WINDOW_MS},
	     &(struct phone_ask_end){.status = 408});
}

/* It may be forgotten; is an INVITE that was answered provisionally and never more; or waits for a
 * stream that ought to be open by now. */
static void take_end(void *user)
{
	struct phone_ask *ask = user;
	const struct phone *phone = ask->dialog->phone;

	if (ask->state == PHONE_ASK_ENDED)
		phone_ask_free(ask);
	else if (ask->proceeds)
		finish(ask, &(struct phone_ask_end){.status = 408});
	else if (!phone_transport_is_open(phone->transport, &ask->repeat.hop.route))
		avoid_tcp(ask);
}

bool phone_ask_waits_on(const struct phone_ask *ask, const struct kl_route *route)
{
	return ask->state == PHONE_ASK_OUT && phone_route_same(&ask->repeat.hop.route, route);
}

/* ---- answers --------------------------------------------------------------------------------- */

/* RFC 3261 17.1.1.3: a refused INVITE gets its ACK where it went. */
static void acknowledge_refusal(struct phone_ask *ask, const struct sip_message *response)
{
	struct phone *phone = ask->dialog->phone;
	struct sip_builder builder;
	int length;

	sip_builder_init(&builder, phone->scratch, sizeof phone->scratch);
	length = sip_build_ack_for_failure(&builder, &ask->request, response);
	if (length > 0)
		phone_send(phone, &ask->repeat.hop,
			   (struct sip_span){phone->scratch, (size_t)length});
}

static bool wants_credentials(struct phone_ask *ask, const struct sip_message *response)
{
	const struct phone_dialog *dialog = ask->dialog;
	enum sip_verdict verdict;

	if ((response->status != 401 && response->status != 407) || ask->tries >= TRIES_MAX)
		return false;
	verdict = phone_account_judge(dialog->account, &dialog->hop.route, ask->proof, response,
				      ask->sent);
	return verdict == SIP_VERDICT_NEW || verdict == SIP_VERDICT_STALE;
}

static void take_provisional(struct phone_ask *ask)
{
	if (ask->kind->method != SIP_INVITE || ask->state != PHONE_ASK_OUT)
		return;
	ask->proceeds = true;
	phone_repeat_stop(&ask->repeat);
	net_timer_set(ask->end, net_now_ms() + PROCEEDING_MS);
}

static void take_final(struct phone_ask *ask, const struct sip_message *response)
{
	const struct phone_ask_end end = {response->status, response};

	if (wants_credentials(ask, response)) {
		ask->number = 0;
		phone_ask_send(ask);
	} else if (response->status == 503) {
		fail(ask, (struct kl_event_dialog){.status = 503}, &end);
	} else {
		finish(ask, &end);
	}
}

bool phone_ask_receive(struct phone_ask *ask, const struct sip_message *response)
{
	bool is_invite = ask->kind->method == SIP_INVITE;

	if (ask->state == PHONE_ASK_OWED ||
	    !sip_response_matches(response, ask->branch, ask->kind->method))
		return false;
	if (response->status < 200) {
		take_provisional(ask);
		return true;
	}
	if (is_invite && response->status >= 300)
		acknowledge_refusal(ask, response);
	if (ask->state == PHONE_ASK_OUT)
		take_final(ask, response);
	else if (is_invite && ask->accepted)
		phone_dialog_acknowledge_again(ask->dialog, response);
	return true;
}
