/* client.c - client transactions. */
#include "phone/client.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "phone/flow.h"
#include "phone/large.h"
#include "phone/log.h"
#include "phone/private.h"
#include "phone/race.h"
#include "phone/relay_private.h"
#include "phone/request.h"
#include "phone/seize.h"
#include "phone/waiting.h"
#include "sip/transaction.h"

enum {
	TRANSACTION_MS = 64 * SIP_T1_MS, /* RFC 3261 timers B, D and F; RFC 6026 timer M */
	TX_DIGITS = 16,
	/* Each walk leaves one every 3.5 s, each stays 32 s; and as many again for fast refusals.
	 */
	CLIENTS_PER_WALK = 20,
};

/* ---- the table ------------------------------------------------------------------------------- */

static uint32_t bucket_of(kl_tx tx)
{
	return (uint32_t)(tx ^ tx >> 32) % PHONE_CLIENT_BUCKETS;
}

static struct phone_client *find(const struct phone *phone, kl_tx tx)
{
	struct phone_client *client;

	LIST_FOREACH(client, &phone->clients.buckets[bucket_of(tx)], others)
	if (client->tx == tx)
		return client;
	return NULL;
}

/* A branch of ours holds the transaction's number, and a random one that nobody can guess. */
static void make_branch(kl_tx tx, char to[PHONE_ID_MAX])
{
	snprintf(to, PHONE_ID_MAX, SIP_BRANCH_COOKIE "%0*" PRIx64 "%016" PRIx64, TX_DIGITS, tx,
		 phone_draw());
}

struct phone_client *phone_client_find(const struct phone *phone, struct sip_span branch)
{
	char digits[TX_DIGITS + 1];
	struct phone_client *client;

	if (branch.length < SIP_BRANCH_COOKIE_SIZE + TX_DIGITS)
		return NULL;
	memcpy(digits, branch.at + SIP_BRANCH_COOKIE_SIZE, TX_DIGITS);
	digits[TX_DIGITS] = '\0';
	client = find(phone, strtoull(digits, NULL, 16));
	return client && sip_span_equal(branch, sip_span_of(client->branch)) ? client : NULL;
}

static void client_free(struct phone_client *client)
{
	phone_waiting_end(client, PHONE_CLIENT_ENDED);
	LIST_REMOVE(client, others);
	client->phone->clients.count--;
	sip_message_clear(&client->request);
	phone_repeat_clear(&client->cancel);
	phone_redirect_free(client->redirect);
	net_timer_free(client->end);
	net_timer_free(client->race);
	free(client);
}

static void take_end(void *user)
{
	client_free(user);
}

void phone_clients_init(struct phone *phone)
{
	for (int i = 0; i < PHONE_CLIENT_BUCKETS; i++)
		LIST_INIT(&phone->clients.buckets[i]);
	for (int i = 0; i < PHONE_WAITING_BUCKETS; i++)
		LIST_INIT(&phone->clients.waiting[i]);
	phone_clients_make_room(phone);
}

void phone_clients_make_room(struct phone *phone)
{
	phone->clients.count_max = phone->engine_config->limits.walks * CLIENTS_PER_WALK;
}

static void client_carry(struct phone_client *client, const struct phone_reload *reload)
{
	struct phone_account *account = phone_reload_account(reload, client->account);

	if (!account) {
		client_free(client);
		return;
	}
	phone_reload_hop(reload, client->account, &client->hop);
	phone_reload_hop(reload, client->account, &client->cancel.hop);
	client->account = account;
	if (client->redirect)
		client->redirect->account = account;
}

void phone_clients_carry(struct phone *phone, const struct phone_reload *reload)
{
	struct phone_client *client, *next;

	for (int i = 0; i < PHONE_CLIENT_BUCKETS; i++) {
		for (client = LIST_FIRST(&phone->clients.buckets[i]); client; client = next) {
			next = LIST_NEXT(client, others);
			client_carry(client, reload);
		}
	}
}

void phone_clients_clear(struct phone *phone)
{
	for (int i = 0; i < PHONE_CLIENT_BUCKETS; i++)
		while (!LIST_EMPTY(&phone->clients.buckets[i]))
			client_free(LIST_FIRST(&phone->clients.buckets[i]));
}

/* Is it not known yet where a 3xx leads? */
static bool is_followed(const struct phone_client *client)
{
	return client->redirect && client->redirect->locate;
}

bool phone_clients_busy(const struct phone *phone)
{
	const struct phone_client *client;

	for (int i = 0; i < PHONE_CLIENT_BUCKETS; i++)
		LIST_FOREACH(client, &phone->clients.buckets[i], others)
	if (client->account->leaves &&
	    (client->state == PHONE_CLIENT_OPEN || client->cancel.bytes || is_followed(client)))
		return true;
	return false;
}

/* ---- sending --------------------------------------------------------------------------------- */

static struct phone_client *client_new(struct phone *phone, const struct kl_action_send *send)
{
	struct phone_client *client = calloc(1, sizeof *client);

	if (!client)
		return NULL;
	client->phone = phone;
	client->tx = send->tx;
	client->method = send->method;
	client->account = phone_account_find(&phone->accounts, send->line, send->entry);
	client->hop.route = send->route;
	client->hop.policy = phone_entry_config(phone, client->account)->policy;
	client->hop.name = send->tls_name;
	if (!client->hop.name && send->route.tls_name)
		client->hop.name =
			phone_redirect_name(&phone->redirect_names, send->route.tls_name);
	client->hop.own = send->fresh;
	client->hop.stream = send->fresh ? send->tx : 0;
	client->token = send->token;
	client->purpose = send->purpose;
	client->proof = send->token ? send->token : client->account->request;
	client->expires_ms = send->expires_ms;
	client->reg_id = send->reg_id;
	client->is_relayed = phone_relay_is_token(phone, send->token);
	client->again = send->cseq - 1;
	make_branch(send->tx, client->branch);
	LIST_INSERT_HEAD(&phone->clients.buckets[bucket_of(client->tx)], client, others);
	phone->clients.count++;
	phone_waiting_begin(client);
	if (!net_timer_create(&client->end, phone->loop, (struct net_callback){take_end, client}))
		return client;
	client_free(client);
	return NULL;
}

/* Whose the request is that is to be written.  False: nobody's any more. */
static bool find_owner(struct phone_client *client, const struct kl_action_send *send,
		       struct phone_request *request)
{
	struct phone *phone = client->phone;

	if (client->is_relayed)
		return true;
	if (send->method == KL_INVITE)
		request->call = phone_call_find(phone, send->token);
	if (request->call)
		phone_call_begin_anew(request->call, send->call_id);
	if (send->method == KL_SUBSCRIBE)
		request->subscription = phone_subscription_for(phone, send);
	if (request->subscription)
		client->proof = request->subscription->proof;
	request->proof = client->proof;
	return (send->method == KL_INVITE) == (request->call != NULL) &&
	       (send->method == KL_SUBSCRIBE) == (request->subscription != NULL);
}

/* Writes the request and keeps it: every repeat is the same bytes, and ACK and CANCEL copy them. */
static bool client_write(struct phone_client *client, const struct kl_action_send *send)
{
	struct phone *phone = client->phone;
	struct phone_request request = {
		.account = client->account,
		.send = send,
		.branch = client->branch,
	};
	int length;

	if (!find_owner(client, send, &request) ||
	    phone_self_toward(phone, &send->route, &request.self))
		return false;
	length = client->is_relayed ? phone_relay_write_walk(phone, &request)
				    : phone_request_write(phone, &request);
	if (length < 0 ||
	    sip_message_parse(&client->request, phone->scratch, (size_t)length) != 0) {
		phone_log(PHONE_LOG_ERROR, "cannot write %s: %s", kl_method_name(send->method),
			  sip_strerror(length));
		return false;
	}
	memcpy(client->sent, request.sent, sizeof client->sent);
	phone_large_begin(client);
	return true;
}

static struct phone_client *client_open(struct phone *phone, const struct kl_action_send *send)
{
	struct phone_client *client;

	if (phone->clients.count >= phone->clients.count_max) {
		phone_count_overflow(phone);
		return NULL;
	}
	client = client_new(phone, send);
	if (client && !client_write(client, send)) {
		client_free(client);
		return NULL;
	}
	return client;
}

static void tell_fault(struct phone *phone, const struct kl_event_transport *fault)
{
	phone_network_check(phone);
	phone_feed(phone, &(struct kl_event){.type = KL_EV_TRANSPORT, .transport = *fault});
}

void phone_client_fail(struct phone_client *client, enum kl_fault fault)
{
	tell_fault(client->phone,
		   &(struct kl_event_transport){client->hop.route, fault, client->tx});
}

void phone_client_transmit(struct phone_client *client)
{
	struct phone *phone = client->phone;
	const struct phone_hop hop = phone_large_hop(client);
	int error = phone_send(phone, &hop, client->request.received);

	if (error && client->over_tcp) {
		phone_large_give_up(client);
		error = phone_send(phone, &client->hop, client->request.received);
	}
	if (error)
		phone_client_fail(client, phone_fault_of(-error));
}

void phone_client_send(struct phone *phone, const struct kl_action_send *send)
{
	struct phone_client *client =
		send->attempt == 1 ? client_open(phone, send) : find(phone, send->tx);

	if (client && is_followed(client))
		return; /* it was answered */
	phone_network_use(phone, &send->route);
	if (!client)
		tell_fault(phone,
			   &(struct kl_event_transport){send->route, KL_FAULT_SEND, send->tx});
	else if (send->attempt == 1 || !phone_large_arrives(client))
		phone_client_transmit(client);
	if (client && send->attempt == 1)
		phone_race_begin(client, send);
}

/* ---- endings --------------------------------------------------------------------------------- */

static void forget_in(struct phone_client *client, uint64_t length_ms)
{
	net_timer_set(client->end, net_now_ms() + length_ms);
}

/* RFC 3261 9.1: CANCEL goes where its INVITE went, once a provisional answer came.  After it the
 * INVITE has 64*T1 to end. */
static void client_cancel(struct phone_client *client)
{
	struct phone *phone = client->phone;
	const struct phone_hop hop = phone_large_hop(client);
	struct sip_builder builder;
	int length;

	if (client->cancelled)
		return;
	client->cancelled = true;
	sip_builder_init(&builder, phone->scratch, sizeof phone->scratch);
	length = sip_build_cancel(&builder, &client->request, client->cancel_reason);
	if (length > 0 &&
	    !phone_repeat_init(&client->cancel, phone, (struct net_callback){NULL, NULL}))
		phone_repeat_start(&client->cancel, &hop,
				   (struct sip_span){phone->scratch, (size_t)length});
	forget_in(client, TRANSACTION_MS);
}

/* RFC 3261 17.1.1.3: the ACK of a refusal goes where its INVITE went, whatever the line does now.
 */
static void client_acknowledge(struct phone_client *client, const struct sip_message *response)
{
	struct phone *phone = client->phone;
	const struct phone_hop hop = phone_large_hop(client);
	struct sip_builder builder;
	int length;

	sip_builder_init(&builder, phone->scratch, sizeof phone->scratch);
	length = sip_build_ack_for_failure(&builder, &client->request, response);
	if (length > 0)
		phone_send(phone, &hop, (struct sip_span){phone->scratch, (size_t)length});
}

/* RFC 3326: who hangs up needs no reason; else no answer came in time. */
void phone_client_abandon(struct phone *phone, kl_tx tx)
{
	struct phone_client *client = find(phone, tx);
	const struct phone_call *call;

	if (!client || client->state != PHONE_CLIENT_OPEN)
		return;
	phone_waiting_end(client, PHONE_CLIENT_LEFT);
	forget_in(client, TRANSACTION_MS);
	if (client->method != KL_INVITE)
		return;
	call = phone_call_find(phone, client->token);
	if (call && !call->hangs_up)
		client->cancel_reason = "SIP;cause=408;text=\"Request Timeout\"";
	phone_dialogs_end_early(phone, tx);
	if (client->proceeding)
		client_cancel(client);
}

/* ---- answers --------------------------------------------------------------------------------- */

static enum kl_challenge challenge_of(enum sip_verdict verdict)
{
	switch (verdict) {
	case SIP_VERDICT_NEW:
		return KL_CHALLENGE_NEW;
	case SIP_VERDICT_STALE:
		return KL_CHALLENGE_STALE;
	case SIP_VERDICT_REFUSED:
		return KL_CHALLENGE_REFUSED;
	case SIP_VERDICT_UNANSWERABLE:
		break;
	}
	return KL_CHALLENGE_UNANSWERABLE;
}

static kl_ms seconds_in(const struct sip_message *response, enum sip_header_id id)
{
	uint32_t seconds = 0;

	sip_message_seconds(response, id, &seconds);
	return (kl_ms)seconds * 1000;
}

static void feed_response(struct phone_client *client, const struct sip_message *response,
			  uint16_t status)
{
	struct kl_event event = {
		.type = KL_EV_RESPONSE,
		.response = {.tx = client->tx,
			     .status = status,
			     .min_expires_ms = seconds_in(response, SIP_MIN_EXPIRES),
			     .retry_after_ms = seconds_in(response, SIP_RETRY_AFTER)},
	};

	if (status == 401 || status == 407)
		event.response.challenge =
			challenge_of(phone_account_judge(client->account, &client->hop.route,
							 client->proof, response, client->sent));
	if (status / 100 == 2 && client->method == KL_REGISTER)
		phone_flow_take_accept(client, response, &event.response);
	/* RFC 6665 4.1.2.1: the Expires of a 2xx to SUBSCRIBE rules; 0: it says none. */
	if (status / 100 == 2 && client->method == KL_SUBSCRIBE)
		event.response.granted_ms = seconds_in(response, SIP_EXPIRES);
	if (client->redirect)
		event.response.redirect = client->redirect->target.route;
	phone_feed(client->phone, &event);
}

/* The way of a 3xx is known, or there is none. */
static void take_target(void *user)
{
	struct phone_client *client = user;
	struct phone_call *call =
		client->method == KL_INVITE ? phone_call_find(client->phone, client->token) : NULL;

	if (call)
		call->redirect = client->redirect->target;
	feed_response(client, &client->redirect->response, client->redirect->status);
}

/* TRIG-9.  While names are looked up the route counts as alive: its answer came. */
static void follow(struct phone_client *client, const struct sip_message *response)
{
	client->redirect = calloc(1, sizeof *client->redirect);
	if (!client->redirect) {
		feed_response(client, response, response->status);
		return;
	}
	client->redirect->phone = client->phone;
	client->redirect->account = client->account;
	client->redirect->on_target = take_target;
	client->redirect->user = client;
	phone_redirect_follow(client->redirect, response);
	if (is_followed(client))
		feed_response(client, response, 100);
}

static struct phone_dialog_origin origin_of(const struct phone_client *client)
{
	bool wanted = client->state == PHONE_CLIENT_OPEN;

	return (struct phone_dialog_origin){
		.account = client->account,
		.tx = client->tx,
		.hop = client->hop,
		.invite = &client->request,
		.call = wanted ? phone_call_find(client->phone, client->token) : NULL,
	};
}

static void take_ringing(struct phone_client *client, const struct sip_message *response)
{
	const struct phone_dialog_origin origin = origin_of(client);

	phone_call_answered(client->phone, client->token, &client->hop.route, response);
	if (origin.call)
		phone_call_take_provisional(origin.call, &origin, response);
}

static void take_provisional(struct phone_client *client, const struct sip_message *response)
{
	client->proceeding = true;
	if (client->state == PHONE_CLIENT_OPEN) {
		if (client->is_relayed)
			phone_relay_pass(client, response);
		else if (client->method == KL_INVITE)
			take_ringing(client, response);
		feed_response(client, response, response->status);
	} else if (client->state == PHONE_CLIENT_LEFT && client->method == KL_INVITE) {
		client_cancel(client);
	}
}

/* A 2xx to an INVITE from behind the line: each one passes, and is acknowledged there. */
static void take_relayed(struct phone_client *client, const struct sip_message *response)
{
	bool wanted = client->state == PHONE_CLIENT_OPEN;

	phone_waiting_end(client, PHONE_CLIENT_ENDED);
	phone_relay_pass(client, response);
	if (!wanted)
		return;
	forget_in(client, TRANSACTION_MS);
	feed_response(client, response, response->status);
}

/* A 2xx to INVITE: the first one is the call; what comes late, or from another branch of a fork, is
 * acknowledged and ended.  An answer that makes no dialog can't be acknowledged: a bad server. */
static void take_accepted(struct phone_client *client, const struct sip_message *response)
{
	bool wanted = client->state == PHONE_CLIENT_OPEN;
	const struct phone_dialog_origin origin = origin_of(client);
	bool made = phone_dialog_take_answer(client->phone, &origin, response);

	if (wanted) {
		phone_waiting_end(client, PHONE_CLIENT_ENDED);
		forget_in(client, TRANSACTION_MS);
		phone_dialogs_end_early(client->phone, client->tx);
		phone_call_answered(client->phone, client->token, &client->hop.route, response);
		feed_response(client, response, made ? response->status : 500);
	}
}

/* Any other final answer. */
static void take_final(struct phone_client *client, const struct sip_message *response)
{
	bool is_invite = client->method == KL_INVITE;
	bool open = client->state == PHONE_CLIENT_OPEN;
	bool late = client->state == PHONE_CLIENT_LEFT && client->method == KL_REGISTER &&
		    response->status / 100 == 2;

	if (is_invite)
		client_acknowledge(client, response);
	if (client->state == PHONE_CLIENT_ENDED)
		return;
	phone_waiting_end(client, PHONE_CLIENT_ENDED);
	forget_in(client, is_invite ? TRANSACTION_MS : SIP_T4_MS);
	if (is_invite)
		phone_dialogs_end_early(client->phone, client->tx);
	if (open && client->is_relayed)
		phone_relay_pass(client, response);
	else if (open && is_invite)
		phone_call_answered(client->phone, client->token, &client->hop.route, response);
	if (open && response->status / 100 == 3 && !client->is_relayed)
		follow(client, response);
	else if (open || late)
		feed_response(client, response,
			      open ? phone_subscription_judge(client, response) : response->status);
	else if (client->purpose == KL_FOR_SEIZE)
		phone_seize_take_late(client, response);
}

bool phone_client_receive(struct phone *phone, const struct sip_message *response)
{
	struct phone_client *client = phone_client_find(phone, response->via.branch);

	if (!client)
		return false;
	if (client->method == KL_INVITE &&
	    sip_response_matches(response, client->branch, SIP_CANCEL)) {
		if (response->status >= 200)
			phone_repeat_stop(&client->cancel);
		return true;
	}
	if (!sip_response_matches(response, client->branch, client->request.method))
		return false;
	if (response->status < 200)
		take_provisional(client, response);
	else if (response->status < 300 && client->is_relayed && client->method == KL_INVITE &&
		 client->state != PHONE_CLIENT_LEFT)
		take_relayed(client, response);
	else if (response->status < 300 && client->method == KL_INVITE)
		take_accepted(client, response);
	else
		take_final(client, response);
	return true;
}
